//! Going through a tree: removing it (RMDA) and counting it (DU, DSIZ), entry by entry checked, in bounded memory.

use std::sync::atomic::{AtomicU64, Ordering};

use types::{Entry, Error, Kind, Reason, Usage, VPath};

use crate::access::{Access, Ask, Pass};
use crate::permission::Permissions;
use crate::verdict::{Need, unmounted};

/// How deep a tree may be.
const DEEPEST: usize = 512;
/// How many folders may wait their turn.
const WAITING: usize = 65_536;

/// How far a walk has come; may be read while it goes on.
#[derive(Default, Debug)]
pub struct Progress {
    entries: AtomicU64,
}

impl Progress {
    /// Entries done.
    pub fn entries(&self) -> u64 {
        self.entries.load(Ordering::Relaxed)
    }

    fn add(&self) -> u64 {
        self.entries.fetch_add(1, Ordering::Relaxed) + 1
    }
}

impl Access {
    /// Removes a folder and all below it; tells how many files and folders went. What cannot be removed stops it,
    /// with everything else left where it is.
    ///
    /// # Errors
    /// The door's, at any entry, and the storage's; [`Reason::TooMany`] where the tree is too large or too deep.
    pub async fn remove_tree(&self, path: &VPath, progress: &Progress) -> Result<u64, Error> {
        let pass = self.enter(Ask::new("rmtree", path, Need::All(Permissions::REMOVE_DIR))).await?;
        let result = self.clear(&pass, progress).await;
        pass.settle(result)
    }

    /// Depth first. A folder's first page is taken again and again: what was removed is gone from it, so no
    /// listing stays open while things are removed under it, and memory holds one page of folders a level.
    async fn clear(&self, pass: &Pass, progress: &Progress) -> Result<u64, Error> {
        unmounted(&pass.view, &pass.path)?;
        let most = self.gate().limits().entries;
        let floor = pass.path.components().count();
        let mut trail = vec![pass.path.clone()];
        while let Some(folder) = trail.last().cloned() {
            self.go_on()?;
            if progress.entries() > most || trail.len() > WAITING || folder.components().count() - floor > DEEPEST {
                return Err(Reason::TooMany.into());
            }
            match self.clear_page(pass, &folder, progress).await {
                Ok(Some(folders)) => trail.extend(folders),
                Ok(None) => drop(trail.pop()),
                // Somebody else removed it: that is what was wanted.
                Err(e) if e.reason == Reason::NotFound && folder != pass.path => drop(trail.pop()),
                Err(e) => return Err(e),
            }
        }
        Ok(progress.entries())
    }

    /// Removes the files of a folder's first page and tells the folders in it; of an empty folder, the folder.
    async fn clear_page(&self, pass: &Pass, folder: &VPath, progress: &Progress) -> Result<Option<Vec<VPath>>, Error> {
        let (storage, rules) = (pass.storage(), &pass.view.who.permissions);
        pass.view.may(folder, Need::All(Permissions::REMOVE_DIR))?;
        let page = storage.list(folder, self.owner()).await?.next_page().await?;
        if page.is_empty() {
            storage.remove_dir(folder).await?;
            progress.add();
            return Ok(None);
        }
        let mut folders = Vec::new();
        for Entry { name, attr, .. } in page {
            let place = folder.join(&name)?;
            if rules.hides_name(&name) {
                // Not told apart from what cannot be removed for another reason.
                return Err(Reason::NotEmpty.into());
            }
            if attr.kind == Kind::Dir {
                folders.push(place);
                continue;
            }
            pass.view.may(&place, Need::All(Permissions::DELETE))?;
            match storage.remove(&place, self.owner()).await {
                Err(e) if e.reason != Reason::NotFound => return Err(e),
                _ => drop(progress.add()),
            }
        }
        Ok(Some(folders))
    }

    /// Counts what lies below a folder, as far as the user may list it.
    ///
    /// # Errors
    /// The door's and the storage's; [`Reason::TooMany`] where there is more than may be looked at.
    pub async fn usage(&self, path: &VPath, progress: &Progress) -> Result<Usage, Error> {
        let pass = self.enter(Ask::new("usage", path, Need::All(Permissions::LIST))).await?;
        let result = self.count(&pass, progress).await;
        pass.settle(result)
    }

    async fn count(&self, pass: &Pass, progress: &Progress) -> Result<Usage, Error> {
        let (storage, rules) = (pass.storage(), &pass.view.who.permissions);
        let most = self.gate().limits().entries;
        let mut usage = Usage::default();
        let mut waiting = vec![pass.path.clone()];
        while let Some(folder) = waiting.pop() {
            let mut listing = match storage.list(&folder, self.owner()).await {
                Ok(listing) => listing,
                // Gone, or closed to the server, since it was seen: only the folder asked for must be there.
                Err(e) if folder != pass.path && matches!(e.reason, Reason::NotFound | Reason::StorageDenied) => continue,
                Err(e) => return Err(e),
            };
            loop {
                self.go_on()?;
                let page = listing.next_page().await?;
                if page.is_empty() {
                    break;
                }
                for entry in page.iter().filter(|entry| !rules.hides_name(&entry.name)) {
                    if progress.add() > most {
                        return Err(Reason::TooMany.into());
                    }
                    if entry.attr.kind != Kind::Dir {
                        usage.files += 1;
                        usage.bytes = usage.bytes.saturating_add(entry.attr.size);
                        continue;
                    }
                    usage.folders += 1;
                    let place = folder.join(&entry.name)?;
                    if pass.view.may(&place, Need::All(Permissions::LIST)).is_ok() {
                        waiting.push(place);
                    }
                }
                if waiting.len() > WAITING {
                    return Err(Reason::TooMany.into());
                }
            }
        }
        Ok(usage)
    }

    /// A long walk ends with its session.
    fn go_on(&self) -> Result<(), Error> {
        if self.revoked().is_cancelled() { Err(self.why().unwrap_or(Reason::Cancelled).into()) } else { Ok(()) }
    }
}
