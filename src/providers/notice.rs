//! Notices to whoever runs Herald: no contact to a lead, and no provider.

use serde_json::Value as Json;

use super::http;

/// Tells `url`, which the operator has set, by POST. Private addresses are his own.
///
/// # Errors
/// A sentence: it can't be reached, or does not take it. The URL, which may be a secret, is not in it.
pub async fn post(url: &str, body: &Json) -> Result<(), String> {
    match http::call(http::client().post(url).json(body)).await {
        Ok(answer) if answer.status.is_success() => Ok(()),
        Ok(answer) => Err(format!("it answers {}", answer.status.as_u16())),
        Err(fault) => Err(fault.to_string()),
    }
}
