//! How much of a file that is written at any place is there without a hole? Only so much can be gone on with.

use std::collections::BTreeMap;

/// The most pieces behind a hole that are remembered; clients have a few dozen writes under way.
const PIECES: usize = 1_024;

/// The bytes from the beginning that are all written, and pieces that lie behind a hole.
#[derive(Debug, Default)]
pub(crate) struct Whole {
    end: u64,
    /// By their first byte, with the byte behind their last.
    pieces: BTreeMap<u64, u64>,
}

impl Whole {
    /// So many bytes are there.
    pub(crate) const fn until(end: u64) -> Self {
        Self { end, pieces: BTreeMap::new() }
    }

    /// Bytes were written.
    pub(crate) fn add(&mut self, at: u64, length: u64) {
        let end = at.saturating_add(length);
        if at > self.end {
            if self.pieces.len() < PIECES {
                let known = self.pieces.entry(at).or_insert(end);
                *known = end.max(*known);
            }
            return;
        }
        self.end = self.end.max(end);
        while let Some((&first, &last)) = self.pieces.first_key_value() {
            if first > self.end {
                break;
            }
            self.end = self.end.max(last);
            self.pieces.pop_first();
        }
    }

    /// It was cut or filled up to this size.
    pub(crate) fn resize(&mut self, size: u64) {
        // Zeros that were asked for are no hole.
        self.end = size;
        self.pieces.clear();
    }

    /// The byte behind the last that has all others before it.
    pub(crate) const fn end(&self) -> u64 {
        self.end
    }
}

#[cfg(test)]
mod tests {
    use super::Whole;

    #[test]
    fn holes_end_what_is_whole_until_they_are_filled() {
        let mut whole = Whole::until(10);
        whole.add(10, 5);
        assert_eq!(whole.end(), 15);
        whole.add(25, 5);
        whole.add(20, 5);
        assert_eq!(whole.end(), 15);
        whole.add(0, 3);
        assert_eq!(whole.end(), 15);
        whole.add(12, 8);
        assert_eq!(whole.end(), 30);
        whole.resize(7);
        assert_eq!(whole.end(), 7);
        whole.add(u64::MAX, 9);
        assert_eq!(whole.end(), 7);
    }
}
