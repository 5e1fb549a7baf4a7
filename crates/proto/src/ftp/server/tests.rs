//! Does a session keep order and time: replies in the order of the lines, REST and ALLO for the next transfer alone, the
//! time for a login counted from when nobody was logged in, and nothing heard while TLS begins or ends?

use std::sync::Arc;
use std::time::Duration;

use types::{AskId, Attr, Kind, Op, Reason, TransferId, Welcome, WriteHow, Yield};

use super::{Body, End, Flow, Input, Output, Session, Settings, Tls};
use crate::line::LineError;

const LOGIN_WITHIN: u64 = 60;

fn settings() -> Settings {
    Settings {
        login_within: Duration::from_secs(LOGIN_WITHIN),
        idle_after: Duration::from_secs(3_600),
        idle_at_most: Duration::from_secs(3_600),
        active: true,
        passive: true,
        single_port: true,
        historic: false,
        tls: None,
        gssapi: None,
        ebcdic: Default::default(),
        ascii_size_limit: 1_000,
        version: "1".into(),
    }
}

/// A session and what came out of it.
struct Talk {
    session: Session,
    now: Duration,
    replies: Vec<u16>,
    ask: Option<(AskId, Op)>,
    transfer: Option<(TransferId, Flow)>,
    closed: bool,
}

impl Talk {
    fn logged_in() -> Self {
        let (peer, local) = ("192.0.2.7:40000".parse().unwrap(), "192.0.2.1:21".parse().unwrap());
        let session = Session::new(Arc::new(settings()), peer, local, false, false);
        let mut talk = Self { session, now: Duration::ZERO, replies: Vec::new(), ask: None, transfer: None, closed: false };
        talk.lines(&["USER anna", "PASS secret", "TYPE I"]);
        talk.replies.clear();
        talk
    }

    fn lines(&mut self, lines: &[&str]) {
        for line in lines {
            self.take(Input::Line(line.as_bytes()));
        }
    }

    fn take(&mut self, input: Input<'_>) {
        self.session.handle(input, self.now);
        while let Some(output) = self.session.poll() {
            match output {
                Output::Reply(reply) => self.replies.push(reply.code),
                Output::Login(id, _) => {
                    let welcome =
                        Welcome { user: "anna".into(), home: types::VPath::root(), message: Vec::new(), fxp: false, idle: None };
                    self.session.handle(Input::Login(id, Ok(welcome)), self.now);
                }
                Output::Ask(id, op) => self.ask = Some((id, op)),
                Output::Start(id, flow) => self.transfer = Some((id, flow)),
                Output::Close(_) => self.closed = true,
                _ => {}
            }
        }
    }

    fn answer(&mut self, answer: Yield) -> Op {
        let (id, op) = self.ask.take().unwrap();
        self.take(Input::Answer(id, Ok(answer)));
        op
    }

    fn end(&mut self) -> Flow {
        let (id, flow) = self.transfer.take().unwrap();
        self.take(Input::Ended(id, End::Done { bytes: 1, took: Duration::ZERO }));
        flow
    }
}

#[test]
fn a_line_that_cannot_be_read_is_answered_in_its_turn() {
    let mut talk = Talk::logged_in();
    talk.lines(&["SIZE a"]);
    talk.take(Input::Malformed(LineError::BadByte));
    talk.lines(&["PWD"]);
    assert_eq!(talk.replies, [0u16; 0], "SIZE has not been answered");
    talk.answer(Yield::Attr(Attr::new(Kind::File, 10)));
    assert_eq!(talk.replies, [213, 500, 257]);
    talk.replies.clear();
    talk.take(Input::Malformed(LineError::TooLong));
    assert_eq!(talk.replies, [500], "nothing is awaited");
}

#[test]
fn a_line_that_cannot_be_read_does_not_break_into_a_reply() {
    let mut talk = Talk::logged_in();
    talk.lines(&["STAT sub"]);
    talk.answer(Yield::Listing);
    talk.take(Input::Malformed(LineError::BadByte));
    assert_eq!(talk.replies, [212], "the lines of STAT are still to come");
    talk.end();
    assert_eq!(talk.replies, [212, 212, 500]);
}

#[test]
fn lines_that_cannot_be_read_are_held_in_bounds() {
    let mut talk = Talk::logged_in();
    talk.lines(&["SIZE a"]);
    for _ in 0..100 {
        talk.take(Input::Malformed(LineError::BadByte));
    }
    assert_eq!((talk.replies.as_slice(), talk.closed), (&[421][..], true));
}

#[test]
fn rest_does_not_outlive_a_listing() {
    let mut talk = Talk::logged_in();
    talk.lines(&["REST 100", "LIST"]);
    talk.answer(Yield::Listing);
    talk.end();
    talk.lines(&["STOR a"]);
    let op = talk.ask.take().unwrap().1;
    assert!(matches!(op, Op::Write { how: WriteHow::Replace, .. }), "{op}");

    let mut talk = Talk::logged_in();
    talk.lines(&["REST 100", "STOR a"]);
    let op = talk.ask.take().unwrap().1;
    assert!(matches!(op, Op::Write { how: WriteHow::At(100), .. }), "{op}");
}

#[test]
fn allo_holds_no_upload_that_is_converted() {
    for (kind, held) in [("TYPE I", Some(5)), ("TYPE A", None)] {
        let mut talk = Talk::logged_in();
        talk.lines(&["ALLO 5"]);
        talk.answer(Yield::Done);
        talk.lines(&[kind, "STOR a"]);
        let op = talk.answer(Yield::Writing { path: types::VPath::root().join(b"a").unwrap(), at: 0 });
        assert!(matches!(op, Op::Write { expected, .. } if expected == held), "{kind}: {op:?}");
        assert!(matches!(talk.end().body, Body::Receive { expected } if expected == held), "{kind}");
    }
}

#[test]
fn the_time_to_log_in_counts_from_the_logout() {
    for (logout, code) in [("REIN", 220), ("USER bert", 331)] {
        let mut talk = Talk::logged_in();
        talk.now = Duration::from_secs(10 * LOGIN_WITHIN);
        talk.lines(&[logout]);
        assert_eq!((talk.replies.as_slice(), talk.closed), (&[code][..], false), "{logout}");
        talk.now += Duration::from_secs(LOGIN_WITHIN / 2);
        talk.lines(&["NOOP", "USER carl"]);
        assert!(!talk.closed);
        talk.now += Duration::from_secs(LOGIN_WITHIN / 2);
        talk.take(Input::Tick);
        assert!(talk.closed, "{logout}: who only talks does not hold a place");
    }
}

/// A session on a listener with TLS, and everything that comes out of it.
fn with_tls() -> Session {
    let tls = Some(Tls { ccc: true, ..Tls::default() });
    let (peer, local) = ("192.0.2.7:40000".parse().unwrap(), "192.0.2.1:21".parse().unwrap());
    Session::new(Arc::new(Settings { tls, ..settings() }), peer, local, false, false)
}

fn outputs(session: &mut Session, input: Input<'_>) -> Vec<Output> {
    session.handle(input, Duration::ZERO);
    std::iter::from_fn(|| session.poll()).collect()
}

fn line(session: &mut Session, line: &str) -> Vec<Output> {
    outputs(session, Input::Line(line.as_bytes()))
}

#[test]
fn nothing_is_heard_while_tls_begins() {
    let begun = || {
        let mut session = with_tls();
        let said = line(&mut session, "AUTH TLS");
        assert!(matches!(&said[..], [Output::Reply(reply), Output::StartTls] if reply.code == 234), "{said:?}");
        assert!(!session.wants_lines() && !session.is_protected());
        assert_eq!(session.deadline(), None, "the handshake has a limit of its own");
        session
    };
    for input in [Input::Line(b"NOOP"), Input::Line(b"QUIT"), Input::Malformed(LineError::BadByte)] {
        let mut session = begun();
        assert_eq!(outputs(&mut session, input), [Output::Close(Some(Reason::TlsBehindAuth))], "not a word in clear");
        assert_eq!(outputs(&mut session, Input::Secured(Ok(Vec::new()))), [], "closed is closed");
    }
    let mut session = begun();
    assert_eq!(outputs(&mut session, Input::Cleared(Ok(()))), [], "that was not asked for");
    assert_eq!(outputs(&mut session, Input::Secured(Ok(Vec::new()))), []);
    assert!(session.wants_lines() && session.is_protected());
    assert_eq!(session.deadline(), Some(Duration::from_secs(LOGIN_WITHIN)), "TLS gives no more time to log in");
    assert_eq!(outputs(&mut begun(), Input::Secured(Err(Reason::TlsHandshake))), [Output::Close(Some(Reason::TlsHandshake))]);
}

#[test]
fn lines_behind_ccc_came_under_tls_and_wait_for_its_end() {
    let mut session = with_tls();
    line(&mut session, "AUTH TLS");
    outputs(&mut session, Input::Secured(Ok(Vec::new())));
    line(&mut session, "USER anna");
    let [Output::Login(id, _)] = line(&mut session, "PASS secret")[..] else { panic!("no login is asked for") };
    let welcome = Welcome { user: "anna".into(), home: types::VPath::root(), message: Vec::new(), fxp: false, idle: None };
    outputs(&mut session, Input::Login(id, Ok(welcome)));
    let said = line(&mut session, "CCC");
    assert!(matches!(&said[..], [Output::Reply(reply), Output::ClearTls] if reply.code == 200), "{said:?}");
    assert!(!session.wants_lines() && session.is_protected());
    assert_eq!(line(&mut session, "NOOP"), []);
    assert_eq!(outputs(&mut session, Input::Secured(Ok(vec!["root".into()]))), [], "that was not asked for");
    let said = outputs(&mut session, Input::Cleared(Ok(())));
    assert!(matches!(&said[..], [Output::Reply(reply)] if reply.code == 200), "{said:?}");
    assert!(session.wants_lines() && !session.is_protected());
}

#[test]
fn nobody_makes_himself_a_certificate() {
    let mut session = with_tls();
    session.shown(vec!["root".into()]);
    assert_eq!(outputs(&mut session, Input::Secured(Ok(vec!["root".into()]))), []);
    assert!(!session.is_protected());
    let said = line(&mut session, "USER root");
    assert!(matches!(&said[..], [Output::Reply(reply)] if reply.code == 331), "{said:?}");
}
