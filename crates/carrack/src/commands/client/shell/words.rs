//! What does a line mean: commands, their words, what is quoted in them, and where the output goes? Much as in sh(1), with
//! nothing replaced: no variables, no commands within commands.
//!
//! `a b; c` one after the other, `a && b` and `a || b` by how the first ended, `a &` in the background, `a | cmd` to a
//! command of this machine, `a > file` and `a >> file` into a file, `!cmd` a command of this machine, `# …` a comment.

/// One word.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Word {
    /// What it says, without its quotes.
    pub(super) text: String,
    /// The same as a pattern of names: what was quoted stands behind a `\`.
    pub(super) pattern: String,
    /// Whether it begins with a `~` that was not quoted.
    pub(super) has_tilde: bool,
}

impl Word {
    /// A word that means itself, and may be an option.
    pub(super) fn plain(text: &str) -> Self {
        Self { text: text.to_owned(), pattern: text.to_owned(), has_tilde: false }
    }
}

/// Where a command's output goes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) enum Goes {
    /// Where all output goes.
    #[default]
    Out,
    /// To a command of this machine.
    Pipe(String),
    /// Into a file of this machine.
    File {
        /// Its name.
        name: Word,
        /// Behind what stands there already.
        append: bool,
    },
}

/// What decides whether the next command is run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Joint {
    /// `;` or the end of the line.
    Always,
    /// `&&`.
    IfWell,
    /// `||`.
    IfNot,
    /// `&`: it runs in the background, and the next does not wait for it.
    Background,
}

/// One command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Statement {
    /// `!cmd`, up to the end of the line; empty for a shell of its own.
    Local(String),
    /// A command of ours.
    Command {
        /// Its name and its arguments; at least one.
        words: Vec<Word>,
        /// Where its output goes.
        goes: Goes,
        /// What comes behind it.
        joint: Joint,
        /// The line as it was typed, for people.
        typed: String,
    },
}

/// What is wrong with a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fault {
    /// A quote is not closed.
    Quote(char),
    /// It ends with a backslash.
    Backslash,
    /// Something that joins commands has none before it.
    NoCommand(&'static str),
    /// No file's name behind `>`, no command behind `|`.
    NoTarget(&'static str),
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Quote(quote) => write!(f, "a {quote} is not closed; write \\{quote} for the character itself"),
            Self::Backslash => f.write_str("the line ends with a \\; write \\\\ for the character itself"),
            Self::NoCommand(joint) => write!(f, "there is no command before {joint}; write \\{joint} for the character itself"),
            Self::NoTarget(sign) => write!(f, "nothing stands behind {sign}; write \\{sign} for the character itself"),
        }
    }
}

/// What stands between words.
enum Token {
    Word(Word),
    Joint(Joint, &'static str),
    Pipe,
    File { append: bool },
    End,
}

/// Reads a line.
pub(super) fn parse(line: &str) -> Result<Vec<Statement>, Fault> {
    let mut from = Reader { rest: line };
    let mut statements = Vec::new();
    loop {
        from.skip_blanks();
        if let Some(command) = from.rest.strip_prefix('!') {
            statements.push(Statement::Local(command.trim().to_owned()));
            return Ok(statements);
        }
        let before = from.rest;
        let (mut words, mut goes) = (Vec::new(), Goes::Out);
        let joint = loop {
            match from.token()? {
                Token::Word(word) => words.push(word),
                Token::File { append } => match from.token()? {
                    Token::Word(name) => goes = Goes::File { name, append },
                    _ => return Err(Fault::NoTarget(">")),
                },
                Token::Pipe if words.is_empty() => return Err(Fault::NoCommand("|")),
                Token::Pipe => {
                    let command = from.until_joint()?;
                    if command.is_empty() {
                        return Err(Fault::NoTarget("|"));
                    }
                    goes = Goes::Pipe(command.to_owned());
                }
                Token::Joint(_, sign) if words.is_empty() => return Err(Fault::NoCommand(sign)),
                Token::Joint(joint, _) => break Some(joint),
                Token::End => break None,
            }
        };
        if !words.is_empty() {
            let typed = before.get(..before.len() - from.rest.len()).unwrap_or(before);
            let typed = typed.trim().trim_end_matches([';', '&', '|']).trim_end().to_owned();
            statements.push(Statement::Command { words, goes, joint: joint.unwrap_or(Joint::Always), typed });
        } else if goes != Goes::Out {
            return Err(Fault::NoCommand(">"));
        }
        if joint.is_none() {
            return Ok(statements);
        }
    }
}

/// What is left of a line.
struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn take(&mut self, sign: &str) -> bool {
        match self.rest.strip_prefix(sign) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn token(&mut self) -> Result<Token, Fault> {
        self.skip_blanks();
        if self.rest.starts_with('#') {
            self.rest = "";
        }
        Ok(match () {
            () if self.rest.is_empty() => Token::End,
            () if self.take("&&") => Token::Joint(Joint::IfWell, "&&"),
            () if self.take("||") => Token::Joint(Joint::IfNot, "||"),
            () if self.take("&") => Token::Joint(Joint::Background, "&"),
            () if self.take(";") => Token::Joint(Joint::Always, ";"),
            () if self.take("|") => Token::Pipe,
            () if self.take(">>") => Token::File { append: true },
            () if self.take(">") => Token::File { append: false },
            () => Token::Word(self.word()?),
        })
    }

    /// All up to what joins commands, as it stands there: for another shell.
    fn until_joint(&mut self) -> Result<&str, Fault> {
        let mut open = Open::default();
        let (mut before, mut end) = (' ', self.rest.len());
        for (at, c) in self.rest.char_indices() {
            // `2>&1` joins nothing.
            let is_joint =
                c == ';' || (c == '&' && before != '>') || (c == '|' && self.rest.get(at..).is_some_and(|r| r.starts_with("||")));
            if open.is_plain() && is_joint {
                end = at;
                break;
            }
            open.push(c);
            before = c;
        }
        open.whole()?;
        let (taken, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        self.rest = rest;
        Ok(taken.trim())
    }

    fn word(&mut self) -> Result<Word, Fault> {
        let mut open = Open::default();
        let mut chars = self.rest.char_indices();
        for (at, c) in chars.by_ref() {
            if open.is_plain() && (c.is_whitespace() || "&|;>".contains(c)) {
                self.rest = self.rest.get(at..).unwrap_or_default();
                return Ok(open.word);
            }
            open.push(c);
        }
        self.rest = "";
        open.whole()
    }
}

/// A word that may go on.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Open {
    /// What it says so far.
    pub(super) word: Word,
    /// The quote it stands in.
    pub(super) quote: Option<char>,
    is_escaped: bool,
}

impl Open {
    const fn is_plain(&self) -> bool {
        self.quote.is_none() && !self.is_escaped
    }

    /// The word, if nothing in it stands open.
    fn whole(self) -> Result<Word, Fault> {
        match (self.quote, self.is_escaped) {
            (_, true) => Err(Fault::Backslash),
            (Some(quote), _) => Err(Fault::Quote(quote)),
            (None, false) => Ok(self.word),
        }
    }

    fn push(&mut self, c: char) {
        match (self.quote, c) {
            _ if self.is_escaped => {
                // In double quotes a backslash before anything else is itself, as in sh.
                if self.quote.is_some() && !matches!(c, '"' | '\\') {
                    self.quoted('\\');
                }
                self.quoted(c);
                self.is_escaped = false;
            }
            (None | Some('"'), '\\') => self.is_escaped = true,
            (Some(quote), _) if quote == c => self.quote = None,
            (Some(_), _) => self.quoted(c),
            (None, '"' | '\'') => self.quote = Some(c),
            (None, _) => {
                self.word.has_tilde |= c == '~' && self.word.text.is_empty() && self.word.pattern.is_empty();
                self.word.text.push(c);
                self.word.pattern.push(c);
            }
        }
    }

    /// A character that means only itself.
    fn quoted(&mut self, c: char) {
        self.word.text.push(c);
        if MEANS_MORE.contains(c) {
            self.word.pattern.push('\\');
        }
        self.word.pattern.push(c);
    }
}

/// What means more than itself in a pattern.
const MEANS_MORE: &str = "*?[]{},\\!-";

/// What stands before the cursor: for completion.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Before {
    /// The whole words of the command that the cursor is in.
    pub(super) words: Vec<Word>,
    /// The byte at which the word begins that is being typed.
    pub(super) start: usize,
    /// That word.
    pub(super) open: Open,
}

/// Reads a line up to where somebody is still typing: nothing in it is wrong, only unfinished.
pub(super) fn before(line: &str) -> Before {
    let mut read = Before::default();
    let mut in_word = false;
    for (at, c) in line.char_indices() {
        if !read.open.is_plain() || !(c.is_whitespace() || "&|;>".contains(c)) {
            if !in_word {
                (in_word, read.start) = (true, at);
            }
            read.open.push(c);
            continue;
        }
        if std::mem::take(&mut in_word) {
            read.words.push(std::mem::take(&mut read.open).word);
        }
        if "&|;".contains(c) {
            read.words.clear();
        }
        read.start = at + c.len_utf8();
    }
    read
}

/// A name as it must be typed to mean itself; `quote` is the one that stands open before it.
pub(super) fn typed(name: &str, quote: Option<char>) -> String {
    let mut out = String::with_capacity(name.len());
    out.extend(quote);
    for (at, c) in name.char_indices() {
        let escaped = match quote {
            Some('\'') => false,
            Some(_) => matches!(c, '"' | '\\'),
            None => c.is_whitespace() || "\"'\\*?[]{}&|;>".contains(c) || (at == 0 && "~#!".contains(c)),
        };
        if escaped {
            out.push('\\');
        }
        match (quote, c) {
            // Nothing is escaped in single quotes: out of them, and in again.
            (Some('\''), '\'') => out.push_str("'\\''"),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `a|b c|;` for the commands `a` and `b c`: words in brackets, joints behind them.
    fn shown(line: &str) -> String {
        match parse(line) {
            Err(fault) => format!("! {fault}"),
            Ok(statements) => statements.iter().map(one).collect::<Vec<_>>().join(" "),
        }
    }

    fn one(statement: &Statement) -> String {
        match statement {
            Statement::Local(command) => format!("local[{command}]"),
            Statement::Command { words, goes, joint, .. } => {
                let words: String = words.iter().map(|w| format!("[{}]", w.text)).collect();
                let goes = match goes {
                    Goes::Out => String::new(),
                    Goes::Pipe(command) => format!("|{command}"),
                    Goes::File { name, append } => format!("{}{}", if *append { ">>" } else { ">" }, name.text),
                };
                let joint = match joint {
                    Joint::Always => ";",
                    Joint::IfWell => "&&",
                    Joint::IfNot => "||",
                    Joint::Background => "&",
                };
                format!("{words}{goes}{joint}")
            }
        }
    }

    #[test]
    fn lines_become_commands() {
        for (line, meant) in [
            ("", ""),
            ("   # nothing", ""),
            ("ls", "[ls];"),
            ("get a b # both", "[get][a][b];"),
            ("get a#b", "[get][a#b];"),
            (r#"get "a b" 'c "d' e\ f"#, r#"[get][a b][c "d][e f];"#),
            (r#"get "a\"b\\c\d" 'e\'"#, r#"[get][a"b\c\d][e\];"#),
            ("put '' x", "[put][][x];"),
            ("a;b ;; c", "! there is no command before ;; write \\; for the character itself"),
            ("a;b ; c;", "[a]; [b]; [c];"),
            ("a&&b||c&", "[a]&& [b]|| [c]&"),
            ("get big & ls", "[get][big]& [ls];"),
            ("&", "! there is no command before &; write \\& for the character itself"),
            ("ls -l | grep a | wc", "[ls][-l]|grep a | wc;"),
            ("ls | grep 'a;b' 2>&1; pwd", "[ls]|grep 'a;b' 2>&1; [pwd];"),
            ("ls | wc || pwd", "[ls]|wc|| [pwd];"),
            ("ls | 'a", "! a ' is not closed; write \\' for the character itself"),
            ("ls >out", "[ls]>out;"),
            ("ls >> 'a b' x", "[ls][x]>>a b;"),
            ("ls >", "! nothing stands behind >; write \\> for the character itself"),
            ("> a", "! there is no command before >; write \\> for the character itself"),
            ("ls |", "! nothing stands behind |; write \\| for the character itself"),
            ("!ls -l; pwd", "local[ls -l; pwd]"),
            ("cd x; ! ls", "[cd][x]; local[ls]"),
            ("!", "local[]"),
            ("get 'a", "! a ' is not closed; write \\' for the character itself"),
            ("get a\\", "! the line ends with a \\; write \\\\ for the character itself"),
        ] {
            assert_eq!(shown(line), meant, "{line}");
        }
    }

    #[test]
    fn what_was_typed_is_kept_for_each_command() {
        let typed = |line| match parse(line).unwrap().remove(0) {
            Statement::Command { typed, .. } => typed,
            Statement::Local(_) => String::new(),
        };
        assert_eq!(typed("  get 'a b' & ls"), "get 'a b'");
        assert_eq!(typed("a && b"), "a");
    }

    #[test]
    fn quoted_patterns_mean_themselves() {
        let pattern = |line| match parse(line).unwrap().remove(0) {
            Statement::Command { words, .. } => words[0].pattern.clone(),
            Statement::Local(_) => String::new(),
        };
        assert_eq!(pattern("*.txt"), "*.txt");
        assert_eq!(pattern("'*'.txt"), "\\*.txt");
        assert_eq!(pattern("\\[a]*"), "\\[a]*");
    }

    #[test]
    fn the_word_under_the_cursor_is_found() {
        for (line, words, start, text, quote) in [
            ("", 0, 0, "", None),
            ("ge", 0, 0, "ge", None),
            ("get ", 1, 4, "", None),
            ("get 'a b", 1, 4, "a b", Some('\'')),
            ("get a\\ b c/d", 2, 9, "c/d", None),
            ("ls; get x", 1, 8, "x", None),
            ("ls >ou", 1, 4, "ou", None),
        ] {
            let read = before(line);
            let found = (read.words.len(), read.start, &*read.open.word.text, read.open.quote);
            assert_eq!(found, (words, start, text, quote), "{line}");
        }
    }

    proptest! {
        #[test]
        fn every_line_is_read_to_its_end(line in "[ -~\\t]{0,60}|\\PC{0,40}") {
            if let Ok(statements) = parse(&line) {
                prop_assert!(statements.len() <= line.len());
            }
            let read = before(&line);
            prop_assert!(line.is_char_boundary(read.start));
        }

        #[test]
        fn a_name_that_is_typed_means_itself(name in "\\PC{1,20}|[ -~]{1,20}", quote in prop::option::of(prop::sample::select(vec!['\'', '"']))) {
            let line = format!("get {}{}", typed(&name, quote), quote.map(String::from).unwrap_or_default());
            let read = parse(&line).unwrap();
            let Statement::Command { words, .. } = &read[0] else { panic!() };
            prop_assert_eq!(words.len(), 2, "{}", line);
            prop_assert_eq!(&words[1].text, &name);
            let pattern = words[1].pattern.as_bytes();
            prop_assert!(proto::ftp::glob::matches(pattern, name.as_bytes()), "{:?}", words[1].pattern);
            // The cursor behind it finds the same.
            let read = before(&format!("get {}", typed(&name, quote)));
            prop_assert_eq!(&read.open.word.text, &name);
            prop_assert_eq!(read.start, 4);
        }
    }
}
