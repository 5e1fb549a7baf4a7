//! Where in a configuration file does a fault lie, and how is it shown? Line, column, the line itself, and a remedy.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::{self, Write};
use std::ops::Range;

/// One thing that is wrong with a configuration.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Fault {
    /// Bytes of the file it lies at.
    pub(crate) at: Range<usize>,
    /// What is wrong, in one line.
    pub(crate) what: String,
    /// What to do about it, in one line.
    pub(crate) remedy: String,
}

/// A configuration file being read, and the faults found so far.
pub(crate) struct Page {
    /// The file's name as it was given.
    name: String,
    text: String,
    faults: RefCell<Vec<Fault>>,
    /// Every key that was asked for, as `section.key`; what the parser knows, without a second list of it.
    asked: RefCell<BTreeSet<String>>,
}

/// All faults of a file, ready to be shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Faults {
    name: String,
    text: String,
    list: Vec<Fault>,
}

impl Page {
    /// A file with this name and text.
    pub(crate) fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into(), faults: RefCell::default(), asked: RefCell::default() }
    }

    /// The text.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Notes a fault.
    pub(crate) fn fault(&self, at: Range<usize>, what: impl Into<String>, remedy: impl Into<String>) {
        self.faults.borrow_mut().push(Fault { at, what: what.into(), remedy: remedy.into() });
    }

    /// Notes that a key was asked for.
    pub(crate) fn ask(&self, section: &str, key: &str) {
        let name = if section.is_empty() { key.to_owned() } else { format!("{section}.{key}") };
        self.asked.borrow_mut().insert(name);
    }

    /// Every key that was asked for.
    #[cfg(test)]
    pub(crate) fn asked(&self) -> BTreeSet<String> {
        self.asked.borrow().clone()
    }

    /// Whether nothing is wrong so far.
    pub(crate) fn is_fine(&self) -> bool {
        self.faults.borrow().is_empty()
    }

    /// The faults, in the order of the file.
    pub(crate) fn faults(self) -> Faults {
        let mut list = self.faults.into_inner();
        list.sort_by_key(|f| f.at.start);
        Faults { name: self.name, text: self.text, list }
    }
}

impl Faults {
    /// A fault of the file as a whole (it cannot be read).
    pub(crate) fn whole(name: impl Into<String>, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { name: name.into(), text: String::new(), list: vec![Fault { at: 0..0, what: what.into(), remedy: remedy.into() }] }
    }

    /// One line for each, for a log: `file:line:column: what; remedy`.
    pub(crate) fn lines(&self) -> impl Iterator<Item = String> + '_ {
        self.list.iter().map(|f| format!("{}: {}; {}", self.place(f), f.what, f.remedy))
    }

    /// How many.
    pub(crate) fn count(&self) -> usize {
        self.list.len()
    }

    fn place(&self, fault: &Fault) -> String {
        if self.text.is_empty() {
            return self.name.clone();
        }
        let (line, column, _) = locate(&self.text, fault.at.start);
        format!("{}:{line}:{column}", self.name)
    }
}

/// For people at a terminal: each fault with its line and a mark below it.
impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, fault) in self.list.iter().enumerate() {
            if i > 0 {
                f.write_char('\n')?;
            }
            writeln!(f, "{}: {}", self.place(fault), fault.what)?;
            let (number, column, line) = locate(&self.text, fault.at.start);
            let shown = discreet(line);
            if !shown.trim().is_empty() {
                let margin = number.to_string().len();
                // The mark covers what is meant, but no more than the line it begins on.
                let left = shown.chars().count().saturating_sub(column - 1);
                let meant = self.text.get(fault.at.clone()).map_or(1, |t| t.lines().next().unwrap_or("").chars().count());
                writeln!(f, " {number} | {shown}")?;
                let indent: String = shown.chars().take(column - 1).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
                writeln!(f, " {:margin$} | {indent}{}", "", "^".repeat(meant.clamp(1, left.max(1))))?;
            }
            writeln!(f, "   {}", fault.remedy)?;
        }
        Ok(())
    }
}

/// Line and column (in characters, from 1) of a byte, and the line.
fn locate(text: &str, at: usize) -> (usize, usize, &str) {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let (before, after) = text.split_at(at);
    let start = before.rfind('\n').map_or(0, |i| i + 1);
    let end = at + after.find('\n').unwrap_or(after.len());
    let line = text.get(start..end).unwrap_or("").trim_end_matches('\r');
    (before.matches('\n').count() + 1, before.get(start..).unwrap_or("").chars().count() + 1, line)
}

/// A line without what may be a secret on it: faults go to terminals and logs.
fn discreet(line: &str) -> String {
    let Some(word) = line.find("password") else {
        return line.to_owned();
    };
    let (head, tail) = line.split_at(word);
    match tail.split_once('=') {
        Some((key, _)) if key.trim_end().trim_end_matches('"') != "password_file" => format!("{head}{key}= ***"),
        _ => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_shows_its_place() {
        let page = Page::new("c.toml", "a = 1\nb = [2, 3]\n");
        page.fault(11..12, "2 is too small", "say 3");
        assert!(!page.is_fine());
        let faults = page.faults();
        assert_eq!(faults.to_string(), "c.toml:2:6: 2 is too small\n 2 | b = [2, 3]\n   |      ^\n   say 3\n");
        assert_eq!(faults.lines().collect::<Vec<_>>(), ["c.toml:2:6: 2 is too small; say 3"]);
    }

    #[test]
    fn a_secret_is_not_shown() {
        for line in ["password = \"hunter2\"", "user = [{ name = \"a\", password = \"hunter2\" }]", "passwords=\"hunter2\""] {
            let page = Page::new("c.toml", line);
            page.fault(0..4, "no", "no");
            let shown = page.faults().to_string();
            assert!(!shown.contains("hunter2"), "{shown}");
        }
        assert_eq!(discreet("password_file = \"secret\""), "password_file = \"secret\"");
    }

    #[test]
    fn places_count_characters_and_survive_the_end() {
        assert_eq!(locate("ä = ö\nb", 5), (1, 5, "ä = ö"));
        assert_eq!(locate("a\nb", 99), (2, 2, "b"));
        assert_eq!(locate("", 0), (1, 1, ""));
    }
}
