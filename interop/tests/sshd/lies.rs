//! What becomes of a server's lies? A clear error, and nothing outside the target.

use interop::sshd::Home;
use interop::{need, need_sshd};

/// The way it lies, what the command answers, and a word of its error.
const LIES: [(&str, &[&str], i32, &str); 15] = [
    ("version", &["get", "sftp://version//home/file", "to"], 79, "CRK-832"),
    ("handle", &["ls", "sftp://handle//home/"], 7, "handle without a byte"),
    ("endless", &["ls", "sftp://endless//home/"], 85, "without a name"),
    ("count", &["ls", "sftp://count//home/"], 7, "CRK-"),
    ("parent", &["mirror", "sftp://parent//home/", "to"], 1, "CRK-719"),
    ("slash", &["mirror", "sftp://slash//home/", "to"], 1, "CRK-719"),
    ("nul", &["mirror", "sftp://nul//home/", "to"], 1, "CRK-719"),
    ("empty", &["mirror", "sftp://empty//home/", "to"], 1, "CRK-719"),
    ("stranger", &["get", "sftp://stranger//home/file", "to"], 7, "not asked"),
    ("long", &["get", "sftp://long//home/file", "to"], 7, "were asked for"),
    ("on", &["get", "sftp://on//home/file", "to"], 18, "10 were expected"),
    ("huge", &["get", "sftp://huge//home/file", "to"], 7, "CRK-"),
    ("kind", &["get", "sftp://kind//home/file", "to"], 7, "CRK-"),
    ("odd", &["hash", "sftp://odd//home/file"], 7, "no digest"),
    ("cut", &["get", "sftp://cut//home/file", "to"], 18, "CRK-"),
];

#[test]
fn lies_lead_nowhere() {
    need_sshd!();
    need!("python3");
    let home = Home::new();
    home.write("liar.py", include_str!("liar.py"));
    let mut wrong = Vec::new();
    for (way, words, code, said) in LIES {
        let there = home.sshd(way, &format!("Subsystem sftp python3 {} {way}", home.shown("liar.py")));
        home.make_known(&[&there]);
        // Once is enough: what is tried again is lied about again.
        let ran = home.carrack(&[words, &["--retries", "0"]].concat());
        if ran.status.code() != Some(code) || !ran.said.contains(said) {
            wrong.push(format!("{way}: {ran:?}"));
        }
        if home.at("escaped").exists() || std::path::Path::new("/tmp/escaped").exists() {
            wrong.push(format!("{way}: it got out"));
        }
        let _ = std::fs::remove_file(home.at("to"));
        let _ = std::fs::remove_dir_all(home.at("to"));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn short_answers_are_put_together_and_names_are_shown_harmless() {
    need_sshd!();
    need!("python3");
    let home = Home::new();
    home.write("liar.py", include_str!("liar.py"));
    let short = home.sshd("short", &format!("Subsystem sftp python3 {} short", home.shown("liar.py")));
    let control = home.sshd("control", &format!("Subsystem sftp python3 {} control", home.shown("liar.py")));
    home.make_known(&[&short, &control]);
    assert_eq!(home.carrack(&["cat", "sftp://short//home/file"]).well().said, "0123456789");
    let listed = home.carrack(&["ls", "sftp://control//home/"]).well().said;
    assert!(!listed.contains('\u{1b}') && listed.lines().count() == 1, "{listed:?}");
}

#[test]
fn a_server_that_tells_digests_is_asked_for_them() {
    need_sshd!();
    need!("python3");
    let home = Home::new();
    home.write("liar.py", include_str!("liar.py"));
    let there = home.sshd("digest", &format!("Subsystem sftp python3 {} digest", home.shown("liar.py")));
    home.make_known(&[&there]);
    let told = home.carrack(&["hash", "sftp://digest//home/file"]).well().said;
    assert!(told.contains(&"ab".repeat(32)), "{told}");
}

#[test]
fn a_server_that_falls_silent_is_given_up_once() {
    need_sshd!();
    need!("python3");
    let home = Home::new();
    home.write("liar.py", include_str!("liar.py"));
    let there = home.sshd("silent", &format!("Subsystem sftp python3 {} silent", home.shown("liar.py")));
    home.make_known(&[&there]);
    for words in [
        &["ls", "sftp://silent//home/"][..],
        &["get", "sftp://silent//home/file", "to"],
        &["put", "liar.py", "sftp://silent//home/file"],
    ] {
        let before = home.log(&there).matches("Starting session").count();
        let ran = home.carrack(&[words, &["--timeout", "1"]].concat());
        assert!(ran.status.code() == Some(8) && ran.said.contains("CRK-870"), "{words:?}: {ran:?}");
        assert_eq!(home.log(&there).matches("Starting session").count() - before, 1, "{words:?}: {ran:?}");
    }
}
