//! A file of the disk that is open at any place: read and written where the caller runs while the disk is quick.

use std::fs::File as Disk;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use io::body::BoxFuture;
use rustix::buffer::spare_capacity;
use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags, flock, fsync, ftruncate, openat};
use rustix::io::{Errno, pread, pwrite};
use types::{Attr, AttrChange, Error, OpenHow, Reason, VPath, WriteHow};

use super::attributes::{self, attr, facts, facts_at};
use super::resolve::{Lookup, Place, call_error};
use super::upload::{self, End, Standing, Upload};
use super::{Inner, hop, readable};
use crate::file::File;
use crate::names;
use crate::storage::Owner;
use crate::whole::Whole;

/// An open file.
pub(super) struct Handle {
    inner: Arc<Inner>,
    file: Arc<Disk>,
    how: OpenHow,
    /// Where the next bytes of one that appends go.
    end: AtomicU64,
    /// Something was written or changed.
    dirty: AtomicBool,
    /// How it ends, where it is written; taken away by the closing.
    ending: Mutex<Option<Upload>>,
}

/// Opens a file for reading alone.
pub(super) fn reading(inner: &Arc<Inner>, file: Disk) -> Handle {
    Handle::new(inner, Arc::new(file), OpenHow { read: true, ..OpenHow::default() }, 0, None)
}

/// Opens a file for writing, or for both; runs on the blocking pool.
pub(super) fn writing(inner: &Arc<Inner>, path: &VPath, how: OpenHow, mode: u32, owner: &Owner) -> Result<Handle, Error> {
    if path.is_root() {
        return Err(Reason::IsAFolder.into());
    }
    names::creatable(path)?;
    let place = inner.root.place(path, Lookup::Full)?;
    let exclusive = how.create && how.exclusive;
    if exclusive && (place.followed || place.stands.is_some()) {
        return Err(Reason::Exists.into());
    }
    if let Some(stands) = &place.stands {
        readable(stands)?;
        if !how.truncate {
            return in_place(inner, place, how);
        }
    }
    let as_upload = match (exclusive, how.truncate) {
        (true, _) => WriteHow::New,
        (false, true) => WriteHow::Replace,
        // What is there of one's own is gone on with, wherever the client chooses to.
        (false, false) => WriteHow::Append,
    };
    if place.stands.is_none() && !how.create {
        // One's own unfinished upload is a file to oneself.
        let part = names::part(owner, &place.name).ok_or(Reason::NotFound)?;
        facts_at(&place.folder, &part, AtFlags::SYMLINK_NOFOLLOW).map_err(call_error)?;
    }
    let begun = upload::begin(inner, path, as_upload, mode, owner)?;
    let file = Arc::clone(begun.upload.file());
    let handle = Handle::new(inner, file, how, begun.at, Some(begun.upload));
    handle.dirty.store(true, Ordering::Relaxed); // it is new, or emptied
    Ok(handle)
}

/// Opens what stands. Several may have it open so at the same time, as on any disk; only an upload that counts on being
/// alone (APPE, REST) excludes them.
fn in_place(inner: &Arc<Inner>, place: Place, how: OpenHow) -> Result<Handle, Error> {
    let Place { folder, name, .. } = place;
    let access = if how.read { OFlags::RDWR } else { OFlags::WRONLY };
    let flags = access | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = Disk::from(openat(&folder, name.as_slice(), flags, Mode::empty()).map_err(call_error)?);
    match flock(&file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => {}
        Err(Errno::WOULDBLOCK) => return Err(Error::with(Reason::Busy, "another upload writes to this file")),
        Err(e) => return Err(call_error(e)),
    }
    let now = facts(&file).map_err(call_error)?;
    readable(&now)?;
    let file = Arc::new(file);
    let upload = Upload::new(inner, &file, End::Stand(Standing::new(folder, name)));
    Ok(Handle::new(inner, file, how, now.stx_size, Some(upload)))
}

impl Handle {
    fn new(inner: &Arc<Inner>, file: Arc<Disk>, how: OpenHow, end: u64, ending: Option<Upload>) -> Self {
        let ending = Mutex::new(ending);
        Self { inner: Arc::clone(inner), file, how, end: AtomicU64::new(end), dirty: AtomicBool::new(false), ending }
    }

    fn whole(&self, tell: impl FnOnce(&mut Whole)) {
        if let Some(upload) = self.ending.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            tell(upload.whole());
        }
    }

    /// Whether it is one that can be written.
    fn may_write(&self) -> Result<(), Error> {
        if self.how.write { Ok(()) } else { Err(Reason::HandleMode.into()) }
    }
}

/// Reads until there is enough, or no more.
fn read_at(file: &Disk, at: u64, length: usize, room: usize) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::with_capacity(room + length);
    bytes.resize(room, 0);
    while bytes.len() < room + length {
        let place = at.saturating_add((bytes.len() - room) as u64);
        match pread(file, spare_capacity(&mut bytes), place) {
            Ok(0) => break,
            Ok(_) | Err(Errno::INTR) => {}
            // Beyond what any file can be.
            Err(Errno::INVAL | Errno::OVERFLOW) if i64::try_from(place).is_err() => break,
            Err(e) => return Err(std::io::Error::from(e).into()),
        }
    }
    // The room that is there may be more than was asked for.
    bytes.truncate(room + length);
    Ok(bytes)
}

fn write_at(file: &Disk, mut at: u64, bytes: &[u8]) -> Result<(), Error> {
    let mut rest = bytes;
    while !rest.is_empty() {
        match pwrite(file, rest, at) {
            Ok(0) => return Err(Error::with(Reason::Io, "the file takes no more bytes")),
            Ok(n) => {
                rest = rest.get(n..).unwrap_or_default();
                at += n as u64;
            }
            Err(Errno::INTR) => {}
            Err(Errno::INVAL | Errno::OVERFLOW | Errno::FBIG) => return Err(Reason::TooLarge.into()),
            Err(e) => return Err(std::io::Error::from(e).into()),
        }
    }
    Ok(())
}

impl File for Handle {
    fn attr(&self) -> BoxFuture<'_, Result<Attr, Error>> {
        // The kernel knows an open file's without asking the disk.
        let found = facts(&self.file).map(|f| attr(&f)).map_err(call_error);
        Box::pin(std::future::ready(found))
    }

    fn read(&self, at: u64, length: usize, room: usize) -> BoxFuture<'_, Result<Vec<u8>, Error>> {
        Box::pin(async move {
            // One that is written alone can be looked at by nobody, its own writer included.
            if !self.how.read {
                return Err(Reason::HandleMode.into());
            }
            let file = Arc::clone(&self.file);
            self.inner.reads.run(move || read_at(&file, at, length, room)).await?
        })
    }

    fn write(&self, at: u64, bytes: Bytes) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            self.may_write()?;
            let length = bytes.len() as u64;
            // Places at the end are given out in the order of the calls, so that several writes lie behind each other.
            let at = if self.how.append { self.end.fetch_add(length, Ordering::AcqRel) } else { at };
            if at.checked_add(length).is_none_or(|end| i64::try_from(end).is_err()) {
                return Err(Reason::TooLarge.into());
            }
            self.dirty.store(true, Ordering::Relaxed);
            let file = Arc::clone(&self.file);
            self.inner.pace.run(move || write_at(&file, at, &bytes)).await??;
            self.whole(|whole| whole.add(at, length));
            Ok(())
        })
    }

    fn sync(&self) -> BoxFuture<'_, Result<(), Error>> {
        let file = Arc::clone(&self.file);
        Box::pin(async move {
            self.may_write()?;
            hop(move || fsync(&file).map_err(call_error)).await
        })
    }

    fn set_attr<'a>(&'a self, size: Option<u64>, change: &'a AttrChange) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            if let Some(size) = size {
                self.may_write()?;
                let file = Arc::clone(&self.file);
                hop(move || {
                    ftruncate(&file, size).map_err(|e| match e {
                        Errno::INVAL | Errno::FBIG => Reason::TooLarge.into(),
                        e => call_error(e),
                    })
                })
                .await?;
                self.whole(|whole| whole.resize(size));
                self.end.store(size, Ordering::Release);
                self.dirty.store(true, Ordering::Relaxed);
            }
            if *change == AttrChange::default() {
                return Ok(());
            }
            if let Some(mode) = change.mode
                && let Some(upload) = self.ending.lock().unwrap_or_else(PoisonError::into_inner).as_mut()
                && upload.set_mode(mode)
            {
                let rest = AttrChange { mode: None, ..change.clone() };
                return attributes::change_open(&self.file, &rest).map(drop);
            }
            let (file, change) = (Arc::clone(&self.file), change.clone());
            hop(move || attributes::change_open(&file, &change).map(drop)).await
        })
    }

    fn close(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            let Some(upload) = self.ending.lock().unwrap_or_else(PoisonError::into_inner).take() else { return Ok(()) };
            if !self.dirty.load(Ordering::Relaxed) {
                return Ok(()); // it was not touched, and there is nothing that could be lost
            }
            let inner = Arc::clone(&self.inner);
            match self.inner.brief(move || upload.publish()).await? {
                Some((key, folder)) => inner.syncs.sync(key, folder).await,
                None => Ok(()),
            }
        })
    }
}

/// Whether this opens without changing anything.
pub(super) const fn only_reads(how: OpenHow) -> bool {
    !how.write && !how.append && !how.truncate && !how.create
}
