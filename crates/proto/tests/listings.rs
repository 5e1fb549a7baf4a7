//! Listings as servers of all kinds print them, and what must be read from them: each file in `listings/` is a dialect, each
//! section (`#`) a listing, `<` its lines, `>` what they tell. `UPDATE=1 cargo test -p carrack-proto --test listings` writes
//! the files anew: read the difference before you believe it. "Today" is 2026-11-21 07:52.
#![allow(clippy::disallowed_methods, reason = "a test reads its own files")]

mod corpus;

use std::fmt::Write as _;

use carrack_proto::ftp::listing::Place;
use carrack_proto::ftp::listing::parse::{Item, Listed, ListingParser, Precision, Stamp};
use types::{Kind, Time};

const TODAY: Time = Time::from_seconds(1_795_247_520);

#[test]
fn listings_are_read_as_written() {
    corpus::plays_as_written("listings", 11, |file, text| {
        let facts = file.file_stem().is_some_and(|stem| stem == "mlsd");
        Ok(sections(text).iter().map(|section| section.play(facts)).collect::<Vec<_>>().join("\n"))
    });
}

/// One listing.
#[derive(Default)]
struct Section {
    comments: String,
    lines: Vec<String>,
}

fn sections(text: &str) -> Vec<Section> {
    let mut all: Vec<Section> = Vec::new();
    let mut in_comment = false;
    for line in text.lines() {
        if line.starts_with('#') {
            if !in_comment {
                all.push(Section::default());
            }
            all.last_mut().unwrap().comments += &format!("{line}\n");
        } else if let Some(line) = line.strip_prefix('<') {
            let section = all.last_mut().expect("a section begins with a comment");
            section.lines.push(line.strip_prefix(' ').unwrap_or(line).to_owned());
        } else {
            assert!(line.is_empty() || line.starts_with('>'), "neither #, < nor >: {line}");
        }
        in_comment = line.starts_with('#');
    }
    all
}

impl Section {
    fn play(&self, facts: bool) -> String {
        let bytes: Vec<u8> = self.lines.iter().flat_map(|line| [corpus::unescape(line), b"\r\n".to_vec()].concat()).collect();
        let whole = read(facts, &[&bytes]);
        for size in [1, 2, 7, 64] {
            let pieces: Vec<&[u8]> = bytes.chunks(size).collect();
            assert_eq!(read(facts, &pieces), whole, "in pieces of {size}: {}", self.comments);
        }
        let bare: Vec<u8> =
            bytes.iter().copied().filter(|&b| b != b'\r' || self.lines.iter().any(|l| l.contains("\\x0d"))).collect();
        assert_eq!(read(facts, &[&bare]), whole, "with LF alone: {}", self.comments);
        let mut out = self.comments.clone();
        for line in &self.lines {
            out += &format!("< {line}\n");
        }
        out + &whole
    }
}

fn read(facts: bool, pieces: &[&[u8]]) -> String {
    let mut parser = if facts { ListingParser::facts() } else { ListingParser::long(TODAY) };
    let mut items = Vec::new();
    for piece in pieces {
        parser.push(piece);
        items.extend(std::iter::from_fn(|| parser.next()));
    }
    parser.end();
    items.extend(std::iter::from_fn(|| parser.next()));
    let mut out = format!("> {}\n", parser.dialect().map_or("unknown", |dialect| dialect.name()));
    for item in items {
        out += "> ";
        out += &match item {
            Item::Entry(entry) => shown(&entry),
            Item::Refused { name, why } => format!("refused {}: {}", text(&name), why.why()),
            Item::Unread(line) => format!("unread {}", text(&line)),
        };
        out += "\n";
    }
    out
}

fn shown(entry: &Listed) -> String {
    let mut out = match entry.kind {
        Kind::File => "file",
        Kind::Dir => "folder",
        Kind::Link => "link",
        Kind::Other => "special",
    }
    .to_owned();
    let mut add = |what: std::fmt::Arguments<'_>| write!(out, " {what}").unwrap();
    add(format_args!("{}", text(&entry.name)));
    match entry.place {
        Place::Inside => {}
        Place::Current => add(format_args!("(this folder)")),
        Place::Parent => add(format_args!("(its parent)")),
    }
    if let Some(size) = entry.size {
        add(format_args!("size {size}"));
    }
    if let Some(about) = entry.about {
        add(format_args!("about {about}"));
    }
    if let Some(stamp) = entry.modified {
        add(format_args!("at {}", time(stamp)));
    }
    if let Some(mode) = entry.mode {
        add(format_args!("mode {mode:o}"));
    }
    if let Some(owner) = &entry.owner {
        add(format_args!("owner [{owner}]"));
    }
    if let Some(group) = &entry.group {
        add(format_args!("group [{group}]"));
    }
    if let Some(target) = &entry.target {
        add(format_args!("to {}", text(target)));
    }
    if let Some(version) = entry.version {
        add(format_args!("version {version}"));
    }
    out
}

fn time(stamp: Stamp) -> String {
    let c = stamp.civil;
    let mut out = format!("{:04}-{:02}-{:02}", c.year, c.month, c.day);
    match stamp.precision {
        Precision::Day => {}
        Precision::Minute => write!(out, " {:02}:{:02}", c.hour, c.minute).unwrap(),
        Precision::Second => write!(out, " {:02}:{:02}:{:02}", c.hour, c.minute, c.second).unwrap(),
    }
    if stamp.utc { out + " UTC" } else { out }
}

fn text(bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if c.is_control() { write!(out, "\\x{:02x}", u32::from(c)).unwrap() } else { out.push(c) }
        }
        for byte in chunk.invalid() {
            write!(out, "\\x{byte:02x}").unwrap();
        }
    }
    format!("[{out}]")
}
