//! Is a server a storage like any other? The storages' contract, through FTP and our own server.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use carrack_client::Remote as _;
use carrack_client::ftp::{Ftp, Root};
use io::CancellationToken;
use io::body::BoxFuture;
use types::{Attr, AttrChange, Error, Kind, Reason, Space, Time, VPath, WriteHow};
use vfs::{Capability, Listing, Opened, Owner, SharedStorage, Storage, WriteOrder};

use super::liar::{liar, soon};
use super::own_server::{content, memory, sample, sink};
use super::server::{Diary, Server, dial, path};

async fn ftp(server: &Server, user: &str, most: usize) -> Ftp {
    Ftp::open(server.dial_as(user), Root::Home, most, Duration::from_secs(20), &CancellationToken::new()).await.unwrap()
}

/// One storage, each owner logged in as a user of its own: nobody as `eve`.
struct ByOwner {
    server: Server,
    users: tokio::sync::Mutex<HashMap<String, Arc<Ftp>>>,
}

impl ByOwner {
    async fn of(&self, owner: &Owner) -> Arc<Ftp> {
        let user = owner.0.as_deref().unwrap_or("eve").to_owned();
        let mut users = self.users.lock().await;
        if let Some(ftp) = users.get(&user) {
            return ftp.clone();
        }
        let made = Arc::new(ftp(&self.server, &user, 8).await);
        users.insert(user, made.clone());
        made
    }

    async fn any(&self) -> Arc<Ftp> {
        self.of(&Owner(Some("ann".into()))).await
    }
}

impl Storage for ByOwner {
    fn capability(&self) -> Capability {
        Capability { bare: false, rename_dir: true, write_at: true, set_times: true, modes: true, links: false, open: false }
    }

    fn stat<'a>(&'a self, path: &'a VPath, follow: bool, owner: &'a Owner) -> BoxFuture<'a, Result<Attr, Error>> {
        Box::pin(async move { self.of(owner).await.stat(path, follow, owner).await })
    }

    fn read<'a>(&'a self, path: &'a VPath, at: u64, owner: &'a Owner) -> BoxFuture<'a, Result<(Attr, io::body::Source), Error>> {
        Box::pin(async move { self.of(owner).await.read(path, at, owner).await })
    }

    fn write<'a>(&'a self, path: &'a VPath, order: WriteOrder<'a>) -> BoxFuture<'a, Result<Opened, Error>> {
        Box::pin(async move { self.of(order.owner).await.write(path, order).await })
    }

    fn list<'a>(&'a self, path: &'a VPath, owner: &'a Owner) -> BoxFuture<'a, Result<Box<dyn Listing>, Error>> {
        Box::pin(async move { self.of(owner).await.list(path, owner).await })
    }

    fn make_dir<'a>(&'a self, path: &'a VPath, mode: u32) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move { self.any().await.make_dir(path, mode).await })
    }

    fn remove_dir<'a>(&'a self, path: &'a VPath) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move { self.any().await.remove_dir(path).await })
    }

    fn remove<'a>(&'a self, path: &'a VPath, owner: &'a Owner) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move { self.of(owner).await.remove(path, owner).await })
    }

    fn rename<'a>(&'a self, from: &'a VPath, to: &'a VPath, replace: bool) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move { self.any().await.rename(from, to, replace).await })
    }

    fn set_attr<'a>(&'a self, path: &'a VPath, change: &'a AttrChange) -> BoxFuture<'a, Result<Attr, Error>> {
        Box::pin(async move { self.any().await.set_attr(path, change).await })
    }

    fn link<'a>(&'a self, path: &'a VPath, target: &'a [u8]) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move { self.any().await.link(path, target).await })
    }

    fn space<'a>(&'a self, path: &'a VPath) -> BoxFuture<'a, Result<Space, Error>> {
        Box::pin(async move { self.any().await.space(path).await })
    }
}

/// What FTP cannot do, each with its reason.
const NOT_OVER_FTP: &[&str] = &[
    // What was written is on its way, not there: how much of it the server has at some moment, nobody can say.
    "nobody_sees_half_a_new_file",
    "the_owner_goes_on_after_an_interruption",
    "a_part_is_cut_where_its_owner_goes_on",
    "parts_are_invisible_to_others",
    "parts_can_be_removed_by_their_owner",
    "a_held_part_is_not_gone_on_with",
    "one_at_a_time_writes_in_place",
    "a_folder_with_parts_and_files_keeps_both",
    "listings_show_all_once",
    "odd_names_are_names",
    // The size is asked for before the file: one replaced in between is told as such, and not read.
    "a_reader_sees_old_or_new",
    // FTP has no word for these in one step.
    "new_refuses_a_name_that_is_taken",
    "unique_names_never_collide",
    "racing_renames_have_one_winner",
    // Times come in whole seconds, and the server gives what is new the modes it likes.
    "times_are_kept",
    "modes_are_kept",
];

#[tokio::test]
async fn the_contract_holds_over_ftp() {
    vfs::contract::contract_but(NOT_OVER_FTP, || {
        let storage = ByOwner { server: Server::over(memory()), users: tokio::sync::Mutex::default() };
        (Arc::new(storage) as SharedStorage, ())
    })
    .await;
}

#[tokio::test]
async fn a_home_is_the_root_of_its_storage() {
    let server = Server::over(memory());
    let whole = ftp(&server, "ann", 2).await;
    whole.make_dir(&path("/home"), 0o755).await.unwrap();
    let mut opened = whole.write(&path("/home/f"), order(&Owner::default())).await.unwrap();
    opened.sink.write_all(Bytes::from_static(b"hello")).await.unwrap();
    opened.sink.commit().await.unwrap();
    assert_eq!(content(&server.storage, "/home/f").await, b"hello");
    assert!(whole.quote("SYST").await.unwrap().starts_with("215 "));
    whole.noop().await.unwrap();
    whole.close().await;
}

const fn order(owner: &Owner) -> WriteOrder<'_> {
    WriteOrder { how: WriteHow::Replace, mode: 0o644, owner }
}

#[tokio::test]
async fn a_failed_download_is_a_failed_read() {
    let address = liar(|mut liar| async move {
        use tokio::io::AsyncWriteExt as _;
        liar.say("220 hello\r\n").await;
        liar.until("SIZE").await;
        liar.say("213 10\r\n").await;
        liar.until("MDTM").await;
        liar.say("502 no\r\n").await;
        liar.until("RETR").await;
        let mut data = liar.accept().await;
        liar.say("150 now\r\n").await;
        data.write_all(b"0123").await.unwrap();
        drop(data);
        liar.say("226 done\r\n").await;
        liar.idle().await;
    })
    .await;
    let token = CancellationToken::new();
    let ftp = Ftp::open(dial(address, "ann"), Root::Home, 1, Duration::from_secs(5), &token).await.unwrap();
    let (attr, source) = soon(ftp.read(&path("/f"), 0, &Owner::default())).await.unwrap();
    assert_eq!(attr.size, 10);
    assert_eq!(soon(source.read_to_end()).await.unwrap_err().reason, Reason::TransferShort);
}

#[tokio::test]
async fn names_that_lead_elsewhere_never_get_through_and_it_is_said() {
    let address = liar(|mut liar| async move {
        use tokio::io::AsyncWriteExt as _;
        liar.say("220 hello\r\n").await;
        liar.until("LIST").await;
        let mut data = liar.accept().await;
        liar.say("150 now\r\n").await;
        let lines = "drwxr-xr-x 2 a a 4096 Jan  1  2025 ..\r\n\
                     -rw-r--r-- 1 a a 5 Jan  1  2025 good\r\n\
                     -rw-r--r-- 1 a a 5 Jan  1  2025 ../../etc/passwd\r\n\
                     -rw-r--r-- 1 a a 5 Jan  1  2025 /etc/shadow\r\n\
                     -rw-r--r-- 1 a a 5 Jan  1  2025 ..\r\n\
                     -rw-r--r-- 1 a a 5 Jan  1  2025 b\0c\r\n";
        data.write_all(lines.as_bytes()).await.unwrap();
        drop(data);
        liar.say("226 done\r\n").await;
        liar.idle().await;
    })
    .await;
    let token = CancellationToken::new();
    let ftp = Ftp::open(dial(address, "ann"), Root::Home, 1, Duration::from_secs(5), &token).await.unwrap();
    let mut listing = soon(ftp.list(&path("/"), &Owner::default())).await.unwrap();
    let page = soon(listing.next_page()).await.unwrap();
    assert_eq!(page.iter().map(|e| &*e.name).collect::<Vec<_>>(), [b"good"]);
    assert_eq!(page[0].attr.kind, Kind::File);
    let e = soon(listing.next_page()).await.unwrap_err();
    assert_eq!(e.reason, Reason::ListingUnsure, "{e}");
    assert!(soon(listing.next_page()).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_pool_makes_as_many_connections_as_the_server_takes() {
    let server = Server::with(memory(), super::server::Odd { sessions: 2, ..Default::default() });
    let mut dial = server.dial();
    let diary = Arc::new(Diary::default());
    dial.observer = diary.clone();
    let body = sample(100_000);
    for n in 0..8 {
        let mut sink = sink(&server.storage, &format!("/{n}")).await;
        sink.write_all(body.clone().into()).await.unwrap();
        sink.commit().await.unwrap();
    }
    let token = CancellationToken::new();
    let ftp = Ftp::open(dial, Root::Home, 8, Duration::from_secs(20), &token).await.unwrap();
    let read = async |n: usize| {
        let (_, source) = ftp.read(&path(&format!("/{n}")), 0, &Owner::default()).await.unwrap();
        source.read_to_end().await.unwrap()
    };
    let all = tokio::join!(read(0), read(1), read(2), read(3), read(4), read(5), read(6), read(7));
    assert!([all.0, all.1, all.2, all.3, all.4, all.5, all.6, all.7].iter().all(|got| *got == body));
    assert_eq!(ftp.at_once(), 2, "it has learned");
}

#[tokio::test]
async fn a_storage_of_one_connection_says_so_when_two_are_needed() {
    let server = Server::over(memory());
    let token = CancellationToken::new();
    let ftp = Ftp::open(server.dial(), Root::Home, 1, Duration::from_millis(200), &token).await.unwrap();
    let opened = ftp.write(&path("/a"), order(&Owner::default())).await.unwrap();
    let e = soon(ftp.stat(&path("/"), true, &Owner::default())).await.unwrap_err();
    assert!(e.reason == Reason::TooSlow && e.detail.unwrap().contains("a connection that is free"));
    drop(opened);
    soon(ftp.stat(&path("/"), true, &Owner::default())).await.unwrap();
}

#[tokio::test]
async fn odd_names_are_names() {
    let server = Server::over(memory());
    let ftp = ftp(&server, "ann", 2).await;
    let odd: &[&[u8]] = &[
        b"with space",
        b" lead",
        b"trail ",
        b"-dash",
        b"quote\"s",
        b"new\nline",
        b"cr\rname",
        b"caf\xc3\xa9",
        b"latin\xe9",
        b"..a",
        b"*?[x]",
        b"\xff\xfe",
    ];
    for name in odd {
        let path = VPath::parse(&[b"/", *name].concat()).unwrap();
        let mut opened = ftp.write(&path, order(&Owner::default())).await.unwrap();
        opened.sink.write_all(Bytes::copy_from_slice(name)).await.unwrap();
        opened.sink.commit().await.unwrap();
        assert_eq!(ftp.stat(&path, true, &Owner::default()).await.unwrap().size, name.len() as u64, "{path}");
        let (_, source) = ftp.read(&path, 0, &Owner::default()).await.unwrap();
        assert_eq!(source.read_to_end().await.unwrap(), *name);
    }
    let mut listing = ftp.list(&path("/"), &Owner::default()).await.unwrap();
    let mut seen = Vec::new();
    loop {
        let page = listing.next_page().await.unwrap();
        if page.is_empty() {
            break;
        }
        seen.extend(page.into_iter().map(|entry| entry.name));
    }
    seen.sort();
    let mut expected: Vec<Box<[u8]>> = odd.iter().map(|name| (*name).into()).collect();
    expected.sort();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn times_and_modes_are_set_and_told() {
    let server = Server::over(memory());
    let ftp = ftp(&server, "ann", 1).await;
    let mut opened = ftp.write(&path("/f"), order(&Owner::default())).await.unwrap();
    opened.sink.write_all(Bytes::from_static(b"x")).await.unwrap();
    opened.sink.commit().await.unwrap();
    let then = Time::from_seconds(1_000_000_000);
    let change = AttrChange { modified: Some(then), mode: Some(0o600), ..AttrChange::default() };
    let attr = ftp.set_attr(&path("/f"), &change).await.unwrap();
    assert_eq!((attr.modified, attr.mode), (Some(then), Some(0o600)));
    let owner = AttrChange { owner: Some(1), ..AttrChange::default() };
    assert_eq!(ftp.set_attr(&path("/f"), &owner).await.unwrap_err().reason, Reason::Unsupported);
}
