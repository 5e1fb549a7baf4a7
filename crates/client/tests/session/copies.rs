//! Are trees equal after a copy, up and down, and after one that was cut off and gone on with?

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use carrack_client::copy::{Filter, Hearing, Manner, Plan, Report, Settings, Side, Step, Tree, Wishes, run};
use carrack_client::ftp::{Ftp, Root};
use io::CancellationToken;
use io::meter::{Bucket, Meter};
use tokio::io::AsyncWriteExt as _;
use types::{AttrChange, Error, Reason, Time, VPath};
use vfs::{LocalSettings, LocalStorage, Owner, SharedStorage};

use super::liar::{Liar, liar, soon};
use super::own_server::{content, memory, sample, sink};
use super::server::{Diary, Odd, Server, dial, path};

fn me() -> Owner {
    Owner(Some("me".into()))
}

pub(crate) fn here(folder: &Path) -> Side {
    Side::here(Arc::new(LocalStorage::open(folder, LocalSettings::default()).unwrap()), VPath::root(), me())
}

async fn there(server: &Server, root: &str) -> Side {
    let dial = if server.is_tls() { server.dial_with_tls(proto::ftp::client::Tls::Required) } else { server.dial() };
    let ftp = Ftp::open(dial, Root::Home, 4, Duration::from_secs(20), &CancellationToken::new()).await.unwrap();
    Side::there(Arc::new(ftp), path(root))
}

pub(crate) async fn put(storage: &SharedStorage, at: &str, bytes: &[u8], seconds: i64) {
    let mut sink = sink(storage, at).await;
    sink.write_all(bytes.to_vec().into()).await.unwrap();
    sink.commit().await.unwrap();
    let change = AttrChange { modified: Some(Time::from_seconds(seconds)), ..AttrChange::default() };
    storage.set_attr(&path(at), &change).await.unwrap();
}

async fn grow(storage: &SharedStorage) {
    for folder in ["/a", "/a/b", "/empty"] {
        storage.make_dir(&path(folder), 0o755).await.unwrap();
    }
    put(storage, "/big", &sample(1_500_000), 1_000_000_000).await;
    put(storage, "/a/none", b"", 1_100_000_000).await;
    put(storage, "/a/with space", b"odd", 1_200_000_000).await;
    for n in 0..20 {
        put(storage, &format!("/a/b/{n}"), &sample(n * 100), 1_300_000_000 + n as i64).await;
    }
}

async fn scan(side: &Side, filter: &Filter) -> Tree {
    Tree::scan(&*side.storage, &side.root, filter, &side.owner).await.unwrap()
}

pub(crate) async fn copy_plan(source: &Side, target: &Side, wishes: &Wishes) -> Plan {
    let filter = Filter::default();
    Plan::make(&scan(source, &filter).await, &scan(target, &filter).await, wishes).unwrap()
}

async fn copy(source: &Side, target: &Side, wishes: &Wishes) -> Report {
    let plan = copy_plan(source, target, wishes).await;
    assert_eq!(plan.unsure, []);
    run(&plan, source, target, &Settings::default(), &(), &CancellationToken::new()).await
}

/// What both trees hold, to be compared.
pub(crate) async fn shown(side: &Side) -> Vec<(String, u64, Option<i64>)> {
    let tree = scan(side, &Filter::default()).await;
    let time = |attr: &types::Attr| attr.modified.filter(|_| !attr.is_dir()).map(|t| t.seconds);
    tree.entries.iter().map(|(path, attr)| (path.to_string(), if attr.is_dir() { 0 } else { attr.size }, time(attr))).collect()
}

#[tokio::test]
async fn trees_are_equal_up_and_down_and_then_nothing_is_left_to_do() {
    for tls in [None, Some(false)] {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (mine, back) = (here(one.path()), here(two.path()));
        grow(&mine.storage).await;
        let server = Server::with(memory(), Odd { tls, ..Odd::default() });
        server.storage.make_dir(&path("/up"), 0o755).await.unwrap();
        let remote = there(&server, "/up").await;
        let report = copy(&mine, &remote, &Wishes::default()).await;
        assert!(report.failed.is_empty(), "{:?}", report.failed);
        assert_eq!(shown(&mine).await, shown(&remote).await);
        assert_eq!(content(&server.storage, "/up/big").await, sample(1_500_000));
        assert_eq!(copy_plan(&mine, &remote, &Wishes::default()).await.steps, []);
        let report = copy(&remote, &back, &Wishes::default()).await;
        assert!(report.failed.is_empty(), "{:?}", report.failed);
        assert_eq!(shown(&mine).await, shown(&back).await);
        assert_eq!(content(&back.storage, "/big").await, sample(1_500_000));
        assert_eq!(content(&back.storage, "/a/b/19").await, sample(1900));
        assert_eq!(copy_plan(&remote, &back, &Wishes::default()).await.steps, []);
    }
}

#[tokio::test]
async fn more_files_go_up_over_tls_than_one_session_can_be_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let mine = here(folder.path());
    for n in 0..40 {
        put(&mine.storage, &format!("/{n}"), &sample(n), 1_000_000_000).await;
    }
    let server = Server::with(memory(), Odd { tls: Some(false), ..Odd::default() });
    let remote = there(&server, "/").await;
    let plan = copy_plan(&mine, &remote, &Wishes::default()).await;
    let settings = Settings { at_once: Some(1), ..Settings::default() };
    let report = run(&plan, &mine, &remote, &settings, &(), &CancellationToken::new()).await;
    assert!(report.failed.is_empty(), "{:?}", report.failed);
    assert_eq!(shown(&mine).await, shown(&remote).await);
}

#[tokio::test]
async fn a_mirror_removes_what_only_the_target_has_and_replaces_what_differs() {
    let folder = tempfile::tempdir().unwrap();
    let mine = here(folder.path());
    grow(&mine.storage).await;
    let server = Server::over(memory());
    put(&server.storage, "/big", b"older and shorter", 999).await;
    for old in ["/old", "/old/deep"] {
        server.storage.make_dir(&path(old), 0o755).await.unwrap();
    }
    put(&server.storage, "/old/deep/f", b"x", 1).await;
    // Uploads that are not whole are nobody's to copy or to remove.
    put(&server.storage, "/.new.carrack-part", b"half", 1).await;
    put(&mine.storage, "/.half.carrack-part", b"half", 1).await;
    let remote = there(&server, "/").await;
    let report = copy(&mine, &remote, &Wishes { delete: true, ..Wishes::default() }).await;
    assert!(report.failed.is_empty() && !report.kept, "{:?}", report.failed);
    assert_eq!(shown(&mine).await, shown(&remote).await);
    assert_eq!(content(&server.storage, "/big").await, sample(1_500_000));
    let stands = async |name: &str| server.storage.stat(&path(name), true, &Owner::default()).await.is_ok();
    assert!(stands("/.new.carrack-part").await && !stands("/.half.carrack-part").await);
}

#[tokio::test]
async fn only_what_is_named_is_copied_and_folders_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let mine = here(folder.path());
    grow(&mine.storage).await;
    put(&mine.storage, "/a/x.jpg", b"jpg", 5).await;
    let server = Server::over(memory());
    put(&server.storage, "/keeps", b"x", 1).await;
    let remote = there(&server, "/").await;
    let mut filter = Filter::default();
    filter.rules("*.jpg", Manner::Plain(true)).unwrap();
    let (source, target) = (scan(&mine, &filter).await, scan(&remote, &filter).await);
    let plan = Plan::make(&source, &target, &Wishes { delete: true, ..Wishes::default() }).unwrap();
    let report = run(&plan, &mine, &remote, &Settings::default(), &(), &CancellationToken::new()).await;
    assert!(report.failed.is_empty(), "{:?}", report.failed);
    let names: Vec<_> = shown(&remote).await.into_iter().map(|(path, ..)| path).collect();
    assert_eq!(names, ["/a", "/a/x.jpg", "/keeps"]);
}

#[tokio::test]
async fn a_tree_is_the_same_however_many_folders_are_listed_at_once() {
    let server = Server::over(memory());
    grow(&server.storage).await;
    let remote = there(&server, "/").await;
    let alone = scan(&remote, &Filter::default()).await;
    let scan = Tree::scan_at_once(&*remote.storage, &remote.root, &Filter::default(), &remote.owner, 4).await.unwrap();
    assert_eq!(scan.entries, alone.entries);
    assert_eq!(scan.entries.len(), 26);
}

#[tokio::test]
async fn a_server_is_copied_to_another_and_a_folder_to_another() {
    let (from, to) = (Server::over(memory()), Server::over(memory()));
    grow(&from.storage).await;
    let (a, b) = (there(&from, "/").await, there(&to, "/").await);
    assert!(copy(&a, &b, &Wishes::default()).await.failed.is_empty());
    assert_eq!(shown(&a).await, shown(&b).await);
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (one, two) = (here(one.path()), here(two.path()));
    grow(&one.storage).await;
    put(&one.storage, "/large", &sample(9_000_000), 1).await;
    assert!(copy(&one, &two, &Wishes::default()).await.failed.is_empty());
    assert_eq!(content(&two.storage, "/large").await, sample(9_000_000));
    assert_eq!(shown(&one).await, shown(&two).await);
}

#[tokio::test]
async fn nothing_is_removed_once_something_has_failed() {
    let folder = tempfile::tempdir().unwrap();
    let mine = here(folder.path());
    put(&mine.storage, "/f", b"x", 5).await;
    let server = Server::over(memory());
    put(&server.storage, "/stays", b"x", 1).await;
    let remote = there(&server, "/").await;
    let plan = copy_plan(&mine, &remote, &Wishes { delete: true, ..Wishes::default() }).await;
    mine.storage.remove(&path("/f"), &me()).await.unwrap();
    let report = run(&plan, &mine, &remote, &Settings::default(), &(), &CancellationToken::new()).await;
    assert!(report.kept && report.failed.len() == 1 && report.failed[0].1.reason == Reason::NotFound, "{report:?}");
    assert_eq!(content(&server.storage, "/stays").await, b"x");
}

/// Cancels once so many bytes have moved, and remembers how many each try moved.
struct Cutter {
    token: CancellationToken,
    meters: Mutex<Vec<Meter>>,
}

impl Hearing for Cutter {
    fn begun(&self, _: &VPath, _: u64, meter: &Meter) {
        self.meters.lock().unwrap().push(meter.clone());
    }
}

/// Copies and stops somewhere in the midst.
async fn cut_off(plan: &Plan, source: &Side, target: &Side, after: u64) {
    let settings = Settings { rates: vec![Arc::new(Bucket::new(20_000_000))], ..Settings::default() };
    cut_off_with(plan, source, target, &settings, after).await;
}

async fn cut_off_with(plan: &Plan, source: &Side, target: &Side, settings: &Settings, after: u64) {
    let cutter = Cutter { token: CancellationToken::new(), meters: Mutex::default() };
    let cut = async {
        while cutter.meters.lock().unwrap().first().is_none_or(|meter| meter.moved() < after) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        cutter.token.cancel();
        std::future::pending::<()>().await;
    };
    let report = tokio::select! {
        report = run(plan, source, target, settings, &cutter, &cutter.token) => report,
        () = cut => unreachable!(),
    };
    assert_eq!(report.failed.len(), 1);
    assert_eq!(report.failed[0].1.reason, Reason::Cancelled);
}

#[tokio::test]
async fn a_copy_that_was_cut_off_goes_on_where_it_stopped() {
    let body = sample(12_000_000);
    for up in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let mine = here(folder.path());
        let server = Server::over(memory());
        let remote = there(&server, "/").await;
        let (source, target) = if up { (&mine, &remote) } else { (&remote, &mine) };
        put(if up { &mine.storage } else { &server.storage }, "/f", &body, 1_000_000_000).await;
        let plan = copy_plan(source, target, &Wishes::default()).await;
        cut_off(&plan, source, target, 6_000_000).await;
        let stands = target.storage.stat(&path("/f"), true, &Owner::default()).await;
        assert_eq!(stands.unwrap_err().reason, Reason::NotFound, "nothing half-written has its name");
        let report = run(&plan, source, target, &Settings::default(), &(), &CancellationToken::new()).await;
        assert!(report.failed.is_empty(), "{:?}", report.failed);
        assert!(report.bytes > 0 && report.bytes < 12_000_000, "{up}: it began anew: {}", report.bytes);
        let got = if up { &server.storage } else { &mine.storage };
        assert!(content(got, "/f").await == body, "{up}");
    }
}

#[tokio::test]
async fn a_part_of_something_else_is_not_gone_on_with() {
    for up in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let mine = here(folder.path());
        let server = Server::over(memory());
        let remote = there(&server, "/").await;
        let (source, target) = if up { (&mine, &remote) } else { (&remote, &mine) };
        let theirs = if up { &mine.storage } else { &server.storage };
        put(theirs, "/f", &vec![1; 12_000_000], 1_000_000_000).await;
        let before = copy_plan(source, target, &Wishes::default()).await;
        cut_off(&before, source, target, 6_000_000).await;
        let other = sample(12_000_000);
        put(theirs, "/f", &other, 1_000_000_000).await;
        let report = run(&before, source, target, &Settings::default(), &(), &CancellationToken::new()).await;
        assert!(report.failed.is_empty() && report.bytes == 12_000_000, "{up}: {report:?}");
        assert!(content(if up { &server.storage } else { &mine.storage }, "/f").await == other);
    }
}

/// Where the copy stopped all is equal, and what stands before that is not: only the time tells.
#[tokio::test]
async fn what_has_changed_before_the_place_where_it_stopped_is_not_gone_on_with() {
    for (up, segments) in [(true, Some(1)), (false, Some(1)), (false, Some(3))] {
        let folder = tempfile::tempdir().unwrap();
        let mine = here(folder.path());
        let server = Server::over(memory());
        let remote = there(&server, "/").await;
        let (source, target) = if up { (&mine, &remote) } else { (&remote, &mine) };
        let theirs = if up { &mine.storage } else { &server.storage };
        let mut body = sample(12_000_000);
        put(theirs, "/f", &body, 1_000_000_000).await;
        let before = copy_plan(source, target, &Wishes::default()).await;
        let settings = Settings { segments, rates: vec![Arc::new(Bucket::new(8_000_000))], ..Settings::default() };
        cut_off_with(&before, source, target, &settings, 6_000_000).await;
        body[..1000].fill(b'!');
        put(theirs, "/f", &body, 4_000_000_000).await;
        let after = copy_plan(source, target, &Wishes::default()).await;
        let settings = Settings { segments, ..Settings::default() };
        let report = run(&after, source, target, &settings, &(), &CancellationToken::new()).await;
        assert!(report.failed.is_empty(), "{up} {segments:?}: {report:?}");
        assert!(content(if up { &server.storage } else { &mine.storage }, "/f").await == body, "{up} {segments:?}");
    }
}

/// Counts the tries.
#[derive(Default)]
struct Tries(Mutex<Vec<Reason>>);

impl Hearing for Tries {
    fn retried(&self, _: &VPath, error: &Error) {
        self.0.lock().unwrap().push(error.reason);
    }

    fn ended(&self, step: &Step, result: &Result<(), Error>) {
        assert!(result.is_ok(), "{step:?} {result:?}");
    }
}

#[tokio::test]
async fn a_size_that_has_changed_since_the_plan_is_asked_for_again() {
    let folder = tempfile::tempdir().unwrap();
    let mine = here(folder.path());
    let server = Server::over(memory());
    put(&server.storage, "/f", b"short", 1).await;
    let remote = there(&server, "/").await;
    let plan = copy_plan(&remote, &mine, &Wishes::default()).await;
    put(&server.storage, "/f", b"longer than before", 1).await;
    let (tries, settings) = (Tries::default(), Settings { pause: Duration::from_millis(1), ..Settings::default() });
    let report = run(&plan, &remote, &mine, &settings, &tries, &CancellationToken::new()).await;
    assert_eq!((report.failed.len(), content(&mine.storage, "/f").await), (0, b"longer than before".to_vec()));
    assert_eq!(*tries.0.lock().unwrap(), [Reason::TransferShort]);
}

/// A file on a server, and a plan to fetch it in three segments.
async fn in_segments(body: &[u8], diary: &Arc<Diary>) -> (Server, Side, tempfile::TempDir, Side, Plan, Settings) {
    let folder = tempfile::tempdir().unwrap();
    let mine = here(folder.path());
    let server = Server::over(memory());
    put(&server.storage, "/f", body, 1_000_000_000).await;
    let mut dial = server.dial();
    dial.observer = diary.clone();
    let ftp = Ftp::open(dial, Root::Home, 4, Duration::from_secs(20), &CancellationToken::new()).await.unwrap();
    let remote = Side::there(Arc::new(ftp), VPath::root());
    let plan = copy_plan(&remote, &mine, &Wishes::default()).await;
    (server, remote, folder, mine, plan, Settings { segments: Some(3), ..Settings::default() })
}

#[tokio::test]
async fn a_large_file_comes_in_segments_over_several_connections() {
    let (body, diary) = (sample(12_000_001), Arc::new(Diary::default()));
    let (_server, remote, _folder, mine, plan, settings) = in_segments(&body, &diary).await;
    let hearing = Cutter { token: CancellationToken::new(), meters: Mutex::default() };
    let report = run(&plan, &remote, &mine, &settings, &hearing, &CancellationToken::new()).await;
    assert!(report.failed.is_empty() && report.bytes == 12_000_001, "{report:?}");
    assert!(content(&mine.storage, "/f").await == body);
    let commands = diary.commands();
    let begun = |verb: &str| commands.iter().filter(|line| line.starts_with(verb)).count();
    assert_eq!((begun("RETR"), begun("REST"), begun("USER")), (3, 2, 3), "{commands:?}");
    assert_eq!(hearing.meters.lock().unwrap()[0].moved(), 12_000_001);
    assert_eq!(shown(&mine).await, shown(&remote).await);
}

#[tokio::test]
async fn segments_that_were_cut_off_go_on_where_they_stopped() {
    let (body, diary) = (sample(30_000_000), Arc::new(Diary::default()));
    let (server, remote, _folder, mine, plan, settings) = in_segments(&body, &diary).await;
    let slow = Settings { rates: vec![Arc::new(Bucket::new(5_000_000))], ..settings.clone() };
    // Beyond the first note, which is made after two seconds.
    cut_off_with(&plan, &remote, &mine, &slow, 14_000_000).await;
    let stands = mine.storage.stat(&path("/f"), true, &me()).await;
    assert_eq!(stands.unwrap_err().reason, Reason::NotFound, "a file with holes passes for a beginning");
    let report = run(&plan, &remote, &mine, &settings, &(), &CancellationToken::new()).await;
    assert!(report.failed.is_empty() && report.bytes < 29_000_000, "{report:?}");
    assert!(content(&mine.storage, "/f").await == body);
    // And what is of another file does not.
    mine.storage.remove(&path("/f"), &me()).await.unwrap();
    // Beyond the first note, which is made after two seconds.
    cut_off_with(&plan, &remote, &mine, &slow, 14_000_000).await;
    let other: Vec<u8> = body.iter().map(|byte| !byte).collect();
    put(&server.storage, "/f", &other, 1_000_000_000).await;
    let report = run(&plan, &remote, &mine, &settings, &(), &CancellationToken::new()).await;
    assert!(report.failed.is_empty() && report.bytes == 30_000_000, "{report:?}");
    assert!(content(&mine.storage, "/f").await == other);
}

#[tokio::test]
async fn where_segments_cannot_be_had_the_file_comes_whole() {
    let (body, diary) = (sample(5_000_000), Arc::new(Diary::default()));
    let (_server, remote, _folder, _, plan, settings) = in_segments(&body, &diary).await;
    // Memory takes bytes in order only.
    let target = Side::here(memory(), VPath::root(), me());
    let report = run(&plan, &remote, &target, &settings, &(), &CancellationToken::new()).await;
    assert!(report.failed.is_empty(), "{report:?}");
    assert!(content(&target.storage, "/f").await == body);
}

#[tokio::test]
async fn checksums_are_compared_up_and_down_and_nothing_is_the_worse_for_it() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (mine, back) = (here(one.path()), here(two.path()));
    grow(&mine.storage).await;
    let server = Server::over(memory());
    let remote = there(&server, "/").await;
    let settings = Settings { checksum: true, ..Settings::default() };
    for (source, target) in [(&mine, &remote), (&remote, &back)] {
        let plan = copy_plan(source, target, &Wishes::default()).await;
        let report = run(&plan, source, target, &settings, &(), &CancellationToken::new()).await;
        assert!(report.failed.is_empty(), "{:?}", report.failed);
    }
    assert_eq!(shown(&mine).await, shown(&back).await);
}

#[tokio::test]
async fn files_are_copied_within_one_server() {
    let server = Server::over(memory());
    for folder in ["/from", "/to"] {
        server.storage.make_dir(&path(folder), 0o755).await.unwrap();
    }
    for n in 0..12 {
        put(&server.storage, &format!("/from/{n}"), &sample(n * 1000), 1_000_000_000).await;
    }
    let source = there(&server, "/from").await;
    let target = Side { root: path("/to"), ..source.clone() };
    let settings = Settings { at_once: Some(8), ..Settings::default() };
    let plan = copy_plan(&source, &target, &Wishes::default()).await;
    let report = run(&plan, &source, &target, &settings, &(), &CancellationToken::new()).await;
    assert!(report.failed.is_empty(), "{:?}", report.failed);
    assert_eq!(shown(&source).await, shown(&target).await);
}

#[tokio::test]
async fn a_copy_with_another_checksum_is_taken_away_and_never_gets_its_name() {
    let (heard, mut hears) = tokio::sync::mpsc::unbounded_channel();
    let address = liar(|mut liar: Liar| async move {
        liar.say("220 hello\r\n").await;
        liar.until("FEAT").await;
        liar.say("211-Features:\r\n XMD5\r\n211 End\r\n").await;
        liar.until("STOR").await;
        liar.say("150 go on\r\n").await;
        tokio::io::copy(&mut liar.accept().await, &mut tokio::io::sink()).await.unwrap();
        liar.say("226 got it\r\n").await;
        liar.until("XMD5").await;
        liar.say("250 00000000000000000000000000000000\r\n").await;
        while let Some(line) = liar.hear().await {
            liar.say("250 ok\r\n").await;
            heard.send(line).unwrap();
        }
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let mine = here(folder.path());
    put(&mine.storage, "/f", b"hello", 5).await;
    let dial = dial(address, "ann");
    let ftp = Ftp::open(dial, Root::Server, 1, Duration::from_secs(20), &CancellationToken::new()).await.unwrap();
    let remote = Side::there(Arc::new(ftp), VPath::root());
    let plan = Plan::make(&scan(&mine, &Filter::default()).await, &Tree::default(), &Wishes::default()).unwrap();
    let settings = Settings { checksum: true, tries: 1, ..Settings::default() };
    let report = soon(run(&plan, &mine, &remote, &settings, &(), &CancellationToken::new())).await;
    assert_eq!(report.failed[0].1.reason, Reason::ChecksumDiffers);
    assert_eq!(soon(hears.recv()).await.unwrap(), "DELE /.f.carrack-part");
    drop((remote, hears));
}

#[tokio::test]
async fn names_that_lead_elsewhere_are_left_out_and_nothing_is_removed_on_their_word() {
    let address = liar(|mut liar: Liar| async move {
        liar.say("220 hello\r\n").await;
        liar.until("LIST").await;
        let mut data = liar.accept().await;
        liar.say("150 here\r\n").await;
        let line = |name: &str| format!("-rw-r--r-- 1 a a 5 Jan  1  2025 {name}\r\n");
        let names = ["../evil", "/tmp/evil", "..", "a/b", "fine", ".~carrack~part~0~x"];
        data.write_all(names.map(line).concat().as_bytes()).await.unwrap();
        drop(data);
        liar.say("226 done\r\n").await;
        for _ in 0..2 {
            liar.until("SIZE").await;
            liar.say("213 5\r\n").await;
        }
        liar.until("RETR").await;
        let mut data = liar.accept().await;
        liar.say("150 here\r\n").await;
        data.write_all(b"hello").await.unwrap();
        drop(data);
        liar.say("226 done\r\n").await;
        liar.idle().await;
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("target");
    here(folder.path()).storage.make_dir(&path("/target"), 0o755).await.unwrap();
    let mine = here(&target);
    put(&mine.storage, "/stays", b"old", 5).await;
    let life = CancellationToken::new();
    let ftp = Ftp::open(dial(address, "ann"), Root::Server, 1, Duration::from_secs(20), &life).await.unwrap();
    let remote = Side::there(Arc::new(ftp), VPath::root());
    let plan = soon(copy_plan(&remote, &mine, &Wishes { delete: true, ..Wishes::default() })).await;
    assert!(plan.keeps.is_some() && plan.unsure.len() == 1, "{plan:?}");
    let settings = Settings { tries: 1, ..Settings::default() };
    let report = soon(run(&plan, &remote, &mine, &settings, &(), &CancellationToken::new())).await;
    assert!(report.failed.iter().all(|(step, _)| step.path().to_string().contains("carrack")), "{report:?}");
    assert_eq!(content(&mine.storage, "/fine").await, b"hello");
    let beside = shown(&here(folder.path())).await.into_iter().filter(|(path, ..)| !path.starts_with("/target")).count();
    assert_eq!(beside, 0, "something was written beside the target");
    let names: Vec<_> = shown(&mine).await.into_iter().map(|(path, ..)| path).collect();
    assert_eq!(names, ["/fine", "/stays"]);
}
