//! `carrack mkdir` and `carrack rmdir`: how do empty folders come and go?

use types::{Error, Reason, VPath};

use super::{AtInterrupt, Client, Opened, Stop, run as run_client};
use crate::cli::Exit;
use crate::cli::change::{Mkdir, Rmdir};

/// Makes folders.
pub(crate) fn run(args: &Mkdir) -> Exit {
    run_client("mkdir", &args.options, AtInterrupt::Drop, async |client: &Client| {
        client
            .each(&args.places, async |place| {
                match args.parents {
                    true => make_all(client, &place).await?,
                    false => place.storage.make_dir(&place.path, client.mode_of_folders()).await?,
                }
                client.output.event("made", &place.shown, &[])
            })
            .await
    })
}

/// Removes empty folders.
pub(crate) fn run_remove(args: &Rmdir) -> Exit {
    run_client("rmdir", &args.options, AtInterrupt::Drop, async |client: &Client| {
        client
            .each(&args.places, async |place| {
                place.storage.remove_dir(&place.path).await?;
                client.output.event("removed", &place.shown, &[])
            })
            .await
    })
}

/// Makes a folder and those above it that are missing.
///
/// # Errors
/// The storage's; [`Reason::Exists`] where a file stands in the way.
pub(crate) async fn make_all(client: &Client, place: &Opened) -> Result<(), Stop> {
    let (mut missing, mut at) = (Vec::new(), Some(place.path.clone()));
    // Upwards to the first that is there: servers do not always say what it is that is missing.
    while let Some(path) = at.filter(|path: &VPath| !path.is_root()) {
        match place.storage.stat(&path, true, &place.owner).await {
            Ok(attr) if attr.is_dir() => break,
            Ok(_) => return Err(Error::with(Reason::Exists, format!("{path} is no folder")).into()),
            Err(e) if matches!(e.reason, Reason::NotFound | Reason::ServerRefused) => {}
            Err(e) => return Err(e.into()),
        }
        at = path.parent();
        missing.push(path);
    }
    for path in missing.iter().rev() {
        match place.storage.make_dir(path, client.mode_of_folders()).await {
            // Somebody else was quicker.
            Err(e) if e.reason == Reason::Exists => {}
            made => made?,
        }
    }
    Ok(())
}
