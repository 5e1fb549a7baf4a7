//! `Flaky`: a storage that fails where a test wants it to.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use io::body::{BoxFuture, Put, Sink, Source};
use types::{Attr, AttrChange, Entry, Error, Reason, Space, VPath};

use crate::file::{File, OpenOrder};
use crate::storage::{Capability, Listing, Opened, Owner, SharedStorage, Storage, WriteOrder};

/// What goes wrong. Calls are counted from 1: those of the storage, and the writes, commits and pages behind them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// The n-th call fails with this reason, and none before or after it.
    Fail(u64, Reason),
    /// The n-th call never answers.
    Stop(u64),
    /// So many bytes can be written, over all files; then the storage is full.
    Full(u64),
}

/// Passes everything on until its fault strikes.
#[derive(Clone)]
pub struct Flaky {
    storage: SharedStorage,
    strike: Strike,
}

#[derive(Clone)]
struct Strike {
    fault: Fault,
    calls: Arc<AtomicU64>,
    written: Arc<AtomicU64>,
}

impl Strike {
    async fn call(&self) -> Result<(), Error> {
        let number = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        match self.fault {
            Fault::Fail(at, reason) if at == number => Err(Error::with(reason, "a fault that was asked for")),
            Fault::Stop(at) if at == number => std::future::pending().await,
            _ => Ok(()),
        }
    }

    fn write(&self, bytes: usize) -> Result<(), Error> {
        let all = self.written.fetch_add(bytes as u64, Ordering::SeqCst) + bytes as u64;
        match self.fault {
            Fault::Full(limit) if all > limit => Err(Reason::NoSpace.into()),
            _ => Ok(()),
        }
    }
}

impl Flaky {
    /// Puts a fault in front of a storage.
    pub fn new(storage: SharedStorage, fault: Fault) -> Self {
        Self { storage, strike: Strike { fault, calls: Arc::default(), written: Arc::default() } }
    }

    /// How many calls there were.
    pub fn calls(&self) -> u64 {
        self.strike.calls.load(Ordering::SeqCst)
    }
}

impl Storage for Flaky {
    fn capability(&self) -> Capability {
        self.storage.capability()
    }

    fn stat<'a>(&'a self, path: &'a VPath, follow: bool, owner: &'a Owner) -> BoxFuture<'a, Result<Attr, Error>> {
        Box::pin(async move {
            self.strike.call().await?;
            self.storage.stat(path, follow, owner).await
        })
    }

    fn read<'a>(&'a self, path: &'a VPath, at: u64, owner: &'a Owner) -> BoxFuture<'a, Result<(Attr, Source), Error>> {
        Box::pin(async move {
            self.strike.call().await?;
            self.storage.read(path, at, owner).await
        })
    }

    fn write<'a>(&'a self, path: &'a VPath, order: WriteOrder<'a>) -> BoxFuture<'a, Result<Opened, Error>> {
        Box::pin(async move {
            self.strike.call().await?;
            let opened = self.storage.write(path, order).await?;
            let sink = Sink::from_put(FlakyPut { sink: opened.sink, strike: self.strike.clone() });
            Ok(Opened { sink, ..opened })
        })
    }

    fn open<'a>(&'a self, path: &'a VPath, order: OpenOrder<'a>) -> BoxFuture<'a, Result<Arc<dyn File>, Error>> {
        Box::pin(async move {
            self.strike.call().await?;
            self.storage.open(path, order).await
        })
    }

    fn list<'a>(&'a self, path: &'a VPath, owner: &'a Owner) -> BoxFuture<'a, Result<Box<dyn Listing>, Error>> {
        Box::pin(async move {
            self.strike.call().await?;
            let listing = self.storage.list(path, owner).await?;
            Ok(Box::new(FlakyListing { listing, strike: self.strike.clone() }) as Box<dyn Listing>)
        })
    }

    fn make_dir<'a>(&'a self, path: &'a VPath, mode: u32) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            self.strike.call().await?;
            self.storage.make_dir(path, mode).await
        })
    }

    fn remove_dir<'a>(&'a self, path: &'a VPath) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            self.strike.call().await?;
            self.storage.remove_dir(path).await
        })
    }

    fn remove<'a>(&'a self, path: &'a VPath, owner: &'a Owner) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            self.strike.call().await?;
            self.storage.remove(path, owner).await
        })
    }

    fn rename<'a>(&'a self, from: &'a VPath, to: &'a VPath, replace: bool) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            self.strike.call().await?;
            self.storage.rename(from, to, replace).await
        })
    }

    fn set_attr<'a>(&'a self, path: &'a VPath, change: &'a AttrChange) -> BoxFuture<'a, Result<Attr, Error>> {
        Box::pin(async move {
            self.strike.call().await?;
            self.storage.set_attr(path, change).await
        })
    }

    fn link<'a>(&'a self, path: &'a VPath, target: &'a [u8]) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            self.strike.call().await?;
            self.storage.link(path, target).await
        })
    }

    fn read_link<'a>(&'a self, path: &'a VPath) -> BoxFuture<'a, Result<Box<[u8]>, Error>> {
        Box::pin(async move {
            self.strike.call().await?;
            self.storage.read_link(path).await
        })
    }

    fn hard_link<'a>(&'a self, path: &'a VPath, to: &'a VPath) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            self.strike.call().await?;
            self.storage.hard_link(path, to).await
        })
    }

    fn space<'a>(&'a self, path: &'a VPath) -> BoxFuture<'a, Result<Space, Error>> {
        Box::pin(async move {
            self.strike.call().await?;
            self.storage.space(path).await
        })
    }
}

struct FlakyPut {
    sink: Sink,
    strike: Strike,
}

impl Put for FlakyPut {
    fn write(&mut self, chunk: Bytes) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            self.strike.call().await?;
            self.strike.write(chunk.len())?;
            self.sink.write_all(chunk).await
        })
    }

    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<(), Error>> {
        Box::pin(async move {
            self.strike.call().await?;
            self.sink.commit().await
        })
    }
}

struct FlakyListing {
    listing: Box<dyn Listing>,
    strike: Strike,
}

impl Listing for FlakyListing {
    fn next_page(&mut self) -> BoxFuture<'_, Result<Vec<Entry>, Error>> {
        Box::pin(async move {
            self.strike.call().await?;
            self.listing.next_page().await
        })
    }

    fn names_only(&mut self) {
        self.listing.names_only();
    }
}
