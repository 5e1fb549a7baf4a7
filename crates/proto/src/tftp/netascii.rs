//! How does a text stand on the wire in mode netascii (RFC 1350 §1, RFC 764)? Exact wherever the pieces are cut.
//!
//! A line ends with CR LF there, and a CR that ends no line is CR NUL. Unlike FTP's TYPE A every file comes back byte by
//! byte, since each CR says what it is.

use memchr::memchr2;

const CR: u8 = b'\r';
const LF: u8 = b'\n';
const NUL: u8 = 0;

/// Appends what a piece of a file is on the wire: LF becomes CR LF, and CR becomes CR NUL. At most twice its length.
pub fn encode(input: &[u8], out: &mut Vec<u8>) {
    out.reserve(input.len());
    let mut rest = input;
    while let Some((before, byte, after)) = memchr2(CR, LF, rest).and_then(|at| cut(rest, at)) {
        out.extend_from_slice(before);
        out.extend_from_slice(if byte == LF { b"\r\n" } else { b"\r\0" });
        rest = after;
    }
    out.extend_from_slice(rest);
}

/// From the wire to the file: CR LF becomes LF, and CR NUL becomes CR.
#[derive(Clone, Copy, Debug, Default)]
pub struct Decoder {
    /// A CR is held back until what follows is known.
    cr: bool,
}

impl Decoder {
    /// Appends what a piece of the wire is in the file. At most one byte longer than it.
    pub fn push(&mut self, input: &[u8], out: &mut Vec<u8>) {
        out.reserve(input.len() + 1);
        let mut rest = input;
        while let Some(&first) = rest.first() {
            if self.cr {
                self.cr = false;
                match first {
                    LF | NUL => {
                        out.push(if first == LF { LF } else { CR });
                        rest = rest.get(1..).unwrap_or_default();
                        continue;
                    }
                    // A CR that says nothing of itself is kept as it is.
                    _ => out.push(CR),
                }
            }
            match memchr::memchr(CR, rest).and_then(|at| cut(rest, at)) {
                Some((before, _, after)) => {
                    out.extend_from_slice(before);
                    self.cr = true;
                    rest = after;
                }
                None => {
                    out.extend_from_slice(rest);
                    return;
                }
            }
        }
    }

    /// Ends the body: a CR that came last is part of it.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        if std::mem::take(&mut self.cr) {
            out.push(CR);
        }
    }
}

/// What stands before a byte, the byte, and what stands behind it.
fn cut(input: &[u8], at: usize) -> Option<(&[u8], u8, &[u8])> {
    let (before, after) = input.split_at_checked(at)?;
    let (&byte, after) = after.split_first()?;
    Some((before, byte, after))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn out(text: &[u8]) -> Vec<u8> {
        let mut wire = Vec::new();
        encode(text, &mut wire);
        wire
    }

    fn back(parts: &[&[u8]]) -> Vec<u8> {
        let (mut decoder, mut file) = (Decoder::default(), Vec::new());
        parts.iter().for_each(|p| decoder.push(p, &mut file));
        decoder.finish(&mut file);
        file
    }

    #[test]
    fn line_ends_and_lone_crs() {
        assert_eq!(out(b"a\nb\rc\r\n"), b"a\r\nb\r\0c\r\0\r\n");
        assert_eq!(back(&[b"a\r\nb\r\0c\r\0\r\n"]), b"a\nb\rc\r\n");
        assert_eq!(back(&[b"a\r", b"\nb\r", b"\0"]), b"a\nb\r");
        assert_eq!(back(&[b"a\rb\n\r\r\n\r"]), b"a\rb\n\r\n\r");
    }

    proptest! {
        #[test]
        fn every_file_comes_back_however_it_is_cut(
            file in proptest::collection::vec(proptest::sample::select(b"\r\n\0ab".to_vec()), 0..60), size in 1usize..8,
        ) {
            let wire = out(&file);
            prop_assert_eq!(back(&wire.chunks(size).collect::<Vec<_>>()), file.clone());
            let pieces: Vec<u8> = file.chunks(size).flat_map(out).collect();
            prop_assert_eq!(pieces, wire);
        }

        #[test]
        fn decoding_does_not_see_the_cuts(
            wire in proptest::collection::vec(proptest::sample::select(b"\r\n\0ab".to_vec()), 0..60), size in 1usize..8,
        ) {
            prop_assert_eq!(back(&wire.chunks(size).collect::<Vec<_>>()), back(&[&wire]));
        }
    }
}
