//! One group at work (RFC 2090): the machine, the file, and the socket that its clients hear and speak to.

use std::collections::HashMap;
use std::io::Result;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use io::clock;
use io::meter::Meter;
use io::udp::{AnyPlace, Datagrams, Inbox, Route, like};
use proto::tftp::Failure;
use proto::tftp::errors::{self, Code};
use proto::tftp::multicast::{Group, Say};
use proto::tftp::packet::{Packet, header};
use tokio::sync::mpsc;
use types::Reason;

use super::multicast::{Key, Member, Message, Word};
use super::wire::{Strangers, same};
use super::{Listener, Place};
use crate::listen::canonical;

/// What a group begins with.
pub(super) struct Driver {
    listener: Arc<Listener>,
    /// The address that its clients asked.
    local: std::net::IpAddr,
    /// Where the blocks go.
    at: SocketAddr,
    size: u64,
    blksize: u16,
    source: AnyPlace,
    inbox: mpsc::UnboundedReceiver<Message>,
}

impl Driver {
    pub(super) fn new(
        listener: Arc<Listener>,
        key: &Key,
        at: SocketAddr,
        source: AnyPlace,
        inbox: mpsc::UnboundedReceiver<Message>,
    ) -> Self {
        Self { listener, local: key.local, at, size: key.size, blksize: key.blksize, source, inbox }
    }

    /// Runs until the last client has left. Where there is no port for it, its clients hear so by its end.
    pub(super) async fn run(self) {
        let Some(Ok(mut session)) = self.open().await else { return };
        session.run().await;
    }

    /// Its socket, once the first is known who joins.
    async fn open(mut self) -> Option<Result<Session>> {
        let first = self.inbox.recv().await?;
        let blocks = self.size / u64::from(self.blksize.max(1)) + 1;
        let group = Group::new(self.at, blocks, self.listener.sending, Duration::ZERO)?;
        let Message::Join(first) = first else { return None };
        Some(self.bind(canonical(first.peer)).map(|socket| {
            let mut session = Session {
                route: Route { to: self.at, from: None, mtu: socket.route(first.peer, None).mtu },
                socket,
                group,
                members: HashMap::new(),
                began: clock::now(),
                highest: 0,
                driver: self,
            };
            session.join(first);
            session
        }))
    }

    fn bind(&self, peer: SocketAddr) -> Result<Datagrams> {
        let ports = if let Place::Range(ports) = &self.listener.place { Some(&**ports) } else { None };
        let socket = Datagrams::bind_within(like(self.local, peer), ports, self.listener.cutting)?;
        let groups = self.listener.groups.as_ref();
        socket.speak_to_groups(groups.map_or(1, |g| g.hops), groups.and_then(|g| g.interface.as_deref()))?;
        Ok(socket)
    }
}

/// A client as the group's socket knows it.
struct Known {
    peer: SocketAddr,
    route: Route,
    meter: Meter,
    words: mpsc::UnboundedSender<Word>,
    heard: bool,
}

/// A group under way.
struct Session {
    driver: Driver,
    socket: Datagrams,
    /// To all of them.
    route: Route,
    group: Group<u64>,
    members: HashMap<u64, Known>,
    began: Instant,
    /// The highest block that was sent.
    highest: u16,
}

/// Packets of clients are small.
const SMALL: usize = 2_048;

impl Session {
    fn now(&self) -> Duration {
        clock::now().saturating_duration_since(self.began)
    }

    async fn run(&mut self) {
        let (mut packets, mut strangers) = (Inbox::new(4, SMALL), Strangers::default());
        loop {
            while let Some(say) = self.group.poll() {
                self.say(say).await;
            }
            if self.group.is_empty() {
                // Who joins now is heard still; who comes later finds no ears here, and begins another group.
                self.driver.inbox.close();
                let Some(message) = self.driver.inbox.recv().await else { return };
                self.told(message).await;
                continue;
            }
            let deadline = self.group.deadline().map(|at| self.began + at);
            tokio::select! {
                biased;
                Some(message) = self.driver.inbox.recv() => self.told(message).await,
                received = self.socket.receive(&mut packets) => {
                    if received.is_err() {
                        self.break_off(Reason::DataUnreachable).await;
                        continue;
                    }
                    for datagram in packets.iter() {
                        if !self.hear(datagram.from, datagram.bytes) {
                            // Lost or not, it was said.
                            let _ = strangers.tell(&self.socket, datagram.from, datagram.bytes).await;
                        }
                    }
                }
                () = clock::until(deadline) => self.group.tick(self.now()),
            }
        }
    }

    async fn told(&mut self, message: Message) {
        match message {
            Message::Join(member) => self.join(member),
            Message::Again(id) => self.group.again(id),
            Message::Leave(id, why) => self.dismiss(id, why).await,
        }
    }

    fn join(&mut self, member: Member) {
        let (now, Member { id, peer, options, meter, words }) = (self.now(), member);
        // A client that begins anew from the same port has given the old transfer up.
        let before: Vec<u64> = self.members.iter().filter(|(_, m)| same(m.peer, peer)).map(|(&id, _)| id).collect();
        for old in before {
            self.group.dismiss(old, Err(Failure::Silent { answered: true }), now);
        }
        let known = Known { peer, route: self.socket.route(peer, None), meter, words, heard: false };
        self.members.insert(id, known);
        self.group.join(id, options, now);
    }

    /// Lets go of a client; it is told why, if it is told anything.
    async fn dismiss(&mut self, id: u64, why: Option<Reason>) {
        let code = why.map_or(Code::UNDEFINED, errors::code);
        if let (Some(reason), Some(member)) = (why, self.members.remove(&id)) {
            self.error(&member, code, &reason.to_string()).await;
            let _ = member.words.send(Word::Left(Err(Failure::Own(code)), why));
        }
        self.group.dismiss(id, Err(Failure::Own(code)), self.now());
    }

    async fn break_off(&mut self, why: Reason) {
        for id in self.members.keys().copied().collect::<Vec<_>>() {
            self.dismiss(id, Some(why)).await;
        }
    }

    async fn error(&self, to: &Known, code: Code, text: &str) {
        let packet = errors::error(code, text);
        // Lost or not, it was said (RFC 1350 §7: errors are not repeated).
        let _ = self.socket.send(&to.route, &packet, packet.len()).await;
    }

    /// Whether it was one of the clients who spoke.
    fn hear(&mut self, from: SocketAddr, bytes: &[u8]) -> bool {
        let Some((&id, member)) = self.members.iter_mut().find(|(_, m)| same(m.peer, from)) else { return false };
        // What cannot be read is passed over: it is repeated if it was damaged.
        if let Ok(packet) = Packet::parse(bytes) {
            if !std::mem::replace(&mut member.heard, true) {
                let _ = member.words.send(Word::Heard);
            }
            self.group.hear(id, &packet, self.now());
        }
        true
    }

    async fn say(&mut self, say: Say<u64>) {
        match say {
            Say::Options(id, packet, said) => {
                if let Some(member) = self.members.get(&id) {
                    let _ = member.words.send(Word::Said(said));
                    // What is not acknowledged is sent again.
                    let _ = self.socket.send(&member.route, &packet, packet.len()).await;
                }
            }
            Say::Block(number, master) => {
                if let Err(why) = self.block(number, master).await {
                    self.break_off(why).await;
                }
            }
            Say::Left(id, how) => {
                let Some(member) = self.members.remove(&id) else { return };
                if let Err(Failure::Illegal(what)) = how {
                    self.error(&member, Code::ILLEGAL, what).await;
                }
                let _ = member.words.send(Word::Left(how, None));
            }
        }
    }

    /// Sends a block to all. It goes as fast as the master may be served.
    async fn block(&mut self, number: u16, master: u64) -> std::result::Result<(), Reason> {
        let blksize = usize::from(self.driver.blksize);
        let from = u64::from(number.saturating_sub(1)) * u64::from(self.driver.blksize);
        let data = self.driver.source.read(from, blksize).await.map_err(|e| e.reason)?;
        if let Some(meter) = self.members.get(&master).map(|m| m.meter.clone()) {
            let mut left = data.len();
            while left > 0 {
                // Who may not be served any more leaves by itself.
                let Ok(granted) = meter.grant(left).await else { return Ok(()) };
                left -= granted.min(left);
            }
        }
        if number > self.highest {
            self.highest = number;
            self.members.values().for_each(|member| member.meter.count(data.len()));
        }
        let packet = [&header(number)[..], &data].concat();
        self.socket.send(&self.route, &packet, packet.len()).await.map_err(|_| Reason::DataUnreachable)
    }
}
