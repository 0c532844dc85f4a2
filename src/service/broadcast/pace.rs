//! Slots after the clock was corrected (R19).

use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter};
use serde_json::json;

use crate::domain::audit::Action;
use crate::domain::clock::duration_nanos;
use crate::domain::error::Result;
use crate::domain::pacing::HORIZON;
use crate::service::access::audit::{self, Subject};
use crate::service::{Actor, Services};
use crate::storage::broadcast::progress;
use crate::storage::sql::Dialect;

/// How far beyond the horizon a slot may lie before it is a clock's fault: clocks of a fleet differ by some milliseconds.
const TOLERANCE: i64 = 1_000_000_000;

/// Before this process' clock jumps to `now`, in nanoseconds since 1970: no slot of a running campaign lies before that, or the
/// jump would let a second minute's messages into the same minute.
pub async fn before_jump(on: &Services, now: i64) -> Result<()> {
    let sql = "UPDATE broadcast_campaign_progress SET last_slot = $1 WHERE status = 'RUNNING' AND last_slot < $1 RETURNING run";
    on.db.write_alone(Dialect(on.db.backend()).statement(sql, [now.into()])).await.map(drop)
}

/// Brings back slots that a wrong clock has put far into the future: their campaigns would stand still until then.
pub async fn mend_faults(on: &Services) -> Result<()> {
    let limit = on.clock.nanos() + duration_nanos(HORIZON) + TOLERANCE;
    let far = progress::Entity::running().filter(progress::Column::LastSlot.gt(limit)).all(on.db.reader()).await?;
    for row in &far {
        on.write(|tx| async move {
            let tx = &*tx;
            let sql = "UPDATE broadcast_campaign_progress SET last_slot = $2 WHERE campaign_id = $1 AND last_slot > $3";
            let values = [row.campaign_id.into(), on.clock.nanos().into(), limit.into()];
            let mended = tx.execute_raw(Dialect(tx.get_database_backend()).statement(sql, values)).await?;
            if mended.rows_affected() == 0 {
                return Ok(());
            }
            let metadata = json!({ "aheadSeconds": (row.last_slot - on.clock.nanos()) / 1_000_000_000 });
            let subject = Subject("BroadcastCampaign", row.campaign_id.0);
            audit::record(on, tx, &Actor::system(), Action::ClockCorrected, subject, metadata).await
        })
        .await?;
    }
    Ok(())
}
