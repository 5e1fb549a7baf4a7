//! Dialogues of the client's session: each file in `client_dialogues/` is a ladder. What the server says, what the data
//! connection does and what the caller (the fourth upright) wishes is fed into a session; what the session says and wishes must
//! give the very same ladder. `UPDATE=1 cargo test -p carrack-proto --test client_dialogues` writes the files anew: read the
//! difference before you believe it.
#![allow(clippy::disallowed_methods, reason = "a test reads its own files")]

mod corpus;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use carrack_proto::ftp::client::{
    DataFault, DataId, DataTls, Failure, Flow, Form, Input, Login, OpId, Operation, Outcome, Output, PutHow, Session, Settings,
    Tls, Unshaken,
};
use carrack_proto::ftp::data::Type;
use carrack_proto::ftp::listing::parse::Item;
use trace::dialogue;
use trace::row::Row;
use types::{Lane, Secret, Time};

#[test]
fn dialogues_play_as_written() {
    corpus::plays_as_written("client_dialogues", 30, |_, text| Player::play(text));
}

/// Plays a dialogue against a session.
struct Player {
    session: Session,
    now: Duration,
    rows: Vec<Row>,
    data: Option<DataId>,
    operations: u64,
}

impl Player {
    fn play(text: &str) -> Result<String, String> {
        let read = dialogue::read(text).map_err(|e| e.to_string())?;
        let setting = |name: &str| read.comments.iter().find_map(|(_, c)| c.strip_prefix(name).map(str::trim));
        let account = setting("account:").map(|account| Secret::new(account.into()));
        let login = Login { user: "anna".into(), password: Secret::new("secret".into()), account };
        let mut settings = Settings::new(login, Time::from_seconds(1_795_247_520));
        settings.pipeline = setting("pipeline").is_some();
        settings.believe_passive_address = setting("believe").is_some();
        settings.active_address = setting("active address:").map(|ip| ip.parse().unwrap());
        settings.tls = match setting("tls") {
            None => Tls::Off,
            Some("offered") => Tls::Offered,
            Some("required") => Tls::Required,
            Some("implicit") => Tls::Implicit,
            Some(other) => return Err(format!("no TLS is {other}")),
        };
        settings.protect_data = if setting("data offered").is_some() { DataTls::Offered } else { DataTls::Required };
        if setting("default port first").is_some() {
            settings.forms = vec![Form::Unsaid, Form::Epsv];
        }
        if setting("active first").is_some() {
            settings.forms = vec![Form::Eprt, Form::Port, Form::Epsv, Form::Pasv];
        }
        let address = |name, default: &str| setting(name).unwrap_or(default).parse().map_err(|e| format!("{name}: {e}"));
        let (peer, local) = (address("peer:", "192.0.2.1:21")?, address("local:", "192.0.2.7:40000")?);
        let session = Session::new(Arc::new(settings), peer, local);
        let mut player = Self { session, now: Duration::ZERO, rows: Vec::new(), data: None, operations: 0 };
        if setting("logged in").is_some() {
            player.log_in(setting("features:").unwrap_or_default(), setting("system:").unwrap_or("UNIX Type: L8"));
        }
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

    /// Through the login, which is drawn elsewhere.
    fn log_in(&mut self, features: &str, system: &str) {
        let feat = if features.is_empty() {
            "500 What?\r\n".to_owned()
        } else {
            format!("211-Features:\r\n{}211 End\r\n", features.split(", ").map(|f| format!(" {f}\r\n")).collect::<String>())
        };
        for line in ["220 Ready\r\n", "331 Password\r\n", "230 Welcome\r\n", &format!("215 {system}\r\n"), &feat] {
            self.session.handle(Input::Received(line.as_bytes()), Duration::ZERO);
        }
        while let Some(output) = self.session.poll() {
            if let Output::Ready(_) = output {
                return;
            }
        }
        panic!("the login has changed");
    }

    fn feed(&mut self, row: &Row) -> Result<(), String> {
        self.rows.push(row.clone());
        let (text, now) = (row.text.as_str(), self.now);
        let data = || self.data.ok_or("no data connection was asked for");
        match (row.from, row.to) {
            (Lane::Control, Lane::Client) => {
                let bytes = [&*corpus::unescape(text), b"\r\n"].concat();
                self.session.handle(Input::Received(&bytes), now);
            }
            (Lane::Data, Lane::Client) => {
                let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
                let number = || rest.parse::<u64>().map_err(|_| format!("expected a number of bytes: {rest}"));
                let fault = |make: fn(Box<str>) -> DataFault| Ok::<_, String>(make(rest.into()));
                let input = match word {
                    "opened" => Input::DataOpened(data()?),
                    "listening" => Input::Listening(data()?, rest.parse().map_err(|e| format!("{e}"))?),
                    "moved" => Input::Progress(data()?, number()?),
                    "ended" => Input::DataEnded(data()?, number()?),
                    "refused" => Input::DataFailed(data()?, fault(DataFault::NotMade)?),
                    "tls" => Input::DataFailed(data()?, fault(DataFault::Tls)?),
                    "broken" => Input::DataFailed(data()?, fault(DataFault::Broken)?),
                    "local" => Input::DataFailed(data()?, fault(DataFault::Local)?),
                    "lines" => {
                        let bytes = corpus::unescape(&rest.replace(" / ", "\r\n"));
                        self.session.handle(Input::Data(data()?, &[&*bytes, b"\r\n"].concat()), now);
                        return Ok(());
                    }
                    other => return Err(format!("no data connection says {other}")),
                };
                self.session.handle(input, now);
            }
            (Lane::Storage, Lane::Client) => self.wish(text)?,
            _ => {
                let input = match text.split_once(' ').unwrap_or((text, "")) {
                    ("lost", "") => Input::Lost(None),
                    ("lost", how) => Input::Lost(Some(how.into())),
                    ("shaken", "") => Input::Tls(Ok(())),
                    ("unshaken", why) => Input::Tls(Err(Unshaken::Broken(why.into()))),
                    _ => Input::Tick,
                };
                self.session.handle(input, now);
            }
        }
        Ok(())
    }

    fn wish(&mut self, text: &str) -> Result<(), String> {
        let now = self.now;
        let words: Vec<&str> = text.split(' ').collect();
        let name =
            |at: usize| -> Box<[u8]> { words.get(at).map_or(Box::default(), |w| corpus::unescape(&w.replace('~', " ")).into()) };
        let after =
            |word: &str| words.iter().position(|w| *w == word).and_then(|at| words.get(at + 1)).and_then(|n| n.parse().ok());
        let ascii = words.contains(&"ascii");
        let operation = match words[0] {
            "cancel" => {
                self.session.handle(Input::Cancel(OpId(words[1].parse().unwrap())), now);
                return Ok(());
            }
            "quit" => {
                self.session.handle(Input::Quit, now);
                return Ok(());
            }
            "list" => Operation::List(name(1)),
            "stat" => Operation::Stat(name(1)),
            "get" => Operation::Get { path: name(1), offset: after("from").unwrap_or(0), expected: after("expecting"), ascii },
            "put" => Operation::Put {
                path: name(1),
                how: match after("from") {
                    Some(at) => PutHow::At(at),
                    None if words.contains(&"appending") => PutHow::Append,
                    None => PutHow::Replace,
                },
                expected: after("expecting"),
                ascii,
            },
            "mkdir" => Operation::MakeDir(name(1)),
            "rmdir" => Operation::RemoveDir(name(1)),
            "rm" => Operation::Remove(name(1)),
            "mv" => Operation::Rename(name(1), name(2)),
            "publish" => Operation::Publish { from: name(1), to: name(2), modified: Some(Time::from_seconds(1_111_111_111)) },
            "chmod" => Operation::Chmod(name(1), u32::from_str_radix(words[2], 8).unwrap()),
            "touch" => Operation::SetModified(name(1), Time::from_seconds(1_111_111_111)),
            "size" => Operation::Size(name(1)),
            "mdtm" => Operation::Modified(name(1)),
            "pwd" => Operation::Pwd,
            "cwd" => Operation::Cwd(name(1)),
            "listen" => Operation::Listen { as_client: words.contains(&"cpsv") },
            "reach" => Operation::Reach(words[1].parse().unwrap()),
            "retrieve" => Operation::MoveBeyond { path: name(1), offset: after("from").unwrap_or(0), store: false },
            "store" => Operation::MoveBeyond { path: name(1), offset: after("from").unwrap_or(0), store: true },
            "noop" => Operation::Noop,
            "quote" => Operation::Quote(corpus::unescape(text.trim_start_matches("quote").trim_start()).into()),
            other => return Err(format!("no operation is called {other}")),
        };
        self.operations += 1;
        self.session.handle(Input::Run(OpId(self.operations), operation), now);
        Ok(())
    }

    fn drain(&mut self) {
        while let Some(output) = self.session.poll() {
            let (from, to, text) = match output {
                Output::Send(line) => (Lane::Client, Lane::Control, line.shown()),
                Output::StartTls => (Lane::Client, Lane::Client, "begin TLS".to_owned()),
                Output::Connect(id, at, tls) => {
                    self.data = Some(id);
                    (Lane::Client, Lane::Data, format!("connect {at}{}", if tls { " tls" } else { "" }))
                }
                Output::Listen(id, at, tls) => {
                    self.data = Some(id);
                    let at = if at.port() == 0 { at.ip().to_string() } else { at.to_string() };
                    (Lane::Client, Lane::Data, format!("listen {at}{}", if tls { " tls" } else { "" }))
                }
                Output::Move(_, _, flow) => {
                    let text = match flow {
                        Flow::Listing => "read listing",
                        Flow::Receive { form } if form.kind == Type::Image => "receive",
                        Flow::Receive { .. } => "receive ascii",
                        Flow::Send { form } if form.kind == Type::Image => "send",
                        Flow::Send { .. } => "send ascii",
                        Flow::ReceiveKept => "receive a block file",
                        Flow::SendKept => "send a block file",
                    };
                    (Lane::Client, Lane::Data, text.to_owned())
                }
                // A cut of what was never asked for is none.
                Output::Cut(id) if self.data != Some(id) => continue,
                Output::Cut(_) => {
                    self.data = None;
                    (Lane::Client, Lane::Data, "cut".to_owned())
                }
                Output::Ready(welcome) => {
                    let data = if welcome.data_protected { ", data protected" } else { "" };
                    let tls = if welcome.protected { " over TLS" } else { "" };
                    (Lane::Client, Lane::Client, format!("ready{tls}{data}"))
                }
                Output::Note(note) => (Lane::Client, Lane::Client, format!("note: {note}")),
                Output::Item(_, item) => (Lane::Client, Lane::Storage, shown(&item)),
                Output::Done(id, result) => {
                    let text = match result {
                        Ok(outcome) => told(&outcome),
                        Err(failure) => failed(&failure),
                    };
                    (Lane::Client, Lane::Storage, format!("{} {text}", id.0))
                }
                Output::Close(None) => (Lane::Client, Lane::Client, "closed".to_owned()),
                Output::Close(Some(failure)) => (Lane::Client, Lane::Client, format!("closed: {}", failed(&failure))),
            };
            self.rows.push(Row::new(from, to, text));
        }
    }
}

/// Rows that are fed in; all others must come out by themselves.
fn is_input(row: &Row) -> bool {
    matches!((row.from, row.to), (Lane::Control | Lane::Data | Lane::Storage, Lane::Client) | (Lane::Control, Lane::Control))
}

fn shown(item: &Item) -> String {
    match item {
        Item::Entry(entry) => format!("{:?} {}", entry.kind, String::from_utf8_lossy(&entry.name)),
        Item::Refused { name, why } => format!("refused {}: {}", String::from_utf8_lossy(name), why.why()),
        Item::Unread(line) => format!("unread {}", String::from_utf8_lossy(line)),
    }
}

fn told(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Done => "done".to_owned(),
        Outcome::Listed { entries, lost, dialect } => {
            format!("listed {entries}, lost {lost}, {}", dialect.map_or("unknown", |dialect| dialect.name()))
        }
        Outcome::Stat(stat) => {
            let time =
                stat.modified.map(|stamp| format!(" {}-{:02}-{:02}", stamp.civil.year, stamp.civil.month, stamp.civil.day));
            format!("{:?} {:?}{}", stat.kind, stat.size, time.unwrap_or_default())
        }
        Outcome::Size(size) => format!("{size} bytes"),
        Outcome::Modified(time) => format!("changed {}", time.seconds),
        Outcome::Path(path) => format!("path {}", String::from_utf8_lossy(path)),
        Outcome::Reply(reply) => format!("reply {}", reply.code),
        Outcome::Address(at) => format!("listens at {at}"),
        Outcome::Moved(bytes) => format!("moved {bytes}"),
    }
}

fn failed(failure: &Failure) -> String {
    let wait = failure.wait.map(|wait| format!(", {}", wait.name())).unwrap_or_default();
    let reply = failure.reply.as_ref().map(|reply| format!(", {}", reply.code)).unwrap_or_default();
    let detail = if failure.detail.is_empty() { String::new() } else { format!(": {}", failure.detail) };
    format!("failed {}{wait}{reply}{detail}", failure.kind.name())
}
