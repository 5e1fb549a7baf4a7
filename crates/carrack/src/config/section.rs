//! How is one table of a configuration read? Key by key, each with what it expects; whatever was not asked for is
//! unknown. Faults are gathered, so that one run shows them all.

use std::cell::RefCell;
use std::ops::{Range, RangeInclusive};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::page::Page;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Told<T> {
    /// The value.
    pub(crate) value: T,
    /// The bytes of the file it was read from.
    pub(crate) at: Range<usize>,
}

/// One table of the file.
pub(crate) struct Section<'a> {
    page: &'a Page,
    /// What kind of table, as the file names it: `listener`; empty for the file itself.
    kind: String,
    /// The header, as people see it: `[[listener]]`.
    header: String,
    /// Where the table begins.
    pub(crate) at: Range<usize>,
    table: &'a DeTable<'a>,
    asked: RefCell<Vec<&'static str>>,
}

impl<'a> Section<'a> {
    /// The file itself.
    pub(crate) fn whole(page: &'a Page, table: &'a Spanned<DeTable<'a>>) -> Self {
        Self {
            page,
            kind: String::new(),
            header: "the file".to_owned(),
            at: 0..0,
            table: table.get_ref(),
            asked: RefCell::default(),
        }
    }

    fn value(&self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.page.ask(&self.kind, key);
        if !self.asked.borrow().contains(&key) {
            self.asked.borrow_mut().push(key);
        }
        self.table.get(key)
    }

    /// Notes a fault at a place of this table.
    pub(crate) fn fault(&self, at: Range<usize>, what: impl Into<String>, remedy: impl Into<String>) {
        self.page.fault(at, what, remedy);
    }

    /// Where a key stands; the table's own place if it does not.
    pub(crate) fn place(&self, key: &str) -> Range<usize> {
        self.table.get_key_value(key).map_or_else(|| self.at.clone(), |(k, _)| k.span())
    }

    /// Whether the file says anything about a key.
    pub(crate) fn says(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// What a key says, if that is text; whether it should be is not judged, nor is it asked for.
    pub(crate) fn peek(&self, key: &str) -> Option<&'a str> {
        self.table.get(key).and_then(|value| value.get_ref().as_str())
    }

    /// Keys that mean something for another protocol only.
    pub(crate) fn foreign(&self, keys: &[&'static str], protocol: &str) {
        for key in keys.iter().filter(|key| self.says(key)) {
            self.asked.borrow_mut().push(key);
            let what = format!("`{key}` of {} means nothing while protocol = \"{protocol}\"", self.header);
            self.fault(self.place(key), what, "Take it out.");
        }
    }

    fn wrong(&self, key: &str, value: &Spanned<DeValue<'_>>, expected: &str, remedy: &str) {
        let what = format!("`{key}` of {} expects {expected}, and this is {}", self.header, kind_of(value.get_ref()));
        self.fault(value.span(), what, remedy);
    }

    /// Text.
    pub(crate) fn text(&self, key: &'static str) -> Option<Told<&'a str>> {
        let value = self.value(key)?;
        if let DeValue::String(text) = value.get_ref() {
            return Some(Told { value: text, at: value.span() });
        }
        self.wrong(key, value, "text", &format!("Write {key} = \"…\", in quotes."));
        None
    }

    /// Text that must be there and not be empty.
    pub(crate) fn needed(&self, key: &'static str, example: &str) -> Option<Told<&'a str>> {
        if !self.says(key) {
            self.value(key);
            self.fault(self.at.clone(), format!("{} has no `{key}`", self.header), format!("Add {key} = \"{example}\"."));
            return None;
        }
        let told = self.text(key)?;
        if told.value.is_empty() {
            self.fault(told.at, format!("`{key}` of {} is empty", self.header), format!("Write {key} = \"{example}\"."));
            return None;
        }
        Some(told)
    }

    /// Text that a parser understands; its error says what was expected.
    pub(crate) fn parsed<T>(&self, key: &'static str, parse: impl Fn(&str) -> Result<T, String>) -> Option<Told<T>> {
        let told = self.text(key)?;
        self.understood(key, &told, parse)
    }

    fn understood<T>(&self, key: &str, told: &Told<&str>, parse: impl Fn(&str) -> Result<T, String>) -> Option<Told<T>> {
        match parse(told.value) {
            Ok(value) => Some(Told { value, at: told.at.clone() }),
            Err(expected) => {
                let shown =
                    if key.contains("password") { "***".to_owned() } else { format!("\"{}\"", told.value.escape_debug()) };
                self.fault(told.at.clone(), format!("`{key}` of {} cannot be {shown}", self.header), sentence(&expected));
                None
            }
        }
    }

    /// Yes or no.
    pub(crate) fn flag(&self, key: &'static str) -> Option<bool> {
        let value = self.value(key)?;
        if let DeValue::Boolean(yes) = value.get_ref() {
            return Some(*yes);
        }
        self.wrong(key, value, "true or false", &format!("Write {key} = true or {key} = false, without quotes."));
        None
    }

    /// A whole number within bounds.
    pub(crate) fn number(&self, key: &'static str, within: RangeInclusive<u64>) -> Option<u64> {
        let value = self.value(key)?;
        let (least, most) = (within.start(), within.end());
        let bounds = if *most == u64::MAX { format!("of {least} or more") } else { format!("from {least} to {most}") };
        let DeValue::Integer(digits) = value.get_ref() else {
            self.wrong(key, value, &format!("a whole number {bounds}"), &format!("Write {key} = {least}, without quotes."));
            return None;
        };
        match i128::from_str_radix(digits.as_str(), digits.radix()).ok().and_then(|n| u64::try_from(n).ok()) {
            Some(n) if within.contains(&n) => Some(n),
            _ => {
                let what = format!("`{key}` of {} cannot be {}", self.header, digits.as_str());
                self.fault(value.span(), what, format!("Write a whole number {bounds}."));
                None
            }
        }
    }

    /// A number that fits 32 bits.
    pub(crate) fn number32(&self, key: &'static str, within: RangeInclusive<u32>) -> Option<u32> {
        let n = self.number(key, u64::from(*within.start())..=u64::from(*within.end()))?;
        u32::try_from(n).ok()
    }

    /// One of some words.
    pub(crate) fn choice<T: Copy>(&self, key: &'static str, words: &[(&str, T)]) -> Option<T> {
        let all: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let told = self.parsed(key, |text| {
            words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value).ok_or_else(|| {
                let meant = nearest(text, all.iter().copied()).map(|w| format!("; did you mean \"{w}\"?")).unwrap_or_default();
                format!("expected {}{meant}", one_of(&all))
            })
        })?;
        Some(told.value)
    }

    /// A number of bytes: a number, or text such as "10 MiB".
    pub(crate) fn bytes(&self, key: &'static str) -> Option<u64> {
        let value = self.value(key)?;
        match value.get_ref() {
            DeValue::String(text) => {
                let told = Told { value: &**text, at: value.span() };
                self.understood(key, &told, super::value::bytes).map(|told| told.value)
            }
            DeValue::Integer(_) => self.number(key, 1..=u64::MAX),
            _ => {
                self.wrong(key, value, "a number of bytes", &format!("Write {key} = \"10 MiB\", or a whole number."));
                None
            }
        }
    }

    /// A list of texts; one text stands for a list of one. `None` if the file says nothing.
    pub(crate) fn list(&self, key: &'static str) -> Option<Vec<Told<&'a str>>> {
        let value = self.value(key)?;
        match value.get_ref() {
            DeValue::String(text) => Some(vec![Told { value: text, at: value.span() }]),
            DeValue::Array(items) => Some(
                items
                    .iter()
                    .filter_map(|item| match item.get_ref() {
                        DeValue::String(text) => Some(Told { value: &**text, at: item.span() }),
                        _ => {
                            self.wrong(key, item, "a list of texts", &format!("Write {key} = [\"…\", \"…\"]."));
                            None
                        }
                    })
                    .collect(),
            ),
            _ => {
                self.wrong(key, value, "text or a list of texts", &format!("Write {key} = [\"…\", \"…\"]."));
                None
            }
        }
    }

    /// A list of texts that a parser understands.
    pub(crate) fn parsed_list<T>(&self, key: &'static str, parse: impl Fn(&str) -> Result<T, String>) -> Option<Vec<T>> {
        let list = self.list(key)?;
        Some(list.iter().filter_map(|told| self.understood(key, told, &parse)).map(|told| told.value).collect())
    }

    /// Lines for people: a text with line breaks, or a list of lines.
    pub(crate) fn lines(&self, key: &'static str) -> Option<Vec<Box<str>>> {
        let list = self.list(key)?;
        let mut lines = Vec::new();
        for told in list {
            for line in told.value.lines() {
                if line.chars().any(char::is_control) {
                    self.fault(told.at.clone(), format!("`{key}` of {} holds a control character", self.header), "Take it out.");
                }
                lines.push(line.into());
            }
        }
        Some(lines)
    }

    /// A table of texts under names that are not known beforehand; one text alone stands under `alone`.
    pub(crate) fn map(
        &self,
        key: &'static str,
        alone: &'static str,
        example: &str,
    ) -> Option<Vec<(Told<&'a str>, Told<String>)>> {
        let value = self.value(key)?;
        let texts = |v: &Spanned<DeValue<'a>>| match v.get_ref() {
            DeValue::String(text) => Some(text.to_string()),
            DeValue::Array(items) => items.iter().map(|i| i.get_ref().as_str()).collect::<Option<Vec<_>>>().map(|w| w.join(" ")),
            _ => None,
        };
        if let Some(text) = texts(value) {
            return Some(vec![(Told { value: alone, at: value.span() }, Told { value: text, at: value.span() })]);
        }
        let DeValue::Table(table) = value.get_ref() else {
            self.wrong(key, value, "text or a table", &format!("Write {key} = {example}."));
            return None;
        };
        let mut entries = Vec::new();
        for (name, value) in table {
            match texts(value) {
                Some(text) => {
                    entries.push((Told { value: &**name.get_ref(), at: name.span() }, Told { value: text, at: value.span() }))
                }
                None => self.wrong(key, value, "text", &format!("Write {key} = {example}.")),
            }
        }
        entries.sort_by_key(|(name, _)| name.at.start);
        Some(entries)
    }

    /// A table of its own: `[limits]`.
    pub(crate) fn section(&self, key: &'static str) -> Option<Self> {
        let value = self.value(key)?;
        let DeValue::Table(table) = value.get_ref() else {
            self.wrong(key, value, "a table", &format!("Write [{key}] on a line of its own, and its keys below."));
            return None;
        };
        Some(self.part(key, format!("[{key}]"), value.span(), table))
    }

    /// Tables of one kind: `[[listener]]`.
    pub(crate) fn sections(&self, key: &'static str) -> Vec<Self> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let kind = if self.kind.is_empty() { key.to_owned() } else { format!("{}.{key}", self.kind) };
        let remedy = format!("Write [[{kind}]] on a line of its own, once for each, and its keys below.");
        let DeValue::Array(items) = value.get_ref() else {
            self.wrong(key, value, "a list of tables", &remedy);
            return Vec::new();
        };
        let mut parts = Vec::new();
        for item in items.iter() {
            let DeValue::Table(table) = item.get_ref() else {
                self.wrong(key, item, "a list of tables", &remedy);
                continue;
            };
            let name = table.get("name").and_then(|n| n.get_ref().as_str()).map(|n| format!(" \"{}\"", n.escape_debug()));
            parts.push(self.part(&kind, format!("[[{kind}]]{}", name.unwrap_or_default()), item.span(), table));
        }
        parts
    }

    fn part(&self, kind: &str, header: String, at: Range<usize>, table: &'a DeTable<'a>) -> Self {
        Self { page: self.page, kind: kind.to_owned(), header, at, table, asked: RefCell::default() }
    }

    /// The header, for messages.
    pub(crate) fn header(&self) -> &str {
        &self.header
    }

    /// Whatever was not asked for is unknown.
    pub(crate) fn end(self) {
        let asked = self.asked.borrow();
        for (key, _) in self.table {
            let name: &str = key.get_ref();
            if asked.contains(&name) {
                continue;
            }
            let remedy = nearest(name, asked.iter().copied())
                .map_or_else(|| format!("Known here: {}.", asked.join(", ")), |near| format!("Did you mean `{near}`?"));
            let what = format!("{} has no key `{}`", self.header, name.escape_debug());
            self.fault(key.span(), what, remedy);
        }
    }
}

fn kind_of(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(_) => "text".to_owned(),
        DeValue::Integer(n) => format!("the number {}", n.as_str()),
        DeValue::Float(n) => format!("the number {}", n.as_str()),
        DeValue::Boolean(yes) => yes.to_string(),
        DeValue::Datetime(_) => "a date".to_owned(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

/// The known word that a misspelt one most likely means.
pub(crate) fn nearest<'w>(word: &str, known: impl Iterator<Item = &'w str>) -> Option<&'w str> {
    let word = word.to_lowercase().replace('-', "_");
    known
        .map(|k| {
            let known = k.to_lowercase().replace('-', "_");
            let begins = word.len() >= 3 && (known.starts_with(&word) || word.starts_with(&known));
            (if begins { 0.9 } else { strsim::normalized_damerau_levenshtein(&word, &known) }, k)
        })
        .filter(|(likeness, _)| *likeness >= 0.6)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, k)| k)
}

/// `"a", "b" or "c"`.
pub(crate) fn one_of(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|w| format!("\"{w}\"")).collect();
    match quoted.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    }
}

/// With a capital and a full stop.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let mut s: String = chars.next().map(|c| c.to_uppercase().collect()).unwrap_or_default();
    s.push_str(chars.as_str());
    if !s.ends_with(['.', '?', '!']) {
        s.push('.');
    }
    s
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspelt_words_are_recognised() {
        let known = ["address", "banner", "passive_ports", "plain_login"];
        for (word, means) in [
            ("adress", Some("address")),
            ("passive-ports", Some("passive_ports")),
            ("Banner", Some("banner")),
            ("passive", Some("passive_ports")),
            ("zebra", None),
        ] {
            assert_eq!(nearest(word, known.into_iter()), means, "{word}");
        }
        assert_eq!(one_of(&["a", "b", "c"]), "\"a\", \"b\" or \"c\"");
    }
}
