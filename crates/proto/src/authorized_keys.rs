//! How does a line of `authorized_keys` stand: options, and the key behind them (sshd(8), AUTHORIZED_KEYS FILE FORMAT)?

use types::Time;
use types::time::Civil;

/// An option's name, and its value where it has one.
pub type KeyOption = (String, Option<String>);

/// Options before a key, and the key: commas divide, quotes hold commas and blanks, `\"` is a quote.
///
/// # Errors
/// What is missing, in words.
pub fn split(text: &str) -> Result<(Vec<KeyOption>, &str), String> {
    let (mut options, mut word, mut quoted, mut value) = (Vec::new(), String::new(), false, None);
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' if quoted && chars.peek().is_some_and(|(_, next)| *next == '"') => {
                chars.next();
                word.push('"');
            }
            '"' => quoted = !quoted,
            '=' if !quoted && value.is_none() => value = Some(std::mem::take(&mut word)),
            ',' | ' ' | '\t' if !quoted => {
                let end = std::mem::take(&mut word);
                options.push(match value.take() {
                    Some(name) => (name, Some(end)),
                    None => (end, None),
                });
                if c != ',' {
                    return Ok((options, text.get(at..).unwrap_or_default().trim_start()));
                }
            }
            c => word.push(c),
        }
    }
    Err(if quoted { "a quote is not closed" } else { "there is no key behind the options" }.to_owned())
}

/// `YYYYMMDD`, `YYYYMMDDHHMM` or `YYYYMMDDHHMMSS`, in UTC with a `Z` and without: seconds since 1970.
pub fn moment(text: &str) -> Option<i64> {
    let digits = text.strip_suffix(['Z', 'z']).unwrap_or(text);
    if !digits.bytes().all(|b| b.is_ascii_digit()) || ![8, 12, 14].contains(&digits.len()) {
        return None;
    }
    let number = |at: std::ops::Range<usize>| digits.get(at).map_or(Some(0), |part| part.parse::<u32>().ok());
    let civil = Civil {
        year: i64::from(number(0..4)?),
        month: number(4..6)?,
        day: number(6..8)?,
        hour: number(8..10)?,
        minute: number(10..12)?,
        second: number(12..14)?,
    };
    Time::from_civil(civil).map(|time| time.seconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(options: &[KeyOption]) -> String {
        let one = |(name, value): &KeyOption| match value {
            Some(value) => format!("{name}=\"{}\"", value.replace('"', "\\\"")),
            None => name.clone(),
        };
        options.iter().map(one).collect::<Vec<_>>().join(",")
    }

    proptest! {
        #[test]
        fn options_are_read_as_they_were_written(
            options in prop::collection::vec(("[a-z-]{1,9}", prop::option::of("[a-z ,=\t\"#]{0,12}")), 1..5),
            key in "[A-Za-z0-9+/= ]{0,20}",
        ) {
            let text = format!("{} x{key}", written(&options));
            prop_assert_eq!(split(&text), Ok((options, text.get(text.len() - key.len() - 1..).unwrap_or_default())));
        }

        #[test]
        fn any_text_is_read_or_told_to_be_wrong(text in "\\PC*", digits in "[0-9zZ]{0,16}") {
            if let Ok((_, rest)) = split(&text) {
                prop_assert!(text.ends_with(rest));
            }
            let _ = (moment(&text), moment(&digits));
        }
    }

    #[test]
    fn moments_are_days_or_have_a_time() {
        assert_eq!(moment("20300102"), Some(1_893_542_400));
        assert_eq!(moment("203001020304"), moment("20300102030400Z"));
        for wrong in ["", "2030", "20301301", "2030010x", "203001022", "20300102ZZ", "２０３００１０２"] {
            assert_eq!(moment(wrong), None, "{wrong:?}");
        }
    }
}
