//! A database that is damaged is found, and nothing is sent from it: what it says was sent may not be so.

use std::time::Duration;

use chrono::{NaiveDate, Timelike};
use tokio_util::sync::CancellationToken;

use crate::{Actor, Services, stop};
use domain::error::Result;

/// A file that is no larger, in bytes, is looked through at each start: it takes a second or two.
const QUICK: u64 = 256 << 20;
/// How often it is looked whether it is night, or a statement has met damage.
const LOOK: Duration = Duration::from_secs(30);
/// The hour of the day, in UTC, in which the whole file is looked through.
const NIGHT: u32 = 3;
/// What is said if a statement has met damage that nobody finds again, or that nobody can look for.
const MET: &str = "a statement has met a damaged page; the log has it";

/// Looks through a small file, before anything is sent. Whether it is whole, as far as is known.
///
/// # Errors
/// The database is away.
pub async fn is_whole(on: &Services) -> Result<bool> {
    let is_small = on.db.file().and_then(|file| file.metadata().ok()).is_some_and(|file| file.len() <= QUICK);
    if is_small && let Some(damage) = on.db.damage().await? {
        tell(on, &damage).await;
        return Ok(false);
    }
    Ok(true)
}

/// Looks each night, and when a statement has met damage, until `stop`.
pub async fn run(on: Services, stop: CancellationToken) {
    let mut looked: Option<NaiveDate> = None;
    while stop.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_some() {
        let now = on.now();
        let is_night = now.hour() == NIGHT && looked != Some(now.date_naive());
        if let Some(damage) = on.health.damage() {
            // Until the stop is written down: somebody may have lifted it since, who knows why.
            if !on.health.is_told() {
                tell(&on, &damage).await;
            }
        } else if is_night || on.db.has_met_damage() {
            looked = Some(now.date_naive());
            match on.db.damage().await {
                Ok(Some(damage)) => tell(&on, &damage).await,
                Ok(None) if on.db.has_met_damage() => tell(&on, MET).await,
                Ok(None) => {}
                Err(error) => tracing::warn!(?error, "the database can't be looked through now"),
            }
        }
    }
}

/// Tells all who look, and stops everything.
async fn tell(on: &Services, damage: &str) {
    on.health.is_damaged(damage);
    tracing::error!(
        damage,
        "the database is damaged, and nothing is sent any more: stop Herald, keep a copy of the data folder, and restore the last \
         backup (herald restore); the manual has it step by step"
    );
    let reason = "the database is damaged: see the log and the manual, Backup and restore";
    match stop::stop_all(on, &Actor::system(), reason).await {
        Ok(_) => on.health.has_told(),
        Err(error) => tracing::error!(?error, "the stop of everything can't be written down yet"),
    }
}
