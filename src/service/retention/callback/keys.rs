//! What a callback names somebody by: the keys under which it is found again, without reading it.

use std::collections::{BTreeSet, VecDeque};

use sea_orm::QuerySelect;
use sea_orm::sea_query::{LockBehavior, LockType};
use serde_json::Value as Json;

use super::pairs;
use crate::{Services, Write};
use domain::error::Result;
use domain::json;
use storage::retention::webhook_event::{Entity, Model};
use storage::retention::webhook_event_key::{self, SHORTEST};

/// Keys of a callback at most: what is nearest to its root comes first.
const MOST: usize = 256;
/// Whatever is longer is a text, and no name of anybody.
const LONGEST: usize = 200;
/// Of a longer callback numbers count as phone numbers only with their plus: it is full of instants.
const SHORT: usize = 4 << 10;
/// Levels of JSON whose words and numbers count whatever they are made of. Below, where talk is told word by word, they must look
/// like an id or an address.
const SHALLOW: usize = 1;
/// Callbacks of before there were keys that get theirs in one transaction.
const CHUNK: u64 = 500;
/// Such transactions of one round.
const ROUNDS: usize = 20;

/// Stores the keys of a callback, unless that is done.
pub(super) async fn keep(w: &Write, row: &Model) -> Result<()> {
    if row.is_keyed { Ok(()) } else { webhook_event_key::keep(w, &[(row.id, of(row))]).await }
}

/// Gives keys to callbacks that came before there were any.
pub async fn keep_older(on: &Services) -> Result<()> {
    for _ in 0..ROUNDS {
        let count = on.system_write(|w| async move {
            // Locked: what is erased meanwhile must not get keys of what it was.
            let select = Entity::unkeyed().limit(CHUNK).lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
            let rows = select.all(&w).await?;
            let keys: Vec<_> = rows.iter().map(|row| (row.id, of(row))).collect();
            webhook_event_key::keep(&w, &keys).await?;
            Entity::mark_keyed(&w, rows.iter().map(|row| row.id)).await?;
            Ok(rows.len() as u64)
        });
        if count.await? < CHUNK {
            return Ok(());
        }
    }
    Ok(())
}

/// Email addresses, phone numbers without their plus, and ids of providers, in small letters.
fn of(row: &Model) -> Vec<String> {
    let mut keys = BTreeSet::new();
    for text in [row.query.as_deref().unwrap_or_default(), &row.body] {
        let text = text.to_lowercase().replace("%40", "@").replace("%2b", "+");
        emails(&text, &mut keys);
        phones(&text, &mut keys);
    }
    for (depth, text) in values(row) {
        if keys.len() >= MOST {
            break;
        }
        word(&text.trim().to_lowercase(), depth <= SHALLOW, &mut keys);
    }
    keys.into_iter().filter(|key| is_key(key)).take(MOST).collect()
}

fn is_key(text: &str) -> bool {
    (SHORTEST..=LONGEST).contains(&text.len())
        && !text.chars().any(|letter| letter.is_whitespace() || letter.is_control())
}

/// The values of the query and of the body, those nearest to the root first, each with its depth.
fn values(row: &Model) -> Vec<(usize, String)> {
    let mut values: Vec<(usize, String)> =
        pairs::form(row.query.as_deref().unwrap_or_default()).map(|(_, value)| (0, value)).collect();
    let Ok(read) = json::from_outside(&row.body) else {
        values.extend(pairs::form(&row.body).map(|(_, value)| (0, value)));
        return values;
    };
    let mut rest = VecDeque::from([(0, read)]);
    while let Some((depth, value)) = rest.pop_front() {
        match value {
            Json::String(text) => values.push((depth, text)),
            Json::Number(number) if depth <= SHALLOW => values.push((depth, number.to_string())),
            Json::Array(all) => rest.extend(all.into_iter().map(|one| (depth + 1, one))),
            Json::Object(all) => rest.extend(all.into_iter().map(|(_, one)| (depth + 1, one))),
            Json::Null | Json::Bool(_) | Json::Number(_) => {}
        }
    }
    values
}

/// A value that is one word, as a whole and without what stands before its last colon, as in `whatsapp:+49..`.
fn word(text: &str, is_any: bool, keys: &mut BTreeSet<String>) {
    let looks_like_one = text.chars().any(|letter| letter.is_ascii_digit() || letter == '@');
    if is_key(text) && (is_any || looks_like_one) {
        let end = text.rsplit(':').next().unwrap_or_default();
        keys.extend([text, end].map(|key| key.trim_start_matches('+').to_owned()));
    }
}

fn emails(text: &str, keys: &mut BTreeSet<String>) {
    let is_part = |letter: char| letter.is_alphanumeric() || "._+-'".contains(letter);
    for (at, _) in text.match_indices('@') {
        let name = text[..at].rfind(|letter| !is_part(letter));
        let start = name.map_or(0, |before| before + text[before..].chars().next().map_or(1, char::len_utf8));
        let host = &text[at + 1..];
        let end = host.find(|letter: char| !letter.is_alphanumeric() && !".-".contains(letter)).unwrap_or(host.len());
        let host = host[..end].trim_end_matches(['.', '-']);
        if start < at && !host.is_empty() && keys.len() < MOST {
            keys.insert(format!("{}@{host}", &text[start..at]));
        }
    }
}

fn phones(text: &str, keys: &mut BTreeSet<String>) {
    let is_short = text.len() <= SHORT;
    let mut rest = text;
    while let Some(start) = rest.find(|letter: char| letter.is_ascii_digit()) {
        let digits = &rest[start..];
        let end = digits.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(digits.len());
        let is_marked = rest[..start].ends_with('+');
        if (SHORTEST..=15).contains(&end) && (is_marked || is_short) && keys.len() < MOST {
            keys.insert(digits[..end].to_owned());
        }
        rest = &digits[end..];
    }
}

#[cfg(test)]
mod tests {
    use domain::id::WebhookEventId;
    use domain::retention::words::WebhookEventStatus;

    use super::*;

    fn keys(query: Option<&str>, body: &str) -> Vec<String> {
        of(&Model {
            id: WebhookEventId::generate(),
            provider: "vapi".into(),
            dedupe_key: String::new(),
            status: WebhookEventStatus::Received,
            query: query.map(Into::into),
            content_type: None,
            body: body.into(),
            attempts: 0,
            error_message: None,
            received_at: chrono::DateTime::UNIX_EPOCH,
            not_before: None,
            processed_at: None,
            outcome: None,
            is_keyed: false,
        })
    }

    #[test]
    fn a_callback_is_found_by_each_name_in_it() {
        let table: [(Option<&str>, &str, &[&str]); 9] = [
            (None, "MessageSid=SM0123456789abcdef&From=%2B4915123456789", &["sm0123456789abcdef", "4915123456789"]),
            (None, "From=whatsapp%3A%2B4915123456789&To=x", &["4915123456789"]),
            (Some("sub_id=abcdefgh&email=Ann.S%40Example.com"), "", &["abcdefgh", "ann.s@example.com"]),
            (Some("sub_id=12345678"), "", &["12345678"]),
            (None, r#"{"lead_email":"Ann@Example.com","email_id":"<Id-1@mail>"}"#, &["ann@example.com", "<id-1@mail>"]),
            (None, r#"{"subid":12345678}"#, &["12345678"]),
            (
                None,
                r#"{"message":{"call":{"id":"019C-ab","customer":{"number":"+4915123456789"}}}}"#,
                &["019c-ab", "4915123456789"],
            ),
            (None, r#"{"a":{"b":"call ann@example.com, or 4915123456789."}}"#, &["ann@example.com", "4915123456789"]),
            (
                None,
                "ann@example.com wrote: <https://x.org/?e=bob%40example.com>",
                &["ann@example.com", "bob@example.com"],
            ),
        ];
        for (query, body, wanted) in table {
            let found = keys(query, body);
            for key in wanted {
                assert!(found.iter().any(|found| found == key), "{key} in {found:?}");
            }
        }
    }

    #[test]
    fn keys_are_few_and_no_text() {
        let talk: Vec<_> = (0..5_000)
            .map(|n| serde_json::json!({ "role": "assistant", "time": 1_700_000_000_000_u64 + n, "message": "Hello there" }))
            .collect();
        let call = serde_json::json!({ "id": "call-0123456789" });
        let body = serde_json::json!({ "message": { "artifact": { "messages": talk }, "call": call } }).to_string();
        assert_eq!(keys(None, &body), ["call-0123456789"]);
        let many: Vec<String> = (0..1_000).map(|n| format!("id-{n:06}")).collect();
        assert_eq!(keys(None, &serde_json::json!({ "ids": many }).to_string()).len(), MOST);
        // A NUL is gone before anything is made of a callback.
        assert_eq!(keys(None, r#"{"a":"zero\u0000byte-1","b":"two words 1"}"#), ["zerobyte-1"]);
        for body in ["@", "@@", "a@", "@b", "é@ü.org", "+", "{", "[1", "%40%40%2b", "ß@"] {
            keys(Some(body), body);
        }
    }
}
