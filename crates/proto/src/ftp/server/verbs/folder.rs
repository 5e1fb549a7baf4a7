//! MKD and XMKD (RFC 959 §4.1.3): making a folder; 257 names it whole.

use types::Op;

use super::navigation::with_quoted;
use crate::ftp::reply::Reply;
use crate::ftp::server::session::Session;
use crate::ftp::verb::Verb;

pub(super) fn mkd(session: &mut Session, argument: &[u8]) {
    let Some(path) = session.named_path(Verb::Mkd, argument) else { return };
    let op = Op::MakeDir { path: path.clone(), mode: None };
    session.ask(
        op,
        Box::new(move |session, answer| match answer {
            Ok(_) => session.say(Reply::new(257, with_quoted(b"", &path, b" created."))),
            Err(error) => session.refuse(&error, Some(&path)),
        }),
    );
}
