//! What does a client make of what `scp -f` sends? One file, what stands at a path, or the names of a folder; whatever was not
//! asked for is refused.
//!
//! A folder's names come by `scp -r -f`, each of whose files and folders is answered with "no": its bytes stay there then.

use std::collections::VecDeque;

use bytes::Bytes;
use types::{Attr, Entry, Error, Kind, Reason, Time};

use super::MOST_MESSAGE;
use super::message::{Message, told};

/// The most names of one folder, and the most complaints: a server that lies may go on without end.
const MOST_NAMES: usize = 1_000_000;
const MOST_COMPLAINTS: usize = 1_000;

/// What is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wanted {
    /// The bytes of a file.
    File,
    /// What stands there, and no bytes.
    Look,
    /// The names in a folder.
    Names,
}

/// What is to be done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Output {
    /// Bytes for the server.
    Send(Bytes),
    /// What stands there; of a file its bytes follow.
    Found(Attr),
    /// Some bytes of the file.
    Body(Bytes),
    /// A name in the folder.
    Name(Entry),
    /// Nothing more is said to the server: all that was asked for is there, and its end is waited for.
    Quiet,
    /// All is there, and the server said so.
    Done,
    /// It went wrong, and nothing more comes.
    Failed(Error),
}

/// The client's end.
#[derive(Debug)]
pub struct Fetch {
    wanted: Wanted,
    /// What it must be called.
    name: Box<[u8]>,
    state: State,
    line: Vec<u8>,
    modified: Option<Time>,
    names: usize,
    complaints: usize,
    /// The first thing the server could not do.
    warned: Option<Error>,
    out: VecDeque<Output>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// The one thing that was asked for comes.
    Head,
    /// So many bytes of the file are still to come.
    Body(u64),
    /// The server says whether it could read them all.
    Verdict,
    /// The names of the folder come.
    Names,
    /// All is there, and nothing more may come.
    Tail,
    Over,
}

impl Fetch {
    /// Asks for what stands at a path whose last part is `name`; empty for a folder that has no name of its own.
    pub fn new(wanted: Wanted, name: &[u8]) -> Self {
        let out = VecDeque::from([well()]);
        let (line, state) = (Vec::new(), State::Head);
        Self { wanted, name: name.into(), state, line, modified: None, names: 0, complaints: 0, warned: None, out }
    }

    /// The next thing to do, until there is nothing more.
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// Takes what the server sent.
    pub fn take(&mut self, mut bytes: Bytes) {
        while !bytes.is_empty() && self.state != State::Over {
            match self.state {
                State::Body(left) => {
                    let now = bytes.split_to(usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len()));
                    let left = left - now.len() as u64;
                    self.out.push_back(Output::Body(now));
                    self.state = if left == 0 { State::Verdict } else { State::Body(left) };
                }
                State::Verdict if self.line.is_empty() && bytes.first() == Some(&0) => {
                    drop(bytes.split_to(1));
                    self.enough(well());
                }
                _ => {
                    if let Some(line) = self.line(&mut bytes) {
                        self.message(&line);
                    }
                }
            }
        }
    }

    /// The server has no more to say.
    pub fn end(&mut self) {
        match self.state {
            State::Tail if self.line.is_empty() => self.finish(),
            State::Over => {}
            State::Body(left) => self.fail(Reason::TransferShort, format!("the server ended with {left} bytes to come")),
            _ => {
                let why = self.warned.take();
                self.give_up(why.unwrap_or_else(|| Error::with(Reason::Disconnected, "the server's scp ended in its midst")));
            }
        }
    }

    /// The last word.
    fn enough(&mut self, word: Output) {
        self.out.extend([word, Output::Quiet]);
        self.state = State::Tail;
    }

    fn finish(&mut self) {
        self.state = State::Over;
        // Names may be missing: whoever compares folders must know.
        let unsure = |e| Output::Failed(Error { reason: Reason::ListingUnsure, ..e });
        let output = self.warned.take().map_or(Output::Done, unsure);
        self.out.push_back(output);
    }

    /// A whole line, once its end is there.
    fn line(&mut self, bytes: &mut Bytes) -> Option<Vec<u8>> {
        let end = memchr::memchr(b'\n', bytes);
        let now = bytes.split_to(end.unwrap_or(bytes.len()));
        if self.line.len() + now.len() > MOST_MESSAGE {
            self.fail(Reason::ScpMessage, format!("a line of more than {MOST_MESSAGE} bytes"));
            return None;
        }
        self.line.extend_from_slice(&now);
        end?;
        drop(bytes.split_to(1));
        Some(std::mem::take(&mut self.line))
    }

    fn message(&mut self, line: &[u8]) {
        // OpenSSH calls the folder that a login leads to by the name it was asked for.
        let is_nameless = self.state == State::Head && self.name.is_empty() && line.starts_with(b"D") && line.ends_with(b" .");
        let renamed =
            is_nameless.then(|| [line, b"/"].concat().strip_suffix(b"./").map(|rest| [rest, b"home"].concat())).flatten();
        match (Message::parse(renamed.as_deref().unwrap_or(line)), self.state) {
            (Ok(Message::Fatal(text)), _) => self.give_up(told(text)),
            (Ok(Message::Warning(text)), State::Verdict) => self.give_up(Error { reason: Reason::TransferCut, ..told(text) }),
            (Ok(Message::Warning(text)), _) => self.complained(text),
            (Ok(Message::Times { modified, .. }), State::Head | State::Names) if self.modified.is_none() => {
                self.modified = Some(modified);
                self.out.push_back(well());
            }
            (Ok(Message::File { mode, size, name }), State::Head) => self.found((Kind::File, mode, size), name),
            (Ok(Message::Folder { mode, name }), State::Head) => self.found((Kind::Dir, mode, 0), name),
            (Ok(Message::File { mode, size, name }), State::Names) => self.named(self.attr(Kind::File, mode, size), name),
            (Ok(Message::Folder { mode, name }), State::Names) => self.named(self.attr(Kind::Dir, mode, 0), name),
            (Ok(Message::End), State::Names) => {
                self.enough(well());
            }
            (Ok(Message::File { name, .. } | Message::Folder { name, .. }), _) => self.unasked(name),
            (Err(Reason::ScpName), _) => self.fail(Reason::ScpName, shown(line)),
            _ => self.fail(Reason::ScpMessage, format!("the server says: {}", shown(line))),
        }
    }

    fn attr(&self, kind: Kind, mode: u32, size: u64) -> Attr {
        Attr { mode: Some(mode), modified: self.modified, ..Attr::new(kind, size) }
    }

    /// The one thing that was asked for, or what the server passes for it (CVE-2019-6111).
    fn found(&mut self, (kind, mode, size): (Kind, u32, u64), name: &[u8]) {
        let attr = self.attr(kind, mode, size);
        self.modified = None;
        if !self.name.is_empty() && *self.name != *name {
            return self.unasked(name);
        }
        match (self.wanted, kind) {
            (Wanted::Look, _) => {
                self.out.push_back(Output::Found(attr));
                self.enough(no());
            }
            (Wanted::File, Kind::File) => {
                self.out.extend([Output::Found(attr), well()]);
                self.state = if size == 0 { State::Verdict } else { State::Body(size) };
            }
            (Wanted::Names, Kind::Dir) => {
                self.out.extend([Output::Found(attr), well()]);
                self.state = State::Names;
            }
            (Wanted::Names, _) => self.give_up(Reason::NotAFolder.into()),
            (Wanted::File, _) => self.unasked(name),
        }
    }

    fn named(&mut self, attr: Attr, name: &[u8]) {
        self.modified = None;
        self.names += 1;
        if self.names > MOST_NAMES {
            return self.fail(Reason::TooMany, format!("a folder of more than {MOST_NAMES} names"));
        }
        self.out.push_back(Output::Name(Entry { name: name.into(), attr, target: None }));
        self.out.push_back(no());
    }

    /// Something cannot be read. In a folder others can.
    fn complained(&mut self, text: &[u8]) {
        self.complaints += 1;
        self.modified = None;
        match self.state {
            State::Names if self.complaints <= MOST_COMPLAINTS => drop(self.warned.get_or_insert_with(|| told(text))),
            _ => self.give_up(told(text)),
        }
    }

    fn unasked(&mut self, name: &[u8]) {
        self.fail(Reason::ScpUnasked, format!("the server sends {}", shown(name)));
    }

    fn fail(&mut self, reason: Reason, words: String) {
        self.give_up(Error::with(reason, words));
    }

    fn give_up(&mut self, error: Error) {
        self.state = State::Over;
        self.out.push_back(Output::Failed(error));
    }
}

fn well() -> Output {
    Output::Send(Bytes::from_static(b"\0"))
}

fn no() -> Output {
    Output::Send(Bytes::from_static(b"\x01its name is enough\n"))
}

fn shown(line: &[u8]) -> String {
    const MOST: usize = 200;
    types::text::printable(&String::from_utf8_lossy(line.get(..MOST).unwrap_or(line)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What a server's words lead to, but for what is sent back: `>` and the bytes.
    fn heard(wanted: Wanted, name: &str, said: &[u8], step: usize) -> Vec<String> {
        let mut fetch = Fetch::new(wanted, name.as_bytes());
        for part in said.chunks(step) {
            fetch.take(Bytes::copy_from_slice(part));
        }
        fetch.end();
        let mut all = Vec::new();
        while let Some(output) = fetch.poll() {
            match output {
                Output::Send(bytes) => all.push(format!(">{}", bytes.escape_ascii())),
                Output::Found(attr) => all.push(format!("{:?} {} {:o}", attr.kind, attr.size, attr.mode.unwrap_or(0))),
                Output::Body(bytes) => match all.last_mut() {
                    Some(last) if last.starts_with('=') => last.push_str(&bytes.escape_ascii().to_string()),
                    _ => all.push(format!("={}", bytes.escape_ascii())),
                },
                Output::Name(entry) => all.push(format!("{} {:?}", entry.name.escape_ascii(), entry.attr.kind)),
                Output::Quiet => {}
                Output::Done => all.push("done".into()),
                Output::Failed(error) => all.push(format!("{:?}", error.reason)),
            }
        }
        all
    }

    #[test]
    fn dialogues() {
        let no = ">\\x01its name is enough\\n";
        for (wanted, name, said, expected) in [
            (Wanted::File, "f", &b"C0644 3 f\nabc\0"[..], vec![">\\x00", "File 3 644", ">\\x00", "=abc", ">\\x00", "done"]),
            (Wanted::File, "f", b"T5 0 5 0\nC0600 0 f\n\0", vec![">\\x00", ">\\x00", "File 0 600", ">\\x00", ">\\x00", "done"]),
            (Wanted::Look, "f", b"T5 0 5 0\nC0600 9 f\n", vec![">\\x00", ">\\x00", "File 9 600", no, "done"]),
            (Wanted::Look, "", b"D0755 0 .\n", vec![">\\x00", "Dir 0 755", no, "done"]),
            (
                Wanted::Names,
                "d",
                b"D0755 0 d\nC0644 7 a\nD0700 0 b\nE\n",
                vec![">\\x00", "Dir 0 755", ">\\x00", "a File", no, "b Dir", no, ">\\x00", "done"],
            ),
            (
                Wanted::Names,
                "d",
                b"D0755 0 d\n\x01scp: d/x: Permission denied\nE\n",
                vec![">\\x00", "Dir 0 755", ">\\x00", ">\\x00", "ListingUnsure"],
            ),
            (Wanted::Names, "d", b"C0644 0 d\n", vec![">\\x00", "NotAFolder"]),
            (Wanted::File, "f", b"\x01scp: f: No such file or directory\n", vec![">\\x00", "NotFound"]),
            (Wanted::File, "f", b"\x01scp: f: not a regular file\n", vec![">\\x00", "IsAFolder"]),
        ] {
            for step in [1, 2, said.len()] {
                assert_eq!(heard(wanted, name, said, step), expected, "{} by {step}", said.escape_ascii());
            }
        }
    }

    #[test]
    fn lies_are_told() {
        let long = [&b"C0644 1 "[..], &[b'n'; 9_000], b"\n"].concat();
        for (said, code) in [
            // Another name than was asked for, or one that leads elsewhere.
            (&b"C0644 3 g\nabc\0"[..], "ScpUnasked"),
            (b"C0644 3 ../f\n", "ScpName"),
            (b"C0644 3 .\n", "ScpName"),
            (b"C0644 3 \n", "ScpName"),
            (b"D0755 0 f\nC0644 3 f\nabc\0E\n", "ScpUnasked"),
            // More than was asked for.
            (b"C0644 3 f\nabc\0C0644 3 f\nabc\0", "ScpUnasked"),
            (b"C0644 3 f\nabc\0D0755 0 d\n", "ScpUnasked"),
            // Sizes that are none, or not true.
            (b"C0644 -1 f\n", "ScpMessage"),
            (b"C0644 99999999999999999999 f\n", "ScpMessage"),
            (b"C0644 9223372036854775807 f\nabc", "TransferShort"),
            (b"C0644 3 f\nabcd\n", "ScpMessage"),
            (b"C0644 3 f\nabc\x01scp: f: Input/output error\n", "TransferCut"),
            // No protocol at all.
            (b"Welcome!\n", "ScpMessage"),
            (b"T1 0 1 0\nT1 0 1 0\n", "ScpMessage"),
            (b"E\n", "ScpMessage"),
            (b"C0644 3 f\nabc\0tail", "Disconnected"),
            (b"", "Disconnected"),
            (&long, "ScpMessage"),
            (b"\x02gone\n", "ScpWarned"),
        ] {
            let all = heard(Wanted::File, "f", said, 5);
            let shown = String::from_utf8_lossy(&said[..said.len().min(60)]).into_owned();
            assert!(all.last().is_some_and(|last| last == code) && !all.contains(&"done".into()), "{shown}: {all:?}");
        }
        // What a terminal would obey is shown, and not done.
        let mut fetch = Fetch::new(Wanted::File, b"f");
        fetch.take(Bytes::from_static(b"\x01scp: \x1b[2Jevil\x07: No such file or directory\n"));
        let _ = fetch.poll();
        let Some(Output::Failed(error)) = fetch.poll() else { panic!("no failure") };
        assert!(!error.to_string().contains(['\x1b', '\x07']), "{error}");
    }

    proptest! {
        /// Whatever a server says, it ends, names stay within the folder, and no more bytes are a file's than it announced.
        #[test]
        fn any_server_is_borne(said: Vec<u8>, step in 1..9_usize, which in 0..3_usize) {
            let wanted = [Wanted::File, Wanted::Look, Wanted::Names][which];
            let mut fetch = Fetch::new(wanted, b"f");
            for part in said.chunks(step) {
                fetch.take(Bytes::copy_from_slice(part));
            }
            fetch.end();
            let (mut size, mut ends) = (0, 0);
            while let Some(output) = fetch.poll() {
                match output {
                    Output::Found(attr) => size = attr.size,
                    Output::Body(bytes) => {
                        prop_assert!(bytes.len() as u64 <= size);
                        size -= bytes.len() as u64;
                    }
                    Output::Name(entry) => prop_assert!(!entry.name.contains(&b'/') && !entry.name.is_empty()),
                    Output::Done | Output::Failed(_) => ends += 1,
                    Output::Send(_) | Output::Quiet => {}
                }
            }
            prop_assert_eq!(ends, 1);
        }
    }
}
