//! Which files are meant? Patterns, sizes and ages; what no rule speaks of is meant.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use globset::{Candidate, GlobBuilder, GlobMatcher};
use types::{Attr, Error, Reason, Time, VPath};

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
        let glob = GlobBuilder::new(body).literal_separator(true).backslash_escape(true).build();
        let glob = glob.map_err(|e| Error::with(Reason::Syntax, e.to_string()))?.compile_matcher();
        self.rules.push(Rule { takes, glob, is_anchored, only_folders });
        Ok(())
    }

    /// Whether a file or folder is meant. `path` is its place below the root of what is copied.
    pub fn takes(&self, path: &VPath, attr: &Attr) -> bool {
        let rule = self.rules.iter().find(|rule| rule.fits(path, attr.is_dir()));
        rule.is_none_or(|rule| rule.takes) && (attr.is_dir() || self.fits_size_and_age(attr))
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

#[cfg(test)]
mod tests {
    use super::*;
    use types::Kind;

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
