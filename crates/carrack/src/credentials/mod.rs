//! Who logs in on a server, and with what? From the URL, the command line, `~/.netrc`, the environment, a file, the
//! keyring, or the person at the terminal; never from what `ps` shows unless somebody typed it there.
#![allow(clippy::disallowed_methods, reason = "the reader of ~/.netrc and of password files")]

#[cfg(feature = "keyring")]
mod keyring;
mod netrc;

use std::io::{BufRead, ErrorKind, IsTerminal, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use client::Url;
use netrc::Netrc;
use proto::ftp::client::Login;
use types::{Error, Reason, Secret};

use crate::say;

/// The variable that holds a password.
const PASSWORD_VARIABLE: &str = "CARRACK_PASSWORD";
/// The longest password: an FTP line holds no longer one.
const LONGEST_PASSWORD: u64 = 8_192;
/// The largest `~/.netrc`.
const LARGEST_NETRC: u64 = 1 << 20;

/// What the command line says of who logs in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    /// `--user`.
    pub(crate) user: Option<Box<str>>,
    /// `--password-file`; `-` is standard input.
    pub(crate) password_file: Option<PathBuf>,
    /// `--netrc-file` and `--no-netrc`.
    pub(crate) netrc: NetrcFile,
}

/// Which netrc is read.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) enum NetrcFile {
    /// `$NETRC`, else `~/.netrc`; it may be missing.
    #[default]
    OfUser,
    /// This one, which must be there.
    Named(PathBuf),
    /// None.
    None,
}

/// What is known without asking anybody.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Found {
    /// Who logs in.
    pub(crate) user: Option<Box<str>>,
    /// With which password.
    pub(crate) password: Option<Secret<Box<str>>>,
    /// What a server that asks for an account is told.
    pub(crate) account: Option<Secret<Box<str>>>,
}

/// A login for FTP: as whoever is named, else as everybody. The password is asked for at the terminal if need be.
///
/// # Errors
/// [`Reason::PasswordMissing`], and those of [`find`].
pub(crate) fn login(url: &Url, asked: &Asked) -> Result<Login, Error> {
    let found = find(url, asked)?;
    let Some(user) = found.user else {
        if asked.password_file.is_some() {
            return Err(Error::with(Reason::PasswordUnusable, "--password-file: whose password? Add --user NAME"));
        }
        return Ok(Login::anonymous());
    };
    let password = match found.password {
        Some(password) => password,
        None if &*user == "anonymous" || &*user == "ftp" => Login::anonymous().password,
        None => ask(&question(&user, url))?,
    };
    Ok(Login { user, password, account: found.account })
}

/// Looks in all places but the terminal. The user: the URL's, `--user`, the netrc's. The password: the URL's,
/// `--password-file`, CARRACK_PASSWORD, the netrc's, the keyring's; the last three only for a user who is named.
///
/// # Errors
/// [`Reason::PasswordUnusable`] where a file that was named cannot be read or holds none that can be sent.
pub(crate) fn find(url: &Url, asked: &Asked) -> Result<Found, Error> {
    let user = url.user.clone().or_else(|| asked.user.clone());
    let entry = read_netrc(&asked.netrc)?.and_then(|file| file.find(&url.host, user.as_deref()).cloned()).unwrap_or_default();
    let user = user.or(entry.login);
    let given = match (&url.password, &asked.password_file) {
        (Some(password), _) => Some(usable(password.reveal(), "the URL's password")?),
        (None, Some(file)) => Some(from_file(file)?),
        (None, None) => None,
    };
    let password = match (given, &user) {
        (Some(password), _) => Some(password),
        (None, None) => None,
        (None, Some(user)) => match from_environment()? {
            Some(password) => Some(password),
            None => entry.password.or_else(|| from_keyring(url, user)),
        },
    };
    Ok(Found { user, password, account: entry.account })
}

/// Asks at the terminal, without echo. Also where standard input is a pipe, as long as there is a terminal.
///
/// # Errors
/// [`Reason::PasswordMissing`] where there is nobody to ask, [`Reason::Cancelled`] after Ctrl-C, [`Reason::PasswordUnusable`].
pub(crate) fn ask(prompt: &str) -> Result<Secret<Box<str>>, Error> {
    let nobody = || Error::with(Reason::PasswordMissing, format!("{}there is no terminal to ask at", prompt.to_lowercase()));
    if !std::io::stdin().is_terminal() && !std::io::stderr().is_terminal() {
        return Err(nobody());
    }
    let password = crate::prompt::password(prompt).map_err(|e| match e.kind() {
        ErrorKind::Interrupted => Error::new(Reason::Cancelled),
        ErrorKind::UnexpectedEof => Error::with(Reason::PasswordMissing, "none was typed"),
        ErrorKind::InvalidData => unusable(e.to_string()),
        _ => nobody(),
    })?;
    usable(&password, "what was typed")
}

/// Takes a user's password from CARRACK_PASSWORD, or asks for it, and keeps it in the keyring.
///
/// # Errors
/// [`Reason::NoKeyring`], and those of [`ask`].
pub(crate) fn keep(url: &Url, user: &str) -> Result<(), Error> {
    let password = match from_environment()? {
        Some(password) => password,
        None => ask(&question(user, url))?,
    };
    into_keyring(url, user, &password)
}

/// How a password is asked for.
fn question(user: &str, url: &Url) -> String {
    format!("Password for {}@{}: ", types::text::printable(user), types::text::printable(&url.host))
}

#[cfg(feature = "keyring")]
fn into_keyring(url: &Url, user: &str, password: &Secret<Box<str>>) -> Result<(), Error> {
    keyring::keep(url, user, password)
}

#[cfg(not(feature = "keyring"))]
fn into_keyring(_url: &Url, _user: &str, _password: &Secret<Box<str>>) -> Result<(), Error> {
    Err(Error::with(Reason::NoKeyring, "this carrack was built without it (--no-default-features)"))
}

#[cfg(feature = "keyring")]
fn from_keyring(url: &Url, user: &str) -> Option<Secret<Box<str>>> {
    keyring::password(url, user)
}

#[cfg(not(feature = "keyring"))]
const fn from_keyring(_url: &Url, _user: &str) -> Option<Secret<Box<str>>> {
    None
}

fn from_environment() -> Result<Option<Secret<Box<str>>>, Error> {
    match std::env::var(PASSWORD_VARIABLE) {
        Ok(password) if password.is_empty() => Ok(None),
        Ok(password) => usable(&password, PASSWORD_VARIABLE).map(Some),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => Err(unusable(format!("{PASSWORD_VARIABLE} is not UTF-8"))),
    }
}

/// The first line of a file, or of standard input.
fn from_file(path: &Path) -> Result<Secret<Box<str>>, Error> {
    if path == Path::new("-") {
        return first_line(&mut std::io::stdin().lock(), "standard input");
    }
    let shown = format!("--password-file {}", types::text::printable(&path.to_string_lossy()));
    let file = std::fs::File::open(path).map_err(|e| unusable(format!("{shown} cannot be read: {e}")))?;
    first_line(&mut std::io::BufReader::new(file), &shown)
}

fn first_line(from: &mut impl BufRead, shown: &str) -> Result<Secret<Box<str>>, Error> {
    let mut line = Vec::new();
    let read = from.take(LONGEST_PASSWORD + 2).read_until(b'\n', &mut line);
    read.map_err(|e| unusable(format!("{shown} cannot be read: {e}")))?;
    let line = String::from_utf8(line).map_err(|_| unusable(format!("{shown} is not UTF-8")))?;
    usable(line.trim_end_matches(['\r', '\n']), shown)
}

/// A password that a line can hold.
fn usable(password: &str, whose: &str) -> Result<Secret<Box<str>>, Error> {
    if password.len() as u64 > LONGEST_PASSWORD {
        return Err(unusable(format!("{whose} is longer than {LONGEST_PASSWORD} bytes")));
    }
    if password.chars().any(|c| matches!(c, '\0' | '\r' | '\n')) {
        return Err(unusable(format!("{whose} holds a line end or a NUL, which no server can be told")));
    }
    Ok(Secret::new(password.into()))
}

fn unusable(words: impl Into<Box<str>>) -> Error {
    Error::with(Reason::PasswordUnusable, words)
}

/// `$NETRC`, else `~/.netrc`, as curl and lftp look for it.
fn netrc_path() -> Option<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    variable("NETRC").or_else(|| Some(variable("HOME")?.join(".netrc")))
}

/// Reads the netrc, and warns of what is wrong with it.
fn read_netrc(which: &NetrcFile) -> Result<Option<Netrc>, Error> {
    let (path, must_be) = match which {
        NetrcFile::None => return Ok(None),
        NetrcFile::Named(path) => (path.clone(), true),
        NetrcFile::OfUser => match netrc_path() {
            Some(path) => (path, false),
            None => return Ok(None),
        },
    };
    let shown = types::text::printable(&path.to_string_lossy());
    let (text, mode) = match read_text(&path) {
        Ok(read) => read,
        Err(e) if e.kind() == ErrorKind::NotFound && !must_be => return Ok(None),
        Err(e) if must_be => return Err(unusable(format!("{shown} cannot be read: {e}"))),
        Err(e) => {
            say::err(format_args!("carrack: {shown} cannot be read, and is left out: {e}"));
            return Ok(None);
        }
    };
    let file = Netrc::parse(&text);
    for (line, what) in &file.faults {
        say::err(format_args!("carrack: {shown}, line {line}: {what}"));
    }
    if file.holds_secrets() && mode & 0o077 != 0 {
        say::err(format_args!("carrack: {shown} holds passwords, and others on this machine may read it: chmod 600 {shown}"));
    }
    Ok(Some(file))
}

/// A text of a bounded length, and the file's mode.
fn read_text(path: &Path) -> Result<(String, u32), std::io::Error> {
    let file = std::fs::File::open(path)?;
    let mode = file.metadata()?.mode();
    let mut text = Vec::new();
    file.take(LARGEST_NETRC + 1).read_to_end(&mut text)?;
    if text.len() as u64 > LARGEST_NETRC {
        return Err(std::io::Error::new(ErrorKind::InvalidData, format!("it is larger than {LARGEST_NETRC} bytes")));
    }
    // A name in another charset must not keep all others from being read.
    Ok((String::from_utf8_lossy(&text).into_owned(), mode))
}

#[cfg(test)]
mod tests;
