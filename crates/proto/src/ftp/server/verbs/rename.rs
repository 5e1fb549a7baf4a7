//! RNFR and RNTO (RFC 959 §4.1.3): giving another name.

use types::Op;

use crate::ftp::reply::Reply;
use crate::ftp::server::session::Session;
use crate::ftp::verb::Verb;

pub(super) fn rnfr(session: &mut Session, argument: &[u8]) {
    let Some(path) = session.named_path(Verb::Rnfr, argument) else { return };
    let op = Op::Stat { path: path.clone(), follow: false };
    session.ask(
        op,
        Box::new(move |session, answer| match answer {
            Ok(_) => {
                if let Some(user) = session.user_mut() {
                    user.renaming = Some(path);
                }
                session.say(Reply::fixed(350, "It is there. Now RNTO and its new name."));
            }
            Err(error) => session.refuse(&error, Some(&path)),
        }),
    );
}

pub(super) fn rnto(session: &mut Session, argument: &[u8]) {
    let Some(from) = session.user_mut().and_then(|user| user.renaming.take()) else {
        return session.say(Reply::fixed(503, "RNFR comes right before RNTO (CRK-405)."));
    };
    let Some(to) = session.named_path(Verb::Rnto, argument) else { return };
    let op = Op::Rename { from, to: to.clone(), replace: true };
    session.ask(
        op,
        Box::new(move |session, answer| match answer {
            Ok(_) => session.say(Reply::fixed(250, "Renamed.")),
            Err(error) => session.refuse(&error, Some(&to)),
        }),
    );
}
