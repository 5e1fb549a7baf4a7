//! How does a command say what it found, and what went wrong? Results on standard output, plain or as JSON, all else on
//! standard error; text from outside is made harmless, and a pipe that closes ends the work quietly.

use std::fmt;
use std::io::{BufWriter, ErrorKind, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use types::text::printable;
use types::{Error, Reason};

use super::within::Within;
use crate::cli::Exit;
use crate::cli::client::SayOptions;
use crate::say;

/// Why a command goes no further.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Nobody reads what it says any more: no failure.
    PipeClosed,
    /// It failed.
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<Reason> for Stop {
    fn from(reason: Reason) -> Self {
        Self::Failed(reason.into())
    }
}

/// Where lines go that several may write.
#[derive(Clone)]
pub(crate) struct Sink(Arc<Mutex<dyn Write + Send>>);

impl Sink {
    pub(crate) fn new(into: impl Write + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(into)))
    }

    /// Writes a line.
    pub(crate) fn line(&self, text: &str) -> Exit {
        match self.clone().write_all(format!("{text}\n").as_bytes()) {
            Ok(()) => Exit::Well,
            Err(e) if e.kind() == ErrorKind::BrokenPipe => Exit::Well,
            Err(_) => Exit::Failed,
        }
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).flush()
    }
}

/// Where a command says things.
pub(crate) struct Output {
    /// Who complains: the command, and before it the program where it runs alone.
    speaker: String,
    json: bool,
    quiet: bool,
    terminal: bool,
    warned: AtomicBool,
    /// Of what the last failure was: what can be done about it stands there.
    advised: Mutex<Option<Reason>>,
    out: Mutex<BufWriter<Box<dyn Write + Send>>>,
    /// Where all but results goes, where that is not standard error.
    said: Option<Sink>,
    is_within: bool,
    is_hidden: bool,
}

impl Output {
    pub(crate) fn new(command: &'static str, options: &SayOptions) -> Self {
        let out = std::io::stdout();
        Self {
            speaker: format!("carrack {command}"),
            json: options.json,
            quiet: options.quiet,
            terminal: out.is_terminal(),
            warned: AtomicBool::new(false),
            advised: Mutex::new(None),
            out: Mutex::new(BufWriter::new(Box::new(out))),
            said: None,
            is_within: false,
            is_hidden: false,
        }
    }

    /// The output of a command that runs in the shell.
    pub(crate) fn within(command: &'static str, options: &SayOptions, within: &Within) -> Self {
        let alone = Self::new(command, options);
        let is_here = within.out.is_none() && within.kill.is_none();
        let out: Box<dyn Write + Send> = match &within.out {
            Some(sink) => Box::new(sink.clone()),
            None => Box::new(std::io::stdout()),
        };
        Self {
            speaker: command.to_owned(),
            // What runs in the background has nobody who looks at it.
            terminal: alone.terminal && is_here,
            out: Mutex::new(BufWriter::new(out)),
            said: within.aside.clone(),
            is_within: true,
            is_hidden: within.kill.is_some(),
            ..alone
        }
    }

    /// Whether the command runs in the shell, where nobody sees what was typed.
    pub(crate) fn is_within(&self) -> bool {
        self.is_within
    }

    /// Whether somebody watches standard error: nobody does where it runs in the background.
    pub(crate) fn is_watched(&self) -> bool {
        !self.is_hidden && std::io::stderr().is_terminal()
    }

    /// Whether it runs in the background of a shell.
    pub(crate) const fn is_hidden(&self) -> bool {
        self.is_hidden
    }

    /// Says a line that is no result.
    pub(crate) fn say(&self, text: fmt::Arguments<'_>) {
        match &self.said {
            Some(sink) => drop(sink.line(&text.to_string())),
            None => say::err(text),
        }
    }

    /// Whether results are JSON.
    pub(crate) const fn is_json(&self) -> bool {
        self.json
    }

    /// Whether only results and failures are said.
    pub(crate) const fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Whether somebody looks at standard output.
    pub(crate) const fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// A line of the result.
    ///
    /// # Errors
    /// [`Stop::PipeClosed`] where nobody reads it, the system's otherwise.
    pub(crate) fn line(&self, text: fmt::Arguments<'_>) -> Result<(), Stop> {
        writeln!(self.lock(), "{text}").map_err(stop)
    }

    /// An object of the result, on a line of its own.
    ///
    /// # Errors
    /// As [`Output::line`].
    pub(crate) fn object(&self, object: &Value) -> Result<(), Stop> {
        self.line(format_args!("{object}"))
    }

    /// Something that was done: said as JSON, and taken for granted otherwise.
    ///
    /// # Errors
    /// As [`Output::line`].
    pub(crate) fn event(&self, event: &str, place: &str, more: &[(&str, Value)]) -> Result<(), Stop> {
        if !self.json {
            return Ok(());
        }
        let mut object = serde_json::Map::new();
        object.insert("event".to_owned(), event.into());
        object.insert("place".to_owned(), place.into());
        object.extend(more.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
        self.object(&Value::Object(object))
    }

    /// Bytes of the result, as they are.
    ///
    /// # Errors
    /// As [`Output::line`].
    pub(crate) fn bytes(&self, bytes: &[u8]) -> Result<(), Stop> {
        self.lock().write_all(bytes).map_err(stop)
    }

    /// Hands on all that was said.
    ///
    /// # Errors
    /// As [`Output::line`].
    pub(crate) fn flush(&self) -> Result<(), Stop> {
        self.lock().flush().map_err(stop)
    }

    /// Something worth knowing that is no result.
    pub(crate) fn note(&self, text: fmt::Arguments<'_>) {
        if !self.quiet {
            self.aside("note", text);
        }
    }

    /// Something that may go wrong; a command says it once.
    pub(crate) fn warn_once(&self, text: fmt::Arguments<'_>) {
        if !self.warned.swap(true, Ordering::Relaxed) {
            self.aside("warning", text);
        }
    }

    /// Something that may go wrong, or already has.
    pub(crate) fn warn(&self, text: fmt::Arguments<'_>) {
        self.aside("warning", text);
    }

    fn aside(&self, kind: &str, text: fmt::Arguments<'_>) {
        // What was found before stands before it on the screen, too; a closed pipe is seen by the next line.
        let _ = self.flush();
        if self.json {
            self.say(format_args!("{}", json!({ "event": kind, "text": text.to_string() })));
        } else {
            self.say(format_args!("{}: {kind}: {}", self.speaker, printable(&text.to_string())));
        }
    }

    /// A failure: what it is about, what happened, its code, and what can be done, which is not repeated for the next like it.
    pub(crate) fn failure(&self, place: &str, error: &Error) {
        let _ = self.flush();
        if self.json {
            self.say(format_args!("{}", failure_object(place, error)));
        } else {
            let last = self.advised.lock().unwrap_or_else(PoisonError::into_inner).replace(error.reason);
            let remedy = if last == Some(error.reason) { String::new() } else { format!("\n  {}", error.reason.remedy()) };
            self.say(format_args!("{}: {}{remedy}", self.speaker, failure_text(place, error)));
        }
    }

    fn lock(&self) -> MutexGuard<'_, BufWriter<Box<dyn Write + Send>>> {
        // A panic while it was held left whole writes only.
        self.out.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn stop(error: std::io::Error) -> Stop {
    if error.kind() == ErrorKind::BrokenPipe {
        return Stop::PipeClosed;
    }
    let error = Error::from(error);
    Stop::Failed(Error::with(error.reason, format!("standard output: {}", error.detail.unwrap_or_default())))
}

/// `ftp://host/x: no such file or folder [CRK-201]`, and what was said of it.
fn failure_text(place: &str, error: &Error) -> String {
    let reason = error.reason;
    let detail = error.detail.as_ref().map(|detail| format!(": {}", printable(detail))).unwrap_or_default();
    // What is about no place has none.
    let place = if place.is_empty() { String::new() } else { format!("{}: ", printable(place)) };
    format!("{place}{}{detail} [{}]", reason.cause(), reason.code())
}

fn failure_object(place: &str, error: &Error) -> Value {
    let reason = error.reason;
    json!({
        "event": "error",
        "place": place,
        "code": reason.code(),
        "cause": reason.cause(),
        "detail": error.detail,
        "remedy": reason.remedy(),
        "exit": client::exit::code(reason),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_place_and_code_and_acts_on_no_terminal() {
        let error = Error::with(Reason::NotFound, "the server said: 550 \x1b[2J");
        let text = failure_text("ftp://h/\x07", &error);
        assert_eq!(text, "ftp://h/\\x07: no such file or folder: the server said: 550 \\x1b[2J [CRK-201]");
        let object = failure_object("ftp://h/", &error);
        assert_eq!((object["code"].as_str(), object["exit"].as_u64()), (Some("CRK-201"), Some(78)));
    }
}
