//! How does the end that connects enter TLS? Whom it trusts, and a session for each control connection that its data
//! connections resume, as servers demand.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{
    ClientSessionStore, Resumption, Tls12ClientSessionValue, Tls13ClientSessionValue, UnbufferedClientConnection,
    WebPkiServerVerifier,
};
use rustls::crypto::{verify_tls12_signature, verify_tls13_signature};
use rustls::sign::SingleCertAndKey;
use rustls::version::{TLS12, TLS13};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, NamedGroup, RootCertStore, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use sha2::{Digest, Sha256};
use types::Reason;

use super::certificates::{Certificate, LoadError, Roots, hex};
use super::failure::Failure;
use super::handshake::{self, LastFlight};
use super::layer::Side;
use super::provider;
use crate::stream::Stream;

/// Tickets kept. Each is used once; servers send two with each handshake, and some more with the first. No more than
/// servers remember: one that is forgotten there is as bad as none.
const TICKETS: usize = 8;

/// Of these, so many of the first handshake's make no room for newer ones.
const OWN: usize = 4;

/// Whom the end that connects believes to be the server.
#[derive(Clone, Debug)]
pub enum Trust {
    /// Whose certificate leads to a root this system trusts, and names the host.
    System,
    /// Whose certificate leads to one of these roots, and names the host.
    Roots(Roots),
    /// Who has a certificate with one of these SHA-256 fingerprints, whatever else is in it.
    Pinned(Vec<[u8; 32]>),
    /// Anybody. Whoever is in between can read everything.
    Anybody,
}

/// How to connect with TLS, ready for use.
#[derive(Clone, Debug)]
pub struct Client {
    config: Arc<ClientConfig>,
    /// `None` where a test has its own.
    trusted: Option<Trusted>,
}

impl Client {
    /// Takes whom to trust, and the certificate to show where a server asks for one. Reads the system's roots where
    /// those are trusted: that blocks.
    ///
    /// # Errors
    /// Where there are no roots to trust.
    pub fn new(trust: Trust, own: Option<&Certificate>) -> Result<Self, LoadError> {
        let builder = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(|e| LoadError::of(&e))?;
        let trusted = match trust {
            Trust::System => Trusted::named(system_roots()?.into())?,
            Trust::Roots(roots) => Trusted::named(roots.store())?,
            Trust::Pinned(pins) => Trusted::Pinned(pins.into()),
            Trust::Anybody => Trusted::Anybody,
        };
        let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(Verifier::of(&trusted)));
        let config = match own {
            Some(own) => builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(own.key()))),
            None => builder.with_no_client_auth(),
        };
        Ok(Self { config: Arc::new(config), trusted: Some(trusted) })
    }

    /// What one control connection and its data connections share.
    pub fn session(&self) -> ClientSession {
        let mut config = ClientConfig::clone(&self.config);
        let remembered = Arc::new(Remembered::default());
        config.resumption = Resumption::store(remembered.clone());
        let verifier = self.trusted.as_ref().map(|trusted| Arc::new(Verifier::of(trusted)));
        if let Some(verifier) = &verifier {
            config.dangerous().set_certificate_verifier(verifier.clone());
        }
        ClientSession { config: Arc::new(config), remembered, verifier }
    }
}

/// Other ends, for tests.
#[cfg(test)]
impl Client {
    /// Knows no version after 1.2.
    pub(super) fn only_1_2(&self) -> Self {
        use rustls::client::WantsClientCert;
        let verifier: Arc<dyn ServerCertVerifier> = Arc::new(Verifier::of(&Trusted::Anybody));
        let builder = ClientConfig::builder_with_provider(provider()).with_protocol_versions(&[&TLS12]).unwrap();
        let builder: rustls::ConfigBuilder<ClientConfig, WantsClientCert> =
            builder.dangerous().with_custom_certificate_verifier(verifier);
        Self { config: Arc::new(builder.with_no_client_auth()), trusted: None }
    }

    /// Offers an application protocol.
    pub(super) fn offering(&self, protocol: &str) -> Self {
        let mut config = ClientConfig::clone(&self.config);
        config.alpn_protocols = vec![protocol.into()];
        Self { config: Arc::new(config), trusted: None }
    }
}

/// TLS of one control connection and its data connections.
#[derive(Clone, Debug)]
pub struct ClientSession {
    config: Arc<ClientConfig>,
    remembered: Arc<Remembered>,
    verifier: Option<Arc<Verifier>>,
}

impl ClientSession {
    /// Whether the next connection can resume an earlier one: TLS 1.3 lets each ticket be used once.
    pub fn can_resume(&self) -> bool {
        self.remembered.with(|inner| inner.older.is_some() || !inner.tickets.is_empty())
    }

    /// Does the handshake with the server called `name`, a host's name or an address, and resumes an earlier connection
    /// of this session where it can. The future may be dropped.
    ///
    /// # Errors
    /// Why it failed, and what to tell.
    pub async fn connect(&self, stream: Stream, name: &str, deadline: Instant) -> Result<Stream, Failure> {
        let Stream::Plain(tcp) = stream else {
            return Err(Failure::new(Reason::TlsHandshake, "the connection is protected already"));
        };
        let name = ServerName::try_from(name.to_owned())
            .map_err(|_| Failure::new(Reason::TlsHandshake, format!("“{name}” is no name that a certificate could have")))?;
        let side = UnbufferedClientConnection::new(self.config.clone(), name).map_err(|e| Failure::of(&e, false))?;
        // The last flight waits for nothing: a server that has none of ours to await says nothing more.
        let protected = handshake::run(tcp, Side::Client(side), deadline, LastFlight::Now).await;
        Ok(Stream::Tls(Box::new(protected.map_err(|failure| self.with_fingerprint(failure))?)))
    }

    /// Whom to trust all the same can be said by the fingerprint: it must be seen for that.
    fn with_fingerprint(&self, failure: Failure) -> Failure {
        let shown = self.verifier.as_ref().and_then(|verifier| verifier.shown.get());
        match shown.filter(|_| failure.reason == Reason::TlsDistrusted) {
            Some(shown) => Failure::new(failure.reason, format!("{}; its SHA-256 fingerprint is {}", failure.detail, hex(shown))),
            None => failure,
        }
    }
}

fn system_roots() -> Result<RootCertStore, LoadError> {
    let found = rustls_native_certs::load_native_certs();
    let mut store = RootCertStore::empty();
    // Some of a system's many are odd; what counts is that there are any.
    store.add_parsable_certificates(found.certs);
    if store.is_empty() {
        let why = found.errors.first().map_or_else(String::new, |e| format!(" ({e})"));
        return Err(LoadError::of(&format_args!("this system has no certificate authorities to trust{why}")));
    }
    Ok(store)
}

/// Whom to believe. That the server holds the certificate's key is checked all the same.
#[derive(Clone, Debug)]
enum Trusted {
    /// Whose certificate leads to a root and names the host.
    Named(Arc<WebPkiServerVerifier>),
    Pinned(Arc<[[u8; 32]]>),
    Anybody,
}

impl Trusted {
    fn named(roots: Arc<RootCertStore>) -> Result<Self, LoadError> {
        let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider()).build();
        verifier.map(Self::Named).map_err(|e| LoadError::of(&e))
    }
}

/// Checks the server's certificate, for the connections of one session.
#[derive(Debug)]
struct Verifier {
    trusted: Trusted,
    /// The fingerprint of the certificate that was shown first.
    shown: OnceLock<[u8; 32]>,
}

impl Verifier {
    fn of(trusted: &Trusted) -> Self {
        Self { trusted: trusted.clone(), shown: OnceLock::new() }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let fingerprint: [u8; 32] = Sha256::digest(end_entity).into();
        self.shown.get_or_init(|| fingerprint);
        match &self.trusted {
            Trusted::Named(verifier) => verifier.verify_server_cert(end_entity, between, name, ocsp, now),
            Trusted::Pinned(pins) if !pins.contains(&fingerprint) => {
                Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
            }
            Trusted::Pinned(_) | Trusted::Anybody => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &provider().signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &provider().signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider().signature_verification_algorithms.supported_schemes()
    }
}

/// What can be resumed: of one server only, for one control connection has but one.
#[derive(Default)]
struct Remembered {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    group: Option<NamedGroup>,
    older: Option<Tls12ClientSessionValue>,
    /// The control connection's own come first and stay.
    tickets: VecDeque<Tls13ClientSessionValue>,
}

impl fmt::Debug for Remembered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What it holds are secrets.
        f.debug_struct("Remembered").finish_non_exhaustive()
    }
}

impl Remembered {
    fn with<T>(&self, f: impl FnOnce(&mut Inner) -> T) -> T {
        f(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ClientSessionStore for Remembered {
    fn set_kx_hint(&self, _: ServerName<'static>, group: NamedGroup) {
        self.with(|inner| inner.group = Some(group));
    }

    fn kx_hint(&self, _: &ServerName<'_>) -> Option<NamedGroup> {
        self.with(|inner| inner.group)
    }

    fn set_tls12_session(&self, _: ServerName<'static>, value: Tls12ClientSessionValue) {
        self.with(|inner| inner.older = Some(value));
    }

    fn tls12_session(&self, _: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.with(|inner| inner.older.clone())
    }

    fn remove_tls12_session(&self, _: &ServerName<'static>) {
        self.with(|inner| inner.older = None);
    }

    fn insert_tls13_ticket(&self, _: ServerName<'static>, value: Tls13ClientSessionValue) {
        self.with(|inner| {
            if inner.tickets.len() >= TICKETS {
                inner.tickets.remove(OWN);
            }
            inner.tickets.push_back(value);
        });
    }

    fn take_tls13_ticket(&self, _: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        // The newest, which the server remembers best; the control connection's own are for when there are none of
        // others, which is while files only go up.
        self.with(|inner| inner.tickets.pop_back())
    }
}
