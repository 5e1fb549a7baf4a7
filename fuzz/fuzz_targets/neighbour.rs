//! The kernel's table of neighbours (rtnetlink): whatever stands in a part of it, reading ends, and finds what is there.
#![no_main]

use std::net::{IpAddr, Ipv4Addr};

use carrack_io::neighbour::mac_in;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let ip = Ipv4Addr::new(10, 0, 0, 1);
    let _ = mac_in(data, IpAddr::V4(ip));
    // As one message of an entry, so that what is below its header is reached, too.
    let message = |body: &[u8]| {
        let len = u32::try_from(16 + body.len()).unwrap_or(u32::MAX);
        let mut bytes = [&len.to_ne_bytes()[..], &28_u16.to_ne_bytes(), &[0; 10], body].concat();
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    };
    let strange = message(data);
    let _ = mac_in(&strange, IpAddr::V4(ip));
    // Behind it, where it hides nothing, an entry that is whole is found.
    let attribute = |kind: u16, value: &[u8]| {
        let mut bytes = [&(4 + value.len() as u16).to_ne_bytes()[..], &kind.to_ne_bytes(), value].concat();
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    };
    let head = [2_u8, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 1];
    let entry = message(&[&head[..], &attribute(1, &ip.octets()), &attribute(2, &[7; 6])].concat());
    let both = [strange, entry].concat();
    assert!(mac_in(&both, IpAddr::V4(ip)).is_some(), "an entry was lost");
});
