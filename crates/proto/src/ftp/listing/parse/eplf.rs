//! EPLF, the easily parsed list format (D. J. Bernstein, cr.yp.to/ftp/list/eplf.html): `+`, facts with commas, TAB, name.

use types::time::Civil;
use types::{Kind, Time};

use super::words::number;
use super::{Listed, Precision, Read, Stamp};

pub(super) fn read(line: &[u8]) -> Read {
    entry(line).map_or(Read::No, |listed| Read::Entry(Box::new(listed)))
}

fn entry(line: &[u8]) -> Option<Listed> {
    let line = line.strip_prefix(b"+")?;
    let (facts, name) = line.split_at_checked(memchr::memchr(b'\t', line)?)?;
    let mut listed = Listed::new(name.get(1..)?, Kind::Other);
    for fact in facts.split(|&b| b == b',') {
        match fact.split_first() {
            Some((b'/', [])) => listed.kind = Kind::Dir,
            Some((b'r', [])) if listed.kind == Kind::Other => listed.kind = Kind::File,
            Some((b's', size)) => listed.size = number(size),
            Some((b'm', seconds)) => listed.modified = number(seconds).and_then(|n| i64::try_from(n).ok()).and_then(utc),
            Some((b'u', [b'p', mode @ ..])) => {
                listed.mode =
                    std::str::from_utf8(mode).ok().and_then(|text| u32::from_str_radix(text, 8).ok()).filter(|m| *m <= 0o7777);
            }
            _ => {} // other facts may come, and mean nothing here
        }
    }
    Some(listed)
}

fn utc(seconds: i64) -> Option<Stamp> {
    let civil: Civil = Time::from_seconds(seconds).civil();
    Time::from_civil(civil)?;
    Some(Stamp { civil, precision: Precision::Second, utc: true })
}
