//! What stands in a tree? Looked at folder by folder; of links, what is wished of them.

use std::collections::{BTreeMap, BTreeSet};

use io::body::BoxFuture;
use types::{Attr, Entry, Error, Kind, Reason, VPath};
use vfs::{Owner, Storage};

use super::filter::Filter;
use super::join::first;
use super::run::is_temporary;

/// As many entries as one tree may have.
const ENTRIES_AT_MOST: usize = 10_000_000;
/// As deep as a tree may be: links and bind mounts can make it endless.
const DEPTH_AT_MOST: usize = 256;

/// Why a link is not followed that would have no end.
const LEADS_BACK: &str = "the link leads to a folder that it lies in";

/// What becomes of links.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Links {
    /// They are left out, and counted.
    #[default]
    LeaveOut,
    /// They stay links.
    Keep,
    /// What they lead to is meant.
    Follow,
}

/// A tree as it was found: paths below its root, and what stands there.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// Everything that is meant.
    pub entries: BTreeMap<VPath, Attr>,
    /// Where the links among it lead, as they were written.
    pub targets: BTreeMap<VPath, Box<[u8]>>,
    /// What became of links.
    pub links: Links,
    /// How many were left out for being links.
    pub links_left_out: usize,
    /// Folders that are links.
    pub(super) followed: BTreeSet<VPath>,
    /// What is there and not meant: it is neither copied nor removed.
    pub left_out: Vec<VPath>,
    /// Folders that could not be looked at wholly, and why.
    pub unsure: Vec<(VPath, Error)>,
}

impl Tree {
    /// Looks at everything below `root`.
    ///
    /// # Errors
    /// Where the root itself cannot be listed, or the tree is larger than any can be.
    pub async fn scan(storage: &dyn Storage, root: &VPath, filter: &Filter, owner: &Owner) -> Result<Self, Error> {
        Self::scan_at_once(storage, root, filter, owner, 1).await
    }

    /// As [`Tree::scan`], with so many folders listed at the same time: worth it where each is a connection's round trips.
    ///
    /// # Errors
    /// Those of [`Tree::scan`].
    pub async fn scan_at_once(
        storage: &dyn Storage,
        root: &VPath,
        filter: &Filter,
        owner: &Owner,
        at_once: usize,
    ) -> Result<Self, Error> {
        let mut tree = Self { links: filter.links, ..Self::default() };
        let own = if filter.links == Links::Follow { storage.stat(root, true, owner).await?.unique } else { None };
        let mut folders = vec![VPath::root()];
        let mut looks: Vec<BoxFuture<'_, Look>> = Vec::new();
        loop {
            while looks.len() < at_once.max(1)
                && let Some(folder) = folders.pop()
            {
                looks.push(Box::pin(look(storage, root, folder, filter, owner)));
            }
            if looks.is_empty() {
                break;
            }
            let Look { folder, entries, failed, mut lost } = first(&mut looks).await;
            tree.unsure.append(&mut lost);
            let failed = tree.take(&folder, entries, filter, own, &mut folders).err().or(failed);
            if let Some(e) = failed {
                if (folder.is_root() && e.reason != Reason::ListingUnsure) || e.reason == Reason::TooMany {
                    return Err(e);
                }
                tree.unsure.push((folder, e));
            }
        }
        if filter.only_named {
            tree.forget_empty_folders();
        }
        Ok(tree)
    }

    fn take(
        &mut self,
        folder: &VPath,
        entries: Vec<Found>,
        filter: &Filter,
        own: Option<(u64, u64)>,
        folders: &mut Vec<VPath>,
    ) -> Result<(), Error> {
        for Found { path, entry, is_followed } in entries {
            let Entry { attr, target, .. } = entry;
            if attr.kind == Kind::File && is_temporary(&path) {
                self.left_out.push(path);
                continue;
            }
            let is_kept = attr.kind == Kind::Link && self.links == Links::Keep;
            if !(matches!(attr.kind, Kind::File | Kind::Dir) || is_kept) || !filter.takes(&path, &attr) {
                self.links_left_out += usize::from(attr.kind == Kind::Link && filter.takes(&path, &attr));
                self.left_out.push(path);
                continue;
            }
            if attr.is_dir() {
                if path.components().count() > DEPTH_AT_MOST {
                    return Err(Error::with(Reason::TooMany, format!("{path} lies deeper than {DEPTH_AT_MOST} folders")));
                }
                if is_followed {
                    if let Some(why) = self.leads_back(folder, &attr, own) {
                        self.unsure.push((path.clone(), Error::with(Reason::BadName, why)));
                        self.left_out.push(path);
                        continue;
                    }
                    self.followed.insert(path.clone());
                }
                folders.push(path.clone());
            }
            if let Some(target) = target.filter(|_| is_kept) {
                self.targets.insert(path.clone(), target);
            }
            self.entries.insert(path, attr);
            if self.entries.len() > ENTRIES_AT_MOST {
                return Err(Reason::TooMany.into());
            }
        }
        Ok(())
    }

    /// Why a link to a folder, which stands in `folder`, is not followed: round and round it would have no end.
    fn leads_back(&self, folder: &VPath, attr: &Attr, own: Option<(u64, u64)>) -> Option<&'static str> {
        let mut above = Some(folder.clone());
        while let Some(path) = above {
            let unique = if path.is_root() { own } else { self.entries.get(&path).and_then(|attr| attr.unique) };
            match (unique, attr.unique) {
                (Some(one), Some(other)) if one == other => return Some(LEADS_BACK),
                (Some(_), Some(_)) => {}
                _ if self.followed.contains(&path) => {
                    return Some("a link in a linked folder: it may lead back, and nothing tells");
                }
                _ => {}
            }
            above = path.parent();
        }
        None
    }

    /// Folders were looked into for what may be in them alone.
    fn forget_empty_folders(&mut self) {
        let mut kept = BTreeSet::new();
        for (path, _) in self.entries.iter().filter(|(_, attr)| !attr.is_dir()) {
            let mut above = path.parent();
            while let Some(folder) = above
                && kept.insert(folder.clone())
            {
                above = folder.parent();
            }
        }
        self.entries.retain(|path, attr| !attr.is_dir() || kept.contains(path));
    }
}

/// What a folder holds, as far as it could be listed.
struct Look {
    folder: VPath,
    entries: Vec<Found>,
    failed: Option<Error>,
    /// Links that nothing can be said of.
    lost: Vec<(VPath, Error)>,
}

/// An entry, or what a link leads to.
struct Found {
    path: VPath,
    entry: Entry,
    is_followed: bool,
}

async fn look(storage: &dyn Storage, root: &VPath, folder: VPath, filter: &Filter, owner: &Owner) -> Look {
    let mut look = Look { folder, entries: Vec::new(), failed: None, lost: Vec::new() };
    let mut entries = Vec::new();
    look.failed = list(storage, root, &look.folder, owner, &mut entries).await.err();
    for entry in entries {
        // One component by the contract of listings; a storage that breaks it must not lead out of the tree.
        if entry.name.contains(&b'/') || *entry.name == *b".." || *entry.name == *b"." {
            look.failed = Some(Error::new(Reason::ListingUnsure));
            break;
        }
        let path = match look.folder.join(&entry.name) {
            Ok(path) => path,
            Err(e) => {
                look.failed = Some(e.into());
                break;
            }
        };
        let is_link = entry.attr.kind == Kind::Link && filter.takes(&path, &entry.attr);
        let mut found = Found { path, entry, is_followed: false };
        let seen = match filter.links {
            Links::Follow if is_link => found.follow(storage, root, owner).await,
            Links::Keep if is_link && found.entry.target.is_none() => found.read(storage, root).await,
            _ => Ok(()),
        };
        match seen {
            Ok(()) => look.entries.push(found),
            Err(e) => look.lost.push((found.path, e)),
        }
    }
    look
}

impl Found {
    /// What the link leads to stands for it.
    async fn follow(&mut self, storage: &dyn Storage, root: &VPath, owner: &Owner) -> Result<(), Error> {
        let path = self.path.under(root)?;
        let attr = storage.stat(&path, true, owner).await;
        let attr = attr.map_err(|e| Error::with(e.reason, format!("where the link leads: {}", e.detail.unwrap_or_default())))?;
        if attr.kind == Kind::Link {
            return Err(Error::with(Reason::Unsupported, "the server does not tell what the link leads to"));
        }
        // Not every server tells by what to know the folder again.
        if attr.is_dir() && self.entry.target.as_ref().is_some_and(|target| leads_above(&path, target)) {
            return Err(Error::with(Reason::BadName, LEADS_BACK));
        }
        self.entry.attr = attr;
        self.is_followed = true;
        Ok(())
    }

    /// Where the link leads.
    async fn read(&mut self, storage: &dyn Storage, root: &VPath) -> Result<(), Error> {
        match storage.read_link(&self.path.under(root)?).await {
            Ok(target) => self.entry.target = Some(target),
            Err(e) if e.reason == Reason::Unsupported => {
                return Err(Error::with(Reason::Unsupported, "the server does not tell where the link leads"));
            }
            Err(e) => return Err(e),
        }
        Ok(())
    }
}

/// Whether a link leads to a folder that it lies in, by its words.
fn leads_above(link: &VPath, target: &[u8]) -> bool {
    link.parent().and_then(|from| from.join(target).ok()).is_some_and(|there| link.is_below(&there))
}

async fn list(storage: &dyn Storage, root: &VPath, folder: &VPath, owner: &Owner, entries: &mut Vec<Entry>) -> Result<(), Error> {
    let mut listing = storage.list(&folder.under(root)?, owner).await?;
    loop {
        let page = listing.next_page().await?;
        if page.is_empty() {
            return Ok(());
        }
        entries.extend(page);
        if entries.len() > ENTRIES_AT_MOST {
            return Err(Reason::TooMany.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_that_lead_back_are_known_by_their_words() {
        for (link, target, back) in [
            ("/a/b/l", ".", true),
            ("/a/b/l", "..", true),
            ("/a/b/l", "../../", true),
            ("/a/b/l", "/a", true),
            ("/a/b/l", "../c", false),
            ("/a/b/l", "/c", false),
            ("/a/b/l", "c", false),
        ] {
            let link = VPath::parse(link.as_bytes()).unwrap();
            assert_eq!(leads_above(&link, target.as_bytes()), back, "{link} -> {target}");
        }
    }
}
