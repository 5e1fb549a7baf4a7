//! How is a server reached that may have many addresses? Tried one after the other, each with a short lead (RFC 8305).

use std::future::poll_fn;

use std::net::{IpAddr, SocketAddr};
use std::task::Poll;
use std::time::{Duration, Instant};

use io::body::BoxFuture;
use io::clock;
use io::udp::like;
use tokio::net::{TcpSocket, TcpStream};
use types::{Error, Reason};

/// The lead an attempt has before the next address is tried beside it (RFC 8305 §5).
const LEAD: Duration = Duration::from_millis(250);

/// Which addresses are used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Family {
    /// All.
    #[default]
    Any,
    /// IPv4 only.
    V4,
    /// IPv6 only.
    V6,
    /// Those of this address's family; connections go out from it, which is one of this machine.
    From(IpAddr),
}

impl Family {
    const fn takes(self, address: &SocketAddr) -> bool {
        match self {
            Self::Any => true,
            Self::V4 => address.is_ipv4(),
            Self::V6 => address.is_ipv6(),
            Self::From(own) => address.is_ipv6() == own.is_ipv6(),
        }
    }

    /// Our own end, where it was said.
    pub const fn own(self) -> Option<IpAddr> {
        match self {
            Self::From(own) => Some(own),
            _ => None,
        }
    }

    /// Connects to one address.
    ///
    /// # Errors
    /// The system's; that our own end cannot be had is said as such.
    pub(crate) async fn connect(self, to: SocketAddr) -> std::io::Result<TcpStream> {
        let Some(own) = self.own() else { return TcpStream::connect(to).await };
        if own.is_ipv6() != to.is_ipv6() {
            return Err(std::io::Error::other(format!("it is not of the family of {own}")));
        }
        let socket = if own.is_ipv6() { TcpSocket::new_v6() } else { TcpSocket::new_v4() }?;
        let bound = socket.bind(like(own, to));
        bound.map_err(|e| std::io::Error::other(format!("nothing can go out from {own}: {e}")))?;
        socket.connect(to).await
    }
}

/// Connects to a host by name or address.
///
/// # Errors
/// [`Reason::Unreachable`] with each address and why, [`Reason::TooSlow`] where `within` is over.
pub async fn connect(host: &str, port: u16, family: Family, within: Duration) -> Result<TcpStream, Error> {
    let deadline = clock::now() + within;
    let work = async { race(addresses(host, port, family).await?, family).await };
    tokio::time::timeout_at(deadline.into(), work)
        .await
        .map_err(|_| too_slow(&format!("connection to {host} port {port}"), within))?
}

/// A wait that took too long.
pub(crate) fn too_slow(awaited: &str, within: Duration) -> Error {
    Error::with(Reason::TooSlow, format!("waiting for: {awaited}, {} s", within.as_secs_f64()))
}

/// The addresses of a host, in the order they are tried.
///
/// # Errors
/// [`Reason::Unreachable`] where there is none.
pub(crate) async fn addresses(host: &str, port: u16, family: Family) -> Result<Vec<SocketAddr>, Error> {
    let found = tokio::net::lookup_host((host, port)).await;
    let found = found.map_err(|e| Error::with(Reason::Unreachable, format!("the name {host} is not known: {e}")))?;
    let addresses: Vec<_> = found.filter(|address| family.takes(address)).collect();
    if addresses.is_empty() {
        return Err(Error::with(Reason::Unreachable, format!("{host} has no address of the family that was asked for")));
    }
    Ok(interleaved(addresses))
}

/// The two families take turns, beginning with the one the resolver put first (RFC 8305 §4).
fn interleaved(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (mut own, mut other): (Vec<_>, Vec<_>) = addresses.into_iter().partition(|a| a.is_ipv6() == first_is_v6);
    let mut order = Vec::with_capacity(own.len() + other.len());
    let (mut own, mut other) = (own.drain(..), other.drain(..));
    loop {
        let pair = (own.next(), other.next());
        if pair == (None, None) {
            return order;
        }
        order.extend(pair.0.into_iter().chain(pair.1));
    }
}

/// The first connection that stands; the others are dropped.
async fn race(addresses: Vec<SocketAddr>, family: Family) -> Result<TcpStream, Error> {
    type Attempt = (SocketAddr, BoxFuture<'static, std::io::Result<TcpStream>>);
    let mut waiting = addresses.into_iter();
    let mut running: Vec<Attempt> = Vec::new();
    let mut failures = Vec::new();
    let mut next: Instant = clock::now();
    loop {
        if running.is_empty() || clock::now() >= next {
            if let Some(address) = waiting.next() {
                running.push((address, Box::pin(family.connect(address))));
            } else if running.is_empty() {
                return Err(Error::with(Reason::Unreachable, failures.join("; ")));
            }
            next = clock::now() + LEAD;
        }
        let lead_is_over = async {
            if waiting.len() == 0 {
                std::future::pending::<()>().await;
            }
            clock::sleep_until(next).await;
        };
        let one = poll_fn(|cx| {
            for (at, (address, attempt)) in running.iter_mut().enumerate() {
                if let Poll::Ready(result) = attempt.as_mut().poll(cx) {
                    return Poll::Ready((at, *address, result));
                }
            }
            Poll::Pending
        });
        tokio::select! {
            (at, address, result) = one => {
                drop(running.swap_remove(at));
                match result {
                    Ok(stream) => return Ok(stream),
                    Err(e) => failures.push(format!("{address}: {e}")),
                }
                next = clock::now(); // no lead for one that is out of the race
            }
            () = lead_is_over => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn families_take_turns() {
        let found = ["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1"].map(at).to_vec();
        assert_eq!(interleaved(found), ["[::1]:1", "1.1.1.1:1", "[::2]:1", "[::3]:1"].map(at));
        assert_eq!(interleaved(vec![at("1.1.1.1:1"), at("[::1]:1")]), [at("1.1.1.1:1"), at("[::1]:1")]);
    }

    #[tokio::test]
    async fn the_address_that_answers_wins_and_failures_are_named() {
        let listener = io::listen::bind_tcp(at("127.0.0.1:0")).unwrap();
        let open = listener.local_addr().unwrap();
        let dead = {
            let gone = io::listen::bind_tcp(at("127.0.0.1:0")).unwrap();
            gone.local_addr().unwrap()
        };
        let stream = race(vec![dead, open], Family::Any).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), open);
        let e = race(vec![dead], Family::Any).await.unwrap_err();
        assert!(e.reason == Reason::Unreachable && e.detail.unwrap().contains(&dead.to_string()));
        let e = connect("127.0.0.1", open.port(), Family::V6, Duration::from_secs(5)).await.unwrap_err();
        assert_eq!(e.reason, Reason::Unreachable);
        connect("localhost", open.port(), Family::V4, Duration::from_secs(5)).await.unwrap();
    }

    #[tokio::test]
    async fn it_goes_out_from_where_it_is_told() {
        let listener = io::listen::bind_tcp(at("127.0.0.1:0")).unwrap();
        let port = listener.local_addr().unwrap().port();
        let within = Duration::from_secs(30);
        let from = |own: &str| Family::From(own.parse().unwrap());
        let stream = connect("127.0.0.1", port, from("127.0.0.2"), within).await.unwrap();
        assert_eq!(stream.local_addr().unwrap().ip().to_string(), "127.0.0.2");
        for (own, says) in [("192.0.2.1", "nothing can go out from 192.0.2.1"), ("::1", "no address of the family")] {
            let e = connect("127.0.0.1", port, from(own), within).await.unwrap_err();
            let detail = e.detail.unwrap();
            assert!(e.reason == Reason::Unreachable && detail.contains(says), "{detail}");
        }
    }

    #[tokio::test]
    async fn it_does_not_wait_for_ever() {
        // A listener whose queue is full answers nobody.
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(at("127.0.0.1:0")).unwrap();
        let full = socket.listen(0).unwrap();
        let there = full.local_addr().unwrap();
        let mut held = Vec::new();
        let e = loop {
            match connect("127.0.0.1", there.port(), Family::Any, Duration::from_millis(200)).await {
                Ok(stream) => held.push(stream),
                Err(e) => break e,
            }
            assert!(held.len() < 16, "the queue never fills");
        };
        assert_eq!(e.reason, Reason::TooSlow);
    }
}
