//! What does `~/.ssh/config` say of a host (ssh_config(5))? Host, HostName, User, Port, IdentityFile, IdentitiesOnly,
//! UserKnownHostsFile and StrictHostKeyChecking. The crates that read it refuse files that OpenSSH takes.

use std::path::{Path, PathBuf};

use types::{Error, Reason};

/// What becomes of a server whose key is not known (StrictHostKeyChecking). One whose key has changed is always refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HostTrust {
    /// Somebody is asked.
    Ask,
    /// It is refused.
    Known,
    /// It is taken, and known from then on.
    New,
}

/// What is said of one host; nothing where nothing is said.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct HostSettings {
    /// The name or address to connect to.
    pub address: Option<Box<str>>,
    /// Who logs in.
    pub user: Option<Box<str>>,
    /// The port.
    pub port: Option<u16>,
    /// Files with private keys.
    pub identities: Vec<PathBuf>,
    /// Whether only those are tried, and none of the agent's.
    pub identities_only: bool,
    /// Files with the keys of servers.
    pub known_hosts: Vec<PathBuf>,
    /// What becomes of unknown servers.
    pub trust: Option<HostTrust>,
    /// Words of the configuration that would change the way to this host, and are not served: ProxyJump, ProxyCommand.
    pub unserved: Vec<Box<str>>,
}

impl HostSettings {
    /// Reads a configuration, for one host. As OpenSSH has it, the first that is said counts, and files add up. What
    /// stands below `Match` is passed over, but for `Match all`.
    ///
    /// # Errors
    /// [`Reason::Config`] with the line.
    pub fn read(text: &str, host: &str, home: &Path) -> Result<Self, Error> {
        let mut found = Self::default();
        let mut applies = true;
        for (number, line) in (1..).zip(text.lines()) {
            let bad = |why: &str| Error::with(Reason::Config, format!("line {number}: {why}"));
            let words = words(line).ok_or_else(|| bad("a quote is not closed"))?;
            let Some((keyword, values)) = words.split_first() else { continue };
            let first = || values.first().map(|value| &**value).ok_or_else(|| bad("a value is missing"));
            match keyword.to_ascii_lowercase().as_str() {
                "host" => applies = matches(values, host),
                "match" => applies = values.len() == 1 && first()?.eq_ignore_ascii_case("all"),
                _ if !applies => {}
                "hostname" => {
                    let name = first()?.replace("%h", host).replace("%%", "%");
                    found.address.get_or_insert(name.into());
                }
                "user" => {
                    found.user.get_or_insert(first()?.into());
                }
                "port" => {
                    let port = first()?.parse().ok().filter(|port| *port > 0).ok_or_else(|| bad("that is no port"))?;
                    found.port.get_or_insert(port);
                }
                "identityfile" => found.identities.push(file(first()?, home)),
                "identitiesonly" => found.identities_only |= first()?.eq_ignore_ascii_case("yes"),
                "userknownhostsfile" if found.known_hosts.is_empty() => {
                    found.known_hosts = values.iter().map(|name| file(name, home)).collect();
                }
                "stricthostkeychecking" => {
                    let trust = match first()?.to_ascii_lowercase().as_str() {
                        "yes" => HostTrust::Known,
                        // Who is not to be asked is not to be lied to: a changed key is refused all the same.
                        "no" | "off" | "accept-new" => HostTrust::New,
                        _ => HostTrust::Ask,
                    };
                    found.trust.get_or_insert(trust);
                }
                "proxyjump" | "proxycommand" if !first()?.eq_ignore_ascii_case("none") => {
                    found.unserved.push(keyword.as_str().into());
                }
                _ => {}
            }
        }
        Ok(found)
    }
}

/// `keyword value value`, `keyword=value`, with quotes around what holds blanks; `#` begins a comment.
fn words(line: &str) -> Option<Vec<String>> {
    let mut words: Vec<String> = Vec::new();
    let mut rest = line.trim();
    while !rest.is_empty() && !rest.starts_with('#') {
        let (word, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => {
                let ends = |c: char| c.is_whitespace() || (words.is_empty() && c == '=');
                rest.split_at(rest.find(ends).unwrap_or(rest.len()))
            }
        };
        words.push(word.into());
        rest = after.trim_start();
        if words.len() == 1 {
            rest = rest.strip_prefix('=').unwrap_or(rest).trim_start();
        }
    }
    Some(words)
}

/// Whether one of the patterns means the host, and none that is negated does.
fn matches(patterns: &[String], host: &str) -> bool {
    let means = |pattern: &str| wild(pattern.to_ascii_lowercase().as_bytes(), host.to_ascii_lowercase().as_bytes());
    let refused = patterns.iter().filter_map(|pattern| pattern.strip_prefix('!')).any(means);
    !refused && patterns.iter().any(|pattern| means(pattern))
}

/// `*` is any letters, `?` one.
pub(super) fn wild(pattern: &[u8], text: &[u8]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some((b'*', rest)) => (0..=text.len()).any(|skip| wild(rest, text.get(skip..).unwrap_or_default())),
        Some((b'?', rest)) => !text.is_empty() && wild(rest, text.get(1..).unwrap_or_default()),
        Some((letter, rest)) => text.first() == Some(letter) && wild(rest, text.get(1..).unwrap_or_default()),
    }
}

fn file(name: &str, home: &Path) -> PathBuf {
    let name = name.replace("%d", &home.to_string_lossy());
    match name.strip_prefix("~/") {
        Some(below) => home.join(below),
        None => PathBuf::from(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
# Before any Host: for all.
StrictHostKeyChecking accept-new
Host web* !webmail
    HostName = %h.example.org
    User   "anna b"
	Port=2222
    IdentityFile ~/.ssh/web
Host *
    User nobody
    Port 22
    IdentityFile /keys/all
    UserKnownHostsFile ~/a "/b c"
Host far
    ProxyJump near
Match exec "true"
    User evil
"#;

    fn read(host: &str) -> HostSettings {
        HostSettings::read(TEXT, host, Path::new("/home/u")).unwrap()
    }

    #[test]
    fn what_comes_first_counts() {
        let web = read("Web1");
        assert_eq!(
            (web.address.as_deref(), web.user.as_deref(), web.port),
            (Some("Web1.example.org"), Some("anna b"), Some(2222))
        );
        assert_eq!(web.identities, [Path::new("/home/u/.ssh/web"), Path::new("/keys/all")]);
        assert_eq!(web.known_hosts, [Path::new("/home/u/a"), Path::new("/b c")]);
        assert_eq!((web.trust, web.unserved.len()), (Some(HostTrust::New), 0));
        let mail = read("webmail");
        assert_eq!((mail.address, mail.user.as_deref(), mail.port), (None, Some("nobody"), Some(22)));
        assert_eq!(*read("far").unserved, ["ProxyJump".into()]);
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_line() {
        for text in ["\nPort many", "\nUser", "\nHostName \"a"] {
            let error = HostSettings::read(text, "h", Path::new("/")).unwrap_err();
            assert_eq!(error.reason, Reason::Config);
            assert!(error.detail.unwrap().starts_with("line 2"));
        }
    }
}
