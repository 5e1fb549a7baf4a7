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

/// The rates of a user or of the whole server.
#[derive(Default)]
pub(crate) struct Rates {
    pub(crate) up: Option<Arc<Bucket>>,
    pub(crate) down: Option<Arc<Bucket>>,
}

impl Rates {
    pub(crate) fn new(up: Option<u64>, down: Option<u64>) -> Self {
        let bucket = |rate: Option<u64>| rate.map(|rate| Arc::new(Bucket::new(rate)));
        Self { up: bucket(up), down: bucket(down) }
    }

    const fn of(&self, direction: types::Direction) -> Option<&Arc<Bucket>> {
        match direction {
            types::Direction::In => self.up.as_ref(),
            types::Direction::Out => self.down.as_ref(),
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
