//! How do bytes pass through a seal? A socket, the context of the control connection, and buffers that exist only while
//! they hold something.

use std::fmt;
use std::io;
use std::net::Shutdown;
use std::task::{Context, Poll};

use socket2::SockRef;
use tokio::net::TcpStream;

use super::frame::{self, Deframer};
use super::{Failure, Shared};

/// Read or sealed at once.
const MUCH: usize = 64 * 1024;

/// What a token has beside its plain text, at the most: header, confounder, checksum, padding (RFC 4121 §4.2.4).
const OVERHEAD: usize = 256;

/// A TCP connection whose bytes are sealed.
pub struct Layer {
    tcp: TcpStream,
    context: Shared,
    private: bool,
    /// Plain text in one token at the most.
    piece: usize,
    incoming: Deframer,
    /// Plain text that did not fit where it was wanted; that before `given` was given out.
    plain: Vec<u8>,
    given: usize,
    outgoing: Vec<u8>,
    sent: usize,
    /// Plain text of the caller's that stands sealed in `outgoing` and was not reported as written yet.
    accepted: usize,
    state: State,
    /// An end without an empty buffer counts as one.
    lenient: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Open,
    /// The empty buffer came: the other end has sent everything.
    Closed,
    /// The connection ended, and the other end did not say so first.
    Truncated,
    /// A buffer could not be understood.
    Failed,
}

impl fmt::Debug for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Layer").field("tcp", &self.tcp).field("state", &self.state).field("private", &self.private).finish()
    }
}

impl Layer {
    /// Seals a connection: from reading too where `private`, in buffers of at most `most` bytes.
    pub fn new(tcp: TcpStream, context: Shared, private: bool, most: u32) -> Self {
        let most = usize::try_from(most).unwrap_or(MUCH);
        Self {
            tcp,
            context,
            private,
            piece: most.saturating_sub(OVERHEAD).clamp(OVERHEAD, MUCH),
            incoming: Deframer::default(),
            plain: Vec::new(),
            given: 0,
            outgoing: Vec::new(),
            sent: 0,
            accepted: 0,
            state: State::Open,
            lenient: false,
        }
    }

    /// The connection beneath.
    pub(crate) const fn tcp(&self) -> &TcpStream {
        &self.tcp
    }

    /// Takes a FIN without the empty buffer for an end from now on.
    pub(crate) const fn take_unproved_end(&mut self) {
        self.lenient = true;
    }

    /// Whether the other end has ended without the empty buffer.
    pub(crate) fn is_end_unproved(&self) -> bool {
        self.state == State::Truncated
    }

    fn holds_input(&self) -> bool {
        self.given < self.plain.len() || self.state != State::Open || self.incoming.is_ready()
    }

    /// Reads what is there, at most `most` bytes of plain text and at most one token, and gives it to `put`. 0 is the
    /// end that the other end announced.
    fn read_with(&mut self, most: usize, mut put: impl FnMut(&[u8])) -> io::Result<usize> {
        if most == 0 {
            return Ok(0);
        }
        loop {
            if let Some(left) = self.plain.get(self.given..).filter(|left| !left.is_empty()) {
                let n = left.len().min(most);
                put(left.get(..n).unwrap_or_default());
                self.given += n;
                if self.given >= self.plain.len() {
                    (self.plain, self.given) = (Vec::new(), 0);
                }
                return Ok(n);
            }
            match self.state {
                State::Open => {}
                State::Closed => return Ok(0),
                // A token that has begun is no end, however lenient.
                State::Truncated if self.lenient && self.incoming.is_empty() => return Ok(0),
                State::Truncated => {
                    return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the connection ended without an empty buffer"));
                }
                State::Failed => return Err(io::ErrorKind::InvalidData.into()),
            }
            if !self.open_one()? {
                self.receive()?;
            }
        }
    }

    /// Opens the next token, where one is there.
    fn open_one(&mut self) -> io::Result<bool> {
        let opened = match self.incoming.token() {
            Ok(None) => return Ok(false),
            Ok(Some(token)) => self.context.unwrap(token, self.private).map_err(invalid),
            Err(error) => Err(io::Error::new(io::ErrorKind::InvalidData, error)),
        };
        let plain = opened.inspect_err(|_| self.state = State::Failed)?;
        if plain.is_empty() {
            self.state = State::Closed;
        }
        (self.plain, self.given) = (plain, 0);
        Ok(true)
    }

    /// One read from the socket.
    fn receive(&mut self) -> io::Result<()> {
        let mut bytes = vec![0; MUCH];
        match self.tcp.try_read(&mut bytes) {
            Ok(0) => self.state = State::Truncated,
            Ok(n) => self.incoming.push(bytes.get(..n).unwrap_or_default()),
            Err(e) => {
                self.incoming.rest();
                return Err(e);
            }
        }
        Ok(())
    }

    /// Reads into a slice.
    pub(crate) fn try_read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = into.len();
        self.read_with(most, |bytes| {
            if let Some(place) = into.get_mut(..bytes.len()) {
                place.copy_from_slice(bytes);
            }
        })
    }

    /// Reads onto the end of a buffer.
    pub(crate) fn try_read_onto(&mut self, into: &mut Vec<u8>, most: usize) -> io::Result<usize> {
        self.read_with(most, |bytes| into.extend_from_slice(bytes))
    }

    fn seal(&mut self, plain: &[u8]) -> io::Result<()> {
        let token = self.context.wrap(plain, self.private).map_err(invalid)?;
        frame::frame(&token, &mut self.outgoing);
        Ok(())
    }

    /// Writes what fits. After "would block" the same bytes must be offered again, for some stand sealed here already.
    pub(crate) fn try_write(&mut self, from: &[u8]) -> io::Result<usize> {
        if from.is_empty() {
            return Ok(0);
        }
        if self.accepted == 0 {
            let piece = from.get(..self.piece).unwrap_or(from);
            self.seal(piece)?;
            self.accepted = piece.len();
        }
        self.drain()?;
        let n = self.accepted.min(from.len());
        self.accepted -= n;
        Ok(n)
    }

    /// Seals the beginning of `plain` and starts it on its way; [`Layer::drain`] tells when it has left.
    pub(crate) fn put(&mut self, plain: &[u8]) -> io::Result<usize> {
        self.drain()?;
        let piece = plain.get(..self.piece).unwrap_or(plain);
        self.seal(piece)?;
        match self.drain() {
            Err(e) if e.kind() != io::ErrorKind::WouldBlock => Err(e),
            _ => Ok(piece.len()),
        }
    }

    /// Sends what is sealed.
    ///
    /// # Errors
    /// "Would block" while the socket takes less than all of it; the peer's reset.
    pub(crate) fn drain(&mut self) -> io::Result<()> {
        while let Some(rest) = self.outgoing.get(self.sent..).filter(|rest| !rest.is_empty()) {
            match self.tcp.try_write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => self.sent += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        (self.outgoing, self.sent) = (Vec::new(), 0);
        Ok(())
    }

    /// Ends our side: the empty buffer, then FIN, and waits until both are on their way.
    pub(crate) async fn finish(&mut self) -> io::Result<()> {
        self.seal(&[])?;
        loop {
            match self.drain() {
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => self.tcp.writable().await?,
                Err(e) => return Err(e),
                Ok(()) => break,
            }
        }
        SockRef::from(&self.tcp).shutdown(Shutdown::Write)
    }

    /// [`Layer::finish`] for whoever cannot wait. Where the socket takes nothing now, the empty buffer is lost.
    pub(crate) fn shutdown_write(&mut self) -> io::Result<()> {
        self.seal(&[])?;
        match self.drain() {
            Err(e) if e.kind() != io::ErrorKind::WouldBlock => Err(e),
            _ => SockRef::from(&self.tcp).shutdown(Shutdown::Write),
        }
    }

    /// Whether something may be read.
    pub(crate) fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.holds_input() { Poll::Ready(Ok(())) } else { self.tcp.poll_read_ready(cx) }
    }

    /// Waits until something may be read.
    pub(crate) async fn readable(&self) -> io::Result<()> {
        if self.holds_input() { Ok(()) } else { self.tcp.readable().await }
    }
}

fn invalid(failure: Failure) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, failure)
}
