//! The whole SFTP server session: random requests, and random answers to whatever it asks. It neither panics nor runs away,
//! each request is answered once, and it says nothing after it closed.
#![no_main]

use std::collections::HashMap;

use bytes::BytesMut;
use carrack_proto::sftp::attrs::Attrs;
use carrack_proto::sftp::digest::Digest;
use carrack_proto::sftp::frame::Frames;
use carrack_proto::sftp::reply::{DATA_HEAD, Reply};
use carrack_proto::sftp::request::{OpenFlags, Request, put_init};
use carrack_proto::sftp::server::{Done, FileId, Input, Output, Session, Settings, Work};
use carrack_types::{AskId, Attr, Entry, Error, Kind, Op, Reason, Space, Time, VPath, Yield};
use libfuzzer_sys::fuzz_target;

struct Choices<'a>(&'a [u8]);

impl<'a> Choices<'a> {
    fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        first
    }

    fn bytes(&mut self, most: u8) -> &'a [u8] {
        let n = usize::from(self.byte() % most).min(self.0.len());
        let (taken, rest) = self.0.split_at(n);
        self.0 = rest;
        taken
    }
}

enum Open {
    Ask(AskId, Op),
    Work(AskId, FileId, Work),
}

struct World {
    session: Session,
    open: Vec<Open>,
    handles: Vec<Vec<u8>>,
    frames: Frames,
    /// Requests that were sent and not answered, by their ids.
    owed: HashMap<u32, u32>,
    begun: bool,
    closed: bool,
    /// Bytes that are no requests were sent: nothing can be counted any more.
    wild: bool,
}

fuzz_target!(|data: &[u8]| {
    let mut choices = Choices(data);
    let settings = Settings {
        home: VPath::root(),
        user: "u".into(),
        handles: 8,
        salt: 7,
        digests: vec![Digest::Sha256],
        watched: choices.byte() & 1 == 0,
    };
    let mut world = World {
        session: Session::new(settings),
        open: Vec::new(),
        handles: Vec::new(),
        frames: Frames::new(1 << 18),
        owed: HashMap::new(),
        begun: false,
        closed: false,
        wild: false,
    };
    let mut wire = BytesMut::new();
    put_init(3, &mut wire);
    world.session.handle(Input::Bytes(&wire));
    world.drain();
    while !choices.0.is_empty() {
        match choices.byte() {
            0..=139 => world.request(&mut choices),
            140..=229 if !world.open.is_empty() => {
                let place = usize::from(choices.byte()) % world.open.len();
                let open = world.open.swap_remove(place);
                world.answer(open, &mut choices);
            }
            230..=240 => {
                world.wild = true;
                let bytes = choices.bytes(64);
                world.session.handle(Input::Bytes(bytes));
            }
            250 => world.session.handle(Input::End),
            251 => world.session.handle(Input::Stop(Reason::ShuttingDown)),
            _ => {}
        }
        world.drain();
    }
    // All that is under way is answered: then nothing is owed.
    while let Some(open) = world.open.pop() {
        world.answer(open, &mut Choices(&[]));
        world.drain();
    }
    if !world.closed && !world.wild {
        assert!(world.session.is_idle() && world.owed.values().all(|&n| n == 0), "requests were not answered");
    }
});

impl World {
    fn request(&mut self, choices: &mut Choices<'_>) {
        let kind = choices.byte();
        let made_up = choices.bytes(14);
        let handle = match self.handles.len() {
            n if n > 0 && kind & 0x80 == 0 => self.handles[usize::from(choices.byte()) % n].clone(),
            _ => made_up.to_vec(),
        };
        let (handle, path, to) = (&handle[..], [&b"a"[..], b"b", b"a/c", b"."][usize::from(kind >> 5) % 4], choices.bytes(6));
        let offset = u64::from(choices.byte()) << (choices.byte() & 63);
        let attrs = Attrs { size: (kind & 64 != 0).then_some(offset), mode: Some(u32::from(kind)), ..Attrs::default() };
        let request = match kind & 31 {
            0..=3 => Request::Open { path, flags: OpenFlags(u32::from(choices.byte())), attrs },
            4..=5 => Request::Close { handle },
            6..=7 => Request::Read { handle, offset, length: u32::from(kind) << 12 },
            8..=9 => Request::Write { handle, offset, data: to },
            10 => Request::Lstat { path },
            11 => Request::Fstat { handle },
            12 => Request::Setstat { path, attrs },
            13 => Request::Fsetstat { handle, attrs },
            14..=15 => Request::Opendir { path },
            16..=17 => Request::Readdir { handle },
            18 => Request::Remove { path },
            19 => Request::Mkdir { path, attrs },
            20 => Request::Rmdir { path },
            21 => Request::Realpath { path: to },
            22 => Request::Stat { path },
            23 => Request::Rename { from: path, to },
            24 => Request::Readlink { path },
            25 => Request::Symlink { target: to, link: path },
            _ => {
                // An extension, from its bytes.
                let mut packet = vec![200, 0, 0, 0, 99];
                let names = ["copy-data", "check-file-handle", "statvfs@openssh.com", "fsync@openssh.com", "x"];
                let name = names[usize::from(choices.byte()) % names.len()];
                packet.extend_from_slice(&(name.len() as u32).to_be_bytes());
                packet.extend_from_slice(name.as_bytes());
                packet.extend_from_slice(&(handle.len() as u32).to_be_bytes());
                packet.extend_from_slice(handle);
                packet.extend_from_slice(choices.bytes(40));
                let mut wire = (packet.len() as u32).to_be_bytes().to_vec();
                wire.extend_from_slice(&packet);
                *self.owed.entry(99).or_default() += 1;
                return self.session.handle(Input::Bytes(&wire));
            }
        };
        let mut wire = BytesMut::new();
        request.put(u32::from(kind), &mut wire);
        *self.owed.entry(kind.into()).or_default() += 1;
        let cut = usize::from(choices.byte()) % wire.len();
        self.session.handle(Input::Bytes(&wire[..cut]));
        self.session.handle(Input::Bytes(&wire[cut..]));
    }

    fn answer(&mut self, open: Open, choices: &mut Choices<'_>) {
        let how = choices.byte();
        let fails = how & 7 == 1;
        let kind = if how & 8 == 0 { Kind::File } else { Kind::Link };
        match open {
            Open::Ask(ask, _) if fails => self.session.handle(Input::Answer(ask, Err(Error::new(Reason::NotFound)))),
            Open::Ask(ask, op) => {
                let answer = match op {
                    Op::Open { .. } => Yield::Opened(Attr::new(kind, how.into())),
                    Op::List { .. } => Yield::Listing,
                    Op::Stat { .. } => Yield::Attr(Attr::new(kind, how.into())),
                    Op::ReadLink { .. } => Yield::Target((*b"x").into()),
                    Op::Space { .. } => Yield::Space(Space::default()),
                    _ => Yield::Done,
                };
                self.session.handle(Input::Answer(ask, Ok(answer)));
            }
            Open::Work(ask, ..) if fails => self.session.handle(Input::Worked(ask, Err(Error::new(Reason::NoSpace)))),
            Open::Work(ask, _, work) => {
                let done = match work {
                    Work::Read { length, .. } => Done::Data(BytesMut::zeroed(DATA_HEAD + usize::from(how).min(length as usize))),
                    Work::List => {
                        let entry = Entry { name: (*b"n").into(), attr: Attr::new(kind, 0), target: None };
                        Done::Page(vec![entry; usize::from(how >> 4)], Time::default())
                    }
                    Work::Stat => Done::Attr(Attr::new(kind, 5)),
                    Work::Digest { digest, .. } => Done::Digests(digest, vec![0; digest.length()]),
                    _ => Done::Nothing,
                };
                self.session.handle(Input::Worked(ask, Ok(done)));
            }
        }
    }

    fn drain(&mut self) {
        let mut said = 0;
        while let Some(output) = self.session.poll() {
            said += 1;
            assert!(said < 5_000, "one input brought too much");
            assert!(!self.closed, "{output:?} after it closed");
            match output {
                Output::Send(bytes) => self.sent(&bytes),
                Output::Ask(ask, op) => self.open.push(Open::Ask(ask, op)),
                Output::Work(ask, file, work) => {
                    let twice = |open: &Open| matches!(open, Open::Work(_, other, Work::Close | Work::Abandon) if *other == file);
                    assert!(!self.open.iter().any(twice), "work on what is being closed");
                    self.open.push(Open::Work(ask, file, work));
                }
                Output::Heard(words) | Output::Said(words) => assert!(!words.contains('\n')),
                Output::Close(_) => {
                    self.closed = true;
                    self.open.clear();
                }
            }
        }
        assert!(self.session.open() <= 8);
    }

    fn sent(&mut self, mut bytes: &[u8]) {
        while let Some(packet) = self.frames.next_packet(&mut bytes).expect("packets") {
            if !std::mem::replace(&mut self.begun, true) {
                continue;
            }
            let (id, reply) = Reply::parse(&packet).expect("a reply");
            if let Reply::Handle(handle) = reply {
                self.handles.push(handle.to_vec());
            }
            if !self.wild {
                let owed = self.owed.get_mut(&id).expect("an answer to what was asked");
                *owed = owed.checked_sub(1).expect("one answer each");
            }
        }
        assert!(!self.frames.is_amid(), "half a packet was sent");
    }
}
