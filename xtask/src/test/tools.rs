//! Which programs do the checks need, and how do they come here? From Debian's packages and from npm, where that is allowed.

use super::tally::Tally;
use crate::target;
use interop::peers;
use std::path::Path;
use std::process::{Command, Stdio};

/// A program the outside-client tests want, and the package it comes in.
const PROGRAMS: &[(&str, &str)] = &[
    ("curl", "curl"),
    ("lftp", "lftp"),
    ("ncftpput", "ncftp"),
    ("tnftp", "tnftp"),
    ("wget", "wget"),
    ("rclone", "rclone"),
    ("ftp-ssl", "ftp-ssl"),
    ("openssl", "openssl"),
    ("sftp", "openssh-client"),
    ("sshd", "openssh-server"),
    ("sshfs", "sshfs"),
    ("fusermount3", "fuse3"),
    ("tftp", "tftp-hpa"),
    ("atftp", "atftp"),
    ("busybox", "busybox"),
    ("atftpd", "atftpd"),
    ("dnsmasq", "dnsmasq-base"),
    ("qemu-system-x86_64", "qemu-system-x86"),
    // Machines and cables for tests of the network itself.
    ("ip", "iproute2"),
    ("nft", "nftables"),
    // A real certificate authority (ACME), made for tests.
    ("pebble", "pebble"),
    ("python3", "python3"),
    ("perl", "perl"),
    ("node", "nodejs"),
    ("npm", "npm"),
    // A realm of Kerberos, made for tests.
    ("krb5kdc", "krb5-kdc"),
    ("kadmin.local", "krb5-admin-server"),
    ("kinit", "krb5-user"),
    ("yafc", "yafc"),
    // Finds the library of Kerberos for the build.
    ("pkg-config", "pkg-config"),
    // Fuzzing compiles libFuzzer.
    ("c++", "g++"),
    ("mount", "mount"),
    // A real keyring, in a session of the test's own.
    ("dbus-run-session", "dbus"),
    ("gnome-keyring-daemon", "gnome-keyring"),
    // Other people's servers run in namespaces of their own.
    ("unshare", "util-linux"),
];

fn is_installed(program: &str) -> bool {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    // Debian has daemons where only root looks.
    std::env::split_paths(&folders).chain(["/usr/sbin".into()]).any(|folder| folder.join(program).is_file())
}

fn well(command: &mut Command) -> bool {
    command.stdin(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// What the feature `gssapi` is built with, and the package it comes in; none where all of it is there.
pub(super) fn lacks_for_kerberos() -> Option<(&'static str, &'static str)> {
    let has_libclang = || {
        let versions = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten();
        versions
            .filter(|e| e.file_name().to_string_lossy().starts_with("llvm-"))
            .any(|e| e.path().join("lib/libclang.so").exists())
            || std::env::var_os("LIBCLANG_PATH").is_some()
    };
    let has_library = || {
        let asked = Command::new("pkg-config").args(["--exists", "mit-krb5-gssapi"]).stderr(Stdio::null()).status();
        asked.is_ok_and(|status| status.success())
    };
    if !has_library() {
        return Some(("the library of Kerberos", "libkrb5-dev"));
    }
    (!has_libclang()).then_some(("libclang", "libclang-dev"))
}

/// Whether Debian's Python has the library of Kerberos: the client of the test with a KDC.
fn has_python_gssapi() -> bool {
    let python = Path::new("/usr/bin/python3");
    python.exists() && well(Command::new(python).args(["-c", "import gssapi"]).stderr(Stdio::null()))
}

/// Makes what is missing available, or says that it is missing.
pub(super) fn provide(may_install: bool, tally: &mut Tally) {
    super::heading("programs");
    let has_net_ftp = || {
        Command::new("perl")
            .args(["-MNet::FTP", "-MDigest::MD5", "-MIO::Socket::SSL", "-e", "1"])
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|s| s.success())
    };
    let has_venv = || well(Command::new("python3").args(["-c", "import venv, ensurepip"]).stderr(Stdio::null()));
    let lacking = || -> Vec<(&str, &str)> {
        let mut lacking: Vec<_> = PROGRAMS.iter().copied().filter(|(program, _)| !is_installed(program)).collect();
        if is_installed("perl") && !has_net_ftp() {
            lacking.push(("Perl's Net::FTP with TLS", "libio-socket-ssl-perl"));
        }
        if is_installed("python3") && !has_venv() {
            lacking.push(("Python's venv", "python3-venv"));
        }
        if !has_python_gssapi() {
            lacking.push(("Python's gssapi", "python3-gssapi"));
        }
        // Both at once: the second is not looked for while the first is missing.
        if lacks_for_kerberos().is_some() {
            lacking.extend([("the library of Kerberos", "libkrb5-dev"), ("libclang", "libclang-dev")]);
        }
        lacking
    };
    let missing = lacking();
    if !missing.is_empty() && may_install {
        install(&missing);
    }
    for (program, package) in lacking() {
        tally.skip(&format!("{program} is missing (package {package})"));
    }
    let modules = target().join("interop");
    for package in ["basic-ftp", "ssh2-sftp-client"] {
        let is_there = || modules.join("node_modules").join(package).exists();
        if !is_there() && may_install && is_installed("npm") {
            let _ = std::fs::create_dir_all(&modules);
            let options = ["install", "--no-audit", "--no-fund", "--loglevel=error", "--prefix"];
            well(Command::new("npm").args(options).arg(&modules).arg(package));
        }
        if !is_there() {
            tally.skip(&format!("{package} is missing (npm)"));
        }
    }
    // Debian has it exclude atftpd where it is installed.
    if may_install && peers::debian("tftpd-hpa", "usr/sbin/in.tftpd").is_err() {
        tally.skip("tftpd-hpa is missing (Debian)");
    }
    if may_install && let Err(why) = peers::curl_with_kerberos() {
        tally.skip(&format!("a curl with Kerberos cannot be had (Debian 11): {why}"));
    }
    for package in ["sslyze", "tftpy", "paramiko", "asyncssh", "ssh-audit"] {
        let place = modules.join(package);
        let import = format!("import {}", package.replace('-', "_"));
        let is_there = || {
            let python = place.join("bin/python3");
            python.exists()
                && Command::new(python).args(["-c", &import]).stderr(Stdio::null()).status().is_ok_and(|s| s.success())
        };
        if !is_there() && may_install && is_installed("python3") {
            // An environment of its own: nothing of the system's Python is changed.
            let _ = well(Command::new("python3").args(["-m", "venv"]).arg(&place))
                && well(Command::new(place.join("bin/pip")).args(["install", "--quiet", package]));
        }
        if !is_there() {
            tally.skip(&format!("{package} is missing (PyPI)"));
        }
    }
    if may_install {
        servers(tally);
    }
}

/// Other people's servers, which our client is tried on: unpacked, not installed.
fn servers(tally: &mut Tally) {
    let packages = [
        ("vsftpd", "usr/sbin/vsftpd"),
        ("proftpd-core", "usr/sbin/proftpd"),
        ("proftpd-mod-crypto", "usr/lib/proftpd/mod_tls.so"),
        ("proftpd-mod-crypto", "usr/lib/proftpd/mod_sftp.so"),
        ("pure-ftpd", "usr/sbin/pure-ftpd"),
        ("inetutils-ftpd", "usr/sbin/ftpd"),
    ];
    for (package, program) in packages {
        if let Err(why) = peers::debian(package, program) {
            tally.skip(&format!("{package} cannot be had: {why}"));
        }
    }
    if let Err(why) = peers::pyftpdlib().and_then(|(python, _)| peers::pyopenssl(&python)) {
        tally.skip(&format!("pyftpdlib cannot be had: {why}"));
    }
}

/// Debian packages, as root or with a `sudo` that asks for nothing.
fn install(missing: &[(&str, &str)]) {
    let root = rustix::process::geteuid().is_root();
    if !Path::new("/usr/bin/apt-get").exists() {
        return;
    }
    if !root && !Command::new("sudo").args(["-n", "true"]).stderr(Stdio::null()).status().is_ok_and(|s| s.success()) {
        println!("not root, and sudo asks for a password: nothing is installed");
        return;
    }
    let apt = |arguments: &[&str]| {
        let mut command = if root { Command::new("env") } else { Command::new("sudo") };
        if !root {
            command.args(["-n", "env"]);
        }
        // In run level 1 no package starts its service.
        command.args(["RUNLEVEL=1", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-o", "Dpkg::Use-Pty=0"]).args(arguments);
        well(&mut command)
    };
    let packages: Vec<&str> = missing.iter().map(|(_, package)| *package).collect();
    println!("installing {}", packages.join(" "));
    let get = [&["install", "--yes", "--no-install-recommends"][..], &packages].concat();
    if !(apt(&["update"]) && apt(&get)) {
        // One that is not to be had must not keep the others away.
        for package in packages {
            apt(&["install", "--yes", "--no-install-recommends", package]);
        }
    }
}
