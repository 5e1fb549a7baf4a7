//! A line as words, with their places: what stands behind a word keeps its blanks, for names may have them.

/// As many words as are looked at; a name behind them may have more.
const AT_MOST: usize = 20;

/// The first words of a line.
pub(super) struct Words<'a> {
    line: &'a [u8],
    spans: [(usize, usize); AT_MOST],
    count: usize,
}

impl<'a> Words<'a> {
    pub(super) fn of(line: &'a [u8]) -> Self {
        let (mut spans, mut count, mut at) = ([(0, 0); AT_MOST], 0, 0);
        let blank = |b: &u8| matches!(b, b' ' | b'\t');
        while let Some(place) = spans.get_mut(count) {
            let rest = line.get(at..).unwrap_or_default();
            let Some(start) = rest.iter().position(|b| !blank(b)).map(|skip| at + skip) else { break };
            let rest = line.get(start..).unwrap_or_default();
            at = rest.iter().position(blank).map_or(line.len(), |length| start + length);
            *place = (start, at);
            count += 1;
        }
        Self { line, spans, count }
    }

    pub(super) const fn len(&self) -> usize {
        self.count
    }

    /// A word, counted from 0.
    pub(super) fn get(&self, index: usize) -> Option<&'a [u8]> {
        let (start, end) = *self.spans.get(index).filter(|_| index < self.count)?;
        self.line.get(start..end)
    }

    /// Everything behind a word, blanks and all.
    pub(super) fn behind(&self, index: usize) -> &'a [u8] {
        let end = self.spans.get(index).filter(|_| index < self.count).map_or(self.line.len(), |(_, end)| *end);
        self.line.get(end..).unwrap_or_default()
    }

    /// From the start of a word to the end of the line.
    pub(super) fn from(&self, index: usize) -> &'a [u8] {
        let start = self.spans.get(index).filter(|_| index < self.count).map_or(self.line.len(), |(start, _)| *start);
        self.line.get(start..).unwrap_or_default()
    }

    /// From the start of one word to the end of another.
    pub(super) fn span(&self, first: usize, last: usize) -> Option<&'a [u8]> {
        let (start, _) = *self.spans.get(first).filter(|_| first < self.count)?;
        let (_, end) = *self.spans.get(last).filter(|_| last < self.count)?;
        self.line.get(start..end)
    }
}

/// Decimal digits and nothing else.
pub(super) fn number(word: &[u8]) -> Option<u64> {
    if word.is_empty() || word.len() > 20 || !word.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(word).ok()?.parse().ok()
}

/// Decimal digits with commas or points at every third place.
pub(super) fn grouped(word: &[u8]) -> Option<u64> {
    if let Some(plain) = number(word) {
        return Some(plain);
    }
    let mut groups = word.split(|b| matches!(b, b',' | b'.'));
    let first = groups.next().filter(|first| (1..=3).contains(&first.len()))?;
    let mut digits = first.to_vec();
    for group in groups {
        if group.len() != 3 {
            return None;
        }
        digits.extend_from_slice(group);
    }
    number(&digits)
}
