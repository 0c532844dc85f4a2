//! The pace of each channel, kept by all processes together; and the clock that sequences go by.

use sea_orm::{ConnectionTrait, Value};

use crate::Tx;
use crate::sql::Dialect;
use domain::error::{Error, Result};
use domain::pacing::{SPAN, Slots};
use domain::retention::schedule_clock::Pace;
use domain::retention::words::ContactChannel;

/// The slots that a channel has free, at most `wanted`; its pace stays locked until the transaction ends. Those that are used
/// are to be told by [`used`].
pub async fn free(tx: &Tx, channel: ContactChannel, rate: i64, now: i64, wanted: i64) -> Result<Option<Slots>> {
    let dialect = Dialect(tx.get_database_backend());
    let name: Value = channel.to_string().into();
    let insert = "INSERT INTO channel_paces (channel, last_slot) VALUES ($1, 0) ON CONFLICT DO NOTHING";
    let select = format!("SELECT last_slot FROM channel_paces WHERE channel = $1 {}", dialect.for_update());
    let mut found = tx.query_one_raw(dialect.statement(&select, [name.clone()])).await?;
    if found.is_none() {
        tx.execute_raw(dialect.statement(insert, [name.clone()])).await?;
        found = tx.query_one_raw(dialect.statement(&select, [name])).await?;
    }
    let found = found.ok_or_else(|| Error::internal(anyhow::anyhow!("a pace vanished")))?;
    let last: i64 = found.try_get("", "last_slot")?;
    // A slot far in the future is the mark of a clock that was wrong (R19).
    let last = last.min(now + SPAN);
    Ok(Slots::take(now, last, 0, rate, wanted))
}

/// Notes the last slot that was used.
pub async fn used(tx: &Tx, channel: ContactChannel, last_slot: i64) -> Result<()> {
    let sql = "UPDATE channel_paces SET last_slot = $2 WHERE channel = $1";
    let values: [Value; 2] = [channel.to_string().into(), last_slot.into()];
    tx.execute_raw(Dialect(tx.get_database_backend()).statement(sql, values)).await?;
    Ok(())
}

/// The clock that sequences go by; without a row it is everybody's.
pub async fn clock(db: &impl ConnectionTrait) -> Result<Pace> {
    let sql = "SELECT anchor, start, speed, catches_up FROM sequence_clock WHERE id = 1";
    let row = db.query_one_raw(Dialect(db.get_database_backend()).statement(sql, [])).await?;
    Ok(match row {
        Some(row) => Pace {
            anchor: row.try_get("", "anchor")?,
            start: row.try_get("", "start")?,
            speed: row.try_get("", "speed")?,
            catches_up: row.try_get("", "catches_up")?,
        },
        None => Pace::REAL,
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
