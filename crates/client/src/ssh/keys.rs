//! Which keys does somebody have, and how do they sign? In files, whose passphrase is asked for only once a server has taken
//! the public half, and with the agent.
#![allow(clippy::disallowed_methods, reason = "the reader of private keys and their certificates")]

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use io::task;
use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::{AgentClient, AgentStream};
use russh::keys::signature::Signer as _;
use russh::keys::ssh_key::Signature;
use russh::keys::ssh_key::private::KeypairData;
use russh::keys::{Certificate, HashAlg, PrivateKey, PublicKey, decode_secret_key, ssh_encoding::Encode};
use russh::{SendError, Signer};
use types::{Error, Reason, Secret};

use super::Dial;

/// How often a passphrase may be tried.
const TRIES: u32 = 3;
/// No file with a key is longer.
const MOST: u64 = 64 * 1_024;

/// A key in a file.
pub(super) struct Identity {
    pub(super) file: PathBuf,
    /// Its public half, where it can be had without a passphrase.
    pub(super) public: Option<PublicKey>,
    /// What stands in the file; nothing where only the public half is here, and the agent has the other.
    secret: Option<Secret<String>>,
}

/// The keys in files, and all certificates. Reads files: not for the reactor. What is there and cannot be used is told.
pub(super) fn read(dial: &Dial) -> (Vec<Identity>, Vec<Certificate>) {
    let tell = |file: &Path, why: &dyn std::fmt::Display| dial.questions.tell(&format!("{}: {why}", file.display()));
    let mut certificates = Vec::new();
    let beside = dial.identities.iter().map(|file| with_ending(file, "-cert.pub"));
    for file in beside.chain(dial.certificates.iter().cloned()) {
        match text(&file).map(|text| text.map(|text| Certificate::from_openssh(text.trim()))) {
            Ok(None) => {}
            Ok(Some(Ok(certificate))) => certificates.push(certificate),
            Ok(Some(Err(e))) => tell(&file, &format_args!("that is no certificate ({e})")),
            Err(e) => tell(&file, &e),
        }
    }
    let mut identities: Vec<Identity> = Vec::new();
    for file in &dial.identities {
        match identity(file) {
            Ok(Some(identity)) if identities.iter().all(|other| other.file != identity.file) => identities.push(identity),
            Ok(_) => {}
            Err(e) => tell(file, &e),
        }
    }
    (identities, certificates)
}

fn with_ending(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// A file's text; `None` where there is no such file.
fn text(file: &Path) -> std::io::Result<Option<String>> {
    match std::fs::metadata(file) {
        Ok(about) if about.len() > MOST => Err(std::io::Error::other("it is too long for a key")),
        Ok(_) => std::fs::read_to_string(file).map(Some),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

fn identity(file: &Path) -> Result<Option<Identity>, String> {
    let words = |e: std::io::Error| e.to_string();
    let public = || -> Result<Option<PublicKey>, String> {
        Ok(text(&with_ending(file, ".pub")).map_err(words)?.and_then(|text| text.parse().ok()))
    };
    let Some(secret) = text(file).map_err(words)? else {
        return Ok(public()?.map(|public| Identity { file: file.to_owned(), public: Some(public), secret: None }));
    };
    // A file with the public half alone names a key of the agent.
    if let Ok(public) = secret.parse::<PublicKey>() {
        return Ok(Some(Identity { file: file.to_owned(), public: Some(public), secret: None }));
    }
    let about = std::fs::metadata(file).map_err(words)?;
    if about.uid() == rustix::process::getuid().as_raw() && about.mode() & 0o077 != 0 {
        return Err(format!("others may read this private key, so it is not used: chmod 600 {}", file.display()));
    }
    let public = match PrivateKey::from_openssh(&secret) {
        Ok(key) => Some(key.public_key().clone()),
        Err(_) => match decode_secret_key(&secret, None) {
            Ok(key) => Some(key.public_key().clone()),
            Err(russh::keys::Error::KeyIsEncrypted) => public()?,
            Err(e) => return Err(format!("this private key cannot be read ({e})")),
        },
    };
    Ok(Some(Identity { file: file.to_owned(), public, secret: Some(Secret::new(secret)) }))
}

impl Identity {
    /// Whether the private half is here.
    pub(super) const fn is_whole(&self) -> bool {
        self.secret.is_some()
    }

    /// The private half. Its passphrase is asked for where it has one, once for all connections; `None` where nobody knows it.
    pub(super) async fn unlock(&self, dial: &Dial) -> Result<Option<Arc<PrivateKey>>, Error> {
        let remembered = || dial.remembered.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = remembered().get(&self.file) {
            return Ok(Some(key.clone()));
        }
        let Some(secret) = self.secret.clone() else { return Ok(None) };
        let (questions, file) = (dial.questions.clone(), self.file.clone());
        let unlocking = move || {
            match decode_secret_key(secret.reveal(), None) {
                Err(russh::keys::Error::KeyIsEncrypted) => {}
                Ok(key) => return Ok(Some(key)),
                Err(e) => return Err(Error::with(Reason::SshFailed, format!("{}: {e}", file.display()))),
            }
            for _ in 0..TRIES {
                let Some(phrase) = questions.secret(&format!("Passphrase of the key {}: ", file.display())) else {
                    return Ok(None);
                };
                if let Ok(key) = decode_secret_key(secret.reveal(), Some(phrase.reveal())) {
                    return Ok(Some(key));
                }
                if phrase.reveal().is_empty() {
                    return Ok(None);
                }
                questions.tell("that is not its passphrase");
            }
            Ok(None)
        };
        let Some(key) = task::blocking(unlocking).await?? else { return Ok(None) };
        let key = Arc::new(key);
        remembered().insert(self.file.clone(), key.clone());
        Ok(Some(key))
    }
}

/// Nothing was signed.
pub(super) struct Unsigned;

impl From<SendError> for Unsigned {
    fn from(_: SendError) -> Self {
        Self
    }
}

/// Signs with a key out of a file.
pub(super) struct ByFile<'a> {
    pub(super) identity: &'a Identity,
    pub(super) dial: &'a Dial,
}

impl Signer for ByFile<'_> {
    type Error = Unsigned;

    async fn auth_sign(&mut self, _: &AgentIdentity, hash: Option<HashAlg>, mut data: Vec<u8>) -> Result<Vec<u8>, Unsigned> {
        let Ok(Some(key)) = self.identity.unlock(self.dial).await else { return Err(Unsigned) };
        let signature: Signature = match key.key_data() {
            KeypairData::Rsa(pair) => (pair, hash).try_sign(&data),
            _ => key.try_sign(&data),
        }
        .map_err(|_| Unsigned)?;
        // What is signed goes back with the signature behind it, as a string in a string (RFC 4252 §7).
        let mut blob = Vec::new();
        signature.encode(&mut blob).and_then(|()| blob.encode(&mut data)).map_err(|_| Unsigned)?;
        Ok(data)
    }
}

/// Signs with a key of the agent, which need not hold the certificate.
pub(super) struct ByAgent<'a, S: AgentStream>(pub(super) &'a mut AgentClient<S>);

impl<S: AgentStream + Unpin + Send> Signer for ByAgent<'_, S> {
    type Error = Unsigned;

    async fn auth_sign(&mut self, shown: &AgentIdentity, hash: Option<HashAlg>, data: Vec<u8>) -> Result<Vec<u8>, Unsigned> {
        let key = shown.public_key().into_owned();
        let plain = AgentIdentity::PublicKey { key, comment: String::new() };
        self.0.sign_request(&plain, hash, data).await.map_err(|_| Unsigned)
    }
}
