//! What does the process give up once its doors are open (promise 8)? Its user, capabilities, all files but those it
//! serves, and the system calls it never needs; each as far as the kernel can, and each is said.
//!
//! All of it goes for the calling thread and the threads it starts later, so it runs before there are others.

mod calls;
mod files;
mod rights;

use std::path::{Path, PathBuf};

use crate::config::Process;

pub(crate) use files::Rooms;

/// What the process still needs.
pub(crate) struct Needs<'a> {
    /// Folders it reads and writes in.
    pub(crate) written: Vec<PathBuf>,
    /// Folders it only reads in.
    pub(crate) read: Vec<PathBuf>,
    /// Whether it binds ports below 1024 later (active data connections leave from port 20).
    pub(crate) low_ports: bool,
    /// What the configuration says.
    pub(crate) process: &'a Process,
}

/// What came of it.
pub(crate) struct Confined {
    /// What was given up and what was kept, for people.
    pub(crate) said: Vec<String>,
    /// The folders that are still open to it.
    pub(crate) rooms: Rooms,
}

/// Gives up what is not needed.
///
/// # Errors
/// Only where going on would be less than the configuration asks for: the user cannot be changed.
pub(crate) fn confine(needs: &Needs<'_>) -> Result<Confined, String> {
    let mut said = Vec::new();
    let dropped = rights::become_user(needs, &mut said)?;
    rights::drop_capabilities(needs, dropped, &mut said);
    let rooms = if needs.process.landlock {
        files::confine(needs, &mut said)
    } else {
        said.push("all files of the user (process.landlock = false)".to_owned());
        Rooms::all()
    };
    if needs.process.seccomp {
        calls::confine(&mut said);
    } else {
        said.push("all system calls (process.seccomp = false)".to_owned());
    }
    Ok(Confined { said, rooms })
}

/// The folder a file is in.
pub(crate) fn folder_of(file: &Path) -> PathBuf {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}
