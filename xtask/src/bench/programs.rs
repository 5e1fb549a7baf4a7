//! How does carrack's client compare with curl, lftp, rclone and OpenSSH's sftp? All fetch from and send to the same server
//! (carrack over FTP, OpenSSH over SSH), on loopback and over a path of 50 ms, interleaved, medians over rounds.

use super::commands::Place;
use super::servers::{self, Kind};
use super::ssh::Keys;
use super::table::{median, show};
use super::{delay, processes, touch};
use crate::{Result, target, workspace};
use interop::peers;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Options of `cargo xtask bench-client`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// How often every row is measured with every program; medians are shown.
    #[arg(long, default_value_t = 2)]
    rounds: usize,
    /// Small sizes and one round: to see that it works, not for figures.
    #[arg(long)]
    quick: bool,
    /// Only rows whose title holds this.
    #[arg(long)]
    rows: Option<String>,
    /// No rows over SSH.
    #[arg(long)]
    no_ssh: bool,
    /// Write the table to docs/performance-client.md too.
    #[arg(long)]
    write: bool,
    /// No new row is begun after so many minutes.
    #[arg(long, default_value_t = 15)]
    minutes: u64,
    /// Measure the program that is built already.
    #[arg(long)]
    built: bool,
    /// Add to the figures of earlier runs that were kept so, and show all of them: the rows may be measured in pieces. With
    /// `--rounds 0` nothing more is measured.
    #[arg(long)]
    add: bool,
}

/// What is measured.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Program {
    Carrack,
    Curl,
    Lftp,
    Rclone,
    Sftp,
}

impl Program {
    const ALL: [Self; 5] = [Self::Carrack, Self::Curl, Self::Lftp, Self::Rclone, Self::Sftp];

    const fn name(self) -> &'static str {
        match self {
            Self::Carrack => "carrack",
            Self::Curl => "curl",
            Self::Lftp => "lftp",
            Self::Rclone => "rclone",
            Self::Sftp => "OpenSSH sftp",
        }
    }

    /// As it tells it; sftp tells none, and is of the server's version.
    fn version(self) -> Option<String> {
        let (program, argument) = match self {
            Self::Carrack => (carrack(), "--version"),
            Self::Curl => ("curl".into(), "--version"),
            Self::Lftp => ("lftp".into(), "--version"),
            Self::Rclone => ("rclone".into(), "version"),
            Self::Sftp => return None,
        };
        let output = Command::new(program).arg(argument).output().ok()?.stdout;
        let first = String::from_utf8_lossy(&output).lines().next()?.replace(" | Version", "");
        Some(first.split(['(', '|']).next()?.trim().to_owned())
    }
}

/// What a program is to do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Work {
    Get,
    Put,
    GetTree,
    PutTree,
    List,
    UpToDate,
}

/// What is spoken.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Over {
    Ftp,
    Tls,
    Ssh,
}

/// One row: the work, over which protocol, near or over the path.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Row {
    over: Over,
    far: bool,
    work: Work,
}

impl Row {
    /// Whether files per second are counted, and not the seconds until all is done: a program that begins a connection
    /// for each of thousands of files would take the time of all the others.
    const fn is_tree(self) -> bool {
        matches!(self.work, Work::GetTree | Work::PutTree)
    }
}

/// How much of everything, and where it is.
struct Ground {
    folder: PathBuf,
    big: u64,
    big_far: u64,
    small: usize,
    small_far: usize,
    many: usize,
    many_far: usize,
}

pub(super) const PASSWORD: &str = "s3cret";
const PASSIVE: usize = 32;

/// How long a program may take for a row. A tree is measured until then, and anything else has failed.
const BUDGET: Duration = Duration::from_secs(20);
/// The same for a tree.
const BUDGET_TREE: Duration = Duration::from_secs(5);

pub(crate) fn run(options: &Options) -> Result<bool> {
    if !options.built {
        if cfg!(debug_assertions) {
            return super::optimised();
        }
        build()?;
    }
    processes::adopt();
    let start = Instant::now();
    let folder = tempfile::Builder::new().prefix("carrack-bench-").tempdir_in("/dev/shm")?;
    let ground = Ground::of(folder.path(), options.quick);
    let rounds = if options.quick { 1 } else { options.rounds };
    let is_meant = |row: &Row| rounds > 0 && !(options.no_ssh && row.over == Over::Ssh);
    let is_wanted = |row: &Row| is_meant(row) && options.rows.as_ref().is_none_or(|part| ground.title(*row).contains(&**part));
    ground.lay(&rows().into_iter().filter(is_wanted).collect::<Vec<_>>())?;
    let (mut failures, keys) = (Vec::new(), Keys::make(folder.path())?);
    let sshd = servers::obtain(Kind::Openssh);
    let sshd =
        sshd.and_then(|sshd| Ok((sshd.start(&ground.folder.join("served"), folder.path(), None, Some(&keys))?, sshd.version)));
    let there = There {
        server: Server::start(&ground.folder.join("served"))?,
        sshd: sshd.as_ref().ok().map(|(sshd, _)| sshd.address.port()),
        user: crate::bench::ssh::own_name()?,
        root: format!("{}/", ground.folder.join("served").display()),
        config: keys
            .client_config(&sshd.as_ref().map_or_else(|_| Vec::new(), |(sshd, _)| vec![sshd.address.port()]), folder.path())?,
        key: keys.user(),
    };
    let ports = there.server.ports().chain(there.sshd);
    delay::relay(ports, delay::Path { each_way: Duration::from_millis(25), rate: None })?;
    if let Err(why) = &sshd {
        failures.push(format!("rows over SSH: {why}"));
    }
    let rows: Vec<Row> = rows().into_iter().filter(|row| there.sshd.is_some() || row.over != Over::Ssh).collect();
    let mut figures = if options.add { kept(&ground)? } else { Figures::new() };
    'all: for round in 0..rounds {
        for row in rows.iter().filter(|row| is_wanted(row)) {
            for at in 0..Program::ALL.len() {
                let program = Program::ALL[(at + round) % Program::ALL.len()];
                if start.elapsed() > Duration::from_secs(options.minutes * 60) {
                    let row = ground.title(*row);
                    failures.push(format!(
                        "after {} minutes: round {} from \"{row}\" on was left out",
                        options.minutes,
                        round + 1
                    ));
                    break 'all;
                }
                eprintln!("round {} of {rounds}: {}, {}", round + 1, ground.title(*row), program.name());
                match ground.measure(*row, program, &there) {
                    Ok(Some(figure)) => {
                        eprintln!("    {} and {}", show(figure.0), show(figure.1));
                        figures.entry((*row, program)).or_default().push(figure);
                        if options.add {
                            keep(&ground, *row, program, figure)?;
                        }
                    }
                    Ok(None) => {}
                    Err(why) => failures.push(format!("{}, {}: {why}", ground.title(*row), program.name())),
                }
            }
        }
    }
    let version = sshd.as_ref().map_or("", |(_, version)| version);
    let text = report(&ground, &figures, &failures, version);
    println!("{text}");
    if options.write {
        fs::write(workspace().join("docs/performance-client.md"), &text)?;
    }
    Ok(failures.is_empty())
}

/// All that was measured.
type Figures = BTreeMap<(Row, Program), Vec<(f64, f64)>>;

/// Where figures stay from run to run.
fn figures_file() -> PathBuf {
    target().join("bench-client.figures")
}

/// Those of earlier runs. Rows of another size have another title.
fn kept(ground: &Ground) -> Result<Figures> {
    let text = match fs::read_to_string(figures_file()) {
        Ok(text) => text,
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(why) => return Err(why.into()),
    };
    let mut figures = Figures::new();
    for line in text.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let &[title, name, first, second] = fields.as_slice() else { return Err(format!("not a figure: {line}").into()) };
        let row = rows().into_iter().find(|row| ground.title(*row) == title);
        let program = Program::ALL.into_iter().find(|program| program.name() == name);
        if let Some(key) = row.zip(program) {
            figures.entry(key).or_default().push((first.parse()?, second.parse()?));
        }
    }
    Ok(figures)
}

fn keep(ground: &Ground, row: Row, program: Program, (first, second): (f64, f64)) -> Result<()> {
    let mut file = fs::File::options().create(true).append(true).open(figures_file())?;
    Ok(writeln!(file, "{}\t{}\t{first}\t{second}", ground.title(row), program.name())?)
}

pub(super) fn build() -> Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo).args(["build", "--release", "--package", "carrack"]).current_dir(workspace()).status()?;
    if built.success() { Ok(()) } else { Err("carrack did not build".into()) }
}

pub(super) fn carrack() -> PathBuf {
    target().join("release/carrack")
}

fn rows() -> Vec<Row> {
    let near = [Work::Get, Work::Put, Work::GetTree, Work::PutTree, Work::List, Work::UpToDate];
    let near = near.into_iter().map(|work| Row { over: Over::Ftp, far: false, work });
    let tls = [Work::Get, Work::Put].into_iter().map(|work| Row { over: Over::Tls, far: false, work });
    let far = [Work::GetTree, Work::PutTree, Work::UpToDate].into_iter().map(|work| Row { over: Over::Ftp, far: true, work });
    let ssh = [Work::Get, Work::Put, Work::GetTree, Work::PutTree, Work::List];
    let ssh = [false, true].into_iter().flat_map(|far| ssh.map(|work| Row { over: Over::Ssh, far, work }));
    near.chain(tls).chain(far).chain(ssh).collect()
}

/// The servers, and how one gets in.
struct There {
    server: Server,
    /// OpenSSH's port, where it runs.
    sshd: Option<u16>,
    /// Its user, and the folder it serves, as a path on this machine.
    user: String,
    root: String,
    config: PathBuf,
    key: PathBuf,
}

/// The carrack server; killed when dropped.
pub(super) struct Server {
    child: Child,
    port: u16,
    passive: std::ops::RangeInclusive<u16>,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// Where clients reach it.
    pub(super) const fn port(&self) -> u16 {
        self.port
    }

    /// CPU-seconds it has taken so far.
    pub(super) fn cpu(&self) -> f64 {
        processes::cpu_seconds_of(self.child.id())
    }

    /// All the ports it listens on.
    pub(super) fn ports(&self) -> impl Iterator<Item = u16> + use<> {
        [self.port].into_iter().chain(self.passive.clone())
    }

    pub(super) fn start(folder: &Path) -> Result<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let first = free_range()?;
        let passive = first..=first + (PASSIVE as u16 - 1);
        let child = Command::new(carrack())
            .args(["serve", "--user", "u", "--no-tftp", "--no-sftp", "--durability", "os", "--quiet"])
            .args(["--ftp", &format!("127.0.0.1:{port}"), "--passive-ports", &format!("{first}-{}", passive.end())])
            .arg(folder)
            .env("CARRACK_PASSWORD", PASSWORD)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()?;
        let server = Self { child, port, passive };
        let begun = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            if begun.elapsed() > Duration::from_secs(20) {
                return Err("the server does not answer".into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(server)
    }
}

/// The first of some ports in a row that are free on both addresses. Those of connections that have just ended are free only a
/// minute later.
fn free_range() -> Result<u16> {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(90) {
        let first = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let Some(last) = first.checked_add(PASSIVE as u16 - 1) else { continue };
        let free = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).and(TcpListener::bind((delay::HERE, port))).is_ok();
        if (first..=last).all(free) {
            return Ok(first);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Err("no ports are free".into())
}

impl Ground {
    fn of(folder: &Path, quick: bool) -> Self {
        let (big, big_far) = if quick { (64 << 20, 32 << 20) } else { (1 << 30, 256 << 20) };
        let (small, small_far) = if quick { (200, 40) } else { (5_000, 500) };
        let (many, many_far) = if quick { (2_000, 1_000) } else { (100_000, 10_000) };
        Self { folder: folder.to_owned(), big, big_far, small, small_far, many, many_far }
    }

    /// Lays what these rows need.
    fn lay(&self, rows: &[Row]) -> Result<()> {
        let (folder, served) = (&self.folder, self.folder.join("served"));
        fs::create_dir_all(&served)?;
        let needs = |far: bool, works: &[Work]| rows.iter().any(|row| row.far == far && works.contains(&row.work));
        for (name, count, far) in [("many", self.many, false), ("many-far", self.many_far, true)] {
            if needs(far, &[Work::List]) {
                fs::create_dir_all(served.join(name))?;
                for n in 0..count {
                    fs::write(served.join(name).join(format!("entry-{n:06}.dat")), b"")?;
                }
            }
        }
        // A whole second long ago: what every protocol can tell.
        let time = std::time::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        for (name, size, far) in [("big", self.big, false), ("big-far", self.big_far, true)] {
            if needs(far, &[Work::Get, Work::Put]) {
                fs::write(served.join(name), vec![7; usize::try_from(size)?])?;
                fs::copy(served.join(name), folder.join(name))?;
            }
        }
        for (name, count, far) in [("small", self.small, false), ("small-far", self.small_far, true)] {
            let wanted = needs(far, &[Work::GetTree, Work::PutTree, Work::UpToDate]);
            for at in [served.join(name), folder.join(name)].into_iter().filter(|_| wanted) {
                for n in 0..count {
                    let place = at.join(format!("folder-{:02}", n % 25));
                    fs::create_dir_all(&place)?;
                    let mut file = fs::File::create(place.join(format!("file-{n:05}")))?;
                    file.write_all(&[9; 4096])?;
                    file.set_modified(time)?;
                }
            }
        }
        Ok(())
    }

    fn title(&self, row: Row) -> String {
        let mebibytes = if row.far { self.big_far } else { self.big } >> 20;
        let count = self.count(row);
        let work = match row.work {
            Work::Get => format!("get {mebibytes} MiB"),
            Work::Put => format!("put {mebibytes} MiB"),
            Work::GetTree => format!("fetch a tree of {count} files of 4 KiB"),
            Work::PutTree => format!("send a tree of {count} files of 4 KiB"),
            Work::List => format!("list {} entries", if row.far { self.many_far } else { self.many }),
            Work::UpToDate => format!("mirror a tree of {count} files that is up to date"),
        };
        let over = match row.over {
            Over::Ftp => "",
            Over::Tls => ", TLS",
            Over::Ssh => ", SFTP",
        };
        format!("{work}{over}{}", if row.far { ", 50 ms" } else { "" })
    }

    /// Seconds or files per second, and CPU-seconds of the program or of it for a thousand files; `None` where it has no
    /// such thing.
    fn measure(&self, row: Row, program: Program, there: &There) -> Result<Option<(f64, f64)>> {
        let out = self.folder.join("out");
        let up = self.folder.join("served/up");
        for place in [&out, &up] {
            let _ = fs::remove_dir_all(place);
            fs::create_dir_all(place)?;
        }
        if row.work == Work::UpToDate {
            let tree = self.folder.join(if row.far { "small-far" } else { "small" }).join(".");
            peers::output(Command::new("cp").arg("-a").arg(tree).arg(&out))?;
        }
        let Some(command) = self.command(row, program, there)? else { return Ok(None) };
        let room = if row.is_tree() || row.work == Work::UpToDate { 256 << 20 } else { self.big + (256 << 20) };
        touch(&self.folder, room)?;
        let (begun, cpu) = (Instant::now(), children_cpu());
        let whole = self.finish(command, if row.is_tree() { BUDGET_TREE } else { BUDGET })?;
        let (took, cpu) = (begun.elapsed().as_secs_f64(), children_cpu() - cpu);
        if !row.is_tree() && !whole {
            return Err(format!("not done after {} s", BUDGET.as_secs()).into());
        }
        if whole {
            self.check(row, &out, &up)?;
        }
        if row.is_tree() {
            let place = if row.work == Work::GetTree { &out } else { &up };
            let files = size_of(place) as f64 / 4096.0;
            return Ok(Some((files / took, cpu * 1000.0 / files.max(1.0))));
        }
        Ok(Some((took, cpu)))
    }

    /// Whether all of it is there.
    fn check(&self, row: Row, out: &Path, up: &Path) -> Result<()> {
        let (big, name) = if row.far { (self.big_far, "big-far") } else { (self.big, "big") };
        let tree = 4096 * self.count(row) as u64;
        let (place, whole) = match row.work {
            Work::Get => (out.join(name), big),
            Work::Put => (up.join(name), big),
            Work::GetTree | Work::UpToDate => (out.to_owned(), tree),
            Work::PutTree => (up.to_owned(), tree),
            Work::List => return Ok(()),
        };
        let size = size_of(&place);
        if size == whole { Ok(()) } else { Err(format!("{size} bytes of {whole} are there").into()) }
    }

    const fn count(&self, row: Row) -> usize {
        if row.far { self.small_far } else { self.small }
    }

    fn command(&self, row: Row, program: Program, there: &There) -> Result<Option<Command>> {
        let ssh = row.over == Over::Ssh;
        let Some(port) = (if ssh { there.sshd } else { Some(there.server.port) }) else { return Ok(None) };
        let place = Place {
            ip: if row.far { delay::HERE } else { Ipv4Addr::LOCALHOST },
            port,
            over: row.over,
            user: if ssh { &there.user } else { "u" },
            root: if ssh { &there.root } else { "" },
            config: &there.config,
            key: &there.key,
            big: if row.far { "big-far" } else { "big" },
            many: if row.far { "many-far" } else { "many" },
            tree: if row.far { "small-far" } else { "small" },
            folder: &self.folder,
        };
        Ok(match program {
            Program::Carrack => Some(place.carrack(row.work)),
            Program::Curl => place.curl(row.work)?,
            Program::Lftp => Some(place.lftp(row.work)),
            Program::Rclone => Some(place.rclone(row.work)),
            Program::Sftp => place.sftp(row.work)?,
        })
    }

    /// Runs a program to its end, or kills it when its time is over; whether it came to its end.
    fn finish(&self, mut command: Command, budget: Duration) -> Result<bool> {
        let log = self.folder.join("log");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(fs::File::create(&log)?).env("HOME", &self.folder);
        let mut child = command.spawn().map_err(|why| format!("{}: {why}", command.get_program().display()))?;
        let id = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw).ok_or("a process without a number")?;
        let ends = rustix::process::pidfd_open(id, rustix::process::PidfdFlags::empty())?;
        let within = rustix::event::Timespec { tv_sec: i64::try_from(budget.as_secs())?, tv_nsec: 0 };
        let mut watched = [rustix::event::PollFd::new(&ends, rustix::event::PollFlags::IN)];
        if rustix::event::poll(&mut watched, Some(&within))? == 0 {
            child.kill()?;
            child.wait()?;
            return Ok(false);
        }
        let done = child.wait()?;
        if done.success() {
            return Ok(true);
        }
        let said = fs::read_to_string(log)?;
        Err(format!("{done}: {}", said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default()).into())
    }
}

fn size_of(place: &Path) -> u64 {
    match fs::read_dir(place) {
        Ok(entries) => entries.flatten().map(|entry| size_of(&entry.path())).sum(),
        Err(_) => fs::metadata(place).map_or(0, |meta| meta.len()),
    }
}

/// CPU time of all children that have ended and were waited for, in seconds.
pub(super) fn children_cpu() -> f64 {
    let line = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let numbers = line.rsplit_once(") ").map_or("", |(_, rest)| rest);
    let ticks: u64 = numbers.split(' ').skip(13).take(2).filter_map(|n| n.parse::<u64>().ok()).sum();
    ticks as f64 / rustix::param::clock_ticks_per_second() as f64
}

fn report(ground: &Ground, figures: &Figures, failures: &[String], sshd: &str) -> String {
    let counts = || figures.values().map(Vec::len);
    let rounds = match (counts().min(), counts().max()) {
        (Some(least), Some(most)) if least < most => format!("{least} to {most}"),
        (_, most) => most.unwrap_or_default().to_string(),
    };
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut text = format!(
        "# Performance of the client\n\nThis page is written by `cargo xtask bench-client --write`; the last run was \
         `cargo xtask {}`.\n\nMachine: {}. Programs: {}.\n\nThe same server for all, on tmpfs and loopback: over FTP carrack with `durability = \"os\"`, over \
         SFTP OpenSSH's ({sshd}) with internal-sftp, a key to log in with, and aes128-gcm where a program lets one choose (carrack \
         and rclone take it by themselves). The programs run one after the other, with their defaults; medians, rounds: {rounds}, \
         interleaved, each after as much memory was touched as it fills. For \"50 ms\" a relay holds every byte back for 25 ms each way. curl copies no trees: it is given the list \
         of their files. rclone fetches the large file over FTP in one stream, for its usual four fail of the 426 behind each. Trees are measured in files per second, over {} s at most: a program that is not done by then is \
         stopped, and what it has moved counts. Everything else may take {} s. A ratio above 1 means that carrack is ahead of the \
         best of the others.\n\n",
        arguments.join(" "),
        super::machine(),
        Program::ALL.into_iter().filter_map(Program::version).collect::<Vec<_>>().join("; "),
        BUDGET_TREE.as_secs(),
        BUDGET.as_secs(),
    );
    for (head, ssh, programs) in [
        ("FTP and FTPS", false, [Program::Carrack, Program::Curl, Program::Lftp, Program::Rclone]),
        ("SFTP", true, [Program::Carrack, Program::Sftp, Program::Lftp, Program::Rclone]),
    ] {
        let _ = write!(text, "## {head}\n\n| row | figure |");
        for program in programs {
            let _ = write!(text, " {} |", program.name());
        }
        text.push_str(" ratio to the best other |\n| --- | --- | ---: | ---: | ---: | ---: | ---: |\n");
        for row in rows().into_iter().filter(|row| (row.over == Over::Ssh) == ssh) {
            lines(&mut text, ground, figures, row, programs);
        }
        text.push('\n');
    }
    if !failures.is_empty() {
        let _ = write!(text, "## Not measured\n\n");
        for failure in failures {
            let _ = writeln!(text, "- {failure}");
        }
    }
    text
}

/// The two lines of a row.
fn lines(text: &mut String, ground: &Ground, figures: &Figures, row: Row, programs: [Program; 4]) {
    let what = if row.is_tree() { ["files/s", "CPU-ms/file"] } else { ["s", "CPU-s of the program"] };
    for (part, what) in what.into_iter().enumerate() {
        let value = |program| {
            let values: Vec<f64> = figures.get(&(row, program))?.iter().map(|f| if part == 0 { f.0 } else { f.1 }).collect();
            Some(median(&values))
        };
        let all = programs.map(value);
        if all.iter().all(Option::is_none) {
            continue;
        }
        let title = if part == 0 { ground.title(row) } else { String::new() };
        let _ = write!(text, "| {title} | {what} |");
        for value in all {
            let _ = write!(text, " {} |", value.map_or_else(|| "–".to_owned(), show));
        }
        let more_is_better = row.is_tree() && part == 0;
        let best = all.iter().skip(1).flatten().copied().reduce(if more_is_better { f64::max } else { f64::min });
        let ratio = all.first().copied().flatten().zip(best).map(|(own, best)| {
            let (over, under) = if more_is_better { (own, best) } else { (best, own) };
            format!("{:.2}", over / under.max(1e-3))
        });
        let _ = writeln!(text, " {} |", ratio.unwrap_or_else(|| "–".to_owned()));
    }
}
