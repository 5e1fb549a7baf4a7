//! One transfer: the data connection comes about, a body moves, and the gate's permit is settled.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

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
use super::single::Key;

/// Where the client was told to connect.
pub(super) enum Passive {
    /// To a permanent passive listener.
    Port(Reservation),
    /// To the control port.
    Key(Key),
}

/// Waits for the client to connect.
pub(super) async fn accept(mut passive: Passive, listener: Arc<Listener>) -> Result<Stream, Reason> {
    let connected = async {
        match &mut passive {
            Passive::Port(reservation) => reservation.accepted().await.map(Stream::from),
            Passive::Key(key) => key.connected().await,
        }
    };
    let stream = tokio::time::timeout(listener.connect_within, connected).await;
    stream.unwrap_or(Err(Reason::DataNeverCame))
}

/// Connects to the client, from the control connection's own address.
pub(super) async fn connect(from: SocketAddr, to: SocketAddr, listener: Arc<Listener>) -> Result<Stream, Reason> {
    let from = SocketAddr::new(from.ip(), listener.active_port);
    let deadline = clock::now() + listener.connect_within;
    connect::connect_active(from, to, deadline).await.map(Stream::from)
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

/// Moves a body over a data connection that stands, closes it, and settles the permit. `orphan` tells whether the
/// control connection has gone.
pub(super) async fn transfer(
    mut stream: Stream,
    moving: Moving,
    ascii: bool,
    stall_after: Duration,
    orphan: Arc<AtomicBool>,
) -> End {
    let began = clock::now();
    match moving {
        Moving::Out(reading, skip) => {
            let meter = reading.permit.meter().cloned().unwrap_or_default();
            let mut convert = ascii.then(|| Encode { encoder: ascii::Encoder::default(), skip });
            let convert = convert.as_mut().map(|c| c as &mut dyn Transform);
            let sent = pump::send(&mut stream, reading.source, convert, &meter, stall_after).await;
            close(stream, sent.is_ok());
            settle(reading.permit, sent.map_err(failure), &meter, began)
        }
        Moving::Lines(chunks, meter) => {
            let source = Source::from_chunks(*chunks);
            let sent = pump::send(&mut stream, source, None, &meter, stall_after).await;
            close(stream, sent.is_ok());
            end(sent.map_err(failure), &meter, began)
        }
        Moving::In(writing, expected) => receive(stream, writing, expected, ascii, stall_after, orphan).await,
    }
}

async fn receive(
    mut stream: Stream,
    mut writing: Writing,
    expected: Option<u64>,
    ascii: bool,
    stall_after: Duration,
    orphan: Arc<AtomicBool>,
) -> End {
    let began = clock::now();
    let meter = writing.permit.meter().cloned().unwrap_or_default();
    let mut convert = ascii.then(|| Decode { decoder: ascii::Decoder::default() });
    let convert = convert.as_mut().map(|c| c as &mut dyn Transform);
    if let Some(most) = writing.permit.limit() {
        meter.limit_to(most);
    }
    let received = pump::receive(&mut stream, &mut writing.sink, convert, &meter, stall_after).await;
    let whole = match received {
        _ if meter.is_over() => Err(Reason::TooLarge.into()),
        Err(error) => Err(failure(error)),
        // Over plain TCP a FIN is all there is; but a client whose control connection went at the same time has
        // died, and what it sent is no whole file (promise 1).
        Ok(_) if orphan.load(Ordering::Relaxed) => Err(Reason::DataReset.into()),
        Ok(bytes) if expected.is_some_and(|expected| bytes < expected) => Err(Reason::SizeMismatch.into()),
        Ok(bytes) => Ok(bytes),
    };
    let outcome = match whole {
        Ok(bytes) => writing.sink.commit().await.map(|()| bytes),
        Err(error) => {
            stream.reset();
            // Written before the reply, so that SIZE and REST right behind it see all that came.
            writing.sink.abandon().await;
            Err(error)
        }
    };
    settle(writing.permit, outcome, &meter, began)
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

/// An orderly end is a FIN, which closing sends behind the last byte; a transfer that broke off is cut, so that nobody
/// takes it for the end.
fn close(stream: Stream, whole: bool) {
    if !whole {
        stream.reset();
    }
}

fn settle(permit: Permit, outcome: Result<u64, Error>, meter: &Meter, began: std::time::Instant) -> End {
    permit.settle(match &outcome {
        Ok(_) => Outcome::Done,
        Err(error) => Outcome::Failed(error.reason),
    });
    end(outcome, meter, began)
}

fn end(outcome: Result<u64, Error>, meter: &Meter, began: std::time::Instant) -> End {
    match outcome {
        Ok(_) => End::Done { bytes: meter.moved(), took: clock::now().saturating_duration_since(began) },
        Err(error) => End::Failed { bytes: meter.moved(), error },
    }
}

fn failure(error: PumpError) -> Error {
    match error {
        PumpError::Peer(error) => Error::with(Reason::DataReset, error.to_string()),
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
