//! What is text on a ladder and what is drawing? Cuts a line into tokens, and quotes the labels that would be taken
//! for something else, or that could harm a terminal.

use std::borrow::Cow;

use unicode_width::UnicodeWidthChar;

/// A piece of a ladder's line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Token {
    /// `│` or `|`: an upright.
    Upright,
    /// `┼`, `╪` or `+`: an upright that an arrow crosses.
    Crossing,
    /// A run of `─` or `-`.
    Dash,
    /// A run of `═` or `=`.
    Heavy,
    /// `◀` or `<`.
    Left,
    /// `▶` or `>`.
    Right,
    /// `●` or `*`: an upright with a mark on it.
    Mark,
    /// A label, as written.
    Text(String),
}

const fn is_dash(c: char) -> bool {
    matches!(c, '─' | '═' | '-' | '=')
}

/// Drawing that no label may hold unquoted.
const fn is_drawn(c: char) -> bool {
    matches!(c, '│' | '┼' | '╪' | '◀' | '▶' | '─' | '═' | '●')
}

/// The drawing at the head of `rest`, and how many characters it takes. ASCII signs count only where they can be
/// no part of a word: `LIST -la` is all text.
fn drawing(rest: &[char], after_dash: bool) -> Option<(Token, usize)> {
    let first = *rest.first()?;
    let next = rest.get(1).copied();
    let token = match first {
        '│' | '|' => Token::Upright,
        '┼' | '╪' => Token::Crossing,
        '+' if after_dash => Token::Crossing,
        '◀' => Token::Left,
        '<' if next.is_some_and(is_dash) => Token::Left,
        '▶' => Token::Right,
        '>' if after_dash => Token::Right,
        '●' => Token::Mark,
        '*' if next == Some(' ') => Token::Mark,
        _ if is_dash(first) => {
            let run = rest.iter().take_while(|&&c| is_dash(c)).count();
            let ends = rest.get(run).is_none_or(|&c| c.is_whitespace() || is_drawn(c) || matches!(c, '|' | '+' | '>'));
            let token = if matches!(first, '═' | '=') { Token::Heavy } else { Token::Dash };
            return (ends || is_drawn(first)).then_some((token, run));
        }
        _ => return None,
    };
    Some((token, 1))
}

/// Whether a label that was begun ends before `rest`, which follows a space.
fn label_ends(rest: &[char]) -> bool {
    match rest.first() {
        None => true,
        Some('>' | '<') if rest.get(1).is_none_or(|c| c.is_whitespace() || *c == '|') => true,
        Some(' ') => true,
        // A lone hyphen between words is a word; a run that leads to a sign is an arrow's shaft.
        Some('-' | '=') => {
            let run = rest.iter().take_while(|&&c| is_dash(c)).count();
            matches!(rest.get(run), None | Some('|' | '+' | '>' | '│' | '┼' | '╪' | '▶'))
        }
        Some('|') => true,
        Some(_) => false,
    }
}

/// Cuts a line into its tokens.
pub(crate) fn tokens(line: &str) -> Vec<Token> {
    let chars: Vec<char> = line.chars().collect();
    let (mut out, mut i) = (Vec::new(), 0);
    while let Some(rest) = chars.get(i..).filter(|rest| !rest.is_empty()) {
        if rest.first().is_some_and(|c| c.is_whitespace()) {
            i += 1;
        } else if let Some((token, length)) = drawing(rest, i > 0 && matches!(out.last(), Some(Token::Dash | Token::Heavy))) {
            out.push(token);
            i += length;
        } else {
            let length = label_length(rest);
            out.push(Token::Text(rest.iter().take(length).collect()));
            i += length;
        }
    }
    out
}

fn label_length(rest: &[char]) -> usize {
    let mut previous = 'x';
    for (n, &c) in rest.iter().enumerate().skip(1) {
        if is_drawn(c) {
            return n - usize::from(previous == ' ');
        }
        if previous == ' ' && label_ends(rest.get(n..).unwrap_or_default()) {
            return n - 1;
        }
        previous = c;
    }
    rest.len() - usize::from(previous == ' ')
}

/// Characters that act on a terminal or turn text around instead of showing.
fn is_unseen(c: char) -> bool {
    types::text::acts(c)
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}' | '\u{feff}')
        || (c != ' ' && c.is_whitespace())
}

/// A label as it can stand on a ladder: itself, or in quotes where it would be misread.
pub(crate) fn quote(text: &str) -> Cow<'_, str> {
    if reads_as_itself(text) { Cow::Borrowed(text) } else { Cow::Owned(quoted(text)) }
}

fn reads_as_itself(text: &str) -> bool {
    let alone = |line: String| {
        let mut texts = tokens(&line).into_iter().filter_map(|token| match token {
            Token::Text(text) => Some(text),
            _ => None,
        });
        texts.next().as_deref() == Some(text) && texts.next().is_none()
    };
    !text.starts_with(['"', '#', ' '])
        && !text.contains('…')
        && !text.contains("  ")
        && !text.chars().any(is_unseen)
        && alone(format!("│─ {text} ─▶│"))
        && alone(format!("|- {text} ->|"))
        && alone(format!("● {text}"))
        && alone(format!("|= {text} =|"))
        && alone(format!("* {text}"))
}

fn quoted(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::from("\"");
    for (i, &c) in chars.iter().enumerate() {
        let edge = |n: Option<&char>| n.is_none_or(|c| *c == ' ');
        let by_edge = edge(i.checked_sub(1).and_then(|n| chars.get(n))) || edge(chars.get(i + 1));
        match c {
            '"' | '\\' | '#' => out.extend(['\\', c]),
            '…' => escape(c, &mut out),
            ' ' if i == 0 || i + 1 == chars.len() || i.checked_sub(1).and_then(|n| chars.get(n)) == Some(&' ') => {
                escape(c, &mut out)
            }
            // Within a word these draw nothing.
            '|' | '+' | '<' | '>' | '*' | '-' | '=' if by_edge => out.extend(['\\', c]),
            _ if is_drawn(c) || is_unseen(c) => escape(c, &mut out),
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}

fn escape(c: char, out: &mut String) {
    out.extend(c.escape_unicode());
}

/// The label that [`quote`] wrote; `None` where the quotes do not close or an escape is none.
pub(crate) fn unquote(label: &str) -> Option<String> {
    let Some(inner) = label.strip_prefix('"') else {
        return Some(label.to_owned());
    };
    // A label that was cut to fit a terminal lost its closing quote; what is left of it is read.
    let Some(inner) = inner.strip_suffix('"') else {
        let cut = inner.strip_suffix('…')?;
        let whole = cut.rfind('\\').filter(|&n| unescape(&cut[n..]).is_none()).map_or(cut, |n| &cut[..n]);
        return unescape(whole).or_else(|| unescape(whole.strip_suffix('\\')?)).map(|text| text + "…");
    };
    unescape(inner)
}

fn unescape(inner: &str) -> Option<String> {
    let (mut out, mut chars) = (String::new(), inner.chars());
    while let Some(c) = chars.next() {
        match c {
            '"' => return None,
            '\\' => match chars.next()? {
                'u' => {
                    chars.next().filter(|&c| c == '{')?;
                    let (digits, _) = chars.as_str().split_once('}')?;
                    chars = chars.as_str().get(digits.len() + 1..)?.chars();
                    out.push(u32::from_str_radix(digits, 16).ok().and_then(char::from_u32)?);
                }
                c @ ('"' | '\\' | '#' | '|' | '+' | '<' | '>' | '*' | '-' | '=') => out.push(c),
                _ => return None,
            },
            c => out.push(c),
        }
    }
    Some(out)
}

/// Columns a terminal gives a text.
pub(crate) fn width(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}

/// A label in pieces, the first of at most `first` columns, the others of `others`, `lines` of them at most: broken at
/// spaces where that helps, else inside words, with `…` on both sides of such a break. What does not fit is cut, and
/// the last piece ends in `…`.
pub(crate) fn wrap(label: &str, first: usize, others: usize, lines: usize) -> Vec<String> {
    let mut out = Vec::new();
    let mut rest = Cow::Borrowed(label);
    loop {
        let room = if out.is_empty() { first } else { others }.max(4);
        if width(&rest) <= room {
            break;
        }
        if out.len() + 1 >= lines.max(1) {
            rest = Cow::Owned(format!("{}…", fitting(&rest, room - 1)));
            break;
        }
        let fits = fitting(&rest, room);
        // The space right behind what fits is as good a place to break as one in it.
        let whole = if rest.get(fits.len()..).is_some_and(|r| r.starts_with(' ')) { Some(fits.len()) } else { fits.rfind(' ') };
        let at_space =
            whole.filter(|&n| width(&rest[..n]) * 3 >= room && stands_alone(&rest[..n]) && stands_alone(&rest[n + 1..]));
        let (line, tail) = match at_space {
            Some(n) => (rest[..n].to_owned(), rest[n + 1..].to_owned()),
            None => {
                let fits = fitting(&rest, room - 1);
                // Paths and addresses are broken behind a sign rather than inside a name.
                let fits = fits.rfind(['/', ':', ',']).map_or(fits, |n| if n * 2 > fits.len() { &fits[..=n] } else { fits });
                (format!("{fits}…"), format!("…{}", &rest[fits.len()..]))
            }
        };
        out.push(line);
        rest = Cow::Owned(tail);
    }
    out.push(rest.into_owned());
    out
}

/// Whether a piece would be read as one label, on a line of its own.
fn stands_alone(piece: &str) -> bool {
    tokens(&format!("│  {piece}  │")) == [Token::Upright, Token::Text(piece.to_owned()), Token::Upright]
}

/// As much of a text as fits.
fn fitting(text: &str, room: usize) -> &str {
    let mut columns = 0;
    for (i, c) in text.char_indices() {
        columns += c.width().unwrap_or(0);
        if columns > room {
            return &text[..i];
        }
    }
    text
}

/// Words on lines of at most so many columns.
pub(crate) fn fill(text: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if width(line) + 1 + width(word) <= columns => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_with_signs_in_them_are_text() {
        for text in ["LIST -la", "MKD a-b", "RETR a=b+c|d", "257 \"/a b\" is the folder", "-la", "STOR a - b", "a -> b ok"] {
            let line = format!("|- {text} ->|");
            assert!(tokens(&line).contains(&Token::Text(text.to_owned())) || quote(text) != text, "{text}: {:?}", tokens(&line));
        }
        assert_eq!(quote("LIST -la"), "LIST -la");
        assert_eq!(quote("257 \"/\" is here"), "257 \"/\" is here");
        assert_eq!(quote("a │ b"), "\"a \\u{2502} b\"");
        assert_eq!(quote("\u{1b}[2J"), "\"\\u{1b}[2J\"");
        assert_eq!(unquote("\"open"), None);
        // RFC 2428 §2 has such arguments; signs within a word are no drawing.
        assert_eq!(quote("EPRT |1|127.0.0.1|4000|"), r#""EPRT \|1|127.0.0.1|4000\|""#);
        assert_eq!(unquote(r#""EPRT \|1|127.0.0.1|4000\|""#).as_deref(), Some("EPRT |1|127.0.0.1|4000|"));
        assert_eq!(unquote(r#""EPRT \u{7c}1""#).as_deref(), Some("EPRT |1"), "as it was written once");
    }

    #[test]
    fn wrapping_breaks_at_spaces_and_marks_other_breaks() {
        assert_eq!(wrap("connected 203.0.113.7:51234", 17, 17, 3), ["connected", "203.0.113.7:51234"]);
        assert_eq!(wrap("RETR /a-very-long-name.tar.gz", 14, 16, 3), ["RETR /a-very-…", "…long-name.tar.…", "…gz"]);
        assert_eq!(wrap("RETR charts/atlantic.pdf", 17, 20, 3), ["RETR charts/…", "…atlantic.pdf"]);
        assert_eq!(wrap("0123456789", 5, 9, 1), ["0123…"]);
        assert_eq!(wrap("日本語日本語", 6, 6, 9), ["日本…", "…語日…", "…本語"]);
    }

    proptest! {
        #[test]
        fn any_label_can_be_quoted(text in "[ -~│┼◀▶─═●…#\"\\\\é日\u{202e}\u{7}]{0,40}") {
            let label = quote(&text);
            prop_assert_eq!(unquote(&label), Some(text.clone()));
            for line in [format!("│─ {label} ─▶│"), format!("|- {label} ->|"), format!("● {label}   1.000")] {
                prop_assert!(tokens(&line).contains(&Token::Text(label.to_string())), "{} {:?}", line, tokens(&line));
            }
        }
    }
}
