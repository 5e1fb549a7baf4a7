//! REST and RETR (RFC 3659 §5; RFC 959 §4.1.3): sending a file.

use types::{Op, Reason, VPath, Yield};

use crate::ftp::data::{Form, Type};
use crate::ftp::reply::Reply;
use crate::ftp::server::exchange::{Body, Channel, End, Flow, Via};
use crate::ftp::server::session::{Session, about, text};
use crate::ftp::server::state::DataPort;
use crate::ftp::verb::Verb;

pub(super) fn rest(session: &mut Session, argument: &[u8]) {
    let Some(form) = session.user().map(|user| user.form) else { return };
    match number(argument) {
        // Under STRU R the representation has no bytes to count by; pages count from the start.
        Some(at) if at > 0 && !form.has_offsets() && !form.has_markers() => {
            session.say(Reply::fixed(501, "Nothing can be restarted with this STRU and MODE (CRK-408)."));
        }
        Some(at) => {
            if let Some(user) = session.user_mut() {
                user.restart = at;
                user.range = None;
            }
            session.say(Reply::new(350, format!("The next transfer starts at byte {at}.")));
        }
        None => session.syntax(Verb::Rest),
    }
}

pub(super) fn retr(session: &mut Session, argument: &[u8]) {
    let Some(path) = session.named_path(Verb::Retr, argument) else { return };
    let Some(via) = data_port(session) else { return };
    let Some(user) = session.user_mut() else { return };
    let restart = std::mem::take(&mut user.restart);
    let form = user.form;
    let range = user.range.take();
    if range.is_some() && !form.has_markers() && !(form.has_offsets() && form.kind == Type::Image) {
        return session.say(Reply::fixed(554, "RANG with RETR needs TYPE I and STRU F (CRK-405)."));
    }
    let most = range.map(|(first, last)| (last - first).saturating_add(1));
    let restart = range.map_or(restart, |(first, _)| first);
    let (at, skip) = match (form.has_markers(), form.has_offsets()) {
        // Our own markers name bytes of the file.
        (true, _) => (restart, 0),
        (_, true) if form.kind == Type::Image => (restart, 0),
        // In TYPE A the offset counts what is sent, not what is stored: it is sent from the start and left out.
        (_, true) => (0, restart),
        _ if restart == 0 => (0, 0),
        _ => return session.say(Reply::fixed(554, "Nothing can be restarted with this STRU and MODE (CRK-405).")),
    };
    let op = Op::Read { path: path.clone(), at };
    session.ask_abortable(
        op,
        Box::new(move |session, answer| match answer {
            Ok(Yield::Reading(attr)) => {
                let size = attr.size.saturating_sub(at).min(most.unwrap_or(u64::MAX));
                open(session, via, form, &format!("{} ({size} bytes)", shown(&path)));
                let cover = session.protection.cover();
                let flow = Flow { body: Body::Send { at, skip, most }, form, channel: Channel::Data(via), cover };
                session.transfer(flow, format!("RETR {path}"), Box::new(move |session, end| finish(session, end, Some(&path))));
            }
            Ok(_) => {}
            Err(error) => session.refuse(&error, Some(&path)),
        }),
    );
}

/// The first reply of a transfer: 125 where the data connection is open already (RFC 959 §5.4).
pub(super) fn open(session: &mut Session, via: Via, form: Form, what: &str) {
    let kind = match form.kind {
        Type::Ascii => "ASCII",
        Type::Ebcdic => "EBCDIC",
        Type::Image => "BINARY",
    };
    session.say(match via {
        Via::Kept(_) => Reply::new(125, format!("Using the open data connection for {what}.")),
        _ => Reply::new(150, format!("Opening {kind} data connection for {what}.")),
    });
}

/// How the data connection comes about; `None` after a refusal (425; 521 where PROT must change first, RFC 4217 §10).
/// Asked before anything is opened for it.
pub(super) fn data_port(session: &mut Session) -> Option<Via> {
    if super::protection::data_required(session) && !session.protection.is_data_private() {
        session.say(Reply::new(521, format!("{} Send PROT P first.", text(Reason::DataUnprotected))));
        return None;
    }
    let peer = session.peer;
    let only_epsv = session.user().is_some_and(|user| user.only_epsv);
    match session.user().map(|user| &user.data) {
        Some(DataPort::Active(to)) => Some(Via::Active(*to)),
        Some(DataPort::Kept(to)) => Some(Via::Kept(*to)),
        Some(DataPort::Passive(_)) => Some(Via::Passive),
        // RFC 959 §3.2: without PORT or PASV the client listens on its control connection's port.
        Some(DataPort::Default | DataPort::Spent) if session.settings.active && !only_epsv => Some(Via::Active(peer)),
        _ => {
            session.say(Reply::fixed(425, "Send EPSV or PASV first (CRK-405)."));
            None
        }
    }
}

/// The last reply of a transfer: bytes, seconds and rate, or why it failed.
pub(super) fn finish(session: &mut Session, end: End, path: Option<&VPath>) {
    match end {
        End::Done { bytes, took } => session.say(Reply::new(226, format!("Done: {}.", moved(bytes, took)))),
        End::Digest(_) => {}
        End::Failed { bytes, error } => {
            let code = crate::ftp::errors::reply_code(error.reason);
            let mut line = about(path, error.reason);
            if bytes > 0 {
                line.extend_from_slice(format!(" {bytes} bytes had moved.").as_bytes());
            }
            session.say(Reply::new(code, line));
        }
    }
}

/// Bytes, seconds and rate, as people read them.
pub(super) fn moved(bytes: u64, took: std::time::Duration) -> String {
    let seconds = took.as_secs_f64();
    if bytes == 0 || seconds <= 0.0 {
        return format!("{bytes} bytes");
    }
    format!("{bytes} bytes in {seconds:.3} s ({:.2} MiB/s)", bytes as f64 / seconds / 1_048_576.0)
}

/// A path in a reply's text.
pub(super) fn shown(path: &VPath) -> String {
    String::from_utf8_lossy(&crate::ftp::name::encode(path.as_bytes())).into_owned()
}

/// Decimal digits and nothing else, that fit 64 bits.
pub(super) fn number(argument: &[u8]) -> Option<u64> {
    if argument.is_empty() || !argument.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(argument).ok()?.parse().ok()
}
