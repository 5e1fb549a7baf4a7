//! Files that are open at any place: who may open them, how long that holds, and what is counted.

use bytes::Bytes;
use types::{AttrChange, Error, Op, OpenHow, Reason, WriteHow, Yield};
use vfs::memory::{MemorySettings, MemoryStorage};
use vfs::storage::{Owner, Storage, WriteOrder};

use super::*;
use crate::OpenFile;

const READ: OpenHow =
    OpenHow { read: true, write: false, append: false, create: false, exclusive: false, truncate: false, mode: None };
const WRITE: OpenHow = OpenHow { read: false, write: true, ..READ };
const BOTH: OpenHow = OpenHow { write: true, ..READ };
const APPEND: OpenHow = OpenHow { append: true, ..WRITE };
const MAKE: OpenHow = OpenHow { create: true, ..WRITE };
const NEW: OpenHow = OpenHow { exclusive: true, ..MAKE };
const EMPTY: OpenHow = OpenHow { truncate: true, ..MAKE };

/// `/f` with ten bytes.
async fn storage(capacity: Option<u64>) -> MemoryStorage {
    let storage = MemoryStorage::new(MemorySettings { capacity, ..MemorySettings::default() });
    let order = WriteOrder { how: WriteHow::Replace, mode: 0o644, owner: &Owner(None) };
    let mut sink = storage.write(&path("/f"), order).await.unwrap().sink;
    sink.write_all(Bytes::from_static(b"0123456789")).await.unwrap();
    sink.commit().await.unwrap();
    storage
}

/// Bob with these rules, at `/f` in a storage of its own.
async fn scene(permissions: &[(&str, &str)], more: impl FnOnce(&mut Rules)) -> (Arc<Gate>, Guest, Access) {
    let storage = storage(None).await;
    bob(&Tree::new(&[]), permissions, |rules| {
        rules.mounts.insert("main".into(), Mount { storage: Arc::new(storage), read_only: false });
        more(rules);
    })
    .await
}

async fn open(access: &Access, at: &str, how: OpenHow) -> Result<OpenFile, Reason> {
    access.open(&path(at), how).await.map_err(|e: Error| e.reason)
}

async fn content(access: &Access, at: &str) -> Vec<u8> {
    open(access, at, READ).await.unwrap().read(0, 1_000, 0).await.unwrap()
}

fn told<T>(result: Result<T, Error>) -> Result<(), Reason> {
    result.map(drop).map_err(|e| e.reason)
}

#[tokio::test]
async fn each_way_to_open_needs_its_own_permissions_and_no_others() {
    let denied = Err(Reason::Denied);
    for (at, how, needs) in [
        ("/f", READ, "read"),
        ("/f", WRITE, "overwrite"),
        ("/f", BOTH, "read overwrite"),
        ("/f", APPEND, "append"),
        ("/f", OpenHow { create: true, ..APPEND }, "append"),
        ("/f", MAKE, "overwrite"),
        ("/f", EMPTY, "overwrite"),
        ("/f", OpenHow { append: true, ..EMPTY }, "overwrite"),
        ("/n", MAKE, "write"),
        ("/n", NEW, "write"),
        ("/n", EMPTY, "write"),
        ("/n", OpenHow { create: true, ..APPEND }, "write"),
        ("/n", OpenHow { create: true, ..BOTH }, "read write"),
    ] {
        let (_gate, _guest, access) = scene(&[("/", needs)], |_| ()).await;
        assert_eq!(open(&access, at, how).await.map(drop), Ok(()), "{at} {how:?} with {needs}");
        for (word, bit) in Permissions::WORDS.iter().take(11) {
            let (_gate, _guest, access) = scene(&[("/", &(!*bit).to_string())], |_| ()).await;
            let want = if words(needs).has(*bit) { denied } else { Ok(()) };
            assert_eq!(open(&access, at, how).await.map(drop), want, "{at} {how:?} with all but {word}");
        }
    }
}

#[tokio::test]
async fn a_read_only_mount_is_read_and_nothing_else() {
    let (_gate, _guest, access) = scene(&[], |r| r.mounts.get_mut("main").unwrap().read_only = true).await;
    for how in [WRITE, BOTH, APPEND, MAKE, EMPTY] {
        assert_eq!(open(&access, "/f", how).await.map(drop), Err(Reason::ReadOnly), "{how:?}");
    }
    assert_eq!(content(&access, "/f").await, b"0123456789");
}

#[tokio::test]
async fn bytes_are_read_and_written_where_they_are_asked_for_and_counted() {
    let (gate, _guest, access) = scene(&[], |_| ()).await;
    let file = open(&access, "/f", BOTH).await.unwrap();
    file.write(8, Bytes::from_static(b"abcd")).await.unwrap();
    file.write(2, Bytes::from_static(b"xy")).await.unwrap();
    assert_eq!(file.read(1, 4, 3).await.unwrap(), b"\0\0\x001xy4", "behind the room that was asked for");
    assert_eq!(file.read(10, 100, 0).await.unwrap(), b"cd", "up to the end");
    assert_eq!(file.read(50, 100, 0).await.unwrap(), b"");
    assert_eq!(file.meter().moved(), 6 + 4 + 2);
    file.close().await.unwrap();
    assert_eq!(content(&access, "/f").await, b"01xy4567abcd");
    let counts = gate.counters().counts();
    assert_eq!((counts.transfers, counts.bytes_in), (2, 12), "a file that is written counts as coming in");
}

#[tokio::test]
async fn what_is_made_is_there_once_it_is_closed_and_not_when_it_is_dropped() {
    let (gate, _guest, access) = scene(&[], |_| ()).await;
    for (close, want) in [(false, Err(Reason::NotFound)), (true, Ok(()))] {
        let file = open(&access, "/n", NEW).await.unwrap();
        file.write(0, Bytes::from_static(b"new")).await.unwrap();
        let other = login(&admit(&gate), "bob", "b").await.unwrap();
        let seen = Op::Stat { path: path("/n"), follow: true };
        if close {
            file.close().await.unwrap();
        } else {
            drop(file);
            access.act(&Op::Remove { path: path("/n") }).await.unwrap(); // one's own unfinished upload
        }
        assert_eq!(told(other.act(&seen).await), want);
    }
    assert_eq!(gate.counters().counts().abandoned, 1);
}

#[tokio::test]
async fn sizes_are_limited_wherever_one_writes() {
    let (_gate, _guest, access) = scene(&[], |r| r.users.get_mut("bob").unwrap().own.file_size = Some(12)).await;
    let two = || Bytes::from_static(b"zz");
    let large = Err(Reason::TooLarge);
    let file = open(&access, "/f", WRITE).await.unwrap();
    assert_eq!(told(file.write(10, two()).await), Ok(()));
    assert_eq!(told(file.write(11, two()).await), large);
    assert_eq!(told(file.write(u64::MAX, two()).await), large);
    assert_eq!(told(file.set_attr(Some(13), &AttrChange::default()).await), large);
    assert_eq!(told(file.set_attr(Some(10), &AttrChange::default()).await), Ok(()));
    file.close().await.unwrap();
    // Where it asks to go does not count for one that appends.
    let file = open(&access, "/f", APPEND).await.unwrap();
    assert_eq!(told(file.write(0, two()).await), Ok(()));
    assert_eq!(told(file.write(0, two()).await), large);
    file.set_attr(Some(11), &AttrChange::default()).await.unwrap();
    assert_eq!(told(file.write(u64::MAX, Bytes::from_static(b"!")).await), Ok(()));
    assert_eq!(told(file.write(0, Bytes::from_static(b"!")).await), large);
    file.close().await.unwrap();
    assert_eq!(content(&access, "/f").await, b"0123456789z!");
}

#[tokio::test]
async fn a_full_storage_says_so_and_the_rest_stands() {
    let full = storage(Some(16)).await;
    let (gate, _guest, access) = bob(&Tree::new(&[]), &[], |r| {
        r.mounts.insert("main".into(), Mount { storage: Arc::new(full), read_only: false });
    })
    .await;
    let file = open(&access, "/f", WRITE).await.unwrap();
    assert_eq!(told(file.write(10, Bytes::from(vec![b'x'; 100])).await), Err(Reason::NoSpace));
    file.write(9, Bytes::from_static(b"abc")).await.unwrap();
    file.close().await.unwrap();
    assert_eq!(content(&access, "/f").await, b"012345678abc");
    assert!(gate.counters().refusals().contains(&(Reason::NoSpace, 1)), "the first failure is what is written down");
}

#[tokio::test]
async fn open_files_take_places_among_the_transfers() {
    let (_gate, _guest, access) = scene(&[], |r| r.users.get_mut("bob").unwrap().own.transfers = Some(2)).await;
    let (a, b) = (open(&access, "/f", READ).await.unwrap(), open(&access, "/n", NEW).await.unwrap());
    assert_eq!(open(&access, "/f", READ).await.map(drop), Err(Reason::TooManyTransfers));
    drop(a);
    let c = open(&access, "/f", READ).await.unwrap();
    b.close().await.unwrap();
    assert_eq!(open(&access, "/f", READ).await.map(drop), Ok(()));
    drop(c);
    for _ in 0..5 {
        assert_eq!(open(&access, "/none", READ).await.map(drop), Err(Reason::NotFound), "leaves nothing");
    }
}

/// What happens to a file that is open while the rules change.
async fn after(how: OpenHow, change: impl FnOnce(&mut Rules)) -> (Access, OpenFile) {
    let mut rules = Rules::default();
    let (gate, _guest, access) = scene(&[("/", "all")], |r| rules = r.clone()).await;
    let file = open(&access, "/f", how).await.unwrap();
    file.read(0, 1, 0).await.ok();
    change(&mut rules);
    gate.reload(rules).unwrap();
    (access, file)
}

fn only(permissions: &str) -> impl FnOnce(&mut Rules) {
    move |rules| rules.users.get_mut("bob").unwrap().own.permissions = vec![(path("/"), words(permissions))]
}

#[tokio::test]
async fn who_is_sent_away_in_mid_file_reads_and_writes_no_more() {
    let (access, file) = after(BOTH, |rules| rules.users.get_mut("bob").unwrap().disabled = true).await;
    let gone = Err(Reason::UserDisabled);
    assert_eq!(told(file.read(0, 1, 0).await), gone);
    assert_eq!(told(file.write(0, Bytes::from_static(b"x")).await), gone);
    assert_eq!(told(file.set_attr(None, &AttrChange { mode: Some(0o600), ..AttrChange::default() }).await), gone);
    assert_eq!(told(file.close().await), gone);
    assert_eq!(open(&access, "/f", READ).await.map(drop), gone);
}

#[tokio::test]
async fn a_permission_that_is_taken_back_stops_the_files_that_were_opened_by_it() {
    let stopped = Err(Reason::Cancelled);
    let x = || Bytes::from_static(b"x");
    let (_access, file) = after(READ, only("all")).await;
    assert_eq!(told(file.read(0, 1, 0).await), Ok(()), "nothing was taken back");
    let (_access, file) = after(READ, only("list")).await;
    assert_eq!(told(file.read(0, 1, 0).await), stopped);
    let (_access, file) = after(WRITE, only("read-only")).await;
    assert_eq!(told(file.write(0, x()).await), stopped);
    assert_eq!(told(file.close().await), stopped);
    let (_access, file) = after(BOTH, only("write overwrite")).await;
    assert_eq!(told(file.read(0, 1, 0).await), stopped);
    let (_access, file) = after(WRITE, |rules| rules.mounts.get_mut("main").unwrap().read_only = true).await;
    assert_eq!(told(file.write(0, x()).await), stopped);
}

#[tokio::test]
async fn attributes_of_an_open_file_need_their_own_permission() {
    let mode = |mode| AttrChange { mode: Some(mode), ..AttrChange::default() };
    let (_gate, _guest, access) = scene(&[("/", "write overwrite append read")], |_| ()).await;
    let file = open(&access, "/f", BOTH).await.unwrap();
    assert_eq!(told(file.set_attr(None, &mode(0o600)).await), Err(Reason::Denied));
    assert_eq!(told(file.set_attr(Some(3), &AttrChange::default()).await), Ok(()), "its size is what is written");
    let (_gate, _guest, access) = scene(&[], |_| ()).await;
    let file = open(&access, "/f", BOTH).await.unwrap();
    assert_eq!(told(file.set_attr(None, &mode(0o4755)).await), Err(Reason::Denied));
    assert_eq!(told(file.set_attr(None, &mode(0o600)).await), Ok(()));
    assert_eq!(file.attr().await.unwrap().mode, Some(0o600));
}

#[tokio::test]
async fn a_file_stays_open_at_its_size_where_it_is_read_only() {
    let (_gate, _guest, access) = scene(&[], |_| ()).await;
    let file = open(&access, "/f", READ).await.unwrap();
    assert!(file.write(0, Bytes::from_static(b"x")).await.is_err());
    assert!(file.set_attr(Some(1), &AttrChange::default()).await.is_err());
    drop(file);
    assert_eq!(content(&access, "/f").await, b"0123456789");
    assert!(matches!(access.act(&Op::Stat { path: path("/f"), follow: true }).await, Ok(Yield::Attr(a)) if a.size == 10));
}
