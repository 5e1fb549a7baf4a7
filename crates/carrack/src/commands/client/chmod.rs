//! `carrack chmod`: how are permission bits changed, of a file or of all below a folder?

use serde_json::json;
use types::{Attr, AttrChange, Error, Kind, Reason, VPath};

use super::tree::walk;
use super::{AtInterrupt, Client, Opened, Stop, run as run_client};
use crate::cli::Exit;
use crate::cli::change::Chmod;

/// Changes the bits of places.
pub(crate) fn run(args: &Chmod) -> Exit {
    run_client("chmod", &args.options, AtInterrupt::Wait, async |client: &Client| {
        let change = Change { client, args };
        client.each(&args.places, async |place| change.place(&place).await).await
    })
}

struct Change<'a> {
    client: &'a Client,
    args: &'a Chmod,
}

impl Change<'_> {
    async fn place(&self, place: &Opened) -> Result<(), Stop> {
        let attr = place.attr(true).await?;
        let is_dir = attr.is_dir();
        self.one(place, &place.path, &attr).await?;
        if !(is_dir && self.args.recursive) {
            return Ok(());
        }
        walk(self.client, place, async |folder, entries| {
            for entry in entries.iter().filter(|entry| entry.attr.kind != Kind::Link) {
                let path = folder.join(&entry.name).map_err(Error::from)?;
                if let Err(stop) = self.one(place, &path, &entry.attr).await {
                    self.client.tell(place, &path, stop)?;
                }
            }
            Ok(entries)
        })
        .await
    }

    async fn one(&self, place: &Opened, path: &VPath, attr: &Attr) -> Result<(), Stop> {
        if self.client.token.is_cancelled() {
            return Err(Reason::Cancelled.into());
        }
        let unknown = || Error::with(Reason::Unsupported, "the server does not tell which bits there are now; give them as 644");
        let mode = self.args.bits.apply(attr.mode, attr.is_dir()).ok_or_else(unknown)?;
        if attr.mode != Some(mode) {
            place.storage.set_attr(path, &AttrChange { mode: Some(mode), ..AttrChange::default() }).await?;
        }
        self.client.output.event("changed", &place.shown_below(path), &[("mode", json!(format!("{mode:04o}")))])
    }
}
