//! DOS `dir`, as Microsoft's servers print it, Windows CE among them: date, time, `<DIR>` or size, name. Years of two or four
//! digits, twelve or 24 hours, and the date in whatever order the machine is set to.

use types::Kind;

use super::dates::{self, Order};
use super::words::{Words, grouped};
use super::{Listed, Read};

pub(super) fn read(line: &[u8]) -> Read {
    let words = Words::of(line);
    entry(&words).map_or(Read::No, |listed| Read::Entry(Box::new(listed)))
}

fn entry(words: &Words<'_>) -> Option<Listed> {
    let day = dates::numeric(words.get(0)?, Order::Month)?;
    let mut time = dates::clock(words.get(1)?)?;
    let mut at = 2;
    // `07:52 PM`
    if let Some(half @ (b"AM" | b"PM" | b"am" | b"pm")) = words.get(2) {
        time = dates::clock(&[words.get(1)?, half].concat())?;
        at = 3;
    }
    let modified = Some(dates::stamp(day, Some(time))?);
    let what = words.get(at)?;
    let name = words.behind(at);
    // The name stands one blank behind a size, and in its column behind `<DIR>`.
    let (kind, size, name) = match what.to_ascii_uppercase().as_slice() {
        b"<DIR>" => (Kind::Dir, None, name.trim_ascii_start()),
        b"<JUNCTION>" | b"<SYMLINKD>" | b"<SYMLINK>" => (Kind::Link, None, name.trim_ascii_start()),
        _ => (Kind::File, Some(grouped(what)?), name.get(1..)?),
    };
    let (name, target) = match (kind, name.strip_suffix(b"]")) {
        (Kind::Link, Some(inner)) => match memchr::memmem::rfind(inner, b" [") {
            Some(at) => (inner.get(..at)?, inner.get(at + 2..)),
            None => (name, None),
        },
        _ => (name, None),
    };
    if name.is_empty() {
        return None;
    }
    Some(Listed { size, modified, target: target.map(Into::into), ..Listed::new(name, kind) })
}
