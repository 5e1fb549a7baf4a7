//! AUTH, PBSZ, PROT, CCC (RFC 4217; RFC 2228 §3): when the control connection and the data connections are protected.

use types::Reason;

use super::retrieve::number;
use crate::ftp::reply::Reply;
use crate::ftp::server::exchange::{Level, Output};
use crate::ftp::server::session::{Session, text};
use crate::ftp::server::state::{Exchange, Protection, Stage, Work};
use crate::ftp::verb::Verb;

/// The largest buffer that is offered for sealed data connections, in bytes.
const BUFFER: u32 = 128 * 1024;
/// The smallest that a client may ask for: a buffer holds the mechanism's own bytes, too.
const LEAST_BUFFER: u32 = 1024;

/// Whether the listener has TLS or Kerberos at all. Otherwise the client has its answer: RFC 2228 §3 and §8.2 have 502
/// for it.
fn is_served(session: &mut Session) -> bool {
    let served = session.settings.tls.is_some() || session.settings.gssapi.is_some();
    if !served {
        session.say(Reply::fixed(502, "This listener has no TLS (CRK-407)."));
    }
    served
}

/// AUTH: 234, and then the handshake. TLS and TLS-C leave data in clear (RFC 4217 §8, §17); SSL and TLS-P protect them
/// at once, as that RFC's drafts said and clients from before it expect.
pub(super) fn auth(session: &mut Session, mechanism: &[u8]) {
    if mechanism.is_empty() {
        return session.syntax(Verb::Auth);
    }
    if !is_served(session) {
        return;
    }
    let private = match mechanism.to_ascii_uppercase().as_slice() {
        b"TLS" | b"TLS-C" if session.settings.tls.is_some() => Some(false),
        b"SSL" | b"TLS-P" if session.settings.tls.is_some() => Some(true),
        b"GSSAPI" if session.settings.gssapi.is_some() => None,
        _ => {
            return session.say(match (session.settings.tls, session.settings.gssapi) {
                (Some(_), Some(_)) => Reply::fixed(504, "The mechanisms served are TLS and GSSAPI (CRK-408)."),
                (None, Some(_)) => Reply::fixed(504, "The mechanism served is GSSAPI (CRK-408)."),
                _ => Reply::fixed(504, "The mechanism served is TLS (CRK-408)."),
            });
        }
    };
    // 534 and not 503, which RFC 2228 §8.2 does not give to AUTH.
    if session.protection.control {
        return session.say(Reply::fixed(534, "The connection is protected already (CRK-405)."));
    }
    if session.protection.cleared {
        return session.say(Reply::fixed(534, "After CCC the connection stays in clear until REIN (CRK-405)."));
    }
    let Some(private) = private else { return super::security::begin(session) };
    if session.lacks_certificate {
        return session.say(Reply::new(431, text(Reason::TlsUnavailable)));
    }
    if session.holds_lines() {
        // They came in clear, from anybody: they may neither run in clear now nor under TLS later.
        session.say(Reply::new(421, text(Reason::TlsBehindAuth)));
        return session.close(Some(Reason::TlsBehindAuth));
    }
    session.say(Reply::fixed(234, "Begin TLS."));
    session.protection.exchange = Exchange::None;
    session.emit(Output::StartTls);
    session.await_tls(Work::Securing { private });
}

/// The handshake's end. Who had logged in, in clear, is nobody again: RFC 2228 §3 lets AUTH begin anew.
pub(in crate::ftp::server) fn secured(session: &mut Session, private: bool, result: Result<Vec<Box<str>>, Reason>) {
    match result {
        Ok(names) => {
            if session.user().is_some() {
                session.emit(Output::Logout);
            }
            session.enter(Stage::Greeted);
            session.protection = Protection { control: true, sized: private, data: private, names, ..Protection::default() };
        }
        // Neither end knows what the other would read: not a word more.
        Err(reason) => session.close(Some(reason)),
    }
}

/// Whether nothing moves over a data connection that is not private.
pub(super) fn data_required(session: &Session) -> bool {
    session.settings.tls.is_some_and(|tls| tls.data_required) || session.settings.gssapi.is_some_and(|g| g.data_required)
}

/// Whether data connections may be spoken of: on a protected connection only, not before it and not after CCC, which leaves them as they
/// are (RFC 4217 §5 and §9). Otherwise the client has its answer.
fn may_set_data(session: &mut Session) -> bool {
    if !is_served(session) {
        return false;
    }
    if session.protection.cleared {
        session.say(Reply::fixed(503, "After CCC the protection of data stays as it is (CRK-405)."));
    } else if !session.protection.control {
        session.say(Reply::fixed(503, "AUTH comes first (CRK-405)."));
    }
    session.protection.control
}

/// PBSZ: TLS needs no buffer size, so it is 0 whatever was asked for (RFC 4217 §9, RFC 2228 §3). Behind a security
/// exchange it is what was asked for, or the largest that is offered where that is less.
pub(super) fn pbsz(session: &mut Session, size: &[u8]) {
    if !may_set_data(session) {
        return;
    }
    let Some(size) = number(size).and_then(|size| u32::try_from(size).ok()) else { return session.syntax(Verb::Pbsz) };
    if session.protection.is_exchanged() {
        if size < LEAST_BUFFER {
            return session.say(Reply::new(501, format!("Buffers hold at least {LEAST_BUFFER} bytes (CRK-404).")));
        }
        let size = size.min(BUFFER);
        session.protection.sized = true;
        session.protection.most = size;
        return session.say(Reply::new(200, format!("PBSZ={size}")));
    }
    session.protection.sized = true;
    session.say(Reply::fixed(200, "PBSZ=0"));
}

/// PROT: C or P. TLS knows no Safe and no Confidential (RFC 4217 §9).
pub(super) fn prot(session: &mut Session, level: &[u8]) {
    if !may_set_data(session) {
        return;
    }
    if !session.protection.sized {
        return session.say(Reply::fixed(503, "PBSZ comes first (CRK-405)."));
    }
    if session.protection.is_exchanged() {
        return seal(session, level);
    }
    let required = data_required(session);
    match level.to_ascii_uppercase().as_slice() {
        b"P" => {
            session.drop_kept();
            session.protection.data = true;
            session.say(Reply::fixed(200, "Data connections are protected."));
        }
        b"C" if required => session.say(Reply::new(534, text(Reason::DataUnprotected))),
        b"C" => {
            session.drop_kept();
            session.protection.data = false;
            session.say(Reply::fixed(200, "Data connections are in clear."));
        }
        b"S" | b"E" => session.say(Reply::fixed(536, "TLS protects wholly (P) or not at all (C) (CRK-408).")),
        b"" => session.syntax(Verb::Prot),
        _ => session.say(Reply::fixed(504, "The levels are C and P (CRK-408).")),
    }
}

/// PROT behind a security exchange: C, S, E or P.
fn seal(session: &mut Session, level: &[u8]) {
    let (sealed, said) = match level.to_ascii_uppercase().as_slice() {
        b"C" => (None, "Data connections are in clear."),
        b"S" => (Some(Level::Safe), "Data connections are safe from changes."),
        b"E" => (Some(Level::Confidential), "Data connections are protected."),
        b"P" => (Some(Level::Private), "Data connections are protected."),
        b"" => return session.syntax(Verb::Prot),
        _ => return session.say(Reply::fixed(504, "The levels are C, S, E and P (CRK-408).")),
    };
    if data_required(session) && !sealed.is_some_and(Level::is_encrypted) {
        return session.say(Reply::new(534, text(Reason::DataUnprotected)));
    }
    session.drop_kept();
    session.protection.sealed = sealed;
    session.say(Reply::fixed(200, said));
}

/// CCC: 200 under TLS, then the control connection goes on in clear. What PROT said stays (RFC 4217 §5).
pub(super) fn ccc(session: &mut Session) {
    if !is_served(session) {
        return;
    }
    if !session.protection.control {
        return session.say(Reply::fixed(533, "The connection is not protected (CRK-405)."));
    }
    let exchanged = session.protection.is_exchanged();
    let allowed = match exchanged {
        true => session.settings.gssapi.is_some_and(|gssapi| gssapi.ccc),
        false => session.settings.tls.is_some_and(|tls| tls.ccc),
    };
    if !allowed {
        return session.say(Reply::new(534, text(Reason::TlsKeepsOn)));
    }
    if session.user().is_none() {
        // The password would follow in clear; and AUTH and CCC in turns would cost the server much (RFC 4217 §15.3).
        return session.say(Reply::fixed(534, "CCC comes after the login (CRK-405)."));
    }
    session.say(Reply::fixed(200, "The control connection goes on in clear."));
    if exchanged {
        session.protection.control = false;
        session.protection.cleared = true;
        return session.protect_replies(None);
    }
    session.emit(Output::ClearTls);
    session.await_tls(Work::Clearing { anew: false });
}

/// TLS has ended on the control connection: after CCC, or after REIN (`anew`), which leaves nothing of it
/// (RFC 4217 §13). What the certificate said counts no more: anybody can write on a line in clear.
pub(in crate::ftp::server) fn cleared(session: &mut Session, anew: bool, result: Result<(), Reason>) {
    if let Err(reason) = result {
        return session.close(Some(reason));
    }
    session.protection = if anew {
        Protection::default()
    } else {
        Protection { cleared: true, data: session.protection.data, ..Protection::default() }
    };
}
