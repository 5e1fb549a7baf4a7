//! What does a server answer (draft-ietf-secsh-filexfer-02 §4 and §7)? Parsed without a copy, printed alike by both ends.

use std::fmt;

use bytes::{BufMut, BytesMut};
use types::Reason;
use types::path::show;

use super::attrs::Attrs;
use super::errors::Code;
use super::wire::{Reader, Truncated, put_packet, put_string};

const VERSION: u8 = 2;
const STATUS: u8 = 101;
const HANDLE: u8 = 102;
const DATA: u8 = 103;
const NAME: u8 = 104;
const ATTRS: u8 = 105;
const EXTENDED_REPLY: u8 = 201;

/// Bytes of a DATA packet before the file's own: length, type, id and the data's length.
pub const DATA_HEAD: usize = 4 + 1 + 4 + 4;

/// What a server answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reply<'a> {
    /// How it went.
    Status(Code, &'a [u8]),
    /// What was opened is called so.
    Handle(&'a [u8]),
    /// Bytes of a file.
    Data(&'a [u8]),
    /// Names.
    Name(Names<'a>),
    /// Attributes.
    Attrs(Attrs),
    /// What an extension answers.
    Extended(&'a [u8]),
}

/// The names of a NAME packet, read as they are asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Names<'a> {
    left: u32,
    bytes: &'a [u8],
}

/// One name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Name<'a> {
    /// The name.
    pub name: &'a [u8],
    /// The line that `ls -l` would show.
    pub long: &'a [u8],
    /// Its attributes.
    pub attrs: Attrs,
}

impl<'a> Iterator for Names<'a> {
    type Item = Result<Name<'a>, Truncated>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let mut r = Reader::new(self.bytes);
        let name = Name::read(&mut r);
        self.bytes = r.rest();
        if name.is_err() {
            // Nothing behind it can be read, whatever the count says.
            self.left = 0;
        }
        Some(name)
    }
}

impl<'a> Name<'a> {
    fn read(r: &mut Reader<'a>) -> Result<Self, Truncated> {
        Ok(Self { name: r.string()?, long: r.string()?, attrs: Attrs::read(r)? })
    }

    /// Appends it.
    pub fn put(&self, out: &mut BytesMut) {
        put_string(self.name, out);
        put_string(self.long, out);
        self.attrs.put(out);
    }
}

/// What VERSION says: the version, and the names and values of the extensions that are served.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Version<'a> {
    /// The version.
    pub version: u32,
    /// Names and values.
    pub extensions: Vec<(&'a [u8], &'a [u8])>,
}

/// Reads VERSION.
///
/// # Errors
/// [`Reason::NotTheProtocol`] for another packet, [`Reason::PacketBroken`] for one that is cut.
pub fn parse_version(packet: &[u8]) -> Result<Version<'_>, Reason> {
    let mut r = Reader::new(packet);
    if r.byte() != Ok(VERSION) {
        return Err(Reason::NotTheProtocol);
    }
    let version = r.u32().map_err(|_| Reason::PacketBroken)?;
    let mut extensions = Vec::new();
    while !r.is_empty() {
        let pair = r.string().and_then(|name| Ok((name, r.string()?)));
        extensions.push(pair.map_err(|_| Reason::PacketBroken)?);
    }
    Ok(Version { version, extensions })
}

/// Appends VERSION.
pub fn put_version<'a>(version: u32, extensions: impl IntoIterator<Item = (&'a str, &'a str)>, out: &mut BytesMut) {
    put_packet(out, |out| {
        out.put_u8(VERSION);
        out.put_u32(version);
        for (name, value) in extensions {
            put_string(name.as_bytes(), out);
            put_string(value.as_bytes(), out);
        }
    });
}

impl<'a> Reply<'a> {
    /// Reads a packet (without its length field): the request's id and what is answered.
    ///
    /// # Errors
    /// [`Reason::PacketBroken`] for what is cut, [`Reason::NotTheProtocol`] for what no server says.
    pub fn parse(packet: &'a [u8]) -> Result<(u32, Self), Reason> {
        let mut r = Reader::new(packet);
        let read = |r: &mut Reader<'a>| -> Result<Option<(u32, Self)>, Truncated> {
            let (kind, id) = (r.byte()?, r.u32()?);
            let reply = match kind {
                // Old servers leave message and language away.
                STATUS => Self::Status(Code(r.u32()?), r.string().unwrap_or_default()),
                HANDLE => Self::Handle(r.string()?),
                DATA => Self::Data(r.string()?),
                NAME => Self::Name(Names { left: r.u32()?, bytes: r.rest() }),
                ATTRS => Self::Attrs(Attrs::read(r)?),
                EXTENDED_REPLY => Self::Extended(r.rest()),
                _ => return Ok(None),
            };
            Ok(Some((id, reply)))
        };
        match read(&mut r) {
            Ok(Some(reply)) => Ok(reply),
            Ok(None) => Err(Reason::NotTheProtocol),
            Err(Truncated) => Err(Reason::PacketBroken),
        }
    }

    /// Appends the packet.
    pub fn put(&self, id: u32, out: &mut BytesMut) {
        put_packet(out, |out| {
            let head = |kind: u8, out: &mut BytesMut| {
                out.put_u8(kind);
                out.put_u32(id);
            };
            match *self {
                Self::Status(code, message) => {
                    head(STATUS, out);
                    out.put_u32(code.0);
                    put_string(message, out);
                    put_string(b"en", out);
                }
                Self::Handle(handle) => {
                    head(HANDLE, out);
                    put_string(handle, out);
                }
                Self::Data(data) => {
                    head(DATA, out);
                    put_string(data, out);
                }
                Self::Name(names) => {
                    head(NAME, out);
                    out.put_u32(names.left);
                    out.extend_from_slice(names.bytes);
                }
                Self::Attrs(attrs) => {
                    head(ATTRS, out);
                    attrs.put(out);
                }
                Self::Extended(body) => {
                    head(EXTENDED_REPLY, out);
                    out.extend_from_slice(body);
                }
            }
        });
    }
}

/// What a ladder shows: the kind, and of a status what it says.
impl fmt::Display for Reply<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(code, message) => {
                write!(f, "STATUS {} ", code.0)?;
                if message.is_empty() { f.write_str(code.meaning()) } else { show(message, f) }
            }
            Self::Handle(_) => f.write_str("HANDLE"),
            Self::Data(data) => write!(f, "DATA {}", data.len()),
            Self::Name(names) => write!(f, "NAME {}", names.left),
            Self::Attrs(_) => f.write_str("ATTRS"),
            Self::Extended(_) => f.write_str("EXTENDED_REPLY"),
        }
    }
}

/// NAME from names that were [appended](Name::put) to `bytes`.
pub const fn names(count: u32, bytes: &[u8]) -> Reply<'_> {
    Reply::Name(Names { left: count, bytes })
}

/// Makes a DATA packet of a buffer that has [`DATA_HEAD`] bytes of room before the data: nothing is copied.
pub fn head_data(id: u32, buffer: &mut BytesMut) {
    let data = u32::try_from(buffer.len().saturating_sub(DATA_HEAD)).unwrap_or(u32::MAX);
    let mut head = [0; DATA_HEAD];
    let mut left = &mut head[..];
    left.put_u32(data.saturating_add(4 + 4 + 1));
    left.put_u8(DATA);
    left.put_u32(id);
    left.put_u32(data);
    if let Some(room) = buffer.first_chunk_mut() {
        *room = head;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sftp::attrs::tests::any_attrs;
    use proptest::prelude::*;

    fn printed(reply: &Reply<'_>, id: u32) -> BytesMut {
        let mut out = BytesMut::new();
        reply.put(id, &mut out);
        assert_eq!(u32::from_be_bytes(*out.first_chunk().unwrap()) as usize, out.len() - 4);
        out.split_off(4)
    }

    proptest! {
        #[test]
        fn replies_are_read_as_they_are_printed(id: u32, code: u32, bytes: Vec<u8>, attrs in any_attrs()) {
            for reply in [
                Reply::Status(Code(code), &bytes),
                Reply::Handle(&bytes),
                Reply::Data(&bytes),
                Reply::Attrs(attrs),
                Reply::Extended(&bytes),
            ] {
                let out = printed(&reply, id);
                prop_assert_eq!(Reply::parse(&out), Ok((id, reply)));
                for cut in 0..out.len() {
                    match Reply::parse(&out[..cut]) {
                        Err(reason) => prop_assert_eq!(reason, Reason::PacketBroken),
                        Ok((_, Reply::Status(..) | Reply::Extended(_))) => {}
                        Ok(other) => prop_assert!(false, "{:?} cut at {}", other, cut),
                    }
                }
            }
        }

        #[test]
        fn names_are_read_as_they_are_printed(
            id: u32, all in proptest::collection::vec((any::<Vec<u8>>(), any::<Vec<u8>>(), any_attrs()), 0..5), lie: u32,
        ) {
            let all: Vec<Name<'_>> = all.iter().map(|(name, long, attrs)| Name { name, long, attrs: *attrs }).collect();
            let mut bytes = BytesMut::new();
            for name in &all {
                name.put(&mut bytes);
            }
            let out = printed(&names(all.len() as u32, &bytes), id);
            let Ok((_, Reply::Name(read))) = Reply::parse(&out) else { panic!("a NAME") };
            prop_assert_eq!(read.collect::<Result<Vec<_>, _>>(), Ok(all.clone()));
            let out = printed(&names(lie, &bytes), id);
            let Ok((_, Reply::Name(read))) = Reply::parse(&out) else { panic!("a NAME") };
            prop_assert!(read.count() <= all.len() + 1, "a count that lies ends with the packet");
        }

        #[test]
        fn data_gets_its_head_in_place(id: u32, data: Vec<u8>) {
            let mut buffer = BytesMut::zeroed(DATA_HEAD);
            buffer.extend_from_slice(&data);
            head_data(id, &mut buffer);
            let mut whole = BytesMut::new();
            Reply::Data(&data).put(id, &mut whole);
            prop_assert_eq!(buffer, whole);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            let _ = parse_version(&bytes);
            if let Ok((_, Reply::Name(names))) = Reply::parse(&bytes) {
                prop_assert!(names.count() <= bytes.len());
            }
        }
    }

    #[test]
    fn versions() {
        let mut out = BytesMut::new();
        put_version(3, [("a", "1"), ("b", "")], &mut out);
        assert_eq!(parse_version(&out[4..]), Ok(Version { version: 3, extensions: vec![(b"a", b"1"), (b"b", b"")] }));
        assert_eq!(parse_version(&out[4..out.len() - 1]), Err(Reason::PacketBroken));
        assert_eq!(parse_version(b"\x65\0\0\0\x03"), Err(Reason::NotTheProtocol));
        assert_eq!(Reply::parse(b"\x65\0\0\0\x01\0\0\0\0"), Ok((1, Reply::Status(Code::OK, b""))), "an old server's");
    }
}
