//! What the ladder says of TFTP's packets: printable, and one line each.

use types::path::Shown;

use super::Tally;
use super::errors::Code;
use super::packet::Request;

/// A request.
pub fn request(request: &Request<'_>, writing: bool) -> Box<str> {
    let verb = if writing { "WRQ" } else { "RRQ" };
    let mut line = format!("{verb} {} {}", Shown(request.name), request.mode.name());
    for (name, value) in request.options.iter() {
        line.push_str(&format!(" {}={}", Shown(name), Shown(value)));
    }
    line.into()
}

/// An OACK.
pub fn agreed<N: AsRef<[u8]>, V: AsRef<[u8]>>(options: impl IntoIterator<Item = (N, V)>) -> Box<str> {
    let mut line = "OACK".to_owned();
    for (name, value) in options {
        line.push_str(&format!(" {}={}", Shown(name.as_ref()), Shown(value.as_ref())));
    }
    line.into()
}

/// An ERROR, in either direction.
pub fn error(code: Code, text: &str) -> Box<str> {
    format!("ERROR {} {}", code.0, Shown(text.as_bytes())).into()
}

/// What was lost on the way; `None` where nothing was.
pub fn losses(tally: Tally) -> Option<Box<str>> {
    (tally.again > 0).then(|| format!("{} packets sent again, {} timeouts", tally.again, tally.timeouts).into())
}
