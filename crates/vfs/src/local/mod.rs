//! Local disk: files below an open directory handle, and uploads that appear whole or not at all.
//!
//! What the kernel has in memory is asked for where the caller runs, with lookups that never wait. Short changes that
//! sync nothing run there too while the disk is quick; all else goes to the blocking pool, one trip per call.
#![allow(clippy::disallowed_methods, reason = "the owner of the file system")]

mod attributes;
mod change;
mod handle;
mod listing;
mod pending;
mod resolve;
mod sweep;
mod sync;
#[cfg(test)]
mod tests;
mod upload;

use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use io::body::{BoxFuture, Source};
use io::task::Pace;
use rustix::fs::{FileType, OFlags};
use rustix::rand::{GetRandomFlags, getrandom};
use types::{Attr, AttrChange, Error, Reason, Space, VPath};

use crate::file::{File as FileAt, OpenOrder};
use crate::names;
use crate::storage::{Capability, Durability, Listing, Opened, Owner, Storage, WriteOrder};
use attributes::{attr, facts, file_type};
use resolve::{Lookup, Root, Stop, call_error};
pub use sweep::Swept;

/// How a local storage behaves.
#[derive(Clone, Debug)]
pub struct LocalSettings {
    /// When an upload is answered.
    pub durability: Durability,
    /// Whether every change is refused.
    pub read_only: bool,
    /// How long an interrupted upload is kept for its owner.
    pub keep_parts: Duration,
    /// Permission bits of every new file, instead of those a session asks for.
    pub file_mode: Option<u32>,
    /// Permission bits of every new folder, instead of those a session asks for.
    pub dir_mode: Option<u32>,
}

impl Default for LocalSettings {
    fn default() -> Self {
        Self {
            durability: Durability::Commit,
            read_only: false,
            keep_parts: Duration::from_secs(24 * 3_600),
            file_mode: None,
            dir_mode: None,
        }
    }
}

/// A folder of this machine as a storage. Clones share it.
#[derive(Clone)]
pub struct LocalStorage {
    inner: Arc<Inner>,
}

struct Inner {
    root: Root,
    settings: LocalSettings,
    syncs: sync::FolderSyncs,
    pending: pending::PendingNames,
    pace: Pace,
    /// Of reads, which are quick or slow by themselves.
    reads: Pace,
}

impl LocalStorage {
    /// Opens the folder that becomes the root. It is held open: what happens to its path later does not matter.
    ///
    /// # Errors
    /// [`Reason::MountGone`] where the folder cannot be opened, [`Reason::Unsupported`] on a system without `openat2`.
    pub fn open(root: &Path, settings: LocalSettings) -> Result<Self, Error> {
        let inner = Inner {
            root: Root::open(root)?,
            settings,
            syncs: sync::FolderSyncs::default(),
            pending: pending::PendingNames::default(),
            pace: Pace::default(),
            reads: Pace::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Walks the tree and removes what killed processes left behind, and parts kept longer than
    /// [`LocalSettings::keep_parts`]. To be called at start, in the background, and from time to time.
    ///
    /// # Errors
    /// Only where the runtime ends; what could not be looked at is counted in [`Swept::failed`].
    pub async fn sweep(&self) -> Result<Swept, Error> {
        if self.inner.settings.read_only {
            return Ok(Swept::default());
        }
        sweep::sweep(&self.inner).await
    }

    /// Asks where the caller runs, and on the blocking pool if the kernel would have to wait.
    async fn quick<T, F>(&self, path: &VPath, owner: &Owner, ask: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Fn(&Inner, &VPath, &Owner, Lookup) -> Result<T, Stop> + Send + 'static,
    {
        match ask(&self.inner, path, owner, Lookup::Cached) {
            Ok(found) => Ok(found),
            Err(Stop::Failed(e)) => Err(e),
            Err(Stop::Again) => {
                let (inner, path, owner) = (Arc::clone(&self.inner), path.clone(), owner.clone());
                hop(move || Ok(ask(&inner, &path, &owner, Lookup::Full)?)).await
            }
        }
    }

    /// A change of the tree: where the caller runs while such changes are quick, else on the blocking pool.
    async fn change<T: Send + 'static>(
        &self,
        act: impl FnOnce(&Arc<Inner>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        if self.inner.settings.read_only {
            return Err(Reason::ReadOnly.into());
        }
        let inner = Arc::clone(&self.inner);
        self.inner.brief(move || act(&inner)).await
    }
}

impl Inner {
    /// A short call that changes the tree. What syncs is never short.
    async fn brief<T: Send + 'static>(&self, f: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
        match self.settings.durability {
            Durability::Os => self.pace.run(f).await?,
            Durability::Commit => hop(f).await,
        }
    }
}

/// One trip to the blocking pool.
async fn hop<T: Send + 'static>(f: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    io::task::blocking(f).await?
}

/// Sixteen random bytes, for names nobody can have made before.
fn random() -> Result<u128, Error> {
    let mut bytes = [0; 16];
    getrandom(&mut bytes[..], GetRandomFlags::empty()).map_err(call_error)?;
    Ok(u128::from_ne_bytes(bytes))
}

fn now_seconds() -> i64 {
    io::clock::wall().seconds
}

impl Inner {
    fn stat(&self, path: &VPath, follow: bool, owner: &Owner, lookup: Lookup) -> Result<Attr, Stop> {
        let flags = if follow { OFlags::PATH } else { OFlags::PATH | OFlags::NOFOLLOW };
        let handle = match self.root.at(path, flags, lookup) {
            Err(Stop::Failed(e)) if e.reason == Reason::NotFound => self.part(path, owner, OFlags::PATH, lookup)?,
            other => other?,
        };
        let facts = facts(&handle).map_err(|e| Stop::Failed(call_error(e)))?;
        // A folder that was removed while it is open, the root for one.
        if facts.stx_nlink == 0 {
            return Err(Reason::NotFound.into());
        }
        Ok(attr(&facts))
    }

    /// The owner's unfinished upload of this name.
    fn part(&self, path: &VPath, owner: &Owner, flags: OFlags, lookup: Lookup) -> Result<OwnedFd, Stop> {
        if owner.0.is_none() || path.is_root() {
            return Err(Reason::NotFound.into());
        }
        let place = self.root.place(path, lookup)?;
        let part = names::part(owner, &place.name).ok_or(Reason::NotFound)?;
        self.root.below(&place.folder, &part, flags | OFlags::NOFOLLOW, lookup)
    }

    /// Opens a file for reading. What it is is asked before it is opened: opening alone would wake whoever waits at
    /// a pipe, or start a device.
    fn read(&self, path: &VPath, owner: &Owner, lookup: Lookup) -> Result<(Attr, File), Stop> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
        let found = match self.root.at(path, OFlags::PATH, lookup) {
            Ok(handle) => {
                readable(&facts(&handle).map_err(|e| Stop::Failed(call_error(e)))?)?;
                self.root.at(path, flags, lookup)?
            }
            Err(Stop::Failed(e)) if e.reason == Reason::NotFound => self.part(path, owner, flags, lookup)?,
            Err(stop) => return Err(stop),
        };
        let facts = facts(&found).map_err(|e| Stop::Failed(call_error(e)))?;
        readable(&facts)?;
        Ok((attr(&facts), File::from(found)))
    }
}

fn readable(facts: &rustix::fs::Statx) -> Result<(), Error> {
    match file_type(facts) {
        FileType::RegularFile => Ok(()),
        FileType::Directory => Err(Reason::IsAFolder.into()),
        _ => Err(Reason::NotRegular.into()),
    }
}

impl Storage for LocalStorage {
    fn capability(&self) -> Capability {
        Capability { bare: false, rename_dir: true, write_at: true, set_times: true, modes: true, links: true, open: true }
    }

    fn stat<'a>(&'a self, path: &'a VPath, follow: bool, owner: &'a Owner) -> BoxFuture<'a, Result<Attr, Error>> {
        Box::pin(async move {
            names::visible(path)?;
            self.quick(path, owner, move |inner, path, owner, lookup| inner.stat(path, follow, owner, lookup)).await
        })
    }

    fn read<'a>(&'a self, path: &'a VPath, at: u64, owner: &'a Owner) -> BoxFuture<'a, Result<(Attr, Source), Error>> {
        Box::pin(async move {
            names::visible(path)?;
            let (attr, file) = self.quick(path, owner, Inner::read).await?;
            if at > attr.size {
                return Err(Reason::BeyondEnd.into());
            }
            let end = attr.size;
            Ok((attr, Source::from_range(Arc::new(file), at, end)))
        })
    }

    fn write<'a>(&'a self, path: &'a VPath, order: WriteOrder<'a>) -> BoxFuture<'a, Result<Opened, Error>> {
        Box::pin(async move {
            let (path, owner, how, mode) = (path.clone(), order.owner.clone(), order.how, order.mode);
            self.change(move |inner| upload::open(inner, &path, how, mode, &owner)).await
        })
    }

    fn open<'a>(&'a self, path: &'a VPath, order: OpenOrder<'a>) -> BoxFuture<'a, Result<Arc<dyn FileAt>, Error>> {
        Box::pin(async move {
            if handle::only_reads(order.how) {
                names::visible(path)?;
                let (_, file) = self.quick(path, order.owner, Inner::read).await?;
                return Ok(Arc::new(handle::reading(&self.inner, file)) as Arc<dyn FileAt>);
            }
            let (path, how, mode, owner) = (path.clone(), order.how, order.mode, order.owner.clone());
            let opened = self.change(move |inner| handle::writing(inner, &path, how, mode, &owner)).await?;
            Ok(Arc::new(opened) as Arc<dyn FileAt>)
        })
    }

    fn list<'a>(&'a self, path: &'a VPath, owner: &'a Owner) -> BoxFuture<'a, Result<Box<dyn Listing>, Error>> {
        Box::pin(async move {
            names::visible(path)?;
            let open =
                |inner: &Inner, path: &VPath, _: &Owner, lookup| inner.root.at(path, OFlags::RDONLY | OFlags::DIRECTORY, lookup);
            let folder = self.quick(path, owner, open).await?;
            Ok(Box::new(listing::LocalListing::new(folder, owner)) as Box<dyn Listing>)
        })
    }

    fn make_dir<'a>(&'a self, path: &'a VPath, mode: u32) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let path = path.clone();
            match self.change(move |inner| change::make_dir(inner, &path, mode)).await? {
                Some((key, folder)) => self.inner.syncs.sync(key, folder).await,
                None => Ok(()),
            }
        })
    }

    fn remove_dir<'a>(&'a self, path: &'a VPath) -> BoxFuture<'a, Result<(), Error>> {
        let path = path.clone();
        Box::pin(self.change(move |inner| change::remove_dir(inner, &path)))
    }

    fn remove<'a>(&'a self, path: &'a VPath, owner: &'a Owner) -> BoxFuture<'a, Result<(), Error>> {
        let (path, owner) = (path.clone(), owner.clone());
        Box::pin(self.change(move |inner| change::remove(inner, &path, &owner)))
    }

    fn rename<'a>(&'a self, from: &'a VPath, to: &'a VPath, replace: bool) -> BoxFuture<'a, Result<(), Error>> {
        let (from, to) = (from.clone(), to.clone());
        Box::pin(self.change(move |inner| change::rename(inner, &from, &to, replace)))
    }

    fn set_attr<'a>(&'a self, path: &'a VPath, change: &'a AttrChange) -> BoxFuture<'a, Result<Attr, Error>> {
        let (path, change) = (path.clone(), change.clone());
        Box::pin(self.change(move |inner| {
            names::visible(&path)?;
            attributes::change(&inner.root, &path, &change)
        }))
    }

    fn link<'a>(&'a self, path: &'a VPath, target: &'a [u8]) -> BoxFuture<'a, Result<(), Error>> {
        let (path, target) = (path.clone(), target.to_vec());
        Box::pin(self.change(move |inner| change::link(inner, &path, &target)))
    }

    fn read_link<'a>(&'a self, path: &'a VPath) -> BoxFuture<'a, Result<Box<[u8]>, Error>> {
        let path = path.clone();
        Box::pin(self.change(move |inner| change::read_link(inner, &path)))
    }

    fn hard_link<'a>(&'a self, path: &'a VPath, to: &'a VPath) -> BoxFuture<'a, Result<(), Error>> {
        let (path, to) = (path.clone(), to.clone());
        Box::pin(self.change(move |inner| change::hard_link(inner, &path, &to)))
    }

    fn space<'a>(&'a self, path: &'a VPath) -> BoxFuture<'a, Result<Space, Error>> {
        Box::pin(async move {
            names::visible(path)?;
            self.quick(path, &Owner(None), |inner, path, _, lookup| attributes::space(&inner.root, path, lookup)).await
        })
    }
}
