//! How is a server of SFTP reached, and who answers its questions? By OpenSSH's own files, and whoever sits at the terminal.
#![allow(clippy::disallowed_methods, reason = "the reader of ~/.ssh/config, and of what is typed")]

use std::io::{BufRead, IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;

use client::Url;
use client::ssh::{Dial, HostSettings, HostTrust, Questions};
use types::{Error, Reason, Secret};

use super::login;
use super::place::family;
use crate::cli::client::Options;
use crate::credentials;

/// Whom to connect to: what the URL and the options say, and where they say nothing, `~/.ssh/config`.
///
/// # Errors
/// [`Reason::Config`] for a configuration that cannot be read, and those of finding a password.
pub(super) fn dial(url: &Url, options: &Options) -> Result<Dial, Error> {
    if options.network.proxy.is_some() {
        return Err(Error::with(Reason::Unsupported, "SFTP does not go through --proxy yet"));
    }
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let told = match &home {
        Some(home) => of_host(&url.host, home)?,
        None => HostSettings::default(),
    };
    if let Some(word) = told.unserved.first() {
        return Err(Error::with(
            Reason::Unsupported,
            format!("~/.ssh/config has {word} for {}, which is not served yet", url.host),
        ));
    }
    let mut asked = login::asked(&options.login);
    asked.user = asked.user.or(told.user);
    let found = credentials::find(url, &asked)?;
    let own = || std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).ok().map(Into::into);
    let user = found.user.or_else(own);
    let user = user.ok_or_else(|| Error::with(Reason::PasswordMissing, "nobody is named; add --user NAME"))?;
    let port = url.port.or(told.port).unwrap_or_else(|| url.port());
    let mut dial = Dial::new(&url.host, port, &user, home.as_deref());
    dial.address = told.address;
    dial.password = found.password;
    dial.family = family(&options.network);
    dial.within = options.network.connect_timeout.map_or(dial.within, |seconds| seconds.0);
    dial.agent = !told.identities_only;
    if !told.identities.is_empty() {
        dial.identities = told.identities;
    }
    if !told.known_hosts.is_empty() {
        dial.known_hosts = told.known_hosts;
    }
    dial.trust = told.trust.unwrap_or(HostTrust::Ask);
    dial.questions = Arc::new(Terminal);
    Ok(dial)
}

fn of_host(host: &str, home: &std::path::Path) -> Result<HostSettings, Error> {
    let file = home.join(".ssh/config");
    match std::fs::read_to_string(&file) {
        Ok(text) => HostSettings::read(&text, host, home).map_err(|e| {
            let detail = e.detail.unwrap_or_default();
            Error::with(e.reason, format!("{}: {detail}", file.display()))
        }),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(HostSettings::default()),
        Err(e) => Err(Error::with(Reason::Config, format!("{}: {e}", file.display()))),
    }
}

/// Whoever sits at the terminal.
struct Terminal;

impl Questions for Terminal {
    fn trusts(&self, host: &str, kind: &str, fingerprint: &str) -> bool {
        let mut said = std::io::stderr().lock();
        if !std::io::stdin().is_terminal() {
            return false;
        }
        let host = types::text::printable(host);
        let asked = write!(
            said,
            "The host key of {host} is not known yet: {kind}\n  {fingerprint}\nIs it the right one? It will be remembered. (yes/no) "
        );
        if asked.and_then(|()| said.flush()).is_err() {
            return false;
        }
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer).is_ok() && (answer.trim() == "yes" || answer.trim() == fingerprint)
    }

    fn secret(&self, prompt: &str) -> Option<Secret<Box<str>>> {
        credentials::ask(prompt).ok()
    }
}
