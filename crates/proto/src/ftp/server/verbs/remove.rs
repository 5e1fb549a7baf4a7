//! DELE, RMD, RMDA (RFC 959 §4.1.3; draft-peterson-streamlined-ftp-command-extensions §4): removing.

use types::{Op, Yield};

use crate::ftp::reply::Reply;
use crate::ftp::server::session::Session;
use crate::ftp::verb::Verb;

pub(super) fn remove(session: &mut Session, verb: Verb, argument: &[u8]) {
    let Some(path) = session.named_path(verb, argument) else { return };
    let op = match verb {
        Verb::Dele => Op::Remove { path: path.clone() },
        Verb::Rmda => Op::RemoveTree { path: path.clone() },
        _ => Op::RemoveDir { path: path.clone() },
    };
    let then = Box::new(move |session: &mut Session, answer| match answer {
        Ok(Yield::Removed { entries }) => session.say(Reply::new(250, format!("Removed, {entries} entries in all."))),
        Ok(_) => session.say(Reply::fixed(250, "Removed.")),
        Err(error) => session.refuse(&error, Some(&path)),
    });
    if verb == Verb::Rmda { session.ask_telling(op, then) } else { session.ask(op, then) }
}
