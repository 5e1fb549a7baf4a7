//! Where are an account with an authority and the certificate it issued kept? In files that nobody but the server's user
//! reads; each authority has a folder of its own.
#![allow(clippy::disallowed_methods, reason = "the owner of what an authority gave")]

use std::io::Error;
use std::path::{Path, PathBuf};

use instant_acme::AccountCredentials;
use io::tls::{Certificate, Files};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};
use types::{Reason, Secret, Time};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::Failure;
use crate::config::Acme;
use crate::secret;

/// Chain and key in one file, so that there is no moment in which they do not belong together.
const CERTIFICATE: &str = "certificate.pem";
const ACCOUNT: &str = "account.json";
const PROBE: &str = "probe";

/// The files of one authority.
#[derive(Clone, Debug)]
pub(crate) struct State {
    folder: PathBuf,
}

/// A certificate that is kept.
pub(super) struct Kept {
    pub(super) names: Vec<Box<str>>,
    pub(super) begins: Time,
    pub(super) ends: Time,
}

impl Kept {
    /// Out of a chain and its key; `None` where they are of no use.
    pub(super) fn read(chain: &[u8], key: &[u8]) -> Option<Self> {
        let file = Path::new(CERTIFICATE);
        let certificate = Certificate::from_pem(chain, key, file, file).ok()?;
        let first = CertificateDer::from_pem_slice(chain).ok()?;
        let (_, parsed) = X509Certificate::from_der(&first).ok()?;
        let begins = Time::from_seconds(parsed.validity().not_before.timestamp());
        Some(Self { names: certificate.names().to_vec(), begins, ends: certificate.ends() })
    }
}

/// An account that is kept, and the addresses the authority has for it.
pub(super) struct Account {
    pub(super) credentials: AccountCredentials,
    pub(super) contact: Vec<Box<str>>,
}

impl State {
    /// Where the configuration says.
    pub(crate) fn of(acme: &Acme) -> Self {
        let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '-' };
        let url = acme.directory.split_once("://").map_or(&*acme.directory, |(_, rest)| rest);
        Self { folder: acme.state.join(url.chars().map(plain).collect::<String>()) }
    }

    /// The file that certificate and key are in once there are any.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.folder.join(CERTIFICATE)
    }

    /// The files to read it from, where there are any.
    fn files(&self) -> Option<Files> {
        let file = self.certificate();
        file.exists().then(|| Files { certificate: file.clone(), key: file, names: Vec::new() })
    }

    /// The certificate that is kept, where there is one of use. A file that holds none is as good as none: another is
    /// ordered and takes its place.
    pub(crate) fn shown(&self) -> Option<Certificate> {
        Certificate::load(&self.files()?).ok()
    }

    /// What it is, for the question when to renew it.
    pub(super) fn kept(&self) -> Option<Kept> {
        let pem = std::fs::read(self.certificate()).ok()?;
        Kept::read(&pem, &pem)
    }

    /// Sees whether something can be kept, before an authority is asked for it: what it gives cannot be had again.
    pub(super) fn probe(&self) -> Result<(), Failure> {
        self.write(PROBE, &[])?;
        std::fs::remove_file(self.folder.join(PROBE)).map_err(|e| self.failed(PROBE, &e))
    }

    /// Makes the folder before rights are given up, for the user that the process becomes. One that stands is left as it
    /// is.
    pub(crate) fn prepare(&self, user: Option<&str>) -> Result<(), Error> {
        // One that the process is to write in must stand before it is confined to those it writes in.
        let missing: Vec<&Path> = self.folder.ancestors().take(2).filter(|f| !f.is_dir()).collect();
        secret::folder(&self.folder)?;
        let Some(user) = user.filter(|_| nix::unistd::geteuid().is_root()) else { return Ok(()) };
        // Whoever becomes the user says that there is none.
        let Some(user) = nix::unistd::User::from_name(user)? else { return Ok(()) };
        missing.iter().try_for_each(|f| std::os::unix::fs::chown(f, Some(user.uid.as_raw()), Some(user.gid.as_raw())))
    }

    /// Keeps a certificate and its key.
    pub(super) fn keep(&self, chain: &str, key: &Secret<String>) -> Result<(), Failure> {
        self.write(CERTIFICATE, &[chain.as_bytes(), b"\n", key.reveal().as_bytes()])
    }

    /// The account, where there is one of use.
    pub(super) fn account(&self) -> Option<Account> {
        let mut told: Value = serde_json::from_slice(&std::fs::read(self.folder.join(ACCOUNT)).ok()?).ok()?;
        let contact = told.get("contact")?.as_array()?.iter().filter_map(|c| c.as_str().map(Into::into)).collect();
        let credentials = serde_json::from_value(told.get_mut("credentials")?.take()).ok()?;
        Some(Account { credentials, contact })
    }

    /// Keeps an account.
    pub(super) fn keep_account(&self, account: &Account) -> Result<(), Failure> {
        let credentials = serde_json::to_value(&account.credentials).map_err(|e| self.failed(ACCOUNT, &e))?;
        let contact: Vec<&str> = account.contact.iter().map(|c| &**c).collect();
        let text = json!({ "contact": contact, "credentials": credentials }).to_string();
        self.write(ACCOUNT, &[text.as_bytes()])
    }

    /// Keeps what the authority knows of the account now.
    pub(super) fn change_contact(&self, contact: Vec<Box<str>>) -> Result<(), Failure> {
        match self.account() {
            Some(account) => self.keep_account(&Account { contact, ..account }),
            None => Ok(()),
        }
    }

    fn write(&self, name: &str, parts: &[&[u8]]) -> Result<(), Failure> {
        secret::write(&self.folder, name, parts).map_err(|e| self.failed(name, &e))
    }

    fn failed(&self, name: &str, why: &dyn std::fmt::Display) -> Failure {
        Failure::new(Reason::AcmeState, format!("{} cannot be written: {why}", self.folder.join(name).display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn what_is_kept_is_for_the_owner_alone_and_comes_back() {
        let place = tempfile::tempdir().unwrap();
        let acme = super::super::tests::acme(place.path(), "https://ca.example/dir?x", &["ftp.example.com"]);
        let state = State::of(&acme);
        assert!(state.folder.ends_with("ca.example-dir-x"), "{:?}", state.folder);
        assert!(state.kept().is_none() && state.files().is_none() && state.account().is_none());
        let (chain, key) = io::tls::self_signed(&["ftp.example.com"]).unwrap();
        state.keep(&chain, &key).unwrap();
        let kept = state.kept().unwrap();
        assert_eq!(kept.names, ["ftp.example.com".into()]);
        assert!(kept.begins.seconds < io::clock::wall().seconds && kept.ends.seconds > io::clock::wall().seconds);
        assert_eq!((mode(&state.certificate()), mode(&state.folder)), (0o600, 0o700));
        // Over what stands, and nothing is left beside it.
        state.keep(&chain, &key).unwrap();
        assert_eq!(std::fs::read_dir(&state.folder).unwrap().count(), 1);
        std::fs::write(state.certificate(), "nonsense").unwrap();
        std::fs::write(state.folder.join(ACCOUNT), "nonsense").unwrap();
        assert!(state.kept().is_none() && state.account().is_none());
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_said() {
        let place = tempfile::tempdir().unwrap();
        std::fs::write(place.path().join("file"), "").unwrap();
        let acme = super::super::tests::acme(&place.path().join("file"), "https://ca.example/dir", &["a.example"]);
        let (chain, key) = io::tls::self_signed(&["a.example"]).unwrap();
        let failure = State::of(&acme).keep(&chain, &key).unwrap_err();
        assert_eq!(failure.reason, Reason::AcmeState);
        assert!(failure.detail.contains("certificate.pem cannot be written"), "{}", failure.detail);
        assert_eq!(State::of(&acme).probe().unwrap_err().reason, Reason::AcmeState);
        assert!(State::of(&acme).prepare(None).is_err());
        let acme = super::super::tests::acme(&place.path().join("new/one"), "https://ca.example/dir", &["a.example"]);
        let state = State::of(&acme);
        state.prepare(Some("no such user")).unwrap();
        assert_eq!((mode(&acme.state), mode(&state.folder)), (0o700, 0o700));
        state.probe().unwrap();
        assert_eq!(std::fs::read_dir(&state.folder).unwrap().count(), 0, "nothing is left behind");
    }
}
