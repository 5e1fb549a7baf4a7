//! What does the blocking pool do of an upload? It writes the buffer that came full and, while more keeps coming,
//! moves it from socket to file with no hop between the two.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};
use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_setpipe_size, pipe_with, splice};
use tokio::sync::Semaphore;
use types::Error;

use super::PumpError;
use crate::body::write_all_at;
use crate::buffer::Buffer;
use crate::meter::Meter;
use crate::task::Pace;
use crate::{clock, task};

/// Bytes after which a burst gives its thread to the next upload in the queue.
pub(super) const MOST: u64 = 8 * 1024 * 1024;

/// Moved by one splice. An aborted upload goes on for at most this.
const CHUNK: usize = 1024 * 1024;

/// How long a burst waits for more before the reactor takes over again: longer than a sender needs to be scheduled,
/// shorter than anybody notices.
const PATIENCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 3_000_000 };

/// How long a burst may take: a sender that is slower than the disk holds no turn for longer.
const LONGEST: Duration = Duration::from_millis(100);

/// In each such time at least [`LEAST`] must come, or the reactor does as well: a slow sender needs no thread.
const LOOK: Duration = Duration::from_millis(5);
const LEAST: u64 = 64 * 1024;

/// Bursts at once; who comes later waits in line. More threads than this move no more bytes.
static TURNS: LazyLock<Semaphore> = LazyLock::new(|| {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    Semaphore::new((4 * cores).clamp(8, 64))
});

/// One trip to the blocking pool.
pub(super) struct Burst {
    /// The socket, non-blocking.
    pub(super) socket: Arc<OwnedFd>,
    pub(super) file: Arc<File>,
    /// Where `buffer` goes.
    pub(super) at: u64,
    pub(super) buffer: Buffer,
    pub(super) meter: Meter,
}

/// What came of it.
pub(super) struct Done {
    /// The byte after the last one written.
    pub(super) at: u64,
    /// Bytes read from the socket besides the buffer's.
    pub(super) came: u64,
    /// Came with the end and is not written.
    pub(super) unwritten: Option<Buffer>,
    /// How it ended.
    pub(super) end: Result<End, PumpError>,
}

/// How a burst ended well.
pub(super) enum End {
    /// The peer ended the body.
    Body,
    /// Nothing more came for the moment, or others have their turn.
    Pause,
}

/// Writes the buffer and nothing more: here while the disk is quick. Two threads that wake each other for every buffer
/// cost more than the writing does.
pub(super) async fn write(burst: Burst, pace: &Pace) -> Result<Done, PumpError> {
    Ok(pace.run(move || burst.work(false)).await?)
}

/// Writes the buffer; with `more`, goes on with what comes.
pub(super) async fn run(burst: Burst, more: bool) -> Result<Done, PumpError> {
    let turn = match more {
        // The semaphore is never closed.
        true => burst.meter.token().run_until_cancelled(TURNS.acquire()).await.and_then(Result::ok),
        false => None,
    };
    let done = task::blocking(move || burst.work(more)).await?;
    drop(turn);
    Ok(done)
}

/// What moved on one path.
enum Moved {
    Some,
    Ended(End),
    /// The file takes no splice.
    Unsuited,
}

/// How long a burst goes on: for so many bytes and so much time, and only while enough comes.
struct Turn {
    begun: Instant,
    looked: Instant,
    came: u64,
}

impl Turn {
    const fn new(now: Instant) -> Self {
        Self { begun: now, looked: now, came: 0 }
    }

    fn goes_on(&mut self, now: Instant, came: u64) -> bool {
        if came >= MOST || now.saturating_duration_since(self.begun) >= LONGEST {
            return false;
        }
        if now.saturating_duration_since(self.looked) < LOOK {
            return true;
        }
        let enough = came.saturating_sub(self.came) >= LEAST;
        (self.looked, self.came) = (now, came);
        enough
    }
}

impl Burst {
    fn work(mut self, more: bool) -> Done {
        let mut came = 0;
        let mut end = self.move_all(more, &mut came);
        if !matches!(end, Ok(End::Body)) {
            let written = self.write_buffer();
            end = end.and_then(|end| written.map(|()| end));
        }
        let unwritten = Some(self.buffer).filter(|b| !b.is_empty() && end.is_ok());
        Done { at: self.at, came, unwritten, end }
    }

    fn move_all(&mut self, more: bool, came: &mut u64) -> Result<End, PumpError> {
        self.write_buffer()?;
        let mut pipe = if more { Pipe::take() } else { None };
        let mut turn = Turn::new(clock::now());
        while more && turn.goes_on(clock::now(), *came) {
            if self.meter.is_cancelled() {
                return Err(PumpError::Cancelled);
            }
            let moved = match pipe.as_mut() {
                Some(p) => self.splice_some(p, came)?,
                None => self.copy_some(came)?,
            };
            match moved {
                Moved::Some => {}
                Moved::Ended(end) => {
                    if let Some(p) = pipe {
                        p.give_back();
                    }
                    return Ok(end);
                }
                Moved::Unsuited => pipe = None,
            }
        }
        if let Some(p) = pipe {
            p.give_back();
        }
        Ok(End::Pause)
    }

    fn count(&self, n: usize, came: &mut u64) {
        *came += n as u64;
        self.meter.count(n);
    }

    fn write_buffer(&mut self) -> Result<(), PumpError> {
        let (done, result) = write_all_at(&self.file, &self.buffer, self.at);
        self.at += done;
        self.buffer.clear();
        Ok(result?)
    }

    /// Socket to pipe to file: one copy instead of two.
    fn splice_some(&mut self, pipe: &mut Pipe, came: &mut u64) -> Result<Moved, PumpError> {
        let flags = SpliceFlags::MOVE | SpliceFlags::NONBLOCK;
        let mut n = match splice(&self.socket, None, &pipe.write, None, CHUNK, flags) {
            Ok(0) => return Ok(Moved::Ended(End::Body)),
            Ok(n) => n,
            Err(Errno::INTR) => return Ok(Moved::Some),
            Err(Errno::AGAIN) => return self.wait(),
            Err(Errno::INVAL | Errno::NOSYS) => return Ok(Moved::Unsuited),
            Err(e) => return Err(PumpError::Peer(e.into())),
        };
        self.count(n, came);
        while n > 0 {
            match splice(&pipe.read, None, &self.file, Some(&mut self.at), n, SpliceFlags::MOVE) {
                Ok(0) => return Err(PumpError::Storage(Error::with(types::Reason::Io, "the file takes no more bytes"))),
                Ok(written) => n = n.saturating_sub(written),
                Err(Errno::INTR) => {}
                Err(Errno::INVAL | Errno::NOSYS) => {
                    self.empty(pipe, n)?;
                    return Ok(Moved::Unsuited);
                }
                Err(e) => return Err(PumpError::Storage(io::Error::from(e).into())),
            }
        }
        Ok(Moved::Some)
    }

    /// Writes what stands in a pipe the slow way.
    fn empty(&mut self, pipe: &Pipe, mut n: usize) -> Result<(), PumpError> {
        while n > 0 {
            match rustix::io::read(&pipe.read, spare_capacity(&mut self.buffer)) {
                Ok(read) => n = n.saturating_sub(read.max(1)),
                Err(Errno::INTR) => continue,
                Err(e) => return Err(PumpError::Storage(io::Error::from(e).into())),
            }
            self.write_buffer()?;
        }
        Ok(())
    }

    /// Socket to buffer, and to file when the buffer is full.
    fn copy_some(&mut self, came: &mut u64) -> Result<Moved, PumpError> {
        match recv(&self.socket, spare_capacity(&mut self.buffer), RecvFlags::empty()) {
            Ok((0, _)) => return Ok(Moved::Ended(End::Body)),
            Ok((n, _)) => self.count(n, came),
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => return self.wait(),
            Err(e) => return Err(PumpError::Peer(e.into())),
        }
        if self.buffer.room() == 0 {
            self.write_buffer()?;
        }
        Ok(Moved::Some)
    }

    /// Waits a moment for more to come.
    fn wait(&self) -> Result<Moved, PumpError> {
        match poll(&mut [PollFd::new(&self.socket, PollFlags::IN)], Some(&PATIENCE)) {
            Ok(0) => Ok(Moved::Ended(End::Pause)),
            Ok(_) | Err(Errno::INTR) => Ok(Moved::Some),
            Err(e) => Err(PumpError::Peer(e.into())),
        }
    }
}

/// A pipe between socket and file. Kept for the next burst, empty; as many as there are turns.
struct Pipe {
    read: OwnedFd,
    write: OwnedFd,
}

static PIPES: Mutex<Vec<Pipe>> = Mutex::new(Vec::new());

/// Pipes kept while no upload runs.
const KEPT: usize = 8;

impl Pipe {
    /// `None` where there are no descriptors left: copying needs none.
    fn take() -> Option<Self> {
        let kept = PIPES.lock().unwrap_or_else(PoisonError::into_inner).pop();
        kept.or_else(|| {
            let (read, write) = pipe_with(PipeFlags::CLOEXEC).ok()?;
            // Without it the pipe holds 64 KiB: slower, not wrong. The system bounds what one user's pipes hold.
            let _ = fcntl_setpipe_size(&write, CHUNK);
            Some(Self { read, write })
        })
    }

    /// Only when empty. A pipe that still holds bytes is dropped.
    fn give_back(self) {
        let mut pipes = PIPES.lock().unwrap_or_else(PoisonError::into_inner);
        if pipes.len() < KEPT {
            pipes.push(self);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{LEAST, LONGEST, LOOK, MOST, Turn};
    use std::time::Duration;

    #[test]
    fn a_turn_ends_by_bytes_by_time_and_for_want_of_bytes() {
        let begun = crate::clock::now();
        let mut turn = Turn::new(begun);
        assert!(turn.goes_on(begun, 0) && turn.goes_on(begun + LOOK / 2, 0));
        assert!(turn.goes_on(begun + LOOK, LEAST) && !turn.goes_on(begun + 2 * LOOK, 2 * LEAST - 1));
        assert!(!Turn::new(begun).goes_on(begun, MOST));
        // Just quick enough all the time.
        let (mut turn, mut now, mut came) = (Turn::new(begun), begun, 0);
        while turn.goes_on(now, came) {
            now += LOOK;
            came += LEAST;
        }
        assert!(now >= begun + LONGEST && now < begun + LONGEST + Duration::from_millis(6) && came < MOST);
    }
}
