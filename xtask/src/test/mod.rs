//! Is everything well? Format, lints, tests, documentation, fuzzing and outside clients, one after the other, all of them even
//! when one fails; what could not run is said.

mod fuzz;
mod tally;
mod tools;

use crate::{Result, target, workspace};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;
use tally::Tally;

/// Options of `cargo xtask test`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Install nothing: what needs a missing program is skipped.
    #[arg(long)]
    no_install: bool,
    /// Leave out fuzzing.
    #[arg(long)]
    no_fuzz: bool,
    /// Seconds for each fuzz target.
    #[arg(long, default_value_t = 5)]
    fuzz_seconds: u64,
}

/// What program and outside tests have where the system's libraries are there to build it with.
const FEATURES: &[&str] = &["--features", "carrack/gssapi,interop/gssapi"];

/// Whether this runs where nothing may be skipped.
fn is_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true" || value == "1")
}

fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(workspace());
    command
}

pub(crate) fn run(options: &Options) -> Result<bool> {
    let mut tally = Tally::default();
    let skipped = target().join("skipped.log");
    fs::create_dir_all(target())?;
    let _ = fs::remove_file(&skipped);
    tools::provide(!options.no_install, &mut tally);
    step("format", &mut tally, cargo().args(["fmt", "--all", "--check"]));
    // One build for all: with Kerberos wherever it can be built, so that its test runs with the others.
    let kerberos = tools::lacks_for_kerberos();
    if let Some((what, package)) = kerberos {
        tally.skip(&format!("Kerberos: {what} is missing (package {package})"));
    }
    let features = if kerberos.is_none() { FEATURES } else { &[] };
    let lints = ["clippy", "--workspace", "--all-targets", "--quiet"];
    step("lints", &mut tally, cargo().args(lints).args(features).args(["--", "-D", "warnings"]));
    // The interop tests try this program, so it has the feature, too.
    let program = ["build", "--quiet", "--package", "carrack", "--package", "interop"];
    step("the program", &mut tally, cargo().args(program).args(features));
    tests(&mut tally, &skipped, features);
    let mut docs = cargo();
    docs.args(["doc", "--workspace", "--no-deps", "--quiet"]).args(features).env("RUSTDOCFLAGS", "-D warnings");
    step("documentation", &mut tally, &mut docs);
    if options.no_fuzz {
        tally.skip("fuzzing: --no-fuzz");
    } else {
        fuzz::run(options.fuzz_seconds, &mut tally);
    }
    for line in fs::read_to_string(&skipped).unwrap_or_default().lines() {
        tally.skip(line);
    }
    Ok(tally.close(is_ci()))
}

/// One command that is right or wrong as a whole.
fn step(name: &str, tally: &mut Tally, command: &mut Command) -> bool {
    heading(name);
    let start = Instant::now();
    let well = match command.status() {
        Ok(status) => status.success(),
        Err(why) => {
            eprintln!("{command:?}: {why}");
            false
        }
    };
    println!("{name}: {} ({:.1} s)", if well { "well" } else { "FAILED" }, start.elapsed().as_secs_f64());
    if well {
        tally.passed += 1;
    } else {
        tally.fail(name);
    }
    well
}

fn heading(name: &str) {
    println!("\n=== {name}");
}

/// All tests of the workspace, the outside clients among them, and the examples in the documentation.
fn tests(tally: &mut Tally, skipped: &Path, features: &[&str]) {
    heading("tests");
    let has_nextest = cargo().args(["nextest", "--version"]).output().is_ok_and(|done| done.status.success());
    let mut runs = Vec::new();
    if has_nextest {
        runs.push(vec!["nextest", "run", "--workspace", "--no-fail-fast", "--color", "never"]);
        runs.push(vec!["test", "--workspace", "--no-fail-fast", "--doc"]);
    } else {
        runs.push(vec!["test", "--workspace", "--no-fail-fast"]);
    }
    for arguments in runs {
        let mut command = cargo();
        command
            .args(&arguments)
            .args(features)
            .env("CARRACK_BIN", target().join("debug/carrack"))
            .env("CARRACK_SKIPPED", skipped);
        if is_ci() {
            command.env("CARRACK_REQUIRE_CLIENTS", "1");
            // A change is judged by the same inputs as the one before it; `cargo test` alone takes new ones each time.
            command.env("PROPTEST_RNG_SEED", "959");
        }
        tally.count(&arguments.join(" "), &mut command);
    }
}
