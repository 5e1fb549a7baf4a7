//! What does ssh-audit say of a listener as it comes? No failure, and no warning that can be heeded today.

use crate::site;
use interop::need;
use interop::run::run;
use std::process::Command;

/// Key exchanges that are warned of because a quantum computer may undo them. They are offered behind the one that none can
/// undo, because most clients in use know no other yet.
const CLASSICAL: [&str; 2] = ["curve25519-sha256", "curve25519-sha256@libssh.org"];

#[test]
fn nothing_is_weak() {
    need!("python3");
    need!("ssh-keygen");
    let program = interop::python("ssh-audit").with_file_name("ssh-audit");
    if !program.exists() {
        return interop::skip("ssh-audit is not installed");
    }
    let site = site("");
    let audit = |more: &[&str]| run(Command::new(&program).args(more).args(["-p", &site.port(), "127.0.0.1"]));
    let said = audit(&["--no-colors", "--level=warn"]).said;
    let bad = |line: &&str| line.contains("[fail]") || line.contains("[warn]");
    let excused = |line: &&str| CLASSICAL.iter().any(|name| line.contains(&format!("(kex) {name} "))) && line.contains("quantum");
    let left: Vec<&str> = said.lines().filter(bad).filter(|line| !excused(line)).collect();
    assert!(left.is_empty(), "{said}");
    let all = audit(&["--no-colors"]).said;
    for offered in
        ["mlkem768x25519-sha256", "aes128-gcm@openssh.com", "chacha20-poly1305@openssh.com", "kex-strict-s-v00@openssh.com"]
    {
        assert!(all.contains(offered), "{offered} is not offered: {all}");
    }
    for weak in ["sha1", "cbc", "ssh-rsa ", "nistp", "ctr"] {
        assert!(
            !all.lines().any(|l| l.starts_with('(') && !l.starts_with("(gen)") && !l.starts_with("(rec)") && l.contains(weak)),
            "{weak}: {all}"
        );
    }
}
