//! JSON objects that callers give: how large, and what for.

use serde_json::{Value as Json, json};

/// The custom fields of a lead, and the other objects that callers give, have at most so many bytes.
const MOST: usize = 16 * 1_024;

/// An object of at most 16 KiB.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn object(given: Json) -> Result<Json, String> {
    let text = given.to_string();
    if !given.is_object() {
        return Err("must be a JSON object".into());
    }
    if text.len() > MOST {
        return Err("must have at most 16 KiB".into());
    }
    // PostgreSQL has no character 0 in JSON.
    if text.contains("\\u0000") {
        return Err("must not have the character NUL".into());
    }
    Ok(given)
}

/// The empty object.
pub fn empty() -> Json {
    json!({})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_of_sixteen_kibibytes_and_nothing_else() {
        let with = |bytes: usize| json!({ "a": "x".repeat(bytes - "{\"a\":\"\"}".len()) });
        assert!(object(with(MOST)).is_ok());
        assert!(object(with(MOST + 1)).is_err());
        for wrong in [json!([]), json!("x"), json!(null), json!({ "a": "\0" })] {
            assert!(object(wrong).is_err());
        }
    }
}
