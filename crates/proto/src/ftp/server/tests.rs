//! Does a session keep order and time: replies in the order of the lines, REST and ALLO for the next transfer alone, and
//! the time for a login counted from when nobody was logged in?

use std::sync::Arc;
use std::time::Duration;

use types::{AskId, Attr, Kind, Op, TransferId, Welcome, WriteHow, Yield};

use super::{Body, End, Flow, Input, Output, Session, Settings};
use crate::line::LineError;

const LOGIN_WITHIN: u64 = 60;

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
        let settings = Settings {
            login_within: Duration::from_secs(LOGIN_WITHIN),
            idle_after: Duration::from_secs(3_600),
            idle_at_most: Duration::from_secs(3_600),
            active: true,
            passive: true,
            single_port: true,
            ascii_size_limit: 1_000,
            version: "1".into(),
        };
        let (peer, local) = ("192.0.2.7:40000".parse().unwrap(), "192.0.2.1:21".parse().unwrap());
        let session = Session::new(Arc::new(settings), peer, local, false);
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
