//! Which TLS sessions does a ClientHello offer to resume (RFC 8446 §4.1.2 and §4.2.11, RFC 5246 §7.4.1.2)?

/// The longest ClientHello that is looked at, in bytes: post-quantum key shares make some of 2 KiB.
pub const MOST: usize = 16 * 1024;

/// RFC 8446 §4.2.
const PRE_SHARED_KEY: usize = 41;

/// What the first bytes of a connection are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Hello {
    /// More is needed.
    Partial,
    /// No ClientHello.
    Other,
    /// The sessions it offers to resume: the session id of TLS 1.2, the tickets of TLS 1.3.
    Resumes(Vec<Box<[u8]>>),
}

/// Reads what has come so far. Nothing is allocated but copies of what came.
pub fn read(bytes: &[u8]) -> Hello {
    let mut message = Vec::new();
    let mut rest = Bytes(bytes);
    // A handshake message may be cut into several records.
    loop {
        if let Some(hello) = whole(&message) {
            return hello;
        }
        match (rest.number(1), rest.number(2)) {
            (Some(22), Some(0x0300..=0x0304)) => {}
            (None | Some(22), None) => return Hello::Partial,
            _ => return Hello::Other,
        }
        let Some(length) = rest.number(2) else { return Hello::Partial };
        let Some(fragment) = rest.take(length) else {
            message.extend_from_slice(rest.0);
            return whole(&message).unwrap_or(Hello::Partial);
        };
        message.extend_from_slice(fragment);
    }
}

/// Reads the message once it is whole.
fn whole(message: &[u8]) -> Option<Hello> {
    let mut rest = Bytes(message);
    if rest.number(1)? != 1 {
        return Some(Hello::Other);
    }
    let body = rest.list(3)?;
    Some(resumed(body).map_or(Hello::Other, Hello::Resumes))
}

/// `None` where a length inside does not hold.
fn resumed(mut body: Bytes<'_>) -> Option<Vec<Box<[u8]>>> {
    let mut ids = Vec::new();
    body.take(2 + 32)?; // version, random
    let session = body.list(1)?.0;
    if !session.is_empty() {
        ids.push(session.into());
    }
    body.list(2)?; // cipher suites
    body.list(1)?; // compression
    if body.0.is_empty() {
        return Some(ids); // without extensions
    }
    let mut extensions = body.list(2)?;
    while !extensions.0.is_empty() {
        let kind = extensions.number(2)?;
        let mut extension = extensions.list(2)?;
        if kind == PRE_SHARED_KEY {
            let mut identities = extension.list(2)?;
            while !identities.0.is_empty() {
                ids.push(identities.list(2)?.0.into());
                identities.take(4)?; // the ticket's age
            }
        }
    }
    Some(ids)
}

/// Bytes still to be read.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(n)?;
        self.0 = tail;
        Some(head)
    }

    /// A number of `n` bytes, the most significant first.
    fn number(&mut self, n: usize) -> Option<usize> {
        Some(self.take(n)?.iter().fold(0, |number, &byte| number << 8 | usize::from(byte)))
    }

    /// What follows its own length, which has `n` bytes.
    fn list(&mut self, n: usize) -> Option<Self> {
        let length = self.number(n)?;
        self.take(length).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::{Hello, read};

    /// A ClientHello with this session id and these tickets.
    fn hello(session: &[u8], tickets: &[&[u8]]) -> Vec<u8> {
        let list = |n: usize, bytes: &[u8]| {
            let mut all = bytes.len().to_be_bytes()[8 - n..].to_vec();
            all.extend_from_slice(bytes);
            all
        };
        let mut body = vec![3; 34];
        body.extend(list(1, session));
        body.extend(list(2, &[0x13, 0x01]));
        body.extend(list(1, &[0]));
        let mut extensions = vec![0, 16];
        extensions.extend(list(2, b"alpn"));
        if !tickets.is_empty() {
            let identities: Vec<u8> = tickets.iter().flat_map(|t| [list(2, t), vec![0; 4]].concat()).collect();
            extensions.extend([0, 41]);
            extensions.extend(list(2, &[list(2, &identities), list(2, &[0; 33])].concat()));
        }
        body.extend(list(2, &extensions));
        [vec![1], list(3, &body)].concat()
    }

    /// Cut into records of `size` bytes.
    fn records(message: &[u8], size: usize) -> Vec<u8> {
        message
            .chunks(size)
            .flat_map(|piece| [&[22, 3, 1][..], &u16::try_from(piece.len()).unwrap().to_be_bytes(), piece].concat())
            .collect()
    }

    #[test]
    fn sessions_and_tickets_in_any_records_and_pieces() {
        let message = hello(&[7; 32], &[b"first", &[9; 300]]);
        let expected = Hello::Resumes(vec![Box::new([7; 32]), (*b"first").into(), Box::new([9; 300])]);
        for size in [1, 3, 100, 16_000] {
            let bytes = records(&message, size);
            assert_eq!(read(&bytes), expected, "records of {size}");
            for cut in 0..bytes.len() {
                assert_eq!(read(&bytes[..cut]), Hello::Partial, "records of {size}, {cut} bytes");
            }
        }
        assert_eq!(read(&records(&hello(&[], &[]), 99)), Hello::Resumes(vec![]));
    }

    #[test]
    fn anything_else() {
        for other in [&b"GET / HTTP/1.1\r\n"[..], &[21, 3, 3, 0, 2, 1, 0], &[22, 3, 3, 0, 4, 2, 0, 0, 0], &[22, 9, 9]] {
            assert_eq!(read(other), Hello::Other, "{other:?}");
        }
        // A length inside that leads out of the message.
        let mut message = hello(&[7; 32], &[b"first"]);
        message[38] = 255;
        assert_eq!(read(&records(&message, 16_000)), Hello::Other);
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400), at in 0..200usize) {
            read(&bytes);
            let mut bytes = bytes;
            let message = records(&hello(&[7; 32], &[b"first"]), 50);
            bytes.splice(..at.min(bytes.len()), message.iter().take(at).copied());
            read(&bytes);
        }
    }
}
