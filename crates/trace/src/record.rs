//! Who hears of a session's events, and where are they kept? A [`Recorder`] per session keeps a bounded ring and
//! tells an [`Observer`].

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use types::{Event, SessionId, What};

pub use crate::ring::Capacity;
use crate::ring::Ring;

/// What is known of a session as a whole.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SessionInfo {
    /// Its id, on every record of it.
    pub id: SessionId,
    /// The protocol's name, in lower case: `ftp`.
    pub protocol: &'static str,
    /// The listener's name in the configuration.
    pub listener: Arc<str>,
    /// Where the client is.
    pub peer: SocketAddr,
    /// The address it came in at.
    pub local: SocketAddr,
    /// Who it is, once it has logged in.
    pub user: Option<Arc<str>>,
}

/// Hears of every session: a printer of ladders, a log, a console. Called from the session's own task, so it must
/// not wait.
pub trait Observer: Send + Sync {
    /// A session began.
    fn opened(&self, session: &SessionInfo);

    /// Something happened in it.
    fn event(&self, session: &SessionInfo, event: &Event);

    /// It ended; these are its last events.
    fn closed(&self, session: &SessionInfo, events: &Ring);

    /// Whether it listens at all. A session whose observer does not, and that keeps nothing, makes no events.
    fn listens(&self) -> bool {
        true
    }
}

/// Hears nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nobody;

impl Observer for Nobody {
    fn opened(&self, _: &SessionInfo) {}

    fn event(&self, _: &SessionInfo, _: &Event) {}

    fn closed(&self, _: &SessionInfo, _: &Ring) {}

    fn listens(&self) -> bool {
        false
    }
}

/// Tells several observers, in order.
#[derive(Clone, Default)]
pub struct Fan(Vec<Arc<dyn Observer>>);

impl Fan {
    /// Those that listen among these.
    pub fn new(observers: impl IntoIterator<Item = Arc<dyn Observer>>) -> Self {
        Self(observers.into_iter().filter(|o| o.listens()).collect())
    }
}

impl Observer for Fan {
    fn opened(&self, session: &SessionInfo) {
        self.0.iter().for_each(|o| o.opened(session));
    }

    fn event(&self, session: &SessionInfo, event: &Event) {
        self.0.iter().for_each(|o| o.event(session, event));
    }

    fn closed(&self, session: &SessionInfo, events: &Ring) {
        self.0.iter().for_each(|o| o.closed(session, events));
    }

    fn listens(&self) -> bool {
        !self.0.is_empty()
    }
}

/// Records one session. Dropping it tells the observer that the session ended, so that no way out can forget to.
pub struct Recorder {
    info: SessionInfo,
    observer: Arc<dyn Observer>,
    ring: Ring,
    /// Asked once: a session's observer does not change.
    listens: bool,
    keeps: bool,
}

impl Recorder {
    /// Begins a session's record and tells the observer that the session began.
    pub fn new(info: SessionInfo, observer: Arc<dyn Observer>, capacity: Capacity) -> Self {
        let listens = observer.listens();
        if listens {
            observer.opened(&info);
        }
        Self { info, observer, ring: Ring::new(capacity), listens, keeps: !capacity.is_none() }
    }

    /// Whether recording does anything; where it does not, an event need not be made.
    pub const fn is_on(&self) -> bool {
        self.listens || self.keeps
    }

    /// Records something that happened at a time since the session began.
    pub fn record(&mut self, at: Duration, what: What) {
        if !self.is_on() {
            return;
        }
        let event = Event { at, what };
        if self.listens {
            self.observer.event(&self.info, &event);
        }
        if self.keeps {
            self.ring.push(&event);
        }
    }

    /// As [`Recorder::record`], and what happened is only put into words if somebody wants to know.
    pub fn record_with(&mut self, at: Duration, what: impl FnOnce() -> What) {
        if self.is_on() {
            self.record(at, what());
        }
    }

    /// Says who the session is, after login; `None` after REIN.
    pub fn set_user(&mut self, user: Option<Arc<str>>) {
        self.info.user = user;
    }

    /// What is known of the session.
    pub const fn info(&self) -> &SessionInfo {
        &self.info
    }

    /// The events kept, oldest first.
    pub fn events(&self) -> Vec<Event> {
        self.ring.iter().collect()
    }

    /// The ring itself: how many events went, how much it takes.
    pub const fn ring(&self) -> &Ring {
        &self.ring
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        if self.listens {
            self.observer.closed(&self.info, &self.ring);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{command, info};
    use std::sync::Mutex;

    #[derive(Default)]
    struct Diary(Mutex<Vec<String>>);

    impl Observer for Diary {
        fn opened(&self, session: &SessionInfo) {
            self.0.lock().unwrap().push(format!("{} opened", session.id));
        }

        fn event(&self, session: &SessionInfo, event: &Event) {
            self.0.lock().unwrap().push(format!("{:?} {:?}", session.user, event.what));
        }

        fn closed(&self, session: &SessionInfo, events: &Ring) {
            self.0.lock().unwrap().push(format!("{} closed, {} kept, {} dropped", session.id, events.len(), events.dropped()));
        }
    }

    #[test]
    fn every_observer_hears_everything_once_even_the_end() {
        let (one, two) = (Arc::new(Diary::default()), Arc::new(Diary::default()));
        let fan = Fan::new([one.clone() as Arc<dyn Observer>, Arc::new(Nobody), two.clone()]);
        let mut recorder = Recorder::new(info(), Arc::new(fan), Capacity::events(1));
        recorder.record(Duration::ZERO, command("USER ada"));
        recorder.set_user(Some("ada".into()));
        recorder.record_with(Duration::from_secs(1), || What::Closed(None));
        assert_eq!(recorder.events(), [Event { at: Duration::from_secs(1), what: What::Closed(None) }]);
        drop(recorder);
        let heard = one.0.lock().unwrap().clone();
        assert_eq!(
            heard,
            ["0000002a opened", "None Command(\"USER ada\")", "Some(\"ada\") Closed(None)", "0000002a closed, 1 kept, 1 dropped"]
        );
        assert_eq!(*two.0.lock().unwrap(), heard);
    }

    #[test]
    fn unheard_and_unkept_nothing_is_even_put_into_words() {
        for observer in [Arc::new(Nobody) as Arc<dyn Observer>, Arc::new(Fan::new([Arc::new(Nobody) as Arc<dyn Observer>]))] {
            let mut recorder = Recorder::new(info(), observer, Capacity::NONE);
            assert!(!recorder.is_on());
            recorder.record_with(Duration::ZERO, || unreachable!("nobody listens"));
            recorder.record(Duration::ZERO, What::Closed(None));
            assert_eq!((recorder.ring().allocated(), recorder.ring().dropped()), (0, 0));
        }
    }
}
