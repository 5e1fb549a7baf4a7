//! One data connection: made, moved over, ended in good order or cut.

use std::collections::VecDeque;
use std::future::pending;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::BytesMut;
use io::body::{BoxFuture, Sink, Source};
use io::meter::Meter;
use io::pump::{self, PumpError, Transform};
use io::stream::Stream;
use io::tls::{ClientSession, Secured};
use io::{clock, listen};
use proto::ftp::client::{DataFault, DataId, OpId};
use proto::ftp::data::Form;
use proto::ftp::listing::parse::Item;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use types::{Direction, Error, Reason};

use super::kept::Order;
use super::shape::{FromWire, ToWire};
use super::way::Way;

/// As much of a listing as is read at once.
const CHUNK: usize = 16 * 1024;
/// How long the server's own end is waited for behind an upload over TLS.
const LINGER: Duration = Duration::from_secs(5);

/// A data connection, from the wish for it on. Dropping it cuts it.
pub(super) struct Data {
    pub(super) id: DataId,
    stage: Stage,
    protect: Option<Protect>,
    /// Whether the handshake resumed a session, once it is done.
    resumed: Arc<OnceLock<bool>>,
    /// Where it is waited for, in active mode.
    pub(super) awaited: Option<SocketAddr>,
    /// What it moves: for whom, and what counts it.
    pub(super) moves: Option<(OpId, Direction, Meter)>,
    /// What moves next, where it stays from file to file.
    orders: VecDeque<Order>,
}

enum Stage {
    /// It is being made.
    Opening(BoxFuture<'static, Result<TcpStream, DataFault>>),
    /// It stands and nothing moves.
    Open(Line),
    /// A file moves.
    File(BoxFuture<'static, Moved>),
    /// A file moves, and the connection stays behind it.
    Kept(OpId, BoxFuture<'static, (Moved, Option<Whole>)>),
    /// A listing is read: the next piece.
    Piece(BoxFuture<'static, Piece>),
    /// Nothing more will come of it.
    Over,
}

/// A connection that stands: its handshake may go on, for servers begin theirs with the transfer.
enum Line {
    Ready(Whole),
    Shaking(BoxFuture<'static, Result<Whole, Box<str>>>),
}

/// How a data connection is protected.
pub(super) struct Protect {
    pub(super) session: ClientSession,
    /// The server's name.
    pub(super) name: Box<str>,
    pub(super) within: Duration,
}

impl Protect {
    /// Shakes hands without waiting for anything.
    fn begin(self, tcp: TcpStream, resumed: Arc<OnceLock<bool>>) -> Line {
        Line::Shaking(Box::pin(async move {
            let done = self.session.connect(Stream::from(tcp), &self.name, clock::now() + self.within).await;
            let stream = done.map_err(|failure| failure.detail)?;
            let _ = resumed.set(stream.tls().is_some_and(Secured::is_resumed));
            Ok(Whole(Some(stream)))
        }))
    }
}

/// Why a body did not arrive whole.
pub(super) enum Trouble {
    /// The handshake failed.
    Tls(Box<str>),
    Pump(PumpError),
}

impl From<PumpError> for Trouble {
    fn from(error: PumpError) -> Self {
        Self::Pump(error)
    }
}

/// What happened.
pub(super) enum Step {
    Opened(SocketAddr),
    /// The handshake is done, before anything moves.
    Secured(Box<str>),
    NotOpened(DataFault),
    /// The file has moved, or not.
    Moved(Moved),
    /// One of many files has moved, or not.
    Kept(OpId, Moved),
    /// Some of a listing came, or its end.
    Piece(Piece),
}

/// A file that has moved.
pub(super) struct Moved {
    pub(super) sink: Option<Sink>,
    pub(super) result: Result<u64, Trouble>,
}

/// A piece of a listing; empty at its end.
pub(super) struct Piece {
    pub(super) result: Result<BytesMut, Trouble>,
    pub(super) room: Option<mpsc::OwnedPermit<Vec<Item>>>,
    rest: Option<Whole>,
}

/// A connection that is cut where it is dropped before its end: a close in good order would tell a server that the file is whole.
struct Whole(Option<Stream>);

impl Whole {
    /// What the handshake came to.
    fn secured(&self) -> Box<str> {
        let tls = self.0.as_ref().and_then(Stream::tls);
        tls.map(ToString::to_string).unwrap_or_default().into()
    }

    /// It ended as it should.
    fn close(mut self) {
        drop(self.0.take());
    }
}

impl Drop for Whole {
    fn drop(&mut self) {
        if let Some(stream) = self.0.take() {
            stream.reset();
        }
    }
}

impl Data {
    /// Connects to where the server listens.
    pub(super) fn connect(id: DataId, way: Way, to: SocketAddr, within: Duration, protect: Option<Protect>) -> Self {
        let work = async move { way.connect_data(to, within).await.map_err(|why| DataFault::NotMade(why.into())) };
        Self {
            id,
            stage: Stage::Opening(Box::pin(work)),
            protect,
            resumed: Arc::default(),
            awaited: None,
            moves: None,
            orders: VecDeque::new(),
        }
    }

    /// Takes the first connection from the server itself; strangers are sent away.
    pub(super) fn accept(id: DataId, listener: TcpListener, from: IpAddr, protect: Option<Protect>) -> Self {
        let awaited = listener.local_addr().ok();
        let work = async move {
            loop {
                let (tcp, peer) = listen::accept(&listener).await;
                if peer.ip().to_canonical() == from.to_canonical() {
                    return Ok(tcp);
                }
                Stream::from(tcp).reset();
            }
        };
        Self {
            id,
            stage: Stage::Opening(Box::pin(work)),
            protect,
            resumed: Arc::default(),
            awaited,
            moves: None,
            orders: VecDeque::new(),
        }
    }

    /// It cannot be made.
    pub(super) fn failed(id: DataId, fault: DataFault) -> Self {
        Self {
            id,
            stage: Stage::Opening(Box::pin(async move { Err(fault) })),
            protect: None,
            resumed: Arc::default(),
            awaited: None,
            moves: None,
            orders: VecDeque::new(),
        }
    }

    /// Whether its handshake resumed a TLS session; `None` where there was none.
    pub(super) fn resumed(&self) -> Option<bool> {
        self.resumed.get().copied()
    }

    /// Receives a file.
    pub(super) fn receive(&mut self, op: OpId, mut sink: Sink, meter: Meter, form: Form, stall: Duration) {
        let Some(line) = self.take_line() else { return };
        self.moves = Some((op, Direction::Out, meter.clone()));
        self.stage = Stage::File(Box::pin(async move {
            let result = receive(line, &mut sink, &meter, form, stall).await;
            Moved { sink: Some(sink), result }
        }));
    }

    /// Sends a file, and its end.
    pub(super) fn send(&mut self, op: OpId, source: Source, meter: Meter, form: Form, stall: Duration) {
        let Some(line) = self.take_line() else { return };
        self.moves = Some((op, Direction::In, meter.clone()));
        self.stage =
            Stage::File(Box::pin(async move { Moved { sink: None, result: send(line, source, &meter, form, stall).await } }));
    }

    /// Moves a file in MODE B behind those that were ordered before, and stays.
    pub(super) fn keep_on(&mut self, order: Order) {
        self.orders.push_back(order);
        self.next_order();
    }

    /// Begins what was ordered next, where nothing moves.
    pub(super) fn next_order(&mut self) {
        if self.orders.is_empty() {
            return;
        }
        let Some(line) = self.take_line() else { return };
        let Some(order) = self.orders.pop_front() else { return };
        self.moves = Some((order.op, order.direction(), order.meter.clone()));
        self.stage = Stage::Kept(order.op, Box::pin(carry(line, order)));
    }

    fn take_line(&mut self) -> Option<Line> {
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Open(line) => Some(line),
            other => {
                self.stage = other;
                None
            }
        }
    }

    /// Reads the first piece of a listing, once there is room for what it tells.
    pub(super) fn list(&mut self, op: OpId, room: Option<mpsc::Sender<Vec<Item>>>, meter: Meter, stall: Duration) {
        let Some(line) = self.take_line() else { return };
        self.moves = Some((op, Direction::Out, meter));
        self.stage = Stage::Piece(Box::pin(read_piece(line, room, stall)));
    }

    /// Reads the next piece.
    pub(super) fn go_on(&mut self, piece: &mut Piece, room: Option<mpsc::Sender<Vec<Item>>>, stall: Duration) {
        if let Some(whole) = piece.rest.take() {
            self.stage = Stage::Piece(Box::pin(read_piece(Line::Ready(whole), room, stall)));
        }
    }

    /// Waits for the next thing to happen; for ever where nothing will. May be dropped and called again.
    pub(super) async fn step(&mut self) -> Step {
        let step = match &mut self.stage {
            Stage::Opening(work) => match work.await {
                Ok(tcp) => {
                    let peer = tcp.peer_addr();
                    self.stage = Stage::Open(match self.protect.take() {
                        Some(protect) => protect.begin(tcp, self.resumed.clone()),
                        None => Line::Ready(Whole(Some(Stream::from(tcp)))),
                    });
                    return match peer {
                        Ok(peer) => Step::Opened(peer),
                        Err(e) => Step::NotOpened(DataFault::NotMade(e.to_string().into())),
                    };
                }
                Err(fault) => Step::NotOpened(fault),
            },
            Stage::File(work) => Step::Moved(work.await),
            Stage::Piece(work) => Step::Piece(work.await),
            Stage::Kept(op, work) => {
                let op = *op;
                let (moved, whole) = work.await;
                self.stage = whole.map_or(Stage::Over, |whole| Stage::Open(Line::Ready(whole)));
                return Step::Kept(op, moved);
            }
            Stage::Open(Line::Shaking(work)) => match work.await {
                Ok(whole) => {
                    let secured = whole.secured();
                    self.stage = Stage::Open(Line::Ready(whole));
                    return Step::Secured(secured);
                }
                Err(why) => Step::NotOpened(DataFault::Tls(why)),
            },
            Stage::Open(Line::Ready(_)) | Stage::Over => return pending().await,
        };
        self.stage = Stage::Over;
        step
    }
}

/// A line on which bytes may move.
async fn ready(line: Line) -> Result<Whole, Trouble> {
    match line {
        Line::Ready(whole) => Ok(whole),
        Line::Shaking(work) => work.await.map_err(Trouble::Tls),
    }
}

async fn receive(line: Line, sink: &mut Sink, meter: &Meter, form: Form, stall: Duration) -> Result<u64, Trouble> {
    let mut whole = ready(line).await?;
    let stream = whole.0.as_mut().ok_or(PumpError::Cancelled)?;
    let mut body = FromWire::new(form);
    let transform = (!form.is_plain()).then_some(&mut body as &mut dyn Transform);
    let mut bytes = pump::receive(stream, sink, transform, meter, stall).await?;
    if form.is_image() && !form.is_plain() {
        bytes = body.bytes;
    }
    if form.keeps_connection() {
        // The end was marked; a server that would go on waits for ours.
        let _ = tokio::time::timeout(LINGER.min(stall), stream.finish()).await;
    }
    whole.close();
    Ok(bytes)
}

async fn send(line: Line, source: Source, meter: &Meter, form: Form, stall: Duration) -> Result<u64, Trouble> {
    let mut whole = ready(line).await?;
    let stream = whole.0.as_mut().ok_or(PumpError::Cancelled)?;
    let mut body = ToWire::new(form);
    let transform = (!form.is_plain()).then_some(&mut body as &mut dyn Transform);
    let mut bytes = pump::send(stream, source, transform, meter, stall).await?;
    if form.is_image() && !form.is_plain() {
        bytes = body.bytes;
    }
    match tokio::time::timeout(stall, stream.finish()).await {
        Ok(done) => done.map_err(PumpError::Peer)?,
        Err(_) => return Err(PumpError::Stalled.into()),
    }
    if stream.tls().is_some() {
        // Closing over something unread (tickets, the server's close alert) makes a reset of it, which can take the end
        // of the file away from the server. It closes before it confirms, so this waits for nothing else.
        let mut unread = [0; 1024];
        let to_the_end = async { while matches!(stream.read(&mut unread).await, Ok(n) if n > 0) {} };
        let _ = tokio::time::timeout(LINGER.min(stall), to_the_end).await;
    }
    whole.close();
    Ok(bytes)
}

/// Moves one of many files; the connection, where it can carry the next.
async fn carry(line: Line, order: Order) -> (Moved, Option<Whole>) {
    let mut whole = match ready(line).await {
        Ok(whole) => whole,
        Err(trouble) => return (Moved { sink: None, result: Err(trouble) }, None),
    };
    let Some(stream) = whole.0.as_mut() else {
        return (Moved { sink: None, result: Err(PumpError::Cancelled.into()) }, None);
    };
    stream.send_at_once();
    let (sink, result) = order.carry(stream).await;
    let whole = result.is_ok().then_some(whole);
    (Moved { sink, result: result.map_err(Trouble::from) }, whole)
}

async fn read_piece(line: Line, room: Option<mpsc::Sender<Vec<Item>>>, stall: Duration) -> Piece {
    let room = match room {
        Some(sender) => match sender.reserve_owned().await {
            Ok(permit) => Some(permit),
            Err(_) => return Piece { result: Err(PumpError::Cancelled.into()), room: None, rest: None },
        },
        None => None,
    };
    match read_some(line, stall).await {
        Ok((bytes, rest)) => Piece { result: Ok(bytes), room, rest },
        Err(trouble) => Piece { result: Err(trouble), room, rest: None },
    }
}

/// The next bytes, and the line where they are not the last.
async fn read_some(line: Line, stall: Duration) -> Result<(BytesMut, Option<Whole>), Trouble> {
    let mut whole = ready(line).await?;
    let stream = whole.0.as_mut().ok_or(PumpError::Cancelled)?;
    let mut bytes = BytesMut::zeroed(CHUNK);
    let n = match tokio::time::timeout(stall, stream.read(&mut bytes)).await {
        Ok(read) => read.map_err(PumpError::Peer)?,
        Err(_) => return Err(PumpError::Stalled.into()),
    };
    bytes.truncate(n);
    if n == 0 {
        whole.close();
        return Ok((bytes, None));
    }
    Ok((bytes, Some(whole)))
}

/// What the session hears of a body that did not arrive whole, and what our own side knows better.
pub(super) fn fault(trouble: Trouble, stall: Duration) -> (DataFault, Option<Error>) {
    let error = match trouble {
        Trouble::Tls(why) => return (DataFault::Tls(why), None),
        Trouble::Pump(error) => error,
    };
    match error {
        PumpError::Peer(e) => (DataFault::Broken(e.to_string().into()), None),
        PumpError::Storage(e) => (DataFault::Local(e.to_string().into()), Some(e)),
        PumpError::Cancelled => (DataFault::Local("cancelled".into()), Some(Error::new(Reason::Cancelled))),
        PumpError::Stalled => {
            let words = format!("waiting for: more data; no byte moved for {} s", stall.as_secs_f64());
            (DataFault::Local(words.clone().into()), Some(Error::with(Reason::TooSlow, words)))
        }
    }
}
