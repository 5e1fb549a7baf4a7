//! `Ring`: how are the last events of thousands of sessions kept in a few hundred bytes each? Encoded back to back in
//! one buffer that grows with what is in it and is bounded by count and by bytes.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use types::{Direction, Event, Lane, Reason, What};

/// How much a [`Ring`] may hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Capacity {
    /// Events.
    pub events: usize,
    /// Bytes of their encoding.
    pub bytes: usize,
}

impl Capacity {
    /// Nothing at all is kept.
    pub const NONE: Self = Self { events: 0, bytes: 0 };

    /// So many events, at 64 bytes each on average.
    pub const fn events(events: usize) -> Self {
        Self { events, bytes: events.saturating_mul(64) }
    }

    /// Whether nothing is kept.
    pub const fn is_none(self) -> bool {
        self.events == 0 || self.bytes == 0
    }
}

impl Default for Capacity {
    /// 256 events in 16 KiB.
    fn default() -> Self {
        Self::events(256)
    }
}

/// The newest events of a session; the oldest go first, and how many went is known.
///
/// A record is: its length, the time in nanoseconds, a tag, and what the tag says follows. Numbers are LEB128;
/// the last text of a record has no length of its own.
#[derive(Clone, Debug)]
pub struct Ring {
    bytes: VecDeque<u8>,
    events: usize,
    dropped: u64,
    capacity: Capacity,
}

impl Ring {
    /// An empty ring; allocates nothing.
    pub const fn new(capacity: Capacity) -> Self {
        Self { bytes: VecDeque::new(), events: 0, dropped: 0, capacity }
    }

    /// Keeps an event, letting the oldest go where room is short. An event larger than the whole ring is dropped
    /// itself.
    pub fn push(&mut self, event: &Event) {
        if self.capacity.is_none() {
            self.dropped += 1;
            return;
        }
        // Measured first, then written in place: no buffer per event.
        let mut length = 0;
        encode(event, &mut |bytes| length += bytes.len());
        let mut whole = length;
        number(length as u64, &mut |bytes| whole += bytes.len());
        if whole > self.capacity.bytes {
            self.dropped += 1;
            return;
        }
        while self.events >= self.capacity.events || self.bytes.len() + whole > self.capacity.bytes {
            self.drop_oldest();
        }
        let buffer = &mut self.bytes;
        let mut put = |bytes: &[u8]| buffer.extend(bytes);
        number(length as u64, &mut put);
        encode(event, &mut put);
        self.events += 1;
    }

    fn drop_oldest(&mut self) {
        let mut reader = Reader { bytes: self.bytes.iter() };
        let length = reader.number().unwrap_or(0) as usize;
        let gone = self.bytes.len() - reader.bytes.len() + length;
        self.bytes.drain(..gone.min(self.bytes.len()));
        self.events -= 1;
        self.dropped += 1;
    }

    /// The events kept, oldest first, decoded as one goes.
    pub fn iter(&self) -> impl Iterator<Item = Event> + '_ {
        let mut reader = Reader { bytes: self.bytes.iter() };
        std::iter::from_fn(move || reader.event())
    }

    /// How many events are kept.
    pub const fn len(&self) -> usize {
        self.events
    }

    /// Whether none is kept.
    pub const fn is_empty(&self) -> bool {
        self.events == 0
    }

    /// How many events went, oldest first, because there was no room.
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Bytes of memory the events take.
    pub fn allocated(&self) -> usize {
        self.bytes.capacity()
    }
}

/// Writes a LEB128 number.
fn number(mut n: u64, put: &mut impl FnMut(&[u8])) {
    while n >= 0x80 {
        put(&[n as u8 | 0x80]);
        n >>= 7;
    }
    put(&[n as u8]);
}

fn address(a: SocketAddr, put: &mut impl FnMut(&[u8])) {
    match a {
        SocketAddr::V4(v4) => {
            put(&[4]);
            put(&v4.ip().octets());
        }
        // Flow label and scope do not matter to who was where.
        SocketAddr::V6(v6) => {
            put(&[6]);
            put(&v6.ip().octets());
        }
    }
    put(&a.port().to_be_bytes());
}

fn reason(r: Reason, put: &mut impl FnMut(&[u8])) {
    number(Reason::ALL.iter().position(|&known| known == r).unwrap_or(0) as u64, put);
}

fn duration(d: Duration, put: &mut impl FnMut(&[u8])) {
    number(u64::try_from(d.as_nanos()).unwrap_or(u64::MAX), put);
}

const fn tag(what: &What) -> u8 {
    match what {
        What::Accepted(..) => 0,
        What::Command(_) => 1,
        What::Reply(_) => 2,
        What::Ask(_) => 3,
        What::Answer(_) => 4,
        What::Listening(_) => 5,
        What::Connecting(_) => 6,
        What::Connected(_) => 7,
        What::DataFailed(_) => 8,
        What::Started(Direction::Out) => 9,
        What::Started(Direction::In) => 10,
        What::Moved(Direction::Out, ..) => 11,
        What::Moved(Direction::In, ..) => 12,
        What::Cut(Direction::Out, ..) => 13,
        What::Cut(Direction::In, ..) => 14,
        What::Note(..) => 15,
        What::Closed(None) => 16,
        What::Closed(Some(_)) => 17,
        What::Secured(Lane::Data, _) => 18,
        What::Secured(..) => 19,
        What::Cleared => 20,
        What::Reaching(_) => 21,
        What::Awaiting(_) => 22,
    }
}

fn encode(event: &Event, put: &mut impl FnMut(&[u8])) {
    duration(event.at, put);
    put(&[tag(&event.what)]);
    match &event.what {
        What::Accepted(peer, own) => {
            address(*peer, put);
            address(*own, put);
        }
        What::Command(text) | What::Reply(text) | What::Ask(text) | What::Answer(text) | What::Secured(_, text) => {
            put(text.as_bytes());
        }
        What::Listening(a) | What::Connecting(a) | What::Reaching(a) | What::Awaiting(a) | What::Connected(a) => address(*a, put),
        What::DataFailed(r) | What::Closed(Some(r)) => reason(*r, put),
        What::Started(_) | What::Cleared | What::Closed(None) => {}
        What::Moved(_, bytes, took) => {
            number(*bytes, put);
            duration(*took, put);
        }
        What::Cut(_, bytes, r) => {
            number(*bytes, put);
            reason(*r, put);
        }
        What::Note(r, text) => {
            reason(*r, put);
            put(text.as_bytes());
        }
    }
}

/// Reads what [`encode`] wrote. `None` would mean that the buffer does not hold what was put in; the reading ends.
struct Reader<I> {
    bytes: I,
}

impl<'a, I: ExactSizeIterator<Item = &'a u8>> Reader<I> {
    fn number(&mut self) -> Option<u64> {
        let (mut n, mut shift) = (0, 0);
        loop {
            let byte = *self.bytes.next()?;
            n |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte < 0x80 {
                return Some(n);
            }
            shift += 7;
        }
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let mut out = [0; N];
        for slot in &mut out {
            *slot = *self.bytes.next()?;
        }
        Some(out)
    }

    fn address(&mut self) -> Option<SocketAddr> {
        let ip: IpAddr = match self.take::<1>()? {
            [4] => Ipv4Addr::from(self.take::<4>()?).into(),
            [6] => Ipv6Addr::from(self.take::<16>()?).into(),
            _ => return None,
        };
        Some(SocketAddr::new(ip, u16::from_be_bytes(self.take()?)))
    }

    fn reason(&mut self) -> Option<Reason> {
        Reason::ALL.get(usize::try_from(self.number()?).ok()?).copied()
    }

    fn duration(&mut self) -> Option<Duration> {
        self.number().map(Duration::from_nanos)
    }

    /// Text up to where `end` bytes are left.
    fn text(&mut self, end: usize) -> Option<Box<str>> {
        let bytes = self.bytes.len().checked_sub(end)?;
        let text: Vec<u8> = self.bytes.by_ref().take(bytes).copied().collect();
        String::from_utf8(text).ok().map(String::into_boxed_str)
    }

    fn event(&mut self) -> Option<Event> {
        let length = self.number()? as usize;
        let end = self.bytes.len().checked_sub(length)?;
        let at = self.duration()?;
        let [tag] = self.take::<1>()?;
        let what = match tag {
            0 => What::Accepted(self.address()?, self.address()?),
            1 => What::Command(self.text(end)?),
            2 => What::Reply(self.text(end)?),
            3 => What::Ask(self.text(end)?),
            4 => What::Answer(self.text(end)?),
            5 => What::Listening(self.address()?),
            6 => What::Connecting(self.address()?),
            7 => What::Connected(self.address()?),
            8 => What::DataFailed(self.reason()?),
            9 => What::Started(Direction::Out),
            10 => What::Started(Direction::In),
            11 => What::Moved(Direction::Out, self.number()?, self.duration()?),
            12 => What::Moved(Direction::In, self.number()?, self.duration()?),
            13 => What::Cut(Direction::Out, self.number()?, self.reason()?),
            14 => What::Cut(Direction::In, self.number()?, self.reason()?),
            15 => What::Note(self.reason()?, self.text(end)?),
            16 => What::Closed(None),
            17 => What::Closed(Some(self.reason()?)),
            18 => What::Secured(Lane::Data, self.text(end)?),
            19 => What::Secured(Lane::Control, self.text(end)?),
            20 => What::Cleared,
            21 => What::Reaching(self.address()?),
            22 => What::Awaiting(self.address()?),
            _ => return None,
        };
        Some(Event { at, what })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{any_event, download};
    use proptest::prelude::*;

    #[test]
    fn an_idle_session_costs_under_a_kibibyte() {
        let mut ring = Ring::new(Capacity::default());
        assert_eq!(ring.allocated(), 0);
        download().iter().take(8).for_each(|event| ring.push(event));
        assert!(size_of::<Ring>() + ring.allocated() < 512, "{}", ring.allocated());
    }

    #[test]
    fn a_ring_without_room_keeps_nothing_and_takes_nothing() {
        let mut ring = Ring::new(Capacity::NONE);
        download().iter().for_each(|event| ring.push(event));
        assert_eq!((ring.len(), ring.allocated(), ring.dropped()), (0, 0, download().len() as u64));
    }

    #[test]
    fn an_event_larger_than_the_ring_is_dropped_alone() {
        let mut ring = Ring::new(Capacity { events: 9, bytes: 100 });
        let short = Event { at: Duration::ZERO, what: What::Closed(None) };
        ring.push(&short);
        ring.push(&Event { at: Duration::ZERO, what: What::Command("x".repeat(200).into()) });
        assert_eq!((ring.iter().collect::<Vec<_>>(), ring.dropped()), (vec![short], 1));
    }

    proptest! {
        #[test]
        fn the_newest_events_are_kept(
            events in prop::collection::vec(any_event(), 0..40), count in 0..20_usize, bytes in 0..2_000_usize
        ) {
            let mut ring = Ring::new(Capacity { events: count, bytes });
            let mut fits = Vec::new();
            for event in &events {
                let before = ring.dropped();
                ring.push(event);
                if ring.iter().last().as_ref() == Some(event) { fits.push(event.clone()); } else { prop_assert_eq!(ring.dropped(), before + 1); }
                prop_assert!(ring.len() <= count && ring.bytes.len() <= bytes);
            }
            let kept: Vec<_> = ring.iter().collect();
            prop_assert_eq!(kept.len(), ring.len());
            prop_assert_eq!(ring.dropped() as usize + kept.len(), events.len());
            prop_assert!(fits.ends_with(&kept));
        }

        #[test]
        fn what_was_put_in_comes_out(events in prop::collection::vec(any_event(), 0..20)) {
            let mut ring = Ring::new(Capacity { events: 20, bytes: 1 << 20 });
            events.iter().for_each(|event| ring.push(event));
            prop_assert_eq!(ring.iter().collect::<Vec<_>>(), events);
        }
    }
}
