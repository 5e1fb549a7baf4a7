//! wget: reads listings meant for people and fetches whole trees.

use interop::files::{assert_same, assert_same_trees, make, make_tree};
use interop::run::{Ran, run};
use interop::{PASSWORD, Server, USER, Way, need};
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

fn wget(way: Way, folder: &Path, arguments: &[&str]) -> Ran {
    let mut command = Command::new("wget");
    command.args(["--no-verbose", "--tries=2", "--timeout=20", "--no-proxy", "--user", USER, "--password", PASSWORD]);
    if way.is_active() {
        command.arg("--no-passive-ftp");
    }
    run(command.args(arguments).current_dir(folder).env("HOME", folder))
}

fn fetches_a_tree(way: Way) {
    need!("wget");
    let (server, here) = (Server::start(), TempDir::new().unwrap());
    make_tree(&server.root().join("tree"));
    // wget takes these for patterns or escapes whatever the server lists.
    for odd in ["br[ack]et.txt", "percent%20.txt"] {
        std::fs::remove_file(server.root().join("tree").join(odd)).unwrap();
    }
    let url = format!("{}tree/", server.url(way));
    wget(way, here.path(), &["--recursive", "--level=5", "--no-host-directories", "--restrict-file-names=nocontrol", &url])
        .well();
    let _ = std::fs::remove_file(here.path().join("tree/.listing"));
    assert_same_trees(&server.root().join("tree"), &here.path().join("tree"));
}

super::every_way!(fetches_a_tree:
    fetches_a_tree_passive_4 = Passive4, fetches_a_tree_passive_6 = Passive6,
    fetches_a_tree_active_4 = Active4, fetches_a_tree_active_6 = Active6);

#[test]
fn resumes_a_large_file() {
    need!("wget");
    let (server, here) = (Server::start(), TempDir::new().unwrap());
    make(&server.root().join("large"), 100 << 20, 3);
    let whole = std::fs::read(server.root().join("large")).unwrap();
    std::fs::write(here.path().join("large"), &whole[..33_333_333]).unwrap();
    wget(Way::Passive4, here.path(), &["--continue", &format!("{}large", server.url(Way::Passive4))]).well();
    assert_same(&server.root().join("large"), &here.path().join("large"));
}

#[test]
fn keeps_times_and_fetches_only_what_is_newer() {
    need!("wget");
    let (server, here) = (Server::start(), TempDir::new().unwrap());
    make(&server.root().join("f"), 1000, 3);
    let url = format!("{}f", server.url(Way::Passive4));
    wget(Way::Passive4, here.path(), &["--timestamping", &url]).well();
    let first = std::fs::metadata(here.path().join("f")).unwrap();
    wget(Way::Passive4, here.path(), &["--timestamping", &url]).well();
    let second = std::fs::metadata(here.path().join("f")).unwrap();
    assert_eq!(
        std::os::unix::fs::MetadataExt::ctime_nsec(&first),
        std::os::unix::fs::MetadataExt::ctime_nsec(&second),
        "fetched again"
    );
}
