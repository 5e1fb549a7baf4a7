//! What does a listing tell that a server printed: MLSD (RFC 3659 §7), or LIST in whatever dialect it speaks?
//!
//! LIST was made for people (RFC 959 §4.1.3), and every system prints it its own way. The first lines are held until the
//! dialect that reads most of them is known; then each line is told as it comes. Names are never trusted: one that would
//! lead elsewhere is told as refused, with the reason.

mod as400;
mod dates;
mod dos;
mod eplf;
mod mvs;
mod netware;
mod os2;
mod parser;
mod posix;
mod tandem;
#[cfg(test)]
mod tests;
mod vms;
mod words;

use std::fmt;

use types::path::Shown;
use types::time::Civil;
use types::{Kind, Time};

use super::{Permitted, Place};

pub use parser::ListingParser;

/// One thing that a listing tells.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Item {
    /// An entry.
    Entry(Box<Listed>),
    /// An entry whose name must not be used.
    Refused {
        /// The name as it came.
        name: Box<[u8]>,
        /// What is wrong with it.
        why: Refused,
    },
    /// A line that nobody can read. Titles, totals and blank lines are none of these.
    Unread(Box<[u8]>),
}

/// What is wrong with a name in a listing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refused {
    /// It has a slash: it would lead into another folder.
    Slash,
    /// It is `.` or `..`, where it cannot mean the folder or its parent.
    Dots,
    /// It holds a NUL byte.
    Nul,
    /// It holds a CR.
    Cr,
    /// It is longer than any file system takes.
    TooLong,
    /// There is none.
    Empty,
}

impl Refused {
    /// Why, for people.
    pub const fn why(self) -> &'static str {
        match self {
            Self::Slash => "the name has a slash and would lead into another folder",
            Self::Dots => "the name is . or .. but the entry is no folder",
            Self::Nul => "the name holds a NUL byte",
            Self::Cr => "the name holds a carriage return",
            Self::TooLong => "the name is too long",
            Self::Empty => "the name is empty",
        }
    }
}

/// What a listing tells of one name. What was not told is `None`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listed {
    /// The name: one component.
    pub name: Box<[u8]>,
    /// File, folder, link or other.
    pub kind: Kind,
    /// The size in bytes, exact.
    pub size: Option<u64>,
    /// The size as far as the dialect tells it: blocks, lines or rounded kilobytes, turned into bytes. Not to be compared.
    pub about: Option<u64>,
    /// When the content last changed.
    pub modified: Option<Stamp>,
    /// Permission bits, `0o7777` at most.
    pub mode: Option<u32>,
    /// The owner.
    pub owner: Option<Owner>,
    /// The group.
    pub group: Option<Owner>,
    /// Where a link points.
    pub target: Option<Box<[u8]>>,
    /// The version, on systems that keep several of a file: the highest is the newest.
    pub version: Option<u32>,
    /// Whether it stands in the folder, is the folder, or is its parent.
    pub place: Place,
    /// What may be done with it, where MLSD says so.
    pub permitted: Option<Permitted>,
    /// What tells two files apart, where MLSD says so.
    pub unique: Option<(u64, u64)>,
}

/// Whose something is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Owner {
    /// By the number that MLSD tells.
    Number(u32),
    /// As it was written.
    Name(Box<[u8]>),
}

impl From<&[u8]> for Owner {
    fn from(name: &[u8]) -> Self {
        Self::Name(name.into())
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Name(name) => Shown(name).fmt(f),
        }
    }
}

impl Listed {
    /// An entry of which only name and kind are known.
    pub fn new(name: &[u8], kind: Kind) -> Self {
        Self {
            name: name.into(),
            kind,
            size: None,
            about: None,
            modified: None,
            mode: None,
            owner: None,
            group: None,
            target: None,
            version: None,
            place: Place::Inside,
            permitted: None,
            unique: None,
        }
    }
}

/// A time as a listing tells it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stamp {
    /// Year to second; what is finer than the precision is 0.
    pub civil: Civil,
    /// How much of it was told.
    pub precision: Precision,
    /// Whether it is in UTC. Otherwise it is the server's local time, whose distance from UTC one MDTM tells.
    pub utc: bool,
}

impl Stamp {
    /// The point in time, if the server's clock is so many seconds ahead of UTC.
    pub fn at(&self, ahead: i64) -> Option<Time> {
        let time = Time::from_civil(self.civil)?;
        Some(if self.utc { time } else { Time::from_seconds(time.seconds.saturating_sub(ahead)) })
    }
}

/// How exact a time is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Precision {
    /// To the second or finer.
    Second,
    /// To the minute.
    Minute,
    /// To the day.
    Day,
}

/// How a listing is written.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Dialect {
    /// MLSD (RFC 3659 §7).
    Facts,
    /// `ls -l`, in its many variants.
    Posix,
    /// DOS `dir`: Microsoft's servers, Windows CE among them.
    Dos,
    /// Easily parsed list format (D. J. Bernstein).
    Eplf,
    /// OpenVMS.
    Vms,
    /// z/OS: datasets, members of partitioned datasets.
    Mvs,
    /// OS/400, IBM i.
    As400,
    /// Novell NetWare.
    NetWare,
    /// OS/2.
    Os2,
    /// Tandem NonStop, Guardian.
    Tandem,
}

impl Dialect {
    /// Its name, for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Facts => "MLSD",
            Self::Posix => "POSIX",
            Self::Dos => "DOS",
            Self::Eplf => "EPLF",
            Self::Vms => "VMS",
            Self::Mvs => "MVS",
            Self::As400 => "OS/400",
            Self::NetWare => "NetWare",
            Self::Os2 => "OS/2",
            Self::Tandem => "Tandem",
        }
    }
}

/// What a dialect makes of a line.
enum Read {
    /// An entry.
    Entry(Box<Listed>),
    /// Something that is no entry: a title, a total, a blank line.
    Nothing,
    /// The first part of an entry that the next line goes on with.
    More,
    /// None of this dialect's.
    No,
}
