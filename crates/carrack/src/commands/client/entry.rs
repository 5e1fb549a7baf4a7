//! How is a file shown: as `ls -l` shows it, and as JSON (docs/json.md)?

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};
use types::path::Shown;
use types::{Attr, Entry, Kind, Time};

use super::Opened;

/// The kind's name.
pub(crate) const fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::File => "file",
        Kind::Dir => "folder",
        Kind::Link => "link",
        Kind::Other => "other",
    }
}

/// `drwxr-xr-x`; question marks where the server does not tell.
pub(crate) fn bits(attr: &Attr) -> String {
    let kind = match attr.kind {
        Kind::File => '-',
        Kind::Dir => 'd',
        Kind::Link => 'l',
        Kind::Other => '?',
    };
    let Some(mode) = attr.mode else { return format!("{kind}?????????") };
    let mut text = String::from(kind);
    for (shift, special, sign) in [(6, 0o4000, 's'), (3, 0o2000, 's'), (0, 0o1000, 't')] {
        text.push(if mode >> shift & 4 != 0 { 'r' } else { '-' });
        text.push(if mode >> shift & 2 != 0 { 'w' } else { '-' });
        text.push(match (mode & special != 0, mode >> shift & 1 != 0) {
            (false, false) => '-',
            (false, true) => 'x',
            (true, true) => sign,
            (true, false) => sign.to_ascii_uppercase(),
        });
    }
    text
}

/// `2026-11-21 14:30:05 +01:00`, where this machine is.
pub(crate) fn time_text(time: Time) -> String {
    zoned(time, "%Y-%m-%d %H:%M:%S %:z")
}

/// `2026-11-21 14:30`, where this machine is.
fn short_time(time: Time) -> String {
    zoned(time, "%Y-%m-%d %H:%M")
}

fn zoned(time: Time, form: &str) -> String {
    match timestamp(time) {
        Some(stamp) => stamp.to_zoned(TimeZone::system()).strftime(form).to_string(),
        None => "?".to_owned(),
    }
}

/// A time as JSON has it: in UTC, as RFC 3339 writes it.
pub(crate) fn rfc3339(time: Time) -> String {
    timestamp(time).map(|stamp| stamp.to_string()).unwrap_or_default()
}

fn timestamp(time: Time) -> Option<Timestamp> {
    Timestamp::new(time.seconds, i32::try_from(time.nanos).ok()?).ok()
}

/// A line as `ls -l` has it, without the name's end.
pub(crate) fn long_line(attr: &Attr, human: bool, size_columns: usize) -> String {
    let size = size_text(attr, human);
    let time = attr.modified.map_or_else(|| "?".to_owned(), short_time);
    format!("{} {size:>size_columns$} {time:16}", bits(attr))
}

/// The size, as it stands in a line.
pub(crate) fn size_text(attr: &Attr, human: bool) -> String {
    match attr.kind {
        Kind::Dir => "-".to_owned(),
        _ if human => crate::log::size(attr.size),
        _ => attr.size.to_string(),
    }
}

/// The name as people may see it, with what it is behind it if so asked, and where a link leads.
pub(crate) fn name(entry: &Entry, classify: bool, long: bool) -> String {
    let mut text = Shown(&entry.name).to_string();
    match entry.attr.kind {
        Kind::Dir if classify => text.push('/'),
        Kind::Link if classify && !long => text.push('@'),
        _ => {}
    }
    if long && let Some(target) = &entry.target {
        text.push_str(&format!(" -> {}", Shown(target)));
    }
    text
}

/// An entry as JSON. `path` counts from the place that was asked for.
pub(crate) fn object(place: &Opened, path: &[u8], attr: &Attr, target: Option<&[u8]>) -> Value {
    let mut object = Map::new();
    object.insert("place".to_owned(), place.shown.clone().into());
    put_bytes(&mut object, "path", path);
    object.insert("type".to_owned(), kind_name(attr.kind).into());
    if attr.kind != Kind::Dir {
        object.insert("size".to_owned(), attr.size.into());
    }
    if let Some(mode) = attr.mode {
        object.insert("mode".to_owned(), format!("{mode:04o}").into());
    }
    for (key, number) in [("owner", attr.owner), ("group", attr.group)] {
        if let Some(number) = number {
            object.insert(key.to_owned(), number.into());
        }
    }
    for (key, time) in [("modified", attr.modified), ("created", attr.created)] {
        if let Some(stamp) = time.and_then(timestamp) {
            object.insert(key.to_owned(), stamp.to_string().into());
        }
    }
    if let Some(target) = target {
        put_bytes(&mut object, "target", target);
    }
    Value::Object(object)
}

/// Bytes as text; where they are no UTF-8, besides as hexadecimal digits under `KEY_hex`.
pub(crate) fn put_bytes(object: &mut Map<String, Value>, key: &str, bytes: &[u8]) {
    object.insert(key.to_owned(), String::from_utf8_lossy(bytes).into());
    if std::str::from_utf8(bytes).is_err() {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        object.insert(format!("{key}_hex"), hex.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_those_of_ls() {
        for (kind, mode, text) in [
            (Kind::File, Some(0o644), "-rw-r--r--"),
            (Kind::Dir, Some(0o1777), "drwxrwxrwt"),
            (Kind::File, Some(0o4755), "-rwsr-xr-x"),
            (Kind::File, Some(0o6644), "-rwSr-Sr--"),
            (Kind::Link, Some(0o777), "lrwxrwxrwx"),
            (Kind::Dir, None, "d?????????"),
        ] {
            assert_eq!(bits(&Attr { mode, ..Attr::new(kind, 0) }), text);
        }
    }

    #[test]
    fn names_that_are_no_text_can_be_told_apart() {
        let mut object = Map::new();
        put_bytes(&mut object, "path", b"a\xff");
        assert_eq!(object["path"], "a\u{fffd}");
        assert_eq!(object["path_hex"], "61ff");
        put_bytes(&mut object, "target", "ä".as_bytes());
        assert_eq!(object.len(), 3);
    }
}
