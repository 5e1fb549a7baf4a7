//! What does a command borrow that runs in the shell? Sessions that are open, how they are reached, and where its output
//! goes. Alone, a command has all of this for itself.

use std::cell::RefCell;
use std::sync::{Arc, PoisonError};

use client::{Place, Url};
use io::CancellationToken;
use proto::ftp::client::Login;
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use types::VPath;

use super::ladder::Ladders;
use super::output::Sink;
use super::place::Server;
use crate::cli::client::Options;

/// What the shell lends.
#[derive(Clone)]
pub(crate) struct Within {
    /// Where sessions live.
    pub(super) runtime: Handle,
    /// What sessions live under.
    pub(super) life: CancellationToken,
    /// The sessions.
    pub(super) servers: Arc<Mutex<Vec<Server>>>,
    /// Who is logged in on them.
    pub(super) logins: Arc<std::sync::Mutex<Vec<(Url, Login)>>>,
    /// Hears of them.
    pub(super) ladders: Arc<Ladders>,
    /// How servers are reached.
    pub(super) options: Arc<Options>,
    /// Where one is: places there are shown as they look from here.
    pub(super) here: Option<Arc<(Url, VPath)>>,
    /// Where results go, where that is not standard output.
    pub(super) out: Option<Sink>,
    /// Where all else goes, where that is not standard error.
    pub(super) aside: Option<Sink>,
    /// What ends it, where it runs in the background; Ctrl-C does not.
    pub(super) kill: Option<CancellationToken>,
}

thread_local! {
    /// What commands of this thread borrow.
    static LENT: RefCell<Option<Within>> = const { RefCell::new(None) };
}

/// Takes back what was lent, also where a command panics.
struct Lent(Option<Within>);

impl Drop for Lent {
    fn drop(&mut self) {
        LENT.with_borrow_mut(|lent| *lent = self.0.take());
    }
}

impl Within {
    /// Lends this to all commands that `work` runs on this thread.
    pub(super) fn lend<T>(&self, work: impl FnOnce() -> T) -> T {
        let _before = Lent(LENT.with_borrow_mut(|lent| lent.replace(self.clone())));
        work()
    }

    /// What is lent to commands of this thread.
    pub(super) fn current() -> Option<Self> {
        LENT.with_borrow(Clone::clone)
    }

    /// Who logged in on a server before.
    pub(super) fn login_of(&self, url: &Url) -> Option<Login> {
        let logins = self.logins.lock().unwrap_or_else(PoisonError::into_inner);
        logins.iter().find(|(known, _)| is_same(known, url)).map(|(_, login)| login.clone())
    }

    /// Remembers who logged in, for the next connection.
    pub(super) fn remember(&self, url: &Url, login: &Login) {
        self.forget(url);
        let own = Url { password: None, ..url.with_path(b"") };
        self.logins.lock().unwrap_or_else(PoisonError::into_inner).push((own, login.clone()));
    }

    /// Forgets who logged in.
    pub(super) fn forget(&self, url: &Url) {
        self.logins.lock().unwrap_or_else(PoisonError::into_inner).retain(|(known, _)| !is_same(known, url));
    }

    /// A URL as its place looks from where one is; `None` where it is another server's, or none at all.
    pub(super) fn shown_url(&self, text: &str) -> Option<String> {
        match Place::parse(text) {
            Ok(Place::Remote(url)) if url.is_absolute() => self.shown(&url, &VPath::parse(&url.path).ok()?),
            _ => None,
        }
    }

    /// A place on the server as it looks from where one is; `None` where that is another server.
    pub(super) fn shown(&self, url: &Url, path: &VPath) -> Option<String> {
        let (own, folder) = self.here.as_deref()?;
        if !is_same(own, url) {
            return None;
        }
        Some(match path.below(folder).filter(|_| !folder.is_root()) {
            Some(below) if below.is_root() => ".".to_owned(),
            Some(below) => types::path::Shown(below.relative()).to_string(),
            None if folder.is_root() && !path.is_root() => types::path::Shown(path.relative()).to_string(),
            None => path.to_string(),
        })
    }
}

/// Whether two URLs name the same user of the same server.
fn is_same(a: &Url, b: &Url) -> bool {
    a.scheme == b.scheme && a.host == b.host && a.port() == b.port() && a.user == b.user
}
