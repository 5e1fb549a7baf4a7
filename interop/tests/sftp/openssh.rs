//! OpenSSH's `sftp` and `scp`, with SFTP and with the old protocol.

use crate::site;
use interop::files::{assert_same, assert_same_trees, make, make_tree};
use interop::run::{run, run_with};
use interop::{USER, need};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::Command;
use std::time::Duration;

fn at() -> String {
    format!("{USER}@127.0.0.1")
}

#[test]
fn trees_go_up_and_come_back() {
    need!("sftp");
    let site = site("");
    make_tree(&site.place("out"));
    make(&site.place("out/big"), 9_000_000, 5);
    let batch = "put -r out up\nget -r up back\nls -la up\nrename up/big up/bigger\nchmod 600 up/bigger\nln -s bigger up/link\n\
                 mkdir new\nrmdir new\nrm up/plain.txt\ndf\n";
    let ran =
        run_with(site.openssh("sftp").args(["-b", "-", &at()]).current_dir(site.here.path()), batch, Duration::from_secs(60));
    let ran = ran.well();
    assert!(ran.said.contains("semi;colon.txt"), "{}", ran.said);
    assert_same_trees(&site.place("out"), &site.place("back"));
    let up = site.server.root().join("up");
    assert_eq!(fs::metadata(up.join("bigger")).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_link(up.join("link")).unwrap().as_os_str(), "bigger");
    assert!(!up.join("plain.txt").exists() && !site.server.root().join("new").exists());
}

#[test]
fn many_requests_under_way_and_keys_exchanged_anew_on_the_way() {
    need!("sftp");
    let site = site("rekey_bytes = \"1 MiB\"");
    make(&site.place("big"), 40_000_000, 7);
    for (requests, buffer) in [("512", "32768"), ("64", "261120"), ("1", "32768")] {
        let size = if requests == "1" { "head -c 3000000 big > small; mv small big" } else { ":" };
        run(Command::new("sh").args(["-c", size]).current_dir(site.here.path())).well();
        let both = format!("put big\nget big back{requests}\n");
        let mut sftp = site.openssh("sftp");
        sftp.args(["-R", requests, "-B", buffer, "-b", "-", &at()]).current_dir(site.here.path());
        run_with(&mut sftp, &both, Duration::from_secs(120)).well();
        assert_same(&site.place("big"), &site.place(&format!("back{requests}")));
    }
}

#[test]
fn what_was_interrupted_is_gone_on_with() {
    need!("sftp");
    let site = site("");
    make(&site.place("big"), 5_000_000, 3);
    // A client that is cut off: a limit of its own, and an end by force.
    let mut sftp = site.openssh("sftp");
    sftp.args(["-l", "4000", "-b", "-", &at()]).current_dir(site.here.path());
    let mut child = {
        let file = site.place("batch");
        fs::write(&file, "put big\n").unwrap();
        sftp.stdin(fs::File::open(file).unwrap()).stdout(std::process::Stdio::null()).spawn().unwrap()
    };
    let grown = || fs::read_dir(site.server.root()).unwrap().flatten().any(|e| e.metadata().is_ok_and(|m| m.size() > 500_000));
    let until = std::time::Instant::now() + Duration::from_secs(60);
    while !grown() {
        assert!(std::time::Instant::now() < until, "nothing comes");
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!site.server.root().join("big").exists(), "nobody sees half a file");
    // Until the server has seen the end, the file is in use.
    loop {
        let ran = run_with(
            site.openssh("sftp").args(["-b", "-", &at()]).current_dir(site.here.path()),
            "reput big\n",
            Duration::from_secs(60),
        );
        if ran.status.success() {
            break;
        }
        assert!(std::time::Instant::now() < until, "{}", ran.said);
        std::thread::sleep(Duration::from_millis(200));
    }
    assert_same(&site.place("big"), &site.server.root().join("big"));
}

/// Copies a tree up and back, with times and modes.
fn copies(old: bool) {
    need!("scp");
    let site = site("");
    make_tree(&site.place("out"));
    make(&site.place("out/big"), 3_000_000, 5);
    fs::set_permissions(site.place("out/plain.txt"), fs::Permissions::from_mode(0o640)).unwrap();
    run(Command::new("touch").args(["-d", "2001-02-03 04:05:06 UTC"]).arg(site.place("out/plain.txt"))).well();
    let scp = |arguments: &[&str]| {
        let mut scp = site.openssh("scp");
        scp.args(if old { &["-O"][..] } else { &[] }).args(["-r", "-p"]).args(arguments);
        run(scp.current_dir(site.here.path()))
    };
    scp(&["out", &format!("{}:up", at())]).well();
    assert_same_trees(&site.place("out"), &site.server.root().join("up"));
    let there = fs::metadata(site.server.root().join("up/plain.txt")).unwrap();
    assert_eq!((there.mtime(), there.permissions().mode() & 0o777), (981_173_106, 0o640));
    scp(&[&format!("{}:up", at()), "back"]).well();
    assert_same_trees(&site.place("out"), &site.place("back"));
    assert_eq!(fs::metadata(site.place("back/plain.txt")).unwrap().mtime(), 981_173_106);
    scp(&[&format!("{}:up/*.txt", at()), "back/a folder"]).well();
    assert!(site.place("back/a folder/semi;colon.txt").exists());
    assert!(!scp(&[&format!("{}:nowhere", at()), "back"]).status.success());
}

#[test]
fn scp_over_sftp() {
    copies(false);
}

#[test]
fn scp_as_it_was() {
    copies(true);
}

#[test]
fn there_is_no_shell_and_no_forwarding() {
    need!("ssh");
    let site = site("");
    for command in [&[][..], &["id"]] {
        let ran = run(site.openssh("ssh").arg(at()).args(command));
        assert!(!ran.status.success() && ran.said.contains("CRK-855"), "{}", ran.said);
    }
    let ran = run(site.openssh("ssh").args(["-o", "ExitOnForwardFailure=yes", "-W", "127.0.0.1:22", &at()]));
    assert!(!ran.status.success() && ran.said.contains("forwarding failed"), "{}", ran.said);
    let remote = ["-o", "ExitOnForwardFailure=yes", "-N", "-R", "0:127.0.0.1:22"];
    let ran = run(site.openssh("ssh").args(remote).arg(at()));
    assert!(!ran.status.success() && ran.said.contains("forwarding failed"), "{}", ran.said);
}

#[test]
fn a_certificate_lets_in_whom_its_authority_names() {
    need!("ssh-keygen");
    let here = tempfile::TempDir::new().unwrap();
    let keygen = |arguments: &[&str]| run(Command::new("ssh-keygen").arg("-q").args(arguments).current_dir(here.path())).well();
    keygen(&["-t", "ed25519", "-N", "", "-f", "authority"]);
    keygen(&["-t", "ed25519", "-N", "", "-f", "stranger"]);
    let line = fs::read_to_string(here.path().join("authority.pub")).unwrap();
    let site = site(&format!("#AUTHORITY {}", line.trim()));
    for (name, lets_in) in [(USER, true), ("other", false)] {
        keygen(&["-s", "authority", "-I", "test", "-n", name, "stranger.pub"]);
        let mut sftp = Command::new("sftp");
        sftp.args(["-F", "/dev/null", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "IdentitiesOnly=yes"]);
        sftp.args(["-o", "UserKnownHostsFile=/dev/null", "-i"]).arg(here.path().join("stranger"));
        sftp.args(["-P", &site.port(), "-b", "-", &at()]);
        let ran = run_with(&mut sftp, "pwd\n", Duration::from_secs(30));
        assert_eq!(ran.status.success(), lets_in, "{name}: {}", ran.said);
    }
}
