//! How does a file go out (RFC 1350 §4 and §6, RFC 1123 §4.2, RFC 7440)? One transfer's sender, pure: packets, bytes of
//! the file and times in; packets and a deadline out. The same for a server that answers RRQ and a client that sends WRQ.

use std::time::Duration;

use super::body::Blocks;
use super::errors::{self, Code};
use super::options::{Terms, Wishes};
use super::packet::Packet;
use super::timing::{Patience, Roundtrip};
use super::{Failure, Rollover, Tally};

/// How a transfer begins.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Opening {
    /// At once: the server agreed to nothing special.
    Plain,
    /// With an OACK, which the peer acknowledges.
    Offer(Vec<u8>),
    /// With a request (client): its packet, and what it asks for.
    Asking(Vec<u8>, Wishes),
}

/// Packets that leave together: all of `size` bytes but the last, which may be shorter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Batch<'a> {
    /// One behind the other.
    pub packets: &'a [u8],
    /// Bytes of each.
    pub size: usize,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Stage {
    /// What begins it has not been answered.
    Opening,
    Moving,
    Done,
    Failed(Failure),
}

/// The sender of one file.
pub struct Sender {
    terms: Terms,
    numbers: Rollover,
    patience: Patience,
    stage: Stage,
    wishes: Option<Wishes>,
    /// What begins the transfer, or the ERROR that ends it.
    said: Vec<u8>,
    /// It is to be sent now.
    urgent: bool,
    blocks: Blocks,
    /// The body can be read again from any place.
    again: bool,
    /// The byte of the body to go on with, where it is not the next one.
    from: Option<u64>,
    /// The body's last block, once it was read.
    last: Option<u64>,
    /// The last block that was acknowledged.
    base: u64,
    /// The next block to be sent.
    next: u64,
    /// The highest block ever sent.
    top: u64,
    /// Something was heard of the peer.
    answered: bool,
    /// What was sent without any answer.
    sends: u32,
    trip: Roundtrip,
    /// The block whose ACK tells the round trip, and when it was sent.
    timed: Option<(u64, Duration)>,
    sent: Duration,
    progress: Duration,
    due: Option<Duration>,
    /// A repeated ACK was acted on since the last progress.
    repeated: bool,
    burst: Burst,
    tally: Tally,
}

/// How much leaves without a pause. The receiver counts blocks and answers a whole window only, so that after losses the
/// window cannot shrink; but it can be sent in parts.
struct Burst {
    size: u64,
    most: u64,
    /// Windows in a row that went well.
    well: u32,
    /// What is left of the part under way.
    left: u64,
    /// When the next part may go.
    pause: Option<Duration>,
}

impl Burst {
    fn new(window: u16) -> Self {
        let most = u64::from(window.max(1));
        Self { size: most, most, well: 0, left: most, pause: None }
    }

    /// A part was lost so that the time ran out.
    fn lost(&mut self) {
        self.size = (self.size / 2).max(1);
        self.well = 0;
        self.again();
    }

    /// So many blocks went well.
    const fn went(&mut self, blocks: u64) {
        if blocks >= self.size && self.size < self.most {
            self.well += 1;
            if self.well >= 8 {
                self.well = 0;
                self.size = if self.size * 2 < self.most { self.size * 2 } else { self.most };
            }
        }
        self.again();
    }

    const fn again(&mut self) {
        self.left = self.size;
        self.pause = None;
    }
}

/// The pause between the parts of a window, where the round trip does not say a better one.
const PAUSE: Duration = Duration::from_millis(1);

impl Sender {
    /// A transfer that begins now.
    pub fn new(opening: Opening, terms: Terms, patience: Patience, now: Duration) -> Self {
        let (stage, said, wishes) = match opening {
            Opening::Plain => (Stage::Moving, Vec::new(), None),
            Opening::Offer(packet) => (Stage::Opening, packet, None),
            Opening::Asking(packet, wishes) => (Stage::Opening, packet, Some(wishes)),
        };
        let mut sender = Self {
            terms,
            numbers: Rollover::default(),
            patience,
            wishes,
            said,
            urgent: stage == Stage::Opening,
            blocks: Blocks::new(terms.blksize, terms.windowsize, false),
            again: false,
            from: None,
            last: None,
            base: 0,
            next: 1,
            top: 0,
            answered: false,
            sends: 0,
            trip: Roundtrip::default(),
            timed: None,
            sent: now,
            progress: now,
            due: None,
            repeated: false,
            burst: Burst::new(terms.windowsize),
            tally: Tally::default(),
            stage,
        };
        sender.agree(terms);
        sender
    }

    fn agree(&mut self, terms: Terms) {
        self.terms = terms;
        self.numbers = terms.rollover.unwrap_or_default();
        self.burst = Burst::new(terms.windowsize);
        self.blocks = Blocks::new(terms.blksize, terms.windowsize, self.again);
    }

    /// For a body that can be read again from any place ([`Sender::from`]), and is the same then: of a large window only a part
    /// is held. To be said at the beginning.
    #[must_use]
    pub fn reading_again(mut self) -> Self {
        self.again = true;
        self.agree(self.terms);
        self
    }

    /// The byte of the body to go on with, where that is not the one behind what was read last. To be asked before
    /// [`Sender::wanted`], of who said [`Sender::reading_again`].
    pub const fn from(&mut self) -> Option<u64> {
        self.from.take()
    }

    /// What both ends agreed on.
    pub const fn terms(&self) -> &Terms {
        &self.terms
    }

    /// What it took so far.
    pub const fn tally(&self) -> Tally {
        self.tally
    }

    /// Whether the peer has ever answered.
    pub const fn answered(&self) -> bool {
        self.answered
    }

    /// The last block that was acknowledged.
    pub const fn acknowledged(&self) -> u64 {
        self.base
    }

    /// The mean round trip, once there is one.
    pub const fn round_trip(&self) -> Option<Duration> {
        self.trip.smooth()
    }

    /// How it ended, once it has: when everything was acknowledged, or why not.
    pub fn ended(&self) -> Option<Result<(), &Failure>> {
        match &self.stage {
            Stage::Done => Some(Ok(())),
            Stage::Failed(failure) => Some(Err(failure)),
            Stage::Opening | Stage::Moving => None,
        }
    }

    /// How many bytes of the file are wanted now, so that a window can leave as one.
    pub fn wanted(&self) -> usize {
        self.blocks.wanted((self.base + self.window()).saturating_sub(self.blocks.gone()))
    }

    /// Blocks that may be on their way. None before it has begun: how large they are is not known yet.
    fn window(&self) -> u64 {
        if self.stage == Stage::Moving { self.terms.windowsize.into() } else { 0 }
    }

    /// How many bytes of the file there is room for behind what is on its way: who waits for an answer may read them
    /// meanwhile. None where they are not worth a call yet.
    pub fn spare(&self) -> usize {
        if self.stage == Stage::Moving { self.blocks.spare() } else { 0 }
    }

    /// The places for the next `bytes` of the file, in order, or a little more: [`Sender::wanted`] or [`Sender::spare`] or
    /// fewer. [`Sender::filled`] says how many came.
    pub fn gaps(&mut self, bytes: usize) -> impl Iterator<Item = &mut [u8]> {
        self.blocks.gaps(bytes)
    }

    /// So many bytes were put into the gaps.
    pub const fn filled(&mut self, bytes: usize) {
        self.blocks.filled(bytes);
    }

    /// Takes bytes of the file, as many as are wanted, and tells how many those were.
    pub fn push(&mut self, bytes: &[u8]) -> usize {
        let mut rest = bytes;
        for gap in self.gaps(self.wanted()) {
            let (now, later) = rest.split_at_checked(gap.len()).unwrap_or((rest, &[]));
            if let Some(place) = gap.get_mut(..now.len()) {
                place.copy_from_slice(now);
            }
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        let taken = bytes.len() - rest.len();
        self.blocks.filled(taken);
        taken
    }

    /// The file has ended. To be said again with every turn, for the last block may wait for a place.
    pub fn end(&mut self) {
        self.blocks.end();
    }

    /// Gives up, and tells the peer so.
    pub fn fail(&mut self, code: Code, text: &str) {
        if self.ended().is_none() {
            (self.said, self.urgent) = (errors::error(code, text), true);
            self.stage = Stage::Failed(Failure::Own(code));
        }
    }

    fn illegal(&mut self, code: Code, what: &'static str) {
        (self.said, self.urgent) = (errors::error(code, what), true);
        self.stage = Stage::Failed(Failure::Illegal(what));
    }

    /// Hears a packet from the peer; what is not for a sender is passed over.
    pub fn hear(&mut self, packet: &Packet<'_>, now: Duration) {
        if self.ended().is_some() {
            return;
        }
        match packet {
            // Never answered with an ERROR.
            Packet::Error(code, text) => {
                self.answered = true;
                self.stage = Stage::Failed(Failure::Peer(*code, String::from_utf8_lossy(text).into()));
            }
            Packet::Ack(number) => self.acknowledge(*number, now),
            Packet::Options(options) if self.stage == Stage::Opening => {
                let Some(wishes) = &self.wishes else { return };
                match wishes.agreed(options) {
                    Ok(terms) => {
                        self.agree(terms);
                        self.opened(now);
                    }
                    Err(what) => self.illegal(Code::OPTIONS, what),
                }
            }
            _ => {}
        }
    }

    /// What began it was answered.
    fn opened(&mut self, now: Duration) {
        if self.sends == 1 {
            self.trip.measured(now.saturating_sub(self.sent));
        }
        self.stage = Stage::Moving;
        self.went_on(now);
    }

    fn went_on(&mut self, now: Duration) {
        self.answered = true;
        self.trip.went_on();
        self.progress = now;
        self.repeated = false;
        self.due = None;
    }

    fn acknowledge(&mut self, number: u16, now: Duration) {
        if self.stage == Stage::Opening {
            if number == 0 {
                // A server that answers WRQ with ACK 0 has agreed to nothing.
                if self.wishes.is_some() {
                    self.agree(Terms::default());
                }
                self.opened(now);
            }
            return;
        }
        let Some(block) = self.numbers.block(self.base, number).filter(|&block| block <= self.top) else { return };
        self.answered = true;
        if block == self.base {
            self.acknowledged_again(now);
            return;
        }
        if let Some((_, sent)) = self.timed.filter(|&(timed, _)| block >= timed) {
            self.trip.measured(now.saturating_sub(sent));
            self.timed = None;
        }
        let blocks = block - self.base;
        self.base = block;
        self.tally.blocks += blocks;
        // What was sent behind it was not taken: it begins again there (RFC 7440 §4).
        self.go_to(block + 1);
        self.blocks.acknowledged(block);
        if block < self.top {
            self.timed = None;
        }
        self.burst.went(blocks);
        self.went_on(now);
        if self.last == Some(block) {
            self.stage = Stage::Done;
        }
    }

    /// Goes on with this block.
    fn go_to(&mut self, block: u64) {
        self.next = block;
        if self.blocks.go_to(block) {
            self.from = Some((block - 1).saturating_mul(self.terms.blksize.into()));
        }
    }

    /// The same ACK once more. In lock-step it means nothing at all, for answering it doubles every packet from here on
    /// (RFC 1123 §4.2.3.1). In a window it says that its first block is missing; but only once, and not if it comes
    /// sooner than an answer can.
    fn acknowledged_again(&mut self, now: Duration) {
        let soonest = self.trip.smooth().map_or(self.patience.first, |trip| trip * 3 / 4);
        let is_answer = now.saturating_sub(self.sent) >= soonest;
        if self.terms.windowsize > 1 && self.next > self.base + 1 && !self.repeated && is_answer {
            self.repeated = true;
            self.timed = None;
            self.go_to(self.base + 1);
            self.burst.again();
        }
    }

    /// When [`Sender::tick`] wants to be called.
    pub fn deadline(&self) -> Option<Duration> {
        if self.ended().is_some() {
            return None;
        }
        match (self.burst.pause, self.due) {
            (Some(pause), Some(due)) => Some(pause.min(due)),
            (one, other) => one.or(other),
        }
    }

    /// It is later now.
    pub fn tick(&mut self, now: Duration) {
        if self.ended().is_some() {
            return;
        }
        if self.burst.pause.is_some_and(|until| now >= until) {
            self.burst.again();
        }
        if self.due.is_none_or(|due| now < due) {
            return;
        }
        self.due = None;
        self.tally.timeouts += 1;
        let silent = now.saturating_sub(self.progress) >= self.patience.give_up;
        if silent || (!self.answered && self.sends >= self.patience.unanswered) {
            self.stage = Stage::Failed(Failure::Silent { answered: self.answered });
            return;
        }
        self.trip.expired();
        self.timed = None;
        self.repeated = false;
        if self.stage == Stage::Opening {
            self.urgent = true;
            return;
        }
        self.learn_numbers();
        self.burst.lost();
        self.go_to(self.base + 1);
    }

    /// A peer that stays at block 65535 waits for the other number.
    fn learn_numbers(&mut self) {
        if self.base == 65_535 && self.terms.rollover.is_none() {
            self.numbers = if self.numbers == Rollover::Zero { Rollover::One } else { Rollover::Zero };
        }
    }

    /// The packets to be sent now, if there are any. Ask again until there are none.
    pub fn transmit(&mut self, now: Duration) -> Option<Batch<'_>> {
        if std::mem::take(&mut self.urgent) {
            self.sends += 1;
            self.tally.again += u64::from(self.sends > 1);
            self.wait(now);
            return Some(Batch { packets: &self.said, size: self.said.len() });
        }
        if self.stage != Stage::Moving || self.burst.pause.is_some() {
            return None;
        }
        let window = self.base + u64::from(self.terms.windowsize);
        let from = self.next;
        self.blocks.sent(from);
        self.last = self.last.or_else(|| self.blocks.last());
        let until = window.min(self.blocks.read()).min(from + self.burst.left - 1);
        if until < from {
            return None;
        }
        let until = until.min(self.blocks.in_a_row(from));
        if until > self.top {
            self.timed = Some((until, now));
        }
        self.tally.again += (self.top.min(until) + 1).saturating_sub(from);
        self.top = self.top.max(until);
        self.next = until + 1;
        self.burst.left -= until + 1 - from;
        if self.burst.left == 0 {
            if self.next <= window {
                self.burst.pause = Some(now + PAUSE);
            }
            self.burst.left = self.burst.size;
        }
        self.sends += 1;
        self.wait(now);
        let size = self.blocks.stride();
        Some(Batch { packets: self.blocks.packets(from, until, self.numbers), size })
    }

    fn wait(&mut self, now: Duration) {
        self.sent = now;
        self.due = Some(now + self.trip.wait(&self.patience, self.terms.timeout));
    }
}
