//! How uploads to memory appear whole or not at all, as those to disk do (promise 1).

use std::sync::Arc;

use bytes::Bytes;
use io::body::{BoxFuture, Put, Sink};
use types::{Error, Reason, VPath, WriteHow};

use super::Inner;
use super::tree::{Body, Node, Part, Place, Tree, What};
use crate::names;
use crate::storage::{Opened, Owner};
use crate::whole::Whole;

pub(super) struct Upload {
    inner: Arc<Inner>,
    body: Arc<Body>,
    at: u64,
    end: Option<End>,
    /// What is there without a hole, where it is not written from the beginning on.
    whole: Option<Whole>,
}

/// An upload that has begun.
pub(super) struct Begun {
    pub(super) upload: Upload,
    path: VPath,
    pub(super) at: u64,
    before: u64,
}

/// How an upload ends.
enum End {
    /// The file gets its name.
    Appear(Publish),
    /// It has it: it was written in place, and must still be what the name leads to.
    Stand(Standing),
}

/// Where a file stood when it was opened to be written in place, by one at a time.
struct Standing {
    folder: u64,
    name: Box<[u8]>,
    number: u64,
}

struct Publish {
    folder: u64,
    name: Box<[u8]>,
    number: u64,
    mode: u32,
    /// Whether a name that is taken makes it fail.
    refuse: bool,
    /// Whose part it is, if it is one.
    owner: Option<Arc<str>>,
}

pub(super) fn open(inner: &Arc<Inner>, path: &VPath, how: WriteHow, mode: u32, owner: &Owner) -> Result<Opened, Error> {
    let Begun { upload, path, at, before } = start(inner, path, how, mode, owner)?;
    Ok(Opened { sink: Sink::from_put(upload), path, at, before })
}

/// Begins an upload.
pub(super) fn start(inner: &Arc<Inner>, path: &VPath, how: WriteHow, mode: u32, owner: &Owner) -> Result<Begun, Error> {
    if path.is_root() {
        return Err(Reason::IsAFolder.into());
    }
    names::creatable(path)?;
    let mut tree = inner.tree();
    let unique = how == WriteHow::Unique;
    let place = tree.place(path, !unique)?;
    if how == WriteHow::New && (place.followed || place.stands.is_some()) {
        return Err(Reason::Exists.into());
    }
    if unique {
        return open_unique(inner, &mut tree, path, place.folder, mode, owner);
    }
    let Some(stands) = place.stands else { return open_absent(inner, &mut tree, path, &place, how, mode, owner) };
    let node = tree.get(stands)?;
    let What::File(body) = &node.what else { return Err(Reason::IsAFolder.into()) };
    let (body, size, old_mode) = (Arc::clone(body), body.size(), node.mode);
    let at = match how {
        WriteHow::Append => size,
        WriteHow::At(at) if at > size => return Err(Reason::BeyondEnd.into()),
        WriteHow::At(at) => at,
        _ => {
            let number = tree.number();
            let publish = Publish { folder: place.folder, name: place.name, number, mode: old_mode, refuse: false, owner: None };
            return begin(inner, &mut tree, Body::new(&inner.account), publish, path.clone(), 0, size);
        }
    };
    if !body.hold() {
        return Err(Error::with(Reason::Busy, "another upload writes to this file"));
    }
    let standing = Standing { folder: place.folder, name: place.name, number: stands };
    let upload = Upload { inner: Arc::clone(inner), body, at, end: Some(End::Stand(standing)), whole: None };
    Ok(Begun { upload, path: path.clone(), at, before: size })
}

fn open_absent(
    inner: &Arc<Inner>,
    tree: &mut Tree,
    path: &VPath,
    place: &Place,
    how: WriteHow,
    mode: u32,
    owner: &Owner,
) -> Result<Begun, Error> {
    let from = if let WriteHow::At(at) = how { at } else { 0 };
    let number = tree.number();
    let key = owner.0.clone().map(|owner| (owner, place.name.clone()));
    let mut publish = Publish {
        folder: place.folder,
        name: place.name.clone(),
        number,
        mode,
        // Who appends never takes bytes away, and so replaces nothing that others made meanwhile.
        refuse: matches!(how, WriteHow::New | WriteHow::Append),
        owner: owner.0.clone(),
    };
    let part = match &key {
        Some(key) => tree.folder_mut(place.folder)?.parts.get_mut(key),
        None => None,
    };
    if let Some(part) = part {
        if part.held {
            if how == WriteHow::Append || from > 0 {
                return Err(Error::with(Reason::Busy, "another upload of this file by the same user is under way"));
            }
            publish.owner = None;
            return begin(inner, tree, Body::new(&inner.account), publish, path.clone(), 0, 0);
        }
        let size = part.body.size();
        let at = if how == WriteHow::Append { size } else { from };
        if at > size {
            return Err(Reason::BeyondEnd.into());
        }
        part.held = true;
        part.body.truncate(at);
        publish.number = part.number;
        let body = Arc::clone(&part.body);
        return begin(inner, tree, body, publish, path.clone(), at, size);
    }
    if from > 0 {
        return Err(Reason::BeyondEnd.into());
    }
    fresh(inner, tree, publish, path.clone())
}

fn open_unique(inner: &Arc<Inner>, tree: &mut Tree, path: &VPath, folder: u64, mode: u32, owner: &Owner) -> Result<Begun, Error> {
    for name in names::candidates(path.name().unwrap_or_default()) {
        let name = name.into_boxed_slice();
        let here = tree.folder(folder)?;
        let own = owner.0.clone().is_some_and(|owner| here.parts.contains_key(&(owner, name.clone())));
        if own || here.names.contains_key(&name) || here.pending.contains_key(&name) {
            continue;
        }
        let as_named = path.parent().unwrap_or_else(VPath::root).join(&name)?;
        let publish = Publish { folder, name, number: tree.number(), mode, refuse: true, owner: owner.0.clone() };
        return fresh(inner, tree, publish, as_named);
    }
    Err(Reason::Exists.into())
}

/// Begins an upload of which nothing is there; it becomes its owner's part.
fn fresh(inner: &Arc<Inner>, tree: &mut Tree, publish: Publish, path: VPath) -> Result<Begun, Error> {
    let body = Body::new(&inner.account);
    if let Some(owner) = publish.owner.clone() {
        let part =
            Part { body: Arc::clone(&body), number: publish.number, mode: publish.mode, created: io::clock::wall(), held: true };
        tree.folder_mut(publish.folder)?.parts.insert((owner, publish.name.clone()), part);
    }
    begin(inner, tree, body, publish, path, 0, 0)
}

fn begin(
    inner: &Arc<Inner>,
    tree: &mut Tree,
    body: Arc<Body>,
    publish: Publish,
    path: VPath,
    at: u64,
    before: u64,
) -> Result<Begun, Error> {
    *tree.folder_mut(publish.folder)?.pending.entry(publish.name.clone()).or_insert(0) += 1;
    let upload = Upload { inner: Arc::clone(inner), body, at, end: Some(End::Appear(publish)), whole: None };
    Ok(Begun { upload, path, at, before })
}

impl Put for Upload {
    fn write(&mut self, chunk: Bytes) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            self.body.write(self.at, &chunk)?;
            self.at += chunk.len() as u64;
            Ok(())
        })
    }

    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<(), Error>> {
        Box::pin(async move { self.publish() })
    }
}

impl Upload {
    pub(super) const fn body(&self) -> &Arc<Body> {
        &self.body
    }

    /// What is there without a hole: of one that is written at any place.
    pub(super) fn whole(&mut self) -> &mut Whole {
        self.whole.get_or_insert_default()
    }

    /// Permission bits for a file that has yet to appear.
    pub(super) fn set_mode(&mut self, mode: u32) {
        if let Some(End::Appear(publish)) = &mut self.end {
            publish.mode = mode & 0o777;
        }
    }

    /// Makes it appear under its name.
    pub(super) fn publish(mut self) -> Result<(), Error> {
        match &self.end {
            Some(End::Appear(publish)) => publish.appear(&mut self.inner.tree(), &self.body)?,
            Some(End::Stand(standing)) => return standing.still_holds(&self.inner.tree()),
            None => {}
        }
        if let Some(End::Appear(publish)) = self.end.take() {
            publish.forget(&mut self.inner.tree(), false);
        }
        Ok(())
    }
}

impl Standing {
    /// Whether what was written can be found. A file that was moved is fine, as long as nothing took its place.
    fn still_holds(&self, tree: &Tree) -> Result<(), Error> {
        let named = tree.folder(self.folder).ok().and_then(|folder| folder.names.get(&self.name).copied());
        let found = named.map_or_else(|| tree.get(self.number).is_ok(), |number| number == self.number);
        if found { Ok(()) } else { Err(Error::with(Reason::Busy, "the file was replaced or removed while it was written to")) }
    }
}

impl Publish {
    fn appear(&self, tree: &mut Tree, body: &Arc<Body>) -> Result<(), Error> {
        let stands = tree.folder(self.folder)?.names.get(&self.name).copied();
        if let Some(stands) = stands {
            if self.refuse {
                return Err(Reason::Exists.into());
            }
            if let What::Dir(_) = tree.get(stands)?.what {
                return Err(Reason::IsAFolder.into());
            }
        }
        tree.attach(self.folder, &self.name, self.number, Node::new(self.mode, What::File(Arc::clone(body))))
    }

    /// Takes the marks of this upload out of its folder; its part stays if it is to be kept.
    fn forget(self, tree: &mut Tree, keep: bool) {
        // The folder may have been removed: then there is nothing to take out.
        let Ok(folder) = tree.folder_mut(self.folder) else { return };
        if let Some(count) = folder.pending.get_mut(&self.name) {
            *count -= 1;
            if *count == 0 {
                folder.pending.remove(&self.name);
            }
        }
        let Some(owner) = self.owner else { return };
        let key = (owner, self.name);
        if keep {
            if let Some(part) = folder.parts.get_mut(&key) {
                part.held = false;
            }
        } else {
            folder.parts.remove(&key);
        }
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let publish = match self.end.take() {
            Some(End::Appear(publish)) => publish,
            Some(End::Stand(_)) => return self.body.let_go(),
            None => return,
        };
        if let Some(whole) = self.whole.take() {
            self.body.truncate(whole.end().min(self.body.size()));
        }
        let keep = self.body.size() > 0;
        publish.forget(&mut self.inner.tree(), keep);
    }
}
