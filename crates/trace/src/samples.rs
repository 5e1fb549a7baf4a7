//! Events for this crate's tests: one of each kind, arbitrary ones, and a session as it really goes.

use std::net::SocketAddr;
use std::time::Duration;

use proptest::prelude::*;
use types::{Direction, Event, Lane, Reason, SessionId, What};

use crate::record::SessionInfo;

pub(crate) fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

pub(crate) fn info() -> SessionInfo {
    SessionInfo {
        id: SessionId(0x2a),
        protocol: "ftp",
        listener: "main".into(),
        peer: address("203.0.113.7:50312"),
        local: address("192.0.2.10:21"),
        user: None,
    }
}

/// Events a millisecond apart.
pub(crate) fn events(whats: impl IntoIterator<Item = What>) -> Vec<Event> {
    whats.into_iter().enumerate().map(|(n, what)| Event { at: Duration::from_millis(n as u64), what }).collect()
}

pub(crate) fn command(text: &str) -> What {
    What::Command(text.into())
}

pub(crate) fn reply(text: &str) -> What {
    What::Reply(text.into())
}

fn any_address() -> impl Strategy<Value = SocketAddr> {
    prop_oneof![
        (any::<[u8; 4]>(), any::<u16>()).prop_map(SocketAddr::from),
        (any::<[u8; 16]>(), any::<u16>()).prop_map(SocketAddr::from)
    ]
}

pub(crate) fn any_event() -> impl Strategy<Value = Event> {
    let reason = || prop::sample::select(Reason::ALL);
    let text = || ".{0,80}".prop_map(String::into_boxed_str);
    let direction = || prop_oneof![Just(Direction::Out), Just(Direction::In)];
    let time = || (0..u64::MAX).prop_map(Duration::from_nanos);
    let what = prop_oneof![
        (any_address(), any_address()).prop_map(|(a, b)| What::Accepted(a, b)),
        text().prop_map(What::Command),
        text().prop_map(What::Reply),
        text().prop_map(What::Ask),
        text().prop_map(What::Answer),
        any_address().prop_map(What::Listening),
        any_address().prop_map(What::Connecting),
        any_address().prop_map(What::Reaching),
        any_address().prop_map(What::Awaiting),
        any_address().prop_map(What::Connected),
        reason().prop_map(What::DataFailed),
        (prop_oneof![Just(Lane::Control), Just(Lane::Data)], text()).prop_map(|(l, t)| What::Secured(l, t)),
        Just(What::Cleared),
        direction().prop_map(What::Started),
        (direction(), any::<u64>(), time()).prop_map(|(d, n, t)| What::Moved(d, n, t)),
        (direction(), any::<u64>(), reason()).prop_map(|(d, n, r)| What::Cut(d, n, r)),
        (reason(), text()).prop_map(|(r, t)| What::Note(r, t)),
        prop::option::of(reason()).prop_map(What::Closed),
    ];
    (time(), what).prop_map(|(at, what)| Event { at, what })
}

/// A download as it is recorded: login, EPSV, RETR, 226.
pub(crate) fn download() -> Vec<Event> {
    let (peer, own) = (address("203.0.113.7:50312"), address("192.0.2.10:21"));
    let at = |micros: u64, what: What| Event { at: Duration::from_micros(micros), what };
    vec![
        at(0, What::Accepted(peer, own)),
        at(140, reply("220 Carrack is ready.")),
        at(21_400, command("USER ada")),
        at(21_530, reply("331 Password, please.")),
        at(42_100, command("PASS ***")),
        at(42_180, What::Ask("login ada".into())),
        at(63_710, What::Answer("welcome /".into())),
        at(63_800, reply("230 Welcome, ada.")),
        at(84_300, command("EPSV")),
        at(84_420, What::Listening(address("192.0.2.10:50007"))),
        at(84_500, reply("229 Entering Extended Passive Mode (|||50007|).")),
        at(105_900, command("RETR charts/atlantic.pdf")),
        at(106_050, What::Ask("read /charts/atlantic.pdf".into())),
        at(106_400, What::Answer("file 7340032 mode 644".into())),
        at(106_480, reply("150 Opening BINARY data connection for /charts/atlantic.pdf (7340032 bytes).")),
        at(106_520, What::Connected(address("203.0.113.7:50314"))),
        at(106_530, What::Started(Direction::Out)),
        at(731_200, What::Moved(Direction::Out, 7_340_032, Duration::from_micros(624_670))),
        at(731_340, reply("226 Done: 7340032 bytes in 0.625 s (11.21 MiB/s).")),
        at(752_000, command("QUIT")),
        at(752_090, reply("221 Good-bye.")),
        at(752_300, What::Closed(None)),
    ]
}
