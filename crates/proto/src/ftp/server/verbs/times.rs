//! MDTM, MFMT, MFCT, MFF (RFC 3659 §3; draft-somers-ftp-mfxx §3 to §5): times and facts of a file.

use types::{AttrChange, Op, Reason, Time, VPath, Yield};

use crate::ftp::name;
use crate::ftp::reply::Reply;
use crate::ftp::server::session::{Session, text};
use crate::ftp::timeval;
use crate::ftp::verb::Verb;

pub(super) fn mdtm(session: &mut Session, argument: &[u8]) {
    let Some(path) = session.named_path(Verb::Mdtm, argument) else { return };
    // Many clients set times with `MDTM time file`, which no RFC has: a file of that very name wins.
    let setting = split_time(argument).and_then(|(time, rest)| Some((time, session.path(rest)?)));
    let op = Op::Stat { path: path.clone(), follow: true };
    session.ask(
        op,
        Box::new(move |session, answer| match (answer, setting) {
            (Ok(Yield::Attr(attr)), _) if attr.is_dir() => session.refuse(&Reason::IsAFolder.into(), Some(&path)),
            (Ok(Yield::Attr(attr)), _) => match attr.modified {
                Some(time) => session.say(Reply::new(213, timeval::print(time))),
                None => session.refuse(&Reason::Unsupported.into(), Some(&path)),
            },
            (Err(error), Some((time, target))) if error.reason == Reason::NotFound => {
                change(session, target, AttrChange { modified: Some(time), ..Default::default() });
            }
            (Ok(_), _) => {}
            (Err(error), _) => session.refuse(&error, Some(&path)),
        }),
    );
}

pub(super) fn set(session: &mut Session, verb: Verb, argument: &[u8]) {
    let Some((time, rest)) = split_time(argument) else { return session.syntax(verb) };
    let Some(path) = session.named_path(verb, rest) else { return };
    let wish = if verb == Verb::Mfmt {
        AttrChange { modified: Some(time), ..Default::default() }
    } else {
        AttrChange { created: Some(time), ..Default::default() }
    };
    change(session, path, wish);
}

pub(super) fn mff(session: &mut Session, argument: &[u8]) {
    let Some(cut) = argument.iter().position(|&b| b == b' ') else { return session.syntax(Verb::Mff) };
    let (facts, rest) = argument.split_at(cut);
    match wishes(facts) {
        Ok(wish) => {
            if let Some(path) = session.named_path(Verb::Mff, rest.get(1..).unwrap_or_default()) {
                change(session, path, wish);
            }
        }
        Err(Wish::Unknown) => session.say(Reply::new(504, text(Reason::BadParameter))),
        Err(Wish::Malformed) => session.syntax(Verb::Mff),
    }
}

/// Why facts could not be read.
enum Wish {
    Unknown,
    Malformed,
}

fn wishes(facts: &[u8]) -> Result<AttrChange, Wish> {
    let mut change = AttrChange::default();
    for fact in facts.split(|&b| b == b';').filter(|fact| !fact.is_empty()) {
        let text = std::str::from_utf8(fact).map_err(|_| Wish::Malformed)?;
        let (fact, value) = text.split_once('=').ok_or(Wish::Malformed)?;
        let decimal = || value.parse().map_err(|_| Wish::Malformed);
        let time = || timeval::parse(value.as_bytes()).map_err(|_| Wish::Malformed);
        match fact.to_ascii_lowercase().as_str() {
            "modify" => change.modified = Some(time()?),
            "create" => change.created = Some(time()?),
            "unix.mode" => {
                let mode = u32::from_str_radix(value, 8).ok().filter(|mode| *mode <= 0o7777);
                change.mode = Some(mode.ok_or(Wish::Malformed)?);
            }
            "unix.owner" => change.owner = Some(decimal()?),
            "unix.group" => change.group = Some(decimal()?),
            _ => return Err(Wish::Unknown),
        }
    }
    Ok(change)
}

/// Changes attributes and says `213 Fact=value;... path` (draft-somers-ftp-mfxx §3.2).
pub(super) fn change(session: &mut Session, path: VPath, wish: AttrChange) {
    let op = Op::SetAttr { path: path.clone(), change: wish.clone() };
    session.ask(
        op,
        Box::new(move |session, answer| match answer {
            Ok(_) => {
                let mut line = Vec::new();
                if let Some(time) = wish.modified {
                    line.extend_from_slice(b"Modify=");
                    line.extend_from_slice(timeval::print(time).as_bytes());
                    line.push(b';');
                }
                if let Some(time) = wish.created {
                    line.extend_from_slice(b"Create=");
                    line.extend_from_slice(timeval::print(time).as_bytes());
                    line.push(b';');
                }
                if let Some(mode) = wish.mode {
                    line.extend_from_slice(format!("UNIX.mode={mode:04o};").as_bytes());
                }
                if let Some(owner) = wish.owner {
                    line.extend_from_slice(format!("UNIX.owner={owner};").as_bytes());
                }
                if let Some(group) = wish.group {
                    line.extend_from_slice(format!("UNIX.group={group};").as_bytes());
                }
                line.push(b' ');
                line.extend_from_slice(&name::encode(path.as_bytes()));
                session.say(Reply::new(213, line));
            }
            Err(error) => session.refuse(&error, Some(&path)),
        }),
    );
}

fn split_time(argument: &[u8]) -> Option<(Time, &[u8])> {
    let cut = argument.iter().position(|&b| b == b' ')?;
    let (time, rest) = argument.split_at(cut);
    Some((timeval::parse(time).ok()?, rest.get(1..)?))
}
