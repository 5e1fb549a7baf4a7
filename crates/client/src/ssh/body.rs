//! How do the bytes of a file move in an SFTP session? Many reads or writes are under way at once, as many as the path holds.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use io::body::{BoxFuture, Chunks, Put};
use io::clock;
use proto::sftp::client::{Answer, Download, Window};
use proto::sftp::extension::Extension;
use proto::sftp::request::Request;
use tokio::sync::mpsc;
use types::{Error, Reason};

use super::session::{Connection, Outcome};

/// From so many bytes on a file is synced: of small ones the disk would make many times as much work as the network.
const SYNCED: u64 = 1_024 * 1_024;
/// What stands for the sync among the places in a file that are written.
const SYNC: u64 = u64::MAX;

/// Where answers go, and where they come out, each with the place in the file that it is about.
pub(super) type Answers = (mpsc::UnboundedSender<(u64, Outcome)>, mpsc::UnboundedReceiver<(u64, Outcome)>);

/// A file that is read.
pub(super) struct Reading {
    connection: Arc<Connection>,
    handle: Bytes,
    download: Download,
    begun: Instant,
    answers: Answers,
}

impl Reading {
    pub(super) fn new(connection: Arc<Connection>, handle: Bytes, at: u64, size: Option<u64>) -> Self {
        let download = Download::new(at, connection.server.limits.read, size);
        Self { connection, handle, download, begun: clock::now(), answers: mpsc::unbounded_channel() }
    }

    fn now(&self) -> Duration {
        clock::now() - self.begun
    }

    fn ask(&self, (offset, length): (u64, u32)) {
        let handle = self.handle.clone();
        self.connection.call_many(&self.answers.0, offset, move |session, call| {
            session.call(call, &Request::Read { handle: &handle, offset, length });
        });
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.connection.let_go(self.handle.clone());
    }
}

impl Chunks for Reading {
    fn next(&mut self) -> BoxFuture<'_, Result<Option<Bytes>, Error>> {
        Box::pin(async move {
            loop {
                let now = self.now();
                while let Some(part) = self.download.ask(now) {
                    self.ask(part);
                }
                if let Some(bytes) = self.download.take() {
                    return Ok(Some(bytes));
                }
                if self.download.is_done() {
                    return Ok(None);
                }
                let Some((at, outcome)) = self.answers.1.recv().await else { return Err(Reason::Disconnected.into()) };
                let bytes = match outcome? {
                    Answer::Data(bytes) => Some(bytes),
                    _ => None,
                };
                let now = self.now();
                if let Some(rest) = self.download.came(at, bytes, now) {
                    self.ask(rest);
                }
            }
        })
    }
}

/// A file that is written: [`Put::commit`] syncs a large one, where the server can, and closes it; if that does not come, it is
/// let go half.
pub(super) struct Writing {
    connection: Arc<Connection>,
    handle: Option<Bytes>,
    at: u64,
    /// How many bytes were sent.
    bytes: u64,
    window: Window,
    /// When each write was sent that is not confirmed, and how long it is; they are confirmed in any order.
    sent: std::collections::HashMap<u64, (Instant, u64)>,
    begun: Instant,
    answers: Answers,
}

impl Writing {
    pub(super) fn new(connection: Arc<Connection>, handle: Bytes, at: u64) -> Self {
        let (window, sent, begun) = (Window::default(), std::collections::HashMap::new(), clock::now());
        Self { connection, handle: Some(handle), at, bytes: 0, window, sent, begun, answers: mpsc::unbounded_channel() }
    }

    /// Waits for one confirmation.
    async fn confirmed(&mut self) -> Result<(), Error> {
        let Some((at, outcome)) = self.answers.1.recv().await else { return Err(Reason::Disconnected.into()) };
        match outcome {
            Err(e) if at == SYNC && e.reason == Reason::Unsupported => {}
            outcome => drop(outcome?),
        }
        if let Some((since, length)) = self.sent.remove(&at) {
            let now = clock::now();
            self.window.came(length, now - since, now - self.begun);
        }
        Ok(())
    }

    async fn write_all(&mut self, mut chunk: Bytes) -> Result<(), Error> {
        let Some(handle) = self.handle.clone() else { return Err(Reason::HandleUnknown.into()) };
        let most = usize::try_from(self.connection.server.limits.write).unwrap_or(usize::MAX);
        while !chunk.is_empty() {
            while !self.window.has_room() {
                self.confirmed().await?;
            }
            let part = chunk.split_to(chunk.len().min(most));
            let (at, length) = (self.at, part.len() as u64);
            self.at += length;
            self.bytes += length;
            self.window.sent(length);
            self.sent.insert(at, (clock::now(), length));
            let handle = handle.clone();
            self.connection.call_many(&self.answers.0, at, move |session, call| session.write(call, &handle, at, part));
        }
        Ok(())
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        if let Some(handle) = self.handle.take() {
            self.connection.let_go(handle);
        }
    }
}

impl Put for Writing {
    fn write(&mut self, chunk: Bytes) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(self.write_all(chunk))
    }

    fn commit(mut self: Box<Self>) -> BoxFuture<'static, Result<(), Error>> {
        Box::pin(async move {
            let Some(handle) = self.handle.take() else { return Err(Reason::HandleUnknown.into()) };
            let connection = self.connection.clone();
            if self.bytes > SYNCED && connection.server.serves("fsync@openssh.com") {
                let of = handle.clone();
                self.sent.insert(SYNC, (clock::now(), 0));
                connection.call_many(&self.answers.0, SYNC, move |session, call| {
                    session.call(call, &Request::Extended(Extension::Fsync { handle: &of }));
                });
            }
            // What is asked about one file is done in the order it was asked in: nobody waits for the writes before the
            // close is sent, and a small file costs one round trip less.
            let written = async {
                while !self.sent.is_empty() {
                    self.confirmed().await?;
                }
                Ok::<(), Error>(())
            };
            let closing = connection.call(move |session, call| session.call(call, &Request::Close { handle: &handle }));
            let (written, closed) = tokio::join!(written, closing);
            written.and(closed.map(drop))
        })
    }
}
