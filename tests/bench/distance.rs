//! Campaigns whose PostgreSQL is far away: what is left of the pace, and how long a pause and a cancellation take.
//!
//! `cargo bench --bench distance`. `DATABASE_URL`: an empty PostgreSQL database. `JOBS`: of the campaigns without a rate, 20,000 by
//! default, and three times as many where workers are compared. `DURATION_S`: how long a rate is watched, 10 by default. `MS`: only this
//! way there and back. Prints one line of JSON a figure. A worker has its own connections, as a process has.

#[path = "../suite/harness/cable.rs"]
#[expect(dead_code, reason = "tests do more with it")]
mod cable;
#[expect(dead_code, reason = "other benchmarks need more of it")]
mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use cable::Cable;
use domain::broadcast::ProgressStatus;
use domain::id::BroadcastCampaignId;
use futures_util::future::BoxFuture;
use providers::{Contact, Outcome, Receipt, Sender};
use sea_orm::EntityTrait;
use serde_json::{Value, json};
use service::broadcast::campaign;
use service::{Actor, Services};
use storage::Db;
use storage::broadcast::progress;
use support::{Bench, number};
use telegram::simulated::NoOp;
use worker::{Tools, Worker};

/// This bench has no leads.
struct NoContacts;

impl Sender for NoContacts {
    fn send(&self, _: Contact) -> BoxFuture<'_, Outcome> {
        Box::pin(std::future::ready(Outcome::Accepted(Receipt::default())))
    }
}

/// The database, near and by a way that takes some time.
struct Far {
    bench: Bench,
    actor: Actor,
    cable: Cable,
    url: String,
}

impl Far {
    async fn open() -> anyhow::Result<Self> {
        let near = std::env::var("DATABASE_URL")?;
        let (head, name) = near.rsplit_once('/').ok_or_else(|| anyhow::anyhow!("the URL names no database"))?;
        let (user, server) = head.rsplit_once('@').ok_or_else(|| anyhow::anyhow!("the URL names no user"))?;
        let cable = Cable::to(server).await;
        let url = format!("{user}@127.0.0.1:{}/{name}", cable.port);
        let bench = Bench::open().await?;
        let actor = bench.admin().await?;
        Ok(Self { bench, actor, cable, url })
    }

    /// The services of a process.
    async fn services(&self) -> anyhow::Result<Services> {
        Ok(Services { db: Db::postgres(&self.url, 16).await?, ..self.bench.on.clone() })
    }

    async fn workers(&self, count: usize) -> anyhow::Result<Vec<Worker>> {
        let mut workers = Vec::new();
        for _ in 0..count {
            let on = self.services().await?;
            let (beats, contacts, neighbour) = (on.db.clone(), Arc::new(NoContacts), Arc::new(|_: &_| ()));
            workers.push(Worker::start(Tools { on, beats, messenger: Arc::new(NoOp), contacts, neighbour }));
        }
        Ok(workers)
    }

    async fn campaign(&self, jobs: i32, rate: i32) -> anyhow::Result<BroadcastCampaignId> {
        let id = self.bench.campaign(&self.actor, jobs, rate).await?;
        campaign::start(&self.bench.on, &self.actor, id).await?;
        Ok(id)
    }

    async fn row(&self, id: BroadcastCampaignId) -> anyhow::Result<progress::Model> {
        let row = progress::Entity::find_by_id(id).one(self.bench.on.db.reader()).await?;
        row.ok_or_else(|| anyhow::anyhow!("the campaign is gone"))
    }

    async fn until(&self, id: BroadcastCampaignId, holds: impl Fn(&progress::Model) -> bool) -> anyhow::Result<()> {
        let limit = Instant::now() + Duration::from_mins(1);
        while !holds(&self.row(id).await?) && Instant::now() < limit {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }

    /// Jobs a second of a campaign without a rate, in a minute at most. How often its row was changed tells of contention.
    async fn unlimited(&self, jobs: i32) -> anyhow::Result<Value> {
        let began = Instant::now();
        let id = self.campaign(jobs, 1_000_000).await?;
        let (started, began) = (began.elapsed(), Instant::now());
        self.until(id, |row| row.status == ProgressStatus::Completed).await?;
        let (row, took) = (self.row(id).await?, began.elapsed());
        let per_second = (f64::from(row.sent) / took.as_secs_f64()).round();
        Ok(json!({ "jobs": row.sent, "jobs_per_s": per_second, "changes": row.seq, "start_s": started.as_secs_f64() }))
    }

    /// The share of a rate that is used, and how long a pause and a cancellation take meanwhile.
    async fn paced(&self, rate: i32) -> anyhow::Result<Value> {
        let seconds = number("DURATION_S", 10);
        let id = self.campaign(i32::try_from(seconds)? * rate / 60 + rate, rate).await?;
        self.until(id, |row| row.sent > rate / 60).await?;
        let (first, began) = (self.row(id).await?.sent, Instant::now());
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        let sent = self.row(id).await?.sent - first;
        let used = f64::from(sent) * 60.0 / began.elapsed().as_secs_f64() / f64::from(rate);
        let on = self.services().await?;
        let asked = Instant::now();
        campaign::pause(&on, &self.actor, id).await?;
        let paused = asked.elapsed();
        campaign::resume(&on, &self.actor, id).await?;
        let before = self.row(id).await?.sent;
        self.until(id, |row| row.sent > before).await?;
        let asked = Instant::now();
        campaign::cancel(&on, &self.actor, id).await?;
        let cancelled = asked.elapsed();
        on.db.close().await?;
        let (pause_s, cancel_s) = (paused.as_secs_f64(), cancelled.as_secs_f64());
        Ok(json!({ "rate": rate, "used": used, "pause_s": pause_s, "cancel_s": cancel_s }))
    }
}

fn tell(what: &str, ms: u64, workers: usize, figures: &Value) -> anyhow::Result<()> {
    let mut line = json!({ "bench": what, "ms": ms, "workers": workers, "load_1m": support::load()? });
    for (name, value) in figures.as_object().into_iter().flatten() {
        line[name] = value.clone();
    }
    println!("{line}");
    Ok(())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let jobs = i32::try_from(number("JOBS", 20_000))?;
    let far = Far::open().await?;
    let only = std::env::var("MS").ok().and_then(|ms| ms.parse().ok());
    for ms in [0, 2, 10, 30, 80].into_iter().filter(|ms| only.is_none_or(|only: u64| only == *ms)) {
        far.cable.lengthen(Duration::from_millis(ms));
        for count in [1, 3] {
            let workers = far.workers(count).await?;
            tell("distance", ms, count, &far.unlimited(jobs).await?)?;
            tell("distance", ms, count, &far.paced(6_000).await?)?;
            futures_util::future::join_all(workers.into_iter().map(Worker::stop)).await;
        }
    }
    if only.is_none_or(|only| only == 0) {
        far.cable.lengthen(Duration::ZERO);
        for count in [1, 2, 5, 10] {
            let workers = far.workers(count).await?;
            tell("workers", 0, count, &far.unlimited(jobs * 3).await?)?;
            futures_util::future::join_all(workers.into_iter().map(Worker::stop)).await;
        }
    }
    far.bench.close().await
}
