//! In which bytes does a server write its names, where it is not UTF-8? Old servers use what their system used.

use std::borrow::Cow;

use encoding_rs::Encoding;
use types::{Error, Reason};

/// How a server writes names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Charset(Inner);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Inner {
    /// One that the Web knows, too (WHATWG Encoding).
    Web(&'static Encoding),
    /// A code page of DOS: ASCII, and these letters from 0x80 on.
    Dos(&'static Page),
}

#[derive(PartialEq, Eq, Debug)]
struct Page {
    name: &'static str,
    high: &'static str,
}

/// IBM's code page 437: the PC's own.
static CP437: Page = Page {
    name: "CP437",
    high: "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}",
};

/// IBM's code page 850: Western Europe.
static CP850: Page = Page {
    name: "CP850",
    high: "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u{ad}±‗¾¶§÷¸°¨·¹³²■\u{a0}",
};

/// IBM's code page 852: Central Europe.
static CP852: Page = Page {
    name: "CP852",
    high: "ÇüéâäůćçłëŐőîŹÄĆÉĹĺôöĽľŚśÖÜŤťŁ×čáíóúĄąŽžĘę¬źČş«»░▒▓│┤ÁÂĚŞ╣║╗╝Żż┐└┴┬├─┼Ăă╚╔╩╦╠═╬¤đĐĎËďŇÍÎě┘┌█▄ŢŮ▀ÓßÔŃńňŠšŔÚŕŰýÝţ´\u{ad}˝˛ˇ˘§÷¸°¨˙űŘř■\u{a0}",
};

/// The pages, by each of their names.
static PAGES: [(&str, &Page); 9] = [
    ("cp437", &CP437),
    ("ibm437", &CP437),
    ("437", &CP437),
    ("cp850", &CP850),
    ("ibm850", &CP850),
    ("850", &CP850),
    ("cp852", &CP852),
    ("ibm852", &CP852),
    ("852", &CP852),
];

impl Charset {
    /// The one of this name: `latin1`, `cp1252`, `koi8-r`, `shift_jis`, `cp437`, …; `None` for UTF-8, which needs nothing.
    ///
    /// # Errors
    /// [`Reason::NoCharset`] where none is called that, or names cannot be written in it.
    pub fn named(name: &str) -> Result<Option<Self>, Error> {
        let plain = name.trim().to_ascii_lowercase();
        if let Some((_, page)) = PAGES.iter().find(|(known, _)| *known == plain) {
            return Ok(Some(Self(Inner::Dos(page))));
        }
        // "cp1252" is as common a name as the Web's.
        let web = Encoding::for_label(plain.as_bytes())
            .or_else(|| Encoding::for_label(plain.replacen("cp", "windows-", 1).as_bytes()))
            .ok_or_else(|| Error::with(Reason::NoCharset, format!("no charset is called {}", name.escape_debug())))?;
        if web == encoding_rs::UTF_8 {
            return Ok(None);
        }
        // Some switch to and fro within a name, or put a slash's byte where none is meant.
        if !web.is_ascii_compatible() {
            return Err(Error::with(Reason::NoCharset, format!("names cannot be written in {}", web.name())));
        }
        Ok(Some(Self(Inner::Web(web))))
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self.0 {
            Inner::Web(web) => web.name(),
            Inner::Dos(page) => page.name,
        }
    }

    /// A name as the server writes it.
    ///
    /// # Errors
    /// [`Reason::NotInCharset`] where the charset has no bytes for it. Names that are no UTF-8 go out as they are: they came
    /// from no server of this kind.
    pub fn encode<'a>(self, name: &'a [u8]) -> Result<Cow<'a, [u8]>, Error> {
        let Ok(text) = std::str::from_utf8(name) else { return Ok(name.into()) };
        if text.is_ascii() {
            return Ok(name.into());
        }
        let lacking = || {
            let words = format!("“{}” cannot be written in {}", text.escape_debug(), self.name());
            Error::with(Reason::NotInCharset, words)
        };
        match self.0 {
            Inner::Web(web) => {
                let (bytes, _, is_lossy) = web.encode(text);
                if is_lossy { Err(lacking()) } else { Ok(bytes) }
            }
            Inner::Dos(page) => {
                text.chars().map(|c| page.byte(c).ok_or_else(lacking)).collect::<Result<Vec<u8>, _>>().map(Cow::Owned)
            }
        }
    }

    /// A name as people read it, in UTF-8. Where the bytes mean nothing in this charset, they stay as they are.
    pub fn decode<'a>(self, name: &'a [u8]) -> Cow<'a, [u8]> {
        if name.is_ascii() {
            return name.into();
        }
        match self.0 {
            Inner::Web(web) => match web.decode_without_bom_handling_and_without_replacement(name) {
                Some(text) => Cow::Owned(text.into_owned().into_bytes()),
                None => name.into(),
            },
            Inner::Dos(page) => Cow::Owned(name.iter().map(|&b| page.letter(b)).collect::<String>().into_bytes()),
        }
    }
}

impl Page {
    fn letter(&self, byte: u8) -> char {
        match byte.checked_sub(0x80) {
            None => char::from(byte),
            Some(at) => self.high.chars().nth(at.into()).unwrap_or(char::REPLACEMENT_CHARACTER),
        }
    }

    fn byte(&self, letter: char) -> Option<u8> {
        if letter.is_ascii() {
            return u8::try_from(letter).ok();
        }
        let at = self.high.chars().position(|high| high == letter)?;
        u8::try_from(at + 0x80).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn charset(name: &str) -> Charset {
        Charset::named(name).unwrap().unwrap()
    }

    #[test]
    fn pages_are_whole() {
        for (_, page) in PAGES {
            let letters: std::collections::HashSet<_> = page.high.chars().collect();
            assert_eq!((page.high.chars().count(), letters.len()), (128, 128), "{}", page.name);
        }
    }

    #[test]
    fn names_go_out_and_come_back() {
        for (name, text, bytes) in [
            ("latin1", "Größe", &b"Gr\xf6\xdfe"[..]),
            ("CP1252", "5 €", b"5 \x80"),
            ("cp437", "Größe", b"Gr\x94\xe1e"),
            ("cp850", "Øre", b"\x9dre"),
            ("ibm852", "Łódź", b"\x9d\xa2d\xab"),
            ("koi8-r", "да", b"\xc4\xc1"),
            ("Shift_JIS", "ソ", b"\x83\x5c"),
        ] {
            let charset = charset(name);
            assert_eq!(charset.encode(text.as_bytes()).unwrap(), bytes, "{name}");
            assert_eq!(charset.decode(bytes), text.as_bytes(), "{name}");
        }
        assert_eq!(Charset::named("utf-8").unwrap(), None);
    }

    #[test]
    fn what_cannot_be_is_said() {
        assert_eq!(charset("latin1").encode("日本".as_bytes()).unwrap_err().reason, Reason::NotInCharset);
        assert_eq!(charset("cp437").encode("日本".as_bytes()).unwrap_err().reason, Reason::NotInCharset);
        for name in ["klingon", "utf-16le", "iso-2022-jp", ""] {
            assert_eq!(Charset::named(name).unwrap_err().reason, Reason::NoCharset, "{name}");
        }
        assert_eq!(charset("shift_jis").decode(b"\xff\xff"), &b"\xff\xff"[..]);
    }

    proptest! {
        #[test]
        fn no_bytes_become_a_slash_or_nothing(name in proptest::collection::vec(1u8..=255, 1..40), at in 0usize..5) {
            let charset = charset(["latin1", "cp437", "gbk", "big5", "euc-jp"][at]);
            let slashes = |bytes: &[u8]| bytes.iter().filter(|&&b| b == b'/').count();
            let read = charset.decode(&name);
            prop_assert!(!read.is_empty() && slashes(&read) <= slashes(&name));
        }
    }
}
