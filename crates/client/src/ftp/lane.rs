//! Which connection of a pool carries many small files at once, and until when?

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use io::body::{Sink, Source};
use io::meter::Meter;
use proto::ftp::client::{Features, KEPT_AT_ONCE, Operation};
use tokio::sync::Mutex;
use types::{Error, Reason};

use crate::pool::{Lease, Pool};

/// The connection whose data connection stays from file to file. It goes back to the pool when the last file is over.
#[derive(Default)]
pub(super) struct Lane {
    lease: Mutex<Weak<Lease>>,
    /// It broke, or cannot be had: files go the common way from now on.
    is_off: AtomicBool,
}

impl Lane {
    /// How many files it takes at once.
    pub(super) fn at_once(&self, features: &Features) -> usize {
        if features.keeps_bodies() && !self.is_off.load(Ordering::Relaxed) { KEPT_AT_ONCE } else { 0 }
    }

    async fn lease(&self, pool: &Arc<Pool>) -> Result<Arc<Lease>, Error> {
        let mut lease = self.lease.lock().await;
        let standing = lease.upgrade().filter(|lease| lease.connection().is_ok_and(|connection| !connection.is_over()));
        if let Some(standing) = standing {
            return Ok(standing);
        }
        let fresh = Arc::new(pool.lease().await?);
        *lease = Arc::downgrade(&fresh);
        Ok(fresh)
    }

    pub(super) async fn receive(
        &self,
        pool: &Arc<Pool>,
        path: Box<[u8]>,
        size: u64,
        sink: Sink,
        meter: Meter,
    ) -> Result<u64, Error> {
        let lease = self.lease(pool).await?;
        self.heed(lease.connection()?.receive_kept(path, size, sink, meter).await)
    }

    pub(super) async fn send(&self, pool: &Arc<Pool>, operation: Operation, source: Source, meter: Meter) -> Result<u64, Error> {
        let lease = self.lease(pool).await?;
        self.heed(lease.connection()?.send_kept(operation, source, meter).await)
    }

    /// Keeps in mind that the lane is of no more use.
    fn heed(&self, result: Result<u64, Error>) -> Result<u64, Error> {
        if let Err(e) = &result
            && matches!(e.reason, Reason::TransferCut | Reason::Unsupported | Reason::Disconnected | Reason::DataNotProtected)
        {
            self.is_off.store(true, Ordering::Relaxed);
        }
        result
    }
}
