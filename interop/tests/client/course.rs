//! The course: a tree of odd names goes up and comes down, files are gone on with, renamed and removed, folders made, listed
//! and removed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use client::copy::{Filter, Plan, Same, Settings as CopySettings, Side, Tree, Wishes, run};
use client::ftp::{Dial, Ftp, Root, settings};
use client::{Remote as _, exit};
use interop::outside::{Kind, Outside, Tls, may_start};
use interop::{PASSWORD, USER, Way, files};
use io::CancellationToken;
use io::body::Source;
use io::meter::Meter;
use proto::ftp::client::{Form, Login};
use types::{AttrChange, Reason, Secret, Time, VPath, WriteHow};
use vfs::{Durability, LocalSettings, LocalStorage, Owner, Storage as _};

/// No course is longer: the machine may be slow and busy.
const AT_MOST: Duration = Duration::from_secs(170);

pub(crate) fn plain(kind: Kind, way: Way) {
    over(kind, way, Tls::Off, false);
}

pub(crate) fn secure(kind: Kind, way: Way, tls: Tls, reuse: bool) {
    over(kind, way, tls, reuse);
}

fn over(kind: Kind, way: Way, tls: Tls, reuse: bool) {
    let Some(server) = start(kind, way.is_v6(), tls, reuse) else { return };
    let tls = match tls {
        Tls::Off => None,
        Tls::V12 => Some("TLS 1.2"),
        Tls::V13 => Some("TLS 1.3"),
    };
    // Pure-FTPd takes no backslash in names.
    let without = if kind == Kind::Pureftpd { Some("back\\slash.txt") } else { None };
    // pyftpdlib 2.2 forgets one of several active data connections that are made at the same time, with any client.
    let most = if kind == Kind::Pyftpdlib && way.is_active() { 1 } else { 3 };
    wait(course(dial(&server, way), server.root().to_path_buf(), Expected { tls, without, most }));
}

/// Our own server, as `carrack serve` has it.
pub(crate) fn own(way: Way) {
    let server = interop::Server::start();
    let (host, port) = server.host_and_port(way);
    let dial = dial_to(host, port.parse().unwrap(), way);
    wait(course(dial, server.root().to_path_buf(), Expected { tls: None, without: None, most: 3 }));
}

/// The server; `None`, and said so, where there can be none.
pub(crate) fn start(kind: Kind, v6: bool, tls: Tls, reuse: bool) -> Option<Outside> {
    if !may_start() {
        interop::skip(&format!("{kind:?} wants root to be started"));
        return None;
    }
    match Outside::start(kind, v6, tls, reuse) {
        Ok(server) => Some(server),
        Err(why) => {
            interop::skip(&format!("{kind:?} does not start here: {why}"));
            None
        }
    }
}

pub(crate) fn wait(work: impl Future<Output = ()>) {
    let reactor = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    reactor.block_on(async { tokio::time::timeout(AT_MOST, work).await.expect("it hangs") });
}

fn dial_to(host: &str, port: u16, way: Way) -> Dial {
    let login = Login { user: USER.into(), password: Secret::new(PASSWORD.into()), account: None };
    let mut dial = Dial::new(host, port, settings(login));
    dial.settings.forms = if way.is_active() { vec![Form::Eprt, Form::Port] } else { vec![Form::Epsv, Form::Pasv] };
    dial
}

pub(crate) fn dial(server: &Outside, way: Way) -> Dial {
    let address = server.address();
    let mut dial = dial_to(&address.ip().to_string(), address.port(), way);
    if let Some(file) = server.authority() {
        dial.settings.tls = proto::ftp::client::Tls::Required;
        let roots = io::tls::Roots::load(Path::new(file)).unwrap();
        dial.tls = Some(io::tls::Client::new(io::tls::Trust::Roots(roots), None).unwrap());
    }
    dial
}

pub(crate) fn path(text: &str) -> VPath {
    VPath::parse(text.as_bytes()).unwrap()
}

/// A folder of this machine.
pub(crate) fn here(folder: &Path) -> Side {
    let settings = LocalSettings { durability: Durability::Os, ..LocalSettings::default() };
    Side::here(Arc::new(LocalStorage::open(folder, settings).unwrap()), VPath::root(), Owner(Some("me".into())))
}

async fn scan(side: &Side) -> Tree {
    Tree::scan(&*side.storage, &side.root, &Filter::default(), &side.owner).await.unwrap()
}

async fn copy(from: &Side, to: &Side, wishes: &Wishes) {
    let plan = Plan::make(&scan(from).await, &scan(to).await, wishes).unwrap();
    assert_eq!(plan.unsure, []);
    let report = run(&plan, from, to, &CopySettings::default(), &(), &CancellationToken::new()).await;
    assert!(report.failed.is_empty(), "{:?}", report.failed);
}

/// What is different from server to server.
struct Expected {
    /// The version that must be seen.
    tls: Option<&'static str>,
    /// A name that the server does not take.
    without: Option<&'static str>,
    /// Sessions at once.
    most: usize,
}

async fn course(mut dial: Dial, root: PathBuf, Expected { tls, without, most }: Expected) {
    let ladder = Arc::new(Ladder::default());
    dial.observer = ladder.clone();
    let token = CancellationToken::new();
    let work = async {
        let ftp = Ftp::open(dial, Root::Home, most, Duration::from_secs(60), &token).await.unwrap();
        let ftp = Arc::new(ftp);
        trees(&ftp, &root, without).await;
        pieces(&ftp, &root).await;
        names(&ftp, &root, without).await;
        refusals(&ftp).await;
        ftp.close().await;
    };
    let mut shown = Shown { ladder: &ladder, is_needed: true };
    work.await;
    if let Some(version) = tls {
        assert!(ladder.text().contains(version), "{version} in\n{}", ladder.text());
    }
    shown.is_needed = false;
}

/// Whole trees, up and down, and then there is nothing left to do.
async fn trees(ftp: &Arc<Ftp>, root: &Path, without: Option<&str>) {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    files::make_tree(one.path());
    if let Some(name) = without {
        std::fs::remove_file(one.path().join(name)).unwrap();
    }
    ftp.make_dir(&path("/up"), 0o755).await.unwrap();
    let there = Side::there(ftp.clone(), path("/up"));
    // Times in listings that are not MLSD's are rounded.
    let same = if ftp.welcome().features.facts() { Same::SizeAndTime } else { Same::Size };
    let wishes = Wishes { same, ..Wishes::default() };
    copy(&here(one.path()), &there, &wishes).await;
    files::assert_same_trees(one.path(), &root.join("up"));
    copy(&there, &here(two.path()), &wishes).await;
    files::assert_same_trees(one.path(), two.path());
    let again = Plan::make(&scan(&here(one.path())).await, &scan(&there).await, &wishes).unwrap();
    assert_eq!(again.steps, []);
    // What only the target has goes; a folder with a space in its name, too.
    std::fs::remove_dir_all(one.path().join("a folder")).unwrap();
    std::fs::remove_file(one.path().join("-dash.txt")).unwrap();
    copy(&here(one.path()), &there, &Wishes { delete: true, ..wishes }).await;
    files::assert_same_trees(one.path(), &root.join("up"));
}

/// Files from a byte on, both ways, and at their end.
async fn pieces(ftp: &Ftp, root: &Path) {
    let body = Bytes::from(files::noise(500_000, 7));
    let send = async |how, part: Bytes| {
        let expected = Some(part.len() as u64);
        assert_eq!(Some(give(ftp, &path("/part ü"), how, part).await), expected);
    };
    send(WriteHow::Replace, body.slice(..200_000)).await;
    send(WriteHow::At(200_000), body.slice(200_000..400_000)).await;
    send(WriteHow::Append, body.slice(400_000..)).await;
    assert_eq!(std::fs::read(root.join("part ü")).unwrap(), body);
    assert_eq!(ftp.size(&path("/part ü")).await.unwrap(), Some(500_000));
    let (attr, source) = ftp.read(&path("/part ü"), 450_000, &Owner::default()).await.unwrap();
    assert_eq!((attr.size, source.read_to_end().await.unwrap()), (500_000, body.slice(450_000..).to_vec()));
    // One that is given up in its midst, and the session goes on.
    let (_, source) = ftp.read(&path("/part ü"), 0, &Owner::default()).await.unwrap();
    drop(source);
    assert_eq!(ftp.size(&path("/part ü")).await.unwrap(), Some(500_000));
    let time = Time::from_seconds(1_234_567_890);
    if ftp.capability().set_times {
        let change = AttrChange { modified: Some(time), ..AttrChange::default() };
        ftp.set_attr(&path("/part ü"), &change).await.unwrap();
        let seen = std::fs::metadata(root.join("part ü")).unwrap().modified().unwrap();
        assert_eq!(seen.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs(), 1_234_567_890);
    }
    ftp.remove(&path("/part ü"), &Owner::default()).await.unwrap();
    assert!(!root.join("part ü").exists());
}

/// Sends a file, again where a session's TLS could be resumed no more: the next one's can.
async fn give(ftp: &Ftp, path: &VPath, how: WriteHow, body: Bytes) -> u64 {
    let once = async || ftp.send(path, how, Some(body.len() as u64), Source::from_bytes(body.clone()), Meter::default()).await;
    for _ in 0..3 {
        match once().await {
            Err(e) if e.reason == Reason::DataNotProtected => {}
            result => return result.unwrap(),
        }
    }
    once().await.unwrap()
}

/// Folders and renaming, under names that mean something to shells, servers and FTP itself.
async fn names(ftp: &Ftp, root: &Path, without: Option<&str>) {
    let odd = "-a [odd] \"folder\" ünd ?";
    let folder = format!("/{odd}");
    ftp.make_dir(&path(&folder), 0o755).await.unwrap();
    assert!(root.join(odd).is_dir());
    let mut made = BTreeSet::new();
    for name in files::ODD_NAMES.into_iter().filter(|name| Some(*name) != without) {
        let new = format!("{name}.new");
        let (from, to) = (path(&format!("{folder}/{name}")), path(&format!("{folder}/{new}")));
        give(ftp, &from, WriteHow::Replace, Bytes::from_static(b"odd")).await;
        ftp.rename(&from, &to, false).await.unwrap();
        assert_eq!(std::fs::read(root.join(odd).join(&new)).unwrap(), b"odd");
        made.insert(new);
    }
    let mut listed = BTreeSet::new();
    let mut listing = ftp.list(&path(&folder), &Owner::default()).await.unwrap();
    loop {
        let page = listing.next_page().await.unwrap();
        if page.is_empty() {
            break;
        }
        for entry in page {
            assert_eq!((entry.attr.kind, entry.attr.size), (types::Kind::File, 3));
            assert!(listed.insert(String::from_utf8(entry.name.to_vec()).unwrap()));
        }
    }
    drop(listing);
    assert_eq!(listed, made);
    for name in &made {
        ftp.remove(&path(&format!("{folder}/{name}")), &Owner::default()).await.unwrap();
    }
    // A folder with nothing in it lists as nothing.
    let mut listing = ftp.list(&path(&folder), &Owner::default()).await.unwrap();
    assert!(listing.next_page().await.unwrap().is_empty());
    drop(listing);
    ftp.remove_dir(&path(&folder)).await.unwrap();
    assert!(!root.join(odd).exists());
}

/// What is not there is told as that.
async fn refusals(ftp: &Ftp) {
    let none = path("/no such file");
    let told = [
        ftp.stat(&none, true, &Owner::default()).await.map(drop).unwrap_err(),
        ftp.read(&none, 0, &Owner::default()).await.map(drop).unwrap_err(),
        ftp.remove(&none, &Owner::default()).await.unwrap_err(),
        ftp.list(&path("/no such folder"), &Owner::default()).await.map(drop).unwrap_err(),
    ];
    for e in told {
        assert!(matches!(e.reason, Reason::NotFound | Reason::ServerRefused), "{e}");
        assert_ne!(exit::code(e.reason), 0);
    }
}

/// All sessions of a test, drawn.
#[derive(Default)]
pub(crate) struct Ladder(std::sync::Mutex<Vec<types::Event>>);

impl Ladder {
    pub(crate) fn text(&self) -> String {
        let mut printer = trace::LadderPrinter::new(trace::Style::Ascii, 120);
        self.0.lock().unwrap().iter().map(|event| printer.event(types::SessionId(0), event)).collect()
    }
}

impl trace::Observer for Ladder {
    fn opened(&self, _: &trace::SessionInfo) {}

    fn event(&self, _: &trace::SessionInfo, event: &types::Event) {
        self.0.lock().unwrap().push(event.clone());
    }

    fn closed(&self, _: &trace::SessionInfo, _: &trace::Ring) {}
}

/// Shows the end of the ladder where a test fails.
struct Shown<'a> {
    ladder: &'a Ladder,
    is_needed: bool,
}

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        if !self.is_needed {
            return;
        }
        let text = self.ladder.text();
        let lines: Vec<&str> = text.lines().collect();
        eprintln!("--- the session:\n{}", lines[lines.len().saturating_sub(200)..].join("\n"));
    }
}
