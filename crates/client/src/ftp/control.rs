//! The driver: one task that owns a control connection, its session and at most one data connection, and does what the
//! session says. Nothing slow is awaited in its body: while a file moves it hears the server.

use std::collections::BTreeMap;
use std::future::{pending, poll_fn};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::Poll;
use std::time::{Duration, Instant};

use io::body::BoxFuture;
use io::stream::Stream;
use io::tls::{self, ClientSession};
use io::{CancellationToken, clock, listen};
use proto::ftp::client::{
    DataFault, DataId, Failure, Flow, Input, Kind, Note, OpId, Outcome, Output, Session, Unshaken, Welcome,
};
use tokio::sync::{mpsc, oneshot};
use trace::record::Recorder;
use types::{Direction, Error, Lane, Reason, What};

use super::call::{Body, Call, Message, Pending};
use super::data::{Data, Moved, Piece, Protect, Step, Trouble, fault};
use super::kept::{Cargo, Order};
use super::seen::Seen;
use super::way::Way;
use super::{ActivePorts, Learned};
use crate::{bridge, failure};

/// How much of what the server says is taken at once.
const READ_AT_ONCE: usize = 8 * 1024;
/// How much may wait to be sent before nothing more is begun.
const UNSENT_AT_MOST: usize = 64 * 1024;

/// What a driver begins with.
pub(super) struct Start {
    pub(super) stream: Stream,
    /// What protects this connection and its data connections, and the server's name; only used once the session wants it.
    pub(super) tls: Option<(ClientSession, Box<str>)>,
    /// How the server is reached, data connections among it.
    pub(super) way: Way,
    pub(super) peer: SocketAddr,
    pub(super) local: SocketAddr,
    pub(super) session: Session,
    pub(super) recorder: Recorder,
    pub(super) calls: mpsc::Receiver<Message>,
    /// Told when the session is ready.
    pub(super) ready: oneshot::Sender<Box<Welcome>>,
    /// Says why the session ended, for all who ask later.
    pub(super) ended: Arc<OnceLock<Error>>,
    /// Cancelled when the driver is gone.
    pub(super) gone: CancellationToken,
    pub(super) limits: Stall,
    pub(super) learned: Arc<Learned>,
    /// Set while no TLS session is left that a data connection could resume.
    pub(super) exhausted: Arc<AtomicBool>,
    /// Set when data connections cannot be protected any more.
    pub(super) spent: Arc<AtomicBool>,
    pub(super) active_ports: ActivePorts,
}

/// What the driver itself limits.
#[derive(Clone, Copy)]
pub(super) struct Stall {
    /// How long the network may move no byte of a transfer.
    pub(super) progress: Duration,
    /// How long a data connection may take to come about.
    pub(super) data_connection: Duration,
    /// How long a TLS handshake may take.
    pub(super) handshake: Duration,
}

pub(super) struct Driver {
    session: Session,
    /// `None` while its handshake goes on, and once that has failed.
    stream: Option<Stream>,
    shaking: Option<BoxFuture<'static, Result<Stream, tls::Failure>>>,
    tls: Option<(ClientSession, Box<str>)>,
    way: Way,
    peer: SocketAddr,
    local: SocketAddr,
    /// Whether the server may still say something.
    hears: bool,
    unsent: Vec<u8>,
    calls: mpsc::Receiver<Message>,
    /// Whether more calls may come.
    takes: bool,
    pending: BTreeMap<u64, Pending>,
    when_idle: Vec<oneshot::Sender<()>>,
    next_op: u64,
    data: Option<Data>,
    /// Whether the last data connection resumed no TLS session though earlier ones did.
    is_anew: bool,
    has_resumed: bool,
    began: Instant,
    seen: Seen,
    ready: Option<oneshot::Sender<Box<Welcome>>>,
    ended: Arc<OnceLock<Error>>,
    gone: CancellationToken,
    limits: Stall,
    learned: Arc<Learned>,
    exhausted: Arc<AtomicBool>,
    spent: Arc<AtomicBool>,
    active_ports: ActivePorts,
    is_closed: bool,
}

/// What woke the loop.
enum Woken {
    Heard,
    Sent,
    Shaken(Result<Stream, tls::Failure>),
    Step(Step),
    Message(Option<Message>),
    Deserted(OpId),
    Late,
}

impl Driver {
    pub(super) fn new(start: Start) -> Self {
        let mut seen = Seen::new(start.recorder);
        seen.record(Duration::ZERO, || What::Accepted(start.local, start.peer));
        Self {
            session: start.session,
            stream: Some(start.stream),
            shaking: None,
            tls: start.tls,
            way: start.way,
            peer: start.peer,
            local: start.local,
            hears: true,
            unsent: Vec::new(),
            calls: start.calls,
            takes: true,
            pending: BTreeMap::new(),
            when_idle: Vec::new(),
            next_op: 0,
            data: None,
            is_anew: false,
            has_resumed: false,
            began: clock::now(),
            seen,
            ready: Some(start.ready),
            ended: start.ended,
            gone: start.gone,
            limits: start.limits,
            learned: start.learned,
            exhausted: start.exhausted,
            spent: start.spent,
            active_ports: start.active_ports,
            is_closed: false,
        }
    }

    /// Lives until the session is over.
    pub(super) async fn live(mut self) {
        loop {
            self.perform();
            self.flush();
            if self.is_closed {
                break;
            }
            if self.session.is_idle() {
                for told in self.when_idle.drain(..) {
                    let _ = told.send(());
                }
            }
            match self.wait().await {
                Woken::Heard => self.hear(),
                Woken::Sent => {}
                Woken::Shaken(done) => self.shaken(done),
                Woken::Step(step) => self.stepped(step),
                Woken::Message(Some(Message::Call(call))) => self.begin(call),
                Woken::Message(Some(Message::Quit) | None) => {
                    self.takes = false;
                    self.handle(Input::Quit);
                }
                Woken::Message(Some(Message::WhenIdle(told))) => self.when_idle.push(told),
                Woken::Deserted(op) => self.handle(Input::Cancel(op)),
                Woken::Late => self.handle(Input::Tick),
            }
        }
    }

    fn now(&self) -> Duration {
        clock::now().saturating_duration_since(self.began)
    }

    fn handle(&mut self, input: Input<'_>) {
        self.session.handle(input, self.now());
    }

    async fn wait(&mut self) -> Woken {
        let due = self.session.deadline().map(|after| self.began + after);
        let is_full = self.unsent.len() > UNSENT_AT_MOST;
        let has_unsent = !self.unsent.is_empty();
        let (stream, data) = (self.stream.as_ref(), &mut self.data);
        tokio::select! {
            biased;
            // Before the control connection: what a quick server has sent already is there when its last word is heard.
            step = async { match data {
                Some(data) => data.step().await,
                None => pending().await,
            }} => Woken::Step(step),
            () = async { match stream {
                // Whatever it is: the next read tells.
                Some(stream) => drop(stream.readable().await),
                None => pending().await,
            }}, if self.hears => Woken::Heard,
            done = async { match &mut self.shaking {
                Some(work) => work.await,
                None => pending().await,
            }} => Woken::Shaken(done),
            op = deserted(&mut self.pending) => Woken::Deserted(op),
            message = self.calls.recv(), if self.takes && !is_full => Woken::Message(message),
            () = async { match stream {
                Some(stream) => drop(stream.writable().await),
                None => pending().await,
            }}, if has_unsent => Woken::Sent,
            () = async { match due {
                Some(due) => clock::sleep_until(due).await,
                None => pending().await,
            }} => Woken::Late,
        }
    }

    fn hear(&mut self) {
        let mut buffer = [0; READ_AT_ONCE];
        let Some(stream) = &mut self.stream else { return };
        match stream.try_read(&mut buffer) {
            Ok(0) => {
                self.hears = false;
                self.handle(Input::Lost(None));
            }
            Ok(n) => {
                let bytes = buffer.get(..n).unwrap_or_default();
                self.seen.heard(self.now(), bytes);
                self.handle(Input::Received(bytes));
            }
            Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(e) => {
                self.hears = false;
                self.handle(Input::Lost(Some(e.to_string().into())));
            }
        }
    }

    /// Writes what fits. That the connection is broken, the reading side will tell.
    fn flush(&mut self) {
        let Some(stream) = &mut self.stream else { return };
        let mut sent = 0;
        while let Some(rest) = self.unsent.get(sent..).filter(|rest| !rest.is_empty()) {
            match stream.try_write(rest) {
                Ok(n) if n > 0 => sent += n,
                Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => break,
                _ => sent = self.unsent.len(),
            }
        }
        self.unsent.drain(..sent);
    }

    fn begin(&mut self, call: Call) {
        self.next_op += 1;
        let op = OpId(self.next_op);
        self.pending.insert(op.0, Pending::new(call.body, call.begun, call.done));
        self.handle(Input::Run(op, call.operation));
    }

    /// Does what the session says, until it has nothing more to say.
    fn perform(&mut self) {
        while let Some(output) = self.session.poll() {
            match output {
                Output::Send(line) => {
                    line.print(&mut self.unsent);
                    let now = self.now();
                    self.seen.record(now, || What::Command(line.shown().into()));
                }
                Output::StartTls => self.start_tls(),
                Output::Connect(id, to, protected) => self.connect(id, to, protected),
                Output::Listen(id, at, protected) => self.listen(id, at, protected),
                Output::Move(id, op, flow) => self.move_body(id, op, flow),
                Output::Cut(id) => self.cut(id),
                Output::Ready(welcome) => {
                    if let Some(ready) = self.ready.take() {
                        // Nobody waits any more: then the handle is gone, and with it the session.
                        let _ = ready.send(welcome);
                    }
                }
                Output::Item(op, item) => {
                    if let Some(pending) = self.pending.get_mut(&op.0) {
                        pending.page.push(item);
                    }
                }
                Output::Done(op, result) => self.done(op, result),
                Output::Note(note) => self.note(&note),
                Output::Close(failure) => {
                    let error = failure.map(|f| failure::error(&f));
                    let now = self.now();
                    self.seen.record(now, || What::Closed(error.as_ref().map(|e| e.reason)));
                    let _ =
                        self.ended.set(error.unwrap_or_else(|| Error::with(Reason::Disconnected, "the session was closed here")));
                    self.is_closed = true;
                }
            }
        }
    }

    fn done(&mut self, op: OpId, result: Result<Outcome, Failure>) {
        let is_anew = std::mem::take(&mut self.is_anew);
        let result = result.map_err(|mut failure| {
            // Servers say in many ways that they want the session resumed, and few say why they refuse.
            let may_be_that = matches!(failure.kind, Kind::DataNeverCame | Kind::Cut | Kind::Tls | Kind::Refused);
            if is_anew && may_be_that {
                let words = "the data connection could resume no TLS session any more";
                let said = std::mem::take(&mut failure.detail);
                failure.detail = if said.is_empty() { words.into() } else { format!("{words}; {said}").into() };
                failure.kind = Kind::DataTls;
                self.learned.resuming.store(true, Ordering::Relaxed);
            }
            if failure.kind == Kind::DataTls {
                self.spent.store(true, Ordering::Relaxed);
            }
            failure::error(&failure)
        });
        if let Some(pending) = self.pending.remove(&op.0) {
            pending.answer(result);
        }
    }

    /// Keeps in mind whether a data connection that is over resumed a TLS session.
    fn remember(&mut self, data: &Data) {
        if let Some(resumed) = data.resumed() {
            self.is_anew = !resumed && self.has_resumed;
            self.has_resumed |= resumed;
            let can_resume = self.tls.as_ref().is_some_and(|(session, _)| session.can_resume());
            self.exhausted.store(self.has_resumed && !can_resume, Ordering::Relaxed);
        }
    }

    fn note(&mut self, note: &Note) {
        if let Note::ConnectionLimit(limit) = note {
            self.learned.allowed.store(*limit, Ordering::Relaxed);
        }
        let reason = match note {
            Note::AddressReplaced { .. } => Reason::PrivateAnnounced,
            Note::FormFailed { .. } => Reason::NoDataConnection,
            Note::InClear => Reason::NotProtected,
            Note::DataInClear => Reason::DataNotProtected,
            Note::ConnectionLimit(_) => Reason::TooManyConnections,
            Note::StrayReply(_) => Reason::NotTheProtocol,
        };
        let now = self.now();
        self.seen.record(now, || What::Note(reason, note.to_string().into()));
    }

    /// What came in clear behind the server's consent stays in the socket, and breaks the handshake.
    fn start_tls(&mut self) {
        let Some((session, name)) = self.tls.clone() else {
            return self.handle(Input::Tls(Err(Unshaken::Broken("it was not said whom to trust".into()))));
        };
        let Some(stream) = self.stream.take() else { return };
        let deadline = clock::now() + self.limits.handshake;
        self.shaking = Some(Box::pin(async move { session.connect(stream, &name, deadline).await }));
    }

    fn shaken(&mut self, done: Result<Stream, tls::Failure>) {
        self.shaking = None;
        let now = self.now();
        match done {
            Ok(stream) => {
                self.seen.record(now, || {
                    What::Secured(Lane::Control, stream.tls().map(ToString::to_string).unwrap_or_default().into())
                });
                self.stream = Some(stream);
                self.handle(Input::Tls(Ok(())));
            }
            Err(failure) => {
                self.seen.record(now, || What::Note(failure.reason, failure.detail.clone()));
                self.handle(Input::Tls(Err(match failure.reason {
                    Reason::TlsDistrusted => Unshaken::Distrusted(failure.detail),
                    _ => Unshaken::Broken(format!("{}: {}", failure.reason, failure.detail).into()),
                })));
            }
        }
    }

    /// What a data connection is protected with, where the session wants that.
    fn protect(&self, protected: bool) -> Result<Option<Protect>, DataFault> {
        match (protected, &self.tls) {
            (false, _) => Ok(None),
            (true, Some((session, name))) => {
                Ok(Some(Protect { session: session.clone(), name: name.clone(), within: self.limits.handshake }))
            }
            (true, None) => Err(DataFault::Tls("it was not said whom to trust".into())),
        }
    }

    fn connect(&mut self, id: DataId, to: SocketAddr, protected: bool) {
        let now = self.now();
        self.seen.record(now, || What::Reaching(to));
        self.data = Some(match self.protect(protected) {
            Ok(protect) => Data::connect(id, self.way.clone(), to, self.limits.data_connection, protect),
            Err(fault) => Data::failed(id, fault),
        });
    }

    fn listen(&mut self, id: DataId, at: SocketAddr, protected: bool) {
        let protect = match self.protect(protected) {
            Ok(protect) => protect,
            Err(fault) => return self.data = Some(Data::failed(id, fault)),
        };
        let (ip, port) = (at.ip(), at.port());
        let (first, last) = if port == 0 { self.active_ports.of(self.local) } else { (port, port) };
        let mut bound = Err(std::io::ErrorKind::AddrNotAvailable.into());
        for port in first..=last {
            bound = listen::bind_tcp(SocketAddr::new(ip, port)).and_then(|l| l.local_addr().map(|at| (l, at)));
            if bound.is_ok() {
                break;
            }
        }
        match bound {
            Ok((listener, at)) => {
                let now = self.now();
                self.seen.record(now, || What::Awaiting(at));
                self.data = Some(Data::accept(id, listener, self.peer.ip(), protect));
                self.handle(Input::Listening(id, at));
            }
            Err(e) => {
                self.data =
                    Some(Data::failed(id, DataFault::NotMade(format!("listening on {ip}, ports {first} to {last}: {e}").into())))
            }
        }
    }

    fn move_body(&mut self, id: DataId, op: OpId, flow: Flow) {
        if matches!(flow, Flow::ReceiveKept | Flow::SendKept) {
            return self.move_kept(id, op, flow);
        }
        let (Some(data), Some(pending)) = (self.data.as_mut().filter(|d| d.id == id), self.pending.get_mut(&op.0)) else {
            return;
        };
        if let Some(begun) = pending.begun.take() {
            let _ = begun.send(());
        }
        let stall = self.limits.progress;
        let body = match (flow, &pending.body) {
            // The room for pages stays with the call: the next piece needs it, too.
            (Flow::Listing, Body::Pages(room)) => Body::Pages(room.clone()),
            _ => std::mem::replace(&mut pending.body, Body::None),
        };
        let direction = match (flow, body) {
            (Flow::Receive { form }, Body::Into(sink, meter)) => {
                data.receive(op, sink, meter, form, stall);
                Direction::Out
            }
            (Flow::Send { form }, Body::From(source, meter)) => {
                data.send(op, source, meter, form, stall);
                Direction::In
            }
            (Flow::Listing, body) => {
                data.list(op, room_of(body), io::meter::Meter::default(), stall);
                Direction::Out
            }
            // A body can be had once; a session moves it once.
            _ => return self.handle(Input::DataFailed(id, DataFault::Local("there is no body to move".into()))),
        };
        let now = self.now();
        self.seen.record(now, || What::Started(direction));
    }

    /// One of many files, behind the others.
    fn move_kept(&mut self, id: DataId, op: OpId, flow: Flow) {
        let stall = self.limits.progress;
        let body = self.pending.get_mut(&op.0).map(|pending| std::mem::replace(&mut pending.body, Body::None));
        let (cargo, meter) = match (flow, body) {
            (Flow::ReceiveKept, Some(Body::Into(sink, meter))) => (Cargo::Into(sink), meter),
            (Flow::SendKept, Some(Body::From(source, meter))) => (Cargo::From(source), meter),
            // Nobody wants it any more, and it comes all the same.
            (Flow::ReceiveKept, _) => (Cargo::Into(bridge::nowhere()), io::meter::Meter::default()),
            _ => {
                let fault = DataFault::Local("there is no body to move".into());
                return self.handle(Input::Body(id, op, Err(fault)));
            }
        };
        let Some(data) = self.data.as_mut().filter(|data| data.id == id) else { return };
        let direction = if flow == Flow::SendKept { Direction::In } else { Direction::Out };
        data.keep_on(Order { op, cargo, meter, stall });
        let now = self.now();
        self.seen.record(now, || What::Started(direction));
    }

    /// One of many files has moved, or not.
    fn kept(&mut self, id: DataId, op: OpId, moved: Moved) {
        let now = self.now();
        if let Some((_, direction, meter)) = self.data.as_mut().and_then(|data| data.moves.take()) {
            let took = clock::now().saturating_duration_since(meter.begun());
            let well = moved.result.is_ok();
            self.seen.record(now, || match well {
                true => What::Moved(direction, meter.moved(), took),
                false => What::Cut(direction, meter.moved(), Reason::TransferCut),
            });
        }
        if let Some(data) = self.data.as_mut() {
            data.next_order();
        }
        let result = moved.result.map_err(|trouble| fault(trouble, self.limits.progress));
        if let Some(pending) = self.pending.get_mut(&op.0) {
            pending.sink = moved.sink;
            pending.own = result.as_ref().err().and_then(|(_, own)| own.clone());
        }
        self.handle(Input::Body(id, op, result.map_err(|(fault, _)| fault)));
    }

    /// Breaks a data connection off: what is dropped before its end is cut.
    fn cut(&mut self, id: DataId) {
        let Some(data) = self.data.take_if(|data| data.id == id) else { return };
        self.remember(&data);
        if let Some((_, direction, meter)) = &data.moves {
            let now = self.now();
            self.seen.record(now, || What::Cut(*direction, meter.moved(), Reason::TransferCut));
        }
    }

    fn stepped(&mut self, step: Step) {
        let Some((id, awaited)) = self.data.as_ref().map(|data| (data.id, data.awaited)) else { return };
        let now = self.now();
        match step {
            Step::Opened(peer) => {
                if let Some(at) = awaited {
                    self.seen.record(now, || What::Connecting(at));
                }
                self.seen.record(now, || What::Connected(peer));
                self.handle(Input::DataOpened(id));
            }
            Step::Secured(what) => self.seen.record(now, || What::Secured(Lane::Data, what)),
            Step::NotOpened(fault) => {
                self.seen.record(now, || What::DataFailed(Reason::NoDataConnection));
                if let Some(data) = self.data.take() {
                    self.remember(&data);
                }
                self.handle(Input::DataFailed(id, fault));
            }
            Step::Moved(moved) => {
                let bytes = moved.result.as_ref().copied().unwrap_or_default();
                let op = self.data_over(bytes, moved.result.is_ok());
                if let Some(pending) = op.and_then(|op| self.pending.get_mut(&op.0)) {
                    pending.sink = moved.sink;
                }
                self.over(id, op, moved.result);
            }
            Step::Kept(op, moved) => self.kept(id, op, moved),
            Step::Piece(piece) => self.piece(id, piece),
        }
    }

    fn piece(&mut self, id: DataId, mut piece: Piece) {
        let moves = self.data.as_ref().and_then(|data| data.moves.as_ref());
        let Some((op, meter)) = moves.map(|(op, _, meter)| (*op, meter.clone())) else { return };
        let bytes = match piece.result {
            Ok(ref bytes) if !bytes.is_empty() => bytes.clone(),
            Ok(_) => {
                self.data_over(meter.moved(), true);
                return self.over(id, Some(op), Ok(meter.moved()));
            }
            Err(error) => {
                self.data_over(meter.moved(), false);
                return self.over(id, Some(op), Err(error));
            }
        };
        meter.count(bytes.len());
        self.handle(Input::Data(id, &bytes));
        self.perform();
        let room = self.pending.get_mut(&op.0).and_then(|pending| {
            let page = std::mem::take(&mut pending.page);
            match piece.room.take() {
                Some(permit) if !page.is_empty() => drop(permit.send(page)),
                _ => pending.page = page,
            }
            match &pending.body {
                Body::Pages(room) => Some(room.clone()),
                _ => None,
            }
        });
        if let Some(data) = self.data.as_mut().filter(|data| data.id == id) {
            data.go_on(&mut piece, room, self.limits.progress);
        }
    }

    /// The data connection is gone; whose it was.
    fn data_over(&mut self, bytes: u64, well: bool) -> Option<OpId> {
        let now = self.now();
        let data = self.data.take()?;
        self.remember(&data);
        let (op, direction, meter) = data.moves?;
        let took = clock::now().saturating_duration_since(meter.begun());
        self.seen.record(now, || match well {
            true => What::Moved(direction, bytes, took),
            false => What::Cut(direction, meter.moved(), Reason::TransferCut),
        });
        Some(op)
    }

    fn over(&mut self, id: DataId, op: Option<OpId>, result: Result<u64, Trouble>) {
        match result {
            Ok(bytes) => self.handle(Input::DataEnded(id, bytes)),
            Err(error) => {
                let (fault, own) = fault(error, self.limits.progress);
                if let Some(pending) = op.and_then(|op| self.pending.get_mut(&op.0)) {
                    pending.own = own;
                }
                self.handle(Input::DataFailed(id, fault));
            }
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.ended.set(Error::new(Reason::Cancelled));
        for (_, pending) in std::mem::take(&mut self.pending) {
            pending.answer(Err(Error::new(Reason::Cancelled)));
        }
        self.gone.cancel();
    }
}

fn room_of(body: Body) -> Option<mpsc::Sender<Vec<proto::ftp::listing::parse::Item>>> {
    match body {
        Body::Pages(room) => Some(room),
        _ => None,
    }
}

/// Waits until nobody wants the outcome of one that runs.
async fn deserted(pending: &mut BTreeMap<u64, Pending>) -> OpId {
    poll_fn(|cx| {
        for (op, pending) in pending.iter_mut().filter(|(_, pending)| !pending.is_cancelled) {
            if pending.done.poll_closed(cx).is_ready() {
                pending.is_cancelled = true;
                return Poll::Ready(OpId(*op));
            }
        }
        Poll::Pending
    })
    .await
}
