//! STOR, APPE, STOU, ALLO (RFC 959 §4.1.3; RFC 1123 §4.1.2.9): taking a file.

use types::{Op, Reason, VPath, WriteHow, Yield};

use super::retrieve::{data_port, finish, moved, number, open, shown};
use crate::ftp::data::{Form, Mode, Structure, Type};
use crate::ftp::reply::Reply;
use crate::ftp::server::exchange::{Body, Channel, End, Flow, Via};
use crate::ftp::server::session::{Session, text};
use crate::ftp::server::state::DataPort;
use crate::ftp::verb::Verb;

pub(super) fn store(session: &mut Session, verb: Verb, argument: &[u8]) {
    if !take(session, verb, argument) {
        discard(session);
    }
}

/// `false` where it was refused at once.
fn take(session: &mut Session, verb: Verb, argument: &[u8]) -> bool {
    let path = match (verb, argument) {
        (Verb::Stou, b"") => session.path(b"file"),
        _ => session.named_path(verb, argument),
    };
    let Some(path) = path else { return false };
    let Some(via) = data_port(session) else { return true };
    let Some(user) = session.user_mut() else { return true };
    let restart = std::mem::take(&mut user.restart);
    let expected = user.announced.take();
    let ranged = user.range.take().is_some();
    let form = user.form;
    if ranged {
        session.say(Reply::fixed(554, "RANG is for RETR and for digests: REST says where an upload goes on (CRK-405)."));
        return false;
    }
    let as_stored = form.kind == Type::Image && form.structure == Structure::File;
    // An offset counts what was sent; where that lies in what is stored cannot be known. A marker is our own.
    if restart > 0 && !as_stored && !form.has_markers() && verb == Verb::Stor {
        session.say(Reply::fixed(554, "REST with STOR needs TYPE I and STRU F, or MODE B (CRK-405)."));
        return false;
    }
    let how = match verb {
        Verb::Appe => WriteHow::Append,
        Verb::Stou => WriteHow::Unique,
        _ if restart > 0 => WriteHow::At(restart),
        _ => WriteHow::Replace,
    };
    // What ALLO announced is the whole file as it is stored; only a whole upload that is stored as sent can be held to it.
    let expected = expected.filter(|_| as_stored && matches!(how, WriteHow::Replace | WriteHow::Unique));
    // Who sends ahead relies on it that nothing is seen of a file that is not whole, not even by himself.
    let keep = !(form.ahead && form.mode == Mode::Block && how == WriteHow::Replace);
    let op = Op::Write { path: path.clone(), how, expected, keep };
    session.ask_abortable(
        op,
        Box::new(move |session, answer| match answer {
            Ok(Yield::Writing { path, .. }) => begin(session, via, verb, path, form, expected),
            Ok(_) => {}
            Err(error) => {
                refuse(session, error.reason, &path);
                if error.reason != Reason::Cancelled {
                    discard(session);
                }
            }
        }),
    );
    true
}

/// Takes the body of an upload that was refused off the data connection, where the client sends each without waiting for
/// leave: what comes behind it must not be taken for it.
fn discard(session: &mut Session) {
    let Some(user) = session.user().filter(|user| user.form.ahead && user.form.mode == Mode::Block) else { return };
    let form = user.form;
    let via = match user.data {
        DataPort::Passive(_) => Via::Passive,
        DataPort::Active(to) => Via::Active(to),
        DataPort::Kept(to) => Via::Kept(to),
        DataPort::Default | DataPort::Spent => return,
    };
    let flow = Flow { body: Body::Discard, form, channel: Channel::Data(via), cover: session.protection.cover() };
    session.transfer(flow, "a refused upload".into(), Box::new(|_, _| {}));
}

fn begin(session: &mut Session, via: Via, verb: Verb, path: VPath, form: Form, expected: Option<u64>) {
    let name = shown(&path);
    if verb == Verb::Stou {
        // RFC 1123 §4.1.2.9 gives this form.
        let code = if matches!(via, Via::Kept(_)) { 125 } else { 150 };
        session.say(Reply::new(code, format!("FILE: {}", name.trim_start_matches('/'))));
    } else {
        open(session, via, form, &name);
    }
    let flow = Flow { body: Body::Receive { expected }, form, channel: Channel::Data(via), cover: session.protection.cover() };
    session.transfer(
        flow,
        format!("{} {path}", verb.row().name),
        Box::new(move |session, end| match end {
            End::Done { bytes, took } => {
                session.say(Reply::new(226, format!("Stored {}: {}.", shown(&path), moved(bytes, took))));
            }
            failed @ (End::Failed { .. } | End::Digest(_)) => finish(session, failed, Some(&path)),
        }),
    );
}

/// A name that may not be stored under is 553 here and not 550 (RFC 959 §5.4).
fn refuse(session: &mut Session, reason: Reason, path: &VPath) {
    let code = crate::ftp::errors::store_code(reason);
    session.say(Reply::new(code, crate::ftp::server::session::about(Some(path), reason)));
}

pub(super) fn allo(session: &mut Session, argument: &[u8]) {
    // ALLO <bytes> [R <record size>] (RFC 959 §4.1.3)
    let mut words = argument.split(|&b| b == b' ').filter(|word| !word.is_empty());
    let bytes = words.next().and_then(number);
    let tail_fits = match (words.next(), words.next(), words.next()) {
        (None, ..) => true,
        (Some(r), Some(size), None) => r.eq_ignore_ascii_case(b"R") && number(size).is_some(),
        _ => false,
    };
    let (Some(bytes), true) = (bytes, tail_fits) else { return session.syntax(Verb::Allo) };
    let Some(path) = session.user().map(|user| user.cwd.clone()) else { return };
    session.ask(
        Op::Reserve { path, bytes },
        Box::new(move |session, answer| match answer {
            Ok(_) => {
                if let Some(user) = session.user_mut() {
                    // In TYPE A the file's size differs from what travels, so it is no promise to hold the client to.
                    user.announced = (user.form.kind == Type::Image).then_some(bytes);
                }
                session.say(Reply::new(200, format!("{bytes} bytes would fit.")));
            }
            Err(error) if error.reason == Reason::NoSpace || error.reason == Reason::OverQuota => {
                session.say(Reply::new(452, text(error.reason)));
            }
            Err(error) => session.refuse(&error, None),
        }),
    );
}
