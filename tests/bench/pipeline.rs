//! Jobs through the whole pipeline: slots, lease, a messenger that does nothing, settlement, counters, progress.
//!
//! `cargo bench --bench pipeline`. `DATABASE_URL`: an empty PostgreSQL database, or none for a fresh SQLite file. `REDIS_URL`:
//! events by Redis. `JOBS`: 1,000,000 by default. Prints one line of JSON. `p50_ms` and `p99_ms` are the times between two
//! settlements of a campaign, which is how old the progress is that a subscriber sees.
//!
//! One campaign may send 1,000,000 messages a minute (16,667 a second), so the jobs are those of several campaigns.

#[expect(dead_code, reason = "other benchmarks need more of it")]
mod support;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::broadcast::ProgressStatus;
use domain::id::BroadcastCampaignId;
use events::{Event, Subscription};
use futures_util::future::BoxFuture;
use providers::{Contact, Outcome, Receipt, Sender};
use sea_orm::EntityTrait;
use service::broadcast::campaign;
use storage::broadcast::progress;
use support::{Bench, number, peak_rss_mb, percentile};
use telegram::simulated::NoOp;
use worker::{Tools, Worker};

/// This bench has no leads.
struct NoContacts;

impl Sender for NoContacts {
    fn send(&self, _: Contact) -> BoxFuture<'_, Outcome> {
        Box::pin(std::future::ready(Outcome::Accepted(Receipt::default())))
    }
}

/// Campaigns that send at the same time.
const CAMPAIGNS: i32 = 4;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let jobs = i32::try_from(number("JOBS", 1_000_000))?;
    let bench = Bench::open().await?;
    let actor = bench.admin().await?;
    let freezing = Instant::now();
    let mut campaigns = Vec::new();
    for n in 0..CAMPAIGNS {
        let channels = jobs / CAMPAIGNS + i32::from(n < jobs % CAMPAIGNS);
        campaigns.push(bench.campaign(&actor, channels, 1_000_000).await?);
    }
    let seeded = freezing.elapsed();
    let freezing = Instant::now();
    for id in &campaigns {
        campaign::start(&bench.on, &actor, *id).await?;
    }
    let frozen = freezing.elapsed();
    let events = bench.on.events.subscribe();
    let gaps = tokio::spawn(gaps(events));
    let began = Instant::now();
    let worker = Worker::start(Tools {
        on: bench.on.clone(),
        beats: bench.on.db.clone(),
        messenger: Arc::new(NoOp),
        contacts: Arc::new(NoContacts),
        neighbour: Arc::new(|_| ()),
    });
    let sent = finish(&bench, &campaigns).await?;
    let took = began.elapsed();
    worker.stop().await;
    bench.on.tell(Event::Report);
    let gaps = gaps.await?;
    println!(
        "{}",
        serde_json::json!({
            "bench": "pipeline",
            "database": bench.database(),
            "jobs": sent,
            "jobs_per_s": (f64::from(sent) / took.as_secs_f64()).round(),
            "p50_ms": percentile(&gaps, 50),
            "p99_ms": percentile(&gaps, 99),
            "peak_rss_mb": peak_rss_mb()?,
            "seed_s": seeded.as_secs_f64(),
            "freeze_s": frozen.as_secs_f64(),
            "load_1m": support::load()?,
        })
    );
    bench.close().await
}

/// Waits until all campaigns are complete, and makes sure that everything was sent.
async fn finish(bench: &Bench, campaigns: &[BroadcastCampaignId]) -> anyhow::Result<i32> {
    loop {
        let rows = progress::Entity::find().all(bench.on.db.reader()).await?;
        let mine: Vec<_> = rows.into_iter().filter(|row| campaigns.contains(&row.campaign_id)).collect();
        if mine.iter().all(|row| row.status == ProgressStatus::Completed) {
            anyhow::ensure!(mine.iter().all(|row| row.sent == row.total), "not everything was sent");
            return Ok(mine.iter().map(|row| row.sent).sum());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Milliseconds between two settlements of the same campaign, until the end is told by [`Event::Report`].
async fn gaps(mut events: Subscription) -> Vec<f64> {
    let mut last: HashMap<BroadcastCampaignId, Instant> = HashMap::new();
    let mut gaps = Vec::new();
    loop {
        match events.next().await {
            Event::Campaign(id) => {
                let now = Instant::now();
                if let Some(before) = last.insert(id, now) {
                    gaps.push((now - before).as_secs_f64() * 1_000.0);
                }
            }
            Event::Report => return gaps,
            _ => {}
        }
    }
}
