//! What does TYPE A do to line ends (RFC 959 §3.1.1.1)?
//!
//! Files here end lines with LF, the wire with CRLF. Going out, an LF becomes CRLF unless a CR stands before it
//! already, so that files with CRLF are sent as they are. Coming in, CRLF becomes LF and every other CR stays. A
//! text with LF comes back byte by byte; one with CRLF comes back with LF.

use memchr::{memchr, memchr_iter};

const CR: u8 = b'\r';
const LF: u8 = b'\n';

/// From the file to the wire: LF becomes CRLF.
#[derive(Clone, Copy, Debug, Default)]
pub struct Encoder {
    /// The last byte was a CR.
    cr: bool,
}

impl Encoder {
    /// At the start of a body.
    pub const fn new() -> Self {
        Self { cr: false }
    }

    /// Appends what `input` is on the wire. At most twice its length.
    pub fn push(&mut self, input: &[u8], out: &mut Vec<u8>) {
        out.reserve(input.len());
        let mut rest = input;
        while let Some((before, after)) = cut(rest, LF) {
            out.extend_from_slice(before);
            if !before.last().map_or(self.cr, |&b| b == CR) {
                out.push(CR);
            }
            out.push(LF);
            self.cr = false;
            rest = after;
        }
        out.extend_from_slice(rest);
        if let Some(&last) = rest.last() {
            self.cr = last == CR;
        }
    }

    /// Whether what follows does not depend on what was last.
    pub const fn is_between(&self) -> bool {
        !self.cr
    }

    /// Ends the body; nothing is ever held back on the way out.
    pub const fn finish(&mut self, _out: &mut Vec<u8>) {
        self.cr = false;
    }
}

/// From the wire to the file: CRLF becomes LF.
#[derive(Clone, Copy, Debug, Default)]
pub struct Decoder {
    /// A CR is held back until what follows is known.
    cr: bool,
}

impl Decoder {
    /// At the start of a body.
    pub const fn new() -> Self {
        Self { cr: false }
    }

    /// Appends what `input` is in the file. At most one byte longer than it.
    pub fn push(&mut self, input: &[u8], out: &mut Vec<u8>) {
        let Some(&first) = input.first() else { return };
        out.reserve(input.len() + 1);
        if self.cr {
            self.cr = false;
            if first != LF {
                out.push(CR);
            }
        }
        let mut rest = input;
        while let Some((before, after)) = cut(rest, CR) {
            out.extend_from_slice(before);
            match after.first() {
                None => self.cr = true,
                Some(&LF) => {}
                Some(_) => out.push(CR),
            }
            rest = after;
        }
        out.extend_from_slice(rest);
    }

    /// Whether all that came is out.
    pub const fn is_between(&self) -> bool {
        !self.cr
    }

    /// Ends the body: a CR that came last is part of it.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        if std::mem::take(&mut self.cr) {
            out.push(CR);
        }
    }
}

/// Counts how long a file is on the wire, for SIZE in TYPE A (RFC 3659 §4).
#[derive(Clone, Copy, Debug, Default)]
pub struct WireLength {
    bytes: u64,
    cr: bool,
}

impl WireLength {
    /// Nothing counted yet.
    pub const fn new() -> Self {
        Self { bytes: 0, cr: false }
    }

    /// Counts the next part of the file.
    pub fn push(&mut self, input: &[u8]) {
        let bare = memchr_iter(LF, input)
            .filter(|&at| match at.checked_sub(1) {
                Some(before) => input.get(before) != Some(&CR),
                None => !self.cr,
            })
            .count();
        self.bytes = self.bytes.saturating_add(input.len() as u64).saturating_add(bare as u64);
        if let Some(&last) = input.last() {
            self.cr = last == CR;
        }
    }

    /// The length so far.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// How many bytes `input` is on the wire, as a whole body.
pub fn encoded_len(input: &[u8]) -> u64 {
    let mut length = WireLength::new();
    length.push(input);
    length.bytes()
}

/// The bytes before and after the first `byte`.
fn cut(input: &[u8], byte: u8) -> Option<(&[u8], &[u8])> {
    let (before, after) = input.split_at_checked(memchr(byte, input)?)?;
    Some((before, after.get(1..).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn out(parts: &[&[u8]]) -> Vec<u8> {
        let (mut to, mut wire) = (Encoder::new(), Vec::new());
        parts.iter().for_each(|p| to.push(p, &mut wire));
        to.finish(&mut wire);
        wire
    }

    fn back(parts: &[&[u8]]) -> Vec<u8> {
        let (mut from, mut file) = (Decoder::new(), Vec::new());
        parts.iter().for_each(|p| from.push(p, &mut file));
        from.finish(&mut file);
        file
    }

    #[test]
    fn line_ends() {
        let going: [(&[u8], &[u8]); 6] = [
            (b"a\nb\n", b"a\r\nb\r\n"),
            (b"a\r\nb", b"a\r\nb"),
            (b"\n\n", b"\r\n\r\n"),
            (b"a\rb\r", b"a\rb\r"),
            (b"a\r\r\n", b"a\r\r\n"),
            (b"", b""),
        ];
        for (file, wire) in going {
            assert_eq!(out(&[file]), wire);
        }
        let coming: [(&[u8], &[u8]); 6] = [
            (b"a\r\nb\r\n", b"a\nb\n"),
            (b"a\nb", b"a\nb"),
            (b"a\rb\r", b"a\rb\r"),
            (b"a\r\r\n", b"a\r\n"),
            (b"\r\n\r\n", b"\n\n"),
            (b"\r", b"\r"),
        ];
        for (wire, file) in coming {
            assert_eq!(back(&[wire]), file);
        }
        assert_eq!(back(&[b"a\r", b"\nb\r", b"\r", b"", b"\n"]), b"a\nb\r\n");
        assert_eq!(out(&[b"a\r", b"", b"\nb"]), b"a\r\nb");
    }

    #[test]
    fn a_crlf_text_is_sent_back_as_it_came() {
        let text = b"one\r\ntwo\r\n";
        assert_eq!(out(&[&back(&[text])]), text);
    }

    fn texts() -> impl Strategy<Value = Vec<u8>> {
        proptest::collection::vec(proptest::sample::select(b"\r\n\nab".to_vec()), 0..60)
    }

    proptest! {
        #[test]
        fn chunks_do_not_matter(text in texts(), size in 1usize..8) {
            let parts: Vec<&[u8]> = text.chunks(size).collect();
            prop_assert_eq!(out(&parts), out(&[&text]));
            prop_assert_eq!(back(&parts), back(&[&text]));
            let mut length = WireLength::new();
            parts.iter().for_each(|p| length.push(p));
            prop_assert_eq!(length.bytes(), out(&[&text]).len() as u64);
            prop_assert_eq!(encoded_len(&text), length.bytes());
        }

        #[test]
        fn lf_texts_come_back(text in "[a-c\n]{0,60}") {
            prop_assert_eq!(back(&[&out(&[text.as_bytes()])]), text.as_bytes());
        }

        #[test]
        fn what_is_on_the_wire_stays_on_the_wire(text in texts()) {
            // One conversion each way is stable: what was sent once is sent so again.
            let wire = out(&[&text]);
            prop_assert_eq!(out(&[&wire]), wire.clone());
        }
    }
}
