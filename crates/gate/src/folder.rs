//! `Folder`: a listing under way, without the names its user does not get to see.

use std::sync::Arc;

use io::meter::Meter;
use types::{Entry, Error, Kind, Reason, VPath};
use vfs::storage::Listing;

use crate::access::Pass;
use crate::force::View;
use crate::permission::Permissions;
use crate::permit::{Outcome, Permit};
use crate::verdict::permitted;

/// A folder open for listing, page by page. Settles its permit at its end, at an error, and when dropped.
pub struct Folder {
    listing: Box<dyn Listing>,
    permit: Option<Permit>,
    meter: Option<Meter>,
    view: Arc<View>,
    path: VPath,
    /// Whether rules of their own lie below this folder, so that each entry is to be looked at.
    varied: bool,
    /// What is allowed at its files and at its folders, where that is the same for all of them.
    alike: Option<(Permissions, Permissions)>,
}

impl Folder {
    pub(crate) fn new(listing: Box<dyn Listing>, pass: Pass) -> Self {
        let varied = !pass.view.who.permissions.uniform_below(&pass.path);
        let meter = pass.permit.meter().cloned();
        let differ = varied || pass.view.who.permissions.hides_any() || pass.view.tree.mounts_below(&pass.path);
        let any = if differ { None } else { pass.path.join(b"any").ok() };
        let alike = any.map(|any| (permitted(&pass.view, &any, Kind::File), permitted(&pass.view, &any, Kind::Dir)));
        Self { listing, permit: Some(pass.permit), meter, view: pass.view, path: pass.path, varied, alike }
    }

    /// The next page; empty at the end.
    ///
    /// # Errors
    /// The storage's; the session's end. The listing is over then.
    pub async fn next_page(&mut self) -> Result<Vec<Entry>, Error> {
        loop {
            if self.permit.is_none() {
                return Ok(Vec::new());
            }
            if self.meter.as_ref().is_some_and(|meter| meter.token().is_cancelled()) {
                return Err(self.end(Err(Reason::Cancelled.into())).err().unwrap_or(Reason::Cancelled.into()));
            }
            let mut page = match self.listing.next_page().await {
                Ok(page) if page.is_empty() => return self.end(Ok(page)),
                Ok(page) => page,
                Err(e) => return self.end(Err(e)),
            };
            if self.varied || self.view.who.permissions.hides_any() {
                page.retain(|entry| self.shows(entry));
            }
            // A page may have held nothing but hidden names; an empty one would be taken for the end.
            if !page.is_empty() {
                return Ok(page);
            }
        }
    }

    fn end(&mut self, last: Result<Vec<Entry>, Error>) -> Result<Vec<Entry>, Error> {
        if let Some(permit) = self.permit.take() {
            permit.settle(match &last {
                Ok(_) => Outcome::Done,
                Err(e) => Outcome::Failed(e.reason),
            });
        }
        last
    }

    /// Whether the user gets to see an entry: its name is not hidden, and something is allowed at it or below.
    fn shows(&self, entry: &Entry) -> bool {
        let rules = &self.view.who.permissions;
        if rules.hides_name(&entry.name) {
            return false;
        }
        if !self.varied {
            return true;
        }
        // A name too long to be joined cannot have a rule either.
        self.path.join(&entry.name).is_ok_and(|place| !rules.granted(&place).is_none() || rules.leads_on(&place))
    }

    /// Only names are wanted (NLST): attributes but the kind may be missing, which can be cheaper.
    pub fn names_only(&mut self) {
        self.listing.names_only();
    }

    /// Counts the bytes the listing becomes; carries the token that stops it.
    pub fn meter(&self) -> Option<&Meter> {
        self.meter.as_ref()
    }

    /// What is allowed at an entry: for MLSx `perm` facts.
    pub fn permitted(&self, entry: &Entry) -> Permissions {
        if let Some((files, folders)) = self.alike {
            return if entry.attr.is_dir() { folders } else { files };
        }
        self.path.join(&entry.name).map_or(Permissions::NONE, |place| permitted(&self.view, &place, entry.attr.kind))
    }
}
