//! Our own client with the old protocol of scp, as it meets our own server's.

use crate::{Site, site};
use interop::files::{assert_same, assert_same_trees, make, make_tree};
use interop::need;
use interop::run::{Ran, run};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};

impl Site {
    fn url(&self, name: &str) -> String {
        format!("scp://{}@127.0.0.1:{}/{name}", interop::USER, self.port())
    }

    /// Our client, whose home is the test's folder, with the old protocol.
    fn carrack(&self, words: &[&str]) -> Ran {
        let mut command = Command::new(interop::carrack());
        command.args(words).arg("-O").env("HOME", self.here.path()).env_remove("SSH_AUTH_SOCK");
        run(command.current_dir(self.here.path()))
    }
}

/// A server, and a client that knows how to log in.
fn at_home() -> Site {
    let site = site("");
    fs::create_dir(site.place(".ssh")).unwrap();
    let told = format!("IdentityFile {}\nStrictHostKeyChecking accept-new\n", site.key().display());
    fs::write(site.place(".ssh/config"), told).unwrap();
    site
}

#[test]
fn files_and_trees_go_up_and_come_back() {
    need!("ssh-keygen");
    let site = at_home();
    let well = |words: &[&str]| site.carrack(words).well().said;
    for (name, length) in [("empty", 0), ("one", 1), ("big", 9_000_001)] {
        make(&site.place(name), length, 1);
        well(&["put", name, &site.url("")]);
        assert_same(&site.place(name), &site.server.root().join(name));
        let back = format!("{name}.back");
        well(&["get", &site.url(name), &back]);
        assert_same(&site.place(name), &site.place(&back));
    }
    let time = UNIX_EPOCH + Duration::from_secs(1_234_567_890);
    fs::File::options().write(true).open(site.place("one")).unwrap().set_modified(time).unwrap();
    fs::set_permissions(site.place("one"), fs::Permissions::from_mode(0o640)).unwrap();
    well(&["put", "one", &site.url("dated")]);
    let there = fs::metadata(site.server.root().join("dated")).unwrap();
    assert_eq!((there.mode() & 0o777, there.modified().unwrap()), (0o640, time));
    make_tree(&site.place("tree"));
    well(&["mirror", "-j", "3", "tree", &site.url("up")]);
    assert_same_trees(&site.place("tree"), &site.server.root().join("up"));
    well(&["get", "-r", &site.url("up"), "down"]);
    assert_same_trees(&site.place("tree"), &site.place("down"));
    let again = well(&["mirror", "--json", "tree", &site.url("up")]);
    assert!(again.contains("\"files\":0,"), "times are kept: {again}");
    let listed = well(&["ls", "--json", &site.url("")]);
    assert!(listed.contains("\"path\":\"big\"") && listed.contains("\"size\":9000001"), "{listed}");
    well(&["mkdir", &site.url("made")]);
    assert!(site.server.root().join("made").is_dir());
}

#[test]
fn what_the_server_refuses_is_told_with_its_code() {
    need!("ssh-keygen");
    let site = at_home();
    fs::write(site.place("one"), "1").unwrap();
    fs::create_dir(site.server.root().join("made")).unwrap();
    std::os::unix::fs::symlink("/etc", site.server.root().join("away")).unwrap();
    for (words, code) in [
        (&["get", &site.url("none"), "never"][..], "CRK-201"),
        (&["get", &site.url("made"), "never"], "CRK-204"),
        (&["ls", &site.url("none/")], "CRK-201"),
        (&["put", "one", &site.url("none/below")], "CRK-201"),
        (&["put", "one", &site.url("away/one")], "CRK-207"),
        (&["get", &site.url("away/passwd"), "never"], "CRK-207"),
        (&["mkdir", &site.url("made")], "CRK-202"),
        (&["mv", &site.url("made"), &site.url("other")], "CRK-863"),
    ] {
        let ran = site.carrack(words);
        assert!(!ran.status.success() && ran.said.contains(code), "{words:?}: {ran:?}");
    }
    assert!(!site.place("never").exists() && fs::read_dir(site.server.root().join("made")).unwrap().next().is_none());
}
