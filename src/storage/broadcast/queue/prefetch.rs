//! What an account has prefetched: jobs of one campaign that are assigned to it, to be made ready and then sent (R4).
//!
//! A prefetched job is queued, and has an instant before which it must not be sent: so the small index of waiting jobs finds
//! it. It has no `random_id` until it is first leased; from then on it stays with its account for ever.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use serde::Serialize;

use super::lease::{COLUMNS, Due};
use crate::sql::{Dialect, rows};
use crate::{Db, Tx};
use domain::broadcast::PeerKind;
use domain::error::Result;
use domain::id::{BroadcastCampaignId, ChannelId, TelegramAccountId};

/// A prefetched job, and what its account knows of its channel.
#[derive(Debug, Clone, PartialEq, Eq, FromQueryResult)]
pub struct Item {
    /// The job's place in the campaign.
    pub position: i32,
    /// Not to be sent before.
    pub not_before: DateTime<Utc>,
    /// Since when it may have been sent.
    pub ambiguous_since: Option<DateTime<Utc>>,
    /// Since when it is to be looked for, before it is sent again.
    pub sought_since: Option<DateTime<Utc>>,
    /// When its last send call began.
    pub started_at: Option<DateTime<Utc>>,
    /// The job's `random_id`, if it was ever leased.
    pub random_id: Option<i64>,
    /// The job's channel.
    pub channel_id: ChannelId,
    /// The channel's name.
    pub username: String,
    /// Whether the channel is written to at all.
    pub is_active: bool,
    /// Telegram's number of the channel; None while the account does not know it.
    pub peer_id: Option<i64>,
    /// The account's permission to name it; None: look it up.
    pub access_hash: Option<i64>,
    /// Whether the peer is a person or a bot.
    pub is_user: Option<bool>,
    /// How often in a row it was found out of date.
    pub refreshes: Option<i32>,
    /// Slow mode: not before.
    pub slow_until: Option<DateTime<Utc>>,
    /// Slow mode, in seconds.
    pub slow_seconds: Option<i32>,
    /// When the account first wrote to it.
    pub written_at: Option<DateTime<Utc>>,
    /// The job, with what is needed to send it.
    #[sea_orm(nested)]
    pub job: Due,
}

impl Item {
    /// Whether a person or a bot would get it, as far as is known.
    pub fn is_private(&self) -> bool {
        self.is_user == Some(true) || self.job.is_private()
    }

    /// The job, with what its account knows of the recipient: a name that has changed hands may still lead it to a person.
    pub fn known(&self) -> Due {
        let kind = self.job.kind.filter(|kind| kind.is_private() == self.is_private());
        Due { kind: kind.or(self.is_private().then_some(PeerKind::Person)), ..self.job.clone() }
    }
}

/// Who has prefetched jobs, and of which campaign.
#[derive(Debug, Clone, Copy)]
pub struct Owner {
    /// The campaign.
    pub campaign: BroadcastCampaignId,
    /// The account.
    pub account: TelegramAccountId,
}

/// The prefetched jobs, those whose instant comes first in front; at most `limit`.
pub async fn items(db: &impl ConnectionTrait, owner: Owner, limit: i64) -> Result<Vec<Item>> {
    let sql = format!(
        "SELECT {COLUMNS}, j.not_before, j.started_at, j.sought_since,
             p.peer_id, p.access_hash, p.is_user, p.refreshes, p.not_before AS slow_until, p.slow_seconds, p.written_at
         FROM jobs j JOIN channels c ON c.id = j.channel_id
         LEFT JOIN account_peers p ON p.account_id = j.account_id AND p.channel_id = j.channel_id
         WHERE j.campaign_id = $1 AND j.not_before IS NOT NULL AND j.account_id = $2 AND j.status = 'QUEUED'
         ORDER BY j.not_before, j.position LIMIT $3"
    );
    let values: [Value; 3] = [owner.campaign.into(), owner.account.into(), limit.into()];
    let statement = Dialect(db.get_database_backend()).statement(&sql, values);
    Ok(Item::find_by_statement(statement).all(db).await?)
}

/// Which jobs an account may be given.
#[derive(Debug, Clone, Copy)]
pub struct Want {
    /// How many at most.
    pub limit: i64,
    /// Where the last search ended: jobs up to here were all seen.
    pub cursor: i32,
    /// Also those whose channels the account would have to look up.
    pub unknown: bool,
    /// Also those whose channels the account has not written to.
    pub new: bool,
    /// The present instant.
    pub now: DateTime<Utc>,
}

/// Assigns jobs that are nobody's: those that wait for their instant, if it has come, then fresh ones after the cursor.
/// Returns their positions, in order.
pub async fn assign(tx: &Tx, owner: Owner, want: &Want) -> Result<Vec<i32>> {
    let due = "j.account_id IS NULL AND j.not_before <= $3";
    let mut given = take(tx, owner, want, due, want.now.into(), "j.not_before, j.position", want.limit).await?;
    let rest = want.limit - i64::try_from(given.len()).unwrap_or(i64::MAX);
    if rest > 0 {
        let fresh = "j.not_before IS NULL AND j.position > $3";
        given.extend(take(tx, owner, want, fresh, want.cursor.into(), "j.position", rest).await?);
    }
    given.sort_unstable();
    Ok(given)
}

#[derive(Serialize)]
struct Place {
    position: i32,
}

async fn take(
    tx: &Tx,
    owner: Owner,
    want: &Want,
    which: &str,
    bound: Value,
    order: &str,
    limit: i64,
) -> Result<Vec<i32>> {
    let dialect = Dialect(tx.get_database_backend());
    let known = if want.new {
        if want.unknown { "" } else { "AND p.access_hash IS NOT NULL" }
    } else {
        "AND p.access_hash IS NOT NULL AND p.written_at IS NOT NULL"
    };
    let find = format!(
        "SELECT j.position FROM jobs j
         LEFT JOIN account_peers p ON p.account_id = $2 AND p.channel_id = j.channel_id
         WHERE j.campaign_id = $1 AND j.status = 'QUEUED' AND {which} {known} ORDER BY {order} LIMIT $4 {}",
        dialect.skip_locked("j"),
    );
    let values: [Value; 4] = [owner.campaign.into(), owner.account.into(), bound, limit.into()];
    let found = tx.query_all_raw(dialect.statement(&find, values)).await?;
    let positions = found.iter().map(|row| row.try_get("", "position")).collect::<Result<Vec<i32>, _>>()?;
    if !positions.is_empty() {
        let places: Vec<Place> = positions.iter().map(|position| Place { position: *position }).collect();
        let give = format!(
            "UPDATE jobs AS j SET account_id = $2, not_before = $3 FROM {} WHERE j.campaign_id = $1 AND j.position = r.position",
            dialect.table("$4", &[("position", "integer")]),
        );
        let values: [Value; 4] = [owner.campaign.into(), owner.account.into(), want.now.into(), rows(&places)];
        tx.execute_raw(dialect.statement(&give, values)).await?;
    }
    Ok(positions)
}

/// Takes from accounts that wait or can't send the jobs that they have not touched, in running campaigns that let others have
/// them. Returns the campaigns of which there were some.
pub async fn fail_over(db: &Db, now: DateTime<Utc>) -> Result<Vec<BroadcastCampaignId>> {
    let sql = "UPDATE jobs SET account_id = NULL
               WHERE status = 'QUEUED' AND random_id IS NULL AND not_before IS NOT NULL AND campaign_id IN (
                   SELECT c.id FROM broadcast_campaigns c WHERE c.status = 'RUNNING' AND c.account_failover)
               AND account_id IN (
                   SELECT a.id FROM telegram_accounts a
                   WHERE a.status NOT IN ('ACTIVE', 'FLOOD_WAIT') OR a.send_not_before > $1)
               RETURNING campaign_id";
    let freed = db.write_alone(Dialect(db.backend()).statement(sql, [now.into()])).await?;
    let mut campaigns =
        freed.iter().map(|row| row.try_get("", "campaign_id")).collect::<Result<Vec<BroadcastCampaignId>, _>>()?;
    campaigns.sort_unstable();
    campaigns.dedup();
    Ok(campaigns)
}
