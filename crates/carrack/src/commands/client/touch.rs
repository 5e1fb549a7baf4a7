//! `carrack touch`: how does a file get another time, or come to be?

use serde_json::json;
use types::{AttrChange, Reason, WriteHow};
use vfs::WriteOrder;

use super::{AtInterrupt, Client, Opened, Stop, entry, run as run_client};
use crate::cli::Exit;
use crate::cli::change::Touch;

/// Sets the times of places.
pub(crate) fn run(args: &Touch) -> Exit {
    run_client("touch", &args.options, AtInterrupt::Drop, async |client: &Client| {
        client.each(&args.places, async |place| touch(client, &place, args).await).await
    })
}

async fn touch(client: &Client, place: &Opened, args: &Touch) -> Result<(), Stop> {
    let given = args.date.or(args.stamp).map(|moment| moment.0);
    match place.storage.stat(&place.path, true, &place.owner).await {
        Ok(_) => {}
        Err(e) if matches!(e.reason, Reason::NotFound | Reason::ServerRefused) => {
            if args.no_create {
                return Ok(());
            }
            let order = WriteOrder { how: WriteHow::New, mode: client.mode_of_files(), owner: &place.owner };
            place.storage.write(&place.path, order).await?.sink.commit().await?;
            client.output.event("made", &place.shown, &[])?;
            // What was made just now has the time of now, by the server's own clock.
            if given.is_none() {
                return Ok(());
            }
        }
        Err(e) => return Err(e.into()),
    }
    let time = given.unwrap_or_else(io::clock::wall);
    place.storage.set_attr(&place.path, &AttrChange { modified: Some(time), ..AttrChange::default() }).await?;
    client.output.event("changed", &place.shown, &[("modified", json!(entry::rfc3339(time)))])
}
