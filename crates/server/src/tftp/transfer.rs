//! One transfer from its request to its end: who is there, what is asked of the gate, and what it is answered.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use gate::{Access, Gate, Guest, Outcome, Reading};
use io::body::Source;
use io::clock;
use io::udp::Route;
use proto::tftp::errors::{self, Code};
use proto::tftp::options::{Bounds, Terms, Wishes};
use proto::tftp::packet::{HEADER, Mode, Packet, Request, print_options};
use proto::tftp::sender::Opening;
use proto::tftp::words;
use trace::record::{Observer, Recorder, SessionInfo};
use types::{Credentials, Error, LoginError, Op, Reason, VPath, What, WriteHow};

use super::names::Asker;
use super::together::{Door, Together};
use super::upload::{Upload, version_before};
use super::wire::Wire;
use super::{Listener, Uploads};
use crate::ask::{Opened, ask};
use crate::listen::canonical;

/// What a transfer begins with.
pub(super) struct Transfer {
    pub(super) listener: Arc<Listener>,
    pub(super) gate: Arc<Gate>,
    pub(super) observer: Arc<dyn Observer>,
    /// The request, as it came.
    pub(super) request: Box<[u8]>,
    pub(super) writing: bool,
    /// Set when the client has answered.
    pub(super) answered: Arc<AtomicBool>,
    /// The way to the groups.
    pub(super) door: Door,
}

/// How old a version may be for the same content, sent again, to be the same upload.
const AGAIN_WITHIN_SECONDS: i64 = 600;

/// A transfer under way: its wire, and who hears of it.
pub(super) struct Session {
    pub(super) wire: Wire,
    pub(super) route: Route,
    pub(super) listener: Arc<Listener>,
    pub(super) mode: Mode,
    pub(super) answered: Arc<AtomicBool>,
    pub(super) door: Door,
    /// Who is served.
    user: Box<str>,
    recorder: Recorder,
    began: Instant,
}

impl Transfer {
    /// Runs until it has ended.
    pub(super) async fn run(self, mut wire: Wire) {
        let began = clock::now();
        let peer = canonical(wire.peer());
        // Where there is no port, silence: the client asks again.
        let Ok(route) = wire.open(&self.listener.place, self.writing) else { return };
        let Some(local) = wire.local() else { return };
        let Ok(Packet::Read(request) | Packet::Write(request)) = Packet::parse(&self.request) else { return };
        let guest = match self.gate.admit(&self.listener.name, peer, local) {
            Ok(guest) => guest,
            Err(reason) => return turn_away(&wire, &route, reason).await,
        };
        let info =
            SessionInfo { id: guest.id(), protocol: "tftp", listener: self.listener.name.clone(), peer, local, user: None };
        let mut session = Session {
            wire,
            route,
            mode: request.mode,
            answered: self.answered,
            door: self.door,
            user: "".into(),
            recorder: Recorder::new(info, self.observer, self.listener.record),
            listener: self.listener,
            began,
        };
        session.note(|| What::Accepted(peer, local));
        session.note(|| What::Command(words::request(&request, self.writing)));
        let ended = match session.enter(&guest).await {
            Ok(access) => session.serve(&access, &request, self.writing, peer).await,
            Err(reason) => Err(reason.into()),
        };
        let closed = match ended {
            Ok(()) => None,
            Err(Told::Yes(reason)) => Some(reason),
            Err(Told::Not(error)) => {
                session.refuse(errors::code(error.reason), &error.reason.to_string()).await;
                Some(error.reason)
            }
        };
        session.note(|| What::Closed(closed));
    }
}

/// Why a transfer ended, and whether the client has heard.
pub(super) enum Told {
    /// It has, or it said so itself, or nobody is there to hear.
    Yes(Reason),
    /// It is still to be told.
    Not(Error),
}

impl From<Reason> for Told {
    fn from(reason: Reason) -> Self {
        Self::Not(reason.into())
    }
}

impl From<Error> for Told {
    fn from(error: Error) -> Self {
        Self::Not(error)
    }
}

/// Nobody's transfer: one packet says so. Whom the door does not know at all is not even told that.
async fn turn_away(wire: &Wire, route: &Route, reason: Reason) {
    if !matches!(reason, Reason::Banned | Reason::AddressNotAllowed | Reason::ShuttingDown) {
        let packet = errors::error(errors::code(reason), &reason.to_string());
        let _ = wire.send(route, &packet, packet.len()).await;
    }
}

impl Session {
    /// What the transfer is as time goes.
    pub(super) fn now(&self) -> Duration {
        clock::now().saturating_duration_since(self.began)
    }

    /// The moment of a time in the transfer.
    pub(super) fn moment(&self, at: Duration) -> Instant {
        self.began + at
    }

    pub(super) fn note(&mut self, what: impl FnOnce() -> What) {
        let at = self.now();
        self.recorder.record_with(at, what);
    }

    /// The client has answered: the same request again would be a new one.
    pub(super) fn heard(&self) {
        self.answered.store(true, Ordering::Release);
    }

    async fn enter(&mut self, guest: &Guest) -> Result<Access, Reason> {
        self.note(|| What::Ask("login".into()));
        match guest.login(Credentials::None, false).await {
            Ok((access, welcome)) => {
                self.note(|| What::Answer(format!("welcome {}", welcome.home).into()));
                self.user = welcome.user.as_ref().into();
                self.recorder.set_user(Some(welcome.user.as_ref().into()));
                Ok(access)
            }
            Err(error) => {
                let reason = match error {
                    LoginError::Refused(reason) | LoginError::Closing(reason) => reason,
                    // Nobody is who needs no password here: the address may not be served.
                    _ => Reason::AddressNotAllowed,
                };
                self.note(|| What::Answer(reason.to_string().into()));
                Err(reason)
            }
        }
    }

    async fn serve(&mut self, access: &Access, request: &Request<'_>, writing: bool, peer: SocketAddr) -> Result<(), Told> {
        let asker = self.asker(peer.ip()).await;
        let path = self.path(request.name, asker)?;
        let mut wishes = Wishes::read(&request.options);
        let adapted = self.listener.quirks.iter().filter(|known| known.adapt(asker, &mut wishes));
        let names: Vec<&str> = adapted.map(|known| known.quirk.name).collect();
        if !names.is_empty() {
            let said = format!("a client of {}", names.join(" and ")).into();
            self.note(|| What::Note(Reason::TftpQuirk, said));
        }
        if request.mode == Mode::Netascii {
            // How long the text is on the wire is known when it has been sent.
            wishes.tsize = None;
        }
        if writing {
            return self.take(access, path, &wishes).await;
        }
        let together = wishes.multicast && self.listener.groups.is_some() && request.mode == Mode::Octet;
        let mut reading = self.read(access, path.clone()).await?;
        if together {
            reading = match self.together(path, reading, &wishes, access.revoked()).await {
                Together::Ended(ended) => return ended,
                Together::Alone(reading) => *reading,
            };
        }
        let (terms, opening) = self.agree(&wishes, Some(reading.attr.size));
        if terms.windowsize <= 1 {
            self.wire.lock_step();
        }
        self.send(reading, terms, opening, access.revoked()).await
    }

    /// Takes what the client writes.
    async fn take(&mut self, access: &Access, path: VPath, wishes: &Wishes) -> Result<(), Told> {
        let how = match self.listener.uploads {
            Uploads::Off => return Err(Reason::TftpNoUploads.into()),
            Uploads::New => WriteHow::New,
            Uploads::Replace => WriteHow::Replace,
            Uploads::Versions => WriteHow::Unique,
        };
        let op = Op::Write { path: path.clone(), how, expected: wishes.tsize, keep: true };
        let (upload, permit) = match self.ask(access, op).await {
            Ok(Opened::Writing(writing)) => {
                let before = self.just_before(access, &path, &writing.path).await;
                (Upload::new(writing.sink, before, wishes.tsize), writing.permit)
            }
            Ok(_) => return Err(Reason::Unsupported.into()),
            // Sent again, perhaps, for want of the last ACK.
            Err(refused) if refused.reason == Reason::Exists => match self.read(access, path).await {
                Ok(standing) if wishes.tsize.is_none_or(|size| size == standing.attr.size) => {
                    (Upload::again(standing.source, wishes.tsize), standing.permit)
                }
                _ => return Err(refused.into()),
            },
            Err(refused) => return Err(refused.into()),
        };
        let (terms, opening) = self.agree(wishes, None);
        self.receive(upload, permit, terms, opening, access.revoked()).await
    }

    /// The version before the one that is written, where it is so young that this may be the same upload again.
    async fn just_before(&mut self, access: &Access, asked: &VPath, written: &VPath) -> Option<Source> {
        let Reading { attr, source, permit } = self.read(access, version_before(asked, written)?).await.ok()?;
        permit.settle(Outcome::Done);
        let age = clock::wall().seconds.saturating_sub(attr.modified?.seconds);
        (0..=AGAIN_WITHIN_SECONDS).contains(&age).then_some(source)
    }

    async fn read(&mut self, access: &Access, path: VPath) -> Result<Reading, Error> {
        match self.ask(access, Op::Read { path, at: 0 }).await? {
            Opened::Reading(reading) => Ok(reading),
            _ => Err(Reason::Unsupported.into()),
        }
    }

    /// Asks the gate, and writes down what it said.
    async fn ask(&mut self, access: &Access, op: Op) -> Result<Opened, Error> {
        self.note(|| What::Ask(op.to_string().into()));
        let (answer, opened) = ask(access, op).await;
        self.note(|| {
            What::Answer(match &answer {
                Ok(yielded) => yielded.to_string().into(),
                Err(error) => error.to_string().into(),
            })
        });
        answer?;
        opened.map(|opened| *opened).ok_or_else(|| Reason::Unsupported.into())
    }

    /// Who asks, as far as rules want to know it.
    async fn asker(&self, ip: IpAddr) -> Asker {
        let wanted = self.listener.names.ask_for_mac() || self.listener.quirks.iter().any(|known| !known.mac.is_empty());
        // Where the kernel does not tell, the rules that go by it are none.
        let mac = if wanted { io::neighbour::mac_of(ip).await.ok().flatten() } else { None };
        Asker { ip, mac }
    }

    /// The file that is meant, by the rules for names.
    fn path(&self, asked: &[u8], asker: Asker) -> Result<VPath, Error> {
        let mapped = self.listener.names.map(asker, asked);
        let rule = mapped.steps.last().map_or("", |step| step.0);
        match mapped.refused {
            Some(reason) => Err(Error::with(reason, format!("rule {rule}"))),
            None => Ok(VPath::parse(&mapped.name)?),
        }
    }

    /// How much is agreed to on this way.
    pub(super) fn bounds(&self) -> Bounds {
        let mut bounds = self.listener.bounds;
        if !self.listener.cutting {
            let fits = self.route.room().saturating_sub(HEADER);
            bounds.blksize = bounds.blksize.min(u16::try_from(fits).unwrap_or(u16::MAX));
        }
        bounds
    }

    /// Who is served.
    pub(super) fn user(&self) -> Box<str> {
        self.user.clone()
    }

    /// What is agreed to, and the packet that says so.
    fn agree(&mut self, wishes: &Wishes, size: Option<u64>) -> (Terms, Opening) {
        let (terms, options) = wishes.grant(&self.bounds(), size);
        if options.is_empty() {
            return (terms, Opening::Plain);
        }
        self.note(|| What::Reply(words::agreed(options.iter().map(|(name, value)| (*name, value)))));
        (terms, Opening::Offer(print_options(options)))
    }

    async fn refuse(&mut self, code: Code, text: &str) {
        self.note(|| What::Reply(words::error(code, text)));
        let packet = errors::error(code, text);
        // Lost or not, it was said (RFC 1350 §7: errors are not repeated).
        let _ = self.wire.send(&self.route, &packet, packet.len()).await;
    }
}
