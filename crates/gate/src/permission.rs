//! Which operations a user may ask for, and where: permission bits and rules by path prefix. Pure.

use std::fmt;
use std::ops::{BitAnd, BitOr, BitOrAssign, Not, Sub};

use types::{Error, Reason, VPath};

/// A set of things a user may do at a place.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Permissions(u16);

impl Permissions {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// Fetch files.
    pub const READ: Self = Self(1);
    /// See what is in a folder.
    pub const LIST: Self = Self(1 << 1);
    /// Store new files.
    pub const WRITE: Self = Self(1 << 2);
    /// Replace the content of files that stand.
    pub const OVERWRITE: Self = Self(1 << 3);
    /// Add to files that stand.
    pub const APPEND: Self = Self(1 << 4);
    /// Remove files.
    pub const DELETE: Self = Self(1 << 5);
    /// Give files and folders another name.
    pub const RENAME: Self = Self(1 << 6);
    /// Make folders.
    pub const MAKE_DIR: Self = Self(1 << 7);
    /// Remove folders.
    pub const REMOVE_DIR: Self = Self(1 << 8);
    /// Change permission bits, owners and times.
    pub const SET_ATTR: Self = Self(1 << 9);
    /// Make symbolic links.
    pub const LINK: Self = Self(1 << 10);
    /// Everything.
    pub const ALL: Self = Self((1 << 11) - 1);
    /// Fetch and see, change nothing.
    pub const READ_ONLY: Self = Self(Self::READ.0 | Self::LIST.0);
    /// A letter box: store new files and folders, see nothing.
    pub const UPLOAD_ONLY: Self = Self(Self::WRITE.0 | Self::MAKE_DIR.0);
    /// Whatever changes the tree; what a read-only mount takes away.
    pub const CHANGING: Self = Self(Self::ALL.0 & !Self::READ_ONLY.0);

    /// The words of a configuration: single permissions first, then sets.
    pub const WORDS: &'static [(&'static str, Self)] = &[
        ("read", Self::READ),
        ("list", Self::LIST),
        ("write", Self::WRITE),
        ("overwrite", Self::OVERWRITE),
        ("append", Self::APPEND),
        ("delete", Self::DELETE),
        ("rename", Self::RENAME),
        ("make_dir", Self::MAKE_DIR),
        ("remove_dir", Self::REMOVE_DIR),
        ("set_attr", Self::SET_ATTR),
        ("link", Self::LINK),
        ("none", Self::NONE),
        ("all", Self::ALL),
        ("read-only", Self::READ_ONLY),
        ("upload-only", Self::UPLOAD_ONLY),
    ];
    const SINGLE: usize = 11;

    /// Reads words with spaces or commas between them: `read list`, `all`, `upload-only, list`. `_` and `-` are
    /// the same. No word at all is an error: it is `none` that gives nothing.
    ///
    /// # Errors
    /// [`Reason::Config`] with the word that is not known.
    pub fn parse(words: &str) -> Result<Self, Error> {
        let mut all = Self::NONE;
        let mut any = false;
        for word in words.split([' ', ',', '\t']).filter(|w| !w.is_empty()) {
            any = true;
            let known = Self::WORDS.iter().find(|(name, _)| same_word(name, word));
            let Some((_, bits)) = known else {
                let names: Vec<&str> = Self::WORDS.iter().map(|(name, _)| *name).collect();
                return Err(Error::with(
                    Reason::Config,
                    format!("no permission is called {word:?}; known are {}", names.join(", ")),
                ));
            };
            all |= *bits;
        }
        if any { Ok(all) } else { Err(Error::with(Reason::Config, "no permission is named; \"none\" gives none")) }
    }

    /// Whether every one of `need` is in it.
    pub const fn has(self, need: Self) -> bool {
        self.0 & need.0 == need.0
    }

    /// Whether at least one of `of` is in it.
    pub const fn any(self, of: Self) -> bool {
        self.0 & of.0 != 0
    }

    /// Whether it gives nothing.
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }
}

fn same_word(a: &str, b: &str) -> bool {
    let fold = |c: u8| if c == b'_' { b'-' } else { c.to_ascii_lowercase() };
    a.bytes().map(fold).eq(b.bytes().map(fold))
}

impl BitOr for Permissions {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Permissions {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl BitAnd for Permissions {
    type Output = Self;
    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl Sub for Permissions {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

impl Not for Permissions {
    type Output = Self;
    fn not(self) -> Self {
        Self::ALL - self
    }
}

/// As [`Permissions::parse`] reads it.
impl fmt::Display for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::ALL {
            return f.write_str("all");
        }
        if self.is_none() {
            return f.write_str("none");
        }
        let mut first = true;
        for (name, bit) in Self::WORDS.iter().take(Self::SINGLE) {
            if self.has(*bit) {
                f.write_str(if first { "" } else { " " })?;
                f.write_str(name)?;
                first = false;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Permissions by path: the longest prefix wins, component by component; where none fits, nothing is allowed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PathRules {
    /// Longest prefix first.
    rules: Vec<(VPath, Permissions)>,
    hidden: Vec<Box<[u8]>>,
}

impl PathRules {
    /// Rules from prefixes, and patterns of names that nobody gets to see (`*` any run of bytes, `?` any one byte).
    /// Of two rules for the same prefix the first counts.
    pub fn new(rules: impl IntoIterator<Item = (VPath, Permissions)>, hidden: impl IntoIterator<Item = Box<[u8]>>) -> Self {
        let mut unique: Vec<(VPath, Permissions)> = Vec::new();
        for rule in rules {
            if !unique.iter().any(|known| known.0 == rule.0) {
                unique.push(rule);
            }
        }
        unique.sort_by_key(|rule| std::cmp::Reverse(rule.0.as_bytes().len()));
        Self { rules: unique, hidden: hidden.into_iter().collect() }
    }

    /// What is allowed at `path`. Nothing where a component of it is hidden.
    pub fn at(&self, path: &VPath) -> Permissions {
        if self.hides(path) { Permissions::NONE } else { self.granted(path) }
    }

    /// What the rules say of `path`, hidden or not.
    pub fn granted(&self, path: &VPath) -> Permissions {
        self.rules.iter().find(|(prefix, _)| path.is_below(prefix)).map_or(Permissions::NONE, |(_, bits)| *bits)
    }

    /// Whether a component of `path` is hidden.
    pub fn hides(&self, path: &VPath) -> bool {
        !self.hidden.is_empty() && path.components().any(|name| self.hides_name(name))
    }

    /// Whether a name is hidden, wherever it stands.
    pub fn hides_name(&self, name: &[u8]) -> bool {
        self.hidden.iter().any(|pattern| fits(pattern, name))
    }

    /// Whether any name is hidden at all.
    pub const fn hides_any(&self) -> bool {
        !self.hidden.is_empty()
    }

    /// Whether a place where something is allowed lies below `path`: it may then be walked through.
    pub fn leads_on(&self, path: &VPath) -> bool {
        self.rules.iter().any(|(prefix, bits)| !bits.is_none() && prefix.is_below(path))
    }

    /// Whether the same is allowed everywhere below `path` as at it.
    pub fn uniform_below(&self, path: &VPath) -> bool {
        let here = self.granted(path);
        self.rules.iter().all(|(prefix, bits)| *bits == here || !prefix.is_below(path))
    }
}

/// Whether a name fits a pattern of `*`, `?` and plain bytes. Linear memory, no recursion: a pattern cannot make
/// it slow beyond pattern times name.
fn fits(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p + 1, n));
                p += 1;
            }
            Some(&c) if c == b'?' || name.get(n) == Some(&c) => {
                p += 1;
                n += 1;
            }
            _ => match star {
                Some((after, from)) => {
                    p = after;
                    n = from + 1;
                    star = Some((after, n));
                }
                None => return false,
            },
        }
    }
    pattern.get(p..).unwrap_or_default().iter().all(|&c| c == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn path(s: &str) -> VPath {
        VPath::parse(s.as_bytes()).unwrap()
    }

    fn rules(table: &[(&str, &str)], hidden: &[&str]) -> PathRules {
        PathRules::new(
            table.iter().map(|(p, words)| (path(p), Permissions::parse(words).unwrap())),
            hidden.iter().map(|h| h.as_bytes().into()),
        )
    }

    #[test]
    fn words_and_sets() {
        let p = |s| Permissions::parse(s);
        assert_eq!(p("read list"), Ok(Permissions::READ_ONLY));
        assert_eq!(p("read-only"), Ok(Permissions::READ_ONLY));
        assert_eq!(p("upload_only, LIST"), Ok(Permissions::WRITE | Permissions::MAKE_DIR | Permissions::LIST));
        assert_eq!(p("none"), Ok(Permissions::NONE));
        assert_eq!(p("make-dir"), Ok(Permissions::MAKE_DIR));
        assert!(p("").is_err() && p("raed").is_err());
        assert!(p("raed").unwrap_err().detail.unwrap().contains("raed"));
        assert_eq!(Permissions::WORDS.iter().take(Permissions::SINGLE).fold(Permissions::NONE, |a, w| a | w.1), Permissions::ALL);
    }

    #[test]
    fn the_longest_prefix_wins_by_component() {
        let r = rules(&[("/", "read-only"), ("/in", "upload-only"), ("/in/bob", "all"), ("/in/bob/locked", "none")], &[]);
        for (place, want) in [
            ("/", "read-only"),
            ("/x/y", "read-only"),
            ("/inner", "read-only"),
            ("/in", "upload-only"),
            ("/in/bo", "upload-only"),
            ("/in/bobby", "upload-only"),
            ("/in/bob", "all"),
            ("/in/bob/a/b", "all"),
            ("/in/bob/locked", "none"),
            ("/in/bob/locked/x", "none"),
        ] {
            assert_eq!(r.at(&path(place)), Permissions::parse(want).unwrap(), "{place}");
        }
    }

    #[test]
    fn where_no_rule_fits_nothing_is_allowed() {
        let r = rules(&[("/pub", "all")], &[]);
        assert!(r.at(&path("/")).is_none() && r.at(&path("/public")).is_none());
        assert!(r.leads_on(&path("/")) && r.leads_on(&path("/pub")) && !r.leads_on(&path("/pu")));
        assert!(!r.leads_on(&path("/pub/x")), "what lies below a rule has its own answer in at()");
    }

    #[test]
    fn uniform_places() {
        let r = rules(&[("/", "all"), ("/a", "all"), ("/b/c", "none")], &[]);
        assert!(r.uniform_below(&path("/a")) && r.uniform_below(&path("/b/c/d")));
        assert!(!r.uniform_below(&path("/")) && !r.uniform_below(&path("/b")));
    }

    #[test]
    fn hidden_names() {
        let r = rules(&[("/", "all")], &[".ht*", "*.k?y"]);
        for (place, seen) in
            [("/.htaccess", false), ("/a/.htpasswd/b", false), ("/a.key", false), ("/a.ky", true), ("/ht", true), ("/.h", true)]
        {
            assert_eq!(!r.at(&path(place)).is_none(), seen, "{place}");
        }
    }

    #[test]
    fn patterns() {
        for (pattern, name, want) in [
            ("*", "", true),
            ("a*b*c", "aXbYc", true),
            ("a*b*c", "aXbY", false),
            ("*aab", "aaaab", true),
            ("?", "", false),
            ("", "", true),
            ("", "x", false),
            ("**x", "x", true),
        ] {
            assert_eq!(fits(pattern.as_bytes(), name.as_bytes()), want, "{pattern} {name}");
        }
    }

    proptest! {
        #[test]
        fn printed_and_read_again(bits in 0u16..(1 << 11)) {
            let p = Permissions(bits);
            prop_assert_eq!(Permissions::parse(&p.to_string()), Ok(p));
        }

        #[test]
        fn no_path_gets_more_than_its_nearest_rule(a in "(/[ab]{1,2}){0,3}", b in "(/[ab]{1,2}){0,3}", place in "(/[ab]{1,2}){0,4}") {
            let (a, b, place) = (path(&format!("/{a}")), path(&format!("/{b}")), path(&format!("/{place}")));
            let r = PathRules::new([(a.clone(), Permissions::READ), (b.clone(), Permissions::WRITE)], []);
            let (in_a, in_b) = (place.is_below(&a), place.is_below(&b));
            let want = match (in_a, in_b) {
                (false, false) => Permissions::NONE,
                (true, false) => Permissions::READ,
                (false, true) => Permissions::WRITE,
                // Of one prefix given twice the first counts.
                (true, true) if b.is_below(&a) && a != b => Permissions::WRITE,
                (true, true) => Permissions::READ,
            };
            prop_assert_eq!(r.at(&place), want);
        }
    }
}
