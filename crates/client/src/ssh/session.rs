//! One SFTP session on its channel: a task that sends calls as they come and gives each its answer. It always reads, so that
//! nothing the server says waits for something that is to be sent.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use io::body::BoxFuture;
use io::{CancellationToken, clock, task};
use proto::sftp::client::{Answer, CallId, Output, Server, Session};
use proto::sftp::request::Request;
use russh::ChannelMsg;
use tokio::sync::{mpsc, oneshot};
use types::{Error, Reason, What};

use super::record::Record;
use super::transport::{Transport, lost};
use super::{Dial, silent};

/// What a call says, once it has its number.
type Make = Box<dyn FnOnce(&mut Session, CallId) + Send>;

/// What became of a call.
pub(super) type Outcome = Result<Answer, Error>;

/// How many bytes are sent in one go.
const PIECE: usize = 64 * 1_024;

/// How long the server may say nothing while it does what may take long: a sync, the end of a file, a digest.
const LONG: Duration = Duration::from_secs(30 * 60);

/// Something that is asked.
struct Call {
    make: Make,
    to: To,
    takes_long: bool,
}

/// Who waits for an answer.
enum To {
    One(oneshot::Sender<Outcome>),
    /// One of many, with its mark.
    Many(mpsc::UnboundedSender<(u64, Outcome)>, u64),
    Nobody,
}

/// The most sessions beside another on one connection. OpenSSH's server allows ten (MaxSessions).
const BESIDE: usize = 7;

/// A session that is open. It ends when this is dropped.
pub(super) struct Connection {
    /// What it runs on, as long as it does.
    transport: Weak<Transport>,
    /// Whether the connection was made for it; it stands for it in the record.
    is_first: bool,
    /// How long a session may take to begin, and how long the server may then say nothing.
    within: Duration,
    patience: Duration,
    /// Sessions beside it that nobody uses, and how many there were in all.
    beside: Mutex<Vec<Arc<Self>>>,
    made: AtomicUsize,
    calls: mpsc::UnboundedSender<Call>,
    pub(super) server: Server,
    record: Arc<Record>,
    life: CancellationToken,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.close();
    }
}

impl Connection {
    /// Connects, logs in, and begins a session.
    ///
    /// # Errors
    /// Those of [`Transport::open`], and of a server that does not speak SFTP.
    pub(super) async fn open(dial: &Dial, parent: &CancellationToken) -> Result<Arc<Self>, Error> {
        Self::begin(Arc::new(Transport::open(dial).await?), (dial.within, dial.patience), parent, true).await
    }

    /// Another session on the same connection; `None` where there can be no more.
    pub(super) async fn another(&self) -> Option<Arc<Self>> {
        let idle = || self.beside.lock().unwrap_or_else(PoisonError::into_inner).pop();
        while let Some(beside) = idle() {
            if beside.is_open() {
                return Some(beside);
            }
        }
        if self.made.fetch_add(1, Ordering::Relaxed) >= BESIDE {
            return None;
        }
        Self::begin(self.transport.upgrade()?, (self.within, self.patience), &self.life, false).await.ok()
    }

    /// A session beside this one is used no more.
    pub(super) fn give_back(&self, beside: Arc<Self>) {
        self.beside.lock().unwrap_or_else(PoisonError::into_inner).push(beside);
    }

    /// Whether several sessions may write one file: OpenSSH's programs write it in place, others may keep each session's part
    /// for a file of its own.
    pub(super) fn shares_files(&self) -> bool {
        self.transport.upgrade().is_some_and(|transport| transport.is_openssh()) && self.server.serves("lsetstat@openssh.com")
    }

    async fn begin(
        transport: Arc<Transport>,
        (within, patience): (Duration, Duration),
        parent: &CancellationToken,
        is_first: bool,
    ) -> Result<Arc<Self>, Error> {
        let channel = transport.subsystem("sftp", within).await?;
        let (calls, coming) = mpsc::unbounded_channel();
        let (ready, is_ready) = oneshot::channel();
        let life = parent.child_token();
        let record = transport.record().clone();
        let mut session = Session::new();
        if record.is_on() {
            session.tell();
            record.note(|| What::Command("subsystem sftp, INIT 3".into()));
        }
        let running = Running {
            session,
            record: record.clone(),
            waiting: HashMap::new(),
            unsent: VecDeque::new(),
            calls: 0,
            ready: Some(ready),
            failed: None,
            is_first,
            silence: Silence { patience, since: clock::now(), long: HashSet::new() },
        };
        let weak = Arc::downgrade(&transport);
        drop(task::spawn("sftp", &life, running.run(transport, channel, coming)));
        let never = || Error::new(Reason::Disconnected);
        let begun = async { is_ready.await.map_err(|_| never())? };
        let deadline = clock::now() + within;
        let late = |_| crate::connect::too_slow("the server's word on SFTP", within);
        let server = tokio::time::timeout_at(deadline.into(), begun).await.map_err(late)??;
        let (beside, made) = (Mutex::default(), AtomicUsize::new(0));
        Ok(Arc::new(Self { transport: weak, is_first, within, patience, beside, made, calls, server, record, life }))
    }

    /// Whether calls can still be answered.
    pub(super) fn is_open(&self) -> bool {
        !self.calls.is_closed()
    }

    /// What lives with it.
    pub(super) const fn life(&self) -> &CancellationToken {
        &self.life
    }

    /// Ends it.
    pub(super) fn close(&self) {
        if self.is_first {
            self.record.end(None);
        }
        self.life.cancel();
    }

    fn send(&self, make: Make, to: To, takes_long: bool) {
        if let Err(unsent) = self.calls.send(Call { make, to, takes_long }) {
            unsent.0.to.tell(Err(Reason::Disconnected.into()));
        }
    }

    /// Calls, and waits for the answer.
    ///
    /// # Errors
    /// What the server says; [`Reason::Disconnected`], [`Reason::SshSilent`].
    pub(super) async fn call(&self, make: impl FnOnce(&mut Session, CallId) + Send + 'static) -> Outcome {
        self.call_one(Box::new(make), false).await
    }

    /// The same for what may take long.
    ///
    /// # Errors
    /// Those of [`Connection::call`].
    pub(super) async fn call_long(&self, make: impl FnOnce(&mut Session, CallId) + Send + 'static) -> Outcome {
        self.call_one(Box::new(make), true).await
    }

    async fn call_one(&self, make: Make, takes_long: bool) -> Outcome {
        let (to, answer) = oneshot::channel();
        self.send(make, To::One(to), takes_long);
        answer.await.unwrap_or_else(|_| Err(Reason::Disconnected.into()))
    }

    /// Calls; the answer comes to `to` with `mark`.
    pub(super) fn call_many(
        &self,
        to: &mpsc::UnboundedSender<(u64, Outcome)>,
        mark: u64,
        make: impl FnOnce(&mut Session, CallId) + Send + 'static,
    ) {
        self.send(Box::new(make), To::Many(to.clone(), mark), false);
    }

    /// Closes a handle that nobody waits for.
    pub(super) fn let_go(&self, handle: Bytes) {
        let make = move |session: &mut Session, call| session.call(call, &Request::Close { handle: &handle });
        self.send(Box::new(make), To::Nobody, true);
    }
}

impl To {
    fn tell(self, outcome: Outcome) {
        // Whoever waited may have gone.
        match self {
            Self::One(to) => drop(to.send(outcome)),
            Self::Many(to, mark) => drop(to.send((mark, outcome))),
            Self::Nobody => {}
        }
    }
}

/// How long the server has said nothing.
struct Silence {
    patience: Duration,
    /// When it said something last, or was asked after a time with nothing to say.
    since: Instant,
    /// What it is asked that may take long.
    long: HashSet<CallId>,
}

impl Silence {
    /// How long it may last.
    fn most(&self) -> Duration {
        if self.long.is_empty() { self.patience } else { self.patience.max(LONG) }
    }
}

/// The session's task.
struct Running {
    session: Session,
    record: Arc<Record>,
    waiting: HashMap<CallId, To>,
    unsent: VecDeque<Bytes>,
    calls: u64,
    ready: Option<oneshot::Sender<Result<Server, Error>>>,
    failed: Option<Error>,
    is_first: bool,
    silence: Silence,
}

impl Running {
    async fn run(
        mut self,
        transport: Arc<Transport>,
        channel: russh::Channel<russh::client::Msg>,
        mut coming: mpsc::UnboundedReceiver<Call>,
    ) {
        let (mut read, write) = channel.split();
        let write = Arc::new(write);
        let mut sending: Option<BoxFuture<'static, Result<(), russh::Error>>> = None;
        let mut alarm = clock::Alarm::default();
        loop {
            self.drain();
            if self.failed.is_some() {
                break;
            }
            if sending.is_none()
                && let Some(bytes) = self.piece()
            {
                let write = write.clone();
                sending = Some(Box::pin(async move { write.data_bytes(bytes).await }));
            }
            let most = self.silence.most();
            let deadline = (!self.waiting.is_empty()).then(|| self.silence.since + most);
            tokio::select! {
                said = read.wait() => match said {
                    Some(ChannelMsg::Data { data }) => {
                        self.silence.since = clock::now();
                        self.session.take(&data);
                    }
                    Some(ChannelMsg::Failure) => self.session.end(Reason::NoSftp.into()),
                    // What never began is not there: some servers start it only to find that out.
                    Some(ChannelMsg::Close | ChannelMsg::Eof) if self.ready.is_some() => self.session.end(Reason::NoSftp.into()),
                    None | Some(ChannelMsg::Close | ChannelMsg::Eof) => self.session.end(Reason::Disconnected.into()),
                    Some(_) => {}
                },
                sent = async { match &mut sending { Some(sending) => sending.await, None => std::future::pending().await } } => {
                    sending = None;
                    if let Err(e) = sent {
                        self.session.end(lost(e));
                    }
                }
                called = coming.recv() => match called {
                    Some(call) => self.asked(call),
                    None => break,
                },
                () = alarm.wait(deadline) => self.session.end(silent("the server's answer", most)),
            }
        }
        coming.close();
        if self.is_first {
            self.record.end(self.failed.as_ref());
        }
        let why = self.failed.take().unwrap_or_else(|| Reason::Disconnected.into());
        while let Some(call) = coming.recv().await {
            call.to.tell(Err(why.clone()));
        }
        drop(transport);
    }

    fn asked(&mut self, Call { make, to, takes_long }: Call) {
        self.calls += 1;
        let call = CallId(self.calls);
        if self.waiting.is_empty() {
            self.silence.since = clock::now();
        }
        if takes_long {
            self.silence.long.insert(call);
        }
        self.waiting.insert(call, to);
        make(&mut self.session, call);
    }

    fn drain(&mut self) {
        while let Some(output) = self.session.poll() {
            match output {
                Output::Said(line) => self.record.note(|| What::Command(line)),
                Output::Heard(line) => self.record.note(|| What::Reply(line)),
                Output::Send(bytes) => self.unsent.push_back(bytes),
                Output::Ready(server) => {
                    if let Some(ready) = self.ready.take() {
                        let _ = ready.send(Ok(server)); // whoever opened it may have gone
                    }
                }
                Output::Answer(call, outcome) => {
                    self.silence.long.remove(&call);
                    if let Some(to) = self.waiting.remove(&call) {
                        to.tell(outcome);
                    }
                }
                Output::Close(error) => {
                    if let Some(ready) = self.ready.take() {
                        let _ = ready.send(Err(error.clone()));
                    }
                    self.failed = Some(error);
                }
            }
        }
    }

    /// The next bytes to send: small ones together, large ones as they are.
    fn piece(&mut self) -> Option<Bytes> {
        let first = self.unsent.pop_front()?;
        match self.unsent.front() {
            Some(next) if first.len() + next.len() <= PIECE => {}
            _ => return Some(first),
        }
        let mut piece = BytesMut::from(first);
        while self.unsent.front().is_some_and(|next| piece.len() + next.len() <= PIECE) {
            if let Some(next) = self.unsent.pop_front() {
                piece.extend_from_slice(&next);
            }
        }
        Some(piece.freeze())
    }
}
