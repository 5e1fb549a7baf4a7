//! THMB (draft-peterson-streamlined-ftp-command-extensions §7): a small picture of an image.

use types::{Op, Reason, Yield};

use super::retrieve::{data_port, finish, number, open, shown};
use crate::ftp::data::{Control, Form, Structure, Type};
use crate::ftp::reply::Reply;
use crate::ftp::server::exchange::{Body, Channel, Flow, Thumbnail, ThumbnailFormat};
use crate::ftp::server::session::{Session, text};
use crate::ftp::verb::Verb;

/// The widest and highest that may be asked for, in points.
const SIDE_AT_MOST: u64 = 2048;

pub(super) fn thmb(session: &mut Session, argument: &[u8]) {
    let mut words = argument.splitn(4, |&b| b == b' ');
    let (Some(format), Some(width), Some(height), Some(name)) = (words.next(), words.next(), words.next(), words.next()) else {
        return session.syntax(Verb::Thmb);
    };
    let format = match format.to_ascii_uppercase().as_slice() {
        b"JPEG" | b"JPG" => ThumbnailFormat::Jpeg,
        b"PNG" => ThumbnailFormat::Png,
        _ => return session.say(Reply::new(504, format!("{} JPEG and PNG are.", text(Reason::BadParameter)))),
    };
    let side = |word| number(word).filter(|side| (1..=SIDE_AT_MOST).contains(side)).and_then(|side| u32::try_from(side).ok());
    let (Some(width), Some(height)) = (side(width), side(height)) else {
        return session.say(Reply::new(501, format!("Expected: width and height from 1 to {SIDE_AT_MOST} (CRK-404).")));
    };
    let Some(path) = session.named_path(Verb::Thmb, name) else { return };
    let Some(via) = data_port(session) else { return };
    let Some(user) = session.user() else { return };
    let form = Form { kind: Type::Image, control: Control::NonPrint, structure: Structure::File, ..user.form };
    let body = Body::Thumbnail(Thumbnail { format, width, height });
    session.ask_abortable(
        Op::Read { path: path.clone(), at: 0 },
        Box::new(move |session, answer| match answer {
            Ok(Yield::Reading(_)) => {
                open(session, via, form, &format!("a picture of {}", shown(&path)));
                let flow = Flow { body, form, channel: Channel::Data(via), cover: session.protection.cover() };
                session.transfer(flow, format!("THMB {path}"), Box::new(move |session, end| finish(session, end, Some(&path))));
            }
            Ok(_) => {}
            Err(error) => session.refuse(&error, Some(&path)),
        }),
    );
}
