//! CWD, CDUP, PWD, SMNT (RFC 959 §4.1.1 and §4.1.3; RFC 775): where in the tree the session stands.

use types::{Error, Op, Reason, VPath, Yield};

use crate::ftp::name;
use crate::ftp::reply::Reply;
use crate::ftp::server::session::Session;
use crate::ftp::verb::Verb;

pub(super) fn cwd(session: &mut Session, argument: &[u8]) {
    let path = match argument {
        b"" | b"~" => session.user().map(|user| user.home.clone()),
        _ => session.path(argument),
    };
    if let Some(path) = path {
        go(session, path, 250);
    }
}

pub(super) fn cdup(session: &mut Session) {
    if let Some(cwd) = session.user().map(|user| user.cwd.clone()) {
        go(session, cwd.parent().unwrap_or_else(VPath::root), 250);
    }
}

fn go(session: &mut Session, path: VPath, code: u16) {
    let op = Op::Stat { path: path.clone(), follow: true };
    session.ask(
        op,
        Box::new(move |session, answer| match answer {
            Ok(Yield::Attr(attr)) if attr.is_dir() => {
                session.say(Reply::new(code, with_quoted(b"", &path, b" is the working directory.")));
                if let Some(user) = session.user_mut() {
                    user.cwd = path;
                }
            }
            Ok(_) => session.refuse(&Reason::NotAFolder.into(), Some(&path)),
            Err(error) => session.refuse(&error, Some(&path)),
        }),
    );
}

pub(super) fn pwd(session: &mut Session) {
    if let Some(user) = session.user() {
        let line = with_quoted(b"", &user.cwd, b" is the working directory.");
        session.say(Reply::new(257, line));
    }
}

pub(super) fn smnt(session: &mut Session, mount: &[u8]) {
    if mount.is_empty() {
        return session.syntax(Verb::Smnt);
    }
    let op = Op::Mount { name: mount.into() };
    session.ask(
        op,
        Box::new(move |session, answer| match answer {
            Ok(_) => {
                if let Some(user) = session.user_mut() {
                    user.home = VPath::root();
                    user.cwd = VPath::root();
                    user.renaming = None;
                }
                session.say(Reply::fixed(250, "The mount is the root now."));
            }
            Err(error) => session.refuse(&Error::new(error.reason), None),
        }),
    );
}

/// A line with a path as 257 has it: in quotes, quotes inside doubled (RFC 959 Appendix II).
pub(super) fn with_quoted(before: &[u8], path: &VPath, after: &[u8]) -> Vec<u8> {
    let mut line = before.to_vec();
    line.extend_from_slice(&name::quote(path.as_bytes()));
    line.extend_from_slice(after);
    line
}
