//! What is sent for each operation, and what its replies mean (RFC 959 §4.1, RFC 3659, draft-somers-ftp-mfxx).

use types::{Kind as FileKind, Time};

use super::exchange::{Flow, Line, Operation, Outcome, PutHow, Stat};
use super::failure::{Failure, Kind, Wait};
use super::list::working_directory;
use super::session::{Session, Then, is_positive};
use super::shape::Shape;
use super::transfer::{Plan, wire};
use crate::ftp::command::Command;
use crate::ftp::data::{Form, Type};
use crate::ftp::listing::parse::{Listed, Precision, Stamp};
use crate::ftp::listing::parse_facts;
use crate::ftp::reply::Reply;
use crate::ftp::timeval;
use crate::ftp::verb::Verb;

impl Session {
    pub(super) fn begin(&mut self, operation: Operation) {
        if paths(&operation).into_iter().flatten().any(|path| path.contains(&0)) {
            return self.done(Err(Failure::because(Kind::BadName, "a name with a NUL byte cannot be sent")));
        }
        match operation {
            Operation::List(path) => self.list(path),
            Operation::Stat(path) => self.stat(path),
            Operation::Get { path, offset, expected, ascii } => {
                let form = self.form_of(ascii);
                self.move_file((Verb::Retr, &path), offset, Flow::Receive { form }, form, expected);
            }
            Operation::Put { path, how, expected, ascii } => {
                let (verb, rest) = match how {
                    PutHow::Replace => (Verb::Stor, 0),
                    PutHow::Append => (Verb::Appe, 0),
                    PutHow::At(at) => (Verb::Stor, at),
                };
                let form = self.form_of(ascii);
                self.move_file((verb, &path), rest, Flow::Send { form }, form, expected);
            }
            Operation::MakeDir(path) => self.simple(Verb::Mkd, &path),
            Operation::RemoveDir(path) => self.simple(Verb::Rmd, &path),
            Operation::Remove(path) => self.simple(Verb::Dele, &path),
            Operation::Rename(from, to) => self.publish(from, to, None),
            Operation::Publish { from, to, modified } => self.publish(from, to, modified),
            Operation::Chmod(path, mode) => {
                let argument = [format!("CHMOD {mode:03o} ").as_bytes(), &wire(&path)].concat();
                self.send(Verb::Site, &argument, Self::done_with);
            }
            Operation::SetModified(path, time) => self.set_modified(path, time),
            Operation::Size(path) => self.with_shape(Shape::plain(Some(Type::Image)), move |session, set| match set {
                Err(failure) => session.done(Err(failure)),
                Ok(()) => session.send_name(Verb::Size, &path, |session, reply| {
                    let size = size_of(reply).map(Outcome::Size);
                    session.done(size);
                }),
            }),
            Operation::Modified(path) => self.send_name(Verb::Mdtm, &path, |session, reply| {
                let time = time_of(reply).map(Outcome::Modified);
                session.done(time);
            }),
            Operation::Pwd => self.send(Verb::Pwd, b"", |session, reply| {
                let path = working_directory(&reply).map(Outcome::Path);
                session.done(path.ok_or_else(|| Failure::refused(reply)));
            }),
            Operation::Cwd(path) if *path == *b".." => self.send(Verb::Cdup, b"", Self::done_with),
            Operation::Cwd(path) => self.simple(Verb::Cwd, &path),
            Operation::Noop => self.send(Verb::Noop, b"", Self::done_with),
            Operation::Listen { as_client } => self.have_listen(as_client),
            Operation::Reach(at) => self.tell_where(at),
            Operation::MoveBeyond { path, offset, store } => self.move_beyond(&path, offset, store),
            Operation::Quote(line) => self.quote(&line),
            // Begun elsewhere, for they run beside one another.
            Operation::Kept { .. } => self.done(Err(Failure::of(Kind::Unsupported))),
        }
    }

    /// One command with one name.
    fn simple(&mut self, verb: Verb, path: &[u8]) {
        self.send_name(verb, path, Self::done_with);
    }

    pub(super) fn done_with(&mut self, reply: Reply) {
        self.done(if is_positive(&reply) { Ok(Outcome::Done) } else { Err(Failure::refused(reply)) });
    }

    /// How a file's bytes travel.
    fn form_of(&self, ascii: bool) -> Form {
        if ascii { Form { kind: Type::Ascii, ..self.settings.form } } else { self.settings.form }
    }

    fn move_file(&mut self, (verb, path): (Verb, &[u8]), rest: u64, flow: Flow, form: Form, expected: Option<u64>) {
        if rest > 0 && !form.has_offsets() {
            return self.done(Err(Failure::because(Kind::NoRestart, "with this TYPE, STRU or MODE files move whole")));
        }
        // What is made of text and records is not as long as what stood there.
        let expected = expected.filter(|_| form.is_image());
        let plan = Plan {
            verb,
            argument: wire(path),
            rest,
            flow,
            expected,
            parser: None,
            then: Box::new(|session, result| session.done(result.map(Outcome::Moved))),
        };
        self.start_transfer(Shape::of(form), plan);
    }

    /// MFMT; else SITE UTIME in the form with one time, which those servers share that have no MFMT.
    pub(super) fn set_modified(&mut self, path: Box<[u8]>, time: Time) {
        let argument = [timeval::print(time).as_bytes(), b" ", &wire(&path)].concat();
        if !self.welcome.features.may("MFMT") || self.habits.no_mfmt {
            let argument = [b"UTIME ", &*argument].concat();
            return self.send(Verb::Site, &argument, Self::done_with);
        }
        self.send(Verb::Mfmt, &argument, move |session, reply| {
            let failure = (!is_positive(&reply)).then(|| Failure::refused(reply));
            match failure {
                Some(failure) if failure.kind == Kind::Unsupported => {
                    session.habits.no_mfmt = true;
                    session.set_modified(path, time);
                }
                Some(failure) => session.done(Err(failure)),
                None => session.done(Ok(Outcome::Done)),
            }
        });
    }

    fn quote(&mut self, line: &[u8]) {
        let verb = Command::parse(line).verb;
        // These need a data connection, or would bring the session out of step with what it knows.
        let refused = matches!(
            verb,
            Some(
                Verb::Retr
                    | Verb::Stor
                    | Verb::Stou
                    | Verb::Appe
                    | Verb::List
                    | Verb::Nlst
                    | Verb::Mlsd
                    | Verb::Thmb
                    | Verb::Auth
                    | Verb::Ccc
                    | Verb::Prot
                    | Verb::Mode
                    | Verb::Stru
                    | Verb::Rein
                    | Verb::User
                    | Verb::Pass
                    | Verb::Quit
                    | Verb::Abor
                    | Verb::Epsv
                    | Verb::Spdt
            )
        );
        if refused || line.is_empty() {
            let name = verb.map_or("an empty line", |verb| verb.row().name);
            return self.done(Err(Failure::because(Kind::Unsupported, format!("{name} cannot be sent by hand"))));
        }
        if line.iter().any(|&b| matches!(b, b'\r' | b'\n')) {
            return self.done(Err(Failure::because(Kind::BadName, "a line cannot hold a line end")));
        }
        if verb == Some(Verb::Type) {
            self.shape.kind = None;
        }
        let then = Then::Do(Box::new(|session: &mut Self, reply| session.done(Ok(Outcome::Reply(reply)))));
        self.send_line(Line::raw(line), Wait::Reply, then);
    }

    fn stat(&mut self, path: Box<[u8]>) {
        if !self.welcome.features.facts() || self.habits.no_mlst {
            return self.stat_by_size(path);
        }
        let line = path.clone();
        self.send_name(Verb::Mlst, &line, move |session, reply| {
            if is_positive(&reply) {
                let stat = fact_line(&reply).ok_or_else(|| Failure::said(Kind::Protocol, reply));
                return session.done(stat.map(Outcome::Stat));
            }
            let failure = Failure::refused(reply);
            if failure.kind == Kind::Unsupported {
                session.habits.no_mlst = true;
                session.stat_by_size(path);
            } else {
                session.done(Err(failure));
            }
        });
    }

    /// SIZE is for files, in TYPE I for their bytes. What has no size may be a folder: then one can enter it.
    fn stat_by_size(&mut self, path: Box<[u8]>) {
        if path.iter().all(|&b| b == b'/') {
            return self.done(Ok(Outcome::Stat(Stat {
                kind: FileKind::Dir,
                size: None,
                modified: None,
                mode: None,
                unique: None,
            })));
        }
        if !self.welcome.features.may("SIZE") || self.habits.no_size {
            return self.stat_by_listing(&path);
        }
        self.with_shape(Shape::plain(Some(Type::Image)), move |session, set| {
            if let Err(failure) = set {
                return session.done(Err(failure));
            }
            let name = path.clone();
            session.send_name(Verb::Size, &name, move |session, reply| match size_of(reply) {
                Ok(size) => session.stat_with_time(path, size),
                Err(failure) if failure.kind == Kind::Unsupported => {
                    session.habits.no_size = true;
                    session.stat_by_listing(&path);
                }
                Err(failure) => session.stat_by_entering(path, failure),
            });
        });
    }

    fn stat_with_time(&mut self, path: Box<[u8]>, size: u64) {
        let mut stat = Stat { kind: FileKind::File, size: Some(size), modified: None, mode: None, unique: None };
        if !self.welcome.features.may("MDTM") || self.habits.no_mdtm {
            return self.done(Ok(Outcome::Stat(stat)));
        }
        self.send_name(Verb::Mdtm, &path, move |session, reply| {
            match time_of(reply) {
                Ok(time) => stat.modified = Some(Stamp { civil: time.civil(), precision: Precision::Second, utc: true }),
                Err(failure) if failure.kind == Kind::Unsupported => session.habits.no_mdtm = true,
                Err(_) => {}
            }
            session.done(Ok(Outcome::Stat(stat)));
        });
    }

    fn stat_by_entering(&mut self, path: Box<[u8]>, of_size: Failure) {
        self.within(path, move |session, entered| match entered {
            Err(_) => session.done(Err(of_size)),
            Ok(back) => session.send_name(Verb::Cwd, &back, |session, reply| {
                let stat = Stat { kind: FileKind::Dir, size: None, modified: None, mode: None, unique: None };
                session.done(if is_positive(&reply) { Ok(Outcome::Stat(stat)) } else { Err(Failure::refused(reply)) });
            }),
        });
    }

    fn stat_by_listing(&mut self, path: &[u8]) {
        let path = path.strip_suffix(b"/").unwrap_or(path);
        let (folder, name) = match memchr::memrchr(b'/', path) {
            Some(0) => (&b"/"[..], path.get(1..).unwrap_or_default()),
            Some(at) => (path.get(..at).unwrap_or_default(), path.get(at + 1..).unwrap_or_default()),
            None => (&b""[..], path),
        };
        self.search(
            folder.into(),
            name.into(),
            Box::new(|session, found| {
                let stat = match found {
                    Ok(Some(entry)) => Ok(Outcome::Stat(stat_of(&entry))),
                    Ok(None) => Err(Failure::because(Kind::NotFound, "the folder's listing does not have it")),
                    Err(failure) => Err(failure),
                };
                session.done(stat);
            }),
        );
    }
}

/// The names in an operation.
fn paths(operation: &Operation) -> [Option<&[u8]>; 2] {
    match operation {
        Operation::Rename(from, to) | Operation::Publish { from, to, .. } => [Some(from), Some(to)],
        Operation::List(path)
        | Operation::Stat(path)
        | Operation::Get { path, .. }
        | Operation::Put { path, .. }
        | Operation::MakeDir(path)
        | Operation::RemoveDir(path)
        | Operation::Remove(path)
        | Operation::Chmod(path, _)
        | Operation::SetModified(path, _)
        | Operation::Size(path)
        | Operation::Modified(path)
        | Operation::Cwd(path)
        | Operation::MoveBeyond { path, .. }
        | Operation::Kept { path, .. }
        | Operation::Quote(path) => [Some(path), None],
        Operation::Pwd | Operation::Noop | Operation::Listen { .. } | Operation::Reach(_) => [None, None],
    }
}

/// The number in a 213.
fn size_of(reply: Reply) -> Result<u64, Failure> {
    if !is_positive(&reply) {
        return Err(Failure::refused(reply));
    }
    let size = std::str::from_utf8(reply.text.trim_ascii())
        .ok()
        .filter(|text| !text.starts_with('+'))
        .and_then(|text| text.parse().ok());
    size.ok_or_else(|| Failure::said(Kind::Protocol, reply))
}

/// The time in a 213.
fn time_of(reply: Reply) -> Result<Time, Failure> {
    if !is_positive(&reply) {
        return Err(Failure::refused(reply));
    }
    timeval::parse(reply.text.trim_ascii())
        .map_err(|error| Failure { detail: error.to_string().into(), ..Failure::said(Kind::Protocol, reply) })
}

/// What the one fact line in a reply to MLST tells (RFC 3659 §7.2): between the first line and the last.
fn fact_line(reply: &Reply) -> Option<Stat> {
    let mut lines = reply.text.split(|&b| b == b'\n');
    let told = lines.nth(1).and_then(|line| parse_facts(line.trim_ascii_start()).ok())?;
    let stamp = |time: Time| Stamp { civil: time.civil(), precision: Precision::Second, utc: true };
    let attr = &told.entry.attr;
    Some(Stat { kind: attr.kind, size: told.size, modified: attr.modified.map(stamp), mode: attr.mode, unique: attr.unique })
}

fn stat_of(entry: &Listed) -> Stat {
    Stat { kind: entry.kind, size: entry.size, modified: entry.modified, mode: entry.mode, unique: entry.unique }
}
