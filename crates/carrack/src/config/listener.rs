//! How are `[[listener]]` and `[[host]]` read?

use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::path::Path;

use gate::rules::{HostRules, ListenerRules};
use ipnet::IpNet;
use proto::ftp::data::CodePage;

use super::section::{Section, Told};
use super::value::{self, Host};
use super::{Active, Listener, Passive, PlainLogin, Protocol};
use super::{ssh, tftp, tls};
use crate::cli::PassivePorts;

/// A listener, and where its parts stand, for the checks between tables.
pub(super) struct ReadListener {
    pub(super) listener: Option<Listener>,
    pub(super) name: Option<Told<Box<str>>>,
    pub(super) address_at: Range<usize>,
    pub(super) ports_at: Range<usize>,
    pub(super) host_at: Range<usize>,
    pub(super) anonymous_at: Range<usize>,
    pub(super) plain_login_at: Range<usize>,
    pub(super) tls: tls::Words,
}

/// What every `[[listener]]` says, whatever it speaks.
pub(super) struct Head {
    /// Its name, and where that stands.
    pub(super) name: Option<Told<Box<str>>>,
    /// Its name and its address, if both can be used.
    pub(super) at: Option<(Box<str>, SocketAddr)>,
    /// Whom it lets in, and which virtual host it is.
    pub(super) rules: ListenerRules,
}

/// Reads it. The examples are what is proposed where something is missing.
pub(super) fn head(section: &Section<'_>, name_example: &str, address_example: &str) -> Head {
    let name = section.needed("name", name_example).and_then(|_| section.parsed("name", value::name));
    section.text("protocol"); // which brought us here, or is looked at by whom it concerns
    let address = section.needed("address", address_example).and_then(|_| section.parsed("address", value::listen));
    let rules = ListenerRules {
        allow: section.parsed_list("allow", value::network).unwrap_or_default(),
        deny: section.parsed_list("deny", value::network).unwrap_or_default(),
        host: section.parsed("host", value::host_name).map(|t| t.value),
        ..ListenerRules::default()
    };
    let at = name.clone().zip(address).map(|(name, address)| (name.value, address.value.0));
    Head { name, at, rules }
}

/// Reads `[[listener]]`.
pub(super) fn listener(section: Section<'_>, base: &Path) -> ReadListener {
    let Head { name, at, rules } = head(&section, "ftp", "0.0.0.0:21");
    let protocol = section.choice("protocol", &[("ftp", Some(Protocol::Ftp)), ("sftp", None), ("tftp", None)]).flatten();
    if !section.says("protocol") {
        section.needed("protocol", "ftp");
    }
    let passive = passive(&section);
    let active = active(&section);
    if passive.is_none() && active.is_none() {
        let what = format!("{} has neither passive nor active data connections, so no file could move", section.header());
        section.fault(section.place("passive"), what, "Leave passive or active switched on.");
    }
    let proxies = section.parsed_list("proxy_protocol", value::net);
    if proxies.as_ref().is_some_and(Vec::is_empty) {
        let what = format!("`proxy_protocol` of {} names no network", section.header());
        section.fault(section.place("proxy_protocol"), what, "Name the networks of your proxies, or leave the key out.");
    }
    let words = [("loopback", PlainLogin::Loopback), ("allow", PlainLogin::Allow), ("refuse", PlainLogin::Refuse)];
    let plain_login = section.choice("plain_login", &words).unwrap_or(PlainLogin::Loopback);
    let single_port = section.flag("single_port").unwrap_or(true);
    let historic = section.flag("historic").unwrap_or(false);
    let pages = CodePage::ALL.map(|page| (page.name(), page));
    let ebcdic = section.choice("ebcdic", &pages).unwrap_or_default();
    let kerberos = section.flag("kerberos").unwrap_or(true);
    let rules = ListenerRules {
        plain_login: match plain_login {
            PlainLogin::Allow => gate::rules::PlainLogin::Allow,
            PlainLogin::Loopback | PlainLogin::Refuse => gate::rules::PlainLogin::LoopbackOnly,
        },
        anonymous: section.flag("anonymous").unwrap_or(false),
        ..rules
    };
    let (ports_at, host_at) = (section.place("passive_ports"), section.place("host"));
    let (address_at, anonymous_at) = (section.place("address"), section.place("anonymous"));
    let listener = at.zip(protocol).map(|((name, address), protocol)| Listener {
        name,
        protocol,
        address,
        passive,
        active,
        single_port,
        historic,
        ebcdic,
        plain_login,
        tls: None, // until it is known whether there are certificates
        kerberos,
        proxies: proxies.unwrap_or_default(),
        rules,
    });
    let (plain_login_at, tls) = (section.place("plain_login"), tls::words(&section, base));
    section.foreign(tftp::ONLY_HERE, "ftp");
    section.foreign(ssh::ONLY_HERE, "ftp");
    section.end();
    ReadListener { listener, name, address_at, ports_at, host_at, anonymous_at, plain_login_at, tls }
}

fn passive(section: &Section<'_>) -> Option<Passive> {
    let on = section.flag("passive").unwrap_or(true);
    let ports = section.parsed("passive_ports", value::ports);
    let (by_network, address) = public_address(section);
    if !on {
        for key in ["passive_ports", "public_address"] {
            if section.says(key) {
                let what = format!("`{key}` of {} does nothing while passive = false", section.header());
                section.fault(section.place(key), what, format!("Take out {key}, or passive = false."));
            }
        }
        return None;
    }
    let ports = ports.map_or_else(|| PassivePorts(50_000..=50_063), |told| told.value);
    Some(Passive { ports, by_network, address })
}

fn public_address(section: &Section<'_>) -> (Vec<(IpNet, IpAddr)>, Option<Host>) {
    let example = "{ \"10.0.0.0/8\" = \"10.0.0.5\", default = \"203.0.113.5\" }";
    let (mut by_network, mut address) = (Vec::new(), None);
    for (network, host) in section.map("public_address", "default", example).unwrap_or_default() {
        let told = match value::host(&host.value) {
            Ok(told) => told,
            Err(expected) => {
                let what = format!("`public_address` of {} cannot be \"{}\"", section.header(), host.value.escape_debug());
                section.fault(host.at, what, format!("{}.", capital(&expected)));
                continue;
            }
        };
        if network.value == "default" {
            address = Some(told);
            continue;
        }
        let Host::Address(told) = told else {
            let what =
                format!("`public_address` of {} gives the name \"{}\" to a network", section.header(), host.value.escape_debug());
            section.fault(host.at, what, "Write an address; only default can be a name.");
            continue;
        };
        match value::net(network.value) {
            Ok(network) => by_network.push((network, told)),
            Err(expected) => {
                let what = format!("`public_address` of {} has a row for \"{}\"", section.header(), network.value.escape_debug());
                section.fault(network.at, what, format!("{}, or default.", capital(&expected)));
            }
        }
    }
    (by_network, address)
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|c| c.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

fn active(section: &Section<'_>) -> Option<Active> {
    let on = section.flag("active").unwrap_or(true);
    let port = section.number("active_source_port", 0..=65_535).and_then(|p| u16::try_from(p).ok());
    if !on && section.says("active_source_port") {
        let what = format!("`active_source_port` of {} does nothing while active = false", section.header());
        section.fault(section.place("active_source_port"), what, "Take out active_source_port, or active = false.");
    }
    on.then_some(Active { source_port: Some(port.unwrap_or(20)).filter(|p| *p != 0) })
}

/// A virtual host, and where its parts stand.
pub(super) struct ReadHost {
    pub(super) name: Option<Told<Box<str>>>,
    pub(super) rules: HostRules,
    pub(super) users: Vec<Told<String>>,
    pub(super) root: Option<Told<Box<str>>>,
    pub(super) anonymous_at: Range<usize>,
}

/// Reads `[[host]]`.
pub(super) fn host(section: Section<'_>) -> ReadHost {
    let name = section.needed("name", "ftp.example.com").and_then(|_| section.parsed("name", value::host_name));
    let listed = section.list("users");
    let users: Vec<_> = listed.iter().flatten().map(|t| Told { value: t.value.to_owned(), at: t.at.clone() }).collect();
    let root = section.parsed("root", value::name);
    let rules = HostRules {
        banner: section.lines("banner").unwrap_or_default(),
        users: listed.map(|l| l.iter().map(|t| t.value.into()).collect()),
        anonymous: section.flag("anonymous").unwrap_or(false),
        root: root.as_ref().map(|t| t.value.clone()),
    };
    let anonymous_at = section.place("anonymous");
    section.end();
    ReadHost { name, rules, users, root, anonymous_at }
}
