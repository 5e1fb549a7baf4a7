//! How is another's server started, for our client to be tried on? In namespaces of its own, where the machine has one user
//! more; over a folder of the test's, on a free port, gone with the test.

use std::fs::{self, File};
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::authority::Authority;
use crate::peers::{self, Result};
use crate::{PASSWORD, USER};

/// Whose server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// vsftpd.
    Vsftpd,
    /// ProFTPD.
    Proftpd,
    /// Pure-FTPd.
    Pureftpd,
    /// pyftpdlib.
    Pyftpdlib,
    /// The ftpd of GNU inetutils.
    Inetutils,
    /// ProFTPD's mod_sftp: it speaks SFTP.
    ModSftp,
}

/// Whether sessions are under TLS, which they must be then.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tls {
    /// They are not.
    Off,
    /// TLS 1.2, with an AUTH TLS.
    V12,
    /// TLS 1.3, with an AUTH TLS.
    V13,
}

/// A server that runs. Dropped, it and all it started are killed, and its folder goes.
pub struct Outside {
    running: Running,
    address: SocketAddr,
    root: PathBuf,
    scratch: TempDir,
    authority: Option<String>,
}

enum Running {
    Child(Child),
    /// It has no listener of its own: each session is a process.
    Inetd(Inetd),
}

/// The id of [`USER`], in the server's own namespace; nobody else on the machine has it.
const ID: u32 = 51_721;

/// What `crypt` makes of [`PASSWORD`].
const HASH: &str = "$6$abcdefgh$agb9rswSAG909x7Ll5jxZg/7giaA.7rqfYttuWaEgdp.vs.K2/w5uM1d3ZlG/gU101Yni/3YHUgjKpy9dIABd.";

/// Whether servers can be started here at all: they change users, and that wants root.
pub fn may_start() -> bool {
    rustix::process::geteuid().is_root()
}

impl Outside {
    /// Starts it on loopback and waits until it takes connections. `reuse`: data connections must resume the control
    /// connection's TLS session, where the server can ask for that.
    ///
    /// # Errors
    /// In words, where it cannot be had or does not start.
    pub fn start(kind: Kind, v6: bool, tls: Tls, reuse: bool) -> Result<Self> {
        let ip = if v6 { IpAddr::V6(Ipv6Addr::LOCALHOST) } else { IpAddr::V4(Ipv4Addr::LOCALHOST) };
        Self::start_at(ip, kind, tls, reuse, false)
    }

    /// Starts it on 127.0.0.`host`, a machine that is not the clients'. `beyond`: data may go to and come from other machines
    /// than the client's.
    ///
    /// # Errors
    /// As [`Outside::start`].
    pub fn elsewhere(kind: Kind, host: u8, tls: Tls, beyond: bool) -> Result<Self> {
        Self::start_at(IpAddr::V4(Ipv4Addr::new(127, 0, 0, host)), kind, tls, false, beyond)
    }

    /// Starts vsftpd in clear on loopback where data connections are made this way alone.
    ///
    /// # Errors
    /// As [`Outside::start`].
    pub fn one_way(passive: bool) -> Result<Self> {
        let ways = if passive { "port_enable=NO\n" } else { "pasv_enable=NO\n" };
        Self::start_with(IpAddr::V4(Ipv4Addr::LOCALHOST), Kind::Vsftpd, Tls::Off, false, ways)
    }

    fn start_at(ip: IpAddr, kind: Kind, tls: Tls, reuse: bool, beyond: bool) -> Result<Self> {
        let more = match kind {
            Kind::Vsftpd if beyond => "port_promiscuous=YES\npasv_promiscuous=YES\n",
            Kind::Proftpd if beyond => "AllowForeignAddress on\n",
            _ => "",
        };
        Self::start_with(ip, kind, tls, reuse, more)
    }

    fn start_with(ip: IpAddr, kind: Kind, tls: Tls, reuse: bool, more: &str) -> Result<Self> {
        let scratch = TempDir::new()?;
        fs::set_permissions(scratch.path(), fs::Permissions::from_mode(0o755))?;
        let root = scratch.path().join("home");
        fs::create_dir(&root)?;
        chown(&root, Some(ID), Some(ID))?;
        let address = TcpListener::bind((ip, 0))?.local_addr()?;
        let order = Order { kind, address, tls, reuse, more, root: &root, scratch: scratch.path() };
        let authority = if tls == Tls::Off { None } else { Some(order.certify()?) };
        let command = order.command()?;
        let running = if kind == Kind::Inetutils {
            Running::Inetd(Inetd::start(address, command)?)
        } else {
            Running::Child(await_listener(command, address, scratch.path())?)
        };
        Ok(Self { running, address, root, scratch, authority })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The folder its user has for a home.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Gives the server's user a file that was put into the folder.
    ///
    /// # Errors
    /// The system's.
    pub fn hand_over(&self, path: &Path) -> Result<()> {
        Ok(chown(path, Some(ID), Some(ID))?)
    }

    /// The file with the authority that signed its certificate.
    pub fn authority(&self) -> Option<&str> {
        self.authority.as_deref()
    }

    /// What it printed so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.scratch.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        match &mut self.running {
            Running::Child(child) => {
                let _ = child.kill();
                let _ = child.wait();
            }
            Running::Inetd(inetd) => inetd.stop(),
        }
        if std::thread::panicking() {
            eprintln!("--- the server said:\n{}", self.log());
        }
    }
}

fn await_listener(mut command: Command, address: SocketAddr, scratch: &Path) -> Result<Child> {
    let log = File::create(scratch.join("log"))?;
    let mut child = command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()?;
    let start = Instant::now();
    loop {
        if TcpStream::connect(address).is_ok() {
            return Ok(child);
        }
        let said = || fs::read_to_string(scratch.join("log")).unwrap_or_default();
        if let Some(end) = child.try_wait()? {
            return Err(format!("{command:?} ended at once ({end}): {}", said()).into());
        }
        if start.elapsed() > Duration::from_secs(30) {
            let _ = child.kill();
            let _ = child.wait();
            return Err(format!("{command:?} does not listen after 30 s: {}", said()).into());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Takes connections and starts a process for each, whose standard input and output it is.
struct Inetd {
    address: SocketAddr,
    stopped: Arc<AtomicBool>,
    sessions: Arc<Mutex<Vec<Child>>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Inetd {
    fn start(address: SocketAddr, mut command: Command) -> Result<Self> {
        let listener = TcpListener::bind(address)?;
        let (stopped, sessions) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let (is_stopped, children) = (stopped.clone(), sessions.clone());
        let thread = std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                if is_stopped.load(Ordering::Relaxed) {
                    return;
                }
                let Ok(twin) = stream.try_clone() else { continue };
                let started = command.stdin(OwnedFd::from(stream)).stdout(OwnedFd::from(twin)).stderr(Stdio::null()).spawn();
                // The command keeps its own copies of the descriptors: the session would never end.
                command.stdin(Stdio::null()).stdout(Stdio::null());
                if let Ok(child) = started {
                    children.lock().unwrap_or_else(PoisonError::into_inner).push(child);
                }
            }
        });
        Ok(Self { address, stopped, sessions, thread: Some(thread) })
    }

    fn stop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        for child in self.sessions.lock().unwrap_or_else(PoisonError::into_inner).iter_mut() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// What is to be started.
struct Order<'a> {
    kind: Kind,
    address: SocketAddr,
    tls: Tls,
    reuse: bool,
    /// Settings of its own.
    more: &'a str,
    root: &'a Path,
    scratch: &'a Path,
}

impl Order<'_> {
    /// Makes its certificate; the file of whom to trust.
    fn certify(&self) -> Result<String> {
        let authority = Authority::new(self.scratch);
        let (certificate, key) = authority.server();
        fs::write(self.file("both.pem"), format!("{}{}", fs::read_to_string(&key)?, fs::read_to_string(&certificate)?))?;
        for file in [&key, &self.file("both.pem")] {
            fs::set_permissions(file, fs::Permissions::from_mode(0o600))?;
        }
        Ok(authority.file())
    }

    fn file(&self, name: &str) -> String {
        self.scratch.join(name).display().to_string()
    }

    fn settings(&self, text: &str) -> Result<String> {
        fs::write(self.scratch.join("settings"), text)?;
        Ok(self.file("settings"))
    }

    fn command(&self) -> Result<Command> {
        let (program, libraries, arguments) = match self.kind {
            Kind::Vsftpd => self.vsftpd()?,
            Kind::Proftpd => self.proftpd()?,
            Kind::Pureftpd => self.pureftpd()?,
            Kind::Pyftpdlib => self.pyftpdlib()?,
            Kind::ModSftp => self.mod_sftp()?,
            Kind::Inetutils => {
                let got = peers::debian("inetutils-ftpd", "usr/sbin/ftpd")?;
                (got.program, got.libraries, vec!["-u".into(), "022".into()])
            }
        };
        let mut command = self.with_user()?;
        command.arg(program).args(arguments).env("LD_LIBRARY_PATH", libraries).env("LC_ALL", "C.UTF-8");
        if self.tls == Tls::V12 {
            // Servers that take OpenSSL as it is have no setting of their own for the newest version.
            let text = "openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\nMaxProtocol = TLSv1.2\n";
            fs::write(self.scratch.join("openssl.cnf"), text)?;
            command.env("OPENSSL_CONF", self.scratch.join("openssl.cnf"));
        }
        Ok(command)
    }

    /// The beginning of a command that runs where [`USER`] exists. Killed, it takes all with it that it started.
    fn with_user(&self) -> Result<Command> {
        let place = |name: &str, source: &str, line: String, mode: u32| -> Result<String> {
            let mut file = File::create(self.scratch.join(name))?;
            file.write_all(format!("{}{line}\n", fs::read_to_string(source).unwrap_or_default()).as_bytes())?;
            file.set_permissions(fs::Permissions::from_mode(mode))?;
            Ok(self.file(name))
        };
        let home = self.root.display();
        let users = place("passwd", "/etc/passwd", format!("{USER}:x:{ID}:{ID}::{home}:/bin/sh"), 0o644)?;
        let secrets = place("shadow", "/etc/shadow", format!("{USER}:{HASH}:19000:0:99999:7:::"), 0o600)?;
        let groups = place("group", "/etc/group", format!("{USER}:x:{ID}:"), 0o644)?;
        let prepare = format!(
            "mount --bind {users} /etc/passwd && mount --bind {secrets} /etc/shadow && mount --bind {groups} /etc/group && \"$@\"; exit"
        );
        // The shell stays, as the namespace's init: vsftpd breaks over children it is given for being that.
        let mut command = Command::new("unshare");
        command.args(["--mount", "--pid", "--fork", "--kill-child", "sh", "-c", &prepare, "sh"]);
        Ok(command)
    }

    fn vsftpd(&self) -> Result<(PathBuf, String, Vec<String>)> {
        let got = peers::debian("vsftpd", "usr/sbin/vsftpd")?;
        let (ip, port) = (self.address.ip(), self.address.port());
        let listen = if ip.is_ipv6() {
            format!("listen=NO\nlisten_ipv6=YES\nlisten_address6={ip}")
        } else {
            format!("listen=YES\nlisten_address={ip}")
        };
        let tls = match self.tls {
            Tls::Off => String::new(),
            _ => format!(
                "ssl_enable=YES\nforce_local_logins_ssl=YES\nforce_local_data_ssl=YES\nrequire_ssl_reuse={}\nssl_ciphers=HIGH\n\
                 rsa_cert_file={}\nrsa_private_key_file={}\nstrict_ssl_read_eof=YES\n",
                if self.reuse { "YES" } else { "NO" },
                self.file("server.pem"),
                self.file("server.key"),
            ),
        };
        let empty = self.scratch.join("empty");
        fs::create_dir(&empty)?;
        let text = format!(
            "{}{listen}\nlisten_port={port}\nbackground=NO\nanonymous_enable=NO\nlocal_enable=YES\nwrite_enable=YES\nlocal_umask=022\n\
             file_open_mode=0666\nchroot_local_user=YES\nallow_writeable_chroot=YES\npam_service_name=other\nseccomp_sandbox=NO\n\
             isolate=NO\nisolate_network=NO\nsecure_chroot_dir={}\nmdtm_write=YES\nxferlog_enable=NO\n{tls}",
            self.more,
            empty.display()
        );
        Ok((got.program, got.libraries, vec![self.settings(&text)?]))
    }

    fn proftpd(&self) -> Result<(PathBuf, String, Vec<String>)> {
        let got = peers::debian("proftpd-core", "usr/sbin/proftpd")?;
        let mut libraries = got.libraries;
        let version = match self.tls {
            Tls::Off => None,
            Tls::V12 => Some("TLSv1.2"),
            Tls::V13 => Some("TLSv1.3"),
        };
        let mut tls = String::new();
        if let Some(version) = version {
            let module = peers::debian("proftpd-mod-crypto", "usr/lib/proftpd/mod_tls.so")?;
            libraries = format!("{libraries}:{}", module.libraries);
            let folder = module.program.parent().unwrap_or(&module.program).display();
            let options = if self.reuse { "" } else { "TLSOptions NoSessionReuseRequired\n" };
            tls = format!(
                "ModulePath {folder}\nLoadModule mod_tls.c\nTLSEngine on\nTLSRequired on\nTLSProtocol {version}\nTLSLog none\n{options}\
                 TLSECCertificateFile {}\nTLSECCertificateKeyFile {}\n",
                self.file("server.pem"),
                self.file("server.key"),
            );
        }
        Ok((got.program, libraries, self.proftpd_with(&tls)?))
    }

    /// ProFTPD with a key of its own and SFTP alone.
    fn mod_sftp(&self) -> Result<(PathBuf, String, Vec<String>)> {
        let got = peers::debian("proftpd-core", "usr/sbin/proftpd")?;
        let module = peers::debian("proftpd-mod-crypto", "usr/lib/proftpd/mod_sftp.so")?;
        let libraries = format!("{}:{}", got.libraries, module.libraries);
        let key = self.file("host_key");
        peers::output(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f", &key]))?;
        let folder = module.program.parent().unwrap_or(&module.program).display();
        let text = format!(
            "ModulePath {folder}\nLoadModule mod_sftp.c\nSFTPEngine on\nSFTPHostKey {key}\nSFTPAuthMethods password\nSFTPLog none\n"
        );
        Ok((got.program, libraries, self.proftpd_with(&text)?))
    }

    /// The arguments of ProFTPD with these settings before its usual ones.
    fn proftpd_with(&self, first: &str) -> Result<Vec<String>> {
        let text = format!(
            "{first}ServerType standalone\nServerName test\nPort {}\nUseIPv6 {}\nDefaultAddress {}\nSocketBindTight on\nUser nobody\n\
             Group nogroup\nPidFile {}/pid\nScoreboardFile none\nDelayEngine off\nSystemLog none\nTransferLog none\nWtmpLog off\n\
             UseReverseDNS off\nRequireValidShell off\nAuthOrder mod_auth_unix.c\nDefaultRoot ~\nUmask 022\nAllowOverwrite on\n\
             AllowStoreRestart on\nAllowRetrieveRestart on\n{}",
            self.address.port(),
            if self.address.is_ipv6() { "on" } else { "off" },
            self.address.ip(),
            self.scratch.display(),
            self.more,
        );
        Ok(["--nodaemon", "--quiet", "--config", &self.settings(&text)?].map(str::to_owned).to_vec())
    }

    fn pureftpd(&self) -> Result<(PathBuf, String, Vec<String>)> {
        let got = peers::debian("pure-ftpd", "usr/sbin/pure-ftpd")?;
        let family = if self.address.is_ipv6() { "-6" } else { "-4" };
        let place = format!("{},{}", self.address.ip(), self.address.port());
        let mut arguments = vec![family, "-A", "-E", "-H", "-l", "unix", "-u", "1000", "-U", "022:022", "-C", "50", "-S", &place];
        let certificate = format!("--certfile={}", self.file("both.pem"));
        if self.tls != Tls::Off {
            arguments.extend(["-Y", "3", &certificate]);
        }
        Ok((got.program, got.libraries, arguments.into_iter().map(str::to_owned).collect()))
    }

    fn pyftpdlib(&self) -> Result<(PathBuf, String, Vec<String>)> {
        let (python, _) = peers::pyftpdlib()?;
        fs::write(self.scratch.join("serve.py"), PYFTPDLIB)?;
        let mut arguments = vec![
            self.file("serve.py"),
            self.root.display().to_string(),
            self.address.ip().to_string(),
            self.address.port().to_string(),
            USER.to_owned(),
            PASSWORD.to_owned(),
        ];
        if self.tls != Tls::Off {
            peers::pyopenssl(&python)?;
            arguments.extend([self.file("both.pem"), if self.tls == Tls::V12 { "1.2" } else { "1.3" }.to_owned()]);
        }
        Ok((python, String::new(), arguments))
    }
}

/// pyftpdlib is a library; this is a small server out of it.
const PYFTPDLIB: &str = r#"
import os, sys
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler as Handler
from pyftpdlib.servers import FTPServer
root, host, port, user, password = sys.argv[1:6]
users = DummyAuthorizer()
users.add_user(user, password, root, perm="elradfmwMT")
if len(sys.argv) > 6:
    from OpenSSL import SSL
    from pyftpdlib.handlers import TLS_FTPHandler as Handler
    Handler.certfile = Handler.keyfile = sys.argv[6]
    Handler.tls_control_required = Handler.tls_data_required = True
    context = Handler.get_ssl_context()
    if sys.argv[7] == "1.2":
        context.set_max_proto_version(SSL.TLS1_2_VERSION)
Handler.authorizer = users
FTPServer((host, int(port)), Handler, backlog=64).serve_forever()
"#;
