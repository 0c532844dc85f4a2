//! The token that lets us into a mailbox, asked for before each look: it lives for an hour mostly, and is kept nowhere.

use reqwest::header::CONTENT_TYPE;
use serde::Deserialize;

use super::words::{Fault, NO_TOKEN, shown};
use crate::http;
use domain::retention::credentials::{OAuth, Secret};

/// What a token endpoint answers.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Told {
    access_token: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

/// Asks for a token.
///
/// # Errors
/// The endpoint can't be reached, or does not know us; in words for operators, without a secret.
pub(super) async fn get(oauth: &OAuth) -> Result<String, Fault> {
    let secret = |secret: &Option<Secret>| secret.as_ref().map(|secret| secret.expose().to_owned());
    let (client_secret, refresh_token) = (secret(&oauth.client_secret), secret(&oauth.refresh_token));
    let grant = if refresh_token.is_some() { "refresh_token" } else { "client_credentials" };
    let fields = [
        ("grant_type", Some(grant.to_owned())),
        ("client_id", Some(oauth.client_id.clone())),
        ("client_secret", client_secret.clone()),
        ("refresh_token", refresh_token.clone()),
        ("scope", oauth.scope.clone()),
    ];
    let given = fields.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(given).finish();
    let request =
        http::client().post(&oauth.token_url).header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form);
    let answer = http::call(request).await;
    let answer = answer.map_err(|fault| Fault::away(&format!("{NO_TOKEN}: {fault}")))?;
    let told: Told = answer.json().unwrap_or_default();
    if let Some(token) = told.access_token.filter(|token| answer.status.is_success() && is_token(token)) {
        return Ok(token);
    }
    let secrets: Vec<String> =
        [client_secret, refresh_token].into_iter().flatten().map(|one| one.to_lowercase()).collect();
    let said = [told.error, told.error_description].into_iter().flatten().collect::<Vec<_>>().join(": ");
    let said = format!("the token endpoint answers {}: {}", answer.status.as_u16(), shown(&said, &secrets));
    let is_locked = answer.status.is_client_error() && !matches!(answer.status.as_u16(), 408 | 429);
    Err(if is_locked { Fault::locked_out(&said) } else { Fault::away(&said) })
}

/// Whether it can be told in a line.
fn is_token(token: &str) -> bool {
    (1..=16 << 10).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_graphic())
}
