//! What the ladder says of TFTP's packets: printable, and one line each.

use proto::tftp::errors::Code;
use proto::tftp::packet::Request;
use proto::tftp::{Failure, Tally};
use types::Reason;
use types::path::Shown;

/// A request.
pub(super) fn request(request: &Request<'_>, writing: bool) -> Box<str> {
    let verb = if writing { "WRQ" } else { "RRQ" };
    let mut line = format!("{verb} {} {}", Shown(request.name), request.mode.name());
    for (name, value) in request.options.iter() {
        line.push_str(&format!(" {}={}", Shown(name), Shown(value)));
    }
    line.into()
}

/// An OACK.
pub(super) fn agreed(options: &[(&'static str, String)]) -> Box<str> {
    let mut line = "OACK".to_owned();
    for (name, value) in options {
        line.push_str(&format!(" {name}={value}"));
    }
    line.into()
}

/// An ERROR, in either direction.
pub(super) fn error(code: Code, text: &str) -> Box<str> {
    format!("ERROR {} {}", code.0, Shown(text.as_bytes())).into()
}

/// Why a transfer failed, as the log and the audit trail have it.
pub(super) const fn reason(failure: &Failure) -> Reason {
    match failure {
        // Firmware opens a transfer to learn a size and aborts it: that is no fault of anybody.
        Failure::Peer(Code(0 | 8), _) => Reason::Cancelled,
        Failure::Peer(..) => Reason::DataReset,
        Failure::Silent { answered: false } => Reason::DataNeverCame,
        Failure::Silent { answered: true } => Reason::DataStalled,
        Failure::Illegal(_) => Reason::Syntax,
        Failure::Own(_) => Reason::Io,
    }
}

/// What was lost on the way; `None` where nothing was.
pub(super) fn losses(tally: Tally) -> Option<Box<str>> {
    (tally.again > 0).then(|| format!("{} packets sent again, {} timeouts", tally.again, tally.timeouts).into())
}
