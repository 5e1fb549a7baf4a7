//! curl: one URL at a time, strict about replies and names.

use interop::files::{ODD_NAMES, assert_same, make, make_tree, url_encoded};
use interop::run::{Ran, run};
use interop::{PASSWORD, Server, USER, Way, need};
use std::process::Command;
use tempfile::TempDir;

fn curl(way: Way, arguments: &[&str]) -> Ran {
    run(&mut ordered(Command::new("curl"), way, arguments))
}

/// The command with what every run of curl is told.
fn ordered(mut command: Command, way: Way, arguments: &[&str]) -> Command {
    command.args([
        "--silent",
        "--show-error",
        "--globoff",
        "--noproxy",
        "*",
        "--max-time",
        "50",
        "--user",
        &format!("{USER}:{PASSWORD}"),
    ]);
    if way.is_active() {
        command.args(["--ftp-port", "-"]);
    }
    command.args(arguments);
    command
}

fn moves_files(way: Way) {
    need!("curl");
    let (server, here) = (Server::start(), TempDir::new().unwrap());
    make_tree(here.path());
    for name in ODD_NAMES.iter().copied().chain(["empty", "a folder/below/deep.bin"]) {
        let local = here.path().join(name);
        let url = format!("{}{}", server.url(way), url_encoded(name));
        curl(way, &["--ftp-create-dirs", "--upload-file", local.to_str().unwrap(), &url]).well();
        assert_same(&local, &server.root().join(name));
        let back = here.path().join("back");
        let _ = std::fs::remove_file(&back);
        curl(way, &["--output", back.to_str().unwrap(), &url]).well();
        // curl writes no file at all for an empty body.
        if name != "empty" {
            assert_same(&local, &back);
        }
    }
    let listed = curl(way, &["--list-only", &server.url(way)]).well().said;
    for name in ODD_NAMES {
        assert!(listed.lines().any(|line| line == name), "{name} is not in {listed}");
    }
}

super::every_way!(moves_files:
    moves_files_passive_4 = Passive4, moves_files_passive_6 = Passive6, moves_files_active_4 = Active4, moves_files_active_6 = Active6);

#[test]
fn pasv_and_port_instead_of_the_extended_forms() {
    need!("curl");
    let (server, here) = (Server::start(), TempDir::new().unwrap());
    make(&here.path().join("f"), 70_000, 5);
    for (way, switch) in [(Way::Passive4, "--disable-epsv"), (Way::Active4, "--disable-eprt")] {
        let url = format!("{}{switch}", server.url(way));
        curl(way, &[switch, "--upload-file", here.path().join("f").to_str().unwrap(), &url]).well();
        curl(way, &[switch, "--output", here.path().join("b").to_str().unwrap(), &url]).well();
        assert_same(&here.path().join("f"), &here.path().join("b"));
    }
}

#[test]
fn a_large_file_goes_and_comes() {
    need!("curl");
    let (server, here) = (Server::start(), TempDir::new().unwrap());
    let (local, back) = (here.path().join("large"), here.path().join("back"));
    make(&local, 100 << 20, 7);
    let url = format!("{}large", server.url(Way::Passive4));
    curl(Way::Passive4, &["--upload-file", local.to_str().unwrap(), &url]).well();
    assert_same(&local, &server.root().join("large"));
    curl(Way::Passive4, &["--output", back.to_str().unwrap(), &url]).well();
    assert_same(&local, &back);
}

#[test]
fn both_directions_resume() {
    need!("curl");
    let (server, here) = (Server::start(), TempDir::new().unwrap());
    let (local, back) = (here.path().join("f"), here.path().join("back"));
    make(&local, 3_000_000, 8);
    let whole = std::fs::read(&local).unwrap();
    let url = format!("{}f", server.url(Way::Passive4));
    std::fs::write(server.root().join("f"), &whole[..1_234_567]).unwrap();
    curl(Way::Passive4, &["--continue-at", "-", "--upload-file", local.to_str().unwrap(), &url]).well();
    assert_same(&local, &server.root().join("f"));
    std::fs::write(&back, &whole[..777_777]).unwrap();
    curl(Way::Passive4, &["--continue-at", "-", "--output", back.to_str().unwrap(), &url]).well();
    assert_same(&local, &back);
}

#[test]
fn an_upload_cut_in_the_middle_goes_on() {
    need!("curl");
    let (server, here) = (Server::start(), TempDir::new().unwrap());
    let local = here.path().join("f");
    make(&local, 20 << 20, 9);
    let url = format!("{}f", server.url(Way::Passive4));
    // Killed, not told to stop: the control connection ends first then. A client that closes its data connection in an orderly
    // way has sent a whole file for all that plain FTP can tell.
    let mut killed = Command::new("timeout");
    killed.args(["--signal=KILL", "1", "curl"]);
    let cut = run(&mut ordered(killed, Way::Passive4, &["--limit-rate", "4M", "--upload-file", local.to_str().unwrap(), &url]));
    assert!(!cut.status.success(), "the first upload was to be cut");
    if Server::is_carrack() {
        assert!(!server.root().join("f").exists(), "half a file must not stand under the final name");
    }
    // The server learns of the end when it reads it; a client that comes back at once may be told 450 for a moment.
    let end = std::time::Instant::now() + std::time::Duration::from_secs(10);
    loop {
        let on = curl(Way::Passive4, &["--continue-at", "-", "--upload-file", local.to_str().unwrap(), &url]);
        if on.status.success() {
            break;
        }
        assert!(std::time::Instant::now() < end, "{}", on.said);
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    assert_same(&local, &server.root().join("f"));
}

#[test]
fn renames_and_deletes() {
    need!("curl");
    let server = Server::start();
    make(&server.root().join("old name"), 10, 1);
    make(&server.root().join("gone"), 10, 1);
    let url = server.url(Way::Passive4);
    let orders =
        ["--list-only", "--quote", "RNFR old name", "--quote", "RNTO new name", "--quote", "DELE gone", "--quote", "MKD dir"];
    let listed = curl(Way::Passive4, &[&orders[..], &[url.as_str()]].concat()).well().said;
    assert!(server.root().join("new name").exists() && server.root().join("dir").is_dir());
    assert!(!server.root().join("gone").exists() && !server.root().join("old name").exists());
    assert!(listed.contains("new name") && !listed.contains("gone"), "{listed}");
}

#[test]
fn a_wrong_password_and_a_missing_file_have_their_own_exits() {
    need!("curl");
    let server = Server::start();
    let missing = curl(Way::Passive4, &[&format!("{}nowhere", server.url(Way::Passive4))]);
    assert_eq!(missing.status.code(), Some(78), "{}", missing.said);
    let wrong = run(Command::new("curl").args(["-sS", "--max-time", "30", "--user", "u:wrong", &server.url(Way::Passive4)]));
    assert_eq!(wrong.status.code(), Some(67), "{}", wrong.said);
}
