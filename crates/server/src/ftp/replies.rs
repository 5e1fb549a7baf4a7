//! Replies on their way to the client: gathered, sent when there is nothing to add, and bounded where nobody reads.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use io::clock;
use io::stream::Stream;

/// How many bytes may wait for a client that does not read them before nothing more is taken from it.
const AT_MOST: usize = 64 * 1024;

/// What was said and not yet sent. An idle session owns no buffer.
#[derive(Default)]
pub(super) struct Replies {
    unsent: Vec<u8>,
    /// Since when nothing could be sent, where something waits.
    stuck_since: Option<Instant>,
}

/// Nobody reads any more: the connection is gone.
pub(super) struct Lost;

impl Replies {
    /// Whether all is sent.
    pub(super) const fn is_empty(&self) -> bool {
        self.unsent.is_empty()
    }

    /// Whether so much waits that nothing more may be added by the client's wish.
    pub(super) const fn is_full(&self) -> bool {
        self.unsent.len() >= AT_MOST
    }

    /// Where the next reply is printed to.
    pub(super) const fn end(&mut self) -> &mut Vec<u8> {
        &mut self.unsent
    }

    /// Everything that waits, for somebody else to send.
    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(self).unsent
    }

    /// Forgets what was not sent.
    fn drop_all(&mut self) {
        *self = Self::default();
    }

    /// When a client that reads nothing has had `patience`.
    pub(super) fn given_up_at(&self, patience: Duration) -> Option<Instant> {
        self.stuck_since.map(|since| since + patience)
    }

    /// Sends what the socket takes.
    ///
    /// # Errors
    /// [`Lost`]; what waited is dropped then.
    pub(super) fn flush(&mut self, stream: &mut Stream) -> Result<(), Lost> {
        let mut sent = 0;
        while let Some(rest) = self.unsent.get(sent..).filter(|rest| !rest.is_empty()) {
            match stream.try_write(rest) {
                Ok(n) if n > 0 => sent += n,
                Err(e) if e.kind() == ErrorKind::WouldBlock => break,
                _ => {
                    self.drop_all();
                    return Err(Lost);
                }
            }
        }
        if sent == self.unsent.len() {
            self.drop_all();
        } else {
            if sent > 0 || self.stuck_since.is_none() {
                self.stuck_since = Some(clock::now());
            }
            self.unsent.drain(..sent);
        }
        Ok(())
    }
}
