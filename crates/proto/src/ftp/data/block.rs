//! MODE B: blocks with a descriptor and a count before each (RFC 959 §3.4.2).

use types::Reason;

use super::event::{DATA_AT_MOST, Event, MARKER_AT_MOST, check_marker, take, take_one};

/// The descriptor's bits, which MODE C uses too.
pub(super) const RECORD_END: u8 = 0x80;
pub(super) const FILE_END: u8 = 0x40;
pub(super) const SUSPECT: u8 = 0x20;
pub(super) const MARKER: u8 = 0x10;
/// Bytes of a header.
const HEADER: usize = 3;
const KNOWN: u8 = RECORD_END | FILE_END | SUSPECT | MARKER;

/// Appends bytes of the body, as blocks.
pub(super) fn data(input: &[u8], out: &mut Vec<u8>) {
    for block in input.chunks(usize::from(u16::MAX)) {
        header(0, block.len(), out);
        out.extend_from_slice(block);
    }
}

/// Appends the end of a record: a block of its own, so that nothing need be held back for it.
pub(super) fn end_of_record(out: &mut Vec<u8>) {
    header(RECORD_END, 0, out);
}

/// Appends the end of the file.
pub(super) fn end_of_file(out: &mut Vec<u8>) {
    header(FILE_END, 0, out);
}

/// Appends a restart marker, which is short.
pub(super) fn marker(marker: &[u8], out: &mut Vec<u8>) {
    header(MARKER, marker.len(), out);
    out.extend_from_slice(marker);
}

fn header(descriptor: u8, count: usize, out: &mut Vec<u8>) {
    let count = u16::try_from(count).unwrap_or(u16::MAX);
    out.push(descriptor);
    out.extend_from_slice(&count.to_be_bytes());
}

/// What a descriptor must be, in MODE B as in MODE C. A marker is no data, so it ends nothing.
pub(super) fn check(descriptor: u8) -> Result<u8, Reason> {
    let fits = descriptor & !KNOWN == 0 && (descriptor & MARKER == 0 || descriptor == MARKER);
    if fits { Ok(descriptor) } else { Err(Reason::BodyBlock) }
}

/// What a descriptor says of the block or string that is now read whole, one thing after the other.
pub(super) fn after(descriptor: &mut u8) -> Option<Event<'static>> {
    for (bit, event) in [(SUSPECT, Event::Suspect), (RECORD_END, Event::RecordEnd), (FILE_END, Event::End)] {
        if *descriptor & bit != 0 {
            *descriptor &= !bit;
            return Some(event);
        }
    }
    None
}

/// Reads blocks.
#[derive(Clone, Debug, Default)]
pub(super) struct Decoder {
    state: State,
    marker: Vec<u8>,
}

#[derive(Clone, Copy, Debug, Default)]
enum State {
    /// At the start of a header.
    #[default]
    Descriptor,
    High(u8),
    Low(u8, u8),
    /// So many bytes of the block are still to come.
    Inside(u8, u16),
}

impl Decoder {
    /// How many bytes belong to this body at least: behind a block that does not end it, another header.
    pub(super) fn wants(&self) -> usize {
        match self.state {
            State::Descriptor => HEADER,
            State::High(_) => 2,
            State::Low(..) => 1,
            State::Inside(descriptor, left) => usize::from(left) + if descriptor & FILE_END == 0 { HEADER } else { 0 },
        }
    }

    /// What comes next; `None` when the input is used up.
    pub(super) fn next<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<Event<'a>>, Reason> {
        loop {
            match &mut self.state {
                State::Descriptor => {
                    let Some(byte) = take_one(input) else { return Ok(None) };
                    self.state = State::High(check(byte)?);
                }
                State::High(descriptor) => {
                    let Some(byte) = take_one(input) else { return Ok(None) };
                    self.state = State::Low(*descriptor, byte);
                }
                State::Low(descriptor, high) => {
                    let Some(byte) = take_one(input) else { return Ok(None) };
                    let count = u16::from_be_bytes([*high, byte]);
                    if *descriptor == MARKER && usize::from(count) > MARKER_AT_MOST {
                        return Err(Reason::BodyMarker);
                    }
                    self.state = State::Inside(*descriptor, count);
                }
                State::Inside(descriptor, 0) => {
                    if *descriptor == MARKER {
                        self.state = State::Descriptor;
                        let marker = std::mem::take(&mut self.marker);
                        check_marker(&marker)?;
                        return Ok(Some(Event::Marker(marker.into())));
                    }
                    match after(descriptor) {
                        Some(event) => return Ok(Some(event)),
                        None => self.state = State::Descriptor,
                    }
                }
                State::Inside(descriptor, left) => {
                    let data = take(input, usize::from(*left).min(DATA_AT_MOST));
                    *left -= u16::try_from(data.len()).unwrap_or(*left);
                    if data.is_empty() {
                        return Ok(None);
                    }
                    if *descriptor != MARKER {
                        return Ok(Some(Event::Data(data)));
                    }
                    self.marker.extend_from_slice(data);
                }
            }
        }
    }
}
