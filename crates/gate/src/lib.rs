//! Floor 3: the one door. Whatever may be refused, counted or charged passes here, whatever the protocol.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic))]

pub mod access;
pub mod audit;
mod copy;
pub mod counters;
mod failures;
pub mod folder;
mod force;
pub mod guest;
pub mod keys;
mod letterbox;
mod limits;
pub mod login;
mod maildir;
mod message;
pub mod open;
pub mod permission;
pub mod permit;
pub mod presence;
pub mod rules;
mod verdict;
pub mod walk;

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use tokio::sync::Semaphore;
use types::{Error, Reason, VPath};

pub use access::{Access, Reading, Writing};
pub use audit::Entry;
pub use counters::{Counters, Counts};
pub use folder::Folder;
pub use guest::{Guest, HostGreeting};
pub use keys::{AuthorizedKey, Sources, Ways};
pub use login::hash_password;
pub use open::OpenFile;
pub use permission::{PathRules, Permissions};
pub use permit::{Outcome, Permit};
pub use rules::{
    AuditPolicy, AuditSettings, Certificate, Defaults, GroupRules, HostRules, Limits, ListenerRules, MailRules, Mount, Network,
    Password, PlainLogin, Principal, Rules, UserRules, effective,
};
pub use walk::Progress;

use audit::Recent;
use failures::Failures;
use force::{InForce, View};
use limits::Places;
use presence::{Door, Session};
use verdict::Need;

#[cfg(test)]
mod tests;

/// The door: rules in force, who is here, and what was done.
pub struct Gate {
    force: ArcSwap<InForce>,
    /// One reload at a time.
    reloading: Mutex<()>,
    door: Door,
    failures: Failures,
    transfers: Arc<Places>,
    hashing: Arc<Semaphore>,
    counters: Counters,
    recent: Arc<Recent>,
    /// Mail is kept one message after the other.
    mailing: tokio::sync::Mutex<()>,
    /// Counts names of mail up, from a start nobody can foretell: no two runs give the same.
    mailed: AtomicU64,
    stopping: AtomicBool,
}

impl Gate {
    /// A door that goes by these rules.
    ///
    /// # Errors
    /// [`Reason::Config`] with what does not hold together.
    pub fn new(rules: Rules) -> Result<Arc<Self>, Error> {
        let recent = Arc::new(Recent::default());
        let force = InForce::new(rules, None, &recent)?;
        Ok(Arc::new(Self {
            hashing: Arc::new(Semaphore::new(force.rules.limits.hashing.max(1))),
            force: ArcSwap::from_pointee(force),
            reloading: Mutex::new(()),
            door: Door::new(),
            failures: Failures::default(),
            transfers: Arc::default(),
            counters: Counters::default(),
            recent,
            mailing: tokio::sync::Mutex::default(),
            mailed: AtomicU64::new(RandomState::new().hash_one(0)),
            stopping: AtomicBool::new(false),
        }))
    }

    /// Puts other rules in force, as one. Running sessions go by them from their next operation on; users that
    /// are gone, disabled, given another password or no longer allowed from where they are lose their sessions,
    /// and transfers that are no longer allowed are stopped. The number of passwords hashed at once stays.
    ///
    /// # Errors
    /// [`Reason::Config`]; the rules in force stay then.
    pub fn reload(&self, rules: Rules) -> Result<(), Error> {
        let _one = self.reloading.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.force.load_full();
        let after = Arc::new(InForce::new(rules, Some(&before), &self.recent)?);
        self.force.store(after.clone());
        after.tune();
        for session in self.door.all() {
            apply(&session, &before, &after);
        }
        Ok(())
    }

    /// Lets nobody in any more; those who are here go on until they leave or are dismissed.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    /// Whether [`Gate::stop`] was called.
    pub fn stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Ends all sessions and what moves in them, as [`Reason::ShuttingDown`].
    pub fn dismiss(&self) {
        for session in self.door.all() {
            session.end(Reason::ShuttingDown);
        }
    }

    /// Waits until the audit trail is in its file as far as it has come.
    pub async fn flush(&self) {
        self.force.load_full().audit.flush().await;
    }

    /// The counters.
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The last entries of the audit trail, newest at the end.
    pub fn recent(&self) -> Vec<Arc<Entry>> {
        self.recent.all()
    }

    /// The limits in force.
    pub fn limits(&self) -> Limits {
        self.force.load().rules.limits.clone()
    }

    /// Ends all bans and forgets all failed logins.
    pub fn forgive(&self) {
        self.failures.forget();
    }
}

/// What a reload means for one session.
fn apply(session: &Session, before: &InForce, after: &InForce) {
    let (user, host) = {
        let state = session.state();
        (state.user.clone(), state.host.clone())
    };
    // Nobody is logged in, or only now: a login looks at the rules again with its first operation.
    let Some(user) = user else { return };
    let Some(old) = before.find(&session.listener, host.as_deref(), &user) else { return };
    let new = after.find(&session.listener, host.as_deref(), &user);
    match verdict::still_good(&old, new.as_deref(), session) {
        Err(reason) => session.end(reason),
        Ok(new) => {
            let moving = session.state().moving.clone();
            for moving in moving.iter().filter(|m| !still_allowed(&old, new, &m.path, m.need)) {
                moving.meter.token().cancel();
            }
        }
    }
}

/// Whether a transfer may go on: the permission stands, and the path is the same file still.
fn still_allowed(old: &View, new: &View, path: &VPath, need: Need) -> bool {
    new.may(path, need).is_ok() && old.tree.same_place(&new.tree, path)
}
