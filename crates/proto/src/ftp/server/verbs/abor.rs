//! ABOR (RFC 959 §4.1.3): a running transfer answers 426 and then ABOR 226; one that had ended leaves only ABOR's.

use crate::ftp::reply::Reply;
use crate::ftp::server::exchange::Output;
use crate::ftp::server::session::Session;

pub(super) fn abor(session: &mut Session) {
    if let Some(running) = session.transfer_mut() {
        let id = running.id;
        if !std::mem::replace(&mut running.aborted, true) {
            session.emit(Output::Cancel(id));
        }
        return;
    }
    if session.withdraw() {
        return session.say(Reply::fixed(226, "ABOR done."));
    }
    session.say(Reply::fixed(225, "No transfer is running."));
}
