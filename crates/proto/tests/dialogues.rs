//! Session dialogues: each file in `dialogues/` is a ladder. What the client says, what the gate answers and what the
//! data connection does is fed into a session; what the session says and wishes must give the very same ladder.
//! `UPDATE=1 cargo test -p carrack-proto --test dialogues` writes the files anew: read the difference before you
//! believe it.
#![allow(clippy::disallowed_methods, reason = "a test reads its own files")]

mod corpus;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use carrack_proto::base64;
use carrack_proto::ftp::data::{Mode, Structure, Type};
use carrack_proto::ftp::server::{
    Accepted, Body, Channel, Cover, End, Flow, Gssapi, Input, Level, ListForm, Output, Reserved, Session, Settings, Tls, Via,
};
use carrack_proto::ftp::verb::ROWS;
use trace::dialogue;
use trace::row::Row;
use types::{
    AskId, Attr, Credentials, Delivered, Error, Kind, Lane, LoginError, Op, Reason, Space, Time, TransferId, Usage, VPath,
    Welcome, Yield,
};

#[test]
fn dialogues_play_as_written() {
    corpus::plays_as_written("dialogues", 20, |_, text| Player::play(text));
}

#[test]
fn every_verb_has_a_dialogue() {
    let said: String = corpus::files("dialogues", 20).iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
    let missing: Vec<_> = ROWS.iter().filter(|row| !said.contains(&format!("─ {} ", row.name))).collect();
    assert!(missing.is_empty(), "no dialogue says {:?}", missing.iter().map(|row| row.name).collect::<Vec<_>>());
}

/// Plays a dialogue against a session.
struct Player {
    session: Session,
    now: Duration,
    rows: Vec<Row>,
    ask: Option<(AskId, Kinds)>,
    reserve: Option<AskId>,
    transfer: Option<(TransferId, Flow)>,
    /// How replies go out; what protects them is written as it was, so that people can read it.
    replies: Option<Level>,
    /// What is to happen to TLS on the control connection.
    tls: Option<Change>,
}

/// A change of TLS that the session wished for.
enum Change {
    Start,
    Clear,
}

/// What an answer will be read as.
enum Kinds {
    Tree(Op),
    Login(String),
    Host,
    Adopt,
    Accept,
}

impl Player {
    fn play(text: &str) -> Result<String, String> {
        let read = dialogue::read(text).map_err(|e| e.to_string())?;
        let setting = |name: &str| read.comments.iter().find_map(|(_, c)| c.strip_prefix(name).map(str::trim));
        let settings = Settings {
            login_within: Duration::from_secs(60),
            idle_after: Duration::from_secs(300),
            idle_at_most: Duration::from_secs(3600),
            active: setting("no active").is_none(),
            passive: setting("no passive").is_none(),
            single_port: setting("no single port").is_none(),
            historic: setting("historic").is_some(),
            tls: setting("tls").map(|wants| Tls {
                login_required: wants.contains("login"),
                data_required: wants.contains("data"),
                ccc: wants.contains("ccc"),
            }),
            gssapi: setting("gssapi").map(|wants| Gssapi {
                login_required: wants.contains("login"),
                data_required: wants.contains("data"),
                ccc: wants.contains("ccc"),
            }),
            ebcdic: Default::default(),
            ascii_size_limit: 1_000_000,
            version: "1.2.3".into(),
        };
        let address = |name, default: &str| setting(name).unwrap_or(default).parse().map_err(|e| format!("{name}: {e}"));
        let (peer, local) = (address("peer", "192.0.2.7:40000")?, address("local", "192.0.2.1:21")?);
        let implicit = setting("implicit").is_some();
        let mut session = Session::new(Arc::new(settings), peer, local, setting("refuses plain").is_some(), implicit);
        session.shown(setting("implicit").map(names).unwrap_or_default());
        let mut player = Self {
            session,
            now: Duration::ZERO,
            rows: Vec::new(),
            ask: None,
            reserve: None,
            transfer: None,
            replies: None,
            tls: None,
        };
        if setting("no certificate").is_some() {
            player.session.lacks_certificate();
        }
        player.session.greet(&[]);
        player.drain();
        let mut inputs: VecDeque<Row> = read.rows.into_iter().map(|(_, row)| row).filter(is_input).collect();
        while let Some(row) = inputs.pop_front() {
            player.now = row.at.unwrap_or(player.now);
            player.feed(&row).map_err(|e| format!("`{}`: {e}", row.text))?;
            player.drain();
        }
        let comments: String = read.comments.iter().map(|(_, c)| format!("# {c}\n")).collect();
        Ok(comments + &dialogue::draw(&player.rows))
    }

    fn feed(&mut self, row: &Row) -> Result<(), String> {
        self.rows.push(row.clone());
        let text = row.text.as_str();
        let now = self.now;
        match (row.from, row.to) {
            (Lane::Client, Lane::Control) if row.both => {
                let Some(Change::Start) = self.tls.take() else { return Err("no handshake was due".into()) };
                self.session.handle(Input::Secured(Ok(names(text))), now);
            }
            // A line may come in although none is wanted: plain text behind AUTH.
            (Lane::Control, Lane::Control) if text.starts_with("handshake") => {
                let Some(Change::Start) = self.tls.take() else { return Err("no handshake was due".into()) };
                self.session.handle(Input::Secured(Err(reason(text).ok_or("expected a code")?)), now);
            }
            (Lane::Control, Lane::Control) if text.starts_with("cleared") => {
                let Some(Change::Clear) = self.tls.take() else { return Err("TLS was not to end".into()) };
                self.session.handle(Input::Cleared(reason(text).map_or(Ok(()), Err)), now);
            }
            (Lane::Client, Lane::Control) => {
                let line = protected(&corpus::unescape(text));
                self.session.handle(Input::Line(&line), now);
            }
            (Lane::Storage, Lane::Control) => self.answer(text)?,
            (Lane::Control, Lane::Data) => {
                let id = self.reserve.take().ok_or("nothing was to be reserved")?;
                let answer = match text.split_once(' ') {
                    Some(("listening", at)) => Ok(Reserved::At(at.parse().map_err(|e| format!("{e}"))?)),
                    Some(("key", key)) => Ok(Reserved::Key(key.into())),
                    _ => Err(reason(text).ok_or("expected: listening ADDRESS, key KEY, or a code")?),
                };
                self.session.handle(Input::Reserved(id, answer), now);
            }
            (Lane::Client, Lane::Data) if text.starts_with("connected") => {
                if let Some((_, flow)) = &self.transfer {
                    self.rows.push(Row::new(Lane::Control, Lane::Data, started(flow)));
                }
            }
            (Lane::Control, Lane::Control) if text.starts_with("tick") => self.session.handle(Input::Tick, now),
            (Lane::Control, Lane::Control) if text.starts_with("progress") => {
                let Some((id, _)) = &self.ask else { return Err("nothing was asked".into()) };
                let entries = text.rsplit(' ').next().and_then(|n| n.parse().ok()).ok_or("expected: progress ENTRIES")?;
                self.session.handle(Input::Progress(*id, entries), now);
            }
            (Lane::Control, Lane::Control) if text.starts_with("stop") => {
                let reason = reason(text).unwrap_or(Reason::ShuttingDown);
                self.session.handle(Input::Stop(reason, text.contains("now")), now);
            }
            (Lane::Data, Lane::Data) if text.starts_with("marker") => {
                let (id, _) = self.transfer.as_ref().ok_or("no transfer runs")?;
                let mut words = text.split(' ').skip(1);
                let (Some(marker), Some(at)) = (words.next(), words.last().and_then(|at| at.parse().ok())) else {
                    return Err("expected: marker WORD at BYTE".into());
                };
                self.session.handle(Input::Marked(*id, marker.as_bytes(), at), now);
            }
            (Lane::Data, Lane::Data) if text == "suspect" => {
                let (id, _) = self.transfer.as_ref().ok_or("no transfer runs")?;
                self.session.handle(Input::Suspect(*id), now);
            }
            (Lane::Data, Lane::Data) => {
                let (id, _) = self.transfer.as_ref().ok_or("no transfer runs")?;
                let bytes = text.rsplit(' ').next().and_then(|n| n.parse().ok()).ok_or("expected: measured BYTES")?;
                self.session.handle(Input::Measured(*id, bytes), now);
            }
            _ => {
                let (id, _) = self.transfer.take().ok_or("no transfer runs")?;
                self.session.handle(Input::Ended(id, ended(text)?), now);
            }
        }
        Ok(())
    }

    fn answer(&mut self, text: &str) -> Result<(), String> {
        let (id, kind) = self.ask.take().ok_or("nothing was asked")?;
        let now = self.now;
        match kind {
            Kinds::Tree(op) => {
                let answer = tree_answer(text, &op)?;
                self.session.handle(Input::Answer(id, answer), now);
            }
            Kinds::Login(user) => {
                let answer = if text.starts_with("welcome") {
                    Ok(Welcome {
                        user: user.into(),
                        home: text
                            .split(' ')
                            .find(|w| w.starts_with('/'))
                            .map_or_else(VPath::root, |w| VPath::parse(w.as_bytes()).unwrap()),
                        message: text.split_once(": ").map(|(_, m)| m.into()).into_iter().collect(),
                        fxp: text.contains("fxp"),
                        idle: None,
                    })
                } else if text == "account needed" {
                    Err(LoginError::AccountNeeded)
                } else if text == "password needed" {
                    Err(LoginError::PasswordNeeded)
                } else {
                    Err(match reason(text).ok_or("expected: welcome, account needed, or a code")? {
                        Reason::LoginWrong => LoginError::Wrong,
                        reason if text.contains("closing") => LoginError::Closing(reason),
                        reason => LoginError::Refused(reason),
                    })
                };
                self.session.handle(Input::Login(id, answer), now);
            }
            Kinds::Host => {
                let answer = match text.strip_prefix("host ") {
                    Some(banner) => Ok(banner.into()),
                    None => Err(reason(text).ok_or("expected: host BANNER or a code")?),
                };
                self.session.handle(Input::Host(id, answer), now);
            }
            Kinds::Accept => {
                let mut words = text.split(' ');
                let answer = match (words.next(), words.next(), words.next()) {
                    (Some("more"), Some(token), None) => Ok(Accepted::More(token.as_bytes().into())),
                    (Some("done"), Some(principal), token) => {
                        Ok(Accepted::Done { token: token.map(|token| token.as_bytes().into()), principal: principal.into() })
                    }
                    _ => Err(reason(text).ok_or("expected: more TOKEN, done PRINCIPAL [TOKEN], or a code")?),
                };
                self.session.handle(Input::Accepted(id, answer), now);
            }
            Kinds::Adopt => self.session.handle(Input::Adopted(id, reason(text).map_or(Ok(()), Err)), now),
        }
        Ok(())
    }

    fn drain(&mut self) {
        while let Some(output) = self.session.poll() {
            let (from, to, text) = match output {
                Output::Reply(reply) => {
                    for line in reply.lines() {
                        let mut text = String::from_utf8_lossy(line.trim_ascii()).into_owned();
                        if let Some(level) = self.replies {
                            text = format!("{} {{{text}}}", level.reply_code());
                        }
                        self.rows.push(Row::new(Lane::Control, Lane::Client, text));
                    }
                    continue;
                }
                Output::Ask(id, op) => {
                    let text = op.to_string();
                    self.ask = Some((id, Kinds::Tree(op)));
                    (Lane::Control, Lane::Storage, text)
                }
                Output::Login(id, credentials) => {
                    let names;
                    let (user, account, names, how) = match &credentials {
                        Credentials::Password { user, account, names, .. } => (user, account, names, ""),
                        Credentials::Certificate { user, names, account } => (user, account, names, " by certificate"),
                        Credentials::Ticket { user, principal, account } => {
                            names = vec![principal.clone()];
                            (user, account, &names, " by ticket")
                        }
                        Credentials::Key { .. } | Credentials::None => panic!("no credentials of FTP"),
                    };
                    let mut text = format!("login {user}{how}");
                    if let Some(account) = account {
                        text += &format!(" account {account}");
                    }
                    if !names.is_empty() {
                        text += &format!(" names {}", names.join(" "));
                    }
                    self.ask = Some((id, Kinds::Login(user.to_string())));
                    (Lane::Control, Lane::Storage, text)
                }
                Output::Host(id, host) => {
                    self.ask = Some((id, Kinds::Host));
                    (Lane::Control, Lane::Storage, format!("host {host}"))
                }
                Output::Adopt(id, key) => {
                    self.ask = Some((id, Kinds::Adopt));
                    (Lane::Control, Lane::Storage, format!("adopt {key}"))
                }
                Output::NewExchange => (Lane::Control, Lane::Storage, "new exchange".to_owned()),
                Output::Accept(id, token) => {
                    self.ask = Some((id, Kinds::Accept));
                    (Lane::Control, Lane::Storage, format!("accept {}", String::from_utf8_lossy(&token)))
                }
                Output::Unwrap(level, token) => {
                    let inner = token.strip_prefix(mark(level)).map(<[u8]>::to_vec).ok_or(Reason::TokenRefused);
                    self.session.handle(Input::Unwrapped(level, inner), self.now);
                    continue;
                }
                Output::ProtectReplies(level) => {
                    self.replies = level;
                    continue;
                }
                Output::Reserve(id, _) => {
                    self.reserve = Some(id);
                    continue;
                }
                Output::StartTls => {
                    self.tls = Some(Change::Start);
                    assert!(!self.session.wants_lines(), "lines are wanted between StartTls and Secured");
                    continue;
                }
                Output::ClearTls => {
                    self.tls = Some(Change::Clear);
                    assert!(!self.session.wants_lines(), "lines are wanted between ClearTls and Cleared");
                    continue;
                }
                Output::Withdraw(_) => {
                    self.ask = None;
                    (Lane::Storage, Lane::Storage, "withdrawn".to_owned())
                }
                Output::Start(id, flow) => {
                    let row = match flow.channel {
                        Channel::Data(Via::Active(at)) => Some((Lane::Data, Lane::Client, format!("connecting {at}"))),
                        Channel::Data(Via::Passive) => None,
                        Channel::Data(Via::Kept(_)) => Some((Lane::Control, Lane::Data, started(&flow))),
                        Channel::Control | Channel::Count => Some((Lane::Control, Lane::Storage, started(&flow))),
                    };
                    self.transfer = Some((id, flow));
                    match row {
                        Some(row) => row,
                        None => continue,
                    }
                }
                Output::DropData => (Lane::Control, Lane::Data, "close".to_owned()),
                Output::Cancel(_) => (Lane::Control, Lane::Data, "cancel".to_owned()),
                Output::Measure(_) => (Lane::Control, Lane::Data, "measure".to_owned()),
                Output::Logout => (Lane::Control, Lane::Storage, "logout".to_owned()),
                Output::Close(reason) => {
                    let text = reason.map_or_else(|| "closed".to_owned(), |r| format!("closed {}", r.code()));
                    (Lane::Control, Lane::Control, text)
                }
            };
            self.rows.push(Row::new(from, to, text));
        }
    }
}

/// What the scripted mechanism writes before what it protects.
const fn mark(level: Level) -> &'static [u8] {
    match level {
        Level::Safe => b"safe:",
        Level::Confidential | Level::Private => b"private:",
    }
}

/// A command of the form `MIC {NOOP}` as the scripted mechanism protects it; any other as it is.
fn protected(line: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(line);
    let Some((verb, inner)) = text.strip_suffix('}').and_then(|text| text.split_once(" {")) else { return line.to_vec() };
    let mark = mark(if verb == "MIC" { Level::Safe } else { Level::Private });
    format!("{verb} {}", base64::encode(&[mark, inner.as_bytes(), b"\r\n"].concat())).into_bytes()
}

/// Rows that are fed in; all others must come out by themselves.
fn is_input(row: &Row) -> bool {
    let text = row.text.as_str();
    match (row.from, row.to) {
        (Lane::Client, Lane::Control | Lane::Data) | (Lane::Storage | Lane::Data, Lane::Control) => true,
        (Lane::Data, Lane::Client) => !text.starts_with("connecting"),
        (Lane::Control, Lane::Data) => text.starts_with("listening") || text.starts_with("key") || text.starts_with("CRK"),
        (Lane::Control, Lane::Control) => {
            ["tick", "stop", "progress", "handshake", "cleared"].iter().any(|word| text.starts_with(word))
        }
        (Lane::Data, Lane::Data) => ["measured", "marker", "suspect"].iter().any(|word| text.starts_with(word)),
        _ => false,
    }
}

fn started(flow: &Flow) -> String {
    let mut text = match &flow.body {
        Body::Send { skip: 0, .. } if flow.channel == Channel::Count => "count".to_owned(),
        Body::Send { skip: 0, most: Some(most), .. } => format!("send {most} bytes"),
        Body::Send { skip: 0, .. } => "send".to_owned(),
        Body::Send { skip, .. } => format!("send without the first {skip}"),
        Body::Thumbnail(small) => format!("send {:?} {}x{}", small.format, small.width, small.height).to_lowercase(),
        Body::Digest { algorithm, most: None } => format!("digest {}", algorithm.name()),
        Body::Digest { algorithm, most: Some(most) } => format!("digest {} of {most} bytes", algorithm.name()),
        Body::Discard => "discard".to_owned(),
        Body::Receive { expected: None } => "receive".to_owned(),
        Body::Receive { expected: Some(n) } => format!("receive {n}"),
        Body::List(listed) => {
            let form = match &listed.form {
                ListForm::Long(_) => "long",
                ListForm::Names(_) => "names",
                ListForm::Facts(_) => "facts",
            };
            let mut text = format!("send {form} of {}", listed.path);
            if listed.only.is_some() {
                text += " alone";
            }
            for glob in &listed.globs {
                text += &format!(" glob {}", String::from_utf8_lossy(glob));
            }
            if !listed.prefix.is_empty() {
                text += &format!(" prefix {}", String::from_utf8_lossy(&listed.prefix));
            }
            text
        }
    };
    let form = &flow.form;
    match form.kind {
        Type::Image => {}
        Type::Ascii if matches!(flow.body, Body::List(_)) => {}
        Type::Ascii => text += " ascii",
        Type::Ebcdic => text += " ebcdic",
    }
    match form.structure {
        Structure::File => {}
        Structure::Record => text += " records",
        Structure::Page => text += " pages",
    }
    match form.mode {
        Mode::Stream => {}
        Mode::Block => text += " in blocks",
        Mode::Compressed => text += " compressed",
        Mode::Deflate => text += &format!(" deflated at {}", form.level.number()),
    }
    match flow.cover {
        Cover::Clear => {}
        Cover::Tls => text += " protected",
        Cover::Sealed(seal) => {
            let how = if seal.private { "private" } else { "safe" };
            text += &format!(" sealed {how} in {}", seal.most);
        }
    }
    text
}

fn ended(text: &str) -> Result<End, String> {
    let mut words = text.split(' ');
    let number = |word: Option<&str>| word.and_then(|w| w.parse().ok()).ok_or("expected a number of bytes");
    Ok(match words.next() {
        Some("sent" | "received" | "counted") => End::Done { bytes: number(words.next())?, took: Duration::ZERO },
        Some("digest") => End::Digest(words.next().unwrap_or_default().into()),
        Some("told") => End::Done { bytes: 0, took: Duration::ZERO },
        Some("cut") => {
            let bytes = number(words.next())?;
            End::Failed { bytes, error: Error::new(reason(text).ok_or("expected a code")?) }
        }
        _ => End::Failed { bytes: 0, error: Error::new(reason(text).ok_or("expected sent, received, cut, or a code")?) },
    })
}

fn tree_answer(text: &str, op: &Op) -> Result<Result<Yield, Error>, String> {
    if let Some(reason) = reason(text) {
        return Ok(Err(match text.split_once(" of ") {
            Some((_, detail)) => Error::with(reason, detail),
            None => Error::new(reason),
        }));
    }
    let words: Vec<&str> = text.split(' ').collect();
    let number = |at: usize| words.get(at).and_then(|w| w.parse().ok()).ok_or(format!("expected a number in `{text}`"));
    let path = || VPath::parse(words.get(1).unwrap_or(&"/").as_bytes()).map_err(|e| e.to_string());
    Ok(Ok(match words[0] {
        "done" => Yield::Done,
        "listing" => Yield::Listing,
        "writing" => Yield::Writing { path: path()?, at: if words.len() > 3 { number(3)? } else { 0 } },
        "copied" => Yield::Copied { bytes: number(1)? },
        "removed" => Yield::Removed { entries: number(1)? },
        "usage" => Yield::Usage(Usage { bytes: number(1)?, files: number(3)?, folders: number(5)? }),
        "free" => Yield::Space(Space { free: words.get(1).and_then(|w| w.parse().ok()), total: None }),
        "nobody" => Yield::Who(Vec::new()),
        "sent" => {
            Yield::Delivered(Delivered { sessions: u32::try_from(number(2)?).unwrap(), mailed: text.ends_with("and mailed") })
        }
        "file" | "folder" | "link" | "special" => {
            let kind = match words[0] {
                "file" => Kind::File,
                "folder" => Kind::Dir,
                "link" => Kind::Link,
                _ => Kind::Other,
            };
            let mut attr = Attr::new(kind, number(1)?);
            if let Some(at) = words.iter().position(|w| *w == "modified") {
                attr.modified = Some(Time::from_seconds(number(at + 1)? as i64));
            }
            if matches!(op, Op::Read { .. }) { Yield::Reading(attr) } else { Yield::Attr(attr) }
        }
        _ => return Err(format!("no answer begins with `{}`", words[0])),
    }))
}

fn reason(text: &str) -> Option<Reason> {
    text.split(' ').find(|w| w.starts_with("CRK-")).and_then(Reason::by_code)
}

/// The names on a certificate: what stands behind `names`.
fn names(text: &str) -> Vec<Box<str>> {
    text.split_once("names ").map(|(_, names)| names.split(' ').map(Into::into).collect()).unwrap_or_default()
}
