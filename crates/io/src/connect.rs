//! How is an active data connection made? From our own address and, where we may, the configured source port
//! (RFC 959 §3.2, 20 by default).

use std::io;
use std::net::SocketAddr;
use std::time::Instant;

use rustix::io::Errno;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpSocket, TcpStream};
use types::Reason;

/// Connects from `local` to `remote`. The source port is tried first and, where it cannot be had (no right to it, or
/// the same pair of ports is still in use), any port is taken: that is better than no data connection.
///
/// # Errors
/// [`Reason::DataRefused`] where the peer says no, [`Reason::DataFamily`] where the two addresses do not go
/// together, [`Reason::DataUnreachable`] for all else, the deadline among it.
pub async fn connect_active(local: SocketAddr, remote: SocketAddr, deadline: Instant) -> Result<TcpStream, Reason> {
    if local.is_ipv4() != remote.is_ipv4() {
        return Err(Reason::DataFamily);
    }
    let any_port = SocketAddr::new(local.ip(), 0);
    let tries = async {
        let first = bound(local).or_else(|e| if local.port() == 0 { Err(e) } else { bound(any_port) });
        match connect(first, remote).await {
            // The pair of ports is taken by an earlier connection that has not been forgotten yet.
            Err(e) if local.port() != 0 && pair_taken(&e) => connect(bound(any_port), remote).await,
            other => other,
        }
    };
    match tokio::time::timeout_at(deadline.into(), tries).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(e)) if e.kind() == io::ErrorKind::ConnectionRefused => Err(Reason::DataRefused),
        Ok(Err(_)) | Err(_) => Err(Reason::DataUnreachable),
    }
}

fn pair_taken(e: &io::Error) -> bool {
    matches!(Errno::from_io_error(e), Some(Errno::ADDRNOTAVAIL | Errno::ADDRINUSE))
}

fn bound(local: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(local), Type::STREAM.nonblocking().cloexec(), Some(Protocol::TCP))?;
    // Many connections leave from one port, each to another peer.
    socket.set_reuse_address(true)?;
    socket.bind(&local.into())?;
    Ok(socket)
}

async fn connect(socket: io::Result<Socket>, remote: SocketAddr) -> io::Result<TcpStream> {
    TcpSocket::from_std_stream(socket?.into()).connect(remote).await
}

#[cfg(test)]
mod tests {
    use super::connect_active;
    use crate::clock;
    use std::net::SocketAddr;
    use std::time::Duration;
    use tokio::net::TcpListener;
    use types::Reason;

    fn local(port: u16) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    #[tokio::test]
    async fn many_leave_from_one_port() {
        let deadline = clock::now() + Duration::from_secs(5);
        // A port that nobody listens on: bound once to learn a free number.
        let source = {
            let l = std::net::TcpListener::bind(local(0)).unwrap();
            l.local_addr().unwrap().port()
        };
        let mut held = Vec::new();
        for _ in 0..3 {
            let listener = TcpListener::bind(local(0)).await.unwrap();
            let out = connect_active(local(source), listener.local_addr().unwrap(), deadline).await.unwrap();
            assert_eq!(listener.accept().await.unwrap().1.port(), source);
            held.push((out, listener));
        }
        // The same pair of ports again: falls back to another source port.
        let (_, listener) = &held[0];
        let out = connect_active(local(source), listener.local_addr().unwrap(), deadline).await.unwrap();
        assert_ne!(out.local_addr().unwrap().port(), source);
    }

    #[tokio::test]
    async fn refusals_and_families_are_told_apart() {
        let deadline = clock::now() + Duration::from_secs(5);
        let closed = std::net::TcpListener::bind(local(0)).unwrap().local_addr().unwrap();
        assert_eq!(connect_active(local(0), closed, deadline).await.unwrap_err(), Reason::DataRefused);
        let six: SocketAddr = "[::1]:9".parse().unwrap();
        assert_eq!(connect_active(local(0), six, deadline).await.unwrap_err(), Reason::DataFamily);
        let broadcast: SocketAddr = "255.255.255.255:9".parse().unwrap();
        assert_eq!(connect_active(local(0), broadcast, deadline).await.unwrap_err(), Reason::DataUnreachable);
    }
}
