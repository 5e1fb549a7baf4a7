//! How do bytes pass through TLS? A socket, the state of its session, and buffers that exist only while they hold
//! something.

mod bulk;

use std::fmt;
use std::io;
use std::net::Shutdown;
use std::task::{Context, Poll};
use std::time::Instant;

use rustix::buffer::spare_capacity;
use rustix::net::{RecvFlags, SendFlags, recv, send};
use rustls::client::UnbufferedClientConnection;
use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{ConnectionState, EncodeError, EncryptError, UnbufferedStatus, WriteTraffic};
use rustls::{CommonState, ProtocolVersion};
use socket2::SockRef;
use tokio::io::Interest;
use tokio::net::TcpStream;

use super::clear::{self, Leftover};
use super::{Failure, Secured};

/// Types of records (RFC 8446 §5.1). Whatever begins with another byte is no TLS.
pub(super) const RECORD_TYPES: std::ops::RangeInclusive<u8> = 20..=23;

/// What stands before every record: type, version, length (RFC 8446 §5.1).
const HEADER: usize = 5;

/// Read at once where little is expected: a command, a part of a handshake.
const LITTLE: usize = 4 * 1024;

/// Read or encrypted at once where a body moves; larger ones leave the processor's cache.
const MUCH: usize = 64 * 1024;

/// What records that were received and not understood yet may take: the largest handshake message (64 KiB) with its
/// headers, and a read.
const MOST_WAITING: usize = 3 * MUCH;

/// The room a record needs beside its plain text, at the most: header, nonce, type, tag.
const OVERHEAD: usize = 64;

/// The plain text one record holds.
const RECORD: usize = 16 * 1024;

/// Which end of the session this is.
pub(super) enum Side {
    Server(UnbufferedServerConnection),
    Client(UnbufferedClientConnection),
}

/// A TCP connection under TLS.
pub struct Layer {
    tcp: TcpStream,
    side: Side,
    /// Records as they came; those before `done` are dealt with.
    incoming: Vec<u8>,
    done: usize,
    /// Bytes behind `done` that the session has seen and not dealt with: the beginning of a message of several records.
    /// It must be shown them again with whatever comes next, and nothing less.
    seen: usize,
    /// Plain text that was decrypted and did not fit where it was wanted; that before `given` was given out.
    plain: Vec<u8>,
    given: usize,
    outgoing: Outgoing,
    /// Plain text of the caller's that stands encrypted in `outgoing` and was not reported as written yet.
    accepted: usize,
    /// What stands in `outgoing` waits until this end has something to say.
    withholds: bool,
    state: State,
    /// A FIN without a close alert counts as an end.
    lenient: bool,
    secured: Option<Box<Secured>>,
}

/// Records on their way out. What lies before `from` is sent, what lies behind `to` is room.
#[derive(Default)]
struct Outgoing {
    bytes: Vec<u8>,
    from: usize,
    to: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Open,
    /// The other end said that it has sent everything.
    Closed,
    /// The connection ended and the other end did not say so first.
    Truncated,
    /// A record could not be understood.
    Failed,
}

/// What a look at the records brought.
pub(super) enum Step {
    /// More must come first.
    Blocked,
    /// Plain text was given out.
    Data(usize),
    /// The close alert.
    Closed,
}

impl fmt::Debug for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Neither keys nor plain text.
        f.debug_struct("Layer").field("tcp", &self.tcp).field("state", &self.state).field("secured", &self.secured).finish()
    }
}

impl Layer {
    pub(super) fn new(tcp: TcpStream, side: Side) -> Self {
        Self {
            tcp,
            side,
            incoming: Vec::new(),
            done: 0,
            seen: 0,
            plain: Vec::new(),
            given: 0,
            outgoing: Outgoing::default(),
            accepted: 0,
            withholds: false,
            state: State::Open,
            lenient: false,
            secured: None,
        }
    }

    /// Goes on with the handshake as far as what came allows.
    pub(super) fn shake(&mut self) -> Result<(), rustls::Error> {
        let stepped = self.advance(usize::MAX, 0, &mut |_| ());
        if self.secured.is_none() && !self.common().is_handshaking() {
            self.secured = Some(Box::new(Secured::of(self.common())));
        }
        stepped.map(drop)
    }

    /// Lets what comes be acknowledged at once. At the end of a handshake the other end may wait for just that before
    /// it sends its first bytes (Nagle's algorithm), and here there is nothing to send along.
    pub(super) fn quicken(&self) {
        // A wish: without it the bytes come 40 ms later.
        let _ = rustix::net::sockopt::set_tcp_quickack(&self.tcp, true);
    }

    /// What the handshake came to. `None` only while it is not over, when nobody outside has the layer yet.
    pub fn secured(&self) -> Option<&Secured> {
        self.secured.as_deref()
    }

    pub(super) const fn is_settled(&self) -> bool {
        self.secured.is_some()
    }

    /// Whether the other end has announced its end.
    pub(super) fn is_closed(&self) -> bool {
        self.state == State::Closed
    }

    /// Plain text that nobody has read.
    pub(super) fn take_plain(&mut self) -> Vec<u8> {
        let mut plain = std::mem::take(&mut self.plain);
        plain.drain(..std::mem::take(&mut self.given).min(plain.len()));
        plain
    }

    /// Takes a FIN without a close alert for an end from now on.
    pub(crate) const fn take_unproved_end(&mut self) {
        self.lenient = true;
    }

    /// Whether the other end has ended without its close alert.
    pub(crate) fn is_end_unproved(&self) -> bool {
        self.state == State::Truncated
    }

    /// The connection beneath.
    pub(crate) const fn tcp(&self) -> &TcpStream {
        &self.tcp
    }

    /// Whether it is TLS 1.3 that was agreed on.
    pub(super) fn is_1_3(&self) -> bool {
        self.common().protocol_version() == Some(ProtocolVersion::TLSv1_3)
    }

    /// What waits to leave goes on waiting while this end only reads.
    pub(super) const fn withhold(&mut self) {
        self.withholds = true;
    }

    pub(super) fn common(&self) -> &CommonState {
        match &self.side {
            Side::Server(side) => side,
            Side::Client(side) => side,
        }
    }

    pub(super) fn serves(&self) -> bool {
        matches!(self.side, Side::Server(_))
    }

    /// Records that came and are not dealt with.
    fn waiting(&self) -> &[u8] {
        self.incoming.get(self.done..).unwrap_or_default()
    }

    /// [`crate::stream::Stream::clear_tls`].
    pub(crate) async fn clear(self: Box<Self>, deadline: Instant) -> Result<(TcpStream, Leftover), Failure> {
        clear::run(self, deadline).await
    }

    /// Records that came and that the session has not seen.
    pub(super) fn unseen(&self) -> &[u8] {
        self.waiting().get(self.seen..).unwrap_or_default()
    }

    /// Forgets what the session has seen and has no use for any more.
    pub(super) fn forget_seen(&mut self) {
        let seen = std::mem::take(&mut self.seen);
        self.discard(seen);
    }

    /// Gives up TLS for what lies beneath it.
    pub(super) fn into_parts(mut self) -> (TcpStream, Vec<u8>) {
        self.incoming.drain(..self.done.min(self.incoming.len()));
        (self.tcp, self.incoming)
    }

    /// Whether reading would bring something although the socket has nothing: what came with the bytes before it.
    /// Whoever waits for the socket alone waits for ever.
    pub(crate) fn holds_input(&self) -> bool {
        self.given < self.plain.len()
            || self.state != State::Open
            || record_len(self.unseen()).is_some_and(|n| n <= self.unseen().len())
    }

    /// Reads what is there, at most `most` bytes of plain text and at most one record, and gives it to `put`. 0 is the
    /// end that the other end announced.
    pub(super) fn read_with(&mut self, most: usize, mut put: impl FnMut(&[u8])) -> io::Result<usize> {
        if most == 0 {
            return Ok(0);
        }
        if let Some(left) = self.plain.get(self.given..).filter(|left| !left.is_empty()) {
            let n = left.len().min(most);
            put(left.get(..n).unwrap_or_default());
            self.given += n;
            if self.given >= self.plain.len() {
                (self.plain, self.given) = (Vec::new(), 0);
            }
            return Ok(n);
        }
        loop {
            match self.state {
                State::Open => {}
                State::Closed => return Ok(0),
                State::Truncated if self.lenient => return Ok(0),
                State::Truncated => return Err(truncated()),
                State::Failed => return Err(io::ErrorKind::InvalidData.into()),
            }
            match self.step(most, &mut put)? {
                Step::Data(n) => return Ok(n),
                Step::Closed => return Ok(0),
                Step::Blocked => {}
            }
            if !self.withholds {
                self.push_out()?;
            }
            if self.receive(if most >= RECORD { MUCH } else { LITTLE })? == 0 {
                self.state = State::Truncated;
            }
        }
    }

    /// [`Layer::read_with`] into a slice.
    pub(crate) fn try_read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = into.len();
        self.read_with(most, |bytes| {
            if let Some(place) = into.get_mut(..bytes.len()) {
                place.copy_from_slice(bytes);
            }
        })
    }

    /// [`Layer::read_with`] onto the end of a buffer.
    pub(crate) fn try_read_onto(&mut self, into: &mut Vec<u8>, most: usize) -> io::Result<usize> {
        self.read_with(most, |bytes| into.extend_from_slice(bytes))
    }

    fn step(&mut self, most: usize, put: &mut impl FnMut(&[u8])) -> io::Result<Step> {
        self.step_within(usize::MAX, most, put)
    }

    /// As [`Layer::read_with`], of the first `bytes` that came and were not seen, and without reading more.
    pub(super) fn step_within(&mut self, bytes: usize, most: usize, put: &mut impl FnMut(&[u8])) -> io::Result<Step> {
        self.advance(self.seen.saturating_add(bytes), most, put).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))
    }

    fn advance(&mut self, mut limit: usize, most: usize, put: &mut impl FnMut(&[u8])) -> Result<Step, rustls::Error> {
        loop {
            let records = self.incoming.get_mut(self.done..).unwrap_or_default();
            let within = limit.min(records.len());
            let records = records.get_mut(..within).unwrap_or_default();
            let mut taken = 0;
            let rest = &mut self.plain;
            let mut deal = |bytes: &[u8]| {
                let (fits, left) = bytes.split_at(bytes.len().min(most));
                taken = fits.len();
                put(fits);
                rest.extend_from_slice(left);
            };
            let (discard, turn) = match &mut self.side {
                Side::Server(side) => turn(side.process_tls_records(records), &mut self.outgoing, &mut deal),
                Side::Client(side) => turn(side.process_tls_records(records), &mut self.outgoing, &mut deal),
            };
            self.discard(discard);
            limit = limit.saturating_sub(discard);
            self.seen = match turn {
                // Nothing but a message's beginning is left of the whole records.
                Ok(Turn::Blocked) => whole_records(self.waiting().get(..limit.min(self.waiting().len())).unwrap_or_default()),
                _ => 0,
            };
            match turn {
                Ok(Turn::Again) => {}
                Ok(Turn::Data) if taken > 0 => return Ok(Step::Data(taken)),
                Ok(Turn::Data) => {}
                Ok(Turn::Blocked) => return Ok(Step::Blocked),
                Ok(Turn::Closed) => {
                    self.state = State::Closed;
                    return Ok(Step::Closed);
                }
                Err(e) => {
                    self.fail();
                    return Err(e);
                }
            }
        }
    }

    /// The next `n` bytes that came are dealt with.
    fn discard(&mut self, n: usize) {
        self.done += n;
        if self.done >= self.incoming.len() {
            self.incoming.clear();
            self.done = 0;
        }
    }

    /// Remembers that nothing can come any more, and puts the alert that says why on its way.
    fn fail(&mut self) {
        self.state = State::Failed;
        // Only as long as something stands ready: after an error the session must not look at any bytes again.
        while self.common().wants_write() {
            let (_, turned) = match &mut self.side {
                Side::Server(side) => turn(side.process_tls_records(&mut []), &mut self.outgoing, &mut |_| ()),
                Side::Client(side) => turn(side.process_tls_records(&mut []), &mut self.outgoing, &mut |_| ()),
            };
            if !matches!(turned, Ok(Turn::Again | Turn::Data)) {
                break;
            }
        }
        // The alert is a courtesy: where it does not leave at once, the end of the connection says as much.
        let _ = self.push_out();
    }

    /// One read from the socket. 0 is a FIN.
    pub(super) fn receive(&mut self, amount: usize) -> io::Result<usize> {
        if self.done > 0 {
            self.incoming.drain(..self.done.min(self.incoming.len()));
            self.done = 0;
        }
        if self.incoming.len() > MOST_WAITING {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a message of the handshake is too long"));
        }
        // At least the rest of the record that has begun, so that a large one takes two reads.
        let rest = record_len(self.unseen()).map_or(0, |n| n.saturating_sub(self.unseen().len()));
        self.incoming.reserve(amount.max(rest));
        let Self { tcp, incoming, .. } = self;
        let result =
            retry(|| tcp.try_io(Interest::READABLE, || Ok(recv(&*tcp, spare_capacity(incoming), RecvFlags::empty())?.0)));
        if result.is_err() {
            self.rest();
        }
        result
    }

    /// Gives back what an idle connection needs not.
    fn rest(&mut self) {
        if self.incoming.is_empty() {
            self.incoming = Vec::new();
        } else {
            // A record that has begun, and comes slowly.
            self.incoming.shrink_to_fit();
        }
        if self.outgoing.is_empty() {
            self.outgoing = Outgoing::default();
        }
    }

    /// Writes what fits. What it reports has left for the socket; after "would block" the same bytes must be offered
    /// again, for some of them may stand encrypted here already.
    pub(crate) fn try_write(&mut self, from: &[u8]) -> io::Result<usize> {
        if from.is_empty() {
            return Ok(0);
        }
        if self.accepted == 0 {
            let piece = from.get(..from.len().min(MUCH)).unwrap_or(from);
            self.encrypt(|write, outgoing| outgoing.encrypt(write, piece))?;
            self.accepted = piece.len();
        }
        if !self.push_out()? {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let n = self.accepted.min(from.len());
        self.accepted -= n;
        Ok(n)
    }

    /// Calls `write` when the session takes plain text. Records that nobody has asked for are left alone: what follows
    /// may be no record at all, where TLS is about to end.
    fn encrypt(&mut self, mut write: impl FnMut(&mut dyn Write, &mut Outgoing) -> Result<(), EncryptError>) -> io::Result<()> {
        if self.state == State::Failed {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        loop {
            let records = self.incoming.get_mut(self.done..self.done + self.seen).unwrap_or_default();
            let rest = &mut self.plain;
            let mut keep = |bytes: &[u8]| rest.extend_from_slice(bytes);
            let mut written = None;
            let mut now = |w: &mut dyn Write, outgoing: &mut Outgoing| written = Some(write(w, outgoing));
            let (discard, turned) = match &mut self.side {
                Side::Server(side) => turn_with(side.process_tls_records(records), &mut self.outgoing, &mut keep, &mut now),
                Side::Client(side) => turn_with(side.process_tls_records(records), &mut self.outgoing, &mut keep, &mut now),
            };
            self.discard(discard);
            self.seen = self.seen.saturating_sub(discard);
            match (written, turned) {
                (Some(Ok(())), _) => return Ok(()),
                (Some(Err(_)), _) => return Err(io::Error::other("the keys of this TLS session are used up")),
                (None, Ok(Turn::Again | Turn::Data)) => {}
                // Both sides have closed, or the handshake is not over.
                (None, Ok(Turn::Blocked)) => return Err(io::ErrorKind::BrokenPipe.into()),
                (None, Ok(Turn::Closed)) => self.state = State::Closed,
                (None, Err(e)) => {
                    self.fail();
                    return Err(io::Error::new(io::ErrorKind::InvalidData, e));
                }
            }
        }
    }

    /// Sends what is encrypted, as far as it goes. "Would block" is no error here.
    fn push_out(&mut self) -> io::Result<bool> {
        while !self.outgoing.is_empty() {
            let Self { tcp, outgoing, .. } = self;
            let result = retry(|| tcp.try_io(Interest::WRITABLE, || Ok(send(&*tcp, outgoing.unsent(), SendFlags::NOSIGNAL)?)));
            match result {
                Ok(n) => self.outgoing.sent(n),
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(e) => return Err(e),
            }
        }
        Ok(true)
    }

    /// Sends all that is encrypted.
    pub(crate) async fn flush(&mut self) -> io::Result<()> {
        while !self.push_out()? {
            self.tcp.writable().await?;
        }
        Ok(())
    }

    /// Says that nothing more will come: the close alert (RFC 8446 §6.1). Once.
    pub(super) fn say_closed(&mut self) -> io::Result<()> {
        self.encrypt(|write, outgoing| outgoing.close(write))
    }

    /// Ends our side: close alert, then FIN, and waits until both are on their way.
    pub(crate) async fn finish(&mut self) -> io::Result<()> {
        // A session that failed has no more to say than its FIN.
        if self.say_closed().is_ok() {
            self.flush().await?;
        }
        SockRef::from(&self.tcp).shutdown(Shutdown::Write)
    }

    /// [`Layer::finish`] for whoever cannot wait. Where the socket takes nothing now, the alert is lost.
    pub(crate) fn shutdown_write(&mut self) -> io::Result<()> {
        if self.say_closed().is_ok() {
            self.push_out()?;
        }
        SockRef::from(&self.tcp).shutdown(Shutdown::Write)
    }

    /// Whether something may be read.
    pub(crate) fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.holds_input() { Poll::Ready(Ok(())) } else { self.tcp.poll_read_ready(cx) }
    }

    /// Whether something was taken from the socket that nobody has read, be it the beginning of a record.
    pub(crate) fn holds_anything(&self) -> bool {
        !self.waiting().is_empty() || self.given < self.plain.len()
    }

    /// Waits until something may be read.
    pub(crate) async fn readable(&self) -> io::Result<()> {
        if self.holds_input() { Ok(()) } else { self.tcp.readable().await }
    }
}

/// What only tests ask for.
#[cfg(test)]
impl Layer {
    /// Bytes of buffers.
    pub(super) fn held(&self) -> usize {
        self.incoming.capacity() + self.plain.capacity() + self.outgoing.bytes.capacity()
    }

    /// A message that is no plain text (RFC 8446 §4.6.3).
    pub(super) async fn renew_keys(&mut self) {
        fn renew<D>(status: UnbufferedStatus<'_, '_, D>) {
            let ConnectionState::WriteTraffic(traffic) = status.state.unwrap() else { unreachable!() };
            traffic.refresh_traffic_keys().unwrap();
        }
        match &mut self.side {
            Side::Server(side) => renew(side.process_tls_records(&mut [])),
            Side::Client(side) => renew(side.process_tls_records(&mut [])),
        }
        self.advance(0, 0, &mut |_| ()).unwrap();
        self.flush().await.unwrap();
    }

    /// A FIN without a close alert.
    pub(super) fn shutdown_tcp(&self) {
        SockRef::from(&self.tcp).shutdown(Shutdown::Write).unwrap();
    }
}

/// The end of a connection whose other end did not announce it: nobody knows whether all has come.
fn truncated() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the connection ended without a close alert")
}

/// How long the record that begins `bytes` is, its header included.
pub(super) fn record_len(bytes: &[u8]) -> Option<usize> {
    match bytes {
        [_, _, _, high, low, ..] => Some(HEADER + usize::from(u16::from_be_bytes([*high, *low]))),
        _ => None,
    }
}

/// How many of the bytes are whole records.
fn whole_records(bytes: &[u8]) -> usize {
    let mut whole = 0;
    while let Some(len) = bytes.get(whole..).and_then(record_len)
        && whole + len <= bytes.len()
    {
        whole += len;
    }
    whole
}

fn retry(mut call: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match call() {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

/// What one turn of the state machine came to.
enum Turn {
    /// Something went to the outgoing bytes: turn again.
    Again,
    /// Plain text was dealt out.
    Data,
    /// More must come first.
    Blocked,
    /// The close alert came.
    Closed,
}

/// Encrypting, for either side.
trait Write {
    fn encrypt(&mut self, plain: &[u8], into: &mut [u8]) -> Result<usize, EncryptError>;
    fn close(&mut self, into: &mut [u8]) -> Result<usize, EncryptError>;
}

impl<D> Write for WriteTraffic<'_, D> {
    fn encrypt(&mut self, plain: &[u8], into: &mut [u8]) -> Result<usize, EncryptError> {
        WriteTraffic::encrypt(self, plain, into)
    }

    fn close(&mut self, into: &mut [u8]) -> Result<usize, EncryptError> {
        self.queue_close_notify(into)
    }
}

fn turn<D>(
    status: UnbufferedStatus<'_, '_, D>,
    outgoing: &mut Outgoing,
    deal: &mut dyn FnMut(&[u8]),
) -> (usize, Result<Turn, rustls::Error>) {
    turn_with(status, outgoing, deal, &mut |_, _| ())
}

/// Carries out what the state machine asks for. Tells how many of the incoming bytes are dealt with.
fn turn_with<D>(
    status: UnbufferedStatus<'_, '_, D>,
    outgoing: &mut Outgoing,
    deal: &mut dyn FnMut(&[u8]),
    write: &mut dyn FnMut(&mut dyn Write, &mut Outgoing),
) -> (usize, Result<Turn, rustls::Error>) {
    let UnbufferedStatus { mut discard, state } = status;
    let turn = match state {
        Err(e) => Err(e),
        Ok(ConnectionState::ReadTraffic(mut traffic)) => match traffic.next_record() {
            Some(Ok(record)) => {
                discard += record.discard;
                deal(record.payload);
                Ok(Turn::Data)
            }
            Some(Err(e)) => Err(e),
            None => Ok(Turn::Again),
        },
        Ok(ConnectionState::EncodeTlsData(mut message)) => {
            outgoing.encode(|into| message.encode(into));
            Ok(Turn::Again)
        }
        Ok(ConnectionState::TransmitTlsData(transmit)) => {
            // What was encoded stands in line before anything that comes later; that is as good as sent.
            transmit.done();
            Ok(Turn::Again)
        }
        Ok(ConnectionState::PeerClosed) => Ok(Turn::Closed),
        Ok(ConnectionState::WriteTraffic(mut traffic)) => {
            write(&mut traffic, outgoing);
            Ok(Turn::Blocked)
        }
        // Data before the handshake's end is switched off; a state this library does not know yet brings nothing.
        Ok(_) => Ok(Turn::Blocked),
    };
    (discard, turn)
}

impl Outgoing {
    const fn is_empty(&self) -> bool {
        self.from >= self.to
    }

    fn unsent(&self) -> &[u8] {
        self.bytes.get(self.from..self.to).unwrap_or_default()
    }

    fn sent(&mut self, n: usize) {
        self.from += n;
        if self.is_empty() {
            (self.from, self.to) = (0, 0);
        }
    }

    /// At least `n` bytes of room.
    fn room(&mut self, n: usize) -> &mut [u8] {
        if self.bytes.len() < self.to + n {
            self.bytes.resize(self.to + n, 0);
        }
        self.bytes.get_mut(self.to..).unwrap_or_default()
    }

    fn encode(&mut self, mut encode: impl FnMut(&mut [u8]) -> Result<usize, EncodeError>) {
        let mut need = 0;
        loop {
            match encode(self.room(need)) {
                Ok(n) => {
                    self.to += n;
                    return;
                }
                Err(EncodeError::InsufficientSize(e)) => need = e.required_size,
                Err(EncodeError::AlreadyEncoded) => return,
            }
        }
    }

    fn fill(
        &mut self,
        mut need: usize,
        mut fill: impl FnMut(&mut [u8]) -> Result<usize, EncryptError>,
    ) -> Result<(), EncryptError> {
        loop {
            match fill(self.room(need)) {
                Ok(n) => {
                    self.to += n;
                    return Ok(());
                }
                Err(EncryptError::InsufficientSize(e)) => need = e.required_size,
                Err(e) => return Err(e),
            }
        }
    }

    fn encrypt(&mut self, write: &mut dyn Write, plain: &[u8]) -> Result<(), EncryptError> {
        self.fill(plain.len() + (plain.len() / RECORD + 1) * OVERHEAD, |into| write.encrypt(plain, into))
    }

    fn close(&mut self, write: &mut dyn Write) -> Result<(), EncryptError> {
        self.fill(OVERHEAD, |into| write.close(into))
    }
}
