//! Is a server the right one? Keys that are not known, not the same, revoked, or vouched for by an authority.

use interop::need_sshd;
use interop::run::run;
use interop::sshd::{Home, keygen};
use std::fs;
use std::process::Command;

#[test]
fn a_server_that_is_not_known_or_not_the_same_is_refused() {
    need_sshd!();
    let home = Home::new();
    let there = home.sshd("there", "");
    let url = home.url("there", "");
    let unknown = home.carrack(&["ls", &url]);
    assert!(unknown.status.code() == Some(60) && unknown.said.contains("CRK-847"), "{unknown:?}");
    keygen(&home.at("other"), "", &[]);
    let key = String::from_utf8(home.read("other.pub")).expect("text");
    home.write(".ssh/known_hosts", format!("# none\n[127.0.0.1]:{} {key}", there.port));
    let changed = home.carrack(&["ls", &url]);
    assert!(changed.status.code() == Some(60) && changed.said.contains("CRK-848"), "{changed:?}");
    assert!(changed.said.contains("known_hosts line 2"), "{changed:?}");
    home.make_known(&[&there]);
    home.write("authorized_keys", "");
    let refused = home.carrack(&["ls", &url]);
    assert!(refused.status.code() == Some(67) && refused.said.contains("CRK-707"), "{refused:?}");
    home.write(
        ".ssh/known_hosts",
        format!("{0}@revoked * {1}", home.known_line(&there), home.known_line(&there).split_once(' ').expect("a key").1),
    );
    let revoked = home.carrack(&["ls", &url]);
    assert!(revoked.status.code() == Some(60) && revoked.said.contains("CRK-880"), "{revoked:?}");
}

#[test]
fn somebody_at_the_terminal_is_asked_once() {
    need_sshd!();
    let home = Home::new();
    let there = home.sshd("there", "");
    let url = home.url("there", "");
    home.write("files/seen", "");
    let mut no = home.terminal(&["ls", &url]);
    no.expect(&format!("[127.0.0.1]:{} is not known yet", there.port));
    no.expect("SHA256:");
    no.line("perhaps");
    no.expect("yes or no");
    no.line("no");
    let (code, shown) = no.ended();
    assert!(code == 60 && shown.contains("CRK-847"), "{shown}");
    assert!(!home.at(".ssh/known_hosts").exists());
    let mut yes = home.terminal(&["ls", &url]);
    yes.expect("fingerprint as you know it) ");
    yes.line("yes");
    let (code, shown) = yes.ended();
    assert!(code == 0 && shown.contains("seen"), "{shown}");
    home.carrack(&["ls", &url]).well();
    // OpenSSH reads what was written down.
    let host = format!("[127.0.0.1]:{}", there.port);
    run(Command::new("ssh-keygen").args(["-F", &host, "-f"]).arg(home.at(".ssh/known_hosts"))).well();
    // The fingerprint is an answer, too, and a wrong one is not.
    let said = run(Command::new("ssh-keygen").args(["-lf"]).arg(home.at("there_key.pub"))).well().said;
    let fingerprint = said.split(' ').nth(1).expect("a fingerprint").to_owned();
    fs::remove_file(home.at(".ssh/known_hosts")).expect("remove");
    let mut wrong = home.terminal(&["ls", &url]);
    wrong.expect("know it) ");
    wrong.line("SHA256:AAAA");
    assert_eq!(wrong.ended().0, 60);
    let mut right = home.terminal(&["ls", &url]);
    right.expect("know it) ");
    right.line(&fingerprint);
    assert_eq!(right.ended().0, 0);
}

#[test]
fn a_server_shows_the_key_it_is_known_by() {
    need_sshd!();
    let home = Home::new();
    keygen(&home.at("rsa"), "", &["-t", "rsa", "-b", "2048"]);
    keygen(&home.at("ecdsa"), "", &["-t", "ecdsa"]);
    let there = home.sshd("there", &format!("HostKey {}\nHostKey {}", home.shown("rsa"), home.shown("ecdsa")));
    for name in ["rsa", "ecdsa", "there_key"] {
        let key = String::from_utf8(home.read(&format!("{name}.pub"))).expect("text");
        home.write(".ssh/known_hosts", format!("[127.0.0.1]:{} {key}", there.port));
        home.carrack(&["ls", &home.url("there", "")]).well();
    }
}

#[test]
fn an_authority_vouches_for_a_server() {
    need_sshd!();
    let home = Home::new();
    keygen(&home.at("authority"), "", &[]);
    keygen(&home.at("there_key"), "", &[]);
    let sign = |name: &str, more: &[&str]| {
        let mut command = Command::new("ssh-keygen");
        command.args(["-q", "-s"]).arg(home.at("authority")).args(["-h", "-I", "test", "-n", name]).args(more);
        run(command.arg(home.at("there_key.pub"))).well();
    };
    let authority = String::from_utf8(home.read("authority.pub")).expect("text");
    home.write(".ssh/known_hosts", format!("@cert-authority [127.0.0.1]:* {authority}"));
    let certificate = format!("HostCertificate {}", home.shown("there_key-cert.pub"));
    sign("127.0.0.1,other", &[]);
    let there = home.sshd("there", &certificate);
    home.carrack(&["ls", &home.url("there", "")]).well();
    drop(there);
    // For another, and at another time.
    for (number, name, more) in [(0, "other", &[][..]), (1, "127.0.0.1", &["-V", "20010101:20010102"])] {
        sign(name, more);
        let server = format!("bad{number}");
        fs::copy(home.at("there_key"), home.at(&format!("{server}_key"))).expect("copy");
        let _bad = home.sshd(&server, &certificate);
        let refused = home.carrack(&["ls", &home.url(&server, "")]);
        assert!(refused.status.code() == Some(60) && refused.said.contains("CRK-881"), "{refused:?}");
    }
}
