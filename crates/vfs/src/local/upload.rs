//! How does a file come to stand on disk whole or not at all? Parts, temporary files and the step that publishes
//! them (promise 1).

use std::fs::File;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use io::body::{BoxFuture, Finish, Sink, Tail};
use rustix::fs::{
    Access, AtFlags, FileType, FlockOperation, Gid, Mode, OFlags, RenameFlags, Statx, Uid, accessat, fchmod, fchown, flock,
    fsync, ftruncate, linkat, openat, renameat, renameat_with, unlinkat,
};
use rustix::io::Errno;
use types::{Error, Reason, VPath, WriteHow};

use super::Inner;
use super::attributes::{facts, facts_at, file_type, mode_of, unique};
use super::pending::Pending;
use super::resolve::{Lookup, Place, call_error};
use super::sync::FolderKey;
use crate::names;
use crate::storage::{Durability, Opened, Owner};
use crate::whole::Whole;

/// How often a name is tried again that others make and remove meanwhile.
const RETRIES: usize = 16;

/// An upload under way. Dropped without [`Finish::commit`], it aborts.
pub(super) struct Upload {
    inner: Arc<Inner>,
    file: Arc<File>,
    /// How it ends; taken away by a commit that went well.
    end: Option<End>,
    /// What is there without a hole, where it is not written from the beginning on.
    whole: Option<Whole>,
}

/// An upload that has begun.
pub(super) struct Begun {
    pub(super) upload: Upload,
    path: VPath,
    /// The byte writing starts at.
    pub(super) at: u64,
    before: u64,
}

/// What a commit does besides making the bytes stay.
pub(super) enum End {
    /// The file gets its name.
    Appear(Publish),
    /// It has it: it was written in place, and must still be what the name leads to.
    Stand(Standing),
}

/// Where a file stood when it was opened to be written in place. It is locked: who else writes there waits.
pub(super) struct Standing {
    folder: Arc<OwnedFd>,
    name: Vec<u8>,
}

/// How a written file gets its name.
pub(super) struct Publish {
    folder: Arc<OwnedFd>,
    key: FolderKey,
    /// The hidden name it has.
    hidden: Vec<u8>,
    /// The name it will have.
    name: Vec<u8>,
    /// Permission bits it gets only at the end, because it could not be resumed with them.
    mode: Option<u32>,
    /// What happens when the name is taken.
    taken: Taken,
    /// Whether it is kept for its owner when it is interrupted.
    keep: bool,
    /// Keeps others from choosing the same name.
    _pending: Pending,
}

/// What publishing does to what has the name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Taken {
    /// It is replaced: it stood when the upload began, or was made since.
    Replace,
    /// It stays, and the upload fails.
    Refuse,
}

/// What an attempt to have a part for oneself came to.
enum Claim {
    Fresh(File, Statx),
    Resumed(File, Statx),
    Locked,
    Absent,
}

/// Opens a file for writing; runs on the blocking pool.
pub(super) fn open(inner: &Arc<Inner>, path: &VPath, how: WriteHow, mode: u32, owner: &Owner) -> Result<Opened, Error> {
    let Begun { upload, path, at, before } = begin(inner, path, how, mode, owner)?;
    let file = Arc::clone(&upload.file);
    Ok(Opened { sink: Sink::from_file(file, at, upload), path, at, before })
}

/// Begins an upload; runs on the blocking pool.
pub(super) fn begin(inner: &Arc<Inner>, path: &VPath, how: WriteHow, mode: u32, owner: &Owner) -> Result<Begun, Error> {
    if path.is_root() {
        return Err(Reason::IsAFolder.into());
    }
    names::creatable(path)?;
    let mode = inner.settings.file_mode.unwrap_or(mode) & 0o777;
    if how == WriteHow::Unique {
        return open_unique(inner, path, mode, owner);
    }
    let place = inner.root.place(path, Lookup::Full)?;
    if how == WriteHow::New && place.followed {
        return Err(Reason::Exists.into());
    }
    match place.stands.as_ref().map(file_type) {
        None => open_absent(inner, path, place, how, mode, owner),
        Some(FileType::RegularFile) => open_standing(inner, path, place, how),
        Some(_) if how == WriteHow::New => Err(Reason::Exists.into()),
        Some(FileType::Directory) => Err(Reason::IsAFolder.into()),
        Some(_) => Err(Reason::NotRegular.into()),
    }
}

fn open_standing(inner: &Arc<Inner>, path: &VPath, place: Place, how: WriteHow) -> Result<Begun, Error> {
    let Place { folder, name, stands: Some(old), .. } = place else { return Err(Reason::NotFound.into()) };
    match how {
        WriteHow::New | WriteHow::Unique => Err(Reason::Exists.into()),
        WriteHow::Replace => {
            // Renaming asks only the folder; a file that may not be written is not to be replaced either.
            accessat(&folder, name.as_slice(), Access::WRITE_OK, AtFlags::EACCESS).map_err(call_error)?;
            let (file, hidden, made) = temporary(&folder, mode_of(&old) & 0o777)?;
            inherit(&file, &made, &old);
            let pending = inner.pending.add(inner.root.key(&folder)?, &name);
            let publish = Publish {
                key: pending.folder(),
                folder,
                hidden,
                name,
                mode: None,
                taken: Taken::Replace,
                keep: false,
                _pending: pending,
            };
            Ok(opened(inner, file, End::Appear(publish), path.clone(), 0, old.stx_size))
        }
        WriteHow::Append | WriteHow::At(_) => {
            let flags = OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
            let file = File::from(openat(&folder, name.as_slice(), flags, Mode::empty()).map_err(call_error)?);
            // Two that write at the same place would take each other's bytes; the size counts once it is locked.
            if !lock(&file)? {
                return Err(Error::with(Reason::Busy, "another upload writes to this file"));
            }
            let now = facts(&file).map_err(call_error)?;
            if file_type(&now) != FileType::RegularFile {
                return Err(Reason::NotRegular.into());
            }
            let at = if let WriteHow::At(at) = how { at } else { now.stx_size };
            if at > now.stx_size {
                return Err(Reason::BeyondEnd.into());
            }
            Ok(opened(inner, file, End::Stand(Standing { folder, name }), path.clone(), at, now.stx_size))
        }
    }
}

fn open_absent(inner: &Arc<Inner>, path: &VPath, place: Place, how: WriteHow, mode: u32, owner: &Owner) -> Result<Begun, Error> {
    let Place { folder, name, .. } = place;
    let from = if let WriteHow::At(at) = how { at } else { 0 };
    let pending = inner.pending.add(inner.root.key(&folder)?, &name);
    let claim = match names::part(owner, &name) {
        Some(part) => Some((claim(&folder, &part, mode, from == 0)?, part)),
        None => None,
    };
    let (file, hidden, made, at, before, keep) = match claim {
        Some((Claim::Fresh(file, made), part)) => (file, part, made, 0, 0, true),
        Some((Claim::Resumed(file, made), part)) => {
            let size = made.stx_size;
            let at = if how == WriteHow::Append { size } else { from };
            if at > size {
                return Err(Reason::BeyondEnd.into());
            }
            if at < size {
                ftruncate(&file, at).map_err(call_error)?;
            }
            (file, part, made, at, size, true)
        }
        Some((Claim::Locked, _)) if how == WriteHow::Append || from > 0 => {
            return Err(Error::with(Reason::Busy, "another upload of this file by the same user is under way"));
        }
        _ if from > 0 => return Err(Reason::BeyondEnd.into()),
        _ => {
            let (file, hidden, made) = temporary(&folder, mode)?;
            (file, hidden, made, 0, 0, false)
        }
    };
    let late = settle_mode(&file, &made, mode)?;
    // Who appends never takes bytes away, and so replaces nothing that others made meanwhile.
    let taken = if matches!(how, WriteHow::New | WriteHow::Append) { Taken::Refuse } else { Taken::Replace };
    let publish = Publish { key: pending.folder(), folder, hidden, name, mode: late, taken, keep, _pending: pending };
    Ok(opened(inner, file, End::Appear(publish), path.clone(), at, before))
}

fn open_unique(inner: &Arc<Inner>, path: &VPath, mode: u32, owner: &Owner) -> Result<Begun, Error> {
    let Some((folder, wish)) = inner.root.parent(path, Lookup::Full)? else { return Err(Reason::IsAFolder.into()) };
    let key = inner.root.key(&folder)?;
    for name in names::candidates(&wish) {
        let Some(pending) = inner.pending.add_alone(key, &name) else { continue };
        if inner.root.entry(&folder, &name, Lookup::Full)?.is_some() {
            continue;
        }
        let (file, hidden, made, keep) = match names::part(owner, &name) {
            // An interrupted upload of one's own has the name already.
            Some(part) => match claim_once(&folder, &part, mode)? {
                Some(Claim::Fresh(file, made)) => (file, part, made, true),
                _ => continue,
            },
            None => {
                let (file, hidden, made) = temporary(&folder, mode)?;
                (file, hidden, made, false)
            }
        };
        let late = settle_mode(&file, &made, mode)?;
        let as_named = path.parent().unwrap_or_else(VPath::root).join(&name)?;
        let publish = Publish { folder, key, hidden, name, mode: late, taken: Taken::Refuse, keep, _pending: pending };
        return Ok(opened(inner, file, End::Appear(publish), as_named, 0, 0));
    }
    Err(Reason::Exists.into())
}

fn opened(inner: &Arc<Inner>, file: File, end: End, path: VPath, at: u64, before: u64) -> Begun {
    Begun { upload: Upload::new(inner, &Arc::new(file), end), path, at, before }
}

/// The owner's part, made or gone on with, and locked.
fn claim(folder: &OwnedFd, part: &[u8], mode: u32, create: bool) -> Result<Claim, Error> {
    for _ in 0..RETRIES {
        if create && let Some(claim) = claim_once(folder, part, mode)? {
            return Ok(claim);
        }
        let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match openat(folder, part, flags, Mode::empty()) {
            Ok(fd) => File::from(fd),
            Err(Errno::NOENT) if create => continue,
            Err(Errno::NOENT) => return Ok(Claim::Absent),
            Err(e) => return Err(call_error(e)),
        };
        if !lock(&file)? {
            return Ok(Claim::Locked);
        }
        let here = facts(&file).map_err(call_error)?;
        match facts_at(folder, part, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(named) if unique(&named) == unique(&here) && file_type(&here) == FileType::RegularFile => {
                return Ok(Claim::Resumed(file, here));
            }
            // It was published or swept between opening and locking.
            _ => {}
        }
    }
    Ok(Claim::Locked)
}

/// Makes a hidden file that is not there yet and locks it; `None` where the name is taken.
fn claim_once(folder: &OwnedFd, hidden: &[u8], mode: u32) -> Result<Option<Claim>, Error> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    // Whatever its bits will be, its owner must be able to go on with it.
    let file = match openat(folder, hidden, flags, Mode::from_raw_mode(mode | 0o600)) {
        Ok(fd) => File::from(fd),
        Err(Errno::EXIST) => return Ok(None),
        Err(e) => return Err(call_error(e)),
    };
    if !lock(&file)? {
        return Ok(None);
    }
    let made = facts(&file).map_err(call_error)?;
    // The sweeper may have taken it for a leftover before it was locked.
    Ok((made.stx_nlink > 0).then_some(Claim::Fresh(file, made)))
}

fn temporary(folder: &OwnedFd, mode: u32) -> Result<(File, Vec<u8>, Statx), Error> {
    for _ in 0..RETRIES {
        let hidden = names::temp(super::random()?);
        if let Some(Claim::Fresh(file, made)) = claim_once(folder, &hidden, mode)? {
            return Ok((file, hidden, made));
        }
    }
    Err(Error::with(Reason::Busy, "no temporary name could be had"))
}

fn lock(file: &File) -> Result<bool, Error> {
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(e) => Err(call_error(e)),
    }
}

/// Gives a new file the bits that were asked for, whatever the process's umask took; bits that would keep its
/// owner from going on with it are left for the end and returned.
fn settle_mode(file: &File, made: &Statx, mode: u32) -> Result<Option<u32>, Error> {
    if mode_of(made) != mode | 0o600 {
        fchmod(file, Mode::from_raw_mode(mode | 0o600)).map_err(call_error)?;
    }
    Ok((mode & 0o600 != 0o600).then_some(mode))
}

/// Gives a replacement the owner, group and bits of what it replaces, as far as the system lets this process.
fn inherit(file: &File, made: &Statx, old: &Statx) {
    if (made.stx_uid, made.stx_gid) != (old.stx_uid, old.stx_gid) {
        let group = Some(Gid::from_raw(old.stx_gid));
        if fchown(file, Some(Uid::from_raw(old.stx_uid)), group).is_err() {
            // Only root gives files away; a group one is in may be given by everybody.
            let _ = fchown(file, None, group);
        }
    }
    if mode_of(made) != mode_of(old) & 0o777 {
        let _ = fchmod(file, Mode::from_raw_mode(mode_of(old) & 0o777));
    }
}

impl Upload {
    pub(super) fn new(inner: &Arc<Inner>, file: &Arc<File>, end: End) -> Self {
        Self { inner: Arc::clone(inner), file: Arc::clone(file), end: Some(end), whole: None }
    }

    pub(super) const fn file(&self) -> &Arc<File> {
        &self.file
    }

    /// What is there without a hole: of one that is written at any place.
    pub(super) fn whole(&mut self) -> &mut Whole {
        self.whole.get_or_insert_default()
    }

    /// Permission bits for a file that has yet to appear: it gets them then, and can be gone on with until then. False
    /// for one that stands.
    pub(super) const fn set_mode(&mut self, mode: u32) -> bool {
        match &mut self.end {
            Some(End::Appear(publish)) => {
                publish.mode = Some(mode & 0o777);
                true
            }
            _ => false,
        }
    }

    /// All of a commit but the folder's sync; blocks. Yields the folder that is to be synced.
    pub(super) fn publish(mut self) -> Result<Option<(FolderKey, OwnedFd)>, Error> {
        let sync = self.inner.settings.durability == Durability::Commit;
        if let Some(End::Appear(Publish { mode: Some(mode), .. })) = &self.end {
            fchmod(&self.file, Mode::from_raw_mode(*mode)).map_err(call_error)?;
        }
        if sync {
            fsync(&self.file).map_err(call_error)?;
        }
        match &self.end {
            Some(End::Appear(publish)) => publish.rename()?,
            Some(End::Stand(standing)) => standing.still_holds(&self.file)?,
            None => {}
        }
        let Some(End::Appear(publish)) = self.end.take() else { return Ok(None) };
        if !sync {
            return Ok(None);
        }
        match openat(&publish.folder, c".", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()) {
            Ok(folder) => Ok(Some((publish.key, folder))),
            // A drop box may be entered and not read: the file's own sync carries its new name on journaling disks.
            Err(Errno::ACCESS) => fsync(&self.file).map_err(call_error).map(|()| None),
            Err(e) => Err(call_error(e)),
        }
    }
}

impl Finish for Upload {
    fn commit(self: Box<Self>, tail: Tail) -> BoxFuture<'static, Result<(), Error>> {
        Box::pin(async move {
            let inner = Arc::clone(&self.inner);
            match inner
                .brief(move || {
                    tail.write()?;
                    self.publish()
                })
                .await?
            {
                Some((key, folder)) => inner.syncs.sync(key, folder).await,
                None => Ok(()),
            }
        })
    }
}

impl Standing {
    pub(super) const fn new(folder: Arc<OwnedFd>, name: Vec<u8>) -> Self {
        Self { folder, name }
    }

    /// Whether what was written can be found. A file that was moved is fine, as long as nothing took its place.
    fn still_holds(&self, file: &File) -> Result<(), Error> {
        let here = facts(file).map_err(call_error)?;
        let found = match facts_at(&self.folder, &self.name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(named) => unique(&named) == unique(&here),
            Err(Errno::NOENT) => here.stx_nlink > 0,
            Err(e) => return Err(call_error(e)),
        };
        if found { Ok(()) } else { Err(Error::with(Reason::Busy, "the file was replaced or removed while it was written to")) }
    }
}

impl Publish {
    fn unlink(&self) {
        let _ = unlinkat(&self.folder, self.hidden.as_slice(), AtFlags::empty());
    }

    fn rename(&self) -> Result<(), Error> {
        let (folder, hidden, name) = (&self.folder, self.hidden.as_slice(), self.name.as_slice());
        if self.taken == Taken::Replace {
            return renameat(folder, hidden, folder, name).map_err(call_error);
        }
        rename_free(folder, hidden, folder, name).map_err(call_error)
    }
}

/// Renames to a name that must be free, in one step; where the file system knows no such step, by a second name.
pub(super) fn rename_free(from: &OwnedFd, old: &[u8], to: &OwnedFd, new: &[u8]) -> Result<(), Errno> {
    match renameat_with(from, old, to, new, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS) => match linkat(from, old, to, new, AtFlags::empty()) {
            Ok(()) => unlinkat(from, old, AtFlags::empty()),
            // A folder has only one name: it was moved into itself, or cannot be moved in one step here.
            Err(Errno::PERM | Errno::ISDIR) => Err(Errno::INVAL),
            Err(e) => Err(e),
        },
        other => other,
    }
}

impl Drop for Upload {
    /// An upload that was not committed: its part is kept for its owner if there is something in it.
    fn drop(&mut self) {
        let Some(End::Appear(publish)) = self.end.take() else { return };
        if publish.keep {
            if let Some(whole) = self.whole.take() {
                // Bytes behind a hole are worth nothing: who goes on with it goes on from its end.
                let _ = ftruncate(&self.file, whole.end());
            }
            if facts(&self.file).is_ok_and(|f| f.stx_size == 0) {
                publish.unlink();
            }
            return;
        }
        // The last name and the last handle go together, and freeing a large file takes its time.
        let file = Arc::clone(&self.file);
        io::task::detach_blocking(move || {
            publish.unlink();
            drop(file);
        });
    }
}
