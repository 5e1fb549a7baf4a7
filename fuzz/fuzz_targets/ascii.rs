//! TYPE A: the same bytes however they are cut, the length told beforehand, and text that comes back.
#![no_main]

use carrack_proto::ftp::data::ascii::{Decoder, Encoder, encoded_len};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut whole = Vec::new();
    Encoder::default().push(data, &mut whole);
    let mut pieces = Vec::new();
    let mut encoder = Encoder::default();
    for byte in data {
        encoder.push(std::slice::from_ref(byte), &mut pieces);
    }
    assert_eq!(whole, pieces);
    assert_eq!(whole.len() as u64, encoded_len(data));
    let (mut once, mut bytewise) = (Vec::new(), Vec::new());
    let mut decoder = Decoder::default();
    decoder.push(data, &mut once);
    decoder.finish(&mut once);
    let mut decoder = Decoder::default();
    for byte in data {
        decoder.push(std::slice::from_ref(byte), &mut bytewise);
    }
    decoder.finish(&mut bytewise);
    assert_eq!(once, bytewise);
    if !data.contains(&b'\r') {
        let mut back = Vec::new();
        let mut decoder = Decoder::default();
        decoder.push(&whole, &mut back);
        decoder.finish(&mut back);
        assert_eq!(back, data);
    }
});
