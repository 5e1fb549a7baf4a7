//! What does `~/.ssh/config` say of a host (ssh_config(5))? Host, Match (all, host, originalhost), HostName, AddressFamily,
//! User, Port, ConnectTimeout, IdentityFile, IdentityAgent, CertificateFile, IdentitiesOnly, UserKnownHostsFile,
//! GlobalKnownHostsFile, HashKnownHosts, HostKeyAlias, StrictHostKeyChecking, ProxyJump, ProxyCommand and Include.
//! The crates that read it refuse files that OpenSSH takes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use types::{Error, Reason};

use super::jump::Jump;
use crate::connect::Family;

/// Includes within includes; OpenSSH has the same limit.
const DEPTH: usize = 16;

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
    /// The name it is looked up by in `known_hosts`, where that is another.
    pub alias: Option<Box<str>>,
    /// Who logs in.
    pub user: Option<Box<str>>,
    /// The port.
    pub port: Option<u16>,
    /// Which addresses are used.
    pub family: Option<Family>,
    /// How long connecting may take.
    pub within: Option<Duration>,
    /// Where the agent is: `none`, `SSH_AUTH_SOCK`, another variable behind a `$`, or a path.
    pub agent: Option<Box<str>>,
    /// Files with private keys.
    pub identities: Vec<PathBuf>,
    /// Files with certificates of those keys.
    pub certificates: Vec<PathBuf>,
    /// Whether only those are tried, and none of the agent's.
    pub identities_only: Option<bool>,
    /// Files with the keys of servers.
    pub known_hosts: Vec<PathBuf>,
    /// The same, of all users of this machine; they are only read.
    pub global_known_hosts: Vec<PathBuf>,
    /// Whether names are written into them so that nobody can read them.
    pub hash_known_hosts: Option<bool>,
    /// What becomes of unknown servers.
    pub trust: Option<HostTrust>,
    /// Through which hosts the way leads; none where it is said that it leads through none.
    pub jumps: Option<Vec<Jump>>,
    /// The command of a program that leads there, its `%` words as they stand; it excludes the hosts on the way.
    pub command: Option<Box<str>>,
    /// A word of the configuration that would change the way to this host, and is not served: ProxyUseFdpass.
    pub unserved: Option<Box<str>>,
}

/// The text of a configuration file, and what it is called.
pub type File = (Box<str>, String);

/// What is read, and where in it one is.
struct Reading<'a> {
    host: &'a str,
    home: &'a Path,
    include: &'a dyn Fn(&str) -> Result<Vec<File>, Error>,
    found: HostSettings,
    depth: usize,
}

impl HostSettings {
    /// Reads configurations, for one host: the user's first, then the machine's. As OpenSSH has it, the first that is said
    /// counts, and files with keys add up. What stands below a `Match` that asks for more than the host is passed over.
    /// `include` finds the files of a pattern.
    ///
    /// # Errors
    /// [`Reason::Config`] with file and line.
    pub fn read(
        files: &[File],
        host: &str,
        home: &Path,
        include: &dyn Fn(&str) -> Result<Vec<File>, Error>,
    ) -> Result<Self, Error> {
        let mut reading = Reading { host, home, include, found: Self::default(), depth: 0 };
        for file in files {
            reading.file(file, true)?;
        }
        Ok(reading.found)
    }
}

impl Reading<'_> {
    fn file(&mut self, (name, text): &File, within: bool) -> Result<(), Error> {
        let mut applies = within;
        for (number, line) in (1..).zip(text.lines()) {
            let bad = |why: &str| Error::with(Reason::Config, format!("{name} line {number}: {why}"));
            // The rest of such a line is a shell's, quotes and all.
            if let Some(command) = command_of(line) {
                match command {
                    "" => return Err(bad("a value is missing")),
                    command if applies => self.command(command),
                    _ => {}
                }
                continue;
            }
            let words = words(line).ok_or_else(|| bad("a quote is not closed"))?;
            let Some((keyword, values)) = words.split_first() else { continue };
            let first = values.first().ok_or_else(|| bad("a value is missing"))?;
            match keyword.to_ascii_lowercase().as_str() {
                "host" => applies = within && matches(values, self.host),
                "match" => applies = within && self.is_met(values),
                _ if !applies => {}
                "include" if self.depth >= DEPTH => return Err(bad("too many files include one another")),
                "include" => {
                    self.depth += 1;
                    for pattern in values {
                        for file in (self.include)(pattern)? {
                            self.file(&file, applies)?;
                        }
                    }
                    self.depth -= 1;
                }
                keyword => self.word(keyword, first, values).map_err(|why| bad(&why))?,
            }
        }
        Ok(())
    }

    /// Whether all conditions of a Match are met. What is not known here is not met: `user`, `exec` and the like.
    fn is_met(&self, mut values: &[String]) -> bool {
        let patterns = |list: &str| list.split(',').map(str::to_owned).collect::<Vec<_>>();
        while let Some((condition, rest)) = values.split_first() {
            let (is_negated, name) = condition.strip_prefix('!').map_or((false, &**condition), |name| (true, name));
            // As of OpenSSH 9.9 a condition may stand with its value in one word.
            let (name, value) = name.split_once('=').map_or((name, None), |(name, value)| (name, Some(value)));
            let host = match name.to_ascii_lowercase().as_str() {
                "all" if values.len() == 1 => return !is_negated,
                "host" => self.found.address.as_deref().unwrap_or(self.host),
                "originalhost" => self.host,
                _ => return false,
            };
            let Some((list, rest)) = value.map(|list| (list, rest)).or_else(|| rest.split_first().map(|(l, r)| (&**l, r))) else {
                return false;
            };
            if matches(&patterns(list), host) == is_negated {
                return false;
            }
            values = rest;
        }
        true
    }

    /// A ProxyCommand that applies. Whichever comes first of it and ProxyJump counts.
    fn command(&mut self, command: &str) {
        let found = &mut self.found;
        match (&found.command, &found.jumps) {
            (None, None) if command.eq_ignore_ascii_case("none") => found.jumps = Some(Vec::new()),
            (None, None) => found.command = Some(command.into()),
            _ => {}
        }
    }

    /// One line that applies.
    fn word(&mut self, keyword: &str, first: &str, values: &[String]) -> Result<(), String> {
        let (host, home, found) = (self.host, self.home, &mut self.found);
        let files = || values.iter().map(|name| file(name, host, home));
        let is_yes = || first.eq_ignore_ascii_case("yes");
        match keyword {
            "hostname" => drop(found.address.get_or_insert_with(|| tokens(first, host, home).into())),
            "hostkeyalias" => drop(found.alias.get_or_insert_with(|| first.into())),
            "user" => drop(found.user.get_or_insert_with(|| first.into())),
            "port" => {
                let port = first.parse().ok().filter(|port| *port > 0).ok_or("that is no port")?;
                found.port.get_or_insert(port);
            }
            "addressfamily" => {
                let family = match first.to_ascii_lowercase().as_str() {
                    "inet" => Family::V4,
                    "inet6" => Family::V6,
                    _ => Family::Any,
                };
                found.family.get_or_insert(family);
            }
            "connecttimeout" if first.eq_ignore_ascii_case("none") => {}
            "connecttimeout" => {
                let within = seconds(first).filter(|within| !within.is_zero()).ok_or("that is no time")?;
                found.within.get_or_insert(within);
            }
            "identityagent" => drop(found.agent.get_or_insert_with(|| file(first, host, home).to_string_lossy().into())),
            "identityfile" => found.identities.extend(files().next()),
            "certificatefile" => found.certificates.extend(files().next()),
            "identitiesonly" => drop(found.identities_only.get_or_insert_with(is_yes)),
            "hashknownhosts" => drop(found.hash_known_hosts.get_or_insert_with(is_yes)),
            "userknownhostsfile" if found.known_hosts.is_empty() => found.known_hosts = files().collect(),
            "globalknownhostsfile" if found.global_known_hosts.is_empty() => found.global_known_hosts = files().collect(),
            "stricthostkeychecking" => {
                let trust = match first.to_ascii_lowercase().as_str() {
                    "yes" => HostTrust::Known,
                    // Who is not to be asked is not to be lied to: a changed key is refused all the same.
                    "no" | "off" | "accept-new" => HostTrust::New,
                    _ => HostTrust::Ask,
                };
                found.trust.get_or_insert(trust);
            }
            // Whichever of the two comes first counts.
            "proxyjump" if found.command.is_none() && found.jumps.is_none() => {
                found.jumps = Some(Jump::parse_all(first).map_err(|e| e.detail.unwrap_or_default().into_string())?);
            }
            "proxyusefdpass" if is_yes() => drop(found.unserved.get_or_insert_with(|| "ProxyUseFdpass".into())),
            _ => {}
        }
        Ok(())
    }
}

/// A time as OpenSSH writes it: seconds, or numbers that each have their unit behind them, such as `1m30`.
fn seconds(text: &str) -> Option<Duration> {
    let (mut sum, mut number) = (0_u64, None);
    for letter in text.chars() {
        let unit = match letter.to_ascii_lowercase() {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            'w' => 604_800,
            digit => {
                let digit = u64::from(digit.to_digit(10)?);
                number = Some(number.unwrap_or(0_u64).checked_mul(10)?.checked_add(digit)?);
                continue;
            }
        };
        sum = sum.checked_add(number.take()?.checked_mul(unit)?)?;
    }
    sum.checked_add(number.unwrap_or(0)).filter(|_| !text.is_empty()).map(Duration::from_secs)
}

/// What a line gives ProxyCommand, as it stands.
fn command_of(line: &str) -> Option<&str> {
    const KEYWORD: &str = "proxycommand";
    let (keyword, rest) = line.trim().split_at_checked(KEYWORD.len())?;
    let rest = keyword.eq_ignore_ascii_case(KEYWORD).then_some(rest)?;
    let value = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '=');
    (value.len() < rest.len() || rest.is_empty()).then_some(value)
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

/// Whether a pattern means a text: `*` is any letters, `?` one. Each star but the last one that was met is settled, so that
/// many of them cost no more than one.
pub fn wild(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut read) = (0, 0);
    // Behind the last star, and where what it stands for ends as far as is known.
    let mut star: Option<(usize, usize)> = None;
    while let Some(letter) = text.get(read) {
        match (pattern.get(at), star) {
            (Some(b'*'), _) => {
                at += 1;
                star = Some((at, read));
            }
            (Some(meant), _) if *meant == b'?' || meant == letter => (at, read) = (at + 1, read + 1),
            (_, Some((behind, end))) => {
                (at, read) = (behind, end + 1);
                star = Some((behind, end + 1));
            }
            (_, None) => return false,
        }
    }
    pattern.get(at..).unwrap_or_default().iter().all(|letter| *letter == b'*')
}

/// `%h`, `%d` and `%%` in a value; others are left as they are.
fn tokens(text: &str, host: &str, home: &Path) -> String {
    let (mut out, mut letters) = (String::with_capacity(text.len()), text.chars());
    while let Some(letter) = letters.next() {
        match (letter, letters.clone().next()) {
            ('%', Some('h' | 'n')) => out.push_str(host),
            ('%', Some('d')) => out.push_str(&home.to_string_lossy()),
            ('%', Some('%')) => out.push('%'),
            _ => {
                out.push(letter);
                continue;
            }
        }
        letters.next();
    }
    out
}

fn file(name: &str, host: &str, home: &Path) -> PathBuf {
    let name = tokens(name, host, home);
    match name.strip_prefix("~/") {
        Some(below) => home.join(below),
        None => PathBuf::from(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The same, by its definition.
    fn plainly(pattern: &[u8], text: &[u8]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some((b'*', rest)) => (0..=text.len()).any(|skip| plainly(rest, &text[skip..])),
            Some((b'?', rest)) => !text.is_empty() && plainly(rest, &text[1..]),
            Some((letter, rest)) => text.first() == Some(letter) && plainly(rest, &text[1..]),
        }
    }

    proptest! {
        #[test]
        fn patterns_mean_what_they_say(pattern in "[ab*?]{0,7}", text in "[ab]{0,7}") {
            prop_assert_eq!(wild(pattern.as_bytes(), text.as_bytes()), plainly(pattern.as_bytes(), text.as_bytes()));
        }

        /// Any text is read or refused with its line; what is read stands for the host alone that was asked for.
        #[test]
        fn any_text_is_read_or_refused(
            text in "((?i:Host|Match|ProxyJump|ProxyCommand|Port|HostName|Include|User)[ =]?[a-z0-9*!\"%@:,# ]{0,12}\n){0,6}",
        ) {
            match HostSettings::read(&[("c".into(), text)], "h", Path::new("/home/u"), &no_files) {
                Ok(found) => prop_assert!(found.command.is_none() || found.jumps.is_none()),
                Err(e) => prop_assert!(e.reason == Reason::Config && e.detail.is_some_and(|words| words.starts_with("c line "))),
            }
        }
    }

    #[test]
    fn many_stars_cost_little() {
        assert!(!wild(&[&b"*a".repeat(1_000)[..], b"b"].concat(), &[b'a'; 5_000]));
    }

    const TEXT: &str = r#"
# Before any Host: for all.
StrictHostKeyChecking accept-new
Host web* !webmail
    HostName = %h.example.org
    User   "anna b"
	Port=2222
    IdentityFile ~/.ssh/web
    CertificateFile %d/.ssh/web-ca.pub
Host webmail
    HostKeyAlias post
    IdentitiesOnly yes
Host *
    IdentitiesOnly no
    User nobody
    Port 22
    IdentityFile /keys/all
    UserKnownHostsFile ~/a "/b c"
Host far
    ProxyJump near,j@[::1]:2222
    ProxyCommand nc
Host near
    ProxyJump none
Host told
    ProxyCommand=sh -c "nc 'it'" %h %p # all of it
    ProxyJump near
Match exec "true"
    User evil
"#;

    fn no_files(_: &str) -> Result<Vec<File>, Error> {
        Ok(Vec::new())
    }

    fn read(host: &str) -> HostSettings {
        HostSettings::read(&[("config".into(), TEXT.into())], host, Path::new("/home/u"), &no_files).unwrap()
    }

    #[test]
    fn what_comes_first_counts() {
        let web = read("Web1");
        assert_eq!(
            (web.address.as_deref(), web.user.as_deref(), web.port),
            (Some("Web1.example.org"), Some("anna b"), Some(2222))
        );
        assert_eq!(web.identities, [Path::new("/home/u/.ssh/web"), Path::new("/keys/all")]);
        assert_eq!(web.certificates, [Path::new("/home/u/.ssh/web-ca.pub")]);
        assert_eq!(web.known_hosts, [Path::new("/home/u/a"), Path::new("/b c")]);
        assert_eq!((web.trust, web.jumps, web.command), (Some(HostTrust::New), None, None));
        let mail = read("webmail");
        assert_eq!((mail.address, mail.user.as_deref(), mail.port), (None, Some("nobody"), Some(22)));
        assert_eq!((mail.identities_only, mail.alias.as_deref()), (Some(true), Some("post")));
    }

    #[test]
    fn the_way_leads_through_others() {
        let jump = |user: Option<&str>, host: &str, port| Jump { user: user.map(Into::into), host: host.into(), port };
        assert_eq!(read("far").jumps, Some(vec![jump(None, "near", None), jump(Some("j"), "::1", Some(2222))]));
        assert_eq!((read("near").jumps, read("near").command), (Some(vec![]), None));
        assert_eq!(read("told").command.as_deref(), Some(r#"sh -c "nc 'it'" %h %p # all of it"#));
        let told = |text: &str| HostSettings::read(&[("c".into(), text.into())], "h", Path::new("/"), &no_files).unwrap();
        assert_eq!(told("proxycommand NONE\nProxyCommand x").jumps, Some(vec![]));
        assert_eq!(told("ProxyUseFdpass yes\n ProxyCommandOfMine x").unserved.as_deref(), Some("ProxyUseFdpass"));
    }

    #[test]
    fn a_match_asks_for_the_host() {
        let told = |text: &str| HostSettings::read(&[("c".into(), text.into())], "h", Path::new("/u"), &no_files).unwrap();
        for (line, is_met) in [
            ("all", true),
            ("host h", true),
            ("Host x,h*", true),
            ("host x", false),
            ("!host x", true),
            ("!host h", false),
            ("host *,!h", false),
            ("originalhost=h host=h", true),
            ("host h exec true", false),
            ("host h all", true),
            ("user root", false),
            ("host", false),
        ] {
            assert_eq!(told(&format!("Match {line}\nPort 7")).port.is_some(), is_met, "{line}");
        }
        let after = "HostName far\nMatch host far\nPort 7\nMatch originalhost far\nUser never";
        assert_eq!((told(after).port, told(after).user), (Some(7), None));
    }

    #[test]
    fn where_the_agent_is_and_how_to_connect() {
        let told = |text: &str| HostSettings::read(&[("c".into(), text.into())], "h", Path::new("/u"), &no_files);
        let all = told("IdentityAgent \"~/a gent\"\nConnectTimeout 1m30\nAddressFamily inet6\nIdentityAgent none").unwrap();
        assert_eq!((all.agent.as_deref(), all.within), (Some("/u/a gent"), Some(Duration::from_secs(90))));
        assert_eq!((all.family, told("ConnectTimeout none").unwrap().within), (Some(Family::V6), None));
        for text in ["", "5x", "m", "0", "99999999999999999999", "1w99999999999999999999"] {
            assert!(told(&format!("ConnectTimeout \"{text}\"")).is_err(), "{text}");
        }
        assert_eq!(seconds("2h5"), Some(Duration::from_secs(7_205)));
    }

    #[test]
    fn files_include_others_where_they_apply() {
        let config = "Host a\n Include one two\nHost *\n User last\n";
        let include = |pattern: &str| {
            let text = match pattern {
                "one" => "Host b\n User never\nHost a\n Port 7\n",
                "two" => "User first\n",
                _ => "Include again\n",
            };
            Ok(vec![(pattern.into(), text.into())])
        };
        let read = |text: &str, host| HostSettings::read(&[("c".into(), text.into())], host, Path::new("/"), &include);
        let a = read(config, "a").unwrap();
        assert_eq!((a.user.as_deref(), a.port), (Some("first"), Some(7)));
        assert_eq!(read(config, "b").unwrap().user.as_deref(), Some("last"));
        let error = read("Include again", "a").unwrap_err().detail.unwrap();
        assert!(error.starts_with("again line 1: "), "{error}");
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_line() {
        for text in ["\nPort many", "\nUser", "\nProxyCommand  ", "\nHostName \"a", "\nProxyJump a:b:c"] {
            let error = HostSettings::read(&[("file".into(), text.into())], "h", Path::new("/"), &no_files).unwrap_err();
            assert_eq!(error.reason, Reason::Config);
            assert!(error.detail.unwrap().starts_with("file line 2"));
        }
    }
}
