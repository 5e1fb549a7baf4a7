//! How does a test get a server to try clients on? Started on free ports over a folder of its own, gone with the test.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a test harness: it reads the clock, touches files and says what it skips"
)]

pub mod authority;
pub mod control;
pub mod files;
pub mod network;
pub mod outside;
pub mod peers;
pub mod pty;
pub mod run;
pub mod sshd;
mod subject;
pub mod terminal;

pub use subject::{PASSWORD, Server, USER, program as carrack};

/// How data connections are made, and over which family.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// PASV or EPSV over IPv4.
    Passive4,
    /// EPSV over IPv6.
    Passive6,
    /// PORT or EPRT over IPv4.
    Active4,
    /// EPRT over IPv6.
    Active6,
}

impl Way {
    /// Whether the server connects to the client.
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Active4 | Self::Active6)
    }

    /// Whether it is IPv6.
    pub const fn is_v6(self) -> bool {
        matches!(self, Self::Passive6 | Self::Active6)
    }
}

/// Whether a missing client is a failure: `CARRACK_REQUIRE_CLIENTS=1`, or `CI=true`.
pub fn clients_are_required() -> bool {
    let set = |name: &str, value: &str| std::env::var(name).is_ok_and(|v| v == value);
    set("CARRACK_REQUIRE_CLIENTS", "1") || set("CI", "true")
}

/// Says that a test cannot run here, and why; fails it where nothing may be skipped.
///
/// # Panics
/// Where clients are required.
pub fn skip(why: &str) {
    assert!(!clients_are_required(), "{why}, and nothing may be skipped here");
    eprintln!("SKIPPED: {why}");
    // Test runners hide what a test says that passes; whoever started them may want to know.
    if let Some(log) = std::env::var_os("CARRACK_SKIPPED")
        && let Ok(mut log) = std::fs::File::options().create(true).append(true).open(log)
    {
        let _ = std::io::Write::write_all(&mut log, format!("{why}\n").as_bytes());
    }
}

/// Ends the test, skipped, if the program is not installed.
#[macro_export]
macro_rules! need {
    ($program:expr) => {
        if !$crate::run::is_installed($program) {
            $crate::skip(&format!("{} is not installed", $program));
            return;
        }
    };
}

/// Where `cargo xtask test` puts basic-ftp, for `NODE_PATH`.
pub fn node_modules() -> std::path::PathBuf {
    subject::downloads().join("interop/node_modules")
}

/// Where `cargo xtask test` puts sslyze.
pub fn sslyze() -> std::path::PathBuf {
    subject::downloads().join("interop/sslyze/bin/sslyze")
}

/// Where `cargo xtask test` unpacks the curl whose `--krb` works.
pub fn curl_with_kerberos() -> std::path::PathBuf {
    subject::downloads().join("peers/curl-7.74")
}

/// Where `cargo xtask test` unpacks tftpd-hpa, which cannot be installed beside atftpd.
pub fn tftpd_hpa() -> std::path::PathBuf {
    subject::downloads().join("peers/tftpd-hpa/usr/sbin/in.tftpd")
}

/// Where `cargo xtask test` puts the Python that has this package.
pub fn python(package: &str) -> std::path::PathBuf {
    subject::downloads().join("interop").join(package).join("bin/python3")
}

/// Where `cargo xtask test` puts the Python that has tftpy.
pub fn tftpy() -> std::path::PathBuf {
    subject::downloads().join("interop/tftpy/bin/python3")
}
