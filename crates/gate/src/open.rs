//! A file that is open at any place: what its user may do with it while it is, and what is counted.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use io::meter::Meter;
use types::{Attr, AttrChange, Direction, Error, OpenHow, Reason, VPath};
use vfs::file::{File, OpenOrder};
use vfs::storage::Owner;

use crate::access::{Access, Ask, Flow, Pass};
use crate::permission::Permissions;
use crate::permit::{Outcome, Permit};
use crate::verdict::Need;

/// An open file. Closing it settles its permit; dropped, it aborts and the permit is settled as abandoned.
pub struct OpenFile {
    access: Access,
    path: VPath,
    file: Arc<dyn File>,
    permit: Permit,
    meter: Meter,
    /// One byte beyond the last that may be written.
    most: u64,
    /// Where it ends, of one that appends: its writes go there, wherever they ask to go.
    end: Option<AtomicU64>,
    /// The first failure, for the audit trail.
    failed: OnceLock<Reason>,
}

impl Access {
    /// Opens a file for reading and writing at any place.
    ///
    /// # Errors
    /// The door's and the storage's.
    pub async fn open(&self, path: &VPath, how: OpenHow) -> Result<OpenFile, Error> {
        let writing = Permissions::WRITE | Permissions::OVERWRITE | Permissions::APPEND;
        let need = match (how.read, how.write) {
            (true, true) => Need::AllAndAny(Permissions::READ, writing),
            (false, true) => Need::Any(writing),
            (_, false) => Need::All(Permissions::READ),
        };
        let (verb, direction) = match (how.write, how.append) {
            (false, _) => ("read", Direction::Out),
            (true, false) => ("write", Direction::In),
            (true, true) => ("append", Direction::In),
        };
        let pass = self.enter(Ask::new(verb, path, need).moving(Flow::Body(direction))).await?;
        let opened = async {
            let how = if how.write { self.narrow_open(&pass, how).await? } else { how };
            let order = OpenOrder { how, mode: how.mode.unwrap_or(0o666) & 0o777 & !self.umask(), owner: self.owner() };
            let file = pass.storage().open(&pass.path, order).await?;
            let end = if how.append { Some(AtomicU64::new(file.attr().await?.size)) } else { None };
            Ok((file, end))
        };
        match opened.await {
            Ok((file, end)) => {
                let most = if how.write { pass.view.who.file_size.unwrap_or(u64::MAX) } else { 0 };
                let Pass { permit, .. } = pass;
                let meter = permit.meter().cloned().unwrap_or_default();
                let (access, path, failed) = (self.clone(), path.clone(), OnceLock::new());
                Ok(OpenFile { access, path, file, permit, meter, most, end, failed })
            }
            Err(e) => Err(pass.permit.fail(e)),
        }
    }

    /// What of the wish the user may have here. Where only a new file may be made, nothing may stand there, and it is
    /// the storage that sees to it in one step with the making.
    async fn narrow_open(&self, pass: &Pass, how: OpenHow) -> Result<OpenHow, Error> {
        let allowed = pass.view.allowed(&pass.path);
        let denied = |what: Permissions| Err(Error::with(Reason::Denied, format!("{} needs: {what}", pass.path)));
        let (new, over, more) =
            (allowed.has(Permissions::WRITE), allowed.has(Permissions::OVERWRITE), allowed.has(Permissions::APPEND));
        if new && over && more {
            return Ok(how);
        }
        if how.create && how.exclusive {
            return if new { Ok(how) } else { denied(Permissions::WRITE) };
        }
        // As a stranger, who sees no unfinished uploads: going on with one's own is still making a new file.
        match pass.storage().stat(&pass.path, true, &Owner(None)).await {
            Ok(_) if how.append && !how.truncate => {
                if more {
                    Ok(OpenHow { create: false, ..how })
                } else {
                    denied(Permissions::APPEND)
                }
            }
            Ok(_) if over => Ok(OpenHow { create: how.create && new, ..how }),
            Ok(_) => denied(Permissions::OVERWRITE),
            Err(e) if e.reason == Reason::NotFound && !how.create => Ok(how), // the storage says so
            Err(e) if e.reason == Reason::NotFound && new => Ok(OpenHow { exclusive: !over, ..how }),
            Err(e) if e.reason == Reason::NotFound => denied(Permissions::WRITE),
            Err(e) => Err(e),
        }
    }
}

impl OpenFile {
    /// Its name when it was opened.
    pub const fn path(&self) -> &VPath {
        &self.path
    }

    /// Counts the bytes, and carries the token that stops it.
    pub const fn meter(&self) -> &Meter {
        &self.meter
    }

    /// Which way its bytes go in the main.
    pub fn direction(&self) -> Direction {
        self.permit.direction().unwrap_or(Direction::Out)
    }

    fn tell<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        if let Err(e) = &result {
            let _ = self.failed.set(e.reason);
        }
        result
    }

    /// Waits until so many bytes may move; all at once where there is no rate.
    async fn grant(&self, bytes: usize) -> Result<(), Error> {
        let mut left = bytes;
        while left > 0 {
            let granted = self.meter.grant(left).await.map_err(|_| Error::new(self.access.why().unwrap_or(Reason::Cancelled)))?;
            left -= granted.min(left);
        }
        Ok(())
    }

    /// Reads up to `length` bytes from byte `at` on, behind `room` zeros that the caller fills.
    ///
    /// # Errors
    /// The storage's; [`Reason::Cancelled`] or why the session ends, once the transfer is stopped.
    pub async fn read(&self, at: u64, length: usize, room: usize) -> Result<Vec<u8>, Error> {
        self.grant(length).await?;
        let bytes = self.tell(self.file.read(at, length, room).await)?;
        let came = bytes.len().saturating_sub(room);
        self.meter.count(came);
        self.meter.give_back(length.saturating_sub(came));
        Ok(bytes)
    }

    /// Writes all of it from byte `at` on; at the end where it was opened to append.
    ///
    /// # Errors
    /// The storage's; [`Reason::TooLarge`]; [`Reason::Cancelled`] or why the session ends, once it is stopped.
    pub async fn write(&self, at: u64, bytes: Bytes) -> Result<(), Error> {
        let length = bytes.len();
        let beyond = |at: u64| at.checked_add(length as u64).filter(|end| *end <= self.most);
        let fits = match &self.end {
            Some(end) => end.fetch_update(Ordering::AcqRel, Ordering::Acquire, beyond).is_ok(),
            None => beyond(at).is_some(),
        };
        if !fits {
            return self.tell(Err(Reason::TooLarge.into()));
        }
        self.grant(length).await?;
        self.tell(self.file.write(at, bytes).await)?;
        self.meter.count(length);
        Ok(())
    }

    /// What it is now.
    ///
    /// # Errors
    /// The storage's.
    pub async fn attr(&self) -> Result<Attr, Error> {
        self.file.attr().await
    }

    /// Makes what was written stay.
    ///
    /// # Errors
    /// The storage's.
    pub async fn sync(&self) -> Result<(), Error> {
        self.tell(self.file.sync().await)
    }

    /// Changes its size, which needs no more than to write it, and then attributes, which needs the permission to.
    ///
    /// # Errors
    /// The door's and the storage's.
    pub async fn set_attr(&self, size: Option<u64>, change: &AttrChange) -> Result<(), Error> {
        if size.is_some_and(|size| size > self.most) {
            return Err(Reason::TooLarge.into());
        }
        if let (Some(end), Some(size)) = (&self.end, size) {
            end.store(size, Ordering::Release);
        }
        if *change == AttrChange::default() {
            return self.tell(self.file.set_attr(size, change).await);
        }
        let pass = self.access.enter(Ask::new("set", &self.path, Need::All(Permissions::SET_ATTR))).await?;
        let result = if change.mode.is_some_and(|mode| mode & 0o6000 != 0) {
            Err(Error::with(Reason::Denied, "set-user-id and set-group-id bits are not set from outside"))
        } else {
            self.file.set_attr(size, change).await
        };
        pass.settle(result)
    }

    /// Closes it: what was made or emptied stands under its name then, and the permit is settled.
    ///
    /// # Errors
    /// The storage's, and why it was stopped; nothing was published then.
    pub async fn close(self) -> Result<(), Error> {
        let result = if self.meter.is_cancelled() {
            Err(Error::new(self.access.why().unwrap_or(Reason::Cancelled)))
        } else {
            self.file.close().await
        };
        let first = self.failed.get().copied();
        let failed = result.as_ref().err().map(|e| e.reason).or(first);
        self.permit.settle(failed.map_or(Outcome::Done, Outcome::Failed));
        result
    }
}
