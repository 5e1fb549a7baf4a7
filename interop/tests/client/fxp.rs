//! A file goes from one server straight to another, and is the same there.

use std::sync::Arc;
use std::time::Duration;

use client::Remote as _;
use client::ftp::{Ftp, Root};
use interop::outside::{Kind, Outside, Tls};
use interop::{Way, files};
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
