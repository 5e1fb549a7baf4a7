//! What is the same for all client commands: who logs in, what is trusted, what is said when it fails, and how a session is
//! shown.

use std::io::Read;
use std::net::TcpListener;
use std::process::Stdio;
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};

use super::{Said, There, carrack, run, well};
use crate::harness::PATIENCE;

#[test]
fn each_failure_has_its_code_and_says_what_to_do() {
    let there = There::new();
    let gone = {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        free.local_addr().unwrap().port()
    };
    let nowhere = format!("ftp://127.0.0.1:{gone}/");
    let wrong = there.url("").replace("carrack@", "carrack:wrong@");
    for (place, code, words) in [
        (there.url("nothing"), 78, "[CRK-201]\n  Check the name"),
        (wrong, 67, "[CRK-707]\n  Check user and password"),
        (nowhere, 6, "[CRK-701]\n  Check the address and the port"),
        ("ftp://h:0/".to_owned(), 3, "[CRK-716]"),
        ("/does/not/exist".to_owned(), 78, "[CRK-201]"),
        (there.url("one.txt/"), 78, "[CRK-203]"),
    ] {
        let said = run(&["stat", &place]);
        assert_eq!(said.code, code, "{place}: {said:?}");
        assert!(said.out.is_empty() && said.err.starts_with("carrack stat: "), "{said:?}");
        assert!(said.err.contains(words) && !said.err.contains(":wrong"), "{place}: {said:?}");
    }
    let said = run(&["stat", "--json", &there.url("nothing")]);
    let object: serde_json::Value = serde_json::from_str(&said.err).unwrap();
    assert_eq!((object["event"].as_str(), object["exit"].as_u64()), (Some("error"), Some(78)), "{said:?}");
}

#[test]
fn what_can_be_done_is_done_and_the_code_says_that_it_was_not_all() {
    let there = There::new();
    let said = run(&["cat", &there.url("one.txt"), &there.url("nothing"), &there.url("two.txt")]);
    assert_eq!((said.code, &*said.out), (1, "first\nthe second\n"), "{said:?}");
    assert_eq!(said.err.matches("CRK-201]").count(), 1, "{said:?}");
}

#[test]
fn a_password_comes_from_a_file_or_the_environment_and_one_in_a_url_is_warned_of() {
    let there = There::new();
    let (folder, url) = (tempfile::tempdir().unwrap(), there.url("one.txt"));
    let file = folder.path().join("p");
    std::fs::write(&file, "long-enough\nsomething else\n").unwrap();
    let without = |args: &[&str]| -> Said { carrack(args).env_remove("CARRACK_PASSWORD").output().unwrap().into() };
    let said = without(&["cat", "--password-file", file.to_str().unwrap(), &url]);
    assert_eq!((said.code, &*said.out, &*said.err), (0, "first\n", ""), "{said:?}");
    let said = without(&["cat", &url]);
    assert!(said.code == 67 && said.err.contains("[CRK-760]"), "{said:?}");
    let said = without(&["cat", &url.replace("carrack@", "carrack:long-enough@")]);
    assert!(said.code == 0 && said.err.contains("can see a password in a URL"), "{said:?}");
    assert_eq!(well(&["cat", "--user", "carrack", &url.replace("carrack@", "")]), "first\n");
}

#[test]
fn tls_is_used_where_it_is_asked_for_and_only_with_whom_is_trusted() {
    let mut there = There::new();
    let url = there.url("one.txt");
    let said = run(&["cat", "--tls", &url]);
    assert!(said.code == 60 && said.err.contains("[CRK-780]"), "{said:?}");
    assert!(run(&["cat", "--tls-insecure", "-v", &url]).err.contains("* protected: TLS 1.3"));
    let line = there.server.line_with(", SHA-256 ");
    let pin = line.split_whitespace().find(|word| word.matches(':').count() == 31).unwrap();
    assert_eq!(well(&["cat", "--fingerprint", pin, &url]), "first\n");
    let other = "00:".repeat(31) + "00";
    assert_eq!(run(&["cat", "--fingerprint", &other, &url]).code, 60);
    assert_eq!(well(&["cat", "--tls-insecure", &url.replace("ftp:", "ftpes:")]), "first\n");
    assert_eq!(run(&["cat", "--no-tls", &url.replace("ftp:", "ftpes:")]).code, 3);
}

#[test]
fn active_mode_and_families_are_taken_as_asked() {
    let there = There::new();
    let url = there.url("one.txt");
    let said = run(&["cat", "--active", "-v", &url]);
    assert!(said.out == "first\n" && said.err.contains("> EPRT") && !said.err.contains("> EPSV"), "{said:?}");
    let said = run(&["cat", "--passive", "-4", "-v", &url]);
    assert!(said.out == "first\n" && said.err.contains("> EPSV"), "{said:?}");
    assert_eq!(run(&["cat", "-6", &url]).code, 6);
}

#[test]
fn a_session_is_drawn_without_its_password() {
    let there = There::new();
    let folder = tempfile::tempdir().unwrap();
    let svg = folder.path().join("s.svg");
    let said = run(&["cat", "--trace", "--verbose", "--trace-svg", svg.to_str().unwrap(), &there.url("one.txt")]);
    assert_eq!((said.code, &*said.out), (0, "first\n"), "{said:?}");
    assert!(said.err.contains("│─ RETR /one.txt") && said.err.contains("> RETR /one.txt\n"), "{said:?}");
    let drawn = std::fs::read_to_string(svg).unwrap();
    assert!(drawn.starts_with("<svg") && drawn.contains("RETR /one.txt") && drawn.contains("PASS ***"));
    assert!(!said.err.contains("long-enough") && !drawn.contains("long-enough"));
}

#[test]
fn a_pipe_that_closes_is_no_failure() {
    let there = There::new();
    std::fs::write(there.path("large"), vec![b'x'; 8 << 20]).unwrap();
    let mut child = carrack(&["cat", &there.url("large")]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut some = [0; 10];
    child.stdout.take().unwrap().read_exact(&mut some).unwrap();
    let said = Said::from(child.wait_with_output().unwrap());
    assert!(said.code == 0 && said.err.is_empty(), "{said:?}");
}

/// A server that says nothing.
fn mute() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ftp://127.0.0.1:{}/", listener.local_addr().unwrap().port());
    (listener, url)
}

#[test]
fn waits_have_limits_and_ctrl_c_ends_them() {
    let (listener, url) = mute();
    let said = run(&["ls", "--timeout", "0.3", "--retries", "0", &url]);
    assert!(said.code == 8 && said.err.contains("[CRK-702]"), "{said:?}");
    drop(listener.accept().unwrap());
    let child = carrack(&["ls", &url]).stderr(Stdio::piped()).spawn().unwrap();
    let began = Instant::now();
    let (held, _) = listener.accept().unwrap();
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let said = Said::from(child.wait_with_output().unwrap());
    assert!(said.code == 130 && began.elapsed() < PATIENCE, "{said:?}");
    drop(held);
}

#[test]
fn a_bookmark_and_a_netrc_stand_for_url_and_login() {
    let there = There::new();
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join("carrack")).unwrap();
    let url = there.url("sub").replace("carrack@", "");
    let line = format!("[[bookmark]]\nname = \"work\"\nurl = \"{url}\"\noptions = [\"--active\", \"--user\", \"carrack\"]\n");
    std::fs::write(home.path().join("carrack/bookmarks.toml"), line).unwrap();
    std::fs::write(home.path().join(".netrc"), "machine 127.0.0.1 login carrack password long-enough\n").unwrap();
    let go = |args: &[&str]| -> Said {
        let mut command = carrack(args);
        command.env("HOME", home.path()).env("XDG_CONFIG_HOME", home.path()).env_remove("CARRACK_PASSWORD");
        command.output().unwrap().into()
    };
    let said = go(&["cat", "-v", "work:three"]);
    assert!(said.out == "3\n" && said.err.contains("> EPRT"), "{said:?}");
    let said = go(&["cat", "-v", "--passive", "work:three"]);
    assert!(said.out == "3\n" && said.err.contains("> EPSV"), "{said:?}");
    assert_eq!(go(&["cat", &format!("{url}/three")]).out, "3\n");
    assert_eq!(go(&["cat", "--no-netrc", &format!("{url}/three")]).code, 67);
}
