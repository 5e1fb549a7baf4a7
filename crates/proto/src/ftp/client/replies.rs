//! Where does a reply end, and what does it say (RFC 959 §4.2)? Also from servers that bend the rules.
//!
//! Forgiven: LF without CR, a code with nothing behind it, blank lines between replies, lines of a long reply that
//! repeat its code or stand without the blank. Not forgiven: a first word that is no reply, and replies without end.

use std::fmt;

use crate::ftp::name;
use crate::ftp::reply::{Part, Reply};

/// The longest line of a reply, in bytes.
pub const MAX_REPLY_LINE: usize = 8_192;
/// The longest reply with all its lines, in bytes: a STAT of a large folder still fits.
pub const MAX_REPLY: usize = 1 << 20;
/// How many bytes may stand between replies and belong to none.
const MAX_STRAY: usize = 65_536;

/// Why what a server sends is no reply.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ReplyError {
    /// The first line on the connection has no code: whoever is there speaks something else. The line, cut short.
    NotFtp(Box<str>),
    /// A line is longer than [`MAX_REPLY_LINE`].
    LineTooLong,
    /// A reply, or what stands between two, goes on and on.
    Endless,
}

impl fmt::Display for ReplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFtp(line) => write!(f, "the first line is no FTP reply: \"{line}\""),
            Self::LineTooLong => write!(f, "a line of a reply is longer than {MAX_REPLY_LINE} bytes"),
            Self::Endless => write!(f, "a reply does not end within {MAX_REPLY} bytes"),
        }
    }
}

impl std::error::Error for ReplyError {}

/// Cuts what arrives on a control connection into replies. After an error it gives out nothing any more.
#[derive(Debug, Default)]
pub struct ReplyDecoder {
    /// What has come of a line that is not whole.
    partial: Vec<u8>,
    /// The code of the long reply at hand, and its text so far.
    open: Option<(u16, Vec<u8>)>,
    /// Whether a reply has come.
    spoken: bool,
    /// Bytes since the last reply that belong to none.
    stray: usize,
    /// The first line since the last reply that belongs to none, blank ones apart; cut short.
    noise: Option<Box<str>>,
    broken: bool,
}

impl ReplyDecoder {
    /// A decoder at the start of a connection.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next reply off `input`; `None` when `input` is used up first.
    ///
    /// # Errors
    /// [`ReplyError`]; the connection is then of no use any more.
    ///
    /// ```
    /// # use carrack_proto::ftp::client::ReplyDecoder;
    /// let mut replies = ReplyDecoder::new();
    /// let mut input: &[u8] = b"220-Hello\r\n220 Ready\r\n";
    /// let reply = replies.next(&mut input).unwrap().unwrap();
    /// assert_eq!((reply.code, &*reply.text), (220, &b"Hello\nReady"[..]));
    /// ```
    pub fn next(&mut self, input: &mut &[u8]) -> Option<Result<Reply, ReplyError>> {
        while !self.broken {
            let end = memchr::memchr(b'\n', input);
            let (part, rest) = input.split_at_checked(end.unwrap_or(input.len()))?;
            if self.partial.len() + part.len() > MAX_REPLY_LINE {
                return Some(Err(self.fail(ReplyError::LineTooLong)));
            }
            self.partial.extend_from_slice(part);
            *input = rest.get(1..).unwrap_or_default();
            end?;
            let line = std::mem::take(&mut self.partial);
            match self.line(clean(&line)) {
                Ok(None) => {}
                Ok(Some(reply)) => return Some(Ok(reply)),
                Err(error) => return Some(Err(self.fail(error))),
            }
        }
        None
    }

    /// Whether a reply has begun and not ended.
    pub const fn is_partial(&self) -> bool {
        self.open.is_some() || !self.partial.is_empty()
    }

    /// What came behind the last reply and cannot be of the next, cut short; also of a line that has not ended.
    pub fn noise(&self) -> Option<Box<str>> {
        let begun = || {
            let first = *self.partial.first()?;
            let may_become_one = first.is_ascii_whitespace() || matches!(first, b'1'..=b'6' | 0xff);
            (self.open.is_none() && !may_become_one).then(|| shown(&self.partial))
        };
        self.noise.clone().or_else(begun)
    }

    fn fail(&mut self, error: ReplyError) -> ReplyError {
        *self = Self { broken: true, ..Self::default() };
        error
    }

    fn line(&mut self, line: &[u8]) -> Result<Option<Reply>, ReplyError> {
        let coded = coded(line);
        if let Some((code, mut text)) = self.open.take() {
            let (more, last) = match coded {
                Some((same, behind)) if same == code && behind.first() != Some(&b'-') => (skip(behind, b' '), true),
                Some((same, behind)) if same == code => (skip(behind, b'-'), false),
                _ => (skip(line, b' '), false),
            };
            if text.len() + more.len() >= MAX_REPLY {
                return Err(ReplyError::Endless);
            }
            text.push(b'\n');
            text.extend_from_slice(&name_safe(more));
            if last {
                return Ok(Some(self.whole(code, text)));
            }
            self.open = Some((code, text));
            return Ok(None);
        }
        match coded {
            Some((code, behind)) if behind.first() == Some(&b'-') => {
                self.open = Some((code, name_safe(skip(behind, b'-'))));
                Ok(None)
            }
            Some((code, behind)) => Ok(Some(self.whole(code, name_safe(skip(behind, b' '))))),
            None if !self.spoken && !line.trim_ascii().is_empty() => Err(ReplyError::NotFtp(shown(line))),
            None => {
                self.stray += line.len() + 1;
                if self.noise.is_none() && !line.trim_ascii().is_empty() {
                    self.noise = Some(shown(line));
                }
                if self.stray > MAX_STRAY { Err(ReplyError::Endless) } else { Ok(None) }
            }
        }
    }

    fn whole(&mut self, code: u16, text: Vec<u8>) -> Reply {
        self.spoken = true;
        self.stray = 0;
        self.noise = None;
        Reply { code, text: text.into(), part: Part::Whole }
    }
}

/// The begin of a line, for people.
fn shown(line: &[u8]) -> Box<str> {
    String::from_utf8_lossy(line).chars().filter(|c| !c.is_control()).take(80).collect()
}

/// The line without its CR, and without a Telnet command a server may begin with (IAC WILL and its kin, three bytes).
fn clean(line: &[u8]) -> &[u8] {
    let mut line = line;
    while let [0xff, 251..=254, _, rest @ ..] = line {
        line = rest;
    }
    while let Some(shorter) = line.strip_suffix(b"\r") {
        line = shorter;
    }
    line
}

/// The code a line begins with, and what stands behind it. RFC 959 has first digits 1 to 5, RFC 2228 adds 6.
fn coded(line: &[u8]) -> Option<(u16, &[u8])> {
    let (&[a @ b'1'..=b'6', b @ b'0'..=b'9', c @ b'0'..=b'9'], behind) = line.split_first_chunk::<3>()? else { return None };
    if behind.first().is_some_and(u8::is_ascii_digit) {
        return None; // a longer number is no code
    }
    Some((u16::from(a - b'0') * 100 + u16::from(b - b'0') * 10 + u16::from(c - b'0'), behind))
}

fn skip(text: &[u8], first: u8) -> &[u8] {
    match text.split_first() {
        Some((&b, rest)) if b == first => rest,
        _ => text,
    }
}

/// No control byte but TAB stays in a text: each is shown as its picture, which [`name::decode`] takes back. Pictures
/// that stand there already are left alone, or they would be quoted twice.
pub(super) fn name_safe(text: &[u8]) -> Vec<u8> {
    if !text.iter().any(|b| b.is_ascii_control() && *b != b'\t') {
        return text.to_vec();
    }
    let mut out = Vec::with_capacity(text.len() + 8);
    for run in text.chunk_by(|a, b| a.is_ascii_control() == b.is_ascii_control()) {
        match run.first() {
            Some(first) if first.is_ascii_control() => name::encode_into(run, &mut out),
            _ => out.extend_from_slice(run),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn feed(parts: &[&[u8]]) -> Vec<Result<(u16, String), ReplyError>> {
        let mut decoder = ReplyDecoder::new();
        let mut all = Vec::new();
        for part in parts {
            let mut input = *part;
            while let Some(reply) = decoder.next(&mut input) {
                all.push(reply.map(|r| (r.code, String::from_utf8_lossy(&r.text).into_owned())));
            }
        }
        all
    }

    /// The replies, the same whether they come in one read or byte by byte.
    fn replies(bytes: &[u8]) -> Vec<Result<(u16, String), ReplyError>> {
        let whole = feed(&[bytes]);
        assert_eq!(whole, feed(&bytes.chunks(1).collect::<Vec<_>>()));
        whole
    }

    fn ok(code: u16, text: &str) -> Result<(u16, String), ReplyError> {
        Ok((code, text.to_owned()))
    }

    #[test]
    fn by_the_rules() {
        assert_eq!(replies(b"220 Ready\r\n331 \r\n"), [ok(220, "Ready"), ok(331, "")]);
        assert_eq!(
            replies(b"211-Features:\r\n SIZE\r\n 211-not me\r\n220 nor me\r\n211 End\r\n"),
            [ok(211, "Features:\nSIZE\n211-not me\n220 nor me\nEnd")]
        );
        assert_eq!(replies(b"220-a\r\n"), []);
    }

    #[test]
    fn bent_rules() {
        assert_eq!(replies(b"220 a\n200 b\r\r\n"), [ok(220, "a"), ok(200, "b")], "line ends");
        assert_eq!(replies(b"220\r\n230-\r\n230\r\n"), [ok(220, ""), ok(230, "\n")], "nothing behind the code");
        assert_eq!(replies(b"220-a\r\n220-b\r\n220 c\r\n"), [ok(220, "a\nb\nc")], "every line with its code");
        assert_eq!(replies(b"220-a\r\nb\r\n\r\n220 c\r\n"), [ok(220, "a\nb\n\nc")], "no blank");
        assert_eq!(replies(b"\r\n220 a\r\n\r\nnoise\r\n200 b\r\n"), [ok(220, "a"), ok(200, "b")], "noise between");
        assert_eq!(replies(b"220Hello\r\n"), [ok(220, "Hello")]);
        assert_eq!(replies(b"\xff\xfb\x01220 a\r\n"), [ok(220, "a")], "Telnet");
        assert_eq!(replies(b"257 \"a\x1b\r\0b\"\r\n"), [ok(257, "\"a␛␍␀b\"")], "control bytes are shown");
        assert_eq!(replies("257 \"a␊b\"\r\n".as_bytes()), [ok(257, "\"a␊b\"")], "pictures are not quoted again");
    }

    #[test]
    fn no_replies() {
        let not = |s: &str| vec![Err(ReplyError::NotFtp(s.into()))];
        assert_eq!(replies(b"SSH-2.0-OpenSSH_9\r\n220 x\r\n"), not("SSH-2.0-OpenSSH_9"));
        assert_eq!(replies(b"HTTP/1.1 400 \x1b[2J\r\n"), not("HTTP/1.1 400 [2J"));
        assert_eq!(replies(b"2200 x\r\n"), not("2200 x"));
        assert_eq!(replies(b"720 x\r\n"), not("720 x"));
    }

    #[test]
    fn noise_is_told_before_its_line_ends() {
        let noise = |bytes: &[u8]| {
            let mut decoder = ReplyDecoder::new();
            let mut input = bytes;
            while decoder.next(&mut input).is_some() {}
            decoder.noise().map(String::from)
        };
        assert_eq!(noise(b"150 a\r\nnot a reply"), Some("not a reply".into()));
        assert_eq!(noise(b"150 a\r\n\x00\x07\xfe"), Some("\u{fffd}".into()));
        assert_eq!(noise(b"150 a\r\n2260 b\r\n"), Some("2260 b".into()));
        assert_eq!(noise(b"150 a\r\nx\r\n226 b\r\n"), None, "it was forgiven");
        for fine in [&b"150 a\r\n"[..], b"150 a\r\n\r\n \r\n", b"150 a\r\n22", b"150 a\r\n226-b\r\nmore", b"150 a\r\n\xff\xfb"] {
            assert_eq!(noise(fine), None, "{fine:?}");
        }
    }

    #[test]
    fn no_reply_is_endless() {
        let mut long = b"220 ".to_vec();
        long.extend([b'x'; MAX_REPLY_LINE - 4]);
        assert_eq!(feed(&[&long, b"\r\n"]).len(), 1, "the CR is of the line, too");
        long.extend(b"xx\r\n220 y\r\n");
        assert_eq!(replies(&long), [Err(ReplyError::LineTooLong)]);
        let line = [&[b'x'; 1_000][..], b"\r\n"].concat();
        let mut decoder = ReplyDecoder::new();
        let mut start: &[u8] = b"220 hi\r\n230-\r\n";
        assert!(decoder.next(&mut start).is_some());
        assert!(decoder.next(&mut start).is_none());
        let fed = (0..5_000).find(|_| decoder.next(&mut &*line).is_some()).unwrap();
        assert!((1_000..1_100).contains(&fed), "{fed}");
        assert!(decoder.next(&mut &b"220 a\r\n"[..]).is_none(), "nothing comes after an error");
        // Between replies as well.
        let mut decoder = ReplyDecoder::new();
        assert!(decoder.next(&mut &b"220 a\r\n"[..]).is_some());
        let fed = (0..5_000).find(|_| decoder.next(&mut &*line).is_some()).unwrap();
        assert!(fed < 70, "{fed}");
    }

    proptest! {
        #[test]
        fn what_the_server_prints_is_read(code in 100u16..660, lines in proptest::collection::vec("[ -~é]{0,20}", 1..5)) {
            let sent = Reply::new(code, lines.join("\n"));
            let mut wire = Vec::new();
            sent.print(&mut wire);
            let mut input = &*wire;
            prop_assert_eq!(ReplyDecoder::new().next(&mut input), Some(Ok(sent)));
            prop_assert!(input.is_empty());
        }

        #[test]
        fn reads_may_be_cut_anywhere(bytes in "([1-6][0-9]{2}[ -]|[a-z ]|\r\n|\n|\r){0,40}", cut in 0usize..100) {
            let bytes = bytes.as_bytes();
            let (a, b) = bytes.split_at(cut.min(bytes.len()));
            prop_assert_eq!(feed(&[a, b]), replies(bytes));
        }
    }
}
