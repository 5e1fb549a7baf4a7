//! The only place that writes to standard output and standard error directly. A closed pipe (`carrack why | head`) is
//! no failure.

use std::fmt;
use std::io::{ErrorKind, Write};

use crate::cli::Exit;

/// Prints a line to standard output.
pub(crate) fn out(text: fmt::Arguments<'_>) -> Exit {
    out_bytes(format!("{text}\n").as_bytes())
}

/// Prints bytes to standard output.
pub(crate) fn out_bytes(bytes: &[u8]) -> Exit {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Ok(()) => Exit::Well,
        Err(e) if e.kind() == ErrorKind::BrokenPipe => Exit::Well,
        Err(_) => Exit::Failed,
    }
}

/// Prints a line to standard error; if that fails, there is nobody left to tell.
pub(crate) fn err(text: fmt::Arguments<'_>) {
    let _ = std::io::stderr().lock().write_all(format!("{text}\n").as_bytes());
}
