//! Which command line does an `scp` at the other end ask for? As it would be given to a shell: words, quotes, backslashes.

use types::{Error, Reason};

/// Which way files go, seen from who runs the command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// `-t`: they come in.
    To,
    /// `-f`: they go out.
    From,
}

/// What `scp -t` or `scp -f` is to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Command {
    /// Which way.
    pub way: Way,
    /// `-r`: folders, too.
    pub recursive: bool,
    /// `-p`: times are told and kept, modes are kept.
    pub preserve: bool,
    /// `-d`: what files come into must be a folder.
    pub folder: bool,
    /// What is copied, or where it goes; as it came but for quotes.
    pub path: Box<[u8]>,
    /// Whether wildcards stand in it that no quote took the meaning from: the path with those quoted by backslashes.
    pub pattern: Option<Box<[u8]>>,
}

/// The longest command line that is read.
const MOST: usize = 8_192;

impl Command {
    /// Reads the command line of an exec request. `None` if it is no `scp` at all.
    ///
    /// # Errors
    /// [`Reason::ScpCommand`] for an `scp` that says neither or both of `-t` and `-f`, has an option that is not known,
    /// or not exactly one path.
    pub fn parse(line: &[u8]) -> Result<Option<Self>, Error> {
        let bad = |why: &str| Error::with(Reason::ScpCommand, why);
        if line.len() > MOST {
            return Err(bad("it is too long"));
        }
        let words = words(line).ok_or_else(|| bad("a quote is not closed"))?;
        let mut words = words.into_iter();
        match words.next() {
            Some(word) if word.plain.rsplit(|&b| b == b'/').next() == Some(b"scp") => {}
            _ => return Ok(None),
        }
        let (mut to, mut from, mut recursive, mut preserve, mut folder) = (false, false, false, false, false);
        let mut path: Option<Word> = None;
        let mut options = true;
        for word in words {
            match word.plain.split_first() {
                Some((b'-', b"-")) if options => options = false,
                Some((b'-', letters)) if options && !letters.is_empty() => {
                    for letter in letters {
                        match letter {
                            b't' => to = true,
                            b'f' => from = true,
                            b'r' => recursive = true,
                            b'p' => preserve = true,
                            b'd' => folder = true,
                            // Words for people, which nobody sees here.
                            b'v' | b'q' => {}
                            _ => return Err(bad("an option is not known")),
                        }
                    }
                }
                _ if path.is_some() => return Err(bad("there is more than one path")),
                _ => {
                    options = false;
                    path = Some(word);
                }
            }
        }
        let way = match (to, from) {
            (true, false) => Way::To,
            (false, true) => Way::From,
            _ => return Err(bad("it must have one of -t and -f")),
        };
        let path = path.ok_or_else(|| bad("there is no path"))?;
        let pattern = path.wild.then(|| path.quoted.into_boxed_slice());
        Ok(Some(Self { way, recursive, preserve, folder, path: path.plain.into(), pattern }))
    }
}

/// One word of a command line.
#[derive(Default)]
struct Word {
    /// Without quotes and backslashes.
    plain: Vec<u8>,
    /// The same, with a backslash before each wildcard that was quoted.
    quoted: Vec<u8>,
    /// Whether a wildcard was not.
    wild: bool,
}

impl Word {
    fn push(&mut self, byte: u8, quoted: bool) {
        let wildcard = matches!(byte, b'*' | b'?' | b'[');
        if quoted && (wildcard || byte == b'\\') {
            self.quoted.push(b'\\');
        }
        self.wild |= wildcard && !quoted;
        self.plain.push(byte);
        self.quoted.push(byte);
    }
}

/// Cuts a line into words as a shell does, without what only a shell could do (variables, pipes): that is text here.
fn words(line: &[u8]) -> Option<Vec<Word>> {
    let mut words = Vec::new();
    let mut word: Option<Word> = None;
    let mut bytes = line.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            b' ' | b'\t' | b'\n' => words.extend(word.take()),
            b'\\' => word.get_or_insert_default().push(bytes.next()?, true),
            b'\'' | b'"' => {
                let open = word.get_or_insert_default();
                loop {
                    match bytes.next()? {
                        end if end == byte => break,
                        b'\\' if byte == b'"' => match bytes.next()? {
                            special @ (b'"' | b'\\' | b'$' | b'`') => open.push(special, true),
                            other => {
                                open.push(b'\\', true);
                                open.push(other, true);
                            }
                        },
                        inside => open.push(inside, true),
                    }
                }
            }
            other => word.get_or_insert_default().push(other, false),
        }
    }
    words.extend(word);
    Some(words)
}

/// A path as one word of a command line, whatever it holds.
pub fn quote(path: &[u8]) -> Vec<u8> {
    let mut word = vec![b'\''];
    for &byte in path {
        match byte {
            b'\'' => word.extend_from_slice(b"'\\''"),
            other => word.push(other),
        }
    }
    word.push(b'\'');
    word
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(line: &str) -> Option<Command> {
        Command::parse(line.as_bytes()).unwrap()
    }

    #[test]
    fn lines_that_programs_send() {
        let plain = |way, path: &str| Command {
            way,
            recursive: false,
            preserve: false,
            folder: false,
            path: path.as_bytes().into(),
            pattern: None,
        };
        assert_eq!(parse("scp -t ."), Some(plain(Way::To, ".")));
        assert_eq!(parse("scp -v -f -- -odd"), Some(plain(Way::From, "-odd")));
        assert_eq!(parse("/usr/bin/scp -qf 'a b'"), Some(plain(Way::From, "a b")));
        assert_eq!(
            parse("scp -r -p -d -t /x"),
            Some(Command { recursive: true, preserve: true, folder: true, ..plain(Way::To, "/x") })
        );
        assert_eq!(parse("scp -f \"a\\\"b\\c\""), Some(plain(Way::From, "a\"b\\c")));
        assert_eq!(parse("scp -t ''"), Some(plain(Way::To, "")));
        assert_eq!(parse("scp -f $HOME;ls"), Some(plain(Way::From, "$HOME;ls")));
        let wild = parse("scp -f 'a*'*.tx?").unwrap();
        assert_eq!((&*wild.path, wild.pattern.as_deref()), (&b"a**.tx?"[..], Some(&b"a\\**.tx?"[..])));
        assert_eq!(parse("scp -f a\\*").unwrap().pattern, None);
        assert_eq!(parse("ls -l"), None);
        assert_eq!(parse(""), None);
    }

    #[test]
    fn lines_that_are_refused() {
        for line in ["scp a b", "scp -t", "scp -t -f x", "scp -t a b", "scp -S x -t a", "scp -t 'a", "scp -t a\\"] {
            assert_eq!(Command::parse(line.as_bytes()).map_err(|e| e.reason), Err(Reason::ScpCommand), "{line}");
        }
    }

    proptest! {
        #[test]
        fn what_is_quoted_is_one_word(path: Vec<u8>) {
            let line = [&b"scp -f -- "[..], &quote(&path)].concat();
            if line.len() <= MOST {
                let command = Command::parse(&line).unwrap().unwrap();
                prop_assert_eq!(&*command.path, &path[..]);
                prop_assert_eq!(command.pattern, None);
            }
        }

        #[test]
        fn any_line_is_read_or_refused(line: Vec<u8>) {
            let _ = Command::parse(&line);
        }
    }
}
