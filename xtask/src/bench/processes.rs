//! What does a server cost? CPU time and memory of a process with all its descendants, from `/proc`.

use std::collections::HashMap;
use std::fs;
use std::process::Child;

/// The fields of `/proc/PID/stat` that count here.
struct Stat {
    parent: u32,
    /// Ticks of the process and of the children it has waited for.
    ticks: u64,
}

fn stat(pid: u32) -> Option<Stat> {
    let line = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The program's name stands in parentheses and may hold anything; the numbers begin behind the last one.
    let fields: Vec<&str> = line[line.rfind(')')? + 2..].split(' ').collect();
    let number = |at: usize| fields.get(at).and_then(|f| f.parse::<u64>().ok()).unwrap_or(0);
    Some(Stat { parent: u32::try_from(number(1)).ok()?, ticks: (11..=14).map(number).sum() })
}

/// `root` and everything below it that lives now.
pub(super) fn family(root: u32) -> Vec<u32> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        if let Some(stat) = stat(pid) {
            children.entry(stat.parent).or_default().push(pid);
        }
    }
    let mut found = vec![root];
    let mut next = 0;
    while let Some(&pid) = found.get(next) {
        found.extend(children.remove(&pid).unwrap_or_default());
        next += 1;
    }
    found
}

/// Everything below this process: the server that runs, and what it orphaned ([`adopt`]).
pub(super) fn served() -> Vec<u32> {
    let mut found = family(std::process::id());
    found.remove(0);
    found
}

/// From now on orphans below this process become its children, so that no server hides its work in grandchildren whose
/// parent did not wait for them.
pub(super) fn adopt() {
    let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
}

/// Ends a server and all it started.
pub(super) fn end(child: &mut Child) {
    // The parent first, so that it cannot start another.
    for pid in served() {
        if let Some(pid) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    }
    let _ = child.wait();
    bury();
}

/// Lets go of orphans that have ended.
fn bury() {
    while let Ok(Some(_)) = rustix::process::wait(rustix::process::WaitOptions::NOHANG) {}
}

/// CPU-seconds used so far by the server that runs: all its processes, living or dead.
pub(super) fn cpu_seconds() -> f64 {
    seconds(served())
}

/// The same of one process and all below it, where others run beside it.
pub(super) fn cpu_seconds_of(root: u32) -> f64 {
    seconds(family(root))
}

fn seconds(of: Vec<u32>) -> f64 {
    let ticks: u64 = of.into_iter().filter_map(stat).map(|stat| stat.ticks).sum();
    ticks as f64 / rustix::param::clock_ticks_per_second() as f64
}

/// Memory in bytes.
#[derive(Clone, Copy, Default)]
pub(super) struct Memory {
    /// Resident, shared pages counted in every process.
    pub(super) resident: u64,
    /// Resident, a page shared by n processes counted as a n-th in each.
    pub(super) proportional: u64,
}

/// What the server that runs holds in memory now.
pub(super) fn memory() -> Memory {
    held(served())
}

/// The same of one process and all below it, where others run beside it.
pub(super) fn memory_of(root: u32) -> Memory {
    held(family(root))
}

fn held(by: Vec<u32>) -> Memory {
    let mut sum = Memory::default();
    for pid in by {
        let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
        sum.resident += kib(&text, "Rss:") * 1024;
        sum.proportional += kib(&text, "Pss:") * 1024;
    }
    sum
}

fn kib(text: &str, name: &str) -> u64 {
    text.lines().find_map(|line| line.strip_prefix(name)?.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

/// Watches how far a family's memory rises: marks the present, asks later for the highest point above it.
pub(super) struct HighWater(Vec<(u32, u64)>);

impl HighWater {
    /// Starts to watch: the kernel's high-water marks are set back to what is resident now.
    pub(super) fn mark() -> Self {
        Self(
            served()
                .into_iter()
                .map(|pid| {
                    let _ = fs::write(format!("/proc/{pid}/clear_refs"), "5");
                    (pid, status(pid, "VmRSS:"))
                })
                .collect(),
        )
    }

    /// Bytes by which the processes rose above the mark at their highest, summed.
    pub(super) fn rise(&self) -> u64 {
        self.0.iter().map(|&(pid, before)| status(pid, "VmHWM:").saturating_sub(before)).sum()
    }
}

fn status(pid: u32, name: &str) -> u64 {
    kib(&fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default(), name) * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_work_of_an_orphan_is_seen() {
        adopt();
        let before = cpu_seconds();
        // The inner shell works on after the outer one, its parent, has gone without waiting.
        let work = "(i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done) &";
        let mut child = std::process::Command::new("sh").args(["-c", work]).spawn().expect("sh");
        child.wait().expect("wait");
        let start = std::time::Instant::now();
        while cpu_seconds() <= before + 0.02 {
            assert!(start.elapsed().as_secs() < 20, "the orphan's work does not show");
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }

    #[test]
    fn a_child_belongs_to_the_family() {
        let mut child = std::process::Command::new("sleep").arg("5").spawn().expect("sleep");
        assert!(family(std::process::id()).contains(&child.id()));
        child.kill().expect("kill");
        child.wait().expect("wait");
        assert!(!family(std::process::id()).contains(&child.id()));
    }
}
