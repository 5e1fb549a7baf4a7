//! Who starts tasks? Only this file: each has a name and a parent whose cancelling ends it.
#![allow(clippy::disallowed_methods, reason = "the owner of spawning")]

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use tokio::runtime::Handle;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;
use types::{Error, Reason};

use crate::clock;

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

/// How long short blocking calls of one kind have taken of late. While that is little they run where the caller runs;
/// while it is not they go to the blocking pool, so that a slow disk holds up the reactor once and not with every call.
#[derive(Debug, Default)]
pub struct Pace {
    /// The moving average, in nanoseconds.
    average: AtomicU64,
}

/// An average below this costs the reactor less than the trip to the pool and back would cost everybody.
const QUICK: u64 = 250_000;

impl Pace {
    /// Runs a call that blocks for a moment: here while such calls are quick, on the blocking pool while they are not.
    ///
    /// # Errors
    /// As [`blocking`].
    pub async fn run<T, F>(&self, f: F) -> Result<T, Error>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let timed = move || {
            let begun = clock::now();
            let result = f();
            (result, clock::now().saturating_duration_since(begun))
        };
        let is_quick = self.average.load(Ordering::Relaxed) < QUICK;
        let (result, took) = if is_quick { timed() } else { blocking(timed).await? };
        let took = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX / 8);
        let average = self.average.load(Ordering::Relaxed);
        // Two at once may lose one's share: it is a measure, not a count.
        self.average.store(average - average / 8 + took / 8, Ordering::Relaxed);
        Ok(result)
    }
}

/// Cleans up from a `Drop`: on the blocking pool, or here where there is no runtime.
pub fn detach_blocking(f: impl FnOnce() + Send + 'static) {
    match Handle::try_current() {
        Ok(runtime) => drop(runtime.spawn_blocking(f)),
        Err(_) => f(),
    }
}

/// Reactors, one a thread. A session is given to one and stays there with its sockets: what belongs together never
/// wakes another thread. The first is the one that runs already.
#[derive(Clone, Debug)]
pub struct Workers {
    reactors: Arc<[Handle]>,
    next: Arc<AtomicUsize>,
}

/// Where a task may run.
#[derive(Clone, Debug)]
pub struct Worker {
    reactor: Handle,
}

impl Workers {
    /// The reactor that runs already and `more` threads beside it, which end with `parent`.
    ///
    /// # Errors
    /// The system's, where a thread or its reactor cannot be had.
    pub fn start(more: usize, parent: &CancellationToken) -> std::io::Result<Self> {
        let mut reactors = vec![Handle::current()];
        for number in 1..=more {
            let reactor = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            reactors.push(reactor.handle().clone());
            let parent = parent.clone();
            let thread = std::thread::Builder::new().name(format!("carrack-{number}"));
            // Ends with its parent; nobody waits for it.
            drop(thread.spawn(move || {
                reactor.block_on(parent.cancelled());
                reactor.shutdown_background();
            })?);
        }
        Ok(Self { reactors: reactors.into(), next: Arc::default() })
    }

    /// Whose turn it is.
    pub fn turn(&self) -> Worker {
        let index = self.next.fetch_add(1, Ordering::Relaxed) % self.reactors.len().max(1);
        let reactor = self.reactors.get(index).cloned().unwrap_or_else(Handle::current);
        Worker { reactor }
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

    /// Starts a child on a worker; it ends with `parent`.
    pub fn spawn_on<F>(&mut self, name: &'static str, worker: &Worker, parent: &CancellationToken, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let _ = name;
        while self.set.try_join_next().is_some() {}
        let run = parent.clone().run_until_cancelled_owned(future);
        let child = async move {
            run.await;
        };
        self.set.spawn_on(child, &worker.reactor);
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
    use super::{Children, Pace, blocking, detach_blocking, spawn};
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

    #[tokio::test]
    async fn slow_calls_move_to_the_pool_and_quick_ones_come_back() {
        let pace = Pace::default();
        let here = std::thread::current().id();
        let on_pool = || async { pace.run(|| std::thread::current().id()).await.unwrap() != here };
        assert!(!on_pool().await);
        pace.run(|| std::thread::sleep(Duration::from_millis(20))).await.unwrap();
        assert!(on_pool().await, "after a slow one");
        for _ in 0..100 {
            on_pool().await;
        }
        assert!(!on_pool().await, "after many quick ones");
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
