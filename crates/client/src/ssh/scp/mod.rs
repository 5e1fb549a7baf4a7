//! `Scp`: a server of SSH as a storage by the old protocol of scp, for those that have no SFTP. It copies, looks and lists, and
//! makes folders; nothing else is in it. Each command of the server's runs alone on a connection.

mod storage;
mod talk;

use std::sync::{Arc, Mutex, PoisonError};

use io::CancellationToken;
use proto::ftp::client::Welcome;
use proto::scp::command::quote;
use proto::scp::{Fetch, Give, fetch, give};
use types::{Attr, Error, Reason, Time, VPath, What};

use super::transport::Transport;
use super::{Dial, welcome};
use crate::ftp::Root;
use talk::{Fetching, Giving, Talk};

/// Commands at once, each over a connection of its own.
const AT_ONCE: usize = 4;

/// A server of SSH that has `scp`.
pub struct Scp {
    dial: Dial,
    life: CancellationToken,
    /// Whether paths count from the server's root.
    absolute: bool,
    idle: Idle,
    welcome: Welcome,
}

/// Connections that nobody uses.
type Idle = Arc<Mutex<Vec<Transport>>>;

/// A connection that somebody uses; it ends unless it is given back.
struct Lease {
    transport: Option<Transport>,
    idle: Idle,
}

impl Lease {
    fn transport(&self) -> Result<&Transport, Error> {
        self.transport.as_ref().ok_or_else(|| Reason::Disconnected.into())
    }

    fn give_back(&mut self) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.extend(self.transport.take());
    }
}

impl Scp {
    /// Connects and logs in. Whether `scp` is there shows with the first command.
    ///
    /// # Errors
    /// [`Reason::Unreachable`], [`Reason::HostKeyUnknown`], [`Reason::HostKeyChanged`], [`Reason::LoginRefused`],
    /// [`Reason::SshFailed`].
    pub async fn open(dial: Dial, root: Root, parent: &CancellationToken) -> Result<Self, Error> {
        let first = Transport::open(&dial).await?;
        let idle = Arc::new(Mutex::new(vec![first]));
        Ok(Self { dial, life: parent.clone(), absolute: root == Root::Server, idle, welcome: welcome() })
    }

    async fn lease(&self) -> Result<Lease, Error> {
        if self.life.is_cancelled() {
            return Err(Reason::Cancelled.into());
        }
        let known = {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.retain(Transport::is_open);
            idle.pop()
        };
        let transport = match known {
            Some(transport) => transport,
            None => Transport::open(&self.dial).await?,
        };
        Ok(Lease { transport: Some(transport), idle: self.idle.clone() })
    }

    /// A path as one word of a command line, which no program takes for an option.
    fn word(&self, path: &VPath) -> Vec<u8> {
        let plain: Vec<u8> = match (path.is_root(), self.absolute) {
            (true, true) => b"/".to_vec(),
            (true, false) => b".".to_vec(),
            (false, true) => path.as_bytes().to_vec(),
            (false, false) if path.relative().starts_with(b"-") => [b"./", path.relative()].concat(),
            (false, false) => path.relative().to_vec(),
        };
        quote(&plain)
    }

    async fn start(&self, options: &str, path: &VPath) -> Result<Talk, Error> {
        let command = [b"scp ", options.as_bytes(), b" ", &*self.word(path)].concat();
        let lease = self.lease().await?;
        let shown = types::text::printable(&String::from_utf8_lossy(&command));
        lease.transport()?.record().note(|| What::Command(shown.into()));
        Talk::start(lease, command, &self.dial).await
    }

    async fn fetch(&self, wanted: fetch::Wanted, path: &VPath) -> Result<Fetching, Error> {
        let options = if wanted == fetch::Wanted::File { "-p -f" } else { "-r -p -f" };
        let name = path.name().unwrap_or_default();
        Ok(Fetching::new(self.start(options, path).await?, Fetch::new(wanted, name)))
    }

    async fn look(&self, path: &VPath) -> Result<Attr, Error> {
        let mut looking = self.fetch(fetch::Wanted::Look, path).await?;
        let attr = looking.attr().await?;
        while looking.next_found().await?.is_some() {}
        Ok(attr)
    }

    /// Begins to give something to the folder that it belongs in: the name goes with it, so that no folder of that name swallows
    /// a file.
    async fn give(&self, path: &VPath, given: give::Given, mode: u32, modified: Option<Time>) -> Result<Giving, Error> {
        let (Some(parent), Some(name)) = (path.parent(), path.name()) else { return Err(Reason::IsAFolder.into()) };
        let options = match (given, modified) {
            (give::Given::Folder, _) => "-r -d -t",
            (_, Some(_)) => "-p -d -t",
            (_, None) => "-d -t",
        };
        let give = Give::new(given, name, mode, modified)?;
        let mut giving = Giving::new(self.start(options, &parent).await?, give);
        giving.go_on().await?;
        Ok(giving)
    }
}
