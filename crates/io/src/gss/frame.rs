//! Where does a sealed buffer end? Four bytes of length, most significant first, then the token (RFC 2228 §7).

use std::fmt;

/// The largest token that is taken, in bytes: the buffer that is offered to clients, and what those add to it that count
/// only what is in it.
pub(crate) const MOST: usize = 128 * 1024 + 1024;

/// A token is announced that is larger than any may be, or empty.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FrameError(pub u32);

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a sealed buffer of {} bytes is announced; it may have 1 to {MOST}", self.0)
    }
}

impl std::error::Error for FrameError {}

/// Cuts what arrives into tokens. It holds one token at the most, and room only for what has come.
#[derive(Default)]
pub struct Deframer {
    bytes: Vec<u8>,
    done: usize,
}

impl Deframer {
    /// Adds what has come. To keep within bounds, take out all tokens first.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.done > 0 {
            self.bytes.drain(..self.done.min(self.bytes.len()));
            self.done = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole token; `None` while more must come first.
    ///
    /// # Errors
    /// [`FrameError`]; nothing behind it can be understood.
    pub fn token(&mut self) -> Result<Option<&[u8]>, FrameError> {
        let waiting = self.bytes.get(self.done..).unwrap_or_default();
        let Some((len, rest)) = waiting.split_first_chunk::<4>() else { return Ok(None) };
        let told = u32::from_be_bytes(*len);
        let len = usize::try_from(told).ok().filter(|len| (1..=MOST).contains(len)).ok_or(FrameError(told))?;
        if rest.len() < len {
            return Ok(None);
        }
        self.done += 4 + len;
        Ok(rest.get(..len))
    }

    /// Whether nothing of a token has come.
    pub fn is_empty(&self) -> bool {
        self.done >= self.bytes.len()
    }

    /// Whether a whole token waits, or something that is none.
    pub(super) fn is_ready(&self) -> bool {
        let waiting = self.bytes.get(self.done..).unwrap_or_default();
        waiting.split_first_chunk::<4>().is_some_and(|(len, rest)| {
            let len = u32::from_be_bytes(*len) as usize;
            !(1..=MOST).contains(&len) || rest.len() >= len
        })
    }

    /// Gives back what an idle connection needs not.
    pub(super) fn rest(&mut self) {
        if self.is_empty() {
            *self = Self::default();
        }
    }
}

/// Appends a token with its length. What is longer than four bytes can count goes nowhere: no buffer is.
pub(super) fn frame(token: &[u8], out: &mut Vec<u8>) {
    if let Ok(len) = u32::try_from(token.len()) {
        out.extend_from_slice(&len.to_be_bytes());
        out.extend_from_slice(token);
    }
}

#[cfg(test)]
mod tests {
    use super::{Deframer, FrameError, MOST, frame};
    use proptest::prelude::*;

    #[test]
    fn lengths_that_lie_end_it() {
        for len in [0, MOST as u32 + 1, u32::MAX] {
            let mut deframer = Deframer::default();
            deframer.push(&len.to_be_bytes());
            assert!(deframer.is_ready());
            assert_eq!(deframer.token(), Err(FrameError(len)));
        }
    }

    proptest! {
        #[test]
        fn tokens_come_back_however_they_are_cut(
            tokens in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..300), 0..8),
            piece in 1..400_usize,
        ) {
            let mut wire = Vec::new();
            tokens.iter().for_each(|token| frame(token, &mut wire));
            let (mut deframer, mut back) = (Deframer::default(), Vec::new());
            for bytes in wire.chunks(piece) {
                deframer.push(bytes);
                while deframer.is_ready() {
                    back.push(deframer.token().unwrap().unwrap().to_vec());
                }
                prop_assert_eq!(deframer.token().unwrap(), None);
            }
            prop_assert!(deframer.is_empty());
            prop_assert_eq!(back, tokens);
        }
    }
}
