//! Where do connections come in? Binding, inherited sockets, and an accept that never gives up.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::io::Errno;
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use tokio::io::Interest;
use tokio::net::{TcpListener, TcpStream};

use crate::stream::Fresh;

/// Connections that may wait to be accepted. The kernel cuts it to `net.core.somaxconn`.
const BACKLOG: i32 = 4096;

/// Listens on an address. The IPv6 wildcard takes IPv4 as well.
///
/// # Errors
/// The system's: taken, or not allowed.
pub fn bind_tcp(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM.nonblocking().cloexec(), Some(Protocol::TCP))?;
    // A restart must not wait for the connections of the process before it.
    socket.set_reuse_address(true)?;
    if let SocketAddr::V6(v6) = addr {
        socket.set_only_v6(!v6.ip().is_unspecified())?;
    }
    socket.bind(&addr.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// The sockets handed over at start (socket activation).
#[derive(Debug, Default)]
pub struct Inherited {
    /// TCP listeners, with their names (`FileDescriptorName=`) where told.
    pub tcp: Vec<(Option<String>, TcpListener)>,
    /// UDP sockets.
    pub udp: Vec<std::net::UdpSocket>,
}

/// Takes the sockets handed over at start. A second call finds none: they are taken.
///
/// # Errors
/// The system's, where one that was handed over cannot be used.
pub fn inherited() -> io::Result<Inherited> {
    // Read first: taking the descriptors also clears the environment of them.
    let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
    let mut fds = listenfd::ListenFd::from_env();
    let mut names = names.split(':');
    let mut out = Inherited::default();
    for i in 0..fds.len() {
        let name = names.next().filter(|n| !n.is_empty() && *n != "unknown").map(str::to_owned);
        // What is no TCP listener (a UDP or UNIX socket) is not for this function.
        if let Ok(Some(listener)) = fds.take_tcp_listener(i) {
            listener.set_nonblocking(true)?;
            out.tcp.push((name, TcpListener::from_std(listener)?));
        // What is neither (a UNIX socket) is nobody's.
        } else if let Ok(Some(socket)) = fds.take_udp_socket(i) {
            socket.set_nonblocking(true)?;
            out.udp.push(socket);
        }
    }
    Ok(out)
}

/// Accepts the next connection, whatever it takes: where descriptors or memory are short it waits for others to end
/// (5 ms doubling to 1 s), and connections that died in the queue are passed over.
pub async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    let mut pause = Duration::from_millis(5);
    loop {
        match listener.accept().await {
            Ok(connection) => return connection,
            Err(e) if is_about_one_connection(&e) => {}
            Err(_) => {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(1));
            }
        }
    }
}

/// A listener whose connections are watched where they will be kept, and nowhere before.
#[derive(Debug)]
pub struct Incoming(TcpStream);

impl Incoming {
    /// Of a listener, from now on.
    ///
    /// # Errors
    /// The system's, where the reactor has no room for it.
    pub fn new(listener: TcpListener) -> io::Result<Self> {
        // To the reactor one socket is like the other; and of this type it can be asked when to look.
        TcpStream::from_std(OwnedFd::from(listener.into_std()?).into()).map(Self)
    }

    /// The next connection, as [`accept`] waits for it.
    pub async fn next(&self) -> Fresh {
        let mut pause = Duration::from_millis(5);
        loop {
            let next = || accept_now(&self.0)?.ok_or_else(|| io::ErrorKind::WouldBlock.into());
            match self.0.async_io(Interest::READABLE, next).await {
                Ok((stream, peer)) => return Fresh::new(stream, peer),
                Err(_) => {
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_secs(1));
                }
            }
        }
    }
}

/// Accepts what waits, without waiting and without a reactor: `None` where nothing waits. Connections that died in
/// the queue are passed over.
///
/// # Errors
/// The system's, where descriptors or memory are short.
pub fn accept_now(listener: &impl AsFd) -> io::Result<Option<(std::net::TcpStream, SocketAddr)>> {
    loop {
        match rustix::net::acceptfrom_with(listener, rustix::net::SocketFlags::NONBLOCK | rustix::net::SocketFlags::CLOEXEC) {
            Ok((socket, peer)) => {
                if let Some(peer) = peer.and_then(|peer| SocketAddr::try_from(peer).ok()) {
                    return Ok(Some((socket.into(), peer)));
                }
            }
            Err(Errno::AGAIN) => return Ok(None),
            Err(e) if is_about_one_connection(&e.into()) => {}
            Err(e) => return Err(e.into()),
        }
    }
}

/// accept(2): errors of the connection that was to be accepted are reported as errors of the call.
fn is_about_one_connection(e: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(e),
        Some(
            Errno::CONNABORTED
                | Errno::INTR
                | Errno::PROTO
                | Errno::NETDOWN
                | Errno::NETUNREACH
                | Errno::HOSTDOWN
                | Errno::HOSTUNREACH
                | Errno::OPNOTSUPP
                | Errno::PERM
        )
    )
}

/// Makes a socket fit for a control connection: replies leave at once, Telnet's urgent data stays in line (so that a
/// Synch's DATA MARK is read where it was sent), and probes keep NAT from forgetting it. On Linux a listener hands
/// all of it on to what it accepts: one call for the listener spares one for each connection.
///
/// # Errors
/// The system's.
pub fn prepare_control(socket: &impl AsFd) -> io::Result<()> {
    let fd = socket.as_fd();
    let socket = SockRef::from(&fd);
    socket.set_tcp_nodelay(true)?;
    socket.set_out_of_band_inline(true)?;
    // The end that connects may have to listen on the very same port (RFC 959 §3.2).
    socket.set_reuse_address(true)?;
    let probes = TcpKeepalive::new().with_time(Duration::from_secs(60)).with_interval(Duration::from_secs(30)).with_retries(4);
    socket.set_tcp_keepalive(&probes)
}

#[cfg(test)]
mod tests {
    use super::{Incoming, accept, bind_tcp, is_about_one_connection, prepare_control};
    use rustix::io::Errno;
    use socket2::SockRef;
    use std::time::Duration;
    use tokio::net::TcpStream;

    #[tokio::test]
    async fn the_ipv6_wildcard_takes_both_families() {
        let listener = bind_tcp("[::]:0".parse().unwrap()).unwrap();
        let port = listener.local_addr().unwrap().port();
        let _four = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        assert_eq!(accept(&listener).await.1.ip().to_canonical(), "127.0.0.1".parse::<std::net::IpAddr>().unwrap());
        let _six = TcpStream::connect(("::1", port)).await.unwrap();
        assert!(accept(&listener).await.1.is_ipv6());
    }

    #[tokio::test]
    async fn a_listener_hands_its_options_on() {
        let listener = bind_tcp("127.0.0.1:0".parse().unwrap()).unwrap();
        prepare_control(&listener).unwrap();
        let _out = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = accept(&listener).await;
        let socket = SockRef::from(&stream);
        assert!(socket.tcp_nodelay().unwrap() && socket.out_of_band_inline().unwrap() && socket.keepalive().unwrap());
        assert_eq!(socket.tcp_keepalive_time().unwrap(), Duration::from_secs(60));
    }

    #[tokio::test]
    async fn what_comes_in_is_watched_where_it_is_kept() {
        let listener = bind_tcp("127.0.0.1:0".parse().unwrap()).unwrap();
        let at = listener.local_addr().unwrap();
        let incoming = Incoming::new(listener).unwrap();
        let mut out = Vec::new();
        for _ in 0..3 {
            out.push(TcpStream::connect(at).await.unwrap());
        }
        for own in &out {
            let fresh = incoming.next().await;
            assert_eq!(fresh.peer(), own.local_addr().unwrap());
        }
        let (later, own) = tokio::join!(incoming.next(), async { TcpStream::connect(at).await.unwrap() });
        assert_eq!(later.peer(), own.local_addr().unwrap());
    }

    #[test]
    fn shortage_is_not_a_fault_of_one_connection() {
        for shortage in [Errno::MFILE, Errno::NFILE, Errno::NOMEM, Errno::NOBUFS] {
            assert!(!is_about_one_connection(&shortage.into()));
        }
        assert!(is_about_one_connection(&Errno::CONNABORTED.into()));
    }
}
