//! `carrack cat`: what stands in these files, or in a part of each?

use io::pump::Pieces;

use super::{AtInterrupt, Client, Opened, Stop, run as run_client};
use crate::cli::Exit;
use crate::cli::files::Cat;

/// Writes files to standard output.
pub(crate) fn run(args: &Cat) -> Exit {
    run_client("cat", &args.form.with(&args.options), AtInterrupt::Drop, async |client: &Client| {
        client.each(&args.places, async |place| pour(client, &place, args.offset, args.length).await).await
    })
}

/// Writes a file, or a part of it, to standard output.
///
/// # Errors
/// The storage's; [`Stop::PipeClosed`] where nobody reads on.
pub(crate) async fn pour(client: &Client, place: &Opened, at: u64, length: Option<u64>) -> Result<(), Stop> {
    let (_, source) = place.storage.read(&place.path, at, &place.owner).await?;
    let mut pieces = Pieces::of(source.first(length.unwrap_or(u64::MAX)));
    while let Some(piece) = pieces.next().await? {
        client.output.bytes(&piece)?;
        if client.output.is_terminal() {
            client.output.flush()?;
        }
    }
    Ok(())
}
