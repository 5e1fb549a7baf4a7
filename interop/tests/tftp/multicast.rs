//! Multicast (RFC 2090): several machines on one network hear a file together, each by atftp, over IPv4 and IPv6.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use interop::files::{assert_same, make};
use interop::network::Network;
use interop::run::run;
use interop::{Server, need};
use tempfile::TempDir;

/// Clients and a server at one switch. The packets of a group are counted as they leave the server.
fn network(clients: &[&str]) -> Option<Network> {
    let mut network = Network::new()?;
    network.host("switch");
    network.ip("switch", &["link", "add", "bridge0", "type", "bridge", "mcast_snooping", "0"]);
    network.ip("switch", &["link", "set", "bridge0", "up"]);
    for (n, host) in clients.iter().chain(&["server"]).enumerate() {
        network.host(host);
        // The switch's own ends have addresses nobody uses.
        network.cable((host, &format!("10.6.0.{}/24", n + 1)), ("switch", &format!("10.7.{n}.1/30")));
        network.ip("switch", &["link", "set", &format!("c{}b", n + 1), "master", "bridge0"]);
        let own = format!("c{}a", n + 1);
        network.ip(host, &["route", "add", "224.0.0.0/4", "dev", &own]);
        network.ip(host, &["address", "add", &format!("fd00:6::{}/64", n + 1), "dev", &own, "nodad"]);
    }
    network.rules(
        "server",
        "table inet t {
            counter together {}
            chain out { type filter hook output priority filter; udp dport 1758 counter name together; }
        }",
    );
    Some(network)
}

const KEYS: &str = "multicast = [\"239.255.69.0/28\", \"ff15::69:0/124\"]";

/// A client under way, what it says in a file beside what it fetches: nobody reads a pipe meanwhile, and it must not wait.
fn begin(network: &Network, host: &str, server: &str, to: &Path) -> Child {
    let mut command: Command = network.command(host, "atftp");
    command.args(["--trace", "--option", "multicast", "--option", "blksize 1000", "--get", "--remote-file", "f"]);
    command.arg("--local-file").arg(to).arg(server);
    let said = File::create(to.with_extension("said")).unwrap();
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(said).spawn().unwrap()
}

/// Its end: it went well, and it heard the file with others.
fn well(mut client: Child, to: &Path, server: &Server) {
    let status = client.wait().unwrap();
    let said = std::fs::read_to_string(to.with_extension("said")).unwrap();
    let first: Vec<&str> = said.lines().take(40).collect();
    let together = ["multicast: 239.255.69.", "multicast: ff15::69:"].iter().any(|group| said.contains(group));
    assert!(status.success() && together, "{to:?}: {first:#?}\n{}", server.log());
    assert_same(&server.root().join("f"), to);
}

#[test]
fn machines_hear_a_file_together() {
    together("10.6.0.4");
}

#[test]
fn machines_hear_a_file_together_over_ipv6() {
    together("fd00:6::4");
}

fn together(address: &str) {
    need!("atftp");
    let clients = ["one", "two", "three"];
    let Some(network) = network(&clients) else { return };
    let server = Server::on(&network, "server", KEYS);
    let here = TempDir::new().unwrap();
    make(&server.root().join("f"), 3_000_500, 9);
    let under_way: Vec<Child> = clients.iter().map(|host| begin(&network, host, address, &here.path().join(host))).collect();
    for (host, child) in clients.iter().zip(under_way) {
        well(child, &here.path().join(host), &server);
    }
    let together = network.counted("server", "together");
    assert!(together >= 3_001, "the blocks went to the group: {together}");
}

#[test]
fn a_machine_alone_hears_it_as_well() {
    need!("atftp");
    let Some(network) = network(&["one"]) else { return };
    let server = Server::on(&network, "server", KEYS);
    let here = TempDir::new().unwrap();
    for length in [0, 1, 999, 1_000, 1_001, 100_000] {
        make(&server.root().join("f"), length, 9);
        let to = here.path().join(format!("f{length}"));
        well(begin(&network, "one", "10.6.0.2", &to), &to, &server);
    }
    // Who does not ask for it has the file alone.
    let mut alone = network.command("one", "atftp");
    run(alone.args(["--get", "--remote-file", "f", "--local-file"]).arg(here.path().join("g")).arg("10.6.0.2")).well();
    assert_same(&server.root().join("f"), &here.path().join("g"));
}
