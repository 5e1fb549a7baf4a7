//! TYPE, STRU, MODE (RFC 959 §4.1.2) and OPTS MODE Z (draft-preston-ftpext-deflate §4): how bytes stand for files.

use types::Reason;

use crate::ftp::data::{Control, Form, Level, Mode, Structure, Type};
use crate::ftp::reply::Reply;
use crate::ftp::server::session::{Session, text};
use crate::ftp::verb::Verb;

pub(super) fn r#type(session: &mut Session, argument: &[u8]) {
    let argument = argument.to_ascii_uppercase();
    let mut words = argument.split(|&b| b == b' ').filter(|word| !word.is_empty());
    let (kind, control) = match (words.next(), words.next(), words.next()) {
        (Some(b"A"), control, None) => (Type::Ascii, control),
        (Some(b"E"), control, None) => (Type::Ebcdic, control),
        (Some(b"I"), None, None) | (Some(b"L"), Some(b"8"), None) | (Some(b"L8"), None, None) => (Type::Image, None),
        (Some([b'L', ..]), ..) => {
            return session.say(Reply::new(504, format!("{} Bytes have 8 bits here: TYPE L 8.", text(Reason::BadParameter))));
        }
        _ => return session.syntax(Verb::Type),
    };
    let control = match control {
        None | Some(b"N") => Control::NonPrint,
        Some(b"T") => Control::Telnet,
        Some(b"C") => Control::Asa,
        Some(_) => return not_served(session),
    };
    let mut reply = Reply::fixed(200, "Type is image: bytes as they are.");
    if let Some(user) = session.user_mut() {
        user.form.kind = kind;
        user.form.control = control;
        let controls = match control {
            Control::NonPrint => "",
            Control::Telnet => ", Telnet format controls are kept",
            Control::Asa => ", carriage control (ASA) is kept",
        };
        match kind {
            Type::Ascii => reply = Reply::new(200, format!("Type is ASCII{controls}.")),
            Type::Ebcdic => {
                reply = Reply::new(200, format!("Type is EBCDIC, code page {}{controls}.", user.form.page.name()));
            }
            Type::Image => {}
        }
    }
    session.say(reply);
}

pub(super) fn stru(session: &mut Session, argument: &[u8]) {
    let (structure, said) = match argument.to_ascii_uppercase().as_slice() {
        b"F" => (Structure::File, "Structure is file."),
        b"R" => (Structure::Record, "Structure is record: a record is a line."),
        b"P" => (Structure::Page, "Structure is page."),
        _ => return session.syntax(Verb::Stru),
    };
    if let Some(user) = session.user_mut() {
        user.form.structure = structure;
    }
    session.say(Reply::fixed(200, said));
}

pub(super) fn mode(session: &mut Session, argument: &[u8]) {
    let (mode, said) = match argument.to_ascii_uppercase().as_slice() {
        b"S" => (Mode::Stream, "Mode is stream."),
        b"B" => (Mode::Block, "Mode is block."),
        b"C" => (Mode::Compressed, "Mode is compressed."),
        b"Z" => (Mode::Deflate, "Mode is deflate."),
        _ => return session.syntax(Verb::Mode),
    };
    let mut kept = true;
    if let Some(user) = session.user_mut() {
        user.form.mode = mode;
        kept = user.form.keeps_connection();
    }
    if !kept {
        session.drop_kept(); // its end would be the end of a file
    }
    session.say(Reply::fixed(200, said));
}

/// OPTS MODE Z [ENGINE ZLIB] [METHOD DEFLATE] [LEVEL n]; OPTS MODE B BODIES, which is our own.
pub(super) fn opts_mode(session: &mut Session, argument: &[u8]) {
    let argument = argument.to_ascii_uppercase();
    let mut words = argument.split(|&b| b == b' ').filter(|word| !word.is_empty());
    match words.next() {
        Some(b"Z") => {}
        Some(b"B") if words.clone().eq([b"BODIES"]) => {
            if let Some(user) = session.user_mut() {
                user.form.ahead = true;
            }
            return session.say(Reply::fixed(200, "In MODE B a body follows each command that stores."));
        }
        _ => {
            let expected = "Expected: OPTS MODE Z LEVEL <0 to 9>, or OPTS MODE B BODIES (CRK-404).";
            return session.say(Reply::fixed(501, expected));
        }
    }
    let Some(mut level) = session.user().map(|user| user.form.level) else {
        return session.say(Reply::new(530, text(Reason::NotLoggedIn)));
    };
    while let Some(option) = words.next() {
        match (option, words.next()) {
            (b"LEVEL", Some([digit])) if digit.is_ascii_digit() => level = Level::new(digit - b'0').unwrap_or(level),
            (b"ENGINE", Some(b"ZLIB")) | (b"METHOD", Some(b"8" | b"DEFLATE")) => {}
            _ => return session.say(Reply::fixed(501, "Expected: OPTS MODE Z LEVEL <0 to 9> (CRK-404).")),
        }
    }
    if let Some(user) = session.user_mut() {
        user.form.level = level;
    }
    session.say(Reply::new(200, format!("MODE Z ENGINE ZLIB METHOD DEFLATE LEVEL {}", level.number())));
}

/// TYPE, STRU and MODE as people read them.
pub(super) fn words(form: &Form) -> String {
    let control = match (form.kind, form.control) {
        (Type::Image, _) => "",
        (_, Control::NonPrint) => " Non-print",
        (_, Control::Telnet) => " Telnet",
        (_, Control::Asa) => " Carriage control",
    };
    let structure = match form.structure {
        Structure::File => "File",
        Structure::Record => "Record",
        Structure::Page => "Page",
    };
    let mode = match form.mode {
        Mode::Stream => "Stream",
        Mode::Block => "Block",
        Mode::Compressed => "Compressed",
        Mode::Deflate => "Deflate",
    };
    let kind = match form.kind {
        Type::Ascii => "ASCII",
        Type::Ebcdic => "EBCDIC",
        Type::Image => "Image",
    };
    format!("TYPE {kind}{control}; STRU {structure}; MODE {mode}")
}

fn not_served(session: &mut Session) {
    session.say(Reply::new(504, text(Reason::BadParameter)));
}
