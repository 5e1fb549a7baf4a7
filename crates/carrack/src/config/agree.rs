//! Do the tables of a configuration agree with each other? Names are unique, references lead somewhere, ports do not
//! collide, and somebody can log in to see something.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;

use gate::rules::{GroupRules, HostRules, UserRules};

use super::listener::{ReadHost, ReadListener};
use super::page::Page;
use super::person::ReadPerson;
use super::section::{Told, nearest};
use super::settings::ReadMount;
use super::{Listener, Mount};

/// What was read, table by table.
pub(super) struct Read {
    pub(super) listeners: Vec<ReadListener>,
    pub(super) mounts: Vec<ReadMount>,
    pub(super) users: Vec<ReadPerson>,
    pub(super) groups: Vec<ReadPerson>,
    pub(super) anonymous: Option<ReadPerson>,
    pub(super) hosts: Vec<ReadHost>,
}

/// What agrees.
pub(super) struct Agreed {
    pub(super) listeners: Vec<Listener>,
    pub(super) mounts: Vec<Mount>,
    pub(super) users: HashMap<Box<str>, UserRules>,
    pub(super) groups: HashMap<Box<str>, GroupRules>,
    pub(super) anonymous: Option<UserRules>,
    pub(super) hosts: HashMap<Box<str>, HostRules>,
    pub(super) password_files: Vec<std::path::PathBuf>,
}

impl Read {
    /// Checks all that lies between tables; `None` if something is wrong with it.
    pub(super) fn agree(mut self, page: &Page) -> Option<Agreed> {
        self.something_to_do(page);
        unique(page, "listener", self.listeners.iter().filter_map(|l| l.name.as_ref()));
        unique(page, "mount", self.mounts.iter().filter_map(|m| m.name.as_ref()));
        unique(page, "user", self.users.iter().filter_map(|u| u.name.as_ref()));
        unique(page, "group", self.groups.iter().filter_map(|g| g.name.as_ref()));
        unique(page, "host", self.hosts.iter().filter_map(|h| h.name.as_ref()));
        self.references(page);
        self.anonymous_somewhere(page);
        self.trees(page);
        addresses(page, &self.listeners);
        if !page.is_fine() {
            return None;
        }
        let named = |p: &ReadPerson| p.name.as_ref().map(|n| n.value.clone());
        Some(Agreed {
            users: self.users.iter().filter_map(|u| named(u).map(|n| (n.clone(), u.rules(&n)))).collect(),
            groups: self.groups.iter().filter_map(|g| named(g).map(|n| (n, g.own.clone()))).collect(),
            anonymous: self.anonymous.as_ref().map(|a| a.rules("anonymous")),
            password_files: self.users.iter().filter_map(|u| u.password_file.clone()).collect(),
            hosts: self.hosts.into_iter().filter_map(|h| h.name.map(|n| (n.value, h.rules))).collect(),
            listeners: self.listeners.into_iter().filter_map(|l| l.listener).collect(),
            mounts: self.mounts.into_iter().filter_map(|m| m.mount).collect(),
        })
    }

    fn something_to_do(&self, page: &Page) {
        if self.listeners.is_empty() {
            page.fault(0..0, "there is no [[listener]], so nobody could connect", "Add one; carrack.example.toml shows how.");
        }
        if self.mounts.is_empty() {
            page.fault(0..0, "there is no [[mount]], so there is nothing to serve", "Add one; carrack.example.toml shows how.");
        }
        if self.users.is_empty() && self.anonymous.is_none() {
            page.fault(
                0..0,
                "there is neither a [[user]] nor [anonymous], so nobody could log in",
                "Add one; carrack.example.toml shows how.",
            );
        }
    }

    fn references(&self, page: &Page) {
        let mounts: Vec<&str> = self.mounts.iter().filter_map(|m| m.name.as_ref()).map(|n| &*n.value).collect();
        let groups: Vec<&str> = self.groups.iter().filter_map(|g| g.name.as_ref()).map(|n| &*n.value).collect();
        let users: Vec<&str> = self.users.iter().filter_map(|u| u.name.as_ref()).map(|n| &*n.value).collect();
        let hosts: Vec<&str> = self.hosts.iter().filter_map(|h| h.name.as_ref()).map(|n| &*n.value).collect();
        for person in self.people() {
            for mount in &person.mounts {
                refers(page, &person.header, "mount", &mount.value, &mount.at, &mounts);
            }
            for group in &person.groups {
                refers(page, &person.header, "group", &group.value, &group.at, &groups);
            }
        }
        for host in &self.hosts {
            let header = host.name.as_ref().map_or_else(|| "[[host]]".to_owned(), |n| format!("[[host]] \"{}\"", n.value));
            for user in &host.users {
                refers(page, &header, "user", &user.value, &user.at, &users);
            }
            if let Some(root) = &host.root {
                refers(page, &header, "mount", &root.value, &root.at, &mounts);
            }
        }
        for l in &self.listeners {
            if let Some((listener, host)) = l.listener.as_ref().and_then(|x| x.rules.host.as_ref().map(|h| (x, h))) {
                refers(page, &format!("[[listener]] \"{}\"", listener.name), "host", host, &l.host_at, &hosts);
            }
        }
    }

    fn people(&self) -> impl Iterator<Item = &ReadPerson> {
        self.users.iter().chain(&self.groups).chain(&self.anonymous)
    }

    /// Whoever lets the anonymous user in needs one, and one that is let in nowhere was meant otherwise.
    fn anonymous_somewhere(&self, page: &Page) {
        let by_listener = self.listeners.iter().filter_map(|l| l.listener.as_ref().map(|x| (x.rules.anonymous, &l.anonymous_at)));
        let by_host = self.hosts.iter().map(|h| (h.rules.anonymous, &h.anonymous_at));
        let open: Vec<_> = by_listener.chain(by_host).filter(|(yes, _)| *yes).collect();
        match (&self.anonymous, open.as_slice()) {
            (None, open) => {
                for (_, at) in open {
                    page.fault(
                        (*at).clone(),
                        "anonymous = true, and there is no [anonymous]",
                        "Add an [anonymous] table, or take this out.",
                    );
                }
            }
            (Some(who), []) if self.listeners.iter().all(|l| l.listener.is_some()) => {
                page.fault(
                    who.at.clone(),
                    "[anonymous] is let in nowhere",
                    "Set anonymous = true on a [[listener]] or [[host]], or take out [anonymous].",
                );
            }
            _ => {}
        }
    }

    /// Everybody needs a tree. Where there is one mount, it is the tree of those for whom nothing else is said.
    fn trees(&mut self, page: &Page) {
        let only = match self.mounts.as_slice() {
            [one] => one.name.as_ref().map(|n| n.value.clone()),
            _ => None,
        };
        let by_group: HashMap<Box<str>, bool> =
            self.groups.iter().filter_map(|g| g.name.as_ref().map(|n| (n.value.clone(), !g.own.mounts.is_empty()))).collect();
        for person in self.users.iter_mut().chain(&mut self.anonymous) {
            let has = !person.own.mounts.is_empty() || person.groups.iter().any(|g| by_group.get(&g.value) == Some(&true));
            if has {
                continue;
            }
            match &only {
                Some(name) => person.own.mounts.push((types::VPath::root(), name.clone())),
                None if self.mounts.is_empty() => {}
                None => page.fault(
                    person.at.clone(),
                    format!("{} has no mounts, neither of its own nor through a group", person.header),
                    "Add mounts = { \"/\" = \"…\" } with the name of a [[mount]].",
                ),
            }
        }
    }
}

fn unique<'a>(page: &Page, kind: &str, names: impl Iterator<Item = &'a Told<Box<str>>>) {
    let mut seen: Vec<&str> = Vec::new();
    for name in names {
        if seen.contains(&&*name.value) {
            page.fault(name.at.clone(), format!("there are two [[{kind}]] \"{}\"", name.value), "Give one of them another name.");
        }
        seen.push(&name.value);
    }
}

fn refers(page: &Page, header: &str, kind: &str, name: &str, at: &Range<usize>, known: &[&str]) {
    if known.contains(&name) {
        return;
    }
    let remedy = match nearest(name, known.iter().copied()) {
        Some(near) => format!("Did you mean \"{near}\"?"),
        None if known.is_empty() => format!("Add a [[{kind}]] with name = \"{name}\"."),
        None => format!("There are {}; or add a [[{kind}]] with that name.", known.join(", ")),
    };
    page.fault(at.clone(), format!("{header} names the {kind} \"{}\", which is not there", name.escape_debug()), remedy);
}

/// Two listeners cannot have one address, nor a passive port.
fn addresses(page: &Page, listeners: &[ReadListener]) {
    let ready: Vec<(&ReadListener, &Listener)> = listeners.iter().filter_map(|l| l.listener.as_ref().map(|x| (l, x))).collect();
    for (i, (read, this)) in ready.iter().enumerate() {
        for (_, other) in ready.iter().take(i) {
            if collide(this.address, other.address) {
                page.fault(
                    read.address_at.clone(),
                    format!("[[listener]] \"{}\" and \"{}\" cannot both have {}", other.name, this.name, this.address),
                    "Give one of them another port.",
                );
            }
            if let (Some(a), Some(b)) = (&this.passive, &other.passive)
                && same_place(this.address.ip(), other.address.ip())
                && !a.ports.any()
                && !b.ports.any()
                // The same range at the same address is shared; a part of it cannot be.
                && (a.ports != b.ports || this.address.ip() != other.address.ip())
                && a.ports.0.start() <= b.ports.0.end()
                && b.ports.0.start() <= a.ports.0.end()
            {
                page.fault(
                    read.ports_at.clone(),
                    format!(
                        "the passive ports of [[listener]] \"{}\" and \"{}\" overlap ({} and {})",
                        other.name, this.name, b.ports, a.ports
                    ),
                    "Give both the same address and range to share it, or ranges that do not overlap.",
                );
            }
        }
        if let Some(passive) = &this.passive
            && let Some((_, taken)) = ready.iter().find(|(_, o)| {
                passive.ports.0.contains(&o.address.port())
                    && o.address.port() != 0
                    && same_place(o.address.ip(), this.address.ip())
            })
        {
            page.fault(
                read.ports_at.clone(),
                format!(
                    "the passive ports {} of [[listener]] \"{}\" hold port {}, where \"{}\" listens",
                    passive.ports,
                    this.name,
                    taken.address.port(),
                    taken.name
                ),
                "Choose passive ports that are free.",
            );
        }
    }
}

fn collide(a: SocketAddr, b: SocketAddr) -> bool {
    a.port() == b.port() && a.port() != 0 && same_place(a.ip(), b.ip())
}

/// Whether sockets at both addresses get in each other's way. `[::]` takes IPv4 too.
fn same_place(a: IpAddr, b: IpAddr) -> bool {
    a == b
        || match (a, b) {
            (IpAddr::V4(v4), IpAddr::V4(other)) => v4.is_unspecified() || other.is_unspecified(),
            (IpAddr::V6(v6), _) if v6.is_unspecified() => true,
            (_, IpAddr::V6(v6)) => v6.is_unspecified(),
            _ => false,
        }
}
