//! A body on its way, in packets: the transfer's machine, the file behind the gate, and the wire between.

use std::pin::{Pin, pin};
use std::time::Duration;

use gate::{Outcome, Permit, Reading};
use io::clock::{self, Alarm};
use io::meter::Meter;
use io::udp::Feed;
use proto::tftp::errors::{self, Code};
use proto::tftp::netascii;
use proto::tftp::options::Terms;
use proto::tftp::packet::{Mode, Packet};
use proto::tftp::receiver::Receiver;
use proto::tftp::sender::{Opening, Sender};
use proto::tftp::{Failure, Machine, Tally, words};
use tokio_util::sync::CancellationToken;
use types::{Direction, Error, Reason, What};

use super::transfer::{Session, Told};
use super::upload::{Upload, take};

/// Bytes that are read before they are sent, about: sent at once, they are still near the processor.
const BITE: usize = 256 * 1024;

/// Gives the sender what it wants, but no more than a bite.
async fn give(feed: &mut Feed, sender: &mut Sender) -> Result<(), Error> {
    if let Some(byte) = sender.from() {
        feed.go_to(byte);
    }
    let wanted = sender.wanted().min(BITE);
    if wanted > 0 && !feed.is_over() {
        let came = feed.fill(sender.gaps(wanted)).await?;
        sender.filled(came);
    }
    if feed.is_over() {
        sender.end();
    }
    Ok(())
}

/// What is in memory and comes next is read while the answer is on its way.
fn read_on(feed: &mut Feed, sender: &mut Sender) {
    let spare = sender.spare().min(BITE);
    if spare > 0 {
        let came = feed.fill_now(sender.gaps(spare));
        sender.filled(came);
    }
}

impl Session {
    /// Sends a file that the gate has opened.
    pub(super) async fn send(
        &mut self,
        reading: Reading,
        terms: Terms,
        opening: Opening,
        revoked: CancellationToken,
    ) -> Result<(), Told> {
        let Reading { source, permit, .. } = reading;
        let meter = permit.meter().cloned().unwrap_or_default();
        let mut sender = Sender::new(opening, terms, self.listener.sending, self.now());
        let mut feed = if self.mode == Mode::Netascii { Feed::turned(source, netascii::encode) } else { Feed::new(source) };
        if feed.reads_again() {
            sender = sender.reading_again();
        }
        let (mut stops, mut alarm) = (pin!(stopped(&revoked, meter.token())), Alarm::default());
        self.note(|| What::Started(Direction::Out));
        let mut why = None;
        loop {
            if let Err(error) = give(&mut feed, &mut sender).await {
                sender.fail(errors::code(error.reason), &error.reason.to_string());
                why = Some(error.reason);
            }
            if let Err(reason) = self.transmit(&mut sender, &meter).await {
                why = Some(reason);
                break;
            }
            let moved = sender.acknowledged().saturating_mul(u64::from(terms.blksize)).min(feed.given());
            meter.count(usize::try_from(moved - meter.moved().min(moved)).unwrap_or(usize::MAX));
            if sender.ended().is_some() {
                break;
            }
            if why.is_none() && sender.wanted() > 0 && !feed.is_over() {
                continue;
            }
            read_on(&mut feed, &mut sender);
            if let Err(reason) = self.hear(&mut sender, stops.as_mut(), &mut alarm).await {
                sender.fail(errors::code(reason), &reason.to_string());
                why = Some(reason);
            }
        }
        let mut failure = sender.ended().and_then(Result::err).cloned();
        // Firmware opens a transfer to learn a size and ends it: that is no failure.
        if terms.tsize.is_some() && sender.acknowledged() == 0 && matches!(failure, Some(Failure::Peer(Code(0 | 8), _))) {
            failure = None;
            self.note(|| What::Note(Reason::TftpQuirk, "size-probe: it wanted to know the size, and asks again".into()));
        }
        self.end(permit, Direction::Out, &meter, failure.as_ref(), why, sender.tally())
    }

    async fn transmit(&mut self, sender: &mut Sender, meter: &Meter) -> Result<(), Reason> {
        let now = self.now();
        while let Some(batch) = sender.transmit(now) {
            // An ERROR is told whatever the rate; a transfer that was stopped has one.
            let _ = meter.grant_all(batch.packets.len()).await;
            self.wire.send(&self.route, batch.packets, batch.size).await.map_err(|_| Reason::DataUnreachable)?;
        }
        Ok(())
    }

    /// Waits for packets or for the machine's time.
    async fn hear(
        &mut self,
        machine: &mut impl Machine,
        mut stops: Pin<&mut impl Future<Output = Reason>>,
        alarm: &mut Alarm,
    ) -> Result<(), Reason> {
        let (began, deadline) = (self.moment(Duration::ZERO), machine.deadline().map(|at| self.moment(at)));
        let mut said = None;
        let received = {
            let waiting = self.wire.receive(|bytes| {
                let now = clock::now().saturating_duration_since(began);
                // What cannot be read is passed over: it is repeated if it was damaged.
                if let Ok(packet) = Packet::parse(bytes) {
                    machine.hear(&packet, now);
                    if let Packet::Error(code, text) = packet {
                        said = Some(words::error(code, &String::from_utf8_lossy(text)));
                    }
                }
            });
            tokio::select! {
                // What has come first: this is asked with every packet, the others only while there is none.
                biased;
                received = waiting => Some(received),
                reason = &mut stops => return Err(reason),
                () = alarm.wait(deadline) => None,
            }
        };
        match received {
            Some(Err(_)) => return Err(Reason::DataUnreachable),
            Some(Ok(())) if machine.answered() => self.heard(),
            _ => {}
        }
        if let Some(said) = said {
            self.note(|| What::Command(said));
        }
        machine.tick(self.now());
        Ok(())
    }

    /// Takes a file for which the gate has opened what it needs.
    pub(super) async fn receive(
        &mut self,
        upload: Upload,
        permit: Permit,
        terms: Terms,
        opening: Opening,
        revoked: CancellationToken,
    ) -> Result<(), Told> {
        let meter = permit.meter().cloned().unwrap_or_default();
        if let Some(most) = permit.limit() {
            meter.limit_to(most);
        }
        let mut receiver = Receiver::new(opening, terms, self.listener.receiving, self.now());
        let mut file = Some(if self.mode == Mode::Netascii { upload.decoding() } else { upload });
        let mut permit = Some(permit);
        let (mut stops, mut alarm) = (pin!(stopped(&revoked, meter.token())), Alarm::default());
        self.note(|| What::Started(Direction::In));
        let (mut why, mut result) = (None, Ok(()));
        loop {
            match take(&mut receiver, &mut file, &meter).await {
                Ok(()) if file.is_none() => receiver.stands(self.now()),
                Ok(()) => {}
                Err(reason) => {
                    receiver.fail(errors::code(reason), &reason.to_string());
                    why = Some(reason);
                }
            }
            while let Some(packet) = receiver.transmit(self.now()) {
                if self.wire.send(&self.route, packet, packet.len()).await.is_err() {
                    why = why.or(Some(Reason::DataUnreachable));
                }
            }
            let failure = receiver.ended().and_then(Result::err).cloned();
            if (file.is_none() || failure.is_some() || why.is_some())
                && let Some(permit) = permit.take()
            {
                if let Some(upload) = file.take() {
                    upload.abandon().await;
                }
                result = self.end(permit, Direction::In, &meter, failure.as_ref(), why, receiver.tally());
            }
            if receiver.ended().is_some() || why.is_some() {
                return result;
            }
            if let Err(reason) = self.hear(&mut receiver, stops.as_mut(), &mut alarm).await {
                if permit.is_none() {
                    return result; // it stands, and whoever waits for a repeated ACK is told nothing else
                }
                receiver.fail(errors::code(reason), &reason.to_string());
                why = Some(reason);
            }
        }
    }

    /// Settles the permit and says how it ended.
    pub(super) fn end(
        &mut self,
        permit: Permit,
        direction: Direction,
        meter: &Meter,
        failure: Option<&Failure>,
        why: Option<Reason>,
        tally: Tally,
    ) -> Result<(), Told> {
        let reason = why.or_else(|| failure.map(reason_of));
        let bytes = meter.moved();
        permit.settle(reason.map_or(Outcome::Done, Outcome::Failed));
        let took = clock::now().saturating_duration_since(meter.begun());
        if let Some(losses) = words::losses(tally) {
            self.note(|| What::Note(Reason::DataStalled, losses));
        }
        match reason {
            None => {
                self.note(|| What::Moved(direction, bytes, took));
                Ok(())
            }
            Some(reason) => {
                self.note(|| What::Cut(direction, bytes, reason));
                if let Some(Failure::Own(code)) = failure {
                    self.note(|| What::Reply(words::error(*code, &reason.to_string())));
                }
                Err(Told::Yes(reason))
            }
        }
    }
}

/// Why a transfer failed, as the log and the audit trail have it.
const fn reason_of(failure: &Failure) -> Reason {
    match failure {
        // The client has changed its mind: that is no fault of anybody.
        Failure::Peer(Code(0 | 8), _) => Reason::Cancelled,
        Failure::Peer(..) => Reason::DataReset,
        Failure::Silent { answered: false } => Reason::DataNeverCame,
        Failure::Silent { answered: true } => Reason::DataStalled,
        Failure::Illegal(_) => Reason::Syntax,
        Failure::Own(_) => Reason::Io,
    }
}

/// Waits until the transfer must stop, and tells why. One wait for the whole transfer: another with every packet would cost
/// more than the packet.
async fn stopped(revoked: &CancellationToken, token: &CancellationToken) -> Reason {
    tokio::select! {
        biased;
        () = revoked.cancelled() => Reason::ShuttingDown,
        () = token.cancelled() => Reason::Cancelled,
    }
}
