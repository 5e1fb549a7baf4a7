//! The whole FTP server session: random commands, and random answers to whatever it asks. It neither panics nor runs away,
//! its replies are well-formed, it says nothing after it closed, and nothing that must be protected goes in clear.
#![no_main]

use carrack_proto::ftp::server::{
    Accepted, Channel, Cover, End, Gssapi, Input, Output, Reserved, Session, Settings, Tls,
};
use carrack_proto::ftp::verb::ROWS;
use carrack_proto::line::LineError;
use carrack_types::{AskId, Attr, Credentials, Error, Kind, LoginError, Reason, Space, TransferId, Usage, VPath, Welcome, Yield};
use libfuzzer_sys::fuzz_target;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// Choices, taken from the input byte by byte.
struct Choices<'a>(&'a [u8]);

impl<'a> Choices<'a> {
    fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        first
    }

    fn bytes(&mut self) -> &'a [u8] {
        let n = usize::from(self.byte() & 31).min(self.0.len());
        let (taken, rest) = self.0.split_at(n);
        self.0 = rest;
        taken
    }
}

/// What the session waits for.
enum Open {
    Ask(AskId),
    Login(AskId),
    Host(AskId),
    Reserve(AskId),
    Adopt(AskId),
    Accept(AskId),
    StartTls,
    ClearTls,
}

fn settings(flags: u8) -> Arc<Settings> {
    Arc::new(Settings {
        login_within: Duration::from_secs(60),
        idle_after: Duration::from_secs(300),
        idle_at_most: Duration::from_secs(3600),
        active: true,
        passive: true,
        single_port: true,
        tls: Some(Tls { login_required: flags & 1 != 0, data_required: flags & 2 != 0, ccc: flags & 4 != 0 })
            .filter(|_| flags & 8 != 0),
        gssapi: Some(Gssapi { login_required: false, data_required: flags & 2 != 0, ccc: flags & 4 != 0 })
            .filter(|_| flags & 64 != 0),
        ebcdic: Default::default(),
        historic: flags & 128 != 0,
        ascii_size_limit: 1 << 20,
        version: "fuzz".into(),
    })
}

/// Lines that lead somewhere; random arguments seldom do.
const LINES: [&[u8]; 21] = [
    b"AUTH TLS",
    b"AUTH SSL",
    b"AUTH GSSAPI",
    b"ADAT dG9rZW4=",
    b"PBSZ 0",
    b"PBSZ 65536",
    b"PROT P",
    b"PROT S",
    b"PROT C",
    b"CCC",
    b"REIN",
    b"USER u",
    b"PASS p",
    b"RETR a",
    // A seal that hides nothing, for the mechanism that is played here.
    b"MIC VVNFUiB1",
    b"ENC UkVUUiBh",
    b"MAIL u",
    b"XSEM",
    b"XRSQ T",
    b"XRCP u",
    b".",
];

const REASONS: [Reason; 4] = [Reason::NotFound, Reason::ShuttingDown, Reason::DataReset, Reason::UserDisabled];

fuzz_target!(|data: &[u8]| {
    let mut choices = Choices(data);
    let peer: SocketAddr = if choices.byte() & 1 == 0 { "127.0.0.1:4000" } else { "[::1]:4000" }.parse().expect("an address");
    let local: SocketAddr = if peer.is_ipv4() { "127.0.0.1:21" } else { "[::1]:21" }.parse().expect("an address");
    let (flags, plain) = (choices.byte(), choices.byte() & 7 == 0);
    let implicit = flags & 8 != 0 && flags & 16 != 0;
    let mut session = Session::new(settings(flags), peer, local, plain, implicit);
    if flags & 32 != 0 {
        session.shown(vec!["u".into()]);
    }
    session.greet(&[]);
    let (mut open, mut transfers, mut closed, mut now) = (Vec::<Open>::new(), Vec::<TransferId>::new(), false, Duration::ZERO);
    let wants = Wants { protected_logins: flags & 9 == 9, protected_data: flags & 10 == 10, no_passwords_in_clear: plain };
    if choices.byte() & 3 != 0 {
        // Most inputs should not have to find out how to log in.
        session.handle(Input::Line(b"USER u"), now);
        drain(&mut session, &wants, &mut open, &mut transfers, &mut closed);
        session.handle(Input::Line(b"PASS p"), now);
    }
    drain(&mut session, &wants, &mut open, &mut transfers, &mut closed);
    while !choices.0.is_empty() {
        now += Duration::from_millis(u64::from(choices.byte() & 15) * 200);
        let pick = choices.byte();
        step(&mut session, &mut choices, pick, now, &mut open, &mut transfers);
        drain(&mut session, &wants, &mut open, &mut transfers, &mut closed);
    }
});

fn step(
    session: &mut Session,
    choices: &mut Choices<'_>,
    pick: u8,
    now: Duration,
    open: &mut Vec<Open>,
    transfers: &mut Vec<TransferId>,
) {
    let at = |len: usize| usize::from(pick >> 4) % len;
    match pick & 15 {
        0..=5 if session.wants_lines() => {
            let row = &ROWS[usize::from(choices.byte()) % ROWS.len()];
            let mut line = row.name.as_bytes().to_vec();
            let argument = choices.bytes();
            if !argument.is_empty() {
                line.push(b' ');
                line.extend(argument.iter().copied().filter(|&b| b != 0 && b != b'\n'));
            }
            session.handle(Input::Line(&line), now);
        }
        6 if pick & 16 == 0 => session.handle(Input::Line(LINES[usize::from(choices.byte()) % LINES.len()]), now),
        // Whether lines are wanted or not: a driver may have read on.
        6 => {
            let line: Vec<u8> = choices.bytes().iter().copied().filter(|&b| b != b'\n').collect();
            session.handle(Input::Line(&line), now);
        }
        7 => session.handle(Input::Malformed(if pick & 16 == 0 { LineError::TooLong } else { LineError::BadByte }), now),
        8..=11 if !open.is_empty() => {
            let place = at(open.len());
            answer(session, open.swap_remove(place), choices, now);
        }
        12 if !transfers.is_empty() => {
            let id = transfers.swap_remove(at(transfers.len()));
            let bytes = u64::from(choices.byte()) << 20;
            let end = if choices.byte() & 1 == 0 {
                End::Done { bytes, took: Duration::from_millis(u64::from(choices.byte())) }
            } else {
                End::Failed { bytes, error: Error::new(Reason::DataReset) }
            };
            session.handle(Input::Ended(id, end), now);
        }
        13 if !transfers.is_empty() => session.handle(Input::Measured(transfers[at(transfers.len())], 12345), now),
        14 => session.handle(Input::Tick, session.deadline().unwrap_or(now).max(now)),
        15 if pick > 0xE0 => session.handle(Input::Stop(REASONS[at(REASONS.len())], pick & 16 == 0), now),
        _ => session.handle(Input::Tick, now),
    }
}

fn answer(session: &mut Session, what: Open, choices: &mut Choices<'_>, now: Duration) {
    let how = choices.byte();
    let reason = REASONS[usize::from(how >> 4) % REASONS.len()];
    let path = VPath::parse(choices.bytes()).unwrap_or_else(|_| VPath::root());
    match what {
        Open::Ask(id) => {
            let kind = if how & 16 == 0 { Kind::File } else { Kind::Dir };
            let yielded = match how % 11 {
                0 | 1 => Yield::Done,
                2 | 3 => Yield::Attr(Attr::new(kind, u64::from(how) << 32)),
                4 => Yield::Reading(Attr::new(kind, u64::MAX)),
                5 => Yield::Writing { path, at: u64::from(how) },
                6 => Yield::Listing,
                7 => Yield::Removed { entries: u64::MAX },
                8 => Yield::Usage(Usage::default()),
                9 => Yield::Space(Space::default()),
                _ => return session.handle(Input::Answer(id, Err(Error::new(reason))), now),
            };
            session.handle(Input::Answer(id, Ok(yielded)), now);
        }
        Open::Login(id) => {
            let result = match how % 8 {
                0 => Err(LoginError::Wrong),
                1 => Err(LoginError::AccountNeeded),
                2 => Err(LoginError::Refused(reason)),
                3 if how > 200 => Err(LoginError::Closing(reason)),
                _ => Ok(Welcome { user: "u".into(), home: path, message: Vec::new(), fxp: how & 32 != 0, idle: None }),
            };
            session.handle(Input::Login(id, result), now);
        }
        Open::Host(id) => session.handle(Input::Host(id, if how & 1 == 0 { Ok("hello".into()) } else { Err(reason) }), now),
        Open::Reserve(id) => {
            let result = match how % 3 {
                0 => Ok(Reserved::At(SocketAddr::from(([127, 0, 0, 1], 5000)))),
                1 => Ok(Reserved::Key("key".into())),
                _ => Err(reason),
            };
            session.handle(Input::Reserved(id, result), now);
        }
        // Either may come late, behind a close; both must be without effect then.
        Open::StartTls => {
            let names = if how & 2 == 0 { Vec::new() } else { vec!["u".into()] };
            session.handle(Input::Secured(if how & 1 == 0 { Ok(names) } else { Err(Reason::TlsHandshake) }), now);
        }
        Open::ClearTls => session.handle(Input::Cleared(if how & 1 == 0 { Ok(()) } else { Err(Reason::TlsClearing) }), now),
        Open::Accept(id) => {
            let result = match how % 4 {
                0 => Ok(Accepted::More(choices.bytes().into())),
                1 => Err(Reason::TokenRefused),
                _ => Ok(Accepted::Done { token: None, principal: "u@R".into() }),
            };
            session.handle(Input::Accepted(id, result), now);
        }
        Open::Adopt(id) => session.handle(Input::Adopted(id, if how & 1 == 0 { Ok(()) } else { Err(reason) }), now),
    }
}

/// What the listener wants of its clients.
struct Wants {
    protected_logins: bool,
    protected_data: bool,
    no_passwords_in_clear: bool,
}

impl Wants {
    fn hold(&self, session: &Session, output: &Output) {
        match output {
            Output::Login(_, Credentials::Certificate { .. }) => assert!(session.is_protected(), "a certificate in clear"),
            Output::Login(_, Credentials::Ticket { .. }) => assert!(session.is_protected(), "a ticket in clear"),
            Output::Login(_, Credentials::Password { user, names, .. }) if !session.is_protected() => {
                assert!(names.is_empty() && !self.protected_logins, "{output:?} in clear");
                let anonymous = ["anonymous", "ftp"].iter().any(|name| user.eq_ignore_ascii_case(name));
                assert!(anonymous || !self.no_passwords_in_clear, "{output:?} in clear");
            }
            Output::Start(_, flow) if matches!(flow.channel, Channel::Data(_)) => {
                let hidden = match flow.cover {
                    Cover::Clear => false,
                    Cover::Tls => true,
                    Cover::Sealed(seal) => seal.private,
                };
                assert!(hidden || !self.protected_data, "{output:?} in clear");
            }
            _ => {}
        }
    }
}

fn drain(session: &mut Session, wants: &Wants, open: &mut Vec<Open>, transfers: &mut Vec<TransferId>, closed: &mut bool) {
    let mut said = 0;
    while let Some(output) = session.poll() {
        said += 1;
        assert!(said < 500, "one input brought more than 500 outputs");
        assert!(!*closed, "{output:?} after the connection was closed");
        wants.hold(session, &output);
        match output {
            Output::Reply(reply) => {
                assert!(!open.iter().any(|o| matches!(o, Open::StartTls)), "{reply:?} between StartTls and Secured");
                well_formed(&reply);
            }
            Output::Ask(id, _) => open.push(Open::Ask(id)),
            Output::Login(id, _) => open.push(Open::Login(id)),
            Output::Host(id, _) => open.push(Open::Host(id)),
            Output::Reserve(id, _) => open.push(Open::Reserve(id)),
            Output::Adopt(id, _) => open.push(Open::Adopt(id)),
            Output::Accept(id, _) => open.push(Open::Accept(id)),
            Output::Unwrap(level, token) => session.handle(Input::Unwrapped(level, Ok(token.into())), Duration::ZERO),
            Output::NewExchange | Output::ProtectReplies(_) => {}
            // The answer may be on its way already: half of them still come.
            Output::Withdraw(_) | Output::Cancel(_) | Output::DropData | Output::Measure(_) | Output::Logout => {}
            Output::Start(id, _) => {
                assert!(!transfers.contains(&id), "two transfers with one id");
                transfers.push(id);
            }
            Output::StartTls | Output::ClearTls => {
                assert!(!session.wants_lines(), "lines are wanted while TLS begins or ends");
                open.push(if output == Output::StartTls { Open::StartTls } else { Open::ClearTls });
            }
            Output::Close(_) => *closed = true,
        }
    }
}

fn well_formed(reply: &carrack_proto::ftp::reply::Reply) {
    let mut wire = Vec::new();
    reply.print(&mut wire);
    assert!(wire.ends_with(b"\r\n"), "{reply:?}");
    // A token ends with a NUL of its own.
    let token = reply.text.starts_with(b"ADAT=");
    let end = if token && wire.ends_with(b"\0\r\n") { 3 } else { 2 };
    for line in wire[..wire.len() - end].split(|&b| b == b'\n') {
        assert!(!line.contains(&0), "{reply:?}");
    }
    assert!(wire.len() < 1 << 20, "a reply of {} bytes", wire.len());
}
