//! Who signs the certificates of tests? An authority of the test's own, whose certificate clients are told to trust.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, SanType, date_time_ymd,
};
use std::fs;
use std::net::IpAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// An authority, and what it has signed, as files in a folder.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: PathBuf,
}

impl Authority {
    /// Makes one, with its certificate in `folder`.
    ///
    /// # Panics
    /// Where files cannot be written.
    pub fn new(folder: &Path) -> Self {
        fs::create_dir_all(folder).expect("a folder");
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "The test's own authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a certificate");
        fs::write(folder.join("ca.pem"), issuer.pem()).expect("write");
        Self { issuer, folder: folder.to_path_buf() }
    }

    /// The file with the authority's own certificate.
    pub fn file(&self) -> String {
        self.place("ca.pem")
    }

    fn place(&self, name: &str) -> String {
        self.folder.join(name).to_str().expect("a UTF-8 path").to_owned()
    }

    /// A certificate and its key for a server on this machine: `localhost` and the addresses of loopback. Their files.
    pub fn server(&self) -> (String, String) {
        let usual = CertificateParams::default();
        self.sign("server", &["localhost", "127.0.0.1", "::1"].map(alternative), ExtendedKeyUsagePurpose::ServerAuth, usual)
    }

    /// A server's certificate for these names that is valid from the first of one year to the first of another, and its key.
    /// Their files.
    pub fn server_valid(&self, names: &[&str], years: Range<i32>) -> (String, String) {
        let mut params = CertificateParams::default();
        (params.not_before, params.not_after) = (date_time_ymd(years.start, 1, 1), date_time_ymd(years.end, 1, 1));
        let names: Vec<_> = names.iter().copied().map(alternative).collect();
        self.sign("server", &names, ExtendedKeyUsagePurpose::ServerAuth, params)
    }

    /// A certificate for these names that nobody has signed but its own key, and that. Their files.
    ///
    /// # Panics
    /// Where files cannot be written.
    pub fn self_signed(folder: &Path, names: &[&str]) -> (String, String) {
        let (mut params, key) = (CertificateParams::default(), KeyPair::generate().expect("a key"));
        params.subject_alt_names = names.iter().copied().map(alternative).collect();
        let certificate = params.self_signed(&key).expect("a certificate");
        let [at, key_at] = ["self.pem", "self.key"].map(|name| folder.join(name).to_str().expect("a UTF-8 path").to_owned());
        fs::write(&at, certificate.pem()).expect("write");
        fs::write(&key_at, key.serialize_pem()).expect("write");
        (at, key_at)
    }

    /// Where its files are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A certificate and its key for a client of this name. Their files.
    pub fn client(&self, name: &str) -> (String, String) {
        self.sign(name, &[alternative(name)], ExtendedKeyUsagePurpose::ClientAuth, CertificateParams::default())
    }

    fn sign(
        &self,
        file: &str,
        names: &[SanType],
        usage: ExtendedKeyUsagePurpose,
        mut params: CertificateParams,
    ) -> (String, String) {
        params.distinguished_name.push(DnType::CommonName, file);
        params.subject_alt_names = names.to_vec();
        params.extended_key_usages = vec![usage];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let (at, key_at) = (self.place(&format!("{file}.pem")), self.place(&format!("{file}.key")));
        fs::write(&at, certificate.pem()).expect("write");
        fs::write(&key_at, key.serialize_pem()).expect("write");
        (at, key_at)
    }
}

/// A name as a certificate has it.
fn alternative(name: &str) -> SanType {
    match name.parse::<IpAddr>() {
        Ok(ip) => SanType::IpAddress(ip),
        Err(_) => SanType::DnsName(name.try_into().expect("a name")),
    }
}
