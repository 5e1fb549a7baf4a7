//! What passes between a session and the door before there are files to speak of.

use crate::path::VPath;
use crate::reason::Reason;
use crate::secret::Secret;

/// What a client shows to be let in. A kind of credential is a variant, not a code path in a server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Credentials {
    /// A name and a password; the account of ACCT where one was asked for (RFC 959 §4.1.1).
    Password {
        /// The user's name.
        user: Box<str>,
        /// The password, as its bytes came.
        password: Secret<Box<[u8]>>,
        /// The account to charge.
        account: Option<Box<str>>,
        /// The names on the client's certificate, verified by the handshake; empty without one.
        names: Vec<Box<str>>,
    },
    /// A name, and a certificate that the handshake has verified; no password was said.
    Certificate {
        /// The user's name.
        user: Box<str>,
        /// The names on the certificate: DNS names, addresses of mail, URIs, and the subject's common name.
        names: Vec<Box<str>>,
        /// The account to charge.
        account: Option<Box<str>>,
    },
    /// A name, and a Kerberos ticket that the security exchange has verified (RFC 2228 §3).
    Ticket {
        /// The user's name.
        user: Box<str>,
        /// Whose ticket it is: `anna@EXAMPLE.ORG`.
        principal: Box<str>,
        /// The account to charge.
        account: Option<Box<str>>,
    },
    /// A name, and a public key whose owner the transport has verified (RFC 4252 §7); a password where one was said
    /// after it.
    Key {
        /// The user's name.
        user: Box<str>,
        /// The key.
        key: Box<ProvedKey>,
        /// The password, where the key alone was not enough.
        password: Option<Secret<Box<[u8]>>>,
    },
    /// None at all: the listener's policy says who that is (TFTP).
    None,
}

/// A public key whose owner has signed this very session with it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProvedKey {
    /// The key in its wire form (RFC 4253 §6.6).
    pub blob: Box<[u8]>,
    /// What its certificate says, where one was shown; its signature and its dates have been verified.
    pub certified: Option<Certified>,
}

/// What an SSH user certificate says (PROTOCOL.certkeys of OpenSSH).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Certified {
    /// The key that signed it, in its wire form.
    pub authority: Box<[u8]>,
    /// The names it is for.
    pub principals: Vec<Box<str>>,
    /// What the authority calls it.
    pub id: Box<str>,
    /// Its number.
    pub serial: u64,
    /// The networks it may be used from (`source-address`), in CIDR form; from anywhere where it names none.
    pub source: Option<Box<str>>,
    /// It is no user certificate, or has a critical option that is not obeyed here.
    pub unfit: bool,
}

/// What a session learns when it is let in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Welcome {
    /// The user's name as the rules know it.
    pub user: Box<str>,
    /// Where the session starts.
    pub home: VPath,
    /// Lines to greet with.
    pub message: Vec<Box<str>>,
    /// Whether data may go to and come from another address than the control connection's peer (FXP).
    pub fxp: bool,
    /// Seconds of silence before the session is closed, where the user has a limit of its own.
    pub idle: Option<u64>,
}

/// Why nobody was let in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LoginError {
    /// Name or password do not fit. Whether the user exists is not told.
    Wrong,
    /// The password fits, but the user must name an account first (332).
    AccountNeeded,
    /// The certificate does not let this user in by itself, or there is no such user: a password is asked for (331).
    /// No failure, and not counted as one. Over SSH: the key fits, and a password is wanted besides.
    PasswordNeeded,
    /// Refused for another reason, which the peer may know.
    Refused(Reason),
    /// Refused, and the session is to be closed (421).
    Closing(Reason),
}
