//! SSH: the accept loop of a listener, and one task that watches over each connection. Only file transfer is served:
//! the subsystem `sftp` and `scp`.

mod channel;
mod digests;
mod drive;
mod inlet;
pub mod keys;
mod login;
mod state;
mod transport;
mod turns;
mod wire;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use gate::Gate;
use io::stream::Fresh;
use io::task::Workers;
use ipnet::IpNet;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use trace::record::{Capacity, Observer};
use types::Reason;

use crate::listen::{self, Stop};
use keys::HostKey;
use state::{Ends, State};

/// What a listener needs to know, apart from its socket. Replaced whole on reload: sessions keep what they began with.
pub struct Listener {
    /// Its name in the configuration and in the rules.
    pub name: Arc<str>,
    /// What SSH itself goes by: algorithms, keys, limits.
    pub terms: Terms,
    /// How long the login may take, from the first byte on.
    pub login_within: Duration,
    /// How long a client may read nothing of what it asked for.
    pub stall_after: Duration,
    /// Balancers that tell the client's address in a PROXY header; connections from elsewhere are direct.
    pub proxies: Vec<IpNet>,
    /// How much of each session's events is kept.
    pub record: Capacity,
    /// Channels of one connection at once.
    pub channels: usize,
    /// Files and folders open at once on one channel.
    pub handles: u32,
    /// Connections that are not logged in, at once.
    pub startups: usize,
    /// How many there are now; shared with the settings before a reload.
    pub starting: Arc<AtomicUsize>,
    /// How clients are let in here.
    pub ways: Ways,
}

/// What SSH itself goes by, made once and shared by all sessions.
#[derive(Clone)]
pub struct Terms(transport::Config);

impl Terms {
    /// With these host keys, and the version to tell in the greeting. `rekey_bytes`: after so many bytes in one direction keys are
    /// exchanged anew, 1 GiB at most.
    pub fn new(keys: &[HostKey], version: &str, ways: Ways, rekey_bytes: usize) -> Self {
        Self(transport::config(keys, version, ways, rekey_bytes))
    }
}

/// How clients are let in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ways {
    /// By a public key or its certificate.
    pub key: bool,
    /// By a password, and by keyboard-interactive, which asks for the same.
    pub password: bool,
}

impl Default for Ways {
    fn default() -> Self {
        Self { key: true, password: true }
    }
}

/// Accepts connections until told to stop; each becomes a child task. Returns when the last has ended.
pub async fn serve(
    socket: TcpListener,
    listener: watch::Receiver<Arc<Listener>>,
    gate: Arc<Gate>,
    observer: Arc<dyn Observer>,
    workers: Workers,
    stop: Stop,
) {
    let (now, gentle) = (stop.now.clone(), stop.gentle.clone());
    // Its own token ends what it has begun, so that nothing is left when it is dropped.
    let session = |fresh, listener| session(fresh, listener, (gate.clone(), observer.clone()), gentle.clone(), now.clone());
    listen::accept(socket, listener, workers, &stop, "ssh session", session).await;
}

/// A place among the connections that are not logged in.
pub(super) struct Starting(Arc<AtomicUsize>);

impl Starting {
    fn take(listener: &Listener) -> Option<Self> {
        let count = &listener.starting;
        let room = |n: usize| (n < listener.startups).then_some(n + 1);
        count.fetch_update(Ordering::AcqRel, Ordering::Acquire, room).ok().map(|_| Self(count.clone()))
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

async fn session(
    fresh: Fresh,
    listener: Arc<Listener>,
    (gate, observer): (Arc<Gate>, Arc<dyn Observer>),
    gentle: CancellationToken,
    now: CancellationToken,
) {
    let peer = fresh.peer();
    let Ok(mut stream) = fresh.watch() else { return };
    let Some((peer, local)) = listen::ends(&mut stream, peer, &listener.proxies).await else { return };
    let ends = Ends { peer, local };
    let Some(starting) = Starting::take(&listener) else {
        return turn_away(stream, Reason::SshStartups).await;
    };
    match gate.admit(&listener.name, ends.peer, ends.local) {
        Ok(guest) => {
            let state = State::new(guest, ends, listener, observer, starting, now.child_token());
            transport::run(stream, state, gentle).await;
        }
        Err(reason) => turn_away(stream, reason).await,
    }
}

/// Says why a connection is not let in, before SSH begins (RFC 4253 section 4.2 has room for such lines), and closes it.
async fn turn_away(mut stream: TcpStream, reason: Reason) {
    let line = format!("{} ({}).\r\n", reason.cause(), reason.code());
    let _ = tokio::time::timeout(LAST_WORDS, stream.write_all(line.as_bytes())).await;
    let _ = tokio::time::timeout(LAST_WORDS, stream.shutdown()).await;
}

/// How long a closing connection may take to hear why.
const LAST_WORDS: Duration = Duration::from_secs(5);
