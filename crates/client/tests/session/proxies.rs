//! Is all that belongs to a session carried by the proxy, and by nothing else? SOCKS 5 and CONNECT of HTTP, played here.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use carrack_client::ftp::{Connection, Dial, Get, Put};
use carrack_client::proxy::Proxy;
use io::CancellationToken;
use io::body::Source;
use io::meter::Meter;
use proto::ftp::client::{Form, PutHow, Tls};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use types::Reason;

use super::liar::soon;
use super::own_server::{content, memory, sample, sink};
use super::server::{NAME, Odd, Server};

/// A proxy that knows one name.
#[derive(Clone)]
struct Gate {
    /// Where [`NAME`] leads.
    home: SocketAddr,
    /// Whom it connects, as it was asked.
    asked: Arc<Mutex<Vec<String>>>,
    login: Option<&'static str>,
    http: bool,
}

impl Gate {
    async fn open(self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let token = CancellationToken::new();
        let work = async move {
            while let Ok((stream, _)) = listener.accept().await {
                let gate = self.clone();
                drop(io::task::spawn("one way of a proxy", &CancellationToken::new(), async move {
                    let _ = if gate.http { gate.connect(stream).await } else { gate.socks(stream).await };
                }));
            }
        };
        drop(io::task::spawn("proxy", &token, work));
        address
    }

    async fn reach(&self, host: &str, port: u16) -> std::io::Result<TcpStream> {
        self.asked.lock().unwrap().push(format!("{host}:{port}"));
        let host = if host == NAME { self.home.ip().to_string() } else { host.to_owned() };
        TcpStream::connect((host, port)).await
    }

    async fn socks(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut head = [0; 2];
        stream.read_exact(&mut head).await?;
        let mut methods = vec![0; usize::from(head[1])];
        stream.read_exact(&mut methods).await?;
        if let Some(login) = self.login {
            if !methods.contains(&2) {
                return stream.write_all(&[5, 0xff]).await;
            }
            stream.write_all(&[5, 2]).await?;
            let mut said = Vec::new();
            for _ in 0..2 {
                if said.is_empty() {
                    assert_eq!(stream.read_u8().await?, 1);
                } else {
                    said.push(b':');
                }
                let mut text = vec![0; usize::from(stream.read_u8().await?)];
                stream.read_exact(&mut text).await?;
                said.extend(text);
            }
            let right = said == login.as_bytes();
            stream.write_all(&[1, u8::from(!right)]).await?;
            if !right {
                return Ok(());
            }
        } else {
            stream.write_all(&[5, 0]).await?;
        }
        let mut request = [0; 4];
        stream.read_exact(&mut request).await?;
        let host = match request[3] {
            1 => std::net::Ipv4Addr::from(stream.read_u32().await?).to_string(),
            4 => std::net::Ipv6Addr::from(stream.read_u128().await?).to_string(),
            _ => {
                let mut name = vec![0; usize::from(stream.read_u8().await?)];
                stream.read_exact(&mut name).await?;
                String::from_utf8(name).unwrap()
            }
        };
        let port = stream.read_u16().await?;
        match self.reach(&host, port).await {
            Err(_) => stream.write_all(&[5, 5, 0, 1, 0, 0, 0, 0, 0, 0]).await,
            Ok(other) => {
                // A name in the answer, as few proxies have it: its length must be read, too.
                stream.write_all(b"\x05\x00\x00\x03\x03abc\x00\x15").await?;
                relay(stream, other).await
            }
        }
    }

    async fn connect(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut stream = BufReader::new(stream);
        let (mut target, mut login) = (String::new(), None);
        let mut line = String::new();
        while stream.read_line(&mut line).await? > 2 {
            if let Some(rest) = line.strip_prefix("CONNECT ") {
                target = rest.split(' ').next().unwrap().to_owned();
            }
            login = line.trim_end().strip_prefix("Proxy-Authorization: Basic ").map(ToOwned::to_owned).or(login);
            line.clear();
        }
        let mut stream = stream.into_inner();
        if self.login.is_some() && login.as_deref() != self.login {
            return stream.write_all(b"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n").await;
        }
        let (host, port) = target.rsplit_once(':').unwrap();
        match self.reach(host, port.parse().unwrap()).await {
            Err(_) => stream.write_all(b"HTTP/1.1 502 Not there\r\n\r\n").await,
            Ok(other) => {
                stream.write_all(b"HTTP/1.1 200 Established\r\nVia: a test\r\n\r\n").await?;
                relay(stream, other).await
            }
        }
    }
}

async fn relay(mut one: TcpStream, mut other: TcpStream) -> std::io::Result<()> {
    tokio::io::copy_bidirectional(&mut one, &mut other).await.map(drop)
}

/// A dial for the server's name through the proxy, and what the proxy was asked for.
async fn by(server: &Server, mut dial: Dial, url: &str, login: Option<&'static str>) -> (Dial, Arc<Mutex<Vec<String>>>) {
    let asked = Arc::default();
    let gate = Gate { home: server.address, asked: Arc::clone(&asked), login, http: url.starts_with("http") };
    let address = gate.open().await;
    dial.host = NAME.into();
    dial.proxy = Some(Arc::new(Proxy::parse(&url.replace("HERE", &address.to_string())).unwrap()));
    (dial, asked)
}

async fn there_and_back(dial: &Dial, server: &Server) {
    let body = sample(700_000);
    let session = soon(Connection::open(dial, &CancellationToken::new())).await.unwrap();
    let put = Put { path: b"/a", how: PutHow::Replace, expected: Some(body.len() as u64), ascii: false };
    soon(session.send(put, Source::from_bytes(Bytes::from(body.clone())), Meter::default())).await.unwrap();
    assert_eq!(content(&server.storage, "/a").await, body);
    let here = memory();
    let get = Get { path: b"/a", at: 0, expected: Some(body.len() as u64), ascii: false };
    soon(session.receive(get, sink(&here, "/a").await, Meter::default())).await.unwrap();
    assert_eq!(content(&here, "/a").await, body);
}

#[tokio::test]
async fn control_and_data_go_through_either_kind_by_name() {
    for url in ["socks5://HERE", "http://HERE"] {
        for form in [Form::Epsv, Form::Pasv] {
            let server = Server::over(memory());
            let (mut dial, asked) = by(&server, server.dial(), url, None).await;
            dial.settings.forms = vec![Form::Eprt, form];
            there_and_back(&dial, &server).await;
            let asked = asked.lock().unwrap();
            assert_eq!(asked.len(), 3, "{asked:?}");
            assert!(asked.iter().all(|target| target.starts_with(NAME)), "no address but the proxy's is known: {asked:?}");
        }
    }
}

#[tokio::test]
async fn tls_and_logins_go_through() {
    for (url, login) in [("socks5://ann:pw@HERE", "ann:pw"), ("http://ann:pw@HERE", "YW5uOnB3")] {
        let server = Server::with(memory(), Odd { tls: Some(false), ..Odd::default() });
        let (mut dial, _) = by(&server, server.dial_with_tls(Tls::Required), url, Some(login)).await;
        dial.certificate_name = None;
        there_and_back(&dial, &server).await;
    }
}

#[tokio::test]
async fn what_a_proxy_refuses_is_told_as_it_is() {
    let server = Server::over(memory());
    let failed = async |url: &str, login, host: &str, port| {
        let (mut dial, _) = by(&server, server.dial(), url, login).await;
        dial.host = host.into();
        dial.port = port;
        let Err(e) = soon(Connection::open(&dial, &CancellationToken::new())).await else { panic!("it was let in") };
        e.reason
    };
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let open = server.address.port();
    for scheme in ["socks5", "http"] {
        assert_eq!(failed(&format!("{scheme}://HERE"), None, NAME, closed).await, Reason::ProxyRefused, "{scheme}");
        assert_eq!(failed(&format!("{scheme}://a:b@HERE"), Some("other"), NAME, open).await, Reason::ProxyLogin, "{scheme}");
        assert_eq!(failed(&format!("{scheme}://HERE"), Some("other"), NAME, open).await, Reason::ProxyLogin, "{scheme}");
    }
    // A server is no proxy, and nothing at all is none either.
    let mut dial = server.dial();
    for (url, reason) in
        [(format!("http://{}", server.address), Reason::NoProxy), (format!("socks5://127.0.0.1:{closed}"), Reason::Unreachable)]
    {
        dial.proxy = Some(Arc::new(Proxy::parse(&url).unwrap()));
        let Err(e) = soon(Connection::open(&dial, &CancellationToken::new())).await else { panic!("it was let in") };
        assert_eq!(e.reason, reason, "{e}");
    }
}

#[tokio::test]
async fn a_proxy_that_never_answers_is_waited_for_no_longer_than_allowed() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = Server::over(memory());
    let mut dial = server.dial();
    dial.connect_within = std::time::Duration::from_millis(200);
    dial.proxy = Some(Arc::new(Proxy::parse(&format!("socks5://{}", silent.local_addr().unwrap())).unwrap()));
    let Err(e) = soon(Connection::open(&dial, &CancellationToken::new())).await else { panic!("it was let in") };
    assert!(e.reason == Reason::TooSlow && e.detail.unwrap().contains("proxy"));
}
