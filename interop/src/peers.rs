//! Where do the other servers come from? Debian's packages, unpacked side by side below `target/peers` because they exclude
//! one another when installed, and pyftpdlib from PyPI into a virtual environment there.

use crate::subject::downloads as target;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What can go wrong here: a sentence for people.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// A server from a Debian package, unpacked.
pub struct Unpacked {
    /// Its program.
    pub program: PathBuf,
    /// Folders with the libraries that are not installed here, for `LD_LIBRARY_PATH`.
    pub libraries: String,
    /// The package's version.
    pub version: String,
}

/// Holds others off while something is fetched: tests run side by side, and each in a process of its own.
fn alone() -> Result<fs::File> {
    let home = target().join("peers");
    fs::create_dir_all(&home)?;
    let lock = fs::File::create(home.join(".lock"))?;
    lock.lock()?;
    Ok(lock)
}

/// Runs a command to its end; its standard output, or what went wrong.
pub fn output(command: &mut Command) -> Result<String> {
    let done = command.stdin(Stdio::null()).output().map_err(|why| format!("{command:?}: {why}"))?;
    if done.status.success() {
        Ok(String::from_utf8_lossy(&done.stdout).into_owned())
    } else {
        Err(format!("{command:?}: {}\n{}", done.status, String::from_utf8_lossy(&done.stderr).trim_end()).into())
    }
}

/// The package, downloaded and unpacked unless that was done before.
pub fn debian(package: &str, program: &str) -> Result<Unpacked> {
    let _alone = alone()?;
    let home = target().join("peers").join(package);
    let complete = home.join(".complete");
    if !complete.exists() {
        unpack(package, &home)?;
        fs::write(&complete, "")?;
    }
    let libraries = ["usr/lib", "lib"]
        .iter()
        .flat_map(|below| {
            let below = home.join(below);
            fs::read_dir(&below).into_iter().flatten().flatten().map(|e| e.path()).chain([below]).collect::<Vec<_>>()
        })
        .filter(|path| path.is_dir())
        .map(|path| path.display().to_string())
        .collect::<Vec<_>>()
        .join(":");
    let program = home.join(program);
    if !program.exists() {
        return Err(format!("{} is not in package {package}", program.display()).into());
    }
    let version = fs::read_to_string(home.join(".version"))?;
    Ok(Unpacked { program, libraries, version })
}

fn unpack(package: &str, home: &Path) -> Result<()> {
    let _ = fs::remove_dir_all(home);
    fs::create_dir_all(home)?;
    let mut wanted = vec![package.to_owned()];
    let mut seen = BTreeSet::new();
    while let Some(name) = wanted.pop() {
        if !seen.insert(name.clone()) {
            continue;
        }
        let before = packages(home);
        output(Command::new("apt-get").args(["download", "-qq", &name]).current_dir(home))?;
        let file = packages(home).difference(&before).next().cloned().ok_or_else(|| format!("apt-get brought no {name}"))?;
        output(Command::new("dpkg-deb").arg("-x").arg(&file).arg(home))?;
        let field = |field: &str| output(Command::new("dpkg-deb").arg("-f").arg(&file).arg(field));
        if name == package {
            fs::write(home.join(".version"), field("Version")?.trim())?;
        }
        // Libraries that are not installed come along; everything else a package asks for is about installing it.
        for needed in field("Depends")?.split([',', '|']).filter_map(|part| part.split_whitespace().next()) {
            if needed.starts_with("lib") && !installed(needed) {
                wanted.push(needed.to_owned());
            }
        }
    }
    Ok(())
}

/// The last curl of Debian's whose `--krb` logs in: 7.88 cannot send behind the exchange, newer ones know nothing of it. Its
/// files as Debian 11 has them, with their SHA-256.
const CURL_WITH_KERBEROS: [(&str, &str); 4] = [
    ("c/curl/curl_7.74.0-1.3+deb11u13_amd64.deb", "68b366194548741c4b5e05a7c502880e268e84cd8f77712dbcf264d344a50f6f"),
    ("c/curl/libcurl4_7.74.0-1.3+deb11u13_amd64.deb", "a8e9795ec5045e54866af3640c1f2abcf07ad2a56ecd0efa25fe57342ab34ebf"),
    ("o/openssl/libssl1.1_1.1.1w-0+deb11u1_amd64.deb", "aadf8b4b197335645b230c2839b4517aa444fd2e8f434e5438c48a18857988f7"),
    (
        "o/openldap/libldap-2.4-2_2.4.57+dfsg-3+deb11u1_amd64.deb",
        "3d79ee84c42c1d1b58a6e0d7debc7e3c8444147b84412b8248a7789809bc3163",
    ),
];

/// Where Debian keeps files, the first one those of releases that are still looked after.
const POOLS: [&str; 2] = ["http://deb.debian.org/debian/pool/main", "http://archive.debian.org/debian/pool/main"];

/// Debian 11's curl, downloaded and unpacked unless that was done before.
pub fn curl_with_kerberos() -> Result<()> {
    let _alone = alone()?;
    let home = target().join("peers/curl-7.74");
    let complete = home.join(".complete");
    if complete.exists() {
        return Ok(());
    }
    fs::create_dir_all(&home)?;
    for (path, digest) in CURL_WITH_KERBEROS {
        let file = home.join("package.deb");
        let fetch = |pool: &str| {
            let url = format!("{pool}/{}", path.replace('+', "%2B"));
            output(Command::new("curl").args(["-fsSL", "--max-time", "120", "--retry", "2", "-o"]).arg(&file).arg(url))
        };
        fetch(POOLS[0]).or_else(|_| fetch(POOLS[1]))?;
        let found = output(Command::new("sha256sum").arg(&file))?;
        if !found.starts_with(digest) {
            return Err(format!("{path} is not what it was: {found}").into());
        }
        output(Command::new("dpkg-deb").arg("-x").arg(&file).arg(&home))?;
    }
    Ok(fs::write(&complete, "")?)
}

fn packages(home: &Path) -> BTreeSet<PathBuf> {
    let entries = fs::read_dir(home).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.filter(|path| path.extension().is_some_and(|extension| extension == "deb")).collect()
}

fn installed(package: &str) -> bool {
    output(Command::new("dpkg-query").args(["-W", "-f", "${Status}", package])).is_ok_and(|status| status.ends_with(" installed"))
}

/// The Python of an environment that has pyftpdlib, and that one's version.
pub fn pyftpdlib() -> Result<(PathBuf, String)> {
    let _alone = alone()?;
    let home = target().join("peers").join("pyftpdlib");
    let python = home.join("bin/python3");
    let version = || output(Command::new(&python).args(["-c", "import pyftpdlib; print(pyftpdlib.__ver__)"]));
    if version().is_err() {
        output(Command::new("python3").args(["-m", "venv"]).arg(&home))?;
        output(Command::new(&python).args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "pyftpdlib"]))?;
    }
    let version = version()?.trim().to_owned();
    Ok((python, version))
}

/// The version of pyOpenSSL beside it, without which it speaks no TLS.
pub fn pyopenssl(python: &Path) -> Result<String> {
    let _alone = alone()?;
    let version = || output(Command::new(python).args(["-c", "import OpenSSL; print(OpenSSL.__version__)"]));
    if version().is_err() {
        output(Command::new(python).args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "pyOpenSSL"]))?;
    }
    Ok(version()?.trim().to_owned())
}
