//! Do files come and go as they are?

use interop::sshd::Home;
use interop::{need, need_sshd};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, UNIX_EPOCH};

#[test]
fn files_come_and_go_as_they_are() {
    need_sshd!();
    let home = Home::new();
    let there = home.sshd("there", "");
    home.make_known(&[&there]);
    let url = |name: &str| home.url("there", name);
    let body: Vec<u8> = (0..5_000_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    home.write("up", &body);
    home.carrack(&["put", "up", &url("big \u{fc}")]).well();
    assert!(home.read("files/big \u{fc}") == body);
    home.carrack(&["get", &url("big%20%C3%BC"), "down"]).well();
    assert!(home.read("down") == body);
    home.write("files/empty", "");
    home.write("files/small", "small\n");
    let list = home.carrack(&["ls", &url("")]).well().said;
    assert!(["big \u{fc}", "empty", "small"].iter().all(|name| list.contains(name)), "{list}");
    assert_eq!(home.carrack(&["cat", &url("small")]).well().said, "small\n");
    assert_eq!(home.carrack(&["cat", &url("empty")]).well().said, "");
    home.carrack(&["mkdir", &url("new")]).well();
    home.carrack(&["mv", &url("small"), &url("new/moved")]).well();
    assert!(home.at("files/new/moved").exists() && !home.at("files/small").exists());
    let missing = home.carrack(&["cat", &url("none")]);
    assert!(missing.status.code() == Some(78) && missing.said.contains("CRK-201"), "{missing:?}");
    fs::set_permissions(home.at("files/empty"), fs::Permissions::from_mode(0o600)).expect("chmod");
    home.carrack(&["mirror", &url(""), "copy"]).well();
    assert!(home.read("copy/big \u{fc}") == body);
    assert_eq!(home.read("copy/new/moved"), b"small\n");
}

#[test]
fn many_small_files_go_and_come_with_their_times() {
    need_sshd!();
    let home = Home::new();
    let there = home.sshd("there", "");
    home.make_known(&[&there]);
    let body = |n: usize| vec![u8::try_from(n % 251).expect("a byte"); n * 37 % 9_000];
    let time = |n: usize| UNIX_EPOCH + Duration::from_secs(1_600_000_000 + 1_000 * n as u64);
    let name = |n: usize| format!("folder-{}/file-{n}", n % 3);
    for n in 0..200 {
        let path = home.at("tree").join(name(n));
        fs::create_dir_all(path.parent().expect("a folder")).expect("mkdir");
        fs::write(&path, body(n)).expect("write");
        fs::File::options().write(true).open(&path).expect("open").set_modified(time(n)).expect("a time");
    }
    let (up, seventh) = (home.url("there", "up"), home.at("tree").join(name(7)));
    home.carrack(&["mirror", "tree", &up]).well();
    // Replaced by what is newer and of another length, each under the name of the one before.
    for other in [b"a second time".to_vec(), body(7)] {
        fs::write(&seventh, other).expect("write");
        home.carrack(&["mirror", "tree", &up]).well();
    }
    home.carrack(&["mirror", &up, "back"]).well();
    for n in 0..200 {
        for place in ["files/up", "back"] {
            let path = home.at(place).join(name(n));
            assert!(fs::read(&path).expect("the file") == body(n), "{}", path.display());
            let modified = fs::metadata(&path).expect("the file").modified().expect("a time");
            assert!(n == 7 || modified == time(n), "{}: {modified:?}", path.display());
        }
    }
}

#[test]
fn an_upload_takes_a_place_whole_synced_and_with_its_mode() {
    need_sshd!();
    let home = Home::new();
    let there = home.sshd("there", "");
    home.make_known(&[&there]);
    home.write("files/run.sh", "old");
    fs::set_permissions(home.at("files/run.sh"), fs::Permissions::from_mode(0o750)).expect("chmod");
    let body = vec![7; 2_000_000];
    home.write("up", &body);
    let time = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    fs::File::options().write(true).open(home.at("up")).expect("open").set_modified(time).expect("a time");
    let told = home.carrack(&["put", "-v", "up", &home.url("there", "run.sh")]).well().said;
    assert!(home.read("files/run.sh") == body);
    let about = fs::metadata(home.at("files/run.sh")).expect("the file");
    assert_eq!((about.permissions().mode() & 0o777, about.modified().expect("a time")), (0o750, time));
    let mut rest = &*told;
    for part in [".run.sh.carrack-part", " times, 2000000 bytes", "> fsync@openssh.com", "> CLOSE", "> posix-rename@openssh.com"]
    {
        let at = rest.find(part).unwrap_or_else(|| panic!("{part:?} does not come in its turn:\n{told}"));
        rest = &rest[at..];
    }
    assert_eq!(fs::read_dir(home.at("files")).expect("a folder").count(), 1, "nothing else is left");
    home.write("small", "small");
    let told = home.carrack(&["put", "-v", "small", &home.url("there", "small")]).well().said;
    assert!(told.contains("> WRITE once, 5 bytes") && !told.contains("> fsync"), "{told}");
}

/// A server that tells of writes two seconds late until a file has a pattern's words so often.
fn late(home: &Home, name: &str, lines: &str, (file, words, times): (&str, &str, usize)) -> interop::sshd::Sshd {
    home.write("late.py", include_str!("late.py"));
    home.sshd(name, &format!("{lines}\nSubsystem sftp python3 {} {} {words} {times}", home.shown("late.py"), home.shown(file)))
}

#[test]
fn a_large_file_goes_by_several_sessions_over_a_long_way() {
    need_sshd!();
    need!("python3");
    let home = Home::new();
    let far = late(&home, "far", "", ("wrote", "wrote", 2));
    let alone = late(&home, "alone", "MaxSessions 1", ("alone_log", "[n]o.more.sessions", 1));
    home.make_known(&[&far, &alone]);
    interop::files::make(&home.at("large"), 40 << 20, 9);
    home.carrack(&["put", "large", &home.url("far", "large")]).well();
    interop::files::assert_same(&home.at("large"), &home.at("files/large"));
    assert_eq!(fs::read_dir(home.at("files")).expect("a folder").count(), 1, "nothing else is left");
    // What each session wrote of it; the first writes the beginning alone.
    let log = String::from_utf8_lossy(&home.read("wrote.sftp")).into_owned();
    let wrote = |line: &str| line.split_once(" written ")?.1.trim().parse::<u64>().ok();
    let parts: Vec<u64> = log.lines().filter_map(wrote).filter(|bytes| *bytes > 0).collect();
    assert!((2..=8).contains(&parts.len()) && parts.iter().sum::<u64>() == 40 << 20, "{parts:?}: {log}");
    // A server that allows one session is written to by one.
    home.carrack(&["put", "large", &home.url("alone", "again")]).well();
    interop::files::assert_same(&home.at("large"), &home.at("files/again"));
}
