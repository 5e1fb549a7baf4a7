//! How does carrack's client compare with curl, lftp and rclone? All fetch from and send to the same carrack server, on
//! loopback and over a path of 50 ms, interleaved, medians over rounds.

use super::delay;
use super::table::{median, show};
use crate::{Result, target, workspace};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Options of `cargo xtask bench-client`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// How often every row is measured with every program; medians are shown.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Small sizes and one round: to see that it works, not for figures.
    #[arg(long)]
    quick: bool,
    /// Only rows whose title holds this.
    #[arg(long)]
    rows: Option<String>,
    /// Write the table to docs/performance-client.md too.
    #[arg(long)]
    write: bool,
    /// No new row is begun after so many minutes.
    #[arg(long, default_value_t = 60)]
    minutes: u64,
}

/// What is measured.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Program {
    Carrack,
    Curl,
    Lftp,
    Rclone,
}

impl Program {
    const ALL: [Self; 4] = [Self::Carrack, Self::Curl, Self::Lftp, Self::Rclone];

    const fn name(self) -> &'static str {
        match self {
            Self::Carrack => "carrack",
            Self::Curl => "curl",
            Self::Lftp => "lftp",
            Self::Rclone => "rclone",
        }
    }
}

/// What a program is to do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Work {
    Get,
    Put,
    GetTree,
    PutTree,
    List,
    UpToDate,
}

/// One row: the work, under TLS or not, near or over the path.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Row {
    far: bool,
    tls: bool,
    work: Work,
}

/// How much of everything, and where it is.
struct Ground {
    folder: PathBuf,
    big: u64,
    small: usize,
    small_far: usize,
    many: usize,
}

const PASSWORD: &str = "s3cret";
const PASSIVE: usize = 32;

pub(crate) fn run(options: &Options) -> Result<bool> {
    if cfg!(debug_assertions) {
        return super::optimised();
    }
    build()?;
    let folder = tempfile::Builder::new().prefix("carrack-bench-").tempdir_in("/dev/shm")?;
    let ground = Ground::lay(folder.path(), options.quick)?;
    let server = Server::start(&ground.folder.join("served"))?;
    let ports = [server.port].into_iter().chain(server.passive.clone());
    delay::relay(ports, Duration::from_millis(25))?;
    let mut figures: BTreeMap<(Row, Program), Vec<(f64, f64)>> = BTreeMap::new();
    let mut failures = Vec::new();
    let (start, rounds) = (Instant::now(), if options.quick { 1 } else { options.rounds });
    let rows = rows();
    'all: for round in 0..rounds {
        for row in rows.iter().filter(|row| options.rows.as_ref().is_none_or(|part| ground.title(**row).contains(&**part))) {
            for at in 0..Program::ALL.len() {
                let program = Program::ALL[(at + round) % Program::ALL.len()];
                if start.elapsed() > Duration::from_secs(options.minutes * 60) {
                    failures.push(format!("after {} minutes: what came later was left out", options.minutes));
                    break 'all;
                }
                eprintln!("round {} of {rounds}: {}, {}", round + 1, ground.title(*row), program.name());
                match ground.measure(*row, program, &server) {
                    Ok(Some(figure)) => figures.entry((*row, program)).or_default().push(figure),
                    Ok(None) => {}
                    Err(why) => failures.push(format!("{}, {}: {why}", ground.title(*row), program.name())),
                }
            }
        }
    }
    let text = report(&ground, &figures, &failures, rounds);
    println!("{text}");
    if options.write {
        fs::write(workspace().join("docs/performance-client.md"), &text)?;
    }
    Ok(failures.is_empty())
}

fn build() -> Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo).args(["build", "--release", "--package", "carrack"]).current_dir(workspace()).status()?;
    if built.success() { Ok(()) } else { Err("carrack did not build".into()) }
}

fn carrack() -> PathBuf {
    target().join("release/carrack")
}

fn rows() -> Vec<Row> {
    let near = [Work::Get, Work::Put, Work::GetTree, Work::PutTree, Work::List, Work::UpToDate];
    let near = near.into_iter().map(|work| Row { far: false, tls: false, work });
    let tls = [Work::Get, Work::Put].into_iter().map(|work| Row { far: false, tls: true, work });
    let far = [Work::GetTree, Work::PutTree, Work::UpToDate].into_iter().map(|work| Row { far: true, tls: false, work });
    near.chain(tls).chain(far).collect()
}

/// The carrack server; killed when dropped.
struct Server {
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
    fn start(folder: &Path) -> Result<Self> {
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

/// The first of some ports in a row that are free on both addresses.
fn free_range() -> Result<u16> {
    for _ in 0..200 {
        let first = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let Some(last) = first.checked_add(PASSIVE as u16 - 1) else { continue };
        let free = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).and(TcpListener::bind((delay::HERE, port))).is_ok();
        if (first..=last).all(free) {
            return Ok(first);
        }
    }
    Err("no ports are free".into())
}

impl Ground {
    fn lay(folder: &Path, quick: bool) -> Result<Self> {
        let (big, small, small_far, many) = if quick { (64 << 20, 200, 40, 2_000) } else { (1 << 30, 5_000, 500, 100_000) };
        let it = Self { folder: folder.to_owned(), big, small, small_far, many };
        let served = folder.join("served");
        fs::create_dir_all(served.join("many"))?;
        for n in 0..many {
            fs::write(served.join(format!("many/entry-{n:06}.dat")), b"")?;
        }
        fs::write(served.join("big"), vec![7; usize::try_from(big)?])?;
        fs::copy(served.join("big"), folder.join("big"))?;
        for (name, count) in [("small", small), ("small-far", small_far)] {
            for at in [served.join(name), folder.join(name)] {
                for n in 0..count {
                    let place = at.join(format!("folder-{:02}", n % 25));
                    fs::create_dir_all(&place)?;
                    fs::write(place.join(format!("file-{n:05}")), [9; 4096])?;
                }
            }
        }
        Ok(it)
    }

    fn title(&self, row: Row) -> String {
        let mebibytes = self.big >> 20;
        let count = if row.far { self.small_far } else { self.small };
        let work = match row.work {
            Work::Get => format!("get {mebibytes} MiB"),
            Work::Put => format!("put {mebibytes} MiB"),
            Work::GetTree => format!("fetch a tree of {count} files of 4 KiB"),
            Work::PutTree => format!("send a tree of {count} files of 4 KiB"),
            Work::List => format!("list {} entries", self.many),
            Work::UpToDate => format!("mirror a tree of {count} files that is up to date"),
        };
        format!("{work}{}{}", if row.tls { ", TLS" } else { "" }, if row.far { ", 50 ms" } else { "" })
    }

    /// Seconds, and CPU-seconds of the program; `None` where it has no such thing.
    fn measure(&self, row: Row, program: Program, server: &Server) -> Result<Option<(f64, f64)>> {
        let out = self.folder.join("out");
        let up = self.folder.join("served/up");
        for place in [&out, &up] {
            let _ = fs::remove_dir_all(place);
            fs::create_dir_all(place)?;
        }
        if row.work == Work::UpToDate {
            let Some(mut first) = self.command(Row { work: Work::GetTree, ..row }, program, server)? else { return Ok(None) };
            finish(&mut first, &self.folder)?;
        }
        let Some(mut command) = self.command(row, program, server)? else { return Ok(None) };
        let (begun, cpu) = (Instant::now(), children_cpu());
        finish(&mut command, &self.folder)?;
        let figure = (begun.elapsed().as_secs_f64(), children_cpu() - cpu);
        self.check(row, &out, &up)?;
        Ok(Some(figure))
    }

    /// Whether all of it is there.
    fn check(&self, row: Row, out: &Path, up: &Path) -> Result<()> {
        let (place, whole) = match row.work {
            Work::Get => (out.join("big"), self.big),
            Work::Put => (up.join("big"), self.big),
            Work::GetTree | Work::UpToDate => (out.to_owned(), self.tree(row)),
            Work::PutTree => (up.to_owned(), self.tree(row)),
            Work::List => return Ok(()),
        };
        let size = size_of(&place);
        if size == whole { Ok(()) } else { Err(format!("{size} bytes of {whole} are there").into()) }
    }

    const fn tree(&self, row: Row) -> u64 {
        4096 * if row.far { self.small_far as u64 } else { self.small as u64 }
    }

    fn command(&self, row: Row, program: Program, server: &Server) -> Result<Option<Command>> {
        let host = if row.far { delay::HERE } else { Ipv4Addr::LOCALHOST };
        let place = Place { host: format!("{host}:{}", server.port), port: server.port, ip: host, tls: row.tls };
        let tree = if row.far { "small-far" } else { "small" };
        let (big, out, local) = (self.folder.join("big"), self.folder.join("out"), self.folder.join(tree));
        Ok(match program {
            Program::Carrack => Some(place.carrack(row.work, tree, &big, &out, &local)),
            Program::Curl => place.curl(row.work, tree, &big, &out, &local, &self.folder)?,
            Program::Lftp => Some(place.lftp(row.work, tree, &big, &out, &local)),
            Program::Rclone => Some(place.rclone(row.work, tree, &big, &out, &local)),
        })
    }
}

fn size_of(place: &Path) -> u64 {
    match fs::read_dir(place) {
        Ok(entries) => entries.flatten().map(|entry| size_of(&entry.path())).sum(),
        Err(_) => fs::metadata(place).map_or(0, |meta| meta.len()),
    }
}

fn finish(command: &mut Command, folder: &Path) -> Result<()> {
    let log = fs::File::create(folder.join("log"))?;
    let done = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).env("HOME", folder).status()?;
    if done.success() {
        return Ok(());
    }
    let said = fs::read_to_string(folder.join("log"))?;
    Err(format!("{done}: {}", said.lines().last().unwrap_or_default()).into())
}

/// CPU time of all children that have ended and were waited for, in seconds.
fn children_cpu() -> f64 {
    let line = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let numbers = line.rsplit_once(") ").map_or("", |(_, rest)| rest);
    let ticks: u64 = numbers.split(' ').skip(13).take(2).filter_map(|n| n.parse::<u64>().ok()).sum();
    ticks as f64 / rustix::param::clock_ticks_per_second() as f64
}

/// The server as a program is told of it.
struct Place {
    host: String,
    ip: Ipv4Addr,
    port: u16,
    tls: bool,
}

impl Place {
    fn carrack(&self, work: Work, tree: &str, big: &Path, out: &Path, local: &Path) -> Command {
        let mut command = Command::new(carrack());
        command.env("CARRACK_PASSWORD", PASSWORD);
        let url = |path: &str| format!("ftp://u@{}/{path}", self.host);
        match work {
            Work::Get => command.args(["get", &url("big")]).arg(out.join("big")),
            Work::Put => command.arg("put").arg(big).arg(url("up/big")),
            Work::GetTree | Work::UpToDate => command.args(["mirror", &url(tree)]).arg(out),
            Work::PutTree => command.arg("mirror").arg(local).arg(url("up")),
            Work::List => command.args(["ls", &url("many")]),
        };
        command.arg("--quiet");
        if self.tls {
            command.args(["--tls", "--tls-insecure"]);
        }
        command
    }

    fn curl(&self, work: Work, tree: &str, big: &Path, out: &Path, local: &Path, folder: &Path) -> Result<Option<Command>> {
        let mut command = Command::new("curl");
        command.args(["-sS", "-u", &format!("u:{PASSWORD}")]);
        if self.tls {
            command.args(["--ssl-reqd", "-k"]);
        }
        let url = |path: &str| format!("ftp://{}/{path}", self.host);
        match work {
            Work::Get => command.arg("-o").arg(out.join("big")).arg(url("big")),
            Work::Put => command.arg("-T").arg(big).arg(url("up/big")),
            Work::List => command.arg(url("many/")),
            // It copies no trees; a list of the files is the nearest it has, and one connection serves them all.
            Work::GetTree | Work::PutTree => {
                let mut list = String::new();
                for file in files_of(local, Path::new(""))? {
                    let (near, name) = (local.join(&file), file.display());
                    let _ = match work {
                        Work::GetTree => {
                            writeln!(
                                list,
                                "url = \"{}\"\noutput = \"{}\"",
                                url(&format!("{tree}/{name}")),
                                out.join(&file).display()
                            )
                        }
                        _ => writeln!(list, "url = \"{}\"\nupload-file = \"{}\"", url(&format!("up/{name}")), near.display()),
                    };
                }
                fs::write(folder.join("list"), list)?;
                command.args(["--create-dirs", "--ftp-create-dirs", "-K"]).arg(folder.join("list"))
            }
            Work::UpToDate => return Ok(None),
        };
        Ok(Some(command))
    }

    fn lftp(&self, work: Work, tree: &str, big: &Path, out: &Path, local: &Path) -> Command {
        let tls = if self.tls {
            "set ftp:ssl-force yes; set ftp:ssl-protect-data yes; set ssl:verify-certificate no;"
        } else {
            "set ftp:ssl-allow no;"
        };
        let (big, out, local) = (big.display(), out.display(), local.display());
        let work = match work {
            Work::Get => format!("get big -o {out}/big"),
            Work::Put => format!("put {big} -o up/big"),
            Work::GetTree | Work::UpToDate => format!("mirror {tree} {out}"),
            Work::PutTree => format!("mirror -R {local} up"),
            Work::List => "cls -1 many".to_owned(),
        };
        let script = format!("set cmd:fail-exit yes; {tls} open -u u,{PASSWORD} -p {} {}; {work}", self.port, self.ip);
        let mut command = Command::new("lftp");
        command.args(["-c", &script]);
        command
    }

    fn rclone(&self, work: Work, tree: &str, big: &Path, out: &Path, local: &Path) -> Command {
        let obscured = Command::new("rclone").args(["obscure", PASSWORD]).output().map(|out| out.stdout).unwrap_or_default();
        let mut command = Command::new("rclone");
        let there = |path: &str| format!(":ftp:{path}");
        match work {
            Work::Get => command.args(["copyto", &there("big")]).arg(out.join("big")),
            Work::Put => command.arg("copyto").arg(big).arg(there("up/big")),
            Work::GetTree | Work::UpToDate => command.args(["sync", &there(tree)]).arg(out),
            Work::PutTree => command.arg("sync").arg(local).arg(there("up")),
            Work::List => command.args(["lsf", &there("many")]),
        };
        command.args(["--ftp-host", &self.ip.to_string(), "--ftp-port", &self.port.to_string(), "--ftp-user", "u"]);
        command.args(["--ftp-pass", String::from_utf8_lossy(&obscured).trim()]);
        if self.tls {
            command.args(["--ftp-explicit-tls", "--ftp-no-check-certificate"]);
        }
        command
    }
}

/// The files of a tree, as paths below it.
fn files_of(root: &Path, below: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root.join(below))? {
        let entry = entry?;
        let path = below.join(entry.file_name());
        if entry.file_type()?.is_dir() { found.extend(files_of(root, &path)?) } else { found.push(path) }
    }
    found.sort();
    Ok(found)
}

fn report(ground: &Ground, figures: &BTreeMap<(Row, Program), Vec<(f64, f64)>>, failures: &[String], rounds: usize) -> String {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut text = format!(
        "# Performance of the client\n\nThis page is written by `cargo xtask bench-client --write`; the last run was \
         `cargo xtask {}`.\n\nThe same carrack server for all, on tmpfs and loopback, with `durability = \"os\"`; the \
         programs one after the other, with their defaults; medians, rounds: {rounds}, interleaved. For \"50 ms\" a relay \
         holds every byte back for 25 ms each way. curl copies no trees: it is given the list of their files. A ratio \
         above 1 means that carrack is ahead of the best of the others.\n\n",
        arguments.join(" ")
    );
    text.push_str("| row | figure |");
    for program in Program::ALL {
        let _ = write!(text, " {} |", program.name());
    }
    text.push_str(" ratio to the best other |\n| --- | --- | ---: | ---: | ---: | ---: | ---: |\n");
    for row in rows() {
        for (what, part) in [("s", 0), ("CPU-s of the program", 1)] {
            let value = |program| {
                let values: Vec<f64> = figures.get(&(row, program))?.iter().map(|f| if part == 0 { f.0 } else { f.1 }).collect();
                Some(median(&values))
            };
            let all = Program::ALL.map(value);
            if all.iter().all(Option::is_none) {
                continue;
            }
            let title = if part == 0 { ground.title(row) } else { String::new() };
            let _ = write!(text, "| {title} | {what} |");
            for value in all {
                let _ = write!(text, " {} |", value.map_or_else(|| "–".to_owned(), show));
            }
            let best = all.iter().skip(1).flatten().copied().reduce(f64::min);
            let ratio = all.first().copied().flatten().zip(best).map(|(own, best)| format!("{:.2}", best / own.max(1e-3)));
            let _ = writeln!(text, " {} |", ratio.unwrap_or_else(|| "–".to_owned()));
        }
    }
    if !failures.is_empty() {
        let _ = write!(text, "\nNot measured:\n\n");
        for failure in failures {
            let _ = writeln!(text, "- {failure}");
        }
    }
    text
}
