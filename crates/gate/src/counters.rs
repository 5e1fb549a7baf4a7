//! How often and how much, since the start: plain atomics that only grow (but for what is counted here and now).

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use types::{Direction, Reason};

/// The counters of one gate. Reading them costs nothing and stops nobody.
#[derive(Debug)]
pub struct Counters {
    sessions: AtomicU64,
    logins: AtomicU64,
    failed: AtomicU64,
    operations: AtomicU64,
    transfers: AtomicU64,
    abandoned: AtomicU64,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    audit_lost: AtomicU64,
    hashed: AtomicU64,
    refusals: Box<[AtomicU64]>,
}

/// The counters at one moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Sessions admitted.
    pub sessions: u64,
    /// Logins that succeeded.
    pub logins: u64,
    /// Logins that failed.
    pub failed: u64,
    /// Operations asked for, refused ones too.
    pub operations: u64,
    /// Transfers begun.
    pub transfers: u64,
    /// Operations whose asker went away.
    pub abandoned: u64,
    /// Bytes that came in.
    pub bytes_in: u64,
    /// Bytes that went out.
    pub bytes_out: u64,
    /// Audit entries that could not be kept (lossy policy).
    pub audit_lost: u64,
    /// Passwords run through argon2.
    pub hashed: u64,
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            sessions: AtomicU64::new(0),
            logins: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            operations: AtomicU64::new(0),
            transfers: AtomicU64::new(0),
            abandoned: AtomicU64::new(0),
            bytes_in: AtomicU64::new(0),
            bytes_out: AtomicU64::new(0),
            audit_lost: AtomicU64::new(0),
            hashed: AtomicU64::new(0),
            refusals: Reason::ALL.iter().map(|_| AtomicU64::new(0)).collect(),
        }
    }
}

impl Counters {
    /// All of them now.
    pub fn counts(&self) -> Counts {
        Counts {
            sessions: self.sessions.load(Relaxed),
            logins: self.logins.load(Relaxed),
            failed: self.failed.load(Relaxed),
            operations: self.operations.load(Relaxed),
            transfers: self.transfers.load(Relaxed),
            abandoned: self.abandoned.load(Relaxed),
            bytes_in: self.bytes_in.load(Relaxed),
            bytes_out: self.bytes_out.load(Relaxed),
            audit_lost: self.audit_lost.load(Relaxed),
            hashed: self.hashed.load(Relaxed),
        }
    }

    /// How often each reason was given, those that never were left out.
    pub fn refusals(&self) -> Vec<(Reason, u64)> {
        let counted = Reason::ALL.iter().zip(&self.refusals).map(|(reason, n)| (*reason, n.load(Relaxed)));
        counted.filter(|(_, n)| *n > 0).collect()
    }

    pub(crate) fn admitted(&self) {
        self.sessions.fetch_add(1, Relaxed);
    }

    pub(crate) fn login(&self, ok: bool) {
        if ok { &self.logins } else { &self.failed }.fetch_add(1, Relaxed);
    }

    pub(crate) fn operation(&self) {
        self.operations.fetch_add(1, Relaxed);
    }

    pub(crate) fn transfer(&self) {
        self.transfers.fetch_add(1, Relaxed);
    }

    pub(crate) fn abandoned(&self) {
        self.abandoned.fetch_add(1, Relaxed);
    }

    pub(crate) fn moved(&self, direction: Direction, bytes: u64) {
        match direction {
            Direction::In => &self.bytes_in,
            Direction::Out => &self.bytes_out,
        }
        .fetch_add(bytes, Relaxed);
    }

    pub(crate) fn audit_lost(&self) {
        self.audit_lost.fetch_add(1, Relaxed);
    }

    pub(crate) fn hashed(&self) {
        self.hashed.fetch_add(1, Relaxed);
    }

    pub(crate) fn refused(&self, reason: Reason) {
        // Reasons are numbered in the order of `Reason::ALL`.
        if let Some(n) = self.refusals.get(reason as usize) {
            n.fetch_add(1, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_counted_as_itself() {
        let c = Counters::default();
        for &reason in Reason::ALL {
            c.refused(reason);
            assert!(c.refusals().contains(&(reason, 1)), "{reason}");
        }
        assert_eq!(c.refusals().len(), Reason::ALL.len());
    }
}
