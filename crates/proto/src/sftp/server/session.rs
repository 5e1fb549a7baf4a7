//! `Session`: one mutation, then drain. Many requests are under way at once; each is answered once, in any order.

use std::collections::{HashMap, VecDeque};

use bytes::BytesMut;
use types::{AskId, AttrChange, Error, Op, Reason, VPath};

use super::claims::{Claim, Claims, Start};
use super::exchange::{Done, FileId, Input, Output, Settings, Work};
use super::handles::{Handles, Opened, Pending};
use crate::sftp::errors::{Code, code, message};
use crate::sftp::extension::SERVED;
use crate::sftp::frame::Frames;
use crate::sftp::reply::{Reply, put_version};
use crate::sftp::request::{Request, parse_init};
use crate::sftp::{MOST_PACKET, VERSION};

/// How many requests may be under way. What comes beyond waits in the channel.
const MOST_UNDERWAY: usize = 1_024;

/// How many bytes may be on their way into files.
const MOST_WRITING: usize = 4 * 1_024 * 1_024;

/// How many bytes of replies wait to be fetched before no further request is heard: a reply may be many times as long as
/// what it replies to.
const MOST_SAID: usize = 64 * 1_024;

/// How many bytes of requests are kept while too many are under way, before the driver is told to take no more.
const ENOUGH_KEPT: usize = 512 * 1_024;

/// How many bytes of requests are kept while the client does not take what it asked to read. Some ask for a whole file at
/// once; this is a file of 10 GiB in reads of 32 KiB.
const MOST_KEPT: usize = 16 * 1_024 * 1_024;

/// The server's end of one SFTP session, for a user who is logged in.
#[derive(Debug)]
pub struct Session {
    pub(super) settings: Settings,
    stage: Stage,
    frames: Frames,
    claims: Claims,
    pub(super) handles: Handles,
    tasks: HashMap<AskId, Task>,
    /// Files and folders that are being opened: they will need a handle.
    pub(super) opening: usize,
    /// Requests that were heard and not answered.
    underway: usize,
    /// READs among them.
    pub(super) reading: usize,
    /// Bytes of WRITEs among them.
    pub(super) writing: usize,
    asked: u32,
    out: VecDeque<Output>,
    /// Replies that were not fetched yet.
    wire: BytesMut,
    /// What the ladder has yet to be told of bytes that moved.
    run: Option<Run>,
}

/// READs or WRITEs of one file behind one another: one line of the ladder, which they would flood one by one.
#[derive(Debug)]
struct Run {
    name: &'static str,
    slot: u32,
    path: VPath,
    times: u64,
    bytes: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    /// INIT must come.
    Fresh,
    /// Requests are heard.
    Serving,
    /// The client sends no more, and waits for answers.
    Ending,
    Closed,
}

/// What was handed out and is not answered.
#[derive(Debug)]
pub(super) struct Task {
    /// What the client called it.
    pub(super) id: u32,
    /// The claim that ends with it.
    pub(super) claim: Option<AskId>,
    pub(super) then: Then,
}

/// What becomes of an answer.
#[derive(Debug)]
pub(super) enum Then {
    /// It is told whether it went well.
    Status,
    /// Attributes are told.
    Attrs,
    /// A link's target is told.
    Target,
    /// Space is told, as statvfs does.
    Statvfs,
    /// Space is told, as space-available does.
    Available,
    /// A file gets its handle.
    File { path: VPath, read: bool, write: bool, append: bool },
    /// A folder gets its handle.
    Folder { path: VPath },
    /// What stands there gets attributes, unless it is a link.
    Lsetstat { path: VPath, change: AttrChange },
    /// What was opened only for this gets this work done, and is closed.
    Inside(Work),
    /// That work is done: it is closed.
    Done(FileId),
    /// It is closed: this is told.
    Closed(Result<Done, Error>),
    /// Work on a handle is told.
    Work { slot: u32, what: Told },
    /// A handle is closed.
    Close { slot: u32 },
}

/// What work on a handle was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Told {
    Read,
    /// So many bytes.
    Write(usize),
    /// From the file in this slot.
    Copy(u32),
    Other,
}

impl Session {
    /// A session on a channel that was just opened.
    pub fn new(settings: Settings) -> Self {
        let handles = Handles::new(usize::try_from(settings.handles).unwrap_or(usize::MAX), settings.salt);
        Self {
            settings,
            stage: Stage::Fresh,
            frames: Frames::new(MOST_PACKET),
            claims: Claims::default(),
            handles,
            tasks: HashMap::new(),
            opening: 0,
            underway: 0,
            reading: 0,
            writing: 0,
            asked: 0,
            out: VecDeque::new(),
            wire: BytesMut::new(),
            run: None,
        }
    }

    /// Takes one input. What it leads to is fetched with [`Session::poll`].
    pub fn handle(&mut self, input: Input<'_>) {
        if self.stage == Stage::Closed {
            return;
        }
        match input {
            Input::Bytes(bytes) if self.stage != Stage::Ending => self.read(bytes),
            Input::Bytes(_) => {}
            Input::Answer(ask, answer) => {
                if let Some(task) = self.tasks.remove(&ask) {
                    self.answered(ask, task, answer);
                    self.read(&[]);
                }
            }
            Input::Worked(ask, done) => {
                if let Some(task) = self.tasks.remove(&ask) {
                    self.worked(ask, task, done);
                    self.read(&[]);
                }
            }
            Input::End => {
                self.stage = Stage::Ending;
                self.read(&[]);
            }
            Input::Stop(reason) => self.close(Some(reason)),
        }
    }

    /// The next thing to do, until there is nothing more.
    pub fn poll(&mut self) -> Option<Output> {
        if self.wire.is_empty() && self.out.is_empty() && self.frames.kept() > 0 {
            // Requests that waited until replies were fetched.
            self.read(&[]);
        }
        if !self.wire.is_empty() {
            return Some(Output::Send(self.wire.split().freeze()));
        }
        self.out.pop_front()
    }

    /// Whether more bytes are wanted. If not, so much is asked or on its way into files that what comes next must wait
    /// in the channel until the driver has answered some of it, for which it needs nothing from the client. What the
    /// client itself must take first (READ) is not counted here, so that its window can still be heard of.
    pub fn wants_input(&self) -> bool {
        let kept = self.frames.kept();
        kept < ENOUGH_KEPT || (self.reading > 0 && self.writing < MOST_WRITING)
    }

    /// How many files and folders are open.
    pub fn open(&self) -> usize {
        self.handles.count()
    }

    /// Whether nothing is asked and not answered.
    pub const fn is_idle(&self) -> bool {
        self.underway == 0
    }

    fn read(&mut self, mut bytes: &[u8]) {
        while self.has_room() {
            match self.frames.next_packet(&mut bytes) {
                Ok(Some(packet)) => self.packet(&packet),
                Ok(None) => break,
                Err(reason) => return self.close(Some(reason)),
            }
        }
        self.frames.keep(bytes);
        match self.stage {
            Stage::Closed => {}
            Stage::Ending if self.underway == 0 && self.frames.kept() == 0 => self.close(None),
            _ if self.frames.kept() > MOST_KEPT => self.close(Some(Reason::RequestsUnanswered)),
            _ => {}
        }
    }

    fn has_room(&self) -> bool {
        self.stage != Stage::Closed
            && self.underway < MOST_UNDERWAY
            && self.writing < MOST_WRITING
            && self.wire.len() < MOST_SAID
            && !self.claims.is_full()
    }

    fn packet(&mut self, packet: &bytes::Bytes) {
        if self.stage == Stage::Fresh {
            return match parse_init(packet) {
                Ok(version) if version >= VERSION => self.begin(version),
                Ok(_) => self.close(Some(Reason::SftpVersion)),
                Err(reason) => self.close(Some(reason)),
            };
        }
        if parse_init(packet).is_ok() {
            return self.close(Some(Reason::NotInitialized));
        }
        match Request::parse(packet) {
            Ok((id, request)) => {
                self.hear(|session| session.words(&request));
                self.underway += 1;
                if let Err(error) = self.request(id, request, packet) {
                    self.fail(id, &error);
                }
            }
            Err(error) => match error.id() {
                Some(id) => {
                    self.hear(|_| "?".into());
                    self.underway += 1;
                    self.fail(id, &error.reason().into());
                }
                None => self.close(Some(error.reason())),
            },
        }
    }

    /// INIT is answered. A client of a later draft speaks version 3 too.
    fn begin(&mut self, version: u32) {
        self.hear(|_| format!("INIT {version}"));
        // A client that closes its end straight behind INIT is still answered.
        if self.stage == Stage::Fresh {
            self.stage = Stage::Serving;
        }
        put_version(VERSION, SERVED, &mut self.wire);
        self.say(|| format!("VERSION {VERSION}"));
    }

    fn close(&mut self, why: Option<Reason>) {
        self.stage = Stage::Closed;
        self.tell_run();
        self.tasks.clear();
        self.out.retain(|output| matches!(output, Output::Send(_) | Output::Heard(_) | Output::Said(_)));
        self.out.push_back(Output::Close(why));
    }

    fn next_ask(&mut self) -> AskId {
        self.asked = self.asked.wrapping_add(1);
        AskId(self.asked)
    }

    /// Something is asked by name, in its turn.
    pub(super) fn ask(&mut self, id: u32, op: Op, then: Then) {
        let ask = self.next_ask();
        self.tasks.insert(ask, Task { id, claim: Some(ask), then });
        self.claims.push(Claim::ask(ask, op));
        self.start();
    }

    /// Something more is asked under a claim that runs.
    pub(super) fn ask_on(&mut self, task: Task, op: Op) {
        let ask = self.next_ask();
        self.tasks.insert(ask, task);
        self.out.push_back(Output::Ask(ask, op));
    }

    /// Work on what was opened for a request alone, under its claim.
    pub(super) fn work_on(&mut self, task: Task, file: FileId, work: Work) {
        let ask = self.next_ask();
        self.tasks.insert(ask, task);
        self.out.push_back(Output::Work(ask, file, work));
    }

    /// Work on a handle, in its turn.
    pub(super) fn work(&mut self, slot: u32, pending: Pending) {
        if let Some(open) = self.handles.get_mut(slot) {
            open.wait(pending);
        }
        self.run(slot);
    }

    /// A handle is closed, in its turn: no request can name it from here on.
    pub(super) fn close_handle(&mut self, id: u32, slot: u32) {
        let Some(open) = self.handles.get_mut(slot) else { return };
        open.closing = true;
        let (path, written) = (open.path.clone(), open.may(false));
        let ask = self.next_ask();
        self.tasks.insert(ask, Task { id, claim: Some(ask), then: Then::Close { slot } });
        self.claims.push(Claim::close(ask, slot, path, written));
        self.start();
    }

    /// A claim is over; others may run.
    pub(super) fn release(&mut self, claim: Option<AskId>) {
        if let Some(claim) = claim {
            self.claims.end(claim);
        }
        self.start();
    }

    /// Work on a handle is over; other work may run.
    pub(super) fn over(&mut self, slot: u32, ask: AskId) {
        self.handles.over(slot, ask);
        self.run(slot);
        for copying in self.handles.copying() {
            self.run(copying);
        }
        self.start();
    }

    fn start(&mut self) {
        let Self { claims, handles, .. } = self;
        while let Some((ask, start)) = claims.next(|slot| handles.is_idle(slot)) {
            self.out.push_back(match start {
                Start::Ask(op) => Output::Ask(ask, op),
                Start::Close(slot) => match handles.get(slot) {
                    Some(open) => Output::Work(ask, open.file, Work::Close),
                    None => continue,
                },
            });
        }
    }

    fn run(&mut self, slot: u32) {
        loop {
            let ask = AskId(self.asked.wrapping_add(1));
            let Some(Pending { id, work, from }) = self.handles.next(slot, ask) else { return };
            self.asked = ask.0;
            if work == Work::List && self.tell_entries(id, slot) {
                self.handles.over(slot, ask);
                continue;
            }
            let Some(open) = self.handles.get(slot) else { return };
            let what = match &work {
                Work::Read { .. } => Told::Read,
                Work::Write { data, .. } => Told::Write(data.len()),
                Work::Copy { .. } => Told::Copy(from.unwrap_or(slot)),
                _ => Told::Other,
            };
            // A copy is work on the file that is read; it is in the queue of the one that is written.
            let file = from.and_then(|from| self.handles.get(from)).unwrap_or(open).file;
            self.tasks.insert(ask, Task { id, claim: None, then: Then::Work { slot, what } });
            self.out.push_back(Output::Work(ask, file, work));
        }
    }

    /// Room for one more handle, to be taken by what is being opened.
    pub(super) fn reserve_handle(&mut self) -> Result<(), Error> {
        if self.handles.count() + self.opening >= self.handles.most() {
            return Err(Reason::TooManyHandles.into());
        }
        self.opening += 1;
        Ok(())
    }

    pub(super) fn add_handle(&mut self, id: u32, ask: AskId, path: VPath, kind: Opened) {
        let handle = self.handles.add(FileId(ask), path, kind);
        self.reply(id, &Reply::Handle(&handle));
    }

    /// Answers a request.
    pub(super) fn reply(&mut self, id: u32, reply: &Reply<'_>) {
        self.underway = self.underway.saturating_sub(1);
        reply.put(id, &mut self.wire);
        self.say(|| reply.to_string());
    }

    /// Answers a READ with a packet that is made already.
    pub(super) fn reply_data(&mut self, packet: BytesMut) {
        self.underway = self.underway.saturating_sub(1);
        self.out.push_back(Output::Send(packet.freeze()));
    }

    /// Answers a READ at the end, or a WRITE that went well: the ladder is told of them by [`Session::moved`].
    pub(super) fn reply_quietly(&mut self, id: u32, reply: &Reply<'_>) {
        self.underway = self.underway.saturating_sub(1);
        reply.put(id, &mut self.wire);
    }

    /// A READ or WRITE was done, or failed, which the ladder is told of behind this.
    pub(super) fn moved(&mut self, name: &'static str, slot: u32, bytes: usize) {
        if !self.settings.watched {
            return;
        }
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        if let Some(run) = &mut self.run
            && (run.name, run.slot) == (name, slot)
        {
            run.times += 1;
            run.bytes = run.bytes.saturating_add(bytes);
            return;
        }
        self.tell_run();
        let path = self.handles.get(slot).map_or_else(VPath::root, |open| open.path.clone());
        self.run = Some(Run { name, slot, path, times: 1, bytes });
    }

    fn tell_run(&mut self) {
        if let Some(Run { name, path, times, bytes, .. }) = self.run.take() {
            let often = if times == 1 { String::new() } else { format!(", {times} times") };
            self.out.push_back(Output::Heard(format!("{name} {path}: {bytes} bytes{often}").into()));
        }
    }

    pub(super) fn done(&mut self, id: u32) {
        self.reply(id, &Reply::Status(Code::OK, b""));
    }

    pub(super) fn end_of_file(&mut self, id: u32) {
        self.reply(id, &Reply::Status(Code::EOF, Code::EOF.meaning().as_bytes()));
    }

    pub(super) fn fail(&mut self, id: u32, error: &Error) {
        self.reply(id, &Reply::Status(code(error.reason), message(error.reason).as_bytes()));
    }

    fn hear(&mut self, words: impl FnOnce(&Self) -> String) {
        if self.settings.watched {
            let words = words(self);
            if !words.is_empty() {
                self.tell_run();
                self.out.push_back(Output::Heard(words.into()));
            }
        }
    }

    fn say(&mut self, words: impl FnOnce() -> String) {
        if self.settings.watched {
            self.tell_run();
            self.out.push_back(Output::Said(words().into()));
        }
    }

    /// A request as a ladder shows it: its name, and the path it is about, its own or its handle's.
    fn words(&self, request: &Request<'_>) -> String {
        if matches!(request, Request::Read { .. } | Request::Write { .. }) {
            return String::new();
        }
        let open = request.handle().map(|handle| self.handles.find(handle));
        match open {
            Some(Ok(slot)) => match self.handles.get(slot) {
                Some(open) => format!("{} {}", request.name(), open.path),
                None => request.name().into(),
            },
            Some(Err(_)) => format!("{} (no such handle)", request.name()),
            None => request.to_string(),
        }
    }
}
