//! OS/2: size, attributes (`A`, `DIR`, …), date with years since 1900, time and name.

use types::Kind;

use super::dates::{self, Order};
use super::words::{Words, number};
use super::{Listed, Read};

pub(super) fn read(line: &[u8]) -> Read {
    entry(&Words::of(line)).map_or(Read::No, |listed| Read::Entry(Box::new(listed)))
}

fn entry(words: &Words<'_>) -> Option<Listed> {
    let size = number(words.get(0)?)?;
    let mut kind = Kind::File;
    let mut at = 1;
    loop {
        let word = words.get(at)?;
        if word == b"DIR" {
            kind = Kind::Dir;
        } else if word.len() > 4 || !word.iter().all(|b| b"RHSA".contains(b)) {
            break;
        }
        at += 1;
    }
    let day = dates::numeric(words.get(at)?, Order::Month)?;
    let time = dates::clock(words.get(at + 1)?)?;
    let name = words.behind(at + 1).trim_ascii_start();
    if name.is_empty() {
        return None;
    }
    let modified = Some(dates::stamp(day, Some(time))?);
    Some(Listed { size: (kind == Kind::File).then_some(size), modified, ..Listed::new(name, kind) })
}
