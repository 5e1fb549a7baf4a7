//! The binary as a user runs it: commands, exit codes, and what stands on which stream.

use std::io::Write;
use std::process::{Command, Output, Stdio};

fn carrack(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_carrack"));
    command.args(args).env_remove("CARRACK_PASSWORD").env_remove("NOTIFY_SOCKET");
    command
}

fn run(args: &[&str]) -> Output {
    carrack(args).stdin(Stdio::null()).output().unwrap()
}

fn out(o: &Output) -> String {
    String::from_utf8(o.stdout.clone()).unwrap()
}

fn err(o: &Output) -> String {
    String::from_utf8(o.stderr.clone()).unwrap()
}

fn code(o: &Output) -> i32 {
    o.status.code().unwrap()
}

fn hash(password: &[u8]) -> Output {
    let mut child = carrack(&["hash"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(password).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn without_arguments_it_shows_help() {
    let o = run(&[]);
    assert_eq!(code(&o), 2);
    assert!(err(&o).contains("Usage: carrack") && err(&o).contains("serve") && err(&o).contains("Exit codes"), "{}", err(&o));
    let o = run(&["--help"]);
    assert_eq!(code(&o), 0);
    assert!(out(&o).contains("Usage: carrack"));
}

#[test]
fn usage_is_two_and_configuration_three() {
    assert_eq!(code(&run(&["srve"])), 2);
    assert_eq!(code(&run(&["serve", "--ftp", "nowhere"])), 2);
    assert_eq!(code(&run(&["why", "CRK-999"])), 2);
    assert_eq!(code(&run(&["check", "/does/not/exist"])), 3);
    assert_eq!(code(&run(&["serve", "--config", "/does/not/exist"])), 3);
    assert_eq!(code(&run(&["serve", "/does/not/exist"])), 2);
    assert_eq!(code(&run(&["serve", "--password", "", "."])), 2);
}

#[test]
fn every_code_is_explained() {
    let all = out(&run(&["why"]));
    for reason in types::Reason::ALL {
        assert!(all.contains(reason.code()), "{}", reason.code());
    }
    let o = run(&["why", "crk-301"]);
    assert_eq!(code(&o), 0);
    assert!(
        out(&o).contains("CRK-301: the client never connected to the passive port.") && out(&o).contains("firewall"),
        "{}",
        out(&o)
    );
}

#[test]
fn a_hash_is_one_line_and_goes_into_a_configuration() {
    let o = hash(b"s3cret\n");
    assert_eq!(code(&o), 0);
    let line = out(&o);
    assert!(line.starts_with("$argon2id$v=19$") && line.lines().count() == 1, "{line}");
    assert_ne!(line, out(&hash(b"s3cret\n")), "the salt is new each time");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("c.toml");
    let text = format!(
        "[[listener]]\nname = \"ftp\"\nprotocol = \"ftp\"\naddress = \"127.0.0.1:2121\"\n[[mount]]\nname = \"m\"\nkind = \"memory\"\n[[user]]\nname = \"anna\"\npassword = \"{}\"\n",
        line.trim()
    );
    std::fs::write(&file, text).unwrap();
    let o = run(&["check", file.to_str().unwrap()]);
    assert_eq!(code(&o), 0, "{}", err(&o));
    assert!(out(&o).contains("user anna: / is m") && out(&o).contains("holds together"), "{}", out(&o));
    for nothing in [&b""[..], b"\n", b"a\x07b\n"] {
        assert_eq!(code(&hash(nothing)), 1);
    }
}

#[test]
fn check_names_the_place_and_keeps_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("c.toml");
    std::fs::write(&file, "[[listener]]\nname = \"ftp\"\nprotocol = \"ftp\"\nadress = \"127.0.0.1:2121\"\n[[user]]\nname = \"a\"\npassword = \"hunter2\"\n").unwrap();
    let o = run(&["check", file.to_str().unwrap()]);
    assert_eq!(code(&o), 3);
    let said = err(&o);
    assert!(
        said.contains("c.toml:4:1: [[listener]] \"ftp\" has no key `adress`") && said.contains("Did you mean `address`?"),
        "{said}"
    );
    assert!(said.contains("c.toml:7:12:") && said.contains("carrack hash") && said.contains("CRK-501"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
    assert!(out(&o).is_empty());
}

#[test]
fn the_example_checks() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../../carrack.example.toml");
    let o = run(&["check", example]);
    assert_eq!(code(&o), 0, "{}", err(&o));
}

#[test]
fn papers_are_made() {
    let man = out(&run(&["man"]));
    assert!(man.contains(".TH carrack 1") && man.contains("passive\\-ports") && man.contains("Exit codes"), "{man}");
    for shell in ["bash", "zsh", "fish"] {
        let o = run(&["completions", shell]);
        assert!(code(&o) == 0 && out(&o).contains("carrack"), "{shell}");
    }
}

#[test]
fn a_closed_pipe_is_no_failure() {
    let mut child = carrack(&["why"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let o = child.wait_with_output().unwrap();
    assert!(code(&o) == 0 && err(&o).is_empty(), "{}", err(&o));
}
