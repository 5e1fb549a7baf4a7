//! The commands that change names, bits and times: mkdir, rmdir, mv, chmod, touch.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use super::{There, run, well};

fn bits(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o7777
}

/// The same place on the server and on this machine.
fn both(there: &There, path: &str) -> [String; 2] {
    [there.url(path), there.path(path).display().to_string()]
}

#[test]
fn folders_come_and_go() {
    let there = There::new();
    for (n, base) in both(&there, "new").iter().enumerate() {
        let (new, below) = (format!("{base}{n}"), format!("{base}{n}/a/b"));
        assert_eq!(run(&["mkdir", &below]).code, 78, "the folder above is missing");
        well(&["mkdir", &new]);
        assert_eq!(run(&["mkdir", &new]).code, 73);
        well(&["mkdir", "-p", &below, &new]);
        assert!(there.path(&format!("new{n}/a/b")).is_dir());
        assert_eq!(run(&["rmdir", &new]).code, 73, "it is not empty");
        well(&["rmdir", &below]);
        assert!(!there.path(&format!("new{n}/a/b")).exists());
    }
    assert_eq!(run(&["mkdir", "-p", &there.url("one.txt/x")]).code, 78);
}

#[test]
fn files_and_folders_are_moved_within_a_storage() {
    for (which, name) in ["server", "machine"].iter().enumerate() {
        let there = There::new();
        let at = |path: &str| both(&there, path)[which].clone();
        well(&["mv", &at("one.txt"), &at("1.txt")]);
        assert!(there.path("1.txt").exists() && !there.path("one.txt").exists(), "{name}");
        well(&["mv", &at("1.txt"), &at("two.txt"), &at("sub")]);
        assert_eq!(std::fs::read(there.path("sub/1.txt")).unwrap(), b"first\n");
        well(&["mv", &at("sub/1.txt"), &at("sub/deep/")]);
        std::fs::write(there.path("other"), "other").unwrap();
        let said = run(&["mv", "-n", &at("other"), &at("sub/two.txt")]);
        assert_eq!(said.code, 73, "{name}: {said:?}");
        well(&["mv", &at("other"), &at("sub/two.txt")]);
        assert_eq!(std::fs::read(there.path("sub/two.txt")).unwrap(), b"other");
        assert_ne!(run(&["mv", &at("sub"), &at("sub/deep")]).code, 0);
        assert!(there.path("sub/deep/1.txt").exists());
        let said = run(&["mv", &at("sub"), &both(&there, "elsewhere")[1 - which]]);
        assert!(said.code != 0 && said.err.contains("CRK-219"), "{name}: {said:?}");
    }
}

#[test]
fn bits_are_set_as_chmod_sets_them() {
    for which in 0..2 {
        let there = There::new();
        let at = |path: &str| both(&there, path)[which].clone();
        well(&["chmod", "600", &at("one.txt")]);
        assert_eq!(bits(&there.path("one.txt")), 0o600);
        well(&["chmod", "u-w,go+r", &at("one.txt")]);
        assert_eq!(bits(&there.path("one.txt")), 0o444);
        let said = well(&["chmod", "-R", "--json", "go=", &at("sub")]);
        assert_eq!(said.lines().count(), 4, "{said}");
        assert_eq!((bits(&there.path("sub/deep")), bits(&there.path("sub/deep/a b"))), (0o700, 0o600));
        assert_eq!(run(&["chmod", "9", &at("one.txt")]).code, 2);
        assert_eq!(run(&["chmod", "600", &at("nothing")]).code, 78);
    }
}

#[test]
fn times_are_set_and_empty_files_made() {
    for which in 0..2 {
        let there = There::new();
        let at = |path: &str| both(&there, path)[which].clone();
        let time = |path: &str| there.path(path).metadata().unwrap().mtime();
        well(&["touch", "-d", "2001-09-09T01:46:40Z", &at("one.txt"), &at("made")]);
        assert_eq!((time("one.txt"), time("made")), (1_000_000_000, 1_000_000_000));
        assert_eq!(there.path("made").metadata().unwrap().len(), 0);
        well(&["touch", "-t", "200109090146.41", &at("one.txt")]);
        assert_eq!(time("one.txt"), 1_000_000_001);
        well(&["touch", &at("one.txt")]);
        assert!(time("one.txt") > 1_700_000_000);
        well(&["touch", "-c", &at("nothing")]);
        assert!(!there.path("nothing").exists());
        assert_eq!(std::fs::read(there.path("one.txt")).unwrap(), b"first\n");
        assert_eq!(run(&["touch", "-d", "some day", &at("one.txt")]).code, 2);
    }
}
