//! PORT, EPRT, LPRT (RFC 959 §4.1.2; RFC 2428 §2; RFC 1639 §3): the server connects to the client. Only to the
//! control connection's peer and to no port below 1024 (RFC 2577 §3), unless the user may do FXP.

use std::net::SocketAddr;

use types::Reason;

use crate::ftp::address::{self, AddressError};
use crate::ftp::reply::Reply;
use crate::ftp::server::session::{Session, text};
use crate::ftp::server::state::DataPort;
use crate::ftp::verb::Verb;

pub(super) fn port(session: &mut Session, verb: Verb, argument: &[u8]) {
    if session.user().is_some_and(|user| user.only_epsv) {
        return session.say(Reply::new(501, text(Reason::OnlyEpsv)));
    }
    if !session.settings.active {
        return session.say(Reply::new(501, text(Reason::NoActive)));
    }
    let parsed = match verb {
        Verb::Port => address::parse_port(argument).map(SocketAddr::V4),
        Verb::Eprt => address::parse_eprt(argument),
        _ => address::parse_lprt(argument),
    };
    match parsed {
        Ok(to) => set(session, verb, to),
        Err(AddressError::Family) => family(session, verb),
        Err(_) => session.syntax(verb),
    }
}

fn set(session: &mut Session, verb: Verb, to: SocketAddr) {
    let to = SocketAddr::new(to.ip().to_canonical(), to.port());
    let fxp = session.user().is_some_and(|user| user.fxp);
    if to.is_ipv4() != session.peer.is_ipv4() && !fxp {
        return family(session, verb);
    }
    if to.ip() != session.peer.ip() && !fxp {
        return session.say(Reply::new(501, text(Reason::DataForeign)));
    }
    if to.port() < 1024 {
        return session.say(Reply::new(501, text(Reason::DataPortLow)));
    }
    // An IPv6 link-local address needs the scope that the control connection has.
    let to = match (to, session.peer) {
        (SocketAddr::V6(mut to), SocketAddr::V6(peer)) if to.ip() == peer.ip() => {
            to.set_scope_id(peer.scope_id());
            SocketAddr::V6(to)
        }
        _ => to,
    };
    session.drop_kept();
    if let Some(user) = session.user_mut() {
        user.data = DataPort::Active(to);
    }
    session.say(Reply::new(200, format!("{} understood.", verb.row().name)));
}

fn family(session: &mut Session, verb: Verb) {
    let v4 = session.peer.is_ipv4();
    session.say(match verb {
        Verb::Eprt => Reply::new(522, format!("Use the control connection's family ({}) (CRK-310).", if v4 { 1 } else { 2 })),
        Verb::Lprt => Reply::new(521, format!("Use the control connection's family ({}) (CRK-310).", if v4 { 4 } else { 6 })),
        _ => Reply::new(501, text(Reason::DataFamily)),
    });
}
