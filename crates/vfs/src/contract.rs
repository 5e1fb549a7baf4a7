//! The same tests for every `Storage`: what a user may count on, wherever the files are.
//!
//! Each case gets an empty storage of its own. What a storage says it cannot do is not asked of it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "these are tests; they live here so that storages elsewhere can run them"
)]

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use bytes::Bytes;
use io::body::{BoxFuture, Sink};
use types::{Attr, AttrChange, Entry, Error, Kind, Reason, Time, VPath, WriteHow};

use crate::storage::{Capability, Opened, Owner, SharedStorage, WriteOrder};

type Case = (&'static str, fn(Capability) -> bool, fn(SharedStorage) -> BoxFuture<'static, ()>);

macro_rules! cases {
    ($($name:ident if $needs:expr;)*) => {
        const CASES: &[Case] = &[$((stringify!($name), $needs, |storage| Box::pin($name(storage)))),*];
    };
}

const ALWAYS: fn(Capability) -> bool = |_| true;

cases! {
    an_upload_is_read_back if ALWAYS;
    an_empty_file_is_a_file if ALWAYS;
    reading_starts_anywhere_up_to_the_end if ALWAYS;
    nobody_sees_half_a_new_file if ALWAYS;
    nobody_sees_half_a_replacement if ALWAYS;
    a_reader_sees_old_or_new if ALWAYS;
    a_reader_keeps_what_it_opened if ALWAYS;
    an_aborted_replacement_changes_nothing if ALWAYS;
    the_owner_goes_on_after_an_interruption if |c| c.write_at;
    a_part_is_cut_where_its_owner_goes_on if |c| c.write_at;
    a_new_upload_begins_a_part_anew if ALWAYS;
    an_empty_part_is_not_kept if ALWAYS;
    an_owner_of_none_keeps_nothing if |c| c.write_at;
    parts_are_invisible_to_others if ALWAYS;
    parts_can_be_removed_by_their_owner if ALWAYS;
    a_second_upload_of_ones_own_is_not_in_the_way if ALWAYS;
    a_held_part_is_not_gone_on_with if |c| c.write_at;
    the_last_commit_wins if ALWAYS;
    new_refuses_a_name_that_is_taken if ALWAYS;
    unique_finds_free_names if ALWAYS;
    unique_names_never_collide if ALWAYS;
    appending_goes_on_at_the_end if |c| c.write_at;
    writing_in_place_leaves_the_rest if |c| c.write_at;
    beyond_the_end_is_refused if |c| c.write_at;
    folders_are_made_and_removed if ALWAYS;
    a_folder_with_only_parts_can_be_removed if ALWAYS;
    a_folder_that_is_uploaded_to_stays if ALWAYS;
    a_folder_with_parts_and_files_keeps_both if |c| c.write_at;
    what_is_no_file_is_not_read_or_written if ALWAYS;
    files_are_renamed if ALWAYS;
    folders_are_renamed if |c| c.rename_dir;
    racing_renames_have_one_winner if ALWAYS;
    the_root_stays if ALWAYS;
    listings_show_all_once if ALWAYS;
    large_listings_come_in_pages if ALWAYS;
    odd_names_are_names if ALWAYS;
    reserved_names_do_not_exist if ALWAYS;
    times_are_kept if |c| c.set_times;
    modes_are_kept if |c| c.modes;
    a_replacement_keeps_the_mode if |c| c.modes;
    links_inside_are_followed if |c| c.links;
    links_outside_are_shown_and_not_opened if |c| c.links;
    links_in_circles_are_told if |c| c.links;
    uploads_go_through_links if |c| c.links;
    links_reach_no_reserved_name if |c| c.links;
    space_is_told if ALWAYS;
}

/// Runs every case the storage can pass on a storage of its own. What `make` gives beside it lives as long.
///
/// # Panics
/// Where the storage breaks the contract.
pub async fn contract<G>(make: impl Fn() -> (SharedStorage, G)) {
    for (name, needs, case) in CASES {
        let (storage, _guard) = make();
        if needs(storage.capability())
            && let Err(what) = run(case(storage)).await
        {
            panic!("contract: {name}: {what}");
        }
    }
}

/// Runs a case and turns its panic into words, so that the case can be named.
async fn run(mut case: BoxFuture<'static, ()>) -> Result<(), String> {
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| case.as_mut().poll(cx))) {
        Ok(poll) => poll.map(Ok),
        Err(cause) => {
            let words = cause.downcast_ref::<String>().cloned();
            Poll::Ready(Err(words.or_else(|| cause.downcast_ref::<&str>().map(|s| (*s).to_owned())).unwrap_or_default()))
        }
    })
    .await
}

/// Waits for two at once.
async fn both<A: Send + 'static, B: Send + 'static>(
    mut a: impl Future<Output = A> + Unpin,
    mut b: impl Future<Output = B> + Unpin,
) -> (A, B) {
    let (mut first, mut second) = (None, None);
    poll_fn(|cx| {
        if first.is_none()
            && let Poll::Ready(a) = Pin::new(&mut a).poll(cx)
        {
            first = Some(a);
        }
        if second.is_none()
            && let Poll::Ready(b) = Pin::new(&mut b).poll(cx)
        {
            second = Some(b);
        }
        match (first.take(), second.take()) {
            (Some(a), Some(b)) => Poll::Ready((a, b)),
            (a, b) => {
                (first, second) = (a, b);
                Poll::Pending
            }
        }
    })
    .await
}

fn p(path: impl AsRef<[u8]>) -> VPath {
    VPath::parse(path.as_ref()).unwrap()
}

fn owner(name: &str) -> Owner {
    Owner(Some(name.into()))
}

fn ann() -> Owner {
    owner("ann")
}

const NOBODY: Owner = Owner(None);

async fn open(s: &SharedStorage, path: &str, how: WriteHow, owner: &Owner) -> Result<Opened, Error> {
    s.write(&p(path), WriteOrder { how, mode: 0o644, owner }).await
}

async fn put(s: &SharedStorage, path: &str, how: WriteHow, owner: &Owner, bytes: &[u8]) -> Result<VPath, Error> {
    let mut opened = open(s, path, how, owner).await?;
    send(&mut opened.sink, bytes).await?;
    opened.sink.commit().await?;
    Ok(opened.path)
}

async fn send(sink: &mut Sink, bytes: &[u8]) -> Result<(), Error> {
    sink.write_all(Bytes::copy_from_slice(bytes)).await
}

async fn interrupt(s: &SharedStorage, path: &str, owner: &Owner, bytes: &[u8]) {
    let mut opened = open(s, path, WriteHow::Replace, owner).await.unwrap();
    send(&mut opened.sink, bytes).await.unwrap();
    opened.sink.abandon().await;
}

async fn get(s: &SharedStorage, path: &str) -> Result<Vec<u8>, Error> {
    get_from(s, path, 0, &NOBODY).await
}

async fn get_from(s: &SharedStorage, path: &str, at: u64, owner: &Owner) -> Result<Vec<u8>, Error> {
    let (_, source) = s.read(&p(path), at, owner).await?;
    source.read_to_end().await
}

async fn stat(s: &SharedStorage, path: &str, owner: &Owner) -> Result<Attr, Error> {
    s.stat(&p(path), true, owner).await
}

async fn entries(s: &SharedStorage, path: &str, owner: &Owner) -> Vec<Entry> {
    let mut listing = s.list(&p(path), owner).await.unwrap();
    let mut all = Vec::new();
    loop {
        let page = listing.next_page().await.unwrap();
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

async fn names(s: &SharedStorage, path: &str, owner: &Owner) -> Vec<String> {
    let mut names: Vec<_> = entries(s, path, owner).await.iter().map(|e| String::from_utf8_lossy(&e.name).into_owned()).collect();
    names.sort();
    names
}

/// The reason a call failed with.
#[track_caller]
fn reason<T>(outcome: Result<T, Error>) -> Reason {
    match outcome {
        Ok(_) => panic!("it should have failed"),
        Err(e) => e.reason,
    }
}

async fn an_upload_is_read_back(s: SharedStorage) {
    let body: Vec<u8> = (0..300_000u32).flat_map(u32::to_le_bytes).collect();
    let mut opened = open(&s, "/a.bin", WriteHow::Replace, &ann()).await.unwrap();
    assert_eq!((opened.at, opened.before, &opened.path), (0, 0, &p("/a.bin")));
    for chunk in body.chunks(77_777) {
        send(&mut opened.sink, chunk).await.unwrap();
    }
    opened.sink.commit().await.unwrap();
    assert_eq!(get(&s, "/a.bin").await.unwrap(), body);
    let attr = stat(&s, "/a.bin", &NOBODY).await.unwrap();
    assert_eq!((attr.kind, attr.size), (Kind::File, body.len() as u64));
    assert_eq!(names(&s, "/", &NOBODY).await, ["a.bin"]);
    s.remove(&p("/a.bin"), &ann()).await.unwrap();
    assert_eq!(reason(get(&s, "/a.bin").await), Reason::NotFound);
    assert_eq!(reason(s.remove(&p("/a.bin"), &ann()).await), Reason::NotFound);
}

async fn an_empty_file_is_a_file(s: SharedStorage) {
    put(&s, "/empty", WriteHow::Replace, &ann(), b"").await.unwrap();
    assert_eq!(stat(&s, "/empty", &NOBODY).await.unwrap().size, 0);
    assert_eq!(get(&s, "/empty").await.unwrap(), b"");
    put(&s, "/none", WriteHow::Replace, &NOBODY, b"").await.unwrap();
    assert_eq!(names(&s, "/", &NOBODY).await, ["empty", "none"]);
}

async fn reading_starts_anywhere_up_to_the_end(s: SharedStorage) {
    put(&s, "/a", WriteHow::Replace, &ann(), b"0123456789").await.unwrap();
    assert_eq!(get_from(&s, "/a", 4, &NOBODY).await.unwrap(), b"456789");
    assert_eq!(get_from(&s, "/a", 10, &NOBODY).await.unwrap(), b"");
    assert_eq!(reason(get_from(&s, "/a", 11, &NOBODY).await), Reason::BeyondEnd);
}

async fn nobody_sees_half_a_new_file(s: SharedStorage) {
    let mut opened = open(&s, "/new", WriteHow::Replace, &ann()).await.unwrap();
    send(&mut opened.sink, b"half").await.unwrap();
    for who in [&NOBODY, &owner("bob")] {
        assert_eq!(reason(stat(&s, "/new", who).await), Reason::NotFound);
        assert_eq!(reason(get_from(&s, "/new", 0, who).await), Reason::NotFound);
        assert!(names(&s, "/", who).await.is_empty());
    }
    assert_eq!(stat(&s, "/new", &ann()).await.unwrap().size, 4);
    assert_eq!(names(&s, "/", &ann()).await, ["new"]);
    send(&mut opened.sink, b"whole").await.unwrap();
    opened.sink.commit().await.unwrap();
    assert_eq!(get(&s, "/new").await.unwrap(), b"halfwhole");
    assert_eq!(names(&s, "/", &ann()).await, ["new"]);
}

async fn nobody_sees_half_a_replacement(s: SharedStorage) {
    put(&s, "/f", WriteHow::Replace, &ann(), b"old").await.unwrap();
    let mut opened = open(&s, "/f", WriteHow::Replace, &ann()).await.unwrap();
    assert_eq!((opened.at, opened.before), (0, 3));
    send(&mut opened.sink, b"newer").await.unwrap();
    for who in [&NOBODY, &ann()] {
        assert_eq!(get_from(&s, "/f", 0, who).await.unwrap(), b"old");
        assert_eq!(stat(&s, "/f", who).await.unwrap().size, 3);
        assert_eq!(names(&s, "/", who).await, ["f"]);
    }
    opened.sink.commit().await.unwrap();
    assert_eq!(get(&s, "/f").await.unwrap(), b"newer");
}

async fn a_reader_sees_old_or_new(s: SharedStorage) {
    let contents: Vec<Vec<u8>> = (0..8u8).map(|n| vec![n; 20_000 + usize::from(n) * 1_000]).collect();
    put(&s, "/f", WriteHow::Replace, &ann(), &contents[0]).await.unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let writer = {
        let (s, contents, done) = (s.clone(), contents.clone(), done.clone());
        async move {
            for round in 1..40 {
                let mut opened = open(&s, "/f", WriteHow::Replace, &ann()).await.unwrap();
                for chunk in contents[round % 8].chunks(5_000) {
                    send(&mut opened.sink, chunk).await.unwrap();
                }
                opened.sink.commit().await.unwrap();
            }
            done.store(true, Ordering::SeqCst);
        }
    };
    let reader = async {
        let mut looks = 0;
        while !done.load(Ordering::SeqCst) || looks < 5 {
            let seen = get(&s, "/f").await.unwrap();
            assert!(contents.contains(&seen), "a mixture of {} bytes", seen.len());
            looks += 1;
            io::clock::sleep_until(io::clock::now()).await;
        }
    };
    both(Box::pin(writer), Box::pin(reader)).await;
}

async fn a_reader_keeps_what_it_opened(s: SharedStorage) {
    put(&s, "/f", WriteHow::Replace, &ann(), b"old").await.unwrap();
    let (_, source) = s.read(&p("/f"), 0, &NOBODY).await.unwrap();
    put(&s, "/f", WriteHow::Replace, &ann(), b"brand new").await.unwrap();
    assert_eq!(source.read_to_end().await.unwrap(), b"old");
    let (_, source) = s.read(&p("/f"), 0, &NOBODY).await.unwrap();
    s.remove(&p("/f"), &ann()).await.unwrap();
    assert_eq!(source.read_to_end().await.unwrap(), b"brand new");
}

async fn an_aborted_replacement_changes_nothing(s: SharedStorage) {
    put(&s, "/f", WriteHow::Replace, &ann(), b"old").await.unwrap();
    interrupt(&s, "/f", &ann(), b"new and longer").await;
    assert_eq!(get_from(&s, "/f", 0, &ann()).await.unwrap(), b"old");
    s.remove(&p("/f"), &ann()).await.unwrap();
    assert_eq!(reason(stat(&s, "/f", &ann()).await), Reason::NotFound, "nothing of a replacement is kept");
}

async fn the_owner_goes_on_after_an_interruption(s: SharedStorage) {
    interrupt(&s, "/big", &ann(), b"01234").await;
    assert_eq!(stat(&s, "/big", &ann()).await.unwrap().size, 5);
    assert_eq!(get_from(&s, "/big", 0, &ann()).await.unwrap(), b"01234");
    let mut opened = open(&s, "/big", WriteHow::Append, &ann()).await.unwrap();
    assert_eq!((opened.at, opened.before), (5, 5));
    send(&mut opened.sink, b"56").await.unwrap();
    opened.sink.abandon().await;
    let mut opened = open(&s, "/big", WriteHow::At(7), &ann()).await.unwrap();
    assert_eq!(opened.at, 7);
    send(&mut opened.sink, b"789").await.unwrap();
    opened.sink.commit().await.unwrap();
    assert_eq!(get(&s, "/big").await.unwrap(), b"0123456789");
    assert_eq!(names(&s, "/", &ann()).await, ["big"]);
}

async fn a_part_is_cut_where_its_owner_goes_on(s: SharedStorage) {
    interrupt(&s, "/big", &ann(), b"0123456789").await;
    assert_eq!(reason(open(&s, "/big", WriteHow::At(11), &ann()).await), Reason::BeyondEnd);
    assert_eq!(stat(&s, "/big", &ann()).await.unwrap().size, 10, "what was refused changed nothing");
    put(&s, "/big", WriteHow::At(3), &ann(), b"xy").await.unwrap();
    assert_eq!(get(&s, "/big").await.unwrap(), b"012xy");
}

async fn a_new_upload_begins_a_part_anew(s: SharedStorage) {
    interrupt(&s, "/f", &ann(), b"a long beginning").await;
    put(&s, "/f", WriteHow::Replace, &ann(), b"short").await.unwrap();
    assert_eq!(get(&s, "/f").await.unwrap(), b"short");
}

async fn an_empty_part_is_not_kept(s: SharedStorage) {
    interrupt(&s, "/f", &ann(), b"").await;
    assert_eq!(reason(stat(&s, "/f", &ann()).await), Reason::NotFound);
}

async fn an_owner_of_none_keeps_nothing(s: SharedStorage) {
    interrupt(&s, "/f", &NOBODY, b"anonymous").await;
    assert_eq!(reason(stat(&s, "/f", &NOBODY).await), Reason::NotFound);
    assert_eq!(reason(open(&s, "/f", WriteHow::At(9), &NOBODY).await), Reason::BeyondEnd);
    let opened = open(&s, "/f", WriteHow::Append, &NOBODY).await.unwrap();
    assert_eq!(opened.at, 0);
}

async fn parts_are_invisible_to_others(s: SharedStorage) {
    interrupt(&s, "/f", &ann(), b"of ann").await;
    let bob = owner("bob");
    assert_eq!(reason(stat(&s, "/f", &bob).await), Reason::NotFound);
    assert!(names(&s, "/", &bob).await.is_empty());
    assert_eq!(reason(s.remove(&p("/f"), &bob).await), Reason::NotFound);
    put(&s, "/f", WriteHow::Replace, &bob, b"of bob").await.unwrap();
    assert_eq!(get_from(&s, "/f", 0, &ann()).await.unwrap(), b"of bob", "what stands counts, not the part");
    assert_eq!(names(&s, "/", &ann()).await, ["f"]);
    s.remove(&p("/f"), &bob).await.unwrap();
    assert_eq!(stat(&s, "/f", &ann()).await.unwrap().size, 6);
}

async fn parts_can_be_removed_by_their_owner(s: SharedStorage) {
    interrupt(&s, "/f", &ann(), b"part").await;
    s.remove(&p("/f"), &ann()).await.unwrap();
    assert_eq!(reason(stat(&s, "/f", &ann()).await), Reason::NotFound);
}

async fn a_second_upload_of_ones_own_is_not_in_the_way(s: SharedStorage) {
    let mut first = open(&s, "/f", WriteHow::Replace, &ann()).await.unwrap();
    send(&mut first.sink, b"first").await.unwrap();
    put(&s, "/f", WriteHow::Replace, &ann(), b"second").await.unwrap();
    assert_eq!(get(&s, "/f").await.unwrap(), b"second");
    send(&mut first.sink, b" and last").await.unwrap();
    first.sink.commit().await.unwrap();
    assert_eq!(get(&s, "/f").await.unwrap(), b"first and last");
}

async fn a_held_part_is_not_gone_on_with(s: SharedStorage) {
    let mut first = open(&s, "/f", WriteHow::Replace, &ann()).await.unwrap();
    send(&mut first.sink, b"first").await.unwrap();
    assert_eq!(reason(open(&s, "/f", WriteHow::Append, &ann()).await), Reason::Busy);
    assert_eq!(reason(open(&s, "/f", WriteHow::At(2), &ann()).await), Reason::Busy);
    assert_eq!(reason(s.remove(&p("/f"), &ann()).await), Reason::Busy);
    first.sink.commit().await.unwrap();
    assert_eq!(get(&s, "/f").await.unwrap(), b"first");
}

async fn the_last_commit_wins(s: SharedStorage) {
    let mut of_ann = open(&s, "/f", WriteHow::Replace, &ann()).await.unwrap();
    let mut of_bob = open(&s, "/f", WriteHow::Replace, &owner("bob")).await.unwrap();
    send(&mut of_ann.sink, b"ann").await.unwrap();
    send(&mut of_bob.sink, b"bob").await.unwrap();
    of_bob.sink.commit().await.unwrap();
    assert_eq!(get(&s, "/f").await.unwrap(), b"bob");
    of_ann.sink.commit().await.unwrap();
    assert_eq!(get(&s, "/f").await.unwrap(), b"ann");
}

async fn new_refuses_a_name_that_is_taken(s: SharedStorage) {
    let mut early = open(&s, "/f", WriteHow::New, &ann()).await.unwrap();
    put(&s, "/f", WriteHow::New, &owner("bob"), b"bob").await.unwrap();
    send(&mut early.sink, b"ann").await.unwrap();
    assert_eq!(reason(early.sink.commit().await), Reason::Exists);
    assert_eq!(get(&s, "/f").await.unwrap(), b"bob");
    assert_eq!(reason(open(&s, "/f", WriteHow::New, &ann()).await), Reason::Exists);
    s.make_dir(&p("/d"), 0o755).await.unwrap();
    assert_eq!(reason(open(&s, "/d", WriteHow::New, &ann()).await), Reason::Exists);
}

async fn unique_finds_free_names(s: SharedStorage) {
    for (owner, name) in [(ann(), "/u"), (NOBODY, "/u.1"), (owner("bob"), "/u.2")] {
        assert_eq!(put(&s, "/u", WriteHow::Unique, &owner, name.as_bytes()).await.unwrap(), p(name));
        assert_eq!(get(&s, name).await.unwrap(), name.as_bytes());
    }
    assert_eq!(names(&s, "/", &ann()).await, ["u", "u.1", "u.2"]);
}

async fn unique_names_never_collide(s: SharedStorage) {
    let mut open_ones = Vec::new();
    for n in 0..6u8 {
        let who = if n % 2 == 0 { ann() } else { NOBODY };
        let mut opened = open(&s, "/u", WriteHow::Unique, &who).await.unwrap();
        send(&mut opened.sink, &[b'0' + n]).await.unwrap();
        open_ones.push(opened);
    }
    assert!(names(&s, "/", &NOBODY).await.is_empty());
    let mut expected = BTreeMap::new();
    for (n, opened) in open_ones.into_iter().enumerate() {
        expected.insert(opened.path.to_string(), n);
        opened.sink.commit().await.unwrap();
    }
    assert_eq!(expected.len(), 6, "a name was given twice");
    for (name, n) in expected {
        assert_eq!(get(&s, &name).await.unwrap(), n.to_string().as_bytes());
    }
}

async fn appending_goes_on_at_the_end(s: SharedStorage) {
    let opened = open(&s, "/log", WriteHow::Append, &ann()).await.unwrap();
    assert_eq!((opened.at, opened.before), (0, 0));
    drop(opened);
    put(&s, "/log", WriteHow::Append, &ann(), b"one").await.unwrap();
    let mut opened = open(&s, "/log", WriteHow::Append, &owner("bob")).await.unwrap();
    assert_eq!((opened.at, opened.before), (3, 3));
    send(&mut opened.sink, b"two").await.unwrap();
    opened.sink.commit().await.unwrap();
    assert_eq!(get(&s, "/log").await.unwrap(), b"onetwo");
}

async fn writing_in_place_leaves_the_rest(s: SharedStorage) {
    put(&s, "/f", WriteHow::Replace, &ann(), b"0123456789").await.unwrap();
    put(&s, "/f", WriteHow::At(4), &ann(), b"xx").await.unwrap();
    assert_eq!(get(&s, "/f").await.unwrap(), b"0123xx6789");
    put(&s, "/f", WriteHow::At(8), &ann(), b"abcd").await.unwrap();
    assert_eq!(get(&s, "/f").await.unwrap(), b"0123xx67abcd");
}

async fn beyond_the_end_is_refused(s: SharedStorage) {
    put(&s, "/f", WriteHow::Replace, &ann(), b"0123").await.unwrap();
    assert_eq!(reason(open(&s, "/f", WriteHow::At(5), &ann()).await), Reason::BeyondEnd);
    assert_eq!(reason(open(&s, "/none", WriteHow::At(1), &ann()).await), Reason::BeyondEnd);
    assert_eq!(reason(stat(&s, "/none", &ann()).await), Reason::NotFound);
    assert_eq!(names(&s, "/", &ann()).await, ["f"]);
}

async fn folders_are_made_and_removed(s: SharedStorage) {
    s.make_dir(&p("/d"), 0o755).await.unwrap();
    assert_eq!(stat(&s, "/d", &NOBODY).await.unwrap().kind, Kind::Dir);
    assert_eq!(reason(s.make_dir(&p("/d"), 0o755).await), Reason::Exists);
    assert_eq!(reason(s.make_dir(&p("/none/d"), 0o755).await), Reason::NotFound);
    put(&s, "/d/f", WriteHow::Replace, &ann(), b"x").await.unwrap();
    assert_eq!(reason(s.make_dir(&p("/d/f/g"), 0o755).await), Reason::NotAFolder);
    assert_eq!(reason(s.remove_dir(&p("/d")).await), Reason::NotEmpty);
    assert_eq!(reason(s.remove_dir(&p("/d/f")).await), Reason::NotAFolder);
    assert_eq!(reason(s.remove(&p("/d"), &ann()).await), Reason::IsAFolder);
    s.remove(&p("/d/f"), &ann()).await.unwrap();
    s.remove_dir(&p("/d")).await.unwrap();
    assert_eq!(reason(s.remove_dir(&p("/d")).await), Reason::NotFound);
    assert_eq!(reason(open(&s, "/d/f", WriteHow::Replace, &ann()).await), Reason::NotFound);
}

async fn a_folder_with_only_parts_can_be_removed(s: SharedStorage) {
    s.make_dir(&p("/d"), 0o755).await.unwrap();
    interrupt(&s, "/d/f", &ann(), b"part").await;
    s.remove_dir(&p("/d")).await.unwrap();
    assert_eq!(reason(stat(&s, "/d", &ann()).await), Reason::NotFound);
    assert!(names(&s, "/", &ann()).await.is_empty());
    s.make_dir(&p("/d"), 0o755).await.unwrap();
    assert_eq!(reason(stat(&s, "/d/f", &ann()).await), Reason::NotFound);
}

async fn a_folder_that_is_uploaded_to_stays(s: SharedStorage) {
    s.make_dir(&p("/d"), 0o755).await.unwrap();
    for who in [ann(), NOBODY] {
        let mut opened = open(&s, "/d/f", WriteHow::Replace, &who).await.unwrap();
        send(&mut opened.sink, b"whole").await.unwrap();
        assert_eq!(reason(s.remove_dir(&p("/d")).await), Reason::Busy);
        opened.sink.commit().await.unwrap();
        assert_eq!(get(&s, "/d/f").await.unwrap(), b"whole");
        s.remove(&p("/d/f"), &who).await.unwrap();
    }
    s.remove_dir(&p("/d")).await.unwrap();
}

async fn a_folder_with_parts_and_files_keeps_both(s: SharedStorage) {
    s.make_dir(&p("/d"), 0o755).await.unwrap();
    interrupt(&s, "/d/part", &ann(), b"part").await;
    put(&s, "/d/file", WriteHow::Replace, &ann(), b"file").await.unwrap();
    assert_eq!(reason(s.remove_dir(&p("/d")).await), Reason::NotEmpty);
    assert_eq!(names(&s, "/d", &ann()).await, ["file", "part"]);
    put(&s, "/d/part", WriteHow::Append, &ann(), b"!").await.unwrap();
    assert_eq!(get(&s, "/d/part").await.unwrap(), b"part!");
}

async fn what_is_no_file_is_not_read_or_written(s: SharedStorage) {
    s.make_dir(&p("/d"), 0o755).await.unwrap();
    put(&s, "/f", WriteHow::Replace, &ann(), b"x").await.unwrap();
    for how in [WriteHow::Replace, WriteHow::Append] {
        assert_eq!(reason(open(&s, "/d", how, &ann()).await), Reason::IsAFolder);
        assert_eq!(reason(open(&s, "/", how, &ann()).await), Reason::IsAFolder);
        assert_eq!(reason(open(&s, "/f/g", how, &ann()).await), Reason::NotAFolder);
    }
    assert_eq!(reason(get(&s, "/d").await), Reason::IsAFolder);
    assert_eq!(reason(get(&s, "/f/g").await), Reason::NotAFolder);
    assert_eq!(reason(s.list(&p("/f"), &ann()).await), Reason::NotAFolder);
    assert_eq!(reason(s.list(&p("/none"), &ann()).await), Reason::NotFound);
}

async fn files_are_renamed(s: SharedStorage) {
    put(&s, "/a", WriteHow::Replace, &ann(), b"a").await.unwrap();
    put(&s, "/b", WriteHow::Replace, &ann(), b"b").await.unwrap();
    s.make_dir(&p("/d"), 0o755).await.unwrap();
    assert_eq!(reason(s.rename(&p("/a"), &p("/b"), false).await), Reason::Exists);
    assert_eq!((get(&s, "/a").await.unwrap(), get(&s, "/b").await.unwrap()), (b"a".to_vec(), b"b".to_vec()));
    s.rename(&p("/a"), &p("/b"), true).await.unwrap();
    assert_eq!(get(&s, "/b").await.unwrap(), b"a");
    s.rename(&p("/b"), &p("/d/c"), false).await.unwrap();
    assert_eq!(get(&s, "/d/c").await.unwrap(), b"a");
    assert_eq!(names(&s, "/", &ann()).await, ["d"]);
    assert_eq!(reason(s.rename(&p("/none"), &p("/x"), true).await), Reason::NotFound);
    assert_eq!(reason(s.rename(&p("/d/c"), &p("/none/x"), true).await), Reason::NotFound);
    assert_eq!(reason(s.rename(&p("/d/c"), &p("/d"), false).await), Reason::Exists);
}

async fn folders_are_renamed(s: SharedStorage) {
    s.make_dir(&p("/d"), 0o755).await.unwrap();
    s.make_dir(&p("/d/e"), 0o755).await.unwrap();
    put(&s, "/d/e/f", WriteHow::Replace, &ann(), b"f").await.unwrap();
    s.rename(&p("/d"), &p("/x"), false).await.unwrap();
    assert_eq!(get(&s, "/x/e/f").await.unwrap(), b"f");
    assert_eq!(reason(s.rename(&p("/x"), &p("/x/e/y"), false).await), Reason::BadName);
    let mut opened = open(&s, "/x/new", WriteHow::Replace, &ann()).await.unwrap();
    send(&mut opened.sink, b"moved on the way").await.unwrap();
    s.rename(&p("/x"), &p("/z"), false).await.unwrap();
    opened.sink.commit().await.unwrap();
    assert_eq!(get(&s, "/z/new").await.unwrap(), b"moved on the way", "an upload goes with its folder");
}

async fn racing_renames_have_one_winner(s: SharedStorage) {
    for round in 0..10 {
        let (a, b, to) = (format!("/a{round}"), format!("/b{round}"), p(format!("/to{round}")));
        put(&s, &a, WriteHow::Replace, &ann(), b"a").await.unwrap();
        put(&s, &b, WriteHow::Replace, &ann(), b"b").await.unwrap();
        let (pa, pb) = (p(&a), p(&b));
        let (one, two) = both(s.rename(&pa, &to, false), s.rename(&pb, &to, false)).await;
        assert!(one.is_ok() != two.is_ok(), "both said {one:?}");
        let (winner, loser) = if one.is_ok() { (b"a", &b) } else { (b"b", &a) };
        assert_eq!(get(&s, &to.to_string()).await.unwrap(), winner);
        assert!(get(&s, loser).await.is_ok());
        assert_eq!(reason(if one.is_ok() { two } else { one }), Reason::Exists);
    }
}

async fn the_root_stays(s: SharedStorage) {
    let root = VPath::root();
    assert_eq!(stat(&s, "/", &NOBODY).await.unwrap().kind, Kind::Dir);
    assert_eq!(reason(s.remove_dir(&root).await), Reason::MountPoint);
    assert_eq!(reason(s.remove(&root, &ann()).await), Reason::IsAFolder);
    assert_eq!(reason(s.rename(&root, &p("/x"), true).await), Reason::MountPoint);
    assert_eq!(reason(s.make_dir(&root, 0o755).await), Reason::Exists);
    assert!(names(&s, "/", &NOBODY).await.is_empty());
}

async fn listings_show_all_once(s: SharedStorage) {
    assert!(names(&s, "/", &ann()).await.is_empty());
    s.make_dir(&p("/d"), 0o755).await.unwrap();
    put(&s, "/f", WriteHow::Replace, &ann(), b"four").await.unwrap();
    interrupt(&s, "/part", &ann(), b"half").await;
    let all = entries(&s, "/", &ann()).await;
    let mut seen: Vec<_> = all.iter().map(|e| (String::from_utf8_lossy(&e.name).into_owned(), e.attr.kind)).collect();
    seen.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(seen, [("d".to_owned(), Kind::Dir), ("f".to_owned(), Kind::File), ("part".to_owned(), Kind::File)]);
    for entry in &all {
        let path = p([b"/", &*entry.name].concat());
        assert_eq!(entry.attr, s.stat(&path, false, &ann()).await.unwrap(), "{path}");
    }
    let mut listing = s.list(&VPath::root(), &ann()).await.unwrap();
    listing.names_only();
    let page = listing.next_page().await.unwrap();
    assert_eq!(page.len(), 3);
    assert!(page.iter().any(|e| *e.name == *b"d" && e.attr.kind == Kind::Dir));
}

async fn large_listings_come_in_pages(s: SharedStorage) {
    s.make_dir(&p("/many"), 0o755).await.unwrap();
    for n in 0..1_500 {
        put(&s, &format!("/many/{n:05}"), WriteHow::Replace, &NOBODY, b"").await.unwrap();
    }
    let mut listing = s.list(&p("/many"), &ann()).await.unwrap();
    let (mut seen, mut pages) = (std::collections::BTreeSet::new(), 0);
    loop {
        let page = listing.next_page().await.unwrap();
        if page.is_empty() {
            break;
        }
        pages += 1;
        assert!(page.len() <= 1_024, "a page of {}", page.len());
        for entry in page {
            assert!(seen.insert(entry.name), "shown twice");
        }
    }
    assert!(pages > 1 && seen.len() == 1_500, "{} names on {pages} pages", seen.len());
    assert!(listing.next_page().await.unwrap().is_empty());
}

async fn odd_names_are_names(s: SharedStorage) {
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
        b"\xff\xfe",
        b"...",
        b"..a",
        b"*?[x]",
        b"back\\slash",
        b"~tilde",
        b"%41",
        b".hidden",
        b"\x01\x1b[31m",
    ];
    let longest = [b'n'; 255];
    let mut expected: Vec<Vec<u8>> = odd.iter().map(|n| n.to_vec()).collect();
    expected.push(longest.to_vec());
    for name in &expected {
        let path = p([b"/", name.as_slice()].concat());
        let order = WriteOrder { how: WriteHow::Replace, mode: 0o644, owner: &ann() };
        let mut opened = s.write(&path, order).await.unwrap();
        send(&mut opened.sink, name).await.unwrap();
        assert_eq!(s.stat(&path, true, &ann()).await.unwrap().size, name.len() as u64, "one's own, on the way: {path}");
        opened.sink.abandon().await;
        let order = WriteOrder { how: WriteHow::Append, mode: 0o644, owner: &ann() };
        s.write(&path, order).await.unwrap().sink.commit().await.unwrap();
        let (_, source) = s.read(&path, 0, &NOBODY).await.unwrap();
        assert_eq!(&source.read_to_end().await.unwrap(), name, "{path}");
    }
    let mut seen: Vec<_> = entries(&s, "/", &NOBODY).await.into_iter().map(|e| e.name.into_vec()).collect();
    seen.sort();
    expected.sort();
    assert_eq!(seen, expected);
}

async fn reserved_names_do_not_exist(s: SharedStorage) {
    let hidden = "/.~carrack~part~x";
    for how in [WriteHow::Replace, WriteHow::Append, WriteHow::New, WriteHow::Unique] {
        assert_eq!(reason(open(&s, hidden, how, &ann()).await), Reason::BadName);
    }
    assert_eq!(reason(s.make_dir(&p(hidden), 0o755).await), Reason::BadName);
    put(&s, "/f", WriteHow::Replace, &ann(), b"x").await.unwrap();
    assert_eq!(reason(s.rename(&p("/f"), &p(hidden), true).await), Reason::BadName);
    assert_eq!(reason(stat(&s, hidden, &ann()).await), Reason::NotFound);
    assert_eq!(reason(get(&s, hidden).await), Reason::NotFound);
    assert_eq!(reason(s.list(&p(hidden), &ann()).await), Reason::NotFound);
    assert_eq!(reason(s.remove(&p(hidden), &ann()).await), Reason::NotFound);
    assert_eq!(reason(s.rename(&p(hidden), &p("/g"), true).await), Reason::NotFound);
    assert_eq!(reason(stat(&s, ".~carrack~d/f", &ann()).await), Reason::NotFound);
}

async fn times_are_kept(s: SharedStorage) {
    put(&s, "/f", WriteHow::Replace, &ann(), b"x").await.unwrap();
    s.make_dir(&p("/d"), 0o755).await.unwrap();
    for path in ["/f", "/d"] {
        for time in [Time { seconds: 951_827_696, nanos: 123_000_000 }, Time { seconds: -86_400, nanos: 0 }] {
            let change = AttrChange { modified: Some(time), ..AttrChange::default() };
            let attr = s.set_attr(&p(path), &change).await.unwrap();
            assert_eq!(attr.modified, Some(time), "{path}");
            assert_eq!(stat(&s, path, &NOBODY).await.unwrap(), attr);
        }
    }
    let missing = s.set_attr(&p("/none"), &AttrChange::default()).await;
    assert_eq!(reason(missing), Reason::NotFound);
}

async fn modes_are_kept(s: SharedStorage) {
    put(&s, "/f", WriteHow::Replace, &ann(), b"x").await.unwrap();
    assert_eq!(stat(&s, "/f", &NOBODY).await.unwrap().mode, Some(0o644));
    s.make_dir(&p("/d"), 0o777).await.unwrap();
    assert_eq!(stat(&s, "/d", &NOBODY).await.unwrap().mode, Some(0o777));
    for mode in [0o600, 0o444, 0o755] {
        let change = AttrChange { mode: Some(mode), ..AttrChange::default() };
        for path in ["/f", "/d"] {
            assert_eq!(s.set_attr(&p(path), &change).await.unwrap().mode, Some(mode), "{path}");
        }
    }
    for mode in [0o666, 0o440, 0o600] {
        let order = WriteOrder { how: WriteHow::Replace, mode, owner: &ann() };
        let path = p(format!("/m{mode:o}"));
        s.write(&path, order).await.unwrap().sink.commit().await.unwrap();
        assert_eq!(s.stat(&path, true, &NOBODY).await.unwrap().mode, Some(mode));
    }
}

async fn a_replacement_keeps_the_mode(s: SharedStorage) {
    put(&s, "/f", WriteHow::Replace, &ann(), b"x").await.unwrap();
    s.set_attr(&p("/f"), &AttrChange { mode: Some(0o640), ..AttrChange::default() }).await.unwrap();
    put(&s, "/f", WriteHow::Replace, &ann(), b"y").await.unwrap();
    assert_eq!(stat(&s, "/f", &NOBODY).await.unwrap().mode, Some(0o640));
}

async fn links_inside_are_followed(s: SharedStorage) {
    s.make_dir(&p("/d"), 0o755).await.unwrap();
    s.make_dir(&p("/d/e"), 0o755).await.unwrap();
    put(&s, "/d/f", WriteHow::Replace, &ann(), b"inside").await.unwrap();
    s.link(&p("/to_f"), b"d/f").await.unwrap();
    s.link(&p("/to_d"), b"d").await.unwrap();
    s.link(&p("/d/e/up"), b"../../to_d/f").await.unwrap();
    for path in ["/to_f", "/to_d/f", "/d/e/up", "/to_d/e/up"] {
        assert_eq!(get(&s, path).await.unwrap(), b"inside", "{path}");
    }
    let link = s.stat(&p("/to_f"), false, &NOBODY).await.unwrap();
    assert_eq!((link.kind, stat(&s, "/to_f", &NOBODY).await.unwrap().kind), (Kind::Link, Kind::File));
    assert_eq!(names(&s, "/to_d", &NOBODY).await, ["e", "f"]);
    let shown = entries(&s, "/", &NOBODY).await;
    let shown = shown.iter().find(|e| *e.name == *b"to_f").unwrap();
    assert_eq!((shown.attr.kind, shown.target.as_deref()), (Kind::Link, Some(&b"d/f"[..])));
    assert_eq!(reason(s.link(&p("/to_f"), b"x").await), Reason::Exists);
    s.rename(&p("/to_f"), &p("/moved"), false).await.unwrap();
    assert_eq!(s.stat(&p("/moved"), false, &NOBODY).await.unwrap().kind, Kind::Link);
    s.remove(&p("/moved"), &ann()).await.unwrap();
    assert_eq!(get(&s, "/d/f").await.unwrap(), b"inside", "removing a link leaves what it led to");
    assert_eq!(reason(s.remove_dir(&p("/to_d")).await), Reason::NotAFolder);
}

async fn links_outside_are_shown_and_not_opened(s: SharedStorage) {
    s.make_dir(&p("/d"), 0o755).await.unwrap();
    for (name, target) in [("/abs", "/etc/passwd"), ("/up", "../../etc/passwd"), ("/d/up", "../../etc/passwd"), ("/root", "..")] {
        s.link(&p(name), target.as_bytes()).await.unwrap();
        assert_eq!(s.stat(&p(name), false, &NOBODY).await.unwrap().kind, Kind::Link);
        assert_eq!(reason(stat(&s, name, &ann()).await), Reason::LeadsOutside, "{name}");
        assert_eq!(reason(get(&s, name).await), Reason::LeadsOutside, "{name}");
        assert_eq!(reason(s.list(&p(name), &ann()).await), Reason::LeadsOutside, "{name}");
        let outcome = reason(open(&s, name, WriteHow::Replace, &ann()).await);
        assert!(matches!(outcome, Reason::LeadsOutside | Reason::IsAFolder), "{name}: {outcome}");
        let change = AttrChange { mode: Some(0o777), ..AttrChange::default() };
        assert_eq!(reason(s.set_attr(&p(name), &change).await), Reason::LeadsOutside, "{name}");
        assert_eq!(reason(s.make_dir(&p(format!("{name}/x")), 0o755).await), Reason::LeadsOutside, "{name}");
    }
    let shown = entries(&s, "/", &NOBODY).await;
    assert!(shown.iter().any(|e| *e.name == *b"abs" && e.target.as_deref() == Some(b"/etc/passwd")));
}

async fn links_in_circles_are_told(s: SharedStorage) {
    s.link(&p("/a"), b"b").await.unwrap();
    s.link(&p("/b"), b"a").await.unwrap();
    s.link(&p("/self"), b"self/x").await.unwrap();
    for path in ["/a", "/self", "/a/x"] {
        assert_eq!(reason(stat(&s, path, &ann()).await), Reason::LinkLoop, "{path}");
        assert_eq!(reason(get(&s, path).await), Reason::LinkLoop, "{path}");
        assert_eq!(reason(open(&s, path, WriteHow::Replace, &ann()).await), Reason::LinkLoop, "{path}");
    }
    assert_eq!(names(&s, "/", &ann()).await, ["a", "b", "self"]);
}

async fn uploads_go_through_links(s: SharedStorage) {
    s.make_dir(&p("/d"), 0o755).await.unwrap();
    put(&s, "/d/f", WriteHow::Replace, &ann(), b"old").await.unwrap();
    s.link(&p("/l"), b"d/f").await.unwrap();
    s.link(&p("/dangling"), b"d/new").await.unwrap();
    put(&s, "/l", WriteHow::Replace, &ann(), b"through").await.unwrap();
    assert_eq!(get(&s, "/d/f").await.unwrap(), b"through");
    assert_eq!(s.stat(&p("/l"), false, &NOBODY).await.unwrap().kind, Kind::Link, "the link stays a link");
    interrupt(&s, "/dangling", &ann(), b"part").await;
    assert_eq!(stat(&s, "/dangling", &ann()).await.unwrap().size, 4);
    assert_eq!(reason(stat(&s, "/dangling", &NOBODY).await), Reason::NotFound);
    put(&s, "/dangling", WriteHow::Replace, &ann(), b"made").await.unwrap();
    assert_eq!(get(&s, "/d/new").await.unwrap(), b"made");
    assert_eq!(reason(open(&s, "/l", WriteHow::New, &ann()).await), Reason::Exists);
}

async fn links_reach_no_reserved_name(s: SharedStorage) {
    for target in [&b".~carrack~part~x"[..], b"d/.~carrack~part~x", b"d/../.~carrack~x/f", b""] {
        assert_eq!(reason(s.link(&p("/l"), target).await), Reason::BadName);
    }
}

async fn space_is_told(s: SharedStorage) {
    let space = s.space(&VPath::root()).await.unwrap();
    if let (Some(free), Some(total)) = (space.free, space.total) {
        assert!(free <= total && total > 0);
    }
    assert_eq!(reason(s.space(&p("/none")).await), Reason::NotFound);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{contract, p};
    use crate::storage::{Durability, SharedStorage};
    use crate::{LocalSettings, LocalStorage, MemorySettings, MemoryStorage, Mounts};
    use types::VPath;

    fn local(durability: Durability) -> (SharedStorage, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let settings = LocalSettings { durability, ..LocalSettings::default() };
        (Arc::new(LocalStorage::open(folder.path(), settings).unwrap()), folder)
    }

    fn memory() -> SharedStorage {
        Arc::new(MemoryStorage::new(MemorySettings::default()))
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn local_disk_keeps_the_contract() {
        contract(|| local(Durability::Os)).await;
    }

    #[tokio::test]
    async fn local_disk_keeps_it_when_it_syncs() {
        let folder = std::path::Path::new("/dev/shm");
        contract(|| {
            // Syncing costs nothing here; what is tested is the way through it.
            let folder = tempfile::tempdir_in(folder).or_else(|_| tempfile::tempdir()).unwrap();
            let storage = LocalStorage::open(folder.path(), LocalSettings::default()).unwrap();
            (Arc::new(storage) as SharedStorage, folder)
        })
        .await;
    }

    #[tokio::test]
    async fn memory_keeps_the_contract() {
        contract(|| (memory(), ())).await;
    }

    #[tokio::test]
    async fn mounts_keep_the_contract() {
        contract(|| (Arc::new(Mounts::new([(VPath::root(), memory())]).unwrap()) as SharedStorage, ())).await;
    }

    #[tokio::test]
    async fn a_mount_below_keeps_the_contract() {
        contract(|| {
            let mounts = Arc::new(Mounts::new([(p("/in/here"), memory())]).unwrap());
            (Arc::new(Chroot(mounts, p("/in/here"))) as SharedStorage, ())
        })
        .await;
    }

    use io::body::{BoxFuture, Source};
    use types::{Attr, AttrChange, Error, Space};

    use crate::storage::{Capability, Listing, Opened, Owner, Storage, WriteOrder};

    /// Looks at a storage from one of its folders, so that paths through a mount are put to the contract.
    struct Chroot(SharedStorage, VPath);

    macro_rules! below {
        ($self:ident, $path:ident, $call:ident $(, $arg:expr)*) => {
            Box::pin(async move { $self.0.$call(&$path.under(&$self.1).unwrap() $(, $arg)*).await })
        };
    }

    impl Storage for Chroot {
        fn capability(&self) -> Capability {
            self.0.capability()
        }
        fn stat<'a>(&'a self, path: &'a VPath, follow: bool, owner: &'a Owner) -> BoxFuture<'a, Result<Attr, Error>> {
            below!(self, path, stat, follow, owner)
        }
        fn read<'a>(&'a self, path: &'a VPath, at: u64, owner: &'a Owner) -> BoxFuture<'a, Result<(Attr, Source), Error>> {
            below!(self, path, read, at, owner)
        }
        fn write<'a>(&'a self, path: &'a VPath, order: WriteOrder<'a>) -> BoxFuture<'a, Result<Opened, Error>> {
            Box::pin(async move {
                let opened = self.0.write(&path.under(&self.1).unwrap(), order).await?;
                Ok(Opened { path: opened.path.below(&self.1).unwrap(), ..opened })
            })
        }
        fn list<'a>(&'a self, path: &'a VPath, owner: &'a Owner) -> BoxFuture<'a, Result<Box<dyn Listing>, Error>> {
            below!(self, path, list, owner)
        }
        fn make_dir<'a>(&'a self, path: &'a VPath, mode: u32) -> BoxFuture<'a, Result<(), Error>> {
            below!(self, path, make_dir, mode)
        }
        fn remove_dir<'a>(&'a self, path: &'a VPath) -> BoxFuture<'a, Result<(), Error>> {
            below!(self, path, remove_dir)
        }
        fn remove<'a>(&'a self, path: &'a VPath, owner: &'a Owner) -> BoxFuture<'a, Result<(), Error>> {
            below!(self, path, remove, owner)
        }
        fn rename<'a>(&'a self, from: &'a VPath, to: &'a VPath, replace: bool) -> BoxFuture<'a, Result<(), Error>> {
            below!(self, from, rename, &to.under(&self.1).unwrap(), replace)
        }
        fn set_attr<'a>(&'a self, path: &'a VPath, change: &'a AttrChange) -> BoxFuture<'a, Result<Attr, Error>> {
            below!(self, path, set_attr, change)
        }
        fn link<'a>(&'a self, path: &'a VPath, target: &'a [u8]) -> BoxFuture<'a, Result<(), Error>> {
            below!(self, path, link, target)
        }
        fn space<'a>(&'a self, path: &'a VPath) -> BoxFuture<'a, Result<Space, Error>> {
            below!(self, path, space)
        }
    }
}
