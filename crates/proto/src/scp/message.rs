//! What do both ends of scp say to each other: files, folders, times, and whether it went well?

use types::{Error, Reason, Time};

/// A message from the end that sends files.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Message<'a> {
    /// `C`: a file follows.
    File {
        /// Permission bits.
        mode: u32,
        /// How many bytes follow.
        size: u64,
        /// Its name.
        name: &'a [u8],
    },
    /// `D`: a folder begins.
    Folder {
        /// Permission bits.
        mode: u32,
        /// Its name.
        name: &'a [u8],
    },
    /// `E`: it ends.
    End,
    /// `T`: the times of what comes next.
    Times {
        /// Last change.
        modified: Time,
        /// Last read.
        accessed: Time,
    },
    /// 1: something went wrong, and it goes on.
    Warning(&'a [u8]),
    /// 2: it does not go on.
    Fatal(&'a [u8]),
}

impl<'a> Message<'a> {
    /// Reads a message, without its line end.
    ///
    /// # Errors
    /// [`Reason::ScpMessage`]; [`Reason::ScpName`] for a name that is none or would lead elsewhere.
    pub fn parse(line: &'a [u8]) -> Result<Self, Reason> {
        let (&kind, rest) = line.split_first().ok_or(Reason::ScpMessage)?;
        let entry = || -> Option<(u32, u64, &'a [u8])> {
            let (mode, rest) = word(rest)?;
            let (size, name) = word(rest)?;
            Some((octal(mode)?, decimal(size)?, name))
        };
        match kind {
            1 => Ok(Self::Warning(rest)),
            2 => Ok(Self::Fatal(rest)),
            b'C' => {
                let (mode, size, name) = entry().ok_or(Reason::ScpMessage)?;
                Ok(Self::File { mode, size, name: checked(name)? })
            }
            b'D' => {
                let (mode, _, name) = entry().ok_or(Reason::ScpMessage)?;
                Ok(Self::Folder { mode, name: checked(name)? })
            }
            b'E' if rest.is_empty() => Ok(Self::End),
            b'T' => times(rest).ok_or(Reason::ScpMessage),
            _ => Err(Reason::ScpMessage),
        }
    }

    /// Appends the message, with its line end. A line end within a name becomes `?`: the protocol has no place for it.
    pub fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::File { mode, size, name } => {
                out.extend_from_slice(format!("C{:04o} {size} ", mode & 0o7777).as_bytes());
                put_text(name, out);
            }
            Self::Folder { mode, name } => {
                out.extend_from_slice(format!("D{:04o} 0 ", mode & 0o7777).as_bytes());
                put_text(name, out);
            }
            Self::End => out.push(b'E'),
            Self::Times { modified, accessed } => {
                let times = (modified.seconds.max(0), modified.nanos / 1_000, accessed.seconds.max(0), accessed.nanos / 1_000);
                out.extend_from_slice(format!("T{} {} {} {}", times.0, times.1, times.2, times.3).as_bytes());
            }
            Self::Warning(text) => {
                out.push(1);
                put_text(text, out);
            }
            Self::Fatal(text) => {
                out.push(2);
                put_text(text, out);
            }
        }
        out.push(b'\n');
    }
}

/// Appends a warning about a path, as all programs word it.
pub fn put_warning(path: &[u8], reason: Reason, out: &mut Vec<u8>) {
    let text = [b"scp: ", path, b": ", reason.cause().as_bytes(), b" (", reason.code().as_bytes(), b")"].concat();
    Message::Warning(&text).put(out);
}

/// What a complaint means: the protocol has words for people alone, and most programs take the system's.
pub(super) fn told(text: &[u8]) -> Error {
    const WORDS: [(&str, Reason); 10] = [
        ("no such file", Reason::NotFound),
        ("permission denied", Reason::StorageDenied),
        ("operation not permitted", Reason::StorageDenied),
        ("not a regular file", Reason::IsAFolder),
        ("is a directory", Reason::IsAFolder),
        ("not a directory", Reason::NotAFolder),
        ("no space left", Reason::NoSpace),
        ("quota exceeded", Reason::OverQuota),
        ("read-only file system", Reason::ReadOnly),
        ("file exists", Reason::Exists),
    ];
    let text = String::from_utf8_lossy(text);
    let small = text.to_lowercase();
    // Another Carrack names its reason; those about files are believed.
    let own = text.rfind("CRK-2").and_then(|at| Reason::by_code(text.get(at..at + 7)?));
    let reason = own.or_else(|| WORDS.iter().find(|(words, _)| small.contains(words)).map(|(_, reason)| *reason));
    let shown = types::text::printable(&text);
    let words = if shown.trim().is_empty() { "the server did not say why".into() } else { format!("the server said: {shown}") };
    Error::with(reason.unwrap_or(Reason::ScpWarned), words)
}

fn put_text(text: &[u8], out: &mut Vec<u8>) {
    out.extend(text.iter().map(|&b| if b == b'\n' { b'?' } else { b }));
}

/// A name that stays where it is put. An end that lets these through can be made to write anywhere (CVE-2018-20685,
/// CVE-2019-6111).
fn checked(name: &[u8]) -> Result<&[u8], Reason> {
    if matches!(name, b"" | b"." | b"..") || name.iter().any(|b| matches!(b, b'/' | 0)) {
        return Err(Reason::ScpName);
    }
    Ok(name)
}

fn word(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (word, rest) = text.split_at_checked(text.iter().position(|&b| b == b' ')?)?;
    Some((word, rest.get(1..)?))
}

fn octal(digits: &[u8]) -> Option<u32> {
    if !(3..=5).contains(&digits.len()) {
        return None;
    }
    digits.iter().try_fold(0, |sum, &b| matches!(b, b'0'..=b'7').then(|| sum * 8 + u32::from(b - b'0'))).map(|mode| mode & 0o7777)
}

fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    let number = digits.iter().try_fold(0_u64, |sum, &b| {
        b.is_ascii_digit().then_some(())?;
        sum.checked_mul(10)?.checked_add(u64::from(b - b'0'))
    })?;
    i64::try_from(number).is_ok().then_some(number)
}

fn times<'a>(text: &[u8]) -> Option<Message<'a>> {
    let mut numbers = text.split(|&b| b == b' ').map(decimal);
    let mut time = || {
        let (seconds, micros) = (numbers.next()??, numbers.next()??);
        let nanos = u32::try_from(micros).ok().filter(|&micros| micros < 1_000_000)? * 1_000;
        Some(Time { seconds: i64::try_from(seconds).ok()?, nanos })
    };
    let (modified, accessed) = (time()?, time()?);
    numbers.next().is_none().then_some(Message::Times { modified, accessed })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn survives(message: Message<'_>) {
        let mut line = Vec::new();
        message.put(&mut line);
        assert_eq!(line.iter().filter(|&&b| b == b'\n').count(), 1);
        assert_eq!(Message::parse(&line[..line.len() - 1]), Ok(message));
    }

    proptest! {
        #[test]
        fn messages_and_back(
            mode in 0..=0o7777_u32, size in 0..=i64::MAX as u64, name in "[^/\0\n]{3,9}", seconds in 0..i64::MAX, micros in 0..1_000_000_u32,
        ) {
            let (name, time) = (name.as_bytes(), Time { seconds, nanos: micros * 1_000 });
            survives(Message::File { mode, size, name });
            survives(Message::Folder { mode, name });
            survives(Message::End);
            survives(Message::Times { modified: time, accessed: Time::from_seconds(7) });
            survives(Message::Warning(name));
            survives(Message::Fatal(name));
        }

        #[test]
        fn any_line_is_read_or_refused(line: Vec<u8>) {
            if let Ok(Message::File { name, .. } | Message::Folder { name, .. }) = Message::parse(&line) {
                prop_assert!(!name.is_empty() && name != b".." && name != b"." && !name.contains(&b'/'));
            }
        }
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        for name in ["..", ".", "", "a/b", "/etc/passwd", "../x", "a\0b"] {
            assert_eq!(Message::parse(format!("C0644 5 {name}").as_bytes()), Err(Reason::ScpName), "{name}");
            assert_eq!(Message::parse(format!("D0755 0 {name}").as_bytes()), Err(Reason::ScpName), "{name}");
        }
    }

    #[test]
    fn broken_messages_are_refused() {
        let lines: [&[u8]; 12] = [
            b"",
            b"X",
            b"C",
            b"C0644",
            b"C0644 5",
            b"C0844 5 a",
            b"C0644 -5 a",
            b"C0644 99999999999999999999 a",
            b"T1 2 3",
            b"T1 1000000 1 0",
            b"T1 0 1 0 0",
            b"E ",
        ];
        for line in lines {
            assert_eq!(Message::parse(line), Err(Reason::ScpMessage), "{line:?}");
        }
    }

    #[test]
    fn no_name_makes_a_second_message() {
        let mut line = Vec::new();
        Message::File { mode: 0o644, size: 0, name: b"a\nC0644 9 b" }.put(&mut line);
        assert_eq!(line, b"C0644 0 a?C0644 9 b\n");
        put_warning(b"x\ny", Reason::NotFound, &mut line);
        assert!(line.ends_with(b"\x01scp: x?y: no such file or folder (CRK-201)\n"));
    }
}
