//! In which language do people read the replies (LANG; RFC 2640 §4)? Codes, paths, numbers and what programs read stay as
//! they are; a text that is in no table stays English.

mod causes;
mod texts;

use types::Reason;

/// A language of replies.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(super) enum Language {
    #[default]
    English,
    German,
    Spanish,
    French,
    Chinese,
}

impl Language {
    pub(super) const ALL: [Self; 5] = [Self::English, Self::German, Self::Spanish, Self::French, Self::Chinese];

    /// Its tag (RFC 5646).
    pub(super) const fn tag(self) -> &'static str {
        match self {
            Self::English => "EN",
            Self::German => "DE",
            Self::Spanish => "ES",
            Self::French => "FR",
            Self::Chinese => "ZH",
        }
    }

    /// The one that a tag asks for: the part before `-` is enough to choose by.
    pub(super) fn tagged(tag: &[u8]) -> Option<Self> {
        let main = tag.split(|&b| b == b'-').next().unwrap_or_default();
        Self::ALL.into_iter().find(|language| language.tag().as_bytes().eq_ignore_ascii_case(main))
    }

    /// A text of ours in this language; nothing where it stays as it is.
    pub(super) fn translate(self, text: &str) -> Option<String> {
        let column = match self {
            Self::English => return None,
            Self::German => 0,
            Self::Spanish => 1,
            Self::French => 2,
            Self::Chinese => 3,
        };
        let whole = texts::TEXTS.iter().find_map(|(english, others)| fill(english, others.get(column)?, text));
        whole.or_else(|| cause(column, text))
    }
}

/// Takes what stands at each `{}` of `english` over into `other`; nothing where `text` is not so made.
fn fill(english: &str, other: &str, text: &str) -> Option<String> {
    let mut pieces = english.split("{}");
    let mut rest = text.strip_prefix(pieces.next()?)?;
    let mut values = Vec::new();
    let mut pieces = pieces.peekable();
    while let Some(piece) = pieces.next() {
        let at = match pieces.peek() {
            // The last piece ends the text, whatever stands in a path before it.
            None => rest.len().checked_sub(piece.len()).filter(|_| rest.ends_with(piece))?,
            Some(_) => rest.find(piece)?,
        };
        let (value, after) = rest.split_at_checked(at)?;
        values.push(value);
        rest = after.get(piece.len()..)?;
    }
    if !rest.is_empty() {
        return None;
    }
    let mut values = values.into_iter();
    let mut out = String::new();
    for (at, piece) in other.split("{}").enumerate() {
        if at > 0 {
            out.push_str(values.next()?);
        }
        out.push_str(piece);
    }
    Some(out)
}

/// Puts a reason's cause into another language, where one stands in the text: before its code.
fn cause(column: usize, text: &str) -> Option<String> {
    let at = text.rfind(" (CRK-")?;
    let (before, code) = text.split_at_checked(at)?;
    let reason = Reason::by_code(code.get(2..9)?)?;
    let other = causes::CAUSES.iter().find(|(known, _)| *known == reason).and_then(|(_, others)| others.get(column))?;
    let kept = before.len().checked_sub(reason.cause().len())?;
    let (path, said) = before.split_at_checked(kept)?;
    if !said.eq_ignore_ascii_case(reason.cause()) {
        return None;
    }
    // It begins a sentence where ours did.
    let mut letters = other.chars();
    match letters.next().filter(|_| said.starts_with(char::is_uppercase)) {
        Some(first) => Some(format!("{path}{}{}{code}", first.to_uppercase(), letters.as_str())),
        None => Some(format!("{path}{other}{code}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_keeps_its_values_and_has_all_languages() {
        for (english, others) in texts::TEXTS {
            let values = english.matches("{}").count();
            for other in *others {
                assert!(!other.is_empty() && other.matches("{}").count() == values, "{english}");
            }
        }
        for (reason, others) in causes::CAUSES {
            assert!(others.iter().all(|other| !other.is_empty() && !other.ends_with('.')), "{reason:?}");
        }
    }

    #[test]
    fn values_stand_where_they_belong() {
        let german = |text: &str| Language::German.translate(text);
        assert_eq!(german("Welcome, anna.").unwrap(), "Willkommen, anna.");
        assert_eq!(german("Stored /a: b.: 5 bytes.").unwrap(), "/a gespeichert: b.: 5 bytes.");
        assert_eq!(german("/x: no such file or folder (CRK-201).").unwrap(), "/x: Datei oder Ordner gibt es nicht (CRK-201).");
        assert_eq!(german("No such command (CRK-403).").unwrap(), "Diesen Befehl gibt es nicht (CRK-403).");
        assert_eq!(german("CRK-2"), None);
        assert_eq!(german(" (CRK-"), None);
        assert_eq!(german("\u{e9} (CRK-2\u{e9}1"), None);
        assert_eq!(Language::English.translate("Here."), None);
        assert_eq!(Language::tagged(b"de-AT"), Some(Language::German));
        assert_eq!(Language::tagged(b"tlh"), None);
    }
}
