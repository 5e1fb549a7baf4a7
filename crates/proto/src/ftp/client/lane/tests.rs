//! Is any file called whole that is not, and has each of them one end, where a server lies over a connection that many share?

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use types::{Secret, Time};

use super::super::{DataFault, DataId, Failure, Flow, Input, Login, OpId, Operation, Outcome, Output, Session, Settings};
use crate::ftp::data::{Decoder, Form, Mode, Progress};

const FORM: Form = Form { mode: Mode::Block, ahead: true, ..Form::IMAGE };

#[derive(Clone, Copy, Debug)]
enum Event {
    /// A file is asked for, or given: of so many bytes, with its time or without.
    Run {
        store: bool,
        size: u16,
        dated: bool,
    },
    /// The server answers the command that is first in line.
    Answer(Deed),
    /// So many bytes of what it has sent arrive.
    Arrive(u16),
    /// What is to be sent first has gone out: all of it, other than was said, or not.
    Sent(Sent),
    /// The server ends the data connection.
    End,
    Cancel(u8),
    Pass(u8),
}

#[derive(Clone, Copy, Debug)]
enum Deed {
    /// As it should: that it begins, with the body that belongs there, or that it is done.
    Well,
    /// That it begins, and another body than belongs there.
    Lie(Lie),
    /// That it begins, once more.
    Again,
    Say(u16),
}

/// What is wrong with a body.
#[derive(Clone, Copy, Debug)]
enum Lie {
    Shorter,
    Longer,
    /// A header counts more bytes than come, or fewer.
    Header(i8),
    NoEnd,
    Twice,
    Nothing,
    Noise(u64),
}

#[derive(Clone, Copy, Debug)]
enum Sent {
    All,
    Fewer,
    Failed,
}

fn event() -> impl Strategy<Value = Event> {
    use proptest::sample::select;
    let lie = prop_oneof![
        Just(Lie::Shorter),
        Just(Lie::Longer),
        any::<i8>().prop_map(Lie::Header),
        Just(Lie::NoEnd),
        Just(Lie::Twice),
        Just(Lie::Nothing),
        any::<u64>().prop_map(Lie::Noise),
    ];
    let deed = prop_oneof![
        16 => Just(Deed::Well),
        1 => lie.prop_map(Deed::Lie),
        1 => Just(Deed::Again),
        2 => select(vec![200, 226, 350, 425, 426, 451, 502, 550, 553]).prop_map(Deed::Say),
    ];
    prop_oneof![
        8 => (any::<bool>(), 0u16..700, any::<bool>()).prop_map(|(store, size, dated)| Event::Run { store, size, dated }),
        20 => deed.prop_map(Event::Answer),
        14 => (0u16..900).prop_map(Event::Arrive),
        8 => prop_oneof![12 => Just(Sent::All), 1 => Just(Sent::Fewer), 1 => Just(Sent::Failed)].prop_map(Event::Sent),
        1 => Just(Event::End),
        1 => any::<u8>().prop_map(Event::Cancel),
        1 => any::<u8>().prop_map(Event::Pass),
    ]
}

/// What is known of a file.
#[derive(Debug, Default)]
struct File {
    store: bool,
    size: u64,
    dated: bool,
    /// The server said that it begins, that it is whole, and that it has its time.
    begun: bool,
    well: bool,
    has_time: bool,
    /// The body came, or went, to its end mark: so many bytes.
    moved: Option<u64>,
}

/// What the server has to answer next.
#[derive(Debug)]
enum Due {
    Begin(u64),
    End(u64),
    Time(u64),
    /// Anything else.
    Other(String),
}

struct Play {
    session: Session,
    now: Duration,
    files: BTreeMap<u64, File>,
    done: BTreeMap<u64, Result<Outcome, Failure>>,
    due: VecDeque<Due>,
    data: Option<DataId>,
    /// What the server has sent that has not arrived, and whether it ended the connection behind it.
    wire: VecDeque<u8>,
    ended: bool,
    /// What is to move over the connection, in this order.
    orders: VecDeque<(OpId, Flow)>,
    /// The body that comes in, and its bytes so far.
    body: Option<(Decoder, u64)>,
    closed: bool,
}

impl Play {
    /// Logged in at a server that says it does this well.
    fn new() -> Self {
        let login = Login { user: "u".into(), password: Secret::new("p".into()), account: None };
        let mut settings = Settings::new(login, Time::from_seconds(1_795_247_520));
        settings.keep_alive = None;
        let session = Session::new(Arc::new(settings), "192.0.2.1:21".parse().unwrap(), "192.0.2.7:4000".parse().unwrap());
        let mut play = Self {
            session,
            now: Duration::ZERO,
            files: BTreeMap::new(),
            done: BTreeMap::new(),
            due: VecDeque::new(),
            data: None,
            wire: VecDeque::new(),
            ended: false,
            orders: VecDeque::new(),
            body: None,
            closed: false,
        };
        play.say("220 Ready");
        play
    }

    fn say(&mut self, reply: &str) {
        self.handle(Input::Received(format!("{reply}\r\n").as_bytes()));
    }

    fn handle(&mut self, input: Input<'_>) {
        self.session.handle(input, self.now);
        while let Some(output) = self.session.poll() {
            match output {
                Output::Send(line) => {
                    let mut wire = Vec::new();
                    line.print(&mut wire);
                    self.heard(String::from_utf8(wire).unwrap().trim_end());
                }
                Output::Connect(id, ..) => {
                    assert!(self.data.replace(id).is_none(), "a data connection beside another");
                    (self.ended, self.body) = (false, None);
                    self.wire.clear();
                }
                Output::Cut(id) if self.data == Some(id) => {
                    self.data = None;
                    self.orders.clear();
                    self.body = None;
                }
                Output::Move(id, op, flow) => {
                    assert_eq!(self.data, Some(id), "{op:?} moves over another connection");
                    self.orders.push_back((op, flow));
                }
                Output::Done(op, result) => self.end(op, result),
                Output::Close(_) => self.closed = true,
                _ => {}
            }
        }
    }

    fn heard(&mut self, line: &str) {
        let (verb, argument) = line.split_once(' ').unwrap_or((line, ""));
        let number = || argument.rsplit('/').next().unwrap().parse().unwrap();
        self.due.push_back(match verb {
            "RETR" | "STOR" => Due::Begin(number()),
            "MFMT" => Due::Time(number()),
            _ => Due::Other(line.to_owned()),
        });
    }

    fn end(&mut self, op: OpId, result: Result<Outcome, Failure>) {
        if let Ok(outcome) = &result {
            let file = &self.files[&op.0];
            assert_eq!(outcome, &Outcome::Moved(file.size), "{op:?}");
            assert!(file.begun && file.well && file.moved == Some(file.size), "{op:?} is called whole: {file:?}");
            assert!(file.has_time || !(file.store && file.dated), "{op:?} has another time: {file:?}");
        }
        assert!(self.done.insert(op.0, result).is_none(), "{op:?} ends twice");
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Run { store, size, dated } => {
                let op = self.files.len() as u64 + 1;
                self.files.insert(op, File { store, size: size.into(), dated, ..File::default() });
                let path = format!("/{op}").into_bytes().into();
                let modified = (dated && store).then(Time::default);
                self.handle(Input::Run(OpId(op), Operation::Kept { path, size: size.into(), store, modified }));
            }
            Event::Answer(deed) => self.answer(deed),
            Event::Arrive(bytes) => self.arrive(bytes.into()),
            Event::Sent(sent) => self.sent(sent),
            Event::End => self.ended = true,
            Event::Cancel(op) => self.handle(Input::Cancel(OpId(op.into()))),
            Event::Pass(seconds) => {
                self.now += Duration::from_secs(seconds.into());
                self.handle(Input::Tick);
            }
        }
    }

    fn answer(&mut self, deed: Deed) {
        let Some(due) = self.due.pop_front() else { return };
        match (due, deed) {
            (Due::Other(line), _) => self.usual(&line),
            (Due::Begin(op), Deed::Well | Deed::Lie(_) | Deed::Again) => {
                self.due.push_front(Due::End(op));
                let lie = if let Deed::Lie(lie) = deed { Some(lie) } else { None };
                let file = self.files.get_mut(&op).unwrap();
                file.begun = true;
                if !file.store && !self.ended {
                    let size = file.size;
                    self.wire.extend(body(size, lie));
                }
                self.say("125 It begins");
            }
            (Due::End(op), Deed::Again) => {
                self.due.push_front(Due::End(op));
                self.say("150 It begins");
            }
            (Due::End(op), Deed::Well | Deed::Lie(_)) => {
                self.files.get_mut(&op).unwrap().well = true;
                self.say("226 Done");
            }
            (Due::Time(op), Deed::Well | Deed::Lie(_) | Deed::Again) => {
                self.files.get_mut(&op).unwrap().has_time = true;
                self.say("213 Modify");
            }
            (Due::Begin(op) | Due::End(op) | Due::Time(op), Deed::Say(code)) => {
                let file = self.files.get_mut(&op).unwrap();
                (file.well, file.has_time) = (file.well || code < 300, file.has_time || code < 300);
                self.say(&format!("{code} So it is"));
            }
        }
    }

    fn usual(&mut self, line: &str) {
        let reply = match line.split(' ').next().unwrap() {
            "USER" => "331 Password",
            "PASS" => "230 In",
            "SYST" => "215 UNIX",
            "FEAT" => "211-F\r\n MODE B BODIES\r\n MFMT\r\n211 End",
            "EPSV" => "229 (|||5000|)",
            "PWD" => "257 \"/\"",
            "ABOR" => "226 Nothing to break off",
            _ => "200 Well",
        };
        let opens = reply.starts_with("229");
        self.say(reply);
        if let Some(id) = self.data.filter(|_| opens) {
            self.handle(Input::DataOpened(id));
        }
    }

    /// As the driver reads: no further than this body goes.
    fn arrive(&mut self, mut bytes: usize) {
        while let (Some(&(op, Flow::ReceiveKept)), Some(id)) = (self.orders.front(), self.data) {
            let (decoder, came) = self.body.get_or_insert_with(|| (Decoder::new(FORM), 0));
            let piece: Vec<u8> = self.wire.drain(..bytes.min(decoder.wants().unwrap()).min(self.wire.len())).collect();
            bytes -= piece.len();
            let (mut rest, mut out) = (piece.as_slice(), Vec::new());
            let mut pushed = decoder.push(&mut rest, &mut out);
            *came += out.len() as u64;
            let is_over = matches!(pushed, Ok(Progress::Over)) || matches!(decoder.push(&mut rest, &mut out), Ok(Progress::Over));
            if piece.is_empty() && self.ended && !is_over {
                pushed = Err(types::Reason::BodyCut);
            }
            let result = match pushed {
                _ if is_over => {
                    assert!(rest.is_empty(), "bytes of the next body were read");
                    self.files.get_mut(&op.0).unwrap().moved = Some(*came);
                    Ok(*came)
                }
                Err(reason) => Err(DataFault::Local(reason.to_string().into())),
                Ok(_) if piece.is_empty() || bytes == 0 => return,
                Ok(_) => continue,
            };
            self.over(id, op, result);
        }
    }

    fn sent(&mut self, sent: Sent) {
        let (Some(&(op, Flow::SendKept)), Some(id)) = (self.orders.front(), self.data) else { return };
        let size = self.files[&op.0].size;
        let result = match sent {
            _ if self.ended => Err(DataFault::Broken("reset".into())),
            Sent::All => Ok(size),
            Sent::Fewer => Ok(size / 2),
            Sent::Failed => Err(DataFault::Local("gone".into())),
        };
        if let Ok(bytes) = result {
            self.files.get_mut(&op.0).unwrap().moved = Some(bytes);
        }
        self.over(id, op, result);
    }

    fn over(&mut self, id: DataId, op: OpId, result: Result<u64, DataFault>) {
        self.orders.pop_front();
        self.body = None;
        self.handle(Input::Body(id, op, result));
    }

    /// The server says no more. What moves stalls, for which the driver has a limit, and every other wait has the session's.
    fn silence(&mut self) {
        for _ in 0..10_000 {
            if let (Some(&(op, _)), Some(id)) = (self.orders.front(), self.data) {
                self.over(id, op, Err(DataFault::Broken("no byte moved".into())));
            }
            let Some(deadline) = self.session.deadline() else { return };
            self.now = self.now.max(deadline);
            self.handle(Input::Tick);
        }
        panic!("it waits for ever: {:?}", self.session.waiting());
    }

    /// The server does all it has to do.
    fn finish(&mut self) {
        for _ in 0..10_000 {
            if self.due.is_empty() && self.orders.is_empty() {
                return;
            }
            self.answer(Deed::Well);
            self.arrive(usize::MAX);
            self.sent(Sent::All);
        }
        panic!("it does not come to its end: {:?} {:?}", self.due, self.orders);
    }
}

/// A body in blocks of up to 300 bytes, the end in a block of its own.
fn body(size: u64, lie: Option<Lie>) -> Vec<u8> {
    let size = match lie {
        Some(Lie::Shorter) => size / 2,
        Some(Lie::Longer) => size + 9,
        Some(Lie::Nothing) => return Vec::new(),
        Some(Lie::Noise(seed)) => {
            return (0..size + 5).map(|n| (seed.wrapping_mul(n * 2 + 1) >> 17) as u8).collect();
        }
        _ => size,
    };
    let mut all = Vec::new();
    for at in (0..size).step_by(300) {
        let count = (size - at).min(300) as u16;
        let told = if let Some(Lie::Header(by)) = lie { count.wrapping_add_signed(by.into()) } else { count };
        all.push(0);
        all.extend(told.to_be_bytes());
        all.extend(std::iter::repeat_n(b'x', count.into()));
    }
    if !matches!(lie, Some(Lie::NoEnd)) {
        all.extend([0x40, 0, 0]);
    }
    if matches!(lie, Some(Lie::Twice)) {
        all.extend_from_within(..);
    }
    all
}

/// As it is where nobody lies and nothing breaks.
fn honest(event: Event) -> Option<Event> {
    match event {
        Event::Answer(_) => Some(Event::Answer(Deed::Well)),
        Event::Sent(_) => Some(Event::Sent(Sent::All)),
        Event::End | Event::Cancel(_) | Event::Pass(_) => None,
        event => Some(event),
    }
}

proptest! {
    #[test]
    fn no_file_is_called_whole_that_is_not(events in prop::collection::vec(event(), 0..200)) {
        let mut play = Play::new();
        for event in events {
            play.happen(event);
        }
        play.silence();
        prop_assert_eq!(play.done.len(), play.files.len(), "{:?}", play.done);
    }

    #[test]
    fn each_file_arrives_where_nobody_lies(events in prop::collection::vec(event(), 0..300)) {
        let mut play = Play::new();
        for event in events.into_iter().filter_map(honest) {
            play.happen(event);
        }
        play.finish();
        prop_assert_eq!(play.done.len(), play.files.len(), "{:?}", play.done);
        prop_assert!(play.done.values().all(Result::is_ok) && !play.closed, "{:?}", play.done);
    }
}
