//! `carrack mv`: how are files and folders renamed, or moved to another folder of the same server?

use std::sync::Arc;

use serde_json::json;
use types::{Error, Reason, VPath};

use super::{AtInterrupt, Client, Opened, Stop, run as run_client};
use crate::cli::Exit;
use crate::cli::change::Mv;

/// Moves places.
pub(crate) fn run(args: &Mv) -> Exit {
    run_client("mv", &args.options, AtInterrupt::Wait, async |client: &Client| {
        let Some((last, sources)) = args.places.split_last() else { return Ok(()) };
        let target = client.open(last).await?;
        let into = target.is_folder || sources.len() > 1 || is_folder(&target).await?;
        client.each(sources, async |place| move_one(client, &place, &target, into, !args.no_clobber).await).await
    })
}

async fn is_folder(target: &Opened) -> Result<bool, Error> {
    match target.storage.stat(&target.path, true, &target.owner).await {
        Ok(attr) => Ok(attr.is_dir()),
        Err(e) if matches!(e.reason, Reason::NotFound | Reason::ServerRefused) => Ok(false),
        Err(e) => Err(e),
    }
}

async fn move_one(client: &Client, place: &Opened, target: &Opened, into: bool, replace: bool) -> Result<(), Stop> {
    if client.token.is_cancelled() {
        return Err(Reason::Cancelled.into());
    }
    if !is_one_storage(place, target) {
        return Err(Error::with(Reason::CrossMount, format!("{} is another server", target.shown)).into());
    }
    let to = match (into, place.path.name()) {
        (true, Some(name)) => target.path.join(name).map_err(Error::from)?,
        (true, None) => return Err(Error::with(Reason::Denied, "a root cannot be moved").into()),
        (false, _) => target.path.clone(),
    };
    if to != place.path && to.is_below(&place.path) {
        return Err(Error::with(Reason::BadName, "a folder cannot be moved into itself").into());
    }
    place.storage.rename(&place.path, &to, replace).await?;
    client.output.event("moved", &place.shown, &[("to", json!(shown(target, &to)))])
}

/// Whether both are of one server by one login, or both of this machine.
fn is_one_storage(a: &Opened, b: &Opened) -> bool {
    (a.remote.is_none() && b.remote.is_none()) || Arc::ptr_eq(&a.storage, &b.storage)
}

fn shown(target: &Opened, to: &VPath) -> String {
    target.shown_below(to)
}
