//! FTP: the accept loop of a listener, and one task for each control connection.

mod announce;
mod asks;
mod control;
mod data;
mod exchange;
mod listing;
mod protect;
mod replies;
mod shape;
mod single;
mod thumbnail;
mod transfers;
pub(crate) mod words;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use gate::Gate;
use io::gss::Mechanism;
use io::ports::Pool;
use io::stream::{Fresh, Stream};
use io::task::Workers;
use ipnet::IpNet;
use proto::ftp::server::Settings;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use trace::record::{Capacity, Observer};

use crate::listen::{self, Stop, canonical};

pub use announce::{Announce, Public};
pub use protect::{Protection, Reuse};
pub use single::SinglePort;

/// What a listener needs to know, apart from its socket. Replaced whole on reload: sessions keep what they began with.
pub struct Listener {
    /// Its name in the configuration and in the rules.
    pub name: Arc<str>,
    /// What its sessions say and allow.
    pub session: Arc<Settings>,
    /// Passwords in clear: never mind from where, or only from loopback.
    pub plain_login: PlainLogin,
    /// What goes for TLS, where there is any.
    pub tls: Option<Protection>,
    /// What takes Kerberos tickets, where there is any.
    pub gss: Option<Arc<dyn Mechanism>>,
    /// The permanent passive listeners, shared with every other listener that names the same ports.
    pub pool: Option<Pool>,
    /// Which address passive replies announce.
    pub announce: Announce,
    /// The port active data connections leave from; 0 for any.
    pub active_port: u16,
    /// How long a data connection may take to come about.
    pub connect_within: Duration,
    /// How long a data connection may stand still, and how long replies may wait for a client that reads none.
    pub stall_after: Duration,
    /// Balancers that tell the client's address in a PROXY header; connections from elsewhere are direct.
    pub proxies: Vec<IpNet>,
    /// How much of each session's events is kept.
    pub record: Capacity,
    /// Connections that wait to become data connections (SPSV).
    pub single: SinglePort,
}

/// Whether passwords are taken in clear (promise 8).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PlainLogin {
    /// From everywhere.
    Allow,
    /// Only from this machine.
    Loopback,
    /// From nowhere.
    Refuse,
}

/// Accepts control connections until told to stop; each becomes a child task. Returns when the last has ended.
pub async fn serve(
    socket: TcpListener,
    listener: watch::Receiver<Arc<Listener>>,
    gate: Arc<Gate>,
    observer: Arc<dyn Observer>,
    workers: Workers,
    stop: Stop,
) {
    let gentle = stop.gentle.clone();
    let session = |fresh, listener| session(fresh, listener, gate.clone(), observer.clone(), gentle.clone());
    listen::accept(socket, listener, workers, &stop, "ftp session", session).await;
}

async fn session(fresh: Fresh, listener: Arc<Listener>, gate: Arc<Gate>, observer: Arc<dyn Observer>, stop: CancellationToken) {
    // Boxed: what only the beginning needs is gone when the session lives.
    if let Some(control) = Box::pin(begin(fresh, listener, gate, observer, stop)).await {
        control.live().await;
    }
}

/// Finds out who is there; `None` where it was nobody, or nobody to let in.
async fn begin(
    fresh: Fresh,
    listener: Arc<Listener>,
    gate: Arc<Gate>,
    observer: Arc<dyn Observer>,
    stop: CancellationToken,
) -> Option<Box<control::Control>> {
    let wire = canonical(fresh.peer());
    let mut stream = fresh.watch().ok()?;
    let (peer, local) = listen::ends(&mut stream, wire, &listener.proxies).await?;
    let ends = Ends { peer, local, wire };
    match gate.admit(&listener.name, ends.peer, ends.local) {
        Ok(guest) => Some(control::session(Stream::from(stream), ends, listener, guest, observer, stop)),
        Err(reason) => {
            control::turn_away(Stream::from(stream), reason).await;
            None
        }
    }
}

/// The addresses of a control connection.
#[derive(Clone, Copy)]
struct Ends {
    /// The client.
    peer: SocketAddr,
    /// Where it came to.
    local: SocketAddr,
    /// Who is at the other end of the TCP connection: the client, or the balancer before it.
    wire: SocketAddr,
}
