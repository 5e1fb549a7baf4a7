//! All that can go into a client's session and all that can come out of it.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use types::{Kind, Secret, Time};

use super::failure::{Failure, Limits};
use super::features::Features;
use super::replies::name_safe;
use crate::ftp::command::Command;
use crate::ftp::data;
use crate::ftp::listing::parse::{Dialect, Item, Stamp};
use crate::ftp::reply::Reply;
use crate::ftp::verb::Verb;

/// How a session behaves. Shared by all sessions to one server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// Whether and how the control connection is protected.
    pub tls: Tls,
    /// Whether data connections are protected where the control connection is (PROT P).
    pub protect_data: DataTls,
    /// Who logs in.
    pub login: Login,
    /// What CLNT says to servers that want to know; nothing is said if empty.
    pub client_name: Box<str>,
    /// Which ways to a data connection are tried, in this order. None that the address family cannot use is.
    pub forms: Vec<Form>,
    /// The address that PORT and EPRT tell, where it is not the control connection's own (NAT).
    pub active_address: Option<IpAddr>,
    /// Whether the address in a 227 is believed where it is not the control connection's peer. Private and unspecified
    /// ones never are, unless the peer is private, too.
    pub believe_passive_address: bool,
    /// Whether servers that have it are told that names are UTF-8 (RFC 2640): not where they are something else.
    pub utf8: bool,
    /// Whether commands are sent without waiting where the answer cannot change what comes next.
    pub pipeline: bool,
    /// After how long a silence NOOP is sent; never if `None`.
    pub keep_alive: Option<Duration>,
    /// How long each wait may take.
    pub limits: Limits,
    /// How the bytes of files travel where an operation says no other (TYPE, STRU, MODE); listings go as ever.
    pub form: data::Form,
    /// The time of day when the session begins: listings leave out the year.
    pub today: Time,
}

impl Settings {
    /// Passive first, everything else as most servers like it.
    pub fn new(login: Login, today: Time) -> Self {
        Self {
            tls: Tls::Off,
            protect_data: DataTls::Required,
            login,
            client_name: "Carrack".into(),
            forms: vec![Form::Epsv, Form::Pasv, Form::Eprt, Form::Port],
            active_address: None,
            believe_passive_address: false,
            utf8: true,
            pipeline: true,
            keep_alive: Some(Duration::from_secs(30)),
            limits: Limits::default(),
            form: data::Form::IMAGE,
            today,
        }
    }
}

/// Whether and how the control connection is protected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tls {
    /// Not at all.
    Off,
    /// With AUTH TLS if the server has it (RFC 4217); otherwise the password goes in clear.
    Offered,
    /// With AUTH TLS, or not at all.
    Required,
    /// From the first byte, as on port 990.
    Implicit,
}

/// Whether data connections are protected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DataTls {
    /// No: PROT C.
    Off,
    /// If the server does it.
    Offered,
    /// Yes, or no session.
    Required,
}

/// Who logs in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Login {
    /// USER.
    pub user: Box<str>,
    /// PASS.
    pub password: Secret<Box<str>>,
    /// ACCT, where a server asks for it.
    pub account: Option<Secret<Box<str>>>,
}

impl Login {
    /// As everybody (RFC 1635).
    pub fn anonymous() -> Self {
        Self { user: "anonymous".into(), password: Secret::new("anonymous@".into()), account: None }
    }
}

/// A way to a data connection.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Form {
    /// The server listens; only the port is told (RFC 2428 §3).
    Epsv,
    /// The server listens (RFC 959 §4.1.2); IPv4 only.
    Pasv,
    /// The client listens (RFC 2428 §2).
    Eprt,
    /// The client listens (RFC 959 §4.1.2); IPv4 only.
    Port,
    /// The client listens on the port its control connection comes from, and nothing is said (RFC 959 §3.2). Only for servers
    /// that know nothing else: such a port is free again only some time after each transfer.
    Unsaid,
}

impl Form {
    /// The verb that asks for it; none asks for [`Form::Unsaid`].
    pub const fn verb(self) -> Option<Verb> {
        match self {
            Self::Epsv => Some(Verb::Epsv),
            Self::Pasv => Some(Verb::Pasv),
            Self::Eprt => Some(Verb::Eprt),
            Self::Port => Some(Verb::Port),
            Self::Unsaid => None,
        }
    }

    /// Its name, for people.
    pub fn name(self) -> &'static str {
        self.verb().map_or("the default data port", |verb| verb.row().name)
    }

    /// Whether the server listens.
    pub const fn is_passive(self) -> bool {
        matches!(self, Self::Epsv | Self::Pasv)
    }
}

/// Names an operation; the driver chooses it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct OpId(pub u64);

/// Names a data connection; the session chooses it, and never twice.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct DataId(pub u32);

/// What a session can be asked to do. Names are the server's, absolute or from its working directory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Operation {
    /// List a folder: MLSD, else `LIST -a`, else LIST. The working directory if the path is empty.
    List(Box<[u8]>),
    /// Tell what stands under a name: MLST, else SIZE and MDTM, else by listing its folder.
    Stat(Box<[u8]>),
    /// Take a file from the server (RETR).
    Get {
        /// Which.
        path: Box<[u8]>,
        /// From which byte on (REST).
        offset: u64,
        /// How many bytes must come, if that is known.
        expected: Option<u64>,
        /// TYPE A: line ends are converted.
        ascii: bool,
    },
    /// Give a file to the server (STOR, APPE).
    Put {
        /// Under which name.
        path: Box<[u8]>,
        /// Anew, at the end, or from a byte on.
        how: PutHow,
        /// How many bytes will be sent, if that is known; fewer that are sent are a failure.
        expected: Option<u64>,
        /// TYPE A: line ends are converted.
        ascii: bool,
    },
    /// Move a small file over a data connection that stays open for many (MODE B), where
    /// [`Features::keeps_bodies`]. Such operations run beside one another; where the data connection cannot be had or breaks,
    /// they fail, and [`Operation::Get`] and [`Operation::Put`] do it still.
    Kept {
        /// Which.
        path: Box<[u8]>,
        /// How many bytes must move.
        size: u64,
        /// To the server (STOR), not from it (RETR).
        store: bool,
        /// The time of the last change to be set on the server's file (MFMT).
        modified: Option<Time>,
    },
    /// Make a folder (MKD).
    MakeDir(Box<[u8]>),
    /// Remove an empty folder (RMD).
    RemoveDir(Box<[u8]>),
    /// Remove a file (DELE).
    Remove(Box<[u8]>),
    /// Rename (RNFR, RNTO).
    Rename(Box<[u8]>, Box<[u8]>),
    /// Give a file its name and, where one is given, before that its time (MFMT, RNFR, RNTO, sent at once).
    Publish {
        /// What it is called.
        from: Box<[u8]>,
        /// What it shall be called.
        to: Box<[u8]>,
        /// When it last changed.
        modified: Option<Time>,
    },
    /// Set permission bits (SITE CHMOD).
    Chmod(Box<[u8]>, u32),
    /// Set the time of the last change (MFMT, else SITE UTIME).
    SetModified(Box<[u8]>, Time),
    /// Count the bytes (SIZE, TYPE I).
    Size(Box<[u8]>),
    /// Tell when it last changed (MDTM).
    Modified(Box<[u8]>),
    /// Tell the working directory (PWD).
    Pwd,
    /// Change the working directory (CWD, CDUP for `..`).
    Cwd(Box<[u8]>),
    /// Do nothing (NOOP).
    Noop,
    /// Have the server listen for another server's data connection: PASV, EPSV over IPv6; or CPSV, after which it begins
    /// TLS there as clients do.
    Listen {
        /// CPSV.
        as_client: bool,
    },
    /// Tell the server where another one listens (PORT, EPRT).
    Reach(SocketAddr),
    /// Have a file moved between the server and another one, over a data connection that is not ours (RETR, STOR).
    MoveBeyond {
        /// Which.
        path: Box<[u8]>,
        /// From which byte on (REST).
        offset: u64,
        /// To this server, not from it.
        store: bool,
    },
    /// Send a line as it is; its reply is the outcome, whatever it says. Commands that need a data connection are refused.
    Quote(Box<[u8]>),
}

/// How a file is given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PutHow {
    /// STOR: anew.
    Replace,
    /// APPE: at its end.
    Append,
    /// REST and STOR: from this byte on.
    At(u64),
}

/// What came of an operation that went well.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It is done.
    Done,
    /// The listing is whole; its entries came before as [`Output::Item`].
    Listed {
        /// How many entries there were.
        entries: u64,
        /// How many could not be told: refused names and lines nobody can read.
        lost: u64,
        /// How it was written; unknown if nothing came.
        dialect: Option<Dialect>,
    },
    /// What stands under a name.
    Stat(Stat),
    /// So many bytes.
    Size(u64),
    /// When it last changed, in UTC.
    Modified(Time),
    /// A path.
    Path(Box<[u8]>),
    /// What the server said.
    Reply(Reply),
    /// So many bytes moved, all of them.
    Moved(u64),
    /// Where the server listens.
    Address(SocketAddr),
}

/// What stands under a name, as far as the server tells.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stat {
    /// File, folder, link or other.
    pub kind: Kind,
    /// Bytes, exact.
    pub size: Option<u64>,
    /// When it last changed.
    pub modified: Option<Stamp>,
    /// Permission bits.
    pub mode: Option<u32>,
    /// What tells it from all else on the server.
    pub unique: Option<(u64, u64)>,
}

/// What goes in.
#[derive(Debug)]
pub enum Input<'a> {
    /// Bytes from the control connection.
    Received(&'a [u8]),
    /// The control connection has ended (`None`) or broken, with words on how.
    Lost(Option<Box<str>>),
    /// The answer to [`Output::StartTls`]: the handshake is done, or failed for this reason.
    Tls(Result<(), Unshaken>),
    /// The answer to [`Output::Listen`]: this port is open.
    Listening(DataId, SocketAddr),
    /// The data connection stands. Its TLS handshake may go on: servers begin it with the transfer.
    DataOpened(DataId),
    /// Bytes of a listing; only after [`Output::Move`] with [`Flow::Listing`].
    Data(DataId, &'a [u8]),
    /// The body of a file has moved to so many bytes: keeps [`Wait::Progress`](super::Wait::Progress) from running out.
    Progress(DataId, u64),
    /// The body has moved to its end: so many bytes. Of a download: the server ended it (over TLS: with its close alert); of
    /// an upload: everything is sent, and the connection was closed in good order.
    DataEnded(DataId, u64),
    /// The data connection could not be had, or broke.
    DataFailed(DataId, DataFault),
    /// The body of one file has moved over a data connection that stays, to its end mark; or not.
    Body(DataId, OpId, Result<u64, DataFault>),
    /// Do this; operations run in the order they come in.
    Run(OpId, Operation),
    /// Break an operation off.
    Cancel(OpId),
    /// Say good-bye once all is done.
    Quit,
    /// The time that [`Session::deadline`](super::Session::deadline) named has come, or any other time.
    Tick,
}

/// What is wrong with a data connection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DataFault {
    /// It could not be made: refused, unreachable, no port to listen on.
    NotMade(Box<str>),
    /// Its TLS handshake failed.
    Tls(Box<str>),
    /// It broke, or ended without TLS's close alert.
    Broken(Box<str>),
    /// The driver's own side failed: the local file cannot be read or written.
    Local(Box<str>),
}

/// Why a TLS handshake on the control connection failed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Unshaken {
    /// The server's certificate is not trusted.
    Distrusted(Box<str>),
    /// All else.
    Broken(Box<str>),
}

impl fmt::Display for DataFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotMade(text) | Self::Tls(text) | Self::Broken(text) | Self::Local(text) => f.write_str(text),
        }
    }
}

/// What comes out. To be done in this order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Output {
    /// Send this line.
    Send(Line),
    /// Begin TLS on the control connection; what came before and is unread must not count.
    StartTls,
    /// Connect a data connection to this address, with TLS if so; answer [`Input::DataOpened`] as soon as it is connected,
    /// and shake hands without waiting for anything.
    Connect(DataId, SocketAddr, bool),
    /// Listen for a data connection on this address, on any port where it is 0, with TLS if so (as client); answer
    /// [`Input::Listening`], then [`Input::DataOpened`].
    Listen(DataId, SocketAddr, bool),
    /// Move the body now; those that stay on the data connection in the order they are told.
    Move(DataId, OpId, Flow),
    /// Break this data connection off and forget it: a reset, never an end in good order, which a server takes for the end
    /// of the file.
    Cut(DataId),
    /// The session is ready: logged in, features known.
    Ready(Box<Welcome>),
    /// One thing that a listing tells.
    Item(OpId, Item),
    /// An operation is over.
    Done(OpId, Result<Outcome, Failure>),
    /// Something worth saying.
    Note(Note),
    /// Close the control connection. Nothing comes behind it. The failure, where it was not asked for.
    Close(Option<Failure>),
}

/// What moves over a data connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flow {
    /// A listing: give the bytes to [`Input::Data`].
    Listing,
    /// A file from the server.
    Receive {
        /// TYPE, STRU and MODE; the body may end before the connection does.
        form: data::Form,
    },
    /// A file to the server.
    Send {
        /// TYPE, STRU and MODE.
        form: data::Form,
    },
    /// A file from the server in MODE B; the data connection stays. Answer [`Input::Body`].
    ReceiveKept,
    /// A file to the server in MODE B; the data connection stays. Answer [`Input::Body`].
    SendKept,
}

/// What a server tells of itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Welcome {
    /// The first words (220).
    pub greeting: Reply,
    /// The last words of the login.
    pub login: Reply,
    /// What SYST said, without the code.
    pub system: Option<Box<str>>,
    /// What FEAT said.
    pub features: Features,
    /// Whether the control connection is protected.
    pub protected: bool,
    /// Whether data connections are protected.
    pub data_protected: bool,
}

/// Something worth saying that is no failure.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Note {
    /// A 227 named an address that is not used.
    AddressReplaced {
        /// What it said.
        said: SocketAddr,
        /// What is used instead.
        used: SocketAddr,
    },
    /// A way to a data connection failed; the next is tried, from now on.
    FormFailed {
        /// What failed.
        form: Form,
        /// What is tried instead.
        next: Form,
        /// Why.
        why: Box<str>,
    },
    /// The server has no TLS: what follows is in clear, the password, too.
    InClear,
    /// Data connections stay in clear although the control connection is protected.
    DataInClear,
    /// The server said how many connections it allows.
    ConnectionLimit(u32),
    /// A reply came that answers nothing; it is left out.
    StrayReply(Reply),
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddressReplaced { said, used } => {
                write!(f, "the server announced {said} for data, which is not used: connecting to {used}")
            }
            Self::FormFailed { form, next, why } => {
                write!(f, "{} does not work here ({why}): trying {}", form.name(), next.name())
            }
            Self::InClear => f.write_str("the server offers no TLS: everything goes in clear, the password, too"),
            Self::DataInClear => f.write_str("the server does not protect data connections: files go in clear"),
            Self::ConnectionLimit(n) => write!(f, "the server allows {n} connections"),
            Self::StrayReply(reply) => {
                write!(f, "a reply came that answers nothing: {} {}", reply.code, String::from_utf8_lossy(&reply.text))
            }
        }
    }
}

/// A line to the server.
#[derive(Clone, PartialEq, Eq)]
pub struct Line {
    /// The verb; `None` for a line of the user's own.
    pub verb: Option<Verb>,
    argument: Secret<Box<[u8]>>,
}

impl Line {
    /// A command.
    pub fn new(verb: Verb, argument: &[u8]) -> Self {
        Self { verb: Some(verb), argument: Secret::new(argument.into()) }
    }

    /// A line of the user's own, verb and all.
    pub fn raw(line: &[u8]) -> Self {
        Self { verb: None, argument: Secret::new(line.into()) }
    }

    /// Appends the line as it goes out.
    pub fn print(&self, out: &mut Vec<u8>) {
        match self.verb {
            Some(verb) => Command::print(verb, self.argument.reveal(), out),
            None => {
                out.extend_from_slice(self.argument.reveal());
                out.extend_from_slice(b"\r\n");
            }
        }
    }

    /// The line as people may see it: what PASS and ACCT carry is `***`.
    pub fn shown(&self) -> String {
        let parsed = Command::parse(self.argument.reveal());
        let (name, argument, verb) = match self.verb {
            Some(verb) => (verb.row().name.into(), &**self.argument.reveal(), Some(verb)),
            None => (String::from_utf8_lossy(parsed.name), parsed.argument, parsed.verb),
        };
        if argument.is_empty() {
            return name.into_owned();
        }
        if matches!(verb, Some(Verb::Pass | Verb::Acct)) {
            return format!("{name} ***");
        }
        format!("{name} {}", String::from_utf8_lossy(&name_safe(argument)))
    }

    /// Whether it should overtake what is under way: ABOR goes out with Telnet's Synch where the connection is in clear.
    pub fn is_urgent(&self) -> bool {
        self.verb == Some(Verb::Abor)
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}
