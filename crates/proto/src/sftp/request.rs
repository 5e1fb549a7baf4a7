//! What does a client ask for (draft-ietf-secsh-filexfer-02 §6, OpenSSH's PROTOCOL file §4)? Parsed without a copy, printed
//! alike by both ends.

use std::fmt;

use bytes::{BufMut, BytesMut};
use types::Reason;
use types::path::show;

use super::attrs::Attrs;
use super::extension::Extension;
use super::wire::{Reader, Truncated, put_packet, put_string};

pub(super) const INIT: u8 = 1;
const OPEN: u8 = 3;
const CLOSE: u8 = 4;
const READ: u8 = 5;
const WRITE: u8 = 6;
const LSTAT: u8 = 7;
const FSTAT: u8 = 8;
const SETSTAT: u8 = 9;
const FSETSTAT: u8 = 10;
const OPENDIR: u8 = 11;
const READDIR: u8 = 12;
const REMOVE: u8 = 13;
const MKDIR: u8 = 14;
const RMDIR: u8 = 15;
const REALPATH: u8 = 16;
const STAT: u8 = 17;
const RENAME: u8 = 18;
const READLINK: u8 = 19;
const SYMLINK: u8 = 20;
const EXTENDED: u8 = 200;

/// The pflags of OPEN (draft-ietf-secsh-filexfer-02 §6.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct OpenFlags(pub u32);

impl OpenFlags {
    /// The file is read.
    pub const READ: Self = Self(1);
    /// The file is written.
    pub const WRITE: Self = Self(2);
    /// All writes go to the end.
    pub const APPEND: Self = Self(4);
    /// It is made if it is not there.
    pub const CREATE: Self = Self(8);
    /// It is emptied.
    pub const TRUNCATE: Self = Self(16);
    /// With `CREATE`: it must not be there.
    pub const EXCLUSIVE: Self = Self(32);

    /// Whether all of these are set.
    pub const fn has(self, flags: Self) -> bool {
        self.0 & flags.0 == flags.0
    }

    /// Both.
    pub const fn and(self, flags: Self) -> Self {
        Self(self.0 | flags.0)
    }
}

/// What a client asks for. Paths and handles as they came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Request<'a> {
    /// Open a file.
    Open {
        /// The file.
        path: &'a [u8],
        /// What is done with it.
        flags: OpenFlags,
        /// What a file that is made shall be like.
        attrs: Attrs,
    },
    /// Close a file or folder.
    Close {
        /// Which.
        handle: &'a [u8],
    },
    /// Read from a file.
    Read {
        /// Which.
        handle: &'a [u8],
        /// The first byte wanted.
        offset: u64,
        /// How many at most.
        length: u32,
    },
    /// Write into a file.
    Write {
        /// Which.
        handle: &'a [u8],
        /// Where the first byte goes.
        offset: u64,
        /// What is written.
        data: &'a [u8],
    },
    /// Attributes; a link's own.
    Lstat {
        /// Of what.
        path: &'a [u8],
    },
    /// Attributes of an open file.
    Fstat {
        /// Which.
        handle: &'a [u8],
    },
    /// Change attributes.
    Setstat {
        /// Of what.
        path: &'a [u8],
        /// The change.
        attrs: Attrs,
    },
    /// Change an open file's attributes.
    Fsetstat {
        /// Which.
        handle: &'a [u8],
        /// The change.
        attrs: Attrs,
    },
    /// Open a folder.
    Opendir {
        /// The folder.
        path: &'a [u8],
    },
    /// The next names of an open folder.
    Readdir {
        /// Which.
        handle: &'a [u8],
    },
    /// Remove a file or a link.
    Remove {
        /// Which.
        path: &'a [u8],
    },
    /// Make a folder.
    Mkdir {
        /// The folder.
        path: &'a [u8],
        /// What it shall be like.
        attrs: Attrs,
    },
    /// Remove an empty folder.
    Rmdir {
        /// The folder.
        path: &'a [u8],
    },
    /// The absolute form of a path.
    Realpath {
        /// The path.
        path: &'a [u8],
    },
    /// Attributes; links are followed.
    Stat {
        /// Of what.
        path: &'a [u8],
    },
    /// Rename; nothing is replaced.
    Rename {
        /// The old name.
        from: &'a [u8],
        /// The new name.
        to: &'a [u8],
    },
    /// Where a link points.
    Readlink {
        /// The link.
        path: &'a [u8],
    },
    /// Make a symbolic link. On the wire OpenSSH has target and link the other way round than the draft, and all who
    /// are in use follow it.
    Symlink {
        /// Where it points.
        target: &'a [u8],
        /// The link.
        link: &'a [u8],
    },
    /// What a vendor added.
    Extended(Extension<'a>),
}

/// Why a packet is no request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RequestError {
    /// Not even its id can be read: nothing can be answered.
    Nameless,
    /// It ends too early; this is its id.
    Truncated(u32),
    /// There is no such type; this is its id, and the type.
    Unknown(u32, u8),
}

impl RequestError {
    /// The id to answer to, if there is one.
    pub const fn id(self) -> Option<u32> {
        match self {
            Self::Nameless => None,
            Self::Truncated(id) | Self::Unknown(id, _) => Some(id),
        }
    }

    /// Why, for the status.
    pub const fn reason(self) -> Reason {
        match self {
            Self::Nameless | Self::Truncated(_) => Reason::PacketBroken,
            Self::Unknown(..) => Reason::OperationUnknown,
        }
    }
}

/// The version that INIT names, if the packet is one (draft-ietf-secsh-filexfer-02 §4).
///
/// # Errors
/// [`Reason::NotInitialized`] for another packet, [`Reason::PacketBroken`] for one that is cut.
pub fn parse_init(packet: &[u8]) -> Result<u32, Reason> {
    let mut r = Reader::new(packet);
    match r.byte() {
        Ok(INIT) => r.u32().map_err(|_| Reason::PacketBroken),
        Ok(_) => Err(Reason::NotInitialized),
        Err(_) => Err(Reason::PacketBroken),
    }
}

/// Appends INIT.
pub fn put_init(version: u32, out: &mut BytesMut) {
    put_packet(out, |out| {
        out.put_u8(INIT);
        out.put_u32(version);
    });
}

impl<'a> Request<'a> {
    /// Reads a packet (without its length field): its id and what it asks. What stands behind is passed over, as others do.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn parse(packet: &'a [u8]) -> Result<(u32, Self), RequestError> {
        let mut r = Reader::new(packet);
        let (kind, id) = r.byte().and_then(|kind| Ok((kind, r.u32()?))).map_err(|_| RequestError::Nameless)?;
        match Self::body(kind, &mut r) {
            Ok(Some(request)) => Ok((id, request)),
            Ok(None) => Err(RequestError::Unknown(id, kind)),
            Err(Truncated) => Err(RequestError::Truncated(id)),
        }
    }

    fn body(kind: u8, r: &mut Reader<'a>) -> Result<Option<Self>, Truncated> {
        Ok(Some(match kind {
            OPEN => Self::Open { path: r.string()?, flags: OpenFlags(r.u32()?), attrs: Attrs::read(r)? },
            CLOSE => Self::Close { handle: r.string()? },
            READ => Self::Read { handle: r.string()?, offset: r.u64()?, length: r.u32()? },
            WRITE => Self::Write { handle: r.string()?, offset: r.u64()?, data: r.string()? },
            LSTAT => Self::Lstat { path: r.string()? },
            FSTAT => Self::Fstat { handle: r.string()? },
            SETSTAT => Self::Setstat { path: r.string()?, attrs: Attrs::read(r)? },
            FSETSTAT => Self::Fsetstat { handle: r.string()?, attrs: Attrs::read(r)? },
            OPENDIR => Self::Opendir { path: r.string()? },
            READDIR => Self::Readdir { handle: r.string()? },
            REMOVE => Self::Remove { path: r.string()? },
            MKDIR => Self::Mkdir { path: r.string()?, attrs: Attrs::read(r)? },
            RMDIR => Self::Rmdir { path: r.string()? },
            REALPATH => Self::Realpath { path: r.string()? },
            STAT => Self::Stat { path: r.string()? },
            RENAME => Self::Rename { from: r.string()?, to: r.string()? },
            READLINK => Self::Readlink { path: r.string()? },
            SYMLINK => Self::Symlink { target: r.string()?, link: r.string()? },
            EXTENDED => Self::Extended(Extension::read(r)?),
            _ => return Ok(None),
        }))
    }

    /// Appends the packet.
    pub fn put(&self, id: u32, out: &mut BytesMut) {
        put_packet(out, |out| {
            out.put_u8(self.kind());
            out.put_u32(id);
            self.put_body(out);
        });
    }

    /// The name of its type, for ladders.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Open { .. } => "OPEN",
            Self::Close { .. } => "CLOSE",
            Self::Read { .. } => "READ",
            Self::Write { .. } => "WRITE",
            Self::Lstat { .. } => "LSTAT",
            Self::Fstat { .. } => "FSTAT",
            Self::Setstat { .. } => "SETSTAT",
            Self::Fsetstat { .. } => "FSETSTAT",
            Self::Opendir { .. } => "OPENDIR",
            Self::Readdir { .. } => "READDIR",
            Self::Remove { .. } => "REMOVE",
            Self::Mkdir { .. } => "MKDIR",
            Self::Rmdir { .. } => "RMDIR",
            Self::Realpath { .. } => "REALPATH",
            Self::Stat { .. } => "STAT",
            Self::Rename { .. } => "RENAME",
            Self::Readlink { .. } => "READLINK",
            Self::Symlink { .. } => "SYMLINK",
            Self::Extended(_) => "EXTENDED",
        }
    }

    /// The handle it is about, if it is about one (the one that is read, of two).
    pub const fn handle(&self) -> Option<&'a [u8]> {
        match self {
            Self::Close { handle }
            | Self::Read { handle, .. }
            | Self::Write { handle, .. }
            | Self::Fstat { handle }
            | Self::Fsetstat { handle, .. }
            | Self::Readdir { handle } => Some(handle),
            Self::Extended(extension) => extension.handle(),
            _ => None,
        }
    }

    /// The paths it is about, as they came: two for a renaming and a link.
    pub const fn paths(&self) -> (Option<&'a [u8]>, Option<&'a [u8]>) {
        match self {
            Self::Open { path, .. }
            | Self::Lstat { path }
            | Self::Setstat { path, .. }
            | Self::Opendir { path }
            | Self::Remove { path }
            | Self::Mkdir { path, .. }
            | Self::Rmdir { path }
            | Self::Realpath { path }
            | Self::Stat { path }
            | Self::Readlink { path } => (Some(path), None),
            Self::Rename { from, to } => (Some(from), Some(to)),
            Self::Symlink { target, link } => (Some(link), Some(target)),
            Self::Extended(extension) => extension.paths(),
            _ => (None, None),
        }
    }

    const fn kind(&self) -> u8 {
        match self {
            Self::Open { .. } => OPEN,
            Self::Close { .. } => CLOSE,
            Self::Read { .. } => READ,
            Self::Write { .. } => WRITE,
            Self::Lstat { .. } => LSTAT,
            Self::Fstat { .. } => FSTAT,
            Self::Setstat { .. } => SETSTAT,
            Self::Fsetstat { .. } => FSETSTAT,
            Self::Opendir { .. } => OPENDIR,
            Self::Readdir { .. } => READDIR,
            Self::Remove { .. } => REMOVE,
            Self::Mkdir { .. } => MKDIR,
            Self::Rmdir { .. } => RMDIR,
            Self::Realpath { .. } => REALPATH,
            Self::Stat { .. } => STAT,
            Self::Rename { .. } => RENAME,
            Self::Readlink { .. } => READLINK,
            Self::Symlink { .. } => SYMLINK,
            Self::Extended(_) => EXTENDED,
        }
    }

    fn put_body(&self, out: &mut BytesMut) {
        match *self {
            Self::Open { path, flags, attrs } => {
                put_string(path, out);
                out.put_u32(flags.0);
                attrs.put(out);
            }
            Self::Close { handle } | Self::Fstat { handle } | Self::Readdir { handle } => put_string(handle, out),
            Self::Read { handle, offset, length } => {
                put_string(handle, out);
                out.put_u64(offset);
                out.put_u32(length);
            }
            Self::Write { handle, offset, data } => {
                put_string(handle, out);
                out.put_u64(offset);
                put_string(data, out);
            }
            Self::Lstat { path }
            | Self::Opendir { path }
            | Self::Remove { path }
            | Self::Rmdir { path }
            | Self::Realpath { path }
            | Self::Stat { path }
            | Self::Readlink { path } => put_string(path, out),
            Self::Setstat { path, attrs } | Self::Mkdir { path, attrs } => {
                put_string(path, out);
                attrs.put(out);
            }
            Self::Fsetstat { handle, attrs } => {
                put_string(handle, out);
                attrs.put(out);
            }
            Self::Rename { from, to } => {
                put_string(from, out);
                put_string(to, out);
            }
            Self::Symlink { target, link } => {
                put_string(target, out);
                put_string(link, out);
            }
            Self::Extended(extension) => extension.put(out),
        }
    }
}

/// What a ladder shows: the name and the paths.
impl fmt::Display for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Extended(extension) => show(extension.name(), f)?,
            other => f.write_str(other.name())?,
        }
        let (one, two) = self.paths();
        for path in one.iter().chain(&two) {
            f.write_str(" ")?;
            show(path, f)?;
        }
        Ok(())
    }
}

/// Appends the head of a WRITE whose `length` bytes of data follow, so that they need not be copied behind it.
pub fn put_write_head(id: u32, handle: &[u8], offset: u64, length: u32, out: &mut BytesMut) {
    put_packet(out, |out| {
        out.put_u8(WRITE);
        out.put_u32(id);
        put_string(handle, out);
        out.put_u64(offset);
        out.put_u32(length);
    });
    // The length field counts what follows too.
    let head = 4 + 1 + 4 + 4 + handle.len() + 8 + 4;
    let start = out.len().saturating_sub(head);
    if let Some((field, _)) = out.get_mut(start..).and_then(|head| head.split_first_chunk_mut::<4>()) {
        *field = u32::from_be_bytes(*field).saturating_add(length).to_be_bytes();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sftp::attrs::tests::any_attrs;
    use crate::sftp::extension::tests::with_any_extension;
    use proptest::prelude::*;

    fn printed(request: &Request<'_>, id: u32) -> BytesMut {
        let mut out = BytesMut::new();
        request.put(id, &mut out);
        let length = u32::from_be_bytes(*out.first_chunk().unwrap());
        assert_eq!(length as usize, out.len() - 4);
        out.split_off(4)
    }

    fn survives(request: Request<'_>, id: u32) {
        let out = printed(&request, id);
        assert_eq!(Request::parse(&out), Ok((id, request)));
        // Of some extensions any beginning is whole again; all else is missed when it is cut.
        for cut in 0..out.len() {
            match Request::parse(&out[..cut]) {
                Err(RequestError::Nameless) => assert!(cut < 5),
                Err(e) => assert_eq!(e, RequestError::Truncated(id)),
                Ok(_) => assert!(matches!(request, Request::Extended(Extension::Other { .. })), "{request:?} cut at {cut}"),
            }
        }
    }

    proptest! {
        #[test]
        fn requests_are_read_as_they_are_printed(
            id: u32, one: Vec<u8>, two: Vec<u8>, attrs in any_attrs(), offset: u64, length: u32, flags: u32,
        ) {
            let (path, handle) = (&one[..], &one[..]);
            for request in [
                Request::Open { path, flags: OpenFlags(flags), attrs },
                Request::Close { handle },
                Request::Read { handle, offset, length },
                Request::Write { handle, offset, data: &two },
                Request::Lstat { path },
                Request::Fstat { handle },
                Request::Setstat { path, attrs },
                Request::Fsetstat { handle, attrs },
                Request::Opendir { path },
                Request::Readdir { handle },
                Request::Remove { path },
                Request::Mkdir { path, attrs },
                Request::Rmdir { path },
                Request::Realpath { path },
                Request::Stat { path },
                Request::Rename { from: &one, to: &two },
                Request::Readlink { path },
                Request::Symlink { target: &one, link: &two },
            ] {
                survives(request, id);
            }
            with_any_extension(&one, &two, attrs, offset, length, |extension| survives(Request::Extended(extension), id));
        }

        #[test]
        fn the_head_of_a_write_makes_the_same_packet(id: u32, handle: Vec<u8>, offset: u64, data: Vec<u8>) {
            let mut out = BytesMut::from(&b"before"[..]);
            put_write_head(id, &handle, offset, data.len() as u32, &mut out);
            out.extend_from_slice(&data);
            let mut whole = BytesMut::from(&b"before"[..]);
            Request::Write { handle: &handle, offset, data: &data }.put(id, &mut whole);
            prop_assert_eq!(out, whole);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            if let Ok((id, request)) = Request::parse(&bytes) {
                let out = printed(&request, id);
                prop_assert_eq!(Request::parse(&out), Ok((id, request)));
            }
        }
    }

    #[test]
    fn beginnings() {
        let mut out = BytesMut::new();
        put_init(3, &mut out);
        assert_eq!(&out[..], b"\0\0\0\x05\x01\0\0\0\x03");
        assert_eq!(parse_init(&out[4..]), Ok(3));
        assert_eq!(parse_init(&out[4..8]), Err(Reason::PacketBroken));
        assert_eq!(parse_init(b"\x10\0\0\0\x01\0\0\0\0"), Err(Reason::NotInitialized));
        assert_eq!(Request::parse(b"\x63\0\0\0\x09"), Err(RequestError::Unknown(9, 0x63)));
    }
}
