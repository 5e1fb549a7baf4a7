//! Which of `ls`'s options does a LIST or NLST ask for? No RFC has them, and clients send them all the same.

use std::cmp::Ordering;

use types::Entry;

/// What the options say. The default is what no options say: no dot files, sorted by name.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ListOptions {
    /// `-a`, `-A`, `-f`: names with a leading dot are shown.
    pub all: bool,
    /// `-l`: NLST wants long lines too.
    pub long: bool,
    /// `-R`: folders below are listed too.
    pub recursive: bool,
    /// `-d`: the folder itself and not what is in it.
    pub itself: bool,
    /// `-F`: a sign behind the name tells the kind.
    pub classify: bool,
    /// `-p`: a slash behind the names of folders.
    pub slash: bool,
    /// `-h`: sizes for people.
    pub human: bool,
    /// `-L`: what links point to and not the links.
    pub follow: bool,
    /// `-r`: the order is turned round.
    pub reverse: bool,
    order: Order,
}

/// What the order goes by.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Order {
    /// The name's bytes.
    #[default]
    Name,
    /// `-t`: the newest first.
    Time,
    /// `-S`: the largest first.
    Size,
    /// `-U`, `-f`: as the storage has it.
    None,
}

impl ListOptions {
    /// Takes the options off the start of an argument; what is left is the path (or empty). A word is options only
    /// if it begins with `-` and every letter is known, so that `-x.txt` is a name; a name like `-l` is reached as
    /// `./-l` or behind `--`.
    pub fn parse(argument: &[u8]) -> (Self, &[u8]) {
        let mut options = Self::default();
        let mut rest = argument;
        loop {
            let word = rest.trim_ascii_start();
            let len = memchr::memchr(b' ', word).unwrap_or(word.len());
            let Some((word, after)) = word.split_at_checked(len) else { return (options, rest) };
            // One blank parts options from a name; further ones belong to the name.
            let after = after.strip_prefix(b" ").unwrap_or(after);
            if word == b"--" {
                return (options, after);
            }
            match options.with(word) {
                Some(more) => (options, rest) = (more, after),
                None => return (options, rest),
            }
        }
    }

    /// These options and those of one word, if the word is options.
    fn with(&self, word: &[u8]) -> Option<Self> {
        let letters = word.strip_prefix(b"-").filter(|letters| !letters.is_empty())?;
        let mut options = self.clone();
        for letter in letters {
            match letter {
                b'a' | b'A' => options.all = true,
                b'l' => options.long = true,
                b'R' => options.recursive = true,
                b'd' => options.itself = true,
                b'F' => options.classify = true,
                b'p' => options.slash = true,
                b'h' => options.human = true,
                b'L' => options.follow = true,
                b'r' => options.reverse = true,
                b't' => options.order = Order::Time,
                b'S' => options.order = Order::Size,
                b'U' => options.order = Order::None,
                b'f' => (options.all, options.order) = (true, Order::None),
                // True of every listing here: one name a line, numeric owners, nothing that steers a terminal.
                b'1' | b'n' | b'q' | b'C' | b'x' | b'T' => {}
                _ => return None,
            }
        }
        Some(options)
    }

    /// Whether an entry is shown: all but those with a leading dot, unless those are wanted too.
    pub fn shows(&self, entry: &Entry) -> bool {
        self.all || entry.name.first() != Some(&b'.')
    }

    /// Whether names and kinds are all that the lines of NLST and their order need.
    pub const fn by_name(&self) -> bool {
        matches!(self.order, Order::Name | Order::None) && !self.classify && !self.long && !self.follow
    }

    /// Whether the order is any but the storage's own.
    pub fn sorts(&self) -> bool {
        self.order != Order::None
    }

    /// Puts entries in the order that is asked for.
    pub fn sort(&self, entries: &mut [Entry]) {
        let by_name = |a: &Entry, b: &Entry| a.name.cmp(&b.name);
        let turned = |order: Ordering| if self.reverse { order.reverse() } else { order };
        match self.order {
            Order::None => {}
            Order::Name => entries.sort_unstable_by(|a, b| turned(by_name(a, b))),
            Order::Time => {
                entries.sort_unstable_by(|a, b| turned(b.attr.modified.cmp(&a.attr.modified).then_with(|| by_name(a, b))));
            }
            Order::Size => entries.sort_unstable_by(|a, b| turned(b.attr.size.cmp(&a.attr.size).then_with(|| by_name(a, b)))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::{Attr, Kind, Time};

    fn parse(argument: &str) -> (ListOptions, &str) {
        let (options, rest) = ListOptions::parse(argument.as_bytes());
        (options, std::str::from_utf8(rest).unwrap())
    }

    #[test]
    fn words_of_known_letters_are_options() {
        let all_long = ListOptions { all: true, long: true, ..ListOptions::default() };
        let none = ListOptions::default();
        let table = [
            ("", &none, ""),
            ("a b", &none, "a b"),
            ("-la", &all_long, ""),
            ("-l -a", &all_long, ""),
            ("-l  -a  b", &all_long, " b"),
            ("-al /x y", &all_long, "/x y"),
            ("-la -- -l", &all_long, "-l"),
            ("-- -l", &none, "-l"),
            ("--", &none, ""),
            ("./-la", &none, "./-la"),
            ("-", &none, "-"),
            ("-x.txt", &none, "-x.txt"),
            ("-la -name", &all_long, "-name"),
            ("--help", &none, "--help"),
            ("x -la", &none, "x -la"),
            (" x", &none, " x"),
        ];
        for (argument, options, rest) in table {
            assert_eq!(parse(argument), (options.clone(), rest), "{argument}");
        }
        let (o, _) = parse("-RdFphLrt1nCx");
        assert!(o.recursive && o.itself && o.classify && o.slash && o.human && o.follow && o.reverse && o.order == Order::Time);
        assert!(!o.by_name() && none.by_name() && !all_long.by_name());
    }

    #[test]
    fn orders() {
        let entry = |name: &str, size, seconds: Option<i64>| Entry {
            name: name.as_bytes().into(),
            attr: Attr { modified: seconds.map(Time::from_seconds), ..Attr::new(Kind::File, size) },
            target: None,
        };
        let entries = [entry("b", 1, Some(5)), entry("a", 9, None), entry("c", 5, Some(7)), entry(".d", 5, Some(7))];
        for (argument, expected) in [
            ("", ".d a b c"),
            ("-r", "c b a .d"),
            ("-t", ".d c b a"),
            ("-tr", "a b c .d"),
            ("-S", "a .d c b"),
            ("-U", "b a c .d"),
        ] {
            let mut sorted = entries.clone();
            let (options, _) = parse(argument);
            options.sort(&mut sorted);
            let names: Vec<_> = sorted.iter().map(|e| String::from_utf8_lossy(&e.name).into_owned()).collect();
            assert_eq!(names.join(" "), expected, "{argument}");
        }
        assert!(!parse("").0.shows(&entries[3]) && parse("").0.shows(&entries[0]));
        assert!(parse("-a").0.shows(&entries[3]) && parse("-A").0.shows(&entries[3]));
    }
}
