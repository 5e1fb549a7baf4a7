//! How much has moved, how much may move now, and must it stop? One meter a transfer.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::clock;

/// It was cancelled while it waited.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cancelled;

/// A rate that several transfers share. Who asks first is served first; each asks for a small part of a second,
/// so all of them go forward alike.
#[derive(Debug)]
pub struct Bucket {
    rate: AtomicU64,
    /// When all that was granted so far has been paid for.
    paid: Mutex<Option<Instant>>,
}

/// The largest part of a second granted at once: small enough that sharers take turns and no burst is seen.
const PARTS: u64 = 16;

/// The least granted at once, so that a very low rate does not cost a system call a byte.
const LEAST: u64 = 1024;

impl Bucket {
    /// So many bytes a second; 0 is no limit.
    pub const fn new(bytes_per_second: u64) -> Self {
        Self { rate: AtomicU64::new(bytes_per_second), paid: Mutex::new(None) }
    }

    /// Changes the rate for grants to come.
    pub fn set_rate(&self, bytes_per_second: u64) {
        self.rate.store(bytes_per_second, Ordering::Relaxed);
    }

    /// The most this bucket grants at once.
    fn portion(&self) -> usize {
        match self.rate.load(Ordering::Relaxed) {
            0 => usize::MAX,
            rate => usize::try_from((rate / PARTS).max(LEAST)).unwrap_or(usize::MAX),
        }
    }

    fn price(&self, bytes: usize) -> Duration {
        match self.rate.load(Ordering::Relaxed) {
            0 => Duration::ZERO,
            // Both fit f64's 53 bits wherever it matters; a nanosecond's error does not.
            rate => Duration::from_secs_f64((bytes as f64 / rate as f64).min(86_400.0)),
        }
    }

    /// Takes `bytes` out and tells when they may move.
    fn charge(&self, bytes: usize, now: Instant) -> Instant {
        let price = self.price(bytes);
        let mut paid = self.paid.lock().unwrap_or_else(PoisonError::into_inner);
        let start = paid.map_or(now, |p| p.max(now));
        *paid = Some(start + price);
        start
    }

    /// Puts back what did not move.
    fn refund(&self, bytes: usize) {
        let price = self.price(bytes);
        let mut paid = self.paid.lock().unwrap_or_else(PoisonError::into_inner);
        *paid = paid.and_then(|p| p.checked_sub(price));
    }
}

/// Counts one transfer, grants it its rate and carries its cancel token. Clones count the same transfer.
#[derive(Clone, Debug)]
pub struct Meter(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    moved: AtomicU64,
    begun: Instant,
    /// Nanoseconds after `begun`.
    last: AtomicU64,
    /// More than this may not move.
    most: AtomicU64,
    token: CancellationToken,
    buckets: Box<[Arc<Bucket>]>,
}

/// A transfer that nobody stops and that keeps to no rate.
impl Default for Meter {
    fn default() -> Self {
        Self::new(CancellationToken::new(), Vec::new())
    }
}

impl Meter {
    /// A transfer that stops when `token` is cancelled and keeps to all of `buckets`.
    pub fn new(token: CancellationToken, buckets: Vec<Arc<Bucket>>) -> Self {
        Self(Arc::new(Inner {
            moved: AtomicU64::new(0),
            begun: clock::now(),
            last: AtomicU64::new(0),
            most: AtomicU64::new(u64::MAX),
            token,
            buckets: buckets.into_boxed_slice(),
        }))
    }

    /// Stops the transfer when more than `bytes` have moved; [`Meter::is_over`] tells that this was why. An upload
    /// keeps no byte beyond the limit.
    pub fn limit_to(&self, bytes: u64) {
        self.0.most.store(bytes, Ordering::Relaxed);
    }

    /// How many bytes may still move.
    pub fn left(&self) -> u64 {
        self.0.most.load(Ordering::Relaxed).saturating_sub(self.moved())
    }

    /// Whether more has moved than may.
    pub fn is_over(&self) -> bool {
        self.moved() > self.0.most.load(Ordering::Relaxed)
    }

    /// Bytes that went through the socket so far.
    pub fn moved(&self) -> u64 {
        self.0.moved.load(Ordering::Relaxed)
    }

    /// When the transfer began.
    pub fn begun(&self) -> Instant {
        self.0.begun
    }

    /// When a byte last moved; the beginning where none has.
    pub fn last_activity(&self) -> Instant {
        self.0.begun + Duration::from_nanos(self.0.last.load(Ordering::Relaxed))
    }

    /// What stops it.
    pub fn token(&self) -> &CancellationToken {
        &self.0.token
    }

    /// Whether it must stop.
    pub fn is_cancelled(&self) -> bool {
        self.0.token.is_cancelled()
    }

    /// Counts bytes that have moved.
    pub fn count(&self, bytes: usize) {
        let before = self.0.moved.fetch_add(bytes as u64, Ordering::Relaxed);
        if before.saturating_add(bytes as u64) > self.0.most.load(Ordering::Relaxed) {
            self.0.token.cancel();
        }
        let since = clock::now().saturating_duration_since(self.0.begun);
        self.0.last.store(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Whether it keeps to any rate at all.
    pub fn is_limited(&self) -> bool {
        !self.0.buckets.is_empty()
    }

    /// How many of `want` bytes may move now, at least one; waits until some may. Without a bucket that is all of
    /// them, at once.
    ///
    /// # Errors
    /// [`Cancelled`] where the token is or becomes so.
    pub async fn grant(&self, want: usize) -> Result<usize, Cancelled> {
        if self.is_cancelled() {
            return Err(Cancelled);
        }
        if !self.is_limited() {
            return Ok(want);
        }
        let bytes = self.0.buckets.iter().map(|b| b.portion()).min().unwrap_or(want).min(want);
        let now = clock::now();
        let start = self.0.buckets.iter().map(|b| b.charge(bytes, now)).max().unwrap_or(now);
        if start > now {
            // If this future is dropped while it waits, what it took goes back.
            let pending = Refund(self, bytes);
            let woken = self.0.token.run_until_cancelled(clock::sleep_until(start)).await;
            if woken.is_none() {
                return Err(Cancelled);
            }
            std::mem::forget(pending);
        }
        Ok(bytes)
    }

    /// Waits until all of `want` bytes may move.
    ///
    /// # Errors
    /// [`Cancelled`] where the token is or becomes so.
    pub async fn grant_all(&self, want: usize) -> Result<(), Cancelled> {
        let mut left = want;
        while left > 0 {
            left -= self.grant(left).await?.min(left);
        }
        Ok(())
    }

    /// Gives back what was granted and did not move.
    pub fn give_back(&self, bytes: usize) {
        if bytes > 0 {
            for bucket in &self.0.buckets {
                bucket.refund(bytes);
            }
        }
    }
}

struct Refund<'a>(&'a Meter, usize);

impl Drop for Refund<'_> {
    fn drop(&mut self) {
        self.0.give_back(self.1);
    }
}

#[cfg(test)]
mod tests {
    use super::{Bucket, Cancelled, Meter};
    use crate::clock;
    use std::sync::Arc;
    use std::time::Duration;
    use tokio_util::sync::CancellationToken;

    async fn take(meter: &Meter, total: usize) {
        let mut left = total;
        while left > 0 {
            let n = meter.grant(left).await.unwrap();
            meter.count(n);
            left -= n;
        }
    }

    #[test]
    fn a_limit_stops_the_transfer_and_says_so() {
        let meter = Meter::default();
        meter.limit_to(100);
        meter.count(100);
        assert!(!meter.is_cancelled() && !meter.is_over());
        meter.count(1);
        assert!(meter.is_cancelled() && meter.is_over());
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_is_kept_and_shared_alike() {
        let bucket = Arc::new(Bucket::new(100_000));
        let one = Meter::new(CancellationToken::new(), vec![bucket.clone()]);
        let two = Meter::new(CancellationToken::new(), vec![bucket, Arc::new(Bucket::new(1_000_000))]);
        let start = clock::now();
        let half = async {
            take(&one, 200_000).await;
            assert!(two.moved().abs_diff(200_000) < 4 * 6_250, "unequal: {}", two.moved());
        };
        tokio::join!(half, take(&two, 200_000));
        let took = clock::now() - start;
        assert!(took > Duration::from_millis(3_800) && took < Duration::from_millis(4_100), "{took:?}");
        assert!(one.last_activity() > one.begun());
    }

    #[tokio::test(start_paused = true)]
    async fn free_is_free_and_refunds_count() {
        let free = Meter::new(CancellationToken::new(), Vec::new());
        assert_eq!(free.grant(usize::MAX).await, Ok(usize::MAX));
        let meter = Meter::new(CancellationToken::new(), vec![Arc::new(Bucket::new(16_000))]);
        let start = clock::now();
        for _ in 0..100 {
            let n = meter.grant(10_000).await.unwrap();
            assert!(n >= 1);
            meter.give_back(n);
        }
        assert_eq!(clock::now(), start);
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_ends_when_cancelled_and_costs_nothing() {
        let bucket = Arc::new(Bucket::new(1));
        let token = CancellationToken::new();
        let meter = Meter::new(token.clone(), vec![bucket]);
        meter.grant(1).await.unwrap();
        let cancel = async {
            tokio::time::sleep(Duration::from_millis(10)).await;
            token.cancel();
        };
        let (got, ()) = tokio::join!(meter.grant(500), cancel);
        assert_eq!(got, Err(Cancelled));
        assert_eq!(meter.grant(1).await, Err(Cancelled));
    }
}
