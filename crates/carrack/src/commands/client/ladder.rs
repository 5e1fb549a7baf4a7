//! What did a session with a server look like? Told line by line while it happens, and drawn as a ladder once it is over.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use trace::{Capacity, Nobody, Observer, Ring, SessionInfo, Style};
use types::{Event, Lane, What};

use crate::cli::client::SayOptions;
use crate::log::Look;
use crate::say;

/// As many events of a session are drawn; of longer ones the last.
const EVENTS: usize = 20_000;

/// Hears of all sessions of a command.
pub(crate) struct Ladders {
    /// Whether lines are told as they pass.
    lines: AtomicBool,
    /// Whether sessions are drawn.
    drawn: AtomicBool,
    svg: Option<PathBuf>,
    look: Look,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Sessions that live, by their own address: all of a command carry one id.
    sessions: HashMap<SocketAddr, (SessionInfo, Ring)>,
    /// How many have been drawn.
    over: u32,
}

impl Ladders {
    /// What the options ask for; nobody listens where that is nothing.
    pub(crate) fn observer(options: &SayOptions) -> Arc<dyn Observer> {
        if !(options.verbose || options.trace || options.trace_svg.is_some()) {
            return Arc::new(Nobody);
        }
        Arc::new(Self::switchable(options))
    }

    /// Hears of everything, and tells what the options ask for until something else is asked for.
    pub(crate) fn switchable(options: &SayOptions) -> Self {
        Self {
            lines: AtomicBool::new(options.verbose),
            drawn: AtomicBool::new(options.trace),
            svg: options.trace_svg.clone(),
            look: Look::of_stderr(),
            state: Mutex::default(),
        }
    }

    /// Whether lines are told as they pass.
    pub(crate) fn tells_lines(&self) -> bool {
        self.lines.load(Ordering::Relaxed)
    }

    /// Tells lines as they pass from now on, or not.
    pub(crate) fn tell_lines(&self, is_on: bool) {
        self.lines.store(is_on, Ordering::Relaxed);
    }

    /// Whether sessions are drawn.
    pub(crate) fn draws(&self) -> bool {
        self.drawn.load(Ordering::Relaxed)
    }

    /// Draws from now on what comes from now on, or nothing.
    pub(crate) fn draw_each(&self, is_on: bool) {
        if is_on && !self.drawn.swap(true, Ordering::Relaxed) {
            self.lock().sessions.values_mut().for_each(|(_, ring)| *ring = Ring::new(Capacity::events(EVENTS)));
        } else {
            self.drawn.store(is_on, Ordering::Relaxed);
        }
    }

    /// Draws what happened in all sessions since it was drawn last.
    pub(crate) fn draw_so_far(&self) {
        if !self.draws() {
            return;
        }
        let so_far: Vec<_> = {
            let mut state = self.lock();
            let fresh = |ring: &mut Ring| std::mem::replace(ring, Ring::new(Capacity::events(EVENTS)));
            state.sessions.values_mut().map(|(session, ring)| (session.clone(), fresh(ring))).collect()
        };
        for (session, ring) in so_far {
            let events: Vec<Event> = ring.iter().collect();
            if !events.is_empty() {
                self.draw(&session, &events, ring.dropped(), None);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Draws a session, or with its number all of it.
    fn draw(&self, session: &SessionInfo, events: &[Event], dropped: u64, number: Option<u32>) {
        if self.draws() {
            let style = if self.look.unicode { Style::Unicode } else { Style::Ascii };
            let drawn = trace::ladder(session, events, dropped, style, self.look.columns);
            say::err(format_args!("session with {} ({}):\n{}", session.listener, session.local, drawn.trim_end()));
        }
        if let (Some(file), Some(number)) = (&self.svg, number) {
            let file = numbered(file, number);
            if let Err(e) = keep(&file, &trace::svg(session, events, dropped)) {
                say::err(format_args!("carrack: --trace-svg {}: {e}", file.display()));
            }
        }
    }
}

impl Observer for Ladders {
    fn opened(&self, session: &SessionInfo) {
        self.lock().sessions.insert(session.peer, (session.clone(), Ring::new(Capacity::events(EVENTS))));
    }

    fn event(&self, session: &SessionInfo, event: &Event) {
        if self.tells_lines()
            && let Some(line) = line(&event.what)
        {
            say::err(format_args!("{line}"));
        }
        if let Some((_, ring)) = self.lock().sessions.get_mut(&session.peer) {
            match &event.what {
                // The lines of FEAT and MLST begin with a space, which a ladder would have to quote.
                What::Reply(line) if line.starts_with(' ') => {
                    ring.push(&Event { at: event.at, what: What::Reply(line.trim_start().into()) });
                }
                _ => ring.push(event),
            }
        }
    }

    fn closed(&self, session: &SessionInfo, _: &Ring) {
        let mut state = self.lock();
        let Some((_, ring)) = state.sessions.remove(&session.peer) else { return };
        state.over += 1;
        let number = state.over;
        drop(state);
        let events: Vec<Event> = ring.iter().collect();
        self.draw(session, &events, ring.dropped(), Some(number));
    }
}

/// What happened, for somebody who watches.
fn line(what: &What) -> Option<String> {
    Some(match what {
        What::Accepted(_, server) => format!("* connected to {server}"),
        What::Command(line) => format!("> {line}"),
        What::Reply(line) => format!("< {line}"),
        What::Secured(Lane::Data, how) => format!("* data connection protected: {how}"),
        What::Secured(_, how) => format!("* protected: {how}"),
        What::Listening(at) | What::Awaiting(at) => format!("* waiting for a data connection at {at}"),
        What::Connecting(to) | What::Reaching(to) => format!("* data connection to {to}"),
        What::DataFailed(reason) => format!("* {reason}"),
        What::Note(reason, text) => format!("* {reason} ({text})"),
        What::Cut(_, bytes, reason) => format!("* cut off after {bytes} bytes: {reason}"),
        What::Closed(Some(reason)) => format!("* closed: {reason}"),
        What::Closed(None) => "* closed".to_owned(),
        What::Ask(_) | What::Answer(_) | What::Connected(_) | What::Cleared | What::Started(_) | What::Moved(..) => return None,
    })
}

/// The file for a session: the first has the name that was given.
fn numbered(file: &Path, number: u32) -> PathBuf {
    if number <= 1 {
        return file.to_owned();
    }
    let mut name = file.file_stem().unwrap_or_default().to_owned();
    name.push(format!("-{number}"));
    if let Some(extension) = file.extension() {
        name.push(".");
        name.push(extension);
    }
    file.with_file_name(name)
}

#[allow(clippy::disallowed_methods, reason = "a file that the command line names")]
fn keep(file: &Path, drawn: &str) -> std::io::Result<()> {
    std::fs::write(file, drawn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_session_has_a_file_of_its_own() {
        for (number, name) in [(1, "/a/b.svg"), (2, "/a/b-2.svg"), (10, "/a/b-10.svg")] {
            assert_eq!(numbered(Path::new("/a/b.svg"), number), Path::new(name));
        }
        assert_eq!(numbered(Path::new("b"), 2), Path::new("b-2"));
    }
}
