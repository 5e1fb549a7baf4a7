//! How do names stand side by side on a terminal? Down each column, in as many as fit, in colours that say no more than the
//! kind.

use types::{Entry, Kind};
use unicode_width::UnicodeWidthStr as _;

/// What stands between two columns.
const GAP: usize = 2;
/// No more columns than this are tried: a screen of one-letter names needs no more to be read.
const MOST: usize = 64;

/// A name as it is shown, and what colours it.
pub(crate) struct Name {
    text: String,
    colour: &'static str,
    width: usize,
}

impl Name {
    /// A name that acts on no terminal; with colours where they are shown.
    pub(crate) fn new(text: String, entry: &Entry, coloured: bool) -> Self {
        let runs = entry.attr.mode.is_some_and(|mode| mode & 0o111 != 0);
        let colour = match entry.attr.kind {
            _ if !coloured => "",
            Kind::Dir => "\x1b[1;34m",
            Kind::Link => "\x1b[36m",
            Kind::File if runs => "\x1b[32m",
            Kind::File | Kind::Other => "",
        };
        let width = text.width();
        Self { text, colour, width }
    }

    /// With its colour.
    pub(crate) fn painted(&self) -> String {
        if self.colour.is_empty() { self.text.clone() } else { format!("{}{}\x1b[0m", self.colour, self.text) }
    }
}

/// The lines of a screen so many characters wide.
pub(crate) fn lines(names: &[Name], screen: usize) -> impl Iterator<Item = String> {
    let (rows, widths) = layout(names, screen);
    (0..rows).map(move |row| {
        let mut line = String::new();
        let cells = names.iter().skip(row).step_by(rows.max(1)).zip(&widths);
        let mut left_over = 0;
        for (name, width) in cells {
            line.push_str(&" ".repeat(left_over));
            line.push_str(&name.painted());
            left_over = (width + GAP).saturating_sub(name.width);
        }
        line
    })
}

/// How many rows there are, and how wide each column is: as many columns as fit.
fn layout(names: &[Name], screen: usize) -> (usize, Vec<usize>) {
    for columns in (2..=MOST.min(names.len())).rev() {
        let rows = names.len().div_ceil(columns);
        let widths: Vec<usize> =
            names.chunks(rows).map(|column| column.iter().map(|name| name.width).max().unwrap_or(0)).collect();
        if widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1) <= screen {
            return (rows, widths);
        }
    }
    (names.len(), vec![0])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use types::Attr;

    fn name(text: &str, kind: Kind) -> Name {
        let entry = Entry { name: text.as_bytes().into(), attr: Attr::new(kind, 0), target: None };
        Name::new(text.to_owned(), &entry, false)
    }

    fn shown(names: &[&str], screen: usize) -> Vec<String> {
        let names: Vec<Name> = names.iter().map(|text| name(text, Kind::File)).collect();
        lines(&names, screen).collect()
    }

    #[test]
    fn names_go_down_each_column_and_what_is_wide_takes_more_room() {
        assert_eq!(shown(&["a", "b", "c", "d", "e"], 4), ["a  d", "b  e", "c"]);
        assert_eq!(shown(&["a", "b", "c"], 80), ["a  b  c"]);
        assert_eq!(shown(&["longer", "b", "c"], 5), ["longer", "b", "c"]);
        assert_eq!(shown(&["日本", "b", "c", "d"], 7), ["日本  c", "b     d"]);
        assert_eq!(shown(&[], 80), [""; 0]);
    }

    #[test]
    fn colours_tell_the_kind() {
        let entry = |kind, mode| Entry { name: (*b"x").into(), attr: Attr { mode, ..Attr::new(kind, 0) }, target: None };
        let painted = |kind, mode| Name::new("x".into(), &entry(kind, mode), true).painted();
        assert_eq!(painted(Kind::Dir, Some(0o755)), "\x1b[1;34mx\x1b[0m");
        assert_eq!(painted(Kind::File, Some(0o755)), "\x1b[32mx\x1b[0m");
        assert_eq!(painted(Kind::File, Some(0o644)), "x");
        assert_eq!(name("x", Kind::Dir).painted(), "x");
    }

    proptest! {
        #[test]
        fn each_name_is_there_once_and_nothing_is_wider_than_the_screen(
            names in prop::collection::vec("[a-z]{1,9}", 1..40), screen in 10_usize..100
        ) {
            let lines = shown(&names.iter().map(String::as_str).collect::<Vec<_>>(), screen);
            prop_assert!(lines.iter().all(|line| line.width() <= screen));
            let mut back: Vec<String> = lines.iter().flat_map(|line| line.split_whitespace()).map(str::to_owned).collect();
            let mut names = names;
            back.sort();
            names.sort();
            prop_assert_eq!(back, names);
        }
    }
}
