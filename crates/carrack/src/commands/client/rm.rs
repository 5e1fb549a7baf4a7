//! `carrack rm`: how are files removed, and folders with all that is in them?

use types::text::printable;
use types::{Error, Kind, Reason, VPath};

use super::tree::walk;
use super::{AtInterrupt, Client, Opened, Stop, run as run_client};
use crate::cli::Exit;
use crate::cli::files::Rm;

/// Removes places. Ctrl-C is heard between two files.
pub(crate) fn run(args: &Rm) -> Exit {
    run_client("rm", &args.options, AtInterrupt::Wait, async |client: &Client| {
        let removal = Removal { client, args };
        client.each(&args.places, async |place| removal.place(&place).await).await
    })
}

struct Removal<'a> {
    client: &'a Client,
    args: &'a Rm,
}

impl Removal<'_> {
    async fn place(&self, place: &Opened) -> Result<(), Stop> {
        if place.path.is_root() {
            return Err(Error::with(Reason::Denied, "a root is never removed; name what is in it").into());
        }
        let attr = match place.attr(false).await {
            Err(e) if e.reason == Reason::NotFound && self.args.force => return Ok(()),
            result => result?,
        };
        if !attr.is_dir() {
            return self.file(place, &place.path).await;
        }
        if !self.args.recursive {
            return Err(Error::with(Reason::IsAFolder, "-r removes folders and all that is in them").into());
        }
        self.tree(place).await
    }

    /// A folder and all below it: first the files of all folders, then the folders from the deepest up.
    async fn tree(&self, place: &Opened) -> Result<(), Stop> {
        let (mut folders, mut failed) = (Vec::new(), Vec::new());
        walk(self.client, place, async |folder, entries| {
            folders.push(folder.clone());
            for entry in entries.iter().filter(|entry| entry.attr.kind != Kind::Dir) {
                let path = folder.join(&entry.name).map_err(Error::from)?;
                if let Err(stop) = self.file(place, &path).await {
                    self.client.tell(place, &path, stop)?;
                    failed.push(path);
                }
            }
            Ok(entries)
        })
        .await?;
        for folder in folders.iter().rev() {
            // What is not empty for a reason that was told needs no second complaint.
            if failed.iter().any(|path: &VPath| path.is_below(folder)) {
                continue;
            }
            if let Err(stop) = self.remove(place, folder, Kind::Dir).await {
                if *folder == place.path {
                    return Err(stop);
                }
                self.client.tell(place, folder, stop)?;
                failed.push(folder.clone());
            }
        }
        Ok(())
    }

    async fn file(&self, place: &Opened, path: &VPath) -> Result<(), Stop> {
        self.remove(place, path, Kind::File).await
    }

    async fn remove(&self, place: &Opened, path: &VPath, kind: Kind) -> Result<(), Stop> {
        if self.client.token.is_cancelled() {
            return Err(Reason::Cancelled.into());
        }
        let shown = place.shown_below(path);
        if !self.args.dry_run {
            match kind {
                Kind::Dir => place.storage.remove_dir(path).await?,
                _ => place.storage.remove(path, &place.owner).await?,
            }
        }
        let output = &self.client.output;
        if self.args.dry_run && !output.is_json() {
            return output.line(format_args!("would remove {}", printable(&shown)));
        }
        output.event(if self.args.dry_run { "would remove" } else { "removed" }, &shown, &[])
    }
}
