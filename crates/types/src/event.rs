//! `Event`: one line on the ladder: what passed between client, control connection, data connection and storage.

use std::net::SocketAddr;
use std::time::Duration;

use crate::reason::Reason;

/// One thing that happened in a session.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    /// When, since the session began.
    pub at: Duration,
    /// What.
    pub what: What,
}

/// The uprights of the ladder.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Lane {
    /// The peer.
    Client,
    /// The control connection, on our side.
    Control,
    /// A data connection, on our side.
    Data,
    /// The storage behind the gate.
    Storage,
}

/// Which way a body moves, seen from the server.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Direction {
    /// From storage to the client.
    Out,
    /// From the client to storage.
    In,
}

/// What happened. Text is as the peer may see it: passwords are `***` before they get here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum What {
    /// The control connection was accepted: peer, own address.
    Accepted(SocketAddr, SocketAddr),
    /// A line from the client, without its end, printable.
    Command(Box<str>),
    /// One line of a reply to the client, without its end, printable.
    Reply(Box<str>),
    /// A question to the storage behind the gate, as [`Op`](crate::Op) prints.
    Ask(Box<str>),
    /// Its answer, as [`Yield`](crate::Yield) or [`Error`](crate::Error) prints.
    Answer(Box<str>),
    /// A passive port was reserved: the address as announced.
    Listening(SocketAddr),
    /// An active data connection is being made to this address.
    Connecting(SocketAddr),
    /// A client that looks at its own session: it connects to this address for data, in passive mode.
    Reaching(SocketAddr),
    /// A client that looks at its own session: it waits at this address for data, in active mode.
    Awaiting(SocketAddr),
    /// A data connection stands: the peer.
    Connected(SocketAddr),
    /// A data connection could not be had.
    DataFailed(Reason),
    /// A TLS handshake ended well on the control or the data connection: version, suite, and whether it was resumed.
    Secured(Lane, Box<str>),
    /// The control connection went back to clear (CCC, REIN).
    Cleared,
    /// A body has begun to move.
    Started(Direction),
    /// A body has moved: bytes, and the time it took.
    Moved(Direction, u64, Duration),
    /// A body was cut off after so many bytes.
    Cut(Direction, u64, Reason),
    /// Something worth saying that is no failure of this session (a refused stranger, a private address).
    Note(Reason, Box<str>),
    /// The control connection ended; the reason where it was not the client's own wish.
    Closed(Option<Reason>),
}
