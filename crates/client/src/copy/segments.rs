//! How does one large file come over several connections? In segments, each written to its place in the one file that gets
//! its name only when it is whole.
//!
//! What an interruption leaves behind has holes, so it belongs to an owner of its own: nobody takes it for the beginning of a
//! file. How far each segment came stands behind the file's last byte, and each is proved before it goes on.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use io::body::{BoxFuture, Places};
use io::clock;
use io::meter::Meter;
use types::{Attr, Error, Reason, VPath, WriteHow};
use vfs::Owner;

use super::join::first;
use super::resume::{goes_on, has_changed};
use super::run::{AT_ONCE, File, Work};
use crate::failure::is_passing;
use crate::remote::Remote;

/// No segment is shorter: below, connections cost more than they bring.
const SHORTEST: u64 = 1024 * 1024;
/// As many as a file has at most.
const MOST: usize = 64;
/// How often it is told how far it came.
const TOLD_EVERY: Duration = Duration::from_millis(200);
/// How often it is noted how far it came, counted in tellings.
const NOTED_EVERY: u32 = 10;
/// Bytes that may have been counted and not yet written.
const UNWRITTEN: u64 = 1024 * 1024;
/// What a note begins and ends with.
const MARK: [u8; 16] = *b"carrack segments";

/// A run of bytes of a file, and how far it has come.
#[derive(Debug)]
struct Segment {
    begin: u64,
    end: u64,
    /// The first byte that is not there, but for what the meter counts.
    state: Mutex<(u64, Option<Meter>)>,
}

impl Segment {
    const fn new(begin: u64, end: u64, at: u64) -> Self {
        Self { begin, end, state: Mutex::new((at, None)) }
    }

    fn state(&self) -> MutexGuard<'_, (u64, Option<Meter>)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first byte that is not there, or on its way.
    fn at(&self) -> u64 {
        let state = self.state();
        let moved = state.1.as_ref().map_or(0, Meter::moved);
        state.0.saturating_add(moved).min(self.end)
    }

    /// What is counted from here on is not there yet.
    fn begin_at(&self, at: u64, meter: Option<Meter>) {
        *self.state() = (at, meter);
    }

    /// What is certainly written.
    fn sure(&self) -> u64 {
        let (at, is_moving) = (self.at(), self.state().1.is_some());
        if is_moving { at.saturating_sub(UNWRITTEN).max(self.begin) } else { at }
    }

    fn is_whole(&self) -> bool {
        self.at() >= self.end
    }
}

/// Cuts a file into so many segments of nearly the same length, or into fewer that are not too short.
fn cut(size: u64, into: usize) -> Vec<Segment> {
    let most = usize::try_from(size / SHORTEST).unwrap_or(usize::MAX);
    let into = into.min(most).clamp(1, MOST) as u64;
    let length = size.div_ceil(into).max(1);
    (0..into).map(|n| (n * length, ((n + 1) * length).min(size))).map(|(b, e)| Segment::new(b, e, b)).collect()
}

/// How far a file has come, to be written behind its last byte.
fn note(size: u64, segments: &[Segment]) -> Bytes {
    let mut note = MARK.to_vec();
    let numbers = segments.iter().flat_map(|s| [s.begin, s.end, s.sure()]);
    for number in [size, segments.len() as u64].into_iter().chain(numbers) {
        note.extend_from_slice(&number.to_be_bytes());
    }
    note.extend_from_slice(&MARK);
    note.into()
}

/// What a note tells; `None` where it is none, or of a file of another size.
fn read_note(note: &[u8], size: u64) -> Option<Vec<Segment>> {
    let (numbers, rest) = note.strip_prefix(&MARK)?.strip_suffix(&MARK)?.as_chunks::<8>();
    let mut numbers = numbers.iter().map(|bytes| u64::from_be_bytes(*bytes)).filter(|_| rest.is_empty());
    let (noted, count) = (numbers.next()?, numbers.next()?);
    if noted != size || count == 0 || count > MOST as u64 {
        return None;
    }
    let mut segments: Vec<Segment> = Vec::new();
    for _ in 0..count {
        let (begin, end, at) = (numbers.next()?, numbers.next()?, numbers.next()?);
        let follows = begin == segments.last().map_or(0, |last| last.end);
        if !follows || begin > at || at > end {
            return None;
        }
        segments.push(Segment::new(begin, end, at));
    }
    (segments.last()?.end == size && numbers.next().is_none()).then_some(segments)
}

/// As many bytes as a note has at most.
const fn longest_note() -> u64 {
    2 * MARK.len() as u64 + 8 * (2 + 3 * MOST as u64)
}

impl Work<'_> {
    /// Into how many segments a download is cut: one where that brings nothing.
    pub(super) fn segments(&self, remote: &dyn Remote, size: u64) -> usize {
        let many = match self.settings.segments {
            Some(many) => many,
            None if size >= self.settings.segments_from => remote.connections().min(AT_ONCE) / self.at_once.max(1),
            None => 1,
        };
        let possible = remote.capability().write_at && size >= 2 * SHORTEST;
        if possible { many.min(remote.at_once()).clamp(1, MOST) } else { 1 }
    }

    /// From a server into a file, over several connections. `None` where that cannot be had here: the target takes bytes in
    /// order only, or the server cannot begin within a file.
    pub(super) async fn download_in_segments(
        &self,
        remote: &dyn Remote,
        file: File<'_>,
        many: usize,
    ) -> Result<Option<u64>, Error> {
        let owner = Owner(self.target.owner.0.as_ref().map(|name| format!("{name}, in segments").into()));
        let before = remote.stat(file.from, true, &self.source.owner).await?;
        let (segments, opened) = match self.part_in_segments(file, &before, &owner).await {
            Some((segments, at)) => {
                let order = self.order(WriteHow::At(at), &owner);
                (segments, self.target.storage.write(file.to, order).await?)
            }
            None => {
                let order = self.order(WriteHow::Replace, &owner);
                (cut(before.size, many), self.target.storage.write(file.to, order).await?)
            }
        };
        let mut sink = opened.sink;
        let Some(places) = sink.places().filter(|_| segments.len() > 1) else { return Ok(None) };
        let there: u64 = segments.iter().map(|s| s.at() - s.begin).sum();
        let meter = self.meter(file);
        if let Err(e) = self.fetch(remote, file, &segments, &places, &meter).await {
            if matches!(e.reason, Reason::NoRestart | Reason::Unsupported) {
                drop(sink);
                let _ = self.target.storage.remove(file.to, &owner).await;
                return Ok(None);
            }
            return Err(e);
        }
        let after = remote.stat(file.from, true, &self.source.owner).await?;
        if (after.size, after.modified) != (before.size, before.modified) {
            // The segments may be of different files.
            drop(sink);
            let _ = self.target.storage.remove(file.to, &owner).await;
            return Err(Error::new(Reason::SourceChanged));
        }
        sink.end_at(before.size).await?;
        sink.commit().await?;
        Ok(Some(before.size - there))
    }

    /// What an earlier try left, as far as it is proved to be of this file, and how long it is, note and all.
    async fn part_in_segments(&self, file: File<'_>, now: &Attr, owner: &Owner) -> Option<(Vec<Segment>, u64)> {
        let storage = &self.target.storage;
        if !self.settings.resume || file.replaces || owner.0.is_none() {
            return None;
        }
        let seen = storage.stat(file.to, true, &Owner::default()).await;
        if !matches!(seen, Err(e) if e.reason == Reason::NotFound) {
            return None;
        }
        let part = storage.stat(file.to, true, owner).await.ok()?;
        if part.size <= now.size || has_changed(now.modified, &part) {
            return None;
        }
        let (_, body) = storage.read(file.to, now.size, owner).await.ok()?;
        let noted = body.first(longest_note()).read_to_end().await.ok()?;
        let segments = read_note(&noted, now.size)?;
        let mut target = self.target.clone();
        target.owner = owner.clone();
        for segment in &segments {
            let came = segment.at() - segment.begin;
            if came > 0 && !goes_on((self.source, file.from), (&target, file.to), segment.at(), came).await.unwrap_or(false) {
                segment.begin_at(segment.begin, None);
            }
        }
        Some((segments, part.size))
    }

    /// Fetches all that is missing, and notes on the way how far it came.
    async fn fetch(
        &self,
        remote: &dyn Remote,
        file: File<'_>,
        segments: &[Segment],
        places: &Places,
        meter: &Meter,
    ) -> Result<(), Error> {
        let size = segments.last().map_or(0, |last| last.end);
        let came = || segments.iter().map(Segment::at).sum::<u64>();
        let mut work: Vec<_> = segments
            .iter()
            .map(|segment| {
                Box::pin(self.segment(remote, file.from, segment, size, places, meter)) as BoxFuture<'_, Result<(), Error>>
            })
            .collect();
        let (mut told, mut tellings, mut result) = (came(), 0_u32, Ok(()));
        while !work.is_empty() {
            tokio::select! {
                biased;
                ended = first(&mut work) => match ended {
                    Err(e) if !is_passing(e.reason) => {
                        result = Err(e);
                        break;
                    }
                    // The others go on: what they bring, the next try need not.
                    Err(e) => result = Err(e),
                    Ok(()) => {}
                },
                () = clock::sleep_until(clock::now() + TOLD_EVERY) => {
                    tellings += 1;
                    if tellings.is_multiple_of(NOTED_EVERY) {
                        places.note(size, note(size, segments)).await?;
                    }
                }
            }
            let now = came();
            meter.count(usize::try_from(now.saturating_sub(told)).unwrap_or(usize::MAX));
            told = now;
        }
        if result.is_err() {
            places.note(size, note(size, segments)).await?;
        }
        result
    }

    /// Fetches what is missing of a segment. A connection that is lost is made again as long as it brings anything.
    async fn segment(
        &self,
        remote: &dyn Remote,
        path: &VPath,
        segment: &Segment,
        size: u64,
        places: &Places,
        meter: &Meter,
    ) -> Result<(), Error> {
        while !segment.is_whole() {
            let from = segment.at();
            let own = Meter::new(meter.token().child_token(), self.settings.rates.clone());
            let is_last = segment.end == size;
            if !is_last {
                own.limit_to(segment.end - from);
            }
            segment.begin_at(from, Some(own.clone()));
            let result = remote.receive(path, from, is_last.then_some(size - from), places.from(from), own.clone()).await;
            // What came is written, whatever ended it.
            segment.begin_at(segment.at(), None);
            match result {
                // It goes on behind the segment's end, where it was cut.
                Err(_) if own.is_over() => {}
                Ok(_) if segment.is_whole() => {}
                Ok(_) => return Err(Error::with(Reason::SourceChanged, "the server's file ends sooner than it said")),
                Err(e) if is_passing(e.reason) && segment.at() > from && !segment.is_whole() => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_file_is_cut_into_segments_that_are_not_too_short() {
        let ends = |size, into| cut(size, into).iter().map(|s| (s.begin, s.end)).collect::<Vec<_>>();
        let m = SHORTEST;
        assert_eq!(ends(4 * m, 2), [(0, 2 * m), (2 * m, 4 * m)]);
        assert_eq!(ends(2 * m + 1, 9), [(0, m + 1), (m + 1, 2 * m + 1)]);
        assert_eq!(ends(5, 4), [(0, 5)]);
        assert_eq!(cut(1 << 40, 1_000).len(), MOST);
    }

    #[test]
    fn a_segment_that_moves_is_sure_of_less() {
        let segment = Segment::new(10, 100 + 3 * UNWRITTEN, 10);
        let meter = Meter::default();
        segment.begin_at(10, Some(meter.clone()));
        meter.count(2 * UNWRITTEN as usize);
        assert_eq!((segment.at(), segment.sure()), (10 + 2 * UNWRITTEN, 10 + UNWRITTEN));
        segment.begin_at(segment.at(), None);
        assert_eq!(segment.sure(), 10 + 2 * UNWRITTEN);
    }

    proptest! {
        #[test]
        fn a_note_is_read_as_it_was_written(size in 2 * SHORTEST..1 << 40, into in 2_usize..70, came in 0..SHORTEST) {
            let segments = cut(size, into);
            for (n, segment) in segments.iter().enumerate() {
                segment.begin_at(segment.begin + if n % 2 == 0 { came } else { 0 }, None);
            }
            let bytes = note(size, &segments);
            prop_assert!(bytes.len() as u64 <= longest_note());
            let read = read_note(&bytes, size).unwrap();
            let all = |s: &[Segment]| s.iter().map(|s| (s.begin, s.end, s.at())).collect::<Vec<_>>();
            prop_assert_eq!(all(&read), all(&segments));
            prop_assert!(read_note(&bytes, size + 1).is_none());
            prop_assert!(read_note(&bytes[..bytes.len() - 8], size).is_none());
        }

        #[test]
        fn nothing_else_is_a_note(mut numbers in prop::collection::vec(0_u64..20, 0..20), size in 0_u64..20) {
            let mut bytes = MARK.to_vec();
            numbers.insert(0, size);
            bytes.extend(numbers.iter().flat_map(|n| n.to_be_bytes()));
            bytes.extend_from_slice(&MARK);
            if let Some(segments) = read_note(&bytes, size) {
                prop_assert_eq!(segments.iter().map(|s| s.end - s.begin).sum::<u64>(), size);
            }
            prop_assert!(read_note(&bytes[1..], size).is_none());
        }
    }
}
