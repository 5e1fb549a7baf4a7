//! Addresses of PORT, EPRT, LPRT and their replies: no text panics, what is printed is read back.
#![no_main]

use carrack_proto::ftp::address::*;
use libfuzzer_sys::fuzz_target;
use std::net::SocketAddr;

fuzz_target!(|data: &[u8]| {
    if let Ok(address) = parse_port(data) {
        assert_eq!(parse_port(print_port(address).as_bytes()), Ok(address));
        assert_eq!(parse_227(print_227(address).as_bytes()), Ok(address));
    }
    if let Ok(address) = parse_eprt(data) {
        assert_eq!(parse_eprt(print_eprt(address).as_bytes()), Ok(address));
    }
    if let Ok(address) = parse_lprt(data) {
        assert_eq!(parse_lprt(print_lprt(address).as_bytes()), Ok(address));
        assert_eq!(parse_228(print_228(address).as_bytes()), Ok(address));
    }
    let _ = parse_227(data).map(SocketAddr::V4);
    let _ = parse_228(data);
    let _ = parse_epsv(data);
    if let Ok(port) = parse_229(data) {
        assert_eq!(parse_229(print_229(port).as_bytes()), Ok(port));
    }
});
