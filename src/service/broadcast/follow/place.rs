//! How far somebody has come in a campaign's change log.

use std::collections::VecDeque;

use super::Cursor;
use domain::positions;
use storage::broadcast::job_change;
use storage::broadcast::job_update::Part;

/// Everything up to a position of an entry, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) seq: i64,
    position: i32,
}

impl Place {
    /// Before everything, or where a client stands.
    pub(super) fn after(cursor: Option<Cursor>) -> Self {
        cursor.map_or(Self::end_of(0), |cursor| Self { seq: cursor.seq, position: cursor.position })
    }

    /// Behind the whole of an entry.
    pub(super) const fn end_of(seq: i64) -> Self {
        Self { seq, position: i32::MAX }
    }

    /// The last entry of which all was told.
    pub(super) const fn whole(self) -> i64 {
        if self.position == i32::MAX { self.seq } else { self.seq - 1 }
    }

    /// An entry's positions behind this place.
    pub(super) fn rest_of(self, entry: &job_change::Model) -> impl Iterator<Item = Part> {
        let told = if entry.seq == self.seq { self.position } else { 0 };
        let (seq, key) = (entry.seq, entry.key);
        positions::read(&entry.positions)
            .map(move |(first, last)| Part { seq, key, first: first.max(told.saturating_add(1)), last })
            .filter(|part| part.first <= part.last)
    }
}

/// Takes parts off the front, with at most `most` positions in all and none behind `until`; and the place behind them.
pub(super) fn take(parts: &mut VecDeque<Part>, most: i32, until: Option<Place>) -> (Vec<Part>, Option<Place>) {
    let (mut taken, mut room) = (Vec::new(), most);
    while room > 0
        && let Some(part) = parts.pop_front()
    {
        let mut last = part.last.min(part.first.saturating_add(room - 1));
        if let Some(until) = until
            && until.seq <= part.seq
        {
            last = if until.seq < part.seq { part.first - 1 } else { last.min(until.position) };
        }
        if last < part.last {
            parts.push_front(Part { first: part.first.max(last + 1), ..part });
        }
        if last < part.first {
            break;
        }
        room -= last - part.first + 1;
        taken.push(Part { last, ..part });
    }
    let next = parts.front().map(|next| Place { seq: next.seq, position: next.first });
    let end = match (next, until) {
        (Some(next), Some(until)) if next > until => Some(until),
        _ => taken.last().map(|part| {
            let is_cut = next.is_some_and(|next| next.seq == part.seq);
            let end = if is_cut { Place { seq: part.seq, position: part.last } } else { Place::end_of(part.seq) };
            // Somebody may stand at an entry's last position, which is its end.
            until.map_or(end, |until| end.min(until))
        }),
    };
    (taken, end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry(seq: i64, ranges: &[(i32, i32)]) -> Vec<Part> {
        ranges.iter().map(|(first, last)| Part { seq, key: seq, first: *first, last: *last }).collect()
    }

    #[test]
    fn a_step_ends_where_somebody_stands_and_at_its_size() {
        let log = [entry(1, &[(1, 10)]), entry(2, &[(1, 2), (5, 9)]), entry(3, &[(4, 4)])].concat();
        let at = |seq, position| Place { seq, position };
        for (most, until, count, end) in [
            (100, None, 18, Place::end_of(3)),
            (4, None, 4, at(1, 4)),
            (10, None, 10, Place::end_of(1)),
            (12, None, 12, at(2, 2)),
            (100, Some(Place::end_of(1)), 10, Place::end_of(1)),
            (100, Some(at(2, 6)), 14, at(2, 6)),
            (100, Some(at(2, 3)), 12, at(2, 3)),
            (100, Some(at(1, 0)), 0, at(1, 0)),
            (5, Some(at(2, 6)), 5, at(1, 5)),
        ] {
            let mut parts = VecDeque::from(log.clone());
            let (taken, reached) = take(&mut parts, most, until);
            let positions = |parts: &[Part]| parts.iter().map(|part| part.last - part.first + 1).sum::<i32>();
            assert_eq!((positions(&taken), reached), (count, Some(end)), "{most} {until:?}");
            assert_eq!(positions(parts.make_contiguous()), 18 - count, "nothing is lost: {most} {until:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_the_steps_each_position_is_taken_once_and_in_order(
            entries in proptest::collection::vec(proptest::collection::btree_set(1..40_i32, 1..20), 1..6),
            steps in proptest::collection::vec((1..30_i32, proptest::option::of((1..7_i64, 0..40_i32))), 1..60),
        ) {
            let all = |parts: &[Part]| {
                parts.iter().flat_map(|part| (part.first..=part.last).map(move |n| (part.seq, n))).collect::<Vec<_>>()
            };
            let log: Vec<Part> = (1..)
                .zip(&entries)
                .flat_map(|(seq, set)| {
                    let text = positions::write(set.iter().copied());
                    positions::read(&text).map(|(first, last)| Part { seq, key: 0, first, last }).collect::<Vec<_>>()
                })
                .collect();
            let (mut parts, mut told, mut at) = (VecDeque::from(log.clone()), Vec::new(), Place::end_of(0));
            for (most, until) in steps.into_iter().chain(std::iter::repeat_n((1_000, None), 2)) {
                let until = until.map(|(seq, position)| Place { seq, position }).filter(|until| *until > at);
                let (taken, end) = take(&mut parts, most, until);
                told.extend(all(&taken));
                if let Some(end) = end {
                    prop_assert!(end > at, "it goes on: {at:?} {end:?}");
                    prop_assert!(until.is_none_or(|until| end <= until));
                    at = end;
                }
                prop_assert!(taken.last().is_none_or(|part| (part.seq, part.last) <= (at.seq, at.position)));
                prop_assert!(parts.front().is_none_or(|part| (part.seq, part.first) > (at.seq, at.position)));
            }
            prop_assert_eq!(told, all(&log));
        }
    }
}
