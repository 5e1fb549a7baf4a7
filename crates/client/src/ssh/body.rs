//! How do the bytes of a file come in an SFTP session? Many reads are under way at once, as many as the path holds.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use io::body::{BoxFuture, Chunks};
use io::clock;
use proto::sftp::client::{Answer, Download};
use proto::sftp::request::Request;
use tokio::sync::mpsc;
use types::{Error, Reason};

use super::session::{Connection, Outcome};

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
