//! What only a disk can do wrong: pipes, races, leftovers of killed processes, a folder that goes away, a full disk.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use rustix::fs::{
    AtFlags, CWD, FlockOperation, Mode, OFlags, RenameFlags, Timespec, Timestamps, flock, mkfifoat, renameat_with, utimensat,
};
use types::{AttrChange, Error, Kind, Reason, VPath, WriteHow};

use super::{LocalSettings, LocalStorage, Swept};
use crate::names;
use crate::storage::{Durability, Opened, Owner, SharedStorage, Storage, WriteOrder};
use crate::wrap::{Fault, Flaky, ReadOnly};

fn p(path: &str) -> VPath {
    VPath::parse(path.as_bytes()).unwrap()
}

fn ann() -> Owner {
    Owner(Some("ann".into()))
}

fn storage(root: &Path) -> LocalStorage {
    LocalStorage::open(root, LocalSettings { durability: Durability::Os, ..LocalSettings::default() }).unwrap()
}

async fn open(s: &dyn Storage, path: &str, how: WriteHow) -> Result<Opened, Error> {
    s.write(&p(path), WriteOrder { how, mode: 0o644, owner: &ann() }).await
}

async fn put(s: &dyn Storage, path: &str, bytes: &[u8]) -> Result<(), Error> {
    let mut opened = open(s, path, WriteHow::Replace).await?;
    opened.sink.write_all(Bytes::copy_from_slice(bytes)).await?;
    opened.sink.commit().await
}

async fn get(s: &dyn Storage, path: &str) -> Result<Vec<u8>, Error> {
    s.read(&p(path), 0, &ann()).await?.1.read_to_end().await
}

/// What stands in a folder on disk, hidden names too.
fn on_disk(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Waits for what the blocking pool does behind one's back.
async fn soon(what: impl Fn() -> bool) {
    for _ in 0..500 {
        if what() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it did not come");
}

#[tokio::test]
async fn a_pipe_is_shown_and_never_waited_for() {
    let root = tempfile::tempdir().unwrap();
    let s = storage(root.path());
    mkfifoat(CWD, root.path().join("pipe"), Mode::from_raw_mode(0o644)).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(root.path().join("socket")).unwrap();
    for path in ["/pipe", "/socket"] {
        let calls = async {
            assert_eq!(s.stat(&p(path), true, &ann()).await.unwrap().kind, Kind::Other);
            assert_eq!(get(&s, path).await.unwrap_err().reason, Reason::NotRegular);
            for how in [WriteHow::Replace, WriteHow::Append, WriteHow::At(0)] {
                assert_eq!(open(&s, path, how).await.err().unwrap().reason, Reason::NotRegular);
            }
            assert_eq!(s.list(&p(path), &ann()).await.err().unwrap().reason, Reason::NotAFolder);
            let change = AttrChange { mode: Some(0o600), ..AttrChange::default() };
            assert_eq!(s.set_attr(&p(path), &change).await.unwrap_err().reason, Reason::NotRegular);
        };
        tokio::time::timeout(Duration::from_secs(5), calls).await.expect("it waited at a pipe");
    }
    assert!(fs::metadata(root.path().join("pipe")).unwrap().file_type().is_fifo());
}

/// Opening a pipe for reading lets whoever waits to write into it go on: looking must not do that.
#[tokio::test]
async fn reading_a_pipe_wakes_nobody() {
    let root = tempfile::tempdir().unwrap();
    let s = storage(root.path());
    let pipe = root.path().join("pipe");
    mkfifoat(CWD, &pipe, Mode::from_raw_mode(0o644)).unwrap();
    let woken = Arc::new(AtomicBool::new(false));
    let writer = std::thread::spawn({
        let (woken, pipe) = (Arc::clone(&woken), pipe.clone());
        move || {
            let _ = fs::OpenOptions::new().write(true).open(pipe);
            woken.store(true, Ordering::SeqCst);
        }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    for _ in 0..10 {
        assert_eq!(get(&s, "/pipe").await.unwrap_err().reason, Reason::NotRegular);
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    let early = woken.load(Ordering::SeqCst);
    // Lets the writer go, woken or not.
    let _reader = rustix::fs::open(pipe, OFlags::RDONLY | OFlags::NONBLOCK, Mode::empty()).unwrap();
    writer.join().unwrap();
    assert!(!early, "somebody was woken");
}

/// The one place where a pipe could stand that is opened without a look: where a part should be.
#[test]
fn a_pipe_in_a_parts_place_is_not_waited_for() {
    let root = tempfile::tempdir().unwrap();
    let s = storage(root.path());
    let part = root.path().join(String::from_utf8(names::part(&ann(), b"f").unwrap()).unwrap());
    mkfifoat(CWD, part, Mode::from_raw_mode(0o644)).unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        tell.send(runtime.block_on(async { (get(&s, "/f").await, open(&s, "/f", WriteHow::Append).await.map(drop)) })).unwrap();
    });
    let (read, write) = told.recv_timeout(Duration::from_secs(5)).expect("it waited at a pipe");
    assert_eq!(read.unwrap_err().reason, Reason::NotRegular);
    assert!(write.is_err());
}

#[tokio::test]
async fn a_pipe_swapped_in_is_not_waited_for() {
    let root = tempfile::tempdir().unwrap();
    let s = storage(root.path());
    let (a, b) = (root.path().join("f"), root.path().join("g"));
    fs::write(&a, b"file").unwrap();
    mkfifoat(CWD, &b, Mode::from_raw_mode(0o644)).unwrap();
    let swapping = Swapping::start(a, b);
    let reads = async {
        for _ in 0..3_000 {
            match get(&s, "/f").await {
                Ok(bytes) => assert_eq!(bytes, b"file"),
                Err(e) => assert!(matches!(e.reason, Reason::NotRegular | Reason::NotFound), "{e}"),
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), reads).await.expect("it waited at a pipe");
    drop(swapping);
}

/// Exchanges two names in a loop until it is dropped.
struct Swapping(Arc<AtomicBool>, Option<std::thread::JoinHandle<()>>);

impl Swapping {
    fn start(a: std::path::PathBuf, b: std::path::PathBuf) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                renameat_with(CWD, &a, CWD, &b, RenameFlags::EXCHANGE).unwrap();
            }
        });
        Self(stop, Some(thread))
    }
}

impl Drop for Swapping {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
        self.1.take().unwrap().join().unwrap();
    }
}

/// Links to a secret outside are swapped with folders and files inside while everything is tried on them.
#[tokio::test(flavor = "multi_thread")]
async fn no_race_leads_outside() {
    let all = tempfile::tempdir().unwrap();
    let (root, outside) = (all.path().join("root"), all.path().join("outside"));
    for folder in [&root, &outside, &root.join("d"), &root.join("keep")] {
        fs::create_dir(folder).unwrap();
    }
    fs::write(outside.join("f"), b"secret").unwrap();
    fs::set_permissions(outside.join("f"), fs::Permissions::from_mode(0o640)).unwrap();
    fs::write(root.join("d/f"), b"inside").unwrap();
    fs::write(root.join("file"), b"inside").unwrap();
    symlink("../outside", root.join("x")).unwrap();
    symlink("../outside/f", root.join("y")).unwrap();
    let s = storage(&root);
    let swapping = [Swapping::start(root.join("d"), root.join("x")), Swapping::start(root.join("file"), root.join("y"))];
    let (mut inside, mut refused) = (0, 0);
    for round in 0..2_000 {
        for path in ["/d/f", "/file"] {
            match get(&s, path).await {
                Ok(bytes) => {
                    assert_ne!(bytes, b"secret", "{path} in round {round}");
                    inside += 1;
                }
                Err(e) => {
                    assert!(matches!(e.reason, Reason::LeadsOutside | Reason::NotFound | Reason::Busy), "{path}: {e}");
                    refused += 1;
                }
            }
            let change = AttrChange { mode: Some(0o777), ..AttrChange::default() };
            let _ = s.set_attr(&p(path), &change).await;
        }
        if round % 20 == 0 {
            let _ = put(&s, "/d/new", b"new").await;
            let _ = put(&s, "/file", b"inside").await;
            let _ = s.make_dir(&p("/d/made"), 0o755).await;
            let _ = s.remove(&p("/d/new"), &ann()).await;
            let _ = s.remove_dir(&p("/d/made")).await;
            let _ = s.rename(&p("/d/f"), &p("/keep/f"), true).await;
            let _ = s.rename(&p("/keep/f"), &p("/d/f"), false).await;
            let _ = open(&s, "/d/f", WriteHow::Append).await.map(|o| o.sink);
        }
    }
    drop(swapping);
    assert!(inside > 0 && refused > 0, "the race was not run: {inside} inside, {refused} refused");
    assert_eq!(on_disk(&outside), ["f"]);
    assert_eq!(fs::read(outside.join("f")).unwrap(), b"secret");
    assert_eq!(fs::metadata(outside.join("f")).unwrap().mode() & 0o777, 0o640);
}

#[tokio::test]
async fn a_root_that_is_gone_is_told() {
    let all = tempfile::tempdir().unwrap();
    let root = all.path().join("root");
    fs::create_dir(&root).unwrap();
    let s = storage(&root);
    let mut opened = open(&s, "/f", WriteHow::Replace).await.unwrap();
    opened.sink.write_all(Bytes::from_static(b"x")).await.unwrap();
    fs::remove_dir_all(&root).unwrap();
    assert_eq!(opened.sink.commit().await.unwrap_err().reason, Reason::NotFound);
    let root = VPath::root();
    assert_eq!(s.stat(&root, true, &ann()).await.unwrap_err().reason, Reason::NotFound);
    assert_eq!(open(&s, "/f", WriteHow::Replace).await.err().unwrap().reason, Reason::NotFound);
    assert_eq!(s.make_dir(&p("/d"), 0o755).await.unwrap_err().reason, Reason::NotFound);
    let pages = match s.list(&root, &ann()).await {
        Ok(mut listing) => listing.next_page().await,
        Err(e) => Err(e),
    };
    assert_eq!(pages.unwrap_err().reason, Reason::NotFound);
    assert_eq!(LocalStorage::open(&all.path().join("root"), LocalSettings::default()).err().unwrap().reason, Reason::MountGone);
}

#[tokio::test]
async fn an_upload_leaves_nothing_but_its_file() {
    let root = tempfile::tempdir().unwrap();
    let s = storage(root.path());
    put(&s, "/f", b"one").await.unwrap();
    put(&s, "/f", b"two").await.unwrap();
    let mut opened = open(&s, "/f", WriteHow::Replace).await.unwrap();
    opened.sink.write_all(Bytes::from_static(b"three")).await.unwrap();
    assert_eq!(on_disk(root.path()).len(), 2);
    drop(opened);
    soon(|| on_disk(root.path()) == ["f"]).await;
    assert_eq!(get(&s, "/f").await.unwrap(), b"two");
}

#[tokio::test]
async fn a_sweep_takes_what_is_left_behind_and_no_more() {
    let root = tempfile::tempdir().unwrap();
    let keep_parts = Duration::from_secs(3_600);
    let s = LocalStorage::open(root.path(), LocalSettings { keep_parts, ..LocalSettings::default() }).unwrap();
    fs::create_dir_all(root.path().join("d/e")).unwrap();
    let outside = tempfile::tempdir().unwrap();
    symlink(outside.path(), root.path().join("link")).unwrap();
    let part = |name: &[u8]| String::from_utf8(names::part(&ann(), name).unwrap()).unwrap();
    let temp = |n| String::from_utf8(names::temp(n)).unwrap();
    let at = |below: &str, name: &str| root.path().join(below).join(name);
    let old = Timestamps {
        last_access: Timespec { tv_sec: 1_000_000, tv_nsec: 0 },
        last_modification: Timespec { tv_sec: 1_000_000, tv_nsec: 0 },
    };
    fs::write(at("d/e", &temp(1)), b"of a killed process").unwrap();
    fs::write(outside.path().join(temp(1)), b"not ours").unwrap();
    fs::write(at("d", &part(b"young")), b"young").unwrap();
    fs::write(at("d", &part(b"old")), b"old").unwrap();
    fs::write(at("", &part(b"held")), b"held").unwrap();
    fs::write(at("", &temp(2)), b"held").unwrap();
    fs::write(at("", "file"), b"file").unwrap();
    for aged in [at("d", &part(b"old")), at("", &part(b"held")), at("", "file")] {
        utimensat(CWD, aged, &old, AtFlags::empty()).unwrap();
    }
    let held = [fs::File::open(at("", &part(b"held"))).unwrap(), fs::File::open(at("", &temp(2))).unwrap()];
    for file in &held {
        flock(file, FlockOperation::LockExclusive).unwrap();
    }
    assert_eq!(s.sweep().await.unwrap(), Swept { folders: 3, removed: 2, kept: 1, failed: 0 });
    assert_eq!(on_disk(&root.path().join("d")), [part(b"young"), "e".to_owned()]);
    assert!(on_disk(&root.path().join("d/e")).is_empty());
    assert_eq!(on_disk(root.path()).len(), 5);
    assert_eq!(on_disk(outside.path()).len(), 1);
    drop(held);
    assert_eq!(s.sweep().await.unwrap(), Swept { folders: 3, removed: 2, kept: 1, failed: 0 });
    assert_eq!(on_disk(root.path()), ["d", "file", "link"]);
}

/// Whatever step fails or never ends, the name has its old content or its new one, and another try goes through.
#[tokio::test]
async fn a_fault_at_any_step_leaves_old_or_new() {
    for stopping in [false, true] {
        for step in 1..=5 {
            for old in [None, Some(&b"old"[..])] {
                let root = tempfile::tempdir().unwrap();
                let below: SharedStorage = Arc::new(storage(root.path()));
                if let Some(old) = old {
                    put(&*below, "/f", old).await.unwrap();
                }
                let fault = if stopping { Fault::Stop(step) } else { Fault::Fail(step, Reason::Io) };
                let flaky = Flaky::new(Arc::clone(&below), fault);
                let upload = async {
                    let mut opened = open(&flaky, "/f", WriteHow::Replace).await?;
                    for chunk in [&b"new "[..], b"content"] {
                        opened.sink.write_all(Bytes::from_static(chunk)).await?;
                    }
                    opened.sink.commit().await
                };
                // Opening, two writes and the commit are four steps.
                let whole = matches!(tokio::time::timeout(Duration::from_millis(50), upload).await, Ok(Ok(())));
                assert_eq!(whole, step == 5, "step {step}, stopping {stopping}");
                let seen = below.read(&p("/f"), 0, &Owner(None)).await;
                match (whole, old) {
                    (true, _) => assert_eq!(seen.unwrap().1.read_to_end().await.unwrap(), b"new content"),
                    (false, Some(old)) => assert_eq!(seen.unwrap().1.read_to_end().await.unwrap(), old),
                    (false, None) => assert_eq!(seen.err().unwrap().reason, Reason::NotFound),
                }
                put(&*below, "/f", b"again").await.unwrap();
                assert_eq!(get(&*below, "/f").await.unwrap(), b"again");
                soon(|| on_disk(root.path()) == ["f"]).await;
            }
        }
    }
}

#[tokio::test]
async fn a_storage_that_fills_up_keeps_the_old_content() {
    let root = tempfile::tempdir().unwrap();
    let below: SharedStorage = Arc::new(storage(root.path()));
    put(&*below, "/f", b"old").await.unwrap();
    let flaky = Flaky::new(Arc::clone(&below), Fault::Full(10));
    let mut opened = open(&flaky, "/f", WriteHow::Replace).await.unwrap();
    opened.sink.write_all(Bytes::from_static(b"12345678")).await.unwrap();
    assert_eq!(opened.sink.write_all(Bytes::from_static(b"12345678")).await.unwrap_err().reason, Reason::NoSpace);
    drop(opened);
    assert_eq!(get(&*below, "/f").await.unwrap(), b"old");
}

/// A real file system that is full: a small tmpfs.
#[tokio::test]
async fn a_full_disk_is_told_and_harms_nothing() {
    let root = tempfile::tempdir().unwrap();
    let size = format!("size={}", 1 << 20);
    let mounted = std::process::Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(root.path()).output();
    if !mounted.is_ok_and(|o| o.status.success()) {
        // Mounting is for root; the test above fills a storage without it.
        return;
    }
    let s = LocalStorage::open(root.path(), LocalSettings::default()).unwrap();
    put(&s, "/f", b"old").await.unwrap();
    let outcome = put(&s, "/f", &vec![7; 2 << 20]).await;
    let seen = get(&s, "/f").await;
    let part = put(&s, "/g", &vec![7; 2 << 20]).await;
    let kept = s.stat(&p("/g"), true, &ann()).await;
    let others = s.stat(&p("/g"), true, &Owner(None)).await;
    let removed = s.remove(&p("/g"), &ann()).await;
    let left = on_disk(root.path());
    drop(s);
    let unmounted = std::process::Command::new("umount").args(["-l"]).arg(root.path()).status();
    assert!(unmounted.unwrap().success());
    assert_eq!(outcome.unwrap_err().reason, Reason::NoSpace);
    assert_eq!(seen.unwrap(), b"old");
    assert_eq!(part.unwrap_err().reason, Reason::NoSpace);
    assert!(kept.unwrap().size > 0, "what came is kept for going on");
    assert_eq!(others.unwrap_err().reason, Reason::NotFound);
    removed.unwrap();
    assert_eq!(left, ["f"]);
}

#[tokio::test]
async fn a_name_made_by_others_meanwhile_is_replaced_or_respected() {
    let root = tempfile::tempdir().unwrap();
    let s = storage(root.path());
    for (how, stays) in [(WriteHow::Replace, false), (WriteHow::New, true), (WriteHow::Unique, true)] {
        let opened = open(&s, "/f", how).await.unwrap();
        fs::write(root.path().join("f"), b"of others").unwrap();
        let outcome = opened.sink.commit().await;
        assert_eq!(outcome.is_err(), stays, "{how:?}");
        assert_eq!(get(&s, "/f").await.unwrap(), if stays { &b"of others"[..] } else { b"" });
        fs::remove_file(root.path().join("f")).unwrap();
    }
    let opened = open(&s, "/f", WriteHow::Replace).await.unwrap();
    fs::create_dir(root.path().join("f")).unwrap();
    assert_eq!(opened.sink.commit().await.unwrap_err().reason, Reason::IsAFolder);
    assert_eq!(on_disk(root.path()), ["f"]);
}

#[tokio::test]
async fn a_replacement_keeps_owner_and_group() {
    let root = tempfile::tempdir().unwrap();
    let s = storage(root.path());
    put(&s, "/f", b"old").await.unwrap();
    let file = root.path().join("f");
    if std::os::unix::fs::chown(&file, Some(12_345), Some(23_456)).is_err() {
        return; // Only root gives files away.
    }
    let change = AttrChange { mode: Some(0o604), ..AttrChange::default() };
    let attr = s.set_attr(&p("/f"), &change).await.unwrap();
    put(&s, "/f", b"new").await.unwrap();
    let after = s.stat(&p("/f"), true, &ann()).await.unwrap();
    assert_eq!((after.owner, after.group, after.mode), (Some(12_345), Some(23_456), attr.mode));
    assert_eq!(get(&s, "/f").await.unwrap(), b"new");
    let change = AttrChange { owner: Some(0), group: Some(7), ..AttrChange::default() };
    let attr = s.set_attr(&p("/f"), &change).await.unwrap();
    assert_eq!((attr.owner, attr.group), (Some(0), Some(7)));
}

/// A part goes only if its folder went: whoever puts a file there in between saves both.
#[tokio::test]
async fn parts_outlive_a_folder_that_stays() {
    let root = tempfile::tempdir().unwrap();
    let s = storage(root.path());
    let (folder, file) = (root.path().join("d"), root.path().join("d/file"));
    let part = folder.join(String::from_utf8(names::part(&ann(), b"part").unwrap()).unwrap());
    let (mut stayed, mut gone) = (0, 0);
    for round in 0..800u64 {
        fs::create_dir(&folder).unwrap();
        fs::write(&part, b"part").unwrap();
        let (path, file) = (p("/d"), file.clone());
        let maker = std::thread::spawn(move || {
            // Every moment of the removal is met in some round.
            (0..round % 200 * 20).for_each(|_| std::hint::spin_loop());
            let _ = fs::write(file, b"file");
        });
        let outcome = s.remove_dir(&path).await;
        maker.join().unwrap();
        if folder.exists() {
            assert_eq!(outcome.unwrap_err().reason, Reason::NotEmpty);
            assert_eq!(fs::read(&part).unwrap(), b"part", "round {round}");
            fs::remove_dir_all(&folder).unwrap();
            stayed += 1;
        } else {
            outcome.unwrap();
            gone += 1;
        }
        assert!(on_disk(root.path()).is_empty());
    }
    assert!(stayed > 0 && gone > 0, "no race: {stayed} stayed, {gone} gone");
}

#[tokio::test]
async fn a_birth_cannot_be_set() {
    let root = tempfile::tempdir().unwrap();
    let s = storage(root.path());
    put(&s, "/f", b"x").await.unwrap();
    let before = s.stat(&p("/f"), true, &ann()).await.unwrap();
    let change = AttrChange { created: Some(types::Time::default()), mode: Some(0o600), ..AttrChange::default() };
    assert_eq!(s.set_attr(&p("/f"), &change).await.unwrap_err().reason, Reason::Unsupported);
    assert_eq!(s.stat(&p("/f"), true, &ann()).await.unwrap(), before);
}

#[tokio::test]
async fn read_only_refuses_every_change() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("f"), b"x").unwrap();
    let settings = LocalSettings { read_only: true, ..LocalSettings::default() };
    let by_setting: SharedStorage = Arc::new(LocalStorage::open(root.path(), settings).unwrap());
    let wrapped: SharedStorage = Arc::new(ReadOnly(Arc::new(storage(root.path()))));
    for s in [by_setting, wrapped] {
        let outcomes = [
            open(&*s, "/g", WriteHow::Replace).await.map(drop),
            open(&*s, "/f", WriteHow::Append).await.map(drop),
            s.make_dir(&p("/d"), 0o755).await,
            s.remove(&p("/f"), &ann()).await,
            s.remove_dir(&p("/d")).await,
            s.rename(&p("/f"), &p("/g"), true).await,
            s.set_attr(&p("/f"), &AttrChange::default()).await.map(drop),
            s.link(&p("/l"), b"f").await,
        ];
        assert!(outcomes.into_iter().all(|o| o.is_err_and(|e| e.reason == Reason::ReadOnly)));
        assert_eq!(get(&*s, "/f").await.unwrap(), b"x");
        assert_eq!(on_disk(root.path()), ["f"]);
    }
}

#[tokio::test]
async fn modes_of_the_mount_win() {
    let root = tempfile::tempdir().unwrap();
    let settings = LocalSettings { file_mode: Some(0o660), dir_mode: Some(0o2770), ..LocalSettings::default() };
    let s = LocalStorage::open(root.path(), settings).unwrap();
    put(&s, "/f", b"x").await.unwrap();
    s.make_dir(&p("/d"), 0o755).await.unwrap();
    assert_eq!(s.stat(&p("/f"), true, &ann()).await.unwrap().mode, Some(0o660));
    assert_eq!(s.stat(&p("/d"), true, &ann()).await.unwrap().mode, Some(0o2770));
    // What no umask takes, making a folder does not give either.
    let settings = LocalSettings { dir_mode: Some(0o2700), ..LocalSettings::default() };
    let s = LocalStorage::open(root.path(), settings).unwrap();
    s.make_dir(&p("/e"), 0o755).await.unwrap();
    assert_eq!(s.stat(&p("/e"), true, &ann()).await.unwrap().mode, Some(0o2700));
    // A folder made in one whose group is handed on hands it on too.
    let s = storage(root.path());
    s.make_dir(&p("/d/below"), 0o777).await.unwrap();
    assert_eq!(s.stat(&p("/d/below"), true, &ann()).await.unwrap().mode, Some(0o2777));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_uploads_at_once_are_all_there() {
    let root = tempfile::tempdir().unwrap();
    let s = LocalStorage::open(root.path(), LocalSettings::default()).unwrap();
    let uploads = (0..64).map(|n| {
        let s = s.clone();
        tokio::spawn(async move { put(&s, &format!("/{n}"), b"content").await })
    });
    for upload in uploads.collect::<Vec<_>>() {
        upload.await.unwrap().unwrap();
    }
    assert_eq!(on_disk(root.path()).len(), 64);
    assert!(s.inner.pending.is_empty(), "names are marked that nobody uploads to");
}

#[tokio::test]
async fn two_servers_on_one_folder_do_not_write_in_place_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (storage(folder.path()), storage(folder.path()));
    fs::write(folder.path().join("log"), "one").unwrap();
    let mut first = open(&one, "/log", WriteHow::Append).await.unwrap();
    assert_eq!(open(&other, "/log", WriteHow::Append).await.map(drop).unwrap_err().reason, Reason::Busy);
    first.sink.write_all(Bytes::from_static(b"two")).await.unwrap();
    first.sink.commit().await.unwrap();
    let second = open(&other, "/log", WriteHow::Append).await.unwrap();
    assert_eq!(second.at, 6);
}

#[tokio::test]
async fn a_huge_folder_streams() {
    let root = tempfile::tempdir().unwrap();
    for n in 0..20_000 {
        fs::write(root.path().join(format!("{n}")), b"").unwrap();
    }
    let s = storage(root.path());
    let mut listing = s.list(&VPath::root(), &ann()).await.unwrap();
    let (mut all, mut largest) = (0, 0);
    loop {
        let page = listing.next_page().await.unwrap();
        if page.is_empty() {
            break;
        }
        largest = largest.max(page.len());
        all += page.len();
    }
    assert_eq!(all, 20_000);
    assert!(largest <= 1_024, "a page of {largest}");
}
