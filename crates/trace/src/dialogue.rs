//! How is a ladder read back? The same text, drawn by [`LadderPrinter`](crate::LadderPrinter), by [`draw`] or by hand,
//! becomes rows: a recording becomes a test.
//!
//! Alignment and the length of arrows do not matter; uprights do, for they tell the lanes. `#` begins a comment line.
//!
//! ```text
//! # the start of a passive download
//! client          control              data            storage
//!   |- EPSV -------->|                  |                 |
//!   |                |- listening [::1]:50007 ->|         |
//!   |<- 229 Ready (|||50007|) -|        |                 |
//!   |- RETR a ------>|                  |                 |
//!   |                |------------------+- read /a ------>|
//! ```
//!
//! A label that would be misread stands in quotes, with `\"`, `\\` and `\u{..}`. A line without arrow or mark goes on
//! with the label above it; `…` at the end of one line and the start of the next joins without a space.

use std::fmt;
use std::time::Duration;

use types::Lane;

use crate::frame::{Frame, LANES, Style, exact_time};
use crate::row::Row;
use crate::text::{Token, tokens, unquote};

/// A dialogue with what stands beside its rows.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Dialogue {
    /// Comment lines without their `#`, trimmed, and the number of each line.
    pub comments: Vec<(usize, String)>,
    /// The rows, and the number of the line each begins on.
    pub rows: Vec<(usize, Row)>,
}

/// Why a text is no ladder.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ParseError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong there and what was expected.
    pub message: &'static str,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

impl std::error::Error for ParseError {}

/// The rows of a ladder.
///
/// # Errors
/// The first line that is none of a ladder's.
pub fn parse(text: &str) -> Result<Vec<Row>, ParseError> {
    Ok(read(text)?.rows.into_iter().map(|(_, row)| row).collect())
}

/// The rows of a ladder, its comments, and where each stands.
///
/// # Errors
/// The first line that is none of a ladder's.
pub fn read(text: &str) -> Result<Dialogue, ParseError> {
    let mut dialogue = Dialogue::default();
    let mut in_diagnosis = false;
    for (line, written) in (1..).zip(text.lines()) {
        let trimmed = written.trim();
        if let Some(comment) = trimmed.strip_prefix('#') {
            dialogue.comments.push((line, comment.trim().to_owned()));
            continue;
        }
        in_diagnosis = trimmed.starts_with("diagnosis:") || (in_diagnosis && !trimmed.contains(['│', '|', '●']));
        if trimmed.is_empty() || in_diagnosis || is_header(trimmed) {
            continue;
        }
        let fail = |message| ParseError { line, message };
        match read_line(&tokens(without_session(trimmed))).map_err(fail)? {
            Read::Rows(rows) => dialogue.rows.extend(rows.into_iter().map(|row| (line, row))),
            Read::More(text) => {
                let (_, last) =
                    dialogue.rows.last_mut().ok_or_else(|| fail("text goes on from a row above, but there is none"))?;
                go_on(&mut last.text, &text);
            }
            Read::Nothing => {}
        }
    }
    for (line, row) in &mut dialogue.rows {
        let message = "a quoted text does not close, or holds an escape other than \\\" \\\\ \\u{..}";
        row.text = unquote(&row.text).ok_or(ParseError { line: *line, message })?;
    }
    Ok(dialogue)
}

/// Rows as a ladder in normal form: every label on one line, times only where rows have them, exact.
pub fn draw(rows: &[Row]) -> String {
    let frame = Frame::for_rows(Style::Unicode, rows);
    let mut out = frame.header(["client", "control", "data", "storage"]);
    for row in rows {
        out.push_str(&frame.row(row, "", row.at.map(exact_time)));
    }
    out
}

fn is_header(line: &str) -> bool {
    line.contains("client") && line.contains("control") && !line.contains(['│', '|', '─', '●', '*'])
}

/// The line without the session's id, which stands before each row where several sessions are printed at once.
fn without_session(line: &str) -> &str {
    match line.split_once(' ') {
        Some((id, rest)) if id.len() == 8 && id.bytes().all(|b| b.is_ascii_hexdigit()) => rest,
        _ => line,
    }
}

fn go_on(label: &mut String, more: &str) {
    match more.strip_prefix('…') {
        Some(rest) if label.ends_with('…') => {
            label.pop();
            label.push_str(rest);
        }
        _ => {
            label.push(' ');
            label.push_str(more);
        }
    }
}

enum Read {
    /// Arrows or a mark.
    Rows(Vec<Row>),
    /// Text without either.
    More(String),
    /// Uprights alone.
    Nothing,
}

/// An arrow that has begun and not ended.
struct Arrow {
    /// The upright it begins at, counted from the left.
    first: usize,
    /// Whether its head is there.
    leftward: bool,
    /// Whether it is broad: then it may have no head at all.
    heavy: bool,
    label: Option<String>,
}

fn lane(position: usize) -> Result<Lane, &'static str> {
    LANES.get(position).copied().ok_or("there are more than four uprights")
}

fn finish(arrow: Arrow, end: usize) -> Result<Row, &'static str> {
    let label = arrow.label.ok_or("the arrow has no label")?;
    let (from, to) = if arrow.leftward { (end, arrow.first) } else { (arrow.first, end) };
    Ok(Row::new(lane(from)?, lane(to)?, label))
}

/// A broad line that ends at an upright without a head.
fn both(line: Arrow, end: usize) -> Result<Row, &'static str> {
    Ok(Row { both: true, ..finish(line, end)? })
}

fn read_line(line: &[Token]) -> Result<Read, &'static str> {
    let (mut rows, mut loose): (Vec<Row>, Vec<String>) = (Vec::new(), Vec::new());
    let mut arrow: Option<Arrow> = None;
    let mut marked: Option<usize> = None;
    // Uprights passed so far.
    let mut passed = 0_usize;
    let mut i = 0;
    while let Some(token) = line.get(i) {
        i += 1;
        match token {
            Token::Upright | Token::Crossing => {
                // A leftward arrow ends at the first plain upright behind its label.
                match arrow.take() {
                    Some(a) if a.leftward && a.label.is_some() && *token == Token::Upright => rows.push(finish(a, passed)?),
                    Some(a)
                        if a.heavy
                            && !a.leftward
                            && a.label.is_some()
                            && *token == Token::Upright
                            && !matches!(line.get(i), Some(Token::Dash | Token::Heavy | Token::Right)) =>
                    {
                        rows.push(both(a, passed)?);
                    }
                    other => arrow = other,
                }
                passed += 1;
            }
            Token::Dash | Token::Heavy | Token::Left if arrow.is_none() => {
                let first = passed.checked_sub(1).ok_or("the arrow begins at no upright")?;
                arrow = Some(Arrow { first, leftward: *token == Token::Left, heavy: *token == Token::Heavy, label: None });
            }
            Token::Dash | Token::Heavy => {}
            Token::Left => return Err("the arrow has two heads, or its head is not at an upright"),
            Token::Right => {
                let a = arrow.take().filter(|a| !a.leftward).ok_or("an arrow's head without its shaft")?;
                rows.push(finish(a, passed)?);
                // The upright may be left out where the head stands in its place.
                if line.get(i) == Some(&Token::Upright) {
                    i += 1;
                }
                passed += 1;
            }
            Token::Mark => {
                marked = Some(passed);
                lane(passed)?;
                passed += 1;
            }
            Token::Text(text) => match &mut arrow {
                Some(a) if a.label.is_none() => a.label = Some(text.clone()),
                Some(a) if a.leftward && passed <= a.first + 3 && is_time(text) => loose.push(text.clone()),
                Some(_) => return Err("the arrow has two labels; a label with two spaces in a row stands in quotes"),
                None => loose.push(text.clone()),
            },
        }
    }
    if let Some(a) = arrow {
        if !a.leftward {
            return Err("the arrow has no head");
        }
        rows.push(finish(a, passed)?);
    }
    if passed > LANES.len() {
        return Err("there are more than four uprights");
    }
    settle(rows, marked, loose, passed)
}

/// What a line was: the texts that belong to no arrow are a mark's, a time, or go on with the row above.
fn settle(mut rows: Vec<Row>, marked: Option<usize>, loose: Vec<String>, passed: usize) -> Result<Read, &'static str> {
    let mut loose = loose.into_iter();
    if let Some(at) = marked {
        if !rows.is_empty() {
            return Err("a mark and an arrow stand on one line");
        }
        rows.push(Row::new(lane(at)?, lane(at)?, loose.next().ok_or("the mark has no text")?));
    }
    match (rows.is_empty(), loose.next(), loose.next()) {
        (_, Some(_), Some(_)) => Err("there is text beside the ladder"),
        (true, None, _) if passed > 0 => Ok(Read::Nothing),
        (true, None, _) => Err("no arrow and no upright; `#` begins a comment"),
        (true, Some(_), None) if passed == 0 => Err("no arrow and no upright; `#` begins a comment"),
        (true, Some(text), None) => Ok(Read::More(text)),
        (false, None, _) => Ok(Read::Rows(rows)),
        (false, Some(time), None) => {
            let at = time_of(&time).ok_or("there is text beside the arrow that is no time (seconds, as 0.125)")?;
            rows.iter_mut().for_each(|row| row.at = Some(at));
            Ok(Read::Rows(rows))
        }
    }
}

fn is_time(text: &str) -> bool {
    time_of(text).is_some()
}

pub(crate) fn time_of(text: &str) -> Option<Duration> {
    let (seconds, fraction) = text.split_once('.')?;
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    if !digits(seconds) || !digits(fraction) || fraction.len() > 9 {
        return None;
    }
    let nanos = format!("{fraction:0<9}").parse().ok()?;
    Some(Duration::new(seconds.parse().ok()?, nanos))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::position;
    use proptest::prelude::*;
    use types::Lane::{Client, Control, Data, Storage};

    /// What a session test looks like when somebody writes it by hand, without care for alignment.
    const BY_HAND: &str = r#"
# a passive download, and the client hangs up
# mount: / memory
client     control        data        storage
  |- USER anonymous ->|    |     |
  |<- 331 Any password, please. -|   |   |
  |- EPSV ->|    |     |
  |    |- listening [::1]:50007 ->|   |
  |<- 229 Ready (|||50007|) -|   |   |
  |- RETR big.iso ->|   |   |
  |   |---+- read /big.iso ->|
  |   |<--+- file 1234 mode 644 -|
  |==+= connected [::1]:40000 =>|   |
  |<- 150 Here it comes. -|  |  |
  |<==+= cut 17 CRK-306 =|   |
  |   |   * CRK-304 a stranger came   |
  |   |<- never came CRK-301 -|  |       10.091
  |   * closed
"#;

    #[test]
    fn a_dialogue_written_by_hand_is_read() {
        let read = read(BY_HAND).unwrap();
        let rows: Vec<_> = read.rows.iter().map(|(_, r)| (r.from, r.to, r.text.as_str())).collect();
        assert_eq!(
            rows,
            [
                (Client, Control, "USER anonymous"),
                (Control, Client, "331 Any password, please."),
                (Client, Control, "EPSV"),
                (Control, Data, "listening [::1]:50007"),
                (Control, Client, "229 Ready (|||50007|)"),
                (Client, Control, "RETR big.iso"),
                (Control, Storage, "read /big.iso"),
                (Storage, Control, "file 1234 mode 644"),
                (Client, Data, "connected [::1]:40000"),
                (Control, Client, "150 Here it comes."),
                (Data, Client, "cut 17 CRK-306"),
                (Data, Data, "CRK-304 a stranger came"),
                (Data, Control, "never came CRK-301"),
                (Control, Control, "closed"),
            ]
        );
        assert_eq!(
            read.comments,
            [(2, "a passive download, and the client hangs up".to_owned()), (3, "mount: / memory".to_owned())]
        );
        assert_eq!(read.rows[0].0, 5);
        assert_eq!(read.rows[12].1.at, Some(Duration::from_millis(10_091)));
        let rows = parse(BY_HAND).unwrap();
        assert_eq!(parse(&draw(&rows)).unwrap(), rows);
    }

    #[test]
    fn a_broad_line_without_a_head_is_what_both_ends_do() {
        let rows = [
            Row::both(Client, Control, "TLS 1.3 AES-256-GCM"),
            Row::both(Client, Data, "TLS 1.3, resumed"),
            Row::new(Client, Data, "connected [::1]:40000"),
            Row::new(Client, Control, "NOOP"),
        ];
        assert_eq!(parse(&draw(&rows)).unwrap(), rows);
        let by_hand =
            "|== TLS 1.3 AES-256-GCM ==| | |\n|==+== TLS 1.3, resumed ==| |\n|==+== connected [::1]:40000 =>| |\n|- NOOP ->| | |";
        assert_eq!(parse(by_hand).unwrap(), rows);
        assert!(parse("|-- NOOP --| | |").is_err(), "a thin line has a head");
    }

    #[test]
    fn two_arrows_may_share_a_line() {
        let rows =
            parse("│◀── 227 10.0.0.5 ──│─ listen ────────▶│            0.052\n│─ RETR a ─▶│──┼─ open /a ─▶ 0.090\n").unwrap();
        let told: Vec<_> = rows.iter().map(|r| (r.from, r.to, r.text.as_str())).collect();
        assert_eq!(
            told,
            [
                (Control, Client, "227 10.0.0.5"),
                (Control, Data, "listen"),
                (Client, Control, "RETR a"),
                (Control, Storage, "open /a")
            ]
        );
        assert_eq!(rows[3].at, Some(Duration::from_millis(90)));
    }

    #[test]
    fn what_is_no_ladder_is_named_with_its_line() {
        for (text, line) in [
            ("│─ USER a ─▶│\nwhat is this\n", 2),
            ("│─ USER a ──│\n", 1),
            ("\n│─────▶│\n", 2),
            ("│ goes on from nothing │", 1),
            ("│ │ │ │─ x ─▶│", 1),
            ("│─ \"open ─▶│", 1),
            ("│─ USER a ─▶│  later", 1),
        ] {
            assert_eq!(parse(text).map_err(|e| e.line), Err(line), "{text}");
        }
    }

    #[test]
    #[allow(clippy::disallowed_methods, reason = "a test reads the guide it checks")]
    fn the_ladders_in_the_guide_are_ladders() {
        let guide = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/guide.md")).unwrap();
        let ladders: Vec<_> = guide.split("```").filter(|block| block.contains("client") && block.contains('│')).collect();
        assert!(ladders.len() >= 4, "the guide has lost its ladders");
        for ladder in ladders {
            let rows = parse(ladder.trim_start_matches("text")).unwrap();
            assert!(rows.len() > 5, "{ladder}");
        }
    }

    fn lanes() -> impl Strategy<Value = (Lane, Lane)> {
        (0..4_usize, 0..4_usize).prop_map(|(a, b)| (LANES[a], LANES[b]))
    }

    proptest! {
        #[test]
        fn drawn_rows_are_read_back(
            rows in prop::collection::vec(
                (lanes(), "[ -~│┼◀▶─…#\"é日\u{7}]{0,30}|[A-Z]{3,4} [a-z/. -]{0,40}", prop::option::of(0..10_000_000_000_000_u64), any::<bool>()), 0..8)
        ) {
            let rows: Vec<_> = rows.into_iter().map(|((from, to), text, at, both)| {
                // What both ends do has no direction: it is told from left to right.
                let both = both && position(from) < position(to);
                Row { from, to, text, both, at: at.map(Duration::from_nanos) }
            }).collect();
            let text = draw(&rows);
            prop_assert_eq!(parse(&text).map_err(|e| format!("{e}\n{text}")), Ok(rows));
        }

        #[test]
        fn no_text_panics(text in "[│|┼+─=<>▶◀●* \"\\a0.…\n-]{0,60}") {
            let _ = parse(&text);
        }
    }
}
