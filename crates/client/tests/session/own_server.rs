//! Does a session with Carrack's own server do what it is asked, and is what was moved the same on both sides?

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use carrack_client::ftp::{Connection, Get, Put};
use io::CancellationToken;
use io::body::Source;
use io::meter::Meter;
use proto::ftp::client::{Form, Operation, Outcome, PutHow, Tls};
use types::{Lane, Reason, WriteHow};
use vfs::{MemorySettings, MemoryStorage, Owner, SharedStorage, WriteOrder};

use super::server::{Diary, Odd, Server, path};

pub(crate) fn memory() -> SharedStorage {
    Arc::new(MemoryStorage::new(MemorySettings::default()))
}

pub(crate) fn sample(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|i| (i * 31 + i / 257) as u8).collect()
}

pub(crate) async fn content(storage: &SharedStorage, at: &str) -> Vec<u8> {
    let (_, source) = storage.read(&path(at), 0, &Owner::default()).await.unwrap();
    source.read_to_end().await.unwrap()
}

pub(crate) async fn sink(storage: &SharedStorage, at: &str) -> io::body::Sink {
    let owner = Owner::default();
    storage.write(&path(at), WriteOrder { how: WriteHow::Replace, mode: 0o644, owner: &owner }).await.unwrap().sink
}

const fn replace(path: &'static [u8], expected: usize) -> Put<'static> {
    Put { path, how: PutHow::Replace, expected: Some(expected as u64), ascii: false }
}

#[tokio::test]
async fn files_go_up_and_down_over_each_kind_of_data_connection() {
    let body = sample(3_000_000);
    for form in [Form::Epsv, Form::Pasv, Form::Eprt, Form::Port] {
        let server = Server::over(memory());
        let mut dial = server.dial();
        dial.settings.forms = vec![form];
        let diary = Arc::new(Diary::default());
        dial.observer = diary.clone();
        let session = Connection::open(&dial, &CancellationToken::new()).await.unwrap();
        let source = Source::from_bytes(Bytes::from(body.clone()));
        let moved = session.send(replace(b"/a", body.len()), source, Meter::default()).await.unwrap();
        assert_eq!(moved, body.len() as u64, "{form:?}");
        assert_eq!(content(&server.storage, "/a").await, body, "{form:?}");
        let here = memory();
        let get = Get { path: b"/a", at: 1_000_000, expected: Some(2_000_000), ascii: false };
        let moved = session.receive(get, sink(&here, "/part").await, Meter::default()).await.unwrap();
        assert_eq!(moved, 2_000_000);
        assert_eq!(content(&here, "/part").await, body[1_000_000..], "{form:?}");
        assert!(diary.commands().iter().any(|line| line.starts_with(form.name())), "{:?}", diary.commands());
        session.close().await;
        assert!(diary.commands().contains(&"QUIT".to_owned()));
    }
}

#[tokio::test]
async fn where_passive_is_switched_off_active_is_found() {
    let server = Server::with(memory(), Odd { no_passive: true, ..Odd::default() });
    let session = Connection::open(&server.dial(), &CancellationToken::new()).await.unwrap();
    let source = Source::from_bytes(Bytes::from_static(b"hello"));
    session.send(replace(b"/a", 5), source, Meter::default()).await.unwrap();
    assert_eq!(content(&server.storage, "/a").await, b"hello");
}

#[tokio::test]
async fn text_is_converted_both_ways() {
    let server = Server::over(memory());
    let session = Connection::open(&server.dial(), &CancellationToken::new()).await.unwrap();
    let put = Put { path: b"/t", how: PutHow::Replace, expected: None, ascii: true };
    session.send(put, Source::from_bytes(Bytes::from_static(b"one\ntwo\n")), Meter::default()).await.unwrap();
    assert_eq!(content(&server.storage, "/t").await, b"one\ntwo\n");
    let here = memory();
    let get = Get { path: b"/t", at: 0, expected: None, ascii: true };
    let wire = session.receive(get, sink(&here, "/t").await, Meter::default()).await.unwrap();
    assert_eq!((content(&here, "/t").await, wire), (b"one\ntwo\n".to_vec(), 10));
}

#[tokio::test]
async fn calls_queue_and_a_failure_is_the_caller_s_alone() {
    let server = Server::over(memory());
    let session = Connection::open(&server.dial(), &CancellationToken::new()).await.unwrap();
    let here = memory();
    let get = Get { path: b"/none", at: 0, expected: None, ascii: false };
    let (made, got, size) = tokio::join!(
        session.run(Operation::MakeDir((*b"/d").into())),
        session.receive(get, sink(&here, "/x").await, Meter::default()),
        session.run(Operation::Size((*b"/none").into())),
    );
    assert_eq!(made.unwrap(), Outcome::Done);
    assert_eq!(got.unwrap_err().reason, Reason::NotFound);
    assert_eq!(size.unwrap_err().reason, Reason::NotFound);
    assert_eq!(here.stat(&path("/x"), true, &Owner::default()).await.unwrap_err().reason, Reason::NotFound);
    assert_eq!(session.run(Operation::Pwd).await.unwrap(), Outcome::Path((*b"/").into()));
}

#[tokio::test]
async fn a_dropped_upload_is_no_upload_and_the_session_goes_on() {
    let server = Server::over(memory());
    let session = Connection::open(&server.dial(), &CancellationToken::new()).await.unwrap();
    let meter = Meter::new(CancellationToken::new(), vec![Arc::new(io::meter::Bucket::new(200_000))]);
    let source = Source::from_bytes(Bytes::from(sample(1_000_000)));
    let put = session.send(replace(b"/half", 1_000_000), source, meter.clone());
    let cut = tokio::time::timeout(Duration::from_millis(400), put).await;
    assert!(cut.is_err() && meter.moved() > 0);
    assert_eq!(session.run(Operation::Noop).await.unwrap(), Outcome::Done);
    let eve = Owner(Some("eve".into()));
    assert_eq!(server.storage.stat(&path("/half"), true, &eve).await.unwrap_err().reason, Reason::NotFound);
}

#[tokio::test]
async fn a_wrong_password_is_told_and_not_shown() {
    let server = Server::over(memory());
    let mut dial = server.dial();
    let diary = Arc::new(Diary::default());
    dial.observer = diary.clone();
    dial.settings.login.password = types::Secret::new("geheim".into());
    let Err(e) = Connection::open(&dial, &CancellationToken::new()).await else { panic!("it was let in") };
    assert_eq!(e.reason, Reason::LoginRefused);
    let ladder = diary.ladder();
    assert!(
        ladder.contains("PASS ***") && !ladder.contains("geheim") && !format!("{:?}", diary.texts()).contains("geheim"),
        "{ladder}"
    );
}

#[tokio::test]
async fn a_session_draws_its_ladder() {
    let server = Server::over(memory());
    let mut dial = server.dial();
    let diary = Arc::new(Diary::default());
    dial.observer = diary.clone();
    let session = Connection::open(&dial, &CancellationToken::new()).await.unwrap();
    session.send(replace(b"/a", 5), Source::from_bytes(Bytes::from_static(b"hello")), Meter::default()).await.unwrap();
    session.close().await;
    let ladder = diary.ladder();
    for words in ["USER ann", "331 ", "EPSV", "229 ", "STOR /a", "150 ", "226 ", "QUIT", "221 ", "5"] {
        assert!(ladder.contains(words), "{words} in\n{ladder}");
    }
}

#[tokio::test]
async fn a_ladder_shows_who_connects_to_whom() {
    for form in [Form::Epsv, Form::Pasv, Form::Eprt, Form::Port] {
        let server = Server::over(memory());
        let mut dial = server.dial();
        let diary = Arc::new(Diary::default());
        dial.observer = diary.clone();
        dial.settings.forms = vec![form];
        let session = Connection::open(&dial, &CancellationToken::new()).await.unwrap();
        session.send(replace(b"/a", 5), Source::from_bytes(Bytes::from_static(b"hello")), Meter::default()).await.unwrap();
        session.close().await;
        let rows: Vec<_> = diary.0.lock().unwrap().iter().map(trace::Row::from).collect();
        let of = |word: &str| rows.iter().find(|row| row.text.starts_with(word)).map(|row| (row.from, row.to));
        let (ours, theirs) = ((Lane::Client, Lane::Data), (Lane::Data, Lane::Client));
        let waits = (!form.is_passive()).then_some((Lane::Client, Lane::Client));
        assert_eq!(of("connecting "), Some(if form.is_passive() { ours } else { theirs }), "{form:?}");
        assert_eq!((of("listening "), of("connected ")), (waits, Some(ours)), "{form:?}");
    }
}

#[tokio::test]
async fn tls_is_refused_and_never_left_out() {
    let server = Server::over(memory());
    let mut dial = server.dial();
    for tls in [Tls::Required, Tls::Implicit, Tls::Offered] {
        dial.settings.tls = tls;
        let Err(e) = Connection::open(&dial, &CancellationToken::new()).await else { panic!("in clear") };
        assert_eq!(e.reason, Reason::NotProtected, "nobody said whom to trust");
    }
    let Err(e) = Connection::open(&server.dial_with_tls(Tls::Required), &CancellationToken::new()).await else {
        panic!("in clear")
    };
    assert_eq!(e.reason, Reason::NotProtected, "the server has none");
}

#[tokio::test]
async fn files_go_up_and_down_over_tls_and_the_session_is_resumed() {
    let body = sample(2_000_000);
    for (implicit, tls) in [(false, Tls::Required), (true, Tls::Implicit), (false, Tls::Offered)] {
        for form in [Form::Epsv, Form::Eprt] {
            let server = Server::with(memory(), Odd { tls: Some(implicit), ..Odd::default() });
            let mut dial = server.dial_with_tls(tls);
            dial.settings.forms = vec![form];
            let diary = Arc::new(Diary::default());
            dial.observer = diary.clone();
            let session = Connection::open(&dial, &CancellationToken::new()).await.unwrap();
            assert!(session.welcome().protected && session.welcome().data_protected);
            for round in 0..3 {
                let source = Source::from_bytes(Bytes::from(body.clone()));
                session.send(replace(b"/a", body.len()), source, Meter::default()).await.unwrap();
                assert_eq!(content(&server.storage, "/a").await, body, "{form:?} {round}");
                let here = memory();
                let get = Get { path: b"/a", at: 0, expected: Some(body.len() as u64), ascii: false };
                session.receive(get, sink(&here, "/a").await, Meter::default()).await.unwrap();
                assert_eq!(content(&here, "/a").await, body, "{form:?} {round}");
            }
            session.close().await;
            assert!(diary.ladder().contains("TLS 1.3"), "{}", diary.ladder());
        }
    }
}

#[tokio::test]
async fn a_certificate_of_another_name_or_of_nobody_ends_it_before_the_password() {
    let server = Server::with(memory(), Odd { tls: Some(false), ..Odd::default() });
    let mut other_name = server.dial_with_tls(Tls::Required);
    other_name.certificate_name = Some("elsewhere.test".into());
    let mut nobody = server.dial_with_tls(Tls::Required);
    nobody.tls = Server::over(memory()).dial_with_tls(Tls::Required).tls;
    for mut dial in [other_name, nobody] {
        let diary = Arc::new(Diary::default());
        dial.observer = diary.clone();
        let Err(e) = Connection::open(&dial, &CancellationToken::new()).await else { panic!("it was trusted") };
        assert_eq!(e.reason, Reason::CertificateDistrusted);
        assert!(e.detail.as_deref().unwrap().contains("its SHA-256 fingerprint is"), "{e}");
        assert!(!diary.commands().iter().any(|line| line.starts_with("USER")), "{:?}", diary.commands());
    }
}
