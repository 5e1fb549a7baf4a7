//! Who is let in (promise 8): virtual hosts, accounts, guests, guessing, passwords in clear.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::harness::{Client, DATA, LISTENER, PASSWORD, Site, until, user};

#[test]
fn host_chooses_banner_users_and_root() {
    let other = "[[mount]]\nname = \"other\"\nkind = \"local\"\npath = \"other\"\n";
    let hosts = "[[host]]\nname = \"a.example\"\nbanner = \"This is a.\"\nusers = [\"anna\"]\nroot = \"other\"\n\
                 [[host]]\nname = \"b.example\"\nanonymous = true\n[anonymous]\nmounts = \"data\"\n";
    let text =
        [LISTENER, "banner_here", DATA, other, &user("anna"), "mounts = \"data\"\n", &user("bob"), "mounts = \"data\"\n", hosts];
    let text = format!("banner = \"Main.\"\n{}", text.concat().replace("banner_here", ""));
    let site = Site::new(&text);
    std::fs::create_dir(site.place.path().join("other")).unwrap();
    std::fs::write(site.place.path().join("other/o"), "other").unwrap();
    site.put("f", "main");
    let (_server, port) = site.start();
    let at = |host: &str| {
        let mut c = Client::connect(port);
        let said = c.ask(&format!("HOST {host}"));
        (c, said)
    };
    let (mut a, said) = at("A.Example");
    assert!(said.starts_with("220") && said.contains("This is a."), "{said}");
    a.login_as("anna");
    assert_eq!(a.fetch("o"), b"other");
    assert!(a.take("RETR f").1.contains("CRK-201"));
    assert!(a.ask("HOST b.example").starts_with("503"));
    let (mut bob, _) = at("a.example");
    bob.say("USER bob", "331");
    assert!(bob.ask(&format!("PASS {PASSWORD}")).contains("CRK-101"), "bob is not known at a");
    let (mut b, _) = at("b.example");
    b.say("USER anonymous", "331");
    b.say("PASS guest@", "230");
    assert_eq!(b.fetch("f"), b"main");
    let (mut none, said) = at("c.example");
    assert!(said.starts_with("504") && said.contains("CRK-110"), "{said}");
    none.login_as("bob");
    assert_eq!(none.fetch("f"), b"main");
    let mut main = Client::connect(port);
    main.say("USER anonymous", "331");
    main.say("PASS guest@", "530");
}

#[test]
fn an_account_is_asked_for_and_checked() {
    let site = Site::anna("accounts = [\"project-7\"]\naccount_required = true\n[limits]\ndelay_milliseconds = 0\n");
    let (_server, port) = site.start();
    for (account, code) in [("project-8", "530"), ("project-7", "230")] {
        let mut c = Client::connect(port);
        c.say("USER anna", "331");
        c.say(&format!("PASS {PASSWORD}"), "332");
        assert!(c.ask("NLST").starts_with("530"), "nothing before the account");
        c.say(&format!("ACCT {account}"), code);
        let said = c.ask("PWD");
        assert_eq!(said.starts_with("257"), code == "230", "{said}");
    }
}

#[test]
fn guests_read_and_never_write_unless_said() {
    let site = Site::new(&[LISTENER, "anonymous = true\n", DATA, "[anonymous]\nmounts = \"data\"\n"].concat());
    site.put("f", "content");
    let (_server, port) = site.start();
    let mut c = Client::connect(port);
    c.say("USER ftp", "331");
    c.say("PASS guest@", "230");
    assert_eq!(c.fetch("f"), b"content");
    for line in ["DELE f", "MKD n", "RNFR f", "SITE CHMOD 600 f", "SITE SYMLINK f n", "RMD ."] {
        let said = c.ask(line);
        let said = if line == "RNFR f" && said.starts_with("350") { c.ask("RNTO n") } else { said };
        assert!(said.contains("CRK-211"), "{line}: {said}");
    }
    for line in ["STOR n", "STOR f", "APPE f", "STOU"] {
        assert!(c.give(line, b"x").contains("CRK-211"), "{line}");
    }
    assert_eq!(std::fs::read_dir(site.data("")).unwrap().count(), 1);
}

#[test]
fn a_made_hash_is_a_password() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_carrack"));
    let mut child = child.arg("hash").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all("pass wörd\n".as_bytes()).unwrap();
    let hash = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    let site = Site::anna(&format!("[[user]]\nname = \"eve\"\npassword = \"{}\"\n", hash.trim()));
    let (_server, port) = site.start();
    for (password, code) in [("pass word", "530"), ("pass wörd ", "530"), ("pass wörd", "230")] {
        let mut c = Client::connect(port);
        c.say("USER eve", "331");
        c.say(&format!("PASS {password}"), code);
    }
}

#[test]
fn nobody_learns_whether_a_user_exists_and_guessing_slows_down_and_bans() {
    let limits = "disabled = false\n[[user]]\nname = \"off\"\npassword = \"{HASH}\"\ndisabled = true\n\
                  [limits]\ntries = 2\nban_after = 5\nban_seconds = 2\ndelay_milliseconds = 100\ndelay_most_milliseconds = 400\n";
    let site = Site::anna(limits);
    let (mut server, port) = site.start();
    let mut said = Vec::new();
    let mut took = Vec::new();
    for (user, password) in [("anna", "wrong"), ("nobody", "wrong"), ("off", PASSWORD), ("nobody", "wrong")] {
        let mut c = Client::connect(port);
        let named = c.ask(&format!("USER {user}"));
        let began = Instant::now();
        let answer = c.ask(&format!("PASS {password}"));
        took.push(began.elapsed());
        said.push((named, answer));
    }
    assert!(said.iter().all(|s| *s == said[0]) && said[0].1.starts_with("530") && said[0].1.contains("CRK-101"), "{said:?}");
    let at_least = [100, 200, 400, 400];
    assert!(took.iter().zip(at_least).all(|(t, least)| *t >= Duration::from_millis(least)), "{took:?}");
    let mut last = Client::connect(port);
    last.say("USER anna", "331");
    let answer = last.ask("PASS wrong");
    assert!(answer.starts_with("421") || answer.starts_with("530"), "{answer}");
    server.line_with("CRK-102");
    let mut banned = Client { stream: std::io::BufReader::new(std::net::TcpStream::connect(("127.0.0.1", port)).unwrap()) };
    let answer = banned.whole();
    assert!(answer.starts_with("421") && answer.contains("CRK-102"), "{answer}");
    until("the ban ends", || {
        let stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
        Client { stream: std::io::BufReader::new(stream) }.whole().starts_with("220")
    });
    Client::login(port, "anna");
}

#[test]
fn too_many_tries_end_the_connection() {
    let site = Site::anna("[limits]\ntries = 2\ndelay_milliseconds = 0\n");
    let (_server, port) = site.start();
    let mut c = Client::connect(port);
    c.say("USER anna", "331");
    c.say("PASS wrong", "530");
    c.say("USER anna", "331");
    let said = c.ask("PASS wrong");
    assert!(said.starts_with("421") && said.contains("CRK-107"), "{said}");
    assert!(c.whole().is_empty());
}

#[test]
fn passwords_in_clear_are_a_setting() {
    for (word, taken) in [("refuse", false), ("loopback", true), ("allow", true)] {
        let site = Site::new(&[LISTENER, &format!("plain_login = \"{word}\"\n"), DATA, &user("anna")].concat());
        let (_server, port) = site.start();
        let mut c = Client::connect(port);
        let said = c.ask("USER anna");
        assert_eq!(said.starts_with("331"), taken, "{word}: {said}");
        if !taken {
            assert!(said.starts_with("530") && said.contains("CRK-103"), "{said}");
            assert!(c.ask(&format!("PASS {PASSWORD}")).starts_with("503"));
        }
    }
}
