//! What do the lines of LIST and NLST look like (RFC 959 §4.1.3, RFC 1123 §4.1.2.7)? As `ls -l` and `ls -1` print
//! them, for that is what clients can read.

use types::{Entry, Kind, Time};

use super::options::ListOptions;
use super::{decimal, digits};
use crate::ftp::{name, timeval};

/// Appends the line of LIST for an entry, with its CRLF. Dates are in UTC; `now` decides whether they show the time
/// or the year.
pub fn long_line(entry: &Entry, options: &ListOptions, now: Time, out: &mut Vec<u8>) {
    let attr = &entry.attr;
    mode(attr.kind, attr.mode, out);
    out.push(b' ');
    digits(u64::from(attr.links), 10, 3, b' ', out);
    out.push(b' ');
    owner(attr.owner, out);
    out.push(b' ');
    owner(attr.group, out);
    out.push(b' ');
    if options.human {
        human(attr.size, out);
    } else {
        digits(attr.size, 10, 12, b' ', out);
    }
    out.push(b' ');
    timeval::print_ls(attr.modified.unwrap_or_default(), now, out);
    out.push(b' ');
    name::encode_into(&entry.name, out);
    match &entry.target {
        Some(target) => {
            out.extend_from_slice(b" -> ");
            name::encode_into(target, out);
        }
        None => sign(entry, options, out),
    }
    out.extend_from_slice(b"\r\n");
}

/// Appends the line of NLST for an entry, with its CRLF. `prefix` is what stands before the name: a path as bytes,
/// not as the wire has it.
pub fn name_line(prefix: &[u8], entry: &Entry, options: &ListOptions, out: &mut Vec<u8>) {
    name::encode_into(prefix, out);
    name::encode_into(&entry.name, out);
    sign(entry, options, out);
    out.extend_from_slice(b"\r\n");
}

/// The sign of `-F` and `-p`.
fn sign(entry: &Entry, options: &ListOptions, out: &mut Vec<u8>) {
    match entry.attr.kind {
        Kind::Dir if options.classify || options.slash => out.push(b'/'),
        Kind::Link if options.classify => out.push(b'@'),
        Kind::File if options.classify && entry.attr.mode.is_some_and(|mode| mode & 0o111 != 0) => out.push(b'*'),
        _ => {}
    }
}

/// The ten letters of kind and permission bits; what is usual where the storage has none.
fn mode(kind: Kind, mode: Option<u32>, out: &mut Vec<u8>) {
    let (letter, usual) = match kind {
        Kind::File => (b'-', 0o644),
        Kind::Dir => (b'd', 0o755),
        Kind::Link => (b'l', 0o777),
        Kind::Other => (b's', 0o644),
    };
    let mode = mode.unwrap_or(usual);
    let bit = |bit: u32, yes: u8| if mode & bit != 0 { yes } else { b'-' };
    // Execution, and the bit of the fourth digit that shows in its place.
    let last = |execute: u32, special: u32, both: u8, alone: u8| match (mode & execute != 0, mode & special != 0) {
        (true, true) => both,
        (false, true) => alone,
        (true, false) => b'x',
        (false, false) => b'-',
    };
    out.extend_from_slice(&[
        letter,
        bit(0o400, b'r'),
        bit(0o200, b'w'),
        last(0o100, 0o4000, b's', b'S'),
        bit(0o040, b'r'),
        bit(0o020, b'w'),
        last(0o010, 0o2000, b's', b'S'),
        bit(0o004, b'r'),
        bit(0o002, b'w'),
        last(0o001, 0o1000, b't', b'T'),
    ]);
}

/// An owner or group, eight columns wide, `ftp` where it is not known.
fn owner(id: Option<u32>, out: &mut Vec<u8>) {
    let from = out.len();
    match id {
        Some(id) => decimal(u64::from(id), out),
        None => out.extend_from_slice(b"ftp"),
    }
    let width = out.len() - from;
    out.extend_from_slice(b"        ".get(width..).unwrap_or_default());
}

/// A size as `ls -h` rounds it: up, to one decimal below ten, in powers of 1024, twelve columns wide.
fn human(size: u64, out: &mut Vec<u8>) {
    if size < 1_024 {
        return digits(size, 10, 12, b' ', out);
    }
    let mut unit = 1_024_u128;
    let mut letters = b"KMGTPE".iter();
    let mut letter = letters.next();
    let size = u128::from(size);
    // Rounding up may reach the next unit.
    while size.div_ceil(unit) >= 1_024
        && let Some(next) = letters.next()
    {
        letter = Some(next);
        unit *= 1_024;
    }
    let tenths = (size * 10).div_ceil(unit);
    if tenths < 100 {
        digits((tenths / 10) as u64, 10, 9, b' ', out);
        out.push(b'.');
        decimal((tenths % 10) as u64, out);
    } else {
        digits(size.div_ceil(unit) as u64, 10, 11, b' ', out);
    }
    out.extend(letter);
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::Attr;

    fn long(entry: &Entry, options: &str) -> String {
        let mut out = Vec::new();
        // 2026-11-21 07:52:00
        long_line(entry, &ListOptions::parse(options.as_bytes()).0, Time::from_seconds(1_795_247_520), &mut out);
        String::from_utf8(out).unwrap()
    }

    fn entry(name: &[u8], kind: Kind, size: u64, mode: Option<u32>) -> Entry {
        let attr = Attr { mode, modified: Some(Time::from_seconds(1_795_247_520)), ..Attr::new(kind, size) };
        Entry { name: name.into(), attr, target: None }
    }

    #[test]
    fn lines_as_ls_prints_them() {
        let mut file = entry(b"a b.txt", Kind::File, 1_234, Some(0o640));
        assert_eq!(long(&file, ""), "-rw-r-----   1 ftp      ftp              1234 Nov 21 07:52 a b.txt\r\n");
        file.attr.owner = Some(1_000);
        file.attr.group = Some(4_294_967_295);
        file.attr.modified = Some(Time::from_seconds(1_795_247_520 - 31_536_000));
        assert_eq!(long(&file, ""), "-rw-r-----   1 1000     4294967295         1234 Nov 21  2025 a b.txt\r\n");
        let dir = entry(b"d", Kind::Dir, 4_096, None);
        assert_eq!(long(&dir, "-F"), "drwxr-xr-x   1 ftp      ftp              4096 Nov 21 07:52 d/\r\n");
        let mut link = entry(b"l", Kind::Link, 3, Some(0o777));
        link.target = Some(b"../x\n".as_slice().into());
        assert_eq!(long(&link, "-F"), "lrwxrwxrwx   1 ftp      ftp                 3 Nov 21 07:52 l -> ../x␊\r\n");
        let nasty = entry(b"x\r\n-rw-r--r-- 1 root root 0 Nov 21 07:52 forged", Kind::File, 0, None);
        assert_eq!(long(&nasty, "").matches("\r\n").count(), 1);
    }

    #[test]
    fn mode_letters() {
        let letters = |bits| {
            let mut out = Vec::new();
            mode(Kind::File, Some(bits), &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(letters(0o755), "-rwxr-xr-x");
        assert_eq!(letters(0o6711), "-rws--s--x");
        assert_eq!(letters(0o7000), "---S--S--T");
        assert_eq!(letters(0o1777), "-rwxrwxrwt");
        assert_eq!(letters(0), "----------");
    }

    #[test]
    fn sizes_for_people() {
        for (size, expected) in [
            (0, "0"),
            (1_023, "1023"),
            (1_024, "1.0K"),
            (1_025, "1.1K"),
            (10_239, "10K"),
            (10_241, "11K"),
            (1_048_575, "1.0M"),
            (1_073_741_824, "1.0G"),
            (u64::MAX, "16E"),
        ] {
            let mut out = Vec::new();
            human(size, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), format!("{expected:>12}"), "{size}");
        }
    }

    #[test]
    fn names_alone() {
        let name = |entry: &Entry, options: &str| {
            let mut out = Vec::new();
            name_line(b"d/", entry, &ListOptions::parse(options.as_bytes()).0, &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(name(&entry(b"a\nb", Kind::File, 0, Some(0o755)), ""), "d/a␊b\r\n");
        assert_eq!(name(&entry(b"a", Kind::File, 0, Some(0o755)), "-F"), "d/a*\r\n");
        assert_eq!(name(&entry(b"a", Kind::Dir, 0, None), "-p"), "d/a/\r\n");
        assert_eq!(name(&entry(b"a", Kind::Link, 0, None), "-F"), "d/a@\r\n");
    }
}
