//! Where a transfer's packets come from and go to: a socket of its own, or the one port that all share.

use std::io::{ErrorKind::NotConnected, Result};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use io::udp::{Datagrams, Inbox, Route, like};
use proto::tftp::errors::{self, Code};
use tokio::sync::mpsc;

use super::{LARGEST, Place};
use crate::listen::canonical;

/// More than any packet that comes to who sends a file.
const SMALL: usize = 2_048;

/// A transfer's way to its client.
pub(super) struct Wire {
    /// The client.
    peer: SocketAddr,
    /// The address it asked.
    asked: Option<IpAddr>,
    kind: Kind,
}

enum Kind {
    /// To be opened on the reactor that runs the transfer: at this address.
    Unopened(SocketAddr, bool),
    Own {
        socket: Box<Datagrams>,
        inbox: Inbox,
        strangers: Strangers,
    },
    Shared {
        socket: Arc<Datagrams>,
        inbox: mpsc::Receiver<Box<[u8]>>,
    },
}

/// Those who speak to a port that belongs to others. They are told so, and the transfer goes on (RFC 1350 §4).
#[derive(Default)]
pub(super) struct Strangers {
    told: u32,
}

impl Strangers {
    /// How many of them a transfer tells.
    const MOST: u32 = 16;

    /// Somebody spoke who does not belong here. An ERROR is never answered.
    pub(super) async fn tell(&mut self, socket: &Datagrams, from: SocketAddr, bytes: &[u8]) -> Result<()> {
        if self.told >= Self::MOST || bytes.starts_with(&[0, 5]) {
            return Ok(());
        }
        self.told += 1;
        let told = errors::error(Code::UNKNOWN_TID, "this port belongs to another transfer");
        socket.send(&socket.route(from, None), &told, told.len()).await
    }
}

impl Wire {
    /// A socket of its own, at the address that was asked.
    pub(super) fn own(door: &Datagrams, peer: SocketAddr, asked: Option<IpAddr>, cutting: bool) -> Self {
        let peer = canonical(peer);
        let at = asked.unwrap_or(door.local().ip()).to_canonical();
        Self { peer, asked: None, kind: Kind::Unopened(like(at, peer), cutting) }
    }

    /// The door's own socket; the door hands over what comes from the client.
    pub(super) const fn shared(
        socket: Arc<Datagrams>,
        peer: SocketAddr,
        asked: Option<IpAddr>,
        inbox: mpsc::Receiver<Box<[u8]>>,
    ) -> Self {
        Self { peer, asked, kind: Kind::Shared { socket, inbox } }
    }

    /// The client.
    pub(super) const fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Opens it, and finds the way to the client. Small packets are all that comes to who sends a file, one at a time;
    /// the second place shows that there is no second.
    pub(super) fn open(&mut self, place: &Place, writing: bool) -> Result<Route> {
        if let Kind::Unopened(at, cutting) = self.kind {
            let ports = if let Place::Range(ports) = place { Some(&**ports) } else { None };
            let socket = Datagrams::bind_within(at, ports, cutting)?;
            let inbox = if writing { Inbox::new(4, LARGEST) } else { Inbox::new(2, SMALL).looking() };
            self.kind = Kind::Own { socket: Box::new(socket), inbox, strangers: Strangers::default() };
        }
        self.socket().map(|socket| socket.route(self.peer, self.asked))
    }

    /// From now on each packet that is sent is answered before the next one.
    pub(super) fn lock_step(&mut self) {
        if let Kind::Own { socket, inbox, .. } = &mut self.kind {
            socket.one_by_one();
            *inbox = Inbox::of_one(SMALL);
        }
    }

    fn socket(&self) -> Result<&Datagrams> {
        match &self.kind {
            Kind::Unopened(..) => Err(NotConnected.into()),
            Kind::Own { socket, .. } => Ok(socket),
            Kind::Shared { socket, .. } => Ok(socket),
        }
    }

    /// Where it is, on our side.
    pub(super) fn local(&self) -> Option<SocketAddr> {
        let port = self.socket().ok()?.local();
        Some(canonical(SocketAddr::new(self.asked.unwrap_or(port.ip()), port.port())))
    }

    /// Sends packets of `size` bytes.
    pub(super) async fn send(&self, route: &Route, packets: &[u8], size: usize) -> Result<()> {
        self.socket()?.send(route, packets, size).await
    }

    /// Waits for packets of the client and hands each over. Strangers are told that they are wrong, and the transfer goes
    /// on (RFC 1350 §4). Safe to drop while it waits.
    pub(super) async fn receive(&mut self, mut each: impl FnMut(&[u8])) -> Result<()> {
        match &mut self.kind {
            Kind::Unopened(..) => Err(NotConnected.into()),
            Kind::Shared { inbox, .. } => {
                // The door lets go of a transfer only to cancel it.
                let Some(packet) = inbox.recv().await else { return std::future::pending().await };
                each(&packet);
                while let Ok(packet) = inbox.try_recv() {
                    each(&packet);
                }
                Ok(())
            }
            Kind::Own { socket, inbox, strangers } => {
                socket.receive(inbox).await?;
                let mut strange = false;
                for datagram in inbox.iter() {
                    if same(datagram.from, self.peer) {
                        each(datagram.bytes);
                    } else {
                        strange = true;
                        strangers.tell(socket, datagram.from, datagram.bytes).await?;
                    }
                }
                if strange {
                    // The client's own may have come with it.
                    inbox.look_again();
                }
                Ok(())
            }
        }
    }
}

/// A client is its address and its port; what IPv6 has besides may change with every packet.
pub(super) fn same(one: SocketAddr, other: SocketAddr) -> bool {
    one.port() == other.port() && one.ip() == other.ip()
}
