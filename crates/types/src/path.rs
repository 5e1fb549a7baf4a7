//! `VPath`: a place in the tree a session sees. Absolute, normalised, no `..`, no NUL; the only `join` there is.

use std::fmt;

use crate::text;

/// The longest name of one component, in bytes (what Linux file systems hold).
pub const MAX_NAME: usize = 255;
/// The longest whole path, in bytes.
pub const MAX_PATH: usize = 4_096;

/// A virtual path: starts with `/`, has no empty, `.` or `..` component, no NUL and no trailing `/` (the root
/// is `/` alone). Names are bytes: what they mean as text is decided at the edge.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VPath(Box<[u8]>);

/// Why bytes do not name a place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PathError {
    /// A component is longer than [`MAX_NAME`] or the whole longer than [`MAX_PATH`].
    TooLong,
    /// A NUL byte stands in the name.
    Nul,
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the name is too long (255 bytes a component, 4096 in all)",
            Self::Nul => "the name holds a NUL byte",
        })
    }
}

impl VPath {
    /// `/`.
    pub fn root() -> Self {
        Self(Box::from(*b"/"))
    }

    /// The place `name` means, seen from here: absolute if it starts with `/`, else below this path. `.`, `..`
    /// and repeated slashes are resolved by their letters alone; `..` of the root is the root.
    ///
    /// # Errors
    /// [`PathError`] when a component or the whole is too long, or a NUL byte stands in it.
    pub fn join(&self, name: &[u8]) -> Result<Self, PathError> {
        if name.contains(&0) {
            return Err(PathError::Nul);
        }
        let start = if name.first() == Some(&b'/') || self.is_root() { &[][..] } else { &*self.0 };
        // As much as it takes where nothing is to be resolved.
        let mut path = Vec::with_capacity((start.len() + usize::from(name.first() != Some(&b'/')) + name.len()).min(MAX_PATH));
        path.extend_from_slice(start);
        for part in name.split(|&b| b == b'/') {
            match part {
                b"" | b"." => {}
                b".." => path.truncate(path.iter().rposition(|&b| b == b'/').unwrap_or(0)),
                _ if part.len() > MAX_NAME => return Err(PathError::TooLong),
                _ => {
                    path.push(b'/');
                    path.extend_from_slice(part);
                }
            }
            // Checked here and not at the end so that no long run of components is gathered first.
            if path.len() > MAX_PATH {
                return Err(PathError::TooLong);
            }
        }
        if path.is_empty() {
            path.push(b'/');
        }
        Ok(Self(path.into_boxed_slice()))
    }

    /// An absolute path from its bytes: [`VPath::join`] from the root.
    ///
    /// # Errors
    /// As [`VPath::join`].
    pub fn parse(name: &[u8]) -> Result<Self, PathError> {
        Self::root().join(name)
    }

    /// The folder this stands in; `None` for the root.
    pub fn parent(&self) -> Option<Self> {
        if self.is_root() {
            return None;
        }
        let cut = self.0.iter().rposition(|&b| b == b'/').unwrap_or(0);
        Some(if cut == 0 { Self::root() } else { Self(self.0.get(..cut).unwrap_or(b"/").into()) })
    }

    /// The last component; `None` for the root.
    pub fn name(&self) -> Option<&[u8]> {
        self.components().next_back()
    }

    /// The components from the root down; none for the root.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &[u8]> + '_ {
        self.0.split(|&b| b == b'/').filter(|part| !part.is_empty())
    }

    /// The bytes, starting with `/`.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes without the leading `/`, for a system call relative to a folder; empty for the root.
    pub fn relative(&self) -> &[u8] {
        self.0.get(1..).unwrap_or_default()
    }

    /// Whether this is `/`.
    pub fn is_root(&self) -> bool {
        self.0.len() == 1
    }

    /// What is left of this path below `ancestor`, as a path of its own; `None` if it does not lie there.
    /// A path lies below itself, as `/`.
    pub fn below(&self, ancestor: &Self) -> Option<Self> {
        if ancestor.is_root() {
            return Some(self.clone());
        }
        match self.0.strip_prefix(&*ancestor.0)? {
            b"" => Some(Self::root()),
            rest if rest.first() == Some(&b'/') => Some(Self(rest.into())),
            _ => None,
        }
    }

    /// Whether this path is `ancestor` or lies below it.
    pub fn is_below(&self, ancestor: &Self) -> bool {
        ancestor.is_root() || self.0.strip_prefix(&*ancestor.0).is_some_and(|rest| rest.is_empty() || rest.first() == Some(&b'/'))
    }

    /// This path hung below another: `/a/b` below `/m` is `/m/a/b`.
    ///
    /// # Errors
    /// [`PathError::TooLong`] when the whole is too long.
    pub fn under(&self, ancestor: &Self) -> Result<Self, PathError> {
        ancestor.join(self.relative())
    }
}

/// Text for people: UTF-8 as it is but for characters that [act](text::acts), every byte that is no UTF-8 as `\xNN`.
impl fmt::Display for VPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(&self.0, f)
    }
}

impl fmt::Debug for VPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Writes bytes as text a terminal can take: UTF-8 as [`text::put`] writes it, strays as `\xNN`.
///
/// # Errors
/// Those of the formatter.
pub fn show(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if bytes.iter().all(|b| matches!(b, b' '..=b'~'))
        && let Ok(text) = std::str::from_utf8(bytes)
    {
        return f.write_str(text);
    }
    for chunk in bytes.utf8_chunks() {
        text::put_all(chunk.valid(), f)?;
        for b in chunk.invalid() {
            write!(f, "\\x{b:02x}")?;
        }
    }
    Ok(())
}

/// Bytes that print as [`show`] writes them.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a>(pub &'a [u8]);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn path(s: &str) -> VPath {
        VPath::parse(s.as_bytes()).unwrap()
    }

    #[test]
    fn joins() {
        let table = [
            ("/", "", "/"),
            ("/", "a", "/a"),
            ("/a", "b/c", "/a/b/c"),
            ("/a", "/b", "/b"),
            ("/a/b", "..", "/a"),
            ("/a", "../..", "/"),
            ("/a", "./b//c/.", "/a/b/c"),
            ("/a", "...", "/a/..."),
            ("/a", "../../etc", "/etc"),
        ];
        for (from, name, to) in table {
            assert_eq!(path(from).join(name.as_bytes()).unwrap(), path(to), "{from} + {name}");
        }
    }

    #[test]
    fn refuses_what_names_no_place() {
        assert_eq!(VPath::parse(b"a\0b"), Err(PathError::Nul));
        assert_eq!(VPath::parse(&[b'x'; 256]), Err(PathError::TooLong));
        assert_eq!(VPath::parse("a/".repeat(3_000).as_bytes()), Err(PathError::TooLong));
    }

    #[test]
    fn parents_and_prefixes() {
        assert_eq!(path("/a/b").parent(), Some(path("/a")));
        assert_eq!(path("/a").parent(), Some(VPath::root()));
        assert_eq!(VPath::root().parent(), None);
        assert!(path("/a/b").is_below(&path("/a")) && !path("/ab").is_below(&path("/a")));
        assert_eq!(path("/a/b").below(&path("/a")), Some(path("/b")));
        assert_eq!(path("/a").below(&path("/a")), Some(VPath::root()));
        assert_eq!(path("/b").under(&path("/m")), Ok(path("/m/b")));
    }

    proptest! {
        #[test]
        fn whatever_joins_is_normal(start in "(/[a-c.]{0,3}){0,4}", name in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(p) = path(&start).join(&name) {
                prop_assert!(p.as_bytes().starts_with(b"/"));
                prop_assert!(p.components().all(|c| !c.is_empty() && c != b"." && c != b".." && !c.contains(&0)));
                prop_assert_eq!(VPath::parse(p.as_bytes()), Ok(p.clone()));
            }
        }
    }
}
