//! What was the program told to do? A configuration file, or flags alone, become one [`Config`]; what does not hold
//! together is refused with its place and a remedy (promise 7).

mod acme;
mod agree;
mod file;
mod kerberos;
mod keys;
mod listener;
mod page;
mod person;
mod quick;
mod section;
mod settings;
mod ssh;
#[cfg(test)]
mod tests;
mod tftp;
mod tls;
mod value;

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use gate::rules::{AuditSettings, GroupRules, HostRules, Limits, ListenerRules, UserRules};
use ipnet::IpNet;
use vfs::storage::Durability;

pub(crate) use crate::cli::LogForm;
use crate::cli::PassivePorts;
pub(crate) use acme::{Acme, Challenge};
pub(crate) use kerberos::Kerberos;
pub(crate) use page::{Faults, Page};
pub(crate) use quick::{PasswordFrom, Quick, QuickUser, quick};
pub(crate) use section::{Section, nearest};
pub(crate) use ssh::{Ssh, SshIdentity};
pub(crate) use tftp::{Tftp, TftpPorts};
pub(crate) use tls::{ClientCertificates, DataReuse, Tls, TlsMode, tls_in_words};
pub(crate) use value::{Host, host_name};

/// All a server is told. Users, groups, hosts and limits are in the gate's own words; the rest is the program's.
pub(crate) struct Config {
    /// Where clients come in.
    pub(crate) listeners: Vec<Listener>,
    /// Where clients of TFTP come in.
    pub(crate) tftp: Vec<Tftp>,
    /// Where clients of SFTP and SCP come in.
    pub(crate) ssh: Vec<Ssh>,
    /// Who the server is over SSH, and whose word it takes.
    pub(crate) ssh_identity: SshIdentity,
    /// The server's certificates; the first is shown to clients that name no host, or one that no certificate has.
    pub(crate) certificates: Vec<io::tls::Files>,
    /// The authority that issues one more by itself.
    pub(crate) acme: Option<Acme>,
    /// What goes for Kerberos tickets.
    pub(crate) kerberos: Option<Kerberos>,
    /// The folder of a certificate that is made where none is given (`carrack serve DIR`).
    pub(crate) own_certificate: Option<PathBuf>,
    /// Places that keep files.
    pub(crate) mounts: Vec<Mount>,
    /// Users by name.
    pub(crate) users: HashMap<Box<str>, UserRules>,
    /// Groups by name.
    pub(crate) groups: HashMap<Box<str>, GroupRules>,
    /// Who comes without a password, where anybody may.
    pub(crate) anonymous: Option<UserRules>,
    /// Virtual hosts by name.
    pub(crate) hosts: HashMap<Box<str>, HostRules>,
    /// Files that passwords and users' keys were read from, and will be by a reload.
    pub(crate) password_files: Vec<PathBuf>,
    /// Lines that greet whoever connects.
    pub(crate) banner: Vec<Box<str>>,
    /// Where mail from user to user is kept, where it is.
    pub(crate) mail: Option<gate::rules::MailRules>,
    /// What the door counts.
    pub(crate) limits: Limits,
    /// How long things may take.
    pub(crate) waits: Waits,
    /// The largest file that SIZE counts through in TYPE A.
    pub(crate) ascii_size: u64,
    /// What is written down.
    pub(crate) audit: AuditSettings,
    /// What is said while it runs.
    pub(crate) log: Log,
    /// What is kept of sessions.
    pub(crate) trace: Trace,
    /// What the process is and may do.
    pub(crate) process: Process,
}

impl Config {
    /// What the command line says counts before the file.
    pub(crate) fn overrule(&mut self, say: &crate::cli::Say) {
        self.log.form = say.log.unwrap_or(self.log.form);
        self.log.quiet |= say.quiet;
        self.trace.ladders |= say.trace;
    }
}

/// One way in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Listener {
    /// Its name, on log lines.
    pub(crate) name: Box<str>,
    /// What is spoken there.
    pub(crate) protocol: Protocol,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// Passive data connections, where they are on.
    pub(crate) passive: Option<Passive>,
    /// Active data connections, where they are on.
    pub(crate) active: Option<Active>,
    /// Data connections may arrive on the control port (SPSV).
    pub(crate) single_port: bool,
    /// The mail commands of old are served.
    pub(crate) historic: bool,
    /// Which EBCDIC TYPE E means.
    pub(crate) ebcdic: proto::ftp::data::CodePage,
    /// Whether passwords are taken in clear.
    pub(crate) plain_login: PlainLogin,
    /// TLS, where there is any.
    pub(crate) tls: Option<Tls>,
    /// Whether Kerberos tickets are taken, where there is Kerberos.
    pub(crate) kerberos: bool,
    /// Networks whose PROXY headers are believed; no header is read where empty.
    pub(crate) proxies: Vec<IpNet>,
    /// What the door goes by here.
    pub(crate) rules: ListenerRules,
}

/// Whether passwords are taken in clear (promise 8).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum PlainLogin {
    /// From everywhere.
    Allow,
    /// From this machine only.
    Loopback,
    /// From nowhere.
    Refuse,
}

/// What is spoken at a listener.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Protocol {
    /// RFC 959.
    Ftp,
}

impl Protocol {
    /// Its name in the configuration and in URLs.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ftp => "ftp",
        }
    }
}

/// How passive data connections are had.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Passive {
    /// The ports.
    pub(crate) ports: PassivePorts,
    /// What clients are told to connect to, by the network they come from; the longest that fits counts.
    pub(crate) by_network: Vec<(IpNet, IpAddr)>,
    /// What all others are told; the address they came in at where nothing is said.
    pub(crate) address: Option<Host>,
}

/// How active data connections are made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Active {
    /// The port they leave from where the process may; `None` for any.
    pub(crate) source_port: Option<u16>,
}

/// A place that keeps files.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Mount {
    /// Its name, that users' tables refer to.
    pub(crate) name: Box<str>,
    /// Where the files are.
    pub(crate) kind: MountKind,
    /// Nobody changes anything.
    pub(crate) read_only: bool,
    /// When an upload is confirmed.
    pub(crate) durability: Durability,
    /// How long interrupted uploads are kept for their owners.
    pub(crate) keep_parts: Duration,
    /// Permission bits of every new file, whatever sessions ask for.
    pub(crate) file_mode: Option<u32>,
    /// Permission bits of every new folder, whatever sessions ask for.
    pub(crate) dir_mode: Option<u32>,
}

/// Where the files are.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum MountKind {
    /// In this folder.
    Local(PathBuf),
    /// In memory, until the program ends.
    Memory {
        /// The most bytes it holds.
        size: u64,
    },
}

/// How long things may take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Waits {
    /// From connecting to being logged in.
    pub(crate) login: Duration,
    /// Until a data connection stands.
    pub(crate) data_connect: Duration,
    /// Without a byte on a data connection.
    pub(crate) stall: Duration,
    /// The longest silence a session may ask for (SITE IDLE).
    pub(crate) idle_most: Duration,
    /// For transfers to end when the server is told to stop.
    pub(crate) drain: Duration,
}

impl Default for Waits {
    fn default() -> Self {
        Self {
            login: Duration::from_secs(60),
            data_connect: Duration::from_secs(20),
            stall: Duration::from_secs(120),
            idle_most: Duration::from_secs(7_200),
            drain: Duration::from_secs(30),
        }
    }
}

/// [`Config::ascii_size`] where nothing is said.
const ASCII_SIZE: u64 = 10 << 20;

/// What is said while it runs.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Log {
    /// Lines for people, or JSON.
    pub(crate) form: LogForm,
    /// Only failures.
    pub(crate) quiet: bool,
    /// Where to; standard output where nothing is said.
    pub(crate) file: Option<PathBuf>,
}

/// What is kept of sessions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Trace {
    /// Every session is drawn as a ladder when it ends.
    pub(crate) ladders: bool,
    /// How many events are kept of each session.
    pub(crate) events: usize,
}

impl Default for Trace {
    fn default() -> Self {
        Self { ladders: false, events: 64 }
    }
}

impl Trace {
    /// As `--trace` asks, where it does: a ladder is worth little without its beginning.
    fn asked(ladders: bool) -> Self {
        if ladders { Self { ladders, events: 4_096 } } else { Self::default() }
    }
}

/// What the process is and may do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Process {
    /// Who it becomes after start, if root started it.
    pub(crate) user: Option<Box<str>>,
    /// The group it becomes; the user's own where nothing is said.
    pub(crate) group: Option<Box<str>>,
    /// File rules.
    pub(crate) landlock: bool,
    /// System call rules.
    pub(crate) seccomp: bool,
    /// Threads that drive sessions; as many as there are cores where nothing is said.
    pub(crate) workers: Option<usize>,
}

impl Default for Process {
    fn default() -> Self {
        Self { user: None, group: None, landlock: true, seccomp: true, workers: None }
    }
}

/// Reads a configuration file.
///
/// # Errors
/// Everything that is wrong with it.
pub(crate) fn load(path: &std::path::Path) -> Result<Config, Faults> {
    file::load(path)
}
