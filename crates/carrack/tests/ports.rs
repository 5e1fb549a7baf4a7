//! Ports that firewalls, NAT and clusters can live with (promise 3): few ports for all, and no theft or bounce.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};

use crate::harness::{Client, DATA, PATIENCE, Server, Site, dial, passive, try_dial, user};

/// Starts on one address of 127.0.0.0/8 (each test its own, so that its ports are), with keys of the listener.
fn start(ip: &str, listener: &str, more: &str) -> (Site, Server, SocketAddr) {
    let site = Site::new(&format!(
        "[[listener]]\nname = \"ftp\"\nprotocol = \"ftp\"\naddress = \"{ip}:0\"\n{listener}\n{DATA}{}{more}",
        user("anna")
    ));
    site.put("f", "content");
    let (server, port) = site.start();
    (site, server, format!("{ip}:{port}").parse().unwrap())
}

fn login(at: SocketAddr) -> Client {
    let local = if at.is_ipv4() { "127.0.0.1" } else { "::1" };
    let mut client = Client::from(local, at);
    client.login_as("anna");
    client.say("TYPE I", "200");
    client
}

/// Two neighbouring ports that are free on an address.
fn two_free(ip: &str) -> u16 {
    for _ in 0..100 {
        let first = TcpListener::bind((ip, 0)).unwrap().local_addr().unwrap().port();
        if first < u16::MAX && TcpListener::bind((ip, first)).and(TcpListener::bind((ip, first + 1))).is_ok() {
            return first;
        }
    }
    panic!("no two ports are free");
}

fn everything(mut data: impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    data.read_to_end(&mut bytes).unwrap();
    bytes
}

#[test]
fn two_ports_serve_fifty_sessions_of_one_address_at_once() {
    let ip = "127.0.81.1";
    let first = two_free(ip);
    let range = format!("passive_ports = \"{first}-{}\"", first + 1);
    let (site, _server, at) = start(ip, &range, "");
    site.put("f", vec![9; 100_000]);
    let failed: Vec<String> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..50)
            .map(|n| {
                scope.spawn(move || {
                    let mut c = login(at);
                    for round in 0..4 {
                        let (_, port) = passive(&c.say("EPSV", "229"));
                        assert!(port == first || port == first + 1, "{port}");
                        let data = dial("127.0.0.1", SocketAddr::new(at.ip(), port));
                        c.say("RETR f", "150");
                        let got = everything(data);
                        let reply = c.whole();
                        if got.len() != 100_000 || !reply.starts_with("226") {
                            return Some(format!("session {n} round {round}: {} bytes, {reply}", got.len()));
                        }
                    }
                    None
                })
            })
            .collect();
        all.into_iter().filter_map(|t| t.join().unwrap_or_else(|_| Some("a session broke".to_owned()))).collect()
    });
    assert!(failed.is_empty(), "{failed:?}");
}

#[test]
fn the_next_reservation_of_an_address_takes_the_next_port() {
    let ip = "127.0.81.2";
    let first = two_free(ip);
    let keys = format!("passive_ports = \"{first}-{}\"", first + 1);
    let (_site, _server, at) = start(ip, &keys, "[limits]\ndata_connect_seconds = 1\n");
    let mut all: Vec<Client> = (0..3).map(|_| login(at)).collect();
    let a = passive(&all[0].say("EPSV", "229")).1;
    let b = passive(&all[1].say("PASV", "227")).1;
    assert_ne!(a, b);
    let said = all[2].ask("EPSV");
    // The first two were given up for want of a connection, or there is none: either is said within the limit.
    assert!(said.starts_with("229") || said.contains("CRK-307"), "{said}");
    assert_eq!(passive(&Client::from("127.0.0.2", at).also_logged_in().say("EPSV", "229")).0, None);
}

impl Client {
    fn also_logged_in(mut self) -> Self {
        self.login_as("anna");
        self
    }
}

#[test]
fn a_data_connection_cannot_be_stolen() {
    let (_site, _server, at) = start("127.0.81.3", "passive_ports = \"0\"", "");
    let mut c = login(at);
    for before in [true, false] {
        let (_, port) = passive(&c.say("EPSV", "229"));
        let data_at = SocketAddr::new(at.ip(), port);
        let thief = || match try_dial("127.0.0.2", data_at) {
            Ok(mut stream) => {
                let mut got = Vec::new();
                let _ = stream.write_all(b"stolen");
                let _ = stream.read_to_end(&mut got);
                assert!(got.is_empty(), "the thief got {got:?}");
            }
            Err(e) => assert_ne!(e.kind(), std::io::ErrorKind::TimedOut),
        };
        if before {
            thief();
            let data = dial("127.0.0.1", data_at);
            c.say("RETR f", "150");
            assert_eq!(everything(data), b"content");
        } else {
            c.say("STOR up", "150");
            thief();
            let mut data = dial("127.0.0.1", data_at);
            data.write_all(b"mine").unwrap();
        }
        c.reply("226");
    }
    assert_eq!(c.take_at(at, "RETR up"), b"mine");
}

impl Client {
    fn take_at(&mut self, at: SocketAddr, line: &str) -> Vec<u8> {
        let (_, port) = passive(&self.say("EPSV", "229"));
        let data = dial(if at.is_ipv4() { "127.0.0.1" } else { "::1" }, SocketAddr::new(at.ip(), port));
        self.say(line, "150");
        let got = everything(data);
        self.reply("226");
        got
    }
}

/// A connection that came for a command which was then refused belongs to nobody: neither the same session's next
/// transfer nor another's of the same address may meet it (an upload would then end before it began, with a 226).
#[test]
fn a_connection_that_was_given_up_is_never_the_next_ones() {
    let ip = "127.0.81.11";
    let first = two_free(ip);
    let (site, _server, at) = start(ip, &format!("passive_ports = \"{first}\""), "");
    let (mut one, mut two) = (login(at), login(at));
    let connect = || dial("127.0.0.1", SocketAddr::new(at.ip(), first));
    for round in 0..20 {
        one.say("EPSV", "229");
        let old = connect();
        one.say("RETR nothing", "550");
        drop(old);
        let c = if round % 2 == 0 { &mut one } else { &mut two };
        c.say("EPSV", "229");
        let mut data = connect();
        c.say("STOR up", "150");
        let sent = data.write_all(b"whole");
        drop(data);
        let said = c.whole();
        assert!(said.starts_with("226") && sent.is_ok(), "{round}: {said}");
        assert_eq!(std::fs::read(site.data("up")).unwrap(), b"whole", "{round}: {said}");
    }
}

fn port_argument(at: SocketAddr) -> String {
    let SocketAddr::V4(at) = at else { panic!("{at}") };
    let [a, b, c, d] = at.ip().octets();
    let [high, low] = at.port().to_be_bytes();
    format!("PORT {a},{b},{c},{d},{high},{low}")
}

#[test]
fn nobody_is_bounced_to_and_fxp_is_a_permission() {
    let fxp = format!("{}fxp = true\n", user("fxp"));
    let (_site, _server, at) = start("127.0.81.4", "passive_ports = \"0\"", &fxp);
    let far = TcpListener::bind("127.0.0.2:0").unwrap();
    let far_at = far.local_addr().unwrap();
    let mut c = login(at);
    let eprt = format!("EPRT |1|127.0.0.2|{}|", far_at.port());
    for (line, code) in [
        (port_argument(far_at).as_str(), "CRK-304"),
        (eprt.as_str(), "CRK-304"),
        ("PORT 127,0,0,1,0,80", "CRK-308"),
        ("EPRT |1|127.0.0.1|1023|", "CRK-308"),
        ("PORT 127,0,0,1,300,1", "CRK-404"),
    ] {
        let said = c.ask(line);
        assert!(said.starts_with("501") && said.contains(code), "{line}: {said}");
    }
    assert!(c.ask("EPRT |2|::1|5000|").starts_with("522"));
    let mut f = Client::from("127.0.0.1", at);
    f.login_as("fxp");
    f.say(&port_argument(far_at), "200");
    f.say("RETR f", "150");
    assert_eq!(everything(far.accept().unwrap().0), b"content");
    f.reply("226");
    assert!(f.ask("PORT 127,0,0,2,0,80").contains("CRK-308"), "not even for FXP");
    // And the passive way: another machine may come, for this user only.
    let (_, port) = passive(&f.say("EPSV", "229"));
    let data = dial("127.0.0.2", SocketAddr::new(at.ip(), port));
    f.say("RETR f", "150");
    assert_eq!(everything(data), b"content");
    f.reply("226");
}

#[test]
fn the_announced_address_is_the_one_for_the_client() {
    let keys = "passive_ports = \"0\"\npublic_address = { \"127.0.0.2\" = \"198.51.100.1\", default = \"203.0.113.5\" }";
    let (_site, _server, at) = start("127.0.81.5", keys, "");
    for (from, announced) in [("127.0.0.1", [203, 0, 113, 5]), ("127.0.0.2", [198, 51, 100, 1])] {
        let mut c = Client::from(from, at).also_logged_in();
        assert_eq!(passive(&c.say("PASV", "227")).0, Some(Ipv4Addr::from(announced)));
    }
    let (_site, _server, at) = start("127.0.81.6", "passive_ports = \"0\"", "");
    assert_eq!(passive(&login(at).say("PASV", "227")).0, Some(Ipv4Addr::new(127, 0, 81, 6)));
}

#[test]
fn ipv6_and_both_families_on_one_listener() {
    let (_site, _server, at) = start("[::1]", "passive_ports = \"0\"", "");
    let mut six = login(at);
    assert_eq!(six.take_at(at, "RETR f"), b"content");
    assert!(six.ask("PASV").starts_with("425"));
    assert!(six.ask("EPSV 1").starts_with("522"));
    let mine = TcpListener::bind("[::1]:0").unwrap();
    six.say(&format!("EPRT |2|::1|{}|", mine.local_addr().unwrap().port()), "200");
    six.say("RETR f", "150");
    assert_eq!(everything(mine.accept().unwrap().0), b"content");
    six.reply("226");

    let (_site, _server, at) = start("[::]", "passive_ports = \"0\"", "");
    let four_at = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), at.port());
    let mut four = login(four_at);
    let (announced, port) = passive(&four.say("PASV", "227"));
    assert_eq!(announced, Some(Ipv4Addr::LOCALHOST));
    let data = dial("127.0.0.1", SocketAddr::new(four_at.ip(), port));
    four.say("RETR f", "150");
    assert_eq!(everything(data), b"content");
    four.reply("226");
    assert_eq!(four.take_at(four_at, "RETR f"), b"content");
    let mine = TcpListener::bind("127.0.0.1:0").unwrap();
    four.say(&port_argument(mine.local_addr().unwrap()), "200");
    four.say("RETR f", "150");
    assert_eq!(everything(mine.accept().unwrap().0), b"content");
    four.reply("226");
}

#[test]
fn one_port_for_everything() {
    let (_site, _server, at) = start("127.0.81.7", "passive = false\nsingle_port = true", "");
    let mut c = login(at);
    assert!(c.ask("EPSV").contains("CRK-313"));
    let said = c.say("SPSV", "227");
    let key = said.split('(').nth(1).unwrap().split(')').next().unwrap();
    // Only the session's own machine, and only with the key.
    let mut thief = Client::from("127.0.0.2", at);
    thief.say(&format!("SPDT {key}"), "501");
    let mut wrong = Client::from("127.0.0.1", at);
    wrong.say("SPDT 00000000000000000000000000000000", "501");
    let mut data = Client::from("127.0.0.1", at);
    data.send(format!("SPDT {key}\r\n").as_bytes());
    c.say("RETR f", "150");
    assert_eq!(everything(data.stream), b"content");
    c.reply("226");
    // A key is good once.
    Client::from("127.0.0.1", at).say(&format!("SPDT {key}"), "501");
}

#[test]
fn what_comes_right_behind_spdt_is_data() {
    let (site, _server, at) = start("127.0.81.11", "passive = false\nsingle_port = true", "");
    let mut c = login(at);
    // Whole, and cut where a packet may end.
    for cut in [0, 3, 5, 20] {
        let said = c.say("SPSV", "227");
        let key = said.split('(').nth(1).unwrap().split(')').next().unwrap();
        let mut data = Client::from("127.0.0.1", at);
        let sent = format!("spdt {key}\r\nQUIT\r\nnot a command").into_bytes();
        data.send(&sent[..cut]);
        std::thread::sleep(std::time::Duration::from_millis(20));
        data.send(&sent[cut..]);
        data.stream.get_ref().shutdown(std::net::Shutdown::Write).unwrap();
        c.say("STOR up", "150");
        c.reply("226");
        assert_eq!(std::fs::read(site.data("up")).unwrap(), b"QUIT\r\nnot a command", "cut at {cut}");
    }
}

#[test]
fn active_mode_leaves_from_the_configured_port() {
    let source = TcpListener::bind("127.0.81.8:0").unwrap().local_addr().unwrap().port();
    let keys = format!("passive_ports = \"0\"\nactive_source_port = {source}");
    let (_site, _server, at) = start("127.0.81.8", &keys, "");
    let mut c = login(at);
    let mine = TcpListener::bind("127.0.0.1:0").unwrap();
    c.say(&port_argument(mine.local_addr().unwrap()), "200");
    // Twice: the same four numbers cannot stand again at once, and PORT holds until another.
    for _ in 0..2 {
        c.say("RETR f", "150");
        let (data, peer) = mine.accept().unwrap();
        assert_eq!(peer.ip(), at.ip());
        assert_eq!(everything(data), b"content");
        c.reply("226");
    }
    let (mut both, other) = (login(at), TcpListener::bind("127.0.0.1:0").unwrap());
    both.say(&port_argument(other.local_addr().unwrap()), "200");
    both.say("RETR f", "150");
    assert_eq!(other.accept().unwrap().1.port(), source);
    both.reply("226");
}

#[test]
fn a_refused_active_connection_is_said() {
    let (_site, _server, at) = start("127.0.81.9", "passive_ports = \"0\"", "");
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut c = login(at);
    c.say(&port_argument(nobody), "200");
    c.say("RETR f", "150");
    assert!(c.reply("425").contains("CRK-302"));
    c.say("EPSV ALL", "200");
    assert!(c.ask(&port_argument(nobody)).contains("CRK-309"));
    assert!(c.ask("PASV").contains("CRK-309"));
    assert_eq!(c.take_at(at, "RETR f"), b"content");
}

#[test]
fn without_port_or_pasv_the_control_connections_own_port_is_meant() {
    let (_site, _server, at) = start("127.0.81.10", "passive_ports = \"0\"", "");
    let new = |bound: u16| {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        socket.set_reuse_address(true).unwrap();
        socket.set_reuse_port(true).unwrap();
        socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, bound)).into()).unwrap();
        socket
    };
    let control = new(0);
    let port = control.local_addr().unwrap().as_socket().unwrap().port();
    let listening = new(port);
    control.connect(&at.into()).unwrap();
    listening.listen(1).unwrap();
    let stream = TcpStream::from(control);
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut c = Client { stream: std::io::BufReader::new(stream) };
    c.reply("220");
    c.login_as("anna");
    c.say("TYPE I", "200");
    c.say("RETR f", "150");
    assert_eq!(everything(TcpListener::from(listening).accept().unwrap().0), b"content");
    c.reply("226");
}
