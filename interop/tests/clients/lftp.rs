//! lftp: mirrors whole trees both ways, several files at once, and goes on where it stopped.

use interop::files::{assert_same, assert_same_trees, make, make_tree};
use interop::run::{Ran, run};
use interop::{PASSWORD, Server, USER, Way, need};
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

fn lftp(server: &Server, way: Way, folder: &Path, orders: &str) -> Ran {
    let passive = if way.is_active() { "no" } else { "yes" };
    let script = format!(
        "set cmd:fail-exit yes; set net:timeout 15; set net:max-retries 3; set net:reconnect-interval-base 1; set ftp:ssl-allow no; \
         set ftp:passive-mode {passive}; set xfer:clobber yes; set bmk:save-passwords no; open -u {USER},{PASSWORD} {}; {orders}; bye",
        server.url(way)
    );
    run(Command::new("lftp").args(["--norc", "-c", &script]).current_dir(folder).env("HOME", folder))
}

fn mirrors(way: Way) {
    need!("lftp");
    let (server, here) = (Server::start(), TempDir::new().unwrap());
    make_tree(&here.path().join("out"));
    lftp(&server, way, here.path(), "mirror -R out up").well();
    assert_same_trees(&here.path().join("out"), &server.root().join("up"));
    lftp(&server, way, here.path(), "mirror up back").well();
    assert_same_trees(&here.path().join("out"), &here.path().join("back"));
}

super::every_way!(mirrors:
    mirrors_passive_4 = Passive4, mirrors_passive_6 = Passive6, mirrors_active_4 = Active4, mirrors_active_6 = Active6);

#[test]
fn mirrors_in_parallel_and_removes_what_is_gone() {
    need!("lftp");
    let (server, here) = (Server::start(), TempDir::new().unwrap());
    for n in 0..200 {
        make(&here.path().join(format!("out/{}/file {n}", n % 7)), 100 + n * 37, n as u64);
    }
    lftp(&server, Way::Passive4, here.path(), "mirror -R --parallel=6 out up").well();
    assert_same_trees(&here.path().join("out"), &server.root().join("up"));
    std::fs::remove_dir_all(here.path().join("out/3")).unwrap();
    lftp(&server, Way::Passive4, here.path(), "mirror -R --delete --parallel=4 out up").well();
    assert_same_trees(&here.path().join("out"), &server.root().join("up"));
    lftp(&server, Way::Passive4, here.path(), "mirror --parallel=6 --use-pget-n=3 up back").well();
    assert_same_trees(&here.path().join("out"), &here.path().join("back"));
}

#[test]
fn a_second_mirror_moves_nothing() {
    need!("lftp");
    let (server, here) = (Server::start(), TempDir::new().unwrap());
    make_tree(&here.path().join("out"));
    lftp(&server, Way::Passive4, here.path(), "mirror -R out up").well();
    let again = lftp(&server, Way::Passive4, here.path(), "mirror -R --verbose=3 out up").well().said;
    assert!(!again.contains("Transferring"), "times and sizes did not survive: {again}");
}

#[test]
fn both_directions_resume() {
    need!("lftp");
    let (server, here) = (Server::start(), TempDir::new().unwrap());
    make(&here.path().join("f"), 3_000_000, 3);
    let whole = std::fs::read(here.path().join("f")).unwrap();
    std::fs::write(server.root().join("f"), &whole[..1_000_001]).unwrap();
    lftp(&server, Way::Passive4, here.path(), "put -c f").well();
    assert_same(&here.path().join("f"), &server.root().join("f"));
    std::fs::write(here.path().join("g"), &whole[..2_000_003]).unwrap();
    lftp(&server, Way::Passive4, here.path(), "get -c f -o g").well();
    assert_same(&here.path().join("f"), &here.path().join("g"));
}

#[test]
fn a_large_file_in_pieces() {
    need!("lftp");
    let (server, here) = (Server::start(), TempDir::new().unwrap());
    make(&server.root().join("large"), 100 << 20, 4);
    lftp(&server, Way::Passive4, here.path(), "pget -n 4 large").well();
    assert_same(&server.root().join("large"), &here.path().join("large"));
}

#[test]
fn renames_deletes_lists_and_changes_modes() {
    need!("lftp");
    let (server, here) = (Server::start(), TempDir::new().unwrap());
    make(&server.root().join("-dash one"), 10, 1);
    make(&server.root().join("tree/a/b"), 10, 1);
    // pyftpdlib and carrack both know SITE CHMOD.
    let said = lftp(&server, Way::Passive4, here.path(), "mv './-dash one' two; chmod 600 two; cls -1; mkdir new; rm -r tree")
        .well()
        .said;
    assert!(said.lines().any(|line| line == "two"), "{said}");
    assert!(server.root().join("new").is_dir() && !server.root().join("tree").exists());
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(server.root().join("two")).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn deflated_both_ways() {
    need!("lftp");
    let (server, here) = (Server::start(), TempDir::new().unwrap());
    make_tree(&here.path().join("out"));
    std::fs::write(here.path().join("out/text"), "the same line again\n".repeat(200_000)).unwrap();
    let on = "set ftp:use-mode-z yes; set ftp:mode-z-level 9; debug 9; ";
    let said = lftp(&server, Way::Passive4, here.path(), &format!("{on}mirror -R out up")).well().said;
    assert!(said.contains("---> MODE Z"), "{said}");
    assert_same_trees(&here.path().join("out"), &server.root().join("up"));
    lftp(&server, Way::Passive4, here.path(), &format!("{on}mirror up back")).well();
    assert_same_trees(&here.path().join("out"), &here.path().join("back"));
    // It goes on in the midst of a file, too: REST counts the file's own bytes.
    let whole = std::fs::read(here.path().join("out/text")).unwrap();
    std::fs::write(here.path().join("text"), &whole[..2_000_001]).unwrap();
    lftp(&server, Way::Passive4, here.path(), &format!("{on}get -c up/text")).well();
    assert_same(&here.path().join("out/text"), &here.path().join("text"));
}

#[test]
fn digests_are_told_and_times_are_set() {
    need!("lftp");
    let (server, here) = (Server::start(), TempDir::new().unwrap());
    std::fs::write(server.root().join("f"), "abc").unwrap();
    let said = lftp(
        &server,
        Way::Passive4,
        here.path(),
        "quote HASH f; quote XCRC f; quote XMD5 f; quote XSHA1 f; quote XSHA256 f; quote MFMT 20250102030405 f; quote MDTM f",
    )
    .well()
    .said
    .to_lowercase();
    let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(said.matches(sha256).count(), 2, "{said}");
    for digest in ["352441c2", "900150983cd24fb0d6963f7d28e17f72", "a9993e364706816aba3e25717850c26c9cd0d89d"] {
        assert!(said.contains(digest), "{digest}: {said}");
    }
    assert!(said.contains("213 20250102030405"), "{said}");
}
