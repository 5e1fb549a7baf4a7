//! How do datagrams come and go? From the address that was asked, many in one system call, as large as the path carries.
//!
//! `quinn-udp` does what needs `unsafe`: UDP_SEGMENT (GSO), UDP_GRO, and the destination of what came (IP_PKTINFO,
//! RFC 3542 for IPv6). The sockets are not connected: a transfer must hear strangers to tell them so (RFC 1350 §4).

mod feed;
mod groups;
mod look;

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::time::{Duration, Instant};

use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::{
    Ipv4PacketInfo, Ipv4RecvErr, Ipv6DontFrag, Ipv6RecvErr, Ipv6RecvPacketInfo, ReceiveTimestampns, UdpGroSegment,
};
use quinn_udp::{RecvMeta, Transmit, UdpSocketState};
use rustix::io::Errno;
use rustix::net::sockopt::{self, Ipv4PathMtuDiscovery, Ipv6PathMtuDiscovery};
use rustix::net::{RecvFlags, recvfrom};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::Interest;
use tokio::net::UdpSocket;

use crate::clock;

pub use feed::{AnyPlace, Feed, Turn};
use look::Look;

/// Bytes that IPv4 and UDP put before a datagram.
const BEFORE_V4: usize = 28;
/// Bytes that IPv6 and UDP put before a datagram.
const BEFORE_V6: usize = 48;
/// The most bytes the kernel takes in one call.
const MOST_AT_ONCE: usize = 65_507;
/// Room for what waits to be read or to leave: the kernel's own default holds two windows of a large block and loses the rest.
const KERNEL_BUFFER: usize = 1024 * 1024;

/// A UDP socket.
#[derive(Debug)]
pub struct Datagrams {
    socket: UdpSocket,
    state: UdpSocketState,
    local: SocketAddr,
    /// Batches have failed here.
    singly: AtomicBool,
    /// That nobody is there is an error here.
    refusals: bool,
    /// Something was sent since datagrams were last waited for.
    spoke: AtomicBool,
}

/// A socket at an address, for [`Datagrams::from_std`]; it needs no reactor yet. The IPv6 wildcard takes IPv4 as well.
///
/// # Errors
/// The system's: taken, or not allowed.
pub fn bound(at: SocketAddr) -> io::Result<std::net::UdpSocket> {
    let socket = Socket::new(Domain::for_address(at), Type::DGRAM.nonblocking().cloexec(), Some(Protocol::UDP))?;
    if let SocketAddr::V6(v6) = at {
        socket.set_only_v6(!v6.ip().is_unspecified())?;
    }
    socket.bind(&at.into())?;
    Ok(socket.into())
}

/// Where datagrams go, and from which address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Route {
    /// The peer.
    pub to: SocketAddr,
    /// The address that it asked; `None` where the socket has only that one.
    pub from: Option<IpAddr>,
    /// What a packet on this way holds, with its headers.
    pub mtu: usize,
}

impl Route {
    /// The most bytes in a datagram that is not cut on its way.
    pub const fn room(&self) -> usize {
        self.mtu.saturating_sub(match self.to.ip().to_canonical() {
            IpAddr::V4(_) => BEFORE_V4,
            IpAddr::V6(_) => BEFORE_V6,
        })
    }
}

impl Datagrams {
    /// A socket at an address. The IPv6 wildcard takes IPv4 as well. With `cutting`, datagrams larger than the path
    /// carries are cut by IP; without, they cannot be sent.
    ///
    /// # Errors
    /// The system's: taken, or not allowed.
    pub fn bind(at: SocketAddr, cutting: bool) -> io::Result<Self> {
        Self::from_std(bound(at)?, cutting)
    }

    /// A socket that is bound already ([`bound`], or socket activation).
    ///
    /// # Errors
    /// The system's.
    pub fn from_std(socket: std::net::UdpSocket, cutting: bool) -> io::Result<Self> {
        let local = socket.local_addr()?;
        let room = socket2::SockRef::from(&socket);
        // As much as the system allows; less works as well.
        let _ = room.set_recv_buffer_size(KERNEL_BUFFER);
        let _ = room.set_send_buffer_size(KERNEL_BUFFER);
        let state = UdpSocketState::new((&socket).into())?;
        // The state wants them for other protocols; here they only cost time with every packet.
        let _ = setsockopt(&socket, ReceiveTimestampns, &false);
        let _ = sockopt::set_ip_recvtos(&socket, false);
        if local.is_ipv6() {
            let _ = sockopt::set_ipv6_recvtclass(&socket, false);
        }
        if cutting {
            // Undoes what the state's own set-up forbade.
            sockopt::set_ip_mtu_discover(&socket, Ipv4PathMtuDiscovery::DONT)?;
            if local.is_ipv6() {
                sockopt::set_ipv6_mtu_discover(&socket, Ipv6PathMtuDiscovery::DONT)?;
                setsockopt(&socket, Ipv6DontFrag, &false)?;
            }
        }
        let socket = UdpSocket::from_std(socket)?;
        Ok(Self { socket, state, local, singly: AtomicBool::new(false), refusals: false, spoke: AtomicBool::new(false) })
    }

    /// Has ICMP's word that nobody is at the other end come as an error of sending or receiving, for who speaks to one peer
    /// alone (Linux ip(7): IP_RECVERR).
    ///
    /// # Errors
    /// The system's.
    pub fn hear_refusals(&mut self) -> io::Result<()> {
        if self.local.is_ipv4() {
            setsockopt(&self.socket, Ipv4RecvErr, &true)?;
        } else {
            setsockopt(&self.socket, Ipv6RecvErr, &true)?;
        }
        self.refusals = true;
        Ok(())
    }

    /// Has datagrams come one by one, and not tell the address they were sent to: for [`Inbox::of_one`].
    pub fn one_by_one(&self) {
        // What a system has no word for it does not do either.
        let _ = setsockopt(&self.socket, UdpGroSegment, &false);
        let _ = setsockopt(&self.socket, Ipv4PacketInfo, &false);
        if self.local.is_ipv6() {
            let _ = setsockopt(&self.socket, Ipv6RecvPacketInfo, &false);
        }
    }

    /// A socket at an address of this machine, on any free port or one of `ports`, each taken in its turn.
    ///
    /// # Errors
    /// The system's; [`io::ErrorKind::AddrInUse`] where none of the ports is free.
    pub fn bind_within(at: SocketAddr, ports: Option<&Ports>, cutting: bool) -> io::Result<Self> {
        let Some(ports) = ports else { return Self::bind(with_port(at, 0), cutting) };
        for _ in 0..ports.len() {
            match Self::bind(with_port(at, ports.turn()), cutting) {
                Err(e) if e.kind() == io::ErrorKind::AddrInUse => {}
                other => return other,
            }
        }
        Err(io::ErrorKind::AddrInUse.into())
    }

    /// Where it is.
    pub const fn local(&self) -> SocketAddr {
        self.local
    }

    /// The way to a peer that asked at `to_us` (from [`Datagram::to`]).
    pub fn route(&self, peer: SocketAddr, to_us: Option<IpAddr>) -> Route {
        let from = to_us.filter(|_| self.local.ip().is_unspecified());
        Route { to: peer, from, mtu: path_mtu(from.unwrap_or(self.local.ip()), peer).unwrap_or(LEAST_MTU) }
    }

    /// Waits for datagrams and takes as many as there are, at least one. What was in the box before is gone.
    ///
    /// # Errors
    /// The system's. An error a peer can cause (an ICMP message) is none, unless [`Datagrams::hear_refusals`].
    pub async fn receive(&self, inbox: &mut Inbox) -> io::Result<()> {
        if inbox.alone && self.leftover(inbox)? {
            tokio::task::consume_budget().await;
            return Ok(());
        }
        let received = self.await_some(inbox).await;
        inbox.heard = received.is_ok();
        received
    }

    /// Whether something was left that came together with what was heard last. Not where that was answered: the answer to
    /// this comes later, and rings.
    fn leftover(&self, inbox: &mut Inbox) -> io::Result<bool> {
        let answered = self.spoke.swap(false, Ordering::Relaxed);
        if std::mem::take(&mut inbox.heard) && answered {
            return Ok(false);
        }
        match inbox.fill(self) {
            Ok(()) => Ok(true),
            Err(e) if e.kind() == io::ErrorKind::WouldBlock || (is_about_a_peer(&e) && !self.minds(&e)) => Ok(false),
            Err(e) => Err(e),
        }
    }

    async fn await_some(&self, inbox: &mut Inbox) -> io::Result<()> {
        let Some(look) = &mut inbox.look else { return self.wait(inbox).await };
        // Who finds again and again never sleeps: others on this thread have their turn all the same.
        if look.has_had_its_turn() {
            tokio::task::yield_now().await;
        }
        let began = clock::now();
        let found = self.look(inbox, began)?;
        if !found {
            self.wait(inbox).await?;
        }
        if let Some(look) = &mut inbox.look {
            look.came(clock::now().saturating_duration_since(began), found);
        }
        Ok(())
    }

    /// Looks for datagrams without sleeping, and tells whether there are some.
    fn look(&self, inbox: &mut Inbox, began: Instant) -> io::Result<bool> {
        let longest = inbox.look.as_mut().map_or(Duration::ZERO, Look::longest);
        while !longest.is_zero() {
            match inbox.fill(self) {
                Ok(()) => return Ok(true),
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                Err(e) if is_about_a_peer(&e) && !self.minds(&e) => {}
                Err(e) => return Err(e),
            }
            if clock::now().saturating_duration_since(began) >= longest {
                if let Some(look) = &mut inbox.look {
                    look.in_vain();
                }
                break;
            }
            std::hint::spin_loop();
        }
        Ok(false)
    }

    async fn wait(&self, inbox: &mut Inbox) -> io::Result<()> {
        loop {
            // Whoever hears without end lets others work too.
            tokio::task::consume_budget().await;
            // An error alone does not make a socket readable.
            self.socket.ready(Interest::READABLE | Interest::ERROR).await?;
            // One after the other: tokio tries nothing for two interests at once.
            for interest in [Interest::READABLE, Interest::ERROR] {
                inbox.came = 0;
                let tried = self.socket.try_io(interest, || {
                    inbox.fill(self)?;
                    // With places left over there is nothing more: the reactor is told so, which spares the call that would
                    // only find it out.
                    if inbox.came < inbox.metas.len() || inbox.alone { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(()) }
                });
                match tried {
                    Err(e) if e.kind() == io::ErrorKind::WouldBlock && inbox.came == 0 => {}
                    Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                    Err(e) if is_about_a_peer(&e) && !self.minds(&e) => {}
                    other => return other,
                }
            }
        }
    }

    /// Sends packets of `size` bytes each, standing one behind the other (the last may be shorter), in as few calls as the
    /// system allows. What the network has no room for is lost, as datagrams are.
    ///
    /// # Errors
    /// The system's: above all that a packet is larger than the path carries.
    pub async fn send(&self, route: &Route, packets: &[u8], size: usize) -> io::Result<()> {
        let size = size.max(1);
        let mut rest = packets;
        self.spoke.store(true, Ordering::Relaxed);
        while !rest.is_empty() {
            let together = self.together(route, size);
            let (now, later) = rest.split_at_checked(together * size).unwrap_or((rest, &[]));
            let sent = if now.len() <= size && route.from.is_none() {
                // One packet with nothing to say besides: the shortest way.
                self.socket.send_to(now, route.to).await.map(drop)
            } else {
                let transmit = Transmit {
                    destination: route.to,
                    ecn: None,
                    contents: now,
                    segment_size: (now.len() > size).then_some(size),
                    src_ip: route.from,
                };
                self.socket.async_io(Interest::WRITABLE, || self.state.try_send((&self.socket).into(), &transmit)).await
            };
            match sent {
                Ok(()) => rest = later,
                // The card or its driver cannot cut batches: one by one, then, from here on.
                Err(e) if now.len() > size && is_about_batches(&e) => self.singly.store(true, Ordering::Relaxed),
                Err(e) if is_loss(&e) && !self.minds(&e) => rest = later,
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    /// Sends a packet if that can be done at once, for who must not wait: at the end of things. Tells nothing, for a
    /// datagram may be lost in any case.
    pub fn send_now(&self, route: &Route, packet: &[u8]) {
        let transmit = Transmit { destination: route.to, ecn: None, contents: packet, segment_size: None, src_ip: route.from };
        let _ = self.state.try_send((&self.socket).into(), &transmit);
    }

    /// The address that a peer sees of this socket, where the system knows a way there; else the one it is bound to.
    pub fn seen_from(&self, peer: SocketAddr) -> SocketAddr {
        let seen = towards(self.local.ip(), peer).and_then(|socket| socket.local_addr());
        let ip = seen.ok().and_then(|at| at.as_socket()).map_or(self.local.ip(), |at| at.ip());
        SocketAddr::new(ip, self.local.port())
    }

    /// Whether an error that another packet may have caused is told.
    fn minds(&self, e: &io::Error) -> bool {
        self.refusals && matches!(Errno::from_io_error(e), Some(Errno::CONNREFUSED | Errno::HOSTUNREACH | Errno::NETUNREACH))
    }

    /// How many packets may leave in one call.
    fn together(&self, route: &Route, size: usize) -> usize {
        if self.singly.load(Ordering::Relaxed) || size > route.room() {
            return 1;
        }
        self.state.max_gso_segments().min(MOST_AT_ONCE / size).max(1)
    }
}

/// What every IPv4 path carries (RFC 791 §3.2 and RFC 1122 §3.3.3).
const LEAST_MTU: usize = 576;

/// What the path to a peer carries, as far as this machine knows.
fn path_mtu(from: IpAddr, to: SocketAddr) -> io::Result<usize> {
    let socket = towards(from, to)?;
    let mtu = if to.is_ipv4() { sockopt::ip_mtu(&socket)? } else { sockopt::ipv6_mtu(&socket)? };
    Ok(usize::try_from(mtu).unwrap_or(LEAST_MTU))
}

/// A socket that knows the way to a peer, from an address of ours or from any.
fn towards(from: IpAddr, to: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(to), Type::DGRAM.cloexec(), Some(Protocol::UDP))?;
    if !from.is_unspecified() {
        socket.bind(&with_port(like(from, to), 0).into())?;
    }
    // Connecting a UDP socket sends nothing: it looks the way up.
    socket.connect(&to.into())?;
    Ok(socket)
}

/// An address of ours as a peer's family and scope have it.
pub fn like(ours: IpAddr, peer: SocketAddr) -> SocketAddr {
    match (ours, peer) {
        (IpAddr::V6(ip), SocketAddr::V6(peer)) => {
            SocketAddr::V6(std::net::SocketAddrV6::new(ip, 0, 0, if ip.is_unicast_link_local() { peer.scope_id() } else { 0 }))
        }
        _ => SocketAddr::new(ours, 0),
    }
}

const fn with_port(mut at: SocketAddr, port: u16) -> SocketAddr {
    at.set_port(port);
    at
}

/// Ports that are taken in turn, so that the one just left rests longest.
#[derive(Debug)]
pub struct Ports {
    range: RangeInclusive<u16>,
    next: AtomicU16,
}

impl Ports {
    /// All of a range; `None` where it is empty or holds port 0.
    pub fn new(range: RangeInclusive<u16>) -> Option<Self> {
        (!range.is_empty() && *range.start() > 0).then(|| Self { range, next: AtomicU16::new(0) })
    }

    fn len(&self) -> u32 {
        u32::from(*self.range.end() - *self.range.start()) + 1
    }

    fn turn(&self) -> u16 {
        let turn = u32::from(self.next.fetch_add(1, Ordering::Relaxed)) % self.len();
        // Within the range: the turn is less than its length.
        self.range.start().saturating_add(u16::try_from(turn).unwrap_or(0))
    }
}

/// A datagram that came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Datagram<'a> {
    /// Who sent it.
    pub from: SocketAddr,
    /// The address it was sent to, where the system says so.
    pub to: Option<IpAddr>,
    /// What it holds.
    pub bytes: &'a [u8],
}

/// Where datagrams are put that came together.
#[derive(Debug)]
pub struct Inbox {
    room: Vec<u8>,
    each: usize,
    metas: Vec<RecvMeta>,
    came: usize,
    /// Looks for what comes before it sleeps.
    look: Option<Look>,
    /// Takes one datagram at a time.
    alone: bool,
    /// It was waited for and heard, and not given up meanwhile.
    heard: bool,
}

impl Inbox {
    /// Room for `count` datagrams of up to `each` bytes; small ones of one peer may share a place.
    pub fn new(count: usize, each: usize) -> Self {
        let (count, each) = (count.clamp(1, quinn_udp::BATCH_SIZE), each.max(1));
        Self {
            room: vec![0; count * each],
            each,
            metas: vec![RecvMeta::default(); count],
            came: 0,
            look: None,
            alone: false,
            heard: false,
        }
    }

    /// For who waits for one answer at a time: it is looked for before it sleeps, where answers come soon enough.
    pub fn looking(self) -> Self {
        Self { look: Some(Look::new()), ..self }
    }

    /// For who speaks in lock-step over a socket that has datagrams come [`Datagrams::one_by_one`]: room for one of up to
    /// `each` bytes, taken in the shortest way. Where what came was answered it is the next one that is waited for, and not
    /// looked whether others came with it: those are found with the next one, or when the wait for it is given up.
    pub fn of_one(each: usize) -> Self {
        Self { alone: true, ..Self::new(1, each).looking() }
    }

    /// What came last was not what was waited for, though something was said to it.
    pub const fn look_again(&mut self) {
        self.heard = false;
    }

    fn fill(&mut self, from: &Datagrams) -> io::Result<()> {
        self.came = 0;
        if self.alone {
            return self.fill_one(from);
        }
        let mut room = self.room.chunks_exact_mut(self.each);
        let mut places: [_; quinn_udp::BATCH_SIZE] = std::array::from_fn(|_| IoSliceMut::new(room.next().unwrap_or_default()));
        let places = places.get_mut(..self.metas.len()).unwrap_or_default();
        self.came = from.state.recv((&from.socket).into(), places, &mut self.metas)?;
        Ok(())
    }

    fn fill_one(&mut self, from: &Datagrams) -> io::Result<()> {
        let (taken, _, peer) = recvfrom(&from.socket, self.room.as_mut_slice(), RecvFlags::DONTWAIT)?;
        let Some(meta) = self.metas.first_mut() else { return Ok(()) };
        let peer = peer.and_then(|peer| SocketAddr::try_from(peer).ok()).ok_or(io::ErrorKind::InvalidData)?;
        (meta.addr, meta.len, meta.stride, meta.dst_ip) = (peer, taken, taken, None);
        self.came = 1;
        Ok(())
    }

    /// What came, in its order.
    pub fn iter(&self) -> impl Iterator<Item = Datagram<'_>> {
        self.metas.iter().zip(self.room.chunks_exact(self.each)).take(self.came).flat_map(|(meta, place)| {
            let bytes = place.get(..meta.len.min(place.len())).unwrap_or_default();
            // An empty datagram is one all the same.
            let first = bytes.is_empty().then_some(bytes);
            let each = bytes.chunks(meta.stride.max(1));
            first.into_iter().chain(each).map(|bytes| Datagram { from: meta.addr, to: meta.dst_ip, bytes })
        })
    }
}

/// An ICMP message about an earlier datagram.
fn is_about_a_peer(e: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(e),
        Some(Errno::CONNREFUSED | Errno::HOSTUNREACH | Errno::NETUNREACH | Errno::HOSTDOWN | Errno::NETDOWN | Errno::INTR)
    )
}

/// The datagram goes nowhere, now: what is not acknowledged is sent again.
fn is_loss(e: &io::Error) -> bool {
    is_about_a_peer(e) || matches!(Errno::from_io_error(e), Some(Errno::NOBUFS | Errno::NOMEM | Errno::PERM | Errno::ACCESS))
}

fn is_about_batches(e: &io::Error) -> bool {
    matches!(Errno::from_io_error(e), Some(Errno::IO | Errno::INVAL | Errno::MSGSIZE | Errno::OPNOTSUPP))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn collect(at: &Datagrams, inbox: &mut Inbox, count: usize) -> Vec<(SocketAddr, Option<IpAddr>, Vec<u8>)> {
        let mut all = Vec::new();
        while all.len() < count {
            tokio::time::timeout(Duration::from_secs(5), at.receive(inbox)).await.expect("a datagram").unwrap();
            all.extend(inbox.iter().map(|d| (d.from, d.to, d.bytes.to_vec())));
        }
        all
    }

    #[tokio::test]
    async fn batches_come_as_the_packets_they_hold() {
        for any in ["127.0.0.1:0", "[::1]:0"] {
            let (a, b) =
                (Datagrams::bind(any.parse().unwrap(), false).unwrap(), Datagrams::bind(any.parse().unwrap(), false).unwrap());
            let route = a.route(b.local(), None);
            for (size, len) in
                [(1432, 64 * 1432), (1432, 10 * 1432 + 4), (516, 516), (4, 4), (65_468 - 40, 2 * (65_468 - 40) + 9)]
            {
                let packets: Vec<u8> = (0..len).map(|i| (i / size) as u8).collect();
                // Both ways: in batches, and one by one.
                for singly in [false, true] {
                    a.singly.store(singly, Ordering::Relaxed);
                    a.send(&route, &packets, size).await.unwrap();
                    let came = collect(&b, &mut Inbox::new(4, 65_536), packets.len().div_ceil(size)).await;
                    assert_eq!(came.iter().map(|c| &c.2[..]).collect::<Vec<_>>(), packets.chunks(size).collect::<Vec<_>>());
                    assert!(came.iter().all(|c| c.0 == a.local()));
                }
            }
        }
    }

    #[tokio::test]
    async fn in_lock_step_nothing_that_came_is_left_for_good() {
        for any in ["127.0.0.1:0", "[::1]:0"] {
            let any: SocketAddr = any.parse().unwrap();
            let (a, b) = (Datagrams::bind(any, false).unwrap(), Datagrams::bind(any, false).unwrap());
            let (to_a, to_b) = (b.route(a.local(), None), a.route(b.local(), None));
            a.one_by_one();
            let mut inbox = Inbox::of_one(100);
            let next = async |inbox: &mut Inbox| {
                tokio::time::timeout(Duration::from_secs(30), a.receive(inbox)).await.expect("a datagram").unwrap();
                inbox.iter().map(|d| (d.from == b.local(), d.bytes.to_vec())).collect::<Vec<_>>()
            };
            // Of two that came together the second is found where the first is not answered, ...
            b.send(&to_a, b"onetwo", 3).await.unwrap();
            assert_eq!(next(&mut inbox).await, [(true, b"one".to_vec())]);
            assert_eq!(next(&mut inbox).await, [(true, b"two".to_vec())]);
            // ... with the next one where it is, ...
            b.send(&to_a, b"onetwo", 3).await.unwrap();
            next(&mut inbox).await;
            a.send(&to_b, b"answer", 6).await.unwrap();
            b.send(&to_a, b"new", 3).await.unwrap();
            assert_eq!(next(&mut inbox).await, [(true, b"two".to_vec())]);
            assert_eq!(next(&mut inbox).await, [(true, b"new".to_vec())]);
            // ... at once where that was not the answer, ...
            b.send(&to_a, b"onetwo", 3).await.unwrap();
            next(&mut inbox).await;
            a.send(&to_b, b"answer", 6).await.unwrap();
            inbox.look_again();
            assert_eq!(next(&mut inbox).await, [(true, b"two".to_vec())]);
            // ... and once the wait for it was given up, whatever was sent since.
            b.send(&to_a, b"onetwo", 3).await.unwrap();
            next(&mut inbox).await;
            a.send(&to_b, b"answer", 6).await.unwrap();
            let waited = tokio::time::timeout(Duration::from_millis(20), a.receive(&mut inbox)).await;
            assert!(waited.is_err() || inbox.iter().next().is_some_and(|d| d.bytes == b"two"));
            a.send(&to_b, b"again", 5).await.unwrap();
            if waited.is_err() {
                assert_eq!(next(&mut inbox).await, [(true, b"two".to_vec())]);
            }
        }
    }

    #[tokio::test]
    async fn answers_leave_from_the_address_that_was_asked() {
        for (wildcard, own, asked) in
            [("0.0.0.0:0", "127.0.0.1:0", "127.0.0.77"), ("[::]:0", "127.0.0.1:0", "127.0.0.78"), ("[::]:0", "[::1]:0", "::1")]
        {
            let server = Datagrams::bind(wildcard.parse().unwrap(), false).unwrap();
            let client = Datagrams::bind(own.parse().unwrap(), false).unwrap();
            let to = SocketAddr::new(asked.parse().unwrap(), server.local().port());
            client.send(&client.route(to, None), b"hello", 5).await.unwrap();
            let asked_at = collect(&server, &mut Inbox::new(1, 100), 1).await.remove(0);
            assert_eq!(asked_at.1.map(|ip| ip.to_canonical()), Some(to.ip()), "{wildcard}");
            server.send(&server.route(asked_at.0, asked_at.1), b"answer", 6).await.unwrap();
            assert_eq!(collect(&client, &mut Inbox::new(1, 100), 1).await[0].0, to, "{wildcard}");
        }
    }

    #[tokio::test]
    async fn that_nobody_is_there_is_told_where_it_is_wished() {
        for any in ["127.0.0.1:0", "[::1]:0"] {
            let any: SocketAddr = any.parse().unwrap();
            let mut one = Datagrams::bind(any, true).unwrap();
            one.hear_refusals().unwrap();
            let mut inbox = Inbox::new(1, 100);
            // A port that was given back may be somebody else's by now: then another is asked.
            let mut heard = None;
            for _ in 0..20 {
                let dead = Datagrams::bind(any, false).unwrap().local();
                one.send(&one.route(dead, None), b"hello", 5).await.unwrap();
                heard = tokio::time::timeout(Duration::from_secs(2), one.receive(&mut inbox)).await.ok();
                if heard.is_some() {
                    break;
                }
            }
            assert_eq!(heard.expect("an error").unwrap_err().kind(), io::ErrorKind::ConnectionRefused, "{any}");
            // And it goes on.
            let other = Datagrams::bind(any, false).unwrap();
            other.send(&other.route(one.local(), None), b"hello", 5).await.unwrap();
            assert_eq!(collect(&one, &mut inbox, 1).await[0].2, b"hello");
        }
    }

    #[tokio::test]
    async fn what_cannot_wait_is_sent_at_once_and_peers_see_an_address() {
        for (any, peer) in [("0.0.0.0:0", "127.0.0.1:0"), ("[::]:0", "[::1]:0")] {
            let one = Datagrams::bind(any.parse().unwrap(), true).unwrap();
            let other = Datagrams::bind(peer.parse().unwrap(), false).unwrap();
            one.send_now(&one.route(other.local(), None), b"good bye");
            let came = collect(&other, &mut Inbox::new(1, 100), 1).await.remove(0);
            assert_eq!((came.2, came.0), (b"good bye".to_vec(), one.seen_from(other.local())));
        }
    }

    #[tokio::test]
    async fn ports_come_from_the_range_and_run_out() {
        let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let taken = Datagrams::bind(any, false).unwrap();
        let port = taken.local().port();
        let full = Ports::new(port..=port).unwrap();
        assert_eq!(Datagrams::bind_within(any, Some(&full), false).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        drop(taken);
        assert_eq!(Datagrams::bind_within(any, Some(&full), false).unwrap().local().port(), port);
        assert!(Ports::new(0..=5).is_none());
        let some = Ports::new(50_000..=50_002).unwrap();
        assert_eq!((0..4).map(|_| some.turn()).collect::<Vec<_>>(), [50_000, 50_001, 50_002, 50_000]);
    }

    #[tokio::test]
    async fn the_path_tells_how_much_it_carries() {
        let a = Datagrams::bind("127.0.0.1:0".parse().unwrap(), false).unwrap();
        let route = a.route("127.0.0.1:9".parse().unwrap(), None);
        assert!(route.mtu >= 1500 && route.room() == route.mtu - 28, "{route:?}");
        let nowhere = a.send(&route, &vec![0; 70_000], 70_000).await;
        assert!(nowhere.is_err(), "larger than any datagram");
    }
}
