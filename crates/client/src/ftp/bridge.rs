//! How does a body get from a driver's task to whoever reads it piece by piece, and back? Through a short queue, with the
//! server's last word at its end.

use bytes::Bytes;
use io::body::{BoxFuture, Chunks, Put, Sink, Source};
use tokio::sync::mpsc;
use types::{Error, Reason};

use super::Running;
use crate::pool::Lease;

/// As many pieces as wait in a queue.
const PIECES: usize = 4;

/// A piece of a body on its way to the driver.
enum Piece {
    Bytes(Bytes),
    /// All was said. A queue that ends without it was abandoned.
    End,
}

/// A sink for the driver, whose bytes come out of the other end.
pub(super) fn download() -> (Sink, mpsc::Receiver<Bytes>) {
    let (sender, receiver) = mpsc::channel(PIECES);
    (Sink::from_put(Inlet(sender)), receiver)
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
pub(super) struct Download {
    pub(super) pieces: mpsc::Receiver<Bytes>,
    pub(super) running: Option<Running>,
    pub(super) lease: Option<Lease>,
}

impl Chunks for Download {
    fn next(&mut self) -> BoxFuture<'_, Result<Option<Bytes>, Error>> {
        Box::pin(async move {
            loop {
                let Some(running) = &mut self.running else { return Ok(self.pieces.recv().await) };
                tokio::select! {
                    biased;
                    piece = self.pieces.recv() => if piece.is_some() {
                        return Ok(piece);
                    },
                    answer = running.answered() => {
                        self.running = None;
                        self.lease = None;
                        // The sink goes with the answer, and so the queue ends behind what is still in it.
                        answer.result?;
                        drop(answer.sink);
                    }
                }
            }
        })
    }
}

/// A source for the driver that gives what is put into the other end.
pub(super) fn upload() -> (Source, Outlet) {
    let (sender, receiver) = mpsc::channel(PIECES);
    (Source::from_chunks(Drain(receiver)), Outlet(sender))
}

pub(super) struct Outlet(mpsc::Sender<Piece>);

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

/// What goes up: committed once the server has confirmed it; dropped before, it is cut off, never ended.
pub(super) struct Upload {
    pub(super) outlet: Outlet,
    pub(super) running: Running,
    pub(super) lease: Lease,
}

impl Put for Upload {
    fn write(&mut self, chunk: Bytes) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            if chunk.is_empty() {
                return Ok(());
            }
            tokio::select! {
                biased;
                answer = self.running.answered() => Err(early(answer.result.err())),
                sent = self.outlet.0.send(Piece::Bytes(chunk)) => match sent {
                    Ok(()) => Ok(()),
                    Err(_) => Err(early(self.running.answered().await.result.err())),
                },
            }
        })
    }

    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<(), Error>> {
        Box::pin(async move {
            let Self { outlet, mut running, lease } = *self;
            // Where the driver has given up, its answer says why.
            let _ = outlet.0.send(Piece::End).await;
            let answer = running.answered().await;
            drop(lease);
            answer.result.map(drop)
        })
    }
}

/// An upload that is over before its end.
fn early(error: Option<Error>) -> Error {
    error.unwrap_or_else(|| Error::with(Reason::NotTheProtocol, "the server confirmed the upload before its end"))
}
