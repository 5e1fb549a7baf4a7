//! How does a body come in? Read on the reactor until there is a buffer full, then written, and while more keeps
//! coming moved on, on the blocking pool.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rustix::buffer::spare_capacity;
use rustix::net::{RecvFlags, recv};
use tokio::io::Interest;

use super::burst::{self, Burst};
use super::{LINGER, Progress, PumpError, Transform, Way, Wire, attempt, would_block};
use crate::body::{Put, Tail, write_all_at};
use crate::buffer::{Buffer, SIZE};
use crate::task::Pace;
use crate::{clock, task};

/// Why filling a buffer stopped.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Filled {
    /// It is full.
    Full,
    /// Nothing more came for a while.
    Paused,
    /// The peer ended the body.
    End,
}

/// Receives into a file. The last bytes stay in the tail.
pub(super) async fn file(way: &mut Way<'_>, tail: &mut Tail, pace: &Pace) -> Result<(), PumpError> {
    let (mut waited, mut own): (bool, Option<Arc<OwnedFd>>) = (false, None);
    loop {
        if tail.unwritten.is_none() {
            tail.unwritten = Some(way.buffer().await?);
        }
        // The buffer stays in the tail while it fills: whatever ends this, what came is with the sink.
        let Some(buffer) = tail.unwritten.as_mut() else { continue };
        let filled = fill(way, buffer, usize::MAX, LINGER, &mut waited).await;
        if tail.unwritten.as_ref().is_some_and(|b| b.is_empty()) {
            tail.unwritten = None;
        }
        let filled = filled?;
        if filled == Filled::End {
            return Ok(());
        }
        let Some(buffer) = tail.unwritten.take() else {
            way.ready(Interest::READABLE).await?;
            continue;
        };
        // At a rate, or drop by drop, the reactor reads and the pool only writes.
        // And near the end of what may come at all the reactor reads, to stop at the very byte.
        let plain = matches!(way.wire, Wire::Plain(_));
        let more = filled == Filled::Full && plain && !way.meter.is_limited() && way.meter.left() > 2 * burst::MOST;
        let socket = match &own {
            Some(socket) => socket.clone(),
            None => own.insert(Arc::new(way.tcp().as_fd().try_clone_to_owned().map_err(PumpError::Peer)?)).clone(),
        };
        let burst = Burst { socket, file: tail.file.clone(), at: tail.at, buffer, meter: way.meter.clone() };
        // What is decrypted comes through the reactor in any case.
        let done = if plain { burst::run(burst, more).await? } else { burst::write(burst, pace).await? };
        tail.at = done.at;
        tail.unwritten = done.unwritten;
        way.moved += done.came;
        match done.end? {
            burst::End::Body => return Ok(()),
            burst::End::Pause => {}
        }
    }
}

/// How many bytes may be read at once.
fn wanted(transform: Option<&dyn Transform>) -> usize {
    transform.and_then(Transform::wants).map_or(usize::MAX, |wanted| wanted.max(1))
}

/// Reads into a buffer what comes, so many bytes at most, and waits for more as long as `linger`. With nothing in it, returns
/// rather than wait: nobody waits with an empty buffer.
async fn fill(
    way: &mut Way<'_>,
    buffer: &mut Buffer,
    wanted: usize,
    linger: Duration,
    waited: &mut bool,
) -> Result<Filled, PumpError> {
    let mut since = None;
    loop {
        let room = buffer.room().min(wanted.saturating_sub(buffer.len()));
        if room == 0 {
            return Ok(Filled::Full);
        }
        // Counted from the first wait on: a body that comes as fast as it is read never asks the clock.
        if !buffer.is_empty() && since.is_some_and(|s| clock::now() >= s + linger) {
            return Ok(Filled::Paused);
        }
        if way.meter.is_limited() {
            since.get_or_insert_with(clock::now);
        }
        // One byte more than may come tells that there is more.
        let most = usize::try_from(way.meter.left().saturating_add(1)).unwrap_or(usize::MAX);
        let granted = way.meter.grant(room.min(most)).await?;
        let result = match &mut way.wire {
            Wire::Plain(tcp) => attempt(tcp, Interest::READABLE, *waited, || read_some(*tcp, buffer, granted)),
            Wire::Tls(layer) => layer.try_read_onto(buffer, granted),
            Wire::Sealed(layer) => layer.try_read_onto(buffer, granted),
        };
        let n = match result {
            Ok(n) => n,
            Err(e) => {
                way.meter.give_back(granted);
                if !would_block(&e) {
                    return Err(PumpError::Peer(e));
                }
                *waited = true;
                if buffer.is_empty() || linger.is_zero() {
                    return Ok(Filled::Paused);
                }
                let until = *since.get_or_insert_with(clock::now) + linger;
                if way.pool.is_scarce() {
                    return Ok(Filled::Paused);
                }
                match tokio::time::timeout_at(until.into(), way.ready(Interest::READABLE)).await {
                    Ok(ready) => ready?,
                    Err(_) => return Ok(Filled::Paused),
                }
                continue;
            }
        };
        way.meter.give_back(granted - n);
        if n == 0 {
            return Ok(Filled::End);
        }
        way.count(n);
        if way.meter.is_over() {
            buffer.pop();
            return Err(PumpError::Cancelled);
        }
        tokio::task::consume_budget().await;
    }
}

/// One `recv` of at most `most` bytes onto the end of a buffer.
fn read_some(socket: impl AsFd, buffer: &mut Buffer, most: usize) -> io::Result<usize> {
    let room = buffer.room();
    if most < room {
        // Only at a rate: the spare room is larger than what may come.
        let old = buffer.len();
        buffer.resize(old + most, 0);
        let result = recv(socket, buffer.get_mut(old..).unwrap_or_default(), RecvFlags::empty());
        buffer.truncate(old + result.as_ref().map_or(0, |&(n, _)| n));
        return Ok(result?.0);
    }
    Ok(recv(socket, spare_capacity(buffer), RecvFlags::empty())?.0)
}

/// Receives into a file through `transform`. What came last stays in the tail.
pub(super) async fn file_through(way: &mut Way<'_>, tail: &mut Tail, transform: &mut dyn Transform) -> Result<(), PumpError> {
    let mut waited = false;
    loop {
        let (mut input, out) = room(way, tail).await?;
        tail.unwritten = Some(out);
        // Looked at as it comes: the end may be in it, and then nothing more does.
        let filled = fill(way, &mut input, wanted(Some(&*transform)), Duration::ZERO, &mut waited).await;
        let ended = through(tail, transform, &input, matches!(filled, Ok(Filled::End))).await;
        let idle = input.is_empty();
        drop(input);
        tail.unwritten = tail.unwritten.take().filter(|b| !b.is_empty());
        let ended = ended?;
        if filled? == Filled::End || ended {
            return Ok(());
        }
        if idle {
            wait(way, tail).await?;
        }
    }
}

/// A buffer to read into, and one for what that becomes: the one that is begun, unless it is well filled.
async fn room(way: &Way<'_>, tail: &mut Tail) -> Result<(Buffer, Buffer), PumpError> {
    if tail.unwritten.as_ref().is_some_and(|b| b.len() < SIZE / 2)
        // Not waited for: who holds one and waits for another may wait for ever.
        && let Some(input) = way.pool.take_now()
        && let Some(out) = tail.unwritten.take()
    {
        return Ok((input, out));
    }
    write(tail).await?;
    way.buffers().await
}

/// Waits for more, and keeps what is not written for a moment at most.
async fn wait(way: &Way<'_>, tail: &mut Tail) -> Result<(), PumpError> {
    if tail.unwritten.is_some() {
        if !way.pool.is_scarce()
            && let Ok(ready) = tokio::time::timeout(LINGER, way.ready(Interest::READABLE)).await
        {
            return ready;
        }
        write(tail).await?;
    }
    way.ready(Interest::READABLE).await
}

/// Adds what `input` becomes to the tail, and writes that where it grows large. Tells whether the body is over.
async fn through(tail: &mut Tail, transform: &mut dyn Transform, input: &[u8], end: bool) -> Result<bool, PumpError> {
    let mut rest = input;
    while !input.is_empty() {
        let Some(out) = tail.unwritten.as_mut() else { break };
        match transform.push(&mut rest, out)? {
            Progress::Hungry => break,
            Progress::Full => tail.unwritten = write(tail).await?,
            Progress::Over => return Ok(true),
        }
    }
    if let (true, Some(out)) = (end, tail.unwritten.as_mut()) {
        transform.finish(out)?;
    }
    Ok(false)
}

/// Writes what the tail holds, on the blocking pool, and gives the buffer back.
async fn write(tail: &mut Tail) -> Result<Option<Buffer>, PumpError> {
    let Some(mut buffer) = tail.unwritten.take() else { return Ok(None) };
    let (file, at) = (tail.file.clone(), tail.at);
    let (done, result, buffer) = task::blocking(move || {
        let (done, result) = write_all_at(&file, &buffer, at);
        buffer.clear();
        (done, result, buffer)
    })
    .await?;
    tail.at += done;
    result?;
    Ok(Some(buffer))
}

/// Receives into what takes chunks. They are copies: a storage may keep them, and pooled buffers must come back.
pub(super) async fn put(
    way: &mut Way<'_>,
    put: &mut dyn Put,
    mut transform: Option<&mut dyn Transform>,
) -> Result<(), PumpError> {
    let mut waited = false;
    let linger = if transform.is_some() { Duration::ZERO } else { LINGER };
    loop {
        let mut input = way.buffer().await?;
        let filled = fill(way, &mut input, wanted(transform.as_deref()), linger, &mut waited).await;
        let end = matches!(filled, Ok(Filled::End));
        let idle = input.is_empty();
        let over = match transform.as_deref_mut() {
            // Even after an error: what came is the storage's to keep.
            None if idle => false,
            None => {
                let chunk = Bytes::copy_from_slice(&input);
                drop(input);
                put.write(chunk).await?;
                false
            }
            Some(t) => put_through(put, t, &input, end).await?,
        };
        if filled? == Filled::End || over {
            return Ok(());
        }
        if idle {
            way.ready(Interest::READABLE).await?;
        }
    }
}

/// Writes what `input` becomes. Tells whether the body is over.
async fn put_through(put: &mut dyn Put, transform: &mut dyn Transform, input: &[u8], end: bool) -> Result<bool, PumpError> {
    let mut rest = input;
    loop {
        let mut out = Vec::new();
        let progress = if input.is_empty() { Ok(Progress::Hungry) } else { transform.push(&mut rest, &mut out) };
        let ended = if end && matches!(progress, Ok(Progress::Hungry)) { transform.finish(&mut out) } else { Ok(()) };
        if !out.is_empty() {
            put.write(out.into()).await?;
        }
        ended?;
        match progress? {
            Progress::Hungry => return Ok(false),
            Progress::Full => {}
            Progress::Over => return Ok(true),
        }
    }
}
