//! Whoever guesses passwords is stopped: ten failures in a quarter of an hour, for a name or an address.
//!
//! What counts is in the database, so that neither a restart nor another process gives more guesses. Failures are counted one
//! after the other under the lock of their rows, so guesses that come at once get no further than those that come in turn.

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ActiveModelTrait, ActiveValue, IntoActiveModel};
use serde_json::json;

use crate::{Services, Write};
use domain::error::{Error, Result};
use storage::access::login_throttle::{self, Model};

/// So many failures,
const MOST: usize = 10;
/// in so long a time.
const SPAN: TimeDelta = TimeDelta::minutes(15);

/// An attempt to show a password.
#[derive(Debug, Clone)]
pub struct Attempt {
    keys: Vec<String>,
}

impl Attempt {
    /// For `username`, whether there is such a user or not, from `address`.
    pub fn of(username: &str, address: Option<&str>) -> Self {
        // Sorted: rows are always locked in this order.
        let address = address.map(|address| format!("address {}", network(address)));
        Self { keys: address.into_iter().chain([format!("user {username}")]).collect() }
    }

    /// Refuses it before any work is done.
    pub async fn check(&self, on: &Services) -> Result<()> {
        refuse(&login_throttle::Entity::of(&self.keys).all(on.db.sessions()).await?, on.now())
    }

    /// The password was right. It is refused all the same if there were too many failures meanwhile: an answer to the eleventh
    /// guess would say whether it was right.
    pub async fn succeed(&self, w: &Write) -> Result<()> {
        refuse(&login_throttle::Entity::of(&self.keys).all(w).await?, w.now)
    }

    /// The password was wrong: counts it. Returns whether it was the last one.
    pub async fn fail(&self, w: &Write) -> Result<bool> {
        let now = w.now;
        let rows = login_throttle::Entity::lock(w, &self.keys, now).await?;
        refuse(&rows, now)?;
        let mut is_last = false;
        for row in rows {
            let mut failures = recent(&row, now);
            failures.push(now.timestamp_millis());
            is_last |= failures.len() >= MOST;
            let mut row = row.into_active_model();
            row.failures = ActiveValue::Set(json!(failures));
            row.until = ActiveValue::Set(now + SPAN);
            row.update(w).await?;
        }
        Ok(is_last)
    }
}

/// Forgets failures that are too long ago. To be called every now and then.
pub async fn sweep(on: &Services) -> Result<()> {
    on.system_write(|w| async move {
        login_throttle::Entity::forget(w.now).exec(&w).await?;
        Ok(())
    })
    .await
}

fn refuse(rows: &[Model], now: DateTime<Utc>) -> Result<()> {
    let waits = rows.iter().filter_map(|row| wait(&recent(row, now), now));
    waits.max().map_or(Ok(()), |retry_after_ms| Err(Error::RateLimited { retry_after_ms }))
}

/// The failures that still count.
fn recent(row: &Model, now: DateTime<Utc>) -> Vec<i64> {
    let from = (now - SPAN).timestamp_millis();
    let failures = row.failures.as_array().map(Vec::as_slice).unwrap_or_default();
    failures.iter().filter_map(serde_json::Value::as_i64).filter(|at| *at > from).collect()
}

/// Milliseconds until there are fewer than [`MOST`].
fn wait(failures: &[i64], now: DateTime<Utc>) -> Option<u64> {
    let nth_last = failures.len().checked_sub(MOST).map(|index| failures[index])?;
    Some(u64::try_from(nth_last + SPAN.num_milliseconds() - now.timestamp_millis()).unwrap_or_default().max(1))
}

/// The address that is counted as one client: an address, or the network of 2^64 addresses that one customer gets in
/// IPv6.
fn network(address: &str) -> String {
    match address.parse() {
        Ok(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        _ => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tenth_failure_waits_until_the_first_is_a_quarter_of_an_hour_old() {
        let now = DateTime::from_timestamp_millis(10_000_000).unwrap();
        let row = |failures: Vec<i64>| Model { key: "user x".into(), failures: json!(failures), until: now };
        let ten: Vec<i64> = (0..10).map(|n| 9_500_000 + n).collect();
        assert_eq!(wait(&recent(&row(ten[..9].to_vec()), now), now), None);
        assert_eq!(wait(&recent(&row(ten.clone()), now), now), Some(400_000));
        let later = now + TimeDelta::milliseconds(400_000);
        assert_eq!(wait(&recent(&row(ten), later), later), None);
    }

    #[test]
    fn an_attempt_counts_for_the_name_and_for_the_network() {
        let keys = |address| Attempt::of("anna", address).keys;
        assert_eq!(keys(Some("10.0.0.1")), ["address 10.0.0.1", "user anna"]);
        assert_eq!(keys(Some("2001:db8:1:2:3::4")), keys(Some("2001:db8:1:2:9::")));
        assert_eq!(keys(None), ["user anna"]);
    }
}
