//! One TFTP transfer, both ends, over a link that loses, doubles and reorders, in virtual time.

use std::time::Duration;

use carrack_proto as proto;
use proptest::prelude::*;
use proto::tftp::errors::{self, Code};
use proto::tftp::options::{Bounds, Terms, Wishes};
use proto::tftp::packet::{self, Mode, Packet};
use proto::tftp::receiver::Receiver;
use proto::tftp::sender::{Opening, Sender};
use proto::tftp::timing::Patience;
use proto::tftp::{Failure, Rollover};

const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// A link in virtual time: what is sent comes later, or never, or twice.
struct Link {
    /// When, in which order, to the sender, and what.
    flying: Vec<(Duration, u64, bool, Vec<u8>)>,
    order: u64,
    random: u64,
    delay: Duration,
    jitter: Duration,
    /// In a thousand.
    lost: u64,
    doubled: u64,
    packets: u64,
}

impl Link {
    fn new(seed: u64, lost: u64, doubled: u64, jitter: Duration) -> Self {
        Self { flying: Vec::new(), order: 0, random: seed | 1, delay: ms(2), jitter, lost, doubled, packets: 0 }
    }

    fn chance(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random >> 11
    }

    fn send(&mut self, now: Duration, to_sender: bool, packet: &[u8]) {
        self.packets += 1;
        if self.chance() % 1000 < self.lost {
            return;
        }
        let copies = if self.chance() % 1000 < self.doubled { 2 } else { 1 };
        for _ in 0..copies {
            let late = self.jitter.mul_f64((self.chance() % 1000) as f64 / 1000.0);
            self.order += 1;
            self.flying.push((now + self.delay + late, self.order, to_sender, packet.to_vec()));
        }
    }

    fn next_at(&self) -> Option<Duration> {
        self.flying.iter().map(|f| f.0).min()
    }

    fn arrived(&mut self, now: Duration) -> Option<(bool, Vec<u8>)> {
        let first =
            (0..self.flying.len()).filter(|&i| self.flying[i].0 <= now).min_by_key(|&i| (self.flying[i].0, self.flying[i].1))?;
        let (_, _, to_sender, packet) = self.flying.swap_remove(first);
        Some((to_sender, packet))
    }
}

/// Both ends, the file that goes out and what came of it.
struct Pair {
    sender: Sender,
    receiver: Receiver,
    file: Vec<u8>,
    read: usize,
    came: Vec<u8>,
    now: Duration,
}

impl Pair {
    /// A server that sends or, with `writing`, receives; its client has asked with these wishes.
    fn new(file: Vec<u8>, wishes: &Wishes, writing: bool) -> Self {
        let request = packet::print_asking(writing, b"file", Mode::Octet, wishes.pairs());
        let asking = Opening::Asking(request, wishes.clone());
        let size = file.len() as u64;
        let (terms, oack) = wishes.grant(&Bounds::default(), (!writing).then_some(size));
        let answer = if oack.is_empty() { Opening::Plain } else { Opening::Offer(packet::print_options(oack)) };
        let (plain, zero) = (Terms::default(), Duration::ZERO);
        // A lossy link needs more than the few sends a stranger gets.
        let (out, in_) = (
            Patience { unanswered: 100, give_up: Duration::from_secs(600), ..Patience::sender() },
            Patience { unanswered: 100, give_up: Duration::from_secs(600), ..Patience::receiver() },
        );
        let (sender, mut receiver) = if writing {
            (Sender::new(asking, plain, out, zero), Receiver::new(answer, terms, in_, zero))
        } else {
            (Sender::new(answer, terms, out, zero), Receiver::new(asking, plain, in_, zero))
        };
        let mut sender = sender;
        // The request itself came through: that is why there is a server.
        if writing {
            sender.transmit(zero).unwrap();
        } else {
            receiver.transmit(zero).unwrap();
        }
        Self { sender, receiver, file, read: 0, came: Vec::new(), now: zero }
    }

    /// With a file that can be read again from any place.
    fn reading_again(self) -> Self {
        Self { sender: self.sender.reading_again(), ..self }
    }

    fn feed(&mut self) {
        if let Some(byte) = self.sender.from() {
            self.read = byte as usize;
        }
        while self.sender.wanted() > 0 {
            let rest = &self.file[self.read..];
            // Odd pieces, so that blocks are begun and gone on with.
            let piece = &rest[..rest.len().min(self.sender.wanted()).min(777)];
            self.read += self.sender.push(piece);
            if self.read == self.file.len() {
                self.sender.end();
            }
        }
    }

    /// Reads what there is room for while answers are on their way.
    fn read_on(&mut self) {
        let mut came = 0;
        for gap in self.sender.gaps(self.sender.spare().min(100_000)) {
            let rest = &self.file[self.read + came..];
            let now = gap.len().min(rest.len());
            gap[..now].copy_from_slice(&rest[..now]);
            came += now;
        }
        self.sender.filled(came);
        self.read += came;
    }

    /// Sends whatever there is to be sent.
    fn speak(&mut self, link: &mut Link) {
        loop {
            self.feed();
            while let Some(batch) = self.sender.transmit(self.now) {
                for packet in batch.packets.chunks(batch.size) {
                    link.send(self.now, false, packet);
                }
            }
            if self.sender.wanted() == 0 {
                break;
            }
        }
        self.read_on();
        if self.receiver.is_holding() || self.receiver.is_whole() {
            self.came.extend(self.receiver.take());
        }
        if self.receiver.is_whole() {
            self.receiver.stands(self.now);
        }
        while let Some(packet) = self.receiver.transmit(self.now) {
            let packet = packet.to_vec();
            link.send(self.now, true, &packet);
        }
    }

    /// Until both have ended, or `hours` of virtual time have passed.
    fn run(&mut self, link: &mut Link) {
        self.speak(link);
        let mut steps = 0_u64;
        while self.sender.ended().is_none() || self.receiver.ended().is_none() {
            steps += 1;
            assert!(link.flying.len() < 10_000, "packets bring ever more packets");
            assert!(steps < 4_000_000 && self.now < Duration::from_secs(36_000), "it does not end");
            let next = [link.next_at(), self.sender.deadline(), self.receiver.deadline()].into_iter().flatten().min();
            self.now = self.now.max(next.expect("somebody waits for something"));
            while let Some((to_sender, bytes)) = link.arrived(self.now) {
                let packet = Packet::parse(&bytes).unwrap();
                if to_sender {
                    self.sender.hear(&packet, self.now);
                } else {
                    self.receiver.hear(&packet, self.now);
                }
                self.speak(link);
            }
            self.sender.tick(self.now);
            self.receiver.tick(self.now);
            self.speak(link);
        }
    }
}

fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

#[test]
fn a_clean_link_repeats_nothing() {
    for (window, blksize, writing) in [(1, 512, false), (1, 8, true), (16, 1428, false), (64, 1428, true), (64, 65_464, false)] {
        for len in [0, 1, usize::from(blksize) - 1, usize::from(blksize), usize::from(blksize) * 64, 100_000] {
            let wishes =
                Wishes { blksize: Some(blksize), windowsize: Some(window), tsize: Some(len as u64), ..Wishes::default() };
            let mut pair = Pair::new(bytes(len), &wishes, writing);
            if len % 2 == 0 {
                pair = pair.reading_again();
            }
            let mut link = Link::new(1, 0, 0, ms(0));
            pair.run(&mut link);
            assert_eq!(pair.sender.ended(), Some(Ok(())), "{window} {blksize} {len}");
            assert!(pair.came == pair.file, "{window} {blksize} {len}");
            assert_eq!((pair.sender.tally().again, pair.receiver.tally().again), (0, 0), "{window} {blksize} {len}");
            let blocks = len as u64 / u64::from(blksize) + 1;
            assert_eq!(pair.sender.tally().blocks, blocks);
            let acks = blocks.div_ceil(pair.sender.terms().windowsize.into());
            assert!(link.packets <= blocks + acks + 2, "{} packets for {blocks} blocks", link.packets);
        }
    }
}

#[test]
fn nobody_asks_for_anything_and_it_goes_in_lock_step() {
    let mut pair = Pair::new(bytes(5000), &Wishes::default(), false);
    pair.run(&mut Link::new(1, 0, 0, ms(0)));
    assert_eq!(*pair.sender.terms(), Terms::default());
    assert!(pair.came == pair.file);
}

#[test]
fn every_packet_twice_does_not_double_anything() {
    // The Sorcerer's Apprentice (RFC 1123 §4.2.3.1).
    // Each copy of a block is acknowledged, as it must be; what is no more than a copy of an ACK is not answered.
    for (window, most) in [(1, 4), (16, 2)] {
        let wishes = Wishes { windowsize: Some(window), blksize: Some(64), ..Wishes::default() };
        let mut pair = Pair::new(bytes(64 * 500), &wishes, false);
        let mut link = Link::new(7, 0, 1000, ms(0));
        pair.run(&mut link);
        assert!(pair.came == pair.file);
        assert_eq!(pair.sender.tally().again, 0, "window {window}");
        assert!(link.packets < 501 * most, "{} packets in window {window}", link.packets);
    }
}

#[test]
fn more_blocks_than_numbers() {
    for rollover in [None, Some(Rollover::Zero), Some(Rollover::One)] {
        for (window, writing, lost) in [(1, false, 0), (7, true, 0), (16, false, 2)] {
            let wishes = Wishes { blksize: Some(8), windowsize: Some(window), rollover, ..Wishes::default() };
            let mut pair = Pair::new(bytes(8 * 140_000 + 3), &wishes, writing);
            pair.run(&mut Link::new(3, lost, 0, ms(0)));
            assert_eq!(pair.sender.ended(), Some(Ok(())), "{rollover:?} {window}");
            assert!(pair.came == pair.file, "{rollover:?} {window}");
        }
    }
}

#[test]
fn a_client_that_counts_otherwise_is_learned() {
    let mut sender = Sender::new(Opening::Plain, Terms { blksize: 8, ..Terms::default() }, Patience::sender(), ms(0));
    let mut now = ms(0);
    for block in 1..=65_535_u64 {
        sender.push(&[0; 8]);
        assert_eq!(sender.transmit(now).unwrap().packets[..4], packet::header(block as u16));
        now += Duration::from_micros(10);
        sender.hear(&Packet::Ack(block as u16), now);
    }
    sender.push(&[0; 8]);
    assert_eq!(sender.transmit(now).unwrap().packets[..4], packet::header(0));
    now = sender.deadline().unwrap();
    sender.tick(now);
    assert_eq!(sender.transmit(now).unwrap().packets[..4], packet::header(1), "after silence at 65535 the other way is tried");
    sender.hear(&Packet::Ack(1), now);
    sender.push(&[0; 8]);
    assert_eq!(sender.transmit(now).unwrap().packets[..4], packet::header(2));
}

#[test]
fn nothing_is_read_before_the_size_of_blocks_is_known() {
    let wishes = Wishes { blksize: Some(8), ..Wishes::default() };
    let asking = Opening::Asking(packet::print_asking(true, b"f", Mode::Octet, wishes.pairs()), wishes);
    let mut sender = Sender::new(asking, Terms::default(), Patience::sender(), ms(0));
    assert_eq!((sender.wanted(), sender.push(b"lost")), (0, 0));
    sender.transmit(ms(0)).unwrap();
    let oack = packet::print_options([("blksize", "8")]);
    sender.hear(&Packet::parse(&oack).unwrap(), ms(1));
    assert!(sender.wanted() >= 8, "and more, so that few calls read much");
    assert_eq!(sender.push(b"lost"), 4);
}

#[test]
fn a_stranger_gets_a_bounded_number_of_packets() {
    let patience = Patience { unanswered: 3, ..Patience::sender() };
    let terms = Terms { windowsize: 16, ..Terms::default() };
    let mut offering = Sender::new(Opening::Offer(vec![0, 6]), terms, patience, ms(0));
    let mut plain = Sender::new(Opening::Plain, Terms::default(), patience, ms(0));
    plain.push(&bytes(512));
    let mut taking = Receiver::new(Opening::Plain, terms, patience, ms(0));
    let (mut sent, mut now) = ([0, 0, 0], ms(0));
    for _ in 0..100 {
        sent[0] += usize::from(offering.transmit(now).is_some());
        sent[1] += usize::from(plain.transmit(now).is_some());
        sent[2] += usize::from(taking.transmit(now).is_some());
        let next = [offering.deadline(), plain.deadline(), taking.deadline()].into_iter().flatten().min();
        now = next.unwrap_or(now);
        offering.tick(now);
        plain.tick(now);
        taking.tick(now);
    }
    assert_eq!(sent, [3, 3, 3]);
    let silent = Err(&Failure::Silent { answered: false });
    assert_eq!((offering.ended(), plain.ended(), taking.ended()), (Some(silent), Some(silent), Some(silent)));
}

#[test]
fn a_client_that_vanishes_is_given_up() {
    let mut sender = Sender::new(Opening::Plain, Terms::default(), Patience::sender(), ms(0));
    sender.push(&bytes(1024));
    sender.transmit(ms(0)).unwrap();
    sender.hear(&Packet::Ack(1), ms(5));
    sender.push(&bytes(512));
    let (mut now, mut packets) = (ms(5), 0);
    while sender.ended().is_none() {
        packets += usize::from(sender.transmit(now).is_some());
        now = sender.deadline().unwrap();
        sender.tick(now);
    }
    assert_eq!(sender.ended(), Some(Err(&Failure::Silent { answered: true })));
    assert!(now >= Patience::sender().give_up && now < Patience::sender().give_up * 2);
    assert!(packets < 20, "{packets} packets to nobody");
}

#[test]
fn an_error_ends_it_and_is_not_answered() {
    let mut sender = Sender::new(Opening::Plain, Terms::default(), Patience::sender(), ms(0));
    sender.push(b"x");
    sender.end();
    sender.transmit(ms(0)).unwrap();
    sender.hear(&Packet::Error(Code::FULL, b"no room"), ms(1));
    assert_eq!(sender.ended(), Some(Err(&Failure::Peer(Code::FULL, "no room".into()))));
    assert!(sender.transmit(ms(1)).is_none() && sender.deadline().is_none());
    let mut receiver = Receiver::new(Opening::Plain, Terms::default(), Patience::receiver(), ms(0));
    receiver.hear(&Packet::Error(Code::UNDEFINED, b"User aborted the transfer"), ms(1));
    assert!(matches!(receiver.ended(), Some(Err(Failure::Peer(..)))));
    assert!(receiver.transmit(ms(1)).is_none());
}

#[test]
fn giving_up_is_told_once() {
    let mut sender = Sender::new(Opening::Plain, Terms::default(), Patience::sender(), ms(0));
    sender.fail(Code::UNDEFINED, "the file shrank");
    let said = sender.transmit(ms(0)).unwrap().packets.to_vec();
    assert_eq!(said, errors::error(Code::UNDEFINED, "the file shrank"));
    assert!(sender.transmit(ms(0)).is_none() && sender.ended().is_some());
}

/// A receiver that was told everything up to the last block.
fn nearly_done() -> Receiver {
    let mut receiver = Receiver::new(Opening::Plain, Terms::default(), Patience::receiver(), ms(0));
    assert_eq!(receiver.transmit(ms(0)), Some(&packet::ack(0)[..]));
    receiver.hear(&Packet::Data(1, &bytes(512)), ms(1));
    assert_eq!(receiver.transmit(ms(1)), None, "not before it was written");
    assert!(receiver.is_holding());
    assert_eq!(receiver.take().len(), 512);
    assert_eq!(receiver.transmit(ms(1)), Some(&packet::ack(1)[..]));
    receiver.hear(&Packet::Data(2, b"end"), ms(2));
    receiver
}

#[test]
fn the_last_ack_says_that_the_file_stands_and_is_repeated() {
    let mut receiver = nearly_done();
    assert!(receiver.is_whole());
    assert_eq!(receiver.take(), b"end");
    assert_eq!(receiver.transmit(ms(2)), None, "not before it stands (promise 1)");
    receiver.hear(&Packet::Data(2, b"end"), ms(100));
    assert_eq!(receiver.transmit(ms(100)), None);
    receiver.stands(ms(200));
    assert_eq!(receiver.transmit(ms(200)), Some(&packet::ack(2)[..]));
    // RFC 1350 §6: who waits can repeat the last ACK.
    receiver.hear(&Packet::Data(2, b"end"), ms(300));
    assert_eq!(receiver.transmit(ms(300)), Some(&packet::ack(2)[..]));
    assert!(receiver.ended().is_none() && receiver.take().is_empty());
    receiver.tick(receiver.deadline().unwrap());
    assert_eq!(receiver.ended(), Some(Ok(())));
}

#[test]
fn a_full_disk_is_told_instead_of_the_last_ack() {
    let mut receiver = nearly_done();
    receiver.take();
    receiver.fail(Code::FULL, "no room");
    assert_eq!(receiver.transmit(ms(3)), Some(&errors::error(Code::FULL, "no room")[..]));
    assert_eq!(receiver.ended(), Some(Err(&Failure::Own(Code::FULL))));
}

#[test]
fn a_block_that_comes_again_is_acknowledged_again() {
    let mut receiver = Receiver::new(Opening::Plain, Terms::default(), Patience::receiver(), ms(0));
    receiver.transmit(ms(0));
    for at in [ms(1), ms(2), ms(3)] {
        receiver.hear(&Packet::Data(1, &bytes(512)), at);
        assert_eq!(receiver.take().len(), if at == ms(1) { 512 } else { 0 });
        assert_eq!(receiver.transmit(at), Some(&packet::ack(1)[..]));
    }
    assert_eq!(receiver.tally().blocks, 1);
}

#[test]
fn a_gap_is_told_once_and_gone_back_to() {
    let terms = Terms { windowsize: 4, blksize: 8, ..Terms::default() };
    let mut receiver = Receiver::new(Opening::Plain, terms, Patience::receiver(), ms(0));
    receiver.transmit(ms(0));
    receiver.hear(&Packet::Data(1, &[1; 8]), ms(1));
    receiver.hear(&Packet::Data(3, &[3; 8]), ms(1));
    assert_eq!(receiver.take(), [1; 8]);
    assert_eq!(receiver.transmit(ms(1)), Some(&packet::ack(1)[..]));
    receiver.hear(&Packet::Data(4, &[4; 8]), ms(1));
    assert_eq!(receiver.transmit(ms(1)), None);

    let mut sender = Sender::new(Opening::Plain, terms, Patience::sender(), ms(0));
    sender.push(&bytes(32));
    assert_eq!(sender.transmit(ms(0)).unwrap().packets.len(), 4 * 12);
    sender.hear(&Packet::Ack(1), ms(1));
    sender.push(&bytes(8));
    let batch = sender.transmit(ms(1)).unwrap().packets.to_vec();
    assert_eq!((&batch[..4], batch.len()), (&packet::header(2)[..], 4 * 12), "the window begins anew behind what was taken");
}

#[test]
fn a_window_without_its_end_is_gone_on_with_behind_what_came() {
    // RFC 7440 §4: the receiver's time runs out, and it acknowledges the last block that came in order.
    let terms = Terms { windowsize: 4, blksize: 8, ..Terms::default() };
    let mut receiver = Receiver::new(Opening::Plain, terms, Patience::receiver(), ms(0));
    receiver.transmit(ms(0)).unwrap();
    for block in 1..=3 {
        receiver.hear(&Packet::Data(block, &[7; 8]), ms(block.into()));
    }
    assert_eq!(receiver.take().len(), 24);
    assert_eq!(receiver.transmit(ms(3)), None, "three of four: the window is not full");
    let due = receiver.deadline().unwrap();
    receiver.tick(due);
    assert_eq!(receiver.transmit(due), Some(&packet::ack(3)[..]));
    // The sender begins a whole window behind it.
    let mut sender = Sender::new(Opening::Plain, terms, Patience::sender(), ms(0));
    let mut windows = Vec::new();
    for acked in [0, 3, 7] {
        if acked > 0 {
            sender.hear(&Packet::Ack(acked), ms(10 + u64::from(acked)));
        }
        while sender.wanted() > 0 {
            sender.push(&[7; 64]);
        }
        let mut window = Vec::new();
        while let Some(batch) = sender.transmit(ms(11 + u64::from(acked))) {
            window.extend(batch.packets.chunks(batch.size).map(|packet| u16::from_be_bytes([packet[2], packet[3]])));
        }
        windows.push(window);
    }
    assert_eq!(windows, [[1, 2, 3, 4], [4, 5, 6, 7], [8, 9, 10, 11]]);
    // Blocks that come twice are acknowledged as they were, and taken once.
    receiver.hear(&Packet::Data(4, &[7; 8]), due);
    receiver.hear(&Packet::Data(4, &[7; 8]), due);
    receiver.hear(&Packet::Data(2, &[9; 8]), due);
    assert_eq!(receiver.take(), [7; 8]);
}

#[test]
fn packets_that_do_not_belong_are_passed_over() {
    let mut sender = Sender::new(Opening::Plain, Terms::default(), Patience::sender(), ms(0));
    sender.push(&bytes(1024));
    sender.transmit(ms(0)).unwrap();
    for packet in [Packet::Ack(2), Packet::Ack(65_535), Packet::Ack(0), Packet::Data(1, b"x"), Packet::Data(7, b"")] {
        sender.hear(&packet, ms(1));
        assert!(sender.transmit(ms(1)).is_none() && sender.ended().is_none() && sender.acknowledged() == 0, "{packet:?}");
    }
    let mut receiver = Receiver::new(Opening::Plain, Terms::default(), Patience::receiver(), ms(0));
    receiver.transmit(ms(0));
    for packet in [Packet::Data(2, b"x"), Packet::Data(0, b"x"), Packet::Data(65_535, b"x"), Packet::Ack(0)] {
        receiver.hear(&packet, ms(1));
        assert!(receiver.transmit(ms(1)).is_none() && receiver.ended().is_none(), "{packet:?}");
    }
    receiver.hear(&Packet::Data(1, &bytes(513)), ms(1));
    assert_eq!(receiver.transmit(ms(1)).map(|p| p[..4].to_vec()), Some(vec![0, 5, 0, 4]), "larger than agreed");
}

#[test]
fn bursts_adapt_to_a_peer_that_loses_the_end_of_each_window() {
    let terms = Terms { windowsize: 64, blksize: 8, ..Terms::default() };
    let mut sender = Sender::new(Opening::Plain, terms, Patience::sender(), ms(0));
    sender.push(&bytes(64 * 8));
    assert_eq!(sender.transmit(ms(0)).unwrap().packets.len(), 64 * 12);
    let due = sender.deadline().unwrap();
    sender.tick(due);
    assert_eq!(sender.transmit(due).unwrap().packets.len(), 32 * 12, "half of it at once");
    assert!(sender.transmit(due).is_none());
    let pause = sender.deadline().unwrap();
    assert!(pause > due && pause < due + ms(10));
    sender.tick(pause);
    assert_eq!(sender.transmit(pause).unwrap().packets.len(), 32 * 12, "and the rest after a pause");
    assert!(sender.transmit(pause).is_none());
}

#[test]
fn what_is_forgotten_is_read_again() {
    // Four blocks of a window are held at once.
    let terms = Terms { windowsize: 16, blksize: 65_464, ..Terms::default() };
    let mut sender = Sender::new(Opening::Plain, terms, Patience::sender(), ms(0)).reading_again();
    let file = bytes(65_464 * 20 + 5);
    let (mut read, mut sent) = (0, Vec::new());
    let mut go_on = |sender: &mut Sender, at: u64| {
        if let Some(byte) = sender.from() {
            read = byte as usize;
        }
        while sender.wanted() > 0 {
            assert!(sender.wanted() <= 256 * 1024, "a part of the window");
            read += sender.push(&file[read..]);
            if read == file.len() {
                sender.end();
            }
            while let Some(batch) = sender.transmit(ms(at)) {
                for packet in batch.packets.chunks(batch.size) {
                    let block = u16::from_be_bytes([packet[2], packet[3]]);
                    let body = file.chunks(65_464).nth(usize::from(block) - 1).unwrap();
                    assert!(packet[4..] == *body, "block {block}");
                    sent.push(block);
                }
            }
        }
        std::mem::take(&mut sent)
    };
    assert_eq!(go_on(&mut sender, 0), (1..=16).collect::<Vec<_>>());
    sender.hear(&Packet::Ack(3), ms(1));
    assert_eq!(go_on(&mut sender, 1), (4..=19).collect::<Vec<_>>(), "what was lost, and what may follow it");
    let due = sender.deadline().unwrap();
    sender.tick(due);
    sender.hear(&Packet::Ack(19), due);
    assert_eq!(go_on(&mut sender, 900), [20, 21], "the answer was only late");
    let due = sender.deadline().unwrap();
    sender.tick(due);
    sender.hear(&Packet::Ack(21), due);
    assert_eq!((sender.ended(), sender.tally().blocks), (Some(Ok(())), 21), "the last one too");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn large_windows_arrive_whole_over_a_bad_link(
        seed in 1u64..u64::MAX, len in 0usize..2_000_000, blksize in 15_000u16..65_465, window in 8u16..40,
        lost in 0u64..60, doubled in 0u64..100, jitter in 0u64..30, writing in any::<bool>(), again in any::<bool>(),
    ) {
        let asked = Wishes { blksize: Some(blksize), windowsize: Some(window), ..Wishes::default() };
        let mut pair = Pair::new(bytes(len), &asked, writing);
        if again {
            pair = pair.reading_again();
        }
        pair.run(&mut Link::new(seed, lost, doubled, ms(jitter)));
        prop_assert!(pair.came == pair.file);
        match pair.sender.ended() {
            Some(Ok(())) => {}
            Some(Err(Failure::Silent { .. })) => prop_assert!(lost > 0),
            other => prop_assert!(false, "{:?}", other),
        }
    }
}

proptest! {
    #[test]
    fn every_file_arrives_whole_over_a_bad_link(
        seed in 1u64..u64::MAX, len in 0usize..30_000, blksize in 8u16..1500, window in 1u16..70,
        lost in 0u64..200, doubled in 0u64..300, jitter in 0u64..30, writing in any::<bool>(), asks in any::<bool>(),
    ) {
        let mut wishes = Wishes { tsize: Some(len as u64), ..Wishes::default() };
        if asks {
            wishes = Wishes { blksize: Some(blksize), windowsize: Some(window), ..wishes };
        }
        let mut pair = Pair::new(bytes(len), &wishes, writing);
        pair.run(&mut Link::new(seed, lost, doubled, ms(jitter)));
        prop_assert_eq!(pair.sender.tally().blocks <= pair.receiver.tally().blocks, true);
        prop_assert!(pair.came == pair.file);
        // The very last ACK may be lost for good: then the sender cannot know, and the receiver has gone.
        match pair.sender.ended() {
            Some(Ok(())) => {}
            Some(Err(Failure::Silent { .. })) => prop_assert!(lost > 0),
            other => prop_assert!(false, "{:?}", other),
        }
    }
}
