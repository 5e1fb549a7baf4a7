//! Which digests of a file can be told, and how are they written (draft-bryan-ftpext-hash §3)?

use std::fmt::{self, Write};

use md5::Md5;
use sha1::Sha1;
use sha2::digest::Update;
use sha2::{Digest, Sha256, Sha512};

/// A way to make a digest.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Algorithm {
    /// SHA-256.
    #[default]
    Sha256,
    /// SHA-512.
    Sha512,
    /// SHA-1: for partners that have nothing better.
    Sha1,
    /// MD5: as SHA-1.
    Md5,
    /// CRC-32 as in zip files: against accidents only.
    Crc32,
}

impl Algorithm {
    /// All of them, the best first.
    pub const ALL: [Self; 5] = [Self::Sha256, Self::Sha512, Self::Sha1, Self::Md5, Self::Crc32];

    /// The name HASH has for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "SHA-256",
            Self::Sha512 => "SHA-512",
            Self::Sha1 => "SHA-1",
            Self::Md5 => "MD5",
            Self::Crc32 => "CRC32",
        }
    }

    /// How many bytes its digests have.
    pub const fn length(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha512 => 64,
            Self::Sha1 => 20,
            Self::Md5 => 16,
            Self::Crc32 => 4,
        }
    }

    /// The one that people mean by this name: whatever its case, with or without hyphens.
    pub fn meant(name: &str) -> Option<Self> {
        let bare = |name: &str| name.replace(['-', '_'], "").to_ascii_lowercase();
        Self::ALL.into_iter().find(|algorithm| bare(algorithm.name()) == bare(name))
    }

    /// The one with this name, in any case.
    pub fn named(name: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name().as_bytes().eq_ignore_ascii_case(name))
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A digest in the making.
#[derive(Clone, Debug)]
pub struct Digester(State);

#[derive(Clone, Debug)]
enum State {
    Sha256(Sha256),
    Sha512(Sha512),
    Sha1(Sha1),
    Md5(Md5),
    Crc32(crc32fast::Hasher),
}

impl Digester {
    /// Of nothing yet.
    pub fn new(algorithm: Algorithm) -> Self {
        Self(match algorithm {
            Algorithm::Sha256 => State::Sha256(Sha256::default()),
            Algorithm::Sha512 => State::Sha512(Sha512::default()),
            Algorithm::Sha1 => State::Sha1(Sha1::default()),
            Algorithm::Md5 => State::Md5(Md5::default()),
            Algorithm::Crc32 => State::Crc32(crc32fast::Hasher::new()),
        })
    }

    /// Takes the next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            State::Sha256(state) => Update::update(state, bytes),
            State::Sha512(state) => Update::update(state, bytes),
            State::Sha1(state) => Update::update(state, bytes),
            State::Md5(state) => Update::update(state, bytes),
            State::Crc32(state) => state.update(bytes),
        }
    }

    /// The digest.
    pub fn finish(self) -> Box<[u8]> {
        match self.0 {
            State::Sha256(state) => state.finalize().to_vec().into(),
            State::Sha512(state) => state.finalize().to_vec().into(),
            State::Sha1(state) => state.finalize().to_vec().into(),
            State::Md5(state) => state.finalize().to_vec().into(),
            State::Crc32(state) => state.finalize().to_be_bytes().into(),
        }
    }
}

/// Hexadecimal digits, small letters.
pub fn hex(bytes: &[u8]) -> Box<str> {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(text, "{byte:02x}"); // a String takes all
    }
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_the_known_ones() {
        // RFC 1321 §A.5, FIPS 180-4's example "abc", and CRC-32 of the same.
        for (algorithm, expected) in [
            (Algorithm::Md5, "900150983cd24fb0d6963f7d28e17f72"),
            (Algorithm::Sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (Algorithm::Sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                Algorithm::Sha512,
                "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
            ),
            (Algorithm::Crc32, "352441c2"),
        ] {
            let mut digester = Digester::new(algorithm);
            digester.push(b"a");
            digester.push(b"bc");
            let digest = digester.finish();
            assert_eq!((&*hex(&digest), digest.len()), (expected, algorithm.length()), "{algorithm:?}");
            assert_eq!(Algorithm::named(algorithm.name().to_lowercase().as_bytes()), Some(algorithm));
        }
        assert_eq!(Algorithm::named(b"SHA-3"), None);
    }
}
