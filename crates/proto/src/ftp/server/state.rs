//! What a session knows at each stage.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use types::{AskId, Error, Reason, TransferId, VPath, Yield};

use super::exchange::{Cover, Level, Password, Reserved, Seal};
use super::session::Session;
use super::verbs::mail::Mailing;
use crate::ftp::data::Form;
use crate::ftp::digest::Algorithm;
use crate::ftp::listing::Facts;
use crate::line::LineError;

/// How far the client has come.
#[derive(Debug)]
pub(super) enum Stage {
    /// Nobody has said who they are.
    Greeted,
    /// USER came; PASS is awaited.
    Named(Box<str>),
    /// Password or certificate fits; ACCT is awaited (332).
    AccountNeeded(Proof),
    /// Logged in.
    LoggedIn(Box<User>),
    /// The control connection is being closed: nothing is heard any more.
    Closing,
}

/// What was shown to be let in.
#[derive(Clone, Debug)]
pub(super) struct Proof {
    /// The user's name.
    pub(super) user: Box<str>,
    /// The password; none where the certificate or the ticket was to do.
    pub(super) password: Option<Password>,
}

/// What is protected, and on whose word.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Protection {
    /// The control connection.
    pub(super) control: bool,
    /// It was so from its first byte: the listener is an implicit one.
    pub(super) from_start: bool,
    /// It was so until CCC.
    pub(super) cleared: bool,
    /// PBSZ came, so that PROT may.
    pub(super) sized: bool,
    /// Data connections, under TLS (PROT P).
    pub(super) data: bool,
    /// Data connections, behind a security exchange (PROT S, E and P): how.
    pub(super) sealed: Option<Level>,
    /// The largest buffer the client takes on them, in bytes (PBSZ).
    pub(super) most: u32,
    /// How far a security exchange is.
    pub(super) exchange: Exchange,
    /// The names on the client's certificate.
    pub(super) names: Vec<Box<str>>,
}

/// How far a security exchange is (AUTH GSSAPI and ADAT, RFC 2228 §3).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) enum Exchange {
    /// There was none, or it failed.
    #[default]
    None,
    /// AUTH came; ADAT is awaited.
    Begun,
    /// It is done; who the client is.
    Done(Box<str>),
}

impl Protection {
    /// What protects a data connection now.
    pub(super) const fn cover(&self) -> Cover {
        match self.sealed {
            Some(level) => Cover::Sealed(Seal { private: level.is_encrypted(), most: self.most }),
            None if self.data => Cover::Tls,
            None => Cover::Clear,
        }
    }

    /// Whether a data connection is private now.
    pub(super) const fn is_data_private(&self) -> bool {
        self.data || matches!(self.sealed, Some(level) if level.is_encrypted())
    }

    /// Whether the control connection is protected command by command: a line that is not counts for nothing.
    pub(super) const fn is_exchanged(&self) -> bool {
        self.control && matches!(self.exchange, Exchange::Done(_))
    }

    /// How an implicit listener begins: as if AUTH, PBSZ 0 and PROT P had been sent. Clients differ in whether they say
    /// PROT P there, and all of them expect data to be protected when they do not.
    pub(super) fn implicit() -> Self {
        Self { control: true, from_start: true, sized: true, data: true, ..Self::default() }
    }
}

/// What is known of a session after login.
#[derive(Debug)]
pub(super) struct User {
    /// Who.
    pub(super) name: Box<str>,
    /// Where the session started; CWD `~` and SMNT go there.
    pub(super) home: VPath,
    /// The working directory.
    pub(super) cwd: VPath,
    /// TYPE, STRU and MODE.
    pub(super) form: Form,
    /// Where the next transfer starts (REST).
    pub(super) restart: u64,
    /// Which bytes the next transfer or digest is about (RANG): the first and the last.
    pub(super) range: Option<(u64, u64)>,
    /// What HASH tells (OPTS HASH).
    pub(super) digest: Algorithm,
    /// What ALLO announced for the next upload.
    pub(super) announced: Option<u64>,
    /// What RNFR named.
    pub(super) renaming: Option<VPath>,
    /// What CPFR named.
    pub(super) copying: Option<VPath>,
    /// How the next data connection comes about.
    pub(super) data: DataPort,
    /// EPSV ALL came: nothing but EPSV from now on (RFC 2428 §4).
    pub(super) only_epsv: bool,
    /// What OPTS MLST picked.
    pub(super) facts: Facts,
    /// Whether data may go elsewhere than to the peer.
    pub(super) fxp: bool,
    /// The umask as SITE UMASK last set it.
    pub(super) umask: u32,
    /// How long this user may be silent.
    pub(super) idle: Duration,
    /// What the mail commands have going on; nothing where none came.
    pub(super) mailing: Option<Box<Mailing>>,
    /// What the client says it is.
    pub(super) client: Option<Box<str>>,
}

/// How the next data connection comes about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum DataPort {
    /// Nothing was said: the client's control port (RFC 959 §3.2).
    Default,
    /// PORT, EPRT or LPRT named it.
    Active(SocketAddr),
    /// A place was reserved.
    Passive(Reserved),
    /// The last transfer's connection is still open (RFC 959 §3.3); the address that PORT had named.
    Kept(Option<SocketAddr>),
    /// What was set up is used up or failed; a new command must come first, or the default holds.
    Spent,
}

/// What the session waits for.
pub(super) enum Work {
    /// Nothing: the next line is run.
    None,
    /// An answer of the driver; then this is done with it.
    Ask(AskId, Then),
    /// The end of a transfer; then this is done with it.
    Transfer(Running),
    /// The handshake after AUTH; `private`: the mechanism's name implied PROT P.
    Securing { private: bool },
    /// The end of TLS on the control connection; `anew`: because of REIN, not of CCC.
    Clearing { anew: bool },
}

/// Whether a client is told how far a long work has come: by one preliminary reply of many lines (RFC 959 §4.2 allows one),
/// so that the last word can still be any.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Telling {
    /// Not about this work.
    Not,
    /// When there is something to tell.
    Due,
    /// The reply is open.
    Begun,
}

/// What to do with an answer.
pub(super) enum Then {
    /// With the gate's. The flag tells whether ABOR may take the ask back.
    Answer(Answered, bool),
    /// With the door's.
    Login,
    /// With the virtual host's.
    Host,
    /// With the reservation.
    Reserve(super::exchange::PassiveForm),
    /// With the hand-over of this connection.
    Adopt,
    /// With what the mechanism makes of a token.
    Accept,
}

/// Runs when the gate's answer comes.
pub(super) type Answered = Box<dyn FnOnce(&mut Session, Result<Yield, Error>) + Send>;

/// A transfer that runs.
pub(super) struct Running {
    /// Which.
    pub(super) id: TransferId,
    /// What it is, for STAT: a verb and a path.
    pub(super) what: Box<str>,
    /// Runs when it ends.
    pub(super) then: Ended,
    /// It moves over a data connection, and its first reply is out.
    pub(super) over_data: bool,
    /// Its connection stays when it has gone well, and what PORT had named.
    pub(super) keeps: Option<Option<SocketAddr>>,
    /// The sender called a part of it suspect.
    pub(super) suspect: bool,
    /// ABOR came: its own reply follows the transfer's.
    pub(super) aborted: bool,
}

/// Runs when a transfer ends.
pub(super) type Ended = Box<dyn FnOnce(&mut Session, super::exchange::End) + Send>;

/// What the client said.
pub(super) enum Heard {
    /// A line, and how it was protected.
    Line(Box<[u8]>, Option<Level>),
    /// A line that could not be read.
    Malformed(LineError),
    /// A line whose protection is not what it must be.
    Unsafe(Reason),
}

/// Lines that wait for the work at hand to end, those that could not be read among them.
pub(super) type Held = VecDeque<Heard>;
