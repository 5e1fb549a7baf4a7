//! Which options do both ends agree on (RFC 2347, 2348, 2349, 7440, 2090)? Asked for, answered, and checked.
//!
//! An option with a value that cannot be is not answered, which RFC 2347 §2 gives the meaning "as if it had not been
//! asked for": devices in the field ask for a `blksize` of 0, 7 and -1, and go on well without.

use std::time::Duration;

use super::Rollover;
use super::packet::Pairs;

/// Bytes in a block where nothing is agreed (RFC 1350 §2).
pub const DEFAULT_BLOCK: u16 = 512;
/// The smallest block (RFC 2348).
pub const LEAST_BLOCK: u16 = 8;
/// The largest block (RFC 2348).
pub const MOST_BLOCK: u16 = 65_464;

/// What a request asks for, as far as it can be.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Wishes {
    /// Bytes in a block.
    pub blksize: Option<u16>,
    /// Seconds before something is sent again.
    pub timeout: Option<u8>,
    /// The file's size: told by who writes, 0 by who wants to know.
    pub tsize: Option<u64>,
    /// Blocks for one ACK.
    pub windowsize: Option<u16>,
    /// What comes after block 65535.
    pub rollover: Option<Rollover>,
    /// To hear it together with others.
    pub multicast: bool,
}

impl Wishes {
    /// Reads options; those that are unknown or say what cannot be are left out.
    pub fn read(options: &Pairs<'_>) -> Self {
        let mut wishes = Self::default();
        for (name, value) in options.iter() {
            let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
            if is("blksize") {
                // More than can be is asked for by who wants the most there is.
                let most = u64::from(MOST_BLOCK);
                wishes.blksize = number(value).filter(|&n| n >= u64::from(LEAST_BLOCK)).map(|n| n.min(most) as u16);
            } else if is("timeout") {
                wishes.timeout = number(value).and_then(|n| u8::try_from(n).ok()).filter(|&n| n > 0);
            } else if is("tsize") {
                wishes.tsize = number(value);
            } else if is("windowsize") {
                wishes.windowsize = number(value).and_then(|n| u16::try_from(n).ok()).filter(|&n| n > 0);
            } else if is("rollover") {
                wishes.rollover = match value {
                    b"0" => Some(Rollover::Zero),
                    b"1" => Some(Rollover::One),
                    _ => None,
                };
            } else if is("multicast") {
                wishes.multicast = value.is_empty();
            }
        }
        wishes
    }

    /// The options as a request has them.
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs = Vec::new();
        let mut add = |name, value: Option<String>| pairs.extend(value.map(|value| (name, value)));
        add("blksize", self.blksize.map(|n| n.to_string()));
        add("timeout", self.timeout.map(|n| n.to_string()));
        add("tsize", self.tsize.map(|n| n.to_string()));
        add("windowsize", self.windowsize.map(|n| n.to_string()));
        add("rollover", self.rollover.map(|r| if r == Rollover::Zero { "0" } else { "1" }.to_owned()));
        add("multicast", self.multicast.then(String::new));
        pairs
    }

    /// What a server agrees to, and the options its OACK has. `size` is the file's on the wire, where it is known and
    /// the peer reads; what it announces is taken as it is where it writes.
    pub fn grant(&self, bounds: &Bounds, size: Option<u64>) -> (Terms, Vec<(&'static str, String)>) {
        let blksize = self.blksize.map(|n| n.min(bounds.blksize).max(LEAST_BLOCK));
        let stride = usize::from(blksize.unwrap_or(DEFAULT_BLOCK));
        let room = u16::try_from(bounds.memory / stride).unwrap_or(u16::MAX).max(1);
        let granted = Self {
            blksize,
            timeout: self.timeout,
            // An empty file's size is not told: curl takes a tsize of 0 for an error, and the first block tells as much.
            tsize: self.tsize.and_then(|said| size.map_or(Some(said), |size| (size > 0).then_some(size))),
            windowsize: self.windowsize.map(|n| n.min(bounds.windowsize).min(room).max(1)),
            rollover: self.rollover,
            multicast: false,
        };
        (granted.terms(), granted.pairs())
    }

    /// What goes once these are agreed.
    fn terms(&self) -> Terms {
        Terms {
            blksize: self.blksize.unwrap_or(DEFAULT_BLOCK),
            windowsize: self.windowsize.unwrap_or(1),
            timeout: self.timeout.map(|s| Duration::from_secs(s.into())),
            rollover: self.rollover,
            tsize: self.tsize,
        }
    }

    /// What a client and its server have agreed on, from the OACK.
    ///
    /// # Errors
    /// What the server says that was not asked for (RFC 2347 §2), or more than was asked for.
    pub fn agreed(&self, options: &Pairs<'_>) -> Result<Terms, &'static str> {
        let said = Self::read(options);
        for (name, _) in options.iter() {
            if !self.pairs().iter().any(|(asked, _)| name.eq_ignore_ascii_case(asked.as_bytes())) {
                return Err("the server answers an option that was not asked for");
            }
        }
        let read = said.pairs().len();
        if read != options.iter().count() {
            return Err("the server gives an option a value that cannot be");
        }
        if said.blksize > self.blksize || said.windowsize > self.windowsize {
            return Err("the server wants more than was asked for");
        }
        if said.timeout.is_some() && said.timeout != self.timeout {
            return Err("the server changes the timeout");
        }
        Ok(said.terms())
    }
}

/// How much a server agrees to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bounds {
    /// The most bytes in a block: what the path carries without cutting, unless told otherwise.
    pub blksize: u16,
    /// The most blocks in a window.
    pub windowsize: u16,
    /// The most bytes a window holds.
    pub memory: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { blksize: MOST_BLOCK, windowsize: 64, memory: 4 * 1024 * 1024 }
    }
}

/// What both ends have agreed on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Terms {
    /// Bytes in a block.
    pub blksize: u16,
    /// Blocks for one ACK.
    pub windowsize: u16,
    /// The longest wait before something is sent again.
    pub timeout: Option<Duration>,
    /// What comes after block 65535, where that was said; it is found out otherwise.
    pub rollover: Option<Rollover>,
    /// The size of the file.
    pub tsize: Option<u64>,
}

impl Default for Terms {
    /// RFC 1350, without options.
    fn default() -> Self {
        Wishes::default().terms()
    }
}

/// A number of digits alone; `None` for anything else and for what no number holds.
fn number(value: &[u8]) -> Option<u64> {
    value.iter().all(u8::is_ascii_digit).then(|| std::str::from_utf8(value).ok()?.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tftp::packet::{Packet, print_options};

    fn with(pairs: &[(&str, &str)], test: impl FnOnce(Pairs<'_>)) {
        let packet = print_options(pairs.iter().copied());
        let Ok(Packet::Options(options)) = Packet::parse(&packet) else { panic!("options") };
        test(options);
    }

    fn granted(pairs: &[(&str, &str)], bounds: &Bounds, size: Option<u64>) -> String {
        let mut out = String::new();
        with(pairs, |options| {
            let (_, oack) = Wishes::read(&options).grant(bounds, size);
            out = oack.iter().map(|(n, v)| format!("{n}={v}")).collect::<Vec<_>>().join(" ");
        });
        out
    }

    #[test]
    fn what_is_granted() {
        let bounds = Bounds { blksize: 1468, ..Bounds::default() };
        for (asked, said) in [
            (&[("blksize", "1428")][..], "blksize=1428"),
            (&[("BLKSIZE", "65464"), ("tsize", "0")], "blksize=1468 tsize=77"),
            (&[("blksize", "99999999999999")], "blksize=1468"),
            // Devices ask for what cannot be.
            (&[("blksize", "0"), ("windowsize", "0"), ("timeout", "0")], ""),
            (&[("blksize", "7"), ("windowsize", "-1"), ("timeout", "256")], ""),
            (&[("blksize", "-1"), ("tsize", "x"), ("rollover", "2")], ""),
            (&[("blksize", ""), ("tsize", "99999999999999999999")], ""),
            (&[("windowsize", "65535"), ("rollover", "1"), ("timeout", "255")], "timeout=255 windowsize=64 rollover=1"),
            (&[("blocksize", "1428"), ("utimeout", "1")], ""),
        ] {
            assert_eq!(granted(asked, &bounds, Some(77)), said, "{asked:?}");
        }
        // curl takes a size of 0 for an error.
        assert_eq!(granted(&[("tsize", "0")], &bounds, Some(0)), "");
        // Who writes says the size.
        assert_eq!(granted(&[("tsize", "1234")], &bounds, None), "tsize=1234");
        let small = Bounds { memory: 100_000, ..Bounds::default() };
        assert_eq!(granted(&[("blksize", "65464"), ("windowsize", "64")], &small, None), "blksize=65464 windowsize=1");
    }

    #[test]
    fn a_client_believes_only_what_it_asked_for() {
        let asked = Wishes { blksize: Some(1428), windowsize: Some(16), timeout: Some(2), tsize: Some(0), ..Wishes::default() };
        with(&[("blksize", "1024"), ("tsize", "5000"), ("windowsize", "8"), ("timeout", "2")], |options| {
            let terms = asked.agreed(&options).unwrap();
            assert_eq!((terms.blksize, terms.windowsize, terms.tsize), (1024, 8, Some(5000)));
        });
        with(&[], |options| assert_eq!(asked.agreed(&options), Ok(Terms::default())));
        for wrong in [("blksize", "1429"), ("windowsize", "17"), ("timeout", "3"), ("rollover", "0"), ("blksize", "x")] {
            with(&[wrong], |options| assert!(asked.agreed(&options).is_err(), "{wrong:?}"));
        }
    }
}
