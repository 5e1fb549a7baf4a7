//! STAT (RFC 959 §4.1.3): the session's state, a running transfer's, or a path's.

use types::TransferId;

use super::{list, representation};
use crate::ftp::reply::Reply;
use crate::ftp::server::exchange::{Cover, Output, Reserved};
use crate::ftp::server::session::Session;
use crate::ftp::server::state::{DataPort, Exchange, Stage, Work};

pub(super) fn stat(session: &mut Session, argument: &[u8]) {
    if !argument.trim_ascii().is_empty() {
        if session.user().is_none() {
            return session.say(Reply::fixed(530, "Log in first (CRK-406)."));
        }
        return list::status(session, argument);
    }
    if let Work::Transfer(running) = session.work() {
        let id = running.id;
        return session.emit(Output::Measure(id)); // the reply comes with the number
    }
    let report = report(session);
    session.say(Reply::new(211, report));
}

fn report(session: &Session) -> String {
    let mut lines = format!("State of the session:\nConnected from {}\nConnected to {}", session.peer, session.local);
    if let Some(host) = &session.host {
        lines += &format!("\nVirtual host {host}");
    }
    let protection = &session.protection;
    if protection.control || protection.cleared {
        let by = if matches!(protection.exchange, Exchange::Done(_)) { "protected by GSSAPI" } else { "protected by TLS" };
        let said = |protected| if protected { by } else { "in clear" };
        let data = said(protection.cover() != Cover::Clear);
        lines += &format!("\nThis connection is {}, data connections are {data}", said(protection.control));
        if let Exchange::Done(principal) = &protection.exchange {
            lines += &format!("\nThe ticket is of {principal}");
        }
    }
    match &session.stage {
        Stage::LoggedIn(user) => {
            lines += &format!("\nLogged in as {}", user.name);
            lines += &format!("\n{}", representation::words(&user.form));
            lines += &match &user.data {
                DataPort::Default => "\nData: to the control connection's port".to_owned(),
                DataPort::Active(to) => format!("\nData: to {to}"),
                DataPort::Passive(Reserved::At(at)) => format!("\nData: awaited at {at}"),
                DataPort::Passive(Reserved::Key(_)) => "\nData: awaited on the control port".to_owned(),
                DataPort::Kept(_) => "\nData: the connection is open".to_owned(),
                DataPort::Spent => "\nData: none set up".to_owned(),
            };
            if user.restart > 0 {
                lines += &format!("\nThe next transfer starts at byte {}", user.restart);
            }
            if let Some(client) = &user.client {
                lines += &format!("\nThe client says it is {client}");
            }
            lines += &format!("\nClosed after {} s of silence", user.idle.as_secs());
        }
        _ => lines += "\nNot logged in",
    }
    lines += "\nNo transfer is running\nEnd";
    lines
}

/// The answer to STAT in mid-transfer (213, as RFC 959 §5.4 has it for a file's status).
pub(in crate::ftp::server) fn measured(session: &mut Session, id: TransferId, bytes: u64) {
    let line = match session.work() {
        Work::Transfer(running) if running.id == id => format!("{}: {bytes} bytes so far.", running.what),
        _ => format!("The transfer has ended: {bytes} bytes."),
    };
    session.say(Reply::new(213, line));
}
