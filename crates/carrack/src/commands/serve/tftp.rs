//! Where is TFTP spoken? Its sockets, opened before rights are given up, its listeners, and what a reload makes of them.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;

use io::udp::{Datagrams, Ports};
use proto::tftp::options::{Bounds, MOST_BLOCK};
use proto::tftp::timing::Patience;
use server::tftp::names::Names;
use server::tftp::{self, Place};
use trace::Capacity;
use types::Reason;

use super::Refused;
use super::listening;
use super::live::Live;
use super::sockets::Sockets;
use crate::config::{Config, Tftp, TftpPorts};
use crate::log::{Fact, Journal};

/// The sockets of listeners: those that were handed over, or new ones.
pub(super) fn open(listeners: &mut Vec<Tftp>, given: &mut Sockets) -> Result<(Vec<UdpSocket>, Option<String>), Refused> {
    listening::open(listeners, |listener| given.take_udp(listener.address).map_or_else(|| bind(listener), Ok))
}

fn bind(listener: &Tftp) -> Result<UdpSocket, Refused> {
    io::udp::bound(listener.address)
        .map_err(|e| Refused::new(format!("cannot listen on {} for tftp", listener.address), Reason::Bind, e.to_string()))
}

pub(super) type Running = listening::Running<tftp::Listener>;

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
        let (gate, journal, workers) = (self.gate.clone(), self.journal.clone(), self.workers.clone());
        let serve = |given, stop| tftp::serve(socket, given, gate, journal, workers, stop);
        let at = (listener.address, address);
        Ok(Running::begin(self, "tftp listener", at, settings(&self.config, listener), serve))
    }

    /// Sockets for listeners at addresses that are new.
    pub(super) fn open_new_tftp(&self, config: &Config) -> Result<Vec<(usize, UdpSocket)>, Refused> {
        listening::open_new(&config.tftp, &self.tftp, bind)
    }

    /// What a reload makes of them.
    pub(super) fn change_tftp(&mut self, sockets: Vec<(usize, UdpSocket)>) {
        let before = std::mem::take(&mut self.tftp);
        let begin = |listener: &Tftp, socket| {
            let running = self.hear(listener, socket)?;
            introduce(&self.journal, listener, running.address);
            Ok(running)
        };
        let settings = |listener: &Tftp, _: &tftp::Listener| settings(&self.config, listener);
        self.tftp = listening::change(&self.journal, &self.config.tftp, before, sockets, settings, begin);
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
