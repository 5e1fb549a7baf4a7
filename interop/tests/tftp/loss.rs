//! Lossy paths: of a hundred packets in each direction one or five are lost, and no transfer fails.

use std::path::Path;
use std::time::Duration;

use interop::files::{assert_same, make};
use interop::network::Network;
use interop::run::run_with;
use interop::{Server, need};
use tempfile::TempDir;

/// Client and server, and a cable between them that loses some of a hundred packets.
fn network(lost: u32) -> Option<Network> {
    let mut network = Network::new()?;
    network.host("client");
    network.host("server");
    network.cable(("client", "10.3.0.1/24"), ("server", "10.3.0.2/24"));
    let rules = format!(
        "table inet t {{
            counter lost {{}}
            chain in {{ type filter hook input priority filter; numgen random mod 100 < {lost} counter name lost drop; }}
            chain out {{ type filter hook output priority filter; numgen random mod 100 < {lost} counter name lost drop; }}
        }}"
    );
    network.rules("server", &rules);
    Some(network)
}

/// curl says what was lost again after a fiftieth of the time it may take: every 72 seconds, where nothing is said. No server
/// that has answered an upload's last block waits so long for it to come again.
const CURL: [&str; 4] = ["curl", "-sS", "--max-time", "90"];

/// A way to move a file: its name and where it is here.
type Move<'a> = (&'a str, &'a dyn Fn(&Path) -> Vec<String>);

fn words(words: &[&str], path: &Path) -> Vec<String> {
    words.iter().map(|word| word.replace("HERE", path.to_str().unwrap())).collect()
}

fn moves(lost: u32) {
    need!("curl");
    need!("atftp");
    let Some(network) = network(lost) else { return };
    let server = Server::on(&network, "server", "uploads = \"new\"");
    let here = TempDir::new().unwrap();
    let atftp = ["atftp", "--option", "blksize 1428", "--option"];
    let down: [Move<'_>; 4] = [
        ("curl", &|to| words(&[&CURL[..], &["--tftp-blksize", "1428", "-o", "HERE", "tftp://10.3.0.2/f"]].concat(), to)),
        ("curl512", &|to| words(&[&CURL[..], &["-o", "HERE", "tftp://10.3.0.2/f"]].concat(), to)),
        ("window4", &|to| words(&[&atftp[..], &["windowsize 4", "-g", "-r", "f", "-l", "HERE", "10.3.0.2"]].concat(), to)),
        ("window16", &|to| words(&[&atftp[..], &["windowsize 16", "-g", "-r", "f", "-l", "HERE", "10.3.0.2"]].concat(), to)),
    ];
    make(&server.root().join("f"), 400_000, 7);
    for (name, program) in down {
        let to = here.path().join(name);
        let program = program(&to);
        let run = || run_with(network.command("client", &program[0]).args(&program[1..]), "", Duration::from_secs(100));
        let mut ran = run();
        // atftp gives up where its first ACK was lost and the OACK comes again (RFC 2347): that is not the server's.
        for _ in 0..10 {
            if program[0] != "atftp" || !ran.said.contains("unexpected OACK") {
                break;
            }
            ran = run();
        }
        ran.well();
        assert_same(&server.root().join("f"), &to);
    }
    for (name, block) in [("up512", "512"), ("up1428", "1428")] {
        let mut command = network.command("client", CURL[0]);
        command.args(&CURL[1..]).args(["--tftp-blksize", block, "-T"]).arg(server.root().join("f"));
        run_with(command.arg(format!("tftp://10.3.0.2/{name}")), "", Duration::from_secs(100)).well();
        assert_same(&server.root().join("f"), &server.root().join(name));
    }
    assert!(network.counted("server", "lost") > 0, "nothing was lost, so that this tells nothing");
}

#[test]
fn one_in_a_hundred_lost_fails_no_transfer() {
    moves(1);
}

#[test]
fn five_in_a_hundred_lost_fail_no_transfer() {
    moves(5);
}
