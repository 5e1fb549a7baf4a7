//! What does a session's failure mean for whoever wanted files: which [`Reason`], in which words?

use std::fmt::Write as _;

use proto::ftp::client::{Failure, Kind};
use types::{Error, Reason};

/// The error a failure is. Its reason is stable; its detail says what was waited for and what the server said.
pub fn error(failure: &Failure) -> Error {
    let own = failure.reply.as_ref().and_then(|reply| told_by_carrack(failure.kind, &reply.text));
    let reason = own.unwrap_or_else(|| reason(failure.kind));
    let mut detail = String::new();
    if let Some(wait) = failure.wait {
        let _ = write!(detail, "waiting for: {}", wait.name());
    }
    if !failure.detail.is_empty() {
        let _ = write!(detail, "{}{}", separator(&detail), failure.detail);
    }
    if let Some(reply) = &failure.reply {
        let text = String::from_utf8_lossy(&reply.text);
        let _ = write!(
            detail,
            "{}the server said: {} {}",
            separator(&detail),
            reply.code,
            text.lines().collect::<Vec<_>>().join(" / ")
        );
    }
    // What the server said goes to a terminal.
    let detail: String =
        detail.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect();
    if detail.is_empty() { Error::new(reason) } else { Error::with(reason, detail) }
}

const fn separator(before: &str) -> &'static str {
    if before.is_empty() { "" } else { "; " }
}

/// What a kind of failure is among reasons.
pub const fn reason(kind: Kind) -> Reason {
    match kind {
        Kind::Connect => Reason::Unreachable,
        Kind::Timeout => Reason::TooSlow,
        Kind::Protocol => Reason::NotTheProtocol,
        Kind::Disconnected => Reason::Disconnected,
        Kind::ServerClosing => Reason::ServerClosing,
        Kind::TooManyConnections => Reason::TooManyConnections,
        Kind::LoginRefused => Reason::LoginRefused,
        Kind::AccountNeeded => Reason::AccountNeeded,
        Kind::Tls => Reason::NotProtected,
        Kind::Certificate => Reason::CertificateDistrusted,
        Kind::DataTls => Reason::DataNotProtected,
        Kind::NotFound => Reason::NotFound,
        Kind::Denied => Reason::StorageDenied,
        Kind::Exists => Reason::Exists,
        Kind::NotEmpty => Reason::NotEmpty,
        Kind::NoSpace => Reason::NoSpace,
        Kind::BadName => Reason::BadName,
        Kind::Busy => Reason::Busy,
        Kind::Unsupported => Reason::Unsupported,
        Kind::NoRestart => Reason::NoRestart,
        Kind::DataNeverCame => Reason::NoDataConnection,
        Kind::Cut => Reason::TransferCut,
        Kind::SizeMismatch => Reason::TransferShort,
        Kind::Local => Reason::Io,
        Kind::Cancelled => Reason::Cancelled,
        Kind::Refused => Reason::ServerRefused,
        Kind::ServerFault => Reason::ServerFault,
    }
}

/// Whether the same, tried again later, may work.
pub const fn is_passing(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::Unreachable
            | Reason::TooSlow
            | Reason::Disconnected
            | Reason::ServerClosing
            | Reason::TooManyConnections
            | Reason::Busy
            | Reason::ServerFault
            | Reason::NoDataConnection
            | Reason::TransferCut
            | Reason::TransferShort
            | Reason::SourceChanged
            | Reason::TftpNoAnswer
            | Reason::ChecksumDiffers
    )
}

const fn is_about_a_file(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::NotFound
            | Kind::Denied
            | Kind::Exists
            | Kind::NotEmpty
            | Kind::NoSpace
            | Kind::BadName
            | Kind::Busy
            | Kind::Unsupported
            | Kind::NoRestart
            | Kind::Refused
            | Kind::ServerFault
    )
}

/// The reason another Carrack named in its words. Only those about files, and that there are too many of us: a stranger may
/// write what it likes, and no word of it shall pass for a failure of ours.
fn told_by_carrack(kind: Kind, text: &[u8]) -> Option<Reason> {
    let reason = named(text)?;
    let is_full = matches!(reason, Reason::TooManySessions | Reason::TooManyFromAddress | Reason::TooManyOfUser);
    match kind {
        Kind::LoginRefused | Kind::ServerClosing if is_full => Some(Reason::TooManyConnections),
        kind if is_about_a_file(kind) => told_about_files(text),
        _ => None,
    }
}

/// The reason about files that another Carrack named in its words.
pub(crate) fn told_about_files(text: &[u8]) -> Option<Reason> {
    named(text).filter(|reason| reason.code().starts_with("CRK-2"))
}

fn named(text: &[u8]) -> Option<Reason> {
    let text = std::str::from_utf8(text).ok()?;
    let at = text.rfind("CRK-")?;
    Reason::by_code(text.get(at..at + 7)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::ftp::client::Wait;
    use proto::ftp::reply::Reply;
    use std::collections::HashSet;

    #[test]
    fn every_kind_has_a_reason_of_its_own() {
        let reasons: HashSet<_> = Kind::ALL.iter().map(|&kind| reason(kind)).collect();
        assert_eq!(reasons.len(), Kind::ALL.len());
        for kind in Kind::ALL {
            assert_eq!(is_passing(reason(kind)), kind.is_passing(), "{kind:?}");
        }
    }

    #[test]
    fn another_carrack_names_its_reasons_and_others_cannot_feign_ours() {
        let said = |code, text: &'static str| error(&Failure::refused(Reply::fixed(code, text))).reason;
        assert_eq!(said(550, "that is a folder and not a file (CRK-204)"), Reason::IsAFolder);
        assert_eq!(said(551, "beyond the end (CRK-221)."), Reason::BeyondEnd);
        assert_eq!(said(550, "nothing (CRK-709)"), Reason::ServerRefused);
        assert_eq!(said(421, "bye (CRK-201)"), Reason::ServerClosing);
        assert_eq!(said(550, "CRK-2"), Reason::ServerRefused);
        assert_eq!(said(530, "This user has as many sessions as it may have (CRK-106)."), Reason::TooManyConnections);
    }

    #[test]
    fn it_says_what_was_waited_for_and_what_was_said() {
        assert_eq!(
            error(&Failure::timeout(Wait::Greeting)).to_string(),
            "CRK-702 the server took too long (waiting for: greeting)"
        );
        let e = error(&Failure::refused(Reply::fixed(550, "No such\nfile\x1b[2J")));
        assert_eq!(e.detail.as_deref(), Some("the server said: 550 No such / file\\u{1b}[2J"));
    }
}
