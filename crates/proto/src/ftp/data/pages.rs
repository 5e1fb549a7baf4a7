//! STRU P: pages with a header each (RFC 959 §3.1.2.3).
//!
//! A logical byte has eight bits here (TYPE L 8), so a page holds 255 of them at most, and its number is told modulo
//! 256.

use types::Reason;

use super::event::{take, take_one};

/// Bytes of a header without fields of its own.
const HEADER: u8 = 4;
/// Types of pages.
const LAST: u8 = 0;
const SIMPLE: u8 = 1;
const DESCRIPTOR: u8 = 2;
const ACCESS: u8 = 3;
/// Bytes in a page.
pub(super) const SIZE: usize = 255;

/// Makes pages.
#[derive(Clone, Debug, Default)]
pub(super) struct Encoder {
    /// The number of the page to come.
    number: u8,
    page: Vec<u8>,
}

impl Encoder {
    /// Appends the pages that are full.
    pub(super) fn push(&mut self, mut input: &[u8], out: &mut Vec<u8>) {
        while !input.is_empty() {
            let more = take(&mut input, SIZE - self.page.len().min(SIZE));
            self.page.extend_from_slice(more);
            if self.page.len() >= SIZE {
                self.end_page(out);
            }
        }
    }

    /// Appends the rest and the last page, which holds nothing.
    pub(super) fn finish(&mut self, out: &mut Vec<u8>) {
        if !self.page.is_empty() {
            self.end_page(out);
        }
        out.extend_from_slice(&[HEADER, self.number, 0, LAST]);
    }

    fn end_page(&mut self, out: &mut Vec<u8>) {
        let length = u8::try_from(self.page.len()).unwrap_or(u8::MAX);
        out.extend_from_slice(&[HEADER, self.number, length, SIMPLE]);
        out.append(&mut self.page);
        self.number = self.number.wrapping_add(1);
    }
}

/// Reads pages.
#[derive(Clone, Debug, Default)]
pub(super) struct Decoder {
    /// The header as far as it has come.
    header: Vec<u8>,
    /// The page at hand: bytes of the header to leave out, bytes of data to come, whether they are kept.
    left: (u8, u8, bool),
    number: u8,
    over: bool,
}

impl Decoder {
    /// Takes the body's bytes and appends what is in pages.
    pub(super) fn push(&mut self, mut input: &[u8], out: &mut Vec<u8>) -> Result<(), Reason> {
        while !input.is_empty() {
            if self.over {
                return Err(Reason::BodyBeyond);
            }
            let (fields, data, kept) = &mut self.left;
            if *fields > 0 {
                let gone = take(&mut input, usize::from(*fields));
                *fields -= u8::try_from(gone.len()).unwrap_or(*fields);
            } else if *data > 0 {
                let some = take(&mut input, usize::from(*data));
                *data -= u8::try_from(some.len()).unwrap_or(*data);
                if *kept {
                    out.extend_from_slice(some);
                }
            } else if let Some(byte) = take_one(&mut input) {
                self.header.push(byte);
                self.begin()?;
            }
        }
        Ok(())
    }

    /// Begins a page when its header is there.
    fn begin(&mut self) -> Result<(), Reason> {
        let [length, number, data, kind] = *self.header.as_slice() else { return Ok(()) };
        self.header.clear();
        let fields = length.checked_sub(HEADER).ok_or(Reason::BodyPage)?;
        match kind {
            LAST if fields == 0 && data == 0 => self.over = true,
            // What it tells of the file as a whole has no place here.
            DESCRIPTOR => self.left = (fields, data, false),
            SIMPLE | ACCESS if number == self.number => {
                self.number = number.wrapping_add(1);
                self.left = (fields, data, true);
            }
            _ => return Err(Reason::BodyPage),
        }
        Ok(())
    }

    /// Whether the last page has come.
    pub(super) const fn is_over(&self) -> bool {
        self.over
    }
}
