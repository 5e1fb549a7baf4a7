//! Which reply code does an error in the tree get (RFC 959 §4.2 and §5.4)? The one table.

use types::Reason;

/// The reply code of a refusal or failure.
pub const fn reply_code(reason: Reason) -> u16 {
    use Reason as R;
    match reason {
        // The door. 421 closes the connection, 530 leaves it open.
        R::Banned
        | R::TooManySessions
        | R::TooManyFromAddress
        | R::TooManyTries
        | R::ShuttingDown
        | R::IdleTimeout
        | R::LoginTimeout
        | R::Kicked
        | R::UserDisabled
        | R::Overloaded
        | R::TooManyHeld => 421,
        R::LoginWrong | R::PlainLogin | R::TooManyOfUser | R::AddressNotAllowed | R::AccountWrong | R::NotLoggedIn => 530,
        R::UnknownHost | R::BadParameter => 504,
        // Files. 550 is final, 450 may be tried again, 552 is about room of the user's, 452 of the storage's.
        R::NotFound
        | R::Exists
        | R::NotAFolder
        | R::IsAFolder
        | R::NotEmpty
        | R::NotRegular
        | R::LeadsOutside
        | R::LinkLoop
        | R::Denied
        | R::StorageDenied
        | R::ReadOnly
        | R::Unsupported
        | R::UnknownMount
        | R::MountPoint
        | R::TooMany => 550,
        R::NameTooLong | R::BadName | R::CrossMount => 553,
        R::BeyondEnd => 554, // RFC 3659 §5.3: REST that cannot be honoured
        R::NoSpace => 452,
        R::OverQuota | R::TooLarge => 552,
        R::Busy | R::TooManyTransfers => 450,
        R::Io | R::SizeMismatch | R::AuditFull => 451,
        // The data connection. 425 never stood, 426 broke.
        R::DataNeverCame
        | R::DataRefused
        | R::DataUnreachable
        | R::DataForeign
        | R::NoPassivePort
        | R::NoActive
        | R::NoPassive => 425,
        R::DataStalled | R::DataReset | R::Cancelled => 426,
        R::DataPortLow | R::OnlyEpsv | R::Syntax | R::PrivateAnnounced => 501,
        R::DataFamily => 522,
        // The line itself.
        R::LineTooLong | R::BadByte | R::Unknown => 500,
        R::NotNow => 503,
        R::NotServed => 502,
        // These are told at start, not to a client.
        R::Config | R::Bind | R::MountGone => 451,
    }
}

/// The reply code where a file was to be stored: a name that cannot be used is 553 (RFC 959 §5.4, STOR and STOU).
pub const fn store_code(reason: Reason) -> u16 {
    match reason {
        Reason::IsAFolder | Reason::NotRegular | Reason::LeadsOutside | Reason::Exists => 553,
        other => reply_code(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_failures_that_rfc_959_and_its_successors_have() {
        let known = [421, 425, 426, 450, 451, 452, 500, 501, 502, 503, 504, 522, 530, 550, 552, 553, 554];
        for &reason in Reason::ALL {
            assert!(known.contains(&reply_code(reason)), "{reason}");
            assert!(known.contains(&store_code(reason)), "{reason}");
        }
        assert_eq!(reply_code(Reason::NoSpace), 452);
        assert_eq!(store_code(Reason::IsAFolder), 553);
    }
}
