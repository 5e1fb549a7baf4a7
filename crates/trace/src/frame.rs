//! Where do the uprights of a text ladder stand, and how is one row drawn between them?

use std::time::Duration;

use types::Lane;

use crate::row::Row;
use crate::text::{quote, width, wrap};

/// Which characters a ladder is drawn with.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Style {
    /// Box drawing.
    #[default]
    Unicode,
    /// Nothing beyond ASCII in the drawing itself.
    Ascii,
}

/// The lanes from left to right.
pub(crate) const LANES: [Lane; 4] = [Lane::Client, Lane::Control, Lane::Data, Lane::Storage];

/// How many upright stand left of a lane's.
pub(crate) const fn position(lane: Lane) -> usize {
    match lane {
        Lane::Client => 0,
        Lane::Control => 1,
        Lane::Data => 2,
        Lane::Storage => 3,
    }
}

/// The gap between two uprights that an arrow's label stands in: the last one of the way, so that what concerns
/// data stands by the data connection and what concerns storage by the storage.
pub(crate) fn label_gap(from: usize, to: usize) -> usize {
    from.max(to) - 1
}

const MARGIN: usize = 2;
/// What an arrow needs beside its label: `─ ` and ` ─▶`.
const SHAFT: usize = 5;
/// Where times stand, behind the ladder.
const TIME: usize = 9;

pub(crate) struct Frame {
    style: Style,
    gaps: [usize; 3],
    lines: usize,
    /// Where text must end; nothing is wrapped without one.
    edge: usize,
}

struct Signs {
    upright: char,
    dash: [char; 2],
    crossing: [char; 2],
    left: char,
    right: char,
    mark: char,
}

const UNICODE: Signs =
    Signs { upright: '│', dash: ['─', '═'], crossing: ['┼', '╪'], left: '◀', right: '▶', mark: '●' };
const ASCII: Signs = Signs { upright: '|', dash: ['-', '='], crossing: ['+', '+'], left: '<', right: '>', mark: '*' };

impl Frame {
    /// A frame for a terminal of so many columns; long labels are wrapped, and cut after four lines.
    pub(crate) fn for_width(style: Style, columns: usize) -> Self {
        let room = columns.clamp(64, 160) - MARGIN - 4 - TIME;
        // Replies are longest, addresses and paths are alike.
        let (control, data) = (room * 37 / 100, room * 32 / 100);
        let gaps = [control, data, room - control - data];
        Self { style, gaps, lines: 4, edge: MARGIN + 4 + room }
    }

    /// A frame in which every label of these rows stands on one line.
    pub(crate) fn for_rows(style: Style, rows: &[Row]) -> Self {
        let mut gaps = [18, 18, 18];
        for row in rows.iter().filter(|row| !row.is_mark()) {
            if let Some(gap) = gaps.get_mut(label_gap(position(row.from), position(row.to))) {
                *gap = (*gap).max(width(&quote(&row.text)) + SHAFT);
            }
        }
        let edge = MARGIN + 4 + gaps.iter().sum::<usize>();
        Self { style, gaps, lines: usize::MAX, edge }
    }

    const fn signs(&self) -> &'static Signs {
        match self.style {
            Style::Unicode => &UNICODE,
            Style::Ascii => &ASCII,
        }
    }

    /// The column of an upright.
    fn column(&self, lane: usize) -> usize {
        MARGIN + lane + self.gaps.iter().take(lane).sum::<usize>()
    }

    /// The line that names the uprights.
    pub(crate) fn header(&self, names: [&str; 4]) -> String {
        let mut out = String::new();
        for (lane, name) in names.into_iter().enumerate() {
            let start = (self.column(lane) + 1).saturating_sub(width(name).div_ceil(2)).max(width(&out) + usize::from(lane > 0));
            pad(&mut out, start);
            out.push_str(name);
        }
        out.push('\n');
        out
    }

    /// A row as one or more lines, each with its end, each after `prefix`.
    pub(crate) fn row(&self, row: &Row, prefix: &str, time: Option<String>) -> String {
        let (from, to) = (position(row.from), position(row.to));
        let label = quote(&row.text);
        let (first, others) = if self.lines == usize::MAX {
            (usize::MAX, usize::MAX)
        } else if from == to {
            let room = self.edge.saturating_sub(self.column(from) + 2);
            (room, room)
        } else {
            let gap = self.gaps.get(label_gap(from, to)).copied().unwrap_or(0);
            (gap.saturating_sub(SHAFT), gap.saturating_sub(3))
        };
        let mut out = String::new();
        for (n, piece) in wrap(&label, first, others, self.lines).iter().enumerate() {
            let mut line = match (n, from == to) {
                (0, true) => self.marked(from, self.signs().mark, piece),
                (_, true) => self.marked(from, self.signs().upright, piece),
                (0, false) => self.arrow(row, piece),
                (_, false) => self.beside(label_gap(from, to), piece),
            };
            if let Some(time) = time.as_ref().filter(|_| n == 0) {
                let end = (self.edge + TIME).saturating_sub(time.len()).max(width(&line) + 2);
                pad(&mut line, end);
                line.push_str(time);
            }
            out.push_str(prefix);
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }

    /// An arrow from one upright to another. The label stands by the end it comes from.
    fn arrow(&self, row: &Row, label: &str) -> String {
        let (signs, from, to) = (self.signs(), position(row.from), position(row.to));
        let weight = usize::from(row.both || row.on_data_connection());
        let (first, last) = (from.min(to), from.max(to));
        let (dash, crossing) = (signs.dash[weight], signs.crossing[weight]);
        let mut out = " ".repeat(MARGIN);
        for lane in 0..LANES.len() {
            out.push(if first < lane && lane < last { crossing } else { signs.upright });
            let Some(&gap) = self.gaps.get(lane) else { break };
            if lane < first || lane >= last {
                pad_by(&mut out, ' ', gap);
                continue;
            }
            let left = to == lane && !row.both;
            let right = to == lane + 1 && !row.both;
            if left {
                out.push(signs.left);
            }
            let shaft = gap - usize::from(left) - usize::from(right);
            if lane == label_gap(from, to) {
                let plain = shaft.saturating_sub(width(label) + 3).max(1);
                let (before, after) = if from < to { (1, plain) } else { (plain, 1) };
                pad_by(&mut out, dash, before);
                out.push(' ');
                out.push_str(label);
                out.push(' ');
                pad_by(&mut out, dash, after);
            } else {
                pad_by(&mut out, dash, shaft);
            }
            if right {
                out.push(signs.right);
            }
        }
        out
    }

    /// Text that goes on from the line above, in the same gap.
    fn beside(&self, gap: usize, text: &str) -> String {
        let mut out = String::new();
        for lane in 0..LANES.len() {
            pad(&mut out, self.column(lane));
            out.push(self.signs().upright);
            if lane == gap {
                out.push_str("  ");
                out.push_str(text);
            }
        }
        out
    }

    /// A sign in an upright's place, and text to its right; uprights that the text does not reach go on.
    fn marked(&self, at: usize, sign: char, text: &str) -> String {
        let mut out = String::new();
        for lane in 0..LANES.len() {
            if lane <= at || width(&out) + 1 < self.column(lane) {
                pad(&mut out, self.column(lane));
                out.push(if lane == at { sign } else { self.signs().upright });
            }
            if lane == at {
                out.push(' ');
                out.push_str(text);
            }
        }
        out
    }
}

fn pad(out: &mut String, columns: usize) {
    let missing = columns.saturating_sub(width(out));
    pad_by(out, ' ', missing);
}

fn pad_by(out: &mut String, c: char, times: usize) {
    out.extend(std::iter::repeat_n(c, times));
}

/// Seconds with three digits behind the point, for people.
pub(crate) fn short_time(at: Duration) -> String {
    format!("{}.{:03}", at.as_secs(), at.subsec_millis())
}

/// Seconds with as many digits as it takes, three at least.
pub(crate) fn exact_time(at: Duration) -> String {
    let mut text = format!("{}.{:09}", at.as_secs(), at.subsec_nanos());
    while text.ends_with("000") || (text.ends_with('0') && text.len() - text.find('.').unwrap_or(0) > 4) {
        if text.len() - text.find('.').unwrap_or(0) <= 4 {
            break;
        }
        text.pop();
    }
    text
}
