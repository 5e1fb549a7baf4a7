//! How does a body get from a driver to whoever reads it piece by piece, and back? Through a short queue, with the server's
//! last word at its end.

use bytes::Bytes;
use io::body::{BoxFuture, Chunks, Put, Sink, Source};
use tokio::sync::{mpsc, oneshot};
use types::{Error, Reason};

/// A transfer until its end: the server's last word. What it holds is let go before it is over.
pub(crate) type Work = BoxFuture<'static, Result<(), Error>>;

/// Waits until a transfer has begun: until then its failure is one of opening. Gives what its beginning told, and the work
/// that is left: a small file may have come whole by then.
pub(crate) async fn wait_for_begin<T>(mut work: Work, mut begins: oneshot::Receiver<T>) -> Result<(T, Option<Work>), Error> {
    tokio::select! {
        biased;
        Ok(begun) = &mut begins => Ok((begun, Some(work))),
        ended = &mut work => {
            ended?;
            let never = |_| Error::with(Reason::NotTheProtocol, "the transfer ended before it began");
            begins.try_recv().map(|begun| (begun, None)).map_err(never)
        }
    }
}

/// As many pieces as wait in a queue.
const PIECES: usize = 4;

/// A piece of a body on its way to the driver.
enum Piece {
    Bytes(Bytes),
    /// All was said. A queue that ends without it was abandoned.
    End,
}

/// A sink for the driver, whose bytes come out of the other end.
pub(crate) fn download() -> (Sink, mpsc::Receiver<Bytes>) {
    let (sender, receiver) = mpsc::channel(PIECES);
    (Sink::from_put(Inlet(sender)), receiver)
}

/// A sink that keeps nothing.
pub(crate) fn nowhere() -> Sink {
    Sink::from_put(Nowhere)
}

struct Nowhere;

impl Put for Nowhere {
    fn write(&mut self, _: Bytes) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }

    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }
}

struct Inlet(mpsc::Sender<Bytes>);

impl Put for Inlet {
    fn write(&mut self, chunk: Bytes) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move { self.0.send(chunk).await.map_err(|_| Error::new(Reason::Cancelled)) })
    }

    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }
}

/// What comes down, and at its end whether it was all: a reader sees a failure as a failure to read.
pub(crate) struct Download {
    pub(crate) pieces: mpsc::Receiver<Bytes>,
    pub(crate) work: Option<Work>,
}

impl Chunks for Download {
    fn next(&mut self) -> BoxFuture<'_, Result<Option<Bytes>, Error>> {
        Box::pin(async move {
            loop {
                let Some(work) = &mut self.work else { return Ok(self.pieces.recv().await) };
                tokio::select! {
                    biased;
                    Some(piece) = self.pieces.recv() => return Ok(Some(piece)),
                    ended = work => {
                        self.work = None;
                        // The sink has gone with it, and so the queue ends behind what is still in it.
                        ended?;
                    }
                }
            }
        })
    }
}

/// A source for the driver that gives what is put into the other end.
pub(crate) fn upload() -> (Source, Outlet) {
    let (sender, receiver) = mpsc::channel(PIECES);
    (Source::from_chunks(Drain(receiver)), Outlet(sender))
}

pub(crate) struct Outlet(mpsc::Sender<Piece>);

struct Drain(mpsc::Receiver<Piece>);

impl Chunks for Drain {
    fn next(&mut self) -> BoxFuture<'_, Result<Option<Bytes>, Error>> {
        Box::pin(async move {
            match self.0.recv().await {
                Some(Piece::Bytes(bytes)) => Ok(Some(bytes)),
                Some(Piece::End) => Ok(None),
                None => Err(Error::new(Reason::Cancelled)),
            }
        })
    }
}

/// A sink for what goes up, from where it has begun on.
///
/// # Errors
/// Where the work is over before anything was sent.
pub(crate) fn outlet(outlet: Outlet, work: Option<Work>) -> Result<Sink, Error> {
    let work = work.ok_or_else(|| early(None))?;
    Ok(Sink::from_put(Upload { outlet, work }))
}

/// What goes up: committed once the server has confirmed it; dropped before, it is cut off, never ended.
struct Upload {
    outlet: Outlet,
    work: Work,
}

impl Put for Upload {
    fn write(&mut self, chunk: Bytes) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            if chunk.is_empty() {
                return Ok(());
            }
            tokio::select! {
                biased;
                ended = &mut self.work => Err(early(ended.err())),
                sent = self.outlet.0.send(Piece::Bytes(chunk)) => match sent {
                    Ok(()) => Ok(()),
                    Err(_) => Err(early((&mut self.work).await.err())),
                },
            }
        })
    }

    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<(), Error>> {
        Box::pin(async move {
            let Self { outlet, mut work } = *self;
            tokio::select! {
                biased;
                ended = &mut work => return ended.and_then(|()| Err(early(None))),
                // Where the driver has given up, its answer says why.
                _ = outlet.0.send(Piece::End) => {}
            }
            work.await
        })
    }
}

/// An upload that is over before its end.
fn early(error: Option<Error>) -> Error {
    error.unwrap_or_else(|| Error::with(Reason::NotTheProtocol, "the server confirmed the upload before its end"))
}
