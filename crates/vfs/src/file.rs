//! `File`: a file that is open to be read and written at any place, and what its closing means.

use bytes::Bytes;
use io::body::BoxFuture;
use types::{Attr, AttrChange, Error, OpenHow};

use crate::storage::Owner;

/// How a file is to be opened.
#[derive(Clone, Copy, Debug)]
pub struct OpenOrder<'a> {
    /// What is done with it, and what becomes of what stands there.
    pub how: OpenHow,
    /// Permission bits of a file that is made.
    pub mode: u32,
    /// Who may see and resume it until it is whole.
    pub owner: &'a Owner,
}

/// A file that is open at any place, by several at once.
///
/// What was made or emptied by opening it appears under its name only with [`File::close`], whole; what stood is
/// written in place (promise 1). Dropped without `close`, it aborts: what was made is kept for its owner as far as it
/// has no holes, what was to be replaced stays as it was.
pub trait File: Send + Sync {
    /// What it is now, what was written included.
    fn attr(&self) -> BoxFuture<'_, Result<Attr, Error>>;

    /// Reads up to `length` bytes from byte `at` on, behind `room` zeros that the caller fills. Fewer come only at the
    /// file's end.
    fn read(&self, at: u64, length: usize, room: usize) -> BoxFuture<'_, Result<Vec<u8>, Error>>;

    /// Writes all of it from byte `at` on, or at the end where it was opened to append.
    fn write(&self, at: u64, bytes: Bytes) -> BoxFuture<'_, Result<(), Error>>;

    /// Makes what was written stay.
    fn sync(&self) -> BoxFuture<'_, Result<(), Error>>;

    /// Cuts it, or fills it up with zeros, to `size`; then changes attributes.
    fn set_attr<'a>(&'a self, size: Option<u64>, change: &'a AttrChange) -> BoxFuture<'a, Result<(), Error>>;

    /// Makes it stand, once nothing is read or written any more. A second call does nothing.
    fn close(&self) -> BoxFuture<'_, Result<(), Error>>;
}
