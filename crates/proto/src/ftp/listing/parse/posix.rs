//! `ls -l` in its variants: with and without group, with year or time, ISO dates, devices, links, months of any language.

use types::{Kind, Time};

use super::dates::{self, Order};
use super::parser::without_year;
use super::words::{Words, number};
use super::{Listed, Read, Stamp};

/// How many words may stand before the date.
const BEFORE_DATE: usize = 12;

pub(super) fn read(line: &[u8], today: Time) -> Read {
    let words = Words::of(line);
    let Some(permissions) = words.get(0).and_then(Permissions::parse) else {
        return if is_total(&words) { Read::Nothing } else { Read::No };
    };
    // The first place where a number is followed by a date: owners and groups may look like anything.
    let date = (2..BEFORE_DATE).find_map(|at| {
        let minor = at.checked_sub(2).and_then(|at| words.get(at)).is_some_and(|major| major.ends_with(b","));
        let size = Size::parse(words.get(at - 1)?, permissions.kind, minor)?;
        date(&words, at, today).map(|(stamp, last)| (at, size, stamp, last))
    });
    let Some((at, size, stamp, last)) = date else { return Read::No };
    let Some(name) = words.behind(last).get(1..).filter(|name| !name.is_empty()) else { return Read::No };
    let (owner, group) = owners(&words, at, permissions.links_behind, size);
    let (name, target) = match permissions.kind {
        Kind::Link => link(name, size.exact()),
        // `ls -F` and `ls -p` mark folders.
        Kind::Dir if name.len() > 1 => (name.strip_suffix(b"/").unwrap_or(name), None),
        _ => (name, None),
    };
    Read::Entry(Box::new(Listed {
        size: size.exact().filter(|_| permissions.kind != Kind::Other),
        about: size.about(),
        modified: Some(stamp),
        mode: Some(permissions.mode),
        owner: owner.map(Into::into),
        group: group.map(Into::into),
        target: target.map(Into::into),
        ..Listed::new(name, permissions.kind)
    }))
}

/// `total 12`, in any language.
fn is_total(words: &Words<'_>) -> bool {
    words.len() == 2
        && words.get(1).is_some_and(|word| word.first().is_some_and(u8::is_ascii_digit))
        && words.get(0).is_some_and(|word| word.iter().all(|b| b.is_ascii_alphabetic() || !b.is_ascii() || *b == b':'))
}

/// Owner and group: what stands between the number of links and the size. A group may have blanks; one word alone is the
/// owner.
fn owners<'a>(words: &Words<'a>, date: usize, links_behind: bool, size: Size) -> (Option<&'a [u8]>, Option<&'a [u8]>) {
    let first = if links_behind && words.get(1).and_then(number).is_some() { 2 } else { 1 };
    let Some(last) = date.checked_sub(if size == Size::Device { 3 } else { 2 }) else { return (None, None) };
    if first > last {
        return (None, None);
    }
    (words.get(first), if first < last { words.span(first + 1, last) } else { None })
}

/// The name of a link and where it points. A name may hold ` -> ` itself; then the size, which is the target's length,
/// decides.
fn link(name: &[u8], size: Option<u64>) -> (&[u8], Option<&[u8]>) {
    const ARROW: &[u8] = b" -> ";
    let mut arrows = memchr::memmem::find_iter(name, ARROW).filter_map(|at| {
        let (name, rest) = name.split_at_checked(at)?;
        Some((name, rest.get(ARROW.len()..)?))
    });
    let Some(first) = arrows.next() else { return (name, None) };
    let fits = |target: &[u8]| size == u64::try_from(target.len()).ok();
    let (name, target) = if fits(first.1) { first } else { arrows.find(|(_, target)| fits(target)).unwrap_or(first) };
    (name, Some(target))
}

/// A date at this word, and its last word.
pub(super) fn date(words: &Words<'_>, at: usize, today: Time) -> Option<(Stamp, usize)> {
    let first = words.get(at)?;
    // `Sat Nov 21 07:52:10 2026`
    if first.len() == 3 && [&b"Mon"[..], b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun"].contains(&first) {
        return date(words, at + 1, today);
    }
    if let Some(found) = iso(words, at, first, today) {
        return Some(found);
    }
    let second = words.get(at + 1)?;
    // 11月21日: month and day in one word.
    if let Some((month, day)) = joined(first) {
        return time_or_year(words, at + 1, month, day, today);
    }
    let (month, day) = match (dates::month(first), dates::day(second)) {
        (Some(month), Some(day)) => (month, day),
        _ => (dates::month(second)?, dates::day(first)?),
    };
    time_or_year(words, at + 2, month, day, today)
}

fn joined(word: &[u8]) -> Option<(u32, u32)> {
    let text = std::str::from_utf8(word).ok()?;
    let at = text.find(['月', '월'])? + '月'.len_utf8();
    let (month, day) = text.split_at_checked(at)?;
    Some((dates::month(month.as_bytes())?, dates::day(day.as_bytes())?))
}

/// `07:52`, `2025`, `07:52:10 2025`.
fn time_or_year(words: &Words<'_>, at: usize, month: u32, day: u32, today: Time) -> Option<(Stamp, usize)> {
    let word = words.get(at)?;
    if let Some(year) = dates::year(word) {
        return Some((dates::stamp((year, month, day), None)?, at));
    }
    let time = dates::clock(word)?;
    // Only a time with seconds is followed by its year; else a file called 2025 would lose its name.
    if time.3 == super::Precision::Second
        && let Some(year) = words.get(at + 1).and_then(dates::year)
    {
        return Some((dates::stamp((year, month, day), Some(time))?, at + 1));
    }
    Some((without_year(month, day, time, today)?, at))
}

/// `2026-11-21 07:52`, `2026-11-21 07:52:10.123456789 +0100`, `2026-11-21`, `11-21 07:52`.
fn iso(words: &Words<'_>, at: usize, first: &[u8], today: Time) -> Option<(Stamp, usize)> {
    let time = words.get(at + 1).and_then(dates::clock);
    if first.len() == 10 && first.get(4) == Some(&b'-') {
        let day = dates::numeric(first, Order::Year)?;
        let Some(time) = time else { return Some((dates::stamp(day, None)?, at)) };
        let zone = words.get(at + 2).filter(|zone| zone.len() == 5 && matches!(zone.first(), Some(b'+' | b'-')));
        let Some(ahead) = zone.filter(|_| time.3 == super::Precision::Second).and_then(ahead) else {
            return Some((dates::stamp(day, Some(time))?, at + 1));
        };
        let local = dates::stamp(day, Some(time))?;
        let civil = local.at(ahead)?.civil();
        return Some((Stamp { civil, utc: true, ..local }, at + 2));
    }
    let (month, day) = first.split_at_checked(2).filter(|_| first.len() == 5)?;
    let month = number(month).filter(|n| (1..=12).contains(n)).and_then(|n| n.try_into().ok())?;
    let day = dates::day(day.strip_prefix(b"-")?)?;
    Some((without_year(month, day, time?, today)?, at + 1))
}

/// Seconds that `+0130` is ahead of UTC.
fn ahead(zone: &[u8]) -> Option<i64> {
    let digits = number(zone.get(1..)?).and_then(|n| i64::try_from(n).ok())?;
    let seconds = (digits / 100 * 60 + digits % 100) * 60;
    Some(if zone.first() == Some(&b'-') { -seconds } else { seconds })
}

/// What stands where the size does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Size {
    Exact(u64),
    /// `1.2K`
    About(u64),
    /// Major and minor number of a device, in two words.
    Device,
    /// The same in one word.
    DeviceInOne,
}

impl Size {
    /// `minor`: a word with a comma stands before it.
    fn parse(word: &[u8], kind: Kind, minor: bool) -> Option<Self> {
        if let Some(exact) = number(word) {
            return Some(if kind == Kind::Other && minor { Self::Device } else { Self::Exact(exact) });
        }
        if kind == Kind::Other && word.iter().all(|b| b.is_ascii_digit() || *b == b',') {
            return Some(Self::DeviceInOne);
        }
        let (unit, digits) = word.split_last()?;
        let shift = b"KMGTPE".iter().position(|known| known.eq_ignore_ascii_case(unit))?;
        let value: f64 =
            std::str::from_utf8(digits).ok().filter(|text| text.starts_with(|c: char| c.is_ascii_digit()))?.parse().ok()?;
        let factor = 1_u64.checked_shl(10 * (u32::try_from(shift).ok()? + 1))?;
        Some(Self::About((value * factor as f64) as u64))
    }

    const fn exact(self) -> Option<u64> {
        if let Self::Exact(n) = self { Some(n) } else { None }
    }

    const fn about(self) -> Option<u64> {
        if let Self::About(n) = self { Some(n) } else { None }
    }
}

/// The first word: `-rw-r--r--`, with `+`, `.` or `@` for more that is not shown, and sometimes with the links right behind.
struct Permissions {
    kind: Kind,
    mode: u32,
    /// The number of links is a word of its own.
    links_behind: bool,
}

impl Permissions {
    fn parse(word: &[u8]) -> Option<Self> {
        let (&kind, rest) = word.split_first()?;
        let kind = match kind {
            b'-' | b'C' | b'M' | b'm' => Kind::File,
            b'd' => Kind::Dir,
            b'l' => Kind::Link,
            b'b' | b'c' | b'p' | b's' | b'D' | b'P' | b'n' | b'w' | b'?' => Kind::Other,
            _ => return None,
        };
        let (letters, rest) = rest.split_first_chunk::<9>()?;
        let rest =
            rest.strip_prefix(b"+").or_else(|| rest.strip_prefix(b".")).or_else(|| rest.strip_prefix(b"@")).unwrap_or(rest);
        if !rest.is_empty() && number(rest).is_none() {
            return None;
        }
        let mut mode = 0;
        for (at, letter) in (0_u32..).zip(letters) {
            let bit = 0o400 >> at;
            let special = 0o4000 >> (at / 3);
            mode |= match (letter, at % 3) {
                (b'-', _) => 0,
                (b'r', 0) | (b'w', 1) | (b'x', 2) => bit,
                (b's' | b't', 2) => bit | special,
                (b'S' | b'T' | b'l' | b'L', 2) => special,
                _ => return None,
            };
        }
        Some(Self { kind, mode, links_behind: rest.is_empty() })
    }
}
