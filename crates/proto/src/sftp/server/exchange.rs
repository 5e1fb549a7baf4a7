//! All that can go into a session and all that can come out of it.
//!
//! What is asked by name goes to the gate as an [`Op`] ([`Output::Ask`]). What an [`Op::Open`] or [`Op::List`] opens stays
//! with the driver under the [`FileId`] of that ask, and all further work on it is [`Output::Work`]. Many asks and works are
//! under way at once, and the driver answers them in any order: what must not run at the same time (writing and closing
//! a file, making a folder and a file in it) is not handed out at the same time. Each `Ask` is answered once by
//! [`Input::Answer`] and each `Work` once by [`Input::Worked`], until [`Output::Close`].

use bytes::{Bytes, BytesMut};
use types::{AskId, Attr, AttrChange, Entry, Error, Op, Reason, Time, VPath, Yield};

use crate::sftp::digest::Digest;

/// What the session knows of its user and its bounds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// Where relative names start: the user's home.
    pub home: VPath,
    /// The user's name, for `home-directory`.
    pub user: Box<str>,
    /// How many files and folders may be open at once.
    pub handles: u32,
    /// Stands in every handle, so that one of another session is none here: the session's id, say.
    pub salt: u32,
    /// The digests that the driver makes ([`Work::Digest`]).
    pub digests: Vec<Digest>,
    /// Whether [`Output::Heard`] and [`Output::Said`] are wanted.
    pub watched: bool,
}

/// A file or folder that is open in the driver: the ask that opened it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct FileId(pub AskId);

/// What goes in.
#[derive(Debug)]
pub enum Input<'a> {
    /// Bytes of the channel, cut anywhere.
    Bytes(&'a [u8]),
    /// The answer to [`Output::Ask`]. [`Yield::Opened`] and [`Yield::Listing`] leave something open under this id until
    /// its [`Work::Close`] is handed out.
    Answer(AskId, Result<Yield, Error>),
    /// The answer to [`Output::Work`].
    Worked(AskId, Result<Done, Error>),
    /// The client sends no more. What it asked for is still answered.
    End,
    /// The session must end at once.
    Stop(Reason),
}

/// What comes out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Output {
    /// Send these bytes: whole packets, one or many.
    Send(Bytes),
    /// Ask the gate.
    Ask(AskId, Op),
    /// Do something with what is open.
    Work(AskId, FileId, Work),
    /// For the ladder: the client asked this, printable. READs and WRITEs behind one another are one line.
    Heard(Box<str>),
    /// For the ladder: the client was answered this, printable. READs and WRITEs that went well are not told here.
    Said(Box<str>),
    /// Close the channel once everything is sent. All that is still open is given up: uploads are not committed. `None`
    /// where the client ended it.
    Close(Option<Reason>),
}

/// What is done with an open file or folder.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Work {
    /// Read. Answered by [`Done::Data`]. May be put off until there is room to send the answer.
    Read {
        /// The first byte.
        at: u64,
        /// How many at most, never more than [`MOST_DATA`](crate::sftp::MOST_DATA). Fewer than are there may be read,
        /// but not none.
        length: u32,
    },
    /// Write all of it. Answered by [`Done::Nothing`].
    Write {
        /// Where the first byte goes (the end, for what was opened to append).
        at: u64,
        /// What is written: a slice of what came in, to be dropped soon.
        data: Bytes,
    },
    /// The next entries of a folder; none at its end. Answered by [`Done::Page`].
    List,
    /// What is written is to be on disk. Answered by [`Done::Nothing`].
    Sync,
    /// Attributes as they are now, what was written included. Answered by [`Done::Attr`].
    Stat,
    /// Change the size, then the attributes. Answered by [`Done::Nothing`].
    SetAttr {
        /// The new size: cut, or filled with zeros.
        size: Option<u64>,
        /// All else.
        change: AttrChange,
    },
    /// Copy from this file to another one, or within it. Answered by [`Done::Nothing`]. All bytes, or an error.
    Copy {
        /// The first byte read.
        at: u64,
        /// How many; `None` is all until the end.
        length: Option<u64>,
        /// What is written.
        to: FileId,
        /// Where the first byte goes.
        to_at: u64,
    },
    /// Make digests. Answered by [`Done::Digests`].
    Digest {
        /// Which.
        digest: Digest,
        /// The first byte.
        at: u64,
        /// How many; `None` is all until the end.
        length: Option<u64>,
        /// One of each so many bytes; `None` is one of all.
        block: Option<u32>,
    },
    /// Close it: an upload is committed, and only then is the answer [`Done::Nothing`]. One that a write failed in is not,
    /// and the answer is that failure. Whatever the answer, it is not open any more.
    Close,
    /// Close it, and give up what was written: it is known to be no good. Answered by [`Done::Nothing`].
    Abandon,
}

/// How work went.
#[derive(Debug)]
pub enum Done {
    /// It is done.
    Nothing,
    /// What was read, behind [`DATA_HEAD`](crate::sftp::reply::DATA_HEAD) bytes of room: they get the packet's head,
    /// so that nothing is copied. Nothing behind the room is the end of the file.
    Data(BytesMut),
    /// Entries, and the time it is now for their `ls -l` lines.
    Page(Vec<Entry>, Time),
    /// Attributes.
    Attr(Attr),
    /// Digests, one behind the other.
    Digests(Digest, Vec<u8>),
}
