//! A body takes its shape on the way: the pump's transforms for TYPE, STRU and MODE, at this end.

use io::pump::{Progress, Transform};
use proto::ftp::data::{self, Decoder, Encoder, Form};
use types::{Error, Reason};

/// From the wire to the file.
pub(super) struct FromWire {
    decoder: Decoder,
    /// Of the file.
    pub(super) bytes: u64,
}

impl FromWire {
    pub(super) fn new(form: Form) -> Self {
        Self { decoder: Decoder::new(form), bytes: 0 }
    }
}

impl Transform for FromWire {
    fn push(&mut self, input: &mut &[u8], out: &mut Vec<u8>) -> Result<Progress, Error> {
        let before = out.len();
        let progress = self.decoder.push(input, out);
        self.bytes += (out.len() - before) as u64;
        // Nobody here restarts by them.
        drop(self.decoder.take_marks());
        match progress? {
            data::Progress::Hungry => Ok(Progress::Hungry),
            data::Progress::Full => Ok(Progress::Full),
            data::Progress::Over if input.is_empty() => Ok(Progress::Over),
            data::Progress::Over => Err(Reason::BodyBeyond.into()),
        }
    }

    fn wants(&self) -> Option<usize> {
        self.decoder.wants()
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        let before = out.len();
        let whole = self.decoder.finish(out);
        self.bytes += (out.len() - before) as u64;
        Ok(whole?)
    }
}

/// From the file to the wire.
pub(super) struct ToWire {
    encoder: Encoder,
    /// Of the file.
    pub(super) bytes: u64,
}

impl ToWire {
    pub(super) fn new(form: Form) -> Self {
        Self { encoder: Encoder::new(form, 0, 0), bytes: 0 }
    }
}

impl Transform for ToWire {
    fn push(&mut self, input: &mut &[u8], out: &mut Vec<u8>) -> Result<Progress, Error> {
        let taken = std::mem::take(input);
        self.bytes += taken.len() as u64;
        self.encoder.push(taken, out);
        Ok(Progress::Hungry)
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        self.encoder.finish(out);
        Ok(())
    }
}
