//! Which time does somebody mean: a date, a time of day on it, seconds since 1970, or so long ago?

use std::str::FromStr;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, Zoned};
use types::Time;

const FORMS: &str = "expected 2026-11-21, \"2026-11-21 14:30\", 2026-11-21T14:30:05Z, @SECONDS since 1970, or 3d for three days ago (s, m, h, d, w)";

/// A point in time, read on the command line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Moment(pub(crate) Time);

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        read(text.trim(), &now()).map(Self).ok_or_else(|| FORMS.to_owned())
    }
}

impl Moment {
    /// `[[CC]YY]MMDDhhmm[.ss]`, as touch(1) has it, where this machine is.
    ///
    /// # Errors
    /// What it must look like.
    pub(crate) fn parse_stamp(text: &str) -> Result<Self, String> {
        stamp(text, &now()).map(Self).ok_or_else(|| "expected [[CC]YY]MMDDhhmm[.ss]".to_owned())
    }
}

fn now() -> Zoned {
    let now = io::clock::wall();
    Timestamp::from_second(now.seconds).unwrap_or_default().to_zoned(TimeZone::system())
}

/// A time as people write it. What names no zone is of this machine's.
fn read(text: &str, now: &Zoned) -> Option<Time> {
    if text == "now" {
        return Some(time_of(now.timestamp()));
    }
    if let Some(seconds) = text.strip_prefix('@') {
        return Some(time_of(Timestamp::from_second(seconds.parse().ok()?).ok()?));
    }
    if let Ok(stamp) = text.parse::<Timestamp>() {
        return Some(time_of(stamp));
    }
    if let Some(time) = ago(text, now) {
        return Some(time);
    }
    let civil = match text.parse::<DateTime>() {
        Ok(civil) => civil,
        Err(_) => text.parse::<Date>().ok()?.to_datetime(jiff::civil::Time::midnight()),
    };
    Some(time_of(civil.to_zoned(now.time_zone().clone()).ok()?.timestamp()))
}

/// `3d`: so long before now.
fn ago(text: &str, now: &Zoned) -> Option<Time> {
    let unit = text.chars().last()?;
    let count: i64 = text.strip_suffix(unit)?.parse().ok().filter(|count| (0..=1_000_000_000).contains(count))?;
    let span = match unit {
        's' => Span::new().try_seconds(count),
        'm' => Span::new().try_minutes(count),
        'h' => Span::new().try_hours(count),
        'd' => Span::new().try_days(count),
        'w' => Span::new().try_weeks(count),
        _ => return None,
    };
    Some(time_of(now.checked_sub(span.ok()?).ok()?.timestamp()))
}

fn stamp(text: &str, now: &Zoned) -> Option<Time> {
    let (digits, second) = text.split_once('.').unwrap_or((text, "00"));
    if !digits.bytes().chain(second.bytes()).all(|b| b.is_ascii_digit()) || second.len() != 2 {
        return None;
    }
    let (year, rest) = match digits.len() {
        8 => (now.year(), digits),
        // POSIX: 69 to 99 are of the last century.
        10 => {
            let (year, rest) = digits.split_at_checked(2)?;
            let year: i16 = year.parse().ok()?;
            (if year >= 69 { 1900 + year } else { 2000 + year }, rest)
        }
        12 => {
            let (year, rest) = digits.split_at_checked(4)?;
            (year.parse().ok()?, rest)
        }
        _ => return None,
    };
    let part = |at: usize| rest.get(at..at + 2)?.parse::<i8>().ok();
    let civil = DateTime::new(year, part(0)?, part(2)?, part(4)?, part(6)?, second.parse().ok()?, 0).ok()?;
    Some(time_of(civil.to_zoned(now.time_zone().clone()).ok()?.timestamp()))
}

fn time_of(stamp: Timestamp) -> Time {
    let (seconds, nanos) = (stamp.as_second(), stamp.subsec_nanosecond());
    // Nanoseconds count forward even before the epoch.
    match u32::try_from(nanos) {
        Ok(nanos) => Time { seconds, nanos },
        Err(_) => Time { seconds: seconds - 1, nanos: u32::try_from(1_000_000_000 + nanos).unwrap_or(0) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Zoned {
        // Middle Europe, on the evening before its clocks go forward.
        let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        "2026-03-28T19:00:00Z".parse::<Timestamp>().unwrap().to_zoned(zone)
    }

    fn seconds(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_second()
    }

    #[test]
    fn times_are_read_as_people_write_them() {
        for (text, means) in [
            ("2026-01-02", "2026-01-01T23:00:00Z"),
            ("2026-07-02", "2026-07-01T22:00:00Z"),
            ("2026-01-02 14:30", "2026-01-02T13:30:00Z"),
            ("2026-01-02T14:30:05", "2026-01-02T13:30:05Z"),
            ("2026-01-02T14:30:05Z", "2026-01-02T14:30:05Z"),
            ("2026-01-02T14:30:05-02:00", "2026-01-02T16:30:05Z"),
            ("@1000000000", "2001-09-09T01:46:40Z"),
            ("now", "2026-03-28T19:00:00Z"),
            ("90m", "2026-03-28T17:30:00Z"),
            ("1w", "2026-03-21T19:00:00Z"),
        ] {
            assert_eq!(read(text, &now()).unwrap().seconds, seconds(means), "{text}");
        }
        assert_eq!(read("1969-12-31T23:59:59.5Z", &now()), Some(Time { seconds: -1, nanos: 500_000_000 }));
        for text in ["", "yesterday", "2026-13-01", "2026-02-30", "3y", "-3d", "@x", "3", "99999999999999d", "é"] {
            assert_eq!(read(text, &now()), None, "{text}");
        }
    }

    #[test]
    fn stamps_are_those_of_touch() {
        for (text, means) in [
            ("202601021430", "2026-01-02T13:30:00Z"),
            ("202601021430.05", "2026-01-02T13:30:05Z"),
            ("2601021430", "2026-01-02T13:30:00Z"),
            ("9901021430", "1999-01-02T13:30:00Z"),
            ("01021430", "2026-01-02T13:30:00Z"),
        ] {
            assert_eq!(stamp(text, &now()).unwrap().seconds, seconds(means), "{text}");
        }
        for text in ["", "1430", "202613021430", "202601021430.5", "202601021430.61", "2026010214é"] {
            assert_eq!(stamp(text, &now()), None, "{text}");
        }
    }
}
