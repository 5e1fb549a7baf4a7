//! A transfer as the control loop sees it: first the data connection comes about, then the body moves; at any point
//! it can be cancelled.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use gate::{Outcome, Permit};
use io::body::{BoxFuture, Chunks};
use io::clock;
use io::gss::Shared;
use io::meter::Meter;
use io::stream::Stream;
use io::tls::ServerSession;
use proto::ftp::data::Form;
use proto::ftp::server::{Body, Channel, Cover, End, Flow, Via};
use tokio::sync::mpsc;
use types::{Direction, Error, Reason, TransferId, What};

use super::asks::Asks;
use super::data::{self, Came, How, Moving, Over, Rest, Span, Terms};
use super::listing::Lines;
use super::protect::{Failed, Reuse, Shield};
use super::shape::Noted;
use super::{Ends, Listener};
use crate::ask::Opened;

/// What a transfer has to tell.
pub(super) enum Step {
    /// The data connection stands; what the ladder says of its TLS.
    Connected(SocketAddr, Direction, Option<Box<str>>),
    /// Lines for the control connection.
    Lines(Bytes),
    /// It ended; what the ladder shows of it.
    Ended(TransferId, End, [Option<What>; 2]),
    /// Something showed in the body.
    Noted(TransferId, Noted),
}

/// How many markers wait for the control connection to take their replies.
const NOTED_AT_MOST: usize = 16;

/// A transfer under way.
pub(super) struct Transfer {
    id: TransferId,
    stage: Stage,
    meter: Meter,
    direction: Direction,
    form: Form,
    /// What shows in the body, for the control connection to tell.
    noted: Option<mpsc::Receiver<Noted>>,
    /// The data connection, when the transfer is over.
    rest: Rest,
    /// Whether the client does nothing on the data connection before it has read that the transfer begins.
    awaited: bool,
    stall_after: Duration,
    proved: bool,
    orphan: Arc<AtomicBool>,
    to: Option<SocketAddr>,
    cancelled: bool,
}

enum Stage {
    /// The data connection is awaited.
    Connecting(BoxFuture<'static, Result<Came, Failed>>, Option<Box<Moving>>),
    /// The body moves.
    Moving(BoxFuture<'static, Over>),
    /// It is over; what showed in it comes first.
    Over(Option<Box<(End, [Option<What>; 2])>>),
    /// Lines are made for the control connection.
    Telling(BoxFuture<'static, Told>),
    /// It was over before it began.
    Failed(Option<Error>),
}

/// The lines and the next chunk of them.
type Told = (Box<Lines>, Result<Option<Bytes>, Error>);

impl Transfer {
    /// Begins what the session wishes with what the last ask opened.
    pub(super) fn new(
        id: TransferId,
        flow: Flow,
        asks: &mut Asks,
        listener: &Arc<Listener>,
        ends: Ends,
        (tls, context): (Option<ServerSession>, Option<Shared>),
        orphan: Arc<AtomicBool>,
    ) -> Self {
        let direction = if matches!(flow.body, Body::Receive { .. } | Body::Discard) { Direction::In } else { Direction::Out };
        let form = flow.form;
        let cover = flow.cover;
        let reuse = listener.tls.as_ref().map_or(Reuse::Prefer, |tls| tls.reuse);
        let shield = Shield::of(cover, tls, context, reuse, direction);
        let channel = flow.channel;
        let moving = moving(flow, asks);
        let meter = moving.as_ref().and_then(Moving::meter).unwrap_or_default();
        let mut to = None;
        let (shield, lost) = shield.map_or_else(|reason| (None, Some(reason)), |shield| (shield, None));
        let stage = match (moving, channel) {
            (None, _) => Stage::Failed(Some(Error::with(Reason::Io, "nothing was opened for this transfer"))),
            (_, Channel::Data(_)) if lost.is_some() => Stage::Failed(lost.map(Into::into)),
            (Some(moving), Channel::Data(Via::Passive)) => match asks.take_passive() {
                Some(passive) => connecting(How::Passive(passive), shield, listener, moving),
                None => Stage::Failed(Some(Reason::DataNeverCame.into())),
            },
            (Some(moving), Channel::Data(Via::Active(at))) => {
                to = Some(at);
                connecting(How::Active(ends.local, at), shield, listener, moving)
            }
            (Some(moving), Channel::Data(Via::Kept(or))) => {
                let kept = asks.take_kept();
                to = or.filter(|_| kept.is_none());
                connecting(How::Kept(kept, or.map(|or| (ends.local, or))), shield, listener, moving)
            }
            (Some(Moving::Lines(lines, _)), Channel::Control) => tell(lines),
            (Some(Moving::Digest(reading, algorithm, most)), Channel::Count) => {
                Stage::Moving(Box::pin(async move { Over::without(data::digest(reading, algorithm, most).await) }))
            }
            (Some(Moving::Out(reading, _)), Channel::Count) => {
                Stage::Moving(Box::pin(async move { Over::without(data::count(reading, form).await) }))
            }
            (Some(_), _) => Stage::Failed(Some(Error::with(Reason::Io, "this cannot move there"))),
        };
        let stall_after = listener.stall_after;
        // Clients that seal seldom send the empty buffer that ends a body.
        let proved = cover == Cover::Tls && listener.tls.as_ref().is_none_or(|tls| tls.proved);
        let awaited = direction == Direction::In || cover != Cover::Clear;
        let (rest, noted) = (Rest::Nothing, None);
        Self { id, stage, meter, direction, form, noted, rest, awaited, stall_after, proved, orphan, to, cancelled: false }
    }

    /// Where an active data connection goes.
    pub(super) const fn connects_to(&self) -> Option<SocketAddr> {
        self.to
    }

    /// Bytes moved so far.
    pub(super) fn moved(&self) -> u64 {
        self.meter.moved()
    }

    /// Breaks it off at the next chance.
    pub(super) fn cancel(&mut self) {
        self.cancelled = true;
        self.meter.token().cancel();
    }

    /// What is left of the data connection.
    pub(super) fn take_rest(&mut self) -> Rest {
        std::mem::take(&mut self.rest)
    }

    /// Whether the client waits for the reply that it begins, and this for the client: the reply goes before anything else
    /// is done then. Says so once.
    pub(super) fn is_awaited(&mut self) -> bool {
        std::mem::take(&mut self.awaited)
    }

    /// What the ladder shows when the session ends under it.
    pub(super) fn cut(&self, reason: Reason) -> What {
        What::Cut(self.direction, self.meter.moved(), reason)
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        match &mut self.stage {
            Stage::Connecting(connection, moving) => {
                if self.cancelled {
                    return self.fail(Reason::Cancelled.into());
                }
                let connected = std::task::ready!(connection.as_mut().poll(cx));
                let moving = moving.take();
                match (connected, moving) {
                    (Ok(came), Some(moving)) => self.connected(came, *moving),
                    (Ok(_), None) => self.fail(Reason::Io.into()),
                    (Err(Failed { reason, detail, stranger }), moving) => {
                        if let Some(permit) = moving.and_then(|moving| permit(*moving)) {
                            permit.settle(Outcome::Failed(reason));
                        }
                        let error = if detail.is_empty() { reason.into() } else { Error::with(reason, detail) };
                        let stranger = stranger
                            .map(|(peer, port)| What::Note(Reason::DataForeign, format!("{peer} came to port {port}").into()));
                        Poll::Ready(Step::Ended(self.id, failed(0, error), [stranger, Some(What::DataFailed(reason))]))
                    }
                }
            }
            Stage::Moving(body) => {
                if let Some(noted) = &mut self.noted
                    && let Poll::Ready(Some(noted)) = noted.poll_recv(cx)
                {
                    return Poll::Ready(Step::Noted(self.id, noted));
                }
                let Over { end, unproved, rest } = std::task::ready!(body.as_mut().poll(cx));
                self.rest = rest;
                let what = match &end {
                    End::Done { bytes, took } => What::Moved(self.direction, *bytes, *took),
                    End::Digest(_) => What::Moved(self.direction, 0, clock::now().saturating_duration_since(self.meter.begun())),
                    End::Failed { bytes, error } => What::Cut(self.direction, *bytes, error.reason),
                };
                let note = unproved.then(|| What::Note(Reason::DataTruncated, "taken all the same".into()));
                self.stage = Stage::Over(Some(Box::new((end, [note, Some(what)]))));
                self.poll(cx)
            }
            Stage::Over(over) => {
                if let Some(noted) = &mut self.noted
                    && let Ok(noted) = noted.try_recv()
                {
                    return Poll::Ready(Step::Noted(self.id, noted));
                }
                match over.take() {
                    Some(over) => Poll::Ready(Step::Ended(self.id, over.0, over.1)),
                    None => Poll::Pending, // told already
                }
            }
            Stage::Telling(lines) => {
                if self.cancelled {
                    return self.fail(Reason::Cancelled.into());
                }
                let (lines, chunk) = std::task::ready!(lines.as_mut().poll(cx));
                match chunk {
                    Ok(Some(chunk)) => {
                        self.stage = tell(lines);
                        Poll::Ready(Step::Lines(chunk))
                    }
                    Ok(None) => {
                        let took = clock::now().saturating_duration_since(self.meter.begun());
                        Poll::Ready(Step::Ended(self.id, End::Done { bytes: 0, took }, [None, None]))
                    }
                    Err(error) => self.fail(error),
                }
            }
            Stage::Failed(error) => {
                let error = error.take().unwrap_or_else(|| Reason::Io.into());
                self.fail(error)
            }
        }
    }

    fn connected(&mut self, came: Came, moving: Moving) -> Poll<Step> {
        let Some(peer) = came.peer() else { return self.fail(Reason::DataReset.into()) };
        let secured = came.told();
        let body = match data::at_once(came, moving, self.form) {
            Ok(over) => Box::pin(std::future::ready(over)),
            Err(left) => match (left.0.stream(), left.1) {
                (Ok(stream), moving) => self.body(stream, moving),
                (Err(failed), moving) => {
                    if let Some(permit) = permit(moving) {
                        permit.settle(Outcome::Failed(failed.reason));
                    }
                    return self.fail(failed.reason.into());
                }
            },
        };
        self.stage = Stage::Moving(body);
        Poll::Ready(Step::Connected(peer, self.direction, secured))
    }

    /// The body's way over a connection that is watched.
    fn body(&mut self, stream: Stream, moving: Moving) -> BoxFuture<'static, Over> {
        let (form, stall_after, proved) = (self.form, self.stall_after, self.proved);
        let mut noted = None;
        if form.keeps_connection() {
            stream.send_at_once();
        }
        if self.direction == Direction::In && form.keeps_connection() {
            let (to, from) = mpsc::channel(NOTED_AT_MOST);
            (noted, self.noted) = (Some(to), Some(from));
        }
        data::transfer(stream, moving, Terms { form, noted, stall_after, proved, orphan: self.orphan.clone() })
    }

    fn fail(&self, error: Error) -> Poll<Step> {
        let what = What::Cut(self.direction, self.meter.moved(), error.reason);
        Poll::Ready(Step::Ended(self.id, failed(self.meter.moved(), error), [None, Some(what)]))
    }
}

fn connecting(how: How, shield: Option<Shield>, listener: &Arc<Listener>, moving: Moving) -> Stage {
    Stage::Connecting(Box::pin(data::come_about(how, shield, listener.clone())), Some(Box::new(moving)))
}

const fn failed(bytes: u64, error: Error) -> End {
    End::Failed { bytes, error }
}

fn tell(mut lines: Box<Lines>) -> Stage {
    Stage::Telling(Box::pin(async move {
        let chunk = lines.next().await;
        (lines, chunk)
    }))
}

fn permit(moving: Moving) -> Option<Permit> {
    match moving {
        Moving::Out(reading, _) | Moving::Digest(reading, ..) | Moving::Thumbnail(reading, _) => Some(reading.permit),
        Moving::In(writing, _) => Some(writing.permit),
        Moving::Lines(..) | Moving::Discard(_) => None,
    }
}

/// What the session's flow means for what was opened.
fn moving(flow: Flow, asks: &mut Asks) -> Option<Moving> {
    let over_control = flow.channel == Channel::Control;
    match (flow.body, asks.take_opened().map(|opened| *opened)) {
        (Body::Send { at, skip, most }, Some(Opened::Reading(reading))) => Some(Moving::Out(reading, Span { at, skip, most })),
        (Body::Thumbnail(wanted), Some(Opened::Reading(reading))) => Some(Moving::Thumbnail(reading, wanted)),
        (Body::Digest { algorithm, most }, Some(Opened::Reading(reading))) => Some(Moving::Digest(reading, algorithm, most)),
        (Body::Receive { expected }, Some(Opened::Writing(writing))) => Some(Moving::In(writing, expected)),
        (Body::Discard, _) => Some(Moving::Discard(Meter::default())),
        (Body::List(listed), opened) => {
            let folder = match opened {
                Some(Opened::Folder(folder)) => Some(folder),
                _ => None,
            };
            let access = asks.access()?.clone();
            let meter = folder.as_ref().and_then(|f| f.meter().cloned()).unwrap_or_default();
            Some(Moving::Lines(Box::new(Lines::new(access, folder, listed, over_control, clock::wall())), meter))
        }
        _ => None,
    }
}
