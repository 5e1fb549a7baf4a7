//! The door before login: who may connect at all, and which virtual host a guest asks for (RFC 7151).

use std::net::SocketAddr;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use types::{Reason, SessionId};

use crate::Gate;
use crate::presence::{Session, address};

/// One admitted connection. Holds its place among the sessions until it, its access and its permits are gone.
#[derive(Clone)]
pub struct Guest(pub(crate) Arc<Session>);

/// What a guest hears.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HostGreeting {
    /// Lines to greet with.
    pub banner: Vec<Box<str>>,
}

impl Gate {
    /// Lets a connection in, or says why not. `local` is the address it came to.
    ///
    /// # Errors
    /// [`Reason::ShuttingDown`], [`Reason::Banned`], [`Reason::AddressNotAllowed`], [`Reason::TooManySessions`],
    /// [`Reason::TooManyFromAddress`].
    pub fn admit(self: &Arc<Self>, listener: &str, peer: SocketAddr, _local: SocketAddr) -> Result<Guest, Reason> {
        let admitted = self.let_in(listener, peer);
        match &admitted {
            Ok(_) => self.counters.admitted(),
            Err(reason) => self.counters.refused(*reason),
        }
        admitted
    }

    fn let_in(self: &Arc<Self>, listener: &str, peer: SocketAddr) -> Result<Guest, Reason> {
        if self.stopping() {
            return Err(Reason::ShuttingDown);
        }
        if self.failures.banned(address(peer.ip()), io::clock::now()) {
            return Err(Reason::Banned);
        }
        let force = self.force.load();
        if !force.lets_in(listener, peer.ip()) {
            return Err(Reason::AddressNotAllowed);
        }
        let host = force.rules.listeners.get(listener).and_then(|l| l.host.clone());
        self.door.enter(self, &force.rules.limits, listener, peer, host).map(Guest)
    }
}

impl Guest {
    /// The id that stands on everything about this session.
    pub fn id(&self) -> SessionId {
        self.0.id
    }

    /// The peer.
    pub fn peer(&self) -> SocketAddr {
        self.0.peer
    }

    /// What greets the guest: its host's banner, else the server's.
    pub fn greeting(&self) -> HostGreeting {
        let force = self.0.gate.force.load();
        let state = self.0.state();
        let host = state.host.as_deref().and_then(|name| force.host(name)).filter(|host| !host.banner.is_empty());
        HostGreeting { banner: host.map_or_else(|| force.rules.banner.clone(), |host| host.banner.clone()) }
    }

    /// Asks for a virtual host by its name, in either case; an address literal (`[::1]`, `192.0.2.1`) is no name
    /// and means the listener's own host (RFC 7151 section 3.1).
    ///
    /// # Errors
    /// [`Reason::UnknownHost`]; the guest's host is then as it was.
    pub fn host(&self, name: &str) -> Result<HostGreeting, Reason> {
        let force = self.0.gate.force.load();
        let name = name.trim().trim_end_matches('.').to_ascii_lowercase();
        let literal = name.trim_start_matches('[').trim_end_matches(']');
        if literal.parse::<std::net::IpAddr>().is_ok() {
            self.0.state().host = force.rules.listeners.get(&self.0.listener).and_then(|l| l.host.clone());
        } else if force.host(&name).is_some() {
            self.0.state().host = Some(name.into());
        } else {
            self.0.gate.counters.refused(Reason::UnknownHost);
            return Err(Reason::UnknownHost);
        }
        drop(force);
        Ok(self.greeting())
    }

    /// Cancelled when the session is to end: kicked, its user removed, or the server going down.
    pub fn revoked(&self) -> CancellationToken {
        self.0.token().clone()
    }

    /// Why it is to end, once it is.
    pub fn why(&self) -> Option<Reason> {
        self.0.why()
    }

    /// Seconds of silence before the session is closed, where its user has no limit of its own.
    pub fn idle_seconds(&self) -> u64 {
        self.0.gate.force.load().rules.limits.idle_seconds
    }
}
