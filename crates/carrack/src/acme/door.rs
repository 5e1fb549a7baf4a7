//! How does an authority see that a name leads here? By what is answered at port 80 (HTTP-01, RFC 8555 §8.3) or 443
//! (TLS-ALPN-01, RFC 8737 §3). The door is open while an order waits for it, and answers nothing else.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::CONTENT_TYPE;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use instant_acme::{ChallengeType, KeyAuthorization};
use io::CancellationToken;
use io::task::Children;
use rcgen::{CertificateParams, CustomExtension, DistinguishedName, KeyPair};
use rustls::ServerConfig;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use types::Reason;

use super::Failure;
use crate::config::Challenge;

/// The path below which a token stands (RFC 8555 §8.3).
const WELL_KNOWN: &str = "/.well-known/acme-challenge/";
/// The application protocol (RFC 8737 §3).
const ALPN: &[u8] = b"acme-tls/1";
/// How long one caller may take.
const WITHIN: Duration = Duration::from_secs(10);
/// Callers at once. Authorities call from a handful of places; the rest of the world is turned away.
const MOST: usize = 64;
/// The most that is read of a request.
const REQUEST: usize = 16 * 1024;

/// What is answered, by token or by name.
#[derive(Debug)]
pub(super) enum Answers {
    /// Key authorizations by token.
    Http(HashMap<String, String>),
    /// Certificates by name.
    Tls(HashMap<String, Arc<CertifiedKey>>),
}

impl Answers {
    /// None yet.
    pub(super) fn new(challenge: Challenge) -> Self {
        match challenge {
            Challenge::Http01 => Self::Http(HashMap::new()),
            Challenge::TlsAlpn01 => Self::Tls(HashMap::new()),
        }
    }

    /// What an authority calls it.
    pub(super) const fn kind(&self) -> ChallengeType {
        match self {
            Self::Http(_) => ChallengeType::Http01,
            Self::Tls(_) => ChallengeType::TlsAlpn01,
        }
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Http(all) => all.is_empty(),
            Self::Tls(all) => all.is_empty(),
        }
    }

    /// Adds one.
    pub(super) fn add(&mut self, name: &str, token: &str, authorization: &KeyAuthorization) -> Result<(), Failure> {
        match self {
            Self::Http(all) => {
                all.insert(token.to_owned(), authorization.as_str().to_owned());
            }
            Self::Tls(all) => {
                let name = name.to_ascii_lowercase();
                let shown = proof(&name, authorization.digest().as_ref())
                    .map_err(|why| Failure::new(Reason::AcmeChallenge, format!("the proof for {name} cannot be made: {why}")))?;
                all.insert(name, Arc::new(shown));
            }
        }
        Ok(())
    }
}

/// The certificate that proves it: of that name alone, with the digest in it (RFC 8737 §3).
fn proof(name: &str, digest: &[u8]) -> Result<CertifiedKey, Box<dyn std::error::Error>> {
    let mut params = CertificateParams::new(vec![name.to_owned()])?;
    params.distinguished_name = DistinguishedName::new();
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    // Not looked at once more: rustls knows no such extension, and turns away what is critical and unknown.
    Ok(CertifiedKey::new(vec![certificate.der().clone()], super::provider().key_provider.load_private_key(key.into())?))
}

/// Answers whoever comes, until it is dropped.
pub(super) async fn serve(listener: TcpListener, answers: Answers) -> Infallible {
    let answer = Arc::new(Answer::new(answers));
    let life = CancellationToken::new();
    let _ends = life.clone().drop_guard();
    let mut callers = Children::new();
    loop {
        let (tcp, _) = io::listen::accept(&listener).await;
        if callers.len() >= MOST {
            continue;
        }
        let answer = answer.clone();
        callers.spawn("acme challenge", &life, async move {
            let _ = tokio::time::timeout(WITHIN, answer.one(tcp)).await;
        });
    }
}

enum Answer {
    Http(HashMap<String, String>),
    /// Nothing where the cryptography at hand speaks no TLS, and then nobody is answered.
    Tls(Option<TlsAcceptor>),
}

impl Answer {
    fn new(answers: Answers) -> Self {
        match answers {
            Answers::Http(all) => Self::Http(all),
            Answers::Tls(all) => {
                let builder = ServerConfig::builder_with_provider(super::provider()).with_safe_default_protocol_versions();
                Self::Tls(builder.ok().map(|builder| {
                    let mut config = builder.with_no_client_auth().with_cert_resolver(Arc::new(Proofs(all)));
                    config.alpn_protocols = vec![ALPN.to_vec()];
                    config.send_tls13_tickets = 0;
                    TlsAcceptor::from(Arc::new(config))
                }))
            }
        }
    }

    /// Whether a caller got an answer is seen by the authority alone.
    async fn one(&self, tcp: TcpStream) {
        match self {
            Self::Http(all) => {
                let reply = service_fn(|request| ready(Ok::<_, Infallible>(reply(all, &request))));
                let mut server = hyper::server::conn::http1::Builder::new();
                server.keep_alive(false).max_buf_size(REQUEST).timer(TokioTimer::new()).header_read_timeout(WITHIN);
                let _ = server.serve_connection(TokioIo::new(tcp), reply).await;
            }
            // The handshake is all there is (RFC 8737 §4).
            Self::Tls(Some(acceptor)) => {
                if let Ok(mut stream) = acceptor.accept(tcp).await {
                    let _ = stream.shutdown().await;
                }
            }
            Self::Tls(None) => {}
        }
    }
}

fn reply<B>(all: &HashMap<String, String>, request: &Request<B>) -> Response<Full<Bytes>> {
    let token = request.uri().path().strip_prefix(WELL_KNOWN).filter(|_| matches!(*request.method(), Method::GET | Method::HEAD));
    let found = token.and_then(|token| all.get(token));
    let mut response = Response::new(found.cloned().unwrap_or_default().into());
    if found.is_some() {
        response.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static("application/octet-stream"));
    } else {
        *response.status_mut() = StatusCode::NOT_FOUND;
    }
    response
}

/// Shows proofs to those who ask for nothing else.
#[derive(Debug)]
struct Proofs(HashMap<String, Arc<CertifiedKey>>);

impl ResolvesServerCert for Proofs {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let mut offered = hello.alpn()?;
        // Without a protocol rustls would go on.
        offered.any(|protocol| protocol == ALPN).then_some(())?;
        self.0.get(&hello.server_name()?.to_ascii_lowercase()).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_answered_and_nothing_else() {
        let all = HashMap::from([("abc".to_owned(), "abc.thumb".to_owned())]);
        let status = |method: Method, path: &str| {
            let request = Request::builder().method(method).uri(path).body(()).unwrap();
            reply(&all, &request).status().as_u16()
        };
        assert_eq!(status(Method::GET, "/.well-known/acme-challenge/abc"), 200);
        for path in ["/", "/.well-known/acme-challenge/", "/.well-known/acme-challenge/abcd", "/abc"] {
            assert_eq!(status(Method::GET, path), 404, "{path}");
        }
        assert_eq!(status(Method::POST, "/.well-known/acme-challenge/abc"), 404);
    }
}
