//! Who is here and what is moving; closing a session from outside.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Instant;

use io::meter::Meter;
use tokio_util::sync::CancellationToken;
use types::{Direction, Presence, Reason, SessionId, VPath};

use crate::Gate;
use crate::letterbox::Letterbox;
use crate::rules::Limits;
use crate::verdict::Need;

/// What counts as one address: IPv6 hosts own a whole /64 and change within it as they like.
pub(crate) fn address(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(v6) if !v6.is_loopback() => {
            let prefix = v6.to_bits() & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from_bits(prefix))
        }
        other => other,
    }
}

/// One connection, from admission on. Its place is given back when the last of guest, access and permits is gone.
pub(crate) struct Session {
    pub(crate) gate: Arc<Gate>,
    pub(crate) id: SessionId,
    pub(crate) peer: SocketAddr,
    pub(crate) listener: Box<str>,
    pub(crate) since: Instant,
    token: CancellationToken,
    why: OnceLock<Reason>,
    /// Something is in the letterbox.
    pub(crate) has_messages: AtomicBool,
    state: Mutex<State>,
}

/// What changes about a session.
#[derive(Default)]
pub(crate) struct State {
    /// The virtual host it asked for.
    pub(crate) host: Option<Box<str>>,
    /// Who is logged in.
    pub(crate) user: Option<Arc<str>>,
    /// Which login that was: counts up, so that an old one's end does not log out a newer one.
    pub(crate) login: u32,
    /// Failed logins.
    pub(crate) tries: u32,
    /// Messages that wait to be shown, where the session can show any to who is logged in.
    pub(crate) letterbox: Option<Letterbox>,
    /// Transfers under way.
    pub(crate) moving: Vec<Arc<Moving>>,
}

/// A transfer or listing under way.
pub(crate) struct Moving {
    pub(crate) verb: &'static str,
    pub(crate) path: VPath,
    pub(crate) need: Need,
    pub(crate) direction: Direction,
    pub(crate) meter: Meter,
}

impl Session {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) const fn token(&self) -> &CancellationToken {
        &self.token
    }

    /// Ends the session and all that moves in it. The first reason given stays.
    pub(crate) fn end(&self, why: Reason) {
        let _ = self.why.set(why);
        self.token.cancel();
    }

    /// Why it was ended from here, if it was.
    pub(crate) fn why(&self) -> Option<Reason> {
        self.why.get().copied()
    }

    fn presence(&self) -> Presence {
        let state = self.state();
        let doing = match state.moving.last() {
            Some(moving) => format!("{} {}", moving.verb, moving.path),
            None => "idle".to_owned(),
        };
        Presence {
            session: self.id.to_string().into(),
            user: state.user.as_deref().unwrap_or_default().into(),
            peer: self.peer.to_string().into(),
            doing: doing.into(),
            seconds: io::clock::now().saturating_duration_since(self.since).as_secs(),
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.gate.door.leave(self.id, address(self.peer.ip()));
    }
}

/// All sessions there are.
pub(crate) struct Door {
    table: Mutex<Table>,
}

struct Table {
    sessions: HashMap<SessionId, Weak<Session>>,
    addresses: HashMap<IpAddr, u32>,
    next: u32,
}

impl Door {
    pub(crate) fn new() -> Self {
        // A start nobody can foretell, so that ids of two runs are not mixed up: std's hash keys are random.
        let next = RandomState::new().hash_one(0) as u32;
        Self { table: Mutex::new(Table { sessions: HashMap::new(), addresses: HashMap::new(), next }) }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a place to a new session, if there is one.
    pub(crate) fn enter(
        &self,
        gate: &Arc<Gate>,
        limits: &Limits,
        listener: &str,
        peer: SocketAddr,
        host: Option<Box<str>>,
    ) -> Result<Arc<Session>, Reason> {
        let from = address(peer.ip());
        let mut table = self.table();
        if table.sessions.len() >= limits.sessions as usize {
            return Err(Reason::TooManySessions);
        }
        let here = table.addresses.get(&from).copied().unwrap_or(0);
        if here >= limits.sessions_per_address {
            return Err(Reason::TooManyFromAddress);
        }
        // Ids wrap around after four thousand million sessions; one that is still in use is passed over.
        let id = loop {
            let id = SessionId(table.next);
            table.next = table.next.wrapping_add(1);
            if !table.sessions.contains_key(&id) {
                break id;
            }
        };
        let session = Arc::new(Session {
            gate: gate.clone(),
            id,
            peer,
            listener: listener.into(),
            since: io::clock::now(),
            token: CancellationToken::new(),
            why: OnceLock::new(),
            has_messages: AtomicBool::new(false),
            state: Mutex::new(State { host, ..State::default() }),
        });
        table.sessions.insert(id, Arc::downgrade(&session));
        table.addresses.insert(from, here + 1);
        Ok(session)
    }

    fn leave(&self, id: SessionId, from: IpAddr) {
        let mut table = self.table();
        table.sessions.remove(&id);
        if let Some(n) = table.addresses.get_mut(&from) {
            *n = n.saturating_sub(1);
            if *n == 0 {
                table.addresses.remove(&from);
            }
        }
    }

    /// Everybody who is here. The handles are to be dropped outside of any lock of this door.
    pub(crate) fn all(&self) -> Vec<Arc<Session>> {
        self.table().sessions.values().filter_map(Weak::upgrade).collect()
    }

    pub(crate) fn find(&self, id: SessionId) -> Option<Arc<Session>> {
        self.table().sessions.get(&id).and_then(Weak::upgrade)
    }

    pub(crate) fn count(&self) -> usize {
        self.table().sessions.len()
    }
}

impl Gate {
    /// Everybody who is here, the one who came first in front.
    pub fn who(&self) -> Vec<Presence> {
        self.who_as(None)
    }

    /// As [`Gate::who`], of one user alone if one is given.
    pub(crate) fn who_as(&self, user: Option<&str>) -> Vec<Presence> {
        let mut sessions = self.door.all();
        sessions.sort_by_key(|s| (s.since, s.id));
        sessions
            .iter()
            .filter(|s| user.is_none_or(|user| s.state().user.as_deref() == Some(user)))
            .map(|s| s.presence())
            .collect()
    }

    /// How many sessions there are.
    pub fn present(&self) -> usize {
        self.door.count()
    }

    /// Closes a session and all that moves in it. False where there is none of that id.
    pub fn kick(&self, id: SessionId) -> bool {
        let session = self.door.find(id);
        if let Some(session) = &session {
            session.end(Reason::Kicked);
        }
        session.is_some()
    }
}

impl Session {
    /// Itself alone, for those who may see nobody else.
    pub(crate) fn alone(&self) -> Vec<Presence> {
        vec![self.presence()]
    }
}
