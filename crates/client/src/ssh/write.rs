//! How do the bytes of a file go in an SFTP session? Many writes are under way at once, as many as the path holds.
//!
//! A session is a channel, and OpenSSH's server takes no more than 2 MiB on one before it says so: over a long way that is what
//! holds the rate down. A large file then goes by several sessions of the connection. What is cut off may so have gaps near its
//! end: [`sure_of`] tells how much has none.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use io::body::{BoxFuture, Put};
use io::{clock, task};
use proto::sftp::attrs::Attrs;
use proto::sftp::client::{Answer, Window};
use proto::sftp::extension::Extension;
use proto::sftp::request::{OpenFlags, Request};
use tokio::sync::mpsc;
use types::{Error, Reason};

use super::body::Answers;
use super::session::Connection;

/// From so many bytes on a file is synced: of small ones the disk would make many times as much work as the network.
const SYNCED: u64 = 1_024 * 1_024;
/// What stands for the sync among the places in a file that are written.
const SYNC: u64 = u64::MAX;
/// Up to this byte a file is written by one session, and so without a gap.
const ALONE: u64 = 8 * 1_024 * 1_024;
/// As many bytes may lie between the first that is not confirmed and the last that is sent.
const SPAN: u64 = 16 * 1_024 * 1_024;
/// What one session is given at a time: half of what OpenSSH's server takes on one.
const SHARE: u64 = 1_024 * 1_024;
/// The most sessions that write one file.
const LANES: u64 = 8;

/// How many of the bytes that seem to be there of an unfinished file are there without a gap.
pub(super) const fn sure_of(there: u64) -> u64 {
    if there <= ALONE { there } else { there.saturating_sub(SPAN) }
}

/// A session that writes the file.
struct Lane {
    connection: Arc<Connection>,
    handle: Option<Bytes>,
    /// Bytes that are not confirmed.
    under_way: u64,
    /// Who lent the session, where it is not the first.
    lender: Option<Arc<Connection>>,
}

impl Drop for Lane {
    fn drop(&mut self) {
        if let Some(handle) = self.handle.take() {
            self.connection.let_go(handle);
        }
        if let Some(lender) = &self.lender {
            lender.give_back(self.connection.clone());
        }
    }
}

impl Lane {
    /// Opens the file once more, in a session of its own.
    async fn open(lender: Arc<Connection>, name: Box<[u8]>) -> Option<Self> {
        let connection = lender.another().await?;
        let mut lane = Self { connection: connection.clone(), handle: None, under_way: 0, lender: Some(lender) };
        let (flags, attrs) = (OpenFlags::WRITE, Attrs::default());
        let opened = connection.call(move |session, call| session.call(call, &Request::Open { path: &name, flags, attrs }));
        match opened.await {
            Ok(Answer::Handle(handle)) => {
                lane.handle = Some(handle);
                Some(lane)
            }
            _ => None,
        }
    }
}

/// Further sessions for one file: they are opened while the first one writes.
struct More {
    name: Box<[u8]>,
    /// How many were asked for, the first among them; no more once one was refused.
    asked: u64,
    is_refused: bool,
    opened: (mpsc::UnboundedSender<Option<Lane>>, mpsc::UnboundedReceiver<Option<Lane>>),
}

/// A file that is written: [`Put::commit`] syncs a large one, where the server can, and closes it; if that does not come, it is
/// let go half.
pub(super) struct Writing {
    /// The first is the one that opened it.
    lanes: Vec<Lane>,
    more: Option<More>,
    at: u64,
    /// How many bytes were sent.
    bytes: u64,
    window: Window,
    /// What was sent and is not confirmed, by its place in the file: when, how long it is, and by which lane. It is confirmed
    /// in any order.
    sent: BTreeMap<u64, (Instant, u64, usize)>,
    begun: Instant,
    answers: Answers,
}

impl Writing {
    pub(super) fn new(connection: Arc<Connection>, handle: Bytes, at: u64) -> Self {
        let lane = Lane { connection, handle: Some(handle), under_way: 0, lender: None };
        let (window, sent, begun) = (Window::default(), BTreeMap::new(), clock::now());
        Self { lanes: vec![lane], more: None, at, bytes: 0, window, sent, begun, answers: mpsc::unbounded_channel() }
    }

    /// Lets several sessions write it, where that is worth it; `name` is the file as the server knows it, and `left` how many
    /// bytes are to come.
    #[must_use]
    pub(super) fn by_many(mut self, name: Box<[u8]>, left: Option<u64>) -> Self {
        let is_large = left.is_some_and(|left| self.at.saturating_add(left) >= 2 * ALONE);
        if is_large && self.lanes.first().is_some_and(|lane| lane.connection.shares_files()) {
            self.more = Some(More { name, asked: 1, is_refused: false, opened: mpsc::unbounded_channel() });
        }
        self
    }

    /// Takes in the sessions that are there by now, and asks for another where the path holds more than they take.
    fn widen(&mut self) {
        let (Some(more), Some(first)) = (&mut self.more, self.lanes.first()) else { return };
        let lender = first.connection.clone();
        while let Ok(lane) = more.opened.1.try_recv() {
            more.is_refused |= lane.is_none();
            self.lanes.extend(lane);
        }
        let wanted = (self.window.size() / SHARE).min(LANES);
        if more.asked < wanted && !more.is_refused {
            more.asked += 1;
            let (name, opened) = (more.name.clone(), more.opened.0.clone());
            let life = lender.life().clone();
            drop(task::spawn("another session of SFTP", &life, async move {
                // Whoever waited may have gone; then the session is given back.
                let _ = opened.send(Lane::open(lender, name).await);
            }));
        }
    }

    /// Waits for one confirmation.
    async fn confirmed(&mut self) -> Result<(), Error> {
        let Some((at, outcome)) = self.answers.1.recv().await else { return Err(Reason::Disconnected.into()) };
        match outcome {
            Err(e) if at == SYNC && e.reason == Reason::Unsupported => {}
            outcome => drop(outcome?),
        }
        if let Some((since, length, by)) = self.sent.remove(&at) {
            let now = clock::now();
            self.window.came(length, now - since, now - self.begun);
            if let Some(lane) = self.lanes.get_mut(by) {
                lane.under_way = lane.under_way.saturating_sub(length);
            }
        }
        Ok(())
    }

    /// Waits until nothing is under way.
    async fn all_confirmed(&mut self) -> Result<(), Error> {
        while !self.sent.is_empty() {
            self.confirmed().await?;
        }
        Ok(())
    }

    fn has_room(&self) -> bool {
        let first = self.sent.first_key_value().map_or(self.at, |(at, _)| *at);
        self.window.has_room() && self.at.saturating_sub(first) < SPAN
    }

    async fn write_all(&mut self, mut chunk: Bytes) -> Result<(), Error> {
        let limit = self.lanes.first().map_or(0, |lane| lane.connection.server.limits.write);
        let most = usize::try_from(limit).unwrap_or(usize::MAX).max(1);
        while !chunk.is_empty() {
            while !self.has_room() {
                self.confirmed().await?;
            }
            self.widen();
            let part = chunk.split_to(chunk.len().min(most));
            let (at, length) = (self.at, part.len() as u64);
            // The one that has the least to do.
            let lanes = if at < ALONE { self.lanes.get_mut(..1) } else { self.lanes.get_mut(..) };
            let lane = lanes.into_iter().flatten().enumerate().min_by_key(|(_, lane)| lane.under_way);
            let Some((by, lane)) = lane else { return Err(Reason::HandleUnknown.into()) };
            let Some(handle) = lane.handle.clone() else { return Err(Reason::HandleUnknown.into()) };
            lane.under_way += length;
            self.at += length;
            self.bytes += length;
            self.window.sent(length);
            self.sent.insert(at, (clock::now(), length, by));
            lane.connection.call_many(&self.answers.0, at, move |session, call| session.write(call, &handle, at, part));
        }
        Ok(())
    }
}

impl Put for Writing {
    fn write(&mut self, chunk: Bytes) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(self.write_all(chunk))
    }

    fn commit(mut self: Box<Self>) -> BoxFuture<'static, Result<(), Error>> {
        Box::pin(async move {
            self.more = None;
            if self.lanes.len() > 1 {
                // What one session is asked, no other waits for.
                self.all_confirmed().await?;
                self.lanes.truncate(1);
            }
            let Some(first) = self.lanes.first_mut() else { return Err(Reason::HandleUnknown.into()) };
            let Some(handle) = first.handle.take() else { return Err(Reason::HandleUnknown.into()) };
            let connection = first.connection.clone();
            if self.bytes > SYNCED && connection.server.serves("fsync@openssh.com") {
                let of = handle.clone();
                self.sent.insert(SYNC, (clock::now(), 0, 0));
                connection.call_many(&self.answers.0, SYNC, move |session, call| {
                    session.call(call, &Request::Extended(Extension::Fsync { handle: &of }));
                });
            }
            // What is asked about one file is done in the order it was asked in: nobody waits for the writes before the
            // close is sent, and a small file costs one round trip less.
            let closing = connection.call_long(move |session, call| session.call(call, &Request::Close { handle: &handle }));
            let (written, closed) = tokio::join!(self.all_confirmed(), closing);
            written.and(closed.map(drop))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_surely_there_lies_before_whatever_was_under_way() {
        for (there, sure) in [(0, 0), (ALONE, ALONE), (ALONE + 1, 0), (SPAN + 1, 1), (10 * SPAN, 9 * SPAN)] {
            assert_eq!(sure_of(there), sure);
        }
    }
}
