//! Taking slots (R3): one statement that commits by itself, so that whoever takes a slot has used it up.

use std::time::Duration;

use sea_orm::Value;

use crate::Db;
use crate::sql::Dialect;
use crate::stop::NOTHING_IS_STOPPED;
use domain::clock::duration_nanos;
use domain::error::Result;
use domain::id::BroadcastCampaignId;
use domain::pacing::{CATCH_UP, SPAN, Slots, horizon as horizon_of};

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
/// campaign does not run, if everything is stopped, or if this process' clock has to be set first. `now` is in nanoseconds since
/// 1970.
///
/// The arithmetic is [`Slots::take`]'s: a test holds the two against each other.
pub async fn take(db: &Db, campaign: BroadcastCampaignId, now: i64, wanted: i64) -> Result<Option<Taken>> {
    take_ahead(db, campaign, (now, now), wanted, None).await
}

/// [`take`] for a claim that begins at `now` and is over at `ready`, with the [`horizon_of`] its lead. With `mine`, the last slot that
/// the same has taken, it leaves the campaign to others who keep it busy and are much nearer to the database: see
/// [`is_busy_nearby`](domain::pacing::is_busy_nearby).
pub async fn take_ahead(
    db: &Db,
    campaign: BroadcastCampaignId,
    (now, ready): (i64, i64),
    wanted: i64,
    mine: Option<i64>,
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
        "({} OR last_slot = $5 OR {due} < CAST($4 AS bigint) - {caught_up} OR {due} >= CAST($2 AS bigint) - {caught_up})",
        if mine.is_some() { "FALSE" } else { "TRUE" }
    );
    let count = dialect.least("CAST($3 AS bigint)", &format!("(({horizon} - {first}) / {interval} + 1)"));
    let agrees =
        if db.is_clocked() { Dialect::agrees("CAST($4 AS bigint)", "CAST($2 AS bigint)") } else { "TRUE".into() };
    let sql = format!(
        "UPDATE broadcast_campaign_progress
         SET slots_taken = {count}, last_slot = {first} + ({count} - 1) * {interval}
         WHERE campaign_id = $1 AND status = 'RUNNING' AND {first} <= {horizon} AND {turn} AND {NOTHING_IS_STOPPED}
           AND {agrees}
         RETURNING last_slot, slots_taken, {interval} AS \"interval\", run, queued"
    );
    let sql = if db.is_clocked() {
        format!(
            "WITH taken AS ({sql}) SELECT {agrees} AS agrees, taken.* FROM (SELECT 1) AS one LEFT JOIN taken ON TRUE"
        )
    } else {
        sql
    };
    let lead = Duration::from_nanos(u64::try_from(ready - now).unwrap_or(0));
    let values: [Value; 6] = [
        campaign.into(),
        ready.into(),
        wanted.into(),
        now.into(),
        mine.unwrap_or(0).into(),
        duration_nanos(horizon_of(lead)).into(),
    ];
    let rows = db.write_alone(dialect.statement(&sql, values)).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    if db.is_clocked() && !row.try_get::<bool>("", "agrees")? {
        db.doubt();
    }
    let Some(count) = row.try_get("", "slots_taken")? else { return Ok(None) };
    let slots = Slots { count, last: row.try_get("", "last_slot")?, interval: row.try_get("", "interval")? };
    Ok(Some(Taken { slots, run: row.try_get("", "run")?, queued: row.try_get("", "queued")? }))
}
