//! OS/400 (IBM i), LISTFMT 0: owner, size, date, time, type (`*FILE`, `*DIR`, …), name. The order of the date is a setting of the
//! server's job; an owner may be missing.

use types::Kind;

use super::dates::{self, Order};
use super::words::{Words, number};
use super::{Listed, Read};

pub(super) fn read(line: &[u8]) -> Read {
    entry(&Words::of(line)).map_or(Read::No, |listed| Read::Entry(Box::new(listed)))
}

fn entry(words: &Words<'_>) -> Option<Listed> {
    let star = (1..6).find(|&at| {
        words
            .get(at)
            .is_some_and(|word| word.len() > 1 && word.starts_with(b"*") && word.iter().skip(1).all(u8::is_ascii_alphanumeric))
    })?;
    let what = words.get(star)?;
    let name = words.behind(star).trim_ascii();
    let (name, slash) = name.strip_suffix(b"/").map_or((name, false), |name| (name, true));
    // A member stands with its file: QGPL/FILE.MBR is FILE.MBR of the library that is listed.
    let name = if what == b"*MEM" { name.rsplit(|&b| b == b'/').next()? } else { name };
    let kind = match what {
        b"*SYMLNK" => Kind::Link,
        b"*DIR" | b"*DDIR" | b"*LIB" | b"*FLR" => Kind::Dir,
        _ if slash => Kind::Dir,
        _ => Kind::File,
    };
    if name.is_empty() {
        return None;
    }
    let mut listed = Listed::new(name, kind);
    let Some(time_at) = star.checked_sub(1).filter(|at| words.get(*at).and_then(dates::clock).is_some()) else {
        // Members have neither size nor time.
        listed.owner = words.get(0).filter(|_| star == 1).map(Into::into);
        return (star == 1).then_some(listed);
    };
    let day_at = time_at.checked_sub(1)?;
    let day = dates::numeric(words.get(day_at)?, Order::Month)?;
    listed.modified = Some(dates::stamp(day, words.get(time_at).and_then(dates::clock))?);
    let size_at = day_at.checked_sub(1);
    let size = size_at.and_then(|at| words.get(at)).and_then(number);
    // Of database files the size counts more than what a transfer moves.
    if kind == Kind::File {
        if matches!(what, b"*STMF" | b"*DSTMF") { listed.size = size } else { listed.about = size }
    }
    listed.owner = words.get(0).filter(|_| size.map_or(day_at, |_| day_at - 1) >= 1).map(Into::into);
    Some(listed)
}
