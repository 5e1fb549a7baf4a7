//! How is a folder listed: MLSD, else `LIST -a`, else LIST; and what is remembered of what a server does not do?

use super::exchange::{Flow, Outcome, Output};
use super::failure::{Failure, Kind};
use super::session::{Session, is_positive};
use super::shape::Shape;
use super::transfer::{Plan, wire};
use crate::ftp::data::Type;
use crate::ftp::listing::Place;
use crate::ftp::listing::parse::{Dialect, Item, Listed, ListingParser};
use crate::ftp::name;
use crate::ftp::reply::Reply;
use crate::ftp::verb::Verb;
use types::Time;

/// What a server has shown of itself.
#[derive(Debug, Default)]
pub(super) struct Habits {
    /// It refused MLSD although FEAT has it.
    pub(super) no_mlsd: bool,
    /// It refused MLST.
    pub(super) no_mlst: bool,
    /// Whether LIST takes `-a`, once that is known.
    list_all: Option<bool>,
    /// No data connection stays open for many files.
    pub(super) no_lane: bool,
    /// It refused SIZE.
    pub(super) no_size: bool,
    /// It refused MDTM.
    pub(super) no_mdtm: bool,
    /// It refused MFMT.
    pub(super) no_mfmt: bool,
    /// What has been told of the listing at hand.
    told: Told,
}

/// What has been told of a listing.
#[derive(Debug, Default)]
struct Told {
    entries: u64,
    lost: u64,
    dialect: Option<Dialect>,
    /// Only this name is looked for, and nothing is told.
    wanted: Option<Box<[u8]>>,
    found: Option<Box<Listed>>,
}

/// Runs when a listing is over.
type AtEnd = Box<dyn FnOnce(&mut Session, Result<(), Failure>) + Send>;

/// What a search in a listing found.
type Found = Box<dyn FnOnce(&mut Session, Result<Option<Box<Listed>>, Failure>) + Send>;

impl Session {
    pub(super) fn list(&mut self, path: Box<[u8]>) {
        self.habits.told = Told::default();
        self.list_into(path, Box::new(Self::listed));
    }

    fn listed(&mut self, result: Result<(), Failure>) {
        let told = std::mem::take(&mut self.habits.told);
        self.done(result.map(|()| Outcome::Listed { entries: told.entries, lost: told.lost, dialect: told.dialect }));
    }

    /// Looks for one name in a folder.
    pub(super) fn search(&mut self, folder: Box<[u8]>, name: Box<[u8]>, then: Found) {
        self.habits.told = Told { wanted: Some(name), ..Told::default() };
        self.list_into(
            folder,
            Box::new(|session, result| {
                let told = std::mem::take(&mut session.habits.told);
                then(session, result.map(|()| told.found));
            }),
        );
    }

    fn list_into(&mut self, path: Box<[u8]>, then: AtEnd) {
        if !self.welcome.features.facts() || self.habits.no_mlsd {
            return self.list_long(path, then);
        }
        let again = path.clone();
        let plan = Plan {
            verb: Verb::Mlsd,
            argument: wire(&path),
            rest: 0,
            flow: Flow::Listing,
            expected: None,
            parser: Some(Box::new(ListingParser::facts())),
            then: Box::new(move |session, result| match result {
                Err(failure) if failure.kind == Kind::Unsupported => {
                    session.habits.no_mlsd = true;
                    session.list_long(again, then);
                }
                other => then(session, other.map(|_| ())),
            }),
        };
        self.start_transfer(self.listing_shape(false), plan);
    }

    /// LIST takes options and globs in many servers: a path that could be taken for either is made the working directory
    /// first, and left again afterwards.
    fn list_long(&mut self, path: Box<[u8]>, then: AtEnd) {
        let odd = |b: &u8| b.is_ascii_whitespace() || b"*?[]{}~\\\"'".contains(b);
        if path.first() != Some(&b'-') && !path.iter().any(odd) {
            return self.list_here(path, then);
        }
        self.within(path, move |session, entered| match entered {
            Err(failure) => then(session, Err(failure)),
            Ok(back) => session.list_here(
                Box::default(),
                Box::new(move |session, result| {
                    session.send_name(Verb::Cwd, &back, move |session, reply| {
                        // Names that are not absolute would mean something else from now on.
                        let back = if is_positive(&reply) { Ok(()) } else { Err(Failure::refused(reply)) };
                        then(session, result.and(back));
                    });
                }),
            ),
        });
    }

    /// Makes a folder the working directory, and tells which one was before.
    pub(super) fn within(&mut self, path: Box<[u8]>, then: impl FnOnce(&mut Self, Result<Box<[u8]>, Failure>) + Send + 'static) {
        self.send(Verb::Pwd, b"", move |session, reply| match working_directory(&reply) {
            None => then(session, Err(Failure::refused(reply))),
            Some(back) => session.send_name(Verb::Cwd, &path, move |session, reply| {
                let entered = if is_positive(&reply) { Ok(back) } else { Err(Failure::refused(reply)) };
                then(session, entered);
            }),
        });
    }

    /// Listings come in TYPE A from systems that are not ASCII themselves; else the TYPE does not matter, unless it is E.
    fn listing_shape(&self, foreign: bool) -> Shape {
        Shape::plain((foreign || self.shape.kind == Some(Type::Ebcdic)).then_some(Type::Ascii))
    }

    fn list_here(&mut self, path: Box<[u8]>, then: AtEnd) {
        let system = self.welcome.system.as_deref().unwrap_or_default().to_ascii_uppercase();
        let foreign = ["MVS", "VMS", "OS/400", "VM/", "TANDEM", "NONSTOP", "GUARDIAN"].iter().any(|name| system.contains(name));
        if foreign {
            self.habits.list_all = Some(false);
        }
        let today =
            Time::from_seconds(self.settings.today.seconds.saturating_add(self.now.as_secs().try_into().unwrap_or(i64::MAX)));
        let all = self.habits.list_all.unwrap_or(true);
        let argument = match (all, wire(&path)) {
            (true, path) if path.is_empty() => Box::from(*b"-a"),
            (true, path) => [b"-a ", &*path].concat().into(),
            (false, path) => path,
        };
        let unsure = self.habits.list_all.is_none();
        let plan = Plan {
            verb: Verb::List,
            argument,
            rest: 0,
            flow: Flow::Listing,
            expected: None,
            parser: Some(Box::new(ListingParser::long(today))),
            then: Box::new(move |session, result| {
                let told = session.habits.told.entries + session.habits.told.lost;
                let without = match &result {
                    // A folder shows at least itself under -a: an empty listing means that -a was taken for a name.
                    Ok(_) => told == 0,
                    Err(failure) => matches!(failure.kind, Kind::Unsupported | Kind::BadName | Kind::NotFound | Kind::Refused),
                };
                if unsure && without {
                    session.habits.list_all = Some(false);
                    let after = move |session: &mut Self, result: Result<(), Failure>| {
                        // Nothing was learned of -a where nothing came without it either.
                        let told = session.habits.told.entries + session.habits.told.lost;
                        if result.is_err() || told == 0 {
                            session.habits.list_all = None;
                        }
                        then(session, result);
                    };
                    return session.list_here(path, Box::new(after));
                }
                if unsure && result.is_ok() {
                    session.habits.list_all = Some(true);
                }
                then(session, result.map(|_| ()));
            }),
        };
        self.start_transfer(self.listing_shape(foreign), plan);
    }

    /// Tells what the parser of the listing at hand has read.
    pub(super) fn tell_items(&mut self) {
        let Some(mut parser) = self.transfer.as_mut().and_then(|transfer| transfer.plan.parser.take()) else { return };
        while let Some(item) = parser.next() {
            self.tell(item);
        }
        if let Some(transfer) = self.transfer.as_mut() {
            transfer.plan.parser = Some(parser);
        }
    }

    /// As [`Session::tell_items`], once the listing has ended well.
    pub(super) fn finish_items(&mut self, parser: Option<Box<ListingParser>>) {
        let Some(mut parser) = parser else { return };
        while let Some(item) = parser.next() {
            self.tell(item);
        }
        self.habits.told.dialect = parser.dialect();
    }

    fn tell(&mut self, item: Item) {
        let told = &mut self.habits.told;
        match &item {
            Item::Entry(_) => told.entries += 1,
            Item::Refused { .. } | Item::Unread(_) => told.lost += 1,
        }
        if let Some(wanted) = &told.wanted {
            if let Item::Entry(entry) = item
                && entry.place == Place::Inside
                && entry.name == *wanted
            {
                told.found = Some(entry);
            }
        } else if let Some(op) = self.op() {
            self.emit(Output::Item(op, item));
        }
    }
}

/// What a 257 names; servers that leave the quotes out mean their first word.
pub(super) fn working_directory(reply: &Reply) -> Option<Box<[u8]>> {
    if reply.code != 257 && reply.code != 250 {
        return None;
    }
    let quote = memchr::memchr(b'"', &reply.text);
    if let Some((path, _)) = quote.and_then(|at| reply.text.get(at..)).and_then(name::unquote) {
        return Some(path.into());
    }
    reply.text.split(|b| b.is_ascii_whitespace()).find(|word| !word.is_empty()).map(Into::into)
}
