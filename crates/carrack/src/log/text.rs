//! A fact as a line for people: `12:03:11 3f2a91c4 anna@203.0.113.5  RETR /big.iso  1.2 GiB in 3.1 s (396 MiB/s)`.

use std::fmt::Write;
use std::io::IsTerminal;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::sync::OnceLock;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use trace::SessionInfo;
use types::Time;
use types::text::printable;

use super::fact::Fact;

/// What the place can show that lines go to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Look {
    /// Colours, which never say anything that the words do not.
    pub(crate) colours: bool,
    /// Box drawing in ladders.
    pub(crate) unicode: bool,
    /// How wide ladders may be.
    pub(crate) columns: usize,
}

impl Look {
    /// No colours: a file or a pipe.
    pub(crate) const fn plain() -> Self {
        Self { colours: false, unicode: true, columns: 100 }
    }

    /// What standard output can show: colours at a terminal, unless NO_COLOR or a dumb terminal say otherwise.
    pub(crate) fn of_stdout() -> Self {
        Self::of(std::io::stdout())
    }

    /// The same of standard error.
    pub(crate) fn of_stderr() -> Self {
        Self::of(std::io::stderr())
    }

    fn of(stream: impl IsTerminal + AsFd) -> Self {
        let set = |name: &str| std::env::var_os(name).is_some_and(|v| !v.is_empty());
        let colours = stream.is_terminal() && !set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|t| t != "dumb");
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|n| std::env::var(n).ok().filter(|v| !v.is_empty()));
        let unicode = locale.is_none_or(|l| !matches!(l.as_str(), "C" | "POSIX"));
        let columns = rustix::termios::tcgetwinsize(&stream).ok().map(|size| usize::from(size.ws_col)).filter(|c| *c > 0);
        Self { colours, unicode, columns: columns.unwrap_or(100) }
    }

    const fn dim(self) -> (&'static str, &'static str) {
        if self.colours { ("\x1b[2m", "\x1b[0m") } else { ("", "") }
    }

    const fn bad(self) -> (&'static str, &'static str) {
        if self.colours { ("\x1b[31m", "\x1b[0m") } else { ("", "") }
    }
}

/// The line, with its end.
pub(super) fn line(now: Time, session: Option<&SessionInfo>, fact: &Fact<'_>, look: Look) -> String {
    let mut line = clock(now);
    let (dim, end) = look.dim();
    if let Some(s) = session {
        let _ = write!(line, " {dim}{}{end} ", s.id);
        if let Some(user) = &s.user {
            let _ = write!(line, "{}@", printable(user));
        }
        let _ = write!(line, "{}", s.peer.ip().to_canonical());
    }
    line.push_str("  ");
    about(&mut line, fact);
    if let Some(reason) = fact.reason {
        let (red, end) = look.bad();
        let cause = reason.cause();
        let _ = match (fact.event, fact.moved) {
            ("note", _) => write!(line, "note: {cause}"),
            ("closed", _) => write!(line, "{red}: {cause}{end}"),
            (_, Some((_, bytes))) => write!(line, "  {red}failed after {}: {cause}{end}", size(bytes)),
            _ => write!(line, "  {red}failed: {cause}{end}"),
        };
        if let Some(detail) = &fact.detail {
            let _ = write!(line, " ({})", printable(detail));
        }
        let _ = write!(line, " [{}] {dim}{}{end}", reason.code(), reason.remedy());
    } else if let Some((_, bytes)) = fact.moved {
        let _ = write!(line, "  {}", size(bytes));
        if let Some(took) = fact.took {
            let _ = write!(line, " in {}", seconds(took));
            if bytes >= 1 << 20 && took.as_micros() > 0 {
                let rate = (bytes as f64 / took.as_secs_f64()) as u64;
                let _ = write!(line, " ({}/s)", size(rate));
            }
        }
    }
    line.push('\n');
    line
}

fn about(line: &mut String, fact: &Fact<'_>) {
    if let Some(session) = fact.session {
        let _ = write!(line, "connected to {} ({})", session.listener, canonical(session.local));
        return;
    }
    if let Some(words) = &fact.words {
        line.push_str(&printable(words));
    }
    if let Some(command) = &fact.command {
        line.push_str(&printable(command));
    }
    if let Some(path) = &fact.path {
        let _ = write!(line, " {}", printable(path));
    }
    if fact.event == "closed" {
        line.push_str("closed");
        if fact.reason.is_none()
            && let Some(took) = fact.took
        {
            let _ = write!(line, " after {}", seconds(took));
        }
    }
    if let Some(address) = fact.address {
        let _ = write!(line, " {address}");
    }
}

/// A ladder, with a line before it that says whose it is.
pub(super) fn ladder(session: &SessionInfo, drawn: &str) -> String {
    let user = session.user.as_ref().map(|u| format!("{}@", printable(u))).unwrap_or_default();
    format!("\n   session {} of {user}{}\n{drawn}\n", session.id, canonical(session.peer))
}

/// An IPv4 address that came in at an IPv6 socket is shown as the IPv4 address it is.
pub(super) fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// The time of day here, to the second.
fn clock(now: Time) -> String {
    static ZONE: OnceLock<TimeZone> = OnceLock::new();
    let zone = ZONE.get_or_init(TimeZone::system);
    match Timestamp::new(now.seconds, i32::try_from(now.nanos).unwrap_or(0)) {
        Ok(t) => {
            let t = t.to_zoned(zone.clone());
            format!("{:02}:{:02}:{:02}", t.hour(), t.minute(), t.second())
        }
        Err(_) => "--:--:--".to_owned(),
    }
}

/// Bytes as people say them: `512 B`, `1.2 GiB`, `396 MiB`.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut n = bytes as f64 / 1024.0;
    let mut unit = 0;
    // 1023.95 would round up to 1024.0.
    while n >= 1023.95 && unit + 1 < UNITS.len() {
        n /= 1024.0;
        unit += 1;
    }
    let unit = UNITS.get(unit).copied().unwrap_or_default();
    if n < 99.95 { format!("{n:.1} {unit}") } else { format!("{n:.0} {unit}") }
}

/// A time as people say it: `3 ms`, `3.1 s`, `12 min 5 s`.
fn seconds(took: Duration) -> String {
    match took.as_secs() {
        0 if took.as_millis() == 0 => "under 1 ms".to_owned(),
        0 => format!("{} ms", took.as_millis()),
        1..=119 => format!("{:.1} s", took.as_secs_f64()),
        s @ 120..=7_199 => format!("{} min {} s", s / 60, s % 60),
        s => format!("{} h {} min", s / 3_600, s / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_as_people_say_them() {
        for (bytes, says) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1_048_575, "1.0 MiB"),
            (102_400, "100 KiB"),
            (1_288_490_188, "1.2 GiB"),
            (u64::MAX, "16.0 EiB"),
        ] {
            assert_eq!(size(bytes), says);
        }
        for (ms, says) in [(0, "under 1 ms"), (3, "3 ms"), (3_100, "3.1 s"), (725_000, "12 min 5 s"), (7_260_000, "2 h 1 min")] {
            assert_eq!(seconds(Duration::from_millis(ms)), says);
        }
    }

    #[test]
    fn nothing_controls_the_terminal() {
        let line = line(Time::default(), None, &Fact::words("note", "a\x1b[2Jb\nc"), Look::plain());
        assert_eq!(line.get(8..), Some("  a\\x1b[2Jb\\x0ac\n"));
    }
}
