//! What is recorded of a connection: how it was made, the key exchange, what was shown to log in, and the requests.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use io::clock;
use trace::record::{Capacity, Recorder, SessionInfo};
use types::{Error, What};

use super::{Dial, Way};

/// The record of one connection, which ends once.
pub(super) struct Record {
    recorder: Mutex<Option<Recorder>>,
    begun: Instant,
    local: SocketAddr,
}

impl Record {
    /// Of a connection between two addresses, or of one that leads through another: nobody here knows its addresses then, and
    /// `local` is the other's.
    pub(super) fn begin(dial: &Dial, local: SocketAddr, peer: Option<SocketAddr>) -> Self {
        let own = match peer {
            Some(_) => local,
            None => beside(local),
        };
        let info = SessionInfo {
            id: dial.session,
            protocol: "sftp",
            listener: dial.host.as_ref().into(),
            peer: own,
            local: peer.unwrap_or(own),
            user: Some(dial.user.as_ref().into()),
        };
        let recorder = Mutex::new(Some(Recorder::new(info, dial.observer.clone(), Capacity::NONE)));
        let record = Self { recorder, begun: clock::now(), local: own };
        record.note(|| match peer {
            Some(peer) => What::Accepted(own, peer),
            None if matches!(dial.way, Way::Command(_)) => What::Command("ProxyCommand of ~/.ssh/config".into()),
            None => What::Command(format!("direct-tcpip to {} port {}", dial.peer(), dial.port).into()),
        });
        record
    }

    /// The address here that stands for it.
    pub(super) const fn local(&self) -> SocketAddr {
        self.local
    }

    fn lock(&self) -> MutexGuard<'_, Option<Recorder>> {
        self.recorder.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether anybody looks.
    pub(super) fn is_on(&self) -> bool {
        self.lock().as_ref().is_some_and(Recorder::is_on)
    }

    /// Records what happened.
    pub(super) fn note(&self, what: impl FnOnce() -> What) {
        if let Some(recorder) = &mut *self.lock() {
            recorder.record_with(clock::now() - self.begun, what);
        }
    }

    /// Records the end; nothing is recorded behind it.
    pub(super) fn end(&self, why: Option<&Error>) {
        let Some(mut recorder) = self.lock().take() else { return };
        let now = clock::now() - self.begun;
        if let Some(Error { reason, detail: Some(detail), .. }) = why {
            recorder.record(now, What::Note(*reason, types::text::printable(detail).into()));
        }
        recorder.record(now, What::Closed(why.map(|why| why.reason)));
    }
}

/// An address that stands for a connection within another: none is like it, for none begins with a 0.
fn beside(carrier: SocketAddr) -> SocketAddr {
    let step = match carrier.ip() {
        IpAddr::V4(ip) if ip.octets().starts_with(&[0, 0]) => ip.octets()[3].saturating_add(1),
        _ => 1,
    };
    SocketAddr::new(Ipv4Addr::new(0, 0, 0, step).into(), carrier.port())
}
