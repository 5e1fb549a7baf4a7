//! The client's commands as people run them: the program itself, against a server that is the program, too.

mod change;
mod copies;
mod frame;
mod look;
mod search;
mod shell;

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use crate::harness::{PASSWORD, Server};

/// A folder that is served, to `carrack` with the usual password.
pub(crate) struct There {
    pub(crate) folder: TempDir,
    pub(crate) server: Server,
    pub(crate) port: u16,
}

impl There {
    /// Some files, a folder in a folder, and a name that begins with a dot.
    pub(crate) fn new() -> Self {
        Self::with(&[])
    }

    /// The same, served with more arguments.
    pub(crate) fn with(more: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let here = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(here("sub/deep")).unwrap();
        for (name, content) in [
            ("one.txt", "first\n"),
            ("two.txt", "the second\n"),
            (".dot", "hidden\n"),
            ("sub/three", "3\n"),
            ("sub/deep/a b", "x"),
        ] {
            std::fs::write(here(name), content).unwrap();
        }
        let mut server = Server::serve(&[&["--ftp", "127.0.0.1:0", folder.path().to_str().unwrap()], more].concat());
        let port = server.port();
        Self { folder, server, port }
    }

    /// The URL of a path in it.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("ftp://carrack@127.0.0.1:{}/{path}", self.port)
    }

    /// The same path without a server.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }
}

/// A client command, in an environment that is the same everywhere.
pub(crate) fn carrack(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_carrack"));
    command.args(args).env("CARRACK_PASSWORD", PASSWORD).env("TZ", "UTC").env("NO_COLOR", "1").stdin(Stdio::null());
    // Nothing of whoever runs the tests.
    command.env("HOME", env!("CARGO_TARGET_TMPDIR")).env_remove("XDG_CONFIG_HOME").env_remove("DBUS_SESSION_BUS_ADDRESS");
    command
}

/// What a command said, and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// Runs a client command to its end.
pub(crate) fn run(args: &[&str]) -> Said {
    carrack(args).output().unwrap().into()
}

/// The same, which must go well and complain of nothing; what it found.
pub(crate) fn well(args: &[&str]) -> String {
    let said = run(args);
    assert!(said.code == 0 && said.err.is_empty(), "{args:?}: {said:?}");
    said.out
}
