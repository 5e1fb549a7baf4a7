//! A server that runs: what is open, how it is told to read its configuration again, and how it ends.

use std::net::SocketAddr;
use std::sync::Arc;

use gate::Gate;
use io::CancellationToken;
use io::task::Workers;
use io::tls::Certificate;
use sd_notify::NotifyState;
use server::ftp;
use tokio::net::TcpListener;
use types::Reason;

use super::identity::{self, Identity, Loaded, Turn, Watch};
use super::issued::Issued;
use super::listening::Running;
use super::parts::{self, Followed, OpenMount, OpenPorts};
use super::sockets::Sockets;
use super::system::{self, Signals, Wish};
use super::{Plan, Refused, is_for_people, ssh, tftp, welcome, wire};
use crate::cli::Exit;
use crate::config::{Config, Listener, PasswordFrom, PlainLogin, tls_in_words};
use crate::confine::{Confined, Rooms};
use crate::log::{Fact, Journal, Look, Place, Writer};
use crate::say;

/// What start-up hands over.
pub(super) struct Start {
    pub(super) plan: Plan,
    pub(super) sockets: Sockets,
    /// For TFTP.
    pub(super) datagrams: Vec<std::net::UdpSocket>,
    /// For SSH.
    pub(super) ssh: Vec<std::net::TcpListener>,
    pub(super) host_keys: ssh::HostKeys,
    /// Why there is no TFTP or no SFTP, where there could have been.
    pub(super) without: Vec<String>,
    /// For an authority that is to look at once.
    pub(super) door: Option<std::net::TcpListener>,
    pub(super) identity: Identity,
    pub(super) storages: Vec<OpenMount>,
    pub(super) place: Place,
    pub(super) look: Look,
    pub(super) confined: Confined,
    /// How many reactors there shall be.
    pub(super) workers: usize,
}

/// A server that runs.
pub(super) struct Live {
    pub(super) gate: Arc<Gate>,
    pub(super) journal: Arc<Journal>,
    pub(super) rooms: Rooms,
    pub(super) config: Config,
    pub(super) identity: Identity,
    /// Keeps the certificate of an authority fresh.
    pub(super) issued: Issued,
    pub(super) listeners: Vec<Running<ftp::Listener>>,
    pub(super) tftp: Vec<tftp::Running>,
    pub(super) ssh: Vec<ssh::Running>,
    pub(super) host_keys: ssh::HostKeys,
    pub(super) mounts: Vec<OpenMount>,
    pub(super) ports: Vec<OpenPorts>,
    pub(super) names: Vec<Followed>,
    /// Where sessions run.
    pub(super) workers: Workers,
    /// Ends everything where it stands.
    pub(super) now: CancellationToken,
}

/// Runs until it is told to stop.
pub(super) async fn run(start: Start) -> Result<Exit, Refused> {
    let Start { plan, mut sockets, datagrams, ssh, host_keys, without, door, identity, storages, place, look, confined, workers } =
        start;
    let now = CancellationToken::new();
    let workers =
        Workers::start(workers.saturating_sub(1), &now).map_err(|e| Refused::new("the reactors", Reason::Io, e.to_string()))?;
    let mut signals = Signals::listen().map_err(|e| Refused::new("signals", Reason::Io, e.to_string()))?;
    let (lines, writer) = Writer::start(place, plan.config.log.form);
    let log = &plan.config.log;
    let journal = Journal::new(log.form, look, log.quiet, plan.config.trace.ladders, lines);
    let live = begin((plan.config, identity, host_keys), &mut sockets, storages, &journal, confined.rooms, (workers, now)).await;
    let live = live.and_then(|mut live| live.begin_tftp(datagrams).and_then(|()| live.begin_ssh(ssh)).map(|()| live));
    let mut live = match live {
        Ok(live) => live,
        Err(refused) => {
            drop(journal);
            writer.end().await;
            return Err(refused);
        }
    };
    let ways: Vec<welcome::Way> = live
        .config
        .listeners
        .iter()
        .zip(&live.listeners)
        .map(|(listener, r)| welcome::Way { listener, address: r.address })
        .collect();
    // A password that was made for this run must be told even by one who says little.
    let made = plan.user.as_ref().is_some_and(|u| u.from == PasswordFrom::Made);
    if plan.file.is_none() && (made || !live.config.log.quiet) {
        let tftp: Vec<SocketAddr> = live.tftp.iter().map(|r| r.address).collect();
        let ssh: Vec<SocketAddr> = live.ssh.iter().map(|r| r.address).collect();
        let others = welcome::Others { tftp: &tftp, ssh: &ssh, host_keys: &live.host_keys.keys };
        let text = welcome::text(&live.config, plan.user.as_ref(), &ways, &others, &live.identity, look);
        // Whoever reads JSON reads only JSON.
        if is_for_people(&live.config) {
            say::out(format_args!("{text}"));
        } else {
            say::err(format_args!("{text}"));
        }
    }
    live.introduce(&confined.said, &sockets.unused(), without);
    system::notify(&[NotifyState::Ready]);
    system::keep_awake(&live.now);
    live.issued = Issued::begin(live.config.acme.as_ref(), door, &live.journal, &live.now);
    let mut watch = Watch::new(live.identity.files(&live.config));
    loop {
        tokio::select! {
            wish = signals.next() => match wish {
                Wish::Stop => break,
                Wish::Reload => {
                    live.reload(plan.file.as_deref()).await;
                    watch = Watch::new(live.identity.files(&live.config));
                }
            },
            turn = watch.turn() => match turn {
                Turn::Changed => live.read_certificates().await,
                Turn::Later => live.warn_of_dates(),
            },
        }
    }
    live.stop(&mut signals).await;
    drop(journal);
    writer.end().await;
    Ok(Exit::Well)
}

/// Opens what is still closed and begins to accept.
async fn begin(
    (config, identity, host_keys): (Config, Identity, ssh::HostKeys),
    sockets: &mut Sockets,
    mounts: Vec<OpenMount>,
    journal: &Arc<Journal>,
    rooms: Rooms,
    (workers, now): (Workers, CancellationToken),
) -> Result<Live, Refused> {
    let ports = parts::ports(&config.listeners, &[], journal)?;
    let names = parts::names(&config.listeners, &[], journal).await;
    let gate = Gate::new(wire::rules(&config, &mounts))
        .map_err(|e| Refused::new("the rules", e.reason, e.detail.map(String::from).unwrap_or_default()))?;
    let issued = Issued::begin(None, None, journal, &now);
    let mut live = Live {
        gate,
        issued,
        journal: journal.clone(),
        rooms,
        config,
        identity,
        listeners: Vec::new(),
        tftp: Vec::new(),
        ssh: Vec::new(),
        host_keys,
        mounts,
        ports,
        names,
        workers,
        now,
    };
    let mut sockets_of = Vec::new();
    for listener in &live.config.listeners {
        sockets_of.push(sockets.take(listener)?);
    }
    for (listener, socket) in live.config.listeners.clone().iter().zip(sockets_of) {
        let running = live.accept(listener, socket)?;
        live.listeners.push(running);
    }
    for mount in &live.mounts {
        mount.keep_clean(journal);
    }
    Ok(live)
}

impl Live {
    /// Begins to accept at a socket.
    pub(super) fn accept(&self, listener: &Listener, socket: std::net::TcpListener) -> Result<Running<ftp::Listener>, Refused> {
        let refused =
            |e: std::io::Error| Refused::new(format!("cannot listen on {}", listener.address), Reason::Bind, e.to_string());
        let address = socket.local_addr().map_err(refused)?;
        let socket = TcpListener::from_std(socket).map_err(refused)?;
        let settings = wire::listener(&self.config, listener, &self.ports, &self.names, &self.identity);
        let (gate, journal, workers) = (self.gate.clone(), self.journal.clone(), self.workers.clone());
        let serve = |given, stop| ftp::serve(socket, given, gate, journal, workers, stop);
        Ok(Running::begin(self, "ftp listener", (listener.address, address), settings, serve))
    }

    /// Says what is served and what was given up.
    fn introduce(&mut self, confined: &[String], unused: &[SocketAddr], without: Vec<String>) {
        for (listener, running) in self.config.listeners.iter().zip(&self.listeners) {
            self.introduce_listener(listener, running.address);
        }
        for (listener, running) in self.config.tftp.iter().zip(&self.tftp) {
            tftp::introduce(&self.journal, listener, running.address);
        }
        for (listener, running) in self.config.ssh.iter().zip(&self.ssh) {
            ssh::introduce(&self.journal, listener, running.address);
        }
        self.introduce_host_keys();
        for words in without {
            self.journal.say(&Fact::words("warning", words));
        }
        for certificate in self.identity.all().to_vec() {
            self.introduce_certificate(&certificate);
        }
        self.warn_of_dates();
        for file in self.identity.out_of_reach(&self.config) {
            let words = format!(
                "the process has become who may not read {} again: another file in its place counts with the next start only",
                file.display()
            );
            self.journal.say(&Fact::words("warning", words));
        }
        for address in unused {
            let words = format!("the socket {address} was handed over, and no [[listener]] names it");
            self.journal.say(&Fact::words("warning", words));
        }
        self.journal.say(&Fact::words("confined", format!("gave up what is not needed, and keeps: {}", confined.join("; "))));
    }

    /// Says where it listens, and what is open there that is closed as it comes.
    pub(super) fn introduce_listener(&self, listener: &Listener, address: SocketAddr) {
        let passive = listener.passive.as_ref().map_or("no passive mode".to_owned(), |p| format!("passive ports {}", p.ports));
        let tls = tls_in_words(listener.tls.as_ref());
        let words = format!("{} listens on {address} for {}, {tls}, {passive}", listener.name, listener.protocol.name());
        self.journal.say(&Fact { address: None, ..Fact::words("listening", words) });
        if listener.plain_login == PlainLogin::Allow {
            let words = format!(
                "{} takes passwords in clear from everywhere: whoever listens on the network can read them",
                listener.name
            );
            self.journal.say(&Fact::words("warning", words));
        }
    }

    /// Reads the certificates' files again, which have changed.
    pub(super) async fn read_certificates(&mut self) {
        match self.identity.prepare(&self.config) {
            Ok(loaded) => {
                self.use_certificates(loaded);
                for (listener, running) in self.config.listeners.iter().zip(&self.listeners) {
                    let settings = wire::listener(&self.config, listener, &self.ports, &self.names, &self.identity);
                    running.change(settings);
                }
            }
            Err(refused) => {
                let words = format!("{}, and those in use stay", refused.what);
                self.journal.say(&Fact::failed("certificate", words, refused.reason, refused.detail));
            }
        }
    }

    /// Shows what was read, from the next handshake on.
    pub(super) fn use_certificates(&mut self, loaded: Loaded) {
        for certificate in self.identity.take(loaded) {
            self.introduce_certificate(&certificate);
        }
        self.warn_of_dates();
    }

    fn introduce_certificate(&self, certificate: &Certificate) {
        let (names, until) = (identity::names(certificate), identity::date(certificate.ends()));
        let words = format!("shows a certificate {names} until {until}, SHA-256 {}", certificate.fingerprint());
        self.journal.say(&Fact::words("certificate", words));
    }

    fn warn_of_dates(&mut self) {
        for words in self.identity.warnings(io::clock::wall()) {
            self.journal.say(&Fact::words("warning", words));
        }
    }

    /// Accepts no more, lets transfers end as long as `limits.drain_seconds` says, and goes. A second signal ends
    /// all at once.
    async fn stop(self, signals: &mut Signals) {
        system::notify(&[NotifyState::Stopping]);
        let seconds = self.config.waits.drain.as_secs();
        let words = format!("stopping: transfers may end for {seconds} s; a second signal ends them now");
        self.journal.say(&Fact::words("stopping", words));
        self.gate.stop();
        self.issued.stop();
        self.listeners.iter().for_each(Running::stop);
        self.tftp.iter().for_each(Running::stop);
        self.ssh.iter().for_each(Running::stop);
        let ended = async {
            for running in self.ssh {
                running.ended().await;
            }
            for running in self.listeners {
                running.ended().await;
            }
            for running in self.tftp {
                running.ended().await;
            }
        };
        tokio::pin!(ended);
        loop {
            tokio::select! {
                () = &mut ended => break,
                wish = signals.next() => if wish == Wish::Stop { self.now.cancel() },
            }
        }
        self.now.cancel();
        self.mounts.iter().for_each(OpenMount::close);
        self.ports.iter().for_each(|p| p.stop.cancel());
        self.names.iter().for_each(|n| n.stop.cancel());
        self.gate.flush().await;
        self.journal.say(&Fact::words("stopped", "stopped"));
    }
}
