//! FTPS as users and administrators meet it (RFC 4217): the certificate that comes by itself, those that are given, what
//! listeners ask of clients, and files that change while sessions run.

use std::io::{BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::process::Signal;
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::harness::{
    Client, DATA, LISTENER, PASSWORD, PATIENCE, Server, Site, command, dial, folder, shown, until, user, whole_reply,
};

type Tls = StreamOwned<ClientConnection, TcpStream>;

/// Takes any certificate: the tests compare it themselves.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// How a client does TLS.
#[derive(Clone, Copy, Default)]
struct Manner {
    /// It never resumes a session.
    forgetful: bool,
    /// It shows the certificate of `anna`.
    shows: bool,
    /// It knows TLS 1.2 only.
    old: bool,
}

impl Manner {
    fn config(self) -> Arc<ClientConfig> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let versions: &[_] = if self.old { &[&rustls::version::TLS12] } else { rustls::ALL_VERSIONS };
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(versions)
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anybody(provider)));
        let mut config = if self.shows {
            let pem = std::fs::read(fixture("anna.pem")).unwrap();
            let chain = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>().unwrap();
            builder.with_client_auth_cert(chain, PrivateKeyDer::from_pem_slice(&pem).unwrap()).unwrap()
        } else {
            builder.with_no_client_auth()
        };
        if self.forgetful {
            config.resumption = Resumption::disabled();
        }
        Arc::new(config)
    }
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tls").join(name)
}

/// A handshake with the server of this name.
fn secure(tcp: TcpStream, config: &Arc<ClientConfig>, name: &str) -> std::io::Result<Tls> {
    tcp.set_read_timeout(Some(PATIENCE))?;
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut stream = StreamOwned::new(ClientConnection::new(config.clone(), name).unwrap(), tcp);
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock)?;
    }
    Ok(stream)
}

/// A client whose control connection is protected.
struct Secure {
    stream: BufReader<Tls>,
    config: Arc<ClientConfig>,
}

impl Secure {
    /// AUTH TLS.
    fn explicit(port: u16, name: &str, manner: Manner) -> Self {
        Self::over(Client::connect(port), name, manner)
    }

    fn over(mut clear: Client, name: &str, manner: Manner) -> Self {
        clear.say("AUTH TLS", "234");
        let config = manner.config();
        let stream = secure(clear.stream.into_inner(), &config, name).unwrap();
        Self { stream: BufReader::new(stream), config }
    }

    /// TLS from the first byte.
    fn implicit(port: u16) -> Self {
        let config = Manner::default().config();
        let stream = secure(TcpStream::connect(("127.0.0.1", port)).unwrap(), &config, "localhost").unwrap();
        let mut it = Self { stream: BufReader::new(stream), config };
        assert!(whole_reply(&mut it.stream).starts_with("220"));
        it
    }

    fn login(mut self, user: &str) -> Self {
        self.say(&format!("USER {user}"), "331");
        self.say(&format!("PASS {PASSWORD}"), "230");
        self
    }

    fn ask(&mut self, line: &str) -> String {
        // A connection that is gone is told by the empty reply.
        let _ = self.stream.get_mut().write_all(format!("{line}\r\n").as_bytes());
        whole_reply(&mut self.stream)
    }

    fn say(&mut self, line: &str, expected: &str) -> String {
        let reply = self.ask(line);
        assert!(reply.starts_with(expected), "{line}: {reply}");
        reply
    }

    /// Where the next data connection goes.
    fn passive(&mut self) -> SocketAddr {
        let reply = self.say("EPSV", "229");
        let port = reply.split('|').nth(3).unwrap().parse::<u16>().unwrap();
        SocketAddr::new(self.stream.get_ref().sock.peer_addr().unwrap().ip(), port)
    }

    fn dial(&mut self) -> TcpStream {
        dial("127.0.0.1", self.passive())
    }

    /// A protected transfer: what it brought, and its last reply.
    fn fetch(&mut self, name: &str) -> (Vec<u8>, String) {
        let data = self.dial();
        let reply = self.ask(&format!("RETR {name}"));
        if !reply.starts_with("150") {
            return (Vec::new(), reply);
        }
        let mut bytes = Vec::new();
        if let Ok(mut data) = secure(data, &self.config, "localhost") {
            let _ = data.read_to_end(&mut bytes);
        }
        (bytes, whole_reply(&mut self.stream))
    }

    fn give(&mut self, name: &str, bytes: &[u8]) -> String {
        let data = self.dial();
        self.say(&format!("STOR {name}"), "150");
        let mut data = secure(data, &self.config, "localhost").unwrap();
        data.write_all(bytes).unwrap();
        data.conn.send_close_notify();
        data.flush().unwrap();
        drop(data);
        whole_reply(&mut self.stream)
    }

    fn protect(&mut self) {
        self.say("PBSZ 0", "200");
        self.say("PROT P", "200");
        self.say("TYPE I", "200");
    }

    /// The fingerprint of the certificate that was shown.
    fn fingerprint(&self) -> String {
        let shown = self.stream.get_ref().conn.peer_certificates().unwrap();
        Sha256::digest(&shown[0]).iter().map(|b| format!("{b:02X}")).collect::<Vec<_>>().join(":")
    }
}

/// A certificate for a name that ends in so many days, with its key, in the two files of a folder.
fn issue(folder: &Path, name: &str, days: i64) {
    let mut params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
    let today = std::time::SystemTime::now();
    let day = std::time::Duration::from_secs(86_400);
    let end = if days < 0 { today - day * (-days as u32) } else { today + day * (days as u32) };
    params.not_before = (today - 100 * day).into();
    params.not_after = end.into();
    let key = rcgen::KeyPair::generate().unwrap();
    std::fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
    // In one step, as programs that renew certificates do it.
    std::fs::write(folder.join("new"), params.self_signed(&key).unwrap().pem()).unwrap();
    std::fs::rename(folder.join("new"), folder.join("cert.pem")).unwrap();
}

/// A site with a listener, a certificate for `localhost`, the folder `data` with `hello.txt`, and user `anna`.
struct Protected {
    site: Site,
    /// Apart from the configuration: nothing else opens it to a confined process.
    keys: TempDir,
}

impl Protected {
    fn new(listener: &str, anna: &str) -> Self {
        let it = Self { site: Site::new(""), keys: tempfile::tempdir().unwrap() };
        it.site.put("hello.txt", "hello\n");
        issue(it.keys.path(), "localhost", 90);
        it.site.write(&it.text(listener, anna));
        it
    }

    fn text(&self, listener: &str, anna: &str) -> String {
        let folder = shown(self.keys.path());
        let files = format!("[[certificate]]\ncertificate = \"{folder}/cert.pem\"\nkey = \"{folder}/key.pem\"\n");
        [LISTENER, listener, &files, DATA, &user("anna"), anna].concat()
    }

    fn start(&self) -> (Server, u16) {
        self.site.start()
    }
}

fn listens(server: &mut Server, name: &str) -> u16 {
    let line = server.line_with(&format!("{name} listens on "));
    line.split(" listens on ").nth(1).unwrap().split(' ').next().unwrap().rsplit(':').next().unwrap().parse().unwrap()
}

fn pairs(line: &str) -> String {
    line.split_whitespace().find(|w| w.split(':').count() == 32).unwrap_or_else(|| panic!("no fingerprint: {line}")).to_owned()
}

#[test]
fn one_command_protects_a_folder_and_its_certificate_is_there_the_next_time() {
    let (folder, state) = (folder(), tempfile::tempdir().unwrap());
    let start = |state: &TempDir| {
        let mut command = command(&["--ftp", "127.0.0.1:0", "--ftps", "127.0.0.1:0", shown(folder.path())]);
        Server::start({
            command.env("XDG_STATE_HOME", state.path());
            command
        })
    };
    let mut server = start(&state);
    let said = pairs(&server.line_with("shows a certificate"));
    let (port, implicit) = (listens(&mut server, "ftp"), listens(&mut server, "ftps"));
    server.line_with(&format!("curl --ssl-reqd -k ftp://carrack@127.0.0.1:{port}/"));
    server.line_with(&format!("curl -k ftps://carrack@127.0.0.1:{implicit}/"));
    assert!(server.seen.iter().any(|l| l.trim() == said), "the welcome tells the fingerprint: {:?}", server.seen);
    for manner in [Manner::default(), Manner { old: true, ..Manner::default() }] {
        let mut client = Secure::explicit(port, "localhost", manner).login("carrack");
        assert_eq!(client.fingerprint(), said);
        client.protect();
        let (bytes, reply) = client.fetch("hello.txt");
        assert!(bytes == b"hello\n" && reply.starts_with("226"), "{reply}");
        assert!(client.give("new.txt", b"some\n").starts_with("226"));
        client.say("QUIT", "221");
    }
    assert_eq!(std::fs::read(folder.path().join("new.txt")).unwrap(), b"some\n");
    let mut client = Secure::implicit(implicit).login("carrack");
    client.protect();
    assert_eq!(client.fetch("hello.txt").0, b"hello\n");
    assert_eq!(client.fingerprint(), said);
    drop(server);
    assert_eq!(pairs(&start(&state).line_with("shows a certificate")), said, "it was kept");
}

#[test]
fn the_ladder_of_an_implicit_listener_begins_with_tls() {
    let (folder, state) = (folder(), tempfile::tempdir().unwrap());
    let mut command = command(&["--trace", "--no-tftp", "--ftps", "127.0.0.1:0", shown(folder.path())]);
    command.env("XDG_STATE_HOME", state.path());
    let mut server = Server::start(command);
    let port = listens(&mut server, "ftps");
    let mut client = Secure::implicit(port).login("carrack");
    client.say("QUIT", "221");
    drop(client);
    server.line_with("221 ");
    let place = |text: &str| server.seen.iter().position(|l| l.contains('│') && l.contains(text)).unwrap();
    assert!(place("TLS 1.3") < place("220 "), "{:?}", server.seen);
}

#[test]
fn without_tls_there_is_none() {
    let folder = folder();
    let mut server = Server::serve(&["--ftp", "127.0.0.1:0", "--no-tls", shown(folder.path())]);
    let mut client = Client::login(server.port(), "carrack");
    assert!(client.ask("AUTH TLS").starts_with('5'));
    assert!(!client.ask("FEAT").contains("AUTH"));
    assert!(!server.seen.iter().any(|l| l.contains("SHA-256")), "{:?}", server.seen);
}

#[test]
fn a_given_certificate_is_shown_and_a_wrong_one_is_named() {
    let (folder, tls) = (folder(), tempfile::tempdir().unwrap());
    issue(tls.path(), "ftp.example.com", 90);
    let file = |name: &str| tls.path().join(name).to_str().unwrap().to_owned();
    let given = ["--ftp", "127.0.0.1:0", "--cert", &file("cert.pem"), "--key", &file("key.pem"), shown(folder.path())];
    let mut server = Server::serve(&given);
    let said = server.line_with("shows a certificate");
    assert!(said.contains("of ftp.example.com until "), "{said}");
    assert_eq!(Secure::explicit(server.port(), "localhost", Manner::default()).fingerprint(), pairs(&said));
    // The key of another.
    std::fs::copy(fixture("privkey.pem"), file("key.pem")).unwrap();
    let mut server = Server::serve(&given);
    let line = server.line_with("cannot be used");
    assert!(line.contains(&file("key.pem")) && line.contains("does not belong"), "{line}");
    assert_eq!(server.ended().code(), Some(2));
}

#[test]
fn where_tls_is_required_nobody_logs_in_nor_moves_files_without() {
    let it = Protected::new("tls = \"required\"\n", "");
    let (_server, port) = it.start();
    let mut client = Client::connect(port);
    let reply = client.ask("USER anna");
    assert!(reply.starts_with('5') && reply.contains("CRK-117"), "{reply}");
    let mut client = Secure::explicit(port, "localhost", Manner::default()).login("anna");
    let reply = client.fetch("hello.txt").1;
    assert!(reply.starts_with("521") && reply.contains("CRK-314"), "{reply}");
    client.say("PBSZ 0", "200");
    client.say("PROT C", "534");
    client.protect();
    assert_eq!(client.fetch("hello.txt").0, b"hello\n");
}

#[test]
fn data_connections_must_resume_only_where_that_is_asked() {
    let forgetful = Manner { forgetful: true, ..Manner::default() };
    let it = Protected::new("data_reuse = \"require\"\n", "");
    let (_server, port) = it.start();
    let mut client = Secure::explicit(port, "localhost", forgetful).login("anna");
    client.protect();
    let (bytes, reply) = client.fetch("hello.txt");
    assert!(reply.starts_with("522") && bytes.is_empty(), "{reply}");
    for old in [false, true] {
        let mut client = Secure::explicit(port, "localhost", Manner { old, ..Manner::default() }).login("anna");
        client.protect();
        for _ in 0..3 {
            let (bytes, reply) = client.fetch("hello.txt");
            assert!(bytes == b"hello\n" && reply.starts_with("226"), "{reply}");
        }
    }
    let it = Protected::new("", "");
    let (_server, port) = it.start();
    let mut client = Secure::explicit(port, "localhost", forgetful).login("anna");
    client.protect();
    assert_eq!(client.fetch("hello.txt").0, b"hello\n");
}

/// Behind one address (NAT) and one port: nothing but the TLS session they resume tells two clients' connections apart.
#[test]
fn sessions_of_one_address_share_a_port_by_their_tickets() {
    let ip = "127.0.81.21";
    let port = TcpListener::bind((ip, 0)).unwrap().local_addr().unwrap().port();
    let it = Protected::new("", "");
    for name in ["one", "two"] {
        it.site.put(name, name.repeat(30_000));
    }
    let text = it.text("", "").replace("127.0.0.1:0", &format!("{ip}:0"));
    it.site.write(&text.replace("passive_ports = \"0\"", &format!("passive_ports = \"{port}\"")));
    let (_server, listens) = it.start();
    let at = SocketAddr::new(ip.parse().unwrap(), listens);
    let client = |manner| {
        let mut client = Secure::over(Client::from("127.0.0.1", at), "localhost", manner).login("anna");
        client.protect();
        assert_eq!(client.fetch("hello.txt").0, b"hello\n");
        client
    };
    let mut clients = [("one", client(Manner::default())), ("two", client(Manner { old: true, ..Manner::default() }))];
    for round in 0..8 {
        let places = clients.each_mut().map(|(_, c)| c.passive());
        assert_eq!(places.map(|p| p.port()), [port; 2]);
        // Who asks first is not always who connects first, nor who goes on first.
        let mut sockets = places.map(|p| Some(dial("127.0.0.1", p)));
        if round % 2 == 0 {
            clients.swap(0, 1);
        }
        let stores = round >= 4;
        for (name, c) in &mut clients {
            c.say(&if stores { format!("STOR {name}-{round}") } else { format!("RETR {name}") }, "150");
        }
        for n in if round % 4 < 2 { [0, 1] } else { [1, 0] } {
            let (name, c) = &mut clients[n];
            let mut data = secure(sockets[n].take().unwrap(), &c.config, "localhost").unwrap();
            if stores {
                data.write_all(name.as_bytes()).unwrap();
                data.conn.send_close_notify();
                data.flush().unwrap();
            } else {
                let mut bytes = Vec::new();
                data.read_to_end(&mut bytes).unwrap();
                assert!(bytes == name.repeat(30_000).as_bytes(), "{name} got something else");
            }
        }
        for (name, c) in &mut clients {
            let reply = whole_reply(&mut c.stream);
            assert!(reply.starts_with("226"), "{reply}");
            if stores {
                assert_eq!(std::fs::read_to_string(it.site.data(&format!("{name}-{round}"))).unwrap(), *name);
            }
        }
    }
    // Who has not shown that it resumes waits for the port as anybody does, and is told so.
    let mut third = Secure::over(Client::from("127.0.0.1", at), "localhost", Manner::default()).login("anna");
    third.protect();
    clients[0].1.passive();
    let reply = third.ask("EPSV");
    assert!(reply.starts_with("425"), "{reply}");
}

/// The process is confined by then (Landlock): it may still read what has taken the files' place.
#[test]
fn a_renewed_certificate_is_shown_to_the_next_and_a_bad_one_to_nobody() {
    let it = Protected::new("", "");
    let (mut server, port) = it.start();
    let first = pairs(&server.line_with("shows a certificate"));
    let mut client = Secure::explicit(port, "localhost", Manner::default()).login("anna");
    client.protect();
    assert_eq!(client.fingerprint(), first);
    std::fs::write(it.keys.path().join("cert.pem"), "nonsense").unwrap();
    let line = server.line_with("those in use stay");
    assert!(line.contains("cert.pem: holds no certificate"), "{line}");
    assert_eq!(Secure::explicit(port, "localhost", Manner::default()).fingerprint(), first);
    server.seen.clear();
    issue(it.keys.path(), "localhost", 90);
    let second = pairs(&server.line_with("shows a certificate"));
    assert_ne!(second, first);
    assert_eq!(Secure::explicit(port, "localhost", Manner::default()).fingerprint(), second);
    assert_eq!(client.fetch("hello.txt").0, b"hello\n", "the session goes on");
    // A signal has them read at once.
    issue(it.keys.path(), "localhost", 90);
    server.seen.clear();
    server.signal(Signal::HUP);
    let third = pairs(&server.line_with("shows a certificate"));
    server.line_with("was read again");
    assert_eq!(Secure::explicit(port, "localhost", Manner::default()).fingerprint(), third);
}

#[test]
fn a_transfer_goes_on_while_the_certificate_is_renewed() {
    const LARGE: usize = 32 << 20;
    let it = Protected::new("", "");
    std::fs::File::create(it.site.data("large")).unwrap().set_len(LARGE as u64).unwrap();
    let (_server, port) = it.start();
    let mut c = Secure::explicit(port, "localhost", Manner::default()).login("anna");
    c.protect();
    let old = c.fingerprint();
    let data = c.dial();
    c.say("RETR large", "150");
    let mut data = secure(data, &c.config, "localhost").unwrap();
    let mut first = vec![1; 64 * 1024];
    data.read_exact(&mut first).unwrap();
    issue(it.keys.path(), "localhost", 80);
    until("the next handshake shows the new one", || Secure::explicit(port, "localhost", Manner::default()).fingerprint() != old);
    let mut rest = Vec::new();
    data.read_to_end(&mut rest).unwrap();
    assert_eq!(first.len() + rest.len(), LARGE);
    assert!(whole_reply(&mut c.stream).starts_with("226"));
    // And the session's next transfer resumes what it began with.
    assert_eq!(c.fetch("hello.txt").0, b"hello\n");
}

#[test]
fn a_reload_may_bring_tls_and_refuses_what_cannot_be_read() {
    let it = Protected::new("tls = \"off\"\n", "");
    let (mut server, port) = it.start();
    assert!(Client::connect(port).ask("AUTH TLS").starts_with('5'));
    it.site.reload(&mut server, &it.text("tls = \"required\"\n", ""));
    Secure::explicit(port, "localhost", Manner::default()).login("anna");
    server.seen.clear();
    std::fs::write(it.keys.path().join("key.pem"), std::fs::read(fixture("privkey.pem")).unwrap()).unwrap();
    server.signal(Signal::HUP);
    let line = server.line_with("the configuration was not changed");
    assert!(line.contains("c.toml:") && line.contains("does not belong to the first certificate"), "{line}");
    Secure::explicit(port, "localhost", Manner::default()).login("anna");
}

#[test]
fn several_certificates_are_chosen_by_name() {
    let it = Protected::new("", "");
    let other = it.site.place.path().join("other");
    std::fs::create_dir(&other).unwrap();
    issue(&other, "ftp.example.net", 90);
    let second = "[[certificate]]\ncertificate = \"other/cert.pem\"\nkey = \"other/key.pem\"\nnames = [\"*.example.org\"]\n";
    it.site.write(&[it.text("", ""), second.to_owned()].concat());
    let (mut server, port) = it.start();
    let default = pairs(&server.line_with("of localhost until"));
    let named = pairs(&server.line_with("ftp.example.net"));
    for (name, expected) in
        [("localhost", &default), ("ftp.example.net", &named), ("a.example.org", &named), ("who.example", &default)]
    {
        assert_eq!(Secure::explicit(port, name, Manner::default()).fingerprint(), *expected, "{name}");
    }
}

#[test]
fn host_names_the_host_of_the_handshake() {
    let it = Protected::new("", "");
    let hosts = "[[host]]\nname = \"localhost\"\n[[host]]\nname = \"ftp.example.net\"\n";
    it.site.write(&[it.text("", ""), hosts.to_owned()].concat());
    let (_server, port) = it.start();
    let mut c = Secure::explicit(port, "localhost", Manner::default());
    assert!(c.say("HOST ftp.example.net", "504").contains("CRK-110"));
    c.say("HOST LOCALHOST", "220");
    c.login("anna");
    // In clear nothing has been named yet.
    Client::connect(port).say("HOST ftp.example.net", "220");
}

#[test]
fn clients_show_certificates_where_they_are_asked() {
    let ca = format!("client_certificates = \"required\"\nclient_ca = \"{}\"\n", fixture("clients.pem").display());
    let it = Protected::new(&ca, "certificate = \"enough\"\n");
    let (mut server, port) = it.start();
    let shows = Manner { shows: true, ..Manner::default() };
    Secure::explicit(port, "localhost", shows).say("USER anna", "232");
    // Without one the handshake fails; under TLS 1.3 the client hears of it behind its end.
    let mut clear = Client::connect(port);
    clear.say("AUTH TLS", "234");
    let refused = secure(clear.stream.into_inner(), &Manner::default().config(), "localhost")
        .and_then(|mut stream| stream.write_all(b"NOOP\r\n").and_then(|()| stream.read(&mut [0; 8])));
    assert!(refused.as_ref().map_or(true, |n| *n == 0), "{refused:?}");
    server.line_with("CRK-604");
    // Where it is optional, the password decides for those who have none.
    let optional = it.site.place.path().join("c.toml");
    it.site.write(&std::fs::read_to_string(optional).unwrap().replace("\"required\"", "\"optional\""));
    let (_server, port) = it.start();
    Secure::explicit(port, "localhost", Manner::default()).login("anna");
    Secure::explicit(port, "localhost", shows).say("USER anna", "232");
}

#[test]
fn a_certificate_that_ends_is_warned_of() {
    for (days, words) in [(20, "expires on"), (10, "expires on"), (-2, "has expired on")] {
        let it = Protected::new("", "");
        issue(it.keys.path(), "localhost", days);
        let check = std::process::Command::new(env!("CARGO_BIN_EXE_carrack")).args(["check", &it.site.file()]).output().unwrap();
        let said = String::from_utf8(check.stdout).unwrap();
        assert!(said.contains("certificate of localhost (") && said.contains("warning: it ") && said.contains(words), "{said}");
        let (mut server, port) = it.start();
        let line = server.line_with("the certificate of localhost");
        assert!(line.contains(words), "{line}");
        assert_eq!(Secure::explicit(port, "localhost", Manner::default()).fingerprint(), pairs(&said));
    }
}

#[test]
fn bytes_that_are_no_tls_disturb_nobody() {
    let it = Protected::new("tls = \"implicit\"\n", "");
    let (mut server, port) = it.start();
    let mut stranger = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stranger.write_all(b"USER anna\r\n").unwrap();
    server.line_with("CRK-602");
    until("the stranger is sent away", || matches!(stranger.read(&mut [0; 64]), Ok(0) | Err(_)));
    let mut client = Secure::implicit(port).login("anna");
    client.protect();
    assert_eq!(client.fetch("hello.txt").0, b"hello\n");
}
