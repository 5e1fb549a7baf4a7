//! A small tree of names without content, for the door's own tests. Counts what reaches it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use io::body::{BoxFuture, Put, Sink, Source};
use types::{Attr, AttrChange, Entry, Error, Kind, Reason, Space, VPath, WriteHow};
use vfs::storage::{Capability, Listing, Opened, Owner, Storage, WriteOrder};

#[derive(Clone, Default)]
pub(crate) struct Tree(Arc<Inner>);

#[derive(Default)]
struct Inner {
    nodes: Mutex<BTreeMap<VPath, Attr>>,
    calls: AtomicU64,
    last: Mutex<String>,
}

impl Tree {
    /// Folders end in `/`; files have 10 bytes.
    pub(crate) fn new(names: &[&str]) -> Self {
        let tree = Self::default();
        tree.put("/", Attr::new(Kind::Dir, 0));
        for name in names {
            let folder = name.ends_with('/');
            tree.put(name, if folder { Attr::new(Kind::Dir, 0) } else { Attr::new(Kind::File, 10) });
        }
        tree
    }

    fn put(&self, name: &str, attr: Attr) {
        self.0.nodes.lock().unwrap().insert(VPath::parse(name.as_bytes()).unwrap(), attr);
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.nodes.lock().unwrap().contains_key(&VPath::parse(name.as_bytes()).unwrap())
    }

    /// How many calls reached the storage.
    pub(crate) fn calls(&self) -> u64 {
        self.0.calls.load(Ordering::SeqCst)
    }

    /// The last call that changes anything, as text.
    pub(crate) fn last(&self) -> String {
        self.0.last.lock().unwrap().clone()
    }

    fn call(&self, text: String) {
        self.0.calls.fetch_add(1, Ordering::SeqCst);
        *self.0.last.lock().unwrap() = text;
    }

    fn get(&self, path: &VPath) -> Result<Attr, Error> {
        self.0.nodes.lock().unwrap().get(path).cloned().ok_or(Reason::NotFound.into())
    }
}

struct Nothing(Tree, VPath);

impl Put for Nothing {
    fn write(&mut self, _: Bytes) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }
    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<(), Error>> {
        Box::pin(async move {
            self.0.0.nodes.lock().unwrap().insert(self.1.clone(), Attr::new(Kind::File, 10));
            Ok(())
        })
    }
}

struct Pages(Vec<Entry>);

impl Listing for Pages {
    fn next_page(&mut self) -> BoxFuture<'_, Result<Vec<Entry>, Error>> {
        let rest = self.0.split_off(self.0.len().min(2));
        let page = std::mem::replace(&mut self.0, rest);
        Box::pin(async { Ok(page) })
    }
}

impl Storage for Tree {
    fn capability(&self) -> Capability {
        Capability { bare: false, rename_dir: true, write_at: true, set_times: true, modes: true, links: true, open: false }
    }
    fn stat<'a>(&'a self, path: &'a VPath, _: bool, _: &'a Owner) -> BoxFuture<'a, Result<Attr, Error>> {
        self.call(format!("stat {path}"));
        Box::pin(async { self.get(path) })
    }
    fn read<'a>(&'a self, path: &'a VPath, _: u64, _: &'a Owner) -> BoxFuture<'a, Result<(Attr, Source), Error>> {
        self.call(format!("read {path}"));
        Box::pin(async { Ok((self.get(path)?, Source::from_bytes(Bytes::from_static(b"0123456789")))) })
    }
    fn write<'a>(&'a self, path: &'a VPath, order: WriteOrder<'a>) -> BoxFuture<'a, Result<Opened, Error>> {
        self.call(format!("write {path} {:?} {:o} {:?}", order.how, order.mode, order.owner.0));
        Box::pin(async move {
            let before = self.get(path).map_or(0, |a| a.size);
            let at = match order.how {
                WriteHow::New if self.get(path).is_ok() => return Err(Reason::Exists.into()),
                WriteHow::Append => before,
                WriteHow::At(at) => at,
                _ => 0,
            };
            let sink = Sink::from_put(Nothing(self.clone(), path.clone()));
            Ok(Opened { sink, path: path.clone(), at, before })
        })
    }
    fn list<'a>(&'a self, path: &'a VPath, _: &'a Owner) -> BoxFuture<'a, Result<Box<dyn Listing>, Error>> {
        self.call(format!("list {path}"));
        Box::pin(async move {
            self.get(path)?;
            let nodes = self.0.nodes.lock().unwrap();
            let inside = nodes.iter().filter(|(p, _)| p.parent().as_ref() == Some(path));
            let entries = inside.map(|(p, attr)| Entry { name: p.name().unwrap().into(), attr: attr.clone(), target: None });
            Ok(Box::new(Pages(entries.collect())) as Box<dyn Listing>)
        })
    }
    fn make_dir<'a>(&'a self, path: &'a VPath, mode: u32) -> BoxFuture<'a, Result<(), Error>> {
        self.call(format!("mkdir {path} {mode:o}"));
        Box::pin(async move {
            self.0.nodes.lock().unwrap().insert(path.clone(), Attr::new(Kind::Dir, 0));
            Ok(())
        })
    }
    fn remove_dir<'a>(&'a self, path: &'a VPath) -> BoxFuture<'a, Result<(), Error>> {
        self.call(format!("rmdir {path}"));
        Box::pin(async move {
            let mut nodes = self.0.nodes.lock().unwrap();
            if nodes.keys().any(|p| p != path && p.is_below(path)) {
                return Err(Reason::NotEmpty.into());
            }
            nodes.remove(path).map(drop).ok_or(Reason::NotFound.into())
        })
    }
    fn remove<'a>(&'a self, path: &'a VPath, _: &'a Owner) -> BoxFuture<'a, Result<(), Error>> {
        self.call(format!("remove {path}"));
        Box::pin(async move { self.0.nodes.lock().unwrap().remove(path).map(drop).ok_or(Reason::NotFound.into()) })
    }
    fn rename<'a>(&'a self, from: &'a VPath, to: &'a VPath, replace: bool) -> BoxFuture<'a, Result<(), Error>> {
        self.call(format!("rename {from} {to} {replace}"));
        Box::pin(async move {
            let mut nodes = self.0.nodes.lock().unwrap();
            if !replace && nodes.contains_key(to) {
                return Err(Reason::Exists.into());
            }
            let attr = nodes.remove(from).ok_or(Error::new(Reason::NotFound))?;
            nodes.insert(to.clone(), attr);
            Ok(())
        })
    }
    fn set_attr<'a>(&'a self, path: &'a VPath, change: &'a AttrChange) -> BoxFuture<'a, Result<Attr, Error>> {
        self.call(format!("set {path} {:?}", change.mode));
        Box::pin(async { self.get(path) })
    }
    fn link<'a>(&'a self, path: &'a VPath, target: &'a [u8]) -> BoxFuture<'a, Result<(), Error>> {
        self.call(format!("link {path} {}", String::from_utf8_lossy(target)));
        Box::pin(async { Ok(()) })
    }
    fn hard_link<'a>(&'a self, path: &'a VPath, to: &'a VPath) -> BoxFuture<'a, Result<(), Error>> {
        self.call(format!("hardlink {path} {to}"));
        Box::pin(async move {
            let attr = self.get(path)?;
            self.0.nodes.lock().unwrap().insert(to.clone(), attr);
            Ok(())
        })
    }
    fn space<'a>(&'a self, _: &'a VPath) -> BoxFuture<'a, Result<Space, Error>> {
        self.call("space".to_owned());
        Box::pin(async { Ok(Space { free: Some(1_000), total: Some(2_000) }) })
    }
}
