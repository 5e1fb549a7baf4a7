//! `Session`: one mutation, then drain. What was sent and not answered stands in a queue: replies come in the order of the
//! lines (RFC 959 §5.4), and each finds there what is to be done with it.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::data::Ways;
use super::exchange::{DataId, Input, Line, Note, OpId, Operation, Outcome, Output, Settings, Tls, Welcome};
use super::failure::{Failure, Kind, Wait, connection_limit};
use super::features::Features;
use super::lane::{Lane, is_kept};
use super::list::Habits;
use super::publish::Naming;
use super::replies::ReplyDecoder;
use super::shape::Shape;
use super::transfer::Transfer;
use crate::ftp::name;
use crate::ftp::reply::Reply;
use crate::ftp::verb::Verb;

/// How many replies that answer nothing are passed over before the session is given up.
const STRAYS_AT_MOST: u32 = 16;

/// The client's end of one FTP session, from the moment its control connection stands.
pub struct Session {
    pub(super) settings: Arc<Settings>,
    pub(super) peer: SocketAddr,
    pub(super) local: SocketAddr,
    pub(super) stage: Stage,
    pub(super) welcome: Welcome,
    pub(super) ways: Ways,
    pub(super) habits: Habits,
    /// The TYPE, STRU and MODE in force.
    pub(super) shape: Shape,
    pub(super) transfer: Option<Transfer>,
    /// The data connection that stays open for many files.
    pub(super) lane: Option<Lane>,
    /// The command of a transfer between servers is out.
    pub(super) beyond: bool,
    /// The file that is being given its name.
    pub(super) naming: Option<Naming>,
    pub(super) now: Duration,
    replies: ReplyDecoder,
    awaited: VecDeque<Awaited>,
    op: Option<OpId>,
    queue: VecDeque<(OpId, Operation)>,
    quitting: bool,
    out: VecDeque<Output>,
    /// When a line or a reply last passed.
    quiet_since: Duration,
    strays: u32,
    next_data: u32,
}

/// How far the session has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stage {
    /// From the greeting to the end of the login.
    Starting,
    /// TLS is being made, since then.
    Handshake(Duration),
    /// Operations run.
    Ready,
    /// QUIT is out.
    Leaving,
    /// The control connection is being closed.
    Closed,
}

/// A line that was sent and whose last reply has not come.
struct Awaited {
    /// For which operation. Where that is over, the reply is taken and dropped.
    op: Option<OpId>,
    wait: Wait,
    /// Since when nothing else is waited for.
    since: Duration,
    then: Then,
}

/// Runs with the last reply to a line.
pub(super) type Answered = Box<dyn FnOnce(&mut Session, Reply) + Send>;

/// What is done with a reply.
pub(super) enum Then {
    /// This, with the last one; those that only say "wait" (1xx) are passed over.
    Do(Answered),
    /// It is about a transfer: the first says that it begins, the last how it ended.
    Transfer(DataId),
    /// It is about a file on the lane, likewise.
    Flight(OpId),
    /// It is ABOR's; or that to the NOOP behind it, where ABOR's did not come.
    Abor {
        /// Whether that NOOP is out.
        asked: bool,
    },
}

impl Session {
    /// A session over a control connection that stands, between `local` and `peer`.
    pub fn new(settings: Arc<Settings>, peer: SocketAddr, local: SocketAddr) -> Self {
        let canonical = |a: SocketAddr| SocketAddr::new(a.ip().to_canonical(), a.port());
        let (peer, local) = (canonical(peer), canonical(local));
        let nothing = Reply::fixed(0, "");
        let mut session = Self {
            ways: Ways::new(&settings.forms, peer.is_ipv4()),
            peer,
            local,
            stage: Stage::Starting,
            welcome: Welcome {
                greeting: nothing.clone(),
                login: nothing,
                system: None,
                features: Features::default(),
                protected: false,
                data_protected: false,
            },
            habits: Habits::default(),
            shape: Shape::plain(None),
            transfer: None,
            lane: None,
            beyond: false,
            naming: None,
            now: Duration::ZERO,
            replies: ReplyDecoder::new(),
            awaited: VecDeque::new(),
            op: None,
            queue: VecDeque::new(),
            quitting: false,
            out: VecDeque::new(),
            quiet_since: Duration::ZERO,
            strays: 0,
            next_data: 0,
            settings,
        };
        if session.settings.tls == Tls::Implicit {
            session.start_tls();
        } else {
            session.await_greeting();
        }
        session
    }

    /// Takes something in. `now` is the time since the session began and never goes back. Then drain [`Session::poll`].
    pub fn handle(&mut self, input: Input<'_>, now: Duration) {
        self.now = now.max(self.now);
        if self.stage == Stage::Closed {
            if let Input::Run(id, _) = input {
                self.emit(Output::Done(id, Err(Failure::of(Kind::Disconnected))));
            }
            return;
        }
        match input {
            Input::Received(bytes) => self.received(bytes),
            Input::Lost(_) if self.stage == Stage::Leaving => self.close(None),
            Input::Lost(None) => self.close(Some(Failure::because(Kind::Disconnected, "the server closed it without a word"))),
            Input::Lost(Some(how)) => self.close(Some(Failure::because(Kind::Disconnected, how))),
            Input::Tls(done) => self.handshaken(done),
            Input::Listening(id, at) => self.listening(id, at),
            Input::DataOpened(id) if self.is_lane(id) => self.lane_opened(),
            Input::DataFailed(id, fault) if self.is_lane(id) => self.lane_failed(&fault),
            Input::Body(id, op, result) => self.body_ended(id, op, result),
            Input::DataOpened(id) => self.data_opened(id),
            Input::Data(id, bytes) => self.data(id, bytes),
            Input::Progress(id, bytes) => self.progress(id, bytes),
            Input::DataEnded(id, bytes) => self.data_ended(id, bytes),
            Input::DataFailed(id, fault) => self.data_failed(id, fault),
            Input::Run(id, operation) => self.queue.push_back((id, operation)),
            Input::Cancel(id) => self.cancel(id),
            Input::Quit => self.quitting = true,
            Input::Tick => {}
        }
        self.check_deadline();
        self.advance();
    }

    /// What comes out next; ask until `None`.
    pub fn poll(&mut self) -> Option<Output> {
        let out = self.out.pop_front();
        if out.is_none() && self.out.capacity() > 64 {
            self.out = VecDeque::new();
        }
        out
    }

    /// When to come back with [`Input::Tick`] at the latest, as time since the session began.
    pub fn deadline(&self) -> Option<Duration> {
        if self.stage == Stage::Closed {
            return None;
        }
        let waits = self.waits().map(|(wait, since)| since.saturating_add(self.settings.limits.of(wait))).min();
        waits.or_else(|| self.keep_alive_at())
    }

    /// What is waited for at this moment, for whoever asks why nothing happens.
    pub fn waiting(&self) -> Option<Wait> {
        self.waits().min_by_key(|(wait, since)| since.saturating_add(self.settings.limits.of(*wait))).map(|(wait, _)| wait)
    }

    /// Whether the control connection is being closed.
    pub fn is_closed(&self) -> bool {
        self.stage == Stage::Closed
    }

    /// Whether nothing is under way and nothing waits.
    pub fn is_idle(&self) -> bool {
        self.stage == Stage::Ready && self.is_free() && self.awaited.is_empty() && self.queue.is_empty()
    }

    /// What the server told of itself; whole once [`Output::Ready`] came.
    pub const fn welcome(&self) -> &Welcome {
        &self.welcome
    }

    /// Whether an operation may begin. What an earlier one sent must be answered first, or it could be taken for an answer to
    /// this one; what was said beside operations (NOOP, OPTS) need not.
    pub(super) fn is_free(&self) -> bool {
        let pipeline = self.settings.pipeline;
        self.op.is_none()
            && self.transfer.is_none()
            && self.is_lane_quiet()
            && self.awaited.iter().all(|awaited| pipeline && awaited.op.is_none())
    }

    fn keep_alive_at(&self) -> Option<Duration> {
        let every = self.settings.keep_alive?;
        (self.stage == Stage::Ready && self.is_free() && self.awaited.is_empty()).then(|| self.quiet_since.saturating_add(every))
    }

    fn waits(&self) -> impl Iterator<Item = (Wait, Duration)> + '_ {
        let handshake = match self.stage {
            Stage::Handshake(since) => Some((Wait::Handshake, since)),
            _ => None,
        };
        // A transfer counts its own waits once the server said that it begins, until it is broken off.
        let front = self.awaited.front().filter(|front| match front.then {
            Then::Transfer(id) => self.transfer.as_ref().is_none_or(|t| t.id != id || t.is_opening() || t.is_ending()),
            Then::Flight(op) => self.awaits_word(op),
            Then::Do(_) | Then::Abor { .. } => true,
        });
        let ending = self.transfer.as_ref().is_some_and(Transfer::is_ending);
        let front = front.map(|front| {
            let wait = match front.then {
                Then::Abor { asked: false } => Wait::AbortAlone,
                Then::Flight(op) if self.has_begun(op) => Wait::Confirmation,
                _ if ending => Wait::Abort,
                _ => front.wait,
            };
            (wait, front.since)
        });
        let transfer = self.transfer.as_ref().and_then(Transfer::wait);
        handshake.into_iter().chain(front).chain(transfer)
    }

    fn received(&mut self, bytes: &[u8]) {
        let mut input = bytes;
        while let Some(next) = self.replies.next(&mut input) {
            match next {
                Ok(reply) => self.reply(reply),
                Err(error) => return self.close(Some(Failure::because(Kind::Protocol, error.to_string()))),
            }
            match self.stage {
                Stage::Closed => return,
                // What came in clear behind the 234 was put there by somebody else, or by a server that is broken.
                Stage::Handshake(_) if !input.is_empty() => {
                    let detail = "the server, or somebody between, sent bytes in clear behind its consent to TLS";
                    return self.close(Some(Failure::because(Kind::Protocol, detail)));
                }
                Stage::Handshake(_) => return,
                _ => {}
            }
        }
        if self.moves_file()
            && let Some(noise) = self.replies.noise()
        {
            let detail = format!("while a file moves the server sent what is no reply: \"{noise}\"");
            self.close(Some(Failure::because(Kind::Protocol, detail)));
        }
    }

    /// Whether the next reply tells how a file moves: what cannot be read might have been that word, so that there is nothing
    /// to wait for. Elsewhere such lines are passed over.
    fn moves_file(&self) -> bool {
        let ending = self.transfer.as_ref().is_some_and(Transfer::is_ending);
        self.awaited.front().is_some_and(|front| match front.then {
            Then::Transfer(_) => !ending,
            Then::Flight(_) => true,
            Then::Do(_) => front.wait == Wait::Beyond,
            Then::Abor { .. } => false,
        })
    }

    fn reply(&mut self, reply: Reply) {
        self.quiet_since = self.now;
        if let Some(limit) = connection_limit(&reply) {
            self.note(Note::ConnectionLimit(limit));
        }
        if reply.code == 421 {
            return self.close(Some(Failure::refused(reply)));
        }
        let now = self.now;
        let Some(front) = self.awaited.front_mut() else { return self.stray(reply) };
        // What comes late belongs to ABOR; NOOP's own is behind it.
        if matches!(front.then, Then::Abor { asked: true }) && matches!(reply.code, 225 | 226 | 425 | 426) {
            return;
        }
        if reply.code < 200 {
            front.since = now;
            let about = (front.op, matches!(front.then, Then::Transfer(_)));
            if let Then::Flight(op) = front.then {
                self.flight_begins(op);
            } else if about.0 == self.op && about.1 {
                self.transfer_begins();
            }
            return;
        }
        let Some(front) = self.awaited.pop_front() else { return };
        if let Some(next) = self.awaited.front_mut() {
            next.since = now;
        }
        if front.op.is_some() && front.op != self.op {
            return; // its operation is over
        }
        match front.then {
            Then::Do(then) => then(self, reply),
            Then::Transfer(id) => self.transfer_verdict(id, reply),
            Then::Flight(op) => self.flight_verdict(op, reply),
            Then::Abor { .. } => self.aborted(),
        }
    }

    /// ABOR seems to have had its reply already, in one with the transfer's: NOOP's shows it.
    fn ask_whether_aborted(&mut self) {
        let Some(front) = self.awaited.front_mut() else { return };
        (front.then, front.since) = (Then::Abor { asked: true }, self.now);
        self.emit(Output::Send(Line::new(Verb::Noop, b"")));
    }

    fn stray(&mut self, reply: Reply) {
        self.strays += 1;
        if self.strays > STRAYS_AT_MOST {
            let detail = "too many replies that answer nothing";
            return self.close(Some(Failure { detail: detail.into(), ..Failure::said(Kind::Protocol, reply) }));
        }
        self.note(Note::StrayReply(reply));
    }

    /// Begins what comes next, if nothing is under way.
    fn advance(&mut self) {
        while self.stage == Stage::Ready {
            if self.queue.front().is_some_and(|(_, operation)| is_kept(operation)) {
                // Where a lane cannot even be begun, the next look says so.
                if self.begin_kept() || self.habits.no_lane && self.is_free() {
                    continue;
                }
                break;
            }
            if !self.is_free() {
                break;
            }
            if let Some((id, operation)) = self.queue.pop_front() {
                self.op = Some(id);
                self.begin(operation);
            } else if self.quitting {
                self.stage = Stage::Leaving;
                self.send(Verb::Quit, b"", |session, _| session.close(None));
            } else {
                break;
            }
        }
    }

    fn cancel(&mut self, id: OpId) {
        let failure = Failure::of(Kind::Cancelled);
        if self.op == Some(id) {
            if self.transfer.is_some() {
                self.abort(super::transfer::Ending::Fail(failure));
            } else if self.beyond {
                self.abort_beyond();
                self.done(Err(failure));
            } else {
                self.done(Err(failure));
            }
        } else if self.cancel_flight(id) {
            // Its body is moved to the end: others stand behind it.
        } else if let Some(at) = self.queue.iter().position(|(queued, _)| *queued == id) {
            self.queue.remove(at);
            self.emit(Output::Done(id, Err(failure)));
        }
    }

    /// Breaks a transfer between servers off. What is still to be said of it is waited for, and no longer than that.
    fn abort_beyond(&mut self) {
        let now = self.now;
        for awaited in &mut self.awaited {
            (awaited.wait, awaited.since) = (Wait::Abort, now);
        }
        self.send_line(Line::new(Verb::Abor, b""), Wait::Abort, Then::Do(Box::new(|_, _| {})));
    }

    fn check_deadline(&mut self) {
        if self.stage == Stage::Closed {
            return;
        }
        let overdue = self.waits().find(|(wait, since)| self.now >= since.saturating_add(self.settings.limits.of(*wait)));
        match overdue.map(|(wait, _)| wait) {
            Some(_) if self.stage == Stage::Leaving => self.close(None),
            Some(wait @ (Wait::DataConnection | Wait::Progress | Wait::DataEnd)) => self.transfer_overdue(wait),
            Some(Wait::AbortAlone) => self.ask_whether_aborted(),
            Some(wait) => self.close(Some(Failure::timeout(wait))),
            None if self.keep_alive_at().is_some_and(|at| self.now >= at) && self.queue.is_empty() && !self.quitting => {
                self.send(Verb::Noop, b"", |_, _| {});
            }
            None => {}
        }
    }
}

/// What the other files of the session use.
impl Session {
    pub(super) fn emit(&mut self, output: Output) {
        self.out.push_back(output);
    }

    pub(super) fn note(&mut self, note: Note) {
        self.emit(Output::Note(note));
    }

    /// Sends a line and does `then` with its last reply.
    pub(super) fn send(&mut self, verb: Verb, argument: &[u8], then: impl FnOnce(&mut Self, Reply) + Send + 'static) {
        self.send_line(Line::new(verb, argument), Wait::Reply, Then::Do(Box::new(then)));
    }

    /// As [`Session::send`], with a name: it goes out so that it forges no line.
    pub(super) fn send_name(&mut self, verb: Verb, path: &[u8], then: impl FnOnce(&mut Self, Reply) + Send + 'static) {
        let wire = name::encode(path).into_owned();
        self.send(verb, &wire, then);
    }

    pub(super) fn send_line(&mut self, line: Line, wait: Wait, then: Then) {
        self.quiet_since = self.now;
        self.emit(Output::Send(line));
        self.await_reply(wait, then);
    }

    pub(super) fn take_queued(&mut self) -> Option<(OpId, Operation)> {
        self.queue.pop_front()
    }

    /// Whether a reply to a file's command on the lane is still to come.
    pub(super) fn awaits_flights(&self) -> bool {
        self.awaited.iter().any(|awaited| matches!(awaited.then, Then::Flight(_)))
    }

    pub(super) fn await_reply(&mut self, wait: Wait, then: Then) {
        self.awaited.push_back(Awaited { op: self.op, wait, since: self.now, then });
    }

    /// What is awaited next is awaited from now on.
    pub(super) fn await_anew(&mut self) {
        let now = self.now;
        if let Some(front) = self.awaited.front_mut() {
            front.since = now;
        }
    }

    /// Forgets what a server said in clear before TLS.
    pub(super) fn forget_replies(&mut self) {
        self.replies = ReplyDecoder::new();
    }

    pub(super) const fn new_data(&mut self) -> DataId {
        self.next_data = self.next_data.wrapping_add(1);
        DataId(self.next_data)
    }

    pub(super) const fn op(&self) -> Option<OpId> {
        self.op
    }

    /// The operation at hand is over.
    pub(super) fn done(&mut self, result: Result<Outcome, Failure>) {
        self.beyond = false;
        if let Some(transfer) = self.transfer.take() {
            self.emit(Output::Cut(transfer.id));
        }
        if let Some(op) = self.op.take() {
            self.emit(Output::Done(op, result));
        }
    }

    /// The session is over, and with it all that was to be done.
    pub(super) fn close(&mut self, failure: Option<Failure>) {
        if self.stage == Stage::Closed {
            return;
        }
        self.stage = Stage::Closed;
        let why = failure.clone().unwrap_or_else(|| Failure::of(Kind::Cancelled));
        // What a transfer was failing of already says more than the end of the session.
        let own = self.transfer.as_ref().and_then(Transfer::failure);
        self.done(Err(own.unwrap_or_else(|| why.clone())));
        self.close_lane(&why);
        for (id, _) in std::mem::take(&mut self.queue) {
            self.emit(Output::Done(id, Err(why.clone())));
        }
        self.awaited.clear();
        self.emit(Output::Close(failure));
    }
}

/// Whether a reply says yes (2xx).
pub(super) const fn is_positive(reply: &Reply) -> bool {
    reply.code >= 200 && reply.code < 300
}
