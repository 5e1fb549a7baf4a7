//! A file out of standard input.

use std::io::Read as _;

use bytes::Bytes;
use client::copy::{publish, temporary_name};
use io::body::Sink;
use io::meter::Meter;
use io::task;
use types::{Error, Reason, WriteHow};
use vfs::WriteOrder;

use super::super::{Client, Stop};
use super::wishes;
use crate::cli::copies::CopyOptions;

/// As much as is read at once.
const PIECE: usize = 256 * 1024;

/// `put - URL`: sends standard input. Nobody sees the file before its end was read and confirmed.
pub(super) async fn from_input(client: &Client, target: &str, options: &CopyOptions) -> Result<(), Stop> {
    let target = client.open(target).await?;
    if target.is_folder || target.path.is_root() {
        let words = format!("{}: standard input has no name of its own: give one", target.shown);
        return Err(Error::with(Reason::Syntax, words).into());
    }
    if options.what.dry_run {
        client.output.note(format_args!("standard input would be sent to {}", target.shown));
        client.done();
        return Ok(());
    }
    let settings = wishes::settings(client, &options.how, None, &super::whole(&target));
    let needs_hiding = settings.temporary_names && target.remote.is_some();
    let hidden = if needs_hiding { temporary_name(&target.path) } else { None };
    let to = hidden.as_ref().unwrap_or(&target.path);
    let order = WriteOrder { how: WriteHow::Replace, mode: settings.file_mode, owner: &target.owner };
    let mut sink = target.storage.write(to, order).await?.sink;
    let meter = Meter::new(client.token.child_token(), settings.rates);
    match fill(&mut sink, &meter).await {
        Ok(()) => sink.commit().await?,
        Err(e) => {
            drop(sink);
            // Half a file is of no use to anybody: what was said before cannot be read again.
            let _ = target.storage.remove(to, &target.owner).await;
            return Err(e.into());
        }
    }
    if let Some(hidden) = &hidden {
        publish(&super::whole(&target), hidden, &target.path, None).await?;
    }
    client.output.note(format_args!("{} bytes sent", meter.moved()));
    client.done();
    Ok(())
}

async fn fill(sink: &mut Sink, meter: &Meter) -> Result<(), Error> {
    loop {
        let read = task::blocking(|| {
            let mut piece = vec![0; PIECE];
            std::io::stdin().lock().read(&mut piece).map(|n| {
                piece.truncate(n);
                Bytes::from(piece)
            })
        });
        let piece = meter.token().run_until_cancelled(read).await.ok_or(Reason::Cancelled)?;
        let mut piece = piece?.map_err(Error::from)?;
        if piece.is_empty() {
            return Ok(());
        }
        while !piece.is_empty() {
            let granted = meter.grant(piece.len()).await.map_err(|_| Error::new(Reason::Cancelled))?;
            sink.write_all(piece.split_to(granted.min(piece.len()))).await?;
            meter.count(granted);
        }
    }
}
