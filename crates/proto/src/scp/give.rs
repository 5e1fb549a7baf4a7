//! What does a client say to `scp -t`? That a file comes, with its mode and its times, or that a folder is to be; then it hears
//! what became of it.

use std::collections::VecDeque;

use bytes::Bytes;
use types::{Error, Reason, Time};

use super::MOST_MESSAGE;
use super::message::{Message, told};

/// What is given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Given {
    /// A file of so many bytes.
    File(u64),
    /// A folder with nothing in it.
    Folder,
}

/// What is to be done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Output {
    /// Bytes for the server.
    Send(Bytes),
    /// Now the file's bytes are sent; [`Give::sent`] tells that they all were.
    Body,
    /// The server has it.
    Done,
    /// It went wrong, and nothing more is to be sent.
    Failed(Error),
}

/// The client's end.
#[derive(Debug)]
pub struct Give {
    /// What is said, one at a time; each is answered.
    lines: VecDeque<Vec<u8>>,
    state: State,
    /// Whether bytes of a file follow the lines.
    has_body: bool,
    line: Vec<u8>,
    out: VecDeque<Output>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// The server must say that it is well.
    Hears,
    /// The file's bytes are being sent.
    Body,
    Over,
}

impl Give {
    /// For a name without a line end: the protocol has no place for one. Times are told where they are known, and kept by a
    /// server that was started with `-p`.
    ///
    /// # Errors
    /// [`Reason::ScpName`].
    pub fn new(given: Given, name: &[u8], mode: u32, modified: Option<Time>) -> Result<Self, Error> {
        if name.contains(&b'\n') {
            return Err(Error::with(Reason::ScpName, "SCP knows no names with line ends; use SFTP"));
        }
        let said = |message: Message<'_>| {
            let mut line = Vec::new();
            message.put(&mut line);
            line
        };
        let times = modified.map(|modified| said(Message::Times { modified, accessed: modified }));
        let mut lines: VecDeque<Vec<u8>> = times.into_iter().collect();
        match given {
            Given::File(size) => lines.push_back(said(Message::File { mode, size, name })),
            Given::Folder => lines.extend([said(Message::Folder { mode, name }), said(Message::End)]),
        }
        let has_body = matches!(given, Given::File(_));
        Ok(Self { lines, state: State::Hears, has_body, line: Vec::new(), out: VecDeque::new() })
    }

    /// The next thing to do, until there is nothing more.
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// All bytes of the file were sent.
    pub fn sent(&mut self) {
        if self.state == State::Body {
            self.state = State::Hears;
            self.has_body = false;
            self.out.push_back(Output::Send(Bytes::from_static(b"\0")));
        }
    }

    /// Takes what the server says.
    pub fn take(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            match (self.state, self.line.is_empty(), byte) {
                (State::Over, ..) => return,
                (State::Hears, true, 0) => self.well(),
                (_, false, b'\n') => return self.complained(),
                (_, true, 0) => {
                    return self.fail(Reason::ScpMessage, "the server says that it is well before it was asked".into());
                }
                _ if self.line.len() < MOST_MESSAGE => self.line.push(byte),
                _ => return self.fail(Reason::ScpMessage, format!("a line of more than {MOST_MESSAGE} bytes")),
            }
        }
    }

    /// The server has no more to say.
    pub fn end(&mut self) {
        if self.state != State::Over {
            self.fail(Reason::Disconnected, "the server's scp ended in its midst".into());
        }
    }

    fn well(&mut self) {
        match self.lines.pop_front() {
            Some(line) => self.out.push_back(Output::Send(line.into())),
            None if self.has_body => {
                self.state = State::Body;
                self.out.push_back(Output::Body);
            }
            None => {
                self.state = State::Over;
                self.out.push_back(Output::Done);
            }
        }
    }

    /// A whole line: why it does not do it, or what is no scp.
    fn complained(&mut self) {
        let line = std::mem::take(&mut self.line);
        let error = match Message::parse(&line) {
            Ok(Message::Warning(text) | Message::Fatal(text)) => told(text),
            _ => {
                let words = types::text::printable(&String::from_utf8_lossy(&line));
                Error::with(Reason::ScpMessage, format!("the server says: {words}"))
            }
        };
        self.state = State::Over;
        self.out.push_back(Output::Failed(error));
    }

    fn fail(&mut self, reason: Reason, words: String) {
        self.state = State::Over;
        self.out.push_back(Output::Failed(Error::with(reason, words)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// All that is done at what the server says, up to the next thing that it must answer.
    fn next(give: &mut Give, said: &[u8]) -> Vec<String> {
        give.take(said);
        let mut all = Vec::new();
        while let Some(output) = give.poll() {
            all.push(match output {
                Output::Send(bytes) => bytes.escape_ascii().to_string(),
                Output::Body => {
                    give.sent();
                    "body".into()
                }
                Output::Done => "done".into(),
                Output::Failed(error) => format!("{:?}", error.reason),
            });
        }
        all
    }

    #[test]
    fn a_file_and_a_folder_go() {
        let time = Some(Time::from_seconds(7));
        let mut file = Give::new(Given::File(3), b"f g", 0o640, time).unwrap();
        assert_eq!(next(&mut file, b""), [""; 0]);
        assert_eq!(next(&mut file, b"\0"), ["T7 0 7 0\\n"]);
        assert_eq!(next(&mut file, b"\0"), ["C0640 3 f g\\n"]);
        assert_eq!(next(&mut file, b"\0"), ["body", "\\x00"]);
        assert_eq!(next(&mut file, b"\0"), ["done"]);
        let mut folder = Give::new(Given::Folder, b"d", 0o755, None).unwrap();
        assert_eq!(next(&mut folder, b"\0"), ["D0755 0 d\\n"]);
        assert_eq!(next(&mut folder, b"\0"), ["E\\n"]);
        assert_eq!(next(&mut folder, b"\0"), ["done"]);
        assert_eq!(Give::new(Given::Folder, b"a\nC0644 0 b", 0, None).unwrap_err().reason, Reason::ScpName);
    }

    #[test]
    fn servers_that_do_not() {
        for (said, code) in [
            (&b"\x01scp: /x/f: Permission denied\n"[..], "StorageDenied"),
            (b"\x02scp: No space left on device\n", "NoSpace"),
            (b"Last login: today\n", "ScpMessage"),
            (b"\x01scp: nothing is known of this\n", "ScpWarned"),
            (b"\x01scp: /x (CRK-207)\n", "LeadsOutside"),
            // No word of a stranger's passes for a failure of ours.
            (b"\x01scp: /x (CRK-709)\n", "ScpWarned"),
        ] {
            let mut give = Give::new(Given::File(3), b"f", 0o640, None).unwrap();
            assert_eq!(next(&mut give, said), [code], "{}", said.escape_ascii());
            assert_eq!(next(&mut give, b"\0\0\0"), [""; 0]);
        }
        let mut early = Give::new(Given::File(3), b"f", 0o640, None).unwrap();
        early.take(b"\0\0");
        early.take(&[0]);
        let all: Vec<_> = std::iter::from_fn(|| early.poll()).collect();
        assert!(matches!(all.last(), Some(Output::Failed(e)) if e.reason == Reason::ScpMessage), "{all:?}");
        let mut endless = Give::new(Given::File(3), b"f", 0o640, None).unwrap();
        assert_eq!(next(&mut endless, &[b'x'; 9_000]), ["ScpMessage"]);
    }

    proptest! {
        #[test]
        fn any_server_is_borne(said: Vec<u8>) {
            let mut give = Give::new(Given::File(3), b"f", 0o640, None).unwrap();
            give.take(&said);
            give.end();
            let ends = std::iter::from_fn(|| give.poll()).filter(|o| matches!(o, Output::Done | Output::Failed(_))).count();
            prop_assert_eq!(ends, 1);
        }
    }
}
