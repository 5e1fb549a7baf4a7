//! Can a slow peer, a slow disk or a file that changes take more than its share?

use std::fs::File;
use std::sync::mpsc;
use std::time::Duration;

use rustix::fs::{Advice, fadvise};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::buffer::{Pool, pool};
use crate::pump::Way;
use crate::pump::burst::{self, Burst};
use crate::task::Pace;

/// A pair of which neither end's buffers take much.
async fn narrow_pair() -> (Stream, TcpStream) {
    let (stream, peer) = pair().await;
    socket2::SockRef::from(stream.tcp()).set_send_buffer_size(8192).unwrap();
    socket2::SockRef::from(&peer).set_recv_buffer_size(8192).unwrap();
    (stream, peer)
}

fn small_pool() -> &'static Pool {
    Box::leak(Box::new(Pool::new(4 * SIZE)))
}

#[tokio::test]
async fn downloads_that_nobody_reads_hold_no_buffer() {
    for (limited, through) in [(false, true), (false, false), (true, true)] {
        let pool = small_pool();
        let file = file_with(&body(4 * SIZE));
        let mut stuck = tokio::task::JoinSet::new();
        for _ in 0..6 {
            let file = file.clone();
            // A rate at which the first slice takes a minute, and all share it.
            let buckets = if limited { vec![Arc::new(Bucket::new(16))] } else { Vec::new() };
            stuck.spawn(async move {
                let (mut stream, _peer) = narrow_pair().await;
                let meter = Meter::new(CancellationToken::new(), buckets);
                let mut way = Way { pool, ..Way::new(&mut stream, &meter, Duration::from_secs(60)) };
                match through {
                    true => send::file_through(&mut way, &file, 0, u64::MAX, &mut Sevens::default()).await,
                    false => send::file_copied(&mut way, &file, 0, u64::MAX).await,
                }
            });
        }
        let all_free = async {
            // Each held one at least until its socket was full.
            tokio::time::sleep(Duration::from_millis(100)).await;
            let mut held = Vec::new();
            for _ in 0..4 {
                held.push(pool.take().await);
            }
        };
        tokio::time::timeout(Duration::from_secs(5), all_free).await.expect("all held for ever");
        assert!(stuck.try_join_next().is_none());
    }
}

#[tokio::test]
async fn a_download_that_had_to_wait_goes_on_where_it_was() {
    for through in [true, false] {
        let pool = small_pool();
        let bytes = body(SIZE + 77_777);
        let want = if through { sevens(&bytes) } else { bytes.clone() };
        let file = file_with(&bytes);
        let (mut stream, mut peer) = narrow_pair().await;
        let meter = meter();
        let mut way = Way { pool, ..Way::new(&mut stream, &meter, STALL) };
        let sending = async {
            match through {
                true => send::file_through(&mut way, &file, 0, u64::MAX, &mut Sevens::default()).await.unwrap(),
                false => send::file_copied(&mut way, &file, 0, u64::MAX).await.unwrap(),
            }
            way.moved
        };
        let reading = async {
            let mut got = vec![0; want.len()];
            let mut at = 0;
            while at < got.len() {
                // While others have all the buffers, waiting means giving this one back.
                let others = if at % 3 == 0 { Some((pool.take_two().await, pool.take().await)) } else { None };
                let n = peer.read(&mut got[at..]).await.unwrap();
                at += n;
                if others.is_some() {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                drop(others);
            }
            got
        };
        let (moved, got) = tokio::join!(sending, reading);
        assert!(got == want && moved == want.len() as u64);
    }
}

#[tokio::test]
async fn no_buffer_is_not_the_peers_fault() {
    let pool = small_pool();
    let held = (pool.take_two().await, pool.take_two().await);
    let (mut stream, mut peer) = pair().await;
    let meter = meter();
    let mut way = Way { pool, ..Way::new(&mut stream, &meter, Duration::from_millis(30)) };
    let sent = send::file_copied(&mut way, &file_with(b"abc"), 0, u64::MAX).await.unwrap_err();
    peer.write_all(b"abc").await.unwrap();
    let (mut sink, ..) = file_sink(tempfile::tempfile().unwrap());
    let Some(crate::body::Into::File { tail, .. }) = sink.0.as_mut() else { panic!("a file") };
    let came = receive::file(&mut way, tail, &Pace::default()).await.unwrap_err();
    assert_eq!((sent.reason(), came.reason()), (Reason::NoBuffers, Reason::NoBuffers));
    drop(held);
}

#[tokio::test]
async fn a_file_that_shrinks_is_no_whole_file() {
    for len in [0, 1, 100_000, SIZE + 1] {
        for through in [false, true] {
            let (mut stream, mut peer) = pair().await;
            let reader = tokio::spawn(async move {
                let mut got = Vec::new();
                peer.read_to_end(&mut got).await.unwrap();
                got.len()
            });
            let source = Source::from_range(file_with(&body(len)), 0, len as u64 + 10);
            let mut t = Sevens::default();
            let transform: Option<&mut dyn Transform> = if through { Some(&mut t) } else { None };
            let sent = send(&mut stream, source, transform, &meter(), STALL).await;
            assert_eq!(sent.unwrap_err().reason(), Reason::Shrunk, "{len} {through}");
            drop(stream);
            assert!(reader.await.unwrap() + 1 >= len, "what there was is sent");
        }
        let source = Source::from_range(file_with(&body(len)), 0, len as u64 + 10);
        let counted = crate::pump::count(source, &mut Sevens::default(), &meter()).await;
        assert_eq!(counted.unwrap_err().reason(), Reason::Shrunk);
        // Nobody knew where it ends.
        let source = Source::from_file(file_with(&body(len)), 0);
        let counted = crate::pump::count(source, &mut Sevens::default(), &meter()).await.unwrap();
        assert_eq!(counted, sevens(&body(len)).len() as u64);
    }
}

#[tokio::test]
async fn who_sends_drop_by_drop_holds_no_thread() {
    let dir = tempfile::tempdir().unwrap();
    for append in [false, true] {
        // A file for appending takes no splice: then the burst copies.
        let file = File::options().create(true).append(append).write(true).open(dir.path().join(append.to_string())).unwrap();
        let (stream, peer) = pair().await;
        let stop = CancellationToken::new();
        let until = stop.clone();
        // A thread, for the runtime's clock is too coarse.
        let dripping = std::thread::spawn(move || {
            while !until.is_cancelled() {
                match peer.try_write(b"drip") {
                    Err(e) => assert_eq!(e.kind(), ErrorKind::WouldBlock),
                    Ok(_) => std::thread::sleep(Duration::from_micros(200)),
                }
            }
        });
        let socket = Arc::new(rustix::io::dup(stream.tcp()).unwrap());
        let buffer = pool().take().await;
        let burst = Burst { socket, file: Arc::new(file), at: 0, buffer, meter: meter() };
        let done = tokio::time::timeout(Duration::from_secs(5), burst::run(burst, true)).await;
        stop.cancel();
        dripping.join().unwrap();
        let done = done.expect("the turn is held").unwrap();
        assert!(matches!(done.end, Ok(burst::End::Pause)));
        assert_eq!(done.at, done.came, "append {append}");
    }
}

/// A file on a disk whose pages were dropped from memory; `None` where the file system keeps them there anyway.
fn cold_file(bytes: &[u8]) -> Option<Arc<File>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/tmp");
    std::fs::create_dir_all(folder).unwrap();
    let mut file = tempfile::tempfile_in(folder).unwrap();
    file.write_all(bytes).unwrap();
    file.sync_all().unwrap();
    fadvise(&file, 0, None, Advice::DontNeed).unwrap();
    send::is_cold(&file, 0).then(|| Arc::new(file))
}

#[test]
fn a_cold_file_does_not_stop_the_reactor() {
    let bytes = body(8 << 20);
    let Some(cold) = cold_file(&bytes) else {
        #[allow(clippy::print_stderr, reason = "a test that cannot be done here says so")]
        {
            eprintln!("not tested: the file system of target/tmp keeps all pages in memory, or cannot say");
        }
        return;
    };
    let warm = file_with(&bytes);
    // The pool has one thread, and that is taken: whatever goes forward needs the reactor alone.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(1).build().unwrap();
    runtime.block_on(async {
        let (release, held) = mpsc::channel::<()>();
        let holding = tokio::task::spawn_blocking(move || held.recv());
        let sent = |file: Arc<File>| async move {
            let (mut stream, mut peer) = pair().await;
            let m = meter();
            let (sent, got) = tokio::join!(
                async {
                    let sent = send(&mut stream, Source::from_file(file, 0), None, &m, STALL).await;
                    stream.shutdown_write().unwrap();
                    sent
                },
                async {
                    let mut got = Vec::new();
                    peer.read_to_end(&mut got).await.unwrap();
                    got
                }
            );
            assert!(sent.unwrap() == got.len() as u64);
            got
        };
        let mut slow = tokio::spawn(sent(cold));
        assert!(sent(warm).await == bytes, "the warm one needs no thread");
        let early = tokio::time::timeout(Duration::from_millis(50), &mut slow).await;
        assert!(early.is_err(), "the disk was waited for on the reactor");
        release.send(()).unwrap();
        holding.await.unwrap().unwrap();
        assert!(slow.await.unwrap() == bytes);
    });
}
