//! Walking a campaign's change log, and waiting at its end.

use std::collections::VecDeque;
use std::time::Duration;

use sea_orm::{EntityTrait, QuerySelect};
use tokio::time::{Instant, sleep_until};

use super::{Cursor, persist};
use crate::Services;
use domain::error::Result;
use domain::id::BroadcastCampaignId;
use domain::positions;
use events::{Event, Subscription};
use storage::broadcast::job_update::Part;
use storage::broadcast::{job_change, progress};

/// Entries that are read at once.
const ENTRIES: u64 = 32;

/// The least time after which a reader of everything looks again: a running campaign writes hundreds of entries a
/// second.
const DISTANCE: Duration = Duration::from_millis(100);

/// Without any event it is looked at so often: events may get lost.
const POLL: Duration = Duration::from_secs(1);

pub(super) struct Log {
    pub(super) services: Services,
    pub(super) campaign: BroadcastCampaignId,
    events: Subscription,
    /// Where to go on.
    after: Option<Cursor>,
    /// The last entry that was read.
    seq: i64,
    /// Entries that were read and not given out yet, in order.
    parts: VecDeque<Part>,
}

impl Log {
    /// The log after a place in it. Events count from now on, before anything is read.
    pub(super) fn after(services: Services, campaign: BroadcastCampaignId, after: Option<Cursor>) -> Self {
        let events = services.events.subscribe();
        let seq = after.map_or(0, |cursor| cursor.seq - 1);
        Self { services, campaign, events, after, seq, parts: VecDeque::new() }
    }

    /// The next parts, with at most `most` positions in all; None at the end.
    pub(super) async fn next(&mut self, most: usize) -> Result<Option<Vec<Part>>> {
        while self.parts.is_empty() {
            if !self.read_on().await? {
                return Ok(None);
            }
        }
        let mut taken = Vec::new();
        let mut room = i32::try_from(most).unwrap_or(i32::MAX);
        while room > 0
            && let Some(part) = self.parts.pop_front()
        {
            let last = part.last.min(part.first.saturating_add(room - 1));
            if last < part.last {
                self.parts.push_front(Part { first: last + 1, ..part });
            }
            room -= last - part.first + 1;
            taken.push(Part { last, ..part });
        }
        Ok(Some(taken))
    }

    /// Reads entries, as soon as there are any. False: there will be no more.
    async fn read_on(&mut self) -> Result<bool> {
        loop {
            self.events.forget();
            let began = Instant::now();
            // The row first, the log second: what the log holds beyond the row's `seq` is a surplus, never a lack.
            let Some(row) = self.row().await? else { return Ok(false) };
            if row.seq > self.seq {
                return self.read_entries().await;
            }
            if row.has_ended() {
                return Ok(false);
            }
            self.wait(began).await;
        }
    }

    async fn row(&self) -> Result<Option<progress::Model>> {
        let db = self.services.db.reader();
        persist(|| async { Ok(progress::Entity::find_by_id(self.campaign).one(db).await?) }).await
    }

    /// Reads the next entries. The campaign's row says that there are some: none means that they are being deleted.
    async fn read_entries(&mut self) -> Result<bool> {
        let db = self.services.db.reader();
        let select = job_change::Entity::after(self.campaign, self.seq).limit(ENTRIES);
        let entries = persist(|| async { Ok(select.clone().all(db).await?) }).await?;
        let Some(last) = entries.last() else { return Ok(false) };
        self.seq = last.seq;
        let parts = entries.iter().flat_map(|entry| self.parts_of(entry)).collect();
        self.parts = parts;
        Ok(true)
    }

    /// An entry's positions, less those that were told before.
    fn parts_of(&self, entry: &job_change::Model) -> impl Iterator<Item = Part> {
        let told = self.after.filter(|cursor| cursor.seq == entry.seq).map_or(0, |cursor| cursor.position);
        let (seq, key) = (entry.seq, entry.key);
        positions::read(&entry.positions)
            .map(move |(first, last)| Part { seq, key, first: first.max(told.saturating_add(1)), last })
            .filter(|part| part.first <= part.last)
    }

    async fn wait(&mut self, began: Instant) {
        sleep_until(began + DISTANCE).await;
        let changed = Event::Campaign(self.campaign);
        self.events.until(POLL, |event| event == changed).await;
    }
}
