//! SIZE, DSIZ, AVBL (RFC 3659 §4; draft-peterson-streamlined-ftp-command-extensions §5 and §6): how large, how much room.

use types::{Kind, Op, Reason, Yield};

use crate::ftp::data::{Form, Structure, Type};
use crate::ftp::reply::Reply;
use crate::ftp::server::exchange::{Body, Channel, Cover, End, Flow};
use crate::ftp::server::session::Session;
use crate::ftp::verb::Verb;

pub(super) fn size(session: &mut Session, argument: &[u8]) {
    let Some(path) = session.named_path(Verb::Size, argument) else { return };
    let Some(form) = session.user().map(|user| user.form) else { return };
    if form.structure != Structure::File {
        return session.say(Reply::fixed(550, "SIZE is for STRU F (CRK-408)."));
    }
    // TYPE E turns every byte into one byte.
    let ascii = form.kind == Type::Ascii;
    let op = Op::Stat { path: path.clone(), follow: true };
    session.ask(
        op,
        Box::new(move |session, answer| match answer {
            Ok(Yield::Attr(attr)) if attr.kind == Kind::File => {
                if !ascii || attr.size == 0 {
                    session.say(Reply::new(213, attr.size.to_string()));
                } else if attr.size > session.settings.ascii_size_limit {
                    let limit = session.settings.ascii_size_limit;
                    let line = format!("In TYPE A only files of up to {limit} bytes are counted: use TYPE I (CRK-408).");
                    session.say(Reply::new(550, line));
                } else {
                    count(session, path);
                }
            }
            Ok(Yield::Attr(attr)) => {
                let reason = if attr.is_dir() { Reason::IsAFolder } else { Reason::NotRegular };
                session.refuse(&reason.into(), Some(&path));
            }
            Ok(_) => {}
            Err(error) => session.refuse(&error, Some(&path)),
        }),
    );
}

/// SIZE in TYPE A is what RETR would send (RFC 3659 §4.2): the file is read through the conversion.
fn count(session: &mut Session, path: types::VPath) {
    let op = Op::Read { path: path.clone(), at: 0 };
    session.ask_abortable(
        op,
        Box::new(move |session, answer| match answer {
            Ok(_) => {
                let flow = Flow {
                    body: Body::Send { at: 0, skip: 0, most: None },
                    form: Form::ASCII,
                    channel: Channel::Count,
                    cover: Cover::Clear,
                };
                session.transfer(
                    flow,
                    format!("SIZE {path}"),
                    Box::new(move |session, end| match end {
                        End::Done { bytes, .. } => session.say(Reply::new(213, bytes.to_string())),
                        End::Digest(_) => {}
                        End::Failed { error, .. } => session.refuse(&error, Some(&path)),
                    }),
                );
            }
            Err(error) => session.refuse(&error, Some(&path)),
        }),
    );
}

pub(super) fn dsiz(session: &mut Session, argument: &[u8]) {
    let Some(path) = session.path(argument) else { return };
    let op = Op::Usage { path: path.clone() };
    session.ask_abortable(
        op,
        Box::new(move |session, answer| match answer {
            Ok(Yield::Usage(usage)) => session.say(Reply::new(213, usage.bytes.to_string())),
            Ok(_) => {}
            Err(error) => session.refuse(&error, Some(&path)),
        }),
    );
}

pub(super) fn avbl(session: &mut Session, argument: &[u8]) {
    let Some(path) = session.path(argument) else { return };
    let op = Op::Space { path: path.clone() };
    session.ask(
        op,
        Box::new(move |session, answer| match answer {
            // Without any limit the largest number that clients of the draft read.
            Ok(Yield::Space(space)) => session.say(Reply::new(213, space.free.unwrap_or(i64::MAX as u64).to_string())),
            Ok(_) => {}
            Err(error) => session.refuse(&error, Some(&path)),
        }),
    );
}
