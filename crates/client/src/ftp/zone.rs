//! In which time zone does a server print its listings? One file's time, asked for in UTC (MDTM), tells it for all.

use std::sync::{Arc, OnceLock};

use proto::ftp::client::{Operation, Outcome};
use proto::ftp::listing::Place;
use proto::ftp::listing::parse::{Item, Precision, Stamp};
use types::{Kind, Time};

use super::Connection;

/// Zones are told apart by quarters of an hour.
const STEP: i64 = 15 * 60;
/// No zone is farther from UTC.
const MOST: i64 = 15 * 3_600;

/// How far a server's clock is ahead of UTC, in seconds, once that is known; shared by all sessions to it.
#[derive(Clone, Debug, Default)]
pub(super) struct Zone(Arc<OnceLock<Option<i64>>>);

impl Zone {
    /// One that somebody has said.
    pub(super) fn said(ahead: Option<i64>) -> Self {
        let zone = Self::default();
        if ahead.is_some() {
            let _ = zone.0.set(ahead);
        }
        zone
    }

    /// Whether it was looked for already.
    pub(super) fn is_settled(&self) -> bool {
        self.0.get().is_some()
    }

    /// A time that can be relied on, in UTC. Of times told to the day alone the time of day is not known.
    pub(super) fn time(&self, stamp: Stamp) -> Option<Time> {
        if stamp.utc {
            return stamp.at(0);
        }
        let ahead = self.0.get().copied().flatten().filter(|_| stamp.precision <= Precision::Minute)?;
        stamp.at(ahead)
    }

    /// Asks for the time of one of a folder's files; `name` gives its name as the server knows it. What a server will not
    /// tell is not asked for again.
    pub(super) async fn settle(&self, connection: &Connection, items: &[Item], name: impl Fn(&[u8]) -> Box<[u8]>) {
        if self.is_settled() || !connection.welcome().features.may("MDTM") {
            return;
        }
        let Some((file, stamp)) = sample(items) else { return };
        let ahead = match connection.run(Operation::Modified(name(file))).await {
            Ok(Outcome::Modified(utc)) => distance(stamp, utc),
            _ => None,
        };
        let _ = self.0.set(ahead);
    }
}

/// The file that was changed last: its time was printed by the zone's present rules.
fn sample(items: &[Item]) -> Option<(&[u8], Stamp)> {
    let files = items.iter().filter_map(|item| match item {
        Item::Entry(entry) if entry.kind == Kind::File && entry.place == Place::Inside => {
            let stamp = entry.modified.filter(|stamp| !stamp.utc && stamp.precision <= Precision::Minute)?;
            Some((&*entry.name, stamp, stamp.at(0)?))
        }
        _ => None,
    });
    files.max_by_key(|(_, _, time)| *time).map(|(name, stamp, _)| (name, stamp))
}

/// How far the clock that printed `stamp` is ahead of UTC; `None` where no zone explains the difference.
fn distance(stamp: Stamp, utc: Time) -> Option<i64> {
    let local = stamp.at(0)?.seconds;
    // What was not printed is cut off, not rounded.
    let shown = if stamp.precision == Precision::Minute { utc.seconds.div_euclid(60) * 60 } else { utc.seconds };
    let ahead = local.checked_sub(shown)?;
    (ahead % STEP == 0 && ahead.abs() <= MOST).then_some(ahead)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(seconds: i64, precision: Precision) -> Stamp {
        Stamp { civil: Time::from_seconds(seconds).civil(), precision, utc: false }
    }

    #[test]
    fn a_zone_is_what_explains_the_difference() {
        let utc = Time::from_seconds(1_700_000_030);
        let minute = |ahead: i64| stamp(1_700_000_030 / 60 * 60 + ahead, Precision::Minute);
        assert_eq!(distance(minute(3_600), utc), Some(3_600));
        assert_eq!(distance(minute(-34_200), utc), Some(-34_200));
        assert_eq!(distance(minute(0), utc), Some(0));
        assert_eq!(distance(minute(60), utc), None, "the file changed in between");
        assert_eq!(distance(minute(86_400), utc), None);
        assert_eq!(distance(stamp(1_700_000_030 + 7_200, Precision::Second), utc), Some(7_200));
    }

    #[test]
    fn times_are_told_once_the_zone_is_known() {
        let local = stamp(1_700_000_000, Precision::Minute);
        assert_eq!(Zone::default().time(local), None);
        let zone = Zone::said(Some(3_600));
        assert_eq!(zone.time(local), Some(Time::from_seconds(1_700_000_000 - 3_600)));
        assert_eq!(zone.time(stamp(1_700_000_000, Precision::Day)), None);
        assert_eq!(zone.time(Stamp { utc: true, ..local }), Some(Time::from_seconds(1_700_000_000)));
        assert!(zone.is_settled() && !Zone::said(None).is_settled());
    }
}
