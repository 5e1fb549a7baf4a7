//! Where is TFTP spoken? Its sockets, opened before rights are given up, its listeners, and what a reload makes of them.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;

use io::CancellationToken;
use io::udp::{Datagrams, Ports};
use proto::tftp::options::{Bounds, MOST_BLOCK};
use proto::tftp::timing::Patience;
use server::listen::Stop;
use server::tftp::names::Names;
use server::tftp::{self, Place};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use trace::Capacity;
use types::Reason;

use super::Refused;
use super::live::Live;
use super::sockets::Sockets;
use crate::config::{Config, Tftp, TftpPorts};
use crate::log::{Fact, Journal};

/// Opens a socket for each listener, or takes the one that was handed over. One that nobody asked for, and that cannot be had, is taken out of the
/// configuration: what is to be said about it.
pub(super) fn open(listeners: &mut Vec<Tftp>, given: &mut Sockets) -> Result<(Vec<UdpSocket>, Option<String>), Refused> {
    let (mut sockets, mut without) = (Vec::new(), None);
    let mut kept = Vec::new();
    for listener in listeners.drain(..) {
        match given.take_udp(listener.address).map_or_else(|| bind(&listener), Ok) {
            Ok(socket) => {
                sockets.push(socket);
                kept.push(listener);
            }
            Err(refused) if listener.optional => {
                let words = "serves without TFTP; --tftp ADDR:PORT gives it another port, --no-tftp none";
                without = Some(format!("{} ({}): {words}", refused.what, refused.detail));
            }
            Err(refused) => return Err(refused),
        }
    }
    *listeners = kept;
    Ok((sockets, without))
}

fn bind(listener: &Tftp) -> Result<UdpSocket, Refused> {
    io::udp::bound(listener.address)
        .map_err(|e| Refused::new(format!("cannot listen on {} for tftp", listener.address), Reason::Bind, e.to_string()))
}

/// A listener that runs.
pub(super) struct Running {
    /// The address in the configuration.
    wanted: SocketAddr,
    /// The one it has.
    pub(super) address: SocketAddr,
    /// Hands it other settings.
    settings: watch::Sender<Arc<tftp::Listener>>,
    /// Has it take no more requests.
    pub(super) gentle: CancellationToken,
    /// Until its last transfer has ended.
    pub(super) ended: JoinHandle<Option<()>>,
}

/// What the server needs to know of a listener.
fn settings(config: &Config, one: &Tftp) -> Arc<tftp::Listener> {
    let patient = |patience: Patience| Patience { unanswered: one.unanswered, ..patience };
    Arc::new(tftp::Listener {
        names: Names::new(one.rewrite.clone()),
        quirks: one.quirks.clone(),
        uploads: one.uploads,
        place: match &one.ports {
            TftpPorts::Own => Place::Ephemeral,
            TftpPorts::Range(range) => Ports::new(range.clone()).map_or(Place::Ephemeral, |ports| Place::Range(Arc::new(ports))),
            TftpPorts::Single => Place::Single,
        },
        bounds: Bounds { blksize: one.blksize.unwrap_or(MOST_BLOCK), windowsize: one.windowsize, ..Bounds::default() },
        cutting: one.blksize.is_some(),
        groups: one.groups.clone(),
        sending: patient(Patience::sender()),
        receiving: patient(Patience::receiver()),
        transfers: one.transfers,
        record: Capacity::events(config.trace.events),
        ..tftp::Listener::new(&one.name)
    })
}

impl Live {
    /// Begins with the sockets that start-up opened.
    pub(super) fn begin_tftp(&mut self, sockets: Vec<UdpSocket>) -> Result<(), Refused> {
        let running = self.config.tftp.iter().zip(sockets).map(|(listener, socket)| self.hear(listener, socket));
        self.tftp = running.collect::<Result<_, _>>()?;
        Ok(())
    }

    /// Begins to take requests at a socket.
    pub(super) fn hear(&self, listener: &Tftp, socket: UdpSocket) -> Result<Running, Refused> {
        // Blocks fit the path unless told otherwise; where the way turns out narrower later, IP may cut them.
        let socket = Datagrams::from_std(socket, true)
            .map_err(|e| Refused::new(format!("cannot listen on {}", listener.address), Reason::Bind, e.to_string()))?;
        let address = socket.local();
        let (settings, given) = watch::channel(settings(&self.config, listener));
        let gentle = CancellationToken::new();
        let stop = Stop { gentle: gentle.clone(), now: self.now.clone(), drain_within: self.config.waits.drain };
        // The root token ends the transfers themselves; the listener's task then ends by itself.
        let never = CancellationToken::new();
        let task = tftp::serve(socket, given, self.gate.clone(), self.journal.clone(), self.workers.clone(), stop);
        Ok(Running { wanted: listener.address, address, settings, gentle, ended: io::task::spawn("tftp listener", &never, task) })
    }

    /// Sockets for listeners at addresses that are new.
    pub(super) fn open_new_tftp(&self, config: &Config) -> Result<Vec<(usize, UdpSocket)>, Refused> {
        let is_new = |t: &Tftp| !self.tftp.iter().any(|r| r.wanted == t.address);
        config.tftp.iter().enumerate().filter(|(_, t)| is_new(t)).map(|(i, t)| Ok((i, bind(t)?))).collect()
    }

    /// Listeners that stay get their new settings, new ones begin, and those that are gone let their transfers end.
    pub(super) fn change_tftp(&mut self, mut sockets: Vec<(usize, UdpSocket)>) {
        let mut before = std::mem::take(&mut self.tftp);
        let mut after = Vec::new();
        for (i, listener) in self.config.tftp.iter().enumerate() {
            if let Some(at) = before.iter().position(|r| r.wanted == listener.address) {
                let running = before.swap_remove(at);
                running.settings.send_replace(settings(&self.config, listener));
                after.push(running);
                continue;
            }
            let Some(at) = sockets.iter().position(|(of, _)| *of == i) else { continue };
            match self.hear(listener, sockets.swap_remove(at).1) {
                Ok(running) => {
                    introduce(&self.journal, listener, running.address);
                    after.push(running);
                }
                Err(refused) => self.journal.say(&Fact::failed("reload", refused.what, refused.reason, refused.detail)),
            }
        }
        for gone in before {
            self.journal.say(&Fact::words("listening", format!("no longer listens on {}", gone.address)));
            gone.gentle.cancel();
        }
        self.tftp = after;
    }
}

/// Says where it listens.
pub(super) fn introduce(journal: &Journal, listener: &Tftp, address: SocketAddr) {
    let words = format!("{} listens on {address} for tftp, {}, {}", listener.name, uploads(listener), listener.ports);
    journal.say(&Fact::words("listening", words));
}

/// What may be done there, in words.
pub(crate) const fn uploads(listener: &Tftp) -> &'static str {
    match listener.uploads {
        tftp::Uploads::Off => "to read only",
        tftp::Uploads::New => "uploads of new files",
        tftp::Uploads::Replace => "uploads replace files",
        tftp::Uploads::Versions => "uploads keep what is there",
    }
}
