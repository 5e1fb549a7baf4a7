//! How are `[[mount]]`, `[limits]`, `[mail]`, `[log]`, `[audit]`, `[trace]` and `[process]` read?
#![allow(clippy::disallowed_methods, reason = "the configuration is one of the owners of files")]

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gate::rules::{AuditPolicy, AuditSettings, Limits, MailRules};
use vfs::storage::Durability;

use super::section::{Section, Told};
use super::value;
use super::{Log, LogForm, Mount, MountKind, Process, Trace, Waits};

/// A mount, and where its name stands.
pub(super) struct ReadMount {
    pub(super) mount: Option<Mount>,
    pub(super) name: Option<Told<Box<str>>>,
}

/// Reads `[[mount]]`.
pub(super) fn mount(section: Section<'_>, base: &Path) -> ReadMount {
    #[derive(Clone, Copy)]
    enum Word {
        Local,
        Memory,
    }
    let name = section.needed("name", "data").and_then(|_| section.parsed("name", value::name));
    if !section.says("kind") {
        section.needed("kind", "local");
    }
    let word = section.choice("kind", &[("local", Word::Local), ("memory", Word::Memory)]);
    let path = if matches!(word, Some(Word::Local)) { section.needed("path", "/srv/ftp") } else { section.text("path") };
    let size = section.bytes("size");
    let kind = word.and_then(|word| match word {
        Word::Local => {
            refuse(&section, "size", "local");
            folder(&section, path?, base).map(MountKind::Local)
        }
        Word::Memory => {
            for key in ["path", "durability", "keep_parts_hours", "file_mode", "dir_mode"] {
                refuse(&section, key, "memory");
            }
            Some(MountKind::Memory { size: size.unwrap_or(64 << 20) })
        }
    });
    let read_only = section.flag("read_only").unwrap_or(false);
    let durability = section.choice("durability", &[("commit", Durability::Commit), ("os", Durability::Os)]).unwrap_or_default();
    let keep = section.number("keep_parts_hours", 0..=8_760).unwrap_or(24);
    let file_mode = section.parsed("file_mode", value::mode).map(|t| t.value);
    let dir_mode = section.parsed("dir_mode", value::mode).map(|t| t.value);
    let mount = name.clone().zip(kind).map(|(name, kind)| Mount {
        name: name.value,
        kind,
        read_only,
        durability,
        keep_parts: Duration::from_secs(keep * 3_600),
        file_mode,
        dir_mode,
    });
    section.end();
    ReadMount { mount, name }
}

fn refuse(section: &Section<'_>, key: &str, kind: &str) {
    if section.says(key) {
        let what = format!("{} is of kind \"{kind}\", which has no `{key}`", section.header());
        section.fault(section.place(key), what, format!("Take out {key}."));
    }
}

fn folder(section: &Section<'_>, told: Told<&str>, base: &Path) -> Option<PathBuf> {
    let path = base.join(told.value);
    let shown = path.display();
    match std::fs::metadata(&path) {
        Ok(m) if m.is_dir() => return std::path::absolute(&path).ok(),
        Ok(_) => section.fault(told.at, format!("{shown} is not a folder"), "Name a folder."),
        Err(e) => section.fault(
            told.at,
            format!("the folder {shown} cannot be opened: {e}"),
            "Make the folder, or give the server's user the right to enter it.",
        ),
    }
    None
}

/// Reads `[limits]`.
pub(super) fn limits(section: Section<'_>) -> (Limits, Waits, u64) {
    let seconds = |key: &'static str, within: std::ops::RangeInclusive<u64>, default: Duration| {
        section.number(key, within).map_or(default, Duration::from_secs)
    };
    let count = |key: &'static str, default: u32| section.number32(key, 1..=10_000_000).unwrap_or(default);
    let (l, w) = (Limits::default(), Waits::default());
    let limits = Limits {
        sessions: count("sessions", l.sessions),
        sessions_per_address: count("sessions_per_address", l.sessions_per_address),
        transfers: count("transfers", l.transfers),
        tries: section.number32("tries", 1..=1_000).unwrap_or(l.tries),
        ban_after: section.number32("ban_after", 0..=1_000_000).unwrap_or(l.ban_after),
        ban_window: seconds("ban_window_seconds", 1..=2_592_000, l.ban_window),
        ban: seconds("ban_seconds", 1..=31_536_000, l.ban),
        delay: section.number("delay_milliseconds", 0..=60_000).map_or(l.delay, Duration::from_millis),
        delay_most: section.number("delay_most_milliseconds", 0..=60_000).map_or(l.delay_most, Duration::from_millis),
        addresses: section.number("addresses", 16..=10_000_000).map_or(l.addresses, |n| n as usize),
        hashing: section.number("hashing", 1..=1_024).map_or(l.hashing, |n| n as usize),
        idle_seconds: section.number("idle_seconds", 1..=604_800).unwrap_or(l.idle_seconds),
        rate_up: section.bytes("rate_up"),
        rate_down: section.bytes("rate_down"),
        entries: section.number("entries", 1..=u64::MAX >> 1).unwrap_or(l.entries),
    };
    let waits = Waits {
        login: seconds("login_seconds", 1..=86_400, w.login),
        data_connect: seconds("data_connect_seconds", 1..=3_600, w.data_connect),
        stall: seconds("stall_seconds", 1..=86_400, w.stall),
        idle_most: seconds("idle_most_seconds", 1..=604_800, w.idle_most),
        drain: seconds("drain_seconds", 0..=86_400, w.drain),
    };
    let ascii_size = section.bytes("ascii_size").unwrap_or(super::ASCII_SIZE);
    if limits.idle_seconds > waits.idle_most.as_secs() {
        let key = if section.says("idle_most_seconds") { "idle_most_seconds" } else { "idle_seconds" };
        let what =
            format!("idle_seconds ({}) is longer than idle_most_seconds ({})", limits.idle_seconds, waits.idle_most.as_secs());
        section.fault(section.place(key), what, "Make idle_most_seconds at least idle_seconds.");
    }
    if limits.delay > limits.delay_most {
        let key = if section.says("delay_milliseconds") { "delay_milliseconds" } else { "delay_most_milliseconds" };
        let what = format!(
            "the first delay ({} ms) is longer than the longest ({} ms)",
            limits.delay.as_millis(),
            limits.delay_most.as_millis()
        );
        section.fault(section.place(key), what, "Make delay_most_milliseconds at least delay_milliseconds.");
    }
    section.end();
    (limits, waits, ascii_size)
}

/// Where mail is kept, and where the mount's name stands.
pub(super) struct ReadMail {
    pub(super) rules: MailRules,
    pub(super) mount_at: Range<usize>,
}

/// Reads `[mail]`.
pub(super) fn mail(section: Section<'_>) -> Option<ReadMail> {
    let mount = section.needed("mount", "post").and_then(|_| section.parsed("mount", value::name));
    let most = section.number32("most", 1..=100_000).unwrap_or(100);
    let size = section.bytes("size").unwrap_or(64 << 10);
    section.end();
    let mount = mount?;
    Some(ReadMail { rules: MailRules { mount: mount.value, most, size }, mount_at: mount.at })
}

/// Reads `[log]`.
pub(super) fn log(section: Section<'_>, base: &Path) -> Log {
    let log = Log {
        form: section.choice("format", &[("text", LogForm::Text), ("json", LogForm::Json)]).unwrap_or_default(),
        quiet: section.flag("quiet").unwrap_or(false),
        file: written(&section, "file", base),
    };
    section.end();
    log
}

/// Reads `[audit]`.
pub(super) fn audit(section: Section<'_>, base: &Path) -> AuditSettings {
    let d = AuditSettings::default();
    let audit = AuditSettings {
        file: written(&section, "file", base),
        policy: section.choice("policy", &[("strict", AuditPolicy::Strict), ("lossy", AuditPolicy::Lossy)]).unwrap_or_default(),
        queue: section.number("queue", 1..=1_000_000).map_or(d.queue, |n| n as usize),
        recent: section.number("recent", 0..=1_000_000).map_or(d.recent, |n| n as usize),
    };
    if !section.says("file") && section.says("policy") {
        section.fault(
            section.place("policy"),
            "`policy` of [audit] does nothing without a file",
            "Add file = \"/var/log/carrack/audit.jsonl\".",
        );
    }
    section.end();
    audit
}

/// A file that will be written: its folder must stand.
fn written(section: &Section<'_>, key: &'static str, base: &Path) -> Option<PathBuf> {
    let told = section.text(key)?;
    let at: Range<usize> = told.at;
    if told.value.is_empty() {
        section.fault(at, format!("`{key}` of {} is empty", section.header()), "Name a file, or leave the key out.");
        return None;
    }
    let path = std::path::absolute(base.join(told.value)).ok()?;
    if path.is_dir() {
        section.fault(at, format!("{} is a folder", path.display()), "Name a file in it.");
        return None;
    }
    match path.parent() {
        Some(folder) if folder.is_dir() => Some(path),
        _ => {
            let shown = path.parent().unwrap_or(Path::new("/")).display().to_string();
            section.fault(at, format!("the folder {shown} does not exist"), "Make the folder first.");
            None
        }
    }
}

/// Reads `[trace]`.
pub(super) fn trace(section: Section<'_>) -> Trace {
    let d = Trace::default();
    let trace = Trace {
        ladders: section.flag("ladders").unwrap_or(d.ladders),
        events: section.number("events", 0..=100_000).map_or(d.events, |n| n as usize),
    };
    section.end();
    trace
}

/// Reads `[process]`.
pub(super) fn process(section: Section<'_>) -> Process {
    let d = Process::default();
    let process = Process {
        user: section.parsed("user", value::name).map(|t| t.value),
        group: section.parsed("group", value::name).map(|t| t.value),
        landlock: section.flag("landlock").unwrap_or(d.landlock),
        seccomp: section.flag("seccomp").unwrap_or(d.seccomp),
        workers: section.number("workers", 1..=1_024).map(|n| n as usize),
    };
    if process.group.is_some() && process.user.is_none() && !section.says("user") {
        section.fault(section.place("group"), "[process] has a `group` and no `user`", "Add user = \"…\", or take out group.");
    }
    section.end();
    process
}
