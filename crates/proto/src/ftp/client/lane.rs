//! How do many small files go behind one another over one data connection that stays open (RFC 959 §3.4.2), with the commands of
//! the next ones out before the first is over?

use std::collections::BTreeMap;

use types::Time;

use super::exchange::{DataFault, DataId, Flow, Line, OpId, Operation, Outcome, Output};
use super::failure::{Failure, Kind, Wait};
use super::session::{Session, Then, is_positive};
use super::shape::Shape;
use super::transfer::wire;
use crate::ftp::data::{Mode, Type};
use crate::ftp::reply::Reply;
use crate::ftp::timeval;
use crate::ftp::verb::Verb;

/// How many files are under way at once.
pub const AT_ONCE: usize = 64;

/// The data connection that stays, and what is under way over it.
pub(super) struct Lane {
    id: DataId,
    stage: Stage,
    flights: BTreeMap<OpId, Flight>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// It is being set up.
    Opening,
    Open,
    /// It is of no more use; what was sent is still to be answered.
    Broken,
}

/// One file.
struct Flight {
    path: Box<[u8]>,
    store: bool,
    size: u64,
    modified: Option<Time>,
    /// The server said that it begins.
    begun: bool,
    /// How its body ended.
    body: Option<Result<u64, DataFault>>,
    /// The server's last word.
    verdict: Option<Reply>,
    /// The file is there, and gets its time.
    dating: bool,
    /// Nobody wants to hear of it any more; what was begun is ended all the same.
    cancelled: bool,
}

impl Session {
    /// Begins a file over the lane, if it can be begun now. It runs beside others of its kind, and beside nothing else.
    pub(super) fn begin_kept(&mut self) -> bool {
        if self.habits.no_lane {
            if let Some((op, _)) = self.take_queued() {
                self.emit(Output::Done(op, Err(Failure::because(Kind::Unsupported, "no data connection stays open here"))));
            }
            return true;
        }
        match &self.lane {
            None if self.is_free() => {
                self.open_lane();
                false
            }
            Some(lane) if lane.stage == Stage::Open && lane.flights.len() < AT_ONCE && self.op().is_none() => {
                if let Some((op, operation)) = self.take_queued() {
                    self.fly(op, operation);
                }
                true
            }
            _ => false,
        }
    }

    /// Whether nothing is under way on the lane, so that something else may begin.
    pub(super) fn is_lane_quiet(&self) -> bool {
        self.lane.as_ref().is_none_or(|lane| lane.stage == Stage::Open && lane.flights.is_empty())
    }

    pub(super) fn is_lane(&self, id: DataId) -> bool {
        self.lane.as_ref().is_some_and(|lane| lane.id == id)
    }

    fn open_lane(&mut self) {
        let form = self.ways.form().filter(|form| form.is_passive());
        let (Some(form), true) = (form, self.welcome.features.keeps_bodies()) else {
            self.habits.no_lane = true;
            return;
        };
        let id = self.new_data();
        self.lane = Some(Lane { id, stage: Stage::Opening, flights: BTreeMap::new() });
        let shape = Shape { mode: Mode::Block, ..Shape::plain(Some(Type::Image)) };
        self.send(Verb::Opts, b"MODE B BODIES", move |session, reply| {
            if !is_positive(&reply) {
                return session.no_lane();
            }
            session.with_shape(shape, move |session, set| {
                let (Ok(()), Some(verb)) = (set, form.verb()) else { return session.no_lane() };
                session.send(verb, b"", move |session, reply| {
                    let protected = session.welcome.data_protected;
                    match session.told_address(form, &reply) {
                        Some(at) => session.emit(Output::Connect(id, session.believed(at), protected)),
                        None => session.no_lane(),
                    }
                });
            });
        });
    }

    /// It cannot be had on this session.
    fn no_lane(&mut self) {
        self.habits.no_lane = true;
        if let Some(lane) = self.lane.take() {
            self.emit(Output::Cut(lane.id));
        }
    }

    /// Another MODE holds: the data connection goes.
    pub(super) fn end_lane(&mut self) {
        if let Some(lane) = self.lane.take_if(|lane| lane.stage != Stage::Opening) {
            self.emit(Output::Cut(lane.id));
        }
    }

    pub(super) fn lane_opened(&mut self) {
        if let Some(lane) = self.lane.as_mut().filter(|lane| lane.stage == Stage::Opening) {
            lane.stage = Stage::Open;
        }
    }

    pub(super) fn lane_failed(&mut self, fault: &DataFault) {
        match &self.lane {
            Some(lane) if lane.stage == Stage::Opening => self.no_lane(),
            _ => self.break_lane(&Self::fault(fault)),
        }
    }

    fn fly(&mut self, op: OpId, operation: Operation) {
        let (Operation::Kept { path, size, store, modified }, Some(lane)) = (operation, self.lane.as_mut()) else {
            return;
        };
        if path.contains(&0) {
            let failure = Failure::because(Kind::BadName, "a name with a NUL byte cannot be sent");
            return self.emit(Output::Done(op, Err(failure)));
        }
        let id = lane.id;
        let line = Line::new(if store { Verb::Stor } else { Verb::Retr }, &wire(&path));
        let flight =
            Flight { path, store, size, modified, begun: false, body: None, verdict: None, dating: false, cancelled: false };
        lane.flights.insert(op, flight);
        self.send_line(line, Wait::Opening, Then::Flight(op));
        if store {
            // Its body is taken, whatever is said of it.
            self.emit(Output::Move(id, op, Flow::SendKept));
        }
    }

    /// A 1xx: the server says that it begins.
    pub(super) fn flight_begins(&mut self, op: OpId) {
        let Some(lane) = self.lane.as_mut() else { return };
        let id = lane.id;
        let Some(flight) = lane.flights.get_mut(&op) else { return };
        if !std::mem::replace(&mut flight.begun, true) && !flight.store {
            self.emit(Output::Move(id, op, Flow::ReceiveKept));
        }
    }

    /// The body of a file has moved to its end, or not.
    pub(super) fn body_ended(&mut self, id: DataId, op: OpId, result: Result<u64, DataFault>) {
        let Some(lane) = self.lane.as_mut().filter(|lane| lane.id == id) else { return };
        let failure = result.as_ref().err().map(Self::fault);
        if let Some(flight) = lane.flights.get_mut(&op) {
            flight.body = Some(result);
        }
        match failure {
            // Where the next body begins is not known any more.
            Some(failure) => self.break_lane_over(op, failure),
            None => self.settle_flight(op),
        }
        self.await_anew();
    }

    /// The last reply to the command of a file.
    pub(super) fn flight_verdict(&mut self, op: OpId, reply: Reply) {
        let Some(flight) = self.lane.as_mut().and_then(|lane| lane.flights.get_mut(&op)) else { return self.lane_may_end() };
        let well = is_positive(&reply);
        // No data connection, one that broke, or a file that was sent without a word that it begins.
        let lost = matches!(reply.code, 425 | 426) || (flight.begun && !well) || (well && !flight.begun);
        if lost {
            return self.break_lane_over(op, Failure::said(Kind::Cut, reply));
        }
        if !flight.store && !well {
            return self.land(op, Err(Failure::refused(reply)));
        }
        flight.verdict = Some(reply);
        self.settle_flight(op);
    }

    fn settle_flight(&mut self, op: OpId) {
        let Some(flight) = self.lane.as_mut().and_then(|lane| lane.flights.get_mut(&op)) else { return };
        let (Some(Ok(bytes)), Some(verdict)) = (&flight.body, &flight.verdict) else { return };
        let bytes = *bytes;
        if !is_positive(verdict) {
            let failure = Failure::refused(verdict.clone());
            return self.land(op, Err(failure));
        }
        if bytes != flight.size {
            let detail = format!("{bytes} bytes moved where {} were expected", flight.size);
            return self.land(op, Err(Failure::because(Kind::SizeMismatch, detail)));
        }
        // Only now: had the file been refused, its time would have gone to the one that stood there before.
        let Some(time) = flight.modified.take().filter(|_| flight.store) else { return self.land(op, Ok(bytes)) };
        flight.dating = true;
        let argument = [timeval::print(time).as_bytes(), b" ", &wire(&flight.path)].concat();
        self.send(Verb::Mfmt, &argument, move |session, reply| {
            session.land(op, if is_positive(&reply) { Ok(bytes) } else { Err(Failure::refused(reply)) });
            session.lane_may_end();
        });
    }

    /// A file is over.
    fn land(&mut self, op: OpId, result: Result<u64, Failure>) {
        let Some(flight) = self.lane.as_mut().and_then(|lane| lane.flights.remove(&op)) else { return };
        if result.is_ok() {
            self.ways.proven = true;
        }
        if !flight.cancelled {
            self.emit(Output::Done(op, result.map(Outcome::Moved)));
        }
    }

    /// One file broke the lane: it fails of that, the others of its loss.
    fn break_lane_over(&mut self, op: OpId, failure: Failure) {
        let why = Failure::because(Kind::Cut, format!("the data connection that many files share broke: {failure}"));
        self.land(op, Err(failure));
        self.break_lane(&why);
    }

    /// The data connection is lost. The files that are under way go another way, each for itself; those whose commands are out
    /// may have arrived, and come once more.
    fn break_lane(&mut self, failure: &Failure) {
        let Some(lane) = self.lane.as_mut().filter(|lane| lane.stage != Stage::Broken) else { return };
        lane.stage = Stage::Broken;
        let id = lane.id;
        let lost: Vec<_> = lane.flights.iter().filter(|(_, flight)| !flight.dating).map(|(op, _)| *op).collect();
        self.habits.no_lane = true;
        self.emit(Output::Cut(id));
        for op in lost {
            self.land(op, Err(Failure { kind: Kind::Cut, ..failure.clone() }));
        }
        self.lane_may_end();
    }

    /// A lane that broke is gone once all that was sent for it is answered.
    fn lane_may_end(&mut self) {
        let is_over = |lane: &&Lane| lane.stage == Stage::Broken && lane.flights.is_empty();
        if self.lane.as_ref().filter(is_over).is_some() && !self.awaits_flights() {
            self.lane = None;
        }
    }

    /// Nobody wants this file any more: `false` where it is not on the lane.
    pub(super) fn cancel_flight(&mut self, op: OpId) -> bool {
        let Some(flight) = self.lane.as_mut().and_then(|lane| lane.flights.get_mut(&op)) else { return false };
        if !std::mem::replace(&mut flight.cancelled, true) {
            self.emit(Output::Done(op, Err(Failure::of(Kind::Cancelled))));
        }
        true
    }

    /// Whether the reply to a file's command is what is waited for: not while its body moves, which the driver looks after.
    pub(super) fn awaits_word(&self, op: OpId) -> bool {
        let flight = self.lane.as_ref().and_then(|lane| lane.flights.get(&op));
        flight.is_none_or(|flight| !flight.begun || flight.body.is_some())
    }

    /// Whether the server said that a file begins.
    pub(super) fn has_begun(&self, op: OpId) -> bool {
        self.lane.as_ref().and_then(|lane| lane.flights.get(&op)).is_some_and(|flight| flight.begun)
    }

    /// The session is over.
    pub(super) fn close_lane(&mut self, failure: &Failure) {
        let Some(lane) = self.lane.take() else { return };
        self.emit(Output::Cut(lane.id));
        for (op, _) in lane.flights.into_iter().filter(|(_, flight)| !flight.cancelled) {
            self.emit(Output::Done(op, Err(failure.clone())));
        }
    }
}

/// Whether an operation goes over the lane.
pub(super) const fn is_kept(operation: &Operation) -> bool {
    matches!(operation, Operation::Kept { .. })
}

#[cfg(test)]
mod tests;
