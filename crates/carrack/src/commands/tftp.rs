//! `carrack tftp map NAME --from ADDR`: which rule makes what of a name, and which file would its client get?

use std::net::SocketAddr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use gate::rules::effective;
use server::tftp::names::{Asker, Mapped, Names};
use types::path::Shown;
use types::{Credentials, Reason, VPath};

use super::{check, serve};
use crate::cli::{Exit, Serve, TftpCommand, TftpMap};
use crate::config::{self, Config, MountKind, Tftp};
use crate::say;

/// Runs it.
pub(crate) fn run(command: &TftpCommand) -> Exit {
    let TftpCommand::Map(args) = command;
    let config = match load(args) {
        Ok(config) => config,
        Err(exit) => return exit,
    };
    let found = config.tftp.iter().find(|l| args.listener.as_deref().is_none_or(|name| *l.name == *name));
    let Some(listener) = found.cloned() else {
        let names: Vec<&str> = config.tftp.iter().map(|l| &*l.name).collect();
        say::err(format_args!("carrack tftp map: no such listener speaks TFTP; there are: {}", names.join(", ")));
        return Exit::Usage;
    };
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => {
            let (text, served) = runtime.block_on(told(args, config, &listener));
            let said = say::out(format_args!("{}", text.trim_end()));
            if served { said } else { Exit::Failed }
        }
        Err(e) => {
            say::err(format_args!("carrack tftp map: the reactor: {e}"));
            Exit::Failed
        }
    }
}

fn load(args: &TftpMap) -> Result<Config, Exit> {
    match &args.config {
        Some(file) => config::load(file).map_err(|faults| {
            check::refuse(&faults);
            Exit::Config
        }),
        None => config::quick(&Serve { dir: ".".into(), ..Serve::default() }).map(|quick| quick.config).map_err(|why| {
            say::err(format_args!("carrack tftp map: {why}"));
            Exit::Usage
        }),
    }
}

/// What becomes of the name, line by line, and whether a file comes of it.
async fn told(args: &TftpMap, mut config: Config, listener: &Tftp) -> (String, bool) {
    let names = Names::new(listener.rewrite.clone());
    let known = if args.mac.is_none() { io::neighbour::mac_of(args.from).await.ok().flatten() } else { None };
    let asker = Asker { ip: args.from, mac: args.mac.or(known) };
    let mapped = names.map(asker, args.name.as_bytes());
    let mut text = String::new();
    let mut line = |what: &str, is: &dyn std::fmt::Display| text.push_str(&format!("{what:<12}{is}\n"));
    line("listener", &format_args!("{} at {}", listener.name, listener.address));
    line("asked by", &args.from);
    if names.ask_for_mac() {
        line("hardware", &asker.mac.map_or("not known: rules that go by it are left out".to_owned(), |mac| mac.to_string()));
    }
    line("asked for", &Shown(args.name.as_bytes()));
    for (rule, name) in &mapped.steps {
        line("rule", &format_args!("{rule}: {}", Shown(name)));
    }
    if mapped.steps.is_empty() {
        line("rule", &"none goes for it");
    }
    let verdict = match path(&mapped) {
        Err(reason) => Err(reason.to_string()),
        Ok(path) => {
            line("file", &path);
            match ask(args, &mut config, listener, &path).await {
                Err(why) => Err(why),
                Ok((user, size)) => {
                    line("as user", &user);
                    if let Some(there) = on_disk(&config, &user, &path) {
                        line("on disk", &there.display());
                    }
                    Ok(size)
                }
            }
        }
    };
    match &verdict {
        Ok(size) => line("served", &format_args!("yes, {size} bytes")),
        Err(why) => line("served", &format_args!("no: {why}")),
    }
    (text, verdict.is_ok())
}

fn path(mapped: &Mapped<'_>) -> Result<VPath, Reason> {
    match mapped.refused {
        Some(reason) => Err(reason),
        None => VPath::parse(&mapped.name).map_err(|e| types::Error::from(e).reason),
    }
}

/// Asks the door as the server would: who that is, and how large the file.
async fn ask(args: &TftpMap, config: &mut Config, listener: &Tftp, path: &VPath) -> Result<(String, u64), String> {
    let gate = serve::gate(config)?;
    let guest =
        gate.admit(&listener.name, SocketAddr::new(args.from, 0), listener.address).map_err(|reason| reason.to_string())?;
    let (access, welcome) = guest.login(Credentials::None, false).await.map_err(|_| Reason::AddressNotAllowed.to_string())?;
    let reading = access.read(path, 0).await.map_err(|e| e.to_string())?;
    Ok((welcome.user.to_string(), reading.attr.size))
}

/// Where a file of the tree is on this machine.
fn on_disk(config: &Config, user: &str, path: &VPath) -> Option<PathBuf> {
    let user = config.users.get(user).or(config.anonymous.as_ref())?;
    let mounts = effective(user, &config.groups).mounts;
    let (at, name) = mounts.iter().filter(|(at, _)| path.is_below(at)).max_by_key(|(at, _)| at.as_bytes().len())?;
    match &config.mounts.iter().find(|mount| mount.name == *name)?.kind {
        MountKind::Local(folder) => Some(folder.join(std::ffi::OsStr::from_bytes(path.below(at)?.relative()))),
        MountKind::Memory { .. } => None,
    }
}
