//! `Mounts`: many storages as one tree. The longest prefix wins; folders on the way to a mount exist by themselves.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use io::body::{BoxFuture, Source};
use types::{Attr, AttrChange, Entry, Error, Kind, Reason, Space, VPath};

use crate::file::{File, OpenOrder};
use crate::storage::{Capability, Listing, Opened, Owner, SharedStorage, Storage, WriteOrder};

/// Storages by the place they hang at, as one storage.
#[derive(Clone)]
pub struct Mounts {
    /// Deepest first, so that the first that fits is the one.
    mounts: Arc<[(VPath, SharedStorage)]>,
}

impl Mounts {
    /// Hangs each storage at its place.
    ///
    /// # Errors
    /// [`Reason::Config`] where two storages hang at one place, or there is none.
    pub fn new(mounts: impl IntoIterator<Item = (VPath, SharedStorage)>) -> Result<Self, Error> {
        let mut mounts: Vec<_> = mounts.into_iter().collect();
        let mut seen = HashSet::new();
        if mounts.is_empty() {
            return Err(Error::with(Reason::Config, "there is no mount"));
        }
        for (at, _) in &mounts {
            if !seen.insert(at) {
                return Err(Error::with(Reason::Config, format!("two mounts at {at}")));
            }
        }
        mounts.sort_by_key(|(at, _)| std::cmp::Reverse(at.components().count()));
        Ok(Self { mounts: mounts.into() })
    }

    /// What the storage at a path can do; `None` where none reaches.
    pub fn capability_at(&self, path: &VPath) -> Option<Capability> {
        self.resolve(path).map(|(storage, _)| storage.capability())
    }

    /// The storage a path lies on, and the path below it.
    pub fn resolve(&self, path: &VPath) -> Option<(&SharedStorage, VPath)> {
        self.mount_of(path).map(|(_, storage, below)| (storage, below))
    }

    fn mount_of(&self, path: &VPath) -> Option<(&VPath, &SharedStorage, VPath)> {
        self.mounts.iter().find_map(|(at, storage)| path.below(at).map(|below| (at, storage, below)))
    }

    /// Whether a mount hangs below a path.
    fn leads_to_mount(&self, path: &VPath) -> bool {
        self.mounts.iter().any(|(at, _)| at != path && at.is_below(path))
    }

    fn is_mount(&self, path: &VPath) -> bool {
        self.mounts.iter().any(|(at, _)| at == path)
    }

    /// The storage for a change at `path`. Where none reaches, nothing can be changed.
    fn changing(&self, path: &VPath) -> Result<(&SharedStorage, VPath), Error> {
        self.resolve(path).ok_or_else(|| Error::with(Reason::ReadOnly, "no mount is here"))
    }

    /// As [`Mounts::changing`], for what takes a name away: mounts and the folders that lead to them stay.
    fn taking_away(&self, path: &VPath) -> Result<(&SharedStorage, VPath), Error> {
        if self.is_mount(path) || self.leads_to_mount(path) {
            return Err(Reason::MountPoint.into());
        }
        self.resolve(path).ok_or_else(|| Reason::NotFound.into())
    }

    /// As [`Mounts::changing`], for what makes a name: one that a mount has is taken.
    fn making(&self, path: &VPath) -> Result<(&SharedStorage, VPath), Error> {
        if self.is_mount(path) || self.leads_to_mount(path) {
            return Err(Reason::Exists.into());
        }
        self.changing(path)
    }

    /// The names that mounts give a folder, each with the mount that hangs just there, if one does.
    fn children(&self, path: &VPath) -> BTreeMap<Box<[u8]>, Option<SharedStorage>> {
        let mut children = BTreeMap::new();
        for (at, storage) in self.mounts.iter() {
            let Some(below) = at.below(path) else { continue };
            let mut parts = below.components();
            let Some(first) = parts.next() else { continue };
            let child = children.entry(Box::from(first)).or_insert(None);
            if parts.next().is_none() {
                *child = Some(Arc::clone(storage));
            }
        }
        children
    }
}

/// A folder that is there because a mount hangs below it: it can be entered and not changed.
fn on_the_way() -> Attr {
    Attr { mode: Some(0o555), ..Attr::new(Kind::Dir, 0) }
}

impl Storage for Mounts {
    /// What all of them can do; [`Mounts::capability_at`] tells of one.
    fn capability(&self) -> Capability {
        let all =
            Capability { bare: false, rename_dir: true, write_at: true, set_times: true, modes: true, links: true, open: true };
        self.mounts.iter().map(|(_, storage)| storage.capability()).fold(all, |a, b| Capability {
            bare: a.bare || b.bare,
            rename_dir: a.rename_dir && b.rename_dir,
            write_at: a.write_at && b.write_at,
            set_times: a.set_times && b.set_times,
            modes: a.modes && b.modes,
            links: a.links && b.links,
            open: a.open && b.open,
        })
    }

    fn stat<'a>(&'a self, path: &'a VPath, follow: bool, owner: &'a Owner) -> BoxFuture<'a, Result<Attr, Error>> {
        Box::pin(async move {
            let Some((storage, below)) = self.resolve(path) else {
                return if self.leads_to_mount(path) { Ok(on_the_way()) } else { Err(Reason::NotFound.into()) };
            };
            match storage.stat(&below, follow, owner).await {
                // A link or a file of that name in the storage does not hide the mounts below.
                Ok(attr) if attr.is_dir() || !self.leads_to_mount(path) => Ok(attr),
                Ok(_) => Ok(on_the_way()),
                Err(e) if e.reason == Reason::NotFound && self.leads_to_mount(path) => Ok(on_the_way()),
                Err(e) => Err(e),
            }
        })
    }

    fn read<'a>(&'a self, path: &'a VPath, at: u64, owner: &'a Owner) -> BoxFuture<'a, Result<(Attr, Source), Error>> {
        Box::pin(async move {
            if self.leads_to_mount(path) {
                return Err(Reason::IsAFolder.into());
            }
            let (storage, below) = self.resolve(path).ok_or(Reason::NotFound)?;
            storage.read(&below, at, owner).await
        })
    }

    fn write<'a>(&'a self, path: &'a VPath, order: WriteOrder<'a>) -> BoxFuture<'a, Result<Opened, Error>> {
        Box::pin(async move {
            if self.is_mount(path) || self.leads_to_mount(path) {
                return Err(Reason::IsAFolder.into());
            }
            let (storage, below) = self.changing(path)?;
            let mut opened = storage.write(&below, order).await?;
            // Its folder is the same, its name may be another.
            if let (Some(folder), Some(name)) = (path.parent(), opened.path.name()) {
                opened.path = folder.join(name)?;
            }
            Ok(opened)
        })
    }

    fn open<'a>(&'a self, path: &'a VPath, order: OpenOrder<'a>) -> BoxFuture<'a, Result<Arc<dyn File>, Error>> {
        Box::pin(async move {
            if self.is_mount(path) || self.leads_to_mount(path) {
                return Err(Reason::IsAFolder.into());
            }
            let (storage, below) =
                if order.how.write { self.changing(path)? } else { self.resolve(path).ok_or(Reason::NotFound)? };
            storage.open(&below, order).await
        })
    }

    fn list<'a>(&'a self, path: &'a VPath, owner: &'a Owner) -> BoxFuture<'a, Result<Box<dyn Listing>, Error>> {
        Box::pin(async move {
            let children = self.children(path);
            let inner = match self.resolve(path) {
                Some((storage, below)) => storage.list(&below, owner).await.map(Some),
                None if children.is_empty() => Err(Reason::NotFound.into()),
                None => Ok(None),
            };
            let inner = match inner {
                Err(e) if !children.is_empty() && matches!(e.reason, Reason::NotFound | Reason::NotAFolder) => None,
                other => other?,
            };
            if children.is_empty()
                && let Some(inner) = inner
            {
                return Ok(inner);
            }
            let hidden = children.keys().cloned().collect();
            Ok(Box::new(Merged { children: Some(children), hidden, inner, owner: owner.clone() }) as Box<dyn Listing>)
        })
    }

    fn make_dir<'a>(&'a self, path: &'a VPath, mode: u32) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let (storage, below) = self.making(path)?;
            storage.make_dir(&below, mode).await
        })
    }

    fn remove_dir<'a>(&'a self, path: &'a VPath) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let (storage, below) = self.taking_away(path)?;
            storage.remove_dir(&below).await
        })
    }

    fn remove<'a>(&'a self, path: &'a VPath, owner: &'a Owner) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            if self.is_mount(path) || self.leads_to_mount(path) {
                return Err(Reason::IsAFolder.into());
            }
            let (storage, below) = self.taking_away(path)?;
            storage.remove(&below, owner).await
        })
    }

    fn rename<'a>(&'a self, from: &'a VPath, to: &'a VPath, replace: bool) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let (_, old) = self.taking_away(from)?;
            if self.is_mount(to) || self.leads_to_mount(to) {
                return Err(Reason::MountPoint.into());
            }
            let (Some((here, storage, _)), Some((there, _, new))) = (self.mount_of(from), self.mount_of(to)) else {
                return Err(Error::with(Reason::ReadOnly, "no mount is here"));
            };
            if here != there {
                return Err(Reason::CrossMount.into());
            }
            storage.rename(&old, &new, replace).await
        })
    }

    fn set_attr<'a>(&'a self, path: &'a VPath, change: &'a AttrChange) -> BoxFuture<'a, Result<Attr, Error>> {
        Box::pin(async move {
            let (storage, below) = self.changing(path)?;
            storage.set_attr(&below, change).await
        })
    }

    fn link<'a>(&'a self, path: &'a VPath, target: &'a [u8]) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let (storage, below) = self.making(path)?;
            storage.link(&below, target).await
        })
    }

    fn read_link<'a>(&'a self, path: &'a VPath) -> BoxFuture<'a, Result<Box<[u8]>, Error>> {
        Box::pin(async move {
            match self.resolve(path) {
                Some((storage, below)) => storage.read_link(&below).await,
                None => Err(Reason::NotFound.into()),
            }
        })
    }

    fn hard_link<'a>(&'a self, path: &'a VPath, to: &'a VPath) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let (Some((here, storage, old)), Some((there, _, new))) = (self.mount_of(path), self.mount_of(to)) else {
                return Err(Error::with(Reason::ReadOnly, "no mount is here"));
            };
            if self.is_mount(to) || self.leads_to_mount(to) {
                return Err(Reason::Exists.into());
            }
            if here != there {
                return Err(Reason::CrossMount.into());
            }
            storage.hard_link(&old, &new).await
        })
    }

    fn space<'a>(&'a self, path: &'a VPath) -> BoxFuture<'a, Result<Space, Error>> {
        Box::pin(async move {
            match self.resolve(path) {
                Some((storage, below)) => storage.space(&below).await,
                None if self.leads_to_mount(path) => Ok(Space { free: Some(0), total: Some(0) }),
                None => Err(Reason::NotFound.into()),
            }
        })
    }
}

/// A folder's own listing with the mounts that hang in it; they hide names of their own.
struct Merged {
    children: Option<BTreeMap<Box<[u8]>, Option<SharedStorage>>>,
    hidden: HashSet<Box<[u8]>>,
    inner: Option<Box<dyn Listing>>,
    owner: Owner,
}

impl Listing for Merged {
    fn next_page(&mut self) -> BoxFuture<'_, Result<Vec<Entry>, Error>> {
        Box::pin(async move {
            if let Some(children) = self.children.take() {
                let mut page = Vec::with_capacity(children.len());
                for (name, storage) in children {
                    let attr = match storage {
                        // A mount that cannot be looked at is still there.
                        Some(storage) => storage.stat(&VPath::root(), true, &self.owner).await.unwrap_or_else(|_| on_the_way()),
                        None => on_the_way(),
                    };
                    page.push(Entry { name, attr, target: None });
                }
                return Ok(page);
            }
            while let Some(inner) = &mut self.inner {
                let mut page = inner.next_page().await?;
                if page.is_empty() {
                    self.inner = None;
                    break;
                }
                page.retain(|entry| !self.hidden.contains(&entry.name));
                if !page.is_empty() {
                    return Ok(page);
                }
            }
            Ok(Vec::new())
        })
    }

    fn names_only(&mut self) {
        if let Some(inner) = &mut self.inner {
            inner.names_only();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use bytes::Bytes;
    use types::{AttrChange, Error, Kind, Reason, VPath, WriteHow};

    use super::Mounts;
    use crate::storage::{Owner, SharedStorage, Storage, WriteOrder};
    use crate::{MemorySettings, MemoryStorage, ReadOnly};

    const NOBODY: Owner = Owner(None);

    fn p(path: &str) -> VPath {
        VPath::parse(path.as_bytes()).unwrap()
    }

    fn memory() -> SharedStorage {
        Arc::new(MemoryStorage::new(MemorySettings::default()))
    }

    async fn put(s: &dyn Storage, path: &str, bytes: &'static [u8]) -> Result<VPath, Error> {
        let mut opened = s.write(&p(path), WriteOrder { how: WriteHow::Unique, mode: 0o644, owner: &NOBODY }).await?;
        opened.sink.write_all(Bytes::from_static(bytes)).await?;
        opened.sink.commit().await?;
        Ok(opened.path)
    }

    async fn get(s: &dyn Storage, path: &str) -> Result<Vec<u8>, Error> {
        s.read(&p(path), 0, &NOBODY).await?.1.read_to_end().await
    }

    async fn list(s: &dyn Storage, path: &str) -> Result<BTreeMap<String, Kind>, Error> {
        let mut listing = s.list(&p(path), &NOBODY).await?;
        let mut all = BTreeMap::new();
        loop {
            let page = listing.next_page().await?;
            if page.is_empty() {
                return Ok(all);
            }
            for entry in page {
                let old = all.insert(String::from_utf8(entry.name.into()).unwrap(), entry.attr.kind);
                assert_eq!(old, None, "shown twice");
            }
        }
    }

    fn names(all: &[(&str, Kind)]) -> BTreeMap<String, Kind> {
        all.iter().map(|(n, k)| ((*n).to_owned(), *k)).collect()
    }

    #[tokio::test]
    async fn the_longest_prefix_wins() {
        let (root, pub_, deep) = (memory(), memory(), memory());
        let m = Mounts::new([(p("/"), root.clone()), (p("/pub"), pub_.clone()), (p("/pub/a/deep"), deep.clone())]).unwrap();
        for (path, storage, below) in
            [("/f", &root, "/f"), ("/pub/f", &pub_, "/f"), ("/pub/a/deep/f", &deep, "/f"), ("/public", &root, "/public")]
        {
            assert_eq!(put(&m, path, path.as_bytes()).await.unwrap(), p(path));
            assert_eq!(get(&**storage, below).await.unwrap(), path.as_bytes());
        }
        assert_eq!(put(&m, "/pub/f", b"second").await.unwrap(), p("/pub/f.1"));
        assert_eq!(
            put(&m, "/pub/a/f", b"").await.unwrap_err().reason,
            Reason::NotFound,
            "the way there is no folder of a storage"
        );
    }

    #[tokio::test]
    async fn mounts_stand_in_their_parents() {
        let root = memory();
        put(&*root, "/file", b"x").await.unwrap();
        put(&*root, "/pub", b"hidden by the mount").await.unwrap();
        let m = Mounts::new([(p("/"), root), (p("/pub"), memory()), (p("/x/y/z"), memory())]).unwrap();
        assert_eq!(list(&m, "/").await.unwrap(), names(&[("file", Kind::File), ("pub", Kind::Dir), ("x", Kind::Dir)]));
        assert_eq!(list(&m, "/x").await.unwrap(), names(&[("y", Kind::Dir)]));
        assert_eq!(list(&m, "/x/y/z").await.unwrap(), names(&[]));
        for path in ["/", "/pub", "/x", "/x/y", "/x/y/z"] {
            assert_eq!(m.stat(&p(path), true, &NOBODY).await.unwrap().kind, Kind::Dir, "{path}");
            assert_eq!(get(&m, path).await.unwrap_err().reason, Reason::IsAFolder, "{path}");
        }
        assert_eq!(m.stat(&p("/x/none"), true, &NOBODY).await.unwrap_err().reason, Reason::NotFound);
    }

    #[tokio::test]
    async fn without_a_root_the_way_is_read_only() {
        let m = Mounts::new([(p("/a/b"), memory()), (p("/c"), memory())]).unwrap();
        assert_eq!(list(&m, "/").await.unwrap(), names(&[("a", Kind::Dir), ("c", Kind::Dir)]));
        assert_eq!(list(&m, "/none").await.unwrap_err().reason, Reason::NotFound);
        assert_eq!(put(&m, "/f", b"").await.unwrap_err().reason, Reason::ReadOnly);
        assert_eq!(m.make_dir(&p("/a/d"), 0o755).await.unwrap_err().reason, Reason::ReadOnly);
        assert_eq!(m.set_attr(&p("/a"), &AttrChange::default()).await.unwrap_err().reason, Reason::ReadOnly);
        assert_eq!(m.space(&p("/a")).await.unwrap().free, Some(0));
        assert_eq!(m.space(&p("/none")).await.unwrap_err().reason, Reason::NotFound);
        put(&m, "/a/b/f", b"x").await.unwrap();
    }

    #[tokio::test]
    async fn mount_points_stay_and_nothing_crosses_them() {
        let m = Mounts::new([(p("/"), memory()), (p("/a"), memory()), (p("/x/b"), memory())]).unwrap();
        put(&m, "/f", b"f").await.unwrap();
        put(&m, "/a/g", b"g").await.unwrap();
        for point in ["/", "/a", "/x", "/x/b"] {
            assert_eq!(m.remove_dir(&p(point)).await.unwrap_err().reason, Reason::MountPoint, "{point}");
            assert_eq!(m.rename(&p(point), &p("/new"), true).await.unwrap_err().reason, Reason::MountPoint, "{point}");
            assert_eq!(m.rename(&p("/f"), &p(point), true).await.unwrap_err().reason, Reason::MountPoint, "{point}");
            assert_eq!(m.remove(&p(point), &NOBODY).await.unwrap_err().reason, Reason::IsAFolder, "{point}");
            assert_eq!(m.make_dir(&p(point), 0o755).await.unwrap_err().reason, Reason::Exists, "{point}");
            assert_eq!(m.link(&p(point), b"f").await.unwrap_err().reason, Reason::Exists, "{point}");
        }
        assert_eq!(m.rename(&p("/f"), &p("/a/f"), true).await.unwrap_err().reason, Reason::CrossMount);
        assert_eq!(m.rename(&p("/a/g"), &p("/g"), true).await.unwrap_err().reason, Reason::CrossMount);
        m.rename(&p("/a/g"), &p("/a/h"), false).await.unwrap();
        assert_eq!(get(&m, "/a/h").await.unwrap(), b"g");
    }

    #[tokio::test]
    async fn what_a_mount_can_is_told_and_tables_that_cannot_be_are_refused() {
        let m = Mounts::new([(p("/ro"), Arc::new(ReadOnly(memory())) as SharedStorage)]).unwrap();
        assert!(m.capability_at(&p("/ro/x")).is_some() && m.capability_at(&p("/")).is_none());
        assert_eq!(put(&m, "/ro/f", b"").await.unwrap_err().reason, Reason::ReadOnly);
        assert_eq!(Mounts::new([]).err().unwrap().reason, Reason::Config);
        assert_eq!(Mounts::new([(p("/a"), memory()), (p("/a/"), memory())]).err().unwrap().reason, Reason::Config);
    }
}
