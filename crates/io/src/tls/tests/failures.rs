//! Does everything that is wrong get its own reason and a sentence?

use super::{control, ends, own, raw, session_of, soon, tcp_pair};
use crate::clock;
use crate::stream::Stream;
use crate::tls::{Certificate, Certificates, Client, Files, Roots, Server, Settings, Trust, self_signed};
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use types::{Direction, Reason, Time};

#[tokio::test]
async fn plain_text_garbage_and_oversized_records() {
    let (server, _) = ends(&Settings::default());
    let plain = raw(&server.session(), b"USER anna\r\nPASS x\r\n").await;
    assert_eq!(plain.reason, Reason::TlsPlain);
    assert!(plain.detail.contains("USER.anna"), "{plain}");
    for sent in [
        &b"\x16\x03\x01\xff\xffxxxxxxxxxxx"[..],
        b"\x16\x03\x01\x00\x04\x01\x00\x00\x00",
        b"\x16\x03\x01\x00\x05\x01\xff\xff\xff\x00",
        b"\x17\x03\x03\x00\x01x",
        b"\x16\x03\x01\x00\x00",
        b"\x15\x03\x01\x00\x02\x02\x28",
        b"\x16\x03\x01",
        b"",
    ] {
        let failure = raw(&server.session(), sent).await;
        assert!(matches!(failure.reason, Reason::TlsHandshake | Reason::TlsVersion), "{sent:?}: {failure}");
        assert!(!failure.detail.is_empty());
    }
    // A message of the handshake in ever more records: bounded.
    let mut endless = Vec::new();
    for _ in 0..100_000 {
        endless.extend_from_slice(b"\x16\x03\x01\x00\x03\x01\x00\xff");
    }
    raw(&server.session(), &endless).await;
}

#[tokio::test]
async fn every_cut_of_a_greeting_is_an_orderly_failure() {
    let (server, client) = ends(&Settings::default());
    let (mut a, b) = tcp_pair().await;
    let known = client.session();
    let connecting = known.connect(b.into(), "localhost", soon());
    let caught = async {
        let mut hello = vec![0; 4096];
        let n = a.read(&mut hello).await.unwrap();
        hello.truncate(n);
        drop(a);
        hello
    };
    let (failure, hello) = tokio::join!(connecting, caught);
    assert_eq!(failure.unwrap_err().reason, Reason::TlsHandshake);
    for cut in 0..=hello.len() {
        assert_eq!(raw(&server.session(), &hello[..cut]).await.reason, Reason::TlsHandshake, "cut at {cut}");
    }
    // And each of its bytes spoilt: whatever comes of it, it is told and nothing panics.
    for at in 0..hello.len() {
        let mut spoilt = hello.clone();
        spoilt[at] ^= 0x55;
        raw(&server.session(), &spoilt).await;
    }
}

#[tokio::test]
async fn who_stops_in_the_midst_is_dropped_at_the_deadline() {
    let (server, _) = ends(&Settings::default());
    let (a, mut b) = tcp_pair().await;
    b.write_all(b"\x16\x03\x01\x02\x00").await.unwrap();
    let begun = clock::now();
    let failure = server.session().accept(a.into(), begun + Duration::from_millis(80)).await.unwrap_err();
    assert_eq!(failure.reason, Reason::TlsTimeout);
    assert!(clock::now() - begun < Duration::from_secs(5));
}

#[tokio::test]
async fn a_client_that_does_not_trust_says_so_to_both() {
    let (server, _) = ends(&Settings::default());
    let (_, other_roots) = own(&["localhost"]);
    for (trust, name) in [(Trust::Roots(other_roots), "localhost"), (Trust::Pinned(vec![[0; 32]]), "localhost")] {
        let known = Client::new(trust, None).unwrap().session();
        let (a, b) = tcp_pair().await;
        let session = server.session();
        let (a, b) = tokio::join!(session.accept(a.into(), soon()), known.connect(b.into(), name, soon()));
        assert_eq!(b.unwrap_err().reason, Reason::TlsDistrusted);
        let told = a.unwrap_err();
        assert!(matches!(told.reason, Reason::TlsDistrusted | Reason::TlsHandshake), "{told}");
    }
    // The right authority, and another name.
    let (server, client) = ends(&Settings::default());
    let (a, b) = tcp_pair().await;
    let (session, known) = (server.session(), client.session());
    let (_, b) = tokio::join!(session.accept(a.into(), soon()), known.connect(b.into(), "elsewhere.test", soon()));
    let failure = b.unwrap_err();
    assert_eq!(failure.reason, Reason::TlsDistrusted);
    assert!(failure.detail.contains("elsewhere.test"), "{failure}");
    // Anybody will do, if one says so.
    let known = Client::new(Trust::Anybody, None).unwrap().session();
    let _ = control(&server.session(), &known).await;
}

#[tokio::test]
async fn versions_application_protocols_and_no_certificate() {
    let (server, client) = ends(&Settings { only_1_3: true, ..Settings::default() });
    let (a, b) = tcp_pair().await;
    let (session, known) = (server.session(), session_of(&client, true));
    let (a, b) = tokio::join!(session.accept(a.into(), soon()), known.connect(b.into(), "localhost", soon()));
    assert_eq!((a.unwrap_err().reason, b.unwrap_err().reason), (Reason::TlsVersion, Reason::TlsVersion));
    for (offered, good) in [("ftp", true), ("http/1.1", false)] {
        let known = client.offering(offered).session();
        let (a, b) = tcp_pair().await;
        let session = server.session();
        let (a, b) = tokio::join!(session.accept(a.into(), soon()), known.connect(b.into(), "localhost", soon()));
        assert_eq!((a.is_ok(), b.is_ok()), (good, good));
        if !good {
            assert_eq!((a.unwrap_err().reason, b.unwrap_err().reason), (Reason::TlsAlpn, Reason::TlsAlpn));
        }
    }
    let none = Server::new(&Certificates::new(Vec::new()), &Settings::default()).unwrap();
    let (a, b) = tcp_pair().await;
    let (session, known) = (none.session(), client.session());
    let (a, _) = tokio::join!(session.accept(a.into(), soon()), known.connect(b.into(), "localhost", soon()));
    assert_eq!(a.unwrap_err().reason, Reason::TlsUnavailable);
}

#[tokio::test]
async fn tls_inside_tls_is_refused() {
    let (server, client) = ends(&Settings::default());
    let (a, b) = control(&server.session(), &client.session()).await;
    assert_eq!(server.session().accept(a, soon()).await.unwrap_err().reason, Reason::TlsHandshake);
    assert_eq!(client.session().connect(b, "localhost", soon()).await.unwrap_err().reason, Reason::TlsHandshake);
}

#[tokio::test]
async fn garbage_after_the_handshake_fails_once_and_for_all() {
    let (server, client) = ends(&Settings::default());
    for older in [false, true] {
        for garbage in [
            &b"hello there\r\n"[..],
            b"\x17\x03\x03\xff\xff",
            b"\x17\x03\x03\x00\x20aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            b"\x16\x03\x03\x00\x04\x01\x00\x00\x00",
        ] {
            let (mut a, b) = control(&server.session(), &session_of(&client, older)).await;
            rustix::net::send(b.tcp(), garbage, rustix::net::SendFlags::empty()).unwrap();
            let mut buf = [0; 64];
            let kind = a.read(&mut buf).await.unwrap_err().kind();
            assert_eq!(kind, ErrorKind::InvalidData, "{garbage:?}");
            assert_eq!(a.read(&mut buf).await.unwrap_err().kind(), ErrorKind::InvalidData);
            assert!(a.write_all(b"x").await.is_err());
            let _ = a.finish().await;
        }
    }
}

#[tokio::test]
async fn a_truncated_upload_has_its_own_reason() {
    let (server, client) = ends(&Settings::default());
    let (session, known) = (server.session(), client.session());
    let (a, b) = tcp_pair().await;
    let send = async {
        let mut stream = known.connect(b.into(), "localhost", soon()).await.unwrap();
        stream.write_all(&[1; 1000]).await.unwrap();
        let Stream::Tls(layer) = &mut stream else { unreachable!() };
        layer.shutdown_tcp();
        stream
    };
    let receive = async {
        let mut stream = session.accept_data(a.into(), Direction::In, soon()).await.unwrap();
        let mut buf = vec![0; 4096];
        let mut total = 0;
        loop {
            match stream.read(&mut buf).await {
                Ok(n) => total += n,
                Err(e) => return (total, crate::pump::PumpError::Peer(e).reason()),
            }
        }
    };
    assert_eq!(tokio::join!(send, receive).1, (1000, Reason::DataTruncated));
}

#[test]
fn files_that_cannot_be_used_are_named_with_the_fault() {
    let dir = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| {
        let path = dir.path().join(name);
        #[allow(clippy::disallowed_methods, reason = "a test")]
        std::fs::write(&path, text).unwrap();
        path
    };
    let (pem, key) = self_signed(&["localhost"]).unwrap();
    let (_, other) = self_signed(&["localhost"]).unwrap();
    let key = key.reveal();
    let good = put("good.pem", &pem);
    let good_key = put("good.key", key);
    let both = put("both.pem", &format!("{pem}{key}"));
    let load = |certificate: &Path, key: &Path| {
        Certificate::load(&Files { certificate: certificate.into(), key: key.into(), names: vec!["also.test".into()] })
    };
    let loaded = load(&good, &good_key).unwrap();
    assert_eq!(loaded.names(), [Box::from("localhost"), Box::from("also.test")]);
    assert_eq!(loaded.fingerprint(), load(&both, &both).unwrap().fingerprint());
    assert_eq!(loaded.fingerprint().len(), 95);
    let cut = put("cut.pem", &pem[..pem.len() - 30]);
    let wrong = put("wrong.pem", "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n");
    let locked = put("locked.key", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n");
    let text = put("text.pem", "hello\n");
    for (certificate, key, blamed, said) in [
        (&dir.path().join("absent.pem"), &good_key, "absent.pem", "there is no such file"),
        (&good, &dir.path().join("absent.key"), "absent.key", "there is no such file"),
        (&dir.path().to_path_buf(), &good_key, dir.path().file_name().unwrap().to_str().unwrap(), "it is a folder"),
        (&text, &good_key, "text.pem", "holds no certificate in PEM form"),
        (&good_key, &good_key, "good.key", "holds no certificate in PEM form"),
        (&cut, &good_key, "cut.pem", "is no proper PEM"),
        (&wrong, &good_key, "wrong.pem", "the first certificate cannot be read"),
        (&good, &locked, "locked.key", "the key is encrypted"),
        (&good, &good, "good.pem", "holds no private key in PEM form"),
        (&good, &put("other.key", other.reveal()), "other.key", "the key does not belong to the first certificate in"),
    ] {
        let error = load(certificate, key).unwrap_err();
        assert_eq!(error.file().unwrap().file_name().unwrap(), blamed, "{error}");
        assert!(error.to_string().contains(said), "{error}");
    }
    assert!(Roots::load(&text).unwrap_err().to_string().contains("holds no certificate"));
    assert!(Roots::load(&good).is_ok());
}

#[test]
fn time_is_warned_of_and_no_error() {
    let (certificate, _) = own(&["localhost"]);
    let (now, ends) = (clock::wall(), certificate.ends());
    assert_eq!(certificate.warning(now), None);
    let at = |seconds: i64| certificate.warning(Time::from_seconds(seconds)).unwrap_or_default();
    assert!(at(ends.seconds + 1).starts_with("has expired on "));
    assert!(at(ends.seconds - 3 * 86_400).ends_with("in 3 days"));
    assert!(at(now.seconds - 10 * 86_400).starts_with("is not valid before "));
    // Ten years, from yesterday on.
    assert!((ends.seconds - now.seconds).abs_diff(3652 * 86_400) < 86_400 * 2);
}
