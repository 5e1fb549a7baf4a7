//! How does a body go out? From page cache to socket where it can, else through a pooled buffer.

use std::fs::File;
use std::io::{self, IoSliceMut};
use std::num::NonZeroU64;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use rustix::fs::{Advice, FsWord, fadvise, fstatfs, sendfile};
use rustix::io::{Errno, ReadWriteFlags, pread, preadv2};
use tokio::io::Interest;
use types::Error;

use super::{PumpError, SLICE, Transform, Way, attempt, would_block};
use crate::body::{Chunks, From, Source};
use crate::buffer::{self, Buffer, SIZE};
use crate::meter::Meter;
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
            attempt(way.tcp, Interest::WRITABLE, waited, || {
                let mut from = at;
                sendfile(way.tcp, file, Some(&mut from), granted).map_err(io::Error::from)
            })
        } else {
            let socket = match &own {
                Some(socket) => socket.clone(),
                None => own.insert(Arc::new(way.tcp.as_fd().try_clone_to_owned().map_err(PumpError::Peer)?)).clone(),
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
            break; // shorter than it was
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

/// Whether the file system keeps its files in memory: tmpfs or ramfs.
fn in_memory(file: &File) -> bool {
    const TMPFS: FsWord = 0x0102_1994;
    const RAMFS: FsWord = 0x8584_58f6;
    fstatfs(file).is_ok_and(|s| s.f_type == TMPFS || s.f_type == RAMFS)
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

/// Sends a file through a buffer, and through `transform` if there is one.
pub(super) async fn file_copied(
    way: &mut Way<'_>,
    file: &Arc<File>,
    mut at: u64,
    end: u64,
    transform: Option<&mut dyn Transform>,
) -> Result<(), PumpError> {
    let Some(transform) = transform else {
        let mut input = way.buffer().await?;
        while at < end {
            input = read(way.meter, file, at, end, input).await?;
            if input.is_empty() {
                break;
            }
            way.send_all(&input).await?;
            at += input.len() as u64;
        }
        return Ok(());
    };
    let (mut input, mut out) = way.buffers().await?;
    while at < end {
        input = read(way.meter, file, at, end, input).await?;
        if input.is_empty() {
            break;
        }
        at += input.len() as u64;
        pieces(way, &input, transform, &mut out).await?;
    }
    finish(way, transform, &mut out).await
}

/// Reads the next bytes of a file: at once where they are in memory, else on the blocking pool.
async fn read(meter: &Meter, file: &Arc<File>, at: u64, end: u64, mut into: Buffer) -> Result<Buffer, PumpError> {
    if meter.is_cancelled() {
        return Err(PumpError::Cancelled);
    }
    let len = usize::try_from(end - at).unwrap_or(SIZE).min(SIZE);
    into.resize(len, 0);
    match preadv2(file, &mut [IoSliceMut::new(&mut into)], at, ReadWriteFlags::NOWAIT) {
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

/// Input given to a transform at once, so that what it makes of it stays near a buffer's size.
const PIECE: usize = SIZE / 4;

async fn pieces(way: &mut Way<'_>, input: &[u8], transform: &mut dyn Transform, out: &mut Buffer) -> Result<(), PumpError> {
    for piece in input.chunks(PIECE) {
        out.clear();
        transform.push(piece, out);
        way.send_all(out).await?;
    }
    Ok(())
}

async fn finish(way: &mut Way<'_>, transform: &mut dyn Transform, out: &mut Buffer) -> Result<(), PumpError> {
    out.clear();
    transform.finish(out);
    way.send_all(out).await
}

/// Sends bytes in memory through `transform`.
pub(super) async fn bytes_through(way: &mut Way<'_>, bytes: &[u8], transform: &mut dyn Transform) -> Result<(), PumpError> {
    let mut out = way.buffer().await?;
    pieces(way, bytes, transform, &mut out).await?;
    finish(way, transform, &mut out).await
}

/// Sends chunks as they are made.
pub(super) async fn chunks(
    way: &mut Way<'_>,
    mut chunks: Box<dyn Chunks>,
    transform: Option<&mut dyn Transform>,
) -> Result<(), PumpError> {
    let Some(transform) = transform else {
        while let Some(chunk) = way.unless_cancelled(chunks.next()).await?? {
            way.send_all(&chunk).await?;
        }
        return Ok(());
    };
    let mut out = way.buffer().await?;
    while let Some(chunk) = way.unless_cancelled(chunks.next()).await?? {
        pieces(way, &chunk, transform, &mut out).await?;
    }
    finish(way, transform, &mut out).await
}

/// Reads a body through `transform` and counts what it becomes.
pub(super) async fn count(source: Source, transform: &mut dyn Transform, meter: &Meter) -> Result<u64, PumpError> {
    let buffers = meter.token().run_until_cancelled(buffer::take_two()).await;
    let (mut input, mut out) = buffers.ok_or(PumpError::Cancelled)?;
    let mut counted = 0;
    let mut push = |bytes: &[u8]| {
        for piece in bytes.chunks(PIECE) {
            out.clear();
            transform.push(piece, &mut out);
            counted += out.len() as u64;
        }
    };
    match source.0 {
        From::File { file, mut at, end } => {
            while at < end {
                input = read(meter, &file, at, end, input).await?;
                if input.is_empty() {
                    break;
                }
                at += input.len() as u64;
                push(&input);
                tokio::task::consume_budget().await;
            }
        }
        From::Bytes(bytes) => push(&bytes),
        From::Chunks(mut chunks) => {
            while let Some(chunk) = meter.token().run_until_cancelled(chunks.next()).await.ok_or(PumpError::Cancelled)?? {
                push(&chunk);
            }
        }
    }
    out.clear();
    transform.finish(&mut out);
    Ok(counted + out.len() as u64)
}
