//! Who is the client behind a load balancer? Reads the PROXY protocol's header, versions 1 and 2, and not one
//! byte more.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Instant;

use ppp::{v1, v2};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// The fixed part of a version 2 header: signature, version and command, family, length.
const V2_FIXED: usize = 16;
/// The longest version 2 header taken: addresses and a few extensions; the form would allow 64 KiB.
const V2_MOST: usize = 4096;
/// The longest version 1 line, its end included.
const V1_MOST: usize = 107;
/// What a version 1 line begins with.
const V1_START: &[u8] = b"PROXY ";

/// Why a header could not be had.
#[derive(Debug)]
pub enum ProxyError {
    /// The connection ended or failed.
    Io(io::Error),
    /// It did not come in time.
    Late,
    /// What came is no PROXY header, or is longer than is taken.
    Malformed(Box<str>),
}

impl fmt::Display for ProxyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(e) => write!(f, "the connection failed before its PROXY header: {e}"),
            Self::Late => f.write_str("the PROXY header did not come in time"),
            Self::Malformed(what) => write!(f, "not a PROXY header: {what}"),
        }
    }
}

impl std::error::Error for ProxyError {}

impl From<io::Error> for ProxyError {
    fn from(e: io::Error) -> Self {
        Self::Io(e)
    }
}

/// The client's address and the address it connected to, as a header tells them.
pub type Ends = (SocketAddr, SocketAddr);

/// Reads the header that must come first on a connection from a load balancer. `None` where the balancer speaks for
/// itself (LOCAL, as in health checks) or does not say for whom (UNKNOWN, UNIX).
///
/// # Errors
/// See [`ProxyError`]; the connection is of no use then.
pub async fn read_proxy_header(stream: &mut TcpStream, deadline: Instant) -> Result<Option<Ends>, ProxyError> {
    // Boxed: this runs once, in a task that lives as long as the session.
    match tokio::time::timeout_at(deadline.into(), Box::pin(read(stream))).await {
        Ok(result) => result,
        Err(_) => Err(ProxyError::Late),
    }
}

async fn read(stream: &mut TcpStream) -> Result<Option<Ends>, ProxyError> {
    let mut header = vec![0; V1_START.len()];
    stream.read_exact(&mut header).await?;
    if header == V1_START {
        // Byte by byte: what follows the line's end belongs to the session.
        while !header.ends_with(b"\n") {
            if header.len() >= V1_MOST {
                return Err(ProxyError::Malformed("the line is too long".into()));
            }
            header.push(stream.read_u8().await?);
        }
        return parse(&header);
    }
    if !v2::PROTOCOL_PREFIX.starts_with(&header) {
        return Err(ProxyError::Malformed("neither version 1 nor version 2 begins so".into()));
    }
    header.resize(V2_FIXED, 0);
    stream.read_exact(header.get_mut(V1_START.len()..).unwrap_or_default()).await?;
    let rest = v2_rest(&header)?;
    header.resize(V2_FIXED + rest, 0);
    stream.read_exact(header.get_mut(V2_FIXED..).unwrap_or_default()).await?;
    parse(&header)
}

/// How many bytes follow the fixed part of a version 2 header.
fn v2_rest(fixed: &[u8]) -> Result<usize, ProxyError> {
    match fixed.get(V2_FIXED - 2..V2_FIXED) {
        Some(&[high, low]) => {
            let rest = usize::from(u16::from_be_bytes([high, low]));
            if V2_FIXED + rest > V2_MOST {
                return Err(ProxyError::Malformed(format!("{rest} bytes are too long").into()));
            }
            Ok(rest)
        }
        _ => Err(ProxyError::Malformed("too short".into())),
    }
}

/// What a whole header says.
fn parse(header: &[u8]) -> Result<Option<Ends>, ProxyError> {
    if header.starts_with(V1_START) {
        let parsed = v1::Header::try_from(header).map_err(|e| ProxyError::Malformed(e.to_string().into()))?;
        return Ok(match parsed.addresses {
            v1::Addresses::Tcp4(a) => Some(ends((a.source_address, a.source_port), (a.destination_address, a.destination_port))),
            v1::Addresses::Tcp6(a) => Some(ends((a.source_address, a.source_port), (a.destination_address, a.destination_port))),
            v1::Addresses::Unknown => None,
        });
    }
    let parsed = v2::Header::try_from(header).map_err(|e| ProxyError::Malformed(e.to_string().into()))?;
    if parsed.command == v2::Command::Local || parsed.protocol == v2::Protocol::Datagram {
        return Ok(None);
    }
    Ok(match parsed.addresses {
        v2::Addresses::IPv4(a) => Some(ends((a.source_address, a.source_port), (a.destination_address, a.destination_port))),
        v2::Addresses::IPv6(a) => Some(ends((a.source_address, a.source_port), (a.destination_address, a.destination_port))),
        v2::Addresses::Unix(_) | v2::Addresses::Unspecified => None,
    })
}

fn ends(peer: impl Into<SocketAddr>, local: impl Into<SocketAddr>) -> Ends {
    (peer.into(), local.into())
}

#[cfg(test)]
mod tests {
    use super::{ProxyError, V1_START, parse, read_proxy_header, v2_rest};
    use crate::clock;
    use ppp::v2;
    use proptest::prelude::*;
    use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
    use std::time::Duration;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    fn v2_header(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
        let mut h = v2::PROTOCOL_PREFIX.to_vec();
        h.extend([0x20 | command, family]);
        h.extend((body.len() as u16).to_be_bytes());
        h.extend(body);
        h
    }

    async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let out = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (listener.accept().await.unwrap().0, out)
    }

    #[tokio::test]
    async fn not_one_byte_more_is_read() {
        let six = [&[1u8; 32][..], &[0, 5, 0, 21], &[4, 0, 2, 7, 7]].concat();
        for header in [b"PROXY TCP4 203.0.113.7 10.0.0.1 4711 21\r\n".to_vec(), v2_header(1, 0x21, &six)] {
            let (mut a, mut b) = pair().await;
            for byte in header.iter().chain(b"USER x\r\n") {
                b.write_all(&[*byte]).await.unwrap();
            }
            let (peer, local) = read_proxy_header(&mut a, clock::now() + Duration::from_secs(5)).await.unwrap().unwrap();
            assert_eq!(local.port(), 21);
            assert!(peer.port() == 4711 || peer.port() == 5);
            let mut rest = [0; 8];
            a.read_exact(&mut rest).await.unwrap();
            assert_eq!(&rest, b"USER x\r\n");
        }
    }

    #[tokio::test]
    async fn late_short_and_wrong_are_told_apart() {
        let (mut a, mut b) = pair().await;
        b.write_all(b"PROXY TCP4 ").await.unwrap();
        let soon = clock::now() + Duration::from_millis(30);
        assert!(matches!(read_proxy_header(&mut a, soon).await, Err(ProxyError::Late)));
        let later = clock::now() + Duration::from_secs(5);
        for (sent, malformed) in
            [(&b"USER anonymous\r\n"[..], true), (b"PRO", false), (&[b"PROXY ".as_slice(), &[b'x'; 200]].concat(), true)]
        {
            let (mut a, mut b) = pair().await;
            b.write_all(sent).await.unwrap();
            b.shutdown().await.unwrap();
            let e = read_proxy_header(&mut a, later).await.unwrap_err();
            assert_eq!(matches!(e, ProxyError::Malformed(_)), malformed, "{e}");
        }
        let (mut a, mut b) = pair().await;
        let mut long = v2_header(1, 0x11, &[]);
        long[14] = 0xff;
        b.write_all(&long).await.unwrap();
        assert!(matches!(read_proxy_header(&mut a, later).await, Err(ProxyError::Malformed(_))));
    }

    #[test]
    fn who_is_not_said_is_none() {
        assert!(parse(b"PROXY UNKNOWN\r\n").unwrap().is_none());
        assert!(parse(&v2_header(0, 0, &[])).unwrap().is_none());
        assert!(parse(&v2_header(1, 0x31, &[0; 216])).unwrap().is_none());
        assert!(parse(&v2_header(1, 0x11, &[1, 2, 3])).is_err());
        assert!(parse(b"PROXY TCP4 1.2.3.4 1.2.3.4 99999 1\r\n").is_err());
    }

    proptest! {
        #[test]
        fn four_and_back(src: u32, dst: u32, sp: u16, dp: u16) {
            let (s, d) = (Ipv4Addr::from(src), Ipv4Addr::from(dst));
            let want = Some((SocketAddr::from((s, sp)), SocketAddr::from((d, dp))));
            prop_assert_eq!(parse(format!("PROXY TCP4 {s} {d} {sp} {dp}\r\n").as_bytes()).unwrap(), want);
            let body = [&s.octets()[..], &d.octets(), &sp.to_be_bytes(), &dp.to_be_bytes()].concat();
            prop_assert_eq!(parse(&v2_header(1, 0x11, &body)).unwrap(), want);
        }

        #[test]
        fn six_and_back(src: u128, dst: u128, sp: u16, dp: u16) {
            let (s, d) = (Ipv6Addr::from(src), Ipv6Addr::from(dst));
            let want = Some((SocketAddr::from((s, sp)), SocketAddr::from((d, dp))));
            prop_assert_eq!(parse(format!("PROXY TCP6 {s} {d} {sp} {dp}\r\n").as_bytes()).unwrap(), want);
            let body = [&s.octets()[..], &d.octets(), &sp.to_be_bytes(), &dp.to_be_bytes()].concat();
            prop_assert_eq!(parse(&v2_header(1, 0x21, &body)).unwrap(), want);
        }

        #[test]
        fn nothing_panics(bytes: Vec<u8>, command: u8, family: u8) {
            let _ = parse(&bytes);
            let _ = v2_rest(&bytes);
            let _ = parse(&[V1_START, &bytes].concat());
            let _ = parse(&v2_header(command & 15, family, &bytes));
        }
    }
}
