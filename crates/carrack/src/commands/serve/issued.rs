//! Who keeps the certificate of an authority fresh while the server runs (ACME)? One task, begun anew when a reload says
//! something else of it.

use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;

use io::CancellationToken;
use tokio::sync::Notify;
use types::Reason;

use super::{Refused, identity};
use crate::acme;
use crate::config::{Acme, Config};
use crate::confine::Rooms;
use crate::log::Journal;

/// What is done before rights are given up. Needs a runtime, which may end afterwards.
///
/// # Errors
/// Where there is no folder to keep anything in.
pub(super) fn prepare(config: &Config) -> Result<Option<TcpListener>, Refused> {
    let Some(acme) = &config.acme else { return Ok(None) };
    acme::State::of(acme).prepare(config.process.user.as_deref()).map_err(|e| {
        Refused::new(format!("the folder {} for the certificate", acme.state.display()), Reason::AcmeState, e.to_string())
    })?;
    if !acme::is_due(acme, io::clock::wall()) {
        return Ok(None);
    }
    // One that cannot be had yet keeps nobody from being served: the order says so, and is tried again.
    Ok(io::listen::bind_tcp(acme.listen).and_then(tokio::net::TcpListener::into_std).ok())
}

/// Where systems keep the certificates of authorities; links in the folders of /etc lead there.
const SYSTEM_ROOTS: [&str; 4] =
    ["/usr/share/ca-certificates", "/usr/local/share/ca-certificates", "/usr/share/pki", "/var/lib/ca-certificates"];

/// The folders of files that say whose word counts for the authority: read with each order, for they change.
pub(super) fn trusted(config: &Config) -> Vec<PathBuf> {
    match &config.acme {
        None => Vec::new(),
        Some(Acme { directory_ca: Some(file), .. }) => identity::folders(std::slice::from_ref(file)),
        Some(_) => SYSTEM_ROOTS.iter().map(PathBuf::from).filter(|folder| folder.is_dir()).collect(),
    }
}

/// Whether a reload can keep what an authority gives where the configuration says.
pub(super) fn fits(config: &Config, rooms: &Rooms) -> Result<(), Refused> {
    match &config.acme {
        Some(acme) if !rooms.holds(&acme.state) => {
            let what = format!("the folder {} for the certificate", acme.state.display());
            Err(Refused::new(what, Reason::Config, "the process gave up its right to it at start; restart the server to use it"))
        }
        _ => Ok(()),
    }
}

/// The task.
pub(super) struct Issued {
    acme: Option<Acme>,
    /// Has it ask again without waiting.
    now: Arc<Notify>,
    stop: CancellationToken,
}

impl Issued {
    /// Begins, where there is anything to ask for.
    pub(super) fn begin(
        acme: Option<&Acme>,
        door: Option<TcpListener>,
        journal: &Arc<Journal>,
        parent: &CancellationToken,
    ) -> Self {
        let (now, stop) = (Arc::new(Notify::new()), parent.child_token());
        if let Some(acme) = acme {
            let door = door.and_then(|socket| tokio::net::TcpListener::from_std(socket).ok());
            drop(io::task::spawn("acme", &stop, acme::keep(acme.clone(), door, now.clone(), journal.clone())));
        }
        Self { acme: acme.cloned(), now, stop }
    }

    /// Goes on as a reload says. Whoever reloads has mended what was wrong, so nobody waits any longer.
    pub(super) fn follow(&mut self, acme: Option<&Acme>, journal: &Arc<Journal>, parent: &CancellationToken) {
        if self.acme.as_ref() == acme {
            self.now.notify_waiters();
        } else {
            self.stop.cancel();
            *self = Self::begin(acme, None, journal, parent);
        }
    }

    /// Ends it where it stands.
    pub(super) fn stop(&self) {
        self.stop.cancel();
    }
}
