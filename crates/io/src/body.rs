//! `Source` and `Sink`: a run of bytes going out or coming in. Opaque outside this crate: only the pump may
//! look inside and find a file descriptor.

use std::fs::File;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use rustix::fs::{fdatasync, ftruncate};
use rustix::io::{pread, pwrite};
use types::{Error, Reason};

use crate::buffer::Buffer;
use crate::task::{self, Pace};

/// A boxed future that may move between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A body going out: a file from some byte on, bytes in memory, or chunks made as they are asked for.
pub struct Source(pub(crate) From);

pub(crate) enum From {
    /// A regular file, read from `at` up to `end`; up to its own end where that is not known and `end` the largest.
    File { file: Arc<File>, at: u64, end: u64 },
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
        Self(From::File { file, at, end: u64::MAX })
    }

    /// A file from byte `at` to before byte `end`. Knowing the end beforehand (from the `stat` of the opening) spares
    /// the pump a system call to find it, and tells a file that shrinks on its way ([`Reason::Shrunk`]).
    pub const fn from_range(file: Arc<File>, at: u64, end: u64) -> Self {
        Self(From::File { file, at, end })
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

impl Source {
    /// No more than the first so many bytes of it.
    #[must_use]
    pub fn first(self, bytes: u64) -> Self {
        Self(match self.0 {
            From::File { file, at, end } => From::File { file, at, end: end.min(at.saturating_add(bytes)) },
            From::Bytes(all) => {
                let most = usize::try_from(bytes).unwrap_or(usize::MAX).min(all.len());
                From::Bytes(all.slice(..most))
            }
            From::Chunks(chunks) => From::Chunks(Box::new(First { chunks, left: bytes })),
        })
    }
}

/// The first bytes of a body made chunk by chunk.
struct First {
    chunks: Box<dyn Chunks>,
    left: u64,
}

impl Chunks for First {
    fn next(&mut self) -> BoxFuture<'_, Result<Option<Bytes>, Error>> {
        Box::pin(async move {
            if self.left == 0 {
                return Ok(None);
            }
            let Some(mut chunk) = self.chunks.next().await? else { return Ok(None) };
            chunk.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
            self.left -= chunk.len() as u64;
            Ok(Some(chunk))
        })
    }
}

/// A body coming in. Nobody else sees what was written until [`Sink::commit`]; dropping it instead is an abort,
/// and what the storage does then (keep the part for its owner, or remove it) is the storage's promise.
pub struct Sink(pub(crate) Option<Into>);

pub(crate) enum Into {
    /// A regular file; `finish` publishes it. What the pump has read and not yet written is in the tail.
    File { tail: Tail, finish: Box<dyn Finish>, pace: Pace },
    /// Anything that takes chunks in order.
    Put(Box<dyn Put>),
}

/// The last bytes of a file's body, which came with its end and are not written yet. They are kept back so that
/// a small file needs one trip to the blocking pool and not two: [`Finish::commit`] writes them there, first.
pub struct Tail {
    pub(crate) file: Arc<File>,
    pub(crate) at: u64,
    pub(crate) unwritten: Option<Buffer>,
}

impl Tail {
    /// The byte after the body's last one: where the file ends once the tail is written.
    pub fn end(&self) -> u64 {
        self.at + self.unwritten.as_ref().map_or(0, |b| b.len() as u64)
    }

    /// Writes what is left and tells the byte after the last one. Blocks: for the blocking pool.
    ///
    /// # Errors
    /// The file system's, as [`Reason::NoSpace`] and its like.
    pub fn write(mut self) -> Result<u64, Error> {
        self.flush()
    }

    /// As [`Tail::write`], but to go on from.
    pub(crate) fn flush(&mut self) -> Result<u64, Error> {
        if let Some(bytes) = self.unwritten.take() {
            let (done, result) = write_all_at(&self.file, &bytes, self.at);
            self.at += done;
            result?;
        }
        Ok(self.at)
    }
}

/// Writes all of `bytes` from byte `at` on. Tells how many were written besides, for a disk that filled up on the way.
pub(crate) fn write_all_at(file: &File, bytes: &[u8], at: u64) -> (u64, Result<(), Error>) {
    let mut done = 0;
    while let Some(rest) = bytes.get(done..).filter(|r| !r.is_empty()) {
        match pwrite(file, rest, at + done as u64) {
            Ok(0) => return (done as u64, Err(Error::with(Reason::Io, "the file takes no more bytes"))),
            Ok(n) => done += n,
            Err(rustix::io::Errno::INTR) => {}
            Err(e) => return (done as u64, Err(std::io::Error::from(e).into())),
        }
    }
    (done as u64, Ok(()))
}

/// Publishes a file that was written. Dropped without [`Finish::commit`], it aborts.
pub trait Finish: Send {
    /// Makes the content stay and appear under its name, as the mount's durability says. Begins with
    /// [`Tail::write`], on the blocking pool and in the same trip as the rest; the tail knows the end.
    ///
    /// # Errors
    /// The storage's; the name is then as it was before.
    fn commit(self: Box<Self>, tail: Tail) -> BoxFuture<'static, Result<(), Error>>;
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
        Self(Some(Into::File { tail: Tail { file, at, unwritten: None }, finish: Box::new(finish), pace: Pace::default() }))
    }

    /// Anything that takes chunks.
    pub fn from_put(put: impl Put + 'static) -> Self {
        Self(Some(Into::Put(Box::new(put))))
    }

    /// Ends the body: makes it stay and appear under its name.
    ///
    /// # Errors
    /// The storage's; nothing was published then.
    pub async fn commit(mut self) -> Result<(), Error> {
        match self.0.take() {
            Some(Into::File { tail, finish, .. }) => finish.commit(tail).await,
            Some(Into::Put(put)) => put.commit().await,
            None => Ok(()),
        }
    }

    /// Aborts, and waits until all that came is in the file, for a storage that keeps it for its owner. Dropping
    /// does the same behind one's back.
    pub async fn abandon(mut self) {
        if let Some(work) = self.take_leave() {
            let _ = task::blocking(work).await;
        }
    }

    /// What is left to do when nobody commits; `None` where dropping is all.
    fn take_leave(&mut self) -> Option<impl FnOnce() + Send + 'static> {
        match self.0.take() {
            Some(Into::File { mut tail, finish, .. }) if tail.unwritten.is_some() => Some(move || {
                // Who aborts is not told that the disk is full as well; the part is kept as far as it went.
                let _ = tail.flush();
                drop(finish);
            }),
            _ => None,
        }
    }
}

/// A way into a sink's file at several places at once. Whoever uses it must see to it that they do not overlap.
#[derive(Clone)]
pub struct Places(Arc<File>);

impl Places {
    /// Another sink into the same file, from byte `at` on. Its commit writes what is left in it and publishes nothing.
    pub fn from(&self, at: u64) -> Sink {
        Sink::from_file(self.0.clone(), at, Written)
    }

    /// Writes a note of how far the file has come: to byte `at`, and only once all that was written before is on disk, so
    /// that it promises nothing that a power failure takes away.
    ///
    /// # Errors
    /// The file system's.
    pub async fn note(&self, at: u64, note: Bytes) -> Result<(), Error> {
        let file = self.0.clone();
        task::blocking(move || {
            fdatasync(&*file).map_err(std::io::Error::from)?;
            write_all_at(&file, &note, at).1
        })
        .await?
    }
}

/// Ends a part of a file that somebody else publishes.
struct Written;

impl Finish for Written {
    fn commit(self: Box<Self>, tail: Tail) -> BoxFuture<'static, Result<(), Error>> {
        Box::pin(async move { task::blocking(move || tail.write().map(drop)).await? })
    }
}

impl Sink {
    /// A way into its file at several places; `None` where the body is no file.
    pub fn places(&self) -> Option<Places> {
        match &self.0 {
            Some(Into::File { tail, .. }) => Some(Places(tail.file.clone())),
            _ => None,
        }
    }

    /// Ends the file before byte `end`, and goes on there.
    ///
    /// # Errors
    /// The file system's; [`Reason::Unsupported`] where the body is no file.
    pub async fn end_at(&mut self, end: u64) -> Result<(), Error> {
        let Some(Into::File { tail, .. }) = &mut self.0 else { return Err(Reason::Unsupported.into()) };
        let file = tail.file.clone();
        tail.unwritten = None;
        tail.at = end;
        task::blocking(move || ftruncate(&*file, end).map_err(|e| std::io::Error::from(e).into())).await?
    }
}

/// Driving a body by hand, without a socket: for storages in front of others, and for tests.
impl Source {
    /// The whole body.
    ///
    /// # Errors
    /// The storage's.
    #[doc(hidden)]
    pub async fn read_to_end(self) -> Result<Vec<u8>, Error> {
        match self.0 {
            From::Bytes(bytes) => Ok(bytes.to_vec()),
            From::File { file, at, end } => task::blocking(move || read_range(&file, at, end)).await?,
            From::Chunks(mut chunks) => {
                let mut all = Vec::new();
                while let Some(chunk) = chunks.next().await? {
                    all.extend_from_slice(&chunk);
                }
                Ok(all)
            }
        }
    }
}

fn read_range(file: &File, mut at: u64, end: u64) -> Result<Vec<u8>, Error> {
    let (mut all, mut block) = (Vec::new(), vec![0; 64 * 1024]);
    while at < end {
        let wanted = usize::try_from(end - at).unwrap_or(usize::MAX).min(block.len());
        let space = block.get_mut(..wanted).unwrap_or_default();
        match pread(file, space, at) {
            Ok(0) => break,
            Ok(n) => {
                all.extend_from_slice(block.get(..n).unwrap_or_default());
                at += n as u64;
            }
            Err(rustix::io::Errno::INTR) => {}
            Err(e) => return Err(std::io::Error::from(e).into()),
        }
    }
    Ok(all)
}

impl Sink {
    /// Writes a chunk and waits until it is written.
    ///
    /// # Errors
    /// The storage's.
    #[doc(hidden)]
    pub async fn write_all(&mut self, chunk: Bytes) -> Result<(), Error> {
        match &mut self.0 {
            Some(Into::File { tail, pace, .. }) => {
                let (file, at, left) = (Arc::clone(&tail.file), tail.at, tail.unwritten.take());
                let writing = pace.run(move || {
                    let mut tail = Tail { file, at, unwritten: left };
                    if let Err(e) = tail.flush() {
                        return (tail.at, Err(e));
                    }
                    let (done, result) = write_all_at(&tail.file, &chunk, tail.at);
                    (tail.at + done, result)
                });
                let (done, result) = writing.await?;
                tail.at = done;
                result
            }
            Some(Into::Put(put)) => put.write(chunk).await,
            None => Ok(()),
        }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        if let Some(work) = self.take_leave() {
            task::detach_blocking(work);
        }
    }
}
