//! How do many clients hear one file at once (RFC 2090)? The server's machine of one group, pure: who joins, what the master
//! asks for, who is the next one.
//!
//! Blocks go to the group's address in lock-step with one client, the master; the others listen, and fetch what they have
//! missed when their turn comes. The oldest client is the master; one that says nothing is passed over, and asked again
//! when the next has finished.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use super::packet::{Packet, print_options};
use super::timing::{Patience, Roundtrip};
use super::{Failure, words};

/// The most blocks of a file that goes to a group: their numbers do not come round again, for a new master may ask for any.
pub const MOST_BLOCKS: u64 = 65_535;

/// What a group wishes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Say<M> {
    /// An OACK, to one client; and the words for it.
    Options(M, Vec<u8>, Box<str>),
    /// This block, to the group, as the master asked: who pays for it.
    Block(u16, M),
    /// A client has left: it has everything, or why not. [`Failure::Illegal`] is still to be told it.
    Left(M, Result<(), Failure>),
}

/// A client of the group.
struct Member<M> {
    id: M,
    /// What it was granted besides.
    options: Vec<(&'static str, String)>,
    /// OACKs that made it the master and were not answered.
    unanswered: u32,
    /// How often its turn went by because it said nothing.
    passed_over: u32,
    /// It has been heard.
    answered: bool,
    /// ACKs it sent though it was not the master.
    out_of_turn: u32,
    /// Blocks it has asked for.
    wanted: u64,
}

/// What part of its patience a master may be silent for while others wait: well within what theirs lasts.
const TURN: u32 = 10;
/// How often a silent client's turn comes at most.
const TURNS: u32 = 2;
/// How many ACKs of one that is not the master are answered with an OACK that says so.
const OUT_OF_TURN: u32 = 8;
/// How often a master may ask for each block, all in all: who asks for more keeps the others waiting for ever.
const EACH_BLOCK: u64 = 4;

/// The clients that hear one file. `M` tells them apart.
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
    pub fn new(address: SocketAddr, blocks: u64, patience: Patience, now: Duration) -> Option<Self> {
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

    fn place(&self, id: M) -> Option<usize> {
        self.members.iter().position(|m| m.id == id)
    }

    /// A client asks to hear the file, or asks again because it has not heard that it may.
    pub fn join(&mut self, id: M, options: Vec<(&'static str, String)>, now: Duration) {
        if self.place(id).is_some() {
            return self.again(id);
        }
        let (unanswered, passed_over, answered, out_of_turn, wanted) = (0, 0, false, 0, 0);
        self.members.push_back(Member { id, options, unanswered, passed_over, answered, out_of_turn, wanted });
        if self.members.len() == 1 {
            self.enthrone(now);
        } else {
            self.tell(self.members.len() - 1);
        }
    }

    /// A client asks again because it has not heard that it may.
    pub fn again(&mut self, id: M) {
        // The master hears again when its time has run out, like everything that is said to it.
        if let Some(place) = self.place(id).filter(|&place| place > 0) {
            self.tell(place);
        }
    }

    /// The OACK of a member: where the blocks go, and whether it is the master.
    fn tell(&mut self, place: usize) {
        let Some(member) = self.members.get(place) else { return };
        let multicast = format!("{},{}", self.address, u8::from(place == 0));
        let mut options = member.options.clone();
        options.push(("multicast", multicast));
        let said = words::agreed(options.iter().map(|(name, value)| (*name, value)));
        self.says.push_back(Say::Options(member.id, print_options(options), said));
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
        let Some(master) = self.members.front_mut() else { return };
        match self.acked {
            Some(acked) => self.says.push_back(Say::Block(acked.saturating_add(1), master.id)),
            None => {
                master.unanswered += 1;
                self.tell(0);
            }
        }
        self.tries += 1;
        self.sent = now;
        self.due = Some(now + self.trip.wait(&self.patience, None));
    }

    /// Hears a packet of a client; who does not belong to the group is passed over.
    pub fn hear(&mut self, id: M, packet: &Packet<'_>, now: Duration) {
        let Some(place) = self.place(id) else { return };
        match packet {
            // Who has the last block has everything, master or not.
            Packet::Ack(number) if *number == self.last => self.leave(place, Ok(()), now),
            Packet::Ack(number) if *number < self.last && place == 0 => self.asked(*number, now),
            Packet::Ack(number) if *number < self.last => self.out_of_turn(place, now),
            Packet::Error(code, text) => {
                let failure = Failure::Peer(*code, String::from_utf8_lossy(text).into());
                self.leave(place, Err(failure), now);
            }
            _ => {}
        }
    }

    /// An ACK of one that is not the master: it is told so, but not for ever.
    fn out_of_turn(&mut self, place: usize, now: Duration) {
        let Some(member) = self.members.get_mut(place) else { return };
        member.answered = true;
        member.out_of_turn += 1;
        if member.out_of_turn > OUT_OF_TURN {
            self.leave(place, Err(Failure::Illegal("another client is the master, and its ACKs count")), now);
        } else {
            self.tell(place);
        }
    }

    /// The master wants the block behind this one. The same wish again is not answered before its time, as in every
    /// transfer (RFC 1123 §4.2.3.1).
    fn asked(&mut self, number: u16, now: Duration) {
        let Some(master) = self.members.front_mut() else { return };
        (master.answered, master.unanswered, master.passed_over) = (true, 0, 0);
        if self.acked == Some(number) {
            return;
        }
        master.wanted += 1;
        if master.wanted > EACH_BLOCK * u64::from(self.last) + u64::from(OUT_OF_TURN) {
            return self.leave(0, Err(Failure::Illegal("the same blocks are asked for again and again")), now);
        }
        if self.tries == 1 {
            self.trip.measured(now.saturating_sub(self.sent));
        }
        self.trip.went_on();
        (self.acked, self.tries, self.heard) = (Some(number), 0, now);
        self.speak(now);
    }

    /// A client is let go of.
    pub fn dismiss(&mut self, id: M, how: Result<(), Failure>, now: Duration) {
        if let Some(place) = self.place(id) {
            self.leave(place, how, now);
        }
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
        let Some(master) = self.members.front() else { return };
        let (answered, silence) = (master.answered, now.saturating_sub(self.heard));
        let stranger = !answered && master.unanswered >= self.patience.unanswered;
        let others_wait = self.members.len() > 1 && silence >= self.patience.give_up / TURN && self.tries >= 2;
        let last_turn = others_wait && master.passed_over + 1 >= TURNS;
        if stranger || last_turn || silence >= self.patience.give_up {
            self.leave(0, Err(Failure::Silent { answered }), now);
        } else if others_wait {
            self.pass_over(now);
        } else {
            self.trip.expired();
            self.speak(now);
        }
    }

    /// The oldest of those that were silent least is the master, and behind it the one that was silent is asked again.
    fn pass_over(&mut self, now: Duration) {
        let Some(mut silent) = self.members.pop_front() else { return };
        silent.passed_over += 1;
        let next = self.members.iter().enumerate().min_by_key(|(_, m)| m.passed_over).map_or(0, |(place, _)| place);
        if let Some(master) = self.members.remove(next) {
            self.members.push_front(silent);
            self.members.push_front(master);
        }
        self.enthrone(now);
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
                Say::Options(to, packet, _) => format!("{to}: {}", String::from_utf8_lossy(&packet[2..]).replace('\0', " ")),
                Say::Block(number, _) => format!("all: {number}"),
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
        // The master's same wish again: nothing. Not the master's wish: it is told that it is none.
        group.hear(1, &Packet::Ack(1), ms(3));
        assert!(said(&mut group).is_empty());
        group.hear(2, &Packet::Ack(0), ms(3));
        assert_eq!(said(&mut group), ["2: multicast 239.1.2.3,1758,0 "]);
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

    /// Lets time go until the group says this.
    fn wait_for(group: &mut Group<u8>, wanted: &str) -> Vec<String> {
        let mut all = Vec::new();
        for _ in 0..100 {
            let news = said(group);
            let found = news.iter().any(|s| s == wanted);
            all.extend(news);
            if found {
                return all;
            }
            group.tick(group.deadline().unwrap());
        }
        panic!("no {wanted:?} in {all:?}");
    }

    #[test]
    fn a_silent_master_makes_place_and_is_asked_once_more() {
        let mut group = group(9);
        group.join(1, Vec::new(), ms(0));
        group.join(2, Vec::new(), ms(0));
        let before = wait_for(&mut group, "2: multicast 239.1.2.3,1758,1 ");
        assert_eq!(before.iter().filter(|s| s.starts_with("1: ")).count(), 2, "{before:?}");
        let now = group.sent + ms(10);
        group.hear(2, &Packet::Ack(4), now);
        assert_eq!(said(&mut group), ["all: 5"]);
        group.tick(group.deadline().unwrap());
        assert_eq!(said(&mut group), ["all: 5"], "lost, and sent again");
        group.hear(2, &Packet::Error(Code::FULL, b"no room"), now);
        assert_eq!(said(&mut group), ["2 left: false", "1: multicast 239.1.2.3,1758,1 "]);
        // No more than a stranger gets in all, and then it is let go of.
        let after = wait_for(&mut group, "1 left: false");
        let oacks = 2 + 1 + after.iter().filter(|s| s.starts_with("1: ")).count();
        assert_eq!(oacks, Patience::sender().unanswered as usize, "{after:?}");
        assert!(group.is_empty());
    }

    #[test]
    fn a_master_that_vanishes_midway_has_two_turns() {
        let mut group = group(9);
        group.join(1, Vec::new(), ms(0));
        group.hear(1, &Packet::Ack(0), ms(5));
        group.join(2, Vec::new(), ms(6));
        let waited = wait_for(&mut group, "2: multicast 239.1.2.3,1758,1 ");
        assert!(waited.iter().filter(|s| *s == "all: 1").count() > 2, "{waited:?}");
        assert!(group.sent < ms(8_000), "others wait no longer than their patience lasts: {:?}", group.sent);
        group.join(3, Vec::new(), group.sent);
        // The second vanishes as well: the third has its turn, and each of the two one more.
        let waited = wait_for(&mut group, "1 left: false");
        assert!(waited.contains(&"3: multicast 239.1.2.3,1758,1 ".to_owned()), "{waited:?}");
        while !group.is_empty() {
            group.tick(group.deadline().unwrap());
        }
    }

    #[test]
    fn who_speaks_out_of_turn_or_asks_without_end_is_let_go_of() {
        let mut group = group(3);
        group.join(1, Vec::new(), ms(0));
        group.join(2, Vec::new(), ms(0));
        group.hear(1, &Packet::Ack(0), ms(1));
        said(&mut group);
        for _ in 0..OUT_OF_TURN {
            group.hear(2, &Packet::Ack(1), ms(1));
            assert_eq!(said(&mut group), ["2: multicast 239.1.2.3,1758,0 "]);
        }
        group.hear(2, &Packet::Ack(1), ms(1));
        assert_eq!(said(&mut group), ["2 left: false"]);
        let mut blocks = 0;
        for turn in 0_u16..1_000 {
            group.hear(1, &Packet::Ack(1 - turn % 2), ms(2));
            blocks += said(&mut group).iter().filter(|s| s.starts_with("all")).count();
        }
        assert!(group.is_empty() && blocks < 30, "{blocks}");
        // A block that there is not, and packets of nobody: nothing.
        group.join(3, Vec::new(), ms(9));
        said(&mut group);
        group.hear(3, &Packet::Ack(4), ms(9));
        group.hear(9, &Packet::Ack(0), ms(9));
        group.hear(3, &Packet::Data(1, b"x"), ms(9));
        assert!(said(&mut group).is_empty());
        group.dismiss(3, Err(Failure::Own(Code::UNDEFINED)), ms(9));
        assert_eq!(said(&mut group), ["3 left: false"]);
    }

    #[test]
    fn files_whose_numbers_come_round_are_not_for_groups() {
        let at = "239.1.2.3:1758".parse().unwrap();
        for (blocks, fits) in [(0, false), (1, true), (65_535, true), (65_536, false)] {
            assert_eq!(Group::<u8>::new(at, blocks, Patience::sender(), ms(0)).is_some(), fits);
        }
    }
}
