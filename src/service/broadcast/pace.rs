//! Slots after the clock was corrected (R19).

use sea_orm::QueryFilter;
use sea_orm::sea_query::Expr;
use serde_json::json;

use crate::Services;
use domain::audit::Action;
use domain::clock::duration_nanos;
use domain::error::Result;
use domain::pacing::{HORIZON, LONGEST_LEAD, delay};
use storage::broadcast::progress;
use storage::sql::Dialect;

/// How far beyond the horizon a slot may lie before it is a clock's fault: clocks of a fleet differ by some milliseconds.
const TOLERANCE: i64 = 1_000_000_000;

/// Before this process' clock jumps to `now`, in nanoseconds since 1970: no slot of a running campaign lies before that, or the
/// jump would let a second minute's messages into the same minute.
pub async fn before_jump(on: &Services, now: i64) -> Result<()> {
    on.system_write(|w| async move { Ok(progress::Entity::not_before(now).exec(&w).await.map(drop)?) }).await
}

/// The last instant at which a slot may lie that no wrong clock has taken, in nanoseconds since 1970.
pub fn limit(on: &Services) -> i64 {
    on.clock.nanos() + duration_nanos(HORIZON + delay(LONGEST_LEAD)) + TOLERANCE
}

/// Brings back slots that a wrong clock has put far into the future: their campaigns would stand still until then.
pub async fn mend_faults(on: &Services) -> Result<()> {
    let limit = limit(on);
    // By the clock of a process that is to be set back, or forward, each slot would look wrong.
    let far = progress::Entity::far_ahead(limit).all(on.db.reader()).await?;
    for row in &far {
        on.system_write(|w| async move {
            let now = on.clock.nanos();
            let mut mend = progress::Entity::not_behind(row.campaign_id, limit, now);
            if on.db.is_clocked() {
                mend = mend.filter(Expr::cust_with_values(Dialect::agrees("$1", "$1"), [now]));
            }
            if mend.exec(&w).await?.rows_affected == 0 {
                on.db.doubt();
                return Ok(());
            }
            let metadata = json!({ "aheadSeconds": (row.last_slot - now) / 1_000_000_000 });
            w.note(Action::ClockCorrected, row.campaign_id, metadata).await
        })
        .await?;
    }
    Ok(())
}
