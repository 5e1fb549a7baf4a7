//! SPSV: data connections that arrive on the control port, told apart by a key (draft-rosenau-ftp-single-port).

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use io::stream::Stream;
use tokio::sync::oneshot;
use types::Reason;

/// The keys a listener has given out. Shared by its sessions; held for moments, never over an await.
#[derive(Clone, Default)]
pub struct SinglePort(Arc<Mutex<HashMap<Box<str>, Waiting>>>);

struct Waiting {
    from: IpAddr,
    hand_over: oneshot::Sender<Stream>,
}

/// A key that was given out; dropping it takes it back.
pub(super) struct Key {
    key: Box<str>,
    keys: SinglePort,
    connection: oneshot::Receiver<Stream>,
}

impl SinglePort {
    /// Gives out a key for a client at `from`. Keys are random: 128 bits, in hexadecimal.
    pub(super) fn reserve(&self, from: IpAddr) -> Result<Key, Reason> {
        let mut random = [0u8; 16];
        getrandom::fill(&mut random).map_err(|_| Reason::NoPassivePort)?;
        let key: Box<str> = format!("{:032x}", u128::from_ne_bytes(random)).into();
        let (hand_over, connection) = oneshot::channel();
        self.lock().insert(key.clone(), Waiting { from, hand_over });
        Ok(Key { key, keys: self.clone(), connection })
    }

    /// Hands a connection over to the session that gave out this key; gives it back if nobody did, or not to this
    /// client.
    pub(super) fn hand_over(&self, key: &str, from: IpAddr, stream: Stream) -> Result<(), Stream> {
        let waiting = {
            let mut keys = self.lock();
            match keys.get(key) {
                Some(waiting) if waiting.from == from => keys.remove(key),
                _ => None,
            }
        };
        match waiting {
            Some(waiting) => waiting.hand_over.send(stream),
            None => Err(stream),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Box<str>, Waiting>> {
        // A panic while it was held left whole records only.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Key {
    /// The key, as the client is told it.
    pub(super) fn text(&self) -> Box<str> {
        self.key.clone()
    }

    /// The connection, when it has come.
    pub(super) async fn connected(&mut self) -> Result<Stream, Reason> {
        (&mut self.connection).await.map_err(|_| Reason::DataNeverCame)
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        self.keys.lock().remove(&self.key);
    }
}
