//! AUTH GSSAPI, ADAT, MIC, CONF, ENC (RFC 2228 §3): who the client is by a ticket, and commands that nobody on the way
//! can change or read.

use types::Reason;

use crate::base64;
use crate::ftp::command::Command;
use crate::ftp::reply::{self, Reply};
use crate::ftp::server::exchange::{Accepted, Level, Output};
use crate::ftp::server::session::{Session, text};
use crate::ftp::server::state::{Exchange, Heard, Protection, Stage};
use crate::ftp::verb::Verb;

/// How many exchanges one session may begin: clients try the names `ftp` and `host` one after the other, and each costs
/// the server work.
const EXCHANGES_AT_MOST: u8 = 8;

/// AUTH GSSAPI: 334, and then tokens. What it comes to shows at its end: until then everything stays as it was.
pub(super) fn begin(session: &mut Session) {
    if session.exchanges >= EXCHANGES_AT_MOST {
        session.say(Reply::new(421, text(Reason::ExchangeRefused)));
        return session.close(Some(Reason::ExchangeRefused));
    }
    session.exchanges += 1;
    session.emit(Output::NewExchange);
    session.protection.exchange = Exchange::Begun;
    session.say(Reply::fixed(334, "Send ADAT."));
}

/// ADAT: a token for the mechanism.
pub(super) fn adat(session: &mut Session, token: &[u8]) {
    if session.protection.exchange != Exchange::Begun {
        return session.say(Reply::fixed(503, "AUTH GSSAPI comes first (CRK-405)."));
    }
    match base64::decode(token) {
        Some(token) if !token.is_empty() => session.ask_accept(token.into()),
        Some(_) => session.syntax(Verb::Adat),
        None => session.refuse(&Reason::TokenCoding.into(), None),
    }
}

/// What the mechanism made of a token: 335 and another one, 235 at the end, or 535. Who had logged in before is nobody
/// again, as behind TLS.
pub(in crate::ftp::server) fn accepted(session: &mut Session, answer: Result<Accepted, Reason>) {
    match answer {
        Ok(Accepted::More(token)) => session.say(Reply::new(335, format!("ADAT={}", reply::token(&token)))),
        Ok(Accepted::Done { token, principal }) => {
            if session.user().is_some() {
                session.emit(Output::Logout);
            }
            session.enter(Stage::Greeted);
            session.protection = Protection { control: true, exchange: Exchange::Done(principal), ..Protection::default() };
            session.say(match token {
                Some(token) => Reply::new(235, format!("ADAT={}", reply::token(&token))),
                None => Reply::fixed(235, "The security exchange is done."),
            });
        }
        Err(reason) => {
            session.protection.exchange = Exchange::None;
            session.refuse(&reason.into(), None);
        }
    }
}

/// Takes a command that is protected, before it is known what it is: an ABOR must not wait behind a transfer. Tells
/// whether it was one.
pub(in crate::ftp::server) fn takes(session: &mut Session, command: &Command<'_>) -> bool {
    let level = match command.verb {
        Some(Verb::Mic) => Level::Safe,
        Some(Verb::Conf) => Level::Confidential,
        Some(Verb::Enc) => Level::Private,
        _ => return false,
    };
    if !session.protection.is_exchanged() {
        return false;
    }
    match base64::decode(command.trimmed()) {
        Some(token) if !token.is_empty() => session.emit(Output::Unwrap(level, token.into())),
        _ => session.hear(Heard::Unsafe(Reason::TokenCoding)),
    }
    true
}

/// The command that was protected. Its end may be there or not, for clients differ in that.
pub(in crate::ftp::server) fn unwrapped(session: &mut Session, level: Level, line: Result<Vec<u8>, Reason>) {
    let line = match line {
        Ok(line) => line,
        Err(reason) => return session.hear(Heard::Unsafe(reason)),
    };
    let line = line.strip_suffix(b"\n").unwrap_or(&line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let secret = matches!(Command::parse(line).verb, Some(Verb::Pass | Verb::Acct));
    if line.iter().any(|&b| (b < b' ' && b != b'\t') || b == 0x7f) {
        session.hear(Heard::Malformed(crate::line::LineError::BadByte));
    } else if line.len() > crate::line::MAX_LINE {
        session.hear(Heard::Malformed(crate::line::LineError::TooLong));
    } else if secret && !level.is_encrypted() {
        // Anybody could read it. What it says has been told already; that it does not pay is all that can be done.
        session.hear(Heard::Unsafe(Reason::CommandUnprotected));
    } else {
        session.hear_line(line, Some(level));
    }
}

/// MIC, CONF or ENC where no exchange protects this connection, or one inside another.
pub(super) fn not_here(session: &mut Session) {
    if session.settings.gssapi.is_none() {
        return session.say(Reply::new(502, text(Reason::NotServed)));
    }
    session.say(Reply::fixed(503, "AUTH GSSAPI and ADAT come first, and only once around a command (CRK-405)."));
}
