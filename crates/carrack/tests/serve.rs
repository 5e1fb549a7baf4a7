//! `carrack serve` as a user and a service manager meet it: welcome, log, reload, drain, socket activation, confinement.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(20);
const PASSWORD: &str = "long-enough";
/// Of `long-enough`, as cheap as argon2id can be: tests log in often.
const HASH: &str = "$argon2id$v=19$m=8,t=1,p=1$2UrbNTm+Gsr2P3BPJbpR9A$fUa3bKBgaOmG+hKoZT2zRwVU3YjcZm9LIYzCS6NXNL8";

/// A server that runs; killed with its test.
struct Server {
    child: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_carrack"));
    command.arg("serve").args(args).env("CARRACK_PASSWORD", PASSWORD).env_remove("NOTIFY_SOCKET").env("NO_COLOR", "1");
    command
}

impl Server {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (tx, lines) = channel();
        let streams: [Box<dyn Read + Send>; 2] = [Box::new(child.stdout.take().unwrap()), Box::new(child.stderr.take().unwrap())];
        for stream in streams {
            let tx = tx.clone();
            std::thread::spawn(move || BufReader::new(stream).lines().map_while(Result::ok).try_for_each(|l| tx.send(l)));
        }
        Self { child, lines, seen: Vec::new() }
    }

    fn serve(args: &[&str]) -> Self {
        Self::start(command(args))
    }

    /// The next line that holds a text; every line before it is kept.
    fn line_with(&mut self, text: &str) -> String {
        if let Some(line) = self.seen.iter().find(|l| l.contains(text)) {
            return line.clone();
        }
        let until = Instant::now() + PATIENCE;
        while let Ok(line) = self.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
            self.seen.push(line.clone());
            if line.contains(text) {
                return line;
            }
        }
        panic!("nothing said {text:?}; said was:\n{}", self.seen.join("\n"));
    }

    /// The port that a listener got.
    fn port(&mut self) -> u16 {
        let line = self.line_with(" listens on ");
        let address = line.split(" listens on ").nth(1).unwrap().split(' ').next().unwrap();
        address.rsplit(':').next().unwrap().parse().unwrap()
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    fn ended(&mut self) -> ExitStatus {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < until, "it did not end:\n{}", self.seen.join("\n"));
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// The control connection of a client.
struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    fn connect(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut client = Self { stream: BufReader::new(stream) };
        client.reply("220");
        client
    }

    fn login(port: u16, user: &str) -> Self {
        let mut client = Self::connect(port);
        client.say(&format!("USER {user}"), "331");
        client.say(&format!("PASS {PASSWORD}"), "230");
        client
    }

    fn say(&mut self, line: &str, expected: &str) -> String {
        self.stream.get_mut().write_all(format!("{line}\r\n").as_bytes()).unwrap();
        self.reply(expected)
    }

    /// The last line of the next reply.
    fn reply(&mut self, expected: &str) -> String {
        loop {
            let mut line = String::new();
            assert!(self.stream.read_line(&mut line).unwrap() > 0, "closed instead of {expected}");
            if line.as_bytes().get(3) == Some(&b' ') && line.as_bytes()[..3].iter().all(u8::is_ascii_digit) {
                assert!(line.starts_with(expected), "{line}");
                return line;
            }
        }
    }

    fn data(&mut self) -> TcpStream {
        let reply = self.say("EPSV", "229");
        let port = reply.split('|').nth(3).unwrap().parse::<u16>().unwrap();
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    fn fetch(&mut self, name: &str) -> Vec<u8> {
        self.say("TYPE I", "200");
        let mut data = self.data();
        self.say(&format!("RETR {name}"), "150");
        let mut bytes = Vec::new();
        data.read_to_end(&mut bytes).unwrap();
        self.reply("226");
        bytes
    }
}

fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("hello.txt"), "hello\n").unwrap();
    folder
}

fn shown(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A configuration in a folder of its own, beside the folder it serves.
struct Configured {
    place: TempDir,
}

impl Configured {
    fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        std::fs::create_dir(place.path().join("data")).unwrap();
        std::fs::write(place.path().join("data/hello.txt"), "hello\n").unwrap();
        let it = Self { place };
        it.write(&it.text("anna", ""));
        it
    }

    fn text(&self, user: &str, more: &str) -> String {
        format!(
            "[[listener]]\nname = \"ftp\"\nprotocol = \"ftp\"\naddress = \"127.0.0.1:0\"\npassive_ports = \"0\"\n\
             [[mount]]\nname = \"data\"\nkind = \"local\"\npath = \"data\"\n\
             [[user]]\nname = \"{user}\"\npassword = \"{HASH}\"\n{more}"
        )
    }

    fn file(&self) -> String {
        shown(&self.place.path().join("c.toml")).to_owned()
    }

    fn write(&self, text: &str) {
        std::fs::write(self.file(), text).unwrap();
    }
}

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
