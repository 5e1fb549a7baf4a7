//! A server that makes data connections one way alone: the client finds it by itself, and says so where the other is demanded.

use std::process::Command;

use interop::outside::{Outside, may_start};
use interop::run::run;
use interop::{PASSWORD, USER, files};

pub(crate) fn found(passive: bool) {
    if !may_start() {
        return interop::skip("other servers want root to be started");
    }
    let server = match Outside::one_way(passive) {
        Ok(server) => server,
        Err(why) => return interop::skip(&format!("vsftpd does not start here: {why}")),
    };
    let here = tempfile::tempdir().unwrap();
    files::make(&here.path().join("up"), 300_000, 1);
    let url = format!("ftp://{USER}@{}/", server.address());
    let file = format!("{url}there");
    let go = |words: &[&str]| {
        let mut command = Command::new(interop::carrack());
        command.args(words).args(["--no-tls", "--verbose"]).current_dir(here.path());
        run(command.env("CARRACK_PASSWORD", PASSWORD).env("HOME", here.path()))
    };
    let sent = go(&["put", "up", &file]).well().said;
    assert!(passive || sent.contains("> EPRT ") || sent.contains("> PORT "), "{sent}");
    go(&["get", &file, "down"]).well();
    files::assert_same(&here.path().join("up"), &here.path().join("down"));
    assert!(go(&["ls", &url]).well().said.lines().any(|line| line == "there"));
    let other = go(&["get", if passive { "--active" } else { "--passive" }, &file, "never"]);
    assert!(other.status.code() == Some(30) && other.said.contains("[CRK-712]"), "{other:?}");
    assert!(!here.path().join("never").exists());
}
