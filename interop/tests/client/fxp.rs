//! A file goes from one server straight to another, and is the same there.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use client::Remote as _;
use client::ftp::{Ftp, Root};
use interop::outside::{Kind, Outside, Tls, may_start};
use interop::run::{Ran, run};
use interop::{PASSWORD, Server, USER, Way, files};
use io::CancellationToken;
use types::Reason;
use vfs::{Owner, Storage as _};

use super::course::{dial, path, start, wait};

async fn open(server: &Outside) -> Arc<Ftp> {
    let token = CancellationToken::new();
    Arc::new(Ftp::open(dial(server, Way::Passive4), Root::Home, 1, Duration::from_secs(60), &token).await.unwrap())
}

pub(crate) fn between(from: Kind, to: Kind) {
    let Some(one) = start(from, false, Tls::Off, false) else { return };
    let Some(other) = start(to, false, Tls::Off, false) else { return };
    files::make(&one.root().join("a file"), 5_000_000, 3);
    one.hand_over(&one.root().join("a file")).unwrap();
    wait(async {
        let (from, to) = (open(&one).await, open(&other).await);
        let size = from.exchange(&path("/a file"), &to, &path("/there"), 0).await.unwrap();
        assert!(size.is_none_or(|size| size == 5_000_000));
        let e = from.exchange(&path("/none"), &to, &path("/nothing"), 0).await.unwrap_err();
        assert!(matches!(e.reason, Reason::NotFound | Reason::ServerRefused), "{e}");
        // Both sessions, or those that follow, are fit for more.
        assert!(to.stat(&path("/there"), true, &Owner::default()).await.is_ok());
        assert!(from.noop().await.is_ok());
    });
    files::assert_same(&one.root().join("a file"), &other.root().join("there"));
}

/// Neither end begins TLS: it is said, and nothing moves.
pub(crate) fn refused_under_tls(kind: Kind) {
    let Some(one) = start(kind, false, Tls::V13, false) else { return };
    wait(async {
        let (from, to) = (open(&one).await, open(&one).await);
        let e = from.exchange(&path("/a"), &to, &path("/b"), 0).await.unwrap_err();
        assert_eq!(e.reason, Reason::NoExchange, "{e}");
    });
}

/// `carrack mirror` of a tree from one server to another.
fn mirrored(options: &[&str], from: &str, to: &str) -> Ran {
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(interop::carrack());
    command.arg("mirror").args(options).args(["--json", &format!("{from}tree"), &format!("{to}there")]);
    run(command.env("CARRACK_PASSWORD", PASSWORD).env("HOME", home.path()).current_dir(home.path()))
}

fn copied(from: &str, to: &str) -> Ran {
    mirrored(&["--no-tls", "--fxp"], from, to).well()
}

fn url(host: &str, port: u16) -> String {
    format!("ftp://{USER}@{host}:{port}/")
}

/// What comes of it where both allow it, and where they do not: equal trees each time, and it is said how they went.
fn told(ran: &Ran, allowed: bool, from: &Path, to: &Path) {
    assert_eq!(ran.said.contains("\"event\":\"no_exchange\""), !allowed, "{}", ran.said);
    assert!(allowed || (ran.said.contains("CRK-735") && ran.said.contains("the server said: 50")), "{}", ran.said);
    files::assert_same_trees(&from.join("tree"), &to.join("there"));
}

fn fill(root: &Path) {
    std::fs::create_dir_all(root.join("tree/folder")).unwrap();
    for (n, name) in ["one", "two words", "folder/three"].iter().enumerate() {
        files::make(&root.join("tree").join(name), 400_000 * (n + 1), n as u64);
    }
}

/// Two of our own servers, neither on the client's machine.
pub(crate) fn own(allowed: bool) {
    let key = format!("fxp = {allowed}");
    let (one, other) = (Server::elsewhere(2, &key), Server::elsewhere(3, &key));
    fill(one.root());
    let ran = copied(&url("127.0.0.2", one.port()), &url("127.0.0.3", other.port()));
    told(&ran, allowed, one.root(), other.root());
}

/// Two of another's servers.
fn two(kind: Kind, tls: Tls, beyond: bool) -> Option<(Outside, Outside)> {
    if !may_start() {
        interop::skip("other servers want root to be started");
        return None;
    }
    match Outside::elsewhere(kind, 2, tls, beyond).and_then(|one| Ok((one, Outside::elsewhere(kind, 3, tls, beyond)?))) {
        Ok(servers) => Some(servers),
        Err(why) => {
            interop::skip(&format!("{kind:?} does not start here: {why}"));
            None
        }
    }
}

/// Two of another's servers, likewise.
pub(crate) fn elsewhere(kind: Kind, allowed: bool) {
    let Some((one, other)) = two(kind, Tls::Off, allowed) else { return };
    fill(one.root());
    let ran = copied(&url("127.0.0.2", one.address().port()), &url("127.0.0.3", other.address().port()));
    told(&ran, allowed, one.root(), other.root());
}

/// Two that take all commands for it under TLS, SSCN too, and then fall over it, or want a TLS session resumed that the other
/// server never had: it is said, and the files pass through here; where only the straight way will do, nothing is copied.
pub(crate) fn only_until_data(kind: Kind) {
    let Some((one, other)) = two(kind, Tls::V13, true) else { return };
    fill(one.root());
    let (from, to) = (url("127.0.0.2", one.address().port()), url("127.0.0.3", other.address().port()));
    let ran = mirrored(&["--tls-insecure", "--fxp=only"], &from, &to);
    assert!(!ran.status.success(), "{}", ran.said);
    assert!(ran.said.contains("CRK-735"), "{}", ran.said);
    assert!(!other.root().join("there/one").exists());
    let ran = mirrored(&["--tls-insecure", "--fxp"], &from, &to).well();
    assert_eq!(ran.said.matches("\"event\":\"no_exchange\"").count(), 1, "{}", ran.said);
    files::assert_same_trees(&one.root().join("tree"), &other.root().join("there"));
}
