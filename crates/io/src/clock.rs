//! What time is it, and how does one wait for a later one? The only reader of the clock.
#![allow(clippy::disallowed_methods, reason = "the owner of the clock")]

use std::pin::Pin;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use types::Time;

/// The monotonic time; the runtime's own, so that tests may pause it.
pub fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// The time of day, as files carry it.
pub fn wall() -> Time {
    let (seconds, nanos) = match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(d) => (i64::try_from(d.as_secs()).unwrap_or(i64::MAX), d.subsec_nanos()),
        Err(before) => {
            // Nanoseconds count forward even before the epoch.
            let d = before.duration();
            let whole = i64::try_from(d.as_secs()).unwrap_or(i64::MAX);
            match d.subsec_nanos() {
                0 => (-whole, 0),
                n => (-whole - 1, 1_000_000_000 - n),
            }
        }
    };
    Time { seconds, nanos }
}

/// Waits until a moment; at once if it has passed.
pub async fn sleep_until(at: Instant) {
    tokio::time::sleep_until(at.into()).await;
}

/// Waits until a moment, and for ever where there is none: for a `select!`.
pub async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// A timer for who waits for something else all the time, each time with a later deadline: it is set anew only when it
/// rings, not with every wait.
#[derive(Debug)]
pub struct Alarm {
    sleep: Pin<Box<tokio::time::Sleep>>,
    /// It rings at this moment, which may be earlier than the one it is waited for.
    rings: Instant,
}

impl Default for Alarm {
    fn default() -> Self {
        let rings = now();
        Self { sleep: Box::pin(tokio::time::sleep_until(rings.into())), rings }
    }
}

impl Alarm {
    /// Waits until a moment; for ever where there is none. Safe to drop while it waits.
    pub async fn wait(&mut self, until: Option<Instant>) {
        let Some(until) = until else { return std::future::pending().await };
        if until < self.rings {
            self.set(until);
        }
        loop {
            self.sleep.as_mut().await;
            if now() >= until {
                return;
            }
            self.set(until);
        }
    }

    fn set(&mut self, at: Instant) {
        self.sleep.as_mut().reset(at.into());
        self.rings = at;
    }
}

#[cfg(test)]
mod tests {
    use super::{Alarm, now, sleep_until, until, wall};
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn a_paused_clock_jumps() {
        let start = now();
        sleep_until(start + Duration::from_secs(3600)).await;
        assert!(now() - start >= Duration::from_secs(3600));
        sleep_until(start).await;
        until(Some(start)).await;
        let for_ever = tokio::time::timeout(Duration::from_secs(3600), until(None)).await;
        assert!(for_ever.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn an_alarm_keeps_to_each_of_its_moments() {
        let (start, mut alarm) = (now(), Alarm::default());
        for after in [5_000, 9_000, 9_001, 9_000] {
            let at = start + Duration::from_millis(after);
            alarm.wait(Some(at)).await;
            assert!(now() >= at && now() < at + Duration::from_millis(5), "{after}");
        }
        // One that is dropped leaves nothing behind, whether the next moment is earlier or later.
        for (dropped, after) in [(60_000, 10_000), (11_000, 20_000)] {
            let at = start + Duration::from_millis(after);
            tokio::select! {
                biased;
                () = alarm.wait(Some(start + Duration::from_millis(dropped))) => unreachable!("it was not waited for"),
                () = std::future::ready(()) => {}
            }
            alarm.wait(Some(at)).await;
            assert!(now() >= at && now() < at + Duration::from_millis(5), "{after}");
        }
    }

    #[test]
    fn the_wall_clock_is_after_2020() {
        assert!(wall().seconds > 1_577_836_800 && wall().nanos < 1_000_000_000);
    }
}
