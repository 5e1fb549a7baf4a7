//! get, put, cp, mirror, plan and apply: what is copied, what is said, and what is left when it is cut off.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::{Said, There, carrack, run, well};
use crate::harness::until;

/// What a folder holds: each file's bytes and time, and folders.
fn tree(folder: &Path) -> BTreeMap<String, Option<(Vec<u8>, i64)>> {
    let mut all = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
            let facts = path.symlink_metadata().unwrap();
            if facts.is_dir() {
                folders.push(path);
                all.insert(name, None);
            } else {
                all.insert(name, Some((std::fs::read(&path).unwrap(), facts.mtime())));
            }
        }
    }
    all
}

/// The same without what interrupted copies have left.
fn whole(folder: &Path) -> BTreeMap<String, Option<(Vec<u8>, i64)>> {
    tree(folder).into_iter().filter(|(name, _)| !name.contains(".~carrack~") && !name.contains(".carrack-part")).collect()
}

fn shown(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn ok(args: &[&str]) -> Said {
    let said = run(args);
    assert_eq!(said.code, 0, "{args:?}: {said:?}");
    said
}

#[test]
fn files_come_and_go_under_the_names_they_shall_have() {
    let there = There::new();
    let here = tempfile::tempdir().unwrap();
    let at = |name: &str| here.path().join(name);
    let said = ok(&["get", &there.url("one.txt"), shown(here.path())]);
    assert_eq!(std::fs::read(at("one.txt")).unwrap(), b"first\n");
    assert!(said.err.contains("1 file, 6 B in "), "{said:?}");
    ok(&["get", &there.url("one.txt"), shown(&at("other"))]);
    assert_eq!(std::fs::read(at("other")).unwrap(), b"first\n");
    assert_eq!(at("other").metadata().unwrap().mtime(), there.path("one.txt").metadata().unwrap().mtime());
    ok(&["get", &there.url("two.txt"), &there.url("sub/deep/a%20b"), &format!("{}/new/", shown(here.path()))]);
    assert_eq!(std::fs::read(at("new/a b")).unwrap(), b"x");
    assert_eq!(well(&["get", "-q", &there.url("two.txt"), "-"]), "the second\n");
    ok(&["put", shown(&at("other")), &there.url("sub/")]);
    assert_eq!(std::fs::read(there.path("sub/other")).unwrap(), b"first\n");
    ok(&["put", shown(&at("other")), shown(&at("new/two.txt")), &there.url("sub")]);
    assert_eq!(std::fs::read(there.path("sub/two.txt")).unwrap(), b"the second\n");
    ok(&["cp", &there.url("sub/three"), &there.url("four")]);
    assert_eq!(std::fs::read(there.path("four")).unwrap(), b"3\n");
    ok(&["cp", "-r", &there.url("sub"), shown(&at("copy"))]);
    assert_eq!(tree(&at("copy")), tree(&there.path("sub")));
    ok(&["cp", "-r", "--checksum", shown(&at("copy")), &there.url("")]);
    assert_eq!(tree(&there.path("copy")), tree(&there.path("sub")));
}

#[test]
fn standard_input_is_sent() {
    let there = There::new();
    let mut child = carrack(&["put", "-", &there.url("from")]).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(&[7; 1_000_000]).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(std::fs::read(there.path("from")).unwrap(), [7; 1_000_000]);
    let said = run(&["put", "-", &there.url("")]);
    assert!(said.code != 0 && said.err.contains("no name of its own"), "{said:?}");
}

#[test]
fn what_cannot_be_copied_is_told() {
    let there = There::new();
    let here = tempfile::tempdir().unwrap();
    let to = shown(here.path());
    for (args, code, words) in [
        (vec!["get", &there.url("nothing"), to], 78, "[CRK-201]"),
        (vec!["get", &there.url("sub"), to], 78, "with -r"),
        (vec!["get", "one.txt", to], 2, "is no URL"),
        (vec!["put", "one.txt", to], 2, "is no URL"),
        (vec!["get", &there.url("one.txt"), &there.url("two.txt"), &format!("{to}/file")], 78, "into a folder only"),
        (vec!["cp", "-r", to, &format!("{to}/below")], 23, "into itself"),
        (vec!["mirror", &there.url("one.txt"), to], 78, "cp copies a file"),
        (vec!["mirror", &there.url("sub"), to, "--exclude", "["], 2, "--exclude"),
    ] {
        let said = run(&args);
        assert!(said.code == code && said.err.contains(words), "{args:?}: {said:?}");
    }
    // One that fails does not keep the other from coming.
    let said = run(&["get", &there.url("nothing"), &there.url("one.txt"), to]);
    assert!(said.code == 1 && here.path().join("one.txt").exists(), "{said:?}");
}

#[test]
fn a_mirror_becomes_equal_and_then_there_is_nothing_to_do() {
    let there = There::new();
    let here = tempfile::tempdir().unwrap();
    let to = here.path().join("deep/mirror");
    ok(&["mirror", &there.url(""), shown(&to)]);
    assert_eq!(tree(&to), tree(there.folder.path()));
    let said = ok(&["mirror", &there.url(""), shown(&to)]);
    assert!(said.err.contains("nothing was copied, 5 the same"), "{said:?}");
    std::fs::write(to.join("more"), "more").unwrap();
    std::fs::remove_file(to.join("one.txt")).unwrap();
    let said = run(&["mirror", shown(&to), &there.url(""), "--delete", "--max-delete", "0"]);
    assert!(said.code == 85 && said.err.contains("[CRK-720]"), "{said:?}");
    let said = ok(&["mirror", shown(&to), &there.url(""), "--delete", "--dry-run"]);
    assert!(said.out.contains("copy   /more (4 B)\n") && said.out.contains("remove /one.txt\n"), "{said:?}");
    assert!(there.path("one.txt").exists());
    let said = ok(&["mirror", shown(&to), &there.url(""), "--delete"]);
    assert!(said.err.contains("1 file, ") && said.err.contains("1 removed"), "{said:?}");
    assert_eq!(tree(&to), tree(there.folder.path()));
    std::fs::write(to.join("x.jpg"), "picture").unwrap();
    std::fs::write(to.join("x.txt"), "text").unwrap();
    ok(&["mirror", shown(&to), &there.url(""), "--include", "*.jpg"]);
    assert!(there.path("x.jpg").exists() && !there.path("x.txt").exists());
}

#[test]
fn a_plan_is_applied_exactly_or_not_at_all() {
    let there = There::new();
    let here = tempfile::tempdir().unwrap();
    let (to, file) = (here.path().join("mirror"), here.path().join("plan"));
    let (to, file) = (shown(&to), shown(&file));
    ok(&["plan", &there.url(""), to, "-o", file]);
    let text = std::fs::read_to_string(file).unwrap();
    assert!(text.contains(r#""do":"copy","path":"sub/deep/a b""#) && !Path::new(to).exists(), "{text}");
    std::fs::write(there.path("two.txt"), "changed meanwhile").unwrap();
    let said = run(&["apply", file]);
    assert!(
        said.code == 85 && said.err.contains("two.txt has changed in the source") && said.err.contains("[CRK-740]"),
        "{said:?}"
    );
    assert!(!Path::new(to).exists());
    let lines = well(&["plan", "-q", &there.url(""), to]);
    std::fs::write(file, lines).unwrap();
    ok(&["apply", file]);
    assert_eq!(tree(Path::new(to)), tree(there.folder.path()));
    let said = run(&["apply", file]);
    assert!(said.code == 85 && said.err.contains("[CRK-740]"), "{said:?}");
    std::fs::write(file, "no plan").unwrap();
    let said = run(&["apply", file]);
    assert!(said.code == 2 && said.err.contains("line 1") && said.err.contains("[CRK-741]"), "{said:?}");
}

#[test]
fn programs_hear_events() {
    let there = There::new();
    let here = tempfile::tempdir().unwrap();
    let out = well(&["mirror", "--json", &there.url(""), shown(here.path())]);
    let events: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |name: &str| events.iter().filter(|event| event["event"] == name).count();
    assert_eq!((of("begin"), of("end"), of("summary")), (5, 7, 1), "{out}");
    let last = events.last().unwrap();
    assert_eq!((last["files"].as_u64(), last["bytes"].as_u64(), last["failed"].as_u64()), (Some(5), Some(27), Some(0)), "{out}");
}

#[test]
fn a_mirror_that_is_killed_again_and_again_ends_with_equal_trees() {
    let seed: u64 = std::env::var("CARRACK_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or_else(|| std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as u64);
    eprintln!("CARRACK_SEED={seed} makes the same again");
    let mut random = seed | 1;
    let mut below = |most: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % most
    };
    let here = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(here.path().join("a/b")).unwrap();
    for n in 0..30_u64 {
        let size = if n < 3 { 3_000_000 + below(2_000_000) } else { below(20_000) };
        let bytes: Vec<u8> = (0..size).map(|i| (i * 31 + i / 251 + n) as u8).collect();
        std::fs::write(here.path().join(["", "a/", "a/b/"][n as usize % 3]).join(n.to_string()), bytes).unwrap();
    }
    let there = There::new();
    let back = tempfile::tempdir().unwrap();
    for (from, to) in
        [(shown(here.path()).to_owned(), there.url("up")), (there.url("up"), shown(&back.path().join("down")).to_owned())]
    {
        for round in 0..12 {
            let how = ["mirror", "--limit-rate", "12M", "-n", if round % 2 == 0 { "3" } else { "1" }, &from, &to];
            let mut child = carrack(&how).stderr(Stdio::null()).spawn().unwrap();
            std::thread::sleep(std::time::Duration::from_millis(below(700)));
            let signal = if round % 3 == 2 { Signal::INT } else { Signal::KILL };
            let _ = kill_process(Pid::from_child(&child), signal);
            child.wait().unwrap();
        }
        ok(&["mirror", &from, &to]);
    }
    assert_eq!(unlike(here.path(), &there.path("up")), [""; 0], "up, CARRACK_SEED={seed}");
    assert_eq!(unlike(here.path(), &back.path().join("down")), [""; 0], "down, CARRACK_SEED={seed}");
}

/// What is not the same in two folders, and in what.
fn unlike(one: &Path, other: &Path) -> Vec<String> {
    let (one, other) = (whole(one), whole(other));
    let names = one.keys().chain(other.keys().filter(|name| !one.contains_key(*name)));
    let differ = names.filter(|name| one.get(*name) != other.get(*name));
    let told = |entry: Option<&Option<(Vec<u8>, i64)>>| entry.map(|file| file.as_ref().map(|(bytes, time)| (bytes.len(), *time)));
    differ.map(|name| format!("{name}: {:?} and {:?}", told(one.get(name)), told(other.get(name)))).collect()
}

#[test]
fn an_interrupt_says_what_is_kept() {
    let there = There::new();
    std::fs::write(there.path("large"), vec![1; 8_000_000]).unwrap();
    let here = tempfile::tempdir().unwrap();
    let args = ["get", "--json", "--limit-rate", "4M", &there.url("large"), shown(here.path())];
    let child = carrack(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let part =
        || std::fs::read_dir(here.path()).unwrap().flatten().find(|entry| entry.metadata().is_ok_and(|m| m.len() > 1_000_000));
    until("some of it has come", || part().is_some());
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let said = Said::from(child.wait_with_output().unwrap());
    assert_eq!(said.code, 130, "{said:?}");
    let summary: Value = serde_json::from_str(said.out.lines().last().unwrap()).unwrap();
    assert!(summary["kept"][0]["bytes"].as_u64().unwrap() > 1_000_000, "{said:?}");
    let said = ok(&["get", "--json", &there.url("large"), shown(here.path())]);
    let summary: Value = serde_json::from_str(said.out.lines().last().unwrap()).unwrap();
    assert!(summary["bytes"].as_u64().unwrap() < 8_000_000, "it began anew: {said:?}");
    assert_eq!(std::fs::read(here.path().join("large")).unwrap(), vec![1; 8_000_000]);
}

/// A folder with links to a file, to a folder, to nothing and back.
fn linked(folder: &Path) {
    std::fs::create_dir_all(folder.join("d/e")).unwrap();
    std::fs::write(folder.join("f"), "file\n").unwrap();
    std::fs::write(folder.join("d/g"), "deep\n").unwrap();
    for (link, target) in [("to_f", "f"), ("to_d", "d"), ("d/up", "../f")] {
        std::os::unix::fs::symlink(target, folder.join(link)).unwrap();
    }
}

fn leads(path: &Path) -> String {
    std::fs::read_link(path).unwrap().to_str().unwrap().to_owned()
}

#[test]
fn links_are_left_out_kept_or_followed_as_is_wished() {
    let there = There::new();
    linked(&there.path("tree"));
    let here = tempfile::tempdir().unwrap();
    let at = |name: &str| here.path().join(name);
    let url = there.url("tree");
    let said = ok(&["mirror", &url, shown(&at("out"))]);
    assert!(said.err.contains("3 links left out (--links "), "{said:?}");
    assert_eq!(tree(&at("out")).into_keys().collect::<Vec<_>>(), ["d", "d/e", "d/g", "f"]);
    let said = ok(&["mirror", "--links", &url, shown(&at("kept"))]);
    assert!(said.err.contains("2 files, ") && said.err.contains(", 3 links"), "{said:?}");
    for (link, target) in [("to_f", "f"), ("to_d", "d"), ("d/up", "../f")] {
        assert_eq!(leads(&at("kept").join(link)), target);
    }
    let said = ok(&["mirror", "-L", &url, shown(&at("followed"))]);
    assert!(!said.err.contains("links"), "{said:?}");
    assert_eq!(std::fs::read(at("followed/to_d/up")).unwrap(), b"file\n");
    assert!(at("followed/to_f").symlink_metadata().unwrap().is_file());
    // And up again: once made, they are the same; what leads elsewhere by now is made anew; what is gone goes.
    ok(&["mirror", "-l", shown(&at("kept")), &there.url("back")]);
    assert_eq!((leads(&there.path("back/to_d")), leads(&there.path("back/d/up"))), ("d".into(), "../f".into()));
    let said = ok(&["mirror", "-l", shown(&at("kept")), &there.url("back")]);
    assert!(said.err.contains("nothing was copied, 5 the same"), "{said:?}");
    std::fs::remove_file(at("kept/to_f")).unwrap();
    std::os::unix::fs::symlink("d/g", at("kept/to_f")).unwrap();
    std::fs::remove_file(at("kept/to_d")).unwrap();
    ok(&["plan", "-l", "--delete", shown(&at("kept")), &there.url("back"), "-o", shown(&at("plan"))]);
    ok(&["apply", shown(&at("plan"))]);
    assert_eq!(leads(&there.path("back/to_f")), "d/g");
    assert!(there.path("back/to_d").symlink_metadata().is_err() && there.path("back/d/g").exists());
}

#[test]
fn links_that_lead_out_back_or_nowhere_are_told() {
    let there = There::new();
    linked(&there.path("tree"));
    for (link, target) in [("out", "/etc"), ("d/far", "../../one.txt"), ("back", "."), ("none", "nothing")] {
        std::os::unix::fs::symlink(target, there.path("tree").join(link)).unwrap();
    }
    let here = tempfile::tempdir().unwrap();
    let at = |name: &str| here.path().join(name);
    let said = run(&["mirror", "--links", &there.url("tree"), shown(&at("kept"))]);
    assert!(said.code == 1 && said.err.matches("CRK-764").count() == 2, "{said:?}");
    assert!(at("kept/out").symlink_metadata().is_err() && at("kept/d/far").symlink_metadata().is_err());
    assert_eq!((leads(&at("kept/none")), leads(&at("kept/to_f"))), ("nothing".into(), "f".into()));
    std::fs::remove_file(there.path("tree/out")).unwrap();
    let said = run(&["mirror", "-L", &there.url("tree"), shown(&at("followed"))]);
    assert!(said.code == 1 && said.err.contains("/back: ") && said.err.contains("/none: "), "{said:?}");
    assert_eq!(std::fs::read(at("followed/d/far")).unwrap(), b"first\n");
    assert!(!at("followed/back").exists());
}

#[test]
fn connections_go_out_from_the_address_that_was_named() {
    let mut there = There::new();
    let here = tempfile::tempdir().unwrap();
    ok(&["get", "--bind", "127.0.0.1", &there.url("one.txt"), shown(here.path())]);
    let said = run(&["get", "--bind", "192.0.2.1", "--retries", "0", &there.url("one.txt"), shown(here.path())]);
    assert!(said.code == 6 && said.err.contains("nothing can go out from 192.0.2.1"), "{said:?}");
    let said = run(&["ls", "--bind", "::1", "--retries", "0", &there.url("")]);
    assert!(said.code == 6 && said.err.contains("no address of the family"), "{said:?}");
    assert_eq!(ok(&["ls", "--bind", "127.0.0.2", "-v", "--active", &there.url("sub")]).out, "deep\nthree\n");
    there.server.line_with("127.0.0.2");
}

#[test]
fn rates_hold_for_their_own_way() {
    let there = There::new();
    let here = tempfile::tempdir().unwrap();
    let at = |name: &str| here.path().join(name);
    std::fs::write(at("up"), vec![7; 30_000]).unwrap();
    // A byte a second: whoever is held to it is not done before the test is.
    ok(&["put", "--limit-rate-down", "1", shown(&at("up")), &there.url("")]);
    ok(&["get", "--limit-rate-up", "1", &there.url("up"), shown(&at("down"))]);
    let begun = std::time::Instant::now();
    ok(&["get", "--limit-rate-down", "20k", &there.url("up"), shown(&at("slow"))]);
    assert!(begun.elapsed() >= std::time::Duration::from_millis(300), "{:?}", begun.elapsed());
    assert_eq!(std::fs::read(at("slow")).unwrap(), std::fs::read(at("up")).unwrap());
}
