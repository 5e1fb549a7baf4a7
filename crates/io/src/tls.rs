//! How does a connection become private? TLS 1.2 and 1.3 over a [`Stream`], driven here record by record
//! (RFC 4217, RFC 5246, RFC 8446).
//!
//! The sans-IO form of rustls is driven without a ready-made stream, for three reasons: TLS can be left again in the
//! midst of a connection, an idle connection keeps no buffer, and a body is decrypted where it was received.

mod certificates;
mod clear;
mod client;
mod failure;
mod handshake;
pub mod hello;
mod layer;
mod server;
mod store;
#[cfg(test)]
pub(crate) mod tests;

use std::fmt;
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::{CipherSuite, CommonState, HandshakeKind, ProtocolVersion};

pub use certificates::{Certificate, Certificates, Files, LoadError, Roots, self_signed};
pub use clear::Leftover;
pub use client::{Client, ClientSession, Trust};
pub use failure::Failure;
pub use layer::Layer;
pub use server::{Clients, Server, ServerSession, Settings};
pub use store::Claim;

#[cfg(doc)]
use crate::stream::Stream;

/// What a handshake came to. Prints as people read it: `TLS 1.3 AES-256-GCM, resumed`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Secured {
    version: ProtocolVersion,
    suite: CipherSuite,
    is_resumed: bool,
    names: Box<[Box<str>]>,
}

impl Secured {
    fn of(state: &CommonState) -> Self {
        let certificate = state.peer_certificates().and_then(|chain| chain.first());
        Self {
            version: state.protocol_version().unwrap_or(ProtocolVersion::Unknown(0)),
            suite: state.negotiated_cipher_suite().map_or(CipherSuite::Unknown(0), |suite| suite.suite()),
            is_resumed: state.handshake_kind() == Some(HandshakeKind::Resumed),
            names: certificate.map(|der| certificates::names_for_login(der)).unwrap_or_default(),
        }
    }

    /// Whether an earlier session was resumed. On a connection of a [`ServerSession`] this proves that the other end
    /// is the one that holds that very session.
    pub const fn is_resumed(&self) -> bool {
        self.is_resumed
    }

    /// The version, such as `TLS 1.3`.
    pub const fn version(&self) -> &'static str {
        match self.version {
            ProtocolVersion::TLSv1_3 => "TLS 1.3",
            ProtocolVersion::TLSv1_2 => "TLS 1.2",
            _ => "TLS",
        }
    }

    /// The cipher, such as `AES-256-GCM`.
    pub fn cipher(&self) -> &'static str {
        let suite = self.suite.as_str().unwrap_or_default();
        if suite.contains("AES_256_GCM") {
            "AES-256-GCM"
        } else if suite.contains("AES_128_GCM") {
            "AES-128-GCM"
        } else if suite.contains("CHACHA20") {
            "ChaCha20-Poly1305"
        } else {
            "unknown cipher"
        }
    }

    /// The names on the other end's certificate, which the handshake has verified: DNS names, addresses of mail, URIs
    /// and the subject's common name. Empty where it showed none.
    pub fn names(&self) -> &[Box<str>] {
        &self.names
    }
}

impl fmt::Display for Secured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.version(), self.cipher())?;
        if self.is_resumed { f.write_str(", resumed") } else { Ok(()) }
    }
}

/// The cryptography in use: AES-GCM and ChaCha20-Poly1305 with ephemeral elliptic curves, and nothing older.
fn provider() -> Arc<CryptoProvider> {
    use std::sync::LazyLock;
    static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| Arc::new(aws_lc_rs::default_provider()));
    PROVIDER.clone()
}
