//! ATTRS (draft-ietf-secsh-filexfer-02 §5): how do attributes stand in a packet, and what do they mean here?

use bytes::{BufMut, BytesMut};
use types::{Attr, AttrChange, Kind, Time};

use super::wire::{Reader, Truncated};

const SIZE: u32 = 1;
const IDS: u32 = 2;
const PERMISSIONS: u32 = 4;
const TIMES: u32 = 8;
const EXTENDED: u32 = 0x8000_0000;

const TYPE: u32 = 0o170_000;
const REGULAR: u32 = 0o100_000;
const FOLDER: u32 = 0o040_000;
const LINK: u32 = 0o120_000;
const SOCKET: u32 = 0o140_000;

/// Attributes as they stand in a packet. `None` where they do not.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Attrs {
    /// Bytes.
    pub size: Option<u64>,
    /// Numeric owner and group.
    pub ids: Option<(u32, u32)>,
    /// Permission bits, and the bits of the kind above them, as stat(2) has them.
    pub mode: Option<u32>,
    /// Last read and last change, in seconds since 1970.
    pub times: Option<(u32, u32)>,
}

impl Attrs {
    /// Reads attributes; extended ones are passed over.
    ///
    /// # Errors
    /// [`Truncated`].
    pub fn read(r: &mut Reader<'_>) -> Result<Self, Truncated> {
        let flags = r.u32()?;
        let has = |flag: u32| flags & flag != 0;
        let size = has(SIZE).then(|| r.u64()).transpose()?;
        let ids = has(IDS).then(|| Ok((r.u32()?, r.u32()?))).transpose()?;
        let mode = has(PERMISSIONS).then(|| r.u32()).transpose()?;
        let times = has(TIMES).then(|| Ok((r.u32()?, r.u32()?))).transpose()?;
        if has(EXTENDED) {
            // The count may lie; the packet's end does not.
            for _ in 0..r.u32()? {
                r.string()?;
                r.string()?;
            }
        }
        Ok(Self { size, ids, mode, times })
    }

    /// Appends them.
    pub fn put(&self, out: &mut BytesMut) {
        let flag = |set: bool, flag: u32| if set { flag } else { 0 };
        out.put_u32(
            flag(self.size.is_some(), SIZE)
                | flag(self.ids.is_some(), IDS)
                | flag(self.mode.is_some(), PERMISSIONS)
                | flag(self.times.is_some(), TIMES),
        );
        if let Some(size) = self.size {
            out.put_u64(size);
        }
        if let Some((owner, group)) = self.ids {
            out.put_u32(owner);
            out.put_u32(group);
        }
        if let Some(mode) = self.mode {
            out.put_u32(mode);
        }
        if let Some((accessed, modified)) = self.times {
            out.put_u32(accessed);
            out.put_u32(modified);
        }
    }

    /// What the bits of the kind say; `None` where they are missing.
    pub const fn kind(&self) -> Option<Kind> {
        match self.mode {
            Some(mode) => match mode & TYPE {
                0 => None,
                REGULAR => Some(Kind::File),
                FOLDER => Some(Kind::Dir),
                LINK => Some(Kind::Link),
                _ => Some(Kind::Other),
            },
            None => None,
        }
    }

    /// What is known of a file of which these were told; `kind` where they do not tell the kind.
    pub fn known(&self, kind: Kind) -> Attr {
        Attr {
            mode: self.mode.map(|mode| mode & 0o7777),
            owner: self.ids.map(|(owner, _)| owner),
            group: self.ids.map(|(_, group)| group),
            modified: self.times.map(|(_, modified)| Time::from_seconds(modified.into())),
            ..Attr::new(self.kind().unwrap_or(kind), self.size.unwrap_or(0))
        }
    }

    /// The change these ask for, without the size, which is a change of the content.
    pub fn wanted(&self) -> AttrChange {
        AttrChange {
            mode: self.mode.map(|mode| mode & 0o7777),
            owner: self.ids.map(|(owner, _)| owner),
            group: self.ids.map(|(_, group)| group),
            modified: self.times.map(|(_, modified)| Time::from_seconds(modified.into())),
            accessed: self.times.map(|(accessed, _)| Time::from_seconds(accessed.into())),
            created: None,
        }
    }
}

/// What a server tells of a file. Version 3 tells the kind by the bits of the mode alone, so there is always one.
impl From<&Attr> for Attrs {
    fn from(attr: &Attr) -> Self {
        let (kind, usual) = match attr.kind {
            Kind::File => (REGULAR, 0o644),
            Kind::Dir => (FOLDER, 0o755),
            Kind::Link => (LINK, 0o777),
            Kind::Other => (SOCKET, 0o644),
        };
        let modified = attr.modified.map(seconds);
        Self {
            size: Some(attr.size),
            ids: attr.owner.or(attr.group).map(|_| (attr.owner.unwrap_or(0), attr.group.unwrap_or(0))),
            mode: Some(kind | attr.mode.unwrap_or(usual) & 0o7777),
            times: modified.map(|modified| (modified, modified)),
        }
    }
}

/// What a client asks for. Times go in pairs: the one that is not given is the other one. So do owner and group, and one
/// alone cannot be asked for.
impl From<&AttrChange> for Attrs {
    fn from(change: &AttrChange) -> Self {
        let modified = change.modified.or(change.accessed).map(seconds);
        let accessed = change.accessed.or(change.modified).map(seconds);
        Self { size: None, ids: change.owner.zip(change.group), mode: change.mode, times: accessed.zip(modified) }
    }
}

/// The second this falls in, or the nearest that 32 bits hold (1970 to 2106).
fn seconds(time: Time) -> u32 {
    u32::try_from(time.seconds.max(0)).unwrap_or(u32::MAX)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(crate) fn any_attrs() -> impl Strategy<Value = Attrs> {
        (any::<Option<u64>>(), any::<Option<(u32, u32)>>(), any::<Option<u32>>(), any::<Option<(u32, u32)>>())
            .prop_map(|(size, ids, mode, times)| Attrs { size, ids, mode, times })
    }

    fn put(attrs: &Attrs) -> BytesMut {
        let mut out = BytesMut::new();
        attrs.put(&mut out);
        out
    }

    proptest! {
        #[test]
        fn attributes_and_back(attrs in any_attrs()) {
            let out = put(&attrs);
            let mut r = Reader::new(&out);
            prop_assert_eq!(Attrs::read(&mut r), Ok(attrs));
            prop_assert!(r.is_empty());
            for cut in 0..out.len() {
                prop_assert_eq!(Attrs::read(&mut Reader::new(&out[..cut])), Err(Truncated));
            }
        }
    }

    #[test]
    fn extended_attributes_are_passed_over() {
        let bytes = b"\x80\0\0\x01\0\0\0\0\0\0\0\x07\0\0\0\x01\0\0\0\x03foo\0\0\0\x02ba!";
        let mut r = Reader::new(bytes);
        assert_eq!(Attrs::read(&mut r), Ok(Attrs { size: Some(7), ..Attrs::default() }));
        assert_eq!(r.rest(), b"!");
        let lies = b"\x80\0\0\0\xff\xff\xff\xff\0\0\0\0\0\0\0\0";
        assert_eq!(Attrs::read(&mut Reader::new(lies)), Err(Truncated));
    }

    #[test]
    fn what_is_told_is_what_is_known() {
        for kind in [Kind::File, Kind::Dir, Kind::Link, Kind::Other] {
            let attr = Attr {
                mode: Some(0o1640),
                owner: Some(5),
                group: Some(6),
                modified: Some(Time::from_seconds(1_000_000_000)),
                ..Attr::new(kind, 1 << 40)
            };
            assert_eq!(Attrs::from(&attr).known(Kind::Other), attr);
            assert_eq!(Attrs::from(&Attr::new(kind, 3)).kind(), Some(kind));
        }
        assert_eq!(Attrs::default().known(Kind::Dir), Attr::new(Kind::Dir, 0));
    }

    #[test]
    fn times_beyond_32_bits_stay_at_the_end() {
        for (from, to) in [(-5, 0), (1 << 40, u32::MAX), (7, 7)] {
            let attr = Attr { modified: Some(Time::from_seconds(from)), ..Attr::new(Kind::File, 0) };
            assert_eq!(Attrs::from(&attr).times, Some((to, to)));
        }
    }

    #[test]
    fn wishes_cross_the_wire() {
        let change = AttrChange {
            mode: Some(0o600),
            modified: Some(Time::from_seconds(9)),
            accessed: Some(Time::from_seconds(8)),
            ..AttrChange::default()
        };
        assert_eq!(Attrs::from(&change).wanted(), change);
    }
}
