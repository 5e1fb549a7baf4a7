//! All that can go into a session and all that can come out of it.

use std::net::SocketAddr;
use std::time::Duration;

use types::{AskId, Attr, Credentials, Error, LoginError, Op, Reason, Secret, TransferId, VPath, Welcome, Yield};

use crate::ftp::data::{CodePage, Form};
use crate::ftp::digest::Algorithm;
use crate::ftp::listing::{Facts, ListOptions};
use crate::ftp::reply::Reply;
use crate::line::LineError;

/// What a listener says about its sessions. The same for all of them, shared.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// How long a client may take to log in.
    pub login_within: Duration,
    /// How long a session may be silent.
    pub idle_after: Duration,
    /// The longest time SITE IDLE may ask for.
    pub idle_at_most: Duration,
    /// Whether the server may connect to the client (PORT and its kin).
    pub active: bool,
    /// Whether the client may connect to the server (PASV and its kin).
    pub passive: bool,
    /// Whether data connections may arrive on the control port (SPSV).
    pub single_port: bool,
    /// Whether the mail commands of old are served (XSEN, MAIL and their kin).
    pub historic: bool,
    /// What goes for TLS; nothing where the listener has none.
    pub tls: Option<Tls>,
    /// What goes for security exchanges by GSSAPI (RFC 2228); nothing where the listener has none.
    pub gssapi: Option<Gssapi>,
    /// Which EBCDIC TYPE E means.
    pub ebcdic: CodePage,
    /// The largest file that SIZE counts through in TYPE A, in bytes.
    pub ascii_size_limit: u64,
    /// The program's version, for CSID.
    pub version: Box<str>,
}

/// What a listener with TLS wants of its clients (RFC 4217).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tls {
    /// Nobody logs in before the control connection is protected.
    pub login_required: bool,
    /// Nothing moves over a data connection that is not protected.
    pub data_required: bool,
    /// Whether CCC may take the control connection back to clear.
    pub ccc: bool,
}

/// What a listener with Kerberos wants of its clients (RFC 2228).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Gssapi {
    /// Nobody logs in before a security exchange, or TLS.
    pub login_required: bool,
    /// Nothing moves over a data connection that is not private.
    pub data_required: bool,
    /// Whether CCC may take the control connection back to clear.
    pub ccc: bool,
}

/// How a command, a reply or a data connection is protected by what a security exchange agreed on (RFC 2228 §3).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Level {
    /// Nobody can change it (MIC, 631, PROT S).
    Safe,
    /// Nobody can read it (CONF, 633, PROT E). GSS-API has no such level by itself: what nobody can read nobody can
    /// change there either.
    Confidential,
    /// Both (ENC, 632, PROT P).
    Private,
}

impl Level {
    /// Whether it is encrypted.
    pub const fn is_encrypted(self) -> bool {
        !matches!(self, Self::Safe)
    }

    /// The code that a reply at this level goes out with (RFC 2228 §4).
    pub const fn reply_code(self) -> u16 {
        match self {
            Self::Safe => 631,
            Self::Private => 632,
            Self::Confidential => 633,
        }
    }
}

/// How far a token has brought a security exchange.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Accepted {
    /// The client must go on with what this brings.
    More(Box<[u8]>),
    /// It is over.
    Done {
        /// What the client must see at last.
        token: Option<Box<[u8]>>,
        /// Who the client is, as the mechanism writes it: `anna@EXAMPLE.ORG`.
        principal: Box<str>,
    },
}

/// What goes in.
#[derive(Debug)]
pub enum Input<'a> {
    /// A command line, without its end.
    Line(&'a [u8]),
    /// A command line that could not be read.
    Malformed(LineError),
    /// The answer to [`Output::Ask`].
    Answer(AskId, Result<Yield, Error>),
    /// How many entries what [`Output::Ask`] asked for has done so far; comes now and then while it takes long.
    Progress(AskId, u64),
    /// The answer to [`Output::Login`].
    Login(AskId, Result<Welcome, LoginError>),
    /// The answer to [`Output::Host`]: the host's greeting.
    Host(AskId, Result<Box<str>, Reason>),
    /// The answer to [`Output::Reserve`]: where the client shall connect, as it shall be told; for
    /// [`PassiveForm::Single`] the key, printed.
    Reserved(AskId, Result<Reserved, Reason>),
    /// The answer to [`Output::Adopt`]: nothing on success, the connection is no control connection any more.
    Adopted(AskId, Result<(), Reason>),
    /// The answer to [`Output::StartTls`]: the names on the client's certificate, or why the handshake failed.
    Secured(Result<Vec<Box<str>>, Reason>),
    /// The answer to [`Output::ClearTls`].
    Cleared(Result<(), Reason>),
    /// The answer to [`Output::Accept`].
    Accepted(AskId, Result<Accepted, Reason>),
    /// The answer to [`Output::Unwrap`]: the command line, which may still have its end.
    Unwrapped(Level, Result<Vec<u8>, Reason>),
    /// A transfer ended.
    Ended(TransferId, End),
    /// A restart marker came with an upload: the sender's word for the place, and the byte of the file that stands there.
    Marked(TransferId, &'a [u8], u64),
    /// The sender of an upload called a part of it suspect (RFC 959 §3.4.2).
    Suspect(TransferId),
    /// The answer to [`Output::Measure`]: bytes moved so far.
    Measured(TransferId, u64),
    /// The time that [`Session::deadline`](super::Session::deadline) named has come, or any other time.
    Tick,
    /// The session must end: after what runs now (`false`) or at once (`true`).
    Stop(Reason, bool),
}

/// Where a passive data connection is expected.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reserved {
    /// At this address, as the client shall be told.
    At(SocketAddr),
    /// On the control port, with this key.
    Key(Box<str>),
}

/// How a transfer ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum End {
    /// Wholly; for an upload: committed.
    Done {
        /// Bytes over the data connection.
        bytes: u64,
        /// How long it took.
        took: Duration,
    },
    /// A digest is made: its digits.
    Digest(Box<str>),
    /// Not wholly.
    Failed {
        /// Bytes over the data connection until then.
        bytes: u64,
        /// Why.
        error: Error,
    },
}

/// What comes out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Output {
    /// Send this reply.
    Reply(Reply),
    /// Ask the gate.
    Ask(AskId, Op),
    /// Ask the gate to let this client in; [`Session::is_protected`](super::Session::is_protected) tells whether the
    /// credentials came over a protected line.
    Login(AskId, Credentials),
    /// Choose a virtual host.
    Host(AskId, Box<str>),
    /// Reserve a place where the client may connect; an earlier reservation is given up.
    Reserve(AskId, PassiveForm),
    /// Hand this connection over to the session that gave out the key.
    Adopt(AskId, Box<str>),
    /// Send what is waiting, then begin TLS; nothing that came in clear behind the command may be kept
    /// ([`Reason::TlsBehindAuth`] closes the connection). Answered by [`Input::Secured`].
    StartTls,
    /// Send what is waiting, then end TLS and go on in clear. Answered by [`Input::Cleared`].
    ClearTls,
    /// Begin a security exchange; what an earlier one agreed on is forgotten.
    NewExchange,
    /// Give the client's token to the mechanism.
    Accept(AskId, Box<[u8]>),
    /// Take the protection off a command, and answer with [`Input::Unwrapped`] before any other line comes in.
    Unwrap(Level, Box<[u8]>),
    /// Replies behind this go out so; `None` is in clear.
    ProtectReplies(Option<Level>),
    /// The answer to this ask is not wanted any more.
    Withdraw(AskId),
    /// Begin a transfer of what the last answer opened.
    Start(TransferId, Flow),
    /// Break a transfer off.
    Cancel(TransferId),
    /// Close the data connection that was kept open behind the last transfer.
    DropData,
    /// Tell how many bytes a transfer has moved.
    Measure(TransferId),
    /// Forget who is logged in, and any reservation.
    Logout,
    /// Close the control connection once everything is sent.
    Close(Option<Reason>),
}

/// How the client asked for a passive data connection; decides which address it is told.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum PassiveForm {
    /// PASV: an IPv4 address.
    Pasv,
    /// EPSV: only the port counts.
    Epsv,
    /// LPSV: the control connection's own address.
    Lpsv,
    /// SPSV: the control port.
    Single,
}

/// One transfer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Flow {
    /// What moves.
    pub body: Body,
    /// What becomes of its bytes on their way.
    pub form: Form,
    /// Where it moves.
    pub channel: Channel,
    /// How the data connection is protected (PROT, when the command came).
    pub cover: Cover,
}

/// How a data connection is protected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cover {
    /// Not at all.
    Clear,
    /// By TLS.
    Tls,
    /// By what the security exchange agreed on (RFC 2228 §3, PROT).
    Sealed(Seal),
}

/// The terms of a sealed data connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Seal {
    /// Whether it is encrypted, or only safe from changes.
    pub private: bool,
    /// The largest buffer the client takes, in bytes (PBSZ).
    pub most: u32,
}

/// What a transfer moves.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Body {
    /// The opened file, to the client, without the first `skip` bytes of its representation (REST in TYPE A).
    Send {
        /// The byte of the file that it was opened at.
        at: u64,
        /// Bytes left out.
        skip: u64,
        /// How many bytes of the file are sent at most (RANG).
        most: Option<u64>,
    },
    /// From the client, into the opened file.
    Receive {
        /// How many bytes the client announced (ALLO); fewer is an error.
        expected: Option<u64>,
    },
    /// From the client, and thrown away: the body of an upload that was refused.
    Discard,
    /// The opened file, through a digest: nothing is sent ([`End::Digest`]).
    Digest {
        /// Which.
        algorithm: Algorithm,
        /// How many bytes of the file go into it at most.
        most: Option<u64>,
    },
    /// A small picture of the opened image, to the client.
    Thumbnail(Thumbnail),
    /// A listing, to the client.
    List(Listed),
}

/// A small picture that is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Thumbnail {
    /// Its format.
    pub format: ThumbnailFormat,
    /// How many points wide at most.
    pub width: u32,
    /// How many points high at most.
    pub height: u32,
}

/// How a small picture is written.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ThumbnailFormat {
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
}

/// What is listed, and how.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listed {
    /// The folder that the last answer opened, or the file when `only` is given.
    pub path: VPath,
    /// Only this one file is listed, not a folder's entries.
    pub only: Option<Attr>,
    /// Globs, one for each component below `path`; empty to list all of `path`.
    pub globs: Vec<Box<[u8]>>,
    /// What stands before each name (the path as the client wrote it, for NLST).
    pub prefix: Box<[u8]>,
    /// How an entry is printed.
    pub form: ListForm,
}

/// How an entry is printed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ListForm {
    /// As `ls -l` does.
    Long(ListOptions),
    /// The name alone.
    Names(ListOptions),
    /// As facts (RFC 3659 §7).
    Facts(Facts),
}

/// Where a body moves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Channel {
    /// Over a data connection.
    Data(Via),
    /// Over the control connection, as the inner lines of a reply.
    Control,
    /// Nowhere: only counted (SIZE in TYPE A), or digested.
    Count,
}

/// How the data connection comes about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Via {
    /// The client connects to the reserved place.
    Passive,
    /// The server connects to the client.
    Active(SocketAddr),
    /// Over the connection that was kept open; where the client has closed it, the server connects to this.
    Kept(Option<SocketAddr>),
}

/// Kept out of [`Credentials`] until PASS comes.
pub(super) type Password = Secret<Box<[u8]>>;
