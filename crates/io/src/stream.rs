//! What is a connection? Bytes both ways, in clear or protected; protection is a variant, entered and left by value.

use std::io;
use std::net::{Shutdown, SocketAddr};
use std::os::fd::AsFd;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use rustix::net::{RecvFlags, recv};
use socket2::SockRef;
use tokio::net::TcpStream;

use crate::{gss, tls};

/// A connection. Whoever waits for input waits for readiness and then reads into a buffer of its own, so an idle
/// connection holds none.
#[derive(Debug)]
pub enum Stream {
    /// TCP in clear.
    Plain(TcpStream),
    /// TCP under TLS; see [`tls::ServerSession::accept`].
    Tls(Box<tls::Layer>),
    /// TCP sealed by a security exchange.
    Sealed(Box<gss::Layer>),
}

impl From<TcpStream> for Stream {
    fn from(tcp: TcpStream) -> Self {
        Self::Plain(tcp)
    }
}

/// A connection that has come and that no reactor watches yet: what is done with it at once spares watching it.
#[derive(Debug)]
pub struct Fresh {
    tcp: std::net::TcpStream,
    peer: SocketAddr,
}

impl Fresh {
    /// A non-blocking connection with this peer.
    pub(crate) const fn new(tcp: std::net::TcpStream, peer: SocketAddr) -> Self {
        Self { tcp, peer }
    }

    /// The other end's address.
    pub const fn peer(&self) -> SocketAddr {
        self.peer
    }

    pub(crate) const fn tcp(&self) -> &std::net::TcpStream {
        &self.tcp
    }

    /// Has the reactor of this thread watch it.
    ///
    /// # Errors
    /// The system's, where there is no room for one more.
    pub fn watch(self) -> io::Result<TcpStream> {
        TcpStream::from_std(self.tcp)
    }

    /// Cuts the connection, as [`Stream::reset`].
    pub fn reset(self) {
        reset(self.tcp);
    }
}

impl Stream {
    /// The TCP connection it is, or stands on.
    pub(crate) fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(tcp) => tcp,
            Self::Tls(layer) => layer.tcp(),
            Self::Sealed(layer) => layer.tcp(),
        }
    }

    /// What the TLS handshake came to; `None` in clear.
    pub fn tls(&self) -> Option<&tls::Secured> {
        match self {
            Self::Plain(_) | Self::Sealed(_) => None,
            Self::Tls(layer) => layer.secured(),
        }
    }

    /// Whether what moves is protected: an end is more than a FIN then, see [`Stream::finish`].
    pub const fn is_covered(&self) -> bool {
        !matches!(self, Self::Plain(_))
    }

    /// Leaves TLS and goes on in clear (CCC, RFC 4217 §6), with what the other end has sent already. In clear, nothing
    /// is to do.
    ///
    /// # Errors
    /// [`types::Reason::TlsClearing`] where the other end neither ends TLS nor goes on in clear before the deadline.
    pub async fn clear_tls(self, deadline: Instant) -> Result<(Self, tls::Leftover), tls::Failure> {
        match self {
            Self::Plain(_) | Self::Sealed(_) => Ok((self, tls::Leftover::new())),
            Self::Tls(layer) => layer.clear(deadline).await.map(|(tcp, leftover)| (Self::Plain(tcp), leftover)),
        }
    }

    /// The other end's address.
    ///
    /// # Errors
    /// The system's, where the connection is gone.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.tcp().peer_addr()
    }

    /// This end's address.
    ///
    /// # Errors
    /// The system's.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp().local_addr()
    }

    /// Waits until [`Stream::try_read`] may find something (bytes, the end, an error).
    ///
    /// # Errors
    /// The system's.
    pub async fn readable(&self) -> io::Result<()> {
        match self {
            Self::Plain(tcp) => tcp.readable().await,
            Self::Tls(layer) => layer.readable().await,
            Self::Sealed(layer) => layer.readable().await,
        }
    }

    /// Waits until [`Stream::try_write`] may get rid of something.
    ///
    /// # Errors
    /// The system's.
    pub async fn writable(&self) -> io::Result<()> {
        self.tcp().writable().await
    }

    /// [`Stream::readable`] for whoever waits for several things at once.
    ///
    /// # Errors
    /// The system's.
    pub fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(tcp) => tcp.poll_read_ready(cx),
            Self::Tls(layer) => layer.poll_readable(cx),
            Self::Sealed(layer) => layer.poll_readable(cx),
        }
    }

    /// Reads what is there, for whoever waits for several things at once. 0 is the end (a FIN).
    ///
    /// A read that does not fill `into` is no sign that the socket is empty: reading stops at the mark of urgent data
    /// (RFC 9293 §3.8.5), which Telnet's Synch sends in the midst of an ABOR. So only "would block" is believed.
    ///
    /// # Errors
    /// The peer's reset.
    pub fn poll_read(&mut self, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.poll_readable(cx))?;
            match self.try_read(into) {
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                other => return Poll::Ready(other),
            }
        }
    }

    /// [`Stream::writable`] for whoever waits for several things at once.
    ///
    /// # Errors
    /// The system's.
    pub fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.tcp().poll_write_ready(cx)
    }

    /// Reads what is there. 0 is the end: a FIN, and under TLS the close alert.
    ///
    /// # Errors
    /// `WouldBlock` where nothing is there; the peer's reset. Under TLS, `UnexpectedEof` for a FIN without a close
    /// alert before it, which anybody on the way could have sent.
    pub fn try_read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.try_read(into),
            Self::Tls(layer) => layer.try_read(into),
            Self::Sealed(layer) => layer.try_read(into),
        }
    }

    /// Writes what fits. After `WouldBlock` the same bytes must be offered again, for under TLS some of them may stand
    /// encrypted already.
    ///
    /// # Errors
    /// `WouldBlock` where nothing fits; the peer's reset.
    pub fn try_write(&mut self, from: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.try_write(from),
            Self::Tls(layer) => layer.try_write(from),
            Self::Sealed(layer) => layer.try_write(from),
        }
    }

    /// Reads, and waits for something to read. 0 is the end. May be dropped while it waits; nothing is lost then.
    ///
    /// # Errors
    /// The peer's reset.
    pub async fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            self.readable().await?;
            match self.try_read(into) {
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                other => return other,
            }
        }
    }

    /// Writes all of it.
    ///
    /// # Errors
    /// The peer's reset.
    pub async fn write_all(&mut self, mut from: &[u8]) -> io::Result<()> {
        while !from.is_empty() {
            match self.try_write(from) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => from = from.get(n..).unwrap_or_default(),
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => self.writable().await?,
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    /// Ends our side: what was written will arrive, and then the end. Under TLS that is the close alert and then the
    /// FIN, and where the socket takes nothing now, only the FIN: prefer [`Stream::finish`].
    ///
    /// # Errors
    /// The system's, where the connection is gone.
    pub fn shutdown_write(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(tcp) => SockRef::from(&*tcp).shutdown(Shutdown::Write),
            Self::Tls(layer) => layer.shutdown_write(),
            Self::Sealed(layer) => layer.shutdown_write(),
        }
    }

    /// Takes a FIN without TLS's close alert for an end from now on; without this it is an error
    /// ([`io::ErrorKind::UnexpectedEof`]). [`Stream::is_end_unproved`] tells afterwards.
    pub fn take_unproved_end(&mut self) {
        match self {
            Self::Plain(_) => {}
            Self::Tls(layer) => layer.take_unproved_end(),
            Self::Sealed(layer) => layer.take_unproved_end(),
        }
    }

    /// Whether the other end has ended TLS without its close alert, so that something may be missing.
    pub fn is_end_unproved(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::Tls(layer) => layer.is_end_unproved(),
            Self::Sealed(layer) => layer.is_end_unproved(),
        }
    }

    /// Ends our side, and waits until the end is on its way: under TLS the close alert, then the FIN.
    ///
    /// # Errors
    /// The system's, where the connection is gone.
    pub async fn finish(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(tcp) => SockRef::from(&*tcp).shutdown(Shutdown::Write),
            Self::Tls(layer) => layer.finish().await,
            Self::Sealed(layer) => layer.finish().await,
        }
    }

    /// Has what is written leave at once, however little it is (TCP_NODELAY): for bodies that follow one another and wait for
    /// nobody.
    pub fn send_at_once(&self) {
        // Without it they arrive all the same, only later.
        let _ = self.tcp().set_nodelay(true);
    }

    /// Whether the peer has closed an idle connection, as far as it shows without waiting: under TLS an alert counts as
    /// the end that it announces.
    pub fn has_ended(&self) -> bool {
        const ALERT: u8 = 21; // RFC 8446 §5.1
        if let Self::Tls(layer) = self
            && layer.holds_anything()
        {
            // Another body has begun, and what the socket holds may be the midst of a record.
            return false;
        }
        let mut byte = [0];
        match recv(self.tcp(), &mut byte, RecvFlags::PEEK | RecvFlags::DONTWAIT) {
            Ok((0, _)) => true,
            Ok(_) => self.tls().is_some() && byte == [ALERT],
            Err(e) => e != rustix::io::Errno::AGAIN,
        }
    }

    /// Cuts the connection (RST): nothing that waits to be sent is sent, and the other end sees no proper end.
    pub fn reset(self) {
        reset(self.tcp());
    }
}

/// Closes with a reset.
pub(crate) fn reset(tcp: impl AsFd) {
    // A connection that is gone already cannot be cut harder.
    let _ = SockRef::from(&tcp).set_linger(Some(Duration::ZERO));
}

#[cfg(test)]
mod tests {
    use super::Stream;
    use std::io::ErrorKind;
    use tokio::net::{TcpListener, TcpStream};

    async fn pair() -> (Stream, Stream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let out = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (listener.accept().await.unwrap().0.into(), out.into())
    }

    #[tokio::test]
    async fn bytes_and_both_kinds_of_end() {
        let (mut a, mut b) = pair().await;
        assert_eq!(a.peer_addr().unwrap(), b.local_addr().unwrap());
        let mut buf = [0; 16];
        assert_eq!(a.try_read(&mut buf).unwrap_err().kind(), ErrorKind::WouldBlock);
        b.write_all(b"hello").await.unwrap();
        a.readable().await.unwrap();
        assert_eq!(a.read(&mut buf).await.unwrap(), 5);
        b.shutdown_write().unwrap();
        assert_eq!(a.read(&mut buf).await.unwrap(), 0);
        a.write_all(b"late").await.unwrap(); // the other direction still stands
        assert_eq!(b.read(&mut buf).await.unwrap(), 4);
        a.reset();
        assert_eq!(b.read(&mut buf).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    }
}
