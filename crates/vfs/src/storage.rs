//! `Storage`: what every place that keeps files can do, and what each says it can do besides.

use std::sync::Arc;

use io::body::{BoxFuture, Sink, Source};
use types::{Attr, AttrChange, Entry, Error, Reason, Space, VPath, WriteHow};

use crate::file::{File, OpenOrder};

/// A place that keeps files: local disk, memory, objects, or another server. Paths are below its own root.
///
/// Made for object storage too: nothing here seeks, renaming a folder may be refused, names come in pages.
/// All calls may wait and none may block the reactor.
pub trait Storage: Send + Sync + 'static {
    /// What it can do.
    fn capability(&self) -> Capability;

    /// Attributes of what stands at `path`. Links are followed inside the storage if `follow`. Where nothing
    /// stands, an unfinished upload of `owner` counts as a file of the size it has reached.
    fn stat<'a>(&'a self, path: &'a VPath, follow: bool, owner: &'a Owner) -> BoxFuture<'a, Result<Attr, Error>>;

    /// Opens a file for reading from byte `at`. A start beyond the end is [`Reason::BeyondEnd`](types::Reason).
    fn read<'a>(&'a self, path: &'a VPath, at: u64, owner: &'a Owner) -> BoxFuture<'a, Result<(Attr, Source), Error>>;

    /// Opens a file for writing. Links are followed inside the storage, so that a link stays one.
    ///
    /// [`WriteHow::Append`] and [`WriteHow::At`] on a file that stands write in place and leave what lies behind; on
    /// an unfinished upload they cut it where they begin. A start beyond the end is
    /// [`Reason::BeyondEnd`](types::Reason), and going on with an upload that still runs is
    /// [`Reason::Busy`](types::Reason). [`WriteHow::New`] and [`WriteHow::Unique`] never replace anything, not even
    /// what was made since they were opened: their commit is [`Reason::Exists`](types::Reason) then.
    fn write<'a>(&'a self, path: &'a VPath, order: WriteOrder<'a>) -> BoxFuture<'a, Result<Opened, Error>>;

    /// Opens a file to be read and written at any place, where [`Capability::open`]. Links are followed inside the storage.
    fn open<'a>(&'a self, path: &'a VPath, order: OpenOrder<'a>) -> BoxFuture<'a, Result<Arc<dyn File>, Error>> {
        let _ = (path, order);
        Box::pin(async { Err(Reason::Unsupported.into()) })
    }

    /// Opens a folder for listing.
    fn list<'a>(&'a self, path: &'a VPath, owner: &'a Owner) -> BoxFuture<'a, Result<Box<dyn Listing>, Error>>;

    /// Makes a folder with these permission bits.
    fn make_dir<'a>(&'a self, path: &'a VPath, mode: u32) -> BoxFuture<'a, Result<(), Error>>;

    /// Removes an empty folder. Uploads that were interrupted in it do not keep it from being empty and go with it;
    /// one that runs does ([`Reason::Busy`](types::Reason)).
    fn remove_dir<'a>(&'a self, path: &'a VPath) -> BoxFuture<'a, Result<(), Error>>;

    /// Removes a file or a link; where nothing stands, an unfinished upload of `owner`.
    fn remove<'a>(&'a self, path: &'a VPath, owner: &'a Owner) -> BoxFuture<'a, Result<(), Error>>;

    /// Renames a file or, where [`Capability::rename_dir`], a folder. Without `replace` a name that is taken is
    /// [`Reason::Exists`](types::Reason), decided in one step with the renaming.
    fn rename<'a>(&'a self, from: &'a VPath, to: &'a VPath, replace: bool) -> BoxFuture<'a, Result<(), Error>>;

    /// Changes attributes and tells what they are then.
    fn set_attr<'a>(&'a self, path: &'a VPath, change: &'a AttrChange) -> BoxFuture<'a, Result<Attr, Error>>;

    /// Makes a symbolic link. One that would lead outside is made, shown and never opened.
    fn link<'a>(&'a self, path: &'a VPath, target: &'a [u8]) -> BoxFuture<'a, Result<(), Error>>;

    /// Where a symbolic link points, as it was written. What is no link is [`Reason::NotALink`](types::Reason).
    fn read_link<'a>(&'a self, path: &'a VPath) -> BoxFuture<'a, Result<Box<[u8]>, Error>> {
        let _ = path;
        Box::pin(async { Err(Reason::Unsupported.into()) })
    }

    /// Gives a file (no folder, no link) a second name that is free: [`Reason::Exists`](types::Reason) where it is not.
    fn hard_link<'a>(&'a self, path: &'a VPath, to: &'a VPath) -> BoxFuture<'a, Result<(), Error>> {
        let _ = (path, to);
        Box::pin(async { Err(Reason::Unsupported.into()) })
    }

    /// How much fits here.
    fn space<'a>(&'a self, path: &'a VPath) -> BoxFuture<'a, Result<Space, Error>>;
}

/// A storage, shared by all sessions.
pub type SharedStorage = Arc<dyn Storage>;

/// What a storage can do beyond the least.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Capability {
    /// Files move whole, under their own names from the first byte on: nothing can be renamed or removed (TFTP, and scp of
    /// old), and TFTP lists nothing and tells no more of a file than its size, if at all.
    pub bare: bool,
    /// Folders can be renamed, in one step.
    pub rename_dir: bool,
    /// Standing files can be written in place from a byte on (REST and APPE).
    pub write_at: bool,
    /// Modification times can be set.
    pub set_times: bool,
    /// Permission bits are kept.
    pub modes: bool,
    /// Symbolic links can be made.
    pub links: bool,
    /// Files can be opened to be read and written at any place.
    pub open: bool,
}

/// Whose unfinished uploads count: each user's own. Anonymous users own none.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Owner(pub Option<Arc<str>>);

/// How a file is to be written.
#[derive(Clone, Copy, Debug)]
pub struct WriteOrder<'a> {
    /// What happens to what stands there.
    pub how: WriteHow,
    /// Permission bits of a new file.
    pub mode: u32,
    /// Who may see and resume it until it is whole.
    pub owner: &'a Owner,
}

/// A file that is open for writing.
pub struct Opened {
    /// Where bytes go.
    pub sink: Sink,
    /// The name it will have (differs from the asked one for [`WriteHow::Unique`]).
    pub path: VPath,
    /// The byte writing starts at.
    pub at: u64,
    /// How large the file was that this replaces or goes on with; 0 where there was none. For quotas.
    pub before: u64,
}

/// A folder open for listing, page by page.
pub trait Listing: Send {
    /// The next page, in the storage's own order; empty at the end. No `.`, no `..`, none of the storage's own
    /// temporary names; names that vanish while one looks are left out.
    ///
    /// # Errors
    /// The storage's; the listing ends there.
    fn next_page(&mut self) -> BoxFuture<'_, Result<Vec<Entry>, Error>>;

    /// Only names are wanted (NLST): pages may leave attributes but the kind unknown, and so be cheaper.
    fn names_only(&mut self) {}
}

/// When a success answer to an upload is given (promise 1).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Durability {
    /// Data synced, name in place, folder synced.
    #[default]
    Commit,
    /// When the operating system has it.
    Os,
}
