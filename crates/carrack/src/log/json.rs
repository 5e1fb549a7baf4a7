//! A fact as one JSON object a line. Field names are stable: others are added, none changes its meaning.

use std::fmt::Write;

use serde_json::Value;
use trace::SessionInfo;
use types::{Direction, Time};

use super::fact::Fact;

/// The line, with its end. `time` comes first and `event` second, for those who read it with their eyes.
pub(super) fn line(now: Time, session: Option<&SessionInfo>, fact: &Fact<'_>) -> String {
    let mut o = Object::new(now, fact.event);
    if let Some(s) = session {
        o.session(s);
    }
    if matches!(fact.event, "login" | "transfer" | "operation") {
        o.put("ok", fact.reason.is_none());
    }
    o.put_some("command", fact.command.as_deref());
    o.put_some("path", fact.path.as_deref());
    o.put_some("message", fact.words.as_deref());
    if let Some((direction, bytes)) = fact.moved {
        o.put("direction", if direction == Direction::Out { "out" } else { "in" });
        o.put("bytes", bytes);
    }
    if let Some(took) = fact.took {
        o.put("seconds", (took.as_secs_f64() * 1e6).round() / 1e6);
    }
    o.put_some("address", fact.address.map(|a| a.to_string()));
    if let Some(reason) = fact.reason {
        o.put("code", reason.code());
        o.put("cause", reason.cause());
        o.put("remedy", reason.remedy());
    }
    o.put_some("detail", fact.detail.as_deref());
    o.end()
}

/// A session's ladder, as one text.
pub(super) fn ladder(now: Time, session: &SessionInfo, drawn: &str) -> String {
    let mut o = Object::new(now, "ladder");
    o.session(session);
    o.put("ladder", drawn);
    o.end()
}

struct Object(String);

impl Object {
    fn new(now: Time, event: &str) -> Self {
        let mut o = Self("{".to_owned());
        o.put("time", rfc3339(now));
        o.put("event", event);
        o
    }

    fn session(&mut self, s: &SessionInfo) {
        self.put("session", s.id.to_string());
        self.put("protocol", s.protocol);
        self.put("listener", &*s.listener);
        self.put("peer", super::text::canonical(s.peer).to_string());
        self.put_some("user", s.user.as_deref());
    }

    fn put(&mut self, key: &str, value: impl Into<Value>) {
        let comma = if self.0.len() > 1 { "," } else { "" };
        let _ = write!(self.0, "{comma}\"{key}\":{}", value.into());
    }

    fn put_some(&mut self, key: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.put(key, value);
        }
    }

    fn end(mut self) -> String {
        self.0.push_str("}\n");
        self.0
    }
}

/// RFC 3339 in UTC, to the millisecond.
fn rfc3339(now: Time) -> String {
    let c = now.civil();
    let ms = now.nanos / 1_000_000;
    format!("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{ms:03}Z", c.year, c.month, c.day, c.hour, c.minute, c.second)
}
