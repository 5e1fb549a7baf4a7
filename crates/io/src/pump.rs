//! Who moves a body, and how? Picks `sendfile`, `splice` or copying, in slices, so that every path counts, keeps
//! its rate and stops alike.

mod absorb;
mod burst;
mod pieces;
mod receive;
mod relay;
mod send;
#[cfg(test)]
mod tests;
mod window;

use std::fmt;
use std::io;
use std::time::Duration;

use tokio::io::Interest;
use tokio::net::TcpStream;
use types::{Error, Reason};

use crate::body::{From, Into, Sink, Source};
use crate::buffer::{self, Buffer, Pool};
use crate::gss;
use crate::meter::{Cancelled, Meter};
use crate::stream::Stream;
use crate::tls::Layer;
pub use absorb::{Absorb, absorb};
pub use pieces::Pieces;
pub use relay::relay;
pub use send::begin;
pub(crate) use send::read_now;
use window::Window;

/// What a body becomes on its way (TYPE A, a compressed mode). Exact wherever the pieces are cut.
pub trait Transform: Send {
    /// Takes input off its front and adds what it becomes to `out`: some hundred KiB at most at a time.
    ///
    /// # Errors
    /// The body cannot be read; the transfer ends there.
    fn push(&mut self, input: &mut &[u8], out: &mut Vec<u8>) -> Result<Progress, Error>;
    /// How many bytes belong to this body at least, where others may follow it on the same stream: no more are read.
    fn wants(&self) -> Option<usize> {
        None
    }
    /// Adds what was held back, at the end.
    ///
    /// # Errors
    /// The body may not end here.
    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Error>;
}

/// How far [`Transform::push`] has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Progress {
    /// All of the input is taken.
    Hungry,
    /// There is much in `out`; more comes when that was taken away.
    Full,
    /// The body has ended by a mark of its own: nothing more is read, and the stream may carry another.
    Over,
}

/// Why a body did not arrive whole. How far it came, the meter tells.
#[derive(Debug)]
pub enum PumpError {
    /// The data connection failed: reset, or lost.
    Peer(io::Error),
    /// This end failed: the storage, or memory for the body.
    Storage(Error),
    /// The meter's token was cancelled.
    Cancelled,
    /// No byte moved for as long as may be.
    Stalled,
}

impl PumpError {
    /// The reason to tell.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Peer(e) if e.kind() == io::ErrorKind::UnexpectedEof => Reason::DataTruncated,
            Self::Peer(e) if gss::is_unsealed(e) => Reason::DataUnsealed,
            Self::Peer(e) if e.kind() == io::ErrorKind::InvalidData => Reason::DataSpoilt,
            Self::Peer(_) => Reason::DataReset,
            Self::Storage(e) => e.reason,
            Self::Cancelled => Reason::Cancelled,
            Self::Stalled => Reason::DataStalled,
        }
    }
}

impl fmt::Display for PumpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Peer(e) => write!(f, "{} ({e})", self.reason()),
            Self::Storage(e) => e.fmt(f),
            Self::Cancelled | Self::Stalled => self.reason().fmt(f),
        }
    }
}

impl std::error::Error for PumpError {}

impl std::convert::From<Cancelled> for PumpError {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}

impl std::convert::From<Error> for PumpError {
    fn from(e: Error) -> Self {
        Self::Storage(e)
    }
}

/// Sends a body and tells how many bytes went into the socket. The end (FIN) is the caller's to send. Gives up when
/// no byte could be sent for `stall`.
///
/// # Errors
/// See [`PumpError`].
pub async fn send(
    stream: &mut Stream,
    source: Source,
    transform: Option<&mut dyn Transform>,
    meter: &Meter,
    stall: Duration,
) -> Result<u64, PumpError> {
    let mut way = Way::new(stream, meter, stall);
    match (source.0, transform) {
        (From::File { file, at, end }, None) if !matches!(way.wire, Wire::Plain(_)) => {
            Box::pin(send::file_copied(&mut way, &file, at, end)).await?;
        }
        (From::File { file, at, end }, None) => {
            let at = at + send::small(&mut way, &file, at, end).await?;
            if let Some(at) = send::file(&mut way, &file, at, end).await? {
                // Boxed: rare, and larger than the rest.
                Box::pin(send::file_copied(&mut way, &file, at, end)).await?;
            }
        }
        (From::File { file, at, end }, Some(t)) => Box::pin(send::file_through(&mut way, &file, at, end, t)).await?,
        (From::Bytes(bytes), None) => way.send_all(&bytes, &mut Window::default()).await?,
        (From::Bytes(bytes), Some(t)) => Box::pin(send::bytes_through(&mut way, &bytes, t)).await?,
        (From::Chunks(chunks), t) => Box::pin(send::chunks(&mut way, chunks, t)).await?,
    }
    way.drain().await?;
    Ok(way.moved)
}

/// Receives a body until its end (FIN, or its own mark where `transform` knows one) and tells how many bytes came out of the socket. What is not yet written
/// then, [`Sink::commit`] writes. Gives up when no byte came for `stall`. After an error the sink still holds all
/// that came; dropping it or [`Sink::abandon`] hands that to the storage.
///
/// # Errors
/// See [`PumpError`]; a reset is one, never an end.
pub async fn receive(
    stream: &mut Stream,
    sink: &mut Sink,
    transform: Option<&mut dyn Transform>,
    meter: &Meter,
    stall: Duration,
) -> Result<u64, PumpError> {
    let mut way = Way::new(stream, meter, stall);
    match (sink.0.as_mut(), transform) {
        (Some(Into::File { tail, pace, .. }), None) => receive::file(&mut way, tail, pace).await?,
        (Some(Into::File { tail, .. }), Some(t)) => Box::pin(receive::file_through(&mut way, tail, t)).await?,
        (Some(Into::Put(put)), t) => Box::pin(receive::put(&mut way, put.as_mut(), t)).await?,
        (None, _) => {}
    }
    Ok(way.moved)
}

/// Reads a body through `transform` and tells how many bytes would be sent, without sending any.
///
/// # Errors
/// The storage's, or that it was cancelled.
pub async fn count(source: Source, transform: &mut dyn Transform, meter: &Meter) -> Result<u64, PumpError> {
    send::count(source, transform, meter).await
}

/// What carries a body: a socket, or TLS or a seal over one, which takes bytes from nobody but this process.
enum Wire<'a> {
    Plain(&'a TcpStream),
    Tls(&'a mut Layer),
    Sealed(&'a mut gss::Layer),
}

impl<'a> Wire<'a> {
    fn of(stream: &'a mut Stream) -> Self {
        match stream {
            Stream::Plain(tcp) => Self::Plain(tcp),
            Stream::Tls(layer) => Self::Tls(layer),
            Stream::Sealed(layer) => Self::Sealed(layer),
        }
    }

    async fn ready(&self, interest: Interest) -> io::Result<()> {
        match self {
            Self::Plain(tcp) => tcp.ready(interest).await.map(drop),
            // What has come already is not announced by the socket.
            Self::Tls(layer) if interest.is_readable() => layer.readable().await,
            Self::Tls(layer) => layer.tcp().ready(interest).await.map(drop),
            Self::Sealed(layer) if interest.is_readable() => layer.readable().await,
            Self::Sealed(layer) => layer.tcp().ready(interest).await.map(drop),
        }
    }
}

/// One transfer on its way: the socket, and what counts and bounds it.
struct Way<'a> {
    wire: Wire<'a>,
    meter: &'a Meter,
    stall: Duration,
    pool: &'static Pool,
    moved: u64,
    /// Bytes sent since others had their turn.
    turn: usize,
}

impl<'a> Way<'a> {
    fn new(stream: &'a mut Stream, meter: &'a Meter, stall: Duration) -> Self {
        Self { wire: Wire::of(stream), meter, stall, pool: buffer::pool(), moved: 0, turn: 0 }
    }

    /// The socket.
    fn tcp(&self) -> &TcpStream {
        match &self.wire {
            Wire::Plain(tcp) => tcp,
            Wire::Tls(layer) => layer.tcp(),
            Wire::Sealed(layer) => layer.tcp(),
        }
    }

    fn count(&mut self, bytes: usize) {
        self.moved += bytes as u64;
        self.meter.count(bytes);
    }

    /// Waits until the socket may do more.
    async fn ready(&self, interest: Interest) -> Result<(), PumpError> {
        tokio::select! {
            biased;
            () = self.meter.token().cancelled() => Err(PumpError::Cancelled),
            ready = self.wire.ready(interest) => ready.map_err(PumpError::Peer),
            () = tokio::time::sleep(self.stall) => Err(PumpError::Stalled),
        }
    }

    /// Waits for something that has its own time, unless cancelled.
    async fn unless_cancelled<T>(&self, future: impl Future<Output = T>) -> Result<T, PumpError> {
        self.meter.token().run_until_cancelled(future).await.ok_or(PumpError::Cancelled)
    }

    /// A buffer, unless none comes free for as long as a transfer may keep still.
    async fn buffer(&self) -> Result<Buffer, PumpError> {
        self.soon(self.pool.take()).await
    }

    /// Two at once: who holds one and waits for another may wait for ever.
    async fn buffers(&self) -> Result<(Buffer, Buffer), PumpError> {
        self.soon(self.pool.take_two()).await
    }

    async fn soon<T>(&self, buffers: impl Future<Output = T>) -> Result<T, PumpError> {
        let taken = self.unless_cancelled(tokio::time::timeout(self.stall, buffers)).await?;
        // Not the peer's fault, so not a stall.
        taken.map_err(|_| PumpError::Storage(Reason::NoBuffers.into()))
    }

    /// Sends all of it. While the socket is full, `window` is not held for long.
    async fn send_all(&mut self, mut bytes: &[u8], window: &mut Window) -> Result<(), PumpError> {
        let mut waited = false;
        while !bytes.is_empty() {
            let n = self.send_some(bytes, waited).await?;
            if n == 0 {
                window.wait(self).await?;
                waited = true;
            }
            bytes = bytes.get(n..).unwrap_or_default();
        }
        Ok(())
    }

    /// Sends what fits and tells how much that was; 0 where the socket is full.
    async fn send_some(&mut self, bytes: &[u8], waited: bool) -> Result<usize, PumpError> {
        let granted = self.meter.grant(bytes.len().min(SLICE)).await?;
        let slice = bytes.get(..granted).unwrap_or(bytes);
        let result = match &mut self.wire {
            Wire::Plain(tcp) => attempt(tcp, Interest::WRITABLE, waited, || {
                rustix::net::send(*tcp, slice, rustix::net::SendFlags::NOSIGNAL).map_err(io::Error::from)
            }),
            Wire::Tls(layer) => layer.put(slice),
            Wire::Sealed(layer) => layer.put(slice),
        };
        let n = match result {
            Ok(n) => n,
            Err(e) if would_block(&e) => 0,
            Err(e) => return Err(PumpError::Peer(e)),
        };
        self.meter.give_back(granted - n);
        if n > 0 {
            self.count(n);
            self.turn += n;
        }
        if self.turn >= SLICE {
            self.turn = 0;
            tokio::task::yield_now().await;
        }
        Ok(n)
    }

    /// Waits until what is encrypted has left for the socket.
    async fn drain(&mut self) -> Result<(), PumpError> {
        loop {
            let drained = match &mut self.wire {
                Wire::Plain(_) => Ok(()),
                Wire::Tls(layer) => layer.drain(),
                Wire::Sealed(layer) => layer.drain(),
            };
            match drained {
                Ok(()) => break,
                Err(e) if would_block(&e) => self.ready(Interest::WRITABLE).await?,
                Err(e) => return Err(PumpError::Peer(e)),
            }
        }
        Ok(())
    }
}

/// How long a pooled buffer may wait for its peer, all waits together: then it goes back, so that slow transfers do
/// not hold all of them.
const LINGER: Duration = Duration::from_millis(500);

/// The most that moves before the meter, the token and the other tasks have their say.
const SLICE: usize = 512 * 1024;

/// Does `call` on the socket. The first time at once: a fresh connection is nearly always ready before the reactor
/// has said so. Once something was waited for, only through the reactor, which must see every "would block".
fn attempt<T>(tcp: &TcpStream, interest: Interest, waited: bool, mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        let result = if waited { tcp.try_io(interest, &mut call) } else { call() };
        match result {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

fn would_block(e: &io::Error) -> bool {
    e.kind() == io::ErrorKind::WouldBlock
}
