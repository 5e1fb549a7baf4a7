//! `Row`: what one event looks like between the four uprights. The one place where an event becomes text, for the
//! ladder people read and the dialogues session tests compare.

use std::time::Duration;

use types::{Direction, Event, Lane, Reason, What};

/// One row of a ladder: an arrow from one upright to another, or a mark on one upright (`from` equals `to`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Row {
    /// Where it comes from.
    pub from: Lane,
    /// Where it goes.
    pub to: Lane,
    /// What it says; one line.
    pub text: String,
    /// Both ends at once, drawn as a broad line without a head: a TLS handshake.
    pub both: bool,
    /// When, since the session began. People who write dialogues by hand leave it out.
    pub at: Option<Duration>,
}

impl Row {
    /// A row without a time.
    pub fn new(from: Lane, to: Lane, text: impl Into<String>) -> Self {
        Self { from, to, text: text.into(), both: false, at: None }
    }

    /// What both ends do together, without a time.
    pub fn both(from: Lane, to: Lane, text: impl Into<String>) -> Self {
        Self { both: true, ..Self::new(from, to, text) }
    }

    /// Whether this is a mark on one upright and not an arrow.
    pub fn is_mark(&self) -> bool {
        self.from == self.to
    }

    /// Whether this travels on the data connection.
    pub fn on_data_connection(&self) -> bool {
        matches!((self.from, self.to), (Lane::Client, Lane::Data) | (Lane::Data, Lane::Client))
    }
}

impl From<&Event> for Row {
    fn from(event: &Event) -> Self {
        Self { at: Some(event.at), ..row(&event.what) }
    }
}

/// The row of an event, without its time.
///
/// | event | row |
/// |---|---|
/// | `Accepted` | mark on control: `accepted PEER at OWN` |
/// | `Command`, `Reply` | client to control, control to client: the line |
/// | `Ask`, `Answer` | control to storage, storage to control: the text |
/// | `Listening` | control to data: `listening ADDRESS` |
/// | `Connecting` | data to client: `connecting ADDRESS` |
/// | `Reaching` | client to data: `connecting ADDRESS` |
/// | `Awaiting` | mark on client: `listening ADDRESS` |
/// | `Connected` | client to data: `connected PEER` |
/// | `DataFailed` | data to control: `never came CRK-301`, `refused CRK-302`, `unreachable CRK-303`, else `failed CODE` |
/// | `Secured` | client and control, or client and data, a line without a head: the text |
/// | `Cleared` | mark on control: `cleared` |
/// | `Started` | control to data: `send`, `receive` |
/// | `Moved` | data to client: `sent BYTES in SECONDS s`; client to data: `received BYTES in SECONDS s` |
/// | `Cut` | data to client (going out) or client to data (coming in): `cut BYTES CODE` |
/// | `Note` | mark on data (codes 3xx) or control: `CODE TEXT` |
/// | `Closed` | mark on control: `closed`, `closed CODE` |
pub fn row(what: &What) -> Row {
    use Lane::{Client, Control, Data, Storage};
    match what {
        What::Accepted(peer, own) => Row::new(Control, Control, format!("accepted {peer} at {own}")),
        What::Command(text) => Row::new(Client, Control, &**text),
        What::Reply(text) => Row::new(Control, Client, &**text),
        What::Ask(text) => Row::new(Control, Storage, &**text),
        What::Answer(text) => Row::new(Storage, Control, &**text),
        What::Listening(address) => Row::new(Control, Data, format!("listening {address}")),
        What::Connecting(address) => Row::new(Data, Client, format!("connecting {address}")),
        What::Reaching(address) => Row::new(Client, Data, format!("connecting {address}")),
        What::Awaiting(address) => Row::new(Client, Client, format!("listening {address}")),
        What::Connected(peer) => Row::new(Client, Data, format!("connected {peer}")),
        What::DataFailed(reason) => Row::new(Data, Control, format!("{} {}", failure(*reason), reason.code())),
        What::Secured(lane, text) => Row::both(Client, if *lane == Data { Data } else { Control }, &**text),
        What::Cleared => Row::new(Control, Control, "cleared"),
        What::Started(Direction::Out) => Row::new(Control, Data, "send"),
        What::Started(Direction::In) => Row::new(Control, Data, "receive"),
        What::Moved(Direction::Out, bytes, took) => Row::new(Data, Client, moved("sent", *bytes, *took)),
        What::Moved(Direction::In, bytes, took) => Row::new(Client, Data, moved("received", *bytes, *took)),
        What::Cut(Direction::Out, bytes, reason) => Row::new(Data, Client, format!("cut {bytes} {}", reason.code())),
        What::Cut(Direction::In, bytes, reason) => Row::new(Client, Data, format!("cut {bytes} {}", reason.code())),
        What::Note(reason, text) => {
            let lane = if reason.code().starts_with("CRK-3") { Data } else { Control };
            let text = if text.is_empty() { reason.code().to_owned() } else { format!("{} {text}", reason.code()) };
            Row::new(lane, lane, text)
        }
        What::Closed(None) => Row::new(Control, Control, "closed"),
        What::Closed(Some(reason)) => Row::new(Control, Control, format!("closed {}", reason.code())),
    }
}

const fn failure(reason: Reason) -> &'static str {
    match reason {
        Reason::DataNeverCame => "never came",
        Reason::DataRefused => "refused",
        Reason::DataUnreachable => "unreachable",
        _ => "failed",
    }
}

/// `sent 1234 in 0.020 s`; the time is left out where none was taken, as in dialogues.
fn moved(verb: &str, bytes: u64, took: Duration) -> String {
    if took.is_zero() { format!("{verb} {bytes}") } else { format!("{verb} {bytes} in {:.3} s", took.as_secs_f64()) }
}
