//! How does a copy go on? Bars on a terminal, a line for each file elsewhere, events for programs.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use client::copy::{Hearing, Plan, Step};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use io::clock;
use io::meter::Meter;
use serde_json::{Value, json};
use types::text::printable;
use types::{Error, Reason, VPath};

use super::super::Client;
use super::human::bytes;
use crate::say;

/// How often bars move.
const EVERY: Duration = Duration::from_millis(100);
/// How often a program hears how far it is.
const TOLD_EVERY: Duration = Duration::from_secs(1);
/// As many files have a bar of their own; the others are in the total.
const BARS: usize = 6;
/// Smaller files are begun anew, not gone on with.
const WORTH_KEEPING: u64 = 1024 * 1024;

/// Tells how a copy goes on.
pub(super) struct Progress<'a> {
    client: &'a Client,
    shown: Shown,
    state: Mutex<State>,
    /// How many files and bytes are to be copied.
    wanted: (usize, u64),
}

enum Shown {
    Bars { all: MultiProgress, total: ProgressBar },
    Lines,
    Events,
    Nothing,
}

#[derive(Default)]
struct State {
    files: HashMap<VPath, File>,
    /// Files that are over.
    done: usize,
    /// Their bytes.
    moved: u64,
    told: Option<Instant>,
    kept: Vec<(VPath, u64)>,
}

struct File {
    meter: Meter,
    size: u64,
    bar: Option<ProgressBar>,
}

impl<'a> Progress<'a> {
    pub(super) fn new(client: &'a Client, plan: &Plan) -> Self {
        let files = plan.steps.iter().filter(|step| matches!(step, Step::Copy { .. })).count();
        let shown = if client.output.is_json() {
            Shown::Events
        } else if client.output.is_quiet() || client.output.is_hidden() {
            Shown::Nothing
        } else if client.output.is_watched() {
            let all = MultiProgress::new();
            let total = all.add(ProgressBar::new(plan.bytes()).with_style(style(TOTAL)));
            Shown::Bars { all, total }
        } else {
            Shown::Lines
        };
        Self { client, shown, state: Mutex::default(), wanted: (files, plan.bytes()) }
    }

    /// Shows it again and again, until it is dropped.
    pub(super) async fn go_on(&self) {
        loop {
            clock::sleep_until(clock::now() + EVERY).await;
            self.show();
        }
    }

    /// Takes the bars away, and tells which files were begun and are kept to be gone on with.
    pub(super) fn end(self) -> Vec<(VPath, u64)> {
        if let Shown::Bars { all, .. } = &self.shown {
            let _ = all.clear();
        }
        self.state.into_inner().unwrap_or_else(PoisonError::into_inner).kept
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn show(&self) {
        let mut state = self.state();
        let moved = state.moved + state.files.values().map(|file| file.meter.moved().min(file.size)).sum::<u64>();
        match &self.shown {
            Shown::Bars { total, .. } => {
                for file in state.files.values() {
                    if let Some(bar) = &file.bar {
                        bar.set_position(file.meter.moved());
                    }
                }
                total.set_position(moved);
                total.set_prefix(format!("{} of {} files", state.done, self.wanted.0));
            }
            Shown::Events if state.told.is_none_or(|told| clock::now() >= told + TOLD_EVERY) => {
                state.told = Some(clock::now());
                let (done, (files, all)) = (state.done, self.wanted);
                drop(state);
                self.event(&json!({"event": "progress", "files_done": done, "files": files, "bytes_done": moved, "bytes": all}));
            }
            _ => {}
        }
    }

    /// An event for a program. One that has gone away is noticed when all is done.
    fn event(&self, event: &Value) {
        let _ = self.client.output.object(event).and_then(|()| self.client.output.flush());
    }

    fn line(&self, text: &str) {
        match &self.shown {
            Shown::Bars { all, .. } => all.suspend(|| say::err(format_args!("{}", printable(text)))),
            Shown::Lines => self.client.output.say(format_args!("{}", printable(text))),
            Shown::Events | Shown::Nothing => {}
        }
    }
}

const TOTAL: &str = "{prefix} {wide_bar:.green} {bytes}/{total_bytes} {bytes_per_sec} {eta}";
const FILE: &str = "{msg:!30} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}";

/// A bar's form; the plainest where the template has a fault.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

impl Hearing for Progress<'_> {
    fn begun(&self, path: &VPath, size: u64, meter: &Meter) {
        let mut state = self.state();
        let bar = match (&self.shown, state.files.remove(path)) {
            (_, Some(earlier)) => earlier.bar,
            (Shown::Bars { all, total }, None) if state.files.values().filter(|file| file.bar.is_some()).count() < BARS => {
                let name = String::from_utf8_lossy(path.name().unwrap_or_default()).into_owned();
                let bar = ProgressBar::new(size).with_style(style(FILE)).with_message(printable(&name));
                Some(all.insert_before(total, bar))
            }
            _ => None,
        };
        state.files.insert(path.clone(), File { meter: meter.clone(), size, bar });
        drop(state);
        if matches!(self.shown, Shown::Events) {
            self.event(&json!({"event": "begin", "path": path.to_string(), "bytes": size}));
        }
    }

    fn retried(&self, path: &VPath, error: &Error) {
        if matches!(self.shown, Shown::Events) {
            let (code, cause) = (error.reason.code(), error.reason.cause());
            self.event(
                &json!({"event": "retry", "path": path.to_string(), "code": code, "cause": cause, "detail": error.detail}),
            );
        }
        self.line(&format!("{path}: {error}; trying again"));
    }

    fn no_exchange(&self, error: &Error) {
        let words = error.detail.as_deref().unwrap_or_default();
        if matches!(self.shown, Shown::Events) {
            self.event(&json!({"event": "no_exchange", "code": error.reason.code(), "detail": words}));
        }
        self.line(&format!("files pass through this machine, for the servers do not exchange them: {words}"));
    }

    fn ended(&self, step: &Step, result: &Result<(), Error>) {
        let mut state = self.state();
        let file = state.files.remove(step.path());
        if let Some(bar) = file.as_ref().and_then(|file| file.bar.as_ref()) {
            bar.finish_and_clear();
        }
        let is_cancelled = matches!(result, Err(e) if e.reason == Reason::Cancelled);
        if let Step::Copy { path, seen, replaces, .. } = step {
            state.done += usize::from(result.is_ok());
            state.moved += if result.is_ok() { seen.size } else { 0 };
            let moved = file.map_or(0, |file| file.meter.moved());
            if result.is_err() && moved > 0 && seen.size >= WORTH_KEEPING && replaces.is_none() {
                state.kept.push((path.clone(), moved));
            }
        }
        drop(state);
        if matches!(self.shown, Shown::Events) && !is_cancelled {
            self.event(&ended(step, result));
        }
        if result.is_ok() && matches!(self.shown, Shown::Lines) {
            self.line(&words(step));
        }
    }
}

/// What a step does, as an event's `do`, and in words.
pub(super) fn name(step: &Step) -> &'static str {
    match step {
        Step::MakeDir(_) => "make_dir",
        Step::Copy { .. } => "copy",
        Step::Link { .. } => "link",
        Step::Remove(..) => "remove",
        Step::RemoveDir(_) => "remove_dir",
    }
}

/// A step as a line for people.
pub(super) fn words(step: &Step) -> String {
    match step {
        Step::MakeDir(path) => format!("make   {}", folder(path)),
        Step::Copy { path, to: None, seen, .. } => format!("copy   {path} ({})", bytes(seen.size)),
        Step::Copy { path, to: Some(to), seen, .. } => format!("copy   {path} -> {to} ({})", bytes(seen.size)),
        Step::Link { path, to, target, .. } => {
            format!("link   {} -> {}", to.as_ref().unwrap_or(path), types::path::Shown(target))
        }
        Step::Remove(path, _) => format!("remove {path}"),
        Step::RemoveDir(path) => format!("remove {}", folder(path)),
    }
}

fn folder(path: &VPath) -> String {
    if path.is_root() { path.to_string() } else { format!("{path}/") }
}

fn ended(step: &Step, result: &Result<(), Error>) -> Value {
    let mut event = json!({"event": "end", "do": name(step), "path": step.path().to_string(), "ok": result.is_ok()});
    if let Step::Copy { seen, .. } = step {
        event["bytes"] = seen.size.into();
    }
    if let Err(error) = result {
        event["code"] = error.reason.code().into();
        event["cause"] = error.reason.cause().into();
        event["detail"] = error.detail.as_deref().into();
    }
    event
}
