//! A folder of a server as pages of entries. Names that cannot be trusted never get here; that there were some is said at
//! the end.

use proto::ftp::client::Outcome;
use proto::ftp::listing::Place;
use proto::ftp::listing::parse::{Item, Listed};
use tokio::sync::mpsc;
use types::{Attr, Entry, Error, Kind, Reason};
use vfs::Listing;

use super::Running;
use super::zone::Zone;
use crate::charset::Charset;
use crate::pool::Lease;
use io::body::BoxFuture;

/// As many entries as are kept back until the server's time zone is known. A folder with more goes without, once.
const HELD_AT_MOST: usize = 5_000;

/// How what a listing says is read.
#[derive(Clone)]
pub(super) struct Reading {
    pub(super) charset: Option<Charset>,
    pub(super) zone: Zone,
}

/// A listing under way.
pub(super) struct Pages {
    inbox: mpsc::Receiver<Vec<Item>>,
    running: Option<Running>,
    lease: Option<Lease>,
    /// What came before it was asked for.
    first: Vec<Entry>,
    lost: u64,
    reading: Reading,
    /// Whether the session is needed once more behind the listing.
    keeps: bool,
    /// How it ended, once it has.
    ended: Option<Result<(), Error>>,
}

impl Pages {
    pub(super) async fn open(lease: Lease, path: Box<[u8]>, reading: Reading) -> Result<Self, Error> {
        let connection = lease.connection()?;
        let is_local = !connection.welcome().features.facts() && !reading.zone.is_settled();
        let (running, inbox) = connection.list(path.clone()).await?;
        let mut pages = Self {
            inbox,
            running: Some(running),
            lease: Some(lease),
            first: Vec::new(),
            lost: 0,
            reading,
            keeps: is_local,
            ended: None,
        };
        // That a folder cannot be listed is an error of the opening.
        let mut items = pages.items().await?;
        if is_local {
            pages.settle_zone(&mut items, &path).await?;
        }
        pages.first = pages.entries(items);
        if pages.first.is_empty() {
            pages.first = pages.page().await?;
        }
        Ok(pages)
    }

    /// Finds out what the local times mean: once the listing is whole, for its session does one thing after the other.
    async fn settle_zone(&mut self, items: &mut Vec<Item>, folder: &[u8]) -> Result<(), Error> {
        while self.running.is_some() && items.len() < HELD_AT_MOST {
            let more = self.items().await?;
            if more.is_empty() {
                // Its end, and what is wrong with it, come behind its entries.
                break;
            }
            items.extend(more);
        }
        if let (None, Some(lease)) = (&self.running, &self.lease) {
            let within = |name: &[u8]| [folder.strip_suffix(b"/").unwrap_or(folder), b"/", name].concat().into();
            self.reading.zone.settle(lease.connection()?, items, within).await;
        }
        self.keeps = false;
        self.lease = self.lease.take().filter(|_| self.running.is_some());
        Ok(())
    }

    fn entries(&self, items: Vec<Item>) -> Vec<Entry> {
        items.into_iter().filter_map(|item| entry(item, &self.reading)).collect()
    }

    /// The next page with something in it; empty at the end.
    async fn page(&mut self) -> Result<Vec<Entry>, Error> {
        loop {
            let items = self.items().await?;
            if items.is_empty() {
                return self.end();
            }
            let entries = self.entries(items);
            if !entries.is_empty() {
                return Ok(entries);
            }
        }
    }

    /// What the server told next; nothing once it has told all.
    async fn items(&mut self) -> Result<Vec<Item>, Error> {
        loop {
            let items = match &mut self.running {
                None => match self.inbox.recv().await {
                    Some(items) => items,
                    None => return Ok(Vec::new()),
                },
                Some(running) => tokio::select! {
                    biased;
                    Some(items) = self.inbox.recv() => items,
                    answer = running.answered() => {
                        self.running = None;
                        self.lease = self.lease.take().filter(|_| self.keeps);
                        self.ended = Some(answer.result.map(|outcome| if let Outcome::Listed { lost, .. } = outcome {
                            self.lost = lost;
                        }));
                        // Its pages stand in the queue before its end.
                        let mut items = Vec::new();
                        while let Ok(more) = self.inbox.try_recv() {
                            items.extend(more);
                        }
                        items.extend(answer.rest);
                        self.inbox.close();
                        items
                    }
                },
            };
            if !items.is_empty() {
                return Ok(items);
            }
        }
    }

    fn end(&mut self) -> Result<Vec<Entry>, Error> {
        match self.ended.replace(Ok(())) {
            Some(Err(e)) => Err(e),
            _ if self.lost > 0 => {
                let lost = std::mem::take(&mut self.lost);
                Err(Error::with(Reason::ListingUnsure, format!("{lost} lines of it")))
            }
            _ => Ok(Vec::new()),
        }
    }
}

impl Listing for Pages {
    fn next_page(&mut self) -> BoxFuture<'_, Result<Vec<Entry>, Error>> {
        Box::pin(async move {
            if !self.first.is_empty() {
                return Ok(std::mem::take(&mut self.first));
            }
            self.page().await
        })
    }
}

/// An entry of the folder; not the folder itself, nor its parent.
fn entry(item: Item, reading: &Reading) -> Option<Entry> {
    let Item::Entry(listed) = item else { return None };
    (listed.place == Place::Inside).then(|| entry_of(*listed, reading))
}

fn entry_of(listed: Listed, reading: &Reading) -> Entry {
    let size = if listed.kind == Kind::Dir { 0 } else { listed.size.or(listed.about).unwrap_or(0) };
    let attr = Attr {
        mode: listed.mode,
        modified: listed.modified.and_then(|stamp| reading.zone.time(stamp)),
        unique: listed.unique,
        ..Attr::new(listed.kind, size)
    };
    let name = match reading.charset {
        Some(charset) => charset.decode(&listed.name).into(),
        None => listed.name,
    };
    Entry { name, attr, target: listed.target }
}
