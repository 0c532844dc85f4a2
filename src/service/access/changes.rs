//! What an audit line says of a changed row: each field that differs, as it was and as it is.

use sea_orm::sea_query::{Value, sea_value_to_json_value};
use sea_orm::{EntityTrait, IdenStatic, Iterable, ModelTrait};
use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};

/// Characters of a text that are told; of a longer one its hash tells the rest.
const TOLD: usize = 500;
/// The end of the names of columns that have another one's text, folded.
const FOLDED: &str = "_fold";
/// Columns that each change moves.
const ALWAYS: [&str; 2] = ["version", "updated_at"];

/// `metadata`, an object, with `changed`: the fields that differ between two rows, each with `from` and `to`. A text of more than
/// 500 characters is told by its beginning and the SHA-256 of the whole; what is sealed, not at all. Nothing is added where nothing
/// differs.
///
/// It is for rows of what is sent and to where. Rows of people are not told so: a person can be erased, a line of the log cannot.
pub fn with_changes<M: ModelTrait>(mut metadata: Json, old: &M, new: &M) -> Json {
    let mut changed = Map::new();
    for column in <<M::Entity as EntityTrait>::Column as Iterable>::iter() {
        let (from, to) = (old.get(column), new.get(column));
        let is_copy = column.as_str().ends_with(FOLDED);
        if from == to || is_copy || ALWAYS.contains(&column.as_str()) || matches!(from, Value::Bytes(_)) {
            continue;
        }
        changed.insert(field(column.as_str()), json!({ "from": told(&from), "to": told(&to) }));
    }
    if !changed.is_empty() {
        metadata["changed"] = Json::Object(changed);
    }
    metadata
}

fn told(value: &Value) -> Json {
    match sea_value_to_json_value(value) {
        Json::String(text) if text.chars().nth(TOLD).is_some() => {
            let sha256 = hex::encode(Sha256::digest(&text));
            json!({ "begins": text.chars().take(TOLD).collect::<String>(), "sha256": sha256 })
        }
        told => told,
    }
}

/// A column's name as the API writes its field.
fn field(column: &str) -> String {
    let mut words = column.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| {
        let (head, tail) = word.split_at(word.len().min(1));
        name + &head.to_uppercase() + tail
    })
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use domain::id::TemplateId;
    use storage::broadcast::template::Model;

    fn template(content: &str, description: Option<&str>, version: i32) -> Model {
        Model {
            id: TemplateId(uuid::Uuid::nil()),
            name: "spring".into(),
            content: content.into(),
            description: description.map(Into::into),
            parse_mode: domain::broadcast::ParseMode::Plain,
            media_type: None,
            media_url: None,
            media_upload_id: None,
            usage_count: 0,
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
            version,
            name_fold: storage::Folded::of("spring"),
        }
    }

    #[test]
    fn what_differs_is_told_as_it_was_and_as_it_is() {
        let (old, long) = (template("a", None, 1), "ё".repeat(600));
        assert_eq!(
            with_changes(json!({ "name": "spring" }), &old, &template("a", None, 2)),
            json!({ "name": "spring" })
        );
        let told = with_changes(json!({}), &old, &template(&long, Some("b"), 2));
        let changed = &told["changed"];
        assert_eq!(changed.as_object().expect("an object").len(), 2, "{told}");
        assert_eq!(changed["description"], json!({ "from": null, "to": "b" }));
        assert_eq!(changed["content"]["from"], "a");
        assert_eq!(changed["content"]["to"]["begins"], "ё".repeat(500));
        assert_eq!(changed["content"]["to"]["sha256"].as_str().map(str::len), Some(64));
    }

    #[test]
    fn fields_have_the_names_of_the_api() {
        for (column, name) in [("name", "name"), ("media_upload_id", "mediaUploadId"), ("is_active", "isActive")] {
            assert_eq!(field(column), name);
        }
    }
}
