//! Tokens in base64 and sealed buffers behind their length: no bytes panic, base64 means one thing only, and no buffer is
//! larger than it may be.
#![no_main]

use carrack_io::gss::Deframer;
use carrack_proto::base64;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Some(bytes) = base64::decode(data) {
        assert_eq!(base64::encode(&bytes).as_bytes(), data);
    }
    assert_eq!(base64::decode(base64::encode(data).as_bytes()).as_deref(), Some(data));
    let piece = data.first().map_or(1, |&b| usize::from(b) + 1);
    let mut deframer = Deframer::default();
    for bytes in data.chunks(piece) {
        deframer.push(bytes);
        loop {
            match deframer.token() {
                Ok(Some(token)) => assert!(!token.is_empty() && token.len() <= data.len()),
                Ok(None) => break,
                Err(_) => return,
            }
        }
    }
});
