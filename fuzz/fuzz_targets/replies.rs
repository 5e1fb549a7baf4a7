//! Replies to a client: no bytes panic, the decoder keeps its bounds, and cutting the bytes elsewhere gives the same replies.
#![no_main]

use carrack_proto::ftp::client::{MAX_REPLY, ReplyDecoder, connection_limit};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let whole = read(&[data]);
    let at = data.first().map_or(0, |&b| usize::from(b)).min(data.len());
    let (a, b) = data.split_at(at);
    assert_eq!(whole, read(&[a, b]));
    for (code, text) in whole {
        assert!((100..700).contains(&code));
        assert!(text.len() <= MAX_REPLY);
        assert!(!text.iter().any(|b| b.is_ascii_control() && !matches!(b, b'\t' | b'\n')));
    }
});

fn read(pieces: &[&[u8]]) -> Vec<(u16, Vec<u8>)> {
    let mut decoder = ReplyDecoder::new();
    let mut all = Vec::new();
    for piece in pieces {
        let mut input = *piece;
        while let Some(reply) = decoder.next(&mut input) {
            let Ok(reply) = reply else { return all };
            let _ = connection_limit(&reply);
            all.push((reply.code, reply.text.to_vec()));
        }
        assert!(input.is_empty());
    }
    all
}
