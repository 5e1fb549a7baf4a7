//! What stands below a place? A folder's entries, and those of all folders below it; links are not followed.

use types::{Entry, Error, Kind, Reason, VPath};

use super::{Client, Opened, Stop};

/// More entries of one folder are not kept: a listing need not have an end.
const MOST: usize = 4_000_000;

impl Opened {
    /// All entries of a folder, in the storage's own order.
    ///
    /// # Errors
    /// The storage's; [`Reason::TooMany`] where there is no end.
    pub(crate) async fn entries(&self, folder: &VPath) -> Result<Vec<Entry>, Error> {
        let mut listing = self.storage.list(folder, &self.owner).await?;
        let mut entries = Vec::new();
        loop {
            let page = listing.next_page().await?;
            if page.is_empty() {
                return Ok(entries);
            }
            entries.extend(page);
            if entries.len() > MOST {
                return Err(Reason::TooMany.into());
            }
        }
    }

    /// A path below this place as it is told: without what was asked for.
    pub(crate) fn relative<'a>(&self, path: &'a VPath) -> &'a [u8] {
        let own = if self.path.is_root() { 0 } else { self.path.as_bytes().len() };
        let rest = path.as_bytes().get(own..).unwrap_or_default();
        rest.strip_prefix(b"/").unwrap_or(rest)
    }

    /// A path below this place, in full, as people may see it.
    pub(crate) fn shown_below(&self, path: &VPath) -> String {
        let relative = types::path::Shown(self.relative(path)).to_string();
        match (relative.is_empty(), self.shown.ends_with('/')) {
            (true, _) => self.shown.clone(),
            (false, true) => format!("{}{relative}", self.shown),
            (false, false) => format!("{}/{relative}", self.shown),
        }
    }
}

/// Visits everything below a folder, each folder's entries by name before those of the folders in it. Folders that cannot
/// be read are told of and left out.
///
/// # Errors
/// The visitor's, and where the first folder cannot be read.
pub(crate) async fn walk(
    client: &Client,
    place: &Opened,
    mut visit: impl AsyncFnMut(&VPath, Vec<Entry>) -> Result<Vec<Entry>, Stop>,
) -> Result<(), Stop> {
    let mut waiting = vec![place.path.clone()];
    while let Some(folder) = waiting.pop() {
        let mut entries = match place.entries(&folder).await {
            Ok(entries) => entries,
            Err(error) if folder == place.path => return Err(error.into()),
            Err(error) => {
                client.failed(&place.shown_below(&folder), &error);
                continue;
            }
        };
        client.done();
        entries.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        let entries = visit(&folder, entries).await?;
        for entry in entries.iter().rev().filter(|entry| entry.attr.kind == Kind::Dir) {
            match folder.join(&entry.name) {
                Ok(path) => waiting.push(path),
                Err(error) => client.failed(&place.shown_below(&folder), &error.into()),
            }
        }
    }
    Ok(())
}
