//! How does a recording leave the machine? One JSON object a line: a session line, then its events; several sessions
//! may be mixed, since every line carries its session's id.
//!
//! ```text
//! {"session":"0000002a","protocol":"ftp","listener":"main","peer":"203.0.113.7:50312","local":"192.0.2.1:21","user":null}
//! {"session":"0000002a","dropped":12}
//! {"session":"0000002a","at":"0.000125","event":"command","text":"USER anonymous"}
//! ```
//!
//! These names are the file's own: domain types are not serialisable, so that renaming one cannot change the format.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Map, Value, json};
use types::{Direction, Event, Lane, Reason, SessionId, What};

use crate::dialogue::time_of;
use crate::frame::exact_time;
use crate::record::SessionInfo;

/// The protocols a recording can be of.
const PROTOCOLS: [&str; 6] = ["ftp", "ftps", "sftp", "scp", "tftp", "http"];

/// One line of a recording.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Line {
    /// What is known of a session.
    Session(SessionInfo),
    /// How many of its events were dropped before the next.
    Dropped(SessionId, u64),
    /// Something that happened in it.
    Event(SessionId, Event),
}

/// Why a line is none of a recording.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LineError(String);

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for LineError {}

fn direction(d: Direction) -> &'static str {
    match d {
        Direction::Out => "out",
        Direction::In => "in",
    }
}

/// A line as JSON, without its end.
pub fn to_json(line: &Line) -> String {
    match line {
        Line::Session(s) => json!({
            "session": s.id.to_string(), "protocol": s.protocol, "listener": &*s.listener,
            "peer": s.peer.to_string(), "local": s.local.to_string(), "user": s.user.as_deref(),
        }),
        Line::Dropped(id, events) => json!({ "session": id.to_string(), "dropped": events }),
        Line::Event(id, event) => {
            let mut object = fields(&event.what);
            if let Some(map) = object.as_object_mut() {
                map.insert("session".to_owned(), id.to_string().into());
                map.insert("at".to_owned(), exact_time(event.at).into());
            }
            object
        }
    }
    .to_string()
}

fn fields(what: &What) -> Value {
    match what {
        What::Accepted(peer, own) => json!({ "event": "accepted", "peer": peer.to_string(), "own": own.to_string() }),
        What::Command(text) => json!({ "event": "command", "text": &**text }),
        What::Reply(text) => json!({ "event": "reply", "text": &**text }),
        What::Ask(text) => json!({ "event": "ask", "text": &**text }),
        What::Answer(text) => json!({ "event": "answer", "text": &**text }),
        What::Listening(a) => json!({ "event": "listening", "address": a.to_string() }),
        What::Connecting(a) => json!({ "event": "connecting", "address": a.to_string() }),
        What::Reaching(a) => json!({ "event": "reaching", "address": a.to_string() }),
        What::Awaiting(a) => json!({ "event": "awaiting", "address": a.to_string() }),
        What::Connected(a) => json!({ "event": "connected", "address": a.to_string() }),
        What::DataFailed(r) => json!({ "event": "data-failed", "reason": r.code() }),
        What::Secured(lane, text) => {
            json!({ "event": "secured", "connection": if *lane == Lane::Data { "data" } else { "control" }, "text": &**text })
        }
        What::Cleared => json!({ "event": "cleared" }),
        What::Started(d) => json!({ "event": "started", "direction": direction(*d) }),
        What::Moved(d, bytes, took) => {
            json!({ "event": "moved", "direction": direction(*d), "bytes": bytes, "took": exact_time(*took) })
        }
        What::Cut(d, bytes, r) => json!({ "event": "cut", "direction": direction(*d), "bytes": bytes, "reason": r.code() }),
        What::Note(r, text) => json!({ "event": "note", "reason": r.code(), "text": &**text }),
        What::Closed(r) => json!({ "event": "closed", "reason": r.map(Reason::code) }),
    }
}

/// The members of one line's object, with errors that name them.
struct Members(Map<String, Value>);

impl Members {
    fn text(&self, name: &str) -> Result<&str, LineError> {
        self.0.get(name).and_then(Value::as_str).ok_or_else(|| LineError(format!("\"{name}\" is missing or no text")))
    }

    fn number(&self, name: &str) -> Result<u64, LineError> {
        self.0.get(name).and_then(Value::as_u64).ok_or_else(|| LineError(format!("\"{name}\" is missing or no number")))
    }

    fn address(&self, name: &str) -> Result<SocketAddr, LineError> {
        self.text(name)?.parse().map_err(|_| LineError(format!("\"{name}\" is no address with a port")))
    }

    fn seconds(&self, name: &str) -> Result<Duration, LineError> {
        time_of(self.text(name)?).ok_or_else(|| LineError(format!("\"{name}\" is no time in seconds, as \"0.125\"")))
    }

    fn reason(&self) -> Result<Reason, LineError> {
        Reason::by_code(self.text("reason")?).ok_or_else(|| LineError("\"reason\" is no known code".to_owned()))
    }

    fn direction(&self) -> Result<Direction, LineError> {
        match self.text("direction")? {
            "out" => Ok(Direction::Out),
            "in" => Ok(Direction::In),
            _ => Err(LineError("\"direction\" is neither \"out\" nor \"in\"".to_owned())),
        }
    }

    fn connection(&self) -> Result<Lane, LineError> {
        match self.text("connection")? {
            "control" => Ok(Lane::Control),
            "data" => Ok(Lane::Data),
            _ => Err(LineError("\"connection\" is neither \"control\" nor \"data\"".to_owned())),
        }
    }

    fn session(&self) -> Result<SessionId, LineError> {
        let id = self.text("session")?;
        let bad = || LineError("\"session\" is no eight hexadecimal digits".to_owned());
        if id.len() == 8 { u32::from_str_radix(id, 16).map(SessionId).map_err(|_| bad()) } else { Err(bad()) }
    }

    fn info(&self) -> Result<SessionInfo, LineError> {
        let written = self.text("protocol")?;
        let protocol = PROTOCOLS.into_iter().find(|&known| known == written);
        Ok(SessionInfo {
            id: self.session()?,
            protocol: protocol.ok_or_else(|| LineError(format!("\"protocol\" is none of {}", PROTOCOLS.join(", "))))?,
            listener: self.text("listener")?.into(),
            peer: self.address("peer")?,
            local: self.address("local")?,
            user: self.0.get("user").and_then(Value::as_str).map(Into::into),
        })
    }

    fn what(&self) -> Result<What, LineError> {
        Ok(match self.text("event")? {
            "accepted" => What::Accepted(self.address("peer")?, self.address("own")?),
            "command" => What::Command(self.text("text")?.into()),
            "reply" => What::Reply(self.text("text")?.into()),
            "ask" => What::Ask(self.text("text")?.into()),
            "answer" => What::Answer(self.text("text")?.into()),
            "listening" => What::Listening(self.address("address")?),
            "connecting" => What::Connecting(self.address("address")?),
            "reaching" => What::Reaching(self.address("address")?),
            "awaiting" => What::Awaiting(self.address("address")?),
            "connected" => What::Connected(self.address("address")?),
            "data-failed" => What::DataFailed(self.reason()?),
            "secured" => What::Secured(self.connection()?, self.text("text")?.into()),
            "cleared" => What::Cleared,
            "started" => What::Started(self.direction()?),
            "moved" => What::Moved(self.direction()?, self.number("bytes")?, self.seconds("took")?),
            "cut" => What::Cut(self.direction()?, self.number("bytes")?, self.reason()?),
            "note" => What::Note(self.reason()?, self.text("text")?.into()),
            "closed" if self.0.get("reason").is_none_or(Value::is_null) => What::Closed(None),
            "closed" => What::Closed(Some(self.reason()?)),
            other => return Err(LineError(format!("no event is called \"{other}\""))),
        })
    }
}

/// A line of a recording.
///
/// # Errors
/// What is missing or wrong in it.
pub fn from_json(line: &str) -> Result<Line, LineError> {
    let members = Members(serde_json::from_str(line).map_err(|e| LineError(format!("no JSON object: {e}")))?);
    if members.0.contains_key("event") {
        return Ok(Line::Event(members.session()?, Event { at: members.seconds("at")?, what: members.what()? }));
    }
    if members.0.contains_key("dropped") {
        return Ok(Line::Dropped(members.session()?, members.number("dropped")?));
    }
    members.info().map(Line::Session)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{any_event, info};
    use proptest::prelude::*;

    #[test]
    fn sessions_and_drops_survive() {
        for user in [None, Some("ada".into())] {
            let line = Line::Session(SessionInfo { user, ..info() });
            assert_eq!(from_json(&to_json(&line)), Ok(line));
        }
        let line = Line::Dropped(SessionId(7), u64::MAX);
        assert_eq!(from_json(&to_json(&line)), Ok(line));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (line, named) in [
            ("", "JSON"),
            ("[1]", "JSON"),
            (r#"{"session":"1"}"#, "protocol"),
            (r#"{"session":"0000002a","at":"1.0","event":"sang"}"#, "sang"),
            (r#"{"session":"0000002a","at":1,"event":"closed"}"#, "at"),
            (r#"{"session":"2a","at":"1.0","event":"closed"}"#, "session"),
            (r#"{"session":"0000002a","at":"1.0","event":"cut","direction":"up"}"#, "direction"),
            (r#"{"session":"0000002a","at":"1.0","event":"closed","reason":"CRK-999"}"#, "reason"),
            (r#"{"session":"0000002a","at":"1.0","event":"listening","address":"localhost"}"#, "address"),
        ] {
            let error = from_json(line).unwrap_err().to_string();
            assert!(error.contains(named), "{line}: {error}");
        }
    }

    proptest! {
        #[test]
        fn events_survive_the_file(event in any_event(), id in any::<u32>()) {
            let line = Line::Event(SessionId(id), event);
            let json = to_json(&line);
            prop_assert!(!json.contains('\n'));
            prop_assert_eq!(from_json(&json), Ok(line));
        }
    }
}
