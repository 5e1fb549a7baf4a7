//! How fast is TFTP? carrack beside tftpd-hpa, atftpd and dnsmasq: one client with small and large blocks and windows, many
//! clients at once, and paths that lose packets.

mod client;
mod servers;

use super::Options;
use super::processes::cpu_seconds;
use super::rows::{CPU_BODY, Figure, Noise, THROUGHPUT, less};
use super::table::{Column, Line, Results};
use crate::Result;
use client::{Fetch, Inbox, Wish, crowd};
use interop::peers;
pub(super) use servers::Kind;
use servers::{ADDRESS, Server};
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// What is measured.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Row {
    /// One client with these blocks and windows.
    One { blksize: u16, windowsize: u16 },
    /// So many clients at once, blocks of 1428 bytes.
    Many { clients: usize, windowsize: u16 },
    /// So much of a hundred packets is lost, either way.
    Loss { percent: u32, windowsize: u16 },
}

impl Row {
    fn all() -> Vec<Self> {
        let blocks = [512, 1428, 65_464].into_iter();
        let one = blocks.flat_map(|blksize| [1, 16, 64].map(|windowsize| Self::One { blksize, windowsize }));
        let many = [50, 500].into_iter().flat_map(|clients| [1, 16].map(|windowsize| Self::Many { clients, windowsize }));
        let loss = [1, 5].into_iter().flat_map(|percent| [1, 16].map(|windowsize| Self::Loss { percent, windowsize }));
        one.chain(many).chain(loss).collect()
    }
}

impl Line for Row {
    fn title(self) -> String {
        match self {
            Self::One { blksize, windowsize } => format!("one client, blksize {blksize}, windowsize {windowsize}"),
            Self::Many { clients, windowsize } if clients > HUNDREDS => {
                format!("{clients} clients at once, {LITTLE} MiB each, windowsize {windowsize}")
            }
            Self::Many { clients, windowsize } => format!("{clients} clients at once, windowsize {windowsize}"),
            Self::Loss { percent, windowsize } => format!("{percent} % lost, {LOSERS} clients, windowsize {windowsize}"),
        }
    }
}

const FAILED: Figure = less("transfers failed");

/// Clients at once on a path that loses packets.
const LOSERS: usize = 16;

/// More clients at once than this fetch little each, or a row would take minutes.
const HUNDREDS: usize = 100;

/// MiB that each of hundreds of clients fetches.
const LITTLE: usize = 1;

/// How much of everything.
struct Sizes {
    /// MiB that one client fetches with blocks of 512 bytes; it fetches more of larger blocks.
    one: usize,
    /// MiB that each of many clients fetches.
    many: usize,
    /// MiB that each client fetches on a path that loses packets.
    loss: usize,
    /// Many clients are given no longer than this.
    within: Duration,
    within_loss: Duration,
}

const FULL: Sizes = Sizes { one: 32, many: 8, loss: 1, within: Duration::from_secs(20), within_loss: Duration::from_secs(10) };
const QUICK: Sizes = Sizes { one: 4, many: 1, loss: 1, within: Duration::from_millis(800), within_loss: Duration::from_secs(1) };

/// Bytes of the file that is compared: some blocks and a part of one.
const CHECKED: usize = 300_013;

fn kinds(options: &Options) -> impl Iterator<Item = Kind> {
    Kind::ALL.into_iter().filter(|kind| options.tftp_servers.is_empty() || options.tftp_servers.contains(kind))
}

/// Has the servers ready.
pub(super) fn obtain(options: &Options) {
    kinds(options).for_each(|kind| drop(servers::obtain(kind)));
}

/// The section of the page, and what could not be measured.
pub(super) fn section(options: &Options, start: Instant) -> Result<(String, bool)> {
    let mut ready = Vec::new();
    let mut results = Results::default();
    for kind in kinds(options) {
        match servers::obtain(kind) {
            Ok(server) => ready.push(server),
            Err(why) => results.failures.push(format!("{} is not measured: {why}", kind.name())),
        }
    }
    let sizes = if options.quick { &QUICK } else { &FULL };
    if rustix::process::geteuid().is_root() {
        rounds(options, &ready, sizes, start, &mut results)?;
    } else {
        results.failures.push("TFTP is measured as root only: dnsmasq knows no port but 69".to_owned());
    }
    Ok((report(options, &ready, &results, sizes), results.failures.is_empty()))
}

fn rounds(options: &Options, ready: &[Server], sizes: &Sizes, start: Instant, results: &mut Results<Row, Kind>) -> Result<()> {
    let scratch = tempfile::Builder::new().prefix("carrack-bench-").tempdir_in("/dev/shm")?;
    let ground = lay(scratch.path(), sizes)?;
    let rounds = options.rounds();
    let wanted = |row: &Row| options.tftp_rows.is_empty() || options.tftp_rows.iter().any(|part| is_of(&row.title(), part));
    for round in 0..rounds {
        for row in Row::all().into_iter().filter(wanted) {
            for at in 0..ready.len() {
                // Another one begins in every round.
                let server = &ready[(at + round) % ready.len()];
                if start.elapsed() > Duration::from_secs(options.minutes * 60) {
                    results.failures.push(format!(
                        "after {} minutes: round {} and later rows left out",
                        options.minutes,
                        round + 1
                    ));
                    return Ok(());
                }
                eprintln!("round {} of {rounds}: {}, {}", round + 1, row.title(), server.kind.name());
                match measure(row, server, &ground, scratch.path(), sizes) {
                    Ok(Some((figures, why))) => {
                        results.add(row, server.kind, figures);
                        results.failures.extend(why.map(|why| format!("{}, {}: {why}", row.title(), server.kind.name())));
                    }
                    Ok(None) => {}
                    Err(why) => results.failures.push(format!("{}, {}: {why}", row.title(), server.kind.name())),
                }
            }
        }
    }
    Ok(())
}

/// Whether a title holds this part, and not a longer number instead of one at its end.
fn is_of(title: &str, part: &str) -> bool {
    title.match_indices(part).any(|(at, _)| !title[at + part.len()..].starts_with(|next: char| next.is_ascii_digit()))
}

/// The files served, made once for all servers.
fn lay(scratch: &Path, sizes: &Sizes) -> Result<std::path::PathBuf> {
    let open = |path: &Path| fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755));
    let root = scratch.join("tftp");
    fs::create_dir_all(&root)?;
    open(scratch)?;
    open(&root)?;
    let mut noise = Noise(0x9E37_79B9_7F4A_7C15);
    let mib = [("one", sizes.one), ("many", sizes.many), ("little", LITTLE), ("loss", sizes.loss)];
    for (name, length) in mib.map(|(name, mib)| (name, mib << 20)).into_iter().chain([("checked", CHECKED)]) {
        let mut bytes = vec![0; length];
        noise.fill(&mut bytes);
        fs::write(root.join(name), bytes)?;
    }
    Ok(root)
}

/// A server's figures in a row, and why a transfer failed.
type Measured = (Vec<(Figure, f64)>, Option<String>);

/// What the row yields for this server; `None` if the server has no such option.
fn measure(row: Row, server: &Server, ground: &Path, scratch: &Path, sizes: &Sizes) -> Result<Option<Measured>> {
    let _running = server.start(ground, scratch)?;
    let (blksize, windowsize) = match row {
        Row::One { blksize, windowsize } => (blksize, windowsize),
        Row::Many { windowsize, .. } | Row::Loss { windowsize, .. } => (1428, windowsize),
    };
    let wish = |name| Wish { name, blksize, windowsize };
    if !check(wish("checked"), ground)? {
        return Ok(None);
    }
    let (mut figures, why) = match row {
        Row::One { .. } => one(wish("one"), sizes)?,
        Row::Many { clients, .. } => many(clients, wish(if clients > HUNDREDS { "little" } else { "many" }), sizes.within)?,
        Row::Loss { percent, .. } => {
            let _lossy = Lossy::begin(percent)?;
            many(LOSERS, wish("loss"), sizes.within_loss)?
        }
    };
    // Its child of each transfer ends where nobody adds up its time: no figure is better than a wrong one.
    if server.kind == Kind::TftpdHpa {
        figures.retain(|(figure, _)| *figure != CPU_BODY);
    }
    Ok(Some((figures, why)))
}

/// Whether the server agrees to what the row wants; what it sends is compared.
fn check(wish: Wish<'_>, ground: &Path) -> Result<bool> {
    let mut fetch = Fetch::begin(ADDRESS, wish, true)?;
    fetch.finish(&mut Inbox::new(), Instant::now() + Duration::from_secs(20))?;
    match fetch.end() {
        Some(Ok(())) => {}
        Some(Err(why)) => return Err(why.clone().into()),
        None => return Err("a small file took more than 20 s".into()),
    }
    if fetch.body() != fs::read(ground.join(wish.name))? {
        return Err("the file that came is not the file that was asked for".into());
    }
    if fetch.blksize() != usize::from(wish.blksize) {
        return Err(format!("blocks of {} bytes were agreed to", fetch.blksize()).into());
    }
    Ok(fetch.window() == u64::from(wish.windowsize))
}

/// One client: the same file again and again.
fn one(wish: Wish<'_>, sizes: &Sizes) -> Result<Measured> {
    let turns = match (wish.blksize, wish.windowsize) {
        (512, 1) => 1,
        (1428, 1) | (512, _) => 2,
        (1428, _) => 8,
        _ => 32,
    };
    let mut inbox = Inbox::new();
    let (before, start) = (cpu_seconds(), Instant::now());
    for _ in 0..turns {
        let mut fetch = Fetch::begin(ADDRESS, wish, false)?;
        fetch.finish(&mut inbox, Instant::now() + Duration::from_secs(60))?;
        match fetch.end() {
            Some(Ok(())) if fetch.bytes() == (sizes.one << 20) as u64 => {}
            Some(Ok(())) => return Err(format!("{} bytes came instead of {}", fetch.bytes(), sizes.one << 20).into()),
            Some(Err(why)) => return Err(why.clone().into()),
            None => return Err("one transfer took more than 60 s".into()),
        }
    }
    let took = start.elapsed().as_secs_f64();
    let gib = (turns * sizes.one) as f64 / 1024.0;
    Ok((vec![(THROUGHPUT, gib * 1024.0 / took), (CPU_BODY, (cpu_seconds() - before) / gib)], None))
}

fn many(clients: usize, wish: Wish<'_>, within: Duration) -> Result<Measured> {
    let before = cpu_seconds();
    let came = crowd(ADDRESS, clients, wish, within)?;
    let gib = came.bytes as f64 / f64::from(1 << 30);
    let figures = vec![
        (THROUGHPUT, gib * 1024.0 / came.took.as_secs_f64()),
        (FAILED, came.failed as f64),
        (CPU_BODY, (cpu_seconds() - before) / gib.max(1e-6)),
    ];
    Ok((figures, came.why))
}

/// Until this is dropped the loopback loses packets, each on its own: batches are cut before they are counted.
struct Lossy;

impl Lossy {
    fn begin(percent: u32) -> Result<Self> {
        let lossy = Self;
        peers::output(Command::new("ip").args(["link", "set", "lo", "gso_max_segs", "1"]))?;
        let rule = format!(
            "add table inet bench; add chain inet bench loss {{ type filter hook input priority 0; }}; \
             add rule inet bench loss meta l4proto udp numgen random mod 100 < {percent} drop"
        );
        peers::output(Command::new("nft").arg(rule)).map_err(|why| format!("nft (package nftables): {why}"))?;
        Ok(lossy)
    }
}

impl Drop for Lossy {
    fn drop(&mut self) {
        let _ = peers::output(Command::new("nft").args(["delete", "table", "inet", "bench"]));
        let _ = peers::output(Command::new("ip").args(["link", "set", "lo", "gso_max_segs", "65535"]));
    }
}

fn report(options: &Options, ready: &[Server], results: &Results<Row, Kind>, sizes: &Sizes) -> String {
    let kinds: Vec<Kind> = ready.iter().map(|server| server.kind).collect();
    let versions: Vec<String> = ready.iter().map(|server| format!("{} ({})", server.kind.name(), server.version)).collect();
    let mut text = format!(
        "Written by `{command}`.\n\n\
         Servers: {versions}.\n\n\
         {table}\n\
         Medians of {rounds} interleaved rounds. **Bold** is the best peer; a ratio above 1 means that carrack is ahead of it; \
         – means that the server has no such option.\n\n\
         - One client for all servers, on bare sockets: only the heads of packets leave the kernel, or many packets leave it in \
         one call; many clients are one thread. Before every row a file of {CHECKED} bytes is fetched and compared.\n\
         - One client fetches {one} MiB of blocks of 512 bytes, and up to 32 times as much of larger ones. Many clients fetch \
         {many} MiB each (hundreds of them {LITTLE} MiB), for no longer than {within} s; what has come by then counts.\n\
         - On a path that loses packets every packet is dropped by chance, DATA and ACK alike (nftables), batches being cut \
         before; {LOSERS} clients fetch {loss} MiB each for no longer than {within_loss} s. A client repeats its ACK once for a \
         gap and after a second of silence; without progress for 20 s a transfer has failed.\n\
         - Over loopback a batch stays whole from the server to the client; a network card may have it cut in software.\n",
        command = std::iter::once("cargo xtask".to_owned()).chain(std::env::args().skip(1)).collect::<Vec<_>>().join(" "),
        versions = versions.join(", "),
        table = results.markdown(&kinds, |_| true),
        rounds = options.rounds(),
        one = sizes.one,
        many = sizes.many,
        within = sizes.within.as_secs_f64(),
        loss = sizes.loss,
        within_loss = sizes.within_loss.as_secs_f64(),
    );
    if !results.failures.is_empty() {
        text.push_str("\nWhat went wrong:\n\n");
        for failure in &results.failures {
            let _ = writeln!(text, "- {}", failure.replace('\n', " "));
        }
    }
    text
}
