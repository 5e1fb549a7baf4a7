//! Several connections as one: who needs one borrows it. How many there may be is learned from the server.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use io::CancellationToken;
use io::body::BoxFuture;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use types::{Error, Reason};

use crate::copy::join::all;
use crate::ftp::{Connection, Dial, Learned};

/// Connections to one server.
pub struct Pool {
    dial: Dial,
    parent: CancellationToken,
    idle: Mutex<Vec<Connection>>,
    /// One for each connection that may be borrowed.
    places: Arc<Semaphore>,
    /// How many places there are.
    most: AtomicUsize,
    /// How many connections stand or are being made.
    open: AtomicUsize,
    /// How many ended that nobody ended.
    lost: AtomicUsize,
    learned: Arc<Learned>,
    /// How long to wait for a place.
    wait_within: Duration,
}

/// How long a connection of the pool may be waited for, unless told otherwise: as long as a large file may take.
pub const WAIT_WITHIN: Duration = Duration::from_secs(3_600);

impl Pool {
    /// At most `most` connections (at least one), none of which is made before it is needed.
    pub fn new(dial: Dial, most: usize, wait_within: Duration, parent: &CancellationToken) -> Arc<Self> {
        let most = most.clamp(1, 1_000);
        Arc::new(Self {
            dial,
            parent: parent.clone(),
            idle: Mutex::default(),
            places: Arc::new(Semaphore::new(most)),
            most: AtomicUsize::new(most),
            open: AtomicUsize::new(0),
            lost: AtomicUsize::new(0),
            learned: Arc::default(),
            wait_within,
        })
    }

    /// How many connections ended that nobody ended, as far as was seen.
    pub fn lost(&self) -> usize {
        self.lost.load(Ordering::Relaxed)
    }

    /// A connection is of no more use.
    fn let_go(&self, connection: &Connection) {
        self.open.fetch_sub(1, Ordering::Relaxed);
        if connection.has_ended() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many connections there may be, as far as is known.
    pub fn most(&self) -> usize {
        self.most.load(Ordering::Relaxed)
    }

    /// Borrows a connection: one that is idle, or a new one. Where the server takes no more, the pool shrinks to what it
    /// has, and one that is in use is waited for.
    ///
    /// # Errors
    /// Those of [`Connection::open`]; [`Reason::TooSlow`] where all stay in use.
    pub async fn lease(self: &Arc<Self>) -> Result<Lease, Error> {
        loop {
            let place = tokio::time::timeout(self.wait_within, self.places.clone().acquire_owned()).await;
            let place = place.map_err(|_| Error::with(Reason::TooSlow, "waiting for: a connection that is free"))?;
            let place = place.map_err(|_| Error::new(Reason::Cancelled))?;
            if let Some(connection) = self.take_idle() {
                return Ok(Lease { pool: self.clone(), connection: Some(connection), place: Some(place) });
            }
            self.open.fetch_add(1, Ordering::Relaxed);
            match Connection::open_and_learn(&self.dial, &self.parent, &self.learned).await {
                Ok(connection) => return Ok(Lease { pool: self.clone(), connection: Some(connection), place: Some(place) }),
                Err(e) => {
                    let others = self.open.fetch_sub(1, Ordering::Relaxed) - 1;
                    if e.reason != Reason::TooManyConnections || others == 0 {
                        return Err(e);
                    }
                    self.shrink(place);
                }
            }
        }
    }

    /// Gives up a place for good: what has just been refused will be refused again.
    fn shrink(&self, place: OwnedSemaphorePermit) {
        place.forget();
        self.most.fetch_sub(1, Ordering::Relaxed);
        // What the server said beside its refusal spares asking for each place again.
        let allowed = self.learned.allowed.load(Ordering::Relaxed) as usize;
        while allowed > 0 && self.most.load(Ordering::Relaxed) > allowed {
            match self.places.clone().try_acquire_owned() {
                Ok(place) => place.forget(),
                Err(_) => break,
            }
            self.most.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn put_back(&self, connection: Connection) {
        if connection.is_over() {
            self.let_go(&connection);
        } else {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
    }

    fn take_idle(&self) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(connection) = idle.pop() {
            if !connection.is_over() {
                return Some(connection);
            }
            self.let_go(&connection);
        }
        None
    }

    /// Says good-bye in every connection that is idle: in all at the same time, for each waits for its reply.
    pub async fn close(&self) {
        let idle = std::iter::from_fn(|| self.take_idle());
        let closing = idle.map(|connection| {
            self.open.fetch_sub(1, Ordering::Relaxed);
            Box::pin(async move { connection.close().await }) as BoxFuture<'_, ()>
        });
        all(closing.collect()).await;
    }
}

/// A borrowed connection. Dropped, it goes back.
pub struct Lease {
    pool: Arc<Pool>,
    connection: Option<Connection>,
    /// Given back last.
    place: Option<OwnedSemaphorePermit>,
}

impl Lease {
    /// The connection.
    ///
    /// # Errors
    /// None in practice: it is there until the lease is dropped.
    pub fn connection(&self) -> Result<&Connection, Error> {
        self.connection.as_ref().ok_or_else(|| Error::new(Reason::Disconnected))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        // Without a reactor nothing is awaited any more.
        if !connection.take_given_up() || tokio::runtime::Handle::try_current().is_err() {
            return self.pool.put_back(connection);
        }
        // Some servers end the session over an ABOR: whoever comes next must not pay for it.
        let (pool, place) = (self.pool.clone(), self.place.take());
        let parent = pool.parent.clone();
        drop(io::task::spawn("broken off", &parent, async move {
            connection.idle().await;
            pool.put_back(connection);
            drop(place);
        }));
    }
}
