//! How does a test get OpenSSH's server? On a free port, with keys of its own and a client's home whose `~/.ssh/config` leads
//! there; several of them share a home.

use crate::run::{Ran, run, run_with};
use crate::terminal::Terminal;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const SSHD: &str = "/usr/sbin/sshd";

/// Whether it is installed.
pub fn is_installed() -> bool {
    Path::new(SSHD).exists() && crate::run::is_installed("ssh-keygen")
}

/// Ends the test, skipped, if OpenSSH's server is not installed.
#[macro_export]
macro_rules! need_sshd {
    () => {
        if !$crate::sshd::is_installed() {
            return $crate::skip("sshd is not installed");
        }
    };
}

/// A client's home, and the folder of all files of the test: `files` is where the servers' are.
pub struct Home {
    folder: TempDir,
}

/// OpenSSH's server, gone with the test.
pub struct Sshd {
    child: Child,
    /// Its name, by which the client's configuration knows it.
    pub name: String,
    /// Its port.
    pub port: u16,
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Makes a key with OpenSSH's program; words such as `-t rsa` come before the usual ones.
pub fn keygen(file: &Path, passphrase: &str, words: &[&str]) {
    let mut command = Command::new("ssh-keygen");
    command.arg("-q").args(if words.is_empty() { &["-t", "ed25519"] } else { words });
    run(command.args(["-N", passphrase, "-f"]).arg(file)).well();
}

impl Default for Home {
    fn default() -> Self {
        Self::new()
    }
}

impl Home {
    /// With a key that every server takes.
    pub fn new() -> Self {
        let home = Self { folder: tempfile::tempdir().expect("a folder") };
        fs::create_dir(home.at(".ssh")).expect("mkdir");
        fs::create_dir(home.at("files")).expect("mkdir");
        keygen(&home.at(".ssh/id_ed25519"), "", &[]);
        fs::copy(home.at(".ssh/id_ed25519.pub"), home.at("authorized_keys")).expect("copy");
        home
    }

    /// A path below.
    pub fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The same as text.
    pub fn shown(&self, name: &str) -> String {
        self.at(name).display().to_string()
    }

    /// Writes a file below.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.at(name), content).expect("write");
    }

    /// Reads a file below.
    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.at(name)).expect(name)
    }

    /// Puts lines before what `~/.ssh/config` has: what comes first counts.
    pub fn configure(&self, lines: &str) {
        let before = fs::read_to_string(self.at(".ssh/config")).unwrap_or_default();
        self.write(".ssh/config", format!("{lines}\n{before}"));
    }

    /// A file on a server of this name, by SFTP.
    pub fn url(&self, server: &str, name: &str) -> String {
        format!("sftp://{server}/{}", self.at("files").join(name).display())
    }

    /// Whoever runs the test.
    pub fn user() -> String {
        run(Command::new("id").arg("-un")).well().said.trim().to_owned()
    }

    /// The program, run as the one at home here.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(crate::carrack());
        command.args(words).env("HOME", self.folder.path()).env("USER", Self::user()).env_remove("SSH_AUTH_SOCK");
        command.env_remove("CARRACK_PASSWORD").current_dir(self.folder.path());
        command
    }

    /// Runs the program as the one at home here.
    #[track_caller]
    pub fn carrack(&self, words: &[&str]) -> Ran {
        // No terminal: whoever runs the tests is not to be asked.
        let plain = self.command(words);
        let mut command = Command::new("setsid");
        command.arg("--wait").arg(plain.get_program()).args(plain.get_args()).current_dir(self.folder.path());
        for (name, value) in plain.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        run_with(&mut command, "", Duration::from_secs(120))
    }

    /// The same at a terminal.
    pub fn terminal(&self, words: &[&str]) -> Terminal {
        Terminal::open(&self.command(words))
    }

    /// Starts a server under a name, with these lines before its configuration.
    ///
    /// # Panics
    /// Where it does not start, with what it says.
    pub fn sshd(&self, name: &str, lines: &str) -> Sshd {
        let key = format!("{name}_key");
        if !self.at(&key).exists() {
            keygen(&self.at(&key), "", &[]);
        }
        // Where it separates its privileges: the package makes it only when the service starts.
        let _ = fs::create_dir_all("/run/sshd");
        let (config, log) = (format!("{name}_config"), format!("{name}_log"));
        // The port is free now; if somebody else takes it first, the next one is tried.
        for _ in 0..20 {
            let port = TcpListener::bind("127.0.0.1:0").expect("bind").local_addr().expect("an address").port();
            let subsystem = if lines.contains("Subsystem") { "" } else { "Subsystem sftp internal-sftp\n" };
            let text = format!(
                "{lines}\n{subsystem}Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nUsePAM no\n\
                 PasswordAuthentication no\nStrictModes no\nPermitRootLogin yes\nMaxStartups 100\n\
                 LogLevel DEBUG1\n",
                self.shown(&key),
                self.shown("authorized_keys"),
            );
            self.write(&config, text);
            let log = fs::File::create(self.at(&log)).expect("a log");
            let mut command = Command::new(SSHD);
            command.args(["-D", "-e", "-f"]).arg(self.at(&config)).stdin(Stdio::null()).stderr(Stdio::from(log));
            let mut child = command.spawn().expect("sshd");
            let until = Instant::now() + Duration::from_secs(30);
            while Instant::now() < until && child.try_wait().expect("a state").is_none() {
                if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                    let told = fs::read_to_string(self.at(".ssh/config")).unwrap_or_default();
                    self.write(".ssh/config", format!("{told}Host {name}\n  HostName 127.0.0.1\n  Port {port}\n"));
                    return Sshd { child, name: name.to_owned(), port };
                }
                std::thread::sleep(Duration::from_millis(20));
            }
            let _ = child.kill();
            let _ = child.wait();
        }
        panic!("{}", String::from_utf8_lossy(&self.read(&log)));
    }

    /// What a server wrote.
    pub fn log(&self, server: &Sshd) -> String {
        String::from_utf8_lossy(&self.read(&format!("{}_log", server.name))).into_owned()
    }

    /// The line by which a server is known.
    pub fn known_line(&self, server: &Sshd) -> String {
        let key = String::from_utf8(self.read(&format!("{}_key.pub", server.name))).expect("text");
        format!("[127.0.0.1]:{} {key}", server.port)
    }

    /// The keys of these servers become known, and of no others; their names are hashed.
    pub fn make_known(&self, servers: &[&Sshd]) {
        self.write(".ssh/known_hosts", servers.iter().map(|server| self.known_line(server)).collect::<String>());
        run(Command::new("ssh-keygen").args(["-q", "-H", "-f"]).arg(self.at(".ssh/known_hosts"))).well();
        assert!(self.read(".ssh/known_hosts").starts_with(b"|1|"));
    }
}
