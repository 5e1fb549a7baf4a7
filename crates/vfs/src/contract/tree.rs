//! Folders, names, listings and attributes.

use types::{AttrChange, Kind, Reason, Time, VPath, WriteHow};

use super::{NOBODY, ann, both, entries, get, interrupt, names, open, p, put, reason, send, stat};
use crate::storage::{SharedStorage, WriteOrder};

pub(super) async fn folders_are_made_and_removed(s: SharedStorage) {
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

pub(super) async fn a_folder_with_only_parts_can_be_removed(s: SharedStorage) {
    s.make_dir(&p("/d"), 0o755).await.unwrap();
    interrupt(&s, "/d/f", &ann(), b"part").await;
    s.remove_dir(&p("/d")).await.unwrap();
    assert_eq!(reason(stat(&s, "/d", &ann()).await), Reason::NotFound);
    assert!(names(&s, "/", &ann()).await.is_empty());
    s.make_dir(&p("/d"), 0o755).await.unwrap();
    assert_eq!(reason(stat(&s, "/d/f", &ann()).await), Reason::NotFound);
}

pub(super) async fn a_folder_that_is_uploaded_to_stays(s: SharedStorage) {
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

pub(super) async fn a_folder_with_parts_and_files_keeps_both(s: SharedStorage) {
    s.make_dir(&p("/d"), 0o755).await.unwrap();
    interrupt(&s, "/d/part", &ann(), b"part").await;
    put(&s, "/d/file", WriteHow::Replace, &ann(), b"file").await.unwrap();
    assert_eq!(reason(s.remove_dir(&p("/d")).await), Reason::NotEmpty);
    assert_eq!(names(&s, "/d", &ann()).await, ["file", "part"]);
    put(&s, "/d/part", WriteHow::Append, &ann(), b"!").await.unwrap();
    assert_eq!(get(&s, "/d/part").await.unwrap(), b"part!");
}

pub(super) async fn what_is_no_file_is_not_read_or_written(s: SharedStorage) {
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

pub(super) async fn files_are_renamed(s: SharedStorage) {
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

pub(super) async fn folders_are_renamed(s: SharedStorage) {
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

pub(super) async fn racing_renames_have_one_winner(s: SharedStorage) {
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

pub(super) async fn the_root_stays(s: SharedStorage) {
    let root = VPath::root();
    assert_eq!(stat(&s, "/", &NOBODY).await.unwrap().kind, Kind::Dir);
    assert_eq!(reason(s.remove_dir(&root).await), Reason::MountPoint);
    assert_eq!(reason(s.remove(&root, &ann()).await), Reason::IsAFolder);
    assert_eq!(reason(s.rename(&root, &p("/x"), true).await), Reason::MountPoint);
    assert_eq!(reason(s.make_dir(&root, 0o755).await), Reason::Exists);
    assert!(names(&s, "/", &NOBODY).await.is_empty());
}

pub(super) async fn listings_show_all_once(s: SharedStorage) {
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

pub(super) async fn large_listings_come_in_pages(s: SharedStorage) {
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

pub(super) async fn odd_names_are_names(s: SharedStorage) {
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

pub(super) async fn reserved_names_do_not_exist(s: SharedStorage) {
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

pub(super) async fn times_are_kept(s: SharedStorage) {
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

pub(super) async fn modes_are_kept(s: SharedStorage) {
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

pub(super) async fn a_replacement_keeps_the_mode(s: SharedStorage) {
    put(&s, "/f", WriteHow::Replace, &ann(), b"x").await.unwrap();
    s.set_attr(&p("/f"), &AttrChange { mode: Some(0o640), ..AttrChange::default() }).await.unwrap();
    put(&s, "/f", WriteHow::Replace, &ann(), b"y").await.unwrap();
    assert_eq!(stat(&s, "/f", &NOBODY).await.unwrap().mode, Some(0o640));
}

pub(super) async fn space_is_told(s: SharedStorage) {
    let space = s.space(&VPath::root()).await.unwrap();
    if let (Some(free), Some(total)) = (space.free, space.total) {
        assert!(free <= total && total > 0);
    }
    assert_eq!(reason(s.space(&p("/none")).await), Reason::NotFound);
}
