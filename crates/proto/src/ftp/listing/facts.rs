//! What are the facts of MLST and MLSD (RFC 3659 §7): chosen by OPTS, printed and read?

use std::fmt;

use types::{Attr, Entry, Kind, Time};

use super::media::media_type;
use super::{decimal, digits};
use crate::ftp::{name, timeval};

/// A fact, and the bit it has in [`Facts`].
macro_rules! facts {
    ($($bit:literal $name:ident = $text:literal;)*) => {
        $(const $name: u16 = 1 << $bit;)*
        /// All facts as they are spelled, in the order in which they are printed.
        const NAMES: &[(u16, &str)] = &[$(($name, $text),)*];
    };
}

facts! {
    0 TYPE = "type";
    1 SIZE = "size";
    2 MODIFY = "modify";
    3 CREATE = "create";
    4 PERM = "perm";
    5 UNIQUE = "unique";
    6 MODE = "UNIX.mode";
    7 OWNER = "UNIX.owner";
    8 GROUP = "UNIX.group";
    9 MEDIA = "media-type";
}

/// The facts that a session wants to be told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Facts(u16);

impl Default for Facts {
    /// All but birth and media type, which few ask for.
    fn default() -> Self {
        Self(TYPE | SIZE | MODIFY | PERM | UNIQUE | MODE | OWNER | GROUP)
    }
}

impl Facts {
    /// All there are.
    pub fn all() -> Self {
        Self(NAMES.iter().fold(0, |all, (bit, _)| all | bit))
    }

    /// The facts that are named in an OPTS MLST, each with `;` behind it, in any case; unknown ones are left out
    /// (RFC 3659 §7.9).
    pub fn parse_opts(wanted: &[u8]) -> Self {
        let named = |word: &[u8]| NAMES.iter().find(|(_, name)| name.as_bytes().eq_ignore_ascii_case(word));
        let words = wanted.split(|&b| b == b';').map(<[u8]>::trim_ascii);
        Self(words.filter_map(named).fold(0, |all, (bit, _)| all | bit))
    }

    /// The chosen facts as the reply to OPTS MLST lists them; empty for none.
    pub fn print_opts(&self) -> String {
        let chosen = NAMES.iter().filter(|(bit, _)| self.has(*bit));
        chosen.flat_map(|(_, name)| [*name, ";"]).collect()
    }

    /// All facts as FEAT lists them, with `*` behind the chosen ones (RFC 3659 §7.8).
    pub fn print_feat(&self) -> String {
        NAMES.iter().flat_map(|(bit, name)| [*name, if self.has(*bit) { "*;" } else { ";" }]).collect()
    }

    const fn has(&self, bit: u16) -> bool {
        self.0 & bit != 0
    }
}

/// What the session may do with an entry: the letters of the `perm` fact (RFC 3659 §7.5.5).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Permitted {
    /// `a`: APPE to the file.
    pub append: bool,
    /// `c`: files may be made in the folder.
    pub create: bool,
    /// `d`: it may be removed.
    pub delete: bool,
    /// `e`: CWD into the folder.
    pub enter: bool,
    /// `f`: it may be renamed.
    pub rename: bool,
    /// `l`: the folder may be listed.
    pub list: bool,
    /// `m`: folders may be made in the folder.
    pub make_dir: bool,
    /// `p`: what is in the folder may be removed.
    pub purge: bool,
    /// `r`: RETR of the file.
    pub read: bool,
    /// `w`: STOR to the file.
    pub write: bool,
}

impl Permitted {
    const fn letters(self) -> [(bool, u8); 10] {
        [
            (self.append, b'a'),
            (self.create, b'c'),
            (self.delete, b'd'),
            (self.enter, b'e'),
            (self.rename, b'f'),
            (self.list, b'l'),
            (self.make_dir, b'm'),
            (self.purge, b'p'),
            (self.read, b'r'),
            (self.write, b'w'),
        ]
    }

    /// Letters that mean nothing here are passed over (RFC 3659 §7.5.5).
    fn parse(letters: &[u8]) -> Self {
        let has = |letter: u8| letters.iter().any(|b| b.eq_ignore_ascii_case(&letter));
        Self {
            append: has(b'a'),
            create: has(b'c'),
            delete: has(b'd'),
            enter: has(b'e'),
            rename: has(b'f'),
            list: has(b'l'),
            make_dir: has(b'm'),
            purge: has(b'p'),
            read: has(b'r'),
            write: has(b'w'),
        }
    }
}

/// Appends the line of MLSD (or of MLST, without the blank before it) for an entry, with its CRLF. A name that is
/// `.` or `..` is the listed folder or its parent.
pub fn facts_line(entry: &Entry, facts: &Facts, permitted: Permitted, out: &mut Vec<u8>) {
    let attr = &entry.attr;
    if facts.has(TYPE) {
        fact(b"type=", out, |out| kind(entry, out));
    }
    if facts.has(SIZE) && attr.kind == Kind::File {
        fact(b"size=", out, |out| decimal(attr.size, out));
    }
    if let Some(time) = attr.modified.filter(|_| facts.has(MODIFY)) {
        fact(b"modify=", out, |out| timeval::print_into(time, out));
    }
    if let Some(time) = attr.created.filter(|_| facts.has(CREATE)) {
        fact(b"create=", out, |out| timeval::print_into(time, out));
    }
    if facts.has(PERM) {
        fact(b"perm=", out, |out| out.extend(permitted.letters().iter().filter(|(yes, _)| *yes).map(|(_, letter)| *letter)));
    }
    if let Some((device, inode)) = attr.unique.filter(|_| facts.has(UNIQUE)) {
        fact(b"unique=", out, |out| {
            digits(device, 16, 1, b'0', out);
            out.push(b'g');
            digits(inode, 16, 1, b'0', out);
        });
    }
    if let Some(mode) = attr.mode.filter(|_| facts.has(MODE)) {
        fact(b"UNIX.mode=", out, |out| digits(u64::from(mode), 8, 4, b'0', out));
    }
    if let Some(owner) = attr.owner.filter(|_| facts.has(OWNER)) {
        fact(b"UNIX.owner=", out, |out| decimal(u64::from(owner), out));
    }
    if let Some(group) = attr.group.filter(|_| facts.has(GROUP)) {
        fact(b"UNIX.group=", out, |out| decimal(u64::from(group), out));
    }
    if facts.has(MEDIA)
        && attr.kind == Kind::File
        && let Some(media) = media_type(&entry.name)
    {
        fact(b"media-type=", out, |out| out.extend_from_slice(media.as_bytes()));
    }
    out.push(b' ');
    name::encode_into(&entry.name, out);
    out.extend_from_slice(b"\r\n");
}

fn fact(name: &[u8], out: &mut Vec<u8>, value: impl FnOnce(&mut Vec<u8>)) {
    out.extend_from_slice(name);
    value(out);
    out.push(b';');
}

fn kind(entry: &Entry, out: &mut Vec<u8>) {
    let text: &[u8] = match (entry.attr.kind, &*entry.name) {
        (Kind::Dir, b".") => b"cdir",
        (Kind::Dir, b"..") => b"pdir",
        (Kind::Dir, _) => b"dir",
        (Kind::File, _) => b"file",
        (Kind::Link, _) => b"OS.unix=slink",
        (Kind::Other, _) => b"OS.unix=special",
    };
    out.extend_from_slice(text);
    // A target is told only where it can stand in a fact (RFC 3659 §7.2: neither blank nor `;` nor control byte).
    if let (Kind::Link, Some(target)) = (entry.attr.kind, &entry.target)
        && target.iter().all(|&b| b > b' ' && b != b';' && b != 0x7f)
    {
        out.push(b':');
        out.extend_from_slice(target);
    }
}

/// Why a line is none of MLST or MLSD.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FactsError {
    /// No blank parts facts and name, or the name is empty or holds a NUL.
    NoName,
    /// A fact has no `=` or no `;` behind it.
    NoFact,
}

impl fmt::Display for FactsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoName => "no name stands behind the facts",
            Self::NoFact => "a fact is not name=value;",
        })
    }
}

impl std::error::Error for FactsError {}

/// Where what a line tells stands, seen from the listed folder.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Place {
    /// In it (or it is what MLST was asked about).
    #[default]
    Inside,
    /// It is the folder (`cdir`).
    Current,
    /// It is the folder's parent (`pdir`).
    Parent,
}

/// What a line of MLST or MLSD tells.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MlsxLine {
    /// Name and attributes. The name of MLST, `cdir` and `pdir` may be a whole path. A kind that is not told is
    /// taken for a file, a size that is not told for 0.
    pub entry: Entry,
    /// Entry, folder or parent.
    pub place: Place,
    /// The size, only if it was told.
    pub size: Option<u64>,
    /// What may be done with it, if it was told.
    pub permitted: Option<Permitted>,
}

/// Reads a line of MLSD, or of MLST without the blank before it; its end is already off. Facts that are not known,
/// or whose value cannot be read, are as if they were not told.
///
/// # Errors
/// [`FactsError`]
pub fn parse_facts(line: &[u8]) -> Result<MlsxLine, FactsError> {
    let blank = memchr::memchr(b' ', line).ok_or(FactsError::NoName)?;
    let (facts, name) = line.split_at_checked(blank).ok_or(FactsError::NoName)?;
    let name = name::decode(name.get(1..).unwrap_or_default());
    if name.is_empty() || name.contains(&0) {
        return Err(FactsError::NoName);
    }
    let entry = Entry { name: name.into_owned().into(), attr: Attr::new(Kind::File, 0), target: None };
    let mut told = MlsxLine { entry, place: Place::Inside, size: None, permitted: None };
    let mut rest = facts;
    while !rest.is_empty() {
        let end = memchr::memchr(b';', rest).ok_or(FactsError::NoFact)?;
        let (fact, after) = rest.split_at_checked(end).ok_or(FactsError::NoFact)?;
        let equals = memchr::memchr(b'=', fact).ok_or(FactsError::NoFact)?;
        let (name, value) = fact.split_at_checked(equals).ok_or(FactsError::NoFact)?;
        told.take(name, value.get(1..).unwrap_or_default());
        rest = after.get(1..).unwrap_or_default();
    }
    told.entry.attr.size = told.size.unwrap_or_default();
    Ok(told)
}

impl MlsxLine {
    fn take(&mut self, name: &[u8], value: &[u8]) {
        let Some((bit, _)) = NAMES.iter().find(|(_, known)| known.as_bytes().eq_ignore_ascii_case(name)) else { return };
        let attr = &mut self.entry.attr;
        match *bit {
            TYPE => self.take_type(value),
            SIZE => self.size = number(value, 10),
            MODIFY => attr.modified = time(value),
            CREATE => attr.created = time(value),
            PERM => self.permitted = Some(Permitted::parse(value)),
            UNIQUE => attr.unique = unique(value),
            MODE => attr.mode = number(value, 8).filter(|&mode| mode <= 0o7777).and_then(|mode| mode.try_into().ok()),
            OWNER => attr.owner = number(value, 10).and_then(|id| id.try_into().ok()),
            GROUP => attr.group = number(value, 10).and_then(|id| id.try_into().ok()),
            _ => {}
        }
    }

    fn take_type(&mut self, value: &[u8]) {
        let is = |word: &[u8]| value.eq_ignore_ascii_case(word);
        let begins = |word: &[u8]| value.get(..word.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(word));
        (self.entry.attr.kind, self.place) = match () {
            () if is(b"file") => (Kind::File, Place::Inside),
            () if is(b"dir") => (Kind::Dir, Place::Inside),
            () if is(b"cdir") => (Kind::Dir, Place::Current),
            () if is(b"pdir") => (Kind::Dir, Place::Parent),
            () if begins(b"os.unix=slink") || begins(b"os.unix=symlink") => (Kind::Link, Place::Inside),
            () => (Kind::Other, Place::Inside),
        };
        if self.entry.attr.kind == Kind::Link {
            let target = memchr::memchr(b':', value).and_then(|at| value.get(at + 1..));
            self.entry.target = target.filter(|target| !target.is_empty()).map(Into::into);
        }
    }
}

fn time(value: &[u8]) -> Option<Time> {
    timeval::parse(value).ok()
}

fn unique(value: &[u8]) -> Option<(u64, u64)> {
    let (device, inode) = value.split_at_checked(memchr::memchr(b'g', value)?)?;
    Some((number(device, 16)?, number(inode.get(1..)?, 16)?))
}

/// Digits of a base and nothing else (`from_str_radix` takes a sign).
fn number(value: &[u8], base: u32) -> Option<u64> {
    let text = std::str::from_utf8(value).ok().filter(|text| !text.starts_with(['+', '-']))?;
    u64::from_str_radix(text, base).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn line(entry: &Entry, facts: &Facts, permitted: Permitted) -> String {
        let mut out = Vec::new();
        facts_line(entry, facts, permitted, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn lines() {
        let mut entry = Entry { name: b"a b.txt".as_slice().into(), attr: Attr::new(Kind::File, 12), target: None };
        entry.attr.modified = Some(Time::from_seconds(951_827_696));
        entry.attr.created = Some(Time::from_seconds(0));
        entry.attr.mode = Some(0o644);
        entry.attr.owner = Some(1_000);
        entry.attr.group = Some(0);
        entry.attr.unique = Some((0x801, 0x1f));
        let permitted = Permitted { append: true, rename: true, read: true, write: true, ..Permitted::default() };
        assert_eq!(
            line(&entry, &Facts::all(), permitted),
            "type=file;size=12;modify=20000229123456;create=19700101000000;perm=afrw;unique=801g1f;\
             UNIX.mode=0644;UNIX.owner=1000;UNIX.group=0;media-type=text/plain; a b.txt\r\n"
        );
        assert_eq!(line(&entry, &Facts::parse_opts(b""), permitted), " a b.txt\r\n");
        let just_type = Facts::parse_opts(b"type;size");
        for (kind, name, target, expected) in [
            (Kind::Dir, "d", None, "type=dir; d\r\n"),
            (Kind::Dir, ".", None, "type=cdir; .\r\n"),
            (Kind::Dir, "..", None, "type=pdir; ..\r\n"),
            (Kind::Link, "l", Some("/x"), "type=OS.unix=slink:/x; l\r\n"),
            (Kind::Link, "l", Some("a;b c"), "type=OS.unix=slink; l\r\n"),
            (Kind::Link, "l", Some("a\r\nb"), "type=OS.unix=slink; l\r\n"),
            (Kind::Other, "p", None, "type=OS.unix=special; p\r\n"),
            (Kind::File, "x\r\ntype=dir; y", None, "type=file;size=5; x␍␊type=dir; y\r\n"),
        ] {
            let target = target.map(|t: &str| t.as_bytes().into());
            let entry = Entry { name: name.as_bytes().into(), attr: Attr::new(kind, 5), target };
            assert_eq!(line(&entry, &just_type, Permitted::default()), expected);
        }
    }

    #[test]
    fn chosen_facts() {
        let facts = Facts::default();
        assert_eq!(facts.print_feat(), "type*;size*;modify*;create;perm*;unique*;UNIX.mode*;UNIX.owner*;UNIX.group*;media-type;");
        assert_eq!(Facts::parse_opts(b"Type;SIZE;unix.mode;nonsense;").print_opts(), "type;size;UNIX.mode;");
        assert_eq!(Facts::parse_opts(b"").print_opts(), "");
        assert_eq!(Facts::parse_opts(facts.print_opts().as_bytes()), facts);
    }

    #[test]
    fn lines_of_other_servers() {
        let told = parse_facts(b"Type=cdir;Perm=flcdmpe;Modify=20260101000000.123;Unique=FD00U1;UNIX.groupname=x; /tmp").unwrap();
        assert_eq!((told.entry.attr.kind, told.place, told.size), (Kind::Dir, Place::Current, None));
        assert_eq!(told.entry.attr.unique, None);
        assert!(told.permitted.is_some_and(|p| p.purge && !p.read));
        let told = parse_facts(b"type=OS.unix=symlink;size=-1;unix.mode=99;  two  blanks ").unwrap();
        assert_eq!(&*told.entry.name, b" two  blanks ");
        assert_eq!((told.entry.attr.kind, told.size, told.entry.attr.mode), (Kind::Link, None, None));
        assert_eq!(parse_facts(b" bare").unwrap().entry.attr, Attr::new(Kind::File, 0));
        for bad in [&b""[..], b"type=file;", b"type=file; ", b"type=file; a\0"] {
            assert_eq!(parse_facts(bad), Err(FactsError::NoName), "{}", String::from_utf8_lossy(bad));
        }
        for bad in [&b"type=file a"[..], b"type; a", b"; a"] {
            assert_eq!(parse_facts(bad), Err(FactsError::NoFact), "{}", String::from_utf8_lossy(bad));
        }
    }

    fn times() -> impl Strategy<Value = Option<Time>> {
        proptest::option::of((-62_167_219_200i64..253_402_300_800).prop_map(Time::from_seconds))
    }

    prop_compose! {
        fn entries()(
            kind in proptest::sample::select(vec![Kind::File, Kind::Dir, Kind::Link, Kind::Other]),
            name in "[^\u{0}/]{1,20}",
            size in any::<u64>(),
            mode in proptest::option::of(0u32..=0o7777),
            ids in any::<(Option<u32>, Option<u32>, Option<(u64, u64)>)>(),
            modified in times(),
            created in times(),
            target in proptest::option::of("[!-:<-~é]{1,12}"),
        ) -> Entry {
            let size = if kind == Kind::File { size } else { 0 };
            let (owner, group, unique) = ids;
            let attr = Attr { mode, owner, group, modified, created, unique, ..Attr::new(kind, size) };
            let target = target.filter(|_| kind == Kind::Link).map(|t| t.into_bytes().into());
            Entry { name: name.into_bytes().into(), attr, target }
        }
    }

    proptest! {
        #[test]
        fn printed_and_back(entry in entries(), bits in any::<u16>()) {
            let has = |bit: u16| bits & (1 << bit) != 0;
            let permitted = Permitted {
                append: has(0), create: has(1), delete: has(2), enter: has(3), rename: has(4),
                list: has(5), make_dir: has(6), purge: has(7), read: has(8), write: has(9),
            };
            let line = line(&entry, &Facts::all(), permitted);
            let told = parse_facts(line.strip_suffix("\r\n").unwrap().as_bytes()).unwrap();
            prop_assert!(!line.trim_end_matches("\r\n").contains(['\r', '\n']));
            prop_assert_eq!(told.permitted, Some(permitted));
            prop_assert_eq!(told.size, (entry.attr.kind == Kind::File).then_some(entry.attr.size));
            prop_assert_eq!(told.entry, entry);
        }

        #[test]
        fn any_choice_comes_back(bits in 0u16..1 << 10) {
            prop_assert_eq!(Facts::parse_opts(Facts(bits).print_opts().as_bytes()), Facts(bits));
        }

        #[test]
        fn parsing_takes_anything(line in proptest::collection::vec(prop_oneof![any::<u8>(), proptest::sample::select(b"type=;: g.".to_vec())], 0..60)) {
            let _ = parse_facts(&line);
        }
    }
}
