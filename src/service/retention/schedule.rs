//! The time that sequences go by.

use chrono::{DateTime, Utc};

use crate::Services;
use domain::error::Result;
use domain::retention::schedule_clock::Pace;
use storage::Tx;
use storage::retention::queue::pace;

/// How the clock of sequences goes by everybody's.
pub async fn clock(on: &Services) -> Result<Pace> {
    pace::clock(on.db.reader()).await
}

/// The present instant for sequences: everybody's, unless a demonstration or a test lets their clock fly.
pub async fn now(on: &Services) -> Result<DateTime<Utc>> {
    Ok(clock(on).await?.at(on.clock.nanos()))
}

/// The time of sequences, as a transaction sees it.
pub async fn now_in(on: &Services, tx: &Tx) -> Result<DateTime<Utc>> {
    Ok(pace::clock(tx).await?.at(on.clock.nanos()))
}
