//! How much at once and how fast: places that are taken and given back, and the meters of transfers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use io::meter::{Bucket, Meter};
use tokio_util::sync::CancellationToken;

/// A number of places. A place is a [`Taken`], given back when that is dropped: nobody has to remember.
#[derive(Debug, Default)]
pub(crate) struct Places(AtomicU32);

impl Places {
    /// Takes a place if fewer than `most` are taken; without a limit always.
    pub(crate) fn take(self: &Arc<Self>, most: Option<u32>) -> Option<Taken> {
        let most = most.unwrap_or(u32::MAX);
        let taken = self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, |n| (n < most).then(|| n.saturating_add(1)));
        taken.ok().map(|_| Taken(self.clone()))
    }

    /// How many are taken now.
    #[cfg(test)]
    pub(crate) fn taken(&self) -> u32 {
        self.0.load(Ordering::Acquire)
    }
}

/// A place that is taken.
#[derive(Debug)]
pub(crate) struct Taken(Arc<Places>);

impl Drop for Taken {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// What all sessions of one user share. Outlives a reload, so that nobody doubles a limit by one.
#[derive(Debug, Default)]
pub(crate) struct Share {
    pub(crate) sessions: Arc<Places>,
    pub(crate) transfers: Arc<Places>,
}

/// The rates of a user or of the whole server, 0 where there is none.
#[derive(Default)]
pub(crate) struct Rates {
    up: Shared,
    down: Shared,
}

/// A bucket, if there ever was a rate, and what it is to be.
#[derive(Default)]
struct Shared {
    rate: u64,
    bucket: Option<Arc<Bucket>>,
}

impl Shared {
    fn new(rate: Option<u64>, old: Option<&Self>) -> Self {
        let rate = rate.unwrap_or(0);
        let kept = old.and_then(|old| old.bucket.clone());
        Self { rate, bucket: kept.or_else(|| (rate > 0).then(|| Arc::new(Bucket::new(rate)))) }
    }

    fn tune(&self) {
        if let Some(bucket) = &self.bucket {
            bucket.set_rate(self.rate);
        }
    }
}

impl Rates {
    /// Rates in bytes a second. The buckets of `old` are kept, so that what runs already gets the new rates too,
    /// once they are in force.
    pub(crate) fn new(up: Option<u64>, down: Option<u64>, old: Option<&Self>) -> Self {
        Self { up: Shared::new(up, old.map(|old| &old.up)), down: Shared::new(down, old.map(|old| &old.down)) }
    }

    /// Puts the rates in force.
    pub(crate) fn tune(&self) {
        self.up.tune();
        self.down.tune();
    }

    const fn of(&self, direction: types::Direction) -> Option<&Arc<Bucket>> {
        match direction {
            types::Direction::In => self.up.bucket.as_ref(),
            types::Direction::Out => self.down.bucket.as_ref(),
        }
    }
}

/// The meter of one transfer: ends with its session, goes no faster than the slowest of `rates` lets it.
pub(crate) fn meter(session: &CancellationToken, direction: types::Direction, rates: [&Rates; 2]) -> Meter {
    let buckets: Vec<Arc<Bucket>> = rates.iter().filter_map(|r| r.of(direction).cloned()).collect();
    Meter::new(session.child_token(), buckets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn places_never_exceed_the_limit_nor_go_below_zero(most in 0u32..5, steps in proptest::collection::vec(any::<bool>(), 0..60)) {
            let places = Arc::new(Places::default());
            let mut held = Vec::new();
            for take in steps {
                if take {
                    if let Some(place) = places.take(Some(most)) { held.push(place) } else { prop_assert_eq!(held.len() as u32, most) }
                } else {
                    held.pop();
                }
                prop_assert_eq!(places.taken(), held.len() as u32);
                prop_assert!(places.taken() <= most);
            }
            drop(held);
            prop_assert_eq!(places.taken(), 0);
        }
    }
}
