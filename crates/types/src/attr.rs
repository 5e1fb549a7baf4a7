//! What is known of a file or folder, what may be changed of it, and an entry of a listing.

use crate::time::Time;

/// What stands under a name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Dir,
    /// A symbolic link, when it was not followed.
    Link,
    /// A FIFO, socket or device: shown, never opened.
    Other,
}

/// The attributes of a file or folder. `None` where the storage does not know.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Attr {
    /// File, folder, link or other.
    pub kind: Kind,
    /// Bytes.
    pub size: u64,
    /// Permission bits, `0o7777` at most.
    pub mode: Option<u32>,
    /// Numeric owner.
    pub owner: Option<u32>,
    /// Numeric group.
    pub group: Option<u32>,
    /// Number of names.
    pub links: u32,
    /// Last change of the content.
    pub modified: Option<Time>,
    /// Birth.
    pub created: Option<Time>,
    /// What tells two files apart on their storage (device and inode, for one).
    pub unique: Option<(u64, u64)>,
}

impl Attr {
    /// A file or folder of which only kind and size are known.
    pub const fn new(kind: Kind, size: u64) -> Self {
        Self { kind, size, mode: None, owner: None, group: None, links: 1, modified: None, created: None, unique: None }
    }

    /// Whether this is a folder.
    pub fn is_dir(&self) -> bool {
        self.kind == Kind::Dir
    }
}

/// A wish to change attributes: only what is `Some` changes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AttrChange {
    /// Permission bits, `0o7777` at most.
    pub mode: Option<u32>,
    /// Numeric owner.
    pub owner: Option<u32>,
    /// Numeric group.
    pub group: Option<u32>,
    /// Last change of the content.
    pub modified: Option<Time>,
    /// Last read.
    pub accessed: Option<Time>,
    /// Birth, where the storage can set it.
    pub created: Option<Time>,
}

/// One name in a folder.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// The name: one component, never empty, no `/`, no NUL.
    pub name: Box<[u8]>,
    /// Its attributes; of the link itself where it is a link.
    pub attr: Attr,
    /// Where a symbolic link points, as it was written.
    pub target: Option<Box<[u8]>>,
}
