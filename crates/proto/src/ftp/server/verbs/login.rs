//! USER, PASS, ACCT, REIN, QUIT (RFC 959 §4.1.1): who is there. What a failure says never tells whether a user exists.

use types::{Credentials, LoginError, Reason, Secret, Welcome};

use crate::ftp::reply::Reply;
use crate::ftp::server::exchange::Output;
use crate::ftp::server::session::{Session, text};
use crate::ftp::server::state::{DataPort, Stage, User};
use crate::ftp::verb::Verb;

pub(super) fn user(session: &mut Session, name: &[u8]) {
    let Some(name) = readable(name) else { return session.syntax(Verb::User) };
    if session.user().is_some() {
        session.emit(Output::Logout); // RFC 959 §4.1.1: a new USER begins a new login
    }
    let anonymous = is_anonymous(&name);
    if session.refuses_plain && !anonymous {
        // Said before the password travels in clear.
        session.enter(Stage::Greeted);
        return session.say(Reply::new(530, text(Reason::PlainLogin)));
    }
    session.enter(Stage::Named(name));
    session.say(if anonymous {
        Reply::fixed(331, "Anonymous access, if it is allowed here: send your e-mail address as the password.")
    } else {
        Reply::fixed(331, "Password, please.")
    });
}

pub(super) fn pass(session: &mut Session, password: &[u8]) {
    match std::mem::replace(&mut session.stage, Stage::Greeted) {
        Stage::Named(user) => {
            let password = Secret::new(password.into());
            session.enter(Stage::AccountNeeded(user.clone(), password.clone()));
            session.ask_login(Credentials::Password { user, password, account: None });
        }
        other => {
            let inside = matches!(other, Stage::LoggedIn(_));
            session.enter(other);
            session.say(if inside {
                Reply::fixed(503, "You are logged in already (CRK-405).")
            } else {
                Reply::fixed(503, "Send USER first (CRK-405).")
            });
        }
    }
}

pub(super) fn acct(session: &mut Session, account: &[u8]) {
    let Some(account) = readable(account) else { return session.syntax(Verb::Acct) };
    match std::mem::replace(&mut session.stage, Stage::Greeted) {
        Stage::AccountNeeded(user, password) => {
            session.enter(Stage::AccountNeeded(user.clone(), password.clone()));
            session.ask_login(Credentials::Password { user, password, account: Some(account) });
        }
        other => {
            let inside = matches!(other, Stage::LoggedIn(_));
            session.enter(other);
            session.say(if inside {
                Reply::fixed(202, "No account is needed here.")
            } else {
                Reply::fixed(503, "Send USER and PASS first (CRK-405).")
            });
        }
    }
}

pub(in crate::ftp::server) fn answered(session: &mut Session, answer: Result<Welcome, LoginError>) {
    match answer {
        Ok(welcome) => {
            let mut lines = String::new();
            for line in &welcome.message {
                lines.push_str(&line.replace(['\r', '\n'], " "));
                lines.push('\n');
            }
            lines.push_str("Welcome, ");
            lines.push_str(&welcome.user);
            lines.push('.');
            let idle = welcome.idle.map_or(session.settings.idle_after, std::time::Duration::from_secs);
            session.enter(Stage::LoggedIn(Box::new(User {
                name: welcome.user,
                home: welcome.home.clone(),
                cwd: welcome.home,
                ascii: true, // RFC 959 §5.1: the default type is ASCII Non-print
                restart: 0,
                announced: None,
                renaming: None,
                data: DataPort::Default,
                only_epsv: false,
                facts: Default::default(),
                fxp: welcome.fxp,
                umask: 0o022,
                idle,
                client: None,
            })));
            session.say(Reply::new(230, lines));
        }
        Err(LoginError::AccountNeeded) => session.say(Reply::fixed(332, "Name the account to charge: ACCT.")),
        Err(error) => session.login_failed(error),
    }
}

pub(super) fn rein(session: &mut Session) {
    session.emit(Output::Logout);
    session.enter(Stage::Greeted);
    session.host = None;
    session.say(Reply::fixed(220, "Ready for a new user."));
}

pub(super) fn quit(session: &mut Session) {
    session.say(Reply::fixed(221, "Good-bye."));
    session.close(None);
}

fn is_anonymous(name: &str) -> bool {
    name.eq_ignore_ascii_case("anonymous") || name.eq_ignore_ascii_case("ftp")
}

/// A name of a user, account or host: UTF-8 without control characters, at most 255 bytes.
pub(super) fn readable(name: &[u8]) -> Option<Box<str>> {
    let name = std::str::from_utf8(name).ok()?;
    (!name.is_empty() && name.len() <= 255 && !name.chars().any(char::is_control)).then(|| name.into())
}
