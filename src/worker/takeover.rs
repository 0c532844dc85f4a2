//! Watching the other processes, and taking over the leases of those that are gone (R16).

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::holder::{self, Holder};
use super::tools::Tools;
use ::service::broadcast::delivery::sender::{self as service, Gone};
use domain::error::{Error, Result};
use domain::id::SenderId;
use storage::agenda::Sign;
use storage::broadcast::sender;

/// A process that gave no sign of life for so long, on one's own monotonic clock, is taken for dead.
const SILENCE: Duration = Duration::from_secs(24);

/// What goes beyond this between two looks does not count as the others' silence: the database was away or stood still, so that
/// they could give no sign of life, or this process did.
const ABSENCE: Duration = Duration::from_secs(8);

/// How often those that ended long ago are forgotten.
const TIDY: Duration = Duration::from_mins(10);

/// What was seen of the others.
#[derive(Debug, Default)]
pub struct Watch {
    seen: tokio::sync::Mutex<Seen>,
    /// Whether no process is there that registered before this one.
    is_first: AtomicBool,
}

#[derive(Debug, Default)]
struct Seen {
    /// Their last signs of life: epoch, beat, and since when on the monotonic clock.
    signs: HashMap<SenderId, (i64, i64, Duration)>,
    /// Those that have not ended.
    all: Vec<sender::Model>,
    looked: Option<Instant>,
    tidied: Option<Instant>,
}

impl Watch {
    /// Whether this process is the one of the fleet that does what any of them may do.
    pub fn is_first(&self) -> bool {
        self.is_first.load(Ordering::Relaxed)
    }

    /// Looks at all other processes once: `signs` are those that all of them have given.
    pub async fn look(&self, tools: &Tools, me: &Holder, signs: &[Sign]) -> Result<()> {
        let mut seen = self.seen.lock().await;
        if seen.tidied.is_none_or(|at| at.elapsed() >= TIDY) {
            service::forget_ended(&tools.on).await?;
            seen.tidied = Some(Instant::now());
        }
        if !signs.iter().all(|sign| seen.all.iter().any(|known| known.id == sign.id)) {
            seen.meet(tools, me).await?;
        }
        let now = tools.on.clock.monotonic();
        let looked = seen.looked.replace(Instant::now());
        let absent = looked.map_or(Duration::ZERO, |at| at.elapsed().saturating_sub(ABSENCE));
        let Seen { signs: known, all, .. } = &mut *seen;
        for (_, _, since) in known.values_mut() {
            *since += absent;
        }
        let is_there = |id: SenderId| signs.iter().any(|sign| sign.id == id);
        known.retain(|id, _| is_there(*id));
        all.retain(|other| is_there(other.id));
        let (mut is_first, mut gone) = (true, Vec::new());
        for other in all.iter().filter(|other| other.id != me.row.id) {
            let Some(sign) = signs.iter().find(|sign| sign.id == other.id) else { continue };
            match self::gone(known, tools, me, (other, sign), now)? {
                Some(how) => gone.push((sender::Model { epoch: sign.epoch, beat: sign.beat, ..other.clone() }, how)),
                None => is_first &= other.id > me.row.id,
            }
        }
        self.is_first.store(is_first, Ordering::Relaxed);
        for (other, how) in gone {
            service::take_over(&tools.on, &other, how).await?;
        }
        Ok(())
    }
}

impl Seen {
    /// Gets to know the processes that are new.
    async fn meet(&mut self, tools: &Tools, me: &Holder) -> Result<()> {
        self.all = service::remembered(&tools.on).await?;
        // First know what they accepted, then repeat what they may have sent.
        for other in self.all.iter().filter(|other| other.host == me.row.host && other.id != me.row.id) {
            (tools.neighbour)(Path::new(&other.data_dir));
        }
        Ok(())
    }
}

fn gone(
    known: &mut HashMap<SenderId, (i64, i64, Duration)>,
    tools: &Tools,
    me: &Holder,
    (other, sign): (&sender::Model, &Sign),
    now: Duration,
) -> Result<Option<Gone>> {
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
    let seen = known.entry(other.id).or_insert((sign.epoch, sign.beat, now));
    if (seen.0, seen.1) != (sign.epoch, sign.beat) {
        *seen = (sign.epoch, sign.beat, now);
    }
    Ok((now.saturating_sub(seen.2) >= SILENCE).then_some(Gone::Silent))
}
