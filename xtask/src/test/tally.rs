//! How many passed, how many failed, what was skipped? Read from the closing lines of the test runners and added up.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

/// The sums of a whole run.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) passed: usize,
    failed: Vec<String>,
    skipped: Vec<String>,
    /// What passed at the second try only.
    flaky: Vec<String>,
    failures: usize,
}

impl Tally {
    /// One thing failed.
    pub(super) fn fail(&mut self, what: &str) {
        self.failures += 1;
        self.failed.push(what.to_owned());
    }

    /// One thing was not looked at.
    pub(super) fn skip(&mut self, what: &str) {
        if !self.skipped.iter().any(|known| known == what) {
            self.skipped.push(what.to_owned());
        }
    }

    /// Runs tests, shows what they say, and adds up what their closing lines say.
    pub(super) fn count(&mut self, name: &str, command: &mut Command) {
        let (passed, failures) = (self.passed, self.failures);
        // Both outputs through one pipe keep their order; cargo test closes on one, nextest on the other.
        let status = std::io::pipe().and_then(|(reader, writer)| {
            command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
            let mut child = command.spawn()?;
            // The command holds the writing end too, and the end would never come.
            command.stdout(Stdio::null()).stderr(Stdio::null());
            for line in BufReader::new(reader).split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8_lossy(&line);
                println!("{line}");
                if let Some((passed, failed)) = closing(&line) {
                    self.passed += passed;
                    self.failures += failed;
                }
                match ended(&line) {
                    Some((Ended::Failed, test)) => self.failed.push(test.to_owned()),
                    Some((Ended::Flaky, test)) => self.flaky.push(test.to_owned()),
                    None => {}
                }
            }
            child.wait()
        });
        match status {
            Ok(status) if status.success() && self.passed > passed || self.failures > failures => {}
            Ok(status) if status.success() => println!("{name}: no tests"),
            Ok(status) => self.fail(&format!("{name}: {status}")),
            Err(why) => self.fail(&format!("{name}: {why}")),
        }
    }

    /// Prints what there is to say, the sums last. Whether all is well.
    pub(super) fn close(mut self, nothing_may_be_skipped: bool) -> bool {
        println!();
        for what in &self.skipped {
            println!("skipped: {what}");
        }
        if nothing_may_be_skipped && !self.skipped.is_empty() {
            println!("nothing may be skipped here (CI)");
            self.failures += self.skipped.len();
        }
        self.failed.sort();
        self.failed.dedup();
        for what in &self.flaky {
            println!("passed at the second try only, which is a fault: {what}");
        }
        for what in &self.failed {
            println!("failed: {what}");
        }
        println!("{} passed, {} failed", self.passed, self.failures);
        self.failures == 0
    }
}

/// The sums in the closing line of nextest or of one program of `cargo test`.
fn closing(line: &str) -> Option<(usize, usize)> {
    // Under nextest every failed test shows its own "test result"; that one is indented and must not count twice.
    let summary = line.trim_start().starts_with("Summary [");
    let sums = if summary { line.split_once(" run:")?.1 } else { line.strip_prefix("test result:")? };
    let number = |word: &str| -> Option<usize> {
        let words: Vec<&str> = sums.split([' ', ',', ';']).filter(|w| !w.is_empty()).collect();
        let at = words.iter().position(|w| *w == word)?;
        words.get(at.checked_sub(1)?)?.parse().ok()
    };
    let failed = number("failed").unwrap_or(0) + number("timed").unwrap_or(0);
    Some((number("passed").unwrap_or(0), failed))
}

/// How a test ended that did not simply pass.
#[derive(Debug, PartialEq, Eq)]
enum Ended {
    Failed,
    Flaky,
}

/// Of a line of nextest: a test that failed at its last try, or passed only then.
fn ended(line: &str) -> Option<(Ended, &str)> {
    let (state, rest) = line.trim_start().split_once(" [")?;
    let test = rest.split_once(") ").map_or(rest, |(_, name)| name);
    let how = match state {
        "FAIL" | "TIMEOUT" | "SIGABRT" | "SIGSEGV" => Ended::Failed,
        _ if state.starts_with("TRY 2 ") && !state.ends_with("PASS") => Ended::Failed,
        _ if state.starts_with("FLAKY ") => Ended::Flaky,
        _ => return None,
    };
    Some((how, test))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_lines_are_read() {
        assert_eq!(closing("     Summary [  57.617s] 48 tests run: 42 passed (1 slow), 6 failed, 0 skipped"), Some((42, 6)));
        assert_eq!(closing("     Summary [   0.1s] 3 tests run: 3 passed, 0 skipped"), Some((3, 0)));
        assert_eq!(closing("     Summary [   9s] 5 tests run: 2 passed, 1 failed, 2 timed out, 0 skipped"), Some((2, 3)));
        assert_eq!(closing("test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out"), Some((12, 0)));
        assert_eq!(closing("test result: FAILED. 2 passed; 1 failed; 0 ignored"), Some((2, 1)));
        assert_eq!(closing("running 3 tests"), None);
    }

    #[test]
    fn failed_tests_are_named() {
        let name = "interop::clients ncftp::resumes";
        for (line, how) in [
            ("        FAIL [   0.439s] (26/48) interop::clients ncftp::resumes", Some(Ended::Failed)),
            ("  TRY 2 FAIL [   0.101s] (3/3) interop::clients ncftp::resumes", Some(Ended::Failed)),
            ("  TRY 2 TMT [ 240.101s] (3/3) interop::clients ncftp::resumes", Some(Ended::Failed)),
            ("   FLAKY 2/2 [   0.017s] (1/3) interop::clients ncftp::resumes", Some(Ended::Flaky)),
            ("  TRY 1 FAIL [   0.101s] (─────) interop::clients ncftp::resumes", None),
            ("  TRY 2 PASS [   0.101s] (3/3) interop::clients ncftp::resumes", None),
            ("        PASS [   0.439s] (26/48) interop::clients ncftp::resumes", None),
        ] {
            assert_eq!(ended(line), how.map(|how| (how, name)), "{line}");
        }
    }
}
