//! The client's session against the server's, in memory: every operation, with the control connection in pieces of every size,
//! and with both connections broken at every byte. What is reported as done must be done, whole.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use carrack_proto::ftp::client::{
    DataFault, DataId, Failure, Flow, Form, Input, Kind, Login, Note, OpId, Operation, Outcome, Output, PutHow, Session,
    Settings, Tls,
};
use carrack_proto::ftp::listing::parse::{Dialect, Item};
use carrack_proto::ftp::listing::{Permitted, facts_line, long_line};
use carrack_proto::ftp::server::{self, Body, Channel, End, ListForm, Reserved, Via};
use carrack_proto::line::LineDecoder;
use types::{Attr, AttrChange, Entry, Error, Op, Reason, Secret, Time, TransferId, VPath, Welcome, WriteHow, Yield};

/// What stands under a path: bytes of a file, or a folder.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Node {
    Dir,
    File(Vec<u8>, Time),
}

/// What an answer of the server's gate has opened.
enum Opened {
    Read(VPath, usize),
    Write(VPath, usize),
    List,
}

/// A data connection as both ends see it.
#[derive(Default)]
struct Link {
    client: Option<DataId>,
    moves: Option<(OpId, Flow)>,
    server: Option<(TransferId, server::Flow)>,
}

/// Where something breaks.
#[derive(Clone, Copy, Default)]
struct Faults {
    /// The control connection from the server, after so many bytes.
    control: Option<usize>,
    /// The data connection of every transfer, after so many bytes.
    data: Option<usize>,
    /// Passive connections cannot be made.
    no_passive: bool,
}

struct World {
    client: Session,
    server: server::Session,
    lines: LineDecoder,
    tree: BTreeMap<VPath, Node>,
    opened: Option<Opened>,
    link: Link,
    to_client: VecDeque<u8>,
    to_server: VecDeque<u8>,
    said: Vec<String>,
    chunk: usize,
    told: usize,
    faults: Faults,
    uploads: BTreeMap<u64, Vec<u8>>,
    downloads: BTreeMap<u64, Vec<u8>>,
    names: Vec<String>,
    done: Vec<(OpId, Result<Outcome, Failure>)>,
    notes: Vec<Note>,
    closed: Option<Option<Failure>>,
    ready: bool,
    /// Which end wishes for TLS: client, server.
    hello: (bool, bool),
    shaken: bool,
}

fn path(text: &str) -> VPath {
    VPath::parse(text.as_bytes()).unwrap()
}

const BODY: &[u8] = b"the body of a file, of some length\n";

impl World {
    fn new(chunk: usize, faults: Faults, change: impl FnOnce(&mut Settings, &mut server::Settings)) -> Self {
        let mut ours = Settings::new(
            Login { user: "anna".into(), password: Secret::new("secret".into()), account: None },
            Time::from_seconds(1_795_247_520),
        );
        let mut theirs = server::Settings {
            login_within: Duration::from_secs(60),
            idle_after: Duration::from_secs(300),
            idle_at_most: Duration::from_secs(3_600),
            active: true,
            passive: true,
            single_port: false,
            historic: false,
            tls: None,
            gssapi: None,
            ebcdic: Default::default(),
            ascii_size_limit: 1 << 20,
            version: "1".into(),
        };
        change(&mut ours, &mut theirs);
        let (here, there) = ("192.0.2.7:40000".parse().unwrap(), "192.0.2.1:21".parse().unwrap());
        let mut tree = BTreeMap::from([(VPath::root(), Node::Dir), (path("/sub"), Node::Dir)]);
        tree.insert(path("/a file"), Node::File(BODY.to_vec(), Time::from_seconds(1_000_000_000)));
        tree.insert(path("/sub/x\ny"), Node::File(b"1".to_vec(), Time::from_seconds(1_000_000_000)));
        let mut world = Self {
            client: Session::new(Arc::new(ours), there, here),
            server: server::Session::new(Arc::new(theirs), here, there, false, false),
            lines: LineDecoder::new(),
            tree,
            opened: None,
            link: Link::default(),
            to_client: VecDeque::new(),
            to_server: VecDeque::new(),
            said: Vec::new(),
            chunk,
            told: 0,
            faults,
            uploads: BTreeMap::new(),
            downloads: BTreeMap::new(),
            names: Vec::new(),
            done: Vec::new(),
            notes: Vec::new(),
            closed: None,
            ready: false,
            hello: (false, false),
            shaken: false,
        };
        world.server.greet(&[]);
        world
    }

    fn tell(&mut self, input: Input<'_>) {
        self.client.handle(input, Duration::ZERO);
    }

    fn hear(&mut self, input: server::Input<'_>) {
        self.server.handle(input, Duration::ZERO);
    }

    /// Goes on until nothing happens any more.
    fn run(&mut self) {
        for _ in 0..100_000 {
            if !(self.drain_client() | self.drain_server() | self.shake() | self.carry() | self.transfer()) {
                return;
            }
        }
        panic!("it never comes to rest");
    }

    fn drain_client(&mut self) -> bool {
        let mut any = false;
        while let Some(output) = self.client.poll() {
            any = true;
            assert!(self.closed.is_none(), "{output:?} after the end");
            match output {
                Output::Send(line) => {
                    self.said.push(line.shown());
                    let mut out = Vec::new();
                    line.print(&mut out);
                    self.to_server.extend(out);
                }
                Output::Connect(id, at, _) if self.faults.no_passive => {
                    let why = format!("{at} refused");
                    self.tell(Input::DataFailed(id, DataFault::NotMade(why.into())));
                }
                Output::Connect(id, at, protected) => {
                    assert_eq!(protected, self.shaken, "data connections follow the control connection");
                    assert_eq!(at, "192.0.2.1:50000".parse().unwrap());
                    self.link.client = Some(id);
                    self.tell(Input::DataOpened(id));
                }
                Output::StartTls => self.hello.0 = true,
                Output::Listen(id, _, protected) => {
                    assert_eq!(protected, self.shaken);
                    self.link.client = Some(id);
                    self.tell(Input::Listening(id, "192.0.2.7:50001".parse().unwrap()));
                }
                Output::Move(id, op, flow) => {
                    assert_eq!(self.link.client, Some(id));
                    self.link.moves = Some((op, flow));
                }
                Output::Cut(id) if self.link.client == Some(id) => self.cut(),
                Output::Cut(_) => {}
                Output::Item(_, item) => {
                    let Item::Entry(entry) = item else { panic!("{item:?}") };
                    self.names.push(String::from_utf8(entry.name.to_vec()).unwrap());
                }
                Output::Done(op, result) => {
                    assert!(self.done.iter().all(|(id, _)| *id != op), "{op:?} is done twice");
                    self.done.push((op, result));
                }
                Output::Ready(_) => self.ready = true,
                Output::Note(note) => self.notes.push(note),
                Output::Close(failure) => self.closed = Some(failure),
            }
        }
        any
    }

    /// Makes TLS once both ends wish for it.
    fn shake(&mut self) -> bool {
        if self.hello != (true, true) || self.shaken {
            return false;
        }
        assert!(self.to_client.is_empty() && self.to_server.is_empty(), "bytes in clear behind the consent");
        self.shaken = true;
        self.tell(Input::Tls(Ok(())));
        self.hear(server::Input::Secured(Ok(Vec::new())));
        true
    }

    /// The client's end of the data connection is gone.
    fn cut(&mut self) {
        self.link.client = None;
        self.link.moves = None;
        if let Some((id, _)) = self.link.server.take() {
            self.hear(server::Input::Ended(id, End::Failed { bytes: 0, error: Error::new(Reason::DataReset) }));
        }
    }

    fn drain_server(&mut self) -> bool {
        let mut any = false;
        while let Some(output) = self.server.poll() {
            any = true;
            match output {
                server::Output::Reply(reply) => {
                    let mut out = Vec::new();
                    reply.print(&mut out);
                    self.to_client.extend(out);
                }
                server::Output::Ask(id, op) => {
                    let answer = self.act(op);
                    self.hear(server::Input::Answer(id, answer));
                }
                server::Output::Login(id, _) => {
                    let welcome = Welcome { user: "anna".into(), home: VPath::root(), message: vec![], fxp: false, idle: None };
                    self.hear(server::Input::Login(id, Ok(welcome)));
                }
                server::Output::Reserve(id, _) => {
                    let at = "192.0.2.1:50000".parse().unwrap();
                    self.hear(server::Input::Reserved(id, Ok(Reserved::At(at))));
                }
                server::Output::Start(id, flow) if matches!(flow.channel, Channel::Data(_)) => {
                    if matches!(flow.channel, Channel::Data(Via::Active(_)))
                        && let Some(data) = self.link.client
                    {
                        self.tell(Input::DataOpened(data));
                    }
                    assert_eq!(flow.cover == server::Cover::Tls, self.shaken, "both ends protect data or none does");
                    self.link.server = Some((id, flow));
                }
                server::Output::Start(id, server::Flow { body: Body::List(listed), channel: Channel::Control, .. }) => {
                    let (Some(only), ListForm::Facts(facts)) = (listed.only, &listed.form) else { panic!("only MLST is asked") };
                    let entry = Entry { name: listed.path.as_bytes().into(), attr: only, target: None };
                    let mut line = b" ".to_vec();
                    facts_line(&entry, facts, Permitted::default(), &mut line);
                    self.to_client.extend(line);
                    self.hear(server::Input::Ended(id, End::Done { bytes: 0, took: Duration::ZERO }));
                }
                server::Output::Cancel(id) => {
                    self.link.server = None;
                    self.hear(server::Input::Ended(id, End::Failed { bytes: 0, error: Error::new(Reason::Cancelled) }));
                }
                server::Output::StartTls => self.hello.1 = true,
                server::Output::Close(_) => {}
                other => panic!("{other:?} was not expected"),
            }
        }
        any
    }

    /// Carries a piece of what the control connections hold.
    fn carry(&mut self) -> bool {
        if let Some(byte) = self.to_server.pop_front() {
            let mut line = vec![byte];
            line.extend(std::mem::take(&mut self.to_server));
            let mut input = &*line;
            while let Some(line) = self.lines.next(&mut input) {
                let line = line.unwrap().into_owned();
                self.server.handle(server::Input::Line(&line), Duration::ZERO);
                self.drain_server();
            }
            return true;
        }
        if self.to_client.is_empty() || self.closed.is_some() {
            return false;
        }
        let mut count = self.chunk.min(self.to_client.len());
        if let Some(at) = self.faults.control {
            count = count.min(at - self.told);
        }
        let piece: Vec<u8> = self.to_client.drain(..count).collect();
        self.told += count;
        self.tell(Input::Received(&piece));
        if self.faults.control == Some(self.told) {
            self.drain_client();
            self.tell(Input::Lost(None));
        }
        true
    }

    /// Moves a body once both ends are ready.
    fn transfer(&mut self) -> bool {
        let Link { client: Some(data), moves: Some((op, flow)), server: Some((id, theirs)) } = &self.link else { return false };
        let (data, op, flow, id, theirs) = (*data, *op, *flow, *id, theirs.clone());
        self.link = Link::default();
        let limit = self.faults.data.unwrap_or(usize::MAX);
        match (flow, &theirs.body) {
            (Flow::Listing, Body::List(listed)) => {
                let mut text = Vec::new();
                let children = self.tree.iter().filter(|(at, _)| at.parent().is_some_and(|parent| parent == listed.path));
                for (at, node) in children {
                    let entry = Entry { name: at.name().unwrap().into(), attr: attr(node), target: None };
                    match &listed.form {
                        ListForm::Facts(facts) => facts_line(&entry, facts, Permitted::default(), &mut text),
                        ListForm::Long(options) => long_line(&entry, options, Time::from_seconds(1_795_247_520), &mut text),
                        ListForm::Names(_) => panic!("nobody asked for names"),
                    }
                }
                let whole = text.len() <= limit;
                text.truncate(limit);
                for piece in text.chunks(self.chunk) {
                    self.tell(Input::Data(data, piece));
                }
                self.end(data, id, text.len(), whole);
            }
            (Flow::Receive { .. }, Body::Send { .. }) => {
                let Some(Opened::Read(file, at)) = self.opened.take() else { panic!("nothing is open") };
                let Some(Node::File(body, _)) = self.tree.get(&file) else { panic!("{file} is gone") };
                let mut body = body[at..].to_vec();
                let whole = body.len() <= limit;
                body.truncate(limit);
                let count = body.len();
                self.downloads.insert(op.0, body);
                self.end(data, id, count, whole);
            }
            (Flow::Send { .. }, Body::Receive { .. }) => {
                let Some(Opened::Write(file, at)) = self.opened.take() else { panic!("nothing is open") };
                let mut body = self.uploads.get(&op.0).cloned().unwrap_or_default();
                let whole = body.len() <= limit;
                body.truncate(limit);
                let count = body.len();
                if whole {
                    let mut old = match self.tree.remove(&file) {
                        Some(Node::File(old, _)) => old,
                        _ => Vec::new(),
                    };
                    old.truncate(at);
                    old.extend(body);
                    self.tree.insert(file, Node::File(old, Time::from_seconds(1_000_000_000)));
                }
                self.end(data, id, count, whole);
            }
            other => panic!("the ends disagree: {other:?}"),
        }
        true
    }

    fn end(&mut self, data: DataId, id: TransferId, count: usize, whole: bool) {
        let bytes = count as u64;
        if whole {
            self.tell(Input::DataEnded(data, bytes));
            self.hear(server::Input::Ended(id, End::Done { bytes, took: Duration::from_secs(1) }));
        } else {
            self.tell(Input::DataFailed(data, DataFault::Broken("reset".into())));
            self.hear(server::Input::Ended(id, End::Failed { bytes, error: Error::new(Reason::DataReset) }));
        }
    }

    fn act(&mut self, op: Op) -> Result<Yield, Error> {
        let missing = || Error::new(Reason::NotFound);
        Ok(match op {
            Op::Read { path, at } => match self.tree.get(&path) {
                Some(node @ Node::File(..)) => {
                    let attr = attr(node);
                    self.opened = Some(Opened::Read(path, at as usize));
                    Yield::Reading(attr)
                }
                Some(Node::Dir) => return Err(Error::new(Reason::IsAFolder)),
                None => return Err(missing()),
            },
            Op::Write { path, how, .. } => {
                let len = match self.tree.get(&path) {
                    Some(Node::File(old, _)) => old.len(),
                    _ => 0,
                };
                let at = match how {
                    WriteHow::Append => len,
                    WriteHow::At(at) => at as usize,
                    _ => 0,
                };
                self.opened = Some(Opened::Write(path.clone(), at));
                Yield::Writing { path, at: at as u64 }
            }
            Op::List { path } if self.tree.contains_key(&path) => {
                self.opened = Some(Opened::List);
                Yield::Listing
            }
            Op::Stat { path, .. } => Yield::Attr(attr(self.tree.get(&path).ok_or_else(missing)?)),
            Op::MakeDir { path, .. } if self.tree.contains_key(&path) => return Err(Error::new(Reason::Exists)),
            Op::MakeDir { path, .. } => {
                self.tree.insert(path, Node::Dir);
                Yield::Done
            }
            Op::RemoveDir { path } | Op::Remove { path } => {
                self.tree.remove(&path).ok_or_else(missing)?;
                Yield::Done
            }
            Op::Rename { from, to, .. } => {
                let node = self.tree.remove(&from).ok_or_else(missing)?;
                self.tree.insert(to, node);
                Yield::Done
            }
            Op::SetAttr { path, change: AttrChange { modified, .. } } => {
                let node = self.tree.get_mut(&path).ok_or_else(missing)?;
                if let (Node::File(_, time), Some(modified)) = (&mut *node, modified) {
                    *time = modified;
                }
                Yield::Attr(attr(node))
            }
            Op::List { .. } => return Err(missing()),
            other => panic!("{other} was not expected"),
        })
    }

    fn result(&self, op: u64) -> &Result<Outcome, Failure> {
        &self.done.iter().find(|(id, _)| id.0 == op).unwrap_or_else(|| panic!("{op} is not done: {:?}", self.said)).1
    }

    fn kind(&self, op: u64) -> Kind {
        self.result(op).as_ref().unwrap_err().kind
    }
}

fn attr(node: &Node) -> Attr {
    match node {
        Node::Dir => Attr::new(types::Kind::Dir, 0),
        Node::File(body, time) => {
            Attr { modified: Some(*time), mode: Some(0o644), ..Attr::new(types::Kind::File, body.len() as u64) }
        }
    }
}

fn name(text: &str) -> Box<[u8]> {
    text.as_bytes().into()
}

/// One of each operation, in an order in which each finds what it needs.
fn all() -> Vec<Operation> {
    let get = |offset, ascii| Operation::Get { path: name("/a file"), offset, expected: Some(BODY.len() as u64 - offset), ascii };
    let put = |path, how| Operation::Put { path: name(path), how, expected: Some(5), ascii: false };
    vec![
        Operation::Pwd,
        Operation::List(name("")),
        get(0, false),
        get(8, false),
        get(0, true),
        put("/new", PutHow::Replace),
        put("/new", PutHow::Append),
        put("/new", PutHow::At(5)),
        Operation::Size(name("/new")),
        Operation::SetModified(name("/new"), Time::from_seconds(1_111_111_111)),
        Operation::Modified(name("/new")),
        Operation::Chmod(name("/new"), 0o600),
        Operation::Stat(name("/new")),
        Operation::Stat(name("/sub")),
        Operation::MakeDir(name("/sub/deep")),
        Operation::Cwd(name("/sub")),
        Operation::List(name("")),
        Operation::RemoveDir(name("deep")),
        Operation::Cwd(name("..")),
        Operation::Publish { from: name("/new"), to: name("/newer"), modified: Some(Time::from_seconds(1_111_111_111)) },
        Operation::Remove(name("/newer")),
        Operation::Get { path: name("/sub/x\ny"), offset: 0, expected: Some(1), ascii: false },
        Operation::Noop,
        Operation::Quote(name("SYST")),
        Operation::Remove(name("/nothing")),
        Operation::Get { path: name("/nothing"), offset: 0, expected: None, ascii: false },
        Operation::Stat(name("/nothing")),
        Operation::MakeDir(name("/sub")),
        get(0, false),
    ]
}

fn play(chunk: usize, faults: Faults, change: impl FnOnce(&mut Settings, &mut server::Settings)) -> World {
    let mut world = World::new(chunk, faults, change);
    for (id, operation) in (0..).zip(all()) {
        if matches!(operation, Operation::Put { .. }) {
            world.uploads.insert(id, b"12345".to_vec());
        }
        world.tell(Input::Run(OpId(id), operation));
    }
    world.tell(Input::Quit);
    world.run();
    world
}

fn check_all(world: &World) {
    let sizes = |id| world.result(id).clone().unwrap();
    let body = BODY.len() as u64;
    assert_eq!(sizes(0), Outcome::Path(name("/")));
    assert_eq!(world.names, ["a file", "sub", "deep", "x\ny"], "what the listings told");
    assert_eq!([sizes(2), sizes(3)], [Outcome::Moved(body), Outcome::Moved(body - 8)]);
    assert_eq!((&*world.downloads[&2], &*world.downloads[&3]), (BODY, &BODY[8..]));
    assert_eq!([sizes(5), sizes(6), sizes(7)], [Outcome::Moved(5), Outcome::Moved(5), Outcome::Moved(5)]);
    assert_eq!(sizes(8), Outcome::Size(10));
    assert_eq!(sizes(10), Outcome::Modified(Time::from_seconds(1_111_111_111)));
    let Outcome::Stat(stat) = sizes(12) else { panic!("{:?}", sizes(12)) };
    assert_eq!((stat.kind, stat.size), (types::Kind::File, Some(10)));
    assert_eq!(stat.modified.and_then(|stamp| stamp.at(0)), Some(Time::from_seconds(1_111_111_111)));
    let Outcome::Stat(stat) = sizes(13) else { panic!("{:?}", sizes(13)) };
    assert_eq!(stat.kind, types::Kind::Dir);
    assert_eq!(&*world.downloads[&21], b"1");
    let Outcome::Reply(reply) = sizes(23) else { panic!("{:?}", sizes(23)) };
    assert_eq!(reply.code, 215);
    for id in [24, 25, 26] {
        assert_eq!(world.kind(id), Kind::NotFound, "{id}: {:?}", world.result(id));
    }
    assert_eq!(world.kind(27), Kind::Exists);
    assert_eq!(sizes(28), Outcome::Moved(body), "the session is in step after failures");
    assert_eq!(world.done.len(), all().len());
    assert_eq!(world.closed, Some(None), "QUIT ends it well");
    assert!(!world.tree.contains_key(&path("/newer")) && !world.tree.contains_key(&path("/sub/deep")));
}

#[test]
fn every_operation_in_pieces_of_every_size() {
    for pipeline in [true, false] {
        let whole = play(usize::MAX, Faults::default(), |ours, _| ours.pipeline = pipeline);
        check_all(&whole);
        for chunk in 1..80 {
            let cut = play(chunk, Faults::default(), |ours, _| ours.pipeline = pipeline);
            check_all(&cut);
        }
    }
}

/// Both ends insist on TLS.
fn protected(ours: &mut Settings, theirs: &mut server::Settings) {
    ours.tls = Tls::Required;
    theirs.tls = Some(server::Tls { login_required: true, data_required: true, ccc: false });
}

#[test]
fn every_operation_over_tls() {
    for chunk in [1, 7, usize::MAX] {
        let world = play(chunk, Faults::default(), protected);
        check_all(&world);
        assert!(world.shaken);
    }
    let length = play(usize::MAX, Faults::default(), protected).told;
    for at in 1..length {
        let world = play(usize::MAX, Faults { control: Some(at), ..Faults::default() }, protected);
        check_honest(&world, &format!("control over TLS cut at {at}"));
    }
    // A server without TLS hears no password of a client that requires it.
    let world = play(usize::MAX, Faults::default(), |ours, _| ours.tls = Tls::Required);
    assert!(matches!(&world.closed, Some(Some(failure)) if failure.kind == Kind::Tls), "{:?}", world.closed);
    assert!(!world.said.iter().any(|line| line.starts_with("USER") || line.starts_with("PASS")), "{:?}", world.said);
    // A server that requires TLS says so to one that does not.
    let world = play(usize::MAX, Faults::default(), |ours, theirs| {
        protected(ours, theirs);
        ours.tls = Tls::Off;
    });
    assert!(matches!(&world.closed, Some(Some(failure)) if failure.kind == Kind::LoginRefused), "{:?}", world.closed);
}

#[test]
fn every_way_to_a_data_connection() {
    for form in [Form::Epsv, Form::Pasv, Form::Eprt, Form::Port] {
        let world = play(usize::MAX, Faults::default(), |ours, _| ours.forms = vec![form]);
        check_all(&world);
        assert!(world.said.iter().any(|line| line.starts_with(form.name())), "{form:?}: {:?}", world.said);
    }
}

#[test]
fn ways_fall_back_and_are_remembered() {
    // The server refuses passive connections.
    let world = play(usize::MAX, Faults::default(), |_, theirs| theirs.passive = false);
    check_all(&world);
    let tried = |verb: &str| world.said.iter().filter(|line| line.starts_with(verb)).count();
    assert_eq!((tried("EPSV"), tried("PASV")), (1, 1), "{:?}", world.said);
    assert!(tried("EPRT") > 5);
    assert_eq!(world.notes.len(), 2, "{:?}", world.notes);
    // A firewall does.
    let world = play(usize::MAX, Faults { no_passive: true, ..Faults::default() }, |_, _| {});
    check_all(&world);
    assert_eq!(world.notes.len(), 2, "{:?}", world.notes);
    // Nothing works: the failure says so, and the session goes on.
    let faults = Faults { no_passive: true, ..Faults::default() };
    let mut world = World::new(usize::MAX, faults, |_, theirs| theirs.active = false);
    for id in 0..2 {
        world.tell(Input::Run(OpId(id), Operation::List(name("/"))));
    }
    world.tell(Input::Run(OpId(2), Operation::Pwd));
    world.run();
    assert_eq!((world.kind(0), world.kind(1)), (Kind::DataNeverCame, Kind::DataNeverCame));
    assert_eq!(world.result(2), &Ok(Outcome::Path(name("/"))));
}

#[test]
fn listings_without_mlsd() {
    let mut world = World::new(7, Faults::default(), |_, _| {});
    // A server that says in FEAT what it then refuses is played by taking MLST away from what FEAT said.
    world.run();
    assert!(world.ready);
    let mut world = World::new(7, Faults::default(), |_, _| {});
    world.run_without_feat();
    world.tell(Input::Run(OpId(0), Operation::List(name("/sub"))));
    world.tell(Input::Run(OpId(1), Operation::Stat(name("/a file"))));
    world.tell(Input::Run(OpId(2), Operation::Stat(name("/sub"))));
    world.tell(Input::Run(OpId(3), Operation::Stat(name("/nothing"))));
    world.run();
    assert!(world.said.contains(&"LIST -a /sub".to_owned()), "{:?}", world.said);
    assert_eq!(world.result(0), &Ok(Outcome::Listed { entries: 1, lost: 0, dialect: Some(Dialect::Posix) }));
    assert_eq!(world.names, ["x\ny"]);
    let Ok(Outcome::Stat(stat)) = world.result(1) else { panic!("{:?}", world.result(1)) };
    assert_eq!((stat.kind, stat.size), (types::Kind::File, Some(BODY.len() as u64)));
    let Ok(Outcome::Stat(stat)) = world.result(2) else { panic!("{:?}", world.result(2)) };
    assert_eq!(stat.kind, types::Kind::Dir);
    assert_eq!(world.kind(3), Kind::NotFound);
}

impl World {
    /// Logs in to a server that does not know FEAT.
    fn run_without_feat(&mut self) {
        while !self.ready {
            let moved = self.drain_client() | self.drain_server();
            let feat: VecDeque<u8> = b"FEAT\r\n".iter().copied().collect();
            let all: Vec<u8> = self.to_server.drain(..).collect();
            let at = all.windows(feat.len()).position(|window| *window == *feat.iter().copied().collect::<Vec<_>>());
            match at {
                Some(at) => {
                    self.to_server.extend(&all[..at]);
                    self.to_server.extend(b"FROB\r\n");
                    self.to_server.extend(&all[at + 6..]);
                }
                None => self.to_server.extend(all),
            }
            assert!(self.carry() | moved, "it does not log in: {:?}", self.said);
        }
    }
}

/// What was said to be done must be so, whatever broke.
fn check_honest(world: &World, ended: &str) {
    let operations = all();
    assert_eq!(world.done.len(), operations.len(), "{ended}: each operation ends once");
    for (id, result) in &world.done {
        let Ok(outcome) = result else { continue };
        match (&operations[id.0 as usize], outcome) {
            (Operation::Get { offset, path, ascii: false, .. }, Outcome::Moved(bytes)) if **path == *b"/a file" => {
                assert_eq!(&world.downloads[&id.0], &BODY[*offset as usize..], "{ended}");
                assert_eq!(*bytes, BODY.len() as u64 - offset);
            }
            (Operation::Put { .. }, Outcome::Moved(bytes)) => assert_eq!(*bytes, 5, "{ended}"),
            _ => {}
        }
    }
}

#[test]
fn the_control_connection_breaks_at_every_byte() {
    let whole = play(usize::MAX, Faults::default(), |_, _| {});
    let length = whole.told;
    assert!(length > 2_000, "{length}");
    for at in 1..length {
        let world = play(usize::MAX, Faults { control: Some(at), ..Faults::default() }, |_, _| {});
        check_honest(&world, &format!("control cut at {at}"));
        match &world.closed {
            Some(Some(failure)) => assert_eq!(failure.kind, Kind::Disconnected, "{failure}"),
            // QUIT was out: whether its reply came is no matter.
            Some(None) => assert!(world.said.iter().any(|line| line == "QUIT")),
            None => panic!("cut at {at} and still open"),
        }
    }
}

#[test]
fn data_connections_break_at_every_byte() {
    for at in 0..BODY.len() + 40 {
        let world = play(usize::MAX, Faults { data: Some(at), ..Faults::default() }, |_, _| {});
        check_honest(&world, &format!("data cut at {at}"));
        assert_eq!(world.closed, Some(None), "the session outlives its data connections");
        if at < 5 {
            assert_eq!(world.kind(5), Kind::Cut);
            assert!(!world.tree.contains_key(&path("/new")));
        }
        if at < BODY.len() {
            assert_eq!((world.kind(2), world.kind(28)), (Kind::Cut, Kind::Cut));
        } else {
            assert_eq!(world.result(2), &Ok(Outcome::Moved(BODY.len() as u64)));
        }
    }
}

#[test]
fn a_transfer_is_cancelled_and_the_session_goes_on() {
    for upload in [false, true] {
        let mut world = World::new(usize::MAX, Faults::default(), |_, _| {});
        world.run();
        let operation = if upload {
            Operation::Put { path: name("/new"), how: PutHow::Replace, expected: None, ascii: false }
        } else {
            Operation::Get { path: name("/a file"), offset: 0, expected: None, ascii: false }
        };
        world.tell(Input::Run(OpId(0), operation));
        // Until the body would move.
        while world.link.moves.is_none() {
            assert!(world.drain_client() | world.drain_server() | world.carry(), "{:?}", world.said);
        }
        world.tell(Input::Cancel(OpId(0)));
        world.tell(Input::Run(OpId(1), Operation::Pwd));
        world.run();
        assert_eq!(world.kind(0), Kind::Cancelled);
        assert_eq!(world.result(1), &Ok(Outcome::Path(name("/"))));
        assert!(world.said.contains(&"ABOR".to_owned()));
        assert!(!world.tree.contains_key(&path("/new")));
    }
}
