//! Where does a command line end, and what of it is Telnet (RFC 959 §4, RFC 854, RFC 1123 §4.1.2.12)?
//!
//! A line ends with CRLF, or with LF alone as many clients send it. CR NUL is a CR inside a name (RFC 3659 §2.2).
//! Telnet commands vanish: a server that takes part in no option need not answer them (RFC 1123 §4.1.2.12).

use std::borrow::Cow;
use std::fmt;

use memchr::{memchr, memchr2};
use types::Reason;

/// The longest line, in bytes, without its end.
pub const MAX_LINE: usize = 8_192;
/// The longest line while a security exchange or protected commands are expected (RFC 2228 §3): a ticket with the
/// groups of a large directory has 48,000 bytes, and base64 makes four of three.
pub const MAX_SECURITY_LINE: usize = 65_536;
/// The longest Telnet subnegotiation that is skipped; a longer one is no subnegotiation but a broken line.
const MAX_SUBNEGOTIATION: u16 = 512;

const LF: u8 = b'\n';
const CR: u8 = b'\r';
const SE: u8 = 240;
const DM: u8 = 242;
const IP: u8 = 244;
const SB: u8 = 250;
const WILL: u8 = 251;
const DONT: u8 = 254;
const IAC: u8 = 255;

/// Why a line cannot be a command. Told once a line; what is left of the line is then skipped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LineError {
    /// It is longer than [`MAX_LINE`], or than [`MAX_SECURITY_LINE`] where such lines are expected.
    TooLong,
    /// It holds NUL or another control byte that no name can hold.
    BadByte,
}

impl LineError {
    /// The reason for log and reply.
    pub const fn reason(self) -> Reason {
        match self {
            Self::TooLong => Reason::LineTooLong,
            Self::BadByte => Reason::BadByte,
        }
    }
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason().cause())
    }
}

impl std::error::Error for LineError {}

/// Cuts what arrives on a control connection into lines.
///
/// It owns heap memory only while a line has begun and not ended. There is no way to flush it: a command cut off
/// by the end of the connection must not run.
#[derive(Debug, Default)]
pub struct LineDecoder {
    /// What has come of a line that is not whole.
    partial: Vec<u8>,
    /// A CR came last; what follows decides what it is.
    cr: bool,
    /// An error was told; the rest of the line is skipped.
    skipping: bool,
    /// Lines of a security exchange may come.
    long: bool,
    telnet: Telnet,
}

/// How far a Telnet command has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Telnet {
    /// Not in a command.
    #[default]
    Text,
    /// After IAC.
    Iac,
    /// After IAC WILL, WONT, DO or DONT.
    Option,
    /// In a subnegotiation, after so many bytes.
    Sub(u16),
    /// In a subnegotiation, after IAC.
    SubIac(u16),
}

/// What one byte brought about.
enum Step {
    More,
    End,
    Bad(LineError),
}

impl LineDecoder {
    /// A decoder at the start of a line.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether lines may be as long as [`MAX_SECURITY_LINE`] from now on, or no longer than [`MAX_LINE`].
    pub const fn expect_long(&mut self, long: bool) {
        self.long = long;
    }

    const fn most(&self) -> usize {
        if self.long { MAX_SECURITY_LINE } else { MAX_LINE }
    }

    /// Takes the next line off `input`, without its end; `None` when `input` is used up first. The line is
    /// borrowed from `input` when it stands there whole and clean.
    ///
    /// ```
    /// # use carrack_proto::line::LineDecoder;
    /// let mut lines = LineDecoder::new();
    /// let mut input: &[u8] = b"NOOP\r\nQUI";
    /// while let Some(line) = lines.next(&mut input) {
    ///     assert_eq!(line.as_deref(), Ok(&b"NOOP"[..]));
    /// }
    /// ```
    pub fn next<'i>(&mut self, input: &mut &'i [u8]) -> Option<Result<Cow<'i, [u8]>, LineError>> {
        if self.between_lines()
            && let Some(end) = memchr(LF, input)
            && let Some((line, rest)) = input.split_at_checked(end)
        {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.len() <= self.most() && line.iter().all(|&b| is_plain(b)) && !matches!(line.first(), Some(&(IP | DM))) {
                *input = rest.get(1..).unwrap_or_default();
                return Some(Ok(Cow::Borrowed(line)));
            }
        }
        self.by_byte(input)
    }

    /// Whether a line has begun and not ended.
    pub fn is_partial(&self) -> bool {
        !self.between_lines()
    }

    fn between_lines(&self) -> bool {
        self.partial.is_empty() && !self.cr && !self.skipping && self.telnet == Telnet::Text
    }

    fn by_byte<'i>(&mut self, input: &mut &'i [u8]) -> Option<Result<Cow<'i, [u8]>, LineError>> {
        loop {
            if self.skipping && self.telnet == Telnet::Text {
                let at = memchr2(LF, IAC, input).unwrap_or(input.len());
                *input = input.get(at..).unwrap_or_default();
            }
            let (&byte, rest) = input.split_first()?;
            *input = rest;
            match self.step(byte) {
                Step::More => {}
                Step::End if self.skipping => self.skipping = false,
                Step::End => return Some(Ok(Cow::Owned(std::mem::take(&mut self.partial)))),
                Step::Bad(_) if self.skipping => {}
                Step::Bad(error) => {
                    self.partial = Vec::new();
                    self.cr = false;
                    self.skipping = true;
                    return Some(Err(error));
                }
            }
        }
    }

    fn step(&mut self, byte: u8) -> Step {
        match (self.telnet, byte) {
            (Telnet::Text, IAC) => self.telnet = Telnet::Iac,
            (Telnet::Text, _) => return self.text(byte),
            (Telnet::Iac, IAC) => {
                self.telnet = Telnet::Text;
                return self.text(IAC);
            }
            (Telnet::Iac, SB) => self.telnet = Telnet::Sub(0),
            (Telnet::Iac, WILL..=DONT) => self.telnet = Telnet::Option,
            (Telnet::Iac, SE..) | (Telnet::Option, _) | (Telnet::SubIac(_), SE) => self.telnet = Telnet::Text,
            (Telnet::Iac, _) => return self.lone_iac(byte),
            (Telnet::Sub(MAX_SUBNEGOTIATION) | Telnet::SubIac(MAX_SUBNEGOTIATION), _) => {
                self.telnet = Telnet::Text;
                return Step::Bad(LineError::BadByte);
            }
            (Telnet::Sub(n), IAC) => self.telnet = Telnet::SubIac(n + 1),
            (Telnet::Sub(n) | Telnet::SubIac(n), _) => self.telnet = Telnet::Sub(n + 1),
        }
        Step::More
    }

    /// After an IAC came a byte that no command begins with. At the start of a line that is a Synch whose urgent
    /// DM went another way, and the IAC is dropped; inside a name it is a client that doubles no 0xFF, and the
    /// name must not lose a byte.
    fn lone_iac(&mut self, byte: u8) -> Step {
        self.telnet = Telnet::Text;
        if !self.partial.is_empty() || self.cr {
            match self.text(IAC) {
                Step::More => {}
                stop => return stop,
            }
        }
        self.text(byte)
    }

    fn text(&mut self, byte: u8) -> Step {
        if self.cr {
            self.cr = false;
            match byte {
                LF => return Step::End,
                0 => return self.keep(CR),
                _ => {
                    if let Step::Bad(error) = self.keep(CR) {
                        return Step::Bad(error);
                    }
                }
            }
        }
        match byte {
            LF => Step::End,
            CR => {
                self.cr = true;
                Step::More
            }
            // A Synch whose IAC was the urgent byte and went another way leaves these; no command begins so.
            IP | DM if self.partial.is_empty() => Step::More,
            IAC => self.keep(byte),
            _ if is_plain(byte) => self.keep(byte),
            _ => Step::Bad(LineError::BadByte),
        }
    }

    fn keep(&mut self, byte: u8) -> Step {
        if self.skipping {
            return Step::More;
        }
        if self.partial.len() >= self.most() {
            return Step::Bad(LineError::TooLong);
        }
        self.partial.push(byte);
        Step::More
    }
}

/// Neither a control byte (but TAB) nor IAC.
const fn is_plain(byte: u8) -> bool {
    (byte >= b' ' || byte == b'\t') && byte != 0x7f && byte != IAC
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Lines = Vec<Result<Vec<u8>, LineError>>;

    /// All lines of `parts`, each part one read.
    fn feed(parts: &[&[u8]]) -> Lines {
        let mut decoder = LineDecoder::new();
        let mut lines = Vec::new();
        for part in parts {
            let mut input = *part;
            while let Some(line) = decoder.next(&mut input) {
                lines.push(line.map(Cow::into_owned));
            }
            assert!(input.is_empty());
        }
        lines
    }

    /// The lines, the same whether they come in one read or byte by byte.
    fn lines(bytes: &[u8]) -> Lines {
        let whole = feed(&[bytes]);
        let split: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(whole, feed(&split), "{bytes:02x?}");
        whole
    }

    fn ok(texts: &[&[u8]]) -> Lines {
        texts.iter().map(|t| Ok(t.to_vec())).collect()
    }

    #[test]
    fn ends() {
        assert_eq!(lines(b"USER a\r\nPASS b\nNOOP\r\nQU"), ok(&[b"USER a", b"PASS b", b"NOOP"]));
        assert_eq!(lines(b"\r\n\n"), ok(&[b"", b""]));
        assert_eq!(lines(b"CWD a\r\0b\r\n"), ok(&[b"CWD a\rb"]));
        assert_eq!(lines(b"CWD a\rb\r\n"), ok(&[b"CWD a\rb"]));
        assert_eq!(lines(b"CWD a\r\r\n"), ok(&[b"CWD a\r"]));
        assert_eq!(lines(b"CWD a\r\0\r\n"), ok(&[b"CWD a\r"]));
        assert_eq!(lines(b"CWD a\tb\xc3\xa9\r\n"), ok(&[b"CWD a\tb\xc3\xa9"]));
    }

    #[test]
    fn a_whole_clean_line_is_borrowed_and_nothing_is_kept() {
        let mut decoder = LineDecoder::new();
        let mut input: &[u8] = b"NOOP\r\nNO";
        assert!(matches!(decoder.next(&mut input), Some(Ok(Cow::Borrowed(b"NOOP")))));
        assert!(decoder.next(&mut input).is_none() && decoder.is_partial());
        input = b"OP\r\n";
        assert!(matches!(decoder.next(&mut input), Some(Ok(Cow::Owned(_)))));
        assert!(!decoder.is_partial());
        assert_eq!(decoder.partial.capacity(), 0);
    }

    #[test]
    fn telnet_commands_vanish() {
        assert_eq!(lines(b"\xff\xf4\xff\xf2ABOR\r\n"), ok(&[b"ABOR"]));
        assert_eq!(lines(b"\xff\xf4\xffABOR\r\n"), ok(&[b"ABOR"]), "DM lost");
        assert_eq!(lines(b"\xff\xf4\xf2ABOR\r\n"), ok(&[b"ABOR"]), "urgent IAC lost");
        assert_eq!(lines(b"\xf4\xf2ABOR\r\n"), ok(&[b"ABOR"]), "both IAC lost");
        assert_eq!(lines(b"\xf2ABOR\r\n"), ok(&[b"ABOR"]));
        assert_eq!(lines(b"\xff\xfb\x06\xff\xfd\x03NOOP\r\n"), ok(&[b"NOOP"]));
        assert_eq!(lines(b"\xff\xfd\rNOOP\r\n\xff\xf6NOOP\r\n"), ok(&[b"NOOP", b"NOOP"]));
        assert_eq!(lines(b"NO\xff\xfa\x18\0x\r\nDELE a\r\n\xff\xff\xff\xf0OP\r\n"), ok(&[b"NOOP"]));
        assert_eq!(lines(b"CWD a\xff\xffb\r\n"), ok(&[b"CWD a\xffb"]));
        assert_eq!(lines(b"CWD a\xffb\r\n"), ok(&[b"CWD a\xffb"]), "a client that doubles nothing");
        assert_eq!(lines(b"CWD \xf2\xf4\r\n"), ok(&[b"CWD \xf2\xf4"]));
        assert_eq!(lines(b"NOOP\r\xff\xf1\nNOOP\r\n"), ok(&[b"NOOP", b"NOOP"]));
        assert_eq!(lines(b"CWD a\xff\r\nNOOP\r\n"), ok(&[b"CWD a\xff", b"NOOP"]));
    }

    #[test]
    fn a_subnegotiation_is_bounded() {
        let mut bytes = b"\xff\xfa".to_vec();
        bytes.extend([b'x'; 10_000]);
        bytes.extend(b"\r\nNOOP\r\n");
        assert_eq!(lines(&bytes), vec![Err(LineError::BadByte), Ok(b"NOOP".to_vec())]);
    }

    #[test]
    fn bad_bytes_refuse_their_line_only() {
        for bad in (0..=0x1f).chain([0x7f]).filter(|b| ![b'\t', b'\r', b'\n'].contains(b)) {
            let mut bytes = b"NOOP\r\nDELE a".to_vec();
            bytes.push(bad);
            bytes.extend(b".txt\0\r\nNOOP\r\n");
            assert_eq!(lines(&bytes), vec![Ok(b"NOOP".to_vec()), Err(LineError::BadByte), Ok(b"NOOP".to_vec())], "{bad}");
        }
    }

    #[test]
    fn long_lines_are_told_once_and_their_tail_never_runs() {
        let just = [b'x'; MAX_LINE];
        let mut bytes = just.to_vec();
        bytes.extend(b"\r\n");
        assert_eq!(lines(&bytes), vec![Ok(just.to_vec())]);
        let mut bytes = just.to_vec();
        bytes.extend(b"xDELE a\r\0DELE b\rDELE c");
        bytes.extend([b'y'; 3 * MAX_LINE]);
        bytes.extend(b"\xff\xf4\r\nNOOP\r\n");
        assert_eq!(lines(&bytes), vec![Err(LineError::TooLong), Ok(b"NOOP".to_vec())]);
        // A second fault in what is skipped is not told again.
        let mut bytes = b"\0\xff\x01\xff\xfa".to_vec();
        bytes.extend([b'y'; 1_000]);
        bytes.extend(b"\r\nNOOP\r\n");
        assert_eq!(lines(&bytes), vec![Err(LineError::BadByte), Ok(b"NOOP".to_vec())]);
    }

    #[test]
    fn memory_stays_bounded() {
        let mut decoder = LineDecoder::new();
        for _ in 0..100_000 {
            let mut input: &[u8] = b"xxxxxxxxxxxx";
            let _ = decoder.next(&mut input);
            assert!(decoder.partial.capacity() <= MAX_LINE);
        }
    }

    /// Bytes that matter to the decoder, so that cases meet each other.
    fn soup() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![
            Just(CR),
            Just(LF),
            Just(0),
            Just(IAC),
            Just(DM),
            Just(IP),
            Just(SB),
            Just(SE),
            Just(WILL),
            Just(b'A'),
            any::<u8>()
        ];
        proptest::collection::vec(byte, 0..200)
    }

    proptest! {
        #[test]
        fn reads_may_be_cut_anywhere(bytes in soup(), cuts in proptest::collection::vec(0usize..200, 0..8)) {
            let mut cuts: Vec<usize> = cuts.into_iter().filter(|&c| c <= bytes.len()).collect();
            cuts.sort_unstable();
            let mut parts = Vec::new();
            let mut from = 0;
            for cut in cuts {
                parts.push(&bytes[from..cut]);
                from = cut;
            }
            parts.push(&bytes[from..]);
            prop_assert_eq!(feed(&parts), lines(&bytes));
        }

        #[test]
        fn no_line_holds_what_none_may(bytes in soup()) {
            for line in lines(&bytes).into_iter().flatten() {
                prop_assert!(line.iter().all(|&b| is_plain(b) || b == IAC || b == CR));
                prop_assert!(line.len() <= MAX_LINE);
            }
        }

        #[test]
        fn any_name_of_text_arrives(name in "[^\u{0}-\u{1f}\u{7f}]{0,80}") {
            let mut bytes = b"CWD ".to_vec();
            bytes.extend(name.as_bytes());
            let line = bytes.clone();
            bytes.extend(b"\r\n");
            prop_assert_eq!(lines(&bytes), vec![Ok(line)]);
        }
    }
}
