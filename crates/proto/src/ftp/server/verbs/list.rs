//! LIST, NLST, MLSD, MLST (RFC 959 §4.1.3; RFC 1123 §4.1.2.7; RFC 3659 §7): listings.

use types::{Attr, Op, Reason, VPath, Yield};

use super::retrieve::{data_port, finish, shown};
use crate::ftp::data::Form;
use crate::ftp::glob;
use crate::ftp::listing::ListOptions;
use crate::ftp::name;
use crate::ftp::reply::Reply;
use crate::ftp::server::exchange::{Body, Channel, Cover, End, Flow, ListForm, Listed, Via};
use crate::ftp::server::session::{Session, about};
use crate::ftp::verb::Verb;

pub(super) fn list(session: &mut Session, verb: Verb, argument: &[u8]) {
    let (options, rest) = ListOptions::parse(argument);
    let names = verb == Verb::Nlst && !options.long;
    let itself = options.itself;
    let form = if names { ListForm::Names(options) } else { ListForm::Long(options) };
    let Some((path, globs, prefix)) = place(session, rest) else { return };
    let prefix = if names { prefix } else { Box::default() };
    let listed = Listed { path, only: None, globs, prefix, form };
    let Some(via) = data_port(session) else { return };
    if itself && listed.globs.is_empty() {
        return open_file(session, listed, verb.row().name, Over::Data(via));
    }
    open(session, listed, verb.row().name, Over::Data(via));
}

pub(super) fn facts(session: &mut Session, verb: Verb, argument: &[u8]) {
    let Some(path) = session.path(argument) else { return };
    let Some(facts) = session.user().map(|user| user.facts.clone()) else { return };
    let listed = Listed { path, only: None, globs: Vec::new(), prefix: Box::default(), form: ListForm::Facts(facts) };
    match verb {
        Verb::Mlsd => {
            let Some(via) = data_port(session) else { return };
            open_folder(session, listed, "MLSD", Over::Data(via), false);
        }
        _ => mlst(session, listed),
    }
}

/// STAT with a path: a long listing as the inner lines of a reply (RFC 959 §4.1.3).
pub(super) fn status(session: &mut Session, argument: &[u8]) {
    let (options, rest) = ListOptions::parse(argument);
    let Some((path, globs, _)) = place(session, rest) else { return };
    let listed = Listed { path, only: None, globs, prefix: Box::default(), form: ListForm::Long(options) };
    open(session, listed, "STAT", Over::Control);
}

/// Where a listing goes.
#[derive(Clone, Copy, PartialEq)]
enum Over {
    Data(Via),
    Control,
}

/// The folder to open, the globs below it, and what stands before each name in NLST.
type Place = (VPath, Vec<Box<[u8]>>, Box<[u8]>);

/// Takes an argument apart: what stands before the first component with a glob is a plain path.
fn place(session: &mut Session, argument: &[u8]) -> Option<Place> {
    if !glob::has_glob(argument) {
        let mut prefix = name::decode(argument).into_owned();
        if !prefix.is_empty() && !prefix.ends_with(b"/") {
            prefix.push(b'/');
        }
        return session.path(argument).map(|path| (path, Vec::new(), prefix.into()));
    }
    let parts: Vec<&[u8]> = argument.split(|&b| b == b'/').collect();
    let first = parts.iter().position(|part| glob::has_glob(part)).unwrap_or(0);
    let mut plain = parts.get(..first).unwrap_or_default().join(&b'/');
    if first > 0 {
        plain.push(b'/');
    }
    let globs = parts.iter().skip(first).filter(|part| !part.is_empty() && **part != b".");
    let globs = globs.map(|part| name::decode(part).into_owned().into()).collect();
    let prefix = name::decode(&plain).into_owned();
    session.path(&plain).map(|path| (path, globs, prefix.into()))
}

fn open(session: &mut Session, listed: Listed, verb: &'static str, over: Over) {
    open_folder(session, listed, verb, over, true);
}

fn open_folder(session: &mut Session, listed: Listed, verb: &'static str, over: Over, files_too: bool) {
    let op = Op::List { path: listed.path.clone() };
    session.ask_abortable(
        op,
        Box::new(move |session, answer| match answer {
            Ok(_) => begin(session, listed, verb, over),
            Err(error) if error.reason == Reason::NotAFolder && files_too && listed.globs.is_empty() => {
                open_file(session, listed, verb, over);
            }
            Err(error) if error.reason == Reason::NotAFolder => {
                // RFC 3659 §7.1: MLSD of a file is an error of the argument.
                session.say(Reply::new(501, about(Some(&listed.path), error.reason)));
            }
            Err(error) => session.refuse(&error, Some(&listed.path)),
        }),
    );
}

fn open_file(session: &mut Session, mut listed: Listed, verb: &'static str, over: Over) {
    let op = Op::Stat { path: listed.path.clone(), follow: false };
    session.ask_abortable(
        op,
        Box::new(move |session, answer| match answer {
            Ok(Yield::Attr(attr)) => {
                // NLST of a file gives the name as it was asked for.
                if listed.prefix.ends_with(b"/") {
                    let whole = listed.prefix.strip_suffix(b"/").unwrap_or_default();
                    let cut = whole.iter().rposition(|&b| b == b'/').map_or(0, |at| at + 1);
                    listed.prefix = whole.get(..cut).unwrap_or_default().into();
                }
                listed.only = Some(attr);
                begin(session, listed, verb, over);
            }
            Ok(_) => {}
            Err(error) => session.refuse(&error, Some(&listed.path)),
        }),
    );
}

fn begin(session: &mut Session, listed: Listed, verb: &'static str, over: Over) {
    let what = format!("{verb} {}", listed.path);
    let path = listed.path.clone();
    match over {
        Over::Control => {
            let code = if listed.only.is_some() { 213 } else { 212 };
            session.say(Reply::opening(code, format!("Status of {}:", shown(&path))));
            let flow = Flow { body: Body::List(listed), form: Form::ASCII, channel: Channel::Control, cover: Cover::Clear };
            session.transfer(flow, what, Box::new(move |session, end| close_lines(session, code, &end)));
        }
        Over::Data(via) => {
            let form = session.user().map_or(Form::ASCII, |user| user.form);
            session.say(match via {
                Via::Kept(_) => Reply::new(125, format!("Using the open data connection for a listing of {}.", shown(&path))),
                _ => Reply::new(150, format!("Opening data connection for a listing of {}.", shown(&path))),
            });
            let cover = session.protection.cover();
            let flow = Flow { body: Body::List(listed), form, channel: Channel::Data(via), cover };
            session.transfer(flow, what, Box::new(move |session, end| finish(session, end, Some(&path))));
        }
    }
}

/// MLST: the facts of one name over the control connection (RFC 3659 §7.2).
fn mlst(session: &mut Session, listed: Listed) {
    let op = Op::Stat { path: listed.path.clone(), follow: false };
    session.ask(
        op,
        Box::new(move |session, answer| match answer {
            Ok(Yield::Attr(attr)) => tell(session, listed, attr),
            Ok(_) => {}
            Err(error) => session.refuse(&error, Some(&listed.path)),
        }),
    );
}

fn tell(session: &mut Session, mut listed: Listed, attr: Attr) {
    session.say(Reply::opening(250, format!("Facts of {}:", shown(&listed.path))));
    let what = format!("MLST {}", listed.path);
    listed.only = Some(attr);
    let flow = Flow { body: Body::List(listed), form: Form::ASCII, channel: Channel::Control, cover: Cover::Clear };
    session.transfer(flow, what, Box::new(|session, end| close_lines(session, 250, &end)));
}

/// The last line of a reply whose inner lines were a listing. Its code cannot change any more, so a failure is told
/// in words.
fn close_lines(session: &mut Session, code: u16, end: &End) {
    session.say(match end {
        End::Done { .. } | End::Digest(_) => Reply::fixed(code, "End."),
        End::Failed { error, .. } => Reply::new(code, format!("End, cut short: {}.", error.reason)),
    });
}
