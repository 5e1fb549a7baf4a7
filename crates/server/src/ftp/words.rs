//! What the ladder says of a command and of an answer: printable, and without secrets.

use proto::ftp::server::Accepted;
use types::path::Shown;
use types::{Credentials, Error, LoginError, Reason, Welcome, Yield};

/// A command as it may be seen: the password of PASS and the account of ACCT are `***`.
pub(super) fn command(line: &[u8]) -> Box<str> {
    let trimmed = line.trim_ascii_start();
    let verb = trimmed.get(..4).unwrap_or_default();
    if (verb.eq_ignore_ascii_case(b"PASS") || verb.eq_ignore_ascii_case(b"ACCT")) && trimmed.get(4).is_none_or(|b| *b == b' ') {
        return if trimmed.len() > 5 {
            format!("{} ***", String::from_utf8_lossy(verb)).into()
        } else {
            String::from_utf8_lossy(trimmed).into()
        };
    }
    // Tokens tell people nothing, and are long.
    let (verb, argument) = trimmed.split_at(trimmed.iter().position(|&b| b == b' ').unwrap_or(trimmed.len()));
    if [&b"ADAT"[..], b"MIC", b"CONF", b"ENC"].iter().any(|known| verb.eq_ignore_ascii_case(known)) && argument.len() > 1 {
        return format!("{} ({} bytes)", Shown(verb), argument.len() - 1).into();
    }
    types::text::words(Shown(line))
}

/// What the mechanism made of a token.
pub(super) fn accepted(result: &Result<Accepted, Reason>) -> Box<str> {
    match result {
        Ok(Accepted::More(_)) => "more".into(),
        Ok(Accepted::Done { principal, .. }) => format!("a ticket of {}", types::text::printable(principal)).into(),
        Err(reason) => reason.to_string().into(),
    }
}

/// An answer of the tree.
pub(crate) fn answer(result: &Result<Yield, Error>) -> Box<str> {
    match result {
        Ok(yielded) => types::text::words(yielded),
        Err(error) => types::text::words(error),
    }
}

/// Who wants to be let in.
pub(crate) fn login(credentials: &Credentials) -> Box<str> {
    match credentials {
        Credentials::Password { user, account: None, .. } => format!("login {user}").into(),
        Credentials::Password { user, .. } => format!("login {user} with an account").into(),
        Credentials::Certificate { user, .. } => format!("login {user} with a certificate").into(),
        Credentials::Ticket { user, principal, .. } => {
            format!("login {user} with a ticket of {}", types::text::printable(principal)).into()
        }
        Credentials::Key { user, .. } => format!("login {user} with a key").into(),
        Credentials::None => "login".into(),
    }
}

/// What the door said.
pub(crate) fn welcome(result: &Result<Welcome, LoginError>) -> Box<str> {
    match result {
        Ok(welcome) => format!("welcome {}", welcome.home).into(),
        Err(LoginError::Wrong) => Reason::LoginWrong.to_string().into(),
        Err(LoginError::AccountNeeded) => "account needed".into(),
        Err(LoginError::PasswordNeeded) => "password needed".into(),
        Err(LoginError::Refused(reason) | LoginError::Closing(reason)) => reason.to_string().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::command;

    #[test]
    fn secrets_are_never_shown() {
        assert_eq!(&*command(b"PASS hunter2"), "PASS ***");
        assert_eq!(&*command(b" pass hunter2"), "pass ***");
        assert_eq!(&*command(b"ACCT project x"), "ACCT ***");
        assert_eq!(&*command(b"PASSIVE x"), "PASSIVE x");
        assert_eq!(&*command(b"enc cHJpdmF0ZTpQQVNT"), "enc (16 bytes)");
        assert_eq!(&*command(b"ADAT"), "ADAT");
        assert_eq!(&*command(b"RETR a\x1b[2Jb"), "RETR a\\x1b[2Jb");
    }
}
