//! Where do the blocks on their way stand? In packets laid out one behind the other, each with room for its header, so that
//! a file is read straight into what the network card gets.

use super::Rollover;
use super::packet::{HEADER, header};

/// Bytes that are read at once where a window is smaller: enough to spare nearly all calls, little enough for a thousand
/// transfers.
const AHEAD: usize = 32 * 1024;

/// Blocks that were read and are not acknowledged yet: numbers count from 1 and never wrap.
pub(super) struct Blocks {
    packets: Vec<u8>,
    /// Bytes of a packet.
    stride: usize,
    /// Packets there is room for.
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
}

impl Blocks {
    pub(super) fn new(blksize: u16, window: u16) -> Self {
        let (stride, window) = (usize::from(blksize) + HEADER, usize::from(window).max(1));
        // Some small windows are read in one call.
        let ahead = window * (AHEAD / (stride * window)).max(1);
        // A window more: what was acknowledged in part needs to be moved to the front now and then only.
        let room = ahead + window;
        Self { packets: vec![0; stride * room], stride, room, ahead, head: 0, whole: 0, begun: 0, first: 1, last: None }
    }

    const fn blksize(&self) -> usize {
        self.stride - HEADER
    }

    /// How many blocks are whole.
    pub(super) const fn len(&self) -> u64 {
        self.whole as u64
    }

    /// The number of the body's last block, where it has been read.
    pub(super) fn last(&self) -> Option<u64> {
        self.last.map(|_| self.first + self.whole as u64 - 1)
    }

    /// Bytes that are wanted: none while `blocks` are whole, else more than those need.
    pub(super) fn wanted(&self, blocks: u64) -> usize {
        let blocks = usize::try_from(blocks).unwrap_or(usize::MAX);
        if self.last.is_some() || self.whole >= blocks.min(self.ahead) {
            return 0;
        }
        let missing = self.ahead - self.whole;
        (missing * self.blksize()).saturating_sub(self.begun)
    }

    /// The room for them, in its pieces.
    pub(super) fn gaps(&mut self, blocks: u64) -> impl Iterator<Item = &mut [u8]> {
        let missing = self.wanted(blocks).div_ceil(self.blksize());
        if self.head + self.whole + missing + usize::from(self.begun > 0) > self.room {
            self.move_up();
        }
        let mut skip = HEADER + self.begun;
        let from = (self.head + self.whole) * self.stride;
        let packets = self.packets.get_mut(from..).unwrap_or_default().chunks_exact_mut(self.stride).take(missing);
        packets.map(move |packet| packet.get_mut(std::mem::replace(&mut skip, HEADER)..).unwrap_or_default())
    }

    fn move_up(&mut self) {
        let from = self.head * self.stride;
        let until = from + (self.whole + usize::from(self.begun > 0)) * self.stride;
        let until = until.min(self.packets.len());
        self.packets.copy_within(from..until, 0);
        self.head = 0;
    }

    /// So many bytes were put into the gaps, from the first on.
    pub(super) const fn filled(&mut self, bytes: usize) {
        let bytes = self.begun + bytes;
        self.whole += bytes / self.blksize();
        self.begun = bytes % self.blksize();
    }

    /// The body has ended: its last block is the one that is not full, and may be empty (RFC 1350 §6).
    pub(super) fn end(&mut self) {
        if self.last.is_none() {
            // An empty last block may need a place of its own.
            if self.head + self.whole >= self.room {
                self.move_up();
            }
            self.last = Some(self.begun);
            self.whole += 1;
            self.begun = 0;
        }
    }

    /// Forgets the first blocks.
    pub(super) const fn release(&mut self, blocks: u64) {
        let blocks = if blocks < self.whole as u64 { blocks as usize } else { self.whole };
        self.first += blocks as u64;
        self.whole -= blocks;
        self.head += blocks;
        if self.whole == 0 && self.begun == 0 {
            self.head = 0;
        }
    }

    /// Packets of blocks `from` to `until` (with it), one behind the other, their headers written; the last may be
    /// shorter than the others.
    pub(super) fn packets(&mut self, from: u64, until: u64, numbers: Rollover) -> &[u8] {
        let at = |block: u64| self.head + usize::try_from(block - self.first).unwrap_or(usize::MAX);
        let (begin, end) = (at(from) * self.stride, at(until).saturating_add(1).saturating_mul(self.stride));
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
