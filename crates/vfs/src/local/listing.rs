//! How is a folder of any size listed in little memory? (getdents64 into one buffer, statx, pages)

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use io::body::BoxFuture;
use io::task;
use rustix::fs::{AtFlags, FileType, RawDir, readlinkat};
use rustix::io::Errno;
use tokio::sync::oneshot;
use types::{Attr, Entry, Error, Kind};

use super::attributes::{attr, facts_at, kind};
use super::resolve::call_error;
use crate::names;
use crate::storage::{Listing, Owner};

/// Bytes of one getdents64 call. A name takes about 32: one call fills a page or two, and no name is too long.
const BUFFER: usize = 16 * 1024;
/// A page is handed out when it has so many entries and the buffer holds no more.
const PAGE: usize = 256;
/// Pages that are made at the same time: attributes take far longer than names, so the names of the next page are read
/// while those of this one are still looked at.
const AHEAD: usize = 3;

/// A local folder, open for listing.
pub(super) struct LocalListing {
    folder: Arc<OwnedFd>,
    /// What marks the parts of who looks.
    mark: Option<Arc<[u8]>>,
    names_only: bool,
    reader: Turn,
    /// What is being made, in order.
    pages: VecDeque<BoxFuture<'static, Result<Page, Error>>>,
}

/// Where the reader of names is.
enum Turn {
    Here(Reader),
    /// With the page that is being made; it comes back when that page has its names, or not at the end.
    Away(oneshot::Receiver<Reader>),
    Ended,
}

/// Reads names, on the blocking pool.
struct Reader {
    folder: Arc<OwnedFd>,
    buffer: Vec<u8>,
}

/// What a page becomes, where the blocking pool itself does not fail.
type Page = Result<Vec<Entry>, Error>;

/// A name as the folder has it.
type Name = (Box<[u8]>, FileType);

/// Looks names up, on the blocking pool.
struct Look {
    folder: Arc<OwnedFd>,
    mark: Option<Arc<[u8]>>,
    names_only: bool,
}

impl LocalListing {
    pub(super) fn new(folder: OwnedFd, owner: &Owner) -> Self {
        let folder = Arc::new(folder);
        let reader = Turn::Here(Reader { folder: folder.clone(), buffer: Vec::new() });
        let mark = names::owner_mark(owner).map(Arc::from);
        Self { folder, mark, names_only: false, reader, pages: VecDeque::new() }
    }

    /// The reader, once it has read the names of the page before; `None` at the end.
    async fn reader(&mut self) -> Option<Reader> {
        if let Turn::Away(back) = &mut self.reader {
            self.reader = back.await.map_or(Turn::Ended, Turn::Here);
        }
        match std::mem::replace(&mut self.reader, Turn::Ended) {
            Turn::Here(reader) => Some(reader),
            Turn::Away(_) | Turn::Ended => None,
        }
    }

    /// Begins the next page.
    fn begin(&mut self, mut reader: Reader) {
        let look = Look { folder: self.folder.clone(), mark: self.mark.clone(), names_only: self.names_only };
        let (hand_back, back) = oneshot::channel();
        self.reader = Turn::Away(back);
        self.pages.push_back(Box::pin(task::blocking(move || {
            let (names, more) = reader.names()?;
            if more {
                drop(hand_back.send(reader)); // nobody waits for it where the listing has been dropped
            } else {
                drop(hand_back);
            }
            Ok(look.page(names))
        })));
    }
}

impl Listing for LocalListing {
    fn next_page(&mut self) -> BoxFuture<'_, Result<Vec<Entry>, Error>> {
        Box::pin(async move {
            loop {
                while self.pages.len() < AHEAD
                    && let Some(reader) = self.reader().await
                {
                    self.begin(reader);
                }
                let Some(page) = self.pages.front_mut() else { return Ok(Vec::new()) };
                let page = page.await;
                self.pages.pop_front();
                // A page may come out empty when all its names vanished or are the storage's own.
                match page? {
                    Ok(page) if page.is_empty() => {}
                    page => return page,
                }
            }
        })
    }

    fn names_only(&mut self) {
        self.names_only = true;
    }
}

impl Reader {
    /// The names of the next page, and whether there may be more.
    fn names(&mut self) -> Result<(Vec<Name>, bool), Error> {
        self.buffer.clear();
        self.buffer.reserve(BUFFER);
        let mut dir = RawDir::new(&*self.folder, self.buffer.spare_capacity_mut());
        let mut names = Vec::with_capacity(PAGE);
        loop {
            if names.len() >= PAGE && dir.is_buffer_empty() {
                return Ok((names, true));
            }
            let Some(found) = dir.next() else { return Ok((names, false)) };
            match found {
                Ok(found) if matches!(found.file_name().to_bytes(), b"." | b"..") => {}
                Ok(found) => names.push((found.file_name().to_bytes().into(), found.file_type())),
                Err(Errno::INTR) => {}
                Err(e) => return Err(call_error(e)),
            }
        }
    }
}

impl Look {
    fn page(&self, names: Vec<Name>) -> Vec<Entry> {
        names
            .into_iter()
            .filter_map(|(name, kind)| if names::is_reserved(&name) { self.part(&name) } else { self.entry(name, kind) })
            .collect()
    }

    /// The entry of a name; `None` if it vanished meanwhile.
    fn entry(&self, name: Box<[u8]>, kind_here: FileType) -> Option<Entry> {
        if self.names_only && kind_here != FileType::Unknown {
            return Some(Entry { name, attr: Attr::new(kind(kind_here), 0), target: None });
        }
        let attr = match facts_at(&*self.folder, &name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(facts) => attr(&facts),
            Err(Errno::NOENT) => return None,
            // One name that cannot be looked at (a dead network mount in the folder) does not hide the others.
            Err(_) => Attr::new(if kind_here == FileType::Unknown { Kind::Other } else { kind(kind_here) }, 0),
        };
        let target = (attr.kind == Kind::Link && !self.names_only)
            .then(|| readlinkat(&*self.folder, &*name, Vec::new()).ok().map(|t| t.into_bytes().into()))
            .flatten();
        Some(Entry { name, attr, target })
    }

    /// The entry of an unfinished upload, under its target's name, if it is one's own and the target does not stand.
    fn part(&self, name: &[u8]) -> Option<Entry> {
        let target = names::target_of(name, self.mark.as_deref()?)?;
        let free = matches!(facts_at(&*self.folder, target, AtFlags::SYMLINK_NOFOLLOW), Err(Errno::NOENT));
        let attr = attr(&facts_at(&*self.folder, name, AtFlags::SYMLINK_NOFOLLOW).ok()?);
        (free && attr.kind == Kind::File).then(|| Entry { name: target.into(), attr, target: None })
    }
}
