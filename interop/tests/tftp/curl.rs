//! curl: blksize and tsize, binary and text, both ways.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::{Site, UPLOADS, WRAPS, lengths};
use interop::need;
use interop::run::{run, run_with};

fn url(site: &Site, v6: bool, name: &str) -> String {
    let host = if v6 { "[::1]" } else { "127.0.0.1" };
    format!("tftp://{host}:{}/{name}", site.port(v6))
}

fn curl(arguments: &[&str]) {
    // Eighty thousand blocks in lock-step take their time on a busy machine.
    run_with(
        Command::new("curl").args(["--silent", "--show-error", "--max-time", "150"]).args(arguments),
        "",
        Duration::from_secs(160),
    )
    .well();
}

fn fetches(v6: bool, block: &str) {
    need!("curl");
    let site = Site::new("");
    let get = |name: &str, to: &Path| curl(&["--tftp-blksize", block, "-o", to.to_str().unwrap(), &url(&site, v6, name)]);
    site.down(&lengths(block.parse().unwrap()), get);
}

#[test]
fn fetches_in_small_blocks() {
    fetches(false, "512");
}

#[test]
fn fetches_in_blocks_of_a_packet() {
    fetches(false, "1428");
}

#[test]
fn fetches_in_the_largest_blocks() {
    fetches(false, "65464");
}

#[test]
fn fetches_over_ipv6() {
    fetches(true, "1428");
}

#[test]
fn fetches_without_options() {
    need!("curl");
    let site = Site::new("");
    site.down(&lengths(512), |name, to| curl(&["--tftp-no-options", "-o", to.to_str().unwrap(), &url(&site, false, name)]));
}

#[test]
fn fetches_more_blocks_than_can_be_numbered() {
    need!("curl");
    let site = Site::new("");
    site.down(&[WRAPS], |name, to| curl(&["-o", to.to_str().unwrap(), &url(&site, false, name)]));
}

#[test]
fn fetches_over_the_one_port() {
    need!("curl");
    let site = Site::new("ports = \"single\"");
    site.down(&lengths(512), |name, to| curl(&["-o", to.to_str().unwrap(), &url(&site, false, name)]));
}

#[test]
fn sends() {
    need!("curl");
    let site = Site::new(UPLOADS);
    site.up(&lengths(512)[1..], |from, name| curl(&["-T", from.to_str().unwrap(), &url(&site, false, name)]));
    site.up(&[3_000], |from, name| curl(&["-T", from.to_str().unwrap(), &url(&site, true, name)]));
}

#[test]
fn says_what_is_not_there() {
    need!("curl");
    let site = Site::new("");
    let ran = run(Command::new("curl").args(["--silent", "--show-error", &url(&site, false, "nothing")]));
    // 68: not found on the TFTP server.
    assert_eq!(ran.status.code(), Some(68), "{}", ran.said);
    let ran = run(Command::new("curl").args(["--silent", "--show-error", "-T", "Cargo.toml", &url(&site, false, "new")]));
    // 69: permission problem on the TFTP server.
    assert_eq!(ran.status.code(), Some(69), "{}", ran.said);
}
