//! How are `[ssh]` and a `[[listener]]` read that speaks SFTP?
#![allow(clippy::disallowed_methods, reason = "the configuration is one of the owners of files")]

use std::net::SocketAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};

use gate::AuthorizedKey;
use gate::rules::ListenerRules;
use ipnet::IpNet;

use super::keys;
use super::listener::{self, Head};
use super::section::{Section, Told};
use super::value;

/// A way in that speaks SFTP and SCP, over SSH.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Ssh {
    /// Its name, on log lines.
    pub(crate) name: Box<str>,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// Passwords are taken.
    pub(crate) passwords: bool,
    /// Keys are taken.
    pub(crate) public_keys: bool,
    /// Channels of one connection at once.
    pub(crate) channels: usize,
    /// Files and folders open at once on one channel.
    pub(crate) handles: u32,
    /// Connections that are not logged in, at once.
    pub(crate) startups: usize,
    /// Bytes in one direction after which keys are exchanged anew.
    pub(crate) rekey: u64,
    /// Networks whose PROXY headers are believed; no header is read where empty.
    pub(crate) proxies: Vec<IpNet>,
    /// What the door goes by here.
    pub(crate) rules: ListenerRules,
    /// Nobody asked for it: where its port is taken, all else is served without it.
    pub(crate) optional: bool,
}

impl Ssh {
    /// One as it comes.
    pub(crate) fn new(name: Box<str>, address: SocketAddr) -> Self {
        Self {
            name,
            address,
            passwords: true,
            public_keys: true,
            channels: 10,
            handles: 1_024,
            startups: 100,
            rekey: 1 << 30,
            proxies: Vec::new(),
            rules: ListenerRules::default(),
            optional: false,
        }
    }
}

/// Who the server is over SSH, and whose word it takes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct SshIdentity {
    /// Files of private keys.
    pub(crate) host_keys: Vec<PathBuf>,
    /// Files of certificates for them.
    pub(crate) certificates: Vec<PathBuf>,
    /// The folder of keys that are made where none are given.
    pub(crate) state: Option<PathBuf>,
    /// Authorities whose certificates let in whom they name.
    pub(crate) authorities: Vec<AuthorizedKey>,
    /// Keys that let nobody in any more.
    pub(crate) revoked: Vec<Box<[u8]>>,
    /// Files that were read for these, and will be by a reload.
    pub(crate) files: Vec<PathBuf>,
}

/// A listener that speaks SFTP, and where its parts stand.
pub(super) struct ReadSsh {
    pub(super) ssh: Option<Ssh>,
    pub(super) name: Option<Told<Box<str>>>,
    pub(super) address_at: Range<usize>,
    pub(super) host_at: Range<usize>,
    pub(super) anonymous_at: Range<usize>,
}

/// Keys of a listener that mean something over SSH alone.
pub(super) const ONLY_HERE: &[&str] = &["passwords", "public_keys", "channels_max", "handles_max", "startups_max", "rekey_bytes"];

/// Keys that speak of data connections, of TLS or of datagrams, of which there are none here.
const NOT_HERE: &[&str] = &[
    "passive",
    "passive_ports",
    "public_address",
    "active",
    "active_source_port",
    "single_port",
    "historic",
    "plain_login",
    "tls",
    "tls_data",
    "tls_ccc",
    "tls_min",
    "data_reuse",
    "close_notify",
    "client_certificates",
    "client_ca",
];

/// Whether a `[[listener]]` speaks SFTP.
pub(super) fn is_meant(section: &Section<'_>) -> bool {
    section.peek("protocol") == Some("sftp")
}

/// Reads it.
pub(super) fn listener(section: Section<'_>) -> ReadSsh {
    let Head { name, at, rules } = listener::head(&section, "sftp", "0.0.0.0:22");
    let mut ssh = at.map(|(name, address)| Ssh::new(name, address));
    let (passwords, public_keys) = (section.flag("passwords").unwrap_or(true), section.flag("public_keys").unwrap_or(true));
    if !passwords && !public_keys {
        let what = format!("{} takes neither passwords nor keys, so nobody could log in", section.header());
        section.fault(section.place("passwords"), what, "Leave one of them switched on.");
    }
    let channels = section.number("channels_max", 1..=1_000).and_then(|n| usize::try_from(n).ok());
    let handles = section.number32("handles_max", 1..=100_000);
    let startups = section.number("startups_max", 1..=100_000).and_then(|n| usize::try_from(n).ok());
    let rekey = section.bytes("rekey_bytes");
    if rekey.is_some_and(|n| !(1 << 20..=1 << 30).contains(&n)) {
        let what = format!("`rekey_bytes` of {} lies outside of 1 MiB to 1 GiB", section.header());
        section.fault(section.place("rekey_bytes"), what, "Leave it out: keys are exchanged anew after 1 GiB, or an hour.");
    }
    let proxies = section.parsed_list("proxy_protocol", value::net).unwrap_or_default();
    let rules = ListenerRules { anonymous: section.flag("anonymous").unwrap_or(false), ..rules };
    if let Some(s) = &mut ssh {
        (s.passwords, s.public_keys, s.proxies, s.rules) = (passwords, public_keys, proxies, rules);
        s.channels = channels.unwrap_or(s.channels);
        s.handles = handles.unwrap_or(s.handles);
        s.startups = startups.unwrap_or(s.startups);
        s.rekey = rekey.unwrap_or(s.rekey);
    }
    section.foreign(NOT_HERE, "sftp");
    section.foreign(super::tftp::ONLY_HERE, "sftp");
    let (address_at, host_at, anonymous_at) = (section.place("address"), section.place("host"), section.place("anonymous"));
    section.end();
    ReadSsh { ssh, name, address_at, host_at, anonymous_at }
}

/// Reads `[ssh]`.
pub(super) fn identity(section: Section<'_>, base: &Path) -> SshIdentity {
    let mut read = SshIdentity { state: section.text("state").map(|told| base.join(told.value)), ..SshIdentity::default() };
    let paths = |key: &'static str| -> Vec<Told<PathBuf>> {
        let list = section.list(key).unwrap_or_default();
        list.into_iter().map(|t| Told { value: base.join(t.value), at: t.at }).collect()
    };
    for (key, into) in [("host_keys", &mut read.host_keys), ("host_certificates", &mut read.certificates)] {
        for told in paths(key) {
            if let Err(e) = std::fs::metadata(&told.value) {
                let what = format!("`{key}` of [ssh]: {} cannot be opened: {e}", told.value.display());
                section.fault(told.at, what, "ssh-keygen makes keys; or leave the key out, and keys are made and kept.");
                continue;
            }
            into.push(told.value);
        }
    }
    if !read.certificates.is_empty() && read.host_keys.is_empty() {
        let what = "[ssh] has `host_certificates` and no `host_keys` that they could be for";
        section.fault(section.place("host_certificates"), what, "Name the keys, too.");
    }
    let authority = |text: &str| keys::line(text).map(|key| AuthorizedKey { authority: true, ..key });
    read.authorities = section.parsed_list("user_authorities", authority).unwrap_or_default();
    read.revoked = section.parsed_list("revoked_keys", keys::line).unwrap_or_default().into_iter().map(|k| k.blob).collect();
    for (key, is_authority) in [("user_authorities_file", true), ("revoked_keys_file", false)] {
        let Some(told) = section.text(key) else { continue };
        let path = base.join(told.value);
        match keys::file(&path) {
            Ok(keys) if is_authority => {
                read.authorities.extend(keys.into_iter().map(|key| AuthorizedKey { authority: true, ..key }));
            }
            Ok(keys) => read.revoked.extend(keys.into_iter().map(|key| key.blob)),
            Err(e) => section.fault(told.at, format!("`{key}` of [ssh]: {e}"), "One public key a line, as ssh-keygen prints it."),
        }
        read.files.push(path);
    }
    section.end();
    read
}
