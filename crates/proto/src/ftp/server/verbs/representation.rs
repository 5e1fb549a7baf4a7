//! TYPE, STRU, MODE (RFC 959 §4.1.2): how bytes stand for files.

use types::Reason;

use crate::ftp::reply::Reply;
use crate::ftp::server::session::{Session, text};
use crate::ftp::verb::Verb;

pub(super) fn r#type(session: &mut Session, argument: &[u8]) {
    let argument = argument.to_ascii_uppercase();
    let ascii = match &*argument {
        b"A" | b"A N" => true,
        b"I" | b"L 8" | b"L8" => false,
        b"" => return session.syntax(Verb::Type),
        _ if matches!(argument.first(), Some(b'A' | b'E' | b'L')) => return not_served(session),
        _ => return session.syntax(Verb::Type),
    };
    if let Some(user) = session.user_mut() {
        user.ascii = ascii;
    }
    session.say(if ascii { Reply::fixed(200, "Type is ASCII.") } else { Reply::fixed(200, "Type is image: bytes as they are.") });
}

pub(super) fn stru(session: &mut Session, argument: &[u8]) {
    match argument.to_ascii_uppercase().as_slice() {
        b"F" => session.say(Reply::fixed(200, "Structure is file.")),
        b"R" | b"P" => not_served(session),
        _ => session.syntax(Verb::Stru),
    }
}

pub(super) fn mode(session: &mut Session, argument: &[u8]) {
    match argument.to_ascii_uppercase().as_slice() {
        b"S" => session.say(Reply::fixed(200, "Mode is stream.")),
        b"B" | b"C" | b"Z" => not_served(session),
        _ => session.syntax(Verb::Mode),
    }
}

fn not_served(session: &mut Session) {
    session.say(Reply::new(504, text(Reason::BadParameter)));
}
