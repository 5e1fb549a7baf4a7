//! How do many small files go at once over one connection that stays open from file to file, where the server does that well?

use io::body::Source;
use types::{Error, Reason, WriteHow};

use super::Side;
use super::plan::{Plan, Step};
use super::run::{File, Settings, Work};
use crate::remote::{Remote, Small};

/// Files up to this size are small, in bytes.
const SMALL: u64 = 256 * 1024;
/// From so many small files on it is worth the setting up.
const MANY: usize = 8;

/// How many small files may go at once, where there are many and one end is a server that does it.
pub(super) fn are_many(plan: &Plan, source: &Side, target: &Side, settings: &Settings) -> Option<usize> {
    let remote = match (&source.remote, &target.remote) {
        (Some(remote), None) | (None, Some(remote)) if !settings.checksum => remote,
        _ => return None,
    };
    let at_once = remote.together();
    let many = at_once > 0 && plan.steps.iter().filter(|step| is_small(step)).take(MANY).count() == MANY;
    many.then_some(at_once)
}

fn is_small(step: &Step) -> bool {
    matches!(step, Step::Copy { seen, .. } if seen.size <= SMALL)
}

impl Work<'_> {
    /// Whether a file goes beside many others.
    pub(super) fn is_small(&self, step: &Step) -> bool {
        self.many && is_small(step)
    }

    fn goes_beside_others(&self, remote: &dyn Remote, file: File<'_>) -> bool {
        self.many && file.attempt == 0 && file.size <= SMALL && remote.together() > 0
    }

    /// Takes a small file from the server; `None` where it goes the common way, be it because this one has failed.
    pub(super) async fn download_beside_others(&self, remote: &dyn Remote, file: File<'_>) -> Option<Result<u64, Error>> {
        if !self.goes_beside_others(remote, file) {
            return None;
        }
        let copy = async {
            let order = self.order(WriteHow::Replace, &self.target.owner);
            let opened = self.target.storage.write(file.to, order).await?;
            let bytes = remote.receive_together(file.from, file.size, opened.sink, self.meter(file)).await?;
            self.keep_time(file.to, file.modified).await?;
            Ok(bytes)
        };
        unless_lost(copy.await)
    }

    /// Gives a small file to the server; `None` where it goes the common way, be it because this one has failed.
    pub(super) async fn upload_beside_others(&self, remote: &dyn Remote, file: File<'_>) -> Option<Result<u64, Error>> {
        if !self.goes_beside_others(remote, file) {
            return None;
        }
        let copy = async {
            let (attr, body) = self.source.storage.read(file.from, 0, &self.source.owner).await?;
            // Read before it is spoken of: a body that ends early would cost all others their connection.
            let body = body.first(SMALL + 1).read_to_end().await?;
            let size = body.len() as u64;
            if size != attr.size || size > SMALL {
                return Err(Reason::TransferShort.into());
            }
            let modified = file.modified.or(attr.modified).filter(|_| self.keeps_times());
            // Under its own name at once: a server that takes files so shows none that is not whole.
            let small = Small { path: file.to, size, modified };
            remote.send_together(small, Source::from_bytes(body.into()), self.meter(file)).await
        };
        unless_lost(copy.await)
    }
}

/// `None` for what the common way may still do.
fn unless_lost(result: Result<u64, Error>) -> Option<Result<u64, Error>> {
    let is_lost = |e: &Error| {
        matches!(
            e.reason,
            Reason::TransferCut
                | Reason::TransferShort
                | Reason::Unsupported
                | Reason::Disconnected
                | Reason::TooSlow
                | Reason::NotTheProtocol
                | Reason::NoDataConnection
                | Reason::DataNotProtected
        )
    };
    (!result.as_ref().is_err_and(is_lost)).then_some(result)
}
