//! Do the tables of a configuration agree with each other? Names are unique, references lead somewhere, ports do not
//! collide, and somebody can log in to see something.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;

use gate::rules::{GroupRules, HostRules, MailRules, UserRules};

use super::acme::ReadAcme;
use super::listener::{ReadHost, ReadListener};
use super::page::Page;
use super::person::ReadPerson;
use super::section::{Told, nearest};
use super::settings::{ReadMail, ReadMount};
use super::ssh::ReadSsh;
use super::tftp::ReadTftp;
use super::tls::{ReadCertificate, Words};
use super::{Acme, ClientCertificates, Listener, Mount, PlainLogin, Ssh, Tftp, TftpPorts, TlsMode};

/// What was read, table by table.
pub(super) struct Read {
    pub(super) listeners: Vec<ReadListener>,
    pub(super) ssh: Vec<ReadSsh>,
    pub(super) tftp: Vec<ReadTftp>,
    pub(super) certificates: Vec<ReadCertificate>,
    pub(super) acme: Option<ReadAcme>,
    /// What `[tls]` says for listeners that say nothing.
    pub(super) shared_tls: Words,
    pub(super) mounts: Vec<ReadMount>,
    pub(super) users: Vec<ReadPerson>,
    pub(super) groups: Vec<ReadPerson>,
    pub(super) anonymous: Option<ReadPerson>,
    pub(super) hosts: Vec<ReadHost>,
    pub(super) mail: Option<ReadMail>,
}

/// What agrees.
pub(super) struct Agreed {
    pub(super) listeners: Vec<Listener>,
    pub(super) ssh: Vec<Ssh>,
    pub(super) tftp: Vec<Tftp>,
    pub(super) certificates: Vec<io::tls::Files>,
    pub(super) acme: Option<Acme>,
    pub(super) mounts: Vec<Mount>,
    pub(super) users: HashMap<Box<str>, UserRules>,
    pub(super) groups: HashMap<Box<str>, GroupRules>,
    pub(super) anonymous: Option<UserRules>,
    pub(super) hosts: HashMap<Box<str>, HostRules>,
    pub(super) mail: Option<MailRules>,
    pub(super) password_files: Vec<std::path::PathBuf>,
}

impl Read {
    /// Checks all that lies between tables; `None` if something is wrong with it.
    pub(super) fn agree(mut self, page: &Page) -> Option<Agreed> {
        self.something_to_do(page);
        let elsewhere = self.tftp.iter().map(|l| &l.name).chain(self.ssh.iter().map(|l| &l.name)).filter_map(Option::as_ref);
        unique(page, "listener", self.listeners.iter().filter_map(|l| l.name.as_ref()).chain(elsewhere));
        unique(page, "mount", self.mounts.iter().filter_map(|m| m.name.as_ref()));
        unique(page, "user", self.users.iter().filter_map(|u| u.name.as_ref()));
        unique(page, "group", self.groups.iter().filter_map(|g| g.name.as_ref()));
        unique(page, "host", self.hosts.iter().filter_map(|h| h.name.as_ref()));
        self.references(page);
        self.anonymous_somewhere(page);
        self.trees(page);
        self.tls(page);
        addresses(page, &self.listeners);
        over_udp(page, &self.tftp);
        over_ssh(page, &self.ssh, &self.listeners);
        self.authority(page);
        if !page.is_fine() {
            return None;
        }
        let named = |p: &ReadPerson| p.name.as_ref().map(|n| n.value.clone());
        Some(Agreed {
            users: self.users.iter().filter_map(|u| named(u).map(|n| (n.clone(), u.rules(&n)))).collect(),
            groups: self.groups.iter().filter_map(|g| named(g).map(|n| (n, g.own.clone()))).collect(),
            anonymous: self.anonymous.as_ref().map(|a| a.rules("anonymous")),
            password_files: self.users.iter().flat_map(|u| u.password_file.iter().chain(&u.key_file).cloned()).collect(),
            hosts: self.hosts.into_iter().filter_map(|h| h.name.map(|n| (n.value, h.rules))).collect(),
            listeners: self.listeners.into_iter().filter_map(|l| l.listener).collect(),
            tftp: self.tftp.into_iter().filter_map(|l| l.tftp).collect(),
            ssh: self.ssh.into_iter().filter_map(|l| l.ssh).collect(),
            certificates: self.certificates.into_iter().filter_map(|c| c.files).collect(),
            acme: self.acme.and_then(|a| a.acme),
            mail: self.mail.map(|mail| mail.rules),
            mounts: self.mounts.into_iter().filter_map(|m| m.mount).collect(),
        })
    }

    fn something_to_do(&self, page: &Page) {
        if self.listeners.is_empty() && self.tftp.is_empty() && self.ssh.is_empty() {
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
        if let Some(mail) = &self.mail {
            refers(page, "[mail]", "mount", &mail.rules.mount, &mail.mount_at, &mounts);
            let fixed = self.mounts.iter().filter_map(|m| m.mount.as_ref()).any(|m| m.name == mail.rules.mount && m.read_only);
            if fixed {
                let what = format!("[mail] names the mount \"{}\", which is read-only", mail.rules.mount);
                page.fault(mail.mount_at.clone(), what, "Name a mount that can be written to.");
            }
        }
        for read in &self.tftp {
            for user in &read.guests {
                refers(page, "[[listener.guest]]", "user", &user.value, &user.at, &users);
            }
        }
        let over_tcp = self.listeners.iter().filter_map(|l| l.listener.as_ref().map(|x| (&x.name, &x.rules, &l.host_at)));
        let over_udp = self.tftp.iter().filter_map(|l| l.tftp.as_ref().map(|x| (&x.name, &x.rules, &l.host_at)));
        let over_ssh = self.ssh.iter().filter_map(|l| l.ssh.as_ref().map(|x| (&x.name, &x.rules, &l.host_at)));
        for (name, rules, at) in over_tcp.chain(over_udp).chain(over_ssh) {
            if let Some(host) = &rules.host {
                refers(page, &format!("[[listener]] \"{name}\""), "host", host, at, &hosts);
            }
        }
    }

    fn people(&self) -> impl Iterator<Item = &ReadPerson> {
        self.users.iter().chain(&self.groups).chain(&self.anonymous)
    }

    /// Whoever lets the anonymous user in needs one, and one that is let in nowhere was meant otherwise.
    fn anonymous_somewhere(&self, page: &Page) {
        let by_listener = self.listeners.iter().filter_map(|l| l.listener.as_ref().map(|x| (x.rules.anonymous, &l.anonymous_at)));
        let by_ssh = self.ssh.iter().filter_map(|l| l.ssh.as_ref().map(|x| (x.rules.anonymous, &l.anonymous_at)));
        let by_host = self.hosts.iter().map(|h| (h.rules.anonymous, &h.anonymous_at));
        self.anonymous_over_tftp(page);
        let open: Vec<_> = by_listener.chain(by_ssh).chain(by_host).filter(|(yes, _)| *yes).collect();
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
            (Some(who), []) if self.listeners.iter().all(|l| l.listener.is_some()) && self.tftp.is_empty() => {
                page.fault(
                    who.at.clone(),
                    "[anonymous] is let in nowhere",
                    "Set anonymous = true on a [[listener]] or [[host]], or take out [anonymous].",
                );
            }
            _ => {}
        }
    }

    /// Over TFTP nobody says who it is, so that everybody is the anonymous user.
    fn anonymous_over_tftp(&self, page: &Page) {
        for read in &self.tftp {
            let Some(tftp) = &read.tftp else { continue };
            let header = format!("[[listener]] \"{}\"", tftp.name);
            if self.anonymous.is_none() {
                page.fault(
                    read.at.clone(),
                    format!("{header} speaks TFTP, where nobody logs in, and there is no [anonymous]"),
                    "Add an [anonymous] table: it says what may be read there.",
                );
            }
            let host = tftp.rules.host.as_ref();
            let closed = self.hosts.iter().find(|h| !h.rules.anonymous && h.name.as_ref().map(|n| &n.value) == host);
            if let Some((host, _)) = host.zip(closed) {
                page.fault(
                    read.host_at.clone(),
                    format!("{header} speaks TFTP, where nobody logs in, and [[host]] \"{host}\" lets in nobody who does not"),
                    "Set anonymous = true on the host, or name another one.",
                );
            }
        }
    }

    /// Who speaks TLS has a certificate, no host has two, and what must be protected is not opened again beside it.
    fn tls(&mut self, page: &Page) {
        let mut seen: Vec<&str> = Vec::new();
        for name in self.certificates.iter().flat_map(|c| &c.names) {
            if seen.contains(&&*name.value) {
                page.fault(
                    name.at.clone(),
                    format!("two [[certificate]] tables answer for {}", name.value),
                    "Leave the name to one of them.",
                );
            }
            seen.push(&name.value);
        }
        let certificates = !self.certificates.is_empty() || self.acme.is_some();
        for read in &mut self.listeners {
            let Some(listener) = &mut read.listener else { continue };
            let header = format!("[[listener]] \"{}\"", listener.name);
            listener.tls = read.tls.settle(&self.shared_tls, &header, certificates, page);
            let protected = listener.tls.as_ref().is_some_and(|t| t.mode != TlsMode::Offered);
            if protected && listener.plain_login == PlainLogin::Allow {
                page.fault(
                    read.plain_login_at.clone(),
                    format!("{header} takes passwords in clear, and lets nobody log in without TLS"),
                    "Take out plain_login, or set tls = \"offered\".",
                );
            }
        }
        let asked = |l: &ReadListener| {
            l.listener.as_ref().is_none_or(|x| x.tls.as_ref().is_some_and(|t| t.clients != ClientCertificates::Off))
        };
        for person in self.users.iter().filter(|p| p.certificate != gate::rules::Certificate::Off) {
            if !self.listeners.iter().any(asked) {
                page.fault(
                    person.certificate_at.clone(),
                    format!("{} logs in with a certificate, and no [[listener]] asks clients for one", person.header),
                    "Set client_certificates = \"optional\" and client_ca on a [[listener]], or take this out.",
                );
            }
        }
    }

    /// The certificate of an authority is shown somewhere, and no listener is in the way when it looks.
    fn authority(&self, page: &Page) {
        let Some(read) = &self.acme else { return };
        let ready: Vec<&Listener> = self.listeners.iter().filter_map(|l| l.listener.as_ref()).collect();
        if ready.len() == self.listeners.len() && !ready.iter().any(|l| l.tls.is_some()) {
            page.fault(
                read.at.clone(),
                "[acme] asks for a certificate that no [[listener]] shows",
                "Set tls = \"offered\" on a [[listener]], or take out [acme].",
            );
        }
        let given: Vec<&str> = self.certificates.iter().flat_map(|c| &c.names).map(|n| &*n.value).collect();
        for name in read.names.iter().filter(|n| given.contains(&&*n.value)) {
            let what = format!("[acme] and a [[certificate]] both answer for {}", name.value);
            page.fault(name.at.clone(), what, "Leave the name to one of them.");
        }
        let Some(acme) = &read.acme else { return };
        if let Some(taken) = ready.iter().find(|l| collide(l.address, acme.listen)) {
            page.fault(
                read.listen_at.clone(),
                format!("[acme] and [[listener]] \"{}\" cannot both have {}", taken.name, acme.listen),
                "Give the listener another port; the authority looks at 80 (http-01) or 443 (tls-alpn-01) alone.",
            );
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

/// Listeners of SFTP have ports as those of FTP do, and there are no data connections whose ports could meet them.
fn over_ssh(page: &Page, listeners: &[ReadSsh], others: &[ReadListener]) {
    let ready: Vec<(&ReadSsh, &Ssh)> = listeners.iter().filter_map(|l| l.ssh.as_ref().map(|x| (l, x))).collect();
    let others: Vec<&Listener> = others.iter().filter_map(|l| l.listener.as_ref()).collect();
    for (i, (read, this)) in ready.iter().enumerate() {
        let alike = ready.iter().take(i).map(|(_, o)| (&o.name, o.address));
        let taken = alike.chain(others.iter().map(|o| (&o.name, o.address))).find(|(_, at)| collide(this.address, *at));
        if let Some((other, _)) = taken {
            page.fault(
                read.address_at.clone(),
                format!("[[listener]] \"{other}\" and \"{}\" cannot both have {}", this.name, this.address),
                "Give one of them another port.",
            );
        }
        let within = |o: &Listener| {
            let ports = o.passive.as_ref().map(|p| &p.ports);
            ports.is_some_and(|p| !p.any() && p.0.contains(&this.address.port())) && same_place(o.address.ip(), this.address.ip())
        };
        if let Some(other) = others.iter().find(|o| within(o)) {
            page.fault(
                read.address_at.clone(),
                format!("the passive ports of [[listener]] \"{}\" hold port {}", other.name, this.address.port()),
                "Choose ports that are free.",
            );
        }
    }
}

/// Listeners over UDP have their ports apart from those over TCP.
fn over_udp(page: &Page, listeners: &[ReadTftp]) {
    let ready: Vec<(&ReadTftp, &Tftp)> = listeners.iter().filter_map(|l| l.tftp.as_ref().map(|x| (l, x))).collect();
    for (i, (read, this)) in ready.iter().enumerate() {
        if let Some((_, other)) = ready.iter().take(i).find(|(_, o)| collide(this.address, o.address)) {
            page.fault(
                read.address_at.clone(),
                format!("[[listener]] \"{}\" and \"{}\" cannot both have {}", other.name, this.name, this.address),
                "Give one of them another port.",
            );
        }
        let TftpPorts::Range(range) = &this.ports else { continue };
        if let Some((_, taken)) = ready.iter().find(|(_, o)| range.contains(&o.address.port())) {
            page.fault(
                read.ports_at.clone(),
                format!(
                    "the ports of [[listener]] \"{}\" hold {}, where \"{}\" listens",
                    this.name,
                    taken.address.port(),
                    taken.name
                ),
                "Choose ports that are free.",
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
