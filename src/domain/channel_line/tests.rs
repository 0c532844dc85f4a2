//! Lines as people, scrapers and enemies write them.

use proptest::prelude::*;

use super::*;
use crate::text::REASON_LIMIT;

const EXAMPLE: &str = r#"{"category": "новости", "tgstat_url": "https://tgstat.ru/channel/@proofzzz", "username": "proofzzz", "collected_at": "2025-09-29T11:49:45.782893"}"#;

fn read_one(line: &str) -> ChannelLine {
    parse(line.as_bytes()).expect("not empty").unwrap_or_else(|why| panic!("{line}: {why}"))
}

fn refused(line: impl AsRef<[u8]>) -> String {
    parse(line.as_ref()).expect("not empty").expect_err("it is wrong")
}

fn at(collected_at: &str) -> Option<String> {
    let line = format!(r#"{{"username":"proofzzz","category":"tech","collected_at":"{collected_at}"}}"#);
    read_one(&line).collected_at.map(|at| at.to_rfc3339())
}

#[test]
fn the_specifications_example_is_read() {
    let channel = read_one(EXAMPLE);
    assert_eq!(channel.username, "proofzzz");
    assert_eq!(channel.category, "новости");
    assert_eq!(channel.tgstat_url.as_deref(), Some("https://tgstat.ru/channel/@proofzzz"));
    assert_eq!(channel.collected_at.unwrap().to_rfc3339(), "2025-09-29T11:49:45.782+00:00");
}

#[test]
fn names_line_ends_and_marks_are_understood() {
    for name in ["@ProofZZZ", "t.me/proofzzz", "https://t.me/PROOFZZZ", r"proo\u0066zzz"] {
        let line = format!("\u{feff} {{\"username\":\"{name}\",\"category\":\" tech \",\"unknown\":[1,{{}}]}}\r\n");
        let channel = read_one(&line);
        assert_eq!((channel.username.as_str(), channel.category.as_str()), ("proofzzz", "tech"), "{name}");
        assert_eq!((channel.tgstat_url, channel.collected_at), (None, None));
    }
    for empty in ["", "\n", "\r\n", " \t ", "\u{feff}", "\u{feff}\r\n"] {
        assert_eq!(parse(empty.as_bytes()), None, "{empty:?}");
    }
}

#[test]
fn what_may_be_absent_may_be_null_or_empty() {
    let line = r#"{"username":"proofzzz","category":"tech","tgstat_url":null,"collected_at":null}"#;
    assert_eq!((read_one(line).tgstat_url, read_one(line).collected_at), (None, None));
    let line = r#"{"username":"proofzzz","category":"tech","tgstat_url":"","collected_at":""}"#;
    assert_eq!((read_one(line).tgstat_url, read_one(line).collected_at), (None, None));
}

#[test]
fn an_instant_without_a_zone_is_utc() {
    assert_eq!(at("2025-09-29T11:49:45").as_deref(), Some("2025-09-29T11:49:45+00:00"));
    assert_eq!(at("2025-09-29 11:49:45.5").as_deref(), Some("2025-09-29T11:49:45.500+00:00"));
    assert_eq!(at("2025-09-29T11:49:45+03:00").as_deref(), Some("2025-09-29T08:49:45+00:00"));
    assert_eq!(at("2025-09-29T11:49:45Z").as_deref(), Some("2025-09-29T11:49:45+00:00"));
}

#[test]
fn wrong_lines_have_reasons() {
    let long = "я".repeat(101);
    for (line, reason) in [
        ("{".into(), "column 1"),
        ("[1]".into(), "does not begin with {"),
        ("null".into(), "JSON object"),
        (r#"{"category":"tech"}"#.into(), "\"username\" is missing"),
        (r#"{"username":"proofzzz"}"#.into(), "\"category\" is missing"),
        (r#"{"username":"proofzzz","username":"proofzzz","category":"tech"}"#.into(), "\"username\" is there twice"),
        (r#"{"username":5,"category":"tech"}"#.into(), "which is a text"),
        (r#"{"username":null,"category":"tech"}"#.into(), "which is a text"),
        (r#"{"username":"abc","category":"tech"}"#.into(), "username: a username has 4"),
        (r#"{"username":"новости","category":"tech"}"#.into(), "username: "),
        (r#"{"username":"proofzzz","category":"  "}"#.into(), "category: "),
        (r#"{"username":"proofzzz","category":"a\u0000b"}"#.into(), "category: "),
        (format!(r#"{{"username":"proofzzz","category":"{long}"}}"#), "category: "),
        (r#"{"username":"proofzzz","category":"a"} {}"#.into(), "something follows"),
        ("username,category".into(), "does not begin with {"),
        ("proofzzz".into(), "does not begin with {"),
        (r#""proofzzz""#.into(), "does not begin with {"),
        (r#"["proofzzz","tech"]"#.into(), "does not begin with {"),
    ] as [(String, &str); _]
    {
        let told = refused(&line);
        assert!(told.contains(reason), "{line}: {told}");
    }
}

#[test]
fn a_field_that_a_channel_can_do_without_is_left_out_where_it_is_wrong_and_that_is_told() {
    let url = format!("\"https://tgstat.ru/{}\"", "x".repeat(2_100));
    for (field, value) in [
        ("tgstat_url", "\"javascript:alert(1)\""),
        ("tgstat_url", "\"tgstat.ru/channel/@proofzzz\""),
        ("tgstat_url", &url),
        ("tgstat_url", "[\"https://tgstat.ru\", {\"a\": [1]}]"),
        ("collected_at", "\"yesterday\""),
        ("collected_at", "\"2025-09-29\""),
        ("collected_at", "\"1969-12-31T00:00:00\""),
        ("collected_at", "1759146585"),
        ("collected_at", "1759146585.5"),
        ("collected_at", "-1"),
        ("collected_at", "true"),
        ("collected_at", "{\"$date\": \"2025-09-29T11:49:45Z\"}"),
    ] {
        let channel = read_one(&format!(r#"{{"username":"proofzzz","{field}":{value},"category":"tech"}}"#));
        assert_eq!((channel.username.as_str(), channel.category.as_str()), ("proofzzz", "tech"));
        assert_eq!((channel.tgstat_url, channel.collected_at), (None, None), "{value}");
        let told = channel.left_out.expect("it is told");
        assert!(told.starts_with(field) && told.ends_with("the line was taken without it"), "{told}");
        assert!(told.len() <= REASON_LIMIT);
    }
    let both = r#"{"username":"proofzzz","category":"a","collected_at":5,"tgstat_url":"secret@example.com"}"#;
    let told = read_one(both).left_out.expect("it is told");
    assert!(told.contains("tgstat_url: ") && told.contains("collected_at: ") && !told.contains("secret"), "{told}");
    assert_eq!(read_one(EXAMPLE).left_out, None);
}

#[test]
fn a_reason_has_nothing_of_the_line() {
    for line in [
        r#""secret@example.com""#,
        r#"["secret@example.com"]"#,
        r#"{"username":["secret@example.com"],"category":"a"}"#,
        r#"{"username":"secret@example.com","category":"a"}"#,
        r#"{"username":"proofzzz","category":{"secret@example.com":1}}"#,
        "secret@example.com",
    ] {
        let told = refused(line);
        assert!(!told.contains("secret"), "{line}: {told}");
    }
}

#[test]
fn bytes_that_are_not_utf8_are_named_by_their_column() {
    let mut line = EXAMPLE.as_bytes().to_vec();
    line[14] = 0xff;
    assert_eq!(refused(line), "the line is not UTF-8: wrong byte at column 15");
}

#[test]
fn a_line_over_the_limit_is_refused_and_reasons_stay_short() {
    let line = |length: usize| format!(r#"{{"username":"proofzzz","category":"tech","x":"{}"}}"#, "x".repeat(length));
    assert!(parse(line(LINE_LIMIT - 100).as_bytes()).unwrap().is_ok());
    assert_eq!(refused(line(LINE_LIMIT)), "the line is longer than 65536 bytes");
    let quoted = format!(r#"{{"username":"proofzzz","category":["{}"]}}"#, "я".repeat(9_000));
    assert!(refused(quoted).len() <= REASON_LIMIT);
    let quoted = format!(r#"{{"{}":1,"username":"{}"}}"#, "я".repeat(9_000), "ы".repeat(9_000));
    assert!(refused(quoted).len() <= REASON_LIMIT);
}

proptest! {
    #[test]
    fn no_bytes_panic(line in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Some(Err(reason)) = parse(&line) {
            prop_assert!(reason.len() <= REASON_LIMIT);
        }
    }

    #[test]
    fn no_damage_to_a_good_line_panics(at in 0..EXAMPLE.len(), byte: u8, cut in 0..EXAMPLE.len()) {
        let mut line = EXAMPLE.as_bytes().to_vec();
        line[at] = byte;
        parse(&line);
        parse(&line[..cut]);
    }

    #[test]
    fn what_is_read_can_be_stored(username in "[@a-zA-Z0-9_]{0,40}", category in "\\PC{0,120}", url in "\\PC{0,60}") {
        let line = serde_json::json!({ "username": username, "category": category, "tgstat_url": url }).to_string();
        if let Some(Ok(channel)) = parse(line.as_bytes()) {
            prop_assert!((4..=32).contains(&channel.username.len()));
            prop_assert!((1..=100).contains(&channel.category.chars().count()));
            let texts = [Some(&channel.username), Some(&channel.category), channel.tgstat_url.as_ref()];
            prop_assert!(texts.into_iter().flatten().all(|text| !text.contains('\0')));
        }
    }
}
