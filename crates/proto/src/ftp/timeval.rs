//! How are times written: in facts and commands (RFC 3659 §2.3), and in `ls` lines?

use std::fmt;

use types::Time;
use types::time::Civil;

/// Half a year in seconds, as `ls` counts it (half of 365.2425 days).
const HALF_YEAR: i64 = 31_556_952 / 2;

const MONTHS: [&[u8; 3]; 12] = [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];

/// Why a text is no time value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TimeError {
    /// Not fourteen digits, or no digits (at most nine) behind the point.
    Form,
    /// The year is written as `19` and the years since 1900, as servers with a bug of the year 2000 do.
    Century,
    /// There is no such day or time of day.
    NoSuchTime,
}

impl fmt::Display for TimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Form => "a time is YYYYMMDDhhmmss or YYYYMMDDhhmmss.fraction, in UTC",
            Self::Century => "the year must have four digits; 191xx is not one",
            Self::NoSuchTime => "there is no such day or time of day",
        })
    }
}

impl std::error::Error for TimeError {}

/// Reads `YYYYMMDDhhmmss[.f…]`, in UTC.
///
/// # Errors
/// [`TimeError`]; nothing is guessed.
pub fn parse(text: &[u8]) -> Result<Time, TimeError> {
    let point = text.iter().position(|&b| b == b'.');
    let (whole, fraction) = match point.and_then(|at| text.split_at_checked(at)) {
        Some((whole, fraction)) => (whole, fraction.get(1..)),
        None => (text, None),
    };
    if !whole.iter().all(u8::is_ascii_digit) {
        return Err(TimeError::Form);
    }
    if whole.len() == 15 && whole.starts_with(b"191") {
        return Err(TimeError::Century);
    }
    let &[y1, y2, y3, y4, m1, m2, d1, d2, h1, h2, n1, n2, s1, s2] = whole else {
        return Err(TimeError::Form);
    };
    let nanos = match fraction {
        None => 0,
        Some(digits) => nanos(digits).ok_or(TimeError::Form)?,
    };
    let two = |tens: u8, ones: u8| u32::from(tens - b'0') * 10 + u32::from(ones - b'0');
    let civil = Civil {
        year: i64::from(two(y1, y2) * 100 + two(y3, y4)),
        month: two(m1, m2),
        day: two(d1, d2),
        hour: two(h1, h2),
        minute: two(n1, n2),
        second: two(s1, s2),
    };
    let time = Time::from_civil(civil).ok_or(TimeError::NoSuchTime)?;
    Ok(Time { nanos, ..time })
}

/// One to nine digits behind the point, as nanoseconds.
fn nanos(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() || digits.len() > 9 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let padded = digits.iter().copied().chain(std::iter::repeat(b'0')).take(9);
    Some(padded.fold(0, |n, digit| n * 10 + u32::from(digit - b'0')))
}

/// Appends `YYYYMMDDhhmmss`: whole seconds, as every client reads them. Years outside 0 to 9999 are written as the
/// nearest time that has four digits.
pub fn print_into(time: Time, out: &mut Vec<u8>) {
    let c = within_four_digits(time).civil();
    // The clamp makes the year fit; the cast cannot lose anything.
    let year = c.year as u32;
    two(year / 100, out);
    two(year % 100, out);
    for part in [c.month, c.day, c.hour, c.minute, c.second] {
        two(part, out);
    }
}

/// `YYYYMMDDhhmmss`, as [`print_into`] appends it.
pub fn print(time: Time) -> String {
    let mut out = Vec::with_capacity(14);
    print_into(time, &mut out);
    out.into_iter().map(char::from).collect()
}

/// Appends `YYYYMMDDhhmmss`, and `.sss` where there are milliseconds.
pub fn print_millis(time: Time, out: &mut Vec<u8>) {
    print_into(time, out);
    let millis = time.nanos / 1_000_000 % 1_000;
    if millis != 0 {
        out.push(b'.');
        out.push(digit(millis / 100));
        two(millis % 100, out);
    }
}

/// Appends the date of an `ls -l` line, in UTC: `Nov 21 07:52`, or `Nov 21  2025` if it is more than half a year
/// before `now` or after it.
pub fn print_ls(time: Time, now: Time, out: &mut Vec<u8>) {
    let c = within_four_digits(time).civil();
    let month = usize::try_from(c.month.saturating_sub(1)).unwrap_or_default();
    out.extend_from_slice(MONTHS.get(month).copied().unwrap_or(b"Jan"));
    out.push(b' ');
    out.push(if c.day < 10 { b' ' } else { digit(c.day / 10) });
    out.push(digit(c.day % 10));
    out.push(b' ');
    let age = now.seconds.saturating_sub(time.seconds);
    if (0..HALF_YEAR).contains(&age) {
        two(c.hour, out);
        out.push(b':');
        two(c.minute, out);
    } else {
        let year = c.year as u32;
        out.push(b' ');
        two(year / 100, out);
        two(year % 100, out);
    }
}

/// The nearest time whose year is 0 to 9999.
fn within_four_digits(time: Time) -> Time {
    const FIRST: i64 = -62_167_219_200;
    const LAST: i64 = 253_402_300_799;
    Time::from_seconds(time.seconds.clamp(FIRST, LAST))
}

fn two(n: u32, out: &mut Vec<u8>) {
    out.extend_from_slice(&[digit(n / 10 % 10), digit(n % 10)]);
}

const fn digit(n: u32) -> u8 {
    b'0' + (n % 10) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ls(seconds: i64, now: i64) -> String {
        let mut out = Vec::new();
        print_ls(Time::from_seconds(seconds), Time::from_seconds(now), &mut out);
        String::from_utf8(out).unwrap()
    }

    fn at(text: &str) -> i64 {
        parse(text.as_bytes()).unwrap().seconds
    }

    #[test]
    fn time_values() {
        assert_eq!(parse(b"20000229123456"), Ok(Time::from_seconds(951_827_696)));
        assert_eq!(parse(b"20000229123456.5"), Ok(Time { seconds: 951_827_696, nanos: 500_000_000 }));
        assert_eq!(parse(b"19700101000000.000000001"), Ok(Time { seconds: 0, nanos: 1 }));
        assert_eq!(parse(b"20161231235960").unwrap().civil().second, 59);
        let bad: [(&[u8], TimeError); 12] = [
            (b"", TimeError::Form),
            (b"2000022912345", TimeError::Form),
            (b"200002291234567", TimeError::Form),
            (b"+0000229123456", TimeError::Form),
            (b" 0000229123456", TimeError::Form),
            (b"20000229123456.", TimeError::Form),
            (b"20000229123456.1234567890", TimeError::Form),
            (b"20000229123456.5Z", TimeError::Form),
            (b"191000229123456", TimeError::Century),
            (b"20010229123456", TimeError::NoSuchTime),
            (b"20000229240000", TimeError::NoSuchTime),
            (b"20001301000000", TimeError::NoSuchTime),
        ];
        for (text, error) in bad {
            assert_eq!(parse(text), Err(error), "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn ls_dates() {
        let now = at("20261121075200");
        assert_eq!(ls(at("20261121075200"), now), "Nov 21 07:52");
        assert_eq!(ls(at("20260605010203"), now), "Jun  5 01:02");
        assert_eq!(ls(at("20251121075200"), now), "Nov 21  2025");
        assert_eq!(ls(at("20260501000000"), now), "May  1  2026");
        assert_eq!(ls(now + 1, now), "Nov 21  2026", "a time to come shows its year");
        assert_eq!(ls(i64::MAX, i64::MIN), "Dec 31  9999");
        assert_eq!(ls(i64::MIN, i64::MAX), "Jan  1  0000");
    }

    proptest! {
        #[test]
        fn printed_and_back(seconds in -62_167_219_200i64..253_402_300_800, millis in 0u32..1000) {
            let time = Time { seconds, nanos: millis * 1_000_000 };
            let mut out = Vec::new();
            print_millis(time, &mut out);
            prop_assert_eq!(parse(&out), Ok(time));
            prop_assert_eq!(parse(print(time).as_bytes()), Ok(Time::from_seconds(seconds)));
        }

        #[test]
        fn parsing_takes_anything(text in proptest::collection::vec(any::<u8>(), 0..32)) {
            let _ = parse(&text);
        }
    }
}
