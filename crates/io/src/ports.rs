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

use crate::stream::{Fresh, reset};
use crate::tls::Claim;
use crate::{clock, listen, task};

mod whose;

/// Ports to start with where no range is given.
const FIRST: usize = 4;
/// How often the queues are looked into that nobody waits at.
const SWEEP: Duration = Duration::from_millis(500);
/// Ports at most where no range is given.
const CAP: usize = 64;
/// Looking without waiting.
const NOW: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };
/// Sessions of one address that wait at one port at most, and connections beyond them that are heard out.
const SHARERS: usize = 64;

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
    /// The last stranger that came to the port of a reservation while it waited, for its session to tell.
    strangers: HashMap<u64, SocketAddr>,
    expected: HashMap<(Expect, u16), Expected>,
    /// Where the next search begins, so that a late guest of an old reservation does not meet a new one at once.
    next: usize,
    serial: u64,
}

struct Port {
    number: u16,
    /// Watched by no reactor: who waits here looks into its queue.
    listener: Arc<std::net::TcpListener>,
    /// Reservations that wait here, and connections of which it is not yet known whose they are.
    waiting: usize,
}

/// What is expected of one client at one port: one connection, or those of several sessions that can tell by their TLS
/// sessions which is theirs.
#[derive(Default)]
struct Expected {
    pending: Vec<Pending>,
    /// Connections that came and have not yet shown whose they are.
    unknown: usize,
}

struct Pending {
    serial: u64,
    hand_over: oneshot::Sender<Fresh>,
    claim: Option<Claim>,
}

/// What becomes of a connection that came.
enum Arrival {
    /// It is this reservation's.
    For(Pending),
    /// Its ClientHello will tell.
    Unknown,
    /// It is nobody's.
    Stranger,
}

impl Table {
    /// Whether a port can be reserved for this client alone. A connection that comes could be for either, so a port that
    /// waits for anybody waits for nobody else.
    fn is_free(&self, port: &Port, expect: Expect) -> bool {
        let expected = |e| self.expected.contains_key(&(e, port.number));
        port.waiting == 0 || matches!(expect, Expect::From(_)) && !expected(expect) && !expected(Expect::Any)
    }

    /// Whether a port can be reserved for one more session of this client: all that wait there can tell what is theirs.
    fn is_shared(&self, port: &Port, expect: Expect) -> bool {
        let told_apart = |e: &Expected| e.pending.len() < SHARERS && e.pending.iter().all(|p| p.claim.is_some());
        matches!(expect, Expect::From(_))
            && !self.expected.contains_key(&(Expect::Any, port.number))
            && self.expected.get(&(expect, port.number)).is_some_and(told_apart)
    }

    /// The next port that `suits`.
    fn find(&self, suits: impl Fn(&Port) -> bool) -> Option<(u16, Arc<std::net::TcpListener>)> {
        let count = self.ports.len();
        let mut ports = (0..count).filter_map(|i| self.ports.get((self.next + i) % count));
        ports.find(|port| suits(port)).map(|port| (port.number, port.listener.clone()))
    }

    /// Reserves a port, if that is possible still.
    fn insert(
        &mut self,
        expect: Expect,
        number: u16,
        claim: Option<Claim>,
        shared: bool,
    ) -> Option<(u64, oneshot::Receiver<Fresh>)> {
        let index = self.ports.iter().position(|port| port.number == number)?;
        let port = self.ports.get(index)?;
        if !(self.is_free(port, expect) || shared && self.is_shared(port, expect)) {
            return None;
        }
        self.next = (index + 1) % self.ports.len().max(1);
        self.serial += 1;
        let (hand_over, arrives) = oneshot::channel();
        self.expected.entry((expect, number)).or_default().pending.push(Pending { serial: self.serial, hand_over, claim });
        self.wait(number, 1);
        Some((self.serial, arrives))
    }

    /// Takes out the reservation that `is` the one looked for.
    fn take(&mut self, key: (Expect, u16), is: impl Fn(&Pending) -> bool) -> Option<Pending> {
        let expected = self.expected.get_mut(&key)?;
        let index = expected.pending.iter().position(is)?;
        let pending = expected.pending.remove(index);
        self.settle(key, 1);
        Some(pending)
    }

    /// Whose a connection is that has come.
    fn arrival(&mut self, key: (Expect, u16)) -> Arrival {
        let Some(expected) = self.expected.get_mut(&key) else { return Arrival::Stranger };
        if expected.unknown == 0 && expected.pending.len() == 1 {
            return self.take(key, |_| true).map_or(Arrival::Stranger, Arrival::For);
        }
        if expected.pending.is_empty() || expected.unknown >= expected.pending.len() + SHARERS {
            return Arrival::Stranger;
        }
        expected.unknown += 1;
        self.wait(key.1, 1);
        Arrival::Unknown
    }

    /// Whose a connection is that has said in its handshake which TLS session it resumes.
    fn claimed(&mut self, key: (Expect, u16), resumes: &[Box<[u8]>]) -> Option<Pending> {
        let pending = self.take(key, |p| p.claim.as_ref().is_some_and(|claim| resumes.iter().any(|id| claim.holds(id))));
        if let Some(expected) = self.expected.get_mut(&key) {
            expected.unknown = expected.unknown.saturating_sub(1);
        }
        self.settle(key, 1);
        pending
    }

    /// A stranger came to a port: whoever waits there hears of it, for it may be its client behind another address.
    fn strange(&mut self, peer: SocketAddr, number: u16) {
        for ((_, port), expected) in &self.expected {
            if *port == number {
                self.strangers.extend(expected.pending.iter().map(|pending| (pending.serial, peer)));
            }
        }
    }

    fn wait(&mut self, number: u16, more: usize) {
        if let Some(port) = self.ports.iter_mut().find(|p| p.number == number) {
            port.waiting += more;
        }
    }

    /// `fewer` wait at a port.
    fn settle(&mut self, key: (Expect, u16), fewer: usize) {
        if self.expected.get(&key).is_some_and(|e| e.pending.is_empty() && e.unknown == 0) {
            self.expected.remove(&key);
        }
        if let Some(port) = self.ports.iter_mut().find(|p| p.number == key.1) {
            port.waiting = port.waiting.saturating_sub(fewer);
        }
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
        self.0.table().expected.values().map(|e| e.pending.len()).sum()
    }

    /// Takes a port on which this client has no other connection pending. Where all have one, takes one that it shares
    /// with others of its address, if all of them can tell by a `claim` which connection is theirs; else waits for one
    /// to be used or given up until `deadline`.
    ///
    /// # Errors
    /// [`Reason::NoPassivePort`] where the deadline passed, [`Reason::ShuttingDown`] where the pool ends.
    pub async fn reserve(&self, expect: Expect, claim: Option<Claim>, deadline: Instant) -> Result<Reservation, Reason> {
        let expect = match expect {
            Expect::From(ip) => Expect::From(ip.to_canonical()),
            Expect::Any => Expect::Any,
        };
        loop {
            if let Some(reservation) = self.try_reserve(expect, &claim, false) {
                return Ok(reservation);
            }
            // Somebody may have connected and wait for nothing but to be taken out of the queue.
            self.0.empty_all();
            if let Some(reservation) = self.try_reserve(expect, &claim, false) {
                return Ok(reservation);
            }
            if self.grow() {
                continue;
            }
            if let Some(reservation) = self.try_reserve(expect, &claim, true) {
                return Ok(reservation);
            }
            let freed = self.0.freed.notified();
            tokio::pin!(freed);
            // Registered before looking again, so that nothing freed in between is missed.
            freed.as_mut().enable();
            if let Some(reservation) = self.try_reserve(expect, &claim, true) {
                return Ok(reservation);
            }
            tokio::select! {
                () = &mut freed => {}
                () = self.0.parent.cancelled() => return Err(Reason::ShuttingDown),
                () = clock::sleep_until(deadline) => return Err(Reason::NoPassivePort),
            }
        }
    }

    fn try_reserve(&self, expect: Expect, claim: &Option<Claim>, shared: bool) -> Option<Reservation> {
        let shared = shared && claim.is_some();
        loop {
            let (number, listener) = {
                let table = self.0.table();
                let alone = table.find(|port| table.is_free(port, expect));
                alone.or_else(|| shared.then(|| table.find(|port| table.is_shared(port, expect))).flatten())?
            };
            // What waits in the queue now was meant for an earlier reservation. Were it left there, this one would take
            // it for its own: an old connection's end for the end of a new upload.
            self.0.empty_if_any(&listener, number);
            if let Some((serial, arrives)) = self.0.table().insert(expect, number, claim.clone(), shared) {
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
    async fn watch(self: &Arc<Self>, number: u16) -> Infallible {
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

    /// Takes back a reservation.
    fn give_up(&self, key: (Expect, u16), serial: u64) {
        let mut table = self.table();
        table.strangers.remove(&serial);
        let taken = table.take(key, |pending| pending.serial == serial);
        drop(table);
        if taken.is_some() {
            self.freed.notify_waiters();
        }
    }

    /// As [`Shared::empty`], where the queue is nearly always empty: looking is cheaper than accepting.
    fn empty_if_any(self: &Arc<Self>, listener: &std::net::TcpListener, number: u16) {
        let mut queue = [PollFd::new(listener, PollFlags::IN)];
        if poll(&mut queue, Some(&NOW)) != Ok(0) {
            self.empty(listener, number);
        }
    }

    /// Takes what waits in a queue to where it belongs. Where descriptors are short, it stays for the next sweep.
    fn empty(self: &Arc<Self>, listener: &std::net::TcpListener, number: u16) {
        while let Ok(Some((stream, peer))) = listen::accept_now(listener) {
            self.arrived(stream, peer, number);
        }
    }

    /// Empties all queues in which something waits.
    fn empty_all(self: &Arc<Self>) {
        let ports: Vec<_> = self.table().ports.iter().map(|p| (p.number, p.listener.clone())).collect();
        let mut queues: Vec<_> = ports.iter().map(|(_, listener)| PollFd::new(&**listener, PollFlags::IN)).collect();
        if poll(&mut queues, Some(&NOW)).is_ok_and(|n| n > 0) {
            for (queue, (number, listener)) in queues.iter().zip(&ports) {
                if !queue.revents().is_empty() {
                    self.empty(listener, *number);
                }
            }
        }
    }

    fn arrived(self: &Arc<Self>, stream: std::net::TcpStream, peer: SocketAddr, port: u16) {
        let from = (Expect::From(peer.ip().to_canonical()), port);
        let arrival = {
            let mut table = self.table();
            match table.arrival(from) {
                Arrival::Stranger => table.arrival((Expect::Any, port)),
                arrival => arrival,
            }
        };
        match arrival {
            Arrival::For(pending) => self.hand_over(pending, Fresh::new(stream, peer)),
            Arrival::Unknown => {
                drop(task::spawn("whose data connection", &self.parent, whose::ask(self.clone(), stream, peer, from)))
            }
            Arrival::Stranger => self.turn_away(stream, peer, port),
        }
    }

    fn hand_over(&self, pending: Pending, fresh: Fresh) {
        self.freed.notify_waiters();
        // Who reserved may have gone in this very moment.
        if let Err(unwanted) = pending.hand_over.send(fresh) {
            unwanted.reset();
        }
    }

    fn turn_away(&self, stream: std::net::TcpStream, peer: SocketAddr, port: u16) {
        reset(stream);
        self.table().strange(peer, port);
        (self.on_stranger)(peer, port);
    }
}

/// A port on which one client's connection is expected. Dropping it gives the port up.
pub struct Reservation {
    pool: Pool,
    key: (Expect, u16),
    serial: u64,
    arrives: oneshot::Receiver<Fresh>,
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

    /// Who came to the port while this waited, and was turned away: the last, if anybody did.
    pub fn stranger(&self) -> Option<SocketAddr> {
        self.pool.0.table().strangers.get(&self.serial).copied()
    }

    /// The client's connection, which may have come already. Yields it once. How long to wait is the caller's
    /// matter; dropping the future loses nothing.
    ///
    /// # Errors
    /// [`Reason::ShuttingDown`] where the pool ended, [`Reason::DataNeverCame`] where it was yielded before.
    pub async fn accepted(&mut self) -> Result<Fresh, Reason> {
        if self.arrives.is_terminated() {
            return Err(Reason::DataNeverCame);
        }
        // Most clients have connected before they send the command that needs the connection: then it is in the queue.
        self.look();
        let pool = self.pool.clone();
        tokio::select! {
            biased;
            came = &mut self.arrives => came.map_err(|_| Reason::DataNeverCame),
            () = pool.0.parent.cancelled() => Err(Reason::ShuttingDown),
            never = pool.0.watch(self.key.1) => match never {},
        }
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
        self.pool.0.give_up(self.key, self.serial);
        self.arrives.close();
        if let Ok(unused) = self.arrives.try_recv() {
            unused.reset();
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
            a.push((ip, pool.reserve(Expect::From(mapped), None, soon()).await.unwrap()));
        }
        assert_eq!(a.iter().map(|(_, r)| r.port()).collect::<HashSet<_>>().len(), FIRST);
        for (ip, reservation) in a.iter_mut().rev() {
            let out = from(*ip, reservation.port()).await;
            let got = tokio::time::timeout(Duration::from_secs(5), reservation.accepted()).await.unwrap().unwrap();
            assert_eq!(got.peer(), out.local_addr().unwrap());
            assert_eq!(reservation.accepted().await.unwrap_err(), Reason::DataNeverCame);
        }
        assert_eq!(pool.pending(), 0);
        assert!(strangers.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn strangers_are_cut_and_told() {
        let (pool, strangers, _token) = pool();
        let mut reservation = pool.reserve(Expect::From(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2))), None, soon()).await.unwrap();
        let (thief, stream) = connect([127, 0, 0, 3], reservation.port()).await;
        assert_eq!(end(stream).await, ErrorKind::ConnectionReset);
        assert_eq!(*strangers.lock().unwrap(), [thief]);
        assert_eq!(reservation.stranger(), Some(thief), "who waits there hears of it");
        let out = from([127, 0, 0, 2], reservation.port()).await;
        assert_eq!(reservation.accepted().await.unwrap().peer(), out.local_addr().unwrap());
        // A second connection to a used reservation is a stranger too.
        assert_eq!(end(connect([127, 0, 0, 2], reservation.port()).await.1).await, ErrorKind::ConnectionReset);
    }

    #[tokio::test]
    async fn anybody_shares_a_port_with_nobody() {
        let (pool, _, _token) = pool();
        let mut any = pool.reserve(Expect::Any, None, soon()).await.unwrap();
        let mut mine = Vec::new();
        // One more than there are other ports: the last one must open a new port rather than share.
        for _ in 0..FIRST {
            mine.push(pool.reserve(Expect::From(LOOP), None, soon()).await.unwrap());
        }
        assert!(mine.iter().all(|r| r.port() != any.port()));
        let out = from([127, 0, 0, 9], any.port()).await;
        assert_eq!(any.accepted().await.unwrap().peer(), out.local_addr().unwrap());
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
        let first = pool.reserve(Expect::From(LOOP), None, soon()).await.unwrap();
        let other = pool.reserve(Expect::From(IpAddr::V6(Ipv6Addr::LOCALHOST)), None, soon()).await.unwrap();
        let short = clock::now() + Duration::from_millis(30);
        assert_eq!(pool.reserve(Expect::From(LOOP), None, short).await.unwrap_err(), Reason::NoPassivePort);
        let (second, ()) = tokio::join!(pool.reserve(Expect::From(LOOP), None, soon()), async {
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
            held.push(pool.reserve(Expect::From(LOOP), None, soon()).await.unwrap());
        }
        assert_eq!(pool.ports().len(), CAP);
        let short = clock::now() + Duration::from_millis(20);
        assert_eq!(pool.reserve(Expect::From(LOOP), None, short).await.unwrap_err(), Reason::NoPassivePort);
        token.cancel();
        assert_eq!(held[0].accepted().await.unwrap_err(), Reason::ShuttingDown);
        assert_eq!(pool.reserve(Expect::From(LOOP), None, soon()).await.unwrap_err(), Reason::ShuttingDown);
    }

    /// One port for sessions of one address: without something to tell them apart, the second waits.
    #[tokio::test]
    async fn a_claim_shares_with_claims_alone() {
        let token = CancellationToken::new();
        let port = std::net::TcpListener::bind((LOOP, 0)).unwrap().local_addr().unwrap().port();
        let strangers = Arc::new(Mutex::new(0));
        let told = strangers.clone();
        let pool = Pool::bind(LOOP, Some(port..=port), &token, Box::new(move |_, _| *told.lock().unwrap() += 1)).unwrap();
        let (server, _) = crate::tls::tests::ends(&crate::tls::Settings::default());
        let claim = || server.session().claim(true);
        let short = || clock::now() + Duration::from_millis(20);
        let plain = pool.reserve(Expect::From(LOOP), None, soon()).await.unwrap();
        assert_eq!(pool.reserve(Expect::From(LOOP), claim(), short()).await.unwrap_err(), Reason::NoPassivePort);
        drop(plain);
        let one = pool.reserve(Expect::From(LOOP), claim(), soon()).await.unwrap();
        let two = pool.reserve(Expect::From(LOOP), claim(), soon()).await.unwrap();
        assert_eq!(pool.reserve(Expect::From(LOOP), None, short()).await.unwrap_err(), Reason::NoPassivePort);
        // What says nothing, or something else, is nobody's: it is heard out and cut, and nothing stays behind.
        let silent = from([127, 0, 0, 1], port).await;
        let mut rude = from([127, 0, 0, 1], port).await;
        tokio::io::AsyncWriteExt::write_all(&mut rude, b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        pool.0.empty_all();
        assert_eq!(rude.read(&mut [0]).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
        drop((one, two));
        assert_eq!(pool.pending(), 0);
        // The port is not free for others before the silent one has gone.
        assert_eq!(pool.reserve(Expect::From(LOOP), None, short()).await.unwrap_err(), Reason::NoPassivePort);
        drop(silent);
        pool.reserve(Expect::From(LOOP), None, soon()).await.unwrap();
        assert_eq!(*strangers.lock().unwrap(), 2);
    }

    #[tokio::test]
    async fn who_has_connected_keeps_no_port_from_others() {
        let (pool, _, _token) = pool();
        let mut held = Vec::new();
        for _ in 0..3 * FIRST {
            let reservation = pool.reserve(Expect::From(LOOP), None, soon()).await.unwrap();
            held.push((from([127, 0, 0, 1], reservation.port()).await, reservation));
        }
        assert_eq!(pool.ports().len(), FIRST, "no port was opened for those that wait in a queue");
        for (out, reservation) in &mut held {
            assert_eq!(reservation.accepted().await.unwrap().peer(), out.local_addr().unwrap());
        }
    }

    #[tokio::test]
    async fn dropping_a_reservation_cuts_what_had_come() {
        let (pool, _, _token) = pool();
        let reservation = pool.reserve(Expect::From(LOOP), None, soon()).await.unwrap();
        let mut out = from([127, 0, 0, 1], reservation.port()).await;
        while pool.pending() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        drop(reservation);
        assert_eq!(out.read(&mut [0]).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    }
}
