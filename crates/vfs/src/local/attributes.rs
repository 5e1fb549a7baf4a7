//! What does the system know of a file, and how is it changed without a race? (statx, fchmod, utimensat, fchownat)

use std::os::fd::{AsFd, AsRawFd};

use rustix::fs::{
    AtFlags, CWD, FileType, Gid, Mode, OFlags, Statx, StatxFlags, Timespec, Timestamps, UTIME_OMIT, Uid, chmodat, chownat,
    fchmod, fstatvfs, statx, utimensat,
};
use rustix::io::Errno;
use types::{Attr, AttrChange, Error, Kind, Reason, Space, Time, VPath};

use super::resolve::{Lookup, Root, Stop, call_error};

const WANTED: StatxFlags = StatxFlags::BASIC_STATS.union(StatxFlags::BTIME);

/// What the system knows of an open file or an `O_PATH` handle.
pub(super) fn facts(fd: impl AsFd) -> Result<Statx, Errno> {
    statx(fd, c"", AtFlags::EMPTY_PATH, WANTED)
}

/// What the system knows of a name in a folder.
pub(super) fn facts_at(folder: impl AsFd, name: &[u8], flags: AtFlags) -> Result<Statx, Errno> {
    statx(folder, name, flags, WANTED)
}

pub(super) fn file_type(facts: &Statx) -> FileType {
    FileType::from_raw_mode(u32::from(facts.stx_mode))
}

pub(super) const fn kind(of: FileType) -> Kind {
    match of {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Dir,
        FileType::Symlink => Kind::Link,
        _ => Kind::Other,
    }
}

/// Which file this is: its device and its inode.
pub(super) fn unique(facts: &Statx) -> (u64, u64) {
    (u64::from(facts.stx_dev_major) << 32 | u64::from(facts.stx_dev_minor), facts.stx_ino)
}

/// Permission bits alone.
pub(super) fn mode_of(facts: &Statx) -> u32 {
    u32::from(facts.stx_mode) & 0o7777
}

pub(super) fn attr(facts: &Statx) -> Attr {
    let birth = facts.stx_mask & StatxFlags::BTIME.bits() != 0;
    Attr {
        kind: kind(file_type(facts)),
        size: facts.stx_size,
        mode: Some(mode_of(facts)),
        owner: Some(facts.stx_uid),
        group: Some(facts.stx_gid),
        links: facts.stx_nlink,
        modified: Some(Time { seconds: facts.stx_mtime.tv_sec, nanos: facts.stx_mtime.tv_nsec }),
        created: birth.then_some(Time { seconds: facts.stx_btime.tv_sec, nanos: facts.stx_btime.tv_nsec }),
        unique: Some(unique(facts)),
    }
}

/// Changes attributes of what `path` leads to, all through one handle.
pub(super) fn change(root: &Root, path: &VPath, change: &AttrChange) -> Result<Attr, Error> {
    if change.created.is_some() {
        return Err(Error::with(Reason::Unsupported, "the system cannot set a file's birth"));
    }
    let handle = root.at(path, OFlags::PATH, Lookup::Full)?;
    let before = facts(&handle).map_err(call_error)?;
    if !matches!(kind(file_type(&before)), Kind::File | Kind::Dir) {
        return Err(Reason::NotRegular.into());
    }
    apply(&handle, change, |mode| set_mode(&handle, mode))
}

/// Changes attributes of a file that is open.
pub(super) fn change_open(file: impl AsFd, change: &AttrChange) -> Result<Attr, Error> {
    if change.created.is_some() {
        return Err(Error::with(Reason::Unsupported, "the system cannot set a file's birth"));
    }
    let set_mode = |mode| fchmod(&file, Mode::from_raw_mode(mode & 0o7777)).map_err(call_error);
    apply(&file, change, set_mode)
}

/// Owner before mode, since the system takes bits away from who changes the owner; times last.
fn apply(handle: &impl AsFd, change: &AttrChange, set_mode: impl FnOnce(u32) -> Result<(), Error>) -> Result<Attr, Error> {
    if change.owner.is_some() || change.group.is_some() {
        let (owner, group) = (change.owner.map(Uid::from_raw), change.group.map(Gid::from_raw));
        chownat(handle, c"", owner, group, AtFlags::EMPTY_PATH).map_err(call_error)?;
    }
    if let Some(mode) = change.mode {
        set_mode(mode)?;
    }
    if change.modified.is_some() || change.accessed.is_some() {
        let times = Timestamps { last_access: timespec(change.accessed), last_modification: timespec(change.modified) };
        utimensat(handle, c"", &times, AtFlags::EMPTY_PATH).map_err(call_error)?;
    }
    Ok(attr(&facts(handle).map_err(call_error)?))
}

/// `fchmod` refuses `O_PATH` handles, and opening the file anew could meet another one or be forbidden; the
/// process's own link to the handle leads to just this file.
fn set_mode(handle: impl AsFd, mode: u32) -> Result<(), Error> {
    let mode = Mode::from_raw_mode(mode & 0o7777);
    let own = format!("/proc/self/fd/{}", handle.as_fd().as_raw_fd());
    match chmodat(CWD, own.as_str(), mode, AtFlags::empty()) {
        // Without /proc: open it for reading beneath itself, which serves folders; for files, say so.
        Err(Errno::NOENT | Errno::NOTDIR) => {
            let open = rustix::fs::openat(&handle, c".", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
            match open {
                Ok(folder) => fchmod(&folder, mode).map_err(call_error),
                Err(_) => Err(Error::with(Reason::Unsupported, "changing permission bits needs /proc")),
            }
        }
        other => other.map_err(call_error),
    }
}

const fn timespec(time: Option<Time>) -> Timespec {
    match time {
        Some(t) => Timespec { tv_sec: t.seconds, tv_nsec: t.nanos as _ },
        None => Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
    }
}

/// What fits on the file system that `path` lies on.
pub(super) fn space(root: &Root, path: &VPath, lookup: Lookup) -> Result<Space, Stop> {
    let handle = root.at(path, OFlags::PATH, lookup)?;
    let stat = fstatvfs(&handle).map_err(|e| Stop::Failed(call_error(e)))?;
    Ok(Space {
        free: Some(stat.f_bavail.saturating_mul(stat.f_frsize)),
        total: Some(stat.f_blocks.saturating_mul(stat.f_frsize)),
    })
}
