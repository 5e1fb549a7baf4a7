//! Do random bytes break a decoder? Each target of `fuzz/` for a few seconds, with the stable compiler: libFuzzer needs only
//! coverage counters, and those every compiler can put in.

use super::tally::Tally;
use crate::{target, workspace};
use std::fs;
use std::process::Command;

/// What `cargo fuzz` passes too, but for the sanitizer: there is no unsafe code here for it to watch.
const FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 -Cdebug-assertions -Coverflow-checks";

pub(super) fn run(seconds: u64, tally: &mut Tally) {
    let manifest = workspace().join("fuzz/Cargo.toml");
    let folder = target().join("fuzz");
    let Some(triple) = host() else { return tally.skip("fuzzing: the compiler does not say for which machine it compiles") };
    let mut build = super::cargo();
    build.args(["build", "--release", "--quiet", "--target", &triple, "--manifest-path"]).arg(&manifest);
    build.arg("--target-dir").arg(&folder).env("RUSTFLAGS", FLAGS);
    if !super::step("fuzz targets", tally, &mut build) {
        return;
    }
    let mut targets: Vec<String> = fs::read_dir(workspace().join("fuzz/fuzz_targets"))
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.path().file_stem().map(|stem| stem.to_string_lossy().into_owned()))
        .collect();
    targets.sort();
    for name in targets {
        let findings = workspace().join("fuzz/artifacts").join(&name);
        let corpus = folder.join("corpus").join(&name);
        if let Err(why) = fs::create_dir_all(&findings).and_then(|()| fs::create_dir_all(&corpus)) {
            tally.fail(&format!("fuzz {name}: {why}"));
            continue;
        }
        let mut command = Command::new(folder.join(&triple).join("release").join(&name));
        command
            .arg(format!("-max_total_time={seconds}"))
            .arg("-max_len=4096")
            .arg("-timeout=10")
            .arg("-rss_limit_mb=1024")
            .arg("-verbosity=0");
        command.arg(format!("-artifact_prefix={}/", findings.display())).arg(corpus);
        // Beginnings worth starting from are kept with the source.
        let seeds = workspace().join("fuzz/seeds").join(&name);
        if seeds.exists() {
            command.arg(seeds);
        }
        quietly(&format!("fuzz {name}"), tally, &mut command);
    }
}

/// Runs a target; what it says is shown only if it found something.
fn quietly(name: &str, tally: &mut Tally, command: &mut Command) {
    match command.output() {
        Ok(done) if done.status.success() => {
            println!("{name}: well");
            tally.passed += 1;
        }
        Ok(done) => {
            println!("{}\n{name}: FAILED ({})", String::from_utf8_lossy(&done.stderr), done.status);
            tally.fail(name);
        }
        Err(why) => {
            println!("{name}: FAILED ({why})");
            tally.fail(name);
        }
    }
}

fn host() -> Option<String> {
    let said = Command::new("rustc").arg("-vV").output().ok()?;
    String::from_utf8(said.stdout).ok()?.lines().find_map(|line| line.strip_prefix("host: ").map(str::to_owned))
}
