//! How are data addresses written: PORT, 227, EPRT, EPSV, 229, LPRT, 228 (RFC 959, 2428, 1639)?

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

/// Why a text names no data address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AddressError {
    /// It does not have the form its command wants.
    Syntax,
    /// The form is right, but the address family is none that is served (522, 521).
    Family,
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Syntax => "that is not the form of an address and port",
            Self::Family => "that address family is not served",
        })
    }
}

impl std::error::Error for AddressError {}

/// What EPSV asks for (RFC 2428 §3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EpsvArgument {
    /// Nothing: the control connection's family.
    None,
    /// A family by its number: 1 is IPv4, 2 is IPv6, others exist and are not served.
    Family(u8),
    /// ALL: from now on only EPSV.
    All,
    /// None of these.
    Invalid,
}

/// Reads `h1,h2,h3,h4,p1,p2` (RFC 959 §4.1.2). Blanks at the ends are forgiven.
///
/// # Errors
/// [`AddressError::Syntax`].
pub fn parse_port(text: &[u8]) -> Result<SocketAddrV4, AddressError> {
    let mut numbers = Numbers::of(text);
    let [a, b, c, d, high, low] = numbers.take::<6>()?;
    numbers.end()?;
    Ok(SocketAddrV4::new(Ipv4Addr::new(a, b, c, d), u16::from_be_bytes([high, low])))
}

/// Writes `h1,h2,h3,h4,p1,p2`.
pub fn print_port(address: SocketAddrV4) -> String {
    let [a, b, c, d] = address.ip().octets();
    let [high, low] = address.port().to_be_bytes();
    format!("{a},{b},{c},{d},{high},{low}")
}

/// The text of a 227 reply.
pub fn print_227(address: SocketAddrV4) -> String {
    format!("Entering Passive Mode ({}).", print_port(address))
}

/// Finds the address in the text of a 227 reply: the first six numbers with commas between them, wherever they
/// stand and with or without parentheses (RFC 1123 §4.1.2.6).
///
/// # Errors
/// [`AddressError::Syntax`] where there are none.
pub fn parse_227(text: &[u8]) -> Result<SocketAddrV4, AddressError> {
    let mut rest = text;
    while let Some(at) = rest.iter().position(u8::is_ascii_digit) {
        rest = rest.get(at..).unwrap_or_default();
        let len = rest.iter().position(|&b| !b.is_ascii_digit() && b != b',').unwrap_or(rest.len());
        let (run, behind) = rest.split_at_checked(len).unwrap_or((rest, &[]));
        // A comma of the sentence may follow.
        if let Ok(address) = parse_port(run.strip_suffix(b",").unwrap_or(run)) {
            return Ok(address);
        }
        rest = behind;
    }
    Err(AddressError::Syntax)
}

/// Reads `|family|address|port|`, with any delimiter of 33 to 126 (RFC 2428 §2). A scope id behind `%` is accepted
/// as a number: names of interfaces mean nothing to another host.
///
/// # Errors
/// [`AddressError::Family`] for a family other than 1 and 2, else [`AddressError::Syntax`].
pub fn parse_eprt(text: &[u8]) -> Result<SocketAddr, AddressError> {
    let [family, address, port] = delimited(text.trim_ascii())?;
    let family: u32 = number(family)?;
    let port: u16 = number(port)?;
    let address = std::str::from_utf8(address).map_err(|_| AddressError::Syntax)?;
    match family {
        1 => Ok(SocketAddr::new(IpAddr::V4(address.parse().map_err(|_| AddressError::Syntax)?), port)),
        2 => {
            let (ip, scope) = match address.split_once('%') {
                Some((ip, scope)) => (ip, number(scope.as_bytes())?),
                None => (address, 0),
            };
            let ip: Ipv6Addr = ip.parse().map_err(|_| AddressError::Syntax)?;
            Ok(SocketAddr::V6(SocketAddrV6::new(ip, port, 0, scope)))
        }
        _ => Err(AddressError::Family),
    }
}

/// Writes `|family|address|port|`. A scope id is left out: it means nothing to another host.
pub fn print_eprt(address: SocketAddr) -> String {
    let family = if address.is_ipv4() { 1 } else { 2 };
    format!("|{family}|{}|{}|", address.ip(), address.port())
}

/// Reads the argument of EPSV.
pub fn parse_epsv(text: &[u8]) -> EpsvArgument {
    let text = text.trim_ascii();
    if text.is_empty() {
        EpsvArgument::None
    } else if text.eq_ignore_ascii_case(b"ALL") {
        EpsvArgument::All
    } else if text.iter().all(u8::is_ascii_digit) {
        // A number too large for a family is a family nobody serves.
        EpsvArgument::Family(number(text).unwrap_or(u8::MAX))
    } else {
        EpsvArgument::Invalid
    }
}

/// The text of a 229 reply (RFC 2428 §3).
pub fn print_229(port: u16) -> String {
    format!("Entering Extended Passive Mode (|||{port}|).")
}

/// Finds the port in the text of a 229 reply: what stands in the last parentheses.
///
/// # Errors
/// [`AddressError::Syntax`] where there is none; port 0 is none.
pub fn parse_229(text: &[u8]) -> Result<u16, AddressError> {
    let open = memchr::memrchr(b'(', text).ok_or(AddressError::Syntax)?;
    let inner = text.get(open + 1..).unwrap_or_default();
    let close = memchr::memchr(b')', inner).ok_or(AddressError::Syntax)?;
    let [family, address, port] = delimited(inner.get(..close).unwrap_or_default())?;
    match number(port)? {
        0 => Err(AddressError::Syntax),
        port if family.is_empty() && address.is_empty() => Ok(port),
        _ => Err(AddressError::Syntax),
    }
}

/// Reads `af,hal,h1,…,pal,p1,p2` (RFC 1639 §3): family 4 with four bytes of address, family 6 with sixteen, and
/// two bytes of port.
///
/// # Errors
/// [`AddressError::Family`] for a family other than 4 and 6, else [`AddressError::Syntax`].
pub fn parse_lprt(text: &[u8]) -> Result<SocketAddr, AddressError> {
    let mut numbers = Numbers::of(text);
    let [family, length] = numbers.take::<2>()?;
    let ip = match (family, length) {
        (4, 4) => IpAddr::from(numbers.take::<4>()?),
        (6, 16) => IpAddr::from(numbers.take::<16>()?),
        (4 | 6, _) => return Err(AddressError::Syntax),
        _ => {
            // Whether the form is right is asked first: only then is the family what is wrong.
            numbers.skip(length)?;
            let [ports] = numbers.take::<1>()?;
            numbers.skip(ports)?;
            numbers.end()?;
            return Err(AddressError::Family);
        }
    };
    let [2, high, low] = numbers.take::<3>()? else { return Err(AddressError::Syntax) };
    numbers.end()?;
    Ok(SocketAddr::new(ip, u16::from_be_bytes([high, low])))
}

/// Writes `af,hal,h1,…,pal,p1,p2`.
pub fn print_lprt(address: SocketAddr) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    let mut bytes = |head: &str, octets: &[u8]| {
        text.push_str(head);
        for octet in octets {
            // Writing to a String cannot fail.
            let _ = write!(text, ",{octet}");
        }
    };
    match address.ip() {
        IpAddr::V4(ip) => bytes("4,4", &ip.octets()),
        IpAddr::V6(ip) => bytes("6,16", &ip.octets()),
    }
    bytes(",2", &address.port().to_be_bytes());
    text
}

/// The text of a 228 reply (RFC 1639 §3.2).
pub fn print_228(address: SocketAddr) -> String {
    format!("Entering Long Passive Mode ({}).", print_lprt(address))
}

/// Finds the address in the text of a 228 reply: what stands in the last parentheses.
///
/// # Errors
/// As [`parse_lprt`].
pub fn parse_228(text: &[u8]) -> Result<SocketAddr, AddressError> {
    let open = memchr::memrchr(b'(', text).ok_or(AddressError::Syntax)?;
    let inner = text.get(open + 1..).unwrap_or_default();
    let close = memchr::memchr(b')', inner).ok_or(AddressError::Syntax)?;
    parse_lprt(inner.get(..close).unwrap_or_default())
}

/// The three fields between four delimiters.
fn delimited(text: &[u8]) -> Result<[&[u8]; 3], AddressError> {
    let (&delimiter, rest) = text.split_first().ok_or(AddressError::Syntax)?;
    if !(33..=126).contains(&delimiter) {
        return Err(AddressError::Syntax);
    }
    let mut fields = rest.split(|&b| b == delimiter);
    match (fields.next(), fields.next(), fields.next(), fields.next(), fields.next()) {
        (Some(a), Some(b), Some(c), Some([]), None) => Ok([a, b, c]),
        _ => Err(AddressError::Syntax),
    }
}

/// Decimal digits and nothing else; no sign, and no more digits than a 32-bit number has.
fn number<T: std::str::FromStr>(digits: &[u8]) -> Result<T, AddressError> {
    if digits.is_empty() || digits.len() > 10 || !digits.iter().all(u8::is_ascii_digit) {
        return Err(AddressError::Syntax);
    }
    std::str::from_utf8(digits).ok().and_then(|text| text.parse().ok()).ok_or(AddressError::Syntax)
}

/// Numbers of 0 to 255 with commas between them.
struct Numbers<'a>(Option<&'a [u8]>);

impl<'a> Numbers<'a> {
    const fn of(text: &'a [u8]) -> Self {
        Self(Some(text.trim_ascii()))
    }

    fn one(&mut self) -> Result<u8, AddressError> {
        let text = self.0.ok_or(AddressError::Syntax)?;
        let at = text.iter().position(|&b| b == b',');
        let (digits, rest) = text.split_at_checked(at.unwrap_or(text.len())).ok_or(AddressError::Syntax)?;
        self.0 = at.and_then(|_| rest.get(1..));
        if digits.len() > 3 { Err(AddressError::Syntax) } else { number(digits) }
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], AddressError> {
        let mut all = [0; N];
        for place in &mut all {
            *place = self.one()?;
        }
        Ok(all)
    }

    fn skip(&mut self, count: u8) -> Result<(), AddressError> {
        for _ in 0..count {
            self.one()?;
        }
        Ok(())
    }

    const fn end(&self) -> Result<(), AddressError> {
        if self.0.is_none() { Ok(()) } else { Err(AddressError::Syntax) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn v4(text: &str) -> SocketAddrV4 {
        text.parse().unwrap()
    }

    fn sock(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn port() {
        assert_eq!(parse_port(b"10,0,0,5,195,80"), Ok(v4("10.0.0.5:50000")));
        assert_eq!(parse_port(b" 10,0,0,5,195,80 "), Ok(v4("10.0.0.5:50000")));
        let bad: [&[u8]; 13] = [
            b"",
            b"10,0,0,5,195",
            b"10,0,0,5,195,80,1",
            b"10,0,0,5,195,80,",
            b"256,0,0,5,195,80",
            b"10,0,0,5,-1,80",
            b"+10,0,0,5,195,80",
            b"10, 0,0,5,195,80",
            b"10.0.0.5,195,80",
            b"10,0,0,5,,80",
            b"a,0,0,5,1,80",
            b"0x1,0,0,5,1,80",
            b"0000,0,0,5,1,80",
        ];
        for text in bad {
            assert_eq!(parse_port(text), Err(AddressError::Syntax), "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn reply_227_in_the_forms_of_the_field() {
        assert_eq!(print_227(v4("10.0.0.5:50000")), "Entering Passive Mode (10,0,0,5,195,80).");
        let forms: [&[u8]; 6] = [
            b"Entering Passive Mode (10,0,0,5,195,80).",
            b"Entering Passive Mode 10,0,0,5,195,80",
            b"Entering Passive Mode. A1 Host 10,0,0,5,195,80",
            b"=10,0,0,5,195,80",
            b"Passive 2, mode (10,0,0,5,195,80), please",
            b"ok 10,0,0,5,195,80, go",
        ];
        for text in forms {
            assert_eq!(parse_227(text), Ok(v4("10.0.0.5:50000")), "{}", String::from_utf8_lossy(text));
        }
        for text in [&b"Entering Passive Mode"[..], b"(10,0,0,5,195)", b"(300,0,0,5,195,80)"] {
            assert_eq!(parse_227(text), Err(AddressError::Syntax));
        }
    }

    #[test]
    fn eprt() {
        assert_eq!(parse_eprt(b"|1|132.235.1.2|6275|"), Ok(sock("132.235.1.2:6275")));
        assert_eq!(parse_eprt(b"|2|1080::8:800:200C:417A|5282|"), Ok(sock("[1080::8:800:200C:417A]:5282")));
        assert_eq!(parse_eprt(b"!1!132.235.1.2!6275!"), Ok(sock("132.235.1.2:6275")));
        assert_eq!(parse_eprt(b"|2|::|6275|"), Ok(sock("[::]:6275")));
        assert_eq!(parse_eprt(b"|2|fe80::1%3|6275|"), Ok(sock("[fe80::1%3]:6275")));
        for text in [&b"|3|x|1|"[..], b"|0||1|", b"|99|10.0.0.1|1|"] {
            assert_eq!(parse_eprt(text), Err(AddressError::Family), "{}", String::from_utf8_lossy(text));
        }
        let bad: [&[u8]; 14] = [
            b"",
            b"|",
            b"||||",
            b"|1|132.235.1.2|6275",
            b"|1|132.235.1.2|6275|x",
            b"|1|132.235.1.2|65536|",
            b"|1|132.235.1.2|-1|",
            b"|1|132.235.1.256|1|",
            b"|1|::1|1|",
            b"|2|10.0.0.1|1|",
            b"|2|fe80::1%eth0|1|",
            b"|x|10.0.0.1|1|",
            b"\x011\x0110.0.0.1\x011\x01",
            b"|99999999999|10.0.0.1|1|",
        ];
        for text in bad {
            assert_eq!(parse_eprt(text), Err(AddressError::Syntax), "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn epsv() {
        assert_eq!(parse_epsv(b""), EpsvArgument::None);
        assert_eq!(parse_epsv(b"1"), EpsvArgument::Family(1));
        assert_eq!(parse_epsv(b"2 "), EpsvArgument::Family(2));
        assert_eq!(parse_epsv(b"999999"), EpsvArgument::Family(255));
        assert_eq!(parse_epsv(b"all"), EpsvArgument::All);
        assert_eq!(parse_epsv(b"-1"), EpsvArgument::Invalid);
        assert_eq!(parse_epsv(b"ALLES"), EpsvArgument::Invalid);
        assert_eq!(parse_229(b"Entering Extended Passive Mode (|||6446|)"), Ok(6446));
        assert_eq!(parse_229(b"Entering (really) (!!!6446!) now"), Ok(6446));
        for text in [&b"|||6446|"[..], b"(||6446|)", b"(|||65536|)", b"(|||0|)", b"(|||6446)", b"(|1|h|6446|)", b"(|||6|"] {
            assert_eq!(parse_229(text), Err(AddressError::Syntax), "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn lprt() {
        assert_eq!(parse_lprt(b"4,4,10,0,0,5,2,195,80"), Ok(sock("10.0.0.5:50000")));
        assert_eq!(parse_lprt(b"6,16,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1,2,195,80"), Ok(sock("[::1]:50000")));
        assert_eq!(parse_lprt(b"16,3,1,2,3,1,7"), Err(AddressError::Family));
        let bad: [&[u8]; 8] = [
            b"",
            b"4,4,10,0,0,5,2,195",
            b"4,4,10,0,0,5,3,195,80,1",
            b"4,5,10,0,0,5,1,2,195,80",
            b"6,4,10,0,0,5,2,195,80",
            b"16,3,1,2",
            b"16,255,1,2,2,1,1",
            b"4,4,10,0,0,5,2,195,80,",
        ];
        for text in bad {
            assert_eq!(parse_lprt(text), Err(AddressError::Syntax), "{}", String::from_utf8_lossy(text));
        }
    }

    proptest! {
        #[test]
        fn printed_and_back(ip4 in any::<u32>(), ip6 in any::<u128>(), port in 1u16..) {
            let v4 = SocketAddrV4::new(Ipv4Addr::from(ip4), port);
            prop_assert_eq!(parse_port(print_port(v4).as_bytes()), Ok(v4));
            prop_assert_eq!(parse_227(print_227(v4).as_bytes()), Ok(v4));
            prop_assert_eq!(parse_229(print_229(port).as_bytes()), Ok(port));
            for address in [SocketAddr::V4(v4), SocketAddr::new(Ipv6Addr::from(ip6).into(), port)] {
                prop_assert_eq!(parse_eprt(print_eprt(address).as_bytes()), Ok(address));
                prop_assert_eq!(parse_lprt(print_lprt(address).as_bytes()), Ok(address));
                prop_assert_eq!(parse_228(print_228(address).as_bytes()), Ok(address));
            }
        }

        #[test]
        fn parsing_takes_anything(text in proptest::collection::vec(prop_oneof![any::<u8>(), proptest::sample::select(b"0123,|()".to_vec())], 0..48)) {
            let _ = (parse_port(&text), parse_227(&text), parse_eprt(&text), parse_229(&text), parse_lprt(&text), parse_228(&text));
            let _ = parse_epsv(&text);
        }
    }
}
