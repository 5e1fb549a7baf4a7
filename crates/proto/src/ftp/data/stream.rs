//! MODE S: a body as it is; under STRU R with control codes (RFC 959 §3.4.1).

use memchr::memchr;
use types::Reason;

use super::event::{DATA_AT_MOST, Event, take, take_one};

/// Begins a control code; as data it is doubled.
const ESCAPE: u8 = 0xff;
const RECORD_END: u8 = 1;
const FILE_END: u8 = 2;

/// Appends the bytes of a record.
pub(super) fn data(input: &[u8], out: &mut Vec<u8>) {
    let mut rest = input;
    while let Some((front, back)) = memchr(ESCAPE, rest).and_then(|at| rest.split_at_checked(at + 1)) {
        out.extend_from_slice(front);
        out.push(ESCAPE);
        rest = back;
    }
    out.extend_from_slice(rest);
}

/// Appends the end of a record.
pub(super) fn end_of_record(out: &mut Vec<u8>) {
    out.extend_from_slice(&[ESCAPE, RECORD_END]);
}

/// Appends the end of the file.
pub(super) fn end_of_file(out: &mut Vec<u8>) {
    out.extend_from_slice(&[ESCAPE, FILE_END]);
}

/// Takes control codes out.
#[derive(Clone, Debug, Default)]
pub(super) struct Decoder {
    /// Whether there are codes at all (STRU R).
    coded: bool,
    /// An escape came; its code is awaited.
    escaped: bool,
    /// A record's end was told, and the file's came with it.
    ending: bool,
}

impl Decoder {
    pub(super) const fn new(coded: bool) -> Self {
        Self { coded, escaped: false, ending: false }
    }

    /// What comes next; `None` when the input is used up.
    pub(super) fn next<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<Event<'a>>, Reason> {
        if self.ending {
            return Ok(Some(Event::End));
        }
        if self.escaped {
            let Some(code) = take_one(input) else { return Ok(None) };
            self.escaped = false;
            return match code {
                ESCAPE => Ok(Some(Event::Data(&[ESCAPE]))),
                RECORD_END => Ok(Some(Event::RecordEnd)),
                FILE_END => Ok(Some(Event::End)),
                both if both == RECORD_END | FILE_END => {
                    self.ending = true;
                    Ok(Some(Event::RecordEnd))
                }
                _ => Err(Reason::BodyBlock),
            };
        }
        if input.is_empty() {
            return Ok(None);
        }
        let here = input.get(..DATA_AT_MOST).unwrap_or(input);
        let data = match memchr(ESCAPE, here).filter(|_| self.coded) {
            Some(at) => {
                let data = take(input, at);
                take_one(input);
                self.escaped = true;
                data
            }
            None => take(input, here.len()),
        };
        if data.is_empty() { self.next(input) } else { Ok(Some(Event::Data(data))) }
    }

    /// Whether the end of the file came with the end of the record just told.
    pub(super) const fn is_ending(&self) -> bool {
        self.ending
    }

    /// Whether the data connection may end here. With codes it may not: their own end did not come.
    pub(super) const fn may_end(&self) -> bool {
        !self.coded
    }
}
