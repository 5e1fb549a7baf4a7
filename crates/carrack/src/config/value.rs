//! How are sizes, networks, paths, names and modes written in a configuration?

use std::net::IpAddr;

use gate::permission::Permissions;
use gate::rules::Network;
use ipnet::IpNet;
use types::VPath;

use crate::cli::{ListenAddress, PassivePorts};

/// A number of bytes: `1048576`, `10 MiB`, `1.5 GB`.
pub(crate) fn bytes(text: &str) -> Result<u64, String> {
    let expected =
        || "expected a number of bytes such as \"10 MiB\" or \"1.5 GB\" (KiB, MiB, GiB, TiB; kB, MB, GB, TB)".to_owned();
    let text = text.trim().trim_end_matches("/s");
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '_').unwrap_or(text.len());
    let (digits, unit) = text.split_at(split);
    let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kib" | "k" => 1 << 10,
        "mib" | "m" => 1 << 20,
        "gib" | "g" => 1 << 30,
        "tib" | "t" => 1 << 40,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        _ => return Err(expected()),
    };
    let digits = digits.replace('_', "");
    let (whole, part) = digits.split_once('.').unwrap_or((&digits, ""));
    let whole: u64 = whole.parse().map_err(|_| expected())?;
    // Six decimals are more than anybody writes; exact in integers.
    if part.len() > 6 || !part.bytes().all(|b| b.is_ascii_digit()) {
        return Err(expected());
    }
    let millionths: u64 = format!("{part:0<6}").parse().map_err(|_| expected())?;
    let n = u128::from(whole) * u128::from(factor) + u128::from(millionths) * u128::from(factor) / 1_000_000;
    match u64::try_from(n) {
        Ok(0) => Err("expected at least one byte; leave the key out where there is no limit".to_owned()),
        Ok(n) => Ok(n),
        Err(_) => Err(expected()),
    }
}

/// A network, or one address.
pub(crate) fn network(text: &str) -> Result<Network, String> {
    Network::parse(text).map_err(|_| "expected a network such as 192.0.2.0/24 or 2001:db8::/32, or one address".to_owned())
}

/// A network, or one address, for what is not the gate's.
pub(crate) fn net(text: &str) -> Result<IpNet, String> {
    let net = text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(|ip| IpNet::from(ip.to_canonical())));
    net.map(|net| net.trunc()).ok_or_else(|| network(text).err().unwrap_or_default())
}

/// A place in the tree that users see.
pub(crate) fn vpath(text: &str) -> Result<VPath, String> {
    if !text.starts_with('/') {
        return Err(format!("expected a path from the root; write \"/{text}\""));
    }
    VPath::parse(text.as_bytes()).map_err(|e| e.to_string())
}

/// Words for what may be done: `read list`.
pub(crate) fn permissions(text: &str) -> Result<Permissions, String> {
    let known = || Permissions::WORDS.iter().map(|(word, _)| *word);
    for word in text.split([' ', ',', '\t']).filter(|w| !w.is_empty()) {
        if Permissions::parse(word).is_err() {
            let all: Vec<&str> = known().collect();
            return Err(super::section::nearest(word, known()).map_or_else(
                || format!("there is no permission \"{word}\"; there are {}", all.join(", ")),
                |near| format!("there is no permission \"{word}\"; did you mean \"{near}\"? There are {}", all.join(", ")),
            ));
        }
    }
    Permissions::parse(text).map_err(|_| "name at least one permission; \"none\" gives none".to_owned())
}

/// Permission bits that are taken away, in octal: `022`.
pub(crate) fn umask(text: &str) -> Result<u32, String> {
    octal(text, 0o777).ok_or_else(|| "expected permission bits in octal, from \"000\" to \"777\", such as \"022\"".to_owned())
}

/// Permission bits that are given, in octal: `640`.
pub(crate) fn mode(text: &str) -> Result<u32, String> {
    octal(text, 0o7777).ok_or_else(|| "expected permission bits in octal, from \"000\" to \"7777\", such as \"640\"".to_owned())
}

fn octal(text: &str, most: u32) -> Option<u32> {
    // `from_str_radix` would take a sign.
    let digits = text.strip_prefix("0o").unwrap_or(text);
    u32::from_str_radix(digits, 8).ok().filter(|bits| *bits <= most && digits.bytes().all(|b| b.is_ascii_digit()))
}

/// Where to listen.
pub(crate) fn listen(text: &str) -> Result<ListenAddress, String> {
    text.parse()
}

/// Ports for passive data connections.
pub(crate) fn ports(text: &str) -> Result<PassivePorts, String> {
    text.parse()
}

/// An address, or a name that is asked for one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Host {
    /// An address.
    Address(IpAddr),
    /// A name.
    Name(Box<str>),
}

/// An address that clients can be told, or a host name.
pub(crate) fn host(text: &str) -> Result<Host, String> {
    let text = text.trim();
    if let Ok(ip) = text.trim_matches(['[', ']']).parse::<IpAddr>() {
        if ip.is_unspecified() || ip.is_multicast() {
            return Err(format!("clients cannot connect to {ip}; write the address they reach this machine by"));
        }
        return Ok(Host::Address(ip));
    }
    host_name(text).map(Host::Name).map_err(|_| "expected an address such as 203.0.113.5, or a host name".to_owned())
}

/// A host name in lower case.
pub(crate) fn host_name(text: &str) -> Result<Box<str>, String> {
    let label = |l: &str| {
        (1..=63).contains(&l.len())
            && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !l.starts_with('-')
            && !l.ends_with('-')
    };
    let name = text.strip_suffix('.').unwrap_or(text);
    // A last label of digits would be an address gone wrong, such as 300.1.2.3.
    let last_is_number = name.rsplit('.').next().is_some_and(|l| l.bytes().all(|b| b.is_ascii_digit()));
    if name.len() <= 253 && name.split('.').all(label) && !last_is_number {
        Ok(name.to_ascii_lowercase().into())
    } else {
        Err("expected a host name such as ftp.example.com".to_owned())
    }
}

/// A name for users, groups, mounts and listeners: what a command line can carry and a log line can show.
pub(crate) fn name(text: &str) -> Result<Box<str>, String> {
    if text.trim() != text || text.is_empty() {
        return Err("expected a name without spaces at its ends".to_owned());
    }
    if text.len() > 255 || text.chars().any(char::is_control) {
        return Err("expected a name of at most 255 bytes without control characters".to_owned());
    }
    Ok(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (text, means) in [
            ("1", 1),
            ("10 MiB", 10 << 20),
            ("1.5 GiB", 3 << 29),
            ("1.5GB", 1_500_000_000),
            ("64k", 65_536),
            ("1_000 kB", 1_000_000),
            ("10 MiB/s", 10 << 20),
        ] {
            assert_eq!(bytes(text), Ok(means), "{text}");
        }
        for text in ["", "MiB", "ten", "1.2.3 MB", "-1", "0", "10 MiBs", "99999999999 TiB", "1.1234567 MB"] {
            assert!(bytes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn hosts() {
        assert_eq!(host("203.0.113.5"), Ok(Host::Address("203.0.113.5".parse().unwrap())));
        assert_eq!(host("FTP.example.com."), Ok(Host::Name("ftp.example.com".into())));
        for text in ["0.0.0.0", "300.1.2.3", "a b", "", "-a.com", "a..b", "224.0.0.1"] {
            assert!(host(text).is_err(), "{text}");
        }
    }

    #[test]
    fn masks() {
        assert_eq!((umask("022"), umask("0o77"), umask("000")), (Ok(0o022), Ok(0o077), Ok(0)));
        for text in ["", "9", "1000", "rwx"] {
            assert!(umask(text).is_err(), "{text}");
        }
    }
}
