//! Does what a plan says: many files at once, each under its name only when it is whole, tried again where that may help.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use io::body::BoxFuture;
use io::meter::{Bucket, Meter};
use io::{CancellationToken, clock};
use types::{Attr, AttrChange, Error, Kind, Reason, Time, VPath, WriteHow};
use vfs::{Owner, WriteOrder};

use super::Side;
use super::join::all;
use super::plan::{Plan, Seen, Step};
use super::resume::{goes_on, has_changed};
use super::small;
use crate::failure::is_passing;
use crate::ftp::Ftp;
use crate::remote::{Remote, Upload};

/// As much as goes through memory at once where neither end is a socket.
const PORTION: u64 = 4 * 1024 * 1024;
/// Files from this size on are looked at for an earlier part even at the first try.
const WORTH_RESUMING: u64 = 1024 * 1024;
/// How long a transfer may take to end in good order once all was cancelled.
const LEAVE: Duration = Duration::from_secs(1);
/// No pause between tries is longer.
const PAUSE_AT_MOST: Duration = Duration::from_secs(30);

/// What whoever sends a file may do with it until it is whole: read it back, and go on with it.
const OWN: u32 = 0o600;

/// Files at once where each has a connection of its own.
pub(super) const AT_ONCE: usize = 4;

/// How a plan is done.
#[derive(Clone)]
pub struct Settings {
    /// Files at once; a server that allows fewer connections gets fewer. Where it is not said they are 4, and as many as
    /// share one connection where one carries them all.
    pub at_once: Option<usize>,
    /// How often a file is tried.
    pub tries: u32,
    /// The pause before the second try; each further one is twice as long, up to half a minute.
    pub pause: Duration,
    /// Permission bits of files that are made on this machine.
    pub file_mode: u32,
    /// Permission bits of folders that are made.
    pub folder_mode: u32,
    /// Whether modification times are kept where the target can.
    pub keep_times: bool,
    /// Whether uploads go to a temporary name first and are renamed when they are whole.
    pub temporary_names: bool,
    /// Whether the digests of each file and its copy are compared.
    pub checksum: bool,
    /// Whether interrupted copies are gone on with.
    pub resume: bool,
    /// Over how many connections one file comes from a server; decided by its size and by what the server allows if `None`.
    pub segments: Option<usize>,
    /// From which size on a file comes over several connections where that is not said, in bytes.
    pub segments_from: u64,
    /// Whether FTP servers send files straight to each other.
    pub exchange: Exchange,
    /// Rates all files share.
    pub rates: Vec<Arc<Bucket>>,
}

/// Whether FTP servers send files straight to each other (FXP).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exchange {
    /// Files pass through this machine.
    Never,
    /// Where the servers do it; else files pass through this machine.
    Try,
    /// A file fails where the servers do not do it.
    Only,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            at_once: None,
            tries: 5,
            pause: Duration::from_millis(500),
            file_mode: 0o644,
            folder_mode: 0o755,
            keep_times: true,
            temporary_names: true,
            checksum: false,
            resume: true,
            segments: None,
            segments_from: 64 * 1024 * 1024,
            exchange: Exchange::Never,
            rates: Vec::new(),
        }
    }
}

/// Hears how it goes. Called from the copying task: it must not wait.
pub trait Hearing: Send + Sync {
    /// A file begins, or is tried again; the meter counts its bytes.
    fn begun(&self, _path: &VPath, _size: u64, _meter: &Meter) {}
    /// A try failed and another follows.
    fn retried(&self, _path: &VPath, _error: &Error) {}
    /// The servers do not exchange files between themselves: they pass through this machine.
    fn no_exchange(&self, _error: &Error) {}
    /// A step is over.
    fn ended(&self, _step: &Step, _result: &Result<(), Error>) {}
}

/// Hears nothing.
impl Hearing for () {}

/// What came of a plan.
#[derive(Debug, Default)]
pub struct Report {
    /// Steps that are done.
    pub done: usize,
    /// Bytes of files that were copied.
    pub bytes: u64,
    /// What failed.
    pub failed: Vec<(Step, Error)>,
    /// Whether nothing was removed because something had failed.
    pub kept: bool,
}

/// Does a plan. What fails is told and the rest goes on; nothing is removed once something has failed.
pub async fn run(
    plan: &Plan,
    source: &Side,
    target: &Side,
    settings: &Settings,
    hearing: &dyn Hearing,
    token: &CancellationToken,
) -> Report {
    let copies = |step: &&Step| matches!(step, Step::Copy { .. });
    let allowed = at_once(source, target);
    let files = plan.steps.iter().filter(copies).count();
    let wanted = settings.at_once.unwrap_or_else(|| usual(source, target));
    let at_once = wanted.min(allowed).min(files).max(1);
    let many = small::are_many(plan, source, target, settings);
    let work = Work {
        source,
        target,
        settings,
        hearing,
        token,
        at_once,
        many: many.is_some(),
        exchange: AtomicBool::new(settings.exchange != Exchange::Never),
        report: Mutex::default(),
    };
    let together = wanted.min(allowed).max(1);
    // A folder can be made once the one above stands, and removed once those in it are gone.
    for folders in by_depth(plan, |step| matches!(step, Step::MakeDir(_))).into_values() {
        work.together(folders, together).await;
    }
    let (small, others) = plan.steps.iter().filter(copies).partition(|step| work.is_small(step));
    work.together(small, many.unwrap_or(at_once)).await;
    work.together(others, at_once).await;
    work.together(plan.steps.iter().filter(|step| matches!(step, Step::Link { .. })).collect(), together).await;
    let has_failed = !work.report().failed.is_empty();
    let removals: VecDeque<_> = plan.steps.iter().filter(|step| matches!(step, Step::Remove(..))).collect();
    let folders = by_depth(plan, |step| matches!(step, Step::RemoveDir(_)));
    if has_failed && !(removals.is_empty() && folders.is_empty()) {
        work.report().kept = true;
    } else {
        work.together(removals, together).await;
        for folders in folders.into_values().rev() {
            work.together(folders, together).await;
        }
    }
    work.report.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// How many files can move at once between two places.
fn at_once(source: &Side, target: &Side) -> usize {
    let allowed = |side: &Side| side.remote.as_ref().map_or(usize::MAX, |remote| remote.at_once());
    match (&source.remote, &target.remote) {
        // Each file needs a connection to come and one to go.
        (Some(from), Some(to)) if Arc::ptr_eq(from, to) => from.at_once() / 2,
        _ => allowed(source).min(allowed(target)),
    }
}

/// How many files move at once where nobody says so.
fn usual(source: &Side, target: &Side) -> usize {
    let mut remotes = source.remote.iter().chain(&target.remote).peekable();
    let share = remotes.peek().is_some() && remotes.all(|remote| remote.connections() == 1);
    if share { at_once(source, target) } else { AT_ONCE }
}

/// Steps by how deep they lie.
fn by_depth(plan: &Plan, are_meant: impl Fn(&Step) -> bool) -> BTreeMap<usize, VecDeque<&Step>> {
    let mut steps: BTreeMap<_, VecDeque<_>> = BTreeMap::new();
    for step in plan.steps.iter().filter(|step| are_meant(step)) {
        steps.entry(step.place().components().count()).or_default().push_back(step);
    }
    steps
}

pub(super) struct Work<'a> {
    pub(super) source: &'a Side,
    pub(super) target: &'a Side,
    pub(super) settings: &'a Settings,
    hearing: &'a dyn Hearing,
    token: &'a CancellationToken,
    /// Files at once.
    pub(super) at_once: usize,
    /// Whether small files go many at once over one connection.
    pub(super) many: bool,
    /// Whether the servers still are asked to exchange files between themselves.
    exchange: AtomicBool,
    report: Mutex<Report>,
}

/// A file to copy.
#[derive(Clone, Copy)]
pub(super) struct File<'a> {
    path: &'a VPath,
    pub(super) from: &'a VPath,
    pub(super) to: &'a VPath,
    pub(super) size: u64,
    pub(super) modified: Option<Time>,
    pub(super) replaces: bool,
    /// Counted from 0.
    pub(super) attempt: u32,
}

impl Work<'_> {
    fn report(&self) -> std::sync::MutexGuard<'_, Report> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does steps in any order, so many at once.
    async fn together(&self, steps: VecDeque<&Step>, at_once: usize) {
        let at_once = at_once.min(steps.len());
        let queue = Mutex::new(steps);
        all((0..at_once).map(|_| Box::pin(self.steps(&queue)) as BoxFuture<'_, ()>).collect()).await;
    }

    async fn steps(&self, queue: &Mutex<VecDeque<&Step>>) {
        loop {
            let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            let Some(step) = next else { return };
            self.step(step).await;
        }
    }

    async fn step(&self, step: &Step) {
        let result =
            if self.token.is_cancelled() { Err(Error::new(Reason::Cancelled)) } else { self.again_and_again(step).await };
        self.hearing.ended(step, &result.as_ref().map(drop).map_err(Clone::clone));
        let mut report = self.report();
        match result {
            Ok(bytes) => {
                report.done += 1;
                report.bytes += bytes;
            }
            Err(e) => report.failed.push((step.clone(), e)),
        }
    }

    async fn again_and_again(&self, step: &Step) -> Result<u64, Error> {
        let (path, mut pause) = (step.path(), self.settings.pause);
        for attempt in 0.. {
            let error = match self.once(step, attempt).await {
                // That session could be resumed no more; the next try has a new one.
                Err(e) if e.reason == Reason::DataNotProtected && attempt == 0 => {
                    self.hearing.retried(path, &e);
                    continue;
                }
                Err(e) if is_passing(e.reason) && attempt + 1 < self.settings.tries => e,
                result => return result,
            };
            self.hearing.retried(path, &error);
            let waited = self.token.run_until_cancelled(clock::sleep_until(clock::now() + pause)).await;
            if waited.is_none() {
                return Err(error);
            }
            pause = (pause * 2).min(PAUSE_AT_MOST);
        }
        Err(Error::new(Reason::Cancelled))
    }

    async fn once(&self, step: &Step, attempt: u32) -> Result<u64, Error> {
        if matches!(step, Step::Copy { .. }) && at_once(self.source, self.target) == 0 {
            return Err(Error::with(Reason::TooManyConnections, "a copy on one server needs two connections to it"));
        }
        let to = step.place().under(&self.target.root)?;
        let storage = &self.target.storage;
        match step {
            Step::MakeDir(_) => match storage.make_dir(&to, self.settings.folder_mode).await {
                // Somebody was quicker, or an earlier try.
                Err(e) if matches!(e.reason, Reason::Exists | Reason::ServerRefused) => {
                    let there = storage.stat(&to, true, &self.target.owner).await;
                    if there.is_ok_and(|attr| attr.is_dir()) { Ok(0) } else { Err(e) }
                }
                other => other.map(|()| 0),
            },
            Step::Remove(..) => storage.remove(&to, &self.target.owner).await.map(|()| 0),
            Step::RemoveDir(_) => storage.remove_dir(&to).await.map(|()| 0),
            Step::Link { target, replaces, .. } => self.link(&to, target, replaces.is_some()).await.map(|()| 0),
            Step::Copy { path, seen, replaces, .. } => {
                if self.settings.exchange == Exchange::Only && self.both_ftp().is_none() {
                    return Err(Error::with(Reason::NoExchange, "these are not two FTP servers"));
                }
                let from = path.under(&self.source.root)?;
                let (Seen { size, modified }, replaces) = (*seen, replaces.is_some());
                let file = File { path, from: &from, to: &to, size, modified, replaces, attempt };
                let copy = async {
                    match (&self.source.remote, &self.target.remote) {
                        (_, Some(remote)) => self.upload(remote.as_ref(), file).await,
                        (Some(remote), None) => self.download(remote.as_ref(), file).await,
                        (None, None) => self.through_memory(file).await,
                    }
                };
                // What moves hears of it by its meter, and says how far it came. What still waits then is dropped where it
                // stands: whatever was open is aborted.
                let dropped = async {
                    self.token.cancelled().await;
                    clock::sleep_until(clock::now() + LEAVE).await;
                };
                tokio::select! {
                    biased;
                    result = copy => result,
                    () = dropped => Err(Error::new(Reason::Cancelled)),
                }
            }
        }
    }

    pub(super) fn meter(&self, file: File<'_>) -> Meter {
        let meter = Meter::new(self.token.child_token(), self.settings.rates.clone());
        self.hearing.begun(file.path, file.size, &meter);
        meter
    }

    pub(super) fn order<'a>(&self, how: WriteHow, owner: &'a Owner) -> WriteOrder<'a> {
        WriteOrder { how, mode: self.settings.file_mode, owner }
    }

    /// From a server straight into a file. The target's own storage keeps it out of sight until it is whole.
    async fn download(&self, remote: &dyn Remote, file: File<'_>) -> Result<u64, Error> {
        if let Some(result) = self.download_beside_others(remote, file).await {
            return result;
        }
        // Sizes in listings that are not MLSD's may be rounded, and one that was wrong once is asked for anew.
        let many = self.segments(remote, file.size);
        if many > 1
            && let Some(bytes) = self.download_in_segments(remote, file, many).await?
        {
            self.verify(file.from, file.to).await?;
            self.keep_time(file.to, file.modified).await?;
            return Ok(bytes);
        }
        let is_exact = remote.tells_sizes() && file.attempt == 0;
        let expected = if is_exact { Some(file.size) } else { remote.size(file.from).await? };
        let at = match self.part_of_download(file).await {
            Some(part) if expected.is_some_and(|size| part.size <= size) && self.fits((file.from, file.to), &part).await => {
                part.size
            }
            _ => 0,
        };
        let how = if at == 0 { WriteHow::Replace } else { WriteHow::At(at) };
        let opened = self.target.storage.write(file.to, self.order(how, &self.target.owner)).await?;
        let rest = expected.map(|size| size.saturating_sub(at));
        let bytes = remote.receive(file.from, at, rest, opened.sink, self.meter(file)).await?;
        self.verify(file.from, file.to).await?;
        self.keep_time(file.to, file.modified).await?;
        Ok(bytes)
    }

    /// How much of an interrupted download is there. Only one that nobody else sees: what stands under its name is whole.
    async fn part_of_download(&self, file: File<'_>) -> Option<Attr> {
        let worth = file.size >= WORTH_RESUMING || file.attempt > 0;
        if !self.settings.resume || file.replaces || !worth || !self.target.storage.capability().write_at {
            return None;
        }
        let seen = self.target.storage.stat(file.to, true, &Owner::default()).await;
        if !matches!(seen, Err(e) if e.reason == Reason::NotFound) {
            return None;
        }
        let own = self.target.storage.stat(file.to, true, &self.target.owner).await.ok()?;
        (own.kind == Kind::File && own.size > 0).then_some(own)
    }

    /// Whether this part is the beginning of the source as it is now, as far as can be told.
    async fn fits(&self, (from, there): (&VPath, &VPath), part: &Attr) -> bool {
        let Ok(now) = self.source.storage.stat(from, true, &self.source.owner).await else { return false };
        let at = part.size;
        !has_changed(now.modified, part) && goes_on((self.source, from), (self.target, there), at, at).await.unwrap_or(false)
    }

    /// How much of an interrupted upload is there.
    async fn part_of_upload(&self, remote: &dyn Remote, file: File<'_>, name: &VPath) -> u64 {
        let there = remote.size(name).await.ok().flatten().filter(|size| *size <= file.size);
        let Some(size) = there.map(|there| remote.sure_of(there)).filter(|sure| *sure > 0) else { return 0 };
        let made = self.target.storage.stat(name, true, &self.target.owner).await.ok().and_then(|attr| attr.modified);
        let part = Attr { modified: made, ..Attr::new(Kind::File, size) };
        if self.fits((file.from, name), &part).await { size } else { 0 }
    }

    /// From a storage straight to a server: under a temporary name, if that is wished, until it is whole.
    async fn upload(&self, remote: &dyn Remote, file: File<'_>) -> Result<u64, Error> {
        if let Some(result) = self.upload_beside_others(remote, file).await {
            return result;
        }
        let temporary = self.temporary(file.to);
        let name = temporary.as_ref().unwrap_or(file.to);
        let mut at = 0;
        let worth = file.size >= WORTH_RESUMING || file.attempt > 0;
        if self.settings.resume && worth && temporary.is_some() {
            at = self.part_of_upload(remote, file, name).await;
        }
        let there = self.mode_there(remote, file).await?;
        let (bytes, modified) = match self.straight(file, name, at).await? {
            Some(bytes) => (bytes, None),
            None => self.through_here(remote, file, name, (at, there)).await?,
        };
        self.verify(file.from, name).await?;
        let modified = file.modified.or(modified);
        match &temporary {
            Some(temporary) => {
                self.keep_mode(there, temporary).await?;
                publish(self.target, temporary, file.to, modified.filter(|_| self.keeps_times())).await?;
            }
            None => self.keep_time(name, modified).await?,
        }
        Ok(bytes)
    }

    /// Under which name a file waits until it is whole. Who cannot rename has each under its own from the first.
    pub(super) fn temporary(&self, to: &VPath) -> Option<VPath> {
        let is_wanted = self.settings.temporary_names && !self.target.storage.capability().bare;
        if is_wanted { temporary_name(to) } else { None }
    }

    /// From the source's storage to a server, by way of this machine, from a byte on and with the mode of what it replaces: how
    /// many bytes, and when the source last changed.
    async fn through_here(
        &self,
        remote: &dyn Remote,
        file: File<'_>,
        name: &VPath,
        (at, there): (u64, Option<u32>),
    ) -> Result<(u64, Option<Time>), Error> {
        let (attr, body) = self.source.storage.read(file.from, at, &self.source.owner).await?;
        // A source that is a server whose listing is not exact tells nothing to rely on; its own end does.
        let is_exact = self.source.remote.as_ref().is_none_or(|source| source.tells_sizes());
        let rest = is_exact.then(|| attr.size.saturating_sub(at));
        let how = if at == 0 { WriteHow::Replace } else { WriteHow::At(at) };
        let mode = there.or(attr.mode.filter(|_| self.source.remote.is_none()));
        let modified = file.modified.or(attr.modified).filter(|_| self.settings.keep_times);
        let upload = Upload { path: name, how, expected: rest, mode: mode.map(|mode| mode & 0o777 | OWN), modified };
        let bytes = remote.upload(upload, body, self.meter(file)).await?;
        Ok((bytes, attr.modified))
    }

    /// From one server straight to another, where that is wished; `None` where they do not do it. They are asked once.
    async fn straight(&self, file: File<'_>, name: &VPath, at: u64) -> Result<Option<u64>, Error> {
        let Some((from, to)) = self.both_ftp().filter(|_| self.exchange.load(Ordering::Relaxed)) else { return Ok(None) };
        let meter = self.meter(file);
        let result = from.exchange(file.from, to, name, at).await.map_err(|e| {
            // Servers fall over it. Once may be chance.
            let again_before_it_moved = e.reason == Reason::Disconnected && file.attempt > 0 && at == 0;
            if again_before_it_moved { Error::with(Reason::NoExchange, e.to_string()) } else { e }
        });
        match result {
            Ok(size) => {
                let bytes = size.unwrap_or(file.size).saturating_sub(at);
                meter.count(usize::try_from(bytes).unwrap_or(usize::MAX));
                Ok(Some(bytes))
            }
            Err(e) if e.reason == Reason::NoExchange && self.settings.exchange == Exchange::Try => {
                if self.exchange.swap(false, Ordering::Relaxed) {
                    self.hearing.no_exchange(&e);
                }
                Ok(None)
            }
            Err(e) => Err(e),
        }
    }

    /// Both sides, where they are FTP servers.
    fn both_ftp(&self) -> Option<(&Ftp, &Ftp)> {
        self.source.remote.as_deref()?.ftp().zip(self.target.remote.as_deref()?.ftp())
    }

    /// Neither end is a socket: portion by portion, and the source must stay as it is.
    async fn through_memory(&self, file: File<'_>) -> Result<u64, Error> {
        let meter = self.meter(file);
        let opened = self.target.storage.write(file.to, self.order(WriteHow::Replace, &self.target.owner)).await?;
        let (mut sink, mut at, mut first) = (opened.sink, 0, None);
        loop {
            let (attr, body) = self.source.storage.read(file.from, at, &self.source.owner).await?;
            let look = (attr.size, attr.modified, attr.unique);
            if *first.get_or_insert(look) != look {
                return Err(Reason::SourceChanged.into());
            }
            if at == attr.size {
                break;
            }
            let mut portion = Bytes::from(body.first(PORTION).read_to_end().await?);
            if portion.is_empty() {
                return Err(Reason::SourceChanged.into());
            }
            at += portion.len() as u64;
            while !portion.is_empty() {
                let granted = meter.grant(portion.len()).await.map_err(|_| Error::new(Reason::Cancelled))?;
                sink.write_all(portion.split_to(granted.min(portion.len()))).await?;
                meter.count(granted);
            }
        }
        sink.commit().await?;
        self.verify(file.from, file.to).await?;
        self.keep_time(file.to, file.modified).await?;
        Ok(at)
    }

    /// A link is made beside the one that it replaces, and then takes its name.
    async fn link(&self, to: &VPath, leads: &[u8], replaces: bool) -> Result<(), Error> {
        // What a server says must not lead this machine's files out of the folder that was named.
        if self.source.remote.is_some() && self.target.remote.is_none() && leads_out(to, &self.target.root, leads) {
            let words = format!("it leads to {}", String::from_utf8_lossy(leads).escape_debug());
            return Err(Error::with(Reason::LinkLeadsOut, words));
        }
        let storage = &self.target.storage;
        let Some(beside) = temporary_name(to).filter(|_| replaces) else { return storage.link(to, leads).await };
        let _ = storage.remove(&beside, &self.target.owner).await; // an earlier try's
        storage.link(&beside, leads).await?;
        publish(self.target, &beside, to, None).await
    }

    /// The mode of the file whose place is taken, where the server knows of modes.
    async fn mode_there(&self, remote: &dyn Remote, file: File<'_>) -> Result<Option<u32>, Error> {
        if !file.replaces || !remote.keeps_modes() {
            return Ok(None);
        }
        match self.target.storage.stat(file.to, true, &self.target.owner).await {
            Ok(before) => Ok(before.mode.filter(|_| before.kind == Kind::File)),
            Err(e) if e.reason == Reason::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// What takes a file's place gets that one's mode to the last bit, whatever the server's umask left of it before.
    async fn keep_mode(&self, there: Option<u32>, to: &VPath) -> Result<(), Error> {
        let Some(mode) = there else { return Ok(()) };
        let change = AttrChange { mode: Some(mode & 0o777), ..AttrChange::default() };
        match self.target.storage.set_attr(to, &change).await {
            Err(e) if e.reason != Reason::Unsupported => Err(e),
            _ => Ok(()),
        }
    }

    pub(super) fn keeps_times(&self) -> bool {
        self.settings.keep_times && self.target.storage.capability().set_times
    }

    pub(super) async fn keep_time(&self, path: &VPath, modified: Option<Time>) -> Result<(), Error> {
        let Some(modified) = modified.filter(|_| self.keeps_times()) else { return Ok(()) };
        if let Some(remote) = &self.target.remote {
            if remote.dates_with_the_bytes() {
                return Ok(());
            }
            return remote.set_modified(path, modified).await;
        }
        let change = AttrChange { modified: Some(modified), ..AttrChange::default() };
        self.target.storage.set_attr(path, &change).await.map(drop)
    }
}

/// Whether a link at `link` would lead out of `root`.
fn leads_out(link: &VPath, root: &VPath, leads: &[u8]) -> bool {
    let mut depth = link.components().count().saturating_sub(root.components().count() + 1);
    if leads.first() == Some(&b'/') {
        return true;
    }
    for part in leads.split(|&b| b == b'/') {
        match part {
            b"" | b"." => {}
            b".." if depth == 0 => return true,
            b".." => depth -= 1,
            _ => depth += 1,
        }
    }
    false
}

/// Where an upload waits until it is whole; `None` where its name is too long for another beside it. The same for each
/// try, so that a later one finds it.
pub fn temporary_name(path: &VPath) -> Option<VPath> {
    let name = [b".", path.name()?, PART].concat();
    path.parent()?.join(&name).ok()
}

/// Whether a file is an upload that is not whole: one under way, or what a connection that broke has left.
pub(super) fn is_temporary(path: &VPath) -> bool {
    path.name().is_some_and(|name| name.starts_with(b".") && name.ends_with(PART))
}

const PART: &[u8] = b".carrack-part";

/// Gives an upload its name, and its time where one is told. Servers that rename onto nothing that exists have the old file
/// taken away first.
///
/// # Errors
/// The storage's.
pub async fn publish(target: &Side, temporary: &VPath, to: &VPath, modified: Option<Time>) -> Result<(), Error> {
    let storage = &target.storage;
    let named = match &target.remote {
        Some(remote) => remote.publish(temporary, to, modified).await,
        None => storage.rename(temporary, to, true).await,
    };
    let Err(e) = named else { return Ok(()) };
    let in_the_way = matches!(e.reason, Reason::Exists | Reason::ServerRefused | Reason::BadName);
    let is_file = async |path: &VPath| storage.stat(path, true, &target.owner).await.is_ok_and(|attr| attr.kind == Kind::File);
    // What has its name already, and only lacks its time, is taken away by nobody.
    if !in_the_way || !is_file(temporary).await || !is_file(to).await {
        return Err(e);
    }
    storage.remove(to, &target.owner).await?;
    storage.rename(temporary, to, true).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_that_lead_out_are_seen() {
        let at = |path: &str| VPath::parse(path.as_bytes()).unwrap();
        for (link, leads, out) in [
            ("/home/x/l", "f", false),
            ("/home/x/l", "./a/../b", false),
            ("/home/x/l", "..", true),
            ("/home/x/l", "a/../../b", true),
            ("/home/x/a/l", "../b", false),
            ("/home/x/a/l", "../../b", true),
            ("/home/x/l", "/home/x/f", true),
            ("/home/x/l", "", false),
        ] {
            assert_eq!(leads_out(&at(link), &at("/home/x"), leads.as_bytes()), out, "{link} -> {leads}");
        }
    }
}
