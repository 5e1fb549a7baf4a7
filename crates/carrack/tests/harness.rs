//! What do the program's tests stand on: a server that runs, a client at its control connection, a configuration?

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
pub(crate) const PASSWORD: &str = "long-enough";
/// Of `long-enough`, as cheap as argon2id can be: tests log in often.
pub(crate) const HASH: &str = "$argon2id$v=19$m=8,t=1,p=1$2UrbNTm+Gsr2P3BPJbpR9A$fUa3bKBgaOmG+hKoZT2zRwVU3YjcZm9LIYzCS6NXNL8";

/// A server that runs; killed with its test.
pub(crate) struct Server {
    pub(crate) child: Child,
    pub(crate) lines: Receiver<String>,
    pub(crate) seen: Vec<String>,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `carrack serve` with these arguments. The port of TFTP that it takes by itself is not for tests, which run side by side.
pub(crate) fn command(args: &[&str]) -> Command {
    let mut command = bare(args);
    if !args.iter().any(|arg| ["--config", "--tftp", "--no-tftp"].contains(arg)) {
        command.arg("--no-tftp");
    }
    if !args.iter().any(|arg| ["--config", "--sftp", "--no-sftp"].contains(arg)) {
        command.arg("--no-sftp");
    }
    command
}

/// `carrack serve` with these arguments and no others.
pub(crate) fn bare(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_carrack"));
    command.arg("serve").args(args).env("CARRACK_PASSWORD", PASSWORD).env_remove("NOTIFY_SOCKET").env("NO_COLOR", "1");
    // Where the certificate is kept that the program makes for itself.
    command.env("XDG_STATE_HOME", concat!(env!("CARGO_TARGET_TMPDIR"), "/state")).env_remove("STATE_DIRECTORY");
    command
}

impl Server {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (tx, lines) = channel();
        let streams: [Box<dyn Read + Send>; 2] = [Box::new(child.stdout.take().unwrap()), Box::new(child.stderr.take().unwrap())];
        for stream in streams {
            let tx = tx.clone();
            std::thread::spawn(move || BufReader::new(stream).lines().map_while(Result::ok).try_for_each(|l| tx.send(l)));
        }
        Self { child, lines, seen: Vec::new() }
    }

    pub(crate) fn serve(args: &[&str]) -> Self {
        Self::start(command(args))
    }

    /// The next line that holds a text; every line before it is kept.
    pub(crate) fn line_with(&mut self, text: &str) -> String {
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
    pub(crate) fn port(&mut self) -> u16 {
        let line = self.line_with(" listens on ");
        let address = line.split(" listens on ").nth(1).unwrap().split(' ').next().unwrap();
        address.rsplit(':').next().unwrap().parse().unwrap()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    pub(crate) fn ended(&mut self) -> ExitStatus {
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
pub(crate) struct Client {
    pub(crate) stream: BufReader<TcpStream>,
}

impl Client {
    pub(crate) fn connect(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut client = Self { stream: BufReader::new(stream) };
        client.reply("220");
        client
    }

    pub(crate) fn login(port: u16, user: &str) -> Self {
        let mut client = Self::connect(port);
        client.say(&format!("USER {user}"), "331");
        client.say(&format!("PASS {PASSWORD}"), "230");
        client
    }

    pub(crate) fn say(&mut self, line: &str, expected: &str) -> String {
        self.stream.get_mut().write_all(format!("{line}\r\n").as_bytes()).unwrap();
        self.reply(expected)
    }

    /// The last line of the next reply.
    pub(crate) fn reply(&mut self, expected: &str) -> String {
        loop {
            let mut line = String::new();
            assert!(self.stream.read_line(&mut line).unwrap() > 0, "closed instead of {expected}");
            if line.as_bytes().get(3) == Some(&b' ') && line.as_bytes()[..3].iter().all(u8::is_ascii_digit) {
                assert!(line.starts_with(expected), "{line}");
                return line;
            }
        }
    }

    pub(crate) fn data(&mut self) -> TcpStream {
        let reply = self.say("EPSV", "229");
        let port = reply.split('|').nth(3).unwrap().parse::<u16>().unwrap();
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    pub(crate) fn fetch(&mut self, name: &str) -> Vec<u8> {
        self.say("TYPE I", "200");
        let mut data = self.data();
        self.say(&format!("RETR {name}"), "150");
        let mut bytes = Vec::new();
        data.read_to_end(&mut bytes).unwrap();
        self.reply("226");
        bytes
    }
}

pub(crate) fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("hello.txt"), "hello\n").unwrap();
    folder
}

pub(crate) fn shown(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A configuration in a folder of its own, beside the folder it serves.
pub(crate) struct Configured {
    pub(crate) place: TempDir,
}

impl Configured {
    pub(crate) fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        std::fs::create_dir(place.path().join("data")).unwrap();
        std::fs::write(place.path().join("data/hello.txt"), "hello\n").unwrap();
        let it = Self { place };
        it.write(&it.text("anna", ""));
        it
    }

    pub(crate) fn text(&self, user: &str, more: &str) -> String {
        format!(
            "[[listener]]\nname = \"ftp\"\nprotocol = \"ftp\"\naddress = \"127.0.0.1:0\"\npassive_ports = \"0\"\n\
             [[mount]]\nname = \"data\"\nkind = \"local\"\npath = \"data\"\n\
             [[user]]\nname = \"{user}\"\npassword = \"{HASH}\"\n{more}"
        )
    }

    pub(crate) fn file(&self) -> String {
        shown(&self.place.path().join("c.toml")).to_owned()
    }

    pub(crate) fn write(&self, text: &str) {
        std::fs::write(self.file(), text).unwrap();
    }
}

/// A configuration of any text: `{HASH}` in it is the hash of [`PASSWORD`]; `data` is a folder beside it.
pub(crate) struct Site {
    pub(crate) place: TempDir,
}

/// A listener on 127.0.0.1 with ports of its own.
pub(crate) const LISTENER: &str =
    "[[listener]]\nname = \"ftp\"\nprotocol = \"ftp\"\naddress = \"127.0.0.1:0\"\npassive_ports = \"0\"\n";
/// The folder `data`.
pub(crate) const DATA: &str = "[[mount]]\nname = \"data\"\nkind = \"local\"\npath = \"data\"\ndurability = \"os\"\n";

/// One user's table; what follows belongs to it.
pub(crate) fn user(name: &str) -> String {
    format!("[[user]]\nname = \"{name}\"\npassword = \"{HASH}\"\n")
}

impl Site {
    pub(crate) fn new(text: &str) -> Self {
        let place = tempfile::tempdir().unwrap();
        std::fs::create_dir(place.path().join("data")).unwrap();
        let it = Self { place };
        it.write(text);
        it
    }

    /// Listener, folder and user `anna`, and what more is said.
    pub(crate) fn anna(more: &str) -> Self {
        Self::new(&[LISTENER, DATA, &user("anna"), more].concat())
    }

    pub(crate) fn write(&self, text: &str) {
        std::fs::write(self.file(), text.replace("{HASH}", HASH)).unwrap();
    }

    pub(crate) fn file(&self) -> String {
        shown(&self.place.path().join("c.toml")).to_owned()
    }

    pub(crate) fn data(&self, name: &str) -> std::path::PathBuf {
        self.place.path().join("data").join(name)
    }

    pub(crate) fn put(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.data(name), content).unwrap();
    }

    pub(crate) fn start(&self) -> (Server, u16) {
        let mut server = Server::serve(&["--config", &self.file()]);
        let port = server.port();
        (server, port)
    }

    pub(crate) fn reload(&self, server: &mut Server, text: &str) {
        self.write(text);
        server.signal(Signal::HUP);
        server.line_with("was read again");
    }
}

impl Client {
    /// From an address of this machine, as 127.0.0.2.
    pub(crate) fn from(local: &str, to: SocketAddr) -> Self {
        let stream = dial(local, to);
        let mut client = Self { stream: BufReader::new(stream) };
        client.reply("220");
        client
    }

    pub(crate) fn login_as(&mut self, user: &str) {
        self.say(&format!("USER {user}"), "331");
        self.say(&format!("PASS {PASSWORD}"), "230");
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.stream.get_mut().write_all(bytes).unwrap();
    }

    /// Every line of the next reply, whatever it is; empty once closed.
    pub(crate) fn whole(&mut self) -> String {
        whole_reply(&mut self.stream)
    }

    /// Says a line; the whole reply.
    pub(crate) fn ask(&mut self, line: &str) -> String {
        self.send(format!("{line}\r\n").as_bytes());
        self.whole()
    }

    /// What a transfer out brought, and its last reply; `None` where it was refused or failed.
    pub(crate) fn take(&mut self, line: &str) -> (Option<Vec<u8>>, String) {
        let mut data = self.data();
        let reply = self.ask(line);
        if !reply.starts_with("150") {
            return (None, reply);
        }
        let mut bytes = Vec::new();
        let end = data.read_to_end(&mut bytes); // a reset where it failed on the way
        let reply = self.whole();
        (reply.starts_with('2').then(|| end.map(|_| bytes).unwrap_or_else(|e| panic!("{line}: {e}, then {reply}"))), reply)
    }

    /// The last reply of an upload.
    pub(crate) fn give(&mut self, line: &str, bytes: &[u8]) -> String {
        let mut data = self.data();
        let reply = self.ask(line);
        if !reply.starts_with("150") {
            return reply;
        }
        let _ = data.write_all(bytes);
        drop(data);
        self.whole()
    }

    /// The next reply is there within a second.
    pub(crate) fn at_once(&mut self, line: &str, expected: &str) -> String {
        let began = Instant::now();
        let reply = self.say(line, expected);
        assert!(began.elapsed() < Duration::from_secs(1), "{line} took {:?}", began.elapsed());
        reply
    }
}

/// Every line of the next reply, whatever it is; empty once closed.
pub(crate) fn whole_reply(stream: &mut impl BufRead) -> String {
    let mut all = String::new();
    loop {
        let from = all.len();
        if stream.read_line(&mut all).unwrap_or(0) == 0 {
            return all;
        }
        let line = &all.as_bytes()[from..];
        if line.get(3) == Some(&b' ') && line[..3].iter().all(u8::is_ascii_digit) {
            return all;
        }
    }
}

pub(crate) fn dial(local: &str, to: SocketAddr) -> TcpStream {
    try_dial(local, to).unwrap()
}

pub(crate) fn try_dial(local: &str, to: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = socket2::Socket::new(socket2::Domain::for_address(to), socket2::Type::STREAM, None)?;
    let local: std::net::IpAddr = local.parse().unwrap();
    socket.bind(&SocketAddr::new(local, 0).into())?;
    socket.connect_timeout(&to.into(), PATIENCE)?;
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// The port in a 227 or 229, and the address in a 227.
pub(crate) fn passive(reply: &str) -> (Option<std::net::Ipv4Addr>, u16) {
    if reply.starts_with("229") {
        return (None, reply.split('|').nth(3).unwrap().parse().unwrap());
    }
    let inner = reply.split('(').nth(1).unwrap().split(')').next().unwrap();
    let n: Vec<u8> = inner.split(',').map(|w| w.parse().unwrap()).collect();
    (Some(std::net::Ipv4Addr::new(n[0], n[1], n[2], n[3])), u16::from_be_bytes([n[4], n[5]]))
}

/// Waits for something to become so.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < end, "never: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
