//! A folder of a server as pages of entries. Names that cannot be trusted never get here; that there were some is said at
//! the end.

use proto::ftp::client::Outcome;
use proto::ftp::listing::Place;
use proto::ftp::listing::parse::{Item, Listed};
use tokio::sync::mpsc;
use types::{Attr, Entry, Error, Kind, Reason};
use vfs::Listing;

use super::Running;
use super::storage::time_of;
use crate::pool::Lease;
use io::body::BoxFuture;

/// A listing under way.
pub(super) struct Pages {
    inbox: mpsc::Receiver<Vec<Item>>,
    running: Option<Running>,
    lease: Option<Lease>,
    /// What came before it was asked for.
    first: Vec<Entry>,
    lost: u64,
    /// How it ended, once it has.
    ended: Option<Result<(), Error>>,
}

impl Pages {
    pub(super) async fn open(lease: Lease, path: Box<[u8]>) -> Result<Self, Error> {
        let (running, inbox) = lease.connection()?.list(path).await?;
        let mut pages = Self { inbox, running: Some(running), lease: Some(lease), first: Vec::new(), lost: 0, ended: None };
        // That a folder cannot be listed is an error of the opening.
        pages.first = pages.page().await?;
        Ok(pages)
    }

    /// The next page with something in it; empty at the end.
    async fn page(&mut self) -> Result<Vec<Entry>, Error> {
        loop {
            let items = match &mut self.running {
                None => match self.inbox.recv().await {
                    Some(items) => items,
                    None => return self.end(),
                },
                Some(running) => tokio::select! {
                    biased;
                    Some(items) = self.inbox.recv() => items,
                    answer = running.answered() => {
                        (self.running, self.lease) = (None, None);
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
            let entries: Vec<Entry> = items.into_iter().filter_map(entry).collect();
            if !entries.is_empty() {
                return Ok(entries);
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
fn entry(item: Item) -> Option<Entry> {
    let Item::Entry(listed) = item else { return None };
    (listed.place == Place::Inside).then(|| entry_of(*listed))
}

fn entry_of(listed: Listed) -> Entry {
    let size = if listed.kind == Kind::Dir { 0 } else { listed.size.or(listed.about).unwrap_or(0) };
    let attr = Attr {
        mode: listed.mode,
        modified: listed.modified.and_then(time_of),
        unique: listed.unique,
        ..Attr::new(listed.kind, size)
    };
    Entry { name: listed.name, attr, target: listed.target }
}
