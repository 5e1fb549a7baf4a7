//! What does an ERROR packet say (RFC 1350 §5 and appendix; code 8 of RFC 2347)? The one table from errors of the tree.

use types::Reason;

use super::packet::PacketError;

/// The code of an ERROR packet.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Code(pub u16);

impl Code {
    /// See the text.
    pub const UNDEFINED: Self = Self(0);
    /// File not found.
    pub const NOT_FOUND: Self = Self(1);
    /// Access violation.
    pub const ACCESS: Self = Self(2);
    /// Disk full or allocation exceeded.
    pub const FULL: Self = Self(3);
    /// Illegal TFTP operation.
    pub const ILLEGAL: Self = Self(4);
    /// Unknown transfer ID.
    pub const UNKNOWN_TID: Self = Self(5);
    /// File already exists.
    pub const EXISTS: Self = Self(6);
    /// No such user (of mail).
    pub const NO_USER: Self = Self(7);
    /// The options cannot be agreed upon.
    pub const OPTIONS: Self = Self(8);

    /// What a code means, in the RFC's words or near them.
    pub const fn meaning(self) -> &'static str {
        match self.0 {
            1 => "file not found",
            2 => "access violation",
            3 => "disk full or allocation exceeded",
            4 => "illegal TFTP operation",
            5 => "unknown transfer ID",
            6 => "file already exists",
            7 => "no such user",
            8 => "option negotiation failed",
            _ => "not defined",
        }
    }
}

/// The code for a reason. The text beside it is the reason itself, so that whoever sees it can look it up.
pub const fn code(reason: Reason) -> Code {
    use Reason as R;
    match reason {
        R::NotFound | R::NotAFolder | R::UnknownMount => Code::NOT_FOUND,
        R::IsAFolder
        | R::NotRegular
        | R::LeadsOutside
        | R::LinkLoop
        | R::NameTooLong
        | R::BadName
        | R::Denied
        | R::StorageDenied
        | R::ReadOnly
        | R::MountPoint
        | R::LoginWrong
        | R::Banned
        | R::PlainLogin
        | R::UserDisabled
        | R::AddressNotAllowed
        | R::NotLoggedIn
        | R::TftpNoUploads
        | R::TftpRule => Code::ACCESS,
        R::NoSpace | R::OverQuota | R::TooLarge => Code::FULL,
        R::Unknown | R::Syntax | R::BadByte | R::NotServed | R::NotNow => Code::ILLEGAL,
        R::Exists => Code::EXISTS,
        R::BadParameter => Code::OPTIONS,
        _ => Code::UNDEFINED,
    }
}

/// The code for a packet that cannot be read.
pub const fn unreadable(error: PacketError) -> Code {
    match error {
        PacketError::Unpaired | PacketError::Repeated => Code::OPTIONS,
        PacketError::Short | PacketError::Opcode(_) | PacketError::Unterminated | PacketError::Mode | PacketError::TooLong => {
            Code::ILLEGAL
        }
    }
}

/// An ERROR packet. The text is cut where it would not fit the smallest buffer there is (512 bytes).
pub fn error(code: Code, text: &str) -> Vec<u8> {
    error_as_it_is(code, text.get(..text.floor_char_boundary(MOST_TEXT)).unwrap_or_default().as_bytes())
}

/// An ERROR packet with a text of any bytes but NUL.
pub(super) fn error_as_it_is(code: Code, text: &[u8]) -> Vec<u8> {
    let mut packet = vec![0, 5];
    packet.extend_from_slice(&code.0.to_be_bytes());
    packet.extend(text.iter().filter(|&&b| b != 0));
    packet.push(0);
    packet
}

/// What fits an ERROR packet of 512 bytes.
const MOST_TEXT: usize = 507;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tftp::packet::Packet;

    #[test]
    fn errors_are_read_as_they_are_printed() {
        for &reason in Reason::ALL {
            let packet = error(code(reason), &reason.to_string());
            assert_eq!(Packet::parse(&packet), Ok(Packet::Error(code(reason), reason.to_string().as_bytes())));
        }
        assert_eq!(error(Code::FULL, &"x".repeat(9000)).len(), 512);
        assert_eq!(error(Code::FULL, &"ü".repeat(9000)).len(), 511, "no half of a letter");
        assert_eq!(error(Code(0), "a\0b"), b"\0\x05\0\0ab\0");
    }

    #[test]
    fn the_ones_clients_act_on() {
        assert_eq!(code(Reason::NotFound), Code::NOT_FOUND);
        assert_eq!(code(Reason::Denied), Code::ACCESS);
        assert_eq!(code(Reason::NoSpace), Code::FULL);
        assert_eq!(code(Reason::Exists), Code::EXISTS);
        assert_eq!(unreadable(PacketError::Mode), Code::ILLEGAL);
        assert_eq!(unreadable(PacketError::Repeated), Code::OPTIONS);
    }
}
