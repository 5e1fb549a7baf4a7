//! The control connection is always awake (promise 4): it answers while data flows, and every wait has its limit.

use std::io::Read;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::harness::{Client, DATA, LISTENER, Server, Site, user};

const BIG: u64 = 256 << 20;

fn site(limits: &str) -> Site {
    let site = Site::new(&[LISTENER, DATA, &user("anna"), limits].concat());
    std::fs::File::create(site.data("big")).unwrap().set_len(BIG).unwrap();
    site.put("small", "small");
    site
}

/// A download whose reader has stopped.
fn stuck(port: u16) -> (Client, TcpStream) {
    let mut client = Client::login(port, "anna");
    client.say("TYPE I", "200");
    let data = client.data();
    client.say("RETR big", "150");
    (client, data)
}

fn start(limits: &str) -> (Site, Server, u16) {
    let site = site(limits);
    let (server, port) = site.start();
    (site, server, port)
}

#[test]
fn noop_stat_and_abor_are_answered_while_nobody_reads() {
    let (_site, _server, port) = start("");
    let (mut c, mut data) = stuck(port);
    c.at_once("NOOP", "200");
    let mut first = [0; 1024];
    data.read_exact(&mut first).unwrap();
    let said = c.at_once("STAT", "213");
    let moved: u64 = said.split(": ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    assert!((1024..BIG).contains(&moved), "{said}");
    c.at_once("ABOR", "426");
    c.reply("226");
    assert_eq!(c.fetch("small"), b"small");
    assert!(c.ask("ABOR").starts_with("22"));
    c.at_once("NOOP", "200");
}

#[test]
fn abor_comes_through_as_telnet_urgent_data() {
    let (_site, _server, port) = start("");
    // Where clients put the mark: on IAC (tnftp), on DM (RFC 854), on nothing.
    for urgent in [Some(2), Some(3), None] {
        let (mut c, _data) = stuck(port);
        let signal = [0xFF, 0xF4, 0xFF, 0xF2];
        let began = Instant::now();
        match urgent {
            Some(at) => {
                c.send(&signal[..at]);
                socket2::SockRef::from(c.stream.get_ref()).send_out_of_band(&signal[at..=at]).unwrap();
                c.send(&signal[at + 1..]);
            }
            None => c.send(&signal),
        }
        c.send(b"ABOR\r\n");
        c.reply("426");
        c.reply("226");
        assert!(began.elapsed() < Duration::from_secs(1), "{urgent:?}: {:?}", began.elapsed());
        assert_eq!(c.fetch("small"), b"small", "{urgent:?}");
    }
}

#[test]
fn abor_ends_a_wait_for_a_data_connection_and_an_upload() {
    let (site, _server, port) = start("");
    let mut c = Client::login(port, "anna");
    c.say("EPSV", "229");
    c.say("RETR small", "150");
    c.at_once("ABOR", "426");
    c.reply("226");
    let data = c.data();
    c.say("STOR up", "150");
    c.at_once("NOOP", "200");
    c.at_once("ABOR", "426");
    c.reply("226");
    drop(data);
    assert!(!site.data("up").exists());
    assert_eq!(c.fetch("small"), b"small");
}

#[test]
fn quit_waits_for_the_transfer() {
    let (_site, _server, port) = start("");
    let (mut c, mut data) = stuck(port);
    c.send(b"QUIT\r\n");
    let mut n = 0u64;
    let mut buffer = vec![0; 1 << 20];
    loop {
        match data.read(&mut buffer).unwrap() {
            0 => break,
            got => n += got as u64,
        }
    }
    assert_eq!(n, BIG);
    c.reply("226");
    c.reply("221");
    assert!(c.whole().is_empty());
}

#[test]
fn data_is_activity_for_the_idle_timer() {
    let (site, _server, port) = start("rate_down = \"1 MiB\"\n[limits]\nidle_seconds = 1\n");
    site.put("slow", vec![1; 3 << 20]);
    let mut c = Client::login(port, "anna");
    let began = Instant::now();
    assert_eq!(c.fetch("slow").len(), 3 << 20);
    assert!(began.elapsed() > Duration::from_millis(1500), "the rate did not hold it long enough: {:?}", began.elapsed());
    c.say("NOOP", "200");
    let began = Instant::now();
    assert!(c.whole().contains("CRK-112"));
    assert!(began.elapsed() > Duration::from_millis(500) && began.elapsed() < Duration::from_secs(5));
}

#[test]
fn every_wait_ends_with_its_own_code() {
    let limits = "[limits]\nlogin_seconds = 1\ndata_connect_seconds = 1\nstall_seconds = 1\n";
    let (_site, mut server, port) = start(limits);
    let mut nobody = Client::connect(port);
    let said = nobody.whole();
    assert!(said.starts_with("421") && said.contains("CRK-113"), "{said}");
    let mut c = Client::login(port, "anna");
    c.say("EPSV", "229");
    c.say("RETR small", "150");
    assert!(c.reply("425").contains("CRK-301"));
    let (mut stalled, data) = stuck(port);
    assert!(stalled.reply("426").contains("CRK-305"));
    drop(data);
    let up = stalled.data();
    stalled.say("STOR up", "150");
    assert!(stalled.reply("426").contains("CRK-305"));
    drop(up);
    assert_eq!(stalled.fetch("small"), b"small");
    for code in ["CRK-113", "CRK-301", "CRK-305"] {
        server.line_with(code);
    }
}
