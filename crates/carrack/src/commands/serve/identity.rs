//! Which certificates are shown, when do they end, and when are their files read again? As soon as they change: the next
//! handshake is shown the new one, and sessions that run notice nothing. New files that are of no use change nothing.
#![allow(clippy::disallowed_methods, reason = "looks at the files of certificates, to see whether they changed")]

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use io::tls::{self, Certificate, Certificates, Clients, Files, LoadError, Roots};
use types::{Reason, Time};

use super::Refused;
use super::own::{self, Own};
use crate::acme::State;
use crate::config::{ClientCertificates, Config};

/// How often files are looked at. Programs that renew certificates write links, folders and disks of all kinds, of
/// which the kernel does not always tell.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How long they must have stayed as they are before they are read: a certificate and its key are written one by one.
const SETTLED: Duration = Duration::from_millis(500);
/// How often it is asked whether one ends soon.
const DATES_EVERY: Duration = Duration::from_secs(3_600);
/// Days before its end at which a certificate is warned of.
const WARN_BEFORE: [i64; 4] = [1, 7, 14, 30];

const DAY: i64 = 86_400;

/// All that is shown, and how clients' certificates are checked.
pub(super) struct Identity {
    shown: Certificates,
    in_use: Loaded,
    /// Days before the end that were warned of last, by fingerprint.
    warned: HashMap<String, i64>,
}

/// What was read, and not in use yet.
pub(super) struct Loaded {
    files: Vec<Files>,
    /// One that no file holds.
    fleeting: Option<Certificate>,
    /// Why it does not.
    pub(super) remark: Option<String>,
    certificates: Vec<Certificate>,
    /// By listener.
    servers: HashMap<Box<str>, Arc<tls::Server>>,
}

impl Identity {
    /// Reads everything for the first time.
    pub(super) fn load(config: &Config) -> Result<Self, Refused> {
        let shown = Certificates::new(Vec::new());
        let in_use = read(config, None, &shown)?;
        shown.replace(in_use.certificates.clone());
        Ok(Self { shown, in_use, warned: HashMap::new() })
    }

    /// Reads everything again, for a configuration that may be another.
    pub(super) fn prepare(&self, config: &Config) -> Result<Loaded, Refused> {
        read(config, Some(&self.in_use), &self.shown)
    }

    /// Uses what was read; tells which certificates are new.
    pub(super) fn take(&mut self, loaded: Loaded) -> Vec<Certificate> {
        let known: Vec<String> = self.in_use.certificates.iter().map(Certificate::fingerprint).collect();
        self.shown.replace(loaded.certificates.clone());
        self.in_use = loaded;
        self.all().iter().filter(|c| !known.contains(&c.fingerprint())).cloned().collect()
    }

    /// Certificates in use.
    pub(super) fn all(&self) -> &[Certificate] {
        &self.in_use.certificates
    }

    /// The name that programs can check the first of them by, where somebody else vouches for it.
    pub(super) fn known_as(&self) -> Option<&str> {
        let first = self.all().first().filter(|_| self.remark().is_none())?;
        first.names().iter().map(|n| &**n).find(|n| crate::config::host_name(n).is_ok())
    }

    /// Whether the first of them was made by the program itself, and where it is kept.
    pub(super) fn remark(&self) -> Option<&str> {
        self.in_use.remark.as_deref()
    }

    /// What a listener does TLS with, where it does.
    pub(super) fn server(&self, listener: &str) -> Option<Arc<tls::Server>> {
        self.in_use.servers.get(listener).cloned()
    }

    /// Warnings that are due now and were not given yet.
    pub(super) fn warnings(&mut self, now: Time) -> Vec<String> {
        let mut due = Vec::new();
        for certificate in &self.in_use.certificates {
            let Some((stage, words)) = warning(certificate, now) else { continue };
            if self.warned.insert(certificate.fingerprint(), stage) != Some(stage) {
                due.push(format!("the certificate {} {words}", names(certificate)));
            }
        }
        due
    }
}

/// The files that the configuration's certificates and issuers of clients' certificates are in.
pub(super) fn files(config: &Config, loaded: &[Files]) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = loaded.iter().flat_map(|f| [f.certificate.clone(), f.key.clone()]).collect();
    files.extend(config.acme.as_ref().map(|acme| State::of(acme).certificate()));
    files.extend(config.listeners.iter().filter_map(|l| l.tls.as_ref()?.clients.issuers().map(Path::to_owned)));
    files.sort();
    files.dedup();
    files
}

impl Identity {
    /// The files that could be read before the process gave up its rights, and cannot be any more.
    pub(super) fn out_of_reach(&self, config: &Config) -> Vec<PathBuf> {
        // One that an authority has not issued yet stands nowhere.
        let refused = |file: &PathBuf| std::fs::File::open(file).is_err_and(|e| e.kind() != std::io::ErrorKind::NotFound);
        self.files(config).into_iter().filter(refused).collect()
    }

    /// The files it was read from.
    pub(super) fn files(&self, config: &Config) -> Vec<PathBuf> {
        files(config, &self.in_use.files)
    }
}

fn read(config: &Config, before: Option<&Loaded>, shown: &Certificates) -> Result<Loaded, Refused> {
    let refused = |what: &str, e: &LoadError| Refused::new(what, Reason::Config, e.to_string());
    let mut loaded = Loaded {
        files: config.certificates.clone(),
        fleeting: None,
        remark: None,
        certificates: Vec::new(),
        servers: HashMap::new(),
    };
    if loaded.files.is_empty() && config.acme.is_none() && config.listeners.iter().any(|l| l.tls.is_some()) {
        match before {
            // Once made it stays while the process runs; another would look like an attack.
            Some(before) => {
                loaded.files = before.files.clone();
                loaded.fleeting = before.fleeting.clone();
                loaded.remark = before.remark.clone();
            }
            None => match own::ready(config.own_certificate.as_deref(), io::clock::wall()) {
                Ok(Own::Kept(files)) => {
                    loaded.remark = Some(format!("vouches for itself and is kept in {}", files.certificate.display()));
                    loaded.files.push(files);
                }
                Ok(Own::Fleeting(certificate, why)) => {
                    loaded.remark = Some(format!("vouches for itself and goes with this run: {why}"));
                    loaded.fleeting = Some(certificate);
                }
                Err(e) => return Err(refused("a certificate cannot be made", &e)),
            },
        }
    }
    loaded.certificates.extend(loaded.fleeting.clone());
    for files in &loaded.files {
        loaded.certificates.push(Certificate::load(files).map_err(|e| refused("a certificate cannot be used", &e))?);
    }
    // Until an authority has issued one, there is none of it to show; then its file appears.
    loaded.certificates.extend(config.acme.as_ref().and_then(|acme| State::of(acme).shown()));
    for listener in &config.listeners {
        let Some(wanted) = &listener.tls else { continue };
        let roots = |file: &Path| Roots::load(file).map_err(|e| refused("client_ca cannot be used", &e));
        let clients = match &wanted.clients {
            ClientCertificates::Off => Clients::Off,
            ClientCertificates::Optional(file) => Clients::Optional(roots(file)?),
            ClientCertificates::Required(file) => Clients::Required(roots(file)?),
        };
        let settings = tls::Settings { clients, only_1_3: wanted.only_1_3 };
        let server = tls::Server::new(shown, &settings).map_err(|e| refused("TLS cannot be set up", &e))?;
        loaded.servers.insert(listener.name.clone(), Arc::new(server));
    }
    Ok(loaded)
}

/// A certificate's names, for people.
pub(crate) fn names(certificate: &Certificate) -> String {
    match certificate.names() {
        [] => "without a name".to_owned(),
        names => format!("of {}", names.join(", ")),
    }
}

/// What is to be said of a certificate's time, and how near the end that is in days: the nearer, the smaller.
pub(crate) fn warning(certificate: &Certificate, now: Time) -> Option<(i64, String)> {
    let left = certificate.ends().seconds - now.seconds;
    let words = certificate.warning(now);
    if left < 0 {
        return words.map(|words| (-1, words));
    }
    let stage = WARN_BEFORE.into_iter().find(|days| left < days * DAY);
    match (stage, words) {
        (None, None) => None,
        (stage, Some(words)) => Some((stage.unwrap_or(i64::MAX), words)),
        (Some(stage), None) => Some((stage, format!("expires on {}, in {} days", date(certificate.ends()), left / DAY))),
    }
}

/// A day, as people write it.
pub(crate) fn date(time: Time) -> String {
    let day = time.civil();
    format!("{:04}-{:02}-{:02}", day.year, day.month, day.day)
}

/// What a file was like.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

/// What became of the files.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Turn {
    /// One is another now.
    Changed,
    /// They are as they were, and time has passed.
    Later,
}

/// Looks at files until they change. What it saw is kept between calls, so a call may be dropped.
pub(super) struct Watch {
    files: Vec<PathBuf>,
    seen: Vec<Option<Stamp>>,
    dates_at: Instant,
}

impl Watch {
    /// Watches these from now on.
    pub(super) fn new(files: Vec<PathBuf>) -> Self {
        let seen = stamps(&files);
        Self { files, seen, dates_at: io::clock::now() + DATES_EVERY }
    }

    /// Returns when a file has changed and settled, and from time to time.
    pub(super) async fn turn(&mut self) -> Turn {
        loop {
            if io::clock::now() >= self.dates_at {
                self.dates_at = io::clock::now() + DATES_EVERY;
                return Turn::Later;
            }
            io::clock::sleep_until(io::clock::now() + LOOK_EVERY).await;
            let mut last = self.look().await;
            if last == self.seen {
                continue;
            }
            loop {
                io::clock::sleep_until(io::clock::now() + SETTLED).await;
                let now = self.look().await;
                if now == last {
                    break;
                }
                last = now;
            }
            self.seen = last;
            return Turn::Changed;
        }
    }

    /// On the blocking pool: a network disk may take its time.
    async fn look(&self) -> Vec<Option<Stamp>> {
        let files = self.files.clone();
        io::task::blocking(move || stamps(&files)).await.unwrap_or_else(|_| self.seen.clone())
    }
}

fn stamps(files: &[PathBuf]) -> Vec<Option<Stamp>> {
    let stamp = |file: &PathBuf| {
        let meta = std::fs::metadata(file).ok()?;
        Some(Stamp { device: meta.dev(), inode: meta.ino(), size: meta.len(), modified: (meta.mtime(), meta.mtime_nsec()) })
    };
    files.iter().map(stamp).collect()
}

/// The folders that files are read from: those that are named, and those that links lead to.
pub(super) fn folders(files: &[PathBuf]) -> Vec<PathBuf> {
    let real = files.iter().filter_map(|f| f.canonicalize().ok());
    files.iter().cloned().chain(real).map(|f| crate::confine::folder_of(&f)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearer_the_end_the_louder_and_each_stage_once() {
        let folder = tempfile::tempdir().unwrap();
        let Own::Kept(files) = own::ready(Some(folder.path()), io::clock::wall()).unwrap() else { panic!("not kept") };
        let certificate = Certificate::load(&files).unwrap();
        let ends = certificate.ends().seconds;
        let stage = |left: i64| warning(&certificate, Time::from_seconds(ends - left)).map(|(stage, _)| stage);
        let stages: Vec<_> = [31 * DAY, 30 * DAY - 1, 14 * DAY - 1, 7 * DAY - 1, DAY - 1, -1].map(stage).into();
        assert_eq!(stages, [None, Some(30), Some(14), Some(7), Some(1), Some(-1)]);
        let (_, words) = warning(&certificate, Time::from_seconds(ends - 20 * DAY)).unwrap();
        assert!(words.starts_with("expires on ") && words.ends_with(", in 20 days"), "{words}");
        let in_use =
            Loaded { files: Vec::new(), fleeting: None, remark: None, certificates: vec![certificate], servers: HashMap::new() };
        let mut identity = Identity { shown: Certificates::new(Vec::new()), in_use, warned: HashMap::new() };
        let mut said = |left: i64| identity.warnings(Time::from_seconds(ends - left)).len();
        let counts: Vec<_> = [40 * DAY, 29 * DAY, 28 * DAY, 13 * DAY, 12 * DAY, 6 * DAY, DAY / 2, -1, -DAY].map(&mut said).into();
        assert_eq!(counts, [0, 1, 0, 1, 0, 1, 1, 1, 0]);
    }

    #[test]
    fn folders_are_those_named_and_those_links_lead_to() {
        let place = tempfile::tempdir().unwrap();
        let (live, archive) = (place.path().join("live"), place.path().join("archive"));
        std::fs::create_dir(&live).unwrap();
        std::fs::create_dir(&archive).unwrap();
        std::fs::write(archive.join("c1.pem"), "").unwrap();
        std::os::unix::fs::symlink("../archive/c1.pem", live.join("c.pem")).unwrap();
        let found = folders(&[live.join("c.pem")]);
        assert_eq!(found, [live, archive.canonicalize().unwrap()]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_file_that_is_written_another_that_takes_its_place_and_a_link_that_turns_are_seen() {
        let place = tempfile::tempdir().unwrap();
        let file = |name: &str| place.path().join(name);
        std::fs::write(file("a"), "1").unwrap();
        std::os::unix::fs::symlink("a", file("link")).unwrap();
        let mut watch = Watch::new(vec![file("a"), file("link"), file("none")]);
        let changed = async |watch: &mut Watch| tokio::time::timeout(3 * LOOK_EVERY, watch.turn()).await.ok();
        assert_eq!(changed(&mut watch).await, None);
        std::fs::write(file("a"), "22").unwrap();
        assert_eq!(changed(&mut watch).await, Some(Turn::Changed));
        assert_eq!(changed(&mut watch).await, None);
        std::fs::write(file("b"), "22").unwrap();
        std::fs::rename(file("b"), file("a")).unwrap();
        assert_eq!(changed(&mut watch).await, Some(Turn::Changed));
        std::fs::write(file("c"), "22").unwrap();
        std::os::unix::fs::symlink("c", file("new")).unwrap();
        std::fs::rename(file("new"), file("link")).unwrap();
        assert_eq!(changed(&mut watch).await, Some(Turn::Changed));
        std::fs::remove_file(file("a")).unwrap();
        assert_eq!(changed(&mut watch).await, Some(Turn::Changed));
    }
}
