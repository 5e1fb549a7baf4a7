//! TLS on the way in and out (RFC 4217): what a listener wants of it, the control connection's turn to TLS and back,
//! and data connections that prove whose they are.

use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use io::body::BoxFuture;
use io::gss::{self, Shared};
use io::stream::Stream;
use io::tls;
use proto::ftp::server::{Cover, Seal};
use types::{Direction, Reason};

/// What goes for TLS on a listener that has it.
#[derive(Clone)]
pub struct Protection {
    /// Certificates and versions.
    pub server: Arc<tls::Server>,
    /// TLS begins with the first byte.
    pub implicit: bool,
    /// What a data connection's handshake must prove.
    pub reuse: Reuse,
    /// Whether the end of an upload must be proved by a close alert; otherwise one without it is taken, and noted.
    pub proved: bool,
}

/// Whether a data connection must resume the control connection's TLS session: whoever can has proved to be the same
/// client, wherever the connection comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reuse {
    /// It may.
    Prefer,
    /// It must; a handshake from the beginning is refused with 522.
    Require,
}

/// Why TLS did not come about or did not end, for the client's peer and for the log.
pub(super) struct Failed {
    pub(super) reason: Reason,
    pub(super) detail: Box<str>,
    /// Who came to the passive port from another address, and which port.
    pub(super) stranger: Option<(SocketAddr, u16)>,
}

impl From<tls::Failure> for Failed {
    fn from(failure: tls::Failure) -> Self {
        Self { reason: failure.reason, detail: failure.detail, stranger: None }
    }
}

impl From<Reason> for Failed {
    fn from(reason: Reason) -> Self {
        Self { reason, detail: Box::default(), stranger: None }
    }
}

/// What the ladder says of how a connection is protected.
pub(super) fn told(stream: &Stream) -> Box<str> {
    match stream {
        Stream::Sealed(_) => "GSSAPI".into(),
        _ => stream.tls().map(|tls| tls.to_string().into()).unwrap_or_default(),
    }
}

/// The control connection while it changes: nobody reads or writes it but the handshake.
pub(super) enum Turn {
    /// It becomes protected.
    Securing(BoxFuture<'static, Result<Stream, Failed>>),
    /// It goes back to clear; bytes in clear may have come already.
    Clearing(BoxFuture<'static, Result<(Stream, Vec<u8>), Failed>>),
}

/// How that ended.
pub(super) enum Turned {
    Secured(Result<Stream, Failed>),
    Cleared(Result<(Stream, Vec<u8>), Failed>),
}

impl Turn {
    /// Sends the last words in clear, then takes the client's handshake.
    pub(super) fn secure(mut stream: Stream, words: Vec<u8>, session: tls::ServerSession, until: Instant) -> Self {
        Self::Securing(Box::pin(async move {
            say(&mut stream, &words, until).await?;
            Ok(session.accept(stream, until).await?)
        }))
    }

    /// Sends the last words under TLS, then ends it.
    pub(super) fn clear(mut stream: Stream, words: Vec<u8>, until: Instant) -> Self {
        Self::Clearing(Box::pin(async move {
            say(&mut stream, &words, until).await?;
            Ok(stream.clear_tls(until).await?)
        }))
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Turned> {
        match self {
            Self::Securing(turn) => turn.as_mut().poll(cx).map(Turned::Secured),
            Self::Clearing(turn) => turn.as_mut().poll(cx).map(Turned::Cleared),
        }
    }
}

async fn say(stream: &mut Stream, words: &[u8], until: Instant) -> Result<(), Failed> {
    let said = tokio::time::timeout_at(until.into(), stream.write_all(words)).await;
    match said {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(Failed { detail: error.to_string().into(), ..Reason::TlsHandshake.into() }),
        Err(_) => Err(Failed { detail: "the reply could not be sent".into(), ..Reason::TlsTimeout.into() }),
    }
}

/// What a data connection is protected with.
pub(super) enum Shield {
    /// TLS.
    Tls(TlsShield),
    /// What a security exchange agreed on.
    Seal(Shared, Seal),
}

/// What a data connection is protected with under TLS.
pub(super) struct TlsShield {
    pub(super) session: tls::ServerSession,
    pub(super) reuse: Reuse,
    /// Which way the body moves.
    pub(super) way: Direction,
}

impl Shield {
    /// What the session wishes, with what there is; nothing where that is lost.
    pub(super) fn of(
        cover: Cover,
        tls: Option<tls::ServerSession>,
        context: Option<Shared>,
        reuse: Reuse,
        way: Direction,
    ) -> Result<Option<Self>, Reason> {
        match (cover, tls, context) {
            (Cover::Clear, ..) => Ok(None),
            (Cover::Tls, Some(session), _) => Ok(Some(Self::Tls(TlsShield { session, reuse, way }))),
            (Cover::Sealed(seal), _, Some(context)) => Ok(Some(Self::Seal(context, seal))),
            // The control connection has lost its protection and what goes with it: nothing moves in clear in its stead.
            (Cover::Tls, None, _) => Err(Reason::DataTls),
            (Cover::Sealed(_), _, None) => Err(Reason::DataUnsealed),
        }
    }

    /// Protects a data connection that stands.
    pub(super) async fn cover(self, stream: Stream, until: Instant) -> Result<Stream, Failed> {
        match (self, stream) {
            (Self::Tls(shield), stream) => shield.cover(stream, until).await,
            (Self::Seal(context, seal), Stream::Plain(tcp)) => {
                Ok(Stream::Sealed(Box::new(gss::Layer::new(tcp, context, seal.private, seal.most))))
            }
            (Self::Seal(..), _) => Err(Reason::DataUnsealed.into()),
        }
    }
}

impl TlsShield {
    /// The client's handshake on a data connection that stands, and the proof where one is asked for.
    async fn cover(self, stream: Stream, until: Instant) -> Result<Stream, Failed> {
        let mut stream = self.session.accept_data(stream, self.way, until).await.map_err(|failure| {
            // To the client the data connection is what failed; what exactly, the log says.
            Failed { reason: Reason::DataTls, ..Failed::from(failure) }
        })?;
        if self.reuse == Reuse::Require && !stream.tls().is_some_and(|tls| tls.is_resumed()) {
            turn_away(&mut stream).await;
            return Err(Reason::DataNotResumed.into());
        }
        Ok(stream)
    }
}

/// Ends a connection so that the client lives to read why on the control connection: a cut would be all it reports.
/// What it had begun to send is let go by, within bounds.
async fn turn_away(stream: &mut Stream) {
    const PATIENCE: Duration = Duration::from_secs(1);
    let ended = async {
        let mut sent = [0; 4096];
        stream.finish().await?;
        for _ in 0..256 {
            if stream.read(&mut sent).await? == 0 {
                break;
            }
        }
        std::io::Result::Ok(())
    };
    let _ = tokio::time::timeout(PATIENCE, ended).await;
}
