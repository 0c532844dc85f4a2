//! Taking slots (R3): one statement that commits by itself, so that whoever takes a slot has used it up.

use sea_orm::Value;

use crate::Db;
use crate::sql::Dialect;
use crate::stop::NOTHING_IS_STOPPED;
use domain::clock::duration_nanos;
use domain::error::Result;
use domain::id::BroadcastCampaignId;
use domain::pacing::{CATCH_UP, HORIZON, SPAN, Slots};

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
    let dialect = Dialect(db.backend());
    let interval = format!("(({SPAN} + delivery_rate - 1) / delivery_rate + 1)");
    let due = format!("(last_slot + {interval})");
    let slot = format!(
        "(CASE WHEN {due} >= CAST($2 AS bigint) - {} THEN {due} ELSE CAST($2 AS bigint) END)",
        duration_nanos(CATCH_UP)
    );
    let first = dialect.greatest(&slot, "not_before");
    let horizon = format!("(CAST($2 AS bigint) + {})", duration_nanos(HORIZON));
    let count = dialect.least("CAST($3 AS bigint)", &format!("(({horizon} - {first}) / {interval} + 1)"));
    let agrees = if db.is_clocked() { Dialect::agrees("CAST($2 AS bigint)") } else { "TRUE".into() };
    let sql = format!(
        "UPDATE broadcast_campaign_progress
         SET slots_taken = {count}, last_slot = {first} + ({count} - 1) * {interval}
         WHERE campaign_id = $1 AND status = 'RUNNING' AND {first} <= {horizon} AND {NOTHING_IS_STOPPED} AND {agrees}
         RETURNING last_slot, slots_taken, {interval} AS \"interval\", run, queued"
    );
    let sql = if db.is_clocked() {
        format!(
            "WITH taken AS ({sql}) SELECT {agrees} AS agrees, taken.* FROM (SELECT 1) AS one LEFT JOIN taken ON TRUE"
        )
    } else {
        sql
    };
    let values: [Value; 3] = [campaign.into(), now.into(), wanted.into()];
    let rows = db.write_alone(dialect.statement(&sql, values)).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    if db.is_clocked() && !row.try_get::<bool>("", "agrees")? {
        db.doubt();
    }
    let Some(count) = row.try_get("", "slots_taken")? else { return Ok(None) };
    let slots = Slots { count, last: row.try_get("", "last_slot")?, interval: row.try_get("", "interval")? };
    Ok(Some(Taken { slots, run: row.try_get("", "run")?, queued: row.try_get("", "queued")? }))
}
