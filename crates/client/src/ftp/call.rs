//! What can a driver be asked to do, and what comes back?

use io::body::{Sink, Source};
use io::meter::Meter;
use proto::ftp::client::{Operation, Outcome};
use proto::ftp::listing::parse::Item;
use tokio::sync::{mpsc, oneshot};
use types::Error;

/// One message to a driver.
pub(super) enum Message {
    /// Do this.
    Call(Call),
    /// Say good-bye once all is done.
    Quit,
    /// Tell when nothing is under way.
    WhenIdle(oneshot::Sender<()>),
}

/// One thing to do.
pub(super) struct Call {
    pub(super) operation: Operation,
    pub(super) body: Body,
    /// Told when a transfer has begun: from then on it can only fail on its way.
    pub(super) begun: Option<oneshot::Sender<()>>,
    /// Hears how it ended. Dropping the other end cancels it.
    pub(super) done: oneshot::Sender<Answer>,
}

/// What moves.
pub(super) enum Body {
    None,
    /// A listing's entries, page by page. What is left at the end comes with the answer.
    Pages(mpsc::Sender<Vec<Item>>),
    /// A file from the server.
    Into(Sink, Meter),
    /// A file to the server.
    From(Source, Meter),
}

/// How a call ended.
pub(super) struct Answer {
    pub(super) result: Result<Outcome, Error>,
    /// Where a file from the server went: to be committed if all is well.
    pub(super) sink: Option<Sink>,
    /// The last entries of a listing.
    pub(super) rest: Vec<Item>,
}

/// A call under way, as the driver keeps it.
pub(super) struct Pending {
    pub(super) body: Body,
    pub(super) begun: Option<oneshot::Sender<()>>,
    pub(super) done: oneshot::Sender<Answer>,
    /// Nobody waits for it any more, and the session knows.
    pub(super) is_cancelled: bool,
    /// What our own side failed of: says more than the session can know.
    pub(super) own: Option<Error>,
    pub(super) sink: Option<Sink>,
    pub(super) page: Vec<Item>,
}

impl Pending {
    pub(super) const fn new(body: Body, begun: Option<oneshot::Sender<()>>, done: oneshot::Sender<Answer>) -> Self {
        Self { body, begun, done, is_cancelled: false, own: None, sink: None, page: Vec::new() }
    }

    /// Tells how it ended. Where nobody listens, what came is dropped, and so aborted.
    pub(super) fn answer(self, result: Result<Outcome, Error>) {
        let result = match (result, self.own) {
            (Err(_), Some(own)) => Err(own),
            (result, _) => result,
        };
        let _ = self.done.send(Answer { result, sink: self.sink, rest: self.page });
    }
}
