//! How is a folder of any size listed in little memory? (getdents64 into one buffer, statx, pages)

use std::mem;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use io::body::BoxFuture;
use rustix::fs::{AtFlags, FileType, RawDir, readlinkat};
use rustix::io::Errno;
use types::{Attr, Entry, Error, Kind};

use super::attributes::{attr, facts_at, kind};
use super::hop;
use super::resolve::call_error;
use crate::names;
use crate::storage::{Listing, Owner};

/// Bytes of one getdents64 call. A name takes about 32: one call fills a page or two, and no name is too long.
const BUFFER: usize = 16 * 1024;
/// A page is handed out when it has so many entries and the buffer holds no more.
const PAGE: usize = 256;

/// A local folder, open for listing.
pub(super) struct LocalListing {
    reader: Option<Reader>,
    names_only: bool,
}

/// What makes pages, on the blocking pool.
struct Reader {
    folder: Arc<OwnedFd>,
    buffer: Vec<u8>,
    /// What marks the parts of who looks.
    mark: Option<Vec<u8>>,
}

impl LocalListing {
    pub(super) fn new(folder: OwnedFd, owner: &Owner) -> Self {
        let reader = Reader { folder: Arc::new(folder), buffer: Vec::new(), mark: names::owner_mark(owner) };
        Self { reader: Some(reader), names_only: false }
    }
}

impl Listing for LocalListing {
    fn next_page(&mut self) -> BoxFuture<'_, Result<Vec<Entry>, Error>> {
        Box::pin(async move {
            let names_only = self.names_only;
            // A page may come out empty when all its names vanished or are the storage's own.
            while let Some(mut reader) = self.reader.take() {
                let (page, reader) = hop(move || {
                    let (page, more) = reader.page(names_only)?;
                    Ok((page, more.then_some(reader)))
                })
                .await?;
                self.reader = reader;
                if !page.is_empty() {
                    return Ok(page);
                }
            }
            Ok(Vec::new())
        })
    }

    fn names_only(&mut self) {
        self.names_only = true;
    }
}

impl Reader {
    /// The next page, and whether there may be more.
    fn page(&mut self, names_only: bool) -> Result<(Vec<Entry>, bool), Error> {
        let mut buffer = mem::take(&mut self.buffer);
        buffer.reserve(BUFFER);
        let folder = Arc::clone(&self.folder);
        let mut dir = RawDir::new(&*folder, buffer.spare_capacity_mut());
        let mut page = Vec::with_capacity(PAGE);
        let more = loop {
            if page.len() >= PAGE && dir.is_buffer_empty() {
                break true;
            }
            let Some(found) = dir.next() else { break false };
            let found = match found {
                Ok(found) => found,
                Err(Errno::INTR) => continue,
                Err(e) => return Err(call_error(e)),
            };
            let name = found.file_name().to_bytes();
            if name == b"." || name == b".." {
                continue;
            }
            let entry =
                if names::is_reserved(name) { self.part(name) } else { self.entry(name, name, found.file_type(), names_only) };
            page.extend(entry?);
        };
        buffer.clear();
        self.buffer = buffer;
        Ok((page, more))
    }

    /// The entry of a name; `None` if it vanished meanwhile.
    fn entry(&self, name: &[u8], shown: &[u8], kind_here: FileType, names_only: bool) -> Result<Option<Entry>, Error> {
        if names_only && kind_here != FileType::Unknown {
            return Ok(Some(Entry { name: shown.into(), attr: Attr::new(kind(kind_here), 0), target: None }));
        }
        let attr = match facts_at(&*self.folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(facts) => attr(&facts),
            Err(Errno::NOENT) => return Ok(None),
            // One name that cannot be looked at (a dead network mount in the folder) does not hide the others.
            Err(_) => Attr::new(if kind_here == FileType::Unknown { Kind::Other } else { kind(kind_here) }, 0),
        };
        let target = match attr.kind {
            Kind::Link if !names_only => {
                readlinkat(&*self.folder, name, Vec::new()).ok().map(|t| t.into_bytes().into_boxed_slice())
            }
            _ => None,
        };
        Ok(Some(Entry { name: shown.into(), attr, target }))
    }

    /// The entry of an unfinished upload, under its target's name, if it is one's own and the target does not stand.
    fn part(&self, name: &[u8]) -> Result<Option<Entry>, Error> {
        let Some(target) = self.mark.as_deref().and_then(|mark| names::target_of(name, mark)) else { return Ok(None) };
        match facts_at(&*self.folder, target, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => Ok(self.entry(name, target, FileType::Unknown, false)?.filter(|e| e.attr.kind == Kind::File)),
            _ => Ok(None),
        }
    }
}
