//! Which TLS sessions can be resumed? Those of one control connection, so that a data connection that resumes one
//! proves whose it is.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::server::StoresServerSessions;
use types::Direction;

/// Sessions kept of each [`Origin`], the newest; those of the control connection are the first, for it begins no more.
/// None is given up for one of another origin: clients come back to the control connection's for every data connection,
/// and those that close an upload's connection without reading on never learn of its ticket.
const MOST: usize = 8;

/// Where a session began.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Origin {
    /// On the control connection.
    Control,
    /// On a data connection that moves bytes this way.
    Data(Direction),
}

/// Name and content.
type Entry = (Box<[u8]>, Box<[u8]>);

/// The sessions of one control connection.
#[derive(Default)]
pub(super) struct Store {
    entries: Mutex<Vec<(Origin, Entry)>>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What it holds are secrets.
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

impl Store {
    fn add(&self, origin: Origin, entry: Entry) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let mut alike = entries.iter().enumerate().filter(|(_, (of, _))| *of == origin).map(|(index, _)| index);
        if let Some(oldest) = alike.next()
            && alike.count() + 1 >= MOST
        {
            entries.remove(oldest);
        }
        entries.push((origin, entry));
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
        self.add(Origin::Control, (key.into(), value.into()));
        true
    }

    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.iter().find(|(_, (k, _))| **k == *key).map(|(_, (_, value))| value.to_vec())
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
    way: Direction,
    new: Mutex<Vec<Entry>>,
}

impl fmt::Debug for Visitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Visitor").finish_non_exhaustive()
    }
}

impl Visitor {
    /// Of a data connection that moves bytes this way.
    pub(super) fn new(of: Arc<Store>, way: Direction) -> Self {
        Self { of, way, new: Mutex::default() }
    }

    /// The connection has proved whose it is.
    pub(super) fn stays(&self) {
        for entry in self.new.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            self.of.add(Origin::Data(self.way), entry);
        }
    }
}

impl StoresServerSessions for Visitor {
    fn put(&self, key: Vec<u8>, value: Vec<u8>) -> bool {
        let mut new = self.new.lock().unwrap_or_else(PoisonError::into_inner);
        if new.len() < MOST {
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
    use types::Direction;

    #[test]
    fn the_newest_of_each_origin_stay() {
        let store = Arc::new(Store::default());
        for i in 0..8u8 {
            store.put(vec![i], vec![i, i]);
        }
        let (reader, writer) = (Visitor::new(store.clone(), Direction::Out), Visitor::new(store.clone(), Direction::In));
        reader.put(vec![100], vec![1]);
        reader.stays();
        for i in 101..150u8 {
            writer.put(vec![i], vec![i]);
            writer.stays();
        }
        assert_eq!(store.entries.lock().unwrap().len(), 2 * MOST + 1);
        assert_eq!(store.take(&[0]), Some(vec![0, 0]));
        assert_eq!(store.take(&[0]), Some(vec![0, 0]), "as often as the client likes");
        assert_eq!((store.get(&[100]), store.get(&[149]), store.get(&[142])), (Some(vec![1]), Some(vec![149]), Some(vec![142])));
        assert_eq!(store.get(&[141]), None);
    }

    #[test]
    fn who_proved_nothing_leaves_nothing() {
        let store = Arc::new(Store::default());
        let visitor = Visitor::new(store.clone(), Direction::Out);
        visitor.put(vec![1], vec![2]);
        assert_eq!((store.get(&[1]), visitor.get(&[1])), (None, None));
        visitor.stays();
        assert_eq!(store.get(&[1]), Some(vec![2]));
    }
}
