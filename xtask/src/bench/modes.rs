//! What do MODE B and MODE Z gain over MODE S, between carrack's client and server? Small files over one kept connection, near
//! and over 50 ms, and text over 100 Mbit/s.

use super::delay::{self, Path as Way};
use super::programs::{Server, build, carrack, children_cpu};
use super::table::median;
use crate::Result;
use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Options of `cargo xtask bench-modes`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// How often every row is measured; medians are shown.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Small sizes and one round: to see that it works, not for figures.
    #[arg(long)]
    quick: bool,
    /// Only rows whose title holds this.
    #[arg(long)]
    rows: Option<String>,
    /// Measure the program that is built already.
    #[arg(long)]
    built: bool,
    /// Write the table to docs/performance-modes.md too.
    #[arg(long)]
    write: bool,
}

/// What is compared: the same work in two modes.
struct Row {
    title: &'static str,
    over: Over,
    /// Upload, not download.
    up: bool,
    /// The mode measured against MODE S; that of many small files is taken where no mode is named.
    mode: Option<&'static str>,
    /// How often as fast it is to be.
    goal: f64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Over {
    Loopback,
    Delay,
    Rate,
}

const ROWS: [Row; 6] = [
    Row { title: "4 KiB files, get, MODE B", over: Over::Loopback, up: false, mode: None, goal: 3.0 },
    Row { title: "4 KiB files, put, MODE B", over: Over::Loopback, up: true, mode: None, goal: 3.0 },
    Row { title: "4 KiB files, get, MODE B, 50 ms", over: Over::Delay, up: false, mode: None, goal: 20.0 },
    Row { title: "4 KiB files, put, MODE B, 50 ms", over: Over::Delay, up: true, mode: None, goal: 20.0 },
    Row { title: "text, get, MODE Z, 100 Mbit/s", over: Over::Rate, up: false, mode: Some("z"), goal: 1.0 },
    Row { title: "text, put, MODE Z, 100 Mbit/s", over: Over::Rate, up: true, mode: Some("z"), goal: 1.0 },
];

/// How much of everything.
struct Sizes {
    files: usize,
    /// In MODE S over 50 ms, where each takes long.
    files_far: usize,
    text: usize,
}

pub(crate) fn run(options: &Options) -> Result<bool> {
    if !options.built {
        if cfg!(debug_assertions) {
            return super::optimised();
        }
        build()?;
    }
    let sizes = match options.quick {
        true => Sizes { files: 300, files_far: 30, text: 8 << 20 },
        false => Sizes { files: 5_000, files_far: 200, text: 64 << 20 },
    };
    let folder = tempfile::Builder::new().prefix("carrack-bench-").tempdir_in("/dev/shm")?;
    lay(folder.path(), &sizes)?;
    let mut text = heading();
    print!("{text}");
    let mut reached = true;
    for row in ROWS.iter().filter(|row| options.rows.as_ref().is_none_or(|part| row.title.contains(&**part))) {
        let rounds = if options.quick { 1 } else { options.rounds };
        let (line, met) = row.compare(folder.path(), &sizes, rounds)?;
        print!("{line}");
        text.push_str(&line);
        reached &= met;
    }
    if options.write {
        fs::write(crate::workspace().join("docs/performance-modes.md"), &text)?;
    }
    Ok(reached || options.quick)
}

/// The page up to its table's lines.
fn heading() -> String {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    format!(
        "# Performance of the modes\n\nThis page is written by `cargo xtask bench-modes --write`; the last run was `cargo xtask {}`.\n\n\
         Machine: {}.\n\n\
         Carrack's client and server, the same work in MODE S and in another mode, with `durability = \"os\"`, on tmpfs and \
         loopback, in one session (`-j 1`): small files in MODE B over one data connection that stays open (`OPTS MODE B BODIES`), \
         and a text as logs are in MODE Z. For \"50 ms\" a relay holds every byte back for 25 ms each way, and MODE S carries fewer \
         files, as it needs several round trips for each; for \"100 Mbit/s\" it lets no more through. The two take turns, another \
         one first in each round; figures and ratios are medians. CPU-seconds are of MODE S, client and server, and of the other \
         mode, client and server.\n\n\
         | row | MODE S | this mode | ratio | of each round | goal | CPU-s of client and server |\n\
         | --- | ---: | ---: | ---: | --- | ---: | --- |\n",
        arguments.join(" "),
        super::machine(),
    )
}

/// Files without a pattern, and a text as logs are.
fn lay(folder: &Path, sizes: &Sizes) -> Result<()> {
    for root in ["served", "mine"] {
        let root = folder.join(root);
        for (name, count) in [("many", sizes.files), ("few", sizes.files_far)] {
            fs::create_dir_all(root.join(name))?;
            for n in 0..count {
                let body: Vec<u8> = (0..4096_usize).map(|at| ((at * 31 + n * 7) ^ (at / 13)) as u8).collect();
                fs::write(root.join(name).join(format!("{n:05}.bin")), body)?;
            }
        }
        let mut text = String::with_capacity(sizes.text + 200);
        for n in 0_u64.. {
            if text.len() >= sizes.text {
                break;
            }
            text.push_str(&format!(
                "2026-11-21T18:{:02}:{:02}Z host carrack[{}]: user anna stored /in/order-{:08x}.csv, {} bytes\n",
                n / 60 % 60,
                n % 60,
                n * 7919 % 32_768,
                n.wrapping_mul(2_654_435_761) & 0xffff_ffff,
                n * 37 % 100_000
            ));
        }
        fs::write(root.join("text.log"), text)?;
    }
    Ok(())
}

/// What one run yielded.
struct Figure {
    /// Files, or MiB, in a second.
    pace: f64,
    /// CPU-seconds of the client and of the server.
    client: f64,
    server: f64,
}

impl Row {
    /// Both modes in turn, another one first in every round: the table's line, and whether the goal is reached.
    fn compare(&self, folder: &Path, sizes: &Sizes, rounds: usize) -> Result<(String, bool)> {
        // Each path has a server of its own: its relay takes the same ports.
        let server = Server::start(&folder.join("served"))?;
        let here = match self.over {
            Over::Loopback => Ipv4Addr::LOCALHOST,
            Over::Delay => server.behind(Way { each_way: Duration::from_millis(25), rate: None })?,
            Over::Rate => server.behind(Way { each_way: Duration::ZERO, rate: Some(100_000_000 / 8) })?,
        };
        let url = format!("ftp://u@{here}:{}/", server.port());
        let (mut plain, mut this) = (Vec::new(), Vec::new());
        for round in 0..rounds {
            for second in [false, true] {
                let is_plain = second == (round % 2 == 1);
                let mode = if is_plain { Some("s") } else { self.mode };
                let figure = self.measure(folder, &url, mode, sizes, &server)?;
                if is_plain { plain.push(figure) } else { this.push(figure) }
            }
        }
        let of = |figures: &[Figure], what: fn(&Figure) -> f64| median(&figures.iter().map(what).collect::<Vec<_>>());
        let ratios: Vec<f64> = plain.iter().zip(&this).map(|(plain, this)| this.pace / plain.pace).collect();
        let each: Vec<String> = ratios.iter().map(|ratio| format!("{ratio:.2}")).collect();
        let unit = if self.over == Over::Rate { "MiB/s" } else { "files/s" };
        let line = format!(
            "| {} | {:.1} {unit} | {:.1} {unit} | {:.2} | {} | {} | {:.2} and {:.2}; {:.2} and {:.2} |\n",
            self.title,
            of(&plain, |figure| figure.pace),
            of(&this, |figure| figure.pace),
            median(&ratios),
            each.join(", "),
            self.goal,
            of(&plain, |figure| figure.client),
            of(&plain, |figure| figure.server),
            of(&this, |figure| figure.client),
            of(&this, |figure| figure.server),
        );
        Ok((line, median(&ratios) >= self.goal))
    }

    fn measure(&self, folder: &Path, url: &str, mode: Option<&str>, sizes: &Sizes, server: &Server) -> Result<Figure> {
        let few = self.over == Over::Delay && mode.is_some();
        let what = match (self.over, few) {
            (Over::Rate, _) => "text.log",
            (_, true) => "few",
            (_, false) => "many",
        };
        let into = tempfile::Builder::new().prefix("into-").tempdir_in(folder.join(if self.up { "served" } else { "mine" }))?;
        let name = into.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (verb, from, to) = match self.up {
            true => ("put", folder.join("mine").join(what).display().to_string(), format!("{url}{name}/")),
            false => ("get", format!("{url}{what}"), format!("{}/", into.path().display())),
        };
        let mut command = Command::new(carrack());
        command.args([verb, "-r", "-j", "1", "--quiet", "--no-netrc"]).args([from, to]);
        if let Some(mode) = mode {
            command.args(["--mode", mode]);
        }
        command.env("CARRACK_PASSWORD", super::programs::PASSWORD).stdin(Stdio::null());
        super::touch(folder, 256 << 20)?;
        let (begun, client, served) = (Instant::now(), children_cpu(), server.cpu());
        if !command.status()?.success() {
            return Err(format!("{}: carrack {verb} failed", self.title).into());
        }
        let took = begun.elapsed().as_secs_f64();
        let (client, server) = (children_cpu() - client, server.cpu() - served);
        if self.over == Over::Rate {
            return Ok(Figure { pace: sizes.text as f64 / f64::from(1 << 20) / took, client, server });
        }
        let count = fs::read_dir(into.path().join(what))?.count();
        let wanted = if few { sizes.files_far } else { sizes.files };
        if count != wanted {
            return Err(format!("{}: {count} files arrived of {wanted}", self.title).into());
        }
        Ok(Figure { pace: count as f64 / took, client, server })
    }
}

impl Server {
    /// Puts the server behind a path; where clients find it.
    fn behind(&self, way: Way) -> Result<Ipv4Addr> {
        delay::relay(self.ports(), way)?;
        Ok(delay::HERE)
    }
}
