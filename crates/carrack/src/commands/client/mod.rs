//! How does a client command run? With places to open, a way to say what it found, and an end at Ctrl-C.

pub(crate) mod cat;
pub(crate) mod chmod;
mod columns;
pub(crate) mod copies;
pub(crate) mod df;
pub(crate) mod du;
pub(crate) mod entry;
pub(crate) mod find;
pub(crate) mod hash;
mod ladder;
mod login;
pub(crate) mod ls;
pub(crate) mod mkdir;
pub(crate) mod mode;
pub(crate) mod mv;
mod output;
mod place;
pub(crate) mod quote;
pub(crate) mod rm;
pub(crate) mod shell;
mod ssh;
pub(crate) mod stat;
mod tls;
pub(crate) mod touch;
pub(crate) mod tree;
pub(crate) mod when;
mod within;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::time::Duration;

use io::CancellationToken;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Mutex;
use trace::Observer;
use types::{Error, Reason, VPath};

use crate::cli::Exit;
use crate::cli::client::{Options, SayOptions};
use crate::say;
use ladder::Ladders;
pub(crate) use output::{Output, Stop};
pub(crate) use place::Opened;
use place::Server;
use within::Within;

/// How long servers may take to say good-bye; nobody waits longer for what changes nothing.
const GOOD_BYE_WITHIN: Duration = Duration::from_secs(2);

/// What a client command works with.
pub(crate) struct Client {
    /// What was asked for.
    pub(crate) options: Options,
    /// Where results, notes and failures go.
    pub(crate) output: Output,
    /// Cancelled by Ctrl-C: begin nothing more, and end what can be ended well.
    pub(crate) token: CancellationToken,
    /// What sessions live under: ended last.
    life: CancellationToken,
    observer: Arc<dyn Observer>,
    servers: Arc<Mutex<Vec<Server>>>,
    /// The bits that what is made here does not get.
    umask: u32,
    /// As many connections to one server as the command may have at once.
    connections: AtomicUsize,
    /// What is borrowed from the shell, where it runs there.
    within: Option<Within>,
    /// Whether something was done.
    done: AtomicBool,
    /// The exit code of the first failure; 0 if there was none.
    failed: AtomicU8,
}

impl Client {
    /// A command that runs alone.
    fn alone(command: &'static str, options: &Options) -> Self {
        Self {
            options: options.clone(),
            output: Output::new(command, &options.say),
            token: CancellationToken::new(),
            life: CancellationToken::new(),
            observer: Ladders::observer(&options.say),
            servers: Arc::default(),
            umask: umask(),
            connections: AtomicUsize::new(place::CONNECTIONS),
            within: None,
            done: AtomicBool::new(false),
            failed: AtomicU8::new(0),
        }
    }

    /// A command that runs in the shell; what it says is its own affair.
    fn within(within: &Within, command: &'static str, say: &SayOptions) -> Self {
        Self {
            options: Options { say: say.clone(), ..(*within.options).clone() },
            output: Output::within(command, say, within),
            token: CancellationToken::new(),
            life: within.life.clone(),
            observer: within.ladders.clone(),
            servers: within.servers.clone(),
            umask: umask(),
            connections: AtomicUsize::new(place::CONNECTIONS),
            within: Some(within.clone()),
            done: AtomicBool::new(false),
            failed: AtomicU8::new(0),
        }
    }

    /// Says that something failed, and remembers it for the exit code.
    pub(crate) fn failed(&self, place: &str, error: &Error) {
        let from_here = self.within.as_ref().and_then(|within| within.shown_url(place));
        self.output.failure(from_here.as_deref().unwrap_or(place), error);
        let code = client::exit::code(error.reason);
        let _ = self.failed.compare_exchange(0, code, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Remembers that something was done, so that a failure is not one of everything.
    pub(crate) fn done(&self) {
        self.done.store(true, Ordering::Relaxed);
    }

    /// Tells of a failure with one of many, and goes on; not after Ctrl-C or a closed pipe.
    ///
    /// # Errors
    /// What ends the work.
    pub(crate) fn tell(&self, place: &Opened, path: &VPath, stop: Stop) -> Result<(), Stop> {
        match stop {
            Stop::Failed(error) if error.reason != Reason::Cancelled => {
                self.failed(&place.shown_below(path), &error);
                Ok(())
            }
            stop => Err(stop),
        }
    }

    /// Permission bits of a folder that is made here.
    pub(crate) const fn mode_of_folders(&self) -> u32 {
        0o777 & !self.umask
    }

    /// Permission bits of a file that is made here.
    pub(crate) const fn mode_of_files(&self) -> u32 {
        0o666 & !self.umask
    }

    /// Lets servers that are opened from now on be used over more or fewer connections than usual.
    fn use_connections(&self, most: Option<usize>) {
        if let Some(most) = most {
            self.connections.store(most, Ordering::Relaxed);
        }
    }

    /// Remembers that the work was interrupted, for the exit code.
    fn interrupted(&self) {
        self.failed.store(client::exit::code(Reason::Cancelled), Ordering::Relaxed);
    }

    /// The exit code of what was done and what failed.
    fn exit(&self) -> Exit {
        match self.failed.load(Ordering::Relaxed) {
            0 => Exit::Well,
            130 => Exit::Code(130),
            _ if self.done.load(Ordering::Relaxed) => Exit::Code(client::exit::PARTLY),
            code => Exit::Code(code),
        }
    }

    /// Opens each place and does something with it. What fails is told, and the next is done all the same.
    ///
    /// # Errors
    /// [`Stop::PipeClosed`], after which nothing more is worth doing.
    pub(crate) async fn each(&self, places: &[String], work: impl AsyncFn(Opened) -> Result<(), Stop>) -> Result<(), Stop> {
        for text in places {
            let (place, result) = match self.open(text).await {
                Ok(opened) => (opened.shown.clone(), work(opened).await),
                Err(error) => (without_password(text), Err(error.into())),
            };
            match result {
                Ok(()) => self.done(),
                Err(Stop::PipeClosed) => return Err(Stop::PipeClosed),
                Err(Stop::Failed(error)) => {
                    self.failed(&place, &error);
                    if error.reason == Reason::Cancelled {
                        break;
                    }
                }
            }
        }
        Ok(())
    }
}

/// What was named, or this folder.
pub(crate) fn places_or_here(places: &[String]) -> Vec<String> {
    if places.is_empty() { vec![".".to_owned()] } else { places.to_vec() }
}

/// A place as it was typed; what may be a password is left out.
fn without_password(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    match authority.rsplit_once('@') {
        Some((login, host)) => {
            let user = login.split_once(':').map_or(login, |(user, _)| user);
            format!("{scheme}://{user}@{host}/{path}")
        }
        None => text.to_owned(),
    }
}

/// What happens at the first Ctrl-C. At the second, a command ends where it stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum AtInterrupt {
    /// The work is dropped.
    Drop,
    /// The work is waited for: it hears of it by [`Client::token`].
    Wait,
}

/// Runs a command's work to its end, alone or in the shell. `command` is its name.
pub(crate) fn run(
    command: &'static str,
    options: &Options,
    at_interrupt: AtInterrupt,
    work: impl AsyncFnOnce(&Client) -> Result<(), Stop>,
) -> Exit {
    if let Some(within) = Within::current() {
        let client = Client::within(&within, command, &options.say);
        return within.runtime.block_on(live(&client, at_interrupt, work));
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => {
            say::err(format_args!("carrack {command}: the reactor: {e}"));
            return Exit::Failed;
        }
    };
    let client = Client::alone(command, options);
    let exit = runtime.block_on(live(&client, at_interrupt, work));
    // Sessions that still live end here, and so are drawn before the command is over.
    client.life.cancel();
    runtime.shutdown_timeout(GOOD_BYE_WITHIN);
    exit
}

/// The process's umask. The system only tells it to who sets another.
fn umask() -> u32 {
    let mask = rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    rustix::process::umask(mask);
    mask.bits() & 0o777
}

async fn live(client: &Client, at_interrupt: AtInterrupt, work: impl AsyncFnOnce(&Client) -> Result<(), Stop>) -> Exit {
    let mut interrupts = match Interrupts::of(client) {
        Ok(interrupts) => interrupts,
        Err(e) => {
            client.failed("signals", &Error::with(Reason::Io, e.to_string()));
            return client.exit();
        }
    };
    let result = {
        let mut work = std::pin::pin!(work(client));
        let first = tokio::select! {
            result = &mut work => Some(result),
            () = interrupts.next() => None,
        };
        match (first, at_interrupt) {
            (Some(result), _) => Some(result),
            (None, AtInterrupt::Drop) => None,
            (None, AtInterrupt::Wait) => {
                client.token.cancel();
                tokio::select! {
                    result = &mut work => Some(result),
                    () = interrupts.next() => None,
                }
            }
        }
    };
    let Some(result) = result else {
        client.token.cancel();
        let _ = client.output.flush();
        return Exit::Code(client::exit::code(Reason::Cancelled));
    };
    match result.and_then(|()| client.output.flush()) {
        Ok(()) | Err(Stop::PipeClosed) => {}
        Err(Stop::Failed(error)) => client.failed("", &error),
    }
    if client.within.is_some() {
        return client.exit();
    }
    let good_bye = async {
        for server in client.servers.lock().await.iter() {
            server.close(client).await;
        }
    };
    let _ = tokio::time::timeout(GOOD_BYE_WITHIN, good_bye).await;
    client.exit()
}

/// What breaks a command off.
enum Interrupts {
    /// Alone: Ctrl-C, and the polite form of kill.
    Alone(Signal, Signal),
    /// In the shell: Ctrl-C. The polite form of kill is for the shell.
    Keys(Signal),
    /// In the background: the shell's own `kill`, which is heard once.
    Job(Option<CancellationToken>),
}

impl Interrupts {
    fn of(client: &Client) -> std::io::Result<Self> {
        match &client.within {
            None => Ok(Self::Alone(signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)),
            Some(Within { kill: Some(kill), .. }) => Ok(Self::Job(Some(kill.clone()))),
            Some(_) => Self::keys(),
        }
    }

    fn keys() -> std::io::Result<Self> {
        Ok(Self::Keys(signal(SignalKind::interrupt())?))
    }

    async fn next(&mut self) {
        match self {
            Self::Alone(interrupt, terminate) => {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
            }
            Self::Keys(interrupt) => drop(interrupt.recv().await),
            Self::Job(kill) => match kill {
                Some(token) => {
                    token.cancelled().await;
                    *kill = None;
                }
                None => std::future::pending().await,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_repeated() {
        for (typed, shown) in [
            ("ftp://anna:geheim@h/x", "ftp://anna@h/x"),
            ("gopher://anna:ge@heim@h:x/", "gopher://anna@h:x/"),
            ("ftp://h/a@b:c", "ftp://h/a@b:c"),
            ("notes", "notes"),
        ] {
            assert_eq!(without_password(typed), shown);
        }
    }
}
