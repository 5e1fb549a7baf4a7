//! `carrack bookmark` as a user runs it: kept for the next time, never with a password.

use std::path::Path;
use std::process::{Command, Output};

fn bookmark(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_carrack"));
    command.arg("bookmark").args(args).env("XDG_CONFIG_HOME", folder).output().unwrap()
}

fn said(o: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (o.status.code().unwrap(), text(&o.stdout), text(&o.stderr))
}

#[test]
fn bookmarks_are_kept_listed_and_removed() {
    let folder = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| said(&bookmark(folder.path(), args));
    assert_eq!(run(&["add", "work", "ftpes://ana@h/charts", "--active", "--timeout=9"]).0, 0);
    assert_eq!(run(&["add", "pub", "ftp://h2/"]).0, 0);
    let (code, out, _) = run(&["list"]);
    assert_eq!((code, &*out), (0, "work  ftpes://ana@h/charts --active --timeout=9\npub   ftp://h2/\n"));
    assert_eq!(run(&["show", "pub"]).1, "ftp://h2/\n");
    let (code, _, err) = run(&["show", "wrok"]);
    assert!(code == 1 && err.contains("did you mean work") && err.contains("CRK-762"), "{err}");
    assert_eq!(run(&["rm", "work", "pub"]).0, 0);
    assert!(run(&["list"]).2.contains("carrack bookmark add"));
}

#[test]
fn a_password_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (code, _, err) = said(&bookmark(folder.path(), &["add", "work", "ftp://ana:geheim@h/"]));
    assert!(code == 1 && err.contains("~/.netrc") && !err.contains("geheim"), "{err}");
    assert!(!folder.path().join("carrack").exists());
}

#[test]
fn a_password_that_no_keyring_takes_is_told_and_nothing_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let add = |url: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_carrack"));
        command.args(["bookmark", "add", "--save-password", "work", url]).env("XDG_CONFIG_HOME", folder.path());
        command.env("CARRACK_PASSWORD", "geheim").env_remove("DBUS_SESSION_BUS_ADDRESS").output().unwrap()
    };
    for (url, says) in [("ftp://ana@h/", "CRK-765"), ("ftp://h/", "whose password?"), ("/tmp", "CRK-762")] {
        let (code, _, err) = said(&add(url));
        assert!(code == 1 && err.contains(says) && !err.contains("geheim"), "{url}: {err}");
    }
    assert!(!folder.path().join("carrack").exists());
}
