//! `Command`: one line from client to server, parsed and printed alike by both ends (RFC 959 §5.3).

use crate::ftp::verb::Verb;

/// A command line taken apart. The argument is as it stands behind the verb and one space; what it means is
/// for the verb's own parser to say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Command<'a> {
    /// The verb, where it is one we know.
    pub verb: Option<Verb>,
    /// The verb as it was written.
    pub name: &'a [u8],
    /// What stands behind it; empty where nothing does. Trailing spaces belong to it: names may end in one.
    pub argument: &'a [u8],
}

impl<'a> Command<'a> {
    /// Takes a line (without its end) apart.
    pub fn parse(line: &'a [u8]) -> Self {
        let start = line.iter().position(|&b| b != b' ' && b != b'\t').unwrap_or(line.len());
        let line = line.get(start..).unwrap_or_default();
        let cut = line.iter().position(|&b| b == b' ').unwrap_or(line.len());
        let (name, rest) = line.split_at(cut);
        Self { verb: Verb::named(name), name, argument: rest.get(1..).unwrap_or_default() }
    }

    /// Prints a command with its line end. A CR in the argument becomes CR NUL (RFC 3659 §2.2) and 0xFF is
    /// doubled (RFC 854), so that the other end reads back the same bytes.
    pub fn print(verb: Verb, argument: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(verb.row().name.as_bytes());
        if !argument.is_empty() {
            out.push(b' ');
            for &b in argument {
                match b {
                    b'\r' => out.extend_from_slice(b"\r\0"),
                    0xff => out.extend_from_slice(b"\xff\xff"),
                    _ => out.push(b),
                }
            }
        }
        out.extend_from_slice(b"\r\n");
    }

    /// The argument without spaces around it, for verbs whose argument is no name.
    pub const fn trimmed(&self) -> &'a [u8] {
        self.argument.trim_ascii()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_lines_apart() {
        let c = Command::parse(b"retr  a b ");
        assert_eq!((c.verb, c.argument), (Some(Verb::Retr), &b" a b "[..]));
        let c = Command::parse(b"NOOP");
        assert_eq!((c.verb, c.argument), (Some(Verb::Noop), &b""[..]));
        let c = Command::parse(b"FROB x");
        assert_eq!((c.verb, c.name), (None, &b"FROB"[..]));
        assert_eq!(Command::parse(b"").name, b"");
    }

    #[test]
    fn prints_what_it_parses() {
        let mut out = Vec::new();
        Command::print(Verb::Stor, b"a\rb\xff", &mut out);
        assert_eq!(out, b"STOR a\r\0b\xff\xff\r\n");
    }
}
