//! Who is the process, and which of root's rights does it keep? User, group, no new privileges, capabilities
//! (capabilities(7)).

use std::ffi::CString;

use caps::{CapSet, Capability, CapsHashSet};
use nix::unistd::{self, Gid, Group, Uid, User};

use super::Needs;

/// What root needs to serve files as root does: to enter and change those of every user.
const OF_ROOT: [Capability; 5] = [
    Capability::CAP_CHOWN,
    Capability::CAP_DAC_OVERRIDE,
    Capability::CAP_DAC_READ_SEARCH,
    Capability::CAP_FOWNER,
    Capability::CAP_FSETID,
];

/// Becomes the configured user; whether that gave up root.
pub(super) fn become_user(needs: &Needs<'_>, said: &mut Vec<String>) -> Result<bool, String> {
    let Some(name) = needs.process.user.as_deref() else {
        said.push(match unistd::geteuid() {
            uid if uid.is_root() => "user root (process.user gives that up)".to_owned(),
            uid => format!("user {}", shown(uid)),
        });
        return Ok(false);
    };
    let user = User::from_name(name)
        .map_err(|e| format!("the user {name} cannot be looked up: {e}"))?
        .ok_or_else(|| format!("there is no user {name} on this machine; process.user names who the server becomes"))?;
    let gid = match needs.process.group.as_deref() {
        None => user.gid,
        Some(group) => {
            Group::from_name(group)
                .map_err(|e| format!("the group {group} cannot be looked up: {e}"))?
                .ok_or_else(|| format!("there is no group {group} on this machine; process.group names it"))?
                .gid
        }
    };
    if !unistd::geteuid().is_root() {
        if unistd::geteuid() == user.uid {
            said.push(format!("user {name}"));
            return Ok(false);
        }
        return Err(format!(
            "process.user is {name}, but the server was started as {} and not as root; start it as root or as {name}",
            shown(unistd::geteuid())
        ));
    }
    change(name, user.uid, gid, needs.low_ports).map_err(|e| format!("the server cannot become {name}: {e}"))?;
    said.push(format!("user {name}, no longer root"));
    Ok(true)
}

/// Groups first, then the user: afterwards there is no right to. These calls go for all threads.
fn change(name: &str, uid: Uid, gid: Gid, keep: bool) -> Result<(), Box<dyn std::error::Error>> {
    rustix::thread::set_keep_capabilities(keep)?;
    unistd::initgroups(&CString::new(name)?, gid)?;
    unistd::setresgid(gid, gid, gid)?;
    unistd::setresuid(uid, uid, uid)?;
    rustix::thread::set_keep_capabilities(false)?;
    // Believed only when seen.
    if unistd::getresuid()? != (unistd::ResUid { real: uid, effective: uid, saved: uid })
        || unistd::setuid(Uid::from_raw(0)).is_ok()
    {
        return Err("root could be had again".into());
    }
    Ok(())
}

fn shown(uid: Uid) -> String {
    User::from_uid(uid).ok().flatten().map_or_else(|| format!("uid {uid}"), |u| u.name)
}

/// Keeps what is needed of the capabilities there are, and takes no new privileges from now on.
pub(super) fn drop_capabilities(needs: &Needs<'_>, dropped_root: bool, said: &mut Vec<String>) {
    let privileges = match rustix::thread::set_no_new_privs(true) {
        Ok(()) => "no new privileges",
        Err(_) => "new privileges possible (the kernel refused to rule them out)",
    };
    let mut wanted = CapsHashSet::new();
    if needs.low_ports {
        wanted.insert(Capability::CAP_NET_BIND_SERVICE);
    }
    if unistd::geteuid().is_root() && !dropped_root {
        wanted.extend(OF_ROOT);
    }
    match keep(&wanted) {
        Ok(kept) => {
            let mut names: Vec<String> = kept.iter().map(|c| c.to_string().trim_start_matches("CAP_").to_lowercase()).collect();
            names.sort();
            let names = if names.is_empty() { "no capabilities".to_owned() } else { format!("capabilities {}", names.join(" ")) };
            said.push(format!("{names}, {privileges}"));
        }
        Err(e) => said.push(format!("capabilities as they were ({e}), {privileges}")),
    }
}

fn keep(wanted: &CapsHashSet) -> Result<CapsHashSet, caps::errors::CapsError> {
    let had = caps::read(None, CapSet::Permitted)?;
    let kept: CapsHashSet = had.intersection(wanted).copied().collect();
    // The bounding set needs a right to be cut that is given up right after; without it there is nothing to gain.
    if had.contains(&Capability::CAP_SETPCAP) {
        caps::set(None, CapSet::Effective, &had)?;
        for cap in caps::all().difference(&kept) {
            if caps::has_cap(None, CapSet::Bounding, *cap).unwrap_or(false) {
                caps::drop(None, CapSet::Bounding, *cap)?;
            }
        }
    }
    // Kernels without ambient capabilities have none to clear.
    let _ = caps::clear(None, CapSet::Ambient);
    caps::clear(None, CapSet::Inheritable)?;
    caps::set(None, CapSet::Effective, &kept)?;
    caps::set(None, CapSet::Permitted, &kept)?;
    Ok(kept)
}
