//! Where are SFTP and SCP spoken? Host keys and sockets, had before rights are given up, the listeners, and what a reload
//! makes of them.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use server::ssh::keys::{HostKey, Kind};
use server::ssh::{self, Terms, Ways};
use trace::Capacity;
use types::Reason;

use super::Refused;
use super::listening;
use super::live::Live;
use super::sockets::Sockets;
use crate::config::{Config, Ssh, SshIdentity};
use crate::log::{Fact, Journal};
use crate::secret;

/// The host keys, and what is to be said about them. They are read once, at start: a server does not change who it is
/// while it runs.
pub(super) struct HostKeys {
    pub(super) keys: Vec<HostKey>,
    /// Why keys that were made are not kept.
    pub(super) fleeting: Option<String>,
}

/// Reads the host keys, or makes and keeps them where none are given. None where nobody speaks SSH.
pub(super) fn host_keys(config: &Config) -> Result<HostKeys, Refused> {
    let identity = &config.ssh_identity;
    if config.ssh.is_empty() {
        return Ok(HostKeys { keys: Vec::new(), fleeting: None });
    }
    if !identity.host_keys.is_empty() {
        return Ok(HostKeys { keys: given(identity)?, fleeting: None });
    }
    let (mut keys, mut fleeting) = (Vec::new(), None);
    for kind in Kind::ALL {
        let (key, why) = kept(identity.state.as_deref(), kind)?;
        keys.push(key);
        fleeting = fleeting.or(why);
    }
    Ok(HostKeys { keys, fleeting })
}

fn refused(path: &Path) -> impl Fn(types::Error) -> Refused + '_ {
    move |e| Refused::new(format!("the host key {}", path.display()), e.reason, e.detail.map(String::from).unwrap_or_default())
}

fn given(identity: &SshIdentity) -> Result<Vec<HostKey>, Refused> {
    let read = |path: &Path| {
        secret::read(path)
            .map_err(|e| Refused::new(format!("the host key {}", path.display()), Reason::SshHostKey, e.to_string()))
    };
    let mut keys = Vec::new();
    for path in &identity.host_keys {
        keys.push(HostKey::read(read(path)?.reveal()).map_err(refused(path))?);
    }
    for path in &identity.certificates {
        let text = read(path)?;
        let mut wrong = None;
        let fits = keys.iter_mut().any(|key| key.certify(text.reveal()).map_err(|e| wrong = Some(e)).is_ok());
        if let Some(e) = wrong.filter(|_| !fits) {
            return Err(refused(path)(e));
        }
    }
    Ok(keys)
}

/// One that is kept in a folder, made where it is not there yet; why it is not kept, where that cannot be.
fn kept(folder: Option<&Path>, kind: Kind) -> Result<(HostKey, Option<String>), Refused> {
    let make = || {
        let key = HostKey::make(kind);
        key.map_err(|e| Refused::new("a host key", e.reason, e.detail.map(String::from).unwrap_or_default()))
    };
    let Some(folder) = folder else {
        return Ok((make()?, Some("neither XDG_STATE_HOME nor HOME says where to keep them".to_owned())));
    };
    let file = folder.join(kind.file());
    match secret::read(&file) {
        // A key that is there and cannot be read is not replaced: clients know it.
        Ok(text) => return Ok((HostKey::read(text.reveal()).map_err(refused(&file))?, None)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
        Err(e) => return Ok((make()?, Some(format!("{} cannot be read: {e}", file.display())))),
    }
    let key = make()?;
    let text = key.text().map_err(refused(&file))?;
    let why = secret::write(folder, kind.file(), &[text.reveal().as_bytes()]).err();
    Ok((key, why.map(|e| format!("{} cannot be written: {e}", file.display()))))
}

/// The sockets of listeners: those that were handed over, or new ones.
pub(super) fn open(listeners: &mut Vec<Ssh>, handed: &mut Sockets) -> Result<(Vec<TcpListener>, Option<String>), Refused> {
    listening::open(listeners, |listener| handed.take_at(listener.address))
}

pub(super) type Running = listening::Running<ssh::Listener>;

impl Live {
    /// What the server needs to know of a listener.
    fn ssh_settings(&self, one: &Ssh, starting: Arc<AtomicUsize>) -> Arc<ssh::Listener> {
        let config = &self.config;
        let ways = Ways { key: one.public_keys, password: one.passwords };
        let rekey = usize::try_from(one.rekey).unwrap_or(usize::MAX);
        Arc::new(ssh::Listener {
            name: (*one.name).into(),
            terms: Terms::new(&self.host_keys.keys, env!("CARGO_PKG_VERSION"), ways, rekey),
            login_within: config.waits.login,
            stall_after: config.waits.stall,
            proxies: one.proxies.clone(),
            record: Capacity::events(config.trace.events),
            channels: one.channels,
            handles: one.handles,
            startups: one.startups,
            starting,
            ways,
        })
    }

    /// Begins with the sockets that start-up opened.
    pub(super) fn begin_ssh(&mut self, sockets: Vec<TcpListener>) -> Result<(), Refused> {
        let running = self.config.ssh.iter().zip(sockets).map(|(listener, socket)| self.accept_ssh(listener, socket));
        self.ssh = running.collect::<Result<_, _>>()?;
        Ok(())
    }

    fn accept_ssh(&self, listener: &Ssh, socket: TcpListener) -> Result<Running, Refused> {
        let refused =
            |e: std::io::Error| Refused::new(format!("cannot listen on {}", listener.address), Reason::Bind, e.to_string());
        let address = socket.local_addr().map_err(refused)?;
        let socket = tokio::net::TcpListener::from_std(socket).map_err(refused)?;
        let (gate, journal, workers) = (self.gate.clone(), self.journal.clone(), self.workers.clone());
        let serve = |given, stop| ssh::serve(socket, given, gate, journal, workers, stop);
        let settings = self.ssh_settings(listener, Arc::default());
        Ok(Running::begin(self, "ssh listener", (listener.address, address), settings, serve))
    }

    /// Sockets for listeners at addresses that are new.
    pub(super) fn open_new_ssh(&self, config: &Config) -> Result<Vec<(usize, TcpListener)>, Refused> {
        listening::open_new(&config.ssh, &self.ssh, |listener| {
            if self.host_keys.keys.is_empty() {
                let detail = "the running process has no host keys; restart it to speak SSH, too";
                return Err(Refused::new("[[listener]] with protocol = \"sftp\"", Reason::SshHostKey, detail));
            }
            Sockets::none().take_at(listener.address)
        })
    }

    /// What a reload makes of them.
    pub(super) fn change_ssh(&mut self, sockets: Vec<(usize, TcpListener)>) {
        let before = std::mem::take(&mut self.ssh);
        let begin = |listener: &Ssh, socket| {
            let running = self.accept_ssh(listener, socket)?;
            introduce(&self.journal, listener, running.address);
            Ok(running)
        };
        let settings = |listener: &Ssh, old: &ssh::Listener| self.ssh_settings(listener, old.starting.clone());
        self.ssh = listening::change(&self.journal, &self.config.ssh, before, sockets, settings, begin);
    }

    /// Says who the server is over SSH.
    pub(super) fn introduce_host_keys(&self) {
        for key in &self.host_keys.keys {
            let words = format!("is known by its {} host key {}", key.algorithm(), key.fingerprint());
            self.journal.say(&Fact::words("host key", words));
        }
        if let Some(why) = &self.host_keys.fleeting {
            let words = format!("host keys are made anew with every start, and clients will warn of that: {why}");
            self.journal.say(&Fact::words("warning", words));
        }
    }
}

/// Says where it listens.
pub(super) fn introduce(journal: &Journal, listener: &Ssh, address: SocketAddr) {
    let words = format!("{} listens on {address} for sftp and scp, {}", listener.name, ways(listener));
    journal.say(&Fact::words("listening", words));
}

/// How one is let in there, in words.
pub(crate) const fn ways(listener: &Ssh) -> &'static str {
    match (listener.public_keys, listener.passwords) {
        (true, true) => "with keys and passwords",
        (true, false) => "with keys only",
        (false, _) => "with passwords only",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods)]

    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn keys_are_made_once_kept_for_the_owner_alone_and_never_replaced() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("a/carrack");
        let Ok((first, None)) = kept(Some(&folder), Kind::Ed25519) else { panic!("not kept") };
        let file = folder.join(Kind::Ed25519.file());
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let Ok((again, None)) = kept(Some(&folder), Kind::Ed25519) else { panic!("not kept") };
        assert_eq!(first.fingerprint(), again.fingerprint());
        std::fs::write(&file, "nonsense").unwrap();
        let Err(refused) = kept(Some(&folder), Kind::Ed25519) else { panic!("a broken key is no reason to become another") };
        assert_eq!(refused.reason, Reason::SshHostKey);
        let Ok((_, Some(why))) = kept(Some(&file), Kind::Ed25519) else { panic!("kept below a file") };
        assert!(why.contains("cannot be"), "{why}");
        assert!(matches!(kept(None, Kind::Ed25519), Ok((_, Some(_)))));
    }
}
