//! From the wire to the file, in whatever TYPE, STRU and MODE.

use memchr::memchr;
use types::Reason;

use super::event::Event;
use super::form::{Form, Mode, Structure, Type};
use super::{ascii, block, compressed, deflate, ebcdic, filler, pages, stream};

/// When so many bytes have been appended, [`Decoder::push`] stops and wants them taken away first.
pub const FULL: usize = 256 * 1024;

/// How many restart markers are kept until somebody asks for them; more are left unanswered.
const MARKS_AT_MOST: usize = 16;

/// How far [`Decoder::push`] has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Progress {
    /// The input is used up.
    Hungry,
    /// [`FULL`] bytes are out; the input may not be used up.
    Full,
    /// The body has ended by its own mark; what is left of the input is no part of it.
    Over,
}

/// A restart marker that came: what the sender calls the place, and the byte of the file that comes next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mark {
    /// The sender's word.
    pub marker: Box<[u8]>,
    /// Bytes of this body that stand before it, as they are stored.
    pub at: u64,
}

/// Makes of what travels a file.
#[derive(Debug)]
pub struct Decoder {
    framing: Framing,
    body: Body,
    marks: Vec<Mark>,
    suspect: bool,
    over: bool,
    ahead: bool,
}

#[derive(Debug)]
enum Framing {
    Stream(stream::Decoder),
    Block(block::Decoder),
    Compressed(compressed::Decoder),
    Deflate(Box<deflate::Decoder>, stream::Decoder, Vec<u8>),
}

impl Decoder {
    /// At the start of a body, or behind a restart marker.
    pub fn new(form: Form) -> Self {
        let stream = stream::Decoder::new(form.structure == Structure::Record);
        Self {
            framing: match form.mode {
                Mode::Stream => Framing::Stream(stream),
                Mode::Block => Framing::Block(block::Decoder::default()),
                Mode::Compressed => Framing::Compressed(compressed::Decoder::new(filler(form.kind))),
                Mode::Deflate => Framing::Deflate(Box::new(deflate::Decoder::new()), stream, Vec::new()),
            },
            body: Body::new(form),
            marks: Vec::new(),
            suspect: false,
            over: false,
            ahead: form.ahead,
        }
    }

    /// Takes input off its front and appends what it is in the file.
    ///
    /// # Errors
    /// The body is not as its modes have it.
    pub fn push(&mut self, input: &mut &[u8], out: &mut Vec<u8>) -> Result<Progress, Reason> {
        loop {
            if out.len() >= FULL {
                return Ok(Progress::Full);
            }
            let event = match &mut self.framing {
                Framing::Deflate(..) => {
                    if self.inflate(input, out)? {
                        continue;
                    }
                    return Ok(Progress::Hungry);
                }
                _ if self.over => return Ok(Progress::Over),
                Framing::Stream(stream) => stream.next(input)?,
                Framing::Block(blocks) => blocks.next(input)?,
                Framing::Compressed(strings) => strings.next(input)?,
            };
            match event {
                Some(event) => self.found(event, out)?,
                None => return Ok(Progress::Hungry),
            }
        }
    }

    /// Ends the body where the data connection ended.
    ///
    /// # Errors
    /// The body's own end mark, where there is one, has not come: something may be missing.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Reason> {
        let (whole, marked) = match &self.framing {
            Framing::Stream(stream) => (true, !stream.may_end()),
            Framing::Block(_) => (true, true),
            Framing::Compressed(strings) => (true, !strings.may_end()),
            Framing::Deflate(engine, stream, _) => (engine.is_over(), !stream.may_end()),
        };
        if !whole || (marked && !self.over) {
            return Err(Reason::BodyCut);
        }
        if std::mem::replace(&mut self.over, true) { Ok(()) } else { self.body.finish(out) }
    }

    /// How many bytes belong to this body at least, where its mode tells and another may follow at once: whoever reads no more
    /// leaves that on the data connection.
    pub fn wants(&self) -> Option<usize> {
        match &self.framing {
            Framing::Block(blocks) if self.ahead => Some(blocks.wants()),
            Framing::Block(_) | Framing::Stream(_) | Framing::Compressed(_) | Framing::Deflate(..) => None,
        }
    }

    /// The restart markers that came since the last time.
    pub fn take_marks(&mut self) -> Vec<Mark> {
        std::mem::take(&mut self.marks)
    }

    /// Whether the sender called a part of the body suspect (RFC 959 §3.4.2).
    pub const fn is_suspect(&self) -> bool {
        self.suspect
    }

    /// Inflates some, and reads that as MODE S. `false` where nothing more comes of this input.
    fn inflate(&mut self, input: &mut &[u8], out: &mut Vec<u8>) -> Result<bool, Reason> {
        let Framing::Deflate(engine, stream, spare) = &mut self.framing else { return Ok(false) };
        spare.clear();
        // What came out before the damage is read first, wherever the bytes were cut.
        let goes_on = engine.push(input, spare);
        let mut inner = spare.as_slice();
        while let Some(event) = if inner.is_empty() { None } else { stream.next(&mut inner)? } {
            match event {
                _ if self.over => return Err(Reason::BodyBeyond),
                Event::Data(data) => self.body.data(data, out)?,
                Event::RecordEnd => {
                    self.body.end_of_record(out)?;
                    if stream.is_ending() {
                        self.over = true;
                        self.body.finish(out)?;
                    }
                }
                _ => {
                    self.over = true;
                    self.body.finish(out)?;
                }
            }
        }
        goes_on
    }

    fn found(&mut self, event: Event<'_>, out: &mut Vec<u8>) -> Result<(), Reason> {
        match event {
            Event::Data(data) => self.body.data(data, out)?,
            Event::Run(byte, times) => self.body.data(&vec![byte; times], out)?,
            Event::RecordEnd => self.body.end_of_record(out)?,
            Event::Marker(marker) => {
                if let Some(at) = self.body.place()
                    && self.marks.len() < MARKS_AT_MOST
                {
                    self.marks.push(Mark { marker, at });
                }
            }
            Event::Suspect => self.suspect = true,
            Event::End => {
                self.over = true;
                self.body.finish(out)?;
            }
        }
        Ok(())
    }
}

/// What is in the frames: characters, in records or pages.
#[derive(Debug)]
struct Body {
    text: Text,
    shape: Shape,
    /// Bytes appended in all.
    stored: u64,
    paged: Vec<u8>,
}

/// What TYPE does.
#[derive(Debug)]
enum Text {
    Ascii(ascii::Decoder),
    Ebcdic(Box<[u8; 256]>),
    Image,
}

#[derive(Debug)]
enum Shape {
    File,
    Record,
    Page(pages::Decoder),
}

impl Body {
    fn new(form: Form) -> Self {
        Self {
            text: match (form.kind, form.structure) {
                (Type::Image, _) | (Type::Ascii, Structure::Record) => Text::Image,
                (Type::Ascii, _) => Text::Ascii(ascii::Decoder::new()),
                (Type::Ebcdic, _) => Text::Ebcdic(Box::new(form.page.to_latin())),
            },
            shape: match form.structure {
                Structure::File => Shape::File,
                Structure::Record => Shape::Record,
                Structure::Page => Shape::Page(pages::Decoder::default()),
            },
            stored: 0,
            paged: Vec::new(),
        }
    }

    fn data(&mut self, data: &[u8], out: &mut Vec<u8>) -> Result<(), Reason> {
        let start = out.len();
        match &mut self.shape {
            Shape::File => self.text.turn(data, out),
            Shape::Record => {
                self.text.turn(data, out);
                // Here an LF ends a record: one inside would tear it in two, and nobody could tell.
                if out.get(start..).is_some_and(|fresh| memchr(b'\n', fresh).is_some()) {
                    return Err(Reason::BodyRecord);
                }
            }
            Shape::Page(pages) => {
                self.paged.clear();
                pages.push(data, &mut self.paged)?;
                self.text.turn(&self.paged, out);
            }
        }
        self.stored += (out.len() - start) as u64;
        Ok(())
    }

    fn end_of_record(&mut self, out: &mut Vec<u8>) -> Result<(), Reason> {
        // Left out of a file without records it would run its lines together.
        if !matches!(self.shape, Shape::Record) {
            return Err(Reason::BodyBlock);
        }
        out.push(b'\n');
        self.stored += 1;
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Reason> {
        if let Shape::Page(pages) = &self.shape
            && !pages.is_over()
        {
            return Err(Reason::BodyCut);
        }
        let start = out.len();
        if let Text::Ascii(decoder) = &mut self.text {
            decoder.finish(out);
        }
        self.stored += (out.len() - start) as u64;
        Ok(())
    }

    /// How much is stored before what comes next; nothing where a transfer could not start there.
    fn place(&self) -> Option<u64> {
        let between = match (&self.text, &self.shape) {
            (_, Shape::Page(_)) => false,
            (Text::Ascii(decoder), _) => decoder.is_between(),
            _ => true,
        };
        between.then_some(self.stored)
    }
}

impl Text {
    fn turn(&mut self, input: &[u8], out: &mut Vec<u8>) {
        match self {
            Self::Image => out.extend_from_slice(input),
            Self::Ascii(decoder) => decoder.push(input, out),
            Self::Ebcdic(table) => ebcdic::translate(table, input, out),
        }
    }
}
