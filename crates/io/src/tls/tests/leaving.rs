//! Is no byte lost or misread when a connection leaves TLS (CCC)?

use super::{control, ends, read_exactly, session_of, soon, tcp_pair};
use crate::clock;
use crate::stream::Stream;
use crate::tls::Settings;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use types::Reason;

/// A client whose bytes can be gathered before they are sent: it reaches the server through a relay.
async fn through_a_relay(older: bool) -> (Stream, Stream, tokio::net::TcpStream, tokio::net::TcpStream) {
    let (server, client) = ends(&Settings::default());
    let (a, mut to_server) = tcp_pair().await;
    let (mut to_client, b) = tcp_pair().await;
    let (session, known) = (server.session(), session_of(&client, older));
    // The relay ends when both ends have shaken hands: all that the client said until then has reached the server.
    let (a, b) = tokio::select! {
        _ = tokio::io::copy_bidirectional(&mut to_server, &mut to_client) => unreachable!("neither end has closed"),
        both = async { tokio::join!(session.accept(a.into(), soon()), known.connect(b.into(), "localhost", soon())) } => both,
    };
    (a.unwrap(), b.unwrap(), to_server, to_client)
}

async fn drained(from: &mut tokio::net::TcpStream) -> Vec<u8> {
    let mut all = vec![0; 65_536];
    tokio::time::sleep(Duration::from_millis(20)).await;
    let n = from.read(&mut all).await.unwrap();
    all.truncate(n);
    all
}

#[tokio::test]
async fn command_alert_and_clear_text_in_one_segment() {
    for older in [false, true] {
        for with_alert in [true, false] {
            let (mut a, mut b, mut to_server, mut to_client) = through_a_relay(older).await;
            b.write_all(b"CCC\r\n").await.unwrap();
            let Stream::Tls(layer) = &mut b else { unreachable!() };
            if with_alert {
                layer.say_closed().unwrap();
                layer.flush().await.unwrap();
            }
            let mut bytes = drained(&mut to_client).await;
            bytes.extend_from_slice(b"PWD\r\nQUIT\r\n");
            to_server.write_all(&bytes).await.unwrap();
            assert_eq!(read_exactly(&mut a, 5).await, b"CCC\r\n");
            let (mut a, mut leftover) = a.clear_tls(soon()).await.unwrap();
            while leftover.len() < 11 {
                let mut more = [0; 64];
                let n = a.read(&mut more).await.unwrap();
                leftover.extend_from_slice(&more[..n]);
            }
            assert_eq!(leftover, b"PWD\r\nQUIT\r\n", "older {older}, alert {with_alert}");
            assert!(a.tls().is_none());
        }
    }
}

#[tokio::test]
async fn a_message_of_the_session_and_clear_text_in_one_segment() {
    let (mut a, mut b, mut to_server, mut to_client) = through_a_relay(false).await;
    let Stream::Tls(layer) = &mut b else { unreachable!() };
    layer.renew_keys().await;
    let mut bytes = drained(&mut to_client).await;
    bytes.extend_from_slice(b"PWD\r\n");
    to_server.write_all(&bytes).await.unwrap();
    tokio::time::sleep(Duration::from_millis(20)).await;
    a.write_all(b"200 in clear from here\r\n").await.unwrap();
    let (_a, leftover) = a.clear_tls(soon()).await.unwrap();
    assert_eq!(leftover, b"PWD\r\n");
}

#[tokio::test]
async fn every_cut_gives_the_same() {
    // The bytes behind CCC, cut in two at every place: nothing depends on how they arrive.
    let (_, mut b, _, mut to_client) = through_a_relay(false).await;
    let Stream::Tls(layer) = &mut b else { unreachable!() };
    layer.say_closed().unwrap();
    layer.flush().await.unwrap();
    let alert = drained(&mut to_client).await.len();
    for cut in 0..alert + 5 {
        let (a, mut b, mut to_server, mut to_client) = through_a_relay(false).await;
        let Stream::Tls(layer) = &mut b else { unreachable!() };
        layer.say_closed().unwrap();
        layer.flush().await.unwrap();
        let mut bytes = drained(&mut to_client).await;
        bytes.extend_from_slice(b"PWD\r\n");
        let send = async {
            to_server.write_all(&bytes[..cut]).await.unwrap();
            tokio::time::sleep(Duration::from_millis(2)).await;
            to_server.write_all(&bytes[cut..]).await.unwrap();
        };
        let (left, ()) = tokio::join!(a.clear_tls(soon()), send);
        let (mut a, mut leftover) = left.unwrap();
        while leftover.len() < 5 {
            let mut more = [0; 64];
            let n = a.read(&mut more).await.unwrap();
            leftover.extend_from_slice(&more[..n]);
        }
        assert_eq!(leftover, b"PWD\r\n", "cut at {cut}");
    }
}

#[tokio::test]
async fn both_ends_leave_and_go_on() {
    let (server, client) = ends(&Settings::default());
    for older in [false, true] {
        let (a, b) = control(&server.session(), &session_of(&client, older)).await;
        let (a, b) = tokio::join!(a.clear_tls(soon()), b.clear_tls(soon()));
        let ((mut a, _), (mut b, _)) = (a.unwrap(), b.unwrap());
        b.write_all(b"NOOP\r\n").await.unwrap();
        assert_eq!(read_exactly(&mut a, 6).await, b"NOOP\r\n");
        a.write_all(b"200\r\n").await.unwrap();
        assert_eq!(read_exactly(&mut b, 5).await, b"200\r\n");
    }
}

#[tokio::test]
async fn who_neither_ends_tls_nor_goes_on_is_not_awaited_for_ever() {
    let (server, client) = ends(&Settings::default());
    let (a, mut b) = control(&server.session(), &client.session()).await;
    b.write_all(b"NOOP\r\n").await.unwrap();
    let failure = a.clear_tls(clock::now() + Duration::from_millis(50)).await.unwrap_err();
    assert_eq!(failure.reason, Reason::TlsClearing);
    // Nor may it go on and on under TLS.
    let (a, mut b) = control(&server.session(), &client.session()).await;
    let flood = async { while b.write_all(&[b'x'; 8000]).await.is_ok() {} };
    let (failure, ()) = tokio::join!(a.clear_tls(soon()), flood);
    let failure = failure.unwrap_err();
    assert_eq!(failure.reason, Reason::TlsClearing);
    assert!(failure.detail.contains("too much"), "{failure}");
    let (a, mut b) = control(&server.session(), &client.session()).await;
    let Stream::Tls(layer) = &mut b else { unreachable!() };
    layer.shutdown_tcp();
    assert_eq!(a.clear_tls(soon()).await.unwrap_err().reason, Reason::TlsClearing);
}

#[tokio::test]
async fn in_clear_there_is_nothing_to_leave() {
    let (a, _b) = tcp_pair().await;
    let (a, leftover) = Stream::from(a).clear_tls(soon()).await.unwrap();
    assert!(leftover.is_empty() && a.tls().is_none());
}
