//! How much at once and how fast: the limits of users and addresses hold, and give back what they took.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use crate::harness::{Client, Site, until};

const MIB: usize = 1 << 20;

fn stuck_download(port: u16) -> (Client, std::net::TcpStream) {
    let mut c = Client::login(port, "anna");
    c.say("TYPE I", "200");
    let data = c.data();
    c.say("RETR big", "150");
    (c, data)
}

#[test]
fn a_user_has_as_many_transfers_as_said_and_gets_their_places_back() {
    let site = Site::anna("transfers = 2\n");
    std::fs::File::create(site.data("big")).unwrap().set_len(256 << 20).unwrap();
    site.put("small", "small");
    let (mut server, port) = site.start();
    let (first, second) = (stuck_download(port), stuck_download(port));
    let mut third = Client::login(port, "anna");
    for line in ["RETR small", "LIST", "MLSD"] {
        let _data = third.data();
        let said = third.ask(line);
        // A listing moves no file: it is no transfer in this sense.
        if line.starts_with("RETR") {
            assert!(said.starts_with("450") && said.contains("CRK-222"), "{line}: {said}");
        } else {
            assert!(said.starts_with("150"), "{line}: {said}");
            third.reply("226");
        }
    }
    let said = third.give("STOR up", b"bytes");
    assert!(said.contains("CRK-222"), "{said}");
    assert!(!site.data("up").exists());
    // By ABOR, and by a connection that is gone.
    let (mut c, _data) = first;
    c.say("ABOR", "426");
    c.reply("226");
    assert_eq!(third.fetch("small"), b"small");
    let _again = stuck_download(port);
    drop(second);
    until("the place is free", || third.give("STOR up", b"bytes").starts_with("226"));
    server.line_with("CRK-222");
}

#[test]
fn a_user_and_an_address_have_as_many_sessions_as_said() {
    let site = Site::anna("sessions = 2\n[limits]\nsessions_per_address = 4\n");
    let (_server, port) = site.start();
    let first = Client::login(port, "anna");
    let _second = Client::login(port, "anna");
    let mut third = Client::connect(port);
    third.say("USER anna", "331");
    let said = third.ask("PASS long-enough");
    assert!(said.starts_with("530") && said.contains("CRK-106"), "{said}");
    let _fourth = Client::connect(port);
    let mut fifth = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    let mut said = String::new();
    fifth.read_to_string(&mut said).unwrap();
    assert!(said.starts_with("421") && said.contains("CRK-105"), "{said}");
    drop(first);
    until("a place is free", || {
        third.say("USER anna", "331");
        third.ask("PASS long-enough").starts_with("230")
    });
}

#[test]
fn a_rate_is_shared_by_all_transfers_of_a_user() {
    let site = Site::anna("rate_down = \"2 MiB\"\nrate_up = \"2 MiB\"\n");
    site.put("f", vec![7; 3 * MIB]);
    let (_server, port) = site.start();
    let began = Instant::now();
    let both: Vec<_> =
        (0..2).map(|_| std::thread::spawn(move || assert_eq!(Client::login(port, "anna").fetch("f").len(), 3 * MIB))).collect();
    both.into_iter().for_each(|t| t.join().unwrap());
    // 6 MiB at 2 MiB a second, less what may go at once in the beginning.
    assert!(began.elapsed() > Duration::from_millis(1_800), "down in {:?}", began.elapsed());
    let began = Instant::now();
    let both: Vec<_> = (0..2)
        .map(|n| {
            std::thread::spawn(move || {
                let mut c = Client::login(port, "anna");
                c.say("TYPE I", "200");
                let mut data = c.data();
                c.say(&format!("STOR up{n}"), "150");
                data.write_all(&vec![7; 3 * MIB]).unwrap();
                drop(data);
                c.reply("226");
            })
        })
        .collect();
    both.into_iter().for_each(|t| t.join().unwrap());
    assert!(began.elapsed() > Duration::from_millis(1_800), "up in {:?}", began.elapsed());
}
