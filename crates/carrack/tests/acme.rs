//! Does a certificate come by itself from a real authority (RFC 8555, RFC 8737), and what happens when it does not?
//! Against Pebble, the authority for tests, which really looks whether the names lead here.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use tempfile::TempDir;

use crate::harness::{Client, DATA, LISTENER, PATIENCE, Server, shown, user};

type Tls = StreamOwned<ClientConnection, TcpStream>;

/// Whether the test is to be left out, which is said, and is no way out where nothing may be left out.
fn lacks(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    if std::env::split_paths(&path).any(|folder| folder.join(program).is_file()) {
        return false;
    }
    skip(&format!("{program} is not installed"));
    true
}

fn skip(why: &str) {
    let set = |name: &str, value: &str| std::env::var(name).is_ok_and(|v| v == value);
    assert!(!set("CARRACK_REQUIRE_CLIENTS", "1") && !set("CI", "true"), "{why}, and nothing may be skipped here");
    eprintln!("SKIPPED: {why}");
    if let Some(log) = std::env::var_os("CARRACK_SKIPPED") {
        let log = std::fs::File::options().create(true).append(true).open(log);
        log.and_then(|mut log| writeln!(log, "{why}")).unwrap();
    }
}

/// A port that is free now; programs that choose their own do not say which.
fn free() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// An authority and its name service; both end with the test.
struct Pebble {
    place: TempDir,
    running: Vec<Child>,
    /// Where its directory is.
    port: u16,
    roots: u16,
    /// Where it looks whether a name leads here.
    door: u16,
    /// How long its certificates live.
    seconds: u32,
}

impl Drop for Pebble {
    fn drop(&mut self) {
        self.end();
    }
}

impl Pebble {
    fn new(seconds: u32) -> Self {
        let place = tempfile::tempdir().unwrap();
        let key = rcgen::KeyPair::generate().unwrap();
        let own = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().self_signed(&key).unwrap();
        std::fs::write(place.path().join("own.pem"), own.pem()).unwrap();
        std::fs::write(place.path().join("own.key"), key.serialize_pem()).unwrap();
        let mut it = Self { place, running: Vec::new(), port: free(), roots: free(), door: free(), seconds };
        it.start();
        it
    }

    fn start(&mut self) {
        let names = free();
        let (own, key) = (self.own(), self.place.path().join("own.key"));
        let text = serde_json::json!({ "pebble": {
            "listenAddress": format!("127.0.0.1:{}", self.port), "managementListenAddress": format!("127.0.0.1:{}", self.roots),
            "certificate": own, "privateKey": key, "httpPort": self.door, "tlsPort": self.door,
            "certificateValidityPeriod": self.seconds,
        }});
        let config = self.place.path().join("pebble.json");
        std::fs::write(&config, text.to_string()).unwrap();
        let names = format!("127.0.0.1:{names}");
        let mut service = Command::new("pebble-challtestsrv");
        service.args(["-dns01", &names, "-http01", "", "-https01", "", "-tlsalpn01", "", "-management", "127.0.0.1:0"]);
        // Every name leads to this machine.
        service.args(["-defaultIPv4", "127.0.0.1", "-defaultIPv6", ""]);
        let mut pebble = Command::new("pebble");
        pebble.arg("-config").arg(&config).args(["-dnsserver", &names]);
        // It looks at once, every time, and turns away no request to see whether it comes again.
        pebble.envs([("PEBBLE_VA_NOSLEEP", "1"), ("PEBBLE_AUTHZREUSE", "0"), ("PEBBLE_WFE_NONCEREJECT", "0")]);
        for mut program in [service, pebble] {
            let log = std::fs::File::options().create(true).append(true).open(self.place.path().join("log")).unwrap();
            program.stdout(Stdio::from(log.try_clone().unwrap())).stderr(Stdio::from(log)).stdin(Stdio::null());
            self.running.push(program.spawn().unwrap());
        }
        for port in [self.port, self.roots] {
            let until = Instant::now() + PATIENCE;
            while TcpStream::connect(("127.0.0.1", port)).is_err() {
                assert!(Instant::now() < until, "Pebble did not start: {}", self.log());
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    }

    fn end(&mut self) {
        for mut child in self.running.drain(..) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.place.path().join("log")).unwrap_or_default()
    }

    fn own(&self) -> PathBuf {
        self.place.path().join("own.pem")
    }

    /// The root that its certificates lead to.
    fn root(&self) -> CertificateDer<'static> {
        let own = CertificateDer::from_pem_file(self.own()).unwrap();
        let mut tls = secure(TcpStream::connect(("127.0.0.1", self.roots)).unwrap(), own, "127.0.0.1").unwrap();
        tls.write_all(b"GET /roots/0 HTTP/1.0\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        // It ends without a close alert.
        let _ = tls.read_to_end(&mut answer);
        CertificateDer::from_pem_slice(&answer).unwrap()
    }

    fn directory(&self) -> String {
        format!("https://127.0.0.1:{}/dir", self.port)
    }
}

/// A handshake with a server whose certificate must lead to a root and be of a name.
fn secure(tcp: TcpStream, root: CertificateDer<'static>, name: &str) -> std::io::Result<Tls> {
    let mut roots = RootCertStore::empty();
    roots.add(root).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    tcp.set_read_timeout(Some(PATIENCE))?;
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut stream = StreamOwned::new(ClientConnection::new(Arc::new(config), name).unwrap(), tcp);
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock)?;
    }
    Ok(stream)
}

/// A server that asks an authority.
struct Asking {
    place: TempDir,
}

impl Asking {
    fn new(pebble: &Pebble, names: &str, more: &str) -> Self {
        let place = tempfile::tempdir().unwrap();
        std::fs::create_dir(place.path().join("data")).unwrap();
        let it = Self { place };
        it.write(pebble, names, pebble.door, more);
        it
    }

    fn write(&self, pebble: &Pebble, names: &str, listen: u16, more: &str) {
        let acme = format!(
            "[acme]\ndirectory = \"{}\"\nnames = [{names}]\nagree = true\n\
             listen = \"127.0.0.1:{listen}\"\nstate = \"acme\"\n",
            pebble.directory()
        );
        let trust =
            if more.contains("directory_ca") { String::new() } else { format!("directory_ca = \"{}\"\n", shown(&pebble.own())) };
        let text = [LISTENER, DATA, &user("anna"), &acme, &trust, more].concat();
        std::fs::write(self.file(), text).unwrap();
    }

    fn file(&self) -> PathBuf {
        self.place.path().join("c.toml")
    }

    fn start(&self) -> (Server, u16) {
        let mut server = Server::serve(&["--config", shown(&self.file())]);
        let port = server.port();
        (server, port)
    }

    /// The file of certificate and key.
    fn kept(&self) -> PathBuf {
        let mut folders = std::fs::read_dir(self.place.path().join("acme")).unwrap();
        folders.next().unwrap().unwrap().path().join("certificate.pem")
    }
}

/// AUTH TLS, and a handshake with a certificate that must lead to a root.
fn explicit(port: u16, root: CertificateDer<'static>, name: &str) -> std::io::Result<Tls> {
    let mut clear = Client::connect(port);
    clear.say("AUTH TLS", "234");
    secure(clear.stream.into_inner(), root, name)
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn shown_certificate(tls: &Tls) -> CertificateDer<'static> {
    tls.conn.peer_certificates().unwrap()[0].clone().into_owned()
}

#[test]
fn a_certificate_comes_by_http_and_is_kept() {
    if lacks("pebble") {
        return;
    }
    let pebble = Pebble::new(90 * 86_400);
    let asking = Asking::new(&pebble, "\"ftp.example.test\", \"files.example.test\"", "");
    let (mut server, port) = asking.start();
    server.line_with("asks 127.0.0.1:");
    server.line_with("has issued a certificate of ftp.example.test, files.example.test");
    server.line_with("shows a certificate of ");
    for name in ["ftp.example.test", "files.example.test"] {
        explicit(port, pebble.root(), name).unwrap();
    }
    assert!(explicit(port, pebble.root(), "other.example.test").is_err());
    assert!(TcpStream::connect(("127.0.0.1", pebble.door)).is_err(), "the door is still open");
    assert_eq!((mode(&asking.kept()), mode(&asking.kept().with_file_name("account.json"))), (0o600, 0o600));
    assert!(!server.seen.iter().any(|l| l.contains("CRK-")), "{}", server.seen.join("\n"));

    // The next start shows it at once, and asks nobody.
    server.signal(Signal::TERM);
    server.ended();
    drop(server);
    let (mut server, port) = asking.start();
    let before = shown_certificate(&explicit(port, pebble.root(), "ftp.example.test").unwrap());
    server.line_with("shows a certificate of ");
    server.signal(Signal::TERM);
    server.ended();
    assert!(!server.line_with("stopped").is_empty() && !server.seen.iter().any(|l| l.contains("asks ")));

    // Other names are another certificate; what the authority knows of the account is enough for it.
    let said = check(&asking);
    assert!(said.contains("(http-01 at 127.0.0.1:") && said.contains(", kept in ") && said.contains(": until 20"), "{said}");
    asking.write(&pebble, "\"ftp.example.test\"", pebble.door, "contact = \"ops@example.com\"\n");
    let (mut server, port) = asking.start();
    server.line_with("has issued a certificate of ftp.example.test");
    let fingerprint = server.line_with("shows a certificate of ftp.example.test until");
    assert!(fingerprint.contains("SHA-256"));
    assert_ne!(shown_certificate(&explicit(port, pebble.root(), "ftp.example.test").unwrap()), before);
    assert!(explicit(port, pebble.root(), "files.example.test").is_err());
    let account = std::fs::read_to_string(asking.kept().with_file_name("account.json")).unwrap();
    assert!(account.contains("mailto:ops@example.com"), "the authority was told of another contact, and it was kept");
    assert_eq!(pebble.log().matches("POST /sign-me-up").count(), 1, "one account: {}", pebble.log());
}

/// What `carrack check` says.
fn check(asking: &Asking) -> String {
    let out = Command::new(env!("CARGO_BIN_EXE_carrack")).arg("check").arg(asking.file()).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

#[test]
fn a_certificate_comes_to_a_server_that_is_no_longer_root() {
    if lacks("pebble") {
        return;
    }
    if !rustix::process::geteuid().is_root() {
        return skip("only root can become somebody else");
    }
    let pebble = Pebble::new(90 * 86_400);
    let asking = Asking::new(&pebble, "\"ftp.example.test\"", "challenge = \"tls-alpn-01\"\n[process]\nuser = \"nobody\"\n");
    for folder in [&pebble.place, &asking.place] {
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let (mut server, port) = asking.start();
    server.line_with("user nobody, no longer root");
    server.line_with("has issued a certificate of ftp.example.test");
    server.line_with("shows a certificate of ftp.example.test");
    explicit(port, pebble.root(), "ftp.example.test").unwrap();
    assert_eq!(mode(&asking.kept()), 0o600);
    assert!(!server.seen.iter().any(|l| l.contains("may not read")), "{}", server.seen.join("\n"));
}

#[test]
fn a_door_that_somebody_else_has_is_said() {
    if lacks("pebble") {
        return;
    }
    let pebble = Pebble::new(90 * 86_400);
    let taken = TcpListener::bind(("127.0.0.1", pebble.door)).unwrap();
    let asking = Asking::new(&pebble, "\"ftp.example.test\"", "");
    assert!(check(&asking).contains(": none yet"));
    let (mut server, port) = asking.start();
    let line = server.line_with("no certificate of ftp.example.test from 127.0.0.1:");
    assert!(line.contains("CRK-502") && line.contains(&format!("127.0.0.1:{}", pebble.door)), "{line}");
    Client::login(port, "anna").say("NOOP", "200");
    drop(taken);
    server.signal(Signal::HUP);
    server.line_with("has issued a certificate of ftp.example.test");
}

#[test]
fn a_certificate_comes_by_tls() {
    if lacks("pebble") {
        return;
    }
    let pebble = Pebble::new(90 * 86_400);
    let asking = Asking::new(&pebble, "\"ftp.example.test\", \"Files.Example.test\"", "challenge = \"tls-alpn-01\"\n");
    let (mut server, port) = asking.start();
    server.line_with("has issued a certificate of ftp.example.test, files.example.test");
    server.line_with("shows a certificate of ");
    explicit(port, pebble.root(), "files.example.test").unwrap();
    assert!(TcpStream::connect(("127.0.0.1", pebble.door)).is_err(), "the door is still open");
}

#[test]
fn a_certificate_is_renewed_while_sessions_run() {
    if lacks("pebble") {
        return;
    }
    let pebble = Pebble::new(15);
    let asking = Asking::new(&pebble, "\"ftp.example.test\"", "");
    let (mut server, port) = asking.start();
    server.line_with("shows a certificate of ");
    let mut running = explicit(port, pebble.root(), "ftp.example.test").unwrap();
    let first = shown_certificate(&running);
    let until = Instant::now() + PATIENCE;
    // Most of the time passes in its life: it is due when a third is left.
    while shown_certificate(&explicit(port, pebble.root(), "ftp.example.test").unwrap()) == first {
        assert!(Instant::now() < until, "it was not renewed");
        std::thread::sleep(Duration::from_millis(200));
    }
    running.write_all(b"NOOP\r\n").unwrap();
    let mut reply = [0; 3];
    running.read_exact(&mut reply).unwrap();
    assert_eq!(&reply, b"200", "the session goes on");
}

#[test]
fn what_an_authority_does_not_see_is_said_and_asked_again_by_a_reload() {
    if lacks("pebble") {
        return;
    }
    let pebble = Pebble::new(90 * 86_400);
    let asking = Asking::new(&pebble, "\"ftp.example.test\"", "");
    // It looks at one port, and the door is at another.
    asking.write(&pebble, "\"ftp.example.test\"", free(), "");
    let (mut server, port) = asking.start();
    let line = server.line_with("no certificate of ftp.example.test from 127.0.0.1:");
    assert!(line.contains("CRK-506") && line.contains("minutes") && line.contains("refused"), "{line}");
    // The rest of the server notices nothing.
    Client::login(port, "anna").say("NOOP", "200");
    Client::connect(port).say("AUTH TLS", "431");
    // Somebody may have mended it elsewhere: a reload has it asked again at once, and not in minutes.
    server.seen.clear();
    server.signal(Signal::HUP);
    server.line_with("no certificate of ftp.example.test from 127.0.0.1:");
    asking.write(&pebble, "\"ftp.example.test\"", pebble.door, "");
    server.signal(Signal::HUP);
    server.line_with("has issued a certificate of ftp.example.test");
    server.line_with("shows a certificate of ftp.example.test");
    explicit(port, pebble.root(), "ftp.example.test").unwrap();
}

#[test]
fn a_reload_keeps_what_comes_where_the_process_may_write() {
    let place = tempfile::tempdir().unwrap();
    std::fs::create_dir(place.path().join("data")).unwrap();
    let asking = Asking { place };
    let text = [LISTENER, DATA, &user("anna")].concat();
    std::fs::write(asking.file(), &text).unwrap();
    let (mut server, port) = asking.start();
    if !server.line_with("gave up what is not needed").contains("(Landlock)") {
        return; // A kernel without Landlock confines nothing, and said so.
    }
    let acme = "[acme]\nnames = [\"ftp.example.test\"]\nagree = true\nstate = \"elsewhere\"\n";
    std::fs::write(asking.file(), text + acme).unwrap();
    server.signal(Signal::HUP);
    let line = server.line_with("the configuration was not changed");
    assert!(line.contains("elsewhere for the certificate") && line.contains("restart the server"), "{line}");
    Client::login(port, "anna").say("NOOP", "200");
}

#[test]
fn an_authority_that_forgot_the_account_gets_a_new_one() {
    if lacks("pebble") {
        return;
    }
    let mut pebble = Pebble::new(90 * 86_400);
    let asking = Asking::new(&pebble, "\"ftp.example.test\"", "");
    let (mut server, _) = asking.start();
    server.line_with("has issued a certificate");
    let account = std::fs::read_to_string(asking.kept().with_file_name("account.json")).unwrap();
    drop(server);
    pebble.end();
    pebble.start();
    // A file that holds no certificate is as good as none.
    std::fs::write(asking.kept(), "nonsense").unwrap();
    let (mut server, port) = asking.start();
    server.line_with("has issued a certificate");
    server.line_with("shows a certificate of ");
    explicit(port, pebble.root(), "ftp.example.test").unwrap();
    assert_ne!(std::fs::read_to_string(asking.kept().with_file_name("account.json")).unwrap(), account);
}

#[test]
fn an_authority_that_nobody_vouches_for_or_that_is_not_there_is_said() {
    if lacks("pebble") {
        return;
    }
    let mut pebble = Pebble::new(90 * 86_400);
    let asking = Asking::new(&pebble, "\"ftp.example.test\"", "");
    // Another's certificate under the same name.
    let other = Pebble::new(90 * 86_400);
    asking.write(&pebble, "\"ftp.example.test\"", pebble.door, &format!("directory_ca = \"{}\"\n", shown(&other.own())));
    let (mut server, port) = asking.start();
    let line = server.line_with("no certificate of ftp.example.test from 127.0.0.1:");
    assert!(line.contains("CRK-504") && line.contains("certificate"), "{line}");
    Client::login(port, "anna").say("NOOP", "200");
    drop(server);

    pebble.end();
    asking.write(&pebble, "\"ftp.example.test\"", pebble.door, "");
    let (mut server, port) = asking.start();
    let line = server.line_with("no certificate of ftp.example.test from 127.0.0.1:");
    assert!(line.contains("CRK-504") && line.contains("refused"), "{line}");
    Client::login(port, "anna").say("NOOP", "200");
}
