//! Operations: every one against every permission, and the ways around a rule that must not be there.

use types::{AttrChange, Error, Kind, Op, Reason, WriteHow, Yield};

use super::*;
use crate::{Counts, Outcome, Progress};

async fn code(access: &Access, op: &Op) -> Result<(), Reason> {
    match op {
        Op::Read { path, at } => access.read(path, *at).await.map(|r| r.permit.settle(Outcome::Done)),
        Op::Write { path, how, expected, .. } => {
            access.write(path, *how, *expected).await.map(|w| w.permit.settle(Outcome::Done))
        }
        Op::List { path } => match access.list(path).await {
            Ok(mut folder) => {
                while !folder.next_page().await.unwrap().is_empty() {}
                Ok(())
            }
            Err(e) => Err(e),
        },
        op => access.act(op).await.map(drop),
    }
    .map_err(|e| e.reason)
}

fn write(at: &str, how: WriteHow) -> Op {
    Op::Write { path: path(at), how, expected: None, keep: true }
}

/// Every operation that is granted by more than knowing of the place, and the permissions that are enough for it.
fn table() -> Vec<(Op, &'static str)> {
    let p = |s: &str| path(s);
    let mode = AttrChange { mode: Some(0o600), ..AttrChange::default() };
    vec![
        (Op::Read { path: p("/f"), at: 0 }, "read"),
        (Op::List { path: p("/") }, "list"),
        (Op::Usage { path: p("/") }, "list"),
        (write("/new", WriteHow::Replace), "write"),
        (write("/new", WriteHow::New), "write"),
        (write("/new", WriteHow::Unique), "write"),
        (write("/new", WriteHow::Append), "write"),
        (write("/new", WriteHow::At(5)), "write"),
        (write("/f", WriteHow::Replace), "overwrite"),
        (write("/f", WriteHow::At(9)), "overwrite"),
        (write("/f", WriteHow::At(10)), "append"),
        (write("/f", WriteHow::Append), "append"),
        (Op::Remove { path: p("/f") }, "delete"),
        (Op::Rename { from: p("/f"), to: p("/g"), replace: false }, "rename"),
        (Op::MakeDir { path: p("/d2"), mode: None }, "make_dir"),
        (Op::RemoveDir { path: p("/d") }, "remove_dir"),
        (Op::RemoveTree { path: p("/d") }, "remove_dir"),
        (Op::SetAttr { path: p("/f"), change: mode }, "set_attr"),
        (Op::Link { path: p("/l"), target: (*b"f").into() }, "link"),
        (Op::HardLink { path: p("/f"), to: p("/h") }, "link read write overwrite"),
    ]
}

#[tokio::test]
async fn looking_at_a_place_takes_no_more_than_to_know_of_it() {
    let looks = [
        Op::Stat { path: path("/f"), follow: true },
        Op::Stat { path: path("/f"), follow: false },
        Op::ReadLink { path: path("/l") },
        Op::Space { path: path("/") },
        Op::Mount { name: (*b"main").into() },
    ];
    for op in looks {
        for (word, want) in [("none", Err(Reason::Denied)), ("upload-only", Ok(())), ("set_attr", Ok(()))] {
            let (_gate, _guest, access) = bob(&Tree::new(&["/f"]), &[("/", word)], |_| ()).await;
            let got = code(&access, &op).await;
            // The tree of these tests has no links to be read.
            let want = if got == Err(Reason::Unsupported) { Err(Reason::Unsupported) } else { want };
            assert_eq!(got, want, "{op} with {word}");
        }
    }
}

#[tokio::test]
async fn every_operation_needs_its_own_permission_and_no_other() {
    for (op, enough) in table() {
        for (word, bit) in Permissions::WORDS.iter().take(11) {
            let tree = Tree::new(&["/f", "/d/"]);
            let (gate, _guest, access) = bob(&tree, &[("/", word)], |_| ()).await;
            let want = if bit.has(words(enough)) { Ok(()) } else { Err(Reason::Denied) };
            assert_eq!(code(&access, &op).await, want, "{op} with {word} alone");
            let (_, _guest, all_but) = bob(&Tree::new(&["/f", "/d/"]), &[("/", &(!*bit).to_string())], |_| ()).await;
            let want = if words(enough).has(*bit) { Err(Reason::Denied) } else { Ok(()) };
            assert_eq!(code(&all_but, &op).await, want, "{op} with all but {word}");
            let counts = gate.counters().counts();
            assert_eq!((counts.operations, counts.abandoned), (1, 0));
        }
    }
}

#[tokio::test]
async fn nothing_changes_through_a_read_only_mount() {
    for (op, need) in table() {
        let tree = Tree::new(&["/f", "/d/"]);
        let (_gate, _guest, access) = bob(&tree, &[("/", "all")], |r| r.mounts.get_mut("main").unwrap().read_only = true).await;
        let want = if Permissions::READ_ONLY.has(words(need)) { Ok(()) } else { Err(Reason::ReadOnly) };
        assert_eq!(code(&access, &op).await, want, "{op}");
        assert!(tree.has("/f") && tree.has("/d"));
    }
}

#[tokio::test]
async fn what_is_refused_never_reaches_the_storage() {
    let tree = Tree::new(&["/f", "/d/"]);
    let (_gate, _guest, access) = bob(&tree, &[("/", "none")], |_| ()).await;
    for (op, _) in table() {
        assert_eq!(code(&access, &op).await, Err(Reason::Denied), "{op}");
    }
    assert_eq!(tree.calls(), 0);
}

#[tokio::test]
async fn knowing_of_a_place_takes_any_permission_there_or_below() {
    let tree = Tree::new(&["/in/", "/in/box/", "/x"]);
    let (_gate, _guest, access) = bob(&tree, &[("/in/box", "upload-only")], |_| ()).await;
    let stat = |p: &str| Op::Stat { path: path(p), follow: true };
    for (place, want) in
        [("/", Ok(())), ("/in", Ok(())), ("/in/box", Ok(())), ("/x", Err(Reason::Denied)), ("/in/box/y", Err(Reason::NotFound))]
    {
        assert_eq!(code(&access, &stat(place)).await, want, "{place}");
    }
}

#[tokio::test]
async fn replacing_without_the_right_is_left_to_the_storage_to_decide() {
    let tree = Tree::new(&["/f"]);
    let (_gate, _guest, access) = bob(&tree, &[("/", "write")], |_| ()).await;
    assert_eq!(code(&access, &write("/f", WriteHow::Replace)).await, Err(Reason::Denied));
    assert!(tree.last().contains("New"), "{}", tree.last());
    assert_eq!(code(&access, &write("/f", WriteHow::New)).await, Err(Reason::Exists));
}

#[tokio::test]
async fn uploads_belong_to_the_user_and_keep_the_umask() {
    let tree = Tree::new(&[]);
    let (_gate, _guest, access) = bob(&tree, &[], |r| r.users.get_mut("bob").unwrap().own.umask = Some(0o027)).await;
    assert_eq!(code(&access, &write("/a", WriteHow::Replace)).await, Ok(()));
    assert_eq!(tree.last(), "write /a Replace 640 Some(\"bob\")");
    assert_eq!(access.act(&Op::Umask { mask: 0o077 }).await, Ok(Yield::Done));
    assert_eq!(code(&access, &Op::MakeDir { path: path("/d"), mode: None }).await, Ok(()));
    assert_eq!(tree.last(), "mkdir /d 700");
}

#[tokio::test]
async fn anonymous_owns_nothing_and_only_looks() {
    let tree = Tree::new(&["/f"]);
    let mut rules = rules(&tree);
    let mut anonymous = user("anonymous", Password::None);
    rules.anonymous = Some(anonymous.clone());
    let gate = Gate::new(rules.clone()).unwrap();
    let access = login(&admit(&gate), "ftp", "x").await.unwrap();
    for (op, need) in table() {
        let want = if Permissions::READ_ONLY.has(words(need)) { Ok(()) } else { Err(Reason::Denied) };
        assert_eq!(code(&access, &op).await, want, "{op}");
    }
    anonymous.own.permissions = vec![(path("/"), words("upload-only"))];
    rules.anonymous = Some(anonymous);
    let gate = Gate::new(rules).unwrap();
    let access = login(&admit(&gate), "ftp", "x").await.unwrap();
    assert_eq!(code(&access, &write("/a", WriteHow::New)).await, Ok(()));
    assert!(tree.last().ends_with("None"), "{}", tree.last());
}

#[tokio::test]
async fn sizes_have_a_limit_before_and_in_the_course() {
    let tree = Tree::new(&["/f"]);
    let (_gate, _guest, access) = bob(&tree, &[], |r| r.users.get_mut("bob").unwrap().own.file_size = Some(100)).await;
    let open = async |at: &str, how, expected| {
        access.write(&path(at), how, expected).await.map(|w| w.permit.limit()).map_err(|e| e.reason)
    };
    let large = Err(Reason::TooLarge);
    assert_eq!(open("/n", WriteHow::Replace, None).await, Ok(Some(100)));
    assert_eq!(open("/n", WriteHow::Replace, Some(100)).await, Ok(Some(100)));
    let calls = tree.calls();
    assert_eq!(open("/n", WriteHow::Replace, Some(101)).await, large);
    assert_eq!(open("/n", WriteHow::At(101), None).await, large);
    assert_eq!(open("/n", WriteHow::At(u64::MAX), Some(u64::MAX)).await, large);
    assert_eq!(tree.calls(), calls, "known before anything is opened");
    assert_eq!(open("/f", WriteHow::Append, Some(90)).await, Ok(Some(90)), "10 bytes stand already");
    assert_eq!(open("/f", WriteHow::Append, Some(91)).await, large);
    let reserve = |bytes| Op::Reserve { path: path("/"), bytes };
    assert_eq!(code(&access, &reserve(100)).await, Ok(()));
    assert_eq!(code(&access, &reserve(101)).await, Err(Reason::TooLarge));
    let (_gate, _guest, free) = bob(&tree, &[], |_| ()).await;
    assert_eq!(code(&free, &reserve(1_000)).await, Ok(()));
    assert_eq!(code(&free, &reserve(1_001)).await, Err(Reason::NoSpace));
}

#[tokio::test]
async fn transfers_have_places_that_come_back() {
    let tree = Tree::new(&["/f"]);
    let (gate, _guest, access) = bob(&tree, &[], |r| r.users.get_mut("bob").unwrap().own.transfers = Some(2)).await;
    let open = async || access.read(&path("/f"), 0).await;
    let (a, b) = (open().await.unwrap(), open().await.unwrap());
    assert_eq!(open().await.err().map(|e| e.reason), Some(Reason::TooManyTransfers));
    let listing = access.list(&path("/")).await.unwrap();
    a.permit.settle(Outcome::Done);
    let c = open().await.unwrap();
    drop(b);
    c.permit.meter().unwrap().count(7);
    drop((open().await.unwrap(), listing));
    c.permit.settle(Outcome::Failed(Reason::DataReset));
    let counts = gate.counters().counts();
    assert_eq!(counts.transfers, 4);
    assert_eq!(counts.abandoned, 3, "two reads and a listing were dropped");
    assert_eq!((counts.bytes_out, counts.bytes_in), (7, 0));
    assert!(gate.counters().refusals().contains(&(Reason::DataReset, 1)));
    assert_eq!(&*gate.who().first().unwrap().doing, "idle");
}

#[tokio::test]
async fn a_transfer_that_never_opens_leaves_nothing() {
    let (gate, _guest, access) = bob(&Tree::new(&[]), &[], |r| r.users.get_mut("bob").unwrap().own.transfers = Some(1)).await;
    for _ in 0..3 {
        assert_eq!(code(&access, &Op::Read { path: path("/gone"), at: 0 }).await, Err(Reason::NotFound));
        assert_eq!(code(&access, &Op::List { path: path("/gone") }).await, Err(Reason::NotFound));
    }
    let counts = gate.counters().counts();
    assert_eq!(Counts { operations: 6, transfers: 3, sessions: 1, logins: 1, ..Counts::default() }, counts);
}

#[tokio::test]
async fn renaming_is_no_way_around_a_rule() {
    let rules =
        [("/", "all"), ("/in", "upload-only, rename"), ("/pub", "read list rename"), ("/a/locked", "none"), ("/twin", "all")];
    for (from, to, want) in [
        ("/x", "/y", Ok(())),
        ("/x", "/twin/x", Ok(())),
        // In its letter box a name may change, but what is in there cannot be moved to where it could be read.
        ("/in/x", "/in/y", Ok(())),
        ("/in/x", "/x", Err(Reason::Denied)),
        ("/in/x", "/pub/x", Err(Reason::Denied)),
        // Renaming is no way to write where one may not.
        ("/x", "/pub/x", Err(Reason::Denied)),
        // A folder does not leave its rules behind, nor is a rule's place taken from outside.
        ("/a", "/b", Err(Reason::Denied)),
        ("/x", "/a", Err(Reason::Denied)),
        ("/a/locked", "/b", Err(Reason::Denied)),
        ("/", "/b", Err(Reason::MountPoint)),
    ] {
        let tree = Tree::new(&["/x", "/in/", "/in/x", "/pub/", "/a/", "/a/locked/", "/twin/"]);
        let (_gate, _guest, access) = bob(&tree, &rules, |_| ()).await;
        let op = Op::Rename { from: path(from), to: path(to), replace: false };
        assert_eq!(code(&access, &op).await, want, "{op}");
        assert_eq!(tree.has(from), want.is_err());
    }
    let tree = Tree::new(&["/x", "/y"]);
    let (_gate, _guest, access) = bob(&tree, &[("/", "all")], |_| ()).await;
    let op = |replace| Op::Rename { from: path("/x"), to: path("/y"), replace };
    assert_eq!(code(&access, &op(false)).await, Err(Reason::Exists));
    let (_gate, _guest, careful) = bob(&tree, &[("/", &(!Permissions::OVERWRITE).to_string())], |_| ()).await;
    assert_eq!(code(&careful, &op(true)).await, Err(Reason::Denied));
    assert_eq!(code(&access, &op(true)).await, Ok(()));
}

#[tokio::test]
async fn links_and_special_bits_are_no_way_around_a_rule() {
    let tree = Tree::new(&["/f"]);
    let link = |target: &[u8]| Op::Link { path: path("/l"), target: target.into() };
    let (_gate, _guest, access) = bob(&tree, &[("/", "all"), ("/secret", "none")], |_| ()).await;
    assert_eq!(code(&access, &link(b"f")).await, Err(Reason::Denied));
    let (_gate, _guest, access) = bob(&tree, &[("/", "all")], |r| {
        r.users.get_mut("bob").unwrap().own.hidden = vec![(*b".ht*").into()];
    })
    .await;
    assert_eq!(code(&access, &link(b"f")).await, Ok(()));
    assert_eq!(code(&access, &link(b"d/.htpasswd")).await, Err(Reason::Denied));
    let chmod = |mode| Op::SetAttr { path: path("/f"), change: AttrChange { mode: Some(mode), ..AttrChange::default() } };
    assert_eq!(code(&access, &chmod(0o1755)).await, Ok(()));
    assert_eq!(code(&access, &chmod(0o4755)).await, Err(Reason::Denied));
    assert_eq!(code(&access, &chmod(0o2755)).await, Err(Reason::Denied));
}

#[tokio::test]
async fn hidden_names_are_not_there() {
    let tree = Tree::new(&["/.htaccess", "/d/", "/d/.htx", "/d/y", "/none/", "/z"]);
    let (gate, _guest, access) = bob(&tree, &[("/", "all"), ("/none", "none")], |r| {
        r.users.get_mut("bob").unwrap().own.hidden = vec![(*b".ht*").into()];
    })
    .await;
    assert_eq!(code(&access, &Op::Read { path: path("/.htaccess"), at: 0 }).await, Err(Reason::NotFound));
    assert_eq!(code(&access, &Op::Stat { path: path("/d/.htx/y"), follow: true }).await, Err(Reason::NotFound));
    assert_eq!(code(&access, &write("/d/.htnew", WriteHow::New)).await, Err(Reason::Denied));
    assert_eq!(code(&access, &Op::Rename { from: path("/z"), to: path("/.htz"), replace: false }).await, Err(Reason::NotFound));
    let mut folder = access.list(&path("/")).await.unwrap();
    let mut seen = Vec::new();
    loop {
        let page = folder.next_page().await.unwrap();
        if page.is_empty() {
            break;
        }
        seen.extend(page.into_iter().map(|e| String::from_utf8(e.name.into()).unwrap()));
    }
    assert_eq!(seen, ["d", "z"]);
    assert_eq!(gate.counters().counts().abandoned, 0, "the listing settled at its end");
    let usage = access.usage(&path("/"), &Progress::default()).await.unwrap();
    assert_eq!((usage.files, usage.folders, usage.bytes), (2, 2, 20));
}

#[tokio::test]
async fn a_page_of_hidden_names_is_not_the_end() {
    let tree = Tree::new(&["/.ht1", "/.ht2", "/.ht3", "/seen"]);
    let (_gate, _guest, access) = bob(&tree, &[], |r| r.users.get_mut("bob").unwrap().own.hidden = vec![(*b".ht*").into()]).await;
    let mut folder = access.list(&path("/")).await.unwrap();
    let page = folder.next_page().await.unwrap();
    assert_eq!(page.iter().map(|e| &*e.name).collect::<Vec<_>>(), [b"seen"]);
    assert!(folder.next_page().await.unwrap().is_empty());
    assert!(folder.next_page().await.unwrap().is_empty(), "and stays at its end");
}

#[tokio::test]
async fn trees_go_entry_by_entry_and_stop_at_a_rule() {
    let names = ["/t/", "/t/a", "/t/b", "/t/c", "/t/d/", "/t/d/e", "/t/d/f/", "/t/g/", "/keep"];
    let tree = Tree::new(&names);
    let (gate, _guest, access) = bob(&tree, &[], |_| ()).await;
    let progress = Progress::default();
    assert_eq!(access.remove_tree(&path("/t"), &progress).await, Ok(8));
    assert!(progress.entries() == 8 && tree.has("/keep") && !tree.has("/t"));
    assert_eq!(access.remove_tree(&path("/"), &progress).await.err().map(|e| e.reason), Some(Reason::MountPoint));
    assert_eq!(gate.counters().counts().operations, 2);

    let tree = Tree::new(&names);
    let (_gate, _guest, access) = bob(&tree, &[("/", "all"), ("/t/d/e", "read")], |_| ()).await;
    assert_eq!(code(&access, &Op::RemoveTree { path: path("/t") }).await, Err(Reason::Denied));
    assert!(tree.has("/t/d/e"));

    let tree = Tree::new(&names);
    let (_gate, _guest, access) = bob(&tree, &[], |r| r.limits.entries = 3).await;
    assert_eq!(code(&access, &Op::Usage { path: path("/t") }).await, Err(Reason::TooMany));
    assert_eq!(code(&access, &Op::RemoveTree { path: path("/t") }).await, Err(Reason::TooMany));
    assert!(tree.has("/t"));

    let mut deep = String::new();
    let mut names = Vec::new();
    for _ in 0..600 {
        deep.push_str("/d");
        names.push(format!("{deep}/"));
    }
    let tree = Tree::new(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let (_gate, _guest, access) = bob(&tree, &[], |_| ()).await;
    assert_eq!(code(&access, &Op::RemoveTree { path: path("/d") }).await, Err(Reason::TooMany));
}

#[tokio::test]
async fn another_mount_becomes_the_root_and_rules_stay_where_they_are() {
    let tree = Tree::new(&["/f"]);
    let media = Tree::new(&["/song", "/inner/", "/inner/x"]);
    let (_gate, _guest, access) = bob(&tree, &[("/", "all"), ("/media", "read list"), ("/media/inner", "none")], |r| {
        r.mounts.insert("media".into(), Mount { storage: Arc::new(media), read_only: false });
        r.mounts.insert("other".into(), Mount { storage: Arc::new(Tree::new(&[])), read_only: false });
        r.users.get_mut("bob").unwrap().own.mounts.push((path("/media"), "media".into()));
    })
    .await;
    let mount = |name: &str| Op::Mount { name: name.as_bytes().into() };
    let read = |p: &str| Op::Read { path: path(p), at: 0 };
    assert_eq!(code(&access, &mount("other")).await, Err(Reason::UnknownMount), "not in the user's table");
    assert_eq!(code(&access, &read("/media/song")).await, Ok(()));
    assert_eq!(code(&access, &mount("media")).await, Ok(()));
    assert_eq!(code(&access, &read("/song")).await, Ok(()));
    assert_eq!(code(&access, &read("/../f")).await, Err(Reason::NotFound));
    assert_eq!(code(&access, &read("/inner/x")).await, Err(Reason::Denied));
    assert_eq!(code(&access, &Op::Remove { path: path("/song") }).await, Err(Reason::Denied));
    assert_eq!(access.permitted(&path("/song"), Kind::File), words("read"));
    assert_eq!(code(&access, &mount("main")).await, Ok(()));
    let written = access.write(&path("/g"), WriteHow::Unique, None).await.unwrap();
    assert_eq!(written.path, path("/g"));
    assert_eq!(code(&access, &Op::RemoveDir { path: path("/media") }).await, Err(Reason::Denied));
    assert_eq!(code(&access, &Op::Rename { from: path("/f"), to: path("/media/f"), replace: false }).await, Err(Reason::Denied));
}

#[tokio::test]
async fn of_a_file_that_is_not_to_be_kept_the_storage_knows_no_owner() {
    let tree = Tree::new(&["/f"]);
    let (_gate, _guest, access) = bob(&tree, &[("/", "write")], |_| ()).await;
    drop(access.write(&path("/new"), WriteHow::Replace, None).await.unwrap());
    assert!(tree.last().ends_with("Some(\"bob\")"), "{}", tree.last());
    drop(access.write_unkept(&path("/new"), WriteHow::Replace, None).await.unwrap());
    assert!(tree.last().ends_with("None"), "{}", tree.last());
    let denied = access.write_unkept(&path("/f"), WriteHow::Replace, None).await.map(drop).unwrap_err();
    assert_eq!(denied.reason, Reason::Denied, "it passes the same door");
}

#[tokio::test]
async fn perm_facts_say_what_would_be_granted() {
    let tree = Tree::new(&["/f", "/d/"]);
    let (_gate, _guest, access) = bob(&tree, &[("/", "all"), ("/ro", "read-only")], |_| ()).await;
    assert_eq!(access.permitted(&path("/f"), Kind::File), words("read overwrite append delete rename set_attr link"));
    assert_eq!(access.permitted(&path("/d"), Kind::Dir), words("list write delete rename make_dir remove_dir set_attr link"));
    assert_eq!(access.permitted(&path("/"), Kind::Dir), words("list write delete make_dir set_attr link"), "a mount point stays");
    assert_eq!(access.permitted(&path("/ro/x"), Kind::File), words("read"));
    let folder = access.list(&path("/")).await.unwrap();
    let entry = types::Entry { name: (*b"ro").into(), attr: types::Attr::new(Kind::Dir, 0), target: None };
    assert_eq!(folder.permitted(&entry), words("list"));
}

#[tokio::test]
async fn a_folder_permits_what_its_entries_are_permitted() {
    let tree = Tree::new(&["/d/", "/d/any", "/d/sub/", "/e/"]);
    for (rules, hidden) in [(vec![("/", "all")], vec![]), (vec![("/", "read-only")], vec![]), (vec![("/", "all")], vec!["any"])] {
        let hide = |r: &mut Rules| {
            r.users.values_mut().for_each(|u| u.own.hidden = hidden.iter().map(|h: &&str| h.as_bytes().into()).collect())
        };
        let (_gate, _guest, access) = bob(&tree, &rules, hide).await;
        for at in ["/", "/d"] {
            let folder = access.list(&path(at)).await.unwrap();
            for (name, kind) in [("any", Kind::File), ("sub", Kind::Dir), ("ro", Kind::Dir), ("e", Kind::Link)] {
                let entry = types::Entry { name: name.as_bytes().into(), attr: types::Attr::new(kind, 0), target: None };
                let place = path(at).join(name.as_bytes()).unwrap();
                assert_eq!(folder.permitted(&entry), access.permitted(&place, kind), "{rules:?} {at} {name}");
            }
        }
    }
}

#[tokio::test]
async fn bodies_do_not_go_through_act() {
    let (_gate, _guest, access) = bob(&Tree::new(&["/f"]), &[], |_| ()).await;
    let e: Error = access.act(&Op::Read { path: path("/f"), at: 0 }).await.unwrap_err();
    assert_eq!(e.reason, Reason::Unsupported);
}
