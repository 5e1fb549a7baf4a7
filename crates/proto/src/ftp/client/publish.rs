//! How does a file get its time and its name at once? MFMT, RNFR and RNTO in one go, where nothing forbids it: over a long
//! way three answers cost as much as one.

use types::Time;

use super::exchange::Outcome;
use super::failure::{Failure, Kind};
use super::session::{Session, is_positive};
use super::transfer::wire;
use crate::ftp::reply::Reply;
use crate::ftp::timeval;
use crate::ftp::verb::Verb;

/// A file that is being named.
#[derive(Debug)]
pub(super) struct Naming {
    from: Box<[u8]>,
    to: Box<[u8]>,
    modified: Option<Time>,
    /// The time is still to be set, in another way.
    is_time_due: bool,
    /// Why the time was not set.
    untimed: Option<Failure>,
    /// Why RNFR was refused.
    unnamed: Option<Failure>,
}

impl Session {
    /// RNFR and RNTO, and before them MFMT where a time is given. RNTO is harmless where RNFR was refused: it is out of
    /// sequence then (RFC 959 §4.1.3).
    pub(super) fn publish(&mut self, from: Box<[u8]>, to: Box<[u8]>, modified: Option<Time>) {
        let by_mfmt = self.welcome.features.may("MFMT") && !self.habits.no_mfmt;
        let line = modified.filter(|_| by_mfmt).map(|time| [timeval::print(time).as_bytes(), b" ", &wire(&from)].concat());
        let is_time_due = modified.is_some() && line.is_none();
        self.naming = Some(Naming { from, to, modified, is_time_due, untimed: None, unnamed: None });
        let waits = line.is_some() && !self.settings.pipeline;
        if let Some(line) = line {
            self.send(Verb::Mfmt, &line, Self::timed);
        }
        if !waits {
            self.name_from();
        }
    }

    fn timed(&mut self, reply: Reply) {
        let failure = (!is_positive(&reply)).then(|| Failure::refused(reply));
        let is_unknown = failure.as_ref().is_some_and(|failure| failure.kind == Kind::Unsupported);
        self.habits.no_mfmt |= is_unknown;
        if let Some(naming) = &mut self.naming {
            naming.is_time_due = is_unknown;
            naming.untimed = failure.filter(|_| !is_unknown);
        }
        if !self.settings.pipeline {
            self.name_from();
        }
    }

    fn name_from(&mut self) {
        let Some(from) = self.naming.as_ref().map(|naming| naming.from.clone()) else { return };
        self.send_name(Verb::Rnfr, &from, |session, reply| {
            let failure = (reply.code != 350 && !is_positive(&reply)).then(|| Failure::refused(reply));
            if !session.settings.pipeline {
                match failure {
                    Some(failure) => {
                        session.naming = None;
                        session.done(Err(failure));
                    }
                    None => session.name_to(),
                }
            } else if let Some(naming) = &mut session.naming {
                naming.unnamed = failure;
            }
        });
        if self.settings.pipeline {
            self.name_to();
        }
    }

    fn name_to(&mut self) {
        let Some(to) = self.naming.as_ref().map(|naming| naming.to.clone()) else { return };
        self.send_name(Verb::Rnto, &to, |session, reply| {
            let Some(naming) = session.naming.take() else { return };
            let refused = (!is_positive(&reply)).then(|| Failure::refused(reply));
            match (naming.unnamed.or(refused).or(naming.untimed), naming.modified) {
                (Some(failure), _) => session.done(Err(failure)),
                (None, Some(time)) if naming.is_time_due => session.set_modified(naming.to, time),
                (None, _) => session.done(Ok(Outcome::Done)),
            }
        });
    }
}
