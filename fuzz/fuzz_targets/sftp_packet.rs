//! SFTP's packets, both ways: no bytes panic, what is read is printed as it reads, and cutting the bytes elsewhere gives
//! the same packets.
#![no_main]

use bytes::BytesMut;
use carrack_proto::sftp::frame::Frames;
use carrack_proto::sftp::reply::{Reply, parse_version};
use carrack_proto::sftp::request::{Request, parse_init};
use libfuzzer_sys::fuzz_target;

fn packets(data: &[u8], piece: usize) -> (Vec<Vec<u8>>, bool) {
    let (mut frames, mut all) = (Frames::new(4_096), Vec::new());
    for mut piece in data.chunks(piece) {
        loop {
            match frames.next_packet(&mut piece) {
                Ok(Some(packet)) => all.push(packet.to_vec()),
                Ok(None) => break,
                Err(_) => return (all, true),
            }
        }
    }
    (all, false)
}

fuzz_target!(|data: &[u8]| {
    let _ = (parse_init(data), parse_version(data));
    if let Ok((id, request)) = Request::parse(data) {
        let mut out = BytesMut::new();
        request.put(id, &mut out);
        assert_eq!(Request::parse(&out[4..]), Ok((id, request)));
        assert!(!request.to_string().contains('\n'));
    }
    if let Ok((id, reply)) = Reply::parse(data) {
        let mut out = BytesMut::new();
        reply.put(id, &mut out);
        if let Reply::Name(names) = reply {
            assert!(names.count() <= data.len() / 12 + 1);
        } else {
            assert_eq!(Reply::parse(&out[4..]), Ok((id, reply)));
        }
    }
    assert_eq!(packets(data, 1), packets(data, data.len().max(1)));
});
