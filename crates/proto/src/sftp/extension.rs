//! What did vendors add to SFTP's requests (OpenSSH's PROTOCOL file §4, draft-ietf-secsh-filexfer-extensions)?

use bytes::{BufMut, BytesMut};

use super::attrs::Attrs;
use super::wire::{Reader, Truncated, put_string};

/// A request beyond the draft. All have their name on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Extension<'a> {
    /// `posix-rename@openssh.com`: rename, and replace what stands there.
    PosixRename {
        /// The old name.
        from: &'a [u8],
        /// The new name.
        to: &'a [u8],
    },
    /// `statvfs@openssh.com`: how much room there is.
    Statvfs {
        /// Where.
        path: &'a [u8],
    },
    /// `fstatvfs@openssh.com`: how much room there is where an open file lies.
    Fstatvfs {
        /// Which.
        handle: &'a [u8],
    },
    /// `hardlink@openssh.com`: a second name for a file.
    Hardlink {
        /// The file.
        from: &'a [u8],
        /// Its second name.
        to: &'a [u8],
    },
    /// `fsync@openssh.com`: what was written is to be on disk.
    Fsync {
        /// Of which file.
        handle: &'a [u8],
    },
    /// `lsetstat@openssh.com`: change attributes, a link's own.
    Lsetstat {
        /// Of what.
        path: &'a [u8],
        /// The change.
        attrs: Attrs,
    },
    /// `limits@openssh.com`: how much the server takes.
    Limits,
    /// `expand-path@openssh.com`: the absolute form of a path, `~` included.
    ExpandPath {
        /// The path.
        path: &'a [u8],
    },
    /// `copy-data`: from one open file to another (draft-ietf-secsh-filexfer-extensions-00 §7).
    CopyData {
        /// What is read.
        from: &'a [u8],
        /// The first byte read.
        from_offset: u64,
        /// How many; 0 is all until the end.
        length: u64,
        /// What is written.
        to: &'a [u8],
        /// Where the first byte goes.
        to_offset: u64,
    },
    /// `home-directory`: where a user's files are (draft-ietf-secsh-filexfer-extensions-00 §5).
    HomeDirectory {
        /// The user; nobody is the one who is logged in.
        user: &'a [u8],
    },
    /// `users-groups-by-id@openssh.com`: the names of users and groups, four bytes each.
    UsersGroups {
        /// The users' numbers.
        users: &'a [u8],
        /// The groups' numbers.
        groups: &'a [u8],
    },
    /// `check-file-name`: digests of a file (draft-ietf-secsh-filexfer-extensions-00 §3).
    CheckFileName {
        /// The file.
        path: &'a [u8],
        /// Of what, and how.
        check: Check<'a>,
    },
    /// `check-file-handle`: digests of an open file.
    CheckFileHandle {
        /// Which.
        handle: &'a [u8],
        /// Of what, and how.
        check: Check<'a>,
    },
    /// `space-available`: how much room there is (draft-ietf-secsh-filexfer-extensions-00 §4).
    SpaceAvailable {
        /// Where.
        path: &'a [u8],
    },
    /// Any other.
    Other {
        /// Its name.
        name: &'a [u8],
        /// What stands behind.
        body: &'a [u8],
    },
}

/// Of which part of a file a digest is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Check<'a> {
    /// The digests the client knows, with commas between, the one it likes best first.
    pub algorithms: &'a [u8],
    /// The first byte.
    pub offset: u64,
    /// How many; 0 is all until the end.
    pub length: u64,
    /// A digest of each block of so many bytes; 0 is one of all.
    pub block: u32,
}

impl<'a> Check<'a> {
    fn read(r: &mut Reader<'a>) -> Result<Self, Truncated> {
        Ok(Self { algorithms: r.string()?, offset: r.u64()?, length: r.u64()?, block: r.u32()? })
    }

    fn put(&self, out: &mut BytesMut) {
        put_string(self.algorithms, out);
        out.put_u64(self.offset);
        out.put_u64(self.length);
        out.put_u32(self.block);
    }
}

/// The extensions that the server serves, and the version of each that VERSION names. `check-file` stands for both of its
/// requests, as its draft says.
pub const SERVED: [(&str, &str); 13] = [
    ("posix-rename@openssh.com", "1"),
    ("statvfs@openssh.com", "2"),
    ("fstatvfs@openssh.com", "2"),
    ("hardlink@openssh.com", "1"),
    ("fsync@openssh.com", "1"),
    ("lsetstat@openssh.com", "1"),
    ("limits@openssh.com", "1"),
    ("expand-path@openssh.com", "1"),
    ("copy-data", "1"),
    ("home-directory", "1"),
    ("users-groups-by-id@openssh.com", "1"),
    ("check-file", "1"),
    ("space-available", "1"),
];

impl<'a> Extension<'a> {
    /// Reads the name and what stands behind it.
    ///
    /// # Errors
    /// [`Truncated`].
    pub fn read(r: &mut Reader<'a>) -> Result<Self, Truncated> {
        let name = r.string()?;
        Ok(match name {
            b"posix-rename@openssh.com" => Self::PosixRename { from: r.string()?, to: r.string()? },
            b"statvfs@openssh.com" => Self::Statvfs { path: r.string()? },
            b"fstatvfs@openssh.com" => Self::Fstatvfs { handle: r.string()? },
            b"hardlink@openssh.com" => Self::Hardlink { from: r.string()?, to: r.string()? },
            b"fsync@openssh.com" => Self::Fsync { handle: r.string()? },
            b"lsetstat@openssh.com" => Self::Lsetstat { path: r.string()?, attrs: Attrs::read(r)? },
            b"limits@openssh.com" => Self::Limits,
            b"expand-path@openssh.com" => Self::ExpandPath { path: r.string()? },
            b"copy-data" => Self::CopyData {
                from: r.string()?,
                from_offset: r.u64()?,
                length: r.u64()?,
                to: r.string()?,
                to_offset: r.u64()?,
            },
            b"home-directory" => Self::HomeDirectory { user: r.string()? },
            b"users-groups-by-id@openssh.com" => Self::UsersGroups { users: r.string()?, groups: r.string()? },
            b"check-file-name" => Self::CheckFileName { path: r.string()?, check: Check::read(r)? },
            // The name that is announced is what paramiko sends.
            b"check-file-handle" | b"check-file" => Self::CheckFileHandle { handle: r.string()?, check: Check::read(r)? },
            b"space-available" => Self::SpaceAvailable { path: r.string()? },
            _ => Self::Other { name, body: r.rest() },
        })
    }

    /// Its name on the wire.
    pub const fn name(&self) -> &'a [u8] {
        match self {
            Self::PosixRename { .. } => b"posix-rename@openssh.com",
            Self::Statvfs { .. } => b"statvfs@openssh.com",
            Self::Fstatvfs { .. } => b"fstatvfs@openssh.com",
            Self::Hardlink { .. } => b"hardlink@openssh.com",
            Self::Fsync { .. } => b"fsync@openssh.com",
            Self::Lsetstat { .. } => b"lsetstat@openssh.com",
            Self::Limits => b"limits@openssh.com",
            Self::ExpandPath { .. } => b"expand-path@openssh.com",
            Self::CopyData { .. } => b"copy-data",
            Self::HomeDirectory { .. } => b"home-directory",
            Self::UsersGroups { .. } => b"users-groups-by-id@openssh.com",
            Self::CheckFileName { .. } => b"check-file-name",
            Self::CheckFileHandle { .. } => b"check-file-handle",
            Self::SpaceAvailable { .. } => b"space-available",
            Self::Other { name, .. } => name,
        }
    }

    /// The handle it is about, if it is about one (the one that is read, of two).
    pub const fn handle(&self) -> Option<&'a [u8]> {
        match self {
            Self::Fstatvfs { handle } | Self::Fsync { handle } | Self::CheckFileHandle { handle, .. } => Some(handle),
            Self::CopyData { from, .. } => Some(from),
            _ => None,
        }
    }

    /// The paths it is about, as they came.
    pub const fn paths(&self) -> (Option<&'a [u8]>, Option<&'a [u8]>) {
        match self {
            Self::PosixRename { from, to } | Self::Hardlink { from, to } => (Some(from), Some(to)),
            Self::Statvfs { path }
            | Self::Lsetstat { path, .. }
            | Self::ExpandPath { path }
            | Self::CheckFileName { path, .. }
            | Self::SpaceAvailable { path } => (Some(path), None),
            _ => (None, None),
        }
    }

    /// Appends the name and what stands behind it.
    pub fn put(&self, out: &mut BytesMut) {
        put_string(self.name(), out);
        match *self {
            Self::PosixRename { from, to } | Self::Hardlink { from, to } => {
                put_string(from, out);
                put_string(to, out);
            }
            Self::Statvfs { path: one }
            | Self::Fstatvfs { handle: one }
            | Self::Fsync { handle: one }
            | Self::ExpandPath { path: one }
            | Self::HomeDirectory { user: one }
            | Self::SpaceAvailable { path: one } => put_string(one, out),
            Self::Lsetstat { path, attrs } => {
                put_string(path, out);
                attrs.put(out);
            }
            Self::Limits => {}
            Self::CopyData { from, from_offset, length, to, to_offset } => {
                put_string(from, out);
                out.put_u64(from_offset);
                out.put_u64(length);
                put_string(to, out);
                out.put_u64(to_offset);
            }
            Self::UsersGroups { users, groups } => {
                put_string(users, out);
                put_string(groups, out);
            }
            Self::CheckFileName { path: one, check } | Self::CheckFileHandle { handle: one, check } => {
                put_string(one, out);
                check.put(out);
            }
            Self::Other { body, .. } => out.extend_from_slice(body),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Hands over one of each kind.
    pub(crate) fn with_any_extension(
        one: &[u8],
        two: &[u8],
        attrs: Attrs,
        offset: u64,
        small: u32,
        mut each: impl FnMut(Extension<'_>),
    ) {
        let check = Check { algorithms: two, offset, length: offset.rotate_left(7), block: small };
        each(Extension::PosixRename { from: one, to: two });
        each(Extension::Statvfs { path: one });
        each(Extension::Fstatvfs { handle: one });
        each(Extension::Hardlink { from: one, to: two });
        each(Extension::Fsync { handle: one });
        each(Extension::Lsetstat { path: one, attrs });
        each(Extension::Limits);
        each(Extension::ExpandPath { path: one });
        each(Extension::CopyData { from: one, from_offset: offset, length: !offset, to: two, to_offset: 5 });
        each(Extension::HomeDirectory { user: one });
        each(Extension::UsersGroups { users: one, groups: two });
        each(Extension::CheckFileName { path: one, check });
        each(Extension::CheckFileHandle { handle: one, check });
        each(Extension::SpaceAvailable { path: one });
        each(Extension::Other { name: b"nobody@example.com", body: two });
    }

    #[test]
    fn what_is_announced_is_read() {
        for (name, _) in SERVED {
            let mut out = BytesMut::new();
            put_string(name.as_bytes(), &mut out);
            let read = Extension::read(&mut Reader::new(&out));
            assert!(!matches!(read, Ok(Extension::Other { .. })), "{name}");
        }
    }
}
