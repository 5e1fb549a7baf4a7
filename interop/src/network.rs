//! How does a test get machines and cables of its own? Network namespaces and pairs of Ethernet ends between them, with
//! nftables' rules, gone with the test.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::run::{Ran, is_installed, run, run_with};
use crate::skip;

/// Machines that only this test knows: each is a network namespace.
pub struct Network {
    /// What the names of its namespaces begin with.
    mark: String,
    hosts: Vec<String>,
    cables: u32,
}

/// What all names begin with; the process behind it tells whether they are still in use.
const MARK: &str = "carrack-";

impl Network {
    /// No machines yet; `None`, and skipped, where they cannot be made.
    pub fn new() -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let why = if !rustix::process::geteuid().is_root() {
            "network namespaces are made as root only"
        } else if !is_installed("ip") {
            "ip is not installed (package iproute2)"
        } else if !is_installed("nft") {
            "nft is not installed (package nftables)"
        } else {
            sweep();
            let mark = format!("{MARK}{}-{}-", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
            let mut network = Self { mark, hosts: Vec::new(), cables: 0 };
            if network.add("probe") {
                return Some(network);
            }
            "network namespaces are not allowed here"
        };
        skip(why);
        None
    }

    fn add(&mut self, host: &str) -> bool {
        let name = format!("{}{host}", self.mark);
        let made = run(Command::new("ip").args(["netns", "add", &name])).status.success();
        if made {
            self.hosts.push(name);
        }
        made
    }

    /// A machine with this name, which has nothing but its loopback.
    ///
    /// # Panics
    /// If the system refuses.
    #[track_caller]
    pub fn host(&mut self, host: &str) {
        assert!(self.add(host), "ip netns add {host}");
        self.ip(host, &["link", "set", "lo", "up"]);
    }

    /// The words before a program that is to run on a machine.
    pub fn on(&self, host: &str) -> Vec<String> {
        ["ip", "netns", "exec", &format!("{}{host}", self.mark)].map(str::to_owned).to_vec()
    }

    /// A program that runs on a machine.
    pub fn command(&self, host: &str, program: impl AsRef<Path>) -> Command {
        let words = self.on(host);
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).arg(program.as_ref());
        command
    }

    /// `ip` on a machine.
    ///
    /// # Panics
    /// If it fails.
    #[track_caller]
    pub fn ip(&self, host: &str, arguments: &[&str]) -> Ran {
        run(self.command(host, "ip").args(arguments)).well()
    }

    /// A cable between two machines, each with its name and its address (`10.1.0.1/24`) there.
    #[track_caller]
    pub fn cable(&mut self, one: (&str, &str), other: (&str, &str)) {
        self.cables += 1;
        let ends = [format!("c{}a", self.cables), format!("c{}b", self.cables)];
        let there = format!("{}{}", self.mark, other.0);
        self.ip(one.0, &["link", "add", &ends[0], "type", "veth", "peer", "name", &ends[1], "netns", &there]);
        for ((host, address), end) in [one, other].into_iter().zip(&ends) {
            self.ip(host, &["address", "add", address, "dev", end]);
            self.ip(host, &["link", "set", end, "up"]);
        }
    }

    /// Has a machine take all other addresses to be behind this one.
    #[track_caller]
    pub fn route(&self, host: &str, by: &str) {
        self.ip(host, &["route", "add", "default", "via", by]);
    }

    /// Gives nftables' rules to a machine.
    ///
    /// # Panics
    /// If they are wrong.
    #[track_caller]
    pub fn rules(&self, host: &str, rules: &str) {
        run_with(self.command(host, "nft").args(["-f", "-"]), rules, std::time::Duration::from_secs(60)).well();
    }

    /// How many packets a named counter of table `inet t` has seen.
    ///
    /// # Panics
    /// If there is no such counter.
    #[track_caller]
    pub fn counted(&self, host: &str, counter: &str) -> u64 {
        let said = run(self.command(host, "nft").args(["list", "counter", "inet", "t", counter])).well().said;
        let mut words = said.split_whitespace().skip_while(|&word| word != "packets").skip(1);
        words.next().and_then(|n| n.parse().ok()).unwrap_or_else(|| panic!("no number: {said}"))
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for host in &self.hosts {
            // Its ends of cables go with it, and those take the other ends with them.
            let _ = Command::new("ip").args(["netns", "delete", host]).status();
        }
    }
}

/// Takes away what tests that were killed have left.
fn sweep() {
    let said = run(Command::new("ip").args(["netns", "list"])).said;
    for name in said.lines().filter_map(|line| line.split_whitespace().next()) {
        let process = name.strip_prefix(MARK).and_then(|rest| rest.split('-').next());
        if process.is_some_and(|id| !Path::new("/proc").join(id).exists()) {
            let _ = Command::new("ip").args(["netns", "delete", name]).status();
        }
    }
}
