//! How is a server of SFTP reached, and who answers its questions? By OpenSSH's own files, and whoever sits at the terminal.
#![allow(clippy::disallowed_methods, reason = "the reader of ~/.ssh/config, and of what is typed")]

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use client::Url;
use client::connect::Family;
use client::proxy::Proxy;
use client::ssh::{Agent, Dial, HostSettings, HostTrust, Jump, Questions, Stranger, Way, wild};
use client::url::Scheme;
use types::{Error, Reason, Secret};

use super::login;
use super::place::family;
use crate::cli::client::Options;
use crate::{credentials, prompt, say};

/// How often somebody may answer neither yes nor no.
const TRIES: u32 = 3;

/// Hosts on the way to hosts on the way: more are a circle.
const DEPTH: usize = 8;

/// Whom to connect to: what the URL and the options say, and where they say nothing, `~/.ssh/config`.
///
/// # Errors
/// [`Reason::Config`] for a configuration that cannot be read, and those of finding a password.
pub(super) fn dial(url: &Url, options: &Options) -> Result<Dial, Error> {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let told = of_host(&url.host, home.as_deref())?;
    let network = &options.network;
    let way = match (&network.jump, &network.proxy) {
        (Some(jumps), proxy) => way(&jumps.0, proxy.as_ref(), options, home.as_deref(), 0)?,
        (None, Some(proxy)) => Way::Proxy(Arc::new(proxy.clone())),
        (None, None) => told_way(&told, &url.host, options, home.as_deref(), 0)?,
    };
    let mut asked = login::asked(&options.login);
    asked.user = asked.user.or_else(|| told.user.clone());
    let found = credentials::find(url, &asked)?;
    let port = url.port.or(told.port).unwrap_or_else(|| url.port());
    let mut dial = settled(&url.host, port, found.user, told, options, home.as_deref())?;
    dial.password = found.password;
    dial.way = way;
    Ok(dial)
}

/// What the configuration says of a host, with what the options say of all.
fn settled(
    host: &str,
    port: u16,
    user: Option<Box<str>>,
    told: HostSettings,
    options: &Options,
    home: Option<&Path>,
) -> Result<Dial, Error> {
    let own = || std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).ok().map(Into::into);
    let user = user.or(told.user).or_else(own);
    let user = user.ok_or_else(|| Error::with(Reason::PasswordMissing, "nobody is named; add --user NAME"))?;
    let mut dial = Dial::new(host, port, &user, home);
    dial.address = told.address;
    dial.alias = told.alias;
    dial.family = family(&options.network);
    if let (Family::Any, Some(told)) = (dial.family, told.family) {
        dial.family = told;
    }
    dial.within = options.network.connect_timeout.map_or(told.within.unwrap_or(dial.within), |seconds| seconds.0);
    dial.patience = options.network.timeout.map_or(dial.patience, |seconds| seconds.0);
    dial.identities_only = told.identities_only.unwrap_or(false);
    if let Some(told) = &told.agent {
        dial.agent = agent(told);
    }
    if !told.identities.is_empty() {
        dial.identities = told.identities;
    }
    dial.certificates = told.certificates;
    if !told.known_hosts.is_empty() {
        dial.known_hosts = told.known_hosts;
    }
    if !told.global_known_hosts.is_empty() {
        dial.global_known_hosts = told.global_known_hosts;
    }
    dial.hash_known_hosts = told.hash_known_hosts.unwrap_or(false);
    dial.trust = told.trust.unwrap_or(HostTrust::Ask);
    dial.questions = Arc::new(Terminal);
    Ok(dial)
}

/// Which agent an IdentityAgent means.
fn agent(told: &str) -> Agent {
    match told {
        "none" => Agent::Nobody,
        "SSH_AUTH_SOCK" | "$SSH_AUTH_SOCK" | "${SSH_AUTH_SOCK}" => Agent::Usual,
        _ => match told.strip_prefix('$') {
            Some(name) => {
                std::env::var_os(name.trim_matches(['{', '}'])).map_or(Agent::Nobody, |socket| Agent::At(socket.into()))
            }
            None => Agent::At(told.into()),
        },
    }
}

/// The way that the configuration says.
fn told_way(told: &HostSettings, host: &str, options: &Options, home: Option<&Path>, depth: usize) -> Result<Way, Error> {
    if let Some(word) = &told.unserved {
        let words = format!(
            "~/.ssh/config has {word} for {host}, which is not served; ProxyCommand without it, ProxyJump, --jump and --proxy are"
        );
        return Err(Error::with(Reason::Unsupported, words));
    }
    if let Some(command) = &told.command {
        return Ok(Way::Command(command.clone()));
    }
    way(told.jumps.as_deref().unwrap_or_default(), None, options, home, depth)
}

/// The way through these hosts, each of which connects to the next, and to the first by a proxy where there is one.
fn way(jumps: &[Jump], proxy: Option<&Proxy>, options: &Options, home: Option<&Path>, depth: usize) -> Result<Way, Error> {
    let Some((last, before)) = jumps.split_last() else {
        return Ok(proxy.map_or(Way::Straight, |proxy| Way::Proxy(Arc::new(proxy.clone()))));
    };
    if depth >= DEPTH {
        return Err(Error::with(Reason::Config, format!("ProxyJump leads in a circle: {} once more", last.host)));
    }
    let told = of_host(&last.host, home)?;
    let way = match (before.is_empty(), proxy) {
        // As OpenSSH has it, the first host on the way may have a way of its own.
        (true, None) => told_way(&told, &last.host, options, home, depth + 1)?,
        _ => way(before, proxy, options, home, depth)?,
    };
    let port = last.port.or(told.port).unwrap_or_else(|| Scheme::Sftp.port());
    let mut dial = settled(&last.host, port, last.user.clone(), told, options, home)?;
    dial.way = way;
    Ok(Way::Jump(Box::new(dial)))
}

/// What is said of a host, by the user's configuration and then by that of the machine.
fn of_host(host: &str, home: Option<&Path>) -> Result<HostSettings, Error> {
    const MACHINE: &str = "/etc/ssh";
    let Some(home) = home else { return Ok(HostSettings::default()) };
    let own = home.join(".ssh");
    let mut files = Vec::new();
    for file in [own.join("config"), Path::new(MACHINE).join("ssh_config")] {
        files.extend(configuration(&file)?);
    }
    // Where a pattern counts from is where OpenSSH looks: the user's folder, unless a file of the machine includes it. Those
    // name their files whole.
    let include = |pattern: &str| {
        let pattern = pattern.strip_prefix("~/").map_or_else(|| own.join(pattern), |below| home.join(below));
        let mut found = Vec::new();
        for file in matching(&pattern) {
            found.extend(configuration(&file)?);
        }
        Ok(found)
    };
    HostSettings::read(&files, host, home, &include)
}

/// A configuration file, if it is there.
fn configuration(file: &Path) -> Result<Option<client::ssh::File>, Error> {
    match std::fs::read_to_string(file) {
        Ok(text) => Ok(Some((file.display().to_string().into(), text))),
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(e) => Err(Error::with(Reason::Config, format!("{}: {e}", file.display()))),
    }
}

/// The files that a pattern means, in the order of their names. Wildcards stand in the last part alone.
fn matching(pattern: &Path) -> Vec<PathBuf> {
    let (Some(folder), Some(name)) = (pattern.parent(), pattern.file_name().and_then(|name| name.to_str())) else {
        return Vec::new();
    };
    if !name.contains(['*', '?']) {
        return vec![pattern.to_owned()];
    }
    let names = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.file_name());
    let is_meant = |other: &OsString| {
        let other = other.as_encoded_bytes();
        (!other.starts_with(b".") || name.starts_with('.')) && wild(name.as_bytes(), other)
    };
    let mut files: Vec<PathBuf> = names.filter(is_meant).map(|name| folder.join(name)).collect();
    files.sort();
    files
}

/// Whoever sits at the terminal.
struct Terminal;

impl Questions for Terminal {
    fn trusts(&self, stranger: &Stranger) -> bool {
        let shown = types::text::printable;
        let mut text = format!("{} is not known yet. Its key ({}) has the fingerprint\n", shown(&stranger.name), stranger.kind);
        text.push_str(&format!("  {}\n", stranger.fingerprint));
        for place in &stranger.also {
            text.push_str(&format!("The same key is known by another name: {}\n", shown(place)));
        }
        text.push_str("Connect, and know it from now on? (yes, no, or the fingerprint as you know it) ");
        let agrees = |answer: &str| match answer {
            _ if answer == stranger.fingerprint => Some(true),
            answer if answer.eq_ignore_ascii_case("yes") => Some(true),
            answer if answer.eq_ignore_ascii_case("no") => Some(false),
            answer if answer.starts_with("SHA256:") => {
                self.tell("the fingerprint is another one");
                Some(false)
            }
            _ => None,
        };
        for _ in 0..TRIES {
            let Ok(answer) = prompt::line(&text) else { return false };
            if let Some(agreed) = agrees(answer.trim()) {
                return agreed;
            }
            "Please say yes or no, or the fingerprint: ".clone_into(&mut text);
        }
        false
    }

    fn secret(&self, prompt: &str) -> Option<Secret<Box<str>>> {
        credentials::ask(prompt).ok()
    }

    fn word(&self, prompt: &str) -> Option<Box<str>> {
        prompt::line(prompt).ok().map(|line| line.trim_end_matches(['\r', '\n']).into())
    }

    fn tell(&self, text: &str) {
        say::err(format_args!("carrack: {text}"));
    }
}
