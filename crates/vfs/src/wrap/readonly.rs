//! `ReadOnly`: a storage of which nothing changes.

use std::sync::Arc;

use io::body::{BoxFuture, Source};
use types::{Attr, AttrChange, Error, Reason, Space, VPath};

use crate::file::{File, OpenOrder};
use crate::storage::{Capability, Listing, Opened, Owner, SharedStorage, Storage, WriteOrder};

/// Lets everything be looked at and nothing be changed.
#[derive(Clone)]
pub struct ReadOnly(pub SharedStorage);

fn refused<T: Send + 'static>() -> BoxFuture<'static, Result<T, Error>> {
    Box::pin(std::future::ready(Err(Reason::ReadOnly.into())))
}

impl Storage for ReadOnly {
    fn capability(&self) -> Capability {
        self.0.capability()
    }

    fn stat<'a>(&'a self, path: &'a VPath, follow: bool, owner: &'a Owner) -> BoxFuture<'a, Result<Attr, Error>> {
        self.0.stat(path, follow, owner)
    }

    fn read<'a>(&'a self, path: &'a VPath, at: u64, owner: &'a Owner) -> BoxFuture<'a, Result<(Attr, Source), Error>> {
        self.0.read(path, at, owner)
    }

    fn write<'a>(&'a self, _: &'a VPath, _: WriteOrder<'a>) -> BoxFuture<'a, Result<Opened, Error>> {
        refused()
    }

    fn open<'a>(&'a self, path: &'a VPath, order: OpenOrder<'a>) -> BoxFuture<'a, Result<Arc<dyn File>, Error>> {
        if order.how.write { refused() } else { self.0.open(path, order) }
    }

    fn list<'a>(&'a self, path: &'a VPath, owner: &'a Owner) -> BoxFuture<'a, Result<Box<dyn Listing>, Error>> {
        self.0.list(path, owner)
    }

    fn make_dir<'a>(&'a self, _: &'a VPath, _: u32) -> BoxFuture<'a, Result<(), Error>> {
        refused()
    }

    fn remove_dir<'a>(&'a self, _: &'a VPath) -> BoxFuture<'a, Result<(), Error>> {
        refused()
    }

    fn remove<'a>(&'a self, _: &'a VPath, _: &'a Owner) -> BoxFuture<'a, Result<(), Error>> {
        refused()
    }

    fn rename<'a>(&'a self, _: &'a VPath, _: &'a VPath, _: bool) -> BoxFuture<'a, Result<(), Error>> {
        refused()
    }

    fn set_attr<'a>(&'a self, _: &'a VPath, _: &'a AttrChange) -> BoxFuture<'a, Result<Attr, Error>> {
        refused()
    }

    fn link<'a>(&'a self, _: &'a VPath, _: &'a [u8]) -> BoxFuture<'a, Result<(), Error>> {
        refused()
    }

    fn read_link<'a>(&'a self, path: &'a VPath) -> BoxFuture<'a, Result<Box<[u8]>, Error>> {
        self.0.read_link(path)
    }

    fn hard_link<'a>(&'a self, _: &'a VPath, _: &'a VPath) -> BoxFuture<'a, Result<(), Error>> {
        refused()
    }

    fn space<'a>(&'a self, path: &'a VPath) -> BoxFuture<'a, Result<Space, Error>> {
        self.0.space(path)
    }
}
