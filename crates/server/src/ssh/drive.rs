//! SFTP or SCP on one channel: the pure session, what it has opened behind the gate, and the work under way for it.
//!
//! Nothing slow is awaited in the loop: what is asked and what is read or written are futures beside each other, and
//! the session says which may be. What is read waits for room on its way out, so that a client that asks for much and
//! takes little costs no memory.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use futures_util::stream::{FuturesUnordered, StreamExt};
use gate::{Access, Folder, OpenFile};
use io::body::BoxFuture;
use io::clock;
use proto::scp::{self, Sink, Source};
use proto::sftp::reply::DATA_HEAD;
use proto::sftp::server::{Done, FileId, Input, Output, Session, Settings, Work};
use tokio::sync::Mutex;
use types::{AskId, Direction, Error, Op, Reason, What, Yield};

use super::digests;
use super::inlet::Outlet;
use super::state::State;
use super::transport::{Lost, Out};
use super::turns::Turns;
use crate::ask::{self, Opened};
use crate::ftp::words;

/// Bytes that may be on their way to the client, read or being read. The transport and the window hold as much again.
const OUTBOUND: usize = 2 * 1024 * 1024;
/// What a page of a listing is taken to be, beforehand.
const PAGE: usize = 64 * 1024;
/// Bytes that are handed to the transport at once.
const AT_ONCE: usize = 256 * 1024;

/// What is open for the client.
#[derive(Clone)]
enum Open {
    File(Arc<OpenFile>),
    Folder(Arc<Mutex<Folder>>),
}

/// What came of a question or of work.
enum Came {
    /// Of the gate: what was asked, for the ladder.
    Answer(AskId, Box<Op>, Result<Yield, Error>, Option<Box<Opened>>),
    /// Of what is open; how much room on the way out was kept for it.
    Worked(AskId, Result<Done, Error>, usize),
    /// Of a reading or writing, which has its turn.
    InTurn(AskId, FileId, Result<Done, Error>, usize),
}

/// What came of a reading or writing, and how much room on the way out was kept for it.
type Worked = (Result<Done, Error>, usize);

/// Work that waits for room on the way out.
struct Later {
    ask: AskId,
    file: FileId,
    work: Work,
    /// The most it brings.
    bytes: usize,
}

/// What woke the loop.
enum Woken {
    Heard(Option<Bytes>),
    Came(Came),
    Sent(Result<(), Lost>),
    Stalled,
}

/// What is spoken on the channel. All three ask and work alike.
enum Machine {
    Sftp(Box<Session>),
    Source(Box<Source>),
    Sink(Box<Sink>),
}

impl Machine {
    fn handle(&mut self, input: Input<'_>) {
        match self {
            Self::Sftp(session) => session.handle(input),
            Self::Source(source) => source.handle(input),
            Self::Sink(sink) => sink.handle(input),
        }
    }

    fn poll(&mut self) -> Option<Output> {
        match self {
            Self::Sftp(session) => session.poll(),
            Self::Source(source) => source.poll(),
            Self::Sink(sink) => sink.poll(),
        }
    }

    fn wants_input(&self) -> bool {
        match self {
            Self::Sftp(session) => session.wants_input(),
            Self::Source(source) => source.wants_input(),
            Self::Sink(sink) => sink.wants_input(),
        }
    }
}

/// One channel.
pub(super) struct Drive {
    state: Arc<State>,
    access: Access,
    out: Out,
    from: Outlet,
    machine: Machine,
    open: HashMap<FileId, Open>,
    under_way: FuturesUnordered<BoxFuture<'static, Came>>,
    later: VecDeque<Later>,
    /// Bytes of [`Later::bytes`] that are being read.
    reading: usize,
    /// What is read of a file and written to it is told in the order it was asked for. The draft leaves that open, and
    /// OpenSSH's scp of 2022 cuts files short where it is not so: it takes what is told for all that there is.
    turns: HashMap<FileId, Turns<Worked>>,
    /// Packets that wait for the transport.
    wire: VecDeque<Bytes>,
    waiting: usize,
    sending: Option<(BoxFuture<'static, Result<(), Lost>>, Instant)>,
    /// The client sends no more.
    deaf: bool,
    closing: Option<Option<Reason>>,
}

impl Drive {
    /// SFTP for who has logged in; `None` where nobody has.
    pub(super) fn sftp(state: Arc<State>, out: Out, from: Outlet, salt: u32) -> Option<Self> {
        let entered = state.entered()?;
        let settings = Settings {
            home: entered.welcome.home.clone(),
            user: entered.welcome.user.clone(),
            handles: state.listener.handles,
            salt,
            digests: digests::SERVED.to_vec(),
            watched: state.watched(),
        };
        let machine = Machine::Sftp(Box::new(Session::new(settings)));
        Self::new(machine, state, out, from)
    }

    /// SCP for who has logged in.
    ///
    /// # Errors
    /// Those of a path that cannot be.
    pub(super) fn scp(command: scp::Command, state: Arc<State>, out: Out, from: Outlet) -> Result<Option<Self>, Error> {
        let Some(entered) = state.entered() else { return Ok(None) };
        let home = &entered.welcome.home;
        let machine = match command.way {
            scp::Way::From => Machine::Source(Box::new(Source::new(command, home)?)),
            scp::Way::To => Machine::Sink(Box::new(Sink::new(command, home)?)),
        };
        Ok(Self::new(machine, state, out, from))
    }

    fn new(machine: Machine, state: Arc<State>, out: Out, from: Outlet) -> Option<Self> {
        Some(Self {
            access: state.entered()?.access.clone(),
            machine,
            state,
            out,
            from,
            open: HashMap::new(),
            under_way: FuturesUnordered::new(),
            later: VecDeque::new(),
            reading: 0,
            turns: HashMap::new(),
            wire: VecDeque::new(),
            waiting: 0,
            sending: None,
            deaf: false,
            closing: None,
        })
    }

    /// Serves until the client or the session ends it.
    pub(super) async fn live(mut self) {
        let why = loop {
            self.perform();
            self.begin_later();
            self.send();
            if let Some(why) = self.closing
                && self.sending.is_none()
            {
                break why;
            }
            match self.wait().await {
                Woken::Heard(Some(bytes)) => self.machine.handle(Input::Bytes(&bytes)),
                Woken::Heard(None) => {
                    self.deaf = true;
                    self.machine.handle(Input::End);
                }
                Woken::Came(came) => self.came(came),
                Woken::Sent(Ok(())) => {
                    self.sending = None;
                    self.state.touch();
                }
                Woken::Sent(Err(Lost)) => return,
                Woken::Stalled => {
                    self.state.end(Reason::RepliesUnread);
                    return;
                }
            }
        };
        if let Some(reason) = why {
            self.state.note(|| [What::Note(reason, "".into())]);
        }
        // Uploads that are still open are given up with what holds them, before the client hears that it is over.
        self.under_way.clear();
        self.turns.clear();
        self.open.clear();
        self.out.finish(u32::from(why.is_some())).await;
    }

    async fn wait(&mut self) -> Woken {
        let hears = !self.deaf && self.closing.is_none() && self.machine.wants_input();
        let works = !self.under_way.is_empty();
        let stall = self.sending.as_ref().map(|(_, since)| *since + self.state.listener.stall_after);
        let sending = async {
            match &mut self.sending {
                Some((future, _)) => future.await,
                None => std::future::pending().await,
            }
        };
        let stalled = async {
            match stall {
                Some(at) => clock::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            sent = sending => Woken::Sent(sent),
            Some(came) = self.under_way.next(), if works => Woken::Came(came),
            bytes = self.from.take(), if hears => Woken::Heard(bytes),
            () = stalled => Woken::Stalled,
        }
    }

    /// Does what the session wishes, unless the client does not take what it was told before.
    fn perform(&mut self) {
        while self.waiting < OUTBOUND
            && let Some(output) = self.machine.poll()
        {
            match output {
                Output::Send(bytes) => {
                    self.waiting += bytes.len();
                    self.wire.push_back(bytes);
                }
                Output::Ask(ask, op) => self.ask(ask, op),
                Output::Work(ask, file, work) => self.work(ask, file, work),
                Output::Heard(text) => self.state.note(|| [What::Command(text)]),
                Output::Said(text) => self.state.note(|| [What::Reply(text)]),
                Output::Close(why) => self.closing = Some(why),
            }
        }
    }

    fn ask(&mut self, ask: AskId, op: Op) {
        let access = self.access.clone();
        // An upload has no place of its own in the tree yet, and is still a file to who makes it.
        let own = match &op {
            Op::SetAttr { path, .. } => self.uploading(path),
            _ => None,
        };
        self.under_way.push(Box::pin(async move {
            let (mut result, opened) = ask::ask(&access, op.clone()).await;
            if let (Some(file), Op::SetAttr { change, .. }, Err(e)) = (own, &op, &result)
                && e.reason == Reason::NotFound
            {
                result = match file.set_attr(None, change).await {
                    Ok(()) => file.attr().await.map(Yield::Attr),
                    Err(e) => Err(e),
                };
            }
            Came::Answer(ask, Box::new(op), result, opened)
        }));
    }

    fn uploading(&self, path: &types::VPath) -> Option<Arc<OpenFile>> {
        self.open.values().find_map(|open| match open {
            Open::File(file) if file.direction() == Direction::In && file.path() == path => Some(file.clone()),
            _ => None,
        })
    }

    fn work(&mut self, ask: AskId, file: FileId, work: Work) {
        let bytes = match &work {
            Work::Read { length, .. } => DATA_HEAD + *length as usize,
            Work::List => PAGE,
            _ => return self.begin(ask, file, work, 0),
        };
        self.later.push_back(Later { ask, file, work, bytes });
    }

    /// Begins what waits for room, while there is some.
    fn begin_later(&mut self) {
        while let Some(next) = self.later.front() {
            let taken = self.waiting + self.reading;
            if taken > 0 && taken + next.bytes > OUTBOUND {
                break;
            }
            let Some(Later { ask, file, work, bytes }) = self.later.pop_front() else { break };
            self.reading += bytes;
            self.begin(ask, file, work, bytes);
        }
    }

    fn begin(&mut self, ask: AskId, id: FileId, work: Work, kept: usize) {
        let gone = || Error::new(Reason::HandleUnknown);
        if let (Work::Read { .. } | Work::Write { .. }, Some(Open::File(file))) = (&work, self.open.get(&id)) {
            let file = file.clone();
            self.turns.entry(id).or_default().begin(ask);
            self.under_way.push(Box::pin(async move { Came::InTurn(ask, id, on_file(file, work).await, kept) }));
            return;
        }
        let future: BoxFuture<'static, Result<Done, Error>> = match (self.open.get(&id).cloned(), work) {
            (Some(_), Work::Abandon) => {
                // Dropped, it gives up what was written.
                self.open.remove(&id);
                Box::pin(std::future::ready(Ok(Done::Nothing)))
            }
            (Some(_), Work::Close) => match self.open.remove(&id) {
                Some(Open::File(file)) => Box::pin(close(self.state.clone(), file)),
                _ => Box::pin(std::future::ready(Ok(Done::Nothing))),
            },
            (Some(Open::File(file)), Work::Copy { at, length, to, to_at }) => match self.open.get(&to) {
                Some(Open::File(to)) => Box::pin(copy(file, at, length, to.clone(), to_at)),
                _ => Box::pin(std::future::ready(Err(gone()))),
            },
            (Some(Open::File(file)), work) => Box::pin(on_file(file, work)),
            (Some(Open::Folder(folder)), Work::List) => Box::pin(async move {
                let page = folder.lock().await.next_page().await?;
                Ok(Done::Page(page, clock::wall()))
            }),
            _ => Box::pin(std::future::ready(Err(gone()))),
        };
        self.under_way.push(Box::pin(async move { Came::Worked(ask, future.await, kept) }));
    }

    fn came(&mut self, came: Came) {
        self.state.touch();
        match came {
            Came::Answer(ask, op, result, opened) => {
                self.state.note(|| [What::Ask(op.to_string().into()), What::Answer(words::answer(&result))]);
                match opened.map(|opened| *opened) {
                    Some(Opened::File(file)) => drop(self.open.insert(FileId(ask), Open::File(Arc::new(file)))),
                    Some(Opened::Folder(folder)) => {
                        drop(self.open.insert(FileId(ask), Open::Folder(Arc::new(Mutex::new(folder)))));
                    }
                    _ => {}
                }
                self.machine.handle(Input::Answer(ask, result));
            }
            Came::Worked(ask, result, kept) => self.worked(ask, result, kept),
            Came::InTurn(ask, file, result, kept) => self.in_turn(ask, file, result, kept),
        }
    }

    fn worked(&mut self, ask: AskId, result: Result<Done, Error>, kept: usize) {
        self.reading = self.reading.saturating_sub(kept);
        self.machine.handle(Input::Worked(ask, result));
    }

    /// Tells how it went once all that was asked for before it is told.
    fn in_turn(&mut self, ask: AskId, file: FileId, result: Result<Done, Error>, kept: usize) {
        let Some(turns) = self.turns.get_mut(&file) else { return };
        let ready = turns.done(ask, (result, kept));
        if turns.is_empty() {
            self.turns.remove(&file);
        }
        for (ask, (result, kept)) in ready {
            self.worked(ask, result, kept);
        }
    }

    /// Hands the transport what waits, in large pieces. While more comes in than is worked off, small answers are
    /// gathered: each turn of the transport would let more in.
    fn send(&mut self) {
        let gathers = self.from.is_full() && self.waiting < AT_ONCE && self.closing.is_none() && !self.under_way.is_empty();
        if self.sending.is_none() && !gathers && self.waiting > 0 {
            let bytes = self.next_piece();
            self.waiting -= bytes.len();
            let out = self.out.clone();
            self.sending = Some((Box::pin(async move { out.send(bytes).await }), clock::now()));
        }
        self.from.sends(self.sending.is_some());
    }

    /// What goes out next: one large packet as it is, or several small ones in one.
    fn next_piece(&mut self) -> Bytes {
        let Some(first) = self.wire.pop_front() else { return Bytes::new() };
        let Some(second) = self.wire.front() else { return first };
        if first.len() + second.len() > AT_ONCE || first.len() >= PAGE {
            return first;
        }
        let mut piece = BytesMut::with_capacity(self.waiting.min(AT_ONCE));
        piece.extend_from_slice(&first);
        while let Some(next) = self.wire.front()
            && piece.len() + next.len() <= AT_ONCE
        {
            piece.extend_from_slice(next);
            self.wire.pop_front();
        }
        piece.freeze()
    }
}

/// Work on one file.
async fn on_file(file: Arc<OpenFile>, work: Work) -> Result<Done, Error> {
    match work {
        Work::Read { at, length } => {
            let bytes = file.read(at, length as usize, DATA_HEAD).await?;
            Ok(Done::Data(BytesMut::from(Bytes::from(bytes))))
        }
        Work::Write { at, data } => file.write(at, data).await.map(|()| Done::Nothing),
        Work::Sync => file.sync().await.map(|()| Done::Nothing),
        Work::Stat => file.attr().await.map(Done::Attr),
        Work::SetAttr { size, change } => file.set_attr(size, &change).await.map(|()| Done::Nothing),
        Work::Digest { digest, at, length, block } => digests::make(&file, digest, at, length, block).await,
        // Those that are begun elsewhere, and what a folder is for.
        Work::Copy { .. } | Work::Close | Work::Abandon | Work::List => Err(Reason::HandleMode.into()),
    }
}

/// Closes a file and says what moved.
async fn close(state: Arc<State>, file: Arc<OpenFile>) -> Result<Done, Error> {
    // The session closes nothing while work on it is under way.
    let Some(file) = Arc::into_inner(file) else { return Err(Reason::Busy.into()) };
    let (meter, direction) = (file.meter().clone(), file.direction());
    let path = file.path().clone();
    let result = file.close().await;
    let took = clock::now().saturating_duration_since(meter.begun());
    let moved = match &result {
        Ok(()) => What::Moved(direction, meter.moved(), took),
        Err(e) => What::Cut(direction, meter.moved(), e.reason),
    };
    state.note(|| [What::Ask(format!("close {path}").into()), What::Answer("done".into()), moved]);
    result.map(|()| Done::Nothing)
}

/// Bytes that are copied at once.
const COPIED: usize = 256 * 1024;

async fn copy(from: Arc<OpenFile>, mut at: u64, length: Option<u64>, to: Arc<OpenFile>, mut to_at: u64) -> Result<Done, Error> {
    let mut left = length.unwrap_or(u64::MAX);
    // What grows behind the copy while it is made is not copied for ever.
    if length.is_none() {
        left = from.attr().await?.size.saturating_sub(at);
    }
    while left > 0 {
        let want = usize::try_from(left).unwrap_or(COPIED).min(COPIED);
        let bytes = Bytes::from(from.read(at, want, 0).await?);
        let came = bytes.len() as u64;
        if came == 0 {
            return if length.is_none() { Ok(Done::Nothing) } else { Err(Reason::BeyondEnd.into()) };
        }
        to.write(to_at, bytes).await?;
        (at, to_at, left) = (at + came, to_at + came, left - came);
    }
    Ok(Done::Nothing)
}
