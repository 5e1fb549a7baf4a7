//! How long is waited before something is sent again (RFC 1123 §4.2.3.2, RFC 6298)? From the measured round trip, longer
//! each time, and not for ever.

use std::time::Duration;

/// How patient an end is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Patience {
    /// The wait before anything was measured.
    pub first: Duration,
    /// No wait is shorter.
    pub least: Duration,
    /// No wait is longer; an agreed `timeout` is a ceiling as well.
    pub most: Duration,
    /// Without any progress for so long, the transfer is over.
    pub give_up: Duration,
    /// How often in all something is sent to a peer that never answered: who forges an address gets no more than this
    /// out of us.
    pub unanswered: u32,
    /// How long the receiver of a file stays to repeat its last ACK.
    pub dally: Duration,
}

impl Patience {
    /// A sender's.
    pub const fn sender() -> Self {
        Self {
            first: Duration::from_secs(1),
            least: Duration::from_millis(20),
            // Longer than the five seconds of silence after which many receivers (atftp) repeat an ACK that was lost: they
            // count anew with each packet that comes, and would never speak between shorter waits.
            most: Duration::from_secs(8),
            give_up: Duration::from_secs(30),
            unanswered: 4,
            dally: Duration::from_secs(3),
        }
    }

    /// A receiver's: it leaves the sender the first word, since most senders repeat by themselves. It stays for two
    /// repetitions of one that waits five seconds (curl), in case the last ACK is lost.
    pub const fn receiver() -> Self {
        Self { least: Duration::from_millis(200), dally: Duration::from_secs(12), ..Self::sender() }
    }
}

/// The measured round trip and the wait that follows from it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Roundtrip {
    smooth: Option<Duration>,
    spread: Duration,
    doublings: u32,
}

impl Roundtrip {
    /// Something that was sent once was answered after so long (Karn: what was sent twice tells nothing).
    pub(super) fn measured(&mut self, took: Duration) {
        match self.smooth {
            None => {
                self.smooth = Some(took);
                self.spread = took / 2;
            }
            Some(smooth) => {
                self.spread = self.spread * 3 / 4 + smooth.abs_diff(took) / 4;
                self.smooth = Some(smooth * 7 / 8 + took / 8);
            }
        }
        self.doublings = 0;
    }

    /// The wait was too short, or what was sent is lost.
    pub(super) const fn expired(&mut self) {
        self.doublings = self.doublings.saturating_add(1);
    }

    /// It went on after a loss: what was known of the path is still true.
    pub(super) const fn went_on(&mut self) {
        self.doublings = 0;
    }

    /// The mean round trip.
    pub(super) const fn smooth(&self) -> Option<Duration> {
        self.smooth
    }

    /// How long to wait now.
    pub(super) fn wait(&self, patience: &Patience, agreed: Option<Duration>) -> Duration {
        let measured = self.smooth.map(|smooth| (smooth + self.spread * 4).max(patience.least));
        let most = agreed.unwrap_or(patience.most);
        let base = measured.unwrap_or(patience.first).min(most);
        base.saturating_mul(1 << self.doublings.min(16)).min(most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn the_wait_follows_the_path_and_doubles() {
        let (mut trip, patience) = (Roundtrip::default(), Patience::sender());
        assert_eq!(trip.wait(&patience, None), ms(1000));
        trip.measured(ms(100));
        assert_eq!(trip.wait(&patience, None), ms(300));
        for _ in 0..100 {
            trip.measured(ms(100));
        }
        assert!(trip.wait(&patience, None) < ms(110));
        trip.expired();
        assert!(trip.wait(&patience, None) >= ms(200));
        for _ in 0..40 {
            trip.expired();
        }
        assert_eq!(trip.wait(&patience, None), patience.most);
        assert_eq!(trip.wait(&patience, Some(ms(2000))), ms(2000), "the agreed timeout is the ceiling");
        trip.went_on();
        assert!(trip.wait(&patience, None) < ms(110));
        for _ in 0..200 {
            trip.measured(ms(0));
        }
        assert_eq!(trip.wait(&patience, None), patience.least);
    }
}
