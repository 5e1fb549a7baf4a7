//! What is done on this machine: its folder, its commands, its files and its pager?
#![allow(clippy::disallowed_methods, reason = "a person's own files, named by that person")]

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::super::output::Sink;
use super::Shell;
use super::catalog;
use super::words::Word;
use crate::cli::Exit;
use crate::say;

/// Runs a command of this machine; a shell where none is named.
pub(super) fn command(command: &str) -> Exit {
    let shell = std::env::var_os("SHELL").filter(|_| command.is_empty()).unwrap_or_else(|| "/bin/sh".into());
    let mut process = Command::new(shell);
    if !command.is_empty() {
        process.arg("-c").arg(command);
    }
    match process.status() {
        Ok(status) => exit_of(status),
        Err(e) => {
            say::err(format_args!("!: {e}"));
            Exit::Failed
        }
    }
}

fn exit_of(status: std::process::ExitStatus) -> Exit {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(0), _) => Exit::Well,
        (Some(code), _) => Exit::Code(u8::try_from(code).unwrap_or(u8::MAX)),
        (None, signal) => Exit::Code(u8::try_from(signal.unwrap_or(0) + 128).unwrap_or(u8::MAX)),
    }
}

/// A command of this machine, and the way into it.
pub(super) fn pipe(command: &str) -> std::io::Result<(Child, Sink)> {
    let mut child = Command::new("/bin/sh").arg("-c").arg(command).stdin(Stdio::piped()).spawn()?;
    let into = child.stdin.take().ok_or_else(|| std::io::Error::other("it cannot be written to"))?;
    Ok((child, Sink::new(into)))
}

/// Waits for a command's end; all ways into it must have been dropped.
pub(super) fn ended(child: &mut Child) -> Exit {
    child.wait().map_or(Exit::Failed, exit_of)
}

/// A file to write into.
pub(super) fn file(name: &Word, append: bool) -> std::io::Result<Sink> {
    let mut options = OpenOptions::new();
    options.create(true).write(true);
    if append {
        options.append(true)
    } else {
        options.truncate(true)
    };
    options.open(path_of(name)).map(Sink::new)
}

/// The path on this machine that a word means.
pub(super) fn path_of(word: &Word) -> PathBuf {
    match (word.text.strip_prefix('~'), std::env::var_os("HOME")) {
        (Some(""), Some(home)) if word.has_tilde => home.into(),
        (Some(below), Some(home)) if word.has_tilde && below.starts_with('/') => {
            Path::new(&home).join(below.trim_start_matches('/'))
        }
        _ => PathBuf::from(&word.text),
    }
}

impl Shell {
    pub(super) fn local_pwd(&self) -> Exit {
        match std::env::current_dir() {
            Ok(path) => self.print(&types::text::printable(&path.to_string_lossy())),
            Err(e) => {
                say::err(format_args!("lpwd: {e}"));
                Exit::Failed
            }
        }
    }

    /// `lcd [FOLDER]`. Jobs that run know their places already.
    pub(super) fn local_cd(&self, words: &[Word]) -> Exit {
        let to = match words {
            [] => std::env::var_os("HOME").map(PathBuf::from).unwrap_or_else(|| PathBuf::from("/")),
            [word] => path_of(word),
            _ => return self.wrong("lcd", "one folder; a name with blanks stands in quotes"),
        };
        match std::env::set_current_dir(&to) {
            Ok(()) => self.local_pwd(),
            Err(e) => {
                say::err(format_args!("lcd: {}: {e}", types::text::printable(&to.to_string_lossy())));
                Exit::Failed
            }
        }
    }

    /// `lls`: the program's own `ls` on this machine.
    pub(super) fn local_list(&self, words: &[Word]) -> Exit {
        let sorted = super::plain::sort("ls", words);
        let mut arguments = vec!["carrack".to_owned(), "ls".to_owned()];
        arguments.extend(sorted.options);
        arguments.push("--".to_owned());
        let names = self.ask("lls", async |client| {
            let found =
                if sorted.operands.is_empty() { Ok(Vec::new()) } else { super::plain::local(client, &sorted.operands).await };
            found.map_err(|e| (String::new(), e))
        });
        match names {
            Ok(names) => {
                arguments.extend(names);
                self.program(&arguments)
            }
            Err(exit) => exit,
        }
    }

    /// `more FILE…`: `cat` into the pager.
    pub(super) fn more(&mut self, words: &[Word]) -> Exit {
        let Ok(cat) = catalog::find("cat") else { return Exit::Failed };
        let variable = std::env::var("PAGER").ok().filter(|pager| !pager.trim().is_empty());
        let pager = variable.unwrap_or_else(|| {
            let path = std::env::var_os("PATH").unwrap_or_default();
            let has_less = std::env::split_paths(&path).any(|folder| folder.join("less").is_file());
            if has_less { "less".to_owned() } else { "more".to_owned() }
        });
        self.piped_into(&pager, cat, words)
    }
}
