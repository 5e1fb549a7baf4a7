//! HASH, OPTS HASH, RANG (draft-bryan-ftpext-hash; draft-bryan-ftp-range), XCRC and its kin, SITE HASH: digests of files
//! and of parts of them.

use types::{Op, Reason, VPath, Yield};

use super::retrieve::{number, shown};
use crate::ftp::data::Form;
use crate::ftp::digest::Algorithm;
use crate::ftp::reply::Reply;
use crate::ftp::server::exchange::{Body, Channel, Cover, End, Flow};
use crate::ftp::server::session::{Session, text};
use crate::ftp::verb::Verb;

/// HASH: `213 algorithm first-last digest name`, of the bytes that RANG chose or of all.
pub(super) fn hash(session: &mut Session, verb: Verb, argument: &[u8]) {
    let Some(path) = session.named_path(verb, argument) else { return };
    let Some(user) = session.user_mut() else { return };
    let (algorithm, range) = (user.digest, user.range.take());
    let first = range.map_or(0, |(first, _)| first);
    let most = range.map(|(first, last)| (last - first).saturating_add(1));
    digest(session, verb, path, (algorithm, first, most), move |path, size, digest| {
        let last = first.saturating_add(most.unwrap_or(u64::MAX)).min(size).saturating_sub(1);
        Reply::new(213, format!("{} {first}-{last} {digest} {}", algorithm.name(), shown(path)))
    });
}

/// XCRC, XMD5, XSHA, XSHA1, XSHA256, XSHA512: `250 DIGEST`. A name may stand in quotes; behind it the first byte and the
/// one behind the last.
pub(super) fn extended(session: &mut Session, verb: Verb, argument: &[u8]) {
    let algorithm = match verb {
        Verb::Xcrc => Algorithm::Crc32,
        Verb::Xmd5 => Algorithm::Md5,
        Verb::Xsha | Verb::Xsha1 => Algorithm::Sha1,
        Verb::Xsha512 => Algorithm::Sha512,
        _ => Algorithm::Sha256,
    };
    let Some((name, first, end)) = named_range(argument) else { return session.syntax(verb) };
    let Some(path) = session.named_path(verb, name) else { return };
    let mut range = (first, end.map(|end| end - first));
    if let Some((first, last)) = session.user_mut().and_then(|user| user.range.take()) {
        range = (first, Some((last - first).saturating_add(1)));
    }
    digest(session, verb, path, (algorithm, range.0, range.1), |_, _, digest| Reply::new(250, digest.to_ascii_uppercase()));
}

/// Asks for the file, has it read through the digest, and says what `reply` makes of path, size and digest.
fn digest(
    session: &mut Session,
    verb: Verb,
    path: VPath,
    (algorithm, first, most): (Algorithm, u64, Option<u64>),
    reply: impl FnOnce(&VPath, u64, &str) -> Reply + Send + 'static,
) {
    let op = Op::Read { path: path.clone(), at: first };
    session.ask_abortable(
        op,
        Box::new(move |session, answer| match answer {
            Ok(Yield::Reading(attr)) => {
                let body = Body::Digest { algorithm, most };
                let flow = Flow { body, form: Form::IMAGE, channel: Channel::Count, cover: Cover::Clear };
                let what = format!("{} {path}", verb.row().name);
                session.transfer(
                    flow,
                    what,
                    Box::new(move |session, end| match end {
                        End::Digest(digest) => session.say(reply(&path, attr.size, &digest)),
                        End::Failed { error, .. } => session.refuse(&error, Some(&path)),
                        End::Done { .. } => {}
                    }),
                );
            }
            Ok(_) => {}
            Err(error) => session.refuse(&error, Some(&path)),
        }),
    );
}

/// A name, the first byte, and the one behind the last.
fn named_range(argument: &[u8]) -> Option<(&[u8], u64, Option<u64>)> {
    let quoted = argument.strip_prefix(b"\"").and_then(|rest| {
        let at = rest.iter().position(|&b| b == b'"')?;
        let (name, after) = rest.split_at(at);
        Some((name, after.get(1..)?.trim_ascii()))
    });
    let Some((name, range)) = quoted else {
        // Two numbers at the end are a range; a name that ends so stands in quotes.
        let mut words = argument.rsplitn(3, |&b| b == b' ');
        let (end, first, name) = (words.next().and_then(number), words.next().and_then(number), words.next());
        return Some(match (name, first, end) {
            (Some(name), Some(first), Some(end)) if first <= end => (name, first, Some(end)),
            _ => (argument, 0, None),
        });
    };
    let mut words = range.split(|&b| b == b' ').filter(|word| !word.is_empty());
    match (words.next(), words.next(), words.next()) {
        (None, ..) => Some((name, 0, None)),
        (Some(first), None, _) => Some((name, number(first)?, None)),
        (Some(first), Some(end), None) => {
            let (first, end) = (number(first)?, number(end)?);
            (first <= end).then_some((name, first, Some(end)))
        }
        _ => None,
    }
}

/// RANG: the first and the last byte of what comes next; `1 0` takes it back.
pub(super) fn rang(session: &mut Session, argument: &[u8]) {
    let mut words = argument.split(|&b| b == b' ').filter(|word| !word.is_empty());
    let range = match (words.next().and_then(number), words.next().and_then(number), words.next()) {
        (Some(1), Some(0), None) => None,
        (Some(first), Some(last), None) if first <= last => Some((first, last)),
        _ => return session.syntax(Verb::Rang),
    };
    if let Some(user) = session.user_mut() {
        user.range = range;
        user.restart = 0;
    }
    session.say(match range {
        Some((first, last)) => Reply::new(350, format!("The next transfer is of bytes {first} to {last}.")),
        None => Reply::fixed(350, "The next transfer is of all bytes."),
    });
}

/// OPTS HASH: tells or chooses the algorithm.
pub(super) fn opts(session: &mut Session, argument: &[u8]) {
    let Some(user) = session.user_mut() else { return session.say(Reply::new(530, text(Reason::NotLoggedIn))) };
    if !argument.is_empty() {
        match Algorithm::named(argument) {
            Some(algorithm) => user.digest = algorithm,
            None => return session.say(Reply::new(504, text(Reason::BadParameter))),
        }
    }
    let name = user.digest.name();
    session.say(Reply::fixed(200, name));
}

/// The algorithms as FEAT lists them, the chosen one with a star.
pub(super) fn feat(chosen: Algorithm) -> String {
    let names = Algorithm::ALL.map(|algorithm| format!("{}{}", algorithm.name(), if algorithm == chosen { "*" } else { "" }));
    format!("HASH {}", names.join(";"))
}
