//! What is the same for listeners of every protocol: how their sockets are had, how they run, what a reload makes of them, and
//! how they end?

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use io::CancellationToken;
use server::listen::Stop;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::Refused;
use super::live::Live;
use crate::config::{Listener, Ssh, Tftp};
use crate::log::{Fact, Journal};

/// A listener as the configuration has it.
pub(super) trait Way: Clone {
    /// Where it listens.
    fn address(&self) -> SocketAddr;
    /// Nobody asked for it; the words that say what there is without it.
    fn without(&self) -> Option<&'static str>;
}

impl Way for Listener {
    fn address(&self) -> SocketAddr {
        self.address
    }
    fn without(&self) -> Option<&'static str> {
        None
    }
}

impl Way for Ssh {
    fn address(&self) -> SocketAddr {
        self.address
    }
    fn without(&self) -> Option<&'static str> {
        self.optional.then_some("serves without SFTP; --sftp ADDR:PORT gives it another port, --no-sftp none")
    }
}

impl Way for Tftp {
    fn address(&self) -> SocketAddr {
        self.address
    }
    fn without(&self) -> Option<&'static str> {
        self.optional.then_some("serves without TFTP; --tftp ADDR:PORT gives it another port, --no-tftp none")
    }
}

/// Opens a socket for each listener. One that nobody asked for, and that cannot be had, is taken out of the
/// configuration: what is to be said about it.
pub(super) fn open<W: Way, S>(
    listeners: &mut Vec<W>,
    mut socket: impl FnMut(&W) -> Result<S, Refused>,
) -> Result<(Vec<S>, Option<String>), Refused> {
    let (mut sockets, mut without, mut kept) = (Vec::new(), None, Vec::new());
    for listener in listeners.drain(..) {
        match (socket(&listener), listener.without()) {
            (Ok(socket), _) => {
                sockets.push(socket);
                kept.push(listener);
            }
            (Err(refused), Some(words)) => without = Some(format!("{} ({}): {words}", refused.what, refused.detail)),
            (Err(refused), None) => return Err(refused),
        }
    }
    *listeners = kept;
    Ok((sockets, without))
}

/// A listener that runs; `L` is what the server needs to know of it.
pub(super) struct Running<L> {
    /// The address in the configuration.
    wanted: SocketAddr,
    /// The one it has.
    pub(super) address: SocketAddr,
    /// Hands it other settings.
    settings: watch::Sender<Arc<L>>,
    /// Has it accept no more.
    gentle: CancellationToken,
    /// Until the last that it let in has ended.
    ended: JoinHandle<Option<()>>,
}

impl<L> Running<L> {
    /// Begins one: `serve` makes the task of a receiver of settings and of how it is stopped.
    pub(super) fn begin<F: Future<Output = ()> + Send + 'static>(
        live: &Live,
        name: &'static str,
        (wanted, address): (SocketAddr, SocketAddr),
        settings: Arc<L>,
        serve: impl FnOnce(watch::Receiver<Arc<L>>, Stop) -> F,
    ) -> Self {
        let (settings, given) = watch::channel(settings);
        let gentle = CancellationToken::new();
        let stop = Stop { gentle: gentle.clone(), now: live.now.clone(), drain_within: live.config.waits.drain };
        // The root token ends the sessions themselves; the listener's task then ends by itself and tells how.
        let never = CancellationToken::new();
        Self { wanted, address, settings, gentle, ended: io::task::spawn(name, &never, serve(given, stop)) }
    }

    /// What it goes by now.
    pub(super) fn settings(&self) -> Arc<L> {
        self.settings.borrow().clone()
    }

    /// Other settings count from the next that is let in.
    pub(super) fn change(&self, settings: Arc<L>) {
        self.settings.send_replace(settings);
    }

    /// It lets nobody in any more.
    pub(super) fn stop(&self) {
        self.gentle.cancel();
    }

    /// Waits until the last that it let in has ended.
    pub(super) async fn ended(self) {
        let _ = self.ended.await;
    }
}

/// Sockets for listeners at addresses that are new, each with the listener's number.
pub(super) fn open_new<W: Way, S, L>(
    listeners: &[W],
    running: &[Running<L>],
    mut socket: impl FnMut(&W) -> Result<S, Refused>,
) -> Result<Vec<(usize, S)>, Refused> {
    let is_new = |way: &W| !running.iter().any(|r| r.wanted == way.address());
    let new = listeners.iter().enumerate().filter(|(_, way)| is_new(way));
    new.map(|(number, way)| Ok((number, socket(way)?))).collect()
}

/// What a reload makes of listeners: those that stay get their new settings, new ones begin, and those that are gone let
/// their sessions end.
pub(super) fn change<W: Way, S, L>(
    journal: &Journal,
    listeners: &[W],
    mut before: Vec<Running<L>>,
    mut sockets: Vec<(usize, S)>,
    settings: impl Fn(&W, &L) -> Arc<L>,
    begin: impl Fn(&W, S) -> Result<Running<L>, Refused>,
) -> Vec<Running<L>> {
    let mut after = Vec::new();
    for (number, way) in listeners.iter().enumerate() {
        if let Some(at) = before.iter().position(|r| r.wanted == way.address()) {
            let running = before.swap_remove(at);
            running.change(settings(way, &running.settings()));
            after.push(running);
            continue;
        }
        let Some(at) = sockets.iter().position(|(of, _)| *of == number) else { continue };
        match begin(way, sockets.swap_remove(at).1) {
            Ok(running) => after.push(running),
            Err(refused) => journal.say(&Fact::failed("reload", refused.what, refused.reason, refused.detail)),
        }
    }
    for gone in before {
        journal.say(&Fact::words("listening", format!("no longer listens on {}", gone.address)));
        gone.stop();
    }
    after
}
