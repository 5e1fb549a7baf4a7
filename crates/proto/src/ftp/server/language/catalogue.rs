//! The catalogues of texts, one a language (Fluent, `*.ftl`): which text of ours is this, what is it filled with, and how
//! does another language say it?

use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use fluent_syntax::ast::{Entry, Expression, InlineExpression, PatternElement};
use types::Reason;

/// What stands for a number that other words of a sentence agree with.
const COUNTS: [&str; 5] = ["bytes", "entries", "files", "folders", "sessions"];

/// Whole numbers up to this are exact in Fluent's arithmetic.
const EXACT: u64 = 1 << 53;

/// The texts of replies in one language.
pub(super) struct Catalogue(FluentBundle<FluentResource>);

impl Catalogue {
    /// The catalogue of the language with this tag (RFC 5646). What is not well formed is left out, and so stays English.
    pub(super) fn new(tag: &str, source: &str) -> Self {
        let mut bundle = FluentBundle::new_concurrent(vec![tag.parse().unwrap_or_default()]);
        // The marks for mixed directions of writing would stand in paths that people copy.
        bundle.set_use_isolating(false);
        bundle.add_resource_overriding(resource(source));
        Self(bundle)
    }

    /// A text of ours of one or more lines in this language; nothing where all of it stays as it is.
    pub(super) fn say(&self, text: &str) -> Option<String> {
        let mut lines = Vec::new();
        let mut known = false;
        for line in text.split('\n') {
            let other = self.line(line);
            known |= other.is_some();
            lines.push(other.unwrap_or_else(|| line.to_owned()));
        }
        known.then(|| lines.join("\n"))
    }

    fn line(&self, line: &str) -> Option<String> {
        let whole = ENGLISH.iter().find_map(|text| Some((text.name, text.filled_with(line)?)));
        match whole {
            Some((name, values)) => self.format(name, &values),
            None => self.refusal(line),
        }
    }

    fn format(&self, name: &str, values: &[(&str, &str)]) -> Option<String> {
        let pattern = self.0.get_message(name)?.value()?;
        let mut args = FluentArgs::with_capacity(values.len());
        for &(name, value) in values {
            let count = value.parse::<u64>().ok().filter(|&count| COUNTS.contains(&name) && count <= EXACT);
            match count {
                Some(count) => args.set(name, FluentValue::from(count)),
                None if name == "cause" => args.set(name, self.refusal(value).unwrap_or_else(|| value.to_owned())),
                None => args.set(name, value.to_owned()),
            }
        }
        let mut faults = Vec::new();
        let said = self.0.format_pattern(pattern, Some(&args), &mut faults);
        faults.is_empty().then(|| said.into_owned())
    }

    /// A refusal, which has a reason's cause before its code: maybe with a path before it, maybe with a remedy behind it.
    fn refusal(&self, line: &str) -> Option<String> {
        let (before, after) = line.split_at_checked(line.rfind(" (CRK-")?)?;
        let (code, rest) = after.split_at_checked(after.find(')')? + 1)?;
        let reason = Reason::by_code(code.trim_matches([' ', '(', ')']))?;
        let (path, said) = before.split_at_checked(before.len().checked_sub(reason.cause().len())?)?;
        if !said.eq_ignore_ascii_case(reason.cause()) {
            return None;
        }
        let other = self.format(reason.code(), &[])?;
        let mut letters = other.chars();
        // It begins a sentence where ours did.
        let other = match letters.next().filter(|_| said.starts_with(char::is_uppercase)) {
            Some(first) => format!("{}{}", first.to_uppercase(), letters.as_str()),
            None => other,
        };
        let remedy = rest.strip_prefix(". ").and_then(|remedy| self.line(remedy)).map(|remedy| format!(". {remedy}"));
        Some(format!("{path}{other}{code}{}", remedy.as_deref().unwrap_or(rest)))
    }
}

/// The English texts, as the program writes them.
static ENGLISH: LazyLock<Vec<Text>> = LazyLock::new(|| texts(&ENGLISH_SOURCE));
static ENGLISH_SOURCE: LazyLock<FluentResource> = LazyLock::new(|| resource(include_str!("en.ftl")));

fn resource(source: &str) -> FluentResource {
    FluentResource::try_new(source.to_owned()).unwrap_or_else(|(sound, _)| sound)
}

/// A text of ours: its name, and what stands around what it is filled with.
struct Text {
    name: &'static str,
    /// One more than it has values; the outer ones may be empty.
    words: Vec<&'static str>,
    values: Vec<&'static str>,
}

fn texts(source: &'static FluentResource) -> Vec<Text> {
    let mut all = Vec::new();
    for entry in source.entries() {
        let Entry::Message(message) = entry else { continue };
        let Some(pattern) = &message.value else { continue };
        let mut text = Text { name: message.id.name, words: vec![""], values: Vec::new() };
        for element in &pattern.elements {
            match element {
                PatternElement::TextElement { value } => {
                    if let Some(last) = text.words.last_mut() {
                        *last = value;
                    }
                }
                PatternElement::Placeable { expression: Expression::Inline(InlineExpression::VariableReference { id }) } => {
                    text.values.push(id.name);
                    text.words.push("");
                }
                PatternElement::Placeable { .. } => {}
            }
        }
        all.push(text);
    }
    all
}

impl Text {
    /// What this text is filled with where `line` is this text. Looked for from the end, as paths may hold anything and
    /// stand before what is counted; then from the beginning.
    fn filled_with<'a>(&self, line: &'a str) -> Option<Vec<(&'static str, &'a str)>> {
        let (first, others) = self.words.split_first()?;
        let Some((last, between)) = others.split_last() else { return (line == *first).then(Vec::new) };
        let inner = line.strip_prefix(first)?.strip_suffix(last)?;
        let (mut rest, mut values) = (inner, Vec::new());
        for words in between.iter().rev() {
            let (before, value) = rest.rsplit_once(words)?;
            values.push(value);
            rest = before;
        }
        values.push(rest);
        values.reverse();
        self.named(values).or_else(|| {
            let mut rest = inner;
            let mut values = Vec::new();
            for words in between {
                let (value, after) = rest.split_once(words)?;
                values.push(value);
                rest = after;
            }
            values.push(rest);
            self.named(values)
        })
    }

    /// The values with their names; nothing where one is not what its name says.
    fn named<'a>(&self, values: Vec<&'a str>) -> Option<Vec<(&'static str, &'a str)>> {
        let named: Vec<_> = self.values.iter().copied().zip(values).collect();
        let digits = |value: &str| !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
        let right = |&(name, value): &(&str, &str)| match name {
            "code" => Reason::by_code(value).is_some(),
            name if COUNTS.contains(&name) => digits(value),
            _ => true,
        };
        named.iter().all(right).then_some(named)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const SOURCES: [(&str, &str); 5] = [
        ("en", include_str!("en.ftl")),
        ("de", include_str!("de.ftl")),
        ("es", include_str!("es.ftl")),
        ("fr", include_str!("fr.ftl")),
        ("zh", include_str!("zh.ftl")),
    ];

    /// Each message's name with the values that stand in it, in selectors, too.
    fn messages(source: &str) -> Vec<(String, BTreeSet<String>)> {
        let resource = FluentResource::try_new(source.to_owned()).map_err(|(_, faults)| faults).unwrap();
        let values = |text: &str| {
            text.split('$').skip(1).map(|rest| rest.split(|c: char| !c.is_alphanumeric()).next().unwrap().to_owned()).collect()
        };
        let names: Vec<_> =
            resource.entries().filter_map(|e| if let Entry::Message(m) = e { Some(m.id.name) } else { None }).collect();
        let begins: Vec<_> = names.iter().map(|name| source.find(&format!("\n{name} =")).unwrap()).collect();
        let ends = begins.iter().skip(1).copied().chain([source.len()]);
        names
            .iter()
            .zip(begins.iter().zip(ends))
            .map(|(name, (&begin, end))| ((*name).to_owned(), values(&source[begin..end])))
            .collect()
    }

    #[test]
    fn every_language_has_every_text_with_the_same_values() {
        let english = messages(SOURCES[0].1);
        for (tag, source) in &SOURCES[1..] {
            let (causes, texts): (Vec<_>, Vec<_>) = messages(source).into_iter().partition(|(name, _)| name.starts_with("CRK-"));
            let names = |all: &[(String, BTreeSet<String>)]| all.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
            assert_eq!(names(&texts), names(&english), "{tag}");
            assert_eq!(texts, english, "{tag}");
            assert!(causes.iter().all(|(code, values)| Reason::by_code(code).is_some() && values.is_empty()), "{tag}");
            assert_eq!(names(&causes), names(&messages(SOURCES[1].1))[english.len()..], "{tag}");
        }
    }

    #[test]
    fn a_special_text_stands_before_a_general_one() {
        for (at, text) in ENGLISH.iter().enumerate() {
            let filled: String = text.words.iter().enumerate().fold(String::new(), |line, (n, words)| {
                let value = match n.checked_sub(1).map(|n| text.values[n]) {
                    None => "",
                    Some("code") => "CRK-405",
                    Some(name) if COUNTS.contains(&name) => "7",
                    Some(_) => "x",
                };
                format!("{line}{value}{words}")
            });
            let found = ENGLISH.iter().position(|text| text.filled_with(&filled).is_some());
            assert_eq!(found, Some(at), "{}: {filled}", text.name);
        }
    }

    #[test]
    fn words_agree_with_their_numbers() {
        let french = Catalogue::new("fr", SOURCES[3].1);
        let said = |text: &str| french.say(text).unwrap();
        assert_eq!(said("0 bytes would fit."), "0 octet tiendrait.");
        assert_eq!(said("2 bytes would fit."), "2 octets tiendraient.");
        assert_eq!(said("18446744073709551615 bytes would fit."), "18446744073709551615 octets tiendraient.");
        assert_eq!(said("1 bytes in 1 files and 2 folders."), "1 octet dans 1 fichier et 2 dossiers.");
        assert_eq!(french.say("x bytes would fit."), None);
    }

    #[test]
    fn values_stand_where_they_belong() {
        let german = Catalogue::new("de", SOURCES[1].1);
        let said = |text: &str| german.say(text).unwrap();
        assert_eq!(said("Welcome, anna."), "Willkommen, anna.");
        assert_eq!(said("Stored /a: b.: 5 bytes."), "/a: b. gespeichert: 5 Bytes.");
        assert_eq!(said("Copied 5 bytes to /a bytes to b."), "5 Bytes kopiert nach /a bytes to b.");
        assert_eq!(said("/x: no such file or folder (CRK-201)."), "/x: Datei oder Ordner gibt es nicht (CRK-201).");
        assert_eq!(said("No such command (CRK-403)."), "Diesen Befehl gibt es nicht (CRK-403).");
        assert_eq!(
            said("/x: the client cut the data connection (CRK-306). 1 bytes had moved."),
            "/x: der Client hat die Datenverbindung abgebrochen (CRK-306). Ein Byte war übertragen."
        );
        assert_eq!(said("State of the session:\nas it is\nNot logged in"), "Zustand der Sitzung:\nas it is\nNicht angemeldet");
        for strange in ["CRK-2", " (CRK-", "\u{e9} (CRK-2\u{e9}1", " (CRK-201)", "", "\n"] {
            assert_eq!(german.say(strange), None, "{strange}");
        }
    }

    /// Replies that programs read, or that say what was asked for and nothing else; a message of the administrator's; a
    /// line within a reply.
    const NOT_OURS_TO_SAY: [&str; 12] = [
        "PBSZ=",
        "ADAT",
        "MODE Z ENGINE",
        "MLST OPTS",
        "HASH ",
        "SHA-",
        "MD5",
        "FILE: ",
        "MARK ",
        "UNIX Type",
        "Hello there",
        " entries so far.",
    ];

    #[test]
    #[allow(clippy::disallowed_methods, reason = "a test reads the dialogues it checks")]
    fn what_people_read_in_the_dialogues_is_in_the_catalogue() {
        let german = Catalogue::new("de", SOURCES[1].1);
        let mut missing = BTreeSet::new();
        let mut found = 0;
        for file in std::fs::read_dir("tests/dialogues").unwrap().map(|file| file.unwrap().path()) {
            let text = std::fs::read_to_string(&file).unwrap();
            for (code, said) in text.lines().filter(|_| !text.contains(" LANG de ")).filter_map(reply) {
                // 211, 214 and 215 are lists, 213 values, 227 to 229 addresses, 220 a banner, 6xx sealed.
                let prose = !matches!(code, 211 | 213..=215 | 220 | 227..=229 | 600..) && said.contains(' ');
                if prose && !NOT_OURS_TO_SAY.iter().any(|known| said.starts_with(known)) {
                    found += 1;
                    let said = said.strip_suffix(" The sender called a part of it suspect.").unwrap_or(&said);
                    if german.say(said).is_none() {
                        missing.insert(format!("{code} {said}"));
                    }
                }
            }
        }
        assert!(found > 500, "{found}");
        assert_eq!(missing, BTreeSet::new());
    }

    /// The first line of a reply in a ladder.
    fn reply(line: &str) -> Option<(u16, String)> {
        let said = line.split_once("\u{2502}\u{25c0}")?.1.trim_start_matches('\u{2500}').split_once(" \u{2500}\u{2502}")?.0;
        let said = said.trim_matches([' ', '"']).replace("\\\"", "\"");
        Some((said.get(..3)?.parse().ok()?, said.get(4..)?.to_owned()))
    }
}
