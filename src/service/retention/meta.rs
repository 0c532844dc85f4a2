//! JSON objects that callers give: how large, and what for.

use serde_json::{Map, Value as Json, json};

/// The ends of names of fields whose values are secrets.
const ENDS: [&str; 12] = [
    "token",
    "secret",
    "password",
    "passphrase",
    "passwd",
    "pwd",
    "apikey",
    "authkey",
    "secretkey",
    "accesskey",
    "privatekey",
    "authorization",
];
/// What says so wherever it stands in a name, unless the name ends as one that only leads to a secret does.
const WITHIN: [&str; 6] = ["accesstoken", "apikey", "authtoken", "clientsecret", "privatekey", "secretkey"];
const LEADS_THERE: [&str; 4] = ["id", "ids", "name", "ref"];
/// Whole names of fields whose values are secrets.
const NAMES: [&str; 6] = ["bearer", "cookie", "credential", "jwt", "pass", "setcookie"];
/// How keys begin that well-known services give out.
const KEYS: [&str; 11] =
    ["AIza", "AKIA", "SG.", "ghp_", "github_pat_", "glpat-", "rk_live_", "sk-", "sk_live_", "xoxb-", "xoxp-"];
/// Keys and signed tokens are at least so long.
const LONG: usize = 20;
/// The longest name that is repeated.
const NAME: usize = 100;
/// What a header says of itself is at least so long.
const SHORT: usize = 8;
/// What is shown instead of a secret.
const HIDDEN: &str = "***";

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

/// An object like that, which everybody may read: without anything that looks like a secret.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn public_object(given: Json) -> Result<Json, String> {
    let given = object(given)?;
    match secret_in(&given) {
        None => Ok(given),
        Some(name) => Err(format!(
            "\"{name}\" is a secret, and everybody who may see this would read it: keep it at VAPI, as a credential of the \
             assistant or the phone number, and name its id here; Herald's own key is in the integration VAPI"
        )),
    }
}

/// The object without the values that look like secrets: it may have been stored when they were taken.
#[must_use]
pub fn without_secrets(mut stored: Json) -> Json {
    hide(&mut stored);
    stored
}

fn hide(value: &mut Json) {
    match value {
        Json::Object(fields) => {
            let named = of_pair(fields).is_some();
            for (name, value) in fields {
                if (named && name == "value") || is_secret(name, value) || is_credential(value) {
                    *value = HIDDEN.into();
                } else {
                    hide(value);
                }
            }
        }
        Json::Array(values) => {
            for value in values {
                if is_credential(value) { *value = HIDDEN.into() } else { hide(value) }
            }
        }
        _ => {}
    }
}

/// The name of the first field that looks like a secret.
fn secret_in(value: &Json) -> Option<String> {
    match value {
        Json::Object(fields) => of_pair(fields).map(|name| name.chars().take(NAME).collect()).or_else(|| {
            fields.iter().find_map(|(name, value)| {
                let is_one = is_secret(name, value) || is_credential(value);
                if is_one { Some(name.chars().take(NAME).collect()) } else { secret_in(value) }
            })
        }),
        Json::Array(values) => values
            .iter()
            .find_map(|value| if is_credential(value) { Some("Authorization".into()) } else { secret_in(value) }),
        _ => None,
    }
}

/// The name of a secret that stands beside it, as lists of headers have them: `{ "name": "X-Api-Key", "value": "..." }`.
fn of_pair(fields: &Map<String, Json>) -> Option<&str> {
    let value = fields.get("value")?;
    let names = ["name", "key"].into_iter().filter_map(|key| fields.get(key)?.as_str());
    names.into_iter().find(|name| is_secret(name, value))
}

/// Whether a field of this name has a secret in it: `twilioAuthToken`, `x-api-key`, `secret`.
fn is_secret(name: &str, value: &Json) -> bool {
    if matches!(value, Json::Null | Json::Bool(_)) || value.as_str() == Some("") {
        return false;
    }
    let letters = name.chars().filter(char::is_ascii_alphanumeric);
    let plain: String = letters.map(|letter| letter.to_ascii_lowercase()).collect();
    // Of several, too; but a number of tokens is none.
    let singular = plain.strip_suffix('s').filter(|_| !value.is_number()).unwrap_or_default();
    let leads_there = LEADS_THERE.iter().any(|end| plain.ends_with(end));
    ENDS.iter().any(|end| plain.ends_with(end) || singular.ends_with(end))
        || NAMES.iter().any(|name| plain == *name || singular == *name)
        || (!leads_there && WITHIN.iter().any(|part| plain.contains(part)))
}

/// Whether a text is what a header `Authorization` has, a URL with a password or a secret among its parameters, a key that a
/// well-known service gives out, or a signed token.
fn is_credential(value: &Json) -> bool {
    let Some(text) = value.as_str().map(str::trim) else { return false };
    let is_header = text.split_once(' ').is_some_and(|(scheme, rest)| {
        ["bearer", "basic"].iter().any(|known| scheme.eq_ignore_ascii_case(known))
            && !rest.trim().contains(' ')
            && rest.len() >= SHORT
    });
    let is_word = text.len() >= LONG && !text.contains(char::is_whitespace);
    let is_key = is_word && KEYS.iter().any(|begin| text.starts_with(begin));
    let is_signed = is_word && text.starts_with("eyJ") && text.matches('.').count() == 2;
    let is_told = |url: &url::Url| {
        url.password().is_some() || url.query_pairs().any(|(name, value)| is_secret(&name, &Json::from(&*value)))
    };
    is_header || is_key || is_signed || url::Url::parse(text).is_ok_and(|url| is_told(&url))
}

/// The empty object.
pub fn empty() -> Json {
    json!({})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_everybody_reads_has_no_secret() {
        let given = |text: &str| serde_json::from_str::<Json>(text).unwrap();
        for secret in [
            r#"{"phoneNumber": {"twilioAuthToken": "s3cr3t"}}"#,
            r#"{"assistant": {"server": {"secret": "s3cr3t"}}}"#,
            r#"{"assistant": {"credentials": [{"provider": "openai", "apiKey": "s3cr3t"}]}}"#,
            r#"{"assistant": {"server": {"headers": {"Authorization": "s3cr3t"}}}}"#,
            r#"{"headers": [{"name": "authorization", "value": "Bearer s3cr3t-0123"}]}"#,
            r#"{"headers": ["Basic s3cr3t01=="]}"#,
            r#"{"X-Api-Key": "s3cr3t"}"#,
            r#"{"headers": [{"name": "X-Api-Key", "value": "s3cr3t"}]}"#,
            r#"{"headers": {"list": [{"key": "x-auth-token", "value": "s3cr3t"}]}}"#,
            r#"{"apiKeys": ["s3cr3t"]}"#,
            r#"{"secrets": {"a": "s3cr3t"}}"#,
            r#"{"smtpPwd": "s3cr3t"}"#,
            r#"{"server": {"url": "https://u:s3cr3t@example.com/x"}}"#,
            r#"{"PASSWORD": ["s3cr3t"]}"#,
            r#"{"private_key": 12345}"#,
            r#"{"clientSecretValue": "s3cr3t"}"#,
            r#"{"x_api_key_v2": "s3cr3t"}"#,
            r#"{"server": {"headers": {"Cookie": "session=s3cr3t"}}}"#,
            r#"{"bearer": "s3cr3t"}"#,
            r#"{"model": {"credential": "s3cr3t"}}"#,
            r#"{"smtp": {"pass": "s3cr3t"}}"#,
            r#"{"key": "sk-proj-s3cr3t-0123456789abcdef"}"#,
            r#"{"list": ["xoxb-s3cr3t-0123456789"]}"#,
            r#"{"auth": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.s3cr3t"}"#,
            r#"{"url": "https://example.com/x?api_key=s3cr3t"}"#,
            r#"{"url": "https://example.com/x?a=1&token=s3cr3t"}"#,
        ] {
            let why = public_object(given(secret)).unwrap_err();
            assert!(why.contains("is a secret") && !why.contains("s3cr3t"), "{secret}: {why}");
            let shown = without_secrets(given(secret)).to_string();
            assert!(shown.contains(HIDDEN) && !shown.contains("s3cr3t") && !shown.contains("12345"), "{shown}");
        }
        let fine = given(
            r#"{"assistantId": "a1", "assistantOverrides": {"model": {"maxTokens": 250, "messages": [{"content": "Basic questions about our Bearer bonds"}]},
               "credentialIds": ["c1"], "variables": [{"name": "city", "value": "Bonn"}],
               "apiKeyId": "k1", "passport": "no", "compass": "north", "voice": "sk-short", "link": "https://example.com/?city=Bonn&tokens=", "server": {"url": "https://example.com/x", "secret": null}, "isSecret": true}}"#,
        );
        assert_eq!(public_object(fine.clone()), Ok(fine.clone()));
        assert_eq!(without_secrets(fine.clone()), fine);
    }

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
