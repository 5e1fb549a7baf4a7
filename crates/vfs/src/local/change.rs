//! Making, removing, renaming and linking: every change of a name goes through its folder's handle.

use std::ffi::CString;
use std::fs::File;
use std::os::fd::OwnedFd;

use rustix::fs::{
    AtFlags, Dir, FileType, FlockOperation, Mode, OFlags, fchmod, flock, linkat, mkdirat, openat, readlinkat, renameat, statat,
    symlinkat, unlinkat,
};
use rustix::io::Errno;
use types::{Error, Reason, VPath};

use super::attributes::{facts_at, file_type, mode_of};
use super::resolve::{Lookup, call_error};
use super::sync::FolderKey;
use super::upload::rename_free;
use super::{Inner, random};
use crate::names;
use crate::storage::{Durability, Owner};

/// The folder to sync after making one in it.
pub(super) fn make_dir(inner: &Inner, path: &VPath, mode: u32) -> Result<Option<(FolderKey, OwnedFd)>, Error> {
    names::creatable(path)?;
    let Some((folder, name)) = inner.root.parent(path, Lookup::Full)? else { return Err(Reason::Exists.into()) };
    let mode = inner.settings.dir_mode.unwrap_or(mode) & 0o7777;
    mkdirat(&folder, name.as_slice(), Mode::from_raw_mode(mode)).map_err(call_error)?;
    restore_bits(&folder, &name, mode);
    if inner.settings.durability == Durability::Os {
        return Ok(None);
    }
    match openat(&folder, c".", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()) {
        Ok(open) => Ok(Some((inner.root.key(&folder)?, open))),
        Err(Errno::ACCESS) => Ok(None),
        Err(e) => Err(call_error(e)),
    }
}

/// Gives a new folder the bits that the process's umask took and those that making does not give; the group's bit
/// it has from its parent stays. It is opened without following, so it is the folder or nothing.
fn restore_bits(folder: &OwnedFd, name: &[u8], mode: u32) {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let Ok(made) = facts_at(folder, name, AtFlags::SYMLINK_NOFOLLOW) else { return };
    let wanted = mode | mode_of(&made) & 0o2000;
    if mode_of(&made) == wanted {
        return;
    }
    if let Ok(open) = openat(folder, name, flags, Mode::empty()) {
        let _ = fchmod(&open, Mode::from_raw_mode(wanted));
    }
}

pub(super) fn remove(inner: &Inner, path: &VPath, owner: &Owner) -> Result<(), Error> {
    names::visible(path)?;
    let Some((folder, name)) = inner.root.parent(path, Lookup::Full)? else { return Err(Reason::IsAFolder.into()) };
    match unlinkat(&folder, name.as_slice(), AtFlags::empty()) {
        Err(Errno::NOENT) => {}
        // What POSIX lets a system say of a folder.
        Err(Errno::PERM) if is_dir(&folder, &name) => return Err(Reason::IsAFolder.into()),
        other => return other.map_err(call_error),
    }
    let Some(part) = names::part(owner, &name) else { return Err(Reason::NotFound.into()) };
    let Some(_locked) = lock_leftover(&folder, &part)? else { return Err(Reason::Busy.into()) };
    unlinkat(&folder, part.as_slice(), AtFlags::empty()).map_err(call_error)
}

fn is_dir(folder: &OwnedFd, name: &[u8]) -> bool {
    facts_at(folder, name, AtFlags::SYMLINK_NOFOLLOW).is_ok_and(|f| file_type(&f) == FileType::Directory)
}

/// Opens and locks one of the storage's own files; `None` while an upload holds it.
pub(super) fn lock_leftover(folder: &OwnedFd, name: &[u8]) -> Result<Option<File>, Error> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(openat(folder, name, flags, Mode::empty()).map_err(call_error)?);
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(file)),
        Err(Errno::WOULDBLOCK) => Ok(None),
        Err(e) => Err(call_error(e)),
    }
}

pub(super) fn remove_dir(inner: &Inner, path: &VPath) -> Result<(), Error> {
    names::visible(path)?;
    let Some((folder, name)) = inner.root.parent(path, Lookup::Full)? else { return Err(Reason::MountPoint.into()) };
    match unlinkat(&folder, name.as_slice(), AtFlags::REMOVEDIR) {
        // A file system of its own is mounted there.
        Err(Errno::BUSY) => Err(Reason::MountPoint.into()),
        Err(Errno::NOTEMPTY | Errno::EXIST) => remove_leftovers(&folder, &name),
        other => other.map_err(call_error),
    }
}

/// Removes a folder in which nothing stands but interrupted uploads. They are moved out first and go only when
/// the folder has: if somebody puts a file there meanwhile, they are moved back.
fn remove_leftovers(parent: &OwnedFd, name: &[u8]) -> Result<(), Error> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = openat(parent, name, flags, Mode::empty()).map_err(call_error)?;
    let mut locked = Vec::new();
    for found in Dir::read_from(&folder).map_err(call_error)? {
        let found = found.map_err(call_error)?;
        let name = found.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        if !names::is_reserved(name.to_bytes()) {
            return Err(Reason::NotEmpty.into());
        }
        match lock_leftover(&folder, name.to_bytes()) {
            Ok(Some(file)) => locked.push((file, name.to_owned())),
            Ok(None) => return Err(Error::with(Reason::Busy, "an upload into the folder is under way")),
            Err(e) if e.reason == Reason::NotFound => {}
            Err(e) => return Err(e),
        }
    }
    let mut moved: Vec<(Vec<u8>, CString)> = Vec::new();
    let mut outcome = Ok(());
    for (_, part) in &locked {
        let aside = names::temp(random()?);
        match renameat(&folder, part.as_c_str(), parent, aside.as_slice()) {
            Ok(()) => moved.push((aside, part.clone())),
            Err(e) => outcome = Err(call_error(e)),
        }
    }
    let outcome = outcome.and_then(|()| unlinkat(parent, name, AtFlags::REMOVEDIR).map_err(call_error));
    for (aside, part) in moved {
        let _ = match &outcome {
            Ok(()) => unlinkat(parent, aside.as_slice(), AtFlags::empty()),
            Err(_) => rename_free(parent, &aside, &folder, part.to_bytes()),
        };
    }
    outcome
}

pub(super) fn rename(inner: &Inner, from: &VPath, to: &VPath, replace: bool) -> Result<(), Error> {
    names::visible(from)?;
    names::creatable(to)?;
    let Some((old_folder, old)) = inner.root.parent(from, Lookup::Full)? else { return Err(Reason::MountPoint.into()) };
    let Some((new_folder, new)) = inner.root.parent(to, Lookup::Full)? else { return Err(Reason::MountPoint.into()) };
    let done = if replace {
        renameat(&old_folder, old.as_slice(), &new_folder, new.as_slice())
    } else {
        rename_free(&old_folder, &old, &new_folder, &new)
    };
    match done {
        Err(Errno::INVAL) => Err(Error::with(Reason::BadName, "a folder cannot be moved into itself")),
        Err(Errno::BUSY) => Err(Reason::MountPoint.into()),
        other => other.map_err(call_error),
    }
}

pub(super) fn read_link(inner: &Inner, path: &VPath) -> Result<Box<[u8]>, Error> {
    names::visible(path)?;
    let no_link = || Error::new(Reason::NotALink);
    let Some((folder, name)) = inner.root.parent(path, Lookup::Full)? else { return Err(no_link()) };
    match readlinkat(&folder, name.as_slice(), Vec::new()) {
        Ok(target) => Ok(target.into_bytes().into()),
        Err(Errno::INVAL) => Err(no_link()),
        Err(e) => Err(call_error(e)),
    }
}

pub(super) fn hard_link(inner: &Inner, path: &VPath, to: &VPath) -> Result<(), Error> {
    names::visible(path)?;
    names::creatable(to)?;
    let Some((old_folder, old)) = inner.root.parent(path, Lookup::Full)? else { return Err(Reason::IsAFolder.into()) };
    let Some((new_folder, new)) = inner.root.parent(to, Lookup::Full)? else { return Err(Reason::Exists.into()) };
    let stands = statat(&old_folder, old.as_slice(), AtFlags::SYMLINK_NOFOLLOW).map_err(call_error)?;
    match FileType::from_raw_mode(stands.st_mode) {
        FileType::RegularFile => {}
        FileType::Directory => return Err(Reason::IsAFolder.into()),
        _ => return Err(Reason::NotRegular.into()),
    }
    linkat(&old_folder, old.as_slice(), &new_folder, new.as_slice(), AtFlags::empty()).map_err(call_error)
}

pub(super) fn link(inner: &Inner, path: &VPath, target: &[u8]) -> Result<(), Error> {
    names::creatable(path)?;
    names::linkable(target)?;
    let Some((folder, name)) = inner.root.parent(path, Lookup::Full)? else { return Err(Reason::Exists.into()) };
    symlinkat(target, &folder, name.as_slice()).map_err(call_error)
}
