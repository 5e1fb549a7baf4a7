//! FTP as a client: how a session is begun, and what a handle to it can do.

mod call;
mod control;
mod data;
mod digest;
mod exchange;
mod kept;
mod lane;
mod listing;
mod seen;
mod shape;
mod storage;
mod way;
mod zone;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use io::body::{Sink, Source};
use io::meter::Meter;
use io::stream::Stream;
use io::{CancellationToken, clock, listen, task};
use proto::ftp::client::{Operation, Outcome, PutHow, Session, Settings, Tls, Welcome};
use proto::ftp::listing::parse::Item;
use tokio::sync::{mpsc, oneshot};
use trace::record::{Capacity, Observer, Recorder, SessionInfo};
use types::{Error, Reason, SessionId};

use crate::bridge::Work;
use crate::charset::Charset;
use crate::connect::Family;
use crate::failure;
use crate::pool::Lease;
use crate::proxy::Proxy;
use call::{Answer, Body, Call, Message};
use control::{Driver, Stall, Start};
use way::Way;

pub use exchange::{End, exchange};
pub use storage::{Ftp, Root};

/// As many calls as may wait in a queue; who has more to ask waits.
const CALLS: usize = 32;
/// As many pages of a listing as are read ahead.
const PAGES: usize = 4;
/// Longer than any session lives.
const FOR_EVER: Duration = Duration::from_secs(10 * 365 * 86_400);

/// Whom to connect to, and how.
#[derive(Clone)]
pub struct Dial {
    /// A name or an address.
    pub host: Box<str>,
    /// The port.
    pub port: u16,
    /// Which addresses are used.
    pub family: Family,
    /// The proxy that connects in our stead, where one does. Then the server never connects to us: active mode is not tried.
    pub proxy: Option<Arc<Proxy>>,
    /// How the server writes names, where it is not UTF-8. [`Ftp`] heeds it; a [`Connection`] takes names as they go out.
    pub charset: Option<Charset>,
    /// How many seconds the server's clock is ahead of UTC, for listings in its local time. Found out if `None`.
    pub ahead: Option<i64>,
    /// How long until the connection stands.
    pub connect_within: Duration,
    /// How the session behaves. Its limits name all other waits.
    pub settings: Settings,
    /// Whom to trust, and the certificate to show. Needed where the settings want TLS.
    pub tls: Option<io::tls::Client>,
    /// The name that the server's certificate must have, where it is not the host's.
    pub certificate_name: Option<Box<str>>,
    /// The ports that active data connections are waited for on.
    pub active_ports: ActivePorts,
    /// Whether [`Ftp`] may take MODE B where it is the best, whatever the settings' form says: nobody asked for another MODE.
    pub is_mode_free: bool,
    /// Hears of everything that happens: draws the ladder.
    pub observer: Arc<dyn Observer>,
    /// The id that its events carry.
    pub session: SessionId,
}

/// The ports that active data connections are waited for on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ActivePorts {
    /// Any that is free.
    #[default]
    Any,
    /// The first that is free of these, both ends among them.
    Range(u16, u16),
    /// The one next to the control connection's own: firewalls may let it pass.
    NextToControl,
}

impl ActivePorts {
    /// The first and the last to be tried.
    const fn of(self, control: SocketAddr) -> (u16, u16) {
        match self {
            Self::Any => (0, 0),
            Self::Range(first, last) => (first, last),
            Self::NextToControl => {
                // Behind the last port there is none: the one before it will do.
                let next = if control.port() == u16::MAX { u16::MAX - 1 } else { control.port() + 1 };
                (next, next)
            }
        }
    }
}

impl Dial {
    /// How long a connection may take to stand, unless told otherwise.
    pub const CONNECT_WITHIN: Duration = Duration::from_secs(30);

    /// With all as defaults have it.
    pub fn new(host: &str, port: u16, settings: Settings) -> Self {
        Self {
            host: host.into(),
            port,
            family: Family::Any,
            proxy: None,
            charset: None,
            ahead: None,
            connect_within: Self::CONNECT_WITHIN,
            settings,
            tls: None,
            certificate_name: None,
            active_ports: ActivePorts::Any,
            is_mode_free: true,
            observer: Arc::new(trace::Nobody),
            session: SessionId(0),
        }
    }
}

/// What one session learns of a server, for all others.
#[derive(Debug, Default)]
pub(crate) struct Learned {
    /// How many connections it says that it allows; 0 if it does not.
    pub(crate) allowed: AtomicU32,
    /// It refuses data connections that resume no TLS session.
    pub(crate) resuming: AtomicBool,
}

/// A handle to one session with a server: calls queue, and are done one after the other. Clones speak to the same
/// session; when the last is gone, it says good-bye.
#[derive(Clone)]
pub struct Connection {
    calls: mpsc::Sender<Message>,
    welcome: Arc<Welcome>,
    ended: Arc<OnceLock<Error>>,
    gone: CancellationToken,
    learned: Arc<Learned>,
    /// No TLS session is left that a data connection could resume.
    exhausted: Arc<AtomicBool>,
    /// Its data connections cannot be protected any more: TLS sessions are resumed only so often.
    spent: Arc<AtomicBool>,
    /// Something was given up in its midst since this was looked at last.
    given_up: Arc<AtomicBool>,
}

impl Connection {
    /// Connects and logs in. The session's task ends with `parent`.
    ///
    /// # Errors
    /// [`Reason::Unreachable`] and [`Reason::TooSlow`] where there is no connection, [`Reason::LoginRefused`],
    /// [`Reason::TooManyConnections`] and the others of the 7xx where there is no session.
    pub async fn open(dial: &Dial, parent: &CancellationToken) -> Result<Self, Error> {
        Self::open_and_learn(dial, parent, &Arc::default()).await
    }

    /// As [`Connection::open`]; what is learned of the server is put into `learned`.
    pub(crate) async fn open_and_learn(dial: &Dial, parent: &CancellationToken, learned: &Arc<Learned>) -> Result<Self, Error> {
        if dial.settings.tls != Tls::Off && dial.tls.is_none() {
            // Never in clear behind one's back.
            return Err(Error::with(Reason::NotProtected, "TLS was asked for, and not whom to trust"));
        }
        let way = Way::new(dial);
        let tcp = way.connect(&dial.host, dial.port, dial.connect_within).await?;
        let _ = listen::prepare_control(&tcp);
        let ends = (|| Ok((tcp.peer_addr()?, tcp.local_addr()?)))();
        let (peer, local) = ends.map_err(|e: std::io::Error| Error::with(Reason::Unreachable, e.to_string()))?;
        let peer = way.far_end(peer);
        let mut settings = dial.settings.clone();
        settings.utf8 &= dial.charset.is_none();
        if way.is_by_proxy() {
            settings.forms.retain(|form| form.is_passive());
        }
        let limits = Stall {
            progress: settings.limits.progress,
            data_connection: settings.limits.data_connection,
            handshake: settings.limits.handshake,
        };
        // The driver sees whether the network stands still or only our own side: it keeps this limit itself.
        settings.limits.progress = FOR_EVER;
        let info = SessionInfo {
            id: dial.session,
            protocol: "ftp",
            listener: dial.host.as_ref().into(),
            peer: local,
            local: peer,
            user: Some(dial.settings.login.user.as_ref().into()),
        };
        let (calls, inbox) = mpsc::channel(CALLS);
        let (ready, when_ready) = oneshot::channel();
        let exhausted = Arc::new(AtomicBool::new(false));
        let (ended, gone, spent) = (Arc::new(OnceLock::new()), CancellationToken::new(), Arc::new(AtomicBool::new(false)));
        let driver = Driver::new(Start {
            stream: Stream::from(tcp),
            tls: dial
                .tls
                .as_ref()
                .map(|client| (client.session(), dial.certificate_name.clone().unwrap_or_else(|| dial.host.clone()))),
            way,
            peer,
            local,
            session: Session::new(Arc::new(settings), peer, local),
            recorder: Recorder::new(info, dial.observer.clone(), Capacity::NONE),
            calls: inbox,
            ready,
            ended: ended.clone(),
            gone: gone.clone(),
            limits,
            learned: learned.clone(),
            exhausted: exhausted.clone(),
            spent: spent.clone(),
            active_ports: dial.active_ports,
        });
        drop(task::spawn("ftp client", parent, driver.live()));
        match when_ready.await {
            Ok(welcome) => Ok(Self {
                calls,
                welcome: welcome.into(),
                ended,
                gone,
                learned: learned.clone(),
                exhausted,
                spent,
                given_up: Arc::default(),
            }),
            Err(_) => Err(why(&ended)),
        }
    }

    /// What the server told of itself.
    pub fn welcome(&self) -> &Welcome {
        &self.welcome
    }

    /// Whether the session is of no more use: it has ended, or its data connections cannot be protected any more.
    pub fn is_over(&self) -> bool {
        let refused_next = || self.exhausted.load(Ordering::Relaxed) && self.learned.resuming.load(Ordering::Relaxed);
        self.ended.get().is_some() || self.spent.load(Ordering::Relaxed) || refused_next()
    }

    /// Whether the session has ended.
    pub fn has_ended(&self) -> bool {
        self.ended.get().is_some()
    }

    /// How many connections the server said that it allows, if it did.
    pub fn allowed(&self) -> Option<u32> {
        Some(self.learned.allowed.load(Ordering::Relaxed)).filter(|&n| n != 0)
    }

    /// Does an operation that moves nothing.
    ///
    /// # Errors
    /// The server's, or the session's end.
    pub async fn run(&self, operation: Operation) -> Result<Outcome, Error> {
        self.call(operation, Body::None, None).await?.answer().await.result
    }

    /// Receives a file from byte `at` on into `sink` and commits it once the server has confirmed it and all bytes are
    /// there; `expected` is how many there must be. Dropping the future breaks the transfer off.
    ///
    /// # Errors
    /// The server's, the network's or the sink's; what came until then is left with the sink's storage.
    pub async fn receive(&self, get: Get<'_>, sink: Sink, meter: Meter) -> Result<u64, Error> {
        whole(self.call(get.operation(), Body::Into(sink, meter), None).await?.answer().await).await
    }

    /// Sends a file. It is there once this returns; dropping the future breaks the transfer off.
    ///
    /// # Errors
    /// The server's, the network's or the source's.
    pub async fn send(&self, put: Put<'_>, source: Source, meter: Meter) -> Result<u64, Error> {
        self.call(put.operation(), Body::From(source, meter), None).await?.answer().await.result.map(|o| bytes_of(&o))
    }

    /// As [`Connection::receive`], a small file of exactly `size` bytes, beside others over one data connection that stays.
    async fn receive_kept(&self, path: Box<[u8]>, size: u64, sink: Sink, meter: Meter) -> Result<u64, Error> {
        let operation = Operation::Kept { path, size, store: false, modified: None };
        whole(self.call(operation, Body::Into(sink, meter), None).await?.answer().await).await
    }

    /// As [`Connection::send`], a small file ([`Operation::Kept`]) beside others over one data connection that stays.
    async fn send_kept(&self, operation: Operation, source: Source, meter: Meter) -> Result<u64, Error> {
        self.call(operation, Body::From(source, meter), None).await?.answer().await.result.map(|o| bytes_of(&o))
    }

    /// Says good-bye and waits until the session is over, which has its limits.
    pub async fn close(self) {
        if self.calls.send(Message::Quit).await.is_ok() {
            self.gone.cancelled().await;
        }
    }

    /// Whether something was given up in its midst: the server may still be breaking it off. Asked once, it is forgotten.
    pub(crate) fn take_given_up(&self) -> bool {
        self.given_up.swap(false, Ordering::Relaxed)
    }

    /// Waits until nothing is under way any more, or the session is over.
    pub(crate) async fn idle(&self) {
        let (told, hears) = oneshot::channel();
        if self.calls.send(Message::WhenIdle(told)).await.is_ok() {
            let _ = hears.await;
        }
    }

    /// Begins to list a folder.
    async fn list(&self, path: Box<[u8]>) -> Result<(Running, mpsc::Receiver<Vec<Item>>), Error> {
        let (pages, inbox) = mpsc::channel(PAGES);
        Ok((self.call(Operation::List(path), Body::Pages(pages), None).await?, inbox))
    }

    async fn call(&self, operation: Operation, body: Body, begun: Option<oneshot::Sender<()>>) -> Result<Running, Error> {
        let (done, answer) = oneshot::channel();
        let call = Call { operation, body, begun, done };
        self.calls.send(Message::Call(call)).await.map_err(|_| why(&self.ended))?;
        Ok(Running { answer, is_answered: false, ended: self.ended.clone(), given_up: self.given_up.clone() })
    }
}

/// Commits what came whole, and leaves what did not with its storage.
async fn whole(answer: Answer) -> Result<u64, Error> {
    match (answer.result, answer.sink) {
        (Ok(outcome), Some(sink)) => sink.commit().await.map(|()| bytes_of(&outcome)),
        (Ok(_), None) => Err(Error::with(Reason::NotTheProtocol, "the transfer ended before it began")),
        (Err(e), sink) => {
            if let Some(sink) = sink {
                sink.abandon().await;
            }
            Err(e)
        }
    }
}

/// A file to receive.
#[derive(Clone, Copy, Debug)]
pub struct Get<'a> {
    /// Its name, as the server knows it.
    pub path: &'a [u8],
    /// The first byte wanted.
    pub at: u64,
    /// How many bytes must come, where that is known.
    pub expected: Option<u64>,
    /// TYPE A.
    pub ascii: bool,
}

impl Get<'_> {
    fn operation(self) -> Operation {
        Operation::Get { path: self.path.into(), offset: self.at, expected: self.expected, ascii: self.ascii }
    }
}

/// A file to send.
#[derive(Clone, Copy, Debug)]
pub struct Put<'a> {
    /// Its name, as the server shall know it.
    pub path: &'a [u8],
    /// Anew, at the end, or from a byte on.
    pub how: PutHow,
    /// How many bytes will go, where that is known.
    pub expected: Option<u64>,
    /// TYPE A.
    pub ascii: bool,
}

impl Put<'_> {
    fn operation(self) -> Operation {
        Operation::Put { path: self.path.into(), how: self.how, expected: self.expected, ascii: self.ascii }
    }
}

/// A call that runs. Dropping it cancels it.
struct Running {
    answer: oneshot::Receiver<Answer>,
    is_answered: bool,
    ended: Arc<OnceLock<Error>>,
    given_up: Arc<AtomicBool>,
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.is_answered {
            self.given_up.store(true, Ordering::Relaxed);
        }
    }
}

impl Running {
    async fn answer(mut self) -> Answer {
        self.answered().await
    }

    /// The answer, for whoever waits for something else besides; it comes once.
    async fn answered(&mut self) -> Answer {
        let gone = |_| Answer { result: Err(why(&self.ended)), sink: None, rest: Vec::new() };
        let answer = (&mut self.answer).await.unwrap_or_else(gone);
        self.is_answered = true;
        answer
    }

    /// As work that keeps the connection until it is over.
    fn keeping(self, lease: Lease) -> Work {
        Box::pin(async move {
            let answer = self.answer().await;
            drop(lease);
            answer.result.map(drop)
        })
    }
}

/// Why the session is over.
fn why(ended: &OnceLock<Error>) -> Error {
    ended.get().cloned().unwrap_or_else(|| Error::new(Reason::Disconnected))
}

const fn bytes_of(outcome: &Outcome) -> u64 {
    match outcome {
        Outcome::Moved(bytes) => *bytes,
        _ => 0,
    }
}

/// The time of day, which settings need for listings that leave the year out.
pub fn settings(login: proto::ftp::client::Login) -> Settings {
    Settings::new(login, clock::wall())
}

/// Whether the same, tried again later, may work.
pub fn is_passing(error: &Error) -> bool {
    failure::is_passing(error.reason)
}
