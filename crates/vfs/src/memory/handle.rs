//! A file in memory that is open at any place, with the meaning one on disk has.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use io::body::BoxFuture;
use types::{Attr, AttrChange, Error, Kind, OpenHow, Reason, VPath, WriteHow};

use super::MemoryStorage;
use super::tree::Body;
use super::upload::{self, Upload};
use crate::file::File;
use crate::names;
use crate::storage::Owner;

/// An open file.
struct Handle {
    storage: MemoryStorage,
    body: Arc<Body>,
    /// Of a file that stands: which it is.
    node: Option<u64>,
    how: OpenHow,
    mode: u32,
    /// How it ends, where it has yet to appear; taken away by the closing.
    ending: Mutex<Option<Upload>>,
}

pub(super) fn open(
    storage: &MemoryStorage,
    path: &VPath,
    how: OpenHow,
    mode: u32,
    owner: &Owner,
) -> Result<Arc<dyn File>, Error> {
    let handle = |body, node, ending| {
        let storage = storage.clone();
        Arc::new(Handle { storage, body, node, how, mode, ending: Mutex::new(ending) })
    };
    if how.write {
        names::creatable(path)?;
    } else {
        names::visible(path)?;
    }
    let exclusive = how.create && how.exclusive;
    let tree = storage.inner.tree();
    let place = tree.place(path, true)?;
    if exclusive && (place.followed || place.stands.is_some()) {
        return Err(Reason::Exists.into());
    }
    if !how.write || (place.stands.is_some() && !how.truncate) {
        let body = storage.body_of(&tree, &place, owner)?;
        if how.write && body.is_held() {
            return Err(Error::with(Reason::Busy, "another upload writes to this file"));
        }
        return Ok(handle(body, place.stands, None));
    }
    if place.stands.is_none() && !how.create {
        storage.body_of(&tree, &place, owner)?; // one's own unfinished upload is a file to oneself
    }
    drop(tree);
    let as_upload = match (exclusive, how.truncate) {
        (true, _) => WriteHow::New,
        (false, true) => WriteHow::Replace,
        (false, false) => WriteHow::Append,
    };
    let mut begun = upload::start(&storage.inner, path, as_upload, mode, owner)?;
    *begun.upload.whole() = crate::whole::Whole::until(begun.at);
    let opened = handle(Arc::clone(begun.upload.body()), None, Some(begun.upload));
    Ok(opened)
}

impl Handle {
    fn may_write(&self) -> Result<(), Error> {
        if self.how.write { Ok(()) } else { Err(Reason::HandleMode.into()) }
    }

    fn put(&self, at: u64, bytes: &[u8]) -> Result<(), Error> {
        self.may_write()?;
        let at = if self.how.append { self.body.size() } else { at };
        at.checked_add(bytes.len() as u64).ok_or(Reason::TooLarge)?;
        if at > self.body.size() {
            self.body.resize(at)?;
        }
        self.body.write(at, bytes)?;
        if let Some(upload) = self.ending.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            upload.whole().add(at, bytes.len() as u64);
        }
        Ok(())
    }

    fn facts(&self) -> Result<Attr, Error> {
        if let Some(node) = self.node
            && let Ok(node_now) = self.storage.inner.tree().get(node)
        {
            return Ok(node_now.attr(self.storage.inner.number, node));
        }
        let content = self.body.content();
        Ok(Attr { mode: Some(self.mode), modified: Some(content.modified), ..Attr::new(Kind::File, content.bytes.len() as u64) })
    }

    fn change(&self, size: Option<u64>, change: &AttrChange) -> Result<(), Error> {
        if let Some(size) = size {
            self.may_write()?;
            self.body.resize(size)?;
            if let Some(upload) = self.ending.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
                upload.whole().resize(size);
            }
        }
        if let Some(mode) = change.mode {
            if let Some(upload) = self.ending.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
                upload.set_mode(mode);
            }
            if let Some(node) = self.node {
                self.storage.inner.tree().get_mut(node)?.mode = mode & 0o7777;
            }
        }
        if let Some(time) = change.modified {
            self.body.content().modified = time;
        }
        Ok(())
    }
}

fn ready<'a, T: Send + 'a>(value: T) -> BoxFuture<'a, T> {
    Box::pin(std::future::ready(value))
}

impl File for Handle {
    fn attr(&self) -> BoxFuture<'_, Result<Attr, Error>> {
        ready(self.facts())
    }

    fn read(&self, at: u64, length: usize, room: usize) -> BoxFuture<'_, Result<Vec<u8>, Error>> {
        if !self.how.read {
            return ready(Err(Reason::HandleMode.into()));
        }
        let content = self.body.content();
        let rest = usize::try_from(at).ok().and_then(|at| content.bytes.get(at..)).unwrap_or_default();
        let piece = rest.get(..length).unwrap_or(rest);
        let mut bytes = vec![0; room];
        bytes.extend_from_slice(piece);
        ready(Ok(bytes))
    }

    fn write(&self, at: u64, bytes: Bytes) -> BoxFuture<'_, Result<(), Error>> {
        ready(self.put(at, &bytes))
    }

    fn sync(&self) -> BoxFuture<'_, Result<(), Error>> {
        ready(self.may_write())
    }

    fn set_attr<'a>(&'a self, size: Option<u64>, change: &'a AttrChange) -> BoxFuture<'a, Result<(), Error>> {
        ready(self.change(size, change))
    }

    fn close(&self) -> BoxFuture<'_, Result<(), Error>> {
        let upload = self.ending.lock().unwrap_or_else(PoisonError::into_inner).take();
        ready(upload.map_or(Ok(()), Upload::publish))
    }
}
