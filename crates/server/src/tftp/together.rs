//! How does a transfer go that is heard together with others (RFC 2090)? It has joined a group, and waits for its end there.

use std::sync::Arc;

use gate::Reading;
use io::meter::Meter;
use proto::tftp::options::Wishes;
use proto::tftp::{Failure, Tally};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use types::{Direction, Reason, VPath, What};

use super::multicast::{Join, Key, Member, Message, Word};
use super::transfer::{Session, Told};

/// The way to the groups, and what the door says meanwhile.
pub(super) struct Door {
    /// The number of this transfer.
    pub(super) number: u64,
    pub(super) joins: mpsc::UnboundedSender<Join>,
    /// The client asks again.
    pub(super) again: Arc<Notify>,
}

/// How a wish to hear a file with others came out.
pub(super) enum Together {
    /// The transfer has ended.
    Ended(Result<(), Told>),
    /// There is no group for this one: the file goes to the client alone.
    Alone(Box<Reading>),
}

/// A place in a group, left with the transfer.
struct Seat {
    id: u64,
    group: mpsc::UnboundedSender<Message>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let _ = self.group.send(Message::Leave(self.id, None));
    }
}

impl Session {
    /// Has the client hear the file with the others that want it.
    pub(super) async fn together(
        &mut self,
        path: VPath,
        reading: Reading,
        wishes: &Wishes,
        revoked: CancellationToken,
    ) -> Together {
        let Reading { attr, source, permit } = reading;
        let source = match source.first(attr.size).any_place() {
            Ok(source) => source,
            Err(source) => return Together::Alone(Box::new(Reading { attr, source, permit })),
        };
        // In lock-step, and as patient as all of them need.
        let wishes = Wishes { windowsize: None, timeout: None, rollover: None, ..wishes.clone() };
        let (terms, options) = wishes.grant(&self.bounds(), Some(attr.size));
        let alone = |permit| Together::Alone(Box::new(Reading { attr: attr.clone(), source: source.source(), permit }));
        let blocks = attr.size / u64::from(terms.blksize.max(1)) + 1;
        let Some(local) = self.wire.local().filter(|_| blocks <= proto::tftp::multicast::MOST_BLOCKS) else {
            return alone(permit);
        };
        let meter = permit.meter().cloned().unwrap_or_default();
        let (words, mut heard) = mpsc::unbounded_channel();
        let id = self.door.number;
        let member = Member { id, peer: self.wire.peer(), options, meter: meter.clone(), words };
        let (place, answer) = oneshot::channel();
        let (user, size, modified, unique) = (self.user(), attr.size, attr.modified, attr.unique);
        let key = Key { local: local.ip(), user, path, size, modified, unique, blksize: terms.blksize };
        let join = Join { key, source: source.clone(), listener: self.listener.clone(), member, place };
        if self.door.joins.send(join).is_err() {
            return alone(permit);
        }
        let Ok(group) = answer.await else { return alone(permit) };
        let seat = Seat { id, group };
        let Some((how, why)) = self.wait(&seat, &mut heard, &meter, &revoked).await else { return alone(permit) };
        if how.is_ok() {
            meter.count(usize::try_from(size.saturating_sub(meter.moved())).unwrap_or(usize::MAX));
        }
        let failure = how.err();
        Together::Ended(self.end(permit, Direction::Out, &meter, failure.as_ref(), why, Tally::default()))
    }

    /// Waits for the end; `None` where the group came to nothing before anything was said.
    async fn wait(
        &mut self,
        seat: &Seat,
        heard: &mut mpsc::UnboundedReceiver<Word>,
        meter: &Meter,
        revoked: &CancellationToken,
    ) -> Option<(Result<(), Failure>, Option<Reason>)> {
        let (mut begun, mut leaving) = (false, false);
        let leave = |why| {
            // Where it has ended already, its last word is on its way.
            let _ = seat.group.send(Message::Leave(seat.id, Some(why)));
            true
        };
        loop {
            tokio::select! {
                biased;
                word = heard.recv() => match word {
                    Some(Word::Said(said)) => {
                        self.note(|| What::Reply(said));
                        if !std::mem::replace(&mut begun, true) {
                            self.note(|| What::Started(Direction::Out));
                        }
                    }
                    Some(Word::Heard) => self.heard(),
                    Some(Word::Left(how, why)) => return Some((how, why)),
                    None if begun => return Some((Err(Failure::Silent { answered: true }), Some(Reason::DataUnreachable))),
                    None => return None,
                },
                // The group says so to the client, and to us.
                () = revoked.cancelled(), if !leaving => leaving = leave(Reason::ShuttingDown),
                () = meter.token().cancelled(), if !leaving => leaving = leave(Reason::Cancelled),
                () = self.door.again.notified() => {
                    let _ = seat.group.send(Message::Again(seat.id));
                }
            }
        }
    }
}
