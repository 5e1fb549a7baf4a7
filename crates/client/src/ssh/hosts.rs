//! Is a server the one it was before? Its key, looked up in files of OpenSSH's form (sshd(8), known_hosts), hashed names
//! among them.

use std::path::PathBuf;

use russh::keys::known_hosts::{known_host_keys_path, learn_known_hosts_path};
use russh::keys::{HashAlg, PublicKey};
use types::{Error, Reason};

use super::config::HostTrust;
use super::{Dial, Questions};

/// Decides whether the connection goes on. Reads files and may ask: not for the reactor.
///
/// # Errors
/// [`Reason::HostKeyChanged`], [`Reason::HostKeyUnknown`].
pub(super) fn check(dial: &Dial, key: &PublicKey) -> Result<(), Error> {
    let fingerprint = key.fingerprint(HashAlg::Sha256).to_string();
    let mut other: Option<(PathBuf, usize)> = None;
    for file in &dial.known_hosts {
        let unread = |e: russh::keys::Error| Error::with(Reason::HostKeyUnknown, format!("{}: {e}", file.display()));
        for (line, known) in known_host_keys_path(dial.peer(), dial.port, file).map_err(unread)? {
            if known == *key {
                return Ok(());
            }
            if known.algorithm() == key.algorithm() {
                other.get_or_insert((file.clone(), line));
            }
        }
    }
    if let Some((file, line)) = other {
        let words = format!("{}: the key is {fingerprint} now; {} line {line} has another", dial.peer(), file.display());
        return Err(Error::with(Reason::HostKeyChanged, words));
    }
    let kind = key.algorithm().to_string();
    let trusted = match dial.trust {
        HostTrust::Known => false,
        HostTrust::New => true,
        HostTrust::Ask => Questions::trusts(&*dial.questions, dial.peer(), &kind, &fingerprint),
    };
    if !trusted {
        return Err(Error::with(Reason::HostKeyUnknown, format!("{}: {kind} {fingerprint}", dial.peer())));
    }
    match dial.known_hosts.first() {
        // Who cannot be remembered is trusted this once all the same.
        Some(file) => learn_known_hosts_path(dial.peer(), dial.port, key, file).or(Ok(())),
        None => Ok(()),
    }
}
