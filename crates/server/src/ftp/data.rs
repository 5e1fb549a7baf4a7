//! One transfer: the data connection comes about, a body moves, and the gate's permit is settled.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use gate::{Outcome, Permit, Reading, Writing};
use io::body::Source;
use io::meter::Meter;
use io::ports::Reservation;
use io::pump::{self, PumpError, Transform};
use io::stream::Stream;
use io::{clock, connect};
use proto::ftp::data::ascii;
use proto::ftp::server::End;
use types::{Error, Reason};

use super::Listener;
use super::listing::Lines;
use super::protect::{Failed, Shield};
use super::single::Key;

/// Where the client was told to connect.
pub(super) enum Passive {
    /// To a permanent passive listener.
    Port(Reservation),
    /// To the control port.
    Key(Key),
}

/// How a data connection comes about.
pub(super) enum How {
    /// The client connects to this.
    Passive(Passive),
    /// The server connects to this, from the control connection's own address.
    Active(SocketAddr, SocketAddr),
}

/// Waits until the data connection stands, protected where it is to be.
pub(super) async fn come_about(how: How, shield: Option<Shield>, listener: Arc<Listener>) -> Result<Stream, Failed> {
    let until = clock::now() + listener.connect_within;
    let stream = match how {
        How::Passive(passive) => accept(passive, until).await?,
        How::Active(from, to) => {
            let from = SocketAddr::new(from.ip(), listener.active_port);
            Stream::from(connect::connect_active(from, to, until).await?)
        }
    };
    match shield {
        Some(shield) => shield.cover(stream, clock::now() + listener.connect_within).await,
        None => Ok(stream),
    }
}

/// Waits for the client to connect.
async fn accept(mut passive: Passive, until: Instant) -> Result<Stream, Reason> {
    let connected = async {
        match &mut passive {
            Passive::Port(reservation) => reservation.accepted().await.map(Stream::from),
            Passive::Key(key) => key.connected().await,
        }
    };
    let stream = tokio::time::timeout_at(until.into(), connected).await;
    stream.unwrap_or(Err(Reason::DataNeverCame))
}

/// What a transfer moves, with leave to do so.
pub(super) enum Moving {
    /// A file, out.
    Out(Reading, u64),
    /// A file, in; the number of bytes that were announced.
    In(Writing, Option<u64>),
    /// Lines, out.
    Lines(Box<Lines>, Meter),
}

impl Moving {
    /// What counts it.
    pub(super) fn meter(&self) -> Option<Meter> {
        match self {
            Self::Out(reading, _) => reading.permit.meter().cloned(),
            Self::In(writing, _) => writing.permit.meter().cloned(),
            Self::Lines(_, meter) => Some(meter.clone()),
        }
    }
}

/// What goes for one transfer.
pub(super) struct Terms {
    /// TYPE A.
    pub(super) ascii: bool,
    pub(super) stall_after: Duration,
    /// Whether the end of an upload under TLS must be proved.
    pub(super) proved: bool,
    /// Whether the control connection has gone.
    pub(super) orphan: Arc<AtomicBool>,
}

/// Moves a body over a data connection that stands, closes it, and settles the permit. With whether the end of an
/// upload that was taken was not proved.
pub(super) async fn transfer(mut stream: Stream, moving: Moving, terms: Terms) -> (End, bool) {
    let began = clock::now();
    match moving {
        Moving::Out(reading, skip) => {
            let meter = reading.permit.meter().cloned().unwrap_or_default();
            let mut convert = terms.ascii.then(|| Encode { encoder: ascii::Encoder::default(), skip });
            let convert = convert.as_mut().map(|c| c as &mut dyn Transform);
            let sent = pump::send(&mut stream, reading.source, convert, &meter, terms.stall_after).await;
            close(stream, sent.is_ok(), terms.stall_after).await;
            (settle(reading.permit, sent.map_err(failure), &meter, began), false)
        }
        Moving::Lines(chunks, meter) => {
            let source = Source::from_chunks(*chunks);
            let sent = pump::send(&mut stream, source, None, &meter, terms.stall_after).await;
            close(stream, sent.is_ok(), terms.stall_after).await;
            (end(sent.map_err(failure), &meter, began), false)
        }
        Moving::In(writing, expected) => receive(stream, writing, expected, &terms).await,
    }
}

async fn receive(mut stream: Stream, mut writing: Writing, expected: Option<u64>, terms: &Terms) -> (End, bool) {
    let began = clock::now();
    let meter = writing.permit.meter().cloned().unwrap_or_default();
    let mut convert = terms.ascii.then(|| Decode { decoder: ascii::Decoder::default() });
    let convert = convert.as_mut().map(|c| c as &mut dyn Transform);
    if let Some(most) = writing.permit.limit() {
        meter.limit_to(most);
    }
    if !terms.proved {
        stream.take_unproved_end();
    }
    let received = pump::receive(&mut stream, &mut writing.sink, convert, &meter, terms.stall_after).await;
    let unproved = stream.is_end_unproved() && received.is_ok();
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
    let outcome = match whole {
        Ok(bytes) => {
            let committed = writing.sink.commit().await;
            close(stream, committed.is_ok(), terms.stall_after).await;
            committed.map(|()| bytes)
        }
        Err(error) => {
            stream.reset();
            // Written before the reply, so that SIZE and REST right behind it see all that came.
            writing.sink.abandon().await;
            Err(error)
        }
    };
    (settle(writing.permit, outcome, &meter, began), unproved)
}

/// Reads a file through the conversion and only counts (SIZE in TYPE A).
pub(super) async fn count(reading: Reading) -> End {
    let began = clock::now();
    let meter = reading.permit.meter().cloned().unwrap_or_default();
    let mut convert = Encode { encoder: ascii::Encoder::default(), skip: 0 };
    let counted = pump::count(reading.source, &mut convert, &meter).await.map_err(failure);
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

/// An orderly end is TLS's close alert, where there is TLS, and a FIN, which closing sends behind the last byte; a
/// transfer that broke off is cut, so that nobody takes it for the end.
async fn close(mut stream: Stream, whole: bool, patience: Duration) {
    if !whole {
        stream.reset();
    } else if stream.tls().is_some() {
        // Whoever has gone without waiting for it had all it wanted.
        let _ = tokio::time::timeout(patience, stream.finish()).await;
    }
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

/// TYPE A outwards, without the first bytes where REST left them out.
struct Encode {
    encoder: ascii::Encoder,
    skip: u64,
}

impl Transform for Encode {
    fn push(&mut self, input: &[u8], out: &mut Vec<u8>) {
        let from = out.len();
        self.encoder.push(input, out);
        self.leave_out(from, out);
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        let from = out.len();
        self.encoder.finish(out);
        self.leave_out(from, out);
    }
}

impl Encode {
    fn leave_out(&mut self, from: usize, out: &mut Vec<u8>) {
        if self.skip > 0 {
            let fresh = out.len().saturating_sub(from);
            let cut = usize::try_from(self.skip).unwrap_or(usize::MAX).min(fresh);
            out.drain(from..from + cut);
            self.skip -= cut as u64;
        }
    }
}

/// TYPE A inwards.
struct Decode {
    decoder: ascii::Decoder,
}

impl Transform for Decode {
    fn push(&mut self, input: &[u8], out: &mut Vec<u8>) {
        self.decoder.push(input, out);
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        self.decoder.finish(out);
    }
}
