//! What does `scp -f` send? A pure machine that asks and works as the SFTP session does, so that one driver serves both.

use std::collections::VecDeque;

use bytes::{Buf, Bytes};
use types::{AskId, Attr, Entry, Error, Kind, Op, OpenHow, Reason, VPath, Yield};

use super::command::Command;
use super::message::{Message, put_warning};
use super::{MOST_DEPTH, MOST_MESSAGE};
use crate::ftp::glob;
use crate::sftp::reply::DATA_HEAD;
use crate::sftp::server::{Done, FileId, Input, Output, Work};

/// How many reads of a file are under way at once.
const READS: usize = 8;

/// How much each reads, in bytes.
const READ: u32 = 128 * 1_024;

/// How many names a pattern may mean.
const MOST_NAMED: usize = 100_000;

/// The end of a copy that sends files.
#[derive(Debug)]
pub struct Source {
    command: Command,
    target: VPath,
    state: State,
    /// What is still to be sent beside the target: names that a pattern means.
    named: VecDeque<VPath>,
    /// The folders that are being sent.
    folders: Vec<Folder>,
    /// What the other end says, as far as it came.
    line: Vec<u8>,
    asked: u32,
    out: VecDeque<Output>,
    failed: Option<Reason>,
}

/// A folder that is being sent.
#[derive(Debug)]
struct Folder {
    path: VPath,
    file: FileId,
    entries: VecDeque<Entry>,
}

/// What is to be sent.
#[derive(Clone, Debug)]
struct Item {
    path: VPath,
    attr: Attr,
}

/// A file that is being sent.
#[derive(Debug)]
struct Body {
    file: FileId,
    size: u64,
    /// Up to where it is asked for.
    asked: u64,
    /// Reads under way, in their order, how much each must bring, and what came before its turn.
    reads: VecDeque<(AskId, u64, u32, Option<Bytes>)>,
}

#[derive(Debug)]
enum State {
    /// The other end must say something; then this.
    Hears(Next),
    /// The gate or the driver must answer; then this.
    Waits(Next),
    Sends(Body),
    Closed,
}

#[derive(Debug)]
enum Next {
    /// The first word: it is ready.
    Begin,
    /// What a pattern may mean is opened, or a page of it is there.
    Pattern(VPath, Box<[u8]>),
    Page(FileId, VPath, Box<[u8]>),
    /// What the pattern's folder was opened for is done.
    PatternDone,
    /// What stands there?
    Look(VPath),
    /// A file is opened, its times are told, its name is told, its bytes are sent, it is closed.
    Open(Item),
    Times(Item, Option<FileId>),
    Header(Item, FileId),
    Sent(FileId),
    FileDone,
    /// A folder is told, opened, listed, closed, and its end is told.
    List(VPath),
    Entries,
    FolderDone,
    End,
}

impl Source {
    /// For a user whose relative names start at `home`.
    ///
    /// # Errors
    /// Those of a path that cannot be.
    pub fn new(command: Command, home: &VPath) -> Result<Self, Error> {
        let target = home.join(&command.path)?;
        let (line, out) = (Vec::new(), VecDeque::new());
        let state = State::Hears(Next::Begin);
        Ok(Self { command, target, state, named: VecDeque::new(), folders: Vec::new(), line, asked: 0, out, failed: None })
    }

    /// Takes one input. What it leads to is fetched with [`Source::poll`].
    pub fn handle(&mut self, input: Input<'_>) {
        match input {
            _ if matches!(self.state, State::Closed) => {}
            Input::Bytes(bytes) => self.hear(bytes),
            Input::Answer(ask, answer) => self.answered(ask, answer),
            Input::Worked(ask, done) => self.worked(ask, done),
            Input::End if matches!(self.state, State::Hears(_)) => self.close(Some(Reason::Disconnected)),
            // What is under way goes on: some close their end early.
            Input::End => {}
            Input::Stop(reason) => self.close(Some(reason)),
        }
    }

    /// The next thing to do, until there is nothing more.
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// Whether more bytes are wanted now: always, for they are few.
    pub const fn wants_input(&self) -> bool {
        true
    }

    /// The other end says that it is well, or why not.
    fn hear(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            match (&self.state, self.line.first(), byte) {
                (State::Hears(_), None, 0) => self.heard(true),
                (State::Hears(_), Some(1), b'\n') => {
                    self.line.clear();
                    self.failed = Some(Reason::ScpWarned);
                    self.heard(false);
                }
                (_, Some(2), b'\n') => return self.close(Some(Reason::ScpWarned)),
                (_, None, 1 | 2) | (_, Some(_), _) if self.line.len() < MOST_MESSAGE => self.line.push(byte),
                // Whoever speaks out of turn, or something else.
                _ => return self.close(Some(Reason::ScpMessage)),
            }
            if matches!(self.state, State::Closed) {
                return;
            }
        }
    }

    fn heard(&mut self, fine: bool) {
        let State::Hears(next) = std::mem::replace(&mut self.state, State::Closed) else { return };
        match next {
            Next::Begin => self.begin(),
            Next::Times(item, Some(file)) if fine => self.tell_file(item, file),
            Next::Times(_, Some(file)) | Next::Header(_, file) if !fine => self.close_file(file),
            Next::Times(item, None) if fine => self.tell_folder(item),
            Next::Header(item, file) => {
                let body = Body { file, size: item.attr.size, asked: 0, reads: VecDeque::new() };
                self.send(body);
            }
            Next::Sent(file) => self.close_file(file),
            Next::List(path) if fine => {
                self.ask(Op::List { path: path.clone() });
                self.state = State::Waits(Next::List(path));
            }
            // A folder that the other end does not take, or its end.
            _ => self.go_on(),
        }
    }

    fn begin(&mut self) {
        let pattern = self.command.pattern.clone();
        let parent = self.target.parent();
        match (pattern, parent) {
            (Some(pattern), Some(parent)) => {
                let last = pattern.rsplit(|&b| b == b'/').next().unwrap_or_default().to_vec();
                self.ask(Op::List { path: parent.clone() });
                self.state = State::Waits(Next::Pattern(parent, last.into()));
            }
            _ => self.look(self.target.clone()),
        }
    }

    fn look(&mut self, path: VPath) {
        self.ask(Op::Stat { path: path.clone(), follow: true });
        self.state = State::Waits(Next::Look(path));
    }

    /// What comes after something was sent, or could not be.
    fn go_on(&mut self) {
        let Some(folder) = self.folders.last_mut() else {
            return match self.named.pop_front() {
                Some(path) => self.look(path),
                None => self.close(self.failed),
            };
        };
        let Some(entry) = folder.entries.pop_front() else {
            let file = folder.file;
            self.work(file, Work::List);
            self.state = State::Waits(Next::Entries);
            return;
        };
        match folder.path.join(&entry.name) {
            // Links are followed, as cp does; what they lead to is asked.
            Ok(path) if entry.attr.kind == Kind::Link => self.look(path),
            Ok(path) => self.item(Item { path, attr: entry.attr }),
            Err(error) => {
                let path = folder.path.clone();
                self.warn(&path, &error.into());
                self.go_on();
            }
        }
    }

    fn item(&mut self, item: Item) {
        match item.attr.kind {
            Kind::File => {
                let how = OpenHow { read: true, ..OpenHow::default() };
                self.ask(Op::Open { path: item.path.clone(), how });
                self.state = State::Waits(Next::Open(item));
            }
            Kind::Dir if !self.command.recursive => self.skip(&item.path, Reason::ScpFolder),
            Kind::Dir if self.folders.len() >= MOST_DEPTH => self.skip(&item.path, Reason::LinkLoop),
            Kind::Dir => {
                if !self.tell_times(&item, None) {
                    self.tell_folder(item);
                }
            }
            Kind::Link | Kind::Other => self.skip(&item.path, Reason::NotRegular),
        }
    }

    fn skip(&mut self, path: &VPath, reason: Reason) {
        self.warn(path, &reason.into());
        self.go_on();
    }

    /// Says T where it is wanted and times are known.
    fn tell_times(&mut self, item: &Item, file: Option<FileId>) -> bool {
        let Some(modified) = item.attr.modified.filter(|_| self.command.preserve) else { return false };
        self.say(&Message::Times { modified, accessed: modified });
        self.state = State::Hears(Next::Times(item.clone(), file));
        true
    }

    fn tell_file(&mut self, item: Item, file: FileId) {
        let name = item.path.name().unwrap_or(b"root").to_vec();
        self.say(&Message::File { mode: item.attr.mode.unwrap_or(0o644), size: item.attr.size, name: &name });
        self.state = State::Hears(Next::Header(item, file));
    }

    fn tell_folder(&mut self, item: Item) {
        let name = item.path.name().unwrap_or(b"root").to_vec();
        self.say(&Message::Folder { mode: item.attr.mode.unwrap_or(0o755), name: &name });
        self.state = State::Hears(Next::List(item.path));
    }

    fn tell_end(&mut self) {
        self.say(&Message::End);
        self.state = State::Hears(Next::End);
    }

    fn close_file(&mut self, file: FileId) {
        self.work(file, Work::Close);
        self.state = State::Waits(Next::FileDone);
    }

    /// Asks for more of a file, and sends what is there in its order.
    fn send(&mut self, mut body: Body) {
        while let Some((_, _, _, Some(_))) = body.reads.front() {
            if let Some((_, _, _, Some(bytes))) = body.reads.pop_front() {
                self.out.push_back(Output::Send(bytes));
            }
        }
        while body.reads.len() < READS && body.asked < body.size {
            let length = u32::try_from(body.size - body.asked).unwrap_or(READ).min(READ);
            let ask = self.work(body.file, Work::Read { at: body.asked, length });
            body.reads.push_back((ask, body.asked, length, None));
            body.asked += u64::from(length);
        }
        if body.reads.is_empty() {
            self.out.push_back(Output::Send(Bytes::from_static(b"\0")));
            self.state = State::Hears(Next::Sent(body.file));
        } else {
            self.state = State::Sends(body);
        }
    }

    fn answered(&mut self, ask: AskId, answer: Result<Yield, Error>) {
        let State::Waits(next) = std::mem::replace(&mut self.state, State::Closed) else { return };
        match (next, answer) {
            (Next::Look(path), Ok(Yield::Attr(attr))) => self.item(Item { path, attr }),
            (Next::Open(item), Ok(Yield::Opened(attr))) => {
                // The size as it is now.
                let item = Item { attr, ..item };
                if !self.tell_times(&item, Some(FileId(ask))) {
                    self.tell_file(item, FileId(ask));
                }
            }
            (Next::Pattern(folder, pattern), Ok(_)) => {
                self.work(FileId(ask), Work::List);
                self.state = State::Waits(Next::Page(FileId(ask), folder, pattern));
            }
            (Next::List(path), Ok(_)) => {
                self.folders.push(Folder { path, file: FileId(ask), entries: VecDeque::new() });
                self.go_on();
            }
            (Next::List(path), Err(error)) => {
                // The other end has made it already: it must hear its end.
                self.warn(&path, &error);
                self.tell_end();
            }
            (Next::Look(path) | Next::Pattern(path, _), Err(error)) => self.missing(&path, &error),
            (Next::Open(item), Err(error)) => self.missing(&item.path, &error),
            // Nothing was asked.
            (next, _) => self.state = State::Waits(next),
        }
    }

    fn missing(&mut self, path: &VPath, error: &Error) {
        self.warn(path, error);
        self.go_on();
    }

    fn worked(&mut self, ask: AskId, done: Result<Done, Error>) {
        match std::mem::replace(&mut self.state, State::Closed) {
            State::Sends(body) => self.read(body, ask, done),
            State::Waits(Next::Page(file, folder, pattern)) => self.page(file, folder, pattern, done),
            State::Waits(Next::PatternDone) => {
                if self.named.is_empty() {
                    self.warn(&self.target.clone(), &Reason::NotFound.into());
                }
                self.go_on();
            }
            State::Waits(Next::Entries) => {
                let Some(folder) = self.folders.last_mut() else { return };
                let (file, path) = (folder.file, folder.path.clone());
                match done {
                    Ok(Done::Page(page, _)) if !page.is_empty() => {
                        folder.entries = page.into();
                        return self.go_on();
                    }
                    Ok(_) => {}
                    Err(error) => self.warn(&path, &error),
                }
                self.work(file, Work::Close);
                self.state = State::Waits(Next::FolderDone);
            }
            State::Waits(Next::FolderDone) => {
                self.folders.pop();
                self.tell_end();
            }
            State::Waits(Next::FileDone) => self.go_on(),
            other => self.state = other,
        }
    }

    fn page(&mut self, file: FileId, folder: VPath, pattern: Box<[u8]>, done: Result<Done, Error>) {
        match done {
            Ok(Done::Page(page, _)) if !page.is_empty() => {
                // Hidden names are meant only by patterns that begin with a dot, as a shell has it.
                let means = |entry: &&Entry| {
                    glob::matches(&pattern, &entry.name) && (entry.name.first() != Some(&b'.') || pattern.first() == Some(&b'.'))
                };
                self.named.extend(page.iter().filter(means).filter_map(|entry| folder.join(&entry.name).ok()));
                if self.named.len() > MOST_NAMED {
                    return self.close(Some(Reason::TooMany));
                }
                self.work(file, Work::List);
                self.state = State::Waits(Next::Page(file, folder, pattern));
                return;
            }
            Ok(_) => {}
            Err(error) => self.warn(&folder, &error),
        }
        self.work(file, Work::Close);
        self.state = State::Waits(Next::PatternDone);
    }

    fn read(&mut self, mut body: Body, ask: AskId, done: Result<Done, Error>) {
        let Some((_, at, length, came)) = body.reads.iter_mut().find(|(id, ..)| *id == ask) else {
            self.state = State::Sends(body);
            return;
        };
        match done {
            Ok(Done::Data(mut buffer)) if buffer.len() > DATA_HEAD => {
                buffer.advance(DATA_HEAD);
                let got = u32::try_from(buffer.len()).unwrap_or(u32::MAX);
                if got >= *length {
                    buffer.truncate(usize::try_from(*length).unwrap_or(usize::MAX));
                    *came = Some(buffer.freeze());
                } else {
                    // A part: the rest is asked for in its place.
                    let (at, length) = (*at + u64::from(got), *length - got);
                    *came = Some(buffer.freeze());
                    let rest = self.work(body.file, Work::Read { at, length });
                    let place = body.reads.iter().position(|(id, ..)| *id == ask).map_or(0, |place| place + 1);
                    body.reads.insert(place, (rest, at, length, None));
                }
                self.send(body);
            }
            // So many bytes were promised, and there is no way to take that back but to hang up.
            Ok(_) => self.close(Some(Reason::Shrunk)),
            Err(error) => self.close(Some(error.reason)),
        }
    }

    fn warn(&mut self, path: &VPath, error: &Error) {
        self.failed = Some(error.reason);
        let mut text = Vec::new();
        put_warning(path.as_bytes(), error.reason, &mut text);
        self.out.push_back(Output::Send(text.into()));
    }

    fn say(&mut self, message: &Message<'_>) {
        let mut text = Vec::new();
        message.put(&mut text);
        self.out.push_back(Output::Send(text.into()));
    }

    fn ask(&mut self, op: Op) {
        self.asked = self.asked.wrapping_add(1);
        self.out.push_back(Output::Ask(AskId(self.asked), op));
    }

    fn work(&mut self, file: FileId, work: Work) -> AskId {
        self.asked = self.asked.wrapping_add(1);
        self.out.push_back(Output::Work(AskId(self.asked), file, work));
        AskId(self.asked)
    }

    fn close(&mut self, why: Option<Reason>) {
        self.state = State::Closed;
        self.out.retain(|output| matches!(output, Output::Send(_)));
        self.out.push_back(Output::Close(why));
    }
}
