//! HELP (RFC 959 §4.1.3): made from the table of verbs.

use crate::ftp::reply::Reply;
use crate::ftp::server::session::Session;
use crate::ftp::verb::{ROWS, Row, Served, Verb};

pub(super) fn help(session: &mut Session, word: &[u8]) {
    if word.is_empty() {
        return session.say(Reply::new(214, all(session)));
    }
    if word.eq_ignore_ascii_case(b"SITE") {
        return super::site::help(session);
    }
    match Verb::named(word) {
        Some(verb) => {
            let row = verb.row();
            let form = if row.argument.is_empty() { row.name.to_owned() } else { format!("{} {}", row.name, row.argument) };
            let note = if is_served(session, row) { "" } else { "; not served" };
            session.say(Reply::new(214, format!("{form}: {} ({}{note}).", row.meaning, row.source)));
        }
        None => session.say(Reply::fixed(504, "No such command (CRK-403).")),
    }
}

fn is_served(session: &Session, row: &Row) -> bool {
    row.served == Served::Yes || session.settings.historic
}

/// All verbs, eight a line; `*` marks those that are not served, as RFC 959 does.
fn all(session: &Session) -> String {
    let mut lines = String::from("Commands (* not served):");
    for chunk in ROWS.chunks(8) {
        let names = chunk.iter().map(|row| {
            let mark = if is_served(session, row) { "" } else { "*" };
            format!("{:<9}", format!("{}{mark}", row.name))
        });
        lines.push('\n');
        lines.push_str(names.collect::<String>().trim_end());
    }
    lines += "\nHELP and a command's name explains it; SITE HELP has more.";
    lines
}
