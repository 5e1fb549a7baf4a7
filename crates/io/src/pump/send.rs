//! How does a body go out? From page cache to socket where it can, else through a pooled buffer.

use std::fs::File;
use std::io::{self, IoSliceMut};
use std::num::NonZeroU64;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use rustix::fs::{Advice, FsWord, fadvise, fstatfs, sendfile};
use rustix::io::{Errno, ReadWriteFlags, pread, preadv, preadv2};
use rustix::net::SendFlags;
use tokio::io::Interest;
use types::{Error, Reason};

use super::window::Window;
use super::{Progress, PumpError, SLICE, Transform, Way, attempt, would_block};
use crate::body::{Chunks, From, Source};
use crate::buffer::{self, Buffer, SIZE};
use crate::meter::Meter;
use crate::stream::Fresh;
use crate::task;

/// Pages are looked at where a slice begins and ends.
const PAGE: u64 = 4096;

/// How far the disk is told to read ahead of a slice that was not in memory.
const AHEAD: u64 = 4 * 1024 * 1024;

/// Sends a file with `sendfile`. `Some(at)` where that cannot be done with this file at all, from the first byte.
pub(super) async fn file(way: &mut Way<'_>, file: &Arc<File>, mut at: u64, end: u64) -> Result<Option<u64>, PumpError> {
    let (mut probe, mut waited, mut begun) = (Probe::Ask, false, false);
    let mut own: Option<Arc<OwnedFd>> = None;
    while at < end {
        let granted = way.meter.grant(usize::try_from(end - at).unwrap_or(SLICE).min(SLICE)).await?;
        let result = if probe.is_warm(file, at, granted) {
            attempt(way.tcp(), Interest::WRITABLE, waited, || {
                let mut from = at;
                sendfile(way.tcp(), file, Some(&mut from), granted).map_err(io::Error::from)
            })
        } else {
            let socket = match &own {
                Some(socket) => socket.clone(),
                None => own.insert(Arc::new(way.tcp().as_fd().try_clone_to_owned().map_err(PumpError::Peer)?)).clone(),
            };
            let file = file.clone();
            // The socket does not block, so this thread waits for nothing but the disk.
            task::blocking(move || cold_slice(&socket, &file, at, granted)).await?
        };
        let n = match result {
            Ok(n) => n,
            Err(e) if would_block(&e) => {
                way.meter.give_back(granted);
                way.ready(Interest::WRITABLE).await?;
                waited = true;
                continue;
            }
            Err(e) if !begun && unsuited(&e) => {
                way.meter.give_back(granted);
                return Ok(Some(at));
            }
            Err(e) => return Err(blame(e)),
        };
        way.meter.give_back(granted - n);
        if n == 0 {
            return ended(end).map(|()| None);
        }
        way.count(n);
        at += n as u64;
        begun = true;
        if at < end {
            tokio::task::yield_now().await;
        }
    }
    Ok(None)
}

/// What is sent in one go, out of a buffer on the stack.
const SMALL: usize = 8 * 1024;

/// Sends a small file that is in memory, and leaves its end to go with it: the caller's FIN then needs no segment of its
/// own, which is a good part of what a small file costs. Tells how much was sent; nothing where it is neither small nor
/// in memory.
pub(super) async fn small(way: &mut Way<'_>, file: &File, at: u64, end: u64) -> Result<u64, PumpError> {
    let Some(len) = usize::try_from(end.saturating_sub(at)).ok().filter(|len| (1..=SMALL).contains(len)) else { return Ok(0) };
    let granted = way.meter.grant(len).await?;
    let sent = if granted < len { 0 } else { small_now(way.tcp(), file, at, len) };
    way.meter.give_back(granted - sent);
    way.count(sent);
    Ok(sent as u64)
}

/// Begins to send a file over a connection that no reactor watches, and takes what went off the source's front. Tells whether
/// that was all: so it is of a small file that is in memory and keeps to no rate, and its end is left to go with it.
pub fn begin(fresh: &Fresh, source: &mut Source, meter: &Meter) -> bool {
    let From::File { file, at, end } = &mut source.0 else { return false };
    let Ok(len) = usize::try_from(end.saturating_sub(*at)) else { return false };
    if len > SMALL || meter.is_limited() || meter.is_cancelled() {
        return false;
    }
    let sent = if len == 0 { 0 } else { small_now(fresh.tcp(), file, *at, len) };
    if sent > 0 {
        meter.count(sent);
    }
    *at += sent as u64;
    sent == len
}

/// Whatever is in the way here, the general path meets it again and knows what to do.
fn small_now(tcp: impl AsFd, file: &File, at: u64, len: usize) -> usize {
    let mut buffer = [0; SMALL];
    let Some(bytes) = buffer.get_mut(..len) else { return 0 };
    if read_now(file, &mut [IoSliceMut::new(bytes)], at, &mut false) != Ok(len) {
        return 0;
    }
    let more = SendFlags::NOSIGNAL | SendFlags::DONTWAIT | SendFlags::MORE;
    rustix::net::send(tcp, bytes, more).unwrap_or(0)
}

/// Whether a slice is in memory, so that `sendfile` would not wait for a disk on the reactor.
enum Probe {
    /// Ask each time.
    Ask,
    /// It lives in memory.
    Memory,
    /// It cannot be asked: think the worst.
    Disk,
}

impl Probe {
    fn is_warm(&mut self, file: &File, at: u64, len: usize) -> bool {
        let last = at + (len as u64).saturating_sub(1);
        match self {
            Self::Memory => return true,
            Self::Disk => return false,
            Self::Ask => {}
        }
        match resident(file, at) {
            Ok(first) if at / PAGE == last / PAGE => first,
            Ok(first) => first && resident(file, last).unwrap_or(false),
            Err(_) if in_memory(file) => {
                *self = Self::Memory;
                true
            }
            Err(_) => {
                *self = Self::Disk;
                false
            }
        }
    }
}

/// Whether the byte at `at` could be read without waiting. An error where the file system cannot tell.
fn resident(file: &File, at: u64) -> Result<bool, Errno> {
    let mut byte = [0];
    loop {
        return match preadv2(file, &mut [IoSliceMut::new(&mut byte)], at, ReadWriteFlags::NOWAIT) {
            Ok(_) => Ok(true),
            Err(Errno::AGAIN) => Ok(false),
            Err(Errno::INTR) => continue,
            Err(e) => Err(e),
        };
    }
}

#[cfg(test)]
pub(super) fn is_cold(file: &File, at: u64) -> bool {
    matches!(resident(file, at), Ok(false))
}

/// Whether the file system keeps its files in memory: tmpfs or ramfs.
fn in_memory(file: &File) -> bool {
    const TMPFS: FsWord = 0x0102_1994;
    const RAMFS: FsWord = 0x8584_58f6;
    fstatfs(file).is_ok_and(|s| s.f_type == TMPFS || s.f_type == RAMFS)
}

/// Reads what is in memory, and waits for no disk. `memory` becomes whether the file system keeps all files there, though
/// it cannot say so of a part (tmpfs).
pub(crate) fn read_now(file: &File, gaps: &mut [IoSliceMut<'_>], at: u64, memory: &mut bool) -> Result<usize, Errno> {
    if !*memory {
        match preadv2(file, gaps, at, ReadWriteFlags::NOWAIT) {
            Err(Errno::OPNOTSUPP) if in_memory(file) => *memory = true,
            other => return other,
        }
    }
    preadv(file, gaps, at)
}

/// Sends a slice that must be fetched from disk. Blocks.
fn cold_slice(socket: &OwnedFd, file: &File, at: u64, len: usize) -> io::Result<usize> {
    // Advice only: where it fails the reading below is merely slower.
    let _ = fadvise(file, at, NonZeroU64::new(AHEAD), Advice::WillNeed);
    let mut from = at;
    loop {
        match sendfile(socket, file, Some(&mut from), len) {
            Err(Errno::INTR) => {}
            other => return other.map_err(io::Error::from),
        }
    }
}

/// Whether `sendfile` does not go with this file or this socket.
fn unsuited(e: &io::Error) -> bool {
    matches!(Errno::from_io_error(e), Some(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP))
}

/// `sendfile` fails for either end; what a socket does not say is the file's.
fn blame(e: io::Error) -> PumpError {
    match Errno::from_io_error(&e) {
        Some(Errno::IO | Errno::STALE | Errno::ISDIR | Errno::BADF | Errno::OVERFLOW) => PumpError::Storage(e.into()),
        _ => PumpError::Peer(e),
    }
}

/// The file has ended before `end`. That is as it should be only where nobody knew the end.
pub(super) fn ended(end: u64) -> Result<(), PumpError> {
    if end == u64::MAX { Ok(()) } else { Err(PumpError::Storage(Reason::Shrunk.into())) }
}

/// Sends a file through a buffer.
pub(super) async fn file_copied(way: &mut Way<'_>, file: &Arc<File>, mut at: u64, end: u64) -> Result<(), PumpError> {
    let (mut window, mut waited) = (Window::default(), false);
    while at < end {
        let bytes = window.bytes(way, file, at, end).await?;
        if bytes.is_empty() {
            return ended(end);
        }
        let n = way.send_some(bytes, waited).await?;
        if n == 0 {
            window.wait(way).await?;
            waited = true;
        }
        window.used(n);
        at += n as u64;
    }
    Ok(())
}

/// Sends a file through `transform`.
pub(super) async fn file_through(
    way: &mut Way<'_>,
    file: &Arc<File>,
    mut at: u64,
    end: u64,
    transform: &mut dyn Transform,
) -> Result<(), PumpError> {
    let (mut window, mut out) = (Window::default(), Vec::new());
    while at < end {
        let bytes = window.bytes(way, file, at, end).await?;
        if bytes.is_empty() {
            ended(end)?;
            break;
        }
        let piece = bytes.get(..PIECE).unwrap_or(bytes);
        out.clear();
        turn(transform, piece, &mut out)?;
        let n = piece.len();
        window.used(n);
        at += n as u64;
        if at >= end {
            break; // what is left goes with the end
        }
        way.send_all(&out, &mut window).await?;
        out.clear();
        // What shrinks to nothing sends nothing, and would keep others waiting.
        tokio::task::consume_budget().await;
    }
    drop(window);
    transform.finish(&mut out)?;
    way.send_all(&out, &mut Window::default()).await
}

/// A transform outwards takes all of a piece at once: what it becomes is not much larger.
fn turn(transform: &mut dyn Transform, mut piece: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
    while transform.push(&mut piece, out)? == Progress::Full {}
    Ok(())
}

/// Reads the next bytes of a file: at once where they are in memory, else on the blocking pool. `memory`: as [`read_now`].
pub(super) async fn read(
    meter: &Meter,
    file: &Arc<File>,
    (at, end): (u64, u64),
    mut into: Buffer,
    memory: &mut bool,
) -> Result<Buffer, PumpError> {
    if meter.is_cancelled() {
        return Err(PumpError::Cancelled);
    }
    let len = usize::try_from(end - at).unwrap_or(SIZE).min(into.capacity().min(SIZE));
    into.resize(len, 0);
    match read_now(file, &mut [IoSliceMut::new(&mut into)], at, memory) {
        // 0 is the end only when the disk was asked; so is the rest of a short read, the next time.
        Ok(n) if n > 0 => {
            into.truncate(n);
            Ok(into)
        }
        _ => {
            let file = file.clone();
            let work = move || loop {
                match pread(&file, into.as_mut_slice(), at) {
                    Ok(n) => {
                        into.truncate(n);
                        return Ok(into);
                    }
                    Err(Errno::INTR) => {}
                    Err(e) => return Err(Error::from(io::Error::from(e))),
                }
            };
            Ok(task::blocking(work).await??)
        }
    }
}

/// Input given to a transform at once. What it makes of it is the transfer's own while the socket is full, so it is
/// small.
const PIECE: usize = 16 * 1024;

async fn pieces(way: &mut Way<'_>, input: &[u8], transform: &mut dyn Transform, out: &mut Vec<u8>) -> Result<(), PumpError> {
    for piece in input.chunks(PIECE) {
        out.clear();
        turn(transform, piece, out)?;
        way.send_all(out, &mut Window::default()).await?;
    }
    Ok(())
}

async fn finish(way: &mut Way<'_>, transform: &mut dyn Transform, out: &mut Vec<u8>) -> Result<(), PumpError> {
    out.clear();
    transform.finish(out)?;
    way.send_all(out, &mut Window::default()).await
}

/// Sends bytes in memory through `transform`.
pub(super) async fn bytes_through(way: &mut Way<'_>, bytes: &[u8], transform: &mut dyn Transform) -> Result<(), PumpError> {
    let mut out = Vec::new();
    // The last piece goes with the end: a small body is one write.
    let (before, last) = bytes.split_at_checked(bytes.len().saturating_sub(1) / PIECE * PIECE).unwrap_or((bytes, &[]));
    pieces(way, before, transform, &mut out).await?;
    out.clear();
    turn(transform, last, &mut out)?;
    transform.finish(&mut out)?;
    way.send_all(&out, &mut Window::default()).await
}

/// Sends chunks as they are made.
pub(super) async fn chunks(
    way: &mut Way<'_>,
    mut chunks: Box<dyn Chunks>,
    mut transform: Option<&mut dyn Transform>,
) -> Result<(), PumpError> {
    let mut out = Vec::new();
    while let Some(chunk) = way.unless_cancelled(chunks.next()).await?? {
        match transform.as_deref_mut() {
            None => way.send_all(&chunk, &mut Window::default()).await?,
            Some(t) => pieces(way, &chunk, t, &mut out).await?,
        }
    }
    match transform {
        None => Ok(()),
        Some(t) => finish(way, t, &mut out).await,
    }
}

/// Reads a body through `transform` and counts what it becomes.
pub(super) async fn count(source: Source, transform: &mut dyn Transform, meter: &Meter) -> Result<u64, PumpError> {
    let (mut counted, mut out) = (0, Vec::new());
    let mut push = |bytes: &[u8]| -> Result<(), Error> {
        for piece in bytes.chunks(PIECE) {
            out.clear();
            turn(transform, piece, &mut out)?;
            counted += out.len() as u64;
        }
        Ok(())
    };
    match source.0 {
        From::File { file, mut at, end } => {
            let taken = meter.token().run_until_cancelled(buffer::pool().take()).await;
            let (mut input, mut memory) = (taken.ok_or(PumpError::Cancelled)?, false);
            while at < end {
                input = read(meter, &file, (at, end), input, &mut memory).await?;
                if input.is_empty() {
                    ended(end)?;
                    break;
                }
                at += input.len() as u64;
                push(&input)?;
                tokio::task::consume_budget().await;
            }
        }
        From::Bytes(bytes) => push(&bytes)?,
        From::Chunks(mut chunks) => {
            while let Some(chunk) = meter.token().run_until_cancelled(chunks.next()).await.ok_or(PumpError::Cancelled)?? {
                push(&chunk)?;
            }
        }
    }
    out.clear();
    transform.finish(&mut out)?;
    Ok(counted + out.len() as u64)
}
