//! Who writes the lines? A thread of its own behind a bounded queue: a full disk or a stopped pager never holds up a
//! session. What does not fit is counted, and the count is said.
#![allow(clippy::disallowed_methods, reason = "the log file is this file's own")]

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use types::Error;

use crate::config::LogForm;

/// Lines that may wait.
const QUEUE: usize = 8_192;
/// Bytes gathered for one write.
const GATHER: usize = 64 * 1024;

/// What is handed to the writer.
pub(super) enum Message {
    /// A line, with its end.
    Line(String),
    /// Another place to write to: the file was rotated.
    Move(Place),
}

/// Where lines are handed in. Never waits.
#[derive(Clone)]
pub(crate) struct Lines {
    queue: SyncSender<Message>,
    dropped: Arc<AtomicU64>,
}

impl Lines {
    /// Hands a line in, or counts it as dropped.
    pub(super) fn send(&self, line: String) {
        if self.queue.try_send(Message::Line(line)).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Has all later lines written to another place; whether there was room to say so.
    pub(super) fn move_to(&self, place: Place) -> bool {
        self.queue.try_send(Message::Move(place)).is_ok()
    }

    /// A queue that a test reads.
    #[cfg(test)]
    pub(super) fn to_a_test(size: usize) -> (Self, Receiver<Message>) {
        let (queue, rx) = sync_channel(size);
        (Self { queue, dropped: Arc::default() }, rx)
    }
}

/// The thread that writes.
pub(crate) struct Writer {
    done: std::pin::Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>,
}

/// Where lines go.
pub(crate) enum Place {
    /// Standard output.
    Stdout,
    /// A file, added to.
    File(std::fs::File),
}

impl Place {
    /// A file to add to.
    ///
    /// # Errors
    /// The system's.
    pub(crate) fn file(path: &Path) -> std::io::Result<Self> {
        std::fs::OpenOptions::new().append(true).create(true).open(path).map(Self::File)
    }

    fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        match self {
            Self::Stdout => {
                let mut out = std::io::stdout().lock();
                out.write_all(bytes).and_then(|()| out.flush())
            }
            Self::File(file) => file.write_all(bytes),
        }
    }
}

impl Writer {
    /// Starts the thread; it ends when the last [`Lines`] is gone.
    pub(crate) fn start(place: Place, form: LogForm) -> (Lines, Self) {
        let (queue, rx) = sync_channel(QUEUE);
        let dropped = Arc::new(AtomicU64::new(0));
        let lines = Lines { queue, dropped: dropped.clone() };
        let done = Box::pin(io::task::blocking(move || write_all(&rx, &dropped, place, form)));
        (lines, Self { done })
    }

    /// Waits until everything is written. All [`Lines`] must be gone, or this waits for them.
    pub(crate) async fn end(self) {
        let _ = self.done.await;
    }
}

fn write_all(rx: &Receiver<Message>, dropped: &AtomicU64, mut place: Place, form: LogForm) {
    let mut gathered = String::new();
    while let Ok(first) = rx.recv() {
        let mut next = Some(first);
        let mut moved = None;
        while let Some(message) = next.take() {
            match message {
                Message::Line(line) => gathered.push_str(&line),
                Message::Move(to) => moved = Some(to),
            }
            if gathered.len() < GATHER && moved.is_none() {
                next = rx.try_recv().ok();
            }
        }
        match dropped.swap(0, Ordering::Relaxed) {
            0 => {}
            n => gathered.push_str(&missing(n, form)),
        }
        // A log that cannot be written (a full disk, a closed pipe) has nobody to tell; sessions go on.
        let _ = place.write(gathered.as_bytes());
        gathered.clear();
        if let Some(to) = moved {
            place = to;
        }
    }
}

/// Says how many lines are missing.
fn missing(lines: u64, form: LogForm) -> String {
    let words = format!("{lines} log lines were dropped: they came faster than they could be written");
    super::render(io::clock::wall(), form, &super::Fact::words("dropped", words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_arrive_in_order_and_the_end_is_awaited() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        for round in 0..2 {
            let (lines, writer) = Writer::start(Place::file(&path).unwrap(), LogForm::Text);
            for i in 0..100 {
                lines.send(format!("{round} {i}\n"));
            }
            drop(lines);
            writer.end().await;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 200);
        assert!(text.starts_with("0 0\n0 1\n") && text.ends_with("1 99\n"));
    }

    #[tokio::test]
    async fn a_rotated_file_is_left_behind() {
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = (folder.path().join("old"), folder.path().join("new"));
        let (lines, writer) = Writer::start(Place::file(&old).unwrap(), LogForm::Text);
        lines.send("before\n".to_owned());
        assert!(lines.move_to(Place::file(&new).unwrap()));
        lines.send("after\n".to_owned());
        drop(lines);
        writer.end().await;
        assert_eq!(std::fs::read_to_string(old).unwrap(), "before\n");
        assert_eq!(std::fs::read_to_string(new).unwrap(), "after\n");
    }

    #[test]
    fn a_full_queue_drops_and_counts_and_never_waits() {
        let (lines, rx) = Lines::to_a_test(2);
        for i in 0..5 {
            lines.send(format!("{i}\n"));
        }
        assert_eq!(lines.dropped.load(Ordering::Relaxed), 3);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let dropped = lines.dropped.clone();
        drop(lines);
        write_all(&rx, &dropped, Place::file(&path).unwrap(), LogForm::Text);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("0\n1\n") && text.contains("3 log lines were dropped"), "{text}");
    }
}
