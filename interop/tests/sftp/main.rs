//! Do the SFTP and SCP programs people have work with the server? Up and down, whole trees with odd names, resuming, and
//! what a mounted folder is used for; and what does an auditor of SSH say of a listener as it comes?
#![allow(clippy::disallowed_methods, reason = "tests touch files")]

mod asyncssh;
mod audit;
mod carrack;
mod lftp;
mod node;
mod openssh;
mod paramiko;
mod rclone;
mod sshfs;
mod window;

use std::path::{Path, PathBuf};
use std::process::Command;

use interop::run::{Ran, run};
use interop::{Server, USER};
use tempfile::TempDir;

/// A server that speaks SFTP, and a key that lets in.
struct Site {
    server: Server,
    here: TempDir,
}

/// Starts one; these keys stand in its listener's table.
fn site(keys: &str) -> Site {
    let here = TempDir::new().unwrap();
    let key = here.path().join("key");
    run(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key)).well();
    let server = Server::over_ssh(keys, &here.path().join("key.pub"));
    Site { server, here }
}

impl Site {
    fn port(&self) -> String {
        self.server.ssh_port().to_string()
    }

    fn key(&self) -> PathBuf {
        self.here.path().join("key")
    }

    /// A folder of this test's own.
    fn place(&self, name: &str) -> PathBuf {
        self.here.path().join(name)
    }

    /// Options that OpenSSH's programs share: no questions, and the key.
    fn openssh(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.args(["-F", "/dev/null", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "LogLevel=ERROR"]);
        command.arg("-o").arg(format!("UserKnownHostsFile={}", self.place("known").display()));
        command.arg("-o").arg(format!("IdentityFile={}", self.key().display())).args(["-o", "IdentitiesOnly=yes"]);
        command.arg(if program == "ssh" { "-p" } else { "-P" }).arg(self.port());
        command
    }

    /// Runs a script in the test's folder: port, user, password and key are its arguments.
    fn script(&self, program: &Path, script: &str) -> Ran {
        let file = self.place("script");
        std::fs::write(&file, script).unwrap();
        let mut command = Command::new(program);
        command.arg(&file).args([&self.port(), USER, interop::PASSWORD]).arg(self.key());
        run(command.current_dir(self.here.path()).env("NODE_PATH", interop::node_modules()))
    }
}
