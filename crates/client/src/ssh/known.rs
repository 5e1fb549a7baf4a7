//! What is known of a server's key? Lines of OpenSSH's form (sshd(8), known_hosts): names with wildcards or hashed, ports,
//! authorities (`@cert-authority`) and keys that were withdrawn (`@revoked`).

use std::path::{Path, PathBuf};

use aws_lc_rs::{hmac, rand};
use russh::keys::ssh_key::certificate::CertType;
use russh::keys::ssh_key::encoding::base64::{Base64, Encoding};
use russh::keys::ssh_key::known_hosts::{Entry, HostPatterns, Marker};
use russh::keys::{Algorithm, Certificate, HashAlg, PublicKey, PublicKeyOrCertificate};
use types::{Error, Reason};

use super::config::wild;

/// One line about the server that is meant.
struct Line {
    file: PathBuf,
    number: usize,
    marker: Option<Marker>,
    key: PublicKey,
}

/// All that is known of one server.
pub struct Known {
    /// The server as a line names it: `name`, or `[name]:port`.
    name: String,
    lines: Vec<Line>,
    /// The lines of plain keys about others, with their names as they stand there.
    others: Vec<(Line, String)>,
}

/// What a server's key means.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    /// It is known.
    Same,
    /// Nothing speaks for or against it. It stands in these places under other names.
    New(Vec<String>),
}

/// A server as a line names it.
pub(super) fn name_of(host: &str, port: u16) -> String {
    let host = host.to_ascii_lowercase();
    if port == 22 { host } else { format!("[{host}]:{port}") }
}

impl Known {
    /// Nothing yet, of the server with this name.
    pub const fn new(name: String) -> Self {
        Self { name, lines: Vec::new(), others: Vec::new() }
    }

    /// Takes in a file. Lines that cannot be read are passed over, as OpenSSH does: they may be of kinds that are gone.
    pub fn read(&mut self, file: &Path, text: &str) {
        for (number, line) in (1..).zip(text.lines()) {
            let words: Vec<&str> = line.split_whitespace().collect();
            if words.first().is_none_or(|word| word.starts_with('#')) {
                continue;
            }
            let Ok(entry) = words.join(" ").parse::<Entry>() else { continue };
            let marker = entry.marker().copied();
            let patterns = entry.host_patterns().to_string();
            let is_meant = means(entry.host_patterns(), &self.name);
            let line = Line { file: file.to_owned(), number, marker, key: entry.into() };
            match (is_meant, marker) {
                (true, _) => self.lines.push(line),
                (false, None) => self.others.push((line, patterns)),
                (false, Some(_)) => {}
            }
        }
    }

    /// The kinds of keys that are known of it: a server that has several shall show one of these.
    pub fn kinds(&self) -> Vec<Algorithm> {
        self.lines.iter().filter(|line| line.marker.is_none()).map(|line| line.key.algorithm()).collect()
    }

    /// Whether an authority vouches for servers of this name.
    pub fn has_authority(&self) -> bool {
        self.lines.iter().any(|line| line.marker == Some(Marker::CertAuthority))
    }

    /// Judges what a server shows at a time (seconds since 1970). Its certificate's own signature is judged here, too.
    ///
    /// # Errors
    /// [`Reason::HostKeyRevoked`], [`Reason::HostKeyChanged`] with the file and line, [`Reason::HostCertificate`].
    pub(super) fn judge(&self, host: &str, shown: &PublicKeyOrCertificate, now: u64) -> Result<Verdict, Error> {
        match shown {
            PublicKeyOrCertificate::PublicKey { key, .. } => self.judge_key(key),
            PublicKeyOrCertificate::Certificate(certificate) => self.judge_certificate(host, certificate, now),
        }
    }

    fn not_revoked(&self, key: &PublicKey) -> Result<(), Error> {
        let is_it = |line: &&Line| line.marker == Some(Marker::Revoked) && line.key.key_data() == key.key_data();
        match self.lines.iter().find(is_it) {
            None => Ok(()),
            Some(line) => Err(Error::with(
                Reason::HostKeyRevoked,
                format!("{}: {} line {} revokes {}", self.name, line.file.display(), line.number, fingerprint(key)),
            )),
        }
    }

    fn judge_key(&self, key: &PublicKey) -> Result<Verdict, Error> {
        self.not_revoked(key)?;
        let plain = || self.lines.iter().filter(|line| line.marker.is_none());
        if plain().any(|line| line.key.key_data() == key.key_data()) {
            return Ok(Verdict::Same);
        }
        // A server that shows a key of another kind than the one it is known by is no less strange: it was asked for that.
        if let Some(line) = plain().find(|line| line.key.algorithm() == key.algorithm()).or_else(|| plain().next()) {
            let words = format!(
                "{}: the {} key is {} now; {} line {} has {} {}",
                self.name,
                key.algorithm(),
                fingerprint(key),
                line.file.display(),
                line.number,
                line.key.algorithm(),
                fingerprint(&line.key),
            );
            return Err(Error::with(Reason::HostKeyChanged, words));
        }
        let same = self.others.iter().filter(|(line, _)| line.key.key_data() == key.key_data());
        let place = |(line, names): &(Line, String)| format!("{} line {}: {names}", line.file.display(), line.number);
        Ok(Verdict::New(same.map(place).collect()))
    }

    fn judge_certificate(&self, host: &str, certificate: &Certificate, now: u64) -> Result<Verdict, Error> {
        let authority = PublicKey::new(certificate.signature_key().clone(), "");
        self.not_revoked(&PublicKey::new(certificate.public_key().clone(), ""))?;
        self.not_revoked(&authority)?;
        let bad = |why: String| {
            let words = format!("{}: the certificate \"{}\" {why}", self.name, types::text::printable(certificate.key_id()));
            Error::with(Reason::HostCertificate, words)
        };
        let vouches = |line: &&Line| line.marker == Some(Marker::CertAuthority) && line.key.key_data() == authority.key_data();
        if !self.lines.iter().any(|line| vouches(&line)) {
            return Err(bad(format!("is of an authority that is not known for it: {}", fingerprint(&authority))));
        }
        let own = authority.fingerprint(HashAlg::Sha256);
        match certificate.cert_type() {
            CertType::Host => {}
            CertType::User => return Err(bad("is a user's, and no host's".to_owned())),
        }
        if now < certificate.valid_after() || now >= certificate.valid_before() {
            return Err(bad("is not valid today".to_owned()));
        }
        certificate.validate_at(now, [&own]).map_err(|_| bad("has a signature that is not its authority's".to_owned()))?;
        if certificate.critical_options().iter().next().is_some() {
            return Err(bad("has critical options, and none is known for hosts".to_owned()));
        }
        let names = certificate.valid_principals();
        let host = host.to_ascii_lowercase();
        if !names.is_empty() && !names.iter().any(|name| wild(name.to_ascii_lowercase().as_bytes(), host.as_bytes())) {
            return Err(bad(format!("is for {}", types::text::printable(&names.join(", ")))));
        }
        Ok(Verdict::Same)
    }
}

/// SHA-256, as everybody shows it.
pub(super) fn fingerprint(key: &PublicKey) -> String {
    key.fingerprint(HashAlg::Sha256).to_string()
}

/// Whether a line's names mean the server.
fn means(patterns: &HostPatterns, name: &str) -> bool {
    match patterns {
        HostPatterns::HashedName { salt, hash } => {
            let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, salt);
            hmac::verify(&key, name.as_bytes(), hash).is_ok()
        }
        HostPatterns::Patterns(patterns) => {
            let is_it = |pattern: &str| wild(pattern.to_ascii_lowercase().as_bytes(), name.as_bytes());
            let refused = patterns.iter().filter_map(|pattern| pattern.strip_prefix('!')).any(is_it);
            !refused && patterns.iter().any(|pattern| is_it(pattern))
        }
    }
}

/// The line by which a server is known from now on; with `hashed` nobody reads out of it which server it is.
pub(super) fn line(name: &str, key: &PublicKey, hashed: bool) -> Option<String> {
    let key = PublicKey::new(key.key_data().clone(), "").to_openssh().ok()?;
    if !hashed {
        return Some(format!("{name} {key}\n"));
    }
    let mut salt = [0; 20];
    rand::fill(&mut salt).ok()?;
    let hash = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &salt), name.as_bytes());
    Some(format!("|1|{}|{} {key}\n", Base64::encode_string(&salt), Base64::encode_string(hash.as_ref())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use russh::keys::PrivateKey;
    use russh::keys::ssh_key::certificate::Builder;
    use russh::keys::ssh_key::private::Ed25519Keypair;

    fn key(seed: u8) -> PrivateKey {
        PrivateKey::from(Ed25519Keypair::from_seed(&[seed; 32]))
    }

    fn shown(seed: u8) -> PublicKeyOrCertificate {
        key(seed).public_key().clone().into()
    }

    fn known(name: &str, text: &str) -> Known {
        let mut known = Known::new(name.into());
        known.read(Path::new("file"), text);
        known
    }

    fn text(seed: u8) -> String {
        key(seed).public_key().to_openssh().unwrap()
    }

    #[test]
    fn names_ports_wildcards_and_hashes() {
        let text = format!(
            "# none\n\nother\thashed?\nA.example,[b]:2222\t{}\n*.net,!bad.net {}\n{}{}",
            text(1),
            text(2),
            line("c", key(3).public_key(), true).unwrap(),
            line("[d]:24", key(4).public_key(), true).unwrap(),
        );
        let judge = |name: &str, seed| known(name, &text).judge("h", &shown(seed), 0);
        for (name, seed) in [("a.example", 1), ("[b]:2222", 1), ("x.net", 2), ("c", 3), ("[d]:24", 4)] {
            assert_eq!(judge(name, seed), Ok(Verdict::Same), "{name}");
            let changed = judge(name, 9).unwrap_err();
            assert_eq!(changed.reason, Reason::HostKeyChanged, "{name}");
        }
        for name in ["b", "[a.example]:2222", "bad.net", "d"] {
            assert_eq!(judge(name, 9), Ok(Verdict::New(Vec::new())), "{name}");
        }
        let Ok(Verdict::New(places)) = judge("e", 2) else { panic!("new") };
        assert_eq!(places, ["file line 5: *.net,!bad.net"]);
        assert!(judge("x.net", 1).unwrap_err().detail.unwrap().contains("file line 5 has ssh-ed25519 SHA256:"));
        assert!(!line("c", key(3).public_key(), true).unwrap().contains("c "), "the name is not to be read");
    }

    proptest! {
        /// Any line is read or passed over, and none keeps the ones behind it from being read.
        #[test]
        fn any_line_is_read_or_passed_over(
            line in "(@[a-z-]{0,14} )?[a-z|0-9*!?,\\[\\]:= ]{0,24}( ssh-ed25519 [A-Za-z0-9+/=]{0,40})?",
        ) {
            let known = known("h", &format!("{line}\nh {}\n", text(1)));
            prop_assert!(known.kinds().contains(&Algorithm::Ed25519));
        }
    }

    #[test]
    fn a_revoked_key_is_refused_though_it_is_known() {
        let text = format!("h {}\n@revoked * {}\n", text(1), text(1));
        let refused = known("h", &text).judge("h", &shown(1), 0).unwrap_err();
        assert!(refused.reason == Reason::HostKeyRevoked && refused.detail.unwrap().contains("line 2"));
    }

    fn certificate(authority: u8, kind: CertType, name: &str) -> PublicKeyOrCertificate {
        let public = key(7).public_key().key_data().clone();
        let mut builder = Builder::new(vec![1; 16], public, 100, 200).unwrap();
        builder.cert_type(kind).unwrap().key_id("id").unwrap().valid_principal(name).unwrap();
        PublicKeyOrCertificate::Certificate(builder.sign(&key(authority)).unwrap())
    }

    #[test]
    fn certificates_of_hosts() {
        let text = format!("@cert-authority *.example {}\n", text(5));
        let known = known("h.example", &text);
        assert!(known.has_authority() && known.kinds().is_empty());
        let judge = |shown, now| known.judge("h.example", &shown, now).map_err(|e| e.detail.unwrap().into_string());
        assert_eq!(judge(certificate(5, CertType::Host, "H.example"), 150), Ok(Verdict::Same));
        assert_eq!(judge(shown(7), 150), Ok(Verdict::New(Vec::new())), "the key alone is not vouched for");
        let refused = [
            (certificate(6, CertType::Host, "h.example"), 150, "authority"),
            (certificate(5, CertType::User, "h.example"), 150, "a user's"),
            (certificate(5, CertType::Host, "other.example"), 150, "is for other.example"),
            (certificate(5, CertType::Host, "h.example"), 99, "not valid today"),
            (certificate(5, CertType::Host, "h.example"), 200, "not valid today"),
        ];
        for (shown, now, why) in refused {
            let said = judge(shown, now).unwrap_err();
            assert!(said.contains(why), "{said}");
        }
        let revoked = format!("{text}@revoked * {}\n", self::text(5));
        let judged = self::known("h.example", &revoked).judge("h.example", &certificate(5, CertType::Host, "h.example"), 150);
        assert_eq!(judged.unwrap_err().reason, Reason::HostKeyRevoked);
    }
}
