//! Reading and writing: whole or not at all, and going on after an interruption (promise 1).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use types::{Kind, Reason, WriteHow};

use super::{NOBODY, ann, both, get, get_from, interrupt, names, open, owner, p, put, reason, send, stat};
use crate::storage::SharedStorage;

pub(super) async fn an_upload_is_read_back(s: SharedStorage) {
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

pub(super) async fn an_empty_file_is_a_file(s: SharedStorage) {
    put(&s, "/empty", WriteHow::Replace, &ann(), b"").await.unwrap();
    assert_eq!(stat(&s, "/empty", &NOBODY).await.unwrap().size, 0);
    assert_eq!(get(&s, "/empty").await.unwrap(), b"");
    put(&s, "/none", WriteHow::Replace, &NOBODY, b"").await.unwrap();
    assert_eq!(names(&s, "/", &NOBODY).await, ["empty", "none"]);
}

pub(super) async fn reading_starts_anywhere_up_to_the_end(s: SharedStorage) {
    put(&s, "/a", WriteHow::Replace, &ann(), b"0123456789").await.unwrap();
    assert_eq!(get_from(&s, "/a", 4, &NOBODY).await.unwrap(), b"456789");
    assert_eq!(get_from(&s, "/a", 10, &NOBODY).await.unwrap(), b"");
    assert_eq!(reason(get_from(&s, "/a", 11, &NOBODY).await), Reason::BeyondEnd);
}

pub(super) async fn nobody_sees_half_a_new_file(s: SharedStorage) {
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

pub(super) async fn nobody_sees_half_a_replacement(s: SharedStorage) {
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

pub(super) async fn a_reader_sees_old_or_new(s: SharedStorage) {
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

pub(super) async fn a_reader_keeps_what_it_opened(s: SharedStorage) {
    put(&s, "/f", WriteHow::Replace, &ann(), b"old").await.unwrap();
    let (_, source) = s.read(&p("/f"), 0, &NOBODY).await.unwrap();
    put(&s, "/f", WriteHow::Replace, &ann(), b"brand new").await.unwrap();
    assert_eq!(source.read_to_end().await.unwrap(), b"old");
    let (_, source) = s.read(&p("/f"), 0, &NOBODY).await.unwrap();
    s.remove(&p("/f"), &ann()).await.unwrap();
    assert_eq!(source.read_to_end().await.unwrap(), b"brand new");
}

pub(super) async fn an_aborted_replacement_changes_nothing(s: SharedStorage) {
    put(&s, "/f", WriteHow::Replace, &ann(), b"old").await.unwrap();
    interrupt(&s, "/f", &ann(), b"new and longer").await;
    assert_eq!(get_from(&s, "/f", 0, &ann()).await.unwrap(), b"old");
    s.remove(&p("/f"), &ann()).await.unwrap();
    assert_eq!(reason(stat(&s, "/f", &ann()).await), Reason::NotFound, "nothing of a replacement is kept");
}

pub(super) async fn the_owner_goes_on_after_an_interruption(s: SharedStorage) {
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

pub(super) async fn a_part_is_cut_where_its_owner_goes_on(s: SharedStorage) {
    interrupt(&s, "/big", &ann(), b"0123456789").await;
    assert_eq!(reason(open(&s, "/big", WriteHow::At(11), &ann()).await), Reason::BeyondEnd);
    assert_eq!(stat(&s, "/big", &ann()).await.unwrap().size, 10, "what was refused changed nothing");
    put(&s, "/big", WriteHow::At(3), &ann(), b"xy").await.unwrap();
    assert_eq!(get(&s, "/big").await.unwrap(), b"012xy");
}

pub(super) async fn a_new_upload_begins_a_part_anew(s: SharedStorage) {
    interrupt(&s, "/f", &ann(), b"a long beginning").await;
    put(&s, "/f", WriteHow::Replace, &ann(), b"short").await.unwrap();
    assert_eq!(get(&s, "/f").await.unwrap(), b"short");
}

pub(super) async fn an_empty_part_is_not_kept(s: SharedStorage) {
    interrupt(&s, "/f", &ann(), b"").await;
    assert_eq!(reason(stat(&s, "/f", &ann()).await), Reason::NotFound);
}

pub(super) async fn an_owner_of_none_keeps_nothing(s: SharedStorage) {
    interrupt(&s, "/f", &NOBODY, b"anonymous").await;
    assert_eq!(reason(stat(&s, "/f", &NOBODY).await), Reason::NotFound);
    assert_eq!(reason(open(&s, "/f", WriteHow::At(9), &NOBODY).await), Reason::BeyondEnd);
    let opened = open(&s, "/f", WriteHow::Append, &NOBODY).await.unwrap();
    assert_eq!(opened.at, 0);
}

pub(super) async fn parts_are_invisible_to_others(s: SharedStorage) {
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

pub(super) async fn parts_can_be_removed_by_their_owner(s: SharedStorage) {
    interrupt(&s, "/f", &ann(), b"part").await;
    s.remove(&p("/f"), &ann()).await.unwrap();
    assert_eq!(reason(stat(&s, "/f", &ann()).await), Reason::NotFound);
}

pub(super) async fn a_second_upload_of_ones_own_is_not_in_the_way(s: SharedStorage) {
    let mut first = open(&s, "/f", WriteHow::Replace, &ann()).await.unwrap();
    send(&mut first.sink, b"first").await.unwrap();
    put(&s, "/f", WriteHow::Replace, &ann(), b"second").await.unwrap();
    assert_eq!(get(&s, "/f").await.unwrap(), b"second");
    send(&mut first.sink, b" and last").await.unwrap();
    first.sink.commit().await.unwrap();
    assert_eq!(get(&s, "/f").await.unwrap(), b"first and last");
}

pub(super) async fn a_held_part_is_not_gone_on_with(s: SharedStorage) {
    let mut first = open(&s, "/f", WriteHow::Replace, &ann()).await.unwrap();
    send(&mut first.sink, b"first").await.unwrap();
    assert_eq!(reason(open(&s, "/f", WriteHow::Append, &ann()).await), Reason::Busy);
    assert_eq!(reason(open(&s, "/f", WriteHow::At(2), &ann()).await), Reason::Busy);
    assert_eq!(reason(s.remove(&p("/f"), &ann()).await), Reason::Busy);
    first.sink.commit().await.unwrap();
    assert_eq!(get(&s, "/f").await.unwrap(), b"first");
}

pub(super) async fn the_last_commit_wins(s: SharedStorage) {
    let mut of_ann = open(&s, "/f", WriteHow::Replace, &ann()).await.unwrap();
    let mut of_bob = open(&s, "/f", WriteHow::Replace, &owner("bob")).await.unwrap();
    send(&mut of_ann.sink, b"ann").await.unwrap();
    send(&mut of_bob.sink, b"bob").await.unwrap();
    of_bob.sink.commit().await.unwrap();
    assert_eq!(get(&s, "/f").await.unwrap(), b"bob");
    of_ann.sink.commit().await.unwrap();
    assert_eq!(get(&s, "/f").await.unwrap(), b"ann");
}

pub(super) async fn new_refuses_a_name_that_is_taken(s: SharedStorage) {
    let mut early = open(&s, "/f", WriteHow::New, &ann()).await.unwrap();
    put(&s, "/f", WriteHow::New, &owner("bob"), b"bob").await.unwrap();
    send(&mut early.sink, b"ann").await.unwrap();
    assert_eq!(reason(early.sink.commit().await), Reason::Exists);
    assert_eq!(get(&s, "/f").await.unwrap(), b"bob");
    assert_eq!(reason(open(&s, "/f", WriteHow::New, &ann()).await), Reason::Exists);
    s.make_dir(&p("/d"), 0o755).await.unwrap();
    assert_eq!(reason(open(&s, "/d", WriteHow::New, &ann()).await), Reason::Exists);
}

pub(super) async fn unique_finds_free_names(s: SharedStorage) {
    for (owner, name) in [(ann(), "/u"), (NOBODY, "/u.1"), (owner("bob"), "/u.2")] {
        assert_eq!(put(&s, "/u", WriteHow::Unique, &owner, name.as_bytes()).await.unwrap(), p(name));
        assert_eq!(get(&s, name).await.unwrap(), name.as_bytes());
    }
    assert_eq!(names(&s, "/", &ann()).await, ["u", "u.1", "u.2"]);
}

pub(super) async fn unique_names_never_collide(s: SharedStorage) {
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

pub(super) async fn appending_goes_on_at_the_end(s: SharedStorage) {
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

pub(super) async fn writing_in_place_leaves_the_rest(s: SharedStorage) {
    put(&s, "/f", WriteHow::Replace, &ann(), b"0123456789").await.unwrap();
    put(&s, "/f", WriteHow::At(4), &ann(), b"xx").await.unwrap();
    assert_eq!(get(&s, "/f").await.unwrap(), b"0123xx6789");
    put(&s, "/f", WriteHow::At(8), &ann(), b"abcd").await.unwrap();
    assert_eq!(get(&s, "/f").await.unwrap(), b"0123xx67abcd");
}

pub(super) async fn beyond_the_end_is_refused(s: SharedStorage) {
    put(&s, "/f", WriteHow::Replace, &ann(), b"0123").await.unwrap();
    assert_eq!(reason(open(&s, "/f", WriteHow::At(5), &ann()).await), Reason::BeyondEnd);
    assert_eq!(reason(open(&s, "/none", WriteHow::At(1), &ann()).await), Reason::BeyondEnd);
    assert_eq!(reason(stat(&s, "/none", &ann()).await), Reason::NotFound);
    assert_eq!(names(&s, "/", &ann()).await, ["f"]);
}

pub(super) async fn one_at_a_time_writes_in_place(s: SharedStorage) {
    put(&s, "/log", WriteHow::Replace, &ann(), b"one").await.unwrap();
    for how in [WriteHow::Append, WriteHow::At(3)] {
        let mut first = open(&s, "/log", how, &ann()).await.unwrap();
        for who in [ann(), owner("bob"), NOBODY] {
            assert_eq!(reason(open(&s, "/log", WriteHow::Append, &who).await), Reason::Busy);
            assert_eq!(reason(open(&s, "/log", WriteHow::At(1), &who).await), Reason::Busy);
        }
        send(&mut first.sink, b"two").await.unwrap();
        first.sink.abandon().await;
    }
    assert_eq!(get(&s, "/log").await.unwrap(), b"onetwo", "what was refused wrote nothing");
    let mut second = open(&s, "/log", WriteHow::Append, &owner("bob")).await.unwrap();
    assert_eq!((second.at, second.before), (6, 6));
    send(&mut second.sink, b"three").await.unwrap();
    second.sink.commit().await.unwrap();
    put(&s, "/log", WriteHow::Append, &ann(), b"four").await.unwrap();
    assert_eq!(get(&s, "/log").await.unwrap(), b"onetwothreefour");
}

pub(super) async fn what_is_appended_to_a_replaced_file_is_not_confirmed(s: SharedStorage) {
    for how in [WriteHow::Append, WriteHow::At(1)] {
        put(&s, "/f", WriteHow::Replace, &ann(), b"old").await.unwrap();
        let mut late = open(&s, "/f", how, &ann()).await.unwrap();
        send(&mut late.sink, b"more").await.unwrap();
        put(&s, "/f", WriteHow::Replace, &owner("bob"), b"new").await.unwrap();
        send(&mut late.sink, b"and more").await.unwrap();
        assert_eq!(reason(late.sink.commit().await), Reason::Busy);
        assert_eq!(get(&s, "/f").await.unwrap(), b"new");
        let mut late = open(&s, "/f", how, &ann()).await.unwrap();
        send(&mut late.sink, b"more").await.unwrap();
        put(&s, "/other", WriteHow::Replace, &ann(), b"moved").await.unwrap();
        s.rename(&p("/other"), &p("/f"), true).await.unwrap();
        assert_eq!(reason(late.sink.commit().await), Reason::Busy);
        assert_eq!(get(&s, "/f").await.unwrap(), b"moved");
    }
}

pub(super) async fn what_is_appended_to_a_removed_file_is_not_confirmed(s: SharedStorage) {
    put(&s, "/f", WriteHow::Replace, &ann(), b"old").await.unwrap();
    let mut late = open(&s, "/f", WriteHow::Append, &ann()).await.unwrap();
    send(&mut late.sink, b"more").await.unwrap();
    s.remove(&p("/f"), &owner("bob")).await.unwrap();
    assert_eq!(reason(late.sink.commit().await), Reason::Busy);
    assert_eq!(reason(stat(&s, "/f", &ann()).await), Reason::NotFound);
}

pub(super) async fn what_is_appended_to_goes_where_its_file_is_moved(s: SharedStorage) {
    put(&s, "/f", WriteHow::Replace, &ann(), b"one").await.unwrap();
    let mut opened = open(&s, "/f", WriteHow::Append, &ann()).await.unwrap();
    send(&mut opened.sink, b"two").await.unwrap();
    s.rename(&p("/f"), &p("/g"), false).await.unwrap();
    opened.sink.commit().await.unwrap();
    assert_eq!(get(&s, "/g").await.unwrap(), b"onetwo");
    let mut opened = open(&s, "/g", WriteHow::Append, &ann()).await.unwrap();
    send(&mut opened.sink, b"three").await.unwrap();
    s.rename(&p("/g"), &p("/f"), false).await.unwrap();
    put(&s, "/g", WriteHow::Replace, &owner("bob"), b"of bob").await.unwrap();
    assert_eq!(reason(opened.sink.commit().await), Reason::Busy, "the name that was asked for has other bytes");
    assert_eq!(get(&s, "/g").await.unwrap(), b"of bob");
}

pub(super) async fn appending_replaces_nothing_that_was_made_meanwhile(s: SharedStorage) {
    let mut of_ann = open(&s, "/log", WriteHow::Append, &ann()).await.unwrap();
    let mut of_bob = open(&s, "/log", WriteHow::Append, &owner("bob")).await.unwrap();
    send(&mut of_ann.sink, b"ann").await.unwrap();
    send(&mut of_bob.sink, b"bob").await.unwrap();
    of_bob.sink.commit().await.unwrap();
    assert_eq!(reason(of_ann.sink.commit().await), Reason::Exists);
    assert_eq!(get(&s, "/log").await.unwrap(), b"bob");
}
