//! How do the figures become a table? Medians over the rounds, the best peer marked, carrack's ratio to it.

use super::rows::Figure;
use std::collections::BTreeMap;
use std::fmt::Write;

/// What is measured.
pub(super) trait Line: Copy + Ord {
    /// Its title in the table.
    fn title(self) -> String;
}

/// Whom it is measured with.
pub(super) trait Column: Copy + Ord {
    /// carrack, as it is compared with the peers.
    const OWN: Self;
    /// The bare loop, where there is one.
    const BARE: Option<Self>;
    /// The head of its column.
    fn name(self) -> &'static str;
    /// Whether it is one of those carrack is compared with.
    fn is_peer(self) -> bool;
}

/// A figure of a row, in the order the row yields them.
type Cell<R> = (R, usize, &'static str);

/// What each server yielded for it, round by round.
type Yields<K> = (Figure, BTreeMap<K, Vec<f64>>);

/// All that was measured.
pub(super) struct Results<R, K> {
    figures: BTreeMap<Cell<R>, Yields<K>>,
    /// What could not be measured, and why.
    pub(super) failures: Vec<String>,
}

impl<R, K> Default for Results<R, K> {
    fn default() -> Self {
        Self { figures: BTreeMap::new(), failures: Vec::new() }
    }
}

pub(super) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { f64::midpoint(sorted[middle - 1], sorted[middle]) }
}

pub(super) fn show(value: f64) -> String {
    match value.abs() {
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        v if v >= 0.1 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

impl<R: Line, K: Column> Results<R, K> {
    /// Adds what one server yielded in one round.
    pub(super) fn add(&mut self, row: R, kind: K, figures: Vec<(Figure, f64)>) {
        for (at, (figure, value)) in figures.into_iter().enumerate() {
            let (_, by_kind) = self.figures.entry((row, at, figure.what)).or_insert_with(|| (figure, BTreeMap::new()));
            by_kind.entry(kind).or_default().push(value);
        }
    }

    /// The table in Markdown of the rows that are wanted. "Ratio" is carrack to the best peer, above 1 always meaning that
    /// carrack is ahead.
    pub(super) fn markdown(&self, kinds: &[K], wanted: impl Fn(R) -> bool) -> String {
        let mut text = String::from("| row | figure |");
        for kind in kinds {
            let _ = write!(text, " {} |", kind.name());
        }
        text.push_str(" ratio to the best peer |");
        text.push_str(if K::BARE.is_some() { " share of the bare loop |\n| --- | --- |" } else { "\n| --- | --- |" });
        text.push_str(&" ---: |".repeat(kinds.len() + 1 + usize::from(K::BARE.is_some())));
        text.push('\n');
        let mut last = None;
        for ((row, _, what), (figure, by_kind)) in self.figures.iter().filter(|((row, ..), _)| wanted(*row)) {
            let title = if last == Some(row) { String::new() } else { row.title() };
            last = Some(row);
            let medians: BTreeMap<K, f64> = by_kind.iter().map(|(kind, values)| (*kind, median(values))).collect();
            let best = best_peer(&medians, *figure);
            let _ = write!(text, "| {title} | {what} |");
            for kind in kinds {
                match medians.get(kind) {
                    Some(value) if best.is_some_and(|(leader, _)| leader == *kind) => {
                        let _ = write!(text, " **{}** |", show(*value));
                    }
                    Some(value) => {
                        let _ = write!(text, " {} |", show(*value));
                    }
                    None => text.push_str(" – |"),
                }
            }
            let carrack = medians.get(&K::OWN);
            let bare = K::BARE.map(|bare| medians.get(&bare).copied());
            for other in [Some(best.map(|(_, value)| value)), bare].into_iter().flatten() {
                match (carrack, other) {
                    (Some(own), Some(other)) => {
                        let _ = write!(text, " {} |", ratio(*own, other, *figure));
                    }
                    _ => text.push_str(" – |"),
                }
            }
            text.push('\n');
        }
        text
    }
}

fn best_peer<K: Column>(medians: &BTreeMap<K, f64>, figure: Figure) -> Option<(K, f64)> {
    let peers = medians.iter().filter(|(kind, _)| kind.is_peer()).map(|(kind, value)| (*kind, *value));
    if figure.more_is_better { peers.max_by(|a, b| a.1.total_cmp(&b.1)) } else { peers.min_by(|a, b| a.1.total_cmp(&b.1)) }
}

fn ratio(own: f64, other: f64, figure: Figure) -> String {
    let (over, under) = if figure.more_is_better { (own, other) } else { (other, own) };
    match (over.abs() < 1e-9, under.abs() < 1e-9) {
        (true, true) => "1.00".to_owned(),
        (false, true) => "∞".to_owned(),
        _ => format!("{:.2}", over / under),
    }
}

#[cfg(test)]
mod tests {
    use super::super::rows::Row;
    use super::super::servers::Kind;
    use super::*;

    #[test]
    fn the_median_stands_in_the_middle() {
        assert!((median(&[9.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!((median(&[4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < f64::EPSILON);
    }

    #[test]
    fn above_one_means_ahead_whichever_way_the_figure_counts() {
        let fast = Figure { what: "per second", more_is_better: true };
        let cheap = Figure { what: "seconds", more_is_better: false };
        assert_eq!(ratio(30.0, 20.0, fast), "1.50");
        assert_eq!(ratio(2.0, 3.0, cheap), "1.50");
        assert_eq!([ratio(3.0, 0.0, cheap), ratio(0.0, 3.0, cheap), ratio(0.0, 0.0, cheap)], ["0.00", "∞", "1.00"]);
        let mut results = Results::default();
        for (kind, value) in [(Kind::Carrack, 2.0), (Kind::Vsftpd, 3.0), (Kind::Pureftpd, 4.0)] {
            results.add(Row::List, kind, vec![(cheap, value)]);
        }
        let table = results.markdown(&[Kind::Carrack, Kind::Vsftpd, Kind::Pureftpd], |_| true);
        assert!(table.contains("| 2.00 | **3.00** | 4.00 | 1.50 | – |"), "{table}");
    }
}
