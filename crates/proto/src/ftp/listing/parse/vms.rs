//! OpenVMS: name with version, blocks of 512 bytes, date, owner, protection. A long name stands on a line of its own, and what
//! belongs to it on the next.

use types::Kind;

use super::dates;
use super::tandem::day_month_year;
use super::words::{Words, number};
use super::{Listed, Read};

/// Bytes a block.
const BLOCK: u64 = 512;

pub(super) fn read(line: &[u8], pending: &mut Option<Box<[u8]>>) -> Read {
    let words = Words::of(line);
    if let Some(first) = pending.take() {
        if line.first().is_some_and(u8::is_ascii_whitespace) && words.len() > 0 {
            let whole = [&*first, b" ", line].concat();
            return entry(&Words::of(&whole)).map_or(Read::No, |listed| Read::Entry(Box::new(listed)));
        }
        // It stood alone.
        if words.len() == 0 {
            return Read::Nothing;
        }
    }
    if words.len() == 0 || is_title(&words) {
        return Read::Nothing;
    }
    if words.len() == 1 && words.get(0).and_then(versioned).is_some() {
        *pending = words.get(0).map(Into::into);
        return Read::More;
    }
    entry(&words).map_or(Read::No, |listed| Read::Entry(Box::new(listed)))
}

fn is_title(words: &Words<'_>) -> bool {
    match words.get(0) {
        Some(b"Directory") => words.get(1).is_some_and(|word| word.contains(&b'[')),
        Some(b"Total" | b"Grand") => words.get(1).is_some_and(|word| matches!(word, b"of" | b"total")),
        _ => false,
    }
}

fn entry(words: &Words<'_>) -> Option<Listed> {
    let (name, version) = versioned(words.get(0)?)?;
    let folder = name.len() > 4 && name.get(name.len() - 4..).is_some_and(|end| end.eq_ignore_ascii_case(b".DIR"));
    let (kind, name) = if folder { (Kind::Dir, name.get(..name.len() - 4)?) } else { (Kind::File, name) };
    let mut listed = Listed { version: Some(version), ..Listed::new(name, kind) };
    // `%RMS-E-PRV, insufficient privilege`, `No privilege for attempted operation`: it is there, and no more is told.
    let Some(blocks) = words.get(1)?.split(|&b| b == b'/').next().and_then(number) else {
        let why = words.from(1).to_ascii_lowercase();
        return memchr::memmem::find(&why, b"privilege").map(|_| listed);
    };
    listed.about = (kind == Kind::File).then(|| blocks.saturating_mul(BLOCK));
    let day = day_month_year(words.get(2)?)?;
    let time = words.get(3).and_then(dates::clock);
    listed.modified = Some(dates::stamp(day, time)?);
    let behind = words.behind(if time.is_some() { 3 } else { 2 });
    if let Some(open) = memchr::memchr(b'[', behind)
        && let Some(close) = memchr::memchr(b']', behind)
        && let Some(inner) = behind.get(open + 1..close)
    {
        let mut parts = inner.rsplitn(2, |&b| b == b',');
        listed.owner = parts.next().map(<[u8]>::trim_ascii).map(Into::into);
        listed.group = parts.next().map(<[u8]>::trim_ascii).map(Into::into);
    }
    Some(listed)
}

/// `NAME.TXT;1`
fn versioned(word: &[u8]) -> Option<(&[u8], u32)> {
    let at = memchr::memrchr(b';', word).filter(|at| *at > 0)?;
    let version = number(word.get(at + 1..)?).and_then(|n| u32::try_from(n).ok())?;
    Some((word.get(..at)?, version))
}
