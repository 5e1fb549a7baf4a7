//! Which TLS sessions can be resumed? Those of one control connection, so that a data connection that resumes one
//! proves whose it is.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::server::StoresServerSessions;

/// Sessions kept of the control connection's own handshake. They are never given up for others: clients come back to
/// them for every data connection.
const FIRST: usize = 8;

/// Sessions kept at all.
const MOST: usize = 16;

type Entry = (Box<[u8]>, Box<[u8]>);

/// The sessions of one control connection.
#[derive(Default)]
pub(super) struct Store {
    entries: Mutex<Vec<Entry>>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What it holds are secrets.
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

impl Store {
    fn add(&self, entry: Entry) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= MOST {
            entries.remove(FIRST);
        }
        entries.push(entry);
    }
}

/// Tells which data connections are one control connection's, by the TLS session they resume.
#[derive(Clone, Debug)]
pub struct Claim(pub(super) Arc<Store>);

impl Claim {
    /// Whether a TLS session of this name began with the control connection.
    pub fn holds(&self, id: &[u8]) -> bool {
        self.0.get(id).is_some()
    }
}

impl StoresServerSessions for Store {
    fn put(&self, key: Vec<u8>, value: Vec<u8>) -> bool {
        self.add((key.into(), value.into()));
        true
    }

    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.iter().find(|(k, _)| **k == *key).map(|(_, value)| value.to_vec())
    }

    fn take(&self, key: &[u8]) -> Option<Vec<u8>> {
        // Not taken away: clients resume one session for every data connection. Taking guards against replayed early
        // data (RFC 8446 §8.1), which is never accepted here.
        self.get(key)
    }

    fn can_cache(&self) -> bool {
        true
    }
}

/// What one data connection sees of the store. New sessions join it only when the connection has resumed one: else
/// anybody who gets a full handshake on the data port could resume that one and pass for the client.
pub(super) struct Visitor {
    of: Arc<Store>,
    new: Mutex<Vec<Entry>>,
}

impl fmt::Debug for Visitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Visitor").finish_non_exhaustive()
    }
}

impl Visitor {
    pub(super) fn new(of: Arc<Store>) -> Self {
        Self { of, new: Mutex::default() }
    }

    /// The connection has proved whose it is.
    pub(super) fn stays(&self) {
        for entry in self.new.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            self.of.add(entry);
        }
    }
}

impl StoresServerSessions for Visitor {
    fn put(&self, key: Vec<u8>, value: Vec<u8>) -> bool {
        let mut new = self.new.lock().unwrap_or_else(PoisonError::into_inner);
        if new.len() < FIRST {
            new.push((key.into(), value.into()));
        }
        true
    }

    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.of.get(key)
    }

    fn take(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.of.get(key)
    }

    fn can_cache(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST, Store, Visitor};
    use rustls::server::StoresServerSessions;
    use std::sync::Arc;

    #[test]
    fn the_first_stay_and_the_rest_is_bounded() {
        let store = Store::default();
        for i in 0..100u8 {
            store.put(vec![i], vec![i, i]);
        }
        assert_eq!(store.entries.lock().unwrap().len(), MOST);
        assert_eq!(store.take(&[0]), Some(vec![0, 0]));
        assert_eq!(store.take(&[0]), Some(vec![0, 0]), "as often as the client likes");
        assert_eq!(store.get(&[99]), Some(vec![99, 99]));
        assert_eq!(store.get(&[50]), None);
    }

    #[test]
    fn who_proved_nothing_leaves_nothing() {
        let store = Arc::new(Store::default());
        let visitor = Visitor::new(store.clone());
        visitor.put(vec![1], vec![2]);
        assert_eq!((store.get(&[1]), visitor.get(&[1])), (None, None));
        visitor.stays();
        assert_eq!(store.get(&[1]), Some(vec![2]));
    }
}
