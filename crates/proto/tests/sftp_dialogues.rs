//! SFTP dialogues: each file in `sftp_dialogues/` is a session. `>` is what the client sends and `?` what the driver
//! answers; both are fed into a session. `<` is what it sends, `=` what it asks and hands out, `!` how it ends: all of them
//! must come out as they stand there. `@1` is the first handle that was given. `UPDATE=1 cargo test -p carrack-proto --test
//! sftp_dialogues` writes the files anew: read the difference before you believe it.
#![allow(clippy::disallowed_methods, reason = "a test reads its own files")]

mod corpus;
mod driver;

use bytes::BytesMut;
use carrack_proto::sftp::MOST_PACKET;
use carrack_proto::sftp::attrs::Attrs;
use carrack_proto::sftp::digest::Digest;
use carrack_proto::sftp::extension::{Check, Extension};
use carrack_proto::sftp::frame::Frames;
use carrack_proto::sftp::reply::{Reply, parse_version};
use carrack_proto::sftp::request::{OpenFlags, Request, put_init};
use carrack_proto::sftp::server::{Input, Output, Session, Settings};
use driver::{attr_words, number};
use types::path::Shown;
use types::{Reason, VPath};

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
        let input = driver::answer(text, &self.out)?;
        self.session.handle(input);
        Ok(())
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
                other => driver::words(&other),
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

fn from_hex(hex: &str) -> Result<Vec<u8>, String> {
    let byte = |at| u8::from_str_radix(hex.get(at..at + 2).ok_or("half a byte")?, 16).map_err(|e| e.to_string());
    (0..hex.len()).step_by(2).map(byte).collect()
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
