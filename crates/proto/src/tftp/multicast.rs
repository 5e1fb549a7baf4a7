//! How do many clients hear one file at once (RFC 2090)? The server's machine of one group, pure: who joins, what the master
//! asks for, who is the next one.
//!
//! Blocks go to the group's address in lock-step with one client, the master; the others listen, and fetch what they have
//! missed when their turn comes. The oldest client is the master.

use std::collections::VecDeque;
use std::time::Duration;

use super::Failure;
use super::packet::{Packet, print_options};
use super::timing::{Patience, Roundtrip};

/// The most blocks of a file that goes to a group: their numbers do not come round again, for a new master may ask for any.
pub const MOST_BLOCKS: u64 = 65_535;

/// What a group wishes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Say<M> {
    /// An OACK, to one client.
    Options(M, Vec<u8>),
    /// This block, to the group.
    Block(u16),
    /// A client has left: it has everything, or why not.
    Left(M, Result<(), Failure>),
}

/// A client of the group.
struct Member<M> {
    id: M,
    /// What it was granted besides.
    options: Vec<(&'static str, String)>,
}

/// The clients that hear one file. `M` tells them apart: an address and a port.
pub struct Group<M> {
    address: String,
    last: u16,
    patience: Patience,
    /// The first is the master.
    members: VecDeque<Member<M>>,
    /// The master's last ACK; `None` until it has sent one.
    acked: Option<u16>,
    /// How often the master was spoken to since it answered.
    tries: u32,
    trip: Roundtrip,
    sent: Duration,
    heard: Duration,
    due: Option<Duration>,
    says: VecDeque<Say<M>>,
}

impl<M: Copy + Eq> Group<M> {
    /// A group that listens at this address and port, for a file of so many blocks; `None` for more than
    /// [`MOST_BLOCKS`], or for none.
    pub fn new(address: std::net::SocketAddr, blocks: u64, patience: Patience, now: Duration) -> Option<Self> {
        let last = u16::try_from(blocks).ok().filter(|&last| last > 0)?;
        Some(Self {
            address: format!("{},{}", address.ip(), address.port()),
            last,
            patience,
            members: VecDeque::new(),
            acked: None,
            tries: 0,
            trip: Roundtrip::default(),
            sent: now,
            heard: now,
            due: None,
            says: VecDeque::new(),
        })
    }

    /// Whether nobody is left.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// What it wishes next.
    pub fn poll(&mut self) -> Option<Say<M>> {
        self.says.pop_front()
    }

    /// A client asks to hear the file, or asks again because it has not heard that it may.
    pub fn join(&mut self, id: M, options: Vec<(&'static str, String)>, now: Duration) {
        if let Some(place) = self.members.iter().position(|m| m.id == id) {
            // The master hears again when its time has run out, like everything that is said to it.
            if place > 0 {
                self.tell(place);
            }
            return;
        }
        self.members.push_back(Member { id, options });
        if self.members.len() == 1 {
            self.enthrone(now);
        } else {
            self.tell(self.members.len() - 1);
        }
    }

    /// The OACK of a member: where the blocks go, and whether it is the master.
    fn tell(&mut self, place: usize) {
        let Some(member) = self.members.get(place) else { return };
        let multicast = format!("{},{}", self.address, u8::from(place == 0));
        let mut options = member.options.clone();
        options.push(("multicast", multicast));
        self.says.push_back(Say::Options(member.id, print_options(options)));
    }

    /// The oldest is the master now.
    fn enthrone(&mut self, now: Duration) {
        (self.acked, self.tries, self.due, self.heard) = (None, 0, None, now);
        self.trip = Roundtrip::default();
        if !self.members.is_empty() {
            self.speak(now);
        }
    }

    /// Says to the master what it waits for: the block behind its last ACK, or that it is the master.
    fn speak(&mut self, now: Duration) {
        match self.acked {
            Some(acked) => self.says.push_back(Say::Block(acked.saturating_add(1))),
            None => self.tell(0),
        }
        self.tries += 1;
        self.sent = now;
        self.due = Some(now + self.trip.wait(&self.patience, None));
    }

    /// Hears a packet of a client; who does not belong to the group is passed over.
    pub fn hear(&mut self, id: M, packet: &Packet<'_>, now: Duration) {
        let Some(place) = self.members.iter().position(|m| m.id == id) else { return };
        match packet {
            // Who has the last block has everything, master or not.
            Packet::Ack(number) if *number == self.last => self.leave(place, Ok(()), now),
            Packet::Ack(number) if place == 0 && *number < self.last => self.asked(*number, now),
            Packet::Error(code, text) => {
                let failure = Failure::Peer(*code, String::from_utf8_lossy(text).into());
                self.leave(place, Err(failure), now);
            }
            _ => {}
        }
    }

    /// The master wants the block behind this one. The same wish again is not answered before its time, as in every
    /// transfer (RFC 1123 §4.2.3.1).
    fn asked(&mut self, number: u16, now: Duration) {
        if self.acked == Some(number) {
            return;
        }
        if self.tries == 1 {
            self.trip.measured(now.saturating_sub(self.sent));
        }
        self.trip.went_on();
        (self.acked, self.tries, self.heard) = (Some(number), 0, now);
        self.speak(now);
    }

    fn leave(&mut self, place: usize, how: Result<(), Failure>, now: Duration) {
        if let Some(member) = self.members.remove(place) {
            self.says.push_back(Say::Left(member.id, how));
        }
        if place == 0 {
            self.enthrone(now);
        }
    }

    /// When [`Group::tick`] wants to be called.
    pub const fn deadline(&self) -> Option<Duration> {
        self.due
    }

    /// It is later now. A master that says nothing makes place for the next.
    pub fn tick(&mut self, now: Duration) {
        if self.due.is_none_or(|due| now < due) {
            return;
        }
        let answered = self.acked.is_some();
        let silent = now.saturating_sub(self.heard) >= self.patience.give_up;
        if silent || (!answered && self.tries >= self.patience.unanswered) {
            self.leave(0, Err(Failure::Silent { answered }), now);
        } else {
            self.trip.expired();
            self.speak(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tftp::errors::Code;

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    fn group(blocks: u64) -> Group<u8> {
        Group::new("239.1.2.3:1758".parse().unwrap(), blocks, Patience::sender(), ms(0)).unwrap()
    }

    /// What a group says, in short.
    fn said(group: &mut Group<u8>) -> Vec<String> {
        std::iter::from_fn(|| group.poll())
            .map(|say| match say {
                Say::Options(to, packet) => format!("{to}: {}", String::from_utf8_lossy(&packet[2..]).replace('\0', " ")),
                Say::Block(number) => format!("all: {number}"),
                Say::Left(who, how) => format!("{who} left: {}", how.is_ok()),
            })
            .collect()
    }

    #[test]
    fn the_oldest_asks_and_the_others_fetch_what_they_missed() {
        let mut group = group(3);
        group.join(1, vec![("blksize", "1428".into())], ms(0));
        assert_eq!(said(&mut group), ["1: blksize 1428 multicast 239.1.2.3,1758,1 "]);
        group.hear(1, &Packet::Ack(0), ms(1));
        group.hear(1, &Packet::Ack(1), ms(2));
        assert_eq!(said(&mut group), ["all: 1", "all: 2"]);
        group.join(2, Vec::new(), ms(2));
        group.join(3, Vec::new(), ms(2));
        assert_eq!(said(&mut group), ["2: multicast 239.1.2.3,1758,0 ", "3: multicast 239.1.2.3,1758,0 "]);
        // Not the master's wish, and the master's same wish again: nothing.
        group.hear(2, &Packet::Ack(0), ms(3));
        group.hear(1, &Packet::Ack(1), ms(3));
        assert!(said(&mut group).is_empty());
        group.hear(1, &Packet::Ack(2), ms(4));
        assert_eq!(said(&mut group), ["all: 3"]);
        group.hear(1, &Packet::Ack(3), ms(5));
        assert_eq!(said(&mut group), ["1 left: true", "2: multicast 239.1.2.3,1758,1 "]);
        // It has heard block 2 and wants the first.
        group.hear(2, &Packet::Ack(0), ms(6));
        assert_eq!(said(&mut group), ["all: 1"]);
        // The third has heard enough before its turn, and the second has nothing left to ask for.
        group.hear(3, &Packet::Ack(3), ms(7));
        group.hear(2, &Packet::Ack(3), ms(7));
        assert_eq!(said(&mut group), ["3 left: true", "2 left: true"]);
        assert!(group.is_empty() && group.deadline().is_none());
    }

    #[test]
    fn a_silent_master_makes_place() {
        let mut group = group(9);
        group.join(1, Vec::new(), ms(0));
        group.join(2, Vec::new(), ms(0));
        let mut oacks = 0;
        while !said(&mut group).iter().inspect(|s| oacks += usize::from(s.starts_with("1:"))).any(|s| s == "1 left: false") {
            let due = group.deadline().unwrap();
            group.tick(due);
        }
        assert_eq!(oacks, Patience::sender().unanswered as usize, "no more than a stranger gets");
        // The second was told in the same breath.
        let due = group.deadline().unwrap();
        group.hear(2, &Packet::Ack(4), due);
        assert_eq!(said(&mut group), ["all: 5"]);
        group.tick(group.deadline().unwrap());
        assert_eq!(said(&mut group), ["all: 5"], "lost, and sent again");
        group.hear(2, &Packet::Error(Code::FULL, b"no room"), due);
        assert_eq!(said(&mut group), ["2 left: false"]);
    }

    #[test]
    fn files_whose_numbers_come_round_are_not_for_groups() {
        let at = "239.1.2.3:1758".parse().unwrap();
        for (blocks, fits) in [(0, false), (1, true), (65_535, true), (65_536, false)] {
            assert_eq!(Group::<u8>::new(at, blocks, Patience::sender(), ms(0)).is_some(), fits);
        }
    }
}
