//! How many segments a text message has: carriers count, limit and charge by them.

/// The basic characters of GSM 03.38, which take one place each.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// The extension of the GSM alphabet: an escape goes in front, so they take two.
const EXTENDED: &str = "^{}\\[~]|€\u{c}";

/// The longest body that Twilio takes, in characters.
pub const LONGEST: usize = 1_600;

/// The number of segments of `text`: 160 septets alone or 153 in a chain; with any other character 70 or 67 UTF-16 units.
/// What takes two places is never cut in two.
pub fn segments(text: &str) -> u32 {
    let septets: Option<Vec<usize>> = text
        .chars()
        .map(|letter| match letter {
            letter if BASIC.contains(letter) => Some(1),
            letter if EXTENDED.contains(letter) => Some(2),
            _ => None,
        })
        .collect();
    match septets {
        Some(places) => count(&places, 160, 153),
        None => count(&text.chars().map(char::len_utf16).collect::<Vec<_>>(), 70, 67),
    }
}

fn count(places: &[usize], alone: usize, chained: usize) -> u32 {
    if places.iter().sum::<usize>() <= alone {
        return 1;
    }
    let (mut segments, mut filled) = (1, 0);
    for place in places {
        if filled + place > chained {
            segments += 1;
            filled = 0;
        }
        filled += place;
    }
    segments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_counted_as_carriers_do() {
        for (text, expected) in [
            (String::new(), 1),
            ("a".repeat(160), 1),
            ("a".repeat(161), 2),
            ("a".repeat(306), 2),
            ("a".repeat(307), 3),
            ("€".repeat(80), 1),
            ("€".repeat(81), 2),
            // 152 and an escape that does not fit any more: the chain's first segment has 152 of 153.
            (format!("{}€{}", "a".repeat(152), "a".repeat(151)), 2),
            (format!("{}€{}", "a".repeat(152), "a".repeat(152)), 3),
            ("я".repeat(70), 1),
            ("я".repeat(71), 2),
            ("я".repeat(135), 3),
            ("😀".repeat(35), 1),
            ("😀".repeat(36), 2),
            ("😀".repeat(67), 3),
            (format!("{}ё", "a".repeat(70)), 2),
        ] {
            assert_eq!(segments(&text), expected, "{} characters", text.chars().count());
        }
    }
}
