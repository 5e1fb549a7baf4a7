//! `Source` and `Sink`: a run of bytes going out or coming in. Opaque outside this crate: only the pump may
//! look inside and find a file descriptor.

use std::fs::File;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use types::Error;

/// A boxed future that may move between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A body going out: a file from some byte on, bytes in memory, or chunks made as they are asked for.
pub struct Source(pub(crate) From);

pub(crate) enum From {
    /// A regular file, read from `at` until its end as it is then.
    File { file: Arc<File>, at: u64 },
    /// Bytes that stand in memory.
    Bytes(Bytes),
    /// Chunks made one after the other (a listing, an object).
    Chunks(Box<dyn Chunks>),
}

/// Makes the chunks of a body that is neither a file nor in memory.
pub trait Chunks: Send {
    /// The next chunk, never empty; `None` at the end.
    ///
    /// # Errors
    /// The storage's; the body ends there.
    fn next(&mut self) -> BoxFuture<'_, Result<Option<Bytes>, Error>>;
}

impl Source {
    /// A file from byte `at` to its end.
    pub const fn from_file(file: Arc<File>, at: u64) -> Self {
        Self(From::File { file, at })
    }

    /// Bytes in memory.
    pub const fn from_bytes(bytes: Bytes) -> Self {
        Self(From::Bytes(bytes))
    }

    /// Chunks made on demand.
    pub fn from_chunks(chunks: impl Chunks + 'static) -> Self {
        Self(From::Chunks(Box::new(chunks)))
    }
}

/// A body coming in. Nobody else sees what was written until [`Sink::commit`]; dropping it instead is an abort,
/// and what the storage does then (keep the part for its owner, or remove it) is the storage's promise.
pub struct Sink(pub(crate) Into);

pub(crate) enum Into {
    /// A regular file, written from `at` on; `finish` publishes it.
    File { file: Arc<File>, at: u64, finish: Box<dyn Finish> },
    /// Anything that takes chunks in order.
    Put(Box<dyn Put>),
}

/// Publishes a file that was written. Dropped without [`Finish::commit`], it aborts.
pub trait Finish: Send {
    /// Makes the content stay and appear under its name, as the mount's durability says. `end` is the byte after
    /// the last one written.
    ///
    /// # Errors
    /// The storage's; the name is then as it was before.
    fn commit(self: Box<Self>, end: u64) -> BoxFuture<'static, Result<(), Error>>;
}

/// Takes a body chunk by chunk. Dropped without [`Put::commit`], it aborts.
pub trait Put: Send {
    /// Takes the next chunk.
    ///
    /// # Errors
    /// The storage's; the body ends there.
    fn write(&mut self, chunk: Bytes) -> BoxFuture<'_, Result<(), Error>>;

    /// Makes the content stay and appear under its name.
    ///
    /// # Errors
    /// The storage's; the name is then as it was before.
    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<(), Error>>;
}

impl Sink {
    /// A file that is written from byte `at` on and published by `finish`.
    pub fn from_file(file: Arc<File>, at: u64, finish: impl Finish + 'static) -> Self {
        Self(Into::File { file, at, finish: Box::new(finish) })
    }

    /// Anything that takes chunks.
    pub fn from_put(put: impl Put + 'static) -> Self {
        Self(Into::Put(Box::new(put)))
    }

    /// Ends the body: makes it stay and appear under its name.
    ///
    /// # Errors
    /// The storage's; nothing was published then.
    pub async fn commit(self) -> Result<(), Error> {
        match self.0 {
            Into::File { at, finish, .. } => finish.commit(at).await,
            Into::Put(put) => put.commit().await,
        }
    }
}
