//! How do names cross the control and data lines without forging any (RFC 3659 §2.2, RFC 959 Appendix II)?
//!
//! Inside, names are bytes. On the wire, a control byte in a name is shown as its Unicode picture (LF as `␊`), so
//! that no name ends a line or steers a terminal; a picture that stands in a name itself is quoted with `‛`
//! (U+201B), so that every name comes back as it was.

use std::borrow::Cow;

/// `‛`, which says that the picture (or `‛`) behind it means itself.
const QUOTE: [u8; 3] = [0xe2, 0x80, 0x9b];
/// First two bytes of U+2400 to U+243F, the control pictures.
const PICTURE: [u8; 2] = [0xe2, 0x90];
/// The picture of DEL, U+2421.
const DEL_PICTURE: u8 = 0xa1;

/// A name as it stands on a line. Borrowed, but for names that hold control bytes or their pictures.
pub fn encode(name: &[u8]) -> Cow<'_, [u8]> {
    if !name.iter().any(|&b| is_special(b)) {
        return Cow::Borrowed(name);
    }
    let mut line = Vec::with_capacity(name.len() + 8);
    encode_into(name, &mut line);
    Cow::Owned(line)
}

/// Appends a name as it stands on a line.
pub fn encode_into(name: &[u8], out: &mut Vec<u8>) {
    let mut rest = name;
    while let Some(at) = rest.iter().position(|&b| is_special(b)) {
        let (plain, special) = rest.split_at(at);
        out.extend_from_slice(plain);
        match special {
            [0xe2, second, third, tail @ ..] if quotable([0xe2, *second, *third]) => {
                out.extend_from_slice(&QUOTE);
                out.extend_from_slice(&[0xe2, *second, *third]);
                rest = tail;
            }
            [0xe2, tail @ ..] => {
                out.push(0xe2);
                rest = tail;
            }
            [control, tail @ ..] => {
                out.extend_from_slice(&PICTURE);
                out.push(if *control == 0x7f { DEL_PICTURE } else { 0x80 + control });
                rest = tail;
            }
            [] => return,
        }
    }
    out.extend_from_slice(rest);
}

/// The name that a line means: [`encode`] undone. Control bytes that stand on the line stay.
pub fn decode(line: &[u8]) -> Cow<'_, [u8]> {
    if !line.contains(&0xe2) || !line.windows(3).any(|w| matches!(w, [a, b, c] if quotable([*a, *b, *c]))) {
        return Cow::Borrowed(line);
    }
    let mut name = Vec::with_capacity(line.len());
    let mut rest = line;
    while let Some((&first, tail)) = rest.split_first() {
        rest = match rest {
            [0xe2, 0x80, 0x9b, a, b, c, tail @ ..] if quotable([*a, *b, *c]) => {
                name.extend_from_slice(&[*a, *b, *c]);
                tail
            }
            [0xe2, 0x90, DEL_PICTURE, tail @ ..] => {
                name.push(0x7f);
                tail
            }
            [0xe2, 0x90, picture, tail @ ..] if is_picture(*picture) => {
                name.push(*picture - 0x80);
                tail
            }
            _ => {
                name.push(first);
                tail
            }
        };
    }
    Cow::Owned(name)
}

/// A path for 257: in quotes, a quote inside doubled (RFC 959 Appendix II), control bytes shown.
pub fn quote(path: &[u8]) -> Vec<u8> {
    let shown = encode(path);
    let mut out = Vec::with_capacity(shown.len() + 2);
    out.push(b'"');
    for &b in &*shown {
        if b == b'"' {
            out.push(b'"');
        }
        out.push(b);
    }
    out.push(b'"');
    out
}

/// The path that the text of a 257 names, and what follows it; `None` without both quotes.
pub fn unquote(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut rest = text.strip_prefix(b"\"")?;
    let mut shown = Vec::new();
    loop {
        rest = match rest {
            [b'"', b'"', tail @ ..] => {
                shown.push(b'"');
                tail
            }
            [b'"', tail @ ..] => return Some((decode(&shown).into_owned(), tail)),
            [b, tail @ ..] => {
                shown.push(*b);
                tail
            }
            [] => return None,
        };
    }
}

/// Bytes that need a second look: controls but TAB, and the first byte of pictures and quote.
const fn is_special(b: u8) -> bool {
    (b < b' ' && b != b'\t') || b == 0x7f || b == 0xe2
}

/// Whether U+24xx with this last byte is the picture of a byte that is shown as one. NUL is in no name and TAB
/// is sent as it is.
const fn is_picture(last: u8) -> bool {
    last > 0x80 && last < 0xa0 && last != 0x89
}

/// Whether these three bytes mean something in an encoded name.
fn quotable(c: [u8; 3]) -> bool {
    let [a, b, last] = c;
    c == QUOTE || ([a, b] == PICTURE && (is_picture(last) || last == DEL_PICTURE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn shown_and_back() {
        let table: [(&[u8], &str); 8] = [
            (b"plain name.txt", "plain name.txt"),
            (b"a\tb", "a\tb"),
            (b"a\r\nb", "a␍␊b"),
            (b"\x1b[2J\x7f", "␛[2J␡"),
            ("a␊b".as_bytes(), "a‛␊b"),
            ("a‛b".as_bytes(), "a‛‛b"),
            ("‛\n".as_bytes(), "‛‛␊"),
            ("€ ␉".as_bytes(), "€ ␉"),
        ];
        for (name, line) in table {
            assert_eq!(encode(name), line.as_bytes(), "{line}");
            assert_eq!(decode(line.as_bytes()), name, "{line}");
        }
        assert!(matches!(encode("naïve".as_bytes()), Cow::Borrowed(_)));
        assert!(matches!(decode("naïve €".as_bytes()), Cow::Borrowed(_)));
    }

    #[test]
    fn quotes_are_doubled() {
        assert_eq!(quote(b"/a \"b\""), b"\"/a \"\"b\"\"\"");
        assert_eq!(unquote(b"\"/a \"\"b\"\"\" made"), Some((b"/a \"b\"".to_vec(), &b" made"[..])));
        assert_eq!(quote(b"/a\n257 \"x\""), "\"/a␊257 \"\"x\"\"\"".as_bytes());
        assert_eq!(unquote(b"\"/a"), None);
        assert_eq!(unquote(b"/a"), None);
    }

    /// Names made of the bytes that matter.
    fn names() -> impl Strategy<Value = Vec<u8>> {
        let part = prop_oneof![
            proptest::collection::vec(1u8..=255, 0..4),
            Just(QUOTE.to_vec()),
            (0x80u8..=0xbf).prop_map(|b| vec![0xe2, 0x90, b]),
            proptest::sample::select(vec![vec![0xe2], vec![0xe2, 0x80], vec![0xe2, 0x90], vec![b'\n'], vec![b'"']]),
        ];
        proptest::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
    }

    proptest! {
        #[test]
        fn every_name_comes_back(name in names()) {
            let line = encode(&name);
            prop_assert!(!line.iter().any(|&b| (b < b' ' && b != b'\t') || b == 0x7f));
            prop_assert_eq!(&*decode(&line), &*name);
            let mut reply = quote(&name);
            reply.extend_from_slice(b" created \"now\"");
            prop_assert_eq!(unquote(&reply), Some((name, &b" created \"now\""[..])));
        }

        #[test]
        fn decoding_takes_anything(line in proptest::collection::vec(any::<u8>(), 0..64)) {
            prop_assert!(decode(&line).len() <= line.len());
        }
    }
}
