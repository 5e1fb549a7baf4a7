//! Which certificate is shown, and whom does it name? Loaded from PEM files with errors that name the file, chosen by
//! the name the client asks for (SNI, RFC 6066 §3), and replaced as a whole while sessions run.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use rcgen::{CertificateParams, DnType, KeyPair};
use rustls::RootCertStore;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest, Sha256};
use types::{Secret, Time};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::provider;
use crate::clock;

/// The largest file read: chains have a few kilobytes, lists of roots some hundred.
const MOST: u64 = 4 * 1024 * 1024;

/// When the end of a certificate is near enough to warn of it.
const SOON: i64 = 14 * DAY;

const DAY: i64 = 24 * 3600;

/// Where a certificate is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Files {
    /// The certificate and those that lead to its root, in PEM form, its own first.
    pub certificate: PathBuf,
    /// Its key; may be the same file.
    pub key: PathBuf,
    /// Names to show it for besides its own.
    pub names: Vec<Box<str>>,
}

/// Why a certificate, a key or roots cannot be used. Prints the file and what is wrong with it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LoadError {
    file: Option<PathBuf>,
    what: Box<str>,
}

impl LoadError {
    fn new(file: &Path, what: impl Into<Box<str>>) -> Self {
        Self { file: Some(file.into()), what: what.into() }
    }

    pub(super) fn of(error: &impl fmt::Display) -> Self {
        Self { file: None, what: error.to_string().into() }
    }

    /// The file, where one is to blame.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.file {
            Some(file) => write!(f, "{}: {}", file.display(), self.what),
            None => f.write_str(&self.what),
        }
    }
}

impl std::error::Error for LoadError {}

/// A certificate with its key, ready to be shown.
#[derive(Clone, Debug)]
pub struct Certificate {
    key: Arc<CertifiedKey>,
    names: Box<[Box<str>]>,
    begins: Time,
    ends: Time,
    fingerprint: [u8; 32],
}

impl Certificate {
    /// Reads certificate and key from their files. Blocks.
    ///
    /// # Errors
    /// Which file cannot be used, and why.
    pub fn load(files: &Files) -> Result<Self, LoadError> {
        let chain = read(&files.certificate)?;
        let key = read(&files.key)?;
        let mut certificate = Self::from_pem(&chain, &key, &files.certificate, &files.key)?;
        certificate.names = certificate.names.iter().chain(&files.names).cloned().collect();
        Ok(certificate)
    }

    /// Takes certificate and key out of PEM text. The paths are for errors only.
    ///
    /// # Errors
    /// Which of the two cannot be used, and why.
    pub fn from_pem(chain: &[u8], key: &[u8], chain_file: &Path, key_file: &Path) -> Result<Self, LoadError> {
        let chain = certificates(chain, chain_file)?;
        let key = private_key(key, key_file)?;
        let own = chain.first().ok_or_else(|| LoadError::new(chain_file, NO_CERTIFICATE))?;
        let (_, parsed) = X509Certificate::from_der(own)
            .map_err(|e| LoadError::new(chain_file, format!("the first certificate cannot be read: {e}")))?;
        let time = |t: x509_parser::time::ASN1Time| Time::from_seconds(t.timestamp());
        let (begins, ends) = (time(parsed.validity().not_before), time(parsed.validity().not_after));
        let names = names_for_hosts(&parsed);
        let fingerprint = Sha256::digest(own).into();
        let key = CertifiedKey::from_der(chain, key, &provider()).map_err(|e| match e {
            rustls::Error::InconsistentKeys(_) => {
                LoadError::new(key_file, format!("the key does not belong to the first certificate in {}", chain_file.display()))
            }
            other => LoadError::new(key_file, format!("the key cannot be used: {other}")),
        })?;
        Ok(Self { key: Arc::new(key), names, begins, ends, fingerprint })
    }

    pub(super) fn key(&self) -> Arc<CertifiedKey> {
        self.key.clone()
    }

    /// The names it is shown for: DNS names (perhaps with `*.` before them) and IP addresses.
    pub fn names(&self) -> &[Box<str>] {
        &self.names
    }

    /// When it ends.
    pub const fn ends(&self) -> Time {
        self.ends
    }

    /// The SHA-256 of the certificate, as people compare it: pairs of digits with colons.
    pub fn fingerprint(&self) -> String {
        hex(&self.fingerprint)
    }

    /// What is to be said about its time: that it has ended, ends soon, or has not begun.
    pub fn warning(&self, now: Time) -> Option<String> {
        let left = self.ends.seconds - now.seconds;
        if left < 0 {
            Some(format!("has expired on {}", date(self.ends)))
        } else if now.seconds < self.begins.seconds {
            Some(format!("is not valid before {}", date(self.begins)))
        } else if left < SOON {
            Some(format!("expires on {}, in {} days", date(self.ends), left / DAY))
        } else {
            None
        }
    }

    /// How well it fits the name that a client asked for: exactly, by its wildcard, or not.
    fn fits(&self, asked: &str) -> Option<Fit> {
        let parent = asked.split_once('.').map(|(_, parent)| parent);
        let mut best = None;
        for name in &self.names {
            if name.eq_ignore_ascii_case(asked) {
                return Some(Fit::Exact);
            }
            if let (Some(suffix), Some(parent)) = (name.strip_prefix("*."), parent)
                && suffix.eq_ignore_ascii_case(parent)
            {
                best = Some(Fit::Wildcard);
            }
        }
        best
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fit {
    Exact,
    Wildcard,
}

/// A fingerprint as people compare it: AB:CD:…
pub(super) fn hex(fingerprint: &[u8; 32]) -> String {
    fingerprint.iter().map(|b| format!("{b:02X}")).collect::<Vec<_>>().join(":")
}

pub(super) fn date(time: Time) -> String {
    let civil = time.civil();
    format!("{:04}-{:02}-{:02}", civil.year, civil.month, civil.day)
}

/// The certificates a listener shows. Clones share them; [`Certificates::replace`] changes what the next handshake is
/// shown, and no session that runs.
#[derive(Clone, Debug)]
pub struct Certificates {
    all: Arc<ArcSwap<Box<[Certificate]>>>,
}

impl Certificates {
    /// These, the first of which is shown to clients that ask for no name or for one that none has.
    pub fn new(all: Vec<Certificate>) -> Self {
        Self { all: Arc::new(ArcSwap::from_pointee(all.into())) }
    }

    /// Shows others from now on.
    pub fn replace(&self, all: Vec<Certificate>) {
        self.all.store(Arc::new(all.into()));
    }

    /// Those in use now.
    pub fn all(&self) -> Arc<Box<[Certificate]>> {
        self.all.load_full()
    }

    /// The one for a name. Of several that fit alike, the first with which `usable` is content.
    fn choose(&self, asked: Option<&str>, usable: impl Fn(&Certificate) -> bool) -> Option<Arc<CertifiedKey>> {
        let all = self.all.load();
        let by = |fit: Fit| all.iter().find(|c| usable(c) && asked.is_some_and(|name| c.fits(name) == Some(fit)));
        let chosen =
            by(Fit::Exact).or_else(|| by(Fit::Wildcard)).or_else(|| all.iter().find(|c| usable(c))).or_else(|| all.first());
        chosen.map(|c| c.key.clone())
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.choose(hello.server_name(), |c| c.key.key.choose_scheme(hello.signature_schemes()).is_some())
    }
}

/// Whose certificates are trusted.
#[derive(Clone, Debug)]
pub struct Roots(Arc<RootCertStore>);

impl Roots {
    /// Reads them from a file with certificates in PEM form. Blocks.
    ///
    /// # Errors
    /// The file, and why it cannot be used.
    pub fn load(file: &Path) -> Result<Self, LoadError> {
        Self::from_pem(&read(file)?, file)
    }

    /// Takes them out of PEM text. The path is for errors only.
    ///
    /// # Errors
    /// Why they cannot be used.
    pub fn from_pem(pem: &[u8], file: &Path) -> Result<Self, LoadError> {
        let mut store = RootCertStore::empty();
        for certificate in certificates(pem, file)? {
            store.add(certificate).map_err(|e| LoadError::new(file, format!("a certificate in it cannot be used: {e}")))?;
        }
        Ok(Self(Arc::new(store)))
    }

    pub(super) fn store(&self) -> Arc<RootCertStore> {
        self.0.clone()
    }
}

const NO_CERTIFICATE: &str = "holds no certificate in PEM form (“-----BEGIN CERTIFICATE-----”)";

#[allow(clippy::disallowed_methods, reason = "the owner of certificate files")]
fn read(file: &Path) -> Result<Vec<u8>, LoadError> {
    use std::io::{Error, ErrorKind, Read};
    let fault = |e: Error| {
        let what = match e.kind() {
            ErrorKind::NotFound => "there is no such file".to_owned(),
            ErrorKind::PermissionDenied => "this process may not read it".to_owned(),
            ErrorKind::IsADirectory => "it is a folder".to_owned(),
            _ => format!("it cannot be read: {e}"),
        };
        LoadError::new(file, what)
    };
    let mut bytes = Vec::new();
    let open = std::fs::File::open(file).map_err(fault)?;
    open.take(MOST + 1).read_to_end(&mut bytes).map_err(fault)?;
    if bytes.len() as u64 > MOST {
        return Err(LoadError::new(file, "it is too large to be a list of certificates"));
    }
    Ok(bytes)
}

fn certificates(pem: &[u8], file: &Path) -> Result<Vec<CertificateDer<'static>>, LoadError> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match all {
        Ok(all) if all.is_empty() => Err(LoadError::new(file, NO_CERTIFICATE)),
        Ok(all) => Ok(all),
        Err(e) => Err(LoadError::new(file, format!("is no proper PEM: {e}"))),
    }
}

fn private_key(pem: &[u8], file: &Path) -> Result<PrivateKeyDer<'static>, LoadError> {
    let holds = |text: &str| memchr::memmem::find(pem, text.as_bytes()).is_some();
    if holds("BEGIN ENCRYPTED PRIVATE KEY") || holds("Proc-Type: 4,ENCRYPTED") {
        let what = "the key is encrypted, and there is nobody to ask for its password; take the encryption away (openssl pkey -in FILE -out NEW)";
        return Err(LoadError::new(file, what));
    }
    PrivateKeyDer::from_pem_slice(pem).map_err(|e| match e {
        rustls_pki_types::pem::Error::NoItemsFound => {
            LoadError::new(file, "holds no private key in PEM form (“-----BEGIN PRIVATE KEY-----”)")
        }
        other => LoadError::new(file, format!("is no proper PEM: {other}")),
    })
}

/// The names a server's certificate is good for (RFC 9525 §2): the alternative ones, else the common name.
fn names_for_hosts(certificate: &X509Certificate<'_>) -> Box<[Box<str>]> {
    let mut names = alternatives(certificate, |name| match name {
        GeneralName::DNSName(name) => Some((*name).into()),
        GeneralName::IPAddress(bytes) => address(bytes).map(|a| a.to_string().into()),
        _ => None,
    });
    if names.is_empty() {
        names.extend(common_name(certificate));
    }
    names.into()
}

/// The names a user's certificate can stand for: DNS names, addresses of mail, URIs, and the common name.
pub(super) fn names_for_login(der: &[u8]) -> Box<[Box<str>]> {
    let Ok((_, certificate)) = X509Certificate::from_der(der) else {
        return Box::default();
    };
    let mut names = alternatives(&certificate, |name| match name {
        GeneralName::DNSName(name) | GeneralName::RFC822Name(name) | GeneralName::URI(name) => Some((*name).into()),
        _ => None,
    });
    names.extend(common_name(&certificate).filter(|name| !names.contains(name)));
    names.into()
}

/// Names with control characters in them are nobody's: they could forge lines of a log.
fn is_fair(name: &str) -> bool {
    !name.is_empty() && !name.chars().any(char::is_control)
}

fn alternatives(certificate: &X509Certificate<'_>, pick: impl Fn(&GeneralName<'_>) -> Option<Box<str>>) -> Vec<Box<str>> {
    match certificate.subject_alternative_name() {
        Ok(Some(extension)) => extension.value.general_names.iter().filter_map(pick).filter(|name| is_fair(name)).collect(),
        _ => Vec::new(),
    }
}

fn common_name(certificate: &X509Certificate<'_>) -> Option<Box<str>> {
    certificate.subject().iter_common_name().filter_map(|name| name.as_str().ok()).find(|name| is_fair(name)).map(Into::into)
}

fn address(bytes: &[u8]) -> Option<std::net::IpAddr> {
    let four = <[u8; 4]>::try_from(bytes).map(Into::into);
    four.or_else(|_| <[u8; 16]>::try_from(bytes).map(Into::into)).ok()
}

/// Makes a certificate that vouches for itself, for ten years, and its key: both in PEM form. Who keeps the key keeps
/// it to itself (mode 0600).
///
/// # Errors
/// Where a name cannot stand in a certificate.
pub fn self_signed(names: &[&str]) -> Result<(String, Secret<String>), LoadError> {
    let mut params =
        CertificateParams::new(names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>()).map_err(|e| LoadError::of(&e))?;
    let common = names.first().copied().unwrap_or("carrack");
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common);
    // From yesterday on: clocks of clients are late.
    let now = clock::wall().seconds;
    let day = |seconds: i64| {
        let civil = Time::from_seconds(seconds).civil();
        let small = |n: u32| u8::try_from(n).unwrap_or(1);
        rcgen::date_time_ymd(i32::try_from(civil.year).unwrap_or(i32::MAX), small(civil.month), small(civil.day))
    };
    params.not_before = day(now - DAY);
    params.not_after = day(now + 3652 * DAY);
    let key = KeyPair::generate().map_err(|e| LoadError::of(&e))?;
    let certificate = params.self_signed(&key).map_err(|e| LoadError::of(&e))?;
    Ok((certificate.pem(), Secret::new(key.serialize_pem())))
}

#[cfg(test)]
pub(super) const fn fingerprint_of(certificate: &Certificate) -> [u8; 32] {
    certificate.fingerprint
}
