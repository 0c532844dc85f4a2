//! Sets of positions, written as ranges: `1-1000,1003`. A million consecutive jobs are nine bytes in the change log.

use std::fmt::Write;

/// The positions as ranges. They must rise.
pub fn write(positions: impl IntoIterator<Item = i32>) -> String {
    let mut text = String::new();
    let mut open: Option<(i32, i32)> = None;
    for position in positions {
        open = match open {
            Some((from, to)) if to + 1 == position => Some((from, position)),
            Some(range) => {
                push(&mut text, range);
                Some((position, position))
            }
            None => Some((position, position)),
        };
    }
    if let Some(range) = open {
        push(&mut text, range);
    }
    text
}

/// The ranges of a text that [`write`] made, both ends included.
pub fn read(text: &str) -> impl Iterator<Item = (i32, i32)> {
    text.split(',').filter_map(|range| match range.split_once('-') {
        Some((from, to)) => Some((from.parse().ok()?, to.parse().ok()?)),
        None => range.parse().ok().map(|position| (position, position)),
    })
}

fn push(text: &mut String, (from, to): (i32, i32)) {
    let comma = if text.is_empty() { "" } else { "," };
    let written = if from == to { write!(text, "{comma}{from}") } else { write!(text, "{comma}{from}-{to}") };
    written.expect("writing to a String cannot fail");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn consecutive_positions_become_ranges() {
        assert_eq!(write([1, 2, 3, 7, 9, 10]), "1-3,7,9-10");
        assert_eq!(write([]), "");
        assert_eq!(read("").count(), 0);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(positions in proptest::collection::btree_set(1..100_000i32, 0..200)) {
            let text = write(positions.iter().copied());
            let read: Vec<i32> = read(&text).flat_map(|(from, to)| from..=to).collect();
            prop_assert_eq!(read, positions.into_iter().collect::<Vec<_>>());
        }
    }
}
