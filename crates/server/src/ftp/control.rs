//! The control connection: one loop in one task that owns the session, the stream, at most one open ask and at most
//! one transfer. Nothing slow is awaited in its body, so it is always awake (promise 4).

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use gate::Guest;
use io::clock;
use io::stream::Stream;
use proto::ftp::reply::Reply;
use proto::ftp::server::{Input, Level, Output, Session};
use proto::line::LineDecoder;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use trace::record::{Recorder, SessionInfo};
use types::{AskId, Lane, Reason, What};

use super::asks::{Answer, Asks};
use super::data::{Came, Rest};
use super::exchange::Exchange;
use super::protect::{self, Failed, Reuse, Turn, Turned};
use super::replies::{Lost, Replies};
use super::shape::Noted;
use super::single::FirstLine;
use super::transfers::{Step, Transfer};
use super::{Ends, Listener, PlainLogin};

/// How much of a client's input is taken at once, and kept while the session cannot take another line.
const READ_AT_ONCE: usize = 4 * 1024;
/// How long a closing connection may take to send its last words.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// One session from greeting to close, ready to live.
pub(super) fn session(
    stream: Stream,
    ends: Ends,
    listener: Arc<Listener>,
    guest: Guest,
    observer: Arc<dyn trace::record::Observer>,
    stop: CancellationToken,
) -> Box<Control> {
    let info = SessionInfo {
        id: guest.id(),
        protocol: "ftp",
        listener: listener.name.clone(),
        peer: ends.peer,
        local: ends.local,
        user: None,
    };
    let plain = match listener.plain_login {
        PlainLogin::Allow => true,
        PlainLogin::Loopback => ends.peer.ip().is_loopback(),
        PlainLogin::Refuse => false,
    };
    let implicit = listener.tls.as_ref().is_some_and(|tls| tls.implicit);
    let mut session = Session::new(listener.session.clone(), ends.peer, ends.local, !plain, implicit);
    if listener.tls.as_ref().is_some_and(|tls| !tls.server.has_certificate()) {
        session.lacks_certificate();
    }
    session.greet(&guest.greeting().banner);
    let revoked = guest.revoked();
    // Implicit TLS: the greeting waits for the handshake.
    let tls = listener.tls.as_ref().filter(|_| implicit).map(|tls| tls.server.session());
    let until = clock::now() + listener.connect_within;
    let (stream, turn) = match tls.clone() {
        Some(tls) => (None, Some(Box::new(Turn::secure(stream, Vec::new(), tls, until)))),
        None => (Some(stream), None),
    };
    let mut control = Box::new(Control {
        session,
        stream,
        decoder: LineDecoder::new(),
        unread: Vec::new(),
        replies: Replies::default(),
        first_line: FirstLine::new(listener.session.single_port && !implicit),
        silent: implicit,
        hears: true,
        began: clock::now(),
        recorder: Recorder::new(info, observer, listener.record),
        asks: Asks::new(guest, ends, listener.clone()),
        tls,
        exchange: Exchange::new(listener.gss.clone()),
        turns: None,
        turn,
        transfer: None,
        parting: None,
        orphan: Arc::new(AtomicBool::new(false)),
        listener,
        ends,
        timer: None,
        closing: None,
        signals: Signals { stop: Some(Box::pin(stop.cancelled_owned())), revoked: Some(Box::pin(revoked.cancelled_owned())) },
    });
    control.recorder.record(Duration::ZERO, What::Accepted(ends.peer, ends.local));
    control
}

/// Answers 421 to a connection that is not let in, and closes it.
pub(super) async fn turn_away(mut stream: Stream, reason: Reason) {
    let mut line = Vec::new();
    Reply::new(421, format!("{} ({}).", reason.cause(), reason.code())).print(&mut line);
    // A stream that is new to the reactor says "would block" until it was asked for once.
    let writable = tokio::time::timeout(LAST_WORDS, poll_fn(|cx| stream.poll_writable(cx))).await;
    if matches!(writable, Ok(Ok(()))) && stream.try_write(&line).is_ok() {
        let _ = stream.shutdown_write();
    }
}

pub(super) struct Control {
    session: Session,
    /// `None` once it was handed over as a data connection.
    stream: Option<Stream>,
    decoder: LineDecoder,
    /// Input that was read while the session could not take it; at most one read's worth.
    unread: Vec<u8>,
    replies: Replies,
    first_line: FirstLine,
    /// Nothing can be said before the handshake an implicit listener begins with; what the session has to say waits.
    silent: bool,
    /// Whether the client may still say something.
    hears: bool,
    began: Instant,
    recorder: Recorder,
    asks: Asks,
    /// What protects data connections, and this connection once it is asked for.
    tls: Option<io::tls::ServerSession>,
    /// The security exchange by GSSAPI, and what it agreed on.
    exchange: Exchange,
    /// TLS is about to begin or to end, once the replies before it are said.
    turns: Option<Turns>,
    turn: Option<Box<Turn>>,
    /// Boxed: an idle session has none.
    transfer: Option<Box<Transfer>>,
    /// The data connection of the last transfer, closed when its last reply is sent.
    parting: Option<Came>,
    /// The control connection has ended without QUIT; transfers look at it.
    orphan: Arc<AtomicBool>,
    listener: Arc<Listener>,
    ends: Ends,
    timer: Option<Pin<Box<tokio::time::Sleep>>>,
    /// Why the session ends, and until when its last words may take.
    closing: Option<(Option<Reason>, Instant)>,
    signals: Signals,
}

/// What may end the session from outside. Each fires once.
struct Signals {
    stop: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    revoked: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
}

/// Which way TLS turns.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turns {
    On,
    Off,
}

/// What woke the loop.
enum Woken {
    /// The client said something, or will say nothing more.
    Heard,
    /// There is room for more replies.
    Sent,
    Answered(AskId, Answer),
    Stepped(Step),
    Turned(Turned),
    Late,
    Stopped,
    Revoked,
    Lost,
}

impl Control {
    /// Lives until it is over. Boxed: what awaits it holds a pointer and not a second copy.
    pub(super) async fn live(mut self: Box<Self>) {
        loop {
            self.perform();
            self.begin_turn();
            if self.closing.is_some() {
                self.flush();
            }
            if self.is_over() {
                break;
            }
            match poll_fn(|cx| self.poll(cx)).await {
                Woken::Heard | Woken::Sent => {}
                Woken::Answered(id, answer) => self.answered(id, answer),
                Woken::Stepped(step) => self.stepped(step),
                Woken::Turned(turned) => self.turned(turned),
                Woken::Late if self.is_unread() => {
                    self.closing = Some((Some(Reason::RepliesUnread), clock::now()));
                    break;
                }
                Woken::Late => self.session.handle(Input::Tick, self.now()),
                Woken::Stopped => self.session.handle(Input::Stop(Reason::ShuttingDown, false), self.now()),
                Woken::Revoked => {
                    let reason = self.asks.why_revoked().unwrap_or(Reason::UserDisabled);
                    self.session.handle(Input::Stop(reason, true), self.now());
                }
                Woken::Lost => break,
            }
        }
        if let Some(transfer) = self.transfer.take() {
            let cut = transfer.cut(Reason::DataReset);
            self.recorder.record(self.now(), cut);
        }
        let reason = self.closing.and_then(|(reason, _)| reason);
        self.recorder.record(self.now(), What::Closed(reason));
    }

    fn now(&self) -> Duration {
        clock::now().saturating_duration_since(self.began)
    }

    /// Whether there is nothing left to do: the last words are out, or they took too long, or nobody hears them.
    fn is_over(&self) -> bool {
        match self.closing {
            Some((_, until)) => self.replies.is_empty() || clock::now() >= until,
            // What the client asked for before it stopped talking is still answered.
            None => {
                (self.stream.is_none() && self.turn.is_none())
                    || (!self.hears && self.replies.is_empty() && self.transfer.is_none() && !self.asks.is_open())
            }
        }
    }

    /// Whether what was said so far is all there is to say to what was heard.
    fn is_answered(&self) -> bool {
        let goes_on = self.asks.is_open() || self.transfer.is_some() || !self.unread.is_empty();
        self.hears && !self.replies.is_empty() && !self.replies.is_full() && !goes_on
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Woken> {
        if self.is_answered() {
            // What is answered leaves before anything else is looked for: the client goes on meanwhile.
            self.flush();
            self.parting = None;
            if !self.hears {
                return Poll::Ready(Woken::Sent);
            }
        }
        if let Poll::Ready((id, answer)) = self.asks.poll(cx) {
            return Poll::Ready(Woken::Answered(id, answer));
        }
        // The control connection next: a client that died shows here before its data connection's end is believed.
        if self.poll_heard(cx).is_ready() {
            return Poll::Ready(Woken::Heard);
        }
        if let Some(turn) = &mut self.turn
            && let Poll::Ready(turned) = turn.poll(cx)
        {
            return Poll::Ready(Woken::Turned(turned));
        }
        // What waits for room among the replies is seen to below.
        if !self.replies.is_full() && self.transfer.as_mut().is_some_and(|transfer| transfer.is_awaited()) {
            self.flush();
        }
        if !self.replies.is_full()
            && let Some(transfer) = &mut self.transfer
            && let Poll::Ready(step) = transfer.poll(cx)
        {
            return Poll::Ready(Woken::Stepped(step));
        }
        if fires(&mut self.signals.revoked, cx) {
            return Poll::Ready(Woken::Revoked);
        }
        if fires(&mut self.signals.stop, cx) {
            return Poll::Ready(Woken::Stopped);
        }
        // Replies leave when there is nothing to add to them: of a small file 150 and 226 go together.
        let sent = self.poll_sent(cx);
        if sent.is_ready() {
            return sent;
        }
        self.poll_timer(cx)
    }

    /// Takes what the client says. The buffer is on the stack: an idle session owns none.
    fn poll_heard(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let room = self.session.wants_lines() && self.unread.is_empty() && !self.replies.is_full();
        if !self.hears || !room || self.closing.is_some() {
            return Poll::Pending;
        }
        let Some(stream) = &mut self.stream else { return Poll::Pending };
        // Asked first, for most polls find nothing and need no buffer.
        if stream.poll_readable(cx).is_pending() {
            return Poll::Pending;
        }
        let mut buffer = [0u8; READ_AT_ONCE];
        let most = self.first_line.at_most().min(READ_AT_ONCE);
        match ready!(stream.poll_read(cx, buffer.get_mut(..most).unwrap_or_default())) {
            Ok(n) if n > 0 => {
                let input = buffer.get(..n).unwrap_or_default();
                self.first_line.took(input);
                self.feed(input);
            }
            _ => self.deaf(),
        }
        Poll::Ready(())
    }

    fn poll_sent(&mut self, cx: &mut Context<'_>) -> Poll<Woken> {
        if self.replies.is_empty() {
            self.parting = None;
            return if self.stream.is_some() || self.turn.is_some() { Poll::Pending } else { Poll::Ready(Woken::Lost) };
        }
        let waited = !self.unread.is_empty() || self.replies.is_full();
        loop {
            self.flush();
            self.parting = None;
            // What waited for room may go on; and who lost its client has an end to see to.
            if (waited && !self.replies.is_full()) || (!self.hears && self.replies.is_empty()) {
                return Poll::Ready(Woken::Sent);
            }
            let Some(stream) = self.stream.as_ref().filter(|_| !self.replies.is_empty()) else { return Poll::Pending };
            if stream.poll_writable(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }

    /// The timer is only set anew when it would fire too late; when it fires early the session just looks at its
    /// watch. So a busy session does not touch the timer wheel with every line.
    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<Woken> {
        let own = match self.closing {
            Some((_, until)) => Some(until),
            None => self.session.deadline().map(|after| self.began + after),
        };
        let unread = self.replies.given_up_at(self.listener.stall_after);
        let Some(due) = own.into_iter().chain(unread).min() else { return Poll::Pending };
        match &mut self.timer {
            Some(timer) if timer.deadline().into_std() <= due => {}
            Some(timer) => timer.as_mut().reset(due.into()),
            None => self.timer = Some(Box::pin(tokio::time::sleep_until(due.into()))),
        }
        while let Some(timer) = &mut self.timer {
            if timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            if clock::now() >= due {
                self.timer = None;
                return Poll::Ready(Woken::Late);
            }
            timer.as_mut().reset(due.into());
        }
        Poll::Pending
    }

    /// Whether the client has read no reply for too long. Nothing can be said to it any more, not even that.
    fn is_unread(&self) -> bool {
        self.replies.given_up_at(self.listener.stall_after).is_some_and(|at| clock::now() >= at)
    }

    /// The client will say nothing more. What it asked for is still done; a transfer learns that nobody is there
    /// to hear how it went, unless the client said QUIT before it left.
    fn deaf(&mut self) {
        self.hears = false;
        if !self.session.is_leaving() {
            self.orphan.store(true, Ordering::Relaxed);
        }
    }

    fn feed(&mut self, mut input: &[u8]) {
        while self.session.wants_lines() && !self.replies.is_full() && !self.session.is_closing() {
            let now = self.now();
            self.decoder.expect_long(self.session.expects_tokens());
            match self.decoder.next(&mut input) {
                Some(Ok(line)) => {
                    self.recorder.record_with(now, || What::Command(super::words::command(&line)));
                    self.session.handle(Input::Line(&line), now);
                }
                Some(Err(error)) => {
                    self.recorder.record_with(now, || What::Command(format!("({})", error.reason().cause()).into()));
                    self.session.handle(Input::Malformed(error), now);
                }
                None => return,
            }
            self.perform();
        }
        // Behind QUIT nothing is heard any more: what is kept there would be looked at for ever.
        if !self.session.is_closing() {
            self.unread.extend_from_slice(input);
        }
    }

    /// Goes on with input that was read before the session could take it.
    fn feed_unread(&mut self) {
        if !self.unread.is_empty() && self.session.wants_lines() && !self.replies.is_full() {
            let unread = std::mem::take(&mut self.unread);
            self.feed(&unread);
        }
    }

    fn answered(&mut self, id: AskId, answer: Answer) {
        let now = self.now();
        match answer {
            Answer::Tree(result) => {
                self.recorder.record_with(now, || What::Answer(super::words::answer(&result)));
                self.session.handle(Input::Answer(id, result), now);
            }
            Answer::Progress(entries) => self.session.handle(Input::Progress(id, entries), now),
            Answer::Login(result) => {
                if let Ok(welcome) = &result {
                    self.recorder.set_user(Some((&*welcome.user).into()));
                }
                self.recorder.record_with(now, || What::Answer(super::words::welcome(&result)));
                self.session.handle(Input::Login(id, result), now);
            }
            Answer::Accepted(result) => {
                let heard = match result {
                    Ok(accepted) => Ok(self.exchange.accepted(accepted)),
                    Err(failure) => {
                        self.recorder.record(now, What::Note(Reason::TokenRefused, failure.0));
                        Err(Reason::TokenRefused)
                    }
                };
                self.recorder.record_with(now, || What::Answer(super::words::accepted(&heard)));
                self.session.handle(Input::Accepted(id, heard), now);
            }
            Answer::Host(result) => {
                let what = || What::Answer(result.as_ref().map_or_else(|r| r.to_string(), |_| "host".to_owned()).into());
                self.recorder.record_with(now, what);
                self.session.handle(Input::Host(id, result), now);
            }
            Answer::Reserved(result) => {
                if let Ok((_, Some(at))) = &result {
                    self.recorder.record(now, What::Listening(*at));
                    if super::Announce::is_unreachable(self.ends.peer, at.ip()) {
                        let note = What::Note(Reason::PrivateAnnounced, at.to_string().into());
                        self.recorder.record(now, note);
                    }
                }
                self.session.handle(Input::Reserved(id, result.map(|(place, _)| place)), now);
            }
        }
    }

    /// Performs what the session wishes, in order.
    fn perform(&mut self) {
        while !self.silent {
            while let Some(output) = self.session.poll() {
                self.perform_one(output);
            }
            if self.unread.is_empty() || !self.session.wants_lines() || self.replies.is_full() {
                return;
            }
            self.feed_unread();
        }
    }

    fn perform_one(&mut self, output: Output) {
        let now = self.now();
        match output {
            Output::Reply(reply) => {
                let reply = self.with_messages(reply);
                let mut lines = Vec::new();
                reply.print(&mut lines);
                for line in lines.split_inclusive(|&b| b == b'\n') {
                    self.recorder.record_with(now, || What::Reply(String::from_utf8_lossy(line.trim_ascii()).into()));
                }
                self.say(&lines);
            }
            Output::Ask(id, op) => {
                self.recorder.record_with(now, || What::Ask(types::text::words(&op)));
                self.asks.tree(id, op);
            }
            Output::Login(id, credentials) => {
                self.recorder.record_with(now, || What::Ask(super::words::login(&credentials)));
                self.asks.login(id, credentials, self.session.is_protected());
            }
            Output::NewExchange => self.exchange.begin(),
            Output::Accept(id, token) => {
                self.recorder.record_with(now, || What::Ask(format!("accept a token of {} bytes", token.len()).into()));
                self.asks.accept(id, self.exchange.accept(token));
            }
            Output::Unwrap(level, token) => self.unwrapped(level, &token),
            Output::ProtectReplies(level) => self.exchange.protect_replies(level),
            Output::Host(id, host) => {
                self.recorder.record_with(now, || What::Ask(format!("host {host}").into()));
                match self.tls.as_ref().and_then(|tls| tls.server_name()) {
                    // The certificate that was shown is for another host than this.
                    Some(name) if self.session.is_protected() && !name.eq_ignore_ascii_case(&host) => {
                        self.session.handle(Input::Host(id, Err(Reason::UnknownHost)), now);
                    }
                    _ => self.asks.host(id, &host),
                }
            }
            Output::Reserve(id, form) => {
                let must = self.listener.tls.as_ref().is_some_and(|tls| tls.reuse == Reuse::Require);
                let protected = self.session.is_data_protected();
                let claim = self.tls.as_ref().filter(|_| protected).and_then(|tls| tls.claim(must));
                self.asks.reserve(id, form, claim);
            }
            Output::Adopt(id, key) => self.adopt(id, &key),
            Output::Withdraw(id) => self.asks.withdraw(id),
            Output::Start(id, flow) => {
                let keys = (self.tls.clone(), self.exchange.context().cloned());
                let transfer = Transfer::new(id, flow, &mut self.asks, &self.listener, self.ends, keys, self.orphan.clone());
                if let Some(to) = transfer.connects_to() {
                    self.recorder.record(now, What::Connecting(to));
                }
                self.transfer = Some(Box::new(transfer));
            }
            Output::Cancel(_) => {
                if let Some(transfer) = &mut self.transfer {
                    transfer.cancel();
                }
            }
            Output::DropData => self.asks.keep_data(None),
            Output::Measure(id) => {
                let moved = self.transfer.as_ref().map_or(0, |transfer| transfer.moved());
                self.session.handle(Input::Measured(id, moved), now);
            }
            Output::Logout => {
                self.asks.logout();
                self.recorder.set_user(None);
                self.signals.revoked = Some(Box::pin(self.asks.revoked().cancelled_owned()));
            }
            Output::StartTls => self.turns = Some(Turns::On),
            Output::ClearTls => self.turns = Some(Turns::Off),
            Output::Close(reason) => self.closing = Some((reason, clock::now() + LAST_WORDS)),
        }
        if let Some(access) = self.asks.fresh_access() {
            self.signals.revoked = Some(Box::pin(access.revoked().cancelled_owned()));
            access.shows_messages();
        }
    }

    /// What other users have sent stands before the next reply that can carry it.
    fn with_messages(&self, reply: Reply) -> Reply {
        match self.asks.access() {
            Some(access) if access.has_messages() && reply.can_carry() => reply.carrying(&access.messages()),
            _ => reply,
        }
    }

    /// Says lines of a reply, protected where they must be.
    fn say(&mut self, lines: &[u8]) {
        if let Err(failure) = self.exchange.print(lines, self.replies.end()) {
            // Nothing can be said that the client would believe: its ticket may have run out.
            let failed = Failed { detail: failure.0, ..Reason::TokenRefused.into() };
            self.broke(failed);
        }
    }

    /// Takes the protection off a command, before the next line is looked at.
    fn unwrapped(&mut self, level: Level, token: &[u8]) {
        let now = self.now();
        let line = self.exchange.unwrap(level, token);
        match &line {
            Ok(line) => self.recorder.record_with(now, || What::Command(super::words::command(line.trim_ascii_end()))),
            Err(failure) => self.recorder.record(now, What::Note(Reason::TokenRefused, failure.0.clone())),
        }
        self.session.handle(Input::Unwrapped(level, line.map_err(|_| Reason::TokenRefused)), now);
    }

    fn stepped(&mut self, step: Step) {
        let now = self.now();
        match step {
            Step::Connected(peer, direction, secured) => {
                self.recorder.record(now, What::Connected(peer));
                if let Some(secured) = secured {
                    self.recorder.record(now, What::Secured(Lane::Data, secured));
                }
                self.recorder.record(now, What::Started(direction));
            }
            Step::Lines(lines) => self.say(&lines),
            Step::Noted(id, Noted::Mark(mark)) => self.session.handle(Input::Marked(id, &mark.marker, mark.at), now),
            Step::Noted(id, Noted::Suspect) => self.session.handle(Input::Suspect(id), now),
            Step::Ended(id, end, shown) => {
                let rest = self.transfer.take().map(|mut transfer| transfer.take_rest()).unwrap_or_default();
                let (kept, parting) = match rest {
                    Rest::Nothing => (None, None),
                    Rest::Kept(stream) => (Some(stream), None),
                    Rest::Open(came) => (None, Some(came)),
                };
                self.asks.keep_data(kept);
                self.parting = parting;
                for what in shown.into_iter().flatten() {
                    self.recorder.record(now, what);
                }
                self.session.handle(Input::Ended(id, end), now);
            }
        }
    }

    /// Hands the connection to the handshake, or to its end, once everything before it has been performed.
    fn begin_turn(&mut self) {
        let Some(turns) = self.turns.take() else { return };
        let until = clock::now() + self.listener.connect_within;
        let tls = self.listener.tls.as_ref().map(|tls| tls.server.session());
        match (turns, self.stream.take(), tls) {
            // What came in clear behind AUTH may be anybody's (CVE-2011-0411 is the oldest of its kind).
            (Turns::On, ..) if !self.unread.is_empty() || self.decoder.is_partial() => {
                self.turned(Turned::Secured(Err(Reason::TlsBehindAuth.into())));
            }
            (Turns::On, Some(stream), Some(tls)) => {
                self.tls = Some(tls.clone());
                self.turn = Some(Box::new(Turn::secure(stream, self.replies.take(), tls, until)));
            }
            (Turns::On, ..) => self.turned(Turned::Secured(Err(Reason::TlsUnavailable.into()))),
            (Turns::Off, Some(stream), _) => {
                self.turn = Some(Box::new(Turn::clear(stream, self.replies.take(), until)));
            }
            (Turns::Off, None, _) => self.turned(Turned::Cleared(Err(Reason::TlsClearing.into()))),
        }
    }

    fn turned(&mut self, turned: Turned) {
        (self.turn, self.silent) = (None, false);
        let now = self.now();
        match turned {
            Turned::Secured(Ok(stream)) => {
                self.decoder = LineDecoder::new();
                let names = stream.tls().map(|tls| tls.names().to_vec()).unwrap_or_default();
                self.recorder.record_with(now, || What::Secured(Lane::Control, protect::told(&stream)));
                self.stream = Some(stream);
                self.session.shown(names.clone());
                self.session.handle(Input::Secured(Ok(names)), now);
            }
            Turned::Cleared(Ok((stream, behind))) => {
                self.recorder.record(now, What::Cleared);
                self.stream = Some(stream);
                self.unread.extend(behind);
                self.session.handle(Input::Cleared(Ok(())), now);
            }
            Turned::Secured(Err(failed)) => {
                self.session.handle(Input::Secured(Err(failed.reason)), now);
                self.broke(failed);
            }
            Turned::Cleared(Err(failed)) => {
                self.session.handle(Input::Cleared(Err(failed.reason)), now);
                self.broke(failed);
            }
        }
    }

    /// TLS did not come about, or did not end: no word can be said any more that both ends understand.
    fn broke(&mut self, failed: Failed) {
        self.stream = None;
        self.replies = Replies::default();
        self.recorder.record(self.now(), What::Note(failed.reason, failed.detail));
        self.closing = Some((Some(failed.reason), clock::now()));
    }

    /// SPDT: this connection becomes a data connection of the session that gave out the key.
    fn adopt(&mut self, id: AskId, key: &str) {
        let Some(stream) = self.stream.take() else { return };
        let result = match self.listener.single.hand_over(key, self.ends.wire.ip(), stream) {
            Ok(()) => Ok(()),
            Err(stream) => {
                self.stream = Some(stream);
                Err(Reason::DataForeign)
            }
        };
        self.session.handle(Input::Adopted(id, result), self.now());
    }

    fn flush(&mut self) {
        let Some(stream) = &mut self.stream else { return };
        if let Err(Lost) = self.replies.flush(stream) {
            self.deaf(); // the client counts as gone
        }
    }
}

fn fires(signal: &mut Option<Pin<Box<WaitForCancellationFutureOwned>>>, cx: &mut Context<'_>) -> bool {
    let fired = signal.as_mut().is_some_and(|s| s.as_mut().poll(cx).is_ready());
    if fired {
        *signal = None;
    }
    fired
}
