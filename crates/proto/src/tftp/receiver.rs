//! How does a file come in (RFC 1350 §4 and §6, RFC 1123 §4.2, RFC 7440)? One transfer's receiver, pure: packets and times
//! in; bytes of the file, packets and a deadline out. The same for a server that answers WRQ and a client that sends RRQ.

use std::time::Duration;

use super::errors::{self, Code};
use super::options::{Terms, Wishes};
use super::packet::{Packet, ack};
use super::sender::Opening;
use super::timing::{Patience, Roundtrip};
use super::{Failure, Rollover, Tally};

#[derive(Clone, PartialEq, Eq, Debug)]
enum Stage {
    /// What begins it has not been answered.
    Opening,
    Moving,
    /// The last block is here; its ACK waits until the file stands.
    Closing,
    /// All is done; the last ACK may have to be repeated until then.
    Dallying(Duration),
    Done,
    Failed(Failure),
}

/// The receiver of one file.
pub struct Receiver {
    terms: Terms,
    numbers: Rollover,
    patience: Patience,
    stage: Stage,
    wishes: Option<Wishes>,
    /// What begins the transfer, an ACK, or the ERROR that ends it.
    said: Vec<u8>,
    /// It is to be sent now.
    urgent: bool,
    /// Bytes that came in order and were not taken yet; a window at most.
    inbox: Vec<u8>,
    /// The last block that came in order.
    got: u64,
    /// The last block that was acknowledged.
    acked: u64,
    /// That a block is missing was said since the last one came.
    complained: bool,
    answered: bool,
    sends: u32,
    trip: Roundtrip,
    /// When the packet left whose answer tells the round trip.
    timed: Option<Duration>,
    /// What is to be sent was not sent before.
    fresh: bool,
    progress: Duration,
    due: Option<Duration>,
    tally: Tally,
}

impl Receiver {
    /// A transfer that begins now. With [`Opening::Plain`] the request is answered by ACK 0.
    pub fn new(opening: Opening, terms: Terms, patience: Patience, now: Duration) -> Self {
        let (said, wishes) = match opening {
            Opening::Plain => (ack(0).to_vec(), None),
            Opening::Offer(packet) => (packet, None),
            Opening::Asking(packet, wishes) => (packet, Some(wishes)),
        };
        Self {
            terms,
            numbers: terms.rollover.unwrap_or_default(),
            patience,
            stage: Stage::Opening,
            wishes,
            said,
            urgent: true,
            inbox: Vec::new(),
            got: 0,
            acked: 0,
            complained: false,
            answered: false,
            sends: 0,
            trip: Roundtrip::default(),
            timed: None,
            fresh: true,
            progress: now,
            due: None,
            tally: Tally::default(),
        }
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

    /// The mean round trip, once there is one.
    pub const fn round_trip(&self) -> Option<Duration> {
        self.trip.smooth()
    }

    /// How it ended, once it has. Until the last ACK need not be repeated any more, a transfer that went well has not
    /// ended; [`Receiver::is_whole`] tells earlier.
    pub fn ended(&self) -> Option<Result<(), &Failure>> {
        match &self.stage {
            Stage::Done => Some(Ok(())),
            Stage::Failed(failure) => Some(Err(failure)),
            Stage::Opening | Stage::Moving | Stage::Closing | Stage::Dallying(_) => None,
        }
    }

    /// Whether the last block is here: whoever keeps the file makes it stand and calls [`Receiver::stands`], or
    /// [`Receiver::fail`].
    pub fn is_whole(&self) -> bool {
        self.stage == Stage::Closing
    }

    /// The bytes that came since the last call. ACKs wait until they were taken: what is acknowledged was written.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.inbox)
    }

    /// Whether there are bytes to be taken before anything is acknowledged.
    pub const fn is_holding(&self) -> bool {
        self.urgent && !self.inbox.is_empty()
    }

    /// The file stands: the last block is acknowledged now.
    pub fn stands(&mut self, now: Duration) {
        if self.stage == Stage::Closing {
            self.stage = Stage::Dallying(now + self.patience.dally);
            self.acknowledge();
        }
    }

    /// Gives up, and tells the peer so.
    pub fn fail(&mut self, code: Code, text: &str) {
        if !matches!(self.stage, Stage::Failed(_) | Stage::Done | Stage::Dallying(_)) {
            (self.said, self.urgent) = (errors::error(code, text), true);
            self.inbox.clear();
            self.stage = Stage::Failed(Failure::Own(code));
        }
    }

    fn illegal(&mut self, code: Code, what: &'static str) {
        (self.said, self.urgent) = (errors::error(code, what), true);
        self.inbox.clear();
        self.stage = Stage::Failed(Failure::Illegal(what));
    }

    /// Hears a packet from the peer; what is not for a receiver is passed over.
    pub fn hear(&mut self, packet: &Packet<'_>, now: Duration) {
        match packet {
            Packet::Error(code, text) => {
                self.answered = true;
                match self.stage {
                    // The file stands: that the other end has gone changes nothing.
                    Stage::Dallying(_) => self.stage = Stage::Done,
                    Stage::Done | Stage::Failed(_) => {}
                    _ => self.stage = Stage::Failed(Failure::Peer(*code, String::from_utf8_lossy(text).into())),
                }
                // Never answered with an ERROR, nor with anything else.
                self.urgent = false;
            }
            Packet::Data(number, data) => self.data(*number, data, now),
            Packet::Options(options) => self.options(options, now),
            _ => {}
        }
    }

    fn options(&mut self, options: &super::packet::Pairs<'_>, now: Duration) {
        let Some(wishes) = &self.wishes else { return };
        match self.stage {
            Stage::Opening => match wishes.agreed(options) {
                Ok(terms) => {
                    self.terms = terms;
                    self.numbers = terms.rollover.unwrap_or_default();
                    self.went_on(now);
                    self.stage = Stage::Moving;
                    self.acknowledge();
                }
                Err(what) => self.illegal(Code::OPTIONS, what),
            },
            // Our ACK of it was lost.
            Stage::Moving if self.got == 0 => self.acknowledge(),
            _ => {}
        }
    }

    fn data(&mut self, number: u16, data: &[u8], now: Duration) {
        match self.stage {
            Stage::Opening => {
                if number != 1 {
                    return;
                }
                // A server that answers RRQ with a block has agreed to nothing.
                if self.wishes.is_some() {
                    self.terms = Terms::default();
                    self.numbers = Rollover::default();
                }
                self.stage = Stage::Moving;
            }
            Stage::Moving => {}
            Stage::Dallying(_) => {
                if number == self.numbers.number(self.got) {
                    self.acknowledge();
                }
                return;
            }
            Stage::Closing | Stage::Done | Stage::Failed(_) => return,
        }
        if data.len() > usize::from(self.terms.blksize) {
            return self.illegal(Code::ILLEGAL, "a block is larger than was agreed");
        }
        self.answered = true;
        self.learn_numbers(number);
        match self.numbers.block(self.got, number).map(|block| block - self.got) {
            Some(1) => self.next(data, now),
            // RFC 7440 §4: the last one before the gap, and once is enough.
            Some(ahead) if ahead > 1 && ahead <= u64::from(self.terms.windowsize) && !self.complained => {
                self.complained = true;
                self.acknowledge();
            }
            // The last one that was acknowledged comes again: its ACK was lost.
            _ if self.got > 0 && number == self.numbers.number(self.acked) => {
                self.acknowledge();
            }
            _ => {}
        }
    }

    /// What follows 65535 is told by who sends it, where nothing was agreed.
    const fn learn_numbers(&mut self, number: u16) {
        if self.got == 65_535 && self.terms.rollover.is_none() {
            match number {
                0 => self.numbers = Rollover::Zero,
                1 => self.numbers = Rollover::One,
                _ => {}
            }
        }
    }

    fn next(&mut self, data: &[u8], now: Duration) {
        if let Some(sent) = self.timed.take() {
            self.trip.measured(now.saturating_sub(sent));
        }
        self.went_on(now);
        self.inbox.extend_from_slice(data);
        self.got += 1;
        self.tally.blocks += 1;
        self.complained = false;
        if data.len() < usize::from(self.terms.blksize) {
            self.stage = Stage::Closing;
            self.due = None;
        } else if self.got - self.acked >= u64::from(self.terms.windowsize) {
            self.acknowledge();
        } else {
            self.due = Some(now + self.trip.wait(&self.patience, self.terms.timeout));
        }
    }

    fn went_on(&mut self, now: Duration) {
        self.answered = true;
        self.fresh = true;
        self.trip.went_on();
        self.progress = now;
    }

    fn acknowledge(&mut self) {
        self.acked = self.got;
        self.said.clear();
        self.said.extend_from_slice(&ack(self.numbers.number(self.got)));
        self.urgent = true;
    }

    /// When [`Receiver::tick`] wants to be called.
    pub const fn deadline(&self) -> Option<Duration> {
        match self.stage {
            Stage::Opening | Stage::Moving => self.due,
            Stage::Dallying(until) => Some(until),
            Stage::Closing | Stage::Done | Stage::Failed(_) => None,
        }
    }

    /// It is later now.
    pub fn tick(&mut self, now: Duration) {
        match self.stage {
            Stage::Dallying(until) if now >= until => self.stage = Stage::Done,
            Stage::Opening | Stage::Moving if self.due.is_some_and(|due| now >= due) => {
                self.due = None;
                self.tally.timeouts += 1;
                let silent = now.saturating_sub(self.progress) >= self.patience.give_up;
                if silent || (!self.answered && self.sends >= self.patience.unanswered) {
                    self.stage = Stage::Failed(Failure::Silent { answered: self.answered });
                    return;
                }
                self.trip.expired();
                self.timed = None;
                if self.stage == Stage::Moving {
                    self.acknowledge();
                }
                self.urgent = true;
            }
            _ => {}
        }
    }

    /// The packet to be sent now, if there is one.
    pub fn transmit(&mut self, now: Duration) -> Option<&[u8]> {
        if !self.urgent || !self.inbox.is_empty() {
            return None;
        }
        self.urgent = false;
        self.sends += 1;
        self.tally.again += u64::from(!self.fresh);
        self.timed = std::mem::take(&mut self.fresh).then_some(now);
        if matches!(self.stage, Stage::Opening | Stage::Moving) {
            self.due = Some(now + self.trip.wait(&self.patience, self.terms.timeout));
        }
        Some(&self.said)
    }
}
