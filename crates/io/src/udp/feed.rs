//! How do a body's bytes get into packets? Straight from the page cache into their gaps where they are in memory, by way
//! of the blocking pool where they are not.

use std::fs::File;
use std::io::{self, IoSliceMut};
use std::sync::Arc;

use bytes::{Buf, Bytes};
use rustix::io::{Errno, pread};
use types::{Error, Reason};

use crate::body::{From, Source};
use crate::pump::read_now;
use crate::task;

/// A body that is read as it is wanted.
pub struct Feed {
    from: From,
    /// What came of the chunk at hand and was not wanted yet.
    rest: Bytes,
    turn: Option<Turn>,
    /// Where it begins, if it can be read again: a part of a file.
    start: Option<u64>,
    /// Its file system keeps files in memory, though it cannot say so of a part (tmpfs).
    memory: bool,
    /// The body's byte that is given next.
    next: u64,
    /// Bytes that were given, each counted once.
    given: u64,
    /// All was given.
    over: bool,
}

/// Makes bytes as they stand on the wire out of bytes as they stand here, and puts them behind those that are there.
pub type Turn = fn(&[u8], &mut Vec<u8>);

/// Bytes read from a cold file at once: the next windows are in memory then.
const COLD: usize = 256 * 1024;

impl Feed {
    /// From its beginning.
    pub fn new(source: Source) -> Self {
        let (from, rest) = match source.0 {
            From::Bytes(rest) => (From::Bytes(Bytes::new()), rest),
            from => (from, Bytes::new()),
        };
        // A file without an end may be another one each time it is read.
        let start = if let From::File { at, end, .. } = &from { Some(*at).filter(|_| *end != u64::MAX) } else { None };
        Self { from, rest, turn: None, start, memory: false, next: 0, given: 0, over: false }
    }

    /// From its beginning, and its bytes as `turn` makes them.
    pub fn turned(source: Source, turn: Turn) -> Self {
        let mut feed = Self::new(source);
        (feed.rest, feed.turn, feed.start) = (turned(feed.rest, Some(turn)), Some(turn), None);
        feed
    }

    /// Whether it can go on from any place.
    pub const fn reads_again(&self) -> bool {
        self.start.is_some()
    }

    /// Goes on from this byte of the body, where it [`reads_again`](Self::reads_again).
    pub fn go_to(&mut self, byte: u64) {
        if let (Some(start), From::File { at, end, .. }) = (self.start, &mut self.from) {
            *at = start.saturating_add(byte).min(*end);
            self.next = *at - start;
            (self.rest, self.over) = (Bytes::new(), false);
        }
    }

    /// Bytes of the body that were given; what was given again counts once.
    pub const fn given(&self) -> u64 {
        self.given
    }

    /// Whether all was given.
    pub const fn is_over(&self) -> bool {
        self.over
    }

    /// Puts the next bytes into the gaps, from the first on, and tells how many; 0 is the body's end (or no gap).
    ///
    /// # Errors
    /// The storage's; a file that is shorter than it was when it was opened is [`Reason::Io`].
    pub async fn fill<'a>(&mut self, gaps: impl Iterator<Item = &'a mut [u8]>) -> Result<usize, Error> {
        let mut gaps: Vec<IoSliceMut<'_>> = gaps.map(IoSliceMut::new).collect();
        let wanted: usize = gaps.iter().map(|gap| gap.len()).sum();
        let mut came = self.at_hand(&mut gaps);
        if came == 0 && wanted > 0 {
            self.fetch(wanted).await?;
            came = self.spread(&mut gaps);
            self.over = came == 0;
        }
        Ok(came)
    }

    /// The same with what is in memory; 0 says nothing.
    pub fn fill_now<'a>(&mut self, gaps: impl Iterator<Item = &'a mut [u8]>) -> usize {
        if self.over { 0 } else { self.at_hand(&mut gaps.map(IoSliceMut::new).collect::<Vec<_>>()) }
    }

    fn at_hand(&mut self, gaps: &mut [IoSliceMut<'_>]) -> usize {
        if self.rest.is_empty()
            && self.turn.is_none()
            && let From::File { file, at, end } = &mut self.from
        {
            let left = usize::try_from(end.saturating_sub(*at)).unwrap_or(usize::MAX);
            let came = if left > 0 { at_once(file, gaps, *at, left, &mut self.memory).unwrap_or_default() } else { 0 };
            *at += came as u64;
            self.count(came);
            return came;
        }
        self.spread(gaps)
    }

    /// Has something at hand, where there is more.
    async fn fetch(&mut self, wanted: usize) -> Result<(), Error> {
        self.rest = match &mut self.from {
            From::Bytes(_) => Bytes::new(),
            From::Chunks(chunks) => chunks.next().await?.unwrap_or_default(),
            From::File { file, at, end } => {
                let left = usize::try_from(end.saturating_sub(*at)).unwrap_or(usize::MAX);
                let came = if left > 0 { read(file, *at, left.min(wanted.max(COLD))).await? } else { Bytes::new() };
                if came.is_empty() && left > 0 && *end != u64::MAX {
                    return Err(shorter());
                }
                *at += came.len() as u64;
                came
            }
        };
        self.rest = turned(std::mem::take(&mut self.rest), self.turn);
        Ok(())
    }

    /// Puts what is at hand into the gaps.
    fn spread(&mut self, gaps: &mut [IoSliceMut<'_>]) -> usize {
        let mut filled = 0;
        for gap in gaps {
            let now = gap.len().min(self.rest.len());
            if let Some(place) = gap.get_mut(..now) {
                self.rest.copy_to_slice(place);
            }
            filled += now;
        }
        self.count(filled);
        filled
    }

    fn count(&mut self, came: usize) {
        self.next += came as u64;
        self.given = self.given.max(self.next);
    }
}

/// A body of which any place may be wanted next.
#[derive(Clone, Debug)]
pub struct AnyPlace(Kind);

#[derive(Clone, Debug)]
enum Kind {
    File { file: Arc<File>, at: u64, end: u64 },
    Bytes(Bytes),
}

impl Source {
    /// As a body of which any place may be wanted.
    ///
    /// # Errors
    /// Gives it back where it is made chunk by chunk, from its beginning to its end.
    pub fn any_place(self) -> Result<AnyPlace, Self> {
        match self.0 {
            From::File { file, at, end } => Ok(AnyPlace(Kind::File { file, at, end })),
            From::Bytes(bytes) => Ok(AnyPlace(Kind::Bytes(bytes))),
            chunks @ From::Chunks(_) => Err(Self(chunks)),
        }
    }
}

impl AnyPlace {
    /// All of it, from its beginning.
    pub fn source(&self) -> Source {
        match &self.0 {
            Kind::File { file, at, end } => Source::from_range(file.clone(), *at, *end),
            Kind::Bytes(bytes) => Source::from_bytes(bytes.clone()),
        }
    }

    /// `len` bytes from byte `from` of the body on; fewer only at its end.
    ///
    /// # Errors
    /// The storage's; a file that is shorter than it was when it was opened is [`Reason::Io`].
    pub async fn read(&self, from: u64, len: usize) -> Result<Bytes, Error> {
        let (file, start, end) = match &self.0 {
            Kind::Bytes(bytes) => {
                let start = usize::try_from(from).unwrap_or(usize::MAX).min(bytes.len());
                return Ok(bytes.slice(start..start.saturating_add(len).min(bytes.len())));
            }
            Kind::File { file, at, end } => (file, at.saturating_add(from).min(*end), *end),
        };
        let wanted = len.min(usize::try_from(end - start).unwrap_or(usize::MAX));
        let mut bytes = vec![0; wanted];
        if let Ok(came) = read_now(file, &mut [IoSliceMut::new(&mut bytes)], start, &mut false)
            && came == wanted
        {
            return Ok(bytes.into());
        }
        bytes.clear();
        while bytes.len() < wanted {
            let more = read(file, start + bytes.len() as u64, wanted - bytes.len()).await?;
            if more.is_empty() {
                return if end == u64::MAX { Ok(bytes.into()) } else { Err(shorter()) };
            }
            bytes.extend_from_slice(&more);
        }
        Ok(bytes.into())
    }
}

fn shorter() -> Error {
    Error::with(Reason::Io, "the file became shorter while it was sent")
}

fn turned(bytes: Bytes, turn: Option<Turn>) -> Bytes {
    let Some(turn) = turn else { return bytes };
    let mut wire = Vec::with_capacity(bytes.len());
    turn(&bytes, &mut wire);
    wire.into()
}

/// Reads what is in memory. A file that has grown is sent as it was, for its size has been told: no more than `left`.
fn at_once(file: &File, gaps: &mut [IoSliceMut<'_>], at: u64, left: usize, memory: &mut bool) -> rustix::io::Result<usize> {
    if gaps.iter().map(|gap| gap.len()).sum::<usize>() <= left {
        return read_now(file, gaps, at, memory);
    }
    let mut rest = left;
    let short = gaps.iter_mut().map(|gap| {
        let now = gap.len().min(rest);
        rest -= now;
        IoSliceMut::new(gap.get_mut(..now).unwrap_or_default())
    });
    read_now(file, &mut short.collect::<Vec<_>>(), at, memory)
}

/// Reads where it may wait.
async fn read(file: &Arc<File>, at: u64, len: usize) -> Result<Bytes, Error> {
    let file = file.clone();
    let work = move || {
        let mut bytes = vec![0; len];
        loop {
            match pread(&*file, bytes.as_mut_slice(), at) {
                Ok(came) => {
                    bytes.truncate(came);
                    return Ok(bytes.into());
                }
                Err(Errno::INTR) => {}
                Err(e) => return Err(Error::from(io::Error::from(e))),
            }
        }
    };
    task::blocking(work).await?
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods, reason = "tests make files")]
    use super::*;
    use crate::body::{BoxFuture, Chunks};

    struct Three(u8);

    impl Chunks for Three {
        fn next(&mut self) -> BoxFuture<'_, Result<Option<Bytes>, Error>> {
            self.0 += 1;
            let chunk = (self.0 <= 3).then(|| Bytes::from(vec![self.0; 10]));
            Box::pin(async { Ok(chunk) })
        }
    }

    /// All of it, in gaps of these lengths.
    async fn all(source: Source, lengths: &[usize]) -> Result<Vec<u8>, Error> {
        let (mut feed, mut out) = (Feed::new(source), Vec::new());
        loop {
            let mut gaps: Vec<Vec<u8>> = lengths.iter().map(|&n| vec![0; n]).collect();
            // What is in memory comes without waiting, and what is not by waiting.
            let mut came = feed.fill_now(gaps.iter_mut().map(|gap| &mut **gap));
            if came == 0 {
                came = feed.fill(gaps.iter_mut().map(|gap| &mut **gap)).await?;
            }
            out.extend(gaps.concat().into_iter().take(came));
            assert_eq!(feed.given(), out.len() as u64);
            if came == 0 {
                assert!(feed.is_over() && feed.fill_now(gaps.iter_mut().map(|gap| &mut **gap)) == 0);
                return Ok(out);
            }
        }
    }

    #[tokio::test]
    async fn bodies_of_all_kinds_fill_gaps_of_all_sizes() {
        let text: Vec<u8> = (0..100_000_u32).map(|i| (i % 251) as u8).collect();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        std::fs::write(&path, &text).unwrap();
        let file = Arc::new(File::open(&path).unwrap());
        for lengths in [&[1000][..], &[7, 512, 1428, 3], &[300_000]] {
            assert_eq!(all(Source::from_bytes(text.clone().into()), lengths).await.unwrap(), text);
            assert_eq!(all(Source::from_file(file.clone(), 0), lengths).await.unwrap(), text);
            assert_eq!(all(Source::from_range(file.clone(), 5, 70_000), lengths).await.unwrap(), &text[5..70_000]);
            assert_eq!(all(Source::from_chunks(Three(0)), lengths).await.unwrap(), [[1; 10], [2; 10], [3; 10]].concat());
        }
        let doubled = |bytes: &[u8], wire: &mut Vec<u8>| wire.extend(bytes.iter().flat_map(|&b| [b, b]));
        let twice: Vec<u8> = text.iter().flat_map(|&b| [b, b]).collect();
        for source in [Source::from_bytes(text.clone().into()), Source::from_file(file.clone(), 0)] {
            let mut feed = Feed::turned(source, doubled);
            let mut gap = vec![0; 2 * text.len() + 1];
            let mut filled = 0;
            while let Ok(came @ 1..) = feed.fill(std::iter::once(&mut gap[filled..])).await {
                filled += came;
            }
            assert!(gap[..filled] == twice);
        }
        for source in [Source::from_bytes(text.clone().into()), Source::from_range(file.clone(), 0, 100_000)] {
            let Ok(any) = source.any_place() else { panic!("a file and bytes have places") };
            for (from, len) in [(99_990, 20), (0, 512), (100_000, 5), (200_000, 5), (7, 0)] {
                let expected = text.iter().skip(from).take(len).copied().collect::<Vec<u8>>();
                assert_eq!(any.read(from as u64, len).await.unwrap(), expected, "{from} {len}");
            }
            assert_eq!(all(any.source(), &[4096]).await.unwrap(), text);
        }
        assert!(Source::from_chunks(Three(0)).any_place().is_err());
        let Ok(shrunk) = Source::from_range(file.clone(), 0, 100_001).any_place() else { panic!("a file") };
        assert_eq!(shrunk.read(99_999, 512).await.unwrap_err().reason, Reason::Io);
        let shrunk = all(Source::from_range(file, 0, 100_001), &[1428; 16]).await.unwrap_err();
        assert_eq!(shrunk.reason, Reason::Io);
    }

    #[tokio::test]
    async fn a_part_of_a_file_can_be_read_again_from_any_place() {
        let text: Vec<u8> = (0..50_000_u32).map(|i| (i % 251) as u8).collect();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("f"), &text).unwrap();
        let file = Arc::new(File::open(folder.path().join("f")).unwrap());
        let mut feed = Feed::new(Source::from_range(file.clone(), 10, 40_010));
        assert!(feed.reads_again());
        let mut gap = vec![0; 30_000];
        for (from, given) in [(0, 30_000), (5_000, 35_000), (39_000, 40_000), (0, 40_000), (50_000, 40_000)] {
            feed.go_to(from as u64);
            let came = feed.fill(std::iter::once(&mut gap[..])).await.unwrap();
            let expected = text[10..40_010].get(from..).unwrap_or_default();
            assert_eq!(gap[..came], expected[..expected.len().min(30_000)], "from {from}");
            assert_eq!((feed.given(), feed.is_over()), (given, came == 0), "from {from}");
        }
        for other in [Source::from_file(file, 0), Source::from_bytes(text.into()), Source::from_chunks(Three(0))] {
            assert!(!Feed::new(other).reads_again());
        }
    }
}
