//! Files that are open at any place: in place what stands, whole and at once what is made or emptied (promise 1).

use bytes::Bytes;
use types::{AttrChange, OpenHow, Reason, WriteHow};

use super::{NOBODY, ann, get, p, reason};
use crate::file::OpenOrder;
use crate::storage::{Owner, SharedStorage};

const WRITE: OpenHow =
    OpenHow { read: true, write: true, append: false, create: true, exclusive: false, truncate: false, mode: None };

fn order(how: OpenHow, owner: &Owner) -> OpenOrder<'_> {
    OpenOrder { how, mode: 0o640, owner }
}

async fn stand(s: &SharedStorage, bytes: &[u8]) {
    super::put(s, "/f", WriteHow::Replace, &NOBODY, bytes).await.unwrap();
}

/// What stands is read and written in place, by several at once.
pub(super) async fn what_stands_is_written_in_place(s: SharedStorage) {
    stand(&s, b"0123456789").await;
    let (f, ann) = (p("/f"), ann());
    let one = s.open(&f, order(WRITE, &ann)).await.unwrap();
    let two = s.open(&f, order(WRITE, &ann)).await.unwrap();
    one.write(3, Bytes::from_static(b"abc")).await.unwrap();
    assert_eq!(two.read(2, 5, 4).await.unwrap(), b"\0\0\0\x002abc6");
    assert_eq!(get(&s, "/f").await.unwrap(), b"012abc6789", "at once");
    two.write(12, Bytes::from_static(b"z")).await.unwrap();
    assert_eq!(two.read(8, 100, 0).await.unwrap(), b"89\0\0z", "a hole is zeros");
    assert_eq!(two.read(13, 100, 0).await.unwrap(), b"");
    assert_eq!(two.read(u64::MAX, 100, 0).await.unwrap(), b"");
    two.set_attr(Some(4), &AttrChange::default()).await.unwrap();
    assert_eq!(one.attr().await.unwrap().size, 4);
    one.close().await.unwrap();
    one.close().await.unwrap();
    drop(two);
    assert_eq!(get(&s, "/f").await.unwrap(), b"012a", "what was written in place stays, closed or not");
    let reader = s.open(&f, order(OpenHow { read: true, ..OpenHow::default() }, &ann)).await.unwrap();
    assert_eq!(reason(reader.write(0, Bytes::from_static(b"x")).await), Reason::HandleMode);
    let writer = s.open(&f, order(OpenHow { read: false, ..WRITE }, &ann)).await.unwrap();
    assert_eq!(reason(writer.read(0, 1, 0).await), Reason::HandleMode);
    assert_eq!(reason(writer.write(u64::MAX, Bytes::from_static(b"x")).await), Reason::TooLarge);
    let more = s.open(&f, order(OpenHow { append: true, ..WRITE }, &ann)).await.unwrap();
    more.write(0, Bytes::from_static(b"b")).await.unwrap();
    more.write(0, Bytes::from_static(b"c")).await.unwrap();
    more.close().await.unwrap();
    assert_eq!(get(&s, "/f").await.unwrap(), b"012abc");
}

/// What is made or emptied appears when it is closed, and not before.
pub(super) async fn what_is_made_appears_when_it_is_closed(s: SharedStorage) {
    let (f, g, ann) = (p("/f"), p("/g"), ann());
    stand(&s, b"old").await;
    let emptied = s.open(&f, order(OpenHow { truncate: true, ..WRITE }, &ann)).await.unwrap();
    emptied.write(0, Bytes::from_static(b"new")).await.unwrap();
    assert_eq!((emptied.read(0, 9, 0).await.unwrap(), get(&s, "/f").await.unwrap()), (b"new".to_vec(), b"old".to_vec()));
    drop(emptied);
    assert_eq!(get(&s, "/f").await.unwrap(), b"old", "given up");
    let emptied = s.open(&f, order(OpenHow { truncate: true, ..WRITE }, &ann)).await.unwrap();
    emptied.write(3, Bytes::from_static(b"er")).await.unwrap();
    emptied.write(0, Bytes::from_static(b"new")).await.unwrap();
    emptied.close().await.unwrap();
    assert_eq!(get(&s, "/f").await.unwrap(), b"newer");

    let made = s.open(&g, order(WRITE, &ann)).await.unwrap();
    assert_eq!(reason(s.stat(&g, true, &NOBODY).await), Reason::NotFound, "nobody else sees it");
    assert_eq!(s.stat(&g, true, &ann).await.unwrap().size, 0);
    made.write(0, Bytes::from_static(b"12345")).await.unwrap();
    made.write(8, Bytes::from_static(b"9")).await.unwrap();
    drop(made);
    assert_eq!(s.stat(&g, true, &ann).await.unwrap().size, 5, "kept up to its first hole");
    let made = s.open(&g, order(WRITE, &ann)).await.unwrap();
    made.write(5, Bytes::from_static(b"678")).await.unwrap();
    made.close().await.unwrap();
    assert_eq!(get(&s, "/g").await.unwrap(), b"12345678", "gone on with");
    if s.capability().modes {
        assert_eq!(s.stat(&g, true, &NOBODY).await.unwrap().mode, Some(0o640));
    }
}

/// Who must be the first, who must find something, and who counts on being alone.
pub(super) async fn opening_says_what_is_in_the_way(s: SharedStorage) {
    let (f, ann) = (p("/f"), ann());
    let exclusive = OpenHow { exclusive: true, ..WRITE };
    let found = OpenHow { create: false, ..WRITE };
    assert_eq!(reason(s.open(&f, order(found, &ann)).await), Reason::NotFound);
    assert_eq!(reason(s.open(&p("/no/f"), order(WRITE, &ann)).await), Reason::NotFound);
    let first = s.open(&f, order(exclusive, &ann)).await.unwrap();
    stand(&s, b"other").await;
    assert_eq!(reason(first.close().await), Reason::Exists, "somebody was faster");
    assert_eq!(reason(s.open(&f, order(exclusive, &ann)).await), Reason::Exists);
    s.make_dir(&p("/d"), 0o755).await.unwrap();
    assert_eq!(reason(s.open(&p("/d"), order(WRITE, &ann)).await), Reason::IsAFolder);
    assert_eq!(reason(s.open(&p("/"), order(WRITE, &ann)).await), Reason::IsAFolder);
    let alone = s.write(&f, crate::storage::WriteOrder { how: WriteHow::Append, mode: 0o644, owner: &ann }).await.unwrap();
    assert_eq!(reason(s.open(&f, order(WRITE, &ann)).await), Reason::Busy);
    drop(alone);
    assert!(s.open(&f, order(WRITE, &ann)).await.is_ok());
}
