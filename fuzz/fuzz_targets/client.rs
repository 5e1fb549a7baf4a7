//! The whole FTP client session against a server that says anything: it neither panics nor runs away, each operation ends
//! once, nothing goes well without the end of its data, and nothing is waited for without end.
#![no_main]

use carrack_proto::ftp::client::{
    DataFault, DataId, Input, Login, OpId, Operation, Outcome, Output, PutHow, Session, Settings, Tls,
    Unshaken,
};
use carrack_types::Time;
use libfuzzer_sys::fuzz_target;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// Replies that lead somewhere; random bytes seldom do.
const REPLIES: [&str; 24] = [
    "220 Ready",
    "331 Password",
    "230 In",
    "215 UNIX",
    "211-F\r\n MLST type*;\r\n SIZE\r\n MDTM\r\n211 End",
    "200 Well",
    "150 Here",
    "226 Done",
    "250 Done",
    "227 (192,0,2,1,1,2)",
    "229 (|||5000|)",
    "213 5",
    "257 \"/\"",
    "350 Go on",
    "425 No data",
    "426 Cut",
    "450 Busy",
    "500 What",
    "530 No",
    "550 No such file",
    "552 Full",
    "421 Bye",
    "234 TLS",
    "332 Account",
];

/// What was seen of the session.
#[derive(Default)]
struct Seen {
    data: Option<DataId>,
    moving: Option<OpId>,
    ended: BTreeSet<u64>,
    done: BTreeSet<u64>,
    closed: bool,
}

fuzz_target!(|data: &[u8]| {
    let mut choices = data.iter().copied();
    let mut settings = Settings::new(Login::anonymous(), Time::from_seconds(1_795_247_520));
    let first = choices.next().unwrap_or_default();
    settings.pipeline = first & 1 != 0;
    settings.keep_alive = None;
    settings.tls = [Tls::Off, Tls::Offered, Tls::Required, Tls::Implicit][usize::from(first >> 1 & 3)];
    let (peer, local) =
        if first & 8 == 0 { ("192.0.2.1:21", "192.0.2.7:4000") } else { ("[2001:db8::1]:21", "[2001:db8::7]:4000") };
    let mut session = Session::new(Arc::new(settings), peer.parse().expect("an address"), local.parse().expect("an address"));
    let (mut seen, mut now, mut asked) = (Seen::default(), Duration::ZERO, 0_u64);
    drain(&mut session, &mut seen);
    while let Some(pick) = choices.next() {
        let id = seen.data.unwrap_or(DataId(0));
        match pick & 15 {
            0..=5 => {
                let reply = REPLIES[usize::from(choices.next().unwrap_or_default()) % REPLIES.len()];
                session.handle(Input::Received(format!("{reply}\r\n").as_bytes()), now);
            }
            6 => {
                let bytes: Vec<u8> = choices.by_ref().take(usize::from(pick >> 4)).collect();
                session.handle(Input::Received(&bytes), now);
            }
            7 => session.handle(Input::DataOpened(id), now),
            8 => session.handle(Input::Listening(id, "192.0.2.7:5000".parse().expect("an address")), now),
            9 => {
                let bytes: Vec<u8> = choices.by_ref().take(usize::from(pick >> 4)).collect();
                session.handle(Input::Data(id, &bytes), now);
            }
            10 => {
                if let Some(op) = seen.moving {
                    seen.ended.insert(op.0);
                }
                session.handle(Input::DataEnded(id, u64::from(pick >> 4)), now);
            }
            11 => {
                let why = "why".into();
                let fault = match pick >> 4 & 3 {
                    0 => DataFault::NotMade(why),
                    1 => DataFault::Tls(why),
                    2 => DataFault::Broken(why),
                    _ => DataFault::Local(why),
                };
                session.handle(Input::DataFailed(id, fault), now);
            }
            12 | 13 => {
                asked += 1;
                let name: Vec<u8> = choices.by_ref().take(usize::from(pick >> 4)).collect();
                session.handle(Input::Run(OpId(asked), operation(choices.next().unwrap_or_default(), name.into())), now);
            }
            14 => match pick >> 4 {
                0..=3 => session.handle(Input::Cancel(OpId(u64::from(pick >> 4))), now),
                4 => session.handle(Input::Quit, now),
                5 => session.handle(Input::Lost(None), now),
                6 => session.handle(Input::Tls(Err(Unshaken::Broken("why".into()))), now),
                _ => session.handle(Input::Tls(Ok(())), now),
            },
            _ => {
                now += Duration::from_secs(u64::from(pick >> 4) * 10);
                session.handle(Input::Tick, now);
            }
        }
        drain(&mut session, &mut seen);
    }
    for round in 0.. {
        assert!(round < 1_000, "it waits for ever");
        let Some(deadline) = session.deadline() else { break };
        now = now.max(deadline);
        session.handle(Input::Tick, now);
        drain(&mut session, &mut seen);
    }
    assert_eq!(seen.done.len() as u64, asked, "an operation has no end");
});

fn operation(kind: u8, name: Box<[u8]>) -> Operation {
    match kind % 19 {
        0 => Operation::List(name),
        1 => Operation::Stat(name),
        2 => Operation::Get { path: name, offset: 0, expected: Some(5), ascii: false },
        3 => Operation::Get { path: name, offset: 3, expected: None, ascii: true },
        4 => Operation::Put { path: name, how: PutHow::Replace, expected: Some(5), ascii: false },
        5 => Operation::Put { path: name, how: PutHow::At(3), expected: None, ascii: false },
        6 => Operation::Put { path: name, how: PutHow::Append, expected: None, ascii: true },
        7 => Operation::MakeDir(name),
        8 => Operation::Publish { from: name.clone(), to: name, modified: (kind & 32 != 0).then(Time::default) },
        9 => Operation::Chmod(name, 0o644),
        10 => Operation::SetModified(name, Time::default()),
        11 => Operation::Size(name),
        12 => Operation::Modified(name),
        13 => Operation::Cwd(name),
        14 => Operation::Quote(name),
        15 => Operation::Kept { path: name, size: 5, store: false, modified: None },
        16 => Operation::Kept { path: name, size: 5, store: true, modified: Some(Time::default()) },
        17 => Operation::Kept { path: name, size: 0, store: true, modified: None },
        _ => Operation::Pwd,
    }
}

fn drain(session: &mut Session, seen: &mut Seen) {
    for count in 0.. {
        assert!(count < 2_000, "one input brings more than 2000 outputs");
        let Some(output) = session.poll() else { return };
        match output {
            Output::Done(op, result) => {
                assert!(seen.done.insert(op.0), "{op:?} ends twice");
                if let Ok(Outcome::Moved(_)) = result {
                    assert!(seen.ended.contains(&op.0), "{op:?} went well without the end of its data");
                }
                (seen.data, seen.moving) = (None, None);
            }
            output if seen.closed => panic!("{output:?} after the end"),
            Output::Send(line) => {
                let mut wire = Vec::new();
                line.print(&mut wire);
                let body = wire.strip_suffix(b"\r\n").expect("a line ends");
                assert!(!body.contains(&b'\n') && !line.shown().contains('\n'), "{line:?}");
            }
            Output::Connect(id, ..) | Output::Listen(id, ..) => seen.data = Some(id),
            Output::Cut(id) if seen.data == Some(id) => (seen.data, seen.moving) = (None, None),
            Output::Move(_, op, _) => seen.moving = Some(op),
            Output::Close(_) => seen.closed = true,
            _ => {}
        }
    }
}
