//! How is a configuration file read as a whole? Each table by its reader, then what must agree between them.
#![allow(clippy::disallowed_methods, reason = "the configuration is one of the owners of files")]

use std::path::Path;

use toml::Spanned;
use toml::de::DeTable;

use super::page::{Faults, Page};
use super::section::Section;
use super::{ASCII_SIZE, Config, Log, Process, Trace, Waits, acme, agree, kerberos, listener, person, settings, ssh, tftp, tls};

/// The most a configuration may hold; a device or an image given by mistake is not read to its end.
const MOST: u64 = 16 << 20;

/// Reads a file.
pub(super) fn load(path: &Path) -> Result<Config, Faults> {
    let name = path.display().to_string();
    let refused =
        |what: String| Faults::whole(&name, what, "Give the path of a configuration file; carrack.example.toml shows one.");
    match std::fs::metadata(path) {
        Err(e) => return Err(refused(format!("it cannot be read: {e}"))),
        Ok(m) if m.is_dir() => return Err(refused("that is a folder".to_owned())),
        Ok(m) if m.len() > MOST => return Err(refused(format!("{} bytes are no configuration", m.len()))),
        Ok(_) => {}
    }
    let bytes = std::fs::read(path).map_err(|e| refused(format!("it cannot be read: {e}")))?;
    let text = String::from_utf8(bytes).map_err(|e| {
        let at = e.utf8_error().valid_up_to();
        refused(format!("byte {at} is not UTF-8"))
    })?;
    let base = path.parent().unwrap_or(Path::new(""));
    parse(&name, &text, base).map_err(Page::faults)
}

/// Reads a file's text. Relative paths in it start at `base`.
pub(super) fn parse(name: &str, text: &str, base: &Path) -> Result<Config, Page> {
    let page = Page::new(name, text);
    let parsed = match DeTable::parse(page.text()) {
        Ok(table) => Ok(read(&page, &table, base)),
        Err(e) => Err(e),
    };
    match parsed {
        Ok(Some(config)) if page.is_fine() => Ok(config),
        Ok(_) => Err(page),
        Err(e) => {
            let what = format!("this is not TOML: {}", e.message().replace('\n', ", "));
            page.fault(e.span().unwrap_or(0..0), what, "Lines read: key = value, [table] or [[table]]; text stands in quotes.");
            Err(page)
        }
    }
}

/// Reads all tables. What it gives is only worth something if the page is fine.
fn read(page: &Page, table: &Spanned<DeTable<'_>>, base: &Path) -> Option<Config> {
    let whole = Section::whole(page, table);
    let banner = whole.lines("banner").unwrap_or_default();
    let (over_udp, over_tcp): (Vec<_>, Vec<_>) = whole.sections("listener").into_iter().partition(tftp::is_meant);
    let (over_ssh, over_tcp): (Vec<_>, Vec<_>) = over_tcp.into_iter().partition(ssh::is_meant);
    let ssh: Vec<_> = over_ssh.into_iter().map(ssh::listener).collect();
    let ssh_identity = whole.section("ssh").map(|s| ssh::identity(s, base)).unwrap_or_default();
    let listeners: Vec<_> = over_tcp.into_iter().map(|s| listener::listener(s, base)).collect();
    let tftp: Vec<_> = over_udp.into_iter().map(tftp::tftp).collect();
    let certificates: Vec<_> = whole.sections("certificate").into_iter().map(|s| tls::certificate(s, base)).collect();
    let acme = whole.section("acme").map(|s| acme::acme(s, base));
    let kerberos = whole.section("kerberos").map(|s| kerberos::kerberos(s, base));
    let shared_tls = whole.section("tls").map(|s| tls::defaults(s, base)).unwrap_or_default();
    let mounts: Vec<_> = whole.sections("mount").into_iter().map(|s| settings::mount(s, base)).collect();
    let users: Vec<_> = whole.sections("user").into_iter().map(|s| person::user(s, base)).collect();
    let groups: Vec<_> = whole.sections("group").into_iter().map(person::group).collect();
    let anonymous = whole.section("anonymous").map(person::anonymous);
    let hosts: Vec<_> = whole.sections("host").into_iter().map(listener::host).collect();
    let (limits, waits, ascii_size) =
        whole.section("limits").map_or_else(|| (gate::rules::Limits::default(), Waits::default(), ASCII_SIZE), settings::limits);
    let mail = whole.section("mail").and_then(settings::mail);
    let log = whole.section("log").map_or_else(Log::default, |s| settings::log(s, base));
    let audit = whole.section("audit").map_or_else(Default::default, |s| settings::audit(s, base));
    let trace = whole.section("trace").map_or_else(Trace::default, settings::trace);
    let process = whole.section("process").map_or_else(Process::default, settings::process);
    whole.end();

    let read =
        agree::Read { listeners, ssh, tftp, certificates, acme, shared_tls, mounts, users, groups, anonymous, hosts, mail };
    let mut agreed = read.agree(page)?;
    if let Some(kerberos) = &kerberos {
        kerberos.map(agreed.users.values_mut());
    }
    Some(Config {
        listeners: agreed.listeners,
        tftp: agreed.tftp,
        ssh_identity: ssh::SshIdentity { state: ssh_identity.state.clone().or_else(super::quick::state_folder), ..ssh_identity },
        ssh: agreed.ssh,
        certificates: agreed.certificates,
        acme: agreed.acme,
        kerberos,
        own_certificate: None,
        mounts: agreed.mounts,
        users: agreed.users,
        groups: agreed.groups,
        anonymous: agreed.anonymous,
        hosts: agreed.hosts,
        password_files: agreed.password_files,
        banner,
        mail: agreed.mail,
        limits,
        waits,
        ascii_size,
        audit,
        log,
        trace,
        process,
    })
}

/// The keys a text makes the parser ask for.
#[cfg(test)]
pub(super) fn asked(text: &str, base: &Path) -> std::collections::BTreeSet<String> {
    let page = Page::new("asked", text);
    if let Ok(table) = DeTable::parse(page.text()) {
        read(&page, &table, base);
    }
    page.asked()
}
