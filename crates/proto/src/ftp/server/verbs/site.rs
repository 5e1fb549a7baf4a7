//! SITE (RFC 959 §4.1.3): HELP, CHMOD, CHOWN, CPFR, CPTO, QUOTA, UTIME, SYMLINK, UMASK, IDLE, HASH, DU, MSG, WHO.

use std::time::Duration;

use types::{AttrChange, Op, Reason, Yield};

use super::retrieve::number;
use super::times;
use super::{copy, digest, mail};
use crate::ftp::name;
use crate::ftp::reply::Reply;
use crate::ftp::server::session::{Session, text};
use crate::ftp::timeval;
use crate::ftp::verb::Verb;

/// One row a SITE command: name, argument, meaning.
const COMMANDS: &[(&str, &str, &str)] = &[
    ("HELP", "", "list these"),
    ("CHMOD", "<octal mode> <path>", "set permission bits"),
    ("CHOWN", "<uid>[:<gid>] <path>", "set the owner, by number"),
    ("CPFR", "<file>", "say which file is copied"),
    ("CPTO", "<file>", "copy it to this name"),
    ("QUOTA", "[<folder>]", "tell how many bytes may be written"),
    ("UTIME", "<YYYYMMDDhhmm[ss]> <path> | <path> <atime> <mtime> <ctime> UTC", "set the time of change"),
    ("SYMLINK", "<target> <link>", "make a symbolic link"),
    ("UMASK", "[<octal mask>]", "tell or set what new files are denied"),
    ("IDLE", "[<seconds>]", "tell or set how long silence may last"),
    ("HASH", "<file>", "tell a file's digest, as HASH does"),
    ("DU", "[<folder>]", "tell bytes and files below a folder"),
    ("MSG", "<user | session> <text>", "send somebody who is here a message"),
    ("WHO", "", "tell who is here"),
];

pub(super) fn site(session: &mut Session, argument: &[u8]) {
    let argument = argument.trim_ascii_start();
    let cut = argument.iter().position(|&b| b == b' ').unwrap_or(argument.len());
    let (command, rest) = argument.split_at(cut);
    let rest = rest.get(1..).unwrap_or_default();
    let command = command.to_ascii_uppercase();
    if command == b"HELP" {
        return help(session);
    }
    if session.user().is_none() {
        return session.say(Reply::new(530, text(Reason::NotLoggedIn)));
    }
    match command.as_slice() {
        b"CHMOD" => chmod(session, rest),
        b"CHOWN" => chown(session, rest),
        b"CPFR" | b"CPTO" if rest.is_empty() => expected(session, if command == b"CPFR" { "CPFR" } else { "CPTO" }),
        b"CPFR" => copy::cpfr(session, rest),
        b"CPTO" => copy::cpto(session, rest),
        b"QUOTA" => quota(session, rest),
        b"UTIME" => utime(session, rest),
        b"SYMLINK" => symlink(session, rest),
        b"UMASK" => umask(session, rest.trim_ascii()),
        b"IDLE" => idle(session, rest.trim_ascii()),
        b"HASH" if rest.is_empty() => expected(session, "HASH"),
        b"HASH" => digest::hash(session, Verb::Hash, rest),
        b"DU" => du(session, rest),
        b"MSG" => match split(rest) {
            Some((to, line)) => mail::site_msg(session, to, line),
            None => expected(session, "MSG"),
        },
        b"WHO" => who(session),
        b"" => expected(session, "HELP"),
        _ => session.say(Reply::new(504, text(Reason::BadParameter))),
    }
}

pub(super) fn help(session: &mut Session) {
    let mut lines = String::from("SITE commands:");
    for (name, argument, meaning) in COMMANDS {
        let form = format!("{name} {argument}");
        lines += &format!("\n{}: {meaning}", form.trim_end());
    }
    lines += "\nEnd";
    session.say(Reply::new(214, lines));
}

fn expected(session: &mut Session, command: &str) {
    let argument = COMMANDS.iter().find(|(name, ..)| *name == command).map_or("", |(_, argument, _)| argument);
    let form = format!("{command} {argument}");
    session.say(Reply::new(501, format!("Expected: SITE {} (CRK-404).", form.trim_end())));
}

fn chmod(session: &mut Session, rest: &[u8]) {
    let Some((mode, path)) = split(rest) else { return expected(session, "CHMOD") };
    match octal(mode, 0o7777) {
        Some(mode) => {
            if let Some(path) = session.path(path) {
                let change = AttrChange { mode: Some(mode), ..Default::default() };
                let op = Op::SetAttr { path: path.clone(), change };
                session.ask(
                    op,
                    Box::new(move |session, answer| match answer {
                        Ok(_) => session.say(Reply::new(200, format!("Mode is {mode:04o}."))),
                        Err(error) => session.refuse(&error, Some(&path)),
                    }),
                );
            }
        }
        None => expected(session, "CHMOD"),
    }
}

/// Owner and group by number: names are the system's own and nobody's business outside.
fn chown(session: &mut Session, rest: &[u8]) {
    let Some((who, path)) = split(rest) else { return expected(session, "CHOWN") };
    let mut ids = who.splitn(2, |&b| b == b':');
    let id = |word: Option<&[u8]>| match word {
        None | Some(b"") => Some(None),
        Some(word) => number(word).and_then(|id| u32::try_from(id).ok()).map(Some),
    };
    let (Some(owner), Some(group)) = (id(ids.next()), id(ids.next())) else { return expected(session, "CHOWN") };
    if owner.is_none() && group.is_none() {
        return expected(session, "CHOWN");
    }
    if let Some(path) = session.path(path) {
        times::change(session, path, AttrChange { owner, group, ..Default::default() });
    }
}

/// How much may be written: quota and disk, the smaller.
fn quota(session: &mut Session, rest: &[u8]) {
    let Some(path) = session.path(rest) else { return };
    let op = Op::Space { path: path.clone() };
    session.ask(
        op,
        Box::new(move |session, answer| match answer {
            Ok(Yield::Space(space)) => {
                let line = match (space.free, space.total) {
                    (Some(free), Some(total)) => format!("{free} bytes of {total} are free."),
                    (Some(free), None) => format!("{free} bytes are free."),
                    (None, _) => "There is no limit.".to_owned(),
                };
                session.say(Reply::new(200, line));
            }
            Ok(_) => {}
            Err(error) => session.refuse(&error, Some(&path)),
        }),
    );
}

/// Two forms live in the field: `time path`, and `path atime mtime ctime UTC`.
fn utime(session: &mut Session, rest: &[u8]) {
    let two = || {
        let (time, path) = split(rest)?;
        Some((stamp(time)?, path))
    };
    let Some((time, path)) = five(rest).or_else(two) else { return expected(session, "UTIME") };
    if let Some(path) = session.path(path) {
        times::change(session, path, AttrChange { modified: Some(time), ..Default::default() });
    }
}

fn five(rest: &[u8]) -> Option<(types::Time, &[u8])> {
    let mut words = rest.rsplitn(5, |&b| b == b' ');
    let zone = words.next()?;
    let (_changed, modified, _accessed) = (stamp(words.next()?)?, stamp(words.next()?)?, stamp(words.next()?)?);
    let path = words.next()?;
    (zone.eq_ignore_ascii_case(b"UTC") && !path.is_empty()).then_some((modified, path))
}

/// A time value, or one without its seconds.
fn stamp(word: &[u8]) -> Option<types::Time> {
    if word.len() == 12 {
        return timeval::parse(&[word, b"00"].concat()).ok();
    }
    timeval::parse(word).ok()
}

fn symlink(session: &mut Session, rest: &[u8]) {
    let Some((target, link)) = split(rest) else { return expected(session, "SYMLINK") };
    let target = name::decode(target).into_owned();
    if let Some(path) = session.path(link) {
        let op = Op::Link { path: path.clone(), target: target.into() };
        session.ask(
            op,
            Box::new(move |session, answer| match answer {
                Ok(_) => session.say(Reply::fixed(200, "Link made.")),
                Err(error) => session.refuse(&error, Some(&path)),
            }),
        );
    }
}

fn umask(session: &mut Session, rest: &[u8]) {
    if rest.is_empty() {
        let mask = session.user().map_or(0, |user| user.umask);
        return session.say(Reply::new(200, format!("Umask is {mask:03o}.")));
    }
    let Some(mask) = octal(rest, 0o777) else { return expected(session, "UMASK") };
    session.ask(
        Op::Umask { mask },
        Box::new(move |session, answer| match answer {
            Ok(_) => {
                if let Some(user) = session.user_mut() {
                    user.umask = mask;
                }
                session.say(Reply::new(200, format!("Umask is {mask:03o}.")));
            }
            Err(error) => session.refuse(&error, None),
        }),
    );
}

fn idle(session: &mut Session, rest: &[u8]) {
    let at_most = session.settings.idle_at_most;
    let Some(user) = session.user_mut() else { return };
    if rest.is_empty() {
        let line = format!("Closed after {} s of silence; at most {} s.", user.idle.as_secs(), at_most.as_secs());
        return session.say(Reply::new(200, line));
    }
    match number(rest).filter(|seconds| *seconds > 0) {
        Some(seconds) => {
            user.idle = Duration::from_secs(seconds).min(at_most);
            let line = format!("Closed after {} s of silence.", user.idle.as_secs());
            session.say(Reply::new(200, line));
        }
        None => expected(session, "IDLE"),
    }
}

fn du(session: &mut Session, rest: &[u8]) {
    let Some(path) = session.path(rest) else { return };
    let op = Op::Usage { path: path.clone() };
    session.ask_abortable(
        op,
        Box::new(move |session, answer| match answer {
            Ok(Yield::Usage(u)) => {
                let line = format!("{} bytes in {} files and {} folders.", u.bytes, u.files, u.folders);
                session.say(Reply::new(200, line));
            }
            Ok(_) => {}
            Err(error) => session.refuse(&error, Some(&path)),
        }),
    );
}

fn who(session: &mut Session) {
    session.ask(
        Op::Who,
        Box::new(|session, answer| match answer {
            Ok(Yield::Who(who)) => {
                let mut lines = String::from("Who is here:");
                for p in &who {
                    let user = if p.user.is_empty() { "-" } else { &p.user };
                    lines +=
                        &format!("\n{} {user} {} {} s: {}", p.session, p.peer, p.seconds, p.doing.replace(['\r', '\n'], "?"));
                }
                lines += &format!("\n{} in all", who.len());
                session.say(Reply::new(200, lines));
            }
            Ok(_) => {}
            Err(error) => session.refuse(&error, None),
        }),
    );
}

fn split(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = rest.trim_ascii_start();
    let cut = rest.iter().position(|&b| b == b' ')?;
    let (word, path) = rest.split_at(cut);
    let path = path.get(1..)?;
    (!path.is_empty()).then_some((word, path))
}

fn octal(word: &[u8], at_most: u32) -> Option<u32> {
    if word.is_empty() || word.len() > 5 {
        return None;
    }
    u32::from_str_radix(std::str::from_utf8(word).ok()?, 8).ok().filter(|mode| *mode <= at_most)
}
