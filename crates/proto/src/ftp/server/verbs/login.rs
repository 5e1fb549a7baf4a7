//! USER, PASS, ACCT, REIN, QUIT (RFC 959 §4.1.1): who is there. What a failure says never tells whether a user exists.

use types::{Credentials, LoginError, Reason, Secret, Welcome};

use crate::ftp::data::Form;
use crate::ftp::reply::Reply;
use crate::ftp::server::exchange::Output;
use crate::ftp::server::session::{Session, text};
use crate::ftp::server::state::{DataPort, Exchange, Proof, Protection, Stage, User, Work};
use crate::ftp::verb::Verb;

pub(super) fn user(session: &mut Session, name: &[u8]) {
    let Some(name) = readable(name) else { return session.syntax(Verb::User) };
    if session.user().is_some() {
        session.emit(Output::Logout); // RFC 959 §4.1.1: a new USER begins a new login
    }
    session.enter(Stage::Greeted);
    if let Some(reason) = refusal_in_clear(session, &name) {
        let remedy = match (session.settings.tls, session.settings.gssapi, session.protection.cleared) {
            (None, None, _) => "",
            (Some(_), _, false) => " Send AUTH TLS first.",
            (Some(_), _, true) => " Send REIN and AUTH TLS first.",
            (None, Some(_), false) => " Send AUTH GSSAPI first.",
            (None, Some(_), true) => " Send REIN and AUTH GSSAPI first.",
        };
        return session.say(Reply::new(530, format!("{}{remedy}", text(reason))));
    }
    let shown = !session.protection.names.is_empty() || session.protection.is_exchanged();
    if !shown {
        return ask_password(session, name);
    }
    session.enter(Stage::AccountNeeded(Proof { user: name, password: None }));
    prove(session, None);
}

/// Why nobody of this name logs in on a connection in clear: said before the password travels (RFC 4217 §10.1).
fn refusal_in_clear(session: &Session, name: &str) -> Option<Reason> {
    if session.protection.control {
        None
    } else if session.settings.tls.is_some_and(|tls| tls.login_required)
        || session.settings.gssapi.is_some_and(|g| g.login_required)
    {
        Some(Reason::LoginUnprotected)
    } else {
        (session.refuses_plain && !is_anonymous(name)).then_some(Reason::PlainLogin)
    }
}

/// 331: the name is taken, whoever it is.
fn ask_password(session: &mut Session, name: Box<str>) {
    session.say(if is_anonymous(&name) {
        Reply::fixed(331, "Anonymous access, if it is allowed here: send your e-mail address as the password.")
    } else {
        Reply::fixed(331, "Password, please.")
    });
    session.enter(Stage::Named(name));
}

/// Asks the door with what was shown; an account may still be wanted then.
fn prove(session: &mut Session, account: Option<Box<str>>) {
    let Stage::AccountNeeded(proof) = &session.stage else { return };
    let (Proof { user, password }, names) = (proof.clone(), session.protection.names.clone());
    let principal = match &session.protection.exchange {
        Exchange::Done(principal) if session.protection.control => Some(principal.clone()),
        _ => None,
    };
    session.ask_login(match password {
        Some(password) => Credentials::Password { user, password, account, names },
        None => match principal {
            Some(principal) => Credentials::Ticket { user, principal, account },
            None => Credentials::Certificate { user, names, account },
        },
    });
}

pub(super) fn pass(session: &mut Session, password: &[u8]) {
    match std::mem::replace(&mut session.stage, Stage::Greeted) {
        Stage::Named(user) => {
            session.enter(Stage::AccountNeeded(Proof { user, password: Some(Secret::new(password.into())) }));
            prove(session, None);
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
        named @ Stage::AccountNeeded(_) => {
            session.enter(named);
            prove(session, Some(account));
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
    let by_certificate = matches!(&session.stage, Stage::AccountNeeded(Proof { password: None, .. }));
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
                form: Form { page: session.settings.ebcdic, ..Form::ASCII }, // RFC 959 §5.1
                restart: 0,
                range: None,
                digest: Default::default(),
                announced: None,
                renaming: None,
                copying: None,
                data: DataPort::Default,
                only_epsv: false,
                facts: Default::default(),
                fxp: welcome.fxp,
                umask: 0o022,
                idle,
                mailing: None,
                client: None,
            })));
            // RFC 2228 §4: 232 where no password was needed.
            session.say(Reply::new(if by_certificate { 232 } else { 230 }, lines));
        }
        Err(LoginError::AccountNeeded) => session.say(Reply::fixed(332, "Name the account to charge: ACCT.")),
        Err(LoginError::PasswordNeeded) if by_certificate => {
            if let Stage::AccountNeeded(Proof { user, .. }) = std::mem::replace(&mut session.stage, Stage::Greeted) {
                ask_password(session, user);
            }
        }
        Err(error) => session.login_failed(error),
    }
}

pub(super) fn rein(session: &mut Session) {
    session.emit(Output::Logout);
    session.enter(Stage::Greeted);
    session.host = None;
    session.language = Default::default();
    session.say(Reply::fixed(220, "Ready for a new user."));
    // RFC 4217 §13: TLS ends with the session it protected, behind this reply. An implicit listener has no clear to go
    // back to.
    if session.protection.from_start {
        session.protection = Protection { names: std::mem::take(&mut session.protection.names), ..Protection::implicit() };
    } else if session.protection.is_exchanged() {
        session.protection = Protection::default();
        session.protect_replies(None);
    } else if session.protection.control {
        session.emit(Output::ClearTls);
        session.await_tls(Work::Clearing { anew: true });
    } else {
        session.protection = Protection::default(); // after CCC: AUTH may come again
    }
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
