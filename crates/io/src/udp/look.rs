//! How does who waits for one answer at a time hear it soonest? Where answers come within microseconds it looks for them, again
//! and again for a moment, before it sleeps.
//!
//! Two sleeps and two wake-ups are what most of a lock-step round trip on a fast path goes into. Who looks spares its own, and
//! the peer the call that wakes it: on loopback a block takes a third of the time and less of the processor. It is bounded: a
//! look lasts no longer than twice what answers took of late and never longer than [`LONGEST`]; what was in vain is tried ever
//! more rarely; while more wait than half of the processors nobody looks, for they would take the time from each other; and
//! after [`TURN`] of them in a row the thread's other tasks have their turn.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// No look lasts longer: about what two wake-ups cost on a machine that is asleep.
const LONGEST: Duration = Duration::from_micros(150);

/// Waits that are slept through after a look in vain; twice as many after each further one, up to [`RAREST`].
const RARE: u32 = 8;
const RAREST: u32 = 4_096;

/// Looks that find something, one after the other, before others of the same thread have their turn.
const TURN: u32 = 16;

/// How many may look at once: half of the processors, so that those at the other ends find one.
static PLACES: LazyLock<usize> = LazyLock::new(|| std::thread::available_parallelism().map_or(0, |cores| cores.get() / 2));

/// Those that would look.
static EAGER: AtomicUsize = AtomicUsize::new(0);

/// How long one waiter's looks last.
#[derive(Debug)]
pub(super) struct Look {
    /// How long answers took of late.
    usual: Duration,
    /// Waits that are still to be slept through.
    rest: u32,
    /// How many that will be after the next look in vain.
    next: u32,
    /// What was found without a sleep between.
    found: u32,
    /// Counted among those that would look.
    counted: bool,
}

impl Look {
    pub(super) fn new() -> Self {
        EAGER.fetch_add(1, Ordering::Relaxed);
        Self { counted: true, ..Self::lone() }
    }

    const fn lone() -> Self {
        Self { usual: Duration::ZERO, rest: 0, next: RARE, found: 0, counted: false }
    }

    /// How long to look before sleeping. Nothing before the first answer.
    pub(super) fn longest(&mut self) -> Duration {
        if EAGER.load(Ordering::Relaxed) > *PLACES { Duration::ZERO } else { self.turn() }
    }

    fn turn(&mut self) -> Duration {
        if self.rest > 0 {
            self.rest -= 1;
            return Duration::ZERO;
        }
        if self.usual > LONGEST { Duration::ZERO } else { (self.usual * 2).min(LONGEST) }
    }

    /// Whether others wait for their turn by now.
    pub(super) const fn has_had_its_turn(&mut self) -> bool {
        let over = self.found >= TURN;
        if over {
            self.found = 0;
        }
        over
    }

    /// An answer came after so long a wait; whether a look found it.
    pub(super) fn came(&mut self, after: Duration, found: bool) {
        // A pause of the peer says little about the path.
        let after = after.min(LONGEST * 4);
        self.usual = if self.usual.is_zero() { after } else { (self.usual * 7 + after) / 8 };
        self.found = if found { self.found + 1 } else { 0 };
        if found {
            self.next = (self.next - self.next / 8).max(RARE);
        }
    }

    /// A look found nothing.
    pub(super) fn in_vain(&mut self) {
        self.rest = self.next;
        self.next = (self.next * 2).min(RAREST);
    }
}

impl Drop for Look {
    fn drop(&mut self) {
        if self.counted {
            EAGER.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, Look, RAREST};
    use std::time::Duration;

    const fn us(n: u64) -> Duration {
        Duration::from_micros(n)
    }

    #[test]
    fn who_hears_answers_soon_looks_for_them_and_others_sleep() {
        let mut look = Look::lone();
        assert_eq!(look.turn(), us(0), "nobody knows yet");
        look.came(us(20), false);
        assert_eq!(look.turn(), us(40));
        look.came(us(100), true);
        assert_eq!(look.turn(), us(60));
        for _ in 0..100 {
            look.came(us(100), true);
        }
        assert_eq!(look.turn(), LONGEST);
        for _ in 0..100 {
            look.came(Duration::from_secs(1), false);
        }
        assert_eq!(look.turn(), us(0), "a slow path");
    }

    #[test]
    fn others_have_their_turn() {
        let mut look = Look::lone();
        let mut in_a_row = |found: &[bool]| {
            found.iter().for_each(|&found| look.came(us(20), found));
            look.has_had_its_turn()
        };
        assert!(!in_a_row(&[true; 15]) && in_a_row(&[true]) && !in_a_row(&[true; 15]));
        assert!(!in_a_row(&[false, true]), "it slept between");
    }

    #[test]
    fn looks_in_vain_become_rare_and_come_back() {
        let mut look = Look::lone();
        look.came(us(20), false);
        let slept = |look: &mut Look| (0..).take_while(|_| look.turn().is_zero()).count();
        look.in_vain();
        assert_eq!(slept(&mut look), 8);
        look.in_vain();
        assert_eq!(slept(&mut look), 16);
        for _ in 0..100 {
            look.in_vain();
        }
        assert_eq!(slept(&mut look), RAREST as usize);
        for _ in 0..100 {
            look.came(us(20), true);
        }
        look.in_vain();
        assert_eq!(slept(&mut look), 8);
    }
}
