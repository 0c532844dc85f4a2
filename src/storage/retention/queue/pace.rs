//! The pace of each channel, kept by all processes together; and the clock that sequences go by.

use sea_orm::{ConnectionTrait, QueryResult, Value};
use serde::Serialize;

use crate::sql::{Dialect, rows};
use crate::stop::NOTHING_IS_STOPPED;
use crate::{Db, Tx};
use domain::clock::duration_nanos;
use domain::error::Result;
use domain::id::RetentionCampaignId;
use domain::pacing::{CATCH_UP, SPAN, Slots, interval};
use domain::retention::schedule_clock::Pace;
use domain::retention::words::ContactChannel;

/// The last slot of a channel that was taken, in nanoseconds since 1970. Nothing is locked: meanwhile others may take more.
pub async fn last(db: &Db, channel: ContactChannel) -> Result<i64> {
    let dialect = Dialect(db.backend());
    let name: Value = channel.to_string().into();
    let select = "SELECT last_slot FROM channel_paces WHERE channel = $1";
    if let Some(row) = db.reader().query_one_raw(dialect.statement(select, [name.clone()])).await? {
        return Ok(row.try_get("", "last_slot")?);
    }
    let insert = "INSERT INTO channel_paces (channel, last_slot) VALUES ($1, 0) ON CONFLICT DO NOTHING";
    db.write_alone(dialect.statement(insert, [name])).await?;
    Ok(0)
}

/// Slots that a claim wants.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    /// Of which channel.
    pub channel: ContactChannel,
    /// Contacts a minute.
    pub rate: i64,
    /// From when on they can be used, and until when, in nanoseconds since 1970.
    pub from: i64,
    pub until: i64,
    /// How many at most.
    pub count: i64,
    /// The present instant of this process, if it must be the database's too (R19).
    pub clocked: Option<i64>,
    /// For which campaigns: each of them must run.
    pub campaigns: &'a [RetentionCampaignId],
}

/// Takes slots; None if there are none, if one of the campaigns does not run, if everything is stopped, or if this process' clock has to
/// be set first. The channel's row stays locked until the transaction ends, which is to do so at once.
///
/// The arithmetic is [`domain::retention::pace::slots`]'s: a test holds the two against each other.
pub async fn take(tx: &Tx, wish: Wish<'_>) -> Result<Option<Slots>> {
    #[derive(Serialize)]
    struct Row {
        id: RetentionCampaignId,
    }
    let dialect = Dialect(tx.get_database_backend());
    let interval = interval(wish.rate);
    let (from, until) = ("CAST($2 AS bigint)", "CAST($3 AS bigint)");
    // A slot far in the future is the mark of a clock that was wrong (R19).
    let last = dialect.least("last_slot", &format!("({from} + {SPAN})"));
    let due = format!("({last} + {interval})");
    let first = format!("(CASE WHEN {due} >= {from} - {} THEN {due} ELSE {from} END)", duration_nanos(CATCH_UP));
    let count = dialect.least("CAST($4 AS bigint)", &format!("(({until} - {first}) / {interval} + 1)"));
    let agrees = if wish.clocked.is_some() {
        Dialect::agrees("CAST($6 AS bigint)", from)
    } else {
        "CAST($6 AS bigint) IS NULL".into()
    };
    let sql = format!(
        "UPDATE channel_paces SET taken = {count}, last_slot = {first} + ({count} - 1) * {interval}
         WHERE channel = $1 AND {first} <= {until} AND {NOTHING_IS_STOPPED} AND {agrees}
           AND NOT EXISTS (SELECT 1 FROM retention_campaigns c
                           WHERE c.status <> 'ACTIVE' AND c.id IN (SELECT r.id FROM {}))
         RETURNING last_slot, taken",
        dialect.table("$5", &[("id", "uuid")])
    );
    let campaigns: Vec<Row> = wish.campaigns.iter().map(|id| Row { id: *id }).collect();
    let values: [Value; 6] = [
        wish.channel.to_string().into(),
        wish.from.into(),
        wish.until.into(),
        wish.count.into(),
        rows(&campaigns),
        wish.clocked.into(),
    ];
    let Some(row) = tx.query_one_raw(dialect.statement(&sql, values)).await? else { return Ok(None) };
    Ok(Some(Slots { count: row.try_get("", "taken")?, last: row.try_get("", "last_slot")?, interval }))
}

/// The clock that sequences go by; without a row it is everybody's.
pub async fn clock(db: &impl ConnectionTrait) -> Result<Pace> {
    let sql = format!("SELECT {CLOCK} FROM (SELECT 1 AS one) o LEFT JOIN sequence_clock k ON k.id = o.one");
    let row = db.query_one_raw(Dialect(db.get_database_backend()).statement(&sql, [])).await?;
    row.as_ref().map_or(Ok(Pace::REAL), clock_of)
}

/// The columns of the clock `k`.
pub(crate) const CLOCK: &str = "k.anchor, k.start, k.speed, k.catches_up";

/// The clock in a row that has [`CLOCK`]; without one it is everybody's.
pub(crate) fn clock_of(row: &QueryResult) -> Result<Pace> {
    let Some(anchor) = row.try_get("", "anchor")? else { return Ok(Pace::REAL) };
    Ok(Pace {
        anchor,
        start: row.try_get("", "start")?,
        speed: row.try_get("", "speed")?,
        catches_up: row.try_get("", "catches_up")?,
    })
}

/// Sets the clock that sequences go by.
pub async fn set_clock(db: &impl ConnectionTrait, pace: Pace) -> Result<()> {
    let sql = "INSERT INTO sequence_clock (id, anchor, start, speed, catches_up) VALUES (1, $1, $2, $3, $4)
               ON CONFLICT (id) DO UPDATE SET anchor = excluded.anchor, start = excluded.start, speed = excluded.speed,
                   catches_up = excluded.catches_up";
    let values: [Value; 4] = [pace.anchor.into(), pace.start.into(), pace.speed.into(), pace.catches_up.into()];
    db.execute_raw(Dialect(db.get_database_backend()).statement(sql, values)).await?;
    Ok(())
}
