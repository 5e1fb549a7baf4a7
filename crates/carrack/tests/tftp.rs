//! Is TFTP served by the program as its command line and its configuration say (RFC 1350, 2347 to 2349, 7440)?

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use rustix::process::Signal;

use crate::harness::{Client, DATA, LISTENER, PATIENCE, Server, Site, bare, folder, shown, until, user};

/// A tiny client: one packet at a time, nothing sent twice (the way is loopback).
pub(crate) struct Tftp {
    socket: UdpSocket,
    server: SocketAddr,
}

/// What a request came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Body(Vec<u8>),
    Error(u16, String),
}

impl Tftp {
    fn at(server: SocketAddr) -> Self {
        let local = if server.is_ipv6() { "[::1]:0" } else { "127.0.0.1:0" };
        Self::from(local, server)
    }

    pub(crate) fn from(local: &str, server: SocketAddr) -> Self {
        let socket = UdpSocket::bind(local).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { socket, server }
    }

    fn request(&self, opcode: u8, name: &str, options: &[(&str, &str)]) {
        let mut packet = vec![0, opcode];
        for word in [name, "octet"].into_iter().chain(options.iter().flat_map(|(k, v)| [*k, *v])) {
            packet.extend_from_slice(word.as_bytes());
            packet.push(0);
        }
        self.socket.send_to(&packet, self.server).unwrap();
    }

    fn next(&self) -> (Vec<u8>, SocketAddr) {
        let mut buffer = vec![0; 70_000];
        let (n, from) = self.socket.recv_from(&mut buffer).unwrap();
        buffer.truncate(n);
        (buffer, from)
    }

    fn ack(&self, to: SocketAddr, block: u16) {
        let [high, low] = block.to_be_bytes();
        self.socket.send_to(&[0, 4, high, low], to).unwrap();
    }

    /// Reads a file; also the agreed options and the port that served it.
    fn read_with(&self, name: &str, options: &[(&str, &str)]) -> (Said, String, u16) {
        self.request(1, name, options);
        let (mut body, mut agreed, mut size, mut expected) = (Vec::new(), String::new(), 512, 1u16);
        loop {
            let (packet, from) = self.next();
            match packet[1] {
                3 => {
                    assert_eq!(u16::from_be_bytes([packet[2], packet[3]]), expected, "in order on loopback");
                    body.extend_from_slice(&packet[4..]);
                    self.ack(from, expected);
                    expected = expected.wrapping_add(1);
                    if packet.len() - 4 < size {
                        return (Said::Body(body), agreed, from.port());
                    }
                }
                5 => return (error(&packet), agreed, from.port()),
                6 => {
                    agreed = String::from_utf8(packet[2..].to_vec()).unwrap().replace('\0', " ").trim().to_owned();
                    let words: Vec<&str> = agreed.split(' ').collect();
                    size = words.chunks(2).find(|o| o[0] == "blksize").map_or(512, |o| o[1].parse().unwrap());
                    self.ack(from, 0);
                }
                other => panic!("opcode {other}"),
            }
        }
    }

    pub(crate) fn read(&self, name: &str) -> Said {
        self.read_with(name, &[]).0
    }

    /// Writes a file in blocks of 512 bytes.
    pub(crate) fn write(&self, name: &str, body: &[u8]) -> Result<(), Said> {
        self.request(2, name, &[]);
        let mut blocks: Vec<&[u8]> = body.chunks(512).collect();
        if body.len().is_multiple_of(512) {
            blocks.push(&[]);
        }
        for block in 0..=u16::try_from(blocks.len()).unwrap() {
            let (packet, from) = self.next();
            if packet[1] == 5 {
                return Err(error(&packet));
            }
            assert_eq!((packet[1], u16::from_be_bytes([packet[2], packet[3]])), (4, block));
            if let Some(data) = blocks.get(usize::from(block)) {
                let number = (block + 1).to_be_bytes();
                self.socket.send_to(&[&[0, 3, number[0], number[1]], *data].concat(), from).unwrap();
            }
        }
        Ok(())
    }

    /// Nothing comes for a while.
    fn is_silent(&self) -> bool {
        self.socket.set_read_timeout(Some(Duration::from_millis(700))).unwrap();
        self.socket.recv_from(&mut [0; 1_000]).is_err()
    }
}

fn error(packet: &[u8]) -> Said {
    Said::Error(u16::from_be_bytes([packet[2], packet[3]]), String::from_utf8_lossy(&packet[4..packet.len() - 1]).into())
}

fn refused(said: &Said) -> u16 {
    let Said::Error(code, _) = said else { panic!("{said:?}") };
    *code
}

fn hello() -> Said {
    Said::Body(b"hello\n".to_vec())
}

/// Where TFTP is spoken.
pub(crate) fn address(server: &mut Server) -> SocketAddr {
    let line = server.line_with(" for tftp");
    line.split(" listens on ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap()
}

pub(crate) const TFTP: &str = "[[listener]]\nname = \"boot\"\nprotocol = \"tftp\"\naddress = \"127.0.0.1:0\"\n";

/// A server over TFTP alone, with these lines for its listener, and these for the anonymous user.
pub(crate) fn tftp(listener: &str, anonymous: &str) -> (Site, Server, SocketAddr) {
    let site = Site::new(&[TFTP, listener, "\n", DATA, "[anonymous]\n", anonymous].concat());
    site.put("hello.txt", "hello\n");
    let mut server = Server::serve(&["--config", &site.file()]);
    let at = address(&mut server);
    (site, server, at)
}

#[test]
fn a_folder_is_read_without_a_password_over_tftp_alone() {
    let folder = folder();
    let mut server = Server::serve(&["--ftp", "127.0.0.1:0", "--tftp", "127.0.0.1:0", "--tftp", "[::1]:0", shown(folder.path())]);
    let ftp = server.port();
    let at = address(&mut server);
    server.line_with("TFTP has no passwords: every program of this machine may read");
    server.line_with(&format!("curl tftp://{at}/NAME"));
    assert_eq!(Tftp::at(at).read("hello.txt"), hello());
    assert_eq!(Tftp::at(at).read("/hello.txt"), hello());
    let second = server.line_with("tftp2 listens on ");
    let six = second.split(" listens on ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    assert_eq!(Tftp::at(six).read("hello.txt"), hello());
    assert_eq!(refused(&Tftp::at(at).read("gone.txt")), 1);
    assert_eq!(refused(&Tftp::at(at).write("new.txt", b"x").unwrap_err()), 2);
    assert!(!folder.path().join("new.txt").exists());
    assert_eq!(refused(&Tftp::at(at).read("../etc/passwd")), 1, "nothing leaves the folder");
    // What is open over TFTP is not open over FTP.
    let mut client = Client::connect(ftp);
    client.say("USER anonymous", "331");
    client.say("PASS x", "530");
    server.line_with("RRQ /hello.txt");
}

#[test]
fn the_default_port_is_given_up_where_it_is_taken_and_a_given_one_is_not() {
    let folder = folder();
    // Whoever has it, this test or somebody else's server: it is taken.
    let _taken = UdpSocket::bind("127.0.0.1:6969");
    let mut server = Server::start(bare(&["--ftp", "127.0.0.1:0", shown(folder.path())]));
    let port = server.port();
    server.line_with("cannot listen on 127.0.0.1:6969 for tftp (");
    server.line_with("serves without TFTP");
    Client::login(port, "carrack");
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let at = taken.local_addr().unwrap().to_string();
    let mut server = Server::serve(&["--ftp", "127.0.0.1:0", "--tftp", &at, shown(folder.path())]);
    server.line_with(&format!("cannot listen on {at} for tftp"));
    assert!(!server.ended().success());
    let mut server = Server::serve(&["--ftp", "127.0.0.1:0", "--no-tftp", shown(folder.path())]);
    server.line_with("Ctrl-C stops it");
    assert!(!server.seen.iter().any(|l| l.to_lowercase().contains("tftp")), "{:?}", server.seen);
}

#[test]
fn options_are_agreed_to_within_what_the_configuration_allows() {
    let (site, _server, at) = tftp("blksize_max = 1000\nwindowsize_max = 1\n", "");
    let body: Vec<u8> = (0..5_000u32).flat_map(u32::to_be_bytes).collect();
    site.put("body", &body);
    let (said, agreed, port) = Tftp::at(at).read_with("body", &[("blksize", "1428"), ("tsize", "0"), ("windowsize", "4")]);
    assert_eq!(said, Said::Body(body));
    for option in ["blksize 1000", "tsize 20000", "windowsize 1"] {
        assert!(agreed.contains(option), "{agreed}");
    }
    assert_ne!(port, at.port(), "a port of its own");
}

#[test]
fn transfers_stay_on_one_port_or_within_a_range() {
    let (_site, _server, at) = tftp("ports = \"single\"", "");
    let (said, _, port) = Tftp::at(at).read_with("hello.txt", &[]);
    assert_eq!((said, port), (hello(), at.port()));
    // Ports that are free now, most likely.
    let free = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().clamp(1_024, 65_000);
    let range = free..=free + 20;
    let (_site, _server, at) = tftp(&format!("ports = \"{}-{}\"", range.start(), range.end()), "");
    for _ in 0..3 {
        let (said, _, port) = Tftp::at(at).read_with("hello.txt", &[]);
        assert_eq!(said, hello());
        assert!(range.contains(&port), "{port} of {range:?}");
    }
}

#[test]
fn uploads_are_off_new_versions_or_replace_and_need_the_permission() {
    let write = "permissions = { \"/\" = \"all\" }\n";
    let (site, _server, at) = tftp("uploads = \"new\"", write);
    let body = vec![7; 1_024];
    assert_eq!(Tftp::at(at).write("new.bin", &body), Ok(()));
    until("the upload stands", || std::fs::read(site.data("new.bin")).is_ok_and(|b| b == body));
    assert_eq!(refused(&Tftp::at(at).write("hello.txt", b"other").unwrap_err()), 6);
    assert_eq!(std::fs::read(site.data("hello.txt")).unwrap(), b"hello\n");

    let (site, _server, at) = tftp("uploads = \"versions\"", write);
    assert_eq!(Tftp::at(at).write("hello.txt", b"other"), Ok(()));
    until("both stand", || std::fs::read_dir(site.data("")).unwrap().count() == 2);
    assert_eq!(std::fs::read(site.data("hello.txt")).unwrap(), b"hello\n");

    let (site, _server, at) = tftp("uploads = \"replace\"", write);
    assert_eq!(Tftp::at(at).write("hello.txt", b"other"), Ok(()));
    until("it is replaced", || std::fs::read(site.data("hello.txt")).unwrap() == b"other");

    let (_site, _server, at) = tftp("uploads = \"replace\"", "");
    assert_eq!(refused(&Tftp::at(at).write("hello.txt", b"x").unwrap_err()), 2, "the anonymous user may only read");
    let (_site, _server, at) = tftp("", write);
    assert_eq!(refused(&Tftp::at(at).write("new.txt", b"x").unwrap_err()), 2, "uploads are off");
}

#[test]
fn a_network_is_a_user_of_its_own() {
    let guest = "uploads = \"new\"\n[[listener.guest]]\nuser = \"anna\"\nfrom = [\"127.0.0.3\"]\n";
    let (site, _server, at) = tftp(&[guest, &user("anna")].concat(), "");
    assert_eq!(Tftp::from("127.0.0.3:0", at).write("hers", b"x"), Ok(()));
    until("the upload stands", || site.data("hers").exists());
    assert_eq!(refused(&Tftp::at(at).write("mine", b"x").unwrap_err()), 2, "the anonymous user may only read");
}

#[test]
fn map_shows_what_comes_of_a_name() {
    let rules = "[[listener.rewrite]]\nname = \"own\"\npattern = '^boot/(.*)$'\nreplace = '{mac}-$1'\n\
                 [[listener.rewrite]]\nname = \"secret\"\npattern = \"^secret\"\nrefuse = true\n";
    let site = Site::new(&[TFTP, rules, DATA, "[anonymous]\n"].concat());
    site.put("00-1b-63-00-00-01-a", "hello\n");
    let map = |name: &str| {
        let arguments = ["tftp", "map", name, "--from", "192.0.2.1", "--mac", "00:1b:63:00:00:01", "--config", &site.file()];
        let ran = std::process::Command::new(env!("CARGO_BIN_EXE_carrack")).args(arguments).output().unwrap();
        (ran.status.success(), String::from_utf8(ran.stdout).unwrap())
    };
    let (well, said) = map("\\boot\\a");
    assert!(well && said.contains("own: 00-1b-63-00-00-01-a") && said.contains("yes, 6 bytes"), "{said}");
    assert!(said.contains(shown(&site.data("00-1b-63-00-00-01-a"))), "{said}");
    let (well, said) = map("secret");
    assert!(!well && said.contains("CRK-804"), "{said}");
    let (well, said) = map("gone");
    assert!(!well && said.contains("CRK-201"), "{said}");
}

#[test]
fn a_socket_that_was_handed_over_is_used() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let at = socket.local_addr().unwrap();
    let site = Site::new(&[&TFTP.replace("127.0.0.1:0", &at.to_string()), DATA, "[anonymous]\n"].concat());
    site.put("hello.txt", "hello\n");
    // A shell, because the process that takes the sockets must be the one LISTEN_PID names.
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", "exec 3<&0 0</dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" serve --config \"$1\""]);
    shell.args([env!("CARGO_BIN_EXE_carrack"), &site.file()]);
    shell.stdin(std::process::Stdio::from(std::os::fd::OwnedFd::from(socket)));
    let mut server = Server::start(shell);
    assert_eq!(address(&mut server), at);
    assert_eq!(Tftp::at(at).read("hello.txt"), hello());
}

#[test]
fn names_are_led_elsewhere_and_addresses_kept_out() {
    let rules = "deny = [\"127.0.0.2\"]\n\
                 [[listener.rewrite]]\nname = \"secret\"\npattern = \"^secret\"\nrefuse = true\n\
                 [[listener.rewrite]]\nname = \"mine\"\npattern = '^boot/(.*)$'\nreplace = '{ip}/$1'\nfrom = [\"127.0.0.0/8\"]\n";
    let (site, _server, at) = tftp(rules, "");
    std::fs::create_dir(site.data("127.0.0.1")).unwrap();
    site.put("127.0.0.1/a.txt", "mine");
    site.put("secret", "x");
    assert_eq!(Tftp::at(at).read("\\boot\\a.txt"), Said::Body(b"mine".to_vec()));
    assert_eq!(refused(&Tftp::at(at).read("secret")), 2);
    let stranger = Tftp::from("127.0.0.2:0", at);
    stranger.request(1, "hello.txt", &[]);
    assert!(stranger.is_silent(), "whom the door does not know gets no answer");
    assert_eq!(Tftp::at(at).read("hello.txt"), hello());
}

#[test]
fn a_reload_changes_it_adds_it_and_takes_it_away() {
    let boot =
        |more: &str| [LISTENER, DATA, &user("anna"), "[anonymous]\npermissions = { \"/\" = \"all\" }\n", TFTP, more].concat();
    let site = Site::new(&boot(""));
    site.put("hello.txt", "hello\n");
    let mut server = Server::serve(&["--config", &site.file()]);
    let at = address(&mut server);
    assert_eq!(refused(&Tftp::at(at).write("new", b"x").unwrap_err()), 2);
    site.reload(&mut server, &boot("uploads = \"new\"\n"));
    assert_eq!(Tftp::at(at).write("new", b"x"), Ok(()), "the same port, other settings");
    server.seen.clear();
    let without = [LISTENER, DATA, &user("anna")].concat();
    site.reload(&mut server, &without);
    server.line_with(&format!("no longer listens on {at}"));
    until("its port is free", || UdpSocket::bind(at).is_ok());
    server.seen.clear();
    site.reload(&mut server, &boot(""));
    let again = address(&mut server);
    assert_eq!(Tftp::at(again).read("hello.txt"), hello());
    server.seen.clear();
    site.write(&boot("uploads = \"perhaps\"\n"));
    server.signal(Signal::HUP);
    server.line_with("the configuration was not changed");
    assert_eq!(Tftp::at(again).read("hello.txt"), hello());
}

#[test]
fn a_transfer_may_end_while_the_server_stops() {
    for ports in ["own", "single"] {
        let (site, mut server, at) = tftp(&format!("ports = \"{ports}\""), "");
        site.put("two", vec![1; 600]);
        let client = Tftp::at(at);
        client.request(1, "two", &[]);
        let (first, from) = client.next();
        assert_eq!(first.len(), 516);
        server.signal(Signal::TERM);
        server.line_with("stopping");
        let late = Tftp::at(at);
        late.request(1, "hello.txt", &[]);
        client.ack(from, 1);
        let (second, _) = client.next();
        assert_eq!((second[1], second.len()), (3, 92), "{ports}");
        client.ack(from, 2);
        assert!(server.ended().success());
        assert!(late.is_silent(), "nothing new begins");
    }
}

#[test]
fn who_never_answers_gets_no_more_than_is_configured() {
    for (most, again) in [("unanswered_max = 1", false), ("", true)] {
        let (_site, _server, at) = tftp(most, "");
        let forged = Tftp::at(at);
        forged.request(1, "hello.txt", &[]);
        assert_eq!(forged.next().0[1], 3);
        // The first repetition is due after a second.
        forged.socket.set_read_timeout(Some(Duration::from_millis(2_500))).unwrap();
        assert_eq!(forged.socket.recv_from(&mut [0; 1_000]).is_ok(), again, "{most}");
    }
}

#[test]
fn check_says_what_is_served_over_tftp() {
    let quirk = "[[listener.quirk]]\nname = \"no-options\"\nfrom = [\"192.0.2.0/24\"]\n";
    for (keys, expected) in [
        (
            "uploads = \"versions\"\nports = \"single\"\n",
            "listener boot: tftp at 127.0.0.1:0, uploads keep what is there, all transfers on this port, blocks as",
        ),
        (
            "multicast = [\"239.255.69.0/28\", \"ff15::69:0/124\"]\nmulticast_ttl = 2\nmulticast_interface = \"lo\"\n",
            "windows of up to 64, multicast to 239.255.69.0/28 and ff15::69:0/124 at port 1758, ttl 2 over lo\n",
        ),
        (quirk, "windows of up to 64, no-options for some clients\n"),
    ] {
        let site = Site::new(&[TFTP, keys, DATA, "[anonymous]\n"].concat());
        let said = std::process::Command::new(env!("CARGO_BIN_EXE_carrack")).args(["check", &site.file()]).output().unwrap();
        let said = String::from_utf8(said.stdout).unwrap();
        assert!(said.contains(expected), "{expected:?} in\n{said}");
    }
}
