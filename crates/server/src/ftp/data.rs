//! One transfer: the data connection comes about, a body moves, and the gate's permit is settled.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use gate::{Outcome, Permit, Reading, Writing};
use io::body::{BoxFuture, Put, Sink, Source};
use io::meter::Meter;
use io::ports::Reservation;
use io::pump::{self, Absorb, PumpError, Transform};
use io::stream::{Fresh, Stream};
use io::{clock, connect};
use proto::ftp::data::Form;
use proto::ftp::digest::{Algorithm, Digester, hex};
use proto::ftp::server::{End, Thumbnail};
use tokio::sync::mpsc;
use types::{Error, Reason};

use super::Listener;
use super::listing::Lines;
use super::protect::{self, Failed, Shield};
use super::shape::{Decode, Encode, EncodeLines, Noted};
use super::single::Key;
use super::thumbnail;

/// As many bytes of a refused upload are read, so that the data connection stays for the next; behind them it is cut.
const DISCARDED_AT_MOST: u64 = 64 * 1024 * 1024;

/// Where the client was told to connect.
pub(super) enum Passive {
    /// To a permanent passive listener.
    Port(Reservation),
    /// To the control port.
    Key(Key),
}

impl Passive {
    /// Who came from another address instead of the client, and the port.
    fn stranger(&self) -> Option<(SocketAddr, u16)> {
        match self {
            Self::Port(reservation) => reservation.stranger().map(|peer| (peer, reservation.port())),
            Self::Key(_) => None,
        }
    }
}

/// How a data connection comes about.
pub(super) enum How {
    /// The client connects to this.
    Passive(Passive),
    /// The server connects to this, from the control connection's own address.
    Active(SocketAddr, SocketAddr),
    /// It was kept open behind the last transfer; where the client has closed it, the server connects again.
    Kept(Option<Stream>, Option<(SocketAddr, SocketAddr)>),
}

/// A data connection that stands.
pub(super) enum Came {
    /// In clear, and watched by nobody yet.
    Fresh(Fresh),
    /// Watched, and protected where it is to be.
    Stream(Stream),
}

impl Came {
    /// The client's address.
    pub(super) fn peer(&self) -> Option<SocketAddr> {
        match self {
            Self::Fresh(fresh) => Some(fresh.peer()),
            Self::Stream(stream) => stream.peer_addr().ok(),
        }
    }

    /// What the ladder says of its protection, where it has one.
    pub(super) fn told(&self) -> Option<Box<str>> {
        match self {
            Self::Stream(stream) if stream.is_covered() => Some(protect::told(stream)),
            _ => None,
        }
    }

    /// The connection, watched.
    pub(super) fn stream(self) -> Result<Stream, Failed> {
        match self {
            Self::Fresh(fresh) => fresh.watch().map(Stream::from).map_err(|_| Reason::Overloaded.into()),
            Self::Stream(stream) => Ok(stream),
        }
    }
}

/// Waits until the data connection stands, protected where it is to be.
pub(super) async fn come_about(how: How, shield: Option<Shield>, listener: Arc<Listener>) -> Result<Came, Failed> {
    let until = clock::now() + listener.connect_within;
    let (from, to) = match how {
        How::Passive(passive) => match (accept(passive, until).await?, shield) {
            (fresh, None) => return Ok(fresh),
            (fresh, shield) => return cover(fresh.stream()?, shield, &listener).await.map(Came::Stream),
        },
        How::Active(from, to) => (from, to),
        How::Kept(Some(stream), _) if !stream.has_ended() => return Ok(Came::Stream(stream)),
        How::Kept(_, Some((from, to))) => (from, to),
        How::Kept(_, None) => return Err(Reason::DataReset.into()),
    };
    let from = SocketAddr::new(from.ip(), listener.active_port);
    cover(Stream::from(connect::connect_active(from, to, until).await?), shield, &listener).await.map(Came::Stream)
}

async fn cover(stream: Stream, shield: Option<Shield>, listener: &Listener) -> Result<Stream, Failed> {
    match shield {
        // Boxed: a handshake takes much more room than all that a transfer in clear waits for.
        Some(shield) => Box::pin(shield.cover(stream, clock::now() + listener.connect_within)).await,
        None => Ok(stream),
    }
}

/// Waits for the client to connect.
async fn accept(mut passive: Passive, until: Instant) -> Result<Came, Failed> {
    let connected = async {
        match &mut passive {
            Passive::Port(reservation) => reservation.accepted().await.map(Came::Fresh),
            Passive::Key(key) => key.connected().await.map(Came::Stream),
        }
    };
    let stream = tokio::time::timeout_at(until.into(), connected).await.unwrap_or(Err(Reason::DataNeverCame));
    stream.map_err(|reason| Failed { stranger: passive.stranger(), ..reason.into() })
}

/// What a transfer moves, with leave to do so.
pub(super) enum Moving {
    /// A file, out.
    Out(Reading, Span),
    /// A small picture of a file, out.
    Thumbnail(Reading, Thumbnail),
    /// A file, through a digest; how much of it at most.
    Digest(Reading, Algorithm, Option<u64>),
    /// A file, in; the number of bytes that were announced.
    In(Writing, Option<u64>),
    /// A body nobody wants, in.
    Discard(Meter),
    /// Lines, out.
    Lines(Box<Lines>, Meter),
}

/// Which part of a file goes out.
#[derive(Clone, Copy)]
pub(super) struct Span {
    /// The byte of the file it was opened at.
    pub(super) at: u64,
    /// Bytes of the representation that are left out.
    pub(super) skip: u64,
    /// How many bytes of the file go out at most.
    pub(super) most: Option<u64>,
}

impl Moving {
    /// What counts it.
    pub(super) fn meter(&self) -> Option<Meter> {
        match self {
            Self::Out(reading, _) | Self::Digest(reading, ..) | Self::Thumbnail(reading, _) => reading.permit.meter().cloned(),
            Self::In(writing, _) => writing.permit.meter().cloned(),
            Self::Lines(_, meter) | Self::Discard(meter) => Some(meter.clone()),
        }
    }
}

/// What goes for one transfer.
pub(super) struct Terms {
    /// TYPE, STRU and MODE.
    pub(super) form: Form,
    /// Hears what shows in a body that comes in.
    pub(super) noted: Option<mpsc::Sender<Noted>>,
    pub(super) stall_after: Duration,
    /// Whether the end of an upload under TLS must be proved.
    pub(super) proved: bool,
    /// Whether the control connection has gone.
    pub(super) orphan: Arc<AtomicBool>,
}

/// A transfer that is over.
pub(super) struct Over {
    pub(super) end: End,
    /// The end of an upload under TLS was taken although it was not proved.
    pub(super) unproved: bool,
    pub(super) rest: Rest,
}

impl Over {
    /// It took no data connection.
    pub(super) const fn without(end: End) -> Self {
        Self { end, unproved: false, rest: Rest::Nothing }
    }
}

/// What is left of the data connection.
#[derive(Default)]
pub(super) enum Rest {
    /// It is closed.
    #[default]
    Nothing,
    /// It stays for the next transfer.
    Kept(Stream),
    /// It is to be closed, which sends its end. That takes a good part of a small file's time, so the last reply goes
    /// first: the client takes that in meanwhile.
    Open(Came),
}

/// Sends a small file at once where nothing has to be waited for. Gives everything back where that is not so; what went then
/// is off the source's front.
pub(super) fn at_once(came: Came, moving: Moving, form: Form) -> Result<Over, Box<(Came, Moving)>> {
    let began = clock::now();
    let (fresh, mut reading, span) = match (came, moving) {
        (Came::Fresh(fresh), Moving::Out(reading, span)) if form.is_plain() => (fresh, reading, span),
        other => return Err(Box::new(other)),
    };
    let meter = reading.permit.meter().cloned().unwrap_or_default();
    reading.source = first(reading.source, span.most);
    if !pump::begin(&fresh, &mut reading.source, &meter) {
        return Err(Box::new((Came::Fresh(fresh), Moving::Out(reading, span))));
    }
    let end = settle(reading.permit, Ok(meter.moved()), &meter, began);
    Ok(Over { end, unproved: false, rest: Rest::Open(Came::Fresh(fresh)) })
}

/// Moves a body over a data connection that stands, closes it unless it stays, and settles the permit. Each kind of body
/// is a future of its own, for the sake of the small ones: none is larger than it must be.
pub(super) fn transfer(stream: Stream, moving: Moving, terms: Terms) -> BoxFuture<'static, Over> {
    match moving {
        Moving::Out(reading, span) => Box::pin(send(stream, reading, span, terms)),
        Moving::Thumbnail(reading, wanted) => Box::pin(send_thumbnail(stream, reading, wanted, terms)),
        // Nothing of it goes over a data connection.
        Moving::Digest(reading, algorithm, most) => {
            Box::pin(async move { Over::without(digest(reading, algorithm, most).await) })
        }
        Moving::In(writing, expected) => Box::pin(receive(stream, writing, expected, terms)),
        Moving::Discard(meter) => Box::pin(discard(stream, meter, terms)),
        Moving::Lines(lines, meter) => Box::pin(send_lines(stream, lines, meter, terms)),
    }
}

async fn send(mut stream: Stream, reading: Reading, span: Span, terms: Terms) -> Over {
    let began = clock::now();
    let meter = reading.permit.meter().cloned().unwrap_or_default();
    let mut encode = Encode::new(terms.form, span.at, span.skip);
    let encode = encode.as_mut().map(|encode| encode as &mut dyn Transform);
    let sent = pump::send(&mut stream, first(reading.source, span.most), encode, &meter, terms.stall_after).await;
    sent_over(stream, sent, Some(reading.permit), (&meter, began), &terms).await
}

async fn send_thumbnail(mut stream: Stream, reading: Reading, wanted: Thumbnail, terms: Terms) -> Over {
    let began = clock::now();
    let meter = reading.permit.meter().cloned().unwrap_or_default();
    let mut encode = Encode::new(terms.form, 0, 0);
    let encode = encode.as_mut().map(|encode| encode as &mut dyn Transform);
    let sent = match thumbnail::make(reading.source, reading.attr.size, wanted, &meter).await {
        Ok(small) => pump::send(&mut stream, small, encode, &meter, terms.stall_after).await,
        Err(error) => Err(error),
    };
    sent_over(stream, sent, Some(reading.permit), (&meter, began), &terms).await
}

async fn send_lines(mut stream: Stream, lines: Box<Lines>, meter: Meter, terms: Terms) -> Over {
    let began = clock::now();
    let mut encode = EncodeLines::new(terms.form);
    let encode = encode.as_mut().map(|encode| encode as &mut dyn Transform);
    let sent = pump::send(&mut stream, Source::from_chunks(*lines), encode, &meter, terms.stall_after).await;
    sent_over(stream, sent, None, (&meter, began), &terms).await
}

async fn discard(mut stream: Stream, meter: Meter, terms: Terms) -> Over {
    let began = clock::now();
    let mut decode = Decode::new(terms.form, 0, Some(DISCARDED_AT_MOST), None);
    let decode = decode.as_mut().map(|decode| decode as &mut dyn Transform);
    let came = pump::receive(&mut stream, &mut Sink::from_put(Nothing), decode, &meter, terms.stall_after).await;
    sent_over(stream, came, None, (&meter, began), &terms).await
}

async fn sent_over(
    stream: Stream,
    sent: Result<u64, PumpError>,
    permit: Option<Permit>,
    (meter, began): (&Meter, Instant),
    terms: &Terms,
) -> Over {
    let rest = part(stream, sent.is_ok(), terms).await;
    let sent = sent.map_err(failure);
    let end = match permit {
        Some(permit) => settle(permit, sent, meter, began),
        None => end(sent, meter, began),
    };
    Over { end, unproved: false, rest }
}

async fn receive(mut stream: Stream, mut writing: Writing, expected: Option<u64>, mut terms: Terms) -> Over {
    let began = clock::now();
    let meter = writing.permit.meter().cloned().unwrap_or_default();
    let mut decode = Decode::new(terms.form, writing.at, writing.permit.limit(), terms.noted.take());
    if let (None, Some(most)) = (&decode, writing.permit.limit()) {
        meter.limit_to(most);
    }
    if !terms.proved {
        stream.take_unproved_end();
    }
    let transform = decode.as_mut().map(|decode| decode as &mut dyn Transform);
    let received = pump::receive(&mut stream, &mut writing.sink, transform, &meter, terms.stall_after).await;
    let received = received.map(|bytes| decode.as_ref().map_or(bytes, Decode::stored));
    let unproved = stream.tls().is_some() && stream.is_end_unproved() && received.is_ok();
    // The body's end may have been seen where no reactor is, before the reactor could hear that the control connection
    // has ended too: it looks at its sockets now, and the control connection comes first.
    tokio::task::yield_now().await;
    let whole = match received {
        _ if meter.is_over() => Err(Reason::TooLarge.into()),
        Err(error) => Err(failure(error)),
        // Over plain TCP a FIN is all there is; but a client whose control connection went at the same time has
        // died, and what it sent is no whole file (promise 1).
        Ok(_) if terms.orphan.load(Ordering::Relaxed) => Err(Reason::DataReset.into()),
        Ok(bytes) if expected.is_some_and(|expected| bytes < expected) => Err(Reason::SizeMismatch.into()),
        Ok(bytes) => Ok(bytes),
    };
    let (outcome, rest) = match whole {
        Ok(bytes) => {
            let committed = writing.sink.commit().await;
            let rest = part(stream, committed.is_ok(), &terms).await;
            (committed.map(|()| bytes), rest)
        }
        Err(error) => {
            stream.reset();
            // Written before the reply, so that SIZE and REST right behind it see all that came.
            writing.sink.abandon().await;
            (Err(error), Rest::Nothing)
        }
    };
    Over { end: settle(writing.permit, outcome, &meter, began), unproved, rest }
}

/// Reads a file through the conversion and only counts (SIZE in TYPE A).
pub(super) async fn count(reading: Reading, form: Form) -> End {
    let began = clock::now();
    let meter = reading.permit.meter().cloned().unwrap_or_default();
    let counted = match &mut Encode::new(form, 0, 0) {
        Some(encode) => pump::count(reading.source, encode, &meter).await.map_err(failure),
        None => Ok(reading.attr.size),
    };
    match counted {
        Ok(bytes) => {
            reading.permit.settle(Outcome::Done);
            End::Done { bytes, took: clock::now().saturating_duration_since(began) }
        }
        Err(error) => {
            reading.permit.settle(Outcome::Failed(error.reason));
            End::Failed { bytes: 0, error }
        }
    }
}

/// Keeps nothing of what comes.
struct Nothing;

impl Put for Nothing {
    fn write(&mut self, _: Bytes) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<(), Error>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

fn first(source: Source, most: Option<u64>) -> Source {
    match most {
        Some(most) => source.first(most),
        None => source,
    }
}

/// A digest that takes a body.
struct Taking(Digester);

impl Absorb for Taking {
    fn take(&mut self, bytes: &[u8]) {
        self.0.push(bytes);
    }
}

/// Reads a file, or its first bytes, through a digest (HASH).
pub(super) async fn digest(reading: Reading, algorithm: Algorithm, most: Option<u64>) -> End {
    let meter = reading.permit.meter().cloned().unwrap_or_default();
    let source = first(reading.source, most);
    match pump::absorb(source, Taking(Digester::new(algorithm)), &meter).await.map_err(failure) {
        Ok((taking, _)) => {
            reading.permit.settle(Outcome::Done);
            End::Digest(hex(&taking.0.finish()))
        }
        Err(error) => {
            reading.permit.settle(Outcome::Failed(error.reason));
            End::Failed { bytes: 0, error }
        }
    }
}

/// Keeps the data connection where the mode lets it stay, else ends it. An orderly end is TLS's close alert or a seal's
/// empty buffer, where there is one of them, and a FIN, which closing sends behind the last byte; a transfer that broke off
/// is cut, so that nobody takes it for the end.
async fn part(stream: Stream, whole: bool, terms: &Terms) -> Rest {
    match whole {
        true if terms.form.keeps_connection() => Rest::Kept(stream),
        true if stream.is_covered() => {
            Box::pin(finish(stream, terms.stall_after)).await;
            Rest::Nothing
        }
        true => Rest::Open(Came::Stream(stream)),
        false => {
            stream.reset();
            Rest::Nothing
        }
    }
}

async fn finish(mut stream: Stream, patience: Duration) {
    // Whoever has gone without waiting for it had all it wanted.
    let _ = tokio::time::timeout(patience, stream.finish()).await;
}

fn settle(permit: Permit, outcome: Result<u64, Error>, meter: &Meter, began: Instant) -> End {
    permit.settle(match &outcome {
        Ok(_) => Outcome::Done,
        Err(error) => Outcome::Failed(error.reason),
    });
    end(outcome, meter, began)
}

fn end(outcome: Result<u64, Error>, meter: &Meter, began: Instant) -> End {
    match outcome {
        Ok(_) => End::Done { bytes: meter.moved(), took: clock::now().saturating_duration_since(began) },
        Err(error) => End::Failed { bytes: meter.moved(), error },
    }
}

fn failure(error: PumpError) -> Error {
    match error {
        PumpError::Peer(ref peer) => Error::with(error.reason(), peer.to_string()),
        PumpError::Storage(error) => error,
        PumpError::Cancelled => Reason::Cancelled.into(),
        PumpError::Stalled => Reason::DataStalled.into(),
    }
}
