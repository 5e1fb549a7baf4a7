//! What a mode's decoder finds in the bytes that come.

use types::Reason;

/// One thing found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Event<'a> {
    /// Bytes of the body.
    Data(&'a [u8]),
    /// One byte so many times.
    Run(u8, usize),
    /// A record ends.
    RecordEnd,
    /// A restart marker.
    Marker(Box<[u8]>),
    /// What came just now may be damaged, says the sender.
    Suspect,
    /// The body ends.
    End,
}

/// The longest restart marker that is kept.
pub(super) const MARKER_AT_MOST: usize = 64;

/// The most bytes that one [`Event::Data`] brings.
pub(super) const DATA_AT_MOST: usize = 32 * 1024;

/// Takes up to `most` bytes off the front.
pub(super) fn take<'a>(input: &mut &'a [u8], most: usize) -> &'a [u8] {
    let (front, rest) = input.split_at_checked(most).unwrap_or((input, &[]));
    *input = rest;
    front
}

/// Takes one byte off the front.
pub(super) fn take_one(input: &mut &[u8]) -> Option<u8> {
    let (&first, rest) = input.split_first()?;
    *input = rest;
    Some(first)
}

/// Whether a marker is one that the control connection can carry: printable characters and no space (RFC 959 §3.4.2).
pub(super) fn check_marker(marker: &[u8]) -> Result<(), Reason> {
    let fits = (1..=MARKER_AT_MOST).contains(&marker.len()) && marker.iter().all(u8::is_ascii_graphic);
    if fits { Ok(()) } else { Err(Reason::BodyMarker) }
}
