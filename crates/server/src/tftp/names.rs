//! What becomes of a name that firmware asks for? Its slashes are put right, and rules may lead it elsewhere.
//!
//! Pure: `carrack tftp map NAME --from ADDR` shows what a server would make of it.

use std::net::IpAddr;

use ipnet::IpNet;
use regex::bytes::Regex;
use types::Reason;

/// The rules, asked in their order.
#[derive(Clone, Debug, Default)]
pub struct Names {
    rules: Vec<Rule>,
}

/// One rule: which names, asked for from where, and what they become.
#[derive(Clone, Debug)]
pub struct Rule {
    /// What it is called in the log.
    pub name: Box<str>,
    /// Networks it goes for; all where empty.
    pub from: Vec<IpNet>,
    /// The names it goes for, slashes put right and without one in front.
    pub pattern: Regex,
    /// What becomes of them.
    pub then: Then,
    /// No further rule is asked.
    pub last: bool,
}

/// What becomes of a name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Then {
    /// The part that fits becomes this: `$1` and `${name}` stand for groups, `{ip}` for the client's address, and
    /// `{hexip}` for an IPv4 address as PXELINUX writes it.
    Replace(Box<str>),
    /// It is refused.
    Refuse,
}

/// A name as it is looked up, and the rules that made it so.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mapped<'a> {
    /// The name.
    pub name: Vec<u8>,
    /// Names of the rules that had their part in it.
    pub rules: Vec<&'a str>,
}

/// No name grows beyond this, whatever the rules are.
const MOST: usize = types::path::MAX_PATH;

impl Names {
    /// These rules, in this order.
    pub const fn new(rules: Vec<Rule>) -> Self {
        Self { rules }
    }

    /// What a client's name becomes.
    ///
    /// # Errors
    /// [`Reason::TftpRule`] where a rule refuses it, [`Reason::NameTooLong`] where rules make it so.
    pub fn map(&self, peer: IpAddr, asked: &[u8]) -> Result<Mapped<'_>, Reason> {
        let mut mapped = Mapped { name: slashes(asked), rules: Vec::new() };
        let peer = peer.to_canonical();
        for rule in &self.rules {
            let is_meant = rule.from.is_empty() || rule.from.iter().any(|net| net.contains(&peer));
            if !is_meant || !rule.pattern.is_match(&mapped.name) {
                continue;
            }
            mapped.rules.push(&rule.name);
            match &rule.then {
                Then::Refuse => return Err(Reason::TftpRule),
                Then::Replace(with) => {
                    let with = filled_in(with, peer);
                    mapped.name = slashes(&rule.pattern.replace(&mapped.name, with.as_bytes()));
                }
            }
            if mapped.name.len() > MOST {
                return Err(Reason::NameTooLong);
            }
            if rule.last {
                break;
            }
        }
        Ok(mapped)
    }
}

/// DOS slashes become slashes, and those in front go: firmware sends `\boot\x64\pxe.0` and `//pxe.0`.
fn slashes(name: &[u8]) -> Vec<u8> {
    let name: Vec<u8> = name.iter().map(|&b| if b == b'\\' { b'/' } else { b }).collect();
    let front = name.iter().take_while(|&&b| b == b'/').count();
    name.get(front..).unwrap_or_default().to_vec()
}

fn filled_in(with: &str, peer: IpAddr) -> String {
    let hex = match peer {
        IpAddr::V4(ip) => format!("{:08X}", u32::from(ip)),
        IpAddr::V6(ip) => format!("{:032X}", u128::from(ip)),
    };
    with.replace("{ip}", &peer.to_string()).replace("{hexip}", &hex)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(name: &str, from: &[&str], pattern: &str, then: Then, last: bool) -> Rule {
        let from = from.iter().map(|net| net.parse().unwrap()).collect();
        Rule { name: name.into(), from, pattern: Regex::new(pattern).unwrap(), then, last }
    }

    #[test]
    fn names_as_firmware_sends_them() {
        let names = Names::default();
        let map = |asked: &[u8]| names.map("192.0.2.1".parse().unwrap(), asked).unwrap().name;
        assert_eq!(map(b"\\Boot\\x64\\wdsnbp.com"), b"Boot/x64/wdsnbp.com");
        assert_eq!(map(b"//pxelinux.0"), b"pxelinux.0");
        assert_eq!(map(b"/a//b"), b"a//b");
        assert_eq!(map(b""), b"");
        assert_eq!(map(b"\xff\xfe"), b"\xff\xfe");
    }

    #[test]
    fn rules_in_their_order() {
        let names = Names::new(vec![
            rule("no-backups", &[], r"\.bak$", Then::Refuse, false),
            rule("phones", &["192.0.2.0/24", "2001:db8::/32"], r"^SEP(.*)$", Then::Replace("phones/{ip}/SEP$1".into()), true),
            rule("pxe", &[], r"^pxelinux\.cfg/default$", Then::Replace("hosts/{hexip}".into()), false),
            rule("all", &[], "^", Then::Replace("boot/".into()), false),
        ]);
        let map = |peer: &str, asked: &str| names.map(peer.parse().unwrap(), asked.as_bytes());
        assert_eq!(map("192.0.2.7", "x.bak"), Err(Reason::TftpRule));
        let phone = map("::ffff:192.0.2.7", "SEP00.cnf.xml").unwrap();
        assert_eq!((&phone.name[..], &phone.rules[..]), (&b"phones/192.0.2.7/SEP00.cnf.xml"[..], &["phones"][..]));
        assert_eq!(map("198.51.100.1", "SEP00.cnf.xml").unwrap().name, b"boot/SEP00.cnf.xml");
        let pxe = map("198.51.100.1", "\\pxelinux.cfg\\default").unwrap();
        assert_eq!((&pxe.name[..], &pxe.rules[..]), (&b"boot/hosts/C6336401"[..], &["pxe", "all"][..]));
    }

    #[test]
    fn names_do_not_grow_without_end() {
        let grow = Then::Replace("$0$0$0$0$0$0$0$0$0$0".into());
        let names = Names::new((0..20).map(|n| rule(&n.to_string(), &[], "^.*$", grow.clone(), false)).collect());
        assert_eq!(names.map("192.0.2.1".parse().unwrap(), b"abc"), Err(Reason::NameTooLong));
    }
}
