//! Where do the blocks on their way stand? In packets laid out one behind the other, each with room for its header, so that
//! a file is read straight into what the network card gets.

use super::Rollover;
use super::packet::{HEADER, header};

/// Bytes that are read at once where a window is smaller: enough to spare nearly all calls, little enough for a thousand
/// transfers.
const AHEAD: usize = 32 * 1024;

/// Bytes of the largest window behind which the next one is read while its answer is on its way. Larger ones would push each
/// other out of the processor's cache before they are sent.
const SOON: usize = 128 * 1024;

/// Bytes that are held of a window larger than this where the body can be read again: what is sent as soon as it was read is
/// still near the processor, and a thousand transfers hold little.
const HELD: usize = 256 * 1024;

/// Blocks that were read and are not acknowledged yet: numbers count from 1 and never wrap. They stand in a ring, so that the
/// next ones are read while those before them are on their way.
pub(super) struct Blocks {
    /// Empty before anything is to be read: until then it may still be made anew.
    packets: Vec<u8>,
    /// Bytes of a packet.
    stride: usize,
    /// Packets there is room for: a multiple of the window, so that a window stands in a row where nothing was lost.
    room: usize,
    /// Blocks that are read at once.
    ahead: usize,
    /// Where the first block's packet stands, counted in packets.
    head: usize,
    /// How many blocks are whole.
    whole: usize,
    /// Bytes of the block behind them.
    begun: usize,
    /// The number of the first.
    first: u64,
    /// The length of the last block, once the body has ended.
    last: Option<usize>,
    /// What was sent is forgotten, and read again where it was lost.
    forgetful: bool,
}

impl Blocks {
    /// None yet; with `again` the body can be read again from any place.
    pub(super) fn new(blksize: u16, window: u16, again: bool) -> Self {
        let (stride, window) = (usize::from(blksize) + HEADER, usize::from(window).max(1));
        let forgetful = again && stride * window > HELD;
        let (ahead, room) = if forgetful {
            (HELD / stride, HELD / stride)
        } else {
            // Some small windows are read in one call, and there is room for a window more, which is on its way meanwhile.
            let ahead = window * (AHEAD / (stride * window)).max(1);
            (ahead, ahead + window)
        };
        Self { packets: Vec::new(), stride, room, ahead, head: 0, whole: 0, begun: 0, first: 1, last: None, forgetful }
    }

    const fn blksize(&self) -> usize {
        self.stride - HEADER
    }

    /// Where the packet of the block stands that has so many before it, counted in packets.
    const fn place(&self, before: usize) -> usize {
        (self.head + before) % self.room
    }

    /// The number of the body's last block, where it has been read.
    pub(super) fn last(&self) -> Option<u64> {
        self.last.map(|_| self.read())
    }

    /// Bytes that are wanted: none while `blocks` are whole, else more than those need.
    pub(super) fn wanted(&self, blocks: u64) -> usize {
        let blocks = usize::try_from(blocks).unwrap_or(usize::MAX);
        if self.last.is_some() || self.whole >= blocks.min(self.ahead) {
            return 0;
        }
        ((self.ahead - self.whole) * self.blksize()).saturating_sub(self.begun)
    }

    /// Bytes there is room for behind those that are on their way; none where they are not worth a call yet.
    pub(super) const fn spare(&self) -> usize {
        let (free, window) = (self.room - self.whole, self.room - self.ahead);
        let late = free < self.ahead || window * self.stride > SOON;
        if self.last.is_some() || late { 0 } else { (free * self.blksize()).saturating_sub(self.begun) }
    }

    /// The room for the next `bytes`, in its pieces: a little more, so that the last block is whole, and never more than
    /// there is.
    pub(super) fn gaps(&mut self, bytes: usize) -> impl Iterator<Item = &mut [u8]> {
        let missing = (bytes + self.begun).div_ceil(self.blksize()).min(self.room - self.whole);
        let mut skip = HEADER + self.begun;
        let from = self.place(self.whole) * self.stride;
        self.lay();
        let (front, back) = self.packets.split_at_mut_checked(from).unwrap_or_default();
        let packets = back.chunks_exact_mut(self.stride).chain(front.chunks_exact_mut(self.stride)).take(missing);
        packets.map(move |packet| packet.get_mut(std::mem::replace(&mut skip, HEADER)..).unwrap_or_default())
    }

    fn lay(&mut self) {
        if self.packets.is_empty() {
            self.packets = vec![0; self.stride * self.room];
        }
    }

    /// So many bytes were put into the gaps, from the first on.
    pub(super) const fn filled(&mut self, bytes: usize) {
        let bytes = self.begun + bytes;
        self.whole += bytes / self.blksize();
        self.begun = bytes % self.blksize();
    }

    /// The body has ended: its last block is the one that is not full, and may be empty (RFC 1350 §6). It waits for a place
    /// where there is none; then this is to be said again.
    pub(super) fn end(&mut self) {
        if self.last.is_none() && self.whole < self.room {
            self.lay();
            self.last = Some(self.begun);
            self.whole += 1;
            self.begun = 0;
        }
    }

    /// The block before the first that is held.
    pub(super) const fn gone(&self) -> u64 {
        self.first - 1
    }

    /// Blocks up to this one are not needed again.
    pub(super) const fn acknowledged(&mut self, block: u64) {
        self.release((block + 1).saturating_sub(self.first));
    }

    const fn release(&mut self, blocks: u64) {
        let blocks = if blocks < self.whole as u64 { blocks as usize } else { self.whole };
        self.first += blocks as u64;
        self.head = self.place(blocks);
        self.whole -= blocks;
        if self.whole == 0 && self.begun == 0 {
            self.head = 0;
        }
    }

    /// Blocks before this one were sent: where they can be read again they are forgotten.
    pub(super) const fn sent(&mut self, next: u64) {
        if self.forgetful {
            self.release(next.saturating_sub(self.first));
        }
    }

    /// Goes on with this block, and tells whether the body is to be read anew from there.
    pub(super) const fn go_to(&mut self, block: u64) -> bool {
        if !self.forgetful || (self.first <= block && block <= self.first + self.whole as u64) {
            return false;
        }
        (self.first, self.head, self.whole, self.begun, self.last) = (block, 0, 0, 0, None);
        true
    }

    /// The last block that was read whole, or the one before the first.
    pub(super) const fn read(&self) -> u64 {
        self.first + self.whole as u64 - 1
    }

    /// The last block that stands in a row with block `from`.
    pub(super) fn in_a_row(&self, from: u64) -> u64 {
        from + (self.room - 1 - self.place_of(from)) as u64
    }

    fn place_of(&self, block: u64) -> usize {
        self.place(usize::try_from(block - self.first).unwrap_or_default())
    }

    /// Packets of blocks `from` to `until` (with it), one behind the other, their headers written; the last may be
    /// shorter than the others. No further than [`Blocks::in_a_row`].
    pub(super) fn packets(&mut self, from: u64, until: u64, numbers: Rollover) -> &[u8] {
        let begin = self.place_of(from) * self.stride;
        let end = begin + usize::try_from(until + 1 - from).unwrap_or(usize::MAX).saturating_mul(self.stride);
        let short = match (self.last(), self.last) {
            (Some(last), Some(len)) if last == until => self.blksize() - len,
            _ => 0,
        };
        let packets = self.packets.get_mut(begin..end).unwrap_or_default();
        for (packet, block) in packets.chunks_exact_mut(self.stride).zip(from..) {
            if let Some(place) = packet.first_chunk_mut::<HEADER>() {
                *place = header(numbers.number(block));
            }
        }
        packets.get(..packets.len() - short.min(packets.len())).unwrap_or_default()
    }

    /// Bytes of a whole packet.
    pub(super) const fn stride(&self) -> usize {
        self.stride
    }
}
