//! `Failure`: why an operation, or the whole session, came to nothing; and which codes and texts of a server mean what.

use std::fmt;
use std::time::Duration;

use crate::ftp::reply::Reply;

/// What went wrong. The names are stable: exit codes and scripts are made from them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    /// The control connection could not be had. The driver says so; a session begins connected.
    Connect,
    /// Something took longer than its limit; [`Failure::wait`] names it.
    Timeout,
    /// Whoever is there does not speak FTP, or breaks it so that the session cannot go on.
    Protocol,
    /// The server closed the control connection, or it broke.
    Disconnected,
    /// The server closed the connection with its reason (421).
    ServerClosing,
    /// The server takes no more connections from here or of this user.
    TooManyConnections,
    /// User, password or account were not taken.
    LoginRefused,
    /// The server wants an account and none was given.
    AccountNeeded,
    /// TLS was required and the server has none, or the handshake failed.
    Tls,
    /// The server's certificate is not trusted.
    Certificate,
    /// Data connections cannot be protected as required (PROT P).
    DataTls,
    /// There is no such file or folder.
    NotFound,
    /// It is there and may not be used so.
    Denied,
    /// It exists already.
    Exists,
    /// The folder is not empty.
    NotEmpty,
    /// There is no room, or an allowance is used up.
    NoSpace,
    /// The name cannot be sent or is not allowed there.
    BadName,
    /// The file is in use; later it may work.
    Busy,
    /// The server cannot do this.
    Unsupported,
    /// The transfer cannot begin where it should (REST).
    NoRestart,
    /// No way to a data connection worked.
    DataNeverCame,
    /// The transfer was cut off: the data connection broke, or the server gave up.
    Cut,
    /// Everything was said to be well, and the number of bytes is not what it must be.
    SizeMismatch,
    /// The driver could not read or write its own side.
    Local,
    /// It was cancelled here.
    Cancelled,
    /// The server refused for a reason of its own.
    Refused,
    /// The server failed at it (451), and may do it later.
    ServerFault,
}

impl Kind {
    /// All there are.
    pub const ALL: [Self; 27] = [
        Self::Connect,
        Self::Timeout,
        Self::Protocol,
        Self::Disconnected,
        Self::ServerClosing,
        Self::TooManyConnections,
        Self::LoginRefused,
        Self::AccountNeeded,
        Self::Tls,
        Self::Certificate,
        Self::DataTls,
        Self::NotFound,
        Self::Denied,
        Self::Exists,
        Self::NotEmpty,
        Self::NoSpace,
        Self::BadName,
        Self::Busy,
        Self::Unsupported,
        Self::NoRestart,
        Self::DataNeverCame,
        Self::Cut,
        Self::SizeMismatch,
        Self::Local,
        Self::Cancelled,
        Self::Refused,
        Self::ServerFault,
    ];

    /// Its stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Timeout => "timeout",
            Self::Protocol => "protocol",
            Self::Disconnected => "disconnected",
            Self::ServerClosing => "server-closing",
            Self::TooManyConnections => "too-many-connections",
            Self::LoginRefused => "login-refused",
            Self::AccountNeeded => "account-needed",
            Self::Tls => "tls",
            Self::Certificate => "certificate",
            Self::DataTls => "data-tls",
            Self::NotFound => "not-found",
            Self::Denied => "denied",
            Self::Exists => "exists",
            Self::NotEmpty => "not-empty",
            Self::NoSpace => "no-space",
            Self::BadName => "bad-name",
            Self::Busy => "busy",
            Self::Unsupported => "unsupported",
            Self::NoRestart => "no-restart",
            Self::DataNeverCame => "data-never-came",
            Self::Cut => "cut",
            Self::SizeMismatch => "size-mismatch",
            Self::Local => "local",
            Self::Cancelled => "cancelled",
            Self::Refused => "refused",
            Self::ServerFault => "server-fault",
        }
    }

    /// Whether the same, tried again later, may work.
    pub const fn is_passing(self) -> bool {
        matches!(
            self,
            Self::Connect
                | Self::Timeout
                | Self::Disconnected
                | Self::ServerClosing
                | Self::TooManyConnections
                | Self::Busy
                | Self::DataNeverCame
                | Self::Cut
                | Self::SizeMismatch
                | Self::ServerFault
        )
    }

    /// What happened, in a few words.
    pub const fn cause(self) -> &'static str {
        match self {
            Self::Connect => "the server cannot be reached",
            Self::Timeout => "it took too long",
            Self::Protocol => "the server does not keep to FTP",
            Self::Disconnected => "the control connection was lost",
            Self::ServerClosing => "the server closed the session",
            Self::TooManyConnections => "the server takes no more connections",
            Self::LoginRefused => "the login was refused",
            Self::AccountNeeded => "the server wants an account",
            Self::Tls => "the connection cannot be protected",
            Self::Certificate => "the server's certificate is not trusted",
            Self::DataTls => "the server does not protect data connections",
            Self::NotFound => "no such file or folder",
            Self::Denied => "permission denied",
            Self::Exists => "it exists already",
            Self::NotEmpty => "the folder is not empty",
            Self::NoSpace => "no space is left on the server",
            Self::BadName => "the name is not allowed",
            Self::Busy => "the file is in use",
            Self::Unsupported => "the server cannot do this",
            Self::NoRestart => "the server cannot begin within a file",
            Self::DataNeverCame => "no data connection could be had",
            Self::Cut => "the transfer was cut off",
            Self::SizeMismatch => "the size is not what it must be",
            Self::Local => "this side failed",
            Self::Cancelled => "it was cancelled",
            Self::Refused => "the server refused",
            Self::ServerFault => "the server failed at it",
        }
    }
}

/// What a session waits for. Each has a limit of its own in [`Limits`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Wait {
    /// The server's first words.
    Greeting,
    /// The TLS handshake on the control connection.
    Handshake,
    /// A reply.
    Reply,
    /// A data connection.
    DataConnection,
    /// The server's word that a transfer begins.
    Opening,
    /// More bytes of a transfer.
    Progress,
    /// The final word on a transfer whose data has ended.
    Confirmation,
    /// The end of the data of a transfer that the server has confirmed.
    DataEnd,
    /// The replies to ABOR and to the transfer it breaks off.
    Abort,
    /// The end of a transfer between two servers, of which nothing is seen here.
    Beyond,
    /// ABOR's own reply behind the transfer's; some servers have one for both.
    AbortAlone,
}

impl Wait {
    /// Its name, for people and settings.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Greeting => "greeting",
            Self::Handshake => "TLS handshake",
            Self::Reply => "reply",
            Self::DataConnection => "data connection",
            Self::Opening => "begin of the transfer",
            Self::Progress => "more data",
            Self::Confirmation => "confirmation of the transfer",
            Self::DataEnd => "end of the data",
            Self::Abort => "end of the broken-off transfer",
            Self::Beyond => "end of the transfer between the servers",
            Self::AbortAlone => "second reply to ABOR",
        }
    }
}

/// How long each wait may take.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Limits {
    /// [`Wait::Greeting`]; servers look up names first.
    pub greeting: Duration,
    /// [`Wait::Handshake`].
    pub handshake: Duration,
    /// [`Wait::Reply`] and [`Wait::Opening`].
    pub reply: Duration,
    /// [`Wait::DataConnection`].
    pub data_connection: Duration,
    /// [`Wait::Progress`].
    pub progress: Duration,
    /// [`Wait::Confirmation`]: a server may have to bring gigabytes to a slow disk first.
    pub confirmation: Duration,
    /// [`Wait::DataEnd`].
    pub data_end: Duration,
    /// [`Wait::Abort`].
    pub abort: Duration,
    /// [`Wait::Beyond`]: nobody can see whether it moves.
    pub beyond: Duration,
    /// [`Wait::AbortAlone`]; then a NOOP finds out where the replies stand.
    pub abort_alone: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            greeting: seconds(30),
            handshake: seconds(20),
            reply: seconds(30),
            data_connection: seconds(15),
            progress: seconds(60),
            confirmation: seconds(300),
            data_end: seconds(60),
            abort: seconds(10),
            beyond: seconds(6 * 3_600),
            abort_alone: seconds(2),
        }
    }
}

impl Limits {
    /// The limit of a wait.
    pub const fn of(&self, wait: Wait) -> Duration {
        match wait {
            Wait::Greeting => self.greeting,
            Wait::Handshake => self.handshake,
            Wait::Reply | Wait::Opening => self.reply,
            Wait::DataConnection => self.data_connection,
            Wait::Progress => self.progress,
            Wait::Confirmation => self.confirmation,
            Wait::DataEnd => self.data_end,
            Wait::Abort => self.abort,
            Wait::Beyond => self.beyond,
            Wait::AbortAlone => self.abort_alone,
        }
    }
}

/// Why something came to nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// What went wrong.
    pub kind: Kind,
    /// What was waited for, of a timeout.
    pub wait: Option<Wait>,
    /// What the server said.
    pub reply: Option<Box<Reply>>,
    /// More, for people; may be empty.
    pub detail: Box<str>,
}

impl Failure {
    /// A failure without more words.
    pub fn of(kind: Kind) -> Self {
        Self { kind, wait: None, reply: None, detail: "".into() }
    }

    /// A failure with words.
    pub fn because(kind: Kind, detail: impl Into<Box<str>>) -> Self {
        Self { detail: detail.into(), ..Self::of(kind) }
    }

    /// A wait that took too long.
    pub fn timeout(wait: Wait) -> Self {
        Self { wait: Some(wait), ..Self::of(Kind::Timeout) }
    }

    /// What a reply says, with this kind.
    pub fn said(kind: Kind, reply: Reply) -> Self {
        Self { reply: Some(Box::new(reply)), ..Self::of(kind) }
    }

    /// What a negative reply means for the command it answers.
    pub fn refused(reply: Reply) -> Self {
        Self::said(kind_of(reply.code, &reply.text), reply)
    }

    /// What a negative reply means for a transfer that the server said to begin: after a fault in its midst the rest can be
    /// fetched or sent.
    pub fn broken_off(reply: Reply) -> Self {
        let failure = Self::refused(reply);
        if failure.kind == Kind::ServerFault { Self { kind: Kind::Cut, ..failure } } else { failure }
    }

    /// Its words without its kind's, where it has any.
    pub(super) fn in_brief(&self) -> String {
        let wait = self.wait.map(|wait| format!("it took too long (waiting for: {})", wait.name()));
        let detail = (!self.detail.is_empty()).then(|| self.detail.to_string());
        let said = self.reply.as_ref().map(|reply| reply_in_line(reply));
        let words: Vec<_> = [wait, detail, said].into_iter().flatten().collect();
        if words.is_empty() { self.kind.cause().to_owned() } else { words.join(", ") }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.cause())?;
        if let Some(wait) = self.wait {
            write!(f, " (waiting for: {})", wait.name())?;
        }
        if !self.detail.is_empty() {
            write!(f, ": {}", self.detail)?;
        }
        if let Some(reply) = &self.reply {
            write!(f, "; the server said: {}", reply_in_line(reply))?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

fn reply_in_line(reply: &Reply) -> String {
    format!("{} {}", reply.code, String::from_utf8_lossy(&reply.text).replace('\n', " / "))
}

/// What a code means; where a code means many things (550, 450, 553, 501), its text decides. Texts are not specified
/// (RFC 959 §4.2): what follows are words that servers in the field use, and a text that says nothing leaves the code's
/// own meaning.
fn kind_of(code: u16, text: &[u8]) -> Kind {
    let text = String::from_utf8_lossy(text).to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let from_text = || {
        if says(&["no such", "not found", "not exist", "cannot find", "can't find", "no file", "unknown file"]) {
            Some(Kind::NotFound)
        } else if says(&["not empty", "notempty", "non-empty"]) {
            Some(Kind::NotEmpty)
        } else if says(&["exists", "already"]) {
            Some(Kind::Exists)
        } else if says(&["no space", "disk full", "quota", "too large", "insufficient"]) {
            Some(Kind::NoSpace)
        } else if says(&["denied", "permission", "not permitted", "not allowed", "forbidden", "access", "read-only", "readonly"])
        {
            Some(Kind::Denied)
        } else if says(&["in use", "busy", "locked"]) {
            Some(Kind::Busy)
        } else {
            None
        }
    };
    match code {
        421 if is_crowded(&text) => Kind::TooManyConnections,
        421 => Kind::ServerClosing,
        425 => Kind::DataNeverCame,
        426 | 451 if says(&["no space", "disk full", "quota"]) => Kind::NoSpace,
        426 => Kind::Cut,
        451 => from_text().unwrap_or(Kind::ServerFault),
        430 | 530 if is_crowded(&text) => Kind::TooManyConnections,
        430 | 530 => Kind::LoginRefused,
        332 | 532 => Kind::AccountNeeded,
        450 => from_text().unwrap_or(Kind::Busy),
        452 | 552 => Kind::NoSpace,
        500 | 502 | 504 | 202 => Kind::Unsupported,
        501 | 553 => from_text().unwrap_or(Kind::BadName),
        521 | 522 | 533..=536 if code != 521 => Kind::DataTls,
        550 => from_text().unwrap_or(Kind::Refused),
        551 => from_text().unwrap_or(Kind::NoRestart),
        554 | 555 => Kind::NoRestart,
        521 => from_text().unwrap_or(Kind::Exists), // RFC 959 Appendix II: MKD of what is there
        _ => from_text().unwrap_or(Kind::Refused),
    }
}

/// Whether a refusal speaks of too many sessions.
fn is_crowded(lower: &str) -> bool {
    let many = ["too many", "maximum", "max ", "limit", "no more", "exceed", "so many", "as many", "reached"];
    let what = ["connect", "user", "session", "client", "login", "logged", "per ip", "per host"];
    many.iter().any(|word| lower.contains(word)) && what.iter().any(|word| lower.contains(word))
}

/// How many connections a server allows, if it says so in the text of a refusal: "(3) per IP", "max 10 users",
/// "limit of 5 connections". The number nearest to where it speaks of the limit.
pub fn connection_limit(reply: &Reply) -> Option<u32> {
    if !matches!(reply.code, 421 | 430 | 530) {
        return None;
    }
    let lower = String::from_utf8_lossy(&reply.text).to_lowercase();
    if !is_crowded(&lower) {
        return None;
    }
    let mut numbers = lower.split(|c: char| !c.is_ascii_alphanumeric() && c != '.').filter_map(|word| {
        // Neither an address (1.2.3.4) nor a code (CRK-407) is a limit.
        word.trim_end_matches('.').parse::<u32>().ok().filter(|n| (1..=10_000).contains(n))
    });
    let first = numbers.next()?;
    // "crk-112" leaves its number, too: a code of ours is no limit.
    if lower.contains(&format!("crk-{first}")) { None } else { Some(first) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(code: u16, text: &'static str) -> Kind {
        Failure::refused(Reply::fixed(code, text)).kind
    }

    #[test]
    fn codes_and_texts() {
        let table = [
            (550, "No such file or directory.", Kind::NotFound),
            (550, "/a: Permission denied", Kind::Denied),
            (550, "Remove directory operation failed.", Kind::Refused),
            (550, "a: Directory not empty", Kind::NotEmpty),
            (550, "a: File exists", Kind::Exists),
            (550, "The process cannot access the file because it is being used", Kind::Denied),
            (553, "Could not create file.", Kind::BadName),
            (553, "Disk quota exceeded", Kind::NoSpace),
            (552, "Allowance used up", Kind::NoSpace),
            (452, "", Kind::NoSpace),
            (450, "File busy", Kind::Busy),
            (450, "No files found", Kind::NotFound),
            (451, "No space left on device", Kind::NoSpace),
            (451, "Local error in processing", Kind::ServerFault),
            (451, "Permission denied", Kind::Denied),
            (426, "Connection closed; transfer aborted.", Kind::Cut),
            (425, "Can't open data connection", Kind::DataNeverCame),
            (500, "What?", Kind::Unsupported),
            (502, "", Kind::Unsupported),
            (530, "Login incorrect.", Kind::LoginRefused),
            (530, "Sorry, the maximum number of clients (2) for this user are already connected.", Kind::TooManyConnections),
            (421, "Too many connections (8) from this IP", Kind::TooManyConnections),
            (421, "This address has as many sessions as it may have (CRK-105).", Kind::TooManyConnections),
            (421, "Timeout.", Kind::ServerClosing),
            (521, "\"/a\" directory exists", Kind::Exists),
            (522, "Network protocol not supported", Kind::DataTls),
            (534, "Request denied for policy reasons", Kind::DataTls),
        ];
        for (code, text, expected) in table {
            assert_eq!(kind(code, text), expected, "{code} {text}");
        }
    }

    #[test]
    fn limits_are_learned() {
        let limit = |code, text: &'static str| connection_limit(&Reply::fixed(code, text));
        assert_eq!(limit(421, "Too many connections (8) from this IP"), Some(8));
        assert_eq!(limit(530, "Sorry, max 2 users -- try again later"), Some(2));
        assert_eq!(limit(421, "There are too many connections from your internet address."), None);
        assert_eq!(limit(421, "10.0.0.7: maximum number of 3 sessions reached."), Some(3));
        assert_eq!(limit(421, "Too many sessions from this address (CRK-112)."), None);
        assert_eq!(limit(421, "Timeout after 300 seconds."), None);
        assert_eq!(limit(550, "too many connections (8)"), None);
    }

    #[test]
    fn a_fault_in_the_midst_of_a_transfer_cuts_it_off() {
        assert_eq!(Failure::broken_off(Reply::fixed(451, "disk broke")).kind, Kind::Cut);
        assert_eq!(Failure::broken_off(Reply::fixed(451, "No space left on device")).kind, Kind::NoSpace);
        assert_eq!(Failure::broken_off(Reply::fixed(552, "too much")).kind, Kind::NoSpace);
    }

    #[test]
    fn names_are_distinct() {
        let mut names: Vec<_> = Kind::ALL.iter().map(|kind| kind.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Kind::ALL.len());
    }

    #[test]
    fn a_failure_says_what_it_waited_for_and_what_was_said() {
        assert_eq!(Failure::timeout(Wait::Greeting).to_string(), "it took too long (waiting for: greeting)");
        let said = Failure::said(Kind::NotFound, Reply::fixed(550, "No such file\nat all"));
        assert_eq!(said.to_string(), "no such file or folder; the server said: 550 No such file / at all");
    }
}
