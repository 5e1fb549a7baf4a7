//! Does every path move the same bytes and counts?
#![allow(clippy::disallowed_methods, reason = "tests open files and start their peers themselves")]

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, Write};
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use types::{Error, Reason};

use super::{Progress, PumpError, Transform, begin, receive, send};
use crate::body::{BoxFuture, Chunks, Finish, Put, Sink, Source, Tail};
use crate::buffer::SIZE;
use crate::meter::{Bucket, Meter};
use crate::stream::{Fresh, Stream};
use crate::task;

mod bounds;
mod tls;

const STALL: Duration = Duration::from_secs(10);
const SIZES: [usize; 9] = [0, 1, 4096, 65_536, SIZE - 1, SIZE, SIZE + 1, 1024 * 1024 + 1, 20 * 1024 * 1024 + 7];

fn body(len: usize) -> Vec<u8> {
    (0..len as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

fn meter() -> Meter {
    Meter::new(CancellationToken::new(), Vec::new())
}

async fn pair() -> (Stream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let out = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    (listener.accept().await.unwrap().0.into(), out)
}

/// Doubles every byte that is 7, and holds each byte back until the next comes: length changes, state, a finish.
#[derive(Default)]
struct Sevens(Option<u8>);

impl Transform for Sevens {
    fn push(&mut self, input: &mut &[u8], out: &mut Vec<u8>) -> Result<Progress, Error> {
        for &b in std::mem::take(input) {
            self.finish(out)?;
            self.0 = Some(b);
        }
        Ok(Progress::Hungry)
    }
    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        if let Some(b) = self.0.take() {
            out.push(b);
            if b == 7 {
                out.push(b);
            }
        }
        Ok(())
    }
}

fn sevens(input: &[u8]) -> Vec<u8> {
    let (mut t, mut out) = (Sevens::default(), Vec::new());
    t.push(&mut { input }, &mut out).unwrap();
    t.finish(&mut out).unwrap();
    out
}

struct Pieces(Vec<Bytes>);

impl Chunks for Pieces {
    fn next(&mut self) -> BoxFuture<'_, Result<Option<Bytes>, Error>> {
        let next = self.0.pop();
        Box::pin(async move { Ok(next) })
    }
}

fn file_with(bytes: &[u8]) -> Arc<File> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    Arc::new(file)
}

/// The same bytes as every kind of source.
fn sources(bytes: &[u8]) -> Vec<(&'static str, Source)> {
    let with_head = [b"head".as_slice(), bytes].concat();
    let pieces = bytes.chunks(100_003).rev().map(Bytes::copy_from_slice).collect();
    vec![
        ("file", Source::from_file(file_with(&with_head), 4)),
        ("range", Source::from_range(file_with(&[&with_head, b"tail".as_slice()].concat()), 4, 4 + bytes.len() as u64)),
        ("bytes", Source::from_bytes(Bytes::copy_from_slice(bytes))),
        ("chunks", Source::from_chunks(Pieces(pieces))),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_ways_out_send_the_same() {
    for len in SIZES {
        let bytes = body(len);
        for through in [false, true] {
            for (name, source) in sources(&bytes) {
                let (mut stream, mut peer) = pair().await;
                let reader = tokio::spawn(async move {
                    let mut got = Vec::new();
                    peer.read_to_end(&mut got).await.unwrap();
                    got
                });
                let meter = meter();
                let mut t = Sevens::default();
                let transform: Option<&mut dyn Transform> = if through { Some(&mut t) } else { None };
                let moved = send(&mut stream, source, transform, &meter, STALL).await.unwrap();
                stream.shutdown_write().unwrap();
                let got = reader.await.unwrap();
                let want = if through { sevens(&bytes) } else { bytes.clone() };
                assert!(got == want, "{name} {len} {through}: {} of {}", got.len(), want.len());
                assert_eq!((moved, meter.moved()), (want.len() as u64, want.len() as u64), "{name} {len}");
            }
        }
    }
}

#[tokio::test]
async fn what_sendfile_refuses_is_copied() {
    for len in [0, 5, 3 * SIZE + 1] {
        let bytes = body(len);
        let file = file_with(&bytes);
        let (mut stream, mut peer) = pair().await;
        let meter = meter();
        let mut way = super::Way::new(&mut stream, &meter, STALL);
        let (sent, got) = tokio::join!(
            async {
                send::file_copied(&mut way, &file, 0, u64::MAX).await.unwrap();
                socket2::SockRef::from(way.tcp()).shutdown(std::net::Shutdown::Write).unwrap();
                way.moved
            },
            async {
                let mut got = Vec::new();
                peer.read_to_end(&mut got).await.unwrap();
                got
            }
        );
        assert!(got == bytes && sent == len as u64 && meter.moved() == sent);
    }
    // A file of procfs has no pages to send from: the pump finds that out by itself.
    let (mut stream, mut peer) = pair().await;
    let proc = Arc::new(File::open("/proc/self/status").unwrap());
    let moved = send(&mut stream, Source::from_file(proc, 0), None, &meter(), STALL).await.unwrap();
    stream.shutdown_write().unwrap();
    let mut got = Vec::new();
    peer.read_to_end(&mut got).await.unwrap();
    assert!(moved > 0 && got.starts_with(b"Name:"));
}

#[test]
fn a_small_file_goes_at_once_and_nothing_else_does() {
    let limited = Meter::new(CancellationToken::new(), vec![Arc::new(Bucket::new(1 << 30))]);
    let cancelled = meter();
    cancelled.token().cancel();
    for (len, meter, whole) in [
        (0, meter(), true),
        (1, meter(), true),
        (8 * 1024, meter(), true),
        (8 * 1024 + 1, meter(), false),
        (100, limited, false),
        (100, cancelled, false),
    ] {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut peer = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (tcp, from) = listener.accept().unwrap();
        tcp.set_nonblocking(true).unwrap();
        let fresh = Fresh::new(tcp, from);
        let bytes = body(len + 4);
        let mut source = Source::from_range(file_with(&bytes), 4, 4 + len as u64);
        assert_eq!(begin(&fresh, &mut source, &meter), whole, "{len}");
        drop(fresh);
        let mut got = Vec::new();
        peer.read_to_end(&mut got).unwrap();
        let sent = if whole { len } else { 0 };
        assert!(got == bytes[4..4 + sent] && meter.moved() == sent as u64, "{len}");
        let crate::body::From::File { at, .. } = source.0 else { unreachable!() };
        assert_eq!(at, 4 + sent as u64, "what went is off its front");
    }
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let _peer = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (tcp, from) = listener.accept().unwrap();
    assert!(!begin(&Fresh::new(tcp, from), &mut Source::from_bytes(Bytes::from_static(b"no file")), &meter()));
}

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Option<u64>>>);

struct Publish {
    kept: Kept,
    dropped: std::sync::mpsc::Sender<()>,
}

impl Finish for Publish {
    fn commit(self: Box<Self>, tail: Tail) -> BoxFuture<'static, Result<(), Error>> {
        Box::pin(async move {
            let end = task::blocking(move || tail.write()).await??;
            *self.kept.0.lock().unwrap() = Some(end);
            Ok(())
        })
    }
}

impl Drop for Publish {
    fn drop(&mut self) {
        let _ = self.dropped.send(());
    }
}

/// A sink over a temporary file that begins with four bytes already written.
fn file_sink(file: File) -> (Sink, Arc<File>, Kept, std::sync::mpsc::Receiver<()>) {
    let file = Arc::new(file);
    let kept = Kept::default();
    let (dropped, told) = std::sync::mpsc::channel();
    file.write_all_at(b"head", 0).unwrap();
    (Sink::from_file(file.clone(), 4, Publish { kept: kept.clone(), dropped }), file, kept, told)
}

fn content(file: &File) -> Vec<u8> {
    let mut file = file.try_clone().unwrap();
    let mut all = Vec::new();
    file.rewind().unwrap();
    file.read_to_end(&mut all).unwrap();
    all
}

#[derive(Clone, Default)]
struct Memory(Arc<Mutex<(Vec<u8>, bool)>>);

impl Put for Memory {
    fn write(&mut self, chunk: Bytes) -> BoxFuture<'_, Result<(), Error>> {
        self.0.lock().unwrap().0.extend_from_slice(&chunk);
        Box::pin(async { Ok(()) })
    }
    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<(), Error>> {
        self.0.lock().unwrap().1 = true;
        Box::pin(async { Ok(()) })
    }
}

/// Sends `bytes` as a peer would, `step` at a time.
fn peer_sends(mut peer: TcpStream, bytes: Vec<u8>, step: usize) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move {
        for piece in bytes.chunks(step) {
            peer.write_all(piece).await.unwrap();
            tokio::task::yield_now().await;
        }
        peer.shutdown().await.unwrap();
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_ways_in_keep_the_same() {
    for len in SIZES {
        for (through, limited, step) in
            [(false, false, usize::MAX), (false, false, 9_000), (true, false, usize::MAX), (false, true, usize::MAX)]
        {
            let bytes = body(len);
            let want = if through { sevens(&bytes) } else { bytes.clone() };
            let buckets = if limited { vec![Arc::new(Bucket::new(1 << 30))] } else { Vec::new() };
            for in_file in [true, false] {
                let what = format!("{len} through {through} limited {limited} step {step} file {in_file}");
                let (mut stream, peer) = pair().await;
                let sending = peer_sends(peer, bytes.clone(), step);
                let meter = Meter::new(CancellationToken::new(), buckets.clone());
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
                sending.await.unwrap();
                if in_file {
                    assert!(content(&file) == [b"head".as_slice(), &want].concat(), "{what}");
                    assert_eq!(*kept.0.lock().unwrap(), Some(4 + want.len() as u64), "{what}");
                } else {
                    let got = memory.0.lock().unwrap();
                    assert!(got.0 == want && got.1, "{what}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_file_that_takes_no_splice_is_written_the_slow_way() {
    let dir = tempfile::tempdir().unwrap();
    // Opened for appending: splice refuses such files.
    let file = File::options().read(true).append(true).create(true).open(dir.path().join("a")).unwrap();
    let (mut sink, file, _, _) = file_sink(file);
    let (mut stream, peer) = pair().await;
    let bytes = body(9 * SIZE + 11);
    let sending = peer_sends(peer, bytes.clone(), usize::MAX);
    assert_eq!(receive(&mut stream, &mut sink, None, &meter(), STALL).await.unwrap(), bytes.len() as u64);
    sink.commit().await.unwrap();
    sending.await.unwrap();
    assert!(content(&file) == [b"head".as_slice(), &bytes].concat());
}

#[tokio::test]
async fn a_reset_is_never_an_end_and_what_came_is_kept() {
    for len in [10, SIZE + 10, 4 * SIZE] {
        for through in [false, true] {
            let (mut sink, file, kept, dropped) = file_sink(tempfile::tempfile().unwrap());
            let (mut stream, mut peer) = pair().await;
            let bytes = body(len);
            let meter = meter();
            let watch = meter.clone();
            let copy = bytes.clone();
            let sending = tokio::spawn(async move {
                peer.write_all(&copy).await.unwrap();
                while watch.moved() < copy.len() as u64 {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                Stream::from(peer).reset();
            });
            let mut t = Sevens::default();
            let transform: Option<&mut dyn Transform> = if through { Some(&mut t) } else { None };
            let e = receive(&mut stream, &mut sink, transform, &meter, STALL).await.unwrap_err();
            assert!(matches!(&e, PumpError::Peer(e) if e.kind() == ErrorKind::ConnectionReset), "{len}: {e}");
            sending.await.unwrap();
            sink.abandon().await;
            dropped.try_recv().unwrap();
            assert_eq!((meter.moved(), *kept.0.lock().unwrap()), (len as u64, None));
            if !through {
                assert!(content(&file) == [b"head".as_slice(), &bytes].concat(), "{len}");
            }
        }
    }
}

#[tokio::test]
async fn dropping_a_sink_keeps_its_tail_too() {
    let (mut sink, file, _, dropped) = file_sink(tempfile::tempfile().unwrap());
    let (mut stream, peer) = pair().await;
    peer_sends(peer, b"tail".to_vec(), 4).await.unwrap();
    receive(&mut stream, &mut sink, None, &meter(), STALL).await.unwrap();
    assert_eq!(content(&file), b"head", "written before it was asked for");
    drop(sink);
    task::blocking(move || dropped.recv().unwrap()).await.unwrap();
    assert_eq!(content(&file), b"headtail");
}

#[tokio::test]
async fn cancelling_stops_both_ways() {
    for sending in [true, false] {
        let token = CancellationToken::new();
        let meter = Meter::new(token.clone(), Vec::new());
        let (mut stream, peer) = pair().await;
        let (mut sink, ..) = file_sink(tempfile::tempfile().unwrap());
        let cancel = async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            token.cancel();
        };
        // The peer neither reads nor writes.
        let (result, ()) = tokio::join!(
            async {
                if sending {
                    send(&mut stream, Source::from_file(file_with(&body(32 << 20)), 0), None, &meter, STALL).await
                } else {
                    receive(&mut stream, &mut sink, None, &meter, STALL).await
                }
            },
            cancel
        );
        assert!(matches!(result, Err(PumpError::Cancelled)));
        assert_eq!(meter.moved() > 0, sending);
        drop(peer);
    }
}

#[tokio::test]
async fn a_peer_that_keeps_still_is_left() {
    let stall = Duration::from_millis(50);
    let (mut stream, mut peer) = pair().await;
    let bytes = body(32 << 20);
    let m = meter();
    let e = send(&mut stream, Source::from_file(file_with(&bytes), 0), None, &m, stall).await.unwrap_err();
    assert!(matches!(e, PumpError::Stalled) && m.moved() > 0 && m.moved() < bytes.len() as u64);
    assert_eq!(e.reason(), Reason::DataStalled);
    stream.reset();
    let mut got = Vec::new();
    assert_eq!(peer.read_to_end(&mut got).await.unwrap_err().kind(), ErrorKind::ConnectionReset);

    let (mut stream, mut peer) = pair().await;
    let (mut sink, file, _, _) = file_sink(tempfile::tempfile().unwrap());
    peer.write_all(b"abc").await.unwrap();
    let m = meter();
    assert!(matches!(receive(&mut stream, &mut sink, None, &m, stall).await, Err(PumpError::Stalled)));
    sink.abandon().await;
    assert_eq!((m.moved(), content(&file)), (3, b"headabc".to_vec()));
}

#[tokio::test]
async fn a_peer_that_cuts_a_download_is_the_peers_fault() {
    let (mut stream, mut peer) = pair().await;
    let cut = async {
        peer.read_exact(&mut [0; 1000]).await.unwrap();
        Stream::from(peer).reset();
    };
    let m = meter();
    let (result, ()) = tokio::join!(send(&mut stream, Source::from_file(file_with(&body(64 << 20)), 0), None, &m, STALL), cut);
    assert!(matches!(result, Err(PumpError::Peer(_))), "{result:?}");
}

#[tokio::test]
async fn a_full_disk_keeps_its_reason() {
    for len in [100, 3 * SIZE] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let (dropped, _told) = std::sync::mpsc::channel();
        let mut sink = Sink::from_file(Arc::new(full), 0, Publish { kept: Kept::default(), dropped });
        let (mut stream, mut peer) = pair().await;
        let writer = tokio::spawn(async move {
            let result: io::Result<()> = async {
                peer.write_all(&body(len)).await?;
                peer.shutdown().await
            }
            .await;
            drop(result); // cut off where the server gave up
        });
        let received = receive(&mut stream, &mut sink, None, &meter(), STALL).await;
        let reason = match received {
            Err(e) => e.reason(),
            Ok(_) => sink.commit().await.unwrap_err().reason,
        };
        assert_eq!(reason, Reason::NoSpace);
        drop(stream);
        writer.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_rate_is_kept_on_the_fast_path() {
    let bytes = body(1 << 20);
    let meter = Meter::new(CancellationToken::new(), vec![Arc::new(Bucket::new(512 * 1024))]);
    let (mut stream, mut peer) = pair().await;
    let begin = crate::clock::now();
    let (sent, _) = tokio::join!(
        async {
            let sent = send(&mut stream, Source::from_file(file_with(&bytes), 0), None, &meter, STALL).await.unwrap();
            stream.shutdown_write().unwrap();
            sent
        },
        async {
            let mut got = Vec::new();
            peer.read_to_end(&mut got).await.unwrap()
        }
    );
    let took = crate::clock::now() - begin;
    assert_eq!(sent, 1 << 20);
    assert!(took > Duration::from_millis(1_850) && took < Duration::from_millis(2_200), "{took:?}");
}

#[test]
fn waiting_futures_are_small() {
    let meter = meter();
    let file = Arc::new(tempfile::tempfile().unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (mut stream, _peer) = pair().await;
        let out = send(&mut stream, Source::from_file(file, 0), None, &meter, STALL);
        assert!(size_of_val(&out) < 2048, "send {}", size_of_val(&out));
        drop(out);
        let (mut sink, ..) = file_sink(tempfile::tempfile().unwrap());
        let come = receive(&mut stream, &mut sink, None, &meter, STALL);
        assert!(size_of_val(&come) < 2048, "receive {}", size_of_val(&come));
    });
}
