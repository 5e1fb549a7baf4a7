//! Both ends of a TFTP transfer against a peer that says anything at any time: they neither panic nor run away, they hold no
//! more than a window, and they end.
#![no_main]

use carrack_proto::tftp::options::{Terms, Wishes};
use carrack_proto::tftp::packet::Packet;
use carrack_proto::tftp::receiver::Receiver;
use carrack_proto::tftp::sender::{Opening, Sender};
use carrack_proto::tftp::timing::Patience;
use carrack_proto::tftp::{Rollover, errors::Code};
use libfuzzer_sys::fuzz_target;
use std::time::Duration;

fn opening(byte: u8) -> Opening {
    match byte % 3 {
        0 => Opening::Plain,
        1 => Opening::Offer(vec![0, 6]),
        _ => Opening::Asking(vec![0, 1], Wishes { blksize: Some(64), windowsize: Some(4), tsize: Some(0), ..Wishes::default() }),
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((&[first, second, third], mut rest)) = data.split_first_chunk::<3>() else { return };
    let terms = Terms {
        blksize: 8 + u16::from(second & 15),
        windowsize: 1 + u16::from(third & 7),
        rollover: [None, Some(Rollover::Zero), Some(Rollover::One)][usize::from(first >> 4) % 3],
        ..Terms::default()
    };
    let mut now = Duration::ZERO;
    let mut sender = Sender::new(opening(first), terms, Patience::sender(), now);
    let mut receiver = Receiver::new(opening(first), terms, Patience::receiver(), now);
    let mut packets = 0;
    while let Some((&[what, byte], after)) = rest.split_first_chunk::<2>() {
        rest = after;
        match what % 8 {
            0 => now += Duration::from_millis(u64::from(byte) * 10),
            1 => {
                sender.push(&vec![byte; usize::from(byte)]);
            }
            2 if byte > 200 => sender.end(),
            3 if byte > 250 => sender.fail(Code::UNDEFINED, "enough"),
            3 if byte < 3 => receiver.fail(Code::UNDEFINED, "enough"),
            _ => {
                let len = usize::from(byte & 31).min(rest.len());
                let (bytes, after) = rest.split_at(len);
                rest = after;
                // Small numbers, so that they often belong.
                let packet = match what % 8 {
                    4 => Packet::Ack(u16::from(byte)),
                    5 | 6 => Packet::Data(u16::from(byte >> 5) | u16::from(what >> 3), bytes),
                    _ => match Packet::parse(bytes) {
                        Ok(packet) => packet,
                        Err(_) => continue,
                    },
                };
                sender.hear(&packet, now);
                receiver.hear(&packet, now);
            }
        }
        sender.tick(now);
        receiver.tick(now);
        let mut said = 0;
        while let Some(batch) = sender.transmit(now) {
            assert!(!batch.packets.is_empty() && batch.size > 0);
            said += 1;
            assert!(said < 20, "one event brought 20 batches");
            packets += batch.packets.len().div_ceil(batch.size);
        }
        assert!(receiver.take().len() <= usize::from(receiver.terms().windowsize).max(8) * 512);
        if receiver.is_whole() && byte & 1 == 0 {
            receiver.stands(now);
        }
        while receiver.transmit(now).is_some() {
            packets += 1;
        }
        assert!(packets < 100 * data.len(), "{packets} packets for {} bytes", data.len());
    }
    // Nobody says anything any more: both end.
    while sender.transmit(now).is_some() {}
    while receiver.transmit(now).is_some() {}
    for _ in 0..200 {
        let Some(due) = sender.deadline() else { break };
        now = now.max(due);
        sender.tick(now);
        while sender.transmit(now).is_some() {}
    }
    assert!(sender.ended().is_some() || sender.wanted() > 0, "the sender ends, or waits for its file");
    for _ in 0..200 {
        let Some(due) = receiver.deadline() else { break };
        now = now.max(due);
        receiver.tick(now);
        receiver.take();
        while receiver.transmit(now).is_some() {}
    }
    assert!(receiver.ended().is_some() || receiver.is_whole(), "the receiver ends, or waits for its file to stand");
});
