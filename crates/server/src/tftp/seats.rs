//! Which reactor does a transfer run on? Windows anywhere; those in lock-step together, for who answers many at a time sleeps
//! less.

/// Transfers in lock-step that share a reactor before another is taken. On a fast network each brings some thousand packets a
/// second, and a processor answers a hundred thousand.
const TOGETHER: usize = 16;

/// The transfers under way in lock-step, by reactor.
#[derive(Debug)]
pub(super) struct Seats {
    taken: Vec<usize>,
}

/// A transfer's place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Seat(pub(super) usize);

impl Seats {
    /// None is taken. Half of the reactors are for lock-step: what the kernel does for each of its packets, and the peer
    /// where it is a program of this machine, want a processor as well.
    pub(super) fn new(reactors: usize) -> Self {
        Self { taken: vec![0; reactors.div_ceil(2).max(1)] }
    }

    /// A seat for one more: the emptiest of as few reactors as will do.
    pub(super) fn take(&mut self) -> Seat {
        let open = 1 + self.taken.iter().sum::<usize>() / TOGETHER;
        let emptiest = self.taken.iter_mut().take(open).enumerate().min_by_key(|(_, taken)| **taken);
        emptiest.map_or(Seat(0), |(at, taken)| {
            *taken += 1;
            Seat(at)
        })
    }

    /// It is free again.
    pub(super) fn leave(&mut self, seat: Seat) {
        if let Some(taken) = self.taken.get_mut(seat.0) {
            *taken = taken.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Seat, Seats, TOGETHER};

    #[test]
    fn few_share_one_reactor_and_many_use_half_of_all() {
        let mut seats = Seats::new(8);
        let all: Vec<Seat> = (0..TOGETHER * 8).map(|_| seats.take()).collect();
        assert!(all.iter().take(TOGETHER).all(|seat| seat.0 == 0), "{all:?}");
        assert_eq!(seats.taken, [TOGETHER * 2; 4]);
        for seat in all {
            seats.leave(seat);
        }
        assert_eq!((seats.taken.iter().sum::<usize>(), seats.take()), (0, Seat(0)));
        let mut alone = Seats::new(1);
        assert!((0..100).all(|_| alone.take() == Seat(0)));
        assert_eq!((Seats::new(2).taken.len(), Seats::new(3).taken.len(), Seats::new(0).taken.len()), (1, 2, 1));
    }
}
