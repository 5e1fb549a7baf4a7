//! Lines come out the same however the bytes are cut, hold no line end and keep to their limit.
#![no_main]

use carrack_proto::line::{LineDecoder, LineError, MAX_LINE};
use libfuzzer_sys::fuzz_target;

type Lines = Vec<Result<Vec<u8>, LineError>>;

fn feed(decoder: &mut LineDecoder, mut input: &[u8], out: &mut Lines) {
    while let Some(line) = decoder.next(&mut input) {
        out.push(line.map(|line| line.into_owned()));
    }
    assert!(input.is_empty(), "what is no line yet must be taken in");
}

fuzz_target!(|data: &[u8]| {
    let (mut whole, mut pieces) = (Lines::new(), Lines::new());
    feed(&mut LineDecoder::new(), data, &mut whole);
    let mut decoder = LineDecoder::new();
    for byte in data {
        feed(&mut decoder, std::slice::from_ref(byte), &mut pieces);
    }
    assert_eq!(whole, pieces);
    for line in whole.iter().flatten() {
        assert!(line.len() <= MAX_LINE && !line.contains(&b'\n') && !line.contains(&0));
    }
});
