//! Which exit code does a failure get? One table, for scripts: the codes never change their meaning.
//!
//! | code | meaning |
//! | ---: | --- |
//! | 0 | all is done |
//! | 1 | some of it failed, the rest is done |
//! | 2 | the command line, or a plan, is wrong |
//! | 3 | the URL or the bookmark cannot be used |
//! | 4 | it is known and not served by this build, or the server cannot do it |
//! | 6 | the server cannot be reached |
//! | 7 | the server does not keep to the protocol, or went away |
//! | 8 | something took longer than its limit |
//! | 9 | permission denied |
//! | 18 | a file did not arrive whole |
//! | 23 | this side could not be read or written |
//! | 30 | no data connection could be had |
//! | 35 | the connection cannot be protected as it must be |
//! | 60 | the server's certificate is not trusted, or its host key is not known or has changed |
//! | 67 | the login was refused, or has no password |
//! | 70 | there is no room |
//! | 73 | it exists already, or is not empty |
//! | 75 | the server takes no more connections, or is busy: try again later |
//! | 78 | no such file or folder |
//! | 79 | SSH or SFTP cannot go on |
//! | 85 | what was found is not sure enough to go on |
//! | 97 | the proxy refused, or is none |
//! | 130 | it was cancelled |

use types::Reason;

/// Some of it failed, the rest is done.
pub const PARTLY: u8 = 1;

/// The exit code of a failure. Where curl has a number for it, it is curl's.
pub const fn code(reason: Reason) -> u8 {
    match reason {
        Reason::BadUrl | Reason::BadBookmark | Reason::NoCharset => 3,
        Reason::BadLine | Reason::PlanUnreadable | Reason::Syntax => 2,
        Reason::SchemeUnserved
        | Reason::NoExchange
        | Reason::Unsupported
        | Reason::NoRestart
        | Reason::NotServed
        | Reason::TftpBare
        | Reason::ScpBare
        | Reason::ScpSize
        | Reason::ScpAbsent
        | Reason::NoSftp => 4,
        Reason::Unreachable | Reason::TftpNoAnswer | Reason::JumpFailed | Reason::ProxyCommand => 6,
        Reason::NotTheProtocol | Reason::Disconnected | Reason::ServerClosing | Reason::ServerRefused | Reason::ServerFault => 7,
        Reason::TooSlow | Reason::SshSilent => 8,
        Reason::Denied | Reason::StorageDenied | Reason::ReadOnly => 9,
        Reason::TransferCut | Reason::TransferShort | Reason::SourceChanged | Reason::Shrunk | Reason::ChecksumDiffers => 18,
        Reason::NoDataConnection => 30,
        Reason::NotProtected | Reason::DataNotProtected => 35,
        Reason::CertificateDistrusted
        | Reason::HostKeyUnknown
        | Reason::HostKeyChanged
        | Reason::HostKeyRevoked
        | Reason::HostCertificate => 60,
        Reason::SshFailed | Reason::SftpVersion => 79,
        Reason::ScpMessage | Reason::ScpName | Reason::ScpUnasked | Reason::ScpWarned => 7,
        Reason::LoginRefused | Reason::AccountNeeded | Reason::PasswordMissing | Reason::PasswordUnusable | Reason::NoKeyring => {
            67
        }
        Reason::NoSpace | Reason::OverQuota | Reason::TooLarge => 70,
        Reason::Exists | Reason::NotEmpty => 73,
        Reason::TooManyConnections | Reason::Busy => 75,
        Reason::NotFound | Reason::NotAFolder | Reason::IsAFolder => 78,
        Reason::ListingUnsure | Reason::ResumeDiffers | Reason::TooMuchToRemove | Reason::PlanOutdated | Reason::LinkLeadsOut => {
            85
        }
        Reason::ProxyRefused | Reason::ProxyLogin | Reason::NoProxy => 97,
        Reason::Cancelled => 130,
        _ => 23,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::ftp::client::Kind;

    #[test]
    fn every_code_is_in_the_table_and_no_failure_passes_for_success() {
        let (table, documented) = (include_str!("exit.rs"), include_str!("../../../docs/json.md"));
        for &reason in Reason::ALL {
            let code = code(reason);
            assert!(code > PARTLY && table.contains(&format!("//! | {code} |")), "{reason:?} {code}");
            assert!(documented.contains(&format!("\n| {code} |")), "docs/json.md lacks {reason:?} {code}");
        }
        for kind in Kind::ALL {
            let own = code(crate::failure::reason(kind));
            assert!(own != 23 || matches!(kind, Kind::Local | Kind::BadName), "{kind:?} has no code of its own");
        }
    }
}
