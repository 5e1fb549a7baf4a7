//! What does a server cost? CPU time and memory of a process with all its descendants, from `/proc`.

use std::collections::HashMap;
use std::fs;

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

/// CPU-seconds used so far by `root`, its living descendants and those they have waited for.
pub(super) fn cpu_seconds(root: u32) -> f64 {
    let ticks: u64 = family(root).into_iter().filter_map(stat).map(|stat| stat.ticks).sum();
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

/// What `root` and its descendants hold in memory now.
pub(super) fn memory(root: u32) -> Memory {
    let mut sum = Memory::default();
    for pid in family(root) {
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
    pub(super) fn mark(root: u32) -> Self {
        Self(
            family(root)
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
    fn own_cpu_time_and_memory_are_seen() {
        let me = std::process::id();
        let before = cpu_seconds(me);
        let start = std::time::Instant::now();
        let mut x = 1_u64;
        while start.elapsed().as_millis() < 200 {
            x = std::hint::black_box(x.wrapping_mul(3));
        }
        assert!(cpu_seconds(me) > before, "200 ms of work must show ({before})");
        assert!(memory(me).resident > 100_000);
        let mark = HighWater::mark(me);
        let held = std::hint::black_box(vec![1_u8; 32 << 20]);
        assert!(mark.rise() >= 16 << 20, "{} of {} seen", mark.rise(), held.len());
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
