//! TFTP: against Carrack's own server, and against servers that a test plays packet by packet.
#![allow(clippy::disallowed_methods, reason = "a server that is played waits on a thread of its own")]

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use carrack_client::Remote;
use carrack_client::connect::Family;
use carrack_client::copy::plan::Seen;
use carrack_client::copy::{Plan, Settings, Side, Step, run};
use carrack_client::tftp::{Dial, Options, Tftp};
use gate::{Gate, ListenerRules, Mount, Password, Permissions, Rules, UserRules};
use io::CancellationToken;
use io::body::Source;
use io::meter::Meter;
use io::task::Workers;
use io::udp::Datagrams;
use proto::tftp::packet::Mode;
use server::listen::Stop;
use server::tftp::{Listener, Place, Uploads, serve};
use tokio::sync::watch;
use types::{Error, Kind, Reason, VPath, WriteHow};
use vfs::{Owner, SharedStorage, Storage, WriteOrder};

use super::own_server::{content, memory, sample, sink};
use super::server::{Diary, path};

/// Carrack's own server.
struct Own {
    at: SocketAddr,
    storage: SharedStorage,
    stop: CancellationToken,
    _listener: watch::Sender<Arc<Listener>>,
}

impl Drop for Own {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Own {
    fn start(change: impl FnOnce(&mut Listener)) -> Self {
        let storage = memory();
        let mut rules = Rules::default();
        let mut nobody = UserRules::new("anonymous", Password::None);
        nobody.own.mounts = vec![(VPath::root(), "main".into())];
        nobody.own.permissions = vec![(VPath::root(), Permissions::ALL)];
        rules.anonymous = Some(nobody);
        rules.listeners.insert("tftp".into(), ListenerRules { anonymous: true, ..ListenerRules::default() });
        rules.mounts.insert("main".into(), Mount { storage: storage.clone(), read_only: false });
        let mut listener = Listener { uploads: Uploads::New, ..Listener::new("tftp") };
        change(&mut listener);
        let socket = Datagrams::bind("127.0.0.1:0".parse().unwrap(), true).unwrap();
        let at = socket.local();
        let (sender, receiver) = watch::channel(Arc::new(listener));
        let token = CancellationToken::new();
        let stop = Stop { gentle: token.child_token(), now: token.clone(), drain_within: Duration::from_secs(5) };
        let workers = Workers::start(0, &token).unwrap();
        let serving = serve(socket, receiver, Gate::new(rules).unwrap(), Arc::new(trace::Nobody), workers, stop);
        io::task::spawn("tftp", &token, serving);
        Self { at, storage, stop: token, _listener: sender }
    }

    async fn holds(&self, name: &str, bytes: &[u8]) {
        let mut sink = sink(&self.storage, name).await;
        sink.write_all(Bytes::copy_from_slice(bytes)).await.unwrap();
        sink.commit().await.unwrap();
    }
}

fn dial(at: SocketAddr) -> Dial {
    Dial::new(&at.ip().to_string(), at.port())
}

async fn open(dial: Dial) -> Tftp {
    Tftp::open(dial, false).await.unwrap()
}

async fn get(server: &Tftp, name: &str) -> Result<Vec<u8>, Error> {
    let here = memory();
    server.receive(&path(name), 0, None, sink(&here, "/got").await, Meter::default()).await?;
    Ok(content(&here, "/got").await)
}

async fn put(server: &Tftp, name: &str, bytes: &[u8]) -> Result<u64, Error> {
    let source = Source::from_bytes(Bytes::copy_from_slice(bytes));
    server.send(&path(name), WriteHow::Replace, Some(bytes.len() as u64), source, Meter::default()).await
}

#[tokio::test]
async fn files_go_both_ways_with_all_options() {
    for (blksize, windowsize, tsize) in [(Some(512), 1, false), (Some(1428), 1, true), (Some(1428), 16, true), (None, 64, true)] {
        for single in [false, true] {
            let own = Own::start(|l| l.place = if single { Place::Single } else { Place::Ephemeral });
            let options = Options { blksize, windowsize, tsize, timeout: tsize.then_some(3), rollover: None };
            let server = open(Dial { options, ..dial(own.at) }).await;
            for bytes in [0, 1, 511, 512, 1428, 16 * 1428, 700_001] {
                let body = sample(bytes);
                own.holds(&format!("/down{bytes}"), &body).await;
                let got = get(&server, &format!("/down{bytes}")).await.unwrap();
                assert!(got == body, "{bytes} {blksize:?} {windowsize}");
                assert_eq!(put(&server, &format!("/up{bytes}"), &body).await.unwrap(), bytes as u64);
                assert!(content(&own.storage, &format!("/up{bytes}")).await == body, "{bytes} {blksize:?} {windowsize}");
            }
            let summary = server.summary().unwrap();
            assert_eq!(summary.terms.windowsize, windowsize, "{summary}");
            assert_eq!(summary.terms.blksize, blksize.unwrap_or(65_464), "{summary}");
            assert_eq!(summary.terms.tsize, tsize.then_some(700_001), "{summary}");
        }
    }
}

#[tokio::test]
async fn text_is_converted_both_ways() {
    let own = Own::start(|_| {});
    let server = open(Dial { mode: Mode::Netascii, ..dial(own.at) }).await;
    let text = "one\ntwo\r three\n\n".repeat(5_000);
    own.holds("/t", text.as_bytes()).await;
    assert_eq!(get(&server, "/t").await.unwrap(), text.as_bytes());
    put(&server, "/u", text.as_bytes()).await.unwrap();
    assert_eq!(content(&own.storage, "/u").await, text.as_bytes());
}

#[tokio::test]
async fn it_is_a_storage_of_whole_files() {
    let own = Own::start(|_| {});
    let server = open(dial(own.at)).await;
    let (body, nobody) = (sample(300_000), Owner::default());
    own.storage.make_dir(&path("/a"), 0o755).await.unwrap();
    own.holds("/a/b", &body).await;
    let attr = server.stat(&path("/a/b"), true, &nobody).await.unwrap();
    assert_eq!((attr.kind, attr.size), (Kind::File, 300_000));
    assert_eq!(server.stat(&path("/none"), true, &nobody).await.unwrap_err().reason, Reason::NotFound);
    let (attr, source) = server.read(&path("/a/b"), 0, &nobody).await.unwrap();
    assert_eq!(attr.size, 300_000);
    assert!(source.read_to_end().await.unwrap() == body);
    own.holds("/small", b"hello").await;
    let (_, source) = server.read(&path("/small"), 0, &nobody).await.unwrap();
    assert_eq!(source.read_to_end().await.unwrap(), b"hello");
    let order = WriteOrder { how: WriteHow::Replace, mode: 0o644, owner: &nobody };
    let mut opened = server.write(&path("/c"), order).await.unwrap();
    for piece in body.chunks(10_000) {
        opened.sink.write_all(Bytes::copy_from_slice(piece)).await.unwrap();
    }
    opened.sink.commit().await.unwrap();
    assert!(content(&own.storage, "/c").await == body);
    let refused = server.list(&VPath::root(), &nobody).await.err().unwrap();
    assert!(server.capability().bare && refused.reason == Reason::TftpBare, "{refused}");
    assert_eq!(server.read(&path("/a/b"), 5, &nobody).await.err().unwrap().reason, Reason::NoRestart);
}

#[tokio::test]
async fn copies_are_made_as_with_any_other_server() {
    let own = Own::start(|_| {});
    let (here, body) = (memory(), sample(100_000));
    own.holds("/x", &body).await;
    let there = Side::there(Arc::new(open(dial(own.at)).await), VPath::root());
    let local = Side::here(here.clone(), VPath::root(), Owner::default());
    let size = body.len() as u64;
    let step = |name: &str| Step::Copy { path: path(name), to: None, seen: Seen { size, modified: None }, replaces: None };
    let token = CancellationToken::new();
    let report =
        run(&Plan { steps: vec![step("/x")], ..Plan::default() }, &there, &local, &Settings::default(), &(), &token).await;
    assert!(report.failed.is_empty() && content(&here, "/x").await == body, "{report:?}");
    let mut sink = sink(&here, "/y").await;
    sink.write_all(body.clone().into()).await.unwrap();
    sink.commit().await.unwrap();
    // Temporary names are for servers that can rename.
    let report =
        run(&Plan { steps: vec![step("/y")], ..Plan::default() }, &local, &there, &Settings::default(), &(), &token).await;
    assert!(report.failed.is_empty() && content(&own.storage, "/y").await == body, "{report:?}");
}

#[tokio::test]
async fn refusals_say_why() {
    let own = Own::start(|l| l.uploads = Uploads::Off);
    let server = open(dial(own.at)).await;
    let e = get(&server, "/nothing").await.unwrap_err();
    assert!(e.reason == Reason::NotFound && e.to_string().contains("the server said: ERROR 1"), "{e}");
    let e = put(&server, "/new", b"x").await.unwrap_err();
    assert!(e.reason == Reason::StorageDenied && e.to_string().contains("CRK-803"), "{e}");
}

#[tokio::test]
async fn nobody_there_is_told_at_once() {
    let gone = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let e = get(&open(dial(gone)).await, "/x").await.unwrap_err();
    assert!(e.reason == Reason::Unreachable && e.to_string().contains("refused"), "{e}");
}

#[tokio::test]
async fn silence_ends_and_names_who_answered_instead() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut dial = dial(silent.local_addr().unwrap());
    (dial.patience.first, dial.patience.unanswered) = (Duration::from_millis(50), 3);
    let diary = Arc::new(Diary::default());
    dial.observer = diary.clone();
    let other = UdpSocket::bind("127.0.0.9:0").unwrap();
    let from = other.local_addr().unwrap();
    let played = std::thread::spawn(move || {
        let mut room = [0; 600];
        let (_, client) = silent.recv_from(&mut room).unwrap();
        other.send_to(b"\0\x03\0\x01wrong", ("127.0.0.1", client.port())).unwrap();
        silent
    });
    let e = get(&open(dial).await, "/x").await.unwrap_err();
    drop(played.join().unwrap());
    assert!(e.reason == Reason::TftpNoAnswer && e.to_string().contains(&from.to_string()), "{e}");
    assert!(diary.commands().iter().any(|line| line.starts_with("RRQ x octet blksize=")), "{:?}", diary.commands());
}

/// Plays a server on a thread: hears a packet and its client, and answers.
fn play(script: impl FnOnce(&UdpSocket) + Send + 'static) -> (SocketAddr, std::thread::JoinHandle<()>) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    (socket.local_addr().unwrap(), std::thread::spawn(move || script(&socket)))
}

fn hear(socket: &UdpSocket) -> (Vec<u8>, SocketAddr) {
    let mut room = [0; 2_000];
    let (came, client) = socket.recv_from(&mut room).unwrap();
    (room[..came].to_vec(), client)
}

#[tokio::test]
async fn a_server_that_stumbles_over_options_is_asked_without() {
    for code in [8, 4] {
        let (at, played) = play(move |socket| {
            let (request, client) = hear(socket);
            assert!(request.windows(7).any(|w| w == b"blksize"));
            socket.send_to(&[0, 5, 0, code, b'?', 0], client).unwrap();
            let (request, client) = hear(socket);
            assert_eq!(request, b"\0\x01x\0octet\0");
            socket.send_to(b"\0\x03\0\x01plain", client).unwrap();
            assert_eq!(hear(socket).0, b"\0\x04\0\x01");
        });
        assert_eq!(get(&open(dial(at)).await, "/x").await.unwrap(), b"plain");
        played.join().unwrap();
    }
}

#[tokio::test]
async fn strangers_are_told_and_the_transfer_goes_on() {
    let (at, played) = play(|socket| {
        let (_, client) = hear(socket);
        // Answers from a port of its own; then somebody else speaks.
        let (own, stranger) = (UdpSocket::bind("127.0.0.1:0").unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap());
        own.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stranger.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        own.send_to(&[&b"\0\x03\0\x01"[..], &[7; 512]].concat(), client).unwrap();
        assert_eq!(hear(&own).0, b"\0\x04\0\x01");
        stranger.send_to(b"\0\x03\0\x02lies", client).unwrap();
        assert!(hear(&stranger).0.starts_with(b"\0\x05\0\x05"));
        own.send_to(b"\0\x03\0\x02truth", client).unwrap();
        assert_eq!(hear(&own).0, b"\0\x04\0\x02");
    });
    let got = get(&open(dial(at)).await, "/x").await.unwrap();
    assert!(got == [&[7; 512][..], b"truth"].concat());
    played.join().unwrap();
}

#[tokio::test]
async fn sizes_that_do_not_fit_are_no_success() {
    let (at, played) = play(|socket| {
        let (_, client) = hear(socket);
        socket.send_to(b"\0\x06tsize\x0010\0", client).unwrap();
        hear(socket);
        socket.send_to(b"\0\x03\0\x01short", client).unwrap();
        assert!(hear(socket).0.starts_with(b"\0\x05"));
    });
    let e = get(&open(dial(at)).await, "/x").await.unwrap_err();
    assert!(e.reason == Reason::TransferShort && e.to_string().contains("10 bytes"), "{e}");
    played.join().unwrap();
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_and_counted() {
    let (at, played) = play(|socket| {
        hear(socket);
        let (_, client) = hear(socket);
        socket.send_to(b"\0\x03\0\x01x", client).unwrap();
        hear(socket);
    });
    let mut dial = dial(at);
    (dial.patience.first, dial.patience.dally) = (Duration::from_millis(50), Duration::from_millis(50));
    let server = open(dial).await;
    assert_eq!(get(&server, "/x").await.unwrap(), b"x");
    let summary = server.summary().unwrap();
    assert!(summary.tally.timeouts >= 1 && summary.tally.again >= 1, "{summary}");
    played.join().unwrap();
}

#[tokio::test]
async fn who_is_stopped_on_the_way_tells_the_server() {
    let (half_done, stop_now) = tokio::sync::oneshot::channel();
    let (at, played) = play(move |socket| {
        let (_, client) = hear(socket);
        socket.send_to(&[&b"\0\x03\0\x01"[..], &[7; 512]].concat(), client).unwrap();
        assert_eq!(hear(socket).0, b"\0\x04\0\x01");
        half_done.send(()).unwrap();
        // An ACK may be repeated before that.
        let last = std::iter::from_fn(|| Some(hear(socket).0)).find(|packet| *packet != b"\0\x04\0\x01");
        assert!(last.as_ref().unwrap().starts_with(b"\0\x05\0\0"), "{last:?}");
    });
    let mut dial = dial(at);
    let diary = Arc::new(Diary::default());
    dial.observer = diary.clone();
    let server = open(dial).await;
    tokio::select! {
        result = get(&server, "/x") => panic!("{result:?}"),
        _ = stop_now => {}
    }
    played.join().unwrap();
    let (texts, commands) = (diary.texts(), diary.commands());
    assert!(texts[0].starts_with("Accepted(127.0.0.1:"), "its own address, not that of all: {texts:?}");
    assert_eq!(commands.last().unwrap(), "ERROR 0 the client was stopped");
}

#[tokio::test]
async fn a_body_that_fails_here_is_told_to_the_server() {
    let (at, played) = play(|socket| {
        let (request, client) = hear(socket);
        assert!(request.starts_with(b"\0\x02"));
        socket.send_to(b"\0\x04\0\0", client).unwrap();
        let last = std::iter::from_fn(|| Some(hear(socket).0)).find(|packet| !packet.starts_with(b"\0\x03"));
        assert!(last.as_ref().unwrap().starts_with(b"\0\x05"), "{last:?}");
    });
    let server = open(dial(at)).await;
    let source = Source::from_bytes(Bytes::from_static(b"shorter than announced"));
    let e = server.send(&path("/x"), WriteHow::Replace, Some(1_000), source, Meter::default()).await.unwrap_err();
    assert_eq!(e.reason, Reason::SourceChanged, "{e}");
    played.join().unwrap();
}

#[tokio::test]
async fn a_name_leads_to_the_address_that_answers() {
    let own = Own::start(|_| {});
    own.holds("/x", b"hello").await;
    // Where the name has IPv6 as well, that port refuses and the next address is asked.
    let server = open(Dial { family: Family::Any, ..Dial::new("localhost", own.at.port()) }).await;
    assert_eq!(get(&server, "/x").await.unwrap(), b"hello");
}
