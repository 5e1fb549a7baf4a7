//! How many bytes are asked for ahead, and in which order do they come out? A window that fits the path, and a file's reads
//! put in order.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;

/// The smallest window, in bytes.
const LEAST: u64 = 256 * 1_024;

/// How many bytes may be under way: twice what the path holds, as measured (the rate times the shortest round trip). While
/// the window is what holds the rate down, that doubles it each round trip; once the path does, it stays.
#[derive(Clone, Debug)]
pub struct Window {
    under_way: u64,
    size: u64,
    shortest: Option<Duration>,
    /// The round that is being measured: since when, and how many bytes came.
    round: Option<(Duration, u64)>,
}

impl Default for Window {
    fn default() -> Self {
        Self { under_way: 0, size: LEAST, shortest: None, round: None }
    }
}

impl Window {
    /// The largest, in bytes: what is kept of one file at most.
    pub const MOST: u64 = 32 * 1_024 * 1_024;

    /// Whether more may be asked for.
    pub const fn has_room(&self) -> bool {
        self.under_way < self.size
    }

    /// How many bytes may be under way.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// So many bytes were asked for, or sent.
    pub const fn sent(&mut self, bytes: u64) {
        self.under_way = self.under_way.saturating_add(bytes);
    }

    /// They came, or were confirmed; `took` is how long that was, and `now` the time.
    pub fn came(&mut self, bytes: u64, took: Duration, now: Duration) {
        self.under_way = self.under_way.saturating_sub(bytes);
        let shortest = self.shortest.map_or(took, |shortest| shortest.min(took)).max(Duration::from_micros(50));
        self.shortest = Some(shortest);
        let (since, sum) = self.round.get_or_insert((now, 0));
        *sum = sum.saturating_add(bytes);
        let passed = now.saturating_sub(*since);
        // A round lasts a round trip, and long enough for the clock to tell.
        if passed < shortest.max(Duration::from_millis(5)) {
            return;
        }
        let rate = *sum as f64 / passed.as_secs_f64();
        let fits = 2.0 * rate * shortest.as_secs_f64();
        // A slow moment is no reason to start anew.
        self.size = (fits as u64).clamp((self.size / 2).max(LEAST), (self.size * 2).min(Self::MOST));
        self.round = Some((now, 0));
    }
}

/// A file that is read ahead: parts are asked for in order, come in any, and go out in order.
#[derive(Debug)]
pub struct Download {
    window: Window,
    part: u32,
    /// The next byte to ask for.
    next: u64,
    /// The next byte to give out.
    at: u64,
    /// Where the file ends, once that is known.
    end: Option<u64>,
    /// How large it is said to be: what lies behind is not asked for ahead.
    expected: Option<u64>,
    /// Parts that were asked for, and what came of them.
    parts: BTreeMap<u64, Part>,
}

#[derive(Debug)]
struct Part {
    length: u32,
    since: Duration,
    came: Option<Bytes>,
}

impl Download {
    /// Of a file from byte `at` on, in parts of so many bytes.
    pub fn new(at: u64, part: u32, expected: Option<u64>) -> Self {
        Self { window: Window::default(), part: part.max(1), next: at, at, end: None, expected, parts: BTreeMap::new() }
    }

    /// The next part to ask for: its first byte and its length.
    pub fn ask(&mut self, now: Duration) -> Option<(u64, u32)> {
        let waits = self.next.saturating_sub(self.at);
        if !self.window.has_room() || waits >= self.window.size() || self.end.is_some_and(|end| self.next >= end) {
            return None;
        }
        let at = self.next;
        let length = match self.expected {
            Some(expected) if at < expected => u32::try_from(expected - at).unwrap_or(self.part).min(self.part),
            // The end is looked for with one question beside the last parts, and not with a window of them.
            Some(expected) if self.parts.range(expected..).next().is_some() => return None,
            _ => self.part,
        };
        self.next = at.checked_add(length.into())?;
        self.part_asked(at, length, now);
        Some((at, length))
    }

    fn part_asked(&mut self, at: u64, length: u32, now: Duration) {
        self.window.sent(length.into());
        self.parts.insert(at, Part { length, since: now, came: None });
    }

    /// A part came: the rest of it to ask for, if it is shorter than it should be. No bytes are the end of the file.
    pub fn came(&mut self, at: u64, bytes: Option<Bytes>, now: Duration) -> Option<(u64, u32)> {
        let part = self.parts.get_mut(&at)?;
        let (length, took) = (part.length, now.saturating_sub(part.since));
        self.window.came(length.into(), took, now);
        let Some(mut bytes) = bytes.filter(|bytes| !bytes.is_empty()) else {
            self.parts.remove(&at);
            self.end = Some(self.end.map_or(at, |end| end.min(at)));
            return None;
        };
        bytes.truncate(usize::try_from(length).unwrap_or(usize::MAX));
        let got = u32::try_from(bytes.len()).unwrap_or(length);
        part.came = Some(bytes);
        part.length = got;
        let rest = length - got;
        let from = at + u64::from(got);
        if rest == 0 || self.end.is_some_and(|end| from >= end) {
            return None;
        }
        self.part_asked(from, rest, now);
        Some((from, rest))
    }

    /// The next bytes of the file, if they are there.
    pub fn take(&mut self) -> Option<Bytes> {
        let part = self.parts.first_entry().filter(|part| *part.key() == self.at && part.get().came.is_some())?;
        let bytes = part.remove().came?;
        self.at += bytes.len() as u64;
        Some(bytes)
    }

    /// Whether all of the file was given out.
    pub fn is_done(&self) -> bool {
        self.end.is_some_and(|end| self.at >= end)
    }

    /// How many bytes were given out, counted from the file's start.
    pub const fn at(&self) -> u64 {
        self.at
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// How many bytes a second a path carries that takes this long and so much a second, after so many round trips.
    fn settles(round_trip: Duration, rate: u64) -> f64 {
        let mut window = Window::default();
        let (mut now, mut sent) = (Duration::ZERO, std::collections::VecDeque::new());
        let (mut free, mut total) = (Duration::ZERO, 0_u64);
        let part = 32_768_u64;
        while now < Duration::from_secs(20) {
            while window.has_room() {
                window.sent(part);
                // The path carries one part after the other.
                free = free.max(now) + Duration::from_secs_f64(part as f64 / rate as f64);
                sent.push_back((now, free + round_trip));
            }
            let (since, arrives) = sent.pop_front().unwrap();
            now = arrives.max(now);
            window.came(part, now - since, now);
            if now > Duration::from_secs(10) {
                total += part;
            }
        }
        total as f64 / 10.0
    }

    #[test]
    fn the_window_comes_to_fit_the_path() {
        for (ms, rate) in [(1, 100_000_000), (50, 100_000_000), (150, 50_000_000), (20, 1_000_000)] {
            let reached = settles(Duration::from_millis(ms), rate);
            assert!(reached > 0.9 * rate as f64, "{ms} ms, {rate} B/s: {reached} B/s");
        }
    }

    proptest! {
        #[test]
        fn a_file_comes_out_as_it_is(
            length in 0..3_000_usize, part in 1..700_u32, at in 0..100_u64, picks: Vec<u8>, known: bool, lie in 0..4_000_u64,
        ) {
            let file: Vec<u8> = (0..length).map(|n| (n % 251) as u8).collect();
            let expected = if known { Some(length as u64) } else { Some(lie) };
            let mut download = Download::new(at, part, expected);
            let (mut open, mut out, mut picks) = (Vec::new(), Vec::new(), picks.into_iter().cycle());
            let mut now = Duration::ZERO;
            let mut steps = 0;
            while !download.is_done() {
                steps += 1;
                prop_assert!(steps < 100_000, "it does not end");
                now += Duration::from_millis(1);
                while open.len() < 50 && let Some(ask) = download.ask(now) {
                    open.push(ask);
                }
                prop_assert!(!open.is_empty(), "nothing is under way");
                let pick = usize::from(picks.next().unwrap_or(3));
                let (from, most) = open.swap_remove(pick % open.len());
                let there = file.get(from as usize..).unwrap_or_default();
                // Servers may give fewer bytes than were asked for.
                let most = (most as usize).min(there.len());
                let given = if pick % 5 == 0 { most.div_ceil(2) } else { most };
                let bytes = (given > 0).then(|| Bytes::copy_from_slice(&there[..given]));
                open.extend(download.came(from, bytes, now));
                while let Some(bytes) = download.take() {
                    out.extend_from_slice(&bytes);
                }
            }
            prop_assert_eq!(&out[..], file.get(at as usize..).unwrap_or_default());
        }
    }
}
