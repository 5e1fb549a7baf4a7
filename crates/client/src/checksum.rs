//! Is a copy the same as its original? Digests of files: told by the server where it can, else by reading them.

use std::fmt;

use io::body::Source;
use io::pump::Pieces;
pub use proto::ftp::digest::Algorithm;
use proto::ftp::digest::{Digester, hex};
use types::{Error, VPath};
use vfs::{Owner, Storage};

use crate::remote::Remote;

/// A digest, and how it was made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checksum {
    /// How it was made.
    pub algorithm: Algorithm,
    /// Its bytes, as many as [`Algorithm::length`] says.
    pub digest: Box<[u8]>,
}

impl Checksum {
    /// Reads a digest's hexadecimal digits; `None` where they are no digest of this kind. Servers leave out a CRC's leading
    /// zeros.
    pub fn from_hex(algorithm: Algorithm, digits: &str) -> Option<Self> {
        let wanted = 2 * algorithm.length();
        let is_short = algorithm == Algorithm::Crc32 && !digits.is_empty() && digits.len() < wanted;
        if (digits.len() != wanted && !is_short) || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let full = format!("{digits:0>wanted$}");
        let byte = |n: usize| u8::from_str_radix(full.get(2 * n..2 * n + 2)?, 16).ok();
        let digest = (0..algorithm.length()).map(byte).collect::<Option<_>>()?;
        Some(Self { algorithm, digest })
    }

    /// The digest in hexadecimal digits.
    pub fn hex(&self) -> Box<str> {
        hex(&self.digest)
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.algorithm, self.hex())
    }
}

/// The digest of a body, read to its end.
///
/// # Errors
/// The body's.
pub async fn of_body(source: Source, algorithm: Algorithm) -> Result<Checksum, Error> {
    let (mut digester, mut pieces) = (Digester::new(algorithm), Pieces::of(source));
    while let Some(piece) = pieces.next().await? {
        digester.push(&piece);
        tokio::task::consume_budget().await;
    }
    Ok(Checksum { algorithm, digest: digester.finish() })
}

/// The digest of a file by one of these algorithms, the first that will do: the server's own, else by reading the file.
///
/// # Errors
/// The storage's.
pub async fn of_file(
    storage: &dyn Storage,
    remote: Option<&dyn Remote>,
    path: &VPath,
    owner: &Owner,
    wanted: &[Algorithm],
) -> Result<Checksum, Error> {
    if let Some(remote) = remote
        && let Some(checksum) = remote.checksum(path, wanted).await?
    {
        return Ok(checksum);
    }
    let (_, body) = storage.read(path, 0, owner).await?;
    of_body(body, wanted.first().copied().unwrap_or(Algorithm::Sha256)).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    /// The digests of "abc", from RFC 6234 §8.5, RFC 3174 §7.3 and RFC 1321 §A.5; the CRC is of "123456789", as in the
    /// catalogue of CRCs.
    #[tokio::test]
    async fn known_texts_have_their_known_digests() {
        for (algorithm, text, hex) in [
            (Algorithm::Sha256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                Algorithm::Sha512,
                "abc",
                "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
            ),
            (Algorithm::Sha1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (Algorithm::Md5, "abc", "900150983cd24fb0d6963f7d28e17f72"),
            (Algorithm::Crc32, "123456789", "cbf43926"),
        ] {
            let checksum = of_body(Source::from_bytes(Bytes::from_static(text.as_bytes())), algorithm).await.unwrap();
            assert_eq!((&*checksum.hex(), checksum.digest.len()), (hex, algorithm.length()));
            assert_eq!(Checksum::from_hex(algorithm, &hex.to_ascii_uppercase()), Some(checksum));
        }
    }

    #[test]
    fn digits_that_are_no_digest_are_none() {
        for digits in [
            "",
            "12",
            "zz",
            "900150983cd24fb0d6963f7d28e17f7",
            "900150983cd24fb0d6963f7d28e17f7é",
            "+00150983cd24fb0d6963f7d28e17f72",
        ] {
            assert_eq!(Checksum::from_hex(Algorithm::Md5, digits), None, "{digits}");
        }
        assert_eq!(Checksum::from_hex(Algorithm::Crc32, "1f").unwrap().hex().as_ref(), "0000001f");
        assert_eq!(Checksum::from_hex(Algorithm::Crc32, ""), None);
    }

    #[test]
    fn algorithms_go_by_several_names() {
        for (name, expected) in [
            ("sha256", Some(Algorithm::Sha256)),
            ("SHA-1", Some(Algorithm::Sha1)),
            ("Crc_32", Some(Algorithm::Crc32)),
            ("sha3", None),
        ] {
            assert_eq!(Algorithm::meant(name), expected);
        }
    }
}
