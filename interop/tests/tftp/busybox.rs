//! BusyBox's tftp, as small devices have it: blksize, both ways.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::{Site, UPLOADS, WRAPS, lengths};
use interop::need;
use interop::run::run_with;

fn tftp(site: &Site, v6: bool, arguments: &[&str]) {
    let mut command = Command::new("busybox");
    command.arg("tftp").args(arguments).args([Site::host(v6), &site.port(v6)]);
    // Tens of thousands of blocks, each with its answer: on a busy machine that takes a minute and more.
    run_with(&mut command, "", Duration::from_secs(180)).well();
}

fn moves(v6: bool, block: &str) {
    need!("busybox");
    let site = Site::new(UPLOADS);
    let lengths = lengths(block.parse().unwrap());
    site.down(&lengths, |name: &str, to: &Path| {
        tftp(&site, v6, &["-b", block, "-g", "-r", name, "-l", to.to_str().unwrap()]);
    });
    site.up(&lengths, |from: &Path, name: &str| {
        tftp(&site, v6, &["-b", block, "-p", "-r", name, "-l", from.to_str().unwrap()]);
    });
}

#[test]
fn moves_in_small_blocks() {
    moves(false, "512");
}

#[test]
fn moves_in_large_blocks() {
    moves(false, "1428");
    moves(false, "65464");
}

#[test]
fn moves_over_ipv6() {
    moves(true, "1428");
}

#[test]
fn fetches_more_blocks_than_can_be_numbered() {
    need!("busybox");
    let site = Site::new("");
    site.down(&[WRAPS], |name: &str, to: &Path| tftp(&site, false, &["-g", "-r", name, "-l", to.to_str().unwrap()]));
}
