//! What the door goes by: users, groups, hosts, listeners, limits and mounts, as plain data the program makes from
//! its configuration; and how groups and users make one principal.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use types::{Error, Reason, Secret, VPath};
use vfs::storage::SharedStorage;

use crate::keys::{AuthorizedKey, Ways};
use crate::permission::{PathRules, Permissions};

/// Everything the door goes by. A reload is a new one of these.
#[derive(Clone, Default)]
pub struct Rules {
    /// Users by name. The name in the rules and the key are the same.
    pub users: HashMap<Box<str>, UserRules>,
    /// Groups by name.
    pub groups: HashMap<Box<str>, GroupRules>,
    /// Who `anonymous` and `ftp` are (RFC 1635), where they are let in at all.
    pub anonymous: Option<UserRules>,
    /// Virtual hosts by lower-case name (RFC 7151).
    pub hosts: HashMap<Box<str>, HostRules>,
    /// Listeners by name.
    pub listeners: HashMap<Box<str>, ListenerRules>,
    /// Lines greeting whoever connects, where no host says otherwise.
    pub banner: Vec<Box<str>>,
    /// Limits of the whole server.
    pub limits: Limits,
    /// Mounts by name.
    pub mounts: HashMap<Box<str>, Mount>,
    /// Where mail from user to user is kept; none is where nothing is said.
    pub mail: Option<MailRules>,
    /// What is written down.
    pub audit: AuditSettings,
    /// Authorities whose SSH certificates let in whom they name, whoever that is.
    pub authorities: Vec<AuthorizedKey>,
    /// SSH keys and authorities that let nobody in any more, in their wire form.
    pub revoked: Vec<Box<[u8]>>,
}

/// A storage under a name that users' tables refer to.
#[derive(Clone)]
pub struct Mount {
    /// Where the files are.
    pub storage: SharedStorage,
    /// Nothing changes through this mount, whoever asks.
    pub read_only: bool,
}

/// Where mail from user to user is kept (XSEM, MAIL and their kin), and how much of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MailRules {
    /// The mount that has one Maildir a user below its root.
    pub mount: Box<str>,
    /// How many unread messages a user may have.
    pub most: u32,
    /// How large a message may be, in bytes, with its header.
    pub size: u64,
}

/// How a password is kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Password {
    /// An argon2 hash in PHC form.
    Argon2(Box<str>),
    /// The password itself: only for the one made for a run or given on the command line.
    Plain(Secret<Box<str>>),
    /// None: whatever is given is taken. Only for the anonymous user.
    None,
    /// There is none that fits: the user comes with a key.
    Never,
}

/// What a client's certificate is good for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Certificate {
    /// Nothing: the password decides.
    #[default]
    Off,
    /// One with the right name lets the user in without a password; a password still does, too.
    Enough,
    /// The password counts only beside a certificate with the right name.
    WithPassword,
}

/// What a user and a group may both say; where the user says nothing, its groups do, in their order.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Defaults {
    /// Where sessions start.
    pub home: Option<VPath>,
    /// Mounts of the user's tree: where, and the mount's name. A user's own count before a group's, place by place.
    pub mounts: Vec<(VPath, Box<str>)>,
    /// Permissions by path prefix. A user's own count before a group's, prefix by prefix.
    pub permissions: Vec<(VPath, Permissions)>,
    /// Patterns of names nobody gets to see; those of the user and of all groups together.
    pub hidden: Vec<Box<[u8]>>,
    /// Sessions at once.
    pub sessions: Option<u32>,
    /// Transfers at once.
    pub transfers: Option<u32>,
    /// Bytes a second towards the server, all the user's transfers together.
    pub rate_up: Option<u64>,
    /// Bytes a second from the server, all the user's transfers together.
    pub rate_down: Option<u64>,
    /// The largest file that may be stored.
    pub file_size: Option<u64>,
    /// Networks the user may come from; from anywhere where nothing is said.
    pub allow_from: Option<Vec<Network>>,
    /// Whether data may go to and come from other addresses than the client's.
    pub fxp: Option<bool>,
    /// Whether the user sees all sessions (SITE WHO) and not only its own.
    pub sees_all: Option<bool>,
    /// Whether the user may send messages to others (SITE MSG, XSEN and their kin).
    pub messages: Option<bool>,
    /// Accounts ACCT may name; those of the user and of all groups together.
    pub accounts: Vec<Box<str>>,
    /// Whether one must be named.
    pub account_required: Option<bool>,
    /// Permission bits that new files and folders do not get.
    pub umask: Option<u32>,
    /// Seconds of silence before a session is closed.
    pub idle_seconds: Option<u64>,
    /// Lines to greet with after login.
    pub welcome: Option<Vec<Box<str>>>,
}

/// A user.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UserRules {
    /// The name.
    pub name: Box<str>,
    /// How it is proved.
    pub password: Password,
    /// What a client's certificate is good for.
    pub certificate: Certificate,
    /// The names on a certificate that are this user; the user's own name where there are none here.
    pub certificate_names: Vec<Box<str>>,
    /// Kerberos principals that are this user, as their mechanism writes them: `anna@EXAMPLE.ORG`.
    pub principals: Vec<Box<str>>,
    /// SSH keys that let the user in, and authorities that may speak for it.
    pub keys: Vec<AuthorizedKey>,
    /// What is enough of a proof.
    pub ways: Ways,
    /// Names of groups, the one that counts most first.
    pub groups: Vec<Box<str>>,
    /// Not let in, and thrown out by the reload that says so.
    pub disabled: bool,
    /// The rest.
    pub own: Defaults,
}

impl UserRules {
    /// A user with this name and password, and all else as defaults have it.
    pub fn new(name: &str, password: Password) -> Self {
        Self {
            name: name.into(),
            password,
            certificate: Certificate::Off,
            certificate_names: Vec::new(),
            principals: Vec::new(),
            keys: Vec::new(),
            ways: Ways::default(),
            groups: Vec::new(),
            disabled: false,
            own: Defaults::default(),
        }
    }
}

/// A group: defaults for its users.
pub type GroupRules = Defaults;

/// A virtual host (RFC 7151).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct HostRules {
    /// Lines greeting those who ask for this host; the server's own where empty.
    pub banner: Vec<Box<str>>,
    /// Only these users are known here; all where nothing is said.
    pub users: Option<Vec<Box<str>>>,
    /// Whether the anonymous user is let in here.
    pub anonymous: bool,
    /// The mount that is the whole tree here, in place of the user's own table.
    pub root: Option<Box<str>>,
}

/// Whether passwords may come in clear.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum PlainLogin {
    /// From everywhere.
    Allow,
    /// From this machine alone.
    #[default]
    LoopbackOnly,
    /// From nowhere, not even this machine.
    Refuse,
}

/// What goes for one listener.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ListenerRules {
    /// Whether passwords may come in clear.
    pub plain_login: PlainLogin,
    /// Whether the anonymous user is let in here.
    pub anonymous: bool,
    /// Networks clients may come from; from anywhere where empty.
    pub allow: Vec<Network>,
    /// Networks clients may not come from, whatever `allow` says.
    pub deny: Vec<Network>,
    /// The virtual host of those who name none.
    pub host: Option<Box<str>>,
    /// Who those are that show nothing, by where they come from; the anonymous user where no network holds them. The first
    /// network that does counts.
    pub guests: Vec<(Network, Box<str>)>,
}

/// Limits of the whole server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Sessions at once.
    pub sessions: u32,
    /// Sessions at once from one address (IPv6: from one /64).
    pub sessions_per_address: u32,
    /// Transfers at once.
    pub transfers: u32,
    /// Failed logins on one connection before it is closed.
    pub tries: u32,
    /// Failed logins from one address within the window before it is banned; 0 never bans.
    pub ban_after: u32,
    /// How long failures count.
    pub ban_window: Duration,
    /// How long a ban lasts.
    pub ban: Duration,
    /// The answer to a failed login comes this late; each further failure of the address doubles it.
    pub delay: Duration,
    /// But never later than this.
    pub delay_most: Duration,
    /// How many addresses are remembered for their failures.
    pub addresses: usize,
    /// How many passwords are hashed at once: each takes the memory its hash names.
    pub hashing: usize,
    /// Seconds of silence before a session is closed, where the user has no limit of its own.
    pub idle_seconds: u64,
    /// Bytes a second towards the server, all sessions together.
    pub rate_up: Option<u64>,
    /// Bytes a second from the server, all sessions together.
    pub rate_down: Option<u64>,
    /// The most entries RMDA and SITE DU look at.
    pub entries: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            sessions: 10_000,
            sessions_per_address: 1_000,
            transfers: 10_000,
            tries: 3,
            ban_after: 20,
            ban_window: Duration::from_secs(600),
            ban: Duration::from_secs(600),
            delay: Duration::from_millis(500),
            delay_most: Duration::from_secs(8),
            addresses: 10_000,
            hashing: 2,
            idle_seconds: 300,
            rate_up: None,
            rate_down: None,
            entries: 1_000_000,
        }
    }
}

/// What is written down.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AuditSettings {
    /// The file that entries are added to as JSON lines; nothing is written down without one.
    pub file: Option<PathBuf>,
    /// What happens when entries come faster than they can be written.
    pub policy: AuditPolicy,
    /// How many entries may wait to be written.
    pub queue: usize,
    /// How many entries are kept in memory for the console.
    pub recent: usize,
}

impl Default for AuditSettings {
    fn default() -> Self {
        Self { file: None, policy: AuditPolicy::default(), queue: 4_096, recent: 256 }
    }
}

/// What happens when the audit trail cannot take another entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum AuditPolicy {
    /// No entry, no act: the operation waits a moment and is then refused.
    #[default]
    Strict,
    /// The operation goes on, and the missing entry is counted.
    Lossy,
}

/// A network: `10.0.0.0/8`, `fd00::/8`, or one address.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Network(IpNet);

impl Network {
    /// Reads a network in CIDR form, or a single address.
    ///
    /// # Errors
    /// [`Reason::Config`] with what was expected.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        let net = text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(|ip| IpNet::from(ip.to_canonical())));
        net.map(|net| Self(net.trunc())).ok_or_else(|| {
            Error::with(Reason::Config, format!("{text:?} is no network; write 192.0.2.0/24, 2001:db8::/32 or one address"))
        })
    }

    /// Whether an address lies in it. An IPv4 address mapped into IPv6 counts as the IPv4 address it carries.
    pub fn contains(&self, ip: IpAddr) -> bool {
        self.0.contains(&ip.to_canonical())
    }
}

/// Who somebody is once logged in: the user's rules with all defaults filled in. Shared by all the user's sessions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Principal {
    /// The name.
    pub name: Arc<str>,
    /// The anonymous user: owns no unfinished uploads, sees nobody else.
    pub anonymous: bool,
    /// How it is proved.
    pub password: Password,
    /// What a client's certificate is good for.
    pub certificate: Certificate,
    /// The names on a certificate that are this user.
    pub certificate_names: Vec<Box<str>>,
    /// Kerberos principals that are this user.
    pub principals: Vec<Box<str>>,
    /// SSH keys that let the user in, and authorities that may speak for it.
    pub keys: Vec<AuthorizedKey>,
    /// What is enough of a proof.
    pub ways: Ways,
    /// Not let in.
    pub disabled: bool,
    /// Where sessions start.
    pub home: VPath,
    /// The tree: where, and the mount's name.
    pub mounts: Vec<(VPath, Box<str>)>,
    /// What is allowed where.
    pub permissions: PathRules,
    /// Sessions at once.
    pub sessions: Option<u32>,
    /// Transfers at once.
    pub transfers: Option<u32>,
    /// Bytes a second towards the server.
    pub rate_up: Option<u64>,
    /// Bytes a second from the server.
    pub rate_down: Option<u64>,
    /// The largest file that may be stored.
    pub file_size: Option<u64>,
    /// Networks the user may come from.
    pub allow_from: Option<Vec<Network>>,
    /// Whether data may go to and come from other addresses than the client's.
    pub fxp: bool,
    /// Whether the user sees all sessions.
    pub sees_all: bool,
    /// Whether the user may send messages to others.
    pub messages: bool,
    /// Accounts ACCT may name.
    pub accounts: Vec<Box<str>>,
    /// Whether one must be named.
    pub account_required: bool,
    /// Permission bits that new files and folders do not get.
    pub umask: u32,
    /// Seconds of silence before a session is closed, where the user has a limit of its own.
    pub idle_seconds: Option<u64>,
    /// Lines to greet with after login.
    pub welcome: Vec<Box<str>>,
}

impl Principal {
    /// Whether a certificate with these names is this user's. Names are compared as they are written: a user's name is
    /// case-sensitive, and whoever issues certificates must not be able to choose among spellings.
    pub(crate) fn is_named(&self, names: &[Box<str>]) -> bool {
        names.iter().any(|name| self.certificate_names.contains(name))
    }
}

/// The principal that a user and its groups make: what the user says, else what the first group says that says
/// something, else the default. Groups that are not known give nothing ([`crate::Gate::new`] refuses them).
/// Where nobody names a permission, a user may do everything in its tree and the anonymous user may only look.
pub fn effective(user: &UserRules, groups: &HashMap<Box<str>, GroupRules>) -> Principal {
    let anonymous = user.password == Password::None;
    let layers: Vec<&Defaults> =
        std::iter::once(&user.own).chain(user.groups.iter().filter_map(|name| groups.get(name))).collect();
    let mut mounts: Vec<(VPath, Box<str>)> = Vec::new();
    for (at, name) in layers.iter().flat_map(|l| &l.mounts) {
        if !mounts.iter().any(|known| known.0 == *at) {
            mounts.push((at.clone(), name.clone()));
        }
    }
    let mut rules: Vec<(VPath, Permissions)> = layers.iter().flat_map(|l| l.permissions.iter().cloned()).collect();
    if rules.is_empty() {
        rules.push((VPath::root(), if anonymous { Permissions::READ_ONLY } else { Permissions::ALL }));
    }
    let mut accounts: Vec<Box<str>> = Vec::new();
    for account in layers.iter().flat_map(|l| &l.accounts) {
        if !accounts.contains(account) {
            accounts.push(account.clone());
        }
    }
    Principal {
        name: user.name.as_ref().into(),
        anonymous,
        password: user.password.clone(),
        certificate: user.certificate,
        certificate_names: match user.certificate_names.as_slice() {
            [] => vec![user.name.clone()],
            names => names.to_vec(),
        },
        principals: user.principals.clone(),
        keys: user.keys.clone(),
        ways: user.ways,
        disabled: user.disabled,
        home: first(&layers, |l| l.home.clone()).unwrap_or_else(VPath::root),
        mounts,
        permissions: PathRules::new(rules, layers.iter().flat_map(|l| l.hidden.iter().cloned())),
        sessions: first(&layers, |l| l.sessions),
        transfers: first(&layers, |l| l.transfers),
        rate_up: first(&layers, |l| l.rate_up),
        rate_down: first(&layers, |l| l.rate_down),
        file_size: first(&layers, |l| l.file_size),
        allow_from: first(&layers, |l| l.allow_from.clone()),
        fxp: first(&layers, |l| l.fxp).unwrap_or(false),
        sees_all: first(&layers, |l| l.sees_all).unwrap_or(false) && !anonymous,
        messages: first(&layers, |l| l.messages).unwrap_or(false) && !anonymous,
        accounts,
        account_required: first(&layers, |l| l.account_required).unwrap_or(false),
        umask: first(&layers, |l| l.umask).unwrap_or(0o022) & 0o777,
        idle_seconds: first(&layers, |l| l.idle_seconds),
        welcome: first(&layers, |l| l.welcome.clone()).unwrap_or_default(),
    }
}

fn first<T>(layers: &[&Defaults], said: impl Fn(&Defaults) -> Option<T>) -> Option<T> {
    layers.iter().find_map(|layer| said(layer))
}
