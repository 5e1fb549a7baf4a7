//! `Reply`: a code and its lines, from server to client (RFC 959 §4.2).

use std::borrow::Cow;

/// A reply. Its text is one line or several, split by LF; no line may hold CR (names are encoded before they
/// come here, see [`name`](crate::ftp::name)).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reply {
    /// Three digits.
    pub code: u16,
    /// The lines.
    pub text: Cow<'static, [u8]>,
    /// Whether this is a whole reply or a part of one that goes on.
    pub part: Part,
}

/// Which part of a reply this is: long ones (a listing over the control connection) go out in pieces.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// The whole.
    Whole,
    /// The first line; more lines and an end follow.
    Opening,
}

impl Reply {
    /// A reply of one fixed line.
    pub const fn fixed(code: u16, text: &'static str) -> Self {
        Self { code, text: Cow::Borrowed(text.as_bytes()), part: Part::Whole }
    }

    /// A reply made of text; LF separates lines.
    pub fn new(code: u16, text: impl Into<Vec<u8>>) -> Self {
        Self { code, text: Cow::Owned(text.into()), part: Part::Whole }
    }

    /// The first line of a reply whose other lines come from elsewhere.
    pub fn opening(code: u16, text: impl Into<Vec<u8>>) -> Self {
        Self { code, text: Cow::Owned(text.into()), part: Part::Opening }
    }

    /// Adds words to the end of its text.
    pub(crate) fn add(&mut self, words: &str) {
        self.text.to_mut().extend_from_slice(words.as_bytes());
    }

    /// The lines as they go out, without their ends. Of several lines the first is `code-text`, the last
    /// `code text`, and those between begin with a space so that none can be taken for the last (RFC 959 §4.2).
    pub fn lines(&self) -> impl Iterator<Item = Vec<u8>> + '_ {
        let count = self.text.split(|&b| b == b'\n').count();
        self.text.split(|&b| b == b'\n').enumerate().map(move |(i, text)| {
            let mut line = Vec::with_capacity(text.len() + 4);
            if i == 0 || i + 1 == count {
                line.extend_from_slice(&digits(self.code));
                line.push(if i + 1 < count || self.part == Part::Opening { b'-' } else { b' ' });
            } else {
                line.push(b' ');
            }
            line.extend_from_slice(text);
            line
        })
    }

    /// Appends the reply as it goes out.
    pub fn print(&self, out: &mut Vec<u8>) {
        if self.part == Part::Whole && !self.text.contains(&b'\n') {
            out.extend_from_slice(&digits(self.code));
            out.push(b' ');
            out.extend_from_slice(&self.text);
            out.extend_from_slice(b"\r\n");
            return;
        }
        for line in self.lines() {
            out.extend_from_slice(&line);
            out.extend_from_slice(b"\r\n");
        }
    }
}

const fn digits(code: u16) -> [u8; 3] {
    [b'0' + (code / 100 % 10) as u8, b'0' + (code / 10 % 10) as u8, b'0' + (code % 10) as u8]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(reply: &Reply) -> String {
        let mut out = Vec::new();
        reply.print(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn prints_lines_as_rfc_959_wants() {
        assert_eq!(printed(&Reply::fixed(200, "Done.")), "200 Done.\r\n");
        assert_eq!(printed(&Reply::new(211, "Features:\nSIZE\nEnd")), "211-Features:\r\n SIZE\r\n211 End\r\n");
        assert_eq!(printed(&Reply::opening(213, "Status of /")), "213-Status of /\r\n");
    }
}
