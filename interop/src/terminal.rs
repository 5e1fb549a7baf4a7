//! How does a test sit at a terminal? A program of its own session with a real one; what it shows is waited for, and keys are
//! pressed.

use std::fs::File;
use std::io::Write;
use std::process::{Child, Command};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use crate::pty::{self, Started};

/// How long something may take to be shown: the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(120);

/// A program at a terminal of its own, gone with the test.
pub struct Terminal {
    child: Child,
    keys: File,
    pieces: Receiver<Vec<u8>>,
    /// What was shown and not yet looked at.
    fresh: String,
    /// All that was shown.
    pub shown: String,
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Terminal {
    /// Starts a program.
    ///
    /// # Panics
    /// Where there is no terminal to be had.
    pub fn open(plain: &Command) -> Self {
        let Started { child, keys, pieces } = pty::start(plain, 250, |command| {
            command.env("TERM", "dumb").env("PAGER", "cat").env("LC_ALL", "C.UTF-8");
        });
        Self { child, keys, pieces, fresh: String::new(), shown: String::new() }
    }

    /// Types a line.
    pub fn line(&mut self, line: &str) {
        self.keys.write_all(format!("{line}\r").as_bytes()).expect("keys");
    }

    fn take(&mut self, until: Instant) -> bool {
        let Ok(bytes) = self.pieces.recv_timeout(until.saturating_duration_since(Instant::now())) else { return false };
        let text = String::from_utf8_lossy(&bytes).into_owned();
        self.fresh.push_str(&text);
        self.shown.push_str(&text);
        true
    }

    /// Waits until a text has been shown; gives what was shown before it.
    ///
    /// # Panics
    /// If it is not shown, with what was.
    #[track_caller]
    pub fn expect(&mut self, text: &str) -> String {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(at) = self.fresh.find(text) {
                let before = self.fresh[..at].to_owned();
                self.fresh.drain(..at + text.len());
                return before;
            }
            assert!(self.take(until), "{text:?} was not shown; shown was:\n{}", self.shown);
        }
    }

    /// Waits for the end; the exit code, and all that was shown.
    ///
    /// # Panics
    /// If it does not end.
    #[track_caller]
    pub fn ended(mut self) -> (i32, String) {
        let until = Instant::now() + PATIENCE;
        while self.take(until) {}
        assert!(Instant::now() < until, "it did not end; shown was:\n{}", self.shown);
        let code = self.child.wait().expect("an end").code().unwrap_or(-1);
        (code, std::mem::take(&mut self.shown))
    }
}
