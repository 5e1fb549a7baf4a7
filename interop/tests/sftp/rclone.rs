//! rclone over SFTP: copies trees and checks them, with the password.

use crate::site;
use interop::files::{assert_same_trees, make_tree};
use interop::run::run;
use interop::{PASSWORD, USER, need};
use std::process::Command;

#[test]
fn copies() {
    need!("rclone");
    need!("ssh-keygen");
    let site = site("");
    make_tree(&site.place("out"));
    let obscured = run(Command::new("rclone").args(["obscure", PASSWORD])).well().said;
    let rclone = |arguments: &[&str]| {
        let mut command = Command::new("rclone");
        command.args(["--config", "/dev/null", "--retries", "1", "--sftp-host", "127.0.0.1", "--sftp-port", &site.port()]);
        command.args(["--sftp-user", USER, "--sftp-pass", obscured.trim(), "--sftp-set-modtime"]);
        run(command.args(arguments).current_dir(site.here.path()))
    };
    rclone(&["copy", "out", ":sftp:up"]).well();
    assert_same_trees(&site.place("out"), &site.server.root().join("up"));
    rclone(&["copy", ":sftp:up", "back"]).well();
    assert_same_trees(&site.place("out"), &site.place("back"));
    rclone(&["check", "--download", "out", ":sftp:up"]).well();
    rclone(&["moveto", ":sftp:up/plain.txt", ":sftp:up/moved.txt"]).well();
    rclone(&["purge", ":sftp:up"]).well();
    assert!(!site.server.root().join("up").exists());
}
