//! Does a body go through TLS whole, and does nothing but the close alert end it?

use std::net::TcpStream as Socket;
use std::path::Path;
use std::thread::{JoinHandle, spawn};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use types::Direction;

use super::*;
use crate::clock;
use crate::tls::{Certificate, Certificates, Server, Settings, self_signed};

type Peer = StreamOwned<ClientConnection, Socket>;

/// Both ends' settings, for one certificate.
struct Ends {
    server: Server,
    clients: [Arc<ClientConfig>; 2],
}

impl Ends {
    fn new() -> Self {
        let (chain, key) = self_signed(&["localhost"]).unwrap();
        let certificate =
            Certificate::from_pem(chain.as_bytes(), key.reveal().as_bytes(), Path::new("c"), Path::new("k")).unwrap();
        let server = Server::new(&Certificates::new(vec![certificate]), &Settings::default()).unwrap();
        let clients = [&TLS12, &TLS13].map(|version| {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_slice(chain.as_bytes()).unwrap()).unwrap();
            let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
            let config = ClientConfig::builder_with_provider(provider).with_protocol_versions(&[version]).unwrap();
            Arc::new(config.with_root_certificates(roots).with_no_client_auth())
        });
        Self { server, clients }
    }

    /// A connection on which the handshake is done. The peer lives in a thread, and its socket blocks.
    async fn pair<T: Send + 'static>(
        &self,
        client: &Arc<ClientConfig>,
        way: Direction,
        peer: impl FnOnce(Peer) -> T + Send + 'static,
    ) -> (Stream, JoinHandle<T>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let to = listener.local_addr().unwrap();
        let client = client.clone();
        let peer = spawn(move || {
            let mut socket = Socket::connect(to).unwrap();
            let mut tls = ClientConnection::new(client, "localhost".try_into().unwrap()).unwrap();
            while tls.is_handshaking() {
                tls.complete_io(&mut socket).unwrap();
            }
            tls.set_buffer_limit(None);
            peer(StreamOwned::new(tls, socket))
        });
        let stream = Stream::from(listener.accept().await.unwrap().0);
        let deadline = clock::now() + STALL;
        (self.server.session().accept_data(stream, way, deadline).await.unwrap(), peer)
    }
}

/// Sends a body and its close alert.
fn sends(bytes: Vec<u8>) -> impl FnOnce(Peer) {
    move |mut peer| {
        peer.write_all(&bytes).unwrap();
        peer.conn.send_close_notify();
        peer.flush().unwrap();
        // Closing with something unread would be a reset.
        let mut rest = Vec::new();
        peer.sock.read_to_end(&mut rest).unwrap();
    }
}

/// Reads to the close alert.
fn reads(mut peer: Peer) -> Vec<u8> {
    let mut got = Vec::new();
    peer.read_to_end(&mut got).unwrap();
    got
}

const RECORD: usize = 16 * 1024;
const LENGTHS: [usize; 8] = [0, 1, RECORD - 1, RECORD, RECORD + 1, 65_536, SIZE + 1, 10 * 1024 * 1024 + 3];

#[tokio::test]
async fn every_source_goes_out_whole() {
    let ends = Ends::new();
    for client in &ends.clients {
        for len in LENGTHS {
            for through in [false, true] {
                let bytes = body(len);
                for (name, source) in sources(&bytes) {
                    let (mut stream, peer) = ends.pair(client, Direction::Out, reads).await;
                    let meter = meter();
                    let mut t = Sevens::default();
                    let transform: Option<&mut dyn Transform> = if through { Some(&mut t) } else { None };
                    let moved = send(&mut stream, source, transform, &meter, STALL).await.unwrap();
                    stream.finish().await.unwrap();
                    let want = if through { sevens(&bytes) } else { bytes.clone() };
                    let got = peer.join().unwrap();
                    assert!(got == want, "{name} {len} {through}: {} of {}", got.len(), want.len());
                    assert_eq!((moved, meter.moved()), (want.len() as u64, want.len() as u64), "{name} {len}");
                }
            }
        }
    }
}

#[tokio::test]
async fn every_sink_gets_the_whole() {
    let ends = Ends::new();
    for client in &ends.clients {
        for len in LENGTHS {
            for (through, limited, in_file) in
                [(false, false, true), (true, false, true), (false, true, true), (false, false, false)]
            {
                let what = format!("{len} through {through} limited {limited} file {in_file}");
                let bytes = body(len);
                let want = if through { sevens(&bytes) } else { bytes.clone() };
                let (mut stream, peer) = ends.pair(client, Direction::In, sends(bytes)).await;
                let buckets = if limited { vec![Arc::new(Bucket::new(1 << 30))] } else { Vec::new() };
                let meter = Meter::new(CancellationToken::new(), buckets);
                let mut t = Sevens::default();
                let transform: Option<&mut dyn Transform> = if through { Some(&mut t) } else { None };
                let memory = Memory::default();
                let (mut sink, file, kept, _told) = file_sink(tempfile::tempfile().unwrap());
                if !in_file {
                    sink = Sink::from_put(memory.clone());
                }
                let moved = receive(&mut stream, &mut sink, transform, &meter, STALL).await.unwrap();
                assert_eq!((moved, meter.moved()), (len as u64, len as u64), "{what}");
                sink.commit().await.unwrap();
                stream.finish().await.unwrap();
                drop(stream);
                peer.join().unwrap();
                if in_file {
                    assert!(content(&file) == [b"head".as_slice(), &want].concat(), "{what}");
                    assert_eq!(*kept.0.lock().unwrap(), Some(4 + want.len() as u64), "{what}");
                } else {
                    assert!(memory.0.lock().unwrap().0 == want, "{what}");
                }
            }
        }
    }
}

/// The records that a client sends, the close alert last.
fn records(peer: &mut Peer, bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for piece in bytes.chunks(RECORD) {
        peer.conn.writer().write_all(piece).unwrap();
        peer.conn.write_tls(&mut all).unwrap();
    }
    peer.conn.send_close_notify();
    while peer.conn.wants_write() {
        peer.conn.write_tls(&mut all).unwrap();
    }
    let mut records = Vec::new();
    let mut rest = all.as_slice();
    while let [_, _, _, high, low, ..] = rest {
        let (record, behind) = rest.split_at(5 + usize::from(u16::from_be_bytes([*high, *low])));
        records.push(record.to_vec());
        rest = behind;
    }
    records
}

#[tokio::test]
async fn a_fin_without_close_alert_is_no_end_wherever_it_comes() {
    let ends = Ends::new();
    let bytes = body(5 * RECORD);
    for client in &ends.clients {
        // After each record whole, and in the midst of the next; the last one is the close alert.
        for cut in 0..=12 {
            let copy = bytes.clone();
            let (mut stream, peer) = ends
                .pair(client, Direction::In, move |mut peer| {
                    let records = records(&mut peer, &copy);
                    assert_eq!(records.len(), 6);
                    let mut some = records.concat();
                    let whole: usize = records.iter().take(cut / 2).map(Vec::len).sum();
                    let begun = records.get(cut / 2).map_or(0, |next| (cut % 2) * next.len() / 2);
                    some.truncate(whole + begun);
                    peer.sock.write_all(&some).unwrap();
                    peer.sock.shutdown(std::net::Shutdown::Write).unwrap();
                    let mut rest = Vec::new();
                    peer.sock.read_to_end(&mut rest).unwrap();
                })
                .await;
            let (mut sink, file, kept, _told) = file_sink(tempfile::tempfile().unwrap());
            let came = receive(&mut stream, &mut sink, None, &meter(), STALL).await;
            if cut == 12 {
                assert_eq!(came.unwrap(), bytes.len() as u64);
                sink.commit().await.unwrap();
            } else {
                let e = came.unwrap_err();
                assert!(matches!(&e, PumpError::Peer(e) if e.kind() == ErrorKind::UnexpectedEof), "{cut}: {e}");
                assert_eq!(e.reason(), Reason::DataTruncated);
                sink.abandon().await;
            }
            drop(stream);
            peer.join().unwrap();
            // What was whole is there, and nothing else.
            let whole = (cut / 2).min(5) * RECORD;
            assert!(content(&file) == [b"head", &bytes[..whole]].concat(), "{cut}");
            assert_eq!(kept.0.lock().unwrap().is_some(), cut == 12);
        }
    }
}

#[tokio::test]
async fn a_record_that_was_changed_ends_the_upload() {
    let ends = Ends::new();
    for client in &ends.clients {
        let (mut stream, peer) = ends
            .pair(client, Direction::In, |mut peer| {
                let mut records = records(&mut peer, &body(3 * RECORD));
                *records[1].last_mut().unwrap() ^= 1;
                peer.sock.write_all(&records.concat()).unwrap();
                let _ = peer.sock.read_to_end(&mut Vec::new());
            })
            .await;
        let (mut sink, file, ..) = file_sink(tempfile::tempfile().unwrap());
        let e = receive(&mut stream, &mut sink, None, &meter(), STALL).await.unwrap_err();
        assert_eq!(e.reason(), Reason::DataSpoilt, "{e}");
        sink.abandon().await;
        assert!(content(&file) == [b"head".as_slice(), &body(RECORD)].concat());
        drop(stream);
        peer.join().unwrap();
    }
}

#[tokio::test]
async fn cancelled_and_stalled_under_tls() {
    let ends = Ends::new();
    for client in &ends.clients {
        for (sending, cancelled) in [(true, true), (true, false), (false, true), (false, false)] {
            let (still, until) = std::sync::mpsc::channel::<()>();
            let way = if sending { Direction::Out } else { Direction::In };
            // The peer sends a little, then neither reads nor writes.
            let (mut stream, peer) = ends
                .pair(client, way, move |mut peer| {
                    if !sending {
                        peer.write_all(b"abc").unwrap();
                    }
                    let _ = until.recv();
                })
                .await;
            let token = CancellationToken::new();
            let meter = Meter::new(token.clone(), Vec::new());
            let stall = if cancelled { STALL } else { Duration::from_millis(50) };
            let (mut sink, file, ..) = file_sink(tempfile::tempfile().unwrap());
            let transfer = async {
                match sending {
                    true => send(&mut stream, Source::from_file(file_with(&body(32 << 20)), 0), None, &meter, stall).await,
                    false => receive(&mut stream, &mut sink, None, &meter, stall).await,
                }
            };
            let cancel = async {
                tokio::time::sleep(Duration::from_millis(50)).await;
                if cancelled {
                    token.cancel();
                }
            };
            let e = tokio::join!(transfer, cancel).0.unwrap_err();
            assert!(if cancelled { matches!(e, PumpError::Cancelled) } else { matches!(e, PumpError::Stalled) }, "{e}");
            sink.abandon().await;
            if sending {
                assert!(meter.moved() > 0 && meter.moved() < 32 << 20);
            } else {
                assert_eq!((meter.moved(), content(&file)), (3, b"headabc".to_vec()));
            }
            drop((stream, still));
            peer.join().unwrap();
        }
    }
}

#[tokio::test]
async fn a_rate_is_kept_under_tls() {
    let ends = Ends::new();
    let bytes = body(1 << 20);
    for client in &ends.clients {
        for sending in [true, false] {
            let meter = Meter::new(CancellationToken::new(), vec![Arc::new(Bucket::new(4 << 20))]);
            let copy = bytes.clone();
            let way = if sending { Direction::Out } else { Direction::In };
            let (mut stream, peer) = ends
                .pair(client, way, move |peer| {
                    if sending {
                        reads(peer)
                    } else {
                        sends(copy)(peer);
                        Vec::new()
                    }
                })
                .await;
            let (mut sink, file, ..) = file_sink(tempfile::tempfile().unwrap());
            let begin = clock::now();
            if sending {
                send(&mut stream, Source::from_file(file_with(&bytes), 0), None, &meter, STALL).await.unwrap();
                stream.finish().await.unwrap();
            } else {
                receive(&mut stream, &mut sink, None, &meter, STALL).await.unwrap();
            }
            let took = clock::now() - begin;
            sink.commit().await.unwrap();
            drop(stream);
            let got = peer.join().unwrap();
            let got = if sending { got } else { content(&file).split_off(4) };
            assert!(got == bytes);
            // At 4 MiB a second; a machine with much to do takes longer.
            assert!(took > Duration::from_millis(180), "{sending} {took:?}");
        }
    }
}

#[tokio::test]
async fn nobody_gets_ahead_of_a_peer_that_reads_nothing() {
    let ends = Ends::new();
    for client in &ends.clients {
        let (still, until) = std::sync::mpsc::channel::<()>();
        let (mut stream, peer) = ends.pair(client, Direction::Out, move |peer| (until.recv(), drop(peer))).await;
        socket2::SockRef::from(stream.tcp()).set_send_buffer_size(8192).unwrap();
        let m = meter();
        let source = Source::from_bytes(body(64 << 20).into());
        let e = send(&mut stream, source, None, &m, Duration::from_millis(100)).await.unwrap_err();
        assert!(matches!(e, PumpError::Stalled));
        // The sockets hold some; here, one piece and no more.
        let Stream::Tls(layer) = &stream else { panic!("TLS") };
        assert!(layer.waits_to_leave() < 80 * 1024, "{}", layer.waits_to_leave());
        drop((stream, still));
        let _ = peer.join().unwrap();
    }
}

#[tokio::test]
async fn sessions_on_one_reactor_take_turns_under_tls() {
    let ends = Ends::new();
    let client = &ends.clients[1];
    let bytes = Bytes::from(body(24 << 20));
    let mut all = tokio::task::JoinSet::new();
    let shared: Arc<Mutex<Vec<Meter>>> = Arc::default();
    for _ in 0..4 {
        let (mut stream, peer) = ends
            .pair(client, Direction::Out, |mut peer| {
                let mut block = vec![0; 1 << 18];
                let mut n = 0;
                loop {
                    match peer.read(&mut block).unwrap() {
                        0 => return n,
                        more => n += more,
                    }
                }
            })
            .await;
        let (m, source) = (meter(), Source::from_bytes(bytes.clone()));
        shared.lock().unwrap().push(m.clone());
        let others = shared.clone();
        all.spawn(async move {
            send(&mut stream, source, None, &m, STALL).await.unwrap();
            // Whoever is first must not be alone.
            let least = others.lock().unwrap().iter().map(Meter::moved).min().unwrap();
            stream.finish().await.unwrap();
            (least, peer)
        });
    }
    let (first, peer) = all.join_next().await.unwrap().unwrap();
    assert!(first > bytes.len() as u64 / 8, "the last had {first} when the first had all");
    let mut peers = vec![peer];
    while let Some(done) = all.join_next().await {
        peers.push(done.unwrap().1);
    }
    for peer in peers {
        assert_eq!(peer.join().unwrap(), bytes.len());
    }
}
