//! Which events of a session make a fact? What was asked, what it is about, and how it ended stand in different events.

use std::collections::VecDeque;

use types::{Direction, Event, Reason, What};

use super::fact::Fact;

/// The most asks remembered: a session has few open at once.
const MOST_ASKS: usize = 32;

/// How a reply begins that asks for a message's text.
const DRAFT: &str = "354";

/// What is remembered of a session between its events: a few texts.
#[derive(Default)]
pub(super) struct Story {
    /// The verb of the last command.
    verb: Box<str>,
    /// The refusal of the last command, if it was told.
    told: Option<Reason>,
    /// Asks without an answer yet, and the verb that led to each.
    asks: VecDeque<(Box<str>, Box<str>)>,
    /// Verb and path of the body that is moving or about to.
    moving: Option<(Box<str>, Box<str>)>,
    /// A message's text is coming in, line by line (354).
    drafting: bool,
}

/// Whether a story is told by such events at all. Most are not for it, and need not be brought to it.
pub(super) fn is_told_by(what: &What) -> bool {
    match what {
        What::Command(_)
        | What::Ask(_)
        | What::Answer(_)
        | What::Moved(..)
        | What::Cut(..)
        | What::DataFailed(_)
        | What::Note(..)
        | What::Closed(_) => true,
        What::Reply(line) => line.contains(REFUSAL) || line.starts_with(DRAFT),
        What::Accepted(..)
        | What::Listening(_)
        | What::Connecting(_)
        | What::Reaching(_)
        | What::Awaiting(_)
        | What::Connected(_)
        | What::Secured(..)
        | What::Cleared
        | What::Started(_) => false,
    }
}

/// What the codes of refusals that the session makes by itself begin with.
const REFUSAL: &str = "CRK-1";

impl Story {
    /// Hears the next event; a fact if it completes one.
    pub(super) fn hear(&mut self, event: &Event) -> Option<Fact<'static>> {
        match &event.what {
            What::Command(line) => {
                self.command(line);
                None
            }
            What::Ask(text) => {
                if self.asks.len() == MOST_ASKS {
                    self.asks.pop_front();
                }
                self.asks.push_back((self.verb.clone(), text.clone()));
                None
            }
            What::Answer(text) => self.answer(text),
            What::Moved(direction, bytes, took) => {
                let mut fact = self.transfer(*direction);
                fact.moved = Some((*direction, *bytes));
                fact.took = Some(*took);
                Some(fact)
            }
            What::Cut(direction, bytes, reason) => {
                let mut fact = self.transfer(*direction);
                fact.moved = Some((*direction, *bytes));
                fact.reason = Some(*reason);
                Some(fact)
            }
            What::DataFailed(reason) => {
                let mut fact = self.transfer(Direction::Out);
                fact.reason = Some(*reason);
                Some(fact)
            }
            What::Note(reason, text) => Some(Fact {
                reason: Some(*reason),
                detail: Some(text.to_string()).filter(|t| !t.is_empty()),
                ..Fact::new("note")
            }),
            What::Closed(reason) => Some(Fact { reason: *reason, took: Some(event.at), ..Fact::new("closed") }),
            What::Reply(line) => self.reply(line),
            _ => None,
        }
    }

    fn command(&mut self, line: &str) {
        if self.drafting {
            // It is text, for the command that was answered so.
            self.drafting = line != ".";
            return;
        }
        self.told = None;
        self.verb = line.split_whitespace().next().unwrap_or_default().to_ascii_uppercase().into();
    }

    /// What the session refuses by itself, before anybody is asked: passwords in clear, for one.
    fn reply(&mut self, line: &str) -> Option<Fact<'static>> {
        self.drafting |= line.starts_with(DRAFT);
        let reason = code_in(line).filter(|r| r.code().starts_with(REFUSAL))?;
        if self.told == Some(reason) {
            return None;
        }
        Some(Fact { reason: Some(reason), ..operation(&*self.verb, "") })
    }

    fn answer(&mut self, text: &str) -> Option<Fact<'static>> {
        let (verb, ask) = self.asks.pop_front()?;
        let (op, path) = ask.split_once(' ').unwrap_or((&ask, ""));
        let failure = text.get(..7).and_then(code_in);
        self.told = failure;
        match (op, failure) {
            // Bodies and folders are told of when they have moved.
            ("read" | "write" | "append" | "list", None) => {
                let path = path.strip_prefix("unique ").or_else(|| path.strip_prefix("new ")).unwrap_or(path);
                self.moving = Some((verb, path.into()));
                None
            }
            // Files are told of when they are closed, and have moved.
            ("open" | "readlink", None) => None,
            ("close", None) => {
                self.moving = Some(("".into(), path.into()));
                None
            }
            ("stat" | "lstat" | "usage" | "space" | "reserve" | "who" | "may" | "recipient", None) => None,
            ("login", None) if text.starts_with("account needed") => None,
            ("host", None) => None,
            ("login", None) => Some(Fact::words("login", "logged in")),
            ("login", Some(reason)) => Some(Fact { reason: Some(reason), ..Fact::words("login", format!("login as {path}")) }),
            (_, None) => Some(operation(verb, path)),
            (_, Some(reason)) => {
                let detail = text.split_once('(').and_then(|(_, d)| d.strip_suffix(')')).map(str::to_owned);
                Some(Fact { reason: Some(reason), detail, ..operation(verb, path) })
            }
        }
    }

    fn transfer(&mut self, direction: Direction) -> Fact<'static> {
        let (verb, path) = self.moving.take().unwrap_or_else(|| (self.verb.clone(), "".into()));
        // Files that are open at any place move by many requests, and have no command of their own.
        let verb = match (&*verb, direction) {
            ("", Direction::Out) => "GET".into(),
            ("", Direction::In) => "PUT".into(),
            _ => verb,
        };
        Fact { event: "transfer", ..operation(verb, path) }
    }
}

fn operation(verb: impl Into<String>, path: impl Into<String>) -> Fact<'static> {
    Fact { command: Some(verb.into()), path: Some(path.into()).filter(|p| !p.is_empty()), ..Fact::new("operation") }
}

/// The reason that a line names by its code.
fn code_in(line: &str) -> Option<Reason> {
    let at = line.find("CRK-")?;
    Reason::by_code(line.get(at..at + 7)?)
}
