//! How is each client told what to do? One command a program and a piece of work, with the program's own defaults.

use super::programs::{Over, PASSWORD, Work, carrack};
use super::ssh::USUAL;
use crate::Result;
use std::fmt::Write;
use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The server as a program is told of it, and what is to be moved.
pub(super) struct Place<'a> {
    pub(super) ip: Ipv4Addr,
    pub(super) port: u16,
    pub(super) over: Over,
    /// Who logs in.
    pub(super) user: &'a str,
    /// Before every path there: nothing, or `/` and the folder that is served where the server's root is the system's.
    pub(super) root: &'a str,
    /// OpenSSH's configuration for this run: key and known hosts.
    pub(super) config: &'a Path,
    /// The key in it.
    pub(super) key: &'a Path,
    /// The names of the large file, the large folder and the tree.
    pub(super) big: &'a str,
    pub(super) many: &'a str,
    pub(super) tree: &'a str,
    /// The folder of what is here.
    pub(super) folder: &'a Path,
}

impl Place<'_> {
    /// Where what is fetched goes.
    fn out(&self) -> PathBuf {
        self.folder.join("out")
    }

    /// A path on the server.
    fn there(&self, path: &str) -> String {
        format!("{}{path}", self.root)
    }

    pub(super) fn carrack(&self, work: Work) -> Command {
        let mut command = Command::new(carrack());
        command.env("CARRACK_PASSWORD", PASSWORD);
        let scheme = if self.over == Over::Ssh { "sftp" } else { "ftp" };
        let url = |path: &str| format!("{scheme}://{}@{}:{}/{}", self.user, self.ip, self.port, self.there(path));
        let (out, big, local) = (self.out(), self.folder.join(self.big), self.folder.join(self.tree));
        match work {
            Work::Get => command.args(["get", &url(self.big)]).arg(out.join(self.big)),
            Work::Put => command.arg("put").arg(big).arg(url(&format!("up/{}", self.big))),
            Work::GetTree | Work::UpToDate => command.args(["mirror", &url(self.tree)]).arg(out),
            Work::PutTree => command.arg("mirror").arg(local).arg(url("up")),
            Work::List => command.args(["ls", &url(self.many)]),
        };
        command.arg("--quiet");
        match self.over {
            Over::Tls => command.args(["--tls", "--tls-insecure"]),
            Over::Ssh => command.env_remove("CARRACK_PASSWORD").env_remove("SSH_AUTH_SOCK"),
            Over::Ftp => &mut command,
        };
        command
    }

    /// `None` over SSH, which curl from Debian does not speak by default, and for what it does not do.
    pub(super) fn curl(&self, work: Work) -> Result<Option<Command>> {
        if self.over == Over::Ssh {
            return Ok(None);
        }
        let mut command = Command::new("curl");
        command.args(["-sS", "-u", &format!("{}:{PASSWORD}", self.user)]);
        if self.over == Over::Tls {
            command.args(["--ssl-reqd", "-k"]);
        }
        let (out, local) = (self.out(), self.folder.join(self.tree));
        let url = |path: &str| format!("ftp://{}:{}/{path}", self.ip, self.port);
        match work {
            Work::Get => command.arg("-o").arg(out.join(self.big)).arg(url(self.big)),
            Work::Put => command.arg("-T").arg(self.folder.join(self.big)).arg(url(&format!("up/{}", self.big))),
            Work::List => command.arg(url(&format!("{}/", self.many))),
            // It copies no trees; a list of the files is the nearest it has, and one connection serves them all.
            Work::GetTree | Work::PutTree => {
                let mut list = String::new();
                for file in files_of(&local, Path::new(""))? {
                    let (near, name) = (local.join(&file), file.display());
                    let _ = match work {
                        Work::GetTree => {
                            let there = url(&format!("{}/{name}", self.tree));
                            writeln!(list, "url = \"{there}\"\noutput = \"{}\"", out.join(&file).display())
                        }
                        _ => writeln!(list, "url = \"{}\"\nupload-file = \"{}\"", url(&format!("up/{name}")), near.display()),
                    };
                }
                fs::write(self.folder.join("list"), list)?;
                command.args(["--create-dirs", "--ftp-create-dirs", "-K"]).arg(self.folder.join("list"))
            }
            Work::UpToDate => return Ok(None),
        };
        Ok(Some(command))
    }

    pub(super) fn lftp(&self, work: Work) -> Command {
        let (config, port, ip, user) = (self.config.display(), self.port, self.ip, self.user);
        let (before, open) = match self.over {
            Over::Tls => (
                "set ftp:ssl-force yes; set ftp:ssl-protect-data yes; set ssl:verify-certificate no;".to_owned(),
                format!("open -u {user},{PASSWORD} -p {port} {ip}"),
            ),
            Over::Ftp => ("set ftp:ssl-allow no;".to_owned(), format!("open -u {user},{PASSWORD} -p {port} {ip}")),
            // A password is never asked for: the key lets in.
            Over::Ssh => (
                format!("set sftp:connect-program \"ssh -a -x -c {USUAL} -F {config}\";"),
                format!("open -u {user},none -p {port} sftp://{ip}"),
            ),
        };
        let (out, local) = (self.out(), self.folder.join(self.tree));
        let (out, local, big, tree) = (out.display(), local.display(), self.big, self.tree);
        let work = match work {
            Work::Get => format!("get {} -o {out}/{big}", self.there(big)),
            Work::Put => format!("put {} -o {}", self.folder.join(big).display(), self.there(&format!("up/{big}"))),
            Work::GetTree | Work::UpToDate => format!("mirror {} {out}", self.there(tree)),
            Work::PutTree => format!("mirror -R {local} {}", self.there("up")),
            Work::List => format!("cls -1 {}", self.there(self.many)),
        };
        let mut command = Command::new("lftp");
        command.args(["-c", &format!("set cmd:fail-exit yes; {before} {open}; {work}")]);
        command
    }

    pub(super) fn rclone(&self, work: Work) -> Command {
        let mut command = Command::new("rclone");
        let ssh = self.over == Over::Ssh;
        let there = |path: &str| format!(":{}:{}", if ssh { "sftp" } else { "ftp" }, self.there(path));
        let (out, big, local) = (self.out(), self.folder.join(self.big), self.folder.join(self.tree));
        match work {
            Work::Get => command.args(["copyto", &there(self.big)]).arg(out.join(self.big)),
            Work::Put => command.arg("copyto").arg(big).arg(there(&format!("up/{}", self.big))),
            Work::GetTree | Work::UpToDate => command.args(["sync", &there(self.tree)]).arg(out),
            Work::PutTree => command.arg("sync").arg(local).arg(there("up")),
            Work::List => command.args(["lsf", &there(self.many)]),
        };
        let (ip, port) = (self.ip.to_string(), self.port.to_string());
        if ssh {
            command.args(["--sftp-host", &ip, "--sftp-port", &port, "--sftp-user", self.user, "--sftp-key-file"]).arg(self.key);
            return command;
        }
        let obscured = Command::new("rclone").args(["obscure", PASSWORD]).output().map(|out| out.stdout).unwrap_or_default();
        command.args(["--ftp-host", &ip, "--ftp-port", &port, "--ftp-user", self.user, "--ftp-pass"]);
        command.arg(String::from_utf8_lossy(&obscured).trim());
        if work == Work::Get {
            // Its several streams break off transfers, and it fails of the 426 that says so.
            command.args(["--multi-thread-streams", "0"]);
        }
        if self.over == Over::Tls {
            command.args(["--ftp-explicit-tls", "--ftp-no-check-certificate"]);
        }
        command
    }

    /// OpenSSH's; `None` where it does no such thing.
    pub(super) fn sftp(&self, work: Work) -> Result<Option<Command>> {
        if self.over != Over::Ssh {
            return Ok(None);
        }
        let (out, big, local) = (self.out(), self.folder.join(self.big), self.folder.join(self.tree));
        let (out, big, local) = (out.display(), big.display(), local.display());
        let batch = match work {
            Work::Get => format!("get {} {out}/{}", self.there(self.big), self.big),
            Work::Put => format!("put {big} {}", self.there(&format!("up/{}", self.big))),
            Work::GetTree => format!("get -r {} {out}/", self.there(self.tree)),
            Work::PutTree => format!("put -r {local} {}", self.there("up/")),
            Work::List => format!("ls -1f {}", self.there(self.many)),
            Work::UpToDate => return Ok(None),
        };
        let file = self.folder.join("batch");
        fs::write(&file, batch + "\n")?;
        let mut command = Command::new("sftp");
        command.args(["-q", "-c", USUAL, "-P", &self.port.to_string(), "-F"]).arg(self.config).arg("-b").arg(file);
        command.arg(format!("{}@{}", self.user, self.ip));
        Ok(Some(command))
    }
}

/// The files of a tree, as paths below it.
fn files_of(root: &Path, below: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root.join(below))? {
        let entry = entry?;
        let path = below.join(entry.file_name());
        if entry.file_type()?.is_dir() { found.extend(files_of(root, &path)?) } else { found.push(path) }
    }
    found.sort();
    Ok(found)
}
