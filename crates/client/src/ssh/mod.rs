//! SFTP as a client: a server reached by SSH, as a storage.

mod body;
mod command;
mod config;
mod digest;
mod hosts;
mod jump;
mod keys;
mod known;
mod login;
mod record;
mod scp;
mod session;
mod storage;
mod transport;
mod write;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use io::body::{Sink, Source};
use io::meter::Meter;
use io::pump::Pieces;
use proto::ftp::client::{Features, Welcome};
use proto::ftp::reply::Reply;
use russh::keys::PrivateKey;
use trace::record::Observer;
use types::{Error, Reason, Secret, SessionId};

use crate::connect::Family;
use crate::proxy::Proxy;

pub use config::{File, HostSettings, HostTrust, wild};
pub use hosts::Stranger;
pub use jump::Jump;
pub use known::Known;
pub use scp::Scp;
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
    /// The name it is looked up by in `known_hosts`, in place of name and port (HostKeyAlias).
    pub alias: Option<Box<str>>,
    /// Which way connections take.
    pub way: Way,
    /// Files with private keys; those that are not there are passed over. What stands beside one with `-cert.pub` at its end
    /// is its certificate.
    pub identities: Vec<PathBuf>,
    /// Files with further certificates of those keys, and of the agent's.
    pub certificates: Vec<PathBuf>,
    /// Which agent's keys are tried.
    pub agent: Agent,
    /// Of the agent's keys only those that stand in these files, too (IdentitiesOnly).
    pub identities_only: bool,
    /// Files with the keys of servers, in OpenSSH's form; new ones are added to the first.
    pub known_hosts: Vec<PathBuf>,
    /// The same, of all users of this machine: they are only read.
    pub global_known_hosts: Vec<PathBuf>,
    /// Whether the names of servers are written down so that nobody can read them (HashKnownHosts).
    pub hash_known_hosts: bool,
    /// What becomes of a server whose key is not known.
    pub trust: HostTrust,
    /// How long connecting, and then logging in, may take.
    pub within: Duration,
    /// How long the server may say nothing while something is asked of it. What takes long by its nature has longer.
    pub patience: Duration,
    /// Who is asked what only a person knows.
    pub questions: Arc<dyn Questions>,
    /// Hears of everything that happens: draws the ladder.
    pub observer: Arc<dyn Observer>,
    /// The id that its events carry.
    pub session: SessionId,
    /// What was answered, for the next connection.
    remembered: Arc<Remembered>,
}

/// Which agent has keys (IdentityAgent).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Agent {
    /// None.
    Nobody,
    /// The one that SSH_AUTH_SOCK leads to.
    Usual,
    /// The one that listens here.
    At(PathBuf),
}

/// What somebody has said once: further connections to the same server do not ask again.
#[derive(Default)]
struct Remembered {
    /// Private keys that had a passphrase, by their files.
    keys: Mutex<HashMap<PathBuf, Arc<PrivateKey>>>,
    /// The password, once it was right.
    password: Mutex<Option<Secret<Box<str>>>>,
}

/// Which way a connection to a server takes.
#[derive(Clone)]
pub enum Way {
    /// Straight.
    Straight,
    /// Through a proxy.
    Proxy(Arc<Proxy>),
    /// Through another server of SSH, which connects (ProxyJump).
    Jump(Box<Dial>),
    /// Through a program, which the user's shell starts with this command (ProxyCommand).
    Command(Box<str>),
}

/// What only a person can answer. May wait for the terminal: it is asked on the blocking pool.
pub trait Questions: Send + Sync {
    /// Whether a server whose key is not known is the right one.
    fn trusts(&self, stranger: &Stranger) -> bool;

    /// A secret: a password, the passphrase of a key, or what the server itself asks for. `None` where there is none.
    fn secret(&self, prompt: &str) -> Option<Secret<Box<str>>>;

    /// Something that is not secret, which the server itself asks for. `None` where there is nobody.
    fn word(&self, prompt: &str) -> Option<Box<str>> {
        let _ = prompt;
        None
    }

    /// Something to be known, which stops nothing.
    fn tell(&self, text: &str);
}

/// Nobody is there: no server is trusted, and no secret is known.
pub struct NobodyAsked;

impl Questions for NobodyAsked {
    fn trusts(&self, _: &Stranger) -> bool {
        false
    }

    fn secret(&self, _: &str) -> Option<Secret<Box<str>>> {
        None
    }

    fn tell(&self, _: &str) {}
}

impl Dial {
    /// With OpenSSH's usual files below `home`, its configuration not read.
    pub fn new(host: &str, port: u16, user: &str, home: Option<&std::path::Path>) -> Self {
        let files =
            |names: &[&str]| home.map_or_else(Vec::new, |home| names.iter().map(|name| home.join(".ssh").join(name)).collect());
        Self {
            host: host.into(),
            address: None,
            alias: None,
            way: Way::Straight,
            port,
            family: Family::Any,
            user: user.into(),
            password: None,
            identities: files(&["id_ed25519", "id_ecdsa", "id_rsa"]),
            certificates: Vec::new(),
            agent: Agent::Usual,
            identities_only: false,
            known_hosts: files(&["known_hosts", "known_hosts2"]),
            global_known_hosts: ["/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"].map(PathBuf::from).into(),
            hash_known_hosts: false,
            trust: HostTrust::Ask,
            within: Duration::from_secs(30),
            patience: Duration::from_secs(120),
            questions: Arc::new(NobodyAsked),
            observer: Arc::new(trace::Nobody),
            session: SessionId(0),
            remembered: Arc::default(),
        }
    }

    /// With somebody who hears of everything, on the way there, too.
    #[must_use]
    pub fn observed(mut self, observer: &Arc<dyn Observer>) -> Self {
        self.observer = observer.clone();
        if let Way::Jump(via) = self.way {
            self.way = Way::Jump(Box::new(via.observed(observer)));
        }
        self
    }

    /// What is connected to, and looked up in `known_hosts`.
    pub fn peer(&self) -> &str {
        self.address.as_deref().unwrap_or(&self.host)
    }
}

/// That a server said nothing for so long. It is not tried again: the connection stands, and what hangs would hang once more.
fn silent(awaited: &str, patience: Duration) -> Error {
    Error::with(Reason::SshSilent, format!("waiting for: {awaited}, {} s", patience.as_secs_f64()))
}

/// What a server tells of itself that says nothing for people.
fn welcome() -> Welcome {
    let silent = Reply::fixed(220, "");
    Welcome {
        greeting: silent.clone(),
        login: silent,
        system: None,
        features: Features { known: true, lines: Vec::new() },
        protected: true,
        data_protected: true,
    }
}

/// Moves a body, as fast as the meter grants it.
async fn moved(source: Source, sink: &mut Sink, expected: Option<u64>, meter: &Meter) -> Result<u64, Error> {
    let (mut pieces, mut total) = (Pieces::of(source), 0_u64);
    while let Some(mut piece) = pieces.next().await? {
        let came = total.saturating_add(piece.len() as u64);
        // A server that goes on behind the end it told may never stop.
        if let Some(expected) = expected.filter(|expected| came > *expected) {
            let words = format!("{came} bytes came, and {expected} were expected: what goes on behind is left");
            return Err(Error::with(Reason::TransferShort, words));
        }
        while !piece.is_empty() {
            let granted = meter.grant(piece.len()).await.map_err(|_| Error::new(Reason::Cancelled))?;
            let part = piece.split_to(granted.min(piece.len()));
            let length = part.len();
            sink.write_all(part).await?;
            meter.count(length);
            total += length as u64;
        }
    }
    match expected {
        Some(expected) if expected != total => {
            Err(Error::with(Reason::TransferShort, format!("{total} bytes came, and {expected} were expected")))
        }
        _ => Ok(total),
    }
}
