//! How does a virtual path become a handle, without ever leaving the root? (openat2 beneath the root's handle)

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags, Statx, openat, openat2, readlinkat};
use rustix::io::Errno;
use types::{Error, Reason, VPath};

use super::attributes::{facts, facts_at, file_type, unique};
use super::sync::FolderKey;
use crate::names;

/// How often a path is walked again when somebody renames folders on it meanwhile.
const RETRIES: usize = 32;
/// How many links a name may lead through, as Linux counts.
const MAX_LINKS: usize = 40;

/// The root's handle. Every path is resolved by the kernel, beneath it.
pub(super) struct Root {
    fd: Arc<OwnedFd>,
    key: FolderKey,
    /// Whether the kernel knows lookups that never wait (Linux 5.12).
    cached: AtomicBool,
}

/// How long a lookup may take.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Lookup {
    /// Only what the kernel has in memory: never waits, says [`Stop::Again`] instead.
    Cached,
    /// As long as the disk needs.
    Full,
}

/// Why a lookup did not end with a handle.
pub(super) enum Stop {
    /// It would have to wait for the disk.
    Again,
    /// It failed.
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(e: Error) -> Self {
        Self::Failed(e)
    }
}

impl From<Reason> for Stop {
    fn from(reason: Reason) -> Self {
        Self::Failed(reason.into())
    }
}

impl From<Stop> for Error {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Again => Self::with(Reason::Busy, "the folders on the path are being renamed"),
            Stop::Failed(e) => e,
        }
    }
}

/// A folder's handle and one name in it: where a file stands or will stand.
pub(super) struct Place {
    /// The folder (`O_PATH`); the root's own handle for what stands there, which spares opening it again.
    pub(super) folder: Arc<OwnedFd>,
    /// The name in it.
    pub(super) name: Vec<u8>,
    /// What stands there; never a link.
    pub(super) stands: Option<Statx>,
    /// Whether a link led here.
    pub(super) followed: bool,
}

/// A folder's handle (`O_PATH`) and a name in it.
type Entry = (Arc<OwnedFd>, Vec<u8>);

impl Root {
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let gone = |e: Errno| Error::with(Reason::MountGone, format!("{}: {e}", path.display()));
        let fd = openat(CWD, path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).map_err(gone)?;
        let probe = |flags| openat2(&fd, ".", OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), flags);
        let cached = match probe(beneath(Lookup::Cached)) {
            Ok(_) | Err(Errno::AGAIN) => true,
            Err(_) => {
                probe(beneath(Lookup::Full)).map_err(|e| {
                    Error::with(Reason::Unsupported, format!("{}: openat2: {e} (Linux 5.6 or later is needed)", path.display()))
                })?;
                false
            }
        };
        let key = unique(&facts(&fd).map_err(gone)?);
        Ok(Self { fd: Arc::new(fd), key, cached: AtomicBool::new(cached) })
    }

    pub(super) fn fd(&self) -> &OwnedFd {
        &self.fd
    }

    /// Which folder this is.
    pub(super) fn key(&self, folder: &Arc<OwnedFd>) -> Result<FolderKey, Error> {
        if Arc::ptr_eq(folder, &self.fd) {
            return Ok(self.key);
        }
        let facts = facts(folder).map_err(call_error)?;
        // A folder that was removed while it was open takes no files any more.
        if facts.stx_nlink == 0 { Err(Reason::NotFound.into()) } else { Ok(unique(&facts)) }
    }

    /// A folder's handle, to look up names in.
    fn folder(&self, path: &[u8], lookup: Lookup) -> Result<Arc<OwnedFd>, Stop> {
        if path == b"." {
            return Ok(Arc::clone(&self.fd));
        }
        self.below(&self.fd, path, OFlags::PATH | OFlags::DIRECTORY, lookup).map(Arc::new)
    }

    /// Opens what stands at `path` with these flags.
    pub(super) fn at(&self, path: &VPath, flags: OFlags, lookup: Lookup) -> Result<OwnedFd, Stop> {
        self.below(&self.fd, if path.is_root() { b"." } else { path.relative() }, flags, lookup)
    }

    /// Opens a path below a folder handle; the walk stays below that folder.
    pub(super) fn below(&self, folder: impl AsFd, path: &[u8], flags: OFlags, lookup: Lookup) -> Result<OwnedFd, Stop> {
        if lookup == Lookup::Cached && !self.cached.load(Ordering::Relaxed) {
            return Err(Stop::Again);
        }
        let mut tries = 0;
        loop {
            match openat2(&folder, path, flags | OFlags::CLOEXEC, Mode::empty(), beneath(lookup)) {
                Ok(fd) => return Ok(fd),
                Err(Errno::INTR) => {}
                // Without CACHED it means that a rename raced with `..` in a link.
                Err(Errno::AGAIN) if lookup == Lookup::Full && tries < RETRIES => tries += 1,
                Err(Errno::AGAIN) => return Err(Stop::Again),
                Err(e) => return Err(Stop::Failed(walk_error(e))),
            }
        }
    }

    /// The folder `path` stands in, and its name there, which is not followed. `None` for the root.
    pub(super) fn parent(&self, path: &VPath, lookup: Lookup) -> Result<Option<Entry>, Stop> {
        let (Some(parent), Some(name)) = (path.parent(), path.name()) else { return Ok(None) };
        let folder = self.folder(if parent.is_root() { b"." } else { parent.relative() }, lookup)?;
        Ok(Some((folder, name.to_vec())))
    }

    /// Where a file of this name stands or would be made: links in the last component are followed too, each
    /// by a walk of its own beneath the root.
    pub(super) fn place(&self, path: &VPath, lookup: Lookup) -> Result<Place, Stop> {
        let mut walk = path.relative().to_vec();
        for links in 0..=MAX_LINKS {
            let cut = walk.iter().rposition(|&b| b == b'/');
            let (parent, name) = match cut {
                Some(cut) => (walk.get(..cut).unwrap_or_default(), walk.get(cut + 1..).unwrap_or_default()),
                None => (&b"."[..], walk.as_slice()),
            };
            if name.is_empty() || name == b"." || name == b".." {
                return Err(Reason::IsAFolder.into());
            }
            if names::is_reserved(name) {
                return Err(Reason::BadName.into());
            }
            let folder = self.folder(parent, lookup)?;
            let name = name.to_vec();
            let stands = self.entry(&folder, &name, lookup)?;
            if stands.as_ref().map(file_type) != Some(FileType::Symlink) {
                return Ok(Place { folder, name, stands, followed: links > 0 });
            }
            let target = readlinkat(&folder, name.as_slice(), Vec::new()).map_err(walk_error)?;
            let target = target.as_bytes();
            if target.first() == Some(&b'/') {
                return Err(Reason::LeadsOutside.into());
            }
            walk.truncate(cut.map_or(0, |cut| cut + 1));
            walk.extend_from_slice(without_slashes(target));
        }
        Err(Reason::LinkLoop.into())
    }

    /// What stands under a name in a folder, not followed; `None` where nothing does.
    pub(super) fn entry(&self, folder: &OwnedFd, name: &[u8], lookup: Lookup) -> Result<Option<Statx>, Stop> {
        let found = match lookup {
            Lookup::Full => facts_at(folder, name, AtFlags::SYMLINK_NOFOLLOW).map_err(|e| Stop::Failed(call_error(e))),
            // A plain stat may wait for the disk; a cached open does not.
            Lookup::Cached => match self.below(folder, name, OFlags::PATH | OFlags::NOFOLLOW, lookup) {
                Ok(fd) => facts(&fd).map_err(|e| Stop::Failed(call_error(e))),
                Err(stop) => Err(stop),
            },
        };
        match found {
            Ok(facts) => Ok(Some(facts)),
            Err(Stop::Failed(e)) if e.reason == Reason::NotFound => Ok(None),
            Err(stop) => Err(stop),
        }
    }
}

/// Trailing slashes of a link's target say that a folder is meant; the walk finds out without them.
fn without_slashes(target: &[u8]) -> &[u8] {
    let end = target.iter().rposition(|&b| b != b'/').map_or(0, |i| i + 1);
    target.get(..end).unwrap_or_default()
}

const fn beneath(lookup: Lookup) -> ResolveFlags {
    let flags = ResolveFlags::BENEATH.union(ResolveFlags::NO_MAGICLINKS);
    match lookup {
        Lookup::Cached => flags.union(ResolveFlags::CACHED),
        Lookup::Full => flags,
    }
}

/// What an error means that came while walking a path.
pub(super) fn walk_error(e: Errno) -> Error {
    match e {
        Errno::XDEV => Reason::LeadsOutside.into(),
        Errno::NXIO | Errno::NODEV => Reason::NotRegular.into(),
        e => call_error(e),
    }
}

/// What an error means that came of a call on handles and single names.
pub(super) fn call_error(e: Errno) -> Error {
    match e {
        Errno::NOENT => Reason::NotFound.into(),
        Errno::LOOP => Reason::LinkLoop.into(),
        e => std::io::Error::from(e).into(),
    }
}
