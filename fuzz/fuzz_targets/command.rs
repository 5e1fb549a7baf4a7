//! Commands: every line is some command, and replies made from anything are well-formed lines.
#![no_main]

use carrack_proto::ftp::command::Command;
use carrack_proto::ftp::reply::Reply;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = Command::parse(data);
    let mut wire = Vec::new();
    Reply::new(250, data.to_vec()).print(&mut wire);
    assert!(wire.ends_with(b"\r\n"));
    let lines: Vec<&[u8]> = wire[..wire.len() - 2].split(|&b| b == b'\n').collect();
    let (last, before) = lines.split_last().expect("a line");
    assert!(last.starts_with(b"250 "), "{last:?}");
    assert!(before.iter().all(|line| !line.starts_with(b"250 ")), "the reply ends before its end: {wire:?}");
});
