//! Which hardware address has a machine on the same network? As the kernel's own table says (rtnetlink(7): RTM_GETNEIGH),
//! for IPv4 and IPv6 alike, and without another program.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::AsRawFd;

use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, setsockopt, socket, sockopt::ReceiveTimeout,
};
use nix::sys::time::{TimeVal, TimeValLike};
use types::Mac;

use crate::task;

/// The address of the machine that has this address, where the kernel has heard of it; `None` for machines behind a
/// router and for this one.
///
/// # Errors
/// The system's.
pub async fn mac_of(ip: IpAddr) -> io::Result<Option<Mac>> {
    let ip = ip.to_canonical();
    if ip.is_loopback() {
        return Ok(None);
    }
    task::blocking(move || ask(ip)).await.map_err(|e| io::Error::other(e.to_string()))?
}

/// How long the kernel may take: it answers at once, or not at all.
const WITHIN_SECONDS: i64 = 1;
/// The kernel sends its table in parts of 32 KiB at most.
const PART: usize = 64 * 1024;

fn ask(ip: IpAddr) -> io::Result<Option<Mac>> {
    let route = socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::NetlinkRoute)?;
    setsockopt(&route, ReceiveTimeout, &TimeVal::seconds(WITHIN_SECONDS))?;
    send(route.as_raw_fd(), &request(ip), MsgFlags::empty())?;
    let mut part = vec![0; PART];
    let mut found = None;
    loop {
        let came = recv(route.as_raw_fd(), &mut part, MsgFlags::empty())?;
        match read(part.get(..came).unwrap_or_default(), ip, &mut found) {
            Read::More if came > 0 => {}
            Read::More | Read::Done => return Ok(found),
            Read::Refused(errno) => return Err(io::Error::from_raw_os_error(errno)),
        }
    }
}

/// rtnetlink(7) and linux/neighbour.h.
const RTM_NEWNEIGH: u16 = 28;
const RTM_GETNEIGH: u16 = 30;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
/// NLM_F_REQUEST and NLM_F_DUMP.
const ASK_FOR_ALL: u16 = 0x301;
const NDA_DST: u16 = 1;
const NDA_LLADDR: u16 = 2;
/// NUD_INCOMPLETE and NUD_FAILED: nobody has answered.
const UNKNOWN: u16 = 0x21;
/// Bytes of nlmsghdr and of ndmsg.
const HEADER: usize = 16;
const NEIGHBOUR: usize = 12;

/// The request for all neighbours of a family.
fn request(ip: IpAddr) -> Vec<u8> {
    let family: u8 = if ip.is_ipv4() { 2 } else { 10 };
    let mut packet = Vec::with_capacity(HEADER + NEIGHBOUR);
    packet.extend_from_slice(&28_u32.to_ne_bytes());
    packet.extend_from_slice(&RTM_GETNEIGH.to_ne_bytes());
    packet.extend_from_slice(&ASK_FOR_ALL.to_ne_bytes());
    packet.extend_from_slice(&1_u32.to_ne_bytes());
    packet.extend_from_slice(&0_u32.to_ne_bytes());
    packet.push(family);
    packet.resize(HEADER + NEIGHBOUR, 0);
    packet
}

/// The hardware address of a machine, if a part of the kernel's table has it (rtnetlink(7)).
pub fn mac_in(part: &[u8], ip: IpAddr) -> Option<Mac> {
    let mut found = None;
    read(part, ip, &mut found);
    found
}

/// What a part of the table says besides.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Read {
    /// Another part follows.
    More,
    Done,
    Refused(i32),
}

/// Looks for an address in a part of the table.
fn read(part: &[u8], ip: IpAddr, found: &mut Option<Mac>) -> Read {
    let mut rest = part;
    while let (Some(len), Some(kind)) = (word(rest, 0), half(rest, 4)) {
        let len = len as usize;
        let Some(message) = rest.get(HEADER..len) else { break };
        match kind {
            NLMSG_DONE => return Read::Done,
            NLMSG_ERROR => return Read::Refused(word(message, 0).map_or(0, |n| n.cast_signed().wrapping_neg())),
            RTM_NEWNEIGH if found.is_none() => *found = neighbour(message, ip),
            _ => {}
        }
        rest = rest.get(len.next_multiple_of(4)..).unwrap_or_default();
    }
    Read::More
}

/// The hardware address, if the neighbour is the one.
fn neighbour(message: &[u8], ip: IpAddr) -> Option<Mac> {
    if half(message, 8)? & UNKNOWN != 0 {
        return None;
    }
    let (mut at, mut mac) = (None, None);
    let mut rest = message.get(NEIGHBOUR..)?;
    while let (Some(len), Some(kind)) = (half(rest, 0), half(rest, 2)) {
        let len = usize::from(len);
        let value = rest.get(4..len)?;
        match kind {
            NDA_DST => at = address(value),
            NDA_LLADDR => mac = <[u8; 6]>::try_from(value).ok().map(Mac),
            _ => {}
        }
        rest = rest.get(len.next_multiple_of(4)..).unwrap_or_default();
    }
    mac.filter(|_| at == Some(ip))
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let four = <[u8; 4]>::try_from(bytes).ok().map(|b| Ipv4Addr::from(b).into());
    four.or_else(|| <[u8; 16]>::try_from(bytes).ok().map(|b| Ipv6Addr::from(b).into()))
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
        let mut bytes = [&(4 + value.len() as u16).to_ne_bytes()[..], &kind.to_ne_bytes(), value].concat();
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn message(kind: u16, body: &[u8]) -> Vec<u8> {
        let mut bytes = [&(16 + body.len() as u32).to_ne_bytes()[..], &kind.to_ne_bytes(), &[0; 10], body].concat();
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn entry(state: u16, ip: &[u8], mac: &[u8]) -> Vec<u8> {
        let head = [&[2, 0, 0, 0, 1, 0, 0, 0][..], &state.to_ne_bytes(), &[0, 1]].concat();
        // An attribute that says nothing to us stands between.
        message(RTM_NEWNEIGH, &[head, attribute(NDA_DST, ip), attribute(3, &[1, 2, 3]), attribute(NDA_LLADDR, mac)].concat())
    }

    #[test]
    fn a_table_tells_who_is_where() {
        let done = message(NLMSG_DONE, &[0; 4]);
        let table = [
            entry(0x20, &[10, 0, 0, 9], &[9; 6]),
            entry(0x02, &[10, 0, 0, 1], &[1; 6]),
            entry(0x04, &[10, 0, 0, 2], &[2; 6]),
            entry(0x02, &[10, 0, 0, 3], &[3; 20]),
        ]
        .concat();
        let six = entry(0x80, &Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 7).octets(), &[7; 6]);
        let whole = [&table[..], &six, &done].concat();
        for (ip, mac) in [
            ("10.0.0.1", Some([1; 6])),
            ("10.0.0.2", Some([2; 6])),
            ("10.0.0.3", None),
            ("10.0.0.9", None),
            ("10.0.0.4", None),
            ("fe80::7", Some([7; 6])),
        ] {
            let mut found = None;
            assert_eq!(read(&whole, ip.parse().unwrap(), &mut found), Read::Done);
            assert_eq!(found, mac.map(Mac), "{ip}");
            assert_eq!(mac_in(&whole, ip.parse().unwrap()), found, "{ip}");
        }
        assert_eq!(read(&table, "10.0.0.1".parse().unwrap(), &mut None), Read::More);
        let refused = message(NLMSG_ERROR, &(-1_i32).to_ne_bytes());
        assert_eq!(read(&refused, "10.0.0.1".parse().unwrap(), &mut None), Read::Refused(1));
    }

    #[test]
    fn the_kernel_answers() {
        // Whoever that is here: the kernel knows what was asked.
        for ip in ["192.0.2.1", "2001:db8::1"] {
            ask(ip.parse().unwrap()).unwrap();
        }
        assert_eq!(ask("127.0.0.1".parse().unwrap()).unwrap(), None, "this machine has no neighbour of that address");
    }

    proptest! {
        #[test]
        fn no_bytes_lead_astray(bytes in proptest::collection::vec(0_u8..40, 0..200)) {
            let mut found = None;
            read(&bytes, "10.0.0.1".parse().unwrap(), &mut found);
            let framed = message(RTM_NEWNEIGH, &bytes);
            read(&framed, "10.0.0.1".parse().unwrap(), &mut found);
        }
    }
}
