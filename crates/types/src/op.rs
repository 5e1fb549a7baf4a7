//! `Op`: all that can be asked of a file tree, whatever the protocol; `Yield`: what comes back.

use std::fmt;
use std::sync::Arc;

use crate::attr::{Attr, AttrChange};
use crate::message::{Delivered, Delivery};
use crate::path::{VPath, show};

/// Everything that may be refused, counted or charged.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Op {
    /// Open a file for reading from a byte on. Yields [`Yield::Reading`].
    Read {
        /// The file.
        path: VPath,
        /// First byte wanted.
        at: u64,
    },
    /// Open a file for writing. Yields [`Yield::Writing`].
    Write {
        /// The file; for [`WriteHow::Unique`] the name to start from.
        path: VPath,
        /// What happens to what stands there.
        how: WriteHow,
        /// How many bytes the client said it will send (ALLO), if it did.
        expected: Option<u64>,
        /// Whether what comes of it is kept for its owner where it is interrupted.
        keep: bool,
    },
    /// Open a file for reading and writing at any place (SFTP). Yields [`Yield::Opened`]; the open file stays with the
    /// driver, and what is written is in place or, where the file was created or cut, when it is closed.
    Open {
        /// The file.
        path: VPath,
        /// What may be done with it, and what becomes of what stands there.
        how: OpenHow,
    },
    /// Open a folder for listing. Yields [`Yield::Listing`].
    List {
        /// The folder.
        path: VPath,
    },
    /// Ask for attributes. Yields [`Yield::Attr`].
    Stat {
        /// The file or folder.
        path: VPath,
        /// Whether a link is followed.
        follow: bool,
    },
    /// Make a folder. Yields [`Yield::Done`].
    MakeDir {
        /// The new folder.
        path: VPath,
        /// Permission bits it is to have, less the session's umask; `0o777` where none are told.
        mode: Option<u32>,
    },
    /// Remove an empty folder. Yields [`Yield::Done`].
    RemoveDir {
        /// The folder.
        path: VPath,
    },
    /// Remove a folder and all below it, entry by entry. Yields [`Yield::Removed`].
    RemoveTree {
        /// The folder.
        path: VPath,
    },
    /// Remove a file or a link. Yields [`Yield::Done`].
    Remove {
        /// The file.
        path: VPath,
    },
    /// Give a file or folder another name. Yields [`Yield::Done`].
    Rename {
        /// What it is called.
        from: VPath,
        /// What it will be called.
        to: VPath,
        /// Whether a file that has that name already may be replaced.
        replace: bool,
    },
    /// Make a file anew out of another, all of it at once. Yields [`Yield::Copied`].
    Copy {
        /// The file.
        from: VPath,
        /// The new one; a file that stands there is replaced.
        to: VPath,
    },
    /// Put files behind one another at the end of another, in one step, and remove them. Yields [`Yield::Copied`].
    Join {
        /// Where they go; made where nothing stands.
        to: VPath,
        /// What goes there.
        parts: Vec<VPath>,
    },
    /// Change attributes. Yields [`Yield::Attr`], as they are afterwards.
    SetAttr {
        /// The file or folder.
        path: VPath,
        /// What changes.
        change: AttrChange,
    },
    /// Make a symbolic link. Yields [`Yield::Done`].
    Link {
        /// The link.
        path: VPath,
        /// What it points to, as it will be written.
        target: Box<[u8]>,
    },
    /// Ask where a symbolic link points. Yields [`Yield::Target`].
    ReadLink {
        /// The link.
        path: VPath,
    },
    /// Give a file a second name. Yields [`Yield::Done`].
    HardLink {
        /// The file.
        path: VPath,
        /// Its second name, which nothing may have yet.
        to: VPath,
    },
    /// Count files and bytes below a folder. Yields [`Yield::Usage`].
    Usage {
        /// The folder.
        path: VPath,
    },
    /// Ask how much may be written here. Yields [`Yield::Space`].
    Space {
        /// The folder.
        path: VPath,
    },
    /// Ask whether so many bytes would fit here (ALLO). Yields [`Yield::Done`].
    Reserve {
        /// The folder.
        path: VPath,
        /// How many bytes.
        bytes: u64,
    },
    /// Make another mount the session's root (SMNT). Yields [`Yield::Done`].
    Mount {
        /// The mount's name.
        name: Box<[u8]>,
    },
    /// Set the bits that new files and folders of this session do not get (SITE UMASK). Yields [`Yield::Done`].
    Umask {
        /// Permission bits, `0o777` at most.
        mask: u32,
    },
    /// Ask who is here. Yields [`Yield::Who`].
    Who,
    /// Ask whether a message would reach somebody. Yields [`Yield::Done`].
    Recipient {
        /// The user's name, or a session's id.
        to: Box<str>,
        /// How it would go.
        delivery: Delivery,
    },
    /// Send somebody a message. Yields [`Yield::Delivered`].
    Message {
        /// The user's name, or a session's id.
        to: Box<str>,
        /// How it goes.
        delivery: Delivery,
        /// Its lines, with LF between them.
        text: Arc<[u8]>,
    },
}

/// What an upload does to a file that stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WriteHow {
    /// The new content takes the old one's place when it is whole; the old stays until then.
    Replace,
    /// Bytes are added at the end, in place; an unfinished upload of one's own is gone on with.
    Append,
    /// Writing starts at this byte, in place; an unfinished upload of one's own is gone on with.
    At(u64),
    /// A name that is not taken is made from the given one (STOU).
    Unique,
    /// Only if nothing has the name.
    New,
}

/// How a file is opened that is read and written at any place: the flags of SSH_FXP_OPEN
/// (draft-ietf-secsh-filexfer-02 §6.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct OpenHow {
    /// It is read.
    pub read: bool,
    /// It is written.
    pub write: bool,
    /// All writes go to its end, wherever they ask to go.
    pub append: bool,
    /// It is made if nothing stands there.
    pub create: bool,
    /// With `create`: nothing may stand there.
    pub exclusive: bool,
    /// What stands there is emptied.
    pub truncate: bool,
    /// Permission bits of a file that is made, less the session's umask; the usual ones where none are told.
    pub mode: Option<u32>,
}

/// What a granted [`Op`] gives back. Bodies (sources, sinks, listings) stay with the driver; the session sees
/// only what it needs for its replies.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Yield {
    /// It is done.
    Done,
    /// Attributes.
    Attr(Attr),
    /// A file is open for reading.
    Reading(Attr),
    /// A file is open for writing.
    Writing {
        /// The name that will stand in the end (differs from the asked one for [`WriteHow::Unique`]).
        path: VPath,
        /// The byte writing starts at.
        at: u64,
    },
    /// A file is open for reading and writing at any place.
    Opened(Attr),
    /// A folder is open for listing.
    Listing,
    /// Where a symbolic link points, as it was written.
    Target(Box<[u8]>),
    /// Bytes were copied.
    Copied {
        /// How many.
        bytes: u64,
    },
    /// A tree was removed.
    Removed {
        /// How many files and folders.
        entries: u64,
    },
    /// Files and bytes below a folder.
    Usage(Usage),
    /// How much may be written.
    Space(Space),
    /// Who is here.
    Who(Vec<Presence>),
    /// What became of a message.
    Delivered(Delivered),
}

/// What lies below a folder.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Usage {
    /// Bytes of all files.
    pub bytes: u64,
    /// Number of files.
    pub files: u64,
    /// Number of folders, without the one asked for.
    pub folders: u64,
}

/// How much may be written somewhere.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Space {
    /// Bytes free for this user: the smaller of storage and quota; `None` where there is no limit.
    pub free: Option<u64>,
    /// Bytes in all; `None` where there is no limit.
    pub total: Option<u64>,
}

/// One session, as others may see it (SITE WHO).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Presence {
    /// The session's id, as printed.
    pub session: Box<str>,
    /// The user, or empty before login.
    pub user: Box<str>,
    /// The peer's address.
    pub peer: Box<str>,
    /// What it does now: a verb and a path, or `idle`.
    pub doing: Box<str>,
    /// Seconds since it came.
    pub seconds: u64,
}

impl Op {
    /// The path this is about, if it is about one (the first of two).
    pub const fn path(&self) -> Option<&VPath> {
        match self {
            Self::Read { path, .. }
            | Self::Write { path, .. }
            | Self::Open { path, .. }
            | Self::List { path }
            | Self::Stat { path, .. }
            | Self::MakeDir { path, .. }
            | Self::RemoveDir { path }
            | Self::RemoveTree { path }
            | Self::Remove { path }
            | Self::SetAttr { path, .. }
            | Self::Link { path, .. }
            | Self::ReadLink { path }
            | Self::HardLink { path, .. }
            | Self::Usage { path }
            | Self::Space { path }
            | Self::Reserve { path, .. } => Some(path),
            Self::Join { to, .. } => Some(to),
            Self::Copy { from, .. } | Self::Rename { from, .. } => Some(from),
            Self::Mount { .. } | Self::Umask { .. } | Self::Who | Self::Recipient { .. } | Self::Message { .. } => None,
        }
    }
}

/// The words behind `open FILE` on a ladder.
impl fmt::Display for OpenHow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = [
            (self.read, "read"),
            (self.write, "write"),
            (self.append, "append"),
            (self.create, "create"),
            (self.exclusive, "exclusive"),
            (self.truncate, "truncate"),
        ];
        for (_, word) in words.iter().filter(|(set, _)| *set) {
            write!(f, " {word}")?;
        }
        match self.mode {
            Some(mode) => write!(f, " mode {mode:o}"),
            None => Ok(()),
        }
    }
}

/// What is done with a message and for whom.
fn sending(to: &str, delivery: Delivery, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let verb = match delivery {
        Delivery::Sessions => "send",
        Delivery::SessionsOrMail => "send-or-mail",
        Delivery::SessionsAndMail => "send-and-mail",
        Delivery::Mail => "mail",
    };
    write!(f, "{verb} ")?;
    show(to.as_bytes(), f)
}

/// The line a ladder shows for an ask.
impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read { path, at: 0 } => write!(f, "read {path}"),
            Self::Read { path, at } => write!(f, "read {path} from {at}"),
            Self::Write { path, how, .. } => match how {
                WriteHow::Replace => write!(f, "write {path}"),
                WriteHow::Append => write!(f, "append {path}"),
                WriteHow::At(at) => write!(f, "write {path} from {at}"),
                WriteHow::Unique => write!(f, "write unique {path}"),
                WriteHow::New => write!(f, "write new {path}"),
            },
            Self::Open { path, how } => write!(f, "open {path}{how}"),
            Self::List { path } => write!(f, "list {path}"),
            Self::Stat { path, follow: true } => write!(f, "stat {path}"),
            Self::Stat { path, follow: false } => write!(f, "lstat {path}"),
            Self::MakeDir { path, mode: None } => write!(f, "mkdir {path}"),
            Self::MakeDir { path, mode: Some(mode) } => write!(f, "mkdir {path} mode {mode:o}"),
            Self::RemoveDir { path } => write!(f, "rmdir {path}"),
            Self::RemoveTree { path } => write!(f, "rmtree {path}"),
            Self::Remove { path } => write!(f, "remove {path}"),
            Self::Copy { from, to } => write!(f, "copy {from} to {to}"),
            Self::Join { to, parts } => {
                write!(f, "join {to} from")?;
                parts.iter().try_for_each(|part| write!(f, " {part}"))
            }
            Self::Rename { from, to, .. } => write!(f, "rename {from} to {to}"),
            Self::SetAttr { path, change } => {
                write!(f, "set {path}")?;
                if let Some(mode) = change.mode {
                    write!(f, " mode {mode:o}")?;
                }
                if let Some(t) = change.modified {
                    write!(f, " modified {}", t.seconds)?;
                }
                if let Some(t) = change.created {
                    write!(f, " created {}", t.seconds)?;
                }
                if let Some(o) = change.owner {
                    write!(f, " owner {o}")?;
                }
                if let Some(g) = change.group {
                    write!(f, " group {g}")?;
                }
                Ok(())
            }
            Self::Link { path, target } => {
                write!(f, "link {path} to ")?;
                show(target, f)
            }
            Self::ReadLink { path } => write!(f, "readlink {path}"),
            Self::HardLink { path, to } => write!(f, "hardlink {path} as {to}"),
            Self::Usage { path } => write!(f, "usage {path}"),
            Self::Space { path } => write!(f, "space {path}"),
            Self::Reserve { path, bytes } => write!(f, "reserve {bytes} in {path}"),
            Self::Mount { name } => {
                f.write_str("mount ")?;
                show(name, f)
            }
            Self::Umask { mask } => write!(f, "umask {mask:03o}"),
            Self::Who => f.write_str("who"),
            Self::Recipient { to, delivery } => {
                f.write_str("may ")?;
                sending(to, *delivery, f)
            }
            Self::Message { to, delivery, text } => {
                sending(to, *delivery, f)?;
                write!(f, " {} bytes", text.len())
            }
        }
    }
}

/// The line a ladder shows for an answer.
impl fmt::Display for Yield {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("done"),
            Self::Attr(a) | Self::Reading(a) | Self::Opened(a) => {
                let kind = match a.kind {
                    crate::Kind::File => "file",
                    crate::Kind::Dir => "folder",
                    crate::Kind::Link => "link",
                    crate::Kind::Other => "special",
                };
                write!(f, "{kind} {}", a.size)?;
                if let Some(mode) = a.mode {
                    write!(f, " mode {mode:o}")?;
                }
                if let Some(t) = a.modified {
                    write!(f, " modified {}", t.seconds)?;
                }
                Ok(())
            }
            Self::Writing { path, at: 0 } => write!(f, "writing {path}"),
            Self::Writing { path, at } => write!(f, "writing {path} from {at}"),
            Self::Listing => f.write_str("listing"),
            Self::Target(target) => {
                f.write_str("target ")?;
                show(target, f)
            }
            Self::Copied { bytes } => write!(f, "copied {bytes}"),
            Self::Removed { entries } => write!(f, "removed {entries}"),
            Self::Usage(u) => write!(f, "usage {} bytes {} files {} folders", u.bytes, u.files, u.folders),
            Self::Space(s) => match s.free {
                Some(free) => write!(f, "free {free}"),
                None => f.write_str("free unlimited"),
            },
            Self::Who(who) => write!(f, "{} sessions", who.len()),
            Self::Delivered(d) => write!(f, "sent to {} sessions{}", d.sessions, if d.mailed { " and mailed" } else { "" }),
        }
    }
}
