//! Tandem NonStop (Guardian): file, code, end of file, last change, owner, security. A subvolume has no folders.

use types::Kind;

use super::dates;
use super::words::{Words, number};
use super::{Listed, Read};

pub(super) fn read(line: &[u8]) -> Read {
    let words = Words::of(line);
    if words.get(0) == Some(b"File") && words.get(1) == Some(b"Code") && words.get(2) == Some(b"EOF") {
        return Read::Nothing;
    }
    if words.len() == 1 && words.get(0).is_some_and(|word| word.starts_with(b"$") && word.contains(&b'.')) {
        return Read::Nothing; // the subvolume: $DATA.SUB
    }
    entry(&words).map_or(Read::No, |listed| Read::Entry(Box::new(listed)))
}

fn entry(words: &Words<'_>) -> Option<Listed> {
    let name = words.get(0).filter(|name| name.len() <= 8 && name.iter().all(u8::is_ascii_alphanumeric))?;
    let code = words.get(1)?;
    // `101`, or `101+` or `O101` for a file that is open.
    let digits = code.strip_suffix(b"+").unwrap_or(code);
    number(digits.strip_prefix(b"O").unwrap_or(digits))?;
    let size = number(words.get(2)?)?;
    let day = day_month_year(words.get(3)?)?;
    let modified = Some(dates::stamp(day, Some(dates::clock(words.get(4)?)?))?);
    // The owner may be one word or two; the security stands in quotes behind it.
    let security = (6..8).find(|&at| words.get(at).is_some_and(|word| word.starts_with(b"\"")));
    let owner = words.span(5, security.map_or(5, |at| at - 1));
    Some(Listed { size: Some(size), modified, owner: owner.map(Into::into), ..Listed::new(name, Kind::File) })
}

/// `18-Mar-09`, `8-SEP-1996`. Year, month, day.
pub(super) fn day_month_year(word: &[u8]) -> Option<(i64, u32, u32)> {
    let mut parts = word.split(|&b| b == b'-');
    let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
    let (day, month) = (dates::day(day)?, dates::month(month)?);
    let year = match (year.len(), i64::try_from(number(year)?).ok()?) {
        (2, year) if year < 70 => 2_000 + year,
        (2, year) => 1_900 + year,
        (4, year) => year,
        _ => return None,
    };
    parts.next().is_none().then_some((year, month, day))
}
