//! What did a session look like? Events as a text ladder: row by row as they come, or a whole session at once with
//! what is probably wrong below it.

use types::{Event, SessionId, What};

use crate::diagnose::{Finding, diagnose};
use crate::frame::{Frame, short_time};
use crate::record::SessionInfo;
use crate::row::Row;
use crate::text::fill;

pub use crate::frame::Style;

/// Draws events as they come; every string it gives ends with its line.
pub struct LadderPrinter {
    frame: Frame,
    columns: usize,
    /// Whether several sessions are drawn at once, so that each row needs its session's id before it.
    many: bool,
    /// The names over the uprights.
    names: [String; 4],
    headed: bool,
}

impl LadderPrinter {
    /// For one session, on a terminal of so many columns.
    pub fn new(style: Style, columns: usize) -> Self {
        Self { frame: Frame::for_width(style, columns), columns, many: false, names: names(None, None), headed: false }
    }

    /// For many sessions at once: each row begins with its session's id.
    pub fn for_many(style: Style, columns: usize) -> Self {
        Self { many: true, ..Self::new(style, columns.saturating_sub(ID_COLUMNS)) }
    }

    /// Puts ports over the uprights: of the control connection, and of the data connection where there is but one.
    #[must_use]
    pub fn with_ports(mut self, control: u16, data: Option<u16>) -> Self {
        self.names = names(Some(control), data);
        self
    }

    /// The names of the uprights. [`LadderPrinter::event`] puts them before the first row by itself; a console that
    /// scrolls may want them again.
    pub fn header(&mut self) -> String {
        self.headed = true;
        let names = self.frame.header([&self.names[0], &self.names[1], &self.names[2], &self.names[3]]);
        if self.many { format!("{}{names}", " ".repeat(ID_COLUMNS)) } else { names }
    }

    /// An event's row, after the header if it is the first.
    pub fn event(&mut self, session: SessionId, event: &Event) -> String {
        let mut out = if self.headed { String::new() } else { self.header() };
        out.push_str(&self.frame.row(&Row::from(event), &self.prefix(session), Some(short_time(event.at))));
        out
    }

    /// A line that says how many events are missing before the next row.
    pub fn dropped(&mut self, session: SessionId, events: u64) -> String {
        let mut out = if self.headed { String::new() } else { self.header() };
        if events > 0 {
            let noun = if events == 1 { "event is" } else { "events are" };
            // A comment to whoever reads the ladder back, with the session's id where there are many.
            let id = if self.many { format!("{session}: ") } else { String::new() };
            out.push_str(&format!("  # {id}{events} earlier {noun} no longer kept\n"));
        }
        out
    }

    /// What is probably wrong, in the words people can act on.
    pub fn findings(&self, session: SessionId, findings: &[Finding]) -> String {
        let mut out = String::new();
        for finding in findings {
            let id = if self.many { format!("{session} ") } else { String::new() };
            let advice = format!("{} ({})", finding.advice, finding.reason.code());
            let columns = self.columns.clamp(40, 160).saturating_sub(DIAGNOSIS.len() + 3);
            for (n, line) in fill(&advice, columns).iter().enumerate() {
                let lead = if n == 0 { format!("  {id}{DIAGNOSIS} ") } else { " ".repeat(DIAGNOSIS.len() + 3 + id.len()) };
                out.push_str(&format!("{lead}{line}\n"));
            }
        }
        out
    }

    fn prefix(&self, session: SessionId) -> String {
        if self.many { format!("{session} ") } else { String::new() }
    }
}

const ID_COLUMNS: usize = 9;
const DIAGNOSIS: &str = "diagnosis:";

fn names(control: Option<u16>, data: Option<u16>) -> [String; 4] {
    let with = |name: &str, port: Option<u16>| port.map_or_else(|| name.to_owned(), |port| format!("{name} :{port}"));
    ["client".to_owned(), with("control", control), with("data", data), "storage".to_owned()]
}

/// The one passive port of these events; `None` if there was none or more than one.
pub(crate) fn only_data_port(events: &[Event]) -> Option<u16> {
    let mut ports = events.iter().filter_map(|event| match &event.what {
        What::Listening(address) | What::Reaching(address) => Some(address.port()),
        _ => None,
    });
    let first = ports.next()?;
    ports.all(|port| port == first).then_some(first)
}

/// A whole session: header, a note where events were dropped, the rows, and the findings below.
pub fn ladder(session: &SessionInfo, events: &[Event], dropped: u64, style: Style, columns: usize) -> String {
    let mut printer = LadderPrinter::new(style, columns).with_ports(session.local.port(), only_data_port(events));
    let mut out = printer.dropped(session.id, dropped);
    for event in events {
        out.push_str(&printer.event(session.id, event));
    }
    out.push_str(&printer.findings(session.id, &diagnose(events, session.peer, session.local)));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialogue::parse;
    use crate::samples::{any_event, download, info};
    use crate::text::width;
    use proptest::prelude::*;

    /// The whole picture at 80 columns: what people see, and what `parse` reads.
    const AT_80: &str = include_str!("../tests/download-80.txt");

    #[test]
    fn a_session_at_80_columns() {
        let drawn = ladder(&info(), &download(), 3, Style::Unicode, 80);
        assert_eq!(drawn, AT_80, "\n{drawn}");
    }

    const TLS: &str = "
  │─ AUTH TLS ────────────▶│                    │                     │    0.000
  │═ TLS 1.3 AES-256-GCM ══│                    │                     │    0.001
  │════════════════════════╪═ connected ═══════▶│                     │    0.002
  │                        │  192.0.2.7:4000    │                     │
  │════════════════════════╪═ TLS 1.3 ══════════│                     │    0.003
  │                        │  AES-256-GCM,      │                     │
  │                        │  resumed           │                     │
  │                        ● cleared            │                     │    0.004
";

    #[test]
    fn tls_is_a_broad_line_without_a_head() {
        let whats = [
            What::Command("AUTH TLS".into()),
            What::Secured(types::Lane::Control, "TLS 1.3 AES-256-GCM".into()),
            What::Connected(crate::samples::address("192.0.2.7:4000")),
            What::Secured(types::Lane::Data, "TLS 1.3 AES-256-GCM, resumed".into()),
            What::Cleared,
        ];
        let drawn = ladder(&info(), &crate::samples::events(whats), 0, Style::Unicode, 80);
        let rows = &drawn[drawn.find('\n').unwrap()..];
        assert_eq!(rows, TLS, "\n{drawn}");
    }

    #[test]
    fn rows_keep_to_the_terminal() {
        for columns in [64, 80, 100, 132] {
            for style in [Style::Unicode, Style::Ascii] {
                let drawn = ladder(&info(), &download(), 3, style, columns);
                assert!(drawn.lines().all(|line| width(line) <= columns), "{columns}\n{drawn}");
                assert!(style == Style::Unicode || drawn.replace('…', "").is_ascii());
            }
        }
    }

    #[test]
    fn many_sessions_carry_their_ids() {
        let mut printer = LadderPrinter::for_many(Style::Ascii, 100);
        let drawn: String = download().iter().map(|event| printer.event(SessionId(0x2a), event)).collect();
        let mut lines = drawn.lines();
        assert!(lines.next().is_some_and(|l| l.trim_start().starts_with("client")));
        assert!(lines.all(|l| l.starts_with("0000002a ")), "{drawn}");
        assert_eq!(parse(&drawn).unwrap().len(), download().len());
    }

    #[test]
    fn findings_stand_below_and_are_no_rows() {
        let mut events = download();
        events.truncate(8);
        events.push(Event { at: std::time::Duration::from_secs(10), what: What::DataFailed(types::Reason::DataNeverCame) });
        let drawn = ladder(&info(), &events, 0, Style::Unicode, 80);
        assert!(drawn.contains("\n  diagnosis: ") && drawn.contains("CRK-301"), "{drawn}");
        assert!(drawn.lines().all(|line| width(line) <= 80), "{drawn}");
        assert_eq!(parse(&drawn).unwrap().len(), events.len());
    }

    /// The rows of events as a ladder's reader finds them: times to the millisecond.
    fn rows(events: &[Event]) -> Vec<Row> {
        let cut = |at: std::time::Duration| std::time::Duration::from_millis(u64::try_from(at.as_millis()).unwrap());
        events.iter().map(Row::from).map(|row| Row { at: row.at.map(cut), ..row }).collect()
    }

    #[test]
    fn a_printed_ladder_is_a_dialogue() {
        for columns in [80, 100, 160] {
            let drawn = ladder(&info(), &download(), 3, Style::Unicode, columns);
            assert_eq!(parse(&drawn).unwrap(), rows(&download()), "{drawn}");
        }
    }

    proptest! {
        #[test]
        fn whatever_happens_can_be_drawn_and_read(events in prop::collection::vec(any_event(), 0..6), ascii: bool) {
            let style = if ascii { Style::Ascii } else { Style::Unicode };
            let mut printer = LadderPrinter::new(style, 160);
            let drawn: String = events.iter().map(|event| printer.event(SessionId(1), event)).collect();
            let read = parse(&drawn).map_err(|e| TestCaseError::fail(format!("{e}\n{drawn}")))?;
            prop_assert_eq!(read.len(), events.len(), "{}", drawn);
            for (read, row) in read.iter().zip(rows(&events)) {
                prop_assert_eq!((read.from, read.to), (row.from, row.to), "{}", drawn);
                // Labels longer than four lines are cut.
                if row.text.chars().count() < 100 && !drawn.contains("\\u{") {
                    prop_assert_eq!(&read.text, &row.text, "{}", drawn);
                }
            }
        }
    }
}
