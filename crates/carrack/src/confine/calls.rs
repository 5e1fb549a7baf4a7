//! Which system calls does a file server never need? They answer EPERM from now on (seccomp(2)).

use std::collections::BTreeMap;

use nix::libc;
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter};

/// Other programs, other processes, mounts, modules, the clock, and what only exploits use. A list of what is refused
/// and not of what is allowed: a C library's next release may need another harmless call, and must not be cut off.
const REFUSED: &[libc::c_long] = &[
    // other programs and processes
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    // the file system's shape
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
    libc::SYS_quotactl,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_mknodat,
    // namespaces
    libc::SYS_setns,
    libc::SYS_unshare,
    // the kernel
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_reboot,
    libc::SYS_acct,
    libc::SYS_syslog,
    libc::SYS_personality,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    // the machine
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    // becoming somebody
    libc::SYS_setuid,
    libc::SYS_setgid,
    libc::SYS_setreuid,
    libc::SYS_setregid,
    libc::SYS_setresuid,
    libc::SYS_setresgid,
    libc::SYS_setgroups,
];

/// Refuses them to this thread and those it starts.
pub(super) fn confine(said: &mut Vec<String>) {
    said.push(match filter().and_then(|program| apply_filter(&program).map_err(Into::into)) {
        Ok(()) => "no system calls for programs, tracing, mounts, modules or users (seccomp)".to_owned(),
        Err(e) => format!("all system calls (seccomp: {e})"),
    });
}

fn filter() -> Result<BpfProgram, Box<dyn std::error::Error>> {
    // libc's c_long is i64 on every architecture the filter knows.
    #[allow(clippy::useless_conversion)]
    let rules: BTreeMap<i64, Vec<_>> = REFUSED.iter().map(|call| (i64::from(*call), Vec::new())).collect();
    let refuse = SeccompAction::Errno(u32::try_from(libc::EPERM)?);
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refuse, std::env::consts::ARCH.try_into()?)?;
    Ok(filter.try_into()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filter_compiles_and_fits_the_kernel() {
        let program = filter().unwrap();
        assert!(program.len() > REFUSED.len() && program.len() < 4_096);
    }

    /// In a thread of its own: the filter stays with it.
    #[test]
    #[allow(clippy::disallowed_methods)]
    fn programs_are_refused_and_files_are_not() {
        std::thread::spawn(|| {
            let mut said = Vec::new();
            confine(&mut said);
            assert!(said[0].contains("seccomp)"), "{said:?}");
            let refused = std::process::Command::new("/bin/true").status().unwrap_err();
            assert_eq!(refused.kind(), std::io::ErrorKind::PermissionDenied);
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join("a"), b"a").unwrap();
        })
        .join()
        .unwrap();
    }
}
