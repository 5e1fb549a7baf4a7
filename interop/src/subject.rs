//! Which server is tried? carrack, or with `CARRACK_INTEROP_SUBJECT=pyftpdlib` another, to see whether a client or its
//! script is to blame when both fail.

use crate::Way;
use crate::network::Network;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Who logs in.
pub const USER: &str = "u";
/// With which password.
pub const PASSWORD: &str = "s3cret-for-tests";

/// A server that runs; killed when dropped, its folder with it.
pub struct Server {
    child: Child,
    scratch: TempDir,
    root: PathBuf,
    /// The words before the program, where it runs on a machine of its own.
    before: Vec<String>,
    arguments: Vec<String>,
    ports: Ports,
}

/// Where the server listens.
#[derive(Clone, Copy)]
struct Ports {
    /// FTP over IPv4 and over IPv6.
    clear: (u16, u16),
    /// Implicit FTPS over IPv4.
    implicit: Option<u16>,
    /// TFTP over IPv4 and over IPv6.
    tftp: Option<(u16, u16)>,
    /// SFTP over IPv4.
    ssh: Option<u16>,
}

impl Server {
    /// Starts the server over a new folder.
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// Starts carrack with more arguments.
    ///
    /// # Panics
    /// If it does not start within 20 s; the message holds what it printed.
    pub fn with(arguments: &[&str]) -> Self {
        let scratch = TempDir::new().expect("a temporary folder");
        let root = scratch.path().join("root");
        Self::over(root, scratch, arguments)
    }

    /// Starts carrack over an existing folder that is not part of the test's own.
    pub fn at(root: &Path, arguments: &[&str]) -> Self {
        Self::over(root.to_path_buf(), TempDir::new().expect("a temporary folder"), arguments)
    }

    /// Starts carrack with a configuration: one listener in clear and one with implicit TLS, one mount, one user, and
    /// what more is said.
    pub fn configured(more: &str) -> Self {
        Self::configured_in(&[], more)
    }

    /// As [`Server::configured`], with these files named in the environment.
    pub fn configured_in(environment: &[(&str, &Path)], more: &str) -> Self {
        let listener = |name: &str, keys: &str| {
            format!(
                "[[listener]]\nname = \"{name}\"\nprotocol = \"ftp\"\naddress = \"127.0.0.1:0\"\npassive_ports = \"0\"\n{keys}\n"
            )
        };
        let text = [
            listener("clear", ""),
            listener("implicit", "tls = \"implicit\""),
            format!("[[user]]\nname = \"{USER}\"\npassword = \"{HASH}\"\n"),
            more.to_owned(),
        ];
        let set = environment.iter().map(|(name, file)| format!("{name}={}", file.display()));
        let before = if environment.is_empty() { Vec::new() } else { std::iter::once("env".to_owned()).chain(set).collect() };
        Self::said(&text.concat(), before)
    }

    /// Starts carrack on 127.0.0.`host`, a machine that is not the clients', with these keys for its user.
    pub fn elsewhere(host: u8, user: &str) -> Self {
        let text = format!(
            "[[listener]]\nname = \"alone\"\nprotocol = \"ftp\"\naddress = \"127.0.0.{host}:0\"\npassive_ports = \"0\"\n\
             [[user]]\nname = \"{USER}\"\npassword = \"{HASH}\"\n{user}\n"
        );
        Self::said(&text, Vec::new())
    }

    /// Starts carrack with TFTP alone, over IPv4 and IPv6: these keys for both listeners, and everybody may do all.
    pub fn over_tftp(keys: &str) -> Self {
        let listeners = [tftp("tftp4", "127.0.0.1:0", keys), tftp("tftp6", "[::1]:0", keys)];
        Self::said(&[&listeners.concat(), EVERYBODY].concat(), Vec::new())
    }

    /// Starts carrack with SFTP alone, with these keys for its listener: the user logs in with the password, or a key of this
    /// file. A comment `#AUTHORITY` and a public key among the keys make that an authority.
    pub fn over_ssh(keys: &str, authorized: &Path) -> Self {
        let authority = keys.split_once("#AUTHORITY ").map(|(_, key)| format!("user_authorities = ['{}']\n", key.trim()));
        let state = TempDir::new().expect("a temporary folder").keep();
        let text = format!(
            "[[listener]]\nname = \"ssh\"\nprotocol = \"sftp\"\naddress = \"127.0.0.1:0\"\n{keys}\n\
             [ssh]\nstate = \"{}\"\n{}[[user]]\nname = \"{USER}\"\npassword = \"{HASH}\"\nauthorized_keys = \"{}\"\n",
            state.display(),
            authority.unwrap_or_default(),
            authorized.display()
        );
        let server = Self::said(&text, Vec::new());
        let _ = fs::remove_dir_all(state); // the keys were read
        server
    }

    /// The port of SFTP.
    ///
    /// # Panics
    /// Where it was not started by [`Server::over_ssh`].
    pub fn ssh_port(&self) -> u16 {
        self.ports.ssh.expect("a listener for SFTP")
    }

    /// Starts it with TFTP alone on a machine of a network, at its port 69, with these keys; everybody may do all.
    pub fn on(network: &Network, host: &str, keys: &str) -> Self {
        Self::said(&[&tftp("tftp4", "[::]:69", keys), EVERYBODY].concat(), network.on(host))
    }

    /// Starts it with a configuration that lacks nothing but the mount.
    fn said(text: &str, before: Vec<String>) -> Self {
        let scratch = TempDir::new().expect("a temporary folder");
        let root = scratch.path().join("root");
        fs::create_dir_all(&root).expect("create the root");
        let mount = format!("[[mount]]\nname = \"data\"\nkind = \"local\"\npath = \"{}\"\ndurability = \"os\"\n", root.display());
        let file = scratch.path().join("carrack.toml");
        fs::write(&file, format!("{text}\n{mount}")).expect("write the configuration");
        let arguments = vec!["--config".to_owned(), file.to_str().expect("a UTF-8 path").to_owned()];
        let (child, ports) = launch(&root, scratch.path(), &before, &arguments);
        Self { child, scratch, root, before, arguments, ports }
    }

    /// The port of the listener with implicit TLS.
    ///
    /// # Panics
    /// Where it was started without one.
    pub fn implicit_port(&self) -> u16 {
        self.ports.implicit.expect("a listener with implicit TLS")
    }

    /// The port of TFTP over IPv4 or IPv6, as text.
    ///
    /// # Panics
    /// Where it was not started by [`Server::over_tftp`].
    pub fn tftp_port(&self, v6: bool) -> String {
        let (four, six) = self.ports.tftp.expect("listeners for TFTP");
        if v6 { six } else { four }.to_string()
    }

    fn over(root: PathBuf, scratch: TempDir, arguments: &[&str]) -> Self {
        fs::create_dir_all(&root).expect("create the root");
        fs::write(scratch.path().join("password"), format!("{PASSWORD}\n")).expect("write the password");
        fs::set_permissions(scratch.path().join("password"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("chmod");
        let arguments: Vec<String> = arguments.iter().map(|&a| a.to_owned()).collect();
        let (child, ports) = launch(&root, scratch.path(), &[], &arguments);
        Self { child, scratch, root, before: Vec::new(), arguments, ports }
    }

    /// Kills the server as a crash would, at once.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts it again over the same folder after [`Server::kill`]; its ports are new.
    pub fn restart(&mut self) {
        self.kill();
        (self.child, self.ports) = launch(&self.root, self.scratch.path(), &self.before, &self.arguments);
    }

    /// The folder it serves.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it printed so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.scratch.path().join("log")).unwrap_or_default()
    }

    /// Host, as it stands in a URL, and port for this way.
    pub const fn door(&self, way: Way) -> (&'static str, u16) {
        if way.is_v6() { ("[::1]", self.ports.clear.1) } else { ("127.0.0.1", self.ports.clear.0) }
    }

    /// Host without brackets, and port as text.
    pub fn host_and_port(&self, way: Way) -> (&'static str, String) {
        let (host, port) = self.door(way);
        (host.trim_matches(['[', ']']), port.to_string())
    }

    /// `ftp://host:port/`, without the user.
    pub fn url(&self, way: Way) -> String {
        let (host, port) = self.door(way);
        format!("ftp://{host}:{port}/")
    }

    /// The port of the IPv4 listener.
    pub const fn port(&self) -> u16 {
        self.ports.clear.0
    }

    /// Whether this is carrack and no stand-in.
    pub fn is_carrack() -> bool {
        std::env::var("CARRACK_INTEROP_SUBJECT").map_or(true, |subject| subject.is_empty() || subject == "carrack")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let log = self.log();
            eprintln!("--- the server said:\n{}", log.get(log.len().saturating_sub(6000)..).unwrap_or(&log));
        }
    }
}

fn launch(root: &Path, scratch: &Path, before: &[String], arguments: &[String]) -> (Child, Ports) {
    let log = scratch.join("log");
    let file = File::create(&log).expect("create the log");
    let configured = arguments.iter().any(|a| a == "--config");
    let mut command = match (Server::is_carrack(), configured) {
        (_, true) => {
            let mut words = before.iter().map(PathBuf::from).chain([program()]);
            let mut command = Command::new(words.next().expect("a program"));
            command.args(words).arg("serve");
            command
        }
        (true, false) => carrack(root, scratch),
        (false, false) => pyftpdlib(root),
    };
    command.args(arguments).stdin(Stdio::null()).stderr(file.try_clone().expect("a second handle")).stdout(file);
    let mut child = command.spawn().unwrap_or_else(|why| panic!("{command:?}: {why}"));
    let start = Instant::now();
    loop {
        let said = fs::read_to_string(&log).unwrap_or_default();
        if let Some(ports) = if configured { listening(&said) } else { welcomed(&said) } {
            return (child, ports);
        }
        let ended = child.try_wait().expect("wait");
        assert!(ended.is_none(), "the server ended at once ({ended:?}): {said}");
        if start.elapsed() > Duration::from_secs(20) {
            let _ = child.kill();
            let _ = child.wait();
            panic!("the server announced no port within 20 s: {said}");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The ports of a welcome.
fn welcomed(said: &str) -> Option<Ports> {
    let clear = (port_after(said, "@127.0.0.1:")?, port_after(said, "@[::1]:")?);
    Some(Ports { clear, implicit: None, tftp: None, ssh: None })
}

/// The ports in the log of a server with a configuration.
fn listening(said: &str) -> Option<Ports> {
    let port = |name: &str| port_after(said, &format!("{name} listens on 127.0.0.1:"));
    if port_after(said, "tftp4 listens on [::]:").is_some() {
        return Some(Ports { clear: (0, 0), implicit: None, tftp: None, ssh: None });
    }
    if let Some(four) = port("tftp4") {
        let six = port_after(said, "tftp6 listens on [::1]:")?;
        return Some(Ports { clear: (0, 0), implicit: None, tftp: Some((four, six)), ssh: None });
    }
    if let Some(ssh) = port("ssh") {
        return Some(Ports { clear: (0, 0), implicit: None, tftp: None, ssh: Some(ssh) });
    }
    if let Some((_, alone)) = said.split_once("alone listens on 127.0.0.") {
        let clear = port_after(alone, ":")?;
        return Some(Ports { clear: (clear, clear), implicit: None, tftp: None, ssh: None });
    }
    let clear = port("clear")?;
    Some(Ports { clear: (clear, clear), implicit: Some(port("implicit")?), tftp: None, ssh: None })
}

/// A listener that speaks TFTP.
fn tftp(name: &str, address: &str, keys: &str) -> String {
    format!("[[listener]]\nname = \"{name}\"\nprotocol = \"tftp\"\naddress = \"{address}\"\n{keys}\n")
}

/// Who has no name may do all.
const EVERYBODY: &str = "[anonymous]\npermissions = { \"/\" = \"all\" }\n";

/// argon2id of [`PASSWORD`], as cheap as it can be: tests log in often.
const HASH: &str = "$argon2id$v=19$m=8,t=1,p=1$4mw39rkCA3qxmmK7RBsLEQ$7xWd2qdzo9B8ni2v9A3IIpteAOlkDxP+s2rsAgD6CgI";

/// The number behind the first place where `before` stands.
fn port_after(text: &str, before: &str) -> Option<u16> {
    let (_, rest) = text.split_once(before)?;
    let (digits, _) = rest.split_once(|c: char| !c.is_ascii_digit())?;
    digits.parse().ok()
}

fn carrack(root: &Path, scratch: &Path) -> Command {
    let mut command = Command::new(program());
    command.arg("serve").arg(root).args([
        "--ftp",
        "127.0.0.1:0",
        "--ftp",
        "[::1]:0",
        "--no-tftp",
        "--no-sftp",
        "--user",
        USER,
        "--password-file",
    ]);
    command.arg(scratch.join("password"));
    command
}

/// The program under test: `CARRACK_BIN`, or what cargo builds now, so that it is never an old one.
pub fn program() -> PathBuf {
    if let Some(named) = std::env::var_os("CARRACK_BIN") {
        return named.into();
    }
    static BUILT: std::sync::OnceLock<PathBuf> = std::sync::OnceLock::new();
    BUILT
        .get_or_init(|| {
            let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a parent");
            let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
            let built = Command::new(cargo).args(["build", "--quiet", "--package", "carrack"]).current_dir(workspace).status();
            assert!(built.expect("cargo runs").success(), "carrack did not build");
            target(workspace).join("debug/carrack")
        })
        .clone()
}

fn target(workspace: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace.join("target"), PathBuf::from)
}

/// Where `cargo xtask test` puts what the tests need besides installed programs.
pub(crate) fn downloads() -> PathBuf {
    target(Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a parent"))
}

fn pyftpdlib(root: &Path) -> Command {
    let mut command = Command::new(downloads().join("peers/pyftpdlib/bin/python3"));
    command.args(["-c", STAND_IN]).arg(root).args([USER, PASSWORD]);
    command
}

/// The stand-in: one loop, a listener per family.
const STAND_IN: &str = r#"
import logging, sys
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.servers import FTPServer
logging.basicConfig(level=logging.INFO)
users = DummyAuthorizer()
users.add_user(sys.argv[2], sys.argv[3], sys.argv[1], perm="elradfmwMT")
FTPHandler.authorizer = users
servers = [FTPServer((host, 0), FTPHandler) for host in ("127.0.0.1", "::1")]
for server, host in zip(servers, ("127.0.0.1", "[::1]")):
    print(f"ftp://{sys.argv[2]}@{host}:{server.address[1]}/", flush=True)
servers[0].serve_forever()
"#;
