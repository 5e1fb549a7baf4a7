//! COMB (field practice: GlobalSCAPE), SITE CPFR and CPTO (as mod_copy has them): files made of files that are here.

use types::{Error, Kind, Op, Reason, VPath, Yield};

use super::retrieve::shown;
use crate::ftp::reply::Reply;
use crate::ftp::server::session::Session;
use crate::ftp::verb::Verb;

/// COMB: parts go behind one another at the end of a file, and are gone then.
pub(super) fn comb(session: &mut Session, argument: &[u8]) {
    let Some(names) = names(argument).filter(|names| names.len() > 1) else { return session.syntax(Verb::Comb) };
    let mut paths = Vec::with_capacity(names.len());
    for name in names {
        let Some(path) = session.path(name) else { return };
        paths.push(path);
    }
    let to = paths.remove(0);
    let op = Op::Join { to: to.clone(), parts: paths.clone() };
    session.ask_abortable(
        op,
        Box::new(move |session, answer| match answer {
            Ok(Yield::Copied { bytes }) => session.say(Reply::new(250, format!("{} holds {bytes} bytes.", shown(&to)))),
            Ok(_) => {}
            Err(error) => {
                let culprit = culprit(&error, &paths, &to);
                session.refuse(&error, Some(culprit));
            }
        }),
    );
}

/// The file that an error is about: one of those that are read, where its detail says so, else the one that is made.
fn culprit<'a>(error: &Error, read: &'a [VPath], made: &'a VPath) -> &'a VPath {
    let named = |path: &&VPath| error.detail.as_deref() == Some(&*path.to_string());
    read.iter().find(named).unwrap_or(made)
}

/// Names with spaces between them; one that holds a space stands in quotes.
fn names(argument: &[u8]) -> Option<Vec<&[u8]>> {
    let (mut names, mut rest) = (Vec::new(), argument.trim_ascii());
    while !rest.is_empty() {
        let (name, after) = match rest.strip_prefix(b"\"") {
            Some(quoted) => {
                let (name, after) = quoted.split_at(quoted.iter().position(|&b| b == b'"')?);
                (name, after.get(1..)?)
            }
            None => rest.split_at(rest.iter().position(|&b| b == b' ').unwrap_or(rest.len())),
        };
        if name.is_empty() || after.first().is_some_and(|&b| b != b' ') {
            return None;
        }
        names.push(name);
        rest = after.trim_ascii_start();
    }
    Some(names)
}

/// SITE CPFR: says which file is copied.
pub(super) fn cpfr(session: &mut Session, argument: &[u8]) {
    let Some(path) = session.path(argument) else { return };
    let op = Op::Stat { path: path.clone(), follow: true };
    session.ask(
        op,
        Box::new(move |session, answer| match answer {
            Ok(Yield::Attr(attr)) if attr.kind == Kind::File => {
                if let Some(user) = session.user_mut() {
                    user.copying = Some(path);
                }
                session.say(Reply::fixed(350, "Ready: SITE CPTO names the copy."));
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

/// SITE CPTO: copies it.
pub(super) fn cpto(session: &mut Session, argument: &[u8]) {
    let Some(from) = session.user_mut().and_then(|user| user.copying.take()) else {
        return session.say(Reply::fixed(503, "SITE CPFR comes first (CRK-405)."));
    };
    let Some(to) = session.path(argument) else { return };
    session.ask_abortable(
        Op::Copy { from: from.clone(), to: to.clone() },
        Box::new(move |session, answer| match answer {
            Ok(Yield::Copied { bytes }) => session.say(Reply::new(250, format!("Copied {bytes} bytes to {}.", shown(&to)))),
            Ok(_) => {}
            Err(error) => {
                let culprit = culprit(&error, std::slice::from_ref(&from), &to);
                session.refuse(&error, Some(culprit));
            }
        }),
    );
}
