//! TFTP as a client (RFC 1350): whom to ask, for which options, and what it took. Each file is one transfer, and no
//! connection stands between them.

mod storage;
mod transfer;

use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use io::meter::Meter;
use proto::ftp::client::{Features, Welcome};
use proto::ftp::reply::Reply;
use proto::tftp::options::{MOST_BLOCK, Terms, Wishes};
use proto::tftp::packet::{HEADER, Mode};
use proto::tftp::timing::Patience;
use proto::tftp::{Rollover, Tally};
use trace::record::Observer;
use types::{Error, Reason, SessionId};

use crate::connect::{Family, addresses};
use transfer::{Attempt, Job, Stopped};

/// Whom to ask, and how.
#[derive(Clone)]
pub struct Dial {
    /// A name or an address.
    pub host: Box<str>,
    /// The port that requests go to.
    pub port: u16,
    /// Which addresses are used.
    pub family: Family,
    /// What is asked for with each file.
    pub options: Options,
    /// How files stand on the wire.
    pub mode: Mode,
    /// How long answers are waited for.
    pub patience: Patience,
    /// Hears of everything that happens: draws the ladder.
    pub observer: Arc<dyn Observer>,
    /// The id that its events carry.
    pub session: SessionId,
}

impl Dial {
    /// With all as defaults have it.
    pub fn new(host: &str, port: u16) -> Self {
        Self {
            host: host.into(),
            port,
            family: Family::Any,
            options: Options::default(),
            mode: Mode::Octet,
            patience: Patience::sender(),
            observer: Arc::new(trace::Nobody),
            session: SessionId(0),
        }
    }
}

/// What is asked for with a file (RFC 2347). A server that knows none of it does without.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Options {
    /// Bytes in a block (RFC 2348): as many as the path carries, unless told. 512 is not asked for: all begin there.
    pub blksize: Option<u16>,
    /// Blocks for one ACK (RFC 7440). 1 is not asked for.
    pub windowsize: u16,
    /// Seconds before something is sent again (RFC 2349).
    pub timeout: Option<u8>,
    /// The file's size is told or asked for (RFC 2349).
    pub tsize: bool,
    /// What comes after block 65535; found out where nothing is said.
    pub rollover: Option<Rollover>,
}

impl Default for Options {
    fn default() -> Self {
        Self { blksize: None, windowsize: 16, timeout: None, tsize: true, rollover: None }
    }
}

impl Options {
    /// RFC 1350 alone.
    pub const NONE: Self = Self { blksize: Some(512), windowsize: 1, timeout: None, tsize: false, rollover: None };

    /// As a request has them, where a datagram has `room` on its way; `size` is the file's, 0 for who reads.
    fn wishes(&self, room: usize, size: Option<u64>) -> Wishes {
        let fits = u16::try_from(room.saturating_sub(HEADER)).unwrap_or(MOST_BLOCK).min(MOST_BLOCK);
        Wishes {
            blksize: Some(self.blksize.unwrap_or(fits)).filter(|&n| n != 512),
            timeout: self.timeout,
            tsize: size.filter(|_| self.tsize),
            windowsize: Some(self.windowsize).filter(|&n| n > 1),
            rollover: self.rollover,
            multicast: false,
        }
    }
}

/// What a transfer agreed on and took: for whoever looks for what makes it slow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Summary {
    /// What both ends agreed on.
    pub terms: Terms,
    /// Blocks, what was sent again, and how often the time ran out.
    pub tally: Tally,
    /// The mean round trip, where one was measured.
    pub round_trip: Option<Duration>,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { terms, tally, .. } = self;
        write!(f, "blksize {}, windowsize {}", terms.blksize, terms.windowsize)?;
        if let Some(timeout) = terms.timeout {
            write!(f, ", timeout {} s", timeout.as_secs())?;
        }
        if let Some(size) = terms.tsize {
            write!(f, ", tsize {size}")?;
        }
        write!(f, "; {} blocks, {} packets sent again, {} timeouts", tally.blocks, tally.again, tally.timeouts)?;
        if let Some(trip) = self.round_trip {
            write!(f, ", round trip {:.1} ms", trip.as_secs_f64() * 1000.0)?;
        }
        Ok(())
    }
}

/// A server as a storage whose files move whole: it tells no names, and of a file its size at most.
pub struct Tftp(Arc<Inner>);

struct Inner {
    dial: Dial,
    addresses: Vec<SocketAddr>,
    /// The address that answered.
    good: AtomicUsize,
    /// What the last transfer took.
    summary: Mutex<Option<Summary>>,
    /// Names are asked for with a slash in front.
    absolute: bool,
    welcome: Welcome,
}

impl Tftp {
    /// Looks the host up; nothing is sent before a file is wanted. With `absolute`, names are asked for with a slash in
    /// front, as servers without a root of their own want them.
    ///
    /// # Errors
    /// [`Reason::Unreachable`] where the name is not known.
    pub async fn open(dial: Dial, absolute: bool) -> Result<Self, Error> {
        let addresses = addresses(&dial.host, dial.port, dial.family).await?;
        let silent = Reply::fixed(220, "");
        let welcome = Welcome {
            greeting: silent.clone(),
            login: silent,
            system: None,
            features: Features { known: true, lines: Vec::new() },
            protected: false,
            data_protected: false,
        };
        let (good, summary) = (AtomicUsize::new(0), Mutex::default());
        Ok(Self(Arc::new(Inner { dial, addresses, good, summary, absolute, welcome })))
    }

    /// What the last transfer agreed on and took.
    pub fn summary(&self) -> Option<Summary> {
        *self.0.summary.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Does a job with the first address that answers. A server that stumbles over options is asked again without.
    async fn run(&self, job: &mut Job, meter: &Meter) -> Result<u64, Error> {
        let mut last = Error::new(Reason::Unreachable);
        let good = self.good.load(Ordering::Relaxed);
        for n in 0..self.addresses.len() {
            let at = (n + good) % self.addresses.len();
            let Some(&address) = self.addresses.get(at) else { continue };
            let mut result = self.one(job, address, &self.dial.options, meter).await;
            if matches!(result, Err(Stopped::Options(_))) {
                result = self.one(job, address, &Options::NONE, meter).await;
            }
            match result {
                Err(Stopped::Unanswered(e)) => last = e,
                Err(Stopped::Options(e) | Stopped::Failed(e)) => return Err(e),
                Ok(bytes) => {
                    self.good.store(at, Ordering::Relaxed);
                    return Ok(bytes);
                }
            }
        }
        Err(last)
    }

    async fn one(&self, job: &mut Job, address: SocketAddr, options: &Options, meter: &Meter) -> Result<u64, Stopped> {
        let mut attempt = Attempt::begin(&self.dial, address)?;
        let result = attempt.run(job, options, meter).await;
        *self.summary.lock().unwrap_or_else(PoisonError::into_inner) = attempt.summary;
        result
    }
}
