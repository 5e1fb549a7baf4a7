//! Which files are meant? Patterns, sizes and ages; what no rule speaks of is meant.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use globset::{Candidate, GlobBuilder, GlobMatcher};
use types::{Attr, Error, Reason, Time, VPath};

use super::tree::Links;

/// Chooses among files. The first rule whose pattern fits decides.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    rules: Vec<Rule>,
    /// Smaller files are left out.
    pub at_least: Option<u64>,
    /// Larger files are left out.
    pub at_most: Option<u64>,
    /// Files that changed before are left out.
    pub changed_since: Option<Time>,
    /// Files that changed after are left out.
    pub changed_before: Option<Time>,
    /// Whether files that no rule speaks of are left out. Folders are looked into all the same, and those in which nothing
    /// is meant are as if they were not there.
    pub only_named: bool,
    /// What becomes of links.
    pub links: Links,
    /// Whether letters of either case fit each other, in the rules added from now on.
    pub any_case: bool,
}

/// How a file of patterns is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Manner {
    /// rclone's filter files: `+ pattern` takes, `- pattern` leaves out, the first that fits decides; `!` alone forgets all
    /// rules before it; `#` and `;` begin comments.
    Signed,
    /// As git's ignore files: each pattern leaves out, `!pattern` takes again, and the last that fits decides. `#` begins a
    /// comment; `\#`, `\!` and `\ ` mean themselves.
    Ignore,
    /// A pattern on each line, and all of them take (`true`) or leave out; `#` and `;` begin comments.
    Plain(bool),
}

#[derive(Clone, Debug)]
struct Rule {
    takes: bool,
    glob: GlobMatcher,
    /// Whether it counts from the root of what is copied; else it fits at any depth.
    is_anchored: bool,
    only_folders: bool,
}

impl Filter {
    /// Adds a rule: `*` and `?` do not cross a slash, `**` does; with a leading or inner slash the pattern counts from the
    /// root of what is copied, without one it fits names at any depth; a trailing slash means folders alone. What stands
    /// in a folder that is left out is left out with it.
    ///
    /// # Errors
    /// [`Reason::Syntax`] with what is wrong with the pattern.
    pub fn rule(&mut self, takes: bool, pattern: &str) -> Result<(), Error> {
        let (body, only_folders) = pattern.strip_suffix('/').map_or((pattern, false), |body| (body, true));
        let is_anchored = body.contains('/');
        let body = body.strip_prefix('/').unwrap_or(body);
        if body.is_empty() {
            return Err(Error::with(Reason::Syntax, format!("the pattern {pattern:?} names nothing")));
        }
        let glob = GlobBuilder::new(body).literal_separator(true).backslash_escape(true).case_insensitive(self.any_case).build();
        let glob = glob.map_err(|e| Error::with(Reason::Syntax, e.to_string()))?.compile_matcher();
        self.rules.push(Rule { takes, glob, is_anchored, only_folders });
        Ok(())
    }

    /// Adds the rules of a file of patterns behind those that are there. [`Manner::Plain`] with `true` also says that only
    /// what is named is meant.
    ///
    /// # Errors
    /// [`Reason::Syntax`] with the number of the line and what is wrong with it.
    pub fn rules(&mut self, text: &str, manner: Manner) -> Result<(), Error> {
        let before = self.rules.len();
        for (number, line) in text.lines().enumerate() {
            let rule = match manner {
                Manner::Signed => signed(line),
                Manner::Ignore => Ok(ignore(line)),
                Manner::Plain(takes) => Ok(uncommented(line, &['#', ';']).map(|pattern| (takes, pattern.into()))),
            };
            let added = match rule {
                Ok(Some((_, pattern))) if pattern.is_empty() => {
                    self.rules.clear();
                    Ok(())
                }
                Ok(Some((takes, pattern))) => self.rule(takes, &pattern),
                Ok(None) => Ok(()),
                Err(e) => Err(e),
            };
            added.map_err(|e| Error::with(e.reason, format!("line {}: {}", number + 1, e.detail.unwrap_or_default())))?;
        }
        if manner == Manner::Ignore {
            // Among them the last decides, and here the first does.
            self.rules.get_mut(before..).unwrap_or_default().reverse();
        }
        self.only_named |= manner == Manner::Plain(true);
        Ok(())
    }

    /// Whether a file or folder is meant. `path` is its place below the root of what is copied.
    pub fn takes(&self, path: &VPath, attr: &Attr) -> bool {
        let rule = self.rules.iter().find(|rule| rule.fits(path, attr.is_dir()));
        rule.map_or(!self.only_named || attr.is_dir(), |rule| rule.takes) && (attr.is_dir() || self.fits_size_and_age(attr))
    }

    fn fits_size_and_age(&self, attr: &Attr) -> bool {
        // A file whose age is not known is no younger and no older than anything.
        let since = self.changed_since.is_none_or(|t| attr.modified.is_some_and(|m| m >= t));
        let before = self.changed_before.is_none_or(|t| attr.modified.is_some_and(|m| m < t));
        self.at_least.is_none_or(|n| attr.size >= n) && self.at_most.is_none_or(|n| attr.size <= n) && since && before
    }
}

impl Rule {
    fn fits(&self, path: &VPath, is_folder: bool) -> bool {
        let text = if self.is_anchored { path.relative() } else { path.name().unwrap_or_default() };
        (is_folder || !self.only_folders) && self.glob.is_match_candidate(&Candidate::new(OsStr::from_bytes(text)))
    }
}

/// A line without blanks around it; `None` where nothing is on it, or a comment.
fn uncommented<'a>(line: &'a str, marks: &[char]) -> Option<&'a str> {
    Some(line.trim()).filter(|line| !line.is_empty() && !line.starts_with(marks))
}

/// A line of rclone's filter files; an empty pattern forgets all before it.
fn signed(line: &str) -> Result<Option<(bool, String)>, Error> {
    let Some(line) = uncommented(line, &['#', ';']) else { return Ok(None) };
    if line == "!" {
        return Ok(Some((false, String::new())));
    }
    match line.split_once(' ') {
        Some(("+", pattern)) => Ok(Some((true, pattern.trim_start().into()))),
        Some(("-", pattern)) => Ok(Some((false, pattern.trim_start().into()))),
        _ => Err(Error::with(Reason::Syntax, format!("{line:?} begins with neither \"+ \" nor \"- \""))),
    }
}

/// A line of git's ignore files.
fn ignore(line: &str) -> Option<(bool, String)> {
    if line.starts_with('#') {
        return None;
    }
    let bare = line.trim_end_matches(' ');
    // A blank behind a backslash belongs to the name.
    let line = if bare.ends_with('\\') && bare.len() < line.len() { line.get(..=bare.len())? } else { bare };
    let (takes, pattern) = line.strip_prefix('!').map_or((false, line), |pattern| (true, pattern));
    (!pattern.is_empty()).then(|| (takes, pattern.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use types::Kind;

    fn fits(filter: &Filter, path: &str) -> bool {
        let kind = if path.ends_with('/') { Kind::Dir } else { Kind::File };
        filter.takes(&VPath::parse(path.as_bytes()).unwrap(), &Attr::new(kind, 10))
    }

    #[test]
    fn files_of_patterns_are_read_in_each_manner() {
        for (manner, text, path, expected) in [
            (Manner::Signed, "# comment\n; too\n\n+ keep.tmp\n- *.tmp\n", "/keep.tmp", true),
            (Manner::Signed, "+ keep.tmp\n- *.tmp\n", "/a.tmp", false),
            (Manner::Signed, "- *.tmp\n!\n- *.log", "/a.tmp", true),
            (Manner::Signed, "- *.tmp\n!\n- *.log", "/a.log", false),
            (Manner::Signed, "- *.{jpg,png}", "/a/b.png", false),
            (Manner::Ignore, "*.tmp\n!keep.tmp", "/keep.tmp", true),
            (Manner::Ignore, "!keep.tmp\n*.tmp", "/keep.tmp", false),
            (Manner::Ignore, "#no\n\\#yes", "/#yes", false),
            (Manner::Ignore, "\\!odd", "/!odd", false),
            (Manner::Ignore, "a   ", "/a", false),
            (Manner::Ignore, "a\\ ", "/a ", false),
            (Manner::Ignore, "a\\ ", "/a", true),
            (Manner::Ignore, "/build/\n", "/build/", false),
            (Manner::Ignore, "/build/\n", "/x/build/", true),
            (Manner::Ignore, "build/\n", "/x/build/", false),
            (Manner::Plain(false), "  *.o \n# *", "/a.o", false),
            (Manner::Plain(false), "*.o\n# *", "/a.c", true),
            (Manner::Plain(true), "*.o", "/a.c", false),
            (Manner::Plain(true), "*.o", "/deep/a.o", true),
            (Manner::Plain(true), "*.o", "/deep/", true),
        ] {
            let mut filter = Filter::default();
            filter.rules(text, manner).unwrap();
            assert_eq!(fits(&filter, path), expected, "{manner:?} {text:?} {path}");
        }
    }

    #[test]
    fn a_bad_line_is_named() {
        let mut filter = Filter::default();
        for (manner, text) in [(Manner::Signed, "+ a\n*.tmp"), (Manner::Ignore, "a\nb["), (Manner::Plain(true), "a\n/")] {
            let e = filter.rules(text, manner).unwrap_err();
            assert!(e.reason == Reason::Syntax && e.detail.as_deref().unwrap().starts_with("line 2: "), "{e}");
        }
    }

    #[test]
    fn case_counts_unless_it_shall_not() {
        let mut filter = Filter { any_case: true, ..Filter::default() };
        filter.rule(false, "*.JPG").unwrap();
        assert!(!fits(&filter, "/a.jpg"));
        filter.any_case = false;
        filter.rule(false, "*.PNG").unwrap();
        assert!(fits(&filter, "/a.png") && !fits(&filter, "/a.PNG"));
    }

    proptest! {
        #[test]
        fn no_text_breaks_it(text in "[-+!#;/*?\\[\\]{}a\\\\ \n]{0,40}", path in "(/[a#! ]{1,3}){1,3}") {
            for manner in [Manner::Signed, Manner::Ignore, Manner::Plain(true), Manner::Plain(false)] {
                let mut filter = Filter::default();
                let _ = filter.rules(&text, manner);
                let _ = fits(&filter, &path);
            }
        }
    }

    fn takes(rules: &[&str], path: &str) -> bool {
        let mut filter = Filter::default();
        for rule in rules {
            let (sign, pattern) = rule.split_at(1);
            filter.rule(sign == "+", pattern).unwrap();
        }
        let kind = if path.ends_with('/') { Kind::Dir } else { Kind::File };
        filter.takes(&VPath::parse(path.as_bytes()).unwrap(), &Attr::new(kind, 10))
    }

    #[test]
    fn the_first_rule_that_fits_decides() {
        for (rules, path, expected) in [
            (&[][..], "/a", true),
            (&["-*.tmp"], "/a.tmp", false),
            (&["-*.tmp"], "/deep/down/a.tmp", false),
            (&["-/*.tmp"], "/deep/a.tmp", true),
            (&["-/*.tmp"], "/a.tmp", false),
            (&["+keep.tmp", "-*.tmp"], "/keep.tmp", true),
            (&["-*.tmp", "+keep.tmp"], "/keep.tmp", false),
            (&["+*.jpg", "-*"], "/a.png", false),
            (&["-a/b"], "/a/b", false),
            (&["-a/b"], "/x/a/b", true),
            (&["-**/b"], "/x/a/b", false),
            (&["-/a/*"], "/a/b/c", true),
            (&["-cache/"], "/cache/", false),
            (&["-cache/"], "/cache", true),
            (&["-[ab]?"], "/a1", false),
        ] {
            assert_eq!(takes(rules, path), expected, "{rules:?} {path}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_names_too() {
        let mut filter = Filter::default();
        filter.rule(false, "*.old").unwrap();
        assert!(!filter.takes(&VPath::parse(b"/\xff\xfe.old").unwrap(), &Attr::new(Kind::File, 0)));
        assert_eq!(filter.rule(true, "a[").unwrap_err().reason, Reason::Syntax);
        assert_eq!(filter.rule(true, "/").unwrap_err().reason, Reason::Syntax);
    }

    #[test]
    fn sizes_and_ages_are_for_files() {
        let at = Time::from_seconds;
        let filter = Filter {
            at_least: Some(5),
            at_most: Some(9),
            changed_since: Some(at(100)),
            changed_before: Some(at(200)),
            ..Filter::default()
        };
        let file = |size, modified| Attr { modified, ..Attr::new(Kind::File, size) };
        let path = VPath::parse(b"/a").unwrap();
        for (size, time, expected) in [
            (5, Some(100), true),
            (9, Some(199), true),
            (4, Some(150), false),
            (10, Some(150), false),
            (7, Some(99), false),
            (7, Some(200), false),
            (7, None, false),
        ] {
            assert_eq!(filter.takes(&path, &file(size, time.map(at))), expected, "{size} {time:?}");
        }
        assert!(filter.takes(&path, &Attr::new(Kind::Dir, 0)));
    }
}
