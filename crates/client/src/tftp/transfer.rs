//! One transfer from its request to its end: the machine that both ends share, a socket of its own, and a body that comes or
//! goes.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use io::body::Sink;
use io::clock;
use io::meter::Meter;
use io::udp::{Datagrams, Feed, Inbox, Route, like};
use proto::tftp::errors::{self, Code};
use proto::tftp::options::Terms;
use proto::tftp::packet::{Mode, Packet, print_asking};
use proto::tftp::receiver::Receiver;
use proto::tftp::sender::{Opening, Sender};
use proto::tftp::timing::Patience;
use proto::tftp::{Failure, Machine, netascii, words};
use tokio::sync::oneshot;
use trace::record::{Capacity, Recorder, SessionInfo};
use types::{Direction, Error, Reason, What};

use super::{Dial, Options, Summary};
use crate::failure::told_about_files;

/// What is to be done. What is used up by a try that had an answer is not there for another.
pub(super) struct Job {
    /// The file's name, as the server is asked for it.
    pub(super) name: Box<[u8]>,
    pub(super) what: Task,
    /// Told when the server has agreed: the file's size, where it says it.
    pub(super) begun: Option<oneshot::Sender<Option<u64>>>,
}

pub(super) enum Task {
    /// Only the size is wanted: put here, where the server tells it.
    Look(Option<u64>),
    /// A file is to come.
    Get {
        /// Where it goes; gone once it stands there.
        sink: Option<Sink>,
        /// How many bytes there must be, where that is known.
        expected: Option<u64>,
    },
    /// A file is to go.
    Put {
        /// Where it comes from.
        feed: Feed,
        /// How many bytes there must be, where that is known.
        expected: Option<u64>,
    },
}

/// Why a try is over.
pub(super) enum Stopped {
    /// Nobody is there.
    Unanswered(Error),
    /// The server refuses the options; nothing has moved.
    Options(Error),
    /// It failed.
    Failed(Error),
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// Bytes that may come at once: the largest DATA packet, or many small ones that the kernel hands over as one.
const LARGEST: usize = 65_536;
/// How many strangers a transfer tells that they are wrong.
const STRANGERS: u32 = 16;

/// One try at one address.
pub(super) struct Attempt {
    socket: Datagrams,
    inbox: Inbox,
    route: Route,
    /// The port that answers is known (RFC 1350 §4: its TID).
    known: bool,
    strangers: u32,
    /// Who answered from another address.
    elsewhere: Option<SocketAddr>,
    /// The server has agreed: from here on the job is half done.
    moving: bool,
    /// It has come to its end, and the server knows.
    ended: bool,
    mode: Mode,
    patience: Patience,
    recorder: Recorder,
    began: Instant,
    /// Why it failed, where the machine knows.
    failure: Option<Failure>,
    /// What it agreed on and took, once the server has agreed.
    pub(super) summary: Option<Summary>,
}

impl Attempt {
    /// A socket for a server at this address.
    pub(super) fn begin(dial: &Dial, server: SocketAddr) -> Result<Self, Error> {
        let any: SocketAddr = match dial.family.own() {
            Some(own) => like(own, server),
            None if server.is_ipv4() => (std::net::Ipv4Addr::UNSPECIFIED, 0).into(),
            None => (std::net::Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let open = || {
            let mut socket = Datagrams::bind(any, true)?;
            socket.hear_refusals()?;
            Ok(socket)
        };
        let socket = open().map_err(|e: std::io::Error| Error::with(Reason::Unreachable, format!("a port for UDP: {e}")))?;
        let route = socket.route(server, None);
        let local = socket.seen_from(server);
        let info = SessionInfo {
            id: dial.session,
            protocol: "tftp",
            listener: dial.host.as_ref().into(),
            peer: local,
            local: server,
            user: None,
        };
        let mut attempt = Self {
            inbox: Inbox::new(4, LARGEST).looking(),
            route,
            known: false,
            strangers: 0,
            elsewhere: None,
            moving: false,
            ended: false,
            mode: dial.mode,
            patience: dial.patience,
            recorder: Recorder::new(info, dial.observer.clone(), Capacity::NONE),
            began: clock::now(),
            failure: None,
            summary: None,
            socket,
        };
        attempt.note(|| What::Accepted(local, server));
        Ok(attempt)
    }

    fn now(&self) -> Duration {
        clock::now().saturating_duration_since(self.began)
    }

    fn note(&mut self, what: impl FnOnce() -> What) {
        let at = self.now();
        self.recorder.record_with(at, what);
    }

    /// Does the job with these options, and tells how many bytes moved.
    pub(super) async fn run(&mut self, job: &mut Job, options: &Options, meter: &Meter) -> Result<u64, Stopped> {
        let writing = matches!(job.what, Task::Put { .. });
        let size = match (&job.what, self.mode) {
            // How long a text is on the wire is known when it has been sent.
            (Task::Put { .. }, Mode::Netascii) => None,
            (Task::Put { expected, .. }, _) => *expected,
            _ => Some(0),
        };
        let wishes = options.wishes(self.route.room(), size);
        let asked = !wishes.pairs().is_empty();
        let packet = print_asking(writing, &job.name, self.mode, wishes.pairs());
        match Packet::parse(&packet) {
            Ok(Packet::Read(request) | Packet::Write(request)) => {
                self.note(|| What::Command(words::request(&request, writing)));
            }
            _ => return Err(Error::with(Reason::NameTooLong, "the name does not fit a request (RFC 2347 §2)").into()),
        }
        let opening = Opening::Asking(packet, wishes);
        let (result, bytes) = match &mut job.what {
            Task::Look(size) => (self.look(opening, size, meter).await, 0),
            Task::Get { sink, expected } => self.get(opening, sink, *expected, &mut job.begun, meter).await,
            Task::Put { feed, expected } => self.put(opening, feed, *expected, &mut job.begun, meter).await,
        };
        self.tell(writing, &result, bytes);
        let refused_options =
            asked && !self.moving && matches!(self.failure, Some(Failure::Peer(Code::OPTIONS | Code::ILLEGAL, _)));
        result.map(|()| bytes).map_err(|error| match error.reason {
            Reason::TftpNoAnswer | Reason::Unreachable => Stopped::Unanswered(error),
            _ if refused_options => Stopped::Options(error),
            _ => Stopped::Failed(error),
        })
    }

    /// The end, as the ladder has it.
    fn tell(&mut self, writing: bool, result: &Result<(), Error>, bytes: u64) {
        if let Some(losses) = self.summary.and_then(|summary| words::losses(summary.tally)) {
            self.note(|| What::Note(Reason::DataStalled, losses));
        }
        let direction = if writing { Direction::In } else { Direction::Out };
        let took = self.now();
        match result {
            Ok(()) => self.note(|| What::Moved(direction, bytes, took)),
            Err(e) if self.moving => self.note(|| What::Cut(direction, bytes, e.reason)),
            Err(_) => {}
        }
        let reason = result.as_ref().err().map(|e| e.reason);
        self.note(|| What::Closed(reason));
        self.ended = true;
    }

    /// Asks for the file, hears its size, and lets it be.
    async fn look(&mut self, opening: Opening, size: &mut Option<u64>, meter: &Meter) -> Result<(), Error> {
        let mut receiver = self.receiver(opening);
        let mut why = None;
        loop {
            if self.has_begun(&receiver) {
                let whole = receiver.is_whole().then(|| receiver.take().len() as u64);
                *size = receiver.terms().tsize.filter(|&size| size > 0).or(whole);
                receiver.fail(Code::UNDEFINED, "only its size was wanted");
                self.answer(&mut receiver).await?;
                return Ok(());
            }
            self.answer(&mut receiver).await?;
            if let Some(result) = self.over(&receiver, &mut why) {
                return result;
            }
            self.hear(&mut receiver, meter, &mut why).await;
        }
    }

    /// Has a file come.
    async fn get(
        &mut self,
        opening: Opening,
        sink: &mut Option<Sink>,
        expected: Option<u64>,
        begun: &mut Option<oneshot::Sender<Option<u64>>>,
        meter: &Meter,
    ) -> (Result<(), Error>, u64) {
        let mut receiver = self.receiver(opening);
        let decoder = (self.mode == Mode::Netascii).then(netascii::Decoder::default);
        let mut file = Arrival { sink, decoder, waiting: Vec::new(), came: 0, expected };
        let mut why = None;
        loop {
            if self.has_begun(&receiver) {
                tell_begun(begun, &receiver);
            }
            match file.take(&mut receiver, meter).await {
                Ok(()) if file.sink.is_none() => receiver.stands(self.now()),
                Ok(()) => {}
                Err(e) => fail(&mut receiver, &mut why, e),
            }
            if let Err(e) = self.answer(&mut receiver).await {
                why = why.or(Some(e));
            }
            let bytes = file.came;
            if file.sink.is_none() && why.is_none() && self.is_quiet(&receiver) {
                self.over(&receiver, &mut why);
                return (Ok(()), bytes);
            }
            if let Some(result) = self.over(&receiver, &mut why) {
                // What stands here stands, whatever becomes of the last ACK.
                return (if file.sink.is_none() { Ok(()) } else { result }, bytes);
            }
            self.hear(&mut receiver, meter, &mut why).await;
        }
    }

    /// Has a file go.
    async fn put(
        &mut self,
        opening: Opening,
        feed: &mut Feed,
        expected: Option<u64>,
        begun: &mut Option<oneshot::Sender<Option<u64>>>,
        meter: &Meter,
    ) -> (Result<(), Error>, u64) {
        let mut sender = Sender::new(opening, Terms::default(), self.patience, self.now());
        if feed.reads_again() {
            sender = sender.reading_again();
        }
        let announced = expected.filter(|_| self.mode == Mode::Octet);
        let mut why = None;
        loop {
            if self.has_begun(&sender) {
                tell_begun(begun, &sender);
            }
            if let Err(e) = give(feed, &mut sender, announced).await {
                fail(&mut sender, &mut why, e);
            }
            if let Err(e) = self.depart(&mut sender, meter).await {
                why = why.or(Some(e));
            }
            let moved = sender.acknowledged().saturating_mul(u64::from(sender.terms().blksize)).min(feed.given());
            meter.count(usize::try_from(moved - meter.moved().min(moved)).unwrap_or(usize::MAX));
            if let Some(result) = self.over(&sender, &mut why) {
                return (result, moved);
            }
            if why.is_none() && sender.wanted() > 0 && !feed.is_over() {
                continue;
            }
            self.hear(&mut sender, meter, &mut why).await;
        }
    }

    fn receiver(&self, opening: Opening) -> Receiver {
        Receiver::new(opening, Terms::default(), Patience { least: Patience::receiver().least, ..self.patience }, self.now())
    }

    /// The server has agreed to it.
    fn has_begun(&mut self, machine: &impl Machine) -> bool {
        self.moving |= machine.answered() && machine.ended().is_none();
        self.moving
    }

    /// Nothing was lost, and so the last ACK will not be: nobody waits for it to be asked for again.
    fn is_quiet(&self, receiver: &Receiver) -> bool {
        receiver.tally().again == 0 && receiver.tally().timeouts == 0
    }

    /// Sends what a receiver has to say.
    async fn answer(&mut self, receiver: &mut Receiver) -> Result<(), Error> {
        let now = self.now();
        while let Some(packet) = receiver.transmit(now) {
            let sent = self.socket.send(&self.route, packet, packet.len()).await;
            self.lost(sent)?;
        }
        Ok(())
    }

    /// Sends what a sender has to send, as fast as the meter lets it.
    async fn depart(&mut self, sender: &mut Sender, meter: &Meter) -> Result<(), Error> {
        let now = self.now();
        while let Some(batch) = sender.transmit(now) {
            // An ERROR is told whatever the rate; a transfer that was stopped has one.
            let _ = meter.grant_all(batch.packets.len()).await;
            let sent = self.socket.send(&self.route, batch.packets, batch.size).await;
            self.lost(sent)?;
        }
        Ok(())
    }

    /// Before anything was heard, an error of the network says that nobody is there; later it is a loss like any other.
    fn lost(&self, sent: std::io::Result<()>) -> Result<(), Error> {
        match sent {
            Err(e) if !self.known => Err(Error::with(Reason::Unreachable, format!("{}: {e}", self.route.to))),
            _ => Ok(()),
        }
    }

    /// How it ended, once it has.
    fn over(&mut self, machine: &impl Machine, why: &mut Option<Error>) -> Option<Result<(), Error>> {
        if self.moving {
            self.summary = Some(Summary { terms: *machine.terms(), tally: machine.tally(), round_trip: machine.round_trip() });
        }
        let failure = match machine.ended() {
            None => return why.take().map(Err),
            Some(Ok(())) => return Some(Ok(())),
            Some(Err(failure)) => failure,
        };
        self.failure = Some(failure.clone());
        if let Failure::Own(code) = failure {
            let said = words::error(*code, &why.as_ref().map(|e| e.reason.to_string()).unwrap_or_default());
            self.note(|| What::Command(said));
        }
        Some(Err(why.take().unwrap_or_else(|| self.error(failure))))
    }

    /// What a failure of the transfer is among errors.
    fn error(&self, failure: &Failure) -> Error {
        let patience = self.patience.give_up.as_secs();
        match failure {
            Failure::Peer(code, text) => {
                let said = format!("the server said: {}", words::error(*code, text));
                Error::with(told_about_files(text.as_bytes()).unwrap_or_else(|| reason(*code)), said)
            }
            Failure::Silent { answered: false } => {
                let elsewhere = self.elsewhere.map(|from| format!("; something came from {from}, which was not asked"));
                let waited = self.now().as_secs_f64();
                let words = format!("{} said nothing in {waited:.0} s{}", self.route.to, elsewhere.unwrap_or_default());
                Error::with(Reason::TftpNoAnswer, words)
            }
            Failure::Silent { answered: true } => {
                Error::with(Reason::TransferCut, format!("{} said nothing that helped for {patience} s", self.route.to))
            }
            Failure::Illegal(what) => Error::with(Reason::NotTheProtocol, *what),
            Failure::Own(_) => Error::new(Reason::TransferCut),
        }
    }

    /// Waits for packets of the server, or for the machine's time.
    async fn hear(&mut self, machine: &mut impl Machine, meter: &Meter, why: &mut Option<Error>) {
        let deadline = machine.deadline().map(|at| self.began + at);
        let received = tokio::select! {
            biased;
            () = meter.token().cancelled(), if why.is_none() => return fail(machine, why, Reason::Cancelled.into()),
            received = self.socket.receive(&mut self.inbox) => Some(received),
            () = clock::until(deadline) => None,
        };
        let before = machine.tally().timeouts;
        match received {
            Some(Ok(())) => self.listen(machine).await,
            Some(Err(e)) => {
                if let Err(e) = self.lost(Err(e)) {
                    *why = why.take().or(Some(e));
                }
            }
            None => {}
        }
        machine.tick(self.now());
        if !machine.answered() && machine.ended().is_none() && machine.tally().timeouts > before {
            self.note(|| What::Note(Reason::DataStalled, "no answer yet; asked again".into()));
        }
    }

    /// Hears what came. The first packet from the server's address tells its port; strangers behind that are told that
    /// they are wrong, and the transfer goes on (RFC 1350 §4).
    async fn listen(&mut self, machine: &mut impl Machine) {
        let now = self.now();
        let (mut strangers, mut said) = (Vec::new(), Vec::new());
        for datagram in self.inbox.iter() {
            let (from, server) = (datagram.from, self.route.to);
            let is_server = from.ip().to_canonical() == server.ip().to_canonical();
            if !(is_server && (!self.known || from.port() == server.port())) {
                if !self.known {
                    self.elsewhere = Some(from);
                } else if self.strangers < STRANGERS && !datagram.bytes.starts_with(&[0, 5]) {
                    self.strangers += 1;
                    strangers.push(from);
                }
                continue;
            }
            // What cannot be read is passed over: it is repeated if it was damaged.
            let Ok(packet) = Packet::parse(datagram.bytes) else { continue };
            if !self.known {
                (self.known, self.route) = (true, self.socket.route(from, None));
            }
            match &packet {
                Packet::Error(code, text) => said.push(words::error(*code, &String::from_utf8_lossy(text))),
                Packet::Options(options) if !self.moving => said.push(words::agreed(options.iter())),
                _ => {}
            }
            machine.hear(&packet, now);
        }
        for line in said {
            self.note(|| What::Reply(line));
        }
        for stranger in strangers {
            let told = errors::error(Code::UNKNOWN_TID, "this port belongs to another transfer");
            // Lost or not, it was said.
            let _ = self.socket.send(&self.socket.route(stranger, None), &told, told.len()).await;
            self.note(|| What::Note(Reason::DataForeign, format!("{stranger} speaks to this transfer and is none of it").into()));
        }
    }
}

/// Dropped on its way, at Ctrl-C for one: the server hears so, and does not go on sending to nobody.
impl Drop for Attempt {
    fn drop(&mut self) {
        if self.known && !self.ended {
            let words = "the client was stopped";
            self.socket.send_now(&self.route, &errors::error(Code::UNDEFINED, words));
            self.note(|| What::Command(words::error(Code::UNDEFINED, words)));
            self.note(|| What::Closed(Some(Reason::Cancelled)));
        }
    }
}

/// Gives up, and tells the server so.
fn fail(machine: &mut impl Machine, why: &mut Option<Error>, error: Error) {
    machine.fail(errors::code(error.reason), &error.reason.to_string());
    *why = why.take().or(Some(error));
}

fn tell_begun(begun: &mut Option<oneshot::Sender<Option<u64>>>, machine: &impl Machine) {
    if let Some(begun) = begun.take() {
        // Nobody may wait for it any more.
        let _ = begun.send(machine.terms().tsize);
    }
}

/// What an ERROR packet's code is among reasons.
const fn reason(code: Code) -> Reason {
    match code {
        Code::NOT_FOUND => Reason::NotFound,
        Code::ACCESS => Reason::StorageDenied,
        Code::FULL => Reason::NoSpace,
        Code::UNKNOWN_TID => Reason::TransferCut,
        Code::EXISTS => Reason::Exists,
        _ => Reason::ServerRefused,
    }
}

/// A file that comes.
struct Arrival<'a> {
    /// Gone once the file stands.
    sink: &'a mut Option<Sink>,
    /// In mode netascii.
    decoder: Option<netascii::Decoder>,
    /// Bytes that are not written yet: the last ACK alone says that they stand.
    waiting: Vec<u8>,
    came: u64,
    expected: Option<u64>,
}

/// Bytes that are gathered for one trip to the disk.
const GATHERED: usize = 64 * 1024;

impl Arrival<'_> {
    /// Takes what has come; with the last block the file is made to stand.
    async fn take(&mut self, receiver: &mut Receiver, meter: &Meter) -> Result<(), Error> {
        if !receiver.is_holding() && !receiver.is_whole() {
            return Ok(());
        }
        let Some(sink) = self.sink else { return Ok(()) };
        let bytes = receiver.take();
        meter.grant_all(bytes.len()).await.map_err(|_| Error::new(Reason::Cancelled))?;
        meter.count(bytes.len());
        self.came += bytes.len() as u64;
        match &mut self.decoder {
            Some(decoder) => decoder.push(&bytes, &mut self.waiting),
            None => self.waiting.extend_from_slice(&bytes),
        }
        if receiver.is_whole() {
            let told = receiver.terms().tsize.filter(|&size| size > 0);
            for size in [told, self.expected].into_iter().flatten().filter(|_| self.decoder.is_none()) {
                if size != self.came {
                    return Err(Error::with(
                        Reason::TransferShort,
                        format!("{size} bytes were announced, and {} came", self.came),
                    ));
                }
            }
            if let Some(decoder) = &mut self.decoder {
                decoder.finish(&mut self.waiting);
            }
        }
        if !self.waiting.is_empty() && (receiver.is_whole() || self.waiting.len() >= GATHERED) {
            sink.write_all(Bytes::from(std::mem::take(&mut self.waiting))).await?;
        }
        if receiver.is_whole()
            && let Some(sink) = self.sink.take()
        {
            sink.commit().await?;
        }
        Ok(())
    }
}

/// Gives the sender what it wants; there must be as many bytes as were announced.
async fn give(feed: &mut Feed, sender: &mut Sender, announced: Option<u64>) -> Result<(), Error> {
    if let Some(byte) = sender.from() {
        feed.go_to(byte);
    }
    while sender.wanted() > 0 && !feed.is_over() {
        let came = feed.fill(sender.gaps(sender.wanted())).await?;
        sender.filled(came);
    }
    if feed.is_over() {
        if announced.is_some_and(|size| size != feed.given()) {
            return Err(Reason::SourceChanged.into());
        }
        sender.end();
    }
    Ok(())
}
