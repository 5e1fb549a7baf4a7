//! `Reply`: a code and its lines, from server to client (RFC 959 §4.2).

use std::borrow::Cow;
use std::sync::Arc;

use types::{Message, text};

use crate::base64;

/// A security token as replies carry it (RFC 2228 §5): in base64, and behind it NUL, the Telnet protocol's "no operation"
/// (RFC 854), which stands for nothing. curl takes all up to the first NUL for the token, the line's end, too, and then
/// refuses it.
pub fn token(bytes: &[u8]) -> String {
    base64::encode(bytes) + "\0"
}

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
    /// A line behind an opening.
    Inner,
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

    /// A line of a reply that was opened, and goes on.
    pub fn inner(code: u16, text: impl Into<Vec<u8>>) -> Self {
        Self { code, text: Cow::Owned(text.into()), part: Part::Inner }
    }

    /// Adds words to the end of its text.
    pub(crate) fn add(&mut self, words: &str) {
        self.text.to_mut().extend_from_slice(words.as_bytes());
    }

    /// Whether messages of other users may stand before its text: it is one line that says that something went well, and no
    /// program reads anything else out of it.
    pub fn can_carry(&self) -> bool {
        self.part == Part::Whole && matches!(self.code, 200 | 202 | 221 | 225 | 226 | 250) && !self.text.contains(&b'\n')
    }

    /// With messages of other users before its text, which stays the last line. Nothing of a message can end the reply or
    /// act on a terminal.
    #[must_use]
    pub fn carrying(self, messages: &[Arc<Message>]) -> Self {
        let mut lines = String::new();
        for message in messages {
            let at = message.at.civil();
            lines += &format!("Message from {}, {:02}:{:02} UTC:\n", text::printable(&message.from), at.hour, at.minute);
            for line in message.text.split(|&b| b == b'\n') {
                lines += &format!("| {}\n", text::printable(&String::from_utf8_lossy(line)));
            }
        }
        let mut text = lines.into_bytes();
        text.extend_from_slice(&self.text);
        Self { text: Cow::Owned(text), ..self }
    }

    /// The lines as they go out, without their ends. Of several lines the first is `code-text`, the last
    /// `code text`, and those between begin with a space so that none can be taken for the last (RFC 959 §4.2).
    pub fn lines(&self) -> impl Iterator<Item = Vec<u8>> + '_ {
        let count = self.text.split(|&b| b == b'\n').count();
        self.text.split(|&b| b == b'\n').enumerate().map(move |(i, text)| {
            let mut line = Vec::with_capacity(text.len() + 4);
            if self.part == Part::Inner {
                line.push(b' ');
            } else if i == 0 || i + 1 == count {
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
            out.reserve(self.text.len() + 6);
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
        assert_eq!(printed(&Reply::inner(213, "213 of them")), " 213 of them\r\n");
    }

    #[test]
    fn messages_stand_before_the_text_and_cannot_end_the_reply() {
        let at = types::Time::from_seconds(1_795_294_730);
        let message = |text: &[u8]| Arc::new(Message { from: "bob".into(), at, text: text.into() });
        let carrying = Reply::fixed(200, "Here.").carrying(&[message(b"200 Bye\x1b[2J\r\n\xff"), message(b"")]);
        assert_eq!(
            printed(&carrying),
            "200-Message from bob, 20:58 UTC:\r\n | 200 Bye\\x1b[2J\\x0d\r\n | \u{fffd}\r\n Message from bob, 20:58 UTC:\r\n \
             | \r\n200 Here.\r\n"
        );
        assert!(Reply::fixed(226, "Done.").can_carry());
        for reply in [Reply::fixed(227, "(1,2)"), Reply::new(250, "a\nb"), Reply::fixed(550, "No."), Reply::opening(200, "a")] {
            assert!(!reply.can_carry(), "{reply:?}");
        }
    }
}
