//! Behind a load balancer: who the client is, the PROXY header of a trusted one says, and nobody else's.

use std::io::{BufReader, Write};
use std::net::{Ipv4Addr, TcpStream};

use crate::harness::{Client, DATA, LISTENER, PASSWORD, PATIENCE, Server, Site, passive, user};

fn start(keys: &str) -> (Site, Server, u16) {
    let site = Site::new(&[LISTENER, keys, DATA, &user("anna")].concat());
    site.put("f", "content");
    let (server, port) = site.start();
    (site, server, port)
}

/// Connects and says this first.
fn through(port: u16, header: &[u8]) -> Client {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(header).unwrap();
    Client { stream: BufReader::new(stream) }
}

/// Version 2: a connection of `from`, port 40000, to 198.51.100.1, port 21.
fn second_version(from: Ipv4Addr) -> Vec<u8> {
    let mut header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c".to_vec();
    header.extend(from.octets());
    header.extend([198, 51, 100, 1]);
    header.extend(40_000u16.to_be_bytes());
    header.extend(21u16.to_be_bytes());
    header
}

#[test]
fn the_client_is_who_the_balancer_says() {
    let keys = "proxy_protocol = [\"127.0.0.1\"]\nplain_login = \"allow\"\npublic_address = { \"10.0.0.0/8\" = \"10.9.8.7\", default = \"203.0.113.99\" }\n";
    let (_site, mut server, port) = start(keys);
    let first = b"PROXY TCP4 10.1.2.3 198.51.100.1 40000 21\r\n".to_vec();
    for (header, client, announced) in
        [(first, "10.1.2.3", [10, 9, 8, 7]), (second_version([203, 0, 113, 7].into()), "203.0.113.7", [203, 0, 113, 99])]
    {
        let mut c = through(port, &header);
        c.reply("220");
        c.login_as("anna");
        let (ip, at) = passive(&c.say("PASV", "227"));
        assert_eq!(ip.unwrap().octets(), announced);
        // Data come the way the control connection came: through the balancer.
        let data = TcpStream::connect(("127.0.0.1", at)).unwrap();
        c.say("RETR f", "150");
        assert_eq!(std::io::read_to_string(data).unwrap(), "content");
        c.reply("226");
        assert!(server.line_with("RETR").contains(client) || server.line_with(client).contains("RETR"));
        server.seen.clear();
    }
}

#[test]
fn a_client_from_elsewhere_is_not_on_loopback_though_its_balancer_is() {
    let (_site, _server, port) = start("proxy_protocol = [\"127.0.0.1\"]\n");
    let mut c = through(port, b"PROXY TCP4 203.0.113.7 198.51.100.1 40000 21\r\n");
    c.reply("220");
    let mut said = c.ask("USER anna");
    if said.starts_with("331") {
        said = c.ask(&format!("PASS {PASSWORD}"));
    }
    assert!(said.starts_with('5') && said.contains("CRK-103"), "{said}");
    // The balancer's own health check is the balancer's own connection; a header that is none ends it.
    through(port, b"\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00").reply("220");
    assert!(through(port, b"USER anna\r\nPASS x\r\n").whole().is_empty());
}

#[test]
fn nobody_elses_header_is_believed() {
    let (_site, _server, port) = start("proxy_protocol = [\"192.0.2.1\"]\n");
    let mut c = through(port, b"PROXY TCP4 203.0.113.7 198.51.100.1 40000 21\r\n");
    c.reply("220");
    assert!(c.whole().contains("CRK-403"));
    c.login_as("anna"); // from loopback, as it is
    assert_eq!(c.fetch("f"), b"content");
}
