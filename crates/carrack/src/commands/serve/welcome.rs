//! What does somebody see who typed `carrack serve`? What is served, one line to paste for each way in, and what is
//! refused as it stands.

use std::fmt::Write;
use std::net::{IpAddr, SocketAddr};

use nix::ifaddrs::getifaddrs;

use crate::config::{Config, MountKind, PasswordFrom, PlainLogin, QuickUser};
use crate::log::Look;

/// The most addresses shown of a listener that has them all.
const MOST_ADDRESSES: usize = 4;

/// The welcome.
pub(super) fn text(config: &Config, user: Option<&QuickUser>, listeners: &[(SocketAddr, PlainLogin)], look: Look) -> String {
    let (bold, end) = if look.colours { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
    let mut text = String::from("\n");
    for mount in &config.mounts {
        let rights = if mount.read_only { ", read-only" } else { "" };
        if let MountKind::Local(path) = &mount.kind {
            let _ = writeln!(text, "  Carrack serves {bold}{}{end}{rights}", path.display());
        }
    }
    text.push('\n');
    let mut refused = false;
    for (address, plain) in listeners {
        for at in reachable(*address) {
            let open = at.ip().is_loopback() || *plain == PlainLogin::Allow;
            if let Some(user) = user {
                if open {
                    let _ = writeln!(text, "    {bold}{}{end}", url(&at, Some(user)));
                } else {
                    refused = true;
                }
            }
            if config.anonymous.is_some() {
                let _ = writeln!(text, "    {bold}{}{end}", url(&at, None));
            }
        }
    }
    text.push('\n');
    if let Some(user) = user {
        let password = match user.from {
            PasswordFrom::Made => format!("{}  (made for this run)", user.password.reveal()),
            PasswordFrom::Flag => "as given by --password".to_owned(),
            PasswordFrom::Variable => "as given by CARRACK_PASSWORD".to_owned(),
            PasswordFrom::File => "as in the password file".to_owned(),
        };
        let _ = writeln!(text, "    user      {}\n    password  {password}", user.name);
    }
    if config.anonymous.is_some() {
        let may = if writes(config) { "read and write" } else { "read" };
        let _ = writeln!(text, "    anybody   may {may} without a password (user anonymous)");
    }
    if refused {
        text.push_str(
            "\n  Passwords from other machines are refused: they would cross the network in clear.\n  \
             --plain-login takes them all the same.\n",
        );
    }
    if listeners.iter().any(|(at, plain)| *plain == PlainLogin::Allow && !at.ip().is_loopback()) && user.is_some() {
        text.push_str("\n  Passwords cross the network in clear: whoever listens on it can read them.\n");
    }
    text.push_str("\n  Ctrl-C stops it.\n");
    text
}

fn writes(config: &Config) -> bool {
    let rules = config.anonymous.iter().flat_map(|a| &a.own.permissions);
    rules.into_iter().any(|(_, bits)| bits.has(gate::Permissions::WRITE)) && config.mounts.iter().any(|m| !m.read_only)
}

/// A URL that programs and browsers take. A password that somebody chose is not repeated.
fn url(at: &SocketAddr, user: Option<&QuickUser>) -> String {
    match user {
        None => format!("ftp://{at}/"),
        Some(u) if u.from == PasswordFrom::Made => format!("ftp://{}:{}@{at}/", quoted(&u.name), quoted(u.password.reveal())),
        Some(u) => format!("ftp://{}@{at}/", quoted(&u.name)),
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

    fn welcome(flags: &[&str], at: &str) -> String {
        let line = ["carrack", "serve"].iter().chain(flags);
        let Command::Serve(args) = Cli::try_parse_from(line).unwrap().command else { unreachable!() };
        let made = quick(&args).unwrap();
        let plain = made.config.listeners[0].plain_login;
        text(&made.config, made.user.as_ref(), &[(at.parse().unwrap(), plain)], Look::plain())
    }

    #[test]
    fn a_made_password_can_be_pasted_and_a_chosen_one_is_not_repeated() {
        let said = welcome(&[], "127.0.0.1:2121");
        let url = said.lines().find(|l| l.contains("ftp://")).unwrap().trim();
        let password = url.split([':', '@']).nth(2).unwrap();
        assert!(url.starts_with("ftp://carrack:") && url.ends_with("@127.0.0.1:2121/"), "{url}");
        assert!(said.contains(&format!("password  {password}")), "{said}");
        let said = welcome(&["--user", "an na", "--password", "s3cret"], "127.0.0.1:2121");
        assert!(said.contains("ftp://an%20na@127.0.0.1:2121/") && !said.contains("s3cret"), "{said}");
    }

    #[test]
    fn what_other_machines_cannot_do_is_said() {
        let said = welcome(&[], "192.0.2.1:2121");
        assert!(said.contains("refused") && said.contains("--plain-login") && !said.contains("ftp://"), "{said}");
        let said = welcome(&["--plain-login"], "192.0.2.1:2121");
        assert!(said.contains("ftp://carrack:") && said.contains("cross the network in clear: whoever"), "{said}");
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
