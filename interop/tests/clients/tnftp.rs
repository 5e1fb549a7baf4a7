//! tnftp: the BSD client, told what to do line by line.

use interop::files::{ODD_NAMES, assert_same, make, make_tree};
use interop::run::{Ran, run_with};
use interop::{PASSWORD, Server, USER, Way, need};
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

fn tnftp(server: &Server, way: Way, folder: &Path, orders: &str) -> Ran {
    let (host, port) = server.host_and_port(way);
    let mode = if way.is_active() { "-A" } else { "-p" };
    let input = format!("open {host} {port}\nuser {USER} {PASSWORD}\nbinary\n{orders}\nbye\n");
    let mut command = Command::new("tnftp");
    run_with(command.args(["-i", "-n", "-v", mode]).current_dir(folder).env("HOME", folder), &input, Duration::from_secs(60))
        .well()
}

/// A name as this client's command line wants it: a backslash before whatever means something.
fn quoted(name: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || !c.is_ascii() || "-._/%#&[];".contains(c);
    name.chars().flat_map(|c| (!plain(c)).then_some('\\').into_iter().chain([c])).collect()
}

fn moves_files(way: Way) {
    need!("tnftp");
    let (server, here) = (Server::start(), TempDir::new().unwrap());
    make_tree(here.path());
    std::fs::create_dir(here.path().join("back")).unwrap();
    let mut orders = String::new();
    let names: Vec<&str> = ODD_NAMES.iter().copied().chain(["empty"]).collect();
    for (n, name) in names.iter().enumerate() {
        // Told both names, the client takes neither for a pattern or a switch.
        orders += &format!("put {0} {0}\nget {0} back/{n}\n", quoted(name));
    }
    let said = tnftp(&server, way, here.path(), &orders).said;
    for (n, name) in names.iter().enumerate() {
        assert!(server.root().join(name).exists(), "{name} did not arrive: {said}");
        assert_same(&here.path().join(name), &server.root().join(name));
        assert_same(&here.path().join(name), &here.path().join(format!("back/{n}")));
    }
}

super::every_way!(moves_files:
    moves_files_passive_4 = Passive4, moves_files_passive_6 = Passive6, moves_files_active_4 = Active4, moves_files_active_6 = Active6);

#[test]
fn lists_renames_deletes_and_resumes() {
    need!("tnftp");
    let (server, here) = (Server::start(), TempDir::new().unwrap());
    make(&server.root().join("f"), 1_000_000, 3);
    make(&server.root().join("gone"), 10, 3);
    let whole = std::fs::read(server.root().join("f")).unwrap();
    std::fs::write(here.path().join("f"), &whole[..400_000]).unwrap();
    let orders =
        "reget f\ndelete gone\nrename f \"g h\"\nmkdir d\nls\nmlsd\nsize \"g h\"\nmodtime \"g h\"\nrstatus\nsystem\nfeatures";
    let said = tnftp(&server, Way::Passive4, here.path(), orders).said;
    assert_eq!(std::fs::read(here.path().join("f")).unwrap(), whole, "{said}");
    assert!(
        server.root().join("g h").exists() && server.root().join("d").is_dir() && !server.root().join("gone").exists(),
        "{said}"
    );
    assert!(said.contains("g h") && said.contains("1000000"), "{said}");
}

#[test]
fn text_files_change_their_line_ends() {
    need!("tnftp");
    let (server, here) = (Server::start(), TempDir::new().unwrap());
    std::fs::write(here.path().join("t"), "one\ntwo\n\nfour").unwrap();
    let said = tnftp(&server, Way::Passive4, here.path(), "ascii\nput t t\nget t back").said;
    assert_same(&here.path().join("t"), &here.path().join("back"));
    // What stands on the server's disk has this system's line ends.
    if Server::is_carrack() {
        assert_eq!(std::fs::read_to_string(server.root().join("t")).unwrap(), "one\ntwo\n\nfour", "{said}");
    }
}

#[test]
fn a_large_file_goes_and_comes() {
    need!("tnftp");
    let (server, here) = (Server::start(), TempDir::new().unwrap());
    make(&here.path().join("large"), 100 << 20, 3);
    tnftp(&server, Way::Passive4, here.path(), "put large large\nget large back");
    assert_same(&here.path().join("large"), &server.root().join("large"));
    assert_same(&here.path().join("large"), &here.path().join("back"));
}
