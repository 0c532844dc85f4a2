//! Several processes on one database, woken by a real Redis, which is taken away from them.

use std::time::Duration;

use domain::broadcast::{CampaignStatus, JobStatus};
use domain::id::BroadcastCampaignId;
use futures_util::StreamExt;
use service::Services;
use service::broadcast::follow::{JobLogs, JobUpdate};
use service::broadcast::live::{Live, Progress};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::delivery::fixture::{Office, names};
use crate::harness::Redis;
use crate::live::job_updates;

/// How long a test waits for a campaign's end.
const PATIENCE: Duration = Duration::from_mins(1);

/// Gathers what a process shows of a campaign until it has ended, with the instants.
fn watch(on: &Services, id: BroadcastCampaignId) -> JoinHandle<Vec<(Instant, Progress)>> {
    let live = Live::new(on);
    tokio::spawn(async move {
        let progress = live.progress(id).await.unwrap();
        timeout(PATIENCE, progress.map(|event| (Instant::now(), event.unwrap())).collect()).await.expect("it completes")
    })
}

/// Gathers the updates of a campaign's jobs until it has ended.
fn follow(on: &Services, id: BroadcastCampaignId) -> JoinHandle<Vec<JobUpdate>> {
    let on = on.clone();
    tokio::spawn(async move {
        let updates = job_updates(&JobLogs::new(&on), id, None).await;
        timeout(PATIENCE, updates.map(Result::unwrap).collect()).await.expect("it completes")
    })
}

fn assert_sound(events: &[(Instant, Progress)], jobs: i32) {
    assert!(events.is_sorted_by(|(_, a), (_, b)| a.version < b.version), "versions rise");
    for (_, event) in events {
        let sum = event.queued + event.sending + event.sent + event.failed + event.cancelled + event.unknown;
        assert_eq!(sum, event.total);
    }
    let (_, last) = events.last().unwrap();
    assert_eq!((last.status, last.sent, last.total), (CampaignStatus::Completed, jobs, jobs));
}

async fn join(office: &Office, redis: &Redis) -> Office {
    let mut other = office.another().await;
    other.on.events = redis.events();
    other.rule(|rules| rules.progress_hz = 20);
    other
}

#[tokio::test]
async fn progress_made_by_one_process_shows_on_the_other_at_once() {
    let Some(redis) = Redis::start() else { return };
    let mut office = Office::open().await;
    office.on.events = redis.events();
    let woken = join(&office, &redis).await;
    // Without Redis a process sees the same, a second later.
    let mut polling = office.another().await;
    polling.rule(|rules| rules.progress_hz = 20);
    let id = office.campaign(&names("shown", 80), 1_200).await;
    office.start(id).await;
    let (quick, slow) = (watch(&woken.on, id), watch(&polling.on, id));
    let worker = office.worker();
    let (quick, slow) = (quick.await.unwrap(), slow.await.unwrap());
    worker.stop().await;
    assert_sound(&quick, 80);
    assert_sound(&slow, 80);
    assert!(quick.len() > 2 * slow.len(), "{} events with Redis, {} without", quick.len(), slow.len());
}

#[tokio::test]
async fn while_redis_is_away_sends_go_on_and_everybody_gets_to_the_right_end() {
    let Some(mut redis) = Redis::start() else { return };
    let mut office = Office::open().await;
    office.on.events = redis.events();
    let other = join(&office, &redis).await;
    let id = office.campaign(&names("away", 300), 3_000).await;
    office.start(id).await;
    let (progress, jobs) = (watch(&other.on, id), follow(&other.on, id));
    let worker = office.worker();
    office.until_row(id, "some sends", |row| row.sent > 30).await;
    redis.end();
    let (left, sent) = (Instant::now(), office.progress(id).await.sent);
    // Longer than the second within which a process looks by itself.
    sleep(Duration::from_millis(1_500)).await;
    office.until_row(id, "sends without Redis", |row| row.sent > sent + 50).await;
    redis.begin();
    let back = Instant::now();
    let (progress, jobs) = (progress.await.unwrap(), jobs.await.unwrap());
    worker.stop().await;
    let meanwhile = progress.iter().filter(|(at, _)| *at > left + Duration::from_millis(500) && *at < back).count();
    assert!(meanwhile > 0, "subscribers are fed from the database");
    assert_sound(&progress, 300);

    assert!(jobs.is_sorted_by(|a, b| a.cursor < b.cursor), "in order, none twice");
    let sent: Vec<i32> =
        jobs.iter().filter(|update| update.job.status == JobStatus::Sent).map(|update| update.job.position).collect();
    let mut distinct = sent.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!((sent.len(), distinct.len()), (300, 300), "each job was told to be sent, once");
}
