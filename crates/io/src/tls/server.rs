//! How does the end that serves enter TLS? One configuration a listener, and for each control connection a session of
//! its own that its data connections resume.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use rustls::ServerConfig;
use rustls::server::{ClientHello, ResolvesServerCert, UnbufferedServerConnection, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use types::{Direction, Reason};

use super::certificates::{Certificates, LoadError, Roots};
use super::failure::Failure;
use super::handshake::{self, LastFlight};
use super::layer::Side;
use super::provider;
use super::store::{Claim, Store, Visitor};
use crate::stream::Stream;

/// The one application protocol: "ftp" (IANA's registry of ALPN protocol IDs; RFC 7301). Clients that offer none are
/// served as well, for most do.
const ALPN: &[u8] = b"ftp";

/// Tickets given out on a control connection. Some clients use each but once (RFC 8446 §C.4), and those that close an
/// upload's connection without reading on get no new ones.
const TICKETS: usize = 8;

/// The same where clients show certificates, which are part of each session that is kept.
const TICKETS_WITH_CERTIFICATES: usize = 4;

/// Tickets given out on a data connection from which the client reads: one for the next of its kind, and one for an
/// upload.
const TICKETS_FOR_READERS: usize = 2;

/// The same where the client writes, for those that read on until the server ends TLS, too.
const TICKETS_FOR_WRITERS: usize = 1;

/// Whether clients show a certificate.
#[derive(Clone, Debug, Default)]
pub enum Clients {
    /// They are not asked.
    #[default]
    Off,
    /// They may; what they show must lead to one of these roots.
    Optional(Roots),
    /// They must.
    Required(Roots),
}

/// How a listener does TLS.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Certificates of clients.
    pub clients: Clients,
    /// Whether TLS 1.2 is refused.
    pub only_1_3: bool,
}

/// How a listener does TLS, ready for use.
#[derive(Clone, Debug)]
pub struct Server {
    config: Arc<ServerConfig>,
    certificates: Certificates,
    tickets: usize,
}

impl Server {
    /// Takes certificates, which may be replaced later, and settings.
    ///
    /// # Errors
    /// Where the roots for client certificates are of no use.
    pub fn new(certificates: &Certificates, settings: &Settings) -> Result<Self, LoadError> {
        let versions: &[_] = if settings.only_1_3 { &[&TLS13] } else { &[&TLS13, &TLS12] };
        let builder =
            ServerConfig::builder_with_provider(provider()).with_protocol_versions(versions).map_err(|e| LoadError::of(&e))?;
        let verifier = |roots: &Roots| WebPkiClientVerifier::builder_with_provider(roots.store(), provider());
        let builder = match &settings.clients {
            Clients::Off => builder.with_no_client_auth(),
            Clients::Optional(roots) => {
                builder.with_client_cert_verifier(verifier(roots).allow_unauthenticated().build().map_err(|e| LoadError::of(&e))?)
            }
            Clients::Required(roots) => {
                builder.with_client_cert_verifier(verifier(roots).build().map_err(|e| LoadError::of(&e))?)
            }
        };
        let mut config = builder.with_cert_resolver(Arc::new(certificates.clone()));
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.max_early_data_size = 0;
        let tickets = if matches!(settings.clients, Clients::Off) { TICKETS } else { TICKETS_WITH_CERTIFICATES };
        Ok(Self { config: Arc::new(config), certificates: certificates.clone(), tickets })
    }

    /// Whether there is a certificate to show; there is none before an authority has issued the first.
    pub fn has_certificate(&self) -> bool {
        !self.certificates.all().is_empty()
    }

    /// A new control connection's share: what is resumed with it was begun with it.
    pub fn session(&self) -> ServerSession {
        ServerSession {
            config: self.config.clone(),
            tickets: self.tickets,
            store: Arc::default(),
            asked: Arc::default(),
            resumes: Arc::default(),
        }
    }
}

/// TLS of one control connection and its data connections. Another control connection's TLS session cannot be resumed
/// with it, so [`super::Secured::is_resumed`] proves that both ends are the same.
#[derive(Clone, Debug)]
pub struct ServerSession {
    config: Arc<ServerConfig>,
    tickets: usize,
    store: Arc<Store>,
    /// The host that the control connection's client asked for (SNI).
    asked: Arc<OnceLock<Box<str>>>,
    /// Whether its client has resumed it on a data connection.
    resumes: Arc<AtomicBool>,
}

/// Chooses as another does, and remembers which host was asked for.
#[derive(Debug)]
struct Asked {
    chooser: Arc<dyn ResolvesServerCert>,
    host: Arc<OnceLock<Box<str>>>,
}

impl ResolvesServerCert for Asked {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        if let Some(name) = hello.server_name() {
            let _ = self.host.set(name.into()); // a second hello names the same host
        }
        self.chooser.resolve(hello)
    }
}

impl ServerSession {
    /// The host that the control connection's client asked for in its handshake (RFC 6066 §3), which HOST must name
    /// too (RFC 7151 §3.2.2).
    pub fn server_name(&self) -> Option<&str> {
        self.asked.get().map(|name| &**name)
    }

    /// What tells this client's data connections from others: only where it resumes its session on them, as it has shown
    /// or as it `must`.
    pub fn claim(&self, must: bool) -> Option<Claim> {
        (must || self.resumes.load(Ordering::Relaxed)).then(|| Claim(self.store.clone()))
    }

    /// Does the handshake on a control connection. The future may be dropped.
    ///
    /// # Errors
    /// Why it failed, and what to tell.
    pub async fn accept(&self, stream: Stream, deadline: Instant) -> Result<Stream, Failure> {
        let mut config = ServerConfig::clone(&self.config);
        config.session_storage = self.store.clone();
        config.send_tls13_tickets = self.tickets;
        config.cert_resolver = Arc::new(Asked { chooser: config.cert_resolver, host: self.asked.clone() });
        enter(config, stream, deadline, LastFlight::Now).await
    }

    /// Does the handshake on a data connection. Whether it resumed this session is for the caller to ask.
    ///
    /// # Errors
    /// Why it failed, and what to tell.
    pub async fn accept_data(&self, stream: Stream, way: Direction, deadline: Instant) -> Result<Stream, Failure> {
        let mut config = ServerConfig::clone(&self.config);
        let visitor = Arc::new(Visitor::new(self.store.clone(), way));
        config.session_storage = visitor.clone();
        // A client that only writes may never read its ticket, and closing a socket with something unread resets the
        // connection and loses what is not sent yet. So it gets one when all has come; one that reads gets its tickets
        // along with the first bytes.
        let (tickets, last) = match way {
            Direction::Out => (TICKETS_FOR_READERS, LastFlight::WithBytes),
            Direction::In => (TICKETS_FOR_WRITERS, LastFlight::AtEnd),
        };
        config.send_tls13_tickets = tickets;
        let stream = enter(config, stream, deadline, last).await?;
        if stream.tls().is_some_and(super::Secured::is_resumed) {
            visitor.stays();
            self.resumes.store(true, Ordering::Relaxed);
        }
        Ok(stream)
    }
}

async fn enter(config: ServerConfig, stream: Stream, deadline: Instant, last: LastFlight) -> Result<Stream, Failure> {
    let Stream::Plain(tcp) = stream else {
        return Err(Failure::new(Reason::TlsHandshake, "the connection is protected already"));
    };
    let side = UnbufferedServerConnection::new(Arc::new(config)).map_err(|e| Failure::of(&e, true))?;
    Ok(Stream::Tls(Box::new(handshake::run(tcp, Side::Server(side), deadline, last).await?)))
}
