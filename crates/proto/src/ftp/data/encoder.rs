//! From the file to the wire, in whatever TYPE, STRU and MODE.

use memchr::memchr;

use super::event::take;
use super::form::{Form, Mode, Structure, Type};
use super::{ascii, block, compressed, deflate, ebcdic, filler, pages, stream};

/// Bytes of the file between two restart markers.
const MARK_EVERY: u64 = 1024 * 1024;

/// Makes of a file what travels.
#[derive(Debug)]
pub struct Encoder {
    text: Text,
    structure: Shape,
    framing: Framing,
    /// Bytes of the representation that are left out (REST in MODE S).
    skip: u64,
    /// Where in the file the next byte stands, and where the next restart marker is due.
    at: u64,
    mark_at: Option<u64>,
    /// Room for what one layer hands to the next.
    spare: Vec<u8>,
    paged: Vec<u8>,
}

/// What TYPE does.
#[derive(Debug)]
enum Text {
    Ascii(ascii::Encoder),
    Ebcdic(Box<[u8; 256]>),
    Image,
}

#[derive(Debug)]
enum Shape {
    File,
    Record,
    Page(pages::Encoder),
}

/// What MODE does.
#[derive(Debug)]
enum Framing {
    Stream { coded: bool },
    Block,
    Compressed(compressed::Encoder),
    Deflate { coded: bool, engine: Box<deflate::Encoder>, spare: Vec<u8> },
}

impl Encoder {
    /// At the byte `at` of a file, without the first `skip` bytes of its representation.
    pub fn new(form: Form, at: u64, skip: u64) -> Self {
        let coded = form.structure == Structure::Record;
        Self {
            text: match (form.kind, form.structure) {
                (Type::Image, _) | (Type::Ascii, Structure::Record) => Text::Image,
                (Type::Ascii, _) => Text::Ascii(ascii::Encoder::new()),
                (Type::Ebcdic, _) => Text::Ebcdic(Box::new(form.page.to_ebcdic())),
            },
            structure: match form.structure {
                Structure::File => Shape::File,
                Structure::Record => Shape::Record,
                Structure::Page => Shape::Page(pages::Encoder::default()),
            },
            framing: match form.mode {
                Mode::Stream => Framing::Stream { coded },
                Mode::Block => Framing::Block,
                Mode::Compressed => Framing::Compressed(compressed::Encoder::new(filler(form.kind))),
                Mode::Deflate => {
                    let engine = Box::new(deflate::Encoder::new(form.level));
                    Framing::Deflate { coded, engine, spare: Vec::new() }
                }
            },
            skip,
            at,
            mark_at: form.has_markers().then(|| at.saturating_add(MARK_EVERY)),
            spare: Vec::new(),
            paged: Vec::new(),
        }
    }

    /// Appends what the next bytes of the file are on the wire, as far as that is settled: at most four times as many
    /// and a few.
    pub fn push(&mut self, mut input: &[u8], out: &mut Vec<u8>) {
        while let Some(due) = self.mark_at {
            let Ok(before) = usize::try_from(due.saturating_sub(self.at)) else { break };
            if before > input.len() {
                break;
            }
            let part = take(&mut input, before);
            self.pass(part, out);
            if !self.text.is_between() {
                // A CR stands open: a transfer that starts behind it would not know. One byte later, then.
                self.mark_at = Some(due.saturating_add(1));
                continue;
            }
            self.framing.marker(self.at, out);
            self.mark_at = Some(due.saturating_add(MARK_EVERY));
        }
        self.pass(input, out);
    }

    /// Appends the end.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        let ends = !matches!((&self.structure, &self.framing), (Shape::File | Shape::Page(_), Framing::Stream { .. }));
        if let Shape::Page(pages) = &mut self.structure {
            self.paged.clear();
            pages.finish(&mut self.paged);
            self.framing.data(&self.paged, out);
        }
        if ends {
            self.framing.end_of_file(out);
        }
    }

    fn pass(&mut self, input: &[u8], out: &mut Vec<u8>) {
        if input.is_empty() {
            return;
        }
        self.at = self.at.saturating_add(input.len() as u64);
        match &mut self.structure {
            Shape::File => {
                let body = self.text.turn(input, &mut self.spare);
                let skipped = usize::try_from(self.skip).unwrap_or(usize::MAX).min(body.len());
                self.skip -= skipped as u64;
                self.framing.data(body.get(skipped..).unwrap_or_default(), out);
            }
            Shape::Record => {
                let mut rest = input;
                while let Some((line, after)) = memchr(b'\n', rest).and_then(|at| rest.split_at_checked(at)) {
                    self.framing.data(self.text.turn(line, &mut self.spare), out);
                    self.framing.end_of_record(out);
                    rest = after.get(1..).unwrap_or_default();
                }
                self.framing.data(self.text.turn(rest, &mut self.spare), out);
            }
            Shape::Page(pages) => {
                self.paged.clear();
                pages.push(self.text.turn(input, &mut self.spare), &mut self.paged);
                self.framing.data(&self.paged, out);
            }
        }
    }
}

impl Text {
    /// What `input` is in this representation; in `spare` where it is not the same.
    fn turn<'a>(&mut self, input: &'a [u8], spare: &'a mut Vec<u8>) -> &'a [u8] {
        spare.clear();
        match self {
            Self::Image => return input,
            Self::Ascii(encoder) => encoder.push(input, spare),
            Self::Ebcdic(table) => ebcdic::translate(table, input, spare),
        }
        spare
    }

    /// Whether what comes next does not depend on what came last.
    const fn is_between(&self) -> bool {
        match self {
            Self::Ascii(encoder) => encoder.is_between(),
            Self::Ebcdic(_) | Self::Image => true,
        }
    }
}

impl Framing {
    fn data(&mut self, input: &[u8], out: &mut Vec<u8>) {
        if input.is_empty() {
            return;
        }
        match self {
            Self::Stream { coded: false } => out.extend_from_slice(input),
            Self::Stream { coded: true } => stream::data(input, out),
            Self::Block => block::data(input, out),
            Self::Compressed(strings) => strings.data(input, out),
            Self::Deflate { coded: false, engine, .. } => engine.push(input, out),
            Self::Deflate { coded: true, spare, engine } => {
                spare.clear();
                stream::data(input, spare);
                engine.push(spare, out);
            }
        }
    }

    fn end_of_record(&mut self, out: &mut Vec<u8>) {
        match self {
            Self::Stream { .. } => stream::end_of_record(out),
            Self::Block => block::end_of_record(out),
            Self::Compressed(strings) => strings.end_of_record(out),
            Self::Deflate { engine, spare, .. } => {
                spare.clear();
                stream::end_of_record(spare);
                engine.push(spare, out);
            }
        }
    }

    fn end_of_file(&mut self, out: &mut Vec<u8>) {
        match self {
            Self::Stream { .. } => stream::end_of_file(out),
            Self::Block => block::end_of_file(out),
            Self::Compressed(strings) => strings.end_of_file(out),
            Self::Deflate { coded, engine, spare } => {
                if *coded {
                    spare.clear();
                    stream::end_of_file(spare);
                    engine.push(spare, out);
                }
                engine.finish(out);
            }
        }
    }

    /// A marker names the byte of the file that comes next.
    fn marker(&mut self, at: u64, out: &mut Vec<u8>) {
        let marker = at.to_string();
        match self {
            Self::Block => block::marker(marker.as_bytes(), out),
            Self::Compressed(strings) => strings.marker(marker.as_bytes(), out),
            Self::Stream { .. } | Self::Deflate { .. } => {}
        }
    }
}
