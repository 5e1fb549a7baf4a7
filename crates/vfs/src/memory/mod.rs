//! Memory: files for tests and scratch mounts, with the meaning local disk has and a bound on what they take.

mod handle;
mod tree;
mod upload;

use std::ops::Bound;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use io::body::{BoxFuture, Chunks, Source};
use types::{Attr, AttrChange, Entry, Error, Reason, Space, VPath};

use crate::file::{File, OpenOrder};
use crate::names;
use crate::storage::{Capability, Listing, Opened, Owner, Storage, WriteOrder};
use tree::{Account, Body, Folder, Node, Place, Tree, What};

/// Bytes handed out at once when a file is read.
const CHUNK: usize = 64 * 1024;
/// Entries of a page.
const PAGE: usize = 256;

/// How a memory storage behaves.
#[derive(Clone, Debug)]
pub struct MemorySettings {
    /// Bytes all files may hold together; `None` for no limit.
    pub capacity: Option<u64>,
    /// How long an interrupted upload is kept for its owner.
    pub keep_parts: Duration,
}

impl Default for MemorySettings {
    fn default() -> Self {
        Self { capacity: None, keep_parts: Duration::from_secs(24 * 3_600) }
    }
}

/// Files in memory. Clones share them.
#[derive(Clone)]
pub struct MemoryStorage {
    inner: Arc<Inner>,
}

struct Inner {
    tree: Mutex<Tree>,
    account: Arc<Account>,
    keep_parts: Duration,
    /// Tells this storage's files from another's.
    number: u64,
}

impl Inner {
    fn tree(&self) -> MutexGuard<'_, Tree> {
        self.tree.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MemoryStorage {
    /// An empty storage.
    pub fn new(settings: MemorySettings) -> Self {
        static STORAGES: AtomicU64 = AtomicU64::new(1);
        let inner = Inner {
            tree: Mutex::new(Tree::new()),
            account: Arc::new(Account::new(settings.capacity)),
            keep_parts: settings.keep_parts,
            number: STORAGES.fetch_add(1, Ordering::Relaxed),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Removes interrupted uploads kept longer than [`MemorySettings::keep_parts`]; tells how many.
    pub fn sweep(&self) -> u64 {
        let now = io::clock::wall().seconds;
        let keep = i64::try_from(self.inner.keep_parts.as_secs()).unwrap_or(i64::MAX);
        let mut removed = 0;
        for folder in self.inner.tree().folders_mut() {
            let before = folder.parts.len();
            folder.parts.retain(|_, part| part.held || now.saturating_sub(part.body.content().modified.seconds) < keep);
            removed += (before - folder.parts.len()) as u64;
        }
        removed
    }

    fn attr_of(&self, tree: &Tree, place: &Place, owner: &Owner) -> Result<Attr, Error> {
        if let Some(number) = place.stands {
            return Ok(tree.get(number)?.attr(self.inner.number, number));
        }
        let owner = owner.0.clone().ok_or(Reason::NotFound)?;
        let part = tree.folder(place.folder)?.parts.get(&(owner, place.name.clone())).ok_or(Reason::NotFound)?;
        Ok(part.attr(self.inner.number))
    }

    fn body_of(&self, tree: &Tree, place: &Place, owner: &Owner) -> Result<Arc<Body>, Error> {
        if let Some(number) = place.stands {
            return match &tree.get(number)?.what {
                What::File(body) => Ok(Arc::clone(body)),
                What::Dir(_) => Err(Reason::IsAFolder.into()),
                What::Link(_) => Err(Reason::NotFound.into()),
            };
        }
        let owner = owner.0.clone().ok_or(Reason::NotFound)?;
        let part = tree.folder(place.folder)?.parts.get(&(owner, place.name.clone())).ok_or(Reason::NotFound)?;
        Ok(Arc::clone(&part.body))
    }

    fn make(&self, path: &VPath, node: impl FnOnce(u64) -> Node) -> Result<(), Error> {
        names::creatable(path)?;
        let mut tree = self.inner.tree();
        let place = tree.place(path, false)?;
        if place.stands.is_some() {
            return Err(Reason::Exists.into());
        }
        let number = tree.number();
        tree.attach(place.folder, &place.name, number, node(place.folder))
    }
}

impl Storage for MemoryStorage {
    fn capability(&self) -> Capability {
        Capability { bare: false, rename_dir: true, write_at: true, set_times: true, modes: true, links: true, open: true }
    }

    fn stat<'a>(&'a self, path: &'a VPath, follow: bool, owner: &'a Owner) -> BoxFuture<'a, Result<Attr, Error>> {
        Box::pin(async move {
            names::visible(path)?;
            let tree = self.inner.tree();
            let place = tree.place(path, follow)?;
            self.attr_of(&tree, &place, owner)
        })
    }

    fn read<'a>(&'a self, path: &'a VPath, at: u64, owner: &'a Owner) -> BoxFuture<'a, Result<(Attr, Source), Error>> {
        Box::pin(async move {
            names::visible(path)?;
            let tree = self.inner.tree();
            let place = tree.place(path, true)?;
            let body = self.body_of(&tree, &place, owner)?;
            let attr = self.attr_of(&tree, &place, owner)?;
            drop(tree);
            if at > attr.size {
                return Err(Reason::BeyondEnd.into());
            }
            Ok((attr, Source::from_chunks(Reading { body, at })))
        })
    }

    fn write<'a>(&'a self, path: &'a VPath, order: WriteOrder<'a>) -> BoxFuture<'a, Result<Opened, Error>> {
        Box::pin(async move { upload::open(&self.inner, path, order.how, order.mode & 0o777, order.owner) })
    }

    fn open<'a>(&'a self, path: &'a VPath, order: OpenOrder<'a>) -> BoxFuture<'a, Result<Arc<dyn File>, Error>> {
        Box::pin(async move { handle::open(self, path, order.how, order.mode & 0o777, order.owner) })
    }

    fn list<'a>(&'a self, path: &'a VPath, owner: &'a Owner) -> BoxFuture<'a, Result<Box<dyn Listing>, Error>> {
        Box::pin(async move {
            names::visible(path)?;
            let tree = self.inner.tree();
            let folder = tree.place(path, true)?.stands.ok_or(Reason::NotFound)?;
            tree.folder(folder)?;
            let listing =
                Pages { inner: Arc::clone(&self.inner), folder, owner: owner.clone(), after: Bound::Unbounded, done: false };
            Ok(Box::new(listing) as Box<dyn Listing>)
        })
    }

    fn make_dir<'a>(&'a self, path: &'a VPath, mode: u32) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(
            async move { self.make(path, |parent| Node::new(mode & 0o7777, What::Dir(Folder { parent, ..Folder::default() }))) },
        )
    }

    fn remove_dir<'a>(&'a self, path: &'a VPath) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            names::visible(path)?;
            if path.is_root() {
                return Err(Reason::MountPoint.into());
            }
            let mut tree = self.inner.tree();
            let place = tree.place(path, false)?;
            let folder = tree.folder(place.stands.ok_or(Reason::NotFound)?)?;
            if !folder.names.is_empty() {
                return Err(Reason::NotEmpty.into());
            }
            if folder.parts.values().any(|part| part.held) || !folder.pending.is_empty() {
                return Err(Error::with(Reason::Busy, "an upload into the folder is under way"));
            }
            tree.detach(place.folder, &place.name).map(drop)
        })
    }

    fn remove<'a>(&'a self, path: &'a VPath, owner: &'a Owner) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            names::visible(path)?;
            let mut tree = self.inner.tree();
            let place = tree.place(path, false)?;
            if let Some(number) = place.stands {
                if let What::Dir(_) = tree.get(number)?.what {
                    return Err(Reason::IsAFolder.into());
                }
                return tree.detach(place.folder, &place.name).map(drop);
            }
            let key = (owner.0.clone().ok_or(Reason::NotFound)?, place.name);
            let parts = &mut tree.folder_mut(place.folder)?.parts;
            match parts.get(&key) {
                None => Err(Reason::NotFound.into()),
                Some(part) if part.held => Err(Reason::Busy.into()),
                Some(_) => {
                    parts.remove(&key);
                    Ok(())
                }
            }
        })
    }

    fn rename<'a>(&'a self, from: &'a VPath, to: &'a VPath, replace: bool) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            names::visible(from)?;
            names::creatable(to)?;
            if from.is_root() || to.is_root() {
                return Err(Reason::MountPoint.into());
            }
            rename(&mut self.inner.tree(), from, to, replace)
        })
    }

    fn set_attr<'a>(&'a self, path: &'a VPath, change: &'a AttrChange) -> BoxFuture<'a, Result<Attr, Error>> {
        Box::pin(async move {
            names::visible(path)?;
            let mut tree = self.inner.tree();
            let number = tree.place(path, true)?.stands.ok_or(Reason::NotFound)?;
            let node = tree.get_mut(number)?;
            node.mode = change.mode.map_or(node.mode, |mode| mode & 0o7777);
            node.owner = change.owner.or(node.owner);
            node.group = change.group.or(node.group);
            node.created = change.created.unwrap_or(node.created);
            if let Some(time) = change.modified {
                match &node.what {
                    What::File(body) => body.content().modified = time,
                    _ => node.modified = time,
                }
            }
            Ok(node.attr(self.inner.number, number))
        })
    }

    fn link<'a>(&'a self, path: &'a VPath, target: &'a [u8]) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            names::linkable(target)?;
            self.make(path, |_| Node::new(0o777, What::Link(target.into())))
        })
    }

    fn read_link<'a>(&'a self, path: &'a VPath) -> BoxFuture<'a, Result<Box<[u8]>, Error>> {
        Box::pin(async move {
            names::visible(path)?;
            let tree = self.inner.tree();
            let node = tree.place(path, false)?.stands.ok_or(Reason::NotFound)?;
            match &tree.get(node)?.what {
                What::Link(target) => Ok(target.clone()),
                _ => Err(Reason::NotALink.into()),
            }
        })
    }

    fn space<'a>(&'a self, path: &'a VPath) -> BoxFuture<'a, Result<Space, Error>> {
        Box::pin(async move {
            names::visible(path)?;
            self.inner.tree().place(path, true)?.stands.ok_or(Reason::NotFound)?;
            Ok(Space { free: self.inner.account.free(), total: self.inner.account.capacity })
        })
    }
}

fn rename(tree: &mut Tree, from: &VPath, to: &VPath, replace: bool) -> Result<(), Error> {
    let (old, new) = (tree.place(from, false)?, tree.place(to, false)?);
    let moved = old.stands.ok_or(Reason::NotFound)?;
    let is_dir = matches!(tree.get(moved)?.what, What::Dir(_));
    if is_dir && tree.lies_below(new.folder, moved) {
        return Err(Error::with(Reason::BadName, "a folder cannot be moved into itself"));
    }
    if let Some(stands) = new.stands {
        if !replace {
            return Err(Reason::Exists.into());
        }
        if stands == moved {
            return Ok(());
        }
        match (&tree.get(stands)?.what, is_dir) {
            (What::Dir(_), false) => return Err(Reason::IsAFolder.into()),
            (What::Dir(there), true) if !there.names.is_empty() || !there.parts.is_empty() => return Err(Reason::NotEmpty.into()),
            (What::Dir(_), true) => {}
            (_, true) => return Err(Reason::NotAFolder.into()),
            (_, false) => {}
        }
    }
    let (number, mut node) = tree.detach(old.folder, &old.name)?;
    if let What::Dir(folder) = &mut node.what {
        folder.parent = new.folder;
    }
    tree.attach(new.folder, &new.name, number, node)
}

/// A file being read.
struct Reading {
    body: Arc<Body>,
    at: u64,
}

impl Chunks for Reading {
    fn next(&mut self) -> BoxFuture<'_, Result<Option<Bytes>, Error>> {
        Box::pin(async move {
            let content = self.body.content();
            let rest = usize::try_from(self.at).ok().and_then(|at| content.bytes.get(at..)).unwrap_or_default();
            let chunk = rest.get(..CHUNK).unwrap_or(rest);
            self.at += chunk.len() as u64;
            Ok((!chunk.is_empty()).then(|| Bytes::copy_from_slice(chunk)))
        })
    }
}

/// A folder being listed: each page begins behind the last one's last name.
struct Pages {
    inner: Arc<Inner>,
    folder: u64,
    owner: Owner,
    after: Bound<Box<[u8]>>,
    done: bool,
}

impl Pages {
    fn page(&mut self) -> Result<Vec<Entry>, Error> {
        if self.done {
            return Ok(Vec::new());
        }
        let tree = self.inner.tree();
        let folder = tree.folder(self.folder)?;
        let mut page = Vec::new();
        for (name, &number) in folder.names.range((self.after.clone(), Bound::Unbounded)).take(PAGE) {
            let node = tree.get(number)?;
            let target = if let What::Link(target) = &node.what { Some(target.clone()) } else { None };
            page.push(Entry { name: name.clone(), attr: node.attr(self.inner.number, number), target });
        }
        match page.last() {
            Some(last) if page.len() == PAGE => self.after = Bound::Excluded(last.name.clone()),
            _ => {
                self.done = true;
                let parts = folder
                    .parts
                    .iter()
                    .filter(|((owner, name), _)| Some(owner) == self.owner.0.as_ref() && !folder.names.contains_key(name));
                page.extend(parts.map(|((_, name), part)| Entry {
                    name: name.clone(),
                    attr: part.attr(self.inner.number),
                    target: None,
                }));
            }
        }
        Ok(page)
    }
}

impl Listing for Pages {
    fn next_page(&mut self) -> BoxFuture<'_, Result<Vec<Entry>, Error>> {
        Box::pin(async move { self.page() })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use types::{AttrChange, Error, Reason, Time, VPath, WriteHow};

    use super::{MemorySettings, MemoryStorage};
    use crate::storage::{Owner, Storage, WriteOrder};

    async fn put(s: &MemoryStorage, path: &VPath, owner: &Owner, bytes: usize) -> Result<(), Error> {
        let mut opened = s.write(path, WriteOrder { how: WriteHow::Replace, mode: 0o644, owner }).await?;
        opened.sink.write_all(Bytes::from(vec![1; bytes])).await?;
        opened.sink.commit().await
    }

    #[tokio::test]
    async fn what_fits_is_bounded_and_given_back() {
        let s = MemoryStorage::new(MemorySettings { capacity: Some(1_000), ..MemorySettings::default() });
        let (root, f, g) = (VPath::root(), VPath::parse(b"/f").unwrap(), VPath::parse(b"/g").unwrap());
        let (nobody, ann) = (Owner(None), Owner(Some("ann".into())));
        put(&s, &f, &nobody, 400).await.unwrap();
        assert_eq!(s.space(&root).await.unwrap().free, Some(600));
        assert_eq!(put(&s, &g, &nobody, 601).await.unwrap_err().reason, Reason::NoSpace);
        assert_eq!(s.space(&root).await.unwrap().free, Some(600), "what was aborted counts no more");
        // Old and new stand side by side until the commit.
        assert_eq!(put(&s, &f, &nobody, 700).await.unwrap_err().reason, Reason::NoSpace);
        put(&s, &f, &nobody, 600).await.unwrap();
        assert_eq!(s.space(&root).await.unwrap().free, Some(400));
        let mut part = s.write(&g, WriteOrder { how: WriteHow::Replace, mode: 0o644, owner: &ann }).await.unwrap();
        part.sink.write_all(Bytes::from(vec![1; 400])).await.unwrap();
        drop(part);
        assert_eq!(s.space(&root).await.unwrap().free, Some(0), "a kept part counts");
        s.remove(&g, &ann).await.unwrap();
        s.remove(&f, &ann).await.unwrap();
        assert_eq!(s.space(&root).await.unwrap().free, Some(1_000));
    }

    #[tokio::test]
    async fn a_file_may_be_older_than_it_is() {
        let s = MemoryStorage::new(MemorySettings::default());
        let (f, nobody, time) = (VPath::parse(b"/f").unwrap(), Owner(None), Time::from_seconds(951_827_696));
        put(&s, &f, &nobody, 1).await.unwrap();
        let before = s.stat(&f, true, &nobody).await.unwrap();
        let after = s.set_attr(&f, &AttrChange { created: Some(time), ..AttrChange::default() }).await.unwrap();
        assert_eq!((after.created, after.modified), (Some(time), before.modified));
        assert_eq!(s.stat(&f, true, &nobody).await.unwrap(), after);
    }

    #[tokio::test]
    async fn parts_expire() {
        let s = MemoryStorage::new(MemorySettings { keep_parts: Duration::ZERO, ..MemorySettings::default() });
        let (f, ann) = (VPath::parse(b"/f").unwrap(), Owner(Some("ann".into())));
        let mut part = s.write(&f, WriteOrder { how: WriteHow::Replace, mode: 0o644, owner: &ann }).await.unwrap();
        part.sink.write_all(Bytes::from_static(b"x")).await.unwrap();
        assert_eq!(s.sweep(), 0, "one that is held does not");
        drop(part);
        assert!(s.stat(&f, true, &ann).await.is_ok());
        assert_eq!(s.sweep(), 1);
        assert_eq!(s.stat(&f, true, &ann).await.unwrap_err().reason, Reason::NotFound);
    }
}
