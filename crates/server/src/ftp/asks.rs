//! What a session has asked and not yet heard: one question at a time, of the gate, of the door or of the ports.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use gate::{Access, Guest, Progress};
use io::body::BoxFuture;
use io::clock;
use io::gss::{Accepted, Failure};
use io::ports::Expect;
use io::stream::Stream;
use io::tls::Claim;
use proto::ftp::server::{PassiveForm, Reserved};
use tokio::time::Sleep;
use tokio_util::sync::CancellationToken;
use types::{AskId, Credentials, Error, LoginError, Op, Reason, Welcome, Yield};

use super::data::Passive;
use super::{Ends, Listener};
use crate::ask::{self, Opened};

/// How long a reservation waits for a port that this client has pending on every port.
const PORT_WITHIN: Duration = Duration::from_secs(5);

/// How often a client is told how far a removing has come: well within the patience of clients and of what translates
/// addresses for them.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// An answer, for the session.
pub(super) enum Answer {
    /// Of the tree behind the gate.
    Tree(Result<Yield, Error>),
    /// None yet: how many entries are done.
    Progress(u64),
    /// Of the door.
    Login(Result<Welcome, LoginError>),
    /// Of the security mechanism.
    Accepted(Result<Accepted, Failure>),
    /// Of the virtual hosts.
    Host(Result<Box<str>, Reason>),
    /// Of the ports: the place, and the address that is announced if it is one.
    Reserved(Result<(Reserved, Option<SocketAddr>), Reason>),
}

/// What a question brings back, for the driver.
enum Brought {
    Tree(Result<Yield, Error>, Option<Box<Opened>>),
    Login(Result<(Access, Welcome), LoginError>),
    Accepted(Result<Accepted, Failure>),
    Host(Result<Box<str>, Reason>),
    Reserved(Result<(Passive, Reserved, Option<SocketAddr>), Reason>),
}

/// The open question, and what earlier answers left behind.
pub(super) struct Asks {
    guest: Guest,
    ends: Ends,
    listener: Arc<Listener>,
    access: Option<Access>,
    /// Somebody has logged in since the driver last looked.
    fresh: bool,
    open: Option<(AskId, BoxFuture<'static, Brought>)>,
    /// How far the removing of a tree has come, and when that is told next.
    progress: Option<(Arc<Progress>, Pin<Box<Sleep>>)>,
    opened: Option<Box<Opened>>,
    passive: Option<Passive>,
    /// The last transfer's data connection, where it stays open.
    kept: Option<Stream>,
    /// Whether data may come from another machine than the client's.
    fxp: bool,
}

impl Asks {
    pub(super) const fn new(guest: Guest, ends: Ends, listener: Arc<Listener>) -> Self {
        Self {
            guest,
            ends,
            listener,
            access: None,
            fresh: false,
            open: None,
            progress: None,
            opened: None,
            passive: None,
            kept: None,
            fxp: false,
        }
    }

    pub(super) const fn is_open(&self) -> bool {
        self.open.is_some()
    }

    pub(super) fn tree(&mut self, id: AskId, op: Op) {
        self.opened = None;
        let access = self.access.clone();
        let progress = matches!(op, Op::RemoveTree { .. }).then(Arc::<Progress>::default);
        let shown = progress.clone();
        self.put(id, async move {
            let Some(access) = access else { return Brought::Tree(Err(Reason::NotLoggedIn.into()), None) };
            let (result, opened) = match progress {
                Some(progress) => ask::ask_with(&access, op, &progress).await,
                None => ask::ask(&access, op).await,
            };
            Brought::Tree(result, opened)
        });
        self.progress = shown.map(|progress| (progress, Box::pin(tokio::time::sleep(TELL_EVERY))));
    }

    /// `secure`: the credentials came over a protected line.
    pub(super) fn login(&mut self, id: AskId, credentials: Credentials, secure: bool) {
        let guest = self.guest.clone();
        self.put(id, async move { Brought::Login(guest.login(credentials, secure).await) });
    }

    /// Gives a client's token to the mechanism, where it may read files.
    pub(super) fn accept(&mut self, id: AskId, exchange: impl FnOnce() -> Result<Accepted, Failure> + Send + 'static) {
        self.put(id, async move {
            let accepted = io::task::blocking(exchange).await;
            Brought::Accepted(accepted.unwrap_or_else(|error| Err(Failure(error.to_string().into()))))
        });
    }

    pub(super) fn host(&mut self, id: AskId, host: &str) {
        let greeting = self.guest.host(host).map(|greeting| greeting.banner.join("\n").into());
        self.put(id, std::future::ready(Brought::Host(greeting)));
    }

    /// Reserves a place for the client's data connection; the one before is given up at once.
    /// `claim` tells this session's data connection from others of its address.
    pub(super) fn reserve(&mut self, id: AskId, form: PassiveForm, claim: Option<Claim>) {
        self.passive = None;
        let (ends, listener) = (self.ends, self.listener.clone());
        let expect = if self.fxp { Expect::Any } else { Expect::From(ends.wire.ip()) };
        self.put(id, async move { Brought::Reserved(reserve(form, ends, expect, claim, &listener).await) });
    }

    fn put(&mut self, id: AskId, question: impl Future<Output = Brought> + Send + 'static) {
        self.progress = None;
        self.open = Some((id, Box::pin(question)));
    }

    pub(super) fn withdraw(&mut self, id: AskId) {
        if self.open.as_ref().is_some_and(|(open, _)| *open == id) {
            self.progress = None;
            self.open = None; // dropped where it waits; what it held is given back
        }
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<(AskId, Answer)> {
        let Some((id, question)) = &mut self.open else { return Poll::Pending };
        let id = *id;
        let Poll::Ready(brought) = question.as_mut().poll(cx) else { return self.poll_progress(id, cx) };
        (self.open, self.progress) = (None, None);
        Poll::Ready((id, self.keep(brought)))
    }

    fn poll_progress(&mut self, id: AskId, cx: &mut Context<'_>) -> Poll<(AskId, Answer)> {
        let Some((progress, timer)) = &mut self.progress else { return Poll::Pending };
        if timer.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        timer.set(tokio::time::sleep(TELL_EVERY));
        Poll::Ready((id, Answer::Progress(progress.entries())))
    }

    fn keep(&mut self, brought: Brought) -> Answer {
        match brought {
            Brought::Tree(result, opened) => {
                self.opened = opened;
                Answer::Tree(result)
            }
            Brought::Login(Ok((access, welcome))) => {
                self.access = Some(access);
                self.fresh = true;
                self.fxp = welcome.fxp;
                Answer::Login(Ok(welcome))
            }
            Brought::Login(Err(error)) => Answer::Login(Err(error)),
            Brought::Accepted(result) => Answer::Accepted(result),
            Brought::Host(result) => Answer::Host(result),
            Brought::Reserved(Ok((passive, place, announced))) => {
                self.passive = Some(passive);
                Answer::Reserved(Ok((place, announced)))
            }
            Brought::Reserved(Err(reason)) => Answer::Reserved(Err(reason)),
        }
    }

    /// Keeps a data connection for the next transfer, or gives up the one that was kept.
    pub(super) fn keep_data(&mut self, stream: Option<Stream>) {
        self.kept = stream;
    }

    /// The data connection that was kept.
    pub(super) const fn take_kept(&mut self) -> Option<Stream> {
        self.kept.take()
    }

    /// What the last answer opened; it can be had once.
    pub(super) const fn take_opened(&mut self) -> Option<Box<Opened>> {
        self.opened.take()
    }

    /// The reserved place; it can be had once.
    pub(super) const fn take_passive(&mut self) -> Option<Passive> {
        self.passive.take()
    }

    pub(super) const fn access(&self) -> Option<&Access> {
        self.access.as_ref()
    }

    /// The access of somebody who has just logged in.
    pub(super) fn fresh_access(&mut self) -> Option<&Access> {
        if std::mem::take(&mut self.fresh) { self.access.as_ref() } else { None }
    }

    pub(super) fn logout(&mut self) {
        self.kept = None;
        self.access = None;
        self.opened = None;
        self.passive = None;
        self.fxp = false;
    }

    /// Cancelled when the guest is to go.
    pub(super) fn revoked(&self) -> CancellationToken {
        self.guest.revoked()
    }

    pub(super) fn why_revoked(&self) -> Option<Reason> {
        self.guest.why()
    }
}

/// A data connection comes as the control connection came: from the client, or through the same balancer; from
/// anywhere for FXP.
async fn reserve(
    form: PassiveForm,
    ends: Ends,
    expect: Expect,
    claim: Option<Claim>,
    listener: &Listener,
) -> Result<(Passive, Reserved, Option<SocketAddr>), Reason> {
    if form == PassiveForm::Single {
        let key = listener.single.reserve(ends.wire.ip())?;
        let place = Reserved::Key(key.text());
        return Ok((Passive::Key(key), place, None));
    }
    let pool = listener.pool.as_ref().ok_or(Reason::NoPassive)?;
    let reservation = pool.reserve(expect, claim, clock::now() + PORT_WITHIN).await?;
    let ip = match form {
        PassiveForm::Pasv => listener.announce.to(ends.peer.ip(), ends.local.ip()),
        _ => ends.local.ip().to_canonical(),
    };
    let at = SocketAddr::new(ip, reservation.port());
    Ok((Passive::Port(reservation), Reserved::At(at), Some(at)))
}
