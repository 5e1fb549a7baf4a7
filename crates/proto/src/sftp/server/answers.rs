//! What is a client told when the gate has answered, or work on a handle is done?

use bytes::{BufMut, BytesMut};
use types::{AskId, Error, Kind, Op, Reason, Space, Yield};

use super::exchange::{Done, FileId, Work};
use super::handles::Opened;
use super::requests::MOST_DIGESTS;
use super::session::{Session, Task, Then, Told};
use crate::ftp::listing::{ListOptions, long_line};
use crate::sftp::attrs::Attrs;
use crate::sftp::digest::Digest;
use crate::sftp::errors::Code;
use crate::sftp::reply::{DATA_HEAD, Name, Reply, head_data, names};
use crate::sftp::wire::put_string;

/// The most bytes of names in one answer: some clients take packets of 34,000 bytes and no longer ones, which is what
/// the draft asks of them (draft-ietf-secsh-filexfer-02 §3).
const MOST_NAMES: usize = 32_000;

/// The size of the blocks in which space is told.
const BLOCK: u64 = 4_096;

/// What stands for space without a limit, in bytes: as much as every client can count.
const ENDLESS: u64 = 1 << 60;

impl Session {
    pub(super) fn answered(&mut self, ask: AskId, task: Task, answer: Result<Yield, Error>) {
        let Task { id, claim, then } = task;
        match (then, answer) {
            (Then::Lsetstat { path, change }, Ok(Yield::Attr(attr))) if attr.kind != Kind::Link => {
                return self.ask_on(Task { id, claim, then: Then::Status }, Op::SetAttr { path, change });
            }
            (Then::Lsetstat { .. }, Ok(_)) => {
                self.fail(id, &Error::with(Reason::Unsupported, "links keep the attributes they were made with"));
            }
            (Then::Inside(work), Ok(Yield::Opened(_))) => {
                let file = FileId(ask);
                return self.work_on(Task { id, claim, then: Then::Done(file) }, file, work);
            }
            (Then::File { path, read, write, append }, answer) => {
                self.opening = self.opening.saturating_sub(1);
                match answer {
                    Ok(Yield::Opened(_)) => self.add_handle(id, ask, path, Opened::File { read, write, append }),
                    Ok(_) => self.fail(id, &Reason::Io.into()),
                    Err(error) => self.fail(id, &error),
                }
            }
            (Then::Folder { path }, answer) => {
                self.opening = self.opening.saturating_sub(1);
                match answer {
                    Ok(_) => {
                        self.add_handle(id, ask, path, Opened::Folder { entries: Default::default(), now: Default::default() })
                    }
                    Err(error) => self.fail(id, &error),
                }
            }
            (then, Ok(answer)) => self.tell(id, &then, &answer),
            (_, Err(error)) => self.fail(id, &error),
        }
        self.release(claim);
    }

    fn tell(&mut self, id: u32, then: &Then, answer: &Yield) {
        match (then, answer) {
            (Then::Attrs, Yield::Attr(attr)) => self.reply(id, &Reply::Attrs(attr.into())),
            (Then::Target, Yield::Target(target)) => self.tell_name(id, target),
            (Then::Statvfs, Yield::Space(space)) => self.reply(id, &Reply::Extended(&statvfs(*space))),
            (Then::Available, Yield::Space(space)) => self.reply(id, &Reply::Extended(&available(*space))),
            (Then::Status, _) => self.done(id),
            // An answer that does not belong to what was asked.
            _ => self.fail(id, &Reason::Io.into()),
        }
    }

    pub(super) fn worked(&mut self, ask: AskId, task: Task, done: Result<Done, Error>) {
        let Task { id, claim, then } = task;
        match then {
            Then::Work { slot, what } => {
                self.tell_work(id, slot, what, done);
                self.over(slot, ask);
            }
            Then::Close { slot } => {
                self.handles.remove(slot);
                match done {
                    Ok(_) => self.done(id),
                    Err(error) => self.fail(id, &error),
                }
                self.release(claim);
            }
            Then::Done(file) => self.work_on(Task { id, claim, then: Then::Closed(done) }, file, Work::Close),
            Then::Closed(before) => {
                match (before, done) {
                    (Ok(Done::Digests(digest, bytes)), _) => self.tell_digests(id, digest, &bytes),
                    (Ok(_), Ok(_)) => self.done(id),
                    (Err(error), _) | (_, Err(error)) => self.fail(id, &error),
                }
                self.release(claim);
            }
            _ => {
                self.fail(id, &Reason::Io.into());
                self.release(claim);
            }
        }
    }

    fn tell_work(&mut self, id: u32, slot: u32, what: Told, done: Result<Done, Error>) {
        match what {
            Told::Read => self.reading = self.reading.saturating_sub(1),
            Told::Write(length) => self.writing = self.writing.saturating_sub(length),
            Told::Copy(from) if from != slot => {
                if let Some(open) = self.handles.get_mut(from) {
                    open.pins = open.pins.saturating_sub(1);
                }
            }
            Told::Other | Told::Copy(_) => {}
        }
        match (what, &done) {
            (Told::Write(length), _) => self.moved("WRITE", slot, length),
            (Told::Read, Ok(Done::Data(buffer))) => self.moved("READ", slot, buffer.len().saturating_sub(DATA_HEAD)),
            (Told::Read, _) => self.moved("READ", slot, 0),
            _ => {}
        }
        match done {
            Ok(Done::Nothing) if matches!(what, Told::Write(_)) => self.reply_quietly(id, &Reply::Status(Code::OK, b"")),
            Ok(Done::Nothing) => self.done(id),
            Ok(Done::Data(buffer)) if buffer.len() <= DATA_HEAD => {
                self.reply_quietly(id, &Reply::Status(Code::EOF, Code::EOF.meaning().as_bytes()));
            }
            Ok(Done::Data(mut buffer)) => {
                head_data(id, &mut buffer);
                self.reply_data(buffer);
            }
            Ok(Done::Attr(attr)) => self.reply(id, &Reply::Attrs((&attr).into())),
            Ok(Done::Digests(digest, bytes)) => self.tell_digests(id, digest, &bytes),
            Ok(Done::Page(page, at)) => {
                if let Some(Opened::Folder { entries, now }) = self.handles.get_mut(slot).map(|open| &mut open.kind) {
                    *entries = page.into();
                    *now = at;
                }
                if !self.tell_entries(id, slot) {
                    self.end_of_file(id);
                }
            }
            Err(error) => self.fail(id, &error),
        }
    }

    /// Tells the next names of a folder, if some are left of what the driver gave.
    pub(super) fn tell_entries(&mut self, id: u32, slot: u32) -> bool {
        let Some(Opened::Folder { entries, now }) = self.handles.get_mut(slot).map(|open| &mut open.kind) else { return false };
        if entries.is_empty() {
            return false;
        }
        let (mut bytes, mut count, mut long) = (BytesMut::new(), 0_u32, Vec::new());
        let (now, options) = (*now, ListOptions::default());
        while bytes.len() < MOST_NAMES {
            let Some(entry) = entries.pop_front() else { break };
            long.clear();
            long_line(&entry, &options, now, &mut long);
            let before = bytes.len();
            let long = long.strip_suffix(b"\r\n").unwrap_or(&long);
            Name { name: &entry.name, long, attrs: Attrs::from(&entry.attr) }.put(&mut bytes);
            if bytes.len() > MOST_NAMES && count > 0 {
                bytes.truncate(before);
                entries.push_front(entry);
                break;
            }
            count += 1;
        }
        self.reply(id, &names(count, &bytes));
        true
    }

    fn tell_digests(&mut self, id: u32, digest: Digest, bytes: &[u8]) {
        if bytes.len() > MOST_DIGESTS {
            return self.fail(id, &Error::with(Reason::TooMany, "too many blocks"));
        }
        let mut body = BytesMut::new();
        put_string(b"check-file", &mut body);
        put_string(digest.name().as_bytes(), &mut body);
        body.extend_from_slice(bytes);
        self.reply(id, &Reply::Extended(&body));
    }
}

/// What statvfs@openssh.com answers: eleven numbers, as in statvfs(3).
fn statvfs(space: Space) -> BytesMut {
    let total = space.total.or(space.free).unwrap_or(ENDLESS) / BLOCK;
    let free = space.free.unwrap_or(ENDLESS) / BLOCK;
    let mut body = BytesMut::with_capacity(88);
    // Sizes of blocks; blocks in all, free, and free for this user; files in all, free, and free for this user; the
    // file system's number, its flags, and the longest name.
    for number in [BLOCK, BLOCK, total.max(free), free, free, ENDLESS, ENDLESS, ENDLESS, 0, 0, 255] {
        body.put_u64(number);
    }
    body
}

/// What space-available answers: bytes in all and unused, of the device and of this user, and the size of a block. 0 is
/// not known (draft-ietf-secsh-filexfer-extensions-00 §4).
fn available(space: Space) -> BytesMut {
    let mut body = BytesMut::with_capacity(36);
    for number in [space.total, space.free, space.total, space.free] {
        body.put_u64(number.unwrap_or(0));
    }
    body.put_u32(u32::try_from(BLOCK).unwrap_or(0));
    body
}
