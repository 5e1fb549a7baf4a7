//! Novell NetWare: a kind, rights in brackets, owner, size, date and name.

use types::{Kind, Time};

use super::words::{Words, number};
use super::{Listed, Read, posix};

pub(super) fn read(line: &[u8], today: Time) -> Read {
    let words = Words::of(line);
    match entry(&words, today) {
        Some(listed) => Read::Entry(Box::new(listed)),
        None if words.len() == 2 && words.get(0) == Some(b"total") => Read::Nothing,
        None => Read::No,
    }
}

fn entry(words: &Words<'_>, today: Time) -> Option<Listed> {
    let kind = match words.get(0)? {
        b"d" => Kind::Dir,
        b"-" => Kind::File,
        _ => return None,
    };
    let rights = words.get(1)?.strip_prefix(b"[")?.strip_suffix(b"]")?;
    if !rights.iter().all(|b| b"RWCEAFMS-".contains(b)) {
        return None;
    }
    // An owner's name may have blanks.
    let (at, size, (stamp, last)) = (3..8).find_map(|at| {
        let size = number(words.get(at)?)?;
        Some((at, size, posix::date(words, at + 1, today)?))
    })?;
    let name = words.behind(last).trim_ascii_start();
    if name.is_empty() {
        return None;
    }
    Some(Listed {
        size: (kind == Kind::File).then_some(size),
        modified: Some(stamp),
        owner: words.span(2, at - 1).map(Into::into),
        ..Listed::new(name, kind)
    })
}
