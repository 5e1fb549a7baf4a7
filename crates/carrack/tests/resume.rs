//! "226" means it, over the wire (promise 1): whole or not at all, and the owner of a part goes on with it.

use std::io::Write;
use std::path::Path;
use std::process::Command;

use crate::harness::{Client, DATA, LISTENER, Site, shown, until, user};

fn site() -> Site {
    let guest = "[anonymous]\nmounts = \"data\"\n";
    Site::new(&[LISTENER, "anonymous = true\n", DATA, &user("anna"), &user("bob"), guest].concat())
}

fn guest(port: u16) -> Client {
    let mut c = Client::connect(port);
    c.say("USER anonymous", "331");
    c.say("PASS guest@", "230");
    c.say("TYPE I", "200");
    c
}

fn login(port: u16, user: &str) -> Client {
    let mut c = Client::login(port, user);
    c.say("TYPE I", "200");
    c
}

/// An upload whose client vanishes: both connections closed, no QUIT.
fn vanish(port: u16, name: &str, bytes: &[u8]) {
    let mut c = login(port, "anna");
    let mut data = c.data();
    c.say(&format!("STOR {name}"), "150");
    data.write_all(bytes).unwrap();
    until("the bytes arrived", || c.ask("STAT").contains(&format!(" {} bytes", bytes.len())));
    // The control connection first: then the end of data proves nothing.
    drop(c);
    drop(data);
}

#[test]
fn a_part_is_there_for_its_owner_and_for_nobody_else() {
    let site = site();
    let (_server, port) = site.start();
    let whole: Vec<u8> = (0..200_000u32).map(|n| (n % 251) as u8).collect();
    for (name, on) in [("rest", "REST"), ("appe", "APPE")] {
        vanish(port, name, &whole[..80_000]);
        let mut anna = login(port, "anna");
        until("the part is kept", || anna.ask(&format!("SIZE {name}")).starts_with("213 80000"));
        assert!(!site.data(name).exists(), "half a file stands under its name");
        for mut other in [login(port, "bob"), guest(port)] {
            assert!(other.ask(&format!("SIZE {name}")).contains("CRK-201"));
            assert!(other.take(&format!("RETR {name}")).1.contains("CRK-201"));
            for line in ["NLST", "LIST -a", "MLSD"] {
                let (listing, _) = other.take(line);
                assert!(!String::from_utf8_lossy(&listing.unwrap()).contains(name), "{line}");
            }
        }
        let line = if on == "REST" {
            anna.say("REST 80000", "350");
            format!("STOR {name}")
        } else {
            format!("APPE {name}")
        };
        assert!(anna.give(&line, &whole[80_000..]).starts_with("226"));
        let got = std::fs::read(site.data(name)).unwrap();
        let differs = got.iter().zip(&whole).position(|(a, b)| a != b);
        assert!(got == whole, "{on}: {} bytes, first wrong at {differs:?}", got.len());
        assert!(login(port, "bob").fetch(name) == whole);
    }
}

#[test]
fn a_replacement_cut_off_keeps_what_stood() {
    let site = site();
    site.put("f", "old content");
    let (_server, port) = site.start();
    vanish(port, "f", b"new");
    let mut anna = login(port, "anna");
    until("it settles", || anna.ask("SIZE f").starts_with("213 11"));
    assert_eq!(anna.fetch("f"), b"old content");
    assert_eq!(std::fs::read(site.data("f")).unwrap(), b"old content");
}

#[test]
fn the_reply_says_what_was_stored_and_allo_is_held_to() {
    let site = site();
    let (_server, port) = site.start();
    let mut c = login(port, "anna");
    let said = c.give("STOR f", b"12345");
    assert!(said.starts_with("226 Stored /f: 5 bytes"), "{said}");
    c.say("ALLO 10", "200");
    let said = c.give("STOR g", b"12345");
    assert!(said.starts_with("451") && said.contains("CRK-223"), "{said}");
    assert!(!site.data("g").exists());
    c.say("ALLO 5", "200");
    assert!(c.give("STOR g", b"12345").starts_with("226"));
    assert!(c.give("STOR empty", b"").starts_with("226"));
    assert_eq!(std::fs::read(site.data("empty")).unwrap(), b"");
}

#[test]
fn stou_never_gives_one_name_twice() {
    let site = site();
    let (_server, port) = site.start();
    let (mut a, mut b) = (login(port, "anna"), login(port, "bob"));
    let (mut to_a, mut to_b) = (a.data(), b.data());
    let name = |said: String| said.trim().split("FILE: ").nth(1).unwrap().to_owned();
    let (one, two) = (name(a.say("STOU", "150")), name(b.say("STOU", "150")));
    assert_ne!(one, two);
    to_a.write_all(b"a").unwrap();
    to_b.write_all(b"b").unwrap();
    drop((to_a, to_b));
    a.reply("226");
    b.reply("226");
    assert_eq!(
        (std::fs::read(site.data(&one)).unwrap(), std::fs::read(site.data(&two)).unwrap()),
        (b"a".to_vec(), b"b".to_vec())
    );
}

#[test]
fn a_file_that_is_too_large_is_stopped() {
    let site = Site::anna("file_size = \"10 KiB\"\n");
    let (_server, port) = site.start();
    let mut c = login(port, "anna");
    let said = c.give("STOR f", &vec![1; 200_000]);
    assert!(said.starts_with("552") && said.contains("CRK-216"), "{said}");
    assert!(!site.data("f").exists());
    c.ask("ALLO 20000");
    let said = c.give("STOR f", b"");
    assert!(said.starts_with("552") || said.starts_with("226"), "{said}");
    assert!(c.give("STOR g", &vec![1; 10 << 10]).starts_with("226"));
    // What is added counts with what stands.
    assert!(c.give("APPE g", &vec![2; 4 << 20]).contains("CRK-216"));
    assert_eq!(c.take("RETR g").0.unwrap()[..10 << 10], vec![1; 10 << 10]);
}

#[test]
fn what_is_added_in_place_stops_at_the_limit() {
    let site = Site::anna("file_size = \"10 KiB\"\n");
    let (_server, port) = site.start();
    let mut c = login(port, "anna");
    assert!(c.give("STOR f", &vec![1; 5 << 10]).starts_with("226"));
    assert!(c.give("APPE f", &vec![2; 4 << 20]).contains("CRK-216"));
    let left = std::fs::metadata(site.data("f")).unwrap().len();
    assert!(left <= 10 << 10, "{left} bytes stand");
}

struct Mounted<'a>(&'a Path);

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}

/// Only root can mount a small disk; others learn that it was not tried.
#[test]
fn a_full_disk_is_said_and_survived() {
    let site = Site::anna("");
    let data = site.data("");
    let tried = Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "none", shown(&data)]).status();
    if !tried.is_ok_and(|s| s.success()) {
        // Said aloud: a test that tried nothing shall not look like one that passed.
        let _ = writeln!(std::io::stderr(), "not tried: a tmpfs cannot be mounted here");
        return;
    }
    let _mounted = Mounted(&data);
    let (_server, port) = site.start();
    let mut c = login(port, "anna");
    let said = c.give("STOR f", &vec![1; 4 << 20]);
    assert!(said.starts_with("452") && said.contains("CRK-214"), "{said}");
    assert!(!site.data("f").exists());
    c.ask("DELE f");
    assert!(c.give("STOR g", &vec![1; 512 << 10]).starts_with("226"));
    assert_eq!(c.fetch("g").len(), 512 << 10);
}

#[test]
fn line_ends_are_converted_both_ways_and_counted() {
    let site = site();
    site.put("f", "one\ntwo\nthree\n");
    let (_server, port) = site.start();
    let mut c = Client::login(port, "anna");
    c.say("TYPE A", "200");
    assert!(c.ask("SIZE f").starts_with("213 17"));
    assert_eq!(c.take("RETR f").0.unwrap(), b"one\r\ntwo\r\nthree\r\n");
    // The offset counts what is sent.
    c.say("REST 5", "350");
    assert_eq!(c.take("RETR f").0.unwrap(), b"two\r\nthree\r\n");
    assert!(c.give("STOR g", b"one\r\ntwo\r\nthree\r\n").starts_with("226"));
    assert_eq!(std::fs::read(site.data("g")).unwrap(), b"one\ntwo\nthree\n");
    c.say("TYPE I", "200");
    assert!(c.ask("SIZE f").starts_with("213 14"));
    c.say("REST 4", "350");
    assert_eq!(c.take("RETR f").0.unwrap(), b"two\nthree\n");
    c.say("REST 15", "350");
    assert!(c.take("RETR f").1.contains("CRK-221"));
}
