//! Our own client against the servers people have: tftpd-hpa, atftpd and dnsmasq, each on a machine of its own.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use interop::files::{assert_same, make};
use interop::network::Network;
use interop::run::{is_installed, run};
use interop::{carrack, need, skip, tftpd_hpa};
use tempfile::TempDir;

use super::{TEXT, lengths};

/// A server with a folder, on a machine that a cable leads to.
struct Peer {
    child: Child,
    network: Network,
    root: TempDir,
    here: TempDir,
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const SERVER: &str = "10.4.0.2";

impl Peer {
    /// Starts it; `words` are its arguments, with ROOT for the folder.
    fn start(program: &Path, words: &[&str]) -> Option<Self> {
        let mut network = Network::new()?;
        network.host("client");
        network.host("server");
        network.cable(("client", "10.4.0.1/24"), ("server", "10.4.0.2/24"));
        let (root, here) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        // Servers give up their rights, and serve what everybody may read.
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
        std::fs::set_permissions(root.path(), open).unwrap();
        let words = words.iter().map(|word| word.replace("ROOT", root.path().to_str().unwrap()));
        let mut command = network.command("server", program);
        let child = command.args(words).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let peer = Self { child, network, root, here };
        peer.wait();
        Some(peer)
    }

    /// Until its port is taken.
    fn wait(&self) {
        let start = Instant::now();
        loop {
            let said = run(self.network.command("server", "cat").args(["/proc/net/udp", "/proc/net/udp6"])).said;
            if said.contains(":0045 ") {
                return;
            }
            assert!(start.elapsed() < Duration::from_secs(20), "no server at port 69: {said}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn carrack(&self) -> Command {
        self.network.command("client", carrack())
    }

    /// Fetches files of awkward lengths with these options.
    fn fetches(&self, block: usize, options: &[&str]) {
        for length in lengths(block) {
            let (name, to) = (format!("f{length}"), self.here.path().join("got"));
            make(&self.root.path().join(&name), length, 3);
            let script = "out=$1; shift; exec \"$@\" > \"$out\"";
            let mut command = self.network.command("client", "sh");
            command.args(["-c", script, "sh"]).arg(&to).arg(carrack()).arg("cat").args(options);
            run(command.arg(format!("tftp://{SERVER}/{name}"))).well();
            assert_same(&self.root.path().join(&name), &to);
        }
    }

    /// Sends files of awkward lengths.
    fn takes(&self, block: usize, options: &[&str]) {
        for length in lengths(block) {
            let (name, from) = (format!("u{length}-{block}"), self.here.path().join("sent"));
            make(&from, length, 5);
            run(self.carrack().arg("put").args(options).arg(&from).arg(format!("tftp://{SERVER}/{name}"))).well();
            let there = self.root.path().join(&name);
            let start = Instant::now();
            while std::fs::metadata(&there).map_or(0, |data| data.len()) < length as u64
                && start.elapsed() < Duration::from_secs(5)
            {
                std::thread::sleep(Duration::from_millis(10));
            }
            assert_same(&from, &there);
        }
    }

    /// Every way to ask.
    fn is_well(&self) {
        self.fetches(512, &["--blksize", "512", "--windowsize", "1", "--tsize", "no"]);
        self.fetches(1428, &["--blksize", "1428", "--windowsize", "1"]);
        self.fetches(1428, &["--blksize", "1428", "--windowsize", "16"]);
        self.fetches(1024, &[]);
    }

    fn refuses_well(&self) {
        let ran = run(self.carrack().args(["cat", &format!("tftp://{SERVER}/nothing")]));
        assert!(!ran.status.success() && ran.said.contains("CRK-"), "{}", ran.said);
    }

    fn converts_text(&self) {
        let text = TEXT.repeat(20);
        std::fs::write(self.root.path().join("text"), &text).unwrap();
        let ran = run(self.carrack().args(["cat", "--mode", "netascii", &format!("tftp://{SERVER}/text")])).well();
        assert_eq!(ran.said, text);
    }
}

#[test]
fn tftpd_hpa_serves_our_client() {
    if !tftpd_hpa().exists() {
        return skip("tftpd-hpa is not there (Debian)");
    }
    let words = [
        "--foreground",
        "--listen",
        "--user",
        "root",
        "--secure",
        "--create",
        "--permissive",
        "--address",
        "10.4.0.2:69",
        "ROOT",
    ];
    let Some(peer) = Peer::start(&tftpd_hpa(), &words) else { return };
    peer.is_well();
    peer.refuses_well();
    peer.converts_text();
    peer.takes(512, &["--blksize", "512", "--windowsize", "1"]);
    peer.takes(1428, &["--blksize", "1428"]);
}

#[test]
fn atftpd_serves_our_client() {
    need!("atftpd");
    let words = ["--daemon", "--no-fork", "--user", "root.root", "--bind-address", "10.4.0.2", "--port", "69", "ROOT"];
    let Some(peer) = Peer::start(Path::new("atftpd"), &words) else { return };
    peer.is_well();
    peer.refuses_well();
    peer.takes(512, &["--blksize", "512", "--windowsize", "1"]);
    peer.takes(1428, &["--blksize", "1428"]);
}

#[test]
fn dnsmasq_serves_our_client() {
    if !is_installed("dnsmasq") {
        return skip("dnsmasq is not installed (package dnsmasq-base)");
    }
    let words = [
        "--keep-in-foreground",
        "--conf-file=/dev/null",
        "--port=0",
        "--enable-tftp",
        "--tftp-root=ROOT",
        "--listen-address=10.4.0.2",
        "--bind-interfaces",
        "--user=root",
        "--pid-file=",
    ];
    let Some(peer) = Peer::start(Path::new("dnsmasq"), &words) else { return };
    peer.is_well();
    peer.refuses_well();
}
