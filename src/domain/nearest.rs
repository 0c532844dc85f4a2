//! Which of the words that there are somebody may have meant.

/// The word of `known` that is nearest to `written`, in any case; None if none is near.
pub fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let written: Vec<char> = written.trim().to_lowercase().chars().collect();
    let most = (written.len() / 3).clamp(1, 4);
    let near = known.into_iter().filter_map(|word| {
        let letters: Vec<char> = word.to_lowercase().chars().collect();
        let begins = written.len() >= 3 && (letters.starts_with(&written) || written.starts_with(&letters));
        let distance = distance(&written, &letters);
        (distance <= most || begins).then_some((distance, word))
    });
    near.min().map(|(_, word)| word)
}

/// How many letters have to be put in, taken out, changed or swapped with their neighbours.
fn distance(from: &[char], to: &[char]) -> usize {
    let mut rows = vec![vec![0; to.len() + 1]; from.len() + 1];
    for (row, cells) in rows.iter_mut().enumerate() {
        cells[0] = row;
    }
    rows[0] = (0..=to.len()).collect();
    for i in 1..=from.len() {
        for j in 1..=to.len() {
            let changed = rows[i - 1][j - 1] + usize::from(from[i - 1] != to[j - 1]);
            let mut least = changed.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = least;
        }
    }
    rows[from.len()][to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_the_one_that_was_meant() {
        let known = ["news", "Nature", "новости", "technology"];
        for (written, meant) in [
            ("newz", Some("news")),
            ("NEWS", Some("news")),
            (" enws ", Some("news")),
            ("новасти", Some("новости")),
            ("tech", Some("technology")),
            ("nature", Some("Nature")),
            ("sport", None),
            ("", None),
        ] {
            assert_eq!(nearest(written, known), meant, "{written}");
        }
    }
}
