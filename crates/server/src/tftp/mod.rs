//! TFTP: the socket that requests come to, and one task for each transfer (RFC 1350 §4).

mod drive;
mod group;
pub mod multicast;
pub mod names;
pub mod quirks;
mod together;
mod transfer;
mod upload;
mod wire;

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gate::Gate;
use io::clock;
use io::task::{Children, Workers};
use io::udp::{Datagrams, Inbox, Ports};
use proto::tftp::errors::{self, Code};
use proto::tftp::options::Bounds;
use proto::tftp::packet::{Mode, Packet, PacketError};
use proto::tftp::timing::Patience;
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;
use trace::record::{Capacity, Observer};

use crate::listen::Stop;
use multicast::{Book, Groups, Join};
use names::Names;
use transfer::Transfer;
use wire::Wire;

/// What a listener needs to know, apart from its socket. Replaced whole on reload: transfers keep what they began with.
pub struct Listener {
    /// Its name in the configuration and in the rules.
    pub name: Arc<str>,
    /// What becomes of the names clients ask for.
    pub names: Names,
    /// Clients with ways of their own.
    pub quirks: Vec<quirks::Known>,
    /// What uploads may do.
    pub uploads: Uploads,
    /// Where transfers take place.
    pub place: Place,
    /// How much is agreed to.
    pub bounds: Bounds,
    /// Blocks may be larger than the path carries: IP cuts them then. `false` fits them to the path.
    pub cutting: bool,
    /// How patient it is with those who read.
    pub sending: Patience,
    /// How patient it is with those who write.
    pub receiving: Patience,
    /// Files that many ask for at once may go to all of them together (RFC 2090): from addresses of these groups.
    pub groups: Option<Groups>,
    /// Transfers at once. Requests beyond are not answered: clients ask again by themselves.
    pub transfers: usize,
    /// How much of each transfer's events is kept.
    pub record: Capacity,
}

impl Listener {
    /// A listener that only lets files be read, each transfer on a port of its own.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            names: Names::default(),
            quirks: Vec::new(),
            uploads: Uploads::Off,
            place: Place::Ephemeral,
            bounds: Bounds::default(),
            cutting: false,
            sending: Patience::sender(),
            receiving: Patience::receiver(),
            groups: None,
            transfers: 1_000,
            record: Capacity::events(64),
        }
    }
}

/// What uploads may do; the user's permissions have their say besides.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Uploads {
    /// Nothing: WRQ is refused.
    #[default]
    Off,
    /// Only what has no file's name yet. What stands already and comes once more is confirmed, for an ACK may be lost.
    New,
    /// Files that stand are replaced in one step.
    Replace,
    /// A file that stands stays, and the new one gets a name made from its name; not the same content again within ten
    /// minutes, for an ACK may be lost.
    Versions,
}

/// Where transfers take place.
#[derive(Clone, Debug, Default)]
pub enum Place {
    /// Each on a port of its own that the system gives (RFC 1350 §4).
    #[default]
    Ephemeral,
    /// Each on a port of its own from a range, for firewalls.
    Range(Arc<Ports>),
    /// All on the port that requests come to: through NAT and out of containers.
    Single,
}

/// Bytes that may come at once: the largest DATA packet, or many small ones that the kernel hands over as one.
const LARGEST: usize = 65_536;

/// Takes requests until told to stop; each becomes a child task. Returns when the last has ended.
pub async fn serve(
    socket: Datagrams,
    listener: watch::Receiver<Arc<Listener>>,
    gate: Arc<Gate>,
    observer: Arc<dyn Observer>,
    workers: Workers,
    stop: Stop,
) {
    let (ended, mut ends) = mpsc::unbounded_channel();
    let (joins, mut joining) = mpsc::unbounded_channel();
    let mut door = Door {
        socket: Arc::new(socket),
        listener,
        gate,
        observer,
        workers,
        children: Children::new(),
        live: HashMap::new(),
        ended,
        joins,
        book: Book::default(),
        count: 0,
        stop,
    };
    let mut inbox = Inbox::new(8, LARGEST);
    loop {
        tokio::select! {
            biased;
            () = door.stop.gentle.cancelled() => break,
            Some(end) = ends.recv() => door.forget(end),
            Some(join) = joining.recv() => door.join(join),
            received = door.socket.receive(&mut inbox) => match received {
                Ok(()) => door.hear(&inbox).await,
                // Out of memory, for one: a moment later it may be better, and no request is lost for good.
                Err(_) => clock::sleep_until(clock::now() + A_MOMENT).await,
            },
        }
    }
    // Who would still join is served alone.
    drop(joining);
    door.drain(&mut inbox, &mut ends).await;
}

const A_MOMENT: std::time::Duration = std::time::Duration::from_millis(50);

/// The one who sits at the port.
struct Door {
    socket: Arc<Datagrams>,
    listener: watch::Receiver<Arc<Listener>>,
    gate: Arc<Gate>,
    observer: Arc<dyn Observer>,
    workers: Workers,
    children: Children,
    /// Transfers by the client's port.
    live: HashMap<SocketAddr, Live>,
    ended: mpsc::UnboundedSender<End>,
    joins: mpsc::UnboundedSender<Join>,
    /// Groups that hear a file together.
    book: Book,
    count: u64,
    stop: Stop,
}

/// A transfer, as the door knows it.
struct Live {
    number: u64,
    /// The request that began it: the same again is only a repetition.
    request: Box<[u8]>,
    /// Its client has answered: the same request is a new one from then on.
    answered: Arc<AtomicBool>,
    /// Rings when the request is repeated before that.
    again: Arc<Notify>,
    cancel: CancellationToken,
    /// Where its packets go on a single port.
    packets: Option<mpsc::Sender<Box<[u8]>>>,
}

/// A transfer has ended: which client's, and which of its transfers.
type End = (SocketAddr, u64);

/// Tells the door, however the transfer ends.
struct Told {
    end: End,
    to: mpsc::UnboundedSender<End>,
}

impl Drop for Told {
    fn drop(&mut self) {
        let _ = self.to.send(self.end);
    }
}

impl Door {
    async fn hear(&mut self, inbox: &Inbox) {
        for datagram in inbox.iter() {
            let (peer, asked) = (datagram.from, datagram.to);
            match Packet::parse(datagram.bytes) {
                Ok(Packet::Read(request)) => self.request(peer, asked, datagram.bytes, request.mode, false).await,
                Ok(Packet::Write(request)) => self.request(peer, asked, datagram.bytes, request.mode, true).await,
                Err(error) if is_request(datagram.bytes) => self.unreadable(peer, asked, error).await,
                _ => self.packet(peer, asked, datagram.bytes).await,
            }
        }
    }

    /// A request that cannot be read gets its ERROR.
    async fn unreadable(&self, peer: SocketAddr, asked: Option<IpAddr>, error: PacketError) {
        self.answer(peer, asked, errors::unreadable(error), &error.to_string()).await;
    }

    async fn answer(&self, peer: SocketAddr, asked: Option<IpAddr>, code: Code, text: &str) {
        let packet = errors::error(code, text);
        // Lost or not, it was said.
        let _ = self.socket.send(&self.socket.route(peer, asked), &packet, packet.len()).await;
    }

    /// A packet that is no request: on a single port a transfer's, else nobody's.
    async fn packet(&mut self, peer: SocketAddr, asked: Option<IpAddr>, bytes: &[u8]) {
        if let Some(packets) = self.live.get(&peer).and_then(|live| live.packets.as_ref()) {
            // What finds no room is lost, as datagrams are.
            let _ = packets.try_send(bytes.into());
            return;
        }
        // RFC 1350 §4: whoever speaks of a transfer that is none hears so. An ERROR is never answered, nor is noise.
        if matches!(Packet::parse(bytes), Ok(Packet::Data(..) | Packet::Ack(_) | Packet::Options(_))) {
            self.answer(peer, asked, Code::UNKNOWN_TID, "there is no such transfer").await;
        }
    }

    async fn request(&mut self, peer: SocketAddr, asked: Option<IpAddr>, bytes: &[u8], mode: Mode, writing: bool) {
        if mode == Mode::Mail {
            return self.answer(peer, asked, Code::ILLEGAL, "mode mail is obsolete (RFC 1350 §5)").await;
        }
        if let Some(live) = self.live.get(&peer) {
            if *live.request == *bytes && !live.answered.load(Ordering::Acquire) {
                // Its answer is on its way, or was lost.
                live.again.notify_one();
                return;
            }
            // A client that begins anew from the same port has given the old transfer up.
            live.cancel.cancel();
        }
        let listener = self.listener.borrow().clone();
        if self.children.len() >= listener.transfers {
            return;
        }
        self.begin(peer, asked, bytes, writing, listener);
    }

    fn begin(&mut self, peer: SocketAddr, asked: Option<IpAddr>, bytes: &[u8], writing: bool, listener: Arc<Listener>) {
        self.count += 1;
        let cancel = self.stop.now.child_token();
        let answered = Arc::new(AtomicBool::new(false));
        let single = matches!(listener.place, Place::Single);
        let (wire, packets) = if single {
            let (packets, inbox) = mpsc::channel(QUEUE);
            (Wire::shared(self.socket.clone(), peer, asked, inbox), Some(packets))
        } else {
            (Wire::own(&self.socket, peer, asked, listener.cutting), None)
        };
        let told = Told { end: (peer, self.count), to: self.ended.clone() };
        let again = Arc::new(Notify::new());
        let live = Live {
            number: self.count,
            request: bytes.into(),
            answered: answered.clone(),
            again: again.clone(),
            cancel: cancel.clone(),
            packets,
        };
        self.live.insert(peer, live);
        let door = together::Door { number: self.count, joins: self.joins.clone(), again };
        let transfer = Transfer {
            listener,
            gate: self.gate.clone(),
            observer: self.observer.clone(),
            request: bytes.into(),
            writing,
            answered,
            door,
        };
        let run = Box::pin(async move {
            transfer.run(wire).await;
            drop(told);
        });
        if single {
            // Beside its socket.
            self.children.spawn("tftp transfer", &cancel, run);
        } else {
            self.children.spawn_on("tftp transfer", &self.workers.turn(), &cancel, run);
        }
    }

    fn join(&mut self, join: Join) {
        self.book.join(join, &mut self.children, &self.workers, &self.stop.now);
    }

    fn forget(&mut self, (peer, number): End) {
        if self.live.get(&peer).is_some_and(|live| live.number == number) {
            self.live.remove(&peer);
        }
    }

    /// No new transfers; those that run go on, on a single port with packets that come here.
    async fn drain(&mut self, inbox: &mut Inbox, ends: &mut mpsc::UnboundedReceiver<End>) {
        let deadline = clock::now() + self.stop.drain_within;
        while !self.children.is_empty() {
            tokio::select! {
                biased;
                () = self.stop.now.cancelled() => break,
                () = clock::sleep_until(deadline) => break,
                () = self.children.one_ended() => {}
                Some(end) = ends.recv() => self.forget(end),
                received = self.socket.receive(inbox) => {
                    for datagram in inbox.iter().take_while(|_| received.is_ok()) {
                        if !is_request(datagram.bytes) {
                            self.packet(datagram.from, datagram.to, datagram.bytes).await;
                        }
                    }
                }
            }
        }
        self.children.drain(clock::now()).await;
    }
}

/// Packets that wait for a transfer on a single port: two windows of the largest kind that is granted.
const QUEUE: usize = 256;

const fn is_request(bytes: &[u8]) -> bool {
    matches!(bytes, [0, 1 | 2, ..])
}

#[cfg(test)]
mod tests;
