//! One command on a server of SSH, and what is said with it: bytes both ways, what it complains of, and how it ended.

use std::time::Duration;

use bytes::Bytes;
use io::body::{BoxFuture, Chunks, Put};
use io::clock;
use proto::scp::{Fetch, Give, fetch, give};
use russh::client::Msg;
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf};
use types::{Attr, Error, Reason};

use super::super::{Dial, silent};
use super::Lease;

/// How long its command may take to end once it has no more to say.
const END: Duration = Duration::from_secs(2);
/// As much of what it complains of is kept.
const COMPLAINT: usize = 1_024;
/// As much may come while something is sent that is waited for.
const UNASKED: usize = 1_024 * 1_024;
/// As much is given to the transport at once.
const PIECE: usize = 64 * 1_024;

/// A command that runs.
pub(super) struct Talk {
    read: ChannelReadHalf,
    write: ChannelWriteHalf<Msg>,
    lease: Lease,
    /// How long the server may say nothing.
    patience: Duration,
    aside: Aside,
}

/// What a server says beside the protocol.
#[derive(Default)]
struct Aside {
    complaint: Vec<u8>,
    status: Option<u32>,
}

impl Aside {
    /// The bytes that are the protocol's.
    fn heard(&mut self, message: ChannelMsg) -> Result<Option<Bytes>, Error> {
        match message {
            ChannelMsg::Data { data } => return Ok(Some(data)),
            ChannelMsg::ExtendedData { data, .. } => {
                let room = COMPLAINT.saturating_sub(self.complaint.len());
                self.complaint.extend_from_slice(data.get(..room).unwrap_or(&data));
            }
            ChannelMsg::ExitStatus { exit_status } => self.status = Some(exit_status),
            ChannelMsg::Failure => return Err(Error::with(Reason::ScpAbsent, "the server runs no commands")),
            _ => {}
        }
        Ok(None)
    }
}

impl Talk {
    /// Starts a command.
    ///
    /// # Errors
    /// [`Reason::Disconnected`], [`Reason::TooSlow`].
    pub(super) async fn start(lease: Lease, command: Vec<u8>, dial: &Dial) -> Result<Self, Error> {
        let (read, write) = lease.transport()?.exec(command, dial.within).await?.split();
        Ok(Self { read, write, lease, patience: dial.patience, aside: Aside::default() })
    }

    /// What the server says next; `None` at its end.
    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        let mut deadline = clock::now() + self.patience;
        let mut has_ended = false;
        loop {
            let said = match tokio::time::timeout_at(deadline.into(), self.read.wait()).await {
                Ok(said) => said,
                Err(_) if has_ended => return Ok(None),
                Err(_) => return Err(silent("scp on the server", self.patience)),
            };
            match said {
                Some(ChannelMsg::Eof) => (has_ended, deadline) = (true, clock::now() + END),
                None | Some(ChannelMsg::Close) => return Ok(None),
                Some(message) => {
                    if let Some(bytes) = self.aside.heard(message)? {
                        return Ok(Some(bytes));
                    }
                }
            }
        }
    }

    /// Sends, and hears what is said meanwhile, until `hear` says that it is no use to go on. That the server has ended shows
    /// with what is read next.
    async fn send(&mut self, mut bytes: Bytes, mut hear: impl FnMut(Bytes) -> bool) -> Result<(), Error> {
        let Self { read, write, aside, patience, .. } = self;
        while !bytes.is_empty() {
            let piece = bytes.split_to(bytes.len().min(PIECE));
            let deadline = clock::now() + *patience;
            let mut sending = std::pin::pin!(write.data_bytes(piece));
            loop {
                tokio::select! {
                    biased;
                    sent = &mut sending => match sent {
                        Ok(()) => break,
                        Err(_) => return Ok(()),
                    },
                    said = read.wait() => match said {
                        None | Some(ChannelMsg::Close) => return Ok(()),
                        Some(message) => {
                            if let Some(bytes) = aside.heard(message)? && !hear(bytes) {
                                return Ok(());
                            }
                        }
                    },
                    () = clock::sleep_until(deadline) => return Err(silent("scp on the server to take more", *patience)),
                }
            }
        }
        Ok(())
    }

    /// What an error means where the command itself says why it ended.
    fn explained(&mut self, error: Error) -> Error {
        // What is about a file leaves the connection as it was.
        if error.reason.code().starts_with("CRK-2") {
            self.lease.give_back();
        }
        let Aside { complaint, status } = &self.aside;
        if error.reason != Reason::Disconnected || (complaint.is_empty() && status.is_none()) {
            return error;
        }
        let said = types::text::printable(String::from_utf8_lossy(complaint).trim_end());
        let is_absent = matches!(status, Some(126 | 127)) || said.contains("not found");
        let reason = if is_absent { Reason::ScpAbsent } else { Reason::ScpWarned };
        let status = status.map(|status| format!("exit status {status}"));
        let words: Vec<String> = status.into_iter().chain((!said.is_empty()).then(|| format!("it said: {said}"))).collect();
        Error::with(reason, format!("scp on the server ended: {}", words.join("; ")))
    }
}

/// What is fetched.
pub(super) struct Fetching {
    talk: Talk,
    fetch: Fetch,
    is_over: bool,
}

impl Fetching {
    pub(super) fn new(talk: Talk, fetch: Fetch) -> Self {
        Self { talk, fetch, is_over: false }
    }

    /// The next thing that is found; `None` at the end.
    ///
    /// # Errors
    /// What the server says, or its lies; nothing comes behind one.
    pub(super) async fn next_found(&mut self) -> Result<Option<fetch::Output>, Error> {
        if self.is_over {
            return Ok(None);
        }
        loop {
            match self.fetch.poll() {
                Some(fetch::Output::Send(bytes)) => {
                    let (talk, fetch, mut heard) = (&mut self.talk, &mut self.fetch, 0);
                    let hear = |said: Bytes| {
                        heard += said.len();
                        fetch.take(said);
                        heard <= UNASKED
                    };
                    if let Err(e) = talk.send(bytes, hear).await {
                        return self.over(Err(e));
                    }
                }
                // That the server is gone already shows with what is read next.
                Some(fetch::Output::Quiet) => drop(self.talk.write.eof().await),
                Some(fetch::Output::Done) => return self.over(Ok(None)),
                Some(fetch::Output::Failed(error)) => return self.over(Err(error)),
                Some(found) => return Ok(Some(found)),
                None => match self.talk.next().await {
                    Ok(Some(bytes)) => self.fetch.take(bytes),
                    Ok(None) => self.fetch.end(),
                    Err(e) => return self.over(Err(e)),
                },
            }
        }
    }

    fn over<T>(&mut self, result: Result<T, Error>) -> Result<T, Error> {
        self.is_over = true;
        match result {
            Ok(value) => {
                self.talk.lease.give_back();
                Ok(value)
            }
            Err(e) => Err(self.talk.explained(e)),
        }
    }

    /// What stands there, of which the server tells first.
    ///
    /// # Errors
    /// Those of [`Fetching::next_found`].
    pub(super) async fn attr(&mut self) -> Result<Attr, Error> {
        match self.next_found().await? {
            Some(fetch::Output::Found(attr)) => Ok(attr),
            _ => Err(Error::with(Reason::ScpMessage, "the server tells of nothing")),
        }
    }
}

impl Chunks for Fetching {
    fn next(&mut self) -> BoxFuture<'_, Result<Option<Bytes>, Error>> {
        Box::pin(async move {
            loop {
                match self.next_found().await? {
                    Some(fetch::Output::Body(bytes)) => return Ok(Some(bytes)),
                    Some(_) => {}
                    None => return Ok(None),
                }
            }
        })
    }
}

/// What is given.
pub(super) struct Giving {
    talk: Talk,
    give: Give,
}

impl Giving {
    pub(super) const fn new(talk: Talk, give: Give) -> Self {
        Self { talk, give }
    }

    /// Sends, unless the server says something; tells whether it did.
    async fn send(&mut self, bytes: Bytes) -> Result<bool, Error> {
        let (talk, give, mut has_spoken) = (&mut self.talk, &mut self.give, false);
        let hear = |said: Bytes| {
            give.take(&said);
            has_spoken = true;
            false
        };
        match talk.send(bytes, hear).await {
            Ok(()) => Ok(has_spoken),
            Err(e) => Err(self.talk.explained(e)),
        }
    }

    /// Goes on until the server wants the file's bytes, or has all.
    ///
    /// # Errors
    /// What the server says.
    pub(super) async fn go_on(&mut self) -> Result<(), Error> {
        loop {
            match self.give.poll() {
                Some(give::Output::Send(bytes)) => {
                    self.send(bytes).await?;
                }
                Some(give::Output::Body) => return Ok(()),
                Some(give::Output::Done) => {
                    // It reads on until it is told that nothing more comes.
                    if self.talk.write.eof().await.is_ok() {
                        self.talk.lease.give_back();
                    }
                    return Ok(());
                }
                Some(give::Output::Failed(error)) => return Err(self.talk.explained(error)),
                None => match self.talk.next().await {
                    Ok(Some(bytes)) => self.give.take(&bytes),
                    Ok(None) => self.give.end(),
                    Err(e) => return Err(self.talk.explained(e)),
                },
            }
        }
    }
}

impl Put for Giving {
    fn write(&mut self, chunk: Bytes) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            // Whoever speaks in the midst of it breaks it off: there is nothing to hear then but why.
            if self.send(chunk).await? { self.go_on().await } else { Ok(()) }
        })
    }

    fn commit(mut self: Box<Self>) -> BoxFuture<'static, Result<(), Error>> {
        Box::pin(async move {
            self.give.sent();
            self.go_on().await
        })
    }
}
