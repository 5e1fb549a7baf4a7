//! Which reply code does an error in the tree get (RFC 959 §4.2 and §5.4)? The one table.
//!
//! The first digit says whether trying again may help (4) or not (5); RFC 959 §5.4 says which codes a command may
//! use, so commands that store have their own word for names (553). For LIST and NLST it has no 550, only 450, which tells
//! programs to come again; a name that is not there stays away, so listings say 550 like all others (RFC 3659 §7.2.1 gives
//! it to MLSD).

use types::Reason;

/// The code for a reason, for commands that neither store nor name anything new.
pub const fn reply_code(reason: Reason) -> u16 {
    use Reason as R;
    match reason {
        // Names and what stands under them: the same again fails again.
        R::NotFound
        | R::Exists
        | R::NotAFolder
        | R::IsAFolder
        | R::NotEmpty
        | R::NotRegular
        | R::LeadsOutside
        | R::LinkLoop
        | R::NameTooLong
        | R::BadName
        | R::Denied
        | R::StorageDenied
        | R::ReadOnly
        | R::Unsupported
        | R::CrossMount
        | R::NotALink
        | R::UnknownMount
        | R::MessagesDenied
        | R::NoRecipient
        | R::NoMailbox
        | R::MountPoint
        | R::MountGone => 550,
        // Space: the disk may have some later (452), an allowance is an allowance (552).
        R::NoSpace | R::TooManyRecipients => 452,
        R::OverQuota | R::TooLarge | R::MessageTooLarge => 552,
        R::Busy | R::TooManyTransfers | R::NotHere | R::MailboxFull => 450,
        R::Io | R::AuditFull | R::TooMany | R::SizeMismatch | R::Shrunk | R::NoBuffers => 451,
        // REST itself was taken; it is the transfer that finds nothing there, and RFC 959 §5.4 gives RETR 551 or 550.
        R::BeyondEnd => 551,
        // The data connection: not had (425), or had and lost (426).
        R::DataNeverCame | R::DataRefused | R::DataUnreachable | R::NoPassivePort => 425,
        R::DataStalled | R::DataReset | R::DataTruncated | R::DataSpoilt | R::DataUnsealed | R::BodyCut | R::Cancelled => 426,
        // A body that is not what it was said to be: "page type unknown" is the RFC's word for it.
        R::BodyBlock | R::BodyDeflate | R::BodyRecord | R::BodyPage | R::BodyMarker | R::BodyBeyond => 551,
        R::NotAPicture | R::PictureTooLarge => 551,
        // A data connection that was asked for and is not allowed: RFC 1123 §4.1.2.12 and RFC 2577 want 5xx, and the
        // parameter is what is wrong.
        R::DataForeign | R::DataPortLow | R::OnlyEpsv | R::NoActive | R::NoPassive | R::PrivateAnnounced => 501,
        // RFC 2428 §2.
        R::DataFamily => 522,
        // RFC 4217 §10: PROT is not enough for this server (521), or TLS on the data connection came to nothing (522).
        R::DataUnprotected => 521,
        R::DataTls | R::DataNotResumed => 522,
        // RFC 2228 §5.1: nothing there to protect with now (431), and what policy does not allow (534).
        R::TlsUnavailable => 431,
        R::TlsKeepsOn | R::ExchangeRefused => 534,
        // RFC 2228 §5.1 has codes of its own for what an exchange and its protection come to.
        R::TokenCoding => 501,
        R::TokenRefused => 535,
        R::CommandUnprotected => 533,
        R::KerberosAbsent | R::KeytabUnreadable => 431,
        R::PrincipalRefused => 530,
        // The door.
        R::LoginWrong
        | R::PlainLogin
        | R::LoginUnprotected
        | R::UserDisabled
        | R::AddressNotAllowed
        | R::AccountWrong
        | R::TooManyOfUser
        | R::NotLoggedIn => 530,
        // RFC 7151 §3.2.1: an unknown host is 504.
        R::UnknownHost => 504,
        // The control connection closes.
        R::Banned
        | R::TooManySessions
        | R::TooManyFromAddress
        | R::TooManyTries
        | R::ShuttingDown
        | R::IdleTimeout
        | R::RepliesUnread
        | R::LoginTimeout
        | R::Kicked
        | R::Overloaded
        | R::TooManyHeld
        | R::TlsHandshake
        | R::TlsPlain
        | R::TlsBehindAuth
        | R::TlsCertificateNeeded
        | R::TlsCertificateRefused
        | R::TlsDistrusted
        | R::TlsAlpn
        | R::TlsVersion
        | R::TlsTimeout
        | R::TlsClearing
        | R::Config
        | R::Bind
        | R::AcmeUnreachable
        | R::AcmeRefused
        | R::AcmeChallenge
        | R::AcmeState => 421,
        // What the peer said.
        R::LineTooLong | R::Unknown => 500,
        R::BadByte | R::Syntax => 501,
        R::NotServed | R::HistoricOff => 502,
        R::NotNow => 503,
        R::BadParameter => 504,
        // SFTP's own; no FTP session meets them.
        R::HandleUnknown
        | R::TooManyHandles
        | R::HandleMode
        | R::OperationUnknown
        | R::DigestUnknown
        | R::PacketTooLong
        | R::PacketBroken
        | R::SftpVersion
        | R::NotInitialized
        | R::RequestArgument
        | R::ScpCommand
        | R::ScpMessage
        | R::ScpName
        | R::ScpFolder
        | R::ScpWarned
        | R::RequestsUnanswered => 451,
        // What befalls a client; a storage that is another server may bring it here. Worth another try (451), or not (550).
        R::Unreachable
        | R::TooSlow
        | R::NotTheProtocol
        | R::Disconnected
        | R::ServerClosing
        | R::TooManyConnections
        | R::LoginRefused
        | R::HostKeyUnknown
        | R::HostKeyChanged
        | R::HostKeyRevoked
        | R::HostCertificate
        | R::JumpFailed
        | R::ProxyCommand
        | R::NoSftp
        | R::ScpUnasked
        | R::ScpBare
        | R::ScpSize
        | R::ScpAbsent
        | R::SshSilent
        | R::SshFailed
        | R::AccountNeeded
        | R::NotProtected
        | R::CertificateDistrusted
        | R::DataNotProtected
        | R::NoDataConnection
        | R::TransferCut
        | R::TransferShort
        | R::SourceChanged
        | R::ServerFault
        | R::ChecksumDiffers
        | R::ProxyRefused
        | R::ProxyLogin
        | R::NoProxy
        // What befalls an SSH session, here or at another server that is a storage.
        | R::SshProtocol
        | R::SshNegotiation
        | R::SshNothingServed
        | R::SshChannels
        | R::SshStartups
        | R::SshHostKey
        | R::NotInCharset
        | R::NoCharset
        | R::NoExchange => 451,
        R::KeyRefused | R::KeyNotEnough => 530,
        R::NoRestart
        | R::ServerRefused
        | R::BadUrl
        | R::SchemeUnserved
        | R::ResumeDiffers
        | R::ListingUnsure
        | R::TooMuchToRemove
        | R::TftpNoAnswer
        | R::TftpBare
        | R::TftpNoUploads
        | R::TftpRule
        | R::TftpQuirk
        | R::PlanOutdated
        | R::PlanUnreadable
        | R::PasswordMissing
        | R::PasswordUnusable
        | R::BadBookmark
        | R::BadLine
        | R::LinkLeadsOut
        | R::NoKeyring => 550,
    }
}

/// The code for a reason, for commands that store under a name: STOR, STOU, APPE. RFC 959 §5.4
/// lets them say 553, "file name not allowed", and 452 for the space.
pub const fn store_code(reason: Reason) -> u16 {
    use Reason as R;
    match reason {
        R::Exists
        | R::NotAFolder
        | R::IsAFolder
        | R::NotRegular
        | R::LeadsOutside
        | R::LinkLoop
        | R::NameTooLong
        | R::BadName
        | R::Denied
        | R::StorageDenied
        | R::ReadOnly
        | R::CrossMount
        | R::MountPoint
        | R::NotFound => 553,
        other => reply_code(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_code_of_the_rfcs() {
        // RFC 959 §4.2, 2228, 2428, 4217, 7151; what a refusal may say.
        let negative =
            [421, 425, 426, 431, 450, 451, 452, 500, 501, 502, 503, 504, 521, 522, 530, 533, 534, 535, 550, 551, 552, 553];
        for &reason in Reason::ALL {
            for code in [reply_code(reason), store_code(reason)] {
                assert!(negative.contains(&code), "{reason}: {code}");
            }
        }
    }

    #[test]
    fn file_reasons_keep_to_the_codes_of_their_commands() {
        // RFC 959 §5.4: what STOR may say once a name was given (and 425 and 426 of the data connection).
        let stor = [425, 426, 450, 451, 452, 551, 552, 553, 532, 530, 500, 501, 421, 550];
        for &reason in Reason::ALL.iter().filter(|r| r.code().starts_with("CRK-2")) {
            assert!(stor.contains(&store_code(reason)), "{reason}");
        }
    }

    #[test]
    fn the_ones_clients_act_on() {
        assert_eq!(reply_code(Reason::NotFound), 550);
        assert_eq!(store_code(Reason::Denied), 553);
        assert_eq!(store_code(Reason::NoSpace), 452);
        assert_eq!(store_code(Reason::OverQuota), 552);
        assert_eq!(reply_code(Reason::Io), 451);
        assert_eq!(reply_code(Reason::Busy), 450);
        assert_eq!(reply_code(Reason::DataNeverCame), 425);
        assert_eq!(reply_code(Reason::DataReset), 426);
        assert_eq!(reply_code(Reason::LoginWrong), 530);
    }
}
