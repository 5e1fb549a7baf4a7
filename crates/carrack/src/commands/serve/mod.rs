//! `carrack serve`: how does it start? Read what to do, open sockets and folders, give up what is not needed, then
//! run.

pub(crate) mod identity;
mod issued;
mod kerberos;
mod listening;
mod live;
mod own;
mod parts;
mod reload;
mod sockets;
pub(crate) mod ssh;
mod system;
pub(crate) mod tftp;
mod welcome;
mod wire;

use std::path::PathBuf;

use types::Reason;

use crate::cli::{Exit, LogForm, Serve};
use crate::config::{self, Config, PasswordFrom, Quick, TftpPorts};
use crate::confine::{self, Confined, Needs};
use crate::log::{Look, Place};
use crate::say;
use identity::Identity;
use live::Start;

/// What to do, and where that was said.
pub(super) struct Plan {
    config: Config,
    /// The configuration file, for reloads.
    file: Option<PathBuf>,
    /// The user of a run without one, for the welcome.
    user: Option<config::QuickUser>,
}

/// Why it does not start.
pub(super) struct Refused {
    /// What could not be had, in words.
    what: String,
    reason: Reason,
    /// What the system said, and what to do.
    detail: String,
}

impl Refused {
    pub(super) fn new(what: impl Into<String>, reason: Reason, detail: impl Into<String>) -> Self {
        Self { what: what.into(), reason, detail: detail.into() }
    }

    pub(super) fn line(&self) -> String {
        format!("{}: {} [{}] {}", self.what, self.detail, self.reason.code(), self.reason.remedy())
    }
}

/// The door of a configuration, for questions alone: nothing is listened on, and nothing is written down.
///
/// # Errors
/// A folder that cannot be opened, in words.
pub(crate) fn gate(config: &mut Config) -> Result<std::sync::Arc<gate::Gate>, String> {
    config.audit.file = None;
    let open = parts::storages(&config.mounts, &[], &confine::Rooms::all()).map_err(|refused| refused.line())?;
    gate::Gate::new(wire::rules(config, &open)).map_err(|e| e.to_string())
}

/// Serves until it is told to stop.
pub(crate) fn run(args: &Serve) -> Exit {
    let plan = match plan(args) {
        Ok(plan) => plan,
        Err(exit) => return exit,
    };
    match start(plan) {
        Ok(exit) => exit,
        Err(refused) => {
            say::err(format_args!("carrack: {}", refused.line()));
            Exit::Failed
        }
    }
}

fn plan(args: &Serve) -> Result<Plan, Exit> {
    let Some(file) = &args.config else {
        let Quick { config, user } = config::quick(args).map_err(|why| {
            say::err(format_args!("carrack serve: {why}"));
            Exit::Usage
        })?;
        if user.as_ref().is_some_and(|u| u.from == PasswordFrom::Flag) {
            say::err(format_args!(
                "warning: others on this machine can see --password; CARRACK_PASSWORD or --password-file keep it to yourself"
            ));
        }
        return Ok(Plan { config, file: None, user });
    };
    let mut config = config::load(file).map_err(|faults| {
        super::check::refuse(&faults);
        Exit::Config
    })?;
    config.overrule(&args.say);
    Ok(Plan { config, file: Some(file.clone()), user: None })
}

fn start(mut plan: Plan) -> Result<Exit, Refused> {
    kerberos::prepare(&plan.config)?;
    let failed = |what: &'static str| move |e: std::io::Error| Refused::new(what, Reason::Io, e.to_string());
    // Sockets and folders are opened and rights given up while there is one thread: those started later inherit both.
    let (mut sockets, (ssh, without_ssh), door) = {
        let once = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed("the reactor"))?;
        let _inside = once.enter();
        let mut sockets = sockets::Sockets::open(&plan.config.listeners)?;
        let over_ssh = ssh::open(&mut plan.config.ssh, &mut sockets)?;
        (sockets, over_ssh, issued::prepare(&plan.config)?)
    };
    let (datagrams, without) = tftp::open(&mut plan.config.tftp, &mut sockets)?;
    let host_keys = ssh::host_keys(&plan.config)?;
    let identity = Identity::load(&plan.config)?;
    let storages = parts::storages(&plan.config.mounts, &[], &confine::Rooms::all())?;
    kerberos::check(&plan.config)?;
    let look = if plan.config.log.file.is_some() { Look::plain() } else { Look::of_stdout() };
    let confined = confine(&plan, &identity)?;
    // By the user the process has become, so that a reload can open it again.
    let place = match &plan.config.log.file {
        None => Place::Stdout,
        Some(path) => {
            Place::file(path).map_err(|e| Refused::new(format!("the log file {}", path.display()), Reason::Io, e.to_string()))?
        }
    };
    let workers = plan.config.process.workers.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed("the reactor"))?;
    let exit = runtime.block_on(live::run(Start {
        plan,
        sockets,
        datagrams,
        ssh,
        host_keys,
        without: without.into_iter().chain(without_ssh).collect(),
        door,
        identity,
        storages,
        place,
        look,
        confined,
        workers,
    }));
    // A blocking call that hangs (a dead network disk) must not keep the process from ending.
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    exit
}

fn confine(plan: &Plan, identity: &Identity) -> Result<Confined, Refused> {
    let config = &plan.config;
    let mut written: Vec<PathBuf> = config
        .mounts
        .iter()
        .filter_map(|m| match &m.kind {
            config::MountKind::Local(path) => Some(path.clone()),
            config::MountKind::Memory { .. } => None,
        })
        .collect();
    written.extend(config.log.file.iter().chain(&config.audit.file).map(|f| confine::folder_of(f)));
    written.extend(config.acme.as_ref().map(|acme| acme.state.clone()));
    let mut read: Vec<PathBuf> =
        plan.file.iter().chain(&config.password_files).chain(&config.ssh_identity.files).map(|f| confine::folder_of(f)).collect();
    // By name and not by handle: a certificate is renewed by another file in its place.
    read.extend(identity::folders(&identity.files(config)));
    read.extend(issued::trusted(config));
    if let Some(kerberos) = &config.kerberos {
        read.push(confine::folder_of(&kerberos.keytab));
        let files = std::env::var_os("KRB5_CONFIG").into_iter().flat_map(|v| std::env::split_paths(&v).collect::<Vec<_>>());
        read.extend(files.filter(|file| file.exists()).map(|file| confine::folder_of(&file)));
    }
    let low = |port: u16| (1..1_024).contains(&port);
    // The door for an authority is opened again for each renewal.
    let low_ports = config.acme.as_ref().is_some_and(|acme| low(acme.listen.port()))
        || config.ssh.iter().any(|l| low(l.address.port()))
        || config.tftp.iter().any(|t| low(t.address.port()) || matches!(&t.ports, TftpPorts::Range(r) if low(*r.start())))
        || config.listeners.iter().any(|l| low(l.address.port()) || l.active.is_some_and(|a| a.source_port.is_some_and(low)));
    confine::confine(&Needs { written, read, low_ports, process: &config.process })
        .map_err(|e| Refused::new("the process's user", Reason::Config, e))
}

/// Whether what people read goes to standard output.
pub(super) const fn is_for_people(config: &Config) -> bool {
    matches!(config.log.form, LogForm::Text)
}
