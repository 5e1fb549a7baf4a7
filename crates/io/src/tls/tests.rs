//! Do two ends understand each other, and is every way in which they may not told apart?

use std::io::ErrorKind;
use std::path::Path;
use std::time::{Duration, Instant};

use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::{TcpListener, TcpStream};
use types::{Direction, Reason};

use super::{
    Certificate, Certificates, Client, ClientSession, Clients, Roots, Server, ServerSession, Settings, Trust, self_signed,
};
use crate::clock;
use crate::stream::Stream;

mod failures;
mod leaving;

/// A certificate for `localhost` that stands for itself.
pub(super) fn own(names: &[&str]) -> (Certificate, Roots) {
    let (pem, key) = self_signed(names).unwrap();
    let here = Path::new("test.pem");
    let certificate = Certificate::from_pem(pem.as_bytes(), key.reveal().as_bytes(), here, here).unwrap();
    (certificate, Roots::from_pem(pem.as_bytes(), here).unwrap())
}

/// Both ends' configurations, which trust each other.
pub(crate) fn ends(settings: &Settings) -> (Server, Client) {
    let (certificate, roots) = own(&["localhost"]);
    let server = Server::new(&Certificates::new(vec![certificate]), settings).unwrap();
    (server, Client::new(Trust::Roots(roots), None).unwrap())
}

pub(super) async fn tcp_pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let out = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    (listener.accept().await.unwrap().0, out)
}

pub(super) fn soon() -> Instant {
    clock::now() + Duration::from_secs(10)
}

/// A control connection, served end first.
pub(super) async fn control(server: &ServerSession, client: &ClientSession) -> (Stream, Stream) {
    let (a, b) = tcp_pair().await;
    let (a, b) = tokio::join!(server.accept(a.into(), soon()), client.connect(b.into(), "localhost", soon()));
    (a.unwrap(), b.unwrap())
}

pub(super) async fn data(server: &ServerSession, client: &ClientSession, way: Direction) -> (Stream, Stream) {
    let (a, b) = tcp_pair().await;
    let serve = async {
        let mut stream = server.accept_data(a.into(), way, soon()).await.unwrap();
        if way == Direction::Out {
            stream.write_all(b"data").await.unwrap();
        }
        stream
    };
    let connect = async {
        let mut stream = client.connect(b.into(), "localhost", soon()).await.unwrap();
        match way {
            Direction::Out => assert_eq!(read_exactly(&mut stream, 4).await, b"data"),
            Direction::In => stream.write_all(b"data").await.unwrap(),
        }
        stream
    };
    let (mut a, b) = tokio::join!(serve, connect);
    if way == Direction::In {
        assert_eq!(read_exactly(&mut a, 4).await, b"data");
    }
    (a, b)
}

pub(super) async fn read_exactly(stream: &mut Stream, n: usize) -> Vec<u8> {
    let mut all = vec![0; n];
    let mut at = 0;
    while at < n {
        let got =
            tokio::time::timeout(Duration::from_secs(10), stream.read(&mut all[at..])).await.expect("nothing came").unwrap();
        assert!(got > 0, "ended after {at}");
        at += got;
    }
    all
}

fn only_1_3(yes: bool) -> Settings {
    Settings { only_1_3: yes, ..Settings::default() }
}

/// A client that knows TLS 1.2 only where `older`.
fn session_of(client: &Client, older: bool) -> ClientSession {
    if older { client.only_1_2().session() } else { client.session() }
}

#[tokio::test]
async fn bytes_pass_both_ways_in_any_pieces() {
    let (server, client) = ends(&Settings::default());
    for older in [false, true] {
        let (mut a, mut b) = control(&server.session(), &session_of(&client, older)).await;
        let text = a.tls().unwrap().to_string();
        assert_eq!(text, if older { "TLS 1.2 AES-256-GCM" } else { "TLS 1.3 AES-256-GCM" });
        assert!(b.tls().unwrap().names().contains(&"localhost".into()));
        let body: Vec<u8> = (0..300_000u32).flat_map(u32::to_le_bytes).collect();
        for size in [1, 100, 16_384, 16_385, 200_000, body.len()] {
            let sent = &body[..size];
            let ((), got) = tokio::join!(async { a.write_all(sent).await.unwrap() }, read_exactly(&mut b, size));
            assert!(got == sent, "{size}");
            let ((), got) = tokio::join!(async { b.write_all(sent).await.unwrap() }, read_exactly(&mut a, size));
            assert!(got == sent, "{size} back");
        }
    }
}

#[tokio::test]
async fn what_came_along_is_not_waited_for() {
    let (server, client) = ends(&Settings::default());
    let (mut a, mut b) = control(&server.session(), &client.session()).await;
    // Two records that arrive in one read, and a record larger than the reader's buffer.
    b.write_all(b"one").await.unwrap();
    b.write_all(b"two").await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let mut small = [0; 2];
    let mut all = Vec::new();
    while all.len() < 6 {
        // The socket is known to be empty.
        let Stream::Tls(layer) = &a else { unreachable!() };
        if !all.is_empty() {
            let _ = layer.tcp().try_io(Interest::READABLE, || Err::<(), _>(ErrorKind::WouldBlock.into()));
        }
        tokio::time::timeout(Duration::from_secs(5), a.readable()).await.expect("it hangs").unwrap();
        match a.try_read(&mut small) {
            Ok(n) => all.extend_from_slice(&small[..n]),
            Err(e) => assert_eq!(e.kind(), ErrorKind::WouldBlock),
        }
    }
    assert_eq!(all, b"onetwo");
    assert_eq!(a.try_read(&mut small).unwrap_err().kind(), ErrorKind::WouldBlock);
    // Polling alike.
    b.write_all(b"abcdef").await.unwrap();
    for piece in [b"ab", b"cd", b"ef"] {
        let read = std::future::poll_fn(|cx| a.poll_read(cx, &mut small));
        assert_eq!(tokio::time::timeout(Duration::from_secs(5), read).await.expect("it hangs").unwrap(), 2);
        assert_eq!(&small, piece);
    }
}

#[tokio::test]
async fn keys_may_be_renewed_at_any_time() {
    let (server, client) = ends(&only_1_3(true));
    let (mut a, mut b) = control(&server.session(), &client.session()).await;
    for _ in 0..5 {
        for stream in [&mut a, &mut b] {
            let Stream::Tls(layer) = stream else { unreachable!() };
            layer.renew_keys().await;
        }
        a.write_all(b"one").await.unwrap();
        b.write_all(b"two").await.unwrap();
        assert_eq!((read_exactly(&mut a, 3).await, read_exactly(&mut b, 3).await), (b"two".to_vec(), b"one".to_vec()));
    }
}

#[tokio::test]
async fn an_end_is_announced_or_it_is_none() {
    let (server, client) = ends(&Settings::default());
    let mut buf = [0; 8];
    for polite in [true, false] {
        let (mut a, mut b) = control(&server.session(), &client.session()).await;
        b.write_all(b"last").await.unwrap();
        if polite {
            b.finish().await.unwrap();
        } else {
            SockRef::from(b.tcp()).shutdown(std::net::Shutdown::Write).unwrap();
        }
        assert_eq!(a.read(&mut buf).await.unwrap(), 4);
        for _ in 0..2 {
            let end = a.read(&mut buf).await.map_err(|e| e.kind());
            assert_eq!(end, if polite { Ok(0) } else { Err(ErrorKind::UnexpectedEof) });
        }
        // The other direction still stands.
        a.write_all(b"late").await.unwrap();
        assert_eq!(b.read(&mut buf).await.unwrap(), 4);
        a.shutdown_write().unwrap();
        assert_eq!(b.read(&mut buf).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn a_slow_reader_gets_every_byte_once() {
    let (server, client) = ends(&Settings::default());
    let (mut a, mut b) = control(&server.session(), &client.session()).await;
    SockRef::from(a.tcp()).set_send_buffer_size(8192).unwrap();
    let body: Vec<u8> = (0..500_000u32).flat_map(u32::to_le_bytes).collect();
    // Offered in pieces of another size after each "would block", as a pump with a rate does.
    let write = async {
        let (mut at, mut piece) = (0, 50_000);
        while at < body.len() {
            match a.try_write(&body[at..body.len().min(at + piece)]) {
                Ok(n) => at += n,
                Err(e) => {
                    assert_eq!(e.kind(), ErrorKind::WouldBlock);
                    piece = if piece == 50_000 { 7 } else { 50_000 };
                    // What was not reported does not pile up here either.
                    let Stream::Tls(layer) = &a else { unreachable!() };
                    assert!(layer.waits_to_leave() < 70_000);
                    a.writable().await.unwrap();
                }
            }
        }
        a.finish().await.unwrap();
    };
    let read = async {
        let (mut all, mut buf) = (Vec::new(), vec![0; 10_000]);
        loop {
            match b.read(&mut buf).await.unwrap() {
                0 => return all,
                n => all.extend_from_slice(&buf[..n]),
            }
        }
    };
    let ((), got) = tokio::join!(write, read);
    assert!(got == body);
}

#[tokio::test]
async fn data_connections_resume_their_own_control_connection_and_no_other() {
    let (server, client) = ends(&Settings::default());
    for older in [false, true] {
        let (one, other) = (server.session(), server.session());
        let known = session_of(&client, older);
        let (a, b) = control(&one, &known).await;
        assert!(!a.tls().unwrap().is_resumed());
        read_tickets(b).await;
        use Direction::{In, Out};
        // A client that uses a ticket but once has enough of them for uploads in a row, and then for turns.
        for way in [In, In, In, In, In, In, In, Out, In, Out, In, Out, Out, Out, In, In, In] {
            let (a, b) = data(&one, &known, way).await;
            assert!(a.tls().unwrap().is_resumed() && b.tls().unwrap().is_resumed(), "{way:?} older {older}");
            assert!(a.tls().unwrap().to_string().ends_with(", resumed"));
        }
        let (a, _) = data(&other, &known, Out).await;
        assert!(!a.tls().unwrap().is_resumed(), "of another control connection");
    }
}

/// A client that reads on until the server ends TLS has a new ticket for each that it used, however many files it sends.
#[tokio::test]
async fn uploads_in_any_number_resume_where_the_client_reads_to_the_end() {
    let (server, client) = ends(&only_1_3(true));
    let (session, known) = (server.session(), client.session());
    let (_a, b) = control(&session, &known).await;
    read_tickets(b).await;
    for turn in 0..30 {
        let (mut a, mut b) = data(&session, &known, Direction::In).await;
        assert!(a.tls().unwrap().is_resumed(), "{turn}");
        b.finish().await.unwrap();
        assert_eq!(a.read(&mut [0; 8]).await.unwrap(), 0);
        // Nothing was sent so far: a client that had closed with something unread would have cut off its own bytes.
        assert_eq!(b.try_read(&mut [0; 8]).unwrap_err().kind(), ErrorKind::WouldBlock);
        a.finish().await.unwrap();
        assert_eq!(b.read(&mut [0; 8]).await.unwrap(), 0);
    }
}

/// Clients learn of tickets when they read.
async fn read_tickets(mut stream: Stream) {
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(stream.try_read(&mut [0; 8]).unwrap_err().kind(), ErrorKind::WouldBlock);
}

#[tokio::test]
async fn a_stranger_on_the_data_port_gains_nothing_by_coming_twice() {
    let (server, client) = ends(&Settings::default());
    for older in [false, true] {
        let (session, owner, stranger) = (server.session(), session_of(&client, older), session_of(&client, older));
        let (_a, _b) = control(&session, &owner).await;
        for _ in 0..3 {
            let (a, _) = data(&session, &stranger, Direction::Out).await;
            assert!(!a.tls().unwrap().is_resumed(), "older {older}");
        }
    }
}

#[tokio::test]
async fn a_client_that_only_writes_is_not_cut_off_by_a_ticket() {
    let (server, client) = ends(&only_1_3(true));
    let (session, known) = (server.session(), client.session());
    let (_a, b) = control(&session, &known).await;
    read_tickets(b).await;
    for _ in 0..20 {
        let (a, b) = tcp_pair().await;
        let body = vec![7; 300_000];
        let write = async {
            let mut stream = known.connect(b.into(), "localhost", soon()).await.unwrap();
            stream.write_all(&body).await.unwrap();
            stream.finish().await.unwrap();
            // Dropped with whatever the server may have sent unread.
        };
        let read = async {
            let mut stream = session.accept_data(a.into(), Direction::In, soon()).await.unwrap();
            let (mut total, mut buf) = (0, vec![0; 16_384]);
            loop {
                // Slow: the client is gone before all of it is read.
                tokio::time::sleep(Duration::from_millis(1)).await;
                match stream.read(&mut buf).await.unwrap() {
                    0 => return total,
                    n => total += n,
                }
            }
        };
        assert_eq!(tokio::join!(write, read).1, body.len());
    }
}

#[tokio::test]
async fn a_client_that_gathers_small_writes_is_not_made_to_wait() {
    let (server, client) = ends(&Settings::default());
    for older in [false, true] {
        let (session, known) = (server.session(), session_of(&client, older));
        let (_a, b) = control(&session, &known).await;
        read_tickets(b).await;
        let mut quickest = Duration::MAX;
        for _ in 0..6 {
            let (a, b) = tcp_pair().await;
            let write = async {
                let mut stream = known.connect(b.into(), "localhost", soon()).await.unwrap();
                // As programs have it that set nothing: what is small waits for an acknowledgement (Nagle).
                stream.tcp().set_nodelay(false).unwrap();
                let begun = clock::now();
                stream.write_all(b"small").await.unwrap();
                (stream, begun)
            };
            let read = async {
                let mut stream = session.accept_data(a.into(), Direction::In, soon()).await.unwrap();
                assert_eq!(read_exactly(&mut stream, 5).await, b"small");
                (stream, clock::now())
            };
            let ((_b, begun), (_a, ended)) = tokio::join!(write, read);
            quickest = quickest.min(ended.saturating_duration_since(begun));
        }
        // An acknowledgement that is put off comes after 40 ms.
        assert!(quickest < Duration::from_millis(30), "{quickest:?}, older {older}");
    }
}

#[tokio::test]
async fn names_choose_the_certificate_and_a_new_one_is_shown_at_once() {
    let (first, roots_first) = own(&["first.test"]);
    let (wild, _) = own(&["*.wild.test"]);
    let (exact, _) = own(&["a.wild.test"]);
    let all = Certificates::new(vec![first.clone(), wild.clone(), exact.clone()]);
    let server = Server::new(&all, &Settings::default()).unwrap();
    let shown = async |certificate: &Certificate, name: &str| {
        let pin = super::certificates::fingerprint_of(certificate);
        let client = Client::new(Trust::Pinned(vec![pin]), None).unwrap().session();
        let (a, b) = tcp_pair().await;
        let session = server.session();
        let (_, b) = tokio::join!(session.accept(a.into(), soon()), client.connect(b.into(), name, soon()));
        b.is_ok()
    };
    assert!(shown(&first, "first.test").await && shown(&first, "unknown.test").await && shown(&first, "127.0.0.1").await);
    assert!(shown(&wild, "b.wild.test").await && shown(&exact, "A.wild.test").await && shown(&first, "a.b.wild.test").await);
    assert!(!shown(&wild, "a.wild.test").await);

    // A session that runs is not touched by a new certificate.
    let trusting = Client::new(Trust::Roots(roots_first), None).unwrap().session();
    let (a, b) = tcp_pair().await;
    let session = server.session();
    let (a, b) = tokio::join!(session.accept(a.into(), soon()), trusting.connect(b.into(), "first.test", soon()));
    let (mut a, mut b) = (a.unwrap(), b.unwrap());
    let (newer, _) = own(&["first.test"]);
    all.replace(vec![newer.clone()]);
    assert!(shown(&newer, "first.test").await && !shown(&first, "first.test").await);
    a.write_all(b"still").await.unwrap();
    assert_eq!(read_exactly(&mut b, 5).await, b"still");
}

#[tokio::test]
async fn an_idle_connection_holds_no_buffer() {
    let (server, client) = ends(&Settings::default());
    let (mut a, mut b) = control(&server.session(), &client.session()).await;
    for _ in 0..3 {
        b.write_all(&[1; 5000]).await.unwrap();
        read_exactly(&mut a, 5000).await;
        a.write_all(&[2; 5000]).await.unwrap();
        read_exactly(&mut b, 5000).await;
        for stream in [&mut a, &mut b] {
            assert_eq!(stream.try_read(&mut [0; 8]).unwrap_err().kind(), ErrorKind::WouldBlock);
            let Stream::Tls(layer) = stream else { unreachable!() };
            assert_eq!(layer.held(), 0);
        }
    }
}

/// Bytes that look like a connection of an outside client.
pub(super) async fn raw(server: &ServerSession, sent: &[u8]) -> super::Failure {
    let (a, mut b) = tcp_pair().await;
    b.write_all(sent).await.unwrap();
    let (failure, _) = tokio::join!(server.accept(a.into(), soon()), async {
        b.shutdown().await.unwrap();
        let mut answer = Vec::new();
        let _ = b.read_to_end(&mut answer).await;
        answer
    });
    failure.unwrap_err()
}

#[tokio::test]
async fn who_has_no_certificate_is_told_so_and_names_are_given_out() {
    let (certificate, roots) = own(&["localhost"]);
    let (user, user_roots) = own(&["anna", "anna@example.org"]);
    let (stranger, _) = own(&["anna"]);
    let all = Certificates::new(vec![certificate]);
    let connect = async |clients: Clients, shown: Option<&Certificate>| {
        let server = Server::new(&all, &Settings { clients, ..Settings::default() }).unwrap().session();
        let client = Client::new(Trust::Roots(roots.clone()), shown).unwrap().session();
        let (a, b) = tcp_pair().await;
        let (a, _b) = tokio::join!(server.accept(a.into(), soon()), client.connect(b.into(), "localhost", soon()));
        a.map(|a| a.tls().unwrap().names().to_vec()).map_err(|e| e.reason)
    };
    let required = || Clients::Required(user_roots.clone());
    let optional = || Clients::Optional(user_roots.clone());
    assert_eq!(connect(required(), None).await, Err(Reason::TlsCertificateNeeded));
    assert_eq!(connect(optional(), None).await, Ok(vec![]));
    assert_eq!(connect(Clients::Off, Some(&user)).await, Ok(vec![]));
    for clients in [required(), optional()] {
        assert_eq!(connect(clients.clone(), Some(&user)).await, Ok(vec!["anna".into(), "anna@example.org".into()]));
        assert_eq!(connect(clients, Some(&stranger)).await, Err(Reason::TlsCertificateRefused));
    }
}
