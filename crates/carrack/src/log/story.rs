//! Which events of a session make a fact? What was asked, what it is about, and how it ended stand in different events.

use std::collections::VecDeque;

use trace::SessionInfo;
use types::{Event, Reason, What};

use super::fact::Fact;

/// The most asks remembered: a session has few open at once.
const MOST_ASKS: usize = 32;

/// What is remembered of a session between its events: a few texts.
#[derive(Default)]
pub(super) struct Story {
    /// The user that wants to be let in.
    wants: Option<Box<str>>,
    greeted: bool,
    /// The verb of the last command.
    verb: Box<str>,
    /// Asks without an answer yet, and the verb that led to each.
    asks: VecDeque<(Box<str>, Box<str>)>,
    /// Verb and path of the body that is moving or about to.
    moving: Option<(Box<str>, Box<str>)>,
}

impl Story {
    /// Hears the next event; a fact if it completes one.
    pub(super) fn hear(&mut self, session: &SessionInfo, event: &Event) -> Option<Fact<'static>> {
        match &event.what {
            What::Command(line) => {
                self.command(line);
                None
            }
            What::Reply(line) => self.reply(session, line),
            What::Ask(text) => {
                if self.asks.len() == MOST_ASKS {
                    self.asks.pop_front();
                }
                self.asks.push_back((self.verb.clone(), text.clone()));
                None
            }
            What::Answer(text) => self.answer(text),
            What::Moved(direction, bytes, took) => {
                let mut fact = self.transfer();
                fact.moved = Some((*direction, *bytes));
                fact.took = Some(*took);
                Some(fact)
            }
            What::Cut(direction, bytes, reason) => {
                let mut fact = self.transfer();
                fact.moved = Some((*direction, *bytes));
                fact.reason = Some(*reason);
                Some(fact)
            }
            What::DataFailed(reason) => {
                let mut fact = self.transfer();
                fact.reason = Some(*reason);
                Some(fact)
            }
            What::Note(reason, text) => Some(Fact {
                reason: Some(*reason),
                detail: Some(text.to_string()).filter(|t| !t.is_empty()),
                ..Fact::new("note")
            }),
            What::Closed(reason) => Some(Fact { reason: *reason, took: Some(event.at), ..Fact::new("closed") }),
            What::Accepted(..) | What::Listening(_) | What::Connecting(_) | What::Connected(_) | What::Started(_) => None,
        }
    }

    fn command(&mut self, line: &str) {
        let (verb, argument) = line.trim_start().split_once(' ').unwrap_or((line.trim(), ""));
        let verb = verb.to_ascii_uppercase();
        if verb == "USER" {
            self.wants = Some(argument.into());
            self.greeted = false;
        }
        self.verb = verb.into();
    }

    /// Logins are seen by their replies: nothing else tells of them.
    fn reply(&mut self, session: &SessionInfo, line: &str) -> Option<Fact<'static>> {
        let is_login = matches!(&*self.verb, "USER" | "PASS" | "ACCT");
        match line.get(..3)? {
            "230" if is_login && session.user.is_some() && !self.greeted => {
                self.greeted = true;
                Some(Fact::words("login", "logged in"))
            }
            "530" | "421" if is_login && self.wants.is_some() => {
                let wanted = self.wants.take()?;
                let reason = code_in(line).unwrap_or(Reason::LoginWrong);
                Some(Fact { reason: Some(reason), ..Fact::words("login", format!("login as {wanted}")) })
            }
            _ => None,
        }
    }

    fn answer(&mut self, text: &str) -> Option<Fact<'static>> {
        let (verb, ask) = self.asks.pop_front()?;
        let (op, path) = ask.split_once(' ').unwrap_or((&ask, ""));
        let failure = text.get(..7).and_then(code_in);
        match (op, failure) {
            // Bodies and folders are told of when they have moved.
            ("read" | "write" | "append" | "list", None) => {
                let path = path.strip_prefix("unique ").or_else(|| path.strip_prefix("new ")).unwrap_or(path);
                self.moving = Some((verb, path.into()));
                None
            }
            ("stat" | "lstat" | "usage" | "space" | "reserve" | "who", None) => None,
            (_, None) => Some(operation(&verb, path)),
            (_, Some(reason)) => {
                let detail = text.split_once('(').and_then(|(_, d)| d.strip_suffix(')')).map(str::to_owned);
                Some(Fact { reason: Some(reason), detail, ..operation(&verb, path) })
            }
        }
    }

    fn transfer(&mut self) -> Fact<'static> {
        let (verb, path) = self.moving.take().unwrap_or_else(|| (self.verb.clone(), "".into()));
        Fact { event: "transfer", ..operation(&verb, &path) }
    }
}

fn operation(verb: &str, path: &str) -> Fact<'static> {
    Fact { command: Some(verb.to_owned()), path: Some(path.to_owned()).filter(|p| !p.is_empty()), ..Fact::new("operation") }
}

/// The reason that a line names by its code.
fn code_in(line: &str) -> Option<Reason> {
    let at = line.find("CRK-")?;
    Reason::by_code(line.get(at..at + 7)?)
}
