//! Passwords: argon2id, off the threads that answer requests.

use std::sync::LazyLock;

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use rand::seq::IndexedRandom;
use tokio::sync::{Semaphore, SemaphorePermit};

use domain::error::{Error, Result, Violation};
use domain::text;

/// Characters of a password, least and most.
const LENGTH: std::ops::RangeInclusive<usize> = 12..=128;

/// Each hash takes 19 MiB and a core for some 20 ms: a flood of logins must not take them all.
static PLACES: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(std::thread::available_parallelism().map_or(2, std::num::NonZero::get)));

/// The hash that a password is compared with when there is no user: the comparison takes as long as with one.
static NOBODY: LazyLock<Result<String, String>> = LazyLock::new(|| hash_now("nobody has this password"));

/// A violation of the rules for the password in `field`, if there is one. There is no rule of composition.
pub fn violation(field: &str, password: &str) -> Option<Violation> {
    let length = text::typed(password).chars().count();
    let message = format!("a password has {} to {} characters", LENGTH.start(), LENGTH.end());
    (!LENGTH.contains(&length)).then(|| Violation::of(field, message))
}

/// The right to hash or compare one password.
pub struct Turn(SemaphorePermit<'static>);

/// Waits for one's turn.
pub async fn turn() -> Turn {
    Turn(PLACES.acquire().await.expect("the semaphore is never closed"))
}

/// The hash of a password, with a salt of its own.
pub async fn hash(password: String) -> Result<String> {
    let hash = off_thread(turn().await, move || hash_now(&password)).await?;
    hash.map_err(|error| Error::internal(anyhow::anyhow!(error)))
}

/// Whether `password` is the one that `hash` was made of. Without a hash, or with an empty one: false, after the same time.
pub async fn verify(turn: Turn, password: String, hash: Option<String>) -> Result<bool> {
    off_thread(turn, move || {
        let hash = hash.filter(|hash| !hash.is_empty());
        let is_known = hash.is_some();
        let hash = hash.as_deref().or_else(|| NOBODY.as_deref().ok()).unwrap_or_default();
        let is_of = |hash: &PasswordHash, text: &str| Argon2::default().verify_password(text.as_bytes(), hash).is_ok();
        // How many spellings there are depends on what was typed alone: how long it takes tells nothing of the user.
        let matches =
            PasswordHash::new(hash).is_ok_and(|hash| text::spellings(&password).iter().any(|text| is_of(&hash, text)));
        matches && is_known
    })
    .await
}

/// A password that a person can copy: 120 bits without letters that look alike.
pub fn generate() -> String {
    const LETTERS: &[u8] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut random = rand::rng();
    (0..24).map(|_| char::from(*LETTERS.choose(&mut random).expect("there are letters"))).collect()
}

fn hash_now(password: &str) -> Result<String, String> {
    let hash = Argon2::default().hash_password(text::typed(password).as_bytes());
    hash.map(|hash| hash.to_string()).map_err(|error| error.to_string())
}

async fn off_thread<T: Send + 'static>(turn: Turn, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let result = tokio::task::spawn_blocking(work).await.map_err(Error::internal);
    drop(turn.0);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_opens_and_only_for_a_user() {
        let hash = hash("correct horse".into()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$"));
        let verify = async |password: &str, hash| verify(turn().await, password.into(), hash).await.unwrap();
        assert!(verify("correct horse", Some(hash.clone())).await);
        assert!(!verify("wrong horse", Some(hash)).await);
        // Typed at another keyboard, and set before there was one spelling.
        let (one, two) = ("caf\u{e9} au lait noir", "cafe\u{301} au lait noir");
        assert!(verify(two, Some(super::hash(one.into()).await.unwrap())).await);
        let before = Argon2::default().hash_password(two.as_bytes()).unwrap().to_string();
        assert!(verify(one, Some(before.clone())).await && !verify("cafe au lait noir", Some(before)).await);
        assert!(!verify("nobody has this password", None).await);
        assert!(!verify("nobody has this password", Some(String::new())).await);
    }

    #[test]
    fn the_length_is_the_only_rule() {
        assert!(violation("password", &"я".repeat(12)).is_none());
        assert!(violation("password", &generate()).is_none());
        assert!(violation("password", &"a".repeat(11)).is_some());
        assert!(violation("password", &"a".repeat(129)).is_some());
    }
}
