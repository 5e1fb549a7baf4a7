//! What does `scp -t` do with what comes in? A pure machine that asks and works as the SFTP session does, so that one
//! driver serves both.

use std::collections::VecDeque;

use bytes::{Buf, Bytes, BytesMut};
use types::{AskId, AttrChange, Error, Kind, Op, OpenHow, Reason, Time, VPath, Yield};

use super::command::Command;
use super::message::{Message, put_warning};
use super::{MOST_DEPTH, MOST_MESSAGE};
use crate::sftp::server::{Done, FileId, Input, Output, Work};

/// How many bytes may be on their way into a file.
const MOST_WRITING: usize = 4 * 1_024 * 1_024;

/// How many bytes are kept that came while an answer was awaited, before the driver is told to take no more.
const ENOUGH_KEPT: usize = 256 * 1_024;

/// How many bytes are kept at all: an end that keeps to the protocol waits for answers itself.
const MOST_KEPT: usize = 4 * 1_024 * 1_024;

/// The end of a copy that takes files in.
#[derive(Debug)]
pub struct Sink {
    command: Command,
    target: VPath,
    /// Whether what comes goes into the target, or becomes it.
    into: bool,
    /// The folders that are being filled, and the times they shall have.
    folders: Vec<(VPath, Option<Times>)>,
    times: Option<Times>,
    state: State,
    line: Vec<u8>,
    kept: BytesMut,
    asked: u32,
    out: VecDeque<Output>,
    failed: Option<Reason>,
    ended: bool,
}

type Times = (Time, Time);

#[derive(Debug)]
enum State {
    /// What is the target?
    Looking,
    /// A message must come.
    Message,
    /// A folder is made; if it is there already, it is looked at.
    Making(VPath, bool),
    /// A file is opened.
    Opening(VPath, u64, u32),
    /// Its bytes come in.
    Body(Body),
    /// Its bytes are in; the other end says whether they are good.
    Verdict(Body),
    /// The last bytes are written, its attributes set, and it is closed.
    Finishing(Body, Step),
    /// A folder gets its times.
    Dating(VPath),
    Closed,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    Writing,
    Setting,
    Closing,
}

/// A file that comes in.
#[derive(Debug)]
struct Body {
    path: VPath,
    file: FileId,
    mode: u32,
    at: u64,
    size: u64,
    /// Writes handed out and not answered yet, and how long each is.
    writing: Vec<(AskId, usize)>,
    /// Why it will not be kept, or why not all of it went well.
    error: Option<Error>,
}

impl Sink {
    /// For a user whose relative names start at `home`.
    ///
    /// # Errors
    /// Those of a path that cannot be.
    pub fn new(command: Command, home: &VPath) -> Result<Self, Error> {
        let target = home.join(&command.path)?;
        let mut sink = Self {
            command,
            into: false,
            folders: Vec::new(),
            times: None,
            state: State::Looking,
            line: Vec::new(),
            kept: BytesMut::new(),
            asked: 0,
            out: VecDeque::new(),
            failed: None,
            ended: false,
            target: target.clone(),
        };
        sink.ask(Op::Stat { path: target, follow: true });
        Ok(sink)
    }

    /// Takes one input. What it leads to is fetched with [`Sink::poll`].
    pub fn handle(&mut self, input: Input<'_>) {
        match input {
            _ if matches!(self.state, State::Closed) => return,
            Input::Bytes(bytes) if !self.ended => return self.read(bytes),
            Input::Bytes(_) => return,
            Input::Answer(_, answer) => self.answered(answer),
            Input::Worked(ask, done) => self.worked(ask, done),
            Input::End => self.ended = true,
            Input::Stop(reason) => return self.close(Some(reason)),
        }
        self.read(&[]);
    }

    /// The next thing to do, until there is nothing more.
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// Whether more bytes are wanted now.
    pub fn wants_input(&self) -> bool {
        let writing = match &self.state {
            State::Body(body) => body.writing.iter().map(|(_, length)| length).sum(),
            _ => 0,
        };
        self.kept.len() < ENOUGH_KEPT && writing < MOST_WRITING
    }

    fn read(&mut self, mut bytes: &[u8]) {
        let mut kept = std::mem::take(&mut self.kept);
        while !kept.is_empty() {
            let mut rest = &kept[..];
            let went_on = self.take(&mut rest);
            let used = kept.len() - rest.len();
            kept.advance(used);
            if !went_on {
                break;
            }
        }
        if kept.is_empty() {
            while !bytes.is_empty() && self.take(&mut bytes) {}
        }
        self.kept = kept;
        if matches!(self.state, State::Closed) {
            return;
        }
        self.kept.extend_from_slice(bytes);
        if self.kept.len() > MOST_KEPT {
            return self.close(Some(Reason::RequestsUnanswered));
        }
        if self.ended && self.kept.is_empty() {
            match &self.state {
                State::Message if self.folders.is_empty() && self.line.is_empty() => self.close(self.failed),
                State::Message | State::Body(_) | State::Verdict(_) => self.close(Some(Reason::Disconnected)),
                // What was asked is answered first.
                _ => {}
            }
        }
    }

    /// Takes some of the bytes; says no if none can be taken now.
    fn take(&mut self, bytes: &mut &[u8]) -> bool {
        match std::mem::replace(&mut self.state, State::Closed) {
            State::Body(mut body) => {
                let left = usize::try_from(body.size - body.at).unwrap_or(usize::MAX);
                let (now, later) = bytes.split_at_checked(left).unwrap_or((bytes, &[]));
                *bytes = later;
                self.write(&mut body, now);
                self.state = if body.at == body.size { State::Verdict(body) } else { State::Body(body) };
                true
            }
            State::Verdict(mut body) => {
                let whole = self.line.is_empty() && bytes.first() == Some(&0);
                if whole {
                    *bytes = bytes.get(1..).unwrap_or_default();
                } else {
                    self.state = State::Verdict(body);
                    let Some(line) = self.line(bytes) else { return !matches!(self.state, State::Closed) };
                    let State::Verdict(taken) = std::mem::replace(&mut self.state, State::Closed) else { return false };
                    body = taken;
                    match Message::parse(&line) {
                        Ok(Message::Warning(_)) => body.error = Some(Error::new(Reason::TransferCut)),
                        Ok(Message::Fatal(_)) => {
                            self.close(Some(Reason::TransferCut));
                            return false;
                        }
                        _ => {
                            self.refuse(Reason::ScpMessage);
                            return false;
                        }
                    }
                }
                self.finish(body, Step::Writing);
                true
            }
            State::Message => {
                self.state = State::Message;
                if let Some(line) = self.line(bytes) {
                    self.message(&line);
                }
                !matches!(self.state, State::Closed)
            }
            waiting => {
                self.state = waiting;
                false
            }
        }
    }

    /// A whole line, once its end is there.
    fn line(&mut self, bytes: &mut &[u8]) -> Option<Vec<u8>> {
        let (now, later, whole) = match memchr::memchr(b'\n', bytes) {
            Some(end) => (bytes.get(..end)?, bytes.get(end + 1..)?, true),
            None => (*bytes, &[][..], false),
        };
        *bytes = later;
        if self.line.len() + now.len() > MOST_MESSAGE {
            self.refuse(Reason::ScpMessage);
            return None;
        }
        self.line.extend_from_slice(now);
        whole.then(|| std::mem::take(&mut self.line))
    }

    fn message(&mut self, line: &[u8]) {
        match Message::parse(line) {
            Ok(Message::Times { modified, accessed }) => {
                self.times = Some((modified, accessed));
                self.fine();
            }
            Ok(Message::File { mode, size, name }) => match self.place(name) {
                Ok(path) => {
                    let how =
                        OpenHow { write: true, create: true, truncate: true, mode: Some(mode & 0o777), ..OpenHow::default() };
                    self.ask(Op::Open { path: path.clone(), how });
                    self.state = State::Opening(path, size, mode);
                }
                Err(error) => self.warn_name(name, &error),
            },
            Ok(Message::Folder { .. }) if !self.command.recursive => self.refuse(Reason::ScpFolder),
            Ok(Message::Folder { name, .. }) if self.folders.len() >= MOST_DEPTH => {
                self.warn_name(name, &Reason::NameTooLong.into());
            }
            Ok(Message::Folder { mode, name }) => match self.place(name) {
                Ok(path) => {
                    // Its owner must be able to fill it.
                    self.ask(Op::MakeDir { path: path.clone(), mode: Some((mode & 0o777) | 0o700) });
                    self.state = State::Making(path, false);
                }
                Err(error) => self.warn_name(name, &error),
            },
            Ok(Message::End) => match self.folders.pop() {
                Some((path, Some(times))) => {
                    self.ask(Op::SetAttr { path: path.clone(), change: dated(None, Some(times)) });
                    self.state = State::Dating(path);
                }
                Some((_, None)) => self.fine(),
                None => self.refuse(Reason::ScpMessage),
            },
            Ok(Message::Warning(_)) => self.failed = Some(Reason::ScpWarned),
            Ok(Message::Fatal(_)) => self.close(Some(Reason::ScpWarned)),
            Err(reason) => self.refuse(reason),
        }
    }

    /// Where a name goes.
    fn place(&self, name: &[u8]) -> Result<VPath, Error> {
        match self.folders.last() {
            Some((folder, _)) => Ok(folder.join(name)?),
            None if self.into => Ok(self.target.join(name)?),
            None => Ok(self.target.clone()),
        }
    }

    fn write(&mut self, body: &mut Body, bytes: &[u8]) {
        let at = body.at;
        body.at += u64::try_from(bytes.len()).unwrap_or(0);
        if body.error.is_none() && !bytes.is_empty() {
            let ask = self.work(body.file, Work::Write { at, data: Bytes::copy_from_slice(bytes) });
            body.writing.push((ask, bytes.len()));
        }
    }

    /// The steps behind a file's last byte.
    fn finish(&mut self, body: Body, step: Step) {
        let keeps = self.command.preserve;
        let change = if keeps { dated(Some(body.mode), self.times) } else { AttrChange::default() };
        let (step, work) = match (step, &body.error) {
            (Step::Writing, _) if !body.writing.is_empty() => (Step::Writing, None),
            (Step::Writing, Some(_)) => (Step::Closing, Some(Work::Abandon)),
            (Step::Writing, None) if change != AttrChange::default() => {
                (Step::Setting, Some(Work::SetAttr { size: None, change }))
            }
            (Step::Writing | Step::Setting | Step::Closing, _) => (Step::Closing, Some(Work::Close)),
        };
        if let Some(work) = work {
            self.work(body.file, work);
        }
        self.state = State::Finishing(body, step);
    }

    fn answered(&mut self, answer: Result<Yield, Error>) {
        match (std::mem::replace(&mut self.state, State::Message), answer) {
            (State::Looking, Ok(Yield::Attr(attr))) if attr.kind == Kind::Dir => {
                self.into = true;
                self.fine();
            }
            (State::Looking, Ok(_)) if self.command.folder => self.refuse(Reason::NotAFolder),
            (State::Looking, Err(error)) if error.reason != Reason::NotFound || self.command.folder => {
                self.refuse(error.reason);
            }
            (State::Looking, _) => self.fine(),
            (State::Making(path, false), Err(error)) if error.reason == Reason::Exists => {
                self.ask(Op::Stat { path: path.clone(), follow: true });
                self.state = State::Making(path, true);
            }
            (State::Making(path, true), Ok(Yield::Attr(attr))) if attr.kind != Kind::Dir => {
                self.warn(&path, &Reason::Exists.into());
            }
            (State::Making(path, _), Ok(_)) => {
                let times = self.times.take().filter(|_| self.command.preserve);
                // What lies deeper goes below it, even if the first one is named by the target.
                self.folders.push((path, times));
                self.fine();
            }
            (State::Making(path, _) | State::Opening(path, ..), Err(error)) => self.warn(&path, &error),
            (State::Opening(path, size, mode), Ok(_)) => {
                let file = FileId(AskId(self.asked));
                let body = Body { path, file, mode, at: 0, size, writing: Vec::new(), error: None };
                self.say(b"\0");
                self.state = if size == 0 { State::Verdict(body) } else { State::Body(body) };
            }
            (State::Dating(_), Ok(_)) => self.fine(),
            (State::Dating(path), Err(error)) => self.warn(&path, &error),
            // Nothing was asked.
            (other, _) => self.state = other,
        }
    }

    fn worked(&mut self, ask: AskId, done: Result<Done, Error>) {
        match std::mem::replace(&mut self.state, State::Closed) {
            State::Body(mut body) => {
                body.wrote(ask, done);
                self.state = State::Body(body);
            }
            State::Verdict(mut body) => {
                body.wrote(ask, done);
                self.state = State::Verdict(body);
            }
            State::Finishing(mut body, Step::Writing) => {
                body.wrote(ask, done);
                self.finish(body, Step::Writing);
            }
            State::Finishing(mut body, Step::Setting) => {
                // The bytes are good: the file stays, and the other end hears that not all is as it was.
                body.error = done.err();
                self.finish(body, Step::Setting);
            }
            State::Finishing(body, Step::Closing) => {
                self.state = State::Message;
                self.times = None;
                match body.error.or(done.err()) {
                    Some(error) => self.warn(&body.path, &error),
                    None => self.fine(),
                }
            }
            other => self.state = other,
        }
    }

    fn fine(&mut self) {
        self.say(b"\0");
    }

    fn warn(&mut self, path: &VPath, error: &Error) {
        self.warn_name(path.as_bytes(), error);
    }

    /// It did not go well, and it goes on.
    fn warn_name(&mut self, name: &[u8], error: &Error) {
        self.times = None;
        self.failed = Some(error.reason);
        let mut text = Vec::new();
        put_warning(name, error.reason, &mut text);
        self.say(&text);
    }

    /// It does not go on.
    fn refuse(&mut self, reason: Reason) {
        let mut text = Vec::new();
        put_warning(self.target.as_bytes(), reason, &mut text);
        self.say(&text);
        self.close(Some(reason));
    }

    fn say(&mut self, bytes: &[u8]) {
        self.out.push_back(Output::Send(Bytes::copy_from_slice(bytes)));
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

impl Body {
    fn wrote(&mut self, ask: AskId, done: Result<Done, Error>) {
        if let Err(error) = done {
            self.error = Some(error);
        }
        self.writing.retain(|(other, _)| *other != ask);
    }
}

fn dated(mode: Option<u32>, times: Option<Times>) -> AttrChange {
    AttrChange {
        mode: mode.map(|mode| mode & 0o777),
        modified: times.map(|(modified, _)| modified),
        accessed: times.map(|(_, accessed)| accessed),
        ..AttrChange::default()
    }
}
