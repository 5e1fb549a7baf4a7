//! MODE C: strings, with repeated bytes and fillers shortened (RFC 959 §3.4.3).

use types::Reason;

use super::block::{self, FILE_END, MARKER, RECORD_END};
use super::event::{Event, MARKER_AT_MOST, check_marker, take, take_one};

/// Stands before a descriptor code.
const ESCAPE: u8 = 0;
/// A byte repeated: two bits, then how often.
const REPEATED: u8 = 0x80;
/// The filler repeated: two bits, then how often.
const FILLER: u8 = 0xc0;
/// The longest plain string.
const PLAIN_AT_MOST: usize = 127;
/// The most repetitions one string tells.
const REPEATED_AT_MOST: u8 = 63;

/// Makes strings.
#[derive(Clone, Debug)]
pub(super) struct Encoder {
    filler: u8,
    /// A plain string that is not out yet.
    plain: Vec<u8>,
    /// The byte that came last, and how often in a row.
    run: (u8, u8),
}

impl Encoder {
    pub(super) const fn new(filler: u8) -> Self {
        Self { filler, plain: Vec::new(), run: (0, 0) }
    }

    /// Appends what is settled of the body's next bytes.
    pub(super) fn data(&mut self, input: &[u8], out: &mut Vec<u8>) {
        for &byte in input {
            let (last, times) = self.run;
            if last == byte && (1..REPEATED_AT_MOST).contains(&times) {
                self.run.1 += 1;
            } else {
                self.end_run(out);
                self.run = (byte, 1);
            }
        }
    }

    /// Appends the end of a record: the code holds for the string behind it, so the last string was held back.
    pub(super) fn end_of_record(&mut self, out: &mut Vec<u8>) {
        self.end(RECORD_END, out);
    }

    /// Appends the end of the file.
    pub(super) fn end_of_file(&mut self, out: &mut Vec<u8>) {
        self.end(FILE_END, out);
    }

    /// Appends a restart marker, which is short.
    pub(super) fn marker(&mut self, marker: &[u8], out: &mut Vec<u8>) {
        self.end_run(out);
        self.end_plain(out);
        out.extend_from_slice(&[ESCAPE, MARKER]);
        self.plain.extend_from_slice(marker);
        self.end_plain(out);
    }

    /// Whether a run is worth a string of its own.
    const fn is_worth(&self) -> bool {
        self.run.1 > 2 || (self.run.1 == 2 && self.run.0 == self.filler)
    }

    fn end(&mut self, code: u8, out: &mut Vec<u8>) {
        if self.is_worth() {
            self.end_plain(out);
            out.extend_from_slice(&[ESCAPE, code]);
            return self.end_run(out);
        }
        self.end_run(out);
        out.extend_from_slice(&[ESCAPE, code]);
        if self.plain.is_empty() {
            out.push(FILLER); // no bytes: the only string that can be empty without looking like an escape
        }
        self.end_plain(out);
    }

    fn end_run(&mut self, out: &mut Vec<u8>) {
        let (byte, times) = self.run;
        if self.is_worth() {
            self.end_plain(out);
            if byte == self.filler {
                out.push(FILLER | times);
            } else {
                out.extend_from_slice(&[REPEATED | times, byte]);
            }
        } else {
            if self.plain.len() + usize::from(times) > PLAIN_AT_MOST {
                self.end_plain(out);
            }
            self.plain.extend(std::iter::repeat_n(byte, usize::from(times)));
        }
        self.run.1 = 0;
    }

    fn end_plain(&mut self, out: &mut Vec<u8>) {
        if let Some(length) = u8::try_from(self.plain.len()).ok().filter(|length| *length > 0) {
            out.push(length);
            out.append(&mut self.plain);
        }
    }
}

/// Reads strings.
#[derive(Clone, Debug)]
pub(super) struct Decoder {
    filler: u8,
    /// What escapes said of the string to come.
    descriptor: u8,
    state: State,
    marker: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// At the start of a string.
    Start,
    /// Behind an escape.
    Code,
    /// So many bytes of a plain string are still to come.
    Plain(u8),
    /// The byte that is repeated so often is still to come.
    Repeated(u8),
    /// The string was read whole.
    Whole,
}

impl Decoder {
    pub(super) const fn new(filler: u8) -> Self {
        Self { filler, descriptor: 0, state: State::Start, marker: Vec::new() }
    }

    /// What comes next; `None` when the input is used up.
    pub(super) fn next<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<Event<'a>>, Reason> {
        loop {
            match self.state {
                State::Start => {
                    let Some(byte) = take_one(input) else { return Ok(None) };
                    self.state = match byte {
                        ESCAPE => State::Code,
                        1..REPEATED => State::Plain(byte),
                        REPEATED..FILLER => State::Repeated(byte & REPEATED_AT_MOST),
                        FILLER.. => {
                            self.state = State::Whole;
                            if let Some(event) = self.found_run(self.filler, byte & REPEATED_AT_MOST)? {
                                return Ok(Some(event));
                            }
                            continue;
                        }
                    };
                }
                State::Code => {
                    let Some(byte) = take_one(input) else { return Ok(None) };
                    self.descriptor = block::check(self.descriptor | byte)?;
                    self.state = State::Start;
                }
                State::Plain(0) => self.state = State::Whole,
                State::Plain(left) => {
                    let data = take(input, usize::from(left));
                    self.state = State::Plain(left - u8::try_from(data.len()).unwrap_or(left));
                    if data.is_empty() {
                        return Ok(None);
                    }
                    if self.descriptor != MARKER {
                        return Ok(Some(Event::Data(data)));
                    }
                    self.mark(data)?;
                }
                State::Repeated(times) => {
                    let Some(byte) = take_one(input) else { return Ok(None) };
                    self.state = State::Whole;
                    if let Some(event) = self.found_run(byte, times)? {
                        return Ok(Some(event));
                    }
                }
                State::Whole => {
                    if self.descriptor == MARKER {
                        (self.state, self.descriptor) = (State::Start, 0);
                        let marker = std::mem::take(&mut self.marker);
                        check_marker(&marker)?;
                        return Ok(Some(Event::Marker(marker.into())));
                    }
                    match block::after(&mut self.descriptor) {
                        Some(event) => return Ok(Some(event)),
                        None => self.state = State::Start,
                    }
                }
            }
        }
    }

    fn found_run(&mut self, byte: u8, times: u8) -> Result<Option<Event<'static>>, Reason> {
        if self.descriptor == MARKER {
            self.mark(&[byte].repeat(usize::from(times)))?;
            return Ok(None);
        }
        Ok((times > 0).then(|| Event::Run(byte, usize::from(times))))
    }

    fn mark(&mut self, more: &[u8]) -> Result<(), Reason> {
        if self.marker.len() + more.len() > MARKER_AT_MOST {
            return Err(Reason::BodyMarker);
        }
        self.marker.extend_from_slice(more);
        Ok(())
    }

    /// Whether the data connection may end here: the end of the file was told, though no string came behind it.
    pub(super) const fn may_end(&self) -> bool {
        matches!(self.state, State::Start) && self.descriptor & FILE_END != 0
    }
}
