//! What do all listeners have in common: how they accept, who is at the other end, and how they are stopped?

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use io::listen::Incoming;
use io::stream::Fresh;
use io::task::{Children, Workers};
use io::{clock, listen, proxy};
use ipnet::IpNet;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// How long a balancer may take to say who the client is.
const PROXY_WITHIN: Duration = Duration::from_secs(5);

/// How a listener is stopped.
#[derive(Clone, Debug)]
pub struct Stop {
    /// Accept no more; sessions end after what they are doing.
    pub gentle: CancellationToken,
    /// End everything where it stands.
    pub now: CancellationToken,
    /// How long the gentle end may take.
    pub drain_within: Duration,
}

/// An IPv4 address mapped into IPv6 is an IPv4 address.
pub(crate) const fn canonical(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V6(v6) => match v6.ip().to_ipv4_mapped() {
            Some(v4) => SocketAddr::new(IpAddr::V4(v4), v6.port()),
            None => address, // with its scope
        },
        v4 @ SocketAddr::V4(_) => v4,
    }
}

/// Accepts connections until told to stop; each becomes a child task of that name, made of the connection and the settings
/// of the moment, on a reactor that watches the connection from then on. Returns when the last has ended.
pub(crate) async fn accept<L, F: Future<Output = ()> + Send + 'static>(
    socket: TcpListener,
    settings: watch::Receiver<Arc<L>>,
    workers: Workers,
    stop: &Stop,
    name: &'static str,
    session: impl Fn(Fresh, Arc<L>) -> F,
) {
    // Linux hands a listener's options on to what it accepts.
    let _ = listen::prepare_control(&socket);
    // Else the reactor that gives out the work has no room left for anything.
    let Ok(incoming) = Incoming::new(socket) else { return };
    let mut children = Children::new();
    loop {
        let fresh = tokio::select! {
            biased;
            () = stop.gentle.cancelled() => break,
            fresh = incoming.next() => fresh,
        };
        let settings = settings.borrow().clone();
        // Boxed so that a task is as large as its session and not as large as the greatest step of its life.
        children.spawn_on(name, &workers.turn(), &stop.now, Box::pin(session(fresh, settings)));
    }
    drop(incoming); // nobody waits in the queue of a server that is going
    children.drain(clock::now() + stop.drain_within).await;
}

/// The client's address, and the one it came to: from a balancer those that its PROXY header tells. `None` where that
/// header cannot be read.
pub(crate) async fn ends(stream: &mut TcpStream, peer: SocketAddr, proxies: &[IpNet]) -> Option<(SocketAddr, SocketAddr)> {
    let direct = (canonical(peer), canonical(stream.local_addr().ok()?));
    if !proxies.iter().any(|net| net.contains(&direct.0.ip())) {
        return Some(direct);
    }
    match proxy::read_proxy_header(stream, clock::now() + PROXY_WITHIN).await {
        Ok(Some((client, at))) => Some((canonical(client), canonical(at))),
        Ok(None) => Some(direct), // the balancer's own health check
        Err(_) => None,
    }
}
