//! Taking slots (R3): one statement that commits by itself, so that whoever takes a slot has used it up.

use std::time::Duration;

use sea_orm::Value;

use crate::Db;
use crate::sql::Dialect;
use crate::stop::NOTHING_IS_STOPPED;
use domain::clock::duration_nanos;
use domain::error::Result;
use domain::id::BroadcastCampaignId;
use domain::pacing::{CATCH_UP, HORIZON, SPAN, Slots, horizon as horizon_of};

/// The slots that a claim was given.
#[derive(Debug, Clone, Copy)]
pub struct Taken {
    /// The slots.
    pub slots: Slots,
    /// The campaign's run, which the answers must belong to in order to count as failures in a row.
    pub run: i32,
    /// Jobs that were queued at that moment.
    pub queued: i32,
}

/// Takes at most `wanted` slots of a running campaign that lie not beyond the horizon; None if there are none, if the
/// campaign does not run, or if everything is stopped. `now` is in nanoseconds since 1970.
///
/// The arithmetic is [`Slots::take`]'s: a test holds the two against each other.
pub async fn take(db: &Db, campaign: BroadcastCampaignId, now: i64, wanted: i64) -> Result<Option<Taken>> {
    take_where(db, campaign, now, wanted, None).await
}

/// [`take`] for a claim that begins at `now` and is over at `ready`, within the [`horizon_of`] its lead, unless others keep the campaign busy who are much nearer to the
/// database: see [`is_busy_nearby`](domain::pacing::is_busy_nearby). `mine` is the last slot that was taken by the same.
pub async fn take_ahead(
    db: &Db,
    campaign: BroadcastCampaignId,
    (now, ready): (i64, i64),
    wanted: i64,
    mine: i64,
) -> Result<Option<Taken>> {
    take_where(db, campaign, ready, wanted, Some((now, mine))).await
}

async fn take_where(
    db: &Db,
    campaign: BroadcastCampaignId,
    now: i64,
    wanted: i64,
    ahead: Option<(i64, i64)>,
) -> Result<Option<Taken>> {
    let dialect = Dialect(db.backend());
    let interval = format!("(({SPAN} + delivery_rate - 1) / delivery_rate + 1)");
    let due = format!("(last_slot + {interval})");
    let slot = format!(
        "(CASE WHEN {due} >= CAST($2 AS bigint) - {} THEN {due} ELSE CAST($2 AS bigint) END)",
        duration_nanos(CATCH_UP)
    );
    let first = dialect.greatest(&slot, "not_before");
    let horizon = "(CAST($2 AS bigint) + $6)";
    let caught_up = duration_nanos(CATCH_UP);
    // The rule is `is_busy_nearby`.
    let turn = format!(
        "(last_slot = $5 OR {due} < CAST($4 AS bigint) - {caught_up} OR {due} >= CAST($2 AS bigint) - {caught_up})"
    );
    let count = dialect.least("CAST($3 AS bigint)", &format!("(({horizon} - {first}) / {interval} + 1)"));
    let sql = format!(
        "UPDATE broadcast_campaign_progress
         SET slots_taken = {count}, last_slot = {first} + ({count} - 1) * {interval}
         WHERE campaign_id = $1 AND status = 'RUNNING' AND {first} <= {horizon} AND {turn} AND {NOTHING_IS_STOPPED}
         RETURNING last_slot, slots_taken, {interval} AS \"interval\", run, queued"
    );
    let (began, mine) = ahead.unwrap_or((now, 0));
    let lead = Duration::from_nanos(u64::try_from(now - began).unwrap_or(0));
    let horizon = if ahead.is_some() { horizon_of(lead) } else { HORIZON };
    let values: [Value; 6] =
        [campaign.into(), now.into(), wanted.into(), began.into(), mine.into(), duration_nanos(horizon).into()];
    let rows = db.write_alone(dialect.statement(&sql, values)).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let slots = Slots {
        count: row.try_get("", "slots_taken")?,
        last: row.try_get("", "last_slot")?,
        interval: row.try_get("", "interval")?,
    };
    Ok(Some(Taken { slots, run: row.try_get("", "run")?, queued: row.try_get("", "queued")? }))
}
