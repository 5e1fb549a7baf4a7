//! FEAT and OPTS (RFC 2389): exactly what works on this connection now.

use types::Reason;

use super::{digest, representation};
use crate::ftp::listing::Facts;
use crate::ftp::reply::Reply;
use crate::ftp::server::language::Language;
use crate::ftp::server::session::{Session, text};
use crate::ftp::verb::Verb;

pub(super) fn feat(session: &mut Session) {
    let mut lines = String::from("Features:");
    let mut add = |line: &str| {
        lines.push('\n');
        lines.push_str(line);
    };
    let tls = session.settings.tls.filter(|_| !session.protection.cleared);
    let gssapi = session.settings.gssapi.filter(|_| !session.protection.cleared);
    let exchanged = session.protection.is_exchanged();
    let security = gssapi.is_some() && (exchanged || !session.protection.control);
    if security {
        add("ADAT");
    }
    if tls.is_some() && !session.protection.control {
        add("AUTH TLS");
    }
    if gssapi.is_some() && !session.protection.control {
        add("AUTH GSSAPI");
    }
    add("AVBL");
    let ccc = if exchanged { gssapi.is_some_and(|gssapi| gssapi.ccc) } else { tls.is_some_and(|tls| tls.ccc) };
    if ccc && session.protection.control {
        add("CCC");
    }
    add("CLNT");
    add("COMB");
    if security {
        add("CONF");
    }
    add("CSID");
    add("DSIZ");
    if security {
        add("ENC");
    }
    if session.settings.active {
        add("EPRT");
    }
    if session.settings.passive {
        add("EPSV");
    }
    add(&digest::feat(session.user().map_or_else(Default::default, |user| user.digest)));
    add("HOST");
    let languages =
        Language::ALL.map(|language| format!("{}{}", language.tag(), if language == session.language { "*" } else { "" }));
    add(&format!("LANG {}", languages.join(";")));
    let historic = session.settings.historic;
    if historic {
        add("MAIL");
    }
    add("MDTM");
    add("MFF Modify;UNIX.mode;UNIX.owner;UNIX.group;");
    add("MFMT");
    if security {
        add("MIC");
    }
    add(&format!("MLST {}", session.user().map_or_else(Facts::default, |user| user.facts.clone()).print_feat()));
    add("MODE B BODIES");
    add("MODE Z");
    if historic {
        ["MRCP", "MRSQ R;T", "MSAM", "MSND", "MSOM"].into_iter().for_each(&mut add);
    }
    if session.settings.passive {
        add("PASV");
    }
    if tls.is_some() || gssapi.is_some() {
        add("PBSZ");
        add("PROT");
    }
    add("RANG STREAM");
    add("REST STREAM");
    add("RMDA");
    add("SITE CHMOD;CHOWN;CPFR;CPTO;DU;HASH;HELP;IDLE;MSG;QUOTA;SYMLINK;UMASK;UTIME;WHO");
    add("SIZE");
    if session.settings.single_port {
        add("SPSV");
    }
    add("THMB JPEG|PNG");
    add("TVFS");
    add("UTF8");
    let (mail, scheme) = (["XMAS"].as_slice(), ["XRCP", "XRSQ R;T", "XSEM", "XSEN"].as_slice());
    let shown = |names| if historic { names } else { [].as_slice() };
    let digests = ["XSHA", "XSHA1", "XSHA256", "XSHA512"];
    ["XCRC"].iter().chain(shown(mail)).chain(&["XMD5"]).chain(shown(scheme)).chain(&digests).copied().for_each(add);
    lines.push_str("\nEnd");
    session.say(Reply::new(211, lines));
}

pub(super) fn opts(session: &mut Session, argument: &[u8]) {
    let cut = argument.iter().position(|&b| b == b' ').unwrap_or(argument.len());
    let (command, rest) = argument.split_at(cut);
    let rest = rest.trim_ascii();
    match command.to_ascii_uppercase().as_slice() {
        b"UTF8" => match rest.to_ascii_uppercase().as_slice() {
            b"" | b"ON" => session.say(Reply::fixed(200, "Names are UTF-8.")),
            b"OFF" => session.say(Reply::fixed(504, "Names are always UTF-8 (CRK-408).")),
            _ => session.say(Reply::fixed(501, "Expected: OPTS UTF8 ON (CRK-404).")),
        },
        b"HASH" => digest::opts(session, rest),
        b"MLST" => mlst(session, rest),
        b"MODE" => representation::opts_mode(session, rest),
        b"" => session.syntax(Verb::Opts),
        name if Verb::named(name).is_some() => session.say(Reply::fixed(501, "That command has no options (CRK-408).")),
        _ => session.say(Reply::new(501, text(Reason::Unknown))),
    }
}

/// OPTS MLST (RFC 3659 §7.9): the facts that are known among those asked for; the reply says which.
fn mlst(session: &mut Session, wanted: &[u8]) {
    let facts = Facts::parse_opts(wanted);
    let line = format!("MLST OPTS {}", facts.print_opts());
    match session.user_mut() {
        Some(user) => {
            user.facts = facts;
            session.say(Reply::new(200, line.trim_end().to_owned()));
        }
        None => session.say(Reply::new(530, text(Reason::NotLoggedIn))),
    }
}
