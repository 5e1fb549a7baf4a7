//! A point in time as files carry it, and its civil form in UTC.

/// Seconds and nanoseconds since 1970-01-01 00:00:00 UTC, without leap seconds; negative seconds lie before it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub struct Time {
    /// Whole seconds since the epoch.
    pub seconds: i64,
    /// Nanoseconds into that second, below 1,000,000,000.
    pub nanos: u32,
}

/// A [`Time`] as year, month, day and time of day in UTC.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Civil {
    /// Year, astronomical (1 BC is 0).
    pub year: i64,
    /// Month, 1 to 12.
    pub month: u32,
    /// Day of the month, 1 to 31.
    pub day: u32,
    /// Hour, 0 to 23.
    pub hour: u32,
    /// Minute, 0 to 59.
    pub minute: u32,
    /// Second, 0 to 59 (60 is read as 59: files know no leap seconds).
    pub second: u32,
}

impl Time {
    /// A time at a whole second.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self { seconds, nanos: 0 }
    }

    /// Year, month, day and time of day in UTC.
    pub const fn civil(self) -> Civil {
        let days = self.seconds.div_euclid(86_400);
        let of_day = self.seconds.rem_euclid(86_400) as u32;
        // Days counted from 0000-03-01 so that the leap day is a year's last day (Gregorian, proleptic).
        let z = days + 719_468;
        let era = z.div_euclid(146_097);
        let doe = z.rem_euclid(146_097);
        let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
        let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
        let mp = (5 * doy + 2) / 153;
        let month = if mp < 10 { mp + 3 } else { mp - 9 };
        Civil {
            year: yoe + era * 400 + if month <= 2 { 1 } else { 0 },
            month: month as u32,
            day: (doy - (153 * mp + 2) / 5 + 1) as u32,
            hour: of_day / 3_600,
            minute: of_day / 60 % 60,
            second: of_day % 60,
        }
    }

    /// The time a civil date names, or `None` where there is no such day or time of day.
    pub const fn from_civil(c: Civil) -> Option<Self> {
        if c.year < -9_999 || c.year > 9_999 || c.month < 1 || c.month > 12 || c.day < 1 || c.day > days_in(c.year, c.month) {
            return None;
        }
        if c.hour > 23 || c.minute > 59 || c.second > 60 {
            return None;
        }
        let y = if c.month <= 2 { c.year - 1 } else { c.year };
        let era = y.div_euclid(400);
        let yoe = y.rem_euclid(400);
        let mp = if c.month > 2 { c.month - 3 } else { c.month + 9 } as i64;
        let doy = (153 * mp + 2) / 5 + c.day as i64 - 1;
        let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
        let days = era * 146_097 + doe - 719_468;
        let second = if c.second == 60 { 59 } else { c.second };
        Some(Self::from_seconds(days * 86_400 + c.hour as i64 * 3_600 + c.minute as i64 * 60 + second as i64))
    }
}

const fn days_in(year: i64, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_days() {
        let c = Time::from_seconds(951_827_696).civil();
        assert_eq!((c.year, c.month, c.day, c.hour, c.minute, c.second), (2000, 2, 29, 12, 34, 56));
        let c = Time::from_seconds(-1).civil();
        assert_eq!((c.year, c.month, c.day, c.hour, c.minute, c.second), (1969, 12, 31, 23, 59, 59));
        assert_eq!(Time::from_civil(Civil { year: 2023, month: 2, day: 29, hour: 0, minute: 0, second: 0 }), None);
    }

    proptest! {
        #[test]
        fn civil_and_back(seconds in -300_000_000_000i64..253_402_300_800) {
            prop_assert_eq!(Time::from_civil(Time::from_seconds(seconds).civil()), Some(Time::from_seconds(seconds)));
        }
    }
}
