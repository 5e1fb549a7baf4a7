//! How is each server started? On loopback, as fast as its own settings allow, killed with everything it started.

use super::client::Client;
use super::processes;
use super::secure::Identity;
use super::ssh::{self, Keys};
use super::table::Column;
use crate::{Result, target, workspace};
use interop::peers;
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
    /// OpenSSH's sshd with its internal-sftp.
    Openssh,
}

impl Kind {
    pub(crate) const ALL: [Self; 8] = [
        Self::Raw,
        Self::Carrack,
        Self::CarrackCommit,
        Self::Vsftpd,
        Self::Proftpd,
        Self::Pureftpd,
        Self::Pyftpdlib,
        Self::Openssh,
    ];
}

impl Column for Kind {
    const OWN: Self = Self::Carrack;
    const BARE: Option<Self> = Some(Self::Raw);

    fn name(self) -> &'static str {
        match self {
            Self::Raw => "bare loop",
            Self::Carrack => "carrack",
            Self::CarrackCommit => "carrack, commit",
            Self::Vsftpd => "vsftpd",
            Self::Proftpd => "ProFTPD",
            Self::Pureftpd => "Pure-FTPd",
            Self::Pyftpdlib => "pyftpdlib",
            Self::Openssh => "OpenSSH",
        }
    }

    fn is_peer(self) -> bool {
        matches!(self, Self::Vsftpd | Self::Proftpd | Self::Pureftpd | Self::Pyftpdlib | Self::Openssh)
    }
}

/// A server ready to be started: obtained, with its version.
pub(super) struct Server {
    pub(super) kind: Kind,
    pub(super) version: String,
    program: PathBuf,
    libraries: String,
    /// Where ProFTPD's module for TLS is, and beside it that for SFTP; or why this server cannot speak TLS.
    tls: Result<Option<PathBuf>, String>,
}

/// A server that runs; dropped, it and all it started are killed.
pub(super) struct Running<'a> {
    pub(super) kind: Kind,
    child: Child,
    pub(super) address: SocketAddr,
    pub(super) user: &'static str,
    pub(super) password: &'static str,
    /// With it, sessions are under TLS.
    pub(super) identity: Option<&'a Identity>,
    /// With them, it speaks SSH.
    pub(super) keys: Option<&'a Keys>,
    /// What it serves.
    pub(super) folder: PathBuf,
}

impl Running<'_> {
    /// Its first process, above all others it has.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A client that has logged in.
    pub(super) fn session(&self) -> Result<Client> {
        Client::session(self.address, self.user, self.password, self.identity)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        processes::end(&mut self.child);
    }
}

/// Builds or downloads what is needed.
pub(super) fn obtain(kind: Kind) -> Result<Server> {
    let (program, libraries, version) = match kind {
        Kind::Raw => (std::env::current_exe()?, String::new(), "recv and write of 1 MiB, sendfile of 1 MiB".into()),
        Kind::Carrack | Kind::CarrackCommit => own()?,
        Kind::Pyftpdlib => peers::pyftpdlib().map(|(program, version)| (program, String::new(), version))?,
        Kind::Vsftpd => debian("vsftpd", "usr/sbin/vsftpd")?,
        Kind::Proftpd => debian("proftpd-core", "usr/sbin/proftpd")?,
        Kind::Pureftpd => debian("pure-ftpd", "usr/sbin/pure-ftpd")?,
        Kind::Openssh => debian("openssh-server", "usr/sbin/sshd")?,
    };
    let (mut libraries, mut version, mut tls) = (libraries, version, Ok(None));
    match kind {
        Kind::Proftpd => match peers::debian("proftpd-mod-crypto", "usr/lib/proftpd/mod_tls.so") {
            Ok(module) => {
                libraries = format!("{libraries}:{}", module.libraries);
                tls = Ok(Some(module.program));
            }
            Err(why) => tls = Err(format!("its module for TLS is missing: {why}")),
        },
        Kind::Pyftpdlib => match peers::pyopenssl(&program) {
            Ok(with) => version = format!("{version}, pyOpenSSL {with}"),
            Err(why) => tls = Err(format!("pyOpenSSL is missing: {why}")),
        },
        _ => {}
    }
    Ok(Server { kind, version, program, libraries, tls })
}

/// carrack itself, built: its program, no libraries, and its version.
pub(super) fn own() -> Result<(PathBuf, String, String)> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo).args(["build", "--release", "--package", "carrack"]).current_dir(workspace()).status()?;
    if !built.success() {
        return Err("carrack did not build".into());
    }
    let program = target().join("release/carrack");
    let version = peers::output(Command::new(&program).arg("--version"))?;
    Ok((program, String::new(), version.trim().trim_start_matches("carrack ").to_owned()))
}

pub(super) fn debian(package: &str, program: &str) -> Result<(PathBuf, String, String)> {
    let got = peers::debian(package, program)?;
    Ok((got.program, got.libraries, got.version))
}

impl Server {
    /// Starts it over `folder`, with its settings and log in `scratch`, and waits until it greets. It speaks SSH where
    /// there are `keys`, and else FTP.
    pub(super) fn start<'a>(
        &self,
        folder: &Path,
        scratch: &Path,
        identity: Option<&'a Identity>,
        keys: Option<&'a Keys>,
    ) -> Result<Running<'a>> {
        let log = scratch.join(format!("{:?}.log", self.kind));
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut command = match keys {
            Some(keys) => {
                let module = self.tls.as_ref().map_err(Clone::clone)?.as_deref();
                let file = scratch.join(format!("{:?}.ssh.conf", self.kind));
                let mut command = Command::new(&self.program);
                command.args(ssh::settings(self.kind, keys, folder, port, &file, module)?);
                command
            }
            None => self.command(folder, scratch, port, identity)?,
        };
        command.stdin(Stdio::null()).stdout(File::create(&log)?).stderr(File::options().append(true).open(&log)?);
        if !self.libraries.is_empty() {
            command.env("LD_LIBRARY_PATH", &self.libraries);
        }
        let child = command.spawn().map_err(|why| format!("{}: {why}", self.program.display()))?;
        let anonymous = self.kind.is_peer();
        let mut running = Running {
            kind: self.kind,
            child,
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            user: if anonymous { "anonymous" } else { "u" },
            password: "s3cret-for-the-bench",
            identity,
            keys,
            folder: folder.to_owned(),
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

    fn command(&self, folder: &Path, scratch: &Path, port: u16, identity: Option<&Identity>) -> Result<Command> {
        let module = self.tls.as_ref().map_err(Clone::clone);
        let module = if identity.is_some() { module?.as_deref() } else { None };
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
                command.arg(&secret).args(["--durability", durability, "--quiet", "--no-tftp"]);
                match identity {
                    Some(own) => command.arg("--cert").arg(&own.certificate).arg("--key").arg(&own.key),
                    None => command.arg("--no-tls"),
                };
            }
            Kind::Vsftpd => {
                fs::create_dir_all(scratch.join("empty"))?;
                let empty = scratch.join("empty");
                let tls = identity.map_or_else(String::new, vsftpd_tls);
                // Without its per-session namespaces (isolate): they cost several milliseconds a login.
                fs::write(
                    &settings,
                    format!(
                        "listen=YES\nlisten_address=127.0.0.1\nlisten_port={port}\nbackground=NO\nanonymous_enable=YES\nlocal_enable=NO\n\
                         write_enable=YES\nanon_upload_enable=YES\nanon_mkdir_write_enable=YES\nanon_other_write_enable=YES\n\
                         anon_world_readable_only=NO\nanon_umask=022\nanon_root={root}\nftp_username=ftp\nsecure_chroot_dir={}\n\
                         xferlog_enable=NO\nmax_clients=20000\nmax_per_ip=20000\nseccomp_sandbox=NO\nisolate=NO\nisolate_network=NO\n\
                         idle_session_timeout=900\ndirmessage_enable=NO\n{tls}",
                        empty.display()
                    ),
                )?;
                command.arg(settings);
            }
            Kind::Proftpd => {
                let tls = identity.zip(module).map_or_else(String::new, |(own, module)| proftpd_tls(own, module));
                fs::write(
                    &settings,
                    format!(
                        "{tls}ServerType standalone\nServerName bench\nPort {port}\nDefaultAddress 127.0.0.1\nSocketBindTight on\nUseIPv6 off\n\
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
                if let Some(own) = identity {
                    command.args(["-Y", "1"]).arg(format!("--certfile={}", own.both.display()));
                }
            }
            Kind::Openssh => return Err("OpenSSH speaks no FTP".into()),
            Kind::Pyftpdlib => {
                fs::write(&settings, PYFTPDLIB)?;
                command.arg(settings).arg(folder).arg(port.to_string());
                if let Some(own) = identity {
                    command.arg(&own.both);
                }
            }
        }
        Ok(command)
    }
}

fn vsftpd_tls(own: &Identity) -> String {
    format!(
        "ssl_enable=YES\nallow_anon_ssl=YES\nforce_anon_logins_ssl=YES\nforce_anon_data_ssl=YES\nforce_local_logins_ssl=YES\n\
         force_local_data_ssl=YES\nrequire_ssl_reuse=NO\nssl_ciphers=HIGH\nrsa_cert_file={}\nrsa_private_key_file={}\n",
        own.certificate.display(),
        own.key.display()
    )
}

fn proftpd_tls(own: &Identity, module: &Path) -> String {
    let folder = module.parent().unwrap_or(module).display();
    format!(
        "ModulePath {folder}\nLoadModule mod_tls.c\nTLSEngine on\nTLSRequired off\nTLSProtocol TLSv1.3\nTLSLog none\n\
         TLSOptions NoSessionReuseRequired\nTLSECCertificateFile {}\nTLSECCertificateKeyFile {}\n",
        own.certificate.display(),
        own.key.display()
    )
}

/// pyftpdlib is a library; this is the smallest server out of it.
const PYFTPDLIB: &str = r#"
import logging, sys
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler as Handler
from pyftpdlib.servers import FTPServer
logging.basicConfig(level=logging.ERROR)
users = DummyAuthorizer()
users.add_anonymous(sys.argv[1], perm="elradfmwMT")
if len(sys.argv) > 3:
    from pyftpdlib.handlers import TLS_FTPHandler as Handler
    Handler.certfile = sys.argv[3]
    Handler.keyfile = sys.argv[3]
Handler.authorizer = users
Handler.timeout = 900
server = FTPServer(("127.0.0.1", int(sys.argv[2])), Handler, backlog=4096)
server.max_cons = 20000
server.max_cons_per_ip = 0
server.serve_forever()
"#;

pub(super) fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    text.get(text.len().saturating_sub(2000)..).unwrap_or(&text).to_owned()
}
