//! How does the server come by a certificate by itself (ACME, RFC 8555)? It asks an authority when there is none, when
//! the names have changed, and when a third of the kept one's life is left; whatever fails is said and tried again, and
//! what is shown meanwhile stays.

mod authority;
mod door;
mod order;
mod state;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use types::{Reason, Time};

use crate::config::Acme;
use crate::log::{Fact, Journal};
pub(crate) use order::is_directory;
use state::Kept;
pub(crate) use state::State;

const DAY: i64 = 86_400;
/// A certificate is renewed this long before its end, or when a third of its life is left, whichever is later.
const BEFORE: i64 = 30 * DAY;
/// How long it waits after the first failure; twice as long after each further one, up to the second figure. An authority
/// counts failures by the hour, and locks out whoever has too many.
const AGAIN: Duration = Duration::from_secs(5 * 60);
const AGAIN_MOST: Duration = Duration::from_secs(12 * 3_600);
/// How often the clock on the wall is looked at: a machine may have slept.
const LOOK_EVERY: Duration = Duration::from_secs(3_600);

/// Why there is no new certificate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Failure {
    pub(crate) reason: Reason,
    pub(crate) detail: String,
}

impl Failure {
    fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into() }
    }
}

/// The cryptography in use, the same as everywhere.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// Whether an order is due.
pub(crate) fn is_due(acme: &Acme, now: Time) -> bool {
    due(State::of(acme).kept().as_ref(), &acme.names, 0.0) <= now.seconds
}

/// When the kept certificate ends, where there is one.
pub(crate) fn until(acme: &Acme) -> Option<Time> {
    State::of(acme).kept().map(|kept| kept.ends)
}

/// When the next order is due. With `late`, from 0 to 1, it is up to a sixtieth of the life later, so that not all the
/// world comes at once.
fn due(kept: Option<&Kept>, names: &[Box<str>], late: f64) -> i64 {
    let Some(kept) = kept.filter(|k| same(&k.names, names)) else { return i64::MIN };
    let life = (kept.ends.seconds - kept.begins.seconds).max(0);
    #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "some seconds more or less")]
    let late = (life as f64 / 60.0 * late.clamp(0.0, 1.0)) as i64;
    kept.ends.seconds - BEFORE.min(life / 3) + late
}

/// Whether what was issued may take the place of what is shown. Else the next order would be due at once, and so on.
fn is_of_use(issued: Option<&Kept>, names: &[Box<str>], now: Time) -> Result<(), Failure> {
    let words = match issued {
        None => "what it issued is no certificate that belongs to the key".to_owned(),
        Some(issued) if due(Some(issued), names, 0.0) <= now.seconds => {
            format!("what it issued is of {}, or ends too soon", issued.names.join(", "))
        }
        Some(_) => return Ok(()),
    };
    Err(Failure::new(Reason::AcmeRefused, words))
}

fn same(a: &[Box<str>], b: &[Box<str>]) -> bool {
    let sorted = |names: &[Box<str>]| {
        let mut names: Vec<String> = names.iter().map(|n| n.to_ascii_lowercase()).collect();
        names.sort();
        names.dedup();
        names
    };
    sorted(a) == sorted(b)
}

/// How long to wait after so many failures in a row.
fn pause(failures: u32, by: f64) -> Duration {
    let whole = AGAIN.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1))).min(AGAIN_MOST);
    whole.mul_f64(0.75 + by.clamp(0.0, 1.0) / 2.0)
}

/// From 0 to 1, at random.
fn chance() -> f64 {
    getrandom::u32().map_or(0.5, |n| f64::from(n) / f64::from(u32::MAX))
}

/// Keeps a certificate fresh until it is dropped. The first order takes the socket that was opened for it, where there is
/// one; `now` wakes it from its wait after a failure.
pub(crate) async fn keep(acme: Acme, mut door: Option<TcpListener>, now: Arc<Notify>, journal: Arc<Journal>) {
    let state = State::of(&acme);
    let (names, host) = (acme.names.join(", "), host(&acme.directory).to_owned());
    let mut failures = 0;
    let mut late = chance();
    loop {
        let files = state.clone();
        let kept = io::task::blocking(move || files.kept()).await.unwrap_or_default();
        let left = due(kept.as_ref(), &acme.names, late).saturating_sub(io::clock::wall().seconds);
        if let Ok(left @ 1..) = u64::try_from(left) {
            // Nothing to prove for a long time.
            door = None;
            io::clock::sleep_until(io::clock::now() + LOOK_EVERY.min(Duration::from_secs(left))).await;
            continue;
        }
        journal.say(&Fact::words("certificate", format!("asks {host} for a certificate of {names}")));
        match order::run(&acme, &state, door.take()).await {
            Ok(()) => {
                (failures, late) = (0, chance());
                journal.say(&Fact::words("certificate", format!("{host} has issued a certificate of {names}")));
            }
            Err(failure) => {
                failures += 1;
                let wait = pause(failures, chance());
                let words =
                    format!("no certificate of {names} from {host}; asks again in {} minutes", wait.as_secs().div_ceil(60));
                journal.say(&Fact::failed("certificate", words, failure.reason, failure.detail));
                tokio::select! {
                    () = io::clock::sleep_until(io::clock::now() + wait) => {}
                    () = now.notified() => {}
                }
            }
        }
    }
}

/// The host of a URL, for people.
fn host(url: &str) -> &str {
    url.split_once("://").map_or(url, |(_, rest)| rest).split('/').next().unwrap_or(url)
}
