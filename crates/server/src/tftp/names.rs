//! What becomes of a name that firmware asks for? Its slashes are put right, and rules may lead it elsewhere.
//!
//! Pure: `carrack tftp map NAME --from ADDR` shows what a server would make of it.

use std::net::IpAddr;

use ipnet::IpNet;
use regex::bytes::Regex;
use types::{Mac, MacPrefix, Reason};

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
    /// Beginnings of the hardware addresses it goes for; all where empty, and none of a machine whose address is not known.
    pub mac: Vec<MacPrefix>,
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
    /// The part that fits becomes this: `$1` and `${name}` stand for groups, `{ip}` for the client's address,
    /// `{hexip}` for an IPv4 address as PXELINUX writes it, and `{mac}` for the hardware address (`00-1b-63-84-45-e6`);
    /// a rule that wants that one is no rule for machines whose address is not known.
    Replace(Box<str>),
    /// It is refused.
    Refuse,
}

/// A name as it is looked up, and the rules that made it so.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mapped<'a> {
    /// The name.
    pub name: Vec<u8>,
    /// The rules that had their part in it, and what the name was after each.
    pub steps: Vec<(&'a str, Vec<u8>)>,
    /// Why it is none, where the last of the steps refuses it ([`Reason::TftpRule`]) or makes it too long
    /// ([`Reason::NameTooLong`]).
    pub refused: Option<Reason>,
}

/// Who asks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Asker {
    /// Its address.
    pub ip: IpAddr,
    /// Its hardware address, where that is known.
    pub mac: Option<Mac>,
}

/// No name grows beyond this, whatever the rules are.
const MOST: usize = types::path::MAX_PATH;

impl Names {
    /// These rules, in this order.
    pub const fn new(rules: Vec<Rule>) -> Self {
        Self { rules }
    }

    /// Whether a rule wants to know the client's hardware address.
    pub fn ask_for_mac(&self) -> bool {
        self.rules.iter().any(|rule| !rule.mac.is_empty() || rule.names_mac())
    }

    /// What a client's name becomes.
    pub fn map(&self, asker: Asker, asked: &[u8]) -> Mapped<'_> {
        let mut mapped = Mapped { name: slashes(asked), steps: Vec::new(), refused: None };
        let asker = Asker { ip: asker.ip.to_canonical(), ..asker };
        for rule in &self.rules {
            if !rule.is_for(asker) || !rule.pattern.is_match(&mapped.name) {
                continue;
            }
            match &rule.then {
                Then::Refuse => mapped.refused = Some(Reason::TftpRule),
                Then::Replace(with) => {
                    let with = filled_in(with, asker);
                    mapped.name = slashes(&rule.pattern.replace(&mapped.name, with.as_bytes()));
                }
            }
            if mapped.name.len() > MOST {
                mapped.refused = Some(Reason::NameTooLong);
            }
            mapped.steps.push((&rule.name, mapped.name.clone()));
            if rule.last || mapped.refused.is_some() {
                break;
            }
        }
        mapped
    }
}

impl Rule {
    fn names_mac(&self) -> bool {
        matches!(&self.then, Then::Replace(with) if with.contains("{mac}"))
    }

    fn is_for(&self, asker: Asker) -> bool {
        fits(&self.from, &self.mac, asker) && (asker.mac.is_some() || !self.names_mac())
    }
}

/// Whether a client is one of these networks and of these makers; none of either are all.
pub(super) fn fits(from: &[IpNet], makers: &[MacPrefix], asker: Asker) -> bool {
    let by_net = from.is_empty() || from.iter().any(|net| net.contains(&asker.ip.to_canonical()));
    let by_mac = makers.is_empty() || asker.mac.is_some_and(|mac| makers.iter().any(|prefix| prefix.holds(mac)));
    by_net && by_mac
}

/// DOS slashes become slashes, and those in front go: firmware sends `\boot\x64\pxe.0` and `//pxe.0`.
fn slashes(name: &[u8]) -> Vec<u8> {
    let name: Vec<u8> = name.iter().map(|&b| if b == b'\\' { b'/' } else { b }).collect();
    let front = name.iter().take_while(|&&b| b == b'/').count();
    name.get(front..).unwrap_or_default().to_vec()
}

fn filled_in(with: &str, asker: Asker) -> String {
    let hex = match asker.ip {
        IpAddr::V4(ip) => format!("{:08X}", u32::from(ip)),
        IpAddr::V6(ip) => format!("{:032X}", u128::from(ip)),
    };
    let mac = asker.mac.map(|mac| mac.to_string()).unwrap_or_default();
    with.replace("{ip}", &asker.ip.to_string()).replace("{hexip}", &hex).replace("{mac}", &mac)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(name: &str, from: &[&str], pattern: &str, then: Then, last: bool) -> Rule {
        let from = from.iter().map(|net| net.parse().unwrap()).collect();
        Rule { name: name.into(), from, mac: Vec::new(), pattern: Regex::new(pattern).unwrap(), then, last }
    }

    fn at(ip: &str) -> Asker {
        Asker { ip: ip.parse().unwrap(), mac: None }
    }

    #[test]
    fn names_as_firmware_sends_them() {
        let names = Names::default();
        let map = |asked: &[u8]| names.map(at("192.0.2.1"), asked).name;
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
        let map = |peer: &str, asked: &str| names.map(at(peer), asked.as_bytes());
        let refused = map("192.0.2.7", "x.bak");
        assert_eq!((refused.refused, refused.steps[0].0), (Some(Reason::TftpRule), "no-backups"));
        let phone = map("::ffff:192.0.2.7", "SEP00.cnf.xml");
        assert_eq!(phone.steps, [("phones", b"phones/192.0.2.7/SEP00.cnf.xml".to_vec())]);
        assert_eq!(map("198.51.100.1", "SEP00.cnf.xml").name, b"boot/SEP00.cnf.xml");
        let pxe = map("198.51.100.1", "\\pxelinux.cfg\\default");
        assert_eq!(pxe.name, b"boot/hosts/C6336401");
        assert_eq!(pxe.steps.iter().map(|step| step.0).collect::<Vec<_>>(), ["pxe", "all"]);
        assert!(!names.ask_for_mac() && pxe.refused.is_none());
    }

    #[test]
    fn rules_for_hardware_addresses() {
        let makers =
            Rule { mac: vec!["00:1b:63".parse().unwrap()], ..rule("makers", &[], "^", Then::Replace("apple/".into()), true) };
        let own = rule("own", &[], "^pxelinux.cfg/.*$", Then::Replace("hosts/01-{mac}".into()), false);
        let names = Names::new(vec![makers, own]);
        let map = |mac: Option<&str>| {
            let asker = Asker { mac: mac.map(|mac| mac.parse().unwrap()), ..at("192.0.2.1") };
            String::from_utf8(names.map(asker, b"pxelinux.cfg/default").name).unwrap()
        };
        assert!(names.ask_for_mac());
        assert_eq!(map(Some("00:1b:63:84:45:e6")), "apple/pxelinux.cfg/default");
        assert_eq!(map(Some("52:54:00:12:34:56")), "hosts/01-52-54-00-12-34-56");
        assert_eq!(map(None), "pxelinux.cfg/default");
    }

    #[test]
    fn names_do_not_grow_without_end() {
        let grow = Then::Replace("$0$0$0$0$0$0$0$0$0$0".into());
        let names = Names::new((0..20).map(|n| rule(&n.to_string(), &[], "^.*$", grow.clone(), false)).collect());
        assert_eq!(names.map(at("192.0.2.1"), b"abc").refused, Some(Reason::NameTooLong));
    }
}
