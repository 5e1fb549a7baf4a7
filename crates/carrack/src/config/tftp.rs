//! How is a `[[listener]]` read that speaks TFTP (RFC 1350)?

use std::net::SocketAddr;
use std::ops::{Range, RangeInclusive};

use gate::rules::{ListenerRules, Network};
use ipnet::IpNet;
use proto::tftp::options::{LEAST_BLOCK, MOST_BLOCK};
use regex::bytes::Regex;
use server::tftp::Uploads;
use server::tftp::multicast::Groups;
use server::tftp::names::{Rule, Then};
use server::tftp::quirks::{self, Known, QUIRKS, Switch};

use super::listener::{self, Head};
use super::section::{Section, Told};
use super::value;

/// A way in that speaks TFTP.
#[derive(Clone, Debug)]
pub(crate) struct Tftp {
    /// Its name, on log lines.
    pub(crate) name: Box<str>,
    /// Where it listens, over UDP.
    pub(crate) address: SocketAddr,
    /// Where transfers take place.
    pub(crate) ports: TftpPorts,
    /// What uploads may do.
    pub(crate) uploads: Uploads,
    /// The largest block granted, though IP may have to cut it; what the path carries where nothing is said.
    pub(crate) blksize: Option<u16>,
    /// The most blocks in a window.
    pub(crate) windowsize: u16,
    /// Groups that hear a file together.
    pub(crate) groups: Option<Groups>,
    /// How often something is sent to an address that never answers.
    pub(crate) unanswered: u32,
    /// Transfers at once.
    pub(crate) transfers: usize,
    /// What becomes of the names that clients ask for.
    pub(crate) rewrite: Vec<Rule>,
    /// Clients with ways of their own.
    pub(crate) quirks: Vec<Known>,
    /// What the door goes by here.
    pub(crate) rules: ListenerRules,
    /// Nobody asked for it: where its port is taken, all else is served without it.
    pub(crate) optional: bool,
}

/// Where transfers take place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum TftpPorts {
    /// Each on a port of its own that the system gives.
    Own,
    /// Each on a port of its own from a range.
    Range(RangeInclusive<u16>),
    /// All on the port that requests come to.
    Single,
}

impl std::fmt::Display for TftpPorts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Own => f.write_str("a port of its own for each transfer"),
            Self::Range(range) => write!(f, "a port of {}-{} for each transfer", range.start(), range.end()),
            Self::Single => f.write_str("all transfers on this port"),
        }
    }
}

impl Tftp {
    /// One that lets whoever reaches it read what `[anonymous]` may, and nothing more.
    pub(crate) fn new(name: Box<str>, address: SocketAddr) -> Self {
        Self {
            name,
            address,
            ports: TftpPorts::Own,
            uploads: Uploads::Off,
            blksize: None,
            windowsize: 64,
            groups: None,
            unanswered: 4,
            transfers: 1_000,
            rewrite: Vec::new(),
            quirks: Vec::new(),
            rules: ListenerRules { anonymous: true, ..ListenerRules::default() },
            optional: false,
        }
    }
}

/// A listener that speaks TFTP, and where its parts stand.
pub(super) struct ReadTftp {
    pub(super) tftp: Option<Tftp>,
    pub(super) name: Option<Told<Box<str>>>,
    pub(super) at: Range<usize>,
    pub(super) address_at: Range<usize>,
    pub(super) ports_at: Range<usize>,
    pub(super) host_at: Range<usize>,
    /// Users that addresses stand for.
    pub(super) guests: Vec<Told<Box<str>>>,
}

/// Keys of a listener that speak of connections, logins or TLS, of which there are none here.
const NOT_HERE: &[&str] = &[
    "passive",
    "passive_ports",
    "public_address",
    "active",
    "active_source_port",
    "single_port",
    "historic",
    "ebcdic",
    "plain_login",
    "proxy_protocol",
    "tls",
    "tls_data",
    "tls_ccc",
    "tls_min",
    "data_reuse",
    "close_notify",
    "client_certificates",
    "client_ca",
];

/// Keys of a listener that mean something over TFTP alone.
pub(super) const ONLY_HERE: &[&str] = &[
    "ports",
    "uploads",
    "blksize_max",
    "windowsize_max",
    "multicast",
    "multicast_ports",
    "multicast_ttl",
    "multicast_interface",
    "unanswered_max",
    "transfers_max",
    "rewrite",
    "quirk",
    "guest",
];

/// Whether a `[[listener]]` speaks TFTP.
pub(super) fn is_meant(section: &Section<'_>) -> bool {
    section.peek("protocol") == Some("tftp")
}

/// Reads it.
pub(super) fn tftp(section: Section<'_>) -> ReadTftp {
    let Head { name, at: stands, rules } = listener::head(&section, "tftp", "0.0.0.0:69");
    let mut tftp = stands.map(|(name, address)| Tftp::new(name, address));
    let uploads = [("off", Uploads::Off), ("new", Uploads::New), ("replace", Uploads::Replace), ("versions", Uploads::Versions)];
    let ports = section.parsed("ports", ports).map(|told| told.value);
    let uploads = section.choice("uploads", &uploads);
    let blksize = section.number("blksize_max", LEAST_BLOCK.into()..=MOST_BLOCK.into()).and_then(|n| u16::try_from(n).ok());
    let windowsize = section.number("windowsize_max", 1..=65_535).and_then(|n| u16::try_from(n).ok());
    let groups = groups(&section, ports.as_ref());
    let unanswered = section.number32("unanswered_max", 1..=100);
    let transfers = section.number("transfers_max", 1..=65_535).and_then(|n| usize::try_from(n).ok());
    let rewrite = section.sections("rewrite").into_iter().filter_map(rule).collect();
    let quirks = section.sections("quirk").into_iter().filter_map(quirk).collect();
    let (guests, users): (Vec<_>, Vec<_>) = section.sections("guest").into_iter().filter_map(guest).unzip();
    let guests = guests.into_iter().flatten().collect();
    if section.flag("anonymous") == Some(false) {
        let what = format!("{} speaks TFTP, where nobody has a name, and lets nobody in without one", section.header());
        section.fault(section.place("anonymous"), what, "Take out anonymous, or the whole listener.");
    }
    if let Some(t) = &mut tftp {
        t.ports = ports.unwrap_or(TftpPorts::Own);
        t.uploads = uploads.unwrap_or_default();
        t.blksize = blksize;
        t.windowsize = windowsize.unwrap_or(t.windowsize);
        t.groups = groups;
        t.unanswered = unanswered.unwrap_or(t.unanswered);
        t.transfers = transfers.unwrap_or(t.transfers);
        t.rewrite = rewrite;
        t.quirks = quirks;
        t.rules = ListenerRules { anonymous: t.rules.anonymous, guests, ..rules };
    }
    section.foreign(NOT_HERE, "tftp");
    section.foreign(super::ssh::ONLY_HERE, "tftp");
    let (at, address_at) = (section.at.clone(), section.place("address"));
    let (ports_at, host_at) = (section.place("ports"), section.place("host"));
    section.end();
    ReadTftp { tftp, name, at, address_at, ports_at, host_at, guests: users }
}

fn ports(text: &str) -> Result<TftpPorts, String> {
    match text.trim() {
        "own" => Ok(TftpPorts::Own),
        "single" => Ok(TftpPorts::Single),
        range => match value::ports(range) {
            Ok(ports) if !ports.any() => Ok(TftpPorts::Range(ports.0)),
            Ok(_) => Err("expected a range such as 50100-50199; \"own\" lets the system choose".to_owned()),
            Err(e) => Err(format!("expected \"own\", \"single\" or a range such as 50100-50199: {e}")),
        },
    }
}

/// Ports of groups, unless told otherwise: the one that is registered for them (RFC 2090).
const GROUP_PORT: u16 = 1758;

/// Reads what is said of groups that hear a file together (RFC 2090).
fn groups(section: &Section<'_>, ports: Option<&TftpPorts>) -> Option<Groups> {
    let networks = section.parsed_list("multicast", group);
    let at = section.parsed("multicast_ports", group_ports);
    let hops = section.number("multicast_ttl", 1..=255).and_then(|n| u8::try_from(n).ok());
    let interface = section.parsed("multicast_interface", interface);
    let Some(networks) = networks.filter(|networks| !networks.is_empty()) else {
        for key in ["multicast_ports", "multicast_ttl", "multicast_interface"].into_iter().filter(|key| section.says(key)) {
            let what = format!("`{key}` of {} means nothing without `multicast`", section.header());
            section.fault(section.place(key), what, "Write multicast = [\"239.255.69.0/28\"], or take it out.");
        }
        return None;
    };
    if ports == Some(&TftpPorts::Single) {
        let what = format!("{} leaves all transfers on one port, and a group needs its own", section.header());
        section.fault(section.place("multicast"), what, "Give ports a range or \"own\", or take out multicast.");
    }
    Some(Groups {
        networks,
        ports: at.map_or(GROUP_PORT..=GROUP_PORT, |told| told.value),
        hops: hops.unwrap_or(1),
        interface: interface.map(|told| told.value),
    })
}

/// Addresses of groups.
fn group(text: &str) -> Result<IpNet, String> {
    let expected = "expected group addresses such as 239.255.69.0/28 or ff15::69:0/124";
    let net = value::net(text).map_err(|_| expected.to_owned())?;
    let (all_v4, all_v6) = (net.addr().is_ipv4() && net.prefix_len() >= 4, net.addr().is_ipv6() && net.prefix_len() >= 8);
    if !net.network().is_multicast() || !(all_v4 || all_v6) {
        return Err(expected.to_owned());
    }
    match net {
        // RFC 5771 §4: routers' and hosts' own.
        IpNet::V4(v4) if v4.network().octets().starts_with(&[224, 0, 0]) => {
            Err("224.0.0.0/24 belongs to the protocols of the network itself; 239.255.0.0/16 is free for use".to_owned())
        }
        _ => Ok(net),
    }
}

fn group_ports(text: &str) -> Result<RangeInclusive<u16>, String> {
    match value::ports(text) {
        Ok(ports) if !ports.any() => Ok(ports.0),
        Ok(_) => Err("expected a port such as 1758, or a range".to_owned()),
        Err(e) => Err(format!("expected a port such as 1758, or a range: {e}")),
    }
}

/// A name that Linux gives interfaces: short, and in one piece.
fn interface(text: &str) -> Result<Box<str>, String> {
    let fits = (1..=15).contains(&text.len()) && !text.chars().any(|c| c == '/' || c.is_whitespace() || c.is_control());
    if fits { Ok(text.into()) } else { Err("expected the name of an interface, such as eth0".to_owned()) }
}

/// Networks with their user, and where the user stands.
type Guests = (Vec<(Network, Box<str>)>, Told<Box<str>>);

/// Reads `[[listener.guest]]`: which networks are which user.
fn guest(section: Section<'_>) -> Option<Guests> {
    let user = section.needed("user", "switches").and_then(|_| section.parsed("user", value::name));
    let from = section.parsed_list("from", value::network);
    if from.as_ref().is_none_or(Vec::is_empty) {
        let what = format!("{} names no network", section.header());
        section.fault(section.at.clone(), what, "Write from = [\"192.0.2.0/24\"]: the addresses of that user.");
    }
    section.end();
    let user = user?;
    Some((from?.into_iter().map(|net| (net, user.value.clone())).collect(), user))
}

/// Reads `[[listener.quirk]]`.
fn quirk(section: Section<'_>) -> Option<Known> {
    let known = |text: &str| {
        quirks::named(text).ok_or_else(|| {
            let names: Vec<&str> = QUIRKS.iter().filter(|q| q.switch != Switch::Always).map(|q| q.name).collect();
            format!("expected {}", super::section::one_of(&names))
        })
    };
    let quirk = section.needed("name", "blksize-1024").and_then(|_| section.parsed("name", known));
    let from = section.parsed_list("from", value::net).unwrap_or_default();
    let mac = section.parsed_list("mac", |text| text.parse()).unwrap_or_default();
    section.end();
    Some(Known { quirk: quirk?.value, from, mac })
}

/// Reads `[[listener.rewrite]]`.
fn rule(section: Section<'_>) -> Option<Rule> {
    let name = section.needed("name", "phones").and_then(|_| section.parsed("name", value::name));
    let pattern = section.needed("pattern", "^boot/").and_then(|_| section.parsed("pattern", pattern));
    let replace = section.text("replace").map(|told| told.value.into());
    let refuse = section.flag("refuse").unwrap_or(false);
    let from = section.parsed_list("from", value::net).unwrap_or_default();
    let mac = section.parsed_list("mac", |text| text.parse()).unwrap_or_default();
    let last = section.flag("last").unwrap_or(false);
    let then = match (replace, refuse) {
        (Some(with), false) => Some(Then::Replace(with)),
        (None, true) => Some(Then::Refuse),
        (with, _) => {
            let what = format!("{} says {}", section.header(), if with.is_some() { "two things" } else { "nothing to do" });
            section.fault(section.at.clone(), what, "Write either replace = \"…\" or refuse = true.");
            None
        }
    };
    section.end();
    Some(Rule { name: name?.value, from, mac, pattern: pattern?.value, then: then?, last })
}

fn pattern(text: &str) -> Result<Regex, String> {
    Regex::new(text).map_err(|e| {
        let said = e.to_string();
        // The last line says what is wrong; those before draw the pattern, which is shown already.
        let why = said.lines().last().unwrap_or_default().trim().trim_start_matches("error: ");
        format!("expected a regular expression: {why}")
    })
}
