//! Why did TLS not come about, or break? One reason with a code, and a sentence.

use std::fmt;
use std::io;

use rustls::{AlertDescription, CertificateError, Error};
use rustls_pki_types::UnixTime;
use types::{Reason, Time};

use super::certificates::date;

/// A handshake, or a way back to clear text, that failed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// The code.
    pub reason: Reason,
    /// What exactly happened, for the log.
    pub detail: Box<str>,
}

impl Failure {
    pub(super) fn new(reason: Reason, detail: impl Into<Box<str>>) -> Self {
        Self { reason, detail: detail.into() }
    }

    /// What the library found wrong, seen from the end that serves (`true`) or the one that connects.
    pub(super) fn of(error: &Error, serves: bool) -> Self {
        let reason = match error {
            Error::NoApplicationProtocol => Reason::TlsAlpn,
            Error::PeerIncompatible(_) => Reason::TlsVersion,
            Error::NoCertificatesPresented => Reason::TlsCertificateNeeded,
            Error::InvalidCertificate(_) if serves => Reason::TlsCertificateRefused,
            Error::InvalidCertificate(_) => Reason::TlsDistrusted,
            Error::AlertReceived(alert) => told_by(*alert, serves),
            // The resolver had none to give.
            Error::General(text) if text.contains("certificate chain") => Reason::TlsUnavailable,
            _ => Reason::TlsHandshake,
        };
        let detail = match error {
            Error::AlertReceived(alert) => format!("the other end sent the alert {alert:?}"),
            Error::InvalidCertificate(fault) => words(fault),
            other => other.to_string(),
        };
        Self::new(reason, detail)
    }
}

/// What is wrong with a certificate, for people.
fn words(fault: &CertificateError) -> String {
    use CertificateError as C;
    let day = |time: &UnixTime| date(Time::from_seconds(time.as_secs().try_into().unwrap_or(i64::MAX)));
    match fault {
        C::Expired => "it has expired".into(),
        C::ExpiredContext { not_after, .. } => format!("it expired on {}", day(not_after)),
        C::NotValidYet => "it is not valid yet".into(),
        C::NotValidYetContext { not_before, .. } => format!("it is not valid before {}", day(not_before)),
        C::NotValidForName => "it is for another name".into(),
        C::NotValidForNameContext { expected, presented } => {
            // They come as DnsName("…") and IpAddress(…).
            let plain =
                |name: &String| name.split_once('(').map_or(&**name, |(_, name)| name).trim_matches(['(', ')', '"']).to_owned();
            let names: Vec<_> = presented.iter().map(plain).collect();
            let names = if names.is_empty() { "no name at all".into() } else { names.join(", ") };
            format!("it is for {names}, and not for {}", expected.to_str())
        }
        C::BadSignature => "it is not signed by whom it names".into(),
        C::UnknownIssuer => "nobody who is trusted here has signed it".into(),
        C::ApplicationVerificationFailure => "it is not the one whose fingerprint was given".into(),
        // webpki takes no authority for a server.
        C::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => {
            "it is signed by itself, as an authority's own is".into()
        }
        other => other.to_string(),
    }
}

/// What the other end's alert complains of (RFC 8446 §6.2).
fn told_by(alert: AlertDescription, serves: bool) -> Reason {
    use AlertDescription as A;
    match alert {
        A::UnknownCA
        | A::BadCertificate
        | A::CertificateUnknown
        | A::CertificateExpired
        | A::CertificateRevoked
        | A::UnsupportedCertificate
        | A::AccessDenied
        | A::UnrecognisedName => {
            if serves {
                Reason::TlsDistrusted
            } else {
                Reason::TlsCertificateRefused
            }
        }
        A::CertificateRequired => Reason::TlsCertificateNeeded,
        A::ProtocolVersion | A::HandshakeFailure | A::InsufficientSecurity => Reason::TlsVersion,
        A::NoApplicationProtocol => Reason::TlsAlpn,
        _ => Reason::TlsHandshake,
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.reason, self.detail)
    }
}

impl std::error::Error for Failure {}

impl From<io::Error> for Failure {
    fn from(e: io::Error) -> Self {
        Self::new(Reason::TlsHandshake, format!("the connection failed: {e}"))
    }
}
