//! A listing as a body: entries of the gate become lines, a few at a time, in constant memory.

use std::collections::VecDeque;

use bytes::Bytes;
use gate::{Access, Folder, Permissions};
use io::body::{BoxFuture, Chunks};
use proto::ftp::glob::Glob;
use proto::ftp::listing::{self, ListOptions, Permitted};
use proto::ftp::server::{ListForm, Listed};
use types::{Attr, Entry, Error, Kind, Time, VPath};

/// A folder with at most so many entries is sorted before it is sent; a larger one goes out as it comes, so that
/// the first line leaves at once and memory does not grow with the folder.
const SORTED: usize = 2_000;
/// How much is gathered before it is sent.
const CHUNK: usize = 32 * 1024;
/// What most lines need at most; a chunk may end with a longer one.
const LINE: usize = 1024;
/// How deep LIST -R and globs go.
const DEEP: usize = 64;
/// How many folders may wait to be listed; those beyond are not entered.
const WAITING: usize = 10_000;

/// The lines of one listing.
pub(super) struct Lines {
    access: Access,
    listed: Listed,
    globs: Vec<Glob>,
    /// Lines go into a reply: each begins with a space.
    indented: bool,
    now: Time,
    level: Option<Level>,
    waiting: Vec<Waiting>,
    only: bool,
}

/// The folder that is being listed.
struct Level {
    folder: Folder,
    path: VPath,
    /// What stands before its names.
    prefix: Box<[u8]>,
    depth: usize,
    entries: VecDeque<Entry>,
    begun: bool,
    ended: bool,
}

/// A folder that is yet to be listed.
struct Waiting {
    path: VPath,
    prefix: Box<[u8]>,
    depth: usize,
}

impl Lines {
    /// The lines of what `listed` says; `folder` is its folder, already open.
    pub(super) fn new(access: Access, folder: Option<Folder>, listed: Listed, indented: bool, now: Time) -> Self {
        let only = listed.only.is_some();
        let level = folder.filter(|_| !only).map(|mut folder| {
            if cheap(&listed) {
                folder.names_only();
            }
            Level::new(folder, listed.path.clone(), listed.prefix.clone(), 0)
        });
        let globs = listed.globs.iter().map(|pattern| Glob::new(pattern)).collect();
        Self { access, listed, globs, indented, now, level, waiting: Vec::new(), only }
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        let mut out = Vec::with_capacity(if self.only { LINE } else { CHUNK + LINE });
        if std::mem::take(&mut self.only)
            && let Some(attr) = self.listed.only.clone()
        {
            self.print_only(attr, &mut out);
        }
        while out.len() < CHUNK {
            let Some(mut level) = self.level.take() else {
                if !self.next_level(&mut out).await? {
                    break;
                }
                continue;
            };
            level.fill(&self.listed).await?;
            if level.entries.is_empty() {
                continue; // this folder is done
            }
            while out.len() < CHUNK
                && let Some(entry) = level.entries.pop_front()
            {
                self.entry(&level, &entry, &mut out);
            }
            self.level = Some(level);
        }
        Ok((!out.is_empty()).then(|| Bytes::from(out)))
    }

    /// Opens the next folder that waits. One that has gone, or may not be listed, is passed over: it is a part of a
    /// whole that was asked for.
    async fn next_level(&mut self, out: &mut Vec<u8>) -> Result<bool, Error> {
        while let Some(next) = self.waiting.pop() {
            if self.options().is_some_and(|o| o.recursive) {
                self.header(&next, out);
            }
            if let Ok(mut folder) = self.access.list(&next.path).await {
                if cheap(&self.listed) {
                    folder.names_only();
                }
                self.level = Some(Level::new(folder, next.path, next.prefix, next.depth));
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn entry(&mut self, level: &Level, entry: &Entry, out: &mut Vec<u8>) {
        if let Some(glob) = self.globs.get(level.depth) {
            if !glob.matches(&entry.name) {
                return;
            }
            if level.depth + 1 < self.globs.len() {
                return self.wait(level, entry);
            }
        } else if self.options().is_some_and(|options| !options.shows(entry)) {
            return;
        }
        self.print(entry, &level.prefix, || level.folder.permitted(entry), out);
        if self.options().is_some_and(|options| options.recursive) {
            self.wait(level, entry);
        }
    }

    /// Lets a folder wait for its turn. Links are not followed, so nothing is walked in circles.
    fn wait(&mut self, level: &Level, entry: &Entry) {
        if entry.attr.kind != Kind::Dir || level.depth >= DEEP || self.waiting.len() >= WAITING {
            return;
        }
        if let Ok(path) = level.path.join(&entry.name) {
            let mut prefix = level.prefix.to_vec();
            prefix.extend_from_slice(&entry.name);
            prefix.push(b'/');
            self.waiting.push(Waiting { path, prefix: prefix.into(), depth: level.depth + 1 });
        }
    }

    /// The line between two folders of LIST -R, as `ls -R` has it.
    fn header(&self, next: &Waiting, out: &mut Vec<u8>) {
        let name = next.path.below(&self.listed.path).unwrap_or_else(|| next.path.clone());
        self.line(out, |out| out.extend_from_slice(b"\r\n"));
        self.line(out, |out| {
            proto::ftp::name::encode_into(name.relative(), out);
            out.extend_from_slice(b":\r\n");
        });
    }

    fn print_only(&self, attr: Attr, out: &mut Vec<u8>) {
        let path = &self.listed.path;
        let permitted = self.access.permitted(path, attr.kind);
        if let ListForm::Facts(facts) = &self.listed.form {
            // MLST names the whole path (RFC 3659 §7.2).
            let entry = Entry { name: path.as_bytes().into(), attr, target: None };
            return self.line(out, |out| listing::facts_line(&entry, facts, permission_letters(permitted, entry.attr.kind), out));
        }
        let entry = Entry { name: path.name().unwrap_or(b"/").into(), attr, target: None };
        self.print(&entry, &self.listed.prefix, || permitted, out);
    }

    /// Prints an entry; only facts tell what is permitted.
    fn print(&self, entry: &Entry, prefix: &[u8], permitted: impl FnOnce() -> Permissions, out: &mut Vec<u8>) {
        self.line(out, |out| match &self.listed.form {
            ListForm::Long(options) => listing::long_line(entry, options, self.now, out),
            ListForm::Names(options) => listing::name_line(prefix, entry, options, out),
            ListForm::Facts(facts) => listing::facts_line(entry, facts, permission_letters(permitted(), entry.attr.kind), out),
        });
    }

    /// One line; the printers end it with CRLF themselves.
    fn line(&self, out: &mut Vec<u8>, print: impl FnOnce(&mut Vec<u8>)) {
        if self.indented {
            out.push(b' ');
        }
        print(out);
    }

    const fn options(&self) -> Option<&ListOptions> {
        match &self.listed.form {
            ListForm::Long(options) | ListForm::Names(options) => Some(options),
            ListForm::Facts(_) => None,
        }
    }
}

impl Chunks for Lines {
    fn next(&mut self) -> BoxFuture<'_, Result<Option<Bytes>, Error>> {
        Box::pin(self.chunk())
    }
}

impl Level {
    const fn new(folder: Folder, path: VPath, prefix: Box<[u8]>, depth: usize) -> Self {
        Self { folder, path, prefix, depth, entries: VecDeque::new(), begun: false, ended: false }
    }

    /// Makes sure that there is an entry, unless the folder is at its end. The first pages are gathered, and sorted
    /// if they are all there is.
    async fn fill(&mut self, listed: &Listed) -> Result<(), Error> {
        if !self.begun {
            self.begun = true;
            while !self.ended && self.entries.len() < SORTED {
                self.page().await?;
            }
            if self.ended {
                let entries = self.entries.make_contiguous();
                match &listed.form {
                    ListForm::Long(options) | ListForm::Names(options) => options.sort(entries),
                    ListForm::Facts(_) => {} // for programs, which sort themselves
                }
            }
        }
        while self.entries.is_empty() && !self.ended {
            self.page().await?;
        }
        Ok(())
    }

    async fn page(&mut self) -> Result<(), Error> {
        let page = self.folder.next_page().await?;
        self.ended = page.is_empty();
        self.entries.extend(page);
        Ok(())
    }
}

/// Whether only names and kinds are wanted.
const fn cheap(listed: &Listed) -> bool {
    matches!(&listed.form, ListForm::Names(options) if options.by_name())
}

/// What the gate permits, as the letters of the `perm` fact say it (RFC 3659 §7.5.5).
const fn permission_letters(p: Permissions, kind: Kind) -> Permitted {
    let folder = matches!(kind, Kind::Dir);
    let file = matches!(kind, Kind::File);
    Permitted {
        append: file && p.has(Permissions::APPEND),
        create: folder && p.has(Permissions::WRITE),
        delete: if folder { p.has(Permissions::REMOVE_DIR) } else { p.has(Permissions::DELETE) },
        enter: folder,
        rename: p.has(Permissions::RENAME),
        list: folder && p.has(Permissions::LIST),
        make_dir: folder && p.has(Permissions::MAKE_DIR),
        purge: folder && p.has(Permissions::DELETE),
        read: file && p.has(Permissions::READ),
        write: file && p.has(Permissions::OVERWRITE),
    }
}
