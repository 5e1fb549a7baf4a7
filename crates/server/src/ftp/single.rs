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

/// How much may be read at once of a new connection, so that nothing behind SPDT is read as commands: it is data.
pub(super) enum FirstLine {
    /// So many bytes of `SPDT ` have come.
    Verb(usize),
    /// The key is being read.
    Key,
    /// Nothing is special any more.
    Past,
}

const SPDT: &[u8] = b"SPDT ";

impl FirstLine {
    /// At the beginning of a connection; `single_port`: it may become a data connection.
    pub(super) const fn new(single_port: bool) -> Self {
        if single_port { Self::Verb(0) } else { Self::Past }
    }

    /// The most bytes to read now.
    pub(super) const fn at_most(&self) -> usize {
        match self {
            Self::Verb(n) => SPDT.len().saturating_sub(*n),
            Self::Key => 1,
            Self::Past => usize::MAX,
        }
    }

    /// These bytes were read.
    pub(super) fn took(&mut self, bytes: &[u8]) {
        for byte in bytes {
            *self = match self {
                Self::Verb(n) if SPDT.get(*n).is_some_and(|b| b.eq_ignore_ascii_case(byte)) => match *n + 1 {
                    n if n == SPDT.len() => Self::Key,
                    n => Self::Verb(n),
                },
                Self::Key if *byte != b'\n' => Self::Key,
                Self::Verb(_) | Self::Key | Self::Past => return *self = Self::Past,
            };
        }
    }
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
