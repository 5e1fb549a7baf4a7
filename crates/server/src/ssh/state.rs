//! What is known of a connection: shared by the transport, by who serves its channels, and by who watches over it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use gate::{Access, Guest};
use io::clock;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use trace::record::{Observer, Recorder, SessionInfo};
use types::{Reason, Welcome, What};

use super::{Listener, Starting};

/// The addresses of a connection.
#[derive(Clone, Copy)]
pub(super) struct Ends {
    /// The client.
    pub(super) peer: SocketAddr,
    /// Where it came to.
    pub(super) local: SocketAddr,
}

/// Who has logged in.
pub(super) struct Entered {
    pub(super) access: Access,
    pub(super) welcome: Welcome,
}

pub(super) struct State {
    pub(super) guest: Guest,
    pub(super) listener: Arc<Listener>,
    /// Ends the connection and all that serves its channels.
    pub(super) token: CancellationToken,
    /// Something happened that whoever watches wants to know.
    pub(super) changed: Notify,
    entered: OnceLock<Entered>,
    why: OnceLock<Reason>,
    /// Events come from the transport and from every channel.
    recorder: Mutex<Recorder>,
    began: Instant,
    /// When something moved last, in milliseconds since it began.
    moved: AtomicU64,
    /// Channels that are served.
    channels: AtomicUsize,
    /// Given back with the login.
    starting: Mutex<Option<Starting>>,
}

impl State {
    pub(super) fn new(
        guest: Guest,
        ends: Ends,
        listener: Arc<Listener>,
        observer: Arc<dyn Observer>,
        starting: Starting,
        token: CancellationToken,
    ) -> Arc<Self> {
        let info = SessionInfo {
            id: guest.id(),
            protocol: "sftp",
            listener: listener.name.clone(),
            peer: ends.peer,
            local: ends.local,
            user: None,
        };
        let mut recorder = Recorder::new(info, observer, listener.record);
        recorder.record(Duration::ZERO, What::Accepted(ends.peer, ends.local));
        Arc::new(Self {
            guest,
            listener,
            token,
            changed: Notify::new(),
            entered: OnceLock::new(),
            why: OnceLock::new(),
            recorder: Mutex::new(recorder),
            began: clock::now(),
            moved: AtomicU64::new(0),
            channels: AtomicUsize::new(0),
            starting: Mutex::new(Some(starting)),
        })
    }

    /// How long it has been here.
    pub(super) fn now(&self) -> Duration {
        clock::now().saturating_duration_since(self.began)
    }

    /// The moment it began.
    pub(super) const fn began(&self) -> Instant {
        self.began
    }

    /// Records what happened, one behind the other: an ask and its answer belong together.
    pub(super) fn note<const N: usize>(&self, events: impl FnOnce() -> [What; N]) {
        let now = self.now();
        let mut recorder = self.recorder.lock().unwrap_or_else(PoisonError::into_inner);
        if recorder.is_on() {
            for what in events() {
                recorder.record(now, what);
            }
        }
    }

    /// Whether anybody looks at what is recorded.
    pub(super) fn watched(&self) -> bool {
        self.recorder.lock().unwrap_or_else(PoisonError::into_inner).is_on()
    }

    /// Somebody has logged in.
    pub(super) fn enter(&self, access: Access, welcome: Welcome) {
        self.recorder.lock().unwrap_or_else(PoisonError::into_inner).set_user(Some((*welcome.user).into()));
        self.starting.lock().unwrap_or_else(PoisonError::into_inner).take();
        let _ = self.entered.set(Entered { access, welcome });
        self.touch();
        self.changed.notify_one();
    }

    /// Who it is, once that is known.
    pub(super) fn entered(&self) -> Option<&Entered> {
        self.entered.get()
    }

    /// It is to end, and why. The first reason counts.
    pub(super) fn end(&self, reason: Reason) {
        let _ = self.why.set(reason);
        self.changed.notify_one();
    }

    /// Why it is to end, if it is.
    pub(super) fn why(&self) -> Option<Reason> {
        self.why.get().copied()
    }

    /// Something moved.
    pub(super) fn touch(&self) {
        let now = u64::try_from(self.now().as_millis()).unwrap_or(u64::MAX);
        self.moved.store(now, Ordering::Relaxed);
    }

    /// When it has been silent for too long, if nothing moves until then.
    pub(super) fn idle_at(&self) -> Instant {
        let seconds = self.entered().and_then(|e| e.welcome.idle).unwrap_or_else(|| self.guest.idle_seconds());
        self.began + Duration::from_millis(self.moved.load(Ordering::Relaxed)) + Duration::from_secs(seconds)
    }

    /// How many channels are served.
    pub(super) fn channels(&self) -> usize {
        self.channels.load(Ordering::Acquire)
    }

    /// A channel is served from now on, until what comes back is dropped.
    pub(super) fn serving(self: &Arc<Self>) -> Serving {
        self.channels.fetch_add(1, Ordering::AcqRel);
        Serving(self.clone())
    }
}

/// A channel is served.
pub(super) struct Serving(Arc<State>);

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.channels.fetch_sub(1, Ordering::AcqRel);
        self.0.changed.notify_one();
    }
}
