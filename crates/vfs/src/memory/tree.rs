//! The tree of a memory storage: numbered nodes, and how a path leads to one.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use types::{Attr, Error, Kind, Reason, Time, VPath};

/// How many links a path may lead through.
const MAX_LINKS: usize = 40;
/// The root's number.
pub(super) const ROOT: u64 = 1;

/// Numbered nodes; a number never comes twice.
pub(super) struct Tree {
    nodes: HashMap<u64, Node>,
    next: u64,
}

pub(super) struct Node {
    pub(super) mode: u32,
    pub(super) owner: Option<u32>,
    pub(super) group: Option<u32>,
    pub(super) created: Time,
    /// Of folders and links; a file's stands with its content.
    pub(super) modified: Time,
    pub(super) what: What,
}

pub(super) enum What {
    Dir(Folder),
    File(Arc<Body>),
    Link(Box<[u8]>),
}

#[derive(Default)]
pub(super) struct Folder {
    pub(super) parent: u64,
    pub(super) names: BTreeMap<Box<[u8]>, u64>,
    /// Unfinished uploads by owner and the name they will have.
    pub(super) parts: BTreeMap<(Arc<str>, Box<[u8]>), Part>,
    /// Names in which uploads under way will end, and how many do.
    pub(super) pending: HashMap<Box<[u8]>, usize>,
}

pub(super) struct Part {
    pub(super) body: Arc<Body>,
    pub(super) number: u64,
    pub(super) mode: u32,
    pub(super) created: Time,
    /// Whether an upload holds it.
    pub(super) held: bool,
}

/// A folder and a name in it.
pub(super) struct Place {
    pub(super) folder: u64,
    pub(super) name: Box<[u8]>,
    pub(super) stands: Option<u64>,
    pub(super) followed: bool,
}

/// How much memory all contents take together.
pub(super) struct Account {
    pub(super) capacity: Option<u64>,
    used: AtomicU64,
}

/// The content of a file, shared by who reads and who writes it.
pub(super) struct Body {
    account: Arc<Account>,
    content: Mutex<Content>,
    /// Whether somebody writes in place.
    held: AtomicBool,
}

pub(super) struct Content {
    pub(super) bytes: Vec<u8>,
    pub(super) modified: Time,
}

impl Account {
    pub(super) const fn new(capacity: Option<u64>) -> Self {
        Self { capacity, used: AtomicU64::new(0) }
    }

    pub(super) fn free(&self) -> Option<u64> {
        self.capacity.map(|all| all.saturating_sub(self.used.load(Ordering::Relaxed)))
    }

    fn take(&self, bytes: u64) -> Result<(), Error> {
        let limit = self.capacity.unwrap_or(u64::MAX);
        let add = |used: u64| used.checked_add(bytes).filter(|&sum| sum <= limit);
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).map_err(|_| Reason::NoSpace)?;
        Ok(())
    }

    fn give(&self, bytes: u64) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Body {
    pub(super) fn new(account: &Arc<Account>) -> Arc<Self> {
        let content = Content { bytes: Vec::new(), modified: io::clock::wall() };
        Arc::new(Self { account: Arc::clone(account), content: Mutex::new(content), held: AtomicBool::new(false) })
    }

    pub(super) fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the place of the one who writes to a file that stands; false where another has it.
    pub(super) fn hold(&self) -> bool {
        !self.held.swap(true, Ordering::AcqRel)
    }

    pub(super) fn let_go(&self) {
        self.held.store(false, Ordering::Release);
    }

    pub(super) fn size(&self) -> u64 {
        self.content().bytes.len() as u64
    }

    /// Writes a chunk at `at`, which lies at most at the end; what does not fit the account is not written at all.
    pub(super) fn write(&self, at: u64, chunk: &[u8]) -> Result<(), Error> {
        let mut content = self.content();
        let at = usize::try_from(at).map_err(|_| Reason::TooLarge)?;
        let over = content.bytes.len().saturating_sub(at).min(chunk.len());
        let (inside, beyond) = chunk.split_at(over);
        self.account.take(beyond.len() as u64)?;
        if let Some(place) = content.bytes.get_mut(at..at + over) {
            place.copy_from_slice(inside);
        }
        content.bytes.extend_from_slice(beyond);
        content.modified = io::clock::wall();
        Ok(())
    }

    /// Whether somebody writes in place and counts on being alone.
    pub(super) fn is_held(&self) -> bool {
        self.held.load(Ordering::Acquire)
    }

    /// Cuts it, or fills it up with zeros.
    pub(super) fn resize(&self, to: u64) -> Result<(), Error> {
        let size = self.size();
        if to <= size {
            self.truncate(to);
            return Ok(());
        }
        let to = usize::try_from(to).map_err(|_| Reason::TooLarge)?;
        let mut content = self.content();
        let more = to.saturating_sub(content.bytes.len());
        self.account.take(more as u64)?;
        content.bytes.try_reserve(more).map_err(|_| Reason::NoSpace)?;
        content.bytes.resize(to, 0);
        Ok(())
    }

    pub(super) fn truncate(&self, to: u64) {
        let mut content = self.content();
        let to = usize::try_from(to).unwrap_or(usize::MAX);
        self.account.give(content.bytes.len().saturating_sub(to) as u64);
        content.bytes.truncate(to);
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        self.account.give(self.size());
    }
}

impl Node {
    pub(super) fn new(mode: u32, what: What) -> Self {
        let now = io::clock::wall();
        Self { mode, owner: None, group: None, created: now, modified: now, what }
    }

    pub(super) fn attr(&self, storage: u64, number: u64) -> Attr {
        let (kind, size, modified) = match &self.what {
            What::Dir(_) => (Kind::Dir, 0, self.modified),
            What::File(body) => {
                let content = body.content();
                (Kind::File, content.bytes.len() as u64, content.modified)
            }
            What::Link(target) => (Kind::Link, target.len() as u64, self.modified),
        };
        Attr {
            mode: Some(self.mode),
            owner: self.owner,
            group: self.group,
            modified: Some(modified),
            created: Some(self.created),
            unique: Some((storage, number)),
            ..Attr::new(kind, size)
        }
    }
}

impl Part {
    pub(super) fn attr(&self, storage: u64) -> Attr {
        let content = self.body.content();
        Attr {
            mode: Some(self.mode),
            modified: Some(content.modified),
            created: Some(self.created),
            unique: Some((storage, self.number)),
            ..Attr::new(Kind::File, content.bytes.len() as u64)
        }
    }
}

impl Tree {
    pub(super) fn new() -> Self {
        let root = Node::new(0o755, What::Dir(Folder { parent: ROOT, ..Folder::default() }));
        Self { nodes: HashMap::from([(ROOT, root)]), next: ROOT + 1 }
    }

    pub(super) fn number(&mut self) -> u64 {
        let number = self.next;
        self.next += 1;
        number
    }

    pub(super) fn get(&self, number: u64) -> Result<&Node, Error> {
        self.nodes.get(&number).ok_or_else(|| Reason::NotFound.into())
    }

    pub(super) fn get_mut(&mut self, number: u64) -> Result<&mut Node, Error> {
        self.nodes.get_mut(&number).ok_or_else(|| Reason::NotFound.into())
    }

    pub(super) fn folder(&self, number: u64) -> Result<&Folder, Error> {
        match &self.get(number)?.what {
            What::Dir(folder) => Ok(folder),
            _ => Err(Reason::NotAFolder.into()),
        }
    }

    pub(super) fn folder_mut(&mut self, number: u64) -> Result<&mut Folder, Error> {
        match &mut self.get_mut(number)?.what {
            What::Dir(folder) => Ok(folder),
            _ => Err(Reason::NotAFolder.into()),
        }
    }

    /// All folders, for sweeping.
    pub(super) fn folders_mut(&mut self) -> impl Iterator<Item = &mut Folder> {
        self.nodes.values_mut().filter_map(|node| match &mut node.what {
            What::Dir(folder) => Some(folder),
            _ => None,
        })
    }

    /// Gives a node a name; what had it goes.
    pub(super) fn attach(&mut self, folder: u64, name: &[u8], number: u64, node: Node) -> Result<(), Error> {
        let now = io::clock::wall();
        let old = self.folder_mut(folder)?.names.insert(name.into(), number);
        if let Some(old) = old.filter(|&old| old != number) {
            self.nodes.remove(&old);
        }
        self.nodes.insert(number, node);
        self.get_mut(folder)?.modified = now;
        Ok(())
    }

    /// Takes a name away, and the node that had it.
    pub(super) fn detach(&mut self, folder: u64, name: &[u8]) -> Result<(u64, Node), Error> {
        let now = io::clock::wall();
        let number = self.folder_mut(folder)?.names.remove(name).ok_or(Reason::NotFound)?;
        self.get_mut(folder)?.modified = now;
        self.nodes.remove(&number).map(|node| (number, node)).ok_or_else(|| Reason::NotFound.into())
    }

    /// Where a path leads: the folder and the name in it. The last link is followed if `follow`.
    pub(super) fn place(&self, path: &VPath, follow: bool) -> Result<Place, Error> {
        let mut waiting: VecDeque<Box<[u8]>> = path.components().map(Box::from).collect();
        let (mut at, mut links) = (ROOT, 0);
        while let Some(name) = waiting.pop_front() {
            let folder = self.folder(at)?;
            if *name == *b"." || name.is_empty() {
                continue;
            }
            if *name == *b".." {
                if at == ROOT {
                    return Err(Reason::LeadsOutside.into());
                }
                at = folder.parent;
                continue;
            }
            let stands = folder.names.get(&name).copied();
            let last = waiting.is_empty();
            let node = match stands {
                Some(number) => self.get(number)?,
                None if last => return Ok(Place { folder: at, name, stands, followed: links > 0 }),
                None => return Err(Reason::NotFound.into()),
            };
            match &node.what {
                What::Link(target) if !last || follow => {
                    links += 1;
                    if links > MAX_LINKS {
                        return Err(Reason::LinkLoop.into());
                    }
                    if target.first() == Some(&b'/') {
                        return Err(Reason::LeadsOutside.into());
                    }
                    for part in target.split(|&b| b == b'/').rev().filter(|part| !part.is_empty()) {
                        waiting.push_front(part.into());
                    }
                }
                _ if last => return Ok(Place { folder: at, name, stands, followed: links > 0 }),
                _ => at = stands.unwrap_or(at),
            }
        }
        // The root, or a link that ends in `.` or `..`: a folder by itself.
        Ok(Place { folder: at, name: Box::default(), stands: Some(at), followed: links > 0 })
    }

    /// Whether a folder is another one or lies below it.
    pub(super) fn lies_below(&self, folder: u64, other: u64) -> bool {
        let mut at = folder;
        loop {
            if at == other {
                return true;
            }
            match self.folder(at) {
                Ok(f) if at != ROOT => at = f.parent,
                _ => return false,
            }
        }
    }
}
