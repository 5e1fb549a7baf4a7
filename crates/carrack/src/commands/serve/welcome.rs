//! What does somebody see who typed `carrack serve`? What is served, one line to paste for each way in, and what is
//! refused as it stands.

use std::fmt::Write;
use std::net::{IpAddr, SocketAddr};

use nix::ifaddrs::getifaddrs;
use server::ssh::keys::HostKey;

use super::identity::{self, Identity};
use crate::config::{Config, Listener, MountKind, PasswordFrom, PlainLogin, QuickUser, TlsMode};
use crate::log::Look;

/// The most addresses shown of a listener that has them all.
const MOST_ADDRESSES: usize = 4;

/// One way in.
pub(super) struct Way<'a> {
    pub(super) listener: &'a Listener,
    /// Where it really listens.
    pub(super) address: SocketAddr,
}

impl Way<'_> {
    fn mode(&self) -> Option<TlsMode> {
        self.listener.tls.as_ref().map(|t| t.mode)
    }

    /// Whether a password is taken at this address without TLS.
    fn takes_clear(&self, at: SocketAddr) -> bool {
        let plain = at.ip().is_loopback() || self.listener.plain_login == PlainLogin::Allow;
        plain && !matches!(self.mode(), Some(TlsMode::Required | TlsMode::Implicit))
    }

    /// The lines to paste for one of its addresses.
    fn lines(&self, at: SocketAddr, user: Option<&QuickUser>, known_as: Option<&str>) -> Vec<String> {
        let mut lines = Vec::new();
        if self.mode() != Some(TlsMode::Implicit) && (user.is_none() || self.takes_clear(at)) {
            lines.push(url("ftp", &at.to_string(), user));
        }
        // A certificate that vouches for itself has no issuer to check it by, and others are for names, not addresses.
        let known_as = known_as.filter(|_| !at.ip().is_loopback());
        let (unchecked, unverified) = if known_as.is_some() { ("", "") } else { ("-k ", "; set ssl:verify-certificate no") };
        let host = known_as.map_or_else(|| at.to_string(), |name| format!("{name}:{}", at.port()));
        match self.mode() {
            None => {}
            Some(TlsMode::Offered | TlsMode::Required) => {
                let url = url("ftp", &host, user);
                lines.push(format!("curl --ssl-reqd {unchecked}{url}"));
                // As an argument of its own the URL would be opened before the settings count.
                lines.push(format!("lftp -e 'set ftp:ssl-force yes{unverified}; open {url}'"));
            }
            Some(TlsMode::Implicit) => lines.push(format!("curl {unchecked}{}", url("ftps", &host, user))),
        }
        lines
    }
}

/// Ways in that are not FTP's.
pub(super) struct Others<'a> {
    pub(super) tftp: &'a [SocketAddr],
    pub(super) ssh: &'a [SocketAddr],
    pub(super) host_keys: &'a [HostKey],
}

/// The welcome.
pub(super) fn text(
    config: &Config,
    user: Option<&QuickUser>,
    ways: &[Way<'_>],
    others: &Others<'_>,
    identity: &Identity,
    look: Look,
) -> String {
    let (bold, end) = if look.colours { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
    let mut text = String::from("\n");
    for mount in &config.mounts {
        let rights = if mount.read_only { ", read-only" } else { "" };
        if let MountKind::Local(path) = &mount.kind {
            let _ = writeln!(text, "  Carrack serves {bold}{}{end}{rights}", path.display());
        }
    }
    text.push('\n');
    for line in lines(user, ways, others, identity) {
        let _ = writeln!(text, "    {bold}{line}{end}");
    }
    text.push('\n');
    tell_who(config, user, ways, &mut text);
    tell_identity(others, identity, &mut text);
    if user.is_some() {
        warn_of_clear(ways, &mut text);
    }
    warn_of_tftp(others.tftp, &mut text);
    text.push_str("\n  Ctrl-C stops it.\n");
    text
}

/// What one may type to come in, by each way.
fn lines(user: Option<&QuickUser>, ways: &[Way<'_>], others: &Others<'_>, identity: &Identity) -> Vec<String> {
    let mut all = Vec::new();
    for way in ways {
        for at in reachable(way.address) {
            let anonymous = way.listener.rules.anonymous.then_some(None);
            for who in user.map(Some).into_iter().chain(anonymous) {
                all.extend(way.lines(at, who, identity.known_as()));
            }
        }
    }
    let name = user.map_or("anonymous", |u| &u.name);
    let ssh = others.ssh.iter().flat_map(|address| reachable(*address));
    all.extend(ssh.map(|at| format!("sftp -P {} {name}@{}", at.port(), at.ip())));
    let tftp = others.tftp.iter().flat_map(|address| reachable(*address));
    all.extend(tftp.map(|at| format!("curl tftp://{at}/NAME")));
    all
}

/// Who is let in, and with what.
fn tell_who(config: &Config, user: Option<&QuickUser>, ways: &[Way<'_>], text: &mut String) {
    if let Some(user) = user {
        let password = match user.from {
            PasswordFrom::Made => format!("{}  (made for this run)", user.password.reveal()),
            PasswordFrom::Flag => "as given by --password".to_owned(),
            PasswordFrom::Variable => "as given by CARRACK_PASSWORD".to_owned(),
            PasswordFrom::File => "as in the password file".to_owned(),
        };
        let _ = writeln!(text, "    user      {}\n    password  {password}", user.name);
    }
    if ways.iter().any(|w| w.listener.rules.anonymous) {
        let may = if writes(config) { "read and write" } else { "read" };
        let _ = writeln!(text, "    anybody   may {may} without a password (user anonymous)");
    }
}

/// By what the server is known.
fn tell_identity(others: &Others<'_>, identity: &Identity, text: &mut String) {
    for certificate in identity.all() {
        let (names, until) = (identity::names(certificate), identity::date(certificate.ends()));
        let _ = writeln!(text, "\n  The certificate {names} ends on {until}. Its SHA-256 fingerprint:");
        let _ = writeln!(text, "    {}", certificate.fingerprint());
        if let Some(remark) = identity.remark() {
            let _ = writeln!(text, "  It {remark}.");
        }
    }
    // The one that clients of today ask for.
    if let Some(key) = others.host_keys.first().filter(|_| !others.ssh.is_empty()) {
        let _ = writeln!(text, "\n  sftp asks about the {} host key at first. Its fingerprint:", key.algorithm());
        let _ = writeln!(text, "    {}", key.fingerprint());
    }
}

/// Passwords that would cross the network in clear are refused, or they are not.
fn warn_of_clear(ways: &[Way<'_>], text: &mut String) {
    let refuses = |way: &&Way<'_>| {
        way.mode() != Some(TlsMode::Implicit) && reachable(way.address).into_iter().any(|at| !way.takes_clear(at))
    };
    if let Some(way) = ways.iter().rfind(refuses) {
        let instead = if way.mode().is_some() { " without TLS" } else { "" };
        let _ = writeln!(
            text,
            "\n  Passwords from other machines are refused{instead}: they would cross the network in clear.\n  \
             --plain-login takes them all the same."
        );
    }
    let open = |w: &Way<'_>| w.listener.plain_login == PlainLogin::Allow && !w.address.ip().is_loopback();
    if ways.iter().any(|w| open(w) && w.mode() != Some(TlsMode::Implicit)) {
        text.push_str("\n  Passwords cross the network in clear: whoever listens on it can read them.\n");
    }
}

/// TFTP lets in whoever comes.
fn warn_of_tftp(tftp: &[SocketAddr], text: &mut String) {
    if !tftp.is_empty() {
        let who = if tftp.iter().all(|a| a.ip().is_loopback()) { "every program of this machine" } else { "whoever reaches it" };
        let _ = writeln!(text, "\n  TFTP has no passwords: {who} may read what is served, if it knows the name.");
        if tftp.iter().all(|a| a.ip().is_loopback()) {
            text.push_str("  --tftp :6969 lets other machines read, too; --no-tftp nobody.\n");
        }
    }
}

fn writes(config: &Config) -> bool {
    let rules = config.anonymous.iter().flat_map(|a| &a.own.permissions);
    rules.into_iter().any(|(_, bits)| bits.has(gate::Permissions::WRITE)) && config.mounts.iter().any(|m| !m.read_only)
}

/// A URL that programs and browsers take. A password that somebody chose is not repeated.
fn url(scheme: &str, at: &str, user: Option<&QuickUser>) -> String {
    match user {
        None => format!("{scheme}://{at}/"),
        Some(u) if u.from == PasswordFrom::Made => {
            format!("{scheme}://{}:{}@{at}/", quoted(&u.name), quoted(u.password.reveal()))
        }
        Some(u) => format!("{scheme}://{}@{at}/", quoted(&u.name)),
    }
}

/// Percent-encoding of what a URL's user and password cannot hold (RFC 3986 §3.2.1).
fn quoted(text: &str) -> String {
    let mut out = String::new();
    for b in text.bytes() {
        if b.is_ascii_alphanumeric() || b"-._~".contains(&b) {
            out.push(char::from(b));
        } else {
            let _ = write!(out, "%{b:02X}");
        }
    }
    out
}

/// The addresses that clients can type for one that is listened on.
fn reachable(address: SocketAddr) -> Vec<SocketAddr> {
    if !address.ip().is_unspecified() {
        return vec![address];
    }
    let both = address.is_ipv6();
    let mut found: Vec<IpAddr> = getifaddrs()
        .into_iter()
        .flatten()
        .filter_map(|i| i.address)
        .filter_map(|a| {
            let v4 = a.as_sockaddr_in().map(|s| IpAddr::V4(s.ip()));
            let v6 = a.as_sockaddr_in6().map(|s| IpAddr::V6(s.ip()));
            v4.or(v6.filter(|_| both))
        })
        // Link-local addresses need a zone that differs from machine to machine.
        .filter(|ip| match ip {
            IpAddr::V4(v4) => !v4.is_link_local(),
            IpAddr::V6(v6) => !v6.is_unicast_link_local() && !v6.is_loopback(),
        })
        .collect();
    found.sort_by_key(|ip| (!ip.is_loopback(), ip.is_ipv6(), *ip));
    found.dedup();
    found.truncate(MOST_ADDRESSES);
    if found.is_empty() {
        found.push(IpAddr::from([127, 0, 0, 1]));
    }
    found.into_iter().map(|ip| SocketAddr::new(ip, address.port())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use crate::config::quick;
    use clap::Parser;
    use server::ssh::keys::Kind;

    fn welcome(flags: &[&str], at: &str) -> String {
        let line = ["carrack", "serve"].iter().chain(flags);
        let Command::Serve(args) = Cli::try_parse_from(line).unwrap().command else { unreachable!() };
        let mut made = quick(&args).unwrap();
        let state = tempfile::tempdir().unwrap();
        made.config.own_certificate = Some(state.path().to_owned());
        let Ok(identity) = Identity::load(&made.config) else { panic!("no certificate") };
        let way = Way { listener: &made.config.listeners[0], address: at.parse().unwrap() };
        let tftp: Vec<SocketAddr> = made.config.tftp.iter().map(|t| t.address).collect();
        let ssh: Vec<SocketAddr> = made.config.ssh.iter().map(|s| s.address).collect();
        let key = HostKey::make(Kind::Ed25519).unwrap();
        let others = Others { tftp: &tftp, ssh: &ssh, host_keys: &[key] };
        text(&made.config, made.user.as_ref(), &[way], &others, &identity, Look::plain())
    }

    #[test]
    fn a_made_password_can_be_pasted_and_a_chosen_one_is_not_repeated() {
        let said = welcome(&[], "127.0.0.1:2121");
        let url = plain(&said).unwrap();
        let password = url.split([':', '@']).nth(2).unwrap();
        assert!(url.starts_with("ftp://carrack:") && url.ends_with("@127.0.0.1:2121/"), "{url}");
        assert!(said.contains(&format!("password  {password}")), "{said}");
        let said = welcome(&["--user", "an na", "--password", "s3cret"], "127.0.0.1:2121");
        assert!(said.contains("ftp://an%20na@127.0.0.1:2121/") && !said.contains("s3cret"), "{said}");
    }

    /// The line for programs without TLS.
    fn plain(said: &str) -> Option<&str> {
        said.lines().map(str::trim).find(|l| l.starts_with("ftp://"))
    }

    #[test]
    fn each_way_in_has_its_line_and_the_certificate_its_fingerprint() {
        let said = welcome(&["--user", "anna", "--password", "x"], "192.0.2.1:2121");
        assert!(said.contains("    curl --ssl-reqd -k ftp://anna@192.0.2.1:2121/\n"), "{said}");
        assert!(said.contains("    lftp -e 'set ftp:ssl-force yes; set ssl:verify-certificate no; open ftp://anna@"), "{said}");
        assert!(said.contains("vouches for itself and is kept in "), "{said}");
        let fingerprint = said.lines().map(str::trim).find(|l| l.split(':').count() == 32).unwrap();
        assert!(fingerprint.split(':').all(|pair| u8::from_str_radix(pair, 16).is_ok() && pair.len() == 2), "{fingerprint}");
        let said = welcome(&["--user", "anna", "--password", "x", "--ftps", "1"], "192.0.2.1:990");
        assert!(said.contains("    curl -k ftps://anna@192.0.2.1:990/\n") && !said.contains(" ftp://"), "{said}");
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tls");
        let (chain, key) = (format!("{folder}/fullchain.pem"), format!("{folder}/privkey.pem"));
        let given = ["--user", "anna", "--password", "x", "--cert", &chain, "--key", &key];
        let said = welcome(&given, "192.0.2.1:2121");
        assert!(said.contains("    curl --ssl-reqd ftp://anna@ftp.example.com:2121/\n") && !said.contains("vouches"), "{said}");
        let said = welcome(&given, "127.0.0.1:2121");
        assert!(said.contains("    curl --ssl-reqd -k ftp://anna@127.0.0.1:2121/\n"), "{said}");
    }

    #[test]
    fn sftp_has_its_line_and_its_fingerprint() {
        let said = welcome(&[], "127.0.0.1:2121");
        assert!(said.contains("    sftp -P 2222 carrack@127.0.0.1\n") && said.contains("    SHA256:"), "{said}");
        let said = welcome(&["--sftp", "192.0.2.1:22", "--user", "anna", "--password", "x"], "127.0.0.1:2121");
        assert!(said.contains("    sftp -P 22 anna@192.0.2.1\n"), "{said}");
        let said = welcome(&["--no-sftp"], "127.0.0.1:2121");
        assert!(!said.contains("sftp") && !said.contains("SHA256:"), "{said}");
    }

    #[test]
    fn tftp_has_its_line_and_says_whom_it_lets_in() {
        let said = welcome(&[], "127.0.0.1:2121");
        assert!(said.contains("    curl tftp://127.0.0.1:6969/NAME\n"), "{said}");
        assert!(said.contains("no passwords: every program of this machine may read") && said.contains("--no-tftp"), "{said}");
        assert!(!said.contains("anybody   may"), "over FTP nobody comes without a password: {said}");
        let said = welcome(&["--tftp", "192.0.2.1:69"], "127.0.0.1:2121");
        assert!(said.contains("tftp://192.0.2.1:69/NAME") && said.contains("whoever reaches it may read"), "{said}");
        let said = welcome(&["--no-tftp"], "127.0.0.1:2121");
        assert!(!said.to_lowercase().contains("tftp"), "{said}");
    }

    #[test]
    fn what_other_machines_cannot_do_is_said() {
        let said = welcome(&[], "192.0.2.1:2121");
        assert!(said.contains("refused without TLS") && said.contains("--plain-login") && plain(&said).is_none(), "{said}");
        let said = welcome(&["--no-tls"], "192.0.2.1:2121");
        assert!(said.contains("refused: they would") && !said.contains(" ftp://"), "{said}");
        let said = welcome(&["--plain-login"], "192.0.2.1:2121");
        assert!(
            plain(&said).is_some_and(|l| l.starts_with("ftp://carrack:")) && said.contains("cross the network in clear: whoever"),
            "{said}"
        );
        let said = welcome(&["--anonymous"], "[2001:db8::1]:2121");
        assert!(
            said.contains("ftp://[2001:db8::1]:2121/") && said.contains("may read without") && !said.contains("refused"),
            "{said}"
        );
        let said = welcome(&["--anonymous", "--anonymous-write"], "127.0.0.1:2121");
        assert!(said.contains("may read and write"), "{said}");
        let said = welcome(&["--anonymous", "--anonymous-write", "--read-only"], "127.0.0.1:2121");
        assert!(said.contains("may read without") && said.contains("read-only"), "{said}");
    }

    #[test]
    fn all_addresses_means_those_there_are() {
        let at = reachable("0.0.0.0:2121".parse().unwrap());
        assert!(at.contains(&"127.0.0.1:2121".parse().unwrap()) && at.len() <= MOST_ADDRESSES, "{at:?}");
    }
}
