//! Slots after the clock was corrected (R19).

use sea_orm::{ColumnTrait, QueryFilter};
use serde_json::json;

use crate::access::audit::{self, Subject};
use crate::{Actor, Services};
use domain::audit::Action;
use domain::clock::duration_nanos;
use domain::error::Result;
use domain::pacing::HORIZON;
use storage::broadcast::progress;

/// How far beyond the horizon a slot may lie before it is a clock's fault: clocks of a fleet differ by some milliseconds.
const TOLERANCE: i64 = 1_000_000_000;

/// Before this process' clock jumps to `now`, in nanoseconds since 1970: no slot of a running campaign lies before that, or the
/// jump would let a second minute's messages into the same minute.
pub async fn before_jump(on: &Services, now: i64) -> Result<()> {
    on.db.write(|tx| async move { Ok(progress::Entity::not_before(now).exec(&*tx).await.map(drop)?) }).await
}

/// Brings back slots that a wrong clock has put far into the future: their campaigns would stand still until then.
pub async fn mend_faults(on: &Services) -> Result<()> {
    let limit = on.clock.nanos() + duration_nanos(HORIZON) + TOLERANCE;
    let far = progress::Entity::running().filter(progress::Column::LastSlot.gt(limit)).all(on.db.reader()).await?;
    for row in &far {
        on.db
            .write(|tx| async move {
                let tx = &*tx;
                let mended = progress::Entity::not_behind(row.campaign_id, limit, on.clock.nanos()).exec(tx).await?;
                if mended.rows_affected == 0 {
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
