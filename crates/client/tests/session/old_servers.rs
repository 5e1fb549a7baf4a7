//! Are names and times of servers from before UTF-8 and MLSD read as they are meant?

use std::sync::Arc;
use std::time::Duration;

use carrack_client::charset::Charset;
use carrack_client::ftp::{Ftp, Root};
use io::CancellationToken;
use tokio::io::AsyncWriteExt as _;
use types::{Entry, Reason, Time};
use vfs::{Owner, Storage as _};

use super::liar::{Liar, liar, soon};
use super::server::{Diary, dial, path};

/// Tells of one file in a listing of its own kind.
async fn list(liar: &mut Liar, line: &[u8]) {
    liar.until("LIST").await;
    let mut data = liar.accept().await;
    liar.say("150 now\r\n").await;
    data.write_all(&[line, b"\r\n"].concat()).await.unwrap();
    drop(data);
    liar.say("226 done\r\n").await;
}

async fn entries(ftp: &Ftp) -> Vec<Entry> {
    let mut listing = soon(ftp.list(&path("/"), &Owner::default())).await.unwrap();
    let page = soon(listing.next_page()).await.unwrap();
    assert!(soon(listing.next_page()).await.unwrap().is_empty());
    page
}

#[tokio::test]
async fn latin_1_and_local_time() {
    const LINE: &[u8] = b"-rw-r--r-- 1 a b 5 Jun 15 12:00 Gr\xf6\xdfe";
    let address = liar(|mut liar| async move {
        liar.say("220 hello\r\n").await;
        list(&mut liar, LINE).await;
        assert_eq!(liar.until("MDTM").await.unwrap(), "MDTM /Gr\u{f6}\u{df}e");
        liar.say("213 20250615100027\r\n").await;
        list(&mut liar, LINE).await;
        assert_eq!(liar.until("DELE").await.unwrap(), "DELE /Gr\u{f6}\u{df}e", "the zone is known, and not asked for again");
        liar.say("250 gone\r\n").await;
        liar.idle().await;
    })
    .await;
    let mut dial = dial(address, "ann");
    let diary = Arc::new(Diary::default());
    dial.observer = diary.clone();
    dial.charset = Charset::named("latin1").unwrap();
    let ftp = Ftp::open(dial, Root::Server, 1, Duration::from_secs(5), &CancellationToken::new()).await.unwrap();
    for _ in 0..2 {
        let listed = entries(&ftp).await;
        assert_eq!(listed.len(), 1);
        assert_eq!(&*listed[0].name, "Größe".as_bytes());
        assert_eq!(listed[0].attr.modified, Some(Time::from_seconds(1_749_981_600)));
    }
    soon(ftp.remove(&path("/Größe"), &Owner::default())).await.unwrap();
    let e = soon(ftp.remove(&path("/日本"), &Owner::default())).await.unwrap_err();
    assert_eq!(e.reason, Reason::NotInCharset);
    assert!(!diary.commands().iter().any(|line| line.contains("UTF8")), "{:?}", diary.commands());
}

#[tokio::test]
async fn a_zone_that_was_said_is_not_asked_for_and_one_that_is_not_told_leaves_no_time() {
    for (ahead, expected) in [(Some(-3_600), Some(1_749_992_400)), (None, None)] {
        let address = liar(move |mut liar| async move {
            liar.say("220 hello\r\n").await;
            list(&mut liar, b"-rw-r--r-- 1 a b 5 Jun 15 12:00 f").await;
            let rest = liar.until("MDTM").await;
            assert_eq!(rest.is_some(), ahead.is_none());
            liar.say("550 no\r\n").await;
            liar.idle().await;
        })
        .await;
        let mut dial = dial(address, "ann");
        dial.ahead = ahead;
        let ftp = Ftp::open(dial, Root::Server, 1, Duration::from_secs(5), &CancellationToken::new()).await.unwrap();
        assert_eq!(entries(&ftp).await[0].attr.modified, expected.map(Time::from_seconds));
        soon(carrack_client::Remote::close(&ftp)).await;
    }
}
