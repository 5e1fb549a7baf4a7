//! XSEN, XSEM, XMAS, XRSQ, XRCP (RFC 737, RFC 743), MAIL, MSND, MSOM, MSAM, MRSQ, MRCP (RFC 765), SITE MSG: messages to
//! other users, in their sessions or as mail.

use std::collections::VecDeque;
use std::sync::Arc;

use types::{Delivered, Delivery, Error, Op, Reason, Yield};

use crate::ftp::errors;
use crate::ftp::reply::Reply;
use crate::ftp::server::session::Session;
use crate::ftp::verb::Verb;

/// The longest text of a message, in bytes: mail by FTP was made for letters, not for files.
const TEXT_AT_MOST: usize = 64 * 1024;
/// How many recipients one text may have.
const RECIPIENTS_AT_MOST: usize = 32;

/// What the mail commands have going on in a session.
#[derive(Debug, Default)]
pub(in crate::ftp::server) struct Mailing {
    /// How one text gets to several recipients (XRSQ, MRSQ).
    scheme: Option<Scheme>,
    /// Recipients that wait for a text.
    recipients: VecDeque<Box<str>>,
    /// A text that waits for recipients, and how it goes to them.
    kept: Option<(Arc<[u8]>, Delivery)>,
    /// The text that is coming in, line by line.
    draft: Option<Draft>,
}

/// In which order text and recipients come (RFC 743).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Scheme {
    Recipients,
    Text,
}

/// A text that is coming in.
#[derive(Debug)]
struct Draft {
    to: VecDeque<Box<str>>,
    delivery: Delivery,
    text: Vec<u8>,
    /// Why it will be refused when it has ended.
    fault: Option<Reason>,
}

/// How a message has gone to each recipient so far.
#[derive(Default)]
struct Tally {
    lines: Vec<String>,
    reached: usize,
    failed: Option<Error>,
    /// It was one line, by SITE: 200 and not 250.
    by_site: bool,
}

/// MAIL and its kin: the recipient is looked for, then 354 asks for the text. Without a recipient the scheme says who it
/// is for.
pub(super) fn mail(session: &mut Session, verb: Verb, argument: &[u8]) {
    let delivery = match verb {
        Verb::Xsen | Verb::Msnd => Delivery::Sessions,
        Verb::Xsem | Verb::Msom => Delivery::SessionsOrMail,
        Verb::Xmas | Verb::Msam => Delivery::SessionsAndMail,
        _ => Delivery::Mail,
    };
    let Some(user) = session.user_mut() else { return };
    let mailing = user.mailing.get_or_insert_default();
    if argument.is_empty() {
        return match mailing.scheme {
            None => session.syntax(verb),
            Some(Scheme::Recipients) if mailing.recipients.is_empty() => {
                session.say(Reply::fixed(503, "Name the recipients first (CRK-405)."));
            }
            Some(_) => {
                let to = std::mem::take(&mut mailing.recipients);
                begin(session, to, delivery);
            }
        };
    }
    // One of its own has nothing to do with those that were gathered (RFC 743): they begin anew.
    (mailing.recipients, mailing.kept) = Default::default();
    let Some(to) = recipient(argument) else { return session.refuse(&Reason::NoRecipient.into(), None) };
    session.ask(
        Op::Recipient { to: to.clone(), delivery },
        Box::new(move |session, answer| match answer {
            Ok(_) => begin(session, VecDeque::from([to]), delivery),
            Err(error) => session.refuse(&error, None),
        }),
    );
}

fn begin(session: &mut Session, to: VecDeque<Box<str>>, delivery: Delivery) {
    if let Some(user) = session.user_mut() {
        let draft = Draft { to, delivery, text: Vec::new(), fault: None };
        user.mailing.get_or_insert_default().draft = Some(draft);
        session.say(Reply::fixed(354, "Send the text; a line that is only a dot ends it."));
    }
}

/// XRSQ and MRSQ: how one text gets to several recipients; in each case everything begins anew.
pub(super) fn scheme(session: &mut Session, verb: Verb, argument: &[u8]) {
    let Some(user) = session.user_mut() else { return };
    user.mailing = None;
    let scheme = match argument {
        b"" => return session.say(Reply::fixed(200, "No scheme.")),
        b"?" => return session.say(Reply::fixed(215, "R Recipients first; T is served as well.")),
        b"R" | b"r" => Scheme::Recipients,
        b"T" | b"t" => Scheme::Text,
        _ => return session.syntax(verb),
    };
    user.mailing.get_or_insert_default().scheme = Some(scheme);
    session.say(match scheme {
        Scheme::Recipients => Reply::fixed(200, "Recipients first, then the text."),
        Scheme::Text => Reply::fixed(200, "The text first, then recipients."),
    });
}

/// XRCP and MRCP: one recipient more.
pub(super) fn next_recipient(session: &mut Session, verb: Verb, argument: &[u8]) {
    if argument.is_empty() {
        return session.syntax(verb);
    }
    let Some(to) = recipient(argument) else { return session.refuse(&Reason::NoRecipient.into(), None) };
    let Some(user) = session.user_mut() else { return };
    let mailing = user.mailing.get_or_insert_default();
    match (mailing.scheme, &mailing.kept) {
        (None, _) => session.say(Reply::fixed(503, "Choose a scheme first: R or T (CRK-405).")),
        (Some(Scheme::Text), None) => session.say(Reply::fixed(503, "Send the text first (CRK-405).")),
        (Some(Scheme::Text), Some((text, delivery))) => {
            let (text, delivery) = (text.clone(), *delivery);
            deliver(session, VecDeque::from([to]), delivery, text, Tally::default());
        }
        (Some(Scheme::Recipients), _) if mailing.recipients.len() >= RECIPIENTS_AT_MOST => {
            session.refuse(&Reason::TooManyRecipients.into(), None);
        }
        (Some(Scheme::Recipients), _) => {
            let op = Op::Recipient { to: to.clone(), delivery: Delivery::SessionsOrMail };
            session.ask(
                op,
                Box::new(move |session, answer| match answer {
                    Ok(_) => {
                        if let Some(mailing) = session.user_mut().and_then(|user| user.mailing.as_mut()) {
                            mailing.recipients.push_back(to);
                        }
                        session.say(Reply::fixed(200, "Noted."));
                    }
                    Err(error) => session.refuse(&error, None),
                }),
            );
        }
    }
}

/// SITE MSG: one line, to a user's sessions or to one session.
pub(super) fn site_msg(session: &mut Session, to: &[u8], line: &[u8]) {
    match recipient(to) {
        Some(to) => {
            deliver(session, VecDeque::from([to]), Delivery::Sessions, line.into(), Tally { by_site: true, ..Tally::default() })
        }
        None => session.refuse(&Reason::NoRecipient.into(), None),
    }
}

/// Who an argument names: `anna`, `<anna>`.
fn recipient(argument: &[u8]) -> Option<Box<str>> {
    let name = std::str::from_utf8(argument.trim_ascii()).ok()?;
    let name = name.strip_prefix('<').and_then(|name| name.strip_suffix('>')).unwrap_or(name);
    (!name.is_empty()).then(|| name.into())
}

/// Whether lines are text of a message now, and no commands.
pub(in crate::ftp::server) fn is_drafting(session: &Session) -> bool {
    session.user().and_then(|user| user.mailing.as_ref()).is_some_and(|mailing| mailing.draft.is_some())
}

fn draft(session: &mut Session) -> Option<&mut Option<Draft>> {
    session.user_mut()?.mailing.as_mut().map(|mailing| &mut mailing.draft)
}

/// Takes a line of a text that is coming in; at its end it is sent.
pub(in crate::ftp::server) fn take_line(session: &mut Session, line: &[u8]) {
    let Some(draft) = draft(session) else { return };
    if line == b"." {
        return draft.take().map(|draft| end(session, draft)).unwrap_or_default();
    }
    let Some(draft) = draft else { return };
    if draft.text.len() + line.len() >= TEXT_AT_MOST {
        spoil(session, Reason::MessageTooLarge);
    } else {
        draft.text.extend_from_slice(line);
        draft.text.push(b'\n');
    }
}

/// What comes in is no text that could be sent: its end will be answered so.
pub(in crate::ftp::server) fn spoil(session: &mut Session, reason: Reason) {
    if let Some(Some(draft)) = draft(session) {
        draft.fault.get_or_insert(reason);
        draft.text = Vec::new();
    }
}

fn end(session: &mut Session, mut draft: Draft) {
    if let Some(reason) = draft.fault {
        return session.refuse(&reason.into(), None);
    }
    draft.text.pop(); // the last line's end
    let text: Arc<[u8]> = draft.text.into();
    if !draft.to.is_empty() {
        return deliver(session, draft.to, draft.delivery, text, Tally::default());
    }
    if let Some(mailing) = session.user_mut().and_then(|user| user.mailing.as_mut()) {
        mailing.kept = Some((text, draft.delivery));
        session.say(Reply::fixed(250, "The text is kept; name its recipients."));
    }
}

/// Sends a text to one recipient after the other, then says how it went.
fn deliver(session: &mut Session, mut to: VecDeque<Box<str>>, delivery: Delivery, text: Arc<[u8]>, mut tally: Tally) {
    let Some(next) = to.pop_front() else { return tally.tell(session) };
    let op = Op::Message { to: next.clone(), delivery, text: text.clone() };
    session.ask(
        op,
        Box::new(move |session, answer| {
            match answer {
                Ok(Yield::Delivered(delivered)) => tally.add(&next, delivered),
                Ok(_) => {}
                Err(error) => tally.fail(&next, error),
            }
            deliver(session, to, delivery, text, tally);
        }),
    );
}

impl Tally {
    fn add(&mut self, to: &str, delivered: Delivered) {
        let sessions = match delivered.sessions {
            1 => "sent to 1 session".to_owned(),
            n => format!("sent to {n} sessions"),
        };
        let how = match (delivered.sessions, delivered.mailed) {
            (0, _) => "kept as mail".to_owned(),
            (_, true) => format!("{sessions} and kept as mail"),
            (_, false) => sessions,
        };
        self.lines.push(format!("{to}: {how}."));
        self.reached += 1;
    }

    fn fail(&mut self, to: &str, error: Error) {
        self.lines.push(format!("{to}: {} ({}).", error.reason.cause(), error.reason.code()));
        self.failed.get_or_insert(error);
    }

    /// 250 where it has reached anybody, else what kept it from the first.
    fn tell(mut self, session: &mut Session) {
        let code = match self.failed {
            Some(error) if self.reached == 0 => errors::reply_code(error.reason),
            _ if self.by_site => 200,
            _ => 250,
        };
        if self.lines.len() != 1 {
            self.lines.push(format!("{} of {} reached.", self.reached, self.lines.len()));
        }
        session.say(Reply::new(code, self.lines.join("\n")));
    }
}
