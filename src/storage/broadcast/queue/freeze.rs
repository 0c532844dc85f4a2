//! Freezing the audience (R21): a batch's active channels become jobs, in set-based statements.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DatabaseBackend, Value};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Change, Delta, Streak, record};
use crate::Tx;
use crate::sql::Dialect;
use domain::error::{Error, Result};
use domain::id::{BatchId, BroadcastCampaignId, ChannelId};
use domain::violation::OnUnique;

/// A freeze: what is frozen, and how far that is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Freeze {
    pub campaign: BroadcastCampaignId,
    pub batch: BatchId,
    /// The key of the change that makes the jobs.
    pub key: i64,
    pub now: DateTime<Utc>,
    /// Jobs made so far.
    pub jobs: i32,
    /// The channel of the last one.
    pub last: ChannelId,
    /// Jobs at most: the limit of a campaign in TEST mode.
    pub most: i32,
    /// Since when the messages may have been sent already, in a start that a restored database does not know.
    pub sought_since: Option<DateTime<Utc>>,
}

impl Freeze {
    /// A freeze that has not begun.
    pub const fn new(campaign: BroadcastCampaignId, batch: BatchId, key: i64, now: DateTime<Utc>, most: i32) -> Self {
        Self { campaign, batch, key, now, jobs: 0, last: ChannelId(Uuid::nil()), most, sought_since: None }
    }

    /// Makes jobs of at most `limit` further channels; returns whether there may be more. Ids rise with the positions, so the
    /// primary key grows at its end (random ids took four times as long).
    pub async fn extend(&mut self, tx: &Tx, limit: i32) -> Result<bool> {
        let limit = limit.min(self.most - self.jobs);
        if limit == 0 {
            return Ok(false);
        }
        let dialect = Dialect(tx.get_database_backend());
        let position = "$3 + CAST(n AS integer)";
        let hex = dialect.hex8(position);
        // A UUIDv7: the time, the position, and 40 random bits that are the campaign's.
        let id = dialect.uuid_of_hex(&format!("$4 || substr({hex}, 1, 3) || '8' || substr({hex}, 4, 5) || $5"));
        let sought = if dialect.0 == DatabaseBackend::Postgres { "CAST($10 AS timestamptz)" } else { "$10" };
        let sql = format!(
            "INSERT INTO jobs (id, campaign_id, position, channel_id, status, change, created_at, sought_since)
             SELECT {id}, $1, {position}, channel_id, 'QUEUED', $6, $7, {sought} FROM (
                 SELECT b.channel_id, row_number() OVER (ORDER BY b.channel_id) AS n
                 FROM batch_channels b JOIN channels c ON c.id = b.channel_id
                 WHERE b.batch_id = $2 AND b.channel_id > $8 AND c.is_active
                 ORDER BY b.channel_id LIMIT $9
             ) AS audience"
        );
        let millis = format!("{:012x}7", self.now.timestamp_millis());
        let random = format!("{:010x}", self.key.unsigned_abs() & 0xff_ffff_ffff);
        let values: [Value; 10] = [
            self.campaign.into(),
            self.batch.into(),
            self.jobs.into(),
            millis.into(),
            random.into(),
            self.key.into(),
            self.now.into(),
            self.last.into(),
            i64::from(limit).into(),
            self.sought_since.into(),
        ];
        // Two starts at the same time: the second one waited for the first one's rows.
        let made = tx.execute_raw(dialect.statement(&sql, values)).await;
        let made = made.on_any_unique(|| Error::Transition("the campaign has just been started".into()))?;
        let made = made.rows_affected();
        let made = i32::try_from(made).map_err(|_| Error::Precondition("the batch has too many channels".into()))?;
        self.jobs += made;
        if made == limit && self.jobs < self.most {
            self.last = self.last_channel(tx).await?;
            return Ok(true);
        }
        Ok(false)
    }

    async fn last_channel(&self, tx: &Tx) -> Result<ChannelId> {
        let dialect = Dialect(tx.get_database_backend());
        let sql = "SELECT channel_id FROM jobs WHERE campaign_id = $1 AND position = $2";
        let row = tx.query_one_raw(dialect.statement(sql, [self.campaign.into(), self.jobs.into()])).await?;
        let row = row.ok_or_else(|| Error::internal(anyhow::anyhow!("the last frozen job is gone")))?;
        Ok(row.try_get("", "channel_id")?)
    }

    /// Counts and logs the jobs, and lets the campaign run: the last statements before the commit.
    pub async fn finish(&self, tx: &Tx) -> Result<()> {
        let mut delta = Delta::default();
        delta.made(self.jobs);
        let positions: Vec<i32> = (1..=self.jobs).collect();
        let change = Change {
            campaign: self.campaign,
            key: self.key,
            positions: &positions,
            sender: None,
            delta,
            streak: (0, Streak::Untouched),
            not_before: 0,
        };
        record(tx, &change, false).await?.map(drop).ok_or(Error::NotFound("broadcast campaign"))
    }
}

/// Removes up to `limit` jobs of a campaign, for a freeze that did not come to its end or a campaign that was deleted.
/// Returns how many were removed.
pub async fn remove_jobs(tx: &Tx, campaign: BroadcastCampaignId, limit: i32) -> Result<u64> {
    let dialect = Dialect(tx.get_database_backend());
    let sql = "DELETE FROM jobs WHERE campaign_id = $1 AND position IN
               (SELECT position FROM jobs WHERE campaign_id = $1 ORDER BY position LIMIT $2)";
    let values: [Value; 2] = [campaign.into(), i64::from(limit).into()];
    Ok(tx.execute_raw(dialect.statement(sql, values)).await?.rows_affected())
}
