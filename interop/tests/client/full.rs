//! A disk that is full, on this side or on the server's, is said with its code and exit code, and damages nothing.

use std::fs;
use std::path::Path;
use std::process::Command;

use interop::run::{Ran, run};
use interop::{PASSWORD, Server, USER, files};
use tempfile::TempDir;

/// More than fits.
const LARGE: usize = 6 << 20;
/// What is on the small disk already, and stays as it is.
const OLD: &str = "precious";

/// Runs the program with a small disk of its own at `disk`, where a file stands already; then says what stands there.
fn on_small_disk(disk: &Path, words: &[&str]) -> Option<Ran> {
    let script =
        "mount -t tmpfs -o size=1m none \"$DISK\" || { echo NO DISK; exit 0; }; printf %s \"$OLD\" > \"$DISK/old\"; \"$@\"
        code=$?; cd \"$DISK\"; echo STANDS:; ls; echo OLD: $(cat old); exit $code";
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]).arg(interop::carrack()).args(words);
    command.env("DISK", disk).env("OLD", OLD).env("CARRACK_PASSWORD", PASSWORD).env("HOME", disk);
    let ran = run(&mut command);
    if ran.said.contains("NO DISK") || ran.said.contains("unshare failed") {
        interop::skip(&format!("no disk can be mounted here: {}", ran.said));
        return None;
    }
    Some(ran)
}

pub(crate) fn here() {
    let (server, disk) = (Server::start(), TempDir::new().unwrap());
    files::make(&server.root().join("large"), LARGE, 1);
    fs::create_dir(server.root().join("tree")).unwrap();
    for n in 0..8 {
        files::make(&server.root().join(format!("tree/{n}")), LARGE / 4, n);
    }
    let url = |name: &str| format!("ftp://{USER}@127.0.0.1:{}/{name}", server.port());
    let at = disk.path().display();
    let (large, tree) = (url("large"), url("tree"));
    let [new, old, new_tree] = ["new", "old", "tree"].map(|name| format!("{at}/{name}"));
    let courses: [(u8, &[&str]); 4] = [
        (70, &["get", &large, &new]),
        (70, &["get", &large, &old]),
        (70, &["get", "-n", "3", &large, &new]),
        (1, &["mirror", &tree, &new_tree]),
    ];
    for (code, words) in courses {
        let Some(ran) = on_small_disk(disk.path(), words) else { return };
        is_told(&ran, code);
        let stands = ran.said.split_once("STANDS:").unwrap().1;
        assert!(stands.contains(&format!("OLD: {OLD}")), "{words:?}: {ran:?}");
        assert!(!stands.lines().any(|name| name == "new"), "{words:?}: {ran:?}");
    }
}

#[track_caller]
fn is_told(ran: &Ran, code: u8) {
    assert!(ran.status.code() == Some(code.into()) && ran.said.contains("[CRK-214]"), "{ran:?}");
    assert_eq!(ran.said.matches("Free some space").count(), 1, "{ran:?}");
}

struct Mount<'a>(&'a Path);

impl Drop for Mount<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.0).status();
    }
}

pub(crate) fn there() {
    if !interop::outside::may_start() {
        return interop::skip("a small file system is mounted as root only");
    }
    let (disk, here) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=2m", "none"]).arg(disk.path()).status().unwrap();
    if !mounted.success() {
        return interop::skip("mounting a tmpfs is not allowed here");
    }
    let disk = Mount(disk.path());
    fs::write(disk.0.join("old"), OLD).unwrap();
    let server = Server::at(disk.0, &[]);
    files::make(&here.path().join("large"), LARGE, 1);
    files::make(&here.path().join("tree/large"), LARGE, 1);
    let url = |name: &str| format!("ftp://{USER}@127.0.0.1:{}/{name}", server.port());
    let (new, old, tree) = (url("new"), url("old"), url("tree"));
    for (code, words) in [(70, ["put", "large", &*new]), (70, ["put", "large", &*old]), (1, ["mirror", "tree", &*tree])] {
        let mut command = Command::new(interop::carrack());
        command.args(words).env("CARRACK_PASSWORD", PASSWORD).env("HOME", here.path()).current_dir(here.path());
        is_told(&run(&mut command), code);
        assert_eq!(fs::read_to_string(disk.0.join("old")).unwrap(), OLD, "{words:?}");
        assert!(!disk.0.join("new").exists() && !disk.0.join("tree/large").exists(), "{words:?}");
    }
}
