//! Which status does an error in the tree get (draft-ietf-secsh-filexfer-02 §7)? The one table, and the way back.

use types::{Error, Reason};

/// The code of a STATUS.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Code(pub u32);

impl Code {
    /// It is done.
    pub const OK: Self = Self(0);
    /// There is no more.
    pub const EOF: Self = Self(1);
    /// No such file.
    pub const NO_SUCH_FILE: Self = Self(2);
    /// Permission denied.
    pub const PERMISSION_DENIED: Self = Self(3);
    /// It failed, for a reason that has no code of its own.
    pub const FAILURE: Self = Self(4);
    /// The packet does not hold what it must.
    pub const BAD_MESSAGE: Self = Self(5);
    /// There is no connection (said by programs to themselves).
    pub const NO_CONNECTION: Self = Self(6);
    /// The connection was lost (said by programs to themselves).
    pub const CONNECTION_LOST: Self = Self(7);
    /// That is not served.
    pub const OP_UNSUPPORTED: Self = Self(8);

    /// What a code means, in the draft's words or near them.
    pub const fn meaning(self) -> &'static str {
        match self.0 {
            0 => "success",
            1 => "end of file",
            2 => "no such file",
            3 => "permission denied",
            5 => "bad message",
            6 => "no connection",
            7 => "connection lost",
            8 => "operation unsupported",
            _ => "failure",
        }
    }

    /// What a client learns from it where the server says nothing more.
    pub const fn reason(self) -> Reason {
        match self {
            Self::NO_SUCH_FILE => Reason::NotFound,
            Self::PERMISSION_DENIED => Reason::Denied,
            Self::BAD_MESSAGE => Reason::PacketBroken,
            Self::NO_CONNECTION | Self::CONNECTION_LOST => Reason::Disconnected,
            Self::OP_UNSUPPORTED => Reason::OperationUnknown,
            _ => Reason::ServerRefused,
        }
    }
}

/// The code for a reason.
pub const fn code(reason: Reason) -> Code {
    use Reason as R;
    match reason {
        R::NotFound | R::NotAFolder | R::UnknownMount => Code::NO_SUCH_FILE,
        R::LeadsOutside
        | R::Denied
        | R::StorageDenied
        | R::ReadOnly
        | R::MountPoint
        | R::UserDisabled
        | R::AddressNotAllowed
        | R::NotLoggedIn => Code::PERMISSION_DENIED,
        R::PacketBroken | R::PacketTooLong => Code::BAD_MESSAGE,
        R::OperationUnknown | R::Unsupported | R::NotServed => Code::OP_UNSUPPORTED,
        _ => Code::FAILURE,
    }
}

/// What a status says to people: cause, code and remedy.
pub fn message(reason: Reason) -> String {
    format!("{} ({}). {}", reason.cause(), reason.code(), reason.remedy())
}

/// What a status means for a client: the reason that stands in the server's message if it is one of ours, else what the
/// code says; the message is the detail.
pub fn learned(code: Code, message: &[u8]) -> Error {
    let text = String::from_utf8_lossy(message);
    let ours = text.find("CRK-").and_then(|at| text.get(at..at + 7)).and_then(Reason::by_code);
    match ours {
        Some(reason) if self::code(reason) == code => Error::new(reason),
        _ if text.trim().is_empty() => Error::with(code.reason(), code.meaning()),
        _ => Error::with(code.reason(), text.trim()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_learned_as_it_was_meant() {
        for &reason in Reason::ALL {
            assert!((2..=8).contains(&code(reason).0), "{reason}");
            assert_eq!(learned(code(reason), message(reason).as_bytes()), Error::new(reason));
        }
    }

    #[test]
    fn the_ones_clients_act_on() {
        assert_eq!(code(Reason::NotFound), Code::NO_SUCH_FILE);
        assert_eq!(code(Reason::Denied), Code::PERMISSION_DENIED);
        assert_eq!(code(Reason::Exists), Code::FAILURE);
        assert_eq!(code(Reason::OperationUnknown), Code::OP_UNSUPPORTED);
        assert_eq!(learned(Code::NO_SUCH_FILE, b"No such file"), Error::with(Reason::NotFound, "No such file"));
        assert_eq!(learned(Code::FAILURE, b""), Error::with(Reason::ServerRefused, "failure"));
        assert_eq!(learned(Code::FAILURE, b"CRK-201 and \xff").reason, Reason::ServerRefused, "another code than it had");
    }
}
