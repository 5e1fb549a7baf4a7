//! What does a `~/.netrc` say of a machine: `machine NAME login USER password WORD account WORD`, `default`, `macdef`?
//!
//! No RFC has the form; it is what ftp(1), lftp and curl have in common: words between blanks and line ends, words in
//! double quotes with `\` before what is meant as it is, and `#` for the rest of a line where a keyword would stand.

use types::Secret;

/// What one `machine` or `default` says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Entry {
    /// The machine; `None` for `default`.
    pub(crate) machine: Option<Box<str>>,
    /// Who logs in.
    pub(crate) login: Option<Box<str>>,
    /// With which password.
    pub(crate) password: Option<Secret<Box<str>>>,
    /// What a server that asks for an account is told.
    pub(crate) account: Option<Secret<Box<str>>>,
}

/// A file, read.
#[derive(Debug, Default)]
pub(crate) struct Netrc {
    /// In the order of the file.
    pub(crate) entries: Vec<Entry>,
    /// What could not be understood: the line, counted from one, and what is wrong there. Nothing of the file's words
    /// is in it but keywords, for any other word may be a password.
    pub(crate) faults: Vec<(usize, &'static str)>,
}

impl Netrc {
    /// Reads a file's text.
    pub(crate) fn parse(text: &str) -> Self {
        let mut words = Words { rest: text, line: 1 };
        let mut read = Self::default();
        let mut open: Option<Entry> = None;
        while let Some(word) = words.keyword() {
            let line = words.line;
            match &*word {
                "machine" => {
                    read.entries.extend(open.take());
                    open = words.value(line, &mut read.faults).map(|name| Entry { machine: Some(name), ..Entry::default() });
                }
                "default" => read.entries.extend(open.replace(Entry::default())),
                "macdef" => words.skip_macro(),
                "login" | "user" | "password" | "passwd" | "account" => {
                    let value = words.value(line, &mut read.faults);
                    let Some(entry) = open.as_mut() else {
                        read.faults.push((line, "it belongs to no machine"));
                        continue;
                    };
                    match &*word {
                        "login" | "user" => entry.login = value,
                        "account" => entry.account = value.map(Secret::new),
                        _ => entry.password = value.map(Secret::new),
                    }
                }
                _ => read.faults.push((line, "a word that is none of machine, default, login, password, account, macdef")),
            }
        }
        read.entries.extend(open);
        read
    }

    /// What the file says of a machine, and, where it is known who logs in, of that user: the first entry that fits.
    /// `default` fits every machine.
    pub(crate) fn find(&self, machine: &str, user: Option<&str>) -> Option<&Entry> {
        self.entries.iter().find(|entry| {
            let is_it = entry.machine.as_deref().is_none_or(|name| name.eq_ignore_ascii_case(machine));
            let is_they = user.is_none_or(|user| entry.login.as_deref().is_none_or(|login| login == user));
            is_it && is_they
        })
    }

    /// Whether any password stands in it that is worth hiding.
    pub(crate) fn holds_secrets(&self) -> bool {
        let is_open = |login: &str| login == "anonymous" || login == "ftp";
        self.entries.iter().any(|e| e.password.is_some() && !e.login.as_deref().is_some_and(is_open))
    }
}

/// What is left of the text, and the line it begins on.
struct Words<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Words<'a> {
    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        self.line += taken.matches('\n').count();
        self.rest = rest;
        taken
    }

    fn skip_blanks(&mut self) {
        self.take(self.rest.len() - self.rest.trim_start().len());
    }

    fn skip_line(&mut self) {
        self.take(self.rest.find('\n').map_or(self.rest.len(), |at| at + 1));
    }

    /// The next word where a keyword stands; comments are passed over.
    fn keyword(&mut self) -> Option<Box<str>> {
        loop {
            self.skip_blanks();
            if !self.rest.starts_with('#') {
                return self.word();
            }
            self.skip_line();
        }
    }

    /// The word behind a keyword.
    fn value(&mut self, line: usize, faults: &mut Vec<(usize, &'static str)>) -> Option<Box<str>> {
        self.skip_blanks();
        let value = self.word();
        if value.is_none() {
            faults.push((line, "the file ends where a word should follow"));
        }
        value
    }

    fn word(&mut self) -> Option<Box<str>> {
        if let Some(inner) = self.rest.strip_prefix('"') {
            return Some(self.quoted(inner));
        }
        let end = self.rest.find(char::is_whitespace).unwrap_or(self.rest.len());
        Some(self.take(end)).filter(|word| !word.is_empty()).map(Into::into)
    }

    /// `"…"`. One that is never closed ends with its line.
    fn quoted(&mut self, inner: &str) -> Box<str> {
        let (mut word, mut is_escaped, mut taken) = (String::new(), false, 1);
        for c in inner.chars() {
            if c == '\n' {
                break;
            }
            taken += c.len_utf8();
            match c {
                _ if is_escaped => {
                    word.push(match c {
                        'n' => '\n',
                        'r' => '\r',
                        't' => '\t',
                        other => other,
                    });
                    is_escaped = false;
                }
                '\\' => is_escaped = true,
                '"' => break,
                other => word.push(other),
            }
        }
        self.take(taken);
        word.into()
    }

    /// A macro: its name, and all lines until an empty one.
    fn skip_macro(&mut self) {
        self.skip_line();
        while !self.rest.is_empty() && !self.rest.starts_with('\n') && !self.rest.starts_with("\r\n") {
            self.skip_line();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(entry: Option<&Entry>) -> String {
        let Some(e) = entry else { return "nothing".to_owned() };
        let secret = |s: &Option<Secret<Box<str>>>| s.as_ref().map_or("-".to_owned(), |s| s.reveal().to_string());
        format!("{} {} {}", e.login.as_deref().unwrap_or("-"), secret(&e.password), secret(&e.account))
    }

    const FILE: &str = "# mine\n\
        machine a.example login ana password one account ledger\n\
        machine b.example\n\tlogin \"bo b\"\n\tpassword \"t\\\"w\\\\o # \"\n\
        machine c.example login cy password #three # a comment\n\
        machine a.example login otto password four\n\
        macdef init\ncd /pub\nmachine evil login x password y\n\n\
        machine D.example login dora\n\
        default login anonymous password me@home\n";

    #[test]
    fn machines_are_found() {
        let file = Netrc::parse(FILE);
        assert!(file.faults.is_empty(), "{:?}", file.faults);
        for (machine, user, says) in [
            ("a.example", None, "ana one ledger"),
            ("A.EXAMPLE", Some("ana"), "ana one ledger"),
            ("a.example", Some("otto"), "otto four -"),
            ("a.example", Some("nobody"), "nothing"),
            ("b.example", None, "bo b t\"w\\o #  -"),
            ("c.example", None, "cy #three -"),
            ("d.example", None, "dora - -"),
            ("evil", None, "anonymous me@home -"),
            ("e.example", Some("anonymous"), "anonymous me@home -"),
        ] {
            assert_eq!(shown(file.find(machine, user)), says, "{machine} {user:?}");
        }
        assert!(file.holds_secrets());
        assert!(!Netrc::parse("default login anonymous password me@home").holds_secrets());
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line_and_without_its_words() {
        for (text, line, words) in [
            ("login ana", 1, "no machine"),
            ("\n\nmachine a login b geheim c", 3, "none of machine"),
            ("machine a\nlogin b\npassword", 3, "the file ends"),
            ("machine", 1, "the file ends"),
        ] {
            let file = Netrc::parse(text);
            assert!(file.faults.iter().any(|(at, what)| *at == line && what.contains(words)), "{text}: {:?}", file.faults);
            assert!(!format!("{:?}", file.faults).contains("geheim"));
        }
        let shown = format!("{:?}", Netrc::parse("machine a login b password geheim account wort"));
        assert!(!shown.contains("geheim") && !shown.contains("wort"), "{shown}");
    }

    #[test]
    fn windows_line_ends_and_open_quotes_do_no_harm() {
        let file = Netrc::parse("machine a\r\nlogin b\r\npassword c\r\nmacdef x\r\nls\r\n\r\nmachine d login \"e\npassword f");
        assert_eq!(shown(file.find("a", None)), "b c -");
        assert_eq!(shown(file.find("d", None)), "e f -");
    }

    proptest! {
        #[test]
        fn any_text_is_read_to_its_end(text in "[ \\n\\r\\\\\"#a-z]{0,200}|(machine|login|password|macdef|default|[\" \\n#x]){0,40}") {
            let file = Netrc::parse(&text);
            let words = text.split_whitespace().count();
            prop_assert!(file.entries.len() + file.faults.len() <= 2 * words + 1);
        }

        #[test]
        fn what_is_written_in_quotes_is_read(word in "[^\\n]{0,40}") {
            let quoted = word.replace('\\', "\\\\").replace('"', "\\\"");
            let file = Netrc::parse(&format!("machine m login u password \"{quoted}\"\ndefault login z"));
            prop_assert_eq!(file.find("m", None).unwrap().password.as_ref().unwrap().reveal().as_ref(), &*word);
            prop_assert_eq!(file.entries.len(), 2);
        }
    }
}
