//! ncftp: ncftpput, ncftpget and ncftpls; IPv4 only, the program knows no other.

use interop::files::{ODD_NAMES, assert_same, assert_same_trees, make, make_tree, noise};
use interop::run::{Ran, run};
use interop::{PASSWORD, Server, USER, Way, need};
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

fn ncftp(program: &str, server: &Server, way: Way, folder: &Path, switches: &[&str], rest: &[&str]) -> Ran {
    let (host, port) = server.host_and_port(way);
    let mode = if way.is_active() { "-E" } else { "-F" };
    let mut command = Command::new(program);
    command.args(["-u", USER, "-p", PASSWORD, "-P", &port, "-t", "20", "-r", "1", mode]).args(switches).arg(host).args(rest);
    run(command.current_dir(folder).env("HOME", folder))
}

fn moves_trees(way: Way) {
    need!("ncftpput");
    let (server, here) = (Server::start(), TempDir::new().unwrap());
    make_tree(&here.path().join("tree"));
    // The program takes names as patterns and loses these two on the way to the server; every server sees the same.
    for odd in ["br[ack]et.txt", "back\\slash.txt"] {
        std::fs::remove_file(here.path().join("tree").join(odd)).unwrap();
    }
    ncftp("ncftpput", &server, way, here.path(), &["-V", "-R"], &["/", "tree"]).well();
    assert_same_trees(&here.path().join("tree"), &server.root().join("tree"));
    std::fs::create_dir(here.path().join("back")).unwrap();
    ncftp("ncftpget", &server, way, here.path(), &["-V", "-R"], &["back", "/tree"]).well();
    assert_same_trees(&here.path().join("tree"), &here.path().join("back/tree"));
}

super::every_way!(moves_trees: moves_trees_passive_4 = Passive4, moves_trees_active_4 = Active4);

#[test]
fn lists_names_and_details() {
    need!("ncftpls");
    let (server, here) = (Server::start(), TempDir::new().unwrap());
    make_tree(server.root());
    let url = format!("ftp://{USER}:{PASSWORD}@127.0.0.1:{}/", server.port());
    for switches in [["-1", "-F"], ["-l", "-F"]] {
        let said = run(Command::new("ncftpls").args(switches).args(["-t", "20", &url]).env("HOME", here.path())).well().said;
        for name in ODD_NAMES {
            assert!(said.contains(name), "{name} is not in {said}");
        }
    }
}

#[test]
fn both_directions_resume() {
    need!("ncftpput");
    let (server, here) = (Server::start(), TempDir::new().unwrap());
    let whole = noise(2_000, 3);
    // The program goes on only with what is older than its own copy, and sends larger files whole behind REST: its sendfile
    // path forgets where to begin.
    std::fs::write(server.root().join("f"), &whole[..1_001]).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(1100));
    std::fs::write(here.path().join("f"), &whole).unwrap();
    ncftp("ncftpput", &server, Way::Passive4, here.path(), &["-V", "-z"], &["/", "f"]).well();
    assert_same(&here.path().join("f"), &server.root().join("f"));
    std::fs::create_dir(here.path().join("back")).unwrap();
    std::fs::write(here.path().join("back/f"), &whole[..509]).unwrap();
    ncftp("ncftpget", &server, Way::Passive4, here.path(), &["-V", "-z"], &["back", "/f"]).well();
    assert_same(&here.path().join("f"), &here.path().join("back/f"));
}

#[test]
fn uploads_under_a_temporary_name_and_deletes_after_fetching() {
    need!("ncftpput");
    let (server, here) = (Server::start(), TempDir::new().unwrap());
    make(&here.path().join("f"), 100_000, 3);
    // -T: a prefix while it is sent, then RNFR and RNTO. -DD: deletes the local file once it is there.
    ncftp("ncftpput", &server, Way::Passive4, here.path(), &["-V", "-T", "part."], &["/", "f"]).well();
    assert_same(&here.path().join("f"), &server.root().join("f"));
    assert!(!server.root().join("part.f").exists());
    std::fs::create_dir(here.path().join("back")).unwrap();
    ncftp("ncftpget", &server, Way::Passive4, here.path(), &["-V", "-DD"], &["back", "/f"]).well();
    assert_same(&here.path().join("f"), &here.path().join("back/f"));
    assert!(!server.root().join("f").exists(), "-DD deletes the server's file");
}

#[test]
fn a_large_file_goes_and_comes() {
    need!("ncftpput");
    let (server, here) = (Server::start(), TempDir::new().unwrap());
    make(&here.path().join("large"), 100 << 20, 3);
    ncftp("ncftpput", &server, Way::Passive4, here.path(), &["-V"], &["/", "large"]).well();
    assert_same(&here.path().join("large"), &server.root().join("large"));
    std::fs::create_dir(here.path().join("back")).unwrap();
    ncftp("ncftpget", &server, Way::Passive4, here.path(), &["-V"], &["back", "/large"]).well();
    assert_same(&here.path().join("large"), &here.path().join("back/large"));
}
