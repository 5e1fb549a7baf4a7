//! MODE Z: a body deflated, with zlib's header and digest (draft-preston-ftpext-deflate; RFC 1950).

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use types::Reason;

use super::form::Level;

/// How much room is made for what comes out, at a time.
const ROOM: usize = 16 * 1024;

/// Deflates.
#[derive(Debug)]
pub(super) struct Encoder(Compress);

impl Encoder {
    pub(super) fn new(level: Level) -> Self {
        Self(Compress::new(Compression::new(level.number().into()), true))
    }

    /// Appends what is settled of the body's next bytes.
    pub(super) fn push(&mut self, input: &[u8], out: &mut Vec<u8>) {
        self.run(input, FlushCompress::None, out);
    }

    /// Appends the rest, with the digest.
    pub(super) fn finish(&mut self, out: &mut Vec<u8>) {
        self.run(&[], FlushCompress::Finish, out);
    }

    fn run(&mut self, mut input: &[u8], flush: FlushCompress, out: &mut Vec<u8>) {
        loop {
            out.reserve(ROOM);
            let (before, room) = (self.0.total_in(), out.capacity() - out.len());
            let (start, status) = (out.len(), self.0.compress_vec(input, out, flush));
            let taken = usize::try_from(self.0.total_in() - before).unwrap_or(usize::MAX);
            input = input.get(taken..).unwrap_or_default();
            let full = out.len() - start == room;
            if matches!(status, Ok(Status::StreamEnd) | Err(_)) || (input.is_empty() && !full) {
                break;
            }
        }
    }
}

/// Inflates.
#[derive(Debug)]
pub(super) struct Decoder {
    state: Decompress,
    over: bool,
}

impl Decoder {
    pub(super) fn new() -> Self {
        Self { state: Decompress::new(true), over: false }
    }

    /// Appends some of what the next bytes become, never more than a few KiB; nothing more where `false`.
    pub(super) fn push(&mut self, input: &mut &[u8], out: &mut Vec<u8>) -> Result<bool, Reason> {
        if self.over {
            return if input.is_empty() { Ok(false) } else { Err(Reason::BodyBeyond) };
        }
        out.reserve_exact(ROOM);
        let (before, start) = (self.state.total_in(), out.len());
        let status = self.state.decompress_vec(input, out, FlushDecompress::None);
        let taken = usize::try_from(self.state.total_in() - before).unwrap_or(usize::MAX);
        *input = input.get(taken..).unwrap_or_default();
        match status {
            Ok(Status::StreamEnd) => self.over = true,
            Ok(_) => {}
            Err(_) => return Err(Reason::BodyDeflate),
        }
        Ok(taken > 0 || out.len() > start)
    }

    /// Whether the end has come, and the digest was right.
    pub(super) const fn is_over(&self) -> bool {
        self.over
    }
}
