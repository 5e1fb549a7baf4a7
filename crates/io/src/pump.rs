//! Who moves a body, and how? Picks `sendfile`, `splice` or copying, in slices, so that every path counts, keeps
//! its rate and stops alike.

mod burst;
mod receive;
mod send;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::time::Duration;

use tokio::io::Interest;
use tokio::net::TcpStream;
use types::{Error, Reason};

use crate::body::{From, Into, Sink, Source};
use crate::buffer::{self, Buffer};
use crate::meter::{Cancelled, Meter};
use crate::stream::Stream;

/// What a transfer type does to a body on its way (TYPE A, for one). Exact wherever the pieces are cut.
pub trait Transform: Send {
    /// Takes the next piece and adds what it becomes to `out`.
    fn push(&mut self, input: &[u8], out: &mut Vec<u8>);
    /// Adds what was held back, at the end.
    fn finish(&mut self, out: &mut Vec<u8>);
}

/// Why a body did not arrive whole. How far it came, the meter tells.
#[derive(Debug)]
pub enum PumpError {
    /// The data connection failed: reset, or lost.
    Peer(io::Error),
    /// The storage failed.
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
    let Stream::Plain(tcp) = stream;
    let mut way = Way { tcp, meter, stall, moved: 0 };
    match (source.0, transform) {
        (From::File { file, at, end }, None) => {
            if let Some(at) = send::file(&mut way, &file, at, end).await? {
                // Boxed: rare, and larger than the rest.
                Box::pin(send::file_copied(&mut way, &file, at, end, None)).await?;
            }
        }
        (From::File { file, at, end }, Some(t)) => Box::pin(send::file_copied(&mut way, &file, at, end, Some(t))).await?,
        (From::Bytes(bytes), None) => way.send_all(&bytes).await?,
        (From::Bytes(bytes), Some(t)) => Box::pin(send::bytes_through(&mut way, &bytes, t)).await?,
        (From::Chunks(chunks), t) => Box::pin(send::chunks(&mut way, chunks, t)).await?,
    }
    Ok(way.moved)
}

/// Receives a body until its end (FIN) and tells how many bytes came out of the socket. What is not yet written
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
    let Stream::Plain(tcp) = stream;
    let mut way = Way { tcp, meter, stall, moved: 0 };
    match (sink.0.as_mut(), transform) {
        (Some(Into::File { tail, .. }), None) => receive::file(&mut way, tail).await?,
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

/// One transfer on its way: the socket, and what counts and bounds it.
struct Way<'a> {
    tcp: &'a TcpStream,
    meter: &'a Meter,
    stall: Duration,
    moved: u64,
}

impl Way<'_> {
    fn count(&mut self, bytes: usize) {
        self.moved += bytes as u64;
        self.meter.count(bytes);
    }

    /// Waits until the socket may do more.
    async fn ready(&self, interest: Interest) -> Result<(), PumpError> {
        tokio::select! {
            biased;
            () = self.meter.token().cancelled() => Err(PumpError::Cancelled),
            ready = self.tcp.ready(interest) => ready.map(drop).map_err(PumpError::Peer),
            () = tokio::time::sleep(self.stall) => Err(PumpError::Stalled),
        }
    }

    /// Waits for something that has its own time, unless cancelled.
    async fn unless_cancelled<T>(&self, future: impl Future<Output = T>) -> Result<T, PumpError> {
        self.meter.token().run_until_cancelled(future).await.ok_or(PumpError::Cancelled)
    }

    async fn buffer(&self) -> Result<Buffer, PumpError> {
        self.unless_cancelled(buffer::take()).await
    }

    /// Two at once: who holds one and waits for another may wait for ever.
    async fn buffers(&self) -> Result<(Buffer, Buffer), PumpError> {
        self.unless_cancelled(buffer::take_two()).await
    }

    async fn send_all(&mut self, mut bytes: &[u8]) -> Result<(), PumpError> {
        let mut waited = false;
        while !bytes.is_empty() {
            let granted = self.meter.grant(bytes.len().min(SLICE)).await?;
            let slice = bytes.get(..granted).unwrap_or(bytes);
            let result = attempt(self.tcp, Interest::WRITABLE, waited, || {
                rustix::net::send(self.tcp, slice, rustix::net::SendFlags::NOSIGNAL).map_err(io::Error::from)
            });
            let n = match result {
                Ok(n) => n,
                Err(e) if would_block(&e) => 0,
                Err(e) => return Err(PumpError::Peer(e)),
            };
            self.meter.give_back(granted - n);
            if n == 0 {
                self.ready(Interest::WRITABLE).await?;
                waited = true;
            } else {
                self.count(n);
                bytes = bytes.get(n..).unwrap_or_default();
                tokio::task::consume_budget().await;
            }
        }
        Ok(())
    }
}

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
