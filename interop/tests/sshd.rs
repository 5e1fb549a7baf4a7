//! Does the client's `sftp://` work with OpenSSH's server? A server of the test's own on a free port, a key of its own, and a
//! home whose `~/.ssh/config` leads there.
#![allow(clippy::disallowed_methods, reason = "a test touches its own files")]

use interop::need;
use interop::run::{Ran, run, run_with};
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const SSHD: &str = "/usr/sbin/sshd";

/// OpenSSH's server, gone with the test.
struct Sshd {
    child: Child,
    home: TempDir,
    port: u16,
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn keygen(file: &Path, passphrase: &str) {
    let file = file.to_str().expect("a path of letters");
    run(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", passphrase, "-f", file])).well();
}

impl Sshd {
    fn start() -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let at = |name: &str| home.path().join(name);
        fs::create_dir(at(".ssh")).expect("mkdir");
        fs::create_dir(at("files")).expect("mkdir");
        keygen(&at("host_key"), "");
        keygen(&at(".ssh/id_ed25519"), "");
        fs::copy(at(".ssh/id_ed25519.pub"), at("authorized_keys")).expect("copy");
        // Where it separates its privileges: the package makes it only when the service starts.
        let _ = fs::create_dir_all("/run/sshd");
        // The port is free now; if somebody else takes it first, the next one is tried.
        for _ in 0..20 {
            let port = TcpListener::bind("127.0.0.1:0").expect("bind").local_addr().expect("an address").port();
            let show = |name: &str| at(name).display().to_string();
            let config = format!(
                "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nUsePAM no\n\
                 PasswordAuthentication no\nStrictModes no\nSubsystem sftp internal-sftp\nPermitRootLogin yes\n",
                show("host_key"),
                show("authorized_keys"),
            );
            fs::write(at("sshd_config"), config).expect("write");
            let log = fs::File::create(at("log")).expect("a log");
            let mut command = Command::new(SSHD);
            command.args(["-D", "-e", "-f"]).arg(at("sshd_config")).stdin(Stdio::null()).stderr(Stdio::from(log));
            let mut child = command.spawn().expect("sshd");
            let until = Instant::now() + Duration::from_secs(30);
            while Instant::now() < until && child.try_wait().expect("a state").is_none() {
                if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                    fs::write(at(".ssh/config"), format!("Host there\n  HostName 127.0.0.1\n  Port {port}\n")).expect("write");
                    return Self { child, home, port };
                }
                std::thread::sleep(Duration::from_millis(20));
            }
            let _ = child.kill();
            let _ = child.wait();
        }
        panic!("{}", fs::read_to_string(at("log")).unwrap_or_default());
    }

    fn at(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// The server's key becomes known, its name hashed.
    fn make_known(&self) {
        let key = fs::read_to_string(self.at("host_key.pub")).expect("a key");
        fs::write(self.at(".ssh/known_hosts"), format!("[127.0.0.1]:{} {key}", self.port)).expect("write");
        let file = self.at(".ssh/known_hosts").display().to_string();
        run(Command::new("ssh-keygen").args(["-q", "-H", "-f", &file])).well();
        assert!(fs::read_to_string(file).expect("the file").starts_with("|1|"));
    }

    fn url(&self, name: &str) -> String {
        format!("sftp://there/{}", self.at("files").join(name).display())
    }

    /// Runs the program as the one at home there.
    fn carrack(&self, words: &[&str]) -> Ran {
        let user = run(Command::new("id").arg("-un")).well().said;
        let mut command = Command::new(interop::carrack());
        command.args(words).env("HOME", self.home.path()).env("USER", user.trim()).env_remove("SSH_AUTH_SOCK");
        command.env_remove("CARRACK_PASSWORD");
        run_with(&mut command, "", Duration::from_secs(120))
    }
}

#[test]
fn files_come_and_go_as_they_are() {
    need!("ssh-keygen");
    if !Path::new(SSHD).exists() {
        return interop::skip("sshd is not installed");
    }
    let there = Sshd::start();
    there.make_known();
    let body: Vec<u8> = (0..5_000_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    fs::write(there.at("up"), &body).expect("write");
    let up = there.at("up").display().to_string();
    there.carrack(&["put", &up, &there.url("big \u{fc}")]).well();
    assert!(fs::read(there.at("files/big \u{fc}")).expect("the file") == body);
    let down = there.at("down").display().to_string();
    there.carrack(&["get", &there.url("big%20%C3%BC"), &down]).well();
    assert!(fs::read(there.at("down")).expect("the file") == body);
    fs::write(there.at("files/empty"), "").expect("write");
    fs::write(there.at("files/small"), "small\n").expect("write");
    let list = there.carrack(&["ls", &there.url("")]).well().said;
    assert!(["big \u{fc}", "empty", "small"].iter().all(|name| list.contains(name)), "{list}");
    assert_eq!(there.carrack(&["cat", &there.url("small")]).well().said, "small\n");
    assert_eq!(there.carrack(&["cat", &there.url("empty")]).well().said, "");
    there.carrack(&["mkdir", &there.url("new")]).well();
    there.carrack(&["mv", &there.url("small"), &there.url("new/moved")]).well();
    assert!(there.at("files/new/moved").exists() && !there.at("files/small").exists());
    let missing = there.carrack(&["cat", &there.url("none")]);
    assert!(missing.status.code() == Some(78) && missing.said.contains("CRK-201"), "{missing:?}");
    fs::set_permissions(there.at("files/empty"), fs::Permissions::from_mode(0o600)).expect("chmod");
    there.carrack(&["mirror", &there.url(""), &there.at("copy").display().to_string()]).well();
    assert!(fs::read(there.at("copy/big \u{fc}")).expect("the file") == body);
    assert_eq!(fs::read(there.at("copy/new/moved")).expect("the file"), b"small\n");
}

#[test]
fn a_server_that_is_not_known_or_not_the_same_is_refused() {
    need!("ssh-keygen");
    if !Path::new(SSHD).exists() {
        return interop::skip("sshd is not installed");
    }
    let there = Sshd::start();
    let unknown = there.carrack(&["ls", &there.url("")]);
    assert!(unknown.status.code() == Some(60) && unknown.said.contains("CRK-847"), "{unknown:?}");
    keygen(&there.at("other"), "");
    let key = fs::read_to_string(there.at("other.pub")).expect("a key");
    fs::write(there.at(".ssh/known_hosts"), format!("[127.0.0.1]:{} {key}", there.port)).expect("write");
    let changed = there.carrack(&["ls", &there.url("")]);
    assert!(changed.status.code() == Some(60) && changed.said.contains("CRK-848"), "{changed:?}");
    there.make_known();
    fs::write(there.at("authorized_keys"), "").expect("write");
    let refused = there.carrack(&["ls", &there.url("")]);
    assert!(refused.status.code() == Some(67) && refused.said.contains("CRK-707"), "{refused:?}");
}
