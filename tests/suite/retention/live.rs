//! Watching sequences: each change is told, in order, and who was away goes on where it was.

use std::collections::HashMap;
use std::time::Duration;

use domain::error::Error;
use domain::id::SequenceEnrollmentId;
use domain::retention::words::{ContactChannel, EnrollmentStatus};
use futures_util::StreamExt;
use service::retention::enrollment_updates::{UpdateCursor, chunks};
use service::retention::sequence;
use service::retention::sequence_live::Sequences;
use storage::retention::enrollment;

use super::engine::{Bureau, email};
use crate::delivery::fixture::Office;

/// How long a stream may be silent.
const PATIENCE: Duration = Duration::from_mins(1);

#[tokio::test]
async fn who_was_away_gets_each_enrollment_as_it_is_without_a_gap_and_without_a_duplicate() {
    let bureau = Bureau::open("2026-03-03T10:00:00Z", 4 * 24 * 3_600).await;
    let Office { on, actor, .. } = &bureau.office;
    let script = bureau.script(ContactChannel::Email, "Hello").await;
    let sequence = bureau.sequence(vec![email(script, 0), email(script, 1), email(script, 1)], |_| ()).await;
    for n in 0..30 {
        let lead = bureau.lead(&format!("watched{n}"), |_| ()).await;
        bureau.enroll(sequence.id, lead).await;
    }
    let worker = bureau.worker();
    // The first watcher hangs up after some updates; the second goes on behind the last that it saw.
    let mut last: HashMap<SequenceEnrollmentId, enrollment::Model> = HashMap::new();
    let mut place: Option<UpdateCursor> = None;
    let mut seen = 0;
    for hang_up in [50, usize::MAX] {
        let mut stream = std::pin::pin!(chunks(on, sequence.id, None, place).await.unwrap());
        while let Some(rows) = tokio::time::timeout(PATIENCE, stream.next()).await.expect("something is told") {
            for row in rows.unwrap() {
                let at = UpdateCursor { sequence: sequence.id, change: row.change, enrollment: row.id };
                assert!(place.is_none_or(|place| (place.change, place.enrollment) < (at.change, at.enrollment)));
                place = Some(at);
                seen += 1;
                last.insert(row.id, row);
                if seen >= hang_up {
                    break;
                }
            }
            if seen >= hang_up {
                break;
            }
            let is_over = last.len() == 30 && last.values().all(|row| row.status == EnrollmentStatus::Completed);
            if is_over && bureau.progress(sequence.id).await.active == 0 {
                sequence::archive(on, actor, sequence.id).await.unwrap();
            }
        }
    }
    worker.stop().await;
    assert_eq!(last.len(), 30, "nobody was passed over");
    for row in enrollment::Entity::of(sequence.id).all(on.db.reader()).await.unwrap() {
        assert_eq!(last[&row.id], row, "the last state is told");
    }
}

#[tokio::test]
async fn progress_rises_and_ends_with_the_sequence() {
    let bureau = Bureau::open("2026-03-03T10:00:00Z", 4 * 24 * 3_600).await;
    let Office { on, actor, .. } = &bureau.office;
    let script = bureau.script(ContactChannel::Email, "Hello").await;
    let sequence = bureau.sequence(vec![email(script, 0), email(script, 1)], |_| ()).await;
    let lead = bureau.lead("watched", |_| ()).await;
    bureau.enroll(sequence.id, lead).await;
    let live = Sequences::new(on);
    let mut stream = Box::pin(live.progress(sequence.id, None).await.unwrap());
    let first = stream.next().await.unwrap().unwrap();
    assert_eq!((first.row.active, first.row.steps_scheduled), (1, 1));
    let worker = bureau.worker();
    bureau.finish(sequence.id).await;
    worker.stop().await;
    sequence::archive(on, actor, sequence.id).await.unwrap();
    let mut version = first.row.version;
    let mut last = first;
    while let Some(state) = tokio::time::timeout(PATIENCE, stream.next()).await.expect("something is told") {
        last = state.unwrap();
        assert!(last.row.version > version, "versions only rise");
        version = last.row.version;
    }
    assert_eq!((last.row.completed, last.row.steps_sent), (1, 2), "the last state is told, then the stream completes");
    let mut late = Box::pin(live.progress(sequence.id, Some(version)).await.unwrap());
    assert!(late.next().await.is_none(), "nothing is newer than what was seen");
    let unknown = domain::id::RetentionSequenceId::generate();
    assert!(matches!(live.progress(unknown, None).await, Err(Error::NotFound(_))));
}
