//! SFTP as a client: a server reached by SSH, as a storage.

mod body;
mod config;
mod hosts;
mod login;
mod session;
mod storage;
mod transport;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use types::Secret;

use crate::connect::Family;

pub use config::{HostSettings, HostTrust};
pub use storage::Sftp;

/// Whom to connect to, and who logs in.
#[derive(Clone)]
pub struct Dial {
    /// A name or an address, as somebody typed it.
    pub host: Box<str>,
    /// What is connected to and known by its key, where that is another name (HostName of OpenSSH's configuration).
    pub address: Option<Box<str>>,
    /// The port.
    pub port: u16,
    /// Which addresses are used.
    pub family: Family,
    /// Who logs in.
    pub user: Box<str>,
    /// With which password, where one was given.
    pub password: Option<Secret<Box<str>>>,
    /// Files with private keys; those that are not there are passed over.
    pub identities: Vec<PathBuf>,
    /// Whether the keys of the agent are tried.
    pub agent: bool,
    /// Files with the keys of servers, in OpenSSH's form; new ones are added to the first.
    pub known_hosts: Vec<PathBuf>,
    /// What becomes of a server whose key is not known.
    pub trust: HostTrust,
    /// How long connecting, and then logging in, may take.
    pub within: Duration,
    /// Who is asked what only a person knows.
    pub questions: Arc<dyn Questions>,
}

/// What only a person can answer. May wait for the terminal: it is asked on the blocking pool.
pub trait Questions: Send + Sync {
    /// Whether a server whose key is not known is the right one: its name, the key's kind and its fingerprint.
    fn trusts(&self, host: &str, kind: &str, fingerprint: &str) -> bool;

    /// A secret: a password, the passphrase of a key, or what the server itself asks for. `None` where there is none.
    fn secret(&self, prompt: &str) -> Option<Secret<Box<str>>>;
}

/// Nobody is there: no server is trusted, and no secret is known.
pub struct NobodyAsked;

impl Questions for NobodyAsked {
    fn trusts(&self, _: &str, _: &str, _: &str) -> bool {
        false
    }

    fn secret(&self, _: &str) -> Option<Secret<Box<str>>> {
        None
    }
}

impl Dial {
    /// With OpenSSH's usual files below `home`, its configuration not read.
    pub fn new(host: &str, port: u16, user: &str, home: Option<&std::path::Path>) -> Self {
        let files =
            |names: &[&str]| home.map_or_else(Vec::new, |home| names.iter().map(|name| home.join(".ssh").join(name)).collect());
        Self {
            host: host.into(),
            address: None,
            port,
            family: Family::Any,
            user: user.into(),
            password: None,
            identities: files(&["id_ed25519", "id_ecdsa", "id_rsa"]),
            agent: true,
            known_hosts: files(&["known_hosts"]),
            trust: HostTrust::Ask,
            within: Duration::from_secs(30),
            questions: Arc::new(NobodyAsked),
        }
    }

    /// What is connected to, and looked up in `known_hosts`.
    pub fn peer(&self) -> &str {
        self.address.as_deref().unwrap_or(&self.host)
    }
}
