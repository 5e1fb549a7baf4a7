//! Which digests does `check-file` name (draft-ietf-secsh-filexfer-extensions-00 §3)?

use super::wire::Reader;

/// A digest of bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Digest {
    /// MD5 (RFC 1321): against accidents alone.
    Md5,
    /// SHA-1 (RFC 3174): against accidents alone.
    Sha1,
    /// SHA-224 (RFC 6234).
    Sha224,
    /// SHA-256 (RFC 6234).
    Sha256,
    /// SHA-384 (RFC 6234).
    Sha384,
    /// SHA-512 (RFC 6234).
    Sha512,
    /// CRC-32 as in IEEE 802.3: against accidents alone.
    Crc32,
}

impl Digest {
    /// All there are.
    pub const ALL: [Self; 7] = [Self::Md5, Self::Sha1, Self::Sha224, Self::Sha256, Self::Sha384, Self::Sha512, Self::Crc32];

    /// Its name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Md5 => "md5",
            Self::Sha1 => "sha1",
            Self::Sha224 => "sha224",
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
            Self::Crc32 => "crc32",
        }
    }

    /// How many bytes it has.
    pub const fn length(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha224 => 28,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
            Self::Crc32 => 4,
        }
    }

    /// The first of a list with commas that is also among `served`.
    pub fn choose(list: &[u8], served: &[Self]) -> Option<Self> {
        list.split(|&b| b == b',').find_map(|name| {
            served.iter().copied().find(|digest| digest.name().as_bytes().eq_ignore_ascii_case(name.trim_ascii()))
        })
    }
}

/// What a server answers: the digest's kind and its bytes. Some put the extension's name before it, and some do not.
pub fn told(body: &[u8]) -> Option<(Digest, &[u8])> {
    let mut r = Reader::new(body);
    let mut name = r.string().ok()?;
    if name == b"check-file" {
        name = r.string().ok()?;
    }
    let digest = Digest::choose(name, &Digest::ALL)?;
    let bytes = r.rest();
    (bytes.len() == digest.length()).then_some((digest, bytes))
}

#[cfg(test)]
mod tests {
    use super::{Digest, told};

    #[test]
    fn answers_with_and_without_the_name_and_none_that_is_cut() {
        let short = b"\0\0\0\x03md50123456789abcdef";
        let long = [&b"\0\0\0\x0acheck-file"[..], short].concat();
        for body in [&short[..], &long] {
            assert_eq!(told(body), Some((Digest::Md5, &b"0123456789abcdef"[..])));
            for cut in 0..body.len() {
                assert_eq!(told(&body[..cut]), None);
            }
        }
        assert_eq!(told(b"\0\0\0\x03md60123456789abcdef"), None);
    }

    #[test]
    fn the_clients_order_decides() {
        let served = [Digest::Md5, Digest::Sha256];
        assert_eq!(Digest::choose(b"sha512, sha256,md5", &served), Some(Digest::Sha256));
        assert_eq!(Digest::choose(b"crc32", &served), None);
        assert_eq!(Digest::choose(b"", &served), None);
        for digest in Digest::ALL {
            assert_eq!(Digest::choose(digest.name().as_bytes(), &Digest::ALL), Some(digest));
        }
    }
}
