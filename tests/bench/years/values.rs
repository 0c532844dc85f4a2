//! Values that arguments may have: of many rows, of a few, of none.

use chrono::TimeDelta;
use serde_json::{Value as Json, json};

use super::{Schema, text};

impl Schema {
    /// Values that a variable of this type may have, with what is asked for in mind: from what is everywhere to what is nowhere.
    pub(super) fn values(&self, asked: &str, name: &str, of: &Json) -> Vec<Json> {
        match of["kind"].as_str() {
            Some("NON_NULL") => return self.values(asked, name, &of["ofType"]),
            Some("LIST") => {
                return self.values(asked, name, &of["ofType"]).into_iter().map(|value| json!([value])).collect();
            }
            Some("ENUM") => {
                return self.fields(&text(&of["name"]), "enumValues").map(|word| word["name"].clone()).collect();
            }
            Some("INPUT_OBJECT") => return self.objects(asked, &text(&of["name"])),
            _ => {}
        }
        match of["name"].as_str().unwrap_or_default() {
            "ID" => self.id(asked, name),
            "Int" | "Float" | "BigInt" => vec![json!(7), json!(80_000)],
            "Boolean" => vec![json!(true), json!(false)],
            "Decimal" => vec![json!("1")],
            "DateTime" => [700, 300, 1].map(|days| self.ago(days)).into(),
            "String" => words(asked, name).iter().map(|word| json!(word)).collect(),
            _ => Vec::new(),
        }
    }

    pub(super) fn ago(&self, days: i64) -> Json {
        json!(self.now - TimeDelta::days(days))
    }

    /// An object with one field of it; of a key, each.
    fn objects(&self, asked: &str, kind: &str) -> Vec<Json> {
        let with = |field: &Json| {
            let name = text(&field["name"]);
            let values = self.values(asked, &name, &field["type"]);
            values.into_iter().take(1).map(|value| json!({ &name: value })).collect::<Vec<_>>()
        };
        self.fields(kind, "inputFields").flat_map(with).collect()
    }

    /// The ids that an argument means: of what is asked for, or of the type that its name ends with.
    fn id(&self, asked: &str, name: &str) -> Vec<Json> {
        let stem = name.trim_end_matches('s').trim_end_matches("Id").trim_end_matches("id").to_lowercase();
        let of = |kind: &str| self.ids.get(kind).cloned().unwrap_or_default();
        match stem.as_str() {
            "" if self.ids.contains_key(asked) => return of(asked),
            "" => return of("Channel"),
            "createdby" => return of("User"),
            "resource" | "subject" => return [of("BroadcastCampaign"), of("Lead")].concat(),
            _ => {}
        }
        // Retention's campaign and broadcast's share the word.
        let is_broadcast = ["Job", "SendSeries"].contains(&asked);
        let mut kinds: Vec<_> = self.ids.keys().filter(|kind| kind.to_lowercase().ends_with(&stem)).collect();
        kinds.sort_by_key(|kind| kind.starts_with("Broadcast") != is_broadcast);
        kinds.first().map(|kind| of(kind)).unwrap_or_default()
    }
}

/// What a condition's text may be: what is in many rows, in a few, and in none.
fn words(asked: &str, name: &str) -> &'static [&'static str] {
    match (asked, name) {
        (_, "usernameContains") => &["channel", "ha", "c", "%", "rarity", "absent_name"],
        (_, "category" | "categories") => &["news", "games", "nothing"],
        (_, "sources") => &["UPLOAD", "LANDING", "nothing"],
        (_, "resourceType") => &["Lead", "BroadcastCampaign", "Nothing"],
        (_, "errors") => &["CHAT_WRITE_FORBIDDEN", "CHANNEL_PRIVATE", "NOTHING"],
        (_, "source") => &["keitaro", "manual", "nothing"],
        (_, "provider") => &["twilio", "vapi", "nothing"],
        (_, "clickId") => &["click-77", "nothing"],
        (_, "subId") => &["sub-7", "nothing"],
        (_, "email") => &["person77@example.com"],
        (_, "phone") => &["+4915100000077"],
        (_, "timeZone") => &["Asia/Kolkata"],
        (_, "telegramUsername") => &["person_77"],
        ("Lead", "search") => &[
            "example",
            "anna",
            "anna last",
            "an",
            "l",
            "%",
            "_",
            "4711",
            "person 4711",
            "person zzz",
            "nobody has this",
        ],
        _ => &["a", "campaign", "nobody has this"],
    }
}
