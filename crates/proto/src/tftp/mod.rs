//! TFTP: its packets, its options and one transfer, for both ends (RFC 1350 and its successors).

mod body;
pub mod errors;
pub mod multicast;
pub mod netascii;
pub mod options;
pub mod packet;
pub mod receiver;
pub mod sender;
pub mod timing;
pub mod words;

use std::time::Duration;

use errors::Code;
use options::Terms;
use packet::Packet;

/// Which block number comes after 65535. No RFC says so; programs do one or the other.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Rollover {
    /// Zero: what most programs do, and the arithmetic of sixteen bits.
    #[default]
    Zero,
    /// One, since zero is the number of the request's acknowledgement.
    One,
}

impl Rollover {
    /// The number that block `block` of a file has in a packet. Block 0 is the request's acknowledgement.
    pub const fn number(self, block: u64) -> u16 {
        match self {
            Self::Zero => (block & 0xffff) as u16,
            Self::One if block == 0 => 0,
            Self::One => ((block - 1) % 65_535 + 1) as u16,
        }
    }

    /// The first block from `from` on that has this number.
    pub const fn block(self, from: u64, number: u16) -> Option<u64> {
        match self {
            Self::Zero => Some(from + number.wrapping_sub(self.number(from)) as u64),
            Self::One if number == 0 => {
                if from == 0 {
                    Some(0)
                } else {
                    None
                }
            }
            Self::One if from == 0 => Some(number as u64),
            Self::One => Some(from + (number as u64 + 65_535 - self.number(from) as u64) % 65_535),
        }
    }
}

/// Why a transfer did not come to its end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Failure {
    /// The peer sent an ERROR.
    Peer(Code, Box<str>),
    /// The peer has said nothing that helped for too long; whether it ever said anything.
    Silent {
        /// It did.
        answered: bool,
    },
    /// What it sent cannot be: told in an ERROR.
    Illegal(&'static str),
    /// This end gave up: told in an ERROR.
    Own(Code),
}

/// What a transfer took.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// Blocks that were sent or taken, each once.
    pub blocks: u64,
    /// Blocks sent again, or acknowledgements.
    pub again: u64,
    /// How often the time ran out.
    pub timeouts: u64,
}

/// One of the two machines, for whoever drives either: [`sender::Sender`] and [`receiver::Receiver`].
pub trait Machine: Send {
    /// Hears a packet from the peer.
    fn hear(&mut self, packet: &Packet<'_>, now: Duration);
    /// It is later now.
    fn tick(&mut self, now: Duration);
    /// When [`Machine::tick`] wants to be called.
    fn deadline(&self) -> Option<Duration>;
    /// Whether the peer has ever answered.
    fn answered(&self) -> bool;
    /// How it ended, once it has.
    fn ended(&self) -> Option<Result<(), &Failure>>;
    /// Gives up, and tells the peer so.
    fn fail(&mut self, code: Code, text: &str);
    /// What both ends agreed on.
    fn terms(&self) -> &Terms;
    /// What it took so far.
    fn tally(&self) -> Tally;
    /// The mean round trip, once there is one.
    fn round_trip(&self) -> Option<Duration>;
}

macro_rules! machine {
    ($($one:ty),*) => {$(
        impl Machine for $one {
            fn hear(&mut self, packet: &Packet<'_>, now: Duration) {
                Self::hear(self, packet, now);
            }

            fn tick(&mut self, now: Duration) {
                Self::tick(self, now);
            }

            fn deadline(&self) -> Option<Duration> {
                Self::deadline(self)
            }

            fn answered(&self) -> bool {
                Self::answered(self)
            }

            fn ended(&self) -> Option<Result<(), &Failure>> {
                Self::ended(self)
            }

            fn fail(&mut self, code: Code, text: &str) {
                Self::fail(self, code, text);
            }

            fn terms(&self) -> &Terms {
                Self::terms(self)
            }

            fn tally(&self) -> Tally {
                Self::tally(self)
            }

            fn round_trip(&self) -> Option<Duration> {
                Self::round_trip(self)
            }
        }
    )*};
}

machine!(sender::Sender, receiver::Receiver);

#[cfg(test)]
mod tests {
    use super::Rollover;

    #[test]
    fn block_numbers_wrap_both_ways() {
        assert_eq!([65_534, 65_535, 65_536, 65_537].map(|b| Rollover::Zero.number(b)), [65_534, 65_535, 0, 1]);
        assert_eq!([0, 1, 65_535, 65_536, 131_070, 131_071].map(|b| Rollover::One.number(b)), [0, 1, 65_535, 1, 65_535, 1]);
        for way in [Rollover::Zero, Rollover::One] {
            for from in [0, 1, 2, 65_533, 65_534, 65_535, 65_536, 65_537, 131_069, 131_070, 131_071, 1 << 40] {
                for ahead in 0..70 {
                    assert_eq!(way.block(from, way.number(from + ahead)), Some(from + ahead), "{way:?} {from} {ahead}");
                }
            }
        }
        assert_eq!(Rollover::One.block(5, 0), None);
    }
}
