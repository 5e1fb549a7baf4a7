//! Which digest does a server tell of a file (check-file-name, draft-ietf-secsh-filexfer-extensions-00 §3)?

use proto::sftp::client::Answer;
use proto::sftp::digest::{Digest, told};
use proto::sftp::extension::{Check, Extension};
use proto::sftp::request::Request;
use types::{Error, Reason};

use super::session::Connection;
use crate::checksum::{Algorithm, Checksum};

const fn digest(algorithm: Algorithm) -> Digest {
    match algorithm {
        Algorithm::Sha256 => Digest::Sha256,
        Algorithm::Sha512 => Digest::Sha512,
        Algorithm::Sha1 => Digest::Sha1,
        Algorithm::Md5 => Digest::Md5,
        Algorithm::Crc32 => Digest::Crc32,
    }
}

/// The digest of a file, by the first of these algorithms that the server has; `None` where it has none of them.
///
/// # Errors
/// The server's, and [`Reason::NotTheProtocol`] for an answer that is no digest, or none that was asked for.
pub(super) async fn ask(connection: &Connection, path: Box<[u8]>, wanted: &[Algorithm]) -> Result<Option<Checksum>, Error> {
    // It is announced by the first of these names, and asked for by the second.
    if !connection.server.serves("check-file") && !connection.server.serves("check-file-name") {
        return Ok(None);
    }
    let names: Vec<&str> = wanted.iter().map(|algorithm| digest(*algorithm).name()).collect();
    let names = names.join(",");
    let asking = connection.call_long(move |session, call| {
        let check = Check { algorithms: names.as_bytes(), offset: 0, length: 0, block: 0 };
        session.call(call, &Request::Extended(Extension::CheckFileName { path: &path, check }));
    });
    let body = match asking.await {
        Ok(Answer::Extended(body)) => body,
        Ok(_) => return Err(Error::with(Reason::NotTheProtocol, "it does not tell the digest")),
        Err(e) if matches!(e.reason, Reason::Unsupported | Reason::DigestUnknown | Reason::ServerRefused) => return Ok(None),
        Err(e) => return Err(e),
    };
    let known = told(&body).and_then(|(kind, bytes)| {
        let algorithm = wanted.iter().copied().find(|algorithm| digest(*algorithm) == kind)?;
        Some(Checksum { algorithm, digest: bytes.into() })
    });
    known.map(Some).ok_or_else(|| Error::with(Reason::NotTheProtocol, "what it tells is no digest that was asked for"))
}
