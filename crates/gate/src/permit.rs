//! `Permit`: proof of a passed check. It is settled with how the operation ended; dropped, it settles itself.

use std::sync::Arc;
use std::time::Instant;

use io::meter::Meter;
use types::{Direction, Error, Reason};

use crate::audit::{Entry, Place};
use crate::limits::Taken;
use crate::presence::{Moving, Session};

/// How an operation ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// As it was meant to.
    Done,
    /// Not so, and why.
    Failed(Reason),
    /// Nobody waited for the end: the asker went away.
    Abandoned,
}

/// Leave to do one thing, with the places it takes: among the transfers, in the audit trail, in the eyes of those
/// who look at what is moving. Settling gives all back; dropping settles as [`Outcome::Abandoned`], so a lost
/// client or a broken task gives them back too.
#[must_use = "a permit is settled with how the operation ended"]
pub struct Permit {
    pub(crate) session: Arc<Session>,
    pub(crate) user: Arc<str>,
    pub(crate) verb: &'static str,
    /// What it is about, as text; empty where nothing is written down.
    pub(crate) about: (Box<str>, Option<Box<str>>),
    pub(crate) place: Place,
    pub(crate) since: Instant,
    pub(crate) moving: Option<Arc<Moving>>,
    pub(crate) taken: Option<[Taken; 2]>,
    pub(crate) limit: Option<u64>,
    pub(crate) settled: bool,
}

impl Permit {
    /// Says how it ended, and gives everything back.
    pub fn settle(mut self, outcome: Outcome) {
        self.end(outcome);
    }

    /// Counts the bytes, carries the rates and the token that stops the transfer. `None` where nothing moves.
    pub fn meter(&self) -> Option<&Meter> {
        self.moving.as_ref().map(|moving| &moving.meter)
    }

    /// The most bytes that may come in under this permit; one more and the transfer ends as
    /// [`Reason::TooLarge`]. `None` where there is no limit.
    pub const fn limit(&self) -> Option<u64> {
        self.limit
    }

    /// Settles an error and hands it on.
    pub(crate) fn fail(self, e: Error) -> Error {
        self.settle(Outcome::Failed(e.reason));
        e
    }

    fn end(&mut self, outcome: Outcome) {
        if std::mem::replace(&mut self.settled, true) {
            return;
        }
        let counters = &self.session.gate.counters;
        let bytes = self.moving.take().map(|moving| {
            self.session.state().moving.retain(|other| !Arc::ptr_eq(other, &moving));
            let bytes = moving.meter.moved();
            counters.moved(moving.direction, bytes);
            bytes
        });
        self.taken = None;
        let (end, reason) = match outcome {
            Outcome::Done => ("done", None),
            Outcome::Failed(reason) => {
                counters.refused(reason);
                ("failed", Some(reason))
            }
            Outcome::Abandoned => {
                counters.abandoned();
                ("abandoned", None)
            }
        };
        std::mem::replace(&mut self.place, Place::Off).write(|| Entry {
            at: io::clock::wall(),
            session: self.session.id,
            user: self.user.clone(),
            peer: self.session.peer,
            op: self.verb,
            path: std::mem::take(&mut self.about.0),
            to: self.about.1.take(),
            end,
            reason,
            bytes,
            took: io::clock::now().saturating_duration_since(self.since),
        });
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.end(Outcome::Abandoned);
    }
}

impl From<Result<(), Reason>> for Outcome {
    fn from(result: Result<(), Reason>) -> Self {
        match result {
            Ok(()) => Self::Done,
            Err(reason) => Self::Failed(reason),
        }
    }
}

/// Which way a permit's bytes go, for those who draw it.
impl Permit {
    /// The direction of the transfer, if bytes move under this permit.
    pub fn direction(&self) -> Option<Direction> {
        self.moving.as_ref().map(|moving| moving.direction)
    }
}
