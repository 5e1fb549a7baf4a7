//! Which names does a wildcard pattern mean? `*`, `?`, `[a-z]`, `[!a-z]`, `{a,b}`, and `\` before what means
//! itself; on bytes, of one path component, and with a leading dot only where the pattern has one.

/// The most alternatives that braces may mean; a pattern with more means its braces literally.
pub const MAX_ALTERNATIVES: usize = 64;

/// Patterns longer than this mean their braces literally: no name is so long.
const MAX_BRACED: usize = 1_024;

/// Whether a name or path holds anything that means more than itself.
pub fn has_glob(pattern: &[u8]) -> bool {
    let mut rest = pattern;
    loop {
        rest = match rest {
            [] => break,
            [b'\\', _, tail @ ..] => tail,
            [b'*' | b'?', ..] => return true,
            [b'[', tail @ ..] if class_end(tail).is_some() => return true,
            [_, tail @ ..] => tail,
        };
    }
    expand(pattern).len() > 1
}

/// A pattern, made ready to be asked often.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Glob(Vec<Vec<u8>>);

impl Glob {
    /// Every sequence of bytes is a pattern: what has no meaning means itself.
    pub fn new(pattern: &[u8]) -> Self {
        Self(expand(pattern))
    }

    /// Whether the pattern means this name.
    pub fn matches(&self, name: &[u8]) -> bool {
        self.0.iter().any(|pattern| matches_one(pattern, name))
    }
}

/// Whether `pattern` means `name`. To ask one pattern often, make a [`Glob`].
pub fn matches(pattern: &[u8], name: &[u8]) -> bool {
    if !pattern.contains(&b'{') {
        return matches_one(pattern, name);
    }
    Glob::new(pattern).matches(name)
}

fn matches_one(pattern: &[u8], name: &[u8]) -> bool {
    if name.first() == Some(&b'.') && !matches!(pattern, [b'.', ..] | [b'\\', b'.', ..]) {
        return false;
    }
    steps(pattern, name).0
}

/// Whether the pattern means the name, and how many comparisons it took. Only the last `*` is ever gone back to: an
/// earlier one could not find a better place. So there are at most (pattern + 1) * (name + 1) comparisons.
fn steps(pattern: &[u8], name: &[u8]) -> (bool, usize) {
    let (mut p, mut n) = (pattern, name);
    let mut star: Option<(&[u8], &[u8])> = None;
    let mut count = 0;
    loop {
        count += 1;
        if let [b'*', after @ ..] = p {
            star = Some((after, n));
            p = after;
            continue;
        }
        match n.split_first() {
            None => return (p.is_empty(), count),
            Some((&byte, rest)) => match one(p, byte) {
                Some(after) => (p, n) = (after, rest),
                None => match star {
                    Some((after, [_, rest @ ..])) => {
                        star = Some((after, rest));
                        (p, n) = (after, rest);
                    }
                    _ => return (false, count),
                },
            },
        }
    }
}

/// The pattern behind its first element if that (not a `*`) means this byte.
fn one(pattern: &[u8], byte: u8) -> Option<&[u8]> {
    match pattern {
        [] => None,
        [b'?', rest @ ..] => Some(rest),
        [b'\\', quoted, rest @ ..] => (*quoted == byte).then_some(rest),
        [b'[', inner @ ..] => match class_end(inner) {
            Some(end) => {
                let (class, rest) = inner.split_at_checked(end)?;
                if in_class(class, byte) { rest.get(1..) } else { None }
            }
            None => (byte == b'[').then_some(inner),
        },
        [literal, rest @ ..] => (*literal == byte).then_some(rest),
    }
}

/// Where the `]` stands that closes a class whose inner part begins `inner`; a `]` that comes first is a member.
fn class_end(inner: &[u8]) -> Option<usize> {
    let first = usize::from(matches!(inner, [b'!' | b'^', ..]));
    // No class is longer than all bytes, each as a quoted member: looking further would make a run of `[` quadratic.
    let window = inner.get(first + 1..)?;
    let window = window.get(..window.len().min(512)).unwrap_or(window);
    let mut at = 0;
    if !window.contains(&b']') {
        return None;
    }
    // A member first, whatever it is; a quote covers two.
    if inner.get(first) == Some(&b'\\') {
        at += 1;
    }
    loop {
        match window.get(at)? {
            b']' => return Some(first + 1 + at),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// Whether a class (what stands between the brackets) has this byte.
fn in_class(class: &[u8], byte: u8) -> bool {
    let (negated, mut rest) = match class {
        [b'!' | b'^', rest @ ..] => (true, rest),
        _ => (false, class),
    };
    let mut found = false;
    while let Some((low, tail)) = member(rest) {
        rest = tail;
        let mut high = low;
        if let [b'-', tail @ ..] = rest
            && let Some((end, tail)) = member(tail)
        {
            high = end;
            rest = tail;
        }
        found |= (low..=high).contains(&byte);
    }
    found != negated
}

/// The first member of a class, its quote taken off.
const fn member(class: &[u8]) -> Option<(u8, &[u8])> {
    match class {
        [b'\\', byte, rest @ ..] | [byte, rest @ ..] => Some((*byte, rest)),
        [] => None,
    }
}

/// All patterns without braces that a pattern means; itself alone when it has none or means too many.
fn expand(pattern: &[u8]) -> Vec<Vec<u8>> {
    if pattern.len() > MAX_BRACED || !pattern.contains(&b'{') {
        return vec![pattern.to_vec()];
    }
    let mut open = vec![pattern.to_vec()];
    let mut done = Vec::new();
    while let Some(next) = open.pop() {
        match braces(&next) {
            None => done.push(next),
            Some(Braces { before, choices, after }) => {
                // In order when popped.
                open.extend(choices.iter().rev().map(|choice| [before, choice, after].concat()));
            }
        }
        if open.len() + done.len() > MAX_ALTERNATIVES {
            return vec![pattern.to_vec()];
        }
    }
    done
}

/// Braces with a comma in them, and what stands around them.
struct Braces<'a> {
    before: &'a [u8],
    choices: Vec<&'a [u8]>,
    after: &'a [u8],
}

/// The first braces that hold a comma, the innermost where they are nested.
fn braces(pattern: &[u8]) -> Option<Braces<'_>> {
    let mut starts: Vec<(usize, Vec<usize>)> = Vec::new();
    let mut at = 0;
    while let Some(&byte) = pattern.get(at) {
        match byte {
            b'\\' => at += 1,
            b'[' => {
                if let Some(end) = pattern.get(at + 1..).and_then(class_end) {
                    at += end + 1;
                }
            }
            b'{' => starts.push((at, vec![at])),
            b',' => {
                if let Some((_, cuts)) = starts.last_mut() {
                    cuts.push(at);
                }
            }
            b'}' => {
                if let Some((start, mut cuts)) = starts.pop()
                    && cuts.len() > 1
                {
                    cuts.push(at);
                    let choices = cuts.windows(2).filter_map(|w| match w {
                        [from, to] => pattern.get(from + 1..*to),
                        _ => None,
                    });
                    let (before, after) = (pattern.get(..start)?, pattern.get(at + 1..)?);
                    return Some(Braces { before, choices: choices.collect(), after });
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn table() {
        let cases: [(&str, &str, bool); 46] = [
            ("*", "a.txt", true),
            ("*", "", true),
            ("*.txt", "a.txt", true),
            ("*.txt", "a.txt.gz", false),
            ("a*b*c", "aXbXbXc", true),
            ("a*b*c", "aXbXbX", false),
            ("?", "a", true),
            ("?", "", false),
            ("??", "a", false),
            ("*", ".hidden", false),
            ("?hidden", ".hidden", false),
            ("[.]hidden", ".hidden", false),
            (".*", ".hidden", true),
            ("\\.h*", ".hidden", true),
            ("a*", "a.b", true),
            ("[a-c]x", "bx", true),
            ("[a-c]x", "dx", false),
            ("[!a-c]x", "dx", true),
            ("[^a-c]x", "bx", false),
            ("[]]", "]", true),
            ("[!]]", "a", true),
            ("[!]]", "]", false),
            ("[a-]", "-", true),
            ("[-a]", "-", true),
            ("[\\]a]", "]", true),
            ("[\\]a]", "\\", false),
            ("[abc", "[abc", true),
            ("[abc", "a", false),
            ("[", "[", true),
            ("[]", "[]", true),
            ("[z-a]", "m", false),
            ("\\*", "*", true),
            ("\\*", "a", false),
            ("a\\", "a\\", true),
            ("{a,b}.txt", "b.txt", true),
            ("{a,b}.txt", "c.txt", false),
            ("{a,b{c,d}}", "bd", true),
            ("{a,b{c,d}}", "b", false),
            ("{a}", "{a}", true),
            ("{a,b", "{a,b", true),
            ("x{,y}", "x", true),
            ("{.*,*}", ".a", true),
            ("{{a,b}", "{b", true),
            ("\\{a,b}", "{a,b}", true),
            ("[{]a,b}", "{a,b}", true),
            ("*.{jpg,png}", "a.png", true),
        ];
        for (pattern, name, expected) in cases {
            assert_eq!(matches(pattern.as_bytes(), name.as_bytes()), expected, "{pattern} on {name}");
        }
        assert!(matches(b"\xff*", b"\xff\xfe") && matches(b"[\x80-\xff]", b"\xc3"));
    }

    #[test]
    fn what_is_a_glob() {
        for yes in ["*", "a?", "[a]", "{a,b}", "a/*/b", "\\\\*"] {
            assert!(has_glob(yes.as_bytes()), "{yes}");
        }
        for no in ["", "a", "\\*", "[a", "{a}", "a,b", "[]", "\\[a]", "\\{a,b}", "a\\"] {
            assert!(!has_glob(no.as_bytes()), "{no}");
        }
    }

    #[test]
    fn bombs_go_off_quietly() {
        let stars = "*a".repeat(100) + "b";
        let name = "a".repeat(255);
        let (found, count) = steps(stars.as_bytes(), name.as_bytes());
        assert!(!found && count <= (stars.len() + 1) * (name.len() + 1), "{count}");
        assert_eq!(Glob::new("{a,b}".repeat(6).as_bytes()).0.len(), MAX_ALTERNATIVES);
        let braces = "{a,b}".repeat(7);
        assert_eq!(Glob::new(braces.as_bytes()).0, vec![braces.into_bytes()], "literal");
        let nested = "{a,".repeat(70) + &"}".repeat(70);
        assert_eq!(Glob::new(nested.as_bytes()).0.len(), 1);
        let braces = "{a,b}".repeat(1_000);
        assert_eq!(Glob::new(braces.as_bytes()).0, vec![braces.into_bytes()], "literal");
        let nested = "{a,".repeat(2_000) + &"}".repeat(2_000);
        assert_eq!(Glob::new(nested.as_bytes()).0.len(), 1);
        let open = "{,[".repeat(2_700);
        assert!(!has_glob(open.as_bytes()));
        assert!(!matches("[".repeat(8_000).as_bytes(), name.as_bytes()));
    }

    /// The definition itself, as slow as it comes.
    fn plainly(p: &[u8], n: &[u8]) -> bool {
        match p {
            [] => n.is_empty(),
            [b'*', rest @ ..] => (0..=n.len()).any(|cut| plainly(rest, &n[cut..])),
            [b'?', rest @ ..] => n.split_first().is_some_and(|(_, tail)| plainly(rest, tail)),
            [b, rest @ ..] => n.split_first().is_some_and(|(c, tail)| c == b && plainly(rest, tail)),
        }
    }

    proptest! {
        #[test]
        fn as_the_definition_says(pattern in "[ab*?]{0,8}", name in "[ab]{0,10}") {
            prop_assert_eq!(matches(pattern.as_bytes(), name.as_bytes()), plainly(pattern.as_bytes(), name.as_bytes()));
        }

        #[test]
        fn never_more_than_n_times_m(pattern in proptest::collection::vec(proptest::sample::select(b"ab*?[]!-\\".to_vec()), 0..60), name in "[ab]{0,60}") {
            let (_, count) = steps(&pattern, name.as_bytes());
            prop_assert!(count <= (pattern.len() + 1) * (name.len() + 1));
        }

        #[test]
        fn a_quoted_name_means_itself(name in proptest::collection::vec(1u8..=255, 1..20)) {
            let quoted: Vec<u8> = name.iter().flat_map(|&b| [b'\\', b]).collect();
            prop_assert!(!has_glob(&quoted) && matches(&quoted, &name));
        }

        #[test]
        fn anything_is_a_pattern(pattern in proptest::collection::vec(proptest::sample::select(b"a{},[]!-\\*".to_vec()), 0..80), name in "[a{},\\[\\]-]{0,10}") {
            let _ = (matches(&pattern, name.as_bytes()), has_glob(&pattern));
        }
    }
}
