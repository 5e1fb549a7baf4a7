//! `carrack serve` as a user and a service manager meet it: welcome, log, reload, drain, socket activation, confinement.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::harness::{Client, Configured, PASSWORD, PATIENCE, Server, Site, command, dial, folder, passive, shown};

#[test]
fn one_command_serves_a_folder() {
    let folder = folder();
    let mut server = Server::serve(&["--ftp", "127.0.0.1:0", shown(folder.path())]);
    let port = server.port();
    server.line_with(&format!("ftp://carrack@127.0.0.1:{port}/"));
    let mut client = Client::login(port, "carrack");
    assert_eq!(client.fetch("hello.txt"), b"hello\n");
    client.say("RETR nothing", "550");
    client.say("QUIT", "221");
    let line = server.line_with("RETR /hello.txt");
    assert!(line.contains("carrack@127.0.0.1  RETR /hello.txt  6 B"), "{line}");
    assert!(server.line_with("RETR /nothing").contains("CRK-201"));
    server.line_with("closed after");
    server.signal(Signal::TERM);
    assert_eq!(server.ended().code(), Some(0));
    assert!(!server.seen.iter().any(|l| l.contains(PASSWORD)), "a secret was said");
}

#[test]
fn anonymous_reads_and_does_not_write() {
    let folder = folder();
    let mut server = Server::serve(&["--anonymous", "--ftp", "127.0.0.1:0", shown(folder.path())]);
    let mut client = Client::connect(server.port());
    client.say("USER anonymous", "331");
    client.say("PASS guest@", "230");
    assert_eq!(client.fetch("hello.txt"), b"hello\n");
    client.say("DELE hello.txt", "550");
    assert!(server.line_with("DELE /hello.txt").contains("CRK-211"));
}

#[test]
fn json_says_the_same_to_machines_alone() {
    let folder = folder();
    let mut command = command(&["--ftp", "127.0.0.1:0", "--log", "json", shown(folder.path())]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map(|l| serde_json::from_str::<serde_json::Value>(&l.unwrap()).unwrap());
    let listening = lines.find(|l| l["event"] == "listening").unwrap();
    let message = listening["message"].as_str().unwrap();
    let port: u16 = message.split("127.0.0.1:").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    let mut client = Client::login(port, "carrack");
    client.fetch("hello.txt");
    let moved = lines.find(|l| l["event"] == "transfer").unwrap();
    assert_eq!((&moved["user"], &moved["path"], &moved["bytes"]), (&"carrack".into(), &"/hello.txt".into(), &6.into()));
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert_eq!(lines.last().unwrap()["event"], "stopped");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_ladder_is_drawn_of_each_session() {
    let folder = folder();
    let mut server = Server::serve(&["--trace", "--ftp", "127.0.0.1:0", shown(folder.path())]);
    let mut client = Client::login(server.port(), "carrack");
    client.fetch("hello.txt");
    client.say("QUIT", "221");
    server.line_with("session ");
    for row in ["RETR hello.txt", "PASS ***", "read /hello.txt", "sent 6"] {
        server.line_with(row);
    }
}

#[test]
fn who_came_from_elsewhere_stands_in_the_ladder_of_whom_he_came_instead_of() {
    let site = Site::anna("[limits]\ndata_connect_seconds = 2\n");
    site.put("hello.txt", "hello\n");
    let mut server = Server::serve(&["--trace", "--config", &site.file()]);
    let mut client = Client::login(server.port(), "anna");
    let (_, port) = passive(&client.ask("EPSV"));
    client.send(b"RETR hello.txt\r\n");
    let mut elsewhere = dial("127.0.0.2", (Ipv4Addr::LOCALHOST, port).into());
    assert!(matches!(elsewhere.read(&mut [0]), Ok(0) | Err(_)), "nothing goes to a stranger");
    client.reply("150");
    client.reply("425");
    client.say("QUIT", "221");
    let row = server.line_with(&format!("came to port {port}"));
    assert!(row.contains("CRK-304") && row.contains("127.0.0.2:"), "{row}");
}

#[test]
fn an_address_that_is_taken_is_said_before_anything_starts() {
    let folder = folder();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut server = Server::serve(&["--ftp", &address, shown(folder.path())]);
    assert!(server.line_with("cannot listen on").contains("CRK-502"));
    assert_eq!(server.ended().code(), Some(1));
}

#[test]
fn a_reload_changes_what_is_right_and_nothing_that_is_wrong() {
    let c = Configured::new();
    let mut server = Server::serve(&["--config", &c.file()]);
    let port = server.port();
    let mut anna = Client::login(port, "anna");

    c.write(&c.text("anna", "").replace("[[mount]]", "[[muont]]"));
    server.signal(Signal::HUP);
    let line = server.line_with("Did you mean `mount`?");
    assert!(line.contains("not changed") && line.contains("c.toml:6:") && line.contains("CRK-501"), "{line}");
    Client::login(port, "anna");

    let more = "[[listener]]\nname = \"second\"\nprotocol = \"ftp\"\naddress = \"localhost:0\"\npassive_ports = \"0\"\nplain_login = \"refuse\"\n";
    // The second listener's port is its own: 127.0.0.1:0 twice would be one address.
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let more = more.replace("localhost:0", &format!("localhost:{free}"));
    c.write(&c.text("bob", &more));
    server.signal(Signal::HUP);
    server.line_with("was read again");
    server.line_with(&format!("second listens on 127.0.0.1:{free}"));
    let mut bob = Client::login(port, "bob");
    assert_eq!(bob.fetch("hello.txt"), b"hello\n");
    anna.reply("421");
    let mut refused = Client::connect(free);
    refused.stream.get_mut().write_all(b"USER bob\r\nPASS long-enough\r\n").unwrap();
    let mut line = String::new();
    while !line.contains("530") {
        line.clear();
        assert!(refused.stream.read_line(&mut line).unwrap() > 0, "closed");
    }

    c.write(&c.text("bob", ""));
    server.signal(Signal::HUP);
    server.line_with(&format!("no longer listens on 127.0.0.1:{free}"));
    bob.say("NOOP", "200");
    // The listener ends in its own time.
    let until = Instant::now() + PATIENCE;
    while TcpStream::connect(("127.0.0.1", free)).is_ok() {
        assert!(Instant::now() < until, "it still listens");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_reload_cannot_leave_the_rooms_it_was_confined_to() {
    let c = Configured::new();
    let mut server = Server::serve(&["--config", &c.file()]);
    let port = server.port();
    let confined = server.line_with("gave up what is not needed");
    if !confined.contains("(Landlock)") {
        return; // A kernel without Landlock confines nothing, and said so.
    }
    let elsewhere = folder();
    let text = c.text("anna", "").replace("path = \"data\"", &format!("path = \"{}\"", shown(elsewhere.path())));
    c.write(&text);
    server.signal(Signal::HUP);
    let line = server.line_with("was not changed");
    assert!(line.contains("restart") && line.contains("CRK-503"), "{line}");
    assert_eq!(Client::login(port, "anna").fetch("hello.txt"), b"hello\n");
}

#[test]
fn stopping_lets_a_transfer_end_and_turns_the_idle_away() {
    let folder = folder();
    let big = vec![7u8; 64 << 20];
    std::fs::write(folder.path().join("big"), &big).unwrap();
    let mut server = Server::serve(&["--ftp", "127.0.0.1:0", shown(folder.path())]);
    let port = server.port();
    let mut idle = Client::login(port, "carrack");
    let mut busy = Client::login(port, "carrack");
    busy.say("TYPE I", "200");
    let mut data = busy.data();
    busy.say("RETR big", "150");
    let mut first = vec![0; 1024];
    data.read_exact(&mut first).unwrap();
    server.signal(Signal::TERM);
    idle.reply("421");
    server.line_with("stopping");
    let mut rest = Vec::new();
    data.read_to_end(&mut rest).unwrap();
    assert_eq!(first.len() + rest.len(), big.len());
    busy.reply("226");
    busy.reply("421");
    assert_eq!(server.ended().code(), Some(0));
    server.line_with("stopped");
}

#[test]
fn a_second_signal_ends_at_once() {
    let folder = folder();
    std::fs::write(folder.path().join("big"), vec![7u8; 64 << 20]).unwrap();
    let mut server = Server::serve(&["--ftp", "127.0.0.1:0", shown(folder.path())]);
    let mut busy = Client::login(server.port(), "carrack");
    busy.say("TYPE I", "200");
    let _data = busy.data();
    busy.say("RETR big", "150");
    server.signal(Signal::TERM);
    server.line_with("stopping");
    server.signal(Signal::INT);
    let began = Instant::now();
    assert_eq!(server.ended().code(), Some(0));
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[test]
fn a_socket_that_was_handed_over_is_used_and_the_manager_is_told() {
    let c = Configured::new();
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    c.write(&c.text("anna", "").replace("127.0.0.1:0", &format!("127.0.0.1:{port}")));
    let notify = c.place.path().join("notify");
    let manager = UnixDatagram::bind(&notify).unwrap();
    manager.set_read_timeout(Some(PATIENCE)).unwrap();
    let told = |expected: &str| {
        let mut buffer = [0; 512];
        loop {
            let n = manager.recv(&mut buffer).unwrap_or_else(|e| panic!("{expected}: {e}"));
            if String::from_utf8_lossy(&buffer[..n]).contains(expected) {
                return;
            }
        }
    };
    // A shell, because the process that takes the sockets must be the one LISTEN_PID names.
    let mut shell = Command::new("sh");
    shell.args(["-c", "exec 3<&0 0</dev/null; LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=ftp exec \"$0\" serve --config \"$1\""]);
    shell.args([env!("CARGO_BIN_EXE_carrack"), &c.file()]).stdin(Stdio::from(OwnedFd::from(socket)));
    shell.env("NOTIFY_SOCKET", &notify).env("WATCHDOG_USEC", "200000");
    let mut server = Server::start(shell);
    assert_eq!(server.port(), port);
    told("READY=1");
    assert_eq!(Client::login(port, "anna").fetch("hello.txt"), b"hello\n");
    told("WATCHDOG=1");
    server.signal(Signal::HUP);
    told("RELOADING=1");
    told("READY=1");
    server.signal(Signal::TERM);
    told("STOPPING=1");
    assert_eq!(server.ended().code(), Some(0));
}

#[test]
fn what_is_not_needed_is_given_up() {
    let folder = folder();
    let mut server = Server::serve(&["--ftp", "127.0.0.1:0", shown(folder.path())]);
    server.port();
    let said = server.line_with("gave up what is not needed");
    // Every thread, and not only the first.
    for task in std::fs::read_dir(format!("/proc/{}/task", server.child.id())).unwrap() {
        let status = std::fs::read_to_string(task.unwrap().path().join("status")).unwrap();
        let field = |name: &str| status.lines().find_map(|l| l.strip_prefix(name)).unwrap().trim().to_owned();
        assert_eq!(field("NoNewPrivs:"), "1");
        if said.contains("(seccomp)") {
            assert_eq!(field("Seccomp:"), "2");
        }
        let kept = u64::from_str_radix(&field("CapEff:"), 16).unwrap();
        let may_keep = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 10;
        assert_eq!(kept & !may_keep, 0, "{said}");
    }
}

/// Only root can become somebody else; started by anybody else it is refused, and says so.
#[test]
fn it_becomes_the_user_it_is_told_and_can_still_read_again() {
    use std::os::unix::fs::{PermissionsExt, chown};
    let c = Configured::new();
    let log = "[log]\nfile = \"data/log\"\n[process]\nuser = \"nobody\"\n";
    c.write(&c.text("anna", log));
    let mut server = Server::serve(&["--config", &c.file()]);
    if !rustix::process::geteuid().is_root() {
        assert!(server.line_with("process.user").contains("CRK-501"));
        return assert_eq!(server.ended().code(), Some(1));
    }
    // Nobody may enter yet: refused with a reason, and not half started.
    assert!(server.line_with("log file").contains("Permission denied"));
    assert_eq!(server.ended().code(), Some(1));
    std::fs::set_permissions(c.place.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    chown(c.place.path().join("data"), Some(65_534), None).unwrap();
    let server = Server::serve(&["--config", &c.file()]);
    let log = c.place.path().join("data/log");
    let until = Instant::now() + PATIENCE;
    let wait_for = |text: &str| {
        loop {
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            if let Some(line) = said.lines().find(|l| l.contains(text)) {
                return line.to_owned();
            }
            assert!(Instant::now() < until, "{said}");
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    let line = wait_for("ftp listens on 127.0.0.1:");
    let port = line.split("127.0.0.1:").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    wait_for("user nobody, no longer root");
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.child.id())).unwrap();
    assert!(status.contains("Uid:\t65534\t65534\t65534\t65534"), "{status}");
    assert_eq!(Client::login(port, "anna").fetch("hello.txt"), b"hello\n");
    server.signal(Signal::HUP);
    wait_for("was read again");
}
