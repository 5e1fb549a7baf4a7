//! Who logs in, and by which key? With certificates, passphrases and an agent.

use interop::need_sshd;
use interop::run::run;
use interop::sshd::{Home, keygen};
use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

#[test]
fn a_certificate_lets_in_whom_no_key_does() {
    need_sshd!();
    let home = Home::new();
    keygen(&home.at("authority"), "", &[]);
    let there = home.sshd("there", &format!("TrustedUserCAKeys {}", home.shown("authority.pub")));
    home.make_known(&[&there]);
    home.write("authorized_keys", "");
    let url = home.url("there", "");
    assert_eq!(home.carrack(&["ls", &url]).status.code(), Some(67));
    let mut sign = Command::new("ssh-keygen");
    sign.args(["-q", "-s"]).arg(home.at("authority")).args(["-I", "test", "-n", &Home::user()]);
    run(sign.arg(home.at(".ssh/id_ed25519.pub"))).well();
    home.carrack(&["ls", &url]).well();
    assert!(home.log(&there).contains("Accepted publickey") && home.log(&there).contains("ED25519-CERT"));
    // The same where the configuration names it.
    fs::rename(home.at(".ssh/id_ed25519-cert.pub"), home.at("elsewhere")).expect("rename");
    assert_eq!(home.carrack(&["ls", &url]).status.code(), Some(67));
    home.configure(&format!("CertificateFile {}", home.shown("elsewhere")));
    home.carrack(&["ls", &url]).well();
}

#[test]
fn a_passphrase_is_asked_for_only_where_the_key_is_taken() {
    need_sshd!();
    let home = Home::new();
    let there = home.sshd("there", "");
    home.make_known(&[&there]);
    keygen(&home.at(".ssh/locked"), "geheim", &[]);
    keygen(&home.at(".ssh/unwanted"), "other", &[]);
    fs::remove_file(home.at(".ssh/id_ed25519")).expect("remove");
    fs::copy(home.at(".ssh/locked.pub"), home.at("authorized_keys")).expect("copy");
    home.configure("IdentityFile ~/.ssh/unwanted\nIdentityFile ~/.ssh/locked");
    let url = home.url("there", "");
    home.write("files/seen", "");
    let mut asked = home.terminal(&["ls", &url]);
    asked.expect(&format!("Passphrase of the key {}: ", home.shown(".ssh/locked")));
    asked.line("wrong");
    asked.expect("Passphrase of the key");
    asked.line("geheim");
    let (code, shown) = asked.ended();
    assert!(code == 0 && shown.contains("seen") && !shown.contains("geheim"), "{shown}");
    assert!(!shown.contains("unwanted"), "a key that the server does not take stays closed: {shown}");
    let nobody = home.carrack(&["ls", &url]);
    assert!(nobody.status.code() == Some(67) && nobody.said.contains("did not sign"), "{nobody:?}");
    // Old keys are encrypted in another form, and their public half stands beside them.
    keygen(&home.at(".ssh/old"), "geheim", &["-t", "rsa", "-b", "2048", "-m", "PEM"]);
    fs::copy(home.at(".ssh/old.pub"), home.at("authorized_keys")).expect("copy");
    home.configure("IdentityFile ~/.ssh/old");
    let mut asked = home.terminal(&["ls", &url]);
    asked.expect(&format!("Passphrase of the key {}: ", home.shown(".ssh/old")));
    asked.line("geheim");
    let (code, shown) = asked.ended();
    assert_eq!(code, 0, "{shown}");
}

#[test]
fn a_key_that_others_may_read_is_not_used() {
    need_sshd!();
    let home = Home::new();
    let there = home.sshd("there", "");
    home.make_known(&[&there]);
    let mode = |mode| fs::set_permissions(home.at(".ssh/id_ed25519"), std::os::unix::fs::PermissionsExt::from_mode(mode));
    mode(0o644).expect("chmod");
    let refused = home.carrack(&["ls", &home.url("there", "")]);
    assert!(refused.status.code() == Some(67) && refused.said.contains("chmod 600"), "{refused:?}");
    mode(0o600).expect("chmod");
    home.carrack(&["ls", &home.url("there", "")]).well();
}

/// OpenSSH's agent, gone with the test.
struct Agent(Child);

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Agent {
    fn start(home: &Home) -> Self {
        let mut command = Command::new("ssh-agent");
        command.arg("-D").arg("-a").arg(home.at("agent")).stdin(Stdio::null()).stdout(Stdio::null());
        let agent = Self(command.spawn().expect("ssh-agent"));
        let until = Instant::now() + Duration::from_secs(60);
        while !home.at("agent").exists() {
            assert!(Instant::now() < until, "the agent does not listen");
            std::thread::sleep(Duration::from_millis(10));
        }
        agent
    }
}

#[test]
fn the_agent_signs_and_nobody_is_asked() {
    need_sshd!();
    let home = Home::new();
    let there = home.sshd("there", "");
    home.make_known(&[&there]);
    keygen(&home.at("rsa"), "", &["-t", "rsa", "-b", "2048"]);
    let add = |home: &Home, key: &str| {
        run(Command::new("ssh-add").args(["-q"]).arg(home.at(key)).env("SSH_AUTH_SOCK", home.at("agent"))).well();
    };
    let _agent = Agent::start(&home);
    fs::rename(home.at(".ssh/id_ed25519"), home.at("away")).expect("rename");
    let url = home.url("there", "");
    let ls = || run(home.command(&["ls", &url]).env("SSH_AUTH_SOCK", home.at("agent")));
    assert_eq!(ls().status.code(), Some(67));
    add(&home, "away");
    ls().well();
    fs::copy(home.at("rsa.pub"), home.at("authorized_keys")).expect("copy");
    assert_eq!(ls().status.code(), Some(67));
    add(&home, "rsa");
    ls().well();
    assert!(home.log(&there).contains("Accepted publickey") && home.log(&there).contains("rsa-sha2"));
    // Of the agent's keys only those that are named.
    home.configure("IdentitiesOnly yes");
    assert_eq!(ls().status.code(), Some(67));
    home.configure(&format!("IdentityFile {}", home.shown("rsa.pub")));
    ls().well();
}
