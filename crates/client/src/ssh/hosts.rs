//! Is a server the one it was before? Reads the files that tell, asks where they do not, and writes down what was answered.
#![allow(clippy::disallowed_methods, reason = "the reader of known_hosts")]

use std::fs::{DirBuilder, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use io::clock;
use russh::keys::{PublicKey, PublicKeyOrCertificate};
use types::{Error, Reason};

use super::Dial;
use super::config::HostTrust;
use super::known::{self, Known, Verdict, fingerprint};

/// A server whose key is not known, as somebody is asked about it.
pub struct Stranger {
    /// Its name, with the port where that is not the usual one.
    pub name: String,
    /// The kind of its key: `ssh-ed25519`.
    pub kind: String,
    /// The key's fingerprint: `SHA256:…`.
    pub fingerprint: String,
    /// Where the same key stands under other names.
    pub also: Vec<String>,
}

impl Dial {
    /// The server as its key is looked up.
    fn known_as(&self) -> String {
        match &self.alias {
            // As OpenSSH has it, the alias stands for name and port.
            Some(alias) => alias.to_ascii_lowercase(),
            None => known::name_of(self.peer(), self.port),
        }
    }
}

/// What the files know of a server. Those that are not there know nothing.
///
/// # Errors
/// [`Reason::HostKeyUnknown`] where a file cannot be read.
pub(super) fn known(dial: &Dial) -> Result<Known, Error> {
    let mut known = Known::new(dial.known_as());
    for file in dial.known_hosts.iter().chain(&dial.global_known_hosts) {
        match std::fs::read(file) {
            Ok(bytes) => known.read(file, &String::from_utf8_lossy(&bytes)),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            Err(e) => return Err(Error::with(Reason::HostKeyUnknown, format!("{}: {e}", file.display()))),
        }
    }
    Ok(known)
}

/// Decides whether the connection goes on. Reads files and may ask: not for the reactor.
///
/// # Errors
/// [`Reason::HostKeyChanged`], [`Reason::HostKeyUnknown`], [`Reason::HostKeyRevoked`], [`Reason::HostCertificate`].
pub(super) fn check(dial: &Dial, shown: &PublicKeyOrCertificate) -> Result<(), Error> {
    let now = u64::try_from(clock::wall().seconds).unwrap_or(0);
    let host = dial.alias.as_deref().unwrap_or_else(|| dial.peer());
    let Verdict::New(also) = known(dial)?.judge(host, shown, now)? else { return Ok(()) };
    let key = shown.public_key();
    let kind = key.algorithm().to_string();
    let stranger = Stranger { name: dial.known_as(), kind, fingerprint: fingerprint(&key), also };
    let trusted = match dial.trust {
        HostTrust::Known => false,
        HostTrust::New => true,
        HostTrust::Ask => dial.questions.trusts(&stranger),
    };
    if !trusted {
        let words = format!("{}: {} {}", stranger.name, stranger.kind, stranger.fingerprint);
        return Err(Error::with(Reason::HostKeyUnknown, words));
    }
    if let Some(file) = dial.known_hosts.first()
        && let Err(e) = learn(file, &stranger.name, &key, dial.hash_known_hosts)
    {
        // Who cannot be remembered is trusted this once all the same.
        dial.questions.tell(&format!("the key of {} cannot be remembered in {}: {e}", stranger.name, file.display()));
    }
    Ok(())
}

/// Adds a line to a file. The file, and its folder, are made where they are not there.
fn learn(file: &Path, name: &str, key: &PublicKey, hashed: bool) -> std::io::Result<()> {
    let line = known::line(name, key, hashed).ok_or_else(|| std::io::Error::other("the key cannot be written"))?;
    if let Some(folder) = file.parent().filter(|folder| !folder.exists()) {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let mut file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(file)?;
    let mut last = [b'\n'];
    if file.seek(SeekFrom::End(-1)).is_ok() {
        file.read_exact(&mut last)?;
    }
    let gap = if last == [b'\n'] { "" } else { "\n" };
    // In one write: others may add lines at the same time.
    file.write_all(format!("{gap}{line}").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use russh::keys::PrivateKey;
    use russh::keys::ssh_key::private::Ed25519Keypair;
    use std::sync::Arc;

    #[derive(Default)]
    struct Says(bool, std::sync::Mutex<Vec<String>>);

    impl super::super::Questions for Says {
        fn trusts(&self, stranger: &Stranger) -> bool {
            self.1.lock().unwrap().push(stranger.name.clone());
            self.0
        }

        fn secret(&self, _: &str) -> Option<types::Secret<Box<str>>> {
            None
        }

        fn tell(&self, _: &str) {}
    }

    #[test]
    fn what_was_answered_is_written_down() {
        let home = tempfile::tempdir().unwrap();
        let mut dial = Dial::new("H", 24, "u", Some(home.path()));
        dial.global_known_hosts.clear();
        let shown: PublicKeyOrCertificate = PrivateKey::from(Ed25519Keypair::from_seed(&[1; 32])).public_key().clone().into();
        let refused = check(&dial, &shown).unwrap_err();
        assert!(refused.reason == Reason::HostKeyUnknown && refused.detail.unwrap().starts_with("[h]:24: ssh-ed25519 SHA256:"));
        assert!(!home.path().join(".ssh").exists(), "nothing is written of who is not trusted");
        let says = Arc::new(Says(true, std::sync::Mutex::default()));
        dial.questions = says.clone();
        check(&dial, &shown).unwrap();
        check(&dial, &shown).unwrap();
        assert_eq!(*says.1.lock().unwrap(), ["[h]:24"], "it is asked once");
        let file = home.path().join(".ssh/known_hosts");
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.starts_with("[h]:24 ssh-ed25519 ") && text.lines().count() == 1, "{text:?}");
        std::fs::write(&file, text.trim_end()).unwrap();
        (dial.port, dial.hash_known_hosts) = (22, true);
        check(&dial, &shown).unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.lines().count() == 2 && text.lines().nth(1).unwrap().starts_with("|1|"), "{text:?}");
        check(&dial, &shown).unwrap();
        assert_eq!(says.1.lock().unwrap().len(), 2);
    }
}
