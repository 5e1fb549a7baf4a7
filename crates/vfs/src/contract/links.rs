//! Symbolic links: followed inside, shown and not opened where they lead outside (promise 2).

use types::{AttrChange, Kind, Reason, WriteHow};

use super::{NOBODY, ann, entries, get, interrupt, names, open, p, put, reason, stat};
use crate::storage::SharedStorage;

pub(super) async fn links_inside_are_followed(s: SharedStorage) {
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
    assert_eq!(*s.read_link(&p("/to_d/e/up")).await.unwrap(), *b"../../to_d/f");
    assert_eq!(reason(s.read_link(&p("/d/f")).await), Reason::NotALink);
    assert_eq!(reason(s.read_link(&p("/none")).await), Reason::NotFound);
    s.rename(&p("/to_f"), &p("/moved"), false).await.unwrap();
    assert_eq!(s.stat(&p("/moved"), false, &NOBODY).await.unwrap().kind, Kind::Link);
    s.remove(&p("/moved"), &ann()).await.unwrap();
    assert_eq!(get(&s, "/d/f").await.unwrap(), b"inside", "removing a link leaves what it led to");
    assert_eq!(reason(s.remove_dir(&p("/to_d")).await), Reason::NotAFolder);
}

pub(super) async fn links_outside_are_shown_and_not_opened(s: SharedStorage) {
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

pub(super) async fn links_in_circles_are_told(s: SharedStorage) {
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

pub(super) async fn uploads_go_through_links(s: SharedStorage) {
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

pub(super) async fn links_reach_no_reserved_name(s: SharedStorage) {
    for target in [&b".~carrack~part~x"[..], b"d/.~carrack~part~x", b"d/../.~carrack~x/f", b""] {
        assert_eq!(reason(s.link(&p("/l"), target).await), Reason::BadName);
    }
}

/// A storage without hard links says so and does nothing.
pub(super) async fn a_second_name_is_the_same_file(s: SharedStorage) {
    s.make_dir(&p("/d"), 0o755).await.unwrap();
    s.link(&p("/l"), b"f").await.unwrap();
    put(&s, "/f", WriteHow::Replace, &ann(), b"one").await.unwrap();
    match s.hard_link(&p("/f"), &p("/d/g")).await {
        Err(e) if e.reason == Reason::Unsupported => {
            assert_eq!(reason(stat(&s, "/d/g", &NOBODY).await), Reason::NotFound);
            return;
        }
        linked => linked.unwrap(),
    }
    assert_eq!(get(&s, "/d/g").await.unwrap(), b"one");
    put(&s, "/d/g", WriteHow::Append, &ann(), b" two").await.unwrap();
    assert_eq!(get(&s, "/f").await.unwrap(), b"one two", "written in place it is the other's content, too");
    put(&s, "/f", WriteHow::Replace, &ann(), b"new").await.unwrap();
    assert_eq!(get(&s, "/d/g").await.unwrap(), b"one two", "what is replaced is another file from then on");
    assert_eq!(reason(s.hard_link(&p("/f"), &p("/d/g")).await), Reason::Exists);
    assert_eq!(reason(s.hard_link(&p("/none"), &p("/x")).await), Reason::NotFound);
    assert_eq!(reason(s.hard_link(&p("/d"), &p("/x")).await), Reason::IsAFolder);
    assert_eq!(reason(s.hard_link(&p("/l"), &p("/x")).await), Reason::NotRegular, "a link is not followed");
    assert_eq!(reason(s.hard_link(&p("/f"), &p("/none/x")).await), Reason::NotFound);
    s.hard_link(&p("/f"), &p("/d/h")).await.unwrap();
    s.remove(&p("/f"), &ann()).await.unwrap();
    assert_eq!(get(&s, "/d/h").await.unwrap(), b"new", "it stands until its last name is gone");
    for (from, to) in [("/.~carrack~part~x", "/x"), ("/d/h", "/.~carrack~x")] {
        assert!(s.hard_link(&p(from), &p(to)).await.is_err(), "{from} {to}");
    }
}
