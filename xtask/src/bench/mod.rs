//! How does carrack compare with other servers? All in one run, interleaved, the same client for all, medians over rounds.

mod client;
mod commands;
mod delay;
pub(crate) mod modes;
mod processes;
pub(crate) mod programs;
pub(crate) mod raw;
mod rows;
mod secure;
mod servers;
mod ssh;
mod table;
mod tftp;

use crate::{Result, target, workspace};
use interop::peers;
use rows::{Ground, Row};
use servers::{Kind, Server};
use std::fs;
use std::io::{self, Read};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use table::{Column, Line, Results};

/// Options of `cargo xtask bench`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only this part.
    #[arg(long, value_enum)]
    part: Option<Part>,
    /// Only these rows, TFTP's apart.
    #[arg(long, value_delimiter = ',', value_enum)]
    rows: Vec<Row>,
    /// Only the rows of TFTP whose title holds one of these.
    #[arg(long, value_delimiter = ';')]
    tftp_rows: Vec<String>,
    /// Only these servers of TFTP.
    #[arg(long, value_delimiter = ',', value_enum)]
    tftp_servers: Vec<tftp::Kind>,
    /// Only these servers, TFTP's apart.
    #[arg(long, value_delimiter = ',', value_enum)]
    servers: Vec<Kind>,
    /// How often every row is measured with every server; medians are shown.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Small sizes and one round: to see that it works, not for figures.
    #[arg(long)]
    quick: bool,
    /// Write the table to docs/performance.md too.
    #[arg(long)]
    write: bool,
    /// No new row is begun after so many minutes.
    #[arg(long, default_value_t = 60)]
    minutes: u64,
}

impl Options {
    fn kinds(&self) -> impl Iterator<Item = Kind> {
        Kind::ALL.into_iter().filter(|kind| self.servers.is_empty() || self.servers.contains(kind))
    }

    const fn rounds(&self) -> usize {
        if self.quick { 1 } else { self.rounds }
    }
}

/// What is measured in one go.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
enum Part {
    /// FTP, FTPS and SFTP.
    Streams,
    /// TFTP.
    Tftp,
}

/// How much of everything.
struct Sizes {
    /// Bytes of the large file.
    big: u64,
    /// How often one connection moves it.
    turns: usize,
    /// Files of 4 KiB.
    small: usize,
    /// The same over TLS.
    small_tls: usize,
    /// Entries of the large folder.
    many: usize,
    logins: usize,
    logins_tls: usize,
    idle: (usize, usize),
    logins_ssh: usize,
    idle_ssh: usize,
}

const FULL: Sizes = Sizes {
    big: 1 << 30,
    turns: 3,
    small: 5_000,
    small_tls: 1_000,
    many: 100_000,
    logins: 4_000,
    logins_tls: 1_000,
    idle: (1_000, 5_000),
    logins_ssh: 200,
    idle_ssh: 100,
};
const QUICK: Sizes = Sizes {
    big: 128 << 20,
    turns: 1,
    small: 300,
    small_tls: 100,
    many: 5_000,
    logins: 200,
    logins_tls: 100,
    idle: (100, 200),
    logins_ssh: 20,
    idle_ssh: 10,
};

/// Says that this process already runs in namespaces of its own.
const ISOLATED: &str = "CARRACK_BENCH_ISOLATED";

pub(crate) fn run(options: &Options) -> Result<bool> {
    if cfg!(debug_assertions) {
        return optimised();
    }
    let (streams, tftp) = (options.part != Some(Part::Tftp), options.part != Some(Part::Streams));
    let root = rustix::process::geteuid().is_root();
    if root && std::env::var_os(ISOLATED).is_none() {
        // What is missing comes over the network, which the namespace has none of; what cannot be had is told there.
        if streams {
            options.kinds().for_each(|kind| drop(servers::obtain(kind)));
        }
        if tftp {
            tftp::obtain(options);
        }
        return isolated();
    }
    let limits = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let raised = rustix::process::Rlimit { current: limits.maximum, maximum: limits.maximum };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, raised)?;
    processes::adopt();
    let start = Instant::now();
    let streams = if streams { Some(page(options, root, start)?) } else { None };
    let tftp = if tftp { Some(tftp::section(options, start)?) } else { None };
    for (text, _) in [&streams, &tftp].into_iter().flatten() {
        println!("{text}");
    }
    if options.write {
        let page = workspace().join("docs/performance.md");
        let old = fs::read_to_string(&page).unwrap_or_default();
        // A part that was not measured stays as it was.
        let (old_streams, old_tftp) = old.split_once(TFTP).map_or((&*old, None), |(streams, tftp)| (streams, Some(tftp)));
        let mut text = streams.as_ref().map_or(old_streams, |(text, _)| text).to_owned();
        if let Some(section) = tftp.as_ref().map(|(text, _)| &**text).or(old_tftp) {
            text = format!("{text}{TFTP}{section}");
        }
        fs::create_dir_all(workspace().join("docs"))?;
        fs::write(page, text)?;
        eprintln!("written to docs/performance.md");
    }
    Ok([streams, tftp].into_iter().flatten().all(|(_, well)| well))
}

/// Where TFTP's section begins.
const TFTP: &str = "\n## TFTP\n\n";

/// The page without TFTP, and whether all could be measured.
fn page(options: &Options, root: bool, start: Instant) -> Result<(String, bool)> {
    let mut ready = Vec::new();
    let mut results = Results::default();
    for kind in options.kinds() {
        match servers::obtain(kind) {
            Ok(server) => ready.push(server),
            Err(why) => results.failures.push(format!("{} is not measured: {why}", kind.name())),
        }
    }
    if !root {
        ready.retain(|server| {
            let able = !matches!(server.kind, Kind::Vsftpd | Kind::Proftpd | Kind::Pureftpd | Kind::Openssh);
            if !able {
                results.failures.push(format!("{} is not measured: it starts as root only", server.kind.name()));
            }
            able
        });
    }
    rounds(options, &ready, start, &mut results)?;
    Ok((report(options, &ready, &results), results.failures.is_empty()))
}

/// Starts this program again, built as servers are: the client's TLS would otherwise be what is measured.
fn optimised() -> Result<bool> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo).args(["build", "--release", "--package", "xtask"]).current_dir(workspace()).status()?;
    if !built.success() {
        return Err("the benchmark's client did not build".into());
    }
    Ok(Command::new(target().join("release/xtask")).args(std::env::args_os().skip(1)).status()?.success())
}

/// Starts this program again in its own process, mount and network namespaces: everything ends with it, nothing on the
/// machine disturbs the loopback, and Pure-FTPd and OpenSSH find the users `ftp` and `sshd` they insist on without a change
/// to the machine. tftpd-hpa insists on an address that is not the loopback's.
fn isolated() -> Result<bool> {
    let users = tempfile::NamedTempFile::new()?;
    let known = fs::read_to_string("/etc/passwd")?;
    let mut text: String = known.lines().filter(|line| !line.starts_with("ftp:")).map(|line| format!("{line}\n")).collect();
    let home = Path::new(HOME);
    text.push_str(&format!("ftp:x:65534:65534::{}:/bin/false\n", home.display()));
    if !known.lines().any(|line| line.starts_with("sshd:")) {
        text.push_str("sshd:x:65533:65534::/run/sshd:/bin/false\n");
    }
    fs::write(users.path(), text)?;
    fs::set_permissions(users.path(), std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
    fs::create_dir_all(home)?;
    let prepare = format!(
        "ip link set lo up && ip address add 192.0.2.1/32 dev lo && mount --bind {users} /etc/passwd && echo 64 >/proc/sys/net/ipv4/tcp_max_tw_buckets && \
         echo 4096 >/proc/sys/net/core/somaxconn && echo '10240 65000' >/proc/sys/net/ipv4/ip_local_port_range && exec \"$@\"",
        users = users.path().display()
    );
    let status = Command::new("unshare")
        .args(["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", &prepare, "sh"])
        .args(std::env::args_os())
        .env(ISOLATED, "1")
        .status()
        .map_err(|why| format!("unshare (package util-linux): {why}"))?;
    Ok(status.success())
}

/// Where Pure-FTPd's anonymous user lives; the ground is mounted there. Mounts are this namespace's own.
const HOME: &str = "/tmp/carrack-bench-home";

fn rounds(options: &Options, ready: &[Server], start: Instant, results: &mut Results<Row, Kind>) -> Result<()> {
    let sizes = if options.quick { &QUICK } else { &FULL };
    let rounds = options.rounds();
    let memory = tempfile::Builder::new().prefix("carrack-bench-").tempdir_in("/dev/shm")?;
    let disk = tempfile::Builder::new().prefix("carrack-bench-").tempdir_in(target())?;
    let ground = Ground::lay(memory.path(), disk.path(), sizes)?;
    let identity = secure::Identity::make(memory.path())?;
    let keys = ssh::Keys::make(memory.path())?;
    for round in 0..rounds {
        for row in Row::ALL.into_iter().filter(|row| options.rows.is_empty() || options.rows.contains(row)) {
            // Another one begins in every round, so that none always runs on a warm or a tired machine.
            for at in 0..ready.len() {
                let Some(server) = ready.get((at + round) % ready.len()).filter(|server| row.fits(server.kind)) else { continue };
                if start.elapsed() > Duration::from_secs(options.minutes * 60) {
                    results.failures.push(format!(
                        "after {} minutes: round {} and later rows left out",
                        options.minutes,
                        round + 1
                    ));
                    return Ok(());
                }
                eprintln!("round {} of {rounds}: {}, {}", round + 1, row.title(), server.kind.name());
                let protected = (row.is_secure().then_some(&identity), row.is_ssh().then_some(&keys));
                match one(row, server, &ground, memory.path(), protected, sizes) {
                    Ok(Some(figures)) => results.add(row, server.kind, figures),
                    Ok(None) => {}
                    Err(why) => results.failures.push(format!("{}, {}: {why}", row.title(), server.kind.name())),
                }
            }
        }
    }
    Ok(())
}

fn one(
    row: Row,
    server: &Server,
    ground: &Ground,
    scratch: &Path,
    (identity, keys): (Option<&secure::Identity>, Option<&ssh::Keys>),
    sizes: &Sizes,
) -> Result<Option<Vec<(rows::Figure, f64)>>> {
    let folder = ground.root(row);
    let _mounted = if server.kind == Kind::Pureftpd { Some(Mounted::bind(folder, Path::new(HOME))?) } else { None };
    let result = {
        let running = server.start(folder, scratch, identity, keys)?;
        ground.warm(row, sizes)?;
        rows::measure(row, server.kind, &running, ground, sizes)
    };
    // Whatever a failed row left behind must not meet the next server.
    for entry in fs::read_dir(folder.join("up"))?.flatten() {
        let _ = fs::remove_file(entry.path());
    }
    result
}

/// A folder shown at a second place until this is dropped.
struct Mounted<'a>(&'a Path);

impl<'a> Mounted<'a> {
    fn bind(from: &Path, to: &'a Path) -> Result<Self> {
        peers::output(Command::new("mount").arg("--bind").args([from, to]))?;
        Ok(Self(to))
    }
}

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        let _ = peers::output(Command::new("umount").arg("--lazy").arg(self.0));
    }
}

fn report(options: &Options, ready: &[Server], results: &Results<Row, Kind>) -> String {
    let table = |ssh: bool| {
        let fits = |kind: Kind| Row::ALL.into_iter().any(|row| row.is_ssh() == ssh && row.fits(kind));
        let kinds: Vec<Kind> = ready.iter().map(|server| server.kind).filter(|kind| fits(*kind)).collect();
        results.markdown(&kinds, |row| row.is_ssh() == ssh)
    };
    let sizes = if options.quick { &QUICK } else { &FULL };
    let versions: Vec<String> = ready.iter().map(|server| format!("{} ({})", server.kind.name(), server.version)).collect();
    let mut text = format!(
        "# Performance\n\n\
         This page is written by `cargo xtask bench --write`; the last run was `{command}`.\n\n\
         Machine: {machine}. All on one machine over loopback: client \
         and servers share the cores, so what counts is the ratio within this run.\n\n\
         Servers: {versions}.\n\n\
         ## Result\n\n\
         {table}\n\
         ## Result over SSH\n\n\
         {over_ssh}\n\
         Medians of {rounds} interleaved rounds. **Bold** is the best peer; a ratio above 1 means that carrack is ahead of it. \
         \"carrack\" runs with `durability = \"os\"` as every peer does; \"carrack, commit\" is its default, which syncs file and \
         folder before it says 226.\n\n\
         ## How it is measured\n\n\
         - One client for all servers, on bare sockets: received data are dropped in the kernel (`MSG_TRUNC`), sent data go by \
         `sendfile`, so that the client costs next to nothing, except over TLS.\n\
         - Every row starts a fresh server, in every round another one first; before a row that writes, as much memory is touched as it fills, for none is to pay for what the machine's host took back. CPU time is that of all processes of the server, living or dead, from `/proc/PID/stat`; memory is the sum of their proportional set sizes above that of the server without sessions, \
         kernel memory not counted.\n\
         - RETR and STOR move a file of {big} MiB on tmpfs, one connection {turns} times in turn or four connections at once. Small \
         files: {small} of 4 KiB on one control connection, EPSV for each. Logins: {logins}, two clients at once. The large folder \
         holds {many} files.\n\
         - TLS rows: TLS 1.3 with TLS_AES_256_GCM_SHA384, secp256r1 (vsftpd and Pure-FTPd know no other group) and an ECDSA \
         P-256 certificate for all, control and data connections protected; the client is rustls with aws-lc-rs, which really \
         decrypts and encrypts and uses a session ticket once. {small_tls} small files, of whose data connections \"% resumed\" \
         resumed a session; {logins_tls} logins, each with a full handshake. No server requires that sessions are resumed.\n\
         - Over SSH: OpenSSH's `sftp` (and its `ssh`) is the client of all, with the same cipher (aes128-gcm where the row \
         names none), and every login is by an Ed25519 key, so that no password's hash is measured. The clock runs from the \
         command to its end, without the login. get goes to /dev/null, put and all served files are on tmpfs; {small} small \
         files, {logins_ssh} logins by two clients at once, {idle_ssh} idle sessions. CPU time is the server's alone, but the client \
         costs as much and more, and shares the cores.\n\
         - The peers come from Debian's packages and PyPI, with anonymous login, without logs, name lookups, per-session \
         namespaces or login delays; carrack asks for a password.\n\
         - The bare loop is `sendfile` of 1 MiB slices out, `recv` and `write` of 1 MiB in, a thread per connection.\n\
         - As root the run has network and process namespaces of its own, with few sockets kept in TIME_WAIT: servers that bind a \
         listener per transfer would otherwise pay for the run before.\n",
        command = std::iter::once("cargo xtask".to_owned()).chain(std::env::args().skip(1)).collect::<Vec<_>>().join(" "),
        machine = machine(),
        versions = versions.join(", "),
        table = table(false),
        over_ssh = table(true),
        rounds = options.rounds(),
        big = sizes.big >> 20,
        turns = sizes.turns,
        small = sizes.small,
        logins = sizes.logins,
        small_tls = sizes.small_tls,
        logins_tls = sizes.logins_tls,
        many = sizes.many,
        logins_ssh = sizes.logins_ssh,
        idle_ssh = sizes.idle_ssh,
    );
    if !results.failures.is_empty() {
        text.push_str("\n## Not measured\n\n");
        for failure in &results.failures {
            text.push_str(&format!("- {}\n", failure.replace('\n', " ")));
        }
    }
    text
}

/// Touches so much memory of a folder on tmpfs. What nobody used for some seconds a virtual machine's host has taken back,
/// and who touches it first pays several times over.
fn touch(folder: &Path, bytes: u64) -> Result<()> {
    let mut file = tempfile::tempfile_in(folder)?;
    io::copy(&mut io::repeat(0).take(bytes), &mut io::BufWriter::with_capacity(1 << 20, &mut file))?;
    Ok(())
}

/// What is measured on.
fn machine() -> String {
    let first_line = |path: &str, name: &str| {
        let text = fs::read_to_string(path).unwrap_or_default();
        let found = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        found.split_once([':', '=']).map_or(found, |(_, value)| value).trim().trim_matches('"').to_owned()
    };
    format!(
        "{} cores of {}, {} of memory, Linux {}, {}",
        std::thread::available_parallelism().map_or(0, usize::from),
        first_line("/proc/cpuinfo", "model name"),
        first_line("/proc/meminfo", "MemTotal"),
        fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim(),
        first_line("/etc/os-release", "PRETTY_NAME"),
    )
}
