//! What does a session look like as a picture? Events as a self-contained SVG ladder for documents and the console;
//! it follows the reader's light or dark scheme by itself.

use std::fmt::{self, Write};

use types::{Event, Lane};

use crate::diagnose::diagnose;
use crate::frame::{label_gap, position, short_time};
use crate::ladder::only_data_port;
use crate::record::SessionInfo;
use crate::row::Row;
use crate::text::{fill, quote, width, wrap};

/// Where the uprights stand, from the left.
const UPRIGHTS: [u32; 4] = [58, 470, 722, 964];
const WIDTH: u32 = 1064;
/// Where times end.
const TIMES: u32 = WIDTH - 22;
const HEAD: u32 = 62;
const ROW: u32 = 31;
/// A label's second line.
const LINE: u32 = 15;
/// Width of a character: 0.602 em in the common monospace fonts, at 13 px.
const CHARACTER: f32 = 7.83;
const ADVICE_COLUMNS: usize = 112;
const ADVICE_LINE: u32 = 19;

/// Presentation: what a class means in light, and what changes in dark.
const STYLE: &str = "
text{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;fill:#1f2a37}
.card{fill:#fff;stroke:#d8dee6}
.up{stroke:#c3ccd6;stroke-width:1.5}
.lane{fill:#eef2f6;stroke:#c3ccd6}
.name{font-weight:600;text-anchor:middle}
.time,.note{fill:#6b7785}
.time{text-anchor:end;font-size:12px}
.label{text-anchor:middle;paint-order:stroke;stroke:#fff;stroke-width:5px;stroke-linejoin:round}
.say{stroke:#2f6fd0}.fsay{fill:#2f6fd0}
.hear{stroke:#7a5cc9}.fhear{fill:#7a5cc9}
.data{stroke:#d9760f}.fdata{fill:#d9760f}
.disk{stroke:#1c8a67}.fdisk{fill:#1c8a67}
.bad{stroke:#d1323b}.fbad{fill:#d1323b}
.arrow{stroke-width:1.6;fill:none}
.body{stroke-width:6}
.dot{fill:#6b7785}
.advice{fill:#fff6e0;stroke:#e6c777}
@media (prefers-color-scheme:dark){
text{fill:#dde4ec}
.card{fill:#10161d;stroke:#2b3541}
.up{stroke:#3a4653}
.lane{fill:#1b242e;stroke:#3a4653}
.time,.note{fill:#8b98a7}
.label{stroke:#10161d}
.say{stroke:#6ea8ff}.fsay{fill:#6ea8ff}
.hear{stroke:#b39bff}.fhear{fill:#b39bff}
.data{stroke:#ffa64d}.fdata{fill:#ffa64d}
.disk{stroke:#4fd1a5}.fdisk{fill:#4fd1a5}
.bad{stroke:#ff7b81}.fbad{fill:#ff7b81}
.dot{fill:#8b98a7}
.advice{fill:#2b2412;stroke:#6d5a22}
}
";

/// A whole session as an SVG document.
pub fn svg(session: &SessionInfo, events: &[Event], dropped: u64) -> String {
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = draw(&mut out, session, events, dropped);
    out
}

fn draw(out: &mut String, session: &SessionInfo, events: &[Event], dropped: u64) -> fmt::Result {
    let findings = diagnose(events, session.peer, session.local);
    let advice: Vec<Vec<String>> =
        findings.iter().map(|f| fill(&format!("{} ({})", f.advice, f.reason.code()), ADVICE_COLUMNS)).collect();
    let rows: Vec<Row> = events.iter().map(Row::from).collect();
    let foot = HEAD + ROW * u32::from(dropped > 0) + rows.iter().map(pitch).sum::<u32>() + 24;
    let lines: u32 = advice.iter().map(|lines| lines.len() as u32 * ADVICE_LINE + 6).sum();
    let height = foot + if advice.is_empty() { 10 } else { lines + 44 };
    writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" role=\"img\">\n\
         <title>{} session {}: client, control connection, data connection and storage</title>\n<style>{STYLE}</style>\n\
         <rect class=\"card\" x=\".5\" y=\".5\" width=\"{}\" height=\"{}\" rx=\"12\"/>",
        session.protocol.to_uppercase(),
        session.id,
        WIDTH - 1,
        height - 1
    )?;
    for x in UPRIGHTS {
        writeln!(out, "<line class=\"up\" x1=\"{x}\" y1=\"{}\" x2=\"{x}\" y2=\"{foot}\"/>", HEAD - 20)?;
    }
    heads(out, session, events)?;
    let mut y = HEAD;
    if dropped > 0 {
        y += ROW;
        let [x, ..] = UPRIGHTS;
        writeln!(out, "<text class=\"note\" x=\"{}\" y=\"{y}\">… {dropped} earlier, no longer kept</text>", x + 14)?;
    }
    for row in &rows {
        y += pitch(row);
        if row.is_mark() {
            mark(out, row, y)?
        } else {
            arrow(out, row, y)?
        }
        if let Some(at) = row.at {
            writeln!(out, "<text class=\"time\" x=\"{TIMES}\" y=\"{}\">{}</text>", y + 4, short_time(at))?;
        }
    }
    if !advice.is_empty() {
        advise(out, &advice, foot + 10, lines)?;
    }
    out.push_str("</svg>\n");
    Ok(())
}

/// The names over the uprights.
fn heads(out: &mut String, session: &SessionInfo, events: &[Event]) -> fmt::Result {
    let data = only_data_port(events).map_or_else(|| "data".to_owned(), |port| format!("data :{port}"));
    let names = ["client".to_owned(), format!("control :{}", session.local.port()), data, "storage".to_owned()];
    for (x, name) in UPRIGHTS.into_iter().zip(names) {
        let wide = (width(&name) as f32 * CHARACTER) as u32 + 24;
        let left = x.saturating_sub(wide / 2).max(12);
        writeln!(
            out,
            "<rect class=\"lane\" x=\"{left}\" y=\"16\" width=\"{wide}\" height=\"28\" rx=\"14\"/>\
             <text class=\"name\" x=\"{}\" y=\"34.5\">{name}</text>",
            left + wide / 2
        )?;
    }
    Ok(())
}

/// Which colour a row has.
fn class(row: &Row) -> &'static str {
    let bad = match (row.from, row.to) {
        (Lane::Control, Lane::Client) => row.text.starts_with(['4', '5']),
        (Lane::Client, Lane::Control) => false,
        _ => row.text.contains("CRK-"),
    };
    match (row.from, row.to) {
        _ if bad => "bad",
        _ if row.both => "disk",
        (Lane::Client, Lane::Control) => "say",
        (Lane::Control, Lane::Client) => "hear",
        (Lane::Storage, _) | (_, Lane::Storage) => "disk",
        _ => "data",
    }
}

fn upright(lane: usize) -> u32 {
    UPRIGHTS.get(lane).copied().unwrap_or(WIDTH)
}

/// A row's label: one line, or two where it is long.
fn label(row: &Row) -> Vec<String> {
    let (from, to) = (position(row.from), position(row.to));
    let room = if from == to {
        TIMES - 70 - upright(from)
    } else {
        let gap = label_gap(from, to);
        upright(gap + 1) - upright(gap) - 10
    };
    let columns = (room as f32 / CHARACTER) as usize;
    wrap(&quote(&row.text), columns, columns, 2)
}

/// How far a row stands below the one before.
fn pitch(row: &Row) -> u32 {
    ROW + LINE * (label(row).len() as u32 - 1)
}

fn arrow(out: &mut String, row: &Row, y: u32) -> fmt::Result {
    let (from, to) = (position(row.from), position(row.to));
    let (start, tip) = (upright(from), upright(to));
    let class = class(row);
    // A body that moves is drawn as broad as it is.
    let body = row.on_data_connection() && ["sent ", "received "].iter().any(|verb| row.text.starts_with(verb));
    let (long, half) = if body { (15, 8) } else { (9, 4) };
    let base = if start < tip { tip - long } else { tip + long };
    let weight = if body { "arrow body" } else { "arrow" };
    if row.both {
        write!(out, "<path class=\"arrow both {class}\" d=\"M{start} {}H{tip}M{start} {}H{tip}\"/>", y - 2, y + 2)?;
    } else {
        write!(out, "<path class=\"{weight} {class}\" d=\"M{start} {y}H{base}\"/>")?;
        write!(out, "<path class=\"f{class}\" d=\"M{tip} {y}L{base} {}V{}z\"/>", y - half, y + half)?;
    }
    let gap = label_gap(from, to);
    let (left, right) = (upright(gap), upright(gap + 1));
    let lines = label(row);
    let mut above = y - if body { 10 } else { 6 } - LINE * (lines.len() as u32 - 1);
    for line in &lines {
        writeln!(out, "<text class=\"label\" x=\"{}\" y=\"{above}\">{}</text>", left.midpoint(right), escape(line))?;
        above += LINE;
    }
    Ok(())
}

fn mark(out: &mut String, row: &Row, y: u32) -> fmt::Result {
    let x = upright(position(row.from));
    let (dot, text) = if row.text.contains("CRK-") { ("fbad", "label fbad") } else { ("dot", "label note") };
    let lines = label(row);
    let mut at = y + 4 - LINE * (lines.len() as u32 - 1);
    writeln!(out, "<circle class=\"{dot}\" cx=\"{x}\" cy=\"{}\" r=\"4.5\"/>", at - 4)?;
    for line in &lines {
        writeln!(out, "<text class=\"{text}\" style=\"text-anchor:start\" x=\"{}\" y=\"{at}\">{}</text>", x + 14, escape(line))?;
        at += LINE;
    }
    Ok(())
}

fn advise(out: &mut String, advice: &[Vec<String>], top: u32, lines: u32) -> fmt::Result {
    writeln!(out, "<rect class=\"advice\" x=\"16\" y=\"{top}\" width=\"{}\" height=\"{}\" rx=\"8\"/>", WIDTH - 32, lines + 16)?;
    let mut y = top + 6;
    for lines in advice {
        for (n, line) in lines.iter().enumerate() {
            y += ADVICE_LINE;
            let lead = if n == 0 { "diagnosis: " } else { "           " };
            writeln!(out, "<text xml:space=\"preserve\" x=\"30\" y=\"{y}\">{lead}{}</text>", escape(line))?;
        }
        y += 6;
    }
    Ok(())
}

/// Text as XML holds it; the two code points XML cannot hold become U+FFFD.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{any_event, command, download, events, info, reply};
    use proptest::prelude::*;
    use types::{Reason, What};

    /// The drawing in the README is what the code draws; `UPDATE=1` writes it anew.
    #[test]
    #[allow(clippy::disallowed_methods, reason = "a test may write the drawing it checks")]
    fn the_drawing_in_docs_is_what_the_code_draws() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/ladder.svg");
        let whole = download();
        // As far as 226: a README need not show how to say goodbye.
        let end = whole.iter().position(|e| matches!(&e.what, What::Reply(t) if t.starts_with("226"))).unwrap();
        let drawn = svg(&info(), &whole[..=end], 0);
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(path, &drawn).unwrap();
        }
        let standing = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            standing == drawn,
            "docs/ladder.svg differs from what is drawn; UPDATE=1 cargo test -p carrack-trace rewrites it"
        );
    }

    #[test]
    fn labels_cannot_leave_their_element() {
        let drawn = svg(&info(), &events([command("RETR </text><script>&c"), command("RETR \u{1b}<b>")]), 0);
        assert!(drawn.contains("&lt;/text&gt;&lt;script&gt;&amp;c") && !drawn.contains("<script"), "{drawn}");
        assert!(!drawn.contains('\u{1b}') && !drawn.contains("<b>"), "{drawn}");
    }

    #[test]
    fn a_handshake_is_a_double_line_without_a_head() {
        let drawn = svg(&info(), &events([What::Secured(Lane::Control, "TLS 1.3 <b>".into()), What::Cleared]), 0);
        assert_eq!((drawn.matches("arrow both disk").count(), drawn.matches("class=\"fdisk\"").count()), (1, 0), "{drawn}");
        assert!(drawn.contains("TLS 1.3 &lt;b&gt;") && drawn.contains(">cleared<"), "{drawn}");
    }

    #[test]
    fn failures_and_findings_are_drawn() {
        let drawn =
            svg(&info(), &events([command("EPSV"), What::DataFailed(Reason::DataNeverCame), reply("425 It never came")]), 12);
        assert_eq!(drawn.matches("arrow bad").count(), 2, "{drawn}");
        assert!(drawn.contains("diagnosis: ") && drawn.contains("12 earlier"), "{drawn}");
    }

    proptest! {
        #[test]
        fn whatever_happens_can_be_drawn(events in prop::collection::vec(any_event(), 0..20), dropped: u64) {
            let drawn = svg(&info(), &events, dropped);
            prop_assert_eq!(drawn.matches("<text class=\"time\"").count(), events.len());
            prop_assert!(drawn.ends_with("</svg>\n"));
            prop_assert!(!drawn.chars().any(|c| c.is_control() && c != '\n'));
        }
    }
}
