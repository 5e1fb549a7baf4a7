//! Which addresses guess passwords: slower and slower answers, then a ban. Bounded memory, pure but for its lock.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::rules::Limits;

/// What a failed login brings upon its address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Verdict {
    /// How late the answer comes.
    pub(crate) delay: Duration,
    /// Whether the address is banned from now on.
    pub(crate) banned: bool,
}

/// The failures of each address; a table that cannot grow beyond its limit.
#[derive(Default)]
pub(crate) struct Failures(Mutex<HashMap<IpAddr, Failed>>);

#[derive(Clone, Copy)]
struct Failed {
    count: u32,
    last: Instant,
    until: Option<Instant>,
}

impl Failed {
    fn over(&self, limits: &Limits, now: Instant) -> bool {
        match self.until {
            Some(until) => until <= now,
            None => now.saturating_duration_since(self.last) >= limits.ban_window,
        }
    }
}

impl Failures {
    fn table(&self) -> MutexGuard<'_, HashMap<IpAddr, Failed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this address is banned now.
    pub(crate) fn banned(&self, address: IpAddr, now: Instant) -> bool {
        let table = self.table();
        // Most of the time nobody has failed at all.
        !table.is_empty() && table.get(&address).is_some_and(|f| f.until.is_some_and(|until| now < until))
    }

    /// Takes down a failure. A success takes none back: who owns one account could else guess for ever at others.
    pub(crate) fn note(&self, address: IpAddr, limits: &Limits, now: Instant) -> Verdict {
        let mut table = self.table();
        if !table.contains_key(&address) && table.len() >= limits.addresses.max(1) {
            make_room(&mut table, limits, now);
        }
        let failed = table.entry(address).or_insert(Failed { count: 0, last: now, until: None });
        if failed.over(limits, now) {
            *failed = Failed { count: 0, last: now, until: None };
        }
        failed.count = failed.count.saturating_add(1);
        failed.last = now;
        if limits.ban_after > 0 && failed.count >= limits.ban_after && failed.until.is_none() {
            failed.until = Some(now + limits.ban);
        }
        Verdict { delay: delay(failed.count, limits), banned: failed.until.is_some() }
    }

    /// Ends all bans and forgets all failures.
    pub(crate) fn forget(&self) {
        self.table().clear();
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.table().len()
    }
}

/// The answer to the `count`th failure comes this late.
fn delay(count: u32, limits: &Limits) -> Duration {
    let doubled = limits.delay.saturating_mul(1u32.checked_shl(count.saturating_sub(1)).unwrap_or(u32::MAX));
    doubled.min(limits.delay_most)
}

/// Drops what no longer counts; if that is not an eighth, the oldest eighth too, those not banned first. So a full
/// table is gone through once in many failures and not at each.
fn make_room(table: &mut HashMap<IpAddr, Failed>, limits: &Limits, now: Instant) {
    let most = limits.addresses.max(1);
    table.retain(|_, f| !f.over(limits, now));
    let keep = most - most.div_ceil(8);
    let over = table.len().saturating_sub(keep);
    if over == 0 {
        return;
    }
    let mut ranked: Vec<(bool, Instant, IpAddr)> = table.iter().map(|(ip, f)| (f.until.is_some(), f.last, *ip)).collect();
    ranked.sort_unstable();
    for (_, _, ip) in ranked.into_iter().take(over) {
        table.remove(&ip);
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn ip(n: u32) -> IpAddr {
        Ipv4Addr::from_bits(n).into()
    }

    fn limits() -> Limits {
        Limits {
            ban_after: 4,
            ban: Duration::from_secs(60),
            ban_window: Duration::from_secs(30),
            addresses: 16,
            ..Limits::default()
        }
    }

    #[test]
    fn answers_slow_down_and_then_the_address_is_banned() {
        let (f, l, t) = (Failures::default(), limits(), Instant::now());
        let mut delays = Vec::new();
        for n in 0..4 {
            let v = f.note(ip(1), &l, t);
            delays.push(v.delay.as_millis());
            assert_eq!(v.banned, n == 3);
        }
        assert_eq!(delays, [500, 1_000, 2_000, 4_000]);
        assert!(f.banned(ip(1), t + Duration::from_secs(59)) && !f.banned(ip(2), t));
        assert!(!f.banned(ip(1), t + Duration::from_secs(60)));
        // After the ban all is forgotten.
        assert_eq!(f.note(ip(1), &l, t + Duration::from_secs(60)), Verdict { delay: l.delay, banned: false });
    }

    #[test]
    fn failures_stop_counting_after_the_window_and_delays_have_an_end() {
        let (f, l, t) = (Failures::default(), Limits { ban_after: 0, ..limits() }, Instant::now());
        for _ in 0..100 {
            f.note(ip(1), &l, t);
        }
        assert_eq!(f.note(ip(1), &l, t), Verdict { delay: l.delay_most, banned: false });
        assert_eq!(f.note(ip(1), &l, t + l.ban_window).delay, l.delay);
    }

    #[test]
    fn a_flood_of_addresses_stays_bounded_and_frees_nobody_banned() {
        let (f, l, t) = (Failures::default(), limits(), Instant::now());
        for _ in 0..l.ban_after {
            f.note(ip(1), &l, t);
        }
        for n in 2..10_000 {
            f.note(ip(n), &l, t + Duration::from_millis(n.into()));
            assert!(f.len() <= l.addresses);
        }
        assert!(f.banned(ip(1), t + Duration::from_secs(10)));
    }
}
