//! How do flags alone become a configuration (`carrack serve DIR`)? And where does the password come from?
#![allow(clippy::disallowed_methods, reason = "the configuration is one of the owners of files")]

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use gate::permission::Permissions;
use gate::rules::{AuditSettings, Limits, ListenerRules, Password, UserRules};
use io::tls::{self, Files};
use types::{Secret, VPath};
use vfs::storage::Durability;

use super::{
    Active, Config, Listener, Log, Mount, MountKind, Passive, PlainLogin, Process, Protocol, Ssh, SshIdentity, Tftp, Tls,
    TlsMode, Trace, Waits, value,
};
use crate::cli::{self, PassivePorts, Serve};

/// The variable that may hold the password.
const PASSWORD_VARIABLE: &str = "CARRACK_PASSWORD";
/// The mount's name, on log lines.
const MOUNT: &str = "folder";

/// A configuration made of flags, and what the welcome tells of it.
pub(crate) struct Quick {
    /// The configuration.
    pub(crate) config: Config,
    /// Who can log in, if anybody has a password.
    pub(crate) user: Option<QuickUser>,
}

/// The one user of a run without a configuration.
pub(crate) struct QuickUser {
    /// The name.
    pub(crate) name: Box<str>,
    /// The password.
    pub(crate) password: Secret<Box<str>>,
    /// Where it came from.
    pub(crate) from: PasswordFrom,
}

/// Where the password came from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum PasswordFrom {
    /// Made for this run.
    Made,
    /// The command line, where others on the machine can see it.
    Flag,
    /// The variable `CARRACK_PASSWORD`.
    Variable,
    /// A file.
    File,
}

/// Makes the configuration that flags mean.
///
/// # Errors
/// What is wrong with the flags, in a line with its remedy.
pub(crate) fn quick(args: &Serve) -> Result<Quick, String> {
    let shown = args.dir.display();
    let meta = std::fs::metadata(&args.dir).map_err(|e| format!("the folder {shown} cannot be opened: {e}"))?;
    if !meta.is_dir() {
        return Err(format!("{shown} is a file; name the folder it is in"));
    }
    let dir = std::path::absolute(&args.dir).map_err(|e| format!("the folder {shown} cannot be found: {e}"))?;
    let user = user(args)?;
    let (certificates, own_certificate) = certificates(&args.protection)?;
    let mount = Mount {
        name: MOUNT.into(),
        kind: MountKind::Local(dir),
        read_only: args.place.read_only,
        durability: match args.place.durability {
            Some(cli::Durability::Os) => Durability::Os,
            Some(cli::Durability::Commit) | None => Durability::Commit,
        },
        keep_parts: std::time::Duration::from_secs(86_400),
        file_mode: None,
        dir_mode: None,
    };
    let whole_tree = || vec![(VPath::root(), MOUNT.into())];
    let mut users = HashMap::new();
    if let Some(u) = &user {
        let mut rules = UserRules::new(&u.name, Password::Plain(u.password.clone()));
        rules.own.mounts = whole_tree();
        rules.own.permissions = vec![(VPath::root(), Permissions::ALL)];
        rules.own.sees_all = Some(true);
        rules.own.messages = Some(true);
        users.insert(u.name.clone(), rules);
    }
    let tftp = tftp(&args.door)?;
    let anonymous = (args.way_in.anonymous || !tftp.is_empty()).then(|| {
        let mut rules = UserRules::new("anonymous", Password::None);
        rules.own.mounts = whole_tree();
        let bits = if args.way_in.anonymous_write { Permissions::ALL } else { Permissions::READ_ONLY };
        rules.own.permissions = vec![(VPath::root(), bits)];
        rules
    });
    Ok(Quick {
        config: Config {
            listeners: listeners(args)?,
            tftp,
            ssh: ssh(args)?,
            ssh_identity: SshIdentity { state: state_folder(), ..SshIdentity::default() },
            certificates,
            acme: None,
            kerberos: None,
            own_certificate,
            mounts: vec![mount],
            users,
            groups: HashMap::new(),
            anonymous,
            hosts: HashMap::new(),
            password_files: Vec::new(),
            banner: Vec::new(),
            // Without a configuration everybody may come from one address: this machine's, or a NAT's.
            mail: None,
            limits: Limits { sessions_per_address: Limits::default().sessions, ..Limits::default() },
            waits: Waits::default(),
            ascii_size: super::ASCII_SIZE,
            audit: AuditSettings::default(),
            log: Log { form: args.say.log.unwrap_or_default(), quiet: args.say.quiet, file: None },
            trace: Trace::asked(args.say.trace),
            process: Process::default(),
        },
        user,
    })
}

fn listeners(args: &Serve) -> Result<Vec<Listener>, String> {
    let explicit = (!args.protection.no_tls).then(|| Tls::of(TlsMode::Offered));
    // Here too a file in clear is the client's own choice: programs that protect only the login are told nothing new.
    let implicit = Some(Tls { data_required: false, ..Tls::of(TlsMode::Implicit) });
    let mut addresses: Vec<_> = args.door.ftp.iter().map(|a| ("ftp", a.0, explicit.clone())).collect();
    if addresses.is_empty() && args.protection.ftps.is_empty() {
        addresses.push(("ftp", SocketAddr::from((Ipv4Addr::LOCALHOST, 2121)), explicit));
    }
    addresses.extend(args.protection.ftps.iter().map(|a| ("ftps", a.0, implicit.clone())));
    let public = args.door.public_address.as_deref().map(value::host).transpose();
    let address = public.map_err(|expected| format!("--public-address: {expected}"))?;
    let mut listeners: Vec<Listener> = Vec::new();
    for (kind, at, tls) in addresses {
        if at.port() != 0 && listeners.iter().any(|l| l.address == at) {
            return Err(format!("--{kind} {at} is given twice"));
        }
        let ports = args.door.passive_ports.clone().unwrap_or(PassivePorts(0..=0));
        if ports.0.contains(&at.port()) && at.port() != 0 {
            return Err(format!("--passive-ports {ports} hold port {}, where --{kind} {at} listens; choose others", at.port()));
        }
        let like = listeners.iter().filter(|l| l.name.trim_end_matches(|c: char| c.is_ascii_digit()) == kind).count();
        let name = if like == 0 { kind.to_owned() } else { format!("{kind}{}", like + 1) };
        let (plain_login, door) = match args.way_in.plain_login {
            true => (PlainLogin::Allow, gate::rules::PlainLogin::Allow),
            false => (PlainLogin::Loopback, gate::rules::PlainLogin::LoopbackOnly),
        };
        listeners.push(Listener {
            name: name.into(),
            protocol: Protocol::Ftp,
            address: at,
            passive: Some(Passive { ports, by_network: Vec::new(), address: address.clone() }),
            active: Some(Active { source_port: Some(20) }),
            single_port: true,
            historic: false,
            ebcdic: Default::default(),
            plain_login,
            tls,
            kerberos: false,
            proxies: Vec::new(),
            rules: ListenerRules { plain_login: door, anonymous: args.way_in.anonymous, ..ListenerRules::default() },
        });
    }
    Ok(listeners)
}

/// Over TFTP everybody may read, which is why it stays on this machine unless told otherwise.
fn tftp(door: &cli::Door) -> Result<Vec<Tftp>, String> {
    if door.no_tftp {
        return Ok(Vec::new());
    }
    if door.tftp.is_empty() {
        let default = SocketAddr::from((Ipv4Addr::LOCALHOST, 6969));
        return Ok(vec![Tftp { optional: true, ..Tftp::new("tftp".into(), default) }]);
    }
    let mut listeners: Vec<Tftp> = Vec::new();
    for at in door.tftp.iter().map(|a| a.0) {
        if at.port() != 0 && listeners.iter().any(|l| l.address == at) {
            return Err(format!("--tftp {at} is given twice"));
        }
        let name = if listeners.is_empty() { "tftp".to_owned() } else { format!("tftp{}", listeners.len() + 1) };
        listeners.push(Tftp::new(name.into(), at));
    }
    Ok(listeners)
}

/// Over SSH nothing is in clear, so that it may be reached from anywhere; by itself it stays on this machine, as FTP does.
fn ssh(args: &Serve) -> Result<Vec<Ssh>, String> {
    let door = &args.door;
    if door.no_sftp {
        return Ok(Vec::new());
    }
    let mut listeners: Vec<Ssh> = Vec::new();
    for at in door.sftp.iter().map(|a| a.0) {
        if at.port() != 0 && listeners.iter().any(|l| l.address == at) {
            return Err(format!("--sftp {at} is given twice"));
        }
        let name = if listeners.is_empty() { "sftp".to_owned() } else { format!("sftp{}", listeners.len() + 1) };
        listeners.push(Ssh::new(name.into(), at));
    }
    if listeners.is_empty() {
        let default = SocketAddr::from((Ipv4Addr::LOCALHOST, 2222));
        listeners.push(Ssh { optional: true, ..Ssh::new("sftp".into(), default) });
    }
    for listener in &mut listeners {
        listener.rules.anonymous = args.way_in.anonymous;
    }
    Ok(listeners)
}

/// The certificate that is given, or else the folder of one that is made.
fn certificates(protection: &cli::Protection) -> Result<(Vec<Files>, Option<PathBuf>), String> {
    let Some((chain, key)) = protection.cert.as_ref().zip(protection.key.as_ref()) else {
        return Ok((Vec::new(), if protection.no_tls { None } else { state_folder() }));
    };
    let file = |flag: &str, path: &Path| match std::fs::metadata(path) {
        Ok(m) if m.is_dir() => Err(format!("{flag} {} is a folder; name a file in it", path.display())),
        Ok(_) => std::path::absolute(path).map_err(|e| format!("{flag} {} cannot be found: {e}", path.display())),
        Err(e) => Err(format!("{flag} {} cannot be opened: {e}", path.display())),
    };
    let certificate = Files { certificate: file("--cert", chain)?, key: file("--key", key)?, names: Vec::new() };
    tls::Certificate::load(&certificate).map_err(|e| format!("the certificate cannot be used: {e}"))?;
    Ok((vec![certificate], None))
}

/// Where a user's programs keep what is to be there the next time (XDG Base Directory Specification; systemd's
/// StateDirectory= for a service).
pub(super) fn state_folder() -> Option<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from).filter(|p| p.is_absolute());
    let of_service = variable("STATE_DIRECTORY");
    let of_user = || variable("XDG_STATE_HOME").or_else(|| Some(variable("HOME")?.join(".local/state")));
    of_service.or_else(|| Some(of_user()?.join("carrack")))
}

fn user(args: &Serve) -> Result<Option<QuickUser>, String> {
    let way = &args.way_in;
    let name = way.user.as_deref().map(value::name).transpose().map_err(|expected| format!("--user: {expected}"))?;
    if let Some(n) = name.as_deref().filter(|n| ["anonymous", "ftp"].contains(&&*n.to_ascii_lowercase())) {
        return Err(format!("--user {n}: that is who comes without a password; use --anonymous, or choose another name"));
    }
    let given = given_password(way)?;
    if way.anonymous && name.is_none() {
        if way.password.is_some() || way.password_file.is_some() {
            return Err("--anonymous has no use for a password; add --user NAME for somebody who has one".to_owned());
        }
        return Ok(None);
    }
    let name = name.unwrap_or_else(|| "carrack".into());
    let (password, from) = match given {
        Some(given) => given,
        None => (made_password()?, PasswordFrom::Made),
    };
    if password.is_empty() {
        return Err("the password is empty; give one, or --anonymous to let everybody in".to_owned());
    }
    if password.chars().any(|c| c.is_control()) {
        return Err("the password holds a control character, which no FTP program can send".to_owned());
    }
    Ok(Some(QuickUser { name, password: Secret::new(password), from }))
}

fn given_password(way: &cli::WayIn) -> Result<Option<(Box<str>, PasswordFrom)>, String> {
    if let Some(password) = &way.password {
        return Ok(Some((password.as_str().into(), PasswordFrom::Flag)));
    }
    if let Some(path) = &way.password_file {
        return first_line(path).map(|p| Some((p, PasswordFrom::File)));
    }
    match std::env::var(PASSWORD_VARIABLE) {
        Ok(password) => Ok(Some((password.into(), PasswordFrom::Variable))),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => Err(format!("{PASSWORD_VARIABLE} is not UTF-8")),
    }
}

fn first_line(path: &Path) -> Result<Box<str>, String> {
    let text = std::fs::read_to_string(path).map_err(|e| format!("--password-file {} cannot be read: {e}", path.display()))?;
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(line.into()),
        _ => Err(format!("--password-file {}: its first line is empty", path.display())),
    }
}

/// Twelve letters in three groups, easy to read out and to type on any keyboard: 36 bits, against which the door
/// allows a few guesses before it bans.
fn made_password() -> Result<Box<str>, String> {
    const CONSONANTS: &[u8; 16] = b"bdfghjklmnprstvw";
    const VOWELS: &[u8; 4] = b"aeio";
    let mut random = [0u8; 6];
    getrandom::fill(&mut random).map_err(|e| format!("the system gives no random bytes for a password: {e}"))?;
    let mut password = String::new();
    for (i, byte) in random.iter().enumerate() {
        if i > 0 && i % 2 == 0 {
            password.push('-');
        }
        password.push(char::from(CONSONANTS[usize::from(byte & 15)]));
        password.push(char::from(VOWELS[usize::from(byte >> 4 & 3)]));
    }
    Ok(password.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use server::tftp::Uploads;

    fn args(line: &[&str]) -> Serve {
        let whole = ["carrack", "serve"].iter().chain(line);
        match cli::Cli::try_parse_from(whole).unwrap().command {
            cli::Command::Serve(args) => *args,
            _ => unreachable!(),
        }
    }

    #[test]
    fn nothing_said_serves_this_folder_on_loopback() {
        let made = quick(&args(&[])).unwrap();
        assert_eq!(made.config.listeners[0].address.to_string(), "127.0.0.1:2121");
        assert_eq!(made.config.listeners[0].plain_login, PlainLogin::Loopback);
        assert!(!made.config.listeners[0].rules.anonymous);
        let user = made.user.unwrap();
        assert_eq!((&*user.name, user.from), ("carrack", PasswordFrom::Made));
        let password = user.password.reveal();
        assert_eq!(password.len(), 14);
        assert!(password.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{password}");
        assert_ne!(quick(&args(&[])).unwrap().user.unwrap().password, user.password);
    }

    #[test]
    fn tftp_lets_everybody_read_and_nothing_more() {
        let made = quick(&args(&[])).unwrap().config;
        let [tftp] = &made.tftp[..] else { panic!("{:?}", made.tftp) };
        assert_eq!((tftp.address.to_string().as_str(), tftp.optional, tftp.uploads), ("127.0.0.1:6969", true, Uploads::Off));
        assert!(tftp.rules.anonymous && !made.listeners[0].rules.anonymous);
        assert_eq!(made.anonymous.unwrap().own.permissions[0].1, Permissions::READ_ONLY);
        let made = quick(&args(&["--no-tftp"])).unwrap().config;
        assert!(made.tftp.is_empty() && made.anonymous.is_none());
        let made = quick(&args(&["--tftp", "127.0.0.1:69", "--tftp", "[::1]:69"])).unwrap().config;
        let got: Vec<_> = made.tftp.iter().map(|t| (&*t.name, t.address.to_string(), t.optional)).collect();
        assert_eq!(got, [("tftp", "127.0.0.1:69".to_owned(), false), ("tftp2", "[::1]:69".to_owned(), false)]);
        assert!(quick(&args(&["--anonymous", "--no-tftp"])).unwrap().config.listeners[0].rules.anonymous);
    }

    #[test]
    fn tls_is_offered_unless_told_otherwise() {
        let modes = |line: &[&str]| -> Vec<(String, Option<TlsMode>)> {
            let made = quick(&args(line)).unwrap();
            made.config.listeners.iter().map(|l| (l.name.to_string(), l.tls.as_ref().map(|t| t.mode))).collect()
        };
        assert_eq!(modes(&[]), [("ftp".to_owned(), Some(TlsMode::Offered))]);
        assert_eq!(modes(&["--no-tls"]), [("ftp".to_owned(), None)]);
        assert_eq!(modes(&["--ftps", "990"]), [("ftps".to_owned(), Some(TlsMode::Implicit))]);
        let both = modes(&["--ftps", "990", "--ftps", "991", "--ftp", "21"]);
        let [(ftp, Some(TlsMode::Offered)), (ftps, Some(TlsMode::Implicit)), (ftps2, Some(TlsMode::Implicit))] = both.as_slice()
        else {
            panic!("{both:?}")
        };
        assert_eq!((&**ftp, &**ftps, &**ftps2), ("ftp", "ftps", "ftps2"));
        assert!(quick(&args(&["--no-tls"])).unwrap().config.own_certificate.is_none());
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tls");
        let (chain, key) = (format!("{folder}/fullchain.pem"), format!("{folder}/privkey.pem"));
        let given = quick(&args(&["--cert", &chain, "--key", &key])).unwrap().config;
        assert!(given.own_certificate.is_none() && given.certificates.len() == 1);
    }

    #[test]
    fn anonymous_reads_unless_told_otherwise() {
        let made = quick(&args(&["--anonymous"])).unwrap();
        assert!(made.user.is_none() && made.config.users.is_empty());
        assert_eq!(made.config.anonymous.unwrap().own.permissions[0].1, Permissions::READ_ONLY);
        let made = quick(&args(&["--anonymous", "--anonymous-write", "--user", "anna"])).unwrap();
        assert!(made.config.users.contains_key("anna"));
        assert_eq!(made.config.anonymous.unwrap().own.permissions[0].1, Permissions::ALL);
    }

    #[test]
    fn flags_that_cannot_be_meant_are_refused() {
        let table: &[(&[&str], &str)] = &[
            (&["/does/not/exist"], "cannot be opened"),
            (&["--anonymous", "--password", "x"], "no use for a password"),
            (&["--user", "ftp"], "use --anonymous"),
            (&["--password", ""], "the password is empty"),
            (&["--password-file", "/does/not/exist"], "cannot be read"),
            (&["--public-address", "0.0.0.0"], "clients cannot connect to 0.0.0.0"),
            (&["--ftp", "127.0.0.1:21", "--ftp", "127.0.0.1:21"], "given twice"),
            (&["--tftp", "127.0.0.1:69", "--tftp", "127.0.0.1:69"], "--tftp 127.0.0.1:69 is given twice"),
            (&["--passive-ports", "2000-2200"], "hold port 2121"),
            (&["--ftp", "127.0.0.1:21", "--ftps", "127.0.0.1:21"], "--ftps 127.0.0.1:21 is given twice"),
            (&["--cert", "/does/not/exist", "--key", "/dev/null"], "--cert /does/not/exist cannot be opened"),
            (&["--cert", "/dev/null", "--key", "/"], "--key / is a folder"),
            (&["--cert", "/dev/null", "--key", "/dev/null"], "/dev/null: holds no certificate"),
        ];
        for (line, says) in table {
            let Err(said) = quick(&args(line)) else { panic!("{line:?} was taken") };
            assert!(said.contains(says), "{line:?}: {said}");
        }
    }
}
