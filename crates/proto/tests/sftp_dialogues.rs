//! SFTP dialogues: each file in `sftp_dialogues/` is a session. `>` is what the client sends and `?` what the driver
//! answers; both are fed into a session. `<` is what it sends, `=` what it asks and hands out, `!` how it ends: all of them
//! must come out as they stand there. `@1` is the first handle that was given. `UPDATE=1 cargo test -p carrack-proto --test
//! sftp_dialogues` writes the files anew: read the difference before you believe it.
#![allow(clippy::disallowed_methods, reason = "a test reads its own files")]

mod corpus;

use bytes::BytesMut;
use carrack_proto::sftp::MOST_PACKET;
use carrack_proto::sftp::attrs::Attrs;
use carrack_proto::sftp::digest::Digest;
use carrack_proto::sftp::extension::{Check, Extension};
use carrack_proto::sftp::frame::Frames;
use carrack_proto::sftp::reply::{DATA_HEAD, Reply, parse_version};
use carrack_proto::sftp::request::{OpenFlags, Request, put_init};
use carrack_proto::sftp::server::{Done, Input, Output, Session, Settings, Work};
use types::path::Shown;
use types::{AskId, Attr, Entry, Error, Kind, Reason, Space, Time, VPath, Yield};

#[test]
fn dialogues_play_as_written() {
    corpus::plays_as_written("sftp_dialogues", 10, |_, text| Player::play(text));
}

struct Player {
    session: Session,
    frames: Frames,
    handles: Vec<Vec<u8>>,
    begun: bool,
    out: String,
}

impl Player {
    fn play(text: &str) -> Result<String, String> {
        let handles = text.lines().find_map(|l| l.strip_prefix("# handles ")).map_or(10, |n| n.parse().unwrap());
        let settings = Settings {
            home: VPath::parse(b"/home/anna").unwrap(),
            user: "anna".into(),
            handles,
            salt: 0xfeed,
            digests: vec![Digest::Sha256, Digest::Md5],
            watched: false,
        };
        let session = Session::new(settings);
        let mut player =
            Self { session, frames: Frames::new(MOST_PACKET), handles: Vec::new(), begun: false, out: String::new() };
        for line in text.lines() {
            if line.is_empty() || line.starts_with('#') {
                player.say(line);
            } else if let Some(sent) = line.strip_prefix("> ") {
                player.say(line);
                player.send(sent).map_err(|e| format!("`{line}`: {e}"))?;
                player.drain();
            } else if let Some(answer) = line.strip_prefix("? ") {
                player.say(line);
                player.answer(answer).map_err(|e| format!("`{line}`: {e}"))?;
                player.drain();
            }
        }
        Ok(player.out)
    }

    fn say(&mut self, line: &str) {
        self.out += line;
        self.out.push('\n');
    }

    fn send(&mut self, text: &str) -> Result<(), String> {
        let mut wire = BytesMut::new();
        let words: Vec<&str> = text.split(' ').collect();
        match words[..] {
            ["init", version] => put_init(number(version)? as u32, &mut wire),
            ["raw", hex] => wire.extend_from_slice(&from_hex(hex)?),
            ["end"] => {
                self.session.handle(Input::End);
                return Ok(());
            }
            ["stop", code] => {
                self.session.handle(Input::Stop(Reason::by_code(code).ok_or("no such code")?));
                return Ok(());
            }
            [id, name, ref rest @ ..] => {
                let rest: Vec<Vec<u8>> = rest.iter().map(|word| self.word(word)).collect::<Result<_, _>>()?;
                let request = request(name, &rest)?;
                request.put(number(id)? as u32, &mut wire);
            }
            _ => return Err("expected: ID REQUEST".into()),
        }
        self.session.handle(Input::Bytes(&wire));
        Ok(())
    }

    /// A word as bytes: `@2` is a handle, `-` nothing, `\xNN` a byte.
    fn word(&self, word: &str) -> Result<Vec<u8>, String> {
        if let Some(number) = word.strip_prefix('@') {
            let number: usize = number.parse().map_err(|_| "expected the number of a handle")?;
            return self.handles.get(number - 1).cloned().ok_or_else(|| "no such handle yet".into());
        }
        Ok(if word == "-" { Vec::new() } else { corpus::unescape(word) })
    }

    fn answer(&mut self, text: &str) -> Result<(), String> {
        let (ask, answer) = text.split_once(' ').ok_or("expected: ASK ANSWER")?;
        let ask = AskId(number(ask)? as u32);
        let words: Vec<&str> = answer.split(' ').collect();
        let input = match words[..] {
            [code] if code.starts_with("CRK-") => {
                let reason = Reason::by_code(code).ok_or("no such code")?;
                // Whichever it was: the session takes the one that fits.
                return {
                    self.fail(ask, reason);
                    Ok(())
                };
            }
            ["opened"] => Input::Answer(ask, Ok(Yield::Opened(Attr::new(Kind::File, 0)))),
            ["listing"] => Input::Answer(ask, Ok(Yield::Listing)),
            ["granted"] => Input::Answer(ask, Ok(Yield::Done)),
            ["attr", ref rest @ ..] => Input::Answer(ask, Ok(Yield::Attr(attr(rest)?))),
            ["target", target] => Input::Answer(ask, Ok(Yield::Target(corpus::unescape(target).into()))),
            ["space", free, total] => {
                Input::Answer(ask, Ok(Yield::Space(Space { free: free.parse().ok(), total: total.parse().ok() })))
            }
            ["done"] => Input::Worked(ask, Ok(Done::Nothing)),
            ["data"] => Input::Worked(ask, Ok(Done::Data(BytesMut::zeroed(DATA_HEAD)))),
            ["data", data] => {
                let mut buffer = BytesMut::zeroed(DATA_HEAD);
                buffer.extend_from_slice(&corpus::unescape(data));
                Input::Worked(ask, Ok(Done::Data(buffer)))
            }
            ["is", ref rest @ ..] => Input::Worked(ask, Ok(Done::Attr(attr(rest)?))),
            ["digests", count] => Input::Worked(ask, Ok(Done::Digests(Digest::Sha256, vec![0xab; number(count)? as usize]))),
            ["page", ref names @ ..] => {
                let page = names.iter().map(|name| entry(name)).collect();
                Input::Worked(ask, Ok(Done::Page(page, Time::from_seconds(1_795_247_520))))
            }
            _ => return Err("no such answer".into()),
        };
        self.session.handle(input);
        Ok(())
    }

    fn fail(&mut self, ask: AskId, reason: Reason) {
        let asked = self.out.lines().any(|line| line.starts_with(&format!("= ask {}:", ask.0)));
        let error = Error::new(reason);
        self.session.handle(if asked { Input::Answer(ask, Err(error)) } else { Input::Worked(ask, Err(error)) });
    }

    fn drain(&mut self) {
        while let Some(output) = self.session.poll() {
            let line = match output {
                Output::Send(bytes) => {
                    let mut rest = &bytes[..];
                    while let Some(packet) = self.frames.next_packet(&mut rest).unwrap() {
                        let line = self.reply(&packet);
                        self.say(&line);
                    }
                    continue;
                }
                Output::Ask(ask, op) => format!("= ask {}: {op}", ask.0),
                Output::Work(ask, file, work) => format!("= work {} on {}: {}", ask.0, file.0.0, work_words(&work)),
                Output::Heard(_) | Output::Said(_) => continue,
                Output::Close(None) => "! closed".into(),
                Output::Close(Some(reason)) => format!("! closed {}", reason.code()),
            };
            self.say(&line);
        }
    }

    fn reply(&mut self, packet: &[u8]) -> String {
        if !self.begun {
            self.begun = true;
            let version = parse_version(packet).unwrap();
            let names: Vec<_> = version.extensions.iter().map(|(n, v)| format!("{}={}", Shown(n), Shown(v))).collect();
            return format!("< version {} {}", version.version, names.join(" "));
        }
        let (id, reply) = Reply::parse(packet).unwrap();
        let words = match reply {
            Reply::Status(code, message) => format!("status {} {}", code.0, Shown(message)).trim_end().into(),
            Reply::Handle(handle) => {
                self.handles.push(handle.to_vec());
                format!("handle @{}", self.handles.len())
            }
            Reply::Data(data) => format!("data {}", Shown(data)),
            Reply::Name(names) => {
                let mut words = "name".to_owned();
                for name in names {
                    let name = name.unwrap();
                    words += &format!("\n<    {} | {} |{}", Shown(name.name), Shown(name.long), attr_words(&name.attrs));
                }
                words
            }
            Reply::Attrs(attrs) => format!("attrs{}", attr_words(&attrs)),
            Reply::Extended(body) => format!("extended {}", body.iter().map(|b| format!("{b:02x}")).collect::<String>()),
        };
        format!("< {id} {words}")
    }
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("{text}: expected a number"))
}

fn from_hex(hex: &str) -> Result<Vec<u8>, String> {
    let byte = |at| u8::from_str_radix(hex.get(at..at + 2).ok_or("half a byte")?, 16).map_err(|e| e.to_string());
    (0..hex.len()).step_by(2).map(byte).collect()
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

fn attr_words(attrs: &Attrs) -> String {
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

fn attrs(words: &[Vec<u8>]) -> Result<Attrs, String> {
    let mut attrs = Attrs::default();
    for word in words {
        let word = std::str::from_utf8(word).map_err(|e| e.to_string())?;
        let (name, value) = word.split_once('=').ok_or("expected NAME=VALUE")?;
        let pair = || value.split_once(':').and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
        match name {
            "size" => attrs.size = Some(number(value)?),
            "mode" => attrs.mode = u32::from_str_radix(value, 8).ok(),
            "ids" => attrs.ids = pair(),
            "times" => attrs.times = pair(),
            _ => return Err(format!("{name}: no such attribute")),
        }
    }
    Ok(attrs)
}

fn numeric(word: &[u8]) -> Result<u64, String> {
    number(&String::from_utf8_lossy(word))
}

fn check(words: &[Vec<u8>]) -> Result<Check<'_>, String> {
    let [algorithms, offset, length, block] = words else { return Err("expected ALGORITHMS OFFSET LENGTH BLOCK".into()) };
    Ok(Check { algorithms, offset: numeric(offset)?, length: numeric(length)?, block: numeric(block)? as u32 })
}

fn request<'a>(name: &str, words: &'a [Vec<u8>]) -> Result<Request<'a>, String> {
    let one = |n: usize| words.get(n).map(Vec::as_slice).ok_or_else(|| "a word is missing".to_owned());
    let count = |n: usize| one(n).and_then(numeric);
    let behind = |n: usize| attrs(words.get(n..).unwrap_or_default());
    Ok(match name {
        "open" => {
            let letters = [b'r', b'w', b'a', b'c', b't', b'x'];
            let flags = letters.iter().enumerate().filter(|(_, l)| words[1].contains(l)).map(|(n, _)| 1 << n).sum();
            Request::Open { path: one(0)?, flags: OpenFlags(flags), attrs: behind(2)? }
        }
        "close" => Request::Close { handle: one(0)? },
        "read" => Request::Read { handle: one(0)?, offset: count(1)?, length: count(2)? as u32 },
        "write" => Request::Write { handle: one(0)?, offset: count(1)?, data: one(2)? },
        "lstat" => Request::Lstat { path: one(0)? },
        "fstat" => Request::Fstat { handle: one(0)? },
        "setstat" => Request::Setstat { path: one(0)?, attrs: behind(1)? },
        "fsetstat" => Request::Fsetstat { handle: one(0)?, attrs: behind(1)? },
        "opendir" => Request::Opendir { path: one(0)? },
        "readdir" => Request::Readdir { handle: one(0)? },
        "remove" => Request::Remove { path: one(0)? },
        "mkdir" => Request::Mkdir { path: one(0)?, attrs: behind(1)? },
        "rmdir" => Request::Rmdir { path: one(0)? },
        "realpath" => Request::Realpath { path: one(0)? },
        "stat" => Request::Stat { path: one(0)? },
        "rename" => Request::Rename { from: one(0)?, to: one(1)? },
        "readlink" => Request::Readlink { path: one(0)? },
        "symlink" => Request::Symlink { target: one(0)?, link: one(1)? },
        other => Request::Extended(match other {
            "posix-rename" => Extension::PosixRename { from: one(0)?, to: one(1)? },
            "statvfs" => Extension::Statvfs { path: one(0)? },
            "fstatvfs" => Extension::Fstatvfs { handle: one(0)? },
            "hardlink" => Extension::Hardlink { from: one(0)?, to: one(1)? },
            "fsync" => Extension::Fsync { handle: one(0)? },
            "lsetstat" => Extension::Lsetstat { path: one(0)?, attrs: behind(1)? },
            "limits" => Extension::Limits,
            "expand-path" => Extension::ExpandPath { path: one(0)? },
            "copy-data" => Extension::CopyData {
                from: one(0)?,
                from_offset: count(1)?,
                length: count(2)?,
                to: one(3)?,
                to_offset: count(4)?,
            },
            "home-directory" => Extension::HomeDirectory { user: one(0)? },
            "users-groups" => Extension::UsersGroups { users: one(0)?, groups: one(1)? },
            "check-file-name" => Extension::CheckFileName { path: one(0)?, check: check(&words[1..])? },
            "check-file-handle" => Extension::CheckFileHandle { handle: one(0)?, check: check(&words[1..])? },
            "space-available" => Extension::SpaceAvailable { path: one(0)? },
            "vendor" => Extension::Other { name: one(0)?, body: b"" },
            _ => return Err("no such request".into()),
        }),
    })
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
    }
}
