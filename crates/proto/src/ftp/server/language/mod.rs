//! In which language do people read the replies (LANG; RFC 2640 §4)? Codes, paths, numbers and what programs read stay as
//! they are; a text that is in no table stays English.

mod catalogue;

use std::sync::LazyLock;

use catalogue::Catalogue;

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
        self.catalogue()?.say(text)
    }

    fn catalogue(self) -> Option<&'static Catalogue> {
        static GERMAN: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::new("de", include_str!("de.ftl")));
        static SPANISH: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::new("es", include_str!("es.ftl")));
        static FRENCH: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::new("fr", include_str!("fr.ftl")));
        static CHINESE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::new("zh", include_str!("zh.ftl")));
        match self {
            Self::English => None,
            Self::German => Some(&GERMAN),
            Self::Spanish => Some(&SPANISH),
            Self::French => Some(&FRENCH),
            Self::Chinese => Some(&CHINESE),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_chooses_by_its_first_part() {
        assert_eq!(Language::tagged(b"de-AT"), Some(Language::German));
        assert_eq!(Language::tagged(b"ZH-hans-CN"), Some(Language::Chinese));
        assert_eq!(Language::tagged(b"tlh"), None);
    }

    #[test]
    fn english_stays_as_it_is() {
        assert_eq!(Language::English.translate("Here."), None);
        assert_eq!(Language::Spanish.translate("Here.").unwrap(), "Aquí.");
    }
}
