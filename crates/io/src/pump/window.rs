//! What of a file stands in a pooled buffer on its way out? The file has it still, so whoever must wait for the peer
//! gives the buffer back and reads again: no number of peers that read nothing holds all buffers.

use std::fs::File;
use std::sync::Arc;
use std::time::Instant;

use tokio::io::Interest;

use super::send::read;
use super::{LINGER, PumpError, Way};
use crate::buffer::Buffer;
use crate::clock;

/// Read at once where a rate is kept: such a transfer waits most of its time, and its buffer is its own.
const SMALL: usize = 32 * 1024;

/// Bytes of a file that were read and not yet used.
#[derive(Default)]
pub(super) struct Window {
    buffer: Option<Buffer>,
    used: usize,
    /// When it first waited.
    since: Option<Instant>,
    /// The file lives in memory.
    memory: bool,
}

impl Window {
    /// The next bytes of the file, from `at` on: empty only where it ends.
    pub(super) async fn bytes(&mut self, way: &Way<'_>, file: &Arc<File>, at: u64, end: u64) -> Result<&[u8], PumpError> {
        if self.left() == 0 {
            let buffer = match self.buffer.take() {
                Some(buffer) => buffer,
                None if way.meter.is_limited() => way.pool.small(SMALL),
                None => way.buffer().await?,
            };
            self.buffer = Some(read(way.meter, file, (at, end), buffer, &mut self.memory).await?);
            (self.used, self.since) = (0, None);
        }
        Ok(self.buffer.as_deref().and_then(|b| b.get(self.used..)).unwrap_or_default())
    }

    fn left(&self) -> usize {
        self.buffer.as_deref().map_or(0, |b| b.len().saturating_sub(self.used))
    }

    /// So many of its bytes are done with.
    pub(super) const fn used(&mut self, bytes: usize) {
        self.used += bytes;
    }

    /// Waits until the socket takes more, and keeps the buffer meanwhile for a moment at most.
    pub(super) async fn wait(&mut self, way: &Way<'_>) -> Result<(), PumpError> {
        if self.buffer.as_ref().is_some_and(Buffer::is_counted) {
            if !way.pool.is_scarce() {
                let until = *self.since.get_or_insert_with(clock::now) + LINGER;
                let soon = tokio::time::timeout_at(until.into(), way.ready(Interest::WRITABLE));
                if let Ok(ready) = soon.await {
                    return ready;
                }
            }
            *self = Self { memory: self.memory, ..Self::default() };
        }
        way.ready(Interest::WRITABLE).await
    }
}
