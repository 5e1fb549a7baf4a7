//! HOST (RFC 7151): which virtual host, before anybody logs in.

use types::Reason;

use super::login::readable;
use crate::ftp::reply::Reply;
use crate::ftp::server::session::{Session, text};
use crate::ftp::server::state::Stage;
use crate::ftp::verb::Verb;

pub(super) fn host(session: &mut Session, name: &[u8]) {
    if !matches!(session.stage, Stage::Greeted) {
        // RFC 7151 §3.2: once USER was accepted it is too late.
        return session.say(Reply::fixed(503, "HOST comes before USER (CRK-405)."));
    }
    match readable(name).filter(|name| is_host(name)) {
        Some(name) => {
            let name = name.to_ascii_lowercase();
            session.host = Some(name.as_str().into());
            session.ask_host(name.into());
        }
        None => session.syntax(Verb::Host),
    }
}

pub(in crate::ftp::server) fn answered(session: &mut Session, answer: Result<Box<str>, Reason>) {
    match answer {
        Ok(banner) => session.say(Reply::new(220, banner.replace('\r', "").into_bytes())),
        Err(reason) => {
            session.host = None;
            session.say(Reply::new(504, text(reason)));
        }
    }
}

/// A host name or an address in brackets (RFC 7151 §3.1), without a port.
fn is_host(name: &str) -> bool {
    if let Some(inner) = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return inner.parse::<std::net::Ipv6Addr>().is_ok();
    }
    name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_')) && !name.starts_with(['.', '-'])
}
