//! Does the old protocol of scp do, where a server has no SFTP? And what becomes of a server that lies in it?

use interop::files;
use interop::sshd::Home;
use interop::{need, need_sshd};
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::time::{Duration, UNIX_EPOCH};

/// A server without SFTP.
const NO_SFTP: &str = "# no Subsystem";

#[test]
fn a_server_without_sftp_is_copied_with_all_the_same() {
    need_sshd!();
    need!("scp");
    let home = Home::new();
    let there = home.sshd("there", NO_SFTP);
    home.make_known(&[&there]);
    let url = |name: &str| home.url("there", name);
    let well = |words: &[&str]| home.carrack(words).well().said;
    for (name, length) in [("empty", 0), ("one", 1), ("big", 20_000_003)] {
        files::make(&home.at(name), length, 1);
        let said = well(&["put", name, &url("")]);
        assert!(said.contains("has no SFTP"), "{said}");
        files::assert_same(&home.at(name), &home.at("files").join(name));
        let back = format!("{name}.back");
        well(&["get", &url(name), &back]);
        files::assert_same(&home.at(name), &home.at(&back));
    }
    let listed = well(&["ls", "--json", &url("")]);
    assert!(listed.contains("\"path\":\"big\"") && listed.contains("\"size\":20000003"), "{listed}");
    // Names that mean something to the shell that the server gives them to.
    files::make_tree(&home.at("tree"));
    well(&["mirror", "-j", "3", "tree", &url("up")]);
    files::assert_same_trees(&home.at("tree"), &home.at("files/up"));
    well(&["get", "-r", &url("up"), "down"]);
    files::assert_same_trees(&home.at("tree"), &home.at("down"));
    let again = well(&["mirror", "--json", "tree", &url("up")]);
    assert!(again.contains("\"files\":0,"), "times are kept: {again}");
    well(&["cp", "-r", &url("up"), &url("copied")]);
    files::assert_same_trees(&home.at("tree"), &home.at("files/copied"));
    let time = UNIX_EPOCH + Duration::from_secs(1_234_567_890);
    fs::File::options().write(true).open(home.at("one")).expect("open").set_modified(time).expect("a time");
    fs::set_permissions(home.at("files/one"), fs::Permissions::from_mode(0o640)).expect("chmod");
    well(&["put", "one", &url("one")]);
    let about = fs::metadata(home.at("files/one")).expect("the file");
    assert_eq!((about.mode() & 0o777, about.modified().expect("a time")), (0o640, time));
    well(&["mkdir", &url("made")]);
    assert!(home.at("files/made").is_dir());
    home.write("files/text", "a line\n");
    assert!(well(&["cat", "-q", &url("text")]).ends_with("a line\n"));
    refusals(&home);
}

/// What it cannot do is said, with its code, and nothing is harmed.
fn refusals(home: &Home) {
    let url = |name: &str| home.url("there", name);
    for (words, code) in [
        (&["rm", &url("text")][..], "CRK-863"),
        (&["mv", &url("text"), &url("other")], "CRK-863"),
        (&["chmod", "600", &url("text")], "CRK-863"),
        (&["mkdir", &url("made")], "CRK-202"),
        (&["get", &url("none"), "never"], "CRK-201"),
        (&["get", &url("made"), "never"], "CRK-204"),
        (&["ls", &url("none/")], "CRK-201"),
        (&["put", "-", &url("piped")], "CRK-864"),
        (&["put", "one", &url("none/below")], "CRK-"),
    ] {
        let ran = home.carrack(&[words, &["--retries", "0"]].concat());
        assert!(!ran.status.success() && ran.said.contains(code), "{words:?}: {ran:?}");
    }
    assert!(home.at("files/text").exists() && !home.at("never").exists() && !home.at("files/piped").exists());
}

#[test]
fn it_is_used_where_it_is_asked_for_and_told_where_it_is_not_there() {
    need_sshd!();
    need!("scp");
    let home = Home::new();
    let there = home.sshd("there", "");
    let bare = home.sshd("bare", "# no Subsystem\nForceCommand no-such-program");
    home.make_known(&[&there, &bare]);
    home.write("one", "1");
    let said = home.carrack(&["put", "-O", "-v", "one", &home.url("there", "one")]).well().said;
    assert!(said.contains("scp -p -d -t ") && home.read("files/one") == b"1", "{said}");
    for words in [&["put", "one", "sftp://bare/two"][..], &["get", "sftp://bare/one", "two"]] {
        let ran = home.carrack(words);
        assert!(ran.status.code() == Some(4) && ran.said.contains("CRK-865"), "{ran:?}");
    }
}

/// What a server says when it is asked what stands there, and then when it is asked for the file; what comes of it.
const LIES: [(&str, &str, &str); 14] = [
    // Another name, or one that leads elsewhere (CVE-2018-20685, CVE-2019-6111).
    (r"C0644 3 f\n", r"C0644 3 g\nabc\0", "CRK-862"),
    (r"C0644 3 f\n", r"C0644 3 ../g\nabc\0", "CRK-844"),
    (r"C0644 3 f\n", r"C0777 3 .\nabc\0", "CRK-844"),
    (r"C0644 3 f\n", r"D0755 0 f\nC0644 3 f\nabc\0E\n", "CRK-862"),
    // More than was asked for.
    (r"C0644 3 f\n", r"C0644 3 f\nabc\0C0644 3 .bashrc\nabc\0", "CRK-862"),
    (r"C0644 3 f\n", r"C0644 3 f\nabc\0D0755 0 d\n", "CRK-862"),
    // Sizes that are none, not true, or change.
    (r"C0644 3 f\n", r"C0644 -1 f\nabc\0", "CRK-843"),
    (r"C0644 3 f\n", r"C0644 99999999999999999999 f\n", "CRK-843"),
    (r"C0644 3 f\n", r"C0644 9223372036854775807 f\nabc", "CRK-7"),
    (r"C0644 3 f\n", r"C0644 5 f\nabcde\0", "CRK-714"),
    (r"C0644 3 f\n", r"C0644 2 f\nab\0", "CRK-714"),
    // No protocol.
    (r"C0644 3 f\n", r"Welcome to \033[2J\007 this server\n", "CRK-843"),
    (r"\001scp: \033[2J\007f: Permission denied\n", "", "CRK-212"),
    (r"C0644 3 f\n", "ENDLESS", "CRK-843"),
];

#[test]
fn lies_lead_nowhere() {
    need_sshd!();
    let home = Home::new();
    let script = "case \"$SSH_ORIGINAL_COMMAND\" in *' -r '*) file=look ;; *) file=lie ;; esac\n\
                  lie=$(cat HERE/$file)\n\
                  case $lie in ENDLESS) yes | tr -d '\\n' ;; *) printf \"$lie\" ;; esac\n\
                  cat > /dev/null\n";
    home.write("liar.sh", script.replace("HERE", &home.shown("")));
    let there = home.sshd("there", &format!("# no Subsystem\nForceCommand sh {}", home.shown("liar.sh")));
    home.make_known(&[&there]);
    fs::create_dir(home.at("to")).expect("mkdir");
    home.write("to/f", "as it was");
    let mut wrong = Vec::new();
    for (look, lie, code) in LIES {
        home.write("look", look);
        home.write("lie", lie);
        let ran = home.carrack(&["get", "-O", "--ignore-times", "sftp://there/d/f", "to/f"]);
        let names: Vec<_> = fs::read_dir(home.at("to")).expect("a folder").flatten().map(|entry| entry.file_name()).collect();
        let harmless = !ran.said.contains(['\u{1b}', '\u{7}']) && home.read("to/f") == b"as it was";
        if ran.status.success()
            || !ran.said.contains(code)
            || !harmless
            || home.at("g").exists()
            || home.at("to/.bashrc").exists()
        {
            wrong.push(format!("{look} {lie} {names:?}: {ran:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// At which step of an upload a server says what in place of a zero byte, and what comes of it. It says one at first, one to the
/// times, one to the name, and one to the bytes.
const UPLOADS: [(usize, &str, &str); 17] = [
    (0, r"Welcome to \033[2J\007 this server\n", "CRK-843"),
    (3, r"Welcome to \033[2J\007 this server\n", "CRK-843"),
    (1, r"C0644 3 f\n", "CRK-843"),
    (0, r"\001scp: \033[2J\007f: Permission denied\n", "CRK-212"),
    (3, r"\001scp: \033[2J\007f: Permission denied\n", "CRK-212"),
    (2, r"\002scp: f: No space left on device\n", "CRK-214"),
    (3, r"\002scp: f: No space left on device\n", "CRK-214"),
    (3, r"\001\n", "did not say why"),
    (1, r"\0\0", "CRK-870"), // it is well beforehand, and then says nothing
    (2, r"\0\0", "CRK-843"),
    (3, r"\0\0", ""),
    (0, "DIES", "exit status 3"),
    (2, "DIES", "exit status 3"),
    (3, "DIES", "exit status 3"),
    (3, "ENDLESS", "CRK-843"),
    (0, "SILENT", "CRK-870"),
    (3, "SILENT", "CRK-870"),
];

/// A server of scp that takes a file, and lies at a step.
const TAKER: &str = r#"
case "$SSH_ORIGINAL_COMMAND" in *' -f '*) printf '\001scp: f: No such file or directory\n'; exit 1 ;; esac
lie=$(cat HERE/lie); step=$(cat HERE/step)
say() {
    if [ "$step" != "$1" ]; then printf '\0'; return; fi
    case $lie in DIES) exit 3 ;; ENDLESS) yes | tr -d '\n' ;; SILENT) ;; *) printf "$lie" ;; esac
    cat > /dev/null
    exit 0
}
say 0; read times; say 1; read name; say 2; head -c 4 > HERE/came; say 3
"#;

#[test]
fn lies_about_uploads_are_told() {
    need_sshd!();
    let home = Home::new();
    home.write("taker.sh", TAKER.replace("HERE", &home.shown("")));
    let there = home.sshd("there", &format!("# no Subsystem\nForceCommand sh {}", home.shown("taker.sh")));
    home.make_known(&[&there]);
    home.write("f", "abc");
    let put = |step: usize, lie: &str, timeout: &str| {
        home.write("lie", lie);
        home.write("step", step.to_string());
        home.carrack(&["put", "-O", "--timeout", timeout, "f", "sftp://there/d/f"])
    };
    let sessions = || home.log(&there).matches("Starting session").count();
    put(9, "", "100").well();
    // None of these lies is told better a second later: there are no more than the looks and the upload.
    let most = sessions();
    assert_eq!(home.read("came"), b"abc\0");
    let mut wrong = Vec::new();
    for (step, lie, code) in UPLOADS {
        let before = sessions();
        let ran = put(step, lie, if code == "CRK-870" { "1" } else { "100" });
        let tried = sessions() - before;
        let told = ran.status.success() == code.is_empty() && ran.said.contains(code);
        if !told || ran.said.contains(['\u{1b}', '\u{7}']) || tried > most {
            wrong.push(format!("{lie} at {step}, {tried} sessions: {ran:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
