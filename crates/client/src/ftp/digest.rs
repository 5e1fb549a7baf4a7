//! How does a server tell a file's digest? By HASH (draft-bryan-ftpext-hash-02), or by one of the older commands that have
//! no standard: XSHA256 and its like.

use proto::ftp::client::{Failure, Features, Kind, Operation, Outcome};
use proto::ftp::reply::Reply;
use types::{Error, Reason};

use super::Connection;
use crate::checksum::{Algorithm, Checksum};
use crate::failure;

/// The older commands for a kind of digest.
const fn commands(algorithm: Algorithm) -> &'static [&'static str] {
    match algorithm {
        Algorithm::Sha256 => &["XSHA256"],
        Algorithm::Sha512 => &["XSHA512"],
        Algorithm::Sha1 => &["XSHA1", "XSHA"],
        Algorithm::Md5 => &["XMD5", "MD5"],
        Algorithm::Crc32 => &["XCRC"],
    }
}

/// How a digest is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Way {
    /// HASH, once OPTS has chosen the algorithm.
    Hash,
    /// A command of its own.
    Command(&'static str),
}

/// The first algorithm of these that the server has, and how to ask.
fn choose(features: &Features, wanted: &[Algorithm]) -> Option<(Algorithm, Way)> {
    let offered = features.get("HASH").unwrap_or_default();
    wanted.iter().find_map(|&algorithm| {
        let is_offered = offered.split(';').any(|name| Algorithm::meant(name.trim().trim_end_matches('*')) == Some(algorithm));
        let command = || commands(algorithm).iter().find(|name| features.has(name)).map(|name| Way::Command(name));
        let way = if is_offered { Some(Way::Hash) } else { command() };
        way.map(|way| (algorithm, way))
    })
}

/// The digest in a reply. HASH names algorithm and range before it and the file behind it, MD5 the file before it, the
/// others nothing or all sorts of things.
fn read(algorithm: Algorithm, way: Way, reply: &Reply) -> Option<Checksum> {
    let text = String::from_utf8_lossy(&reply.text);
    let mut words = text.split_ascii_whitespace();
    let digest = |word: &str| Checksum::from_hex(algorithm, word);
    match way {
        Way::Hash => words.nth(2).and_then(digest),
        Way::Command("MD5") => words.next_back().and_then(digest),
        Way::Command(_) => words.find_map(digest),
    }
}

impl Connection {
    /// The digest of a file by one of these algorithms; `None` where the server has none of them.
    ///
    /// # Errors
    /// The server's refusal; [`Reason::NotTheProtocol`] where it says that it is done and gives no digest.
    pub async fn checksum(&self, path: &[u8], wanted: &[Algorithm]) -> Result<Option<Checksum>, Error> {
        let Some((algorithm, way)) = choose(&self.welcome().features, wanted) else { return Ok(None) };
        let command = match way {
            Way::Hash => {
                // Others use this session, too, and may have chosen another.
                let reply = self.say(format!("OPTS HASH {}", algorithm.name()).into_bytes()).await?;
                if reply.code != 200 {
                    return Ok(None);
                }
                "HASH"
            }
            Way::Command(name) => name,
        };
        let reply = self.say([command.as_bytes(), b" ", path].concat()).await?;
        match reply.code {
            // It is in FEAT and not there, or not for us: as if it were in neither.
            500..=504 => Ok(None),
            200..=299 => match read(algorithm, way, &reply) {
                Some(checksum) => Ok(Some(checksum)),
                None => Err(failure::error(&Failure::said(Kind::Protocol, reply))),
            },
            _ => Err(failure::error(&Failure::refused(reply))),
        }
    }

    async fn say(&self, line: Vec<u8>) -> Result<Reply, Error> {
        match self.run(Operation::Quote(line.into())).await? {
            Outcome::Reply(reply) => Ok(reply),
            _ => Err(Error::new(Reason::NotTheProtocol)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn features(lines: &[(&str, &str)]) -> Features {
        Features { known: true, lines: lines.iter().map(|&(name, rest)| (name.into(), rest.into())).collect() }
    }

    #[test]
    fn the_first_that_is_wanted_and_offered_is_chosen() {
        let hash = ("HASH", "SHA-1;MD5*;CRC32");
        for (lines, wanted, expected) in [
            (&[hash][..], &Algorithm::ALL[..], Some((Algorithm::Sha1, Way::Hash))),
            (&[hash], &[Algorithm::Crc32, Algorithm::Md5], Some((Algorithm::Crc32, Way::Hash))),
            (&[hash, ("XSHA256", "")], &Algorithm::ALL, Some((Algorithm::Sha256, Way::Command("XSHA256")))),
            (&[("XSHA", "")], &Algorithm::ALL, Some((Algorithm::Sha1, Way::Command("XSHA")))),
            (&[("XCRC", "filename;start;end")], &[Algorithm::Md5], None),
            (&[], &Algorithm::ALL, None),
        ] {
            assert_eq!(choose(&features(lines), wanted), expected, "{lines:?}");
        }
    }

    #[test]
    fn digests_are_found_in_replies() {
        const MD5: &str = "900150983cd24fb0d6963f7d28e17f72";
        const OTHER: &str = "00000000000000000000000000000000";
        let (xmd5, old) = (Way::Command("XMD5"), Way::Command("MD5"));
        for (way, text, found) in [
            (Way::Hash, format!("MD5 0-2 {MD5} a file"), true),
            (Way::Hash, format!("MD5 0-2 {MD5} {OTHER}"), true),
            (Way::Hash, format!("MD5 0-2 nothing {MD5}"), false),
            (Way::Hash, String::new(), false),
            (xmd5, MD5.to_owned(), true),
            (xmd5, format!("XMD5 successful {MD5}"), true),
            (old, format!("/{OTHER} {OTHER} {MD5}"), true),
            (old, "none".to_owned(), false),
        ] {
            let reply = Reply::new(213, text.clone().into_bytes());
            let read = read(Algorithm::Md5, way, &reply).map(|checksum| checksum.hex().into_string());
            assert_eq!(read, found.then(|| MD5.to_owned()), "{way:?} {text}");
        }
        let reply = Reply::fixed(250, "1A2b");
        assert_eq!(read(Algorithm::Crc32, Way::Command("XCRC"), &reply).unwrap().hex().as_ref(), "00001a2b");
    }
}
