//! Does a session keep its word whatever a server does: one end for each operation, no success without all that makes it one,
//! and no wait without end?

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use types::{Secret, Time};

use super::{
    DataFault, DataId, Flow, Input, Kind, Login, OpId, Operation, Outcome, Output, PutHow, Session, Settings, Tls, Unshaken,
};

/// What a server, a network and a caller may do.
#[derive(Clone, Debug)]
enum Event {
    Said(&'static str),
    Half(&'static str),
    Lost,
    Shaken(bool),
    Listening,
    Opened,
    Data(&'static str),
    Moved,
    Ended(u64),
    Failed(u8),
    Run(u8),
    Cancel(u8),
    Quit,
    Pass(u16),
}

const REPLIES: &[&str] = &[
    "220 Ready\r\n",
    "331 Password\r\n",
    "230 In\r\n",
    "215 UNIX\r\n",
    "211-F\r\n MLST type*;\r\n SIZE\r\n MDTM\r\n211 End\r\n",
    "200 Well\r\n",
    "150 Here\r\n",
    "226 Done\r\n",
    "250 Done\r\n",
    "227 (192,0,2,1,1,2)\r\n",
    "229 (|||5000|)\r\n",
    "213 5\r\n",
    "257 \"/\"\r\n",
    "350 Go on\r\n",
    "425 No data\r\n",
    "426 Cut\r\n",
    "450 Busy\r\n",
    "500 What\r\n",
    "502 No\r\n",
    "530 No\r\n",
    "550 No such file\r\n",
    "552 Full\r\n",
    "421 Bye\r\n",
    "234 TLS\r\n",
    "noise\r\n",
];

fn event() -> impl Strategy<Value = Event> {
    use proptest::sample::select;
    prop_oneof![
        12 => select(REPLIES).prop_map(Event::Said),
        1 => select(vec!["22", "0-", "226-x\r\n", "\r", "\n"]).prop_map(Event::Half),
        1 => Just(Event::Lost),
        1 => any::<bool>().prop_map(Event::Shaken),
        2 => Just(Event::Listening),
        6 => Just(Event::Opened),
        2 => select(vec!["type=file; a\r\n", "-rw-r--r-- 1 a b 5 Nov 20 10:00 x\r\n", "junk"]).prop_map(Event::Data),
        2 => Just(Event::Moved),
        5 => (0u64..7).prop_map(Event::Ended),
        2 => (0u8..4).prop_map(Event::Failed),
        5 => (0u8..16).prop_map(Event::Run),
        2 => (0u8..8).prop_map(Event::Cancel),
        1 => Just(Event::Quit),
        3 => (0u16..400).prop_map(Event::Pass),
    ]
}

fn operation(kind: u8) -> Operation {
    let name = || Box::<[u8]>::from(*b"/a");
    match kind {
        0 | 1 => Operation::List(name()),
        2 => Operation::List(Box::from(*b"/a *")),
        3 | 4 => Operation::Get { path: name(), offset: 0, expected: Some(5), ascii: false },
        5 => Operation::Get { path: name(), offset: 3, expected: None, ascii: true },
        6 | 7 => Operation::Put { path: name(), how: PutHow::Replace, expected: Some(5), ascii: false },
        8 => Operation::Put { path: name(), how: PutHow::At(3), expected: None, ascii: false },
        9 | 10 => Operation::Stat(name()),
        11 => Operation::Rename(name(), name()),
        12 => Operation::SetModified(name(), Time::default()),
        13 => Operation::Quote(Box::from(*b"SITE HELP")),
        14 => Operation::Publish { from: name(), to: name(), modified: Some(Time::default()) },
        15 => Operation::Size(name()),
        _ => Operation::Pwd,
    }
}

/// A session, and what must hold of it.
struct Watch {
    session: Session,
    now: Duration,
    asked: u64,
    data: Option<DataId>,
    /// Which data connections moved, for which operation, and how they ended.
    moving: BTreeMap<u32, (OpId, Flow)>,
    ended: BTreeSet<u64>,
    /// The data connections that ended in good order: nobody has to cut them.
    over: BTreeSet<u32>,
    done: BTreeMap<u64, Result<Outcome, Kind>>,
    closed: bool,
}

impl Watch {
    fn new(pipeline: bool, tls: Tls) -> Self {
        let mut settings = Settings::new(
            Login { user: "u".into(), password: Secret::new("p".into()), account: None },
            Time::from_seconds(1_795_247_520),
        );
        (settings.pipeline, settings.tls, settings.keep_alive) = (pipeline, tls, None);
        let session = Session::new(Arc::new(settings), "192.0.2.1:21".parse().unwrap(), "192.0.2.7:4000".parse().unwrap());
        let (moving, ended, over, done) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new(), BTreeMap::new());
        Self { session, now: Duration::ZERO, asked: 0, data: None, moving, ended, over, done, closed: false }
    }

    fn happen(&mut self, event: &Event) {
        let data = self.data.unwrap_or(DataId(0));
        let now = self.now;
        match event {
            Event::Said(bytes) | Event::Half(bytes) => self.session.handle(Input::Received(bytes.as_bytes()), now),
            Event::Lost => self.session.handle(Input::Lost(None), now),
            Event::Shaken(well) => {
                self.session.handle(Input::Tls(if *well { Ok(()) } else { Err(Unshaken::Broken("no".into())) }), now)
            }
            Event::Listening => self.session.handle(Input::Listening(data, "192.0.2.7:5000".parse().unwrap()), now),
            Event::Opened => self.session.handle(Input::DataOpened(data), now),
            Event::Data(bytes) => self.session.handle(Input::Data(data, bytes.as_bytes()), now),
            Event::Moved => self.session.handle(Input::Progress(data, 3), now),
            Event::Ended(bytes) => {
                if let Some((op, _)) = self.moving.get(&data.0) {
                    self.ended.insert(op.0);
                    self.over.insert(data.0);
                }
                self.session.handle(Input::DataEnded(data, *bytes), now);
            }
            Event::Failed(how) => {
                let why = || "why".into();
                let fault = match how {
                    0 => DataFault::NotMade(why()),
                    1 => DataFault::Tls(why()),
                    2 => DataFault::Broken(why()),
                    _ => DataFault::Local(why()),
                };
                self.session.handle(Input::DataFailed(data, fault), now);
            }
            Event::Run(kind) => {
                self.asked += 1;
                self.session.handle(Input::Run(OpId(self.asked), operation(*kind)), now);
            }
            Event::Cancel(id) => self.session.handle(Input::Cancel(OpId((*id).into())), now),
            Event::Quit => self.session.handle(Input::Quit, now),
            Event::Pass(seconds) => {
                self.now += Duration::from_secs((*seconds).into());
                self.session.handle(Input::Tick, self.now);
            }
        }
        self.drain();
    }

    fn drain(&mut self) {
        for count in 0.. {
            assert!(count < 2_000, "one input brings more than 2000 outputs");
            let Some(output) = self.session.poll() else { return };
            if !matches!(output, Output::Done(..)) {
                assert!(!self.closed, "{output:?} after the end");
            }
            match output {
                Output::Connect(id, ..) | Output::Listen(id, ..) => {
                    let free = self.data.is_none_or(|id| self.over.contains(&id.0));
                    assert!(free, "a data connection beside another");
                    self.data = Some(id);
                }
                Output::Cut(id) if self.data == Some(id) => self.data = None,
                Output::Move(id, op, flow) => {
                    assert_eq!(self.data, Some(id));
                    assert!(self.moving.insert(id.0, (op, flow)).is_none(), "moved twice");
                }
                Output::Done(op, result) => {
                    if let Ok(Outcome::Moved(_)) = &result {
                        assert!(self.ended.contains(&op.0), "{op:?} went well without an end of its data");
                    }
                    // Whatever data connection it had is gone or ended. One that was still waiting its turn had none.
                    if (1..op.0).all(|earlier| self.done.contains_key(&earlier)) {
                        self.data = None;
                    }
                    assert!(self.done.insert(op.0, result.map_err(|failure| failure.kind)).is_none(), "{op:?} ends twice");
                }
                Output::Close(_) => self.closed = true,
                _ => {}
            }
        }
    }

    /// Nothing happens any more, but time passes.
    fn silence(&mut self) {
        for _ in 0..1_000 {
            let Some(deadline) = self.session.deadline() else { return };
            assert!(self.session.waiting().is_some());
            self.now = self.now.max(deadline);
            self.session.handle(Input::Tick, self.now);
            self.drain();
        }
        panic!("it waits for ever: {:?} of {}", self.session.waiting(), self.done.len());
    }
}

proptest! {
    #[test]
    fn whatever_happens_each_operation_ends_once(
        login in any::<bool>(), pipeline in any::<bool>(), tls in any::<bool>(), events in prop::collection::vec(event(), 0..60)
    ) {
        let mut watch = Watch::new(pipeline, if tls && !login { Tls::Required } else { Tls::Off });
        watch.drain();
        if login {
            for reply in &REPLIES[..5] {
                watch.happen(&Event::Said(reply));
            }
        }
        for event in &events {
            watch.happen(event);
        }
        watch.silence();
        prop_assert_eq!(watch.done.len() as u64, watch.asked, "{:?}", watch.done);
    }
}

#[test]
fn a_line_end_in_a_password_is_not_sent() {
    let mut watch = Watch::new(true, Tls::Off);
    let login = Login { user: "u".into(), password: Secret::new("p\r\nDELE a".into()), account: None };
    let settings = Settings::new(login, Time::default());
    watch.session = Session::new(Arc::new(settings), "192.0.2.1:21".parse().unwrap(), "192.0.2.7:4000".parse().unwrap());
    watch.session.handle(Input::Received(b"220 Ready\r\n"), Duration::ZERO);
    let said: Vec<_> = std::iter::from_fn(|| watch.session.poll()).collect();
    assert!(matches!(&said[..], [Output::Close(Some(failure))] if failure.kind == Kind::BadName), "{said:?}");
}
