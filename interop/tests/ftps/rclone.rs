//! rclone over TLS: copies trees and checks them.

use crate::site;
use interop::files::{assert_same_trees, make_tree};
use interop::run::run;
use interop::{PASSWORD, USER, need};
use std::process::Command;

fn copies(keys: &str, implicit: bool) {
    need!("rclone");
    let site = site(keys);
    make_tree(&site.here.path().join("out"));
    let (host, port) = site.door(implicit);
    let obscured = run(Command::new("rclone").args(["obscure", PASSWORD])).well().said;
    let rclone = |arguments: &[&str]| {
        let mut command = Command::new("rclone");
        command.args(["--config", "/dev/null", "--retries", "1"]).env("SSL_CERT_FILE", site.authority.file());
        command.args(["--ftp-host", host, "--ftp-port", &port.to_string(), "--ftp-user", USER, "--ftp-pass", obscured.trim()]);
        command.arg(if implicit { "--ftp-tls" } else { "--ftp-explicit-tls" });
        run(command.args(arguments).current_dir(site.here.path()))
    };
    rclone(&["copy", "out", ":ftp:up"]).well();
    assert_same_trees(&site.here.path().join("out"), &site.server.root().join("up"));
    rclone(&["copy", ":ftp:up", "back"]).well();
    assert_same_trees(&site.here.path().join("out"), &site.here.path().join("back"));
    rclone(&["check", "--size-only", "out", ":ftp:up"]).well();
}

#[test]
fn explicit() {
    copies("", false);
}

#[test]
fn implicit() {
    copies("", true);
}
