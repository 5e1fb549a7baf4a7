//! What comes in on one channel on its way to who serves it: bounded, and without holding up what lets it out again.
//!
//! The transport is one task that reads and writes. While it waits here nothing is sent either, and no window
//! adjustment is heard: so it waits only while nothing waits to be sent, and beyond that it takes what comes up to a
//! hard limit. A client that reads nothing meets that limit; one that is only faster than the disk is slowed down.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::Bytes;
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Bytes that may wait before the transport waits too.
const HIGH: usize = 1024 * 1024;
/// Bytes that may wait at all. Requests are small and may all come before the first answer is read (paramiko asks for
/// a whole file at once); this is room for those of some 12 GiB.
const MOST: usize = 16 * 1024 * 1024;

#[derive(Debug, Default)]
struct Load {
    /// Bytes that wait.
    waiting: AtomicUsize,
    /// Whoever serves the channel waits for the transport to send something.
    sending: AtomicBool,
    changed: Notify,
}

/// The transport's end. Dropped, it says that no more will come.
#[derive(Debug)]
pub(super) struct Inlet {
    queue: UnboundedSender<Bytes>,
    load: Arc<Load>,
}

/// The end of who serves the channel.
#[derive(Debug)]
pub(super) struct Outlet {
    queue: UnboundedReceiver<Bytes>,
    load: Arc<Load>,
}

/// More waits than may.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Overfull;

/// Both ends.
pub(super) fn inlet() -> (Inlet, Outlet) {
    let (sender, receiver) = unbounded_channel();
    let load = Arc::new(Load::default());
    (Inlet { queue: sender, load: load.clone() }, Outlet { queue: receiver, load })
}

impl Inlet {
    /// Hands bytes over, and waits for room where that holds up nobody.
    pub(super) async fn put(&self, bytes: &[u8]) -> Result<(), Overfull> {
        let waiting = self.load.waiting.fetch_add(bytes.len(), Ordering::AcqRel) + bytes.len();
        if waiting > MOST {
            return Err(Overfull);
        }
        // Nobody listens any more: what comes is dropped, and the channel will be closed.
        if self.queue.send(Bytes::copy_from_slice(bytes)).is_err() {
            return Ok(());
        }
        loop {
            let mut changed = std::pin::pin!(self.load.changed.notified());
            changed.as_mut().enable();
            let full = self.load.waiting.load(Ordering::Acquire) > HIGH;
            if !full || self.load.sending.load(Ordering::Acquire) || self.queue.is_closed() {
                return Ok(());
            }
            changed.await;
        }
    }
}

impl Outlet {
    /// The next bytes; `None` when no more will come.
    pub(super) async fn take(&mut self) -> Option<Bytes> {
        let bytes = self.queue.recv().await?;
        self.load.waiting.fetch_sub(bytes.len(), Ordering::AcqRel);
        self.load.changed.notify_one();
        Some(bytes)
    }

    /// Whether much waits: then answers are gathered before they are sent.
    pub(super) fn is_full(&self) -> bool {
        self.load.waiting.load(Ordering::Acquire) > HIGH
    }

    /// Says whether something waits to be sent.
    pub(super) fn sends(&self, yes: bool) {
        self.load.sending.store(yes, Ordering::Release);
        if yes {
            self.load.changed.notify_one();
        }
    }
}

impl Drop for Outlet {
    fn drop(&mut self) {
        self.queue.close();
        self.load.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    async fn waits(inlet: &Inlet, bytes: &[u8]) -> bool {
        tokio::time::timeout(Duration::from_secs(1), inlet.put(bytes)).await.is_err()
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_too_fast_waits_unless_that_holds_up_what_is_sent() {
        let (inlet, mut outlet) = inlet();
        let piece = vec![0; HIGH / 2];
        assert!(!waits(&inlet, &piece).await && !waits(&inlet, &piece).await);
        assert!(waits(&inlet, &piece).await, "full");
        outlet.sends(true);
        assert!(!waits(&inlet, &piece).await, "and yet it must not hold up what is sent");
        outlet.sends(false);
        for _ in 0..3 {
            outlet.take().await.unwrap();
        }
        assert!(!outlet.is_full() && !waits(&inlet, &piece).await);
        drop(outlet);
        for _ in 0..3 {
            assert!(!waits(&inlet, &piece).await, "nobody listens");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn there_is_a_limit_for_who_reads_nothing() {
        let (inlet, outlet) = inlet();
        outlet.sends(true);
        let piece = vec![0; MOST / 4];
        for _ in 0..4 {
            assert_eq!(inlet.put(&piece).await, Ok(()));
        }
        assert_eq!(inlet.put(b"x").await, Err(Overfull));
    }
}
