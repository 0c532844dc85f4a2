//! Which channels Telegram is to be asked about, and what may stand in the way of posts.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect, Value,
};

use super::channel::{Column, Entity};
use super::channel_filter::ChannelFilter;
use super::queue::accounts::Stale;
use crate::sql::Dialect;
use crate::{Db, Tx};
use domain::error::Result;
use domain::id::{BatchId, BroadcastCampaignId, ChannelId};

/// Why a channel is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Somebody asked for it.
    Requested,
    /// The channel was added before the given instant, and nobody has ever looked.
    Unchecked,
    /// The channel was looked at before the given instant.
    Stale,
}

/// A channel that one process looks at now.
#[derive(Debug, Clone, PartialEq, Eq, FromQueryResult)]
pub struct Due {
    /// Which one.
    pub id: ChannelId,
    /// The channel's username.
    pub username: String,
}

/// Takes one channel that is due, and keeps others from it until `until`: a crash costs that time, not the channel.
pub async fn claim(
    db: &Db,
    reason: Reason,
    before: DateTime<Utc>,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Option<Due>> {
    let dialect = Dialect(db.backend());
    let (condition, order) = match reason {
        Reason::Requested => {
            ("c.refresh_requested_at IS NOT NULL AND c.refresh_requested_at < $3", "c.refresh_requested_at, c.id")
        }
        Reason::Unchecked => ("c.is_active AND c.last_checked IS NULL AND c.created_at < $3", "c.id"),
        Reason::Stale => ("c.is_active AND c.last_checked < $3", "c.last_checked, c.id"),
    };
    let sql = format!(
        "UPDATE channels SET refresh_not_before = $2 WHERE id = (
             SELECT c.id FROM channels c
             WHERE {condition} AND (c.refresh_not_before IS NULL OR c.refresh_not_before <= $1)
             ORDER BY {order} LIMIT 1 {}) RETURNING id, username",
        dialect.skip_locked("c")
    );
    let values: [Value; 3] = [now.into(), until.into(), before.into()];
    let found = db.write_alone(dialect.statement(&sql, values)).await?;
    Ok(found.first().map(|row| Due::from_query_result(row, "")).transpose()?)
}

/// Whether any channel is due without anybody having asked.
pub async fn is_any_due(db: &impl ConnectionTrait, stale: Stale) -> Result<bool> {
    // Ids are in the order of time: if the first of these is not old enough, none is.
    let unchecked = Entity::find().filter(Expr::cust("is_active AND last_checked IS NULL")).order_by_asc(Column::Id);
    if unchecked.one(db).await?.is_some_and(|first| first.created_at < stale.added) {
        return Ok(true);
    }
    let old = Entity::find()
        .filter(Expr::cust("is_active"))
        .filter(Column::LastChecked.lt(stale.checked))
        .select_only()
        .column(Column::Id);
    Ok(old.limit(1).into_tuple::<ChannelId>().one(db).await?.is_some())
}

/// Up to `limit` channels that the filter finds, those that were looked at least lately first.
pub async fn found(tx: &Tx, filter: &ChannelFilter, limit: u64) -> Result<Vec<ChannelId>> {
    let select = filter.select().select_only().column(Column::Id).order_by_asc(Column::Id).limit(limit);
    Ok(select.into_tuple().all(tx).await?)
}

/// Notes that somebody wants to know about these channels; returns how many there are.
pub async fn request(tx: &Tx, ids: &[ChannelId], now: DateTime<Utc>) -> Result<u64> {
    let mut requested = 0;
    // The statement's parameters are limited.
    for ids in ids.chunks(1_000) {
        let update = Entity::update_many()
            .col_expr(Column::RefreshRequestedAt, Expr::value(now))
            .col_expr(Column::RefreshNotBefore, Expr::value(Option::<DateTime<Utc>>::None))
            .filter(Column::Id.is_in(ids.iter().copied()));
        requested += update.exec(tx).await?.rows_affected;
    }
    Ok(requested)
}

/// Recipients of a campaign that probably take no message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, FromQueryResult)]
pub struct Obstacles {
    /// Only others may post there.
    pub closed: i64,
    /// Each message costs Stars there.
    pub paid: i64,
}

impl Obstacles {
    /// Counts them among a campaign's recipients, as far as is known.
    pub async fn count(db: &impl ConnectionTrait, campaign: BroadcastCampaignId) -> Result<Self> {
        let sql = "SELECT COALESCE(SUM(CASE WHEN c.can_post = 'NO' THEN 1 ELSE 0 END), 0) AS closed,
                          COALESCE(SUM(CASE WHEN c.message_price IS NOT NULL THEN 1 ELSE 0 END), 0) AS paid
                   FROM channels c JOIN jobs j ON j.channel_id = c.id AND j.campaign_id = $1
                   WHERE c.can_post = 'NO' OR c.message_price IS NOT NULL";
        let statement = Dialect(db.get_database_backend()).statement(sql, [campaign.into()]);
        Ok(Self::find_by_statement(statement).one(db).await?.unwrap_or_default())
    }

    /// Counts them among the active channels of a batch, which are the recipients of a campaign whose jobs are still being made.
    pub async fn count_in(db: &impl ConnectionTrait, batch: BatchId) -> Result<Self> {
        let sql = "SELECT COALESCE(SUM(CASE WHEN c.can_post = 'NO' THEN 1 ELSE 0 END), 0) AS closed,
                          COALESCE(SUM(CASE WHEN c.message_price IS NOT NULL THEN 1 ELSE 0 END), 0) AS paid
                   FROM channels c JOIN batch_channels b ON b.channel_id = c.id AND b.batch_id = $1
                   WHERE c.is_active AND (c.can_post = 'NO' OR c.message_price IS NOT NULL)";
        let statement = Dialect(db.get_database_backend()).statement(sql, [batch.into()]);
        Ok(Self::find_by_statement(statement).one(db).await?.unwrap_or_default())
    }
}
