//! What does the service manager hear, and what does the system tell? systemd's notifications and watchdog
//! (sd_notify(3)), and signals.

use io::CancellationToken;
use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Tells the service manager, where there is one.
pub(super) fn notify(states: &[NotifyState<'_>]) {
    // Without a manager this does nothing; one that has gone away is no reason to stop serving.
    let _ = sd_notify::notify(states);
}

/// Says that a reload has begun.
pub(super) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => notify(&[NotifyState::Reloading, now]),
        Err(_) => notify(&[NotifyState::Reloading]),
    }
}

/// Tells the watchdog that the reactor turns, where the manager wants to know.
pub(super) fn keep_awake(parent: &CancellationToken) {
    let Some(within) = sd_notify::watchdog_enabled() else { return };
    io::task::spawn("watchdog", parent, async move {
        loop {
            notify(&[NotifyState::Watchdog]);
            // Half of the time allowed, as sd_watchdog_enabled(3) advises.
            io::clock::sleep_until(io::clock::now() + within / 2).await;
        }
    });
}

/// What the system asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Wish {
    /// Read the configuration again (SIGHUP).
    Reload,
    /// Stop (SIGTERM, SIGINT).
    Stop,
}

/// The signals that are listened to.
pub(super) struct Signals {
    hang_up: Signal,
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Listens from now on.
    pub(super) fn listen() -> std::io::Result<Self> {
        Ok(Self {
            hang_up: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// The next wish.
    pub(super) async fn next(&mut self) -> Wish {
        tokio::select! {
            _ = self.terminate.recv() => Wish::Stop,
            _ = self.interrupt.recv() => Wish::Stop,
            _ = self.hang_up.recv() => Wish::Reload,
        }
    }
}
