//! SCP: command lines, messages, and both ends against a peer that says anything and a driver that answers anything. Nothing
//! panics, no name leads elsewhere, nothing is said after the end.
#![no_main]

use bytes::BytesMut;
use carrack_proto::scp::message::Message;
use carrack_proto::scp::{Command, Sink, Source, Way};
use carrack_proto::sftp::reply::DATA_HEAD;
use carrack_proto::sftp::server::{Done, Input, Output, Work};
use carrack_types::{AskId, Attr, Entry, Error, Kind, Op, Reason, Time, VPath, Yield};
use libfuzzer_sys::fuzz_target;

enum End {
    Sink(Sink),
    Source(Source),
}

impl End {
    fn handle(&mut self, input: Input<'_>) {
        match self {
            Self::Sink(end) => end.handle(input),
            Self::Source(end) => end.handle(input),
        }
    }

    fn poll(&mut self) -> Option<Output> {
        match self {
            Self::Sink(end) => end.poll(),
            Self::Source(end) => end.poll(),
        }
    }
}

const COMMANDS: [&[u8]; 5] = [b"scp -t .", b"scp -r -p -t a", b"scp -p -f a", b"scp -r -f a", b"scp -f *"];
const WORDS: [&[u8]; 6] = [b"\0", b"C0644 3 f\n", b"D0755 0 d\n", b"E\n", b"T1 0 1 0\n", b"\x01no\n"];

fuzz_target!(|data: &[u8]| {
    let _ = (Command::parse(data), Message::parse(data));
    let Some((&first, mut rest)) = data.split_first() else { return };
    let command = Command::parse(COMMANDS[usize::from(first) % COMMANDS.len()]).expect("a command").expect("an scp");
    let home = VPath::parse(b"/h").expect("a path");
    let mut end = match command.way {
        Way::To => End::Sink(Sink::new(command, &home).expect("a sink")),
        Way::From => End::Source(Source::new(command, &home).expect("a source")),
    };
    let (mut open, mut closed) = (Vec::<(AskId, Result<Op, Work>)>::new(), false);
    drain(&mut end, &mut open, &mut closed, &home);
    while let Some((&choice, after)) = rest.split_first() {
        rest = after;
        match choice {
            0..=119 if !open.is_empty() => {
                let (ask, asked) = open.swap_remove(usize::from(choice) % open.len());
                let fails = choice % 16 == 3;
                match asked {
                    Ok(_) if fails => end.handle(Input::Answer(ask, Err(Error::new(Reason::Exists)))),
                    Ok(op) => end.handle(Input::Answer(ask, Ok(granted(&op, choice)))),
                    Err(_) if fails => end.handle(Input::Worked(ask, Err(Error::new(Reason::NoSpace)))),
                    Err(work) => end.handle(Input::Worked(ask, Ok(done(&work, choice)))),
                }
            }
            120..=199 => end.handle(Input::Bytes(WORDS[usize::from(choice) % WORDS.len()])),
            200 => end.handle(Input::End),
            _ => {
                let (bytes, after) = rest.split_at((usize::from(choice) % 16).min(rest.len()));
                rest = after;
                end.handle(Input::Bytes(bytes));
            }
        }
        drain(&mut end, &mut open, &mut closed, &home);
    }
});

fn granted(op: &Op, choice: u8) -> Yield {
    let kind = [Kind::File, Kind::Dir, Kind::Other, Kind::Dir][usize::from(choice >> 4) % 4];
    match op {
        Op::Open { .. } => Yield::Opened(Attr::new(Kind::File, u64::from(choice) << (choice & 31))),
        Op::List { .. } => Yield::Listing,
        Op::Stat { .. } => Yield::Attr(Attr::new(kind, 3)),
        _ => Yield::Done,
    }
}

fn done(work: &Work, choice: u8) -> Done {
    match work {
        Work::Read { length, .. } => Done::Data(BytesMut::zeroed(DATA_HEAD + (*length as usize).min(1 << (choice & 15)))),
        Work::List => {
            let entry = Entry { name: (*b"n").into(), attr: Attr::new(Kind::Dir, 0), target: None };
            Done::Page(vec![entry; usize::from(choice & 3)], Time::default())
        }
        _ => Done::Nothing,
    }
}

fn drain(end: &mut End, open: &mut Vec<(AskId, Result<Op, Work>)>, closed: &mut bool, home: &VPath) {
    let mut said = 0;
    while let Some(output) = end.poll() {
        said += 1;
        assert!(said < 5_000, "one input brought too much");
        assert!(!*closed, "{output:?} after it closed");
        match output {
            Output::Ask(ask, op) => {
                assert!(op.path().is_none_or(|path| path.is_below(home)), "{op}");
                open.push((ask, Ok(op)));
            }
            Output::Work(ask, _, work) => open.push((ask, Err(work))),
            Output::Close(_) => *closed = true,
            _ => {}
        }
    }
}
