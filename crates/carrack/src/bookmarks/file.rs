//! What does the bookmarks' file hold, and how is one written into it? TOML, one `[[bookmark]]` for each.

use std::ops::Range;

use toml::de::DeTable;

use crate::config::{Page, Section};

/// A name for a place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Bookmark {
    /// The name.
    pub(crate) name: Box<str>,
    /// The place's URL.
    pub(crate) url: Box<str>,
    /// Options of the command line that go with it.
    pub(crate) options: Vec<Box<str>>,
    /// The bytes of the file that say it, from `[[bookmark]]` to where the next table begins.
    pub(crate) lines: Range<usize>,
}

/// Reads a file; the error shows all that is wrong with it.
pub(super) fn parse(name: &str, text: &str) -> Result<Vec<Bookmark>, String> {
    let page = Page::new(name, text);
    let list = match DeTable::parse(page.text()) {
        Ok(table) => {
            let whole = Section::whole(&page, &table);
            let sections = whole.sections("bookmark");
            whole.end();
            let mut list: Vec<Bookmark> = Vec::new();
            for section in sections {
                let Some(bookmark) = read(&section, text) else { continue };
                if list.iter().any(|other| other.name == bookmark.name) {
                    section.fault(section.place("name"), format!("{} is there twice", bookmark.name), "Take one of them out.");
                }
                section.end();
                list.push(bookmark);
            }
            list
        }
        Err(e) => {
            let what = format!("this is not TOML: {}", e.message().replace('\n', ", "));
            page.fault(e.span().unwrap_or(0..0), what, "A bookmark is [[bookmark]], and below it name = \"…\" and url = \"…\".");
            Vec::new()
        }
    };
    if page.is_fine() { Ok(list) } else { Err(page.faults().lines().collect::<Vec<_>>().join("\n")) }
}

fn read(section: &Section<'_>, text: &str) -> Option<Bookmark> {
    let name = section.needed("name", "work");
    let url = section.needed("url", "ftp://user@host/folder");
    let options = section.list("options").unwrap_or_default();
    Some(Bookmark {
        name: name?.value.into(),
        url: url?.value.into(),
        options: options.into_iter().map(|told| told.value.into()).collect(),
        lines: lines(text, section.at.start),
    })
}

/// The lines of the table whose header stands at a byte: until the next line that begins a table.
fn lines(text: &str, at: usize) -> Range<usize> {
    let before = text.get(..at).unwrap_or(text);
    let start = before.rfind('\n').map_or(0, |end| end + 1);
    let body = text.get(start..).unwrap_or_default();
    let header = body.find('\n').map_or(body.len(), |end| end + 1);
    let next = body.get(header..).and_then(next_table).map_or(body.len(), |next| header + next);
    start..start + next
}

/// Where the next line begins that opens a table.
fn next_table(text: &str) -> Option<usize> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if line.trim_start().starts_with("[[") {
            return Some(at);
        }
        at += line.len();
    }
    None
}

/// One bookmark as the file has it.
pub(super) fn print(bookmark: &Bookmark) -> String {
    let mut text = format!("[[bookmark]]\nname = {}\nurl = {}\n", quoted(&bookmark.name), quoted(&bookmark.url));
    if !bookmark.options.is_empty() {
        let options: Vec<String> = bookmark.options.iter().map(|option| quoted(option)).collect();
        text.push_str(&format!("options = [{}]\n", options.join(", ")));
    }
    text.push('\n');
    text
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn faults_name_their_line() {
        for (text, words) in [
            ("[[bookmark]]\nname = \"a\"\n", "b.toml:1:1: [[bookmark]] \"a\" has no `url`"),
            ("[[bookmark]]\nname = \"a\"\nurl = 1\n", "b.toml:3:7: `url`"),
            ("[[bookmark]]\nname = \"a\"\nurl = \"x\"\npasword = \"y\"\n", "has no key `pasword`"),
            ("[[bookmark]]\nname = \"a\"\nurl = \"x\"\n[[bookmark]]\nname = \"a\"\nurl = \"y\"\n", "a is there twice"),
            ("work = \"ftp://x\"\n", "has no key `work`"),
            ("[[bookmark\n", "b.toml:1"),
        ] {
            let said = parse("b.toml", text).unwrap_err();
            assert!(said.contains(words), "{text}\n{said}");
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_again(
            names in prop::collection::hash_set("[a-z]{2,6}", 1..5),
            url in "\\PC{1,30}|[\\x00-\\x7f]{1,20}",
            options in prop::collection::vec("\\PC{0,12}", 0..4),
        ) {
            let list: Vec<Bookmark> = names.iter().map(|name| Bookmark {
                name: name.as_str().into(),
                url: url.as_str().into(),
                options: options.iter().map(|o| o.as_str().into()).collect(),
                lines: 0..0,
            }).collect();
            let text: String = list.iter().map(print).collect();
            let read = parse("b.toml", &text).unwrap();
            prop_assert_eq!(read.len(), list.len());
            for (read, meant) in read.iter().zip(&list) {
                prop_assert_eq!(&Bookmark { lines: 0..0, ..read.clone() }, meant);
                prop_assert_eq!(&text[read.lines.clone()], print(meant));
            }
        }
    }
}
