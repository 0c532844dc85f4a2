//! Whoever guesses passwords is stopped, and nobody else: failures count for a name from one network, and for a network.
//!
//! A name alone stops nobody, for everybody may know it: after many failures from many networks it only slows guesses down. Who
//! has signed in under a name from a network in the last days is not stopped by what others do there under other names.
//!
//! What counts is in the database, so that neither a restart nor another process gives more guesses. Failures are counted one
//! after the other under the lock of their rows, so guesses that come at once get no further than those that come in turn.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ActiveModelTrait, ActiveValue, IntoActiveModel};
use serde_json::json;
use uuid::Uuid;

use crate::{Services, Write};
use domain::error::{Error, Result};
use domain::proxies::client_network;
use storage::access::login_throttle::{self, Model};

/// So many failures of a name from one network, or of a session,
const OF_PAIR: usize = 10;
/// of an address under any names,
const OF_ADDRESS: usize = 30;
/// and of a name from all networks,
const OF_NAME: usize = 50;
/// in so long a time.
const SPAN: TimeDelta = TimeDelta::minutes(15);
/// How long a guess waits for its turn under a name that is tried from everywhere.
const DELAY: Duration = Duration::from_secs(2);
/// How long it is remembered who signed in from where.
const KNOWN: TimeDelta = TimeDelta::days(30);

/// An attempt to show a password.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// Sorted by key: rows are always locked in this order.
    counts: Vec<Count>,
    /// What is remembered of who has signed in like this.
    known: Option<String>,
}

/// What an attempt counts for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Count {
    key: String,
    /// With so many failures it has its effect.
    most: usize,
    effect: Effect,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    /// All attempts are refused.
    Refuses,
    /// So are those of who has not signed in from there lately.
    RefusesStrangers,
    /// Theirs wait.
    DelaysStrangers,
    /// Failures fill no log.
    Silences,
}

/// What a failure has led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure {
    /// Whether the next attempts are refused.
    pub is_last: bool,
    /// Whether the audit log tells of it.
    pub is_told: bool,
}

impl Attempt {
    /// For `username`, whether there is such a user or not, from `address`. Without one it came by a proxy that does not say for
    /// whom: then all such clients are one network, which is stopped later and for this name only.
    pub fn of(username: &str, address: Option<&str>) -> Self {
        let network =
            address.map(|text| text.parse().map_or_else(|_| text.to_owned(), |ip| client_network(ip).to_string()));
        let from = network.as_deref().unwrap_or("-");
        let pair = format!("{from} {username}");
        let (of_pair, of_address) = match network {
            Some(_) => (OF_PAIR, Effect::RefusesStrangers),
            None => (OF_ADDRESS, Effect::Silences),
        };
        let counts = [
            (format!("address {from}"), OF_ADDRESS, of_address),
            (format!("name {username}"), OF_NAME, Effect::DelaysStrangers),
            (format!("user {pair}"), of_pair, Effect::Refuses),
        ];
        let counts = counts.map(|(key, most, effect)| Count { key, most, effect }).into();
        Self { counts, known: Some(format!("known {pair}")) }
    }

    /// By somebody who has signed in: what he mistakes counts for his session, and keeps nobody else out.
    pub fn in_session(family: Uuid) -> Self {
        let key = format!("session {family}");
        Self { counts: vec![Count { key, most: OF_PAIR, effect: Effect::Refuses }], known: None }
    }

    /// Waits if the name is tried from everywhere. To be called before anything is held.
    ///
    /// # Errors
    /// As of [`Attempt::check`].
    pub async fn wait(&self, on: &Services) -> Result<()> {
        let standing = self.standing(on.db.sessions(), on.now()).await?;
        standing.refused()?;
        if standing.is_delayed {
            on.clock.sleep(DELAY).await;
        }
        Ok(())
    }

    /// Refuses it before any work is done.
    pub async fn check(&self, on: &Services) -> Result<()> {
        self.standing(on.db.sessions(), on.now()).await?.refused()
    }

    /// The password was right. It is refused all the same if there were too many failures meanwhile: an answer to the eleventh
    /// guess would say whether it was right.
    pub async fn succeed(&self, w: &Write) -> Result<()> {
        self.standing(w, w.now).await?.refused()?;
        match &self.known {
            Some(known) => login_throttle::Entity::know(w, known, w.now + KNOWN).await,
            None => Ok(()),
        }
    }

    /// The password was wrong: counts it.
    pub async fn fail(&self, w: &Write) -> Result<Failure> {
        let now = w.now;
        let is_known = self.is_known(&login_throttle::Entity::of(self.known.as_slice()).all(w).await?, now);
        let keys: Vec<String> = self.counts.iter().map(|count| count.key.clone()).collect();
        let rows = login_throttle::Entity::lock(w, &keys, now).await?;
        self.judge(&rows, is_known, now).refused()?;
        let mut failure = Failure { is_last: false, is_told: true };
        for row in rows {
            let Some(count) = self.counts.iter().find(|count| count.key == row.key) else { continue };
            let mut failures = recent(&row, now);
            failures.push(now.timestamp_millis());
            let is_full = failures.len() >= count.most;
            match count.effect {
                Effect::Refuses | Effect::RefusesStrangers => failure.is_last |= is_full,
                Effect::Silences => failure.is_told = failures.len() <= count.most,
                Effect::DelaysStrangers => {}
            }
            // Of those that only delay there can be any number: the last ones say enough.
            failures.drain(..failures.len().saturating_sub(count.most + 1));
            let mut row = row.into_active_model();
            row.failures = ActiveValue::Set(json!(failures));
            row.until = ActiveValue::Set(now + SPAN);
            row.update(w).await?;
        }
        Ok(failure)
    }

    async fn standing(&self, db: &impl sea_orm::ConnectionTrait, now: DateTime<Utc>) -> Result<Standing> {
        let keys = self.counts.iter().map(|count| &count.key).chain(&self.known);
        let rows = login_throttle::Entity::of(&keys.cloned().collect::<Vec<_>>()).all(db).await?;
        Ok(self.judge(&rows, self.is_known(&rows, now), now))
    }

    fn is_known(&self, rows: &[Model], now: DateTime<Utc>) -> bool {
        self.known.as_ref().is_some_and(|known| rows.iter().any(|row| row.key == *known && row.until > now))
    }

    fn judge(&self, rows: &[Model], is_known: bool, now: DateTime<Utc>) -> Standing {
        let mut standing = Standing::default();
        for count in &self.counts {
            let row = rows.iter().find(|row| row.key == count.key);
            let Some(wait) = row.and_then(|row| wait(&recent(row, now), count.most, now)) else { continue };
            match count.effect {
                Effect::RefusesStrangers | Effect::DelaysStrangers if is_known => {}
                Effect::Refuses | Effect::RefusesStrangers => {
                    standing.retry_after_ms = standing.retry_after_ms.max(Some(wait));
                }
                Effect::DelaysStrangers => standing.is_delayed = true,
                Effect::Silences => {}
            }
        }
        standing
    }
}

/// What the failures until now mean for an attempt.
#[derive(Debug, Default, PartialEq, Eq)]
struct Standing {
    retry_after_ms: Option<u64>,
    is_delayed: bool,
}

impl Standing {
    fn refused(&self) -> Result<()> {
        self.retry_after_ms.map_or(Ok(()), |retry_after_ms| Err(Error::RateLimited { retry_after_ms }))
    }
}

/// Forgets failures that are too long ago, and who has not come for long. To be called every now and then.
pub async fn sweep(on: &Services) -> Result<()> {
    on.system_write(|w| async move {
        login_throttle::Entity::forget(w.now).exec(&w).await?;
        Ok(())
    })
    .await
}

/// The failures that still count.
fn recent(row: &Model, now: DateTime<Utc>) -> Vec<i64> {
    let from = (now - SPAN).timestamp_millis();
    let failures = row.failures.as_array().map(Vec::as_slice).unwrap_or_default();
    failures.iter().filter_map(serde_json::Value::as_i64).filter(|at| *at > from).collect()
}

/// Milliseconds until there are fewer than `most`.
fn wait(failures: &[i64], most: usize, now: DateTime<Utc>) -> Option<u64> {
    let nth_last = failures.len().checked_sub(most).map(|index| failures[index])?;
    Some(u64::try_from(nth_last + SPAN.num_milliseconds() - now.timestamp_millis()).unwrap_or_default().max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(key: &str, failures: &[i64], now: DateTime<Utc>) -> Model {
        Model { key: key.into(), failures: json!(failures), until: now }
    }

    #[test]
    fn the_tenth_failure_waits_until_the_first_is_a_quarter_of_an_hour_old() {
        let now = DateTime::from_timestamp_millis(10_000_000).unwrap();
        let ten: Vec<i64> = (0..10).map(|n| 9_500_000 + n).collect();
        let waits = |failures: &[i64], now| wait(&recent(&row("x", failures, now), now), OF_PAIR, now);
        assert_eq!(waits(&ten[..9], now), None);
        assert_eq!(waits(&ten, now), Some(400_000));
        let later = now + TimeDelta::milliseconds(400_000);
        assert_eq!(waits(&ten, later), None);
    }

    #[test]
    fn an_attempt_counts_for_the_name_the_network_and_both() {
        let keys = |address| Attempt::of("anna", address).counts.into_iter().map(|count| count.key).collect::<Vec<_>>();
        assert_eq!(keys(Some("10.0.0.1")), ["address 10.0.0.1", "name anna", "user 10.0.0.1 anna"]);
        assert_eq!(keys(Some("2001:db8:1:2:3::4")), keys(Some("2001:db8:1:2:9::")));
        assert_ne!(keys(Some("2001:db8:1:2:3::4")), keys(Some("2001:db8:1:3::")));
        assert_eq!(keys(None), ["address -", "name anna", "user - anna"]);
        // No name can be written so that it counts for another's pair.
        assert!(
            keys(Some("10.0.0.1"))
                .iter()
                .all(|key| !Attempt::of("10.0.0.1 anna", None).counts.iter().any(|count| count.key == *key))
        );
    }

    #[test]
    fn a_name_alone_stops_nobody_and_an_address_only_strangers() {
        let now = DateTime::from_timestamp_millis(10_000_000).unwrap();
        let attempt = Attempt::of("anna", Some("10.0.0.1"));
        let many = vec![9_900_000; 60];
        let judge = |key: &str, failures: &[i64], is_known| {
            let standing = attempt.judge(&[row(key, failures, now)], is_known, now);
            (standing.retry_after_ms.is_some(), standing.is_delayed)
        };
        assert_eq!([false, true].map(|known| judge("name anna", &many, known)), [(false, true), (false, false)]);
        assert_eq!([false, true].map(|known| judge("address 10.0.0.1", &many, known)), [(true, false), (false, false)]);
        assert_eq!([false, true].map(|known| judge("user 10.0.0.1 anna", &many[..10], known)), [(true, false); 2]);
        assert_eq!(judge("address 10.0.0.1", &many[..29], false), (false, false));
        assert_eq!(judge("user 10.0.0.2 anna", &many, false), (false, false));
    }
}
