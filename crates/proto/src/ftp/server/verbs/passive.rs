//! PASV, EPSV, LPSV, SPSV, SPDT (RFC 959 §4.1.2; RFC 2428 §3 and §4; RFC 1639 §3;
//! draft-rosenau-ftp-single-port): the client connects to the server.

use std::net::SocketAddr;

use types::Reason;

use super::login::readable;
use crate::ftp::address::{self, EpsvArgument};
use crate::ftp::reply::Reply;
use crate::ftp::server::exchange::{PassiveForm, Reserved};
use crate::ftp::server::session::{Session, text};
use crate::ftp::server::state::{DataPort, Stage};
use crate::ftp::verb::Verb;

pub(super) fn passive(session: &mut Session, verb: Verb, argument: &[u8]) {
    let form = match verb {
        Verb::Pasv => PassiveForm::Pasv,
        Verb::Epsv => match epsv(session, argument) {
            Some(form) => form,
            None => return,
        },
        Verb::Lpsv => PassiveForm::Lpsv,
        _ => PassiveForm::Single,
    };
    if form != PassiveForm::Epsv && session.user().is_some_and(|user| user.only_epsv) {
        return session.say(Reply::new(501, text(Reason::OnlyEpsv)));
    }
    let allowed = if form == PassiveForm::Single { session.settings.single_port } else { session.settings.passive };
    if !allowed {
        return session.say(Reply::new(501, text(Reason::NoPassive)));
    }
    if form == PassiveForm::Pasv && !session.peer.is_ipv4() {
        // 227 has room for IPv4 only; 425 tells the client to try something else.
        return session.say(Reply::fixed(425, "PASV is for IPv4: use EPSV (CRK-310)."));
    }
    session.drop_kept();
    session.ask_reserve(form);
}

fn epsv(session: &mut Session, argument: &[u8]) -> Option<PassiveForm> {
    let ours = if session.local.is_ipv4() { 1 } else { 2 };
    match address::parse_epsv(argument) {
        EpsvArgument::None => return Some(PassiveForm::Epsv),
        EpsvArgument::Family(family) if family == ours => return Some(PassiveForm::Epsv),
        EpsvArgument::Family(_) => {
            session.say(Reply::new(522, format!("Use the control connection's family ({ours}).")));
        }
        EpsvArgument::All => {
            if let Some(user) = session.user_mut() {
                user.only_epsv = true;
            }
            session.say(Reply::fixed(200, "Only EPSV from now on."));
        }
        EpsvArgument::Invalid => session.syntax(Verb::Epsv),
    }
    None
}

pub(in crate::ftp::server) fn reserved(session: &mut Session, form: PassiveForm, answer: Result<Reserved, Reason>) {
    let place = match answer {
        Ok(place) => place,
        Err(reason) => {
            if let Some(user) = session.user_mut() {
                user.data = DataPort::Spent;
            }
            return session.say(Reply::new(425, text(reason)));
        }
    };
    let reply = match (&place, form) {
        (Reserved::At(SocketAddr::V4(v4)), PassiveForm::Pasv) => Reply::new(227, address::print_227(*v4)),
        (Reserved::At(at), PassiveForm::Epsv) => Reply::new(229, address::print_229(at.port())),
        (Reserved::At(at), PassiveForm::Lpsv) => Reply::new(228, address::print_228(*at)),
        (Reserved::Key(key), _) => Reply::new(227, format!("Entering Single-port Passive Mode ({key}).")),
        (Reserved::At(_), _) => return session.say(Reply::fixed(425, "No IPv4 address to announce: use EPSV (CRK-310).")),
    };
    if let Some(user) = session.user_mut() {
        user.data = DataPort::Passive(place);
    }
    session.say(reply);
}

pub(super) fn spdt(session: &mut Session, key: &[u8]) {
    if !matches!(session.stage, Stage::Greeted) {
        return session.say(Reply::fixed(503, "SPDT is the first command of a connection (CRK-405)."));
    }
    match readable(key) {
        Some(key) => session.ask_adopt(key),
        None => session.syntax(Verb::Spdt),
    }
}

pub(in crate::ftp::server) fn adopted(session: &mut Session, answer: Result<(), Reason>) {
    match answer {
        Ok(()) => session.enter(Stage::Closing),
        Err(_) => session.say(Reply::fixed(501, "Nobody gave out that key (CRK-304).")),
    }
}
