//! What does a client do with a server that lies? It ends with a clear error, soon, and with no file that is not whole.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use carrack_client::Remote as _;
use carrack_client::ftp::{Connection, Dial, Ftp, Get, Put, Root};
use io::CancellationToken;
use io::body::Source;
use io::meter::Meter;
use proto::ftp::client::{Form, Operation, PutHow};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use types::{Error, Reason};
use vfs::{Owner, SharedStorage, Storage as _, WriteOrder};

use super::liar::{Liar, liar, soon};
use super::own_server::{content, memory, sink};
use super::server::{Diary, dial, path};

fn to(address: std::net::SocketAddr) -> Dial {
    let mut dial = dial(address, "ann");
    dial.settings.forms = vec![Form::Epsv, Form::Pasv];
    dial
}

async fn open(dial: &Dial) -> Result<Connection, Error> {
    soon(Connection::open(dial, &CancellationToken::new())).await
}

async fn get(dial: &Dial, expected: Option<u64>) -> (Result<u64, Error>, SharedStorage) {
    let session = open(dial).await.unwrap();
    let here = memory();
    let get = Get { path: b"/f", at: 0, expected, ascii: false };
    let result = soon(session.receive(get, sink(&here, "/f").await, Meter::default())).await;
    (result, here)
}

/// Nothing stands under the name of a file that did not come whole.
async fn assert_nothing(here: &SharedStorage) {
    let reason = here.stat(&path("/f"), true, &Owner::default()).await.unwrap_err().reason;
    assert_eq!(reason, Reason::NotFound);
}

async fn greet(liar: &mut Liar) {
    liar.say("220 hello\r\n").await;
}

#[tokio::test]
async fn a_227_that_names_another_host_is_not_followed() {
    let address = liar(|mut liar| async move {
        greet(&mut liar).await;
        liar.until("EPSV").await;
        liar.say("500 no\r\n").await;
        liar.until("PASV").await;
        let port = liar.data.local_addr().unwrap().port();
        liar.say(&format!("227 here (10,1,2,3,{},{})\r\n", port / 256, port % 256)).await;
        let mut data = liar.accept().await;
        liar.until("RETR").await;
        liar.say("150 now\r\n").await;
        data.write_all(b"body").await.unwrap();
        drop(data);
        liar.say("226 done\r\n").await;
        liar.idle().await;
    })
    .await;
    let mut dial = to(address);
    let diary = Arc::new(Diary::default());
    dial.observer = diary.clone();
    let (result, here) = get(&dial, Some(4)).await;
    assert_eq!(result.unwrap(), 4);
    assert_eq!(content(&here, "/f").await, b"body");
    assert!(diary.texts().iter().any(|text| text.contains("10.1.2.3")), "it is said: {:?}", diary.texts());
}

#[tokio::test]
async fn a_confirmation_before_the_end_is_not_the_end() {
    let address = liar(|mut liar| async move {
        greet(&mut liar).await;
        liar.until("RETR").await;
        let mut data = liar.accept().await;
        liar.say("150 now\r\n226 done\r\n").await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        data.write_all(b"late, but there").await.unwrap();
        drop(data);
        liar.idle().await;
    })
    .await;
    let (result, here) = get(&to(address), None).await;
    assert_eq!(result.unwrap(), 15);
    assert_eq!(content(&here, "/f").await, b"late, but there");
}

#[tokio::test]
async fn fewer_bytes_than_there_are_is_a_failure_whatever_the_server_says() {
    for expected in [5, 3] {
        let address = liar(|mut liar| async move {
            greet(&mut liar).await;
            liar.until("RETR").await;
            let mut data = liar.accept().await;
            liar.say("150 now\r\n").await;
            data.write_all(b"four").await.unwrap();
            drop(data);
            liar.say("226 all of it\r\n").await;
            liar.idle().await;
        })
        .await;
        let (result, here) = get(&to(address), Some(expected)).await;
        assert_eq!(result.unwrap_err().reason, Reason::TransferShort);
        assert_nothing(&here).await;
    }
}

#[tokio::test]
async fn a_reset_is_no_end_though_it_is_confirmed() {
    let address = liar(|mut liar| async move {
        greet(&mut liar).await;
        liar.until("RETR").await;
        let mut data = liar.accept().await;
        liar.say("150 now\r\n").await;
        data.write_all(b"half").await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
        data.set_zero_linger().unwrap();
        drop(data);
        liar.say("226 done\r\n").await;
        liar.idle().await;
    })
    .await;
    let (result, here) = get(&to(address), None).await;
    assert_eq!(result.unwrap_err().reason, Reason::TransferCut);
    assert_nothing(&here).await;
}

#[tokio::test]
async fn data_that_ends_with_a_refusal_is_no_file() {
    let address = liar(|mut liar| async move {
        greet(&mut liar).await;
        liar.until("RETR").await;
        let mut data = liar.accept().await;
        liar.say("150 now\r\n").await;
        data.write_all(b"half").await.unwrap();
        drop(data);
        liar.say("451 disk broke\r\n").await;
        liar.idle().await;
    })
    .await;
    let (result, here) = get(&to(address), None).await;
    let e = result.unwrap_err();
    assert!(e.reason == Reason::TransferCut && e.detail.as_deref().unwrap().contains("451 disk broke"), "{e}");
    assert_nothing(&here).await;
}

#[tokio::test]
async fn data_that_stops_is_given_up_by_name() {
    let address = liar(|mut liar| async move {
        greet(&mut liar).await;
        liar.until("RETR").await;
        let mut data = liar.accept().await;
        liar.say("150 now\r\n").await;
        data.write_all(b"half").await.unwrap();
        liar.until("ABOR").await;
        liar.say("426 stopped\r\n226 aborted\r\n").await;
        liar.idle().await;
        drop(data);
    })
    .await;
    let mut dial = to(address);
    dial.settings.limits.progress = Duration::from_millis(300);
    let (result, here) = get(&dial, None).await;
    let e = result.unwrap_err();
    assert!(e.reason == Reason::TooSlow && e.detail.as_deref().unwrap().contains("more data"), "{e}");
    assert_nothing(&here).await;
}

#[tokio::test]
async fn a_data_connection_that_never_comes_is_given_up() {
    let address = liar(|mut liar| async move {
        greet(&mut liar).await;
        // A port on which nobody listens any more.
        let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        liar.until("EPSV").await;
        liar.say(&format!("229 ok (|||{gone}|)\r\n")).await;
        liar.until("PASV").await;
        liar.say(&format!("227 ok (127,0,0,1,{},{})\r\n", gone / 256, gone % 256)).await;
        liar.idle().await;
    })
    .await;
    let (result, here) = get(&to(address), None).await;
    assert_eq!(result.unwrap_err().reason, Reason::NoDataConnection);
    assert_nothing(&here).await;
}

#[tokio::test]
async fn each_silence_has_its_limit_and_its_name() {
    // No greeting.
    let address = liar(|mut liar| async move { liar.idle().await }).await;
    let mut dial = to(address);
    dial.settings.limits.greeting = Duration::from_millis(200);
    let e = open(&dial).await.err().unwrap();
    assert!(e.reason == Reason::TooSlow && e.detail.as_deref().unwrap().contains("greeting"), "{e}");
    // No reply.
    let address = liar(|mut liar| async move {
        greet(&mut liar).await;
        liar.until("MKD").await;
        liar.idle().await;
    })
    .await;
    let mut dial = to(address);
    dial.settings.limits.reply = Duration::from_millis(200);
    let session = open(&dial).await.unwrap();
    let e = soon(session.run(Operation::MakeDir((*b"/d").into()))).await.unwrap_err();
    assert!(e.reason == Reason::TooSlow && e.detail.as_deref().unwrap().contains("reply"), "{e}");
    assert!(session.is_over());
    assert_eq!(soon(session.run(Operation::Noop)).await.unwrap_err().reason, Reason::TooSlow, "later calls hear why");
}

#[tokio::test]
async fn an_endless_reply_is_not_kept() {
    let address = liar(|mut liar| async move {
        liar.say("220-hello\r\n").await;
        for _ in 0..100_000 {
            liar.say("220-and more and more and more and more and more and more and more and more\r\n").await;
        }
    })
    .await;
    let e = open(&to(address)).await.err().unwrap();
    assert_eq!(e.reason, Reason::NotTheProtocol);
    // Without any line end, too.
    let address = liar(|mut liar| async move {
        for _ in 0..10_000 {
            liar.say(&"x".repeat(1000)).await;
        }
    })
    .await;
    assert_eq!(open(&to(address)).await.err().unwrap().reason, Reason::NotTheProtocol);
}

#[tokio::test]
async fn a_server_that_is_none_or_goes_away_is_told() {
    let address = liar(|mut liar| async move { liar.say("SSH-2.0-OpenSSH_9.9\r\n").await }).await;
    assert!(matches!(open(&to(address)).await.err().unwrap().reason, Reason::NotTheProtocol | Reason::Disconnected));
    let address = liar(|_| async {}).await;
    assert_eq!(open(&to(address)).await.err().unwrap().reason, Reason::Disconnected);
    let address = liar(|mut liar| async move { liar.say("421 Too many connections (3) from this IP\r\n").await }).await;
    assert_eq!(open(&to(address)).await.err().unwrap().reason, Reason::TooManyConnections);
}

#[tokio::test]
async fn a_half_closed_control_connection_ends_a_transfer() {
    let address = liar(|mut liar| async move {
        greet(&mut liar).await;
        liar.until("RETR").await;
        let data = liar.accept().await;
        liar.say("150 now\r\n").await;
        drop(liar);
        tokio::time::sleep(Duration::from_secs(10)).await;
        drop(data);
    })
    .await;
    let (result, here) = get(&to(address), None).await;
    assert_eq!(result.unwrap_err().reason, Reason::Disconnected);
    assert_nothing(&here).await;
}

#[tokio::test]
async fn an_upload_that_is_refused_in_its_midst_is_told_as_the_server_tells_it() {
    let address = liar(|mut liar| async move {
        greet(&mut liar).await;
        liar.until("STOR").await;
        let mut data = liar.accept().await;
        liar.say("150 now\r\n").await;
        let mut some = [0; 1000];
        data.read_exact(&mut some).await.unwrap();
        liar.say("452 No space left on device\r\n").await;
        drop(data);
        liar.idle().await;
    })
    .await;
    let session = open(&to(address)).await.unwrap();
    let put = Put { path: b"/f", how: PutHow::Replace, expected: Some(20_000_000), ascii: false };
    let source = Source::from_bytes(Bytes::from(vec![7; 20_000_000]));
    let e = soon(session.send(put, source, Meter::default())).await.unwrap_err();
    assert_eq!(e.reason, Reason::NoSpace, "{e}");
}

#[tokio::test]
async fn an_upload_confirmed_before_it_began_is_none() {
    let address = liar(|mut liar| async move {
        greet(&mut liar).await;
        liar.until("STOR").await;
        let _data = liar.accept().await;
        liar.say("226 done\r\n").await;
        liar.idle().await;
    })
    .await;
    let session = open(&to(address)).await.unwrap();
    let put = Put { path: b"/f", how: PutHow::Replace, expected: Some(5), ascii: false };
    let source = Source::from_bytes(Bytes::from_static(b"hello"));
    let e = soon(session.send(put, source, Meter::default())).await.unwrap_err();
    assert_eq!(e.reason, Reason::NotTheProtocol, "{e}");
}

/// Takes an upload and tells how its data connection ended.
async fn end_of_upload(cut: impl AsyncFnOnce(Dial)) -> std::io::Result<usize> {
    let (told, hears) = tokio::sync::oneshot::channel();
    let address = liar(|mut liar| async move {
        greet(&mut liar).await;
        liar.until("STOR").await;
        let mut data = liar.accept().await;
        liar.say("150 now\r\n").await;
        let mut all = Vec::new();
        told.send(data.read_to_end(&mut all).await).unwrap();
        liar.say("426 cut\r\n").await;
        liar.until("ABOR").await;
        liar.say("226 aborted\r\n").await;
        liar.idle().await;
    })
    .await;
    soon(cut(to(address))).await;
    soon(hears).await.unwrap()
}

#[tokio::test]
async fn an_upload_that_is_given_up_is_cut_and_never_ended() {
    let by_future = end_of_upload(async |dial| {
        let session = open(&dial).await.unwrap();
        let rate = vec![Arc::new(io::meter::Bucket::new(100_000))];
        let put = Put { path: b"/f", how: PutHow::Replace, expected: None, ascii: false };
        let source = Source::from_bytes(Bytes::from(vec![7; 1_000_000]));
        let send = session.send(put, source, Meter::new(CancellationToken::new(), rate));
        assert!(tokio::time::timeout(Duration::from_millis(200), send).await.is_err());
        session.close().await;
    });
    let by_sink = end_of_upload(async |dial| {
        let token = CancellationToken::new();
        let ftp = Ftp::open(dial, Root::Server, 1, Duration::from_secs(5), &token).await.unwrap();
        let owner = Owner::default();
        let order = WriteOrder { how: types::WriteHow::Replace, mode: 0o644, owner: &owner };
        let mut opened = ftp.write(&path("/f"), order).await.unwrap();
        opened.sink.write_all(Bytes::from_static(b"half of it")).await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        drop(opened);
        ftp.close().await;
    });
    for end in [by_future.await, by_sink.await] {
        assert_eq!(end.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
    }
}
