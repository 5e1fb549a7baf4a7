//! How is something asked at the terminal, and a password so that nothing of it is ever shown?
#![allow(clippy::disallowed_methods, reason = "the owner of the terminal, which is a file")]

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// Asks, and reads a line that is not shown. The terminal is silent before the question stands there: whoever types at
/// once, or pastes, is not shown either.
///
/// # Errors
/// The system's, where there is no terminal or it ended.
pub(crate) fn password(question: &str) -> io::Result<String> {
    let mut silent = Silent::new()?;
    write!(silent.terminal, "{question}")?;
    silent.terminal.flush()?;
    rpassword::read_password()
}

/// Asks, and reads a line that is shown as it is typed. Whoever is asked sits at the terminal, whatever standard input is.
///
/// # Errors
/// The system's, where there is no terminal or it ended.
pub(crate) fn line(question: &str) -> io::Result<String> {
    let mut terminal = File::options().read(true).write(true).open("/dev/tty")?;
    write!(terminal, "{question}")?;
    terminal.flush()?;
    let mut line = String::new();
    match BufReader::new(terminal).read_line(&mut line)? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(line),
    }
}

/// The terminal, which shows nothing that is typed until this is dropped.
struct Silent {
    terminal: File,
    before: Termios,
}

impl Silent {
    fn new() -> io::Result<Self> {
        let terminal = File::options().read(true).write(true).open("/dev/tty")?;
        let before = tcgetattr(&terminal)?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        // Line ends are shown: the cursor leaves the question.
        silent.local_modes.insert(LocalModes::ECHONL);
        tcsetattr(&terminal, OptionalActions::Now, &silent)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        // Where that fails the terminal has gone.
        let _ = tcsetattr(&self.terminal, OptionalActions::Now, &self.before);
    }
}
