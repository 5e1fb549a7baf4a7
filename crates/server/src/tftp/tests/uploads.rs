//! Uploads that come twice, because an answer was lost: they join the one under way, and what stands is not made again.

use super::*;

#[tokio::test]
async fn a_repeated_wrq_joins_the_upload_under_way() {
    for place in places() {
        for request in [&b"\0\x02f\0octet\0"[..], b"\0\x02f\0octet\0blksize\x00512\0"] {
            let server = Server::start("127.0.0.1:0", |l| {
                l.uploads = Uploads::Versions;
                l.place = place.clone();
            })
            .await;
            server.put("/f", b"old").await;
            let mut client = Client::new(server.at);
            client.say(request, request.len()).await;
            let answer = client.one().await;
            let transfer = client.other.take();
            // Its answer was lost: the request comes again, to the port of requests.
            for _ in 0..3 {
                client.say(request, request.len()).await;
            }
            client.other = transfer;
            let block = [&header(1)[..], b"new"].concat();
            client.say(&block, block.len()).await;
            // The answer may come once more by itself, from the same port.
            loop {
                let came = client.one().await;
                if came == ack(1) {
                    break;
                }
                assert_eq!(came, answer, "{place:?}");
            }
            assert_eq!(client.inbox.iter().next().unwrap().from, transfer.unwrap(), "{place:?}");
            assert_eq!(server.content("/f.1").await.unwrap(), b"new", "{place:?}");
            // No second transfer has begun.
            let events = server.ears.0.lock().unwrap().join("\n");
            assert_eq!(events.matches("Command(\"WRQ").count(), 1, "{events}");
            assert!(server.attr("/f.2").await.is_none());
        }
    }
}

#[tokio::test]
async fn what_stands_already_is_confirmed_and_nothing_else() {
    let server = Server::start("127.0.0.1:0", |l| l.uploads = Uploads::New).await;
    let file = bytes(200_000);
    let store = async |body: &[u8], asked: &Wishes| match Client::new(server.at).store("f", Mode::Octet, asked, body).await {
        Ok(()) => None,
        refused => Some(code(refused)),
    };
    for asked in [Wishes::default(), wishes(1428, 16), Wishes { tsize: Some(200_000), ..wishes(1428, 4) }] {
        // The second and third time, whatever it agreed on.
        let asked = Wishes { tsize: asked.tsize.filter(|&n| n > 0), ..asked };
        assert_eq!(store(&file, &asked).await, None, "{asked:?}");
    }
    let mut other = file.clone();
    other[150_000] ^= 1;
    let longer = [&file[..], b"x"].concat();
    for (what, body) in [("one byte differs", &other[..]), ("shorter", &file[..199_999]), ("longer", &longer), ("none", b"")] {
        assert_eq!(store(body, &Wishes::default()).await, Some(Some(6)), "{what}");
    }
    assert_eq!(store(&longer, &Wishes { tsize: Some(200_001), ..Wishes::default() }).await, Some(Some(6)));
    assert!(server.content("/f").await.unwrap() == file, "it stands as it was");
}

#[tokio::test]
async fn the_same_again_makes_no_version() {
    let server = Server::start("127.0.0.1:0", |l| l.uploads = Uploads::Versions).await;
    let asked = Wishes { tsize: None, ..wishes(1428, 16) };
    let (first, second) = (bytes(70_000), bytes(70_001));
    for (body, version) in
        [(&first, None), (&first, None), (&second, Some("/f.1")), (&second, Some("/f.1")), (&first, Some("/f.2"))]
    {
        Client::new(server.at).store("f", Mode::Octet, &asked, body).await.unwrap();
        assert!(server.content(version.unwrap_or("/f")).await.as_ref() == Some(body), "{version:?}");
    }
    assert!(server.attr("/f.3").await.is_none());
    assert!(server.content("/f").await.unwrap() == first);
}
