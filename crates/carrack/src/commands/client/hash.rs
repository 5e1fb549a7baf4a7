//! `carrack hash FILE…`: what are the digests of files? By the server's own word where it can tell, else by reading them.

use client::checksum::of_file;
use serde_json::json;
use types::text::printable;
use types::{Error, Reason};

use super::{AtInterrupt, Client, Opened, Stop, run as run_client};
use crate::cli::Exit;
use crate::cli::search::Hash;

/// Tells the digests of places.
pub(crate) fn run(args: &Hash) -> Exit {
    run_client("hash", &args.options, AtInterrupt::Drop, async |client: &Client| {
        client.each(&args.places, async |place| tell(client, &place, args).await).await
    })
}

async fn tell(client: &Client, place: &Opened, args: &Hash) -> Result<(), Stop> {
    if place.is_folder {
        return Err(Error::new(Reason::IsAFolder).into());
    }
    let remote = place.remote.as_deref().filter(|_| !args.read);
    let digest = of_file(&*place.storage, remote, &place.path, &place.owner, &[args.algorithm]).await?;
    if client.output.is_json() {
        let algorithm = digest.algorithm.name();
        return client.output.object(&json!({ "place": place.shown, "algorithm": algorithm, "digest": digest.hex() }));
    }
    client.output.line(format_args!("{}  {}", digest.hex(), printable(&place.shown)))
}
