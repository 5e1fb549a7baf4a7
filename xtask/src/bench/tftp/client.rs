//! How is TFTP's load made? Clients on bare sockets: one that waits for its packets, or hundreds on one thread.
//!
//! They cost as little as they can: of what comes only the heads leave the kernel, or many packets leave it in one call
//! (recvmmsg, UDP_GRO). They keep to the RFCs: one ACK for a window, one more for a gap, and the last one again after a
//! second of silence.

use crate::Result;
use quinn_udp::{RecvMeta, UdpSocketState};
use rustix::buffer::spare_capacity;
use rustix::event::{PollFd, PollFlags, Timespec, epoll, poll};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recvfrom, send, sockopt};
use std::fmt::Write;
use std::io::{ErrorKind, IoSliceMut};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

/// How often a client looks at how long it has waited; all its waits are counted in these.
const TICK: Duration = Duration::from_millis(100);

/// Ticks of silence after which the last packet is said again: one second, as most firmware has it.
const REPEAT: u32 = 10;

/// Ticks without progress after which the transfer has failed. atftpd waits five seconds before it repeats.
const GIVE_UP: u32 = 200;

/// Kept of a packet where only its head counts: enough for an OACK and for what an ERROR says.
const HEAD: usize = 256;

/// The largest datagram, or many small ones that come as one.
const WHOLE: usize = 65_536;

/// Places for datagrams that come in one call.
const PLACES: usize = 8;

/// UDP_GRO can join no blocks as large as these.
const ALONE: u16 = 32_768;

/// What a client asks for.
#[derive(Clone, Copy)]
pub(super) struct Wish<'a> {
    pub(super) name: &'a str,
    pub(super) blksize: u16,
    pub(super) windowsize: u16,
}

/// Room for what comes, shared by all clients of a thread.
pub(super) struct Inbox {
    room: Vec<u8>,
    metas: [RecvMeta; PLACES],
}

impl Inbox {
    pub(super) fn new() -> Self {
        Self { room: vec![0; PLACES * WHOLE], metas: [RecvMeta::default(); PLACES] }
    }
}

/// One transfer.
pub(super) struct Fetch {
    socket: UdpSocket,
    /// Takes many packets in a call; without it one is taken at a time.
    many: Option<UdpSocketState>,
    talk: Talk,
}

/// What was said so far.
struct Talk {
    server: SocketAddr,
    request: Vec<u8>,
    /// The server's port for this transfer is known, and the socket connected to it.
    begun: bool,
    blksize: usize,
    window: u64,
    /// The last block that came in its order.
    block: u64,
    /// Blocks since the last ACK.
    since: u64,
    /// The gap was told.
    told: bool,
    /// The body, where it is to be compared.
    body: Option<Vec<u8>>,
    bytes: u64,
    end: Option<std::result::Result<(), String>>,
    /// Ticks without a packet.
    silent: u32,
    /// Ticks without progress.
    stuck: u32,
}

impl Fetch {
    /// Asks for a file; with `keeping` its body is kept.
    pub(super) fn begin(server: SocketAddr, wish: Wish<'_>, keeping: bool) -> Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        // A window of the largest blocks: more than the system's limit, which root may pass.
        let room = 16 << 20;
        if sockopt::set_socket_recv_buffer_size_force(&socket, room).is_err() {
            sockopt::set_socket_recv_buffer_size(&socket, room)?;
        }
        socket.set_read_timeout(Some(TICK))?;
        // This makes the socket one that never waits.
        let many = if wish.windowsize > 1 && wish.blksize < ALONE { Some(UdpSocketState::new((&socket).into())?) } else { None };
        let mut request = format!("\0\x01{}\0octet\0", wish.name);
        if wish.blksize != 512 {
            write!(request, "blksize\0{}\0", wish.blksize)?;
        }
        if wish.windowsize != 1 {
            write!(request, "windowsize\0{}\0", wish.windowsize)?;
        }
        let talk = Talk {
            server,
            request: request.into_bytes(),
            begun: false,
            blksize: 512,
            window: 1,
            block: 0,
            since: 0,
            told: false,
            body: keeping.then(Vec::new),
            bytes: 0,
            end: None,
            silent: 0,
            stuck: 0,
        };
        socket.send_to(&talk.request, server)?;
        Ok(Self { socket, many, talk })
    }

    /// Waits until it has ended, or until `deadline`.
    pub(super) fn finish(&mut self, inbox: &mut Inbox, deadline: Instant) -> Result<()> {
        while self.talk.end.is_none() {
            if !self.take(inbox, true)? {
                self.talk.tick(&self.socket)?;
                if Instant::now() > deadline {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Bytes that came in their order.
    pub(super) const fn bytes(&self) -> u64 {
        self.talk.bytes
    }

    /// How it ended, if it has.
    pub(super) const fn end(&self) -> Option<&std::result::Result<(), String>> {
        self.talk.end.as_ref()
    }

    /// What came, where it was to be kept.
    pub(super) fn body(&self) -> &[u8] {
        self.talk.body.as_deref().unwrap_or_default()
    }

    /// The blocks that the server agreed to.
    pub(super) const fn blksize(&self) -> usize {
        self.talk.blksize
    }

    /// The window that the server agreed to.
    pub(super) const fn window(&self) -> u64 {
        self.talk.window
    }

    /// Takes what has come; `false` where there was nothing, even after a tick for who waits.
    fn take(&mut self, inbox: &mut Inbox, waiting: bool) -> Result<bool> {
        let Some(state) = &self.many else { return self.take_one(inbox, waiting) };
        if waiting {
            let wait = Timespec { tv_sec: 0, tv_nsec: TICK.as_nanos() as i64 };
            if poll(&mut [PollFd::new(&self.socket, PollFlags::IN)], Some(&wait))? == 0 {
                return Ok(false);
            }
        }
        let mut places = inbox.room.chunks_exact_mut(WHOLE).map(IoSliceMut::new);
        let mut places: [IoSliceMut<'_>; PLACES] =
            std::array::from_fn(|_| places.next().unwrap_or_else(|| IoSliceMut::new(&mut [])));
        let count = match state.recv((&self.socket).into(), &mut places, &mut inbox.metas) {
            Ok(count) => count,
            Err(why) if is_nothing(why.kind()) => return Ok(false),
            Err(why) => return Err(why.into()),
        };
        for (meta, place) in inbox.metas.iter().zip(&places).take(count) {
            self.talk.join(&self.socket, meta.addr)?;
            for packet in place[..meta.len].chunks(meta.stride.max(1)) {
                self.talk.hear(&self.socket, packet, packet.len())?;
            }
        }
        Ok(true)
    }

    /// The same for one packet, of which the kernel keeps the bulk.
    fn take_one(&mut self, inbox: &mut Inbox, waiting: bool) -> Result<bool> {
        let length = if self.talk.body.is_some() { WHOLE } else { HEAD };
        let flags = if waiting { RecvFlags::TRUNC } else { RecvFlags::TRUNC | RecvFlags::DONTWAIT };
        let (came, from) = match recvfrom(&self.socket, &mut inbox.room[..length], flags) {
            Ok((_, came, from)) => (came, from),
            Err(why) if is_nothing(why.kind()) => return Ok(false),
            Err(why) => return Err(why.into()),
        };
        if let Some(from) = from.filter(|_| !self.talk.begun) {
            self.talk.join(&self.socket, SocketAddr::try_from(from)?)?;
        }
        self.talk.hear(&self.socket, &inbox.room[..came.min(length)], came)?;
        Ok(true)
    }
}

/// Nobody at the other end is silence too: it shows in the patience.
const fn is_nothing(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::Interrupted | ErrorKind::ConnectionRefused)
}

impl Talk {
    /// The first packet tells the server's port; from then on nobody else is heard.
    fn join(&mut self, socket: &UdpSocket, from: SocketAddr) -> Result<()> {
        if !self.begun {
            self.begun = true;
            socket.connect(from)?;
        }
        Ok(())
    }

    /// Hears a packet of `length` bytes by its head.
    fn hear(&mut self, socket: &UdpSocket, head: &[u8], length: usize) -> Result<()> {
        if self.end.is_some() {
            return Ok(());
        }
        self.silent = 0;
        match head {
            [0, 3, high, low, data @ ..] => self.data(socket, u16::from_be_bytes([*high, *low]), data, length - 4),
            [0, 5, _, code, text @ ..] => {
                let text = String::from_utf8_lossy(text);
                self.end = Some(Err(format!("error {code}: {}", text.trim_end_matches('\0'))));
                Ok(())
            }
            [0, 6, options @ ..] if self.block == 0 => {
                let words: Vec<String> = options.split(|byte| *byte == 0).map(|w| String::from_utf8_lossy(w).into()).collect();
                for pair in words.chunks_exact(2) {
                    match &*pair[0].to_ascii_lowercase() {
                        "blksize" => self.blksize = pair[1].parse()?,
                        "windowsize" => self.window = pair[1].parse()?,
                        _ => {}
                    }
                }
                self.acknowledge(socket)
            }
            _ => Ok(()),
        }
    }

    fn data(&mut self, socket: &UdpSocket, number: u16, data: &[u8], length: usize) -> Result<()> {
        if number == (self.block + 1) as u16 {
            self.block += 1;
            self.since += 1;
            self.bytes += length as u64;
            (self.told, self.stuck) = (false, 0);
            if let Some(body) = &mut self.body {
                body.extend_from_slice(data);
            }
            if length < self.blksize {
                self.end = Some(Ok(()));
            }
            if self.since < self.window && self.end.is_none() {
                return Ok(());
            }
            return self.acknowledge(socket);
        }
        // The last one again: its ACK was lost. One that is ahead: what is between was lost (RFC 7440 §4).
        let again = number == self.block as u16;
        let ahead = number.wrapping_sub(self.block as u16) < 0x8000;
        if again || (ahead && !self.told) {
            self.told = !again;
            return self.acknowledge(socket);
        }
        Ok(())
    }

    fn acknowledge(&mut self, socket: &UdpSocket) -> Result<()> {
        self.since = 0;
        let [high, low] = (self.block as u16).to_be_bytes();
        match send(socket, &[0, 4, high, low], SendFlags::empty()) {
            // That nobody was there when the last one came is old news.
            Ok(_) | Err(Errno::CONNREFUSED | Errno::NOBUFS | Errno::AGAIN) => Ok(()),
            Err(why) => Err(why.into()),
        }
    }

    /// It waited for another tick.
    fn tick(&mut self, socket: &UdpSocket) -> Result<()> {
        self.silent += 1;
        self.stuck += 1;
        if self.stuck >= GIVE_UP {
            self.end = Some(Err(format!("no progress for {} s at block {}", (TICK * GIVE_UP).as_secs(), self.block)));
        } else if self.silent >= REPEAT {
            self.silent = 0;
            if self.begun {
                self.acknowledge(socket)?;
            } else {
                socket.send_to(&self.request, self.server)?;
            }
        }
        Ok(())
    }
}

/// What many clients came to.
pub(super) struct Crowd {
    /// Bytes that came to all of them, in order.
    pub(super) bytes: u64,
    /// Transfers that failed, and what the first of them says.
    pub(super) failed: usize,
    pub(super) why: Option<String>,
    pub(super) took: Duration,
}

/// So many clients at once on this thread, until all have ended or `within` is over: what is not through by then counts
/// with the bytes it has.
pub(super) fn crowd(server: SocketAddr, count: usize, wish: Wish<'_>, within: Duration) -> Result<Crowd> {
    let mut inbox = Inbox::new();
    let events = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    let begun = Instant::now();
    let mut fetches = Vec::with_capacity(count);
    for at in 0..count {
        let fetch = Fetch::begin(server, wish, false)?;
        epoll::add(&events, &fetch.socket, epoll::EventData::new_u64(at as u64), epoll::EventFlags::IN)?;
        fetches.push(fetch);
    }
    let (mut live, mut next_tick) = (count, begun + TICK);
    let mut ready = Vec::with_capacity(256);
    while live > 0 {
        ready.clear();
        let wait = next_tick.saturating_duration_since(Instant::now());
        let wait = Timespec { tv_sec: 0, tv_nsec: wait.as_nanos().min(999_999_999) as i64 };
        match epoll::wait(&events, spare_capacity(&mut ready), Some(&wait)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(why) => return Err(why.into()),
        }
        for event in &ready {
            let fetch = &mut fetches[event.data.u64() as usize];
            fetch.take(&mut inbox, false)?;
            if fetch.end().is_some() {
                epoll::delete(&events, &fetch.socket)?;
                live -= 1;
            }
        }
        let now = Instant::now();
        if now >= next_tick {
            next_tick = now + TICK;
            for fetch in fetches.iter_mut().filter(|fetch| fetch.end().is_none()) {
                fetch.talk.tick(&fetch.socket)?;
                if fetch.end().is_some() {
                    epoll::delete(&events, &fetch.socket)?;
                    live -= 1;
                }
            }
            if now - begun > within {
                break;
            }
        }
    }
    let took = begun.elapsed();
    let failures = || fetches.iter().filter_map(|fetch| fetch.end()?.as_ref().err());
    Ok(Crowd { bytes: fetches.iter().map(Fetch::bytes).sum(), failed: failures().count(), why: failures().next().cloned(), took })
}
