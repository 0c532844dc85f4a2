//! The start of a campaign to a million, while others send: how long it takes to be answered, until the first message, and what it
//! costs the others.
//!
//! `cargo bench --bench start`. `DATABASE_URL`: an empty PostgreSQL database, or none for a fresh SQLite file. `JOBS`: of the large
//! campaign, 1,000,000 by default. `OTHERS`: campaigns that send meanwhile, 10 by default, each 600 messages a minute. Prints one line of
//! JSON. `answered_s` and `first_send_s` are since the start was asked for; `late_p99_ms` and `late_max_ms` by how much the gaps between two
//! sends of one of the others were longer than its rate has them, until the first message of the large one; `before_p99_ms` and
//! `before_max_ms` the same of the seconds before. `peak_rss_mb` is of this process, which is API and worker in one, `before_rss_mb` what it
//! was when the start was asked for.

#[expect(dead_code, reason = "other benchmarks need more of it")]
mod support;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use domain::delivery::Reply;
use domain::id::BroadcastCampaignId;
use futures_util::future::BoxFuture;
use providers::{Contact, Outcome, Receipt, Sender};
use service::broadcast::campaign;
use support::{Bench, number, peak_rss_mb, percentile};
use telegram::simulated::NoOp;
use telegram::{Messenger, Outgoing, Peer};
use tokio_util::sync::CancellationToken;
use worker::{Tools, Worker};

/// Messages a minute of each of the others.
const RATE: i32 = 600;
/// Messages of each of them: for as long as any start may take.
const MESSAGES: i32 = 6_000;
/// For how long the others are watched before.
const BEFORE: Duration = Duration::from_secs(5);
/// When the first message is given up.
const PATIENCE: Duration = Duration::from_mins(10);

/// This bench has no leads.
struct NoContacts;

impl Sender for NoContacts {
    fn send(&self, _: Contact) -> BoxFuture<'_, Outcome> {
        Box::pin(std::future::ready(Outcome::Accepted(Receipt::default())))
    }
}

/// Accepts everything, and notes when.
#[derive(Default, Clone)]
struct Noting(Arc<Mutex<Noted>>);

#[derive(Default)]
struct Noted {
    /// By what the names of the channels of a campaign begin with.
    others: HashMap<String, Vec<Instant>>,
    /// Whether a campaign that was not there before is the large one.
    is_large_due: bool,
    first: Option<Instant>,
}

impl Noting {
    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Messenger for Noting {
    fn send(&self, message: Outgoing) -> BoxFuture<'_, Reply> {
        if let Peer::Channel { username } = &message.peer {
            self.noted().note(username.split('_').next().unwrap_or_default());
        }
        NoOp.send(message)
    }
}

impl Noted {
    fn note(&mut self, campaign: &str) {
        match self.others.get_mut(campaign) {
            Some(sent) => sent.push(Instant::now()),
            None if self.is_large_due => self.first = self.first.or_else(|| Some(Instant::now())),
            None => {
                self.others.insert(campaign.to_owned(), vec![Instant::now()]);
            }
        }
    }

    /// By how many milliseconds each send of the others came later after the one before than it should, between two instants.
    fn late(&self, from: Instant, until: Instant) -> Vec<f64> {
        let due = 60.0 / f64::from(RATE);
        let is_within = |at: &&Instant| from <= **at && **at <= until;
        let mut late = Vec::new();
        for sent in self.others.values() {
            let sent: Vec<&Instant> = sent.iter().filter(is_within).collect();
            late.extend(sent.windows(2).map(|two| ((*two[1] - *two[0]).as_secs_f64() - due).max(0.0) * 1_000.0));
        }
        late
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let jobs = i32::try_from(number("JOBS", 1_000_000))?;
    let bench = Bench::open().await?;
    let actor = bench.admin().await?;
    let seeding = Instant::now();
    let large = bench.campaign(&actor, jobs, 1_000_000).await?;
    let mut others: Vec<BroadcastCampaignId> = Vec::new();
    for _ in 0..number("OTHERS", 10) {
        others.push(bench.campaign(&actor, MESSAGES, RATE).await?);
    }
    let seeded = seeding.elapsed();
    let noting = Noting::default();
    let worker = Worker::start(Tools {
        on: bench.on.clone(),
        beats: bench.on.db.clone(),
        messenger: Arc::new(noting.clone()),
        contacts: Arc::new(NoContacts),
        neighbour: Arc::new(|_| ()),
    });
    let stop = CancellationToken::new();
    let tasks = tokio::spawn(service::tasks::run(bench.on.clone(), stop.clone()));
    for id in &others {
        campaign::start(&bench.on, &actor, *id).await?;
    }
    until("the others send", || noting.noted().others.len() == others.len()).await?;
    let watched = Instant::now();
    tokio::time::sleep(BEFORE).await;
    noting.noted().is_large_due = true;
    let before_rss_mb = peak_rss_mb()?;
    let asked = Instant::now();
    campaign::start(&bench.on, &actor, large).await?;
    let answered = asked.elapsed();
    until("the large campaign sends", || noting.noted().first.is_some()).await?;
    let (before, late, first) = {
        let noted = noting.noted();
        let first = noted.first.unwrap_or(asked);
        (noted.late(watched, asked), noted.late(asked, first), first)
    };
    println!(
        "{}",
        serde_json::json!({
            "bench": "start",
            "database": bench.database(),
            "jobs": jobs,
            "others": others.len(),
            "answered_s": answered.as_secs_f64(),
            "first_send_s": (first - asked).as_secs_f64(),
            "late_p99_ms": percentile(&late, 99),
            "late_max_ms": percentile(&late, 100),
            "before_p99_ms": percentile(&before, 99),
            "before_max_ms": percentile(&before, 100),
            "before_rss_mb": before_rss_mb,
            "peak_rss_mb": peak_rss_mb()?,
            "seed_s": seeded.as_secs_f64(),
            "load_1m": support::load()?,
        })
    );
    stop.cancel();
    tasks.await?;
    worker.stop().await;
    bench.close().await
}

/// Waits for something.
async fn until(what: &str, is_so: impl Fn() -> bool) -> anyhow::Result<()> {
    let began = Instant::now();
    while !is_so() {
        anyhow::ensure!(began.elapsed() < PATIENCE, "{what}: not after ten minutes");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}
