//! All that can go into a client's session and all that can come out of it.

use bytes::Bytes;
use types::{Attr, Entry, Error, Space};

/// One call; the driver chooses it, and never one that is under way.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct CallId(pub u64);

/// What comes out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Output {
    /// Send these bytes.
    Send(Bytes),
    /// The server has answered INIT, and told its limits where it can.
    Ready(Server),
    /// What became of a call: once for each.
    Answer(CallId, Result<Answer, Error>),
    /// What was asked, or a run of reads or writes, for who looks on ([`Session::tell`](super::Session::tell)).
    Said(Box<str>),
    /// What was answered, for who looks on.
    Heard(Box<str>),
    /// The session cannot go on. Calls that were under way have had their answers.
    Close(Error),
}

/// What a server told of itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Server {
    /// The names of the extensions it serves.
    pub extensions: Vec<Box<[u8]>>,
    /// How much it takes.
    pub limits: Limits,
}

impl Server {
    /// Whether it serves an extension.
    pub fn serves(&self, name: &str) -> bool {
        self.extensions.iter().any(|other| **other == *name.as_bytes())
    }
}

/// How much a server takes (limits@openssh.com), in bytes; what every server takes where it does not say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// In one READ.
    pub read: u32,
    /// In one WRITE.
    pub write: u32,
}

impl Default for Limits {
    /// The draft has every server take packets of 34,000 bytes (draft-ietf-secsh-filexfer-02 §3).
    fn default() -> Self {
        Self { read: 32_768, write: 32_768 }
    }
}

/// What a server answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// It is done.
    Done,
    /// What was opened is called so.
    Handle(Bytes),
    /// Bytes of a file: a slice of what came in.
    Data(Bytes),
    /// The end of a file or folder.
    End,
    /// Names in a folder, without `.` and `..`. Where links point is not told.
    Names(Vec<Entry>),
    /// A path, or where a link points.
    Path(Box<[u8]>),
    /// Attributes.
    Attr(Attr),
    /// Room.
    Space(Space),
    /// What another extension answers.
    Extended(Bytes),
}
