//! Where do passive data connections arrive? At permanent listeners shared by all sessions; a reservation is a
//! record keyed by client address and port (RFC 959 §5.2, RFC 2428 §3, RFC 2577 §6).

use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::io::Interest;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot};
use tokio_util::sync::CancellationToken;
use types::Reason;

use crate::stream::reset;
use crate::{clock, listen, task};

/// Ports to start with where no range is given.
const FIRST: usize = 4;
/// How often the queues are looked into that nobody waits at.
const SWEEP: Duration = Duration::from_millis(500);
/// Ports at most where no range is given.
const CAP: usize = 64;

/// Whose connection a reservation waits for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Expect {
    /// That of this address; an IPv4 address mapped into IPv6 is the IPv4 address.
    From(IpAddr),
    /// Anybody's: a transfer between two servers, where the user may.
    Any,
}

/// Is told of connections that nobody waits for: the peer, and the port it came to.
pub type OnStranger = Box<dyn Fn(SocketAddr, u16) + Send + Sync>;

/// The passive ports of one address. Clones are the same pool.
#[derive(Clone)]
pub struct Pool(Arc<Shared>);

struct Shared {
    ip: IpAddr,
    missing: Vec<u16>,
    grows: bool,
    parent: CancellationToken,
    on_stranger: OnStranger,
    /// Held for a few look-ups, never over a wait or a system call.
    table: Mutex<Table>,
    freed: Notify,
}

#[derive(Default)]
struct Table {
    ports: Vec<Port>,
    pending: HashMap<(Expect, u16), Pending>,
    /// Where the next search begins, so that a late guest of an old reservation does not meet a new one at once.
    next: usize,
    serial: u64,
}

struct Port {
    number: u16,
    /// Watched by no reactor: who waits here looks into its queue.
    listener: Arc<std::net::TcpListener>,
    /// Reservations that wait here.
    waiting: u32,
}

struct Pending {
    serial: u64,
    hand_over: oneshot::Sender<std::net::TcpStream>,
}

impl Table {
    /// Whether a port can be reserved for this client. A connection that comes could be for either, so a port that waits
    /// for anybody waits for nobody else.
    fn is_free(&self, port: &Port, expect: Expect) -> bool {
        let pending = |e| self.pending.contains_key(&(e, port.number));
        port.waiting == 0 || matches!(expect, Expect::From(_)) && !pending(expect) && !pending(Expect::Any)
    }

    /// The next port that is free for this client.
    fn free_port(&self, expect: Expect) -> Option<(u16, Arc<std::net::TcpListener>)> {
        let count = self.ports.len();
        let ports = (0..count).filter_map(|i| self.ports.get((self.next + i) % count));
        ports.into_iter().find(|port| self.is_free(port, expect)).map(|port| (port.number, port.listener.clone()))
    }

    /// Reserves a port, if it is free still.
    fn insert(&mut self, expect: Expect, number: u16) -> Option<(u64, oneshot::Receiver<std::net::TcpStream>)> {
        let index = self.ports.iter().position(|port| port.number == number)?;
        if !self.ports.get(index).is_some_and(|port| self.is_free(port, expect)) {
            return None;
        }
        self.next = (index + 1) % self.ports.len().max(1);
        self.serial += 1;
        let (hand_over, arrives) = oneshot::channel();
        self.pending.insert((expect, number), Pending { serial: self.serial, hand_over });
        if let Some(port) = self.ports.get_mut(index) {
            port.waiting += 1;
        }
        Some((self.serial, arrives))
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("ip", &self.0.ip).field("ports", &self.ports()).finish()
    }
}

impl Pool {
    /// Listens on every port of `range`, or without one on a few ports the system chooses and more on demand. What
    /// cannot be had of a range is left out and told by [`Pool::missing`]. Accepting ends with `parent`.
    /// Needs a runtime.
    ///
    /// # Errors
    /// The system's, where not one port can be had.
    pub fn bind(
        ip: IpAddr,
        range: Option<RangeInclusive<u16>>,
        parent: &CancellationToken,
        on_stranger: OnStranger,
    ) -> io::Result<Self> {
        let grows = range.is_none();
        let wanted: Vec<u16> = range.map_or_else(|| vec![0; FIRST], Iterator::collect);
        let (mut listeners, mut missing, mut last) = (Vec::new(), Vec::new(), None);
        for &port in &wanted {
            match listen::bind_tcp(SocketAddr::new(ip, port)) {
                Ok(listener) => listeners.push(listener),
                Err(e) => {
                    missing.push(port);
                    last = Some(e);
                }
            }
        }
        if listeners.is_empty() {
            let e = last.unwrap_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the range of ports is empty"));
            let all = match (wanted.first(), wanted.last()) {
                (Some(a), Some(b)) if b > a => format!("none of the ports {a} to {b}"),
                (Some(a), _) if *a > 0 => format!("port {a} not"),
                _ => "no port".to_owned(),
            };
            return Err(io::Error::new(e.kind(), format!("{all} to be had on {ip}: {e}")));
        }
        let shared = Shared {
            ip,
            missing: if grows { Vec::new() } else { missing },
            grows,
            parent: parent.clone(),
            on_stranger,
            table: Mutex::default(),
            freed: Notify::new(),
        };
        let pool = Self(Arc::new(shared));
        for listener in listeners {
            pool.open(listener)?;
        }
        // Ends with its parent, or with the reactor.
        drop(task::spawn("passive ports", parent, pool.clone().sweep()));
        Ok(pool)
    }

    /// The ports that are open, in the order they were opened.
    pub fn ports(&self) -> Vec<u16> {
        self.0.table().ports.iter().map(|p| p.number).collect()
    }

    /// Ports of the range that could not be had.
    pub fn missing(&self) -> &[u16] {
        &self.0.missing
    }

    /// Reservations that wait for their connection.
    pub fn pending(&self) -> usize {
        self.0.table().pending.len()
    }

    /// Takes a port on which this client has no other connection pending. Where all have one, waits for one to be
    /// used or given up until `deadline`.
    ///
    /// # Errors
    /// [`Reason::NoPassivePort`] where the deadline passed, [`Reason::ShuttingDown`] where the pool ends.
    pub async fn reserve(&self, expect: Expect, deadline: Instant) -> Result<Reservation, Reason> {
        let expect = match expect {
            Expect::From(ip) => Expect::From(ip.to_canonical()),
            Expect::Any => Expect::Any,
        };
        loop {
            if let Some(reservation) = self.try_reserve(expect) {
                return Ok(reservation);
            }
            // Somebody may have connected and wait for nothing but to be taken out of the queue.
            self.0.empty_all();
            if let Some(reservation) = self.try_reserve(expect) {
                return Ok(reservation);
            }
            if self.grow() {
                continue;
            }
            let freed = self.0.freed.notified();
            tokio::pin!(freed);
            // Registered before looking again, so that nothing freed in between is missed.
            freed.as_mut().enable();
            if let Some(reservation) = self.try_reserve(expect) {
                return Ok(reservation);
            }
            tokio::select! {
                () = &mut freed => {}
                () = self.0.parent.cancelled() => return Err(Reason::ShuttingDown),
                () = clock::sleep_until(deadline) => return Err(Reason::NoPassivePort),
            }
        }
    }

    fn try_reserve(&self, expect: Expect) -> Option<Reservation> {
        loop {
            let (number, listener) = self.0.table().free_port(expect)?;
            // What waits in the queue now was meant for an earlier reservation. Were it left there, this one would take
            // it for its own: an old connection's end for the end of a new upload.
            self.0.empty(&listener, number);
            if let Some((serial, arrives)) = self.0.table().insert(expect, number) {
                return Some(Reservation { pool: self.clone(), key: (expect, number), serial, arrives });
            }
        }
    }

    /// Opens one port more where the pool may; `false` where not.
    fn grow(&self) -> bool {
        if !self.0.grows || self.0.table().ports.len() >= CAP || self.0.parent.is_cancelled() {
            return false;
        }
        listen::bind_tcp(SocketAddr::new(self.0.ip, 0)).and_then(|l| self.open(l)).is_ok()
    }

    fn open(&self, listener: TcpListener) -> io::Result<()> {
        let number = listener.local_addr()?.port();
        let listener = Arc::new(listener.into_std()?);
        self.0.table().ports.push(Port { number, listener, waiting: 0 });
        Ok(())
    }

    /// Looks into the queues that nobody waits at, so that strangers are cut and told.
    async fn sweep(self) {
        loop {
            clock::sleep_until(clock::now() + SWEEP).await;
            self.0.empty_all();
        }
    }
}

impl Shared {
    fn listener(&self, number: u16) -> Option<Arc<std::net::TcpListener>> {
        self.table().ports.iter().find(|p| p.number == number).map(|p| p.listener.clone())
    }

    /// Takes what comes to a port to where it belongs, as long as somebody waits there. The reactor of whoever waits
    /// watches it through a descriptor of its own: no other is woken, and a port that nobody waits at wakes nobody.
    async fn watch(&self, number: u16) -> Infallible {
        if let Some(listener) = self.listener(number)
            && let Ok(watched) = listener.try_clone().and_then(|l| TcpStream::from_std(OwnedFd::from(l).into()))
        {
            // Where the watch fails the sweep still comes by.
            while watched.readable().await.is_ok() {
                let _ = watched.try_io(Interest::READABLE, || {
                    self.empty(&listener, number);
                    Err::<(), _>(io::ErrorKind::WouldBlock.into())
                });
            }
        }
        std::future::pending().await
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // No code that can panic runs under the lock.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the record a connection was reserved with.
    fn take(&self, key: (Expect, u16), serial: Option<u64>) -> Option<Pending> {
        let mut table = self.table();
        if serial.is_some_and(|s| table.pending.get(&key).is_none_or(|p| p.serial != s)) {
            return None;
        }
        let pending = table.pending.remove(&key)?;
        if let Some(port) = table.ports.iter_mut().find(|p| p.number == key.1) {
            port.waiting = port.waiting.saturating_sub(1);
        }
        drop(table);
        self.freed.notify_waiters();
        Some(pending)
    }

    /// Takes what waits in a queue to where it belongs. Where descriptors are short, it stays for the next sweep.
    fn empty(&self, listener: &std::net::TcpListener, number: u16) {
        while let Ok(Some((stream, peer))) = listen::accept_now(listener) {
            self.arrived(stream, peer, number);
        }
    }

    /// Empties all queues in which something waits.
    fn empty_all(&self) {
        let ports: Vec<_> = self.table().ports.iter().map(|p| (p.number, p.listener.clone())).collect();
        let mut queues: Vec<_> = ports.iter().map(|(_, listener)| PollFd::new(&**listener, PollFlags::IN)).collect();
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        if poll(&mut queues, Some(&now)).is_ok_and(|n| n > 0) {
            for (queue, (number, listener)) in queues.iter().zip(&ports) {
                if !queue.revents().is_empty() {
                    self.empty(listener, *number);
                }
            }
        }
    }

    fn arrived(&self, stream: std::net::TcpStream, peer: SocketAddr, port: u16) {
        let from = Expect::From(peer.ip().to_canonical());
        match self.take((from, port), None).or_else(|| self.take((Expect::Any, port), None)) {
            // Who reserved may have gone in this very moment.
            Some(pending) => {
                if let Err(unwanted) = pending.hand_over.send(stream) {
                    reset(unwanted);
                }
            }
            None => {
                reset(stream);
                (self.on_stranger)(peer, port);
            }
        }
    }
}

/// A port on which one client's connection is expected. Dropping it gives the port up.
pub struct Reservation {
    pool: Pool,
    key: (Expect, u16),
    serial: u64,
    arrives: oneshot::Receiver<std::net::TcpStream>,
}

impl fmt::Debug for Reservation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Reservation").field(&self.key).finish()
    }
}

impl Reservation {
    /// The port the client is to connect to.
    pub fn port(&self) -> u16 {
        self.key.1
    }

    /// The client's connection, which may have come already. Yields it once. How long to wait is the caller's
    /// matter; dropping the future loses nothing.
    ///
    /// # Errors
    /// [`Reason::ShuttingDown`] where the pool ended, [`Reason::DataNeverCame`] where it was yielded before.
    pub async fn accepted(&mut self) -> Result<TcpStream, Reason> {
        if self.arrives.is_terminated() {
            return Err(Reason::DataNeverCame);
        }
        // Most clients have connected before they send the command that needs the connection: then it is in the queue.
        self.look();
        let pool = self.pool.clone();
        let came = tokio::select! {
            biased;
            came = &mut self.arrives => came.map_err(|_| Reason::DataNeverCame)?,
            () = pool.0.parent.cancelled() => return Err(Reason::ShuttingDown),
            never = pool.0.watch(self.key.1) => match never {},
        };
        // Here it meets the reactor that will move its bytes.
        TcpStream::from_std(came).map_err(|_| Reason::Overloaded)
    }

    fn look(&self) {
        let Some(listener) = self.pool.0.listener(self.key.1) else { return };
        while self.arrives.is_empty()
            && let Ok(Some((stream, peer))) = listen::accept_now(&listener)
        {
            self.pool.0.arrived(stream, peer, self.key.1);
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        // A record of the same key may be somebody else's by now.
        drop(self.pool.0.take(self.key, Some(self.serial)));
        self.arrives.close();
        if let Ok(unused) = self.arrives.try_recv() {
            reset(unused);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{CAP, Expect, FIRST, Pool};
    use crate::clock;
    use std::collections::HashSet;
    use std::io::ErrorKind;
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
    use std::sync::{Arc, Mutex};
    use std::time::{Duration, Instant};
    use tokio::io::AsyncReadExt;
    use tokio::net::{TcpSocket, TcpStream};
    use tokio_util::sync::CancellationToken;
    use types::Reason;

    const LOOP: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    fn soon() -> Instant {
        clock::now() + Duration::from_secs(5)
    }

    fn pool() -> (Pool, Arc<Mutex<Vec<SocketAddr>>>, CancellationToken) {
        let strangers = Arc::new(Mutex::new(Vec::new()));
        let token = CancellationToken::new();
        let told = strangers.clone();
        let pool = Pool::bind(LOOP, None, &token, Box::new(move |peer, _| told.lock().unwrap().push(peer))).unwrap();
        (pool, strangers, token)
    }

    /// Connects to the pool from another loopback address.
    async fn from(ip: [u8; 4], port: u16) -> TcpStream {
        connect(ip, port).await.1.unwrap()
    }

    /// As [`from`], where the connection may be cut before it is told that it stands; and its own address.
    async fn connect(ip: [u8; 4], port: u16) -> (SocketAddr, std::io::Result<TcpStream>) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from((ip, 0))).unwrap();
        (socket.local_addr().unwrap(), socket.connect(SocketAddr::new(LOOP, port)).await)
    }

    /// How a connection ends that nobody wants.
    async fn end(stream: std::io::Result<TcpStream>) -> ErrorKind {
        match stream {
            Ok(mut stream) => stream.read(&mut [0]).await.unwrap_err().kind(),
            Err(e) => e.kind(),
        }
    }

    #[tokio::test]
    async fn each_gets_its_own_connection_even_on_one_port() {
        let (pool, strangers, _token) = pool();
        let mut a = Vec::new();
        // Twice as many clients as ports, so ports are shared.
        for n in 1..=(2 * FIRST as u8) {
            let ip = [127, 0, 0, n];
            // Said as an IPv4 address mapped into IPv6, as a dual-stack control connection would.
            let mapped = IpAddr::V6(Ipv4Addr::from(ip).to_ipv6_mapped());
            a.push((ip, pool.reserve(Expect::From(mapped), soon()).await.unwrap()));
        }
        assert_eq!(a.iter().map(|(_, r)| r.port()).collect::<HashSet<_>>().len(), FIRST);
        for (ip, reservation) in a.iter_mut().rev() {
            let out = from(*ip, reservation.port()).await;
            let got = tokio::time::timeout(Duration::from_secs(5), reservation.accepted()).await.unwrap().unwrap();
            assert_eq!(got.peer_addr().unwrap(), out.local_addr().unwrap());
            assert_eq!(reservation.accepted().await.unwrap_err(), Reason::DataNeverCame);
        }
        assert_eq!(pool.pending(), 0);
        assert!(strangers.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn strangers_are_cut_and_told() {
        let (pool, strangers, _token) = pool();
        let mut reservation = pool.reserve(Expect::From(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2))), soon()).await.unwrap();
        let (thief, stream) = connect([127, 0, 0, 3], reservation.port()).await;
        assert_eq!(end(stream).await, ErrorKind::ConnectionReset);
        assert_eq!(*strangers.lock().unwrap(), [thief]);
        let out = from([127, 0, 0, 2], reservation.port()).await;
        assert_eq!(reservation.accepted().await.unwrap().peer_addr().unwrap(), out.local_addr().unwrap());
        // A second connection to a used reservation is a stranger too.
        assert_eq!(end(connect([127, 0, 0, 2], reservation.port()).await.1).await, ErrorKind::ConnectionReset);
    }

    #[tokio::test]
    async fn anybody_shares_a_port_with_nobody() {
        let (pool, _, _token) = pool();
        let mut any = pool.reserve(Expect::Any, soon()).await.unwrap();
        let mut mine = Vec::new();
        // One more than there are other ports: the last one must open a new port rather than share.
        for _ in 0..FIRST {
            mine.push(pool.reserve(Expect::From(LOOP), soon()).await.unwrap());
        }
        assert!(mine.iter().all(|r| r.port() != any.port()));
        let out = from([127, 0, 0, 9], any.port()).await;
        assert_eq!(any.accepted().await.unwrap().peer_addr().unwrap(), out.local_addr().unwrap());
    }

    #[tokio::test]
    async fn a_client_waits_for_its_own_port_and_then_is_told_so() {
        let token = CancellationToken::new();
        // One port that is surely free: chosen by the system, then asked for as a range.
        let port = {
            let l = std::net::TcpListener::bind((LOOP, 0)).unwrap();
            l.local_addr().unwrap().port()
        };
        let pool = Pool::bind(LOOP, Some(port..=port), &token, Box::new(|_, _| {})).unwrap();
        assert_eq!((pool.ports(), pool.missing().len()), (vec![port], 0));
        let taken = Pool::bind(LOOP, Some(port..=port), &token, Box::new(|_, _| {})).unwrap_err();
        assert!(taken.to_string().contains(&port.to_string()), "{taken}");
        let first = pool.reserve(Expect::From(LOOP), soon()).await.unwrap();
        let other = pool.reserve(Expect::From(IpAddr::V6(Ipv6Addr::LOCALHOST)), soon()).await.unwrap();
        let short = clock::now() + Duration::from_millis(30);
        assert_eq!(pool.reserve(Expect::From(LOOP), short).await.unwrap_err(), Reason::NoPassivePort);
        let (second, ()) = tokio::join!(pool.reserve(Expect::From(LOOP), soon()), async {
            tokio::task::yield_now().await;
            drop(first);
        });
        drop((second.unwrap(), other));
        assert_eq!(pool.pending(), 0);
        token.cancel();
    }

    #[tokio::test]
    async fn a_pool_without_a_range_grows_to_its_cap() {
        let (pool, _, token) = pool();
        let mut held = Vec::new();
        for _ in 0..CAP {
            held.push(pool.reserve(Expect::From(LOOP), soon()).await.unwrap());
        }
        assert_eq!(pool.ports().len(), CAP);
        let short = clock::now() + Duration::from_millis(20);
        assert_eq!(pool.reserve(Expect::From(LOOP), short).await.unwrap_err(), Reason::NoPassivePort);
        token.cancel();
        assert_eq!(held[0].accepted().await.unwrap_err(), Reason::ShuttingDown);
        assert_eq!(pool.reserve(Expect::From(LOOP), soon()).await.unwrap_err(), Reason::ShuttingDown);
    }

    #[tokio::test]
    async fn who_has_connected_keeps_no_port_from_others() {
        let (pool, _, _token) = pool();
        let mut held = Vec::new();
        for _ in 0..3 * FIRST {
            let reservation = pool.reserve(Expect::From(LOOP), soon()).await.unwrap();
            held.push((from([127, 0, 0, 1], reservation.port()).await, reservation));
        }
        assert_eq!(pool.ports().len(), FIRST, "no port was opened for those that wait in a queue");
        for (out, reservation) in &mut held {
            assert_eq!(reservation.accepted().await.unwrap().peer_addr().unwrap(), out.local_addr().unwrap());
        }
    }

    #[tokio::test]
    async fn dropping_a_reservation_cuts_what_had_come() {
        let (pool, _, _token) = pool();
        let reservation = pool.reserve(Expect::From(LOOP), soon()).await.unwrap();
        let mut out = from([127, 0, 0, 1], reservation.port()).await;
        while pool.pending() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        drop(reservation);
        assert_eq!(out.read(&mut [0]).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    }
}
