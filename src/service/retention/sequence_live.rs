//! Live progress of sequences, read once for all who watch (R22).

use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures_util::{Stream, StreamExt, future};
use sea_orm::EntityTrait;
use tokio::sync::OnceCell;

use super::schedule;
use crate::Services;
use crate::hub::{Hub, Reader, Seen};
use domain::error::{Error, Result};
use domain::id::RetentionSequenceId;
use events::Event;
use storage::Noun;
use storage::retention::{sequence, sequence_progress};

/// The sequences that are watched in this process. There must be one of it only; copies of it are the same.
#[derive(Clone)]
pub struct Sequences(Hub<SequenceReader>);

/// A full set of a sequence's counters: to lose one harms nobody.
#[derive(Debug, Clone)]
pub struct Progress {
    /// The counters.
    pub row: sequence_progress::Model,
    /// When they were read, by the clock that sequences go by.
    pub at: DateTime<Utc>,
    /// The sequence itself, once somebody has asked for it: all who watch have it from there.
    sequence: Arc<OnceCell<sequence::Model>>,
}

impl Progress {
    /// The sequence as it is now: as far as these counters at least. It is read once for all who watch.
    ///
    /// # Errors
    /// `NOT_FOUND` if it was deleted since.
    pub async fn sequence(&self, on: &Services) -> Result<sequence::Model> {
        let read = async || {
            let found = sequence::Entity::by_ids(&[self.row.sequence_id]).one(on.db.reader()).await?;
            found.ok_or(Error::NotFound("retention sequence"))
        };
        self.sequence.get_or_try_init(read).await.cloned()
    }
}

impl Sequences {
    /// Nothing is watched yet.
    pub fn new(services: &Services) -> Self {
        Self(Hub::new(services.clone()))
    }

    /// The progress of a sequence: what it is now, unless that was seen as version `after`; then what it becomes, until it is
    /// archived and nobody is in it any more. A version that has not been reached was seen before a backup was restored.
    ///
    /// # Errors
    /// There is no such sequence, or the database is away.
    pub async fn progress(
        &self,
        sequence: RetentionSequenceId,
        after: Option<i32>,
    ) -> Result<impl Stream<Item = Result<Progress>> + Send + use<>> {
        let (states, mut seen) = (self.0.watch(sequence).await?, after);
        Ok(states.filter(move |state| {
            // Only the first may have been seen: versions rise from there.
            let is_news = state.as_ref().map_or(true, |state| seen.take() != Some(state.row.version));
            future::ready(is_news)
        }))
    }
}

struct SequenceReader(RetentionSequenceId);

impl Reader for SequenceReader {
    const KIND: &'static str = "retention sequence";
    type Id = RetentionSequenceId;
    type State = Progress;

    fn of(id: RetentionSequenceId) -> Self {
        Self(id)
    }

    async fn read(&mut self, on: &Services) -> Result<Option<Seen<Progress>>> {
        let Some(row) = sequence_progress::Entity::find_by_id(self.0).one(on.db.reader()).await? else {
            return Ok(None);
        };
        // Of one that was deleted, the counters go last.
        if row.has_ended() && sequence::Entity::by_ids(&[self.0]).one(on.db.reader()).await?.is_none() {
            return Ok(None);
        }
        let at = schedule::now(on).await?;
        Ok(Some(Seen {
            version: row.version,
            is_last: row.has_ended(),
            state: Progress { row, at, sequence: Arc::default() },
        }))
    }

    fn is_woken_by(&self, event: Event) -> bool {
        event == Event::Sequence(self.0)
    }
}
