//! Where do transfer buffers come from? One pool for the whole process, with a bound (promise 5).

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, OnceLock, PoisonError};

use tokio::sync::{Semaphore, SemaphorePermit};

/// Bytes one buffer holds.
pub const SIZE: usize = 256 * 1024;

/// What all buffers together may hold unless [`limit`] says otherwise.
const DEFAULT_TOTAL: usize = 64 * 1024 * 1024;

/// Idle buffers kept for the next transfer; the rest goes back to the allocator.
const KEPT: usize = 16;

static POOL: OnceLock<Pool> = OnceLock::new();

/// Sets what all transfer buffers of the process may hold together, in bytes (at least four buffers). The first
/// word counts: `false` where buffers are in use already.
pub fn limit(total: usize) -> bool {
    POOL.set(Pool::new(total)).is_ok()
}

/// The pool of all transfers.
pub(crate) fn pool() -> &'static Pool {
    POOL.get_or_init(|| Pool::new(DEFAULT_TOTAL))
}

pub(crate) struct Pool {
    permits: Semaphore,
    free: Mutex<Vec<Vec<u8>>>,
}

impl Pool {
    pub(crate) fn new(total: usize) -> Self {
        Self { permits: Semaphore::new((total / SIZE).max(4)), free: Mutex::new(Vec::new()) }
    }

    /// Takes a buffer, and waits while all are in use.
    pub(crate) async fn take(&'static self) -> Buffer {
        // The semaphore is never closed; were it, an uncounted buffer would still be a buffer.
        self.filled_with(self.permits.acquire().await.ok())
    }

    /// Takes a buffer, if one is free.
    pub(crate) fn take_now(&'static self) -> Option<Buffer> {
        self.permits.try_acquire().ok().map(|permit| self.filled_with(Some(permit)))
    }

    /// Takes two buffers in one step.
    pub(crate) async fn take_two(&'static self) -> (Buffer, Buffer) {
        let mut permits = self.permits.acquire_many(2).await.ok();
        let second = permits.as_mut().and_then(|p| p.split(1));
        (self.filled_with(permits), self.filled_with(second))
    }

    /// A small buffer that none waits for and that may be held as long as it takes: of `size` bytes, and uncounted.
    pub(crate) fn small(&'static self, size: usize) -> Buffer {
        Buffer { data: Vec::with_capacity(size.min(SIZE / 2)), pool: self, permit: None }
    }

    /// Whether all are in use, so that who holds one it does not need should give it back.
    pub(crate) fn is_scarce(&self) -> bool {
        self.permits.available_permits() == 0
    }

    fn filled_with(&'static self, permit: Option<SemaphorePermit<'static>>) -> Buffer {
        let data = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Buffer { data: data.unwrap_or_else(|| Vec::with_capacity(SIZE)), pool: self, permit }
    }
}

/// A pooled buffer: an empty vector with room for [`SIZE`] bytes when it is taken.
pub(crate) struct Buffer {
    data: Vec<u8>,
    pool: &'static Pool,
    permit: Option<SemaphorePermit<'static>>,
}

impl Buffer {
    /// How many bytes still fit.
    pub(crate) fn room(&self) -> usize {
        SIZE.saturating_sub(self.data.len())
    }

    /// Whether others may wait for it.
    pub(crate) fn is_counted(&self) -> bool {
        self.permit.is_some()
    }
}

impl Deref for Buffer {
    type Target = Vec<u8>;
    fn deref(&self) -> &Vec<u8> {
        &self.data
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.data
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut data = std::mem::take(&mut self.data);
        data.clear();
        data.shrink_to(SIZE); // a transform may have made it grow
        let mut free = self.pool.free.lock().unwrap_or_else(PoisonError::into_inner);
        if free.len() < KEPT && data.capacity() >= SIZE {
            free.push(data);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{KEPT, Pool, SIZE};
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn the_pool_is_bounded_and_reuses() {
        let pool: &'static Pool = Box::leak(Box::new(Pool::new(4 * SIZE)));
        let mut held = Vec::new();
        for _ in 0..4 {
            held.push(pool.take().await);
        }
        assert!(tokio::time::timeout(Duration::from_secs(1), pool.take()).await.is_err(), "a fifth of four");
        let mut one = held.pop().unwrap();
        one.extend_from_slice(&[1; 10]);
        assert_eq!(one.room(), SIZE - 10);
        let place = one.as_ptr();
        drop(one);
        let again = pool.take().await;
        assert!(again.is_empty() && again.as_ptr() == place);
        drop((again, held));
        assert_eq!(pool.permits.available_permits(), 4);
        assert!(pool.free.lock().unwrap().len() <= KEPT);
    }
}
