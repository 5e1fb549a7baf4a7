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

mod handles;
mod links;
#[cfg(test)]
mod tests;
mod tree;
mod uploads;

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::Poll;

use bytes::Bytes;
use io::body::{BoxFuture, Sink};
use types::{Attr, Entry, Error, Reason, VPath, WriteHow};

use crate::storage::{Capability, Opened, Owner, SharedStorage, WriteOrder};

use handles::*;
use links::*;
use tree::*;
use uploads::*;

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
    one_at_a_time_writes_in_place if |c| c.write_at;
    what_is_appended_to_a_replaced_file_is_not_confirmed if |c| c.write_at;
    what_is_appended_to_a_removed_file_is_not_confirmed if |c| c.write_at;
    what_is_appended_to_goes_where_its_file_is_moved if |c| c.write_at;
    appending_replaces_nothing_that_was_made_meanwhile if |c| c.write_at;
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
    a_second_name_is_the_same_file if |c| c.links;
    space_is_told if ALWAYS;
    what_stands_is_written_in_place if |c| c.open;
    what_is_made_appears_when_it_is_closed if |c| c.open;
    opening_says_what_is_in_the_way if |c| c.open;
}

/// Runs every case the storage can pass on a storage of its own. What `make` gives beside it lives as long.
///
/// # Panics
/// Where the storage breaks the contract.
pub async fn contract<G>(make: impl Fn() -> (SharedStorage, G)) {
    contract_but(&[], make).await;
}

/// As [`contract`], without these cases: for storages that cannot keep all of it by their nature, such as another server.
///
/// # Panics
/// Where the storage breaks the rest of the contract, or there is no such case.
pub async fn contract_but<G>(without: &[&str], make: impl Fn() -> (SharedStorage, G)) {
    for name in without {
        assert!(CASES.iter().any(|(case, ..)| case == name), "there is no case {name}");
    }
    for (name, needs, case) in CASES.iter().filter(|(name, ..)| !without.contains(name)) {
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
