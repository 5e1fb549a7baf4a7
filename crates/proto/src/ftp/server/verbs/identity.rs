//! SYST, NOOP, CLNT, CSID, LANG (RFC 959 §4.1.3; RFC 2640 §4;
//! draft-peterson-streamlined-ftp-command-extensions §3): who is at either end, in which language.

use types::Reason;

use super::login::readable;
use crate::ftp::reply::Reply;
use crate::ftp::server::language::Language;
use crate::ftp::server::session::{Session, text};
use crate::ftp::verb::Verb;

pub(super) fn syst(session: &mut Session) {
    session.say(Reply::fixed(215, "UNIX Type: L8"));
}

pub(super) fn noop(session: &mut Session) {
    session.say(Reply::fixed(200, "Here."));
}

pub(super) fn clnt(session: &mut Session, client: &[u8]) {
    match readable(client) {
        Some(client) => {
            if let Some(user) = session.user_mut() {
                user.client = Some(client);
            }
            session.say(Reply::fixed(200, "Noted."));
        }
        None => session.syntax(Verb::Clnt),
    }
}

pub(super) fn csid(session: &mut Session, facts: &[u8]) {
    let Some(facts) = readable(facts) else { return session.syntax(Verb::Csid) };
    if let Some(user) = session.user_mut() {
        user.client = Some(facts);
    }
    let line = format!("Name=Carrack; Version={}; CaseSensitive=1; DirSep=/;", session.settings.version);
    session.say(Reply::new(200, line));
}

/// LANG: chooses the language of replies; none means the default (RFC 2640 §4.1).
pub(super) fn lang(session: &mut Session, tag: &[u8]) {
    let chosen = if tag.is_empty() { Some(Language::default()) } else { Language::tagged(tag) };
    let Some(language) = chosen else { return session.say(Reply::new(504, text(Reason::BadParameter))) };
    session.language = language;
    session.say(Reply::fixed(
        200,
        match language {
            Language::English => "Replies are in English.",
            Language::German => "Antworten sind deutsch.",
            Language::Spanish => "Las respuestas están en español.",
            Language::French => "Les réponses sont en français.",
            Language::Chinese => "回复使用中文。",
        },
    ));
}
