//! Which handle means what, and what may run on it now? Reads run beside reads, writes beside writes elsewhere in the
//! file, all else alone and in its turn.

use std::collections::VecDeque;
use std::ops::Range;

use bytes::{BufMut, BytesMut};
use types::{AskId, Entry, Reason, Time, VPath};

use super::exchange::{FileId, Work};
use crate::sftp::wire::Reader;

/// All that is open.
#[derive(Debug)]
pub(super) struct Handles {
    slots: Vec<Option<Open>>,
    /// Counts up with every handle, so that a handle that was closed means nothing any more.
    made: u32,
    most: usize,
    salt: u32,
}

/// One open file or folder.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) file: FileId,
    pub(super) path: VPath,
    pub(super) kind: Opened,
    /// CLOSE was asked for: no further request can name it.
    pub(super) closing: bool,
    /// Copies to other files that are to read from this one.
    pub(super) pins: u32,
    number: u32,
    running: Running,
    waiting: VecDeque<Pending>,
}

/// What a handle stands for.
#[derive(Debug)]
pub(super) enum Opened {
    /// A file.
    File {
        /// It may be read.
        read: bool,
        /// It may be written.
        write: bool,
        /// What is written goes to the end: writes never run beside each other.
        append: bool,
    },
    /// A folder.
    Folder {
        /// What the driver gave and no reply has told yet.
        entries: VecDeque<Entry>,
        /// The time it is, for their lines.
        now: Time,
    },
}

/// What is under way on a handle.
#[derive(Debug)]
enum Running {
    Nothing,
    Reads(usize),
    Writes(Vec<(AskId, Range<u64>)>),
    Alone,
}

/// What waits for its turn.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Pending {
    /// What the client called it.
    pub(super) id: u32,
    pub(super) work: Work,
    /// The slot of the file that is read, for a copy between two.
    pub(super) from: Option<u32>,
}

impl Handles {
    pub(super) const fn new(most: usize, salt: u32) -> Self {
        Self { slots: Vec::new(), made: 0, most, salt }
    }

    pub(super) fn count(&self) -> usize {
        self.slots.iter().flatten().count()
    }

    pub(super) const fn most(&self) -> usize {
        self.most
    }

    /// A handle for what was opened, as it goes to the client.
    pub(super) fn add(&mut self, file: FileId, path: VPath, kind: Opened) -> BytesMut {
        self.made = self.made.wrapping_add(1);
        let number = self.made;
        let (closing, pins, running, waiting) = (false, 0, Running::Nothing, VecDeque::new());
        let open = Open { file, path, kind, closing, pins, number, running, waiting };
        let slot = match self.slots.iter().position(Option::is_none) {
            Some(free) => free,
            None => {
                self.slots.push(None);
                self.slots.len() - 1
            }
        };
        if let Some(place) = self.slots.get_mut(slot) {
            *place = Some(open);
        }
        let mut handle = BytesMut::with_capacity(12);
        handle.put_u32(self.salt);
        handle.put_u32(u32::try_from(slot).unwrap_or(u32::MAX));
        handle.put_u32(number);
        handle
    }

    /// The slot that a handle names.
    pub(super) fn find(&self, handle: &[u8]) -> Result<u32, Reason> {
        let mut r = Reader::new(handle);
        let (Ok(salt), Ok(slot), Ok(number), true) = (r.u32(), r.u32(), r.u32(), r.is_empty()) else {
            return Err(Reason::HandleUnknown);
        };
        match self.get(slot) {
            Some(open) if salt == self.salt && open.number == number && !open.closing => Ok(slot),
            _ => Err(Reason::HandleUnknown),
        }
    }

    /// The slot of a file of this name that is being written.
    pub(super) fn written(&self, path: &VPath) -> Option<u32> {
        let is = |open: &Open| {
            let busy = !open.waiting.is_empty() || matches!(open.running, Running::Writes(_) | Running::Alone);
            open.is_file() && !open.closing && open.may(false) && busy && open.path == *path
        };
        let slot = self.slots.iter().position(|open| open.as_ref().is_some_and(is))?;
        u32::try_from(slot).ok()
    }

    pub(super) fn get(&self, slot: u32) -> Option<&Open> {
        self.slots.get(usize::try_from(slot).ok()?)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, slot: u32) -> Option<&mut Open> {
        self.slots.get_mut(usize::try_from(slot).ok()?)?.as_mut()
    }

    pub(super) fn remove(&mut self, slot: u32) {
        if let Some(place) = usize::try_from(slot).ok().and_then(|slot| self.slots.get_mut(slot)) {
            *place = None;
        }
    }

    /// Whether nothing is under way on a handle or waits there.
    pub(super) fn is_idle(&self, slot: u32) -> bool {
        self.get(slot).is_none_or(|open| open.pins == 0 && open.waiting.is_empty() && matches!(open.running, Running::Nothing))
    }

    /// Whether what a copy reads from is settled: nothing is being written there.
    fn is_settled(&self, slot: u32) -> bool {
        self.get(slot).is_none_or(|open| open.waiting.is_empty() && matches!(open.running, Running::Nothing | Running::Reads(_)))
    }

    /// What may run now on a handle, marked as running under this id.
    pub(super) fn next(&mut self, slot: u32, id: AskId) -> Option<Pending> {
        let settled = match self.get(slot)?.waiting.front()?.from {
            Some(from) => self.is_settled(from),
            None => true,
        };
        let open = self.get_mut(slot)?;
        let alone = matches!(open.kind, Opened::File { append: true, .. });
        let work = &open.waiting.front()?.work;
        match (&mut open.running, work) {
            (Running::Nothing, Work::Read { .. }) => open.running = Running::Reads(1),
            (Running::Reads(count), Work::Read { .. }) => *count += 1,
            (Running::Nothing, Work::Write { at, data }) if !alone => {
                open.running = Running::Writes(vec![(id, range(*at, data.len()))]);
            }
            (Running::Writes(writes), Work::Write { at, data }) => {
                let new = range(*at, data.len());
                if writes.iter().any(|(_, old)| old.start < new.end && new.start < old.end) {
                    return None;
                }
                writes.push((id, new));
            }
            (Running::Nothing, _) if settled => open.running = Running::Alone,
            _ => return None,
        }
        open.waiting.pop_front()
    }

    /// Something that ran on a handle is over.
    pub(super) fn over(&mut self, slot: u32, id: AskId) {
        let Some(open) = self.get_mut(slot) else { return };
        match &mut open.running {
            Running::Reads(count) if *count > 1 => *count -= 1,
            Running::Writes(writes) => {
                writes.retain(|(other, _)| *other != id);
                if writes.is_empty() {
                    open.running = Running::Nothing;
                }
            }
            Running::Nothing | Running::Reads(_) | Running::Alone => open.running = Running::Nothing,
        }
    }

    /// All slots on which something waits for another file.
    pub(super) fn copying(&self) -> Vec<u32> {
        let waits = |open: &Open| open.waiting.front().is_some_and(|first| first.from.is_some());
        (0..).zip(&self.slots).filter(|(_, open)| open.as_ref().is_some_and(waits)).map(|(slot, _)| slot).collect()
    }
}

impl Open {
    pub(super) fn wait(&mut self, pending: Pending) {
        self.waiting.push_back(pending);
    }

    /// Whether it may be read, or written.
    pub(super) const fn may(&self, reading: bool) -> bool {
        match self.kind {
            Opened::File { read, write, .. } => {
                if reading {
                    read
                } else {
                    write
                }
            }
            Opened::Folder { .. } => false,
        }
    }

    pub(super) const fn is_file(&self) -> bool {
        matches!(self.kind, Opened::File { .. })
    }
}

fn range(at: u64, length: usize) -> Range<u64> {
    at..at.saturating_add(u64::try_from(length).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn file(handles: &mut Handles, append: bool) -> u32 {
        let kind = Opened::File { read: true, write: true, append };
        let handle = handles.add(FileId(AskId(1)), VPath::root(), kind);
        handles.find(&handle).unwrap()
    }

    fn read(at: u64) -> Work {
        Work::Read { at, length: 10 }
    }

    fn write(at: u64) -> Work {
        Work::Write { at, data: Bytes::from_static(b"0123456789") }
    }

    /// How many of these run at once, wave by wave.
    fn waves(append: bool, works: Vec<Work>) -> Vec<usize> {
        let mut handles = Handles::new(5, 0);
        let slot = file(&mut handles, append);
        for (id, work) in (0..).zip(works) {
            handles.get_mut(slot).unwrap().wait(Pending { id, work, from: None });
        }
        let (mut waves, mut next) = (Vec::new(), 0);
        while !handles.is_idle(slot) {
            let first = next;
            while handles.next(slot, AskId(next)).is_some() {
                next += 1;
            }
            waves.push((next - first) as usize);
            (first..next).for_each(|id| handles.over(slot, AskId(id)));
        }
        waves
    }

    #[test]
    fn what_disturbs_nothing_runs_at_once() {
        assert_eq!(waves(false, vec![read(0), read(0), read(50)]), [3]);
        assert_eq!(waves(false, vec![write(0), write(10), write(15), write(30)]), [2, 2]);
        assert_eq!(waves(false, vec![write(0), read(90), Work::Stat, write(0)]), [1, 1, 1, 1]);
        assert_eq!(waves(true, vec![write(0), write(10)]), [1, 1]);
        assert_eq!(waves(false, vec![Work::Sync, Work::Sync]), [1, 1]);
        assert_eq!(waves(false, vec![write(u64::MAX), write(u64::MAX - 3)]), [2]);
    }

    #[test]
    fn handles_mean_nothing_when_they_are_stale_foreign_or_made_up() {
        let mut handles = Handles::new(5, 77);
        let kind = || Opened::File { read: true, write: false, append: false };
        let old = handles.add(FileId(AskId(1)), VPath::root(), kind());
        let slot = handles.find(&old).unwrap();
        handles.remove(slot);
        let new = handles.add(FileId(AskId(2)), VPath::root(), kind());
        assert_eq!(handles.find(&new), Ok(slot), "the slot is used again");
        let foreign = Handles::new(5, 78).add(FileId(AskId(1)), VPath::root(), kind());
        for bad in [&old[..], &foreign, b"", b"x", &new[..11], &[&new[..], b"x"].concat()] {
            assert_eq!(handles.find(bad), Err(Reason::HandleUnknown));
        }
        handles.get_mut(slot).unwrap().closing = true;
        assert_eq!(handles.find(&new), Err(Reason::HandleUnknown));
    }
}
