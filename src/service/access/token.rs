//! The two tokens of a session: a short-lived one that is only checked, and a long-lived one that is stored.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use domain::error::{Error, Result};
use domain::id::UserId;
use domain::secret_key::{ShortLived, ShortLivedUse};

/// How long an access token holds.
pub const ACCESS_LIFETIME: TimeDelta = TimeDelta::minutes(15);
/// How long a refresh token holds.
pub const REFRESH_LIFETIME: TimeDelta = TimeDelta::days(30);

/// The claims of an access token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claims {
    /// The user.
    pub user: UserId,
    /// Of which session: the family of its refresh tokens.
    pub family: Uuid,
}

#[derive(Serialize, Deserialize)]
struct Payload {
    sub: Uuid,
    sid: Uuid,
    iat: i64,
    exp: i64,
}

const REFUSED: Error = Error::Unauthenticated("the access token is wrong or has expired");

/// An access token, and when it ends.
pub fn issue(key: &ShortLived, claims: Claims, now: DateTime<Utc>) -> Result<(String, DateTime<Utc>)> {
    let until = now + ACCESS_LIFETIME;
    let payload = Payload { sub: claims.user.0, sid: claims.family, iat: now.timestamp(), exp: until.timestamp() };
    let key = EncodingKey::from_secret(&signing_key(key));
    let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &payload, &key).map_err(Error::internal)?;
    Ok((token, payload_end(&payload).unwrap_or(until)))
}

/// The claims of a valid access token, and when it ends.
pub fn read(key: &ShortLived, token: &str, now: DateTime<Utc>) -> Result<(Claims, DateTime<Utc>)> {
    let mut validation = Validation::new(Algorithm::HS256);
    // The end is compared with the Clock's time below, not with the system's.
    validation.validate_exp = false;
    let key = DecodingKey::from_secret(&signing_key(key));
    let payload: Payload = jsonwebtoken::decode(token, &key, &validation).map_err(|_| REFUSED)?.claims;
    let until = payload_end(&payload).filter(|end| *end > now).ok_or(REFUSED)?;
    Ok((Claims { user: UserId(payload.sub), family: payload.sid }, until))
}

/// A new refresh token: 256 random bits.
pub fn refresh() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

/// A refresh token as it is stored: whoever reads the database can't use it.
pub fn hash(refresh: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(refresh.as_bytes()))
}

fn signing_key(key: &ShortLived) -> [u8; 32] {
    key.derive(ShortLivedUse::AccessTokens)
}

fn payload_end(payload: &Payload) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(payload.exp, 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::secret_key::SecretKey;

    fn short_lived(byte: u8) -> ShortLived {
        ShortLived::of(&SecretKey::new([byte; 32]))
    }

    #[test]
    fn a_token_holds_for_its_time_under_its_key() {
        let (key, now) = (short_lived(1), DateTime::from_timestamp(1_800_000_000, 0).unwrap());
        let claims = Claims { user: UserId::generate(), family: domain::id::time_sorted() };
        let (token, until) = issue(&key, claims, now).unwrap();
        assert_eq!(until, now + ACCESS_LIFETIME);
        assert_eq!(read(&key, &token, now).unwrap(), (claims, until));
        assert_eq!(read(&key, &token, until - TimeDelta::seconds(1)).unwrap().0, claims);
        assert!(read(&key, &token, until).is_err());
        assert!(read(&short_lived(2), &token, now).is_err());
        assert!(read(&key, &format!("{token}x"), now).is_err());
    }

    #[test]
    fn a_token_of_another_algorithm_is_refused() {
        let (key, now) = (short_lived(1), DateTime::from_timestamp(1_800_000_000, 0).unwrap());
        let payload = Payload { sub: Uuid::nil(), sid: Uuid::nil(), iat: 0, exp: i64::MAX };
        let signing = EncodingKey::from_secret(&signing_key(&key));
        let other = jsonwebtoken::encode(&Header::new(Algorithm::HS512), &payload, &signing).unwrap();
        assert!(read(&key, &other, now).is_err());
        let [header, body] = [r#"{"alg":"none","typ":"JWT"}"#, &serde_json::to_string(&payload).unwrap()]
            .map(|part| URL_SAFE_NO_PAD.encode(part));
        assert!(read(&key, &format!("{header}.{body}."), now).is_err());
    }
}
