//! Walking a change log from any place in it, to its end. (That nothing is missed while writers commit, the suite shows.)

use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt};
use sea_orm::{ActiveModelTrait, ConnectionTrait, IntoActiveModel};

use super::*;
use crate::testing::Fixture;
use domain::broadcast::JobStatus;
use domain::id::{ChannelId, JobId};
use events::Event;
use storage::broadcast::queue::{Change, Delta, Streak, new_key, record};
use storage::sql::Dialect;

/// A campaign of `jobs` jobs that were just made.
struct Campaign {
    fixture: Fixture,
    id: BroadcastCampaignId,
    logs: JobLogs,
}

impl Campaign {
    async fn of(jobs: i32) -> Self {
        let fixture = Fixture::new(50).await;
        let logs = JobLogs::new(&fixture.services);
        let campaign = Self { fixture, id: BroadcastCampaignId::generate(), logs };
        let (on, id) = (&campaign.fixture.services, campaign.id);
        let key = new_key();
        let positions: Vec<i32> = (1..=jobs).collect();
        let positions = &positions;
        on.db
            .write(|tx| async move {
                let tx = &*tx;
                let sql =
                    "INSERT INTO broadcast_campaign_progress (campaign_id, status, delivery_rate) VALUES ($1, $2, 60)";
                let dialect = Dialect(tx.get_database_backend());
                tx.execute_raw(dialect.statement(sql, [id.into(), "RUNNING".into()])).await?;
                for position in positions {
                    new_job(id, *position, key, on).into_active_model().insert(tx).await?;
                }
                let mut delta = Delta::default();
                delta.made(jobs);
                log(tx, id, key, positions, delta).await
            })
            .await
            .unwrap();
        campaign
    }

    /// Moves jobs to another state, as a lease or a settlement does.
    async fn change(&self, positions: &[i32], from: JobStatus, to: JobStatus) {
        change(&self.fixture.services, self.id, positions, from, to).await;
    }

    async fn status(&self, status: &str) {
        let on = &self.fixture.services;
        on.db
            .write(|tx| async move {
                let tx = &*tx;
                let sql =
                    "UPDATE broadcast_campaign_progress SET status = $2, version = version + 1 WHERE campaign_id = $1";
                let values = [self.id.into(), status.into()];
                tx.execute_raw(Dialect(tx.get_database_backend()).statement(sql, values)).await?;
                Ok(())
            })
            .await
            .unwrap();
        on.tell(Event::Campaign(self.id));
    }

    async fn updates(&self, after: Option<Cursor>) -> impl Stream<Item = Result<JobUpdate>> + Send + use<> {
        let chunks = self.logs.follow(self.id, after).await.unwrap();
        chunks.map_ok(|chunk| stream::iter(chunk.updates.clone().into_iter().map(Ok))).try_flatten()
    }
}

fn new_job(campaign_id: BroadcastCampaignId, position: i32, change: i64, on: &Services) -> job::Model {
    job::Model {
        id: JobId::generate(),
        campaign_id,
        position,
        channel_id: ChannelId::generate(),
        status: JobStatus::Queued,
        change,
        epoch: 0,
        random_id: None,
        account_id: None,
        message_id: None,
        peer_id: None,
        attempts: 0,
        leases: 0,
        error_message: None,
        ambiguous_since: None,
        not_before: None,
        created_at: on.now(),
        started_at: None,
        sent_at: None,
        failed_at: None,
    }
}

async fn log(tx: &storage::Tx, campaign: BroadcastCampaignId, key: i64, positions: &[i32], delta: Delta) -> Result<()> {
    let streak = (0, Streak::Untouched);
    let change = Change { campaign, key, positions, sender: None, delta, streak, not_before: 0 };
    record(tx, &change, false).await?;
    Ok(())
}

async fn change(on: &Services, campaign: BroadcastCampaignId, positions: &[i32], from: JobStatus, to: JobStatus) {
    on.db
        .write(|tx| async move {
            let tx = &*tx;
            let key = new_key();
            let mut delta = Delta::default();
            let list: Vec<String> = positions.iter().map(ToString::to_string).collect();
            let sql = format!(
                "UPDATE jobs SET status = $2, change = $3, attempts = attempts + 1
             WHERE campaign_id = $1 AND position IN ({}) AND status = $4",
                list.join(",")
            );
            let values = [campaign.into(), to.to_string().into(), key.into(), from.to_string().into()];
            let changed = tx.execute_raw(Dialect(tx.get_database_backend()).statement(&sql, values)).await?;
            assert_eq!(changed.rows_affected(), positions.len() as u64);
            delta.moved(from, to, i32::try_from(positions.len()).unwrap());
            log(tx, campaign, key, positions, delta).await
        })
        .await
        .unwrap();
    on.tell(Event::Campaign(campaign));
}

/// All that a finished stream tells, as (position, status, attempts).
async fn all(stream: impl Stream<Item = Result<JobUpdate>>) -> Vec<(Cursor, i32, JobStatus)> {
    let told = stream.map(Result::unwrap).map(|update| (update.cursor, update.job.position, update.job.status));
    tokio::time::timeout(Duration::from_secs(30), told.collect()).await.expect("it completes")
}

#[tokio::test]
async fn each_job_is_told_once_as_it_is_and_from_any_cursor_the_rest() {
    let campaign = Campaign::of(10).await;
    campaign.change(&[1, 2, 3, 5, 8], JobStatus::Queued, JobStatus::Sending).await;
    campaign.change(&[1, 3, 8], JobStatus::Sending, JobStatus::Sent).await;
    campaign.change(&[2], JobStatus::Sending, JobStatus::Queued).await;
    campaign.change(&[2, 4, 6, 7, 9, 10], JobStatus::Queued, JobStatus::Cancelled).await;
    campaign.change(&[5], JobStatus::Sending, JobStatus::Failed).await;
    campaign.status("CANCELLED").await;
    let told = all(campaign.updates(None).await).await;
    let positions: Vec<i32> = told.iter().map(|(_, position, _)| *position).collect();
    assert_eq!(positions, [1, 3, 8, 2, 4, 6, 7, 9, 10, 5]);
    for (n, (cursor, ..)) in told.iter().enumerate() {
        let text = cursor.to_string();
        let rest = all(campaign.updates(Some(Cursor::read(&text, campaign.id).unwrap())).await).await;
        assert_eq!(rest, told[n + 1..], "after {positions:?}[{n}]");
    }
}

#[tokio::test]
async fn a_large_entry_is_read_in_parts() {
    let campaign = Campaign::of(2_500).await;
    let mut stream = std::pin::pin!(campaign.updates(None).await);
    for position in 1..=2_500 {
        assert_eq!(stream.next().await.unwrap().unwrap().job.position, position);
    }
}

/// The next chunk.
async fn next(chunks: impl Stream<Item = Result<Arc<Chunk>>>) -> Arc<Chunk> {
    let mut chunks = std::pin::pin!(chunks);
    tokio::time::timeout(Duration::from_secs(30), chunks.next()).await.expect("it comes").expect("not the end").unwrap()
}

#[tokio::test]
async fn those_at_one_place_share_what_is_read_and_who_comes_from_behind_joins_them() {
    let campaign = Campaign::of(2_500).await;
    let follow = async |after| Box::pin(campaign.logs.follow(campaign.id, after).await.unwrap());
    let (mut anna, mut boris) = (follow(None).await, follow(None).await);
    let first = next(&mut anna).await;
    assert!(Arc::ptr_eq(&first, &next(&mut boris).await), "read once");
    // She has read on to 2,000; who was away since 1,500 reads as far as there, and then what she reads.
    next(&mut anna).await;
    let mut cursor = first.updates[0].cursor;
    cursor.position = 1_500;
    let mut clara = follow(Some(cursor)).await;
    let last = next(&mut anna).await;
    let missed = next(&mut clara).await;
    let positions = |chunk: &Chunk| chunk.updates.iter().map(|update| update.job.position).collect::<Vec<_>>();
    assert_eq!(positions(&missed), (1_501..=2_000).collect::<Vec<_>>());
    assert!(Arc::ptr_eq(&last, &next(&mut clara).await), "she has joined");
    assert_eq!(positions(&last), (2_001..=2_500).collect::<Vec<_>>());
    // Now both wait for one reader; one goes, and the other is told all the same.
    let (waiting, other) = (next(&mut anna), next(&mut clara));
    assert!(tokio::time::timeout(Duration::from_millis(300), waiting).await.is_err());
    drop(anna);
    let change = campaign.change(&[7], JobStatus::Queued, JobStatus::Sent);
    let (told, ()) = tokio::join!(other, change);
    assert_eq!(positions(&told), [7]);
    assert_eq!(positions(&*next(&mut boris).await), (1_001..=2_000).collect::<Vec<_>>(), "who is slow misses nothing");
}

#[tokio::test]
async fn without_events_changes_are_seen_and_a_deleted_campaign_is_an_end() {
    let campaign = Campaign::of(1).await;
    let mut stream = std::pin::pin!(campaign.updates(None).await);
    stream.next().await.unwrap().unwrap();
    assert!(tokio::time::timeout(Duration::from_millis(300), stream.next()).await.is_err(), "it waits");
    let silent = Services { events: Arc::new(events::local::LocalEvents::new()), ..campaign.fixture.services.clone() };
    change(&silent, campaign.id, &[1], JobStatus::Queued, JobStatus::Sent).await;
    assert_eq!(stream.next().await.unwrap().unwrap().job.status, JobStatus::Sent);
    progress::Entity::delete_by_id(campaign.id).exec(campaign.fixture.services.db.reader()).await.unwrap();
    assert!(stream.next().await.is_none());
    let gone = campaign.logs.follow(campaign.id, None).await.err();
    assert!(matches!(gone, Some(Error::NotFound("broadcast campaign"))));
}
