//! What chores does the project have? `cargo xtask test` runs every check, `cargo xtask bench` measures against other servers.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a chore at the command line: it reads the clock, touches files, starts threads and prints"
)]

mod bench;
mod test;

use clap::{Parser, Subcommand};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The chores of the project.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Run every check: format, lints, tests, documentation, fuzzing, outside clients.
    Test(test::Options),
    /// Measure carrack beside vsftpd, ProFTPD, Pure-FTPd and pyftpdlib, interleaved in one run.
    Bench(bench::Options),
    /// Measure carrack's client beside curl, lftp and rclone, interleaved in one run.
    BenchClient(bench::programs::Options),
    /// Measure MODE B and MODE Z against MODE S, between carrack's client and server.
    BenchModes(bench::modes::Options),
    /// The bare loop the benchmark compares with: sendfile out, recv and write in.
    #[command(hide = true)]
    RawServer {
        /// The folder whose files are sent and received.
        folder: PathBuf,
    },
}

fn main() -> ExitCode {
    let done = match Arguments::parse().chore {
        Chore::Test(options) => test::run(&options),
        Chore::Bench(options) => bench::run(&options),
        Chore::BenchClient(options) => bench::programs::run(&options),
        Chore::BenchModes(options) => bench::modes::run(&options),
        Chore::RawServer { folder } => bench::raw::serve(&folder).map(|()| true),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("xtask: {why}");
            ExitCode::FAILURE
        }
    }
}

/// What a chore can fail with: a sentence for people.
type Result<T, E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;

/// The top folder of the workspace.
fn workspace() -> PathBuf {
    let here = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    here.parent().unwrap_or_else(|| Path::new(".")).to_path_buf()
}

/// Where builds and downloads go.
fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace().join("target"), PathBuf::from)
}
