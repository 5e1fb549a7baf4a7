//! 100 MiB up and down, the file compared by checksum.

use std::sync::Arc;
use std::time::Duration;

use client::Remote as _;
use client::ftp::{Ftp, Root};
use interop::outside::{Kind, Tls};
use interop::{Way, files};
use io::CancellationToken;
use io::meter::Meter;
use types::WriteHow;
use vfs::WriteOrder;

use super::course::{dial, here, path, start, wait};

const SIZE: usize = 100 << 20;

pub(crate) fn plain(kind: Kind) {
    over(kind, Tls::Off, false);
}

pub(crate) fn secure(kind: Kind, reuse: bool) {
    over(kind, Tls::V13, reuse);
}

fn over(kind: Kind, tls: Tls, reuse: bool) {
    let Some(server) = start(kind, false, tls, reuse) else { return };
    let folder = tempfile::tempdir().unwrap();
    files::make(&folder.path().join("up"), SIZE, 42);
    wait(async {
        let mine = here(folder.path());
        let token = CancellationToken::new();
        let ftp = Ftp::open(dial(&server, Way::Passive4), Root::Home, 1, Duration::from_secs(60), &token).await.unwrap();
        let ftp = Arc::new(ftp);
        let (_, source) = mine.storage.read(&path("/up"), 0, &mine.owner).await.unwrap();
        let there = path("/large");
        ftp.send(&there, WriteHow::Replace, Some(SIZE as u64), source, Meter::default()).await.unwrap();
        let order = WriteOrder { how: WriteHow::Replace, mode: 0o644, owner: &mine.owner };
        let sink = mine.storage.write(&path("/down"), order).await.unwrap().sink;
        ftp.receive(&there, 0, Some(SIZE as u64), sink, Meter::default()).await.unwrap();
        ftp.close().await;
    });
    files::assert_same(&folder.path().join("up"), &server.root().join("large"));
    files::assert_same(&folder.path().join("up"), &folder.path().join("down"));
}
