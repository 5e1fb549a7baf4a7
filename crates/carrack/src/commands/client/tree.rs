//! What stands below a place? A folder's entries, and those of all folders below it; links are not followed.

use std::collections::{HashMap, HashSet};
use std::pin::pin;

use client::copy::join::first;
use client::url::escaped;
use io::body::BoxFuture;
use types::path::Shown;
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

    /// A path below this place in full, as people may see it; what is shown as a URL can be given back as one.
    pub(crate) fn shown_below(&self, path: &VPath) -> String {
        let relative = self.relative(path);
        let is_url = self.remote.is_some() && self.shown.contains("://");
        let relative = if is_url { escaped(relative) } else { Shown(relative).to_string() };
        match (relative.is_empty(), self.shown.ends_with('/')) {
            (true, _) => self.shown.clone(),
            (false, true) => format!("{}{relative}", self.shown),
            (false, false) => format!("{}/{relative}", self.shown),
        }
    }

    /// The same for programs: bytes as they are, of a path on this machine.
    pub(crate) fn raw_below(&self, path: &VPath) -> Vec<u8> {
        let relative = self.relative(path);
        if self.remote.is_some() || relative.is_empty() {
            return self.shown_below(path).into_bytes();
        }
        let base = self.shown.strip_suffix('/').unwrap_or(&self.shown);
        [base.as_bytes(), b"/", relative].concat()
    }
}

/// As many folders as are listed before their turn: over a long way, waiting for each would take longest.
const AHEAD: usize = 3;

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
    let mut ahead = Ahead { place, begun: HashSet::new(), running: Vec::new(), listed: HashMap::new() };
    while let Some(folder) = waiting.pop() {
        let mut entries = match ahead.list(&folder, &waiting).await {
            Ok(entries) => entries,
            Err(error) if folder == place.path => return Err(error.into()),
            Err(error) => {
                client.failed(&place.shown_below(&folder), &error);
                continue;
            }
        };
        client.done();
        entries.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        let entries = ahead.meanwhile(visit(&folder, entries)).await?;
        for entry in entries.iter().rev().filter(|entry| entry.attr.kind == Kind::Dir) {
            match folder.join(&entry.name) {
                Ok(path) => waiting.push(path),
                Err(error) => client.failed(&place.shown_below(&folder), &error.into()),
            }
        }
    }
    Ok(())
}

type Listed = Result<Vec<Entry>, Error>;

/// Folders whose turn comes soon.
struct Ahead<'a> {
    place: &'a Opened,
    /// Those that run or are listed.
    begun: HashSet<VPath>,
    running: Vec<BoxFuture<'a, (VPath, Listed)>>,
    listed: HashMap<VPath, Listed>,
}

impl Ahead<'_> {
    /// Does other work, and goes on listing: what holds a connection must not wait for who waits for one.
    async fn meanwhile<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        while !self.running.is_empty() {
            tokio::select! {
                biased;
                done = &mut work => return done,
                (path, listed) = first(&mut self.running) => drop(self.listed.insert(path, listed)),
            }
        }
        work.await
    }

    /// A folder's entries. Those of the next ones in `waiting`, whose turn is from its end, are asked for meanwhile.
    async fn list(&mut self, folder: &VPath, waiting: &[VPath]) -> Listed {
        let most = self.place.remote.as_ref().map_or(1, |remote| remote.at_once().clamp(1, AHEAD));
        for path in std::iter::once(folder).chain(waiting.iter().rev()).take(most) {
            if self.begun.insert(path.clone()) {
                let (place, path) = (self.place, path.clone());
                self.running.push(Box::pin(async move {
                    let listed = place.entries(&path).await;
                    (path, listed)
                }));
            }
        }
        loop {
            if let Some(listed) = self.listed.remove(folder) {
                self.begun.remove(folder);
                return listed;
            }
            let (path, listed) = first(&mut self.running).await;
            self.listed.insert(path, listed);
        }
    }
}
