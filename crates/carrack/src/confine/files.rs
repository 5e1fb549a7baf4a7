//! Which files can the process still open? Landlock: those below its mounts, its own logs, the configuration, and what
//! the system's name lookup reads.

use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetStatus,
};

use super::Needs;

/// The newest form of Landlock known here; older kernels do what they can of it.
const NEWEST: ABI = ABI::V5;

/// What looking up names and the local time reads.
const OF_THE_SYSTEM: [&str; 8] =
    ["/etc", "/usr/lib", "/usr/lib64", "/usr/share/zoneinfo", "/lib", "/lib64", "/run/systemd/resolve", "/proc/self"];
/// Devices that libraries open.
const DEVICES: [&str; 3] = ["/dev/null", "/dev/urandom", "/dev/tty"];

/// The folders that are open to the process; `None` where all are.
#[derive(Clone, Debug)]
pub(crate) struct Rooms(Option<Vec<PathBuf>>);

impl Rooms {
    /// Everything.
    pub(crate) const fn all() -> Self {
        Self(None)
    }

    /// Whether files can be written below a folder.
    pub(crate) fn holds(&self, folder: &Path) -> bool {
        let Some(rooms) = &self.0 else { return true };
        let real = real(folder);
        rooms.iter().any(|room| real.starts_with(room))
    }
}

/// Without links, as far as it stands.
fn real(path: &Path) -> PathBuf {
    path.canonicalize().or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_owned())
}

/// Confines the process to its folders.
pub(super) fn confine(needs: &Needs<'_>, said: &mut Vec<String>) -> Rooms {
    match restrict(needs) {
        Ok(RulesetStatus::NotEnforced) => {
            said.push("all files of the user (this kernel has no Landlock)".to_owned());
            Rooms::all()
        }
        Ok(status) => {
            let mut folders: Vec<PathBuf> = needs.written.iter().map(|f| real(f)).collect();
            folders.sort();
            folders.dedup();
            let list: Vec<String> = folders.iter().map(|f| f.display().to_string()).collect();
            let list = if list.is_empty() { "nothing".to_owned() } else { list.join(" ") };
            let partly = if status == RulesetStatus::FullyEnforced { "" } else { ", as far as this kernel can" };
            said.push(format!("files below {list} (Landlock{partly})"));
            Rooms(Some(folders))
        }
        Err(e) => {
            said.push(format!("all files of the user (Landlock: {e})"));
            Rooms::all()
        }
    }
}

fn restrict(needs: &Needs<'_>) -> Result<RulesetStatus, Box<dyn std::error::Error>> {
    let all = AccessFs::from_all(NEWEST);
    let writing = all & !AccessFs::Execute;
    let reading = AccessFs::from_read(NEWEST) & !AccessFs::Execute;
    let mut rules = Ruleset::default().set_compatibility(CompatLevel::BestEffort).handle_access(all)?.create()?;
    for folder in &needs.written {
        rules = rules.add_rule(PathBeneath::new(PathFd::new(folder)?, writing))?;
    }
    for folder in &needs.read {
        rules = rules.add_rule(PathBeneath::new(PathFd::new(folder)?, reading))?;
    }
    // What a system does not have needs no rule.
    for folder in OF_THE_SYSTEM {
        if let Ok(fd) = PathFd::new(folder) {
            rules = rules.add_rule(PathBeneath::new(fd, reading))?;
        }
    }
    for device in DEVICES {
        if let Ok(fd) = PathFd::new(device) {
            rules = rules.add_rule(PathBeneath::new(fd, AccessFs::ReadFile | AccessFs::WriteFile))?;
        }
    }
    Ok(rules.restrict_self()?.ruleset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rooms_know_what_lies_in_them() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("a");
        std::fs::create_dir(&inside).unwrap();
        let rooms = Rooms(Some(vec![real(&inside)]));
        assert!(rooms.holds(&inside) && rooms.holds(&inside.join("b/c")));
        assert!(!rooms.holds(folder.path()) && !rooms.holds(&folder.path().join("ab")));
        assert!(Rooms::all().holds(Path::new("/")));
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&inside, &link).unwrap();
        assert!(rooms.holds(&link), "a link is where it leads");
    }
}
