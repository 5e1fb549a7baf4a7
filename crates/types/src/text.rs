//! Which characters act on a terminal, or turn the text around them, instead of showing? And how are they shown?

use std::fmt;

/// Whether a character acts instead of showing: controls, line and paragraph separators, and what changes the direction
/// of text (Unicode's Bidi_Control), with which a name can be made to read as another.
pub fn acts(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    c.is_control() || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Writes a character as people may see it: itself, or `\xNN` or `\u{NNNN}` where it acts.
///
/// # Errors
/// Those of `out`.
pub fn put(c: char, out: &mut impl fmt::Write) -> fmt::Result {
    match u32::from(c) {
        _ if !acts(c) => out.write_char(c),
        code @ 0..=0xff => write!(out, "\\x{code:02x}"),
        code => write!(out, "\\u{{{code:x}}}"),
    }
}

/// Writes text as people may see it, each character as [`put`] does.
///
/// # Errors
/// Those of `out`.
pub fn put_all(mut text: &str, out: &mut impl fmt::Write) -> fmt::Result {
    // In runs: most text holds nothing that acts.
    while let Some((at, c)) = text.char_indices().find(|(_, c)| acts(*c)) {
        let (shows, rest) = text.split_at(at);
        out.write_str(shows)?;
        put(c, out)?;
        text = rest.get(c.len_utf8()..).unwrap_or_default();
    }
    out.write_str(text)
}

/// Puts something into words: most are short, and fit from the start.
pub fn words(of: impl fmt::Display) -> Box<str> {
    let mut text = String::with_capacity(64);
    let _ = fmt::Write::write_fmt(&mut text, format_args!("{of}")); // writing to a string does not fail
    text.into_boxed_str()
}

/// Text that cannot do anything to a terminal.
pub fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let _ = put_all(text, &mut shown); // writing to a string does not fail
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::VPath;

    #[test]
    fn what_acts_is_escaped_and_what_shows_is_not() {
        for (text, shown) in [
            ("a b é 日\u{3000}本 👩\u{200d}🚀", "a b é 日\u{3000}本 👩\u{200d}🚀"),
            ("\u{1b}[2J\u{7f}\u{85}\n", "\\x1b[2J\\x7f\\x85\\x0a"),
            ("invoice\u{202e}fdp.exe", "invoice\\u{202e}fdp.exe"),
            ("\u{2066}a\u{2069}\u{200e}\u{200f}\u{61c}", "\\u{2066}a\\u{2069}\\u{200e}\\u{200f}\\u{61c}"),
            ("\u{2028}\u{2029}\u{202a}", "\\u{2028}\\u{2029}\\u{202a}"),
        ] {
            assert_eq!(printable(text), shown);
            assert_eq!(VPath::parse(text.as_bytes()).unwrap().to_string(), format!("/{shown}"));
        }
    }
}
