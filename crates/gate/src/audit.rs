//! What was done, by whom, and how it ended: JSON lines to a file, and the last of them in memory.
//!
//! A place in the queue is taken before an operation begins and used when it ends, so writing an entry never
//! waits, not even from a destructor.
// This file alone opens the audit file; entries are data of this server and no part of any served tree.
#![allow(clippy::disallowed_methods)]

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use types::{Error, Reason, SessionId, Time};

use crate::counters::Counters;
use crate::rules::{AuditPolicy, AuditSettings};

/// How long an operation waits for a place in the queue before it is refused.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long the writer waits after a failed write.
const RETRY: Duration = Duration::from_millis(500);
/// Entries written in one go.
const BATCH: usize = 512;

/// One line of the trail.
#[derive(Clone, PartialEq, Debug)]
pub struct Entry {
    /// When it ended.
    pub at: Time,
    /// Whose session.
    pub session: SessionId,
    /// The user; empty where nobody is logged in.
    pub user: Arc<str>,
    /// The peer.
    pub peer: SocketAddr,
    /// What was asked for: a verb.
    pub op: &'static str,
    /// Of what, as text.
    pub path: Box<str>,
    /// The other name of a renaming.
    pub to: Option<Box<str>>,
    /// How it ended: `done`, `refused`, `failed` or `abandoned`.
    pub end: &'static str,
    /// Why, where it was not done.
    pub reason: Option<Reason>,
    /// Bytes moved, where bytes were to move.
    pub bytes: Option<u64>,
    /// How long it took.
    pub took: Duration,
}

impl Entry {
    fn line(&self) -> String {
        let mut map = serde_json::Map::new();
        let mut put = |key: &str, value: serde_json::Value| map.insert(key.to_owned(), value);
        let c = self.at.civil();
        let ms = self.at.nanos / 1_000_000;
        put(
            "at",
            format!("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{ms:03}Z", c.year, c.month, c.day, c.hour, c.minute, c.second).into(),
        );
        put("session", self.session.to_string().into());
        put("user", (*self.user).into());
        put("peer", self.peer.to_string().into());
        put("op", self.op.into());
        put("path", (*self.path).into());
        if let Some(to) = &self.to {
            put("to", (**to).into());
        }
        put("end", self.end.into());
        if let Some(reason) = self.reason {
            put("code", reason.code().into());
            put("reason", reason.cause().into());
        }
        if let Some(bytes) = self.bytes {
            put("bytes", bytes.into());
        }
        put("seconds", (self.took.as_micros() as f64 / 1e6).into());
        let mut line = serde_json::Value::Object(map).to_string();
        line.push('\n');
        line
    }
}

pub(crate) enum Message {
    Entry(Box<Entry>),
    Flush(oneshot::Sender<()>),
}

/// The last entries, newest at the back.
#[derive(Default)]
pub(crate) struct Recent {
    entries: Mutex<VecDeque<Arc<Entry>>>,
}

impl Recent {
    pub(crate) fn all(&self) -> Vec<Arc<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    fn keep(&self, entries: impl Iterator<Item = Arc<Entry>>, most: usize) {
        let mut kept = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend(entries);
        let over = kept.len().saturating_sub(most);
        kept.drain(..over);
    }
}

/// The way into the trail. Switched off, it costs one comparison.
pub(crate) struct Audit {
    queue: Option<mpsc::Sender<Message>>,
    policy: AuditPolicy,
    ill: Arc<AtomicBool>,
}

/// A place in the queue, taken before the act.
pub(crate) enum Place {
    /// Nothing is written down.
    Off,
    /// Taken.
    Held(mpsc::OwnedPermit<Message>),
    /// There was none, and the policy goes on without.
    Lost,
}

impl Audit {
    /// Opens the file and starts the writer, which ends when nobody can write to it any more.
    pub(crate) fn open(settings: &AuditSettings, recent: &Arc<Recent>) -> Result<Self, Error> {
        let ill = Arc::new(AtomicBool::new(false));
        let Some(path) = &settings.file else {
            return Ok(Self { queue: None, policy: settings.policy, ill });
        };
        let file = OpenOptions::new().create(true).append(true).open(path).map_err(|e| {
            Error::with(Reason::Config, format!("the audit file {} cannot be opened for writing: {e}", path.display()))
        })?;
        let (queue, entries) = mpsc::channel(settings.queue.max(1));
        let writer = Writer { file: Arc::new(file), entries, recent: recent.clone(), keep: settings.recent, ill: ill.clone() };
        // Without a parent that could be cancelled before the last entry is written: it ends with its last writer.
        drop(io::task::spawn("audit", &CancellationToken::new(), writer.run()));
        Ok(Self { queue: Some(queue), policy: settings.policy, ill })
    }

    /// Takes a place for one entry.
    pub(crate) async fn reserve(&self, counters: &Counters) -> Result<Place, Reason> {
        let Some(queue) = &self.queue else { return Ok(Place::Off) };
        match queue.clone().try_reserve_owned() {
            Ok(place) => return Ok(Place::Held(place)),
            Err(mpsc::error::TrySendError::Closed(_) | mpsc::error::TrySendError::Full(_)) => {}
        }
        if self.policy == AuditPolicy::Lossy {
            counters.audit_lost();
            return Ok(Place::Lost);
        }
        if self.ill.load(Ordering::Relaxed) {
            // The file takes nothing: waiting would only hold the asker.
            return Err(Reason::AuditFull);
        }
        match tokio::time::timeout(PATIENCE, queue.clone().reserve_owned()).await {
            Ok(Ok(place)) => Ok(Place::Held(place)),
            Ok(Err(_)) | Err(_) => Err(Reason::AuditFull),
        }
    }

    /// Waits until everything written so far is in the file.
    pub(crate) async fn flush(&self) {
        let Some(queue) = &self.queue else { return };
        let (done, flushed) = oneshot::channel();
        if queue.send(Message::Flush(done)).await.is_ok() {
            let _ = flushed.await;
        }
    }
}

impl Place {
    /// Uses the place.
    pub(crate) fn write(self, entry: impl FnOnce() -> Entry) {
        if let Self::Held(place) = self {
            place.send(Message::Entry(Box::new(entry())));
        }
    }
}

struct Writer {
    file: Arc<File>,
    entries: mpsc::Receiver<Message>,
    recent: Arc<Recent>,
    keep: usize,
    ill: Arc<AtomicBool>,
}

impl Writer {
    async fn run(mut self) {
        let mut batch = Vec::with_capacity(BATCH);
        while self.entries.recv_many(&mut batch, BATCH).await > 0 {
            let mut text = String::new();
            let mut waiting = Vec::new();
            let mut kept = Vec::new();
            for message in batch.drain(..) {
                match message {
                    Message::Entry(entry) => {
                        text.push_str(&entry.line());
                        kept.push(Arc::from(entry));
                    }
                    Message::Flush(done) => waiting.push(done),
                }
            }
            self.recent.keep(kept.into_iter(), self.keep);
            self.write(text).await;
            for done in waiting {
                let _ = done.send(());
            }
        }
    }

    /// Writes until all is written: a full disk stops the trail (and, under `strict`, the acts), it makes no gap.
    async fn write(&self, text: String) {
        let mut rest: Arc<[u8]> = text.into_bytes().into();
        while !rest.is_empty() {
            let (file, bytes) = (self.file.clone(), rest.clone());
            let wrote = io::task::blocking(move || (&*file).write(&bytes)).await;
            match wrote {
                Ok(Ok(n)) if n > 0 => {
                    rest = rest.get(n..).unwrap_or_default().into();
                    self.ill.store(false, Ordering::Relaxed);
                }
                Ok(Err(e)) if e.kind() == std::io::ErrorKind::Interrupted => {}
                _ => {
                    self.ill.store(true, Ordering::Relaxed);
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
    }
}
