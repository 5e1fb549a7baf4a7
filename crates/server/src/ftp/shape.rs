//! A body takes its shape on the way: the pump's transforms for TYPE, STRU and MODE.

use io::pump::{Progress, Transform};
use proto::ftp::data::{self, Form, Mark, Mode, Structure, Type, ascii};
use tokio::sync::mpsc;
use types::{Error, Reason};

/// What shows in a body that comes in, for the session to tell.
#[derive(Debug)]
pub(super) enum Noted {
    /// A restart marker; the byte of the file that stands there.
    Mark(Mark),
    /// The sender called a part of the body suspect.
    Suspect,
}

/// From the file to the wire.
pub(super) struct Encode(data::Encoder);

impl Encode {
    /// Nothing where the file travels as it is.
    pub(super) fn new(form: Form, at: u64, skip: u64) -> Option<Self> {
        (!form.is_plain()).then(|| Self(data::Encoder::new(form, at, skip)))
    }
}

impl Transform for Encode {
    fn push(&mut self, input: &mut &[u8], out: &mut Vec<u8>) -> Result<Progress, Error> {
        self.0.push(std::mem::take(input), out);
        Ok(Progress::Hungry)
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        self.0.finish(out);
        Ok(())
    }
}

/// From lines that end with CRLF to the wire.
pub(super) struct EncodeLines {
    /// Takes the CR away where the form sets its own line ends.
    bare: Option<(ascii::Decoder, Vec<u8>)>,
    encoder: data::Encoder,
}

impl EncodeLines {
    /// Nothing where the lines travel as they are: in MODE S, in TYPE A or I.
    pub(super) fn new(form: Form) -> Option<Self> {
        let own_ends = form.kind != Type::Image || form.structure == Structure::Record;
        let as_they_are = form.kind != Type::Ebcdic && form.structure == Structure::File && form.mode == Mode::Stream;
        let bare = own_ends.then(|| (ascii::Decoder::new(), Vec::new()));
        (!as_they_are).then(|| Self { bare, encoder: data::Encoder::new(form, 0, 0) })
    }
}

impl Transform for EncodeLines {
    fn push(&mut self, input: &mut &[u8], out: &mut Vec<u8>) -> Result<Progress, Error> {
        let mut lines = std::mem::take(input);
        if let Some((decoder, bare)) = &mut self.bare {
            bare.clear();
            decoder.push(lines, bare);
            lines = bare;
        }
        self.encoder.push(lines, out);
        Ok(Progress::Hungry)
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        self.encoder.finish(out);
        Ok(())
    }
}

/// From the wire to the file.
pub(super) struct Decode {
    decoder: data::Decoder,
    /// Bytes of the file made so far, and the most there may be.
    stored: u64,
    most: u64,
    /// Where in the file this body begins.
    at: u64,
    noted: Option<mpsc::Sender<Noted>>,
    doubted: bool,
}

impl Decode {
    /// Nothing where the file travels as it is.
    pub(super) fn new(form: Form, at: u64, most: Option<u64>, noted: Option<mpsc::Sender<Noted>>) -> Option<Self> {
        let most = most.unwrap_or(u64::MAX);
        (!form.is_plain()).then(|| Self { decoder: data::Decoder::new(form), stored: 0, most, at, noted, doubted: false })
    }

    /// Bytes of the file made so far.
    pub(super) const fn stored(&self) -> u64 {
        self.stored
    }

    /// What was made of a body may be much more than what came: it is what the user's limits are about.
    fn count(&mut self, from: usize, out: &mut Vec<u8>) -> Result<(), Error> {
        let fresh = (out.len() - from) as u64;
        let room = self.most.saturating_sub(self.stored);
        if fresh > room {
            out.truncate(from + usize::try_from(room).unwrap_or(usize::MAX));
            self.stored = self.most;
            return Err(Reason::TooLarge.into());
        }
        self.stored += fresh;
        Ok(())
    }

    /// Tells what shows. A sender who floods us with markers gets no answer to some: nobody waits for that.
    fn note(&mut self) {
        let marks = self.decoder.take_marks();
        let Some(noted) = &self.noted else { return };
        for mut mark in marks {
            mark.at += self.at;
            let _ = noted.try_send(Noted::Mark(mark));
        }
        if self.decoder.is_suspect() && !self.doubted {
            self.doubted = noted.try_send(Noted::Suspect).is_ok();
        }
    }
}

impl Transform for Decode {
    fn push(&mut self, input: &mut &[u8], out: &mut Vec<u8>) -> Result<Progress, Error> {
        let from = out.len();
        let progress = self.decoder.push(input, out);
        self.count(from, out)?;
        self.note();
        Ok(match progress? {
            data::Progress::Hungry => Progress::Hungry,
            data::Progress::Full => Progress::Full,
            data::Progress::Over if input.is_empty() => Progress::Over,
            data::Progress::Over => return Err(Reason::BodyBeyond.into()),
        })
    }

    fn wants(&self) -> Option<usize> {
        self.decoder.wants()
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        let from = out.len();
        let whole = self.decoder.finish(out);
        self.count(from, out)?;
        Ok(whole?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bomb_ends_at_the_limit() {
        let form = Form { mode: Mode::Deflate, ..Form::IMAGE };
        let mut wire = Vec::new();
        let mut encoder = Encode::new(form, 0, 0).unwrap();
        for _ in 0..64 {
            encoder.push(&mut [0; 65_536].as_slice(), &mut wire).unwrap();
        }
        encoder.finish(&mut wire).unwrap();
        assert!(wire.len() < 65_536, "{}", wire.len());
        let mut decode = Decode::new(form, 0, Some(1_000_000), None).unwrap();
        let (mut input, mut stored) = (wire.as_slice(), 0);
        let error = loop {
            let mut out = Vec::new();
            let progress = decode.push(&mut input, &mut out);
            stored += out.len();
            match progress {
                Ok(Progress::Full) => {}
                Ok(other) => panic!("{other:?} after {stored}"),
                Err(error) => break error,
            }
        };
        assert_eq!((error.reason, stored, decode.stored()), (Reason::TooLarge, 1_000_000, 1_000_000));
    }

    #[test]
    fn lines_take_every_form() {
        let lines = |form: Form| {
            let (mut out, mut encode) = (Vec::new(), EncodeLines::new(form).unwrap());
            encode.push(&mut b"a\r\nb\r\n".as_slice(), &mut out).unwrap();
            encode.finish(&mut out).unwrap();
            out
        };
        assert!(EncodeLines::new(Form::ASCII).is_none() && EncodeLines::new(Form::IMAGE).is_none());
        assert_eq!(lines(Form { kind: Type::Ebcdic, ..Form::ASCII }), b"\x81\x15\x82\x15");
        assert_eq!(lines(Form { structure: Structure::Record, ..Form::IMAGE }), b"a\xff\x01b\xff\x01\xff\x02");
        assert_eq!(lines(Form { mode: Mode::Block, ..Form::IMAGE }), b"\0\0\x06a\r\nb\r\n\x40\0\0");
        assert_eq!(lines(Form { mode: Mode::Block, ..Form::ASCII }), b"\0\0\x06a\r\nb\r\n\x40\0\0");
    }
}
