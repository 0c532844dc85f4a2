//! The list of channels that is imported: in the specification's format, and not without mistakes.

use std::fmt::Write;

use serde_json::json;

/// Channels of the list.
pub const CHANNELS: usize = 1_500;

/// Part of all usernames of the list, so that the batch finds these and no others.
pub const MARK: &str = "demo_";

/// The topics of the channels: the category, and how it is written in a username.
const TOPICS: [(&str, &str); 8] = [
    ("новости", "novosti"),
    ("технологии", "tech"),
    ("наука", "nauka"),
    ("экономика", "biznes"),
    ("спорт", "sport"),
    ("кино", "kino"),
    ("музыка", "muzyka"),
    ("путешествия", "tury"),
];

/// Channels whose names tell the simulated messenger to make difficulties, by their place in the list. Those that are
/// repeated after a while come early, so that they do not draw the end out.
const DIFFICULT: [(usize, &str); 24] = [
    (60, "_error500"),
    (90, "_dropafter"),
    (120, "_forbidden"),
    (150, "_slow_reply"),
    (180, "_slow3"),
    (210, "_nobody"),
    (240, "_dropbefore"),
    (330, "_flood2"),
    (400, "_dropafter"),
    (450, "_forbidden"),
    (500, "_nobody"),
    (560, "_slow_reply"),
    (620, "_slow3"),
    (680, "_forbidden"),
    (720, "_dropafter"),
    (860, "_dropbefore"),
    (900, "_nobody"),
    (940, "_slow2"),
    (980, "_forbidden"),
    (1_050, "_flood1"),
    (1_120, "_slow_reply"),
    (1_180, "_dropafter"),
    (1_240, "_nobody"),
    (1_300, "_forbidden"),
];

/// Lines that can't be understood, each for another reason, and lines that name a channel of the list once more.
const MISTAKES: [(usize, &str); 9] = [
    (40, r#"{"category": "новости", "username": "новости_дня", "collected_at": "2025-09-29T11:49:45.782893"}"#),
    (200, r#"{"category": "технологии", "tgstat_url": "https://tgstat.ru/channel/@tech", "username": "demo_tech"#),
    (410, "username;category;collected_at"),
    (640, r#"{"username": "demo_without_category", "collected_at": "2025-09-29T11:49:45"}"#),
    (870, r#"{"category": "кино", "username": "kin", "collected_at": "2025-09-29T11:49:45"}"#),
    (1_100, r#"{"category": ["спорт"], "username": "demo_9999_sport", "collected_at": "вчера"}"#),
    (700, r#"{"category": "технологии", "username": "DEMO_0002_TECH", "collected_at": "2025-09-30T08:00:00Z"}"#),
    (1_000, r#"{"category": "новости", "username": "@Demo_0001_Novosti", "collected_at": "2025-09-30T08:00:00"}"#),
    (
        1_400,
        r#"{"category": "наука", "username": "https://t.me/demo_0003_nauka", "collected_at": "2025-09-30T08:00:00"}"#,
    ),
];

/// Channels that get a title after the import, as `refreshChannels` of a real Telegram would find it.
pub const TITLES: [(usize, &str); 3] = [(1, "Новости Казани"), (2, "Технологии & люди"), (3, "Наука для всех")];

/// The list, always the same one.
pub fn jsonl() -> String {
    let mut text = String::new();
    for number in 1..=CHANNELS {
        for (_, mistake) in MISTAKES.iter().filter(|(after, _)| *after == number) {
            writeln!(text, "{mistake}").expect("a string takes all");
        }
        writeln!(text, "{}", line(number)).expect("a string takes all");
    }
    text
}

/// The username of the channel at a place of the list.
pub fn username(number: usize) -> String {
    // The number comes first: imports and campaigns then keep the order of the list.
    match DIFFICULT.iter().find(|(place, _)| *place == number) {
        Some((_, marker)) => format!("{MARK}{number:04}{marker}"),
        None => format!("{MARK}{number:04}_{}", topic(number).1),
    }
}

fn topic(number: usize) -> (&'static str, &'static str) {
    TOPICS[(number - 1) % TOPICS.len()]
}

fn line(number: usize) -> String {
    let name = username(number);
    // Lists come from many hands: some write links instead of names.
    let written = if number.is_multiple_of(100) { format!("https://t.me/{name}") } else { name.clone() };
    let collected = format!("2025-09-29T{:02}:{:02}:45.782893", number / 60 % 24, number % 60);
    json!({
        "category": topic(number).0,
        "tgstat_url": format!("https://tgstat.ru/channel/@{name}"),
        "username": written,
        "collected_at": collected,
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use domain::channel_line;

    #[test]
    fn the_list_has_its_channels_once_and_its_mistakes() {
        let read: Vec<_> = jsonl().lines().filter_map(|line| channel_line::parse(line.as_bytes())).collect();
        let names: Vec<_> = read.iter().flatten().map(|line| line.username.clone()).collect();
        let distinct: HashSet<_> = names.iter().collect();
        assert_eq!((distinct.len(), names.len()), (CHANNELS, CHANNELS + 3));
        assert_eq!(read.iter().filter(|line| line.is_err()).count(), 6);
        for number in 1..=CHANNELS {
            assert!(distinct.contains(&username(number)), "{}", username(number));
        }
    }

    #[test]
    fn refusals_stay_far_from_a_pause() {
        let refused = |marker: &str| DIFFICULT.iter().filter(|(_, it)| *it == marker).count();
        assert!(refused("_forbidden") + refused("_nobody") <= 12);
        assert!(DIFFICULT.is_sorted_by_key(|(place, _)| *place));
    }
}
