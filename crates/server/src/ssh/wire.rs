//! The TCP connection below SSH: how does a session end from outside, and who reads ahead for small packets?

use std::future::Future;
use std::io::{Error, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// How much is read at once. A packet's length and its body are asked for one after the other: so one call to the
/// system brings many of either.
const AHEAD: usize = 32 * 1024;
/// How much is read at first: a request is small, and room for more would be cleared for each.
const FIRST: usize = 2 * 1024;

/// A connection that fails once its token is cancelled, whoever holds it then.
pub(super) struct Wire {
    stream: TcpStream,
    /// What was read ahead, and how much of it was taken. Given back while nothing is there, so that an idle session
    /// holds none.
    ahead: Vec<u8>,
    taken: usize,
    /// How much is read ahead next: more once there was as much as there was room for.
    size: usize,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Wire {
    pub(super) fn new(stream: TcpStream, token: CancellationToken) -> Self {
        Self { stream, ahead: Vec::new(), taken: 0, size: FIRST, cut: Box::pin(token.cancelled_owned()) }
    }

    fn is_cut(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        match self.cut.as_mut().poll(cx) {
            Poll::Ready(()) => Err(Error::new(ErrorKind::ConnectionAborted, "ended from outside")),
            Poll::Pending => Ok(()),
        }
    }

    fn hand_out(&mut self, buf: &mut ReadBuf<'_>) -> bool {
        let rest = self.ahead.get(self.taken..).unwrap_or_default();
        if rest.is_empty() {
            return false;
        }
        let n = rest.len().min(buf.remaining());
        buf.put_slice(rest.get(..n).unwrap_or_default());
        self.taken += n;
        if self.taken == self.ahead.len() {
            self.ahead.clear();
            self.taken = 0;
        }
        true
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<Result<(), Error>> {
        if self.hand_out(buf) {
            return Poll::Ready(Ok(()));
        }
        self.is_cut(cx)?;
        if buf.remaining() >= AHEAD {
            return Pin::new(&mut self.stream).poll_read(cx, buf);
        }
        let (mut ahead, size) = (std::mem::take(&mut self.ahead), self.size);
        ahead.resize(size, 0);
        let mut space = ReadBuf::new(&mut ahead);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut space))?; // and the buffer is given back
        let filled = space.filled().len();
        self.size = match filled {
            all if all == size => AHEAD,
            0..FIRST => FIRST,
            _ => size,
        };
        ahead.truncate(filled);
        self.ahead = ahead;
        self.taken = 0;
        self.hand_out(buf);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize, Error>> {
        self.is_cut(cx)?;
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
