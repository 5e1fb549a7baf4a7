//! How are addresses and ports written, on the command line and in the configuration alike?

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::str::FromStr;

/// Where to listen: `127.0.0.1:2121`, `[::1]:2121`, and `:2121` or `2121` for every address of the machine.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct ListenAddress(pub SocketAddr);

/// What a listen address looks like, for messages.
pub(crate) const LISTEN_FORMS: &str =
    "ADDRESS:PORT such as 127.0.0.1:2121 or [::1]:2121, or :PORT for every address of this machine";

impl FromStr for ListenAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let port = |digits: &str| digits.parse::<u16>().map_err(|_| format!("`{digits}` is no port (0 to 65535)"));
        let all = |port| Self(SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), port));
        if let Ok(address) = text.parse() {
            return Ok(Self(address));
        }
        if let Ok(ip) = text.parse::<IpAddr>() {
            let shown = SocketAddr::new(ip, 2121);
            return Err(format!("the port is missing; write {shown}"));
        }
        if let Some(digits) = text.strip_prefix(':') {
            return port(digits).map(all);
        }
        if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
            return port(text).map(all);
        }
        if let Some(digits) = text.strip_prefix("*:") {
            return port(digits).map(all);
        }
        if let Some(digits) = text.strip_prefix("localhost:") {
            return port(digits).map(|p| Self(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), p)));
        }
        if let Some((ip, digits)) = text.rsplit_once(':')
            && ip.trim_matches(['[', ']']).parse::<IpAddr>().is_ok()
        {
            port(digits)?;
            return Err(format!("an IPv6 address stands in brackets: [{}]:{digits}", ip.trim_matches(['[', ']'])));
        }
        Err(format!("expected {LISTEN_FORMS}"))
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Ports for passive data connections: `50000-50009`, or one port; `0` lets the system choose some.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct PassivePorts(pub RangeInclusive<u16>);

/// What passive ports look like, for messages.
pub(crate) const PORTS_FORMS: &str = "FROM-TO such as 50000-50009, or one port";

/// The most ports one listener may keep open: each is a socket.
pub(crate) const MOST_PORTS: u16 = 4_096;

impl PassivePorts {
    /// Whether the system chooses.
    pub(crate) fn any(&self) -> bool {
        *self.0.start() == 0
    }
}

impl FromStr for PassivePorts {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let port =
            |digits: &str| digits.trim().parse::<u16>().map_err(|_| format!("`{}` is no port (1 to 65535)", digits.trim()));
        let Some((from, to)) = text.split_once('-').or_else(|| text.split_once(':')) else {
            let one = text.trim();
            if one.is_empty() {
                return Err(format!("expected {PORTS_FORMS}"));
            }
            return port(one).map(|p| Self(p..=p));
        };
        let (from, to) = (port(from)?, port(to)?);
        if from == 0 {
            return Err("port 0 is no port of a range; 0 alone lets the system choose".to_owned());
        }
        if from > to {
            return Err(format!("the range runs backwards; write {to}-{from}"));
        }
        if to - from >= MOST_PORTS {
            return Err(format!("{} ports are more than the {MOST_PORTS} that can be kept open", u32::from(to - from) + 1));
        }
        Ok(Self(from..=to))
    }
}

impl fmt::Display for PassivePorts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.start(), self.0.end()) {
            (0, _) => f.write_str("as the system gives them"),
            (from, to) if from == to => write!(f, "{from}"),
            (from, to) => write!(f, "{from}-{to}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listen_addresses() {
        for (text, means) in [
            ("127.0.0.1:2121", "127.0.0.1:2121"),
            ("0.0.0.0:0", "0.0.0.0:0"),
            ("[::1]:21", "[::1]:21"),
            (":2121", "[::]:2121"),
            ("2121", "[::]:2121"),
            ("*:21", "[::]:21"),
            ("localhost:21", "127.0.0.1:21"),
        ] {
            assert_eq!(text.parse::<ListenAddress>().unwrap().to_string(), means, "{text}");
        }
        for (text, says) in [
            ("127.0.0.1", "the port is missing; write 127.0.0.1:2121"),
            ("::1", "the port is missing; write [::1]:2121"),
            ("fe80::1:2121:99999", "`99999` is no port"),
            ("2001:db8::2:3:4:5:6:21", "an IPv6 address stands in brackets: [2001:db8::2:3:4:5:6]:21"),
            (":99999", "`99999` is no port"),
            ("example.com:21", "expected ADDRESS:PORT"),
            ("", "expected ADDRESS:PORT"),
        ] {
            let said = text.parse::<ListenAddress>().unwrap_err();
            assert!(said.contains(says), "{text}: {said}");
        }
    }

    #[test]
    fn passive_ports() {
        for (text, means) in [("50000-50009", 50_000..=50_009), ("50000", 50_000..=50_000), (" 1 - 2 ", 1..=2), ("0", 0..=0)] {
            assert_eq!(text.parse::<PassivePorts>().unwrap().0, means, "{text}");
        }
        for (text, says) in [
            ("9-1", "backwards; write 1-9"),
            ("0-5", "port 0"),
            ("1-65535", "more than the 4096"),
            ("a-b", "`a` is no port"),
            ("70000", "`70000` is no port"),
            ("", "expected FROM-TO"),
        ] {
            let said = text.parse::<PassivePorts>().unwrap_err();
            assert!(said.contains(says), "{text}: {said}");
        }
    }
}
