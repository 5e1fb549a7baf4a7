//! What clients must not be able to do: packets that cannot be, floods, silence, and storages that fail on the way.
#![allow(clippy::disallowed_methods, reason = "tests make and change files")]

use tempfile::TempDir;
use vfs::{LocalSettings, LocalStorage};

use super::*;

/// A transfer is patient for no longer than this: so that a test need not be, and has time even where the machine is busy.
fn hasty(patience: &mut Patience) {
    patience.first = Duration::from_millis(20);
    patience.most = Duration::from_millis(50);
    patience.give_up = Duration::from_secs(3);
    patience.unanswered = 1_000;
}

/// The first packet of this kind; others may come before it, where the server repeats.
async fn of_kind(client: &mut Client, kind: u8) -> Vec<u8> {
    loop {
        let came = client.listen(Duration::from_secs(30)).await;
        assert!(!came.is_empty(), "no packet of kind {kind}");
        if let Some(found) = came.into_iter().find(|packet| packet.get(1) == Some(&kind)) {
            return found;
        }
    }
}

#[tokio::test]
async fn requests_of_any_length_and_absurd_values() {
    let server = Server::start("127.0.0.1:0", |_| {}).await;
    server.put("/f", b"hello").await;
    let named = |name: &[u8]| [b"\0\x01", name, b"\0octet\0"].concat();
    for (request, code) in [
        (named(&[b'n'; 10_000]), 4),
        (named(&[b'/'; 60_000]), 4),
        (named(&[&b"../".repeat(400)[..], b"x"].concat()), 1),
        (named(b"f\0octet"), 8),
        (named(b"f\xff"), 1),
        (named(b"f\0g"), 4),
        ([&b"\0\x01f\0octet\0"[..], &b"x\0y\0".repeat(200)].concat(), 8),
    ] {
        let mut client = Client::new(server.at);
        client.say(&request, request.len()).await;
        assert_eq!(of_kind(&mut client, 5).await[..4], [0, 5, 0, code], "{:?}", &request[..20]);
    }
    let plain = [&header(1)[..], b"hello"].concat();
    for options in ["blksize\x000\0", "blksize\x00-1\0windowsize\x000\0", "tsize\0x\0timeout\x00999\0", "\0\0\0\0"] {
        let mut client = Client::new(server.at);
        let request = [b"\0\x01f\0octet\0", options.as_bytes()].concat();
        client.say(&request, request.len()).await;
        assert_eq!(client.one().await, plain, "{options:?}: as if it had not been asked for (RFC 2347)");
    }
}

#[tokio::test]
async fn blocks_and_acknowledgements_out_of_range_change_nothing() {
    let server = Server::start("127.0.0.1:0", |l| l.uploads = Uploads::New).await;
    let file = bytes(1_300);
    server.put("/f", &file).await;
    let mut client = Client::new(server.at);
    client.say(b"\0\x01f\0octet\0", 10).await;
    assert_eq!(client.one().await[..4], header(1));
    for wrong in [&ack(0)[..], &ack(2), &ack(65_535), b"\0\x04\0", b"\0\x04", b"\0", b"\0\x09\0\x01", &header(1), b"\0\x06x"] {
        client.say(wrong, wrong.len()).await;
    }
    client.say(&ack(1), 4).await;
    loop {
        let came = client.one().await;
        if came[..4] == header(2) {
            break;
        }
        assert_eq!(came[..4], header(1), "nothing but what is not acknowledged");
    }
    // A block larger than was agreed.
    let mut client = Client::new(server.at);
    client.say(b"\0\x02g\0octet\0", 10).await;
    assert_eq!(client.one().await, ack(0));
    for wrong in [&header(0)[..], &header(7), &header(65_535), b"\0\x03\0"] {
        client.say(wrong, wrong.len()).await;
    }
    let large = [&header(1)[..], &[7; 513]].concat();
    client.say(&large, large.len()).await;
    assert_eq!(of_kind(&mut client, 5).await[..4], [0, 5, 0, 4]);
    server.heard("Cut(In, 0, Syntax)").await;
    assert!(server.attr("/g").await.is_none());
}

#[tokio::test]
async fn a_flood_of_one_client_is_one_transfer() {
    for place in places() {
        let server = Server::start("127.0.0.1:0", |l| {
            l.place = place.clone();
            l.transfers = 500;
        })
        .await;
        server.put("/f", &bytes(1_000)).await;
        let client = Client::new(server.at);
        for number in 0..200 {
            let request = format!("\0\x01f\0octet\0n{number}\x001\0").into_bytes();
            client.say(&request, request.len()).await;
        }
        // From many addresses: each has its own, and all the others are served on.
        for last in 2..60 {
            let own = format!("127.0.0.{last}:0");
            let other = Datagrams::bind(own.parse().unwrap(), false).unwrap();
            other.send(&other.route(server.at, None), b"\0\x01f\0octet\0", 10).await.unwrap();
        }
        let fetched = Client::new(server.at).fetch("f", Mode::Octet, &Wishes::default()).await;
        assert_eq!(fetched.unwrap().0.len(), 1_000, "{place:?}");
    }
}

#[tokio::test]
async fn a_client_that_vanishes_leaves_nothing() {
    let server = Server::start("127.0.0.1:0", |l| {
        l.uploads = Uploads::New;
        hasty(&mut l.sending);
        hasty(&mut l.receiving);
    })
    .await;
    server.put("/f", &bytes(5_000)).await;
    let mut reader = Client::new(server.at);
    reader.say(b"\0\x01f\0octet\0", 10).await;
    assert_eq!(reader.one().await[..4], header(1));
    reader.say(&ack(1), 4).await;
    let mut writer = Client::new(server.at);
    writer.say(b"\0\x02g\0octet\0", 10).await;
    assert_eq!(writer.one().await, ack(0));
    let block = [&header(1)[..], &[7; 512]].concat();
    writer.say(&block, block.len()).await;
    let silent = Client::new(server.at);
    silent.say(b"\0\x02h\0octet\0", 10).await;
    for end in ["Cut(Out, 512, DataStalled)", "Cut(In, 512, DataStalled)", "Cut(In, 0, DataNeverCame)"] {
        server.heard(end).await;
    }
    assert!(server.attr("/g").await.is_none() && server.attr("/h").await.is_none());
}

#[tokio::test]
async fn a_disk_that_is_full_is_told() {
    let storage = Arc::new(MemoryStorage::new(MemorySettings { capacity: Some(100_000), ..MemorySettings::default() }));
    let server = Server::over(storage, "127.0.0.1:0", |l| l.uploads = Uploads::New);
    for asked in [Wishes::default(), Wishes { tsize: Some(300_000), ..wishes(1428, 16) }] {
        let stored = Client::new(server.at).store("f", Mode::Octet, &asked, &bytes(300_000)).await;
        assert_eq!(code(stored), Some(Code::FULL.0), "{asked:?}");
    }
    assert!(server.attr("/f").await.is_none());
    assert_eq!(Client::new(server.at).store("g", Mode::Octet, &Wishes::default(), b"small").await, Ok(()));
}

#[tokio::test]
async fn a_file_that_shrinks_is_no_whole_file() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("f");
    std::fs::write(&path, bytes(2_000_000)).unwrap();
    let storage = Arc::new(LocalStorage::open(folder.path(), LocalSettings::default()).unwrap());
    let server = Server::over(storage, "127.0.0.1:0", |_| {});
    let mut client = Client::new(server.at);
    client.say(b"\0\x01f\0octet\0", 10).await;
    assert_eq!(client.one().await[..4], header(1));
    std::fs::File::options().write(true).open(&path).unwrap().set_len(600_000).unwrap();
    let mut next = 1_u16;
    let ended = loop {
        client.say(&ack(next), 4).await;
        let came = client.one().await;
        match came.get(1) {
            Some(3) if came[..4] == header(next + 1) => {
                assert_eq!(came.len(), 516, "no short block that looks like an end");
                next += 1;
            }
            Some(3) => {}
            _ => break came,
        }
    };
    assert_eq!(ended[..4], [0, 5, 0, 0]);
    server.heard("Io").await;
}
