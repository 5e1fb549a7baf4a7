//! Who starts tasks? Only this file: each has a name and a parent whose cancelling ends it.
#![allow(clippy::disallowed_methods, reason = "the owner of spawning")]

use std::future::Future;
use std::time::Instant;

use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;
use types::{Error, Reason};

/// Starts a task that ends with its parent: when `parent` is cancelled the future is dropped where it waits and
/// the handle yields `None`. The name is for whoever reads the code and for runtime consoles.
pub fn spawn<F>(name: &'static str, parent: &CancellationToken, future: F) -> JoinHandle<Option<F::Output>>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let _ = name;
    // An owned wait lives in the task itself; a borrowed one would need the token beside it.
    tokio::spawn(parent.clone().run_until_cancelled_owned(future))
}

/// Runs `f` where blocking is allowed. Dropping the future does not stop `f` once it has begun.
///
/// # Errors
/// [`Reason::Io`] where `f` panicked, [`Reason::ShuttingDown`] where the runtime ended before it could run.
pub fn blocking<T, F>(f: F) -> impl Future<Output = Result<T, Error>> + Send
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let handle = tokio::task::spawn_blocking(f);
    async move {
        handle.await.map_err(|e| {
            if e.is_panic() {
                Error::with(Reason::Io, format!("a bug: {}", panic_text(e.into_panic())))
            } else {
                Error::new(Reason::ShuttingDown)
            }
        })
    }
}

fn panic_text(payload: Box<dyn std::any::Any + Send>) -> String {
    match payload.downcast::<String>() {
        Ok(s) => *s,
        Err(other) => other.downcast::<&'static str>().map_or_else(|_| "panic".to_owned(), |s| (*s).to_owned()),
    }
}

/// Cleans up from a `Drop`: on the blocking pool, or here where there is no runtime.
pub fn detach_blocking(f: impl FnOnce() + Send + 'static) {
    match tokio::runtime::Handle::try_current() {
        Ok(runtime) => drop(runtime.spawn_blocking(f)),
        Err(_) => f(),
    }
}

/// The children of one parent, so that it can wait for them.
#[derive(Debug, Default)]
pub struct Children {
    set: JoinSet<()>,
}

impl Children {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts a child that ends with `parent`.
    pub fn spawn<F>(&mut self, name: &'static str, parent: &CancellationToken, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let _ = name;
        // Those that ended are forgotten as new ones come, so the set holds the living only.
        while self.set.try_join_next().is_some() {}
        let run = parent.clone().run_until_cancelled_owned(future);
        self.set.spawn(async move {
            run.await;
        });
    }

    /// How many have not ended.
    pub fn len(&mut self) -> usize {
        while self.set.try_join_next().is_some() {}
        self.set.len()
    }

    /// Whether all have ended.
    pub fn is_empty(&mut self) -> bool {
        self.len() == 0
    }

    /// Waits until one ends; for ever where there is none, which suits a `select!`.
    pub async fn one_ended(&mut self) {
        if self.set.join_next().await.is_none() {
            std::future::pending::<()>().await;
        }
    }

    /// Waits for all until `deadline`, then drops those that are left where they wait. Tells how many those were.
    pub async fn drain(&mut self, deadline: Instant) -> usize {
        while !self.set.is_empty() {
            if tokio::time::timeout_at(deadline.into(), self.set.join_next()).await.is_err() {
                let left = self.len();
                self.set.shutdown().await;
                return left;
            }
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use super::{Children, blocking, detach_blocking, spawn};
    use crate::clock;
    use std::sync::mpsc;
    use std::time::Duration;
    use tokio_util::sync::CancellationToken;
    use types::Reason;

    #[tokio::test]
    async fn cancelling_the_parent_drops_the_child() {
        struct Told(Option<tokio::sync::oneshot::Sender<()>>);
        impl Drop for Told {
            fn drop(&mut self) {
                let _ = self.0.take().unwrap().send(());
            }
        }
        let parent = CancellationToken::new();
        let (tx, rx) = tokio::sync::oneshot::channel();
        let told = Told(Some(tx));
        let handle = spawn("child", &parent, async move {
            std::future::pending::<()>().await;
            drop(told);
        });
        tokio::task::yield_now().await;
        parent.cancel();
        assert_eq!(handle.await.unwrap(), None);
        rx.await.unwrap();
        assert_eq!(spawn("done", &CancellationToken::new(), async { 7 }).await.unwrap(), Some(7));
    }

    #[tokio::test]
    async fn a_panic_on_the_pool_is_an_error() {
        assert_eq!(blocking(|| 5).await.unwrap(), 5);
        let e = blocking(|| -> u8 { panic!("ouch {}", 3) }).await.unwrap_err();
        assert_eq!(e.reason, Reason::Io);
        assert!(e.detail.unwrap().contains("ouch 3"));
    }

    #[test]
    fn detached_work_runs_without_a_runtime() {
        let (tx, rx) = mpsc::channel();
        detach_blocking(move || tx.send(1).unwrap());
        assert_eq!(rx.try_recv(), Ok(1));
    }

    #[tokio::test(start_paused = true)]
    async fn draining_waits_and_then_cuts() {
        let parent = CancellationToken::new();
        let mut children = Children::new();
        children.spawn("short", &parent, tokio::time::sleep(Duration::from_secs(1)));
        assert_eq!(children.drain(clock::now() + Duration::from_secs(5)).await, 0);
        children.spawn("long", &parent, tokio::time::sleep(Duration::from_secs(60)));
        children.spawn("short", &parent, tokio::time::sleep(Duration::from_secs(1)));
        let before = clock::now();
        assert_eq!(children.drain(clock::now() + Duration::from_secs(5)).await, 1);
        assert_eq!(clock::now() - before, Duration::from_secs(5));
        assert!(children.is_empty());
    }
}
