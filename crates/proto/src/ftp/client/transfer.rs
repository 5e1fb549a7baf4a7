//! One transfer from its command to its end. It went well only if the server confirmed it, the data ended in good order, and
//! the bytes are as many as they must be; whichever comes first waits for the other.

use std::time::Duration;

use super::exchange::{DataFault, DataId, Flow, Form, Line, Output};
use super::failure::{Failure, Kind, Wait};
use super::session::{Session, Then, is_positive};
use super::shape::Shape;
use crate::ftp::data::{Mode, Structure};
use crate::ftp::listing::parse::ListingParser;
use crate::ftp::name;
use crate::ftp::reply::Reply;
use crate::ftp::verb::Verb;

/// What is to be moved.
pub(super) struct Plan {
    pub(super) verb: Verb,
    /// As it goes out.
    pub(super) argument: Box<[u8]>,
    /// From which byte on (REST).
    pub(super) rest: u64,
    pub(super) flow: Flow,
    /// How many bytes must move.
    pub(super) expected: Option<u64>,
    pub(super) parser: Option<Box<ListingParser>>,
    /// Runs at the end.
    pub(super) then: AtEnd,
}

/// Runs at the end of a transfer: with the bytes that moved, or with what went wrong.
pub(super) type AtEnd = Box<dyn FnOnce(&mut Session, Result<u64, Failure>) + Send>;

/// A transfer, from the wish for a data connection on.
pub(super) struct Transfer {
    pub(super) id: DataId,
    pub(super) form: Form,
    pub(super) plan: Plan,
    /// Since when it waits for what it waits for.
    pub(super) since: Duration,
    /// A data connection is being made to the server.
    pub(super) connecting: bool,
    /// The server was told where we listen.
    pub(super) told: bool,
    /// The command is out, or REST before it.
    commanded: bool,
    /// The data connection stands.
    opened: bool,
    /// The server said that it begins.
    begun: bool,
    /// The body moves.
    moving: bool,
    /// Bytes that have moved.
    bytes: u64,
    /// How the data ended.
    ended: Option<Result<(), DataFault>>,
    /// The server's last word.
    verdict: Option<Reply>,
    /// It is being broken off, for this end.
    ending: Option<Ending>,
}

/// What follows when a transfer has been broken off.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Ending {
    /// Its operation fails.
    Fail(Failure),
    /// The next way to a data connection is tried.
    NextForm(Failure),
}

impl Transfer {
    pub(super) const fn new(plan: Plan, now: Duration) -> Self {
        Self {
            id: DataId(0),
            form: Form::Epsv,
            plan,
            since: now,
            connecting: false,
            told: false,
            commanded: false,
            opened: false,
            begun: false,
            moving: false,
            bytes: 0,
            ended: None,
            verdict: None,
            ending: None,
        }
    }

    pub(super) const fn is_ending(&self) -> bool {
        self.ending.is_some()
    }

    /// Whether the server's word that it begins is still to come.
    pub(super) const fn is_opening(&self) -> bool {
        !self.begun && self.ending.is_none()
    }

    /// Whether a port of our own is not told to the server yet.
    const fn is_listening(&self) -> bool {
        !self.commanded && !self.form.is_passive()
    }

    /// A listing that the server confirmed without a word that it begins, and for which no data connection stands: of an
    /// empty folder some servers open none. While one may still come, it may also hold the entries.
    fn is_unspoken_listing(&self) -> bool {
        self.plan.flow == Flow::Listing && !self.opened && !self.begun && self.verdict.as_ref().is_some_and(is_positive)
    }

    /// A download confirmed without a word that it begins (RFC 959 §5.4 has no such answer), of which neither a size nor an
    /// end mark can prove that the bytes are all there are.
    fn is_unproven(&self) -> bool {
        let Flow::Receive { form } = self.plan.flow else { return false };
        !self.begun && self.plan.expected.is_none() && form.mode == Mode::Stream && form.structure == Structure::File
    }

    /// What it fails of, if it is known already.
    pub(super) fn failure(&self) -> Option<Failure> {
        match &self.ending {
            Some(Ending::Fail(failure) | Ending::NextForm(failure)) => Some(failure.clone()),
            None => None,
        }
    }

    /// What it waits for, beside replies.
    pub(super) fn wait(&self) -> Option<(Wait, Duration)> {
        let wait = if self.ending.is_some() {
            return None; // ABOR's reply has its limit
        } else if self.ended.is_some() {
            // A server that lost the data connection has a last word, too.
            self.begun.then_some(Wait::Confirmation)?
        } else if self.moving {
            if self.verdict.is_some() { Wait::DataEnd } else { Wait::Progress }
        } else if self.is_listening() || (!self.opened && (self.connecting || self.begun || self.verdict.is_some())) {
            Wait::DataConnection
        } else {
            return None;
        };
        Some((wait, self.since))
    }
}

impl Session {
    /// Begins a transfer, with the TYPE, STRU and MODE that it needs.
    pub(super) fn start_transfer(&mut self, shape: Shape, plan: Plan) {
        self.with_shape(shape, |session, set| {
            let transfer = Transfer::new(plan, session.now);
            match set {
                Ok(()) => session.open_data(transfer),
                Err(failure) => session.transfer_failed(transfer, failure),
            }
        });
    }

    /// Sends the command of the transfer at hand, with REST before it where it begins within a file: right before it, for it
    /// counts for the next command only (RFC 3659 §5).
    pub(super) fn command(&mut self) {
        let Some(transfer) = self.transfer.as_mut().filter(|t| !t.commanded && !t.is_ending()) else { return };
        transfer.commanded = true;
        let (id, rest) = (transfer.id, transfer.plan.rest);
        if rest == 0 {
            return self.command_itself(id);
        }
        self.send(Verb::Rest, rest.to_string().as_bytes(), move |session, reply| {
            if session.transfer.as_ref().is_none_or(|t| t.id != id || t.is_ending()) {
                return;
            }
            if reply.code == 350 || is_positive(&reply) {
                session.command_itself(id);
            } else if let Some(transfer) = session.transfer.take() {
                session.emit(Output::Cut(id));
                session.transfer_failed(transfer, Failure::said(Kind::NoRestart, reply));
            }
        });
    }

    fn command_itself(&mut self, id: DataId) {
        let Some(transfer) = self.transfer.as_ref() else { return };
        let line = Line::new(transfer.plan.verb, &transfer.plan.argument);
        self.send_line(line, Wait::Opening, Then::Transfer(id));
    }

    pub(super) fn data_opened(&mut self, id: DataId) {
        let now = self.now;
        let wanted = |t: &&mut Transfer| t.id == id && (t.connecting || t.told) && !t.is_ending();
        let Some(transfer) = self.transfer.as_mut().filter(wanted) else { return };
        transfer.opened = true;
        transfer.connecting = false;
        transfer.since = now;
        if !transfer.commanded && transfer.form.is_passive() {
            return self.command();
        }
        self.move_if_ready();
    }

    /// A 1xx: the server says that it begins.
    pub(super) fn transfer_begins(&mut self) {
        let now = self.now;
        let Some(transfer) = self.transfer.as_mut().filter(|t| !t.is_ending()) else { return };
        if !transfer.begun {
            transfer.begun = true;
            transfer.since = now;
        }
        self.move_if_ready();
    }

    fn move_if_ready(&mut self) {
        let now = self.now;
        let (Some(op), Some(transfer)) = (self.op(), self.transfer.as_mut()) else { return };
        // Some servers say nothing before the end. Then what they sent is there already; what they should be sent is not.
        let said_well = transfer.verdict.as_ref().is_some_and(is_positive);
        let told = match &transfer.verdict {
            None => transfer.begun,
            Some(_) => said_well && (transfer.begun || !matches!(transfer.plan.flow, Flow::Send { .. })),
        };
        if transfer.opened && told && !transfer.moving && transfer.ended.is_none() {
            transfer.moving = true;
            transfer.since = now;
            let output = Output::Move(transfer.id, op, transfer.plan.flow);
            self.emit(output);
        }
    }

    pub(super) fn progress(&mut self, id: DataId, bytes: u64) {
        let now = self.now;
        if let Some(transfer) = self.transfer.as_mut().filter(|t| t.id == id)
            && bytes > transfer.bytes
        {
            transfer.bytes = bytes;
            transfer.since = now;
        }
    }

    pub(super) fn data(&mut self, id: DataId, bytes: &[u8]) {
        let now = self.now;
        let Some(transfer) = self.transfer.as_mut().filter(|t| t.id == id && t.moving && !t.is_ending()) else { return };
        transfer.bytes += bytes.len() as u64;
        transfer.since = now;
        if let Some(parser) = &mut transfer.plan.parser {
            parser.push(bytes);
        }
        self.tell_items();
    }

    pub(super) fn data_ended(&mut self, id: DataId, bytes: u64) {
        let now = self.now;
        let Some(transfer) = self.transfer.as_mut().filter(|t| t.id == id && t.ended.is_none() && !t.is_ending()) else { return };
        if !transfer.moving {
            let why = "the data connection ended before the transfer began";
            return self.data_failed(id, DataFault::Broken(why.into()));
        }
        transfer.bytes = bytes;
        transfer.ended = Some(Ok(()));
        transfer.since = now;
        self.settle();
    }

    pub(super) fn data_failed(&mut self, id: DataId, fault: DataFault) {
        let now = self.now;
        let Some(transfer) = self.transfer.as_mut().filter(|t| t.id == id && t.ended.is_none() && !t.is_ending()) else { return };
        transfer.since = now;
        let failure = Self::fault(&fault);
        let early = !transfer.begun && transfer.verdict.is_none();
        match (&fault, transfer.commanded) {
            (DataFault::Local(_), _) => self.abort(Ending::Fail(failure)),
            (_, false) => self.form_failed(failure),
            (DataFault::NotMade(_), true) if transfer.is_unspoken_listing() => self.empty_listing(),
            // The server waits for a connection that will not come.
            (DataFault::NotMade(_), true) => self.abort(Ending::NextForm(failure)),
            (DataFault::Tls(_), true) if early => self.abort(Ending::Fail(failure)),
            // What the server says of it may tell more: no space, no permission.
            _ => {
                transfer.ended = Some(Err(fault));
                self.settle();
            }
        }
    }

    /// The last reply to a transfer's command.
    pub(super) fn transfer_verdict(&mut self, id: DataId, reply: Reply) {
        let now = self.now;
        let Some(transfer) = self.transfer.as_mut().filter(|t| t.id == id && !t.is_ending()) else { return };
        transfer.verdict = Some(reply);
        transfer.since = now;
        self.settle();
        self.move_if_ready();
    }

    /// Ends the transfer if both sides of it have ended.
    fn settle(&mut self) {
        let Some(transfer) = self.transfer.as_ref() else { return };
        let listing = transfer.plan.flow == Flow::Listing;
        let result = match (&transfer.verdict, &transfer.ended) {
            (Some(verdict), _) if !is_positive(verdict) => {
                let meaning = if transfer.begun { Failure::broken_off } else { Failure::refused };
                let mut failure = meaning(verdict.clone());
                if let Some(Err(fault @ DataFault::Tls(why))) = &transfer.ended {
                    failure = Failure { kind: Self::fault(fault).kind, detail: why.clone(), ..failure };
                }
                let no_data = verdict.code == 425 && !transfer.moving && transfer.ended.is_none();
                if no_data && !self.ways.proven {
                    return self.form_failed(failure);
                }
                if listing && says_empty(verdict) { Ok(()) } else { Err(failure) }
            }
            (Some(_), Some(Ok(()))) => match transfer.plan.expected.filter(|expected| *expected != transfer.bytes) {
                Some(expected) => {
                    let detail = format!("{} bytes moved where {expected} were expected", transfer.bytes);
                    Err(Failure::because(Kind::SizeMismatch, detail))
                }
                None => Ok(()),
            },
            (Some(_), Some(Err(fault))) => Err(Self::fault(fault)),
            (Some(_), None) if matches!(transfer.plan.flow, Flow::Send { .. }) && !transfer.begun => {
                Err(Failure::because(Kind::Protocol, "the server confirmed an upload before it let it begin"))
            }
            (Some(_), None) if transfer.is_unproven() => {
                let detail = "the server confirmed a download that it never said to begin, and no size tells whether all came";
                Err(Failure::because(Kind::Protocol, detail))
            }
            _ => return,
        };
        let Some(mut transfer) = self.transfer.take() else { return };
        if transfer.opened && transfer.moving && result.is_ok() {
            self.ways.proven = true;
        }
        if transfer.ended != Some(Ok(())) {
            self.emit(Output::Cut(transfer.id));
        }
        if result.is_ok()
            && let Some(parser) = &mut transfer.plan.parser
        {
            parser.end();
        }
        match result {
            Ok(()) => self.transfer_done(transfer),
            Err(failure) => self.transfer_failed(transfer, failure),
        }
    }

    /// The listing at hand was confirmed, and no data connection will come: the folder is empty.
    fn empty_listing(&mut self) {
        let Some(mut transfer) = self.transfer.take() else { return };
        self.emit(Output::Cut(transfer.id));
        if let Some(parser) = &mut transfer.plan.parser {
            parser.end();
        }
        self.transfer_done(transfer);
    }

    fn transfer_done(&mut self, transfer: Transfer) {
        let bytes = transfer.bytes;
        self.finish_items(transfer.plan.parser);
        (transfer.plan.then)(self, Ok(bytes));
    }

    pub(super) fn transfer_failed(&mut self, transfer: Transfer, failure: Failure) {
        (transfer.plan.then)(self, Err(failure));
    }

    /// Breaks the transfer at hand off. The data connection is cut and not closed: a server takes a close for the end of the
    /// file.
    pub(super) fn abort(&mut self, ending: Ending) {
        let Some(transfer) = self.transfer.as_mut().filter(|t| !t.is_ending()) else { return };
        let (id, running) = (transfer.id, transfer.commanded && transfer.verdict.is_none());
        if !running {
            transfer.ending = Some(ending);
            return self.aborted();
        }
        transfer.ending = Some(ending);
        self.emit(Output::Cut(id));
        self.await_anew();
        self.send_line(Line::new(Verb::Abor, b""), Wait::Abort, Then::Abor { asked: false });
    }

    /// All that was sent for the transfer is answered, or nothing was.
    pub(super) fn aborted(&mut self) {
        let Some(mut transfer) = self.transfer.take() else { return };
        match transfer.ending.take() {
            Some(Ending::NextForm(failure)) if !self.ways.proven => {
                self.transfer = Some(transfer);
                self.form_failed(failure);
            }
            Some(Ending::Fail(failure) | Ending::NextForm(failure)) => {
                self.emit(Output::Cut(transfer.id));
                self.transfer_failed(transfer, failure);
            }
            None => {}
        }
    }

    /// One of the transfer's own waits took too long.
    pub(super) fn transfer_overdue(&mut self, wait: Wait) {
        let Some(transfer) = self.transfer.as_ref() else { return };
        let failure = Failure::timeout(wait);
        match wait {
            Wait::DataConnection if transfer.is_unspoken_listing() => self.empty_listing(),
            Wait::DataConnection => {
                let failure = Failure { kind: Kind::DataNeverCame, ..failure };
                if transfer.commanded { self.abort(Ending::NextForm(failure)) } else { self.form_failed(failure) }
            }
            _ => self.abort(Ending::Fail(failure)),
        }
    }
}

/// Whether a refusal to list only says that there is nothing.
fn says_empty(reply: &Reply) -> bool {
    let text = String::from_utf8_lossy(&reply.text).to_lowercase();
    matches!(reply.code, 450 | 550)
        && ["no files found", "no data sets found", "no members found", "directory is empty", "folder is empty", "is empty"]
            .iter()
            .any(|words| text.contains(words))
}

/// A name as it goes out.
pub(super) fn wire(path: &[u8]) -> Box<[u8]> {
    name::encode(path).into_owned().into()
}
