//! What does each request lead to: something asked of the gate, work on a handle, or an answer at once?

use bytes::{Bytes, BytesMut};
use types::{Error, Op, OpenHow, Reason, VPath};

use super::exchange::Work;
use super::handles::Pending;
use super::session::{Session, Then};
use crate::sftp::attrs::Attrs;
use crate::sftp::digest::Digest;
use crate::sftp::extension::{Check, Extension};
use crate::sftp::reply::{Name, Reply, names};
use crate::sftp::request::{OpenFlags, Request};
use crate::sftp::wire::{Reader, put_string};
use crate::sftp::{MOST_DATA, MOST_PACKET};

/// The furthest a file reaches, as systems count: 2^63 - 1.
const FURTHEST: u64 = i64::MAX as u64;

/// The smallest block that has a digest of its own (draft-ietf-secsh-filexfer-extensions-00 §3).
const SMALLEST_BLOCK: u32 = 256;

/// The most bytes of digests in one answer.
pub(super) const MOST_DIGESTS: usize = 16 * 1_024;

impl Session {
    pub(super) fn request(&mut self, id: u32, request: Request<'_>, packet: &Bytes) -> Result<(), Error> {
        match request {
            Request::Open { path, flags, attrs } => self.open_file(id, path, flags, attrs)?,
            Request::Opendir { path } => {
                let path = self.place(path)?;
                self.reserve_handle()?;
                self.ask(id, Op::List { path: path.clone() }, Then::Folder { path });
            }
            Request::Close { handle } => {
                let slot = self.handles.find(handle)?;
                self.close_handle(id, slot);
            }
            Request::Read { handle, offset, length } => self.read_file(id, handle, offset, length)?,
            Request::Write { handle, offset, data } => {
                let data = packet.slice_ref(data);
                self.write_file(id, handle, offset, data)?;
            }
            Request::Readdir { handle } => {
                let slot = self.handles.find(handle)?;
                if self.handles.get(slot).is_some_and(|open| open.is_file()) {
                    return Err(Error::with(Reason::HandleMode, "it is a file"));
                }
                self.work(slot, Pending { id, work: Work::List, from: None });
            }
            Request::Stat { path } => self.stat(id, path, true)?,
            Request::Lstat { path } => self.stat(id, path, false)?,
            Request::Fstat { handle } => self.work_on_file(id, handle, Work::Stat)?,
            Request::Setstat { path, attrs } => {
                let path = self.place(path)?;
                self.set_attr(id, path, attrs);
            }
            Request::Fsetstat { handle, attrs } => {
                self.work_on_file(id, handle, Work::SetAttr { size: attrs.size, change: attrs.wanted() })?;
            }
            Request::Remove { path } => {
                let op = Op::Remove { path: self.place(path)? };
                self.ask(id, op, Then::Status);
            }
            Request::Mkdir { path, attrs } => {
                let op = Op::MakeDir { path: self.place(path)?, mode: attrs.mode.map(|mode| mode & 0o777) };
                self.ask(id, op, Then::Status);
            }
            Request::Rmdir { path } => {
                let op = Op::RemoveDir { path: self.place(path)? };
                self.ask(id, op, Then::Status);
            }
            Request::Realpath { path } => {
                let path = self.place(path)?;
                self.tell_path(id, &path);
            }
            Request::Rename { from, to } => self.rename(id, from, to, false)?,
            Request::Readlink { path } => {
                let op = Op::ReadLink { path: self.place(path)? };
                self.ask(id, op, Then::Target);
            }
            Request::Symlink { target, link } => {
                let op = Op::Link { path: self.place(link)?, target: target.into() };
                self.ask(id, op, Then::Status);
            }
            Request::Extended(extension) => self.extended(id, extension)?,
        }
        Ok(())
    }

    fn extended(&mut self, id: u32, extension: Extension<'_>) -> Result<(), Error> {
        match extension {
            Extension::PosixRename { from, to } => self.rename(id, from, to, true)?,
            Extension::Statvfs { path } => {
                let op = Op::Space { path: self.place(path)? };
                self.ask(id, op, Then::Statvfs);
            }
            Extension::Fstatvfs { handle } => {
                let slot = self.handles.find(handle)?;
                let path = self.handles.get(slot).map_or_else(VPath::root, |open| open.path.clone());
                // A new file has no name yet, but its folder has.
                let path = path.parent().unwrap_or(path);
                self.ask(id, Op::Space { path }, Then::Statvfs);
            }
            Extension::SpaceAvailable { path } => {
                let op = Op::Space { path: self.place(path)? };
                self.ask(id, op, Then::Available);
            }
            Extension::Hardlink { from, to } => {
                let op = Op::HardLink { path: self.place(from)?, to: self.place(to)? };
                self.ask(id, op, Then::Status);
            }
            Extension::Fsync { handle } => self.work_on_file(id, handle, Work::Sync)?,
            Extension::Lsetstat { path, attrs } => {
                let path = self.place(path)?;
                let change = attrs.wanted();
                self.ask(id, Op::Stat { path: path.clone(), follow: false }, Then::Lsetstat { path, change });
            }
            Extension::Limits => self.tell_limits(id),
            Extension::ExpandPath { path } => {
                let path = self.expand(path)?;
                self.tell_path(id, &path);
            }
            Extension::HomeDirectory { user } => {
                if !user.is_empty() && user != self.settings.user.as_bytes() {
                    return Err(Error::with(Reason::Denied, "another user's home"));
                }
                let home = self.settings.home.clone();
                self.tell_path(id, &home);
            }
            Extension::CopyData { from, from_offset, length, to, to_offset } => {
                self.copy(id, (from, from_offset), length, (to, to_offset))?;
            }
            Extension::UsersGroups { users, groups } => self.tell_nobody(id, users, groups),
            Extension::CheckFileHandle { handle, check } => {
                let slot = self.readable(handle)?;
                let work = self.digest(&check)?;
                self.work(slot, Pending { id, work, from: None });
            }
            Extension::CheckFileName { path, check } => {
                let how = OpenHow { read: true, ..OpenHow::default() };
                let (op, work) = (Op::Open { path: self.place(path)?, how }, self.digest(&check)?);
                self.ask(id, op, Then::Inside(work));
            }
            Extension::Other { .. } => return Err(Reason::OperationUnknown.into()),
        }
        Ok(())
    }

    /// What a name means: below the home if it does not begin with a slash.
    fn place(&self, name: &[u8]) -> Result<VPath, Error> {
        Ok(self.settings.home.join(name)?)
    }

    /// What a name means where `~` is the home.
    fn expand(&self, name: &[u8]) -> Result<VPath, Error> {
        let Some(rest) = name.strip_prefix(b"~") else { return self.place(name) };
        let (user, below) = match rest.iter().position(|&b| b == b'/') {
            Some(slash) => rest.split_at(slash),
            None => (rest, &b""[..]),
        };
        if !user.is_empty() && user != self.settings.user.as_bytes() {
            return Err(Error::with(Reason::Denied, "another user's home"));
        }
        self.place(below.trim_ascii_start().strip_prefix(b"/").unwrap_or(below))
    }

    fn open_file(&mut self, id: u32, path: &[u8], flags: OpenFlags, attrs: Attrs) -> Result<(), Error> {
        let path = self.place(path)?;
        let has = |flag| flags.has(flag);
        let write = has(OpenFlags::WRITE) || has(OpenFlags::APPEND);
        let how = OpenHow {
            // As open(2): who says neither reads.
            read: has(OpenFlags::READ) || !write,
            write,
            append: has(OpenFlags::APPEND),
            create: write && has(OpenFlags::CREATE),
            exclusive: write && has(OpenFlags::CREATE) && has(OpenFlags::EXCLUSIVE),
            truncate: write && has(OpenFlags::TRUNCATE),
            mode: attrs.mode.map(|mode| mode & 0o777),
        };
        if !write && (has(OpenFlags::CREATE) || has(OpenFlags::TRUNCATE)) {
            return Err(Error::with(Reason::RequestArgument, "a file that is only read is neither made nor emptied"));
        }
        self.reserve_handle()?;
        let then = Then::File { path: path.clone(), read: how.read, write, append: how.append };
        self.ask(id, Op::Open { path, how }, then);
        Ok(())
    }

    fn read_file(&mut self, id: u32, handle: &[u8], at: u64, length: u32) -> Result<(), Error> {
        let slot = self.readable(handle)?;
        if at >= FURTHEST {
            self.end_of_file(id);
            return Ok(());
        }
        let length = length.min(u32::try_from(MOST_DATA).unwrap_or(u32::MAX));
        self.reading += 1;
        self.work(slot, Pending { id, work: Work::Read { at, length }, from: None });
        Ok(())
    }

    fn write_file(&mut self, id: u32, handle: &[u8], at: u64, data: Bytes) -> Result<(), Error> {
        let slot = self.writable(handle)?;
        let length = u64::try_from(data.len()).unwrap_or(u64::MAX);
        if at.checked_add(length).is_none_or(|end| end > FURTHEST) {
            return Err(Error::with(Reason::TooLarge, "beyond what a file holds"));
        }
        self.writing += data.len();
        self.work(slot, Pending { id, work: Work::Write { at, data }, from: None });
        Ok(())
    }

    fn readable(&self, handle: &[u8]) -> Result<u32, Error> {
        let slot = self.handles.find(handle)?;
        match self.handles.get(slot) {
            Some(open) if open.may(true) => Ok(slot),
            _ => Err(Error::with(Reason::HandleMode, "it was not opened for reading")),
        }
    }

    fn writable(&self, handle: &[u8]) -> Result<u32, Error> {
        let slot = self.handles.find(handle)?;
        match self.handles.get(slot) {
            Some(open) if open.may(false) => Ok(slot),
            _ => Err(Error::with(Reason::HandleMode, "it was not opened for writing")),
        }
    }

    fn stat(&mut self, id: u32, path: &[u8], follow: bool) -> Result<(), Error> {
        let path = self.place(path)?;
        match self.handles.written(&path) {
            // What was written before it was asked counts: sshfs takes the size for all that can be read.
            Some(slot) => self.work(slot, Pending { id, work: Work::Stat, from: None }),
            None => self.ask(id, Op::Stat { path, follow }, Then::Attrs),
        }
        Ok(())
    }

    /// Work that a file's handle takes and a folder's does not.
    fn work_on_file(&mut self, id: u32, handle: &[u8], work: Work) -> Result<(), Error> {
        let slot = self.handles.find(handle)?;
        let Some(open) = self.handles.get(slot) else { return Err(Reason::HandleUnknown.into()) };
        if !open.is_file() {
            // What is asked of an open folder is asked of its name.
            let path = open.path.clone();
            match work {
                Work::Stat => self.ask(id, Op::Stat { path, follow: true }, Then::Attrs),
                Work::SetAttr { size: None, change } => self.ask(id, Op::SetAttr { path, change }, Then::Status),
                _ => return Err(Error::with(Reason::HandleMode, "it is a folder")),
            }
            return Ok(());
        }
        self.work(slot, Pending { id, work, from: None });
        Ok(())
    }

    /// Attributes by name. The size is a change of the content, so the file is opened for it.
    fn set_attr(&mut self, id: u32, path: VPath, attrs: Attrs) {
        let change = attrs.wanted();
        match attrs.size {
            None => self.ask(id, Op::SetAttr { path, change }, Then::Status),
            size => {
                let how = OpenHow { write: true, ..OpenHow::default() };
                self.ask(id, Op::Open { path, how }, Then::Inside(Work::SetAttr { size, change }));
            }
        }
    }

    fn rename(&mut self, id: u32, from: &[u8], to: &[u8], replace: bool) -> Result<(), Error> {
        let op = Op::Rename { from: self.place(from)?, to: self.place(to)?, replace };
        self.ask(id, op, Then::Status);
        Ok(())
    }

    fn copy(&mut self, id: u32, from: (&[u8], u64), length: u64, to: (&[u8], u64)) -> Result<(), Error> {
        let (source, target) = (self.readable(from.0)?, self.writable(to.0)?);
        let length = (length > 0).then_some(length);
        let longest = length.unwrap_or(0);
        if [from.1, to.1].iter().any(|at| at.checked_add(longest).is_none_or(|end| end > FURTHEST)) {
            return Err(Error::with(Reason::TooLarge, "beyond what a file holds"));
        }
        // The draft forbids a copy onto itself.
        let overlap = |length: u64| from.1 < to.1.saturating_add(length) && to.1 < from.1.saturating_add(length);
        if source == target && overlap(length.unwrap_or(u64::MAX)) {
            return Err(Error::with(Reason::RequestArgument, "the parts to read and to write overlap"));
        }
        let Some(to_file) = self.handles.get(target).map(|open| open.file) else { return Err(Reason::HandleUnknown.into()) };
        if source != target
            && let Some(open) = self.handles.get_mut(source)
        {
            open.pins += 1;
        }
        let work = Work::Copy { at: from.1, length, to: to_file, to_at: to.1 };
        self.work(target, Pending { id, work, from: Some(source) });
        Ok(())
    }

    fn digest(&self, check: &Check<'_>) -> Result<Work, Error> {
        let digest = Digest::choose(check.algorithms, &self.settings.digests).ok_or(Reason::DigestUnknown)?;
        let mut length = (check.length > 0).then_some(check.length);
        let block = (check.block > 0).then_some(check.block);
        if let Some(block) = block {
            if block < SMALLEST_BLOCK {
                return Err(Error::with(Reason::RequestArgument, "a block has 256 bytes at least"));
            }
            // One block more than one answer tells, so that too many are noticed without making them all.
            let blocks = MOST_DIGESTS / digest.length() + 1;
            let most = u64::from(block).saturating_mul(u64::try_from(blocks).unwrap_or(u64::MAX));
            length = Some(length.unwrap_or(u64::MAX).min(most));
        }
        Ok(Work::Digest { digest, at: check.offset.min(FURTHEST), length, block })
    }

    /// NAME with a path and nothing else that is known of it.
    pub(super) fn tell_path(&mut self, id: u32, path: &VPath) {
        self.tell_name(id, path.as_bytes());
    }

    pub(super) fn tell_name(&mut self, id: u32, name: &[u8]) {
        let mut bytes = BytesMut::new();
        Name { name, long: name, attrs: Attrs::default() }.put(&mut bytes);
        self.reply(id, &names(1, &bytes));
    }

    fn tell_limits(&mut self, id: u32) {
        let handles = self.handles.most();
        let body: Vec<u8> = [MOST_PACKET, MOST_DATA, MOST_DATA, handles]
            .iter()
            .flat_map(|&limit| u64::try_from(limit).unwrap_or(u64::MAX).to_be_bytes())
            .collect();
        self.reply(id, &Reply::Extended(&body));
    }

    /// Users and groups have no names here but their numbers: each is answered with an empty one, which says so.
    fn tell_nobody(&mut self, id: u32, users: &[u8], groups: &[u8]) {
        let mut body = BytesMut::new();
        for numbers in [users, groups] {
            let (mut r, mut empty) = (Reader::new(numbers), BytesMut::new());
            while r.u32().is_ok() {
                put_string(b"", &mut empty);
            }
            put_string(&empty, &mut body);
        }
        self.reply(id, &Reply::Extended(&body));
    }
}
