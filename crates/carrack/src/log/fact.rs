//! What is one line of the log about?

use std::net::SocketAddr;
use std::time::Duration;

use trace::SessionInfo;
use types::{Direction, Reason};

/// One fact, before it is text or JSON.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Fact<'a> {
    /// What kind: the `event` of the JSON form. The words are stable.
    pub(crate) event: &'static str,
    /// The command it is about, where there is one.
    pub(crate) command: Option<String>,
    /// The place it is about.
    pub(crate) path: Option<String>,
    /// In words, where there is neither.
    pub(crate) words: Option<String>,
    /// Bytes that moved, and which way.
    pub(crate) moved: Option<(Direction, u64)>,
    /// How long it took.
    pub(crate) took: Option<Duration>,
    /// Why it failed; nothing where it did not.
    pub(crate) reason: Option<Reason>,
    /// What the system said.
    pub(crate) detail: Option<String>,
    /// Where it listens, for facts about the server.
    pub(crate) address: Option<SocketAddr>,
    /// The listener it came in by.
    pub(crate) session: Option<&'a SessionInfo>,
}

impl<'a> Fact<'a> {
    /// A fact of this kind, and nothing else yet.
    pub(crate) const fn new(event: &'static str) -> Self {
        Self {
            event,
            command: None,
            path: None,
            words: None,
            moved: None,
            took: None,
            reason: None,
            detail: None,
            address: None,
            session: None,
        }
    }

    /// About the server, in words.
    pub(crate) fn words(event: &'static str, words: impl Into<String>) -> Self {
        Self { words: Some(words.into()), ..Self::new(event) }
    }

    /// About the server: something failed.
    pub(crate) fn failed(event: &'static str, words: impl Into<String>, reason: Reason, detail: impl Into<String>) -> Self {
        Self { words: Some(words.into()), reason: Some(reason), detail: Some(detail.into()), ..Self::new(event) }
    }

    /// A session began.
    pub(crate) fn connected(session: &'a SessionInfo) -> Self {
        Self { session: Some(session), ..Self::new("connected") }
    }

    /// Whether it is worth saying where only failures are.
    pub(crate) const fn is_failure(&self) -> bool {
        self.reason.is_some()
    }
}
