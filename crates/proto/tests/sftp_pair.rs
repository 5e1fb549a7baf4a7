//! Both ends of SFTP against each other, their bytes cut at every place: the outcome is the same, and it is the right one.

use std::collections::{BTreeMap, VecDeque};

use bytes::{Bytes, BytesMut};
use carrack_proto::sftp::attrs::Attrs;
use carrack_proto::sftp::client::{self, Answer, CallId, Server};
use carrack_proto::sftp::extension::Extension;
use carrack_proto::sftp::reply::DATA_HEAD;
use carrack_proto::sftp::request::{OpenFlags, Request};
use carrack_proto::sftp::server::{Done, FileId, Input, Output, Session, Settings, Work};
use types::{AskId, Attr, Entry, Error, Kind, Op, Reason, Space, Time, VPath, Yield};

/// What the server has: files by their paths. Folders are what leads to one, and what is marked by an empty name.
#[derive(Default)]
struct Tree {
    files: BTreeMap<VPath, Vec<u8>>,
    open: BTreeMap<FileId, (VPath, bool)>,
}

impl Tree {
    fn ask(&mut self, ask: AskId, op: Op) -> Result<Yield, Error> {
        Ok(match op {
            Op::Open { path, how } => {
                if how.truncate || (how.create && !self.files.contains_key(&path)) {
                    self.files.insert(path.clone(), Vec::new());
                }
                let size = self.files.get(&path).ok_or(Reason::NotFound)?.len() as u64;
                self.open.insert(FileId(ask), (path, false));
                Yield::Opened(Attr::new(Kind::File, size))
            }
            Op::List { path } => {
                self.open.insert(FileId(ask), (path, false));
                Yield::Listing
            }
            Op::Stat { path, .. } => {
                Yield::Attr(Attr::new(Kind::File, self.files.get(&path).ok_or(Reason::NotFound)?.len() as u64))
            }
            Op::Rename { from, to, .. } => {
                let file = self.files.remove(&from).ok_or(Reason::NotFound)?;
                self.files.insert(to, file);
                Yield::Done
            }
            Op::Space { .. } => Yield::Space(Space { free: Some(8_192), total: Some(40_960) }),
            Op::ReadLink { .. } => Yield::Target((*b"../x").into()),
            _ => Yield::Done,
        })
    }

    fn work(&mut self, file: FileId, work: Work) -> Done {
        let (path, told) = self.open.get_mut(&file).unwrap();
        match work {
            Work::Read { at, length } => {
                let there = self.files[path].get(at as usize..).unwrap_or_default();
                let mut buffer = BytesMut::zeroed(DATA_HEAD);
                buffer.extend_from_slice(&there[..there.len().min(length as usize)]);
                Done::Data(buffer)
            }
            Work::Write { at, data } => {
                let file = self.files.get_mut(path).unwrap();
                file.resize(file.len().max(at as usize + data.len()), 0);
                file[at as usize..][..data.len()].copy_from_slice(&data);
                Done::Nothing
            }
            Work::List if std::mem::replace(told, true) => Done::Page(Vec::new(), Time::default()),
            Work::List => {
                let entry = |(path, file): (&VPath, &Vec<u8>)| Entry {
                    name: path.name().unwrap().into(),
                    attr: Attr::new(Kind::File, file.len() as u64),
                    target: None,
                };
                Done::Page(self.files.iter().map(entry).collect(), Time::default())
            }
            Work::Stat => Done::Attr(Attr::new(Kind::File, self.files[path].len() as u64)),
            _ => Done::Nothing,
        }
    }
}

/// Both ends, and what is between them.
struct Pair {
    client: client::Session,
    server: Session,
    tree: Tree,
    /// Both directions are cut into pieces of so many bytes.
    cut: usize,
    calls: u64,
    answers: BTreeMap<CallId, Result<Answer, Error>>,
    ready: Option<Server>,
}

impl Pair {
    fn new(cut: usize) -> Self {
        let settings =
            Settings { home: VPath::root(), user: "u".into(), handles: 9, salt: 1, digests: Vec::new(), watched: false };
        let (client, server) = (client::Session::new(), Session::new(settings));
        let mut pair = Self { client, server, tree: Tree::default(), cut, calls: 0, answers: BTreeMap::new(), ready: None };
        pair.run();
        pair
    }

    /// Until nothing happens any more.
    fn run(&mut self) {
        let (mut there, mut back) = (VecDeque::<u8>::new(), VecDeque::<u8>::new());
        loop {
            let mut still = true;
            while let Some(output) = self.client.poll() {
                still = false;
                match output {
                    client::Output::Send(bytes) => there.extend(&bytes),
                    client::Output::Ready(server) => self.ready = Some(server),
                    client::Output::Answer(call, answer) => {
                        assert!(self.answers.insert(call, answer).is_none(), "answered twice");
                    }
                    client::Output::Said(_) | client::Output::Heard(_) => {}
                    client::Output::Close(error) => panic!("{error}"),
                }
            }
            if !there.is_empty() {
                let piece: Vec<u8> = there.drain(..self.cut.min(there.len())).collect();
                self.server.handle(Input::Bytes(&piece));
                still = false;
            }
            // The last that was asked is answered first.
            let mut asked = Vec::new();
            while let Some(output) = self.server.poll() {
                still = false;
                match output {
                    Output::Send(bytes) => back.extend(&bytes),
                    Output::Close(reason) => panic!("{reason:?}"),
                    other => asked.push(other),
                }
            }
            for output in asked.into_iter().rev() {
                match output {
                    Output::Ask(ask, op) => {
                        let answer = self.tree.ask(ask, op);
                        self.server.handle(Input::Answer(ask, answer));
                    }
                    Output::Work(ask, file, work) => {
                        let done = self.tree.work(file, work);
                        self.server.handle(Input::Worked(ask, Ok(done)));
                    }
                    _ => {}
                }
            }
            if !back.is_empty() {
                let piece: Vec<u8> = back.drain(..self.cut.min(back.len())).collect();
                self.client.take(&piece);
                still = false;
            }
            if still {
                return;
            }
        }
    }

    fn begin(&mut self, request: &Request<'_>) -> CallId {
        self.calls += 1;
        self.client.call(CallId(self.calls), request);
        CallId(self.calls)
    }

    fn call(&mut self, request: &Request<'_>) -> Result<Answer, Error> {
        let call = self.begin(request);
        self.run();
        self.answers.remove(&call).expect("an answer")
    }
}

fn played(cut: usize) -> Vec<u8> {
    let mut pair = Pair::new(cut);
    let server = pair.ready.clone().expect("ready");
    assert!(server.serves("posix-rename@openssh.com") && server.limits.read > 200_000);
    let new = OpenFlags::WRITE.and(OpenFlags::CREATE).and(OpenFlags::TRUNCATE);
    let Ok(Answer::Handle(handle)) = pair.call(&Request::Open { path: b"new\xff", flags: new, attrs: Attrs::default() }) else {
        panic!("a handle")
    };
    // Writes, the closing and what comes behind it go out in one go.
    let mut calls = Vec::new();
    for n in 0..20_u8 {
        pair.calls += 1;
        let call = CallId(pair.calls);
        pair.client.write(call, &handle, u64::from(n) * 7, Bytes::from(vec![n; 7]));
        calls.push(call);
    }
    calls.push(pair.begin(&Request::Close { handle: &handle }));
    let rename = Extension::PosixRename { from: b"new\xff", to: b"whole" };
    calls.push(pair.begin(&Request::Extended(rename)));
    pair.run();
    assert!(calls.iter().all(|call| pair.answers.remove(call) == Some(Ok(Answer::Done))));
    let Ok(Answer::Attr(attr)) = pair.call(&Request::Stat { path: b"whole" }) else { panic!("attributes") };
    assert_eq!((attr.kind, attr.size), (Kind::File, 140));
    assert_eq!(pair.call(&Request::Stat { path: b"none" }), Err(Error::new(Reason::NotFound)));
    assert_eq!(pair.call(&Request::Readlink { path: b"l" }), Ok(Answer::Path((*b"../x").into())));
    let statvfs = Request::Extended(Extension::Statvfs { path: b"/" });
    assert_eq!(pair.call(&statvfs), Ok(Answer::Space(Space { free: Some(8_192), total: Some(40_960) })));
    let Ok(Answer::Handle(folder)) = pair.call(&Request::Opendir { path: b"." }) else { panic!("a handle") };
    let Ok(Answer::Names(names)) = pair.call(&Request::Readdir { handle: &folder }) else { panic!("names") };
    assert_eq!(names.iter().map(|e| (&*e.name, e.attr.size)).collect::<Vec<_>>(), [(&b"whole"[..], 140)]);
    assert_eq!(pair.call(&Request::Readdir { handle: &folder }), Ok(Answer::End));
    assert_eq!(pair.call(&Request::Close { handle: &folder }), Ok(Answer::Done));
    assert_eq!(pair.call(&Request::Close { handle: &folder }), Err(Error::new(Reason::HandleUnknown)));
    let open = Request::Open { path: b"whole", flags: OpenFlags::READ, attrs: Attrs::default() };
    let Ok(Answer::Handle(handle)) = pair.call(&open) else { panic!("a handle") };
    let calls: Vec<CallId> = (0..8).map(|n| pair.begin(&Request::Read { handle: &handle, offset: n * 20, length: 20 })).collect();
    pair.run();
    let mut file = Vec::new();
    for call in calls {
        match pair.answers.remove(&call).expect("an answer") {
            Ok(Answer::Data(data)) => file.extend_from_slice(&data),
            other => assert_eq!(other, Ok(Answer::End)),
        }
    }
    assert_eq!(pair.client.under_way(), 0);
    assert!(pair.server.is_idle() && pair.server.open() == 1);
    pair.client.end(Reason::Disconnected.into());
    assert!(matches!(pair.client.poll(), Some(client::Output::Close(_))));
    file
}

#[test]
fn both_ends_agree_wherever_the_bytes_are_cut() {
    let file: Vec<u8> = (0..20).flat_map(|n| [n; 7]).collect();
    for cut in (1..60).chain([100, 333, 1_000, 1_000_000]) {
        assert_eq!(played(cut), file, "cut into {cut}");
    }
}

#[test]
fn calls_under_way_end_with_the_session() {
    for evil in [&b"\0\0\0\x09\x65\0\0\x30\x39\0\0\0\0"[..], b"\0\0\0\x01\x01", b"\xff\xff\xff\xff", b"\0\0\0\x05\x69\0\0\0\x01"]
    {
        let mut pair = Pair::new(1_000);
        let call = pair.begin(&Request::Stat { path: b"x" });
        while pair.client.poll().is_some() {}
        pair.client.take(evil);
        let Some(client::Output::Answer(lost, Err(error))) = pair.client.poll() else { panic!("{evil:?}: an end") };
        assert_eq!((lost, error.reason), (call, Reason::NotTheProtocol));
        assert!(matches!(pair.client.poll(), Some(client::Output::Close(_))));
        pair.client.call(CallId(77), &Request::Stat { path: b"x" });
        assert!(matches!(pair.client.poll(), Some(client::Output::Answer(CallId(77), Err(_)))));
    }
}

#[test]
fn names_that_lead_elsewhere_are_not_believed() {
    let mut pair = Pair::new(1_000);
    let evil = pair.tree.files.insert(VPath::parse(b"/ok").unwrap(), Vec::new());
    assert!(evil.is_none());
    for name in [&b"a/b"[..], b"", b"/etc", b"a\0"] {
        let call = pair.begin(&Request::Readdir { handle: b"h" });
        let mut sent = BytesMut::new();
        while let Some(client::Output::Send(bytes)) = pair.client.poll() {
            sent.extend_from_slice(&bytes);
        }
        let id = u32::from_be_bytes(sent[5..9].try_into().unwrap());
        let mut names = BytesMut::new();
        carrack_proto::sftp::reply::Name { name, long: b"-rw", attrs: Attrs::default() }.put(&mut names);
        let mut packet = BytesMut::new();
        carrack_proto::sftp::reply::names(1, &names).put(id, &mut packet);
        pair.client.take(&packet);
        let Some(client::Output::Answer(told, Err(error))) = pair.client.poll() else { panic!("an error") };
        assert_eq!((told, error.reason), (call, Reason::ListingUnsure));
    }
}

#[test]
fn replies_that_nobody_fetches_are_few_and_all_come_in_the_end() {
    let mut session = Session::new(Settings {
        home: VPath::root(),
        user: "anna".into(),
        handles: 10,
        salt: 1,
        digests: Vec::new(),
        watched: false,
    });
    let mut requests = BytesMut::from(&b"\0\0\0\x05\x01\0\0\0\x03"[..]);
    for id in 0..50_000u32 {
        // There is no such type: the reply is more than ten times as long.
        requests.extend_from_slice(b"\0\0\0\x05\xee");
        requests.extend_from_slice(&id.to_be_bytes());
    }
    for piece in requests.chunks(32 * 1_024) {
        session.handle(Input::Bytes(piece));
    }
    let (mut all, mut most) = (BytesMut::new(), 0);
    while let Some(output) = session.poll() {
        let Output::Send(bytes) = output else { panic!("{output:?}") };
        most = most.max(bytes.len());
        all.extend_from_slice(&bytes);
    }
    assert!(most < 128 * 1_024, "{most} bytes at once");
    let mut ids = Vec::new();
    let mut rest = &all[..];
    while let [a, b, c, d, ..] = *rest {
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        ids.push(u32::from_be_bytes(rest[5..9].try_into().unwrap()));
        rest = &rest[4 + length..];
    }
    assert_eq!((ids[0], ids.len()), (3, 50_001), "VERSION, and all the others");
    assert!(ids[1..].iter().copied().eq(0..50_000));
}

#[test]
fn a_ladder_has_one_line_for_many_reads_or_writes() {
    let settings = Settings { home: VPath::root(), user: "u".into(), handles: 9, salt: 1, digests: Vec::new(), watched: true };
    let mut session = Session::new(settings);
    let (mut lines, mut told) = (Vec::new(), BytesMut::new());
    let mut hear = |session: &mut Session, request: Option<Request<'_>>| {
        let mut packet = BytesMut::new();
        match request {
            Some(request) => request.put(7, &mut packet),
            None => carrack_proto::sftp::request::put_init(3, &mut packet),
        }
        session.handle(Input::Bytes(&packet));
        told.clear();
        while let Some(output) = session.poll() {
            match output {
                Output::Send(bytes) => told.extend_from_slice(&bytes),
                Output::Heard(text) => lines.push(format!("> {text}")),
                Output::Said(text) => lines.push(format!("< {text}")),
                Output::Ask(ask, _) => session.handle(Input::Answer(ask, Ok(Yield::Opened(Attr::new(Kind::File, 0))))),
                Output::Work(ask, _, Work::Read { at, length }) => {
                    let came = if at < 20 { length as usize } else { 0 };
                    let done = Done::Data(BytesMut::zeroed(DATA_HEAD + came));
                    session.handle(Input::Worked(ask, Ok(done)));
                }
                Output::Work(ask, _, Work::Write { at: 99, .. }) => {
                    session.handle(Input::Worked(ask, Err(Reason::NoSpace.into())))
                }
                Output::Work(ask, ..) => session.handle(Input::Worked(ask, Ok(Done::Nothing))),
                Output::Close(_) => panic!("closed"),
            }
        }
        told.clone()
    };
    hear(&mut session, None);
    let flags = OpenFlags::READ.and(OpenFlags::WRITE);
    let handle = hear(&mut session, Some(Request::Open { path: b"f", flags, attrs: Attrs::default() }));
    let handle = &handle[13..];
    for n in 0..3 {
        let said = hear(&mut session, Some(Request::Write { handle, offset: n * 5, data: b"12345" }));
        assert_eq!(said[4], 101, "each is answered all the same");
    }
    for at in [0, 10, 20] {
        hear(&mut session, Some(Request::Read { handle, offset: at, length: 10 }));
    }
    hear(&mut session, Some(Request::Write { handle, offset: 99, data: b"x" }));
    hear(&mut session, Some(Request::Write { handle, offset: 0, data: b"x" }));
    hear(&mut session, Some(Request::Close { handle }));
    assert_eq!(
        lines[4..],
        [
            "> WRITE /f: 15 bytes, 3 times",
            "> READ /f: 20 bytes, 3 times",
            "> WRITE /f: 1 bytes",
            "< STATUS 4 the storage is full (CRK-214). Free some space.",
            "> WRITE /f: 1 bytes",
            "> CLOSE /f",
            "< STATUS 0 success",
        ],
        "{lines:#?}"
    );
}
