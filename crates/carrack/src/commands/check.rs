//! `carrack check FILE`: does the configuration hold together, and what would it serve?

use std::fmt::Write;

use gate::rules::{Password, effective};
use io::tls::Certificate;
use server::tftp::multicast::Groups;
use types::Reason;

use super::serve::{self, identity};
use crate::cli::{Check, Exit};
use crate::config::{self, Config, Listener, MountKind, PlainLogin, TlsMode};
use crate::{log, say};

/// Reads the file and says what it means, or what is wrong.
pub(crate) fn run(args: &Check) -> Exit {
    match config::load(&args.file) {
        Ok(config) => say::out(format_args!("{}", describe(&config).trim_end())),
        Err(faults) => {
            refuse(&faults);
            Exit::Config
        }
    }
}

/// Shows faults, and how many.
pub(crate) fn refuse(faults: &config::Faults) {
    let count = match faults.count() {
        1 => "one thing is wrong".to_owned(),
        n => format!("{n} things are wrong"),
    };
    say::err(format_args!(
        "{faults}\n{} {}: {count}; nothing was started or changed",
        Reason::Config.code(),
        Reason::Config.cause()
    ));
}

/// Groups of clients that hear a file together, in words.
fn together(groups: &Groups) -> String {
    let networks: Vec<String> = groups.networks.iter().map(ToString::to_string).collect();
    let (first, last) = (groups.ports.start(), groups.ports.end());
    let ports = if first == last { format!("port {first}") } else { format!("ports {first}-{last}") };
    let over = groups.interface.as_ref().map_or_else(String::new, |name| format!(" over {name}"));
    format!(", multicast to {} at {ports}, ttl {}{over}", networks.join(" and "), groups.hops)
}

/// What a configuration serves, in words.
fn describe(config: &Config) -> String {
    let mut text = String::new();
    for part in [ftp_listeners, other_listeners, certificates, places, people] {
        part(config, &mut text);
    }
    text.push_str("The configuration holds together.");
    text
}

fn ftp_listeners(config: &Config, text: &mut String) {
    for l in &config.listeners {
        let plain = match l.plain_login {
            PlainLogin::Allow => "passwords in clear from everywhere",
            PlainLogin::Loopback => "passwords in clear from this machine only",
            PlainLogin::Refuse => "no passwords in clear",
        };
        let passive = l.passive.as_ref().map_or("no passive mode".to_owned(), |p| format!("passive ports {}", p.ports));
        let active = if l.active.is_some() { "active mode" } else { "no active mode" };
        let anonymous = if l.rules.anonymous { ", anonymous" } else { "" };
        let _ = writeln!(
            text,
            "listener {}: {} at {}, {}, {passive}, {active}, {plain}{anonymous}",
            l.name,
            l.protocol.name(),
            l.address,
            config::tls_in_words(l.tls.as_ref())
        );
        if let Some(note) = unusual(l) {
            let _ = writeln!(text, "  note: {note}");
        }
    }
}

fn other_listeners(config: &Config, text: &mut String) {
    for l in &config.ssh {
        let anonymous = if l.rules.anonymous { ", anonymous" } else { "" };
        let _ = writeln!(text, "listener {}: sftp at {}, {}{anonymous}", l.name, l.address, serve::ssh::ways(l));
    }
    for t in &config.tftp {
        let blocks = t.blksize.map_or("blocks as the path carries them".to_owned(), |b| format!("blocks of up to {b} bytes"));
        let rewriting = match t.rewrite.len() {
            0 => String::new(),
            1 => ", 1 rule for names".to_owned(),
            n => format!(", {n} rules for names"),
        };
        let quirks: String = t.quirks.iter().map(|known| format!(", {} for some clients", known.quirk.name)).collect();
        let together = t.groups.as_ref().map_or_else(String::new, together);
        let _ = writeln!(
            text,
            "listener {}: tftp at {}, {}, {}, {blocks}, windows of up to {}{together}{rewriting}{quirks}",
            t.name,
            t.address,
            serve::tftp::uploads(t),
            t.ports,
            t.windowsize
        );
    }
}

fn certificates(config: &Config, text: &mut String) {
    for files in &config.certificates {
        // It was read with the configuration; what has happened to it since then is for the next look.
        let Ok(certificate) = Certificate::load(files) else { continue };
        let now = io::clock::wall();
        let _ = writeln!(
            text,
            "certificate {} ({}): until {}, SHA-256 {}",
            identity::names(&certificate),
            files.certificate.display(),
            identity::date(certificate.ends()),
            certificate.fingerprint()
        );
        if let Some((_, words)) = identity::warning(&certificate, now) {
            let _ = writeln!(text, "  warning: it {words}");
        }
    }
    if let Some(acme) = &config.acme {
        let until = crate::acme::until(acme).map_or_else(|| "none yet".to_owned(), |t| format!("until {}", identity::date(t)));
        let _ = writeln!(
            text,
            "certificate of {} from {} ({} at {}), kept in {}: {until}",
            acme.names.join(", "),
            acme.directory,
            acme.challenge.name(),
            acme.listen,
            acme.state.display()
        );
    }
    if let Some(kerberos) = &config.kerberos {
        let realms = if kerberos.realms.is_empty() {
            "only users who name their principals".to_owned()
        } else {
            kerberos.realms.join(", ")
        };
        let _ = writeln!(text, "Kerberos with the keys of {}: {realms}", kerberos.keytab.display());
    }
}

/// Mounts and virtual hosts.
fn places(config: &Config, text: &mut String) {
    for m in &config.mounts {
        let place = match &m.kind {
            MountKind::Local(path) => path.display().to_string(),
            MountKind::Memory { size } => format!("{} of memory", log::size(*size)),
        };
        let _ = writeln!(text, "mount {}: {place}{}", m.name, if m.read_only { ", read-only" } else { "" });
    }
    for (name, host) in sorted(&config.hosts) {
        let root = host.root.as_ref().map(|r| format!(", serves {r}")).unwrap_or_default();
        let _ = writeln!(text, "host {name}{root}");
    }
}

fn people(config: &Config, text: &mut String) {
    let people = sorted(&config.users).into_iter().map(|(_, user)| user).chain(&config.anonymous);
    for user in people {
        let who = effective(user, &config.groups);
        let mounts: Vec<String> = who.mounts.iter().map(|(at, name)| format!("{at} is {name}")).collect();
        let disabled = if user.disabled { ", disabled" } else { "" };
        let label = if user.password == Password::None { "anonymous".to_owned() } else { format!("user {}", user.name) };
        let _ = writeln!(text, "{label}: {}{disabled}", mounts.join(", "));
    }
}

/// What programs do not expect at the listener's port, though it is no fault.
fn unusual(listener: &Listener) -> Option<&'static str> {
    match (listener.address.port(), listener.tls.as_ref().map(|t| t.mode)) {
        (990, None | Some(TlsMode::Offered | TlsMode::Required)) => Some("programs expect implicit TLS at port 990"),
        (21, Some(TlsMode::Implicit)) => Some("programs expect no TLS in the first byte at port 21; port 990 is for that"),
        _ => None,
    }
}

fn sorted<T>(map: &std::collections::HashMap<Box<str>, T>) -> Vec<(&str, &T)> {
    let mut rows: Vec<(&str, &T)> = map.iter().map(|(k, v)| (&**k, v)).collect();
    rows.sort_by_key(|(k, _)| *k);
    rows
}
