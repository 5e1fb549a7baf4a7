//! `Mac`: the hardware address of a machine's network card (IEEE 802, 48 bits), and the first bytes of one.

use std::fmt;
use std::str::FromStr;

/// An address of 48 bits. Printed as PXELINUX asks for it: `00-1b-63-84-45-e6`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Mac(pub [u8; 6]);

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(&self.0, f)
    }
}

impl FromStr for Mac {
    type Err = String;

    /// `00:1b:63:84:45:e6`, with `-` or `.` instead (`001b.6384.45e6`), or without anything between.
    fn from_str(text: &str) -> Result<Self, String> {
        let bytes = bytes(text)?;
        <[u8; 6]>::try_from(bytes.as_slice())
            .map(Self)
            .map_err(|_| format!("expected six bytes such as 00:1b:63:84:45:e6, and {text:?} has {}", bytes.len()))
    }
}

/// The first bytes of addresses, from one to all six: three are a maker's (OUI).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct MacPrefix(Box<[u8]>);

impl MacPrefix {
    /// Whether an address begins so.
    pub fn holds(&self, mac: Mac) -> bool {
        mac.0.starts_with(&self.0)
    }
}

impl fmt::Display for MacPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(&self.0, f)
    }
}

impl FromStr for MacPrefix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bytes = bytes(text)?;
        if bytes.len() > 6 {
            return Err(format!("expected six bytes at most, and {text:?} has {}", bytes.len()));
        }
        Ok(Self(bytes.into()))
    }
}

fn show(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (i, byte) in bytes.iter().enumerate() {
        if i > 0 {
            f.write_str("-")?;
        }
        write!(f, "{byte:02x}")?;
    }
    Ok(())
}

/// Bytes of hexadecimal digits, two each, whatever stands between them.
fn bytes(text: &str) -> Result<Vec<u8>, String> {
    let wrong = || format!("expected hexadecimal bytes such as 00:1b:63, and found {text:?}");
    let digits: Vec<u8> = text.trim().bytes().filter(|b| !b":-.".contains(b)).collect();
    if digits.is_empty() || digits.len() % 2 == 1 || digits.len() > 64 {
        return Err(wrong());
    }
    let byte = |pair: &[u8]| std::str::from_utf8(pair).ok().and_then(|two| u8::from_str_radix(two, 16).ok());
    digits.chunks(2).map(|pair| byte(pair).filter(|_| pair.iter().all(u8::is_ascii_hexdigit)).ok_or_else(wrong)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_in_all_their_forms() {
        let mac = Mac([0x00, 0x1b, 0x63, 0x84, 0x45, 0xe6]);
        for text in ["00:1b:63:84:45:e6", "00-1B-63-84-45-E6", "001b.6384.45e6", "001b638445e6", " 00:1b:63:84:45:e6 "] {
            assert_eq!(text.parse(), Ok(mac), "{text}");
        }
        assert_eq!(mac.to_string(), "00-1b-63-84-45-e6");
        for text in ["", "00:1b:63", "00:1b:63:84:45:e6:00", "0", "zz:1b:63:84:45:e6", "+0:1b:63:84:45:e6", "ö"] {
            assert!(text.parse::<Mac>().is_err(), "{text}");
        }
    }

    #[test]
    fn makers_hold_their_addresses() {
        let mac: Mac = "00:1b:63:84:45:e6".parse().unwrap();
        for (prefix, holds) in [("00:1b:63", true), ("00", true), ("00:1b:63:84:45:e6", true), ("00:1b:64", false), ("1b", false)]
        {
            assert_eq!(prefix.parse::<MacPrefix>().unwrap().holds(mac), holds, "{prefix}");
        }
        assert!("00:1b:63:84:45:e6:00".parse::<MacPrefix>().is_err() && "".parse::<MacPrefix>().is_err());
    }
}
