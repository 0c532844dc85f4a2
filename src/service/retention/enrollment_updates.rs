//! The changes of a sequence's enrollments: everything since some place, then whatever comes (R8).
//!
//! Each enrollment carries the number of its last change, given out in the order of the commits. So a client that was away gets
//! each one's present state, without a gap and without a duplicate.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::{Stream, stream};
use sea_orm::EntityTrait;
use tokio::time::{Instant, sleep, sleep_until};
use uuid::Uuid;

use crate::Services;
use domain::error::{Error, Result, Violation};
use domain::id::{LeadId, RetentionSequenceId, SequenceEnrollmentId};
use events::{Event, Subscription};
use storage::retention::queue::changes;
use storage::retention::{enrollment, sequence_progress};

/// Enrollments that one statement reads.
const MOST: u64 = 500;
/// The least time after which a reader of everything looks again.
const DISTANCE: Duration = Duration::from_millis(100);
/// Without any event it is looked at so often: events may get lost.
const POLL: Duration = Duration::from_secs(1);

/// A place among the changes of a sequence: everything up to this enrollment of this change, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UpdateCursor {
    /// The sequence whose changes are read.
    pub sequence: RetentionSequenceId,
    /// The number of the change.
    pub change: i64,
    /// The enrollment.
    pub enrollment: SequenceEnrollmentId,
}

impl UpdateCursor {
    /// Reads what [`Display`](std::fmt::Display) wrote for the same sequence.
    ///
    /// # Errors
    /// A violation of the argument `after`: it is something else.
    pub fn read(text: &str, sequence: RetentionSequenceId) -> Result<Self> {
        Self::decode(text, sequence).ok_or_else(|| {
            let message = "is not a cursor of this sequence's enrollments".into();
            Error::Invalid(vec![Violation { path: vec!["after".into()], message }])
        })
    }

    fn decode(text: &str, sequence: RetentionSequenceId) -> Option<Self> {
        let bytes: [u8; 28] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let (mark, rest) = bytes.split_first_chunk::<4>()?;
        let (change, id) = rest.split_first_chunk::<8>()?;
        let enrollment = SequenceEnrollmentId(Uuid::from_slice(id).ok()?);
        let change = i64::from_be_bytes(*change);
        (*mark == mark_of(sequence) && change >= 0).then_some(Self { sequence, change, enrollment })
    }
}

impl std::fmt::Display for UpdateCursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut bytes = [0; 28];
        bytes[..4].copy_from_slice(&mark_of(self.sequence));
        bytes[4..12].copy_from_slice(&self.change.to_be_bytes());
        bytes[12..].copy_from_slice(self.enrollment.0.as_bytes());
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

/// The last bytes of the id, which are random: by them the cursor of another sequence is refused.
fn mark_of(sequence: RetentionSequenceId) -> [u8; 4] {
    let [.., a, b, c, d] = *sequence.0.as_bytes();
    [a, b, c, d]
}

/// The present state of each enrollment of a sequence, or of one lead in it, that changed after `after`, and then each change,
/// until the sequence is archived and nobody is in it. While the database is away it is waited for.
///
/// # Errors
/// There is no such sequence, or the database is away at the beginning.
pub async fn chunks(
    on: &Services,
    sequence: RetentionSequenceId,
    lead: Option<LeadId>,
    after: Option<UpdateCursor>,
) -> Result<impl Stream<Item = Result<Vec<enrollment::Model>>> + Send + use<>> {
    let events = on.events.subscribe();
    let row = sequence_progress::Entity::find_by_id(sequence).one(on.db.reader()).await?;
    row.ok_or(Error::NotFound("retention sequence"))?;
    let place = after.map_or((0, Uuid::nil()), |place| (place.change, place.enrollment.0));
    let follower = Follower { on: on.clone(), sequence, lead, events, place };
    Ok(stream::try_unfold(
        follower,
        |mut follower| async move { Ok(follower.next().await?.map(|rows| (rows, follower))) },
    ))
}

struct Follower {
    on: Services,
    sequence: RetentionSequenceId,
    lead: Option<LeadId>,
    events: Subscription,
    place: (i64, Uuid),
}

impl Follower {
    /// Some enrollments; None at the end.
    async fn next(&mut self) -> Result<Option<Vec<enrollment::Model>>> {
        loop {
            self.events.forget();
            let began = Instant::now();
            match self.look().await {
                Ok(Some(rows)) if !rows.is_empty() => return Ok(Some(rows)),
                Ok(None) => return Ok(None),
                Ok(Some(_)) => {}
                Err(Error::Unavailable(cause)) => {
                    tracing::debug!(?cause, "a subscriber waits for the database");
                    sleep(POLL).await;
                }
                Err(error) => return Err(error),
            }
            self.wait(began).await;
        }
    }

    /// The sequence's row first, its enrollments second: what has ended by the first has told all by the second.
    async fn look(&mut self) -> Result<Option<Vec<enrollment::Model>>> {
        let db = self.on.db.reader();
        let row = sequence_progress::Entity::find_by_id(self.sequence).one(db).await?;
        let Some(row) = row else { return Ok(None) };
        let rows = changes::after(self.sequence, self.lead, self.place, MOST).all(db).await?;
        if let Some(last) = rows.last() {
            self.place = (last.change, last.id.0);
        } else if row.has_ended() {
            return Ok(None);
        }
        Ok(Some(rows))
    }

    async fn wait(&mut self, began: Instant) {
        sleep_until(began + DISTANCE).await;
        let changed = Event::Sequence(self.sequence);
        self.events.until(POLL, |event| event == changed).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_nothing_else() {
        let sequence = RetentionSequenceId::generate();
        let place = UpdateCursor { sequence, change: i64::MAX, enrollment: SequenceEnrollmentId::generate() };
        let text = place.to_string();
        assert_eq!(UpdateCursor::read(&text, sequence).ok(), Some(place));
        for (text, sequence) in
            [(text.as_str(), RetentionSequenceId::generate()), ("", sequence), (&text[1..], sequence)]
        {
            let error = UpdateCursor::read(text, sequence).expect_err("refused");
            assert!(matches!(error, Error::Invalid(found) if found[0].path == ["after"]), "{text}");
        }
    }
}
