//! May an interrupted copy go on where it stopped? Only where the end of what is there is the same on both sides, and the
//! source has not changed since the part of it was made.

use types::{Attr, Error, Reason, Time, VPath};

use super::Side;

/// As much as is compared.
const OVERLAP: u64 = 64 * 1024;

/// Whether the `came` bytes of `source` before byte `at` seem to be what stands at `target`: their last 64 KiB are compared.
///
/// # Errors
/// The storages'.
pub(super) async fn goes_on(source: (&Side, &VPath), target: (&Side, &VPath), at: u64, came: u64) -> Result<bool, Error> {
    let bytes = came.min(OVERLAP);
    let from = at - bytes;
    Ok(read(source, from, bytes).await? == read(target, from, bytes).await?)
}

/// Whether a source with this time has changed since this part of it was made: equal ends prove nothing of what stands before
/// them. The part's birth where it is told, for the source may have changed while it came; where times are not told, or two
/// clocks disagree, the ends are what there is.
pub(super) fn has_changed(source: Option<Time>, part: &Attr) -> bool {
    matches!((source, part.created.or(part.modified)), (Some(changed), Some(made)) if changed > made)
}

async fn read((side, path): (&Side, &VPath), from: u64, bytes: u64) -> Result<Vec<u8>, Error> {
    let (_, source) = side.storage.read(path, from, &side.owner).await?;
    let read = source.first(bytes).read_to_end().await?;
    if read.len() as u64 == bytes { Ok(read) } else { Err(Reason::BeyondEnd.into()) }
}
