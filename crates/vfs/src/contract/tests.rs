//! The contract, put to the storages of this crate.

use std::sync::Arc;

use io::body::{BoxFuture, Source};
use types::{Attr, AttrChange, Error, Space, VPath};

use super::{contract, p};
use crate::file::{File, OpenOrder};
use crate::storage::{Capability, Durability, Listing, Opened, Owner, SharedStorage, Storage, WriteOrder};
use crate::{LocalSettings, LocalStorage, MemorySettings, MemoryStorage, Mounts};

fn local(durability: Durability) -> (SharedStorage, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let settings = LocalSettings { durability, ..LocalSettings::default() };
    (Arc::new(LocalStorage::open(folder.path(), settings).unwrap()), folder)
}

fn memory() -> SharedStorage {
    Arc::new(MemoryStorage::new(MemorySettings::default()))
}

#[tokio::test(flavor = "multi_thread")]
async fn local_disk_keeps_the_contract() {
    contract(|| local(Durability::Os)).await;
}

#[tokio::test]
async fn local_disk_keeps_it_when_it_syncs() {
    let folder = std::path::Path::new("/dev/shm");
    contract(|| {
        // Syncing costs nothing here; what is tested is the way through it.
        let folder = tempfile::tempdir_in(folder).or_else(|_| tempfile::tempdir()).unwrap();
        let storage = LocalStorage::open(folder.path(), LocalSettings::default()).unwrap();
        (Arc::new(storage) as SharedStorage, folder)
    })
    .await;
}

#[tokio::test]
async fn memory_keeps_the_contract() {
    contract(|| (memory(), ())).await;
}

#[tokio::test]
async fn mounts_keep_the_contract() {
    contract(|| (Arc::new(Mounts::new([(VPath::root(), memory())]).unwrap()) as SharedStorage, ())).await;
}

#[tokio::test]
async fn a_mount_below_keeps_the_contract() {
    contract(|| {
        let mounts = Arc::new(Mounts::new([(p("/in/here"), memory())]).unwrap());
        (Arc::new(Chroot(mounts, p("/in/here"), true)) as SharedStorage, ())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_below_a_disks_root_keeps_the_contract() {
    contract(|| {
        let (disk, folder) = local(Durability::Os);
        std::fs::create_dir_all(folder.path().join("deep/er")).unwrap();
        // Without links: what leads out of the folder does not lead out of the disk's root.
        let below: SharedStorage = Arc::new(Chroot(disk, p("/deep/er"), false));
        let mounts = Arc::new(Mounts::new([(p("/in/here"), below)]).unwrap());
        (Arc::new(Chroot(mounts, p("/in/here"), true)) as SharedStorage, folder)
    })
    .await;
}

/// Looks at a storage from one of its folders, so that paths through a mount are put to the contract;
/// the last says whether links are.
struct Chroot(SharedStorage, VPath, bool);

macro_rules! below {
    ($self:ident, $path:ident, $call:ident $(, $arg:expr)*) => {
        Box::pin(async move { $self.0.$call(&$path.under(&$self.1).unwrap() $(, $arg)*).await })
    };
}

impl Storage for Chroot {
    fn capability(&self) -> Capability {
        let own = self.0.capability();
        Capability { links: own.links && self.2, ..own }
    }
    fn stat<'a>(&'a self, path: &'a VPath, follow: bool, owner: &'a Owner) -> BoxFuture<'a, Result<Attr, Error>> {
        below!(self, path, stat, follow, owner)
    }
    fn read<'a>(&'a self, path: &'a VPath, at: u64, owner: &'a Owner) -> BoxFuture<'a, Result<(Attr, Source), Error>> {
        below!(self, path, read, at, owner)
    }
    fn write<'a>(&'a self, path: &'a VPath, order: WriteOrder<'a>) -> BoxFuture<'a, Result<Opened, Error>> {
        Box::pin(async move {
            let opened = self.0.write(&path.under(&self.1).unwrap(), order).await?;
            Ok(Opened { path: opened.path.below(&self.1).unwrap(), ..opened })
        })
    }
    fn list<'a>(&'a self, path: &'a VPath, owner: &'a Owner) -> BoxFuture<'a, Result<Box<dyn Listing>, Error>> {
        below!(self, path, list, owner)
    }
    fn make_dir<'a>(&'a self, path: &'a VPath, mode: u32) -> BoxFuture<'a, Result<(), Error>> {
        below!(self, path, make_dir, mode)
    }
    fn remove_dir<'a>(&'a self, path: &'a VPath) -> BoxFuture<'a, Result<(), Error>> {
        below!(self, path, remove_dir)
    }
    fn remove<'a>(&'a self, path: &'a VPath, owner: &'a Owner) -> BoxFuture<'a, Result<(), Error>> {
        below!(self, path, remove, owner)
    }
    fn rename<'a>(&'a self, from: &'a VPath, to: &'a VPath, replace: bool) -> BoxFuture<'a, Result<(), Error>> {
        below!(self, from, rename, &to.under(&self.1).unwrap(), replace)
    }
    fn set_attr<'a>(&'a self, path: &'a VPath, change: &'a AttrChange) -> BoxFuture<'a, Result<Attr, Error>> {
        below!(self, path, set_attr, change)
    }
    fn open<'a>(&'a self, path: &'a VPath, order: OpenOrder<'a>) -> BoxFuture<'a, Result<Arc<dyn File>, Error>> {
        below!(self, path, open, order)
    }

    fn read_link<'a>(&'a self, path: &'a VPath) -> BoxFuture<'a, Result<Box<[u8]>, Error>> {
        below!(self, path, read_link)
    }

    fn link<'a>(&'a self, path: &'a VPath, target: &'a [u8]) -> BoxFuture<'a, Result<(), Error>> {
        below!(self, path, link, target)
    }
    fn space<'a>(&'a self, path: &'a VPath) -> BoxFuture<'a, Result<Space, Error>> {
        below!(self, path, space)
    }
}
