//! What is recorded of a session, seen from the client: the server's words as lines.

use std::time::Duration;

use trace::record::Recorder;
use types::What;
use types::path::show;

/// As much of a line as is kept for the record.
const LINE_AT_MOST: usize = 512;

/// A recorder that cuts what the server says into lines.
pub(super) struct Seen {
    recorder: Recorder,
    line: Vec<u8>,
}

impl Seen {
    pub(super) const fn new(recorder: Recorder) -> Self {
        Self { recorder, line: Vec::new() }
    }

    pub(super) fn record(&mut self, at: Duration, what: impl FnOnce() -> What) {
        self.recorder.record_with(at, what);
    }

    /// Records what came from the server, line by line.
    pub(super) fn heard(&mut self, at: Duration, bytes: &[u8]) {
        if !self.recorder.is_on() {
            return;
        }
        for &byte in bytes {
            match byte {
                b'\n' => {
                    let shown = Shown(self.line.trim_ascii_end()).to_string();
                    self.recorder.record(at, What::Reply(shown.into()));
                    self.line.clear();
                }
                _ if self.line.len() < LINE_AT_MOST => self.line.push(byte),
                _ => {}
            }
        }
    }
}

struct Shown<'a>(&'a [u8]);

impl std::fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        show(self.0, f)
    }
}
