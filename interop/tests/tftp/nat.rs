//! Through NAT: a router that hides the client lets answers through only where they come from the port that was asked.

use std::path::Path;

use interop::files::{assert_same, make};
use interop::network::Network;
use interop::run::{Ran, run};
use interop::{Server, need};
use tempfile::TempDir;

/// Client, router and server, each on a machine of its own.
fn network() -> Option<Network> {
    let mut network = Network::new()?;
    for host in ["client", "router", "server"] {
        network.host(host);
    }
    network.cable(("client", "10.1.0.2/24"), ("router", "10.1.0.1/24"));
    network.cable(("router", "10.2.0.1/24"), ("server", "10.2.0.2/24"));
    network.route("client", "10.1.0.1");
    network.route("server", "10.2.0.1");
    run(network.command("router", "sh").args(["-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"])).well();
    Some(network)
}

/// Hides the client, counts the packets that belong to no connection it began, and drops them, as a firewall does.
const NAT: &str = r#"
table inet t {
    counter strays {}
    chain out { type nat hook postrouting priority srcnat; oifname "c2a" masquerade; }
    chain own { type filter hook input priority filter; iifname "c2a" ct state new counter name strays drop; }
    chain through { type filter hook forward priority filter; iifname "c2a" ct state new counter name strays drop; }
}
"#;

fn get(network: &Network, seconds: &str, to: &Path) -> Ran {
    let mut command = network.command("client", "curl");
    run(command.args(["--silent", "--show-error", "--max-time", seconds, "-o"]).arg(to).arg("tftp://10.2.0.2/f"))
}

#[test]
fn answers_from_the_asked_port_come_through_where_others_do_not() {
    need!("curl");
    let Some(network) = network() else { return };
    let here = TempDir::new().unwrap();
    let try_out = |keys: &str, seconds: &str, name: &str| {
        let server = Server::on(&network, "server", keys);
        make(&server.root().join("f"), 300_000, 3);
        let to = here.path().join(name);
        let ran = get(&network, seconds, &to);
        if ran.status.success() {
            assert_same(&server.root().join("f"), &to);
        }
        (ran, server.log())
    };
    // Without NAT the way is open for both.
    try_out("", "50", "own").0.well();
    try_out("ports = \"single\"", "50", "single").0.well();
    network.rules("router", NAT);
    let (ran, log) = try_out("", "8", "own-nat");
    assert!(!ran.status.success(), "a port of its own was let through, so that this tells nothing: {}", ran.said);
    assert!(network.counted("router", "strays") > 0, "it failed for another reason: {}\n{log}", ran.said);
    let strays = network.counted("router", "strays");
    try_out("ports = \"single\"", "50", "single-nat").0.well();
    assert_eq!(network.counted("router", "strays"), strays, "all came from the port that was asked");
}
