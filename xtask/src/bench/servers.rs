//! How is each server started? On loopback, as fast as its own settings allow, killed with everything it started.

use super::{peers, processes};
use crate::{Result, target, workspace};
use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What can be measured.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, clap::ValueEnum)]
pub(crate) enum Kind {
    /// The bare loop.
    Raw,
    /// carrack, `durability = "os"`, as the peers do it.
    Carrack,
    /// carrack, `durability = "commit"`, its default.
    CarrackCommit,
    /// vsftpd.
    Vsftpd,
    /// ProFTPD.
    Proftpd,
    /// Pure-FTPd.
    Pureftpd,
    /// pyftpdlib.
    Pyftpdlib,
}

impl Kind {
    pub(crate) const ALL: [Self; 7] =
        [Self::Raw, Self::Carrack, Self::CarrackCommit, Self::Vsftpd, Self::Proftpd, Self::Pureftpd, Self::Pyftpdlib];

    /// The head of its column.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Raw => "bare loop",
            Self::Carrack => "carrack",
            Self::CarrackCommit => "carrack, commit",
            Self::Vsftpd => "vsftpd",
            Self::Proftpd => "ProFTPD",
            Self::Pureftpd => "Pure-FTPd",
            Self::Pyftpdlib => "pyftpdlib",
        }
    }

    /// Whether it is one of those carrack is compared with.
    pub(super) const fn is_peer(self) -> bool {
        matches!(self, Self::Vsftpd | Self::Proftpd | Self::Pureftpd | Self::Pyftpdlib)
    }
}

/// A server ready to be started: obtained, with its version.
pub(super) struct Server {
    pub(super) kind: Kind,
    pub(super) version: String,
    program: PathBuf,
    libraries: String,
}

/// A server that runs; dropped, it and all it started are killed.
pub(super) struct Running {
    child: Child,
    pub(super) address: SocketAddr,
    pub(super) user: &'static str,
    pub(super) password: &'static str,
}

impl Drop for Running {
    fn drop(&mut self) {
        // The parent first, so that it cannot start another.
        for pid in processes::served() {
            if let Some(pid) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
        }
        let _ = self.child.wait();
        processes::bury();
    }
}

/// Builds or downloads what is needed.
pub(super) fn obtain(kind: Kind) -> Result<Server> {
    let own = |name: &str| target().join("release").join(name);
    let (program, libraries, version) = match kind {
        Kind::Raw => (std::env::current_exe()?, String::new(), "recv and write of 1 MiB, sendfile of 1 MiB".into()),
        Kind::Carrack | Kind::CarrackCommit => {
            let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
            let built =
                Command::new(cargo).args(["build", "--release", "--package", "carrack"]).current_dir(workspace()).status()?;
            if !built.success() {
                return Err("carrack did not build".into());
            }
            let version = peers::output(Command::new(own("carrack")).arg("--version"))?;
            (own("carrack"), String::new(), version.trim().trim_start_matches("carrack ").to_owned())
        }
        Kind::Pyftpdlib => peers::pyftpdlib().map(|(program, version)| (program, String::new(), version))?,
        Kind::Vsftpd => debian("vsftpd", "usr/sbin/vsftpd")?,
        Kind::Proftpd => debian("proftpd-core", "usr/sbin/proftpd")?,
        Kind::Pureftpd => debian("pure-ftpd", "usr/sbin/pure-ftpd")?,
    };
    Ok(Server { kind, version, program, libraries })
}

fn debian(package: &str, program: &str) -> Result<(PathBuf, String, String)> {
    let got = peers::debian(package, program)?;
    Ok((got.program, got.libraries, got.version))
}

impl Server {
    /// Starts it over `folder`, with its settings and log in `scratch`, and waits until it greets.
    pub(super) fn start(&self, folder: &Path, scratch: &Path) -> Result<Running> {
        let log = scratch.join(format!("{:?}.log", self.kind));
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut command = self.command(folder, scratch, port)?;
        command.stdin(Stdio::null()).stdout(File::create(&log)?).stderr(File::options().append(true).open(&log)?);
        if !self.libraries.is_empty() {
            command.env("LD_LIBRARY_PATH", &self.libraries);
        }
        let child = command.spawn().map_err(|why| format!("{}: {why}", self.program.display()))?;
        let anonymous = self.kind.is_peer();
        let mut running = Running {
            child,
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            user: if anonymous { "anonymous" } else { "u" },
            password: "s3cret-for-the-bench",
        };
        let start = Instant::now();
        loop {
            if let Some(end) = running.child.try_wait()? {
                return Err(format!("{} ended at once ({end}): {}", self.kind.name(), tail(&log)).into());
            }
            if self.kind == Kind::Raw {
                running.address.set_port(tail(&log).trim().parse().unwrap_or(0));
            }
            if running.address.port() != 0 && TcpStream::connect(running.address).is_ok() {
                return Ok(running);
            }
            if start.elapsed() > Duration::from_secs(15) {
                return Err(format!("{} does not listen after 15 s: {}", self.kind.name(), tail(&log)).into());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn command(&self, folder: &Path, scratch: &Path, port: u16) -> Result<Command> {
        let mut command = Command::new(&self.program);
        let root = folder.display();
        let settings = scratch.join(format!("{:?}.conf", self.kind));
        match self.kind {
            Kind::Raw => {
                command.arg("raw-server").arg(folder);
            }
            Kind::Carrack | Kind::CarrackCommit => {
                let secret = scratch.join("password");
                fs::write(&secret, "s3cret-for-the-bench\n")?;
                fs::set_permissions(&secret, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
                let durability = if self.kind == Kind::Carrack { "os" } else { "commit" };
                command.arg("serve").arg(folder).arg("--ftp").arg(format!("127.0.0.1:{port}")).args([
                    "--user",
                    "u",
                    "--password-file",
                ]);
                command.arg(&secret).args(["--durability", durability, "--quiet"]);
            }
            Kind::Vsftpd => {
                fs::create_dir_all(scratch.join("empty"))?;
                let empty = scratch.join("empty");
                // Without its per-session namespaces (isolate): they cost several milliseconds a login.
                fs::write(
                    &settings,
                    format!(
                        "listen=YES\nlisten_address=127.0.0.1\nlisten_port={port}\nbackground=NO\nanonymous_enable=YES\nlocal_enable=NO\n\
                         write_enable=YES\nanon_upload_enable=YES\nanon_mkdir_write_enable=YES\nanon_other_write_enable=YES\n\
                         anon_world_readable_only=NO\nanon_umask=022\nanon_root={root}\nftp_username=ftp\nsecure_chroot_dir={}\n\
                         xferlog_enable=NO\nmax_clients=20000\nmax_per_ip=20000\nseccomp_sandbox=NO\nisolate=NO\nisolate_network=NO\n\
                         idle_session_timeout=900\ndirmessage_enable=NO\n",
                        empty.display()
                    ),
                )?;
                command.arg(settings);
            }
            Kind::Proftpd => {
                fs::write(
                    &settings,
                    format!(
                        "ServerType standalone\nServerName bench\nPort {port}\nDefaultAddress 127.0.0.1\nSocketBindTight on\nUseIPv6 off\n\
                         User nobody\nGroup nogroup\nPidFile {0}/proftpd.pid\nScoreboardFile none\nDelayEngine off\nSystemLog none\n\
                         TransferLog none\nWtmpLog off\nUseReverseDNS off\nMaxInstances 20000\nTimeoutIdle 900\nTimeoutNoTransfer 900\nTimeoutLogin 900\n\
                         UseSendfile on\nRequireValidShell off\nAuthOrder mod_auth_unix.c\n<Anonymous {root}>\n  User nobody\n  Group nogroup\n  \
                         UserAlias anonymous nobody\n  RequireValidShell off\n  AllowOverwrite on\n  <Limit WRITE>\n    AllowAll\n  </Limit>\n</Anonymous>\n",
                        scratch.display()
                    ),
                )?;
                command.args(["--nodaemon", "--quiet", "--config"]).arg(settings);
            }
            Kind::Pureftpd => {
                command.args(["-4", "-e", "-H", "-c", "20000", "-C", "20000", "-I", "15", "-L", "200000:8", "-S"]);
                command.arg(format!("127.0.0.1,{port}"));
            }
            Kind::Pyftpdlib => {
                fs::write(&settings, PYFTPDLIB)?;
                command.arg(settings).arg(folder).arg(port.to_string());
            }
        }
        Ok(command)
    }
}

/// pyftpdlib is a library; this is the smallest server out of it.
const PYFTPDLIB: &str = r#"
import logging, sys
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.servers import FTPServer
logging.basicConfig(level=logging.ERROR)
users = DummyAuthorizer()
users.add_anonymous(sys.argv[1], perm="elradfmwMT")
FTPHandler.authorizer = users
FTPHandler.timeout = 900
server = FTPServer(("127.0.0.1", int(sys.argv[2])), FTPHandler, backlog=4096)
server.max_cons = 20000
server.max_cons_per_ip = 0
server.serve_forever()
"#;

fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    text.get(text.len().saturating_sub(2000)..).unwrap_or(&text).to_owned()
}
