//! `ListingParser`: bytes of a listing in, entries out. Which dialect it is, is decided by its first lines.

use std::collections::VecDeque;

use types::{Entry, Kind, Time};

use super::dates;
use super::mvs::Table;
use super::{Dialect, Item, Listed, Owner, Precision, Read, Refused, Stamp};
use super::{as400, dos, eplf, mvs, netware, os2, posix, tandem, vms};
use crate::ftp::listing::{FactsError, MlsxLine, Place, parse_facts};
use crate::ftp::name;

/// The longest line, in bytes.
const MAX_LINE: usize = 16_384;
/// The longest name, in bytes: 255 characters of up to four bytes.
const MAX_NAME: usize = 1_024;
/// How many lines are held until the dialect is decided.
const HEAD_LINES: usize = 12;

/// The dialects of LIST, in the order in which they are believed where two read as many lines.
const LONG: [Dialect; 9] = [
    Dialect::Eplf,
    Dialect::Posix,
    Dialect::Dos,
    Dialect::NetWare,
    Dialect::Vms,
    Dialect::Mvs,
    Dialect::As400,
    Dialect::Os2,
    Dialect::Tandem,
];

/// Reads a listing as it comes in, in pieces of any size.
#[derive(Debug)]
pub struct ListingParser {
    /// What has come of a line that is not whole.
    partial: Vec<u8>,
    /// The rest of a line that is too long is passed over.
    skipping: bool,
    head: Vec<Box<[u8]>>,
    dialect: Option<Dialect>,
    state: State,
    today: Time,
    items: VecDeque<Item>,
}

/// What a dialect remembers from line to line.
#[derive(Debug, Default)]
pub(super) struct State {
    /// The first part of an entry that goes on on the next line.
    pub(super) pending: Option<Box<[u8]>>,
    /// Which table of MVS this is.
    pub(super) table: Table,
}

impl ListingParser {
    /// For MLSD.
    pub fn facts() -> Self {
        Self { dialect: Some(Dialect::Facts), ..Self::long(Time::default()) }
    }

    /// For LIST. `today` tells the year where a listing leaves it out.
    ///
    /// ```
    /// # use carrack_proto::ftp::listing::parse::{Item, ListingParser};
    /// let mut parser = ListingParser::long(types::Time::from_seconds(1_795_247_520));
    /// parser.push(b"total 4\r\n-rw-r--r--   1 anna users 1234 Nov 20 07:52 a b.txt\r\n");
    /// parser.end();
    /// let Some(Item::Entry(entry)) = parser.next() else { panic!() };
    /// assert_eq!((&*entry.name, entry.size), (&b"a b.txt"[..], Some(1234)));
    /// ```
    pub fn long(today: Time) -> Self {
        Self {
            partial: Vec::new(),
            skipping: false,
            head: Vec::new(),
            dialect: None,
            state: State::default(),
            today,
            items: VecDeque::new(),
        }
    }

    /// Takes the next bytes in.
    pub fn push(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some(at) = memchr::memchr(b'\n', rest) {
            let (line, behind) = rest.split_at(at);
            rest = behind.get(1..).unwrap_or_default();
            if self.partial.is_empty() && !self.skipping && line.len() <= MAX_LINE {
                self.line(line);
                continue;
            }
            self.keep(line);
            let whole = std::mem::take(&mut self.partial);
            if !std::mem::take(&mut self.skipping) {
                self.line(&whole);
            }
        }
        self.keep(rest);
    }

    /// There are no more bytes: what is held is told.
    pub fn end(&mut self) {
        let last = std::mem::take(&mut self.partial);
        if !last.is_empty() && !self.skipping {
            self.line(&last);
        }
        if self.dialect.is_none() {
            self.decide();
        }
        if let Some(pending) = self.state.pending.take() {
            self.items.push_back(Item::Unread(pending));
        }
    }

    /// The next thing told; `None` until more bytes come, or for good after [`ListingParser::end`].
    #[expect(clippy::should_implement_trait, reason = "more may come after None")]
    pub fn next(&mut self) -> Option<Item> {
        self.items.pop_front()
    }

    /// How the listing is written, once that is known.
    pub const fn dialect(&self) -> Option<Dialect> {
        self.dialect
    }

    fn keep(&mut self, part: &[u8]) {
        if self.skipping {
            return;
        }
        if self.partial.len() + part.len() > MAX_LINE {
            let start = std::mem::take(&mut self.partial);
            let shown = if start.is_empty() { part } else { &start };
            self.items.push_back(Item::Unread(shown.get(..200).unwrap_or(shown).into()));
            self.skipping = true;
            return;
        }
        self.partial.extend_from_slice(part);
    }

    fn line(&mut self, line: &[u8]) {
        let mut line = line;
        while let Some(shorter) = line.strip_suffix(b"\r") {
            line = shorter;
        }
        match self.dialect {
            Some(Dialect::Facts) => {
                if let Some(item) = facts(line) {
                    self.items.push_back(item);
                }
            }
            Some(dialect) => self.told(dialect, line),
            None => {
                self.head.push(line.into());
                if self.head.len() >= HEAD_LINES {
                    self.decide();
                }
            }
        }
    }

    /// The dialect that reads most of the lines held so far is the listing's; then they are told.
    fn decide(&mut self) {
        let head = std::mem::take(&mut self.head);
        let count = |dialect: Dialect| {
            let mut state = State::default();
            head.iter().filter(|line| matches!(read(dialect, line, &mut state, self.today), Read::Entry(_))).count()
        };
        // The last of several greatest is taken by max_by_key: the order of belief is turned round.
        let best = LONG.iter().rev().map(|&dialect| (dialect, count(dialect))).max_by_key(|(_, count)| *count);
        if let Some((dialect, 1..)) = best {
            self.dialect = Some(dialect);
            for line in &head {
                self.told(dialect, line);
            }
            return;
        }
        for line in head {
            let known = |&dialect: &Dialect| matches!(read(dialect, &line, &mut State::default(), self.today), Read::Nothing);
            if !line.trim_ascii().is_empty() && !LONG.iter().any(known) {
                self.items.push_back(Item::Unread(line));
            }
        }
    }

    fn told(&mut self, dialect: Dialect, line: &[u8]) {
        match read(dialect, line, &mut self.state, self.today) {
            // A CR that stands on the line itself parts what people see from what is meant; one that is shown is a name's own.
            Read::Entry(listed) if listed.name.contains(&b'\r') => {
                self.items.push_back(Item::Refused { name: listed.name, why: Refused::Cr });
            }
            Read::Entry(mut listed) => {
                listed.name = name::decode(&listed.name).into_owned().into();
                self.items.push_back(checked(*listed));
            }
            Read::Nothing | Read::More => {}
            Read::No if line.trim_ascii().is_empty() => {}
            Read::No => self.items.push_back(Item::Unread(line.into())),
        }
    }
}

fn read(dialect: Dialect, line: &[u8], state: &mut State, today: Time) -> Read {
    match dialect {
        Dialect::Facts => Read::No, // read where its lines are cut
        Dialect::Posix => posix::read(line, today),
        Dialect::Dos => dos::read(line),
        Dialect::Eplf => eplf::read(line),
        Dialect::Vms => vms::read(line, &mut state.pending),
        Dialect::Mvs => mvs::read(line, &mut state.table),
        Dialect::As400 => as400::read(line),
        Dialect::NetWare => netware::read(line, today),
        Dialect::Os2 => os2::read(line),
        Dialect::Tandem => tandem::read(line),
    }
}

/// The item of a line of MLSD.
fn facts(line: &[u8]) -> Option<Item> {
    if line.is_empty() {
        return None;
    }
    let name = memchr::memchr(b' ', line).and_then(|blank| line.get(blank + 1..)).unwrap_or_default();
    let refused = |why| Some(Item::Refused { name: name.into(), why });
    if name.contains(&b'\r') {
        return refused(Refused::Cr);
    }
    match parse_facts(line) {
        Ok(told) => Some(checked(from_facts(told))),
        Err(FactsError::NoName) if name.contains(&0) => refused(Refused::Nul),
        Err(FactsError::NoName) if memchr::memchr(b' ', line).is_some() => refused(Refused::Empty),
        Err(_) => Some(Item::Unread(line.into())),
    }
}

fn from_facts(told: MlsxLine) -> Listed {
    let utc = |time: Time| Stamp { civil: time.civil(), precision: Precision::Second, utc: true };
    let MlsxLine { entry: Entry { name, attr, target }, place, size, permitted } = told;
    let name: Box<[u8]> = match place {
        Place::Inside => name,
        // These may be told with their whole path.
        Place::Current => Box::from(*b"."),
        Place::Parent => Box::from(*b".."),
    };
    Listed {
        name,
        kind: attr.kind,
        size,
        about: None,
        modified: attr.modified.map(utc),
        mode: attr.mode,
        owner: attr.owner.map(Owner::Number),
        group: attr.group.map(Owner::Number),
        target,
        version: None,
        place,
        permitted,
        unique: attr.unique,
    }
}

/// The entry, if its name may be used.
fn checked(mut listed: Listed) -> Item {
    let refused = |name: &[u8], why| Item::Refused { name: name.into(), why };
    if listed.name.is_empty() {
        return refused(b"", Refused::Empty);
    }
    if listed.name.contains(&0) {
        return refused(&listed.name, Refused::Nul);
    }
    if listed.name.contains(&b'/') {
        return refused(&listed.name, Refused::Slash);
    }
    if listed.name.len() > MAX_NAME {
        return refused(&listed.name, Refused::TooLong);
    }
    match (&*listed.name, listed.kind, listed.place) {
        (b".", Kind::Dir, _) => listed.place = Place::Current,
        (b"..", Kind::Dir, _) => listed.place = Place::Parent,
        (b"." | b"..", ..) => return refused(&listed.name, Refused::Dots),
        _ => {}
    }
    Item::Entry(Box::new(listed))
}

/// The stamp of a day and time of day without a year.
pub(super) fn without_year(month: u32, day: u32, time: (u32, u32, u32, Precision), today: Time) -> Option<Stamp> {
    dates::stamp((dates::latest_year(month, day, today), month, day), Some(time))
}
