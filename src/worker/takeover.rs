//! Watching the other processes, and taking over the leases of those that are gone (R16).

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use tokio::time::Instant;

use super::holder::{self, Holder};
use super::tools::Tools;
use ::service::broadcast::delivery::sender::{self as service, Gone};
use domain::error::{Error, Result};
use domain::id::SenderId;
use storage::broadcast::sender;

/// A process that gave no sign of life for so long, on one's own monotonic clock, is taken for dead.
const SILENCE: Duration = Duration::from_secs(24);

/// What goes beyond this between two looks does not count as the others' silence: the database was away or stood still, so that
/// they could give no sign of life, or this process did.
const ABSENCE: Duration = Duration::from_secs(8);

/// What was seen of the others.
#[derive(Debug, Default)]
pub struct Watch {
    /// Their last signs of life: epoch, beat, and since when on the monotonic clock.
    seen: HashMap<SenderId, (i64, i64, Duration)>,
    /// When the last look was.
    looked: Option<Instant>,
}

impl Watch {
    /// Looks at all other processes once.
    pub async fn look(&mut self, tools: &Tools, me: &Holder) -> Result<()> {
        let all = service::remembered(&tools.on).await?;
        let now = tools.on.clock.monotonic();
        let looked = self.looked.replace(Instant::now());
        let absent = looked.map_or(Duration::ZERO, |at| at.elapsed().saturating_sub(ABSENCE));
        self.seen.values_mut().for_each(|(_, _, since)| *since += absent);
        // First know what they accepted, then repeat what they may have sent.
        for other in all.iter().filter(|other| other.host == me.row.host && other.id != me.row.id) {
            (tools.neighbour)(Path::new(&other.data_dir));
        }
        self.seen.retain(|id, _| all.iter().any(|other| other.id == *id));
        for other in all.iter().filter(|other| other.ended_at.is_none() && other.id != me.row.id) {
            if let Some(how) = self.gone(tools, me, other, now)? {
                service::take_over(&tools.on, other, how).await?;
            }
        }
        Ok(())
    }

    fn gone(&mut self, tools: &Tools, me: &Holder, other: &sender::Model, now: Duration) -> Result<Option<Gone>> {
        // The data folder is locked by the operating system: whoever else was on this SQLite is gone.
        if !tools.on.db.is_postgres() {
            return Ok(Some(Gone::Ended));
        }
        if other.host == me.row.host {
            let alive = other.boot == me.row.boot
                && holder::started(other.pid).map_err(Error::Internal)? == Some(other.pid_started);
            if !alive {
                return Ok(Some(Gone::Ended));
            }
        }
        let seen = self.seen.entry(other.id).or_insert((other.epoch, other.beat, now));
        if (seen.0, seen.1) != (other.epoch, other.beat) {
            *seen = (other.epoch, other.beat, now);
        }
        Ok((now.saturating_sub(seen.2) >= SILENCE).then_some(Gone::Silent))
    }
}
