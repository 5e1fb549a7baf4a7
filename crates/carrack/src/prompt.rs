//! How is something asked at the terminal, and a password so that nothing of it is ever shown?
#![allow(clippy::disallowed_methods, reason = "the owner of the terminal, which is a file")]

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};

use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};

/// What Ctrl-C sends.
const CTRL_C: u8 = 0x03;

/// Asks, and reads a line that is not shown. The terminal is silent before the question stands there: whoever types at
/// once, or pastes, is not shown either.
///
/// # Errors
/// [`io::ErrorKind::Interrupted`] after Ctrl-C, [`io::ErrorKind::UnexpectedEof`] after Ctrl-D; the system's, where there is
/// no terminal.
pub(crate) fn password(question: &str) -> io::Result<String> {
    let mut silent = Silent::new()?;
    write!(silent.terminal, "{question}")?;
    silent.terminal.flush()?;
    let mut line = Vec::new();
    // The terminal gives one line at a time, and bounds it.
    BufReader::new(&silent.terminal).fill_buf().map(|typed| line.extend_from_slice(typed))?;
    read(line).inspect_err(|_| {
        let _ = writeln!(silent.terminal);
    })
}

/// What was typed before the line's end.
fn read(mut line: Vec<u8>) -> io::Result<String> {
    match line.pop() {
        Some(b'\n') => {}
        Some(CTRL_C) => return Err(io::ErrorKind::Interrupted.into()),
        _ => return Err(io::ErrorKind::UnexpectedEof.into()),
    }
    String::from_utf8(line).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "what was typed is not UTF-8"))
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
        // Ctrl-C ends the line instead of the program, which may have more to do than to ask. A signal would not wake who
        // reads here.
        silent.local_modes.remove(LocalModes::ISIG);
        silent.local_modes.insert(LocalModes::ICANON);
        silent.special_codes[SpecialCodeIndex::VEOL] = CTRL_C;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_ends_by_return_and_not_by_ctrl_c_or_ctrl_d() {
        assert_eq!(read(b"geh im\n".to_vec()).unwrap(), "geh im");
        assert_eq!(read(b"\n".to_vec()).unwrap(), "");
        for (typed, kind) in [
            (&b"geh\x03"[..], io::ErrorKind::Interrupted),
            (b"geh", io::ErrorKind::UnexpectedEof),
            (b"", io::ErrorKind::UnexpectedEof),
            (b"\xff\n", io::ErrorKind::InvalidData),
        ] {
            assert_eq!(read(typed.to_vec()).unwrap_err().kind(), kind);
        }
    }
}
