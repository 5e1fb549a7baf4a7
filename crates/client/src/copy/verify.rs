//! Is what was copied the same? Digests of both ends are compared.

use types::{Error, Reason, VPath};

use super::Side;
use super::run::Work;
use crate::checksum::{Algorithm, Checksum, of_file};

impl Work<'_> {
    /// Compares the digests of a file and of its copy, if that is wished. Each end tells its own where it can; else the file
    /// is read, from a server for a second time.
    ///
    /// # Errors
    /// [`Reason::ChecksumDiffers`]; the storages'.
    pub(super) async fn verify(&self, from: &VPath, to: &VPath) -> Result<(), Error> {
        if !self.settings.checksum {
            return Ok(());
        }
        // Who can choose among fewer is asked first; the other then makes the same kind.
        let (first, second) = if self.target.remote.is_some() {
            ((self.target, to), (self.source, from))
        } else {
            ((self.source, from), (self.target, to))
        };
        let one = digest(first, &Algorithm::ALL).await?;
        let other = digest(second, &[one.algorithm]).await?;
        if one == other {
            return Ok(());
        }
        // Nobody shall take it for the file.
        let _ = self.target.storage.remove(to, &self.target.owner).await;
        Err(Error::with(Reason::ChecksumDiffers, format!("{one} in {}, {} in {}", first.1, other.hex(), second.1)))
    }
}

async fn digest((side, path): (&Side, &VPath), wanted: &[Algorithm]) -> Result<Checksum, Error> {
    of_file(&*side.storage, side.remote.as_deref(), path, &side.owner, wanted).await
}
