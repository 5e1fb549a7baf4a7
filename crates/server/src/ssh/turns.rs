//! In which order is it told what came of readings and writings of one file? In the order they were asked for, whichever
//! is done first.

use std::collections::VecDeque;

use types::AskId;

/// What is under way on one file, and what is done and waits for what was asked before it.
#[derive(Debug)]
pub(super) struct Turns<T>(VecDeque<(AskId, Option<T>)>);

impl<T> Default for Turns<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<T> Turns<T> {
    /// Something is asked for; its turn comes after all that were asked for before.
    pub(super) fn begin(&mut self, ask: AskId) {
        self.0.push_back((ask, None));
    }

    /// It is done: all whose turn it is now.
    pub(super) fn done(&mut self, ask: AskId, outcome: T) -> Vec<(AskId, T)> {
        if let Some((_, waits)) = self.0.iter_mut().find(|(of, _)| *of == ask) {
            *waits = Some(outcome);
        }
        let mut ready = Vec::new();
        while let Some((ask, waits)) = self.0.pop_front() {
            match waits {
                Some(outcome) => ready.push((ask, outcome)),
                None => {
                    self.0.push_front((ask, None));
                    break;
                }
            }
        }
        ready
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All orders of some things.
    fn orders(things: &[u32]) -> Vec<Vec<u32>> {
        if things.is_empty() {
            return vec![Vec::new()];
        }
        let mut all = Vec::new();
        for (at, &first) in things.iter().enumerate() {
            let rest: Vec<u32> = things.iter().enumerate().filter(|(i, _)| *i != at).map(|(_, &t)| t).collect();
            all.extend(orders(&rest).into_iter().map(|tail| [vec![first], tail].concat()));
        }
        all
    }

    #[test]
    fn whatever_is_done_first_what_was_asked_first_is_told_first() {
        for order in orders(&[1, 2, 3, 4, 5]) {
            let mut turns = Turns::default();
            (1..=5).for_each(|ask| turns.begin(AskId(ask)));
            let mut told = Vec::new();
            for (n, &ask) in order.iter().enumerate() {
                told.extend(turns.done(AskId(ask), ask * 10));
                // Nothing that may be told is held back.
                let done = |ask: u32| order[..=n].contains(&ask);
                assert_eq!(told.len(), (1..=5).take_while(|&ask| done(ask)).count(), "{order:?}");
            }
            assert_eq!(told, [1, 2, 3, 4, 5].map(|ask| (AskId(ask), ask * 10)), "{order:?}");
            assert!(turns.is_empty());
        }
    }

    #[test]
    fn more_is_asked_for_on_the_way() {
        let mut turns = Turns::default();
        turns.begin(AskId(7));
        turns.begin(AskId(3)); // numbers mean nothing
        assert_eq!(turns.done(AskId(3), 'b'), []);
        turns.begin(AskId(9));
        assert_eq!(turns.done(AskId(7), 'a'), [(AskId(7), 'a'), (AskId(3), 'b')]);
        assert_eq!(turns.done(AskId(8), 'x'), [], "nobody asked for it");
        assert_eq!(turns.done(AskId(9), 'c'), [(AskId(9), 'c')]);
        assert!(turns.is_empty());
    }
}
