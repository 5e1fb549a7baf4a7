//! What can a server do: the lines of FEAT (RFC 2389 §3.2), and what they mean for a client.

use crate::ftp::reply::Reply;

/// What FEAT said. A server without FEAT is tried: everything may work until it is refused.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Features {
    /// Whether the server has FEAT at all.
    pub known: bool,
    /// The lines: names in capitals, and what stands behind them.
    pub lines: Vec<(Box<str>, Box<str>)>,
}

/// As many features as are kept; no server has half as many.
const AT_MOST: usize = 200;

impl Features {
    /// Reads the reply to FEAT: one feature a line, between the first line and the last.
    pub fn parse(reply: &Reply) -> Self {
        let text = String::from_utf8_lossy(&reply.text);
        let mut lines: Vec<&str> = text.lines().skip(1).collect();
        lines.pop();
        let feature = |line: &str| {
            let line = line.trim();
            let (name, rest) = line.split_once(' ').unwrap_or((line, ""));
            (name.to_ascii_uppercase().into(), rest.trim().into())
        };
        Self {
            known: true,
            lines: lines.into_iter().map(feature).filter(|(name, _): &(Box<str>, _)| !name.is_empty()).take(AT_MOST).collect(),
        }
    }

    /// What stands behind a feature; `None` if it is not there.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.lines.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, rest)| &**rest)
    }

    /// Whether a feature is there.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Whether it is worth trying: FEAT lists it, or there is no FEAT to ask.
    pub fn may(&self, name: &str) -> bool {
        !self.known || self.has(name)
    }

    /// Whether MLST and MLSD are there: RFC 3659 §7.8 lists both as MLST; some servers say MLSD.
    pub fn facts(&self) -> bool {
        self.has("MLST") || self.has("MLSD")
    }

    /// Whether one data connection carries many files well, in MODE B: it stays, a body may follow each STOR without a word from
    /// the server before it, and files appear under their names only when they are whole. Our own servers say so.
    pub fn keeps_bodies(&self) -> bool {
        self.lines.iter().any(|(name, rest)| &**name == "MODE" && rest.eq_ignore_ascii_case("B BODIES"))
    }

    /// Which facts OPTS MLST should ask for: those that are of use and offered, unless all of them are on already.
    pub(super) fn facts_to_ask(&self) -> Option<String> {
        const USEFUL: [&str; 9] = ["type", "size", "modify", "create", "perm", "unique", "unix.mode", "unix.owner", "unix.group"];
        let offered = self.get("MLST")?;
        let mut all_on = true;
        let mut wanted = String::new();
        for fact in offered.split(';').map(str::trim).filter(|fact| !fact.is_empty()) {
            let name = fact.trim_end_matches('*');
            if USEFUL.iter().any(|useful| useful.eq_ignore_ascii_case(name)) {
                all_on &= fact.ends_with('*');
                wanted.push_str(name);
                wanted.push(';');
            }
        }
        (!all_on && !wanted.is_empty()).then_some(wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_read() {
        let reply = Reply::fixed(211, "Features:\nSIZE\nREST STREAM\nMLST type*;size*;modify;x.foo*;\nmfmt\nEnd");
        let features = Features::parse(&reply);
        assert!(features.known && features.has("SIZE") && features.has("MFMT") && features.facts());
        assert_eq!(features.get("rest"), Some("STREAM"));
        assert!(!features.may("MDTM") && Features::default().may("MDTM"));
        assert_eq!(features.facts_to_ask().as_deref(), Some("type;size;modify;"));
        let on = Features::parse(&Reply::fixed(211, "F:\nMLST Type*;Size*;Modify*;Media-Type;\nEnd"));
        assert_eq!(on.facts_to_ask(), None);
        assert_eq!(Features::parse(&Reply::fixed(211, "no features")).lines, []);
    }
}
