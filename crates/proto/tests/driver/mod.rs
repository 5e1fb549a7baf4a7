//! The driver's part in dialogues of SFTP and SCP sessions, as text: what it answers, and what it is handed.

use bytes::BytesMut;
use carrack_proto::sftp::attrs::Attrs;
use carrack_proto::sftp::digest::Digest;
use carrack_proto::sftp::reply::DATA_HEAD;
use carrack_proto::sftp::server::{Done, Input, Output, Work};
use types::path::Shown;
use types::{AskId, Attr, Entry, Error, Kind, Reason, Space, Time, Yield};

use crate::corpus;

/// `ASK ANSWER` as input; `before` is what was said until now, for it tells whether an ask or work failed.
pub(crate) fn answer(text: &str, before: &str) -> Result<Input<'static>, String> {
    let (ask, answer) = text.split_once(' ').ok_or("expected: ASK ANSWER")?;
    let ask = AskId(number(ask)? as u32);
    let words: Vec<&str> = answer.split(' ').collect();
    let yields = |answer| Ok(Input::Answer(ask, Ok(answer)));
    let done = |done| Ok(Input::Worked(ask, Ok(done)));
    match words[..] {
        [code] if code.starts_with("CRK-") => {
            let error = Error::new(Reason::by_code(code).ok_or("no such code")?);
            let asked = before.lines().any(|line| line.starts_with(&format!("= ask {}:", ask.0)));
            Ok(if asked { Input::Answer(ask, Err(error)) } else { Input::Worked(ask, Err(error)) })
        }
        ["opened", ref rest @ ..] => yields(Yield::Opened(attr(rest)?)),
        ["listing"] => yields(Yield::Listing),
        ["granted"] => yields(Yield::Done),
        ["attr", ref rest @ ..] => yields(Yield::Attr(attr(rest)?)),
        ["target", target] => yields(Yield::Target(corpus::unescape(target).into())),
        ["space", free, total] => yields(Yield::Space(Space { free: free.parse().ok(), total: total.parse().ok() })),
        ["done"] => done(Done::Nothing),
        ["data"] => done(Done::Data(BytesMut::zeroed(DATA_HEAD))),
        ["data", data] => {
            let mut buffer = BytesMut::zeroed(DATA_HEAD);
            buffer.extend_from_slice(&corpus::unescape(data));
            done(Done::Data(buffer))
        }
        ["is", ref rest @ ..] => done(Done::Attr(attr(rest)?)),
        ["digests", count] => done(Done::Digests(Digest::Sha256, vec![0xab; number(count)? as usize])),
        ["page", ref names @ ..] => {
            let page = names.iter().map(|name| entry(name)).collect();
            done(Done::Page(page, Time::from_seconds(1_795_247_520)))
        }
        _ => Err("no such answer".into()),
    }
}

/// What came out, but for bytes.
pub(crate) fn words(output: &Output) -> String {
    match output {
        Output::Send(bytes) => format!("< {}", Shown(bytes)),
        Output::Ask(ask, op) => format!("= ask {}: {op}", ask.0),
        Output::Work(ask, file, work) => format!("= work {} on {}: {}", ask.0, file.0.0, work_words(work)),
        Output::Heard(words) => format!("heard {words}"),
        Output::Said(words) => format!("said {words}"),
        Output::Close(None) => "! closed".into(),
        Output::Close(Some(reason)) => format!("! closed {}", reason.code()),
    }
}

pub(crate) fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("{text}: expected a number"))
}

fn attr(words: &[&str]) -> Result<Attr, String> {
    let kind = match words.first() {
        Some(&"folder") => Kind::Dir,
        Some(&"link") => Kind::Link,
        Some(&"special") => Kind::Other,
        _ => Kind::File,
    };
    let mut attr = Attr::new(kind, number(words.get(1).unwrap_or(&"0"))?);
    attr.modified = Some(Time::from_seconds(1_000_000_000));
    Ok(attr)
}

/// `name` is a folder if it ends with a slash; `name=5` has five bytes, `name>x` is a link.
fn entry(word: &str) -> Entry {
    let (name, attr, target) = if let Some(name) = word.strip_suffix('/') {
        (name, Attr::new(Kind::Dir, 4_096), None)
    } else if let Some((name, target)) = word.split_once('>') {
        (name, Attr::new(Kind::Link, target.len() as u64), Some(target.as_bytes().into()))
    } else {
        let (name, size) = word.split_once('=').unwrap_or((word, "0"));
        (name, Attr::new(Kind::File, size.parse().unwrap()), None)
    };
    let attr = Attr { modified: Some(Time::from_seconds(1_795_240_000)), ..attr };
    Entry { name: corpus::unescape(name).into(), attr, target }
}

pub(crate) fn attr_words(attrs: &Attrs) -> String {
    let mut words = String::new();
    if let Some(size) = attrs.size {
        words += &format!(" size={size}");
    }
    if let Some((owner, group)) = attrs.ids {
        words += &format!(" ids={owner}:{group}");
    }
    if let Some(mode) = attrs.mode {
        words += &format!(" mode={mode:o}");
    }
    if let Some((accessed, modified)) = attrs.times {
        words += &format!(" times={accessed}:{modified}");
    }
    words
}

fn work_words(work: &Work) -> String {
    match work {
        Work::Read { at, length } => format!("read {length} at {at}"),
        Work::Write { at, data } => format!("write {} at {at}", Shown(data)),
        Work::List => "list".into(),
        Work::Sync => "sync".into(),
        Work::Stat => "stat".into(),
        Work::SetAttr { size, change } => {
            let size = size.map_or_else(String::new, |size| format!(" size={size}"));
            format!("set{size}{}", attr_words(&Attrs::from(change)))
        }
        Work::Copy { at, length, to, to_at } => format!("copy {length:?} at {at} to {} at {to_at}", to.0.0),
        Work::Digest { digest, at, length, block } => format!("{} of {length:?} at {at} by {block:?}", digest.name()),
        Work::Close => "close".into(),
        Work::Abandon => "abandon".into(),
    }
}
