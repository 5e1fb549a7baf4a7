//! What did killed or interrupted uploads leave behind, and what of it may go?

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags, openat2, unlinkat};
use types::{Error, Reason};

use super::attributes::{facts, facts_at, file_type, unique};
use super::change::lock_leftover;
use super::resolve::call_error;
use super::{Inner, hop};
use crate::names;

/// What a sweep did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Swept {
    /// Folders looked through.
    pub folders: u64,
    /// Temporary files and expired parts removed.
    pub removed: u64,
    /// Parts kept for their owners.
    pub kept: u64,
    /// Folders or files that could not be looked at or removed.
    pub failed: u64,
}

/// Walks the tree, one folder at a time, and removes what nobody holds and nobody is waiting for. Never follows links.
pub(super) async fn sweep(inner: &Arc<Inner>) -> Result<Swept, Error> {
    let mut swept = Swept::default();
    let mut waiting = vec![b".".to_vec()];
    while let Some(path) = waiting.pop() {
        let inner = Arc::clone(inner);
        let (below, found) = hop(move || Ok(folder(&inner, &path))).await?;
        waiting.extend(below);
        swept.folders += found.folders;
        swept.removed += found.removed;
        swept.kept += found.kept;
        swept.failed += found.failed;
    }
    Ok(swept)
}

/// One folder: the folders in it, and what was done there.
fn folder(inner: &Inner, path: &[u8]) -> (Vec<Vec<u8>>, Swept) {
    let mut swept = Swept::default();
    let mut below = Vec::new();
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    let Ok(folder) = openat2(inner.root.fd(), path, flags, Mode::empty(), resolve) else {
        swept.failed += 1;
        return (below, swept);
    };
    let Ok(entries) = Dir::read_from(&folder) else {
        swept.failed += 1;
        return (below, swept);
    };
    swept.folders += 1;
    for entry in entries {
        let Ok(entry) = entry else {
            swept.failed += 1;
            break;
        };
        let name = entry.file_name().to_bytes();
        if matches!(name, b"." | b"..") {
            continue;
        }
        if names::is_reserved(name) {
            match leftover(inner, &folder, name) {
                Ok(Some(true)) => swept.removed += 1,
                Ok(Some(false)) => swept.kept += 1,
                Ok(None) => {}
                Err(_) => swept.failed += 1,
            }
        } else if is_folder(&folder, name, entry.file_type()) {
            below.push([path, b"/", name].concat());
        }
    }
    (below, swept)
}

fn is_folder(folder: &OwnedFd, name: &[u8], known: FileType) -> bool {
    match known {
        FileType::Directory => true,
        FileType::Unknown => {
            facts_at(folder, name, AtFlags::SYMLINK_NOFOLLOW).is_ok_and(|f| file_type(&f) == FileType::Directory)
        }
        _ => false,
    }
}

/// Whether one of the storage's own files was removed; `None` if it is in use or not known.
fn leftover(inner: &Inner, folder: &OwnedFd, name: &[u8]) -> Result<Option<bool>, Error> {
    if !names::is_part(name) && !names::is_temp(name) {
        return Ok(None);
    }
    let locked = match lock_leftover(folder, name) {
        Ok(Some(locked)) => locked,
        Ok(None) => return Ok(None),
        Err(e) if e.reason == Reason::NotFound => return Ok(None),
        Err(e) => return Err(e),
    };
    let here = facts(&locked).map_err(call_error)?;
    let named = facts_at(folder, name, AtFlags::SYMLINK_NOFOLLOW).map_err(call_error)?;
    if unique(&here) != unique(&named) {
        return Ok(None);
    }
    if names::is_part(name) && here.stx_size > 0 && age(here.stx_mtime.tv_sec) < inner.settings.keep_parts {
        return Ok(Some(false));
    }
    unlinkat(folder, name, AtFlags::empty()).map_err(call_error)?;
    Ok(Some(true))
}

/// How long ago a time was; nothing for one that is to come.
fn age(seconds: i64) -> Duration {
    let now = super::now_seconds();
    Duration::from_secs(u64::try_from(now.saturating_sub(seconds)).unwrap_or(0))
}
