//! Host keys and public keys: how are they made, read and named? With the transport the only file that names russh.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::KeySize;
use russh::keys::ssh_key::{LineEnding, PublicKey as Public, certificate::CertType};
use russh::keys::{Algorithm, Certificate, HashAlg, PrivateKey};
use types::{Error, Reason, Secret};

/// A key that proves who this server is, with the certificates that vouch for it.
#[derive(Clone)]
pub struct HostKey {
    pub(super) key: PrivateKey,
    pub(super) certificates: Vec<Certificate>,
}

impl std::fmt::Debug for HostKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HostKey({})", self.fingerprint())
    }
}

/// Kinds of host keys that are made here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Ed25519 (RFC 8709), what clients of today use.
    Ed25519,
    /// RSA of 3072 bits (RFC 8332), for those that know nothing else.
    Rsa,
}

impl Kind {
    /// All, the one that is preferred first.
    pub const ALL: [Self; 2] = [Self::Ed25519, Self::Rsa];

    /// The name of its file, as OpenSSH calls it.
    pub const fn file(self) -> &'static str {
        match self {
            Self::Ed25519 => "ssh_host_ed25519_key",
            Self::Rsa => "ssh_host_rsa_key",
        }
    }
}

fn unfit(what: impl std::fmt::Display) -> Error {
    Error::with(Reason::SshHostKey, what.to_string())
}

/// The least bits of an RSA key that is taken.
const RSA_BITS: usize = 2_048;

impl HostKey {
    /// Makes a key. Takes a moment for RSA: for the blocking pool, or for start-up.
    ///
    /// # Errors
    /// [`Reason::SshHostKey`] where the system gives no random bytes.
    pub fn make(kind: Kind) -> Result<Self, Error> {
        let key = match kind {
            Kind::Ed25519 => {
                let mut seed = [0; 32];
                getrandom::fill(&mut seed).map_err(unfit)?;
                let pair = russh::keys::ssh_key::private::Ed25519Keypair::from_seed(&seed);
                PrivateKey::from(pair)
            }
            Kind::Rsa => {
                let pair = aws_lc_rs::rsa::KeyPair::generate(KeySize::Rsa3072).map_err(unfit)?;
                let der: Pkcs8V1Der<'_> = pair.as_der().map_err(unfit)?;
                russh::keys::decode_secret_key(&pem(der.as_ref()), None).map_err(unfit)?
            }
        };
        Ok(Self { key, certificates: Vec::new() })
    }

    /// Reads a private key in OpenSSH, PKCS #8 or PKCS #1 form, without a passphrase.
    ///
    /// # Errors
    /// [`Reason::SshHostKey`] with what is wrong with it.
    pub fn read(text: &str) -> Result<Self, Error> {
        let key = russh::keys::decode_secret_key(text, None).map_err(|e| match e {
            russh::keys::Error::KeyIsEncrypted => unfit("it has a passphrase, which nobody is there to type"),
            e => unfit(e),
        })?;
        if let Some(rsa) = key.public_key().key_data().rsa()
            && (rsa.key_size() as usize) < RSA_BITS
        {
            return Err(unfit(format!("an RSA key of {} bits is too short; {RSA_BITS} is the least", rsa.key_size())));
        }
        if matches!(key.algorithm(), Algorithm::Dsa) {
            return Err(unfit("DSA is broken; use Ed25519"));
        }
        Ok(Self { key, certificates: Vec::new() })
    }

    /// As a file keeps it (OpenSSH's form).
    ///
    /// # Errors
    /// [`Reason::SshHostKey`] where the key cannot be written in that form.
    pub fn text(&self) -> Result<Secret<String>, Error> {
        self.key.to_openssh(LineEnding::LF).map(|text| Secret::new(text.to_string())).map_err(unfit)
    }

    /// The public half, as a line of `known_hosts` has it behind the name.
    pub fn public(&self) -> String {
        self.key.public_key().to_openssh().unwrap_or_default()
    }

    /// `SHA256:…`, as clients show it when they ask whether to go on.
    pub fn fingerprint(&self) -> String {
        self.key.public_key().fingerprint(HashAlg::Sha256).to_string()
    }

    /// The algorithm's name: `ssh-ed25519`.
    pub fn algorithm(&self) -> String {
        self.key.algorithm().as_str().to_owned()
    }

    /// Adds a certificate (a line `ssh-ed25519-cert-v01@openssh.com AAAA…`) that vouches for this key.
    ///
    /// # Errors
    /// [`Reason::SshHostKey`]: it cannot be read, is no host certificate, or is another key's.
    pub fn certify(&mut self, text: &str) -> Result<(), Error> {
        let certificate = Certificate::from_openssh(text.trim()).map_err(unfit)?;
        if certificate.cert_type() != CertType::Host {
            return Err(unfit("that is a user's certificate and no host's (ssh-keygen -h makes one)"));
        }
        if certificate.public_key() != self.key.public_key().key_data() {
            return Err(unfit("it is for another host key"));
        }
        self.certificates.push(certificate);
        Ok(())
    }
}

/// PKCS #8 as PEM, which is what the reader of keys takes.
fn pem(der: &[u8]) -> String {
    use russh::keys::ssh_key::encoding::base64::{Base64, Encoding};
    let text = Base64::encode_string(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"))
}

/// A public key as `ssh-keygen` prints it (`ssh-ed25519 AAAA… comment`) in its wire form, and its fingerprint.
///
/// # Errors
/// [`Reason::Config`] with what is wrong with it.
pub fn public(text: &str) -> Result<(Box<[u8]>, String), Error> {
    let wrong = |e: &dyn std::fmt::Display| Error::with(Reason::Config, format!("that is no public key ({e})"));
    let key = Public::from_openssh(text.trim()).map_err(|e| wrong(&e))?;
    if let Some(rsa) = key.key_data().rsa()
        && (rsa.key_size() as usize) < RSA_BITS
    {
        return Err(wrong(&format!("RSA of {} bits is too short", rsa.key_size())));
    }
    if matches!(key.algorithm(), Algorithm::Dsa | Algorithm::Other(_)) {
        return Err(wrong(&format!("{} is not taken here", key.algorithm())));
    }
    let blob = key.to_bytes().map_err(|e| wrong(&e))?;
    Ok((blob.into(), key.fingerprint(HashAlg::Sha256).to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_made_kept_and_found_again() {
        for kind in Kind::ALL {
            let made = HostKey::make(kind).unwrap();
            let read = HostKey::read(made.text().unwrap().reveal()).unwrap();
            assert_eq!(made.fingerprint(), read.fingerprint());
            assert!(made.fingerprint().starts_with("SHA256:"), "{}", made.fingerprint());
            let (blob, fingerprint) = public(&made.public()).unwrap();
            assert_eq!(fingerprint, made.fingerprint());
            assert_eq!(&*blob, made.key.public_key().to_bytes().unwrap());
        }
        assert_eq!(HostKey::make(Kind::Rsa).unwrap().key.public_key().key_data().rsa().unwrap().key_size(), 3_072);
    }

    #[test]
    fn what_is_no_key_is_told_so() {
        for wrong in ["", "nonsense", "ssh-ed25519 AAAA", "ssh-dss AAAAB3NzaC1kc3MAAAA=", "ssh-ed25519"] {
            assert_eq!(public(wrong).unwrap_err().reason, Reason::Config, "{wrong:?}");
            assert_eq!(HostKey::read(wrong).unwrap_err().reason, Reason::SshHostKey, "{wrong:?}");
        }
        let mut key = HostKey::make(Kind::Ed25519).unwrap();
        assert_eq!(key.certify(&key.public()).unwrap_err().reason, Reason::SshHostKey, "a key is no certificate");
    }
}
