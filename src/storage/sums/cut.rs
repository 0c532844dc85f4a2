//! A range of time, cut into spans of which there are sums, and what is left of it at both ends.

use chrono::{DateTime, Utc};

/// Lengths of the spans in seconds: a quarter of an hour, by which each zone's day begins; an hour; a day; and 32 days.
pub const SPANS: [i64; 4] = [900, 3_600, 86_400, 2_764_800];
/// The shortest span, in seconds.
pub const SHORTEST: i64 = SPANS[0];
/// The longest of them.
pub const LONGEST: i64 = SPANS[SPANS.len() - 1];

/// From when, inclusive, to when, exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Range {
    /// The first instant of it.
    pub from: DateTime<Utc>,
    /// The first instant after it.
    pub to: DateTime<Utc>,
}

/// Before anything happened.
pub const fn begin() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH
}

/// After all that happens: the year 9999, so that it sorts as text.
pub fn end() -> DateTime<Utc> {
    instant(253_370_764_800)
}

/// Spans of one length, in seconds since 1970: from the first on, before the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    pub span: i64,
    pub from: i64,
    pub to: i64,
}

/// A range in parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cut {
    /// Whole spans, of which there are sums.
    pub parts: Vec<Part>,
    /// From when to when notes are wanted.
    pub noted: Option<(i64, i64)>,
    /// What is counted from rows.
    pub rows: Vec<Range>,
}

impl Cut {
    /// A range that is counted from rows.
    pub(super) fn rows(range: Range) -> Self {
        Self { parts: Vec::new(), noted: None, rows: vec![range] }
    }

    /// A range in the longest spans that fit.
    pub(super) fn of(range: Range) -> Self {
        let (from, to) = (above(range.from), range.to.timestamp().div_euclid(SHORTEST) * SHORTEST);
        if from >= to {
            return Self::rows(range);
        }
        let ends = [Range { from: range.from, to: instant(from) }, Range { from: instant(to), to: range.to }];
        let rows = ends.into_iter().filter(|end| end.from < end.to).collect();
        Self { parts: parts(from, to), noted: Some((from, to)), rows }
    }
}

fn parts(mut from: i64, mut to: i64) -> Vec<Part> {
    let mut parts = Vec::new();
    for (place, span) in SPANS.into_iter().enumerate() {
        // Where the next longer spans begin and end.
        let inner = SPANS.get(place + 1).map(|longer| {
            let above = from.div_euclid(*longer) * longer + if from.rem_euclid(*longer) == 0 { 0 } else { *longer };
            (above, to.div_euclid(*longer) * longer)
        });
        match inner {
            Some((above, below)) if above < below => {
                parts.extend([Part { span, from, to: above }, Part { span, from: below, to }]);
                (from, to) = (above, below);
            }
            _ => {
                parts.push(Part { span, from, to });
                break;
            }
        }
    }
    parts.retain(|part| part.from < part.to);
    parts
}

/// The first quarter of an hour that begins no earlier.
fn above(at: DateTime<Utc>) -> i64 {
    let below = at.timestamp().div_euclid(SHORTEST) * SHORTEST;
    if instant(below) == at { below } else { below + SHORTEST }
}

/// An instant of so many seconds since 1970.
pub(super) fn instant(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap_or(DateTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn what_a_range_is_cut_into_is_the_range() {
        let base = instant(1_796_011_200);
        let lengths = [1, 899, 900, 901, 3_600, 7_199, 86_400, 100_000, 2_764_800, 10_000_000, 31_622_400];
        for offset in [0, 1, 450, 900, 3_599, 3_600, 40_000, 86_399, 1_000_000] {
            for length in lengths {
                for nanos in [0, 1] {
                    let from = base + TimeDelta::seconds(offset) + TimeDelta::nanoseconds(nanos);
                    let range = Range { from, to: from + TimeDelta::seconds(length) };
                    let cut = Cut::of(range);
                    assert!(cut.parts.len() <= 7 && cut.rows.len() <= 2, "{cut:?}");
                    let parts = cut.parts.iter().map(|part| {
                        assert_eq!((part.from % part.span, part.to % part.span), (0, 0), "{cut:?}");
                        Range { from: instant(part.from), to: instant(part.to) }
                    });
                    let mut all: Vec<Range> = parts.chain(cut.rows.clone()).collect();
                    all.sort_by_key(|part| part.from);
                    let is_joined = all.windows(2).all(|two| two[0].to == two[1].from);
                    assert!(is_joined && all[0].from == range.from && all[all.len() - 1].to == range.to, "{cut:?}");
                }
            }
        }
    }

    #[test]
    fn a_year_is_few_long_spans_and_what_is_short_is_counted() {
        let year = Cut::of(Range { from: instant(1_764_547_200), to: instant(1_796_083_200) });
        assert!(year.rows.is_empty() && year.parts.iter().all(|part| part.span >= 86_400), "{year:?}");
        let short = Range { from: instant(1_796_011_201), to: instant(1_796_011_299) };
        assert_eq!(Cut::of(short), Cut::rows(short));
    }
}
