//! z/OS (MVS): a table of datasets, or of the members of a partitioned dataset. Its title says which.

use types::Kind;

use super::dates::{self, Order};
use super::words::{Words, number};
use super::{Listed, Read};

/// Which table the lines belong to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Table {
    /// No title came.
    #[default]
    Unknown,
    /// Volume, unit, …, organisation, name.
    Datasets,
    /// Members with the statistics that ISPF keeps.
    Members,
    /// Members of a load library.
    Modules,
}

pub(super) fn read(line: &[u8], table: &mut Table) -> Read {
    let words = Words::of(line);
    if let Some(found) = title(&words) {
        *table = found;
        return Read::Nothing;
    }
    let listed = match table {
        Table::Unknown => None,
        Table::Datasets => dataset(&words),
        Table::Members => member(&words),
        Table::Modules => module(&words),
    };
    listed.map_or(Read::No, |listed| Read::Entry(Box::new(listed)))
}

fn title(words: &Words<'_>) -> Option<Table> {
    match (words.get(0)?, words.get(1)?) {
        (b"Volume", b"Unit") => Some(Table::Datasets),
        (b"Name", b"VV.MM") => Some(Table::Members),
        (b"Name", b"Size") => Some(Table::Modules),
        _ => None,
    }
}

/// `WYOSPT 3420 2003/05/21 1 200 FB 80 8053 PS NAME`; also migrated, on tape, VSAM, pseudo directories.
fn dataset(words: &Words<'_>) -> Option<Listed> {
    let last = words.len().checked_sub(1)?;
    let name = unquoted(words.get(last)?);
    if !name.iter().all(|b| b.is_ascii_alphanumeric() || b"#@$.-{}_+".contains(b)) || name.is_empty() {
        return None;
    }
    if last == 1 && matches!(words.get(0)?, b"Migrated" | b"MIGRAT") {
        return Some(Listed::new(name, Kind::File));
    }
    let said = words.from(0);
    if said.starts_with(b"Pseudo Directory") && last == 2 {
        return Some(Listed::new(name, Kind::Dir));
    }
    if memchr::memmem::find(said, b"Not Direct Access Device").is_some() || (last >= 1 && words.get(last - 1) == Some(b"VSAM")) {
        return Some(Listed::new(name, Kind::File));
    }
    let organisation = words.get(last.checked_sub(1)?)?;
    let kind = match organisation {
        b"PO" | b"PO-E" | b"PDSE" | b"LIB" => Kind::Dir,
        b"PS" | b"PSU" | b"DA" | b"IS" | b"HFS" | b"GDG" | b"PS-E" | b"PS-L" => Kind::File,
        _ => return None,
    };
    let mut listed = Listed::new(name, kind);
    // Where nobody has read it since, `**NONE**` stands for the date.
    if let Some(day) = (1..4).filter_map(|at| words.get(at)).find_map(|word| dates::numeric(word, Order::Year)) {
        listed.modified = dates::stamp(day, None);
    }
    Some(listed)
}

/// `MEMBER 01.03 2002/09/12 2002/10/11 09:37 11 11 0 KIL001`, or the name alone. Sizes are lines, not bytes.
fn member(words: &Words<'_>) -> Option<Listed> {
    let mut listed = Listed::new(member_name(words.get(0)?)?, Kind::File);
    if words.len() == 1 {
        return Some(listed);
    }
    let version = words.get(1)?;
    if version.len() != 5 || version.get(2) != Some(&b'.') {
        return None;
    }
    let day = dates::numeric(words.get(3)?, Order::Year)?;
    listed.modified = Some(dates::stamp(day, Some(dates::clock(words.get(4)?)?))?);
    number(words.get(5)?)?;
    listed.owner = words.get(8).map(Into::into);
    Some(listed)
}

/// `EZBOECPR 000BD8 000003 01 FO RN RF 31 ANY`: sizes in hexadecimal bytes.
fn module(words: &Words<'_>) -> Option<Listed> {
    let mut listed = Listed::new(member_name(words.get(0)?)?, Kind::File);
    if words.len() == 1 {
        return Some(listed);
    }
    let size = std::str::from_utf8(words.get(1)?).ok().filter(|text| !text.starts_with('+'))?;
    listed.about = Some(u64::from_str_radix(size, 16).ok()?);
    Some(listed)
}

/// One to eight characters of a member's name.
fn member_name(word: &[u8]) -> Option<&[u8]> {
    let fits = (1..=8).contains(&word.len()) && word.iter().all(|b| b.is_ascii_alphanumeric() || b"#@$".contains(b));
    fits.then_some(word)
}

fn unquoted(name: &[u8]) -> &[u8] {
    name.strip_prefix(b"'").and_then(|name| name.strip_suffix(b"'")).unwrap_or(name)
}
