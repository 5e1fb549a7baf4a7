//! How is an authority spoken to? Over HTTPS (RFC 8555 §6.1), with a limit to how long an answer takes and how large it
//! is.

use std::error::Error as _;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use hyper::Request;
use hyper::body::Bytes;
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use io::CancellationToken;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use types::Reason;

use super::Failure;

/// How long one answer may take, from connecting to its last byte.
const WITHIN: Duration = Duration::from_secs(60);
/// The largest answer: a chain of certificates has a few kilobytes.
const MOST: usize = 256 * 1024;

/// Speaks HTTPS for one order.
pub(super) struct Https {
    client: Client<HttpsConnector<HttpConnector>, BodyWrapper<Bytes>>,
}

impl Https {
    /// Trusts the roots in a file, or those this system trusts. Connections end with `life`. Reads files: that blocks.
    pub(super) fn new(roots: Option<&Path>, life: &CancellationToken) -> Result<Self, Failure> {
        let failed = |why: String| Failure::new(Reason::AcmeUnreachable, why);
        let builder = ClientConfig::builder_with_provider(super::provider())
            .with_safe_default_protocol_versions()
            .map_err(|e| failed(e.to_string()))?;
        let builder = match roots {
            Some(file) => builder.with_root_certificates(read(file).map_err(failed)?),
            None => builder.with_native_roots().map_err(|e| failed(format!("this system trusts nobody: {e}")))?,
        };
        let connector =
            HttpsConnectorBuilder::new().with_tls_config(builder.with_no_client_auth()).https_only().enable_http1().build();
        Ok(Self { client: Client::builder(Tasks(life.clone())).build(connector) })
    }
}

fn read(file: &Path) -> Result<RootCertStore, String> {
    let failed = |why: &dyn std::fmt::Display| format!("{}: {why}", file.display());
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|e| failed(&e))? {
        store.add(certificate.map_err(|e| failed(&e))?).map_err(|e| failed(&e))?;
    }
    Ok(store)
}

impl HttpClient for Https {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let answer = self.client.request(request);
        let whole = async {
            let (parts, body) = answer.await.map_err(|e| Error::Other(Box::new(e)))?.into_parts();
            let body = Limited::new(body, MOST).collect().await.map_err(Error::Other)?.to_bytes();
            Ok(BytesResponse { parts, body: Box::new(body) })
        };
        Box::pin(async {
            let late = || Error::Other(format!("no answer within {} s", WITHIN.as_secs()).into());
            tokio::time::timeout(WITHIN, whole).await.map_err(|_| late())?
        })
    }
}

/// Drives connections in tasks that have a parent.
#[derive(Clone)]
struct Tasks(CancellationToken);

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for Tasks {
    fn execute(&self, connection: F) {
        drop(io::task::spawn("acme connection", &self.0, connection));
    }
}

/// Why an authority could not be asked, or what it said.
pub(super) fn failure(error: &Error) -> Failure {
    match error {
        Error::Api(problem) => Failure::new(Reason::AcmeRefused, told(problem)),
        Error::Timeout(_) => Failure::new(Reason::AcmeUnreachable, "it did not come to an end with the order"),
        // What went wrong stands at the end of the chain: "client error", "connect error", "connection refused".
        other => {
            let mut words = other.to_string();
            let mut source = other.source();
            while let Some(deeper) = source {
                let more = deeper.to_string();
                if !words.contains(&more) {
                    words = format!("{words}: {more}");
                }
                source = deeper.source();
            }
            Failure::new(Reason::AcmeUnreachable, words)
        }
    }
}

/// What an authority said (RFC 8555 §6.7).
pub(super) fn told(problem: &instant_acme::Problem) -> String {
    let kind = problem.r#type.as_deref().map_or("no kind", |t| t.rsplit(':').next().unwrap_or(t));
    let mut words = format!("it says “{}” ({kind})", problem.detail.as_deref().unwrap_or("nothing more"));
    for sub in &problem.subproblems {
        words.push_str(&format!("; {sub}"));
    }
    // An authority is somebody else, and what it says goes to a line of the log.
    words.chars().map(|c| if c.is_control() { ' ' } else { c }).take(1_000).collect()
}

/// Whether a problem is of a kind: `accountDoesNotExist`.
pub(super) fn is(error: &Error, kind: &str) -> bool {
    matches!(error, Error::Api(p) if p.r#type.as_deref().and_then(|t| t.strip_prefix("urn:ietf:params:acme:error:")) == Some(kind))
}
