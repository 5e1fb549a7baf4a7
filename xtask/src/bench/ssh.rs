//! How do servers compare over SSH? OpenSSH's `sftp` is the client of all, with one cipher, and says when each command is done.

use super::Sizes;
use super::processes;
use super::rows::{self, Figure, Ground, Row};
use super::servers::{Kind, Running};
use crate::Result;
use interop::peers;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// The cipher of rows that are not about one.
pub(super) const USUAL: &str = "aes128-gcm@openssh.com";

/// The user of all servers but OpenSSH's, which knows the system's alone.
const USER: &str = "u";

/// The keys of this run: the server's, and the user's, by which everybody logs in, so that no password's hash is measured.
pub(super) struct Keys {
    folder: PathBuf,
}

impl Keys {
    /// Makes them new, in a folder below `folder`.
    pub(super) fn make(folder: &Path) -> Result<Self> {
        let folder = folder.join("keys");
        fs::create_dir_all(&folder)?;
        for name in ["host", "user"] {
            peers::output(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(folder.join(name)))?;
        }
        fs::copy(folder.join("user.pub"), folder.join("authorized"))?;
        // The form that ProFTPD wants (RFC 4716).
        let public = peers::output(Command::new("ssh-keygen").args(["-e", "-f"]).arg(folder.join("user.pub")))?;
        fs::write(folder.join("authorized.4716"), public)?;
        Ok(Self { folder })
    }

    /// The user's key.
    pub(super) fn user(&self) -> PathBuf {
        self.folder.join("user")
    }

    /// OpenSSH's configuration of clients that have the key and know the server at these ports of the loopback. Written to
    /// `home`/.ssh too, where they look for it by themselves.
    pub(super) fn client_config(&self, ports: &[u16], home: &Path) -> Result<PathBuf> {
        let host = fs::read_to_string(self.folder.join("host.pub"))?;
        let names = ports.iter().flat_map(|port| [format!("[127.0.0.1]:{port}"), format!("[127.0.0.2]:{port}")]);
        fs::write(self.folder.join("known"), names.map(|name| format!("{name} {host}")).collect::<String>())?;
        let folder = home.join(".ssh");
        fs::create_dir_all(&folder)?;
        let text = format!(
            "IdentityFile {}\nIdentitiesOnly yes\nIdentityAgent none\nUserKnownHostsFile {}\nLogLevel ERROR\n",
            self.at("user"),
            self.at("known"),
        );
        fs::write(folder.join("config"), text)?;
        Ok(folder.join("config"))
    }

    fn at(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }
}

/// The settings of a server for SSH, and the arguments with which it takes them from `file`.
pub(super) fn settings(
    kind: Kind,
    keys: &Keys,
    root: &Path,
    port: u16,
    file: &Path,
    module: Option<&Path>,
) -> Result<Vec<String>> {
    let (text, arguments) = match kind {
        Kind::Openssh => (openssh(keys, port)?, vec!["-D", "-e", "-f"]),
        Kind::Proftpd => (proftpd(keys, root, port, module)?, vec!["--nodaemon", "--quiet", "--config"]),
        _ => (carrack(keys, root, port), vec!["serve", "--quiet", "--config"]),
    };
    fs::write(file, text)?;
    Ok(arguments.into_iter().map(str::to_owned).chain([file.display().to_string()]).collect())
}

fn carrack(keys: &Keys, root: &Path, port: u16) -> String {
    format!(
        "[[listener]]\nname = \"sftp\"\nprotocol = \"sftp\"\naddress = \"127.0.0.1:{port}\"\nstartups_max = 5000\n[ssh]\n\
         host_keys = [\"{}\"]\n[[mount]]\nname = \"data\"\nkind = \"local\"\npath = \"{}\"\ndurability = \"os\"\n[[user]]\n\
         name = \"{USER}\"\nauthorized_keys = \"{}\"\npermissions = \"all\"\n",
        keys.at("host"),
        root.display(),
        keys.at("authorized"),
    )
}

fn openssh(keys: &Keys, port: u16) -> Result<String> {
    // Where it separates its privileges: the package makes it only when the service starts.
    fs::create_dir_all("/run/sshd")?;
    Ok(format!(
        "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nUsePAM no\nStrictModes no\n\
         PasswordAuthentication no\nSubsystem sftp internal-sftp\nPermitRootLogin yes\nMaxStartups 5000\nUseDNS no\nLogLevel ERROR\n",
        keys.at("host"),
        keys.at("authorized"),
    ))
}

fn proftpd(keys: &Keys, root: &Path, port: u16, module: Option<&Path>) -> Result<String> {
    let modules = module.and_then(Path::parent).ok_or("its module for SFTP is missing")?;
    let users = keys.folder.join("users");
    fs::write(&users, format!("{USER}:!:0:0::{}:/bin/sh\n", root.display()))?;
    fs::set_permissions(&users, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    Ok(format!(
        "ModulePath {}\nLoadModule mod_sftp.c\nServerType standalone\nServerName bench\nPort {port}\nDefaultAddress 127.0.0.1\n\
         SocketBindTight on\nUseIPv6 off\nUser nobody\nGroup nogroup\nPidFile {2}.pid\nScoreboardFile none\nDelayEngine off\n\
         SystemLog none\nTransferLog none\nWtmpLog off\nUseReverseDNS off\nMaxInstances 20000\nTimeoutIdle 900\n\
         TimeoutNoTransfer 900\nTimeoutLogin 900\nRequireValidShell off\nRootLogin on\nAuthOrder mod_auth_file.c\n\
         AuthUserFile {2}\nDefaultRoot ~\nAllowOverwrite on\nSFTPEngine on\nSFTPHostKey {1}\nSFTPAuthMethods publickey\n\
         SFTPAuthorizedUserKeys file:{3}\nSFTPOptions IgnoreSFTPSetTimes\n",
        modules.display(),
        keys.at("host"),
        users.display(),
        keys.at("authorized.4716"),
    ))
}

/// The name of the user this process belongs to: OpenSSH knows the system's alone.
pub(super) fn own_name() -> Result<String> {
    Ok(peers::output(Command::new("id").arg("-un"))?.trim().to_owned())
}

/// OpenSSH's `sftp` at work in a session: it is given commands line by line, as it would be by hand.
struct Sftp {
    child: Child,
    commands: ChildStdin,
    said: BufReader<ChildStdout>,
    complaints: PathBuf,
}

impl Drop for Sftp {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Sftp {
    /// Logs in; `number` tells its file of complaints from others'.
    fn open(server: &Running<'_>, cipher: &str, number: usize) -> Result<Self> {
        let keys = server.keys.ok_or("this row is not over SSH")?;
        let complaints = keys.folder.join(format!("complaints-{number}"));
        let user = if server.kind == Kind::Openssh { own_name()? } else { USER.to_owned() };
        let mut command = Command::new("sftp");
        command.args([
            "-q",
            "-b",
            "-",
            "-F",
            "none",
            "-c",
            cipher,
            "-P",
            &server.address.port().to_string(),
            "-i",
            &keys.at("user"),
        ]);
        for option in [
            "IdentitiesOnly=yes",
            "IdentityAgent=none",
            "StrictHostKeyChecking=no",
            "UserKnownHostsFile=/dev/null",
            "LogLevel=ERROR",
        ] {
            command.args(["-o", option]);
        }
        command.arg(format!("{user}@127.0.0.1")).env_remove("DISPLAY");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(File::create(&complaints)?);
        let mut child = command.spawn().map_err(|why| format!("sftp (package openssh-client): {why}"))?;
        let (commands, said) = child.stdin.take().zip(child.stdout.take()).ok_or("sftp has no pipes")?;
        let mut sftp = Self { child, commands, said: BufReader::with_capacity(1 << 16, said), complaints };
        // OpenSSH's has no other root than the system's.
        let root = if server.kind == Kind::Openssh { server.folder.display().to_string() } else { "/".to_owned() };
        sftp.ask(&format!("cd {root}"))?;
        Ok(sftp)
    }

    /// Has a command done; the lines it said.
    fn ask(&mut self, command: &str) -> Result<usize> {
        const DONE: &str = "=that was all=";
        // Written on its own, and not in the way of what it says: the pipe holds more than a command.
        let failed = |sftp: &Self| -> Box<dyn std::error::Error + Send + Sync> {
            format!("{command}: {}", fs::read_to_string(&sftp.complaints).unwrap_or_default().trim()).into()
        };
        if writeln!(self.commands, "{command}\n!echo '{DONE}'").is_err() {
            return Err(failed(self));
        }
        let (mut line, mut lines) = (Vec::new(), 0);
        loop {
            line.clear();
            match self.said.read_until(b'\n', &mut line) {
                Ok(1..) if line.strip_suffix(b"\n") == Some(DONE.as_bytes()) => return Ok(lines),
                // In a batch each command is told before it is done.
                Ok(1..) => lines += usize::from(!line.starts_with(b"sftp> ")),
                _ => return Err(failed(self)),
            }
        }
    }

    fn quit(mut self) -> Result<()> {
        writeln!(self.commands, "quit")?;
        self.said.read_to_end(&mut Vec::new())?;
        let ended = self.child.wait()?;
        if ended.success() { Ok(()) } else { Err(format!("sftp: {ended}").into()) }
    }
}

/// What the row yields for this server.
pub(super) fn measure(row: Row, server: &Running<'_>, ground: &Ground, sizes: &Sizes) -> Result<Vec<(Figure, f64)>> {
    let cipher = match row {
        Row::SftpGetAes256 | Row::SftpPutAes256 => "aes256-gcm@openssh.com",
        Row::SftpGetChacha | Row::SftpPutChacha => "chacha20-poly1305@openssh.com",
        _ => USUAL,
    };
    let mut sftp = Sftp::open(server, cipher, 0)?;
    let up = ground.memory.join("up");
    match row {
        Row::SftpLogins => logins(server, sizes.logins_ssh),
        Row::SftpIdle => idle(server, sizes.idle_ssh),
        Row::SftpList => listing(sftp, server, sizes.many),
        Row::SftpGet => {
            let out = tempfile::tempdir_in(&ground.memory)?;
            let figures = files(&mut sftp, server, &format!("get small/* {}/", out.path().display()), sizes.small)?;
            whole(out.path(), sizes.small as u64 * 4096)?;
            Ok(figures)
        }
        Row::SftpPut => {
            let (small, command) = (ground.memory.join("small"), sizes.small);
            let figures = files(&mut sftp, server, &format!("put {}/* up/", small.display()), command)?;
            whole(&up, sizes.small as u64 * 4096)?;
            Ok(figures)
        }
        Row::SftpGetAes128 | Row::SftpGetAes256 | Row::SftpGetChacha => body(&mut sftp, server, "get big /dev/null", sizes),
        _ => {
            let figures = body(&mut sftp, server, &format!("put {} up/big", ground.big().display()), sizes)?;
            whole(&up, sizes.big)?;
            Ok(figures)
        }
    }
}

/// Whether all of it is there.
fn whole(folder: &Path, bytes: u64) -> Result<()> {
    let mut sum = 0;
    for entry in fs::read_dir(folder)? {
        sum += entry?.metadata()?.len();
    }
    if sum == bytes { Ok(()) } else { Err(format!("{sum} bytes of {bytes} are there").into()) }
}

/// Seconds it took, and the CPU-seconds of the server.
fn timed<T>(server: &Running<'_>, work: impl FnOnce() -> Result<T>) -> Result<(f64, f64, T)> {
    let (before, start) = (processes::cpu_seconds_of(server.pid()), Instant::now());
    let done = work()?;
    Ok((start.elapsed().as_secs_f64(), processes::cpu_seconds_of(server.pid()) - before, done))
}

fn body(sftp: &mut Sftp, server: &Running<'_>, command: &str, sizes: &Sizes) -> Result<Vec<(Figure, f64)>> {
    let (took, cpu, _) = timed(server, || sftp.ask(command))?;
    let gib = sizes.big as f64 / f64::from(1 << 30);
    Ok(vec![(rows::THROUGHPUT, gib * 1024.0 / took), (rows::CPU_BODY, cpu / gib)])
}

fn files(sftp: &mut Sftp, server: &Running<'_>, command: &str, count: usize) -> Result<Vec<(Figure, f64)>> {
    let (took, cpu, _) = timed(server, || sftp.ask(command))?;
    Ok(vec![(rows::FILES, count as f64 / took), (rows::CPU_FILE, cpu * 1000.0 / count as f64)])
}

fn listing(mut sftp: Sftp, server: &Running<'_>, entries: usize) -> Result<Vec<(Figure, f64)>> {
    let (took, cpu, lines) = timed(server, || sftp.ask("ls -1f many"))?;
    if lines < entries {
        return Err(format!("{lines} entries of {entries} came").into());
    }
    Ok(vec![(rows::TOTAL, took), (rows::CPU_LIST, cpu)])
}

/// Two clients log in, begin a session and leave, again and again.
fn logins(server: &Running<'_>, count: usize) -> Result<Vec<(Figure, f64)>> {
    let worker = |number| (0..count / 2).try_for_each(|_| Sftp::open(server, USUAL, number)?.quit());
    let (took, cpu, ()) = timed(server, || {
        std::thread::scope(|scope| {
            let other = scope.spawn(|| worker(1));
            worker(2)?;
            other.join().map_err(|_| "a client thread broke")?
        })
    })?;
    let count = (count / 2 * 2) as f64;
    Ok(vec![(rows::LOGINS, count / took), (rows::CPU_LOGIN, cpu * 1000.0 / count)])
}

/// Opens `count` sessions and looks at what they hold.
fn idle(server: &Running<'_>, count: usize) -> Result<Vec<(Figure, f64)>> {
    std::thread::sleep(Duration::from_millis(300));
    let before = processes::memory_of(server.pid());
    let open = (0..count).map(|n| Sftp::open(server, USUAL, n + 1)).collect::<Result<Vec<_>>>()?;
    std::thread::sleep(Duration::from_millis(300));
    let after = processes::memory_of(server.pid());
    drop(open);
    let each = after.proportional.saturating_sub(before.proportional) as f64 / 1024.0 / count as f64;
    Ok(vec![(rows::PSS, each)])
}
