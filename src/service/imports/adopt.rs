//! Imports whose process is gone: another one that can read the file goes on where it stopped.

use std::collections::HashMap;
use std::marker::PhantomData;
use std::time::Duration;

use uuid::Uuid;

use super::Importable;
use crate::Services;
use domain::error::Result;
use domain::id::NounId;
use storage::imports::Import;

/// How long an import stands still before another process takes it. One that is at work moves on with each batch; one that waits for
/// its turn is done sooner by whoever has nothing else to do. What was written tells where to go on, so that two of them do no harm.
const STILL: Duration = Duration::from_secs(10);
/// Imports of others that are watched.
const MOST: u64 = 100;

/// Imports of other processes, as they were seen: the version, and since when.
pub(super) struct Watched<I> {
    seen: HashMap<Uuid, (i32, Duration)>,
    _kind: PhantomData<fn(I)>,
}

impl<I> Default for Watched<I> {
    fn default() -> Self {
        Self { seen: HashMap::new(), _kind: PhantomData }
    }
}

impl<I: Importable> Watched<I> {
    /// Takes one that stands still, if its file can be read here. Whether there was one.
    pub(super) async fn adopt(&mut self, on: &Services) -> Result<bool> {
        if !on.db.is_postgres() {
            return Ok(false);
        }
        let now = on.clock.monotonic();
        let rows = I::of_others(on.node, MOST).all(on.db.reader()).await?;
        let mut seen = HashMap::with_capacity(rows.len());
        for row in &rows {
            let (id, version) = (I::id(row).uuid(), I::import(row).version);
            let before = self.seen.get(&id).filter(|(known, _)| *known == version);
            seen.insert(id, before.copied().unwrap_or((version, now)));
        }
        self.seen = seen;
        for row in rows {
            let (id, import) = (I::id(&row), I::import(&row));
            let since = self.seen.get(&id.uuid()).map_or(now, |(_, since)| *since);
            if now.saturating_sub(since) < STILL {
                continue;
            }
            if !on.files.has(import.upload_id).await? {
                // It lies in the folder of a process that may come back: it is looked for again, but not at once.
                self.seen.insert(id.uuid(), (import.version, now));
                continue;
            }
            if take::<I>(on, id, import.version).await? {
                tracing::info!(import = %id, from = %import.node_id, "an import stood still; this process goes on with it");
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Takes an import, unless it has moved meanwhile.
async fn take<I: Importable>(on: &Services, id: I::Id, version: i32) -> Result<bool> {
    on.system_write(|w| async move {
        let old = w.require(id).await?;
        let import = I::import(&old);
        if import.has_ended() || import.version != version {
            return Ok(false);
        }
        w.replace(&old, I::with(&old, Import { node_id: on.node, ..import })).await?;
        w.tell(I::event(id));
        Ok(true)
    })
    .await
}
