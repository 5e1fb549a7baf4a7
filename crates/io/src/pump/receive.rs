//! How does a body come in? Read on the reactor until there is a buffer full, then written, and while more keeps
//! coming moved on, on the blocking pool.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use bytes::Bytes;
use rustix::buffer::spare_capacity;
use rustix::net::{RecvFlags, recv};
use tokio::io::Interest;

use super::burst::{self, Burst};
use super::{LINGER, PumpError, Transform, Way, Wire, attempt, would_block};
use crate::body::{Put, Tail};
use crate::buffer::Buffer;
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
pub(super) async fn file(way: &mut Way<'_>, tail: &mut Tail) -> Result<(), PumpError> {
    let (mut waited, mut own): (bool, Option<Arc<OwnedFd>>) = (false, None);
    loop {
        if tail.unwritten.is_none() {
            tail.unwritten = Some(way.buffer().await?);
        }
        // The buffer stays in the tail while it fills: whatever ends this, what came is with the sink.
        let Some(buffer) = tail.unwritten.as_mut() else { continue };
        let filled = fill(way, buffer, &mut waited).await;
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
        let more = filled == Filled::Full
            && matches!(way.wire, Wire::Plain(_))
            && !way.meter.is_limited()
            && way.meter.left() > 2 * burst::MOST;
        let socket = match &own {
            Some(socket) => socket.clone(),
            None => own.insert(Arc::new(way.tcp().as_fd().try_clone_to_owned().map_err(PumpError::Peer)?)).clone(),
        };
        let burst = Burst { socket, file: tail.file.clone(), at: tail.at, buffer, meter: way.meter.clone() };
        let done = burst::run(burst, more).await?;
        tail.at = done.at;
        tail.unwritten = done.unwritten;
        way.moved += done.came;
        match done.end? {
            burst::End::Body => return Ok(()),
            burst::End::Pause => {}
        }
    }
}

/// Reads into a buffer what comes. With nothing in it, returns rather than wait: nobody waits with an empty buffer.
async fn fill(way: &mut Way<'_>, buffer: &mut Buffer, waited: &mut bool) -> Result<Filled, PumpError> {
    let mut since = None;
    while buffer.room() > 0 {
        // Counted from the first wait on: a body that comes as fast as it is read never asks the clock.
        if !buffer.is_empty() && since.is_some_and(|s| clock::now() >= s + LINGER) {
            return Ok(Filled::Paused);
        }
        if way.meter.is_limited() {
            since.get_or_insert_with(clock::now);
        }
        // One byte more than may come tells that there is more.
        let most = usize::try_from(way.meter.left().saturating_add(1)).unwrap_or(usize::MAX);
        let granted = way.meter.grant(buffer.room().min(most)).await?;
        let result = match &mut way.wire {
            Wire::Plain(tcp) => attempt(tcp, Interest::READABLE, *waited, || read_some(*tcp, buffer, granted)),
            Wire::Tls(layer) => layer.try_read_onto(buffer, granted),
        };
        let n = match result {
            Ok(n) => n,
            Err(e) => {
                way.meter.give_back(granted);
                if !would_block(&e) {
                    return Err(PumpError::Peer(e));
                }
                *waited = true;
                if buffer.is_empty() {
                    return Ok(Filled::Paused);
                }
                let until = *since.get_or_insert_with(clock::now) + LINGER;
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
    Ok(Filled::Full)
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
        write(tail).await?;
        let (mut input, mut out) = way.buffers().await?;
        let filled = fill(way, &mut input, &mut waited).await;
        convert(&input, transform, &mut out, matches!(filled, Ok(Filled::End)));
        let idle = input.is_empty();
        drop(input);
        tail.unwritten = Some(out).filter(|b| !b.is_empty());
        if filled? == Filled::End {
            return Ok(());
        }
        if idle {
            way.ready(Interest::READABLE).await?;
        }
    }
}

fn convert(input: &[u8], transform: &mut dyn Transform, out: &mut Vec<u8>, end: bool) {
    if !input.is_empty() {
        transform.push(input, out);
    }
    if end {
        transform.finish(out);
    }
}

/// Writes what the tail holds, on the blocking pool.
async fn write(tail: &mut Tail) -> Result<(), PumpError> {
    if let Some(buffer) = tail.unwritten.take() {
        let mut whole = Tail { file: tail.file.clone(), at: tail.at, unwritten: Some(buffer) };
        let (at, result) = task::blocking(move || {
            let result = whole.flush();
            (whole.at, result)
        })
        .await?;
        tail.at = at;
        result?;
    }
    Ok(())
}

/// Receives into what takes chunks. They are copies: a storage may keep them, and pooled buffers must come back.
pub(super) async fn put(
    way: &mut Way<'_>,
    put: &mut dyn Put,
    mut transform: Option<&mut dyn Transform>,
) -> Result<(), PumpError> {
    let mut waited = false;
    loop {
        let mut input = way.buffer().await?;
        let filled = fill(way, &mut input, &mut waited).await;
        let end = matches!(filled, Ok(Filled::End));
        let idle = input.is_empty();
        let chunk = match transform.as_deref_mut() {
            None => Bytes::copy_from_slice(&input),
            Some(t) => {
                let mut out = Vec::new();
                convert(&input, t, &mut out, end);
                out.into()
            }
        };
        drop(input);
        if !chunk.is_empty() {
            // Even after an error: what came is the storage's to keep.
            put.write(chunk).await?;
        }
        if filled? == Filled::End {
            return Ok(());
        }
        if idle {
            way.ready(Interest::READABLE).await?;
        }
    }
}
