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

use super::liar::{Act, Liar, liar, soon};
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

use Act::{Accept, End, Hush, Leave, Pause, Repeat, Reset, Say, Send, Until, Utter};

/// What a server does after its greeting, how many bytes there must be, and what the client makes of it.
type Lie = (&'static [Act], Option<u64>, Reason, &'static str);

/// Lies about a file that is fetched.
const OF_DOWNLOADS: &[Lie] = &[
    // Fewer bytes than there are, or more, as of a file that changes between SIZE and RETR.
    (&[Until("RETR"), Accept, Say("150 now"), Send("four"), End, Say("226 all of it")], Some(5), Reason::TransferShort, "4"),
    (&[Until("RETR"), Accept, Say("150 now"), Send("four"), End, Say("226 all of it")], Some(3), Reason::TransferShort, "4"),
    (&[Until("RETR"), Accept, Say("150 now"), End, Say("226 all of it")], Some(3), Reason::TransferShort, "0"),
    // A reset is no end, though it is confirmed.
    (&[Until("RETR"), Accept, Say("150 now"), Send("half"), Pause, Reset, Say("226 done")], None, Reason::TransferCut, ""),
    (&[Until("RETR"), Accept, Say("150 now"), Send("half"), Pause, Say("226 done"), Reset], None, Reason::TransferCut, ""),
    // What ends with a refusal is no file.
    (
        &[Until("RETR"), Accept, Say("150 now"), Send("half"), End, Say("451 disk broke")],
        None,
        Reason::TransferCut,
        "451 disk broke",
    ),
    (&[Until("RETR"), Accept, Say("150 now"), Say("426 cut"), Send("half"), End], None, Reason::TransferCut, "426 cut"),
    (&[Until("RETR"), Accept, Say("150 now"), End, Say("552 too much")], None, Reason::NoSpace, "552 too much"),
    // Refused at each step: now, and not for ever.
    (&[Until("TYPE"), Say("451 no")], None, Reason::ServerFault, "451 no"),
    (&[Until("RETR"), Say("451 no")], None, Reason::ServerFault, "451 no"),
    // Each way is named, and what it failed of.
    (
        &[Until("EPSV"), Say("425 not so"), Until("PASV"), Say("425 no")],
        None,
        Reason::NoDataConnection,
        "EPSV: 425 not so; PASV: 425 no",
    ),
    (&[Until("RETR"), Say("450 in use")], None, Reason::Busy, "450 in use"),
    (&[Until("RETR"), Say("425 no")], None, Reason::NoDataConnection, ""),
    (&[Until("RETR"), Say("421 going down")], None, Reason::ServerClosing, "421 going down"),
    // Answers to what nobody asked.
    (&[Until("EPSV"), Say("200 ok"), Until("PASV"), Say("200 ok")], None, Reason::NotTheProtocol, "200 ok"),
    (&[Until("EPSV"), Say("229 ok (|||0|)"), Until("PASV"), Say("227 ok (1,2,3)")], None, Reason::NotTheProtocol, "1,2,3"),
    (&[Until("RETR"), Accept, Say("150 now"), Say("226 done"), Repeat("200 ok", 99)], None, Reason::NotTheProtocol, "200 ok"),
    // Noise where a word on the transfer should be: it might have been that word. With and without the end of its line.
    (&[Until("RETR"), Accept, Say("150 now"), Send("half"), Say("garbage")], None, Reason::NotTheProtocol, "garbage"),
    (&[Until("RETR"), Accept, Say("150 now"), Send("half"), Utter("\0\u{7}%$")], Some(9), Reason::NotTheProtocol, "%$"),
    (&[Until("RETR"), Accept, Say("150 now"), Send("four"), End, Say("2260 ok")], Some(4), Reason::NotTheProtocol, "2260 ok"),
    (&[Until("RETR"), Accept, Say("hello?")], None, Reason::NotTheProtocol, "hello?"),
    // Confirmed and never begun: bytes that nothing proves to be all there are make no file.
    (&[Until("RETR"), Accept, Send("four"), Say("226 done"), End], None, Reason::NotTheProtocol, "never said to begin"),
    (&[Until("RETR"), Accept, Say("226 done")], None, Reason::NotTheProtocol, "never said to begin"),
    (&[Until("RETR"), Accept, Send("four"), End, Say("226 done")], Some(5), Reason::TransferShort, "4"),
    // It goes away, or says no more.
    (&[Until("RETR"), Accept, Say("150 now"), Send("half"), Leave], None, Reason::Disconnected, ""),
    (&[Until("RETR"), Accept, Say("150 now"), Send("half"), Hush], None, Reason::Disconnected, ""),
    (&[Until("RETR"), Accept, Hush], None, Reason::Disconnected, ""),
    (&[Until("EPSV"), Leave], None, Reason::Disconnected, ""),
];

#[tokio::test]
async fn a_download_that_was_never_said_to_begin_is_whole_where_its_size_proves_it() {
    for acts in [
        &[Until("RETR"), Accept, Send("four"), End, Say("226 done")][..],
        &[Until("RETR"), Accept, Say("226 done"), Send("four"), End],
    ] {
        let address = liar(move |mut liar: Liar| async move {
            greet(&mut liar).await;
            liar.act(acts).await;
        })
        .await;
        let (result, here) = get(&to(address), Some(4)).await;
        assert_eq!(result.unwrap(), 4, "{acts:?}");
        assert_eq!(content(&here, "/f").await, b"four");
    }
}

#[tokio::test]
async fn no_lie_about_a_download_makes_a_file() {
    let mut wrong = Vec::new();
    for (acts, expected, reason, words) in OF_DOWNLOADS {
        let address = liar(move |mut liar: Liar| async move {
            greet(&mut liar).await;
            liar.act(acts).await;
        })
        .await;
        let Ok((result, here)) = tokio::time::timeout(Duration::from_secs(15), get(&to(address), *expected)).await else {
            wrong.push(format!("{acts:?}: it hangs"));
            continue;
        };
        let e = result.expect_err(&format!("{acts:?}"));
        if e.reason != *reason || !e.to_string().contains(words) {
            wrong.push(format!("{acts:?}: {e}"));
        }
        assert!(carrack_client::exit::code(e.reason) > carrack_client::exit::PARTLY, "{e}");
        assert_nothing(&here).await;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Lies about a file that is sent.
const OF_UPLOADS: &[Lie] = &[
    (&[Until("STOR"), Accept, Say("226 done")], Some(5), Reason::NotTheProtocol, "before"),
    (&[Until("STOR"), Say("226 done"), Accept], Some(5), Reason::NotTheProtocol, "before"),
    (&[Until("STOR"), Accept, Say("226 done"), End], Some(0), Reason::NotTheProtocol, "before"),
    (&[Until("STOR"), Accept, Say("150 now"), Say("garbage")], Some(20_000_000), Reason::NotTheProtocol, "garbage"),
    (&[Until("STOR"), Accept, Say("150 now"), Utter("\0%$")], Some(20_000_000), Reason::NotTheProtocol, "%$"),
    (&[Until("STOR"), Accept, Say("hello?")], Some(5), Reason::NotTheProtocol, "hello?"),
    (&[Until("STOR"), Say("452 full")], Some(5), Reason::NoSpace, "452 full"),
    (&[Until("STOR"), Accept, Say("150 now"), Say("451 disk broke"), End], Some(20_000_000), Reason::TransferCut, "451"),
    (&[Until("STOR"), Accept, Say("150 now"), Pause, Reset, Say("426 cut")], Some(20_000_000), Reason::TransferCut, ""),
    (&[Until("STOR"), Accept, Say("150 now"), Pause, Reset, Say("226 done")], Some(20_000_000), Reason::TransferCut, ""),
    (&[Until("STOR"), Accept, Say("150 now"), Leave], Some(20_000_000), Reason::Disconnected, ""),
    (&[Until("STOR"), Accept, Say("150 now"), Hush], Some(20_000_000), Reason::Disconnected, ""),
];

#[tokio::test]
async fn no_lie_about_an_upload_passes_for_success() {
    let mut wrong = Vec::new();
    for (acts, bytes, reason, words) in OF_UPLOADS {
        let address = liar(move |mut liar: Liar| async move {
            greet(&mut liar).await;
            liar.act(acts).await;
        })
        .await;
        let session = open(&to(address)).await.unwrap();
        let put = Put { path: b"/f", how: PutHow::Replace, expected: *bytes, ascii: false };
        let source = Source::from_bytes(Bytes::from(vec![7; bytes.unwrap() as usize]));
        let e = soon(session.send(put, source, Meter::default())).await.expect_err(&format!("{acts:?}"));
        if e.reason != *reason || !e.to_string().contains(words) {
            wrong.push(format!("{acts:?}: {e}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn an_upload_that_cannot_get_its_name_or_its_time_is_none() {
    for (verb, says) in [("MFMT", "450 no time"), ("RNFR", "450 in use"), ("RNTO", "553 no name"), ("RNTO", "421 bye")] {
        let address = liar(move |mut liar: Liar| async move {
            greet(&mut liar).await;
            while let Some(line) = liar.hear().await {
                let own = line.split(' ').next().unwrap();
                let usual = match own {
                    "USER" => "331 password",
                    "FEAT" => "211-Features\r\n MFMT\r\n211 End",
                    "RNFR" => "350 and then",
                    _ => "250 ok",
                };
                liar.say(&format!("{}\r\n", if own == verb { says } else { usual })).await;
            }
        })
        .await;
        let session = open(&to(address)).await.unwrap();
        let modified = Some(types::Time::from_seconds(1_111_111_111));
        let publish = Operation::Publish { from: (*b"/.f").into(), to: (*b"/f").into(), modified };
        let e = soon(session.run(publish)).await.expect_err(verb);
        assert!(e.to_string().contains(says), "{verb}: {e}");
    }
}

#[tokio::test]
async fn a_login_that_fails_at_any_step_is_no_session() {
    let mut wrong = Vec::new();
    for (acts, reason) in [
        (&[Say("421 Too many connections (3) from this IP")][..], Reason::TooManyConnections),
        (&[Say("450 not now")], Reason::Busy),
        (&[Say("220 hello"), Until("USER"), Say("430 no")], Reason::LoginRefused),
        (&[Say("220 hello"), Until("PASS"), Say("430 no")], Reason::LoginRefused),
        (&[Say("220 hello"), Until("PASS"), Say("332 account?")], Reason::AccountNeeded),
        (&[Say("220 hello"), Until("PASS"), Leave], Reason::Disconnected),
        (&[Say("220 hello"), Until("PASS"), Hush], Reason::Disconnected),
        (&[Leave], Reason::Disconnected),
        (&[Say("HTTP/1.1 400 Bad Request")], Reason::NotTheProtocol),
    ] {
        let address = liar(move |liar: Liar| liar.act(acts)).await;
        let e = open(&to(address)).await.err().unwrap();
        if e.reason != reason {
            wrong.push(format!("{acts:?}: {e}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
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
async fn a_server_of_another_kind_is_told() {
    let address = liar(|mut liar| async move { liar.say("SSH-2.0-OpenSSH_9.9\r\n").await }).await;
    assert!(matches!(open(&to(address)).await.err().unwrap().reason, Reason::NotTheProtocol | Reason::Disconnected));
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
