//! Dates as listings write them: in which order, in which language, and in which year where none is told?

use types::Time;
use types::time::Civil;

use super::words::number;
use super::{Precision, Stamp};

/// Names of months that are no English abbreviation, in lower case: the abbreviations of `ls` in the locales that servers
/// were seen with. A name that means different months in two languages is left out.
const MONTHS: [&[&str]; 12] = [
    &["january", "jän", "jaen", "janv", "ene", "gen", "tammi", "sty", "led", "янв", "oca", "januar", "ιαν", "jaan"],
    &["february", "fév", "févr", "fevr", "fev", "helmi", "lut", "úno", "фев", "şub", "februar", "φεβ", "veebr"],
    &["march", "mär", "märz", "maer", "mars", "mrt", "maalis", "bře", "мар", "märts", "μάρ", "már", "márc"],
    &["april", "avr", "abr", "huhti", "kwi", "dub", "апр", "nis", "απρ", "ápr"],
    &["mai", "maj", "mag", "mei", "may", "touko", "kvě", "май", "мая", "μάι", "máj", "maio"],
    &["june", "juin", "giu", "kesä", "cze", "čer", "июн", "haz", "juni", "ιούν", "jún"],
    &["july", "juil", "lug", "heinä", "lip", "čec", "июл", "tem", "juli", "ιούλ", "júl"],
    &["august", "août", "aout", "aoû", "ago", "elo", "sie", "srp", "авг", "ağu", "αύγ"],
    &["september", "sept", "set", "syys", "wrz", "zář", "сен", "eyl", "σεπ", "szept"],
    &["october", "okt", "ott", "out", "loka", "paź", "říj", "окт", "eki", "οκτ"],
    &["november", "marras", "lis", "ноя", "kas", "νοέ"],
    &["december", "dez", "déc", "dic", "des", "joulu", "gru", "pro", "дек", "ara", "δεκ"],
];

const ENGLISH: &[u8; 36] = b"janfebmaraprmayjunjulaugsepoctnovdec";

/// The month a word names, 1 to 12: `Nov`, `nov.`, `Mär`, `11月`, `11월`.
pub(super) fn month(word: &[u8]) -> Option<u32> {
    let word = word.trim_suffix_any(b".,");
    if let [a, b, c] = word
        && let Some(at) = ENGLISH.as_chunks::<3>().0.iter().position(|name| [*a, *b, *c].eq_ignore_ascii_case(name))
    {
        return u32::try_from(at + 1).ok();
    }
    if word.len() < 3 || word.len() > 16 {
        return None;
    }
    let text = match std::str::from_utf8(word) {
        Ok(text) => text.to_lowercase(),
        // What is no UTF-8 is Latin-1 more often than anything else.
        Err(_) => word.iter().map(|&b| char::from(b)).collect::<String>().to_lowercase(),
    };
    if let Some(digits) = text.strip_suffix(['月', '월']) {
        return number(digits.as_bytes()).filter(|n| (1..=12).contains(n)).and_then(|n| n.try_into().ok());
    }
    let at = MONTHS.iter().position(|names| names.contains(&text.as_str()))?;
    u32::try_from(at + 1).ok()
}

/// The day of a month: `21`, `21.`, `21,`, `21日`.
pub(super) fn day(word: &[u8]) -> Option<u32> {
    let word = ["日", "일"].iter().find_map(|suffix| word.strip_suffix(suffix.as_bytes())).unwrap_or(word);
    let word = word.trim_suffix_any(b".,");
    number(word).filter(|n| (1..=31).contains(n) && word.len() <= 2).and_then(|n| n.try_into().ok())
}

/// A year of four digits: `2026`, `2026年`.
pub(super) fn year(word: &[u8]) -> Option<i64> {
    let word = ["年", "년"].iter().find_map(|suffix| word.strip_suffix(suffix.as_bytes())).unwrap_or(word);
    number(word).filter(|n| (1_900..3_000).contains(n) && word.len() == 4).and_then(|n| n.try_into().ok())
}

/// A time of day: `07:52`, `7:52:10`, `07:52:10.123`, `07:52PM`, `07:52p`. Hour, minute, second, and whether seconds were told.
pub(super) fn clock(word: &[u8]) -> Option<(u32, u32, u32, Precision)> {
    let lower = word.to_ascii_lowercase();
    let (digits, half) = match lower.as_slice() {
        [digits @ .., b'a', b'm'] | [digits @ .., b'a'] => (digits, Some(0)),
        [digits @ .., b'p', b'm'] | [digits @ .., b'p'] => (digits, Some(12)),
        digits => (digits, None),
    };
    let mut parts = digits.split(|&b| b == b':');
    let mut part = |limit: u64| parts.next().map(|part| two(part).filter(|n| *n < limit));
    let (hour, minute) = (part(24)??, part(60)??);
    let second = match parts.next() {
        None => None,
        Some(seconds) => {
            let whole = seconds.split(|&b| b == b'.').next().unwrap_or_default();
            Some(two(whole).filter(|n| *n < 61)?)
        }
    };
    if parts.next().is_some() {
        return None;
    }
    let hour = match half {
        Some(_) if !(1..=12).contains(&hour) => return None,
        Some(half) => hour % 12 + half,
        None => hour,
    };
    let precision = if second.is_some() { Precision::Second } else { Precision::Minute };
    Some((hour.try_into().ok()?, minute.try_into().ok()?, second.unwrap_or_default().try_into().ok()?, precision))
}

fn two(word: &[u8]) -> Option<u64> {
    number(word).filter(|_| word.len() <= 2)
}

/// In which order a numeric date without further evidence stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Order {
    /// Month first, as in the United States.
    Month,
    /// Year first, as ISO 8601 and some job settings of OS/400 have it.
    Year,
}

/// Three numbers as a date: `2026-11-21`, `11-21-26`, `21.11.2026`, `11/21/126`. A number that no month or day can be decides;
/// points stand where the day comes first. Year, month, day.
pub(super) fn numeric(word: &[u8], order: Order) -> Option<(i64, u32, u32)> {
    let separator = *word.iter().find(|b| matches!(b, b'-' | b'/' | b'.'))?;
    let mut parts = word.split(|&b| b == separator);
    let (first, second, third) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let (a, b, c) = (number(first)?, number(second)?, number(third)?);
    let (year, written, month, day) = if first.len() >= 3 || a > 31 || (order == Order::Year && third.len() == 2) {
        (a, first.len(), b, c)
    } else if separator == b'.' || a > 12 {
        (c, third.len(), b, a)
    } else {
        (c, third.len(), a, b)
    };
    let year = match written {
        1 | 2 if year < 70 => 2_000 + year,
        1..=3 => 1_900 + year, // 103 is 2003, in programs that count from 1900
        _ => year,
    };
    let (month, day) = (u32::try_from(month).ok()?, u32::try_from(day).ok()?);
    Some((i64::try_from(year).ok()?, month, day)).filter(|_| (1..=12).contains(&month) && (1..=31).contains(&day))
}

/// A stamp of the server's local time, if there is such a day and time of day.
pub(super) fn stamp((year, month, day): (i64, u32, u32), time: Option<(u32, u32, u32, Precision)>) -> Option<Stamp> {
    let (hour, minute, second, precision) = time.unwrap_or((0, 0, 0, Precision::Day));
    let civil = Civil { year, month, day, hour, minute, second };
    Time::from_civil(civil)?;
    Some(Stamp { civil, precision, utc: false })
}

/// The year of a day that was told without: the latest in which it is not to come. Clocks and zones differ, so a day that
/// is to come within two is today's.
pub(super) fn latest_year(month: u32, day: u32, today: Time) -> i64 {
    const SLACK: i64 = 2 * 86_400;
    let limit = today.seconds.saturating_add(SLACK);
    let this = Time::from_seconds(limit).civil().year;
    // The 29th of February is in one year of four, at least once in eight.
    (0..9)
        .map(|back| this - back)
        .find(|&year| {
            let day = Civil { year, month, day, hour: 0, minute: 0, second: 0 };
            Time::from_civil(day).is_some_and(|time| time.seconds <= limit)
        })
        .unwrap_or(this)
}

trait TrimSuffix {
    fn trim_suffix_any(&self, of: &[u8]) -> &[u8];
}

impl TrimSuffix for [u8] {
    fn trim_suffix_any(&self, of: &[u8]) -> &[u8] {
        match self.split_last() {
            Some((last, rest)) if of.contains(last) => rest,
            _ => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_in_many_languages() {
        for (word, expected) in [
            ("Nov", 11),
            ("NOV", 11),
            ("nov.", 11),
            ("Mär", 3),
            ("août", 8),
            ("dic", 12),
            ("11月", 11),
            ("1월", 1),
            ("Мая", 5),
            ("paź", 10),
        ] {
            assert_eq!(month(word.as_bytes()), Some(expected), "{word}");
        }
        assert_eq!(month(b"M\xe4r"), Some(3), "Latin-1");
        assert_eq!(month(b"ao\xfbt"), Some(8));
        for word in ["", "xyz", "13月", "no", "november1"] {
            assert_eq!(month(word.as_bytes()), None, "{word}");
        }
        let mut all: Vec<&str> = MONTHS.iter().flat_map(|names| names.iter().copied()).collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count, "a name stands for two months");
    }

    #[test]
    fn times_of_day() {
        use Precision::{Minute, Second};
        for (word, expected) in [
            ("07:52", (7, 52, 0, Minute)),
            ("7:52:10", (7, 52, 10, Second)),
            ("07:52:10.123456789", (7, 52, 10, Second)),
            ("12:01AM", (0, 1, 0, Minute)),
            ("12:01pm", (12, 1, 0, Minute)),
            ("07:52p", (19, 52, 0, Minute)),
        ] {
            assert_eq!(clock(word.as_bytes()), Some(expected), "{word}");
        }
        for word in ["24:00", "07:60", "7", "13:00PM", "0:00AM", "a:b", "07:52:10:1", "007:52"] {
            assert_eq!(clock(word.as_bytes()), None, "{word}");
        }
    }

    #[test]
    fn numeric_dates() {
        for (word, order, expected) in [
            ("2026-11-21", Order::Month, (2026, 11, 21)),
            ("11-21-26", Order::Month, (2026, 11, 21)),
            ("21-11-26", Order::Month, (2026, 11, 21)),
            ("11/21/1999", Order::Month, (1999, 11, 21)),
            ("04-23-103", Order::Month, (2003, 4, 23)),
            ("07-14-99", Order::Month, (1999, 7, 14)),
            ("03.04.2026", Order::Month, (2026, 4, 3)),
            ("26/11/05", Order::Year, (2026, 11, 5)),
            ("97/11/05", Order::Month, (1997, 11, 5)),
        ] {
            assert_eq!(numeric(word.as_bytes(), order), Some(expected), "{word}");
        }
        for word in ["13-32-26", "1-2", "1-2-3-4", "a-b-c", "", "0-1-26"] {
            assert_eq!(numeric(word.as_bytes(), Order::Month), None, "{word}");
        }
    }

    #[test]
    fn the_year_that_is_not_told() {
        let today = Time::from_seconds(1_795_247_520); // 2026-11-21 07:52
        assert_eq!(latest_year(11, 21, today), 2026);
        assert_eq!(latest_year(11, 22, today), 2026, "the server is east of us");
        assert_eq!(latest_year(11, 24, today), 2025);
        assert_eq!(latest_year(2, 29, today), 2024);
        let new_year = Time::from_seconds(1_798_761_600 - 3_600); // 2026-12-31 23:00
        assert_eq!(latest_year(1, 1, new_year), 2027, "there it is the new year already");
    }
}
